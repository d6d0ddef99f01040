//! The rings of one parameter set, and the constants between them.
use crate::error::CkksError;
use crate::workers::Workers;
use ring::{Kernel, Modulus, Pool, PrimeRing, RnsPolynomial, Scalar};

/// Data primes q_0 … q_L, the special prime P of switching keys, and a pool of buffers.
///
/// A value with n primes has residues modulo q_0 … q_(n−1).
#[derive(Debug)]
pub struct Context {
    degree: usize,
    kernel: Kernel,
    primes: Vec<PrimeRing>,
    special: PrimeRing,
    /// q_l^(−1) mod q_i for i < l.
    prime_inverses: Vec<Vec<Scalar>>,
    /// P^(−1) mod q_i.
    special_inverses: Vec<Scalar>,
    /// P mod q_i.
    special_residues: Vec<Scalar>,
    pool: Pool,
    workers: Workers,
}

impl Context {
    /// Rings of degree N for the data primes and the special prime.
    ///
    /// Cost: the tables of every prime, see [`PrimeRing::new`].
    ///
    /// # Errors
    /// [`CkksError::Ring`] where a modulus is no prime ≡ 1 mod 2N;
    /// [`CkksError::LevelsExhausted`] where there is no data prime.
    pub fn new(
        degree: usize,
        primes: &[u64],
        special: u64,
        kernel: Kernel,
    ) -> Result<Self, CkksError> {
        let ring = |&q: &u64| -> Result<PrimeRing, CkksError> {
            Ok(PrimeRing::new(Modulus::new(q)?, degree, kernel)?)
        };
        let rings = primes.iter().map(ring).collect::<Result<Vec<_>, _>>()?;
        if rings.is_empty() {
            return Err(CkksError::LevelsExhausted);
        }
        let inverse = |ring: &PrimeRing, q: u64| {
            let modulus = ring.modulus();
            ring.scalar(modulus.inverse(modulus.reduce(q)))
        };
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
            special_residues: rings.iter().map(|ring| ring.scalar(special)).collect(),
            special_inverses: rings.iter().map(|ring| inverse(ring, special)).collect(),
            special: ring(&special)?,
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

    /// The ring of the special prime.
    pub const fn special(&self) -> &PrimeRing {
        &self.special
    }

    /// Where buffers come from.
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Who does the work.
    pub const fn workers(&self) -> &Workers {
        &self.workers
    }

    /// The ring with index i of a value: the special one after the data primes.
    pub fn ring(&self, i: usize, primes: usize) -> &PrimeRing {
        if i < primes {
            &self.primes[i]
        } else {
            &self.special
        }
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
