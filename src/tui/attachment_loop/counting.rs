//! Errors that are printed out of sight: counted now and then, from the logs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::AttachmentLoop;
use crate::domain::{Moment, ServiceName};
use crate::tui::searcher::Searcher;

/// Between two counts.
const COUNT: Duration = Duration::from_millis(500);

/// Who counts, and when it did.
#[derive(Default)]
pub(super) struct ErrorCounter {
    /// Reads what is out of sight: not that of the search, so that a search never waits for it.
    reader: Searcher,
    counted: Option<Moment>,
}

impl ErrorCounter {
    /// Tells when it has read on.
    pub(super) fn found(&self) -> Arc<Notify> {
        self.reader.found()
    }
}

impl AttachmentLoop {
    /// Something was printed: errors out of sight are counted soon.
    pub(super) fn count_later(&mut self) {
        let next = self.error_counter.counted.map_or(Moment::START, |counted| counted + COUNT);
        self.timers.count = self.timers.count.or(Some(next.max(self.clock.now())));
    }

    pub(super) fn count_unseen(&mut self, now: Moment) {
        (self.timers.count, self.error_counter.counted) = (None, Some(now));
        let mut behind = Vec::new();
        let members = self.members();
        let selected = self.ui.source(&self.snapshot);
        let followed = selected.and_then(|source| self.last_frame.pane_of(&source)).filter(|drawn| drawn.text.follow);
        let followed = followed.iter().flat_map(|drawn| &drawn.text.seen);
        let followed: Vec<&ServiceName> = followed.map(|(name, _)| name).collect();
        self.frames.redraw |= self.ui.unseen.count(&members, |name| followed.contains(&name), &mut behind);
        let snapshot = Arc::clone(&self.snapshot);
        self.frames.redraw |= self.ui.look_for_errors(&members, &snapshot, &mut behind);
        behind.into_iter().for_each(|scan| self.error_counter.reader.read(scan));
    }
}
