//! A linear operation made ready to run; the rules are those of
//! `src/backend/execute/linear-work.ts`.

use std::collections::HashMap;
use std::ops::Range;

use crate::compositions::{Compositions, RotationTree};
use crate::diagonals::{LinearMethod, diagonal_terms, fold_rotations};
use crate::groups::{Groups, gather};
use crate::layout::Layout;
use crate::program::{MatrixOperand, Op, Operation, Program};

/// Values that are multiplied at once: every sum is read and written once for so many products.
const VALUES: usize = 8;
/// Products that are made at once, where sums share the values.
const PRODUCTS: usize = 32;
/// Bytes that the plaintexts of products made at once take, where there are more than `VALUES`.
const PLAINTEXT_BYTES: usize = 1 << 25;

/// Products that are made at once.
#[derive(Debug)]
pub struct Part {
    /// Positions in the order.
    pub positions: Range<usize>,
    /// Numbers of its sums, as they come.
    pub sums: Vec<usize>,
    /// A group of each of its values, as they come.
    pub values: Vec<usize>,
    /// For each product the place of its sum and of its value among those.
    pub terms: Vec<(usize, usize)>,
}

/// Groups in an order that holds few ciphertexts, and when each value is made and freed.
#[derive(Debug)]
pub struct LinearWork {
    pub groups: Groups,
    /// Groups in the order of execution.
    pub order: Vec<usize>,
    /// The order in parts.
    pub parts: Vec<Part>,
    /// Inputs are rotated before they are multiplied: products are taken modulo Q·P.
    pub extended: bool,
    /// Per group, the number of its rotated input (a baby step of an input ciphertext).
    pub rotated_of: Vec<usize>,
    /// Per group, the number of its sum (a giant step of an output ciphertext).
    pub sum_of: Vec<usize>,
    /// Per group, the number of its input ciphertext.
    pub input_of: Vec<usize>,
    /// Rotated inputs; behind those of groups, those that others are made from.
    pub rotated: RotationTree,
    /// Sums; behind those of groups, those of other sums alone.
    pub sums: RotationTree,
    /// Per sum, what is added to it: its products, as one, and other sums.
    pub sum_parts: Vec<usize>,
    /// Positions in `order` of the last use of each.
    pub last_of_rotated: Vec<Option<usize>>,
    pub last_of_sum: Vec<Option<usize>>,
    pub last_of_input: Vec<Option<usize>>,
    pub last_of_output: Vec<Option<usize>>,
    /// Whether the rotated ones made from an input share its digits.
    pub hoist: bool,
    /// Per input ciphertext, and behind them per rotated one, how many are made from it.
    pub rotations_of: Vec<usize>,
    /// What each fold rotates by: one step, or several one after the other.
    pub folds: Vec<Vec<i32>>,
    /// Scale of the diagonals of each operand.
    pub plain_scales: Vec<f64>,
    /// Whether a group is one number for every slot.
    pub scalar: bool,
    pub slots: u32,
    pub batch_offsets: Vec<u32>,
    /// Rotations, folds included.
    pub rotations: usize,
}

/// Numbers for keys in the order they are met.
fn numbered<K: std::hash::Hash + Eq>(keys: impl Iterator<Item = K>) -> (Vec<usize>, usize) {
    let mut numbers = HashMap::new();
    let list = keys
        .map(|key| {
            let next = numbers.len();
            *numbers.entry(key).or_insert(next)
        })
        .collect();
    (list, numbers.len())
}

fn last_positions(order: &[usize], number_of: &[usize], count: usize) -> Vec<Option<usize>> {
    let mut last = vec![None; count];
    for (position, &group) in order.iter().enumerate() {
        last[number_of[group]] = Some(position);
    }
    last
}

/// The most numbers that are alive at once, from first to last use.
fn most_alive(order: &[usize], number_of: &[usize], count: usize) -> usize {
    let last = last_positions(order, number_of, count);
    let mut alive = vec![false; count];
    let (mut now, mut most) = (0usize, 0);
    for (position, &group) in order.iter().enumerate() {
        let number = number_of[group];
        if !alive[number] {
            alive[number] = true;
            now += 1;
            most = most.max(now);
        }
        if last[number] == Some(position) {
            now -= 1;
        }
    }
    most
}

