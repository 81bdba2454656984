//! The cursor and what is saved with it, character sets, and tab stops.

use crate::logs::Style;

/// Where and how the next character is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) row: usize,
    pub(super) column: usize,
    /// A character stands in the last column: the next one goes to the next row first.
    pub(super) pending_wrap: bool,
    pub(super) style: Style,
    /// G0 to G3.
    pub(super) charsets: [Charset; 4],
    /// The one in use: 0 after SI, 1 after SO.
    pub(super) shift: usize,
    /// DECOM as it was when the cursor was saved.
    pub(super) origin: bool,
}

impl Cursor {
    /// The character set in use.
    pub(super) fn charset(&self) -> Charset {
        self.charsets.get(self.shift).copied().unwrap_or_default()
    }
}

/// A set of 94 characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Charset {
    /// ASCII: each character as it is.
    #[default]
    Ascii,
    /// DEC special graphics: lines and corners instead of small letters.
    Lines,
    /// ASCII with a pound sign.
    British,
}

impl Charset {
    /// What a character means in this set.
    pub(super) fn map(self, c: char) -> char {
        match self {
            Self::Ascii => c,
            Self::British if c == '#' => '£',
            Self::British => c,
            Self::Lines => match c {
                '_' => ' ',
                '`'..='~' => {
                    const GRAPHICS: [char; 31] = [
                        '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺', '⎻', '─', '⎼',
                        '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
                    ];
                    GRAPHICS.get(c as usize - '`' as usize).copied().unwrap_or(c)
                }
                _ => c,
            },
        }
    }
}

/// Tab stops, one for each column.
#[derive(Clone, Debug)]
pub(super) struct Tabs(Vec<bool>);

impl Tabs {
    const EVERY: usize = 8;

    /// A stop at each eighth column.
    pub(super) fn new(columns: usize) -> Self {
        let mut tabs = Self(Vec::new());
        tabs.resize(columns);
        tabs
    }

    /// Another width; columns that are new get the usual stops.
    pub(super) fn resize(&mut self, columns: usize) {
        let known = self.0.len();
        self.0.truncate(columns);
        self.0.extend((known..columns).map(|column| column % Self::EVERY == 0));
    }

    /// HTS and TBC.
    pub(super) fn set(&mut self, column: usize, stop: bool) {
        if let Some(place) = self.0.get_mut(column) {
            *place = stop;
        }
    }

    /// TBC 3: no column has a tab stop any more.
    pub(super) fn clear(&mut self) {
        self.0.fill(false);
    }

    /// The stop after a column, or the last column.
    pub(super) fn next(&self, column: usize) -> usize {
        let found = self.0.iter().skip(column + 1).position(|stop| *stop);
        found.map_or(self.0.len().saturating_sub(1), |distance| column + 1 + distance)
    }

    /// The stop before a column, or the first column.
    pub(super) fn previous(&self, column: usize) -> usize {
        self.0.iter().take(column).rposition(|stop| *stop).unwrap_or(0)
    }
}
