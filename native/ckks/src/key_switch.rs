//! Key switching with one digit for each prime, centred.
//!
//! A polynomial c is written as digits, the residues of c modulo each q_j as integers in
//! −(q_j−1)/2 … (q_j−1)/2. Σ_j digit_j · key_j encrypts P·c·s′ modulo Q·P, and dividing by P with
//! rounding leaves c·s′. Centred digits give a quarter of the variance of SEAL's digits in [0, q_j),
//! and spread it evenly over slots.
use crate::context::Context;
use crate::error::CkksError;
use crate::switching_key::SwitchingKey;
use ring::{Buffer, PrimeRing, RnsPolynomial};

/// Digits that are transformed before they are multiplied: what fits the second cache.
const GROUP: usize = 4;

/// The digits of a polynomial modulo every prime and the special one, transformed: work that
/// rotations of the same value share.
#[derive(Debug)]
pub struct Digits {
    /// For each data prime, then for the special one: a polynomial for each digit.
    by_prime: Vec<RnsPolynomial>,
}

impl Digits {
    /// Primes of the value, which is the number of digits.
    pub fn primes(&self) -> usize {
        self.by_prime.len() - 1
    }
}

/// Sums modulo Q·P: two polynomials over the data primes, and their residues modulo P.
pub(crate) struct Extended {
    pub(crate) data: [RnsPolynomial; 2],
    pub(crate) special: [Buffer; 2],
}

impl Context {
    /// The digits of a polynomial, to be used for several keys.
    ///
    /// Cost: n inverse transforms, n² transforms, n·(n + 1) residues of memory.
    #[must_use]
    pub fn decompose(&self, a: &RnsPolynomial) -> Digits {
        let coefficients = self.coefficients(a);
        let primes = a.primes();
        let rings = self.primes()[..primes].iter().chain([self.special()]);
        let by_prime = rings.enumerate().map(|(i, ring)| {
            let mut digits = self.polynomial(primes);
            for (j, digit) in digits.residues_mut().enumerate() {
                self.digit(a, &coefficients, (i, ring), j, digit);
            }
            digits
        });
        Digits {
            by_prime: by_prime.collect(),
        }
    }

    /// Σ digit · key modulo Q·P.
    ///
    /// # Errors
    /// [`CkksError::KeyTrimmed`].
    pub(crate) fn switch_digits(
        &self,
        digits: &Digits,
        key: &SwitchingKey,
    ) -> Result<Extended, CkksError> {
        let primes = digits.primes();
        check_key(key, primes)?;
        let mut sums = self.extended(primes);
        for (i, digits) in digits.by_prime.iter().enumerate() {
            let left: Vec<_> = digits.residues().collect();
            let (ring, out) = self.target(&mut sums, i, primes);
            multiply(ring, out, &left, key, 0, (i < primes).then_some(i), false);
        }
        Ok(sums)
    }

    /// Σ digit · key modulo Q·P for the digits of a polynomial that no other key needs.
    ///
    /// # Errors
    /// [`CkksError::KeyTrimmed`].
    pub(crate) fn switch(
        &self,
        a: &RnsPolynomial,
        key: &SwitchingKey,
    ) -> Result<Extended, CkksError> {
        let primes = a.primes();
        check_key(key, primes)?;
        let coefficients = self.coefficients(a);
        let mut sums = self.extended(primes);
        let mut group = self.polynomial(GROUP.min(primes));
        for i in 0..=primes {
            for first in (0..primes).step_by(GROUP) {
                let count = GROUP.min(primes - first);
                let (ring, out) = self.target(&mut sums, i, primes);
                for (j, digit) in group.residues_mut().take(count).enumerate() {
                    self.digit(a, &coefficients, (i, ring), first + j, digit);
                }
                let left: Vec<_> = group.residues().take(count).collect();
                let prime = (i < primes).then_some(i);
                multiply(ring, out, &left, key, first, prime, first > 0);
            }
        }
        Ok(sums)
    }

