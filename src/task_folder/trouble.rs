//! What can go wrong with a file of tasks, with its path and what the system said.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::domain::{plain_error, visible_path};

/// Something could not be done with a file or folder.
#[derive(Debug)]
pub struct Trouble {
    /// `cannot write`.
    what: &'static str,
    path: PathBuf,
    error: io::Error,
}

impl Trouble {
    pub(super) fn new(what: &'static str, path: &Path, error: impl Into<io::Error>) -> Self {
        Self { what, path: path.to_path_buf(), error: error.into() }
    }

    /// The file or folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the system said.
    pub fn kind(&self) -> io::ErrorKind {
        self.error.kind()
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.what, visible_path(&self.path), plain_error(&self.error))
    }
}

impl std::error::Error for Trouble {}
