//! The block that lines are added to.

use crate::domain::{Moment, RunId};
use crate::logs::style::{TextSink, push_spans};
use crate::logs::{Line, LineId, LineKind, Style, StyleRun, StyledText};

/// The newest lines of a history, not compressed yet.
#[derive(Debug, Default)]
pub(in crate::logs) struct OpenBlock {
    /// All lines, without separators; the begun one last.
    pub(super) text: String,
    /// Their styles, as bytes of `text`; a run never reaches from one line into the next.
    pub(super) runs: Vec<StyleRun>,
    /// The complete lines.
    pub(super) lines: Vec<Entry>,
    begun: Option<Moment>,
}

/// A complete line of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where its text ends.
    pub(super) text_end: u32,
    /// Where its style runs end.
    pub(super) runs_end: u32,
    pub(super) at: Moment,
    pub(super) run: RunId,
    pub(super) kind: LineKind,
}

impl OpenBlock {
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn text_len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.capacity() + self.runs.capacity() * size_of::<StyleRun>() + self.lines.capacity() * size_of::<Entry>()
    }

    pub(super) fn begin(&mut self, at: Moment) {
        self.begun.get_or_insert(at);
    }

    /// Adds text at the end, in one style.
    pub(in crate::logs) fn push_piece(&mut self, text: &str, style: Style) {
        let offset = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let start = offset(self.text.len());
        self.text.push_str(text);
        if style == Style::default() {
            return;
        }
        let end = offset(self.text.len());
        let first_run = self.starts().1;
        match self.runs.get_mut(first_run..).and_then(<[_]>::last_mut) {
            Some(last) if last.end == start && last.style == style => last.end = end,
            _ => self.runs.push(StyleRun { start, end, style }),
        }
    }

    pub(super) fn is_begun(&self) -> bool {
        self.begun.is_some()
    }

    pub(super) fn begun_len(&self) -> usize {
        self.text.len() - self.starts().0
    }

    pub(super) fn begun(&self) -> Option<(Moment, StyledText)> {
        let (text, runs) = self.starts();
        Some((self.begun?, slice(&self.text, &self.runs, text..self.text.len(), runs..self.runs.len())))
    }

    pub(super) fn end(&mut self, kind: LineKind, run: RunId) {
        let Some(at) = self.begun.take() else { return };
        let offset = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let (text_end, runs_end) = (offset(self.text.len()), offset(self.runs.len()));
        self.lines.push(Entry { text_end, runs_end, at, run, kind });
    }

    pub(super) fn begun_text(&self) -> &str {
        self.text.get(self.starts().0..).unwrap_or_default()
    }

    pub(super) fn line(&self, index: usize, id: LineId) -> Option<Line> {
        line_of(&self.text, &self.runs, &self.lines, index, id)
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        // A very long line was an exception.
        self.text.shrink_to(2 * super::BLOCK);
        self.runs.clear();
        self.lines.clear();
        self.begun = None;
    }

    /// Where the text and the runs of the line after the last complete one begin.
    fn starts(&self) -> (usize, usize) {
        self.lines.len().checked_sub(1).map_or((0, 0), |last| self.ends(last))
    }

    fn ends(&self, index: usize) -> (usize, usize) {
        self.lines.get(index).map_or((0, 0), |line| (line.text_end as usize, line.runs_end as usize))
    }
}

impl TextSink for OpenBlock {
    fn push_spans(&mut self, text: &str, spans: impl IntoIterator<Item = (usize, Style)>) {
        let (_, first_run) = self.starts();
        push_spans(&mut self.text, &mut self.runs, first_run, text, spans);
    }
}

/// A line of a block.
pub(super) fn line_of(text: &str, runs: &[StyleRun], lines: &[Entry], index: usize, id: LineId) -> Option<Line> {
    let entry = lines.get(index)?;
    let (text_start, runs_start) = match index.checked_sub(1) {
        Some(before) => lines.get(before).map(|line| (line.text_end as usize, line.runs_end as usize))?,
        None => (0, 0),
    };
    let content = slice(text, runs, text_start..entry.text_end as usize, runs_start..entry.runs_end as usize);
    Some(Line { id, at: entry.at, run: entry.run, kind: entry.kind, content })
}

fn slice(text: &str, runs: &[StyleRun], bytes: std::ops::Range<usize>, range: std::ops::Range<usize>) -> StyledText {
    let start = u32::try_from(bytes.start).unwrap_or(u32::MAX);
    let shifted = runs.get(range).unwrap_or_default().iter().map(|run| StyleRun {
        start: run.start.saturating_sub(start),
        end: run.end.saturating_sub(start),
        style: run.style,
    });
    StyledText { text: text.get(bytes).unwrap_or_default().to_owned(), runs: shifted.collect() }
}
