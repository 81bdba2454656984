//! What is looked for in a line: a text, an expression, or a whole word.

use std::ops::Range;

use memchr::memmem;
use regex::{Regex, RegexBuilder};
use thiserror::Error;

use crate::logs::level::STEMS;
use crate::logs::{Level, LineKind};

/// The largest program that an expression may become: compiling it takes milliseconds at most.
const PROGRAM: usize = 1 << 20;

/// How the text of a query is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QueryKind {
    /// As it is.
    #[default]
    Literal,
    /// As a regular expression.
    Regex,
    /// As it is, not within a longer word.
    Word,
}

/// The expression means nothing, or too much. The text is for people, on one line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct QueryError(String);

/// What is looked for. Smart case: capitals in it make it differ between capitals and small letters.
#[derive(Clone, Debug)]
pub struct Query {
    matcher: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    Exact { finder: Box<memmem::Finder<'static>>, word: bool },
    Folded { regex: Regex, word: bool },
    Regex(Regex),
}

impl Query {
    /// A query. An empty text is found nowhere.
    ///
    /// # Errors
    /// The expression is malformed, or too large.
    pub fn new(text: &str, kind: QueryKind) -> Result<Self, QueryError> {
        let word = kind == QueryKind::Word;
        let matcher = match kind {
            QueryKind::Regex => Matcher::Regex(compile(&with_tabs_as_spaces(text), !has_capitals(text))?),
            QueryKind::Literal | QueryKind::Word => {
                let has_case = text.chars().any(|c| c.is_lowercase() || c.is_uppercase());
                if has_case && !text.chars().any(char::is_uppercase) {
                    Matcher::Folded { regex: compile(&regex::escape(text), true)?, word }
                } else {
                    Matcher::Exact { finder: Box::new(memmem::Finder::new(text).into_owned()), word }
                }
            }
        };
        Ok(Self { matcher })
    }

    /// The line has it.
    pub fn is_match(&self, line: &str) -> bool {
        self.find(line, 0, line.len()).is_some()
    }

    /// What every line has that tells of an error, and few others.
    pub(in crate::logs) fn possible_errors() -> Option<Self> {
        Some(Self { matcher: Matcher::Folded { regex: compile(STEMS, true).ok()?, word: false } })
    }

    /// All places where a line has it, as ranges of bytes that are not empty and do not overlap.
    pub fn places(&self, line: &str) -> Vec<Range<usize>> {
        let mut places = Vec::new();
        let mut from = 0;
        while let Some(found) = self.find(line, from, line.len()) {
            from = if found.is_empty() { next_char(line, found.end) } else { found.end };
            if !found.is_empty() {
                places.push(found);
            }
            if from > line.len() {
                break;
            }
        }
        places
    }

    /// The lines of a block that have it, with their places in the block. `ends` says where each line ends.
    pub(super) fn lines_of(
        &self,
        text: &str,
        ends: impl FnOnce() -> Option<Vec<u32>>,
        mut each: impl FnMut(usize, &str),
    ) {
        if let Matcher::Regex(regex) = &self.matcher {
            let mut start = 0;
            for (index, end) in ends().unwrap_or_default().into_iter().enumerate() {
                if let Some(line) = text.get(start..end as usize).filter(|line| regex.is_match(line)) {
                    each(index, line);
                }
                start = end as usize;
            }
            return;
        }
        // The whole text at once: most blocks do not have it, and then nobody asks where their lines are.
        let Some(mut found) = self.find_raw(text, 0) else { return };
        let Some(ends) = ends() else { return };
        let mut index = 0;
        loop {
            // Hits are mostly far apart or in every line.
            let later = ends.get(index..).unwrap_or_default();
            index += match later.first() {
                Some(end) if *end as usize > found.start => 0,
                _ => later.partition_point(|end| *end as usize <= found.start),
            };
            let Some(end) = ends.get(index).map(|end| *end as usize) else { return };
            let start = index.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |end| *end as usize);
            // What begins in one line and ends in the next was never printed.
            let from = if found.end > end {
                next_char(text, found.start)
            } else {
                // A whole word may be further to the right, or nowhere in the line.
                if let Some(line) = text.get(start..end).filter(|line| !self.is_word() || self.is_match(line)) {
                    each(index, line);
                }
                index += 1;
                end
            };
            let Some(next) = self.find_raw(text, from) else { return };
            found = next;
        }
    }

