//! How devgroup finds out whether a service is ready, whether it is stuck, and whether it may be replaced.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{RunCommand, human, visible_path};

/// `ready`: when a run counts as ready.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadyCheck {
    /// What is tried.
    pub probe: Probe,
    /// After this the start has failed. Default 30 s.
    pub timeout: Duration,
}

impl ReadyCheck {
    /// What is looked for in the log, if it is that by which readiness is found out.
    pub fn pattern(&self) -> Option<&TextPattern> {
        match &self.probe {
            Probe::Log(pattern) => Some(pattern),
            Probe::Port(_)
            | Probe::Http(_)
            | Probe::Cmd(_)
            | Probe::File(_)
            | Probe::Delay(_)
            | Probe::Notify
            | Probe::Text(_) => None,
        }
    }
}

/// What is asked of a run, and its address, with all values put in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checks {
    /// The readiness check (`ready`); `None` without one.
    pub ready: Option<ReadyCheck>,
    /// The liveness check (`alive`); `None` without one.
    pub alive: Option<AliveCheck>,
    /// The address that people open (`url`).
    pub url: Option<String>,
}

/// A probe that holds `${NAME}`. What it asks is known when the values are put in, at each start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeText {
    /// The text of `port`.
    Port(String),
    /// The text of `http`.
    Http {
        /// The address to ask.
        url: String,
        /// `status`, as in [`HttpCheck`].
        status: (u16, u16),
    },
    /// The text of `log`.
    Log(String),
    /// `file`, relative to the folder of the configuration, or absolute.
    File(String),
}

impl fmt::Display for ProbeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(text) => write!(f, "port {text}"),
            Self::Http { url, .. } => f.write_str(url),
            Self::Log(text) => write!(f, "log `{text}`"),
            Self::File(text) => write!(f, "file {text}"),
        }
    }
}

/// How readiness is found out.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    /// A TCP connection to this port of the local host is accepted, by IPv4 or IPv6.
    Port(u16),
    /// A GET is answered as it should be.
    Http(HttpCheck),
    /// A line of output holds this.
    Log(TextPattern),
    /// A command ends with 0; run like `run`, in the service's folder and environment.
    Cmd(RunCommand),
    /// A file exists that was written after the start; absolute.
    File(PathBuf),
    /// Simply this long.
    Delay(Duration),
    /// It says so by sd_notify(3): `READY=1`.
    Notify,
    /// One of these, without its values. A run is asked only with them ([`Checks`]).
    Text(ProbeText),
}

impl fmt::Display for Probe {
    /// What is waited for, for people: `port 4000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, "port {port}"),
            Self::Http(check) => f.write_str(&check.url),
            Self::Log(TextPattern::Literal(text)) => write!(f, "log `{text}`"),
            Self::Log(TextPattern::Regex(text)) => write!(f, "log /{text}/"),
            Self::Cmd(command) => write!(f, "command `{}`", command.display()),
            Self::File(path) => write!(f, "file {}", visible_path(path)),
            Self::Delay(delay) => write!(f, "delay {}", human(*delay)),
            Self::Notify => f.write_str("READY=1 (sd_notify)"),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// A GET and the answers that are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCheck {
    /// Plain `http://` only.
    pub url: String,
    /// `status`: the first and the last code that is good.
    pub status: (u16, u16),
}

impl HttpCheck {
    /// Good answers where the file does not say: success, and a redirect to it.
    pub const STATUS: (u16, u16) = (200, 399);

    /// An address with the usual good answers.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), status: Self::STATUS }
    }

    /// Whether an answer with this code is a good one.
    pub fn accepts(&self, code: u16) -> bool {
        (self.status.0..=self.status.1).contains(&code)
    }
}

/// Text that is looked for: as it is, or a regular expression between slashes. The configuration has compiled it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextPattern {
    /// Found as it is.
    Literal(String),
    /// A regular expression (crate `regex`).
    Regex(String),
}

/// `alive`: when a run that is up counts as stuck.
#[derive(Clone, Debug, PartialEq)]
pub struct AliveCheck {
    /// What is tried.
    pub probe: AliveProbe,
    /// From the end of one try to the next. A heartbeat file is looked at when it would be stale, and then so often.
    pub every: Duration,
    /// A try without an answer has failed after this.
    pub timeout: Duration,
    /// So many tries in a row must fail; at least 1.
    pub failures: u32,
    /// From the moment at which the run was ready (without `ready`: up), failures do not count for so long, unless a try
    /// has succeeded before.
    pub grace: Duration,
}

impl AliveCheck {
    /// `every`, where the file does not say.
    pub const EVERY: Duration = Duration::from_secs(10);
    /// `timeout`, where the file does not say.
    pub const TIMEOUT: Duration = Duration::from_secs(2);
    /// `failures`, where the file does not say. One stale look at a heartbeat file is enough: `max_age` is its patience.
    pub const FAILURES: u32 = 3;
    /// `grace` of a service without `ready`, where the file does not say: as long as a readiness check would wait. With
    /// `ready` it is nothing, and nothing for a heartbeat file, whose first beat may take `max_age`.
    pub const GRACE: Duration = Duration::from_secs(30);
}

/// How it is found out that a run is stuck.
#[derive(Clone, Debug, PartialEq)]
pub enum AliveProbe {
    /// A TCP connection to this port of the local host is accepted, by IPv4 or IPv6.
    Port(u16),
    /// A GET is answered as it should be.
    Http(HttpCheck),
    /// A command ends with 0; run like `run`, in the service's folder and environment.
    Cmd(RunCommand),
    /// A file that the service writes again and again.
    File {
        /// Path of the file, absolute.
        path: PathBuf,
        /// As the file has it, for people.
        name: Arc<str>,
        /// The service is stuck when it was not written for so long.
        max_age: Duration,
    },
    /// It says so by sd_notify(3), again and again: `WATCHDOG=1`.
    Notify,
    /// One of these, without its values. A run is asked only with them ([`Checks`]).
    Text {
        /// What is asked; never a log.
        probe: ProbeText,
        /// As in [`AliveProbe::File`]; nothing for others.
        max_age: Duration,
    },
}

impl fmt::Display for AliveProbe {
    /// What is asked, for people: `port 4000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, "port {port}"),
            Self::Http(check) => f.write_str(&check.url),
            Self::Cmd(command) => write!(f, "`{}`", command.display()),
            Self::File { name, .. } => f.write_str(name),
            Self::Notify => f.write_str("WATCHDOG=1 (sd_notify)"),
            Self::Text { probe: ProbeText::File(name), .. } => f.write_str(name),
            Self::Text { probe, .. } => probe.fmt(f),
        }
    }
}

impl AliveProbe {
    /// Whether it waits for beats: of a file, or by notification.
    pub fn is_heartbeat(&self) -> bool {
        matches!(self, Self::File { .. } | Self::Notify | Self::Text { probe: ProbeText::File(_), .. })
    }
}

/// A run is given a way to tell of itself (sd_notify(3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notifications {
    /// How often it is to give a sign of life, if it is.
    pub watchdog: Option<Duration>,
}

/// `validate`: what must succeed before a running service is replaced, and before a first start.
#[derive(Clone, Debug, PartialEq)]
pub struct Validate {
    /// Run like `run`, in the service's folder and environment.
    pub run: RunCommand,
    /// It has failed after this. Default 5 min.
    pub timeout: Duration,
}

impl Validate {
    /// `timeout`, where the file does not say.
    pub const TIMEOUT: Duration = Duration::from_secs(300);
}
