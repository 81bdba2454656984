//! The terminal of a client that has attached: passes on what is typed, gives the terminal to what is told, and decides
//! nothing. The dashboard is drawn where the group runs.
//!
//! The documents are where the group runs, so a million lines cost nothing, and a client of another version shows all
//! that the dashboard can. What belongs to the terminal stays here: its size, what it can (`TERM`, `NO_COLOR`, the
//! locale), the clipboard's program, `$EDITOR`. A frame is sent when the last one was shown, so a slow terminal skips
//! frames.

use std::collections::VecDeque;
use std::future;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::net::unix::pipe::Receiver;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::SendError;
use tokio::time::timeout;

use super::clipboard::Copier;
use super::desktop;
use super::editor::{self, Editor};
use super::host_terminal::resumed;
use super::input::Keyboard;
use super::terminal::{self, is_as_entered, restore_terminal, write_screen};
use crate::display::terminal_size;
use crate::domain::plain_error;
use crate::remote_terminal::{Abilities, FromTerminal, ToTerminal, VARIABLES, Wire};

/// How long an editor may take to end when the client does.
const PATIENCE: Duration = Duration::from_millis(200);

/// What the terminal of this process can.
pub fn abilities() -> Abilities {
    let (columns, rows) = terminal_size();
    let variable = |name: &str| std::env::var(name).ok();
    let variables = VARIABLES.into_iter().filter_map(|name| Some((name.to_owned(), variable(name)?)));
    let (copies, browses) = (Copier::find(variable).is_some(), desktop::opener(variable).is_some());
    Abilities { columns, rows, variables: variables.collect(), copies, browses }
}

/// Writes what a terminal is to show, while a [`Viewer`] has it. Blocks for as long as it does not read.
pub fn show(text: &str) {
    // One that is gone is noticed by who reads its keys.
    let _ = write_screen(text.as_bytes());
}

/// Why a viewer has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// The user has detached.
    Detached,
    /// The other end says nothing more.
    Over,
    /// A signal of that number; also the loss of the terminal, or of the guard, which is that of SIGHUP.
    Signal(i32),
}

/// Has the terminal, and gives it back in any case.
#[derive(Debug)]
pub struct Viewer(());

impl Viewer {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// Standard input or output is none, or it refuses. It is then as it was.
    pub fn enter() -> io::Result<Self> {
        // Whether the mouse is wanted is decided where the dashboard is drawn.
        terminal::enter(false)?;
        Ok(Self(()))
    }

    /// Passes on what happens, until one end has enough. `size`: what was told of the terminal so far. `guard_pipe`: becomes
    /// readable when the guard is gone.
    ///
    /// # Errors
    /// The operating system has no means to wait for a terminal.
    pub fn run(&mut self, wire: Wire, size: (u16, u16), guard_pipe: Option<OwnedFd>) -> io::Result<Parting> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let Wire { news, orders } = wire;
        runtime.block_on(async { Post::new(orders, size, guard_pipe)?.serve(&news).await })
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        restore_terminal();
    }
}

/// All that a viewer waits for.
struct Post {
    orders: mpsc::UnboundedReceiver<ToTerminal>,
    /// Nobody takes news any more; why, the orders will tell.
    unheard: bool,
    /// News that go before the keys.
    pending: VecDeque<FromTerminal>,
    size: (u16, u16),
    /// The beginning of a character whose end has not come yet.
    begun: Vec<u8>,
    editor: Option<Editor>,
    /// What the clipboard's programs complain of.
    complaints: mpsc::UnboundedReceiver<String>,
    complain: mpsc::UnboundedSender<String>,
    closed: mpsc::UnboundedReceiver<Option<ExitStatus>>,
    close: mpsc::UnboundedSender<Option<ExitStatus>>,
    resized: Signal,
    resumed: Signal,
    ends: Ends,
    guard_pipe: Option<Receiver>,
}

/// The signals that end a client.
struct Ends([(SignalKind, Signal); 4]);

impl Ends {
    fn install() -> io::Result<Self> {
        let taken = |kind: SignalKind| Ok::<_, io::Error>((kind, signal(kind)?));
        Ok(Self([
            taken(SignalKind::hangup())?,
            taken(SignalKind::interrupt())?,
            taken(SignalKind::terminate())?,
            taken(SignalKind::quit())?,
        ]))
    }

