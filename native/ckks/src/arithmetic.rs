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
        Ok(self.residues(
            a.scale,
            long.polynomials.len(),
            a.primes(),
            |at, ring, out| {
                out.copy_from_slice(at.of(long));
                if at.polynomial < short.polynomials.len() {
                    ring.add_assign(out, at.of(short));
                }
            },
        ))
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
        let pairs = a.polynomials.iter_mut().zip(&b.polynomials);
        let tasks = pairs.flat_map(|(a, b)| a.residues_mut().zip(b.residues()).enumerate());
        self.workers().each(tasks.collect(), |(i, (a, b))| {
            self.primes()[i].add_assign(a, b);
        });
        Ok(())
    }

    /// a − b.
    ///
    /// # Errors
    /// [`CkksError::Primes`], [`CkksError::Scale`] where the operands differ.
    pub fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, CkksError> {
        require_same("sub", (a.primes(), a.scale), (b.primes(), b.scale))?;
        let both = a.polynomials.len().min(b.polynomials.len());
        let size = a.polynomials.len().max(b.polynomials.len());
        Ok(self.residues(a.scale, size, a.primes(), |at, ring, out| {
            if at.polynomial < both {
                out.copy_from_slice(at.of(a));
                ring.sub_assign(out, at.of(b));
            } else if at.polynomial < a.polynomials.len() {
                out.copy_from_slice(at.of(a));
            } else {
                ring.negate(out, at.of(b));
            }
        }))
    }

    /// −a.
    #[must_use]
    pub fn negate(&self, a: &Ciphertext) -> Ciphertext {
        self.residues(a.scale, a.polynomials.len(), a.primes(), |at, ring, out| {
            ring.negate(out, at.of(a));
        })
    }

    /// a + b.
    ///
    /// # Errors
    /// [`CkksError::Primes`], [`CkksError::Scale`] where the operands differ.
    pub fn add_plain(&self, a: &Ciphertext, b: &Plaintext) -> Result<Ciphertext, CkksError> {
        require_same("add_plain", (a.primes(), a.scale), (b.primes(), b.scale))?;
        Ok(
            self.residues(a.scale, a.polynomials.len(), a.primes(), |at, ring, out| {
                out.copy_from_slice(at.of(a));
                if at.polynomial == 0 {
                    ring.add_assign(out, b.polynomial.residue(at.prime));
                }
            }),
        )
    }

    /// a − b.
    ///
    /// # Errors
    /// [`CkksError::Primes`], [`CkksError::Scale`] where the operands differ.
    pub fn sub_plain(&self, a: &Ciphertext, b: &Plaintext) -> Result<Ciphertext, CkksError> {
        require_same("sub_plain", (a.primes(), a.scale), (b.primes(), b.scale))?;
        Ok(
            self.residues(a.scale, a.polynomials.len(), a.primes(), |at, ring, out| {
                out.copy_from_slice(at.of(a));
                if at.polynomial == 0 {
                    ring.sub_assign(out, b.polynomial.residue(at.prime));
                }
            }),
        )
    }

    /// a · b; scales multiply.
    ///
    /// # Errors
    /// [`CkksError::Primes`] where the operands differ.
    pub fn mul_plain(&self, a: &Ciphertext, b: &Plaintext) -> Result<Ciphertext, CkksError> {
        require_primes("mul_plain", a.primes(), b.primes())?;
        let (scale, size) = (a.scale * b.scale, a.polynomials.len());
        Ok(self.residues(scale, size, a.primes(), |at, ring, out| {
            ring.mul(out, at.of(a), b.polynomial.residue(at.prime));
        }))
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
        let [out0, out1] = &mut out;
        let tasks = out0.residues_mut().zip(out1.residues_mut()).enumerate();
        self.workers().each(tasks.collect(), |(i, (out0, out1))| {
            let left: Vec<_> = terms.iter().map(|(_, b)| b.polynomial.residue(i)).collect();
            let right = [0, 1].map(|k| -> Vec<_> {
                terms
                    .iter()
                    .map(|(a, _)| a.polynomials[k].residue(i))
                    .collect()
            });
            let right = [&right[0][..], &right[1]];
            self.primes()[i].inner_products([out0, out1], &left, right, false);
        });
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
        Ok(
            self.residues(a.scale, a.polynomials.len(), a.primes(), |at, ring, out| {
                out.copy_from_slice(at.of(a));
                if at.polynomial == 0 {
                    ring.add_scalar_assign(out, residue(integer, ring));
                }
            }),
        )
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
        let (scale, size) = (a.scale * scale, a.polynomials.len());
        Ok(self.residues(scale, size, a.primes(), |at, ring, out| {
            ring.mul_scalar(out, at.of(a), &ring.scalar(residue(integer, ring)));
        }))
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
        let [out0, out1, out2] = &mut out;
        let tasks = out0.residues_mut().zip(out1.residues_mut());
        let tasks = tasks.zip(out2.residues_mut()).enumerate();
        self.workers()
            .each(tasks.collect(), |(i, ((out0, out1), out2))| {
                let [a, b] = [a, b].map(|x| [0, 1].map(|k| x.polynomials[k].residue(i)));
                self.primes()[i].tensor([out0, out1, out2], a, b);
            });
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

    /// A ciphertext whose residues are written each by itself, shared out to the workers.
    pub(crate) fn residues(
        &self,
        scale: f64,
        size: usize,
        primes: usize,
        write: impl Fn(Place, &PrimeRing, &mut [u64]) + Sync + Send,
    ) -> Ciphertext {
        let mut polynomials: Vec<RnsPolynomial> =
            (0..size).map(|_| self.polynomial(primes)).collect();
        let tasks = polynomials
            .iter_mut()
            .enumerate()
            .flat_map(|(polynomial, out)| {
                let place = move |(prime, out)| (Place { polynomial, prime }, out);
                out.residues_mut().enumerate().map(place)
            });
        self.workers().each(tasks.collect(), |(at, out)| {
            write(at, &self.primes()[at.prime], out);
        });
        Ciphertext { polynomials, scale }
    }
}

/// A residue of a ciphertext.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) polynomial: usize,
    pub(crate) prime: usize,
}

impl Place {
    /// The residue there.
    pub(crate) fn of(self, a: &Ciphertext) -> &[u64] {
        a.polynomials[self.polynomial].residue(self.prime)
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
