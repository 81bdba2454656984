//! The words that tell how bad something is, and those beside them that take it back.

use super::Level;

/// The level of a word, however it is written.
pub(in crate::logs) fn level(word: &str) -> Option<Level> {
    if word.len() > 11 {
        return None;
    }
    let mut lower = [0_u8; 11];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    Some(match &*lower {
        b"trace" | b"trce" | b"trc" | b"vrb" | b"verbose" | b"10" => Level::Trace,
        b"debug" | b"dbg" | b"dbug" | b"debu" | b"20" => Level::Debug,
        b"info" | b"inf" | b"notice" | b"information" | b"success" | b"30" => Level::Info,
        b"warn" | b"warning" | b"wrn" | b"40" => Level::Warn,
        b"error" | b"err" | b"eror" | b"erro" | b"severe" | b"fail" | b"50" => Level::Error,
        b"fatal" | b"fata" | b"ftl" | b"panic" | b"pani" | b"dpanic" | b"critical" | b"crit" | b"alert" | b"emerg"
        | b"emergency" | b"60" => Level::Fatal,
        _ => return None,
    })
}

/// The level of a letter, as Android, glog and mongod write it.
pub(in crate::logs) fn letter(letter: &str) -> Option<Level> {
    Some(match letter {
        "V" | "T" => Level::Trace,
        "D" => Level::Debug,
        "I" | "N" => Level::Info,
        "W" => Level::Warn,
        "E" => Level::Error,
        "F" | "C" => Level::Fatal,
        _ => return None,
    })
}

/// Behind a word such as `error`, these make it the name of a thing: an error page is no error.
const THINGS: &[&str] = &[
    "boundary",
    "budget",
    "channel",
    "check",
    "checking",
    "class",
    "code",
    "codes",
    "collector",
    "correction",
    "count",
    "counter",
    "counts",
    "detection",
    "event",
    "events",
    "file",
    "files",
    "filter",
    "format",
    "free",
    "handler",
    "handlers",
    "handling",
    "is",
    "level",
    "levels",
    "limit",
    "line",
    "lines",
    "listener",
    "log",
    "logging",
    "logs",
    "margin",
    "message",
    "messages",
    "middleware",
    "mode",
    "name",
    "names",
    "page",
    "pages",
    "path",
    "paths",
    "prone",
    "rate",
    "rates",
    "ratio",
    "recovery",
    "reporter",
    "reporting",
    "reports",
    "response",
    "responses",
    "route",
    "routes",
    "section",
    "state",
    "states",
    "stream",
    "threshold",
    "tracker",
    "tracking",
    "type",
    "types",
    "was",
    "are",
    "were",
    "will",
    "and",
    "or",
    "templates",
    "template",
    "views",
    "view",
    "summary",
    "SUMMARY",
];

/// The word makes one before it, such as `error`, the name of a thing.
pub(super) fn is_thing(word: &str) -> bool {
    THINGS.contains(&word)
}

/// Before a word such as `error`, these say that there is none, or that it is only spoken of.
pub(super) fn takes_back(word: &str) -> bool {
    let mut lower = [0_u8; 9];
    let Some(lower) = lower.get_mut(..word.len()) else { return false };
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    matches!(
        &*lower,
        b"no"
            | b"not"
            | b"without"
            | b"zero"
            | b"last"
            | b"previous"
            | b"prior"
            | b"expected"
            | b"expects"
            | b"ignored"
            | b"ignoring"
            | b"ignore"
            | b"handled"
            | b"recovered"
            | b"on"
            | b"if"
            | b"when"
            | b"for"
            | b"as"
            | b"max"
            | b"min"
            | b"mean"
            | b"squared"
            | b"relative"
            | b"absolute"
            | b"training"
            | b"test"
            | b"standard"
            | b"rounding"
            | b"any"
            | b"each"
            | b"the"
            | b"first"
            | b"second"
            | b"simulated"
            | b"fake"
            | b"fixed"
            | b"fix"
            | b"reports"
            | b"shows"
            | b"throws"
            | b"prints"
            | b"returns"
            | b"word"
            | b"of"
            | b"this"
            | b"never"
            | b"old"
            | b"which"
            | b"that"
            | b"said"
            | b"says"
            | b"echo"
            | b"grep"
            | b"example"
            | b"set"
            | b"to"
            | b"set:"
            | b"catch"
            | b"after"
            | b"retrying"
    )
}

/// What stands behind `error:` says that there is none: `0`, `none`, `null`.
pub(super) fn is_nothing(value: &str) -> bool {
    const NOTHING: &[&str] =
        &["0", "none", "null", "nil", "<nil>", "no", "false", "off", "undefined", "[]", "{}", "\"\"", "''", "-"];
    let value = value.trim().trim_end_matches(['.', ',', ';']);
    NOTHING.iter().any(|known| value.eq_ignore_ascii_case(known))
}

/// The word joins what is before it with what follows, so that both are a sentence.
pub(super) fn joins(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "from", "in", "on", "at", "for", "to", "when", "is", "was", "and", "or", "of", "with", "by", "as", "has",
        "had", "again", "logged", "twice", "then", "but",
    ];
    WORDS.contains(&word) || is_thing(word)
}

/// Whether a word is a month or a day of the week: `May`, `Wed`.
pub(super) fn is_of_calendar(word: &str) -> bool {
    const NAMES: &[&str] = &[
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Mon", "Tue", "Wed", "Thu",
        "Fri", "Sat", "Sun",
    ];
    NAMES.contains(&word.trim_end_matches(','))
}
