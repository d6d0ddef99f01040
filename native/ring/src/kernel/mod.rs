//! Kernels: one body of code for every instruction set.
//!
//! An [`Operation`] is written once over a [`Field`], which says how residues sit in registers and
//! how products are reduced. [`Kernel::run`] enters it through a function that has the target
//! features switched on; everything below is inlined into that function. What is not inlined has not
//! the features, and is many times slower: fields are used in loops and functions marked
//! `#[inline(always)]`, never in closures.
mod float;
mod float_lanes;
mod ifma;
mod lanes52;
mod scalar;

use crate::modulus::Modulus;
use core::fmt;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

/// Residue arithmetic on vectors of one instruction set.
///
/// A `Word` is a vector of canonical residues in [0, q). A `Value` is a residue in the form that
/// butterflies work on, lazily reduced; each implementation states its bounds. A value is made only
/// where the processor has the features, so its methods need no further proof.
pub(crate) trait Field: Copy {
    /// Residues in a vector.
    const LANES: usize;
    /// log2 of `LANES`.
    const LOG_LANES: usize;
    /// Whether passes of a transform take three layers, eight values in registers; two otherwise.
    const EIGHTHS: bool = false;
    /// Products that a `Cell` takes before `cell_word`.
    const CELL_TERMS: usize;
    /// Rows of a matrix product that fit the registers.
    const CELL_ROWS: usize;
    /// Whether packed residues of two vectors share words, as halves.
    const HALVES: bool = false;
    /// Bits of products that one multiplication of words adds up; 0 where there is none.
    const SHORT_BITS: u32 = 0;

    type Word: Copy;
    type Value: Copy;
    /// A constant factor with what its multiplication needs.
    type Root: Copy;
    /// Constants that bring centred residues of another prime to this one.
    type Lift: Copy;
    /// A sum of products, reduced once.
    type Sum: Copy;
    /// An order of lanes.
    type Pattern: Copy;
    /// A sum of products with packed weights.
    type Cell: Copy;
    /// Constants that reduce a `Cell`.
    type Closing: Copy;
    /// A vector prepared for products with weights.
    type Factor: Copy;
    /// What takes packed residues apart.
    type Unpacking: Copy;
    /// A weight as the matrix product stores it.
    type Packed: Copy;

    fn load_word(self, from: &[u64]) -> Self::Word;
    fn store_word(self, word: Self::Word, to: &mut [u64]);
    fn add(self, a: Self::Word, b: Self::Word) -> Self::Word;
    fn sub(self, a: Self::Word, b: Self::Word) -> Self::Word;
    fn negate(self, a: Self::Word) -> Self::Word;
    /// How a table of patterns says that a lane takes the value of `lane`.
    fn pattern_word(lane: usize) -> u64;
    fn pattern(self, words: &[u64]) -> Self::Pattern;
    fn shuffle(self, word: Self::Word, pattern: Self::Pattern) -> Self::Word;

    /// Enter the form of values.
    fn value(self, word: Self::Word) -> Self::Value;
    /// Leave it, from any value within the lazy bounds.
    fn canonical(self, x: Self::Value) -> Self::Word;
    /// Leave it, from what `product` or `scale` of canonical operands returned.
    fn canonical_near(self, x: Self::Value) -> Self::Word;
    /// Leave it, from what `scale`, `sum_value` or the second of `inverse` returned.
    #[inline(always)]
    fn canonical_product(self, x: Self::Value) -> Self::Word {
        self.canonical(x)
    }
    /// A prepared residue, a factor of sums, from any value within the lazy bounds: kept in memory
    /// as registers hold it, small, so that nothing is left to do when it is loaded.
    fn settle(self, x: Self::Value) -> Self::Value;
    /// A prepared residue as an inverse transform takes it.
    #[inline(always)]
    fn settled(self, x: Self::Value) -> Self::Value {
        x
    }
    /// x + y of prepared residues, to be settled.
    fn plus(self, x: Self::Value, y: Self::Value) -> Self::Value;
    /// Lanes of a value in another order.
    fn turn(self, x: Self::Value, pattern: Self::Pattern) -> Self::Value;
    /// Values in the form of registers, between the passes of a transform.
    fn load_raw(self, from: &[u64]) -> Self::Value;
    fn store_raw(self, x: Self::Value, to: &mut [u64]);

    /// Bits that a packed residue takes in memory.
    fn packed_bits(_: &Modulus) -> usize {
        64
    }
    fn unpacking(self) -> Self::Unpacking;
    /// Have the line of byte `at` brought to the caches, if there is one: a hint.
    #[inline(always)]
    fn prefetch(self, _from: &[u64], _at: usize) {}
    /// Two vectors of packed residues, prepared: 2 LANES of them, from byte `at` of what holds them.
    fn load_packed(self, from: &[u64], at: usize, unpacking: Self::Unpacking) -> [Self::Value; 2];

