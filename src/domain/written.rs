//! What changes after each start: one file again and again, or each time another one with a name like the last.

use std::fmt;
use std::sync::Arc;

use super::{misleads, visible};

/// See the top of the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Written {
    /// A file, by its path.
    File(Arc<str>),
    /// New files with names of one form: `out-*.txt`.
    Alike(Arc<str>),
}

/// What means something else than itself in a pattern.
const GLOB: &[char] = &['*', '?', '[', ']', '\\'];

/// A part of a name with so many hexadecimal digits, and nothing else, is a number also where it begins with a letter.
const HASH: usize = 6;

impl Written {
    /// What a file counts as. `is_new`: it was not there before; the numbers in its name may be others the next time.
    pub fn of(path: &Arc<str>, is_new: bool) -> Self {
        let (folder, name) = match path.rsplit_once('/') {
            Some((folder, name)) => (Some(folder), name),
            None => (None, &**path),
        };
        if !is_new || path.contains(GLOB) || !has_digit(name) {
            return Self::File(Arc::clone(path));
        }
        let mut form = folder.map(|folder| format!("{folder}/")).unwrap_or_default();
        for part in name.split_inclusive(|char: char| !char.is_alphanumeric()) {
            let text = part.trim_end_matches(|char: char| !char.is_alphanumeric());
            let ends = (text.find(|char: char| char.is_ascii_digit()), text.rfind(|char: char| char.is_ascii_digit()));
            let is_hash = text.len() >= HASH && text.chars().all(|char| char.is_ascii_hexdigit());
            match ends {
                (Some(_), Some(_)) if is_hash => form.push('*'),
                (Some(first), Some(last)) => {
                    form.push_str(text.get(..first).unwrap_or_default());
                    form.push('*');
                    form.push_str(text.get(last + 1..).unwrap_or_default());
                }
                _ => form.push_str(text),
            }
            form.push_str(part.strip_prefix(text).unwrap_or_default());
        }
        Self::Alike(form.into())
    }

    /// The line of the service in `procgroup.toml` that takes it out: `ignore = ["tmp/status.json"]`.
    pub fn ignore_line(&self) -> String {
        let (Self::File(path) | Self::Alike(path)) = self;
        let mut pattern = String::new();
        for char in path.chars() {
            if GLOB.contains(&char) && matches!(self, Self::File(_)) {
                pattern.push('\\');
            }
            pattern.push(char);
        }
        let mut quoted = String::new();
        for char in pattern.chars() {
            match char {
                '\\' | '"' => quoted.extend(['\\', char]),
                // As TOML has them.
                char if misleads(char) => quoted.push_str(&format!("\\u{:04X}", u32::from(char))),
                char => quoted.push(char),
            }
        }
        format!("ignore = [\"{quoted}\"]")
    }
}

fn has_digit(text: &str) -> bool {
    text.contains(|char: char| char.is_ascii_digit())
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::File(name) | Self::Alike(name)) = self;
        f.write_str(&visible(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_files_with_other_numbers_in_their_names_are_alike() {
        let of = |path: &str| Written::of(&path.into(), true).to_string();
        assert_eq!(of("tmp2/out-48213.txt"), "tmp2/out-*.txt");
        assert_eq!(of("report_2026-11-26.v1.json"), "report_*-*-*.v*.json");
        assert_eq!(of("out-a3f2b0c1-0f3e44.txt"), "out-*-*.txt");
        assert_eq!(of("new.txt"), "new.txt");
        assert_eq!(of("é1ü/é1ü"), "é1ü/é*ü");
        assert_eq!(Written::of(&"out-1.txt".into(), false), Written::File("out-1.txt".into()));
    }

    #[test]
    fn the_line_takes_out_what_is_meant_and_no_more() {
        assert_eq!(Written::of(&"a/b1.txt".into(), false).ignore_line(), "ignore = [\"a/b1.txt\"]");
        assert_eq!(Written::of(&"a/b1.txt".into(), true).ignore_line(), "ignore = [\"a/b*.txt\"]");
        assert_eq!(Written::of(&"a\n\u{202e}.txt".into(), false).ignore_line(), "ignore = [\"a\\u000A\\u202E.txt\"]");
        assert_eq!(Written::of(&"a/[b]1.txt".into(), true).ignore_line(), "ignore = [\"a/\\\\[b\\\\]1.txt\"]");
    }
}
