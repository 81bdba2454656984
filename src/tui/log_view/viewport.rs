//! Where the reader of a pane stands among its lines, and what of them the next frame shows.
//!
//! While the reader follows, the end is shown. Otherwise the first row is anchored to lines by their numbers, one of each
//! service of the pane, so that nothing moves while output arrives and old lines are dropped.

use std::collections::HashMap;

use super::anchor::Anchor;
use super::jump::{Jump, Jumps};
use super::shown::full_screen;
use super::{Frame, LINE_LIMIT, LineLayout, MatchCount, PaneText, line_at};
use crate::domain::{PaneView, ServiceName};
use crate::logs::{Failures, LineId, LineSource, Place, ScreenRows};

/// A line that the reader has gone to.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) lane: usize,
    pub(super) id: LineId,
    /// Right before it.
    pub(super) place: Place,
    /// It was gone to because it tells of an error.
    pub(super) is_error: bool,
}

impl Mark {
    pub(super) fn new(source: &mut LineSource<'_>, (lane, id): (usize, LineId)) -> Self {
        source.go_to_line(lane, id);
        Self { lane, id, place: source.place(), is_error: false }
    }

    /// Right behind it.
    pub(super) fn behind(&self) -> Place {
        self.place.clone().with(self.lane, LineId(self.id.0.saturating_add(1)))
    }
}

/// Where the reader stands.
#[derive(Clone, Debug)]
pub(super) struct Stand {
    pub(super) follow: bool,
    /// The place before the first line in sight, and which of its rows is the first.
    pub(super) place: Place,
    pub(super) row: usize,
    /// Lines from there on are new; nothing until the next frame says what was the end.
    pub(super) seen: Option<Place>,
    /// The place after the last line in sight.
    pub(super) bottom: Place,
    /// Cells that are cut off on the left of each line, unless it is wrapped.
    pub(super) offset: usize,
}

impl Default for Stand {
    fn default() -> Self {
        let (place, bottom) = (Place::default(), Place::default());
        Self { follow: true, place, row: 0, seen: None, bottom, offset: 0 }
    }
}

/// Where the reader of a pane stands. It begins at the end, and follows it.
#[derive(Debug, Default)]
pub(in crate::tui) struct Viewport {
    /// Whose lines these are, lane by lane, as of the last frame.
    pub(super) names: Vec<ServiceName>,
    pub(super) stand: Stand,
    anchor: Anchor,
    /// Where the search that is being typed was begun.
    begun: Option<Stand>,
    /// What keys and the wheel have asked for since the last frame; up is negative.
    pub(super) rows_wanted: i64,
    pub(super) pages_wanted: i64,
    /// The mark moves by so many lines.
    pub(super) lines_wanted: i64,
    /// The next frame shows the line with this number.
    pub(super) revealed: Option<LineId>,
    /// Lines were filtered in the last frame.
    was_filtered: bool,
    /// Where the next frame goes to.
    pub(super) jumps: Jumps,
    /// Where the last jump has gone, while the reader has not moved otherwise.
    pub(super) current: Option<Mark>,
    /// The last line in sight.
    pub(super) last: Option<Mark>,
    /// The search has left this log: down, or up.
    pub(super) leaves: Option<bool>,
    /// Where failures begin, lane by lane, while the reader stands at one.
    pub(super) failures: Vec<Failures>,
    /// Which one that is and of how many, as it was known last, and of which mark.
    pub(super) known_count: Option<((usize, LineId), MatchCount)>,
    /// Lines before these were cleared away.
    floors: HashMap<ServiceName, LineId>,
    /// Those that there are at the next frame will be.
    clear: bool,
}

impl Viewport {
    /// The line that the reader has gone to: whose it is, and its number there.
    pub(in crate::tui) fn marked(&self) -> Option<(&ServiceName, LineId)> {
        let mark = self.current.as_ref()?;
        Some((self.names.get(mark.lane)?, mark.id))
    }

    /// To the end, and stay there.
    pub(in crate::tui) fn follow(&mut self) {
        self.stand.follow = true;
        self.stand.offset = 0;
        self.forget_moves();
    }

    /// Away with all lines that there are now; [`Viewport::top`] shows them again.
    pub(in crate::tui) fn clear(&mut self) {
        self.clear = true;
        self.follow();
    }

