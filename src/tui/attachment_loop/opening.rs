//! Opening what a log names: the place in a file in the user's editor, and the address of a service in the browser.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use ratatui::layout::Position;

use super::AttachmentLoop;
use super::saving::News;
use crate::domain::{MASK, Moment, ServiceName, plain_error};
use crate::logs::{LevelReader, Line, LineId, Reader, failure_around};
use crate::tui::desktop::no_browser;
use crate::tui::file_places::{Wanted, file_places};
use crate::tui::text;

/// A click may become a double click, which copies: the editor waits for so long.
const DOUBLE_CLICK: Duration = Duration::from_millis(400);
/// Lines of a trace that are looked through for a place.
const TRACE: u64 = 200;
/// Python says so of its traces: what went wrong is at the end.
pub(super) const LAST_CALL_LAST: &str = "most recent call last";

impl AttachmentLoop {
    /// A click has ended on text. If that is a place in a file, it is opened, unless the click becomes a double one.
    pub(super) fn click_on(&mut self, at: Position, now: Moment) {
        let types = self.ui.typist.target().or(self.ui.typist.over()).is_some();
        self.clicked = self.place_at(at).filter(|_| !types);
        self.timers.open = self.clicked.is_some().then_some(now + DOUBLE_CLICK);
    }

    /// The click was one of several, or the beginning of a drag.
    pub(super) fn forget_click(&mut self) {
        (self.clicked, self.timers.open) = (None, None);
    }

    /// No second click has come.
    pub(super) fn open_clicked_place(&mut self) {
        self.timers.open = None;
        if let Some(wanted) = self.clicked.take() {
            self.look_for(wanted, None);
        }
    }

    /// The places under the pointer.
    fn place_at(&self, at: Position) -> Option<Wanted> {
        let drawn = self.last_frame.pane_at(at)?;
        let cell = (usize::from(at.x - drawn.area.x), usize::from(at.y - drawn.area.y));
        let point = drawn.text.point(cell).filter(|_| cell.1 < drawn.text.places.len())?;
        if let Some((place, text)) = drawn.text.text_of_row(cell.1).filter(|(place, _)| place.folded) {
            // What is to be seen of the line is not what was printed.
            let (service, _) = drawn.text.source_of(place.line)?;
            let byte = text::fitting(&text, cell.0.saturating_sub(place.before));
            let mut places = file_places(&text);
            places.retain(|place| place.bytes.contains(&byte));
            return (!places.is_empty()).then(|| Wanted { places, folders: self.folders_of(service) });
        }
        let (service, text) = if drawn.text.rows_of_screen {
            let row = usize::try_from(point.line.0).ok()?;
            let service = drawn.source.service()?;
            let terminal = self.handle.logs().get(service)?.read().terminal();
            (service, terminal.rows.get(row)?.text.clone())
        } else {
            let (service, line) = drawn.text.source_of(point.line)?;
            (service, self.handle.logs().get(service)?.read().line(line)?.content.text)
        };
        let mut places = file_places(&text);
        places.retain(|place| place.bytes.contains(&point.byte));
        (!places.is_empty()).then(|| Wanted { places, folders: self.folders_of(service) })
    }

    /// The places that the line names which the reader has gone to, or else the failure that it is a part of, or the trace
    /// that it begins.
    fn marked_places(&mut self) -> Option<Wanted> {
        let source = self.ui.source(&self.snapshot)?;
        let (service, id) = self.ui.viewport(&source).marked().map(|(name, id)| (name.clone(), id))?;
        let document = self.handle.logs().get(&service)?;
        let mut reader = document.read();
        let mut places = file_places(&reader.line(id)?.content.text);
        if places.is_empty() {
            let lines = match failure_around(&mut reader, id) {
                Some((first, last)) => {
                    let lines = (first.0..=last.0.min(first.0 + TRACE)).map(LineId);
                    lines.filter_map(|line| reader.line(line)).collect()
                }
                None => trace_from(&mut reader, id),
            };
            places.extend(lines.iter().flat_map(|line| file_places(&line.content.text)));
            if lines.iter().any(|line| line.content.text.contains(LAST_CALL_LAST)) {
                places.reverse();
            }
        }
        (!places.is_empty()).then(|| Wanted { places, folders: self.folders_of(&service) })
    }

    fn folders_of(&self, service: &ServiceName) -> Vec<PathBuf> {
        self.snapshot.service(service).map(|service| service.folders.to_vec()).unwrap_or_default()
    }

    /// Where the reader has gone to another line, what an editor would open for it is found out, for the hint that says so.
    pub(super) fn find_what_opens(&mut self) {
        let source = self.ui.source(&self.snapshot);
        let marked = source.and_then(|source| self.ui.viewport(&source).marked().map(|(name, id)| (name.clone(), id)));
        if !self.ui.opens.go_to(marked.clone()) {
            return;
        }
        let failure = marked.as_ref().and_then(|(service, line)| self.failure_at(service, *line));
        self.ui.opens.copies = failure.map(|(first, last)| last.0.saturating_sub(first.0).saturating_add(1));
        let Some((marked, (wanted, tell))) = marked.zip(self.marked_places().zip(self.tell_later.clone())) else {
            return;
        };
        let look = move || {
            if let Some((path, line)) = wanted.find() {
                // The dashboard may have ended meanwhile.
                let _ = tell.send(News::Opens(marked, path, line));
            }
        };
        if let Err(error) = thread::Builder::new().name("places".into()).spawn(look) {
            log::warn!("cannot look for the file that the line names: {error}");
        }
    }

    /// Opens the place in a file that the line names which keys mean; otherwise the log, at the line.
    pub(super) fn edit(&mut self) {
        match self.marked_places() {
            Some(wanted) => self.look_for(wanted, Some(News::OpenLog)),
            None => self.edit_log(),
        }
    }

    /// Looks on a thread of its own whether a place is there: a disk may be slow.
    fn look_for(&mut self, wanted: Wanted, otherwise: Option<News>) {
        let Some(tell) = self.tell_later.clone() else { return };
        let look = move || {
            let found = wanted.find().map(|(path, line)| News::Open(path, line));
            // The dashboard may have ended meanwhile.
            let _ = found.or(otherwise).map(|news| tell.send(news));
        };
        if let Err(error) = thread::Builder::new().name("look".into()).spawn(look) {
            self.say(format!("not opened: {}", plain_error(&error)));
        }
    }

    /// Opens an address in the browser, or says it where there is none.
    pub(super) fn browse(&mut self, address: &str) {
        let text = if address.contains(MASK) {
            format!("not opened, its address contains a secret: {address}")
        } else {
            let tell = self.tell_later.clone();
            let opens = self.host_terminal.browse(address, move |complaint| {
                log::warn!("{complaint}");
                // The dashboard may have ended meanwhile.
                let _ = tell.as_ref().map(|tell| tell.send(News::Said(complaint.into())));
            });
            if !opens {
                // The address is to be read: it stays until a key is pressed.
                return self.ui.keep_message(no_browser(address));
            }
            format!("opened {address}")
        };
        self.ui.show_message(text);
    }
}

/// The line, and those that go on with what it says.
fn trace_from(reader: &mut Reader<'_>, from: LineId) -> Vec<Line> {
    let mut levels = LevelReader::at(reader, from);
    let mut lines: Vec<Line> = Vec::new();
    for id in (from.0..=from.0 + TRACE).map(LineId) {
        let goes_on = |line: &Line| id == from || levels.goes_on_with(&line.content.text);
        let Some(line) = reader.line(id).filter(goes_on) else { break };
        levels.pass(&line);
        lines.push(line);
    }
    lines
}
