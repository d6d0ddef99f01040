//! Residues in memory with no more bits than their prime has.
//!
//! Switching keys and encoded constants are read once in each use, from memory: what they take there is
//! what they cost. A run of packed residues is one row of bits, the first residue in the lowest ones;
//! vectors of eight are whole bytes then.

use crate::kernel::Field;

/// Words behind a packed run that its readers may load, whatever they hold.
pub const PADDING: usize = 8;

/// Canonical residues as `Field::load_packed` reads them, prepared: where two vectors share words, their
/// residues in turn.
#[inline(always)]
pub(crate) fn prepare_packed<F: Field>(f: F, from: &[u64], out: &mut [u64]) {
    let mut pair = [0; 16];
    let pair = &mut pair[..2 * F::LANES];
    for (from, out) in from
        .chunks_exact(pair.len())
        .zip(out.chunks_exact_mut(pair.len()))
    {
        for (from, to) in from
            .chunks_exact(F::LANES)
            .zip(pair.chunks_exact_mut(F::LANES))
        {
            f.store_raw(f.settle(f.value(f.load_word(from))), to);
        }
        if F::HALVES {
            let (lower, upper) = pair.split_at(F::LANES);
            for (out, halves) in out.chunks_exact_mut(2).zip(lower.iter().zip(upper)) {
                out.copy_from_slice(&[*halves.0, *halves.1]);
            }
        } else {
            out.copy_from_slice(pair);
        }
    }
}

/// Write residues of `bits` bits from bit `first` on, a multiple of 32; bits around them stay.
///
/// # Panics
/// Where `out` ends before.
pub(crate) fn pack(words: &[u64], bits: usize, out: &mut [u64], first: usize) {
    let (mut at, mut held) = (first / 64, first % 64);
    if bits == 64 && held == 0 {
        out[at..at + words.len()].copy_from_slice(words);
        return;
    }
    // What lies below the first bit stays.
    let mut bucket = if held == 0 {
        0
    } else {
        u128::from(out[at]) & ((1 << held) - 1)
    };
    for &word in words {
        bucket |= u128::from(word) << held;
        held += bits;
        if held >= 64 {
            out[at] = bucket as u64;
            at += 1;
            bucket >>= 64;
            held -= 64;
        }
    }
    if held > 0 {
        // What is above the last one stays.
        out[at] = out[at] >> held << held | bucket as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_stand_where_they_belong(
            bits in 1usize..=64,
            half in 0usize..2,
            blocks in 1usize..4,
            seed: u64,
        ) {
            let count = 32 * blocks;
            let words: Vec<u64> = (1..=count as u64)
                .map(|n| seed.wrapping_mul(n | 1) >> (64 - bits))
                .collect();
            let first = 32 * half;
            let length = (first + count * bits).div_ceil(64) + 1;
            let old: Vec<u64> = (0..length as u64).map(|n| seed.rotate_left(n as u32 + 1)).collect();
            let mut out = old.clone();
            pack(&words, bits, &mut out, first);
            let bit = |row: &[u64], at: usize| row[at / 64] >> (at % 64) & 1;
            for at in 0..64 * length {
                let expected = match at.checked_sub(first) {
                    Some(n) if n < count * bits => words[n / bits] >> (n % bits) & 1,
                    _ => bit(&old, at),
                };
                prop_assert_eq!(bit(&out, at), expected, "bit {}", at);
            }
        }
    }
}
