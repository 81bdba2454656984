//! The terminal that a dashboard is shown on: that of this process, or one that is elsewhere.

use std::future;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::clipboard::{Copier, Taker};
use super::desktop;
use super::input::Keyboard;
use super::terminal::{HostModes, is_as_entered, is_newer, write_screen};
use crate::display::terminal_size;
use crate::remote_terminal::{FromTerminal, RemoteTerminal, ToTerminal, drawable};

/// The longest text for the clipboard's program of a client, in bytes: with room below the longest message that it takes.
const LONGEST_COPY: usize = 16 << 20;

/// What has happened to the terminal.
#[derive(Debug)]
pub(super) enum Happened {
    /// Something was typed.
    Typed(Vec<u8>),
    /// It may have another size.
    Resized,
    /// It takes a frame again.
    Free,
    /// Everybody was stopped and goes on; others may have had the terminal.
    Resumed,
    /// The editor that had a terminal elsewhere has ended, with what is to be said about that.
    Edited(Option<String>),
    /// Something to be said.
    Said(String),
    /// It is gone.
    Gone,
}

/// The terminal that the dashboard is drawn in.
pub(super) enum HostTerminal {
    /// That of this process.
    Here(Here),
    /// One that is elsewhere.
    Remote(Remote),
}

/// The terminal of this process.
#[derive(Default)]
pub(super) struct Here {
    /// From the moment on that it is listened to.
    sources: Option<InputSources>,
}

/// Where news of the terminal of this process come from.
struct InputSources {
    keyboard: Keyboard,
    resized: Signal,
    resumed: Signal,
}

/// One that is elsewhere.
pub(super) struct Remote {
    terminal: RemoteTerminal,
    size: (u16, u16),
    /// A frame is on its way to it.
    busy: bool,
}

/// What a process gets that was stopped and goes on.
pub(super) fn resumed() -> SignalKind {
    SignalKind::from_raw(nix::sys::signal::Signal::SIGCONT as i32)
}

impl HostTerminal {
    /// The terminal of this process.
    pub(super) fn here() -> Self {
        Self::Here(Here::default())
    }

    /// A terminal elsewhere.
    pub(super) fn remote(terminal: RemoteTerminal) -> Self {
        let size = drawable(terminal.abilities.columns, terminal.abilities.rows);
        Self::Remote(Remote { terminal, size, busy: false })
    }

