//! How bad a line is, from what services commonly print: JSON and logfmt fields, the usual words near the start of the
//! line, and the stack traces of Rust, Python, Node, Java and Go, whose lines are as bad as their first.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use super::{Line, LineId, LineKind, Reader};

/// How bad a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For those who look for something.
    Trace,
    /// For those who look for something.
    Debug,
    /// All is well.
    Info,
    /// Not well.
    Warn,
    /// Something has failed.
    Error,
    /// All has failed: panics, fatal errors.
    Fatal,
}

/// How far into a line a bare word such as `ERROR` is its level. Further right it is what the line talks about.
const COLUMNS: usize = 60;
/// How far into a line a field `"level":"error"` is looked for: some writers put it last.
const FIELD_COLUMNS: usize = 4096;
/// The longest name before a line that is not part of it.
const NAME_COLUMNS: usize = 40;
/// How far above a line the beginning of its stack trace is looked for.
const TRACE_LINES: usize = 100;

/// An expression of this module: it is written here, and a test compiles it. Classes are written out in ASCII: those of
/// Unicode take 20 ms to compile, which the first frame would wait for.
fn expression(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// `"level":"error"`, `"severity": "ERROR"`, `"level":50` (pino and bunyan), `"s":"E"` (mongod), and of logfmt
/// `level=error`, `lvl=eror` as words of their own: what a URL or an option says is not how bad the line is.
static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(concat!(
        r#""(?i:level|severity|lvl|loglevel|log\.level|levelname|@l)"[ \t]*:[ \t]*(?:"?((?i)[a-z]+)(?-u:\b)|([0-9][0-9])(?-u:\b))"#,
        r#"|"s"[ \t]*:[ \t]*"([FEWID])[1-5]?""#,
        r#"|(?:^|[ \t,;|])(?i:level|severity|lvl)=["']?((?i)[a-z]+)(?-u:\b)"#,
    ))
});

/// A word that stands alone: in capitals anywhere, in brackets or before a colon however it is written; and where tools
/// put it that have their own ways.
static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(concat!(
        r"(?:^|[^A-Za-z0-9_\-/.=])(TRACE|TRC|VRB|DEBUG|DBG|DEBU|INFO|INF|NOTICE|WARN|WARNING|WRN|ERROR|ERRO|ERR|SEVERE|CRITICAL|CRIT|ALERT|EMERG|FATAL|FATA|FTL|PANIC|PANI|DPANIC)(?:[^A-Za-z0-9_\-/.=]|$)",
        r"|\[[ \t]*((?i:trace|debug|info|notice|warn|warning|error|err|critical|crit|alert|emerg|fatal|panic))[ \t]*\]",
        // `error: …`, behind a time, a label or a name.
        r"|^(?:\[?[0-9][0-9T:.,+/Z -]{7,34}\]?[ \t]+)?(?:\[[^\]]{1,30}\][ \t]+)?(?:[A-Za-z0-9_./@-]{1,40}:[ \t]|PHP )??((?i:warning|warn|error|fatal|fatal error|parse error|panic)|fail|crit|info|dbug|debug|trce|trace)(?:\[[A-Za-z0-9_]+\])?:",
        // Monolog: `[2024-05-01 12:00:00] local.ERROR: …`; Celery: `[…: ERROR/MainProcess]`.
        r"|^\[[^\]]*\] [A-Za-z0-9_-]+\.([A-Z]+): |^\[[^\]]*: ([A-Z]+)/[A-Za-z]",
        // klog: `E0501 12:00:00.123456`.
        r"|^([IWEF])[01][0-9][0-3][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}\.",
        // eslint; npm; Node's warnings.
        r"|^[ \t]+[0-9]+:[0-9]+[ \t]+(error|warning)[ \t]|^npm (error|warn) |^\(node:[0-9]+\) (?:\[[A-Z0-9]+\] )?[A-Za-z]*(Warning): ",
    ))
});

/// `src/main.c:3:5: error: …`, `src/app.ts(12,5): error TS2322: …`, `src/app.ts:12:5 - error TS2322: …`. Paths are long.
static COMPILER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r"^(?:[A-Za-z]:)?[^: \t()]+(?::[0-9]+:(?:[0-9]+:)?|\([0-9]+(?:,[0-9]+)?\)[ \t]?:|:[0-9]+:[0-9]+ -)[ \t]+((?i:fatal error|error|warning))(?-u:\b)",
    )
});

