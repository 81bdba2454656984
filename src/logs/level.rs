//! How bad a line is, from what services commonly print: JSON and logfmt fields, the usual words near the start of the
//! line, and the stack traces of Rust, Python, Node, Java and Go, whose lines are as bad as their first.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

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

/// An expression of this module: it is written here, and a test compiles it. Classes are written out in ASCII: those of
/// Unicode take 20 ms to compile, which the first frame would wait for.
fn expression(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// `"level":"error"`, `"severity": "ERROR"`, `"level":50` (pino and bunyan), `level=error`, `lvl=eror`.
static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r#"(?i)(?:"(?:level|severity|lvl|loglevel|log\.level|levelname)"[ \t]*:[ \t]*"?|(?-u:\b)(?:level|severity|lvl)=["']?)([a-z]+|[0-9][0-9])(?-u:\b)"#,
    )
});

/// A word that stands alone: in capitals anywhere, in brackets or before a colon however it is written.
static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(concat!(
        r"(?:^|[^A-Za-z0-9_\-/.=])(TRACE|DEBUG|DBG|INFO|INF|NOTICE|WARN|WARNING|WRN|ERROR|ERR|SEVERE|CRITICAL|CRIT|ALERT|EMERG|FATAL|PANIC)(?:[^A-Za-z0-9_\-/.=]|$)",
        r"|\[[ \t]*((?i:trace|debug|info|notice|warn|warning|error|critical|fatal|panic))[ \t]*\]",
        r"|^(?:[A-Za-z0-9_./@-]{1,40}:[ \t])?((?i:warning|warn|error|fatal|fatal error|panic))(?:\[[A-Za-z0-9_]+\])?:",
    ))
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
        r"^(?:Uncaught |Unhandled )?(?:[A-Za-z0-9_.]+\.)?[A-Z][A-Za-z0-9_]*(?:Error|Exception)(?: \[[A-Za-z0-9_]+\])?(?::|$)",
        r"^Error(?: \[[A-Za-z0-9_]+\])?: ",
    ])
    .ok()
});

