//! What readers see: the primary screen as lines that go on where history ends, and the alternate screen as rows.

use std::ops::Range;

use super::TerminalScreen;
use super::grid::Grid;
use crate::domain::Moment;
use crate::logs::{ExtendedKeys, InputModes, ScreenRows, StyledText};

/// Which rows make which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::logs) struct Layout {
    /// The rows of each line; rows that stand in history belong to none.
    lines: Vec<Range<usize>>,
    /// The first line begins in history.
    begun: bool,
}

/// What a reader is shown of a terminal, beside its history: as it is, or as it was before the frame that is being
/// drawn.
#[derive(Clone, Debug)]
pub(in crate::logs) struct Frame {
    primary: Grid,
    alternate: Option<Grid>,
    begun: Option<(Moment, StyledText)>,
    history_end: u64,
    cleared: Option<u64>,
    cursor_visible: bool,
}

/// Access to the screen, whichever frame it is.
#[derive(Clone, Copy, Debug)]
pub(in crate::logs) struct View<'a> {
    primary: &'a Grid,
    alternate: Option<&'a Grid>,
    begun: Begun<'a>,
    /// Number of the first line that is not in history as a whole.
    pub(in crate::logs) history_end: u64,
    /// Number of the first line after the service last cleared its primary screen, in this run.
    pub(in crate::logs) cleared: Option<u64>,
    cursor_visible: bool,
}

/// Where the part of the first line is that has left the screen.
#[derive(Clone, Copy, Debug)]
enum Begun<'a> {
    InFrame(Option<&'a (Moment, StyledText)>),
    InHistory(&'a super::History),
}

impl TerminalScreen {
    /// The screen as it is.
    pub(in crate::logs) fn view(&self) -> View<'_> {
        View {
            primary: self.primary(),
            alternate: self.covered.as_ref().map(|_| &self.grid),
            begun: Begun::InHistory(&self.history),
            history_end: self.history.end(),
            cleared: self.cleared,
            cursor_visible: self.modes.cursor_visible,
        }
    }

    /// A copy of the screen as it is.
    pub(in crate::logs) fn frame(&self) -> Frame {
        Frame {
            primary: self.primary().clone(),
            alternate: self.covered.as_ref().map(|_| self.grid.clone()),
            begun: self.history.begun(),
            history_end: self.history.end(),
            cleared: self.cleared,
            cursor_visible: self.modes.cursor_visible,
        }
    }

    /// A frame is being drawn (mode 2026).
    pub(in crate::logs) fn frame_open(&self) -> bool {
        self.frame_open
    }

    /// How the service wants its input.
    pub(in crate::logs) fn input_modes(&self) -> InputModes {
        let kitty = self.grid.keys.last().is_some_and(|flags| *flags != 0);
        let extended_keys = if kitty { ExtendedKeys::Kitty } else { self.modes.input.extended_keys };
        InputModes { alternate_screen: self.covered.is_some(), extended_keys, ..self.modes.input }
    }

    /// The shape of the cursor, as DECSCUSR tells it; 0 is that of the terminal.
    pub(in crate::logs) fn cursor_shape(&self) -> u8 {
        self.modes.cursor_shape
    }

    fn primary(&self) -> &Grid {
        self.covered.as_deref().unwrap_or(&self.grid)
    }

    /// Looks for readiness where the cursor is, before something there is overwritten or erased.
    pub(super) fn look_for_ready_in_cursor_line(&mut self) {
        if self.ready.as_ref().is_none_or(|ready| ready.found()) {
            return;
        }
        let text = match self.covered {
            Some(_) => self.grid.rows.get(self.grid.cursor.row).map(|row| row_text(row, self.grid.columns).text),
            None => {
                let view = self.view();
                let layout = view.layout();
                let line = layout.lines.iter().position(|rows| rows.contains(&self.grid.cursor.row));
                line.and_then(|index| view.line(&layout, index)).map(|(_, line)| line.text)
            }
        };
        if let (Some(ready), Some(text)) = (&mut self.ready, text) {
            ready.search(&text);
        }
    }

    /// Looks for readiness in all that is on the screen.
    pub(super) fn look_for_ready_on_screen(&mut self) {
        if self.ready.as_ref().is_none_or(|ready| ready.found()) {
            return;
        }
        let view = self.view();
        let layout = view.layout();
        let lines = (0..layout.len()).filter_map(|index| view.line(&layout, index)).map(|(_, line)| line.text);
        let rows = view.screen().map(|screen| screen.rows).unwrap_or_default().into_iter().map(|row| row.text);
        let texts: Vec<String> = lines.chain(rows).collect();
        if let Some(ready) = &mut self.ready {
            texts.iter().for_each(|text| ready.search(text));
        }
    }

    /// Whether readiness was seen since it was last asked; it is looked for no more then.
    pub(in crate::logs) fn take_ready(&mut self) -> bool {
        self.look_for_ready_on_screen();
        let found = self.ready.as_ref().is_some_and(|ready| ready.found());
        if found {
            self.ready = None;
        }
        found
    }

    /// Takes the answers to the service's queries.
    pub(in crate::logs) fn take_replies(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.replies)
    }

    /// The moment of what comes next.
    pub(in crate::logs) fn set_now(&mut self, now: Moment) {
        self.now = now;
    }
}

