//! The sizes of the services' terminals: those of their panes, while this dashboard is the one that was used last.

use super::{AttachmentLoop, SETTLED, START};
use crate::domain::{Command, Moment, ServiceName};
use crate::tui::layout::service_size;
use crate::tui::ui_state::World;

impl AttachmentLoop {
    /// The terminals whose size is not that of their pane. A service without a pane has the size that the first pane
    /// would give it, so that it does not notice being selected; zoom is told to the service that is zoomed.
    pub(super) fn wanted_sizes(&self) -> impl Iterator<Item = (ServiceName, (u16, u16))> + '_ {
        let world = World { snapshot: &self.snapshot, size: self.size, now: Moment::START };
        let resting = self.ui.resting_screen(&world);
        let zoomed = self.ui.zoom.then(|| self.ui.screen(&world));
        let services = if resting.one_line { &[][..] } else { &self.snapshot.services[..] };
        services.iter().enumerate().filter_map(move |(index, service)| {
            let pane = zoomed.as_ref().and_then(|screen| screen.pane(index)).or_else(|| resting.pane(index));
            let size = service_size(pane.or_else(|| resting.panes.first())?);
            (self.sizes.get(&service.name) != Some(&size)).then(|| (service.name.clone(), size))
        })
    }

    /// The services get the sizes that they have here, whatever they have now.
    pub(super) fn size_all(&mut self) {
        self.sizes.clear();
        self.timers.sizes = Some(self.clock.now() + SETTLED);
    }

    pub(super) fn send_sizes(&mut self) {
        if !self.sizer.leads() {
            return;
        }
        let wanted: Vec<_> = self.wanted_sizes().collect();
        for (service, (columns, rows)) in wanted {
            let command = Command::Resize { service: service.clone(), columns, rows };
            if self.handle.send(command).is_err() {
                // The queue is full: once more a little later. If the group has ended, somebody ends us soon.
                self.timers.sizes = Some(self.clock.now() + START);
                return;
            }
            self.sizes.insert(service, (columns, rows));
        }
    }
}
