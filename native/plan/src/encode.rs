//! Vectors of slots → plaintexts in transformed form.

use ckks::encoder::{Encoder, EncoderScratch};
use ckks::{Context, Plaintext};
use ring::{INTEGER_BITS, RnsPolynomial};

use crate::run_error::RunError;

/// Encodes one vector at a time.
#[derive(Debug)]
pub struct PlaintextMaker<'a> {
    context: &'a Context,
    encoder: &'a Encoder,
    scratch: EncoderScratch,
    coefficients: Vec<i64>,
    /// One value per slot, zero between two calls.
    slots: Vec<f64>,
}

impl<'a> PlaintextMaker<'a> {
    pub fn new(context: &'a Context, encoder: &'a Encoder) -> Self {
        Self {
            context,
            encoder,
            scratch: encoder.scratch(),
            coefficients: vec![0; context.degree()],
            slots: vec![0.0; context.degree() / 2],
        }
    }

    /// Encode what `fill` writes over zeros.
    ///
    /// Cost: a transform of N/4 complex numbers and one for each prime.
    pub fn encode(
        &mut self,
        scale: f64,
        primes: usize,
        fill: impl FnOnce(&mut [f64]),
    ) -> Result<Plaintext, RunError> {
        let polynomial = self.polynomial(scale, primes, false, fill)?;
        Ok(Plaintext::new(polynomial, scale))
    }

    /// The same as a polynomial, with residues for the special primes after the others where
    /// `extended`.
    pub fn polynomial(
        &mut self,
        scale: f64,
        primes: usize,
        extended: bool,
        fill: impl FnOnce(&mut [f64]),
    ) -> Result<RnsPolynomial, RunError> {
        fill(&mut self.slots);
        let made = self.encoder.coefficients(
            &self.slots,
            scale,
            &mut self.scratch,
            &mut self.coefficients,
        );
        self.slots.fill(0.0);
        if let Err(error) = made {
            return Err(RunError::Encoding {
                coefficient: error.coefficient,
                scale,
            });
        }
        Ok(self.transformed(&self.coefficients, primes, extended))
    }

    /// The coefficients of what was encoded last.
    pub fn coefficients(&self) -> &[i64] {
        &self.coefficients
    }

    /// The polynomial of coefficients. Cost: a transform for each prime.
    pub fn transformed(
        &self,
        coefficients: &[i64],
        primes: usize,
        extended: bool,
    ) -> RnsPolynomial {
        let context = self.context;
        let specials = if extended {
            context.specials().len()
        } else {
            0
        };
        let count = primes + specials;
        let mut polynomial = RnsPolynomial::uninitialised(context.pool(), context.degree(), count);
        let mut words = context.pool().take(context.degree());
        let short = integer_words(&mut words, coefficients);
        for (i, residue) in polynomial.residues_mut().enumerate() {
            let ring = context.ring(i, primes);
            if short {
                ring.forward_integers(residue, &words);
                continue;
            }
            let modulus = ring.modulus();
            for (to, &from) in residue.iter_mut().zip(coefficients) {
                *to = modulus.from_signed(from);
            }
            ring.forward(residue);
        }
        polynomial
    }
}

/// Integers modulo 2^[`INTEGER_BITS`]. Whether each has less than so many bits.
fn integer_words(words: &mut [u64], integers: &[i64]) -> bool {
    const HALF: u64 = 1 << (INTEGER_BITS - 1);
    let mut excess = 0;
    for (word, &integer) in words.iter_mut().zip(integers) {
        let integer = integer as u64;
        *word = integer & (2 * HALF - 1);
        // Both sums are below 2·HALF for integers from −HALF + 1 to HALF − 1 only.
        excess |= integer.wrapping_add(HALF - 1) | integer.wrapping_add(HALF);
    }
    excess < 2 * HALF
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::Kernel;

    /// Twice the degree divides each less one.
    const PRIMES: [u64; 2] = [12_289, 40_961];

    #[test]
    fn a_number_in_every_slot_is_a_constant_polynomial() -> Result<(), RunError> {
        let context = Context::new(1024, &PRIMES, 61_441, Kernel::detect())?;
        let encoder = Encoder::new(1024);
        let mut maker = PlaintextMaker::new(&context, &encoder);
        // What one call wrote does not reach the next.
        maker.encode(64.0, 2, |slots| slots[3] = 5.0)?;
        let plaintext = maker.encode(64.0, 2, |slots| slots.fill(-2.5))?;
        for (prime, residue) in PRIMES.iter().zip(plaintext.polynomial().residues()) {
            assert!(residue.iter().all(|&word| word == prime - 160), "{prime}");
        }
        let long = maker.encode(2f64.powi(55), 2, |slots| slots.fill(-2.5))?;
        for (prime, residue) in PRIMES.iter().zip(long.polynomial().residues()) {
            let expected = (-5i64 << 54).rem_euclid(*prime as i64) as u64;
            assert!(residue.iter().all(|&word| word == expected), "{prime}");
        }
        let refused = maker.encode(1e30, 2, |slots| slots.fill(1.0));
        assert!(matches!(refused, Err(RunError::Encoding { .. })));
        Ok(())
    }
}
