//! Encoded constants kept from one run to the next, within a number of bytes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ckks::Plaintext;

/// Operation, and the diagonal or ciphertext within it.
pub type PlaintextKey = (usize, usize);

/// What was encoded first stays: a program needs all of its constants in every run.
#[derive(Debug)]
pub struct Plaintexts {
    budget: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: usize,
    list: HashMap<PlaintextKey, Arc<Plaintext>>,
}

impl Plaintexts {
    pub fn new(budget: usize) -> Self {
        Self {
            budget,
            kept: Mutex::default(),
        }
    }

    pub fn find(&self, key: PlaintextKey) -> Option<Arc<Plaintext>> {
        self.lock().list.get(&key).cloned()
    }

    /// Keep a plaintext where there is room for it.
    pub fn offer(&self, key: PlaintextKey, plaintext: &Arc<Plaintext>) {
        let bytes = size_of_val(plaintext.polynomial().words());
        let mut kept = self.lock();
        if kept.bytes + bytes <= self.budget
            && kept.list.insert(key, Arc::clone(plaintext)).is_none()
        {
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
            Arc::new(Plaintext::new(polynomial, scale))
        };
        let bytes = 1024 * 2 * 8;
        let kept = Plaintexts::new(2 * bytes + bytes / 2);
        for (n, scale) in [1.0, 2.0, 3.0].into_iter().enumerate() {
            kept.offer((7, n), &plaintext(scale));
        }
        let scale = |n| kept.find((7, n)).map(|found| found.scale());
        assert_eq!([scale(0), scale(1), scale(2)], [Some(1.0), Some(2.0), None]);
        assert!(kept.find((8, 0)).is_none(), "of another operation");
    }
}