    /// The number of the next one.
    async fn next(&mut self) -> i32 {
        let [hang_up, interrupt, terminate, quit] = &mut self.0;
        let kind = tokio::select! {
            _ = hang_up.1.recv() => hang_up.0,
            _ = interrupt.1.recv() => interrupt.0,
            _ = terminate.1.recv() => terminate.0,
            _ = quit.1.recv() => quit.0,
        };
        kind.as_raw_value()
    }
}

impl Post {
    fn new(
        orders: mpsc::UnboundedReceiver<ToTerminal>,
        size: (u16, u16),
        guard_pipe: Option<OwnedFd>,
    ) -> io::Result<Self> {
        let (close, closed) = mpsc::unbounded_channel();
        let (complain, complaints) = mpsc::unbounded_channel();
        let mut post = Self {
            orders,
            unheard: false,
            pending: VecDeque::new(),
            size,
            begun: Vec::new(),
            editor: None,
            complaints,
            complain,
            closed,
            close,
            resized: signal(SignalKind::window_change())?,
            resumed: signal(resumed())?,
            ends: Ends::install()?,
            guard_pipe: guard_pipe.map(Receiver::from_owned_fd).transpose()?,
        };
        // Both may have happened before anybody listened.
        post.measure();
        if !is_as_entered() {
            post.resume()?;
        }
        Ok(post)
    }

    async fn serve(mut self, news: &mpsc::Sender<FromTerminal>) -> io::Result<Parting> {
        let keyboard = Keyboard::open()?;
        let mut buffer = [0; 4096];
        let hang_up = SignalKind::hangup().as_raw_value();
        let parting = loop {
            let reads = self.editor.is_none() && self.pending.is_empty() && !self.unheard;
            tokio::select! {
                biased;
                number = self.ends.next() => break Parting::Signal(number),
                () = broken(self.guard_pipe.as_ref()) => break Parting::Signal(hang_up),
                permit = news.reserve(), if !self.pending.is_empty() && !self.unheard => {
                    match (permit, self.pending.pop_front()) {
                        (Ok(permit), Some(pending)) => permit.send(pending),
                        _ => self.unheard = true,
                    }
                }
                (permit, count) = typed(news, &keyboard, &mut buffer), if reads => match (permit, count) {
                    (_, Ok(0) | Err(_)) => break Parting::Signal(hang_up),
                    (Ok(permit), Ok(count)) => {
                        self.begun.extend_from_slice(buffer.get(..count).unwrap_or_default());
                        permit.send(FromTerminal::Keys(whole_characters(&mut self.begun)));
                    }
                    (Err(_), Ok(_)) => self.unheard = true,
                },
                _ = self.resized.recv() => self.measure(),
                _ = self.resumed.recv() => self.resume()?,
                Some(complaint) = self.complaints.recv() => self.pending.push_back(FromTerminal::Said(complaint)),
                Some(status) = self.closed.recv() => self.editor_closed(status)?,
                order = self.orders.recv() => match order {
                    None => break Parting::Over,
                    Some(ToTerminal::Detached {}) => break Parting::Detached,
                    Some(ToTerminal::Copy(text)) => self.copy(&text),
                    Some(ToTerminal::Browse(address)) => self.browse(&address),
                    Some(ToTerminal::Edit { path, line }) => self.edit(&path, line)?,
                    // Whoever reads the connection shows it at once.
                    Some(ToTerminal::Show(_)) => {}
                },
            }
        };
        self.end_editor().await;
        Ok(parting)
    }

    /// Tells the size, if it is another one.
    fn measure(&mut self) {
        let size = terminal_size();
        if size != std::mem::replace(&mut self.size, size) {
            self.pending.retain(|news| !matches!(news, FromTerminal::Size { .. }));
            self.pending.push_back(FromTerminal::Size { columns: size.0, rows: size.1 });
        }
    }

    fn copy(&self, text: &str) {
        let complain = self.complain.clone();
        if let Some(copier) = Copier::find(|name| std::env::var(name).ok()) {
            copier.copy(text, move |complaint| {
                // The client may have ended meanwhile.
                let _ = complain.send(complaint);
            });
        }
    }

