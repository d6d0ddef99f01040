//! Sums of products with factors that lie in the order in which they are read.
//!
//! Encoded constants are more than any cache holds, and each is read once in a run: one stream
//! through memory feeds the sums. The other factors are few and stay in the caches.
use crate::kernel::{Field, Operation};
use crate::packing::{pack, prepare_packed};

/// Vectors of a step: with two sums each, enough to hide the latency of additions.
const STEP: usize = 4;

/// out_k = Σ_t factor_t · right_kt, or out_k += it. Factors are packed; the others and the sums are
/// prepared, or canonical.
pub(crate) struct PackedProducts<'a, const PREPARED: bool> {
    pub(crate) out: [&'a mut [u64]; 2],
    /// Packed, and padded.
    pub(crate) factors: &'a [u64],
    /// Bits of a factor.
    pub(crate) bits: usize,
    pub(crate) right: [&'a [&'a [u64]]; 2],
    pub(crate) accumulate: bool,
}

impl<const PREPARED: bool> Operation for PackedProducts<'_, PREPARED> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let [out0, out1] = self.out;
        let [right0, right1] = self.right;
        let width = STEP * F::LANES;
        let zero = f.value(f.load_word(&[0; 8]));
        let outs = out0
            .chunks_exact_mut(width)
            .zip(out1.chunks_exact_mut(width));
        let unpacking = f.unpacking();
        let vector = F::LANES * self.bits / 8;
        let mut factor = 0;
        for (chunk, (out0, out1)) in outs.enumerate() {
            let at = chunk * width;
            let mut sums = [[f.sum(zero); STEP]; 2];
            if self.accumulate {
                let [sums0, sums1] = &mut sums;
                for (sum, out) in sums0.iter_mut().zip(out0.chunks_exact(F::LANES)) {
                    *sum = f.sum(load::<F, PREPARED>(f, out));
                }
                for (sum, out) in sums1.iter_mut().zip(out1.chunks_exact(F::LANES)) {
                    *sum = f.sum(load::<F, PREPARED>(f, out));
                }
            }
            let terms = f.prepared_terms();
            let mut left_of_fold = terms;
            for (right0, right1) in right0.iter().zip(right1) {
                if left_of_fold == 0 {
                    for sum in sums.as_flattened_mut() {
                        *sum = f.sum_fold(*sum);
                    }
                    left_of_fold = terms;
                }
                left_of_fold -= 1;
                let (right0, right1) = (&right0[at..at + width], &right1[at..at + width]);
                let [sums0, sums1] = &mut sums;
                for v in (0..STEP).step_by(2) {
                    let y = f.load_packed(self.factors, factor, unpacking);
                    for k in 0..2 {
                        let lanes = (v + k) * F::LANES..(v + k + 1) * F::LANES;
                        let x0 = load::<F, PREPARED>(f, &right0[lanes.clone()]);
                        let x1 = load::<F, PREPARED>(f, &right1[lanes]);
                        sums0[v + k] = f.sum_add(sums0[v + k], y[k], x0);
                        sums1[v + k] = f.sum_add(sums1[v + k], y[k], x1);
                    }
                    factor += 2 * vector;
                }
            }
            let [sums0, sums1] = sums;
            for (sum, out) in sums0.into_iter().zip(out0.chunks_exact_mut(F::LANES)) {
                store::<F, PREPARED>(f, sum, out);
            }
            for (sum, out) in sums1.into_iter().zip(out1.chunks_exact_mut(F::LANES)) {
                store::<F, PREPARED>(f, sum, out);
            }
        }
    }
}

#[inline(always)]
fn load<F: Field, const PREPARED: bool>(f: F, from: &[u64]) -> F::Value {
    if PREPARED {
        f.load_raw(from)
    } else {
        f.value(f.load_word(from))
    }
}

#[inline(always)]
fn store<F: Field, const PREPARED: bool>(f: F, sum: F::Sum, to: &mut [u64]) {
    let x = f.sum_value(sum);
    if PREPARED {
        f.store_raw(f.settle(x), to);
    } else {
        f.store_word(f.canonical_product(x), to);
    }
}

/// Write one of several factors where `PackedProducts` reads it.
pub(crate) struct PackFactor<'a> {
    pub(crate) out: &'a mut [u64],
    /// Bits of a factor.
    pub(crate) bits: usize,
    /// Canonical residues.
    pub(crate) from: &'a [u64],
    pub(crate) index: usize,
    pub(crate) count: usize,
}

impl Operation for PackFactor<'_> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let width = STEP * F::LANES;
        let mut prepared = vec![0; width];
        for (chunk, from) in self.from.chunks_exact(width).enumerate() {
            prepare_packed(f, from, &mut prepared);
            let first = (chunk * self.count + self.index) * width * self.bits;
            pack(&prepared, self.bits, self.out, first);
        }
    }
}
