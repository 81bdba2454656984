//! What a line of devgroup is known by where its words do not matter.

/// What a marker is, as far as readers of a log tell one from another. Its line keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkerKind {
    /// A run begins with it.
    Start,
    /// A run would have begun, and has failed to.
    FailedStart,
    /// Something has failed.
    Failure,
    /// Any other one.
    Other,
}

impl MarkerKind {
    /// A run begins with it, or would have.
    pub fn is_start(self) -> bool {
        matches!(self, Self::Start | Self::FailedStart)
    }

    /// It tells of a failure.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::FailedStart | Self::Failure)
    }
}
