//! Values modulo Q·P: what key switching makes before it divides by P.
//!
//! Sums of such values, and products with plaintexts, are divided once for many.
use crate::arithmetic::{require_primes, require_two};
use crate::ciphertext::Ciphertext;
use crate::context::Context;
use crate::error::CkksError;
use ring::{Buffer, RnsPolynomial, Rows};

/// Two polynomials modulo Q·P that stand for themselves divided by P; prepared residues.
#[derive(Debug)]
pub struct Extended {
    /// For each data prime, then for the special ones: both polynomials.
    rows: Rows,
    primes: usize,
}

impl Extended {
    /// Data primes.
    pub const fn primes(&self) -> usize {
        self.primes
    }

    /// Both residues modulo the prime with index i, the special ones after those of the value.
    pub fn residues(&self, i: usize) -> [&[u64]; 2] {
        [self.rows.row(2 * i), self.rows.row(2 * i + 1)]
    }

    /// Both residues modulo each prime, the special ones last.
    pub fn residues_mut(&mut self) -> Vec<[&mut [u64]; 2]> {
        let mut pairs = Vec::with_capacity(self.rows.count() / 2);
        let mut rows = self.rows.iter_mut();
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
            rows: Rows::new(
                self.pool(),
                self.degree(),
                2 * (primes + self.specials().len()),
            ),
            primes,
        }
    }

    /// P·a, which stands for a.
    ///
    /// # Errors
    /// [`CkksError::Polynomials`] where `a` has not two.
    pub fn extend(&self, a: &Ciphertext) -> Result<Extended, CkksError> {
        require_two("extend", a)?;
        let primes = a.primes();
        let mut made = self.extended(primes);
        let tasks: Vec<_> = made.rows.iter_mut().enumerate().collect();
        self.workers().each(tasks, |(row, out)| {
            let (i, k) = (row / 2, row % 2);
            let ring = self.ring(i, primes);
            if i < primes {
                let mut scaled = self.pool().take(self.degree());
                let residue = a.polynomials[k].residue(i);
                ring.mul_scalar(&mut scaled, residue, &self.special_residues()[i]);
                ring.prepare(out, &scaled);
            } else {
                // Prepared residues of zero are zero words.
                out.fill(0);
            }
        });
        Ok(made)
    }

    /// a += b
    ///
    /// # Errors
    /// [`CkksError::Primes`] where they differ.
    pub fn add_extended(&self, a: &mut Extended, b: &Extended) -> Result<(), CkksError> {
        require_primes("add_extended", b.primes, a.primes)?;
        let primes = a.primes;
        let tasks: Vec<_> = a.rows.iter_mut().zip(b.rows.iter()).enumerate().collect();
        self.workers().each(tasks, |(row, (a, b))| {
            self.ring(row / 2, primes).add_prepared(a, b);
        });
        Ok(())
    }

    /// Divide both polynomials by P, rounding.
    ///
    /// Cost: for n primes and k special ones 2k inverse transforms and 2n transforms.
    #[must_use]
    pub fn reduce(&self, a: &Extended, scale: f64) -> Ciphertext {
        Ciphertext {
            polynomials: self.divide_special(a, [None, None]).into(),
            scale,
        }
    }

    /// The second polynomial divided by P, rounding: what a further key switch takes digits of.
    ///
    /// Cost: half of [`Context::reduce`].
    #[must_use]
    pub fn reduce_second(&self, a: &Extended) -> RnsPolynomial {
        let [part] = self.divide(a, [(1, None)]);
        part
    }

    /// Divide by P, rounding: base + a / P, or a / P.
    ///
    /// Source: microsoft/SEAL v4.1.2 `native/src/seal/evaluator.cpp` `switch_key_inplace`, the last
    /// part; rounding as in `Context::rescale`.
    pub(crate) fn divide_special(
        &self,
        a: &Extended,
        [first, second]: [Option<&RnsPolynomial>; 2],
    ) -> [RnsPolynomial; 2] {
        self.divide(a, [(0, first), (1, second)])
    }

    /// Divide some of the polynomials.
    fn divide<const K: usize>(
        &self,
        a: &Extended,
        which: [(usize, Option<&RnsPolynomial>); K],
    ) -> [RnsPolynomial; K] {
        let primes = a.primes;
        let remainders = which.map(|(k, _)| self.remainder(a, k));
        let mut parts = which.map(|_| self.polynomial(primes));
        let mut tasks = Vec::with_capacity(K * primes);
        for ((part, remainder), (k, base)) in parts.iter_mut().zip(&remainders).zip(which) {
            for (i, out) in part.residues_mut().enumerate() {
                let base = base.map(|base| base.residue(i));
                tasks.push((i, out, remainder, a.residues(i)[k], base));
            }
        }
        self.workers()
            .each(tasks, |(i, out, remainder, sum, base)| {
                let ring = &self.primes()[i];
                let mut rest = self.pool().take(self.degree());
                if let [lone] = &remainder[..] {
                    let modulus = self.specials()[0].modulus();
                    ring.forward_lifted_prepared(&mut rest, lone, modulus);
                } else {
                    let rows: Vec<&[u64]> = remainder.iter().map(|row| &row[..]).collect();
                    self.special_conversion()
                        .forward((i, ring), &mut rest, &rows);
                }
                ring.divide(out, sum, &rest, base, &self.special_inverses()[i]);
            });
        parts
    }

    /// The remainder by P of polynomial k: for each special prime what its conversion takes.
    fn remainder(&self, a: &Extended, k: usize) -> Vec<Buffer> {
        let conversion = self.special_conversion();
        let specials = self.specials();
        let mut rows: Vec<Buffer> = specials
            .iter()
            .map(|_| self.pool().take(self.degree()))
            .collect();
        let tasks: Vec<_> = rows.iter_mut().enumerate().collect();
        self.workers().each(tasks, |(s, row)| {
            row.copy_from_slice(a.residues(a.primes + s)[k]);
            specials[s].inverse_prepared(row, conversion.factor(s));
        });
        if rows.len() > 1 {
            let mut rows: Vec<&mut [u64]> = rows.iter_mut().map(|row| &mut row[..]).collect();
            conversion.fold(&mut rows);
        }
        rows
    }
}
