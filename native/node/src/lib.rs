//! The evaluator as an addon of Node.js: handles in, promises out.
//!
//! The heavy work runs in threads of the pool of Node.js; nothing here blocks the main thread.

mod control;
mod failure;
mod jobs;
mod task;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, Either, Float64Array, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use plan::{Evaluator, Inputs, Keys, RequestMemory};

use crate::control::RunControl;
use crate::failure::Failure;
use crate::jobs::{KeySource, LoadPlan, OpenSession, RunProgram};
use crate::task::JobTask;

/// Number of the interface between this addon and `src/backend/native`: it changes whenever one of
/// them would not understand the other.
const INTERFACE: u32 = 4;

/// The number that `src/backend/native` compares with its own.
#[napi]
pub fn interface_version() -> u32 {
    INTERFACE
}

/// Name of the instructions that evaluators compute with here.
#[napi]
pub fn kernel() -> &'static str {
    plan::kernel_name()
}

/// Read the bytes of `model.loom`; its runs are shared by so many threads.
#[napi(ts_return_type = "Promise<NativePlan>")]
pub fn load_plan(bytes: &[u8], plaintext_bytes: f64, threads: u32) -> AsyncTask<JobTask<LoadPlan>> {
    AsyncTask::new(JobTask(LoadPlan {
        bytes: bytes.to_vec(),
        // The cast saturates.
        plaintext_bytes: plaintext_bytes as usize,
        threads: threads as usize,
    }))
}

/// A plan made ready to run.
#[napi]
pub struct NativePlan {
    /// None when it was disposed.
    evaluator: Option<Arc<Evaluator>>,
    /// Of all its sessions.
    memory: RequestMemory,
}

#[napi]
impl NativePlan {
    /// Open the evaluation keys of a client, given or in a file; expanded ones are mapped from a file
    /// in `folder` where there is one.
    ///
    /// # Errors
    /// `USE_AFTER_DISPOSE`; the promise's are those of [`Evaluator::open_keys`].
    #[napi(ts_return_type = "Promise<NativeSession>")]
    pub fn open_session(
        &self,
        env: Env,
        keys: Either<&[u8], String>,
        folder: Option<String>,
    ) -> Result<AsyncTask<JobTask<OpenSession>>> {
        Ok(AsyncTask::new(JobTask(OpenSession {
            evaluator: living(env, self.evaluator.as_ref())?,
            keys: match keys {
                Either::A(bytes) => KeySource::Bytes(bytes.to_vec()),
                Either::B(path) => KeySource::File(path.into()),
            },
            folder: folder.map(PathBuf::from),
            memory: self.memory.clone(),
        })))
    }

    /// Give its memory back as soon as no session and no run uses it.
    #[napi]
    pub fn dispose(&mut self) {
        self.evaluator = None;
    }
}

/// A plan with the keys of one client.
#[napi]
pub struct NativeSession {
    evaluator: Option<Arc<Evaluator>>,
    keys: Option<Arc<Keys>>,
    memory: RequestMemory,
}

#[napi]
impl NativeSession {
    /// Run the program once on serialised ciphertexts by input name; gives those of the outputs.
    ///
    /// # Errors
    /// `USE_AFTER_DISPOSE`; the promise's are those of [`Evaluator::run`].
    #[napi(ts_return_type = "Promise<Record<string, Uint8Array[]>>")]
    pub fn run(
        &self,
        env: Env,
        ciphertexts: HashMap<String, Vec<Uint8Array>>,
        public_values: HashMap<String, Vec<Float64Array>>,
        control: &RunControl,
    ) -> Result<AsyncTask<JobTask<RunProgram>>> {
        Ok(AsyncTask::new(JobTask(RunProgram {
            evaluator: living(env, self.evaluator.as_ref())?,
            keys: living(env, self.keys.as_ref())?,
            inputs: Inputs {
                ciphertexts: ciphertexts
                    .into_iter()
                    .map(|(name, blobs)| {
                        let held = self.memory.held(blobs.iter().map(AsRef::as_ref));
                        (name, held)
                    })
                    .collect(),
                public: copied(public_values),
            },
            state: control.state(),
        })))
    }

    /// Give the keys' memory back when the runs that use them have ended.
    #[napi]
    pub fn dispose(&mut self) {
        self.evaluator = None;
        self.keys = None;
    }
}

/// What JavaScript may change while the job runs is copied.
fn copied(named: HashMap<String, Vec<Float64Array>>) -> HashMap<String, Vec<Vec<f64>>> {
    let copies = |(name, arrays): (String, Vec<Float64Array>)| {
        (name, arrays.iter().map(|array| array.to_vec()).collect())
    };
    named.into_iter().map(copies).collect()
}

fn living<T>(env: Env, held: Option<&Arc<T>>) -> Result<Arc<T>> {
    held.map(Arc::clone)
        .ok_or_else(|| Failure::disposed().into_error(env))
}
