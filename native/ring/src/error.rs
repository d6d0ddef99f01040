//! What can be wrong with parameters.
use core::fmt;

/// Parameters that no ring has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingError {
    /// Not an odd prime below 2^61.
    Modulus {
        /// The value given.
        value: u64,
    },
    /// The modulus has no root of unity of the order.
    NoRoot {
        /// The prime.
        modulus: u64,
        /// The order wanted: 2N.
        order: u64,
    },
    /// Not a power of two in 2^10 … 2^17.
    Degree {
        /// The degree given.
        degree: usize,
    },
    /// Not an odd number below 2N.
    GaloisElement {
        /// The element given.
        element: u64,
        /// The ring degree N.
        degree: usize,
    },
    /// A rotation by N/2 slots or more.
    Step {
        /// The step given.
        step: i32,
        /// The ring degree N.
        degree: usize,
    },
}

impl fmt::Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Modulus { value } => write!(f, "{value} is no odd prime below 2^61"),
            Self::NoRoot { modulus, order } => {
                write!(
                    f,
                    "{modulus} has no root of unity of order {order}: it must be 1 mod {order}"
                )
            }
            Self::Degree { degree } => {
                write!(f, "ring degree {degree} is no power of two in 2^10 … 2^17")
            }
            Self::GaloisElement { element, degree } => {
                write!(
                    f,
                    "Galois element {element} is not odd and below {}",
                    2 * degree
                )
            }
            Self::Step { step, degree } => {
                write!(
                    f,
                    "rotation by {step} is outside −{0} … {0}",
                    degree / 2 - 1
                )
            }
        }
    }
}

impl core::error::Error for RingError {}
