//! Operations on each residue alone: one pass over memory, whatever is fused.
use crate::kernel::{Field, Operation};
use core::marker::PhantomData;

/// A function of two canonical residues.
pub(crate) trait Binary {
    fn apply<F: Field>(f: F, a: F::Word, b: F::Word) -> F::Word;
}

pub(crate) struct Sum;
pub(crate) struct Difference;
pub(crate) struct Product;

impl Binary for Sum {
    #[inline(always)]
    fn apply<F: Field>(f: F, a: F::Word, b: F::Word) -> F::Word {
        f.add(a, b)
    }
}

impl Binary for Difference {
    #[inline(always)]
    fn apply<F: Field>(f: F, a: F::Word, b: F::Word) -> F::Word {
        f.sub(a, b)
    }
}

impl Binary for Product {
    #[inline(always)]
    fn apply<F: Field>(f: F, a: F::Word, b: F::Word) -> F::Word {
        f.canonical_near(f.product(f.value(a), f.value(b)))
    }
}

/// out = a ∘ b
pub(crate) struct Zip<'a, B> {
    pub(crate) out: &'a mut [u64],
    pub(crate) a: &'a [u64],
    pub(crate) b: &'a [u64],
    pub(crate) function: PhantomData<B>,
}

impl<B: Binary> Operation for Zip<'_, B> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let out = self.out.chunks_exact_mut(F::LANES);
        let operands = self
            .a
            .chunks_exact(F::LANES)
            .zip(self.b.chunks_exact(F::LANES));
        for (out, (a, b)) in out.zip(operands) {
            f.store_word(B::apply(f, f.load_word(a), f.load_word(b)), out);
        }
    }
}

/// a = a ∘ b
pub(crate) struct ZipAssign<'a, B> {
    pub(crate) a: &'a mut [u64],
    pub(crate) b: &'a [u64],
    pub(crate) function: PhantomData<B>,
}

impl<B: Binary> Operation for ZipAssign<'_, B> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let pairs = self
            .a
            .chunks_exact_mut(F::LANES)
            .zip(self.b.chunks_exact(F::LANES));
        for (a, b) in pairs {
            f.store_word(B::apply(f, f.load_word(a), f.load_word(b)), a);
        }
    }
}

/// out = −a
pub(crate) struct Negate<'a> {
    pub(crate) out: &'a mut [u64],
    pub(crate) a: &'a [u64],
}

impl Operation for Negate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let pairs = self
            .out
            .chunks_exact_mut(F::LANES)
            .zip(self.a.chunks_exact(F::LANES));
        for (out, a) in pairs {
            f.store_word(f.negate(f.load_word(a)), out);
        }
    }
}

/// a = a + c: a constant polynomial in both forms of which every value, or the first coefficient,
/// is c.
pub(crate) struct AddScalar<'a> {
    pub(crate) a: &'a mut [u64],
    /// The residue in every word of a vector.
    pub(crate) scalar: [u64; 8],
}

impl Operation for AddScalar<'_> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let scalar = f.load_word(&self.scalar);
        for a in self.a.chunks_exact_mut(F::LANES) {
            f.store_word(f.add(f.load_word(a), scalar), a);
        }
    }
}

/// out = c · a, or out += c · a
pub(crate) struct MulScalar<'a, const ADD: bool> {
    pub(crate) out: &'a mut [u64],
    pub(crate) a: &'a [u64],
    pub(crate) scalar: (u64, u64),
}

impl<const ADD: bool> Operation for MulScalar<'_, ADD> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let scalar = f.constant(self.scalar);
        let pairs = self
            .out
            .chunks_exact_mut(F::LANES)
            .zip(self.a.chunks_exact(F::LANES));
        for (out, a) in pairs {
            let mut x = f.canonical_near(f.scale(f.value(f.load_word(a)), scalar));
            if ADD {
                x = f.add(f.load_word(out), x);
            }
            f.store_word(x, out);
        }
    }
}

/// out = c · (a − b), or out += c · (a − b): the end of a division by a prime.
pub(crate) struct SubScale<'a, const ADD: bool> {
    pub(crate) out: &'a mut [u64],
    pub(crate) a: &'a [u64],
    pub(crate) b: &'a [u64],
    pub(crate) scalar: (u64, u64),
}

