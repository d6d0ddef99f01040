//! Negacyclic number-theoretic transforms modulo X^N + 1.
//!
//! Coefficients are in natural order, transformed values in SEAL's: value i is the polynomial at
//! ψ^(2·rev(i) + 1), with ψ the smallest primitive root of order 2N and rev the reversal of log N bits.
//!
//! Layers are taken two at a time, four values in registers. The passes walk the array so that its
//! upper part is read once per pass, then every block that fits the second cache, then the first,
//! is finished before the next. The last layers, whose butterflies lie inside vectors, are one pass
//! with two of the layers before them.
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
    [
        f.root(roots, node),
        f.root(roots, 2 * node),
        f.root(roots, 2 * node + 1),
    ]
}

/// The roots of four nodes in a row.
#[inline(always)]
fn adjacent_roots<F: Field>(f: F, roots: &RootTable, node: usize) -> [F::Root; 4] {
    [
        f.root(roots, node),
        f.root(roots, node + 1),
        f.root(roots, node + 2),
        f.root(roots, node + 3),
    ]
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
    [
        f.roots(roots, node << layer, log),
        f.roots(roots, (node + 2) << layer, log),
        f.roots(roots, (node + 4) << layer, log),
        f.roots(roots, (node + 6) << layer, log),
    ]
}

/// Layers that the pass over adjacent vectors takes: those inside vectors and one or two before,
/// so that an even number is left.
const fn edge_vectors(log_degree: usize, log_lanes: usize) -> usize {
    if (log_degree - log_lanes).is_multiple_of(2) {
        4
    } else {
        2
    }
}
