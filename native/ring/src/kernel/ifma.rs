//! Kernel on 52-bit multiply-add: eight residues of primes below 2^50.
//!
//! `t = w·y − floor(w'·y / 2^52)·q` lies in [0, 2q) for any y below 2^52, with w' = floor(w·2^52 / q).
//! How often the other operand of a butterfly has to be reduced depends on how many multiples of q fit
//! below 2^52, where multiplications read values whole (`ROOM`):
//!
//! * `TIGHT`, primes below 2^50: values of a forward transform lie in [0, 4q), of an inverse one in
//!   [0, 2q), and each layer reduces.
//! * `ROOMY`, below 2^49: there is room for [0, 8q), and every second layer of a forward transform
//!   reduces nothing.
//! * `AMPLE`, 40q ≤ 2^52: each layer of a forward transform adds at most 2q to what starts below 4q, so
//!   that none of 17 reduces, nor is reduced what is only multiplied afterwards. Inverse transforms
//!   begin below q, and their pass of five layers leaves sums below 32q; later passes take values below
//!   4q, and their sums double in each of three layers, up to 32q. Sums of more than one layer are
//!   reduced at the end of a pass.
//!
//! * `NARROW`, below 2^31: as `AMPLE`, and a product is one word, of which three and more add up in 64 bits:
//!   half the multiplications of a sum. Packed residues are halves of words then, one vector in the lower
//!   and one in the upper, so that nothing but a shift takes them apart.
//!
//! Between layers of forward transforms the bits from 52 on are of no meaning, for multiplications do not
//! read them; they are cleared where values are compared.
//!
//! Source: Harvey, "Faster arithmetic for number-theoretic transforms", 2014, §3; Boemer et al.,
//! "Intel HEXL", arXiv 2103.16400, §3.
use super::lanes52::{Emulated52, Lanes52};
use super::{Field, RootTable};
use crate::modulus::{Base52, Modulus};

const MASK: u64 = (1 << 52) - 1;

/// Room for [0, 4q) below 2^52.
pub(crate) const TIGHT: u8 = 0;
/// Room for [0, 8q).
pub(crate) const ROOMY: u8 = 1;
/// Room for [0, 40q).
pub(crate) const AMPLE: u8 = 2;
/// The same, and products of residues below 2^62.
pub(crate) const NARROW: u8 = 3;

/// Bits of the primes with `NARROW` residues: the quotient 2^64 / q has 52 at most.
const NARROW_BITS: core::ops::RangeInclusive<u32> = 13..=31;

/// Room that a prime below 2^50 leaves.
pub(crate) const fn room(modulus: &Modulus) -> u8 {
    let bits = modulus.bits();
    if *NARROW_BITS.start() <= bits && bits <= *NARROW_BITS.end() {
        NARROW
    } else if 40 * modulus.value() <= 1 << 52 {
        AMPLE
    } else if bits < 50 {
        ROOMY
    } else {
        TIGHT
    }
}

/// Orders of `swap(log)` for blocks of 2 and 4 lanes: first and second result.
const SWAPS: [[[u64; 8]; 2]; 2] = [
    [[0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]],
    [[0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]],
];
/// Swaps of 4, 2, 1 in one step.
const ENTER: [[u64; 8]; 2] = [[0, 2, 4, 6, 8, 10, 12, 14], [1, 3, 5, 7, 9, 11, 13, 15]];
/// Swaps of 1, 2, 4 in one step.
const LEAVE: [[u64; 8]; 2] = [[0, 8, 1, 9, 2, 10, 3, 11], [4, 12, 5, 13, 6, 14, 7, 15]];
/// Each lane 2, 4 times.
const REPEATS: [[u64; 8]; 2] = [[0, 0, 1, 1, 2, 2, 3, 3], [0, 0, 0, 0, 1, 1, 1, 1]];

#[derive(Clone, Copy)]
pub(crate) struct Ifma<L: Lanes52, const ROOM: u8> {
    lanes: L,
    q: L::Vector,
    twice: L::Vector,
    /// 2^52 − q.
    minus: L::Vector,
    modulus: Modulus,
}

#[derive(Clone, Copy)]
pub(crate) struct Root<V: Copy> {
    value: V,
    quotient: V,
}

