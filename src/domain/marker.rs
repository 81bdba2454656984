//! The lines that devgroup itself puts into a service's log.

use std::fmt::Write;
use std::time::Duration;

use super::{ExitStatus, ServiceName, Signal, StartCause, Stuck, Written, human, visible, without_secrets};

/// An entry of the log that devgroup made. The words are a contract: people search for them.
#[derive(Clone, Debug, PartialEq)]
pub enum Marker {
    /// The first run of this service.
    Started {
        /// The command on one line.
        command: String,
        /// Its process.
        pid: u32,
    },
    /// A further run.
    Restarted {
        /// Why.
        cause: StartCause,
        /// How the run before ended, and after how long.
        was: Option<(ExitStatus, Duration)>,
    },
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
        /// How long.
        after: Duration,
        /// The next try.
        next: NextTry,
    },
    /// It ended by itself.
    Exited(Exited),
    /// It was up and did nothing.
    Silent {
        /// What was found.
        stuck: Stuck,
        /// The next try.
        next: NextTry,
    },
    /// A stop that was asked for is complete.
    Stopped {
        /// How it ended.
        status: ExitStatus,
        /// From the first signal to the end.
        after: Duration,
    },
    /// KILL was sent.
    Killed {
        /// The grace that was used up; `None` if nobody wanted to wait.
        grace: Option<Duration>,
    },
    /// KILL did not end it.
    Stuck {
        /// Its leader.
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
        /// So many crashes …
        crashes: u32,
        /// … within this time.
        within: Duration,
        /// The next try by itself.
        cooldown: Duration,
    },
    /// A change has come right after each of the last starts: the next one waits.
    Limited {
        /// How long.
        wait: Duration,
        /// What has changed each time; `None` if no file has.
        written: Option<Written>,
        /// So many starts.
        starts: u32,
    },
    /// Not started, because it does not start by itself.
    NotStarted {
        /// `autostart = false`, `not selected`.
        reason: &'static str,
    },
    /// Waits for others.
    Waits {
        /// For people: `db to be ready`.
        on: String,
    },
    /// One that it depends on will not come, or has gone.
    Lost {
        /// For people: `db failed (exit 1)`.
        loss: String,
    },
    /// `validate` begins.
    Validating {
        /// The command on one line.
        command: String,
        /// Why, for people: `src/a.rs changed`.
        cause: String,
    },
    /// The files are not fit to run: what runs goes on; without anything that runs, a change is waited for.
    Kept {
        /// A run goes on.
        runs: bool,
        /// Why, for people: `validate failed · exit 101`.
        problem: String,
    },
    /// `validate` succeeded.
    Valid {
        /// How long it took.
        after: Duration,
    },
    /// The port by which it became ready is listened to by somebody else.
    ForeignPort {
        /// Which.
        port: u16,
        /// Who listens, as far as can be seen, for people: `node (pid 123)`.
        holder: String,
    },
    /// The port that the service is known by was taken before it was started: who answers there is somebody else.
    PortTaken {
        /// Which.
        port: u16,
        /// Who has it, for people: `node (pid 123)`.
        holder: String,
    },
    /// The signal of `on_change` was not sent: it would have ended whom it had reached.
    SignalNotSent {
        /// Which.
        signal: Signal,
        /// To whom.
        service: ServiceName,
    },
    /// What `on_change` did instead of a restart, for people.
    Changed {
        /// `sends SIGHUP · src/a.rs changed`.
        action: String,
    },
    /// What ran beside the service did not end well.
    AsideFailed {
        /// The key that asked for it: `on_change`.
        what: &'static str,
        /// How it ended, for people.
        problem: String,
    },
    /// The service erased its screen or its scrollback; what was there stays above.
    Cleared,
    /// The user's own, to find the place again.
    Mark {
        /// From 1.
        number: u32,
    },
    /// devgroup lost this many bytes of history to the memory limit. Shown at the top.
    Dropped {
        /// Lines.
        lines: u64,
    },
}

/// What is said to a service whose processes go on without its leader.
const FOREGROUND: &str = " · a service that goes into the background ends with the command that put it there: \
    run it in the foreground (nginx -g 'daemon off;', redis-server --daemonize no)";

