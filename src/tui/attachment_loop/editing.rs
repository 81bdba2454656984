//! The user's editor, while the dashboard has no terminal. Where the terminal is elsewhere, so is the editor.

use std::borrow::Cow;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::sync::mpsc;

use super::AttachmentLoop;
use super::saving::{News, short};
use crate::domain::{plain_error, visible_path};
use crate::remote_terminal::ToTerminal;
use crate::tui::editor::{self, Editor};
use crate::tui::host_terminal::HostTerminal;
use crate::tui::input::Decoder;
use crate::tui::message::Message;
use crate::tui::terminal::{self, restore_terminal};

/// How long an editor may take to end when the group has ended.
const PATIENCE: Duration = Duration::from_millis(200);

/// An editor, and the file that it shows.
#[derive(Debug)]
pub(super) struct Editing {
    /// `None` where the terminal is elsewhere.
    editor: Option<Editor>,
    path: PathBuf,
    line: u64,
}

impl AttachmentLoop {
    /// A file is ready: gives the terminal up to an editor.
    pub(super) fn open_editor(&mut self, path: PathBuf, line: u64) {
        self.frames.redraw = true;
        let types = self.ui.typist.target().or(self.ui.typist.over()).is_some();
        let busy = self.editing.is_some() || self.snapshot.stopping.is_some() || types;
        let Some(tell) = self.tell_later.clone().filter(|_| !busy) else {
            return self.ui.show_message(Message::of_path("not opened: ", format!("{}:{line}", short(&path))));
        };
        if let HostTerminal::Remote(remote) = &self.host_terminal {
            let name = path.to_str().map(str::to_owned);
            let told = name.is_some_and(|path| remote.send_order(ToTerminal::Edit { path, line }).is_ok());
            if told {
                self.editing = Some(Editing { editor: None, path, line });
            } else {
                let place = format!("{}:{line}", short(&path));
                self.ui.show_message(Message::of_path("not opened, its name is not UTF-8: ", place));
            }
            return;
        }
        let command = editor::wanted(|name| std::env::var(name).ok());
        restore_terminal();
        let ended = move |status| {
            // The dashboard may have ended meanwhile.
            let _ = tell.send(News::Closed(status));
        };
        match Editor::start(command.clone(), &path, line, ended) {
            Ok(editor) => self.editing = Some(Editing { editor: Some(editor), path, line }),
            Err(error) => {
                self.come_back();
                self.ui.show_message(format!("cannot run `{command}`: {}", plain_error(&error)));
            }
        }
    }

    /// The editor in the terminal of this process has ended.
    pub(super) fn editor_closed(&mut self, status: Option<ExitStatus>) {
        let Some(Editing { editor: Some(editor), .. }) = &self.editing else { return };
        editor.take_terminal_back();
        let complaint = editor.complaint(status);
        self.edited(complaint);
    }

    /// An editor has ended: the dashboard is on the screen again.
    pub(super) fn edited(&mut self, complaint: Option<String>) {
        let Some(Editing { editor, path, line }) = self.editing.take() else { return };
        self.come_back();
        let root = self.snapshot.services.first().and_then(|service| service.folders.last());
        let below = root.and_then(|root| path.strip_prefix(root).ok()).map(visible_path);
        let shown = below.map_or_else(|| short(&path), Cow::into_owned);
        let opened = || match editor.filter(|editor| !editor.knows_line) {
            // Nobody here knows how that one is told a line.
            Some(_) => Message::of_path("opened ", shown).then(format!(" {} go to line {line}", self.ui.glyphs.dot)),
            None => Message::of_path("opened ", format!("{shown}:{line}")),
        };
        // How it ended stays, however long its command is.
        let failed = |complaint: String| match complaint.rsplit_once("` ") {
            Some((command, end)) => Message::with_tail(format!("{command}`"), format!(" {end}")),
            None => complaint.into(),
        };
        let said = complaint.map_or_else(opened, failed);
        self.ui.show_message(said);
    }

    /// The group has ended while an editor has the terminal of this process.
    pub(super) async fn end_editor(&mut self, told: &mut mpsc::UnboundedReceiver<News>) {
        let Some(Editing { editor: Some(editor), .. }) = self.editing.take() else { return };
        editor.end(false);
        let closed = async {
            while let Some(news) = told.recv().await {
                if matches!(news, News::Closed(_)) {
                    return;
                }
            }
        };
        if tokio::time::timeout(PATIENCE, closed).await.is_err() {
            editor.end(true);
        }
        editor.take_terminal_back();
        // Whoever ends us gives the terminal back as it was.
        self.come_back();
    }

    /// Everybody was stopped and goes on: whoever had the terminal gets it again.
    pub(super) fn resumed(&mut self) {
        match &self.editing {
            None => self.come_back(),
            Some(Editing { editor: Some(editor), .. }) => editor.resume(),
            Some(Editing { editor: None, .. }) => {}
        }
    }

    fn come_back(&mut self) {
        if let HostTerminal::Here(_) = self.host_terminal
            && let Err(error) = terminal::enter(self.ui.mouse)
        {
            log::error!("cannot use the terminal any longer: {error}");
        }
        self.frame_writer.begin_anew(self.host_terminal.first_modes(self.ui.mouse));
        self.decoder = Decoder::default();
        self.focus.window = true;
        if self.host_terminal.size() != self.size {
            self.resized();
        }
        self.frames.redraw = true;
    }
}
