//! A prime modulus with the constants of its reductions.
use crate::error::RingError;

/// Moduli stay below 2^61, so that sums of eight residues fit a word.
pub const MAX_MODULUS_BITS: u32 = 61;

/// A prime q < 2^61 and its Barrett constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modulus {
    value: u64,
    /// floor(2^128 / q), high and low word: the high one is floor(2^64 / q).
    pub(crate) ratio: (u64, u64),
    pub(crate) base52: Base52,
}

/// Constants of reductions with 52-bit multipliers; zero where q has more than 50 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Base52 {
    /// floor(2^52 / q): Shoup's quotient of 1.
    pub(crate) one: u64,
    /// 2^52 mod q, and its quotient.
    pub(crate) power: (u64, u64),
    /// floor(2^(50 + n) / q) for q of n bits.
    pub(crate) barrett: u64,
}

impl Base52 {
    const fn new(q: u64) -> Self {
        if q >> 50 != 0 {
            return Self {
                one: 0,
                power: (0, 0),
                barrett: 0,
            };
        }
        let n = u64::BITS - q.leading_zeros();
        let power = (1 << 52) % q;
        Self {
            one: (1 << 52) / q,
            power: (power, Self::quotient(q, power)),
            barrett: ((1u128 << (50 + n)) / q as u128) as u64,
        }
    }

    /// floor(w · 2^52 / q)
    pub(crate) const fn quotient(q: u64, w: u64) -> u64 {
        (((w as u128) << 52) / q as u128) as u64
    }
}

impl Modulus {
    /// For operations that need none.
    pub(crate) const SMALLEST: Self = Self::unchecked(3);

    /// A modulus for a prime.
    ///
    /// # Errors
    /// [`RingError::Modulus`] where `value` is no odd prime below 2^61.
    pub fn new(value: u64) -> Result<Self, RingError> {
        if value < 3 || value >> MAX_MODULUS_BITS != 0 || !is_prime(value) {
            return Err(RingError::Modulus { value });
        }
        Ok(Self::unchecked(value))
    }

    const fn unchecked(value: u64) -> Self {
        // 2^128 − 1 has the same quotient as 2^128: q is odd and greater than one.
        let ratio = u128::MAX / value as u128;
        Self {
            value,
            ratio: ((ratio >> 64) as u64, ratio as u64),
            base52: Base52::new(value),
        }
    }

    /// The prime.
    #[inline(always)]
    pub const fn value(&self) -> u64 {
        self.value
    }

    /// Bits of the prime.
    pub const fn bits(&self) -> u32 {
        u64::BITS - self.value.leading_zeros()
    }

    /// (q − 1) / 2: the largest residue that stands for itself when residues are centred.
    #[inline(always)]
    pub const fn half(&self) -> u64 {
        self.value >> 1
    }

    /// floor(x / q) or one less.
    #[inline(always)]
    pub(crate) const fn quotient(&self, x: u64) -> u64 {
        mul_high(x, self.ratio.0)
    }

    /// floor(2^(63 + bits) / q), for q of so many bits.
    #[inline(always)]
    pub(crate) const fn barrett(&self, bits: u32) -> u64 {
        (((self.ratio.0 as u128) << 64 | self.ratio.1 as u128) >> (65 - bits)) as u64
    }

    /// x mod q for any word.
    #[inline(always)]
    pub const fn reduce(&self, x: u64) -> u64 {
        let quotient = self.quotient(x);
        once(
            x.wrapping_sub(quotient.wrapping_mul(self.value)),
            self.value,
        )
    }

    /// x mod q for any double word (Barrett).
    #[inline(always)]
    pub const fn reduce_wide(&self, x: u128) -> u64 {
        let (high, low) = ((x >> 64) as u64, x as u64);
        // floor(x · ratio / 2^128) up to one: the words of the product that matter.
        let carry = mul_high(low, self.ratio.1);
        let first = low as u128 * self.ratio.0 as u128;
        let second = high as u128 * self.ratio.1 as u128;
        let middle = (first as u64 as u128) + (second as u64 as u128) + carry as u128;
        let quotient = high
            .wrapping_mul(self.ratio.0)
            .wrapping_add((first >> 64) as u64)
            .wrapping_add((second >> 64) as u64)
            .wrapping_add((middle >> 64) as u64);
        once(
            low.wrapping_sub(quotient.wrapping_mul(self.value)),
            self.value,
        )
    }

    /// a + b mod q for residues.
    #[inline(always)]
    pub const fn add(&self, a: u64, b: u64) -> u64 {
        once(a + b, self.value)
    }

    /// a − b mod q for residues.
    #[inline(always)]
    pub const fn sub(&self, a: u64, b: u64) -> u64 {
        once(a + self.value - b, self.value)
    }

    /// −a mod q for a residue.
    #[inline(always)]
    pub const fn negate(&self, a: u64) -> u64 {
        if a == 0 { 0 } else { self.value - a }
    }

    /// a · b mod q for any words.
    #[inline(always)]
    pub const fn mul(&self, a: u64, b: u64) -> u64 {
        self.reduce_wide(a as u128 * b as u128)
    }

    /// a^e mod q.
    pub const fn pow(&self, a: u64, mut e: u64) -> u64 {
        let mut base = self.reduce(a);
        let mut result = 1;
        while e > 0 {
            if e & 1 == 1 {
                result = self.mul(result, base);
            }
            base = self.mul(base, base);
            e >>= 1;
        }
        result
    }

