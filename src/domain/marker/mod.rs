//! The lines that devgroup itself puts into a service's log.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use super::{
    ChangeAction, ExitStatus, HowSoon, JobMarker, LastExit, MarkerKind, OverLimit, PortMarker, ServiceName, Signal,
    StartCause, Stuck, TaskMarker, TimetableMarker, Written, count, framed, human, short, visible, without_secrets,
};

/// An entry of the log that devgroup made. The words are a contract: people search for them.
#[derive(Clone, Debug, PartialEq)]
pub enum Marker {
    /// The first run of this service, or the first one after it was stopped.
    Started {
        /// Who asked for it, or which service needs it: `manually`, `by devgroup start`. `None` if it starts with the group.
        why: Option<String>,
        /// The command on one line.
        command: String,
        /// Process id of the leader.
        pid: u32,
    },
    /// A further run.
    Restarted {
        /// What the run was ordered for.
        cause: StartCause,
        /// How the run before ended.
        was: Option<LastExit>,
    },
    /// About a job, and not about a run of the group.
    Job(JobMarker),
    /// What is said of a worker and its tasks.
    Task(TaskMarker),
    /// No process could be made.
    CouldNotStart {
        /// Why, for people.
        reason: String,
    },
    /// It is ready.
    Ready {
        /// Since the process was started.
        after: Duration,
        /// It was not the first run.
        restart: bool,
    },
    /// It was not ready in time.
    NotReady {
        /// What was waited for, for people: `port 4000`.
        probe: String,
        /// How long it was waited for.
        after: Duration,
        /// The next try.
        next: NextTry,
    },
    /// It ended by itself.
    Exited(Exited),
    /// It was up and did nothing.
    Stuck {
        /// What was found.
        stuck: Stuck,
        /// The next try.
        next: NextTry,
    },
    /// It had more memory than its `limits` allow.
    OverLimit {
        /// What was found.
        over: OverLimit,
        /// The next try.
        next: NextTry,
    },
    /// A stop that was asked for is complete.
    Stopped {
        /// How it ended.
        status: ExitStatus,
        /// From the first signal to the end.
        after: Duration,
        /// Who asked for it, if a client did and says who it is.
        by: Option<Arc<str>>,
    },
    /// KILL was sent.
    Killed {
        /// The grace that was used up; `None` if nobody wanted to wait.
        grace: Option<Duration>,
    },
    /// KILL did not end it.
    Unkillable {
        /// Process id of the leader.
        pid: u32,
    },
    /// It ended by itself and left processes running; they are ended now.
    LeftBehind {
        /// For people: `node (48213)`.
        names: Vec<String>,
        /// It is a service and has ended with 0, as one does that puts itself into the background.
        daemon: bool,
    },
    /// The circuit breaker opened.
    GaveUp {
        /// This many crashes …
        crashes: u32,
        /// … within this time.
        within: Duration,
        /// The next try by itself.
        cooldown: Duration,
        /// A change would start it.
        watches: bool,
    },
    /// A change has come soon after each of the last starts, or of what stands in their place: the next one waits.
    Limited {
        /// What follows when the wait is over.
        action: ChangeAction,
        /// Time until then.
        wait: Duration,
        /// What has changed each time; `None` if no file has.
        written: Option<Written>,
        /// How many starts.
        starts: u32,
        /// How soon after each.
        soon: HowSoon,
    },
    /// What was to follow a change does not come: the files are back to what they were.
    TakenBack {
        /// What does not follow.
        action: ChangeAction,
    },
    /// Not started, because it does not start by itself.
    NotStarted {
        /// `autostart = false`, `not selected`.
        reason: &'static str,
    },
    /// The file was saved with another `ready`, and the service is up already.
    NewReady,
    /// Waits for others.
    Waits {
        /// For people: `db to be ready`.
        on: String,
    },
    /// It starts when fewer others are starting.
    Queued {
        /// How many may be starting at once.
        parallel: u32,
    },
    /// A time of its schedule has come, or has not.
    Timetable(TimetableMarker),
    /// A dependency will not come up, or has gone down.
    Lost {
        /// For people: `db failed (exit 1)`.
        loss: String,
        /// The service waits for it, and does not run on without it.
        blocks: bool,
    },
    /// The command of `validate` was started.
    Validating {
        /// The command on one line.
        command: String,
        /// Why, for people: `src/a.rs changed`.
        cause: String,
    },
    /// The files are not fit to run. The old run goes on; if there is none, the service waits for a change.
    Stale {
        /// A run goes on.
        runs: bool,
        /// A change would start it.
        watches: bool,
        /// Why, for people: `validate failed · exit 101`.
        problem: String,
    },
    /// The old run goes on until everything that the new one needs is there.
    HeldUp {
        /// Why it is replaced, and what it waits for, for people: `src/a.rs changed · waiting for db to be ready`.
        problem: String,
    },
    /// The command of `validate` ended with 0.
    Valid {
        /// How long it took.
        after: Duration,
    },
    /// About one of its ports.
    Port(PortMarker),
    /// The signal of `on_change` was not sent: it would have ended the processes that it reached.
    SignalNotSent {
        /// The signal.
        signal: Signal,
        /// Name of the service that it was for.
        service: ServiceName,
    },
    /// What `on_change` did instead of a restart, for people.
    Changed {
        /// `sends SIGHUP · src/a.rs changed`.
        action: String,
    },
    /// A command that ran beside the service failed.
    ChangeCommandFailed {
        /// The key that asked for it: `on_change`.
        what: &'static str,
        /// How it ended, for people.
        problem: String,
    },
    /// The service erased its screen or its scrollback; what was there stays above.
    Cleared,
    /// The user's own, to find the place again.
    Mark {
        /// Number of the mark in this log, from 1.
        number: u32,
    },
    /// devgroup lost this many bytes of history to the memory limit. Shown at the top.
    Dropped {
        /// Number of lines that were dropped.
        lines: u64,
    },
}

