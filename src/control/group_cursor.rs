//! A place in the history of a group, and the text that names it for others.

use std::fmt;
use std::time::Duration;

use super::log_line::Cursor;
use crate::domain::Moment;
use crate::logs::Epoch;

/// A place in the history of a group: `17:482013250:5d07c3a1` is after event 17, 482 s after the start, in the group of that
/// epoch. For all others it is a text that only devgroup understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupCursor {
    /// Number of the last event before it.
    pub(super) after: u64,
    pub(super) at: Moment,
    /// Of the events.
    pub(super) epoch: Epoch,
}

impl fmt::Display for GroupCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.after, self.at.since_start().as_micros(), self.epoch)
    }
}

impl GroupCursor {
    /// Reads a cursor.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let after = parts.next()?.parse().ok()?;
        let at = Moment::after_start(Duration::from_micros(parts.next()?.parse().ok()?));
        Some(Self { after, at, epoch: parts.next()?.parse().ok()? })
    }
}

/// Whether `logs` and `settle` take this text for a cursor: each takes those of the other as well.
pub fn is_cursor(text: &str) -> bool {
    GroupCursor::parse(text).is_some() || Cursor::parse(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went_and_is_none_of_a_log() {
        let cursor = GroupCursor { after: 17, at: Moment::from_millis(482), epoch: Epoch::begin() };
        assert_eq!(GroupCursor::parse(&cursor.to_string()), Some(cursor));
        assert_eq!(GroupCursor::parse("17:8:9412:5d07c3a1"), None, "of a service that is called 17");
        for (text, is) in
            [("17:482013250:5d07c3a1", true), ("api:8:9412:5d07c3a1", true), ("5m", false), ("api", false)]
        {
            assert_eq!(is_cursor(text), is, "{text}");
        }
    }
}
