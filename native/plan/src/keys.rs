//! Switching keys of a request, expanded.

use std::collections::HashMap;

use ckks::serial::{KeyBundle, KeyKind};
use ckks::{Context, SwitchingKey};
use ring::{Automorphism, RnsPolynomial, rotation_element};

use crate::prepare::Prepared;
use crate::run_error::RunError;

/// The keys that a plan names.
#[derive(Debug)]
pub struct Keys {
    pub(crate) relinearisation: Option<SwitchingKey>,
    rotations: HashMap<i32, (Automorphism, SwitchingKey)>,
}

impl Keys {
    /// Read a bundle and expand its keys.
    ///
    /// Cost: for n primes n·(n + 1) residues twice a key.
    pub(crate) fn read(
        prepared: &Prepared,
        context: &Context,
        bytes: &[u8],
    ) -> Result<Self, RunError> {
        let bundle = KeyBundle::open(bytes, &prepared.parameters, &prepared.hash)?;
        let read = |kind, primes| -> Result<Vec<[RnsPolynomial; 2]>, RunError> {
            let Some(entry) = bundle.find(kind, primes) else {
                return Err(RunError::Keys(format!(
                    "{kind:?} for {primes} primes is missing"
                )));
            };
            let (pool, degree) = (context.pool(), context.degree());
            let make = |words| RnsPolynomial::uninitialised(pool, degree, words / degree);
            Ok(bundle.read_into(entry, make, RnsPolynomial::words_mut)?)
        };
        let program = &prepared.program;
        let relinearisation = match program.relinearisation_primes {
            0 => None,
            primes => {
                let digits = read(KeyKind::Relinearisation, primes)?;
                Some(SwitchingKey::new(context, &digits))
            }
        };
        let mut rotations = HashMap::new();
        for key in program.rotations.iter().filter(|key| key.primes > 0) {
            let element = rotation_element(key.step, context.degree())
                .map_err(|error| RunError::Internal(error.to_string()))?;
            let digits = read(KeyKind::Rotation(key.step), key.primes)?;
            let key_of_element = context.automorphism_key(digits, element)?;
            rotations.insert(key.step, (context.automorphism(element)?, key_of_element));
        }
        Ok(Self {
            relinearisation,
            rotations,
        })
    }

    /// The key of a rotation to the left.
    pub(crate) fn rotation(&self, step: i32) -> Result<&(Automorphism, SwitchingKey), RunError> {
        self.rotations
            .get(&step)
            .ok_or_else(|| RunError::Internal(format!("the plan names no rotation by {step}")))
    }
}

/// A polynomial of the residues of a blob.
pub fn polynomial(context: &Context, words: &[u64]) -> RnsPolynomial {
    let degree = context.degree();
    let mut made = RnsPolynomial::uninitialised(context.pool(), degree, words.len() / degree);
    made.words_mut().copy_from_slice(words);
    made
}
