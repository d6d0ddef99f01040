//! Bundles of evaluation keys.

use ckks::serial::{KeyBundle, Parameters, SEED_BYTES};
use sha2::{Digest, Sha256};

use crate::mutate_bytes::{Number, change_bytes, change_number};
use crate::random::Random;
use crate::target::Target;

const DEGREE: usize = 1024;
const PLAN: [u8; 32] = [7; 32];
const FIXED: usize = 104;
const ENTRY: usize = 32;
/// Kind, step, primes of each key.
const KEYS: [(u32, i32, usize); 3] = [(0, 0, 2), (1, 3, 1), (1, -511, 2)];

pub struct Bundles {
    parameters: Parameters,
    bundle: Vec<u8>,
    numbers: Vec<Number>,
}

/// Moduli of 16 bits: packed coefficients keep their 32 low bits.
fn key_bytes(primes: usize) -> usize {
    primes * (SEED_BYTES + (primes + 1) * DEGREE * 4)
}

/// Where each key of a head stands, as far as the head says.
fn keys_of(bytes: &[u8]) -> Vec<(usize, usize)> {
    let number = |at: usize, width: usize| -> usize {
        let place = bytes.get(at..at + width).unwrap_or_default();
        place
            .iter()
            .rev()
            .fold(0, |value, &byte| value << 8 | usize::from(byte))
    };
    (0..number(96, 4).min(16))
        .map(|n| FIXED + n * ENTRY)
        .map(|at| (number(at + 16, 8), number(at + 24, 8)))
        .collect()
}

/// Write digests that fit what is there.
fn seal(bytes: &mut [u8]) {
    for (offset, length) in keys_of(bytes) {
        let end = offset.saturating_add(length);
        if let Some(payload) = bytes.get(offset..end) {
            let digest = Sha256::digest(payload);
            if let Some(place) = bytes.get_mut(end..end.saturating_add(32)) {
                place.copy_from_slice(&digest);
            }
        }
    }
    let head = FIXED + keys_of(bytes).len() * ENTRY;
    if bytes.len() >= head + 32 {
        let digest = Sha256::digest(&bytes[..head]);
        bytes[head..head + 32].copy_from_slice(&digest);
    }
}

impl Bundles {
    pub fn new() -> Self {
        let parameters = Parameters {
            ring_degree: DEGREE,
            primes: vec![40_961, 12_289],
            special_primes: vec![61_441],
        };
        let head = (FIXED + KEYS.len() * ENTRY + 32).next_multiple_of(64);
        let size = head + KEYS.iter().map(|key| key_bytes(key.2) + 64).sum::<usize>();
        let mut bundle = vec![0; size];
        let put = |bundle: &mut [u8], at: usize, bytes: &[u8]| {
            bundle[at..at + bytes.len()].copy_from_slice(bytes);
        };
        put(&mut bundle, 0, b"CLOOMEVK");
        put(&mut bundle, 8, &1u32.to_le_bytes());
        put(&mut bundle, 12, &(head as u32).to_le_bytes());
        put(&mut bundle, 16, &PLAN);
        put(&mut bundle, 48, &parameters.digest());
        put(&mut bundle, 88, &(size as u64).to_le_bytes());
        put(&mut bundle, 96, &(KEYS.len() as u32).to_le_bytes());
        let mut numbers = vec![
            (8, 4),
            (12, 4),
            (16, 8),
            (48, 8),
            (80, 8),
            (88, 8),
            (96, 4),
            (100, 4),
        ];
        let mut offset = head;
        for (n, (kind, step, primes)) in KEYS.into_iter().enumerate() {
            let at = FIXED + n * ENTRY;
            let length = key_bytes(primes);
            put(&mut bundle, at, &kind.to_le_bytes());
            put(&mut bundle, at + 4, &step.to_le_bytes());
            put(&mut bundle, at + 8, &(primes as u32).to_le_bytes());
            put(&mut bundle, at + 16, &(offset as u64).to_le_bytes());
            put(&mut bundle, at + 24, &(length as u64).to_le_bytes());
            for (k, word) in bundle[offset + primes * SEED_BYTES..offset + length]
                .chunks_mut(4)
                .enumerate()
            {
                word.copy_from_slice(&(k as u32 * 31 % 12_289).to_le_bytes());
            }
            numbers.extend([
                (at, 4),
                (at + 4, 4),
                (at + 8, 4),
                (at + 12, 4),
                (at + 16, 8),
                (at + 24, 8),
            ]);
            numbers.extend([
                (offset, 8),
                (offset + primes * SEED_BYTES, 4),
                (offset + length, 8),
            ]);
            offset += length + 64;
        }
        seal(&mut bundle);
        Self {
            parameters,
            bundle,
            numbers: numbers
                .into_iter()
                .map(|(at, width)| Number { at, width })
                .collect(),
        }
    }
}

impl Target for Bundles {
    fn name(&self) -> &'static str {
        "keys"
    }

    fn seeds(&self) -> Vec<&[u8]> {
        vec![&self.bundle]
    }

    fn mutant(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.bundle.clone();
        for _ in 0..=random.below(3) {
            if random.one_in(4) {
                change_bytes(&mut bytes, random);
            } else {
                change_number(&mut bytes, &self.numbers, random);
            }
        }
        if !random.one_in(8) {
            seal(&mut bytes);
        }
        bytes
    }

    fn accepts(&self, bytes: &[u8]) -> bool {
        let Ok(bundle) = KeyBundle::open(bytes, &self.parameters, &PLAN) else {
            return false;
        };
        let mut good = true;
        for entry in bundle.entries() {
            let Ok(digits) = bundle.read(entry) else {
                good = false;
                continue;
            };
            let moduli = self.parameters.key_moduli(entry.primes);
            for words in digits
                .iter()
                .flat_map(|digit| [&digit.first, &digit.second])
            {
                for (&modulus, residues) in moduli.iter().zip(words.chunks(DEGREE)) {
                    assert!(residues.iter().all(|&word| word < modulus), "not reduced");
                }
            }
        }
        good
    }
}
