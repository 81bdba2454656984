//! The sizes of the services' terminals: those of their panes, while this dashboard is the one that was used last.

use std::collections::HashMap;
use std::time::Duration;

use super::{AttachmentLoop, SETTLED};
use crate::domain::{Command, Moment, ServiceName};
use crate::tui::layout::service_size;
use crate::tui::sizing::Sizer;
use crate::tui::ui_state::World;

/// After this, a size is told once more that the group did not take.
const AGAIN: Duration = Duration::from_millis(200);

/// The sizes that the services' terminals have.
pub(super) struct Sizes {
    /// As far as we know.
    told: HashMap<ServiceName, (u16, u16)>,
    /// Whether this dashboard is the one that they are sized by.
    pub(super) sizer: Sizer,
}

impl Sizes {
    /// Whoever started the services has guessed; telling it again costs nothing.
    pub(super) fn told_by(sizer: Sizer) -> Self {
        Self { told: HashMap::new(), sizer }
    }
}

impl AttachmentLoop {
    /// The terminals whose size is not that of their pane. A service without a pane has the size that the first pane
    /// would give it, so that it does not notice being selected; zoom is told to the service that is zoomed.
    pub(super) fn wanted_sizes(&self) -> impl Iterator<Item = (ServiceName, (u16, u16))> + '_ {
        let world = World { snapshot: &self.snapshot, size: self.size, now: Moment::START };
        let resting = self.ui.resting_screen(&world);
        let zoomed = self.ui.panes.zoom.then(|| self.ui.screen(&world));
        let services = if resting.one_line { &[][..] } else { &self.snapshot.services[..] };
        services.iter().enumerate().filter_map(move |(index, service)| {
            let pane = zoomed.as_ref().and_then(|screen| screen.pane(index)).or_else(|| resting.pane(index));
            let size = service_size(pane.or_else(|| resting.panes.first())?);
            (self.sizes.told.get(&service.name) != Some(&size)).then(|| (service.name.clone(), size))
        })
    }

    /// The services get the sizes that they have here, whatever they have now.
    pub(super) fn size_all(&mut self) {
        self.sizes.told.clear();
        self.timers.sizes = Some(self.clock.now() + SETTLED);
    }

    pub(super) fn send_sizes(&mut self) {
        if !self.sizes.sizer.leads() {
            return;
        }
        let wanted: Vec<_> = self.wanted_sizes().collect();
        for (service, (columns, rows)) in wanted {
            let command = Command::Resize { service: service.clone(), columns, rows };
            if self.handle.send(command).is_err() {
                // The queue is full: once more a little later. If the group has ended, somebody ends us soon.
                self.timers.sizes = Some(self.clock.now() + AGAIN);
                return;
            }
            self.sizes.told.insert(service, (columns, rows));
        }
    }
}
