//! Values to coefficients: Gentleman–Sande, bit-reversed order in, natural out.
use super::{
    INNER_BLOCK, OUTER_BLOCK, adjacent_roots, edge_vectors, eighth_roots, eighths, node_roots,
    pair_roots, parts, quarters,
};
use crate::kernel::{Field, Operation, RootTable};

/// Transform canonical or prepared residues in place to canonical ones, times a constant.
pub(crate) struct Inverse<'a, const PREPARED: bool> {
    pub(crate) data: &'a mut [u64],
    pub(crate) roots: &'a RootTable,
    /// Entries of factor/N, and of factor/N times root 1.
    pub(crate) scale: [(u64, u64); 2],
}

impl<const PREPARED: bool> Operation for Inverse<'_, PREPARED> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let Self { data, roots, scale } = self;
        let degree = data.len();
        let edge = F::LANES * edge_vectors::<F>(degree.trailing_zeros() as usize);
        let first = parts::<F>(degree, edge);
        // The sizes at which the walk of the forward transform leaves the caches.
        let mut outer_size = degree / first;
        while outer_size > OUTER_BLOCK {
            outer_size /= parts::<F>(outer_size, edge);
        }
        let mut inner_size = outer_size;
        while inner_size > INNER_BLOCK {
            inner_size /= parts::<F>(inner_size, edge);
        }
        for (outer, node) in data.chunks_exact_mut(outer_size).zip(degree / outer_size..) {
            let first = node * (outer_size / inner_size);
            for (inner, node) in outer.chunks_exact_mut(inner_size).zip(first..) {
                let first = node * (inner_size / edge);
                if edge == 4 * F::LANES {
                    edge_four::<F, PREPARED>(f, inner, first, roots);
                } else {
                    edge_two::<F, PREPARED>(f, inner, first, roots);
                }
                passes(f, inner, edge, node, roots);
            }
            passes(f, outer, inner_size, node, roots);
        }
        let mut size = outer_size;
        while size < degree / first {
            size *= PARTS[usize::from(F::EIGHTHS)];
            pass(f, data, size, degree / size, roots);
        }
        if first == 8 {
            last8(f, data, roots, scale);
        } else {
            last4(f, data, roots, scale);
        }
    }
}

/// Parts that passes join but for the last, which joins what is left: without and with eighths.
const PARTS: [usize; 2] = [4, 8];

/// The passes that join blocks of `done` words until `data`, which is block `node`, is joined.
#[inline(always)]
fn passes<F: Field>(f: F, data: &mut [u64], done: usize, node: usize, roots: &RootTable) {
    let mut size = done;
    while size < data.len() {
        size *= PARTS[usize::from(F::EIGHTHS)];
        pass(f, data, size, node * (data.len() / size), roots);
    }
}

/// Two layers: nodes 2k and 2k + 1 for the first, k for the second.
#[inline(always)]
fn radix4<F: Field>(f: F, [a, b, c, d]: [F::Value; 4], roots: [F::Root; 3]) -> [F::Value; 4] {
    let ([a, c], [b, d]) = f.inverses([a, c], [b, d], [roots[1], roots[2]]);
    let ([a, b], [c, d]) = f.inverses([a, b], [c, d], [roots[0]; 2]);
    [f.refresh_sum(a), f.refresh_sum(b), c, d]
}

/// Three layers: the quarters of node k, its halves, and node k. The first two sums come from more than
/// one layer.
#[inline(always)]
fn radix8<F: Field>(f: F, x: [F::Value; 8], w: [F::Root; 7]) -> ([F::Value; 4], [F::Value; 4]) {
    let [a, b, c, d, e, g, h, i] = x;
    let quarters = [w[3], w[4], w[5], w[6]];
    let ([a, c, e, h], [b, d, g, i]) = f.inverses([a, c, e, h], [b, d, g, i], quarters);
    let halves = [w[1], w[1], w[2], w[2]];
    let ([a, b, e, g], [c, d, h, i]) = f.inverses([a, b, e, g], [c, d, h, i], halves);
    f.inverses([a, b, c, d], [e, g, h, i], [w[0]; 4])
}

