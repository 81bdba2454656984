//! What the watcher does not see whatever the rules say: links are not followed, and a folder that cannot be read has no
//! watch. Where a walk begins, a link is followed: that folder the user has named.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Rules, below};
use crate::domain::{Explanation, PathVerdict, Rule, RuleSource, StepOutcome, WhyStep, path_text};

/// Why nothing is seen of a path: the first folder on the way to it that keeps the watcher out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unseen {
    /// It is a link.
    Link(PathBuf),
    /// It cannot be read.
    Unreadable(PathBuf, std::io::ErrorKind),
}

impl Rules {
    /// Whether something is not seen that is in this folder, or would be.
    pub(super) fn unseen_in(&self, folder: &Path) -> Option<Unseen> {
        let start = self.start_of(folder);
        let mut here = start.clone();
        let mut names = below(folder, &start)?.components();
        loop {
            if here != start && fs::symlink_metadata(&here).is_ok_and(|found| found.is_symlink()) {
                return Some(Unseen::Link(here));
            }
            // As whoever asks may read it: that is the user whose group it is.
            match fs::read_dir(&here) {
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                    return Some(Unseen::Unreadable(here, error.kind()));
                }
                _ => here.push(names.next()?),
            }
        }
    }

    /// What a link leads to, as it can be written in a pattern: relative to the root if it is below it. `None` if it leads
    /// nowhere.
    pub(super) fn target_of(&self, link: &Path) -> Option<String> {
        let target = fs::canonicalize(link).ok()?;
        let root = fs::canonicalize(&self.root).ok()?;
        let shown = below(&target, &root).filter(|rest| !rest.as_os_str().is_empty()).unwrap_or(&target);
        Some(path_text(shown).into_owned())
    }

    /// Adds to an explanation what the watcher does not see. Who would be told of a change is not, then.
    pub(super) fn add_unseen(&self, path: &Path, is_dir: bool, explanation: &mut Explanation) {
        let instead = |link: &Path| self.target_of(link).map(|target| format!(": watch its target, {target}"));
        if !is_dir && fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
            let instead = instead(path).unwrap_or_default();
            let note = format!("it is a symbolic link: only a change of the link itself counts{instead}");
            explanation.notes.push(note);
        }
        let folder = if is_dir { Some(path) } else { path.parent() };
        let Some(unseen) = folder.and_then(|folder| self.unseen_in(folder)) else { return };
        let (at, sort, note) = match unseen {
            Unseen::Link(link) => {
                let instead = instead(&link).unwrap_or_default();
                let note = format!("{} is a symbolic link, and links are not followed{instead}", self.shown(&link));
                (link, "links are not followed", note)
            }
            Unseen::Unreadable(folder, kind) => {
                let note = format!("{} cannot be read, so nothing in it is watched: {kind}", self.shown(&folder));
                (folder, "an unreadable folder is not watched", note)
            }
        };
        explanation.notes.push(note);
        if explanation.verdict != PathVerdict::Watched {
            return;
        }
        let rule = Rule { source: RuleSource::BuiltIn(sort), line: None, file: None, pattern: self.shown(&at) };
        explanation.verdict = PathVerdict::Ignored;
        explanation.rule = Some(rule.clone());
        explanation.services.clear();
        explanation.effect.clear();
        // What the others would say does not matter.
        explanation.chain = vec![WhyStep {
            source: "built-in".into(),
            outcome: StepOutcome::Ignores,
            rule: Some(rule),
            about: (at != path).then(|| format!("{}/", self.shown(&at)).into()),
        }];
    }
}
