//! What runs in threads of the pool.

use std::collections::HashMap;
use std::sync::Arc;

use napi::bindgen_prelude::Uint8Array;
use plan::{Control, Evaluator, Inputs, Keys, Options, Outputs, Prepared, RunError};

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
        }
    }
}

/// Expands keys.
pub struct OpenSession {
    pub evaluator: Arc<Evaluator>,
    pub bytes: Vec<u8>,
}

impl Job for OpenSession {
    type Made = Keys;
    type Js = NativeSession;

    fn compute(&mut self) -> Result<Keys, RunError> {
        self.evaluator.read_keys(&self.bytes)
    }

    fn finish(&mut self, made: Keys) -> NativeSession {
        NativeSession {
            evaluator: Some(Arc::clone(&self.evaluator)),
            keys: Some(Arc::new(made)),
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
