//! Sums of ciphertexts with numbers as weights: products with a matrix of integers.
use crate::arithmetic::{require_primes, residue, scaled_integer};
use crate::ciphertext::Ciphertext;
use crate::context::Context;
use crate::error::CkksError;

/// Multiply-adds that one thread does at once: some 5 ms.
const PRODUCTS: usize = 1 << 25;
/// Parts that a thread does between two looks at `proceed`: with one, a thread that is done first
/// would wait for the others.
const PARTS: usize = 2;
/// A multiple of every vector; fewer columns would not pay for packing the weights.
const LEAST_COLUMNS: usize = 512;

impl Context {
    /// out_r = Σ_k weights[r·K + k] · inputs_k, the weights of column k as integers at its own scale.
    ///
    /// Inputs are ciphertexts over the same primes with the scale of their weights; the caller
    /// answers for the scale of the results. Bit for bit the sum of [`Context::mul_constant`].
    /// `proceed` is called between parts of the work and can end it.
    ///
    /// Cost: R·K multiply-adds a coefficient; every input is read once for each prime.
    ///
    /// # Errors
    /// [`CkksError::Primes`] where inputs differ, [`CkksError::Polynomials`] for none,
    /// [`CkksError::Constant`]; what `proceed` returns.
    ///
    /// # Panics
    /// Where the weights are no rows of K.
    pub fn combine<E: From<CkksError>>(
        &self,
        inputs: &[(&Ciphertext, f64)],
        weights: &[f64],
        scale: f64,
        mut proceed: impl FnMut() -> Result<(), E>,
    ) -> Result<Vec<Ciphertext>, E> {
        let depth = inputs.len();
        let sizes = inputs.iter().map(|(x, _)| x.polynomials.len());
        let Some(size) = sizes.max() else {
            return Err(CkksError::Polynomials {
                what: "combine",
                got: 0,
                expected: 2,
            }
            .into());
        };
        assert!(weights.len().is_multiple_of(depth), "rows of {depth}");
        let primes = inputs[0].0.primes();
        for (x, _) in inputs {
            require_primes("combine", x.primes(), primes)?;
        }
        let integers = weights
            .chunks_exact(depth)
            .flat_map(|row| row.iter().zip(inputs))
            .map(|(&weight, &(_, scale))| scaled_integer(weight, scale))
            .collect::<Result<Vec<i128>, _>>()?;
        let rows = weights.len() / depth;
        let mut made: Vec<Ciphertext> = (0..rows)
            .map(|_| Ciphertext {
                polynomials: (0..size).map(|_| self.polynomial(primes)).collect(),
                scale,
            })
            .collect();
        let tile = (PRODUCTS / weights.len().max(1))
            .max(LEAST_COLUMNS)
            .next_power_of_two()
            .min(self.degree());
        // By polynomial: an input without it has zero there.
        let columns: Vec<Vec<usize>> = (0..size)
            .map(|p| {
                let has = |&k: &usize| p < inputs[k].0.polynomials.len();
                (0..depth).filter(has).collect()
            })
            .collect();
        for (i, ring) in self.primes()[..primes].iter().enumerate() {
            let residues: Vec<u64> = integers.iter().map(|&w| residue(w, ring)).collect();
            let weights: Vec<Vec<u64>> = columns
                .iter()
                .map(|columns| {
                    let rows = residues.chunks(depth);
                    rows.flat_map(|row| columns.iter().map(|&k| row[k]))
                        .collect()
                })
                .collect();
            let mut tiles = tiles(&mut made, i, tile);
            while !tiles.is_empty() {
                proceed()?;
                let now = tiles.len().min(PARTS * self.workers().threads());
                self.workers()
                    .each(tiles.drain(..now).collect(), |mut tile| {
                        let p = tile.polynomial;
                        let part = tile.at..tile.at + tile.width;
                        let from: Vec<&[u64]> = columns[p]
                            .iter()
                            .map(|&k| &inputs[k].0.polynomials[p].residue(i)[part.clone()])
                            .collect();
                        ring.matrix_product(&mut tile.rows, &weights[p], &from);
                    });
            }
        }
        Ok(made)
    }
}

