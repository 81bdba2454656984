//! The names of files in the folders of tasks.
//!
//! A name of a file is bytes; the words of the program are text. A name that is no UTF-8 is written as text that no name
//! can be: it begins with `/`, and its odd bytes are `%E9`. So every file can be spoken of, and no two get one name.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::domain::{TaskId, TaskStatus};

/// What a task file ends in.
pub(super) const ENDING: &str = ".json";

/// The longest stem that the endings of dead letters fit behind.
const LONGEST_STEM: usize = 200;

/// The name of a file as text.
pub(super) fn text_of(name: &OsStr) -> Cow<'_, str> {
    if let Some(text) = name.to_str() {
        return Cow::Borrowed(text);
    }
    let mut text = String::from("/");
    for byte in name.as_bytes() {
        match byte {
            b'%' | 0x80.. => {
                let _ = write!(text, "%{byte:02X}");
            }
            _ => text.push(char::from(*byte)),
        }
    }
    Cow::Owned(text)
}

/// The file that the text means.
pub(super) fn name_of(text: &str) -> Cow<'_, OsStr> {
    let Some(escaped) = text.strip_prefix('/') else { return Cow::Borrowed(OsStr::new(text)) };
    let (mut bytes, mut rest) = (Vec::with_capacity(escaped.len()), escaped.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    Cow::Owned(OsString::from_vec(bytes))
}

/// Whether a file of this name is looked at as a task.
pub(super) fn is_task_file(name: &OsStr) -> bool {
    let name = name.as_bytes();
    !name.starts_with(b".") && name.ends_with(ENDING.as_bytes())
}

/// The name without its ending, short enough for the endings of dead letters.
pub(super) fn stem_of(file: &str) -> &str {
    let stem = file.strip_suffix(ENDING).unwrap_or(file);
    stem.get(..stem.floor_char_boundary_here(LONGEST_STEM)).unwrap_or(stem)
}

/// `str::floor_char_boundary`, which is younger than our oldest compiler.
trait Boundary {
    fn floor_char_boundary_here(&self, at: usize) -> usize;
}

impl Boundary for str {
    fn floor_char_boundary_here(&self, at: usize) -> usize {
        let mut at = at.min(self.len());
        while !self.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

/// A name with a number behind its stem: `x`, `x.2`, `x.3`.
pub(super) fn numbered(stem: &str, number: u32) -> String {
    if number <= 1 { stem.to_owned() } else { format!("{stem}.{number}") }
}

/// Files in `.work/`. Their endings are taken off from the end, so an id may hold whatever an ending holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// The bytes of a claimed task, as they came.
    Task,
    /// What was tried.
    Tries,
    /// A result that could not be published yet.
    Kept,
    /// Nothing: a result of this status can neither be published nor kept, since there is no room for it.
    Unwritten(TaskStatus),
    /// The bytes of a task that was cancelled: it can be retried.
    Cancelled,
    /// The result of an earlier generation.
    Result(u32),
    /// The dead letter of an earlier generation.
    Dead(u32),
    /// A task that is about to wait again, as a new generation.
    Retry(u32),
    /// The bytes of a task from a server, as long as it is tried here. It is a copy.
    Leased,
}

impl Work {
    /// The name of the file.
    pub(super) fn file(self, id: &TaskId) -> String {
        match self {
            Self::Task => format!("{id}.task.json"),
            Self::Tries => format!("{id}.tries.json"),
            Self::Kept => format!("{id}.kept.json"),
            Self::Unwritten(status) => format!("{id}.{}.unwritten.json", status.word()),
            Self::Cancelled => format!("{id}.cancelled.json"),
            Self::Result(number) => format!("{id}.{number}.result.json"),
            Self::Dead(number) => format!("{id}.{number}.dead.json"),
            Self::Retry(number) => format!("{id}.{number}.retry.json"),
            Self::Leased => format!("{id}.leased.json"),
        }
    }

