//! Memory for the ciphertexts of requests, from one to the next.
//!
//! They are copied out of JavaScript. Where the system has to give memory first, as it does for hundreds of
//! megabytes every time they were given back, that takes longer than the copy.

use std::borrow::Cow;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::inputs::InputBlobs;

type Blobs = Vec<Vec<u8>>;

/// The buffers of the last request that ended, for the next.
#[derive(Clone, Debug, Default)]
pub struct RequestMemory(Arc<Mutex<Blobs>>);

impl RequestMemory {
    /// Copies of the ciphertexts of an input; their memory comes back when the last run that reads them
    /// has ended.
    pub fn held<'a>(&self, blobs: impl Iterator<Item = &'a [u8]>) -> Arc<dyn InputBlobs> {
        let mut spare = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let blobs = blobs
            .map(|blob| {
                let mut copy = spare.pop().unwrap_or_default();
                copy.clear();
                copy.extend_from_slice(blob);
                copy
            })
            .collect();
        Arc::new(Held {
            blobs,
            memory: self.clone(),
        })
    }
}

#[derive(Debug)]
struct Held {
    blobs: Blobs,
    memory: RequestMemory,
}

impl InputBlobs for Held {
    fn count(&self) -> usize {
        self.blobs.count()
    }

    fn read(&self, index: usize) -> io::Result<Cow<'_, [u8]>> {
        self.blobs.read(index)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut spare = self.memory.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Of runs side by side the larger one's.
        let bytes = |blobs: &Blobs| blobs.iter().map(Vec::capacity).sum::<usize>();
        if bytes(&self.blobs) >= bytes(&spare) {
            *spare = std::mem::take(&mut self.blobs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_that_of_the_request_before() {
        let memory = RequestMemory::default();
        let large = vec![7u8; 1 << 16];
        let first = memory.held([&large[..], &large].into_iter());
        let places = |held: &Arc<dyn InputBlobs>| -> Vec<usize> {
            let place = |index| held.read(index).map(|blob| blob.as_ptr() as usize);
            (0..held.count())
                .filter_map(|index| place(index).ok())
                .collect()
        };
        let mut before = places(&first);
        drop(first);
        let second = memory.held([&large[1..], &[]].into_iter());
        let mut after = places(&second);
        assert_eq!(
            second.read(0).ok().map(|blob| blob.len()),
            Some(large.len() - 1)
        );
        assert_eq!(second.read(1).ok().map(|blob| blob.len()), Some(0));
        before.sort_unstable();
        after.sort_unstable();
        assert_eq!(before, after);
        // A second run at the same time has memory of its own, and the smaller is given up.
        let third = memory.held([&large[..3]].into_iter());
        drop(second);
        drop(third);
        assert_eq!(memory.0.lock().map(|spare| spare.len()).ok(), Some(2));
    }
}
