//! Sums of a linear operation on their way to its result: modulo Q, or modulo Q·P from the first
//! rotation on. A sum is divided by P once, at the end, and its second polynomial alone where it is
//! rotated again.
//!
//! Source: J.-P. Bossuat et al., "Efficient Bootstrapping for Approximate Homomorphic Encryption with
//! Non-sparse Keys", EUROCRYPT 2021, algorithm 6 (double hoisting).

use ckks::{Ciphertext, CkksError, Context, Extended, First, SwitchingKey};
use ring::{Automorphism, RnsPolynomial};

/// A sum.
pub enum Partial {
    /// Modulo Q.
    Plain(Ciphertext),
    /// Modulo Q·P.
    Extended(Extended),
}

/// A rotation and its key.
pub type Rotation = (Automorphism, SwitchingKey);

impl Partial {
    /// self + x
    pub fn plus(self, context: &Context, x: Self) -> Result<Self, CkksError> {
        Ok(match (self, x) {
            (Self::Plain(mut a), Self::Plain(b)) => {
                context.add_assign(&mut a, &b)?;
                Self::Plain(a)
            }
            (Self::Extended(mut a), Self::Extended(b)) => {
                context.add_extended(&mut a, &b)?;
                Self::Extended(a)
            }
            (Self::Extended(mut a), Self::Plain(b)) | (Self::Plain(b), Self::Extended(mut a)) => {
                context.add_extended(&mut a, &context.extend(&b)?)?;
                Self::Extended(a)
            }
        })
    }

    /// sum + the rotated value, or that alone.
    pub fn plus_rotated(
        sum: Option<Self>,
        context: &Context,
        value: &Self,
        (automorphism, key): &Rotation,
    ) -> Result<Self, CkksError> {
        let mut reduced = None;
        let (second, first) = (value.second(context, &mut reduced), value.first());
        let sum = match sum {
            Some(Self::Extended(sum)) => Some(sum),
            Some(Self::Plain(sum)) => Some(context.extend(&sum)?),
            None => None,
        };
        Ok(Self::Extended(match sum {
            Some(mut sum) => {
                context.switch_add(&mut sum, second, first, key, Some(automorphism))?;
                sum
            }
            None => context.switch(second, first, key, Some(automorphism))?,
        }))
    }

    /// self + self, rotated by one step after the other.
    pub fn folded(self, context: &Context, rotations: &[&Rotation]) -> Result<Self, CkksError> {
        let mut rotated = None;
        for rotation in rotations {
            let value = rotated.as_ref().unwrap_or(&self);
            rotated = Some(Self::plus_rotated(None, context, value, rotation)?);
        }
        match rotated {
            Some(rotated) => self.plus(context, rotated),
            None => Ok(self),
        }
    }

    /// Modulo Q.
    pub fn reduced(self, context: &Context, scale: f64) -> Ciphertext {
        match self {
            Self::Plain(value) => value,
            Self::Extended(value) => context.reduce(&value, scale),
        }
    }

    /// The second polynomial modulo Q, which a rotation switches.
    fn second<'a>(
        &'a self,
        context: &Context,
        reduced: &'a mut Option<RnsPolynomial>,
    ) -> &'a RnsPolynomial {
        match self {
            Self::Plain(value) => &value.polynomials()[1],
            Self::Extended(value) => reduced.insert(context.reduce_second(value)),
        }
    }

    fn first(&self) -> First<'_> {
        match self {
            Self::Plain(value) => First::Plain(&value.polynomials()[0]),
            Self::Extended(value) => First::Extended(value),
        }
    }
}
