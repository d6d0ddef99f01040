//! Exact conversion of centred residues modulo a product of primes to other primes.
//!
//! x in −D/2 … D/2 is given modulo each d_g of D = Π d_g. With y_g = x·(D/d_g)^(−1) mod d_g, centred,
//! x = Σ y_g·D/d_g − u·D where u is the integer nearest to Σ y_g/d_g. Without the last term (as in
//! approximate conversion) a digit would be up to k times as large, and so would its error. The sum
//! is taken in double precision: it names another integer only where x is within 2^-48·D of ±D/2, and
//! then x ± D is as small and as right.
//!
//! Source: S. Halevi, Y. Polyakov, V. Shoup, "An Improved RNS Variant of the BFV Homomorphic
//! Encryption Scheme", 2019, section 2.
use ring::{Modulus, Part, PrimeRing, Scalar};

/// The constants of a conversion from some primes to others.
#[derive(Debug)]
pub struct BaseConversion {
    moduli: Vec<Modulus>,
    /// (D/d_g)^(−1) mod d_g.
    factors: Vec<u64>,
    /// For each target D/d_g modulo it, then −D.
    products: Vec<Vec<Scalar>>,
}

impl BaseConversion {
    /// Constants for residues modulo `from`, in the targets' order.
    pub fn new<'a>(from: &[&PrimeRing], targets: impl Iterator<Item = &'a PrimeRing>) -> Self {
        let moduli: Vec<Modulus> = from.iter().map(|ring| *ring.modulus()).collect();
        // Π d_h over h ≠ skipped, modulo a prime.
        let product = |modulus: &Modulus, skipped: Option<usize>| {
            let factors = moduli.iter().enumerate();
            factors
                .filter(|&(h, _)| Some(h) != skipped)
                .fold(1, |product, (_, d)| {
                    modulus.mul(product, modulus.reduce(d.value()))
                })
        };
        let factors = moduli.iter().enumerate();
        Self {
            factors: factors
                .map(|(g, modulus)| modulus.inverse(product(modulus, Some(g))))
                .collect(),
            products: targets
                .map(|ring| {
                    let modulus = ring.modulus();
                    (0..moduli.len())
                        .map(|g| ring.scalar(product(modulus, Some(g))))
                        .chain([ring.scalar(modulus.negate(product(modulus, None)))])
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

    /// The multiples u of D, as residues modulo the first prime, from the multiplied residues y_g.
    ///
    /// # Panics
    /// Where there are not as many rows as primes.
    pub fn quotients(&self, out: &mut [u64], rows: &[&[u64]]) {
        assert_eq!(rows.len(), self.moduli.len(), "a row for each prime");
        let inverses: Vec<f64> = self.moduli.iter().map(|d| 1.0 / d.value() as f64).collect();
        for (n, out) in out.iter_mut().enumerate() {
            let mut sum = 0.0;
            for ((row, modulus), inverse) in rows.iter().zip(&self.moduli).zip(&inverses) {
                sum += modulus.centred(row[n]) as f64 * inverse;
            }
            *out = self.moduli[0].from_signed(sum.round() as i64);
        }
    }

    /// The coefficients modulo a target.
    ///
    /// # Panics
    /// As [`BaseConversion::quotients`]; where the ring is not the target with this index.
    pub fn convert(
        &self,
        (target, ring): (usize, &PrimeRing),
        out: &mut [u64],
        rows: &[&[u64]],
        quotients: &[u64],
    ) {
        assert_eq!(rows.len(), self.moduli.len(), "a row for each prime");
        let words = rows.iter().copied().chain([quotients]);
        let moduli = self.moduli.iter().chain(&self.moduli[..1]);
        let factors = &self.products[target];
        let parts: Vec<Part<'_>> = words
            .zip(moduli)
            .zip(factors)
            .map(|((words, modulus), factor)| Part {
                words,
                modulus,
                factor,
            })
            .collect();
        ring.convert(out, &parts);
    }
}