    /// For words below a period, those above its half below zero: residues of another prime.
    fn lift(self, period: u64) -> Self::Lift;
    /// Such words as values of this prime.
    fn lifted(self, from: &[u64], lift: Self::Lift) -> Self::Value;

    /// Make the table entry of a constant: its value and its quotient.
    fn root_entry(modulus: &Modulus, w: u64) -> (u64, u64);
    /// The entry at `index` in every lane.
    fn root(self, table: &RootTable, index: usize) -> Self::Root;
    /// LANES >> repeat entries of a table, each repeated 2^repeat times; the slices hold LANES words.
    fn roots(self, values: &[u64], quotients: &[u64], repeat: usize) -> Self::Root;
    /// An entry that is in no table.
    fn constant(self, entry: (u64, u64)) -> Self::Root;

    /// (x + w·y, x − w·y), Cooley–Tukey.
    fn forward(self, x: Self::Value, y: Self::Value, w: Self::Root) -> (Self::Value, Self::Value);
    /// (x + y, w·(x − y)), Gentleman–Sande.
    fn inverse(self, x: Self::Value, y: Self::Value, w: Self::Root) -> (Self::Value, Self::Value);
    /// Independent forward butterflies, step by step side by side.
    #[inline(always)]
    fn forwards<const K: usize>(
        self,
        x: [Self::Value; K],
        y: [Self::Value; K],
        w: [Self::Root; K],
    ) -> ([Self::Value; K], [Self::Value; K]) {
        let (mut x, mut y) = (x, y);
        for i in 0..K {
            (x[i], y[i]) = self.forward(x[i], y[i], w[i]);
        }
        (x, y)
    }
    /// [`Field::forwards`] of what it returned itself: where there is room, nothing is reduced.
    #[inline(always)]
    fn forwards_again<const K: usize>(
        self,
        x: [Self::Value; K],
        y: [Self::Value; K],
        w: [Self::Root; K],
    ) -> ([Self::Value; K], [Self::Value; K]) {
        self.forwards(x, y, w)
    }
    /// A canonical residue, from what either of these returned.
    fn transformed_word(self, x: Self::Value) -> Self::Word;
    /// The same as a prepared residue that is multiplied or given to `difference`, and nothing else.
    fn transformed(self, x: Self::Value) -> Self::Value;
    /// Independent inverse butterflies, likewise.
    #[inline(always)]
    fn inverses<const K: usize>(
        self,
        x: [Self::Value; K],
        y: [Self::Value; K],
        w: [Self::Root; K],
    ) -> ([Self::Value; K], [Self::Value; K]) {
        let (mut x, mut y) = (x, y);
        for i in 0..K {
            (x[i], y[i]) = self.inverse(x[i], y[i], w[i]);
        }
        (x, y)
    }
    /// w · x.
    fn scale(self, x: Self::Value, w: Self::Root) -> Self::Value;
    /// Back to small values where sums have grown; nothing where each butterfly does it.
    fn refresh(self, x: Self::Value) -> Self::Value;
    /// The same where sums are those of an inverse transform.
    #[inline(always)]
    fn refresh_sum(self, x: Self::Value) -> Self::Value {
        self.refresh(x)
    }
    /// The same for sums of an inverse transform that come from more than one layer of a pass.
    #[inline(always)]
    fn refresh_deep(self, x: Self::Value) -> Self::Value {
        x
    }
    /// Swap the odd blocks of 2^log lanes of `a` with the even ones of `b`.
    fn swap(self, a: Self::Value, b: Self::Value, log: usize) -> (Self::Value, Self::Value);
    /// From natural order to the order after `swap` by every block size, largest first.
    fn enter(self, a: Self::Value, b: Self::Value) -> (Self::Value, Self::Value);
    /// The inverse of `enter`.
    fn leave(self, a: Self::Value, b: Self::Value) -> (Self::Value, Self::Value);

