//! Real vectors of slots → integer coefficients of a plaintext polynomial.
//!
//! Slot s is the value at ζ^(3^s), ζ a primitive 2N-th root of unity. For real slots the polynomial
//! takes each value at ζ^(±3^s), so with m_e the value at ζ^e
//!
//!   a_k = 2/N · Σ_(odd e < N) m_e · cos(π e k / N),   a_(N−k) = −a_k,   a_(N/2) = 0
//!
//! which is a cosine transform (DCT-II) of N/2 numbers: a complex transform of N/4 points.
//!
//! Source: slot order of SEAL v4.1.2 `ckks.cpp` (`matrix_reps_index_map`); the cosine transform by
//! Makhoul, "A fast cosine transform in one and two dimensions", IEEE TASSP 1980.

use std::f64::consts::PI;

use crate::fft::{Complex, Fft};

/// Coefficients stay below 2^62, so that sums of two do not overflow.
const MAX_COEFFICIENT: f64 = (1u64 << 62) as f64;

/// Tables of one ring degree.
#[derive(Clone, Debug)]
pub struct Encoder {
    ring_degree: usize,
    /// Slot that each input of the transform comes from.
    slot_of: Vec<u32>,
    fft: Fft,
    /// e^(−2πi k / (N/2)) for k ≤ N/8, to take a real transform apart.
    untangle: Complex,
    /// e^(−πi k / N) for k ≤ N/4.
    rotate: Complex,
}

/// Memory of one transform at a time.
#[derive(Clone, Debug)]
pub struct EncoderScratch {
    x: Complex,
    y: Complex,
}

/// A slot that makes a coefficient too large for any modulus here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TooLarge {
    /// The largest magnitude met.
    pub coefficient: f64,
}

fn roots(count: usize, denominator: f64) -> Complex {
    let mut table = Complex::default();
    for k in 0..count {
        let (sin, cos) = (-PI * k as f64 / denominator).sin_cos();
        table.re.push(cos);
        table.im.push(sin);
    }
    table
}

impl Encoder {
    /// ASSUME: `ring_degree` is a power of two from 8.
    pub fn new(ring_degree: usize) -> Self {
        let half = ring_degree / 2;
        // Slot of the value at each odd exponent below N.
        let mut slot_at = vec![0u32; half];
        let mut exponent = 1;
        for slot in 0..half {
            let folded = if exponent < ring_degree {
                exponent
            } else {
                2 * ring_degree - exponent
            };
            slot_at[folded / 2] = slot as u32;
            exponent = exponent * 3 % (2 * ring_degree);
        }
        // Even positions ascending, odd ones descending.
        let slot_of = (0..half)
            .map(|n| {
                if n < half / 2 {
                    slot_at[2 * n]
                } else {
                    slot_at[2 * (half - 1 - n) + 1]
                }
            })
            .collect();
        Self {
            ring_degree,
            slot_of,
            fft: Fft::new(half / 2),
            untangle: roots(half / 4 + 1, half as f64 / 2.0),
            rotate: roots(half / 2 + 1, ring_degree as f64),
        }
    }

    /// Memory for [`Self::coefficients`].
    pub fn scratch(&self) -> EncoderScratch {
        EncoderScratch {
            x: Complex::zeros(self.ring_degree / 4),
            y: Complex::zeros(self.ring_degree / 4),
        }
    }

