//! The frame of SEAL's serialised objects: a 16-byte header that states the length.
//!
//! Source: microsoft/SEAL v4.1.2 `native/src/seal/serialization.h` (`SEALHeader`), `dynarray.h`.

use super::error::{SerialError, refuse};

pub const HEADER_BYTES: usize = 16;
/// Header and element count before the words of an array.
pub const ARRAY_HEAD_BYTES: usize = HEADER_BYTES + 8;

/// Magic number, header size, version 4.1 and no compression; reserved bytes zero.
const START: [u8; 8] = [0x5e, 0xa1, 0x10, 4, 1, 0, 0, 0];
const FIELDS: [&str; 8] = [
    "magic number",
    "magic number",
    "header size",
    "major version",
    "minor version",
    "compression mode",
    "reserved byte",
    "reserved byte",
];

/// The little-endian number at `at`. ASSUME: eight bytes are there.
pub fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8]
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// The little-endian number at `at`. ASSUME: four bytes are there.
pub fn half_word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4]
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u32::from(byte))
}

/// Refuse a header other than that of an object of `size` bytes. ASSUME: it is there.
pub fn check_header(bytes: &[u8], at: usize, size: usize) -> Result<(), SerialError> {
    for (n, (&expected, what)) in START.iter().zip(FIELDS).enumerate() {
        let got = bytes[at + n];
        if got != expected {
            return refuse(what, format!("is {got}, expected {expected}"), at + n);
        }
    }
    check_word(bytes, at + 8, "length", size as u64)
}

/// Refuse a number other than the expected one.
pub fn check_word(bytes: &[u8], at: usize, what: &str, expected: u64) -> Result<(), SerialError> {
    let got = word(bytes, at);
    if got == expected {
        return Ok(());
    }
    refuse(what, format!("is {got}, expected {expected}"), at)
}

/// Append the header of an object of `size` bytes, header included.
pub fn push_header(out: &mut Vec<u8>, size: usize) {
    out.extend_from_slice(&START);
    out.extend_from_slice(&(size as u64).to_le_bytes());
}
