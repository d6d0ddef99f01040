//! [`Lanes52`] on AVX-512 F, DQ, IFMA and VBMI: one instruction each.
use super::lanes52::Lanes52;
#[allow(clippy::wildcard_imports)]
use core::arch::x86_64::*;

/// Proof that the processor has AVX-512 F, DQ, IFMA and VBMI.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// # Safety
    /// The processor has AVX-512 F, DQ, IFMA and VBMI.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

/// An intrinsic that needs nothing but the instruction set.
macro_rules! op {
    ($call:expr) => {{
        // SAFETY: `self` exists only where the processor has AVX-512 F, DQ, IFMA and VBMI.
        unsafe { $call }
    }};
}

impl Lanes52 for Avx512 {
    type Vector = __m512i;

    #[inline(always)]
    fn splat(self, x: u64) -> __m512i {
        op!(_mm512_set1_epi64(x as i64))
    }

    #[inline(always)]
    fn splat_halves(self, x: i32) -> __m512i {
        op!(_mm512_set1_epi32(x))
    }

    #[inline(always)]
    fn load(self, from: &[u64]) -> __m512i {
        assert!(from.len() >= 8);
        // SAFETY: eight words are readable; the instruction needs no alignment.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn load_at(self, from: &[u64], at: usize) -> __m512i {
        assert!(at + 64 <= size_of_val(from));
        // SAFETY: 64 bytes are readable from there; the instruction needs no alignment.
        unsafe { _mm512_loadu_si512(from.as_ptr().byte_add(at).cast()) }
    }

    #[inline(always)]
    fn store(self, x: __m512i, to: &mut [u64]) {
        assert!(to.len() >= 8);
        // SAFETY: eight words are writable; the instruction needs no alignment.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), x) }
    }

    #[inline(always)]
    fn prefetch(self, from: &[u64], at: usize) {
        let at = from.as_ptr().wrapping_byte_add(at).cast();
        // SAFETY: a prefetch reads nothing, and faults nowhere.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at) }
    }

    #[inline(always)]
    fn add(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_add_epi64(a, b))
    }

    #[inline(always)]
    fn sub(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_sub_epi64(a, b))
    }

    #[inline(always)]
    fn min(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_min_epu64(a, b))
    }

    #[inline(always)]
    fn and(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_and_si512(a, b))
    }

    #[inline(always)]
    fn or(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_or_si512(a, b))
    }

    #[inline(always)]
    fn shift_left(self, a: __m512i, count: u32) -> __m512i {
        op!(_mm512_sll_epi64(a, _mm_cvtsi32_si128(count as i32)))
    }

    #[inline(always)]
    fn shift_right(self, a: __m512i, count: u32) -> __m512i {
        op!(_mm512_srl_epi64(a, _mm_cvtsi32_si128(count as i32)))
    }

    #[inline(always)]
    fn shift_each(self, a: __m512i, counts: __m512i) -> __m512i {
        op!(_mm512_srlv_epi64(a, counts))
    }

    #[inline(always)]
    fn shuffle_bytes(self, a: __m512i, order: __m512i) -> __m512i {
        op!(_mm512_permutexvar_epi8(order, a))
    }

    #[inline(always)]
    fn mul_low(self, sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_madd52lo_epu64(sum, a, b))
    }

    #[inline(always)]
    fn mul_high(self, sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_madd52hi_epu64(sum, a, b))
    }

    #[inline(always)]
    fn mul_halves(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_mul_epi32(a, b))
    }

    #[inline(always)]
    fn add_where_greater(self, x: __m512i, c: __m512i, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_mask_add_epi64(
            x,
            _mm512_cmpgt_epu64_mask(a, b),
            x,
            c
        ))
    }

    #[inline(always)]
    fn choose(self, a: __m512i, b: __m512i, order: __m512i) -> __m512i {
        op!(_mm512_permutex2var_epi64(a, order, b))
    }

    #[inline(always)]
    fn pairs(self, a: __m512i, b: __m512i) -> (__m512i, __m512i) {
        op!((_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b)))
    }

    #[inline(always)]
    fn shuffle(self, a: __m512i, order: __m512i) -> __m512i {
        op!(_mm512_permutexvar_epi64(order, a))
    }
}

#[cfg(test)]
mod tests {
    use super::super::lanes52::Emulated52;
    use super::*;
    use proptest::prelude::*;

    /// What a function of eight words gives, on these lanes.
    struct Results<L: Lanes52>(L);

    impl<L: Lanes52> Results<L> {
        fn words(&self, x: L::Vector) -> [u64; 8] {
            let mut words = [0; 8];
            self.0.store(x, &mut words);
            words
        }

        #[inline(always)]
        fn of(&self, words: [&[u64; 8]; 4], count: u32) -> Vec<(&'static str, [u64; 8])> {
            let v = self.0;
            let [a, b, c, x] = words.map(|words| v.load(words));
            let row = words.map(|words| *words);
            [
                ("splat", v.splat(words[0][0])),
                ("add", v.add(a, b)),
                ("sub", v.sub(a, b)),
                ("min", v.min(a, b)),
                ("and", v.and(a, b)),
                ("or", v.or(a, b)),
                ("shift_left", v.shift_left(a, count)),
                ("shift_right", v.shift_right(a, count)),
                ("shift_each", v.shift_each(a, v.and(c, v.splat(63)))),
                ("shuffle_bytes", v.shuffle_bytes(a, c)),
                ("load_at", v.load_at(row.as_flattened(), count as usize)),
                ("mul_low", v.mul_low(c, a, b)),
                ("mul_high", v.mul_high(c, a, b)),
                ("mul_halves", v.mul_halves(a, b)),
                ("add_where_greater", v.add_where_greater(x, c, a, b)),
                ("choose", v.choose(a, b, c)),
                ("pairs, even", v.pairs(a, b).0),
                ("pairs, odd", v.pairs(a, b).1),
                ("shuffle", v.shuffle(a, c)),
            ]
            .map(|(name, x)| (name, self.words(x)))
            .to_vec()
        }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    fn on_hardware(words: [&[u64; 8]; 4], count: u32) -> Vec<(&'static str, [u64; 8])> {
        // SAFETY: the function has the features.
        Results(unsafe { Avx512::new() }).of(words, count)
    }

    fn words() -> impl Strategy<Value = [u64; 8]> {
        let word = prop_oneof![any::<u64>(), 0..1u64 << 52, 0..16u64, Just(u64::MAX)];
        prop::array::uniform8(word)
    }

    proptest! {
        #[test]
        fn each_instruction_is_as_emulated(
            a in words(), b in words(), c in words(), x in words(), count in 0u32..64,
        ) {
            if !(is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512ifma")
                && is_x86_feature_detected!("avx512vbmi"))
            {
                return Ok(());
            }
            let arguments = [&a, &b, &c, &x];
            let expected = Results(Emulated52).of(arguments, count);
            // SAFETY: the processor has the features.
            prop_assert_eq!(unsafe { on_hardware(arguments, count) }, expected);
        }
    }
}
