//! Whose lines are meant: those of one service, or those of all.

use crate::domain::ServiceName;

/// Whose lines a pane shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// The log of one service.
    Service(ServiceName),
    /// All services, in the order of arrival.
    Merged,
}

impl Source {
    /// The lines that are meant: those of all, or those of a service, if there is one.
    pub(super) fn of(merging: bool, service: Option<ServiceName>) -> Option<Self> {
        if merging { Some(Self::Merged) } else { service.map(Self::Service) }
    }

    /// The service, if it is one.
    pub(super) fn service(&self) -> Option<&ServiceName> {
        match self {
            Self::Service(name) => Some(name),
            Self::Merged => None,
        }
    }

    /// It is the merged view.
    pub(super) fn is_merged(&self) -> bool {
        *self == Self::Merged
    }
}
