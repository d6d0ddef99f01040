//! Portable kernel: one residue at a time, 64-bit words, moduli up to 2^61.
//!
//! Shoup's multiplication takes any word and leaves less than 2q. Values of a forward transform lie in
//! [0, 4q), of an inverse one in [0, 2q).
//!
//! Moduli below 2^50 leave so much room in a word that butterflies need not come back to these bounds
//! (`ROOMY`). Each layer of a forward transform adds at most 2q, and values stay below 64q, as
//! prepared residues do too. Each layer of an inverse one doubles its sums, which fit for moduli of up
//! to 45 bits and the largest ring; larger ones are reduced every other layer.
//!
//! Source: Harvey, "Faster arithmetic for number-theoretic transforms", 2014, §3.
use super::{Field, RootTable};
use crate::modulus::{Modulus, mul_high};

/// Moduli of so many bits leave room in a word for a whole forward transform.
pub(crate) const ROOMY_BITS: u32 = 50;
/// Moduli of so many bits leave room for the sums of a whole inverse transform, 2^17 values.
const SHORT_BITS: u32 = 45;
/// log2 of what bounds the values of roomy moduli, over q: 17 layers and a lifted start.
const LOG_LOOSE: u32 = 6;
/// A lifted word may be so many times q where a transform starts.
const LIFTED: u64 = 16;

#[derive(Clone, Copy)]
pub(crate) struct Scalar<const ROOMY: bool> {
    modulus: Modulus,
    twice: u64,
    /// Shifts of the words of a sum that leave it without bits − 1 of its bits.
    high_shift: u32,
    low_shift: u32,
    /// floor(2^(63 + bits) / q).
    barrett: u64,
    /// A multiple of q of 62 bits, above all sums of an inverse transform: taken off, they stay positive.
    above: u64,
    /// Whether sums of an inverse transform outgrow a word.
    tall: bool,
}

#[derive(Clone, Copy)]
pub(crate) struct Root {
    value: u64,
    quotient: u64,
}

#[derive(Clone, Copy)]
pub(crate) struct Lift {
    half: u64,
    /// −p, and a multiple of q that makes words above the half positive.
    below_zero: u64,
    /// Whether words are to be reduced first.
    long: bool,
}

impl<const ROOMY: bool> Scalar<ROOMY> {
    #[inline(always)]
    pub(crate) fn new(modulus: &Modulus) -> Self {
        let bits = modulus.bits();
        Self {
            modulus: *modulus,
            twice: 2 * modulus.value(),
            high_shift: 65 - bits,
            low_shift: bits - 1,
            barrett: modulus.barrett(bits),
            above: modulus.value() << (62 - bits),
            tall: bits > SHORT_BITS,
        }
    }

    /// A word below 2q, from any word.
    #[inline(always)]
    fn near(self, x: u64) -> u64 {
        x.wrapping_sub(self.modulus.quotient(x).wrapping_mul(self.modulus.value()))
    }

    /// A sum below 2^(63 + bits): prepared residues times canonical ones, 32 of them.
    ///
    /// With s = floor(x / 2^(bits − 1)), floor(s · barrett / 2^64) is above x/q − 3. The two words are
    /// shifted each by itself, which is faster than a shift of both.
    #[inline(always)]
    fn reduce_sum(self, x: u128) -> u64 {
        if !ROOMY {
            return self.modulus.reduce_wide(x);
        }
        debug_assert!(x >> (64 + self.low_shift) == 0, "a sum of few products");
        let high = ((x >> 64) as u64) << self.high_shift | x as u64 >> self.low_shift;
        let quotient = mul_high(high, self.barrett);
        let rest = (x as u64).wrapping_sub(quotient.wrapping_mul(self.modulus.value()));
        self.canonical_near(self.guard(rest))
    }

    /// w·y − floor(w'·y / 2^64)·q, in [0, 2q) for any word y.
    #[inline(always)]
    fn shoup(self, y: u64, w: Root) -> u64 {
        let quotient = mul_high(y, w.quotient);
        y.wrapping_mul(w.value)
            .wrapping_sub(quotient.wrapping_mul(self.modulus.value()))
    }

