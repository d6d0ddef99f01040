//! CKKS ciphertexts and what a server does with them.
//!
//! Sums, products, rescaling and dropped levels are bit for bit those of Microsoft SEAL 4.1.2. Key
//! switching takes centred digits, which SEAL does not: same keys, same meaning, no outliers.
//!
//! No secret key can be expressed here: there is no type, no sampler, no decryption.
mod arithmetic;
pub mod base_conversion;
mod ciphertext;
mod combine;
mod context;
mod error;
mod extended;
mod fft;
mod key_switch;
mod rescale;
mod rotate;
mod switching_key;
mod weights;
mod workers;

pub mod encoder;
pub mod serial;

pub use ciphertext::{Ciphertext, Plaintext};
pub use context::Context;
pub use error::CkksError;
pub use extended::Extended;
pub use key_switch::{Digits, First, Switched};
pub use switching_key::SwitchingKey;
pub use weights::Weights;
pub use workers::Workers;
