//! Ciphertexts: seeded ones as clients send them, expanded ones as servers answer.

use ckks::serial::{
    CiphertextForm, Parameters, ParmsId, ciphertext_bytes, read_ciphertext, write_ciphertext,
};

use crate::mutate_bytes::{Number, change_bytes, change_number};
use crate::random::Random;
use crate::target::Target;

const SCALE: f64 = 1_048_576.0;

pub struct Ciphertexts {
    parameters: Parameters,
    id: ParmsId,
    expanded: Vec<u8>,
    seeded: Vec<u8>,
    numbers: Vec<Number>,
}

impl Ciphertexts {
    pub fn new() -> Self {
        let parameters = Parameters {
            ring_degree: 1024,
            primes: vec![40_961, 12_289],
            special_primes: vec![61_441],
        };
        let id = parameters.parms_id(parameters.data_moduli(2));
        let words: Vec<u64> = (0..2048u64).map(|n| n * n % 12_289).collect();
        let expanded = write_ciphertext([&words, &words], &id, 1024, SCALE);
        // One polynomial, and the seed of the other: header, generator, 64 bytes.
        let size = ciphertext_bytes(1024, 2, CiphertextForm::Seeded);
        let info = 16 + 1 + 64;
        let mut seeded = expanded[..size - info].to_vec();
        seeded[8..16].copy_from_slice(&(size as u64).to_le_bytes());
        let stored = size - info - 113;
        seeded[97..105].copy_from_slice(&(stored as u64 + 24).to_le_bytes());
        seeded[105..113].copy_from_slice(&(stored as u64 / 8).to_le_bytes());
        seeded.extend_from_slice(&expanded[..8]);
        seeded.extend_from_slice(&(info as u64).to_le_bytes());
        seeded.push(1);
        seeded.extend(0..64);
        let seed = size - info;
        let numbers = [
            (0, 2),
            (2, 1),
            (3, 1),
            (4, 1),
            (5, 1),
            (6, 2),
            (8, 8),
            (16, 8),
            (48, 1),
            (49, 8),
            (57, 8),
            (65, 8),
            (73, 8),
            (81, 8),
            (89, 8),
            (97, 8),
            (105, 8),
            (113, 8),
            (8304, 8),
            (seed, 8),
            (seed + 8, 8),
            (seed + 16, 1),
        ];
        Self {
            parameters,
            id,
            expanded,
            seeded,
            numbers: numbers.map(|(at, width)| Number { at, width }).to_vec(),
        }
    }

    fn read(&self, bytes: &[u8], form: CiphertextForm) -> bool {
        let moduli = self.parameters.data_moduli(2);
        let Ok(words) = read_ciphertext(bytes, &self.id, 1024, moduli, SCALE, form) else {
            return false;
        };
        for polynomial in &words {
            for (&modulus, residues) in moduli.iter().zip(polynomial.chunks(1024)) {
                assert!(residues.iter().all(|&word| word < modulus), "not reduced");
            }
        }
        true
    }
}

impl Target for Ciphertexts {
    fn name(&self) -> &'static str {
        "ciphertext"
    }

    fn seeds(&self) -> Vec<&[u8]> {
        vec![&self.expanded, &self.seeded]
    }

    fn mutant(&self, random: &mut Random) -> Vec<u8> {
        let seeds = self.seeds();
        let mut bytes = seeds[random.below(seeds.len())].to_vec();
        for _ in 0..=random.below(3) {
            if random.one_in(3) {
                change_bytes(&mut bytes, random);
            } else {
                change_number(&mut bytes, &self.numbers, random);
            }
        }
        bytes
    }

    fn accepts(&self, bytes: &[u8]) -> bool {
        let [expanded, seeded] =
            [CiphertextForm::Expanded, CiphertextForm::Seeded].map(|form| self.read(bytes, form));
        expanded || seeded
    }
}
