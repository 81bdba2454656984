//! The lines of all services in the order of arrival, as one pane shows them, and where its reader stands.
//!
//! As in the log of one service, the first row is anchored to lines by their numbers: here to one of each service.

use std::collections::{BTreeSet, HashMap};

use ratatui::style::Style;
use ratatui::text::Span;

use super::super::text;
use super::anchor::Anchor;
use super::jump::{Jump, Jumps, offset_for, row_of_match};
use super::merge::{Merge, first_hit, last_hit};
use super::shown::Shown;
use super::visible_lines::MatchCount;
use super::{GutterMark, LINE_LIMIT, LineLayout, PaneText, time_of};
use crate::domain::ServiceName;
use crate::logs::{LevelReader, Line, LineId, Query};

/// What stands before the lines of a service: all are equally wide.
#[derive(Clone, Debug)]
pub(in crate::tui) struct Label {
    /// Before the first row of a line.
    pub(in crate::tui) text: String,
    /// Before the others.
    pub(in crate::tui) rest: String,
    /// Not the only difference.
    pub(in crate::tui) style: Style,
}

/// What a frame is made of, beside the lines.
pub(in crate::tui) struct Frame<'a> {
    /// The services, in the order of the lanes.
    pub(in crate::tui) names: &'a [ServiceName],
    /// What stands before their lines.
    pub(in crate::tui) labels: &'a [Label],
    /// What is searched for.
    pub(in crate::tui) query: Option<&'a Query>,
    /// What is left for the lines.
    pub(in crate::tui) layout: LineLayout,
}

/// A line that the reader has gone to.
#[derive(Clone, Debug)]
struct Mark {
    lane: usize,
    id: LineId,
    /// The place right before it.
    cuts: Vec<LineId>,
}

/// Where the reader stands.
#[derive(Clone, Debug, Default)]
struct Stand {
    scrolled: bool,
    /// The place before the first line in sight, and which of its rows is the first.
    cuts: Vec<LineId>,
    row: usize,
    /// Lines from there on are new; nothing until the next frame says what was the end.
    seen: Option<Vec<LineId>>,
    offset: usize,
}

/// The merged view. It begins at the end, and follows it.
#[derive(Debug, Default)]
pub(in crate::tui) struct MergedView {
    /// Services whose lines are not shown.
    pub(in crate::tui) hidden: BTreeSet<ServiceName>,
    names: Vec<ServiceName>,
    stand: Stand,
    anchor: Anchor<Vec<LineId>>,
    begun: Option<Stand>,
    rows_wanted: i64,
    pages_wanted: i64,
    /// The mark moves by so many lines.
    lines_wanted: i64,
    jumps: Jumps,
    current: Option<Mark>,
    /// The place after the last line in sight, and that line.
    bottom: Vec<LineId>,
    last: Option<Mark>,
    /// Lines before these were cleared away.
    floors: HashMap<ServiceName, LineId>,
    clear: bool,
}

impl MergedView {
    /// To the end, and stay there.
    pub(in crate::tui) fn follow(&mut self) {
        let offset = self.stand.offset;
        self.stand = Stand { offset, ..Stand::default() };
        (self.rows_wanted, self.pages_wanted, self.lines_wanted) = (0, 0, 0);
        self.forget_jump();
    }

    /// Stays with what is in sight.
    pub(in crate::tui) fn stop_following(&mut self) {
        // Where that is, the last frame has noted.
        self.stand.scrolled = true;
    }

    /// With the end again, and nothing else is forgotten.
    pub(in crate::tui) fn follow_on(&mut self) {
        (self.stand.scrolled, self.stand.seen) = (false, None);
    }

    /// To the oldest line.
    pub(in crate::tui) fn top(&mut self) {
        self.follow();
        self.stand.scrolled = true;
        self.stand.cuts = vec![LineId(0); self.names.len()];
        self.floors.clear();
    }

