//! `procgroup.toml` was saved while all changes are held: what it says is held as well, and carried out once when the last
//! hold of all services ends. A hold of some services does not keep it: it is the file of all.

use std::sync::Arc;

use crate::domain::{FactKind, GroupSpec, Moment, Notice};

use super::turn::Turn;
use super::{Engine, view};

/// What there is to say of a file that was discarded.
const DISCARDED: &str = "its change was discarded with the held changes · save it again to apply it";

impl Engine {
    /// The file was written. Git may have done that: it holds then, before anybody has read the file.
    pub(super) fn file_written(&mut self, at: Moment, turn: &mut Turn) {
        if turn.stopping {
            return;
        }
        self.file_unread = Some(at);
        let file = view::file(&self.spec);
        let touched = self.git.touched_path(&file, at.min(turn.now), true, (self.spec.watch.git_hold, turn.now));
        self.hold_for_git(touched, turn);
    }

    /// The file was written, and what it says is still to come, soon and by itself.
    pub(super) fn file_is_unread(&self) -> bool {
        self.file_unread.is_some() || self.held_file.is_some() && !self.changes.holds().are_asked_for_all()
    }

    /// The file was read again, and is valid.
    pub(super) fn file_read(&mut self, spec: Arc<GroupSpec>, files: &Arc<str>, turn: &mut Turn) {
        self.file_problem = None;
        // That git does not hold counts at once, where nobody else does.
        let ends_hold = !spec.watch.git_hold && !self.changes.holds().are_asked_for_all();
        if turn.stopping || ends_hold || !self.changes.holds().cover_all() {
            self.held_file = None;
            return self.reload(spec, files, turn);
        }
        let was_held = self.held_file.is_some();
        // Back at what is in force: nothing is left to be carried out.
        self.held_file = Some((spec, Arc::clone(files))).filter(|(spec, _)| *spec != self.spec);
        if self.held_file.is_some() && !was_held {
            let summary = format!("{files} changed · held, like all changes, until watching resumes").into();
            turn.tell(FactKind::Notice(Notice { at: turn.now, problem: false, summary, detail: "".into() }));
        }
    }

    /// Nothing holds all changes any more: what the file says is carried out.
    pub(super) fn apply_held_file(&mut self, turn: &mut Turn) {
        if self.changes.holds().cover_all() {
            return;
        }
        if let Some((spec, files)) = self.held_file.take().filter(|_| !turn.stopping) {
            self.reload(spec, &files, turn);
        }
    }

    /// Who discards what was held discards the file as well, unless somebody else has asked for it to be held. Until it is
    /// saved again, what is in force is not what it says.
    pub(super) fn discard_file(&mut self) {
        if !self.changes.holds().are_asked_for_all() && self.held_file.take().is_some() {
            self.file_problem = Some(DISCARDED.into());
        }
    }
}
