//! All that a client of a running group needs: ask, see, read the logs.

mod event_log;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::domain::{Answer, Command, Explanation, GroupSnapshot, Moment, Refusal};
use crate::logs::LogStore;
pub use event_log::EventLog;

/// A command on its way to the run loop.
#[derive(Debug)]
pub struct Request {
    /// What is asked.
    pub command: Command,
    /// Where the answer goes, if somebody waits for it.
    pub answer: Option<oneshot::Sender<Answer>>,
}

/// A client's handle of a group. Clones are equal clients.
#[derive(Clone, Debug)]
pub struct GroupHandle {
    requests: mpsc::Sender<Request>,
    snapshots: watch::Receiver<Arc<GroupSnapshot>>,
    logs: Arc<LogStore>,
    events: Arc<EventLog>,
    web_address: Arc<Mutex<Option<Arc<str>>>>,
}

impl GroupHandle {
    /// Requests that may wait for the loop. A client that fills it is told so instead of slowing the group down.
    pub const QUEUE: usize = 1024;

    /// Joins the ends that the run loop serves.
    pub fn new(
        requests: mpsc::Sender<Request>,
        snapshots: watch::Receiver<Arc<GroupSnapshot>>,
        logs: Arc<LogStore>,
        events: Arc<EventLog>,
    ) -> Self {
        Self { requests, snapshots, logs, events, web_address: Arc::default() }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// The group's refusal, or [`Refusal::Unavailable`] if its queue is full or it has ended.
    pub async fn ask(&self, command: Command) -> Result<Answer, Refusal> {
        let (sender, receiver) = oneshot::channel();
        self.requests.try_send(Request { command, answer: Some(sender) }).map_err(|_| Refusal::Unavailable)?;
        match receiver.await.map_err(|_| Refusal::Unavailable)? {
            Answer::Refused(refusal) => Err(refusal),
            answer @ (Answer::Accepted { .. } | Answer::Scaled(_) | Answer::Explained(_) | Answer::Task(_)) => {
                Ok(answer)
            }
        }
    }

    /// Why a change of this path does or does not restart a service, as the group is now.
    ///
    /// # Errors
    /// As of [`Self::ask`].
    pub async fn why(&self, path: PathBuf) -> Result<Box<Explanation>, Refusal> {
        match self.ask(Command::Why { path }).await? {
            Answer::Explained(explanation) => Ok(Box::new(explanation.of_the_group_now(&self.snapshot()))),
            Answer::Accepted { .. } | Answer::Scaled(_) | Answer::Task(_) | Answer::Refused(_) => {
                Err(Refusal::Unavailable)
            }
        }
    }

    /// Has all live runs measured, and waits until the snapshot tells what they use. One that has nothing to tell within a
    /// second is told as it was.
    ///
    /// # Errors
    /// As of [`Self::ask`].
    pub async fn measure(&self) -> Result<(), Refusal> {
        /// Of all runs together.
        const PATIENCE: Duration = Duration::from_secs(1);
        let mut snapshots = self.snapshots();
        let asked = self.logs.clock().now();
        self.ask(Command::Measure { services: Vec::new() }).await?;
        let is_measured = |group: &Arc<GroupSnapshot>| is_measured_since(group, asked);
        let _ = timeout(PATIENCE, snapshots.wait_for(is_measured)).await;
        Ok(())
    }

    /// Asks without waiting: never blocks.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] if the queue is full or the group has ended.
    pub fn send(&self, command: Command) -> Result<(), Refusal> {
        self.requests.try_send(Request { command, answer: None }).map_err(|_| Refusal::Unavailable)
    }

    /// Asks without waiting, and tries again in the background while the queue is full: for what must not be forgotten.
    pub fn insist(&self, command: Command) {
        let Err(TrySendError::Full(request)) = self.requests.try_send(Request { command, answer: None }) else {
            return;
        };
        let requests = self.requests.clone();
        // Without a runtime the group is ending.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { requests.send(request).await });
        }
    }

    /// The state of the group now.
    pub fn snapshot(&self) -> Arc<GroupSnapshot> {
        self.snapshots.borrow().clone()
    }

    /// A receiver that wakes with each new snapshot.
    pub fn snapshots(&self) -> watch::Receiver<Arc<GroupSnapshot>> {
        self.snapshots.clone()
    }

    /// The logs of all services.
    pub fn logs(&self) -> &Arc<LogStore> {
        &self.logs
    }

    /// Where its web page is, if that is open: `http://127.0.0.1:24817`.
    pub fn web_address(&self) -> Option<Arc<str>> {
        self.web_address.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The page was opened there, or closed.
    pub fn set_web_address(&self, address: Option<Arc<str>>) {
        *self.web_address.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// What has happened.
    pub fn events(&self) -> &Arc<EventLog> {
        &self.events
    }
}

/// Each live run was measured after that moment, or so shortly before that nobody measured anew.
fn is_measured_since(group: &GroupSnapshot, asked: Moment) -> bool {
    /// Who measures again so soon after somebody else is told what that one was.
    const SHARED: Duration = Duration::from_millis(250);
    let earliest = asked.since_start().saturating_sub(SHARED);
    let is_new = |at: Moment| at.since_start() >= earliest;
    group.services.iter().filter(|one| one.can_be_measured()).all(|one| one.usage.is_some_and(|usage| is_new(usage.at)))
}
