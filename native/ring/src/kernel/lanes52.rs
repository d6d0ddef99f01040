//! Vectors of eight words with the 52-bit multiply-add of AVX-512 IFMA.

/// Eight lanes of 64 bits. Multiplications read the low 52 bits of their factors.
///
/// A value exists only where the processor has the instructions.
pub(crate) trait Lanes52: Copy {
    type Vector: Copy;

    fn splat(self, x: u64) -> Self::Vector;
    /// In both halves of every word: from memory that is a load, where a word has its sign extended first.
    fn splat_halves(self, x: i32) -> Self::Vector;
    fn load(self, from: &[u64]) -> Self::Vector;
    /// Eight words from byte `at` on.
    fn load_at(self, from: &[u64], at: usize) -> Self::Vector;
    fn store(self, x: Self::Vector, to: &mut [u64]);
    /// A hint that byte `at` will be read, which may lie behind the end.
    fn prefetch(self, from: &[u64], at: usize);
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Unsigned.
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn and(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn or(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Every lane by the same count below 64.
    fn shift_left(self, a: Self::Vector, count: u32) -> Self::Vector;
    fn shift_right(self, a: Self::Vector, count: u32) -> Self::Vector;
    /// Each lane to the right by its own count below 64.
    fn shift_each(self, a: Self::Vector, counts: Self::Vector) -> Self::Vector;
    /// Bytes of `a` by index, the lower six bits of each byte of `order`.
    fn shuffle_bytes(self, a: Self::Vector, order: Self::Vector) -> Self::Vector;
    /// sum + the low 52 bits of a·b.
    fn mul_low(self, sum: Self::Vector, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// sum + the bits of a·b from 52 on.
    fn mul_high(self, sum: Self::Vector, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The product of the low 32 bits of each lane, signed.
    fn mul_halves(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a > b ? x + c : x, unsigned.
    fn add_where_greater(
        self,
        x: Self::Vector,
        c: Self::Vector,
        a: Self::Vector,
        b: Self::Vector,
    ) -> Self::Vector;
    /// Lanes of `a` (0 … 7) and `b` (8 … 15) by index.
    fn choose(self, a: Self::Vector, b: Self::Vector, order: Self::Vector) -> Self::Vector;
    /// Even lanes of `a` and `b` in turn, and odd ones.
    fn pairs(self, a: Self::Vector, b: Self::Vector) -> (Self::Vector, Self::Vector);
    /// Lanes of `a` by index.
    fn shuffle(self, a: Self::Vector, order: Self::Vector) -> Self::Vector;
}

/// The same operations without vector instructions, for tests and for Miri.
#[derive(Clone, Copy)]
pub(crate) struct Emulated52;

type Eight = [u64; 8];

const MASK: u64 = (1 << 52) - 1;

fn both(a: Eight, b: Eight, f: impl Fn(u64, u64) -> u64) -> Eight {
    core::array::from_fn(|i| f(a[i], b[i]))
}

fn product(a: u64, b: u64) -> u128 {
    u128::from(a & MASK) * u128::from(b & MASK)
}

impl Lanes52 for Emulated52 {
    type Vector = Eight;

    fn splat(self, x: u64) -> Eight {
        [x; 8]
    }

    fn splat_halves(self, x: i32) -> Eight {
        [u64::from(x as u32) << 32 | u64::from(x as u32); 8]
    }

    fn load(self, from: &[u64]) -> Eight {
        core::array::from_fn(|i| from[i])
    }

    fn load_at(self, from: &[u64], at: usize) -> Eight {
        assert!(at + 64 <= size_of_val(from));
        core::array::from_fn(|i| {
            let (word, byte) = ((at + 8 * i) / 8, at % 8);
            let low = u128::from(from[word]);
            // Where a lane ends with a word, there may be none behind it.
            let high = u128::from(*from.get(word + 1).unwrap_or(&0));
            ((high << 64 | low) >> (8 * byte)) as u64
        })
    }

    fn store(self, x: Eight, to: &mut [u64]) {
        to[..8].copy_from_slice(&x);
    }

    fn prefetch(self, _: &[u64], _: usize) {}

    fn add(self, a: Eight, b: Eight) -> Eight {
        both(a, b, u64::wrapping_add)
    }

    fn sub(self, a: Eight, b: Eight) -> Eight {
        both(a, b, u64::wrapping_sub)
    }

    fn min(self, a: Eight, b: Eight) -> Eight {
        both(a, b, u64::min)
    }

    fn and(self, a: Eight, b: Eight) -> Eight {
        both(a, b, |a, b| a & b)
    }

    fn or(self, a: Eight, b: Eight) -> Eight {
        both(a, b, |a, b| a | b)
    }

    fn shift_left(self, a: Eight, count: u32) -> Eight {
        a.map(|a| a << count)
    }

    fn shift_right(self, a: Eight, count: u32) -> Eight {
        a.map(|a| a >> count)
    }

    fn shift_each(self, a: Eight, counts: Eight) -> Eight {
        both(a, counts, |a, count| a >> count)
    }

    fn shuffle_bytes(self, a: Eight, order: Eight) -> Eight {
        let byte = |n: u8| a[usize::from(n & 63) / 8].to_le_bytes()[usize::from(n) % 8];
        order.map(|order| u64::from_le_bytes(order.to_le_bytes().map(byte)))
    }

    fn mul_low(self, sum: Eight, a: Eight, b: Eight) -> Eight {
        let low = both(a, b, |a, b| product(a, b) as u64 & MASK);
        self.add(sum, low)
    }

    fn mul_high(self, sum: Eight, a: Eight, b: Eight) -> Eight {
        let high = both(a, b, |a, b| (product(a, b) >> 52) as u64);
        self.add(sum, high)
    }

    fn mul_halves(self, a: Eight, b: Eight) -> Eight {
        both(a, b, |a, b| {
            (i64::from(a as i32) * i64::from(b as i32)) as u64
        })
    }

    fn add_where_greater(self, x: Eight, c: Eight, a: Eight, b: Eight) -> Eight {
        core::array::from_fn(|i| {
            if a[i] > b[i] {
                x[i].wrapping_add(c[i])
            } else {
                x[i]
            }
        })
    }

    fn choose(self, a: Eight, b: Eight, order: Eight) -> Eight {
        order.map(|i| {
            let lane = (i & 7) as usize;
            if i & 8 == 0 { a[lane] } else { b[lane] }
        })
    }

    fn pairs(self, a: Eight, b: Eight) -> (Eight, Eight) {
        let from =
            |odd: usize| core::array::from_fn(|i| if i % 2 == 0 { a } else { b }[i / 2 * 2 + odd]);
        (from(0), from(1))
    }

    fn shuffle(self, a: Eight, order: Eight) -> Eight {
        order.map(|i| a[(i & 7) as usize])
    }
}
