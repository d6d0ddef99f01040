//! Coefficients to values: Cooley–Tukey, natural order in, bit-reversed out.
use super::{
    INNER_BLOCK, OUTER_BLOCK, adjacent_roots, edge_vectors, eighth_roots, eighths, node_roots,
    pair_roots, parts, quarters,
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
        transform::<F, PREPARED>(f, &Residues, self.data, self.roots);
    }
}

impl<const PREPARED: bool> Operation for ForwardLifted<'_, PREPARED> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let lift = f.lift(self.period);
        let from = self.from;
        transform::<F, PREPARED>(f, &Lifted { from, lift }, self.to, self.roots);
    }
}

impl Operation for ForwardConverted<'_> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let mut constants = Vec::with_capacity(self.parts.len());
        for part in self.parts {
            let factor = f.constant(part.factor.entry());
            constants.push((f.lift(part.period), factor, part.words));
        }
        let source = Converted::<F> { parts: &constants };
        transform::<F, true>(f, &source, self.to, self.roots);
    }
}

/// What a transform starts from.
trait Source<F: Field> {
    /// The vector whose first word has index `at`; `to` is what lies there so far.
    fn load(&self, f: F, at: usize, to: &[u64]) -> F::Value;
}

/// What lies there: canonical residues.
struct Residues;

impl<F: Field> Source<F> for Residues {
    #[inline(always)]
    fn load(&self, f: F, _: usize, to: &[u64]) -> F::Value {
        f.value(f.load_word(to))
    }
}

/// Words of another prime.
struct Lifted<'a, F: Field> {
    from: &'a [u64],
    lift: F::Lift,
}

impl<F: Field> Source<F> for Lifted<'_, F> {
    #[inline(always)]
    fn load(&self, f: F, at: usize, _: &[u64]) -> F::Value {
        f.lifted(&self.from[at..at + F::LANES], self.lift)
    }
}

/// Sums of words of other primes, each times a constant.
struct Converted<'a, F: Field> {
    parts: &'a [(F::Lift, F::Root, &'a [u64])],
}

impl<F: Field> Source<F> for Converted<'_, F> {
    #[inline(always)]
    fn load(&self, f: F, at: usize, _: &[u64]) -> F::Value {
        let mut sum = f.value(f.load_word(&[0; 8]));
        for &(lift, factor, words) in self.parts {
            let x = f.scale(f.lifted(&words[at..at + F::LANES], lift), factor);
            sum = f.settle(f.plus(sum, f.settle(x)));
        }
        sum
    }
}

#[inline(always)]
fn transform<F: Field, const PREPARED: bool>(
    f: F,
    source: &impl Source<F>,
    data: &mut [u64],
    roots: &RootTable,
) {
    let degree = data.len();
    let edge = F::LANES * edge_vectors::<F>(degree.trailing_zeros() as usize);
    let joined = parts::<F>(degree, edge);
    let part = degree / joined;
    if joined == 8 {
        let w = eighth_roots(f, roots, 1);
        let data = eighths(data);
        for at in (0..part).step_by(F::LANES) {
            let mut x = [f.value(f.load_word(&[0; 8])); 8];
            for i in 0..8 {
                x[i] = source.load(f, i * part + at, &data[i][at..at + F::LANES]);
            }
            let x = radix8(f, x, w);
            for i in 0..8 {
                f.store_raw(x[i], &mut data[i][at..at + F::LANES]);
            }
        }
    } else {
        let w = node_roots(f, roots, 1);
        let [a, b, c, d] = quarters(data).map(|part| part.chunks_exact_mut(F::LANES));
        for (n, (((a, b), c), d)) in a.zip(b).zip(c).zip(d).enumerate() {
            let at = n * F::LANES;
            let x = [
                source.load(f, at, a),
                source.load(f, part + at, b),
                source.load(f, 2 * part + at, c),
                source.load(f, 3 * part + at, d),
            ];
            store(f, radix4(f, x, w), [a, b, c, d]);
        }
    }
    remaining::<F, PREPARED>(f, data, part, edge, roots);
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

/// Three layers: node k for the first, its halves for the second, theirs for the third.
#[inline(always)]
fn radix8<F: Field>(f: F, x: [F::Value; 8], w: [F::Root; 7]) -> [F::Value; 8] {
    let [a, b, c, d, e, g, h, i] = x;
    let ([a, b, c, d], [e, g, h, i]) = f.forwards([a, b, c, d], [e, g, h, i], [w[0]; 4]);
    let again = [w[1], w[1], w[2], w[2]];
    let ([a, b, e, g], [c, d, h, i]) = f.forwards_again([a, b, e, g], [c, d, h, i], again);
    let last = [w[3], w[4], w[5], w[6]];
    let ([a, c, e, h], [b, d, g, i]) = f.forwards([a, c, e, h], [b, d, g, i], last);
    [a, b, c, d, e, g, h, i]
}

/// Two or three layers of every block of `size` words, which become blocks of `size` over `joined`; the
/// first block is `node`.
#[inline(always)]
fn pass<F: Field>(
    f: F,
    data: &mut [u64],
    (size, joined): (usize, usize),
    node: usize,
    roots: &RootTable,
    odd: bool,
) {
    for (block, node) in data.chunks_exact_mut(size).zip(node..) {
        if joined == 8 {
            let w = eighth_roots(f, roots, node);
            let parts = eighths(block);
            for at in (0..size / 8).step_by(F::LANES) {
                let mut x = [f.load_raw(&parts[0][at..at + F::LANES]); 8];
                for i in 1..8 {
                    x[i] = f.load_raw(&parts[i][at..at + F::LANES]);
                }
                let x = radix8(f, x, w);
                for i in 0..8 {
                    f.store_raw(x[i], &mut parts[i][at..at + F::LANES]);
                }
            }
            continue;
        }
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

/// The passes over `data`, blocks of `size` words, while those are larger than `until`. Returns the size
/// of blocks and the first node then, and whether the next pass is an odd one.
#[inline(always)]
fn passes<F: Field>(
    f: F,
    data: &mut [u64],
    (mut size, mut node, mut odd): (usize, usize, bool),
    (until, edge): (usize, usize),
    roots: &RootTable,
) -> (usize, usize, bool) {
    while size > until {
        let joined = parts::<F>(size, edge);
        pass(f, data, (size, joined), node, roots, odd);
        (size, node, odd) = (size / joined, joined * node, !odd);
    }
    (size, node, odd)
}

/// Everything after the first pass, which left blocks of `size` words.
#[inline(always)]
fn remaining<F: Field, const PREPARED: bool>(
    f: F,
    data: &mut [u64],
    size: usize,
    edge: usize,
    roots: &RootTable,
) {
    let start = (size, data.len() / size, true);
    let (size, node, odd) = passes(f, data, start, (OUTER_BLOCK, edge), roots);
    for (outer, node) in data.chunks_exact_mut(size).zip(node..) {
        let (size, node, odd) = passes(f, outer, (size, node, odd), (INNER_BLOCK, edge), roots);
        for (inner, node) in outer.chunks_exact_mut(size).zip(node..) {
            let (_, node, _) = passes(f, inner, (size, node, odd), (edge, edge), roots);
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
        let [u, v] = adjacent_roots(f, roots, node);
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
        if PREPARED {
            f.store_raw(f.transformed(x), to);
            f.store_raw(f.transformed(y), &mut to[F::LANES..]);
        } else {
            f.store_word(f.transformed_word(x), to);
            f.store_word(f.transformed_word(y), &mut to[F::LANES..]);
        }
    }
}
