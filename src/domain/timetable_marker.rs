//! What the log of a job says of the times of its schedule at which it did not run.

use std::fmt;

/// A line of devgroup about a schedule. Times are local, as people read them: `02:00:00`, with the date if it is another
/// day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimetableMarker {
    /// A time came while the last run was still going on.
    Skipped {
        /// What the job is still doing: `running`.
        doing: &'static str,
        /// Since when.
        since: String,
    },
    /// Times passed while devgroup could not look at the clock.
    Missed {
        /// The first of them.
        first: String,
        /// How many others.
        more: usize,
        /// There may be even more, which were not counted.
        at_least: bool,
        /// What the clock showed at the last look …
        from: String,
        /// … and what it showed at the next one.
        to: String,
    },
    /// The clock was set back, so the next time is a different one.
    SetBack {
        /// What the clock showed before.
        from: String,
        /// What it shows now.
        to: String,
        /// The next time.
        next: String,
    },
}

impl fmt::Display for TimetableMarker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped { doing, since } => write!(f, "skipped · still {doing} since {since}"),
            Self::Missed { first, more, at_least, from, to } => {
                write!(f, "missed · {first}")?;
                match (more, at_least) {
                    (0, _) => {}
                    (more, false) => write!(f, " and {more} more")?,
                    (more, true) => write!(f, " and at least {more} more")?,
                }
                write!(f, " · the clock jumped from {from} to {to}")
            }
            Self::SetBack { from, to, next } => {
                write!(f, "the clock was set back · from {from} to {to} · next run {next}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Marker;

    fn line(marker: TimetableMarker) -> String {
        Marker::Timetable(marker).line("14:02:11")
    }

    #[test]
    fn they_read_as_the_documentation_shows_them() {
        let skipped = TimetableMarker::Skipped { doing: "running", since: "02:00:00".into() };
        assert_eq!(line(skipped), "── skipped · still running since 02:00:00 ──");
        let missed = |more, at_least| {
            let (first, from, to) = ("02:00:00".into(), "01:59:50".into(), "05:20:20".into());
            line(TimetableMarker::Missed { first, more, at_least, from, to })
        };
        let clock = "the clock jumped from 01:59:50 to 05:20:20";
        assert_eq!(missed(0, false), format!("── missed · 02:00:00 · {clock} ──"));
        assert_eq!(missed(3, false), format!("── missed · 02:00:00 and 3 more · {clock} ──"));
        assert_eq!(missed(999, true), format!("── missed · 02:00:00 and at least 999 more · {clock} ──"));
        let back = TimetableMarker::SetBack { from: "05:30:00".into(), to: "03:10:20".into(), next: "04:00:00".into() };
        assert_eq!(line(back), "── the clock was set back · from 05:30:00 to 03:10:20 · next run 04:00:00 ──");
    }
}