    /// It follows the end, and has gone to no line.
    pub(in crate::tui) fn is_at_end(&self) -> bool {
        self.stand.follow && self.current.is_none()
    }

    /// Stays with what is in sight.
    pub(in crate::tui) fn stop_following(&mut self) {
        self.stand.follow = false;
    }

    /// With the end again, and nothing else is forgotten.
    pub(in crate::tui) fn follow_on(&mut self) {
        self.stand.follow = true;
    }

    /// The next frame shows the line with that number, and moves no further than it must.
    pub(in crate::tui) fn reveal(&mut self, number: LineId) {
        self.stop_following();
        self.revealed = Some(number);
    }

    /// To the oldest line.
    pub(in crate::tui) fn top(&mut self) {
        self.stop_following();
        self.forget_moves();
        (self.stand.place, self.stand.row, self.stand.offset) = (Place::default(), 0, 0);
        self.floors.clear();
        self.clear = false;
    }

    fn forget_moves(&mut self) {
        (self.rows_wanted, self.pages_wanted, self.lines_wanted) = (0, 0, 0);
        self.forget_jump();
    }

    /// By so many rows; up is negative.
    pub(in crate::tui) fn scroll(&mut self, rows: i64) {
        self.rows_wanted = self.rows_wanted.saturating_add(rows);
    }

    /// By so many pages; up is negative.
    pub(in crate::tui) fn page(&mut self, pages: i64) {
        self.pages_wanted = self.pages_wanted.saturating_add(pages);
    }

    /// The mark goes so many lines down; up is negative.
    pub(in crate::tui) fn step(&mut self, lines: i64) {
        self.lines_wanted = self.lines_wanted.saturating_add(lines);
    }

    /// By so many cells, where lines are cut; left is negative.
    pub(in crate::tui) fn sideways(&mut self, cells: isize) {
        self.stand.offset = self.stand.offset.saturating_add_signed(cells).min(LINE_LIMIT);
    }

    /// Goes there with the next frame, or as soon as it is found.
    pub(in crate::tui) fn jump(&mut self, to: Jump) {
        self.jumps.ask(to);
    }

    /// It is about to go to an error, or has gone to one.
    pub(in crate::tui) fn wants_errors(&self) -> bool {
        self.jumps.want_errors() || self.is_at_error()
    }

    /// It has gone to an error.
    pub(in crate::tui) fn is_at_error(&self) -> bool {
        self.current.as_ref().is_some_and(|mark| mark.is_error)
    }

    /// It has not gone yet where it was asked to go.
    pub(in crate::tui) fn is_on_its_way(&self) -> bool {
        self.jumps.len() > 0
    }

    /// Where it was about to go from here: the search goes on in another log.
    pub(in crate::tui) fn hand_over_jumps(&mut self) -> impl Iterator<Item = Jump> + use<> {
        self.jumps.take_all().into_iter()
    }

    /// Where it has gone to is not marked any more.
    pub(in crate::tui) fn forget_jump(&mut self) {
        self.jumps.take_all();
        self.current = None;
    }

    /// The search that may have led to the right of a long line is over: lines begin at the left edge.
    pub(in crate::tui) fn leave_matches(&mut self) {
        self.forget_jump();
        self.stand.offset = 0;
    }

    /// It follows the end again, if it has gone to a line.
    pub(in crate::tui) fn leave_mark(&mut self) {
        if self.current.is_some() {
            self.follow();
        }
    }

    /// A search is begun: where the reader stands now is where matches are looked for, and where a cancelled search
    /// comes back to.
    pub(in crate::tui) fn begin_search(&mut self) {
        self.begun = Some(self.stand.clone());
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
        if let Some(stand) = &self.begun {
            self.stand = stand.clone();
            self.forget_jump();
        }
    }

    /// The line that was gone to, or else the first in sight; nothing for the end.
    pub(in crate::tui) fn marked_or_first(&self) -> Option<(&ServiceName, LineId)> {
        match &self.current {
            Some(mark) => Some((self.names.get(mark.lane)?, mark.id)),
            None if self.stand.follow => None,
            None => Some((self.names.first()?, self.stand.place.of(0))),
        }
    }

