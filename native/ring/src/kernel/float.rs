//! Kernel on double-precision numbers: residues of primes below 2^50 as exact integers in 53 bits.
//!
//! A product is h + l with h = fl(a·b) and l = a·b − h, both by fused multiply-add; with
//! c = round(h / q) the residue is (h − c·q) + l, exactly. Constants are centred, |w| ≤ q/2.
//!
//! Bounds, in units of q < 2^50, for |x| ≤ B:
//! * every number stays below 8, that is 2^53, where integers are exact;
//! * w·x: the quotient is at most B·2^49 and three roundings move it by at most 3·2^-53 of that, so
//!   |w·x mod q| ≤ 1/2 + 3B/16;
//! * a butterfly takes (Bx, By) to Bx + 1/2 + 3By/16: from 1 the sequence is 1.7, 2.5, 3.5, 4.6, so
//!   a forward pass of two layers may follow one that refreshed its first operands, and the tail of
//!   four layers follows a refresh;
//! * a product of canonical residues has |quotient| < 2^50, so |a·b mod q| ≤ 1/2 + 3/8.
//!
//! Source: Intel HEXL (arXiv 2103.16400) for the shape of vector butterflies; the floating-point
//! reduction is Shoup's, as in NTL's `MulMod`.
use super::float_lanes::{EmulatedFloat, FloatLanes};
use super::{Field, RootTable};
use crate::modulus::Modulus;

/// The bits of 2^52: or-ing an integer below 2^52 gives the number 2^52 + integer.
const EXPONENT_52: u64 = 0x4330_0000_0000_0000;
/// The bits of 1.5 · 2^52: adding it to an integral number leaves the integer in the low bits.
const SHIFTER: u64 = 0x4338_0000_0000_0000;
/// Weights and residues of a matrix product are split into halves of 25 bits.
const HALF_BITS: i32 = 25;

#[derive(Clone, Copy)]
pub(crate) struct Float<L: FloatLanes> {
    lanes: L,
    q: L::Number,
    inverse: L::Number,
    words: L::Integer,
    modulus: Modulus,
}

#[derive(Clone, Copy)]
pub(crate) struct Lift<L: FloatLanes> {
    half: L::Integer,
    p: L::Integer,
    /// p is so large that centred residues must be reduced.
    reduce: bool,
}

/// x0·w0, (x0 + x1)·(w0 + w1) and x1·w1 for x = x0 + 2^25·x1 and w alike (Karatsuba).
#[derive(Clone, Copy)]
pub(crate) struct Parts<I: Copy> {
    low: I,
    sum: I,
    high: I,
}

impl Float<EmulatedFloat> {
    pub(crate) fn new(modulus: &Modulus) -> Self {
        Self::with_lanes(modulus, EmulatedFloat)
    }
}

impl<L: FloatLanes> Float<L> {
    #[inline(always)]
    pub(crate) fn with_lanes(modulus: &Modulus, lanes: L) -> Self {
        let q = modulus.value() as f64;
        Self {
            lanes,
            q: lanes.number(q),
            inverse: lanes.number(1.0 / q),
            words: lanes.integer(modulus.value()),
            modulus: *modulus,
        }
    }

    /// a·b mod q, near zero.
    #[inline(always)]
    fn multiply(self, a: L::Number, b: L::Number) -> L::Number {
        let v = self.lanes;
        let high = v.mul(a, b);
        let low = v.mul_sub(a, b, high);
        let quotient = v.round(v.mul(high, self.inverse));
        v.add(v.sub_mul(quotient, self.q, high), low)
    }

    /// Products step by step side by side: the units have work while results are on their way.
    #[inline(always)]
    fn multiply_each<const K: usize>(self, a: [L::Number; K], b: [L::Number; K]) -> [L::Number; K] {
        let v = self.lanes;
        let (mut high, mut low, mut quotient) = (a, a, a);
        for i in 0..K {
            high[i] = v.mul(a[i], b[i]);
        }
        for i in 0..K {
            quotient[i] = v.mul(high[i], self.inverse);
            low[i] = v.mul_sub(a[i], b[i], high[i]);
        }
        for i in 0..K {
            quotient[i] = v.round(quotient[i]);
        }
        for i in 0..K {
            high[i] = v.sub_mul(quotient[i], self.q, high[i]);
        }
        for i in 0..K {
            low[i] = v.add(high[i], low[i]);
        }
        low
    }

