//! How the reader of a pane moves: by rows, by pages, and as far as a line needs to be in sight.

use super::viewport::{Mark, Viewport};
use super::{LineLayout, rows_of};
use crate::logs::{LineSource, Place, failure_around};

/// What does not move when the reader goes to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Still {
    /// Nothing: what follows the line is to be in sight.
    Never,
    /// The rows, if the line is among them.
    Rows,
    /// The same, and the end is still followed.
    Following,
}

impl Viewport {
    /// Goes as far as keys and the wheel have asked for.
    pub(super) fn move_to_wanted(&mut self, source: &mut LineSource<'_>, layout: &LineLayout) {
        // Two rows of the page before stay in sight.
        let page = i64::try_from(layout.height.saturating_sub(2).max(1)).unwrap_or(1);
        let wanted = self.rows_wanted.saturating_add(self.pages_wanted.saturating_mul(page));
        (self.rows_wanted, self.pages_wanted) = (0, 0);
        if wanted != 0 {
            self.current = None;
        }
        if wanted < 0 {
            self.leave_end(source, layout);
        }
        if self.stand.follow {
            return self.stand_at_end(source, layout);
        }
        if self.stand.seen.is_none() {
            source.go_to_end();
            self.stand.seen = Some(source.place());
        }
        self.stay_inside(source, layout);
        let rows = usize::try_from(wanted.unsigned_abs()).unwrap_or(usize::MAX);
        match wanted {
            ..0 => self.up(source, layout, rows),
            0 => {}
            1.. => {
                self.down(source, layout, rows);
                if self.rows_from(source, layout) <= layout.height {
                    self.stand.follow = true;
                    self.stand_at_end(source, layout);
                }
            }
        }
    }

    /// The first line in sight may have been dropped, taken back or hidden, or its row is not there in this width.
    fn stay_inside(&mut self, source: &mut LineSource<'_>, layout: &LineLayout) {
        source.go_to(&self.stand.place);
        match source.peek() {
            Some((lane, id)) if id == self.stand.place.of(lane) => {
                self.stand.row = self.stand.row.min(rows_of(source, (lane, id), layout).saturating_sub(1));
            }
            _ => self.stand.row = 0,
        }
        self.stand.place = source.place();
        self.fill(source, layout);
    }

    /// What is left below the first row fills the pane.
    pub(super) fn fill(&mut self, source: &mut LineSource<'_>, layout: &LineLayout) {
        if self.rows_from(source, layout) < layout.height {
            self.stand_on_last_page(source, layout);
        }
    }

    pub(super) fn up(&mut self, source: &mut LineSource<'_>, layout: &LineLayout, rows: usize) {
        source.go_to(&self.stand.place);
        let mut left = rows;
        while left > self.stand.row {
            let Some(line) = source.back() else {
                left = self.stand.row;
                break;
            };
            left -= self.stand.row;
            self.stand.row = rows_of(source, line, layout);
        }
        self.stand.row -= left;
        self.stand.place = source.place();
    }

    fn down(&mut self, source: &mut LineSource<'_>, layout: &LineLayout, rows: usize) {
        source.go_to(&self.stand.place);
        let mut left = rows;
        loop {
            self.stand.place = source.place();
            let Some(line) = source.forward() else { return };
            let rest = rows_of(source, line, layout).saturating_sub(self.stand.row);
            if left < rest {
                self.stand.row += left;
                return;
            }
            left -= rest;
            self.stand.row = 0;
        }
    }

    /// Stands where the end is in sight, and stays there.
    pub(super) fn leave_end(&mut self, source: &mut LineSource<'_>, layout: &LineLayout) {
        if self.stand.follow {
            source.go_to_end();
            self.stand.seen = Some(source.place());
            self.stand_on_last_page(source, layout);
            self.stand.follow = false;
        }
    }

    /// The rest of the lines just fills the pane.
    pub(super) fn stand_on_last_page(&mut self, source: &mut LineSource<'_>, layout: &LineLayout) {
        source.go_to_end();
        let mut rows = 0;
        while rows < layout.height
            && let Some(line) = source.back()
        {
            rows += rows_of(source, line, layout);
        }
        (self.stand.place, self.stand.row) = (source.place(), rows.saturating_sub(layout.height));
    }

    /// What is shown at the end: the last page. Whoever types sees a screen that was cleared as the service does, from its
    /// top.
    fn stand_at_end(&mut self, source: &mut LineSource<'_>, layout: &LineLayout) {
        self.stand_on_last_page(source, layout);
        source.go_to_end();
        // If the reader stops following now, lines after this frame count as new.
        self.stand.seen = Some(source.place());
        if layout.typed
            && let [lane] = source.lanes.as_slice()
            && let Some(cleared) = lane.lines.cleared()
            && (cleared, 0) > (self.stand.place.of(0), self.stand.row)
        {
            (self.stand.place, self.stand.row) = (Place::from_iter([cleared]), 0);
        }
    }

    /// Rows from the first one in sight to the end, counted no further than is needed.
    fn rows_from(&self, source: &mut LineSource<'_>, layout: &LineLayout) -> usize {
        source.go_to(&self.stand.place);
        let mut rows = 0_usize;
        while rows <= layout.height + self.stand.row
            && let Some(line) = source.forward()
        {
            rows += rows_of(source, line, layout);
        }
        rows.saturating_sub(self.stand.row)
    }