    /// The inverse of a residue; 0 for 0.
    pub const fn inverse(&self, a: u64) -> u64 {
        self.pow(a, self.value - 2)
    }

    /// The residue of a signed integer.
    pub const fn from_signed(&self, x: i64) -> u64 {
        let magnitude = self.reduce(x.unsigned_abs());
        if x < 0 {
            self.negate(magnitude)
        } else {
            magnitude
        }
    }

    /// The representative of a residue in −(q−1)/2 … (q−1)/2.
    #[inline(always)]
    pub const fn centred(&self, a: u64) -> i64 {
        if a > self.half() {
            a as i64 - self.value as i64
        } else {
            a as i64
        }
    }

    /// floor(w · 2^64 / q): the quotient of Shoup's multiplication by the residue w.
    #[inline(always)]
    pub const fn shoup(&self, w: u64) -> u64 {
        (((w as u128) << 64) / self.value as u128) as u64
    }

    /// The smallest primitive root of unity of an order that is a power of two.
    ///
    /// All of SEAL's transforms start from this root.
    ///
    /// # Errors
    /// [`RingError::NoRoot`] where the order does not divide q − 1.
    ///
    /// Source: microsoft/SEAL v4.1.2 `native/src/seal/util/numth.cpp` `try_minimal_primitive_root`.
    pub fn minimal_primitive_root(&self, order: u64) -> Result<u64, RingError> {
        let q = self.value;
        if !order.is_power_of_two() || order < 2 || !(q - 1).is_multiple_of(order) {
            return Err(RingError::NoRoot { modulus: q, order });
        }
        let cofactor = (q - 1) / order;
        // Half of all residues give a primitive root: the search ends after a few.
        let root = (2..q)
            .map(|g| self.pow(g, cofactor))
            .find(|&root| self.pow(root, order / 2) == q - 1)
            .ok_or(RingError::NoRoot { modulus: q, order })?;
        let square = self.mul(root, root);
        let mut power = root;
        let mut smallest = root;
        for _ in 0..order / 2 {
            smallest = smallest.min(power);
            power = self.mul(power, square);
        }
        Ok(smallest)
    }
}

#[inline(always)]
const fn once(x: u64, q: u64) -> u64 {
    if x >= q { x - q } else { x }
}

#[inline(always)]
pub(crate) const fn mul_high(a: u64, b: u64) -> u64 {
    ((a as u128 * b as u128) >> 64) as u64
}

/// Miller–Rabin with the first twelve primes as bases: exact below 2^64 (Sorenson, Webster 2015).
fn is_prime(n: u64) -> bool {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if n < 2 {
        return false;
    }
    if let Some(&p) = BASES.iter().find(|&&p| n.is_multiple_of(p)) {
        return n == p;
    }
    let mul = |a: u64, b: u64| (u128::from(a) * u128::from(b) % u128::from(n)) as u64;
    let twos = (n - 1).trailing_zeros();
    let odd = (n - 1) >> twos;
    BASES.iter().all(|&base| {
        let mut x = 1;
        let (mut power, mut e) = (base, odd);
        while e > 0 {
            if e & 1 == 1 {
                x = mul(x, power);
            }
            power = mul(power, power);
            e >>= 1;
        }
        if x == 1 || x == n - 1 {
            return true;
        }
        (1..twos).any(|_| {
            x = mul(x, x);
            x == n - 1
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PRIMES: [u64; 6] = [
        3,
        65537,
        1_099_510_054_913,
        562_949_953_216_513,
        1_125_899_904_679_937,
        2_305_843_009_213_554_689,
    ];

    #[test]
    fn accepts_primes_only() {
        assert!(
            PRIMES.iter().all(|&q| Modulus::new(q).is_ok()),
            "{PRIMES:?}"
        );
        for value in [0, 1, 2, 4, 65535, 3_215_031_751, u64::MAX, 1 << 61] {
            assert_eq!(Modulus::new(value), Err(RingError::Modulus { value }));
        }
    }

    #[test]
    fn minimal_root_is_primitive_and_smallest() {
        let modulus = Modulus::new(65537).unwrap();
        let order = 64;
        let root = modulus.minimal_primitive_root(order).unwrap();
        let all = (1..65537u64).filter(|&g| modulus.pow(g, order / 2) == 65536);
        assert_eq!(all.min(), Some(root));
        assert!(
            Modulus::new(1_000_003)
                .unwrap()
                .minimal_primitive_root(64)
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn agrees_with_wide_integers(a: u64, b: u64, wide: u128, index in 0..PRIMES.len()) {
            let q = PRIMES[index];
            let m = Modulus::new(q).unwrap();
            let wq = u128::from(q);
            prop_assert_eq!(m.reduce(a), a % q);
            prop_assert_eq!(u128::from(m.reduce_wide(wide)), wide % wq);
            prop_assert_eq!(u128::from(m.mul(a, b)), u128::from(a) * u128::from(b) % wq);
            let (a, b) = (a % q, b % q);
            prop_assert_eq!(u128::from(m.add(a, b)), (u128::from(a) + u128::from(b)) % wq);
            prop_assert_eq!(m.add(m.sub(a, b), b), a);
            prop_assert_eq!(m.add(m.negate(a), a), 0);
            prop_assert_eq!(m.from_signed(m.centred(a)), a);
            if a != 0 {
                prop_assert_eq!(m.mul(m.inverse(a), a), 1);
            }
        }
    }
}