/// How a run ended by itself, and what follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Exited {
    /// How.
    pub status: ExitStatus,
    /// Which crash within the breaker's time this is, and how many it bears; `None` if it is no crash.
    pub crash: Option<(u32, u32)>,
    /// The next try.
    pub next: NextTry,
}

/// What follows an exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTry {
    /// Nothing by itself.
    None,
    /// A start when one of its files has changed.
    AfterChange,
    /// A try after this time.
    In(Duration),
}

impl Marker {
    /// The marker as a line, without a line end. `clock` is the local time of day, `14:02:11`.
    pub fn line(&self, clock: &str) -> String {
        format!("── {} ──", self.words(clock))
    }

    /// What it says, on one line: names in it are made visible, and secrets are masked.
    pub fn words(&self, clock: &str) -> String {
        visible(&without_secrets(&self.raw_words(clock))).into_owned()
    }

    fn raw_words(&self, clock: &str) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Started { command, pid } => write!(text, "started · {command} · pid {pid} · {clock}"),
            Self::Restarted { cause, was } => {
                let _ = write!(text, "restarted · {cause} · {clock}");
                match was {
                    Some((status, up)) => write!(text, " · was {status} · up {}", human(*up)),
                    None => Ok(()),
                }
            }
            Self::CouldNotStart { reason } => write!(text, "could not start · {reason} · {clock}"),
            Self::Ready { after, restart } => {
                write!(text, "ready · {} after {}", human(*after), if *restart { "restart" } else { "start" })
            }
            Self::NotReady { probe, after, next } => {
                let _ = write!(text, "not ready · {probe} · gave up after {}", human(*after));
                next_try(&mut text, *next)
            }
            Self::Exited(exited) => {
                let _ = match exited.status {
                    ExitStatus::Code(code) => write!(text, "exited · code {code} · {clock}"),
                    signal @ ExitStatus::Signal(_) => write!(text, "exited · {signal} · {clock}"),
                };
                if let Some((crash, of)) = exited.crash {
                    let _ = write!(text, " · crash {crash} of {of}");
                }
                next_try(&mut text, exited.next)
            }
            Self::Silent { stuck, next } => {
                let _ = write!(text, "stuck · {stuck} · {clock}");
                next_try(&mut text, *next)
            }
            Self::Stopped { status, after } => write!(text, "stopped · {status} · {} after the signal", human(*after)),
            Self::Killed { grace: Some(grace) } => write!(text, "killed · SIGKILL after {} grace", short(*grace)),
            Self::Killed { grace: None } => write!(text, "killed · SIGKILL at once"),
            Self::Stuck { pid } => write!(text, "does not end · pid {pid} survived SIGKILL"),
            Self::LeftBehind { names, daemon } => {
                let more = names.len().saturating_sub(3);
                let _ = write!(
                    text,
                    "left running, and ended now · {}",
                    names.iter().take(3).cloned().collect::<Vec<_>>().join(", ")
                );
                if more > 0 {
                    let _ = write!(text, " and {more} more");
                }
                if *daemon { text.write_str(FOREGROUND) } else { Ok(()) }
            }
            Self::GaveUp { crashes, within, cooldown } => write!(
                text,
                "gave up · {crashes} crash{} in {} · save a file or press s · next try in {}",
                if *crashes == 1 { "" } else { "es" },
                short(*within),
                short(*cooldown)
            ),
            Self::Limited { wait, written, starts } => {
                let what = written.as_ref().map_or_else(|| "a file".into(), Written::to_string);
                let _ = write!(
                    text,
                    "restart in {} · {what} has changed right after each of the last {starts} starts",
                    short(*wait)
                );
                match written {
                    Some(written) => write!(text, " · {}", written.ignore_line()),
                    None => write!(text, " · r restarts now"),
                }
            }
            Self::NotStarted { reason } => write!(text, "not started · {reason} · press s"),
            Self::Waits { on } => write!(text, "waits · {on} · {clock}"),
            Self::Lost { loss } => write!(text, "{loss} · {clock}"),
            Self::Validating { command, cause } => write!(text, "validating · {command} · {cause} · {clock}"),
            Self::Kept { runs: true, problem } => write!(text, "kept · {problem}"),
            Self::Kept { runs: false, problem } => write!(text, "not started · {problem} · save a file or press s"),
            Self::Valid { after } => write!(text, "validated · {}", human(*after)),
            Self::ForeignPort { port, holder } => {
                write!(text, "warning · port {port} is not listened to by this service, but by {holder}")
            }
            Self::PortTaken { port, holder } => {
                write!(text, "port {port} is taken by {holder} · end it, or give this service another port · {clock}")
            }
            Self::SignalNotSent { signal, service } => {
                write!(text, "{signal} not sent · no process of {service} handles it")
            }
            Self::Changed { action } => write!(text, "{action} · {clock}"),
            Self::AsideFailed { what, problem } => write!(text, "{what} failed · {problem} · {clock}"),
            Self::Cleared => write!(text, "cleared by the service"),
            Self::Mark { number } => write!(text, "mark {number} · {clock}"),
            Self::Dropped { lines } => write!(text, "{lines} older lines dropped · [logs] memory is full"),
        };
        text
    }
}

