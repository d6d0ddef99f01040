//! Aligned buffers that are used again: no allocation once a program has run.
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A cache line, and a vector of AVX-512.
const ALIGNMENT: usize = 64;
/// A large page. Keys are read from memory once in each rotation: with small pages, looking up
/// their addresses costs as much as reading them.
const LARGE_PAGE: usize = 1 << 21;

/// Owned, aligned, initialised words.
struct Block {
    words: NonNull<u64>,
    length: usize,
}

// SAFETY: a block owns its memory; shared references only read it.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Block {
    fn layout(length: usize) -> Layout {
        let alignment = if length < LARGE_PAGE / 4 {
            ALIGNMENT
        } else {
            LARGE_PAGE
        };
        let layout = Layout::array::<u64>(length).and_then(|layout| layout.align_to(alignment));
        // A length that overflows is one that no memory has.
        layout.unwrap_or_else(|_| handle_alloc_error(Layout::new::<u64>()))
    }

    fn new(length: usize) -> Self {
        let layout = Self::layout(length);
        if length == 0 {
            return Self {
                words: NonNull::dangling(),
                length,
            };
        }
        // SAFETY: the layout has a size above zero.
        let memory = unsafe { alloc(layout) };
        let Some(words) = NonNull::<u64>::new(memory.cast()) else {
            handle_alloc_error(layout)
        };
        if layout.align() == LARGE_PAGE {
            advise_large_pages(words, layout.size());
        }
        // SAFETY: `length` words were allocated; zeros are words.
        unsafe { words.write_bytes(0, length) }
        Self { words, length }
    }
}

/// Ask for large pages; memory without them works as well.
#[cfg(all(target_os = "linux", not(miri)))]
fn advise_large_pages(words: NonNull<u64>, bytes: usize) {
    const MADV_HUGEPAGE: core::ffi::c_int = 14;
    unsafe extern "C" {
        fn madvise(
            address: *mut core::ffi::c_void,
            length: usize,
            advice: core::ffi::c_int,
        ) -> core::ffi::c_int;
    }
    // SAFETY: the range is memory of ours, aligned to pages, and the advice changes no content.
    unsafe { madvise(words.as_ptr().cast(), bytes, MADV_HUGEPAGE) };
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn advise_large_pages(_: NonNull<u64>, _: usize) {}

impl Drop for Block {
    fn drop(&mut self) {
        if self.length > 0 {
            // SAFETY: allocated in `new` with this layout, and freed once.
            unsafe { dealloc(self.words.as_ptr().cast(), Self::layout(self.length)) }
        }
    }
}

#[derive(Default)]
struct Shelves {
    free: HashMap<usize, Vec<Block>>,
    held: usize,
    used: usize,
    peak: usize,
}

/// A store of buffers, shared by threads. Clones are handles to the same store.
#[derive(Clone, Default)]
pub struct Pool(Arc<Mutex<Shelves>>);

impl Pool {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// A buffer of `words` words, aligned to 64 bytes, of unspecified content.
    pub fn take(&self, words: usize) -> Buffer {
        let found = self.locked(|shelves| {
            shelves.used += words;
            shelves.peak = shelves.peak.max(shelves.used);
            let found = shelves.free.get_mut(&words).and_then(Vec::pop);
            if found.is_none() {
                shelves.held += words;
            }
            found
        });
        Buffer {
            block: Some(found.unwrap_or_else(|| Block::new(words))),
            pool: self.clone(),
        }
    }

    /// A buffer of zeros.
    pub fn take_zeroed(&self, words: usize) -> Buffer {
        let mut buffer = self.take(words);
        buffer.fill(0);
        buffer
    }

    /// Bytes that the pool holds, in use or not.
    pub fn held_bytes(&self) -> usize {
        self.locked(|shelves| 8 * shelves.held)
    }

    /// The most bytes that were in use at once.
    pub fn peak_bytes(&self) -> usize {
        self.locked(|shelves| 8 * shelves.peak)
    }

    /// Free what is not in use.
    pub fn trim(&self) {
        let blocks = self.locked(|shelves| {
            let blocks = core::mem::take(&mut shelves.free);
            shelves.held = shelves.used;
            blocks
        });
        drop(blocks);
    }

    fn locked<T>(&self, run: impl FnOnce(&mut Shelves) -> T) -> T {
        // Counts and lists are whole between statements: a panic elsewhere does not break them.
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Words of a pool, which go back to it when dropped.
pub struct Buffer {
    /// None only while it is dropped.
    block: Option<Block>,
    pool: Pool,
}

impl Deref for Buffer {
    type Target = [u64];

    #[inline]
    fn deref(&self) -> &[u64] {
        self.block.as_ref().map_or(&[], |block| {
            // SAFETY: the block owns `length` initialised words, borrowed with the buffer.
            unsafe { core::slice::from_raw_parts(block.words.as_ptr(), block.length) }
        })
    }
}

impl DerefMut for Buffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u64] {
        self.block.as_mut().map_or(&mut [], |block| {
            // SAFETY: the block owns `length` initialised words, borrowed alone with the buffer.
            unsafe { core::slice::from_raw_parts_mut(block.words.as_ptr(), block.length) }
        })
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(block) = self.block.take() {
            self.pool.locked(|shelves| {
                shelves.used -= block.length;
                shelves.free.entry(block.length).or_default().push(block);
            });
        }
    }
}

impl core::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Buffer({} words)", self.len())
    }
}

impl core::fmt::Debug for Pool {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Pool({} bytes)", self.held_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_come_back() {
        let pool = Pool::new();
        let mut first = pool.take(1000);
        assert_eq!(first.as_ptr() as usize % ALIGNMENT, 0);
        first[999] = 7;
        let address = first.as_ptr();
        drop(first);
        let second = pool.take(1000);
        assert_eq!(second.as_ptr(), address);
        let third = pool.take_zeroed(1000);
        assert!(third.iter().all(|&word| word == 0));
        assert_eq!((pool.held_bytes(), pool.peak_bytes()), (16000, 16000));
        drop(third);
        pool.trim();
        assert_eq!((pool.held_bytes(), second.len()), (8000, 1000));
        assert!(pool.take(0).is_empty());
    }

    #[test]
    fn threads_share_a_pool() {
        let pool = Pool::new();
        std::thread::scope(|scope| {
            for value in 0..4 {
                let pool = pool.clone();
                scope.spawn(move || {
                    for _ in 0..100 {
                        let mut buffer = pool.take(64);
                        buffer.fill(value);
                        assert!(buffer.iter().all(|&word| word == value));
                    }
                });
            }
        });
        assert!(pool.peak_bytes() <= 4 * 512);
    }
}