#[derive(Clone, Copy)]
pub(crate) struct Lift<V: Copy> {
    half: V,
    /// A multiple of q minus p: what a negative residue needs.
    below_zero: V,
    one: V,
    /// p is so large that residues must be reduced.
    reduce: bool,
}

/// Where the bits of the eight residues of a vector are.
#[derive(Clone, Copy)]
pub(crate) struct Unpacking<V: Copy> {
    /// For each byte of the result the one of the row.
    bytes: V,
    /// Bits of the first byte that belong to the residue before.
    shifts: V,
    mask: V,
}

/// The low and high 52-bit words of products, added apart.
#[derive(Clone, Copy)]
pub(crate) struct Wide<V: Copy> {
    low: V,
    high: V,
}

impl<const ROOM: u8> Ifma<Emulated52, ROOM> {
    pub(crate) fn new(modulus: &Modulus) -> Self {
        Self::with_lanes(modulus, Emulated52)
    }
}

impl<L: Lanes52, const ROOM: u8> Ifma<L, ROOM> {
    #[inline(always)]
    pub(crate) fn with_lanes(modulus: &Modulus, lanes: L) -> Self {
        Self {
            lanes,
            q: lanes.splat(modulus.value()),
            twice: lanes.splat(2 * modulus.value()),
            minus: lanes.splat((1 << 52) - modulus.value()),
            modulus: *modulus,
        }
    }

    /// The low 52 bits, which alone are right.
    #[inline(always)]
    fn cleared(self, x: L::Vector) -> L::Vector {
        self.lanes.and(x, self.lanes.splat(MASK))
    }

    /// product − quotient·q of words that are right modulo 2^52.
    #[inline(always)]
    fn subtract_multiple(self, product: L::Vector, quotient: L::Vector) -> L::Vector {
        self.cleared(self.lanes.mul_low(product, quotient, self.minus))
    }

    /// w·y in [0, 2q)
    #[inline(always)]
    fn shoup(self, y: L::Vector, w: Root<L::Vector>) -> L::Vector {
        let v = self.lanes;
        let quotient = v.mul_high(v.splat(0), y, w.quotient);
        let product = v.mul_low(v.splat(0), y, w.value);
        self.subtract_multiple(product, quotient)
    }

    /// From [0, 8q), right modulo 2^52, to [0, 4q).
    #[inline(always)]
    fn guard_far(self, x: L::Vector) -> L::Vector {
        let v = self.lanes;
        let x = self.cleared(x);
        v.min(x, v.sub(x, v.splat(4 * self.modulus.value())))
    }

    /// A forward butterfly that reduces nothing but the product w·y: x + w·y grows in one chain of
    /// multiply-adds, and x − w·y + 2q is 2x + 2q less that.
    #[inline(always)]
    fn butterfly(self, x: L::Vector, y: L::Vector, w: Root<L::Vector>) -> (L::Vector, L::Vector) {
        let v = self.lanes;
        let quotient = v.mul_high(v.splat(0), y, w.quotient);
        let sum = v.mul_low(v.mul_low(x, y, w.value), quotient, self.minus);
        let both = v.add(v.add(x, x), self.twice);
        (sum, v.sub(both, sum))
    }

    /// x mod q in [0, 2q) for x < 2^52.
    #[inline(always)]
    fn reduce(self, x: L::Vector, one: L::Vector) -> L::Vector {
        let v = self.lanes;
        self.subtract_multiple(x, v.mul_high(v.splat(0), x, one))
    }

    /// x mod q in [0, 2q), of x right modulo 2^52.
    #[inline(always)]
    fn reduced(self, x: L::Vector) -> L::Vector {
        self.reduce(x, self.lanes.splat(self.modulus.base52.one))
    }

    /// x mod q in [0, 4q) for any word x: of the quotient by floor(2^64 / q) and the
    /// upper 52 bits less than three are lost.
    #[inline(always)]
    fn reduced_word(self, x: L::Vector) -> L::Vector {
        let v = self.lanes;
        let upper = v.shift_right(x, 12);
        let quotient = v.mul_high(v.splat(0), upper, v.splat(self.modulus.ratio.0));
        self.subtract_multiple(x, quotient)
    }

    #[inline(always)]
    fn guard(self, x: L::Vector) -> L::Vector {
        let v = self.lanes;
        v.min(x, v.sub(x, self.twice))
    }