/// Whether a diagonal of a batch layout may be one number: unused slots are then multiplied too.
fn only_numbers(inputs: &[&Layout], output: &Layout) -> bool {
    output.batch_size() == output.slots as usize
        || output.unused_bound.is_some()
        || inputs.iter().all(|input| input.unused_bound.is_none())
}

/// The order that holds fewer values, and whether it is by output: else some inputs come after the
/// others.
fn smaller_order(
    groups: &Groups,
    operation: &Operation,
    (rotated_of, rotated_count): (&[usize], usize),
    (sum_of, sum_count): (&[usize], usize),
) -> (Vec<usize>, bool) {
    let by_output: Vec<usize> = (0..groups.list.len()).collect();
    let mut by_input = by_output.clone();
    let operands = &operation.operands;
    by_input.sort_by_key(|&g| {
        let group = groups.list[g];
        let value = operands
            .iter()
            .position(|&id| id == operands[group.operand as usize]);
        (value, group.in_ciphertext, group.baby, group.operand, g)
    });
    let mut rank = vec![None; rotated_count];
    let mut ranks = 0;
    for &g in &by_input {
        rank[rotated_of[g]].get_or_insert_with(|| {
            ranks += 1;
            ranks - 1
        });
    }
    by_input.sort_by_key(|&g| (rank[rotated_of[g]].map(|rank| rank / VALUES), sum_of[g], g));
    let alive = |order: &[usize]| {
        most_alive(order, rotated_of, rotated_count) + most_alive(order, sum_of, sum_count)
    };
    if alive(&by_input) < alive(&by_output) {
        (by_input, false)
    } else {
        (by_output, true)
    }
}

/// The place of a number in a list, at the end of which it is put where it is not there.
fn place_in(list: &mut Vec<usize>, number: usize) -> usize {
    let known = list.iter().position(|&other| other == number);
    known.unwrap_or_else(|| {
        list.push(number);
        list.len() - 1
    })
}

/// Cut the order into parts of few values and products; by output, of one sum.
fn parts(
    order: &[usize],
    by_output: bool,
    rotated_of: &[usize],
    sum_of: &[usize],
    plaintext_bytes: usize,
) -> Vec<Part> {
    let products = (PLAINTEXT_BYTES / plaintext_bytes).clamp(VALUES, PRODUCTS);
    let mut parts: Vec<Part> = Vec::new();
    // Numbers of the values of the last part.
    let mut rotated: Vec<usize> = Vec::new();
    for (position, &g) in order.iter().enumerate() {
        let (number, sum) = (rotated_of[g], sum_of[g]);
        let fits = |part: &Part| {
            let same_sum = part.sums.last() == Some(&sum);
            part.terms.len() < products
                && (rotated.contains(&number) || rotated.len() < VALUES)
                && (same_sum || !by_output && !part.sums.contains(&sum))
        };
        if !parts.last().is_some_and(fits) {
            rotated.clear();
            parts.push(Part {
                positions: position..position,
                sums: Vec::new(),
                values: Vec::new(),
                terms: Vec::new(),
            });
        }
        let last = parts.len() - 1;
        let part = &mut parts[last];
        let value = place_in(&mut rotated, number);
        if value == part.values.len() {
            part.values.push(g);
        }
        part.terms.push((place_in(&mut part.sums, sum), value));
        part.positions.end = position + 1;
    }
    parts
}

/// The products of a linear operation.
fn products(
    program: &Program,
    maps: &[MatrixOperand],
    method: LinearMethod,
    inputs: &[&Layout],
    output: &Layout,
) -> Groups {
    let terms: Vec<_> = maps
        .iter()
        .zip(inputs)
        .map(|(map, input)| {
            let list = diagonal_terms(&map.segments, input, output, method.fold);
            (list, &program.constants[map.weights].data[..])
        })
        .collect();
    gather(&terms, method, output.slots)
}

/// What each fold rotates by.
fn fold_chains(method: LinearMethod, compositions: &Compositions, slots: u32) -> Vec<Vec<i32>> {
    fold_rotations(method.fold, slots)
        .into_iter()
        .map(|step| compositions.folds.chain(step, slots))
        .collect()
}

