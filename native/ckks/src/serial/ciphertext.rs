//! SEAL's serialised ciphertexts, with exactly one accepted form.
//!
//! Layout  header 16 · `parms_id` 32 · NTT flag 1 · polynomials 8 · ring degree 8 · primes 8 · scale 8 ·
//!         correction factor 8 · array head 24 · words; a seeded ciphertext stores the first
//!         polynomial only, then header 16 · generator 1 · seed 64
//! Source  SEAL v4.1.2 `ciphertext.cpp` `save_members`, `randomgen.cpp`

use super::error::{SerialError, refuse};
use super::frame::{ARRAY_HEAD_BYTES, HEADER_BYTES, check_header, check_word, push_header, word};
use super::parameters::ParmsId;
use super::uniform::{SEED_BYTES, Uniform};

/// `seeded`: the second polynomial is given by the seed it was drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CiphertextForm {
    /// As clients send them.
    Seeded,
    /// As servers answer.
    Expanded,
}

const PARMS_ID: usize = HEADER_BYTES;
const NTT_FORM: usize = 48;
const POLYNOMIALS: usize = 49;
const RING_DEGREE: usize = 57;
const PRIMES: usize = 65;
const SCALE: usize = 73;
const CORRECTION_FACTOR: usize = 81;
const ARRAY: usize = 89;
const WORDS: usize = ARRAY + ARRAY_HEAD_BYTES;
const SEED_INFO_BYTES: usize = HEADER_BYTES + 1 + SEED_BYTES;
/// `prng_type::blake2xb`
const BLAKE2XB: u8 = 1;

/// Two polynomials, each [modulus][coefficient], in NTT form.
pub type Words = [Vec<u64>; 2];

/// Exact size of a blob in bytes.
pub fn ciphertext_bytes(ring_degree: usize, moduli: usize, form: CiphertextForm) -> usize {
    let polynomial = 8 * ring_degree * moduli;
    WORDS
        + match form {
            CiphertextForm::Seeded => polynomial + SEED_INFO_BYTES,
            CiphertextForm::Expanded => 2 * polynomial,
        }
}

/// Read a ciphertext and compare every field with what the plan says.
///
/// Cost: the residues; a seed is expanded at some 0.1 µs a word.
///
/// # Errors
/// Names the field, what stands there and what must.
pub fn read_ciphertext(
    blob: &[u8],
    parms_id: &ParmsId,
    ring_degree: usize,
    moduli: &[u64],
    scale: f64,
    form: CiphertextForm,
) -> Result<Words, SerialError> {
    let size = ciphertext_bytes(ring_degree, moduli.len(), form);
    if blob.len() != size {
        return refuse(
            "ciphertext",
            format!("has {} bytes, expected exactly {size}", blob.len()),
            0,
        );
    }
    check_header(blob, 0, size)?;
    if blob[PARMS_ID..PARMS_ID + 32] != parms_id[..] {
        return refuse(
            "parms_id",
            "is that of other parameters or another level",
            PARMS_ID,
        );
    }
    if blob[NTT_FORM] != 1 {
        return refuse(
            "NTT flag",
            format!("is {}, expected 1", blob[NTT_FORM]),
            NTT_FORM,
        );
    }
    check_word(blob, POLYNOMIALS, "number of polynomials", 2)?;
    check_word(blob, RING_DEGREE, "ring degree", ring_degree as u64)?;
    check_word(blob, PRIMES, "number of primes", moduli.len() as u64)?;
    let got = f64::from_bits(word(blob, SCALE));
    if got.to_bits() != scale.to_bits() {
        return refuse("scale", format!("is {got}, expected {scale}"), SCALE);
    }
    check_word(blob, CORRECTION_FACTOR, "correction factor", 1)?;
    let polynomial = ring_degree * moduli.len();
    let stored = match form {
        CiphertextForm::Seeded => polynomial,
        CiphertextForm::Expanded => 2 * polynomial,
    };
    check_header(blob, ARRAY, ARRAY_HEAD_BYTES + 8 * stored)?;
    check_word(
        blob,
        ARRAY + HEADER_BYTES,
        "number of coefficients",
        stored as u64,
    )?;
    let first = read_polynomial(blob, WORDS, ring_degree, moduli)?;
    let second = match form {
        CiphertextForm::Expanded => {
            let at = WORDS + 8 * polynomial;
            let second = read_polynomial(blob, at, ring_degree, moduli)?;
            if second.iter().all(|&residue| residue == 0) {
                return refuse("second polynomial", "is zero: everybody could read it", at);
            }
            second
        }
        CiphertextForm::Seeded => expand(blob, WORDS + 8 * stored, polynomial, moduli)?,
    };
    Ok([first, second])
}

fn read_polynomial(
    blob: &[u8],
    at: usize,
    ring_degree: usize,
    moduli: &[u64],
) -> Result<Vec<u64>, SerialError> {
    let bytes = &blob[at..at + 8 * ring_degree * moduli.len()];
    let words: Vec<u64> = bytes
        .as_chunks()
        .0
        .iter()
        .map(|&b| u64::from_le_bytes(b))
        .collect();
    for (n, (&modulus, residues)) in moduli.iter().zip(words.chunks(ring_degree)).enumerate() {
        if let Some(k) = residues.iter().position(|&residue| residue >= modulus) {
            let index = n * ring_degree + k;
            let reason = format!("is {}, expected a value below {modulus}", residues[k]);
            return refuse(format!("coefficient {index}"), reason, at + 8 * index);
        }
    }
    Ok(words)
}

fn expand(blob: &[u8], at: usize, words: usize, moduli: &[u64]) -> Result<Vec<u64>, SerialError> {
    check_header(blob, at, SEED_INFO_BYTES)?;
    let generator = blob[at + HEADER_BYTES];
    if generator != BLAKE2XB {
        let reason = format!("is {generator}, expected {BLAKE2XB}");
        return refuse("generator", reason, at + HEADER_BYTES);
    }
    let mut seed = [0; SEED_BYTES];
    seed.copy_from_slice(&blob[at + HEADER_BYTES + 1..][..SEED_BYTES]);
    let mut second = vec![0; words];
    Uniform::new(seed).fill(moduli, &mut second);
    Ok(second)
}

/// Write an expanded ciphertext that SEAL accepts; both polynomials are [modulus][coefficient].
pub fn write_ciphertext(
    polynomials: [&[u64]; 2],
    parms_id: &ParmsId,
    ring_degree: usize,
    scale: f64,
) -> Vec<u8> {
    let words = polynomials[0].len();
    let moduli = words / ring_degree;
    let size = ciphertext_bytes(ring_degree, moduli, CiphertextForm::Expanded);
    let mut blob = Vec::with_capacity(size);
    push_header(&mut blob, size);
    blob.extend_from_slice(parms_id);
    blob.push(1);
    for field in [2, ring_degree as u64, moduli as u64, scale.to_bits(), 1] {
        blob.extend_from_slice(&field.to_le_bytes());
    }
    push_header(&mut blob, ARRAY_HEAD_BYTES + 16 * words);
    blob.extend_from_slice(&(2 * words as u64).to_le_bytes());
    for word in polynomials.into_iter().flatten() {
        blob.extend_from_slice(&word.to_le_bytes());
    }
    blob
}
