//! What is selected: a stretch of a log in the coordinates of its document, so that it stays where it is while output
//! arrives, the view scrolls or the window gets another size.

use super::action::Action;
use super::source::Source;
use super::text::floor;
use super::ui_state::{UiState, World};
use crate::logs::{LineId, LineKind, LogDocument, Reader, Scan, StyledText};

/// Bytes that are copied at most: what nobody pastes.
const LIMIT: usize = 64 << 20;
/// Lines that are read before the writer of the log gets its turn.
const BATCH: u64 = 1000;

/// A place in a document: a line, and a byte of its text. On the screen of a full-screen program the line is the row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    /// The line.
    pub(super) line: LineId,
    /// The byte.
    pub(super) byte: usize,
}

/// From the first place up to, and without, the second.
pub(super) type Stretch = (Point, Point);

/// What a selection grows by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A character.
    Character,
    /// A word, as terminals see it: paths and addresses are one.
    Word,
    /// A line.
    Line,
}

/// What is selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selection {
    /// In whose log. In the merged view, the lines are those numbers that they have there.
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

impl UiState {
    /// The keys that extend a selection.
    pub(super) fn select_action(&mut self, action: Action, world: &World<'_>) {
        let page = i64::from(world.size.1.saturating_sub(4).max(1));
        self.copy_request = Some(match action {
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
    /// How many.
    pub(super) lines: usize,
    /// There was more than anybody pastes.
    pub(super) cut: bool,
}

/// Adds what a stretch has of a line. The answer is whether there is room for more.
pub(super) fn add_line(copied: &mut Copied, (from, to): Stretch, id: LineId, content: &StyledText, text: &str) -> bool {
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

/// The text of a stretch, from the document: whole lines however they are wrapped or cut on the screen.
/// Lines that the filter hides, if there is one, are left out, and markers, unless there is nothing else.
pub(super) fn text_of(document: &LogDocument, rows: bool, stretch: Stretch, filter: Option<&Scan>) -> Copied {
    printed_first(|markers| text_with(document, rows, stretch, filter, markers))
}

/// What was printed, or else the markers.
pub(super) fn printed_first(mut copy: impl FnMut(bool) -> Copied) -> Copied {
    let printed = copy(false);
    if printed.lines > 0 { printed } else { copy(true) }
}

fn text_with(document: &LogDocument, rows: bool, (from, to): Stretch, filter: Option<&Scan>, markers: bool) -> Copied {
    let mut copied = Copied::default();
    let mut add = |id: LineId, content: &StyledText, text: &str| add_line(&mut copied, (from, to), id, content, text);
    if rows {
        let screen = document.read().screen().unwrap_or_default();
        for (id, row) in (0..).map(LineId).zip(&screen.rows) {
            if id >= from.line && id <= to.line && !add(id, row, row.text.trim_end()) {
                break;
            }
        }
        return copied;
    }
    let mut next = from.line.0;
    while next <= to.line.0 {
        let mut reader = document.read();
        next = next.max(reader.first().0);
        let stop = reader.end().0.min(to.line.0.saturating_add(1));
        if next >= stop {
            break;
        }
        let shown = filter.map(|filter| filter.matches(&mut reader));
        for id in next..stop.min(next + BATCH) {
            if shown.as_ref().is_none_or(|shown| shown.contains(LineId(id)))
                && let Some(line) = reader.line(LineId(id)).filter(|line| markers || line.kind == LineKind::Output)
                && !add(line.id, &line.content, &line.content.text)
            {
                return copied;
            }
        }
        next += BATCH;
    }
    copied
}

/// The unit of a document that a place is in.
pub(super) fn unit_at(reader: &mut Reader<'_>, rows: bool, unit: Unit, at: Point) -> Stretch {
    let text = if rows {
        let row = usize::try_from(at.line.0).unwrap_or(usize::MAX);
        reader.screen().and_then(|screen| screen.rows.into_iter().nth(row)).map(|row| row.text)
    } else {
        reader.line(at.line).map(|line| line.content.text)
    };
    unit_in(&text.unwrap_or_default(), unit, at)
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
    let next = chars.find(|(_, c)| unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0) > 0);
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
    let same =
        |(_, c): &(usize, char)| class(*c) == Some(kind) || unicode_width::UnicodeWidthChar::width(*c) == Some(0);
    let before = text.get(..start).unwrap_or_default();
    let first = before.char_indices().rev().take_while(same).last().map_or(start, |(at, _)| at);
    let after = text.get(end..).unwrap_or_default();
    let last = after.char_indices().take_while(same).last().map_or(end, |(at, c)| end + at + c.len_utf8());
    (first, last)
}

#[cfg(test)]
mod tests;