    #[inline(always)]
    fn guard(self, x: u64) -> u64 {
        // min of the wrapped difference: a conditional move, no branch.
        x.min(x.wrapping_sub(self.twice))
    }
}

impl<const ROOMY: bool> Field for Scalar<ROOMY> {
    const LANES: usize = 1;
    const LOG_LANES: usize = 0;
    const CELL_TERMS: usize = 32;
    const CELL_ROWS: usize = 4;

    type Word = u64;
    type Value = u64;
    type Root = Root;
    type Lift = Lift;
    type Sum = u128;
    type Pattern = ();
    type Cell = u128;
    type Closing = ();
    type Factor = u64;
    type Unpacking = ();
    type Packed = u64;

    #[inline(always)]
    fn load_word(self, from: &[u64]) -> u64 {
        from[0]
    }

    #[inline(always)]
    fn store_word(self, word: u64, to: &mut [u64]) {
        to[0] = word;
    }

    #[inline(always)]
    fn add(self, a: u64, b: u64) -> u64 {
        self.modulus.add(a, b)
    }

    #[inline(always)]
    fn sub(self, a: u64, b: u64) -> u64 {
        self.modulus.sub(a, b)
    }

    #[inline(always)]
    fn negate(self, a: u64) -> u64 {
        self.modulus.negate(a)
    }

    fn pattern_word(_: usize) -> u64 {
        0
    }

    #[inline(always)]
    fn pattern(self, _: &[u64]) {}

    #[inline(always)]
    fn shuffle(self, word: u64, (): ()) -> u64 {
        word
    }

    #[inline(always)]
    fn value(self, word: u64) -> u64 {
        word
    }

    #[inline(always)]
    fn canonical(self, x: u64) -> u64 {
        let x = if ROOMY { self.near(x) } else { self.guard(x) };
        self.canonical_near(x)
    }

    #[inline(always)]
    fn canonical_near(self, x: u64) -> u64 {
        x.min(x.wrapping_sub(self.modulus.value()))
    }

    #[inline(always)]
    fn canonical_product(self, x: u64) -> u64 {
        self.canonical_near(x)
    }

    #[inline(always)]
    fn settle(self, x: u64) -> u64 {
        if ROOMY { x } else { self.canonical(x) }
    }

    #[inline(always)]
    fn settled(self, x: u64) -> u64 {
        if ROOMY { self.near(x) } else { x }
    }

    #[inline(always)]
    fn plus(self, x: u64, y: u64) -> u64 {
        if ROOMY { self.near(x + y) } else { x + y }
    }

    #[inline(always)]
    fn turn(self, x: u64, (): ()) -> u64 {
        x
    }

    #[inline(always)]
    fn load_raw(self, from: &[u64]) -> u64 {
        from[0]
    }

    #[inline(always)]
    fn store_raw(self, x: u64, to: &mut [u64]) {
        to[0] = x;
    }

    #[inline(always)]
    fn unpacking(self) {}

    #[inline(always)]
    fn load_packed(self, from: &[u64], at: usize, (): ()) -> [u64; 2] {
        let from = &from[at / 8..];
        [self.load_raw(from), self.load_raw(&from[Self::LANES..])]
    }

    #[inline(always)]
    fn lift(self, period: u64) -> Lift {
        let (q, half) = (self.modulus.value(), period >> 1);
        let long = !ROOMY || half > LIFTED * q;
        Lift {
            half,
            below_zero: if long {
                q - self.modulus.reduce(period)
            } else {
                // Words above the half end below this multiple of q.
                ((half / q + 1) * q).wrapping_sub(period)
            },
            long,
        }
    }

    #[inline(always)]
    fn lifted(self, from: &[u64], lift: Lift) -> u64 {
        let x = from[0];
        let fix = if x > lift.half { lift.below_zero } else { 0 };
        let x = if lift.long { self.modulus.reduce(x) } else { x };
        x.wrapping_add(fix)
    }

    #[inline(always)]
    fn root_entry(modulus: &Modulus, w: u64) -> (u64, u64) {
        (w, modulus.shoup(w))
    }