    /// Words, each 2^repeat times.
    #[inline(always)]
    fn repeated(self, from: &[u64], repeat: usize) -> L::Vector {
        let v = self.lanes;
        let x = v.load(from);
        if repeat == 0 {
            x
        } else {
            v.shuffle(x, v.load(&REPEATS[repeat - 1]))
        }
    }

    #[inline(always)]
    fn power_root(self) -> Root<L::Vector> {
        let (value, quotient) = self.modulus.base52.power;
        self.constant((value, quotient))
    }

    /// sum + a·b, both words of the product.
    #[inline(always)]
    fn add_wide(self, sum: Wide<L::Vector>, a: L::Vector, b: L::Vector) -> Wide<L::Vector> {
        Wide {
            low: self.lanes.mul_low(sum.low, a, b),
            high: self.lanes.mul_high(sum.high, a, b),
        }
    }

    /// low + 2^52·high with carries moved up: low < 2^52.
    #[inline(always)]
    fn carry(self, wide: Wide<L::Vector>) -> Wide<L::Vector> {
        let v = self.lanes;
        Wide {
            low: v.and(wide.low, v.splat(MASK)),
            high: v.add(wide.high, v.shift_right(wide.low, 52)),
        }
    }
}

impl<L: Lanes52, const ROOM: u8> Field for Ifma<L, ROOM> {
    const LANES: usize = 8;
    const LOG_LANES: usize = 3;
    const EIGHTHS: bool = ROOM >= AMPLE;
    // Low words below 2^52: sums of 2^11 stay below 2^63.
    const CELL_TERMS: usize = 2048;
    const CELL_ROWS: usize = 8;
    const HALVES: bool = ROOM == NARROW;
    const SHORT_BITS: u32 = 52;

    type Word = L::Vector;
    type Value = L::Vector;
    type Root = Root<L::Vector>;
    type Lift = Lift<L::Vector>;
    type Sum = Wide<L::Vector>;
    type Pattern = L::Vector;
    type Cell = Wide<L::Vector>;
    type Closing = (Root<L::Vector>, Root<L::Vector>);
    type Factor = L::Vector;
    type Unpacking = Unpacking<L::Vector>;
    type Packed = u64;

    #[inline(always)]
    fn load_word(self, from: &[u64]) -> L::Vector {
        self.lanes.load(from)
    }

    #[inline(always)]
    fn store_word(self, word: L::Vector, to: &mut [u64]) {
        self.lanes.store(word, to);
    }

    #[inline(always)]
    fn add(self, a: L::Vector, b: L::Vector) -> L::Vector {
        self.canonical_near(self.lanes.add(a, b))
    }

    #[inline(always)]
    fn sub(self, a: L::Vector, b: L::Vector) -> L::Vector {
        let v = self.lanes;
        let difference = v.sub(a, b);
        // A negative difference wraps to a huge word.
        v.min(difference, v.add(difference, self.q))
    }

    #[inline(always)]
    fn negate(self, a: L::Vector) -> L::Vector {
        self.sub(self.lanes.splat(0), a)
    }

    fn pattern_word(lane: usize) -> u64 {
        lane as u64
    }

    #[inline(always)]
    fn pattern(self, words: &[u64]) -> L::Vector {
        self.lanes.load(words)
    }

    #[inline(always)]
    fn shuffle(self, word: L::Vector, pattern: L::Vector) -> L::Vector {
        self.lanes.shuffle(word, pattern)
    }

    #[inline(always)]
    fn value(self, word: L::Vector) -> L::Vector {
        word
    }

    #[inline(always)]
    fn canonical(self, x: L::Vector) -> L::Vector {
        self.canonical_near(self.guard(x))
    }

    #[inline(always)]
    fn canonical_near(self, x: L::Vector) -> L::Vector {
        let v = self.lanes;
        v.min(x, v.sub(x, self.q))
    }

    #[inline(always)]
    fn settle(self, x: L::Vector) -> L::Vector {
        self.canonical(x)
    }

    #[inline(always)]
    fn plus(self, x: L::Vector, y: L::Vector) -> L::Vector {
        self.lanes.add(x, y)
    }

    #[inline(always)]
    fn turn(self, x: L::Vector, pattern: L::Vector) -> L::Vector {
        self.lanes.shuffle(x, pattern)
    }

