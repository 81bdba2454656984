//! How many lines a search has found, and how many errors there are.

use super::super::glyphs::Glyphs;
use super::super::text;
use super::viewport::Viewport;
use crate::logs::{Failures, LineSource};

/// How many lines a search has found, or how many errors there are, and which of them the reader is at.
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
    /// All was read, and nothing was found.
    pub(in crate::tui) fn is_none(self) -> bool {
        self.count == 0 && self.complete
    }

    /// `2 of 31`, `31 matches`, with the ellipsis while more may be found; `2/31` where every cell counts.
    pub(in crate::tui) fn text(self, compact: bool, glyphs: &Glyphs) -> String {
        let of = if compact { "/" } else { " of " };
        let more = if self.complete { "" } else { glyphs.ellipsis };
        let count = text::thousands(self.count);
        match self.place {
            _ if self.is_none() => "no match".into(),
            Some(place) => format!("{}{of}{count}{more}", text::thousands(place)),
            None if compact => format!("{count}{more}"),
            None if self.count == 1 => format!("1 match{more}"),
            None => format!("{count} matches{more}"),
        }
    }
}

/// Errors of a service that are looked at for one frame.
const ERRORS_AT_ONCE: usize = 2_000;

impl Viewport {
    /// Which failure the reader has gone to, and of how many, as it was known last; nothing before all were known. Under a
    /// filter, where only some can be gone to, nobody counts.
    pub(super) fn error_count(&mut self, source: &mut LineSource<'_>) -> Option<MatchCount> {
        let Some(mark) = self.current.as_ref().filter(|mark| mark.is_error && !source.is_filtered()) else {
            self.failures.clear();
            self.known_count = None;
            return None;
        };
        self.failures.resize_with(source.lanes.len(), Failures::default);
        let (mut place, mut count, mut complete) = (1, 0, true);
        for (index, (lane, failures)) in source.lanes.iter_mut().zip(&mut self.failures).enumerate() {
            complete &= failures.read_on(lane.lines.reader(), lane.errors.as_ref()?, ERRORS_AT_ONCE);
            let first = lane.lines.first();
            count += failures.count_from(first);
            place += failures.rank(mark.place.of(index)).saturating_sub(failures.rank(first));
        }
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let mark = (mark.lane, mark.id);
        if complete {
            self.known_count = Some((mark, MatchCount { place: Some(number(place)), count: number(count), complete }));
        }
        self.known_count.filter(|(of, _)| *of == mark).map(|(_, count)| count)
    }
}
