//! How often a service was restarted in each of the last hours: read from the files of events, which may be long, and on a
//! slow disk.

use std::thread;
use std::time::Duration;

use super::AttachmentLoop;
use super::saving::News;
use crate::domain::ServiceName;
use crate::logs::{EventFiles, Figures, HOURS};

/// All hours that are shown.
const TIME: Duration = Duration::from_secs(3600 * HOURS as u64);

impl AttachmentLoop {
    /// Reads on a thread of its own. Where that cannot be, there is no bar.
    pub(super) fn read_restarts(&self, service: ServiceName) {
        let (Some(tell), Some(folder)) = (self.tell_later.clone(), self.folder.clone()) else { return };
        let clock = self.clock;
        let read = move || {
            let (_, now) = clock.both();
            let events = EventFiles::of(&folder).read(now.checked_sub(TIME).unwrap_or(now));
            let events = events.inspect_err(|error| log::warn!("restarts are not shown: {error}")).unwrap_or_default();
            events.unread.iter().for_each(|unread| log::warn!("some restarts are not shown: {unread}"));
            let figures = Figures::by_service(&events.lines, now).remove(service.as_str()).unwrap_or_default();
            // The dashboard may have ended meanwhile.
            let _ = tell.send(News::Restarts(service, figures.by_hour));
        };
        if let Err(error) = thread::Builder::new().name("look".into()).spawn(read) {
            log::warn!("restarts are not shown: {error}");
        }
    }

    pub(super) fn restarts_were_read(&mut self, service: &ServiceName, by_hour: [u32; HOURS]) {
        self.ui.told_of_restarts(service, by_hour);
        self.frames.redraw = true;
    }
}