    /// The line that was gone to, or else the last in sight.
    pub(in crate::tui) fn marked_or_last(&self) -> Option<(&ServiceName, LineId)> {
        let mark = self.current.as_ref().or(self.last.as_ref())?;
        Some((self.names.get(mark.lane)?, mark.id))
    }

    /// Lines of a service before this one were cleared away. `end` is where it ends now.
    pub(in crate::tui) fn floor(&mut self, name: &ServiceName, end: LineId) -> LineId {
        if self.clear {
            self.floors.insert(name.clone(), end);
        }
        self.floors.get(name).copied().unwrap_or_default()
    }

    /// The place before the first line in sight.
    pub(in crate::tui) fn place(&self) -> &Place {
        &self.stand.place
    }

    /// Carries out what was asked for, and takes the rows that are to be seen. The documents are locked meanwhile.
    pub(in crate::tui) fn take(&mut self, source: &mut LineSource<'_>, frame: &Frame<'_>) -> PaneText {
        let layout = &frame.layout;
        if let Some(terminal) = self.terminal(source, layout) {
            // The next frame with lines says what was the end.
            self.stand.seen = None;
            return self.of_terminal(source, frame, &terminal);
        }
        self.clear = false;
        self.align(source, frame.names);
        if layout.typed {
            source.lanes.iter_mut().for_each(|lane| lane.lines.include_cursor());
        }
        let followed = self.stand.follow;
        if !followed {
            let at = (&self.stand.place, self.stand.row);
            self.stand.row = self.anchor.settle(at, layout, || line_at(source, at.0));
        }
        let moves = [self.rows_wanted, self.pages_wanted, self.lines_wanted] != [0; 3]
            || self.jumps.len() > 0
            || self.revealed.is_some();
        // A filter may hide the lines that the reader is at: without it, they are there again.
        let kept = source.is_filtered() && !followed && !moves;
        let kept = kept.then(|| (self.stand.place.clone(), self.stand.row));
        self.move_to_wanted(source, layout);
        self.step_to_wanted(source, layout);
        self.show_revealed(source, layout);
        if std::mem::replace(&mut self.was_filtered, source.is_filtered()) && !source.is_filtered() && !moves {
            self.show_mark(source, layout);
        }
        let notice = self.carry_out_all(source, frame);
        if self.stand.follow
            && !followed
            && let Some(terminal) = self.terminal(source, layout)
        {
            // It is what stands at the end.
            return self.of_terminal(source, frame, &terminal);
        }
        let version = version(source);
        let (follow, leaves) = (self.stand.follow, self.leaves.take());
        let mut text = PaneText { follow, notice, leaves, version, ..PaneText::default() };
        self.draw(source, frame, &mut text);
        if let Some(kept) = kept.filter(|_| !follow) {
            (self.stand.place, self.stand.row) = kept;
        }
        if !follow {
            let at = (&self.stand.place, self.stand.row);
            self.anchor.keep(at, layout, || line_at(source, at.0));
        }
        text.cleared = !self.floors.is_empty();
        text.new = self.count_new(source);
        text.seen = self.seen(source);
        text.match_count = self.match_count(source);
        text.error_count = self.error_count(source);
        let shares = source.lanes.iter().filter_map(|lane| lane.lines.share());
        text.share = shares.reduce(|all, one| (all.0 + one.0, all.1 + one.1));
        text
    }

    /// The terminal instead of the log, if that is to be shown and nobody reads the log.
    fn terminal(&mut self, source: &mut LineSource<'_>, layout: &LineLayout) -> Option<ScreenRows> {
        let lane = source.lanes.first_mut()?;
        let at_end = self.stand.follow && lane.search.is_none() && !lane.lines.is_filtered();
        let terminal = match layout.view {
            _ if !at_end && !layout.typed => None,
            PaneView::Screen => Some(lane.lines.reader().terminal()),
            PaneView::Log if !layout.typed => None,
            PaneView::Auto | PaneView::Log => lane.lines.reader().screen(),
        }?;
        let goes_up = self.rows_wanted < 0 || self.pages_wanted < 0;
        // Up from the terminal is the end of the log; further down is nothing.
        (self.rows_wanted, self.pages_wanted) = (-i64::from(goes_up), 0);
        let leaves = goes_up || self.jumps.len() > 0 || self.revealed.is_some();
        (layout.typed || !leaves).then_some(terminal)
    }