    #[inline(always)]
    fn load_raw(self, from: &[u64]) -> L::Vector {
        self.lanes.load(from)
    }

    #[inline(always)]
    fn store_raw(self, x: L::Vector, to: &mut [u64]) {
        self.lanes.store(x, to);
    }

    #[inline(always)]
    fn packed_bits(modulus: &Modulus) -> usize {
        if ROOM == NARROW {
            32
        } else {
            modulus.bits() as usize
        }
    }

    #[inline(always)]
    fn unpacking(self) -> Unpacking<L::Vector> {
        let v = self.lanes;
        let bits = u64::from(self.modulus.bits());
        let (mut bytes, mut shifts) = ([0; 8], [0; 8]);
        for lane in 0..8 {
            let first = lane as u64 * bits;
            // The bytes first / 8 … first / 8 + 7, of which the last is 63 at most.
            bytes[lane] = 0x0706_0504_0302_0100 + first / 8 * 0x0101_0101_0101_0101;
            shifts[lane] = first % 8;
        }
        Unpacking {
            bytes: v.load(&bytes),
            shifts: v.load(&shifts),
            mask: v.splat((1 << bits) - 1),
        }
    }

    #[inline(always)]
    fn prefetch(self, from: &[u64], at: usize) {
        self.lanes.prefetch(from, at);
    }

    #[inline(always)]
    fn load_packed(self, from: &[u64], at: usize, unpacking: Self::Unpacking) -> [L::Vector; 2] {
        let v = self.lanes;
        if ROOM == NARROW {
            // Sums read the lower halves alone.
            let both = v.load_at(from, at);
            return [both, v.shift_right(both, 32)];
        }
        let mut vectors = [v.splat(0); 2];
        for (k, vector) in vectors.iter_mut().enumerate() {
            let row = v.load_at(from, at + k * self.modulus.bits() as usize);
            let row = v.shuffle_bytes(row, unpacking.bytes);
            *vector = v.and(v.shift_each(row, unpacking.shifts), unpacking.mask);
        }
        vectors
    }

    #[inline(always)]
    fn lift(self, period: u64) -> Lift<L::Vector> {
        let v = self.lanes;
        let q = self.modulus.value();
        // Residues of p ≤ 2q are below 2q as they are.
        let reduce = period > 2 * q;
        // x − p is at least −p/2 > −q, or x was reduced: then p must be too.
        let below_zero = if reduce {
            q - self.modulus.reduce(period)
        } else {
            (2 * q).wrapping_sub(period)
        };
        Lift {
            half: v.splat(period >> 1),
            below_zero: v.splat(below_zero),
            one: v.splat(self.modulus.base52.one),
            reduce,
        }
    }

    #[inline(always)]
    fn lifted(self, from: &[u64], lift: Lift<L::Vector>) -> L::Vector {
        let v = self.lanes;
        let x = v.load(from);
        let reduced = if lift.reduce {
            self.reduce(x, lift.one)
        } else {
            x
        };
        v.add_where_greater(reduced, lift.below_zero, x, lift.half)
    }

    #[inline(always)]
    fn root_entry(modulus: &Modulus, w: u64) -> (u64, u64) {
        (w, Base52::quotient(modulus.value(), w))
    }

    #[inline(always)]
    fn root(self, table: &RootTable, index: usize) -> Root<L::Vector> {
        self.constant((table.values[index], table.quotients[index]))
    }

    #[inline(always)]
    fn roots(self, values: &[u64], quotients: &[u64], repeat: usize) -> Root<L::Vector> {
        Root {
            value: self.repeated(values, repeat),
            quotient: self.repeated(quotients, repeat),
        }
    }

    #[inline(always)]
    fn constant(self, (value, quotient): (u64, u64)) -> Root<L::Vector> {
        Root {
            value: self.lanes.splat(value),
            quotient: self.lanes.splat(quotient),
        }
    }

    #[inline(always)]
    fn forward(self, x: L::Vector, y: L::Vector, w: Self::Root) -> (L::Vector, L::Vector) {
        match ROOM {
            AMPLE | NARROW => return self.butterfly(x, y, w),
            ROOMY => return self.butterfly(self.guard_far(x), y, w),
            _ => {}
        }
        let v = self.lanes;
        let x = self.guard(x);
        let t = self.shoup(y, w);
        (v.add(x, t), v.sub(v.add(x, self.twice), t))
    }

