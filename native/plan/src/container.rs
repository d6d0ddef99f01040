//! The file around a plan: magic, version, lengths, digests. Its layout stands in `plan.proto`.

use sha2::{Digest, Sha256};

use crate::error::{PlanError, refuse};

const MAGIC: &[u8; 8] = b"CLOOMPLN";
const HEAD_BYTES: usize = 256;
const FORMAT: u32 = 1;
const BYTE_ORDER_MARK: u32 = 0x0102_0304;
/// Largest program section: macro operations keep real ones under a few hundred kilobytes.
const MAX_PROGRAM_BYTES: u64 = 1 << 24;

/// The two parts of a plan file; nothing is copied.
#[derive(Clone, Copy, Debug)]
pub struct Container<'a> {
    pub program: &'a [u8],
    /// Everything behind the program section and its padding; offsets of blobs count from here.
    pub blobs: &'a [u8],
}

/// The next multiple of 64.
pub fn aligned(bytes: u64) -> Option<u64> {
    bytes.checked_next_multiple_of(64)
}

fn number(file: &[u8], at: usize, width: usize) -> u64 {
    file[at..at + width]
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// Take a file apart and check every digest.
///
/// Cost: one SHA-256 of the file. Fails naming the part, what was got and what was expected. The
/// digest of the operator table is not compared: operators are checked one by one when they are read.
pub fn read_container(file: &[u8]) -> Result<Container<'_>, PlanError> {
    if file.get(..MAGIC.len()) != Some(MAGIC) {
        return refuse("magic", "is missing: this is not a model.loom");
    }
    if file.len() < HEAD_BYTES {
        return refuse(
            "head",
            format!("ends early: the file has {} bytes", file.len()),
        );
    }
    let format = number(file, 8, 4);
    if format != u64::from(FORMAT) {
        return refuse(
            "format version",
            format!("is {format}, this build reads {FORMAT}"),
        );
    }
    if Sha256::digest(&file[..224]).as_slice() != &file[224..256] {
        return refuse("head", "does not match its checksum: the file is damaged");
    }
    let program_bytes = number(file, 24, 8);
    if program_bytes > MAX_PROGRAM_BYTES {
        return refuse(
            "program section",
            format!("states {program_bytes} bytes, at most {MAX_PROGRAM_BYTES} are read"),
        );
    }
    let program_end = HEAD_BYTES as u64 + program_bytes;
    let blob_offset = aligned(program_end).unwrap_or(u64::MAX);
    let fields = [
        ("head length", number(file, 12, 4), HEAD_BYTES as u64),
        ("file length", number(file, 16, 8), file.len() as u64),
        ("blob offset", number(file, 32, 8), blob_offset),
        (
            "byte order",
            number(file, 40, 4),
            u64::from(BYTE_ORDER_MARK),
        ),
        ("reserved field", number(file, 44, 4), 0),
    ];
    for (what, got, expected) in fields {
        if got != expected {
            return refuse(what, format!("is {got}, expected {expected}"));
        }
    }
    if blob_offset > file.len() as u64 {
        return refuse(
            "program section",
            format!(
                "ends behind the file: {blob_offset} of {} bytes",
                file.len()
            ),
        );
    }
    // Both ends were compared with the length of the file, so they fit a usize.
    let (program, rest) = file[HEAD_BYTES..].split_at(program_bytes as usize);
    if Sha256::digest(program).as_slice() != &file[128..160] {
        return refuse(
            "program section",
            "does not match its checksum: the file is damaged",
        );
    }
    if Sha256::digest(rest).as_slice() != &file[160..192] {
        return refuse(
            "weights",
            "do not match their checksum: the file is damaged",
        );
    }
    Ok(Container {
        program,
        blobs: &file[blob_offset as usize..],
    })
}
