//! To the next match, error or run: where the reader goes, and what is said about it.

use std::collections::VecDeque;

use super::super::text;
use super::shown::Shown;
use super::visible_lines::{Found, VisibleLines};
use super::{LineLayout, LogView, last_page, rows_of, start_of_run, text_cells};
use crate::domain::RunId;
use crate::logs::{LevelReader, Line, LineId, Matches, Query, Reader};

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui) enum Jump {
    /// The match that is nearest to where the search was begun: in sight or above, else below.
    Nearest,
    /// The next match, or the one before.
    Hit {
        /// Down, to newer lines.
        forward: bool,
    },
    /// The first match of all, or the last.
    Edge {
        /// The first.
        forward: bool,
    },
    /// The next error, or the one before.
    Error {
        /// Down, to newer lines.
        forward: bool,
    },
    /// The first line of the next run, or of this or the one before.
    Run {
        /// Down, to newer lines.
        forward: bool,
    },
    /// That line.
    Line(LineId),
}

impl Jump {
    /// It goes on from where the one before has led to.
    fn is_step(self) -> bool {
        matches!(self, Self::Hit { .. } | Self::Error { .. } | Self::Run { .. })
    }
}

/// Where a reader is about to go: keys may come faster than frames, and each counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Jumps(VecDeque<Jump>);

impl Jumps {
    /// Steps that wait: more than a key that is held down gives while a long log is searched.
    const LIMIT: usize = 100;

    /// Asks for one more: a step follows those before it, anything else takes their place.
    pub(super) fn ask(&mut self, to: Jump) {
        if !to.is_step() {
            self.0.clear();
        }
        if self.0.len() < Self::LIMIT {
            self.0.push_back(to);
        }
    }

    /// The next one.
    pub(super) fn next(&self) -> Option<Jump> {
        self.0.front().copied()
    }

    /// The next one is done, or cannot be.
    pub(super) fn done(&mut self) {
        self.0.pop_front();
    }

    /// Those that are left.
    pub(super) fn take_all(&mut self) -> VecDeque<Jump> {
        std::mem::take(&mut self.0)
    }

    /// One of them is to an error.
    pub(super) fn want_errors(&self) -> bool {
        self.0.iter().any(|jump| matches!(jump, Jump::Error { .. }))
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Where the reader stood.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    follow: bool,
    line: LineId,
    row: usize,
    seen: LineId,
    bottom: LineId,
    offset: usize,
}

impl LogView {
    /// Goes there with the next frame, or as soon as it is found.
    pub(in crate::tui) fn jump(&mut self, to: Jump) {
        self.jumps.ask(to);
    }

    /// It is about to go to an error.
    pub(in crate::tui) fn wants_errors(&self) -> bool {
        self.jumps.want_errors()
    }

    /// Where it was about to go from here: the search goes on in another log.
    pub(in crate::tui) fn hand_over_jumps(&mut self) -> VecDeque<Jump> {
        self.jumps.take_all()
    }

    /// Where it has gone to is not marked any more.
    pub(in crate::tui) fn forget_jump(&mut self) {
        self.jumps.take_all();
        self.current = None;
    }

    /// A search is begun: where the reader stands now is where matches are looked for, and where a cancelled search
    /// comes back to.
    pub(in crate::tui) fn begin_search(&mut self) {
        let Self { follow, line, row, seen, bottom, offset, .. } = *self;
        self.begun = Some(Stand { follow, line, row, seen, bottom, offset });
    }

    /// The text of the search has changed.
    pub(in crate::tui) fn search_anew(&mut self) {
        self.go_back();
        self.jumps.ask(Jump::Nearest);
    }

    /// The search is over. A cancelled one goes back to where it was begun.
    pub(in crate::tui) fn end_search(&mut self, cancelled: bool) {
        if cancelled {
            self.go_back();
        }
        self.begun = None;
    }

    fn go_back(&mut self) {
        if let Some(Stand { follow, line, row, seen, bottom, offset }) = self.begun {
            (self.follow, self.line, self.row, self.seen, self.bottom) = (follow, line, row, seen, bottom);
            self.offset = offset;
            self.forget_jump();
        }
    }

    /// Goes where it was asked to, step by step. The answer is what is to be said about it.
    pub(super) fn carry_out_all(
        &mut self,
        visible: &mut VisibleLines<'_, '_>,
        found: &Found<'_>,
        layout: &LineLayout,
    ) -> Option<&'static str> {
        let mut said = None;
        let mut left = self.jumps.len();
        while left > 0 && self.leaves.is_none() {
            said = self.carry_out(visible, found, layout).or(said);
            if self.jumps.len() == left {
                break;
            }
            left = self.jumps.len();
        }
        said
    }

