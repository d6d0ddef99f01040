//! Constants as bytes: float32, float64 or variable-length integers.

use crate::error::{PlanError, refuse};
use crate::message::Encoding;

/// Read exactly `count` numbers from all of `bytes`.
///
/// ASSUME: `count` is at most the number of bytes, so that no more than eight bytes are allocated
/// for each given one.
pub fn decode_numbers(
    encoding: Encoding,
    bytes: &[u8],
    count: usize,
    what: &str,
) -> Result<Vec<f64>, PlanError> {
    let fits = match encoding {
        Encoding::Float32 => count.checked_mul(4) == Some(bytes.len()),
        Encoding::Float64 => count.checked_mul(8) == Some(bytes.len()),
        Encoding::Varint => count <= bytes.len(),
    };
    if !fits {
        return refuse(
            what,
            format!("{} bytes do not hold {count} numbers", bytes.len()),
        );
    }
    let numbers = match encoding {
        Encoding::Float32 => bytes
            .as_chunks()
            .0
            .iter()
            .map(|&chunk| f64::from(f32::from_le_bytes(chunk)))
            .collect(),
        Encoding::Float64 => bytes
            .as_chunks()
            .0
            .iter()
            .map(|&chunk| f64::from_le_bytes(chunk))
            .collect(),
        Encoding::Varint => decode_varints(bytes, count, what)?,
    };
    match numbers.iter().position(|value: &f64| !value.is_finite()) {
        Some(k) => refuse(what, format!("number {k} is not finite")),
        None => Ok(numbers),
    }
}

/// LEB128 of the zigzag code.
fn decode_varints(bytes: &[u8], count: usize, what: &str) -> Result<Vec<f64>, PlanError> {
    let mut rest = bytes.iter();
    let mut numbers = Vec::with_capacity(count);
    for k in 0..count {
        let mut code = 0u64;
        for digit in 0.. {
            let Some(&byte) = rest.next().filter(|_| digit <= 7) else {
                return refuse(what, format!("number {k} does not end"));
            };
            code |= u64::from(byte & 127) << (7 * digit);
            if byte < 128 {
                break;
            }
        }
        // Encoded integers stay below 2^52: exact as doubles.
        let half = (code >> 1) as f64;
        numbers.push(if code & 1 == 0 { half } else { -half - 1.0 });
    }
    match rest.len() {
        0 => Ok(numbers),
        left => refuse(
            what,
            format!("{left} bytes are left behind the last number"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_typescript_writes() {
        // encodeNumbers(Float64Array.of(0, -1, 1, -64, 64, 300))
        let varints = [0, 1, 2, 127, 128, 1, 216, 4];
        assert_eq!(
            decode_numbers(Encoding::Varint, &varints, 6, "x"),
            Ok(vec![0.0, -1.0, 1.0, -64.0, 64.0, 300.0])
        );
        assert_eq!(
            decode_numbers(Encoding::Float32, &1.5f32.to_le_bytes(), 1, "x"),
            Ok(vec![1.5])
        );
        assert_eq!(
            decode_numbers(Encoding::Float64, &(-0.1f64).to_le_bytes(), 1, "x"),
            Ok(vec![-0.1])
        );
    }

    #[test]
    fn refuses_what_does_not_hold_the_numbers() {
        let cases: [(Encoding, &[u8], usize); 5] = [
            (Encoding::Float32, &[0; 7], 2),
            (Encoding::Float64, &[0; 8], 2),
            (Encoding::Varint, &[128], 1),
            (Encoding::Varint, &[0, 0], 1),
            (Encoding::Varint, &[255; 9], 1),
        ];
        for (encoding, bytes, count) in cases {
            assert!(decode_numbers(encoding, bytes, count, "x").is_err());
        }
        let nan = f32::NAN.to_le_bytes();
        assert!(decode_numbers(Encoding::Float32, &nan, 1, "x").is_err());
    }
}
