//! The evaluator as an addon of Node.js: handles in, promises out.
//!
//! The heavy work runs in threads of the pool of Node.js; nothing here blocks the main thread.

mod failure;
mod task;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi_derive::napi;
use plan::{Control, Evaluator, Inputs, Keys, Options, Outputs, Prepared, RunError};

use crate::task::{Job, JobTask};

/// A plan made ready to run.
#[napi]
pub struct NativePlan {
    evaluator: Arc<Evaluator>,
}

#[napi]
impl NativePlan {
    /// Name of the model.
    #[napi(getter)]
    pub fn name(&self) -> String {
        self.evaluator.prepared().name().to_owned()
    }

    /// Expand the evaluation keys of a client.
    #[napi(ts_return_type = "Promise<NativeSession>")]
    pub fn open_session(&self, keys: &[u8]) -> AsyncTask<JobTask<OpenSession>> {
        AsyncTask::new(JobTask(OpenSession {
            evaluator: Arc::clone(&self.evaluator),
            bytes: keys.to_vec(),
        }))
    }
}

/// A plan with the keys of one client.
#[napi]
pub struct NativeSession {
    evaluator: Arc<Evaluator>,
    keys: Arc<Keys>,
}

#[napi]
impl NativeSession {
    /// Run the program once on serialised ciphertexts by input name; gives those of the outputs.
    #[napi(ts_return_type = "Promise<Record<string, Uint8Array[]>>")]
    pub fn run(
        &self,
        inputs: HashMap<String, Vec<Uint8Array>>,
        control: &RunControl,
    ) -> AsyncTask<JobTask<RunProgram>> {
        let copied = |blobs: Vec<Uint8Array>| blobs.iter().map(|blob| blob.to_vec()).collect();
        AsyncTask::new(JobTask(RunProgram {
            evaluator: Arc::clone(&self.evaluator),
            keys: Arc::clone(&self.keys),
            inputs: inputs
                .into_iter()
                .map(|(name, blobs)| (name, copied(blobs)))
                .collect(),
            state: Arc::clone(&control.state),
        }))
    }
}

#[derive(Default)]
struct RunState {
    cancelled: AtomicBool,
    /// Units of work; a plan has fewer than 2^32.
    done: AtomicU32,
    total: AtomicU32,
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
}

/// Read the bytes of `model.loom`.
#[napi(ts_return_type = "Promise<NativePlan>")]
pub fn load_plan(bytes: &[u8], plaintext_bytes: f64) -> AsyncTask<JobTask<LoadPlan>> {
    AsyncTask::new(JobTask(LoadPlan {
        bytes: bytes.to_vec(),
        // The cast saturates.
        plaintext_bytes: plaintext_bytes as usize,
    }))
}

/// Reads a plan.
pub struct LoadPlan {
    bytes: Vec<u8>,
    plaintext_bytes: usize,
}

impl Job for LoadPlan {
    type Made = Evaluator;
    type Js = NativePlan;

    fn compute(&mut self) -> Result<Evaluator, RunError> {
        let options = Options {
            plaintext_bytes: self.plaintext_bytes,
        };
        Evaluator::new(Arc::new(Prepared::new(&self.bytes)?), options)
    }

    fn finish(&mut self, made: Evaluator) -> NativePlan {
        NativePlan {
            evaluator: Arc::new(made),
        }
    }
}

/// Expands keys.
pub struct OpenSession {
    evaluator: Arc<Evaluator>,
    bytes: Vec<u8>,
}

impl Job for OpenSession {
    type Made = Keys;
    type Js = NativeSession;

    fn compute(&mut self) -> Result<Keys, RunError> {
        self.evaluator.read_keys(&self.bytes)
    }

    fn finish(&mut self, made: Keys) -> NativeSession {
        NativeSession {
            evaluator: Arc::clone(&self.evaluator),
            keys: Arc::new(made),
        }
    }
}

/// Runs a program.
pub struct RunProgram {
    evaluator: Arc<Evaluator>,
    keys: Arc<Keys>,
    inputs: Inputs,
    state: Arc<RunState>,
}

impl Job for RunProgram {
    type Made = Outputs;
    type Js = HashMap<String, Vec<Uint8Array>>;

    fn compute(&mut self) -> Result<Outputs, RunError> {
        let state = &self.state;
        let mut control = Control {
            cancelled: &state.cancelled,
            progress: &mut |progress| {
                state.done.store(progress.done as u32, Ordering::Relaxed);
                state.total.store(progress.total as u32, Ordering::Relaxed);
            },
        };
        self.evaluator.run(&self.keys, &self.inputs, &mut control)
    }

    fn finish(&mut self, made: Outputs) -> HashMap<String, Vec<Uint8Array>> {
        made.into_iter()
            .map(|(name, blobs)| (name, blobs.into_iter().map(Uint8Array::from).collect()))
            .collect()
    }
}
