//! A row on its way to another width.

use super::super::cell::{Cell, CellKind, Glyph};
use super::{PAD, Row, WHOLLY};
use crate::domain::Moment;
use crate::logs::{Color, Style};

/// A cell on its way to a row of another width.
#[derive(Clone, Debug)]
pub(in crate::logs::screen) struct Piece {
    /// The cell; its cluster is beside it.
    pub(in crate::logs::screen) cell: Cell,
    /// The character with its combining marks, if it has any.
    pub(in crate::logs::screen) cluster: Option<Box<str>>,
}

impl Piece {
    /// A space that nobody printed.
    pub(in crate::logs::screen) fn blank() -> Self {
        Self { cell: Cell::erased(Color::Default), cluster: None }
    }

    /// The left half of a wide character.
    pub(in crate::logs::screen) fn is_wide_start(&self) -> bool {
        self.cell.kind == CellKind::Wide
    }
}

impl Row {
    /// Its cells as pieces for a row of another width, without what only filled the old one.
    pub(in crate::logs::screen) fn pieces(&self, columns: usize) -> impl Iterator<Item = Piece> + '_ {
        let mut copy = self.clone();
        let end = if self.wrapped { columns } else { self.content_len() };
        let cells = std::mem::take(copy.cells_mut(columns));
        cells.into_iter().take(end).filter(|cell| cell.kind != CellKind::Filler).map(move |cell| {
            let cluster = match cell.glyph() {
                Glyph::Char(_) => None,
                Glyph::Cluster(index) => self.ink.clusters.get(index).cloned(),
            };
            Piece { cell, cluster }
        })
    }

    /// A row of pieces that fit.
    pub(in crate::logs::screen) fn from_pieces(pieces: &[Piece], columns: usize, at: Moment) -> Self {
        let mut row = Self::new(at);
        let ascii = |piece: &Piece| match piece.cell.glyph() {
            Glyph::Char(c) if c.is_ascii() && !piece.cell.is_part() => Some(c),
            _ => None,
        };
        if pieces.iter().all(|piece| ascii(piece).is_some()) {
            for (piece, c) in pieces.iter().filter_map(|piece| Some((piece, ascii(piece)?))) {
                if piece.cell.is_empty() {
                    row.push_blanks(row.ink.written + 1, PAD);
                    continue;
                }
                row.ink.text.push(c);
                row.ink.written += 1;
                row.extend_spans(piece.cell.style);
            }
            return row;
        }
        for piece in pieces {
            let mut cell = piece.cell;
            if let Some(cluster) = &piece.cluster {
                cell.set_cluster(row.ink.clusters.len());
                row.ink.clusters.push(cluster.clone());
            }
            row.ink.cells.push(cell);
        }
        row.ink.cells.resize(columns, Cell::erased(Color::Default));
        row
    }

    /// The last column stays free, because a wide character does not fit into it.
    pub(in crate::logs::screen) fn fill_last(&mut self, columns: usize) {
        if let Some(last) = self.cells_mut(columns).last_mut() {
            *last = Cell::new(' ', Style::default(), CellKind::Filler);
        }
    }

    /// The first `filed` of its `length` columns stand in history. If that is all, the row is done, unless it is
    /// `open`: more may be written behind.
    pub(in crate::logs::screen) fn file_to(&mut self, filed: usize, length: usize, open: bool) {
        self.filed = match u16::try_from(filed.min(length)) {
            Ok(columns) if filed < length || open => columns,
            _ => WHOLLY,
        };
    }

    /// Cut or padded to another width.
    pub(in crate::logs::screen) fn set_width(&mut self, columns: usize) {
        self.wrapped = false;
        if !self.ink.is_there() {
            return;
        }
        self.ink.tabs.retain(|(_, to)| *to <= columns);
        if !self.ink.cells.is_empty() || !self.truncate_plain(columns) {
            let old = self.ink.cells.len().max(self.ink.written);
            self.cut_at(columns, columns, old);
            self.ink.cells.resize(columns, Cell::erased(Color::Default));
        }
    }
}
