//! Encoded constants kept from one run to the next, within a number of bytes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ckks::{Plaintext, Weights};

use crate::prepare::{Prepared, Work};
use crate::slot_constants::SlotConstant;

/// Operation, and the ciphertext or the part of its work within it.
pub type PlaintextKey = (usize, usize);

/// What stays of the plaintexts of a key from one run to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// All residues, transformed: nothing is left to do.
    Transformed,
    /// The coefficients, as much as one residue: every run transforms them.
    Coefficients,
    /// Nothing: every run encodes them.
    Nothing,
}

/// What was kept.
#[derive(Clone, Debug)]
pub enum Kept {
    Plaintext(Arc<Plaintext>),
    Weights(Arc<Weights>),
    /// One plaintext after the other.
    Coefficients(Arc<[i64]>),
}

/// The constants of a plan, each in the form that was chosen for it.
#[derive(Debug)]
pub struct Plaintexts {
    forms: HashMap<PlaintextKey, Storage>,
    kept: Mutex<HashMap<PlaintextKey, Kept>>,
}

impl Plaintexts {
    /// Choose the forms of all constants so that they take at most `budget` bytes together.
    pub fn new(prepared: &Prepared, budget: usize) -> Self {
        let constants = encoded_constants(prepared);
        let residue_bytes = 8 * prepared.parameters.ring_degree;
        let sizes = constants.iter().map(|&(_, plaintexts, residues)| {
            let coefficients = plaintexts * residue_bytes;
            (coefficients, coefficients * residues)
        });
        let forms = choose_forms(&sizes.collect::<Vec<_>>(), budget);
        let keys = constants.iter().map(|&(key, ..)| key);
        Self {
            forms: keys.zip(forms).collect(),
            kept: Mutex::default(),
        }
    }

    pub fn storage(&self, key: PlaintextKey) -> Storage {
        self.forms.get(&key).copied().unwrap_or(Storage::Nothing)
    }

    pub fn find(&self, key: PlaintextKey) -> Option<Kept> {
        self.lock().get(&key).cloned()
    }

    /// Keep a constant in the form chosen for it; two runs that made it keep one.
    pub fn keep(&self, key: PlaintextKey, constant: Kept) {
        self.lock().entry(key).or_insert(constant);
    }

    /// A run that panicked left whole entries only.
    fn lock(&self) -> MutexGuard<'_, HashMap<PlaintextKey, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every constant that runs encode, in the order of the program: how many plaintexts it is, and how
/// many residues each has.
fn encoded_constants(prepared: &Prepared) -> Vec<(PlaintextKey, usize, usize)> {
    let specials = prepared.parameters.special_primes.len();
    let operations = prepared.program.operations.iter().enumerate();
    let mut list = Vec::new();
    for ((id, operation), work) in operations.zip(&prepared.work) {
        let primes = operation.form.level + 1;
        match work {
            Work::Linear(linear) if !linear.scalar => {
                let residues = primes + if linear.extended { specials } else { 0 };
                let parts = linear.parts.iter().enumerate();
                list.extend(parts.map(|(n, part)| ((id, n), part.terms.len(), residues)));
            }
            Work::Constants(constants) => {
                let ciphertexts = prepared.program.layouts[operation.layout].ciphertexts as usize;
                let vectors = (0..ciphertexts).filter(|&n| constants.of(n) == SlotConstant::Vector);
                list.extend(vectors.map(|n| ((id, n), 1, primes)));
            }
            _ => {}
        }
    }
    list
}

/// Coefficients of as many constants as fit, in order; what is then left keeps them transformed.
/// `sizes` are the bytes of both.
///
/// Encoding costs as much as several transforms, so a byte spent on coefficients saves more. The
/// choice depends on the plan and the budget alone.
fn choose_forms(sizes: &[(usize, usize)], budget: usize) -> Vec<Storage> {
    let mut left = budget;
    let mut take = |bytes: usize| {
        let fits = bytes <= left;
        if fits {
            left -= bytes;
        }
        fits
    };
    let kept: Vec<bool> = sizes.iter().map(|&(least, _)| take(least)).collect();
    let forms = kept.iter().zip(sizes).map(|(kept, &(least, most))| {
        if !kept {
            Storage::Nothing
        } else if take(most.saturating_sub(least)) {
            Storage::Transformed
        } else {
            Storage::Coefficients
        }
    });
    forms.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn everything_is_transformed_where_it_fits() {
        use Storage::{Coefficients, Nothing, Transformed};
        let sizes = [(10, 30), (10, 10), (10, 40)];
        let forms = |budget| choose_forms(&sizes, budget);
        assert_eq!(forms(80), [Transformed; 3]);
        assert_eq!(forms(79), [Transformed, Transformed, Coefficients]);
        assert_eq!(forms(30), [Coefficients, Transformed, Coefficients]);
        assert_eq!(forms(29), [Coefficients, Transformed, Nothing]);
        assert_eq!(forms(9), [Nothing; 3]);
    }

    proptest! {
        #[test]
        fn forms_stay_within_the_budget(
            sizes in proptest::collection::vec((1usize..40, 1usize..9), 0..60),
            budget in 0usize..20_000,
        ) {
            let sizes: Vec<_> = sizes.iter().map(|&(least, n)| (least, least * n)).collect();
            let bytes = |budget: usize| -> usize {
                let forms = choose_forms(&sizes, budget);
                let sizes = forms.iter().zip(&sizes).map(|(form, &(least, most))| match form {
                    Storage::Transformed => most,
                    Storage::Coefficients => least,
                    Storage::Nothing => 0,
                });
                sizes.sum()
            };
            prop_assert!(bytes(budget) <= budget);
            let all = sizes.iter().map(|&(_, most)| most).sum();
            prop_assert_eq!(bytes(all), all);
        }
    }
}
