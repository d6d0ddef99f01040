//! A linear map between two layouts as rotations and diagonals; the rule is that of
//! `src/ir/packed/diagonals.ts`, which every evaluator follows, so that a plan names layouts, fold
//! and giant step only.

use crate::layout::{Digit, DigitOf, Layout};
use crate::linear_map::Segments;

/// An output gathered in `count` partial sums, `step` slots apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fold {
    pub step: u32,
    /// A power of two.
    pub count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinearMethod {
    /// G of baby-step giant-step; 0 where every rotation is a baby step.
    pub giant_step: u32,
    pub fold: Option<Fold>,
    /// Whether the baby steps of an input share one decomposition.
    pub hoist: bool,
}

/// One product: partial[out][slot] += weight × rotated(x[input], rotation)[slot].
#[derive(Clone, Copy, Debug)]
pub struct Term {
    pub out_ciphertext: u32,
    pub out_slot: u32,
    pub in_ciphertext: u32,
    /// To the left, in (−slots/2, slots/2].
    pub rotation: i32,
    pub weight: u32,
}

/// Bring a rotation into (−slots/2, slots/2].
pub fn centred_rotation(rotation: i64, slots: u32) -> i32 {
    let slots = i64::from(slots);
    let r = rotation.rem_euclid(slots);
    (if r > slots / 2 { r - slots } else { r }) as i32
}

/// Split a rotation into its baby and its giant step.
pub fn split_rotation(rotation: i32, giant_step: u32, slots: u32) -> (i32, i32) {
    if giant_step == 0 {
        return (rotation, 0);
    }
    let (rotation, giant) = (i64::from(rotation), i64::from(giant_step));
    let half = giant / 2;
    let baby = (rotation + half).rem_euclid(giant) - half;
    (baby as i32, centred_rotation(rotation - baby, slots))
}

/// Rotations of a fold, in order: step, 2 step, 4 step, …
pub fn fold_rotations(fold: Option<Fold>, slots: u32) -> Vec<i32> {
    let Some(Fold { step, count }) = fold else {
        return Vec::new();
    };
    (0..count.trailing_zeros())
        .map(|n| centred_rotation(i64::from(step) << n, slots))
        .collect()
}

fn folds_whole_ring(fold: Fold, slots: u32) -> bool {
    u64::from(fold.step) * u64::from(fold.count) == u64::from(slots)
}

/// The output layout without the copies that the fold makes by itself.
pub fn layout_before_fold(layout: &Layout, fold: Option<Fold>) -> Layout {
    let mut before = layout.clone();
    if let Some(fold) = fold.filter(|&fold| folds_whole_ring(fold, layout.slots)) {
        let made = |digit: &Digit| {
            digit.of == DigitOf::Copy
                && !digit.in_ciphertext
                && digit.stride == fold.step
                && digit.size == fold.count
        };
        before.digits.retain(|digit| !made(digit));
    }
    before
}

/// Places of each element, grouped by element, lowest place first.
struct PlacesByElement {
    start: Vec<u32>,
    places: Vec<u32>,
}

impl PlacesByElement {
    fn new(layout: &Layout) -> Self {
        let placement = layout.placement();
        let count = layout.element_count();
        let mut start = vec![0u32; count + 1];
        for &element in &placement.elements {
            start[element as usize + 1] += 1;
        }
        for e in 0..count {
            start[e + 1] += start[e];
        }
        let mut next = start.clone();
        let mut places = vec![0u32; placement.places.len()];
        for (&element, &place) in placement.elements.iter().zip(&placement.places) {
            let at = &mut next[element as usize];
            places[*at as usize] = place;
            *at += 1;
        }
        for e in 0..count {
            places[start[e] as usize..start[e + 1] as usize].sort_unstable();
        }
        Self { start, places }
    }

    fn of(&self, element: u32) -> &[u32] {
        let e = element as usize;
        &self.places[self.start[e] as usize..self.start[e + 1] as usize]
    }
}

