//! Where the bytes of a key bundle come from: memory, or a file that is read key by key.

use std::borrow::Cow;
use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

/// The bytes of a bundle.
pub trait KeyBytes: Debug + Send + Sync {
    /// How many there are.
    fn size(&self) -> usize;

    /// So many bytes from an offset on, which the caller compared with the size.
    ///
    /// # Errors
    /// What the system says; a file that became shorter.
    fn read(&self, offset: usize, length: usize) -> io::Result<Cow<'_, [u8]>>;
}

fn slice(bytes: &[u8], offset: usize, length: usize) -> io::Result<Cow<'_, [u8]>> {
    let found = offset
        .checked_add(length)
        .and_then(|end| bytes.get(offset..end));
    found
        .map(Cow::Borrowed)
        .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

impl KeyBytes for &[u8] {
    fn size(&self) -> usize {
        self.len()
    }

    fn read(&self, offset: usize, length: usize) -> io::Result<Cow<'_, [u8]>> {
        slice(self, offset, length)
    }
}

impl KeyBytes for Vec<u8> {
    fn size(&self) -> usize {
        self.len()
    }

    fn read(&self, offset: usize, length: usize) -> io::Result<Cow<'_, [u8]>> {
        slice(self, offset, length)
    }
}

/// A bundle in a file; only what is asked for is in memory.
#[derive(Debug)]
pub struct KeyFile {
    file: Mutex<File>,
    size: usize,
}

impl KeyFile {
    /// A bundle in an open file.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(file: File) -> io::Result<Self> {
        let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        Ok(Self {
            file: Mutex::new(file),
            size,
        })
    }
}

impl KeyBytes for KeyFile {
    fn size(&self) -> usize {
        self.size
    }

    fn read(&self, offset: usize, length: usize) -> io::Result<Cow<'_, [u8]>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset as u64))?;
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes)?;
        Ok(Cow::Owned(bytes))
    }
}

impl KeyBytes for Box<dyn KeyBytes> {
    fn size(&self) -> usize {
        (**self).size()
    }

    fn read(&self, offset: usize, length: usize) -> io::Result<Cow<'_, [u8]>> {
        (**self).read(offset, length)
    }
}