impl<const ADD: bool> Operation for SubScale<'_, ADD> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let scalar = f.constant(self.scalar);
        let out = self.out.chunks_exact_mut(F::LANES);
        let operands = self
            .a
            .chunks_exact(F::LANES)
            .zip(self.b.chunks_exact(F::LANES));
        for (out, (a, b)) in out.zip(operands) {
            let (a, b) = (f.value(f.load_word(a)), f.value(f.load_word(b)));
            let mut x = f.canonical_near(f.scale(f.difference(a, b), scalar));
            if ADD {
                x = f.add(f.load_word(out), x);
            }
            f.store_word(x, out);
        }
    }
}

/// Canonical residues to prepared ones.
pub(crate) struct Prepare<'a> {
    pub(crate) out: &'a mut [u64],
    pub(crate) a: &'a [u64],
}

impl Operation for Prepare<'_> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let pairs = self
            .out
            .chunks_exact_mut(F::LANES)
            .zip(self.a.chunks_exact(F::LANES));
        for (out, a) in pairs {
            f.store_raw(f.settle(f.value(f.load_word(a))), out);
        }
    }
}

/// a += b of prepared residues.
pub(crate) struct AddPrepared<'a> {
    pub(crate) a: &'a mut [u64],
    pub(crate) b: &'a [u64],
}

impl Operation for AddPrepared<'_> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let pairs = self
            .a
            .chunks_exact_mut(F::LANES)
            .zip(self.b.chunks_exact(F::LANES));
        for (a, b) in pairs {
            let sum = f.plus(f.load_raw(a), f.load_raw(b));
            f.store_raw(f.settle(sum), a);
        }
    }
}

/// out = c · (a − b), or base + c · (a − b), of prepared a and b: canonical.
pub(crate) struct Divide<'a> {
    pub(crate) out: &'a mut [u64],
    pub(crate) a: &'a [u64],
    pub(crate) b: &'a [u64],
    pub(crate) base: Option<&'a [u64]>,
    pub(crate) scalar: (u64, u64),
}

impl Operation for Divide<'_> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let scalar = f.constant(self.scalar);
        let operands = self
            .a
            .chunks_exact(F::LANES)
            .zip(self.b.chunks_exact(F::LANES));
        let out = self.out.chunks_exact_mut(F::LANES);
        for (i, (out, (a, b))) in out.zip(operands).enumerate() {
            let (a, b) = (f.load_raw(a), f.load_raw(b));
            let mut x = f.canonical_near(f.scale(f.difference(a, b), scalar));
            if let Some(base) = self.base {
                x = f.add(f.load_word(&base[i * F::LANES..]), x);
            }
            f.store_word(x, out);
        }
    }
}

/// (a0 + a1·s)(b0 + b1·s) = out0 + out1·s + out2·s²
pub(crate) struct Tensor<'a> {
    pub(crate) out: [&'a mut [u64]; 3],
    pub(crate) a: [&'a [u64]; 2],
    pub(crate) b: [&'a [u64]; 2],
}

impl Operation for Tensor<'_> {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, f: F) {
        let [out0, out1, out2] = self.out.map(|part| part.chunks_exact_mut(F::LANES));
        let [a0, a1] = self.a.map(|part| part.chunks_exact(F::LANES));
        let [b0, b1] = self.b.map(|part| part.chunks_exact(F::LANES));
        let operands = a0.zip(a1).zip(b0.zip(b1));
        for (((out0, out1), out2), ((a0, a1), (b0, b1))) in out0.zip(out1).zip(out2).zip(operands) {
            let (a0, a1) = (f.value(f.load_word(a0)), f.value(f.load_word(a1)));
            let (b0, b1) = (f.value(f.load_word(b0)), f.value(f.load_word(b1)));
            let zero = f.sum(f.value(f.load_word(&[0; 8])));
            let cross = f.sum_add(f.sum_add(zero, a0, b1), a1, b0);
            f.store_word(f.canonical_near(f.product(a0, b0)), out0);
            f.store_word(f.canonical_product(f.sum_value(cross)), out1);
            f.store_word(f.canonical_near(f.product(a1, b1)), out2);
        }
    }
}
