//! CKKS on public material: ciphertexts, key switching, linear maps.

mod fft;

pub mod encoder;
pub mod serial;
