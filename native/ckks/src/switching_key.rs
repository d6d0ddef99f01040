//! Keys that bring a product with another secret back to the client's own.
use ring::RnsPolynomial;

/// A switching key: one digit for each data prime.
///
/// Digit j encrypts P·s′ modulo q_j and zero modulo the other primes. Its two polynomials have
/// residues for q_0 … q_(n−1) and, last, for the special prime, transformed. A key trimmed to n
/// primes has n digits and serves every value of at most n primes.
///
/// The key of an automorphism is held turned back by it: digits are then multiplied as they are, and
/// only the two polynomials of the result are turned. Digits of one value serve many rotations.
#[derive(Debug)]
pub struct SwitchingKey {
    digits: Vec<[RnsPolynomial; 2]>,
}

impl SwitchingKey {
    /// A key of digits over the same primes, the special one last.
    ///
    /// # Panics
    /// Where the digits are not n pairs of polynomials of n + 1 residues.
    pub fn new(digits: Vec<[RnsPolynomial; 2]>) -> Self {
        let primes = digits.len();
        assert!(primes > 0, "a digit");
        assert!(
            digits.iter().flatten().all(|p| p.primes() == primes + 1),
            "a residue for each digit and one for the special prime"
        );
        Self { digits }
    }

    /// Data primes that the key serves: its digits.
    pub fn primes(&self) -> usize {
        self.digits.len()
    }

    /// The residues of both polynomials of a digit: modulo data prime `prime`, or the special one.
    pub(crate) fn residues(&self, digit: usize, prime: Option<usize>) -> [&[u64]; 2] {
        let index = prime.unwrap_or(self.digits.len());
        let [a, b] = &self.digits[digit];
        [a.residue(index), b.residue(index)]
    }
}