/// How rotated inputs and sums are made of others.
struct Trees {
    rotated: RotationTree,
    sums: RotationTree,
    /// Per sum, what is added to it.
    sum_parts: Vec<usize>,
}

impl Trees {
    fn new(
        groups: &Groups,
        input_of: &[usize],
        (rotated_of, rotated_count): (&[usize], usize),
        (sum_of, sum_count): (&[usize], usize),
        compositions: &Compositions,
        slots: u32,
    ) -> Self {
        let mut rotated_nodes = vec![(0, 0); rotated_count];
        let mut sum_nodes = vec![(0, 0); sum_count];
        for (g, group) in groups.list.iter().enumerate() {
            rotated_nodes[rotated_of[g]] = (input_of[g], group.baby);
            sum_nodes[sum_of[g]] = (group.out_ciphertext as usize, group.giant);
        }
        let rotated = RotationTree::new(&rotated_nodes, &compositions.inputs, slots, false);
        let sums = RotationTree::new(&sum_nodes, &compositions.sums, slots, true);
        let mut sum_parts = vec![0; sums.from.len()];
        for (sum, &into) in sums.from.iter().enumerate() {
            sum_parts[sum] += usize::from(sum < sum_count);
            if let Some(into) = into {
                sum_parts[into] += 1;
            }
        }
        Self {
            rotated,
            sums,
            sum_parts,
        }
    }
}

/// When inputs and rotated inputs are used last, and how often they are rotated.
struct Uses {
    last_of_input: Vec<Option<usize>>,
    last_of_rotated: Vec<Option<usize>>,
    /// Per input, and behind them per rotated one.
    rotations_of: Vec<usize>,
}

impl Uses {
    fn new(
        order: &[usize],
        rotated_of: &[usize],
        input_of: &[usize],
        input_count: usize,
        rotated: &RotationTree,
        extended: bool,
    ) -> Self {
        // An input is needed where it is used as it is, and where another one is made from it.
        let mut last_of_input = vec![None; input_count];
        let mut last_of_rotated = vec![None; rotated.from.len()];
        let mut rotations_of = vec![0; input_count + rotated.from.len()];
        let mut made = vec![false; rotated.from.len()];
        for (position, &group) in order.iter().enumerate() {
            let mut number = rotated_of[group];
            last_of_rotated[number] = Some(position);
            if !extended {
                last_of_input[input_of[group]] = Some(position);
            }
            while !std::mem::replace(&mut made[number], true) {
                let turned = usize::from(rotated.step[number] != 0);
                let Some(from) = rotated.from[number] else {
                    last_of_input[input_of[group]] = Some(position);
                    rotations_of[input_of[group]] += turned;
                    break;
                };
                rotations_of[input_count + from] += turned;
                last_of_rotated[from] = Some(position);
                number = from;
            }
        }
        Self {
            last_of_input,
            last_of_rotated,
            rotations_of,
        }
    }
}

