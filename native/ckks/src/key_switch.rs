//! Key switching with one digit for each prime, centred.
//!
//! A polynomial c is written as digits, the residues of c modulo each q_j as integers in
//! −(q_j−1)/2 … (q_j−1)/2. Σ_j digit_j · key_j encrypts P·c·s′ modulo Q·P, and dividing by P with
//! rounding leaves c·s′. Centred digits give a quarter of the variance of SEAL's digits in [0, q_j),
//! and spread it evenly over slots.
use crate::context::Context;
use crate::error::CkksError;
use crate::extended::Extended;
use crate::switching_key::SwitchingKey;
use ring::{Automorphism, RnsPolynomial, Rows, Start};

/// The digits of a polynomial modulo every prime and the special one, transformed and prepared: work
/// that rotations of the same value share.
#[derive(Debug)]
pub struct Digits {
    /// For each data prime, then for the special one: each digit.
    rows: Rows,
    primes: usize,
}

impl Digits {
    /// Primes of the value, which is the number of digits.
    pub const fn primes(&self) -> usize {
        self.primes
    }

    /// The digits modulo the prime with index i (the number of primes for the special one).
    fn of_prime(&self, i: usize) -> Vec<&[u64]> {
        let first = i * self.primes;
        (first..first + self.primes)
            .map(|row| self.rows.row(row))
            .collect()
    }
}

/// What is switched with the digits: the first polynomial of a rotated value.
#[derive(Clone, Copy, Debug)]
pub enum First<'a> {
    /// Nothing: it is added later.
    None,
    /// Modulo Q.
    Plain(&'a RnsPolynomial),
}

impl Context {
    /// The digits of a polynomial, to be used for several keys.
    ///
    /// Cost: n inverse transforms, n² transforms, n·(n + 1) residues of memory.
    #[must_use]
    pub fn decompose(&self, a: &RnsPolynomial) -> Digits {
        let primes = a.primes();
        let coefficients = self.coefficients(a);
        let mut rows = Rows::new(self.pool(), self.degree(), primes * (primes + 1));
        let tasks: Vec<_> = rows.iter_mut().enumerate().collect();
        self.workers().each(tasks, |(row, out)| {
            let (i, j) = (row / primes, row % primes);
            let ring = self.ring(i, primes);
            if i == j {
                // Modulo its own prime a digit is the residue it came from.
                ring.prepare(out, a.residue(j));
            } else {
                let modulus = self.primes()[j].modulus();
                ring.forward_lifted_prepared(out, coefficients.residue(j), modulus);
            }
        });
        Digits { rows, primes }
    }

    /// P·first + Σ digit · key modulo Q·P, turned by an automorphism; the value has the digits'
    /// primes.
    ///
    /// # Errors
    /// [`CkksError::KeyTrimmed`].
    pub fn switch(
        &self,
        digits: &Digits,
        first: First<'_>,
        key: &SwitchingKey,
        automorphism: Option<&Automorphism>,
    ) -> Result<Extended, CkksError> {
        key.serves(digits.primes)?;
        let mut sums = self.extended(digits.primes);
        let tasks: Vec<_> = sums.residues_mut().into_iter().enumerate().collect();
        self.workers().each(tasks, |(i, out)| {
            self.switch_residue(i, out, digits, first, key, automorphism);
        });
        Ok(sums)
    }

    /// The residues of `switch` modulo the prime with index i, for a key that serves the digits.
    fn switch_residue(
        &self,
        i: usize,
        out: [&mut [u64]; 2],
        digits: &Digits,
        first: First<'_>,
        key: &SwitchingKey,
        automorphism: Option<&Automorphism>,
    ) {
        let primes = digits.primes;
        let start = match first {
            First::Plain(first) if i < primes => {
                Start::Scaled(first.residue(i), &self.special_residues()[i])
            }
            _ => Start::Zero,
        };
        self.ring(i, primes).key_product(
            out,
            &digits.of_prime(i),
            key.block((i < primes).then_some(i)),
            start,
            automorphism,
            false,
        );
    }

    /// A polynomial as coefficients: its digits, not yet centred.
    fn coefficients(&self, a: &RnsPolynomial) -> RnsPolynomial {
        let mut coefficients = self.polynomial(a.primes());
        let tasks: Vec<_> = coefficients.residues_mut().enumerate().collect();
        self.workers().each(tasks, |(i, out)| {
            out.copy_from_slice(a.residue(i));
            self.primes()[i].inverse(out);
        });
        coefficients
    }
}
