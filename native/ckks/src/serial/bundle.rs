//! The evaluation-key bundle; its layout stands in `src/seal/evaluation-keys.ts`.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::error::{SerialError, refuse};
use super::frame::{half_word, word};
use super::key_bytes::KeyBytes;
use super::packed::{packed_bytes, unpack};
use super::parameters::Parameters;
use super::uniform::{SEED_BYTES, Uniform};

const MAGIC: &[u8; 8] = b"CLOOMEVK";
const SECRET_MAGIC: &[u8; 8] = b"CLOOMSK\0";
const VERSION: u32 = 1;
const FIXED_HEAD_BYTES: usize = 104;
const ENTRY_BYTES: usize = 32;
const DIGEST_BYTES: usize = 32;
/// Digest and padding after each key.
const TRAILER_BYTES: usize = 64;
const MAX_KEYS: usize = 65536;

/// What a switching key switches from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// The square of the secret.
    Relinearisation,
    /// To the left by so many slots.
    Rotation(i32),
}

/// A key of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// What it switches from.
    pub kind: KeyKind,
    /// Data primes of the highest level it serves: residues less the special ones.
    pub primes: usize,
    offset: usize,
    bytes: usize,
}

/// One digit of a key: an encryption of zero to which P·s′ was added at its own residues.
pub struct SentDigit {
    /// [primes + special primes][coefficient], NTT form, below their moduli.
    pub first: Vec<u64>,
    /// Expanded from the seed.
    pub second: Vec<u64>,
}

/// A bundle whose head was checked; keys are read, and checked, one at a time.
#[derive(Debug)]
pub struct KeyBundle<B> {
    bytes: B,
    parameters: Parameters,
    head: Vec<u8>,
    entries: Vec<KeyEntry>,
}

fn head_bytes(keys: usize) -> usize {
    (FIXED_HEAD_BYTES + keys * ENTRY_BYTES + DIGEST_BYTES).next_multiple_of(64)
}

fn key_bytes(parameters: &Parameters, primes: usize) -> usize {
    parameters.key_digits(primes) * (SEED_BYTES + digit_bytes(parameters, primes))
}

fn digit_bytes(parameters: &Parameters, primes: usize) -> usize {
    parameters
        .key_moduli(primes)
        .iter()
        .map(|&modulus| packed_bytes(parameters.ring_degree, modulus))
        .sum()
}

/// Bytes that are within the size.
fn part(bytes: &impl KeyBytes, offset: usize, length: usize) -> Result<Cow<'_, [u8]>, SerialError> {
    match bytes.read(offset, length) {
        Ok(part) => Ok(part),
        Err(error) => refuse("bundle", format!("cannot be read: {error}"), offset),
    }
}

impl<B: KeyBytes> KeyBundle<B> {
    /// Check the head of a bundle made for a plan.
    ///
    /// Cost: no more memory than the head.
    ///
    /// # Errors
    /// Names the field and its offset.
    pub fn open(
        source: B,
        parameters: &Parameters,
        plan_hash: &[u8; 32],
    ) -> Result<Self, SerialError> {
        let size = source.size();
        if size < head_bytes(0) {
            return refuse("bundle", format!("has {size} bytes"), 0);
        }
        let bytes = part(&source, 0, head_bytes(0))?;
        if bytes.starts_with(SECRET_MAGIC) {
            return refuse("bundle", "is a secret key; it was not stored", 0);
        }
        if !bytes.starts_with(MAGIC) {
            return refuse("magic number", "is not that of an evaluation-key bundle", 0);
        }
        let version = half_word(&bytes, 8);
        if version != VERSION {
            return refuse(
                "format version",
                format!("is {version}, this build reads {VERSION}"),
                8,
            );
        }
        let count = half_word(&bytes, 96) as usize;
        if count > MAX_KEYS {
            return refuse(
                "number of keys",
                format!("is {count}, at most {MAX_KEYS}"),
                96,
            );
        }
        let head = head_bytes(count);
        if half_word(&bytes, 12) as usize != head || head > size {
            return refuse(
                "head length",
                format!("is not the {head} bytes of {count} keys"),
                12,
            );
        }
        let bytes = part(&source, 0, head)?.into_owned();
        let hashed = FIXED_HEAD_BYTES + count * ENTRY_BYTES;
        if Sha256::digest(&bytes[..hashed]).as_slice() != &bytes[hashed..hashed + DIGEST_BYTES] {
            return refuse("head", "does not match its checksum", hashed);
        }
        let padding = &bytes[hashed + DIGEST_BYTES..head];
        if padding.iter().any(|&byte| byte != 0) || half_word(&bytes, 100) != 0 {
            return refuse("padding of the head", "is not zero", hashed + DIGEST_BYTES);
        }
        if bytes[16..48] != plan_hash[..] {
            return refuse("plan", "is another one than the keys were made for", 16);
        }
        if bytes[48..80] != parameters.digest() {
            return refuse("parameters", "are others than the keys were made for", 48);
        }
        let stated = word(&bytes, 88);
        let mut bundle = Self {
            bytes: source,
            parameters: parameters.clone(),
            head: bytes,
            entries: Vec::with_capacity(count),
        };
        let mut offset = head;
        for index in 0..count {
            offset = bundle.read_entry(FIXED_HEAD_BYTES + index * ENTRY_BYTES, offset)?;
        }
        if stated != offset as u64 || size != offset {
            return refuse(
                "bundle",
                format!("has {size} bytes, expected exactly {offset}"),
                88,
            );
        }
        Ok(bundle)
    }

