//! Helpers, each in a process group of its own that ends with it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rustix::process::{Pid, Signal, kill_process_group};

use super::child_process::Helper;
use super::program::Program;
use crate::process_tree;

/// All helpers that live.
#[derive(Default)]
pub(super) struct Children {
    state: Mutex<ChildrenState>,
    /// Held by those who start a run.
    starts: RwLock<()>,
}

#[derive(Default)]
struct ChildrenState {
    groups: BTreeSet<i32>,
    closed: bool,
}

impl Children {
    fn state(&self) -> MutexGuard<'_, ChildrenState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does this while no helper and no run is being started. The terminal library opens a terminal and only then marks it
    /// as not to be inherited; who is started between the two would hold it open.
    pub(super) fn undisturbed<T>(&self, work: impl FnOnce() -> T) -> T {
        let _no_helper = self.state();
        let _no_run = self.starts.write().unwrap_or_else(PoisonError::into_inner);
        work()
    }

    /// Starts a run meanwhile; as many at once as there are.
    pub(super) fn beside<T>(&self, start: impl FnOnce() -> T) -> T {
        let _no_library = self.starts.read().unwrap_or_else(PoisonError::into_inner);
        start()
    }

    /// Kills all of them, and lets no other be made.
    pub(super) fn kill_all(&self) {
        let mut state = self.state();
        state.closed = true;
        for group in state.groups.iter().filter_map(|group| Pid::from_raw(*group)) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Where a helper prints to, and what it reads.
pub(super) enum Prints {
    /// Nobody reads it.
    Nowhere,
    /// Our end has the other one.
    Handle(OwnedFd),
    /// The same, and it reads what this holds; otherwise it reads nothing.
    Answer {
        /// What it reads.
        input: OwnedFd,
        /// Where it prints to.
        output: OwnedFd,
    },
}

/// A helper. Killed with its group when it is dropped.
pub(super) struct Child {
    helper: Helper,
    group: Option<Pid>,
    children: Arc<Children>,
}

impl Child {
    /// Starts a program that was found a moment ago, in this folder: whoever makes a process waits until it has entered the
    /// one and read the other. Output and errors go to `output`, in the order of their writing.
    ///
    /// # Errors
    /// Why there is no process, for people.
    pub(super) fn start(
        children: &Arc<Children>,
        program: Program,
        (dir, env): (&Path, &[(OsString, OsString)]),
        output: Prints,
    ) -> Result<Self, String> {
        let mut state = children.state();
        if state.closed {
            return Err("devgroup is shutting down".into());
        }
        let helper = Helper::start(program, (dir, env), output)?;
        let group = helper.group();
        state.groups.extend(group.map(Pid::as_raw_pid));
        group.into_iter().for_each(process_tree::group_begins);
        drop(state);
        Ok(Self { helper, group, children: children.clone() })
    }

    /// Waits for its end. What it left in its group is killed.
    ///
    /// # Errors
    /// The system cannot say how it ended.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let ended = self.helper.ended().await;
        // At once, while nobody else can have got the number.
        self.end_group();
        ended?;
        self.helper.status()
    }

    fn end_group(&mut self) {
        if let Some(group) = self.group.take() {
            let mut state = self.children.state();
            let _ = kill_process_group(group, Signal::KILL);
            state.groups.remove(&group.as_raw_pid());
            process_tree::group_is_gone(group);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end_group();
    }
}