    /// Integers below 2^52 as numbers.
    #[inline(always)]
    fn to_number(self, x: L::Integer) -> L::Number {
        let v = self.lanes;
        let shifted = v.or(x, v.integer(EXPONENT_52));
        v.sub(v.as_number(shifted), v.as_number(v.integer(EXPONENT_52)))
    }

    /// 2^bits mod q
    #[inline(always)]
    fn power(self, bits: u64) -> L::Number {
        let w = self.modulus.pow(2, bits);
        self.lanes.number(self.modulus.centred(w) as f64)
    }

    /// sum + x·w of signed 32-bit factors.
    #[inline(always)]
    fn add_product(self, sum: L::Integer, x: L::Integer, w: i32) -> L::Integer {
        let v = self.lanes;
        v.add_int(sum, v.mul_halves(x, v.half_integer(w)))
    }

    /// A signed accumulator times 2^shift, as a value near zero.
    #[inline(always)]
    fn reduce_integer(self, x: L::Integer, powers: [L::Number; 2]) -> L::Number {
        let v = self.lanes;
        // Biased to unsigned halves of 32 bits; the bias comes off the upper one.
        let biased = v.xor(x, v.integer(1 << 63));
        let high = v.sub(
            self.to_number(v.shift_right::<32>(biased)),
            v.number(2_147_483_648.0),
        );
        let low = self.to_number(v.and(biased, v.integer(0xffff_ffff)));
        v.add(
            self.multiply(low, powers[0]),
            self.multiply(high, powers[1]),
        )
    }
}

impl<L: FloatLanes> Field for Float<L> {
    const LANES: usize = 4;
    const LOG_LANES: usize = 2;
    // |x0 + x1| < 2^26 and |w0 + w1| ≤ 2^25: sums of 2^11 products stay below 2^62.
    const CELL_TERMS: usize = 2048;
    const CELL_ROWS: usize = 4;

    type Word = L::Integer;
    type Value = L::Number;
    type Root = L::Number;
    type Lift = Lift<L>;
    type Sum = L::Number;
    type Pattern = L::Integer;
    type Cell = Parts<L::Integer>;
    type Closing = [[L::Number; 2]; 3];
    type Factor = Parts<L::Integer>;
    type Unpacking = ();
    type Packed = Parts<i32>;

    #[inline(always)]
    fn load_word(self, from: &[u64]) -> L::Integer {
        self.lanes.load(from)
    }

    #[inline(always)]
    fn store_word(self, word: L::Integer, to: &mut [u64]) {
        self.lanes.store(word, to);
    }

    #[inline(always)]
    fn add(self, a: L::Integer, b: L::Integer) -> L::Integer {
        let v = self.lanes;
        let sum = v.add_int(a, b);
        let reduced = v.sub_int(sum, self.words);
        v.select(reduced, sum, reduced)
    }

    #[inline(always)]
    fn sub(self, a: L::Integer, b: L::Integer) -> L::Integer {
        let v = self.lanes;
        let difference = v.sub_int(a, b);
        v.select(difference, v.add_int(difference, self.words), difference)
    }

    #[inline(always)]
    fn negate(self, a: L::Integer) -> L::Integer {
        self.sub(self.lanes.integer(0), a)
    }

    #[inline(always)]
    fn pattern_word(lane: usize) -> u64 {
        let half = 2 * lane as u64;
        (half + 1) << 32 | half
    }

    #[inline(always)]
    fn pattern(self, words: &[u64]) -> L::Integer {
        self.lanes.load(words)
    }

    #[inline(always)]
    fn shuffle(self, word: L::Integer, pattern: L::Integer) -> L::Integer {
        self.lanes.shuffle(word, pattern)
    }

    #[inline(always)]
    fn value(self, word: L::Integer) -> L::Number {
        self.to_number(word)
    }

    #[inline(always)]
    fn canonical(self, x: L::Number) -> L::Integer {
        self.canonical_near(self.refresh(x))
    }

    #[inline(always)]
    fn canonical_near(self, x: L::Number) -> L::Integer {
        let v = self.lanes;
        let shifter = v.integer(SHIFTER);
        let x = v.sub_int(v.as_integer(v.add(x, v.as_number(shifter))), shifter);
        v.select(x, v.add_int(x, self.words), x)
    }

    #[inline(always)]
    fn settle(self, x: L::Number) -> L::Number {
        self.refresh(x)
    }

    #[inline(always)]
    fn plus(self, x: L::Number, y: L::Number) -> L::Number {
        self.lanes.add(x, y)
    }

