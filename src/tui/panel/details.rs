//! The details of a service: which one, and how far it is scrolled.

use super::{Surroundings, stepped};
use crate::domain::ServiceName;
use crate::logs::HOURS;
use crate::tui::action::Action;
use crate::tui::view::details_last_start;

/// Everything about a service: it stays that one, whatever is selected or removed meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tui) struct Details {
    /// Name of the service.
    pub(in crate::tui) service: ServiceName,
    /// The first line that is shown.
    pub(in crate::tui) scroll: usize,
    /// Restarts in each of the last hours, once they were read: as it was when this was opened.
    pub(in crate::tui) by_hour: Option<Box<[u32; HOURS]>>,
}

impl Details {
    /// From the first line on.
    pub(in crate::tui) fn of(service: ServiceName) -> Self {
        Self { service, scroll: 0, by_hour: None }
    }

    /// Scrolls the box by lines or pages.
    pub(super) fn act(&mut self, action: Action, around: &Surroundings<'_>) {
        let snapshot = around.world.snapshot;
        let last = snapshot.service(&self.service).map_or(0, |service| {
            details_last_start(
                (snapshot, service),
                self.by_hour.as_deref(),
                around.screen,
                around.glyphs,
                around.world.now,
            )
        });
        self.scroll = stepped(self.scroll, action, last);
    }
}
