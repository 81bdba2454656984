//! What the log of a job says of runs that are none of the group's: one that was not needed, and those in other terminals.

use std::fmt;
use std::time::Duration;

use super::{ExitStatus, human};

/// An entry of the log of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobMarker {
    /// It is done without a run: its inputs have not changed since its last success.
    Unchanged {
        /// For people: `package-lock.json unchanged since the last success (Nov 25 14:02:11)`.
        inputs: String,
    },
    /// It was started in another terminal (`devgroup run`).
    Elsewhere {
        /// The process that runs it.
        pid: u32,
    },
    /// It has ended there.
    EndedElsewhere {
        /// How it ended, if that is known.
        status: Option<ExitStatus>,
        /// How long it ran.
        after: Duration,
    },
}

impl fmt::Display for JobMarker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged { inputs } => write!(f, "done · {inputs} · r runs it"),
            Self::Elsewhere { pid } => write!(f, "running in another terminal · pid {pid}"),
            Self::EndedElsewhere { status: None, after } => {
                write!(f, "ended in another terminal · after {}", human(*after))
            }
            Self::EndedElsewhere { status: Some(status), after } => {
                write!(f, "ended in another terminal · {status} · after {}", human(*after))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_read_as_the_documentation_shows_them() {
        let after = Duration::from_millis(3_200);
        for (marker, words) in [
            (
                JobMarker::Unchanged { inputs: "lock unchanged since the last success (Nov 25 14:02:11)".into() },
                "done · lock unchanged since the last success (Nov 25 14:02:11) · r runs it",
            ),
            (JobMarker::Elsewhere { pid: 812 }, "running in another terminal · pid 812"),
            (JobMarker::EndedElsewhere { status: None, after }, "ended in another terminal · after 3.2s"),
            (
                JobMarker::EndedElsewhere { status: Some(ExitStatus::Signal(15)), after },
                "ended in another terminal · SIGTERM · after 3.2s",
            ),
        ] {
            assert_eq!(marker.to_string(), words);
        }
    }
}
