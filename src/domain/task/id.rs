//! The name of a task, which becomes the name of files.

use std::fmt;
use std::sync::Arc;

/// `task_id`: 1 to 128 of `A-Z a-z 0-9 . _ -`, not beginning with a dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(Arc<str>);

impl TaskId {
    /// The longest one, in bytes.
    pub const LONGEST: usize = 128;

    /// The text as an id; `None` if it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let fits = (1..=Self::LONGEST).contains(&text.len()) && !text.starts_with('.');
        (fits && text.bytes().all(is_allowed)).then(|| Self(text.into()))
    }

    /// The id that a file's name is: `a-1` of `a-1.json`.
    pub fn of_file(name: &str) -> Option<Self> {
        Self::parse(name.strip_suffix(".json")?)
    }

    /// The text, shared.
    pub fn shared(&self) -> Arc<str> {
        self.0.clone()
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
