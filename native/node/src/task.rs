//! Work in a thread of the pool, as a promise.

use napi::bindgen_prelude::{ToNapiValue, TypeName};
use napi::{Env, Result, Task};
use plan::RunError;

use crate::failure::{Failure, guarded};

/// Computes in a thread of the pool, and makes the JavaScript value in the main thread.
pub trait Job: Send {
    type Made: Send + 'static;
    type Js: ToNapiValue + TypeName;

    fn compute(&mut self) -> std::result::Result<Self::Made, RunError>;
    fn finish(&mut self, made: Self::Made) -> Self::Js;
}

/// A job as a task of napi.
pub struct JobTask<J>(pub J);

impl<J: Job> Task for JobTask<J> {
    type Output = std::result::Result<J::Made, Failure>;
    type JsValue = J::Js;

    fn compute(&mut self) -> Result<Self::Output> {
        // The failure is thrown by `resolve`: only there can it carry a code.
        Ok(guarded(|| self.0.compute()))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> Result<Self::JsValue> {
        match output {
            Ok(made) => Ok(self.0.finish(made)),
            Err(failure) => Err(failure.into_error(env)),
        }
    }
}
