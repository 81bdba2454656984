//! What is drawn over the text of a line and beside it.

use std::ops::Range;

use crate::logs::{Attributes, Level, Style, StyleRun, StyledText};

/// What the cell beside a row tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::tui) struct GutterMark {
    /// How bad the line is.
    pub(in crate::tui) level: Option<Level>,
    /// The search has found it.
    pub(in crate::tui) hit: bool,
    /// The reader has gone there.
    pub(in crate::tui) current: bool,
}

/// Reverses parts of a text. The places are in order and do not overlap.
pub(super) fn reverse(content: &mut StyledText, places: &[Range<usize>]) {
    restyle(content, places, reversed);
}

/// Changes the looks of parts of a text. The places are in order and do not overlap.
pub(super) fn restyle(content: &mut StyledText, places: &[Range<usize>], changed: impl Fn(Style) -> Style) {
    let offset = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    let mut runs = Vec::with_capacity(content.runs.len() + 2 * places.len());
    let mut push = |start: u32, end: u32, style: Style| {
        if start < end {
            runs.push(StyleRun { start, end, style });
        }
    };
    let mut old = content.runs.iter().copied().peekable();
    let mut at = 0;
    for place in places {
        let (start, end) = (offset(place.start), offset(place.end));
        // What is before the place stays as it is.
        while let Some(run) = old.peek().copied().filter(|run| run.start < start) {
            push(run.start.max(at), run.end.min(start), run.style);
            if run.end > start {
                break;
            }
            old.next();
        }
        at = start;
        while let Some(run) = old.peek().copied().filter(|run| run.start < end) {
            push(at, run.start, changed(Style::default()));
            at = at.max(run.start);
            push(at, run.end.min(end), changed(run.style));
            at = at.max(run.end.min(end));
            if run.end > end {
                break;
            }
            old.next();
        }
        push(at, end, changed(Style::default()));
        at = end;
    }
    for run in old {
        push(run.start.max(at), run.end, run.style);
    }
    content.runs = runs;
}

fn reversed(style: Style) -> Style {
    let attributes = if style.attributes.contains(Attributes::REVERSE) {
        style.attributes.without(Attributes::REVERSE)
    } else {
        style.attributes.with(Attributes::REVERSE)
    };
    Style { attributes, ..style }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn style_at(content: &StyledText, place: u32) -> Style {
        let run = content.runs.iter().find(|run| (run.start..run.end).contains(&place));
        run.map_or_else(Style::default, |run| run.style)
    }

    proptest! {
        #[test]
        fn exactly_the_places_are_reversed(
            runs in prop::collection::vec((0_u32..5, 1_u32..6, 0_u16..200), 0..8),
            places in prop::collection::vec((0_usize..5, 1_usize..6), 0..6),
        ) {
            let mut before = StyledText { text: "x".repeat(100), runs: Vec::new() };
            let mut at = 0;
            for (gap, length, attributes) in runs {
                let style = Style { attributes: Attributes(attributes), ..Style::default() };
                before.runs.push(StyleRun { start: at + gap, end: at + gap + length, style });
                at += gap + length;
            }
            let mut at = 0;
            let places: Vec<_> = places.into_iter().map(|(gap, length)| {
                let place = at + gap..at + gap + length;
                at = place.end;
                place
            }).collect();
            let mut after = before.clone();
            reverse(&mut after, &places);
            for place in 0..100_u32 {
                let inside = places.iter().any(|range| range.contains(&(place as usize)));
                let style = style_at(&before, place);
                prop_assert_eq!(style_at(&after, place), if inside { reversed(style) } else { style });
            }
            prop_assert!(after.runs.is_sorted_by(|a, b| a.end <= b.start), "{:?}", after.runs);
        }
    }
}
