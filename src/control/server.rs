//! The thread that serves the control socket.
//!
//! A thread of its own, and not tasks on the run loop's: to read a large log means to unpack it and to write it as JSON,
//! and a restart or a key must not wait for that. It sleeps until a client comes.
//!
//! Documents are read in slices of 500 lines with a pause after each, and only as fast as the client takes them: at
//! most two chunks wait for each client.

use std::fs;
use std::io;
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::process::geteuid;
use tokio::net::UnixStream;
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::bound_socket::{BoundSocket, Removal, ServedSocket};
use super::connection::{serve, turn_away};
use super::room::{CLIENTS, Guest, Room};
use super::wire::{Problem, WebAnswer, WebAsk};
use crate::group_handle::GroupHandle;
use crate::remote_terminal::RemoteTerminal;

/// How long the thread may take to say good-bye to all.
const END_PATIENCE: Duration = Duration::from_millis(500);

/// After a failed accept: without descriptors, the next one fails as well.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// What clients are told of the group.
#[derive(Clone, Debug)]
pub struct About {
    /// Name of the group.
    pub project: String,
    /// The process that was started, by which the user knows it.
    pub pid: u32,
    /// Path of its `procgroup.toml`.
    pub file: PathBuf,
}

/// Shows the dashboard on the terminal of a client, on a thread of its own.
pub type AttachHandler = Arc<dyn Fn(RemoteTerminal) -> io::Result<()> + Send + Sync>;

/// Opens or closes the web page.
pub type WebHandler = Arc<dyn Fn(WebAsk) -> Result<WebAnswer, Problem> + Send + Sync>;

/// What is done for clients beside the group.
#[derive(Clone)]
pub struct Handlers {
    /// For who attaches.
    pub attach: AttachHandler,
    /// For `devgroup web`.
    pub web: WebHandler,
}

/// How the group has ended.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) code: u8,
    pub(super) summary: String,
}

/// Is told with each upkeep at which address the group is met.
pub type Keeper = Box<dyn Fn(&Path) + Send>;

/// The running server.
#[derive(Debug)]
pub struct Server {
    removal: Removal,
    end: watch::Sender<Option<End>>,
    done: Receiver<()>,
}

impl Server {
    /// Begins to serve. With each `upkeep` it is looked whether the socket is still there, and `keeper` told where.
    ///
    /// # Errors
    /// No thread or no event queue can be had.
    pub fn start(
        bound_socket: BoundSocket,
        handle: GroupHandle,
        about: About,
        handlers: Handlers,
        (upkeep, keeper): (Arc<Notify>, Keeper),
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            // What opens the web page must not wake up later only to end.
            .thread_keep_alive(Duration::from_millis(1))
            .build()?;
        let bound_socket = {
            let _inside = runtime.enter();
            bound_socket.serve()?
        };
        let removal = bound_socket.removal();
        let (end, ending) = watch::channel(None);
        let (done_in, done) = channel();
        thread::Builder::new().name("control".into()).spawn(move || {
            runtime.block_on(accept(bound_socket, &handle, &about, &handlers, ending, (&upkeep, &keeper)));
            // Whoever waits for it may have lost patience.
            let _ = done_in.send(());
        })?;
        Ok(Self { removal, end, done })
    }

    /// Says good-bye to all clients: the group has ended.
    pub fn finish(self, code: u8, summary: &str) {
        // First, so that nobody finds a group that is gone.
        self.removal.remove();
        self.end.send_replace(Some(End { code, summary: summary.to_owned() }));
        // Nothing to be done if it takes longer.
        let _ = self.done.recv_timeout(END_PATIENCE);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.removal.remove();
    }
}

async fn accept(
    mut bound_socket: ServedSocket,
    handle: &GroupHandle,
    about: &About,
    handlers: &Handlers,
    mut end: watch::Receiver<Option<End>>,
    (upkeep, keeper): (&Notify, &Keeper),
) {
    if let Some(folder) = bound_socket.address().parent().filter(|folder| folder.is_absolute()) {
        sweep(folder);
    }
    let mut clients = JoinSet::new();
    let room = Room::default();
    // The oldest first.
    let mut guests: Vec<(AbortHandle, Guest)> = Vec::new();
    let holds = Arc::new(AtomicU64::new(1));
    loop {
        let accepted = tokio::select! {
            accepted = bound_socket.accept() => accepted,
            () = upkeep.notified() => {
                bound_socket.renew();
                keeper(bound_socket.address());
                continue;
            }
            _ = end.wait_for(Option::is_some) => break,
        };
        while clients.try_join_next().is_some() {}
        guests.retain(|(client, _)| !client.is_finished());
        if accepted.is_ok() && clients.len() >= CLIENTS {
            // Who only keeps a place must not lock out a command. It waits for nothing, so it is gone at once.
            let ranks = guests.iter().enumerate().filter_map(|(at, (_, guest))| Some((guest.gives_way()?, at)));
            if let Some((_, at)) = ranks.min() {
                guests.remove(at).0.abort();
                clients.join_next().await;
            }
        }
        match accepted {
            Ok(stream) if !is_ours(&stream) => log::warn!("a client of another user was turned away"),
            Ok(stream) if clients.len() >= CLIENTS => {
                turn_away(&stream, format!("{} already has {CLIENTS} clients", about.project));
            }
            Ok(stream) => {
                let guest = room.guest();
                let shared = (handlers.clone(), Arc::clone(&holds), guest.clone());
                let client = clients.spawn(serve(stream, handle.clone(), about.clone(), shared, end.clone()));
                guests.push((client, guest));
            }
            Err(error) => {
                log::warn!("cannot accept a client: {error}");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
    // Nobody is to find a group that is gone.
    drop(bound_socket);
    while clients.join_next().await.is_some() {}
}

/// The client is of the same user.
fn is_ours(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == geteuid().as_raw())
}

/// Removes sockets that groups left behind which were killed.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_socket = path.extension().is_some_and(|extension| extension == "sock");
        let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        if is_socket && StdStream::connect(&path).is_err_and(refused) {
            // Somebody else may have done it.
            let _ = fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener as StdListener;

    use super::*;

    #[test]
    fn a_stale_socket_is_swept_and_a_live_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (stale, live, other) =
            (folder.path().join("a.sock"), folder.path().join("b.sock"), folder.path().join("c"));
        drop(StdListener::bind(&stale).unwrap());
        let _listener = StdListener::bind(&live).unwrap();
        fs::write(&other, "").unwrap();
        sweep(folder.path());
        assert!(!stale.exists() && live.exists() && other.exists());
    }
}