    /// Round scale × polynomial to integers.
    ///
    /// Shapes: slots [N/2], out [N]. Cost: one complex transform of N/4 points.
    ///
    /// # Errors
    /// [`TooLarge`] where a coefficient is not finite or not below 2^62.
    pub fn coefficients(
        &self,
        slots: &[f64],
        scale: f64,
        scratch: &mut EncoderScratch,
        out: &mut [i64],
    ) -> Result<(), TooLarge> {
        let quarter = self.ring_degree / 4;
        let EncoderScratch { x, y } = scratch;
        for (n, pair) in self.slot_of.chunks_exact(2).enumerate() {
            x.re[n] = slots[pair[0] as usize];
            x.im[n] = slots[pair[1] as usize];
        }
        self.fft.forward(x, y);
        let factor = 2.0 * scale / self.ring_degree as f64;
        let mut largest = 0.0f64;
        for k in 0..=quarter / 2 {
            let mirror = quarter - k;
            let (ar, ai) = (x.re[k], x.im[k]);
            let (br, bi) = (x.re[mirror % quarter], x.im[mirror % quarter]);
            // Of the real vector: V_k = (Z_k + conj Z_(−k)) / 2 − i·w_k·(Z_k − conj Z_(−k)) / 2.
            let (er, ei) = ((ar + br) / 2.0, (ai - bi) / 2.0);
            let (dr, di) = ((ai + bi) / 2.0, (br - ar) / 2.0);
            let (wr, wi) = (self.untangle.re[k], self.untangle.im[k]);
            let (tr, ti) = (dr * wr - di * wi, dr * wi + di * wr);
            let mut place = |at: usize, re: f64, im: f64| {
                let (cr, ci) = (self.rotate.re[at], self.rotate.im[at]);
                let first = factor * (re * cr - im * ci);
                let second = -factor * (re * ci + im * cr);
                largest = largest.max(first.abs()).max(second.abs());
                if !(first.is_finite() && second.is_finite()) {
                    largest = f64::INFINITY;
                }
                self.store(out, at, first);
                if at > 0 {
                    self.store(out, 2 * quarter - at, second);
                }
            };
            place(k, er + tr, ei + ti);
            // V_(N/4 − k) is the conjugate of the other half.
            place(mirror, er - tr, -(ei - ti));
        }
        out[2 * quarter] = 0;
        if largest < MAX_COEFFICIENT {
            Ok(())
        } else {
            Err(TooLarge {
                coefficient: largest,
            })
        }
    }

    /// a_k and a_(N−k); the cast saturates, and the caller refuses what would.
    fn store(&self, out: &mut [i64], k: usize, value: f64) {
        let rounded = value.round_ties_even() as i64;
        out[k] = rounded;
        if k > 0 {
            out[self.ring_degree - k] = rounded.saturating_neg();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Value of a polynomial at ζ^exponent.
    fn value_at(coefficients: &[i64], exponent: usize) -> (f64, f64) {
        let n = coefficients.len();
        coefficients
            .iter()
            .enumerate()
            .map(|(k, &a)| {
                let (sin, cos) = (PI * (exponent * k % (2 * n)) as f64 / n as f64).sin_cos();
                (a as f64 * cos, a as f64 * sin)
            })
            .fold((0.0, 0.0), |sum, term| (sum.0 + term.0, sum.1 + term.1))
    }

    proptest! {
        #[test]
        fn the_polynomial_takes_the_slots_as_values(
            bits in 3u32..8,
            values in proptest::collection::vec(-8.0..8.0f64, 64),
        ) {
            let n = 1usize << bits;
            let encoder = Encoder::new(n);
            let scale = (1u64 << 45) as f64;
            let slots: Vec<f64> = values.iter().copied().take(n / 2).collect();
            let mut out = vec![0; n];
            let result = encoder.coefficients(&slots, scale, &mut encoder.scratch(), &mut out);
            prop_assert_eq!(result, Ok(()));
            let mut exponent = 1;
            for (slot, &expected) in slots.iter().enumerate() {
                let (re, im) = value_at(&out, exponent);
                prop_assert!((re / scale - expected).abs() < 1e-11, "slot {slot}: {re}");
                prop_assert!(im.abs() / scale < 1e-11);
                exponent = exponent * 3 % (2 * n);
            }
        }
    }

    #[test]
    fn refuses_what_no_modulus_holds() {
        let encoder = Encoder::new(16);
        let mut out = [0; 16];
        for slots in [[1e30; 8], [f64::NAN; 8], [f64::INFINITY; 8]] {
            let result = encoder.coefficients(&slots, 1.0, &mut encoder.scratch(), &mut out);
            assert!(result.is_err());
        }
    }
}
