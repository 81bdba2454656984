//! devgroup's own log: kept for the key `l`, where tui-logger shows it, printed to stderr where there is no dashboard, and
//! written to `devgroup.log` in the state folder.

mod file;
mod kept;
mod line;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};

use super::write_stderr_line;
use crate::clock::wall_now;
pub(crate) use file::begin_file;
pub use file::finish_file;
use kept::Kept;
use line::OwnLine;

/// How devgroup's own lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// JSON Lines.
    Json,
}

/// What is written of devgroup's own log, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnLogOptions {
    /// How.
    pub format: LogFormat,
    /// Lines of this level or worse; each place has a default of its own.
    pub level: Option<Level>,
}

/// What reaches stderr unless a level is asked for: what is wrong.
const STDERR_LEVEL: Level = Level::Warn;
/// What reaches the file unless a level is asked for: what happens.
const FILE_LEVEL: Level = Level::Info;

/// They may change when the file of the group is known: a variable may say so.
static OPTIONS: Mutex<OwnLogOptions> = Mutex::new(OwnLogOptions { format: LogFormat::Text, level: None });

fn options() -> OwnLogOptions {
    *OPTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Logger {
    kept: Kept,
    to_stderr: bool,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("devgroup") && metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let OwnLogOptions { format, level } = options();
        let reaches = |least: Level| record.level() <= level.unwrap_or(least);
        let (to_stderr, to_file) = (self.to_stderr && reaches(STDERR_LEVEL), reaches(FILE_LEVEL));
        let now = wall_now();
        if to_stderr || to_file {
            let line = OwnLine::of(record, now);
            if to_stderr {
                let text = if format == LogFormat::Json { line.json() } else { line.on_terminal() };
                write_stderr_line(&text, Duration::ZERO);
            }
            if to_file {
                file::add(line.in_format(format));
            }
        }
        // Its panel has all but what only those want who ask.
        if record.level() <= Level::Debug {
            self.kept.add(record, now);
        }
    }

    /// Its panel is drawn now.
    fn flush(&self) {
        self.kept.pour();
    }
}

/// Begins the log. `to_stderr` also prints it there. Only the first call in a process counts.
pub fn start_logger(to_stderr: bool, options: OwnLogOptions) {
    let logger = Logger { kept: Kept::default(), to_stderr };
    if log::set_boxed_logger(Box::new(logger)).is_ok() {
        set_own_log(options);
    }
}

/// From here on the log is written so.
pub fn set_own_log(options: OwnLogOptions) {
    *OPTIONS.lock().unwrap_or_else(PoisonError::into_inner) = options;
    log::set_max_level(
        options.level.map_or(LevelFilter::Debug, |level| level.to_level_filter().max(LevelFilter::Debug)),
    );
}

/// Says the last line of a group: in the log, and on stderr whatever the level is.
pub fn tell_end(summary: &str, patience: Duration) {
    let line = OwnLine::plain(summary, wall_now());
    let OwnLogOptions { format, level } = options();
    let text = if format == LogFormat::Json { line.json() } else { summary.to_owned() };
    write_stderr_line(&text, patience);
    if Level::Info <= level.unwrap_or(FILE_LEVEL) {
        file::add(line.in_format(format));
    }
}
