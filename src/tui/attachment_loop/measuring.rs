//! What services use is measured for as long as somebody looks.

use std::time::Duration;

use super::AttachmentLoop;
use crate::domain::{Command, Moment};
use crate::tui::ui_state::World;

/// Between two measurements.
const EVERY: Duration = Duration::from_secs(2);

/// From the first to the second: before that nothing is known of CPU.
const FIRST: Duration = Duration::from_millis(500);

impl AttachmentLoop {
    /// Has measured what is on the screen, if that is due.
    pub(super) fn measure_what_is_shown(&mut self, now: Moment) {
        let world = World { snapshot: &self.snapshot, size: self.size, now };
        let Some(services) = self.ui.measured(&world).filter(|_| self.editing.is_none()) else {
            self.timers.usage = None;
            return;
        };
        let pause = match self.timers.usage {
            Some(due) if due > now => return,
            Some(_) => EVERY,
            None => FIRST,
        };
        self.timers.usage = Some(now + pause);
        // A group that takes no commands now is asked again then.
        let _ = self.handle.send(Command::Measure { services });
    }
}
