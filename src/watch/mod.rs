//! What changes below the group's root, and which rule says what it means.
//!
//! One watch of the operating system on each directory that somebody needs; ignored trees cost nothing.
//! The operating system's events only say where to look: what happened is found by comparing what is there with
//! what was known (`tree.rs`), so that a merged, doubled or lost event makes no difference.
//!
//! ```text
//! events' thread ──> pending (bounded, coalescing) ──> lookout (own thread) ──> reports (bounded, coalescing) ──> loop
//! ```
//!
//! Architecture invariants: the thread that delivers events never blocks, asks the disk or adds a watch; the lookout
//! never waits for the loop; nothing here decides what a change does to a service.

mod cookies;
mod directory;
mod git;
mod git_config;
mod lookout;
mod outcome;
mod own_file;
mod pending;
mod reports;
pub mod rules;
mod source;
mod tree;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::domain::{Answer, GroupSpec, WatchBackend, WatchReport, WatchStatus};

use cookies::Cookies;
use lookout::Lookout;
use pending::{Pending, Question};
pub use reports::WatchReports;
use reports::{Closes, Outbox};

/// The watcher of a group. It owns its thread; dropping it ends the thread without waiting for it.
pub struct Watcher {
    pending: Arc<Pending>,
    cookies: Arc<Cookies>,
}

impl Watcher {
    /// Starts to watch what the services of `spec` ask for, and returns at once. `own` are the folders that devgroup
    /// itself writes to: they are never watched.
    ///
    /// What goes wrong is in the [`WatchStatus`]: the group also runs without a watcher.
    pub fn start(spec: Arc<GroupSpec>, clock: Clock, own: Vec<PathBuf>) -> (Self, WatchReports) {
        let pending = Arc::new(Pending::default());
        let outbox = Arc::new(Outbox::default());
        let started = clock.now();
        let since = clock.wall(started);
        let cookies = Arc::new(Cookies::new(u64::try_from(started.since_start().as_nanos()).unwrap_or(u64::MAX)));
        let closes = Closes(Arc::clone(&outbox));
        let thread = std::thread::Builder::new().name(String::from("watch")).spawn({
            let pending = Arc::clone(&pending);
            let cookies = Arc::clone(&cookies);
            move || {
                // Moved in whole, so that the reports end with this thread, however it ends.
                let closes = closes;
                let mut lookout = Lookout::new(spec, clock, own, pending, cookies, Arc::clone(&closes.0));
                lookout.missed_since(since);
                lookout.run();
            }
        });
        if let Err(error) = thread {
            outbox.push(WatchReport::Status(WatchStatus {
                backend: WatchBackend::Off,
                ready: true,
                problem: Some(format!("nothing is watched: no thread for the watcher: {error}").into()),
                ..WatchStatus::default()
            }));
        }
        (Self { pending, cookies }, WatchReports::new(outbox))
    }

    /// Explains what a change of a path means, on the watcher's thread. The sender is dropped if too many ask at once.
    pub fn why(&self, path: PathBuf, answer: oneshot::Sender<Answer>) {
        self.pending.ask(Question { path, answer });
    }

    /// The file was read again: new rules; the watches follow. What only now is watched is no change.
    pub fn respec(&self, spec: Arc<GroupSpec>) {
        self.pending.respec(spec);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.pending.stop();
        self.cookies.close();
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").finish_non_exhaustive()
    }
}
