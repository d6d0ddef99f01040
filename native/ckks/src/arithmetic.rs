//! Sums and products: bit for bit those of SEAL's evaluator.
use crate::ciphertext::{Ciphertext, Plaintext};
use crate::context::Context;
use crate::error::CkksError;
use ring::{PrimeRing, RnsPolynomial};

impl Context {
    /// a + b.
    ///
    /// # Errors
    /// [`CkksError::Primes`], [`CkksError::Scale`] where the operands differ.
    pub fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        require_same("add", (a.primes(), a.scale), (b.primes(), b.scale))?;
        let (long, short) = if a.polynomials.len() < b.polynomials.len() {
            (b, a)
        } else {
            (a, b)
        };
        let mut result = self.copy(long);
        self.each(&mut result, short, PrimeRing::add_assign);
        Ok(result)
    }

    /// a += b, for an `a` of at least as many polynomials.
    ///
    /// # Errors
    /// As [`Context::add`], and [`CkksError::Polynomials`].
    pub fn add_assign(&self, a: &mut Ciphertext, b: &Ciphertext) -> Result<(), CkksError> {
        require_same("add", (a.primes(), a.scale), (b.primes(), b.scale))?;
        if a.polynomials.len() < b.polynomials.len() {
            return Err(CkksError::Polynomials {
                what: "add",
                got: a.polynomials.len(),
                expected: b.polynomials.len(),
            });
        }
        self.each(a, b, PrimeRing::add_assign);
        Ok(())
    }

    /// a − b.
    ///
    /// # Errors
    /// [`CkksError::Primes`], [`CkksError::Scale`] where the operands differ.
    pub fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        require_same("sub", (a.primes(), a.scale), (b.primes(), b.scale))?;
        let mut result = self.copy(a);
        self.each(&mut result, b, PrimeRing::sub_assign);
        for polynomial in b.polynomials.iter().skip(a.polynomials.len()) {
            result.polynomials.push(self.negated(polynomial));
        }
        Ok(result)
    }

    /// −a.
    #[must_use]
    pub fn negate(&self, a: &Ciphertext) -> Ciphertext {
        Ciphertext {
            polynomials: a.polynomials.iter().map(|p| self.negated(p)).collect(),
            scale: a.scale,
        }
    }

    /// a + b.
    ///
    /// # Errors
    /// [`CkksError::Primes`], [`CkksError::Scale`] where the operands differ.
    pub fn add_plain(&self, a: &Ciphertext, b: &Plaintext) -> Result<Ciphertext, CkksError> {
        require_same("add_plain", (a.primes(), a.scale), (b.primes(), b.scale))?;
        let mut result = self.copy(a);
        self.zip(
            &mut result.polynomials[0],
            &b.polynomial,
            PrimeRing::add_assign,
        );
        Ok(result)
    }

    /// a − b.
    ///
    /// # Errors
    /// [`CkksError::Primes`], [`CkksError::Scale`] where the operands differ.
    pub fn sub_plain(&self, a: &Ciphertext, b: &Plaintext) -> Result<Ciphertext, CkksError> {
        require_same("sub_plain", (a.primes(), a.scale), (b.primes(), b.scale))?;
        let mut result = self.copy(a);
        self.zip(
            &mut result.polynomials[0],
            &b.polynomial,
            PrimeRing::sub_assign,
        );
        Ok(result)
    }

    /// a · b; scales multiply.
    ///
    /// # Errors
    /// [`CkksError::Primes`] where the operands differ.
    pub fn mul_plain(&self, a: &Ciphertext, b: &Plaintext) -> Result<Ciphertext, CkksError> {
        require_primes("mul_plain", a.primes(), b.primes())?;
        let polynomials = a.polynomials.iter().map(|a| {
            let mut out = self.polynomial(a.primes());
            let operands = a.residues().zip(b.polynomial.residues());
            for ((ring, out), (a, b)) in self.primes().iter().zip(out.residues_mut()).zip(operands)
            {
                ring.mul(out, a, b);
            }
            out
        });
        Ok(Ciphertext {
            polynomials: polynomials.collect(),
            scale: a.scale * b.scale,
        })
    }

    /// Σ a_t · b_t with one reduction for many terms; the operands share primes and scales.
    ///
    /// # Errors
    /// [`CkksError::Polynomials`] for no terms or values of three polynomials,
    /// [`CkksError::Primes`], [`CkksError::Scale`] where terms differ.
    pub fn mul_plain_sum(
        &self,
        terms: &[(&Ciphertext, &Plaintext)],
    ) -> Result<Ciphertext, CkksError> {
        const WHAT: &str = "mul_plain_sum";
        let Some(&(first, weight)) = terms.first() else {
            return Err(polynomials(WHAT, 0));
        };
        let scale = first.scale * weight.scale;
        for (a, b) in terms {
            require_two(WHAT, a)?;
            require_primes(WHAT, b.primes(), a.primes())?;
            require_same(
                WHAT,
                (a.primes(), a.scale * b.scale),
                (first.primes(), scale),
            )?;
        }
        let mut out = [0, 1].map(|_| self.polynomial(first.primes()));
        for (i, ring) in self.primes()[..first.primes()].iter().enumerate() {
            let left: Vec<_> = terms.iter().map(|(_, b)| b.polynomial.residue(i)).collect();
            let right = [0, 1].map(|k| -> Vec<_> {
                terms
                    .iter()
                    .map(|(a, _)| a.polynomials[k].residue(i))
                    .collect()
            });
            let [out0, out1] = &mut out;
            let out = [out0.residue_mut(i), out1.residue_mut(i)];
            ring.inner_products(out, &left, [&right[0], &right[1]], false);
        }
        Ok(Ciphertext {
            polynomials: out.into(),
            scale,
        })
    }

    /// a + c in every slot, with c encoded at the scale of `a`.
    ///
    /// # Errors
    /// [`CkksError::Constant`].
    pub fn add_constant(&self, a: &Ciphertext, c: f64) -> Result<Ciphertext, CkksError> {
        let integer = scaled_integer(c, a.scale)?;
        let mut result = self.copy(a);
        for (ring, a) in self
            .primes()
            .iter()
            .zip(result.polynomials[0].residues_mut())
        {
            ring.add_scalar_assign(a, residue(integer, ring));
        }
        Ok(result)
    }

    /// a · c with c encoded at `scale`; scales multiply.
    ///
    /// # Errors
    /// [`CkksError::Constant`].
    pub fn mul_constant(
        &self,
        a: &Ciphertext,
        c: f64,
        scale: f64,
    ) -> Result<Ciphertext, CkksError> {
        let integer = scaled_integer(c, scale)?;
        let polynomials = a.polynomials.iter().map(|a| {
            let mut out = self.polynomial(a.primes());
            let pairs = out.residues_mut().zip(a.residues());
            for (ring, (out, a)) in self.primes().iter().zip(pairs) {
                ring.mul_scalar(out, a, &ring.scalar(residue(integer, ring)));
            }
            out
        });
        Ok(Ciphertext {
            polynomials: polynomials.collect(),
            scale: a.scale * scale,
        })
    }

    /// a · b, of three polynomials; scales multiply.
    ///
    /// # Errors
    /// [`CkksError::Primes`] where the operands differ, [`CkksError::Polynomials`] where they have
    /// not two.
    pub fn multiply(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        require_primes("multiply", a.primes(), b.primes())?;
        require_two("multiply", a)?;
        require_two("multiply", b)?;
        let mut out = [0, 1, 2].map(|_| self.polynomial(a.primes()));
        for (i, ring) in self.primes()[..a.primes()].iter().enumerate() {
            let [out0, out1, out2] = &mut out;
            let out = [
                out0.residue_mut(i),
                out1.residue_mut(i),
                out2.residue_mut(i),
            ];
            ring.tensor(
                out,
                [a.polynomials[0].residue(i), a.polynomials[1].residue(i)],
                [b.polynomials[0].residue(i), b.polynomials[1].residue(i)],
            );
        }
        Ok(Ciphertext {
            polynomials: out.into(),
            scale: a.scale * b.scale,
        })
    }

    /// a².
    ///
    /// # Errors
    /// [`CkksError::Polynomials`] where `a` has not two.
    pub fn square(&self, a: &Ciphertext) -> Result<Ciphertext, CkksError> {
        self.multiply(a, a)
    }

    fn copy(&self, a: &Ciphertext) -> Ciphertext {
        a.first(self.pool(), a.primes())
    }

    fn negated(&self, a: &RnsPolynomial) -> RnsPolynomial {
        let mut out = self.polynomial(a.primes());
        let pairs = out.residues_mut().zip(a.residues());
        for (ring, (out, a)) in self.primes().iter().zip(pairs) {
            ring.negate(out, a);
        }
        out
    }

    /// Apply to the polynomials that both have.
    fn each(
        &self,
        a: &mut Ciphertext,
        b: &Ciphertext,
        assign: impl Fn(&PrimeRing, &mut [u64], &[u64]),
    ) {
        for (a, b) in a.polynomials.iter_mut().zip(&b.polynomials) {
            self.zip(a, b, &assign);
        }
    }

    fn zip(
        &self,
        a: &mut RnsPolynomial,
        b: &RnsPolynomial,
        assign: impl Fn(&PrimeRing, &mut [u64], &[u64]),
    ) {
        let pairs = a.residues_mut().zip(b.residues());
        for (ring, (a, b)) in self.primes().iter().zip(pairs) {
            assign(ring, a, b);
        }
    }
}