/// What is said to a service whose processes go on without its leader.
const FOREGROUND: &str = " · it went into the background, where devgroup cannot supervise it: \
    run it in the foreground (nginx -g 'daemon off;', redis-server --daemonize no)";

/// How a run ended by itself, and what follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Exited {
    /// Exit code or signal of the leader.
    pub status: ExitStatus,
    /// Which crash this is, or which try; `None` if it is neither.
    pub failed: Option<FailedRun>,
    /// The next try.
    pub next: NextTry,
}

/// Which of how many failures a run was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedRun {
    /// Of a service: within the breaker's time, and how many it bears.
    Crash(u32, u32),
    /// Of a job: in a row, and how many tries it has.
    Try(u32, u32),
}

impl fmt::Display for FailedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crash(number, of) => write!(f, "crash {number} of {of}"),
            Self::Try(number, of) => write!(f, "try {number} of {of} failed"),
        }
    }
}

/// What follows an exit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextTry {
    /// Nothing by itself.
    None,
    /// A start when one of these files has changed, in words.
    AfterChange(Arc<str>),
    /// A start when somebody asks for it: it would fail again as it is, and no file starts it.
    ByHand,
    /// A try after this time.
    In(Duration),
    /// A try after the cooldown: the breaker has opened, which is told next.
    Cooldown,
}

impl Marker {
    /// What its line is known by.
    pub fn kind(&self) -> MarkerKind {
        match self {
            Self::Started { .. } | Self::Restarted { .. } => MarkerKind::Start,
            Self::Task(task) => task.kind(),
            Self::CouldNotStart { .. } => MarkerKind::FailedStart,
            Self::Exited(Exited { status, failed: None, .. }) if status.is_success() => MarkerKind::Other,
            Self::Exited(_)
            | Self::NotReady { .. }
            | Self::Stuck { .. }
            | Self::OverLimit { .. }
            | Self::Unkillable { .. }
            | Self::GaveUp { .. }
            | Self::Stale { .. }
            | Self::ChangeCommandFailed { .. }
            | Self::Port(PortMarker::Taken { .. }) => MarkerKind::Failure,
            _ => MarkerKind::Other,
        }
    }

    /// The marker as a line, without a line end. `clock` is the local time of day, `14:02:11`.
    pub fn line(&self, clock: &str) -> String {
        framed(self.words(clock))
    }

    /// What it says, on one line: names in it are made visible, and secrets are masked.
    pub fn words(&self, clock: &str) -> String {
        visible(&without_secrets(&self.raw_words(clock))).into_owned()
    }

    /// The same without its time of day, for those who tell it themselves.
    pub fn untimed_words(&self) -> String {
        const NO_TIME: &str = "--:--:--";
        let words = self.words(NO_TIME);
        words.split(" · ").filter(|part| *part != NO_TIME).collect::<Vec<_>>().join(" · ")
    }

