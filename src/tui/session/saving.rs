//! Saving the log of the selected service, on a thread of its own: a long log takes a while, and a disk may be slow.

use std::path::Path;
use std::thread;

use super::{Session, Told};
use crate::domain::Moment;
use crate::tui::saved_log::save;
use crate::tui::text::thousands;

impl Session {
    /// Saves, and says where when it is done.
    pub(super) fn save(&mut self, now: Moment) {
        let selected = self.ui.selected(&self.snapshot).and_then(|index| self.snapshot.services.get(index));
        let Some(service) = selected.map(|service| service.name.clone()) else { return };
        let (Some(document), Some(tell)) = (self.handle.logs().get(&service), self.tell_later.clone()) else { return };
        let Some(folder) = self.saved.clone() else {
            self.ui.say("not saved: XDG_STATE_HOME or HOME must name a folder outside of the project", now);
            return;
        };
        let time = self.clock.time_of_day(now).replace(':', "");
        let work = move || {
            let said = match save(&document, &folder, &service, &time) {
                Ok((path, lines)) => {
                    log::info!("{service}: {lines} lines saved as {}", path.display());
                    format!("saved {} lines: {}", thousands(lines), short(&path))
                }
                Err(error) => format!("not saved: {}: {error}", short(&folder)),
            };
            // The dashboard may have ended meanwhile.
            let _ = tell.send(Told::Say(said));
        };
        if let Err(error) = thread::Builder::new().name("save".into()).spawn(work) {
            self.ui.say(format!("not saved: {error}"), now);
        }
    }
}

/// The path as people write it.
fn short(path: &Path) -> String {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}
