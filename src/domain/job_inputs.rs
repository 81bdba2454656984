//! The inputs of a job that are as at its last success.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// A job is done without a run: nothing of its inputs has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnchangedInputs {
    /// In one line: `package-lock.json as at the last success Nov 25 14:02:11`.
    pub text: Arc<str>,
    /// How many files were compared.
    pub files: usize,
    /// When the last success ended.
    pub since: SystemTime,
}

impl fmt::Display for UnchangedInputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
