//! Complex fast Fourier transform of a power of two, out of place and without bit reversal.
//!
//! Source: Stockham's autosort in radix 4 (Van Loan, "Computational Frameworks for the FFT", §1.7).

use std::f64::consts::PI;

/// Real and imaginary parts of one vector.
#[derive(Clone, Debug, Default)]
pub struct Complex {
    pub re: Vec<f64>,
    pub im: Vec<f64>,
}

impl Complex {
    pub fn zeros(length: usize) -> Self {
        Self {
            re: vec![0.0; length],
            im: vec![0.0; length],
        }
    }
}

/// Twiddle factors e^(−2πi p / n) of every pass.
#[derive(Clone, Debug)]
pub struct Fft {
    length: usize,
    passes: Vec<Complex>,
}

impl Fft {
    /// ASSUME: `length` is a power of two.
    pub fn new(length: usize) -> Self {
        let mut passes = Vec::new();
        let mut n = length;
        while n >= 4 {
            let mut twiddles = Complex::default();
            for p in 0..n / 4 {
                let (sin, cos) = (-2.0 * PI * p as f64 / n as f64).sin_cos();
                twiddles.re.push(cos);
                twiddles.im.push(sin);
            }
            passes.push(twiddles);
            n /= 4;
        }
        Self { length, passes }
    }

    /// Replace `x` by its transform Σ x_j e^(−2πi jk / n); `scratch` has the same length.
    ///
    /// Cost: n/4 · log4(n) butterflies of 3 complex products.
    pub fn forward(&self, x: &mut Complex, scratch: &mut Complex) {
        let mut n = self.length;
        let mut stride = 1;
        for twiddles in &self.passes {
            radix4(twiddles, n, stride, x, scratch);
            std::mem::swap(x, scratch);
            n /= 4;
            stride *= 4;
        }
        if n == 2 {
            radix2(stride, x, scratch);
            std::mem::swap(x, scratch);
        }
    }
}

fn radix4(twiddles: &Complex, n: usize, stride: usize, x: &Complex, y: &mut Complex) {
    let quarter = stride * n / 4;
    for p in 0..n / 4 {
        let (c1, s1) = (twiddles.re[p], twiddles.im[p]);
        let (c2, s2) = (c1 * c1 - s1 * s1, 2.0 * c1 * s1);
        let (c3, s3) = (c2 * c1 - s2 * s1, c2 * s1 + s2 * c1);
        let from = |k: usize| stride * p + k * quarter..stride * (p + 1) + k * quarter;
        let (ar, ai) = (&x.re[from(0)], &x.im[from(0)]);
        let (br, bi) = (&x.re[from(1)], &x.im[from(1)]);
        let (cr, ci) = (&x.re[from(2)], &x.im[from(2)]);
        let (dr, di) = (&x.re[from(3)], &x.im[from(3)]);
        let out = 4 * stride * p..4 * stride * (p + 1);
        let (y0r, rest) = y.re[out.clone()].split_at_mut(stride);
        let (y1r, rest) = rest.split_at_mut(stride);
        let (y2r, y3r) = rest.split_at_mut(stride);
        let (y0i, rest) = y.im[out].split_at_mut(stride);
        let (y1i, rest) = rest.split_at_mut(stride);
        let (y2i, y3i) = rest.split_at_mut(stride);
        for q in 0..stride {
            let (apr, api) = (ar[q] + cr[q], ai[q] + ci[q]);
            let (amr, ami) = (ar[q] - cr[q], ai[q] - ci[q]);
            let (bpr, bpi) = (br[q] + dr[q], bi[q] + di[q]);
            // i · (b − d)
            let (jr, ji) = (di[q] - bi[q], br[q] - dr[q]);
            y0r[q] = apr + bpr;
            y0i[q] = api + bpi;
            let (tr, ti) = (amr - jr, ami - ji);
            y1r[q] = tr * c1 - ti * s1;
            y1i[q] = tr * s1 + ti * c1;
            let (tr, ti) = (apr - bpr, api - bpi);
            y2r[q] = tr * c2 - ti * s2;
            y2i[q] = tr * s2 + ti * c2;
            let (tr, ti) = (amr + jr, ami + ji);
            y3r[q] = tr * c3 - ti * s3;
            y3i[q] = tr * s3 + ti * c3;
        }
    }
}

fn radix2(stride: usize, x: &Complex, y: &mut Complex) {
    for q in 0..stride {
        y.re[q] = x.re[q] + x.re[q + stride];
        y.im[q] = x.im[q] + x.im[q + stride];
        y.re[q + stride] = x.re[q] - x.re[q + stride];
        y.im[q + stride] = x.im[q] - x.im[q + stride];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_the_sum(
            bits in 0u32..8,
            values in proptest::collection::vec((-1.0..1.0f64, -1.0..1.0f64), 128),
        ) {
            let n = 1usize << bits;
            let mut x = Complex::zeros(n);
            for (k, &(re, im)) in values.iter().take(n).enumerate() {
                x.re[k] = re;
                x.im[k] = im;
            }
            let given = x.clone();
            Fft::new(n).forward(&mut x, &mut Complex::zeros(n));
            for k in 0..n {
                let (mut re, mut im) = (0.0, 0.0);
                for j in 0..n {
                    let (sin, cos) = (-2.0 * PI * (j * k % n) as f64 / n as f64).sin_cos();
                    re += given.re[j] * cos - given.im[j] * sin;
                    im += given.re[j] * sin + given.im[j] * cos;
                }
                prop_assert!((x.re[k] - re).abs() < 1e-12 && (x.im[k] - im).abs() < 1e-12);
            }
        }
    }
}
