//! Keys that bring a product with another secret back to the client's own.
use crate::context::Context;
use crate::error::CkksError;
use ring::{Buffer, RnsPolynomial};

/// A switching key: one digit for each data prime.
///
/// Digit j encrypts P·s′ modulo q_j and zero modulo the other primes. Its two polynomials have
/// residues for q_0 … q_(n−1) and, last, for the special prime, transformed. A key trimmed to n
/// primes has n digits and serves every value of at most n primes.
///
/// The key of an automorphism is held turned back by it: digits are then multiplied as they are, and
/// only the two polynomials of the result are turned. Digits of one value serve many rotations.
///
/// Residues lie prime after prime in the order in which products read them.
#[derive(Debug)]
pub struct SwitchingKey {
    words: Buffer,
    primes: usize,
}

impl SwitchingKey {
    /// A key of digits over the same primes, the special one last.
    ///
    /// Cost: a copy of the key.
    ///
    /// # Panics
    /// Where the digits are not n pairs of polynomials of n + 1 residues, for at most the primes of
    /// the context.
    pub fn new(context: &Context, digits: &[[RnsPolynomial; 2]]) -> Self {
        let primes = digits.len();
        assert!(
            (1..=context.primes().len()).contains(&primes),
            "a digit for each of some primes"
        );
        assert!(
            digits.iter().flatten().all(|p| p.primes() == primes + 1),
            "a residue for each digit and one for the special prime"
        );
        let block = 2 * context.degree() * primes;
        let mut words = context.pool().take(block * (primes + 1));
        let blocks = words.chunks_exact_mut(block).enumerate().collect();
        context.workers().each(blocks, |(i, out)| {
            let parts: Vec<_> = digits
                .iter()
                .map(|[a, b]| [a.residue(i), b.residue(i)])
                .collect();
            context.ring(i, primes).pack_key(out, &parts);
        });
        Self { words, primes }
    }

    /// Data primes that the key serves: its digits.
    pub const fn primes(&self) -> usize {
        self.primes
    }

    /// Refuse values of more primes than the key has digits.
    pub(crate) const fn serves(&self, primes: usize) -> Result<(), CkksError> {
        if self.primes < primes {
            return Err(CkksError::KeyTrimmed {
                key: self.primes,
                value: primes,
            });
        }
        Ok(())
    }

    /// Both polynomials of all digits modulo data prime `prime`, or the special one.
    pub(crate) fn block(&self, prime: Option<usize>) -> &[u64] {
        let size = self.words.len() / (self.primes + 1);
        let index = prime.unwrap_or(self.primes);
        &self.words[index * size..(index + 1) * size]
    }
}
