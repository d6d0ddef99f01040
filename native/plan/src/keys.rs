//! Switching keys of a client, each expanded where it is first used.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use ckks::serial::{KeyBundle, KeyBytes, KeyEntry, KeyKind};
use ckks::{Context, SwitchingKey};
use ring::{Automorphism, RnsPolynomial, rotation_element};
use sha2::{Digest, Sha256};

use crate::expanded_keys::ExpandedKeys;
use crate::partial::Rotation;
use crate::prepare::Prepared;
use crate::run_error::RunError;

type Bundle = KeyBundle<Box<dyn KeyBytes>>;

/// The keys that a plan names; runs share them.
#[derive(Debug)]
pub struct Keys {
    relinearisation: Option<Lazy<SwitchingKey>>,
    rotations: HashMap<i32, Lazy<Rotation>>,
    source: Source,
}

/// A key that was used already, or not.
#[derive(Debug)]
struct Lazy<T> {
    /// Place among the keys of the plan.
    number: usize,
    made: OnceLock<T>,
}

/// Where keys are expanded from.
#[derive(Debug)]
struct Source {
    /// None when every key was expanded.
    bundle: RwLock<Option<Arc<Bundle>>>,
    entries: Vec<KeyEntry>,
    left: AtomicUsize,
    expanded: Option<ExpandedKeys>,
}

impl Keys {
    /// Check that a bundle has the keys of a plan. With a folder, expanded keys are mapped from a file
    /// there, which is made where it is missing.
    ///
    /// Cost: the head of the bundle; the file costs the expansion of every key, one after the other.
    pub(crate) fn open(
        prepared: &Prepared,
        context: &Context,
        bytes: Box<dyn KeyBytes>,
        folder: Option<&Path>,
    ) -> Result<Self, RunError> {
        let bundle = KeyBundle::open(bytes, &prepared.parameters, &prepared.hash)?;
        let program = &prepared.program;
        let relinearisation = (KeyKind::Relinearisation, program.relinearisation_primes);
        let rotations = program
            .rotations
            .iter()
            .map(|key| (KeyKind::Rotation(key.step), key.primes));
        let entries = std::iter::once(relinearisation)
            .chain(rotations)
            .filter(|&(_, primes)| primes > 0)
            .map(|(kind, primes)| {
                bundle.find(kind, primes).copied().ok_or_else(|| {
                    RunError::Keys(format!("{kind:?} for {primes} primes is missing"))
                })
            })
            .collect::<Result<Vec<KeyEntry>, _>>()?;
        let expanded = match folder {
            None => None,
            Some(folder) => {
                let id = identity(context, &bundle, &entries)?;
                let primes: Vec<usize> = entries.iter().map(|entry| entry.primes).collect();
                let expand = |n: usize| expand(context, &bundle, &entries[n]);
                Some(ExpandedKeys::open(folder, &id, context, &primes, expand)?)
            }
        };
        let kinds: Vec<KeyKind> = entries.iter().map(|entry| entry.kind).collect();
        let mut keys = Self {
            relinearisation: None,
            rotations: HashMap::new(),
            source: Source {
                bundle: RwLock::new(Some(Arc::new(bundle))),
                left: AtomicUsize::new(entries.len()),
                entries,
                expanded,
            },
        };
        for (number, kind) in kinds.into_iter().enumerate() {
            match kind {
                KeyKind::Relinearisation => keys.relinearisation = Some(Lazy::new(number)),
                KeyKind::Rotation(step) => {
                    keys.rotations.insert(step, Lazy::new(number));
                }
            }
        }
        Ok(keys)
    }

    /// The key of the secret's square.
    pub(crate) fn relinearisation(&self, context: &Context) -> Result<&SwitchingKey, RunError> {
        let Some(key) = &self.relinearisation else {
            return Err(RunError::Internal("the plan names no such key".to_owned()));
        };
        key.get(context, &self.source, Ok)
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
            let turn = automorphism(context, key.step)?;
            let element = turn.element();
            let made = context.automorphism_key(digits(key.primes, element), element)?;
            rotations.insert(key.step, Lazy::made((turn, made)));
        }
        let relinearisation = match program.relinearisation_primes {
            0 => None,
            primes => Some(Lazy::made(SwitchingKey::new(context, &digits(primes, 7)))),
        };
        Ok(Self {
            relinearisation,
            rotations,
            source: Source {
                bundle: RwLock::new(None),
                entries: Vec::new(),
                left: AtomicUsize::new(0),
                expanded: None,
            },
        })
    }

    /// The key of a rotation to the left.
    pub(crate) fn rotation(&self, context: &Context, step: i32) -> Result<&Rotation, RunError> {
        let Some(key) = self.rotations.get(&step) else {
            return Err(RunError::Internal(format!(
                "the plan names no rotation by {step}"
            )));
        };
        key.get(context, &self.source, |key| {
            Ok((automorphism(context, step)?, key))
        })
    }
}