    /// a · b of canonical values.
    fn product(self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// a − b of canonical values, or of prepared ones with b `transformed`, to be given to `scale`.
    fn difference(self, a: Self::Value, b: Self::Value) -> Self::Value;

    /// Products that a `Sum` takes before `sum_fold`.
    fn sum_terms(self) -> usize;
    /// The same where a factor of each product is prepared, and the start.
    fn prepared_terms(self) -> usize;
    fn sum(self, start: Self::Value) -> Self::Sum;
    /// sum + a·b of canonical values.
    fn sum_add(self, sum: Self::Sum, a: Self::Value, b: Self::Value) -> Self::Sum;
    /// Reduce a sum so that it takes `sum_terms` more.
    fn sum_fold(self, sum: Self::Sum) -> Self::Sum;
    fn sum_value(self, sum: Self::Sum) -> Self::Value;

    fn pack(modulus: &Modulus, weight: u64) -> Self::Packed;
    fn factor(self, word: Self::Word) -> Self::Factor;
    fn cell(self) -> Self::Cell;
    fn cell_add(self, cell: Self::Cell, x: Self::Factor, weight: Self::Packed) -> Self::Cell;
    fn closing(self) -> Self::Closing;
    fn cell_word(self, cell: Self::Cell, closing: Self::Closing) -> Self::Word;

    /// A sum of products of residues and weights below 2^31, itself below 2^62.
    fn narrow(self) -> Self::Word;
    fn narrow_add(self, cell: Self::Word, x: Self::Word, weight: i32) -> Self::Word;
    fn narrow_word(self, cell: Self::Word, closing: Self::Closing) -> Self::Word;

    /// cell + x·weight for a product below 2^`SHORT_BITS`.
    fn short_add(self, _cell: Self::Word, _x: Self::Word, _weight: u64) -> Self::Word {
        unreachable!("no product is short where SHORT_BITS is 0")
    }
    /// total + x, not reduced.
    fn short_total(self, _total: Self::Word, _x: Self::Word) -> Self::Word {
        unreachable!("no product is short where SHORT_BITS is 0")
    }
    /// The residue of sum − total·2^shift, for a sum below 2^63 and a difference of more than −2^62.
    fn short_word(self, _sum: Self::Word, _total: Self::Word, _shift: u32) -> Self::Word {
        unreachable!("no product is short where SHORT_BITS is 0")
    }
}

/// Constants in the form of one kernel: values, and the quotients of Shoup's multiplication where
/// the kernel uses them.
#[derive(Debug, Default)]
pub(crate) struct RootTable {
    pub(crate) values: Vec<u64>,
    pub(crate) quotients: Vec<u64>,
}

impl RootTable {
    fn new<F: Field>(modulus: &Modulus, roots: &[u64]) -> Self {
        let (values, quotients) = roots.iter().map(|&w| F::root_entry(modulus, w)).unzip();
        Self { values, quotients }
    }

    /// Values and quotients of some entries.
    #[inline(always)]
    pub(crate) fn range(&self, first: usize, count: usize) -> (&[u64], &[u64]) {
        (
            &self.values[first..first + count],
            &self.quotients[first..first + count],
        )
    }
}

/// Work on residues of one prime, written once for every kernel.
pub(crate) trait Operation {
    type Output;
    /// Implementations are `#[inline(always)]`: they run inside a function with target features.
    fn run<F: Field>(self, field: F) -> Self::Output;
}

/// Work on words without a modulus, compiled for the instruction set of each kernel: loops over arrays
/// become vector instructions there.
pub trait WordWork {
    /// What it makes.
    type Output;
    /// Implementations are `#[inline(always)]`, and so is what they call: the compiler takes the
    /// instruction set of the function that they end in.
    fn run(self) -> Self::Output;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Scalar,
    EmulatedFloat,
    EmulatedIfma,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Ifma,
}

/// An instruction set that this processor has.
///
/// All kernels give the same bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Kernel(Kind);

type EmulatedIfma<const ROOM: u8> = ifma::Ifma<lanes52::Emulated52, ROOM>;

/// Vector kernels hold residues of up to 50 bits: 52-bit multipliers, 53-bit mantissas.
pub const VECTOR_MODULUS_BITS: u32 = 50;
/// Vector kernels load words of so many bits.
pub(crate) const WORD_BITS: u32 = 52;

impl Kernel {
    /// Portable code on 64-bit words; moduli up to 2^61.
    pub const SCALAR: Self = Self(Kind::Scalar);
    /// The AVX-512 IFMA code on emulated lanes: slow, for tests.
    pub const EMULATED_IFMA: Self = Self(Kind::EmulatedIfma);
    /// The AVX2 code on emulated lanes: slow, for tests.
    pub const EMULATED_AVX2: Self = Self(Kind::EmulatedFloat);

    /// The fastest kernel of this processor.
    pub fn detect() -> Self {
        Self::native().last().copied().unwrap_or(Self::SCALAR)
    }

