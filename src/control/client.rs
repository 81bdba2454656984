//! A client of a running group: connects, asks, reads what comes. It blocks: a command has nothing else to do, and to
//! start an event loop would cost more than the question.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::abstract_socket;
use super::lock_note::LockNote;
use super::wire::{Ask, Greeting, Hello, Message, Problem, ProblemCode, Question, Reply, VERSION, to_line};
use crate::domain::visible_path;
use crate::remote_terminal::{Abilities, FromTerminal, ToTerminal};

/// The longest message of a group that a client takes: a line of a log, several times escaped, with room.
const LONGEST_REPLY: u64 = 64 << 20;

/// How long a group may take to greet.
const GREETING_PATIENCE: Duration = Duration::from_secs(5);

/// Bytes that are read at once.
const BUFFER: usize = 64 << 10;

/// Why a group cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody is there.
    #[error("no group is running here")]
    NotRunning,
    /// Somebody may be there, but the system does not let this process connect, as a sandbox does. It tells nothing of the
    /// group.
    #[error("not allowed from here: this process may not connect to {} ({error})", visible_path(address))]
    NotAllowed {
        /// The socket that was tried.
        address: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It runs, as its lock tells, but no socket of it can be found. It makes a new one by itself.
    #[error("{}, but its control socket is gone", .0.who_runs())]
    NoSocket(LockNote),
    /// It has taken the connection, and says nothing.
    #[error("the group does not answer")]
    Silent,
    /// The group said so.
    #[error("{}", .0.message)]
    Refused(Problem),
    /// The group has ended, and said so.
    #[error("the group has ended: {summary}")]
    Ended {
        /// The exit code of its program.
        code: u8,
        /// Its last line.
        summary: String,
    },
    /// The group is gone, without a word.
    #[error("lost the connection to the group: it died")]
    Lost,
    /// What the group says makes no sense.
    #[error("the group sent an unexpected message: {0}")]
    Malformed(String),
    /// The operating system refuses.
    #[error("cannot reach the group: {0}")]
    System(#[from] io::Error),
}

/// A connection to a running group.
#[derive(Debug)]
pub struct Client {
    input: BufReader<UnixStream>,
    output: UnixStream,
    socket: PathBuf,
    hello: Hello,
    line: Vec<u8>,
    next_id: u64,
}

impl Client {
    /// Connects to a group by its address: a socket, or a name with `@` before it.
    ///
    /// # Errors
    /// Nobody serves it, it is somebody else's, or it speaks another version.
    pub fn connect(socket: &Path) -> Result<Self, ClientError> {
        Self::connect_as(socket, None)
    }

    /// The same, and says who asks: what it starts, restarts and stops says so.
    ///
    /// # Errors
    /// As of [`Self::connect`].
    pub fn connect_as(socket: &Path, name: Option<&str>) -> Result<Self, ClientError> {
        let output = connect(socket)?;
        let input = BufReader::with_capacity(BUFFER, output.try_clone()?);
        let hello = Hello { version: 0, project: String::new(), pid: 0, file: String::new(), epoch: String::new() };
        let mut client = Self { input, output, socket: socket.to_owned(), hello, line: Vec::new(), next_id: 0 };
        // A group that has no room closes at once, but has said why.
        let greeted =
            client.output.write_all(&to_line(&Greeting { version: VERSION, client: name.map(str::to_owned) }));
        // A group that was stopped (SIGSTOP) is there and says nothing.
        client.output.set_read_timeout(Some(GREETING_PATIENCE))?;
        match client
            .next_message()
            .map_err(|said| match (said, greeted) {
                (ClientError::Lost, Err(error)) => lost(error),
                (said, _) => said,
            })?
            .reply
        {
            Reply::Hello(hello) => client.hello = hello,
            other => return Err(ClientError::Malformed(format!("{other:?} instead of a greeting"))),
        }
        client.output.set_read_timeout(None)?;
        Ok(client)
    }

    /// Who the group is.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Where the group is met.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Waits for a message at most so long from now on.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn set_patience(&mut self, patience: Duration) -> Result<(), ClientError> {
        Ok(self.output.set_read_timeout(Some(patience))?)
    }

    /// Asks, without waiting for an answer. The result is the number of the question.
    ///
    /// # Errors
    /// The group is gone.
    pub fn send(&mut self, ask: Ask) -> Result<u64, ClientError> {
        self.next_id += 1;
        let question = Question { id: self.next_id, ask };
        match self.output.write_all(&to_line(&question)) {
            Ok(()) => Ok(self.next_id),
            // It may have said why.
            Err(error) => Err(self.next_message().err().unwrap_or_else(|| lost(error))),
        }
    }

    /// Asks, and waits for the one answer.
    ///
    /// # Errors
    /// The group refuses, or is gone.
    pub fn ask(&mut self, ask: Ask) -> Result<Reply, ClientError> {
        let id = self.send(ask)?;
        loop {
            let message = self.next_message()?;
            if message.id == Some(id) {
                return Ok(message.reply);
            }
        }
    }

    /// The next message, whatever it belongs to.
    ///
    /// # Errors
    /// It is an error, or the group's farewell; or the group is gone.
    pub fn next_message(&mut self) -> Result<Message, ClientError> {
        self.line.clear();
        let mut limited = Read::take(&mut self.input, LONGEST_REPLY);
        limited.read_until(b'\n', &mut self.line).map_err(lost)?;
        if self.line.last() != Some(&b'\n') {
            return Err(ClientError::Lost);
        }
        let message: Message =
            serde_json::from_slice(&self.line).map_err(|error| ClientError::Malformed(error.to_string()))?;
        match message.reply {
            Reply::Error(problem) => Err(ClientError::Refused(problem)),
            Reply::Ended { code, summary } => Err(ClientError::Ended { code, summary }),
            reply => Ok(Message { id: message.id, reply }),
        }
    }

    /// Waits until something can be heard. False if nobody reads `output` any more, as after `| head -1`: a command that
    /// only writes what it hears would otherwise notice with the next message, which may come in a day.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn wait_for_more(&self, output: impl AsFd) -> Result<bool, ClientError> {
        if self.has_more() {
            return Ok(true);
        }
        loop {
            let mut handles = [
                PollFd::new(&self.output, PollFlags::IN),
                PollFd::from_borrowed_fd(output.as_fd(), PollFlags::empty()),
            ];
            match poll(&mut handles, None) {
                // Without being asked, poll tells only of what has ended.
                Ok(_) => return Ok(handles[1].revents().is_empty()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
    }

    /// Waits until there is more to read, or something in `other`: false, if only that.
    ///
    /// # Errors
    /// The system refuses to wait.
    pub fn wait_for_more_or(&self, other: BorrowedFd<'_>) -> Result<bool, ClientError> {
        loop {
            if self.has_more() {
                return Ok(true);
            }
            let mut handles =
                [PollFd::new(&self.output, PollFlags::IN), PollFd::from_borrowed_fd(other, PollFlags::IN)];
            match poll(&mut handles, None) {
                Ok(_) => return Ok(!handles[0].revents().is_empty()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
    }

    /// Waits until there is more to read, or something in `other`, for at most so long.
    ///
    /// # Errors
    /// The system refuses to wait.
    pub fn listen(&self, other: Option<BorrowedFd<'_>>, patience: Option<Duration>) -> Result<Heard, ClientError> {
        if self.has_more() {
            return Ok(Heard::More);
        }
        // A time that the system cannot count is no end.
        let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
        let mut handles = vec![PollFd::new(&self.output, PollFlags::IN)];
        handles.extend(other.map(|other| PollFd::from_borrowed_fd(other, PollFlags::IN)));
        match poll(&mut handles, patience.as_ref()) {
            Ok(0) => Ok(Heard::Nothing),
            Ok(_) if handles.iter().skip(1).any(|handle| !handle.revents().is_empty()) => Ok(Heard::Other),
            Ok(_) => Ok(Heard::More),
            // Whoever waits for so long looks at the time and asks again.
            Err(Errno::INTR) => Ok(Heard::Nothing),
            Err(error) => Err(io::Error::from(error).into()),
        }
    }

    /// Shows the dashboard of the group on a terminal: what it is told, and the way to tell what it does.
    ///
    /// # Errors
    /// The group is gone.
    pub fn attach(mut self, abilities: &Abilities) -> Result<(TerminalOrders, TerminalNews), ClientError> {
        let output = self.output.try_clone()?;
        self.send(Ask::Attach(abilities.clone()))?;
        Ok((TerminalOrders(self), TerminalNews(output)))
    }

    /// A message can be had without waiting.
    pub fn has_more(&self) -> bool {
        memchr::memchr(b'\n', self.input.buffer()).is_some()
    }
}

/// How a wait for a group has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// There is something to read from the group.
    More,
    /// There is something to read elsewhere, or that has ended.
    Other,
    /// Nothing has come in time.
    Nothing,
}

/// What a terminal on which the dashboard is shown is told.
#[derive(Debug)]
pub struct TerminalOrders(Client);

impl TerminalOrders {
    /// The next order.
    ///
    /// # Errors
    /// The group refuses, has ended, or is gone.
    pub fn next_order(&mut self) -> Result<ToTerminal, ClientError> {
        match self.0.next_message() {
            Ok(Message { reply: Reply::Terminal(order), .. }) => Ok(order),
            Ok(Message { reply, .. }) => Err(ClientError::Malformed(format!("{reply:?} for a terminal"))),
            // Its version of the messages is ours, but this one has come later.
            Err(ClientError::Refused(problem)) if problem.message.contains("unknown variant `attach`") => {
                let message = "this group runs on an older devgroup without `attach`: stop it with `devgroup down` \
                               and start it again";
                Err(ClientError::Refused(Problem::new(ProblemCode::Version, message)))
            }
            Err(error) => Err(error),
        }
    }
}

/// The way to tell the group what a terminal does.
#[derive(Debug)]
pub struct TerminalNews(UnixStream);

impl TerminalNews {
    /// Tells it. Waits for as long as the group does not read.
    ///
    /// # Errors
    /// The group is gone.
    pub fn send(&mut self, news: &FromTerminal) -> Result<(), ClientError> {
        self.0.write_all(&to_line(news)).map_err(lost)
    }
}

fn lost(error: io::Error) -> ClientError {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ClientError::Silent,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => ClientError::Lost,
        _ => ClientError::System(error),
    }
}

/// Connects, and sees to it that the same user is at the other end.
fn connect(address: &Path) -> Result<UnixStream, ClientError> {
    let is_name = abstract_socket::is_name(address);
    let connected = if is_name { abstract_socket::connect(address) } else { UnixStream::connect(address) };
    let stream = match connected {
        Ok(stream) => stream,
        Err(error) => {
            return Err(match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory => {
                    ClientError::NotRunning
                }
                // A sandbox says that of what is not there as well.
                io::ErrorKind::PermissionDenied if !may_be_there(address) => ClientError::NotRunning,
                io::ErrorKind::PermissionDenied => ClientError::NotAllowed { address: address.to_owned(), error },
                _ => error.into(),
            });
        }
    };
    match (is_name, peer(&stream)) {
        // Anybody can take a name: it is not that of our group.
        (true, None) => Err(ClientError::NotRunning),
        (true, Some(_)) => Ok(stream),
        (false, _) if is_ours(address) => Ok(stream),
        (false, _) => Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user serves its socket").into()),
    }
}

/// Whether somebody may listen at an address that we may not connect to.
fn may_be_there(address: &Path) -> bool {
    if abstract_socket::is_name(address) {
        return abstract_socket::is_taken(address);
    }
    match fs::symlink_metadata(address) {
        Ok(_) => true,
        // In a folder that we may not look into no group of ours is met: it would be our own.
        Err(error) => error.raw_os_error() == Some(Errno::PERM.raw_os_error()),
    }
}

/// The process of our own user that listens at the other end. `None` if it is somebody else's, or the system does not tell.
pub(super) fn peer(stream: &UnixStream) -> Option<u32> {
    #[cfg(target_os = "linux")]
    if crate::portable::is_linux() {
        let peer = rustix::net::sockopt::socket_peercred(stream).ok()?;
        return (peer.uid == geteuid()).then(|| peer.pid.as_raw_pid().unsigned_abs());
    }
    let _ = stream;
    None
}

/// The socket, and the folder that it is in, are of the same user: nobody else can have put it there.
fn is_ours(socket: &Path) -> bool {
    let own = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.uid() == geteuid().as_raw());
    own(socket) && socket.parent().is_some_and(own)
}