    fn raw_words(&self, clock: &str) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Started { why, command, pid } => {
                let why = why.as_deref().map_or_else(String::new, |why| format!("{why} · "));
                write!(text, "started · {why}{} · pid {pid} · {clock}", masked(command))
            }
            Self::Restarted { cause, was } => restarted(&mut text, cause, was.as_ref(), clock),
            Self::Job(job) => write!(text, "{job} · {clock}"),
            Self::Task(task @ TaskMarker::Begins { .. }) => write!(text, "{task} · {clock}"),
            Self::Task(task) => write!(text, "{task}"),
            Self::CouldNotStart { reason } => write!(text, "could not start · {} · {clock}", masked(reason)),
            Self::Ready { after, restart } => {
                write!(text, "ready · {} after {}", human(*after), if *restart { "restart" } else { "start" })
            }
            Self::NotReady { probe, after, next } => {
                let _ = write!(text, "not ready · {} · gave up after {}", masked(probe), human(*after));
                next_try(&mut text, next)
            }
            Self::Exited(exited) => has_exited(&mut text, exited, clock),
            Self::Stuck { stuck, next } => ended(&mut text, ("stuck", &stuck.to_string(), clock), next),
            Self::OverLimit { over, next } => ended(&mut text, ("over its limit", &over.to_string(), clock), next),
            Self::Stopped { status, after, by } => stopped(&mut text, by.as_deref(), *status, *after),
            Self::Killed { grace: Some(grace) } => write!(text, "killed · SIGKILL after {} grace", short(*grace)),
            Self::Killed { grace: None } => write!(text, "killed · SIGKILL at once"),
            Self::Unkillable { pid } => write!(text, "still running after SIGKILL · pid {pid}"),
            Self::LeftBehind { names, daemon } => left_behind(&mut text, names, *daemon),
            Self::GaveUp { crashes, within, cooldown, watches } => write!(
                text,
                "gave up · {} in {} · {} (or wait {})",
                count(*crashes, "crash"),
                short(*within),
                remedy(*watches),
                short(*cooldown)
            ),
            Self::Limited { .. } => self.words_of_limit(&mut text),
            Self::TakenBack { action } => {
                write!(text, "no {action} · the changes were undone · {clock}")
            }
            Self::NotStarted { reason } => write!(text, "not started · {reason} · press s"),
            Self::NewReady => write!(text, "ready check changed · applies from the next start · {clock}"),
            Self::Waits { on } => write!(text, "waiting for {on} · {clock}"),
            Self::Queued { parallel } => write!(text, "queued · [start] parallel = {parallel} · {clock}"),
            Self::Timetable(marker) => write!(text, "{marker}"),
            Self::Lost { loss, blocks: true } => write!(text, "blocked · {loss} · {clock}"),
            Self::Lost { loss, blocks: false } => write!(text, "{loss} · {clock}"),
            Self::Validating { .. } | Self::Stale { .. } | Self::HeldUp { .. } | Self::Valid { .. } => {
                self.words_of_replacement(&mut text, clock)
            }
            Self::Port(port) => port.write(&mut text, clock),
            Self::SignalNotSent { signal, service } => {
                write!(text, "{signal} not sent · no process of {service} handles it")
            }
            Self::Changed { action } => write!(text, "{} · {clock}", masked(action)),
            Self::ChangeCommandFailed { what, problem } => {
                write!(text, "{what} failed · {} · {clock}", masked(problem))
            }
            Self::Cleared => write!(text, "cleared by the service"),
            Self::Mark { number } => write!(text, "mark {number} · {clock}"),
            Self::Dropped { lines } => write!(text, "{} dropped · [logs] memory is full", count(*lines, "older line")),
        };
        text
    }

    /// What is said of a change that has come soon after each of the last starts.
    fn words_of_limit(&self, text: &mut String) -> fmt::Result {
        let Self::Limited { action, wait, written, starts, soon } = self else { return Ok(()) };
        let what = written.as_ref().map_or_else(|| "a file".into(), Written::to_string);
        let why = format!("{what} changed {soon} each of the last {starts} {}", action.plural());
        write!(text, "{action} in {} · {why} · {}", short(*wait), way_out(written.as_ref(), *action))
    }

    /// What is said of a run that is to be replaced.
    fn words_of_replacement(&self, text: &mut String, clock: &str) -> fmt::Result {
        match self {
            Self::Validating { command, cause } => {
                write!(text, "validating · {} · {} · {clock}", masked(command), masked(cause))
            }
            Self::Stale { runs: true, problem, watches } => {
                let way_out = if *watches { "save a file or press r" } else { "fix it and press r" };
                write!(text, "stale · {} · {clock} · {way_out}", masked(problem))
            }
            Self::Stale { runs: false, problem, watches } => {
                write!(text, "not started · {} · {clock} · {}", masked(problem), remedy(*watches))
            }
            Self::HeldUp { problem } => write!(text, "stale · {} · {clock}", masked(problem)),
            Self::Valid { after } => write!(text, "validated · {}", human(*after)),
            _ => Ok(()),
        }
    }
}

