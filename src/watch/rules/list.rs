//! One list of patterns in gitignore syntax, which can say which of its lines decided.
//!
//! Read as git reads it (<https://git-scm.com/docs/gitignore>): bytes, not text; one slash at the end means folders, any
//! other one binds the pattern to the folder of its file; spaces at the end count only when escaped.

use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::below;
use super::glob::Glob;
use crate::domain::{Rule, RuleSource};

/// Patterns of one place; the last that matches decides.
#[derive(Debug)]
pub(super) struct PatternList {
    base: PathBuf,
    source: RuleSource,
    /// As in [`Rule::file`]: a list stands in one file as a whole.
    file: Option<Arc<str>>,
    any_case: bool,
    patterns: Vec<Pattern>,
}

/// One pattern, and where it stands.
#[derive(Debug)]
struct Pattern {
    /// Without `!`, and without a slash at either end.
    text: Box<[u8]>,
    /// So many bytes of it stand for themselves.
    literal: usize,
    /// What follows them, if anything does.
    glob: Option<Glob>,
    lets_in: bool,
    only_folders: bool,
    only_files: bool,
    /// It is about the last name of a path, in any folder.
    any_folder: bool,
    number: Option<u32>,
    shown: Arc<str>,
    sort: Option<&'static str>,
}

/// A pattern of a list that decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit<'a> {
    list: &'a PatternList,
    pattern: &'a Pattern,
    /// It lets in (`!`).
    pub(super) lets_in: bool,
}

impl Hit<'_> {
    /// The pattern names the folder in which it applies, so that it can let in something below an ignored folder without
    /// anybody having to look through all ignored folders.
    pub(super) fn is_anchored(&self) -> bool {
        self.pattern.is_anchored()
    }

    /// The rule, for people.
    pub(super) fn rule(&self) -> Rule {
        let source = self.pattern.sort.map_or_else(|| self.list.source.clone(), RuleSource::BuiltIn);
        let file = self.list.file.clone();
        Rule { source, line: self.pattern.number, file, pattern: Arc::clone(&self.pattern.shown) }
    }
}

/// A line as it is written: its number, the pattern, and of a built-in one the sort of files that it is about.
pub(super) struct Written<'a> {
    pub(super) number: Option<u32>,
    pub(super) pattern: &'a [u8],
    pub(super) sort: Option<&'static str>,
    /// It means no folder, which git's syntax cannot say.
    pub(super) only_files: bool,
}

impl PatternList {
    /// Reads lines. `base` is the folder that patterns with a slash begin at. A line that is no valid pattern matches
    /// nothing, as in git.
    pub(super) fn new<'a>(
        base: &Path,
        source: RuleSource,
        any_case: bool,
        written: impl IntoIterator<Item = Written<'a>>,
    ) -> Self {
        let patterns = written.into_iter().filter_map(|line| Pattern::new(&line, any_case)).collect();
        Self { base: base.to_path_buf(), source, file: None, any_case, patterns }
    }

    /// The same, in this file of the group.
    pub(super) fn in_file(self, file: Option<Arc<str>>) -> Self {
        Self { file, ..self }
    }

    /// What the list says about this very path; nothing about its folders. `path` is absolute.
    pub(super) fn hit(&self, path: &Path, is_dir: bool) -> Option<Hit<'_>> {
        if self.patterns.is_empty() {
            return None;
        }
        let relative = below(path, &self.base)?.as_os_str().as_bytes();
        if relative.is_empty() {
            return None;
        }
        let name = relative.rsplit(|byte| *byte == b'/').next()?;
        let found = self.patterns.iter().rev().find(|pattern| {
            let is_meant = if is_dir { !pattern.only_files } else { !pattern.only_folders };
            is_meant && pattern.matches(if pattern.any_folder { name } else { relative }, self.any_case)
        });
        found.map(|pattern| Hit { list: self, pattern, lets_in: pattern.lets_in })
    }

    /// The patterns that say in which folder they apply, relative to the base, and whether they let in.
    pub(super) fn anchored(&self) -> impl Iterator<Item = (Cow<'_, str>, bool)> {
        let anchored = self.patterns.iter().filter(|pattern| pattern.is_anchored());
        anchored.map(|pattern| (String::from_utf8_lossy(&pattern.text), pattern.lets_in))
    }

    /// Where it stands.
    pub(super) fn source(&self) -> &RuleSource {
        &self.source
    }

    /// Whether a rule stands in it.
    pub(super) fn has(&self, rule: &Rule) -> bool {
        (&self.source, &self.file) == (&rule.source, &rule.file)
    }

    /// The folder that its patterns with a slash begin at.
    pub(super) fn base(&self) -> &Path {
        &self.base
    }

    /// There is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }
}

impl Pattern {
    /// `None` if the line holds no pattern.
    fn new(line: &Written<'_>, any_case: bool) -> Option<Self> {
        let whole = trim(line.pattern);
        if whole.starts_with(b"#") {
            return None;
        }
        let lets_in = whole.starts_with(b"!");
        let text = whole.strip_prefix(b"!").unwrap_or(whole);
        let only_folders = text.ends_with(b"/");
        let text = text.strip_suffix(b"/").unwrap_or(text);
        let any_folder = !text.contains(&b'/');
        let text = text.strip_prefix(b"/").unwrap_or(text);
        if text.is_empty() {
            return None;
        }
        let literal = text.iter().position(|byte| is_special(*byte)).unwrap_or(text.len());
        let rest = text.get(literal..).filter(|rest| !rest.is_empty());
        Some(Self {
            text: text.into(),
            literal,
            glob: rest.map(|rest| Glob::new(rest, any_case)),
            lets_in,
            only_folders,
            only_files: line.only_files,
            any_folder,
            number: line.number,
            shown: String::from_utf8_lossy(whole).into(),
            sort: line.sort,
        })
    }

