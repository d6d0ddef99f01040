//! Negacyclic number-theoretic transforms modulo X^N + 1.
//!
//! Coefficients are in natural order, transformed values in SEAL's: value i is the polynomial at
//! ψ^(2·rev(i) + 1), with ψ the smallest primitive root of order 2N and rev the reversal of log N bits.
//!
//! Layers are taken two at a time, four values in registers, or three at a time where values need not
//! be reduced between them and there are registers for eight. The passes walk the array so that its
//! upper part is read once per pass, then every block that fits the second cache, then the first,
//! is finished before the next. The last layers, whose butterflies lie inside vectors, are one pass
//! with one or two of the layers before them.
//!
//! A node is the index of a root: node 1 is the whole array, nodes 2k and 2k + 1 are the halves of
//! node k, and the butterflies of node k use root k.
//!
//! Source: Longa, Naehrig, "Speeding up the Number Theoretic Transform", 2016, algorithms 1 and 2;
//! Harvey, "Faster arithmetic for number-theoretic transforms", 2014.
mod forward;
mod inverse;

pub(crate) use forward::{Forward, ForwardConverted, ForwardLifted};
pub(crate) use inverse::Inverse;

use crate::kernel::{Field, Kernel, RootTable};
use crate::modulus::Modulus;

/// Words of a block that stays in the first cache with its roots.
const INNER_BLOCK: usize = 1 << 11;
/// Words of a block that stays in the second cache with its roots.
const OUTER_BLOCK: usize = 1 << 14;

/// Roots of both transforms for one prime, in the form of one kernel.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) forward: RootTable,
    pub(crate) inverse: RootTable,
}

impl Tables {
    /// Tables for ψ of order 2N.
    pub(crate) fn new(kernel: Kernel, modulus: &Modulus, degree: usize, root: u64) -> Self {
        let log = degree.trailing_zeros();
        let ordered = |root: u64| {
            let mut powers = vec![0; degree];
            let mut power = 1;
            for i in 0..degree {
                powers[i.reverse_bits() >> (usize::BITS - log)] = power;
                power = modulus.mul(power, root);
            }
            kernel.table(modulus, &powers)
        };
        Self {
            forward: ordered(root),
            inverse: ordered(modulus.inverse(root)),
        }
    }
}

/// Four quarters of a block.
#[inline(always)]
fn quarters(block: &mut [u64]) -> [&mut [u64]; 4] {
    let (low, high) = block.split_at_mut(block.len() / 2);
    let (a, b) = low.split_at_mut(low.len() / 2);
    let (c, d) = high.split_at_mut(high.len() / 2);
    [a, b, c, d]
}

/// The roots of a node and its halves.
#[inline(always)]
fn node_roots<F: Field>(f: F, roots: &RootTable, node: usize) -> [F::Root; 3] {
    let [b, c] = adjacent_roots(f, roots, 2 * node);
    [f.root(roots, node), b, c]
}

/// Eight parts of a block.
#[inline(always)]
fn eighths(block: &mut [u64]) -> [&mut [u64]; 8] {
    let eighth = block.len() / 8;
    let mut parts = block.chunks_exact_mut(eighth);
    core::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// The roots of a node, its halves and their halves.
#[inline(always)]
fn eighth_roots<F: Field>(f: F, roots: &RootTable, node: usize) -> [F::Root; 7] {
    let [a, b, c] = node_roots(f, roots, node);
    let [d, e, g, h] = adjacent_roots(f, roots, 4 * node);
    [a, b, c, d, e, g, h]
}

/// The roots of K nodes in a row.
#[inline(always)]
fn adjacent_roots<F: Field, const K: usize>(f: F, roots: &RootTable, node: usize) -> [F::Root; K] {
    // One range for all: a check for each would be half of the instructions of a short pass.
    let (values, quotients) = roots.range(node, K);
    let mut adjacent = [f.constant((values[0], quotients[0])); K];
    for i in 1..K {
        adjacent[i] = f.constant((values[i], quotients[i]));
    }
    adjacent
}

/// The roots of a layer inside vectors, for four pairs of blocks of a vector each.
#[inline(always)]
fn pair_roots<F: Field>(
    f: F,
    roots: &RootTable,
    node: usize,
    layer: usize,
    log: usize,
) -> [F::Root; 4] {
    let step = 2 << layer;
    let (values, quotients) = roots.range(node << layer, 3 * step + F::LANES);
    let mut pairs = [f.roots(values, quotients, log); 4];
    for i in 1..4 {
        pairs[i] = f.roots(&values[i * step..], &quotients[i * step..], log);
    }
    pairs
}

/// Vectors of a block that the pass over adjacent ones takes: the layers inside vectors and one or two
/// before, so that passes of two or three layers are left.
const fn edge_vectors<F: Field>(log_degree: usize) -> usize {
    let left = log_degree - F::LOG_LANES;
    let two = if F::EIGHTHS {
        left % 3 == 2
    } else {
        left.is_multiple_of(2)
    };
    if two { 4 } else { 2 }
}

/// Parts of the blocks that a pass joins, where a later one of the transform joins vectors of `edge`
/// words: eight, or four while eights do not come out even.
const fn parts<F: Field>(size: usize, edge: usize) -> usize {
    if F::EIGHTHS && (size / edge).trailing_zeros().is_multiple_of(3) {
        8
    } else {
        4
    }
}
