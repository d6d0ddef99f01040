//! Coefficients to values: Cooley–Tukey, natural order in, bit-reversed out.
use super::{
    INNER_BLOCK, OUTER_BLOCK, adjacent_roots, edge_vectors, node_roots, pair_roots, quarters,
};
use crate::convert::Part;
use crate::kernel::{Field, Operation, RootTable};

/// Transform canonical residues in place, to canonical or prepared ones.
pub(crate) struct Forward<'a, const PREPARED: bool> {
    pub(crate) data: &'a mut [u64],
    pub(crate) roots: &'a RootTable,
}

/// Transform words below a period, those above its half below zero, to canonical or prepared residues.
pub(crate) struct ForwardLifted<'a, const PREPARED: bool> {
    pub(crate) from: &'a [u64],
    pub(crate) period: u64,
    pub(crate) to: &'a mut [u64],
    pub(crate) roots: &'a RootTable,
}

/// Transform the sums of centred words, each times a constant, to prepared residues.
pub(crate) struct ForwardConverted<'a> {
    pub(crate) parts: &'a [Part<'a>],
    pub(crate) to: &'a mut [u64],
    pub(crate) roots: &'a RootTable,
}

impl<const PREPARED: bool> Operation for Forward<'_, PREPARED> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let roots = node_roots(f, self.roots, 1);
        let parts = quarters(self.data).map(|part| part.chunks_exact_mut(F::LANES));
        let [a, b, c, d] = parts;
        for (((a, b), c), d) in a.zip(b).zip(c).zip(d) {
            let x = [
                f.value(f.load_word(a)),
                f.value(f.load_word(b)),
                f.value(f.load_word(c)),
                f.value(f.load_word(d)),
            ];
            store(f, radix4(f, x, roots), [a, b, c, d]);
        }
        remaining::<F, PREPARED>(f, self.data, self.roots);
    }
}

impl<const PREPARED: bool> Operation for ForwardLifted<'_, PREPARED> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let lift = f.lift(self.period);
        let roots = node_roots(f, self.roots, 1);
        let quarter = self.to.len() / 4;
        let mut from = self.from.chunks_exact(quarter);
        let mut sources = || from.next().unwrap_or_default().chunks_exact(F::LANES);
        let from = sources().zip(sources()).zip(sources()).zip(sources());
        let parts = quarters(self.to).map(|part| part.chunks_exact_mut(F::LANES));
        let [a, b, c, d] = parts;
        for ((((a, b), c), d), (((x, y), z), w)) in a.zip(b).zip(c).zip(d).zip(from) {
            let x = [
                f.lifted(x, lift),
                f.lifted(y, lift),
                f.lifted(z, lift),
                f.lifted(w, lift),
            ];
            store(f, radix4(f, x, roots), [a, b, c, d]);
        }
        remaining::<F, PREPARED>(f, self.to, self.roots);
    }
}

impl Operation for ForwardConverted<'_> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let roots = node_roots(f, self.roots, 1);
        let zero = f.value(f.load_word(&[0; 8]));
        let mut constants = Vec::with_capacity(self.parts.len());
        for part in self.parts {
            let factor = f.constant(part.factor.entry());
            constants.push((f.lift(part.period), factor, part.words));
        }
        let quarter = self.to.len() / 4;
        let parts = quarters(self.to).map(|part| part.chunks_exact_mut(F::LANES));
        let [a, b, c, d] = parts;
        for (n, (((a, b), c), d)) in a.zip(b).zip(c).zip(d).enumerate() {
            let at = n * F::LANES;
            let mut x = [zero; 4];
            for &(lift, factor, words) in &constants {
                for (x, words) in x.iter_mut().zip(words.chunks_exact(quarter)) {
                    let y = f.scale(f.lifted(&words[at..at + F::LANES], lift), factor);
                    *x = f.settle(f.plus(*x, f.settle(y)));
                }
            }
            store(f, radix4(f, x, roots), [a, b, c, d]);
        }
        remaining::<F, true>(f, self.to, self.roots);
    }
}

#[inline(always)]
fn store<F: Field>(f: F, x: [F::Value; 4], [a, b, c, d]: [&mut [u64]; 4]) {
    f.store_raw(x[0], a);
    f.store_raw(x[1], b);
    f.store_raw(x[2], c);
    f.store_raw(x[3], d);
}

/// Eight vectors, four and four.
#[inline(always)]
fn load_raw<F: Field>(f: F, from: &[u64]) -> ([F::Value; 4], [F::Value; 4]) {
    let mut x = [f.load_raw(from); 8];
    for (x, from) in x.iter_mut().zip(from.chunks_exact(F::LANES)) {
        *x = f.load_raw(from);
    }
    let [a, b, c, d, e, g, h, i] = x;
    ([a, b, c, d], [e, g, h, i])
}

/// Two layers: node k for the first, 2k and 2k + 1 for the second.
#[inline(always)]
fn radix4<F: Field>(f: F, [a, b, c, d]: [F::Value; 4], roots: [F::Root; 3]) -> [F::Value; 4] {
    let ([a, b], [c, d]) = f.forwards([a, b], [c, d], [roots[0]; 2]);
    let ([a, c], [b, d]) = f.forwards_again([a, c], [b, d], [roots[1], roots[2]]);
    [a, b, c, d]
}

