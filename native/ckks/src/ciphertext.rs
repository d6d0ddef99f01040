//! Values of a program: encrypted, and encoded.
use ring::{Pool, RnsPolynomial};

/// An encrypted vector: two polynomials, three after a product, transformed, with a scale.
#[derive(Debug)]
pub struct Ciphertext {
    pub(crate) polynomials: Vec<RnsPolynomial>,
    pub(crate) scale: f64,
}

/// An encoded vector: one transformed polynomial with a scale.
#[derive(Debug)]
pub struct Plaintext {
    pub(crate) polynomial: RnsPolynomial,
    pub(crate) scale: f64,
}

impl Ciphertext {
    /// A ciphertext of polynomials in transformed form, over the same primes.
    ///
    /// # Panics
    /// Where there are fewer than two polynomials, or of different shapes.
    pub fn new(polynomials: Vec<RnsPolynomial>, scale: f64) -> Self {
        assert!(polynomials.len() >= 2, "two polynomials or more");
        let shape = |p: &RnsPolynomial| (p.degree(), p.primes());
        assert!(
            polynomials
                .iter()
                .all(|p| shape(p) == shape(&polynomials[0])),
            "polynomials over the same primes"
        );
        Self { polynomials, scale }
    }

    /// c_0, c_1 and, after a product, c_2.
    pub fn polynomials(&self) -> &[RnsPolynomial] {
        &self.polynomials
    }

    /// Primes of each polynomial: level + 1.
    pub fn primes(&self) -> usize {
        self.polynomials[0].primes()
    }

    /// The scale of the encoded numbers.
    pub const fn scale(&self) -> f64 {
        self.scale
    }

    /// Stamp the plan's scale. The caller answers for it.
    pub const fn set_scale(&mut self, scale: f64) {
        self.scale = scale;
    }

    /// A copy with the first primes only: the same value at a lower level.
    pub(crate) fn first(&self, pool: &Pool, primes: usize) -> Self {
        let polynomials = self.polynomials.iter();
        Self {
            polynomials: polynomials.map(|p| p.first(pool, primes)).collect(),
            scale: self.scale,
        }
    }
}

impl Plaintext {
    /// A plaintext of a polynomial in transformed form.
    pub const fn new(polynomial: RnsPolynomial, scale: f64) -> Self {
        Self { polynomial, scale }
    }

    /// The transformed polynomial.
    pub const fn polynomial(&self) -> &RnsPolynomial {
        &self.polynomial
    }

    /// Primes of the polynomial.
    pub fn primes(&self) -> usize {
        self.polynomial.primes()
    }

    /// The scale of the encoded numbers.
    pub const fn scale(&self) -> f64 {
        self.scale
    }
}
