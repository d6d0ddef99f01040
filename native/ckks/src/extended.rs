//! Values modulo Q·P: what key switching makes before it divides by P.
//!
//! Sums of such values, and products with plaintexts, are divided once for many.
use crate::ciphertext::Ciphertext;
use crate::context::Context;
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

    /// Divide both polynomials by P, rounding.
    ///
    /// Cost: for n primes and k special ones 2k inverse transforms and 2n transforms.
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
        let parts = self.divide_rows(&mut a, &[0, 1], &base);
        let Ok(parts) = <[RnsPolynomial; 2]>::try_from(parts) else {
            unreachable!("two parts")
        };
        parts
    }

    /// Divide the polynomials whose special residues stand in the rows.
    fn divide_rows(
        &self,
        a: &mut Extended,
        which: &[usize],
        base: &[Option<&RnsPolynomial>],
    ) -> Vec<RnsPolynomial> {
        let primes = a.primes;
        let rows = a.rows.iter_mut().enumerate().skip(2 * primes);
        let rows = rows.filter(|(row, _)| which.contains(&(row % 2)));
        self.workers().each(rows.collect(), |(row, words)| {
            self.ring(row / 2, primes).inverse_prepared(words);
        });
        let remainders: Vec<_> = which.iter().map(|&k| self.remainder(a, k)).collect();
        let mut parts: Vec<_> = which.iter().map(|_| self.polynomial(primes)).collect();
        let mut tasks = Vec::with_capacity(primes * parts.len());
        for (((part, &k), remainder), base) in
            parts.iter_mut().zip(which).zip(&remainders).zip(base)
        {
            for (i, out) in part.residues_mut().enumerate() {
                let base = base.as_ref().map(|base| base.residue(i));
                tasks.push((i, out, remainder, a.rows.row(2 * i + k), base));
            }
        }
        self.workers()
            .each(tasks, |(i, out, remainder, sum, base)| {
                let ring = &self.primes()[i];
                let mut rest = self.pool().take(self.degree());
                match remainder {
                    Remainder::Lone(words) => {
                        let modulus = self.specials()[0].modulus();
                        ring.forward_lifted_prepared(&mut rest, words, modulus);
                    }
                    Remainder::Several { rows, quotients } => {
                        let rows: Vec<&[u64]> = rows.iter().map(|row| &row[..]).collect();
                        let mut converted = self.pool().take(self.degree());
                        self.special_conversion().convert(
                            (i, ring),
                            &mut converted,
                            &rows,
                            quotients,
                        );
                        ring.forward_lifted_prepared(&mut rest, &converted, ring.modulus());
                    }
                }
                ring.divide(out, sum, &rest, base, &self.special_inverses()[i]);
            });
        parts
    }

    /// The remainder by P of polynomial k, whose special residues are coefficients already.
    fn remainder<'a>(&self, a: &'a Extended, k: usize) -> Remainder<'a> {
        let row = |s: usize| a.rows.row(2 * (a.primes + s) + k);
        if self.specials().len() == 1 {
            return Remainder::Lone(row(0));
        }
        let conversion = self.special_conversion();
        let rows: Vec<Buffer> = self
            .specials()
            .iter()
            .enumerate()
            .map(|(s, ring)| {
                let mut scaled = self.pool().take(self.degree());
                ring.mul_scalar(&mut scaled, row(s), &ring.scalar(conversion.factor(s)));
                scaled
            })
            .collect();
        let mut quotients = self.pool().take(self.degree());
        let words: Vec<&[u64]> = rows.iter().map(|row| &row[..]).collect();
        conversion.quotients(&mut quotients, &words);
        Remainder::Several { rows, quotients }
    }
}

/// What is left of a polynomial by P: for one special prime its residue, for several what their
/// conversion takes.
enum Remainder<'a> {
    Lone(&'a [u64]),
    Several {
        rows: Vec<Buffer>,
        quotients: Buffer,
    },
}
