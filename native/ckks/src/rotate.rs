//! Rotations, conjugation, relinearisation.
use crate::arithmetic::require_two;
use crate::ciphertext::Ciphertext;
use crate::context::Context;
use crate::error::CkksError;
use crate::key_switch::{Digits, First};
use crate::switching_key::SwitchingKey;
use ring::{Automorphism, RnsPolynomial};

impl Context {
    /// Back from three polynomials to two, with the key of s².
    ///
    /// # Errors
    /// [`CkksError::Polynomials`], [`CkksError::KeyTrimmed`].
    pub fn relinearise(&self, a: &Ciphertext, key: &SwitchingKey) -> Result<Ciphertext, CkksError> {
        let [c0, c1, c2] = &a.polynomials[..] else {
            return Err(CkksError::Polynomials {
                what: "relinearise",
                got: a.polynomials.len(),
                expected: 3,
            });
        };
        let sums = self.switch(c2, First::None, key, None)?;
        let polynomials = self.divide_special(&sums, [Some(c0), Some(c1)]);
        Ok(Ciphertext {
            polynomials: polynomials.into(),
            scale: a.scale,
        })
    }

    /// Apply an automorphism (a rotation, conjugation) with its key.
    ///
    /// # Errors
    /// [`CkksError::Polynomials`] for three polynomials, [`CkksError::KeyTrimmed`].
    pub fn apply(
        &self,
        a: &Ciphertext,
        automorphism: &Automorphism,
        key: &SwitchingKey,
    ) -> Result<Ciphertext, CkksError> {
        require_two("apply", a)?;
        let first = First::Plain(&a.polynomials[0]);
        let sums = self.switch(&a.polynomials[1], first, key, Some(automorphism))?;
        Ok(self.reduce(&sums, a.scale))
    }

    /// Apply an automorphism to a value whose digits are at hand.
    ///
    /// `digits` are those of the second polynomial of `a`.
    ///
    /// # Errors
    /// As [`Context::apply`], and [`CkksError::Primes`] for digits of another level.
    pub fn apply_hoisted(
        &self,
        a: &Ciphertext,
        digits: &Digits,
        automorphism: &Automorphism,
        key: &SwitchingKey,
    ) -> Result<Ciphertext, CkksError> {
        require_two("apply", a)?;
        if digits.primes() != a.primes() {
            return Err(CkksError::Primes {
                what: "apply_hoisted",
                got: digits.primes(),
                expected: a.primes(),
            });
        }
        let first = First::Plain(&a.polynomials[0]);
        let sums = self.switch(digits, first, key, Some(automorphism))?;
        Ok(self.reduce(&sums, a.scale))
    }

    /// The automorphism of an element, for this ring and kernel.
    ///
    /// # Errors
    /// [`CkksError::Ring`] for an element that is not odd and below 2N.
    pub fn automorphism(&self, element: u64) -> Result<Automorphism, CkksError> {
        Ok(Automorphism::new(element, self.degree(), self.kernel())?)
    }

    /// The key of an automorphism from its digits as the client sent them.
    ///
    /// Cost: one permutation of the key, kept for all its uses.
    ///
    /// # Errors
    /// As [`Context::automorphism`].
    ///
    /// # Panics
    /// As [`SwitchingKey::new`].
    pub fn automorphism_key(
        &self,
        digits: Vec<[RnsPolynomial; 2]>,
        element: u64,
    ) -> Result<SwitchingKey, CkksError> {
        let back = self.automorphism(inverse_element(element, self.degree()))?;
        let mut digits = digits;
        let mut scratch = self.pool().take(self.degree());
        for polynomial in digits.iter_mut().flatten() {
            for residue in polynomial.residues_mut() {
                scratch.copy_from_slice(residue);
                back.apply(residue, &scratch);
            }
        }
        Ok(SwitchingKey::new(self, &digits))
    }
}

/// The inverse modulo 2N of an odd number, by Newton's iteration: each step doubles the right bits.
fn inverse_element(element: u64, degree: usize) -> u64 {
    let inverse = (0..6).fold(element, |x, _| {
        x.wrapping_mul(2u64.wrapping_sub(element.wrapping_mul(x)))
    });
    inverse & (2 * degree as u64 - 1)
}
