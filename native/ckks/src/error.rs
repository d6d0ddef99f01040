//! What a program can ask for that has no answer.
use core::fmt;
use ring::RingError;

/// An operation on operands that do not fit it. A verified plan meets none of these.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CkksError {
    /// Parameters that no ring has.
    Ring(RingError),
    /// Operands with other numbers of primes than each other, or than the operation needs.
    Primes {
        /// The operation.
        what: &'static str,
        /// Primes of the first operand.
        got: usize,
        /// Primes it should have.
        expected: usize,
    },
    /// Operands of a sum with scales that differ in any bit.
    Scale {
        /// The operation.
        what: &'static str,
        /// Scale of the first operand.
        a: f64,
        /// Scale of the second operand.
        b: f64,
    },
    /// A number of polynomials that the operation does not take.
    Polynomials {
        /// The operation.
        what: &'static str,
        /// Polynomials of the operand.
        got: usize,
        /// Polynomials it takes.
        expected: usize,
    },
    /// A rescale or a drop below one prime.
    LevelsExhausted,
    /// A key with fewer primes than the value.
    KeyTrimmed {
        /// Primes of the key.
        key: usize,
        /// Primes of the value.
        value: usize,
    },
    /// More threads than the system starts.
    Threads {
        /// The number asked for.
        threads: usize,
    },
    /// A constant whose scaled integer does not fit 127 bits, or is no number.
    Constant {
        /// The constant.
        value: f64,
        /// Its scale.
        scale: f64,
    },
}

impl fmt::Display for CkksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Ring(error) => error.fmt(f),
            Self::Primes {
                what,
                got,
                expected,
            } => write!(f, "{what}: {got} primes where {expected} are needed"),
            Self::Scale { what, a, b } => write!(f, "{what}: scale {a} meets {b}"),
            Self::Polynomials {
                what,
                got,
                expected,
            } => write!(f, "{what}: {got} polynomials where {expected} are needed"),
            Self::LevelsExhausted => f.write_str("the value has one prime left"),
            Self::KeyTrimmed { key, value } => {
                write!(f, "the key has {key} primes, the value {value}")
            }
            Self::Threads { threads } => write!(f, "{threads} threads could not be started"),
            Self::Constant { value, scale } => {
                write!(f, "{value} at scale {scale} is no integer below 2^127")
            }
        }
    }
}

impl core::error::Error for CkksError {}

impl From<RingError> for CkksError {
    fn from(error: RingError) -> Self {
        Self::Ring(error)
    }
}
