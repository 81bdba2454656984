//! A line of the log document.

use std::ops::Range;

use super::StyledText;
use crate::domain::{MarkerKind, Moment, RunId};

/// The number of a line in its document, for good: it stays when older lines are dropped and when the line scrolls from
/// the screen into history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineId(pub u64);

impl LineId {
    /// The first of some lines that is not before what is looked for, or the end of them. All lines that are before it come
    /// first.
    pub fn partition_point(lines: Range<Self>, mut is_before: impl FnMut(Self) -> bool) -> Self {
        let (mut low, mut high) = (lines.start.0, lines.end.0);
        while low < high {
            let middle = low + (high - low) / 2;
            if is_before(Self(middle)) { low = middle + 1 } else { high = middle }
        }
        Self(low)
    }
}

/// What made a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// The service printed it.
    Output,
    /// devgroup wrote it.
    Marker(MarkerKind),
}

/// Every line that is kept has one.
const _: () = assert!(size_of::<LineKind>() == 1);

impl LineKind {
    /// devgroup wrote it.
    pub fn is_marker(self) -> bool {
        matches!(self, Self::Marker(_))
    }
}

/// A logical line: soft-wrapped rows joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Number of the line in its document.
    pub id: LineId,
    /// When its first byte arrived.
    pub at: Moment,
    /// The run that printed it; of a marker, the run that it tells of.
    pub run: RunId,
    /// What made it.
    pub kind: LineKind,
    /// Text and looks.
    pub content: StyledText,
}
