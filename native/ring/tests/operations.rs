//! Operations on residues under every kernel, against wide integers.
mod support;

use proptest::prelude::*;
use ring::{Automorphism, PrimeRing, conjugation_element, rotation_element};
use support::{LARGE_PRIMES, VECTOR_PRIMES, add, mul, residues, rings, sub};

const DEGREE: usize = 1 << 10;

fn primes() -> impl Strategy<Value = u64> {
    let all: Vec<u64> = VECTOR_PRIMES.into_iter().chain(LARGE_PRIMES).collect();
    prop::sample::select(all)
}

/// Compare a result with a function of the index.
fn check(ring: &PrimeRing, what: &str, got: &[u64], expected: impl Fn(usize) -> u64) {
    let q = ring.modulus().value();
    for (i, &got) in got.iter().enumerate() {
        assert_eq!(got, expected(i), "{what} {:?} q={q} i={i}", ring.kernel());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn one_and_two_operands(q in primes(), seed: u64, c: u64) {
        let [a, b, old] = [1, 2, 3].map(|i| residues(seed ^ i, q, DEGREE));
        let c = c % q;
        for ring in rings(q, DEGREE) {
            let scalar = ring.scalar(c);
            prop_assert_eq!(scalar.value(), c);
            let mut out = vec![0; DEGREE];
            ring.add(&mut out, &a, &b);
            check(&ring, "add", &out, |i| add(a[i], b[i], q));
            ring.sub(&mut out, &a, &b);
            check(&ring, "sub", &out, |i| sub(a[i], b[i], q));
            ring.negate(&mut out, &a);
            check(&ring, "negate", &out, |i| (q - a[i]) % q);
            ring.mul(&mut out, &a, &b);
            check(&ring, "mul", &out, |i| mul(a[i], b[i], q));
            ring.mul_scalar(&mut out, &a, &scalar);
            check(&ring, "mul_scalar", &out, |i| mul(a[i], c, q));
            out.copy_from_slice(&old);
            ring.mul_scalar_add(&mut out, &a, &scalar);
            check(&ring, "mul_scalar_add", &out, |i| add(old[i], mul(a[i], c, q), q));
            ring.sub_scale(&mut out, &a, &b, &scalar);
            check(&ring, "sub_scale", &out, |i| mul(sub(a[i], b[i], q), c, q));
            out.copy_from_slice(&old);
            ring.sub_scale_add(&mut out, &a, &b, &scalar);
            check(&ring, "sub_scale_add", &out, |i| add(old[i], mul(sub(a[i], b[i], q), c, q), q));

            out.copy_from_slice(&a);
            ring.add_assign(&mut out, &b);
            check(&ring, "add_assign", &out, |i| add(a[i], b[i], q));
            ring.sub_assign(&mut out, &b);
            check(&ring, "sub_assign", &out, |i| a[i]);
            ring.mul_assign(&mut out, &b);
            check(&ring, "mul_assign", &out, |i| mul(a[i], b[i], q));
            out.copy_from_slice(&a);
            ring.add_scalar_assign(&mut out, c);
            check(&ring, "add_scalar_assign", &out, |i| add(a[i], c, q));
        }
    }

    #[test]
    fn tensor(q in primes(), seed: u64) {
        let [a0, a1, b0, b1] = [1, 2, 3, 4].map(|i| residues(seed ^ i, q, DEGREE));
        for ring in rings(q, DEGREE) {
            let mut out = [0, 1, 2].map(|_| vec![0; DEGREE]);
            let [out0, out1, out2] = &mut out;
            ring.tensor([out0, out1, out2], [&a0, &a1], [&b0, &b1]);
            check(&ring, "out0", &out[0], |i| mul(a0[i], b0[i], q));
            check(&ring, "out1", &out[1], |i| add(mul(a0[i], b1[i], q), mul(a1[i], b0[i], q), q));
            check(&ring, "out2", &out[2], |i| mul(a1[i], b1[i], q));
        }
    }

    #[test]
    fn inner_products(q in primes(), seed: u64, terms in 0usize..70, accumulate: bool) {
        let polynomials = |which: u64| -> Vec<Vec<u64>> {
            (0..terms as u64).map(|t| residues(seed ^ which ^ t << 8, q, DEGREE)).collect()
        };
        let [left, right0, right1] = [1, 2, 3].map(polynomials);
        let old = residues(seed, q, DEGREE);
        let start = |i: usize| if accumulate { old[i] } else { 0 };
        let expected = |right: &[Vec<u64>], i: usize| {
            (0..terms).fold(start(i), |sum, t| add(sum, mul(left[t][i], right[t][i], q), q))
        };
        let [left_refs, refs0, refs1] =
            [&left, &right0, &right1].map(|all| all.iter().map(Vec::as_slice).collect::<Vec<_>>());
        for ring in rings(q, DEGREE) {
            let (mut out0, mut out1) = (old.clone(), old.clone());
            ring.inner_products([&mut out0, &mut out1], &left_refs, [&refs0, &refs1], accumulate);
            check(&ring, "out0", &out0, |i| expected(&right0, i));
            check(&ring, "out1", &out1, |i| expected(&right1, i));
        }
    }

    #[test]
    fn matrix_products(q in primes(), seed: u64, rows in 1usize..20, depth in 0usize..40) {
        let weights = residues(seed, q, rows * depth);
        let inputs: Vec<_> =
            (0..depth as u64).map(|k| residues(seed ^ k << 8, q, DEGREE)).collect();
        let inputs: Vec<_> = inputs.iter().map(Vec::as_slice).collect();
        for ring in rings(q, DEGREE) {
            let mut outputs = vec![vec![1; DEGREE]; rows];
            let mut slices: Vec<_> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
            ring.matrix_product(&mut slices, &weights, &inputs);
            for (row, out) in outputs.iter().enumerate() {
                check(&ring, "matrix", out, |i| {
                    (0..depth).fold(0, |sum, k| {
                        add(sum, mul(weights[row * depth + k], inputs[k][i], q), q)
                    })
                });
            }
        }
    }

    #[test]
    fn matrix_products_with_small_weights(
        q in primes(),
        seed: u64,
        rows in 1usize..20,
        depth in 0usize..40,
        bits in 1u32..32,
    ) {
        // Both signs; the largest of their size among them.
        let bits = bits.min(q.ilog2() - 1);
        let largest = (1 << bits) - 1;
        let weights: Vec<u64> = residues(seed, 2 << bits, rows * depth)
            .into_iter()
            .map(|n| if n <= largest { n } else { q - (n - largest - 1) })
            .map(|n| n % q)
            .chain([largest, q - largest])
            .skip(if depth == 0 { 2 } else { 0 })
            .collect();
        let weights = &weights[weights.len() - rows * depth..];
        let inputs: Vec<_> = (0..depth as u64)
            .map(|k| if k % 3 == 0 { vec![q - 1; DEGREE] } else { residues(seed ^ k << 8, q, DEGREE) })
            .collect();
        let inputs: Vec<_> = inputs.iter().map(Vec::as_slice).collect();
        for ring in rings(q, DEGREE) {
            let mut outputs = vec![vec![1; DEGREE]; rows];
            let mut slices: Vec<_> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
            ring.matrix_product(&mut slices, weights, &inputs);
            for (row, out) in outputs.iter().enumerate() {
                check(&ring, "small weights", out, |i| {
                    (0..depth).fold(0, |sum, k| {
                        add(sum, mul(weights[row * depth + k], inputs[k][i], q), q)
                    })
                });
            }
        }
    }

    #[test]
    fn automorphisms_commute_with_the_transform(
        q in primes(),
        seed: u64,
        log in 10u32..13,
        step: i32,
        conjugate: bool,
    ) {
        let degree = 1usize << log;
        let element = if conjugate {
            conjugation_element(degree)
        } else {
            rotation_element(step % (degree as i32 / 2), degree).unwrap()
        };
        let coefficients = residues(seed, q, degree);
        for ring in rings(q, degree) {
            let automorphism = Automorphism::new(element, degree, ring.kernel()).unwrap();
            let mut expected = vec![0; degree];
            automorphism.apply_coefficients(ring.modulus(), &mut expected, &coefficients);
            // X^i → X^(g·i), X^N = −1.
            let image = (element as usize) % (2 * degree);
            let (at, sign) = (image % degree, image / degree);
            let moved = if sign == 0 { coefficients[1] } else { (q - coefficients[1]) % q };
            prop_assert_eq!(expected[at], moved);
            ring.forward(&mut expected);
            let mut values = coefficients.clone();
            ring.forward(&mut values);
            let mut out = vec![0; degree];
            automorphism.apply(&mut out, &values);
            prop_assert!(out == expected, "{:?} g={}", ring.kernel(), element);
        }
    }
}

#[test]
fn sums_of_the_largest_products() {
    // More terms than any kernel takes before it reduces.
    for q in [
        VECTOR_PRIMES[5],
        VECTOR_PRIMES[3],
        VECTOR_PRIMES[0],
        LARGE_PRIMES[1],
    ] {
        let terms = 4100;
        let largest = vec![q - 1; DEGREE];
        let factors = vec![largest.as_slice(); terms];
        let expected = mul(terms as u64, 1, q);
        for ring in rings(q, DEGREE) {
            let mut out = largest.clone();
            ring.inner_product(&mut out, &factors, &factors, true);
            check(&ring, "inner product", &out, |_| sub(expected, 1, q));
            // The largest that one multiplication of 52 bits takes, of both signs.
            let short = (1u64 << 51u32.saturating_sub(q.ilog2() + 1).min(18)) - 1;
            for weight in [q - 1, q / 2, q / 2 + 1, short, q - short] {
                ring.matrix_product(&mut [&mut out], &vec![weight; terms], &factors);
                let expected = mul(expected, (q - weight) % q, q);
                check(&ring, "matrix product", &out, |_| expected);
            }
        }
    }
}

#[test]
fn steps_and_elements() {
    assert_eq!(rotation_element(0, DEGREE).unwrap(), 1);
    assert_eq!(rotation_element(1, DEGREE).unwrap(), 3);
    let back = rotation_element(-1, DEGREE).unwrap();
    assert_eq!(back * 3 % (2 * DEGREE as u64), 1);
    assert!(rotation_element(512, DEGREE).is_err());
    assert!(rotation_element(i32::MIN, DEGREE).is_err());
    let kernel = ring::Kernel::SCALAR;
    assert!(Automorphism::new(2, DEGREE, kernel).is_err());
    assert!(Automorphism::new(2049, DEGREE, kernel).is_err());
}
