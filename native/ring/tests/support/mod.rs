//! Primes, random residues and the definitions that kernels are compared with.
#![allow(dead_code)]
use ring::{Kernel, Modulus, PrimeRing};

/// Primes ≡ 1 mod 2^18, largest below 2^20, 2^29, 2^30, 2^40, 2^45, 2^52/40, 2^49, 2^50, and the smallest
/// above 2^52/40: all kernels.
pub const VECTOR_PRIMES: [u64; 10] = [
    786_433,
    536_608_769,
    1_073_479_681,
    2_146_959_361,
    1_099_510_054_913,
    35_184_365_273_089,
    112_589_990_526_977,
    112_589_991_313_409,
    562_949_950_537_729,
    1_125_899_902_124_033,
];
/// Below 2^60 and 2^61: the scalar kernel.
pub const LARGE_PRIMES: [u64; 2] = [1_152_921_504_606_584_833, 2_305_843_009_211_596_801];

pub fn modulus(q: u64) -> Modulus {
    Modulus::new(q).expect("a prime")
}

/// The ring of a prime under every kernel.
pub fn rings(q: u64, degree: usize) -> Vec<PrimeRing> {
    Kernel::all()
        .into_iter()
        .map(|kernel| PrimeRing::new(modulus(q), degree, kernel).expect("a ring"))
        .collect()
}

/// Residues with the extremes among them. SplitMix64 (Steele, Lea, Flood 2014).
pub fn residues(seed: u64, q: u64, count: usize) -> Vec<u64> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            match z >> 60 {
                0 => 0,
                1 => q - 1,
                2 => q / 2 + (z & 1),
                _ => z % q,
            }
        })
        .collect()
}

pub fn mul(a: u64, b: u64, q: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(q)) as u64
}

pub fn add(a: u64, b: u64, q: u64) -> u64 {
    ((u128::from(a) + u128::from(b)) % u128::from(q)) as u64
}

pub fn sub(a: u64, b: u64, q: u64) -> u64 {
    add(a, q - b, q)
}

pub fn pow(mut base: u64, mut e: u64, q: u64) -> u64 {
    let mut result = 1;
    while e > 0 {
        if e & 1 == 1 {
            result = mul(result, base, q);
        }
        base = mul(base, base, q);
        e >>= 1;
    }
    result
}

/// Value i of the transform by its definition: the polynomial at ψ^(2·rev(i) + 1).
pub fn value_at(coefficients: &[u64], i: usize, root: u64, q: u64) -> u64 {
    let log = coefficients.len().trailing_zeros();
    let reversed = i.reverse_bits() >> (usize::BITS - log);
    let point = pow(root, 2 * reversed as u64 + 1, q);
    coefficients
        .iter()
        .rev()
        .fold(0, |sum, &c| add(mul(sum, point, q), c, q))
}

/// The residue of the centred representative modulo p.
pub fn lift(x: u64, p: u64, q: u64) -> u64 {
    let centred = if x > p / 2 {
        i128::from(x) - i128::from(p)
    } else {
        i128::from(x)
    };
    centred.rem_euclid(i128::from(q)) as u64
}
