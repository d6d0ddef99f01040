use std::fmt;

/// What is wrong with received bytes, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialError {
    /// Field or part, as in `scale` or `coefficient 17`.
    pub what: String,
    /// What stands there and what must.
    pub reason: String,
    /// Byte it stands at.
    pub offset: usize,
}

impl fmt::Display for SerialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (byte {})", self.what, self.reason, self.offset)
    }
}

impl std::error::Error for SerialError {}

/// Shorthand of a failed check.
pub(crate) fn refuse<T>(
    what: impl Into<String>,
    reason: impl Into<String>,
    offset: usize,
) -> Result<T, SerialError> {
    Err(SerialError {
        what: what.into(),
        reason: reason.into(),
        offset,
    })
}
