//! Expanded keys in a file that is mapped: shared by sessions and processes, there again after a
//! restart, and given up first where memory is short.
//!
//! The file of an identity holds `CLOOMXKY`, the identity, the SHA-256 of each key, the SHA-256 of all
//! that, zeros up to a page; then the words of each key in this machine's order, from a page on. Where
//! everything stands follows from the plan: no length is read. A file of another length or with
//! another head is made anew; a key that does not match its checksum is expanded from the bundle.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ckks::{Context, SwitchingKey};
use ring::{MappedWords, bytes_of};
use sha2::{Digest, Sha256};

use crate::run_error::RunError;

const MAGIC: &[u8; 8] = b"CLOOMXKY";
const DIGEST_BYTES: usize = 32;
/// Keys begin at a page.
const PAGE: usize = 4096;
const WORD: usize = size_of::<u64>();

type Checksum = [u8; DIGEST_BYTES];

/// A mapped file of keys.
#[derive(Debug)]
pub struct ExpandedKeys {
    words: Arc<MappedWords>,
    keys: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    primes: usize,
    /// Word it begins at.
    first: usize,
    checksum: Checksum,
}

/// Where keys stand: bytes of the head, words of each key, bytes of the file.
struct Arrangement {
    head: usize,
    /// First word and number of words of each key.
    keys: Vec<(usize, usize)>,
    bytes: usize,
}

impl Arrangement {
    fn new(context: &Context, primes: &[usize]) -> Self {
        let head = Self::hashed(primes.len()) + DIGEST_BYTES;
        let mut bytes = head.next_multiple_of(PAGE);
        let keys = primes.iter().map(|&primes| {
            let words = SwitchingKey::words_for(context, primes);
            let first = bytes / WORD;
            bytes += (words * WORD).next_multiple_of(PAGE);
            (first, words)
        });
        Self {
            keys: keys.collect(),
            head,
            bytes,
        }
    }

    /// Bytes that the checksum of the head is of.
    const fn hashed(keys: usize) -> usize {
        MAGIC.len() + DIGEST_BYTES * (1 + keys)
    }
}

impl ExpandedKeys {
    /// Map the file of an identity in a folder, or make it.
    ///
    /// Cost: the head; where there is no such file the expansion of every key.
    ///
    /// # Errors
    /// A folder that cannot be written to, and what `expand` refuses.
    pub fn open(
        folder: &Path,
        id: &Checksum,
        context: &Context,
        primes: &[usize],
        expand: impl FnMut(usize) -> Result<SwitchingKey, RunError>,
    ) -> Result<Self, RunError> {
        let words = id.as_chunks().0.iter();
        let name = words.map(|&word| format!("{:016x}", u64::from_be_bytes(word)));
        let name = name.collect::<Vec<_>>().concat();
        let path = folder.join(format!("{name}.expanded-keys"));
        if let Some(found) = Self::map(&path, id, context, primes) {
            return Ok(found);
        }
        make(&path, id, context, primes, expand)?;
        Self::map(&path, id, context, primes)
            .ok_or_else(|| RunError::KeyFile(format!("{}: it cannot be mapped", path.display())))
    }

    /// Map a file; none where it is not there, or not that of the identity.
    pub fn map(path: &Path, id: &Checksum, context: &Context, primes: &[usize]) -> Option<Self> {
        let arrangement = Arrangement::new(context, primes);
        let mut file = File::open(path).ok()?;
        let size = file.metadata().ok()?.len();
        if size != arrangement.bytes as u64 {
            return None;
        }
        let mut head = vec![0; arrangement.head];
        file.read_exact(&mut head).ok()?;
        let checksums = read_head(&head, id)?;
        let words = Arc::new(MappedWords::open(&file).ok()?);
        let places = primes.iter().zip(&arrangement.keys).zip(checksums);
        Some(Self {
            words,
            keys: places
                .map(|((&primes, &(first, _)), checksum)| Place {
                    primes,
                    first,
                    checksum,
                })
                .collect(),
        })
    }

    /// A key; none where it does not match its checksum. Cost: reading it once.
    pub fn key(&self, context: &Context, number: usize) -> Option<SwitchingKey> {
        let place = self.keys.get(number)?;
        let key = SwitchingKey::mapped(context, place.primes, &self.words, place.first)?;
        (checksum(key.words()) == place.checksum).then_some(key)
    }
}

fn checksum(words: &[u64]) -> Checksum {
    Sha256::digest(bytes_of(words)).into()
}

/// The checksums of all keys, where the head is that of the identity.
fn read_head(head: &[u8], id: &Checksum) -> Option<Vec<Checksum>> {
    let (hashed, digest) = head.split_last_chunk::<DIGEST_BYTES>()?;
    let (found, keys) = hashed.strip_prefix(MAGIC)?.split_first_chunk()?;
    let whole = Sha256::digest(hashed).as_slice() == digest && found == id;
    whole.then(|| keys.as_chunks().0.to_vec())
}

/// Write the file beside its place and move it there: nobody sees a part of it.
fn make(
    path: &Path,
    id: &Checksum,
    context: &Context,
    primes: &[usize],
    expand: impl FnMut(usize) -> Result<SwitchingKey, RunError>,
) -> Result<(), RunError> {
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let partial = path.with_extension(format!("{}-{number}.partial", process::id()));
    let failed = |error: io::Error| RunError::KeyFile(format!("{}: {error}", path.display()));
    // Neither a file nor a link that somebody put there is written to.
    let file = File::create_new(&partial).map_err(failed)?;
    let partial = Partial(partial);
    let arrangement = Arrangement::new(context, primes);
    write(file, &arrangement, id, expand, &failed)?;
    fs::rename(&partial.0, path).map_err(failed)
}