/// First lines of a failure that names no level.
static HEADS: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    RegexSet::new([
        // Rust; Go.
        r"^thread '.*' (?:\([0-9]+\) )?panicked at ",
        r"^panic: ",
        r"^fatal error: ",
        // Python.
        r"^[ \t]*Traceback \(most recent call last\):",
        // Java.
        r#"^Exception in thread ""#,
        r"^(?:Caused by: )?(?:[a-z_$][A-Za-z0-9_$]*\.)+[A-Z][A-Za-z0-9_$]*(?:Exception|Error)(?-u:\b)",
        // Node, Python's last line.
        r"^(?:\[?Uncaught |Unhandled |Uncaught \(in promise\) )?(?:[A-Za-z0-9_.]+\.)?(?:[A-Z][A-Za-z0-9_]*)?(?:Error|Exception)(?: \[[A-Za-z0-9_]+\])?(?::|$)",
        // Ruby; Elixir; .NET and Dart.
        r"^[^ \t:]+\.rb:[0-9]+:in .*\([A-Z][A-Za-z:]*\)$",
        r"^\*\* \([A-Z][A-Za-z.]*\) ",
        r"^Unhandled [Ee]xception(?:[.:]|$)",
    ])
    .ok()
});

/// A failure in one line, as shells, builds and test runners say it.
static FAILURES: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    RegexSet::new([
        r"^(?:/[a-z/]*)?[a-z]*sh: .*(?:not found|Permission denied|No such file or directory)$",
        r"^Segmentation fault|\(core dumped\)$",
        r"^make(?:\[[0-9]+\])?: \*\*\* ",
        r"^(?:docker: )?Error response from daemon: ",
        r"^(?:> Task :.*|test [^ ].* \.\.\.|[^ ]*::[^ ]+) FAILED(?: +\[ *[0-9]+%\])?$",
        r"^(?:FAILED [^ ]*::|BUILD FAILED|FAILURE: |test result: FAILED|[ \t]*--- FAIL: )",
        r"^[ \t]*FAIL[ \t]+[^ \t]",
        r"^[Ff]ailed to [a-z]",
        r"^[ \t]*[⨯✖✘✗✕×] ",
        r"^(?:.{0,20}\[vite\] )?Internal [Ss]erver [Ee]rror: ",
        r"^Completed 5[0-9][0-9] ",
        r"^\[nodemon\] app crashed",
        r"^e: (?:file:)?/",
    ])
    .ok()
});