    #[inline(always)]
    fn root(self, table: &RootTable, index: usize) -> Root {
        self.constant((table.values[index], table.quotients[index]))
    }

    #[inline(always)]
    fn roots(self, values: &[u64], quotients: &[u64], _: usize) -> Root {
        self.constant((values[0], quotients[0]))
    }

    #[inline(always)]
    fn constant(self, (value, quotient): (u64, u64)) -> Root {
        Root { value, quotient }
    }

    #[inline(always)]
    fn forward(self, x: u64, y: u64, w: Root) -> (u64, u64) {
        let x = if ROOMY { x } else { self.guard(x) };
        let t = self.shoup(y, w);
        (x + t, x + self.twice - t)
    }

    #[inline(always)]
    fn transformed_word(self, x: u64) -> u64 {
        self.canonical(x)
    }

    #[inline(always)]
    fn transformed(self, x: u64) -> u64 {
        self.settle(x)
    }

    #[inline(always)]
    fn inverse(self, x: u64, y: u64, w: Root) -> (u64, u64) {
        if ROOMY {
            (x + y, self.shoup(x + self.above - y, w))
        } else {
            (self.guard(x + y), self.shoup(x + self.twice - y, w))
        }
    }

    #[inline(always)]
    fn scale(self, x: u64, w: Root) -> u64 {
        self.shoup(x, w)
    }

    #[inline(always)]
    fn refresh(self, x: u64) -> u64 {
        x
    }

    #[inline(always)]
    fn refresh_sum(self, x: u64) -> u64 {
        if ROOMY && self.tall { self.near(x) } else { x }
    }

    #[inline(always)]
    fn swap(self, a: u64, b: u64, _: usize) -> (u64, u64) {
        (a, b)
    }

    #[inline(always)]
    fn enter(self, a: u64, b: u64) -> (u64, u64) {
        (a, b)
    }

    #[inline(always)]
    fn leave(self, a: u64, b: u64) -> (u64, u64) {
        (a, b)
    }

    #[inline(always)]
    fn product(self, a: u64, b: u64) -> u64 {
        self.reduce_sum(u128::from(a) * u128::from(b))
    }

    #[inline(always)]
    fn difference(self, a: u64, b: u64) -> u64 {
        let multiple = if ROOMY { LOG_LOOSE } else { 0 };
        a + (self.modulus.value() << multiple) - b
    }

    /// Products below 2^122.
    #[inline(always)]
    fn sum_terms(self) -> usize {
        32
    }

    #[inline(always)]
    fn prepared_terms(self) -> usize {
        32
    }

    #[inline(always)]
    fn sum(self, start: u64) -> u128 {
        u128::from(start)
    }

    #[inline(always)]
    fn sum_add(self, sum: u128, a: u64, b: u64) -> u128 {
        sum + u128::from(a) * u128::from(b)
    }

    #[inline(always)]
    fn sum_fold(self, sum: u128) -> u128 {
        u128::from(self.reduce_sum(sum))
    }

    #[inline(always)]
    fn sum_value(self, sum: u128) -> u64 {
        self.reduce_sum(sum)
    }

    #[inline(always)]
    fn pack(_: &Modulus, weight: u64) -> u64 {
        weight
    }

    #[inline(always)]
    fn factor(self, word: u64) -> u64 {
        word
    }

    #[inline(always)]
    fn cell(self) -> u128 {
        0
    }

    #[inline(always)]
    fn cell_add(self, cell: u128, x: u64, weight: u64) -> u128 {
        cell + u128::from(x) * u128::from(weight)
    }

    #[inline(always)]
    fn closing(self) {}

    #[inline(always)]
    fn cell_word(self, cell: u128, (): ()) -> u64 {
        self.reduce_sum(cell)
    }

    #[inline(always)]
    fn narrow(self) -> u64 {
        0
    }

    #[inline(always)]
    fn narrow_add(self, cell: u64, x: u64, weight: i32) -> u64 {
        cell.wrapping_add(x.wrapping_mul(i64::from(weight) as u64))
    }

    #[inline(always)]
    fn narrow_word(self, cell: u64, (): ()) -> u64 {
        self.modulus.from_signed(cell as i64)
    }
}
