//! Sums of products of values modulo Q·P with plaintexts: the middle of a linear map.
use crate::arithmetic::require_primes;
use crate::ciphertext::Plaintext;
use crate::context::Context;
use crate::error::CkksError;
use crate::extended::Extended;
use std::ops::Range;

/// Coefficients that are finished for all sums before the next ones: the values of some products
/// then stay in the second cache, and only plaintexts come from memory.
const TILE: usize = 2048;

/// One sum, and what is to be added to it.
#[derive(Debug)]
pub struct PlainSum<'a> {
    /// What the products are added to.
    pub sum: &'a mut Extended,
    /// The sum has no content yet.
    pub empty: bool,
    /// Values and the plaintexts that they are multiplied by.
    pub terms: Vec<(&'a Extended, &'a Plaintext)>,
}

/// The rows of a sum modulo one prime, and of its terms.
struct Rows<'a> {
    out: [&'a mut [u64]; 2],
    empty: bool,
    left: Vec<&'a [u64]>,
    right: [Vec<&'a [u64]>; 2],
}

impl Context {
    /// sum += Σ value · plaintext, for each of several sums with values in common.
    ///
    /// Cost: every plaintext is read once; the values once for each part of the coefficients, as far
    /// as those of one call fit the caches.
    ///
    /// # Errors
    /// [`CkksError::Primes`] where primes differ, or a plaintext has not the special ones.
    pub fn add_plain_products(&self, sums: &mut [PlainSum<'_>]) -> Result<(), CkksError> {
        const WHAT: &str = "add_plain_products";
        let Some(primes) = sums.first().map(|sum| sum.sum.primes()) else {
            return Ok(());
        };
        for PlainSum { sum, terms, .. } in sums.iter() {
            require_primes(WHAT, sum.primes(), primes)?;
            for (value, plaintext) in terms {
                require_primes(WHAT, value.primes(), primes)?;
                require_primes(WHAT, plaintext.primes(), primes)?;
                require_primes(WHAT, plaintext.specials(), self.specials().len())?;
            }
        }
        let mut by_prime: Vec<Vec<Rows<'_>>> = Vec::new();
        by_prime.resize_with(primes + self.specials().len(), Vec::new);
        for PlainSum { sum, empty, terms } in sums {
            for (i, out) in sum.residues_mut().into_iter().enumerate() {
                let right = |k: usize| terms.iter().map(|(x, _)| x.residues(i)[k]).collect();
                by_prime[i].push(Rows {
                    out,
                    empty: *empty,
                    left: terms
                        .iter()
                        .map(|(_, plaintext)| plaintext.polynomial().residue(i))
                        .collect(),
                    right: [right(0), right(1)],
                });
            }
        }
        let tasks: Vec<_> = by_prime.into_iter().enumerate().collect();
        self.workers().each(tasks, |(i, mut sums)| {
            let ring = self.ring(i, primes);
            let tile = TILE.min(self.degree());
            for at in (0..self.degree()).step_by(tile) {
                let part = at..at + tile;
                for Rows {
                    out: [out0, out1],
                    empty,
                    left,
                    right: [right0, right1],
                } in &mut sums
                {
                    ring.inner_products_prepared(
                        [&mut out0[part.clone()], &mut out1[part.clone()]],
                        &part_of(left, &part),
                        [&part_of(right0, &part), &part_of(right1, &part)],
                        !*empty,
                    );
                }
            }
        });
        Ok(())
    }
}

fn part_of<'a>(rows: &[&'a [u64]], part: &Range<usize>) -> Vec<&'a [u64]> {
    rows.iter().map(|row| &row[part.clone()]).collect()
}
