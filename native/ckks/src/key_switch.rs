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

/// A polynomial that is switched.
#[derive(Clone, Copy, Debug)]
pub enum Switched<'a> {
    /// Its digits, which other switches share.
    Digits(&'a Digits),
    /// The polynomial: its digits are made modulo one prime after the other and stay in the caches.
    Polynomial(&'a RnsPolynomial),
}

impl<'a> From<&'a Digits> for Switched<'a> {
    fn from(digits: &'a Digits) -> Self {
        Self::Digits(digits)
    }
}

impl<'a> From<&'a RnsPolynomial> for Switched<'a> {
    fn from(polynomial: &'a RnsPolynomial) -> Self {
        Self::Polynomial(polynomial)
    }
}

impl Switched<'_> {
    fn primes(self) -> usize {
        match self {
            Self::Digits(digits) => digits.primes,
            Self::Polynomial(polynomial) => polynomial.primes(),
        }
    }
}

/// A polynomial and its coefficients, from which digits are made.
struct Decomposition<'a> {
    polynomial: &'a RnsPolynomial,
    coefficients: RnsPolynomial,
    /// Data primes of each digit.
    groups: Vec<Range<usize>>,
}

/// Where the digits modulo a prime come from.
enum Source<'a> {
    Digits(&'a Digits),
    Decomposition(Decomposition<'a>),
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
        let of = self.decomposition(a);
        let count = of.groups.len();
        let residues = primes + self.specials().len();
        let mut rows = Rows::new(self.pool(), self.degree(), count * residues);
        let tasks: Vec<_> = rows.iter_mut().enumerate().collect();
        self.workers().each(tasks, |(row, out)| {
            self.digit(&of, (row / count, row % count), out);
        });
        Digits {
            rows,
            primes,
            count,
        }
    }

    fn decomposition<'a>(&self, polynomial: &'a RnsPolynomial) -> Decomposition<'a> {
        let groups = self.digit_primes(polynomial.primes());
        Decomposition {
            polynomial,
            coefficients: self.coefficients(polynomial, &groups),
            groups,
        }
    }

    /// Digit j modulo the prime with index i, transformed and prepared.
    fn digit(&self, of: &Decomposition<'_>, (i, j): (usize, usize), out: &mut [u64]) {
        let primes = of.polynomial.primes();
        let ring = self.ring(i, primes);
        let group = of.groups[j].clone();
        if group.contains(&i) {
            // Modulo its own primes a digit is the residues it came from.
            ring.prepare(out, of.polynomial.residue(i));
        } else if group.len() == 1 {
            let lone = group.start;
            let modulus = self.primes()[lone].modulus();
            ring.forward_lifted_prepared(out, of.coefficients.residue(lone), modulus);
        } else {
            let conversion = self.digit_conversion(j, group.len());
            let parts: Vec<_> = group.map(|g| of.coefficients.residue(g)).collect();
            conversion.forward((self.place(i, primes), ring), out, &parts);
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

    /// P·first + Σ digit · key modulo Q·P, turned by an automorphism; the value has the primes of
    /// what is switched.
    ///
    /// Cost: that of [`Context::decompose`] where it is a polynomial, and d·(n + k) pairs of products
    /// with the key, which is read once.
    ///
    /// # Errors
    /// [`CkksError::KeyTrimmed`]; [`CkksError::Primes`] for a first polynomial of another level.
    pub fn switch<'a>(
        &self,
        switched: impl Into<Switched<'a>>,
        first: First<'_>,
        key: &SwitchingKey,
        automorphism: Option<&Automorphism>,
    ) -> Result<Extended, CkksError> {
        let switched = switched.into();
        let mut sums = self.extended(switched.primes());
        self.switch_to(&mut sums, switched, first, key, automorphism, false)?;
        Ok(sums)
    }

    /// Add what [`Context::switch`] makes to a sum of such values.
    ///
    /// # Errors
    /// As there, and [`CkksError::Primes`] for a sum of another level.
    pub fn switch_add<'a>(
        &self,
        sums: &mut Extended,
        switched: impl Into<Switched<'a>>,
        first: First<'_>,
        key: &SwitchingKey,
        automorphism: Option<&Automorphism>,
    ) -> Result<(), CkksError> {
        let switched = switched.into();
        require_primes("switch_add", sums.primes(), switched.primes())?;
        self.switch_to(sums, switched, first, key, automorphism, true)
    }

    fn switch_to(
        &self,
        sums: &mut Extended,
        switched: Switched<'_>,
        first: First<'_>,
        key: &SwitchingKey,
        automorphism: Option<&Automorphism>,
        accumulate: bool,
    ) -> Result<(), CkksError> {
        let primes = switched.primes();
        key.serves(primes)?;
        match first {
            First::None => {}
            First::Plain(first) => require_primes("switch", first.primes(), primes)?,
            First::Extended(first) => require_primes("switch", first.primes(), primes)?,
        }
        let source = match switched {
            Switched::Digits(digits) => Source::Digits(digits),
            Switched::Polynomial(polynomial) => {
                Source::Decomposition(self.decomposition(polynomial))
            }
        };
        let tasks: Vec<_> = sums.residues_mut().into_iter().enumerate().collect();
        self.workers().each(tasks, |(i, out)| {
            let own;
            let digits = match &source {
                Source::Digits(digits) => digits.of_prime(i),
                Source::Decomposition(of) => {
                    let mut rows = Rows::new(self.pool(), self.degree(), of.groups.len());
                    let tasks = rows.iter_mut().enumerate().collect();
                    self.workers()
                        .each(tasks, |(j, out)| self.digit(of, (i, j), out));
                    own = rows;
                    own.iter().collect()
                }
            };
            let start = match first {
                First::Plain(first) if i < primes => {
                    Start::Scaled(first.residue(i), &self.special_residues()[i])
                }
                First::Extended(first) => Start::Prepared(first.residues(i)[0]),
                _ => Start::Zero,
            };
            self.ring(i, primes).key_product(
                out,
                &digits,
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
