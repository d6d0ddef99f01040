//! Why a program did not run.

use core::fmt;

use ckks::CkksError;
use ckks::serial::SerialError;

use crate::error::PlanError;

/// A request that has no result.
#[derive(Debug)]
pub enum RunError {
    /// The caller asked to stop.
    Cancelled,
    /// A plan that this evaluator cannot run.
    Plan(PlanError),
    /// Keys that are damaged, of another plan, or incomplete.
    Keys(String),
    /// A file of expanded keys that cannot be made.
    KeyFile(String),
    /// Ciphertexts that are missing, damaged or of other parameters.
    Input {
        /// Name of the input.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value that the server should have computed in the clear.
    Public {
        /// Name of the value.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A constant that no modulus here holds at its scale.
    Encoding {
        /// The largest coefficient.
        coefficient: f64,
        /// The scale that it was encoded at.
        scale: f64,
    },
    /// A result that everybody could read.
    Transparent(String),
    /// More threads than the system starts.
    Threads(usize),
    /// A mistake of this program: operands that do not fit.
    Internal(String),
}

impl RunError {
    /// Code of the error in the project's table.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Cancelled => "ABORT_ERR",
            Self::Plan(_) => "PLAN_INVALID",
            Self::Keys(_) => "KEYS_INVALID",
            Self::KeyFile(_) => "FILE_UNWRITABLE",
            Self::Input { .. } => "CIPHERTEXT_INVALID",
            Self::Public { .. } => "INPUT_INVALID",
            Self::Threads(_) => "RESOURCE_LIMIT",
            Self::Encoding { .. } | Self::Transparent(_) | Self::Internal(_) => "INTERNAL",
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the run was stopped"),
            Self::Plan(error) => error.fmt(f),
            Self::Keys(reason) => write!(f, "keys: {reason}"),
            Self::Input { name, reason } => write!(f, "input {name:?} {reason}"),
            Self::Public { name, reason } => write!(f, "public value {name:?} {reason}"),
            Self::Encoding { coefficient, scale } => write!(
                f,
                "a constant at scale {scale} has the coefficient {coefficient}, not below 2^62"
            ),
            Self::Transparent(name) => write!(f, "{name:?} would be readable by everybody"),
            Self::Threads(threads) => write!(f, "{threads} threads could not be started"),
            Self::KeyFile(reason) | Self::Internal(reason) => f.write_str(reason),
        }
    }
}

impl core::error::Error for RunError {}

impl From<PlanError> for RunError {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

impl From<CkksError> for RunError {
    fn from(error: CkksError) -> Self {
        match error {
            CkksError::Threads { threads } => Self::Threads(threads),
            _ => Self::Internal(error.to_string()),
        }
    }
}

impl From<SerialError> for RunError {
    fn from(error: SerialError) -> Self {
        Self::Keys(error.to_string())
    }
}