/// Two layers of every block of `size` words, or three where this kernel takes three; the first block is
/// `node`.
#[inline(always)]
fn pass<F: Field>(f: F, data: &mut [u64], size: usize, node: usize, roots: &RootTable) {
    for (block, node) in data.chunks_exact_mut(size).zip(node..) {
        if F::EIGHTHS {
            let w = eighth_roots(f, roots, node);
            let parts = eighths(block);
            for at in (0..size / 8).step_by(F::LANES) {
                let (mut sums, products) = radix8(f, load8(f, &parts, at), w);
                sums[0] = f.refresh_deep(sums[0]);
                sums[1] = f.refresh_deep(sums[1]);
                for i in 0..4 {
                    f.store_raw(sums[i], &mut parts[i][at..at + F::LANES]);
                    f.store_raw(products[i], &mut parts[i + 4][at..at + F::LANES]);
                }
            }
            continue;
        }
        let w = node_roots(f, roots, node);
        let [a, b, c, d] = quarters(block).map(|part| part.chunks_exact_mut(F::LANES));
        for (((a, b), c), d) in a.zip(b).zip(c).zip(d) {
            let x = [f.load_raw(a), f.load_raw(b), f.load_raw(c), f.load_raw(d)];
            let x = radix4(f, x, w);
            f.store_raw(x[0], a);
            f.store_raw(x[1], b);
            f.store_raw(x[2], c);
            f.store_raw(x[3], d);
        }
    }
}

#[inline(always)]
fn load8<F: Field>(f: F, parts: &[&mut [u64]; 8], at: usize) -> [F::Value; 8] {
    let mut x = [f.load_raw(&parts[0][at..at + F::LANES]); 8];
    for i in 1..8 {
        x[i] = f.load_raw(&parts[i][at..at + F::LANES]);
    }
    x
}

/// The last three layers with the constant, to canonical residues.
#[inline(always)]
fn last8<F: Field>(f: F, data: &mut [u64], roots: &RootTable, scale: [(u64, u64); 2]) {
    let mut w = eighth_roots(f, roots, 1);
    let constant = f.constant(scale[0]);
    w[0] = f.constant(scale[1]);
    let parts = eighths(data);
    let part = parts[0].len();
    for at in (0..part).step_by(F::LANES) {
        let (sums, products) = radix8(f, load8(f, &parts, at), w);
        for i in 0..4 {
            let x = f.canonical_product(f.scale(sums[i], constant));
            f.store_word(x, &mut parts[i][at..at + F::LANES]);
            let y = f.canonical_product(products[i]);
            f.store_word(y, &mut parts[i + 4][at..at + F::LANES]);
        }
    }
}

/// The last two layers with the constant, to canonical residues.
#[inline(always)]
fn last4<F: Field>(f: F, data: &mut [u64], roots: &RootTable, scale: [(u64, u64); 2]) {
    let w = [f.root(roots, 2), f.root(roots, 3)];
    let [scale, scaled_root] = [f.constant(scale[0]), f.constant(scale[1])];
    let [a, b, c, d] = quarters(data).map(|part| part.chunks_exact_mut(F::LANES));
    for (((a, b), c), d) in a.zip(b).zip(c).zip(d) {
        let [x0, x1, x2, x3] = [f.load_raw(a), f.load_raw(b), f.load_raw(c), f.load_raw(d)];
        let ([x0, x2], [x1, x3]) = f.inverses([x0, x2], [x1, x3], w);
        let ([x0, x1], [x2, x3]) = f.inverses([x0, x1], [x2, x3], [scaled_root; 2]);
        f.store_word(f.canonical_product(f.scale(x0, scale)), a);
        f.store_word(f.canonical_product(f.scale(x1, scale)), b);
        f.store_word(f.canonical_product(x2), c);
        f.store_word(f.canonical_product(x3), d);
    }
}