    fn carry_out(
        &mut self,
        visible: &mut VisibleLines<'_, '_>,
        found: &Found<'_>,
        layout: &LineLayout,
    ) -> Option<&'static str> {
        let jump = self.jumps.next()?;
        let (matches, nothing, wrapped_up, wrapped_down) = match jump {
            Jump::Nearest | Jump::Hit { .. } | Jump::Edge { .. } => (
                found.search.as_ref().map(|(_, matches)| matches),
                "no match",
                "search wrapped: on from the end",
                "search wrapped: on from the top",
            ),
            Jump::Error { .. } => (
                found.errors.as_ref(),
                "no errors",
                "errors wrapped: on from the end",
                "errors wrapped: on from the top",
            ),
            Jump::Run { forward } => {
                self.jumps.done();
                return self.go_to_run(visible, layout, forward);
            }
            Jump::Line(line) => {
                self.jumps.done();
                let target = visible.from(line.max(visible.first()));
                if target < visible.end() {
                    self.show(visible, layout, (target, 0), false);
                }
                return None;
            }
        };
        let Some(matches) = matches else {
            self.jumps.done();
            return None;
        };
        let (end, first) = (visible.end(), visible.first());
        // Where it goes on from: the last place that was gone to, or else the edge of what is in sight.
        let below = if self.follow { end } else { LineId(self.bottom.0.saturating_add(1)).min(end) };
        let errors = matches!(jump, Jump::Error { .. });
        let roams = found.roams && matches!(jump, Jump::Hit { .. });
        let (target, wrapped) = match jump {
            Jump::Nearest => {
                let above = previous(matches, visible, below, false);
                let below = || next(matches, visible, below, false);
                (above.or_else(|| matches.is_complete().then(below).flatten()), None)
            }
            Jump::Edge { forward: true } => (next(matches, visible, first, false), None),
            Jump::Edge { forward: false } => (previous(matches, visible, end, false), None),
            Jump::Hit { forward: true } | Jump::Error { forward: true } | Jump::Run { .. } | Jump::Line(_) => {
                let from = match self.current {
                    Some(current) => LineId(current.0 + 1),
                    None if self.follow => end,
                    None => self.line,
                };
                match next(matches, visible, from, errors) {
                    Some(target) => (Some(target), None),
                    None if roams => (None, None),
                    None if matches.is_complete() => (next(matches, visible, first, errors), Some(wrapped_down)),
                    None => (None, None),
                }
            }
            Jump::Hit { forward: false } | Jump::Error { forward: false } => {
                match previous(matches, visible, self.current.unwrap_or(below), errors) {
                    Some(target) => (Some(target), None),
                    None if roams => (None, None),
                    None if matches.is_complete() => (previous(matches, visible, end, errors), Some(wrapped_up)),
                    None => (None, None),
                }
            }
        };
        match target {
            Some(target) => {
                self.jumps.done();
                let query = found.search.as_ref().map(|(query, _)| *query);
                let of_search = matches!(jump, Jump::Nearest | Jump::Hit { .. } | Jump::Edge { .. });
                let line = query.filter(|_| of_search).and_then(|query| Some((query, visible.line(target)?)));
                let row = line.as_ref().map_or(0, |(query, line)| row_of_match(line, query, layout));
                self.show(visible, layout, (target, row), jump == Jump::Nearest);
                if let Some((query, line)) = line {
                    self.offset = offset_for(&line.content.text, query, layout, self.offset);
                }
                wrapped
            }
            None if roams && matches.is_complete() => {
                self.jumps.done();
                self.leaves = Some(matches!(jump, Jump::Hit { forward: true }));
                None
            }
            None if matches.is_complete() => {
                self.jumps.done();
                // While it is typed, the border says so.
                (jump != Jump::Nearest).then_some(nothing)
            }
            // Not all lines were read yet: once more with the next slice.
            None => None,
        }
    }

    fn go_to_run(
        &mut self,
        visible: &mut VisibleLines<'_, '_>,
        layout: &LineLayout,
        forward: bool,
    ) -> Option<&'static str> {
        let (first, end) = (visible.first(), visible.end());
        let from = match self.current {
            Some(current) => current,
            None if self.follow => LineId(end.0.saturating_sub(1)),
            None => self.line,
        };
        let line = visible.line(from)?;
        let target = if forward {
            first_of_run(visible, RunId(line.run.0.saturating_add(1)), from, end).filter(|target| *target < end)
        } else {
            let (_, start) = start_of_run(visible.reader, &line);
            if start.max(first) < from {
                Some(start.max(first))
            } else {
                let before = start.0.checked_sub(1).map(LineId).filter(|before| *before >= first);
                let before = before.and_then(|before| visible.line(before));
                before.map(|before| start_of_run(visible.reader, &before).1.max(first))
            }
        };
        let Some(target) = target.map(|target| visible.from(target)).filter(|target| *target < end) else {
            return Some(if forward { "no later run" } else { "no earlier run" });
        };
        self.leave_end(end);
        self.current = Some(target);
        let last = last_page(visible, layout);
        (self.line, self.row) = (target, 0).min(last);
        None
    }

    /// Brings a row of a line into sight. What is in sight already does not move.
    fn show(
        &mut self,
        visible: &mut VisibleLines<'_, '_>,
        layout: &LineLayout,
        (target, row): (LineId, usize),
        may_follow: bool,
    ) {
        let last = last_page(visible, layout);
        if self.follow {
            (self.line, self.row) = last;
        }
        self.current = Some(target);
        let (mut id, mut rows) = (self.line, 0);
        while id < target && rows < layout.height + self.row {
            rows += rows_of(visible, layout, id);
            id = visible.after(id);
        }
        let in_sight = id == target && (self.row..self.row + layout.height).contains(&(rows + row));
        if in_sight && self.follow && may_follow {
            return;
        }
        self.leave_end(visible.end());
        if in_sight {
            return;
        }
        // A third of the pane is above it, or a little more, so that a line begins in the first row.
        (self.line, self.row) = (target, row);
        let third = layout.height / 3;
        self.up(visible, layout, u64::try_from(third).unwrap_or(0), visible.first());
        if self.row + third < layout.height {
            self.row = 0;
        }
        (self.line, self.row) = (self.line, self.row).min(last);
    }

    fn leave_end(&mut self, end: LineId) {
        if self.follow {
            (self.follow, self.seen) = (false, end);
        }
    }
}

