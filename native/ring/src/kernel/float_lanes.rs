//! Vectors of four double-precision numbers, and the integer operations around them.

/// Four lanes of 64 bits, as numbers and as integers.
///
/// Integer lanes are signed. A value exists only where the processor has the instructions.
pub(crate) trait FloatLanes: Copy {
    type Number: Copy;
    type Integer: Copy;

    fn number(self, x: f64) -> Self::Number;
    fn integer(self, x: u64) -> Self::Integer;
    /// The low halves of lanes get the 32-bit integer; the rest is unspecified.
    fn half_integer(self, x: i32) -> Self::Integer;
    fn load(self, from: &[u64]) -> Self::Integer;
    fn store(self, x: Self::Integer, to: &mut [u64]);
    /// The same bits.
    fn as_number(self, x: Self::Integer) -> Self::Number;
    fn as_integer(self, x: Self::Number) -> Self::Integer;

    fn add(self, a: Self::Number, b: Self::Number) -> Self::Number;
    fn sub(self, a: Self::Number, b: Self::Number) -> Self::Number;
    fn mul(self, a: Self::Number, b: Self::Number) -> Self::Number;
    /// a·b − c, rounded once.
    fn mul_sub(self, a: Self::Number, b: Self::Number, c: Self::Number) -> Self::Number;
    /// c − a·b, rounded once.
    fn sub_mul(self, a: Self::Number, b: Self::Number, c: Self::Number) -> Self::Number;
    /// To the nearest integer, ties to even.
    fn round(self, a: Self::Number) -> Self::Number;

    fn add_int(self, a: Self::Integer, b: Self::Integer) -> Self::Integer;
    fn sub_int(self, a: Self::Integer, b: Self::Integer) -> Self::Integer;
    fn and(self, a: Self::Integer, b: Self::Integer) -> Self::Integer;
    fn or(self, a: Self::Integer, b: Self::Integer) -> Self::Integer;
    fn xor(self, a: Self::Integer, b: Self::Integer) -> Self::Integer;
    /// Logical shift to the right.
    fn shift_right<const BITS: i32>(self, a: Self::Integer) -> Self::Integer;
    /// Signed product of the low halves of lanes.
    fn mul_halves(self, a: Self::Integer, b: Self::Integer) -> Self::Integer;
    /// a > b ? c : 0, signed.
    fn where_greater(self, a: Self::Integer, b: Self::Integer, c: Self::Integer) -> Self::Integer;
    /// sign < 0 ? negative : other.
    fn select(
        self,
        sign: Self::Integer,
        negative: Self::Integer,
        other: Self::Integer,
    ) -> Self::Integer;

    /// ([a0 a1 b0 b1], [a2 a3 b2 b3])
    fn swap_pairs(self, a: Self::Number, b: Self::Number) -> (Self::Number, Self::Number);
    /// ([a0 b0 a2 b2], [a1 b1 a3 b3])
    fn swap_lanes(self, a: Self::Number, b: Self::Number) -> (Self::Number, Self::Number);
    /// [x0 x0 x1 x1]
    fn load_twice(self, from: &[u64]) -> Self::Number;
    /// Lanes in the order of 32-bit halves.
    fn shuffle(self, x: Self::Integer, halves: Self::Integer) -> Self::Integer;
}

/// The same operations without vector instructions, for tests and for Miri.
#[derive(Clone, Copy)]
pub(crate) struct EmulatedFloat;

#[inline(always)]
fn each<A: Copy, B>(a: [A; 4], f: impl Fn(A) -> B) -> [B; 4] {
    a.map(f)
}

#[inline(always)]
fn both<A: Copy, B: Copy, C>(a: [A; 4], b: [B; 4], f: impl Fn(A, B) -> C) -> [C; 4] {
    core::array::from_fn(|i| f(a[i], b[i]))
}

