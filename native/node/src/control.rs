//! How JavaScript watches and stops a run.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use napi_derive::napi;
use plan::Progress;

/// Shared by a run and who watches it.
#[derive(Default)]
pub struct RunState {
    pub cancelled: AtomicBool,
    /// Units of work; a plan has fewer than 2^32.
    done: AtomicU32,
    total: AtomicU32,
    node: Mutex<Option<String>>,
}

impl RunState {
    pub fn report(&self, progress: Progress<'_>) {
        self.done.store(progress.done as u32, Ordering::Relaxed);
        self.total.store(progress.total as u32, Ordering::Relaxed);
        *self.node.lock().unwrap_or_else(PoisonError::into_inner) =
            progress.node.map(str::to_owned);
    }
}

/// Watches and stops one run.
#[napi]
#[derive(Default)]
pub struct RunControl {
    state: Arc<RunState>,
}

#[napi]
impl RunControl {
    /// A run that was not started yet.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stop after the current unit of work.
    #[napi]
    pub fn cancel(&self) {
        self.state.cancelled.store(true, Ordering::Relaxed);
    }

    /// Units of work done.
    #[napi(getter)]
    pub fn done(&self) -> u32 {
        self.state.done.load(Ordering::Relaxed)
    }

    /// Units of work of the whole run; 0 before the first report.
    #[napi(getter)]
    pub fn total(&self) -> u32 {
        self.state.total.load(Ordering::Relaxed)
    }

    /// Name of the model's node that is computed, where there is one.
    #[napi(getter)]
    pub fn node(&self) -> Option<String> {
        let node = self.state.node.lock();
        node.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl RunControl {
    pub fn state(&self) -> Arc<RunState> {
        Arc::clone(&self.state)
    }
}