    #[inline(always)]
    fn turn(self, x: L::Number, pattern: L::Integer) -> L::Number {
        let v = self.lanes;
        v.as_number(v.shuffle(v.as_integer(x), pattern))
    }

    #[inline(always)]
    fn load_raw(self, from: &[u64]) -> L::Number {
        self.lanes.as_number(self.lanes.load(from))
    }

    #[inline(always)]
    fn store_raw(self, x: L::Number, to: &mut [u64]) {
        self.lanes.store(self.lanes.as_integer(x), to);
    }

    #[inline(always)]
    fn unpacking(self) {}

    #[inline(always)]
    fn load_packed(self, from: &[u64], at: usize, (): ()) -> [L::Number; 2] {
        let from = &from[at / 8..];
        [self.load_raw(from), self.load_raw(&from[Self::LANES..])]
    }

    #[inline(always)]
    fn lift(self, period: u64) -> Lift<L> {
        let v = self.lanes;
        Lift {
            half: v.integer(period >> 1),
            p: v.as_integer(v.number(period as f64)),
            // |x| ≤ p/2 ≤ 2q keeps the first two layers below 4.
            reduce: period > 4 * self.modulus.value(),
        }
    }

    #[inline(always)]
    fn lifted(self, from: &[u64], lift: Lift<L>) -> L::Number {
        let v = self.lanes;
        let word = v.load(from);
        let fix = v.where_greater(word, lift.half, lift.p);
        let x = v.sub(self.to_number(word), v.as_number(fix));
        if lift.reduce { self.refresh(x) } else { x }
    }

    #[inline(always)]
    fn root_entry(modulus: &Modulus, w: u64) -> (u64, u64) {
        ((modulus.centred(w) as f64).to_bits(), 0)
    }

    #[inline(always)]
    fn root(self, table: &RootTable, index: usize) -> L::Number {
        self.lanes.number(f64::from_bits(table.values[index]))
    }

    #[inline(always)]
    fn roots(self, values: &[u64], quotients: &[u64], repeat: usize) -> L::Number {
        match repeat {
            0 => self.load_raw(values),
            1 => self.lanes.load_twice(values),
            _ => self.constant((values[0], quotients[0])),
        }
    }

    #[inline(always)]
    fn constant(self, (value, _): (u64, u64)) -> L::Number {
        self.lanes.number(f64::from_bits(value))
    }

    #[inline(always)]
    fn forward(self, x: L::Number, y: L::Number, w: L::Number) -> (L::Number, L::Number) {
        let t = self.multiply(y, w);
        (self.lanes.add(x, t), self.lanes.sub(x, t))
    }

    #[inline(always)]
    fn transformed_word(self, x: L::Number) -> L::Integer {
        self.canonical(x)
    }

    #[inline(always)]
    fn transformed(self, x: L::Number) -> L::Number {
        self.settle(x)
    }

    #[inline(always)]
    fn inverse(self, x: L::Number, y: L::Number, w: L::Number) -> (L::Number, L::Number) {
        (self.lanes.add(x, y), self.multiply(self.lanes.sub(x, y), w))
    }

    #[inline(always)]
    fn forwards<const K: usize>(
        self,
        x: [L::Number; K],
        y: [L::Number; K],
        w: [L::Number; K],
    ) -> ([L::Number; K], [L::Number; K]) {
        let product = self.multiply_each(y, w);
        let (mut sum, mut difference) = (x, x);
        for i in 0..K {
            sum[i] = self.lanes.add(x[i], product[i]);
            difference[i] = self.lanes.sub(x[i], product[i]);
        }
        (sum, difference)
    }

    #[inline(always)]
    fn inverses<const K: usize>(
        self,
        x: [L::Number; K],
        y: [L::Number; K],
        w: [L::Number; K],
    ) -> ([L::Number; K], [L::Number; K]) {
        let (mut sum, mut difference) = (x, x);
        for i in 0..K {
            sum[i] = self.lanes.add(x[i], y[i]);
            difference[i] = self.lanes.sub(x[i], y[i]);
        }
        (sum, self.multiply_each(difference, w))
    }

    #[inline(always)]
    fn scale(self, x: L::Number, w: L::Number) -> L::Number {
        self.multiply(x, w)
    }

    #[inline(always)]
    fn refresh(self, x: L::Number) -> L::Number {
        let v = self.lanes;
        v.sub_mul(v.round(v.mul(x, self.inverse)), self.q, x)
    }

