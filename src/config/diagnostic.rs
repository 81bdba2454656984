//! What is wrong with a file, as data: code, place, message and advice. Drawing it is `render`'s part.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::sources::{Prints, Sources};
use crate::domain::visible;

/// Whether the group can run in spite of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can, but hardly as meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A place in the file and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Bytes of the text, with lines that end with a newline alone.
    pub span: Range<usize>,
    /// A few words; may be empty: the place alone.
    pub text: String,
}

/// A problem of the file, with the place of the text that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// A stable name for programs and searches: `unknown-key`.
    pub code: &'static str,
    /// Whether the group can run in spite of it.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where; the first is the main place. Empty only if the file could not be read at all.
    pub labels: Vec<Label>,
    /// What to do, or why it matters; may have several lines.
    pub help: Option<String>,
    /// The file that it is about, where there is no place: the group's own if it is not said.
    pub(super) file: Option<PathBuf>,
}

impl Diagnostic {
    /// An error without a place yet.
    pub(super) fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), labels: Vec::new(), help: None, file: None }
    }

    /// A warning without a place yet.
    pub(super) fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// With this place added.
    pub(super) fn at(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// With this advice.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The start of the main place.
    fn start(&self) -> usize {
        self.labels.first().map_or(0, |label| label.span.start)
    }
}

/// All problems of a group, in the order of its files and their texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    /// The problems, sorted by place.
    pub items: Vec<Diagnostic>,
    /// The files that they are about, with their texts.
    pub(super) sources: Sources,
}

impl Diagnostics {
    /// Those of a single file. Its text is empty if it could not be read.
    pub(super) fn new(file: PathBuf, text: &str, items: Vec<Diagnostic>) -> Self {
        Self::of(Sources::of(&file, text), items)
    }

    /// Sorts the problems by place; those of one place stay in the order they were found.
    pub(super) fn of(sources: Sources, mut items: Vec<Diagnostic>) -> Self {
        items.sort_by_key(Diagnostic::start);
        Self { items, sources }
    }

    /// The texts of all files, one after the other: what places are ranges of.
    pub fn text(&self) -> &str {
        self.sources.text()
    }

    /// What each file holds, for comparisons.
    pub fn prints(&self) -> Prints {
        self.sources.prints()
    }

    /// Adds one, at its place, unless there is one of this kind already.
    pub(super) fn add_once(&mut self, item: Diagnostic) {
        let end = self.items.partition_point(|other| other.start() <= item.start());
        let (span, same_start) = (|of: &Diagnostic| of.labels.first().map(|label| label.span.clone()), item.start());
        let mut there = self.items.iter().take(end).rev().take_while(|other| other.start() == same_start);
        if !there.any(|other| other.code == item.code && span(other) == span(&item)) {
            self.items.insert(end, item);
        }
    }

    /// Adds several, each at its place.
    pub(super) fn extend(&mut self, items: Vec<Diagnostic>) {
        self.items.extend(items);
        self.items.sort_by_key(Diagnostic::start);
    }

    /// Nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// At least one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|item| item.severity == Severity::Error)
    }

    /// The file that a problem is about.
    pub fn file_of<'a>(&'a self, item: &'a Diagnostic) -> &'a Path {
        match (&item.file, item.labels.first()) {
            (Some(file), None) => file,
            (_, Some(label)) => self.file_at(&label.span),
            (None, None) => self.sources.file(0),
        }
    }

    /// The file that a place is in.
    pub fn file_at(&self, span: &Range<usize>) -> &Path {
        self.sources.file(self.sources.number_at(span.start))
    }

    /// The name of a file for people: that of the group's own without its folder, others from there.
    pub fn file_name(&self, file: &Path) -> String {
        self.sources.name(file)
    }

    /// Line and column of the start of a place in its file, both from 1; columns count characters.
    pub fn place(&self, span: &Range<usize>) -> (usize, usize) {
        self.sources.place(span)
    }

    /// Line and column of the main place of a problem, both from 1; columns count characters.
    pub fn position(&self, item: &Diagnostic) -> Option<(usize, usize)> {
        item.labels.first().map(|label| self.place(&label.span))
    }

    /// One line for a notice: the first error and how many others there are. Empty if nothing is wrong.
    pub fn summary(&self) -> String {
        let first = self.items.iter().find(|item| item.severity == Severity::Error).or(self.items.first());
        let Some(first) = first else { return String::new() };
        let mut line = match self.position(first) {
            Some((line, column)) => {
                format!("{}:{line}:{column}: {}", self.file_name(self.file_of(first)), first.message)
            }
            None => first.message.clone(),
        };
        let alike = self.items.iter().filter(|item| item.severity == first.severity).count();
        if alike > 1 {
            line.push_str(&format!(" · and {} more", alike - 1));
        }
        visible(&line).into_owned()
    }
}

/// Line and column of a byte, both from 1; columns count characters. A byte inside of a character counts as its start.
pub(super) fn position(text: &str, byte: usize) -> (usize, usize) {
    let mut end = byte.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = text.get(..end).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(start..).unwrap_or("").chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}
