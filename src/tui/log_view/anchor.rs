//! Which text the first row in sight begins with, so that it stays there when the lines are laid out anew.

use std::ops::Range;

use super::LineLayout;
use super::shown::{Shown, text_cells};
use crate::logs::{Line, Place};

/// The first row in sight: of which line, and where in it. A pane that is made narrow and wide again, or cut and wrapped,
/// shows what it has shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Anchor {
    place: Place,
    row: usize,
    byte: usize,
    /// Cells of a row, where lines are wrapped, and whether they are folded.
    cells: Option<(usize, bool)>,
}

impl Anchor {
    /// The first row at that place, which was `row` when lines were laid out as they were then.
    pub(super) fn settle(
        &mut self,
        (place, row): (&Place, usize),
        layout: &LineLayout,
        line: impl FnOnce() -> Option<Line>,
    ) -> usize {
        let cells = cells(layout);
        if self.place != *place || self.row != row || self.cells == cells {
            return row;
        }
        self.cells = cells;
        if self.byte > 0 {
            self.row = rows(line(), layout).iter().rposition(|row| row.start <= self.byte).unwrap_or(0);
        }
        self.row
    }

    /// Notes which row is the first now. One that was only laid out anew keeps its text.
    pub(super) fn keep(
        &mut self,
        (place, row): (&Place, usize),
        layout: &LineLayout,
        line: impl FnOnce() -> Option<Line>,
    ) {
        if self.place == *place && self.row == row {
            return;
        }
        let byte = if row == 0 { 0 } else { rows(line(), layout).get(row).map_or(0, |row| row.start) };
        *self = Self { place: place.clone(), row, byte, cells: cells(layout) };
    }
}

fn cells(layout: &LineLayout) -> Option<(usize, bool)> {
    layout.wrap.then(|| (text_cells(layout), layout.folded))
}

fn rows(line: Option<Line>, layout: &LineLayout) -> Vec<Range<usize>> {
    line.map_or_else(Vec::new, |line| Shown::new(&line, None, 0, layout).rows)
}