    fn of_terminal(&self, source: &mut LineSource<'_>, frame: &Frame<'_>, terminal: &ScreenRows) -> PaneText {
        let ends = source.lanes.iter_mut().map(|lane| lane.lines.reader().end());
        let seen = frame.names.iter().cloned().zip(ends).collect();
        let version = version(source);
        // It is the terminal of the only one.
        let Some(lane) = source.lanes.first_mut() else { return PaneText::default() };
        PaneText { version, seen, ..full_screen(terminal, lane.lines.reader(), &frame.layout) }
    }

    /// Services may have come and gone since the last frame, or were hidden and shown. One that was not there stands
    /// where the others have come.
    fn align(&mut self, source: &mut LineSource<'_>, names: &[ServiceName]) {
        if self.names == names {
            return;
        }
        let old = std::mem::replace(&mut self.names, names.to_vec());
        let known = |place: &Place, name| Some(place.of(old.iter().position(|known| known == name)?));
        for stand in [Some(&mut self.stand), self.begun.as_mut()].into_iter().flatten() {
            let first = names.iter().zip(&mut source.lanes).filter_map(|(name, lane)| {
                let id = lane.lines.from(known(&stand.place, name)?.max(lane.lines.first()));
                lane.lines.line(id).map(|line| line.at)
            });
            let first = first.min();
            let places =
                names.iter().zip(&mut source.lanes).map(|(name, lane)| match (known(&stand.place, name), first) {
                    (Some(line), _) => line,
                    (None, Some(at)) => lane.lines.reader().line_after(at),
                    // Nothing was shown so far.
                    (None, None) if old.is_empty() => LineId(0),
                    (None, None) => lane.lines.end(),
                });
            stand.place = places.collect();
            let or_end = |place: &Place| {
                let lines = names.iter().zip(&source.lanes);
                lines.map(|(name, lane)| known(place, name).unwrap_or(lane.lines.end())).collect()
            };
            (stand.seen, stand.bottom) = (stand.seen.as_ref().map(or_end), or_end(&stand.bottom));
        }
        (self.current, self.last) = (None, None);
        self.failures.clear();
    }

    /// Lines below what is in sight that have come since the reader left the end.
    fn count_new(&self, source: &LineSource<'_>) -> u64 {
        let Some(seen) = self.stand.seen.as_ref().filter(|_| !self.stand.follow) else { return 0 };
        let lanes = source.lanes.iter().enumerate();
        lanes.map(|(index, lane)| lane.lines.count_from(seen.of(index).max(self.stand.bottom.of(index)))).sum()
    }

    /// Lines of each service before that one are in sight, or above what is.
    fn seen(&self, source: &mut LineSource<'_>) -> Vec<(ServiceName, LineId)> {
        let seen = source.lanes.iter_mut().enumerate().map(|(index, lane)| match lane.lines.reader().end() {
            end if self.stand.follow => end,
            end => self.stand.bottom.of(index).min(end),
        });
        self.names.iter().cloned().zip(seen).collect()
    }

    fn match_count(&self, source: &LineSource<'_>) -> Option<MatchCount> {
        let mut match_count = MatchCount { place: None, count: 0, complete: true };
        let mut rank = 0;
        for (index, lane) in source.lanes.iter().enumerate() {
            let matches = lane.search.as_ref()?;
            match_count.count += lane.lines.count(matches);
            match_count.complete &= matches.is_complete() && lane.lines.is_complete();
            if let Some(mark) = &self.current {
                rank += lane.lines.rank(matches, mark.place.of(index));
                if mark.lane == index && matches.contains(mark.id) && lane.lines.shows(mark.id) {
                    match_count.place = Some(0);
                }
            }
        }
        match_count.place = match_count.place.map(|_| rank + 1);
        (!source.lanes.is_empty()).then_some(match_count)
    }
}

fn version(source: &mut LineSource<'_>) -> u64 {
    source.lanes.first_mut().map_or(0, |lane| lane.lines.reader().version())
}
