//! Sums of products of polynomials: many terms, one reduction.
use crate::kernel::{Field, Operation};

/// Vectors of a step: enough sums in registers to hide the latency of their additions.
const STEP: usize = 4;

/// out_i = Σ_t left_t · right_it, or out_i += it. The left factors are read once for all outputs.
pub(crate) struct InnerProducts<'a, const OUT: usize> {
    pub(crate) out: [&'a mut [u64]; OUT],
    pub(crate) left: &'a [&'a [u64]],
    pub(crate) right: [&'a [&'a [u64]]; OUT],
    pub(crate) accumulate: bool,
}

impl<const OUT: usize> Operation for InnerProducts<'_, OUT> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(mut self, f: F) {
        let width = STEP * F::LANES;
        let zero = f.value(f.load_word(&[0; 8]));
        let degree = self.out[0].len();
        let terms = f.sum_terms();
        for at in (0..degree).step_by(width) {
            let mut sums = [[f.sum(zero); STEP]; OUT];
            if self.accumulate {
                for (sums, out) in sums.iter_mut().zip(&self.out) {
                    for (sum, out) in sums.iter_mut().zip(out[at..].chunks_exact(F::LANES)) {
                        *sum = f.sum(f.value(f.load_word(out)));
                    }
                }
            }
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
                        let b = f.value(f.load_word(b));
                        *sum = f.sum_add(*sum, f.value(f.load_word(a)), b);
                    }
                }
            }
            for (sums, out) in sums.into_iter().zip(&mut self.out) {
                for (sum, out) in sums.into_iter().zip(out[at..].chunks_exact_mut(F::LANES)) {
                    f.store_word(f.canonical_product(f.sum_value(sum)), out);
                }
            }
        }
    }
}
