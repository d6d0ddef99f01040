//! Threads that share the work of one operation.
use crate::error::CkksError;
use rayon::ThreadPool;
use rayon::prelude::*;

/// Runs independent parts of an operation, on one thread or several.
///
/// Each part writes what no other part touches, so results do not depend on the number of threads.
#[derive(Debug, Default)]
pub struct Workers(Option<ThreadPool>);

impl Workers {
    /// Workers of `threads` threads; with one, everything runs on the caller's.
    ///
    /// # Errors
    /// [`CkksError::Threads`] where the system starts no more.
    pub fn new(threads: usize) -> Result<Self, CkksError> {
        if threads <= 1 {
            return Ok(Self(None));
        }
        let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let named = builder.thread_name(|index| format!("cipherloom-{index}"));
        let pool = named.build().map_err(|_| CkksError::Threads { threads })?;
        Ok(Self(Some(pool)))
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.0.as_ref().map_or(1, ThreadPool::current_num_threads)
    }

    /// Run `part` on every item; a panic in one is a panic of the caller.
    pub fn each<T: Send>(&self, items: Vec<T>, part: impl Fn(T) + Send + Sync) {
        match &self.0 {
            Some(pool) if items.len() > 1 => pool.install(|| {
                items.into_par_iter().with_max_len(1).for_each(part);
            }),
            _ => items.into_iter().for_each(part),
        }
    }
}
