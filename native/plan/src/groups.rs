//! The products of one linear operation, gathered into diagonals; see `src/ir/ckks/group-products.ts`.

use std::collections::BTreeSet;

use crate::diagonals::{LinearMethod, Term, centred_rotation, split_rotation};

/// One plaintext: all products of an output ciphertext, giant step, operand, input ciphertext and
/// baby step. Its entries are `slot`/`weight` from `start` to that of the next group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    pub out_ciphertext: u32,
    /// Rotation of the sum to the left, in (−slots/2, slots/2].
    pub giant: i32,
    pub operand: u32,
    pub in_ciphertext: u32,
    /// Rotation of the input to the left.
    pub baby: i32,
}

/// Groups in ascending order, and their entries.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    pub list: Vec<Group>,
    /// Entries of group g are start[g] … start[g + 1] − 1.
    pub start: Vec<u32>,
    /// Slot of the plaintext, for the first image of a batch; repeated ones add up.
    pub slot: Vec<u32>,
    pub weight: Vec<f64>,
}

impl Groups {
    pub fn entries(&self, group: usize) -> impl Iterator<Item = (u32, f64)> {
        let range = self.start[group] as usize..self.start[group + 1] as usize;
        self.slot[range.clone()]
            .iter()
            .copied()
            .zip(self.weight[range].iter().copied())
    }
}

/// Gather the terms of every operand; terms of weight zero have no products.
///
/// Cost: a stable sort of the terms.
pub fn gather(terms: &[(Vec<Term>, &[f64])], method: LinearMethod, slots: u32) -> Groups {
    let rotations: BTreeSet<i32> = terms
        .iter()
        .flat_map(|(list, _)| list.iter().map(|term| term.rotation))
        .collect();
    let half = slots as i32 / 2;
    let mut split = vec![(0i32, 0i32); slots as usize + 1];
    for rotation in rotations {
        let (baby, giant) = split_rotation(rotation, method.giant_step, slots);
        split[(rotation + half) as usize] = (centred_rotation(i64::from(baby), slots), giant);
    }
    let mut products: Vec<(Group, u32, f64)> = Vec::new();
    for (operand, (list, weights)) in terms.iter().enumerate() {
        for term in list {
            let weight = weights[term.weight as usize];
            if weight == 0.0 {
                continue;
            }
            let (baby, giant) = split[(term.rotation + half) as usize];
            let slot = term.out_slot.wrapping_add_signed(giant) & (slots - 1);
            let group = Group {
                out_ciphertext: term.out_ciphertext,
                giant,
                operand: operand as u32,
                in_ciphertext: term.in_ciphertext,
                baby,
            };
            products.push((group, slot, weight));
        }
    }
    products.sort_by_key(|&(group, ..)| group);
    let mut groups = Groups::default();
    for (group, slot, weight) in products {
        if groups.list.last() != Some(&group) {
            groups.start.push(groups.slot.len() as u32);
            groups.list.push(group);
        }
        groups.slot.push(slot);
        groups.weight.push(weight);
    }
    groups.start.push(groups.slot.len() as u32);
    groups
}
