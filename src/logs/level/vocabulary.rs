//! What a word can do in a sentence, and the words that say it is only spoken of: see `clause`.

use std::sync::LazyLock;

use super::faults::TELLING;

/// Before what follows them, these say that it is only spoken of.
pub(super) const CONDITIONS: &[&str] = &[
    "if",
    "since",
    "when",
    "whenever",
    "unless",
    "whether",
    "until",
    "would",
    "will",
    "may",
    "might",
    "should",
    "shall",
    "must",
    "that",
    "which",
    "who",
    "whose",
    "what",
    "why",
    "how",
    "where",
    "once",
    "expect",
    "expects",
    "expected",
    "avoid",
    "avoids",
    "without",
    "ignore",
    "ignores",
    "ignored",
    "ignoring",
    "example",
    "simulate",
    "simulated",
    "previously",
    "recovered",
    "fixed",
    "fixes",
    "fix",
    "prevent",
    "prevents",
    "test",
    "testing",
];

/// The first words of what is no report.
pub(super) const NOT_SAID: &[&str] = &[
    "note",
    "hint",
    "help",
    "tip",
    "todo",
    "usage",
    "example",
    "examples",
    "description",
    "default",
    "options",
    "see",
    "fix",
    "fixed",
    "fixes",
    "feat",
    "docs",
    "test",
    "tests",
    "chore",
    "refactor",
    "style",
    "perf",
    "ci",
    "revert",
    "release",
    "info",
    "debug",
    "it",
    "should",
    "do",
    "does",
    "did",
    "to",
    "use",
    "set",
    "show",
    "list",
    "retry",
    "rerun",
    "count",
    "clear",
    "skip",
    "send",
    "sends",
    "print",
    "prints",
    "return",
    "returns",
    "report",
    "reports",
    "handle",
    "handles",
    "add",
    "added",
    "adds",
    "merge",
    "remove",
    "removed",
    "update",
    "updated",
    "improve",
    "mark",
    "marks",
    "allow",
    "allows",
    "ignore",
    "ignores",
    "let",
    "make",
    "stop",
    "exit",
    "treat",
    "fail",
    "you",
    "we",
    "recovered",
    "resolved",
    "skipped",
    "loaded",
    "registered",
    "created",
    "wrote",
    "saved",
    "selected",
    "started",
    "sorted",
    "deleted",
    "cleared",
];

/// It went on all the same.
pub(super) const RECOVERED: &[&str] = &[
    "using",
    "skipping",
    "skipped",
    "creating",
    "ignoring",
    "ignored",
    "falling",
    "fallback",
    "continuing",
    "assuming",
    "default",
    "defaults",
    "defaulting",
    "instead",
    "generating",
    "installing",
    "downloading",
    "will",
    "starting",
    "proceeding",
    "fetching",
    "building",
    "loading",
    "returning",
    "expected",
    "anyway",
    "yet",
    "initializing",
];

/// What is done behind a comma when it does not go on.
pub(super) const ENDINGS: &[&str] = &[
    "aborting",
    "bailing",
    "closing",
    "crashing",
    "cancelling",
    "canceling",
    "dropping",
    "dying",
    "existing",
    "exiting",
    "giving",
    "halting",
    "killing",
    "missing",
    "panicking",
    "quitting",
    "rejecting",
    "retrying",
    "shutting",
    "stopping",
    "terminating",
    "waiting",
];

/// What a word can do in a sentence. Most words can do nothing, and one look tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Roles {
    /// It can say that something failed.
    pub(super) can_tell: bool,
    /// What follows is only spoken of.
    pub(super) is_condition: bool,
    /// It went on all the same.
    pub(super) recovers: bool,
}

/// The roles of the words that have some, by their first letter.
static ROLES: LazyLock<[Vec<(&'static str, Roles)>; 26]> = LazyLock::new(|| {
    let mut roles: [Vec<(&str, Roles)>; 26] = Default::default();
    let mut give = |list: &[&'static str], give: fn(&mut Roles)| {
        for word in list {
            let Some(place) = letter(word).and_then(|at| roles.get_mut(at)) else { continue };
            match place.iter_mut().find(|(known, _)| known == word) {
                Some((_, roles)) => give(roles),
                None => {
                    let mut roles = Roles::default();
                    give(&mut roles);
                    place.push((word, roles));
                }
            }
        }
    };
    TELLING.iter().for_each(|list| give(list, |roles| roles.can_tell = true));
    give(CONDITIONS, |roles| roles.is_condition = true);
    give(RECOVERED, |roles| roles.recovers = true);
    roles
});

impl Roles {
    /// Of a word, however it is written.
    pub(super) fn of(word: &str) -> Self {
        let known = letter(word).and_then(|at| ROLES.get(at)).map_or(&[][..], Vec::as_slice);
        known.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, roles)| *roles).unwrap_or_default()
    }
}

/// The number of its first letter.
fn letter(word: &str) -> Option<usize> {
    let first = word.bytes().next().filter(u8::is_ascii_alphabetic)?;
    Some(usize::from(first.to_ascii_lowercase() - b'a'))
}
