//! Saving the log of the selected service, on a thread of its own: a long log takes a while, and a disk may be slow.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::thread;

use super::AttachmentLoop;
use crate::domain::{Explanation, Moment, ServiceName, TaskAnswer, TaskQuestion, plain_error, visible_path};
use crate::logs::{HOURS, LineId};
use crate::tui::message::Message;
use crate::tui::saved_log::{Log, save, save_to_view};
use crate::tui::text::thousands;

/// The folder of the logs that were saved.
const SAVED: &str = "saved";

/// What work in the background has to say at its end.
#[derive(Debug)]
pub(super) enum News {
    /// Something to be said.
    Said(Message),
    /// What an editor opens for a line of a log: that line of a file.
    Opens((ServiceName, LineId), PathBuf, u64),
    /// A file is ready to be opened at that line.
    Open(PathBuf, u64),
    /// No place in a file was found: the log is to be opened.
    OpenLog,
    /// Why a path is watched or not; with the number of the question.
    Explained(u64, Result<Box<Explanation>, String>),
    /// What the group says of tasks.
    OfTasks(TaskQuestion, Result<TaskAnswer, String>),
    /// How often a service was restarted in each of the last hours.
    Restarts(ServiceName, [u32; HOURS]),
    /// The editor has ended; how, as far as it is known.
    Closed(Option<ExitStatus>),
}

impl AttachmentLoop {
    /// Saves, and says where when it is done.
    pub(super) fn save(&mut self, now: Moment) {
        let time = self.clock.time_of_day(now).replace(':', "");
        self.write_in_background("saved", move |log, folder| {
            let (path, lines) = save(&log, folder, &time)?;
            log::info!("saved {lines} lines as {}", visible_path(&path));
            Ok(News::Said(Message::of_path(format!("saved {} lines: ", thousands(lines)), short(&path))))
        });
    }

    /// Saves, and opens an editor at the line that keys mean when it is done.
    pub(super) fn edit_log(&mut self) {
        let target = self.ui.marked_line(&self.snapshot);
        self.write_in_background("opened", move |log, folder| {
            let (path, line) = save_to_view(&log, folder, target.as_ref())?;
            Ok(News::Open(path, line))
        });
    }

    fn write_in_background(
        &mut self,
        done: &'static str,
        write: impl FnOnce(Log, &Path) -> io::Result<News> + Send + 'static,
    ) {
        let Some(source) = self.ui.source(&self.snapshot) else { return };
        let log = match source.service() {
            Some(name) => match self.handle.logs().get(name) {
                Some(document) => Log::one(name.clone(), document),
                None => return,
            },
            None => Log::merged("all-services".into(), self.merged_members()),
        };
        let Some(tell) = self.tell_later.clone() else { return };
        let Some(folder) = self.folder.as_ref().map(|folder| folder.join(SAVED)) else {
            self.ui.show_message(format!(
                "not {done}: XDG_STATE_HOME or HOME must name a folder that you own, outside the project"
            ));
            return;
        };
        let work = move || {
            let news = write(log, &folder).unwrap_or_else(|error| {
                News::Said(Message::of_path(
                    format!("not {done}: "),
                    format!("{}: {}", short(&folder), plain_error(&error)),
                ))
            });
            // The dashboard may have ended meanwhile.
            let _ = tell.send(news);
        };
        if let Err(error) = thread::Builder::new().name("save".into()).spawn(work) {
            self.ui.show_message(format!("not {done}: {error}"));
        }
    }
}

/// The path as people write it.
pub(super) fn short(path: &Path) -> String {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", visible_path(rest)),
        None => visible_path(path).into_owned(),
    }
}
