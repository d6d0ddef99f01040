//! Values modulo Q·P: what key switching makes before it divides by P.
//!
//! Sums of such values, and products with plaintexts, are divided once for many.
use crate::ciphertext::Ciphertext;
use crate::context::Context;
use ring::{RnsPolynomial, Rows};

/// Two polynomials modulo Q·P that stand for themselves divided by P; prepared residues.
#[derive(Debug)]
pub struct Extended {
    /// For each data prime, then for the special one: both polynomials.
    rows: Rows,
    primes: usize,
}

impl Extended {
    /// Data primes.
    pub const fn primes(&self) -> usize {
        self.primes
    }

    /// Both residues modulo each prime, the special one last.
    pub fn residues_mut(&mut self) -> Vec<[&mut [u64]; 2]> {
        let mut rows = self.rows.iter_mut();
        let mut pairs = Vec::with_capacity(self.primes + 1);
        while let (Some(a), Some(b)) = (rows.next(), rows.next()) {
            pairs.push([a, b]);
        }
        pairs
    }
}

impl Context {
    /// A value of unspecified content.
    pub fn extended(&self, primes: usize) -> Extended {
        Extended {
            rows: Rows::new(self.pool(), self.degree(), 2 * (primes + 1)),
            primes,
        }
    }

    /// Divide both polynomials by P, rounding.
    ///
    /// Cost: for n primes 2 inverse transforms and 2n transforms.
    pub fn reduce(&self, a: Extended, scale: f64) -> Ciphertext {
        Ciphertext {
            polynomials: self.divide_special(a, [None, None]).into(),
            scale,
        }
    }

    /// Divide by P, rounding: base + a / P, or a / P.
    ///
    /// Source: microsoft/SEAL v4.1.2 `native/src/seal/evaluator.cpp` `switch_key_inplace`, the last
    /// part; rounding as in `Context::rescale`.
    pub(crate) fn divide_special(
        &self,
        mut a: Extended,
        base: [Option<&RnsPolynomial>; 2],
    ) -> [RnsPolynomial; 2] {
        let primes = a.primes;
        let special = (2 * primes..2 * primes + 2).collect();
        let parts = self.divide_rows(&mut a, special, &base);
        let Ok(parts) = <[RnsPolynomial; 2]>::try_from(parts) else {
            unreachable!("two parts")
        };
        parts
    }

    /// Divide the polynomials whose special residues stand in the rows.
    fn divide_rows(
        &self,
        a: &mut Extended,
        special: Vec<usize>,
        base: &[Option<&RnsPolynomial>],
    ) -> Vec<RnsPolynomial> {
        let primes = a.primes;
        let first = special[0];
        let rows = a.rows.iter_mut().skip(first).take(special.len());
        self.workers()
            .each(rows.collect(), |row| self.special().inverse_prepared(row));
        let mut parts: Vec<_> = special.iter().map(|_| self.polynomial(primes)).collect();
        let mut tasks = Vec::with_capacity(primes * parts.len());
        for (part, (&row, base)) in parts.iter_mut().zip(special.iter().zip(base)) {
            let base = base.as_ref();
            for (i, out) in part.residues_mut().enumerate() {
                let sum = a.rows.row(2 * i + row - 2 * primes);
                tasks.push((i, out, a.rows.row(row), sum, base.map(|b| b.residue(i))));
            }
        }
        self.workers().each(tasks, |(i, out, special, sum, base)| {
            let ring = &self.primes()[i];
            let mut rest = self.pool().take(self.degree());
            ring.forward_lifted_prepared(&mut rest, special, self.special().modulus());
            ring.divide(out, sum, &rest, base, &self.special_inverses()[i]);
        });
        parts
    }
}
