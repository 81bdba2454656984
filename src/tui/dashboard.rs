//! The dashboard from outside: it is started, and it is finished.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::attachment_loop::{AttachmentLoop, Ending};
use super::host_terminal::HostTerminal;
use super::keymap;
use super::options::DashboardOptions;
use super::sizing::Sizing;
use super::terminal::{self, restore_terminal};
use super::ui_state::Attachment;
use crate::display::DisplaySupport;
use crate::domain::Command;
use crate::group_handle::GroupHandle;
use crate::logs::LevelReader;
use crate::remote_terminal::RemoteTerminal;

/// The name of the thread that draws: a panic hook restores the terminal for it.
pub const THREAD_NAME: &str = "dashboard";

/// Reads the key table, and gets ready for the first lines, on a thread of its own: while the group is read, and not when
/// the first frame waits for it.
pub fn warm_up() {
    let work = || {
        keymap::warm_up();
        LevelReader::warm_up();
    };
    // Without the thread, the first who needs it does it.
    let _ = thread::Builder::new().name("warm-up".into()).spawn(work);
}

/// A running dashboard.
#[derive(Debug)]
pub struct Dashboard {
    leave: oneshot::Sender<()>,
    ended: mpsc::Receiver<Ending>,
    failed: Arc<AtomicBool>,
}

/// The thread that draws has panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

impl Dashboard {
    /// Takes over the terminal, and draws on a thread of its own from here on. If the terminal goes away, or the thread
    /// fails, the group is asked to quit. What the user keeps goes to
    /// `folder`: saved logs, the layout.
    ///
    /// # Errors
    /// Standard input or output is no terminal, or it refuses raw mode. It is then as it was.
    pub fn start(
        handle: GroupHandle,
        options: DashboardOptions,
        sizing: &Sizing,
        folder: Option<PathBuf>,
    ) -> io::Result<Self> {
        let (leave, asked) = oneshot::channel();
        let (ending, ended) = mpsc::channel();
        let failed = Arc::new(AtomicBool::new(false));
        let its_failed = failed.clone();
        let sizer = sizing.join();
        terminal::enter(options.mouse)?;
        let run = move || {
            // Dropped last: tells that the thread writes no more.
            let ending: mpsc::Sender<Ending> = ending;
            let mut quit = QuitUnlessAsked { handle: handle.clone(), asked: false, failed: its_failed };
            match AttachmentLoop::new(handle, HostTerminal::here(), Attachment::Own, options, sizer, folder).run(asked)
            {
                Ok(Ending::Asked) => quit.asked = true,
                Ok(gone @ Ending::TerminalGone) => {
                    log::warn!("the terminal is gone");
                    // Whoever does not ask any more does not need to know.
                    let _ = ending.send(gone);
                }
                Err(error) => log::error!("the dashboard failed: {error}"),
            }
        };
        thread::Builder::new().name(THREAD_NAME.into()).spawn(run).inspect_err(|_| restore_terminal())?;
        Ok(Self { leave, ended, failed })
    }

    /// Ends the thread, waiting for it at most so long (it may be held by a terminal that does not read), and gives the
    /// terminal back in any case. The answer is whether the terminal has gone away.
    ///
    /// # Errors
    /// The thread has panicked.
    pub fn finish(self, patience: Duration) -> Result<bool, Panicked> {
        // The thread may have ended already.
        let _ = self.leave.send(());
        let gone = self.ended.recv_timeout(patience).is_ok();
        restore_terminal();
        if self.failed.load(Ordering::SeqCst) { Err(Panicked) } else { Ok(gone) }
    }
}

/// Draws a dashboard for a terminal elsewhere, on a thread of its own, until the terminal is gone or its user detaches. The
/// group goes on in any case.
///
/// # Errors
/// No thread can be had.
pub fn attach(
    handle: GroupHandle,
    terminal: RemoteTerminal,
    sizing: &Sizing,
    folder: Option<PathBuf>,
) -> io::Result<()> {
    let options =
        DashboardOptions::new(DisplaySupport::from_variables(|name| terminal.abilities.variable(name))).preferred();
    let sizer = sizing.join();
    let run = move || {
        // As long as nobody uses it, the dashboard goes on.
        let (_stay, leave) = oneshot::channel();
        let host_terminal = HostTerminal::remote(terminal);
        match AttachmentLoop::new(handle, host_terminal, Attachment::Guest, options, sizer, folder).run(leave) {
            Ok(Ending::Asked) => log::info!("a client detached"),
            Ok(Ending::TerminalGone) => log::info!("an attached client is gone"),
            Err(error) => log::error!("the dashboard of a client failed: {error}"),
        }
    };
    thread::Builder::new().name("attached".into()).spawn(run).map(drop)
}

/// A group without its dashboard would go on unseen: however the thread ends, the group is asked to quit.
struct QuitUnlessAsked {
    handle: GroupHandle,
    asked: bool,
    failed: Arc<AtomicBool>,
}

impl Drop for QuitUnlessAsked {
    fn drop(&mut self) {
        self.failed.store(thread::panicking(), Ordering::SeqCst);
        if !self.asked {
            // If the group has ended, it needs no asking.
            let _ = self.handle.send(Command::Quit);
        }
    }
}
