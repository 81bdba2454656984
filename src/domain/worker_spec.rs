//! What `kind = "worker"` says: how many tasks at once, how often, how long, and in which folders.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Backoff, ServiceName};

/// How a worker works off its tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerSpec {
    /// How many tries run at once; at least 1.
    pub concurrency: u32,
    /// How long a try may take, unless its task says otherwise.
    pub timeout: Duration,
    /// Tries of a task after the first one.
    pub retries: u32,
    /// The wait before each of them, without jitter. `reset_after` means nothing here.
    pub backoff: Backoff,
    /// When no task is claimed because too many tries have failed.
    pub breaker: TaskBreaker,
    /// How often its heartbeat is written.
    pub heartbeat: Duration,
    /// Somebody else works its tasks off; only heartbeat and results are followed.
    pub remote: bool,
    /// Where everything is.
    pub folders: TaskFolders,
    /// The server through which tasks go to the workers of several machines; none: they stay in the folders.
    pub backend: Option<TaskBackend>,
}

/// `backend` of `[tasks]`, or `NATS_URL`: the addresses of one NATS server or cluster, with commas between them. They may
/// hold a password, which is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct TaskBackend(Arc<str>);

impl TaskBackend {
    /// What an address begins with.
    pub const SCHEMES: [&str; 2] = ["nats://", "tls://"];

    /// One of such addresses; none where one of them is no address of a NATS server.
    pub fn parse(text: &str) -> Option<Self> {
        let is_address = |address: &str| {
            let rest = Self::SCHEMES.iter().find_map(|scheme| address.strip_prefix(scheme));
            let host = rest.map(|rest| rest.rsplit_once('@').map_or(rest, |(_, host)| host));
            host.is_some_and(|host| !host.is_empty() && !host.starts_with(':') && !host.contains(char::is_whitespace))
        };
        text.split(',').map(str::trim).all(is_address).then(|| Self(text.into()))
    }

    /// Whether this machine is meant, wherever the file is read.
    pub fn is_here(&self) -> bool {
        let hosts = self.addresses().filter_map(|address| address.split_once("://"));
        let mut hosts = hosts.map(|(_, rest)| rest.rsplit_once('@').map_or(rest, |(_, host)| host));
        hosts.any(|host| ["127.", "localhost", "[::1]"].iter().any(|here| host.starts_with(here)))
    }

    /// The addresses, with all that is in them.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.0.split(',').map(str::trim)
    }
}

impl fmt::Display for TaskBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, address) in self.addresses().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            match (address.split_once("://"), address.rsplit_once('@')) {
                (Some((scheme, _)), Some((_, host))) => write!(f, "{comma}{scheme}://…@{host}")?,
                _ => write!(f, "{comma}{address}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for TaskBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `breaker` of a worker: so many failed tries in a row open it; after the cooldown one task is the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskBreaker {
    /// Failed tries in a row that open it; at least 1.
    pub failures: u32,
    /// How long it stays open.
    pub cooldown: Duration,
}

/// The folders of all workers of a group, absolute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TaskFolders {
    /// `tasks/`: what waits and what is claimed, a folder for each worker.
    pub tasks: PathBuf,
    /// `triggers/`: what has been claimed and what has ended.
    pub triggers: PathBuf,
    /// `results/`: what came of tasks.
    pub results: PathBuf,
    /// `heartbeats/`: whether workers live.
    pub heartbeats: PathBuf,
    /// `dlq/`: dead letters.
    pub dlq: PathBuf,
    /// `orchestrator.json`: the aggregation.
    pub orchestrator: PathBuf,
}

impl TaskFolders {
    /// All of them below `dir`.
    pub fn below(dir: PathBuf) -> Self {
        Self {
            tasks: dir.join("tasks"),
            triggers: dir.join("triggers"),
            results: dir.join("results"),
            heartbeats: dir.join("heartbeats"),
            dlq: dir.join("dlq"),
            orchestrator: dir.join("orchestrator.json"),
        }
    }

    /// The queue of a worker.
    pub fn queue(&self, worker: &ServiceName) -> PathBuf {
        self.tasks.join(worker.as_str())
    }
}

impl WorkerSpec {
    /// More tries at once are more pipes than a process may have open.
    pub const MOST_AT_ONCE: u32 = 1000;

    /// The waits between tries, unless the file says otherwise.
    pub const BACKOFF: Backoff = Backoff {
        initial: Duration::from_secs(1),
        factor: 2.0,
        max: Duration::from_secs(300),
        reset_after: Duration::ZERO,
    };

    /// The longest name of a worker, in bytes.
    pub const LONGEST_NAME: usize = 64;

    /// What each try has in its environment besides, and `${…}` in a list puts in.
    pub const VARIABLES: [&str; 5] = ["TASK_ID", "TASK_WORKER", "TASK_TRY", "TASK_FILE", "TASK_DESCRIPTION"];

    /// A worker of which the file says no more than its kind.
    pub fn new(folders: TaskFolders) -> Self {
        Self {
            concurrency: 3,
            timeout: Duration::from_secs(600),
            retries: 3,
            backoff: Self::BACKOFF,
            breaker: TaskBreaker { failures: 5, cooldown: Duration::from_secs(60) },
            heartbeat: Duration::from_secs(10),
            remote: false,
            folders,
            backend: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_passwords_are_not_shown() {
        for (text, shown) in [
            ("nats://127.0.0.1:4222", Some("nats://127.0.0.1:4222")),
            ("nats://me:p@ss@host", Some("nats://…@host")),
            ("nats://a:4222, tls://t0ken@b", Some("nats://a:4222,tls://…@b")),
            ("redis://x", None),
            ("nats://", None),
            ("nats://:4222", None),
            ("nats://a b", None),
            ("", None),
            ("nats://a,", None),
        ] {
            let backend = TaskBackend::parse(text);
            assert_eq!(backend.as_ref().map(ToString::to_string).as_deref(), shown, "{text}");
            assert!(!format!("{backend:?}").contains("p@ss"));
        }
        let is_here = |text: &str| TaskBackend::parse(text).unwrap().is_here();
        assert!(
            is_here("nats://me@localhost:4222") && is_here("nats://a,nats://127.0.0.1") && !is_here("nats://nats:4222")
        );
    }
}
