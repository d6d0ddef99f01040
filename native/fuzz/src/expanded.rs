//! Files of expanded keys, as they are mapped.

use std::fs;
use std::path::PathBuf;

use ckks::{Context, SwitchingKey};
use plan::{ExpandedKeys, RunError};
use ring::{Kernel, RnsPolynomial};
use sha2::{Digest, Sha256};

use crate::mutate_bytes::{Number, change_bytes, change_number};
use crate::random::Random;
use crate::target::Target;

const DEGREE: usize = 1024;
/// Twice the degree divides each less one.
const PRIMES: [u64; 2] = [12_289, 40_961];
const SPECIAL: u64 = 61_441;
const ID: [u8; 32] = [7; 32];
/// Primes of each key.
const KEYS: [usize; 2] = [1, 1];
/// Magic number, identity and checksums.
const HASHED: usize = 8 + 32 * (1 + KEYS.len());

pub struct Expanded {
    context: Context,
    folder: PathBuf,
    path: PathBuf,
    file: Vec<u8>,
    /// Every key is the same.
    words: Vec<u64>,
    numbers: Vec<Number>,
}

fn key(context: &Context, primes: usize) -> SwitchingKey {
    let digits: Vec<_> = (0..primes)
        .map(|digit| {
            [1, 2].map(|k| {
                let pool = context.pool();
                let mut made = RnsPolynomial::uninitialised(pool, DEGREE, primes + 1);
                for (n, word) in made.words_mut().iter_mut().enumerate() {
                    *word = (n * 31 + digit * 7 + k) as u64 % PRIMES[0];
                }
                made
            })
        })
        .collect();
    SwitchingKey::new(context, &digits)
}

impl Expanded {
    /// # Errors
    /// A folder for temporary files that cannot be written to.
    pub fn new() -> Result<Self, RunError> {
        let context = Context::new(DEGREE, &PRIMES, SPECIAL, Kernel::detect())?;
        let failed = |error: std::io::Error| RunError::KeyFile(error.to_string());
        let folder = std::env::temp_dir().join(format!("cipherloom-fuzz-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(failed)?;
        let expand = |n: usize| Ok(key(&context, KEYS[n]));
        drop(ExpandedKeys::open(&folder, &ID, &context, &KEYS, expand)?);
        let made = fs::read_dir(&folder).map_err(failed)?.next();
        let path = made.transpose().map_err(failed)?.map(|entry| entry.path());
        let path = path.ok_or_else(|| RunError::KeyFile("no file was made".to_owned()))?;
        let numbers = (0..HASHED + 32).step_by(8).chain((4096..8192).step_by(512));
        Ok(Self {
            file: fs::read(&path).map_err(failed)?,
            words: key(&context, KEYS[0]).words().to_vec(),
            context,
            folder,
            path,
            numbers: numbers.map(|at| Number { at, width: 8 }).collect(),
        })
    }
}

impl Drop for Expanded {
    fn drop(&mut self) {
        // What is left is a temporary file.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Target for Expanded {
    fn name(&self) -> &'static str {
        "expanded"
    }

    fn seeds(&self) -> Vec<&[u8]> {
        vec![&self.file]
    }

    fn mutant(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.file.clone();
        for _ in 0..=random.below(3) {
            if random.one_in(4) {
                change_bytes(&mut bytes, random);
            } else {
                change_number(&mut bytes, &self.numbers, random);
            }
        }
        if !random.one_in(4) && bytes.len() >= HASHED + 32 {
            let digest = Sha256::digest(&bytes[..HASHED]);
            bytes[HASHED..HASHED + 32].copy_from_slice(&digest);
        }
        bytes
    }

    /// Whether every key is sound.
    fn accepts(&self, bytes: &[u8]) -> bool {
        // A mapped file must not be written to, so each is another one.
        let written = fs::remove_file(&self.path).and_then(|()| fs::write(&self.path, bytes));
        assert!(written.is_ok(), "a temporary file cannot be written");
        let Some(found) = ExpandedKeys::map(&self.path, &ID, &self.context, &KEYS) else {
            return false;
        };
        let sound = (0..KEYS.len()).map(|n| match found.key(&self.context, n) {
            Some(found) => {
                assert!(found.words() == self.words, "another key");
                true
            }
            None => false,
        });
        sound.filter(|&sound| sound).count() == KEYS.len()
    }
}