/// Without secrets, and by itself: where the end of one is not seen, what stands behind it in the line stays.
fn masked(text: &str) -> Cow<'_, str> {
    without_secrets(text)
}

/// A restart, why, and how the run before was.
fn restarted(text: &mut String, cause: &StartCause, was: Option<&LastExit>, clock: &str) -> fmt::Result {
    // "restarted manually" is one thought; the other causes are reasons.
    let gap = if *cause == StartCause::Hand { " " } else { " · " };
    write!(text, "restarted{gap}{} · {clock}", masked(&cause.to_string()))?;
    let Some(was) = was else { return Ok(()) };
    // These causes say it already.
    if !matches!(cause, StartCause::OverLimit(_) | StartCause::Stuck(_)) {
        write!(text, " · was {}", was.state())?;
    }
    write!(text, " · up {}", human(was.uptime))
}

/// A run that devgroup ends, and why.
fn ended(text: &mut String, (what, why, clock): (&str, &str, &str), next: &NextTry) -> fmt::Result {
    write!(text, "{what} · {} · {clock}", masked(why))?;
    next_try(text, next)
}

fn stopped(text: &mut String, by: Option<&str>, status: ExitStatus, after: Duration) -> fmt::Result {
    let by = by.map_or_else(String::new, |by| format!(" · by {by}"));
    write!(text, "stopped{by} · {status} · {} after the signal", human(after))
}

fn has_exited(text: &mut String, exited: &Exited, clock: &str) -> fmt::Result {
    match exited.status {
        ExitStatus::Code(code) => write!(text, "exited · code {code} · {clock}")?,
        signal @ ExitStatus::Signal(_) => write!(text, "exited · {signal} · {clock}")?,
    }
    if let Some(failed) = exited.failed {
        write!(text, " · {failed}")?;
    }
    next_try(text, &exited.next)
}

fn left_behind(text: &mut String, names: &[String], is_daemon: bool) -> fmt::Result {
    let first = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    write!(text, "killed leftover processes · {first}")?;
    if names.len() > 3 {
        write!(text, " and {} more", names.len() - 3)?;
    }
    if is_daemon { text.write_str(FOREGROUND) } else { Ok(()) }
}

/// What ends a wait before its time, or keeps it from coming again.
fn way_out(written: Option<&Written>, action: ChangeAction) -> String {
    match (written, action) {
        (Some(written), _) => written.ignore_line(),
        (None, ChangeAction::Start) => "r starts it now".into(),
        (None, _) => "r restarts now".into(),
    }
}

/// What starts it again.
fn remedy(watches: bool) -> &'static str {
    if watches { "save a file or press s" } else { "fix it and press s" }
}

fn next_try(text: &mut String, next: &NextTry) -> fmt::Result {
    match next {
        NextTry::None | NextTry::Cooldown => Ok(()),
        NextTry::AfterChange(files) => write!(text, " · waiting for a change to {files} · r restarts"),
        NextTry::ByHand => write!(text, " · not retried: it would fail again · fix it and press s"),
        NextTry::In(wait) => write!(text, " · next try in {}", short(tenths(*wait))),
    }
}

/// Rounded to tenths of a second, unless it is shorter: jitter is nothing to read.
fn tenths(duration: Duration) -> Duration {
    if duration < Duration::from_millis(100) {
        return Duration::from_millis(duration.subsec_millis().into());
    }
    let tenths = duration.as_millis().saturating_add(50) / 100;
    Duration::from_millis(u64::try_from(tenths).unwrap_or(u64::MAX).saturating_mul(100))
}

#[cfg(test)]
mod tests;