impl Frame {
    /// What was on the screen.
    pub(in crate::logs) fn view(&self) -> View<'_> {
        View {
            primary: &self.primary,
            alternate: self.alternate.as_ref(),
            begun: Begun::InFrame(self.begun.as_ref()),
            history_end: self.history_end,
            cleared: self.cleared,
            cursor_visible: self.cursor_visible,
        }
    }
}

impl Layout {
    /// Number of lines.
    pub(in crate::logs) fn len(&self) -> usize {
        self.lines.len()
    }
}

impl View<'_> {
    /// Which rows make which line. An untouched screen makes none.
    pub(in crate::logs) fn layout(&self) -> Layout {
        let begun = match self.begun {
            Begun::InFrame(line) => line.is_some(),
            Begun::InHistory(history) => history.is_begun(),
        };
        let mut lines = Vec::new();
        if begun {
            // Its end, if only an empty one, is in the first row.
            lines.push(0..1);
        }
        let mut goes_on = begun;
        for (index, row) in self.primary.rows.iter().enumerate().take(self.primary.used()) {
            if row.is_filed() {
                goes_on = false;
                continue;
            }
            match lines.last_mut() {
                Some(last) if goes_on => last.end = index + 1,
                _ => lines.push(index..index + 1),
            }
            goes_on = row.wrapped;
        }
        Layout { lines, begun }
    }

    /// A line of the screen: arrival, text and looks.
    pub(in crate::logs) fn line(&self, layout: &Layout, index: usize) -> Option<(Moment, StyledText)> {
        let rows = layout.lines.get(index)?.clone();
        let begun = match self.begun {
            _ if index > 0 || !layout.begun => None,
            Begun::InFrame(line) => line.cloned(),
            Begun::InHistory(history) => history.begun(),
        };
        let at = self.primary.rows.get(rows.start)?.at;
        let (at, mut text) = begun.unwrap_or((at, StyledText::default()));
        for row in rows {
            if let Some(row) = self.primary.rows.get(row) {
                row.append_to(row.filed.into(), self.primary.columns, &mut text);
            }
        }
        Some((at, text))
    }

    /// Lines above the cursor.
    pub(in crate::logs) fn settled(&self, layout: &Layout) -> usize {
        layout.lines.partition_point(|rows| rows.end <= self.primary.cursor.row)
    }

    /// The cursor's line, or the one that it would begin, and the byte of its text.
    pub(in crate::logs) fn cursor(&self, layout: &Layout) -> Option<(usize, usize)> {
        if self.alternate.is_some() || !self.cursor_visible {
            return None;
        }
        let cursor = self.primary.cursor;
        let index = self.settled(layout);
        let Some(rows) = layout.lines.get(index).filter(|rows| rows.contains(&cursor.row)) else {
            return Some((index, 0));
        };
        let mut before = Layout { lines: Vec::new(), begun: layout.begun && index == 0 };
        before.lines.push(rows.start..cursor.row);
        let (_, mut text) = self.line(&before, 0)?;
        let row = self.primary.rows.get(cursor.row)?;
        row.append_part(row.filed.into(), cursor.column + usize::from(cursor.pending_wrap), &mut text);
        let (_, whole) = self.line(layout, index)?;
        Some((index, text.text.len().min(whole.text.len())))
    }

    /// Column and row of the cursor of the primary screen.
    pub(in crate::logs) fn cursor_cell(&self) -> (usize, usize) {
        (self.primary.cursor.column, self.primary.cursor.row)
    }

    /// The alternate screen, if the service uses it.
    pub(in crate::logs) fn screen(&self) -> Option<ScreenRows> {
        self.alternate.map(|grid| self.rows_of(grid))
    }

    /// The terminal, whichever screen it shows.
    pub(in crate::logs) fn terminal(&self) -> ScreenRows {
        self.rows_of(self.alternate.unwrap_or(self.primary))
    }

    fn rows_of(&self, grid: &Grid) -> ScreenRows {
        let number = |place: usize| u16::try_from(place).unwrap_or(u16::MAX);
        ScreenRows {
            rows: grid.rows.iter().map(|row| row_text(row, grid.columns)).collect(),
            cursor: self.cursor_visible.then(|| (number(grid.cursor.column), number(grid.cursor.row))),
        }
    }
}

fn row_text(row: &super::row::Row, columns: usize) -> StyledText {
    let mut text = StyledText::default();
    row.append_to(0, columns, &mut text);
    text
}
