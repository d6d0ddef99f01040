//! Every operation of every kernel once: a quick run for sanitisers.
mod support;

use ring::{Automorphism, Pool, RnsPolynomial, conjugation_element};
use support::{VECTOR_PRIMES, modulus, residues, rings};

const DEGREE: usize = 1 << 10;

#[test]
fn every_operation_of_every_kernel() {
    let q = VECTOR_PRIMES[4];
    let [a, b, c] = [1, 2, 3].map(|seed| residues(seed, q, DEGREE));
    let mut results = Vec::new();
    let pool = Pool::new();
    for ring in rings(q, DEGREE) {
        let mut result = RnsPolynomial::uninitialised(&pool, DEGREE, 12);
        let mut parts: Vec<_> = result.residues_mut().collect();
        let [x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11] = &mut parts[..] else {
            panic!("twelve residues");
        };
        x0.copy_from_slice(&a);
        ring.forward(x0);
        x1.copy_from_slice(&a);
        ring.inverse_scaled(x1, 12345);
        ring.forward_lifted(x2, &a, &modulus(VECTOR_PRIMES[5]));
        ring.tensor([x3, x4, x5], [&a, &b], [&b, &c]);
        let scalar = ring.scalar(q - 2);
        ring.sub_scale(x6, &a, &b, &scalar);
        x7.copy_from_slice(&c);
        ring.sub_scale_add(x7, &a, &b, &scalar);
        let factors = [&a[..], &b, &c, &a, &b, &c, &a, &b, &c, &a];
        let others = [&b[..]; 10];
        ring.inner_products([x8, x9], &factors, [&factors, &others], false);
        ring.matrix_product(&mut [&mut **x10], &residues(9, q, 10), &factors);
        let element = conjugation_element(DEGREE);
        let automorphism = Automorphism::new(element, DEGREE, ring.kernel()).unwrap();
        automorphism.apply(x11, &a);
        ring.add_assign(x11, &b);
        ring.mul_assign(x11, &c);
        ring.add_scalar_assign(x11, 5);
        results.push(result.words().to_vec());
    }
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
}
