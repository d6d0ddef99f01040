//! Arithmetic modulo one prime: Z_q[X] / (X^N + 1).
use crate::convert::Part;
use crate::elementwise::{
    AddPrepared, AddScalar, Difference, Divide, MulScalar, Negate, Prepare, Product, SubScale, Sum,
    Tensor, Zip, ZipAssign,
};
use crate::error::RingError;
use crate::galois::Automorphism;
use crate::inner_product::InnerProducts;
use crate::kernel::{Field, Kernel, Operation, WORD_BITS};
use crate::key_product::{KeyProduct, PackKey};
use crate::matrix::MatrixProduct;
use crate::modulus::Modulus;
use crate::ntt::{Forward, ForwardConverted, ForwardLifted, Inverse, Tables};
use crate::packed_products::{PackFactor, PackedProducts};
use crate::packing::PADDING;
use core::marker::PhantomData;

/// Smallest and largest ring degree.
pub const DEGREES: core::ops::RangeInclusive<usize> = 1 << 10..=1 << 17;

/// Words of the parts that sums of products may be taken of: a multiple of every kernel's step.
pub const PART: usize = 64;

/// Bits of integers that are transformed as they are, their sign among them.
pub const INTEGER_BITS: u32 = 51;

/// The ring of polynomials modulo a prime q and X^N + 1, with the tables of its transform.
///
/// Operands are slices of N canonical residues, in [0, q); what is said to be "transformed" is in
/// the order of SEAL's NTT form. Results are canonical. Slices of another length panic.
///
/// "Prepared" residues are transformed ones in the form in which this kernel multiplies: made and
/// taken by the functions that say so, meaningless elsewhere.
#[derive(Debug)]
pub struct PrimeRing {
    modulus: Modulus,
    degree: usize,
    kernel: Kernel,
    root: u64,
    tables: Tables,
}

/// A constant residue, ready to multiply by.
#[derive(Clone, Copy, Debug)]
pub struct Scalar {
    value: u64,
    entry: (u64, u64),
}

/// What the first sum of [`PrimeRing::key_product`] starts from.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// Nothing.
    Zero,
    /// Prepared residues.
    Prepared(&'a [u64]),
    /// Canonical residues times a constant.
    Scaled(&'a [u64], &'a Scalar),
}

impl Scalar {
    /// The residue.
    pub const fn value(&self) -> u64 {
        self.value
    }

    /// Its entry in the tables of the kernel.
    pub(crate) const fn entry(&self) -> (u64, u64) {
        self.entry
    }
}

impl PrimeRing {
    /// The ring of a prime ≡ 1 mod 2N; a prime that the kernel cannot hold gets the scalar one.
    ///
    /// Cost: 2N multiplications and two tables of N roots.
    ///
    /// # Errors
    /// [`RingError::Degree`], [`RingError::NoRoot`].
    pub fn new(modulus: Modulus, degree: usize, kernel: Kernel) -> Result<Self, RingError> {
        if !degree.is_power_of_two() || !DEGREES.contains(&degree) {
            return Err(RingError::Degree { degree });
        }
        let kernel = kernel.serving(&modulus);
        let root = modulus.minimal_primitive_root(2 * degree as u64)?;
        Ok(Self {
            modulus,
            degree,
            kernel,
            root,
            tables: Tables::new(kernel, &modulus, degree, root),
        })
    }

    /// The prime q.
    pub const fn modulus(&self) -> &Modulus {
        &self.modulus
    }

    /// The ring degree N.
    pub const fn degree(&self) -> usize {
        self.degree
    }

    /// The kernel that works here.
    pub const fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// ψ: the smallest primitive root of order 2N.
    pub const fn root(&self) -> u64 {
        self.root
    }

