//! Lines that have scrolled off the screen: the newest in an open block, older ones in compressed blocks; the oldest
//! are dropped.

mod block;
mod excerpt;
mod open;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use block::{Decoded, Packer, Sealed};
pub(super) use excerpt::{Block, BlockText};
pub(super) use open::OpenBlock;

use super::style::TextSink;
use super::{Line, LineId, LineKind, Style, StyledText};
use crate::domain::{MarkerKind, Moment, RunId};

/// Text of a block that is full.
const BLOCK: usize = 64 * 1024;
/// A small budget gets small blocks, so that dropping one does not empty the history.
const SMALLEST_BLOCK: usize = 4 * 1024;
/// Lines of a block that is full, however short they are.
const BLOCK_LINES: usize = 8 * 1024;
/// A longer line goes on as a new one, where the budget has room for such lines …
const LONGEST_LINE: usize = 1024 * 1024;
/// … and where it has none.
const SMALL_LINE: usize = 64 * 1024;
/// Decompressed blocks that are kept: what is on the screen may lie across two.
const CACHED: usize = 2;

/// The history of one document.
#[derive(Debug)]
pub(super) struct History {
    sealed: VecDeque<Sealed>,
    open: OpenBlock,
    /// Number of the first line of the open block.
    open_first: u64,
    sealed_bytes: usize,
    memory: usize,
    dropped: u64,
    run: RunId,
    packer: Packer,
    cache: VecDeque<Decoded>,
}

impl History {
    /// An empty history with a budget in bytes.
    pub(super) fn new(memory: usize) -> Self {
        Self {
            sealed: VecDeque::new(),
            open: OpenBlock::default(),
            open_first: 0,
            sealed_bytes: 0,
            memory,
            dropped: 0,
            run: RunId::default(),
            packer: Packer::default(),
            cache: VecDeque::new(),
        }
    }

    /// Changes the budget in bytes.
    pub(super) fn set_memory(&mut self, memory: usize) {
        self.memory = memory;
        self.drop_oldest();
    }

    /// Number of the oldest line.
    pub(super) fn first(&self) -> u64 {
        self.sealed.front().map_or(self.open_first, |block| block.first)
    }

    /// Number of the line after the last complete one: of the begun line, if there is one.
    pub(super) fn end(&self) -> u64 {
        self.open_first + self.open.len() as u64
    }

    /// Lines that were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The begun line: the soft-wrapped rows that have left the screen while the rest of their line is still on it.
    pub(super) fn begun(&self) -> Option<(Moment, StyledText)> {
        self.open.begun()
    }

    /// Its text, or nothing.
    pub(super) fn begun_text(&self) -> &str {
        self.open.begun_text()
    }

    /// A line is begun.
    pub(super) fn is_begun(&self) -> bool {
        self.open.is_begun()
    }

    /// Goes on with the begun line, or begins one. A very long line is cut, so that output without line ends stays in
    /// bounds.
    pub(super) fn line_to_extend(&mut self, at: Moment) -> &mut OpenBlock {
        if self.open.begun_len() >= (self.memory / 16).clamp(SMALL_LINE, LONGEST_LINE) {
            self.end_line();
        }
        self.open.begin(at);
        &mut self.open
    }

    /// Ends the begun line, if there is one.
    pub(super) fn end_line(&mut self) {
        self.open.end(LineKind::Output, self.run);
        self.seal_if_full();
    }

    /// The run that lines belong to from now on.
    pub(super) fn set_run(&mut self, run: RunId) {
        self.run = run;
    }

    /// The run that lines belong to.
    pub(super) fn run(&self) -> RunId {
        self.run
    }

    /// Adds a marker; a begun line ends before it.
    pub(super) fn push_marker(&mut self, text: &str, kind: MarkerKind, at: Moment) {
        self.end_line();
        self.open.begin(at);
        self.open.push(text, Style::default());
        self.open.end(LineKind::Marker(kind), self.run);
        self.seal_if_full();
    }

    /// A complete line.
    pub(super) fn line(&mut self, id: u64) -> Option<Line> {
        if let Some(index) = id.checked_sub(self.open_first) {
            return self.open.line(usize::try_from(index).ok()?, LineId(id));
        }
        if let Some(block) = self.cache.iter().find(|block| block.contains(id)) {
            return block.line(id);
        }
        let index = self.sealed.partition_point(|block| block.first <= id).checked_sub(1)?;
        let block = self.sealed.get(index)?.decode()?;
        let line = block.line(id);
        self.cache.truncate(CACHED - 1);
        self.cache.push_front(block);
        line
    }

    /// The first line that arrived later, or the line after the last complete one. Lines that were written over may be
    /// younger than those below them: then it is one of those that arrived about then.
    pub(super) fn line_after(&mut self, at: Moment) -> u64 {
        let before = self.sealed.partition_point(|block| block.at <= at);
        let in_open = self.open.lines.first().is_some_and(|line| line.at <= at);
        let lines = match before.checked_sub(1).and_then(|index| self.sealed.get(index)) {
            _ if in_open => self.open_first..self.end(),
            Some(block) => block.first..block.first + block.len(),
            None => self.first()..self.first(),
        };
        let is_before = |id: LineId| self.line(id.0).is_some_and(|line| line.at <= at);
        LineId::partition_point(LineId(lines.start)..LineId(lines.end), is_before).0
    }

    /// Bytes that the kept lines take up.
    pub(super) fn bytes(&self) -> usize {
        self.sealed_bytes + self.open.bytes()
    }

    fn seal_if_full(&mut self) {
        let full = (self.memory / 8).clamp(SMALLEST_BLOCK, BLOCK);
        if self.open.text_len() < full && self.open.len() < BLOCK_LINES {
            return;
        }
        let block = self.packer.seal(self.open_first, &self.open);
        self.open_first = self.end();
        self.open.clear();
        self.sealed_bytes += block.bytes();
        self.sealed.push_back(block);
        self.drop_oldest();
    }

    fn drop_oldest(&mut self) {
        while self.bytes() > self.memory && self.drop_block() {}
    }

    /// Drops the oldest block, if there is one.
    pub(super) fn drop_block(&mut self) -> bool {
        let Some(block) = self.sealed.pop_front() else { return false };
        self.sealed_bytes -= block.bytes();
        self.dropped += block.len();
        self.cache.retain(|cached| !cached.contains(block.first));
        true
    }
}
