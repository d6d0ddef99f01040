//! The one error of this crate: a plan that cannot be read or run.

use std::fmt;

/// What is wrong with a plan: the part, and the numbers that were compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// Part or field of the plan, as in `operation 3 (ckks.linear)`.
    pub what: String,
    /// What is wrong with it.
    pub reason: String,
}

impl PlanError {
    /// An error of a part.
    pub fn new(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plan: {} {}", self.what, self.reason)
    }
}

impl std::error::Error for PlanError {}

/// Shorthand of a failed check.
pub fn refuse<T>(what: impl Into<String>, reason: impl Into<String>) -> Result<T, PlanError> {
    Err(PlanError::new(what, reason))
}
