//! Why the operating system's events are not enough here, and what helps.

use std::fmt;
use std::sync::Arc;

/// The reason. Its text is for people and ends with the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::watch) enum Refusal {
    /// The user has `max_user_watches` already.
    OutOfWatches {
        /// Watches that the tree takes.
        needed: usize,
        /// What is allowed to all programs of the user together.
        limit: Option<usize>,
    },
    /// The user has `max_user_instances` of inotify already.
    OutOfInstances {
        /// What is allowed to all programs of the user together.
        limit: Option<usize>,
    },
    /// The type of a file system on which others change files unheard.
    FileSystem(Arc<str>),
    /// Events do not arrive.
    Silent,
    /// What the system said.
    System(Arc<str>),
}

impl Refusal {
    pub(super) fn out_of_watches(needed: usize, limit: Option<usize>) -> Self {
        Self::OutOfWatches { needed, limit }
    }

    pub(super) fn out_of_instances(limit: Option<usize>) -> Self {
        Self::OutOfInstances { limit }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfWatches { needed, limit } => {
                // The others of the user may have all that is allowed now. A power of two, as everybody writes it.
                let enough = (limit.unwrap_or(0) + needed).next_power_of_two().max(1 << 16);
                write!(f, "out of inotify watches, {needed} needed · sudo sysctl fs.inotify.max_user_watches={enough}")
            }
            Self::OutOfInstances { limit } => {
                let enough = (limit.unwrap_or(0) + 1).next_power_of_two().max(1 << 10);
                write!(f, "out of inotify instances · sudo sysctl fs.inotify.max_user_instances={enough}")
            }
            Self::FileSystem(kind) => {
                write!(f, "{kind} does not report all changes · if only this machine writes: backend = \"native\"")
            }
            Self::Silent => write!(f, "file events do not arrive"),
            Self::System(error) => write!(f, "{error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_names_a_number_that_is_enough() {
        let said = |needed, limit| Refusal::out_of_watches(needed, limit).to_string();
        let remedy = "out of inotify watches, 20114 needed · sudo sysctl fs.inotify.max_user_watches=65536";
        assert_eq!(said(20_114, Some(8192)), remedy);
        assert!(said(10, Some(192_536)).ends_with("=262144"), "the others may have all");
        let said = Refusal::out_of_instances(Some(128)).to_string();
        assert_eq!(said, "out of inotify instances · sudo sysctl fs.inotify.max_user_instances=1024");
        assert!(Refusal::out_of_instances(Some(1024)).to_string().ends_with("=2048"));
    }
}
