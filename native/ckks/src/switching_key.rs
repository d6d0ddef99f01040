//! Keys that bring a product with another secret back to the client's own.
use crate::context::Context;
use crate::error::CkksError;
use ring::{Buffer, MappedWords, PADDING, RnsPolynomial};
use std::ops::Range;
use std::sync::Arc;

/// A switching key: with k special primes a digit for every k data primes.
///
/// Digit j encrypts P·s′ modulo its own primes and zero modulo the others. Its two polynomials have
/// residues for q_0 … q_(n−1) and, last, for the special primes, transformed. A key trimmed to n
/// primes has ⌈n/k⌉ digits and serves every value of at most n primes.
///
/// The key of an automorphism is held turned back by it: digits are then multiplied as they are, and
/// only the two polynomials of the result are turned. Digits of one value serve many rotations.
///
/// Residues lie prime after prime in the order in which products read them, with as many bits as the
/// kernel of the prime reads.
#[derive(Debug)]
pub struct SwitchingKey {
    words: Words,
    primes: usize,
    /// Words of each prime.
    blocks: Vec<Range<usize>>,
}

/// Where the residues are.
#[derive(Debug)]
enum Words {
    Own(Buffer),
    /// In a file, beside other keys.
    Mapped(Arc<MappedWords>, Range<usize>),
}

impl SwitchingKey {
    /// Number of the order of [`Self::words`]: files of words in another order are not used.
    pub const LAYOUT: u32 = 3;

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
        let blocks = Self::blocks(context, primes);
        let mut words = context.pool().take(Self::words_of(&blocks));
        let mut rest = &mut words[..];
        let mut parts = Vec::with_capacity(residues);
        for block in &blocks {
            parts.push(rest.split_off_mut(..block.len()).unwrap_or_default());
        }
        rest.fill(0);
        let tasks = parts.into_iter().enumerate().collect();
        context.workers().each(tasks, |(i, out)| {
            let parts: Vec<_> = digits
                .iter()
                .map(|[a, b]| [a.residue(i), b.residue(i)])
                .collect();
            context.ring(i, primes).pack_key(out, &parts);
        });
        Self {
            words: Words::Own(words),
            primes,
            blocks,
        }
    }

    /// Where the words of each prime are.
    fn blocks(context: &Context, primes: usize) -> Vec<Range<usize>> {
        let specials = context.specials().len();
        let digits = primes.div_ceil(specials);
        let mut end = 0;
        (0..primes + specials)
            .map(|i| {
                let start = end;
                end += digits * context.ring(i, primes).packed_words(2 * context.degree());
                start..end
            })
            .collect()
    }

    fn words_of(blocks: &[Range<usize>]) -> usize {
        blocks.last().map_or(0, |last| last.end) + PADDING
    }

    /// The key of which [`Self::words`] stand in a file from word `first` on; none where the file
    /// ends before.
    ///
    /// The words are not looked at: others than such a key's give wrong numbers, nothing worse.
    pub fn mapped(
        context: &Context,
        primes: usize,
        file: &Arc<MappedWords>,
        first: usize,
    ) -> Option<Self> {
        let blocks = Self::blocks(context, primes);
        let end = first.checked_add(Self::words_of(&blocks))?;
        (end <= file.len()).then(|| Self {
            words: Words::Mapped(Arc::clone(file), first..end),
            primes,
            blocks,
        })
    }

    /// Words of a key for so many data primes.
    pub fn words_for(context: &Context, primes: usize) -> usize {
        Self::words_of(&Self::blocks(context, primes))
    }

    /// The residues as this processor's kernel has them.
    pub fn words(&self) -> &[u64] {
        match &self.words {
            Words::Own(buffer) => buffer,
            Words::Mapped(file, range) => &file[range.clone()],
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
    /// primes, after which come the special ones; padded.
    pub(crate) fn block(&self, i: usize, primes: usize) -> &[u64] {
        let index = if i < primes {
            i
        } else {
            self.primes + i - primes
        };
        let block = &self.blocks[index];
        &self.words()[block.start..block.end + PADDING]
    }
}
