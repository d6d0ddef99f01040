//! Words of other primes, each times a constant, to one prime: what base conversion is made of.
use crate::prime_ring::Scalar;

/// One summand: words below a period, those above its half taken as negative, times a constant of
/// the target's ring.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Words below the period.
    pub words: &'a [u64],
    /// A prime, for its centred residues, or another number.
    pub period: u64,
    /// Made by [`crate::PrimeRing::scalar`] of the target.
    pub factor: &'a Scalar,
}

impl Part<'_> {
    /// Word n as the integer that it stands for.
    pub(crate) fn integer(&self, n: usize) -> i64 {
        let word = self.words[n];
        if word > self.period >> 1 {
            word.wrapping_sub(self.period) as i64
        } else {
            word as i64
        }
    }
}
