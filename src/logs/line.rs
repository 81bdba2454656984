//! A line of the log document.

use super::StyledText;
use crate::domain::{Moment, RunId};

/// The number of a line in its document, for good: it stays when older lines are dropped and when the line scrolls from
/// the screen into history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineId(pub u64);

/// What made a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// The service printed it.
    Output,
    /// devgroup wrote it.
    Marker,
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
