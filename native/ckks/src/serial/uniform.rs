//! SEAL's expansion of a seed into a uniform polynomial, bit for bit.
//!
//! Source: SEAL v4.1.2 `randomgen.cpp` (`Blake2xbPRNG`, buffers of 4096 bytes numbered by a counter),
//! `util/rlwe.cpp` (`sample_poly_uniform`), `util/blake2xb.c`; BLAKE2X (Aumasson et al. 2016).

use super::blake2xb::{BLOCK_BYTES, Expansion};
use blake2b_simd::Params;
use ring::Kernel;

/// Bytes of a seed.
pub const SEED_BYTES: usize = 64;
const BUFFER_BYTES: usize = 4096;

/// The stream of numbers of one seed.
pub struct Uniform {
    seed: [u8; SEED_BYTES],
    /// Number of the next buffer.
    counter: u64,
    buffer: Box<[u8; BUFFER_BYTES]>,
    /// Bytes of the buffer already given.
    used: usize,
    kernel: Kernel,
}

impl Uniform {
    /// The stream of a seed, from its beginning.
    pub fn new(seed: [u8; SEED_BYTES]) -> Self {
        Self {
            seed,
            counter: 0,
            buffer: Box::new([0; BUFFER_BYTES]),
            used: BUFFER_BYTES,
            kernel: Kernel::detect(),
        }
    }

    fn next_word(&mut self) -> u64 {
        if self.used == BUFFER_BYTES {
            self.refill();
        }
        // Every read is of 8 bytes, so none crosses the end of a buffer.
        let word = super::frame::word(&self.buffer[..], self.used);
        self.used += 8;
        word
    }

    /// Blake2Xb of the counter under the seed as key.
    fn refill(&mut self) {
        let length = (BUFFER_BYTES as u64) << 32;
        let root = Params::new()
            .hash_length(BLOCK_BYTES)
            .key(&self.seed)
            .node_offset(length)
            .hash(&self.counter.to_le_bytes());
        self.kernel.run_words(Expansion {
            root: root.as_array(),
            out: &mut self.buffer[..],
        });
        self.counter += 1;
        self.used = 0;
    }

    /// Fill [moduli][degree] residues: all words first, then each rejected one again, as SEAL does.
    pub fn fill(&mut self, moduli: &[u64], out: &mut [u64]) {
        let mut rest = &mut *out;
        while !rest.is_empty() {
            if self.used == BUFFER_BYTES {
                self.refill();
            }
            let bytes = self.buffer[self.used..].as_chunks().0;
            let count = bytes.len().min(rest.len());
            let (now, later) = rest.split_at_mut(count);
            for (word, &bytes) in now.iter_mut().zip(bytes) {
                *word = u64::from_le_bytes(bytes);
            }
            self.used += 8 * count;
            rest = later;
        }
        let degree = out.len() / moduli.len();
        for (&modulus, residues) in moduli.iter().zip(out.chunks_mut(degree)) {
            let ratio = u64::MAX / modulus;
            let limit = u64::MAX - u64::MAX % modulus - 1;
            for value in residues {
                while *value >= limit {
                    *value = self.next_word();
                }
                *value = reduced(*value, modulus, ratio);
            }
        }
    }
}

/// value mod modulus, with ratio = floor((2^64 − 1) / modulus): the quotient is at most one too
/// small. ASSUME: the modulus is below 2^63.
fn reduced(value: u64, modulus: u64, ratio: u64) -> u64 {
    let quotient = ((u128::from(value) * u128::from(ratio)) >> 64) as u64;
    let rest = value - quotient * modulus;
    rest.min(rest.wrapping_sub(modulus))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reduces_as_division_does(value: u64, modulus in 2u64..1 << 61, multiple in 0u64..1 << 30) {
            for value in [value, (modulus * (multiple % (u64::MAX / modulus))).wrapping_sub(1)] {
                prop_assert_eq!(reduced(value, modulus, u64::MAX / modulus), value % modulus);
            }
        }
    }
}
