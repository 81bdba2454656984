//! How many lines a search has found.

use super::super::glyphs::Glyphs;
use super::super::text;

/// How many lines a search has found, and which of them the reader is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui) struct MatchCount {
    /// Which match is current, counted from 1.
    pub(in crate::tui) place: Option<u64>,
    /// All that were found so far.
    pub(in crate::tui) count: u64,
    /// All lines were read.
    pub(in crate::tui) complete: bool,
}

impl MatchCount {
    /// `2 of 31`, with the ellipsis while more may be found; `2/31` where every cell counts.
    pub(in crate::tui) fn text(self, compact: bool, glyphs: &Glyphs) -> String {
        let of = if compact { "/" } else { " of " };
        let more = if self.complete { "" } else { glyphs.ellipsis };
        let count = text::thousands(self.count);
        match self.place {
            _ if self.count == 0 && self.complete => "no match".into(),
            Some(place) => format!("{}{of}{count}{more}", text::thousands(place)),
            None => format!("{count}{more}"),
        }
    }
}
