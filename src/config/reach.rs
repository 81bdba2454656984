//! The warning about patterns that can never match: what they name is ignored, or they name a folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use toml::Spanned;

use super::diagnostic::Diagnostic;
use super::draft::Watched;
use super::group::Named;
use super::place::Place;
use super::problems::{Problems, shown};
use crate::domain::{SpecPattern, WatchSpec};

/// The ignore files around the group, each read at most once, and only if a pattern asks.
pub(super) struct IgnoreFiles<'a> {
    root: &'a Path,
    watch: &'a WatchSpec,
    read: HashMap<PathBuf, Gitignore>,
}

impl<'a> IgnoreFiles<'a> {
    /// Reads nothing yet.
    pub(super) fn new(place: &'a Place<'_>, watch: &'a WatchSpec) -> Self {
        Self { root: &place.root, watch, read: HashMap::new() }
    }

    /// Warns about the patterns of a service that can never match.
    pub(super) fn check(&mut self, service: &Named, problems: &mut Problems) {
        let draft = &service.draft;
        if let (Some(Watched::All { .. }), Some(dir)) = (draft.watch.as_ref().map(Spanned::get_ref), &draft.dir)
            && !dir.get_ref().starts_with(self.root)
        {
            let span = draft.watch.as_ref().map(Spanned::span).unwrap_or_default();
            problems.add(
                Diagnostic::error(
                    "outside",
                    format!("service `{}` watches a folder outside of the group", service.name),
                )
                .at(span, "all below `dir`")
                .at(dir.span(), format!("{} is not below {}", dir.get_ref().display(), self.root.display()))
                .help("put procgroup.toml into the folder that holds all that is to be watched"),
            );
        }
        let Some(Watched::Globs(globs)) = draft.watch.as_ref().map(Spanned::get_ref) else { return };
        let own = draft.ignore.as_deref().unwrap_or_default();
        for glob in globs.iter().filter(|glob| !glob.get_ref().text.starts_with('!')) {
            if let Some(problem) = self.dead(glob, own) {
                problems.add(problem);
            }
        }
    }

    fn dead(&mut self, glob: &Spanned<SpecPattern>, own: &[Spanned<SpecPattern>]) -> Option<Diagnostic> {
        let text = &glob.get_ref().text;
        let (base, whole) = literal_base(text);
        let path = self.root.join(&base);
        let is_dir = path.is_dir();
        if whole && is_dir {
            let folder = text.trim_end_matches('/');
            return Some(
                Diagnostic::warning(
                    "dead-watch",
                    format!("the pattern `{}` can never match: it is a folder", shown(text)),
                )
                .at(glob.span(), "patterns name files")
                .help(format!("\"{folder}/**\"")),
            );
        }
        // The first part already has letters that stand for others: it is not known what it reaches.
        if base.as_os_str().is_empty() {
            return None;
        }
        let lets_in = |pattern: &SpecPattern, positive: bool| {
            let line = if positive { pattern.text.as_str() } else { pattern.text.strip_prefix('!')? };
            let mut builder = GitignoreBuilder::new(self.root);
            builder.add_line(None, line).ok()?;
            let one = builder.build().ok()?;
            // What lets in something below the base lets in a part of what the pattern names.
            let below = line.trim_start_matches('/').starts_with(base.to_str()?);
            (below || one.matched_path_or_any_parents(&path, is_dir).is_ignore()).then_some(())
        };
        let own = own.iter().map(Spanned::get_ref);
        if own.chain(&self.watch.ignore).any(|pattern| lets_in(pattern, false).is_some())
            || self.watch.also.iter().any(|pattern| lets_in(pattern, true).is_some())
        {
            return None;
        }
        let rule = self.ignored_by(&path, is_dir)?;
        let target = if whole { text.clone() } else { format!("{}/", base.display()) };
        Some(
            Diagnostic::warning("dead-watch", format!("this pattern can never match: the files are ignored by {rule}"))
                .at(glob.span(), format!("{} is ignored", base.display()))
                .help(format!("to watch it in spite of that:  ignore = [\"!{target}\"]")),
        )
    }

    /// The rule of an ignore file that takes the path out, for people: `.gitignore:1 ` and the pattern.
    fn ignored_by(&mut self, path: &Path, is_dir: bool) -> Option<String> {
        if !self.watch.gitignore {
            return None;
        }
        let repository = self.root.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(self.root);
        let (root, top) = (self.root.to_owned(), repository.to_owned());
        // From the file's own folder upwards: the nearest file that says something decides.
        for folder in path.ancestors().skip(1).take_while(|folder| folder.starts_with(&top)) {
            for name in [".ignore", ".gitignore", ".git/info/exclude"] {
                let file = folder.join(name);
                let rules = self.read.entry(file.clone()).or_insert_with(|| rules(folder, &file));
                match rules.matched_path_or_any_parents(path, is_dir) {
                    Match::Ignore(glob) => {
                        let shown_file = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
                        let line = line_of(&file, glob.original()).map(|line| format!(":{line}")).unwrap_or_default();
                        return Some(format!("{shown_file}{line} `{}`", shown(glob.original())));
                    }
                    Match::Whitelist(_) => return None,
                    Match::None => {}
                }
            }
        }
        None
    }
}

fn rules(folder: &Path, file: &Path) -> Gitignore {
    if !file.is_file() {
        return Gitignore::empty();
    }
    let mut builder = GitignoreBuilder::new(folder);
    // A line that is not understood is left out, as git does.
    builder.add(file);
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

fn line_of(file: &Path, pattern: &str) -> Option<usize> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().position(|line| line.trim_end() == pattern).map(|index| index + 1)
}

/// The leading folders of a pattern that stand for themselves, and whether that is all of it.
fn literal_base(text: &str) -> (PathBuf, bool) {
    let is_literal = |part: &&str| !part.contains(['*', '?', '[', '{', '\\']);
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
    let literal: Vec<&str> = parts.iter().copied().take_while(is_literal).collect();
    // Braces may hold slashes: what comes before them is still literal.
    (literal.iter().collect(), literal.len() == parts.len())
}
