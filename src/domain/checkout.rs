//! The checkout that a group is in, and what a group tells the values of its file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::ServiceName;

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
    /// The line that names it, 1-based.
    pub line: u32,
    /// The file that names it, relative to the root of the group; `None` if that is the group's own.
    pub file: Option<Arc<str>>,
}

impl EnvFile {
    /// Both read the same, wherever they are named.
    pub fn is_same(&self, other: &Self) -> bool {
        self.path == other.path && self.or == other.or
    }
}

impl From<&str> for EnvFile {
    fn from(path: &str) -> Self {
        Self { path: path.into(), or: None, line: 0, file: None }
    }
}

/// What the group itself says to `${…}`, beside variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupValues {
    /// `${worktree}`.
    pub worktree: Arc<str>,
    /// `${services.api.port}`: each port by all that stands between the braces.
    pub ports: BTreeMap<String, u16>,
    /// The services with `replicas` that have no instance now, so that no port of them has a value.
    pub without_instances: BTreeSet<ServiceName>,
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

    /// Why the group has no value of a name that only it can have one of.
    pub fn why_missing(&self, name: &str) -> Option<String> {
        let port = name.strip_prefix(Self::SERVICES)?;
        let service = port.split_once(".ports.").map(|(service, _)| service).or_else(|| port.strip_suffix(".port"))?;
        let service = ServiceName::new(service);
        let why = match self.without_instances.contains(&service) {
            true => "has 0 instances: scale it up",
            false => "is not in the group now: start it with the group",
        };
        Some(format!(
            "`${{{name}}}` has no value, because {service} {why}, or give it a default with `${{{name}:-value}}`"
        ))
    }
}

impl Default for GroupValues {
    fn default() -> Self {
        Self { worktree: "main".into(), ports: BTreeMap::new(), without_instances: BTreeSet::new() }
    }
}