/// Lines within a trace that begin with a word.
static INSIDE: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    RegexSet::new([
        r"^[ \t]+[^ \t]",
        r"^$",
        r"^\}$",
        r"^note: ",
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
}

/// Tells the level of lines in order. It may begin anywhere: a trace whose beginning it has not seen has no level.
#[derive(Clone, Debug, Default)]
pub struct LevelReader {
    trace: Option<(Level, Open)>,
}

impl LevelReader {
    /// The line belongs to the trace that the lines before it have begun.
    pub fn goes_on_with(&self, line: &str) -> bool {
        match self.trace {
            None => false,
            Some((_, Open::NextLine | Open::Python)) => true,
            Some((_, Open::Known)) => {
                is_inside(line) && Level::of(line).is_none_or(|_| line.starts_with("Caused by: "))
            }
        }
    }

    /// The level of the next line.
    pub fn read(&mut self, line: &str) -> Option<Level> {
        if let Some((level, open)) = self.trace.filter(|_| self.goes_on_with(line)) {
            let stays_open = open == Open::Python && (line.starts_with([' ', '\t']) || line.is_empty());
            self.trace = Some((level, if stays_open { open } else { Open::Known }));
            return Some(level);
        }
        let level = Level::of(line);
        self.trace = level.filter(|level| *level >= Level::Error).map(|level| (level, Open::after(line)));
        level
    }

    /// The level of a line may depend on the one before it.
    pub fn depends(line: &str) -> bool {
        is_inside(line)
    }
}

impl Open {
    fn after(line: &str) -> Self {
        if line.trim_start().starts_with("Traceback (most") {
            Self::Python
        } else if line.starts_with("thread '") && line.ends_with(':') {
            Self::NextLine
        } else {
            Self::Known
        }
    }
}

fn is_inside(line: &str) -> bool {
    INSIDE.as_ref().is_some_and(|set| set.is_match(line))
}

impl Level {
    /// What the line says of itself, whatever is above it.
    pub fn of(line: &str) -> Option<Self> {
        let head = beginning(line, COLUMNS);
        if (line.contains("evel") || line.contains("everity") || line.contains("lvl") || line.contains("LEVEL"))
            && let Some(level) = FIELD.as_ref().and_then(|field| field.captures(beginning(line, FIELD_COLUMNS)))
        {
            return level.get(1).and_then(|word| Self::named(word.as_str()));
        }
        let word = WORD.as_ref().and_then(|word| word.captures(head));
        if let Some(level) = word.and_then(|found| found.iter().skip(1).flatten().find_map(|w| Self::named(w.as_str())))
        {
            return Some(level);
        }
        let heads = HEADS.as_ref()?.matches(line);
        heads.iter().next().map(|which| if which < 3 { Self::Fatal } else { Self::Error })
    }

    fn named(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "trace" | "10" => Self::Trace,
            "debug" | "dbg" | "dbug" | "20" => Self::Debug,
            "info" | "inf" | "notice" | "information" | "30" => Self::Info,
            "warn" | "warning" | "wrn" | "40" => Self::Warn,
            "error" | "err" | "eror" | "severe" | "50" => Self::Error,
            "fatal" | "fatal error" | "panic" | "critical" | "crit" | "alert" | "emerg" | "emergency" | "60" => {
                Self::Fatal
            }
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
mod tests {
    use super::*;

    #[test]
    fn the_usual_ways_to_say_how_bad_it_is() {
        let cases = [
            ("14:02:23 ERROR user 19 not found", Some(Level::Error)),
            ("14:02:23  WARN slow query", Some(Level::Warn)),
            ("[info] listening", Some(Level::Info)),
            ("error[E0308]: mismatched types", Some(Level::Error)),
            ("warning: unused variable", Some(Level::Warn)),
            (r#"{"time":1,"level":"error","msg":"x"}"#, Some(Level::Error)),
            (r#"{"severity": "WARNING", "msg": "ERROR in text"}"#, Some(Level::Warn)),
            (r#"{"level":50,"msg":"x"}"#, Some(Level::Error)),
            ("ts=1 level=warn msg=\"ERROR\"", Some(Level::Warn)),
            ("time=1 lvl=eror", Some(Level::Error)),
            ("GET /errors 200", None),
            ("0 errors, 3 warnings", None),
            ("TypeError: Cannot read properties of undefined", Some(Level::Error)),
            ("java.lang.IllegalStateException: no", Some(Level::Error)),
            ("panic: runtime error: index out of range", Some(Level::Fatal)),
            ("", None),
        ];
        for (line, level) in cases {
            assert_eq!(Level::of(line), level, "{line}");
        }
        let far = format!("{} ERROR", "x".repeat(COLUMNS));
        assert_eq!(Level::of(&far), None, "a word far to the right is what the line talks about");
    }

    /// The level of each line, with `.` for none.
    fn levels(text: &str) -> String {
        let mut reader = LevelReader::default();
        let letter = |level| match level {
            None => '.',
            Some(Level::Trace) => 'T',
            Some(Level::Debug) => 'D',
            Some(Level::Info) => 'I',
            Some(Level::Warn) => 'W',
            Some(Level::Error) => 'E',
            Some(Level::Fatal) => 'F',
        };
        text.lines().map(|line| letter(reader.read(line))).collect()
    }

    #[test]
    fn a_trace_is_as_bad_as_its_first_line() {
        let rust = "ok\nthread 'main' panicked at src/jobs/mail.rs:41:18:\ncalled `Option::unwrap()` on a `None` value\nstack backtrace:\n   0: rust_begin_unwind\n             at /rustc/x\nnote: run with `RUST_BACKTRACE=1`\nnext";
        assert_eq!(levels(rust), ".FFFFFF.");
        let python = "ok\nTraceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    f()\nValueError: no\nnext";
        assert_eq!(levels(python), ".EEEE.");
        let custom = "Traceback (most recent call last):\n  File \"a.py\"\nmy.module.Oops\nnext";
        assert_eq!(levels(custom), "EEE.");
        let node = "TypeError: Cannot read\n    at Object.<anonymous> (/a.js:1:1)\n    at node:internal/main\n\nNode.js v22.1.0\nnext";
        assert_eq!(levels(node), "EEEEE.");
        let java = "Exception in thread \"main\" java.lang.IllegalStateException: x\n\tat a.B.c(B.java:1)\nCaused by: java.io.IOException\n\t... 3 more\nnext";
        assert_eq!(levels(java), "EEEE.");
        let go = "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/a/main.go:5 +0x1d\nexit status 2\nnext";
        assert_eq!(levels(go), "FFFFFF.");
        assert_eq!(levels("ERROR one\nINFO two\n  indented"), "EI.");
    }
}
