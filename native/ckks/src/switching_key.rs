//! Keys that bring a product with another secret back to the client's own.
use crate::context::Context;
use crate::error::CkksError;
use ring::{Buffer, RnsPolynomial};

/// A switching key: with k special primes a digit for every k data primes.
///
/// Digit j encrypts P·s′ modulo its own primes and zero modulo the others. Its two polynomials have
/// residues for q_0 … q_(n−1) and, last, for the special primes, transformed. A key trimmed to n
/// primes has ⌈n/k⌉ digits and serves every value of at most n primes.
///
/// The key of an automorphism is held turned back by it: digits are then multiplied as they are, and
/// only the two polynomials of the result are turned. Digits of one value serve many rotations.
///
/// Residues lie prime after prime in the order in which products read them.
#[derive(Debug)]
pub struct SwitchingKey {
    words: Buffer,
    primes: usize,
    residues: usize,
}

impl SwitchingKey {
    /// A key of digits over the same primes, the special ones last.
    ///
    /// Cost: a copy of the key.
    ///
    /// # Panics
    /// Where the digits are not ⌈n/k⌉ pairs of polynomials of n + k residues, for at most the primes
    /// of the context.
    pub fn new(context: &Context, digits: &[[RnsPolynomial; 2]]) -> Self {
        let specials = context.specials().len();
        let residues = digits.first().map_or(0, |[a, _]| a.primes());
        let primes = residues.saturating_sub(specials);
        assert!(
            (1..=context.primes().len()).contains(&primes)
                && digits.len() == primes.div_ceil(specials),
            "digits for some primes"
        );
        assert!(
            digits.iter().flatten().all(|p| p.primes() == residues),
            "the same primes in every digit"
        );
        let block = 2 * context.degree() * digits.len();
        let mut words = context.pool().take(block * residues);
        let blocks = words.chunks_exact_mut(block).enumerate().collect();
        context.workers().each(blocks, |(i, out)| {
            let parts: Vec<_> = digits
                .iter()
                .map(|[a, b]| [a.residue(i), b.residue(i)])
                .collect();
            context.ring(i, primes).pack_key(out, &parts);
        });
        Self {
            words,
            primes,
            residues,
        }
    }

    /// Data primes that the key serves.
    pub const fn primes(&self) -> usize {
        self.primes
    }

    /// Refuse values of more primes than the key has.
    pub(crate) const fn serves(&self, primes: usize) -> Result<(), CkksError> {
        if self.primes < primes {
            return Err(CkksError::KeyTrimmed {
                key: self.primes,
                value: primes,
            });
        }
        Ok(())
    }

    /// Both polynomials of all digits modulo the prime with index i of a value of `primes` data
    /// primes, after which come the special ones.
    pub(crate) fn block(&self, i: usize, primes: usize) -> &[u64] {
        let size = self.words.len() / self.residues;
        let index = if i < primes {
            i
        } else {
            self.primes + i - primes
        };
        &self.words[index * size..(index + 1) * size]
    }
}
