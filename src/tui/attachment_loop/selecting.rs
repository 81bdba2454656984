//! Selecting and copying: a dashboard knows what each cell shows, and the documents that the text comes from.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::AttachmentLoop;
use super::opening::LAST_CALL_LAST;
use super::saving::News;
use crate::domain::{Moment, ServiceName};
use crate::logs::{LineId, LogDocument, MouseEvents, failure_around};
use crate::tui::clipboard::{OSC_52_TEXT, Taker, osc_52};
use crate::tui::log_view::{PaneText, RowPlace};
use crate::tui::message::Message;
use crate::tui::selection::{
    Copied, CopyRequest, Point, Selection, Stretch, Unit, rows_text, unit_in, unit_of_row, whole_text,
};
use crate::tui::source::Source;
use crate::tui::text::{cut_right, thousands};
use crate::tui::ui_state::World;

/// Clicks at one place within this time are a double or triple click.
const MULTI_CLICK: Duration = Duration::from_millis(400);
/// How often a drag beyond the edge of its pane scrolls.
const EDGE_SCROLL: Duration = Duration::from_millis(50);

/// A pane as it was drawn last.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) source: Source,
    pub(super) area: Rect,
    pub(super) text: PaneText,
}

/// What the last frame has shown.
#[derive(Debug, Default)]
pub(super) struct LastFrame {
    /// The panes: what the mouse points at.
    pub(super) panes: Vec<Drawn>,
    /// The documents on the screen, and what of them was drawn.
    pub(super) logs: Vec<(Arc<LogDocument>, u64)>,
    /// The row of the screen of the service that is typed into, in the first row of its pane.
    pub(super) typed_top: i32,
}

impl LastFrame {
    /// The pane with these lines.
    pub(super) fn pane_of(&self, source: &Source) -> Option<&Drawn> {
        self.panes.iter().find(|drawn| drawn.source == *source)
    }

    /// The pane in that place: the column of its marks counts as the beginning of each row.
    pub(super) fn pane_at(&self, at: Position) -> Option<&Drawn> {
        let with_marks = |area: Rect| Rect { x: area.x.saturating_sub(1), width: area.width.saturating_add(1), ..area };
        self.panes.iter().find(|drawn| with_marks(drawn.area).contains(at))
    }
}

/// The mouse as far as it selects.
#[derive(Debug, Default)]
pub(super) struct Pointer {
    /// Where and when it was pressed last, and how often there.
    pressed: Option<(Position, Moment, u8)>,
    /// Where it is while a button is down.
    dragged: Option<Position>,
    /// Rows that the next step beyond the edge scrolls; up is negative.
    edge: i64,
    /// The log that followed its end when the button went down, and what was in its first row.
    held: Option<(Source, RowPlace)>,
}

