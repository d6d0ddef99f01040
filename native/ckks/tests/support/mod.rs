//! A client for tests: secrets exist here and nowhere else in this workspace.
//!
//! DISCLAIMER: its randomness is a fixed sequence. It protects nothing.
#![allow(dead_code)]

use ckks::Context;
use ring::{Automorphism, PrimeRing, RnsPolynomial};

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Random(pub u64);

impl Random {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Variance 10.5, as SEAL's: the difference of two sums of 21 bits.
    fn noise(&mut self) -> i64 {
        let bits = self.word();
        i64::from((bits & 0x1f_ffff).count_ones())
            - i64::from((bits >> 32 & 0x1f_ffff).count_ones())
    }
}

/// A ternary secret.
pub struct Client {
    pub secret: Vec<i64>,
    pub random: Random,
}

/// The ring with index i; the special ones after the data primes.
pub fn ring(context: &Context, i: usize, primes: usize) -> &PrimeRing {
    if i < primes {
        &context.primes()[i]
    } else {
        &context.specials()[i - primes]
    }
}

/// A small integer polynomial modulo one prime, transformed.
pub fn transformed(ring: &PrimeRing, coefficients: &[i64]) -> Vec<u64> {
    let mut data: Vec<u64> = coefficients
        .iter()
        .map(|&c| ring.modulus().from_signed(c))
        .collect();
    ring.forward(&mut data);
    data
}

impl Client {
    pub fn new(degree: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let secret = (0..degree)
            .map(|_| (random.word() % 3) as i64 - 1)
            .collect();
        Self { secret, random }
    }

    /// A polynomial of uniform residues.
    pub fn uniform(&mut self, context: &Context, primes: usize) -> RnsPolynomial {
        let mut result = RnsPolynomial::zero(context.pool(), context.degree(), primes);
        for (ring, residue) in context.primes().iter().zip(result.residues_mut()) {
            residue.fill_with(|| self.random.word() % ring.modulus().value());
        }
        result
    }

    /// Digits that switch from `other` (its transform modulo ring i) to the secret, as clients make
    /// them: (P·s′·[i in digit j] − a·s + e, a) modulo each prime and the special ones.
    pub fn switching_digits(
        &mut self,
        context: &Context,
        primes: usize,
        other: impl Fn(&PrimeRing) -> Vec<u64>,
    ) -> Vec<[RnsPolynomial; 2]> {
        let degree = context.degree();
        let specials = context.specials().len();
        let digit = |j: usize, client: &mut Self| {
            let noise: Vec<i64> = (0..degree).map(|_| client.random.noise()).collect();
            let zero = || RnsPolynomial::zero(context.pool(), degree, primes + specials);
            let (mut b, mut a) = (zero(), zero());
            for i in 0..primes + specials {
                let ring = ring(context, i, primes);
                let q = ring.modulus();
                a.residue_mut(i)
                    .fill_with(|| client.random.word() % q.value());
                let out = b.residue_mut(i);
                ring.mul(out, a.residue(i), &transformed(ring, &client.secret));
                let masked = out.to_vec();
                ring.sub(out, &transformed(ring, &noise), &masked);
                if i < primes && i / specials == j {
                    let factors = context.specials().iter().map(|p| p.modulus().value());
                    let special = factors.fold(1, |p, factor| q.mul(p, q.reduce(factor)));
                    let special = ring.scalar(special);
                    ring.mul_scalar_add(out, &other(ring), &special);
                }
            }
            [b, a]
        };
        (0..primes.div_ceil(specials))
            .map(|j| digit(j, self))
            .collect()
    }

    pub fn automorphism_digits(
        &mut self,
        context: &Context,
        primes: usize,
        automorphism: &Automorphism,
    ) -> Vec<[RnsPolynomial; 2]> {
        let secret = self.secret.clone();
        self.switching_digits(context, primes, |ring| {
            let mut turned = vec![0; secret.len()];
            automorphism.apply(&mut turned, &transformed(ring, &secret));
            turned
        })
    }

    pub fn square_digits(&mut self, context: &Context, primes: usize) -> Vec<[RnsPolynomial; 2]> {
        let secret = self.secret.clone();
        self.switching_digits(context, primes, |ring| {
            let mut square = transformed(ring, &secret);
            ring.mul_assign(&mut square, &transformed(ring, &secret));
            square
        })
    }

    /// Σ c_k s^k modulo prime `i`, transformed.
    pub fn phase(&self, context: &Context, polynomials: &[RnsPolynomial], i: usize) -> Vec<u64> {
        let ring = &context.primes()[i];
        let secret = transformed(ring, &self.secret);
        let mut sum = vec![0; context.degree()];
        for polynomial in polynomials.iter().rev() {
            ring.mul_assign(&mut sum, &secret);
            ring.add_assign(&mut sum, polynomial.residue(i));
        }
        sum
    }
}

/// The coefficients of got − expected (both transformed modulo the first prime).
pub fn error(context: &Context, got: &[u64], expected: &[u64]) -> Vec<f64> {
    let ring = &context.primes()[0];
    let mut difference = vec![0; got.len()];
    ring.sub(&mut difference, got, expected);
    ring.inverse(&mut difference);
    difference
        .iter()
        .map(|&x| ring.modulus().centred(x) as f64)
        .collect()
}
