//! The checkout that a group is in, and what a group tells the values of its file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

/// The checkout of the group's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// `${worktree}`: `main` in the main worktree and outside of git, otherwise made from the name of its folder.
    pub worktree: Arc<str>,
    /// What `"auto"` ports follow from: it belongs to the folder of the file.
    pub seed: u64,
}

impl Checkout {
    /// The checkout of this name, with a file in this folder.
    pub fn new(worktree: impl Into<Arc<str>>, folder: &[u8]) -> Self {
        Self { worktree: worktree.into(), seed: xxh3_64(folder) }
    }
}

impl Default for Checkout {
    /// One that is in no folder.
    fn default() -> Self {
        Self::new("main", b"")
    }
}

/// A file with environment variables (`env_file`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvFile {
    /// The file, absolute.
    pub path: PathBuf,
    /// The file of the main checkout that is taken where this one is missing (`or`), absolute.
    pub or: Option<PathBuf>,
}

impl From<&str> for EnvFile {
    fn from(path: &str) -> Self {
        Self { path: path.into(), or: None }
    }
}

/// What the group itself says to `${…}`, beside variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupValues {
    /// `${worktree}`.
    pub worktree: Arc<str>,
    /// `${services.api.port}`: each port by all that stands between the braces.
    pub ports: BTreeMap<String, u16>,
}

impl GroupValues {
    /// The name by which the worktree is referred to.
    pub const WORKTREE: &'static str = "worktree";

    /// How the names begin by which ports are referred to.
    pub const SERVICES: &'static str = "services.";

    /// Whether this is a name that the group has the value of, and not the name of a variable.
    pub fn knows(name: &str) -> bool {
        name == Self::WORKTREE || name.starts_with(Self::SERVICES)
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<String> {
        match name {
            Self::WORKTREE => Some(self.worktree.to_string()),
            _ => self.ports.get(name).map(ToString::to_string),
        }
    }
}

impl Default for GroupValues {
    fn default() -> Self {
        Self { worktree: "main".into(), ports: BTreeMap::new() }
    }
}
