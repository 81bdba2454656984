//! The level of a line, judged by what services commonly print: by its beginning (`header`), by the wording of a
//! failure without a level (`failure`), and by the line that it follows: the lines of a stack trace have the level of
//! the first.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use super::{Line, LineId, LineKind, Reader};

mod clause;
mod failure;
mod fault;
mod faults;
mod header;
mod vocabulary;
mod words;

pub(super) use failure::STEMS;
pub(super) use words::{letter as level_of_letter, level as level_of_word};

/// How bad a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For those who look for something.
    Trace,
    /// For those who look for something.
    Debug,
    /// All is well.
    Info,
    /// A warning: something is not as it should be.
    Warn,
    /// Something has failed.
    Error,
    /// All has failed: panics, fatal errors.
    Fatal,
}

impl Level {
    /// All of them with their words, the least bad first.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Trace, "trace"),
        (Self::Debug, "debug"),
        (Self::Info, "info"),
        (Self::Warn, "warn"),
        (Self::Error, "error"),
        (Self::Fatal, "fatal"),
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(known, _)| *known == self).map_or("", |(_, word)| word)
    }
}

/// How far above a line the beginning of its stack trace is looked for.
const TRACE_LINES: usize = 100;

/// An expression of this module: it is written here, and a test compiles it. Classes are written out in ASCII: those of
/// Unicode take 20 ms to compile, which the first frame would wait for.
fn expression(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// What tools put before each line of others: `web-1  | `, `12:00:00 web.1 | ` (compose and process managers), what a
/// container runtime notes, `[web] `, `web:dev: `, `apps/web dev: `.
static PREFIX: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(concat!(
        r"^(?:(?:[0-9]{2}:[0-9]{2}:[0-9]{2} )?([A-Za-z][A-Za-z0-9_./-]*) *\|(?: |$)",
        r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]+) (?:stdout|stderr) [FP](?: |$)",
        r"|\[([a-z0-9][a-z0-9_./@#:-]*)\] |@?[a-z][a-z0-9@/._-]*:[a-z][a-z0-9-]*: |[a-z@][a-z0-9_-]*[/.][a-z0-9@/._-]* [a-z][a-z0-9:-]*: )",
    ))
});

/// Lines within a trace that are not indented.
static PARTS: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    RegexSet::new([
        // terraform frames what belongs together.
        r"^│(?: |$)",
        r"^[A-Za-z0-9_./-]+\.rb:[0-9]+:in ",
        r"^Require stack:|^- /",
        r"^\}$",
        r"^(?:note|help): ",
        // What rustc shows of a source.
        r"^(?:[0-9]+ +\||\.\.\.$)",
        r"^stack backtrace:",
        r"^(?:Caused by|Suppressed)(?-u:\b)",
        r"^goroutine [0-9]+ \[",
        r"^created by ",
        r"^exit status ",
        r"^\[signal ",
        r"^(?:[A-Za-z0-9_.*/\-]+\.)[A-Za-z0-9_.*()\-]+\(.*\)$",
        r"^During handling of the above exception|^The above exception was",
        r"^Node\.js v[0-9]",
    ])
    .ok()
});

/// What a trace can go on with that looks like any other line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    /// The message of a Rust panic is in the next line.
    NextLine,
    /// The first line that is not indented is the last one.
    Python,
    /// What has thrown it is shown first.
    Source,
    /// Lines of known shapes only.
    Known,
    /// A logger has told of it, or another one follows from it: the next line may be the first of a trace.
    Announced,
}

/// Tells the level of lines in order. It may begin anywhere: a trace whose beginning it has not seen has no level.
///
/// An error and the lines that belong to it are one entry: see [`LevelReader::goes_on_with`].
#[derive(Clone, Debug, Default)]
pub struct LevelReader {
    trace: Option<(Level, Open)>,
    /// How far the first line of the trace is indented: what belongs to it is further to the right.
    indent: usize,
}

impl LevelReader {
    /// For the line of that number, as the lines above it have it.
    pub fn at(document: &mut Reader<'_>, first: LineId) -> Self {
        let mut above = Vec::new();
        let mut id = first;
        let mut others = 0;
        // The lines that end a trace, or tell the message of a panic, look like any other: two of them are none of it.
        while others < 2
            && above.len() < TRACE_LINES
            && let Some(before) = id.0.checked_sub(1).map(LineId)
            && let Some(line) = document.line(before).filter(|line| line.kind == LineKind::Output)
        {
            others = if Self::depends(&line.content.text) { 0 } else { others + 1 };
            above.push(line.content.text);
            id = before;
        }
        let mut levels = Self::default();
        for text in above.iter().rev() {
            levels.read(text);
        }
        levels
    }

