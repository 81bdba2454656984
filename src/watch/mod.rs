//! What changes below the root of the group, and which rule applies to it.
//!
//! One operating-system watch for each folder that a service needs; ignored trees cost nothing. Events only say where
//! to look: the watcher compares what is there with what it knew (`tree.rs`), so a merged, duplicate or lost event
//! makes no difference.
//!
//! ```text
//! events' thread ──> pending (bounded, coalescing) ──> watch loop (own thread) ──> reports (bounded, coalescing) ──> loop
//! ```
//!
//! Architecture invariants: the thread that delivers events never blocks, reads the disk or adds a watch; the watch
//! loop never waits for the run loop; nothing here decides what a change does to a service.

mod baselines;
mod cookies;
mod directory;
mod environment_files;
mod explainer;
mod fingerprint;
mod followed_file;
mod git;
mod git_config;
mod outcome;
mod own_files;
mod pending;
mod reports;
pub mod rules;
mod source;
mod tree;
mod watch_loop;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::clock::{Clock, time_of_a_write};
use crate::domain::{Answer, FileReader, GroupSpec, Moment, ServiceName, WatchBackend, WatchReport, WatchStatus};

use cookies::Cookies;
pub use git::branch_of;
use pending::{Pending, Question, Request};
pub use reports::WatchReports;
use reports::{Closes, Outbox};
use watch_loop::WatchLoop;

/// The watcher of a group. It owns its thread; dropping it ends the thread without waiting for it.
pub struct Watcher {
    pending: Arc<Pending>,
    cookies: Arc<Cookies>,
    outbox: Arc<Outbox>,
}

impl Watcher {
    /// Removes the folder of its cookies, and makes no more: for a watcher that ends with the program, undropped.
    pub fn clear_up(&self) {
        self.cookies.close();
    }

    /// Starts to watch what the services of `spec` ask for, and returns at once. `own` are the folders that devgroup
    /// itself writes to: they are never watched.
    ///
    /// What goes wrong is in the [`WatchStatus`]: the group also runs without a watcher.
    pub fn start(spec: Arc<GroupSpec>, clock: Clock, own: Vec<PathBuf>) -> (Self, WatchReports) {
        let pending = Arc::new(Pending::default());
        let outbox = Arc::new(Outbox::default());
        let started = clock.now();
        let since = time_of_a_write();
        let cookies = Arc::new(Cookies::new(u64::try_from(started.since_start().as_nanos()).unwrap_or(u64::MAX)));
        let closes = Closes(Arc::clone(&outbox));
        let thread = std::thread::Builder::new().name(String::from("watch")).spawn({
            let pending = Arc::clone(&pending);
            let cookies = Arc::clone(&cookies);
            move || {
                // Moved in whole, so that the reports end with this thread, however it ends.
                let closes = closes;
                let mut watch_loop = WatchLoop::new(spec, clock, own, pending, cookies, Arc::clone(&closes.0));
                watch_loop.missed_since(since);
                watch_loop.run();
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
        (Self { pending, cookies, outbox: Arc::clone(&outbox) }, WatchReports::new(outbox))
    }

    /// Explains what a change of a path means, by the rules of this moment. The sender is dropped if too many ask at once.
    pub fn why(&self, path: PathBuf, answer: oneshot::Sender<Answer>) {
        self.pending.ask(Question { path, answer });
    }

    /// The file was read again: new rules; the watches follow. What only now is watched is no change.
    pub fn respec(&self, spec: Arc<GroupSpec>) {
        self.pending.respec(spec);
    }

    /// Asks which files of these services differ from what they were at the services' baselines. The answer is a
    /// [`WatchReport::Compared`]; with `sync` it knows of everything that has happened until now.
    pub fn compare(&self, ask: u64, services: Vec<FileReader>, sync: bool) {
        self.pending.request(Request::Compare { ask, services, sync });
    }

    /// These services know what has changed until then: the files as they were are their baseline. With `sync` also of
    /// what happened before and has not been heard of yet.
    pub fn baseline(&self, services: Vec<ServiceName>, at: Moment, sync: bool) {
        self.pending.request(Request::Baseline { services, at, sync });
    }

    /// Asks for a [`WatchReport::CaughtUp`] of this number when all that has happened until now has been reported. False: the
    /// watcher has ended.
    pub fn catch_up(&self, number: u64) -> bool {
        let lives = !self.outbox.is_closed();
        if lives {
            self.pending.request(Request::CatchUp(number));
        }
        lives
    }

    /// The files of the group were read and could not be used: if one of them became unreadable only after it was looked at,
    /// the moment at which it can be read again is listened for from now on.
    pub fn group_refused(&self) {
        self.pending.request(Request::GroupRefused);
    }

    /// Whether changes are held: while they are, nobody looks for them where that costs something.
    pub fn set_held(&self, held: bool) {
        self.pending.request(Request::Held(held));
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
