//! Residues of other primes, each times a constant, to one prime: what base conversion is made of.
use crate::kernel::{Field, Operation};
use crate::modulus::Modulus;
use crate::prime_ring::{PrimeRing, Scalar};

/// Coefficients between two reads of the constants of a part; they stay in the first cache.
const CHUNK: usize = 1024;

/// One summand: the centred residues of a prime times a constant of the target's ring.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Residues below `modulus`.
    pub words: &'a [u64],
    /// The prime that they are residues of.
    pub modulus: &'a Modulus,
    /// Made by [`PrimeRing::scalar`] of the target.
    pub factor: &'a Scalar,
}

struct Convert<'a> {
    out: &'a mut [u64],
    parts: &'a [Part<'a>],
}

impl Operation for Convert<'_> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        for (n, out) in self.out.chunks_mut(CHUNK).enumerate() {
            let at = n * CHUNK;
            for (first, part) in self.parts.iter().enumerate() {
                let lift = f.lift(part.modulus);
                let factor = f.constant(part.factor.entry());
                let words = part.words[at..at + out.len()].chunks_exact(F::LANES);
                for (out, words) in out.chunks_exact_mut(F::LANES).zip(words) {
                    let mut x = f.canonical(f.scale(f.lifted(words, lift), factor));
                    if first > 0 {
                        x = f.add(f.load_word(out), x);
                    }
                    f.store_word(x, out);
                }
            }
        }
    }
}

impl PrimeRing {
    /// out = Σ factor · centred(words).
    ///
    /// # Panics
    /// Where a part has not N words, or there is none.
    pub fn convert(&self, out: &mut [u64], parts: &[Part<'_>]) {
        assert!(!parts.is_empty(), "a part");
        assert!(
            out.len() == self.degree() && parts.iter().all(|part| part.words.len() == out.len()),
            "N residues"
        );
        let kernel = self.kernel();
        if parts
            .iter()
            .all(|part| kernel.serving(part.modulus) == kernel)
        {
            return kernel.run(self.modulus(), Convert { out, parts });
        }
        // Words that vector kernels cannot hold.
        let modulus = self.modulus();
        for (n, out) in out.iter_mut().enumerate() {
            *out = parts.iter().fold(0, |sum, part| {
                let x = modulus.from_signed(part.modulus.centred(part.words[n]));
                modulus.add(sum, modulus.mul(x, part.factor.value()))
            });
        }
    }
}