    /// Away with all lines that there are now.
    pub(in crate::tui) fn clear(&mut self) {
        self.clear = true;
        self.follow();
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

    /// It is about to go to an error.
    pub(in crate::tui) fn wants_errors(&self) -> bool {
        self.jumps.want_errors()
    }

    /// Where it has gone to is not marked any more.
    pub(in crate::tui) fn forget_jump(&mut self) {
        self.jumps.take_all();
        self.current = None;
    }

    /// A search is begun.
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

    /// The line that keys mean: the one that was gone to, or the last in sight.
    pub(in crate::tui) fn marked(&self) -> Option<(&ServiceName, LineId)> {
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

    /// The place before the first line in sight, as far as it is known.
    pub(in crate::tui) fn cuts(&self, merge: &Merge<'_, '_>) -> Vec<LineId> {
        if self.stand.cuts.len() == merge.lanes.len() { self.stand.cuts.clone() } else { merge.cuts() }
    }

    /// Carries out what was asked for, and takes the rows that are to be seen. The documents are locked meanwhile.
    pub(in crate::tui) fn take_rows(&mut self, merge: &mut Merge<'_, '_>, frame: &Frame<'_>) -> PaneText {
        self.clear = false;
        let layout = &frame.layout;
        self.align(merge, frame.names);
        if self.stand.scrolled && self.stand.seen.is_none() {
            merge.go_to_end();
            self.stand.seen = Some(merge.cuts());
        }
        if self.stand.scrolled {
            let cuts = &self.stand.cuts;
            self.stand.row = self.anchor.settle((cuts, self.stand.row), layout, || merge.line_behind(cuts));
        }
        let moves = [self.rows_wanted, self.pages_wanted, self.lines_wanted] != [0; 3] || self.jumps.len() > 0;
        // A filter may hide the lines that the reader is at: without it, they are there again.
        let filtered = merge.lanes.iter().any(|lane| lane.visible.is_filtered());
        let anchor = (filtered && !moves).then(|| (self.stand.cuts.clone(), self.stand.row));
        self.move_to_wanted(merge, layout);
        self.step_to_wanted(merge, layout);
        let notice = self.carry_out_all(merge, frame);
        let mut text = PaneText { follow: !self.stand.scrolled, notice, ..PaneText::default() };
        self.rows(merge, frame, &mut text);
        text.new = match &self.stand.seen {
            Some(seen) if self.stand.scrolled => {
                let below = seen.iter().zip(&self.bottom).map(|(seen, bottom)| *seen.max(bottom));
                merge.lanes.iter().zip(below).map(|(lane, from)| lane.visible.count_from(from)).sum()
            }
            _ => 0,
        };
        if let Some((cuts, row)) = anchor.filter(|_| self.stand.scrolled) {
            (self.stand.cuts, self.stand.row) = (cuts, row);
        }
        if self.stand.scrolled {
            let cuts = &self.stand.cuts;
            self.anchor.keep((cuts, self.stand.row), layout, || merge.line_behind(cuts));
        }
        text.seen = self.names.iter().cloned().zip(self.bottom.iter().copied()).collect();
        text.match_count = self.match_count(merge);
        let shares: Vec<_> = merge.lanes.iter().filter_map(|lane| lane.visible.share()).collect();
        text.share = shares.into_iter().reduce(|all, one| (all.0 + one.0, all.1 + one.1));
        text
    }

    /// Services may have come and gone since the last frame, or were hidden and shown. One that was not there stands
    /// where the others have come.
    fn align(&mut self, merge: &mut Merge<'_, '_>, names: &[ServiceName]) {
        if self.names != names {
            let old = std::mem::replace(&mut self.names, names.to_vec());
            let place = |cuts: &[LineId], name| Some(*cuts.get(old.iter().position(|known| known == name)?)?);
            let known: Vec<Option<LineId>> = names.iter().map(|name| place(&self.stand.cuts, name)).collect();
            let first = known.iter().zip(&mut merge.lanes).filter_map(|(cut, lane)| {
                let id = lane.visible.from((*cut)?.max(lane.visible.first()));
                lane.visible.line(id).map(|line| line.at)
            });
            let first = first.min();
            let cuts = known.iter().zip(&mut merge.lanes).map(|(cut, lane)| match (cut, first) {
                (Some(cut), _) => *cut,
                (None, Some(at)) => lane.visible.reader.line_after(at),
                (None, None) => lane.visible.end(),
            });
            self.stand.cuts = cuts.collect();
            if let Some(seen) = &mut self.stand.seen {
                let cuts =
                    names.iter().zip(&merge.lanes).map(|(name, lane)| place(seen, name).unwrap_or(lane.visible.end()));
                *seen = cuts.collect();
            }
            (self.current, self.last, self.bottom) = (None, None, Vec::new());
            self.begun = self.begun.take().filter(|begun| begun.cuts.len() == names.len());
        }
    }

    /// Goes as far as keys and the wheel have asked for.
    fn move_to_wanted(&mut self, merge: &mut Merge<'_, '_>, layout: &LineLayout) {
        let page = i64::try_from(layout.height.saturating_sub(2).max(1)).unwrap_or(1);
        let wanted = self.rows_wanted.saturating_add(self.pages_wanted.saturating_mul(page));
        (self.rows_wanted, self.pages_wanted) = (0, 0);
        if wanted != 0 {
            self.current = None;
        }
        if wanted < 0 {
            self.leave_end(merge, layout);
        }
        if !self.stand.scrolled {
            return self.stand_at_end(merge, layout);
        }
        match merge.line_behind(&self.stand.cuts) {
            // Lines at the end may have been taken back.
            None => return self.stand_at_end(merge, layout),
            Some(line) => self.stand.row = self.stand.row.min(rows_of(&line, layout).saturating_sub(1)),
        }
        if rows_below(merge, layout) < layout.height + self.stand.row {
            // What is left below does not fill the pane.
            self.stand_at_end(merge, layout);
        }
        if wanted == 0 {
            return;
        }
        let mut left = usize::try_from(wanted.unsigned_abs()).unwrap_or(usize::MAX);
        if wanted < 0 {
            while left > self.stand.row {
                let Some((_, line)) = merge.back() else {
                    left = self.stand.row;
                    break;
                };
                left -= self.stand.row;
                self.stand.row = rows_of(&line, layout);
            }
            self.stand.row -= left;
        }
        if wanted > 0 {
            self.go_down(merge, layout, left);
        }
        self.stand.cuts = merge.cuts();
        if wanted > 0 && rows_below(merge, layout) <= layout.height + self.stand.row {
            self.stand.scrolled = false;
            self.stand.seen = None;
            self.stand_at_end(merge, layout);
        }
    }

    fn go_down(&mut self, merge: &mut Merge<'_, '_>, layout: &LineLayout, rows: usize) {
        let mut left = rows;
        loop {
            let cuts = merge.cuts();
            let Some((_, line)) = merge.forward() else { return };
            let rest = rows_of(&line, layout).saturating_sub(self.stand.row);
            if left < rest {
                self.stand.row += left;
                return merge.go_to(&cuts);
            }
            left -= rest;
            self.stand.row = 0;
        }
    }

    fn leave_end(&mut self, merge: &mut Merge<'_, '_>, layout: &LineLayout) {
        if !self.stand.scrolled {
            merge.go_to_end();
            self.stand.seen = Some(merge.cuts());
            self.stand_at_end(merge, layout);
            self.stand.scrolled = true;
        }
    }

    fn stand_at_end(&mut self, merge: &mut Merge<'_, '_>, layout: &LineLayout) {
        merge.go_to_end();
        let mut rows = 0;
        while rows < layout.height
            && let Some((_, line)) = merge.back()
        {
            rows += rows_of(&line, layout);
        }
        (self.stand.cuts, self.stand.row) = (merge.cuts(), rows.saturating_sub(layout.height));
    }

    /// The mark goes up or down.
    fn step_to_wanted(&mut self, merge: &mut Merge<'_, '_>, layout: &LineLayout) {
        let wanted = std::mem::take(&mut self.lines_wanted);
        let Some(from) = self.current.clone().or(self.last.clone()).filter(|_| wanted != 0) else { return };
        self.leave_end(merge, layout);
        merge.go_to(&from.cuts);
        let mut mark = None;
        if wanted > 0 {
            // Over the line of the mark itself.
            merge.forward();
        }
        for _ in 0..wanted.unsigned_abs() {
            let before = merge.cuts();
            let moved = if wanted < 0 { merge.back() } else { merge.forward() };
            let Some((lane, line)) = moved else { break };
            mark = Some(Mark { lane, id: line.id, cuts: if wanted < 0 { merge.cuts() } else { before } });
        }
        let mark = mark.unwrap_or(from);
        self.show(merge, layout, &mark.cuts, None);
        self.current = Some(mark);
    }

    /// Brings the line behind a place into sight, at the nearest edge; or the row of it, with a third of the pane above.
    /// What is in sight already does not move.
    fn show(&mut self, merge: &mut Merge<'_, '_>, layout: &LineLayout, cuts: &[LineId], row: Option<usize>) {
        self.leave_end(merge, layout);
        let lines = merge.line_behind(cuts).map_or(1, |line| rows_of(&line, layout));
        let target = merge.number();
        merge.go_to(&self.stand.cuts);
        let above = merge.number();
        if target >= above {
            let (mut rows, room) = (0, layout.height + self.stand.row);
            while merge.number() < target
                && rows < room
                && let Some((_, line)) = merge.forward()
            {
                rows += rows_of(&line, layout);
            }
            let in_sight = match row {
                Some(row) => (self.stand.row..room).contains(&(rows + row)),
                None => rows >= self.stand.row && (rows + lines <= room || rows == self.stand.row),
            };
            if merge.number() >= target && in_sight {
                return;
            }
        }
        let (wanted, below) = match row {
            Some(row) => ((layout.height / 3).saturating_sub(row), row.saturating_sub(layout.height / 3)),
            None if target <= above => (0, 0),
            None => (layout.height.saturating_sub(lines), 0),
        };
        merge.go_to(cuts);
        let mut rows = 0;
        while rows < wanted
            && let Some((_, line)) = merge.back()
        {
            rows += rows_of(&line, layout);
        }
        (self.stand.cuts, self.stand.row) = (merge.cuts(), rows.saturating_sub(wanted) + below);
        if rows_below(merge, layout) < layout.height + self.stand.row {
            self.stand_at_end(merge, layout);
        }
    }

    /// Goes where it was asked to, step by step. The answer is what is to be said about it.
    fn carry_out_all(&mut self, merge: &mut Merge<'_, '_>, frame: &Frame<'_>) -> Option<&'static str> {
        let mut said = None;
        let mut left = self.jumps.len();
        while left > 0 {
            said = self.carry_out(merge, frame).or(said);
            if self.jumps.len() == left {
                break;
            }
            left = self.jumps.len();
        }
        said
    }

    fn carry_out(&mut self, merge: &mut Merge<'_, '_>, frame: &Frame<'_>) -> Option<&'static str> {
        let jump = self.jumps.next()?;
        let layout = &frame.layout;
        let errors = matches!(jump, Jump::Error { .. });
        if matches!(jump, Jump::Run { .. } | Jump::Line(_)) {
            self.jumps.done();
            return Some("a run is of one service: Enter goes to it");
        }
        let matches = merge.lanes.iter().map(|lane| if errors { &lane.errors } else { &lane.search });
        let Some(complete) = matches.map(|matches| Some(matches.as_ref()?.is_complete())).collect::<Option<Vec<_>>>()
        else {
            self.jumps.done();
            return None;
        };
        let complete = complete.into_iter().all(|complete| complete);
        merge.go_to_end();
        let end = merge.cuts();
        let below =
            if self.stand.scrolled && self.bottom.len() == end.len() { self.bottom.clone() } else { end.clone() };
        let forward = !matches!(jump, Jump::Nearest | Jump::Hit { forward: false } | Jump::Error { forward: false });
        let mut found;
        let mut wrapped = None;
        if jump == Jump::Nearest {
            found = last_hit(merge, &below, errors);
            if found.is_none() && complete {
                found = first_hit(merge, &below, errors);
            }
        } else if forward {
            let from = match &self.current {
                Some(mark) => {
                    let mut cuts = mark.cuts.clone();
                    if let Some(cut) = cuts.get_mut(mark.lane) {
                        *cut = LineId(mark.id.0 + 1);
                    }
                    cuts
                }
                None if self.stand.scrolled => self.stand.cuts.clone(),
                None => end.clone(),
            };
            found = first_hit(merge, &from, errors);
            if found.is_none() && complete {
                found = first_hit(merge, &vec![LineId(0); end.len()], errors);
                wrapped =
                    Some(if errors { "errors wrapped: on from the top" } else { "search wrapped: on from the top" });
            }
        } else {
            let from = self.current.as_ref().map_or(&below, |mark| &mark.cuts);
            found = last_hit(merge, from, errors);
            if found.is_none() && complete {
                found = last_hit(merge, &end, errors);
                wrapped =
                    Some(if errors { "errors wrapped: on from the end" } else { "search wrapped: on from the end" });
            }
        }
        match found {
            Some((lane, id)) => {
                self.jumps.done();
                merge.go_to_line(lane, id);
                let cuts = merge.cuts();
                let line = merge.lanes.get_mut(lane).and_then(|lane| lane.visible.line(id));
                let match_in = frame.query.filter(|_| !errors).zip(line);
                let row = match_in.as_ref().map_or(0, |(query, line)| row_of_match(line, query, layout));
                self.show(merge, layout, &cuts, Some(row));
                if let Some((query, line)) = match_in {
                    self.stand.offset = offset_for(&line.content.text, query, layout, self.stand.offset);
                }
                self.current = Some(Mark { lane, id, cuts });
                wrapped
            }
            None if complete => {
                self.jumps.done();
                let nothing = if errors { "no errors" } else { "no match" };
                (jump != Jump::Nearest).then_some(nothing)
            }
            None => None,
        }
    }

    fn rows(&mut self, merge: &mut Merge<'_, '_>, frame: &Frame<'_>, text: &mut PaneText) {
        let layout = &frame.layout;
        merge.go_to(&self.stand.cuts);
        let mut levels: Vec<Option<(LevelReader, LineId)>> = vec![None; merge.lanes.len()];
        let mut skip = self.stand.row;
        self.last = None;
        while text.rows.len() < layout.height {
            let (number, cuts) = (merge.number(), merge.cuts());
            let Some((index, line)) = merge.forward() else { break };
            let (Some(lane), Some(label), Some(name)) =
                (merge.lanes.get_mut(index), frame.labels.get(index), frame.names.get(index))
            else {
                break;
            };
            let before = time_of(lane.visible.reader, &line, layout);
            let known = levels.get_mut(index).and_then(Option::take).filter(|(_, next)| *next == line.id);
            let mut reader = known.map_or_else(|| LevelReader::at(lane.visible.reader, line.id), |(reader, _)| reader);
            let level = reader.pass(&line);
            if let Some(place) = levels.get_mut(index) {
                *place = Some((reader, LineId(line.id.0 + 1)));
            }
            let shown = Shown::new(&line, frame.query, self.stand.offset, layout);
            let cells = text::width(&label.text);
            let places = shown.places(number, layout).map(|mut place| {
                (place.before, place.spans_before) = (place.before + cells, place.spans_before + 1);
                place
            });
            let room = layout.height - text.rows.len();
            text.places.extend(places.skip(skip).take(room));
            let rows = shown.draw(&before, layout).enumerate().map(|(row, mut spans)| {
                let prefix = if row == 0 { &label.text } else { &label.rest };
                spans.spans.insert(0, Span::styled(prefix.clone(), label.style));
                spans
            });
            text.rows.extend(rows.skip(skip).take(room));
            let current = self.current.as_ref().is_some_and(|mark| mark.lane == index && mark.id == line.id);
            if skip == 0 {
                text.gutter.push(GutterMark { level, hit: shown.hit, current });
            }
            text.gutter.resize(text.rows.len(), GutterMark::default());
            text.sources.push((number, name.clone(), line.id));
            self.last = Some(Mark { lane: index, id: line.id, cuts });
            skip = 0;
        }
        self.bottom = merge.cuts();
    }

    fn match_count(&self, merge: &Merge<'_, '_>) -> Option<MatchCount> {
        let mut match_count = MatchCount { place: None, count: 0, complete: true };
        let mut rank = 0;
        for (index, lane) in merge.lanes.iter().enumerate() {
            let matches = lane.search.as_ref()?;
            match_count.count += lane.visible.count(matches);
            match_count.complete &= matches.is_complete() && lane.visible.is_complete();
            if let Some(mark) = &self.current {
                rank += mark.cuts.get(index).map_or(0, |cut| lane.visible.rank(matches, *cut));
                if mark.lane == index && matches.contains(mark.id) && lane.visible.shows(mark.id) {
                    match_count.place = Some(0);
                }
            }
        }
        match_count.place = match_count.place.map(|_| rank + 1);
        (!merge.lanes.is_empty()).then_some(match_count)
    }
}

/// Rows from here to the end, counted no further than is needed.
fn rows_below(merge: &mut Merge<'_, '_>, layout: &LineLayout) -> usize {
    let cuts = merge.cuts();
    let (mut rows, mut lines) = (0, 0);
    while lines <= 2 * layout.height
        && let Some((_, line)) = merge.forward()
    {
        rows += rows_of(&line, layout);
        lines += 1;
    }
    merge.go_to(&cuts);
    rows
}

fn rows_of(line: &Line, layout: &LineLayout) -> usize {
    if layout.wrap { Shown::new(line, None, 0, layout).rows.len() } else { 1 }
}