    /// The kernels of this processor, slowest first.
    pub fn native() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut))]
        let mut kernels = vec![Self::SCALAR];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                kernels.push(Self(Kind::Avx2));
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512ifma")
                && is_x86_feature_detected!("avx512vbmi")
            {
                kernels.push(Self(Kind::Ifma));
            }
        }
        kernels
    }

    /// `native`, and the vector kernels on emulated lanes: what tests compare.
    pub fn all() -> Vec<Self> {
        let mut kernels = Self::native();
        kernels.extend([Self::EMULATED_AVX2, Self::EMULATED_IFMA]);
        kernels
    }

    /// Name for reports.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Kind::Scalar => "scalar",
            Kind::EmulatedFloat => "emulated-avx2",
            Kind::EmulatedIfma => "emulated-ifma",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Ifma => "avx512-ifma",
        }
    }

    /// The kernel that serves a modulus: scalar for one that vector kernels cannot hold.
    #[must_use]
    pub const fn serving(self, modulus: &Modulus) -> Self {
        if modulus.bits() > VECTOR_MODULUS_BITS {
            Self::SCALAR
        } else {
            self
        }
    }

    /// Run an operation modulo a prime that the kernel can hold.
    #[inline]
    pub(crate) fn run<O: Operation>(self, modulus: &Modulus, operation: O) -> O::Output {
        debug_assert!(self.serving(modulus) == self);
        match self.0 {
            Kind::Scalar if modulus.bits() <= scalar::ROOMY_BITS => {
                operation.run(scalar::Scalar::<true>::new(modulus))
            }
            Kind::Scalar => operation.run(scalar::Scalar::<false>::new(modulus)),
            Kind::EmulatedFloat => {
                operation.run(float::Float::<float_lanes::EmulatedFloat>::new(modulus))
            }
            Kind::EmulatedIfma => match ifma::room(modulus) {
                ifma::NARROW => operation.run(EmulatedIfma::<{ ifma::NARROW }>::new(modulus)),
                ifma::AMPLE => operation.run(EmulatedIfma::<{ ifma::AMPLE }>::new(modulus)),
                ifma::ROOMY => operation.run(EmulatedIfma::<{ ifma::ROOMY }>::new(modulus)),
                _ => operation.run(EmulatedIfma::<{ ifma::TIGHT }>::new(modulus)),
            },
            // SAFETY: this kind is made by `native` alone, after the features were detected.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { run_avx2(modulus, operation) },
            // SAFETY: this kind is made by `native` alone, after the features were detected.
            #[cfg(target_arch = "x86_64")]
            Kind::Ifma => unsafe {
                match ifma::room(modulus) {
                    ifma::NARROW => run_ifma::<_, { ifma::NARROW }>(modulus, operation),
                    ifma::AMPLE => run_ifma::<_, { ifma::AMPLE }>(modulus, operation),
                    ifma::ROOMY => run_ifma::<_, { ifma::ROOMY }>(modulus, operation),
                    _ => run_ifma::<_, { ifma::TIGHT }>(modulus, operation),
                }
            },
        }
    }

    /// Run an operation that moves words and computes nothing.
    #[inline]
    pub(crate) fn run_unbound<O: Operation>(self, operation: O) -> O::Output {
        self.run(&Modulus::SMALLEST, operation)
    }

    /// Run work on words with the instructions of this kernel.
    pub fn run_words<W: WordWork>(self, work: W) -> W::Output {
        struct Words<W>(W);
        impl<W: WordWork> Operation for Words<W> {
            type Output = W::Output;
            #[inline(always)]
            fn run<F: Field>(self, _: F) -> W::Output {
                self.0.run()
            }
        }
        self.run_unbound(Words(work))
    }

    /// Bits that this kernel's packed residues of a prime take.
    pub(crate) fn packed_bits(self, modulus: &Modulus) -> usize {
        struct Bits<'a>(&'a Modulus);
        impl Operation for Bits<'_> {
            type Output = usize;
            #[inline(always)]
            fn run<F: Field>(self, _: F) -> usize {
                F::packed_bits(self.0)
            }
        }
        self.run(modulus, Bits(modulus))
    }

    /// Constants in the form of this kernel.
    pub(crate) fn table(self, modulus: &Modulus, roots: &[u64]) -> RootTable {
        struct Build<'a>(&'a Modulus, &'a [u64]);
        impl Operation for Build<'_> {
            type Output = RootTable;
            #[inline(always)]
            fn run<F: Field>(self, _: F) -> RootTable {
                RootTable::new::<F>(self.0, self.1)
            }
        }
        self.run(modulus, Build(modulus, roots))
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// # Safety
/// The processor has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn run_avx2<O: Operation>(modulus: &Modulus, operation: O) -> O::Output {
    // SAFETY: the caller's promise.
    let lanes = unsafe { avx2::Avx2::new() };
    operation.run(float::Float::with_lanes(modulus, lanes))
}

/// # Safety
/// The processor has AVX-512 F, DQ, IFMA and VBMI.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
unsafe fn run_ifma<O: Operation, const ROOM: u8>(modulus: &Modulus, operation: O) -> O::Output {
    // SAFETY: the caller's promise.
    let lanes = unsafe { avx512::Avx512::new() };
    operation.run(ifma::Ifma::<_, ROOM>::with_lanes(modulus, lanes))
}
