//! The parameters that blobs belong to, and the names SEAL gives them.

use blake2b_simd::Params;
use sha2::{Digest, Sha256};

/// SEAL's name of a set of parameters at a level.
pub type ParmsId = [u8; 32];

/// `scheme_type::ckks`
const CKKS: u64 = 2;

/// Ring degree, data primes q_0 … q_L, and the primes that only switching keys have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// N.
    pub ring_degree: usize,
    /// q_0 … q_L; a value of n primes has residues modulo the first n.
    pub primes: Vec<u64>,
    /// p_0 … p_(k−1), whose product is P.
    pub special_primes: Vec<u64>,
}

impl Parameters {
    /// Moduli of a value with `primes` data primes.
    pub fn data_moduli(&self, primes: usize) -> &[u64] {
        &self.primes[..primes]
    }

    /// Moduli of a switching key for values of up to `primes` data primes.
    pub fn key_moduli(&self, primes: usize) -> Vec<u64> {
        [&self.primes[..primes], &self.special_primes].concat()
    }

    /// Digits of a switching key for values of up to `primes` data primes: one for every k of them.
    pub fn key_digits(&self, primes: usize) -> usize {
        primes.div_ceil(self.special_primes.len())
    }

    /// SEAL's name of values with these moduli.
    ///
    /// Source: SEAL v4.1.2 `encryptionparams.cpp` `compute_parms_id`: Blake2b of scheme, degree,
    /// moduli and the plain modulus 0.
    pub fn parms_id(&self, moduli: &[u64]) -> ParmsId {
        let mut hash = Params::new().hash_length(32).to_state();
        let degree = self.ring_degree as u64;
        for word in [CKKS, degree].iter().chain(moduli).chain(&[0]) {
            hash.update(&word.to_le_bytes());
        }
        let mut id = [0; 32];
        id.copy_from_slice(hash.finalize().as_bytes());
        id
    }

    /// Names the parameters in key bundles: SHA-256 of ring degree and all primes.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let counts = [self.ring_degree as u64, self.primes.len() as u64];
        for word in counts
            .iter()
            .chain(&self.primes)
            .chain(&self.special_primes)
        {
            hash.update(word.to_le_bytes());
        }
        hash.finalize().into()
    }
}
