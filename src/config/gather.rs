//! Reading the files of a group: its own, those that it includes, and the local file beside each.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::Diagnostic;
use super::laid_over::{TakenOut, lay_over};
use super::load::{FILE_NAME, Unread, read_named};
use super::place::full;
use super::problems::shown;
use super::sources::Sources;
use super::trust::{Owners, foreign_below};
use crate::domain::{plain_error, visible_path};
use crate::group_files::{IncludePattern, local_of};

/// More files than this are no group that somebody keeps an overview of.
const MOST: usize = 500;

/// What was read.
pub(super) struct Gathered {
    pub(super) sources: Sources,
    /// The group's own file, and those that it includes, by their numbers among the sources.
    pub(super) files: Vec<FileNumbers>,
    /// The patterns of `include`, as far as they are good.
    pub(super) include: Vec<String>,
    pub(super) problems: Vec<Diagnostic>,
    /// Not all could be read: what is missing may stand there.
    pub(super) is_partial: bool,
}

/// A file and the local file that is laid over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileNumbers {
    pub(super) file: usize,
    pub(super) local: Option<usize>,
}

/// A file's tree with its local file laid over it.
pub(super) struct Tree<'t> {
    pub(super) number: usize,
    pub(super) table: DeTable<'t>,
    pub(super) taken_out: Vec<TakenOut>,
    /// It is a file of another kind.
    pub(super) is_foreign: bool,
}

/// Reads what belongs to a group of which the file and its text are known.
pub(super) fn gather(text: &str, file: &Path, owners: Owners) -> Gathered {
    let file = full(file);
    let mut all = Gathered {
        sources: Sources::of(&file, text),
        files: Vec::new(),
        include: Vec::new(),
        problems: Vec::new(),
        is_partial: false,
    };
    let local = all.add_local(&file, owners);
    let own = FileNumbers { file: 0, local };
    all.files.push(own);
    let include = include_of(&all.tree(own, &mut Vec::new()).table);
    for (text, span) in include {
        let Ok(pattern) = IncludePattern::new(&text) else { continue };
        all.include(&text, &pattern, span, owners);
        all.include.push(text);
    }
    all
}

/// The patterns of `include`, with their places. What is none is told where the keys are read.
pub(super) fn include_of(tree: &DeTable<'_>) -> Vec<(String, Range<usize>)> {
    let Some(DeValue::Array(list)) = tree.get("include").map(Spanned::get_ref) else { return Vec::new() };
    let texts = list.iter().filter_map(|value| match value.get_ref() {
        DeValue::String(text) => Some((text.to_string(), value.span())),
        _ => None,
    });
    texts.collect()
}

