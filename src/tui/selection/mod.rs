//! What is selected: a stretch of a log in the coordinates of its document, so that it stays where it is while output
//! arrives, the view scrolls or the window gets another size.

use super::action::Action;
use super::source::Source;
use super::text::{char_width, floor};
use super::ui_state::{UiState, World};
use crate::logs::{LineId, LineKind, LineSource, LogDocument, Place, StyledText};

/// Bytes that are copied at most: what nobody pastes.
const LIMIT: usize = 64 << 20;
/// Lines that are read before the writers of the logs get their turn.
const BATCH: usize = 500;

/// A place in a document: a line, and a byte of its text. On the screen of a full-screen program the line is the row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    /// Number of the line.
    pub(super) line: LineId,
    /// Byte in the text of the line.
    pub(super) byte: usize,
}

/// From the first place up to, and without, the second.
pub(super) type Stretch = (Point, Point);

/// What a selection grows by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Single characters, from a press and a drag.
    Character,
    /// A word, as terminals see it: paths and addresses are one.
    Word,
    /// Whole lines, from three presses.
    Line,
}

/// What is selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selection {
    /// In which pane: lines have the numbers that they have there.
    pub(super) source: Source,
    /// The rows of a full-screen program are meant, not lines.
    pub(super) rows: bool,
    /// By keys: they extend it.
    pub(super) by_keys: bool,
    /// What it grows by.
    pub(super) unit: Unit,
    /// The unit that it began with.
    pub(super) anchor: Stretch,
    /// The unit that it goes up to.
    pub(super) head: Stretch,
}

impl Selection {
    /// All of it.
    pub(super) fn stretch(&self) -> Stretch {
        (self.anchor.0.min(self.head.0), self.anchor.1.max(self.head.1))
    }

    /// What of a row is selected, in bytes of its line: the row shows `line` from `start` to `end`.
    pub(super) fn part_of(&self, line: LineId, start: usize, end: usize) -> Option<(usize, usize)> {
        let (from, to) = self.stretch();
        if line < from.line || line > to.line {
            return None;
        }
        let from = if line == from.line { from.byte.max(start) } else { start };
        let to = if line == to.line { to.byte.min(end) } else { end };
        (from <= to).then_some((from, to))
    }
}

/// What is wanted of the text of a log; whoever has the logs carries it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CopyRequest {
    /// Into the clipboard: what is selected, or what is in sight.
    Copy,
    /// All of it into a file.
    Save,
    /// All of it into an editor.
    Edit,
    /// Select by keys from here on.
    Select,
    /// Go on to the line so many further down.
    Extend(i64),
}

impl CopyRequest {
    /// What it is about depends on where the reader has gone.
    pub(super) fn is_of_place(self) -> bool {
        matches!(self, Self::Copy | Self::Edit | Self::Select)
    }
}

impl UiState {
    /// The keys that extend a selection.
    pub(super) fn select_action(&mut self, action: Action, world: &World<'_>) {
        let page = i64::from(world.size.1.saturating_sub(4).max(1));
        self.requests.copy = Some(match action {
            Action::LineUp => CopyRequest::Extend(-1),
            Action::LineDown => CopyRequest::Extend(1),
            Action::PageUp => CopyRequest::Extend(-page),
            Action::PageDown => CopyRequest::Extend(page),
            Action::Top => CopyRequest::Extend(i64::MIN),
            Action::Follow => CopyRequest::Extend(i64::MAX),
            Action::Copy => CopyRequest::Copy,
            _ => return,
        });
    }
}

/// What was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Copied {
    /// Lines, with line ends between them.
    pub(super) text: String,
    /// Number of lines that were copied.
    pub(super) lines: usize,
    /// There was more than anybody pastes.
    pub(super) cut: bool,
}

/// Adds what a stretch has of a line. The answer is whether there is room for more.
fn add_line(copied: &mut Copied, (from, to): Stretch, id: LineId, content: &StyledText, text: &str) -> bool {
    let end = if id == to.line { to.byte.min(text.len()) } else { text.len() };
    let start = if id == from.line { from.byte.min(end) } else { 0 };
    let part = content.as_printed(floor(text, start)..floor(text, end));
    if copied.text.len() + part.len() >= LIMIT {
        copied.cut = true;
        return false;
    }
    if copied.lines > 0 {
        copied.text.push('\n');
    }
    copied.text.push_str(&part);
    copied.lines += 1;
    true
}

