//! One list of patterns in gitignore syntax, which can say which of its lines decided.
//!
//! The matching is the `ignore` crate's. What it leaves out is added here: line numbers, and the few places where its
//! globs read a line differently from git (<https://git-scm.com/docs/gitignore>): braces are no alternatives, `[[:alpha:]]`
//! is a class, an unclosed `[` matches nothing, and only spaces are trimmed from the end of a line.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::domain::{Rule, RuleSource};

/// Patterns of one place; the last that matches decides.
#[derive(Debug)]
pub(super) struct PatternList {
    matcher: Gitignore,
    source: RuleSource,
    /// By the text that the matcher knows. Lines with the same text decide the same: the last one is the one that counts.
    lines: HashMap<String, Line>,
    /// Of the patterns that let in and say in which folder: that folder and the rest.
    anchored_let_in: Vec<String>,
}

/// Where a pattern stands.
#[derive(Debug)]
struct Line {
    number: Option<u32>,
    shown: Arc<str>,
    anchored: bool,
}

/// A pattern of a list that decided.
#[derive(Debug)]
pub(super) struct Hit<'a> {
    source: &'a RuleSource,
    line: &'a Line,
    /// It lets in (`!`).
    pub(super) lets_in: bool,
}

impl Hit<'_> {
    /// The pattern names the folder in which it applies, so that it can let in something below an ignored folder without
    /// anybody having to look through all ignored folders.
    pub(super) fn is_anchored(&self) -> bool {
        self.line.anchored
    }

    /// The rule, for people.
    pub(super) fn rule(&self) -> Rule {
        Rule { source: self.source.clone(), line: self.line.number, pattern: Arc::clone(&self.line.shown) }
    }
}

/// A line as it is written: its number, the pattern, and the pattern for people where that is something else.
pub(super) struct Written<'a> {
    pub(super) number: Option<u32>,
    pub(super) pattern: &'a str,
    pub(super) shown: Option<&'a str>,
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
        let mut builder = GitignoreBuilder::new(base);
        builder.allow_unclosed_class(false);
        if let Err(error) = builder.case_insensitive(any_case) {
            log::debug!("{}: {error}", base.display());
        }
        let mut lines = HashMap::new();
        let mut anchored_let_in = Vec::new();
        for Written { number, pattern, shown } in written {
            let pattern = trim(pattern);
            let Some(translated) = translate(pattern) else { continue };
            if let Err(error) = builder.add_line(None, &translated) {
                log::debug!("{}: no pattern: {error}", base.display());
                continue;
            }
            let anchored = is_anchored(&translated);
            if anchored && let Some(positive) = translated.strip_prefix('!') {
                anchored_let_in.push(positive.trim_matches('/').to_owned());
            }
            // The same trimming as the matcher's own, because its text is the key.
            let key = if translated.ends_with("\\ ") { translated } else { translated.trim_end().to_owned() };
            lines.insert(key, Line { number, shown: shown.unwrap_or(pattern).into(), anchored });
        }
        let matcher = builder.build().unwrap_or_else(|error| {
            log::warn!("{}: patterns left out: {error}", base.display());
            Gitignore::empty()
        });
        Self { matcher, source, lines, anchored_let_in }
    }

    /// What the list says about this very path; nothing about its folders. `path` is absolute.
    pub(super) fn hit(&self, path: &Path, is_dir: bool) -> Option<Hit<'_>> {
        let (glob, lets_in) = match self.matcher.matched(path, is_dir) {
            ignore::Match::None => return None,
            ignore::Match::Ignore(glob) => (glob, false),
            ignore::Match::Whitelist(glob) => (glob, true),
        };
        Some(Hit { source: &self.source, line: self.lines.get(glob.original())?, lets_in })
    }

    /// The patterns that let in something of which they name the folder, relative to the base.
    pub(super) fn anchored_let_in(&self) -> impl Iterator<Item = &str> {
        self.anchored_let_in.iter().map(String::as_str)
    }

    /// There is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// Whether a pattern holds for one place only: a slash at the beginning or in the middle, and not just `**/`.
pub(super) fn is_anchored(pattern: &str) -> bool {
    let pattern = pattern.strip_prefix('!').unwrap_or(pattern);
    !pattern.starts_with("**/") && pattern.strip_suffix('/').unwrap_or(pattern).contains('/')
}

/// Without the end of the line and without the spaces at the end that are not escaped.
fn trim(line: &str) -> &str {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let mut end = 0;
    let mut escaped = false;
    for (at, character) in line.char_indices() {
        if character != ' ' || escaped {
            end = at + character.len_utf8();
        }
        escaped = character == '\\' && !escaped;
    }
    line.get(..end).unwrap_or(line)
}

/// The line in the words of the `ignore` crate; `None` if it holds no pattern.
fn translate(line: &str) -> Option<String> {
    if line.starts_with('#') || line.trim_start_matches('!').trim_matches('/').is_empty() {
        return None;
    }
    let mut translated = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => {
                translated.push('\\');
                translated.extend(rest.next());
            }
            '{' | '}' => translated.extend(['\\', character]),
            '[' => rest = copy_class(rest, &mut translated),
            other => translated.push(other),
        }
    }
    Some(translated)
}

/// Copies a class (`[a-z]`, `[!a]`, `[[:digit:]]`) of which the bracket has been read.
fn copy_class<'a>(mut rest: std::str::Chars<'a>, translated: &mut String) -> std::str::Chars<'a> {
    const NAMED: [(&str, &str); 7] = [
        ("[:alpha:]", "a-zA-Z"),
        ("[:digit:]", "0-9"),
        ("[:alnum:]", "a-zA-Z0-9"),
        ("[:upper:]", "A-Z"),
        ("[:lower:]", "a-z"),
        ("[:xdigit:]", "0-9a-fA-F"),
        ("[:space:]", " \t\n\r\u{b}\u{c}"),
    ];
    translated.push('[');
    if let Some(after) = rest.as_str().strip_prefix(['!', '^']) {
        translated.push('!');
        rest = after.chars();
    }
    let mut first = true;
    loop {
        if let Some((name, members)) = NAMED.iter().find(|(name, _)| rest.as_str().starts_with(name)) {
            translated.push_str(members);
            rest = rest.as_str().get(name.len()..).unwrap_or_default().chars();
        } else {
            match rest.next() {
                None => return rest,
                Some(']') if !first => {
                    translated.push(']');
                    return rest;
                }
                Some(other) => translated.push(other),
            }
        }
        first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> PatternList {
        let lines = text.lines().zip(1..).map(|(pattern, n)| Written { number: Some(n), pattern, shown: None });
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
    }

    #[test]
    fn spaces_at_the_end_count_only_when_escaped() {
        assert_eq!(trim("foo   "), "foo");
        assert_eq!(trim("foo\\ "), "foo\\ ");
        assert_eq!(trim("foo\\   "), "foo\\ ");
        assert_eq!(trim("foo\\\\ "), "foo\\\\");
        assert_eq!(trim("  foo bar\r"), "  foo bar");
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
        assert!(is_anchored("!target/debug/api") && is_anchored("/target") && is_anchored("a/b/"));
        assert!(!is_anchored("target/") && !is_anchored("!.env*") && !is_anchored("**/foo"));
    }
}
