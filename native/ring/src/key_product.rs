//! Digits times a switching key: the sums that every rotation is made of.
//!
//! A key is read once, from memory. It lies in the order in which it is read, so that one stream
//! feeds the sums; where the result is turned by an automorphism, its vectors are stored where they
//! belong, and no pass over the result follows.
use crate::kernel::{Field, Operation};
use crate::packing::{pack, prepare_packed};

/// Vectors of a step: with two sums each, enough to hide the latency of additions.
const STEP: usize = 4;

/// Bytes ahead of what is read of a key: what a memory of some 100 ns takes to bring them.
const AHEAD: usize = 4096;

/// Where the vectors of a result belong: for each the vector it becomes, and the order of lanes.
#[derive(Clone, Copy)]
pub(crate) struct Moves<'a> {
    pub(crate) targets: &'a [(u32, u32)],
    pub(crate) patterns: &'a [u64],
}

/// out_k = turned(addend_k + Σ_j digit_j · key_jk), or out_k += it; everything is prepared.
pub(crate) struct KeyProduct<'a> {
    pub(crate) out: [&'a mut [u64]; 2],
    pub(crate) digits: &'a [&'a [u64]],
    /// Packed, and padded.
    pub(crate) key: &'a [u64],
    /// Bits of a residue of the key.
    pub(crate) bits: usize,
    /// Digits of the key; those behind the last of `digits` are passed over.
    pub(crate) key_digits: usize,
    /// Added to the first sum.
    pub(crate) addend: Option<&'a [u64]>,
    /// Canonical residues that are added to the first sum times a constant.
    pub(crate) scaled: Option<(&'a [u64], (u64, u64))>,
    pub(crate) moves: Option<Moves<'a>>,
    pub(crate) accumulate: bool,
}

impl Operation for KeyProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let [out0, out1] = self.out;
        let width = STEP * F::LANES;
        let zero = f.value(f.load_word(&[0; 8]));
        let unpacking = f.unpacking();
        let vector = F::LANES * self.bits / 8;
        for chunk in 0..out0.len() / width {
            let at = chunk * width;
            let mut key = chunk * self.key_digits * 2 * STEP * vector;
            let mut sums = [[f.sum(zero); STEP]; 2];
            if let Some(addend) = self.addend {
                let addend = addend[at..at + width].chunks_exact(F::LANES);
                for (sum, addend) in sums[0].iter_mut().zip(addend) {
                    *sum = f.sum(f.load_raw(addend));
                }
            }
            let terms = f.prepared_terms();
            let mut left_of_fold = terms;
            if let Some((words, constant)) = self.scaled {
                let constant = f.constant(constant);
                let words = words[at..at + width].chunks_exact(F::LANES);
                for (sum, word) in sums[0].iter_mut().zip(words) {
                    let x = f.scale(f.value(f.load_word(word)), constant);
                    *sum = f.sum(f.settle(x));
                }
            }
            for digit in self.digits {
                if left_of_fold == 0 {
                    for sum in sums.as_flattened_mut() {
                        *sum = f.sum_fold(*sum);
                    }
                    left_of_fold = terms;
                }
                left_of_fold -= 1;
                let digit = &digit[at..at + width];
                let [sums0, sums1] = &mut sums;
                for v in (0..STEP).step_by(2) {
                    f.prefetch(self.key, key + AHEAD);
                    f.prefetch(self.key, key + STEP * vector + AHEAD);
                    let key0 = f.load_packed(self.key, key, unpacking);
                    let key1 = f.load_packed(self.key, key + STEP * vector, unpacking);
                    for k in 0..2 {
                        let digit = f.load_raw(&digit[(v + k) * F::LANES..][..F::LANES]);
                        sums0[v + k] = f.sum_add(sums0[v + k], digit, key0[k]);
                        sums1[v + k] = f.sum_add(sums1[v + k], digit, key1[k]);
                    }
                    key += 2 * vector;
                }
                key += STEP * vector;
            }
            for v in 0..STEP {
                let mut x = [sums[0][v], sums[1][v]].map(|_| zero);
                for k in 0..2 {
                    x[k] = f.settle(f.sum_value(sums[k][v]));
                }
                let mut target = chunk * STEP + v;
                if let Some(moves) = self.moves {
                    let (to, pattern) = moves.targets[target];
                    let pattern = f.pattern(&moves.patterns[pattern as usize * F::LANES..]);
                    x[0] = f.turn(x[0], pattern);
                    x[1] = f.turn(x[1], pattern);
                    target = to as usize;
                }
                let target = target * F::LANES..(target + 1) * F::LANES;
                let (out0, out1) = (&mut out0[target.clone()], &mut out1[target]);
                if self.accumulate {
                    x[0] = f.settle(f.plus(x[0], f.load_raw(out0)));
                    x[1] = f.settle(f.plus(x[1], f.load_raw(out1)));
                }
                f.store_raw(x[0], out0);
                f.store_raw(x[1], out1);
            }
        }
    }
}

/// Lay out a key in the order in which `KeyProduct` reads it.
pub(crate) struct PackKey<'a> {
    pub(crate) out: &'a mut [u64],
    /// Bits of a residue of the key.
    pub(crate) bits: usize,
    /// Canonical residues of both polynomials of each digit.
    pub(crate) digits: &'a [[&'a [u64]; 2]],
}

impl Operation for PackKey<'_> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let width = STEP * F::LANES;
        let mut prepared = vec![0; width];
        let from = self.digits.as_flattened();
        let rows = self.out.len() * 64 / (self.bits * width);
        for row in 0..rows {
            let at = row / from.len() * width;
            let from = &from[row % from.len()][at..at + width];
            prepare_packed(f, from, &mut prepared);
            pack(&prepared, self.bits, self.out, row * width * self.bits);
        }
    }
}
