//! Who: the name of a service or a group, and the number of a run.

use std::fmt;
use std::sync::{Arc, LazyLock};

use regex::Regex;

use super::visible;

/// The name of a service as written in `procgroup.toml`. Cheap to clone; ordered by text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceName(Arc<str>);

impl ServiceName {
    /// Takes the text as it is. The configuration has checked what stands in the file; a name that comes from elsewhere
    /// is only compared, and shown by `Display`.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(Arc::from(text.as_ref()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of its instance of this number.
    #[must_use]
    pub fn instance(&self, number: u32) -> Self {
        Self::new(format!("{}.{number}", self.0))
    }

    /// The service and the number, if it is the name of an instance: `worker` and 2 of `worker.2`.
    pub fn split_instance(&self) -> Option<(Self, u32)> {
        let (of, number) = self.0.split_at(instance_dot(&self.0)?);
        let number = number.trim_start_matches('.');
        let is_usual = !number.starts_with('0') && !of.is_empty();
        number.parse().ok().filter(|_| is_usual).map(|number| (Self::new(of), number))
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&visible(&self.0))
    }
}

impl From<&str> for ServiceName {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// Why a text cannot be the name of a service or of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    /// It is empty.
    Empty,
    /// It begins with this character.
    Begins(char),
    /// This character is in it.
    Holds(char),
    /// It ends with a dot and a number.
    Instance,
}

impl NameFault {
    /// What is wrong with a name. It begins with a letter or a digit and goes on with these and `. _ - + :`.
    pub fn of_name(text: &str) -> Option<Self> {
        match text.chars().next() {
            None => Some(Self::Empty),
            Some(first) if !begins_name(first) => Some(Self::Begins(first)),
            Some(_) => text.chars().find(|c| !goes_on_in_name(*c)).map(Self::Holds),
        }
    }

    /// The same for a service, whose instances are called `NAME.1`, `NAME.2`.
    pub fn of_service(text: &str) -> Option<Self> {
        Self::of_name(text).or_else(|| instance_dot(text).map(|_| Self::Instance))
    }
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |c: char| match c {
            ' ' => String::from("a space"),
            '`' => String::from("a backtick"),
            c => format!("`{}`", visible(c.encode_utf8(&mut [0; 4]))),
        };
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::Begins('@') => f.write_str("it starts with `@`, which marks a group in commands"),
            Self::Begins(c) => write!(f, "it starts with {}, not with a letter or digit", shown(*c)),
            Self::Holds(c) => write!(f, "it contains {}: only letters, digits and . _ - + : are allowed", shown(*c)),
            Self::Instance => f.write_str("a dot and a number at the end are reserved for instances of a service"),
        }
    }
}

/// The text as a name of a group: each run of other characters becomes a dash, and those before the first letter or
/// digit go. Empty if there is none.
pub fn fitting_name(text: &str) -> String {
    let words: Vec<&str> = text.split(|c| !goes_on_in_name(c)).filter(|word| !word.is_empty()).collect();
    words.join("-").trim_start_matches(|c| !begins_name(c)).to_owned()
}

/// The same as a name of a service: `python3.11` becomes `python3-11`.
pub fn fitting_service_name(text: &str) -> String {
    let mut name = fitting_name(text);
    if let Some(dot) = instance_dot(&name) {
        name.replace_range(dot..=dot, "-");
    }
    name
}

fn begins_name(c: char) -> bool {
    c.is_alphanumeric() && goes_on_in_name(c)
}

fn goes_on_in_name(c: char) -> bool {
    /// Letters and digits of any script, and the marks that some scripts write them with. What joins them unseen, and
    /// connectors other than `_`, are not among them.
    static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"[\w--[\x{200c}\x{200d}\x{203f}\x{2040}\x{2054}\x{fe33}\x{fe34}\x{fe4d}-\x{fe4f}\x{ff3f}]]").ok()
    });
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | ':');
    }
    WORD.as_ref().is_some_and(|word| word.is_match(c.encode_utf8(&mut [0; 4])))
}

/// The place of the last dot, if only digits come after it.
fn instance_dot(text: &str) -> Option<usize> {
    let (before, number) = text.rsplit_once('.')?;
    (!number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())).then_some(before.len())
}

/// The number of a run of one service: 1 for the first, and growing. News of an older run is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub u32);

impl RunId {
    /// The number of the run after this one.
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_letters_and_digits_of_any_script_and_a_few_signs() {
        for name in [
            "a",
            "7",
            "dev:css",
            "c++",
            "a.b",
            "v1.x",
            "1.",
            "a_b-c",
            "größe",
            "gro\u{308}ße",
            "データベース",
            "हिन्दी",
            "٣",
        ] {
            assert_eq!(NameFault::of_service(name), None, "{name}");
            assert_eq!((fitting_name(name).as_str(), fitting_service_name(name).as_str()), (name, name));
        }
        for first in ['-', '.', '_', '+', ':', '@', '/', ' ', '\u{301}', '½', '\u{202e}', '\u{1b}', '*', '🦀'] {
            assert_eq!(NameFault::of_name(&format!("{first}a")), Some(NameFault::Begins(first)), "{first:?}");
            assert_eq!(fitting_name(&format!("{first}a")), "a");
        }
        for other in
            ['@', '/', ' ', ',', '\t', '\n', '\u{1b}', '\u{202e}', '\u{200d}', '\u{2028}', '‿', '#', '=', '`', '🦀']
        {
            assert_eq!(NameFault::of_name(&format!("a{other}b")), Some(NameFault::Holds(other)), "{other:?}");
            assert_eq!(fitting_name(&format!("a{other}{other}b{other}")), "a-b");
        }
        assert_eq!((NameFault::of_name(""), fitting_name("@/ -")), (Some(NameFault::Empty), String::new()));
    }

    #[test]
    fn a_dot_and_a_number_are_for_the_instances_of_a_service() {
        for (name, fitting) in [("api.1", "api-1"), ("python3.11", "python3-11"), ("a.1.02", "a.1-02")] {
            assert_eq!(NameFault::of_service(name), Some(NameFault::Instance), "{name}");
            assert_eq!((NameFault::of_name(name), fitting_service_name(name).as_str()), (None, fitting));
        }
        assert_eq!(NameFault::of_service(&fitting_service_name("@a/b .5")), None);
    }

    #[test]
    fn an_instance_is_called_by_its_service_and_its_number() {
        let split = |name: &str| ServiceName::from(name).split_instance().map(|(of, number)| format!("{of} {number}"));
        assert_eq!(split(ServiceName::from("a.b").instance(12).as_str()).as_deref(), Some("a.b 12"));
        for name in ["a", "a.", ".1", "a.0", "a.01", "a.x", "a.99999999999"] {
            assert_eq!(split(name), None, "{name}");
        }
    }

    #[test]
    fn a_name_from_elsewhere_is_shown_without_what_a_terminal_obeys() {
        assert_eq!(format!("{:9}|", ServiceName::from("a\u{1b}")), "a\\u{1b}  |");
        assert_eq!(ServiceName::from("a\u{1b}").as_str(), "a\u{1b}");
    }
}
