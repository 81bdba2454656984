//! What the log of a worker says of its tasks.

use std::fmt;
use std::sync::Arc;

use super::{MarkerKind, ServiceName, TaskId, TaskNews, count, human, short};

/// An entry of the log of a worker.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskMarker {
    /// The first run of the worker.
    Begins {
        /// What is run for each try, on one line; `None`: somebody else works through its tasks.
        command: Option<String>,
        /// How many tries run at once.
        concurrency: u32,
    },
    /// Something has happened to its tasks.
    News {
        /// The worker.
        worker: ServiceName,
        /// What.
        news: TaskNews,
    },
    /// The worker has stopped, as it was asked to. It has no exit code, and nobody sent it a signal.
    Stopped {
        /// Who asked, if that was a client.
        by: Option<Arc<str>>,
    },
    /// The worker cannot go on.
    GivesUp {
        /// Why, for people.
        reason: Arc<str>,
    },
    /// A try has ended by itself and left processes running; they were ended.
    LeftBehind {
        /// Of this task.
        id: TaskId,
        /// For people: `node (48213)`.
        names: Vec<String>,
    },
}

impl TaskMarker {
    /// What its line is known by.
    pub fn kind(&self) -> MarkerKind {
        match self {
            Self::Begins { .. } => MarkerKind::Start,
            Self::Stopped { .. } | Self::LeftBehind { .. } => MarkerKind::Other,
            Self::GivesUp { .. } => MarkerKind::Failure,
            Self::News { news, .. } => match news {
                TaskNews::Dead { .. }
                | TaskNews::Unkillable { .. }
                | TaskNews::BreakerOpen { .. }
                | TaskNews::CannotWrite { .. }
                | TaskNews::ServerAway { .. }
                | TaskNews::Lost => MarkerKind::Failure,
                _ => MarkerKind::Other,
            },
        }
    }
}

impl fmt::Display for TaskMarker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begins { command: Some(command), concurrency } => {
                write!(f, "started · {command} · {concurrency} at once")
            }
            Self::Begins { command: None, .. } => f.write_str("started · somebody else works through its tasks"),
            Self::Stopped { by: None } => f.write_str("stopped"),
            Self::Stopped { by: Some(by) } => write!(f, "stopped · by {by}"),
            Self::GivesUp { reason } => write!(f, "cannot go on · {reason}"),
            Self::News { worker, news } => write(f, worker, news),
            Self::LeftBehind { id, names } => {
                write!(f, "{id} · left behind: {} · ended", names.join(", "))
            }
        }
    }
}

fn write(f: &mut fmt::Formatter<'_>, worker: &ServiceName, news: &TaskNews) -> fmt::Result {
    match news {
        TaskNews::Try { id, number, of, after: None } => write!(f, "{id} · try {number} of {of}"),
        TaskNews::Try { id, number, of, after: Some(after) } => {
            write!(f, "{id} · try {number} of {of} · after {after}")
        }
        TaskNews::Retries { id, why, wait, .. } => write!(f, "{id} · {why} · next try in {}", short(*wait)),
        TaskNews::Completed { id, took } => write!(f, "{id} · completed after {}", human(*took)),
        TaskNews::BatchDone { batch, completed, failed } => {
            write!(f, "batch {batch} · done · {completed} completed")?;
            if *failed > 0 { write!(f, " · {failed} failed") } else { Ok(()) }
        }
        TaskNews::Cancelled { id } => write!(f, "{id} · cancelled"),
        TaskNews::Dead { name, reason, detail, .. } if detail.is_empty() => {
            write!(f, "{name} · dead letter · {}", reason.word())
        }
        TaskNews::Dead { name, reason, detail, .. } => {
            write!(f, "{name} · dead letter · {} · {detail}", reason.word())
        }
        TaskNews::GivenBack { id } => write!(f, "{id} · given back · it waits again"),
        TaskNews::TimedOut { id, timeout } => write!(f, "{id} · timeout after {} · asked to end", short(*timeout)),
        TaskNews::Killed { id, grace: Some(grace) } => {
            write!(f, "{id} · killed · SIGKILL after {} grace", short(*grace))
        }
        TaskNews::Killed { id, grace: None } => write!(f, "{id} · killed · SIGKILL at once"),
        TaskNews::Unkillable { id } => write!(f, "{id} · still running after SIGKILL"),
        TaskNews::BreakerOpen { failures, cooldown } => write!(
            f,
            "breaker open · {} in a row · nothing is claimed for {}",
            count(*failures, "failed try"),
            short(*cooldown)
        ),
        TaskNews::BreakerHalfOpen => f.write_str("breaker half open · one task is the test"),
        TaskNews::BreakerClosed => f.write_str("breaker closed"),
        TaskNews::Standby(standby) => match (&*standby.group, standby.pid) {
            ("", _) => write!(f, "standby · {worker} belongs to another devgroup"),
            (group, None) => write!(f, "standby · {worker} belongs to {group}"),
            (group, Some(pid)) => write!(f, "standby · {worker} belongs to {group}, pid {pid}"),
        },
        TaskNews::Owned { claims: 0 } => write!(f, "the folder of {worker} belongs to this group"),
        TaskNews::Owned { claims } => {
            write!(f, "the folder of {worker} belongs to this group · {} in it", count(*claims, "claimed task"))
        }
        TaskNews::CannotWrite { problem } => write!(f, "{problem} · nothing is claimed until that works"),
        TaskNews::ServerAway { problem } => write!(f, "{problem} · tasks wait until it is back"),
        TaskNews::ServerBack => f.write_str("the server is back"),
        TaskNews::WritesAgain => f.write_str("files can be written again"),
        TaskNews::Lost => f.write_str("lost · its heartbeat is too old"),
        TaskNews::Found => f.write_str("its heartbeat is back"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{DeadReason, Standby};

    #[test]
    fn they_read_as_the_documentation_shows_them() {
        let id = || TaskId::parse("test-001").unwrap();
        let seconds = Duration::from_secs;
        for (news, words) in [
            (TaskNews::Try { id: id(), number: 1, of: 4, after: None }, "test-001 · try 1 of 4"),
            (
                TaskNews::Try { id: id(), number: 2, of: 4, after: Some("exit 1".into()) },
                "test-001 · try 2 of 4 · after exit 1",
            ),
            (
                TaskNews::Retries { id: id(), why: "exit 1".into(), took: None, wait: seconds(2) },
                "test-001 · exit 1 · next try in 2s",
            ),
            (
                TaskNews::Dead {
                    name: "test-001".into(),
                    reason: DeadReason::MaxRetriesExceeded,
                    detail: "exit 1".into(),
                    status: None,
                    took: None,
                },
                "test-001 · dead letter · max_retries_exceeded · exit 1",
            ),
            (
                TaskNews::BreakerOpen { failures: 5, cooldown: seconds(60) },
                "breaker open · 5 failed tries in a row · nothing is claimed for 60s",
            ),
            (
                TaskNews::Standby(Standby { group: "shop".into(), pid: Some(48_001) }),
                "standby · marie belongs to shop, pid 48001",
            ),
        ] {
            assert_eq!(TaskMarker::News { worker: ServiceName::new("marie"), news }.to_string(), words);
        }
    }
}
