//! Key switching with centred digits.
//!
//! With k special primes, digit j of a polynomial c is its residue modulo D_j, the product of the data
//! primes j·k … (j + 1)·k − 1 as far as c has them, as integers in −D_j/2 … D_j/2. Σ_j digit_j · key_j
//! encrypts P·c·s′ modulo Q·P, and dividing by P with rounding leaves c·s′. Centred digits give a
//! quarter of the variance of SEAL's digits in [0, q_j), and spread it evenly over slots. A digit of
//! one prime is lifted, one of several is converted (`base_conversion.rs`).
use crate::arithmetic::require_primes;
use crate::context::Context;
use crate::error::CkksError;
use crate::extended::Extended;
use crate::switching_key::SwitchingKey;
use ring::{Automorphism, RnsPolynomial, Rows, Start};
use std::ops::Range;

/// The digits of a polynomial modulo every prime and every special one, transformed and prepared:
/// work that rotations of the same value share.
#[derive(Debug)]
pub struct Digits {
    /// For each data prime, then for the special ones: each digit.
    rows: Rows,
    primes: usize,
    count: usize,
}

impl Digits {
    /// Primes of the value.
    pub const fn primes(&self) -> usize {
        self.primes
    }

    /// The digits modulo the prime with index i (special ones after those of the value).
    fn of_prime(&self, i: usize) -> Vec<&[u64]> {
        let first = i * self.count;
        (first..first + self.count)
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
    /// The first polynomial of a value modulo Q·P, which is P times as large already.
    Extended(&'a Extended),
}

impl Context {
    /// The digits of a polynomial, to be used for several keys.
    ///
    /// Cost: for d digits n inverse transforms, d·(n + k) − n transforms, d·(n + k) residues of
    /// memory.
    #[must_use]
    pub fn decompose(&self, a: &RnsPolynomial) -> Digits {
        let primes = a.primes();
        let groups = self.digit_primes(primes);
        let count = groups.len();
        let coefficients = self.coefficients(a, &groups);
        let residues = primes + self.specials().len();
        let mut rows = Rows::new(self.pool(), self.degree(), count * residues);
        let tasks: Vec<_> = rows.iter_mut().enumerate().collect();
        self.workers().each(tasks, |(row, out)| {
            let (i, j) = (row / count, row % count);
            let ring = self.ring(i, primes);
            let group = &groups[j];
            if group.contains(&i) {
                // Modulo its own primes a digit is the residues it came from.
                ring.prepare(out, a.residue(i));
            } else if let [lone] = group.clone().collect::<Vec<_>>()[..] {
                let modulus = self.primes()[lone].modulus();
                ring.forward_lifted_prepared(out, coefficients.residue(lone), modulus);
            } else {
                let parts: Vec<_> = group.clone().map(|g| coefficients.residue(g)).collect();
                let target = (self.place(i, primes), ring);
                let conversion = self.digit_conversion(j, group.len());
                conversion.forward(target, out, &parts);
            }
        });
        Digits {
            rows,
            primes,
            count,
        }
    }

    /// The data primes of each digit of a value.
    fn digit_primes(&self, primes: usize) -> Vec<Range<usize>> {
        let size = self.specials().len();
        (0..primes)
            .step_by(size)
            .map(|first| first..primes.min(first + size))
            .collect()
    }

    /// P·first + Σ digit · key modulo Q·P, turned by an automorphism; the value has the digits'
    /// primes.
    ///
    /// # Errors
    /// [`CkksError::KeyTrimmed`]; [`CkksError::Primes`] for a first polynomial of another level.
    pub fn switch(
        &self,
        digits: &Digits,
        first: First<'_>,
        key: &SwitchingKey,
        automorphism: Option<&Automorphism>,
    ) -> Result<Extended, CkksError> {
        let mut sums = self.extended(digits.primes);
        self.switch_to(&mut sums, digits, first, key, automorphism, false)?;
        Ok(sums)
    }

    /// Add what [`Context::switch`] makes to a sum of such values.
    ///
    /// # Errors
    /// As there, and [`CkksError::Primes`] for a sum of another level.
    pub fn switch_add(
        &self,
        sums: &mut Extended,
        digits: &Digits,
        first: First<'_>,
        key: &SwitchingKey,
        automorphism: Option<&Automorphism>,
    ) -> Result<(), CkksError> {
        require_primes("switch_add", sums.primes(), digits.primes)?;
        self.switch_to(sums, digits, first, key, automorphism, true)
    }

    fn switch_to(
        &self,
        sums: &mut Extended,
        digits: &Digits,
        first: First<'_>,
        key: &SwitchingKey,
        automorphism: Option<&Automorphism>,
        accumulate: bool,
    ) -> Result<(), CkksError> {
        let primes = digits.primes;
        key.serves(primes)?;
        match first {
            First::None => {}
            First::Plain(first) => require_primes("switch", first.primes(), primes)?,
            First::Extended(first) => require_primes("switch", first.primes(), primes)?,
        }
        let tasks: Vec<_> = sums.residues_mut().into_iter().enumerate().collect();
        self.workers().each(tasks, |(i, out)| {
            let start = match first {
                First::Plain(first) if i < primes => {
                    Start::Scaled(first.residue(i), &self.special_residues()[i])
                }
                First::Extended(first) => Start::Prepared(first.residues(i)[0]),
                _ => Start::Zero,
            };
            self.ring(i, primes).key_product(
                out,
                &digits.of_prime(i),
                key.block(i, primes),
                start,
                automorphism,
                accumulate,
            );
        });
        Ok(())
    }

    /// A polynomial as coefficients, as the conversions of its digits want them.
    fn coefficients(&self, a: &RnsPolynomial, groups: &[Range<usize>]) -> RnsPolynomial {
        let mut coefficients = self.polynomial(a.primes());
        let size = self.specials().len();
        let tasks: Vec<_> = coefficients.residues_mut().enumerate().collect();
        self.workers().each(tasks, |(i, out)| {
            let (digit, g) = (i / size, i % size);
            let conversion = self.digit_conversion(digit, groups[digit].len());
            out.copy_from_slice(a.residue(i));
            self.primes()[i].inverse_scaled(out, conversion.factor(g));
        });
        let rows = coefficients.words_mut().chunks_mut(size * self.degree());
        self.workers()
            .each(rows.enumerate().collect(), |(j, rows)| {
                let count = groups[j].len();
                if count > 1 {
                    let mut rows: Vec<_> = rows.chunks_exact_mut(self.degree()).collect();
                    self.digit_conversion(j, count).fold(&mut rows);
                }
            });
        coefficients
    }
}
