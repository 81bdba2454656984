//! Single values: texts, durations, sizes, numbers, signals, choices, commands, patterns.

use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::diagnostic::Diagnostic;
use super::expand::{self, Dollars, ExpandError};
use super::near::near;
use super::peers;
use super::place::Place;
use super::problems::{Problems, Slot, shown};
use super::units::{self, Unclear};
use crate::domain::{Expandable, NameFault, RunCommand, Signal, SpecPattern, TextPattern, fitting_name};

/// The least memory for a log: a few screens.
const MIN_MEMORY: usize = 64 << 10;

/// The least that a service may be limited to.
const MIN_LIMIT: usize = 1 << 20;

impl<'a> Slot<'a, '_> {
    /// A text without NUL, which no system call could take.
    pub(super) fn text(self) -> Result<&'a str, Diagnostic> {
        let DeValue::String(text) = self.value.get_ref() else { return Err(self.wrong_type()) };
        if text.contains('\0') {
            return Err(Diagnostic::error("value", format!("{} contains a NUL character", self.what()))
                .at(self.span(), "no program can receive one")
                .help("remove the \\u0000"));
        }
        Ok(text)
    }

    /// A text that says something.
    pub(super) fn word(self) -> Result<&'a str, Diagnostic> {
        let text = self.text()?;
        if text.trim().is_empty() {
            return Err(Diagnostic::error("empty", format!("{} is empty", self.what()))
                .at(self.span(), "nothing here")
                .help(format!("{}: {}; to leave it unset, remove the key", self.key.name, self.key.about)));
        }
        Ok(text)
    }

    /// A text for a sentence: one line.
    pub(super) fn line(self) -> Result<&'a str, Diagnostic> {
        let text = self.word()?;
        if text.contains(char::is_control) {
            let message = match text.contains(['\n', '\r']) {
                true => format!("{} must be one line", self.what()),
                false => format!("{} must not contain a control character", self.what()),
            };
            return Err(Diagnostic::error("value", message)
                .at(self.span(), "it contains a line end, a tab or another control character")
                .help(format!("{}: {}", self.key.name, self.key.about)));
        }
        Ok(text)
    }

    /// The name of the group, or of a group of services in it.
    pub(super) fn group_name(self) -> Result<String, Diagnostic> {
        let name = self.word()?;
        let Some(fault) = NameFault::of_name(name) else { return Ok(name.to_owned()) };
        let problem = Diagnostic::error("name", format!("`{}` is not a valid group name", shown(name)))
            .at(self.span(), fault.to_string());
        Err(match fitting_name(name).as_str() {
            "" => problem.help(format!("{}: {}", self.key.name, self.key.about)),
            better => problem.help(format!("{} = \"{better}\"", self.key.name)),
        })
    }

    /// What a text is whatever the variables are; `None` if it holds one.
    pub(super) fn fixed(self, text: &str, dollars: Dollars) -> Result<Option<String>, Diagnostic> {
        expand::fixed(text, dollars).map_err(|error| self.malformed(&error, dollars))
    }

    fn malformed(self, error: &ExpandError, dollars: Dollars) -> Diagnostic {
        let escape = match dollars {
            Dollars::Ours => "write `$$` for a plain dollar",
            Dollars::OfPattern => "write `$${` for a plain `${`",
        };
        Diagnostic::error("variable", error.to_string()).at(self.span(), "devgroup expands variables here").help(escape)
    }

    /// `true` or `false`.
    pub(super) fn boolean(self) -> Result<bool, Diagnostic> {
        match self.value.get_ref() {
            DeValue::Boolean(value) => Ok(*value),
            DeValue::String(text) if matches!(&**text, "true" | "false") => {
                Err(self.wrong_type().help(format!("without quotes: {} = {text}", self.key.name)))
            }
            _ => Err(self.wrong_type()),
        }
    }

    /// `true`.
    pub(super) fn yes(self) -> Result<(), Diagnostic> {
        match self.value.get_ref() {
            DeValue::Boolean(true) => Ok(()),
            _ => Err(self.wrong_type().help(format!("{} = true   or leave it out", self.key.name))),
        }
    }

    /// A whole number within limits.
    pub(super) fn whole(self, limits: std::ops::RangeInclusive<u32>) -> Result<u32, Diagnostic> {
        let DeValue::Integer(number) = self.value.get_ref() else { return Err(self.wrong_type()) };
        let value = i128::from_str_radix(number.as_str(), number.radix()).ok().and_then(|n| u32::try_from(n).ok());
        value.filter(|value| limits.contains(value)).ok_or_else(|| {
            Diagnostic::error("range", format!("{} must be {}", self.what(), self.key.form.must_be()))
                .at(self.span(), "out of range")
                .help(format!("{}: {}", self.key.name, self.key.about))
        })
    }

    /// A number that is at least 1.
    pub(super) fn factor(self) -> Result<f64, Diagnostic> {
        let text = match self.value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _ => return Err(self.wrong_type()),
        };
        text.parse().ok().filter(|factor: &f64| factor.is_finite() && *factor >= 1.0).ok_or_else(|| {
            Diagnostic::error("range", format!("{} must be {}", self.what(), self.key.form.must_be()))
                .at(self.span(), "less than 1, or infinite")
                .help("with 1 every wait is the same, with 2 each wait doubles")
        })
    }

    /// `"150ms"`, `"5s"`, `"1.5s"`, `"2m"`, `"1h"`.
    pub(super) fn duration(self) -> Result<Duration, Diagnostic> {
        let text = self.written()?;
        units::duration(&text).map_err(|unclear| self.unclear("duration", &text, unclear))
    }

    /// A duration that is longer than nothing.
    pub(super) fn some_duration(self) -> Result<Duration, Diagnostic> {
        let duration = self.duration()?;
        if duration.is_zero() {
            return Err(Diagnostic::error("range", format!("{} must be longer than 0s", self.what()))
                .at(self.span(), "zero")
                .help(format!("{} = \"5s\"   or remove it for the default", self.key.name)));
        }
        Ok(duration)
    }

    /// `"64MiB"`, `"10MB"`: bytes.
    pub(super) fn size(self) -> Result<usize, Diagnostic> {
        let text = self.written()?;
        let size = units::size(&text).map_err(|unclear| self.unclear("size", &text, unclear))?;
        if size < MIN_MEMORY {
            return Err(Diagnostic::error("range", format!("{} must be at least 64KiB", self.what()))
                .at(self.span(), "too small to hold a few screens")
                .help(format!("{} = \"64MiB\"", self.key.name)));
        }
        Ok(size)
    }

    /// `"2GiB"`: the memory that a service may have.
    pub(super) fn memory_limit(self) -> Result<u64, Diagnostic> {
        let text = self.written()?;
        let size = units::size(&text).map_err(|unclear| self.unclear("size", &text, unclear))?;
        if size < MIN_LIMIT {
            return Err(Diagnostic::error("range", format!("{} must be at least 1MiB", self.what()))
                .at(self.span(), "every program needs more")
                .help(format!("{} = \"512MiB\" or \"2GiB\"", self.key.name)));
        }
        Ok(u64::try_from(size).unwrap_or(u64::MAX))
    }

    /// What stands there where a text with a unit is meant: a number without one is the usual slip.
    fn written(self) -> Result<String, Diagnostic> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Integer(number) => Ok(number.to_string()),
            DeValue::Float(number) => Ok(number.to_string()),
            _ => Err(self.wrong_type()),
        }
    }

    fn unclear(self, what: &'static str, text: &str, unclear: Unclear) -> Diagnostic {
        Diagnostic::error(what, format!("`{}` is not a {what}", shown(text)))
            .at(self.span(), unclear.label)
            .help(unclear.help)
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(self, choices: &[(&'static str, T)]) -> Result<T, Diagnostic> {
        let text = self.text().map_err(|problem| problem.help(choices_help(self.key.name, choices)))?;
        let found = choices.iter().find(|(word, _)| *word == text);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let near = || near(text, choices.iter().map(|(word, _)| *word)).first().copied();
            let label = match peers::value(self.key.name, text).or_else(near) {
                Some("job") if text == "task" => "a program that runs to completion is a \"job\"".into(),
                Some(word) => format!("did you mean \"{word}\"?"),
                None => "not one of the allowed values".into(),
            };
            let message = format!("`{}` is not a valid value for {}", shown(text), self.what());
            Diagnostic::error("value", message).at(self.span(), label).help(choices_help(self.key.name, choices))
        })
    }

    /// The name of a signal, with or without `SIG`.
    pub(super) fn signal(self) -> Result<Signal, Diagnostic> {
        let text = self.text().map_err(|problem| problem.help(format!("by name: {}", signals())))?;
        signal(text).map_err(|label| {
            Diagnostic::error("signal", format!("unknown signal `{}`", shown(text)))
                .at(self.span(), label)
                .help(signals())
        })
    }

    /// A text for the shell, or a list that is executed as it is.
    pub(super) fn command(self, problems: &mut Problems) -> Option<RunCommand> {
        match self.value.get_ref() {
            DeValue::String(_) => problems.keep(self.word()).map(|text| RunCommand::Shell(text.to_owned())),
            DeValue::Array(list) => {
                // All of them, so that each bad one is reported.
                let words = list.iter().filter_map(|value| problems.keep(self.with(value).argument()));
                let argv: Vec<String> = words.map(str::to_owned).collect();
                if argv.len() < list.len() {
                    return None;
                }
                let problem = match argv.as_slice() {
                    [] => Diagnostic::error("empty", format!("{} is empty", self.what()))
                        .at(self.span(), "the program is missing")
                        .help(format!("{} = [\"program\", \"argument\"]", self.key.name)),
                    [program, ..] if program.trim().is_empty() => {
                        Diagnostic::error("empty", format!("{} starts with an empty string", self.what()))
                            .at(self.span(), "the first string is the program")
                            .help(format!("{} = [\"program\", \"argument\"]", self.key.name))
                    }
                    [line] if line.contains(char::is_whitespace) => self.one_text(line),
                    _ => return Some(RunCommand::Argv(argv)),
                };
                problems.add(problem);
                None
            }
            _ => {
                problems.add(self.wrong_type());
                None
            }
        }
    }

    fn argument(self) -> Result<&'a str, Diagnostic> {
        let text = self.text()?;
        match expand::malformed(text) {
            None => Ok(text),
            Some(error) => Err(Diagnostic::error("variable", format!("{error}"))
                .at(self.span(), "devgroup expands only these two forms in a list")
                .help(format!(
                    "write `$$` for a plain dollar: `$${{…}}`\nor write a string, which the shell runs: {} = \"…\"",
                    self.key.name
                ))),
        }
    }

    fn one_text(self, line: &str) -> Diagnostic {
        let words: Vec<String> = line.split_whitespace().map(|word| format!("{word:?}")).collect();
        let name = self.key.name;
        Diagnostic::error("argv", format!("`{name}` is a list of one string with spaces"))
            .at(self.span(), format!("a list is run as it is: this looks for a program called \"{}\"", shown(line)))
            .help(format!("{name} = {line:?}   (through the shell)   or   {name} = [{}]", words.join(", ")))
    }

    /// A list of texts, each read by `read`; the bad ones are reported.
    pub(super) fn list<T>(
        self,
        problems: &mut Problems,
        mut read: impl FnMut(Self, &mut Problems) -> Option<T>,
    ) -> Option<Vec<Spanned<T>>> {
        let DeValue::Array(list) = self.value.get_ref() else {
            let problem = match self.value.get_ref() {
                DeValue::String(text) => self.wrong_type().help(format!("{} = [{:?}]", self.key.name, shown(text))),
                _ => self.wrong_type(),
            };
            problems.add(problem);
            return None;
        };
        let read = list
            .iter()
            .filter_map(|value| read(self.with(value), problems).map(|found| Spanned::new(value.span(), found)));
        Some(read.collect())
    }

    /// Text as it is, or a regular expression between slashes.
    pub(super) fn text_pattern(self) -> Result<Expandable<TextPattern>, Diagnostic> {
        let written = self.word()?;
        let Some(text) = self.fixed(written, Dollars::OfPattern)? else { return Ok(Expandable::Text(written.into())) };
        text_pattern(&text).map(Expandable::Known).map_err(|reason| {
            Diagnostic::error("regex", format!("`{}` is not a valid regular expression", shown(&text)))
                .at(self.span(), reason)
                .help("between slashes it is a regular expression; without them, plain text")
        })
    }

    /// A glob of `watch`, relative to the root of the group; `!` takes out.
    pub(super) fn glob(self, place: &Place<'_>) -> Result<SpecPattern, Diagnostic> {
        let text = self.line()?;
        let bare = text.strip_prefix('!').unwrap_or(text);
        self.inside(text, bare)?;
        self.bounded(text)?;
        if let Err(error) = globset::GlobBuilder::new(bare).literal_separator(true).build() {
            return Err(self.bad_glob(text, &error.kind().to_string()));
        }
        Ok(self.pattern(text, place))
    }

    fn pattern(self, text: &str, place: &Place<'_>) -> SpecPattern {
        let span = self.span();
        SpecPattern { text: text.to_owned(), line: place.line(&span), file: place.other_file(&span) }
    }

    /// A pattern in gitignore syntax.
    pub(super) fn ignore_pattern(self, place: &Place<'_>) -> Result<SpecPattern, Diagnostic> {
        let text = self.line()?;
        if text.starts_with("../") || text.starts_with("!../") {
            self.inside(text, text.trim_start_matches('!'))?;
        }
        self.bounded(text)?;
        // Braces mean themselves there. What git would silently never match is said.
        let without_braces = text.replace(['{', '}'], "");
        match globset::Glob::new(without_braces.strip_prefix('!').unwrap_or(&without_braces)) {
            Ok(_) => Ok(self.pattern(text, place)),
            Err(error) => Err(self.bad_glob(text, &error.kind().to_string())),
        }
    }

    /// No path needs more, and matching takes time and memory by it.
    fn bounded(self, text: &str) -> Result<(), Diagnostic> {
        const BYTES: usize = 4095;
        const DEEP: usize = 16;
        let problem = |message: String, help: String| {
            Err(Diagnostic::error("pattern", message).at(self.span(), "too complex").help(help))
        };
        let deep = text.matches("**").count();
        if text.len() > BYTES {
            return problem(
                format!("a pattern in {} has {} bytes", self.what(), text.len()),
                format!("at most {BYTES} are allowed: write several patterns"),
            );
        }
        if deep > DEEP {
            let help = format!("at most {DEEP} are allowed; one ** matches any number of folders");
            return problem(format!("`**` occurs {deep} times in a pattern in {}", self.what()), help);
        }
        Ok(())
    }

    fn bad_glob(self, text: &str, reason: &str) -> Diagnostic {
        Diagnostic::error("pattern", format!("`{}` is not a valid pattern", shown(text)))
            .at(self.span(), reason)
            .help("* matches any characters, ** any folders, ? one character, [ab] one of these, {a,b} either of these")
    }

    fn inside(self, text: &str, bare: &str) -> Result<(), Diagnostic> {
        let problem = |message: String, label: &str| Diagnostic::error("outside", message).at(self.span(), label);
        if bare.is_empty() {
            return Err(Diagnostic::error("empty", format!("a pattern in {} is empty", self.what()))
                .at(self.span(), "nothing here")
                .help("write a pattern like \"src/**\" or \"*.rs\""));
        }
        if bare.starts_with('/') {
            return Err(problem(
                format!("`{}` starts with a slash", shown(text)),
                "patterns are relative to this file",
            )
            .help(format!("\"{}\"", text.replacen('/', "", 1))));
        }
        if bare.split('/').any(|part| part == "..") {
            return Err(problem(format!("`{}` is outside the group", shown(text)), "outside the folder of this file")
                .help("put procgroup.toml into the folder that contains everything to watch"));
        }
        if let Some(rest) = bare.strip_prefix("./") {
            return Err(problem(format!("`{}` starts with `./`", shown(text)), "patterns need no `./`")
                .help(format!("\"{}{rest}\"", if text.starts_with('!') { "!" } else { "" })));
        }
        Ok(())
    }
}

