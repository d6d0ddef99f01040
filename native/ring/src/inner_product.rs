//! Sums of products of polynomials: many terms, one reduction.
use crate::kernel::{Field, Operation};

/// Vectors of a step: enough sums in registers to hide the latency of their additions.
const STEP: usize = 4;

/// out_i = Σ_t left_t · right_it, or out_i += it. The left factors are read once for all outputs.
/// The right factors and the sums are canonical or prepared.
pub(crate) struct InnerProducts<'a, const OUT: usize, const PREPARED: bool> {
    pub(crate) out: [&'a mut [u64]; OUT],
    pub(crate) left: &'a [&'a [u64]],
    pub(crate) right: [&'a [&'a [u64]]; OUT],
    pub(crate) accumulate: bool,
}

impl<const OUT: usize, const PREPARED: bool> Operation for InnerProducts<'_, OUT, PREPARED> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(mut self, f: F) {
        let width = STEP * F::LANES;
        let zero = f.value(f.load_word(&[0; 8]));
        let degree = self.out[0].len();
        for at in (0..degree).step_by(width) {
            let mut sums = [[f.sum(zero); STEP]; OUT];
            if self.accumulate {
                for (sums, out) in sums.iter_mut().zip(&self.out) {
                    for (sum, out) in sums.iter_mut().zip(out[at..].chunks_exact(F::LANES)) {
                        *sum = f.sum(load::<F, PREPARED>(f, out));
                    }
                }
            }
            let terms = if PREPARED {
                F::PREPARED_TERMS
            } else {
                F::SUM_TERMS
            };
            let mut left_of_fold = terms;
            for (term, left) in self.left.iter().enumerate() {
                if left_of_fold == 0 {
                    for sum in sums.as_flattened_mut() {
                        *sum = f.sum_fold(*sum);
                    }
                    left_of_fold = terms;
                }
                left_of_fold -= 1;
                let left = &left[at..at + width];
                for (sums, right) in sums.iter_mut().zip(self.right) {
                    let right = &right[term][at..at + width];
                    let pairs = left
                        .chunks_exact(F::LANES)
                        .zip(right.chunks_exact(F::LANES));
                    for (sum, (a, b)) in sums.iter_mut().zip(pairs) {
                        let b = load::<F, PREPARED>(f, b);
                        *sum = f.sum_add(*sum, f.value(f.load_word(a)), b);
                    }
                }
            }
            for (sums, out) in sums.into_iter().zip(&mut self.out) {
                for (sum, out) in sums.into_iter().zip(out[at..].chunks_exact_mut(F::LANES)) {
                    let x = f.sum_value(sum);
                    if PREPARED {
                        f.store_raw(f.settle(x), out);
                    } else {
                        f.store_word(f.canonical(x), out);
                    }
                }
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