    /// Compiles what ordinary lines are read by, so that the first of them does not wait for it.
    pub fn warm_up() {
        Self::default().read("a line");
        Self::depends("a line");
    }

    /// The level of the next line of a document. No trace goes on behind a marker.
    pub fn pass(&mut self, line: &Line) -> Option<Level> {
        match line.kind {
            LineKind::Output => self.read(&line.content.text),
            LineKind::Marker(_) => {
                self.trace = None;
                None
            }
        }
    }

    /// The line belongs to the entry that a line before it has begun: it is as bad, and no error of its own.
    pub fn goes_on_with(&self, line: &str) -> bool {
        self.trace.is_some() && self.goes_on(without_prefixes(line))
    }

    /// The line is the first of a stack trace, and the lines before it are another one.
    pub fn is_begun_anew_by(&self, line: &str) -> bool {
        self.trace.is_some() && !self.goes_on_with(line) && is_head(without_prefixes(line))
    }

    fn goes_on(&self, said: &str) -> bool {
        match self.trace {
            None => false,
            Some((_, Open::NextLine | Open::Python)) => true,
            Some((_, Open::Announced | Open::Source)) if is_head(said) => true,
            Some((_, Open::Known | Open::Source | Open::Announced)) => {
                is_part(said) || self.is_below(said) && !failure::is_well(said) && header::read(said).level.is_none()
            }
        }
    }

    /// The level of the next line.
    fn read(&mut self, line: &str) -> Option<Level> {
        let said = without_prefixes(line);
        if let Some((level, open)) = self.trace
            && self.goes_on(said)
        {
            self.trace = Some((level, open.going_on_with(said)));
            return Some(level);
        }
        let told = content_of(said);
        self.trace = told.level.filter(|level| *level >= Level::Error).zip(Open::after(&told, said));
        self.indent = indent(said);
        told.level
    }

    /// Empty, or further to the right than the first line, or drawn.
    fn is_below(&self, said: &str) -> bool {
        let text = said.trim_start();
        let is_drawn = text.starts_with(['|', '^', '~', '+', '>']) || text.starts_with("--> ");
        let is_further = text.is_empty() || is_drawn || !text.is_ascii() || indent(said) > self.indent;
        is_between(said) && is_further && !is_status(said)
    }

    /// The level of a line may depend on the one before it.
    fn depends(line: &str) -> bool {
        let line = without_prefixes(line);
        is_part(line) || is_between(line) || is_head(line)
    }
}

impl Open {
    /// After the first line. Nothing follows a failure that is told in one line.
    fn after(told: &LineContent<'_>, said: &str) -> Option<Self> {
        if told.is_named {
            return Some(Self::Announced);
        }
        failure::head(told.text)?;
        Some(match told.text {
            text if text.starts_with("Traceback (most") || text.starts_with("File \"") => Self::Python,
            text if text.starts_with("thread '") && said.ends_with(':') => Self::NextLine,
            text if text.starts_with("node:") => Self::Source,
            _ => Self::Known,
        })
    }

    /// After a later line.
    fn going_on_with(self, said: &str) -> Self {
        match self {
            Self::Python if is_between(said) => Self::Python,
            Self::Source if is_between(said) => Self::Source,
            Self::Announced | Self::Source if is_head(said) => {
                Self::after(&content_of(said), said).unwrap_or(Self::Known)
            }
            Self::Announced if said.is_empty() => Self::Announced,
            _ if said.starts_with("During handling of the above") || said.starts_with("The above exception was") => {
                Self::Announced
            }
            _ => Self::Known,
        }
    }
}

/// What a line tells by itself.
struct LineContent<'a> {
    level: Option<Level>,
    /// It names the level.
    is_named: bool,
    /// What it says behind times, names and labels.
    text: &'a str,
}

