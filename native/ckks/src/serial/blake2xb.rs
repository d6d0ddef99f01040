//! BLAKE2Xb blocks of one root, side by side in vectors.
//!
//! The blocks of an expansion are hashes of one message, the root, that differ in their numbers alone. So
//! they share every word of it, and take half of the time of messages that are hashed side by side as any
//! others. Half of what a batch of images is sent as is expanded here.
//!
//! Source: BLAKE2 (RFC 7693, section 3), BLAKE2X (Aumasson et al. 2016, section 2).
use ring::WordWork;

/// Bytes of a block.
pub const BLOCK_BYTES: usize = 64;
const WORDS: usize = BLOCK_BYTES / 8;
/// Blocks made at once: two vectors of eight, whose rounds fill each other's gaps.
const GROUP: usize = 16;
const GROUP_BYTES: usize = GROUP * BLOCK_BYTES;

const IV: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// Which words of the message a round takes (RFC 7693, section 2.7); after ten rounds from the start.
const SIGMA: [[usize; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

/// A word of each of the blocks that are made in one loop, in whose vectors they lie side by side.
type Blocks = [u64; GROUP];

/// All blocks of an expansion.
pub struct Expansion<'a> {
    /// The hash that is expanded.
    pub root: &'a [u8; BLOCK_BYTES],
    /// Bytes of the whole expansion: a multiple of those of a group.
    pub out: &'a mut [u8],
}

impl WordWork for Expansion<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let mut message = [0; WORDS];
        for (word, bytes) in message.iter_mut().zip(self.root.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        let length = self.out.len() as u64;
        let mut words = [[0; GROUP]; WORDS];
        for (group, out) in self.out.chunks_exact_mut(GROUP_BYTES).enumerate() {
            blocks(&message, length << 32 | (group * GROUP) as u64, &mut words);
            for (n, block) in out.chunks_exact_mut(BLOCK_BYTES).enumerate() {
                for (word, bytes) in words.iter().zip(block.as_chunks_mut().0) {
                    *bytes = word[n].to_le_bytes();
                }
            }
        }
    }
}

/// The words of the blocks from a node offset on: one loop without branches, which becomes vectors.
#[inline(always)]
fn blocks(message: &[u64; WORDS], offset: u64, words: &mut [Blocks; WORDS]) {
    // Half of a message block is empty.
    let m: [u64; 16] = core::array::from_fn(|k| message.get(k).copied().unwrap_or(0));
    // Digest of 64 bytes, no key, no tree; leaves of 64 bytes.
    let first = IV[0] ^ (BLOCK_BYTES as u64 | (BLOCK_BYTES as u64) << 32);
    let third = IV[2] ^ (BLOCK_BYTES as u64) << 8;
    let [w0, w1, w2, w3, w4, w5, w6, w7] = words;
    for n in 0..GROUP {
        let second = IV[1] ^ (offset + n as u64);
        let mut v = [
            first,
            second,
            third,
            IV[3],
            IV[4],
            IV[5],
            IV[6],
            IV[7],
            IV[0],
            IV[1],
            IV[2],
            IV[3],
            // The bytes hashed, and that they are all.
            IV[4] ^ BLOCK_BYTES as u64,
            IV[5],
            !IV[6],
            IV[7],
        ];
        // One call each: a loop of rounds would leave no loop of blocks to become vectors.
        round(&mut v, &m, &SIGMA[0]);
        round(&mut v, &m, &SIGMA[1]);
        round(&mut v, &m, &SIGMA[2]);
        round(&mut v, &m, &SIGMA[3]);
        round(&mut v, &m, &SIGMA[4]);
        round(&mut v, &m, &SIGMA[5]);
        round(&mut v, &m, &SIGMA[6]);
        round(&mut v, &m, &SIGMA[7]);
        round(&mut v, &m, &SIGMA[8]);
        round(&mut v, &m, &SIGMA[9]);
        round(&mut v, &m, &SIGMA[0]);
        round(&mut v, &m, &SIGMA[1]);
        w0[n] = first ^ v[0] ^ v[8];
        w1[n] = second ^ v[1] ^ v[9];
        w2[n] = third ^ v[2] ^ v[10];
        w3[n] = IV[3] ^ v[3] ^ v[11];
        w4[n] = IV[4] ^ v[4] ^ v[12];
        w5[n] = IV[5] ^ v[5] ^ v[13];
        w6[n] = IV[6] ^ v[6] ^ v[14];
        w7[n] = IV[7] ^ v[7] ^ v[15];
    }
}

/// A round with the words of the message in an order.
#[inline(always)]
fn round(v: &mut [u64; 16], m: &[u64; 16], s: &[usize; 16]) {
    mix(v, [0, 4, 8, 12], [m[s[0]], m[s[1]]]);
    mix(v, [1, 5, 9, 13], [m[s[2]], m[s[3]]]);
    mix(v, [2, 6, 10, 14], [m[s[4]], m[s[5]]]);
    mix(v, [3, 7, 11, 15], [m[s[6]], m[s[7]]]);
    mix(v, [0, 5, 10, 15], [m[s[8]], m[s[9]]]);
    mix(v, [1, 6, 11, 12], [m[s[10]], m[s[11]]]);
    mix(v, [2, 7, 8, 13], [m[s[12]], m[s[13]]]);
    mix(v, [3, 4, 9, 14], [m[s[14]], m[s[15]]]);
}

/// The mixing function G.
#[inline(always)]
fn mix(v: &mut [u64; 16], [a, b, c, d]: [usize; 4], [x, y]: [u64; 2]) {
    v[a] = v[a].wrapping_add(v[b]).wrapping_add(x);
    v[d] = (v[d] ^ v[a]).rotate_right(32);
    v[c] = v[c].wrapping_add(v[d]);
    v[b] = (v[b] ^ v[c]).rotate_right(24);
    v[a] = v[a].wrapping_add(v[b]).wrapping_add(y);
    v[d] = (v[d] ^ v[a]).rotate_right(16);
    v[c] = v[c].wrapping_add(v[d]);
    v[b] = (v[b] ^ v[c]).rotate_right(63);
}

#[cfg(test)]
mod tests {
    use super::*;
    use blake2b_simd::Params;
    use ring::Kernel;

    #[test]
    fn blocks_are_those_of_a_library_in_every_kernel() {
        for seed in 0..4u8 {
            let root: [u8; BLOCK_BYTES] = core::array::from_fn(|n| seed.wrapping_mul(n as u8 + 91));
            for length in [GROUP_BYTES, 4096] {
                let expected: Vec<u8> = (0..length / BLOCK_BYTES)
                    .flat_map(|n| {
                        let mut parameters = Params::new();
                        parameters
                            .hash_length(BLOCK_BYTES)
                            .fanout(0)
                            .max_depth(0)
                            .max_leaf_length(BLOCK_BYTES as u32)
                            .inner_hash_length(BLOCK_BYTES)
                            .node_offset((length as u64) << 32 | n as u64);
                        parameters.hash(&root).as_bytes().to_vec()
                    })
                    .collect();
                for kernel in Kernel::native() {
                    let mut out = vec![0; length];
                    let out_bytes = &mut out[..];
                    kernel.run_words(Expansion {
                        root: &root,
                        out: out_bytes,
                    });
                    assert!(out == expected, "{kernel:?}, {length} bytes");
                }
            }
        }
    }
}