impl AttachmentLoop {
    /// What a mouse event means to the selection.
    pub(super) fn select_by_mouse(&mut self, event: MouseEvent, world: &World<'_>) {
        let at = Position { x: event.column, y: event.row };
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => self.press(at, world),
            MouseEventKind::Drag(MouseButton::Left) if self.pointer.pressed.is_some() => {
                self.pointer.dragged = Some(at);
                self.extend();
            }
            MouseEventKind::Up(MouseButton::Left) => {
                let pressed = self.pointer.pressed.is_some();
                (self.pointer.dragged, self.pointer.edge, self.timers.edge) = (None, 0, None);
                self.let_go();
                if pressed && self.ui.selection.is_some() {
                    self.copy();
                } else if pressed {
                    self.click_on(at, world.now);
                    self.open_clicked(at, world);
                }
            }
            _ => {}
        }
    }

    fn press(&mut self, at: Position, world: &World<'_>) {
        self.forget_click();
        self.ui.selection = None;
        let again =
            self.pointer.pressed.filter(|(place, when, _)| *place == at && world.now.since(*when) <= MULTI_CLICK);
        let count = again.map_or(1, |(_, _, count)| count % 3 + 1);
        self.pointer.pressed = None;
        let taken = self.ui.typist.target().is_some_and(|service| {
            self.handle.logs().get(service).is_some_and(|log| log.input_modes().mouse != MouseEvents::None)
        });
        let covered = self.ui.panels.over().is_some() || world.snapshot.stopping.is_some() || taken;
        let Some(drawn) = self.last_frame.pane_at(at).filter(|_| !covered) else { return };
        let source = drawn.source.clone();
        self.pointer.pressed = Some((at, world.now, count));
        self.hold(&source);
        if count > 1 {
            let unit = if count == 2 { Unit::Word } else { Unit::Line };
            self.ui.selection = self.begun(&source, at, unit);
        }
    }

    /// Nothing moves under the pointer while a button is down.
    fn hold(&mut self, source: &Source) {
        let drawn = self.last_frame.pane_of(source);
        let text = drawn.map(|drawn| &drawn.text).filter(|text| text.follow && !text.rows_of_screen);
        let Some(first) = text.and_then(|text| text.places.first()).cloned() else { return };
        self.ui.viewport(source).stop_following();
        self.pointer.held = Some((source.clone(), first));
    }

    /// The end is followed again, unless the log was scrolled meanwhile.
    fn let_go(&mut self) {
        let Some((source, first)) = self.pointer.held.take() else { return };
        let drawn = self.last_frame.pane_of(&source);
        if drawn.is_some_and(|drawn| drawn.text.places.first() == Some(&first)) {
            self.ui.viewport(&source).follow_on();
        }
    }

    /// A click on a line of the merged view goes to it in the pane of its service.
    fn open_clicked(&mut self, at: Position, world: &World<'_>) {
        let merged = self.last_frame.pane_at(at).filter(|drawn| drawn.source.is_merged());
        let row = merged.and_then(|drawn| drawn.text.places.get(usize::from(at.y - drawn.area.y)));
        let line = merged.zip(row).and_then(|(drawn, place)| drawn.text.source_of(place.line));
        if let Some((service, line)) = line.map(|(service, line)| (service.clone(), line)) {
            self.ui.open_line(&service, line, world);
        }
    }

    /// A selection of the unit under the pointer.
    fn begun(&self, source: &Source, at: Position, unit: Unit) -> Option<Selection> {
        let drawn = self.last_frame.pane_of(source)?;
        let point = drawn.text.point(clamped(drawn.area, at))?;
        let rows = drawn.text.rows_of_screen;
        let here = if rows {
            unit_of_row(&*self.handle.logs().get(source.service()?)?, unit, point)
        } else {
            let (service, line) = drawn.text.source_of(point.line)?;
            let line = self.handle.logs().get(service)?.read().line(line);
            let unit = if drawn.text.is_folded(point.line) { Unit::Line } else { unit };
            unit_in(&line.map(|line| line.content.text).unwrap_or_default(), unit, point)
        };
        Some(Selection { source: source.clone(), rows, by_keys: false, unit, anchor: here, head: here })
    }

    /// The pointer has moved, or the text under it.
    fn extend(&mut self) {
        let Some((pressed, at)) = self.pointer.pressed.map(|(place, ..)| place).zip(self.pointer.dragged) else {
            return;
        };
        if self.ui.selection.is_none() && pressed != at {
            let drawn = self.last_frame.pane_at(pressed);
            let source = drawn.map(|drawn| drawn.source.clone());
            self.ui.selection = source.and_then(|source| self.begun(&source, pressed, Unit::Character));
        }
        let Some(selection) = &self.ui.selection else { return };
        let Some(drawn) = self.last_frame.pane_of(&selection.source) else { return };
        let area = drawn.area;
        let here = self.begun(&selection.source.clone(), at, selection.unit);
        if let (Some(selection), Some(here)) = (&mut self.ui.selection, here)
            && selection.rows == here.rows
        {
            selection.head = here.head;
        }
        let (above, below) = (area.y.saturating_sub(at.y), (at.y + 1).saturating_sub(area.bottom()));
        // At the first and the last row of the screen the pointer cannot get any further.
        let at_top = u16::from(at.y == 0 || at.y == area.y);
        let at_bottom = u16::from(at.y + 1 == area.bottom());
        self.pointer.edge = i64::from((below + at_bottom).min(5)) - i64::from((above + at_top).min(5));
        self.timers.edge = match self.pointer.edge {
            0 => None,
            _ => self.timers.edge.or(Some(self.clock.now() + EDGE_SCROLL)),
        };
    }

    /// A drag stands beyond the edge: the text moves under it.
    pub(super) fn scroll_at_edge(&mut self, now: Moment) {
        self.timers.edge = None;
        let Some(selection) = &self.ui.selection else { return };
        let source = selection.source.clone();
        self.ui.viewport(&source).scroll(self.pointer.edge);
        self.timers.edge = (self.pointer.edge != 0).then_some(now + EDGE_SCROLL);
        self.frames.redraw = true;
    }

    /// New rows are about to be drawn: a drag that stands beyond the edge selects what has come there.
    pub(super) fn selection_follows(&mut self) {
        if self.pointer.edge != 0 {
            self.extend();
        }
        let gone = |selection: &Selection| {
            let drawn = self.last_frame.pane_of(&selection.source);
            drawn.is_some_and(|drawn| drawn.text.rows_of_screen != selection.rows)
        };
        // A full-screen program has come or gone.
        if self.ui.selection.as_ref().is_some_and(gone) {
            self.ui.selection = None;
        }
    }

    /// Carries out what was asked for with the text of logs, and with addresses. What was asked for at a line that the
    /// reader has not gone to yet waits for that.
    pub(super) fn hand_out(&mut self, world: &World<'_>) {
        if self.is_to_wait(world) {
            self.ui.adjust(world);
            self.read_panes(world);
        }
        self.hand_out_ready(world);
    }

    /// Keys may come faster than frames: `e` and `c` in one go copy the error.
    fn is_to_wait(&mut self, world: &World<'_>) -> bool {
        let is_of_place = self.ui.requests.copy.is_some_and(CopyRequest::is_of_place);
        let source = self.ui.source(world.snapshot).filter(|_| is_of_place);
        source.is_some_and(|source| self.ui.viewport(&source).is_on_its_way())
    }

    /// As [`Self::hand_out`], when the panes were read just now.
    pub(super) fn hand_out_ready(&mut self, world: &World<'_>) {
        if self.is_to_wait(world) {
            return;
        }
        if let Some(address) = self.ui.requests.browse.take() {
            self.browse(&address);
        }
        match self.ui.requests.copy.take() {
            Some(CopyRequest::Save) => self.save(world.now),
            Some(CopyRequest::Edit) => self.edit(),
            Some(CopyRequest::Copy) => self.copy(),
            Some(CopyRequest::Select) => self.select_by_keys(world),
            Some(CopyRequest::Extend(lines)) => self.extend_by_keys(lines),
            None => {}
        }
    }

    fn select_by_keys(&mut self, world: &World<'_>) {
        let Some(source) = self.ui.source(world.snapshot) else { return };
        let drawn = self.last_frame.pane_of(&source);
        let Some(drawn) = drawn.filter(|drawn| !drawn.text.rows.is_empty()) else { return };
        // Where the reader is: at the line that was gone to, if that is in sight.
        let (text, area) = (&drawn.text, drawn.area);
        let marked = self.ui.viewport(&source).marked().filter(|_| !text.rows_of_screen);
        let row = marked.and_then(|line| text.places.iter().position(|place| text.source_of(place.line) == Some(line)));
        let row = u16::try_from(row.unwrap_or(text.rows.len() - 1)).unwrap_or(u16::MAX);
        let at = Position { x: area.x, y: area.y.saturating_add(row) };
        self.ui.selection =
            self.begun(&source, at, Unit::Line).map(|selection| Selection { by_keys: true, ..selection });
        // What is being selected does not move; the rows of a full-screen program are its own.
        if self.ui.selection.as_ref().is_some_and(|selection| !selection.rows) {
            self.ui.viewport(&source).stop_following();
        }
    }

    fn extend_by_keys(&mut self, lines: i64) {
        let Some(selection) = self.ui.selection.clone() else { return };
        let (source, from) = (selection.source, selection.head.0.line);
        let head = match source.service().and_then(|service| self.handle.logs().get(service)) {
            Some(document) if selection.rows => {
                let last = document.read().screen().map_or(0, |screen| screen.rows.len() as u64).saturating_sub(1);
                let line = LineId(from.0.saturating_add_signed(lines).min(last));
                Some(unit_of_row(&document, Unit::Line, Point { line, byte: 0 }))
            }
            _ => self.ui.line_further(&source, &self.members_of(&source), from, lines),
        };
        if let (Some(selection), Some(head)) = (&mut self.ui.selection, head) {
            selection.head = head;
        }
        if let Some((Point { line, .. }, _)) = head.filter(|_| !selection.rows) {
            self.ui.viewport(&source).reveal(line);
        }
    }

    /// Copies what is selected, or else the line that was gone to, or else all lines of the selected pane that are in sight.
    fn copy(&mut self) {
        let wanted = match &self.ui.selection {
            Some(selection) => {
                Some((selection.source.clone(), selection.rows, selection.stretch(), Subject::Selection))
            }
            None => self.marked_entry().or_else(|| self.in_sight()),
        };
        let copied = wanted.and_then(|(source, rows, stretch, subject)| {
            let copied = match (rows, subject) {
                (true, _) => rows_text(&*self.handle.logs().get(source.service()?)?, stretch),
                (false, Subject::Error) => whole_text(&*self.handle.logs().get(source.service()?)?, stretch),
                (false, _) => self.ui.text_of(&source, &self.members_of(&source), stretch),
            };
            Some((copied, subject))
        });
        if self.ui.selection.as_ref().is_some_and(|selection| selection.by_keys) {
            self.ui.selection = None;
        }
        let Some((copied, subject)) = copied.filter(|(copied, _)| !copied.text.is_empty()) else {
            self.ui.show_message("nothing to copy");
            return;
        };
        let (head, what, count) = subject.said(&copied);
        let gap = if count.is_empty() { " " } else { ", " };
        let tell = self.tell_later.clone();
        let taker = self.host_terminal.copy(&copied.text, move |complaint| {
            log::warn!("{complaint}");
            // The dashboard may have ended meanwhile.
            let _ = tell.as_ref().map(|tell| tell.send(News::Said(complaint.into())));
        });
        let said = match taker {
            // It passes the text on itself, in the form that its terminal knows.
            Some(Taker::Tmux) => ("copied ", format!("{gap}through tmux")),
            Some(Taker::Program) => {
                // The terminal would put the beginning in place of the whole.
                if copied.text.len() <= OSC_52_TEXT {
                    self.frame_writer.send(&osc_52(&copied.text).0);
                }
                ("copied ", String::new())
            }
            // Whether it allows that, no terminal tells.
            None => {
                let (sequence, taken) = osc_52(&copied.text);
                self.frame_writer.send(&sequence);
                let all = copied.text.len();
                let cut = format!(": it takes only the first {taken} bytes of {all}");
                ("sent ", format!("{gap}to the terminal (OSC 52){}", if taken < all { &cut } else { "" }))
            }
        };
        let rest = if copied.cut { "; the rest is too large" } else { "" };
        let (verb, where_to) = said;
        self.ui.show_message(match count.is_empty() {
            true => Message::from(format!("{verb}{what}{where_to}{rest}")),
            false => {
                let short = format!("{verb}{}", count.trim_start_matches(['"', ',', ' ']));
                Message::between(format!("{verb}{head}"), what, format!("{count}{where_to}{rest}")).or(short)
            }
        });
    }

    /// The line that the reader has gone to; an error with its trace, and the errors beside it.
    fn marked_entry(&mut self) -> Option<Wanted> {
        let source = self.ui.source(&self.snapshot)?;
        source.service()?;
        let (service, marked) = self.ui.viewport(&source).marked().map(|(name, id)| (name.clone(), id))?;
        let failure = self.failure_at(&service, marked);
        let (first, last) = failure.unwrap_or((marked, marked));
        let subject = if failure.is_some() { Subject::Error } else { Subject::Marked };
        Some((source, false, (Point { line: first, byte: 0 }, Point { line: last, byte: usize::MAX }), subject))
    }

    /// The first and the last line of the failure that a line is a part of.
    pub(super) fn failure_at(&self, service: &ServiceName, line: LineId) -> Option<(LineId, LineId)> {
        let document = self.handle.logs().get(service)?;
        failure_around(&mut document.read(), line)
    }

    fn in_sight(&self) -> Option<Wanted> {
        let source = self.ui.source(&self.snapshot)?;
        let drawn = self.last_frame.pane_of(&source)?;
        let (first, last) = (drawn.text.places.first()?, drawn.text.places.last()?);
        let stretch = (Point { line: first.line, byte: 0 }, Point { line: last.line, byte: usize::MAX });
        Some((source, drawn.text.rows_of_screen, stretch, Subject::InSight))
    }
}

