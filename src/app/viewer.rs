//! A client that shows the dashboard of a running group in this terminal. It is drawn where the group runs.
//!
//! One thread for each direction of the connection, so that neither a terminal nor a group that does not read keeps this
//! process from its signals.

use std::io;
use std::os::fd::OwnedFd;
use std::thread;

use super::restore_terminal_on_panic;
use crate::control::{Client, ClientError};
use crate::remote_terminal::{FromTerminal, RemoteTerminal, ToTerminal};
use crate::tui::{self, Parting, Viewer};

/// How the showing of a group has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewEnd {
    /// The user has detached, and the group runs on.
    Detached,
    /// A signal of that number; also the loss of the terminal, or of the guard, which is that of SIGHUP.
    Signal(i32),
    /// The group has ended.
    GroupEnded {
        /// The exit code of the group.
        code: u8,
        /// Its last line.
        summary: String,
    },
}

/// Why a group cannot be shown, or not any longer.
#[derive(Debug)]
pub enum ViewError {
    /// The group refuses, or the connection is lost.
    Client(ClientError),
    /// The terminal cannot be used.
    Terminal(io::Error),
    /// A thread cannot be started.
    Thread(io::Error),
    /// The thread that shows has panicked.
    Broken,
}

impl From<ClientError> for ViewError {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

/// Shows the group until the user leaves, or one of both ends. `guard_pipe`: becomes readable when our guard is gone.
///
/// # Errors
/// The group refuses, the connection is lost, or the terminal cannot be used. The terminal is then as it was.
pub fn view_group(group: Client, guard_pipe: Option<OwnedFd>) -> Result<ViewEnd, ViewError> {
    let abilities = tui::abilities();
    let size = (abilities.columns, abilities.rows);
    let (mut screen, mut typist) = group.attach(&abilities)?;
    // Before the terminal is touched: the group may refuse.
    let first = screen.next_order()?;
    let (RemoteTerminal { mut news, orders, .. }, wire) = RemoteTerminal::new(abilities);
    restore_terminal_on_panic();
    let mut viewer = Viewer::enter().map_err(ViewError::Terminal)?;
    let shown = wire.news.clone();
    let showing = move || {
        let mut order = first;
        loop {
            if let ToTerminal::Show(text) = order {
                tui::show(&text);
                // Nobody listens at the end.
                let _ = shown.blocking_send(FromTerminal::Shown {});
            } else {
                let _ = orders.send(order);
            }
            match screen.next_order() {
                Ok(next) => order = next,
                Err(error) => return error,
            }
        }
    };
    let showing = thread::Builder::new().name(tui::THREAD_NAME.into()).spawn(showing).map_err(ViewError::Thread)?;
    let telling = move || {
        while let Some(news) = news.blocking_recv() {
            // Why it is gone, the other direction tells.
            if typist.send(&news).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("keys".into()).spawn(telling).map_err(ViewError::Thread)?;
    let parting = viewer.run(wire, size, guard_pipe).map_err(ViewError::Terminal)?;
    drop(viewer);
    match parting {
        Parting::Detached => Ok(ViewEnd::Detached),
        Parting::Signal(number) => Ok(ViewEnd::Signal(number)),
        // It has closed its end of the wire by ending.
        Parting::Over => match showing.join() {
            Ok(ClientError::Ended { code, summary }) => Ok(ViewEnd::GroupEnded { code, summary }),
            Ok(error) => Err(error.into()),
            Err(_) => Err(ViewError::Broken),
        },
    }
}
