//! Polynomials without the bits that no coefficient has; see `src/seal/packed-polynomial.ts`.
//!
//! Low 32 bits of every coefficient, then the bits above, packed from the low end of the first byte.

use super::error::{SerialError, refuse};

/// Bits kept of a coefficient, never fewer than the low half.
fn kept_bits(modulus: u64) -> u32 {
    (u64::BITS - modulus.leading_zeros()).max(32)
}

/// Bytes of one packed polynomial; the ring degree is a multiple of 8, so nothing is padded.
pub fn packed_bytes(ring_degree: usize, modulus: u64) -> usize {
    ring_degree / 8 * kept_bits(modulus) as usize
}

/// Unpack a polynomial; `offset` is where `bytes` stand, for messages.
///
/// ASSUME: `bytes` has [`packed_bytes`] of them.
///
/// # Errors
/// Names the first coefficient that is not below the modulus.
pub fn unpack(
    bytes: &[u8],
    modulus: u64,
    out: &mut [u64],
    offset: usize,
) -> Result<(), SerialError> {
    let (low, high) = bytes.split_at(4 * out.len());
    let high_bits = kept_bits(modulus) - 32;
    let mask = (1u64 << high_bits) - 1;
    let mut rest = high.iter();
    // At most 7 bits wait and 4 bytes come: a word holds them.
    let mut waiting = 0u64;
    let mut bits = 0;
    for (n, (value, low)) in out.iter_mut().zip(low.as_chunks().0).enumerate() {
        while bits < high_bits {
            waiting |= u64::from(*rest.next().unwrap_or(&0)) << bits;
            bits += 8;
        }
        *value = (waiting & mask) << 32 | u64::from(u32::from_le_bytes(*low));
        waiting >>= high_bits;
        bits -= high_bits;
        if *value >= modulus {
            let reason = format!("is {value}, expected a value below {modulus}");
            return refuse(format!("coefficient {n}"), reason, offset);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pack(words: &[u64], modulus: u64) -> Vec<u8> {
        let mut bytes: Vec<u8> = words
            .iter()
            .flat_map(|&w| (w as u32).to_le_bytes())
            .collect();
        let high_bits = kept_bits(modulus) - 32;
        let bits: Vec<bool> = words
            .iter()
            .flat_map(|&w| (0..high_bits).map(move |b| w >> (32 + b) & 1 == 1))
            .collect();
        bytes.extend(bits.chunks(8).map(|byte| {
            byte.iter()
                .enumerate()
                .fold(0u8, |value, (n, &bit)| value | u8::from(bit) << n)
        }));
        bytes
    }

    proptest! {
        #[test]
        fn what_is_packed_unpacks(
            modulus in 3u64..1 << 61,
            seeds in proptest::collection::vec(any::<u64>(), 16),
        ) {
            let words: Vec<u64> = seeds.iter().map(|seed| seed % modulus).collect();
            let bytes = pack(&words, modulus);
            prop_assert_eq!(bytes.len(), packed_bytes(16, modulus));
            let mut out = [0; 16];
            prop_assert_eq!(unpack(&bytes, modulus, &mut out, 0), Ok(()));
            prop_assert_eq!(&out[..], &words[..]);
        }
    }

    #[test]
    fn refuses_a_coefficient_that_is_not_reduced() {
        let modulus = (1 << 40) - 87;
        let bytes = pack(&[modulus, 0, 0, 0, 0, 0, 0, 0], modulus);
        assert!(unpack(&bytes, modulus, &mut [0; 8], 7).is_err());
    }
}
