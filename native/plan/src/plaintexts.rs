//! Encoded constants kept from one run to the next, within a number of bytes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ckks::{Plaintext, Weights};

/// Operation, and the ciphertext or the part of its work within it.
pub type PlaintextKey = (usize, usize);

/// What an operation multiplies or adds.
#[derive(Clone, Debug)]
pub enum Encoded {
    Plaintext(Arc<Plaintext>),
    Weights(Arc<Weights>),
}

impl Encoded {
    fn bytes(&self) -> usize {
        match self {
            Self::Plaintext(one) => size_of_val(one.polynomial().words()),
            Self::Weights(many) => many.bytes(),
        }
    }
}

/// What was encoded first stays: a program needs all of its constants in every run.
#[derive(Debug)]
pub struct Plaintexts {
    budget: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: usize,
    list: HashMap<PlaintextKey, Encoded>,
}

impl Plaintexts {
    pub fn new(budget: usize) -> Self {
        Self {
            budget,
            kept: Mutex::default(),
        }
    }

    pub fn find(&self, key: PlaintextKey) -> Option<Encoded> {
        self.lock().list.get(&key).cloned()
    }

    /// Keep plaintexts where there is room for them.
    pub fn offer(&self, key: PlaintextKey, encoded: Encoded) {
        let bytes = encoded.bytes();
        let mut kept = self.lock();
        if kept.bytes + bytes <= self.budget && kept.list.insert(key, encoded).is_none() {
            kept.bytes += bytes;
        }
    }

    /// A run that panicked left whole entries only.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::{Pool, RnsPolynomial};

    #[test]
    fn keeps_what_fits_and_nothing_else() {
        let pool = Pool::new();
        let plaintext = |scale: f64| {
            let polynomial = RnsPolynomial::zero(&pool, 1024, 2);
            Encoded::Plaintext(Arc::new(Plaintext::new(polynomial, scale)))
        };
        let bytes = 1024 * 2 * 8;
        let kept = Plaintexts::new(2 * bytes + bytes / 2);
        for (n, scale) in [1.0, 2.0, 3.0].into_iter().enumerate() {
            kept.offer((7, n), plaintext(scale));
        }
        let scale = |n| match kept.find((7, n)) {
            Some(Encoded::Plaintext(found)) => Some(found.scale()),
            _ => None,
        };
        assert_eq!([scale(0), scale(1), scale(2)], [Some(1.0), Some(2.0), None]);
        assert!(kept.find((8, 0)).is_none(), "of another operation");
    }
}