    /// The name of the place for faults on demand.
    pub(super) fn failpoint(&self) -> &'static str {
        match self {
            Self::Here(_) => "dashboard",
            Self::Remote(_) => "attached",
        }
    }

    /// Columns and rows now; 0×0 if it does not say.
    pub(super) fn size(&self) -> (u16, u16) {
        match self {
            Self::Here(_) => terminal_size(),
            Self::Remote(remote) => remote.size,
        }
    }

    /// What it reports at first. `mouse`: whether the user wants the mouse.
    pub(super) fn first_modes(&self, mouse: bool) -> HostModes {
        // Here, it was asked for when the terminal was entered, so that it need not wait for the first frame.
        HostModes { mouse: mouse && matches!(self, Self::Here(_)), ..HostModes::default() }
    }

    /// What [`is_newer`] says of the terminal that is looked at.
    pub(super) fn is_newer(&self) -> bool {
        match self {
            Self::Here(_) => is_newer(|name| std::env::var(name).ok()),
            Self::Remote(remote) => is_newer(|name| remote.terminal.abilities.variable(name)),
        }
    }

    /// Begins to listen. Needs a runtime.
    ///
    /// # Errors
    /// The operating system cannot wait for it.
    pub(super) fn listen(&mut self) -> io::Result<()> {
        if let Self::Here(here) = self {
            let (resized, resumed) = (signal(SignalKind::window_change())?, signal(resumed())?);
            here.sources = Some(InputSources { keyboard: Keyboard::open()?, resized, resumed });
        }
        Ok(())
    }

    /// Somebody else has had it since it was entered.
    pub(super) fn was_taken(&self) -> bool {
        match self {
            Self::Here(_) => !is_as_entered(),
            // The client sees to it.
            Self::Remote(_) => false,
        }
    }

    /// It takes a frame without making the dashboard wait for more than the terminal of this process does.
    pub(super) fn is_free(&self) -> bool {
        match self {
            Self::Here(_) => true,
            Self::Remote(remote) => !remote.busy,
        }
    }

    /// Writes a frame. Blocks for as long as the terminal of this process does not read.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn show(&mut self, frame: String) -> io::Result<()> {
        match self {
            Self::Here(_) => write_screen(frame.as_bytes()),
            Self::Remote(remote) => {
                remote.busy = true;
                remote.send_order(ToTerminal::Show(frame))
            }
        }
    }

    /// What happens next. Loses nothing when it is dropped while it waits.
    pub(super) async fn next(&mut self, reads_keys: bool) -> Happened {
        match self {
            Self::Here(here) => here.next(reads_keys).await,
            Self::Remote(remote) => remote.next().await,
        }
    }

    /// Opens an address in the browser, where the terminal is. The answer is whether there is a desktop that does it. What
    /// goes wrong later is told to `complain`, or comes as [`Happened::Said`].
    pub(super) fn browse(&self, address: &str, complain: impl Fn(String) + Send + 'static) -> bool {
        match self {
            Self::Here(_) => {
                let opener = desktop::opener(|name| std::env::var(name).ok());
                opener.is_some_and(|opener| desktop::open(&opener, address, complain))
            }
            Self::Remote(remote) => {
                remote.terminal.abilities.browses && remote.send_order(ToTerminal::Browse(address.to_owned())).is_ok()
            }
        }
    }

    /// Gives a text to the clipboard's programs, where the terminal is. Nobody takes it if there are none, or it is too
    /// much for them. What goes wrong later is told to `complain`, or comes as [`Happened::Said`].
    pub(super) fn copy(&self, text: &str, complain: impl Fn(String) + Clone + Send + 'static) -> Option<Taker> {
        match self {
            Self::Here(_) => Copier::find(|name| std::env::var(name).ok())?.copy(text, complain),
            Self::Remote(remote) => {
                let abilities = &remote.terminal.abilities;
                let takes = abilities.copies && text.len() <= LONGEST_COPY;
                if !takes || remote.send_order(ToTerminal::Copy(text.to_owned())).is_err() {
                    return None;
                }
                let in_tmux = abilities.variable("TMUX").is_some_and(|value| !value.is_empty());
                Some(if in_tmux { Taker::Tmux } else { Taker::Program })
            }
        }
    }
}

impl Here {
    async fn next(&mut self, reads_keys: bool) -> Happened {
        let Some(InputSources { keyboard, resized, resumed }) = &mut self.sources else {
            return future::pending().await;
        };
        let mut buffer = [0; 4096];
        tokio::select! {
            biased;
            _ = resumed.recv() => Happened::Resumed,
            read = keyboard.read(&mut buffer), if reads_keys => match read {
                Ok(0) | Err(_) => Happened::Gone,
                Ok(count) => Happened::Typed(buffer.get(..count).unwrap_or_default().to_vec()),
            },
            _ = resized.recv() => Happened::Resized,
        }
    }
}

impl Remote {
    async fn next(&mut self) -> Happened {
        match self.terminal.news.recv().await {
            Some(FromTerminal::Keys(keys)) => Happened::Typed(keys.into_bytes()),
            Some(FromTerminal::Size { columns, rows }) => {
                self.size = drawable(columns, rows);
                Happened::Resized
            }
            Some(FromTerminal::Shown {}) => {
                self.busy = false;
                Happened::Free
            }
            Some(FromTerminal::Resumed {}) => Happened::Resumed,
            Some(FromTerminal::Edited { complaint }) => Happened::Edited(complaint),
            Some(FromTerminal::Said(text)) => Happened::Said(text),
            None => Happened::Gone,
        }
    }

    /// Tells the terminal something.
    ///
    /// # Errors
    /// It is gone.
    pub(super) fn send_order(&self, order: ToTerminal) -> io::Result<()> {
        self.terminal.orders.send(order).map_err(|_| io::ErrorKind::NotConnected.into())
    }
}
