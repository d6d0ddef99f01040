//! Scales are exact rationals in a plan; evaluators stamp the nearest double.

use num_bigint::BigUint;

use crate::error::{PlanError, refuse};

const MAX_DIGITS: usize = 2000;

fn digits(text: &str) -> Option<BigUint> {
    let plain = (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| BigUint::parse_bytes(text.as_bytes(), 10))?
}

/// Read `n` or `n/d` as the nearest double, ties to even.
pub fn scale_from_text(text: &str, what: &str) -> Result<f64, PlanError> {
    let (n, d) = text.split_once('/').unwrap_or((text, "1"));
    let zero = BigUint::ZERO;
    match (digits(n), digits(d)) {
        (Some(n), Some(d)) if n != zero && d != zero => {
            let value = nearest_double(&n, &d);
            if value.is_normal() {
                Ok(value)
            } else {
                refuse(what, "has a scale beyond the range of doubles")
            }
        }
        _ => refuse(what, "has a scale that is not a positive rational"),
    }
}

/// ASSUME: both are positive. Infinite or subnormal where a double has less than 53 bits for it.
fn nearest_double(numerator: &BigUint, denominator: &BigUint) -> f64 {
    // A quotient of 66 or 67 bits and a sticky bit: rounding it once is rounding the rational.
    let shift = 66 - (numerator.bits() as i64 - denominator.bits() as i64);
    let (n, d) = if shift >= 0 {
        (numerator << shift as u64, denominator.clone())
    } else {
        (numerator.clone(), denominator << shift.unsigned_abs())
    };
    let quotient = &n / &d;
    let sticky = u128::from(&quotient * &d != n);
    let bits = u128::try_from(&quotient).unwrap_or(u128::MAX) << 1 | sticky;
    // In two steps, so that neither factor leaves the range of a double.
    let exponent = i32::try_from(-shift - 1).unwrap_or(i32::MIN / 2);
    (bits as f64) * 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rounds_to_nearest_even() {
        let read = |text: &str| scale_from_text(text, "x");
        assert_eq!(read("9007199254740993"), Ok(9_007_199_254_740_992.0));
        assert_eq!(read("9007199254740995"), Ok(9_007_199_254_740_996.0));
        assert_eq!(read("18014398509481985/2"), Ok(9_007_199_254_740_992.0));
        assert_eq!(read("1/3"), Ok(1.0 / 3.0));
        for bad in ["", "0", "1/0", "-1", "1/", "1/2/3", "1e3", "0x10"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read(&"9".repeat(400)).is_err(), "beyond doubles");
        assert!(read(&format!("1/{}", "9".repeat(400))).is_err());
    }

    proptest! {
        #[test]
        fn quotients_of_exact_doubles_round_as_division_does(n in 1u64..1 << 53, d in 1u64..1 << 53) {
            let text = format!("{n}/{d}");
            prop_assert_eq!(scale_from_text(&text, "x"), Ok(n as f64 / d as f64));
        }
    }
}