    #[inline(always)]
    fn forwards_again<const K: usize>(
        self,
        x: [L::Vector; K],
        y: [L::Vector; K],
        w: [Self::Root; K],
    ) -> ([L::Vector; K], [L::Vector; K]) {
        if ROOM == TIGHT {
            return self.forwards(x, y, w);
        }
        let (mut x, mut y) = (x, y);
        for i in 0..K {
            (x[i], y[i]) = self.butterfly(x[i], y[i], w[i]);
        }
        (x, y)
    }

    #[inline(always)]
    fn transformed_word(self, x: L::Vector) -> L::Vector {
        match ROOM {
            AMPLE | NARROW => self.canonical_near(self.reduced(x)),
            ROOMY => self.canonical(self.guard_far(x)),
            _ => self.canonical(x),
        }
    }

    /// With ample room below 38q, right modulo 2^52, which multiplications by 52 bits read.
    #[inline(always)]
    fn transformed(self, x: L::Vector) -> L::Vector {
        if ROOM == AMPLE {
            x
        } else {
            self.transformed_word(x)
        }
    }

    #[inline(always)]
    fn inverse(self, x: L::Vector, y: L::Vector, w: Self::Root) -> (L::Vector, L::Vector) {
        let v = self.lanes;
        if ROOM >= AMPLE {
            let above = v.splat(16 * self.modulus.value());
            let difference = v.sub(v.add(x, above), y);
            return (v.add(x, y), self.shoup(difference, w));
        }
        let difference = v.sub(v.add(x, self.twice), y);
        (self.guard(v.add(x, y)), self.shoup(difference, w))
    }

    #[inline(always)]
    fn scale(self, x: L::Vector, w: Self::Root) -> L::Vector {
        self.shoup(x, w)
    }

    #[inline(always)]
    fn refresh(self, x: L::Vector) -> L::Vector {
        x
    }

    #[inline(always)]
    fn refresh_deep(self, x: L::Vector) -> L::Vector {
        if ROOM >= AMPLE { self.reduced(x) } else { x }
    }

    #[inline(always)]
    fn swap(self, a: L::Vector, b: L::Vector, log: usize) -> (L::Vector, L::Vector) {
        let v = self.lanes;
        if log == 0 {
            return v.pairs(a, b);
        }
        let [first, second] = &SWAPS[log - 1];
        (
            v.choose(a, b, v.load(first)),
            v.choose(a, b, v.load(second)),
        )
    }

    #[inline(always)]
    fn enter(self, a: L::Vector, b: L::Vector) -> (L::Vector, L::Vector) {
        let v = self.lanes;
        (
            v.choose(a, b, v.load(&ENTER[0])),
            v.choose(a, b, v.load(&ENTER[1])),
        )
    }

    #[inline(always)]
    fn leave(self, a: L::Vector, b: L::Vector) -> (L::Vector, L::Vector) {
        let v = self.lanes;
        (
            v.choose(a, b, v.load(&LEAVE[0])),
            v.choose(a, b, v.load(&LEAVE[1])),
        )
    }

    /// Barrett with the n + 2 upper bits of the product: the quotient is at most 2.5 too small, so
    /// the residue is below 2.5q.
    #[inline(always)]
    fn product(self, a: L::Vector, b: L::Vector) -> L::Vector {
        let v = self.lanes;
        let n = self.modulus.bits();
        let low = v.mul_low(v.splat(0), a, b);
        let high = v.mul_high(v.splat(0), a, b);
        let upper = v.or(v.shift_left(high, 54 - n), v.shift_right(low, n - 2));
        let quotient = v.mul_high(v.splat(0), upper, v.splat(self.modulus.base52.barrett));
        self.guard(self.subtract_multiple(low, quotient))
    }

    #[inline(always)]
    fn difference(self, a: L::Vector, b: L::Vector) -> L::Vector {
        let v = self.lanes;
        let above = if ROOM >= AMPLE { 38 } else { 1 };
        v.sub(v.add(a, v.splat(above * self.modulus.value())), b)
    }

