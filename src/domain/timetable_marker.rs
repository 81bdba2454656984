//! What the log of a job says of the times of its schedule at which it did not run.

use std::fmt;

/// A line of devgroup about a schedule. Times are local, as people read them: `02:00:00`, with the day where that is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimetableMarker {
    /// A time has come, and the last run is not over.
    Skipped {
        /// What the job still does: `running`.
        doing: &'static str,
        /// Since when.
        since: String,
    },
    /// Times have passed while nobody could look at the clock.
    Missed {
        /// The first of them.
        first: String,
        /// How many others.
        more: usize,
        /// There may be more still, which nobody has counted.
        at_least: bool,
        /// What the clock showed when it was looked at last …
        from: String,
        /// … and what it showed then.
        to: String,
    },
    /// The clock was set back, and the next time is another one by it.
    SetBack {
        /// What the clock showed before.
        from: String,
        /// What it shows.
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
                write!(f, " · the clock went from {from} to {to} at once")
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
        let clock = "the clock went from 01:59:50 to 05:20:20 at once";
        assert_eq!(missed(0, false), format!("── missed · 02:00:00 · {clock} ──"));
        assert_eq!(missed(3, false), format!("── missed · 02:00:00 and 3 more · {clock} ──"));
        assert_eq!(missed(999, true), format!("── missed · 02:00:00 and at least 999 more · {clock} ──"));
        let back = TimetableMarker::SetBack { from: "05:30:00".into(), to: "03:10:20".into(), next: "04:00:00".into() };
        assert_eq!(line(back), "── the clock was set back · from 05:30:00 to 03:10:20 · next run 04:00:00 ──");
    }
}
