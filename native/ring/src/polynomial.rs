//! Polynomials as residues modulo several primes.
use crate::pool::{Buffer, Pool};

/// A polynomial of N coefficients, or its transform, modulo each of several primes: residue after
/// residue, N words each, in one aligned buffer.
#[derive(Debug)]
pub struct RnsPolynomial {
    words: Buffer,
    degree: usize,
}

impl RnsPolynomial {
    /// A polynomial of unspecified content.
    pub fn uninitialised(pool: &Pool, degree: usize, primes: usize) -> Self {
        Self {
            words: pool.take(degree * primes),
            degree,
        }
    }

    /// The zero polynomial.
    pub fn zero(pool: &Pool, degree: usize, primes: usize) -> Self {
        Self {
            words: pool.take_zeroed(degree * primes),
            degree,
        }
    }

    /// The ring degree N.
    pub const fn degree(&self) -> usize {
        self.degree
    }

    /// Number of residues.
    pub fn primes(&self) -> usize {
        self.words.len() / self.degree
    }

    /// All words, residue after residue.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// All words, residue after residue.
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// The residue of prime `index`.
    ///
    /// # Panics
    /// Where there is no such prime.
    pub fn residue(&self, index: usize) -> &[u64] {
        &self.words[index * self.degree..(index + 1) * self.degree]
    }

    /// The residue of prime `index`.
    ///
    /// # Panics
    /// Where there is no such prime.
    pub fn residue_mut(&mut self, index: usize) -> &mut [u64] {
        &mut self.words[index * self.degree..(index + 1) * self.degree]
    }

    /// The residues in order.
    pub fn residues(&self) -> impl ExactSizeIterator<Item = &[u64]> {
        self.words.chunks_exact(self.degree)
    }

    /// The residues in order.
    pub fn residues_mut(&mut self) -> impl ExactSizeIterator<Item = &mut [u64]> {
        self.words.chunks_exact_mut(self.degree)
    }

    /// A copy of the first residues: the same polynomial at a lower level.
    ///
    /// # Panics
    /// Where there are fewer.
    #[must_use]
    pub fn first(&self, pool: &Pool, primes: usize) -> Self {
        let mut copy = Self::uninitialised(pool, self.degree, primes);
        copy.words
            .copy_from_slice(&self.words[..primes * self.degree]);
        copy
    }
}