/// A file that is removed where it did not become another one.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // After the renaming there is nothing to remove.
        let _ = fs::remove_file(&self.0);
    }
}

fn write(
    mut file: File,
    arrangement: &Arrangement,
    id: &Checksum,
    mut expand: impl FnMut(usize) -> Result<SwitchingKey, RunError>,
    failed: &impl Fn(io::Error) -> RunError,
) -> Result<(), RunError> {
    let mut head = [&MAGIC[..], id].concat();
    for (n, &(first, _)) in arrangement.keys.iter().enumerate() {
        let key = expand(n)?;
        head.extend(checksum(key.words()));
        let at = SeekFrom::Start((first * WORD) as u64);
        file.seek(at).map_err(failed)?;
        file.write_all(bytes_of(key.words())).map_err(failed)?;
    }
    head.extend(Sha256::digest(&head));
    file.rewind().map_err(failed)?;
    file.write_all(&head).map_err(failed)?;
    file.set_len(arrangement.bytes as u64).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::{Kernel, RnsPolynomial};

    const PRIMES: [u64; 2] = [12_289, 40_961];
    const ID: Checksum = [9; DIGEST_BYTES];

    fn context() -> Result<Context, RunError> {
        Ok(Context::new(1024, &PRIMES, 61_441, Kernel::detect())?)
    }

    /// A key of residues that are 0 … 6.
    fn key(context: &Context, primes: usize, seed: u64) -> SwitchingKey {
        let polynomial = |digit: usize| {
            let mut made = RnsPolynomial::uninitialised(context.pool(), 1024, primes + 1);
            for (n, word) in made.words_mut().iter_mut().enumerate() {
                *word = (n as u64 * seed + digit as u64) % 7;
            }
            made
        };
        let digits: Vec<_> = (0..primes)
            .map(|digit| [polynomial(digit), polynomial(digit + 9)])
            .collect();
        SwitchingKey::new(context, &digits)
    }

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> io::Result<Self> {
            let path = std::env::temp_dir().join(format!("cipherloom-{name}-{}", process::id()));
            fs::create_dir(&path)?;
            Ok(Self(path))
        }

        fn files(&self) -> io::Result<Vec<PathBuf>> {
            fs::read_dir(&self.0)?
                .map(|entry| Ok(entry?.path()))
                .collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    type Tested = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn a_file_is_made_once_and_gives_the_same_keys() -> Tested {
        let (context, folder) = (context()?, Folder::new("made-once")?);
        let primes = [2, 1];
        let mut made = 0;
        for _ in 0..3 {
            let opened = ExpandedKeys::open(&folder.0, &ID, &context, &primes, |n| {
                made += 1;
                Ok(key(&context, primes[n], n as u64 + 3))
            })?;
            for (n, &primes) in primes.iter().enumerate() {
                let found = opened.key(&context, n).ok_or("a key is missing")?;
                assert_eq!(found.words(), key(&context, primes, n as u64 + 3).words());
                assert_eq!(found.primes(), primes);
            }
            assert!(opened.key(&context, 2).is_none());
        }
        assert_eq!(
            (made, folder.files()?.len()),
            (2, 1),
            "and nothing beside it"
        );
        Ok(())
    }

    #[test]
    fn what_is_damaged_is_not_used() -> Tested {
        let (context, folder) = (context()?, Folder::new("damaged")?);
        let open = || {
            let expand = |_| Ok(key(&context, 2, 5));
            ExpandedKeys::open(&folder.0, &ID, &context, &[2, 2], expand)
        };
        drop(open()?);
        let path = &folder.files()?[0];
        let sound = fs::read(path)?;
        let map = |bytes: &[u8]| {
            // As everybody writes such a file: at once, to another one.
            fs::remove_file(path)?;
            fs::write(path, bytes)?;
            Ok::<_, io::Error>(ExpandedKeys::map(path, &ID, &context, &[2, 2]))
        };
        let changed = |at: usize| {
            let mut bytes = sound.clone();
            bytes[at] ^= 1;
            bytes
        };
        for at in [0, 20, 50, 100, 8 + 4 * DIGEST_BYTES - 1] {
            assert!(map(&changed(at))?.is_none(), "byte {at}");
        }
        assert!(map(&sound[..sound.len() - 1])?.is_none());
        assert!(map(&[&sound[..], &[0]].concat())?.is_none());
        assert!(map(&[])?.is_none());
        let found = map(&changed(PAGE + 17))?.ok_or("the head is whole")?;
        assert!(found.key(&context, 0).is_none());
        assert!(found.key(&context, 1).is_some());

        map(&sound[..PAGE])?;
        assert!(open()?.key(&context, 0).is_some(), "made anew");
        let others = ExpandedKeys::map(path, &[8; DIGEST_BYTES], &context, &[2, 2]);
        assert!(others.is_none(), "of another identity");
        Ok(())
    }

    #[test]
    fn a_failed_file_leaves_nothing() -> Tested {
        let (context, folder) = (context()?, Folder::new("failed")?);
        let expand = |n| match n {
            0 => Ok(key(&context, 1, 3)),
            _ => Err(RunError::Keys("is damaged".to_owned())),
        };
        let failed = ExpandedKeys::open(&folder.0, &ID, &context, &[1, 1], expand);
        assert!(matches!(failed, Err(RunError::Keys(_))));
        assert!(folder.files()?.is_empty());
        let nowhere = folder.0.join("nowhere");
        let failed = ExpandedKeys::open(&nowhere, &ID, &context, &[1], |_| Ok(key(&context, 1, 3)));
        assert!(matches!(failed, Err(RunError::KeyFile(_))));
        Ok(())
    }
}
