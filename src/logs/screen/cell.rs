//! One cell of a row that needs cells.

use crate::logs::{Attributes, Color, Style};

/// A character with its looks, or a part of a wide one. A row's table holds what a `char` cannot: a character with
/// combining marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    glyph: u32,
    pub(super) style: Style,
    pub(super) kind: CellKind,
}

/// What a cell is to its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellKind {
    /// A character of one column.
    Narrow,
    /// The left half of a character of two columns.
    Wide,
    /// The right half.
    WideEnd,
    /// The last column, left free because a wide character did not fit.
    Filler,
}

/// What a cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glyph {
    /// A printed character, without those that combine with it.
    Char(char),
    /// An entry of the row's table of clusters.
    Cluster(usize),
}

const CLUSTER: u32 = 1 << 31;
/// Nothing was printed there, or what was is erased: it looks like a space, and is none. No program can print it.
const NOTHING: char = '\0';

impl Cell {
    /// A cell with one character.
    pub(super) const fn new(c: char, style: Style, kind: CellKind) -> Self {
        Self { glyph: c as u32, style, kind }
    }

    /// What erasing leaves: the background stays, as terminals do it.
    pub(super) const fn erased(background: Color) -> Self {
        let (foreground, underline) = (Color::Default, Color::Default);
        let style = Style { foreground, background, underline, attributes: Attributes(0), link: None };
        Self::new(NOTHING, style, CellKind::Narrow)
    }

    /// What it shows.
    pub(super) fn glyph(self) -> Glyph {
        match self.glyph & CLUSTER {
            0 if self.glyph == u32::from(NOTHING) => Glyph::Char(' '),
            0 => Glyph::Char(char::from_u32(self.glyph).unwrap_or(' ')),
            _ => Glyph::Cluster((self.glyph & !CLUSTER) as usize),
        }
    }

    /// Shows a cluster from now on.
    pub(super) fn set_cluster(&mut self, index: usize) {
        self.glyph = CLUSTER | u32::try_from(index).unwrap_or(0);
    }

    /// Nobody could see it: a space without colours, whether it was printed or not.
    pub(super) fn is_blank(self) -> bool {
        self.kind == CellKind::Narrow && self.glyph() == Glyph::Char(' ') && self.style.shows_nothing()
    }

    /// Nothing was printed there, and nothing is to be seen. Such cells at the end of a line are no text; spaces that
    /// were printed are.
    pub(super) fn is_empty(self) -> bool {
        self.glyph == u32::from(NOTHING) && self.kind == CellKind::Narrow && self.style.shows_nothing()
    }

    /// Half of a wide character, or the filler before one.
    pub(super) fn is_part(self) -> bool {
        self.kind != CellKind::Narrow
    }

    /// Nothing in the same style: what stays of half a wide character.
    pub(super) fn blanked(self) -> Self {
        Self::new(NOTHING, self.style, CellKind::Narrow)
    }
}

impl Style {
    /// A space in this style is as good as none.
    pub(super) fn shows_nothing(self) -> bool {
        const SEEN: u16 =
            Attributes::REVERSE.0 | Attributes::UNDERLINE.0 | Attributes::STRIKE.0 | Attributes::OVERLINE.0;
        self.foreground == Color::Default && self.background == Color::Default && self.attributes.0 & SEEN == 0
    }
}