/// Some coefficients of a polynomial of every result.
struct Tile<'a> {
    polynomial: usize,
    at: usize,
    width: usize,
    rows: Vec<&'a mut [u64]>,
}

/// The residues of all results modulo the prime with index i.
fn tiles(made: &mut [Ciphertext], i: usize, width: usize) -> Vec<Tile<'_>> {
    let mut tiles: Vec<Tile<'_>> = Vec::new();
    for (row, out) in made.iter_mut().enumerate() {
        let parts = out.polynomials.iter_mut().enumerate().flat_map(|(p, out)| {
            let parts = out.residue_mut(i).chunks_exact_mut(width);
            parts.enumerate().map(move |part| (p, part))
        });
        for (number, (polynomial, (part, words))) in parts.enumerate() {
            if row == 0 {
                tiles.push(Tile {
                    polynomial,
                    at: part * width,
                    width,
                    rows: Vec::new(),
                });
            }
            tiles[number].rows.push(words);
        }
    }
    tiles
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::{Kernel, RnsPolynomial};

    /// 2048 divides each less one.
    const PRIMES: [u64; 2] = [12_289, 40_961];

    fn ciphertext(context: &Context, size: usize, seed: u64) -> Ciphertext {
        let polynomials = (0..size as u64).map(|p| {
            let mut made = RnsPolynomial::zero(context.pool(), context.degree(), PRIMES.len());
            for (q, residue) in PRIMES.iter().zip(made.residues_mut()) {
                for (word, n) in residue.iter_mut().zip(0u64..) {
                    *word = n.wrapping_mul(2_654_435_761 + seed).wrapping_add(97 * p) % q;
                }
            }
            made
        });
        Ciphertext::new(polynomials.collect(), 8.0)
    }

    #[test]
    fn is_the_sum_of_products_with_constants() -> Result<(), CkksError> {
        let context = Context::new(1024, &PRIMES, 61_441, Kernel::detect())?;
        for sizes in [[2, 2, 2], [3, 2, 3], [3, 3, 3]] {
            let inputs: Vec<_> = (0..)
                .zip(sizes)
                .map(|(seed, size)| ciphertext(&context, size, seed))
                .collect();
            let scales = [64.0, 64.0, 64.0];
            let columns: Vec<_> = inputs.iter().zip(scales).collect();
            let weights: Vec<f64> = (0..33).map(|n| f64::from(n * n % 41) / 7.0 - 2.5).collect();
            let made = context.combine(&columns, &weights, 512.0, || Ok::<(), CkksError>(()))?;
            assert_eq!(made.len(), 11);
            for (made, row) in made.iter().zip(weights.chunks(3)) {
                let mut sum = context.mul_constant(&inputs[0], row[0], 64.0)?;
                for k in 1..3 {
                    sum = context.add(&sum, &context.mul_constant(&inputs[k], row[k], 64.0)?)?;
                }
                assert_eq!((made.scale(), sum.scale()), (512.0, 512.0));
                let words = |x: &Ciphertext| -> Vec<Vec<u64>> {
                    x.polynomials().iter().map(|p| p.words().to_vec()).collect()
                };
                assert!(words(made) == words(&sum), "{sizes:?}");
            }
        }
        Ok(())
    }

    #[test]
    fn stops_where_the_caller_says() -> Result<(), CkksError> {
        let context = Context::new(1024, &PRIMES, 61_441, Kernel::detect())?;
        let x = ciphertext(&context, 2, 0);
        let mut left = 2;
        let stopped = context.combine(&[(&x, 1.0)], &[3.0], 8.0, || {
            left -= 1;
            if left == 0 {
                Err(CkksError::LevelsExhausted)
            } else {
                Ok(())
            }
        });
        assert!(matches!(stopped, Err(CkksError::LevelsExhausted)));
        assert_eq!(left, 0);
        Ok(())
    }
}