impl FloatLanes for EmulatedFloat {
    type Number = [f64; 4];
    type Integer = [u64; 4];

    fn number(self, x: f64) -> [f64; 4] {
        [x; 4]
    }

    fn integer(self, x: u64) -> [u64; 4] {
        [x; 4]
    }

    fn half_integer(self, x: i32) -> [u64; 4] {
        // The upper half is what the vector instruction leaves there.
        let half = u64::from(x as u32);
        [half << 32 | half; 4]
    }

    fn load(self, from: &[u64]) -> [u64; 4] {
        core::array::from_fn(|i| from[i])
    }

    fn store(self, x: [u64; 4], to: &mut [u64]) {
        to[..4].copy_from_slice(&x);
    }

    fn as_number(self, x: [u64; 4]) -> [f64; 4] {
        each(x, f64::from_bits)
    }

    fn as_integer(self, x: [f64; 4]) -> [u64; 4] {
        each(x, f64::to_bits)
    }

    fn add(self, a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
        both(a, b, |a, b| a + b)
    }

    fn sub(self, a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
        both(a, b, |a, b| a - b)
    }

    fn mul(self, a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
        both(a, b, |a, b| a * b)
    }

    fn mul_sub(self, a: [f64; 4], b: [f64; 4], c: [f64; 4]) -> [f64; 4] {
        core::array::from_fn(|i| a[i].mul_add(b[i], -c[i]))
    }

    fn sub_mul(self, a: [f64; 4], b: [f64; 4], c: [f64; 4]) -> [f64; 4] {
        core::array::from_fn(|i| (-a[i]).mul_add(b[i], c[i]))
    }

    fn round(self, a: [f64; 4]) -> [f64; 4] {
        each(a, f64::round_ties_even)
    }

    fn add_int(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
        both(a, b, u64::wrapping_add)
    }

    fn sub_int(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
        both(a, b, u64::wrapping_sub)
    }

    fn and(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
        both(a, b, |a, b| a & b)
    }

    fn or(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
        both(a, b, |a, b| a | b)
    }

    fn xor(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
        both(a, b, |a, b| a ^ b)
    }

    fn shift_right<const BITS: i32>(self, a: [u64; 4]) -> [u64; 4] {
        each(a, |a| a >> BITS)
    }

    fn mul_halves(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
        both(a, b, |a, b| {
            (i64::from(a as i32) * i64::from(b as i32)) as u64
        })
    }

    fn where_greater(self, a: [u64; 4], b: [u64; 4], c: [u64; 4]) -> [u64; 4] {
        core::array::from_fn(|i| if a[i] as i64 > b[i] as i64 { c[i] } else { 0 })
    }

    fn select(self, sign: [u64; 4], negative: [u64; 4], other: [u64; 4]) -> [u64; 4] {
        core::array::from_fn(|i| {
            if sign[i] >> 63 == 1 {
                negative[i]
            } else {
                other[i]
            }
        })
    }

    fn swap_pairs(self, a: [f64; 4], b: [f64; 4]) -> ([f64; 4], [f64; 4]) {
        ([a[0], a[1], b[0], b[1]], [a[2], a[3], b[2], b[3]])
    }

    fn swap_lanes(self, a: [f64; 4], b: [f64; 4]) -> ([f64; 4], [f64; 4]) {
        ([a[0], b[0], a[2], b[2]], [a[1], b[1], a[3], b[3]])
    }

    fn load_twice(self, from: &[u64]) -> [f64; 4] {
        each([from[0], from[0], from[1], from[1]], f64::from_bits)
    }

    fn shuffle(self, x: [u64; 4], halves: [u64; 4]) -> [u64; 4] {
        let half = |index: u64| {
            let index = (index & 7) as usize;
            x[index / 2] >> (32 * (index % 2)) & 0xffff_ffff
        };
        each(halves, |h| half(h & 0xffff_ffff) | half(h >> 32) << 32)
    }
}