    fn matches(&self, text: &[u8], any_case: bool) -> bool {
        let Some((first, rest)) = text.split_at_checked(self.literal) else { return false };
        let literal = self.text.get(..self.literal).unwrap_or_default();
        let same = if any_case { literal.eq_ignore_ascii_case(first) } else { literal == first };
        same && match &self.glob {
            Some(glob) => glob.is_match(rest),
            None => rest.is_empty(),
        }
    }

    fn is_anchored(&self) -> bool {
        !self.any_folder && !self.text.starts_with(b"**/")
    }
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[' | b'\\')
}

/// Without the end of the line and without the spaces at the end that are not escaped. What follows a NUL is not read.
fn trim(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut end = 0;
    let mut escaped = false;
    for (at, byte) in line.iter().enumerate() {
        if *byte != b' ' || escaped {
            end = at + 1;
        }
        escaped = *byte == b'\\' && !escaped;
    }
    line.get(..end).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> PatternList {
        let lines = text.lines().zip(1..);
        let lines = lines.map(|(pattern, n)| Written {
            number: Some(n),
            pattern: pattern.as_bytes(),
            sort: None,
            only_files: false,
        });
        PatternList::new(Path::new("/r"), RuleSource::GroupIgnore, false, lines)
    }

    #[test]
    fn the_line_that_decided_is_named() {
        let list = list("# a comment\n\n*.log\n!keep.log\n*.log   \n/docs/\n");
        let hit = list.hit(Path::new("/r/a/keep.log"), false).expect("decided");
        assert_eq!((hit.lets_in, hit.rule().line, &*hit.rule().pattern), (false, Some(5), "*.log"));
        let hit = list.hit(Path::new("/r/docs"), true).expect("decided");
        assert_eq!((hit.rule().line, &*hit.rule().pattern), (Some(6), "/docs/"));
        assert!(list.hit(Path::new("/r/docs"), false).is_none(), "a file is no folder");
        assert!(list.hit(Path::new("/r/a/docs"), true).is_none(), "anchored");
        assert!(list.hit(Path::new("/rest/a.log"), false).is_none(), "elsewhere");
    }

    #[test]
    fn spaces_at_the_end_count_only_when_escaped() {
        assert_eq!(trim(b"foo   "), b"foo");
        assert_eq!(trim(b"foo\\ "), b"foo\\ ");
        assert_eq!(trim(b"foo\\   "), b"foo\\ ");
        assert_eq!(trim(b"foo\\\\ "), b"foo\\\\");
        assert_eq!(trim(b"  foo bar\r"), b"  foo bar");
        assert!(list("foo\\ ").hit(Path::new("/r/foo "), false).is_some());
    }

    #[test]
    fn lines_without_a_pattern_decide_nothing() {
        for line in ["", "#x", "!", "/", "!/", "//", "[", "a[", "\\"] {
            let list = list(line);
            assert!(list.hit(Path::new("/r/a"), false).is_none(), "{line:?}");
            assert!(list.hit(Path::new("/r/a["), false).is_none(), "{line:?}");
        }
    }

    #[test]
    fn only_patterns_that_name_a_folder_are_anchored() {
        let list = list("!target/debug/api\n/target\na/b/\ntarget/\n!.env*\n**/foo\n");
        let anchored: Vec<_> = list.anchored().map(|(text, lets_in)| (text.into_owned(), lets_in)).collect();
        let expected = [("target/debug/api", true), ("target", false), ("a/b", false)];
        assert_eq!(anchored, expected.map(|(text, lets_in)| (text.to_owned(), lets_in)));
    }

    #[test]
    fn fuzz_of_ignore_files() {
        // An ignore file, and after a NUL the path.
        const SEEDS: [&[u8]; 6] = [
            b"# a comment\n\n*.log\n!keep.log\n/docs/\nfoo\\ \n\0a/keep.log",
            b"**/a/**/b/\n/**\n**\n!*/\n\0x/a/b",
            b"[!a-z]?[[:alpha:]]\\*\n[\n\\\n!\n/\n\0Ab*",
            b"\xff\xfe*\r\n a \n\\#x\n\\!y\n\0#x",
            b"a*b*c*d*e*f*g*h\n\0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            b"a/b/../c\n./x\n//y\n\0c",
        ];
        crate::fuzz::run("ignore-files", 2_000, &SEEDS, |bytes| {
            let (text, path) = match bytes.iter().position(|byte| *byte == 0) {
                Some(at) => (&bytes[..at], &bytes[at + 1..]),
                None => (bytes, &b""[..]),
            };
            let lines = text.split(|byte| *byte == b'\n').zip(1..);
            let lines = lines.map(|(pattern, n)| Written { number: Some(n), pattern, sort: None, only_files: false });
            let list = PatternList::new(Path::new("/r"), RuleSource::GroupIgnore, false, lines);
            let path = Path::new("/r").join(std::ffi::OsStr::from_bytes(path.trim_ascii()));
            let numbers = 1..=u32::try_from(text.iter().filter(|byte| **byte == b'\n').count()).unwrap() + 1;
            [false, true].map(|is_dir| {
                let hit = list.hit(&path, is_dir);
                assert!(hit.is_none_or(|hit| hit.rule().line.is_some_and(|line| numbers.contains(&line))));
                hit.map(|hit| (hit.lets_in, hit.is_anchored()))
            })
        });
    }
}