impl LinearWork {
    /// Make a linear operation ready; none for another one. Cost: gathering its products.
    pub fn new(program: &Program, operation: &Operation) -> Option<Self> {
        let Op::Linear {
            maps,
            method,
            compositions,
        } = &operation.op
        else {
            return None;
        };
        let output = &program.layouts[operation.layout];
        let slots = output.slots;
        let inputs: Vec<&Layout> = operation
            .operands
            .iter()
            .map(|&operand| program.layout_of(operand))
            .collect();
        let groups = products(program, maps, *method, &inputs, output);
        let never_rotates = output.is_batch_layout() && inputs.iter().all(|i| i.is_batch_layout());

        // Two operands may be one value: its ciphertexts are rotated and freed once.
        let value_of = |operand: u32| operation.operands[operand as usize];
        let (input_of, input_count) = numbered(
            groups
                .list
                .iter()
                .map(|group| (value_of(group.operand), group.in_ciphertext)),
        );
        let (rotated_of, rotated_count) = numbered(
            groups
                .list
                .iter()
                .zip(&input_of)
                .map(|(group, &input)| (input, group.baby)),
        );
        let (sum_of, sum_count) = numbered(
            groups
                .list
                .iter()
                .map(|group| (group.out_ciphertext, group.giant)),
        );

        let (order, by_output) = if never_rotates {
            ((0..groups.list.len()).collect(), true)
        } else {
            let rotated = (&rotated_of[..], rotated_count);
            smaller_order(&groups, operation, rotated, (&sum_of, sum_count))
        };

        let extended = groups.list.iter().any(|group| group.baby != 0);
        let trees = Trees::new(
            &groups,
            &input_of,
            (&rotated_of, rotated_count),
            (&sum_of, sum_count),
            compositions,
            slots,
        );
        let uses = Uses::new(
            &order,
            &rotated_of,
            &input_of,
            input_count,
            &trees.rotated,
            extended,
        );
        let out_of: Vec<usize> = groups
            .list
            .iter()
            .map(|group| group.out_ciphertext as usize)
            .collect();
        let last_of_output = last_positions(&order, &out_of, output.ciphertexts as usize);
        let folds = fold_chains(*method, compositions, slots);
        let turns = folds.iter().map(Vec::len).sum::<usize>();
        let rotations = trees.rotated.rotations()
            + trees.sums.rotations()
            + turns * last_of_output.iter().flatten().count();
        let specials = usize::from(extended) * program.modulus.special_primes.len();
        let residues = operation.form.level + 1 + specials;
        let plaintext_bytes = residues * program.modulus.ring_degree as usize * size_of::<u64>();
        Some(Self {
            parts: parts(&order, by_output, &rotated_of, &sum_of, plaintext_bytes),
            last_of_sum: last_positions(&order, &sum_of, sum_count),
            plain_scales: maps.iter().map(|map| map.plain_scale).collect(),
            scalar: never_rotates && only_numbers(&inputs, output),
            batch_offsets: output.placement().batch_offsets,
            groups,
            order,
            extended,
            rotated_of,
            sum_of,
            input_of,
            last_of_output,
            last_of_rotated: uses.last_of_rotated,
            last_of_input: uses.last_of_input,
            rotations_of: uses.rotations_of,
            rotated: trees.rotated,
            sums: trees.sums,
            sum_parts: trees.sum_parts,
            folds,
            hoist: method.hoist,
            slots,
            rotations,
        })
    }

    /// What a rotated input is made from, as a number of `rotations_of`; `group` is one of its input.
    pub fn source(&self, node: usize, group: usize) -> usize {
        match self.rotated.from[node] {
            None => self.input_of[group],
            Some(from) => self.last_of_input.len() + from,
        }
    }

    /// The number that a group of a batch layout is.
    pub fn number(&self, group: usize) -> f64 {
        self.groups.entries(group).map(|(_, weight)| weight).sum()
    }

    /// Write the diagonal of a group over zeros.
    pub fn fill(&self, group: usize, slots: &mut [f64]) {
        let mask = self.slots - 1;
        for &offset in &self.batch_offsets {
            for (slot, weight) in self.groups.entries(group) {
                slots[((slot + offset) & mask) as usize] += weight;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_are_the_order_with_few_values_of_ascending_sums(
            pairs in proptest::collection::vec((0usize..20, 0usize..12), 1..200),
            by_output: bool,
            plaintext_bytes in 1usize..1 << 26,
        ) {
            let (rotated_of, sum_of): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            let mut order: Vec<usize> = (0..sum_of.len()).collect();
            if by_output {
                order.sort_by_key(|&g| sum_of[g]);
            }
            let parts = parts(&order, by_output, &rotated_of, &sum_of, plaintext_bytes);
            let mut next = 0;
            for part in &parts {
                prop_assert_eq!(part.positions.start, next);
                next = part.positions.end;
                prop_assert!(part.values.len() <= VALUES && part.terms.len() <= PRODUCTS);
                let bytes = part.terms.len() * plaintext_bytes;
                prop_assert!(part.terms.len() <= VALUES || bytes <= PLAINTEXT_BYTES);
                prop_assert!(!by_output || part.sums.len() == 1);
                prop_assert!(part.terms.is_sorted_by_key(|&(sum, _)| sum));
                prop_assert_eq!(part.terms.len(), part.positions.len());
                for (&g, &(sum, value)) in order[part.positions.clone()].iter().zip(&part.terms) {
                    prop_assert_eq!(part.sums[sum], sum_of[g]);
                    prop_assert_eq!(rotated_of[part.values[value]], rotated_of[g]);
                }
            }
            prop_assert_eq!(next, order.len());
        }
    }
}