    /// Prepare a constant.
    pub fn scalar(&self, value: u64) -> Scalar {
        struct Entry<'a>(&'a Modulus, u64);
        impl Operation for Entry<'_> {
            type Output = (u64, u64);
            #[inline(always)]
            fn run<F: Field>(self, _: F) -> (u64, u64) {
                F::root_entry(self.0, self.1)
            }
        }
        let value = self.modulus.reduce(value);
        Scalar {
            value,
            entry: self.run(Entry(&self.modulus, value)),
        }
    }

    /// Coefficients to values, in place.
    pub fn forward(&self, data: &mut [u64]) {
        self.check(&[data]);
        self.run(Forward::<false> {
            data,
            roots: &self.tables.forward,
        });
    }

    /// The transform of the centred residues of another prime: what digits and remainders need.
    pub fn forward_lifted(&self, to: &mut [u64], from: &[u64], modulus: &Modulus) {
        self.lifted::<false>(to, from, modulus);
    }

    /// [`PrimeRing::forward_lifted`] to prepared residues, for products and to be taken off by
    /// [`PrimeRing::divide`] alone: nothing reduces them where there is room.
    pub fn forward_lifted_prepared(&self, to: &mut [u64], from: &[u64], modulus: &Modulus) {
        self.lifted::<true>(to, from, modulus);
    }

    fn lifted<const PREPARED: bool>(&self, to: &mut [u64], from: &[u64], modulus: &Modulus) {
        self.check(&[to, from]);
        let roots = &self.tables.forward;
        if self.kernel.serving(modulus) == self.kernel {
            let period = modulus.value();
            return self.run(ForwardLifted::<PREPARED> {
                from,
                period,
                to,
                roots,
            });
        }
        // Words that vector kernels cannot hold.
        for (to, &from) in to.iter_mut().zip(from) {
            *to = self.modulus.from_signed(modulus.centred(from));
        }
        self.run(Forward::<PREPARED> { data: to, roots });
    }

    /// The transform of integers of less than [`INTEGER_BITS`] bits, given modulo 2^[`INTEGER_BITS`].
    pub fn forward_integers(&self, to: &mut [u64], from: &[u64]) {
        self.check(&[to, from]);
        self.run(ForwardLifted::<false> {
            from,
            period: 1 << INTEGER_BITS,
            to,
            roots: &self.tables.forward,
        });
    }

    /// The transform of the sum of parts, prepared as [`PrimeRing::forward_lifted_prepared`] does: what
    /// digits of several primes need.
    ///
    /// # Panics
    /// Where a part has not N words.
    pub fn forward_converted_prepared(&self, to: &mut [u64], parts: &[Part<'_>]) {
        self.check(&[to]);
        let roots = &self.tables.forward;
        for part in parts {
            self.check(&[part.words]);
        }
        let fits = |part: &Part<'_>| part.period < 1 << WORD_BITS;
        if self.kernel == Kernel::SCALAR || parts.iter().all(fits) {
            return self.run(ForwardConverted { parts, to, roots });
        }
        // Words that vector kernels cannot hold.
        let modulus = &self.modulus;
        for (n, to) in to.iter_mut().enumerate() {
            *to = parts.iter().fold(0, |sum, part| {
                let x = modulus.from_signed(part.integer(n));
                modulus.add(sum, modulus.mul(x, part.factor.value()))
            });
        }
        self.run(Forward::<true> { data: to, roots });
    }

    /// Values to coefficients, in place.
    pub fn inverse(&self, data: &mut [u64]) {
        self.inverse_scaled(data, 1);
    }

    /// Prepared values to canonical coefficients times a constant, in place.
    pub fn inverse_prepared(&self, data: &mut [u64], factor: u64) {
        self.inverse_of::<true>(data, factor);
    }

    /// Values to coefficients times a constant, at no further cost.
    pub fn inverse_scaled(&self, data: &mut [u64], factor: u64) {
        self.inverse_of::<false>(data, factor);
    }

    fn inverse_of<const PREPARED: bool>(&self, data: &mut [u64], factor: u64) {
        self.check(&[data]);
        let m = &self.modulus;
        let scale = m.mul(factor, m.inverse(self.degree as u64));
        let root = m.pow(m.inverse(self.root), self.degree as u64 / 2);
        let scale = [scale, m.mul(scale, root)].map(|value| self.scalar(value).entry);
        self.run(Inverse::<PREPARED> {
            data,
            roots: &self.tables.inverse,
            scale,
        });
    }

    /// out = a + b
    pub fn add(&self, out: &mut [u64], a: &[u64], b: &[u64]) {
        self.zip::<Sum>(out, a, b);
    }

    /// a += b
    pub fn add_assign(&self, a: &mut [u64], b: &[u64]) {
        self.zip_assign::<Sum>(a, b);
    }

    /// out = a − b
    pub fn sub(&self, out: &mut [u64], a: &[u64], b: &[u64]) {
        self.zip::<Difference>(out, a, b);
    }

    /// a −= b
    pub fn sub_assign(&self, a: &mut [u64], b: &[u64]) {
        self.zip_assign::<Difference>(a, b);
    }

    /// out = −a
    pub fn negate(&self, out: &mut [u64], a: &[u64]) {
        self.check(&[out, a]);
        self.run(Negate { out, a });
    }

    /// out = a · b, transformed, value by value.
    pub fn mul(&self, out: &mut [u64], a: &[u64], b: &[u64]) {
        self.zip::<Product>(out, a, b);
    }

    /// a ·= b, transformed, value by value.
    pub fn mul_assign(&self, a: &mut [u64], b: &[u64]) {
        self.zip_assign::<Product>(a, b);
    }

    /// a += c, transformed: the constant polynomial c added.
    pub fn add_scalar_assign(&self, a: &mut [u64], c: u64) {
        self.check(&[a]);
        let scalar = [self.modulus.reduce(c); 8];
        self.run(AddScalar { a, scalar });
    }

    /// out = c · a
    pub fn mul_scalar(&self, out: &mut [u64], a: &[u64], c: &Scalar) {
        self.check(&[out, a]);
        let scalar = c.entry;
        self.run(MulScalar::<false> { out, a, scalar });
    }

    /// out += c · a
    pub fn mul_scalar_add(&self, out: &mut [u64], a: &[u64], c: &Scalar) {
        self.check(&[out, a]);
        let scalar = c.entry;
        self.run(MulScalar::<true> { out, a, scalar });
    }

    /// out = c · (a − b)
    pub fn sub_scale(&self, out: &mut [u64], a: &[u64], b: &[u64], c: &Scalar) {
        self.check(&[out, a, b]);
        let scalar = c.entry;
        self.run(SubScale::<false> { out, a, b, scalar });
    }

    /// out += c · (a − b)
    pub fn sub_scale_add(&self, out: &mut [u64], a: &[u64], b: &[u64], c: &Scalar) {
        self.check(&[out, a, b]);
        let scalar = c.entry;
        self.run(SubScale::<true> { out, a, b, scalar });
    }

    /// (a0 + a1·s)(b0 + b1·s) = out0 + out1·s + out2·s², transformed.
    pub fn tensor(&self, out: [&mut [u64]; 3], a: [&[u64]; 2], b: [&[u64]; 2]) {
        self.check(&[out[0], out[1], out[2], a[0], a[1], b[0], b[1]]);
        self.run(Tensor { out, a, b });
    }

    /// out = Σ_t left_t · right_t, transformed, or out += it.
    pub fn inner_product(
        &self,
        out: &mut [u64],
        left: &[&[u64]],
        right: &[&[u64]],
        accumulate: bool,
    ) {
        self.inner_products([out], left, [right], accumulate);
    }

    /// out_i = Σ_t left_t · right_it, transformed, or out_i += it: the left factors are read once.
    ///
    /// # Panics
    /// Where a left factor has no right one.
    pub fn inner_products<const OUT: usize>(
        &self,
        out: [&mut [u64]; OUT],
        left: &[&[u64]],
        right: [&[&[u64]]; OUT],
        accumulate: bool,
    ) {
        for out in &out {
            self.check(&[out]);
        }
        self.check(left);
        for right in right {
            assert_eq!(right.len(), left.len(), "a right factor for each left one");
            self.check(right);
        }
        self.run(InnerProducts {
            out,
            left,
            right,
            accumulate,
        });
    }

    /// Words that so many residues take packed, a multiple of [`PART`]: as many bits as the prime has,
    /// or a word, as this kernel reads them.
    pub fn packed_words(&self, residues: usize) -> usize {
        residues / 64 * self.packed_bits()
    }

    fn packed_bits(&self) -> usize {
        self.kernel.packed_bits(&self.modulus)
    }

    /// Place a factor among the `count` that [`PrimeRing::packed_products`] reads together, of N
    /// residues or the same part of each: a multiple of [`PART`].
    ///
    /// # Panics
    /// Where `out` has another length than `count` packed factors, or no place for this one.
    pub fn pack_factor(&self, out: &mut [u64], (index, count): (usize, usize), from: &[u64]) {
        assert!(index < count, "a place for the factor");
        assert!(
            from.len().is_multiple_of(PART) && out.len() == self.packed_words(from.len()) * count,
            "parts of one length"
        );
        self.run(PackFactor {
            out,
            bits: self.packed_bits(),
            from,
            index,
            count,
        });
    }

    /// out_k = Σ_t factor_t · right_kt, or out_k += it, of packed factors: N residues, or the same
    /// part of them, with [`PADDING`] words behind. The others and the results are canonical.
    ///
    /// # Panics
    /// Where there is no factor, or lengths differ.
    pub fn packed_products(
        &self,
        out: [&mut [u64]; 2],
        factors: &[u64],
        right: [&[&[u64]]; 2],
        accumulate: bool,
    ) {
        self.packed_sums::<false>(out, factors, right, accumulate);
    }

    /// [`PrimeRing::packed_products`] with prepared residues, to prepared ones.
    ///
    /// # Panics
    /// As there.
    pub fn packed_products_prepared(
        &self,
        out: [&mut [u64]; 2],
        factors: &[u64],
        right: [&[&[u64]]; 2],
        accumulate: bool,
    ) {
        self.packed_sums::<true>(out, factors, right, accumulate);
    }

    fn packed_sums<const PREPARED: bool>(
        &self,
        out: [&mut [u64]; 2],
        factors: &[u64],
        right: [&[&[u64]]; 2],
        accumulate: bool,
    ) {
        let (length, count) = (out[0].len(), right[0].len());
        assert!(length.is_multiple_of(PART), "a part of the residues");
        assert!(
            count > 0
                && right[1].len() == count
                && factors.len() == count * self.packed_words(length) + PADDING,
            "as many factors on both sides"
        );
        let mut rows = right.iter().copied().flatten();
        assert!(
            out[1].len() == length && rows.all(|row| row.len() == length),
            "parts of one length"
        );
        self.run(PackedProducts::<PREPARED> {
            out,
            factors,
            bits: self.packed_bits(),
            right,
            accumulate,
        });
    }

    /// out = a, prepared.
    pub fn prepare(&self, out: &mut [u64], a: &[u64]) {
        self.check(&[out, a]);
        self.run(Prepare { out, a });
    }

    /// a += b of prepared residues.
    pub fn add_prepared(&self, a: &mut [u64], b: &[u64]) {
        self.check(&[a, b]);
        self.run(AddPrepared { a, b });
    }

    /// out = c · (a − b) of prepared a and b, and base added where there is one: canonical.
    pub fn divide(&self, out: &mut [u64], a: &[u64], b: &[u64], base: Option<&[u64]>, c: &Scalar) {
        self.check(&[out, a, b]);
        self.check(base.as_slice());
        self.run(Divide {
            out,
            a,
            b,
            base,
            scalar: c.entry,
        });
    }

    /// Lay out the digits of a switching key modulo this prime as [`PrimeRing::key_product`] reads
    /// them: 2N packed residues a digit.
    ///
    /// # Panics
    /// Where `out` has another length.
    pub fn pack_key(&self, out: &mut [u64], digits: &[[&[u64]; 2]]) {
        assert_eq!(
            out.len(),
            self.packed_words(2 * self.degree) * digits.len(),
            "2N residues a digit"
        );
        self.check(digits.as_flattened());
        let bits = self.packed_bits();
        self.run(PackKey { out, bits, digits });
    }

    /// out_k = Σ_j digit_j · key_jk, the start added to the first, turned by an automorphism, or
    /// out_k += it. Digits and results are prepared, the key is packed, with [`PADDING`] words behind.
    ///
    /// # Panics
    /// Where the key has fewer digits, or the automorphism is of another degree.
    pub fn key_product(
        &self,
        out: [&mut [u64]; 2],
        digits: &[&[u64]],
        key: &[u64],
        start: Start<'_>,
        automorphism: Option<&Automorphism>,
        accumulate: bool,
    ) {
        let digit_words = self.packed_words(2 * self.degree);
        let key_digits = key.len() / digit_words;
        assert!(
            key.len() == key_digits * digit_words + PADDING && key_digits >= digits.len(),
            "2N residues of the key for each digit"
        );
        for out in &out {
            self.check(&[out]);
        }
        self.check(digits);
        let (addend, scaled) = match start {
            Start::Zero => (None, None),
            Start::Prepared(words) => (Some(words), None),
            Start::Scaled(words, scalar) => (None, Some((words, scalar.entry))),
        };
        self.check(addend.as_slice());
        if let Some((words, _)) = scaled {
            self.check(&[words]);
        }
        let moves = automorphism.map(|automorphism| {
            assert_eq!(automorphism.degree(), self.degree, "the ring degree");
            automorphism.moves(self.kernel)
        });
        self.run(KeyProduct {
            out,
            digits,
            key,
            bits: self.packed_bits(),
            key_digits,
            addend,
            scaled,
            moves,
            accumulate,
        });
    }

    /// out_r = Σ_k weights[r·K + k] · inputs_k with residues as weights: one reduction per output.
    ///
    /// Inputs and outputs are N transformed residues, or the same part of them: a multiple of 8.
    ///
    /// Cost: scratch of 128 KiB or K vectors, whichever is more, and the packed weights.
    ///
    /// # Panics
    /// Where there are more or fewer weights than R·K, or parts of different lengths.
    pub fn matrix_product(&self, outputs: &mut [&mut [u64]], weights: &[u64], inputs: &[&[u64]]) {
        assert_eq!(
            weights.len(),
            outputs.len() * inputs.len(),
            "a weight for each output and input"
        );
        let length = outputs.first().map_or(0, |out| out.len());
        assert!(length.is_multiple_of(8), "vectors of residues");
        let same = |part: &[u64]| part.len() == length;
        assert!(
            outputs.iter().all(|out| same(out)) && inputs.iter().all(|x| length == 0 || same(x)),
            "parts of one length"
        );
        self.run(MatrixProduct {
            modulus: &self.modulus,
            weights,
            inputs,
            outputs,
        });
    }

    fn zip<B: crate::elementwise::Binary>(&self, out: &mut [u64], a: &[u64], b: &[u64]) {
        self.check(&[out, a, b]);
        let function = PhantomData::<B>;
        self.run(Zip {
            out,
            a,
            b,
            function,
        });
    }

    fn zip_assign<B: crate::elementwise::Binary>(&self, a: &mut [u64], b: &[u64]) {
        self.check(&[a, b]);
        let function = PhantomData::<B>;
        self.run(ZipAssign { a, b, function });
    }

    fn check(&self, operands: &[&[u64]]) {
        for operand in operands {
            assert_eq!(operand.len(), self.degree, "N residues");
        }
    }

    fn run<O: Operation>(&self, operation: O) -> O::Output {
        self.kernel.run(&self.modulus, operation)
    }
}
