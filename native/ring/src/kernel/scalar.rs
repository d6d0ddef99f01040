//! Portable kernel: one residue at a time, 64-bit words, moduli up to 2^61.
//!
//! Values of a forward transform lie in [0, 4q), of an inverse one in [0, 2q).
//! Source: Harvey, "Faster arithmetic for number-theoretic transforms", 2014, §3.
use super::{Field, RootTable};
use crate::modulus::{Modulus, mul_high};

#[derive(Clone, Copy)]
pub(crate) struct Scalar {
    modulus: Modulus,
    twice: u64,
}

#[derive(Clone, Copy)]
pub(crate) struct Root {
    value: u64,
    quotient: u64,
}

#[derive(Clone, Copy)]
pub(crate) struct Lift {
    half: u64,
    /// −p mod q.
    below_zero: u64,
}

impl Scalar {
    #[inline(always)]
    pub(crate) fn new(modulus: &Modulus) -> Self {
        Self {
            modulus: *modulus,
            twice: 2 * modulus.value(),
        }
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

impl Field for Scalar {
    const LANES: usize = 1;
    const LOG_LANES: usize = 0;
    // Products below 2^122.
    const SUM_TERMS: usize = 32;
    const PREPARED_TERMS: usize = 32;
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
        let x = self.guard(x);
        x.min(x.wrapping_sub(self.modulus.value()))
    }

    #[inline(always)]
    fn canonical_near(self, x: u64) -> u64 {
        x.min(x.wrapping_sub(self.modulus.value()))
    }

    #[inline(always)]
    fn settle(self, x: u64) -> u64 {
        self.canonical(x)
    }

    #[inline(always)]
    fn plus(self, x: u64, y: u64) -> u64 {
        x + y
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
    fn lift(self, period: u64) -> Lift {
        Lift {
            half: period >> 1,
            below_zero: self.modulus.value() - self.modulus.reduce(period),
        }
    }

    #[inline(always)]
    fn lifted(self, from: &[u64], lift: Lift) -> u64 {
        let x = from[0];
        let fix = if x > lift.half { lift.below_zero } else { 0 };
        self.modulus.reduce(x) + fix
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
    fn roots(self, table: &RootTable, index: usize, _: usize) -> Root {
        self.root(table, index)
    }

    #[inline(always)]
    fn constant(self, (value, quotient): (u64, u64)) -> Root {
        Root { value, quotient }
    }

    #[inline(always)]
    fn forward(self, x: u64, y: u64, w: Root) -> (u64, u64) {
        let x = self.guard(x);
        let t = self.shoup(y, w);
        (x + t, x + self.twice - t)
    }

    #[inline(always)]
    fn inverse(self, x: u64, y: u64, w: Root) -> (u64, u64) {
        (self.guard(x + y), self.shoup(x + self.twice - y, w))
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
        self.modulus.mul(a, b)
    }

    #[inline(always)]
    fn difference(self, a: u64, b: u64) -> u64 {
        a + self.modulus.value() - b
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
        u128::from(self.modulus.reduce_wide(sum))
    }

    #[inline(always)]
    fn sum_value(self, sum: u128) -> u64 {
        self.modulus.reduce_wide(sum)
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
        self.modulus.reduce_wide(cell)
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
