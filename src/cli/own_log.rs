//! How devgroup's own log is written, as the command line says it, or the variables of the system that workers come from.

use std::ffi::OsString;

use clap::ValueEnum;

use super::exit_code::Failure;
use super::lone_worker;
use crate::app::{LogFormat, OwnLogOptions};
use crate::domain::GroupSpec;

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatWord {
    /// Lines for people
    Text,
    /// JSON Lines
    Json,
}

/// How bad a line has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LevelWord {
    /// Something failed
    Error,
    /// Also warnings
    Warn,
    /// Also what happens to services and tasks
    Info,
    /// Also details
    Debug,
    /// Everything
    Trace,
}

/// What was said; nothing where it was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OwnLogWords {
    pub(super) format: Option<FormatWord>,
    pub(super) level: Option<LevelWord>,
}

impl OwnLogWords {
    /// With what the variables of the old system say where nothing else does: where one worker alone is run.
    ///
    /// # Errors
    /// A variable has a value that means nothing.
    pub(super) fn or_variables(
        self,
        spec: &GroupSpec,
        names: &[String],
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Failure> {
        if !lone_worker::is_run(spec, names) {
            return Ok(self);
        }
        let text = |name: &str| lone_worker::text(&variable, name);
        let format = match (self.format, text("LOG_FORMAT")) {
            (None, Some(value)) => Some(read("LOG_FORMAT", &value, "text or json", format)?),
            (format, _) => format,
        };
        let level = match (self.level, text("LOG_LEVEL")) {
            (None, Some(value)) => Some(read("LOG_LEVEL", &value, "error, warn, info, debug or trace", level)?),
            (level, _) => level,
        };
        Ok(Self { format, level })
    }

    /// For the log.
    pub(super) fn options(self) -> OwnLogOptions {
        let format = match self.format {
            Some(FormatWord::Json) => LogFormat::Json,
            Some(FormatWord::Text) | None => LogFormat::Text,
        };
        let level = self.level.map(|level| match level {
            LevelWord::Error => log::Level::Error,
            LevelWord::Warn => log::Level::Warn,
            LevelWord::Info => log::Level::Info,
            LevelWord::Debug => log::Level::Debug,
            LevelWord::Trace => log::Level::Trace,
        });
        OwnLogOptions { format, level }
    }
}

fn read<T>(name: &str, value: &str, must_be: &str, read: fn(&str) -> Option<T>) -> Result<T, Failure> {
    read(value.trim().to_lowercase().as_str()).ok_or_else(|| lone_worker::wrong(name, value, must_be))
}

fn format(word: &str) -> Option<FormatWord> {
    FormatWord::from_str(word, true).ok()
}

/// Also by the words of Python's `logging`.
fn level(word: &str) -> Option<LevelWord> {
    match word {
        "warning" => Some(LevelWord::Warn),
        "critical" | "fatal" => Some(LevelWord::Error),
        "notset" => Some(LevelWord::Trace),
        _ => LevelWord::from_str(word, true).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_count_where_one_worker_alone_is_run() {
        let spec = lone_worker::tests::group();
        let words = |said: OwnLogWords, names: &[&str], level: &str, format: &str| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let variable = |name: &str| Some(OsString::from(if name == "LOG_LEVEL" { level } else { format }));
            said.or_variables(&spec, &names, variable).map_err(|failure| failure.to_string())
        };
        let none = OwnLogWords::default();
        let both = OwnLogWords { format: Some(FormatWord::Json), level: Some(LevelWord::Warn) };
        assert_eq!(words(none, &["marie"], "WARNING", "JSON"), Ok(both));
        for names in [&["web"][..], &[], &["marie", "web"], &["jo"]] {
            assert_eq!(words(none, names, "WARNING", "JSON"), Ok(none), "{names:?}");
        }
        assert_eq!(words(both, &["marie"], "debug", "text"), Ok(both), "what the command line says wins");
        assert_eq!(words(none, &["marie"], "", ""), Ok(none), "an empty one is as none");
        let wrong = words(none, &["marie"], "loud", "").unwrap_err();
        assert!(wrong.contains("LOG_LEVEL is `loud`; it must be error, warn, info, debug or trace"), "{wrong}");
    }
}