    /// Read the entry at `at` of a key that stands at `offset`; returns the end of the key.
    fn read_entry(&mut self, at: usize, offset: usize) -> Result<usize, SerialError> {
        let slots = self.parameters.ring_degree as i32 / 2;
        let step = half_word(&self.head, at + 4) as i32;
        let kind = match half_word(&self.head, at) {
            0 if step == 0 => KeyKind::Relinearisation,
            1 if step != 0 && step.unsigned_abs() < slots.unsigned_abs() => KeyKind::Rotation(step),
            kind => return refuse("key", format!("is of kind {kind}, step {step}"), at),
        };
        let primes = half_word(&self.head, at + 8) as usize;
        if primes < 1
            || primes > self.parameters.primes.len()
            || half_word(&self.head, at + 12) != 0
        {
            return refuse("number of primes", format!("is {primes}"), at + 8);
        }
        if self.entries.iter().any(|entry| entry.kind == kind) {
            return refuse("key", format!("{kind:?} occurs twice"), at);
        }
        let bytes = key_bytes(&self.parameters, primes);
        if word(&self.head, at + 16) != offset as u64 || word(&self.head, at + 24) != bytes as u64 {
            return refuse(
                "key",
                format!("{kind:?} states another place than its primes give"),
                at + 16,
            );
        }
        self.entries.push(KeyEntry {
            kind,
            primes,
            offset,
            bytes,
        });
        let end = offset + bytes + TRAILER_BYTES;
        if end > self.bytes.size() {
            return refuse("bundle", format!("ends before key {kind:?}"), at + 16);
        }
        Ok(end)
    }

    /// The keys it holds, in the order of the file.
    pub fn entries(&self) -> &[KeyEntry] {
        &self.entries
    }

    /// SHA-256 of the head and the checksums of all keys, which fix every byte of a sound bundle.
    ///
    /// Cost: 64 bytes a key are read.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn identity(&self) -> Result<[u8; 32], SerialError> {
        let mut hash = Sha256::new();
        hash.update(&self.head);
        for entry in &self.entries {
            hash.update(part(
                &self.bytes,
                entry.offset + entry.bytes,
                TRAILER_BYTES,
            )?);
        }
        Ok(hash.finalize().into())
    }

    /// The key of a kind that serves values of at least `primes` data primes.
    pub fn find(&self, kind: KeyKind, primes: usize) -> Option<&KeyEntry> {
        self.entries
            .iter()
            .find(|entry| entry.kind == kind && entry.primes >= primes)
    }

    /// Read the digits of a key and expand their seeds.
    ///
    /// Cost: two polynomials over all its primes a digit.
    ///
    /// # Errors
    /// A checksum that does not match, a coefficient that is not reduced.
    pub fn read(&self, entry: &KeyEntry) -> Result<Vec<SentDigit>, SerialError> {
        let digits = self.read_into(entry, |words| vec![0; words], |words| &mut words[..])?;
        let sent = |[first, second]: [Vec<u64>; 2]| SentDigit { first, second };
        Ok(digits.into_iter().map(sent).collect())
    }

    /// Read the digits of a key into polynomials that `make` gives for a number of words.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_into<P>(
        &self,
        entry: &KeyEntry,
        make: impl Fn(usize) -> P,
        words_of: impl Fn(&mut P) -> &mut [u64],
    ) -> Result<Vec<[P; 2]>, SerialError> {
        let KeyEntry {
            kind,
            primes,
            offset,
            bytes,
        } = *entry;
        let all = part(&self.bytes, offset, bytes + TRAILER_BYTES)?;
        let (payload, trailer) = all.split_at(bytes);
        if Sha256::digest(payload).as_slice() != &trailer[..DIGEST_BYTES] {
            return refuse(
                format!("key {kind:?}"),
                "does not match its checksum",
                offset,
            );
        }
        if trailer[DIGEST_BYTES..].iter().any(|&byte| byte != 0) {
            return refuse(
                format!("padding after {kind:?}"),
                "is not zero",
                offset + bytes,
            );
        }
        let moduli = self.parameters.key_moduli(primes);
        let degree = self.parameters.ring_degree;
        let digits = self.parameters.key_digits(primes);
        let mut at = digits * SEED_BYTES;
        (0..digits)
            .map(|digit| {
                let [mut first, mut second] = [0, 1].map(|_| make(degree * moduli.len()));
                for (&modulus, residues) in
                    moduli.iter().zip(words_of(&mut first).chunks_mut(degree))
                {
                    let length = packed_bytes(degree, modulus);
                    unpack(&payload[at..at + length], modulus, residues, offset + at)?;
                    at += length;
                }
                let mut seed = [0; SEED_BYTES];
                seed.copy_from_slice(&payload[digit * SEED_BYTES..][..SEED_BYTES]);
                Uniform::new(seed).fill(&moduli, words_of(&mut second));
                Ok([first, second])
            })
            .collect()
    }
}