    fn browse(&self, address: &str) {
        let complain = self.complain.clone();
        if let Some(opener) = desktop::opener(|name| std::env::var(name).ok()) {
            desktop::open(&opener, address, move |complaint| {
                // The client may have ended meanwhile.
                let _ = complain.send(complaint);
            });
        }
    }

    fn edit(&mut self, path: &str, line: u64) -> io::Result<()> {
        let command = editor::wanted(|name| std::env::var(name).ok());
        let close = self.close.clone();
        restore_terminal();
        let ended = move |status| {
            // The client may have ended meanwhile.
            let _ = close.send(status);
        };
        match Editor::start(command.clone(), Path::new(path), line, ended) {
            Ok(editor) => self.editor = Some(editor),
            Err(error) => {
                let complaint = Some(format!("cannot run `{command}`: {}", plain_error(&error)));
                self.come_back(FromTerminal::Edited { complaint })?;
            }
        }
        Ok(())
    }

    fn editor_closed(&mut self, status: Option<ExitStatus>) -> io::Result<()> {
        let Some(editor) = self.editor.take() else { return Ok(()) };
        editor.take_terminal_back();
        self.come_back(FromTerminal::Edited { complaint: editor.complaint(status) })
    }

    /// We were stopped and go on: whoever had the terminal gets it again.
    fn resume(&mut self) -> io::Result<()> {
        match &self.editor {
            None => self.come_back(FromTerminal::Resumed {}),
            Some(editor) => {
                editor.resume();
                Ok(())
            }
        }
    }

    fn come_back(&mut self, news: FromTerminal) -> io::Result<()> {
        terminal::enter(false)?;
        self.measure();
        self.pending.push_back(news);
        Ok(())
    }

    /// The client ends while an editor has the terminal.
    async fn end_editor(&mut self) {
        let Some(editor) = self.editor.take() else { return };
        editor.end(false);
        if timeout(PATIENCE, self.closed.recv()).await.is_err() {
            editor.end(true);
        }
        editor.take_terminal_back();
        // So that it is given back as it was before the editor, too. One that is gone needs nothing.
        let _ = terminal::enter(false);
    }
}

/// What was typed next, when it can be passed on: keys are read only as fast as they are taken. Loses nothing when it is
/// dropped while it waits.
async fn typed<'a>(
    news: &'a mpsc::Sender<FromTerminal>,
    keyboard: &Keyboard,
    buffer: &mut [u8],
) -> (Result<mpsc::Permit<'a, FromTerminal>, SendError<()>>, io::Result<usize>) {
    let permit = news.reserve().await;
    (permit, keyboard.read(buffer).await)
}

/// Waits for the end of the guard, which never writes.
async fn broken(guard_pipe: Option<&Receiver>) {
    match guard_pipe {
        // An error is no reason to go on alone either.
        Some(guard_pipe) => drop(guard_pipe.readable().await),
        None => future::pending().await,
    }
}

/// Takes the whole characters out of what was typed; what is no text becomes U+FFFD, as it would where it is read.
fn whole_characters(typed: &mut Vec<u8>) -> String {
    let incomplete = match str::from_utf8(typed) {
        Ok(_) => 0,
        // At most three bytes, and only at the end.
        Err(_) => {
            let last = typed.utf8_chunks().last().map(|chunk| chunk.invalid()).unwrap_or_default();
            let is_begun = str::from_utf8(last).is_err_and(|error| error.error_len().is_none());
            if is_begun { last.len() } else { 0 }
        }
    };
    let rest = typed.split_off(typed.len() - incomplete);
    String::from_utf8_lossy(&std::mem::replace(typed, rest)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_comes_in_pieces_is_passed_on_whole() {
        let mut typed = Vec::new();
        let mut said = Vec::new();
        for byte in "é→👍q".bytes() {
            typed.push(byte);
            said.push(whole_characters(&mut typed));
        }
        said.retain(|text| !text.is_empty());
        assert_eq!(said, ["é", "→", "👍", "q"]);
        let mut typed = b"a\xffb\xe2\x82".to_vec();
        assert_eq!((whole_characters(&mut typed).as_str(), typed.as_slice()), ("a\u{fffd}b", &b"\xe2\x82"[..]));
        typed.push(b'x');
        assert_eq!((whole_characters(&mut typed).as_str(), typed.len()), ("\u{fffd}x", 0), "it was none");
    }
}