/// Lines within a trace that begin with a word.
static INSIDE: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    RegexSet::new([
        r"^[ \t]+[^ \t]",
        r"^$",
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
    /// Lines of known shapes only.
    Known,
    /// A logger has told of it, or another one follows from it: the next line may be the first of a trace.
    Announced,
}

/// Tells the level of lines in order. It may begin anywhere: a trace whose beginning it has not seen has no level.
#[derive(Clone, Debug, Default)]
pub struct LevelReader {
    trace: Option<(Level, Open)>,
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

    /// The level of the next line of a document. No trace goes on behind a marker.
    pub fn pass(&mut self, line: &Line) -> Option<Level> {
        match line.kind {
            LineKind::Output => self.read(&line.content.text),
            LineKind::Marker => {
                self.trace = None;
                None
            }
        }
    }

    /// The line belongs to the trace that the lines before it have begun.
    pub fn goes_on_with(&self, line: &str) -> bool {
        let line = said(line);
        match self.trace {
            None => false,
            Some((_, Open::NextLine | Open::Python)) => true,
            Some((_, Open::Announced)) if begins_trace(line) => true,
            Some((_, Open::Known | Open::Announced)) => {
                is_inside(line) && Level::of(line).is_none_or(|_| line.starts_with("Caused by: "))
            }
        }
    }

    /// The level of the next line.
    fn read(&mut self, line: &str) -> Option<Level> {
        if let Some((level, open)) = self.trace.filter(|_| self.goes_on_with(line)) {
            self.trace = Some((level, open.going_on_with(said(line))));
            return Some(level);
        }
        let level = Level::of(line);
        self.trace = level.filter(|level| *level >= Level::Error).zip(Open::after(said(line)));
        level
    }

    /// The level of a line may depend on the one before it.
    fn depends(line: &str) -> bool {
        let line = said(line);
        is_inside(line) || begins_trace(line)
    }
}

impl Open {
    /// After the first line. Nothing follows a failure that is told in one line.
    fn after(line: &str) -> Option<Self> {
        if named(line).is_some() {
            return Some(Self::Announced);
        }
        begins_trace(line).then(|| {
            if line.trim_start().starts_with("Traceback (most") {
                Self::Python
            } else if line.starts_with("thread '") && line.ends_with(':') {
                Self::NextLine
            } else {
                Self::Known
            }
        })
    }

    /// After a later line.
    fn going_on_with(self, line: &str) -> Self {
        let is_between = line.is_empty() || line.starts_with([' ', '\t']);
        match self {
            Self::Python if is_between => Self::Python,
            Self::Announced if begins_trace(line) => Self::after(line).unwrap_or(Self::Known),
            Self::Announced if line.is_empty() => Self::Announced,
            _ if line.starts_with("During handling of the above") || line.starts_with("The above exception was") => {
                Self::Announced
            }
            _ => Self::Known,
        }
    }
}

/// The line without the name of a container that `docker compose` or a process manager puts before it: `web-1  | `.
fn said(line: &str) -> &str {
    let Some((name, rest)) = line.split_once('|') else { return line };
    let name = name.trim_end_matches(' ');
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= NAME_COLUMNS
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if is_name { rest.strip_prefix(' ').unwrap_or(rest) } else { line }
}

fn is_inside(line: &str) -> bool {
    INSIDE.as_ref().is_some_and(|set| set.is_match(line))
}

/// The line is the first of a trace, and names no level itself.
fn begins_trace(line: &str) -> bool {
    HEADS.as_ref().is_some_and(|set| set.is_match(line)) && named(line).is_none()
}

/// The level that the line names.
fn named(line: &str) -> Option<Level> {
    let may_have_field = ["evel", "everity", "lvl", "LEVEL", "\"s\"", "@l"].iter().any(|part| line.contains(part));
    if may_have_field && let Some(word) = captured(&FIELD, beginning(line, FIELD_COLUMNS)) {
        return Level::named(word);
    }
    captured(&WORD, beginning(line, COLUMNS))
        .and_then(Level::named)
        .or_else(|| captured(&COMPILER, beginning(line, FIELD_COLUMNS)).and_then(Level::named))
}

/// The word that an expression has found.
fn captured<'a>(expression: &Option<Regex>, text: &'a str) -> Option<&'a str> {
    expression.as_ref()?.captures(text)?.iter().skip(1).flatten().next().map(|word| word.as_str())
}

impl Level {
    /// What the line says of itself, whatever is above it.
    pub fn of(line: &str) -> Option<Self> {
        let line = said(line);
        if let Some(level) = named(line) {
            return Some(level);
        }
        if let Some(which) = HEADS.as_ref()?.matches(line).iter().next() {
            return Some(if which < 3 { Self::Fatal } else { Self::Error });
        }
        FAILURES.as_ref()?.is_match(line).then_some(Self::Error)
    }

    fn named(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "trace" | "trce" | "trc" | "vrb" | "verbose" | "10" => Self::Trace,
            "debug" | "dbg" | "dbug" | "debu" | "20" | "d" => Self::Debug,
            "info" | "inf" | "notice" | "information" | "30" | "i" => Self::Info,
            "warn" | "warning" | "wrn" | "40" | "w" => Self::Warn,
            "error" | "err" | "eror" | "erro" | "severe" | "fail" | "50" | "e" => Self::Error,
            "fatal" | "fata" | "ftl" | "fatal error" | "parse error" | "panic" | "pani" | "dpanic" | "critical"
            | "crit" | "alert" | "emerg" | "emergency" | "60" | "f" => Self::Fatal,
            _ => return None,
        })
    }
}

/// At most so many characters from the start, as bytes go: a search that stops early need not count exactly.
fn beginning(line: &str, columns: usize) -> &str {
    match line.char_indices().nth(columns) {
        Some((end, _)) => line.get(..end).unwrap_or(line),
        None => line,
    }
}

#[cfg(test)]
mod tests;
