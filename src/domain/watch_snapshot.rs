//! What every client sees of the watcher: what it does, and what holds changes back.

use std::fmt;
use std::sync::Arc;

use super::{Moment, ServiceName, WatchBackend};

/// What the watcher does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchSnapshot {
    /// In one word.
    pub state: WatchState,
    /// Where events come from.
    pub backend: WatchBackend,
    /// Directories with a watch; when polling, those that are looked at.
    pub directories: usize,
    /// The first listing is complete.
    pub ready: bool,
    /// Branch and short commit: `main@3f2c1e`.
    pub git_head: Option<Arc<str>>,
    /// What does not work, with the remedy.
    pub problem: Option<Arc<str>>,
    /// What holds, oldest first.
    pub holds: Vec<HoldSnapshot>,
    /// Different paths that changed under the present holds.
    pub held: usize,
    /// The group's file changed under them, and is held as well.
    pub file_held: bool,
    /// Different paths of the bulk that goes on.
    pub busy: usize,
    /// What came of the changes of the last hold: `api, worker restarted · 9 of 312 changed files`.
    pub last_release: Option<Arc<str>>,
}

/// The watcher in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchState {
    /// Changes are acted on.
    Watching,
    /// A person holds: the `p` key, or `devgroup pause`.
    Paused,
    /// Something else holds.
    Held,
    /// A bulk of changes goes on.
    Busy,
    /// No service watches, or `--no-watch`.
    Off,
}

/// Who holds changes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The `p` key, or `--paused`.
    Key,
    /// Git at work in the tree.
    Git,
    /// `devgroup hold`, while its command runs.
    Command,
    /// `devgroup pause`, or another client.
    Client,
}

impl Holder {
    /// The word of the machine-readable outputs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Git => "git",
            Self::Command => "command",
            Self::Client => "client",
        }
    }
}

/// Something that holds changes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldSnapshot {
    /// A key, a command of a client, or git.
    pub by: Holder,
    /// For people: `p`, `git`, `git checkout main`.
    pub label: Arc<str>,
    /// When it began.
    pub since: Moment,
    /// Whose changes; of all if empty.
    pub services: Arc<[ServiceName]>,
}

/// Who holds, and whose changes if not those of all: `hold: git checkout main`, `p (api, worker)`.
impl fmt::Display for HoldSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.by == Holder::Command {
            f.write_str("hold: ")?;
        }
        f.write_str(&self.label)?;
        if self.services.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", self.names())
    }
}

impl HoldSnapshot {
    /// The same in a sentence, for who is not at the screen: `` `devgroup hold -- git checkout main` ``.
    pub fn holder(&self) -> String {
        let of = if self.services.is_empty() { String::new() } else { format!(" ({})", self.names()) };
        match self.by {
            Holder::Command => format!("`devgroup hold -- {}`{of}", self.label),
            _ => self.to_string(),
        }
    }

    /// The services, if they are not all.
    pub fn names(&self) -> String {
        self.services.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", ")
    }
}