impl<T> Lazy<T> {
    const fn new(number: usize) -> Self {
        Self {
            number,
            made: OnceLock::new(),
        }
    }

    #[cfg(test)]
    fn made(key: T) -> Self {
        Self {
            number: 0,
            made: OnceLock::from(key),
        }
    }

    /// The key. Runs that meet at its first use both expand it: who waited for the other while it
    /// holds a thread of the pool could wait for itself.
    fn get(
        &self,
        context: &Context,
        source: &Source,
        with: impl FnOnce(SwitchingKey) -> Result<T, RunError>,
    ) -> Result<&T, RunError> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        // Without a source every key is made: by another run, since the look above.
        if let Some(key) = source.key(context, self.number)?
            && self.made.set(with(key)?).is_ok()
        {
            source.one_is_made();
        }
        let made = self.made.get();
        made.ok_or_else(|| RunError::Internal("a key is gone".to_owned()))
    }
}

impl Source {
    /// A key, from the file of expanded keys or from the bundle; none where all were made.
    fn key(&self, context: &Context, number: usize) -> Result<Option<SwitchingKey>, RunError> {
        let mapped = self.expanded.as_ref();
        if let Some(key) = mapped.and_then(|expanded| expanded.key(context, number)) {
            return Ok(Some(key));
        }
        let bundle = self.bundle.read();
        let bundle = bundle.unwrap_or_else(PoisonError::into_inner).clone();
        let expand = |bundle: Arc<Bundle>| expand(context, &bundle, &self.entries[number]);
        bundle.map(expand).transpose()
    }

    /// The bundle is given back with the last key.
    fn one_is_made(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            *self.bundle.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

fn automorphism(context: &Context, step: i32) -> Result<Automorphism, RunError> {
    let element = rotation_element(step, context.degree())
        .map_err(|error| RunError::Internal(error.to_string()))?;
    Ok(context.automorphism(element)?)
}

/// Read a key of a bundle and expand it. Cost: for d digits of n residues 2·d·n of them, twice.
fn expand(context: &Context, bundle: &Bundle, entry: &KeyEntry) -> Result<SwitchingKey, RunError> {
    let (pool, degree) = (context.pool(), context.degree());
    let make = |words| RnsPolynomial::uninitialised(pool, degree, words / degree);
    let digits = bundle.read_into(entry, make, RnsPolynomial::words_mut)?;
    Ok(match entry.kind {
        KeyKind::Relinearisation => SwitchingKey::new(context, &digits),
        KeyKind::Rotation(step) => {
            let element = automorphism(context, step)?.element();
            context.automorphism_key(digits, element)?
        }
    })
}

/// Names the expanded keys: those of another bundle, plan, kernel or layout are others.
fn identity(
    context: &Context,
    bundle: &Bundle,
    entries: &[KeyEntry],
) -> Result<[u8; 32], RunError> {
    let mut hash = Sha256::new();
    hash.update(bundle.identity()?);
    hash.update(SwitchingKey::LAYOUT.to_ne_bytes());
    hash.update(context.kernel().name());
    for entry in entries {
        let (kind, step) = match entry.kind {
            KeyKind::Relinearisation => (0, 0),
            KeyKind::Rotation(step) => (1, step),
        };
        hash.update([kind]);
        hash.update(step.to_le_bytes());
        hash.update((entry.primes as u64).to_le_bytes());
    }
    Ok(hash.finalize().into())
}

/// A polynomial of the residues of a blob.
pub fn polynomial(context: &Context, words: &[u64]) -> RnsPolynomial {
    let degree = context.degree();
    let mut made = RnsPolynomial::uninitialised(context.pool(), degree, words.len() / degree);
    made.words_mut().copy_from_slice(words);
    made
}