/// What is to be copied: of which pane, whether of the rows of a full-screen program, from where to where, and what it is.
type Wanted = (Source, bool, Stretch, Subject);

/// What is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// What somebody has selected.
    Selection,
    /// The error that was gone to.
    Error,
    /// Another line that was gone to.
    Marked,
    /// All that the pane shows.
    InSight,
}

/// Cells of the name of an error.
const ERROR: usize = 48;

impl Subject {
    /// What it is, and what stays around that where there is little room: `"`, `Internal Server Error: /orders/95` and
    /// `", 12 lines`.
    fn said(self, copied: &Copied) -> (&'static str, String, String) {
        let lines = copied.lines;
        let number = thousands(lines as u64);
        let count = format!("{number} {}", if lines == 1 { "line" } else { "lines" });
        let what = match (self, lines) {
            (Self::Selection, _) => count,
            (Self::Error, _) => {
                let name = cut_right(name_of_error(&copied.text), ERROR, "…");
                return ("\"", name, format!("\", {count}"));
            }
            (Self::Marked, _) => "the marked line".to_owned(),
            (Self::InSight, 1) => "the visible line".to_owned(),
            (Self::InSight, _) => format!("the {number} visible lines"),
        };
        ("", what, String::new())
    }
}

/// The line that says what went wrong: the first one, or the one below a trace of Python that has none above it.
fn name_of_error(text: &str) -> &str {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let is_below = first.contains(LAST_CALL_LAST);
    let below = text.lines().skip(1).find(|line| !line.is_empty() && !line.starts_with([' ', '\t']));
    below.filter(|_| is_below).unwrap_or(first)
}

