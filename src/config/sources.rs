//! The texts that a group is read from, one after the other: a place in any of them is a range of bytes of all, so that a
//! problem may point into several files, and nothing needs to know which file it reads.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::diagnostic::{Diagnostic, position};
use super::syntax;
use crate::domain::path_text;

/// The files of a group with their texts; the group's own file is the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sources {
    /// All texts, each on lines of its own.
    text: String,
    /// The bytes after which a new line begins.
    newlines: Vec<usize>,
    files: Vec<Source>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    path: PathBuf,
    /// Where its text begins, and the number of lines before that.
    start: usize,
    lines_before: usize,
    end: usize,
}

/// What the files of a group hold, in a few bytes each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prints(BTreeMap<String, u64>);

impl Prints {
    /// Nothing was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the files that hold something else, have come or are gone.
    pub fn differ_from(&self, other: &Self) -> Vec<String> {
        let names: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        names.into_iter().filter(|name| self.0.get(*name) != other.0.get(*name)).cloned().collect()
    }
}

impl Sources {
    /// A single file.
    pub(super) fn of(file: &Path, text: &str) -> Self {
        let mut sources = Self::default();
        sources.add(file, text);
        sources
    }

    /// One more file. The bytes of its text among those of all.
    pub(super) fn add(&mut self, file: &Path, text: &str) -> Range<usize> {
        if !self.files.is_empty() {
            self.newlines.push(self.text.len());
            self.text.push('\n');
        }
        let start = self.text.len();
        let lines_before = self.newlines.len();
        self.newlines.extend(text.match_indices('\n').map(|(at, _)| start + at));
        self.text.push_str(text);
        let end = self.text.len();
        self.files.push(Source { path: file.to_owned(), start, lines_before, end });
        start..end
    }

    /// All texts.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The files, in the order in which they were added.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|source| source.path.as_path())
    }

    /// The file that a byte belongs to, by its number.
    pub(super) fn number_at(&self, byte: usize) -> usize {
        self.files.partition_point(|source| source.start <= byte).saturating_sub(1)
    }

    /// The file of that number.
    pub(super) fn file(&self, number: usize) -> &Path {
        self.files.get(number).map_or(Path::new(""), |source| &source.path)
    }

    /// The end of a file's text.
    pub(super) fn end(&self, number: usize) -> usize {
        self.files.get(number).map_or(0, |source| source.end)
    }

    /// The name of a file for people: that of the group's own without its folder, others from there.
    pub(super) fn name(&self, file: &Path) -> String {
        let folder = self.files.first().and_then(|first| first.path.parent());
        let name = folder.and_then(|folder| file.strip_prefix(folder).ok()).unwrap_or(file);
        path_text(name).into_owned()
    }

    /// The same of the file that a place is in; `None` if that is the group's own.
    pub(super) fn other_name_at(&self, span: &Range<usize>) -> Option<Arc<str>> {
        let number = self.number_at(span.start);
        (number > 0).then(|| self.name(self.file(number)).into())
    }

    /// Line and column of the start of a place in its file, both from 1; columns count characters.
    pub(super) fn place(&self, span: &Range<usize>) -> (usize, usize) {
        let line = self.newlines.partition_point(|newline| *newline < span.start);
        let start = line.checked_sub(1).and_then(|last| self.newlines.get(last)).map_or(0, |newline| newline + 1);
        let (_, column) = position(self.text.get(start..).unwrap_or_default(), span.start - start);
        let before = self.files.get(self.number_at(span.start)).map_or(0, |source| source.lines_before);
        (line + 1 - before.min(line), column)
    }

    /// What each file holds, for comparisons.
    pub(super) fn prints(&self) -> Prints {
        let print = |source: &Source| {
            let mut hasher = DefaultHasher::new();
            self.text.get(source.start..source.end).hash(&mut hasher);
            (self.name(&source.path), hasher.finish())
        };
        Prints(self.files.iter().map(print).collect())
    }

    /// The tree of a file, as far as it can be read, and what could not be, with places among all texts.
    pub(super) fn tree(&self, number: usize) -> (DeTable<'_>, Vec<Diagnostic>) {
        let Some(source) = self.files.get(number) else { return (DeTable::new(), Vec::new()) };
        let (tree, mut problems) = syntax::tree(self.text.get(source.start..source.end).unwrap_or_default());
        for label in problems.iter_mut().flat_map(|problem| &mut problem.labels) {
            label.span = moved(&label.span, source.start);
        }
        (if source.start == 0 { tree } else { moved_table(tree, source.start) }, problems)
    }
}

