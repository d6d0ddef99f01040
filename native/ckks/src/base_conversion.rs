//! Exact conversion of centred residues modulo a product of primes to other primes.
//!
//! x in −D/2 … D/2 is given modulo each d_g of D = Π d_g. With y_g = x·(D/d_g)^(−1) mod d_g, centred,
//! x = Σ y_g·D/d_g − u·D where u is the integer nearest to Σ y_g/d_g. Without the last term (as in
//! approximate conversion) a digit would be up to k times as large, and so would its error. The sum
//! is taken in double precision: it names another integer only where x is within 2^-48·D of ±D/2, and
//! then x ± D is as small and as right.
//!
//! The last term costs nothing at the targets: |u| of the y_g take a multiple ±d_g with them, which
//! leaves |y_g| ≤ 3/2·d_g, and they are held modulo 4·d_g.
//!
//! Source: S. Halevi, Y. Polyakov, V. Shoup, "An Improved RNS Variant of the BFV Homomorphic
//! Encryption Scheme", 2019, section 2.
use ring::{Modulus, Part, PrimeRing, Scalar};

/// Coefficients of which sums are taken at once; they stay in the first cache.
const CHUNK: usize = 1024;
/// 1.5 · 2^52: added to a small number and taken off again, it leaves the nearest integer.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// Numbers are held modulo so many times their prime.
const PERIODS: u64 = 4;

/// The constants of a conversion from some primes to others.
#[derive(Debug)]
pub struct BaseConversion {
    moduli: Vec<Modulus>,
    /// (D/d_g)^(−1) mod d_g.
    factors: Vec<u64>,
    /// For each target D/d_g modulo it.
    products: Vec<Vec<Scalar>>,
}

impl BaseConversion {
    /// Constants for residues modulo `from`, in the targets' order.
    pub fn new<'a>(from: &[&PrimeRing], targets: impl Iterator<Item = &'a PrimeRing>) -> Self {
        let moduli: Vec<Modulus> = from.iter().map(|ring| *ring.modulus()).collect();
        // Π d_h over h ≠ skipped, modulo a prime.
        let product = |modulus: &Modulus, skipped: usize| {
            let factors = moduli.iter().enumerate();
            factors
                .filter(|&(h, _)| h != skipped)
                .fold(1, |product, (_, d)| {
                    modulus.mul(product, modulus.reduce(d.value()))
                })
        };
        let factors = moduli.iter().enumerate();
        Self {
            factors: factors
                .map(|(g, modulus)| modulus.inverse(product(modulus, g)))
                .collect(),
            products: targets
                .map(|ring| {
                    let modulus = ring.modulus();
                    (0..moduli.len())
                        .map(|g| ring.scalar(product(modulus, g)))
                        .collect()
                })
                .collect(),
            moduli,
        }
    }

    /// What residue g is to be multiplied by before it is given to the other functions.
    pub fn factor(&self, g: usize) -> u64 {
        self.factors[g]
    }

    /// Take the multiples of D off the multiplied residues y_g.
    ///
    /// # Panics
    /// Where there are not as many rows as primes, of the same length.
    pub fn fold(&self, rows: &mut [&mut [u64]]) {
        assert_eq!(rows.len(), self.moduli.len(), "a row for each prime");
        let length = rows.first().map_or(0, |row| row.len());
        assert!(
            rows.iter().all(|row| row.len() == length),
            "rows of one length"
        );
        let mut sums = [0.0f64; CHUNK];
        for at in (0..length).step_by(CHUNK) {
            let part = at..length.min(at + CHUNK);
            let sums = &mut sums[..part.len()];
            sums.fill(0.0);
            for (row, modulus) in rows.iter().zip(&self.moduli) {
                let inverse = 1.0 / modulus.value() as f64;
                for (sum, &y) in sums.iter_mut().zip(&row[part.clone()]) {
                    *sum += modulus.centred(y) as f64 * inverse;
                }
            }
            for (g, (row, modulus)) in rows.iter_mut().zip(&self.moduli).enumerate() {
                let (d, g) = (modulus.value() as i64, g as f64);
                for (sum, y) in sums.iter().zip(&mut row[part.clone()]) {
                    let multiple = sum + ROUNDER - ROUNDER;
                    let taken = i64::from(multiple > g) - i64::from(multiple < -g);
                    let number = modulus.centred(*y) - taken * d;
                    let below_zero = (number >> 63) & (PERIODS as i64 * d);
                    *y = (number + below_zero) as u64;
                }
            }
        }
    }

    /// The numbers modulo a target, transformed and prepared, of folded rows.
    ///
    /// # Panics
    /// As [`BaseConversion::fold`]; where the ring is not the target with this index.
    pub fn forward(&self, (target, ring): (usize, &PrimeRing), out: &mut [u64], rows: &[&[u64]]) {
        assert_eq!(rows.len(), self.moduli.len(), "a row for each prime");
        let constants = self.moduli.iter().zip(&self.products[target]);
        let parts: Vec<Part<'_>> = rows
            .iter()
            .zip(constants)
            .map(|(words, (modulus, factor))| Part {
                words,
                period: PERIODS * modulus.value(),
                factor,
            })
            .collect();
        ring.forward_converted_prepared(out, &parts);
    }
}