    /// Whose file this is, and what it holds.
    pub(super) fn parse(name: &OsStr) -> Option<(TaskId, Self)> {
        let (rest, word) = name.to_str()?.strip_suffix(ENDING)?.rsplit_once('.')?;
        let plain = match word {
            "task" => Some(Self::Task),
            "tries" => Some(Self::Tries),
            "kept" => Some(Self::Kept),
            "cancelled" => Some(Self::Cancelled),
            "leased" => Some(Self::Leased),
            _ => None,
        };
        if let Some(plain) = plain {
            return Some((TaskId::parse(rest)?, plain));
        }
        let (id, what) = rest.rsplit_once('.')?;
        let number = || what.parse().ok();
        let work = match word {
            "unwritten" => Self::Unwritten(TaskStatus::parse(what)?),
            "result" => Self::Result(number()?),
            "dead" => Self::Dead(number()?),
            "retry" => Self::Retry(number()?),
            _ => return None,
        };
        Some((TaskId::parse(id)?, work))
    }
}

/// Orders names as people do: `b-2.json` before `b-10.json`.
pub(super) fn in_order(left: &str, right: &str) -> Ordering {
    let (mut a, mut b) = (left.as_bytes(), right.as_bytes());
    while let (Some(x), Some(y)) = (a.first(), b.first()) {
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (one, other) = (digits(&mut a), digits(&mut b));
            match one.len().cmp(&other.len()).then_with(|| one.cmp(other)) {
                Ordering::Equal => continue,
                unequal => return unequal,
            }
        }
        match x.cmp(y) {
            Ordering::Equal => (a, b) = (a.get(1..).unwrap_or_default(), b.get(1..).unwrap_or_default()),
            unequal => return unequal,
        }
    }
    // `01` and `1` are the same number and two names.
    a.len().cmp(&b.len()).then_with(|| left.cmp(right))
}

/// Takes a number off the begin, without its leading zeros.
fn digits<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    *text = rest;
    let zeros = number.iter().position(|byte| *byte != b'0').unwrap_or(number.len());
    number.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_can_be_spoken_of_and_no_two_are_the_same() {
        let names: [&[u8]; 6] =
            [b"a.json", b"caf\xe9 %41.json", b"caf%E9.json", "größe ☃.json".as_bytes(), b"\xff", b"%"];
        let mut texts = Vec::new();
        for name in names {
            let name = OsStr::from_bytes(name);
            let text = text_of(name).into_owned();
            assert_eq!(&*name_of(&text), name, "{text}");
            texts.push(text);
        }
        assert_eq!(texts[1], "/caf%E9 %2541.json");
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), names.len());
    }

    #[test]
    fn names_are_ordered_as_people_count() {
        let mut names = ["b-10", "b-2", "a", "b-02", "b", "b-2-x", "ä", "b-99999999999999999999999"];
        names.sort_by(|a, b| in_order(a, b));
        assert_eq!(names, ["a", "b", "b-02", "b-2", "b-2-x", "b-10", "b-99999999999999999999999", "ä"]);
    }

    #[test]
    fn endings_are_taken_off_from_the_end() {
        let id = |text: &str| TaskId::parse(text).unwrap();
        for name in ["a", "a.task", "a.2", "a.2.dead", "a.tries.json", "json"] {
            let plain = [Work::Task, Work::Tries, Work::Kept, Work::Cancelled, Work::Leased];
            let more = [Work::Result(1), Work::Dead(2), Work::Retry(30), Work::Unwritten(TaskStatus::Timeout)];
            for work in plain.into_iter().chain(more) {
                assert_eq!(Work::parse(OsStr::new(&work.file(&id(name)))), Some((id(name), work)), "{name}");
            }
        }
        for other in [
            "owner.json",
            "a.json",
            ".task.json",
            "a.x.dead.json",
            "a.x.unwritten.json",
            "a.dead.json",
            "requests",
            ".a.task.json",
        ] {
            assert_eq!(Work::parse(OsStr::new(other)), None, "{other}");
        }
    }

    #[test]
    fn only_names_of_tasks_are_looked_at() {
        let looked_at: Vec<_> = ["a.json", ".a.json", "a.json.tmp", "a b.json", ".json", "a.JSON", "a"]
            .into_iter()
            .filter(|name| is_task_file(OsStr::new(name)))
            .collect();
        assert_eq!(looked_at, ["a.json", "a b.json"]);
        assert_eq!(stem_of("a.json"), "a");
        assert_eq!(stem_of(&format!("{}ä.json", "x".repeat(199))), "x".repeat(199));
        assert_eq!((numbered("a", 1), numbered("a", 2)), ("a".into(), "a.2".into()));
    }
}
