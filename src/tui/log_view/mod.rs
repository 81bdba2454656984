//! The lines of a pane as it shows them, of one service or of several: which lines, cut or wrapped, and where the reader
//! stands.

mod anchor;
mod draw;
mod jump;
mod linked;
mod marks;
mod match_count;
mod motion;
mod separator;
mod shown;
mod viewport;

use std::ops::Range;

use ratatui::layout::Position;
use ratatui::style::Style;
use ratatui::text::Line;

use super::glyphs::Glyphs;
use super::selection::Point;
use super::text;
use super::theme::Theme;
use crate::clock::Clock;
use crate::domain::{PaneView, ServiceName, human};
use crate::logs::{self, LineId, LineSource, Place, Query, Reader};
use shown::{Shown, text_cells};

pub(super) use jump::{Jump, NO_ERRORS};
pub(super) use linked::RowLink;
pub(super) use marks::GutterMark;
pub(super) use match_count::MatchCount;
pub(super) use viewport::Viewport;

/// Bytes of a line that are shown; the rest is counted. A longer line would cost a whole frame to measure.
const LINE_LIMIT: usize = 16 << 10;
/// Cells of a time before a line.
const TIME_CELLS: usize = 9;

/// What is before each line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Times {
    /// No time is shown.
    #[default]
    Off,
    /// The time of day.
    Clock,
    /// Since the start of the run.
    SinceStart,
}

impl Times {
    /// The one after this, in the order of the key.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Off => Self::Clock,
            Self::Clock => Self::SinceStart,
            Self::SinceStart => Self::Off,
        }
    }
}

/// How the lines are laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineLayout {
    /// Cells of a row.
    pub(super) width: usize,
    /// Rows of the pane.
    pub(super) height: usize,
    /// Long lines continue in the next row; otherwise they are cut.
    pub(super) wrap: bool,
    /// What is before each line.
    pub(super) times: Times,
    /// Lines that are data are short: time, level, message, and the other fields.
    pub(super) folded: bool,
    /// The service is typed into: its cursor is in sight, and rows end where they do on its terminal.
    pub(super) typed: bool,
    /// What is shown at the end: the log or the terminal.
    pub(super) view: PaneView,
    /// What devgroup's own lines are drawn with.
    pub(super) glyphs: &'static Glyphs,
    /// Colours of devgroup's own lines.
    pub(super) theme: Theme,
    /// Dates the lines.
    pub(super) clock: Clock,
}

impl LineLayout {
    /// For a service that is typed into.
    pub(super) fn as_terminal(self) -> Self {
        Self { typed: true, wrap: true, times: Times::Off, folded: false, ..self }
    }
}

/// What a pane shows.
#[derive(Clone, Debug, Default)]
pub(super) struct PaneText {
    /// Row by row.
    pub(super) rows: Vec<Line<'static>>,
    /// The end is shown, and stays so.
    pub(super) follow: bool,
    /// Lines above were cleared away.
    pub(super) cleared: bool,
    /// Lines below what is in sight that have come since the reader left the end.
    pub(super) new: u64,
    /// What is beside the rows; shorter than them if there is nothing.
    pub(super) gutter: Vec<GutterMark>,
    /// How many lines the search has found.
    pub(super) match_count: Option<MatchCount>,
    /// Which error the reader has gone to, and of how many.
    pub(super) error_count: Option<MatchCount>,
    /// The search has found a line that is folded, in what is not to be seen of it.
    pub(super) hides_match: bool,
    /// How many lines the filter shows, and of how many.
    pub(super) share: Option<(u64, u64)>,
    /// What is to be said about where the reader has gone.
    pub(super) notice: Option<&'static str>,
    /// There is no further match in this service: down, or up.
    pub(super) leaves: Option<bool>,
    /// The cursor of a full-screen program, or of a service that is typed into.
    pub(super) cursor: Option<Position>,
    /// The row of the service's screen that is in the first row.
    pub(super) top: i32,
    /// What of the document each row shows.
    pub(super) places: Vec<RowPlace>,
    /// Parts of links in the rows.
    pub(super) links: Vec<RowLink>,
    /// Whose the lines in sight are, by the numbers that they have in the pane.
    pub(super) sources: Vec<(LineId, ServiceName, LineId)>,
    /// Lines of a service before that one are in sight, or above what is.
    pub(super) seen: Vec<(ServiceName, LineId)>,
    /// They are the rows of a full-screen program.
    pub(super) rows_of_screen: bool,
    /// The version of the document that this is.
    pub(super) version: u64,
}

