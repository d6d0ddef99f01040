//! Transforms under every kernel: against the definition, and bit for bit with each other.
mod support;

use proptest::prelude::*;
use ring::INTEGER_BITS;
use support::{LARGE_PRIMES, VECTOR_PRIMES, lift, modulus, residues, rings, value_at};

fn primes() -> impl Strategy<Value = u64> {
    let all: Vec<u64> = VECTOR_PRIMES.into_iter().chain(LARGE_PRIMES).collect();
    prop::sample::select(all)
}

#[test]
fn every_value_at_the_smallest_degree() {
    for q in VECTOR_PRIMES.into_iter().chain(LARGE_PRIMES) {
        let coefficients = residues(q, q, 1 << 10);
        for ring in rings(q, 1 << 10) {
            let mut data = coefficients.clone();
            ring.forward(&mut data);
            for (i, &value) in data.iter().enumerate() {
                let expected = value_at(&coefficients, i, ring.root(), q);
                assert_eq!(value, expected, "{:?} q={q} i={i}", ring.kernel());
            }
        }
    }
}

#[test]
fn extremes_at_every_degree() {
    for log in 10..=17 {
        let degree = 1 << log;
        for q in VECTOR_PRIMES.into_iter().chain(LARGE_PRIMES) {
            let polynomials = [
                vec![q - 1; degree],
                vec![q / 2; degree],
                (0..degree as u64)
                    .map(|i| if i % 2 == 0 { q - 1 } else { 0 })
                    .collect(),
                residues(7, q, degree),
            ];
            let rings = rings(q, degree);
            for polynomial in polynomials {
                let mut expected = polynomial.clone();
                rings[0].forward(&mut expected);
                for i in [0, 1, 7, degree / 3, degree / 2, degree - 2, degree - 1] {
                    assert_eq!(expected[i], value_at(&polynomial, i, rings[0].root(), q));
                }
                for ring in &rings {
                    let mut data = polynomial.clone();
                    ring.forward(&mut data);
                    assert!(data == expected, "{:?} N={degree} q={q}", ring.kernel());
                    ring.inverse(&mut data);
                    assert!(
                        data == polynomial,
                        "{:?} inverse N={degree} q={q}",
                        ring.kernel()
                    );
                    // As large as values get before the inverse transform.
                    let mut values = polynomial.clone();
                    ring.inverse(&mut values);
                    ring.forward(&mut values);
                    assert!(
                        values == polynomial,
                        "{:?} back N={degree} q={q}",
                        ring.kernel()
                    );
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn inverse_takes_a_factor(q in primes(), log in 10u32..14, seed: u64, factor: u64) {
        let degree = 1usize << log;
        let values = residues(seed, q, degree);
        let factor = factor % q;
        for ring in rings(q, degree) {
            let mut plain = values.clone();
            ring.inverse(&mut plain);
            let mut scaled = values.clone();
            ring.inverse_scaled(&mut scaled, factor);
            for (plain, scaled) in plain.into_iter().zip(scaled) {
                prop_assert_eq!(scaled, support::mul(plain, factor, q));
            }
        }
    }

    #[test]
    fn residues_of_another_prime_are_centred(
        q in primes(),
        p in primes(),
        log in 10u32..15,
        seed: u64,
    ) {
        let degree = 1usize << log;
        let from = residues(seed, p, degree);
        let mut expected: Vec<u64> = from.iter().map(|&x| lift(x, p, q)).collect();
        let rings = rings(q, degree);
        rings[0].forward(&mut expected);
        for ring in &rings {
            let mut to = vec![0; degree];
            ring.forward_lifted(&mut to, &from, &modulus(p));
            prop_assert!(to == expected, "{:?} q={} p={}", ring.kernel(), q, p);
        }
    }

    #[test]
    fn integers_are_transformed_as_their_residues(
        q in primes(),
        log in 10u32..15,
        seed: u64,
        bits in 1u32..INTEGER_BITS,
    ) {
        let degree = 1usize << log;
        let mut integers: Vec<i64> = residues(seed, 1 << (bits + 1), degree)
            .into_iter()
            .map(|x| (x as i64 - (1 << bits)).clamp(1 - (1 << bits), (1 << bits) - 1))
            .collect();
        integers[..2].copy_from_slice(&[(1 << bits) - 1, 1 - (1 << bits)]);
        let words: Vec<u64> = integers
            .iter()
            .map(|&x| x as u64 & ((1 << INTEGER_BITS) - 1))
            .collect();
        let mut expected: Vec<u64> = integers
            .iter()
            .map(|&x| i128::from(x).rem_euclid(i128::from(q)) as u64)
            .collect();
        let rings = rings(q, degree);
        rings[0].forward(&mut expected);
        for ring in &rings {
            let mut to = vec![0; degree];
            ring.forward_integers(&mut to, &words);
            prop_assert!(to == expected, "{:?} q={}", ring.kernel(), q);
        }
    }
}