/// Scales are equal in every bit, or a plan is wrong.
fn require_same(what: &'static str, a: (usize, f64), b: (usize, f64)) -> Result<(), CkksError> {
    require_primes(what, a.0, b.0)?;
    if a.1.to_bits() == b.1.to_bits() {
        Ok(())
    } else {
        Err(CkksError::Scale {
            what,
            a: a.1,
            b: b.1,
        })
    }
}

pub(crate) fn require_primes(
    what: &'static str,
    got: usize,
    expected: usize,
) -> Result<(), CkksError> {
    if got == expected {
        Ok(())
    } else {
        Err(CkksError::Primes {
            what,
            got,
            expected,
        })
    }
}

pub(crate) fn require_two(what: &'static str, a: &Ciphertext) -> Result<(), CkksError> {
    match a.polynomials.len() {
        2 => Ok(()),
        got => Err(polynomials(what, got)),
    }
}

const fn polynomials(what: &'static str, got: usize) -> CkksError {
    CkksError::Polynomials {
        what,
        got,
        expected: 2,
    }
}

/// value · scale, rounded half away from zero as SEAL does.
pub(crate) fn scaled_integer(value: f64, scale: f64) -> Result<i128, CkksError> {
    let scaled = (value * scale).round();
    if scaled.abs() < 2f64.powi(126) {
        Ok(scaled as i128)
    } else {
        Err(CkksError::Constant { value, scale })
    }
}

pub(crate) fn residue(integer: i128, ring: &PrimeRing) -> u64 {
    match i64::try_from(integer) {
        Ok(short) => ring.modulus().from_signed(short),
        Err(_) => integer.rem_euclid(i128::from(ring.modulus().value())) as u64,
    }
}
