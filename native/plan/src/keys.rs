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

    /// Keys that switch to no secret: for tests of what does not depend on it.
    #[cfg(test)]
    pub(crate) fn of_noise(
        prepared: &Prepared,
        context: &Context,
        fill: impl Fn(&mut [u64], u64, u64),
    ) -> Result<Self, RunError> {
        let digits = |primes: usize, seed: u64| -> Vec<[RnsPolynomial; 2]> {
            let specials = context.specials().len();
            let (pool, degree) = (context.pool(), context.degree());
            let polynomial = |seed: u64| {
                let mut made = RnsPolynomial::uninitialised(pool, degree, primes + specials);
                for (i, residue) in made.residues_mut().enumerate() {
                    let modulus = context.ring(i, primes).modulus().value();
                    fill(residue, modulus, seed + 10_000 * i as u64);
                }
                made
            };
            let count = primes.div_ceil(specials) as u64;
            let pair = |digit| [1, 2].map(|k| polynomial(seed + 1_000_000 * (2 * digit + k)));
            (0..count).map(pair).collect()
        };
        let program = &prepared.program;
        let mut rotations = HashMap::new();
        for key in &program.rotations {
            let element = rotation_element(key.step, context.degree())
                .map_err(|error| RunError::Internal(error.to_string()))?;
            let made = context.automorphism_key(digits(key.primes, element), element)?;
            rotations.insert(key.step, (context.automorphism(element)?, made));
        }
        let relinearisation = match program.relinearisation_primes {
            0 => None,
            primes => Some(SwitchingKey::new(context, &digits(primes, 7))),
        };
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
