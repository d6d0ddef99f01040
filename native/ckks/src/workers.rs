//! Threads that share the work of one operation.
use crate::error::CkksError;
use rayon::ThreadPool;
use rayon::prelude::*;

/// The most threads; a system asked for many thousands may take minutes to say no.
const MAX_THREADS: usize = 1024;

/// Runs independent parts of an operation, on one thread or several.
///
/// Each part writes what no other part touches, so results do not depend on the number of threads.
#[derive(Debug, Default)]
pub struct Workers(Option<ThreadPool>);

impl Workers {
    /// Workers of `threads` threads; with one, everything runs on the caller's.
    ///
    /// # Errors
    /// [`CkksError::Threads`] where they are more than 1024, or than the system starts.
    pub fn new(threads: usize) -> Result<Self, CkksError> {
        if threads <= 1 {
            return Ok(Self(None));
        }
        if threads > MAX_THREADS {
            return Err(CkksError::Threads { threads });
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

    /// Run `work` on one of the threads: what it shares out then starts without waking another one.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.0 {
            Some(pool) => pool.install(work),
            None => work(),
        }
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

    /// What `part` makes of every item, in their order; a panic in one is a panic of the caller.
    pub fn map<T: Send, R: Send>(
        &self,
        items: Vec<T>,
        part: impl Fn(T) -> R + Send + Sync,
    ) -> Vec<R> {
        match &self.0 {
            Some(pool) if items.len() > 1 => {
                pool.install(|| items.into_par_iter().with_max_len(1).map(part).collect())
            }
            _ => items.into_iter().map(part).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn a_panic_of_a_part_is_the_callers_and_the_threads_go_on() -> Result<(), CkksError> {
        for threads in 1..=3 {
            let workers = Workers::new(threads)?;
            let half = || {
                workers.each((0..64).collect(), |n| assert!(n < 32, "part {n}"));
            };
            let failed = catch_unwind(AssertUnwindSafe(|| workers.install(half)));
            let message = failed
                .err()
                .and_then(|panic| panic.downcast::<String>().ok())
                .map(|text| text.starts_with("part "));
            assert_eq!(message, Some(true), "{threads} threads");
            let mut squares = vec![0; 64];
            let items = squares.iter_mut().enumerate().collect();
            workers.install(|| workers.each(items, |(n, square)| *square = n * n));
            assert!(
                squares
                    .iter()
                    .enumerate()
                    .all(|(n, &square)| square == n * n)
            );
        }
        Ok(())
    }
}
