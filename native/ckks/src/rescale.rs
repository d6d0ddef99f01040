//! Fewer primes: rescaling and dropped levels, bit for bit those of SEAL.
use crate::ciphertext::{Ciphertext, Plaintext};
use crate::context::Context;
use crate::error::CkksError;
use ring::Buffer;

impl Context {
    /// Divide by the last prime, rounding, and drop it; the scale is divided by it too.
    ///
    /// Cost: for each polynomial one inverse transform and a transform per prime left.
    ///
    /// # Errors
    /// [`CkksError::LevelsExhausted`] where one prime is left.
    ///
    /// Source: microsoft/SEAL v4.1.2 `native/src/seal/util/rns.cpp`
    /// `divide_and_round_q_last_ntt_inplace`: adding (q−1)/2 before the reduction and taking it off
    /// after is the same as centring.
    pub fn rescale(&self, a: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let last = a.primes() - 1;
        if last == 0 {
            return Err(CkksError::LevelsExhausted);
        }
        let ring = &self.primes()[last];
        let mut remainders: Vec<Buffer> = a
            .polynomials
            .iter()
            .map(|_| self.pool().take(self.degree()))
            .collect();
        let tasks = remainders.iter_mut().zip(&a.polynomials).collect();
        self.workers().each(tasks, |(remainder, a)| {
            remainder.copy_from_slice(a.residue(last));
            ring.inverse(remainder);
        });
        let remainders = &remainders;
        let scale = a.scale / ring.modulus().value() as f64;
        let size = a.polynomials.len();
        Ok(self.residues(scale, size, last, |at, to, out| {
            let mut scratch = self.pool().take(self.degree());
            to.forward_lifted(&mut scratch, &remainders[at.polynomial], ring.modulus());
            to.sub_scale(
                out,
                at.of(a),
                &scratch,
                &self.prime_inverses(last)[at.prime],
            );
        }))
    }

    /// Keep `primes` primes; value and scale stay.
    ///
    /// # Errors
    /// [`CkksError::LevelsExhausted`] for no primes, [`CkksError::Primes`] for more than there are.
    pub fn drop_to(&self, a: &Ciphertext, primes: usize) -> Result<Ciphertext, CkksError> {
        check_drop(a.primes(), primes)?;
        Ok(a.first(self.pool(), primes))
    }

    /// A plaintext with fewer primes.
    ///
    /// # Errors
    /// As [`Context::drop_to`].
    pub fn drop_plain_to(&self, a: &Plaintext, primes: usize) -> Result<Plaintext, CkksError> {
        check_drop(a.primes(), primes)?;
        Ok(Plaintext {
            polynomial: a.polynomial.first(self.pool(), primes),
            scale: a.scale,
        })
    }
}

const fn check_drop(got: usize, expected: usize) -> Result<(), CkksError> {
    if expected == 0 {
        return Err(CkksError::LevelsExhausted);
    }
    if expected > got {
        return Err(CkksError::Primes {
            what: "drop_to",
            got,
            expected,
        });
    }
    Ok(())
}