/// What of a document a row shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RowPlace {
    /// The line; the row, of a full-screen program.
    pub(super) line: LineId,
    /// These bytes of it.
    pub(super) bytes: Range<usize>,
    /// Cells before them, which are not of the line.
    pub(super) before: usize,
    /// Spans of the row that these are.
    pub(super) spans_before: usize,
    /// Cells on the left and on the right of the bytes that stand for what is cut off there.
    pub(super) cut: (usize, usize),
    /// The line is folded: the bytes are those of its short form, and the row stands for all of it.
    pub(super) folded: bool,
}

impl PaneText {
    /// The text of a row, without what stands before and after it.
    pub(super) fn text_of_row(&self, row: usize) -> Option<(&RowPlace, String)> {
        let place = self.places.get(row)?;
        let spans = self.rows.get(row)?.spans.iter().skip(place.spans_before);
        let mut text: String = spans.map(|span| &*span.content).collect();
        text.truncate(text::floor(&text, place.bytes.len()));
        Some((place, text))
    }

    /// A line of an error is in sight.
    pub(super) fn shows_error(&self) -> bool {
        self.gutter.iter().any(|mark| matches!(mark.level, Some(logs::Level::Fatal | logs::Level::Error)))
    }

    /// The line is in sight in its short form, so that only all of it can be meant.
    pub(super) fn is_folded(&self, line: LineId) -> bool {
        self.places.iter().any(|place| place.line == line && place.folded)
    }

    /// The service of a line in sight, and its number there.
    pub(super) fn source_of(&self, line: LineId) -> Option<(&ServiceName, LineId)> {
        self.sources.iter().find(|(number, ..)| *number == line).map(|(_, service, line)| (service, *line))
    }

    /// What of the document a cell shows: below the last row, its end.
    pub(super) fn point(&self, (column, row): (usize, usize)) -> Option<Point> {
        let last = self.places.len().checked_sub(1)?;
        let (place, text) = self.text_of_row(row.min(last))?;
        // Whoever points at what stands for the rest of a line means the rest.
        let byte = match place.cut {
            (1.., _) if row <= last && column < place.before => 0,
            (_, 1..) if row > last || column >= place.before + text::width(&text) => usize::MAX,
            _ if row > last => place.bytes.start + text.len(),
            _ => place.bytes.start + text::fitting(&text, column.saturating_sub(place.before)),
        };
        Some(Point { line: place.line, byte })
    }
}

/// What stands before the lines of a service: all are equally wide.
#[derive(Clone, Debug)]
pub(super) struct Label {
    /// Before the first row of a line.
    pub(super) text: String,
    /// Before the others.
    pub(super) rest: String,
    /// Not the only difference.
    pub(super) style: Style,
}

/// What a frame is made of, beside the lines.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// The services, in the order of the lanes.
    pub(super) names: &'a [ServiceName],
    /// What stands before their lines, if anything does.
    pub(super) labels: &'a [Label],
    /// What is searched for.
    pub(super) query: Option<&'a Query>,
    /// The search goes on in other services when there is nothing more in this one.
    pub(super) roams: bool,
    /// What is left for the lines.
    pub(super) layout: LineLayout,
}

/// What stands before the first row of a line.
fn time_of(reader: &mut Reader<'_>, line: &logs::Line, layout: &LineLayout) -> String {
    if line.kind.is_marker() {
        return String::new();
    }
    match layout.times {
        Times::Off => String::new(),
        Times::Clock => layout.clock.time_of_day(line.at),
        Times::SinceStart => {
            let start = reader.start_of(line.run).unwrap_or_else(|| reader.beginning_of(line).0);
            format!("{:>8}", format!("+{}", human(line.at.since(start))))
        }
    }
}

/// The next line from a place on.
fn line_at(source: &mut LineSource<'_>, place: &Place) -> Option<logs::Line> {
    source.go_to(place);
    let (lane, id) = source.peek()?;
    source.line(lane, id)
}

/// Rows of a line of a lane.
fn rows_of(source: &mut LineSource<'_>, (lane, id): (usize, LineId), layout: &LineLayout) -> usize {
    if !layout.wrap {
        return 1;
    }
    let Some(line) = source.line(lane, id) else { return 1 };
    let mut shown = Shown::new(&line, None, 0, layout);
    hold_cursor(source, (lane, id), &mut shown, layout);
    shown.rows.len()
}

/// Makes room for the cursor, if it is in that line and is to be in sight. The answer is its row and column.
fn hold_cursor(
    source: &LineSource<'_>,
    (lane, id): (usize, LineId),
    shown: &mut Shown,
    layout: &LineLayout,
) -> Option<(usize, usize)> {
    let (byte, column) = source.lanes.get(lane)?.lines.cursor_in(id)?;
    Some(shown.hold_cursor(byte, column, layout))
}

#[cfg(test)]
mod tests;
