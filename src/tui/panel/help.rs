//! The help: which rows of the key table it shows.

use crossterm::event::KeyEvent;

use super::{Surroundings, stepped};
use crate::tui::action::Action;
use crate::tui::keymap::Key;
use crate::tui::line_edit;
use crate::tui::view::help_last_start;

/// Characters of the filter.
const LONGEST: usize = 100;

/// What is shown of the key table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::tui) struct Help {
    /// Only rows with this text.
    pub(in crate::tui) filter: String,
    /// The first row that is shown.
    pub(in crate::tui) scroll: usize,
}

impl Help {
    /// A key. Whether it was part of the filter.
    pub(super) fn type_key(&mut self, event: KeyEvent) -> bool {
        // With an empty filter, `q` and `?` close, and Ctrl-U scrolls.
        let is_free = self.filter.is_empty() && matches!(Key::from(event).plain_char(), None | Some('q' | '?'));
        let edits = !is_free && line_edit::edit(&mut self.filter, event, LONGEST);
        if edits {
            self.scroll = 0;
        }
        edits
    }

    /// Text is pasted into the filter.
    pub(super) fn type_text(&mut self, text: &str) {
        line_edit::add(&mut self.filter, text, LONGEST);
        self.scroll = 0;
    }

    /// Scrolls the table by lines or pages.
    pub(super) fn act(&mut self, action: Action, around: &Surroundings<'_>) {
        let last = help_last_start(around.screen, around.glyphs, &self.filter);
        self.scroll = stepped(self.scroll, action, last);
    }
}
