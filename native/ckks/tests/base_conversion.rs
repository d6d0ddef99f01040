//! Base conversion against integers of 128 bits.
use ckks::base_conversion::BaseConversion;
use proptest::prelude::*;
use ring::{Kernel, Modulus, PrimeRing};

const DEGREE: usize = 2048;
/// 1 mod 2^18, 40 to 49 bits, one of 55: as digits, any two make at most 104 bits.
const PRIMES: [u64; 5] = [
    35_184_365_273_089,
    562_949_950_537_729,
    1_099_510_054_913,
    562_949_948_440_577,
    36_028_797_005_856_769,
];

fn rings(kernel: Kernel) -> Vec<PrimeRing> {
    let ring = |&q: &u64| PrimeRing::new(Modulus::new(q).expect("odd"), DEGREE, kernel);
    PRIMES.iter().map(|q| ring(q).expect("a prime")).collect()
}

/// x modulo q, of either sign.
fn residue(x: i128, q: u64) -> u64 {
    x.rem_euclid(i128::from(q)) as u64
}

/// Integers of −D/2 … D/2, with those at the ends and around zero among them.
fn values(product: i128, seeds: &[u128]) -> Vec<i128> {
    let half = (product - 1) / 2;
    let mut values = vec![0, 1, -1, half / 2, -half / 2];
    // As near to the ends as double precision tells apart.
    values.extend([1, 2, 3].map(|k| half - (half >> 40) * k));
    values.extend([1, 2, 3].map(|k| (half >> 40) * k - half));
    values.extend(
        seeds
            .iter()
            .map(|&seed| (seed % product as u128) as i128 - half),
    );
    values.resize(DEGREE, 7);
    values
}

fn check(kernel: Kernel, from: &[usize], seeds: &[u128]) {
    let rings = rings(kernel);
    let sources: Vec<&PrimeRing> = from.iter().map(|&g| &rings[g]).collect();
    let conversion = BaseConversion::new(&sources, rings.iter());
    let product = from.iter().map(|&g| i128::from(PRIMES[g])).product();
    let values = values(product, seeds);
    let mut rows: Vec<Vec<u64>> = from
        .iter()
        .enumerate()
        .map(|(g, &source)| {
            let modulus = rings[source].modulus();
            values
                .iter()
                .map(|&x| modulus.mul(residue(x, PRIMES[source]), conversion.factor(g)))
                .collect()
        })
        .collect();
    convert(&conversion, &rings, &mut rows, &values);
}

/// Fold the rows and compare their transforms with those of the values.
fn convert(
    conversion: &BaseConversion,
    rings: &[PrimeRing],
    rows: &mut [Vec<u64>],
    values: &[i128],
) {
    let mut folded: Vec<&mut [u64]> = rows.iter_mut().map(Vec::as_mut_slice).collect();
    conversion.fold(&mut folded);
    let rows: Vec<&[u64]> = rows.iter().map(Vec::as_slice).collect();
    for (target, ring) in rings.iter().enumerate() {
        let [mut made, mut out] = [(); 2].map(|()| vec![0; DEGREE]);
        conversion.forward((target, ring), &mut made, &rows);
        // Zero less what was made, times −1.
        let mut zero = vec![0; DEGREE];
        ring.prepare(&mut zero, &out);
        let minus = ring.scalar(ring.modulus().value() - 1);
        ring.divide(&mut out, &zero, &made, None, &minus);
        ring.inverse(&mut out);
        let expected: Vec<u64> = values.iter().map(|&x| residue(x, PRIMES[target])).collect();
        assert!(out == expected, "to {target} by {:?}", ring.kernel());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn conversion_is_exact(
        from in proptest::sample::subsequence(vec![0usize, 1, 2, 3, 4], 1..=2),
        seeds in proptest::collection::vec(any::<u128>(), 64),
    ) {
        for kernel in Kernel::all() {
            check(kernel, &from, &seeds);
        }
    }
}

#[test]
fn three_primes_convert_numbers_of_128_bits() {
    let small: Vec<u128> = (0..200).map(|n| (1u128 << 126) / 201 * n).collect();
    let rings = rings(Kernel::detect());
    let from = [0, 1, 2];
    let sources: Vec<&PrimeRing> = from.iter().map(|&g| &rings[g]).collect();
    let conversion = BaseConversion::new(&sources, rings.iter());
    // 134 bits: the values are all of its range that 127 bits hold.
    let values: Vec<i128> = (0..DEGREE)
        .map(|n| small[n % small.len()] as i128 * if n % 2 == 0 { 1 } else { -1 })
        .collect();
    let mut rows = from.map(|g| {
        let modulus = rings[g].modulus();
        let rows = values
            .iter()
            .map(|&x| modulus.mul(residue(x, PRIMES[g]), conversion.factor(g)));
        rows.collect::<Vec<u64>>()
    });
    convert(&conversion, &rings, &mut rows, &values);
}