    /// The first place from that byte on.
    fn find(&self, line: &str, from: usize, end: usize) -> Option<Range<usize>> {
        let mut from = from;
        while from <= end {
            let found = self.find_raw(line, from)?;
            if !self.is_word() || is_word(line, &found) {
                return Some(found);
            }
            from = next_char(line, found.start);
        }
        None
    }

    /// Whole words are meant.
    fn is_word(&self) -> bool {
        matches!(self.matcher, Matcher::Exact { word: true, .. } | Matcher::Folded { word: true, .. })
    }

    fn find_raw(&self, text: &str, from: usize) -> Option<Range<usize>> {
        match &self.matcher {
            Matcher::Exact { finder, .. } => {
                let length = finder.needle().len();
                let start = from + finder.find(text.as_bytes().get(from..)?)?;
                (length > 0).then_some(start..start + length)
            }
            Matcher::Folded { regex, .. } | Matcher::Regex(regex) => {
                text.is_char_boundary(from).then(|| regex.find_at(text, from)).flatten().map(|found| found.range())
            }
        }
    }
}

/// One condition of a filter.
#[derive(Clone, Debug)]
pub struct Term {
    /// What is looked for.
    pub query: Query,
    /// Lines that do not have it are meant.
    pub inverted: bool,
}

/// Which lines a scan looks for.
#[derive(Clone, Debug)]
pub enum Criterion {
    /// Those that have it.
    Query(Query),
    /// Those that meet all terms.
    Filter(Vec<Term>),
    /// Those that tell of errors by themselves: of a stack trace, the first.
    Errors,
}

impl Criterion {
    /// The line is looked for. Markers are let through, for whoever decides which of them are shown; they are no errors,
    /// whatever they quote.
    pub fn is_met(&self, line: &str, kind: LineKind) -> bool {
        match self {
            Self::Query(query) => query.is_match(line),
            Self::Errors => kind == LineKind::Output && Level::of(line).is_some_and(|level| level >= Level::Error),
            Self::Filter(terms) => {
                kind.is_marker() || terms.iter().all(|term| term.query.is_match(line) != term.inverted)
            }
        }
    }
}

fn compile(expression: &str, fold: bool) -> Result<Regex, QueryError> {
    RegexBuilder::new(expression).case_insensitive(fold).size_limit(PROGRAM).build().map_err(|error| {
        // The last line says what is wrong; those before draw a picture.
        let text = error.to_string();
        let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("not an expression");
        QueryError(last.trim().trim_start_matches("error: ").to_owned())
    })
}

/// A tab is as many spaces in the text of a line as it takes to the next stop.
fn with_tabs_as_spaces(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len());
    let mut classes = 0_u32;
    let mut chars = expression.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\t' || c == '\\' && chars.next_if_eq(&'t').is_some() {
            out.push_str(if classes > 0 { " " } else { "(?: {1,8})" });
            continue;
        }
        out.push(c);
        match c {
            '\\' => out.extend(chars.next()),
            '[' => {
                classes += 1;
                // Right behind it, a bracket is itself.
                out.extend(chars.next_if_eq(&'^'));
                out.extend(chars.next_if_eq(&']'));
            }
            ']' => classes = classes.saturating_sub(1),
            _ => {}
        }
    }
    out
}

/// Capitals other than those of classes such as `\W`.
fn has_capitals(expression: &str) -> bool {
    let mut chars = expression.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c.is_uppercase() {
            return true;
        }
    }
    false
}

fn is_word(line: &str, place: &Range<usize>) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    let before = line.get(..place.start).and_then(|text| text.chars().next_back());
    let after = line.get(place.end..).and_then(|text| text.chars().next());
    !before.is_some_and(inside) && !after.is_some_and(inside)
}

fn next_char(text: &str, at: usize) -> usize {
    at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
}