fn next_try(text: &mut String, next: NextTry) -> std::fmt::Result {
    match next {
        NextTry::None => Ok(()),
        NextTry::AfterChange => write!(text, " · waiting for a change (s = now)"),
        NextTry::In(wait) => write!(text, " · next try in {} (s = now)", short(tenths(wait))),
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

/// A duration that somebody chose, without needless digits: `4s`, `1.5s`, `500ms`, `2m`.
fn short(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0..1000 => format!("{millis}ms"),
        _ if millis.is_multiple_of(60_000) && millis > 60_000 => format!("{}m", millis / 60_000),
        _ if millis.is_multiple_of(1000) => format!("{}s", millis / 1000),
        1000..10_000 => human(duration),
        _ => format!("{}s", duration.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{FilesChanged, Stuck};

    #[test]
    fn markers_read_as_the_documentation_shows_them() {
        let clock = "14:02:11";
        let cases = [
            (
                Marker::Started { command: "cargo run -p api".into(), pid: 48213 },
                "── started · cargo run -p api · pid 48213 · 14:02:11 ──",
            ),
            (
                Marker::Restarted {
                    cause: StartCause::Change(FilesChanged { first: "src/main.rs".into(), more: 8 }),
                    was: Some((ExitStatus::Code(0), Duration::from_secs(552))),
                },
                "── restarted · src/main.rs and 8 more changed · 14:02:11 · was exit 0 · up 9m 12s ──",
            ),
            (Marker::Ready { after: Duration::from_millis(2_900), restart: false }, "── ready · 2.9s after start ──"),
            (
                Marker::Exited(Exited {
                    status: ExitStatus::Code(1),
                    crash: Some((2, 5)),
                    next: NextTry::In(Duration::from_millis(3_976)),
                }),
                "── exited · code 1 · 14:02:11 · crash 2 of 5 · next try in 4s (s = now) ──",
            ),
            (Marker::Killed { grace: Some(Duration::from_secs(5)) }, "── killed · SIGKILL after 5s grace ──"),
            (
                Marker::Restarted {
                    cause: StartCause::Stuck(Stuck {
                        problem: "tmp/status.json not written for 121s (max_age 120s)".into(),
                        failures: 1,
                        over: Duration::ZERO,
                    }),
                    was: None,
                },
                "── restarted · stuck: tmp/status.json not written for 121s (max_age 120s) · 14:02:11 ──",
            ),
            (
                Marker::Kept { runs: true, problem: "validate failed · exit 101".into() },
                "── kept · validate failed · exit 101 ──",
            ),
            (
                Marker::LeftBehind { names: vec!["node (7)".into()], daemon: false },
                "── left running, and ended now · node (7) ──",
            ),
            (Marker::Cleared, "── cleared by the service ──"),
        ];
        for (marker, line) in cases {
            assert_eq!(marker.line(clock), line);
        }
    }
}
