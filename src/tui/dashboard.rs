//! The dashboard's thread: waits for keys, news and time, and draws.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::options::DashboardOptions;
use super::terminal::{self, restore_terminal};
use crate::group_handle::GroupHandle;

/// A running dashboard.
#[derive(Debug)]
pub struct Dashboard {
    leave: oneshot::Sender<()>,
    ended: mpsc::Receiver<()>,
}

impl Dashboard {
    /// Takes over the terminal, and draws on a thread of its own from here on. If the terminal goes away, or the thread
    /// fails, the group is asked to quit.
    ///
    /// # Errors
    /// Standard input or output is no terminal, or it refuses raw mode. It is then as it was.
    pub fn start(handle: GroupHandle, options: DashboardOptions) -> io::Result<Self> {
        let (leave, asked) = oneshot::channel();
        let (ending, ended) = mpsc::channel();
        terminal::enter(options.mouse)?;
        let run = move || {
            let _ending = ending;
            let _ = asked.blocking_recv();
            drop(handle);
        };
        thread::Builder::new().name("dashboard".into()).spawn(run).inspect_err(|_| restore_terminal())?;
        Ok(Self { leave, ended })
    }

    /// Ends the thread, waiting for it at most so long (it may be held by a terminal that does not read), and gives the
    /// terminal back in any case.
    pub fn finish(self, patience: Duration) {
        // The thread may have ended already.
        let _ = self.leave.send(());
        let _ = self.ended.recv_timeout(patience);
        restore_terminal();
    }
}
