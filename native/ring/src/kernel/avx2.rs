//! [`FloatLanes`] on AVX2 and FMA: one instruction each.
use super::float_lanes::FloatLanes;
#[allow(clippy::wildcard_imports)]
use core::arch::x86_64::*;

/// Proof that the processor has AVX2 and FMA.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// # Safety
    /// The processor has AVX2 and FMA.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

/// An intrinsic that needs nothing but the instruction set.
macro_rules! op {
    ($call:expr) => {{
        // SAFETY: `self` exists only where the processor has AVX2 and FMA.
        unsafe { $call }
    }};
}

impl FloatLanes for Avx2 {
    type Number = __m256d;
    type Integer = __m256i;

    #[inline(always)]
    fn number(self, x: f64) -> __m256d {
        op!(_mm256_set1_pd(x))
    }

    #[inline(always)]
    fn integer(self, x: u64) -> __m256i {
        op!(_mm256_set1_epi64x(x as i64))
    }

    #[inline(always)]
    fn half_integer(self, x: i32) -> __m256i {
        op!(_mm256_set1_epi32(x))
    }

    #[inline(always)]
    fn load(self, from: &[u64]) -> __m256i {
        assert!(from.len() >= 4);
        // SAFETY: four words are readable; the instruction needs no alignment.
        unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, x: __m256i, to: &mut [u64]) {
        assert!(to.len() >= 4);
        // SAFETY: four words are writable; the instruction needs no alignment.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), x) }
    }

    #[inline(always)]
    fn as_number(self, x: __m256i) -> __m256d {
        op!(_mm256_castsi256_pd(x))
    }

    #[inline(always)]
    fn as_integer(self, x: __m256d) -> __m256i {
        op!(_mm256_castpd_si256(x))
    }

    #[inline(always)]
    fn add(self, a: __m256d, b: __m256d) -> __m256d {
        op!(_mm256_add_pd(a, b))
    }

    #[inline(always)]
    fn sub(self, a: __m256d, b: __m256d) -> __m256d {
        op!(_mm256_sub_pd(a, b))
    }

    #[inline(always)]
    fn mul(self, a: __m256d, b: __m256d) -> __m256d {
        op!(_mm256_mul_pd(a, b))
    }

    #[inline(always)]
    fn mul_sub(self, a: __m256d, b: __m256d, c: __m256d) -> __m256d {
        op!(_mm256_fmsub_pd(a, b, c))
    }

    #[inline(always)]
    fn sub_mul(self, a: __m256d, b: __m256d, c: __m256d) -> __m256d {
        op!(_mm256_fnmadd_pd(a, b, c))
    }

    #[inline(always)]
    fn round(self, a: __m256d) -> __m256d {
        op!(_mm256_round_pd::<
            { _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC },
        >(a))
    }

    #[inline(always)]
    fn add_int(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_add_epi64(a, b))
    }

    #[inline(always)]
    fn sub_int(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_sub_epi64(a, b))
    }

    #[inline(always)]
    fn and(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_and_si256(a, b))
    }

    #[inline(always)]
    fn or(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_or_si256(a, b))
    }

    #[inline(always)]
    fn xor(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_xor_si256(a, b))
    }

    #[inline(always)]
    fn shift_right<const BITS: i32>(self, a: __m256i) -> __m256i {
        op!(_mm256_srli_epi64::<BITS>(a))
    }

    #[inline(always)]
    fn mul_halves(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_mul_epi32(a, b))
    }

    #[inline(always)]
    fn where_greater(self, a: __m256i, b: __m256i, c: __m256i) -> __m256i {
        op!(_mm256_and_si256(_mm256_cmpgt_epi64(a, b), c))
    }

    #[inline(always)]
    fn select(self, sign: __m256i, negative: __m256i, other: __m256i) -> __m256i {
        op!(_mm256_castpd_si256(_mm256_blendv_pd(
            _mm256_castsi256_pd(other),
            _mm256_castsi256_pd(negative),
            _mm256_castsi256_pd(sign),
        )))
    }

    #[inline(always)]
    fn swap_pairs(self, a: __m256d, b: __m256d) -> (__m256d, __m256d) {
        op!((
            _mm256_permute2f128_pd::<0x20>(a, b),
            _mm256_permute2f128_pd::<0x31>(a, b)
        ))
    }

    #[inline(always)]
    fn swap_lanes(self, a: __m256d, b: __m256d) -> (__m256d, __m256d) {
        op!((_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b)))
    }

    #[inline(always)]
    fn load_twice(self, from: &[u64]) -> __m256d {
        let (low, high) = (f64::from_bits(from[0]), f64::from_bits(from[1]));
        op!(_mm256_set_m128d(_mm_set1_pd(high), _mm_set1_pd(low)))
    }

    #[inline(always)]
    fn shuffle(self, x: __m256i, halves: __m256i) -> __m256i {
        op!(_mm256_permutevar8x32_epi32(x, halves))
    }
}