/// Per difference of slots (input − output, modulo the ring).
#[derive(Clone, Copy, Default)]
struct Nearest {
    /// Rotation left once the partial sum is taken.
    rotation: i32,
    /// Slots from the output to that partial sum.
    partial: u32,
    /// Magnitude of the rotation, a positive one before its negative.
    rank: u32,
}

fn nearest_table(fold: Option<Fold>, slots: u32) -> Vec<Nearest> {
    (0..slots)
        .map(|difference| {
            let mut rotation = i64::from(difference);
            if difference > slots / 2 {
                rotation -= i64::from(slots);
            }
            let mut partial_slots = 0;
            if let Some(fold) = fold {
                let (step, count) = (i64::from(fold.step), i64::from(fold.count));
                // ceil(rotation / step − 1/2)
                let nearest = -((-(2 * rotation - step)).div_euclid(2 * step));
                let partial = nearest.rem_euclid(count) * step;
                rotation = i64::from(centred_rotation(rotation - partial, slots));
                partial_slots = partial as u32;
            }
            let rank = 2 * rotation.unsigned_abs() as u32 + u32::from(rotation < 0);
            Nearest {
                rotation: rotation as i32,
                partial: partial_slots,
                rank,
            }
        })
        .collect()
}

/// List the products of a linear map between two layouts of the same number of slots.
///
/// Cost: one term an entry and output copy, compared with every copy of the input.
pub fn diagonal_terms(
    map: &Segments,
    input: &Layout,
    output: &Layout,
    fold: Option<Fold>,
) -> Vec<Term> {
    let from = PlacesByElement::new(input);
    let to = PlacesByElement::new(&layout_before_fold(output, fold));
    let nearest = nearest_table(fold, output.slots);
    let mask = output.slots - 1;
    let slot_bits = output.slots.trailing_zeros();
    let mut terms = Vec::new();
    map.for_each(|entry| {
        for &out_place in to.of(entry.output) {
            let best = from
                .of(entry.input)
                .iter()
                .map(|&in_place| {
                    (
                        in_place,
                        nearest[(in_place.wrapping_sub(out_place) & mask) as usize],
                    )
                })
                .reduce(|best, next| {
                    if next.1.rank < best.1.rank {
                        next
                    } else {
                        best
                    }
                });
            let Some((in_place, found)) = best else {
                continue;
            };
            terms.push(Term {
                out_ciphertext: out_place >> slot_bits,
                out_slot: (out_place + found.partial) & mask,
                in_ciphertext: in_place >> slot_bits,
                rotation: found.rotation,
                weight: entry.weight,
            });
        }
    });
    terms
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folds_double_their_step() {
        let fold = Some(Fold { step: 8, count: 8 });
        assert_eq!(fold_rotations(fold, 64), vec![8, 16, 32]);
        assert_eq!(fold_rotations(None, 64), Vec::<i32>::new());
    }

    proptest! {
        #[test]
        fn baby_and_giant_add_up(rotation in -31i32..=32, giant in 0u32..40) {
            let (baby, rest) = split_rotation(rotation, giant, 64);
            prop_assert_eq!(centred_rotation(i64::from(baby) + i64::from(rest), 64), rotation);
            if giant > 0 {
                let half = giant as i32 / 2;
                prop_assert!(baby >= -half && baby < giant as i32 - half);
            }
        }

        #[test]
        fn partial_sum_and_rotation_reach_the_input(
            difference in 0u32..64,
            step in 0u32..6,
            count in 0u32..4,
        ) {
            let fold = Fold { step: 1 << step, count: 1 << count };
            prop_assume!(fold.step * fold.count <= 64);
            let found = nearest_table(Some(fold), 64)[difference as usize];
            let reached = i64::from(found.partial) + i64::from(found.rotation);
            prop_assert_eq!(centred_rotation(reached, 64), centred_rotation(i64::from(difference), 64));
            prop_assert!(found.partial.is_multiple_of(fold.step) && found.partial < fold.step * fold.count);
        }
    }
}