    /// Divide sums modulo Q·P by P, rounding: base + sums / P, or sums / P.
    ///
    /// Source: microsoft/SEAL v4.1.2 `native/src/seal/evaluator.cpp` `switch_key_inplace`, the last
    /// part; rounding as in `Context::rescale`.
    pub(crate) fn divide_special(
        &self,
        sums: Extended,
        base: [Option<&RnsPolynomial>; 2],
    ) -> [RnsPolynomial; 2] {
        let [data0, data1] = &sums.data;
        let [mut special0, mut special1] = sums.special;
        [
            self.divide_one(data0, &mut special0, base[0]),
            self.divide_one(data1, &mut special1, base[1]),
        ]
    }

    fn divide_one(
        &self,
        sum: &RnsPolynomial,
        special: &mut [u64],
        base: Option<&RnsPolynomial>,
    ) -> RnsPolynomial {
        self.special().inverse(special);
        let mut scratch = self.pool().take(self.degree());
        let mut out = match base {
            Some(base) => base.first(self.pool(), sum.primes()),
            None => self.polynomial(sum.primes()),
        };
        let rings = self.primes().iter().zip(self.special_inverses());
        let pairs = out.residues_mut().zip(sum.residues());
        for ((ring, inverse), (out, sum)) in rings.zip(pairs) {
            ring.forward_lifted(&mut scratch, special, self.special().modulus());
            if base.is_some() {
                ring.sub_scale_add(out, sum, &scratch, inverse);
            } else {
                ring.sub_scale(out, sum, &scratch, inverse);
            }
        }
        out
    }

    /// A polynomial as coefficients: its digits, not yet centred.
    fn coefficients(&self, a: &RnsPolynomial) -> RnsPolynomial {
        let mut coefficients = a.first(self.pool(), a.primes());
        for (ring, residue) in self.primes().iter().zip(coefficients.residues_mut()) {
            ring.inverse(residue);
        }
        coefficients
    }

    /// Digit j modulo the prime with index i (the number of primes for the special one).
    fn digit(
        &self,
        a: &RnsPolynomial,
        coefficients: &RnsPolynomial,
        (i, ring): (usize, &PrimeRing),
        j: usize,
        out: &mut [u64],
    ) {
        if i == j {
            // Modulo its own prime a digit is the residue it came from.
            out.copy_from_slice(a.residue(j));
        } else {
            ring.forward_lifted(out, coefficients.residue(j), self.primes()[j].modulus());
        }
    }

    fn extended(&self, primes: usize) -> Extended {
        Extended {
            data: [self.polynomial(primes), self.polynomial(primes)],
            special: [
                self.pool().take(self.degree()),
                self.pool().take(self.degree()),
            ],
        }
    }

    fn target<'a>(
        &'a self,
        sums: &'a mut Extended,
        i: usize,
        primes: usize,
    ) -> (&'a PrimeRing, [&'a mut [u64]; 2]) {
        if i < primes {
            let [a, b] = &mut sums.data;
            (&self.primes()[i], [a.residue_mut(i), b.residue_mut(i)])
        } else {
            let [a, b] = &mut sums.special;
            (self.special(), [a, b])
        }
    }
}

fn check_key(key: &SwitchingKey, primes: usize) -> Result<(), CkksError> {
    if key.primes() < primes {
        return Err(CkksError::KeyTrimmed {
            key: key.primes(),
            value: primes,
        });
    }
    Ok(())
}

/// Multiply digits from `first` on with their keys and add.
fn multiply(
    ring: &PrimeRing,
    out: [&mut [u64]; 2],
    digits: &[&[u64]],
    key: &SwitchingKey,
    first: usize,
    prime: Option<usize>,
    accumulate: bool,
) {
    let (right0, right1): (Vec<_>, Vec<_>) = (first..first + digits.len())
        .map(|j| {
            let [a, b] = key.residues(j, prime);
            (a, b)
        })
        .unzip();
    ring.inner_products(out, digits, [&right0, &right1], accumulate);
}