/// The first layers over blocks of four vectors.
#[inline(always)]
fn edge_four<F: Field, const PREPARED: bool>(
    f: F,
    data: &mut [u64],
    node: usize,
    roots: &RootTable,
) {
    // Two blocks at once: a chain of dependent steps would leave units idle.
    for (blocks, node) in data.chunks_exact_mut(8 * F::LANES).zip((node..).step_by(2)) {
        let (a, b) = within::<F, PREPARED>(f, blocks, 4 * node, roots);
        let w = adjacent_roots(f, roots, 2 * node);
        let (x, y) = f.inverses(a, b, w);
        let [u, v] = adjacent_roots(f, roots, node);
        let (x, y) = f.inverses(
            [x[0], y[0], x[2], y[2]],
            [x[1], y[1], x[3], y[3]],
            [u, u, v, v],
        );
        store_raw(
            f,
            [x[0], x[1], y[0], y[1], x[2], x[3], y[2], y[3]],
            2,
            blocks,
        );
    }
}

/// The first layers over blocks of two vectors.
#[inline(always)]
fn edge_two<F: Field, const PREPARED: bool>(
    f: F,
    data: &mut [u64],
    node: usize,
    roots: &RootTable,
) {
    for (blocks, node) in data.chunks_exact_mut(8 * F::LANES).zip((node..).step_by(4)) {
        let (a, b) = within::<F, PREPARED>(f, blocks, 2 * node, roots);
        let (x, y) = f.inverses(a, b, adjacent_roots(f, roots, node));
        store_raw(
            f,
            [x[0], y[0], x[1], y[1], x[2], y[2], x[3], y[3]],
            1,
            blocks,
        );
    }
}

/// Eight vectors, the sums among them refreshed: `sums` of each 2·`sums`, the first of them sums of more
/// than one layer.
#[inline(always)]
fn store_raw<F: Field>(f: F, x: [F::Value; 8], sums: usize, to: &mut [u64]) {
    for (i, to) in to.chunks_exact_mut(F::LANES).enumerate() {
        let mut x = x[i];
        if i % (2 * sums) < sums {
            x = f.refresh_sum(x);
        }
        if i % (2 * sums) == 0 {
            x = f.refresh_deep(x);
        }
        f.store_raw(x, to);
    }
}

#[inline(always)]
fn load<F: Field, const PREPARED: bool>(f: F, from: &[u64]) -> F::Value {
    if PREPARED {
        f.settled(f.load_raw(from))
    } else {
        f.value(f.load_word(from))
    }
}

/// The layers whose butterflies lie inside vectors: pairs (a_i, b_i) of blocks `node + 2i` and
/// `node + 2i + 1`.
#[inline(always)]
fn within<F: Field, const PREPARED: bool>(
    f: F,
    from: &[u64],
    node: usize,
    roots: &RootTable,
) -> ([F::Value; 4], [F::Value; 4]) {
    let first = load::<F, PREPARED>(f, from);
    let (mut a, mut b) = ([first; 4], [first; 4]);
    for (i, from) in from.chunks_exact(2 * F::LANES).enumerate() {
        let x = load::<F, PREPARED>(f, from);
        let y = load::<F, PREPARED>(f, &from[F::LANES..]);
        (a[i], b[i]) = f.enter(x, y);
    }
    for log in 0..F::LOG_LANES {
        let w = pair_roots(f, roots, node, F::LOG_LANES - 1 - log, log);
        (a, b) = f.inverses(a, b, w);
        for i in 0..4 {
            if log > 0 {
                a[i] = f.refresh_sum(a[i]);
            }
            (a[i], b[i]) = f.swap(a[i], b[i], log);
        }
    }
    (a, b)
}
