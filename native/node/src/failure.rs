//! Errors as JavaScript sees them: `code` of the project's table, and a message.

use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::{Env, Error, JsError};
use plan::RunError;

/// What a request failed of.
pub struct Failure {
    code: &'static str,
    message: String,
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self {
            code: error.code(),
            message: error.to_string(),
        }
    }
}

impl Failure {
    /// A plan or session was asked after `dispose`.
    pub fn disposed() -> Self {
        Self {
            code: "USE_AFTER_DISPOSE",
            message: "it was disposed".to_owned(),
        }
    }

    /// The error to throw in the main thread.
    pub fn into_error(self, env: Env) -> Error {
        JsError::from(Error::new(self.code, self.message))
            .into_unknown(env)
            .into()
    }
}

/// Do the work of a request; a panic ends that request alone.
///
/// What is shared between requests stays whole: a cache of finished entries, buffers of a pool.
pub fn guarded<T>(work: impl FnOnce() -> Result<T, RunError>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Failure::from),
        Err(panic) => {
            let message = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            Err(Failure {
                code: "INTERNAL",
                message: format!("the evaluator panicked: {message}"),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_of_its_request() {
        let failed = guarded(|| -> Result<(), RunError> { panic!("row {} of 3", 4) });
        let failure = failed.err().map(|failure| (failure.code, failure.message));
        let message = "the evaluator panicked: row 4 of 3".to_owned();
        assert_eq!(failure, Some(("INTERNAL", message)));
        assert!(
            guarded(|| Ok(7)).is_ok_and(|made| made == 7),
            "the next one works"
        );
        let refused = guarded(|| -> Result<(), _> { Err(RunError::Cancelled) });
        assert!(refused.is_err_and(|failure| failure.code == "ABORT_ERR"));
    }
}
