//! What the footer says of the line that the reader has gone to, and of errors that are out of sight.

use std::path::Path;
use std::sync::Arc;

use super::{Member, UiState};
use crate::domain::{GroupSnapshot, ServiceName, visible_path};
use crate::logs::{LineId, Scan};
use crate::tui::text::{cut_left, thousands};

/// Cells of the place that an editor opens.
const PLACE: usize = 24;

/// A line that the reader has gone to, and the place in a file that an editor opens for it.
#[derive(Debug, Default)]
pub(in crate::tui) struct Opens {
    line: Option<(ServiceName, LineId)>,
    place: Option<String>,
    /// Lines of the error that it is a part of, which a copy takes.
    pub(in crate::tui) copies: Option<u64>,
}

impl Opens {
    /// The reader has gone to that line, or to none. The answer is whether it is another one: then it is to be found out.
    pub(in crate::tui) fn go_to(&mut self, line: Option<(ServiceName, LineId)>) -> bool {
        let is_other = self.line != line;
        if is_other {
            *self = Self { line, ..Self::default() };
        }
        is_other && self.line.is_some()
    }

    /// What an editor opens for that line was found out.
    pub(in crate::tui) fn found(&mut self, line: &(ServiceName, LineId), path: &Path, number: u64) {
        if self.line.as_ref() == Some(line) {
            let name = path.file_name().map(visible_path).unwrap_or_default();
            self.place = Some(format!("{name}:{number}"));
        }
    }
}

impl UiState {
    /// What an editor opens: the place that the line names, or else the log.
    pub(in crate::tui) fn what_opens(&self) -> String {
        let place = self.opens.place.as_ref();
        place.map_or_else(|| "log".to_owned(), |place| cut_left(place, PLACE, self.glyphs.ellipsis))
    }

    /// What a copy takes of the error that the reader has gone to: `copy error (9 lines)`.
    pub(in crate::tui) fn what_is_copied(&self) -> String {
        match self.opens.copies {
            Some(lines @ 2..) => format!("copy error ({} lines)", thousands(lines)),
            _ => "copy error".to_owned(),
        }
    }

    /// The reader of the lines that keys mean has gone to an error.
    pub(in crate::tui) fn is_at_error(&self, snapshot: &GroupSnapshot) -> bool {
        let viewport = self.source(snapshot).and_then(|source| self.viewports.get(&source));
        viewport.is_some_and(|viewport| viewport.is_at_error())
    }

    /// Looks for an error in the log that keys mean. The answer is whether what is known of it has changed.
    pub(in crate::tui) fn look_for_errors(
        &mut self,
        members: &[Member],
        snapshot: &GroupSnapshot,
        behind: &mut Vec<Arc<Scan>>,
    ) -> bool {
        let selected = self.selected_name(snapshot);
        let Some(member) = members.iter().find(|(name, _)| Some(name) == selected.as_ref()) else { return false };
        let end = member.1.read().end();
        let floor = self.log(&member.0).floor(&member.0, end);
        self.known_errors.look(member, floor, behind)
    }

    /// Nobody has looked for errors in the log that keys mean.
    pub(in crate::tui) fn must_look_for_errors(&self, snapshot: &GroupSnapshot) -> bool {
        self.selected_name(snapshot).is_some_and(|name| !self.known_errors.is_about(&name))
    }
}