impl Gathered {
    /// The tree of a file, as far as it can be read. What could not be is added to `problems`.
    pub(super) fn tree(&self, numbers: FileNumbers, problems: &mut Vec<Diagnostic>) -> Tree<'_> {
        let (mut table, found) = self.sources.tree(numbers.file);
        let mut is_foreign = is_foreign(&table, &found);
        problems.extend(found);
        let mut taken_out = Vec::new();
        if let Some(local) = numbers.local {
            let (over, found) = self.sources.tree(local);
            is_foreign |= self::is_foreign(&over, &found);
            taken_out = lay_over(&mut table, over);
            problems.extend(found);
        }
        Tree { number: numbers.file, table, taken_out, is_foreign }
    }

    /// Reads what a pattern finds.
    fn include(&mut self, text: &str, pattern: &IncludePattern, span: Range<usize>, owners: Owners) {
        let own = self.sources.file(0).to_owned();
        let root = own.parent().unwrap_or(&own).to_owned();
        let found = pattern.find(&root);
        if found.cut {
            self.problems.push(
                Diagnostic::error("too-large", format!("`{}` has too many files to look at", shown(text)))
                    .at(span, "not all of them were looked at")
                    .help("name the folders: include = [\"services/*/procgroup.toml\"]"),
            );
            return;
        }
        for (folder, why) in &found.unreadable {
            self.is_partial = true;
            let name = if *folder == root { visible_path(folder) } else { self.sources.name(folder).into() };
            let message = format!("cannot read the folder `{name}`: {}", plain_error(&io::Error::from(*why)));
            let help = format!("check who may read it: ls -ld {}", visible_path(folder));
            self.problems.push(Diagnostic::error("unreadable", message).at(span.clone(), "included here").help(help));
        }
        if found.files.is_empty() && !found.unreadable.is_empty() {
            return;
        }
        if found.files.is_empty() {
            self.is_partial |= pattern.is_plain();
            self.problems.push(unmatched(text, pattern, span, &root));
            return;
        }
        for file in found.files {
            if file == own || file == local_of(&own) || self.sources.files().any(|known| known == file) {
                continue;
            }
            if self.files.len() > MOST {
                self.problems.push(
                    Diagnostic::error("too-large", format!("more than {MOST} files are included"))
                        .at(span, "from here on")
                        .help("split the group, or name fewer files"),
                );
                return;
            }
            if let Some(number) = self.add(&file, owners, Some(span.clone())) {
                let local = self.add_local(&file, owners);
                self.files.push(FileNumbers { file: number, local });
            }
        }
    }

    /// The local file beside a file, if there is one.
    fn add_local(&mut self, file: &Path, owners: Owners) -> Option<usize> {
        let local = local_of(file);
        local.symlink_metadata().ok()?;
        self.add(&local, owners, None)
    }

    /// Reads a file, which is included by what stands at `by`. Its number.
    fn add(&mut self, file: &Path, owners: Owners, by: Option<Range<usize>>) -> Option<usize> {
        let name = self.sources.name(file);
        let root = self.sources.file(0).parent().unwrap_or(Path::new("/")).to_owned();
        let problem = match foreign_below(&root, file, owners) {
            Some(foreign) => Unread::foreign(&foreign, self.sources.file(0)),
            None => match read_named(file, &name, owners) {
                Ok(text) => {
                    let number = self.sources.files().count();
                    self.sources.add(file, &text.replace("\r\n", "\n"));
                    return Some(number);
                }
                Err(unread) => unread,
            },
        };
        self.is_partial = true;
        let Unread { mut problem, text } = *problem;
        if !problem.labels.is_empty() {
            let start = self.sources.add(file, &text).start;
            for label in &mut problem.labels {
                label.span = label.span.start + start..label.span.end + start;
            }
        } else if let Some(by) = by {
            problem = problem.at(by, "included here");
        } else {
            problem.file = Some(file.to_owned());
        }
        self.problems.push(problem);
        None
    }

    /// All files that were read.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let numbers = self.files.iter().flat_map(|numbers| [Some(numbers.file), numbers.local]).flatten();
        numbers.map(|number| self.sources.file(number).to_owned()).collect()
    }
}

/// Of a file of another kind there is nothing to read.
fn is_foreign(tree: &DeTable<'_>, problems: &[Diagnostic]) -> bool {
    tree.is_empty() && problems.iter().any(|problem| problem.code == "not-toml")
}

/// There is no file for a pattern: a slip where it names one, and perhaps too early where it does not.
fn unmatched(text: &str, pattern: &IncludePattern, span: Range<usize>, root: &Path) -> Diagnostic {
    // Somebody may name the folders.
    let below = format!("{text}/{FILE_NAME}");
    let is_meant = IncludePattern::new(&below).is_ok_and(|pattern| !pattern.find(root).files.is_empty());
    let (label, help) = match is_meant {
        true => (format!("did you mean \"{below}\"?"), "`include` names files, not folders"),
        false if pattern.is_plain() => {
            ("no such file".into(), "paths in `include` are relative to this file; write that file, or remove it here")
        }
        false => (
            "no match".into(),
            "fine if such files come later; otherwise check for a typo: patterns are relative to this file, and `*` stays \
             in one folder",
        ),
    };
    if pattern.is_plain() {
        let message = format!("the included file `{}` does not exist", shown(text));
        Diagnostic::error("include", message).at(span, label).help(help)
    } else {
        Diagnostic::warning("unmatched-include", "no file matches this pattern yet").at(span, label).help(help)
    }
}