    #[inline(always)]
    fn swap(self, a: L::Number, b: L::Number, log: usize) -> (L::Number, L::Number) {
        if log == 1 {
            self.lanes.swap_pairs(a, b)
        } else {
            self.lanes.swap_lanes(a, b)
        }
    }

    #[inline(always)]
    fn enter(self, a: L::Number, b: L::Number) -> (L::Number, L::Number) {
        let (a, b) = self.lanes.swap_pairs(a, b);
        self.lanes.swap_lanes(a, b)
    }

    #[inline(always)]
    fn leave(self, a: L::Number, b: L::Number) -> (L::Number, L::Number) {
        let (a, b) = self.lanes.swap_lanes(a, b);
        self.lanes.swap_pairs(a, b)
    }

    #[inline(always)]
    fn product(self, a: L::Number, b: L::Number) -> L::Number {
        self.multiply(a, b)
    }

    #[inline(always)]
    fn difference(self, a: L::Number, b: L::Number) -> L::Number {
        self.lanes.sub(a, b)
    }

    /// Products below 7/8 and a start below one: together below 8.
    #[inline(always)]
    fn sum_terms(self) -> usize {
        8
    }

    /// Products of a factor below one half: below 11/16 each.
    #[inline(always)]
    fn prepared_terms(self) -> usize {
        10
    }

    #[inline(always)]
    fn sum(self, start: L::Number) -> L::Number {
        start
    }

    #[inline(always)]
    fn sum_add(self, sum: L::Number, a: L::Number, b: L::Number) -> L::Number {
        self.lanes.add(sum, self.multiply(a, b))
    }

    #[inline(always)]
    fn sum_fold(self, sum: L::Number) -> L::Number {
        self.refresh(sum)
    }

    #[inline(always)]
    fn sum_value(self, sum: L::Number) -> L::Number {
        sum
    }

    #[inline(always)]
    fn pack(modulus: &Modulus, weight: u64) -> Parts<i32> {
        let centred = modulus.centred(weight);
        // Nearest multiple of 2^25, so that both halves are small and signed.
        let high = (centred + (1 << (HALF_BITS - 1))) >> HALF_BITS;
        let low = centred - (high << HALF_BITS);
        Parts {
            low: low as i32,
            sum: (low + high) as i32,
            high: high as i32,
        }
    }

    #[inline(always)]
    fn factor(self, word: L::Integer) -> Parts<L::Integer> {
        let v = self.lanes;
        let low = v.and(word, v.integer((1 << HALF_BITS) - 1));
        let high = v.shift_right::<HALF_BITS>(word);
        Parts {
            low,
            sum: v.add_int(low, high),
            high,
        }
    }

    #[inline(always)]
    fn cell(self) -> Parts<L::Integer> {
        let zero = self.lanes.integer(0);
        Parts {
            low: zero,
            sum: zero,
            high: zero,
        }
    }

    #[inline(always)]
    fn cell_add(
        self,
        cell: Parts<L::Integer>,
        x: Parts<L::Integer>,
        weight: Parts<i32>,
    ) -> Parts<L::Integer> {
        Parts {
            low: self.add_product(cell.low, x.low, weight.low),
            sum: self.add_product(cell.sum, x.sum, weight.sum),
            high: self.add_product(cell.high, x.high, weight.high),
        }
    }

    #[inline(always)]
    fn closing(self) -> Self::Closing {
        // 2^(25 i) for part i and 2^32 times that for its upper half.
        [
            [self.power(0), self.power(32)],
            [self.power(25), self.power(57)],
            [self.power(50), self.power(82)],
        ]
    }

    #[inline(always)]
    fn cell_word(self, cell: Parts<L::Integer>, closing: Self::Closing) -> L::Integer {
        let v = self.lanes;
        let middle = v.sub_int(v.sub_int(cell.sum, cell.low), cell.high);
        let sum = v.add(
            v.add(
                self.reduce_integer(cell.low, closing[0]),
                self.reduce_integer(middle, closing[1]),
            ),
            self.reduce_integer(cell.high, closing[2]),
        );
        self.canonical(sum)
    }

    #[inline(always)]
    fn narrow(self) -> L::Integer {
        self.lanes.integer(0)
    }

    #[inline(always)]
    fn narrow_add(self, cell: L::Integer, x: L::Integer, weight: i32) -> L::Integer {
        self.add_product(cell, x, weight)
    }

    #[inline(always)]
    fn narrow_word(self, cell: L::Integer, closing: Self::Closing) -> L::Integer {
        self.canonical(self.reduce_integer(cell, closing[0]))
    }
}
