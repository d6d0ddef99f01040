//! Files as words in memory: every process that maps a file reads the same memory.
use std::fs::File;
use std::io;

use memmap2::Mmap;

/// The words of a file, mapped read-only.
///
/// ASSUME: what is mapped was written whole, renamed to its place and is not written again. A file
/// that is shortened while it is mapped ends the process; one that is changed gives other numbers.
pub struct MappedWords(Mmap);

impl MappedWords {
    /// Map a file; what is behind its last whole word is left out.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(file: &File) -> io::Result<Self> {
        // SAFETY: the mapping is read as words only, any bits are a word, and the file is not written
        // while it is mapped (the type's ASSUME).
        let map = unsafe { Mmap::map(file)? };
        // Small pages cost as much as reading them; file systems without large ones refuse.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Ok(Self(map))
    }
}

impl core::ops::Deref for MappedWords {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        let length = self.0.len() / size_of::<u64>();
        // SAFETY: a mapping begins at a page, so words are aligned; `length` words lie in it, and it
        // lives as long as the borrow.
        unsafe { core::slice::from_raw_parts(self.0.as_ptr().cast(), length) }
    }
}

impl core::fmt::Debug for MappedWords {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "MappedWords({} words)", self.len())
    }
}

/// The bytes of words as they lie in memory.
pub fn bytes_of(words: &[u64]) -> &[u8] {
    // SAFETY: the same memory, of which every byte is initialised; bytes need no alignment.
    unsafe { core::slice::from_raw_parts(words.as_ptr().cast(), size_of_val(words)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    #[cfg_attr(miri, ignore)]
    fn words_are_those_that_were_written() -> io::Result<()> {
        let path = std::env::temp_dir().join(format!("cipherloom-words-{}", std::process::id()));
        let words: Vec<u64> = (0..1000).map(|n| n << 40 | n).collect();
        let mut file = File::create_new(&path)?;
        file.write_all(bytes_of(&words))?;
        file.write_all(&[1, 2, 3])?;
        let mapped = MappedWords::open(&File::open(&path)?)?;
        std::fs::remove_file(&path)?;
        assert_eq!(&mapped[..], &words);
        Ok(())
    }
}