/// The cell of an area that is nearest, from its corner.
fn clamped(area: Rect, at: Position) -> (usize, usize) {
    if at.y < area.y {
        return (0, 0);
    }
    if at.y >= area.bottom() {
        return (usize::from(area.width), usize::from(area.height.saturating_sub(1)));
    }
    let x = at.x.clamp(area.x, area.right().saturating_sub(1).max(area.x));
    (usize::from(x - area.x), usize::from(at.y - area.y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_copied_is_named() {
        let said = |subject: Subject, text: &str| {
            let lines = text.lines().count();
            let (head, what, count) = subject.said(&Copied { text: text.to_owned(), lines, ..Copied::default() });
            head.to_owned() + &what + &count
        };
        let trace = "Traceback (most recent call last):\n  File \"a.py\"\nKeyError: 17\n";
        let request = format!("Internal Server Error: /orders/95\n{trace}");
        assert_eq!(said(Subject::Error, &request), "\"Internal Server Error: /orders/95\", 4 lines");
        assert_eq!(said(Subject::Error, trace), "\"KeyError: 17\", 3 lines");
        assert_eq!(said(Subject::Error, "Traceback (most recent call last):"), {
            "\"Traceback (most recent call last):\", 1 line"
        });
        assert_eq!(said(Subject::InSight, &request), "the 4 visible lines");
        assert_eq!(said(Subject::InSight, "one"), "the visible line");
        assert_eq!(said(Subject::Selection, "one"), "1 line");
    }
}