/// The row of a line that its first match is in; of one that is not shown, the last.
pub(super) fn row_of_match(line: &Line, query: &Query, layout: &LineLayout) -> usize {
    let Some(place) = query.places(&line.content.text).into_iter().next().filter(|_| layout.wrap) else { return 0 };
    let rows = Shown::new(line, None, 0, layout).rows;
    rows.iter().rposition(|row| row.start <= place.start).unwrap_or(0)
}

/// How much of the left is to be cut off, so that the first match of a line that is cut is in sight. It is so much now.
pub(super) fn offset_for(line: &str, query: &Query, layout: &LineLayout, now: usize) -> usize {
    let Some(place) = query.places(line).into_iter().next() else { return now };
    let cells_to = |end: usize| text::width(line.get(..end).unwrap_or_default());
    let (start, end) = (cells_to(place.start), cells_to(place.end));
    let margin = 2 * text::width(layout.glyphs.ellipsis);
    let cells = text_cells(layout);
    let in_sight = |offset: usize| {
        let left = if offset > 0 { offset + margin } else { 0 };
        start >= left && end + margin <= offset + cells
    };
    // From the left edge if that will do, or else with a third of the pane before it.
    match now {
        now if in_sight(now) => now,
        _ if in_sight(0) => 0,
        _ => start.saturating_sub(cells / 3),
    }
}

/// The first match from that line on that is shown; of the errors in one stack trace, the first.
pub(super) fn next(
    matches: &Matches<'_>,
    visible: &mut VisibleLines<'_, '_>,
    from: LineId,
    errors: bool,
) -> Option<LineId> {
    let mut from = from;
    loop {
        let found = matches.first_from(from)?;
        if visible.shows(found) && !(errors && is_inside_trace(visible.reader, found)) {
            return Some(found);
        }
        from = visible.from(LineId(found.0 + 1));
        if from >= visible.end() {
            return None;
        }
    }
}

/// The last match before that line that is shown; of the errors in one stack trace, the first.
pub(super) fn previous(
    matches: &Matches<'_>,
    visible: &mut VisibleLines<'_, '_>,
    before: LineId,
    errors: bool,
) -> Option<LineId> {
    let mut before = before;
    loop {
        let found = matches.last_before(before)?;
        if visible.shows(found) && !(errors && is_inside_trace(visible.reader, found)) {
            return Some(found);
        }
        before = LineId(visible.before(found)?.0 + 1);
    }
}

/// The line belongs to a stack trace that has begun above it.
pub(in crate::tui) fn is_inside_trace(reader: &mut Reader<'_>, id: LineId) -> bool {
    let above = LevelReader::at(reader, id);
    reader.line(id).is_some_and(|line| above.goes_on_with(&line.content.text))
}

/// The first line from there on that belongs to that run or a later one. Runs are in order.
fn first_of_run(visible: &mut VisibleLines<'_, '_>, run: RunId, from: LineId, end: LineId) -> Option<LineId> {
    let (mut low, mut high) = (from.0, end.0);
    while low < high {
        let middle = low + (high - low) / 2;
        if visible.line(LineId(middle))?.run >= run { high = middle } else { low = middle + 1 }
    }
    Some(LineId(low))
}