    /// The mark goes up or down.
    pub(super) fn step_to_wanted(&mut self, source: &mut LineSource<'_>, layout: &LineLayout) {
        let wanted = std::mem::take(&mut self.lines_wanted);
        let Some(from) = self.current.clone().or(self.last.clone()).filter(|_| wanted != 0) else { return };
        if wanted > 0 && self.current.is_none() && !self.stand.follow {
            // Nothing is marked yet: down begins at the top of what is in sight, as up does at its bottom.
            source.go_to(&self.stand.place);
        } else {
            self.leave_end(source, layout);
            source.go_to(&from.place);
            if wanted > 0 {
                // Over the line of the mark itself.
                source.forward();
            }
        }
        let mut mark = from;
        for _ in 0..wanted.unsigned_abs() {
            let before = source.place();
            let moved = if wanted < 0 { source.back() } else { source.forward() };
            let Some((lane, id)) = moved else { break };
            mark = Mark { lane, id, place: if wanted < 0 { source.place() } else { before }, is_error: false };
        }
        self.bring_into_sight(source, layout, &mark.place);
        self.current = Some(mark);
    }

    /// Shows the line that was asked for, unless the end is followed.
    pub(super) fn show_revealed(&mut self, source: &mut LineSource<'_>, layout: &LineLayout) {
        if let Some(number) = self.revealed.take().filter(|_| !self.stand.follow) {
            source.go_to(&self.stand.place);
            source.go_to_number(number);
            let place = source.place();
            self.bring_into_sight(source, layout, &place);
        }
    }

    /// The line that was gone to is in sight, also where it was among others before.
    pub(super) fn show_mark(&mut self, source: &mut LineSource<'_>, layout: &LineLayout) {
        if let Some(mark) = self.current.clone() {
            self.show(source, layout, (mark, 0), Still::Rows);
        }
    }

    /// Moves as little as is needed for the line after a place to be in sight as a whole.
    fn bring_into_sight(&mut self, source: &mut LineSource<'_>, layout: &LineLayout, place: &Place) {
        source.go_to(&self.stand.place);
        let first = source.number();
        source.go_to(place);
        if source.number() <= first {
            (self.stand.place, self.stand.row) = (source.place(), 0);
            return;
        }
        let mut rows = source.peek().map_or(1, |line| rows_of(source, line, layout));
        while source.number() > first
            && rows < layout.height
            && let Some(line) = source.back()
        {
            rows += rows_of(source, line, layout);
        }
        if source.number() > first || rows.saturating_sub(self.stand.row) > layout.height {
            (self.stand.place, self.stand.row) = (source.place(), rows.saturating_sub(layout.height));
        }
    }

    /// Goes to a row of a line.
    pub(super) fn show(
        &mut self,
        source: &mut LineSource<'_>,
        layout: &LineLayout,
        (mark, row): (Mark, usize),
        still: Still,
    ) {
        let stays = still != Still::Never && self.is_in_sight(source, layout, (&mark.place, row));
        let place = mark.place.clone();
        let failure = if mark.is_error && !stays { rows_of_failure(source, layout, &mark) } else { 1 };
        self.current = Some(mark);
        if stays && still == Still::Following && self.stand.follow {
            return;
        }
        self.leave_end(source, layout);
        if stays {
            return;
        }
        // A third of the pane is above it, or a little more, so that a line begins in the first row. A trace that needs the
        // room below has it: its last line says most.
        (self.stand.place, self.stand.row) = (place, row);
        let above = (layout.height / 3).min(layout.height.saturating_sub(failure));
        self.up(source, layout, above);
        if self.stand.row + above + failure <= layout.height {
            self.stand.row = 0;
        }
        self.fill(source, layout);
    }

    /// A row of the line behind a place is in sight.
    fn is_in_sight(&mut self, source: &mut LineSource<'_>, layout: &LineLayout, (place, row): (&Place, usize)) -> bool {
        if self.stand.follow {
            self.stand_on_last_page(source, layout);
        }
        source.go_to(place);
        let target = source.number();
        source.go_to(&self.stand.place);
        let mut rows = 0;
        while source.number() < target
            && rows < layout.height + self.stand.row
            && let Some(line) = source.forward()
        {
            rows += rows_of(source, line, layout);
        }
        source.number() == target && (self.stand.row..self.stand.row + layout.height).contains(&(rows + row))
    }
}

/// The rows of the failure that begins with this line, as far as there are rows in the pane.
fn rows_of_failure(source: &mut LineSource<'_>, layout: &LineLayout, mark: &Mark) -> usize {
    let lane = source.lanes.get_mut(mark.lane);
    let Some((_, last)) = lane.and_then(|lane| failure_around(lane.lines.reader(), mark.id)) else { return 1 };
    source.go_to(&mark.place);
    let mut rows = 0;
    while rows < layout.height
        && let Some((lane, id)) = source.forward()
        && (lane != mark.lane || id <= last)
    {
        rows += rows_of(source, (lane, id), layout);
    }
    rows
}
