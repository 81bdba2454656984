//! Parts of the history that are read without the document: a search unpacks and reads them while output goes on.

use std::borrow::Cow;
use std::ops::Range;

use lz4_flex::block::decompress_into;

use super::block::{Sealed, decode_ends};
use super::{History, LineKind};

/// A copy of a block's complete lines; of a compressed one, cheap.
#[derive(Clone, Debug)]
pub(in crate::logs) enum Block {
    /// A block that is compressed and does not change any more.
    Sealed(SealedBlock),
    /// The newest lines.
    Open(OpenLines),
}

/// A compressed block.
#[derive(Clone, Debug)]
pub(in crate::logs) struct SealedBlock(Sealed);

/// The newest lines.
#[derive(Clone, Debug)]
pub(in crate::logs) struct OpenLines {
    first: u64,
    text: String,
    ends: Vec<(u32, LineKind)>,
}

/// The lines of a block, unpacked.
#[derive(Debug)]
pub(in crate::logs) struct BlockText<'a> {
    /// The text of all lines, without separators.
    pub(in crate::logs) text: &'a str,
    table: Table<'a>,
}

#[derive(Debug)]
enum Table<'a> {
    Ready(&'a [(u32, LineKind)]),
    Packed { plain: &'a [u8], lines: u32 },
}

impl History {
    /// At most so many blocks that are next to the lines that are `covered`, which then covers them too: newer ones
    /// first, from old to new; then older ones, from new to old. Nothing if there are no more. What was dropped is taken
    /// out of `covered`; a first call begins with an empty range of `u64::MAX`. Older blocks are not needed if they end
    /// before `floor`.
    pub(in crate::logs) fn blocks_beside(&self, covered: &mut Range<u64>, floor: u64, limit: usize) -> Vec<Block> {
        let (first, end) = (self.first(), self.end());
        if covered.start > end || covered.end < first {
            *covered = end..end;
        }
        covered.start = covered.start.max(first);
        let mut blocks = Vec::new();
        if covered.end < end {
            let from = self.sealed.partition_point(|block| block.first + block.len() <= covered.end);
            blocks.extend(
                self.sealed.iter().skip(from).take(limit).map(|block| Block::Sealed(SealedBlock(block.clone()))),
            );
            if blocks.len() < limit {
                blocks.extend(self.open_lines());
            }
            covered.end = blocks.last().map_or(end, Block::end);
        } else if covered.start > first.max(floor) {
            if covered.start > self.open_first {
                blocks.extend(self.open_lines());
            }
            let before = self.sealed.partition_point(|block| block.first < covered.start);
            let older = self.sealed.iter().take(before).rev().take(limit.saturating_sub(blocks.len()));
            blocks.extend(older.map(|block| Block::Sealed(SealedBlock(block.clone()))));
            covered.start = blocks.last().map_or(first, Block::first);
        }
        blocks
    }

    fn open_lines(&self) -> Option<Block> {
        let end = self.open.lines.last()?.text_end as usize;
        Some(Block::Open(OpenLines {
            first: self.open_first,
            text: self.open.text.get(..end)?.to_owned(),
            ends: self.open.lines.iter().map(|line| (line.text_end, line.kind)).collect(),
        }))
    }
}

impl Block {
    /// Number of its first line.
    pub(in crate::logs) fn first(&self) -> u64 {
        match self {
            Self::Sealed(block) => block.0.first,
            Self::Open(open) => open.first,
        }
    }

    /// Number of the line after its last.
    pub(in crate::logs) fn end(&self) -> u64 {
        match self {
            Self::Sealed(block) => block.0.first + block.0.len(),
            Self::Open(open) => open.first + open.ends.len() as u64,
        }
    }

    /// Its text, unpacked into the buffer where that is needed. `None` if it is damaged, which only a fault of this
    /// module could cause.
    pub(in crate::logs) fn text<'a>(&'a self, buffer: &'a mut Vec<u8>) -> Option<BlockText<'a>> {
        match self {
            Self::Sealed(SealedBlock(block)) => {
                buffer.resize(block.unpacked as usize, 0);
                decompress_into(&block.packed, buffer).ok()?;
                let text = std::str::from_utf8(buffer.get(block.text_start as usize..)?).ok()?;
                Some(BlockText { text, table: Table::Packed { plain: buffer, lines: block.lines } })
            }
            Self::Open(open) => Some(BlockText { text: &open.text, table: Table::Ready(&open.ends) }),
        }
    }
}

impl BlockText<'_> {
    /// Where each line ends in the text, and what made it.
    pub(in crate::logs) fn ends(&self) -> Option<Cow<'_, [(u32, LineKind)]>> {
        match self.table {
            Table::Ready(ends) => Some(Cow::Borrowed(ends)),
            Table::Packed { plain, lines } => decode_ends(plain, lines).map(Cow::Owned),
        }
    }
}