fn moved(span: &Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}

fn moved_table(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    let entries = table.into_iter();
    let entries = entries.map(|(key, value)| {
        let key_span = moved(&key.span(), by);
        (Spanned::new(key_span, key.into_inner()), moved_value(value, by))
    });
    entries.collect()
}

fn moved_value(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = moved(&value.span(), by);
    let value = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(moved_table(table, by)),
        DeValue::Array(mut array) => {
            let mut all = DeArray::new();
            for value in array.iter_mut() {
                let span = value.span();
                let inner = std::mem::replace(value.get_mut(), DeValue::Boolean(false));
                all.push(moved_value(Spanned::new(span, inner), by));
            }
            DeValue::Array(all)
        }
        plain => plain,
    };
    Spanned::new(span, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_in_the_file_that_its_text_is_of() {
        let mut sources = Sources::of(Path::new("/g/a.toml"), "x = 1\ny = 2");
        let second = sources.add(Path::new("/g/s/b.toml"), "é = 'no'\nz = [1, { q = 2 }]\n");
        let empty = sources.add(Path::new("/g/c.toml"), "");
        let text = sources.text().to_owned();
        assert_eq!(text.get(second.clone()), Some("é = 'no'\nz = [1, { q = 2 }]\n"));
        let at = |what: &str| {
            let start = text.find(what).unwrap();
            let span = start..start + what.len();
            (sources.name(sources.file(sources.number_at(start))), sources.place(&span))
        };
        assert_eq!(at("y"), ("a.toml".into(), (2, 1)));
        assert_eq!(at("'no'"), ("s/b.toml".into(), (1, 5)));
        assert_eq!(at("q"), ("s/b.toml".into(), (2, 11)));
        assert_eq!(sources.place(&empty), (1, 1));
        assert_eq!(sources.other_name_at(&empty).as_deref(), Some("c.toml"));
        assert_eq!(sources.other_name_at(&(0..1)), None);
        // The end of a text is its own.
        assert_eq!(sources.number_at(sources.end(0)), 0);
    }

    #[test]
    fn every_place_of_a_tree_is_among_all_texts() {
        let mut sources = Sources::of(Path::new("/g/a.toml"), "x = 1\n");
        sources.add(Path::new("/g/b.toml"), "[t]\nlist = [1, [2], { deep = 'v' }]\n[[many]]\nn = 1.5\n");
        let (tree, problems) = sources.tree(1);
        assert!(problems.is_empty());
        fn walk(text: &str, table: &DeTable<'_>, seen: &mut usize) {
            for (key, value) in table {
                assert_eq!(text.get(key.span()), Some(&**key.get_ref()));
                each(text, value, seen);
            }
        }
        fn each(text: &str, value: &Spanned<DeValue<'_>>, seen: &mut usize) {
            *seen += 1;
            match value.get_ref() {
                DeValue::Table(table) => walk(text, table, seen),
                DeValue::Array(list) => list.iter().for_each(|value| each(text, value, seen)),
                DeValue::Integer(number) => assert_eq!(text.get(value.span()), Some(number.as_str())),
                DeValue::Float(number) => assert_eq!(text.get(value.span()), Some(number.as_str())),
                DeValue::String(word) => assert_eq!(text.get(value.span()), Some(&*format!("'{word}'"))),
                other => panic!("{other:?}"),
            }
        }
        let mut seen = 0;
        walk(sources.text(), &tree, &mut seen);
        assert_eq!(seen, 10);
        let mut sources = Sources::of(Path::new("/g/a.toml"), "x = 1\n");
        sources.add(Path::new("/g/b.toml"), "y = = 2\n");
        let (_, problems) = sources.tree(1);
        assert_eq!(sources.place(&problems[0].labels[0].span).0, 1);
        assert_eq!(sources.number_at(problems[0].labels[0].span.start), 1);
    }
}
