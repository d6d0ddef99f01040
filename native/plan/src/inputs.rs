//! Where the ciphertexts of a request come from: memory, or a store that is read one by one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;

use crate::public_values::PublicValues;

/// The serialised ciphertexts of an input. A request of a large batch is larger than any memory, so
/// each is asked for when the run needs it; by several threads, in an order of the run's own.
pub trait InputBlobs: Debug + Send + Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// The one at an index below `count`; its length and content are checked afterwards.
    ///
    /// # Errors
    /// What the system says.
    fn read(&self, index: usize) -> io::Result<Cow<'_, [u8]>>;
}

impl InputBlobs for Vec<Vec<u8>> {
    fn count(&self) -> usize {
        self.len()
    }

    fn read(&self, index: usize) -> io::Result<Cow<'_, [u8]>> {
        let blob = self.get(index).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(Cow::Borrowed(blob))
    }
}

/// What a request gives.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Serialised ciphertexts of each input by name.
    pub ciphertexts: HashMap<String, Arc<dyn InputBlobs>>,
    /// What the server computed in the clear.
    pub public: PublicValues,
}

impl Inputs {
    /// Ciphertexts in memory.
    pub fn held(ciphertexts: HashMap<String, Vec<Vec<u8>>>, public: PublicValues) -> Self {
        let shared = |(name, blobs): (String, Vec<Vec<u8>>)| {
            let blobs: Arc<dyn InputBlobs> = Arc::new(blobs);
            (name, blobs)
        };
        Self {
            ciphertexts: ciphertexts.into_iter().map(shared).collect(),
            public,
        }
    }
}