/// What a line tells, without the prefixes of others.
fn content_of(said: &str) -> LineContent<'_> {
    if is_property(said) {
        return LineContent { level: None, is_named: false, text: "" };
    }
    let header = header::read(said);
    if let Some(level) = header.level {
        let level = if level == Level::Info && failure::is_verdict(said) { Level::Error } else { level };
        return LineContent { level: Some(level), is_named: true, text: header.text };
    }
    let behind = (header.behind.len() < header.text.len()).then_some(header.behind);
    let texts = || {
        let text = Some(header.text).filter(|text| failure::is_possible(text));
        // `Compiling Data.Error`.
        let behind = behind.filter(|behind| failure::is_possible(behind) && !failure::is_well(header.text));
        [text, behind].into_iter().flatten()
    };
    let head = texts().find_map(|text| Some((failure::head(text).filter(|_| !failure::is_well(text))?, text)));
    if let Some((level, text)) = head {
        return LineContent { level: Some(level), is_named: false, text };
    }
    let level = texts()
        .find_map(|text| failure::of(text, is_between(said)))
        .or(header.otherwise)
        // Each line that pytest shows of a failure.
        .or_else(|| said.starts_with("E   ").then_some(Level::Error))
        .or_else(|| is_numbered(said).then_some(Level::Error));
    LineContent { level, is_named: false, text: header.text }
}

/// `    1) adds a cart`: mocha and its like number the tests that failed, below the names of their suites.
fn is_numbered(said: &str) -> bool {
    let text = said.trim_start_matches(' ');
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (1..=3).contains(&digits)
        && said.len() - text.len() >= 4
        && text.get(digits..).is_some_and(|rest| rest.starts_with(") "))
        && !text.ends_with(['.', '?', ','])
}

/// `    error: null,`: a row of an object that is printed over several lines. Its words are names and values.
fn is_property(said: &str) -> bool {
    is_between(said)
        && said.ends_with(',')
        && said.trim_start().split_once(": ").is_some_and(|(name, _)| !name.contains([' ', '\t']))
}

/// The line without what tools put before each line of others.
pub(super) fn without_prefixes(line: &str) -> &str {
    let mut rest = line;
    // A process manager in a container.
    for _ in 0..2 {
        if !may_have_prefix(rest) {
            break;
        }
        let Some(found) = PREFIX.as_ref().and_then(|prefix| prefix.captures(rest)) else { break };
        let name = found.get(1).or(found.get(2)).map_or("", |name| name.as_str());
        if words::level(name).is_some() {
            break;
        }
        rest = rest.get(found.get_match().end()..).unwrap_or(rest);
    }
    rest
}

/// Most lines have none, and this is cheaper.
fn may_have_prefix(line: &str) -> bool {
    match line.bytes().next() {
        Some(b'[') => true,
        Some(b'0'..=b'9') => line.as_bytes().get(10) == Some(&b'T') && line.contains(" std") || line.contains('|'),
        Some(b'a'..=b'z' | b'A'..=b'Z' | b'@') => line.contains(['|', ':']),
        _ => false,
    }
}

fn is_part(said: &str) -> bool {
    PARTS.as_ref().is_some_and(|set| set.is_match(said))
}

/// Indented, or empty.
fn is_between(said: &str) -> bool {
    said.is_empty() || said.starts_with([' ', '\t'])
}

/// `   Compiling shop`, as cargo and its like write what they do: the first word ends where the others do.
fn is_status(said: &str) -> bool {
    let word = said.trim_start().split(' ').next().unwrap_or_default();
    indent(said) + word.len() == 12
        && word.len() > 3
        && word != "Failed"
        && word.starts_with(|first: char| first.is_ascii_uppercase())
        && word.bytes().skip(1).all(|byte| byte.is_ascii_lowercase())
}

fn indent(said: &str) -> usize {
    said.len() - said.trim_start_matches([' ', '\t']).len()
}

/// The line is the first of a trace, and names no level itself.
fn is_head(said: &str) -> bool {
    let header = header::read(said);
    header.level.is_none() && (failure::head(header.text).is_some() || failure::head(header.behind).is_some())
}

/// The word that an expression has found.
fn captured<'a>(expression: &Option<Regex>, text: &'a str) -> Option<&'a str> {
    expression.as_ref()?.captures(text)?.iter().skip(1).flatten().next().map(|word| word.as_str())
}

impl Level {
    /// What the line says of itself, whatever is above it.
    pub fn of(line: &str) -> Option<Self> {
        content_of(without_prefixes(line)).level
    }
}

/// The first bytes of the line, at most `bytes`, without cutting a character.
fn beginning(line: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(line.len())).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
    line.get(..end).unwrap_or(line)
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