/// What was printed, or else the markers.
pub(super) fn printed_first(mut copy: impl FnMut(bool) -> Copied) -> Copied {
    let printed = copy(false);
    if printed.lines > 0 { printed } else { copy(true) }
}

/// A stretch of one log, with the lines that a filter hides.
pub(super) fn whole_text(document: &LogDocument, stretch: Stretch) -> Copied {
    printed_first(|markers| {
        let (mut copied, mut place) = (Copied::default(), Place::from_iter([stretch.0.line]));
        while copy_some(&mut LineSource::of(document.read()), &mut place, stretch, markers, &mut copied) {}
        copied
    })
}

/// The rows of a stretch of the screen of a full-screen program.
pub(super) fn rows_text(document: &LogDocument, (from, to): Stretch) -> Copied {
    let mut copied = Copied::default();
    let screen = document.read().screen().unwrap_or_default();
    for (id, row) in (0..).map(LineId).zip(&screen.rows) {
        let wanted = id >= from.line && id <= to.line;
        if wanted && !add_line(&mut copied, (from, to), id, row, row.text.trim_end()) {
            break;
        }
    }
    copied
}

/// The place of the line with that number, which is looked for from `near` on.
pub(super) fn place_of(lines: &mut LineSource<'_>, near: &Place, number: LineId) -> Place {
    lines.go_to(near);
    lines.go_to_number(number);
    lines.place()
}

/// Copies the next lines of a stretch, from a place on that moves with them. The answer is whether there are more.
pub(super) fn copy_some(
    lines: &mut LineSource<'_>,
    place: &mut Place,
    stretch: Stretch,
    markers: bool,
    copied: &mut Copied,
) -> bool {
    lines.go_to(place);
    for _ in 0..BATCH {
        let number = lines.number();
        let Some((_, line)) = lines.forward_line().filter(|_| number <= stretch.1.line) else { return false };
        let wanted = markers || line.kind == LineKind::Output;
        if wanted && !add_line(copied, stretch, number, &line.content, &line.content.text) {
            return false;
        }
    }
    *place = lines.place();
    true
}

/// The unit of a row of a full-screen program that a place is in.
pub(super) fn unit_of_row(document: &LogDocument, unit: Unit, at: Point) -> Stretch {
    let row = usize::try_from(at.line.0).unwrap_or(usize::MAX);
    let row = document.read().screen().and_then(|screen| screen.rows.into_iter().nth(row));
    unit_in(&row.unwrap_or_default().text, unit, at)
}

/// The unit of a line's text that a place is in.
pub(super) fn unit_in(text: &str, unit: Unit, at: Point) -> Stretch {
    let (start, end) = match unit {
        Unit::Character => character(text, at.byte),
        Unit::Word => word(text, at.byte),
        Unit::Line => (0, text.len()),
    };
    (Point { line: at.line, byte: start }, Point { line: at.line, byte: end })
}

/// The character there, with what combines with it; nothing behind the end.
fn character(text: &str, byte: usize) -> (usize, usize) {
    let start = floor(text, byte);
    let mut chars = text.get(start..).unwrap_or_default().char_indices().skip(1);
    let next = chars.find(|(_, c)| char_width(*c) > 0);
    (start, next.map_or(text.len(), |(length, _)| start + length))
}

/// The word there, the blanks there, or the one sign there.
fn word(text: &str, byte: usize) -> (usize, usize) {
    let (start, end) = character(text, byte);
    let class = |c: char| match c {
        c if c.is_whitespace() => Some(false),
        c if c.is_alphanumeric() || "-_./~:@%+#?&=".contains(c) => Some(true),
        _ => None,
    };
    let Some(kind) = text.get(start..).and_then(|rest| rest.chars().next()).and_then(class) else {
        return (start, end);
    };
    let same = |(_, c): &(usize, char)| class(*c) == Some(kind) || (!c.is_control() && char_width(*c) == 0);
    let before = text.get(..start).unwrap_or_default();
    let first = before.char_indices().rev().take_while(same).last().map_or(start, |(at, _)| at);
    let after = text.get(end..).unwrap_or_default();
    let last = after.char_indices().take_while(same).last().map_or(end, |(at, c)| end + at + c.len_utf8());
    (first, last)
}

#[cfg(test)]
mod tests;
