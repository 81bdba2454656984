//! A batch of changes: what `settle` tells of, unless somebody says since when.

use std::time::Duration;

use crate::domain::{GoingOn, Moment};

use super::Engine;

/// A change that comes sooner after all that the one before it led to belongs to the same batch: a script that edits file
/// after file may be slower than a service that restarts.
const APART: Duration = Duration::from_secs(1);

/// The last batch of changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    has_begun: bool,
    /// Since when all that it led to has been done; `None` while it goes on.
    done_at: Option<Moment>,
}

impl Batch {
    /// Something has changed at this time. True if a batch begins with it.
    pub(super) fn add(&mut self, at: Moment) -> bool {
        let is_over = self.done_at.is_some_and(|done| at.since(done) >= APART);
        self.done_at = None;
        !std::mem::replace(&mut self.has_begun, true) || is_over
    }

    /// Whether something of it is still to be done.
    pub(super) fn look(&mut self, goes_on: bool, now: Moment) {
        self.done_at = if goes_on { None } else { self.done_at.or(Some(now)) };
    }
}

impl Engine {
    /// Whether changes are still to be decided, or a service still does what they have led to.
    pub(super) fn changes_go_on(&self) -> bool {
        let shown = self.snapshot();
        let mut services = self.services.iter().zip(&shown.services);
        self.changes.is_about_any()
            || self.file_unread.is_some()
            || services.any(|(service, shown)| match &shown.going_on {
                // A job may run for as long as the group does.
                None | Some(GoingOn::Job) => false,
                Some(
                    GoingOn::Changes
                    | GoingOn::Git
                    | GoingOn::Validation
                    | GoingOn::Replacement
                    | GoingOn::Command
                    | GoingOn::Signal,
                ) => true,
                // A service that crashes again and again, or starts for the first time, does not do so because of a change.
                Some(GoingOn::Queue | GoingOn::Start | GoingOn::Stop | GoingOn::Other(_)) => {
                    service.does_what_was_asked()
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_of_the_same_batch_until_all_has_been_done_for_a_second() {
        let at = |ms| Moment::from_millis(ms);
        let mut batch = Batch::default();
        assert!(batch.add(at(100)));
        batch.look(true, at(100));
        assert!(!batch.add(at(60_000)), "it goes on");
        batch.look(false, at(61_000));
        batch.look(false, at(61_800));
        assert!(!batch.add(at(61_999)), "too soon after it");
        batch.look(false, at(63_100));
        assert!(!batch.add(at(63_050)), "news of a write comes later than the write");
        batch.look(false, at(63_100));
        assert!(batch.add(at(64_100)));
        assert!(!batch.add(at(99_000)), "nobody has looked whether all is done");
    }
}
