//! A linear operation between batch layouts made ready to run: small dense matrices of numbers.
//!
//! Every slot is another image, so nothing rotates and a weight is one number for all slots. Outputs
//! that read the same ciphertexts (the channels of a convolution at one position, a dense layer)
//! are one product with a matrix, which reads each of them once.

use std::collections::HashMap;

use crate::linear_work::LinearWork;

/// Rows that a matrix product sums at once.
const ROWS_AT_ONCE: usize = 8;
/// Fewer rows than these take as long: each sum waits for itself.
const LEAST_ROWS: usize = 4;
/// Outputs of a product with a matrix: those of a layer at best, which read each input once. More at
/// once hold more memory.
const MAX_ROWS: usize = 128;

/// A ciphertext of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Column {
    pub operand: u32,
    pub ciphertext: u32,
}

/// Output ciphertexts as sums over the same input ciphertexts.
#[derive(Debug)]
pub struct Block {
    pub columns: Vec<Column>,
    /// Ciphertexts of the result.
    pub outputs: Vec<usize>,
    /// Row after row.
    pub weights: Vec<f64>,
    /// Products with a weight other than zero.
    pub products: usize,
}

/// The blocks of an operation, in an order in which inputs are soon free.
#[derive(Debug)]
pub struct BatchWork {
    pub blocks: Vec<Block>,
    /// Ciphertexts of the result that no product reaches.
    pub empty: Vec<usize>,
    /// Scale of the weights of each operand.
    pub plain_scales: Vec<f64>,
    pub products: usize,
}

/// Columns in ascending order and the rows that read them.
struct Cluster {
    columns: Vec<Column>,
    rows: Vec<usize>,
}

impl Cluster {
    fn cost(columns: usize, rows: usize) -> usize {
        let rest = rows % ROWS_AT_ONCE;
        let least = if rest == 0 { 0 } else { LEAST_ROWS };
        columns * (rows - rest + rest.max(least))
    }

    /// Both as one, where that costs less.
    fn joined(&self, other: &Self) -> Option<Self> {
        let rows = self.rows.len() + other.rows.len();
        let apart = Self::cost(self.columns.len(), self.rows.len())
            + Self::cost(other.columns.len(), other.rows.len());
        let mut columns = [&self.columns[..], &other.columns].concat();
        columns.sort_unstable();
        columns.dedup();
        (rows <= MAX_ROWS && Self::cost(columns.len(), rows) < apart).then(|| Self {
            columns,
            rows: [&self.rows[..], &other.rows].concat(),
        })
    }
}

/// Rows that read the same columns together; then neighbours where zeros between them cost less
/// than reading twice.
fn clusters(rows: &[Vec<(Column, f64)>]) -> Vec<Cluster> {
    let mut same: Vec<Cluster> = Vec::new();
    let mut known: HashMap<Vec<Column>, usize> = HashMap::new();
    for (row, terms) in rows
        .iter()
        .enumerate()
        .filter(|(_, terms)| !terms.is_empty())
    {
        let columns: Vec<Column> = terms.iter().map(|&(column, _)| column).collect();
        let at = *known.entry(columns).or_insert(same.len());
        match same.get_mut(at) {
            Some(cluster) => cluster.rows.push(row),
            None => same.push(Cluster {
                columns: terms.iter().map(|&(column, _)| column).collect(),
                rows: vec![row],
            }),
        }
    }
    let mut list: Vec<Cluster> = Vec::with_capacity(same.len());
    for next in same {
        match list.last().and_then(|last| last.joined(&next)) {
            Some(joined) => {
                list.pop();
                list.push(joined);
            }
            None => list.push(next),
        }
    }
    list
}

