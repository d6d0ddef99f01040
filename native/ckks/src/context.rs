//! The rings of one parameter set, and the constants between them.
use crate::base_conversion::BaseConversion;
use crate::error::CkksError;
use crate::workers::Workers;
use ring::{Kernel, Modulus, Pool, PrimeRing, RnsPolynomial, Scalar};

/// Data primes q_0 … q_L, the special primes of switching keys, P their product, and a pool of
/// buffers.
///
/// A value with n primes has residues modulo q_0 … q_(n−1).
#[derive(Debug)]
pub struct Context {
    degree: usize,
    kernel: Kernel,
    primes: Vec<PrimeRing>,
    specials: Vec<PrimeRing>,
    /// q_l^(−1) mod q_i for i < l.
    prime_inverses: Vec<Vec<Scalar>>,
    /// P^(−1) mod q_i.
    special_inverses: Vec<Scalar>,
    /// P mod q_i.
    special_residues: Vec<Scalar>,
    /// For each digit, by its number of primes less one: to every prime, then every special one.
    digit_conversions: Vec<Vec<BaseConversion>>,
    /// From the special primes to the data primes.
    special_conversion: BaseConversion,
    pool: Pool,
    workers: Workers,
}

impl Context {
    /// Rings of degree N for the data primes and one special prime.
    ///
    /// Cost: the tables of every prime, see [`PrimeRing::new`].
    ///
    /// # Errors
    /// As [`Context::with_special_primes`].
    pub fn new(
        degree: usize,
        primes: &[u64],
        special: u64,
        kernel: Kernel,
    ) -> Result<Self, CkksError> {
        Self::with_special_primes(degree, primes, &[special], kernel)
    }

    /// Rings of degree N for the data primes and the special primes: with k of them a digit has k
    /// data primes.
    ///
    /// Cost: the tables of every prime, see [`PrimeRing::new`].
    ///
    /// # Errors
    /// [`CkksError::Ring`] where a modulus is no prime ≡ 1 mod 2N;
    /// [`CkksError::LevelsExhausted`] where there is no data prime, or no special one.
    pub fn with_special_primes(
        degree: usize,
        primes: &[u64],
        specials: &[u64],
        kernel: Kernel,
    ) -> Result<Self, CkksError> {
        let ring = |&q: &u64| -> Result<PrimeRing, CkksError> {
            Ok(PrimeRing::new(Modulus::new(q)?, degree, kernel)?)
        };
        let rings = primes.iter().map(ring).collect::<Result<Vec<_>, _>>()?;
        let special_rings = specials.iter().map(ring).collect::<Result<Vec<_>, _>>()?;
        if rings.is_empty() || special_rings.is_empty() {
            return Err(CkksError::LevelsExhausted);
        }
        let inverse = |ring: &PrimeRing, q: u64| {
            let modulus = ring.modulus();
            ring.scalar(modulus.inverse(modulus.reduce(q)))
        };
        // P modulo a data prime.
        let product = |ring: &PrimeRing| {
            let modulus = ring.modulus();
            let factors = specials.iter().map(|&p| modulus.reduce(p));
            factors.fold(1, |product, p| modulus.mul(product, p))
        };
        let digit_conversions = rings.chunks(specials.len()).map(|digit| {
            (1..=digit.len())
                .map(|size| {
                    let from: Vec<&PrimeRing> = digit[..size].iter().collect();
                    BaseConversion::new(&from, rings.iter().chain(&special_rings))
                })
                .collect()
        });
        let from: Vec<&PrimeRing> = special_rings.iter().collect();
        Ok(Self {
            degree,
            kernel,
            prime_inverses: (0..primes.len())
                .map(|l| {
                    rings[..l]
                        .iter()
                        .map(|ring| inverse(ring, primes[l]))
                        .collect()
                })
                .collect(),
            special_residues: rings
                .iter()
                .map(|ring| ring.scalar(product(ring)))
                .collect(),
            special_inverses: rings
                .iter()
                .map(|ring| inverse(ring, product(ring)))
                .collect(),
            digit_conversions: digit_conversions.collect(),
            special_conversion: BaseConversion::new(&from, rings.iter()),
            specials: special_rings,
            primes: rings,
            pool: Pool::new(),
            workers: Workers::default(),
        })
    }

    /// The same with other workers than the caller's thread alone.
    #[must_use]
    pub fn with_workers(mut self, workers: Workers) -> Self {
        self.workers = workers;
        self
    }

    /// The ring degree N.
    pub const fn degree(&self) -> usize {
        self.degree
    }

    /// The kernel that was asked for; rings of large primes use the scalar one.
    pub const fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// The rings of the data primes.
    pub fn primes(&self) -> &[PrimeRing] {
        &self.primes
    }

    /// The rings of the special primes.
    pub fn specials(&self) -> &[PrimeRing] {
        &self.specials
    }

    /// Where buffers come from.
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Who does the work.
    pub const fn workers(&self) -> &Workers {
        &self.workers
    }

    /// The ring with index i of a value modulo Q·P: the special ones after its data primes.
    pub fn ring(&self, i: usize, primes: usize) -> &PrimeRing {
        if i < primes {
            &self.primes[i]
        } else {
            &self.specials[i - primes]
        }
    }

    /// The conversion of a digit of so many primes.
    pub(crate) fn digit_conversion(&self, digit: usize, size: usize) -> &BaseConversion {
        &self.digit_conversions[digit][size - 1]
    }

    /// The place of the ring with index i of a value among all rings: where conversions have it.
    pub(crate) fn place(&self, i: usize, primes: usize) -> usize {
        if i < primes {
            i
        } else {
            self.primes.len() + i - primes
        }
    }

    /// The conversion of what is modulo P to the data primes.
    pub(crate) const fn special_conversion(&self) -> &BaseConversion {
        &self.special_conversion
    }

    /// A polynomial of unspecified content.
    pub(crate) fn polynomial(&self, primes: usize) -> RnsPolynomial {
        RnsPolynomial::uninitialised(&self.pool, self.degree, primes)
    }

    /// q_l^(−1) mod q_i for i < l.
    pub(crate) fn prime_inverses(&self, l: usize) -> &[Scalar] {
        &self.prime_inverses[l]
    }

    /// P mod q_i.
    pub(crate) fn special_residues(&self) -> &[Scalar] {
        &self.special_residues
    }

    /// P^(−1) mod q_i.
    pub(crate) fn special_inverses(&self) -> &[Scalar] {
        &self.special_inverses
    }
}
