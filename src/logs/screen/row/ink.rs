//! What stands on a row, there from when something is written on it: a screen has fifty rows, a group a thousand screens, and
//! most of them have a line or two.

use std::ops::{Deref, DerefMut};

use super::super::cell::Cell;
use crate::logs::Style;

/// What stands on a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    /// What stands on it while the row is plain: characters of one or two columns, no combining marks.
    pub(super) text: String,
    /// Columns of `text`: the first that was never written.
    pub(super) written: usize,
    /// Styles of `text`, without gaps: the byte where each ends.
    pub(super) spans: Vec<(u32, Style)>,
    /// Columns behind `text` over which tabs have jumped since the last character.
    pub(super) tabs: Vec<(usize, usize)>,
    /// As many as the screen has columns, or none while the row is plain.
    pub(super) cells: Vec<Cell>,
    /// Characters with combining marks.
    pub(super) clusters: Vec<Box<str>>,
}

static NOTHING: Marks = Marks {
    text: String::new(),
    written: 0,
    spans: Vec::new(),
    tabs: Vec::new(),
    cells: Vec::new(),
    clusters: Vec::new(),
};

/// The marks of a row, or none. To change them makes them.
#[derive(Clone, Debug, Default)]
pub(super) struct Ink(Option<Box<Marks>>);

impl Ink {
    /// Something was written, and may be erased again.
    pub(super) fn is_there(&self) -> bool {
        self.0.is_some()
    }
}

impl Deref for Ink {
    type Target = Marks;

    fn deref(&self) -> &Marks {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Ink {
    fn deref_mut(&mut self) -> &mut Marks {
        self.0.get_or_insert_default()
    }
}
