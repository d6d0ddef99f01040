//! What runs in threads of the pool.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use napi::bindgen_prelude::Uint8Array;
use plan::{
    Control, Evaluator, Inputs, KeyBytes, KeyFile, Keys, Options, Outputs, Prepared, RequestMemory,
    RunError,
};

use crate::control::RunState;
use crate::task::Job;
use crate::{NativePlan, NativeSession};

/// Reads a plan.
pub struct LoadPlan {
    pub bytes: Vec<u8>,
    pub plaintext_bytes: usize,
    pub threads: usize,
}

impl Job for LoadPlan {
    type Made = Evaluator;
    type Js = NativePlan;

    fn compute(&mut self) -> Result<Evaluator, RunError> {
        let options = Options {
            plaintext_bytes: self.plaintext_bytes,
            threads: self.threads,
        };
        Evaluator::new(Arc::new(Prepared::new(&self.bytes)?), options)
    }

    fn finish(&mut self, made: Evaluator) -> NativePlan {
        NativePlan {
            evaluator: Some(Arc::new(made)),
            memory: RequestMemory::default(),
        }
    }
}

/// Where the keys of a client are.
pub enum KeySource {
    Bytes(Vec<u8>),
    File(PathBuf),
}

/// Opens keys.
pub struct OpenSession {
    pub evaluator: Arc<Evaluator>,
    pub keys: KeySource,
    pub folder: Option<PathBuf>,
    pub memory: RequestMemory,
}

impl Job for OpenSession {
    type Made = Keys;
    type Js = NativeSession;

    fn compute(&mut self) -> Result<Keys, RunError> {
        let bytes: Box<dyn KeyBytes> = match &mut self.keys {
            KeySource::Bytes(bytes) => Box::new(std::mem::take(bytes)),
            KeySource::File(path) => {
                let opened = File::open(&path).and_then(KeyFile::new);
                let failed = |error| RunError::Keys(format!("{}: {error}", path.display()));
                Box::new(opened.map_err(failed)?)
            }
        };
        self.evaluator.open_keys(bytes, self.folder.as_deref())
    }

    fn finish(&mut self, made: Keys) -> NativeSession {
        NativeSession {
            evaluator: Some(Arc::clone(&self.evaluator)),
            keys: Some(Arc::new(made)),
            memory: self.memory.clone(),
        }
    }
}

/// Runs a program.
pub struct RunProgram {
    pub evaluator: Arc<Evaluator>,
    pub keys: Arc<Keys>,
    pub inputs: Inputs,
    pub state: Arc<RunState>,
}

impl Job for RunProgram {
    type Made = Outputs;
    type Js = HashMap<String, Vec<Uint8Array>>;

    fn compute(&mut self) -> Result<Outputs, RunError> {
        let mut control = Control {
            cancelled: &self.state.cancelled,
            progress: &mut |progress| self.state.report(progress),
        };
        self.evaluator.run(&self.keys, &self.inputs, &mut control)
    }

    fn finish(&mut self, made: Outputs) -> HashMap<String, Vec<Uint8Array>> {
        made.into_iter()
            .map(|(name, blobs)| (name, blobs.into_iter().map(Uint8Array::from).collect()))
            .collect()
    }
}
