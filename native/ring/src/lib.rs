//! Modular arithmetic, number-theoretic transforms and residue polynomials.
//!
//! The bottom of the evaluator, and its only crate with `unsafe` code. It knows primes and
//! polynomials, nothing of ciphertexts. Every kernel (portable, AVX2, AVX-512 IFMA) gives the same
//! bits, and transforms are bit for bit those of Microsoft SEAL.
#![allow(unsafe_code)]

mod convert;
mod counting;
mod elementwise;
mod error;
mod galois;
mod inner_product;
mod kernel;
mod key_product;
mod mapping;
mod matrix;
mod modulus;
mod ntt;
mod packed_products;
mod packing;
mod polynomial;
mod pool;
mod prime_ring;
mod rows;

pub use convert::Part;
pub use counting::CountingAllocator;
pub use error::RingError;
pub use galois::{Automorphism, conjugation_element, rotation_element};
pub use kernel::{Kernel, VECTOR_MODULUS_BITS, WordWork};
pub use mapping::{MappedWords, bytes_of};
pub use modulus::{MAX_MODULUS_BITS, Modulus};
pub use packing::PADDING;
pub use polynomial::RnsPolynomial;
pub use pool::{Buffer, Pool};
pub use prime_ring::{DEGREES, INTEGER_BITS, PART, PrimeRing, Scalar, Start};
pub use rows::Rows;
