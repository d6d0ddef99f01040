//! Prepared residues: what is computed with them is what the definitions say, under every kernel.
mod support;

use proptest::prelude::*;
use ring::{Automorphism, PADDING, Start, rotation_element};
use support::{LARGE_PRIMES, VECTOR_PRIMES, add, mul, residues, rings, sub};

const DEGREE: usize = 1 << 10;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn sums_and_quotients(
        q in prop::sample::select([&VECTOR_PRIMES[..], &LARGE_PRIMES[..]].concat()),
        seed: u64,
        terms in 1usize..40,
        more in 0usize..3,
        step in 1i32..512,
    ) {
        let draw = |which: u64| residues(seed ^ which << 40, q, DEGREE);
        let many = |which: u64, count: usize| -> Vec<Vec<u64>> {
            (0..count as u64).map(|t| residues(seed ^ which << 40 ^ t << 8, q, DEGREE)).collect()
        };
        let [digits, key0, key1] = [1, 2, 3].map(|which| many(which, terms + more));
        let [first, old, base] = [4, 5, 6].map(draw);
        let c = seed % q;
        let element = rotation_element(step, DEGREE).unwrap();
        for ring in rings(q, DEGREE) {
            let prepared = |a: &[u64]| {
                let mut out = vec![0; DEGREE];
                ring.prepare(&mut out, a);
                out
            };
            let scalar = ring.scalar(c);
            let automorphism = Automorphism::new(element, DEGREE, ring.kernel()).unwrap();
            let turned = |a: &[u64]| {
                let mut out = vec![0; DEGREE];
                automorphism.apply(&mut out, a);
                out
            };
            // Prepared residues are canonical again after a division by one, less nothing.
            let zero = prepared(&vec![0; DEGREE]);
            let one = ring.scalar(1);
            let canonical = |a: &[u64]| {
                let mut out = vec![0; DEGREE];
                ring.divide(&mut out, a, &zero, None, &one);
                out
            };
            let pairs: Vec<_> = key0.iter().zip(&key1).map(|(a, b)| [&a[..], &b[..]]).collect();
            let words = ring.packed_words(2 * DEGREE) * pairs.len();
            let mut key = vec![u64::MAX; words + PADDING];
            ring.pack_key(&mut key[..words], &pairs);
            let left: Vec<_> = digits[..terms].iter().map(|d| prepared(d)).collect();
            let left: Vec<_> = left.iter().map(Vec::as_slice).collect();
            let sum = |keys: &[Vec<u64>], start: &[u64], factor: u64| -> Vec<u64> {
                (0..DEGREE).map(|i| (0..terms).fold(mul(start[i], factor, q), |sum, t| {
                    add(sum, mul(digits[t][i], keys[t][i], q), q)
                })).collect()
            };
            let first_prepared = prepared(&first);
            for (start, factor) in [
                (Start::Zero, 0),
                (Start::Prepared(&first_prepared), 1),
                (Start::Scaled(&first, &scalar), c),
            ] {
                let (mut out0, mut out1) = (prepared(&old), prepared(&old));
                ring.key_product([&mut out0, &mut out1], &left, &key, start, None, false);
                prop_assert_eq!(canonical(&out0), sum(&key0, &first, factor));
                prop_assert_eq!(canonical(&out1), sum(&key1, &first, 0));
                let (mut out0, mut out1) = (prepared(&old), prepared(&old));
                let out = [&mut out0[..], &mut out1];
                ring.key_product(out, &left, &key, start, Some(&automorphism), true);
                let expected = turned(&sum(&key0, &first, factor));
                let expected: Vec<_> = (0..DEGREE).map(|i| add(old[i], expected[i], q)).collect();
                prop_assert_eq!(canonical(&out0), expected);
            }
            let right: Vec<_> = key0[..terms].iter().map(|k| prepared(k)).collect();
            let right: Vec<_> = right.iter().map(Vec::as_slice).collect();
            let words = ring.packed_words(DEGREE) * terms;
            let mut factors = vec![u64::MAX; words + PADDING];
            for (t, digit) in digits[..terms].iter().enumerate() {
                ring.pack_factor(&mut factors[..words], (t, terms), digit);
            }
            let words: Vec<_> = key1[..terms].iter().map(Vec::as_slice).collect();
            for accumulate in [false, true] {
                let [start0, start1] = [u64::from(accumulate); 2];
                let (mut out, mut other) = (prepared(&first), prepared(&old));
                let rows = [&right[..], &right];
                ring.packed_products_prepared([&mut out, &mut other], &factors, rows, accumulate);
                prop_assert_eq!(canonical(&out), sum(&key0, &first, start0));
                prop_assert_eq!(canonical(&other), sum(&key0, &old, start1));
                let (mut out, mut other) = (first.clone(), old.clone());
                let rows = [&words[..], &words];
                ring.packed_products([&mut out, &mut other], &factors, rows, accumulate);
                prop_assert_eq!(out, sum(&key1, &first, start0));
                prop_assert_eq!(other, sum(&key1, &old, start1));
            }
            let mut out = prepared(&sum(&key0, &first, 1));
            ring.add_prepared(&mut out, &first_prepared);
            prop_assert_eq!(canonical(&out), sum(&key0, &first, 2));
            let mut quotient = vec![0; DEGREE];
            ring.divide(&mut quotient, &first_prepared, &prepared(&old), Some(&base), &scalar);
            for i in 0..DEGREE {
                prop_assert_eq!(quotient[i], add(base[i], mul(sub(first[i], old[i], q), c, q), q));
            }
            ring.inverse_prepared(&mut out, c);
            let mut expected = sum(&key0, &first, 2);
            ring.inverse_scaled(&mut expected, c);
            prop_assert_eq!(out, expected);
        }
    }
}