/// The rows of a cluster as matrices of at most `MAX_ROWS`.
fn blocks_of<'a>(
    cluster: &'a Cluster,
    rows: &'a [Vec<(Column, f64)>],
) -> impl Iterator<Item = Block> + 'a {
    let depth = cluster.columns.len();
    cluster.rows.chunks(MAX_ROWS).map(move |outputs| {
        let mut weights = vec![0.0; depth * outputs.len()];
        let mut products = 0;
        for (&output, line) in outputs.iter().zip(weights.chunks_exact_mut(depth)) {
            for (column, weight) in &rows[output] {
                if let Ok(at) = cluster.columns.binary_search(column) {
                    line[at] = *weight;
                }
            }
            products += rows[output].len();
        }
        Block {
            columns: cluster.columns.clone(),
            outputs: outputs.to_vec(),
            weights,
            products,
        }
    })
}

impl BatchWork {
    /// Make an operation ready whose diagonals are one number each and that rotates nothing; none
    /// for another one. Cost: the matrices of its blocks.
    pub fn new(linear: &LinearWork) -> Option<Self> {
        let groups = &linear.groups;
        let turns = groups
            .list
            .iter()
            .any(|group| group.baby != 0 || group.giant != 0);
        if !linear.scalar || turns || !linear.folds.is_empty() {
            return None;
        }
        let mut rows: Vec<Vec<(Column, f64)>> = vec![Vec::new(); linear.last_of_output.len()];
        // Groups ascend by output, operand and input.
        for (g, group) in groups.list.iter().enumerate() {
            let column = Column {
                operand: group.operand,
                ciphertext: group.in_ciphertext,
            };
            rows[group.out_ciphertext as usize].push((column, linear.number(g)));
        }
        let blocks: Vec<Block> = clusters(&rows)
            .iter()
            .flat_map(|cluster| blocks_of(cluster, &rows))
            .collect();
        Some(Self {
            empty: (0..rows.len())
                .filter(|&row| rows[row].is_empty())
                .collect(),
            plain_scales: linear.plain_scales.clone(),
            products: groups.list.len(),
            blocks,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(columns: &[u32]) -> Vec<(Column, f64)> {
        let column = |&ciphertext: &u32| Column {
            operand: 0,
            ciphertext,
        };
        columns
            .iter()
            .map(|c| (column(c), f64::from(*c) + 0.5))
            .collect()
    }

    #[test]
    fn channels_of_a_position_are_one_product() {
        // Two channels of two positions, and a row that nothing reaches.
        let rows = [
            row(&[0, 1]),
            row(&[2, 3]),
            row(&[]),
            row(&[0, 1]),
            row(&[2, 3]),
        ];
        let list = clusters(&rows);
        let found: Vec<_> = list.iter().map(|cluster| &cluster.rows[..]).collect();
        assert_eq!(found, [&[0, 3][..], &[1, 4]]);
    }

    #[test]
    fn rows_with_a_few_zeros_are_one_product() {
        let full: Vec<u32> = (0..20).collect();
        let rows = [row(&full), row(&full[1..]), row(&full[..19])];
        assert_eq!(clusters(&rows).len(), 1);
    }

    proptest! {
        #[test]
        fn blocks_hold_every_weight_once(
            sets in proptest::collection::vec(proptest::collection::btree_set(0u32..12, 0..6), 1..90),
        ) {
            let rows: Vec<_> = sets
                .iter()
                .map(|set| row(&set.iter().copied().collect::<Vec<_>>()))
                .collect();
            let mut left = rows.clone();
            for cluster in clusters(&rows) {
                for block in blocks_of(&cluster, &rows) {
                    prop_assert!(block.outputs.len() <= MAX_ROWS);
                    let lines = block.weights.chunks(block.columns.len());
                    for (&output, line) in block.outputs.iter().zip(lines) {
                        let held: Vec<_> = block
                            .columns
                            .iter()
                            .copied()
                            .zip(line.iter().copied())
                            .filter(|&(_, weight)| weight != 0.0)
                            .collect();
                        prop_assert_eq!(&held, &left[output]);
                        left[output].clear();
                    }
                }
            }
            prop_assert!(left.iter().all(Vec::is_empty));
        }
    }
}
