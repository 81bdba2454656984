//! Links on the screen: which cells lead where. The terminal is told by OSC 8, with an id by which it knows the parts of a
//! link that goes on in the next row.

use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;

use ratatui::layout::Rect;

use super::log_view::PaneText;

/// A link in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    row: u16,
    columns: Range<u16>,
    /// The same for all parts of a link.
    id: String,
    /// Where it leads; see [`crate::logs::link_target`].
    target: Arc<str>,
}

/// All links on the screen. A cell is part of one if it says so too: what covers a pane covers its links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Links(Vec<Link>);

impl Links {
    /// Adds those of a pane.
    pub(super) fn add(&mut self, area: Rect, text: &PaneText) {
        for link in &text.links {
            let column = |place: usize| u16::try_from(place).map_or(area.right(), |place| area.x.saturating_add(place));
            let row = u16::try_from(link.row).ok().and_then(|row| area.y.checked_add(row));
            let Some(row) = row.filter(|row| *row < area.bottom()) else { continue };
            let columns = column(link.columns.start)..column(link.columns.end).min(area.right());
            let id = format!("{}.{}", link.begins.0.0, link.begins.1);
            self.0.push(Link { row, columns, id, target: Arc::clone(&link.target) });
        }
    }

    /// The one in a cell.
    pub(super) fn at(&self, column: u16, row: u16) -> Option<&Link> {
        self.0.iter().find(|link| link.row == row && link.columns.contains(&column))
    }
}

impl Link {
    /// They are parts of one link.
    pub(super) fn is_one_with(&self, other: &Self) -> bool {
        (&self.id, &self.target) == (&other.id, &other.target)
    }

    /// What is written from here on is part of the link.
    pub(super) fn begin(&self, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = write!(out, "\x1b]8;id={};{}\x1b\\", self.id, self.target);
    }
}

/// What is written from here on is part of no link.
pub(super) const END: &str = "\x1b]8;;\x1b\\";