/// What stands between slashes, if all of the text does: a regular expression.
pub(super) fn between_slashes(text: &str) -> Option<&str> {
    text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|inner| !inner.is_empty())
}

/// The pattern that a text is; otherwise what is wrong with its regular expression.
pub(super) fn text_pattern(text: &str) -> Result<TextPattern, String> {
    let Some(regex) = between_slashes(text) else { return Ok(TextPattern::Literal(text.to_owned())) };
    regex::Regex::new(regex).map(|_| TextPattern::Regex(regex.to_owned())).map_err(|error| {
        let error = error.to_string();
        error.lines().rev().find_map(|line| line.strip_prefix("error: ")).unwrap_or("too large").to_owned()
    })
}

/// The signal of that name; otherwise what to say about it.
pub(super) fn signal(name: &str) -> Result<Signal, String> {
    Signal::from_name(name).ok_or_else(|| {
        let upper = name.to_uppercase();
        let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
        match near(bare, Signal::ALL.map(Signal::name)).first() {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => "no such signal".into(),
        }
    })
}

/// The names of all signals.
pub(super) fn signals() -> String {
    Signal::ALL.map(|signal| if signal == Signal::Term { "TERM (default)" } else { signal.name() }).join(", ")
}

fn choices_help<T>(key: &str, choices: &[(&str, T)]) -> String {
    let words: Vec<String> = choices.iter().map(|(word, _)| format!("{key} = \"{word}\"")).collect();
    words.join("   or   ")
}