/// Two layers of every block of `size` words; the first block is `node`.
#[inline(always)]
fn pass<F: Field>(f: F, data: &mut [u64], size: usize, node: usize, roots: &RootTable, odd: bool) {
    for (block, node) in data.chunks_exact_mut(size).zip(node..) {
        let w = node_roots(f, roots, node);
        let [a, b, c, d] = quarters(block).map(|part| part.chunks_exact_mut(F::LANES));
        for (((a, b), c), d) in a.zip(b).zip(c).zip(d) {
            let mut x = [f.load_raw(a), f.load_raw(b), f.load_raw(c), f.load_raw(d)];
            if odd {
                // Every second pass: see the bounds of the floating-point kernel.
                x[0] = f.refresh(x[0]);
                x[1] = f.refresh(x[1]);
            }
            store(f, radix4(f, x, w), [a, b, c, d]);
        }
    }
}

/// Everything after the first pass, which left four blocks.
#[inline(always)]
fn remaining<F: Field, const PREPARED: bool>(f: F, data: &mut [u64], roots: &RootTable) {
    let degree = data.len();
    let edge = F::LANES * edge_vectors(degree.trailing_zeros() as usize, F::LOG_LANES);
    let (mut size, mut node, mut odd) = (degree / 4, 4, true);
    while size > OUTER_BLOCK {
        pass(f, data, size, node, roots, odd);
        (size, node, odd) = (size / 4, 4 * node, !odd);
    }
    for (outer, node) in data.chunks_exact_mut(size).zip(node..) {
        let (mut size, mut node, mut odd) = (size, node, odd);
        while size > INNER_BLOCK {
            pass(f, outer, size, node, roots, odd);
            (size, node, odd) = (size / 4, 4 * node, !odd);
        }
        for (inner, node) in outer.chunks_exact_mut(size).zip(node..) {
            let (mut size, mut node, mut odd) = (size, node, odd);
            while size > edge {
                pass(f, inner, size, node, roots, odd);
                (size, node, odd) = (size / 4, 4 * node, !odd);
            }
            if edge == 4 * F::LANES {
                edge_four::<F, PREPARED>(f, inner, node, roots);
            } else {
                edge_two::<F, PREPARED>(f, inner, node, roots);
            }
        }
    }
}

/// The last layers over blocks of four vectors, to the residues wanted.
#[inline(always)]
fn edge_four<F: Field, const PREPARED: bool>(
    f: F,
    data: &mut [u64],
    node: usize,
    roots: &RootTable,
) {
    // Two blocks at once: a chain of dependent steps would leave units idle.
    for (blocks, node) in data.chunks_exact_mut(8 * F::LANES).zip((node..).step_by(2)) {
        let (x, y) = load_raw(f, blocks);
        let low = [
            f.refresh(x[0]),
            f.refresh(x[1]),
            f.refresh(y[0]),
            f.refresh(y[1]),
        ];
        let (u, v) = (f.root(roots, node), f.root(roots, node + 1));
        let (x, y) = f.forwards(low, [x[2], x[3], y[2], y[3]], [u, u, v, v]);
        let w = adjacent_roots(f, roots, 2 * node);
        let (x, y) = f.forwards_again([x[0], y[0], x[2], y[2]], [x[1], y[1], x[3], y[3]], w);
        within::<F, PREPARED, 0>(f, x, y, 4 * node, roots, blocks);
    }
}

/// The last layers over blocks of two vectors, to the residues wanted.
#[inline(always)]
fn edge_two<F: Field, const PREPARED: bool>(
    f: F,
    data: &mut [u64],
    node: usize,
    roots: &RootTable,
) {
    for (blocks, node) in data.chunks_exact_mut(8 * F::LANES).zip((node..).step_by(4)) {
        let (x, y) = load_raw(f, blocks);
        let low = [
            f.refresh(x[0]),
            f.refresh(x[2]),
            f.refresh(y[0]),
            f.refresh(y[2]),
        ];
        let w = adjacent_roots(f, roots, node);
        let (x, y) = f.forwards(low, [x[1], x[3], y[1], y[3]], w);
        within::<F, PREPARED, 1>(f, x, y, 2 * node, roots, blocks);
    }
}

/// The layers whose butterflies lie inside vectors: pairs (a_i, b_i) of blocks `node + 2i` and
/// `node + 2i + 1`, stored one after the other. `DONE`: layers since values were within the bounds.
#[inline(always)]
fn within<F: Field, const PREPARED: bool, const DONE: usize>(
    f: F,
    mut a: [F::Value; 4],
    mut b: [F::Value; 4],
    node: usize,
    roots: &RootTable,
    to: &mut [u64],
) {
    for layer in 0..F::LOG_LANES {
        let log = F::LOG_LANES - 1 - layer;
        let w = pair_roots(f, roots, node, layer, log);
        for i in 0..4 {
            (a[i], b[i]) = f.swap(a[i], b[i], log);
        }
        (a, b) = if (DONE + layer).is_multiple_of(2) {
            f.forwards(a, b, w)
        } else {
            f.forwards_again(a, b, w)
        };
    }
    for (i, to) in to.chunks_exact_mut(2 * F::LANES).enumerate() {
        let (x, y) = f.leave(a[i], b[i]);
        let (x, y) = (f.finish(x), f.finish(y));
        if PREPARED {
            f.store_raw(f.settle(x), to);
            f.store_raw(f.settle(y), &mut to[F::LANES..]);
        } else {
            f.store_word(f.canonical(x), to);
            f.store_word(f.canonical(y), &mut to[F::LANES..]);
        }
    }
}