    /// High words below 2^48: with carries 15 stay below 2^52. Of narrow residues as many as stay below
    /// 2^64 with what a fold leaves, 4q.
    #[inline(always)]
    fn sum_terms(self) -> usize {
        if ROOM == NARROW {
            (1 << (64 - 2 * self.modulus.bits()).min(10)) - 1
        } else {
            15
        }
    }

    #[inline(always)]
    fn prepared_terms(self) -> usize {
        self.sum_terms()
    }

    #[inline(always)]
    fn sum(self, start: L::Vector) -> Wide<L::Vector> {
        Wide {
            low: start,
            high: self.lanes.splat(0),
        }
    }

    #[inline(always)]
    fn sum_add(self, sum: Wide<L::Vector>, a: L::Vector, b: L::Vector) -> Wide<L::Vector> {
        if ROOM == NARROW {
            let low = self.lanes.add(sum.low, self.lanes.mul_halves(a, b));
            return Wide { low, ..sum };
        }
        self.add_wide(sum, a, b)
    }

    #[inline(always)]
    fn sum_fold(self, sum: Wide<L::Vector>) -> Wide<L::Vector> {
        self.sum(self.sum_value(sum))
    }

    #[inline(always)]
    fn sum_value(self, sum: Wide<L::Vector>) -> L::Vector {
        let v = self.lanes;
        if ROOM == NARROW {
            return self.reduced_word(sum.low);
        }
        let sum = self.carry(sum);
        let low = self.reduced(sum.low);
        v.add(low, self.shoup(sum.high, self.power_root()))
    }

    #[inline(always)]
    fn pack(_: &Modulus, weight: u64) -> u64 {
        weight
    }

    #[inline(always)]
    fn factor(self, word: L::Vector) -> L::Vector {
        word
    }

    #[inline(always)]
    fn cell(self) -> Wide<L::Vector> {
        self.sum(self.lanes.splat(0))
    }

    #[inline(always)]
    fn cell_add(self, cell: Wide<L::Vector>, x: L::Vector, weight: u64) -> Wide<L::Vector> {
        self.add_wide(cell, x, self.lanes.splat(weight))
    }

    #[inline(always)]
    fn closing(self) -> Self::Closing {
        let (power, _) = self.modulus.base52.power;
        let square = self.modulus.mul(power, power);
        (
            self.power_root(),
            self.constant(Self::root_entry(&self.modulus, square)),
        )
    }

    #[inline(always)]
    fn cell_word(self, cell: Wide<L::Vector>, closing: Self::Closing) -> L::Vector {
        let v = self.lanes;
        let cell = self.carry(cell);
        let upper = self.carry(Wide {
            low: cell.high,
            high: v.splat(0),
        });
        let low = self.reduced(cell.low);
        let middle = self.shoup(upper.low, closing.0);
        let high = self.shoup(upper.high, closing.1);
        self.canonical(v.add(self.guard(v.add(low, middle)), high))
    }

    /// A multiple of q from 2^62 on: sums with it are positive.
    #[inline(always)]
    fn narrow(self) -> L::Vector {
        let q = self.modulus.value();
        self.lanes.splat((1u64 << 62).div_ceil(q) * q)
    }

    #[inline(always)]
    fn narrow_add(self, cell: L::Vector, x: L::Vector, weight: i32) -> L::Vector {
        let v = self.lanes;
        v.add(cell, v.mul_halves(x, v.splat_halves(weight)))
    }

    #[inline(always)]
    fn narrow_word(self, cell: L::Vector, _: Self::Closing) -> L::Vector {
        let high = self.lanes.splat(0);
        self.canonical(self.sum_value(Wide { low: cell, high }))
    }

    #[inline(always)]
    fn short_add(self, cell: L::Vector, x: L::Vector, weight: u64) -> L::Vector {
        let v = self.lanes;
        v.mul_low(cell, x, v.splat(weight))
    }

    #[inline(always)]
    fn short_total(self, total: L::Vector, x: L::Vector) -> L::Vector {
        self.lanes.add(total, x)
    }

    #[inline(always)]
    fn short_word(self, sum: L::Vector, total: L::Vector, shift: u32) -> L::Vector {
        let v = self.lanes;
        let taken = v.sub(sum, v.shift_left(total, shift));
        self.canonical(self.reduced_word(v.add(taken, self.narrow())))
    }
}
