//! The bytes that clients and servers exchange: SEAL's ciphertexts and the bundle of evaluation keys.
//!
//! Everything is read as hostile: a length is compared before anything is allocated for it, there is
//! exactly one accepted form, every residue is below its prime.

mod blake2xb;
mod bundle;
mod ciphertext;
mod error;
mod frame;
mod key_bytes;
mod packed;
mod parameters;
mod uniform;

pub use bundle::{KeyBundle, KeyEntry, KeyKind, SentDigit};
pub use ciphertext::{CiphertextForm, Words, ciphertext_bytes, read_ciphertext, write_ciphertext};
pub use error::SerialError;
pub use key_bytes::{KeyBytes, KeyFile};
pub use packed::{packed_bytes, unpack};
pub use parameters::{Parameters, ParmsId};
pub use uniform::{SEED_BYTES, Uniform};
