//! The pseudo-terminal of a run: our end of it.

use std::ffi::OsString;
#[cfg(target_os = "linux")]
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
#[cfg(target_os = "linux")]
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use filedescriptor::FileDescriptor;
use nix::fcntl::OFlag;
use portable_pty::{CommandBuilder, PtySize, SlavePty, native_pty_system};
use rustix::buffer::spare_capacity;
#[cfg(target_os = "linux")]
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::termios::{InputModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

use super::child::{Children, Prints};
use super::program::Program;
#[cfg(target_os = "linux")]
use super::spawn::{self, Entered, Streams};
use crate::domain::plain_error;
#[cfg(target_os = "linux")]
use crate::domain::visible_path;
use crate::logs::LogDocument;
#[cfg(target_os = "linux")]
use crate::portable;

/// Columns and rows of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    columns: u16,
    rows: u16,
}

impl Size {
    /// At least 2×1, like the log's screen: programs take 0 for "unknown" and then guess.
    pub(super) fn new(columns: u16, rows: u16) -> Self {
        Self { columns: columns.max(2), rows: rows.max(1) }
    }

    /// Gives it to a document.
    pub(super) fn apply_to(self, document: &LogDocument) {
        document.resize(self.columns, self.rows);
    }
}

impl Default for Size {
    fn default() -> Self {
        Self { columns: 80, rows: 24 }
    }
}

/// The master end. The kernel hangs up on the session when the last handle is closed.
pub(super) struct Terminal {
    master: OwnedFd,
}

/// What a read came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// Bytes.
    Bytes,
    /// There is nothing to read at the moment.
    Nothing,
    /// Nothing, and nobody has the other end open.
    Closed,
}

/// The other end, before the process has it.
pub(super) enum Slave {
    /// Nobody has it open yet. The thread is in the folder of the process.
    #[cfg(target_os = "linux")]
    Path(CString, Entered),
    /// The terminal library has.
    Library(LibrarySlave),
}

type LibrarySlave = Box<dyn SlavePty + Send>;

impl Terminal {
    /// A new terminal for a run that begins in `dir`, on the thread that starts the process.
    ///
    /// # Errors
    /// Why there is none, for people.
    pub(super) fn open(
        size: Size,
        #[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "only on Linux a thread has a folder"))]
        dir: &Path,
        children: &Children,
    ) -> Result<(Self, Slave), String> {
        #[cfg(target_os = "linux")]
        if !portable::is_wanted()
            && let Some(entered) =
                spawn::enter(dir).map_err(|error| format!("folder {}: {}", visible_path(dir), plain_error(&error)))?
        {
            let (terminal, path) =
                Self::own(size).map_err(|error| format!("cannot open a terminal for it: {error}"))?;
            return Ok((terminal.made_ready()?, Slave::Path(path, entered)));
        }
        let (terminal, slave, _) = children.undisturbed(|| Self::by_library(size))?;
        Ok((terminal.made_ready()?, Slave::Library(slave)))
    }

    /// A new terminal for a helper, and the end that it prints to. It cannot be read and is not the terminal of its
    /// session: nobody types here, and a question for a password or a pager would wait for ever.
    ///
    /// # Errors
    /// Why there is none, for people.
    pub(super) fn for_output(size: Size, children: &Children) -> Result<(Self, Prints), String> {
        let problem = |error: io::Error| format!("cannot open a terminal for it: {error}");
        let open = |path: &Path| {
            let mut options = File::options();
            options.write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(path).map_err(problem)
        };
        #[cfg(target_os = "linux")]
        if !portable::is_wanted() {
            let (terminal, path) = Self::own(size).map_err(problem)?;
            let end = open(Path::new(OsStr::from_bytes(path.as_bytes())))?;
            return Ok((terminal.made_ready()?, Prints::Handle(end.into())));
        }
        let (terminal, _until_it_is_open, path) = children.undisturbed(|| Self::by_library(size))?;
        let end = open(&path.ok_or("cannot open a terminal for it: it has no name")?)?;
        Ok((terminal.made_ready()?, Prints::Handle(end.into())))
    }

    #[cfg(target_os = "linux")]
    fn own(size: Size) -> io::Result<(Self, CString)> {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let path = ptsname(&master, Vec::new())?;
        let terminal = Self { master };
        terminal.resize(size);
        Ok((terminal, path))
    }

    fn by_library(size: Size) -> Result<(Self, LibrarySlave, Option<PathBuf>), String> {
        let pair = native_pty_system()
            .openpty(PtySize { rows: size.rows, cols: size.columns, pixel_width: 0, pixel_height: 0 })
            .map_err(|error| format!("cannot open a terminal for it: {error}"))?;
        let master = pair.master.as_raw_fd().ok_or("cannot open a terminal for it: it has no handle")?;
        // A duplicate of the library's handle: that one cannot be polled without unsafe code, and its writer types an
        // end-of-file when it is dropped.
        let master = FileDescriptor::dup(&master).map_err(|error| format!("cannot open a terminal for it: {error}"))?;
        let master =
            master.as_fd().try_clone_to_owned().map_err(|error| format!("cannot open a terminal for it: {error}"))?;
        Ok((Self { master }, pair.slave, pair.master.tty_name()))
    }

    fn made_ready(self) -> Result<Self, String> {
        let master = &self.master;
        rustix::io::ioctl_fionbio(master, true).map_err(|error| format!("cannot open a terminal for it: {error}"))?;
        // So that erasing an ä in a line that is being typed erases both of its bytes. Not worth failing for.
        if let Ok(mut modes) = tcgetattr(master) {
            modes.input_modes |= InputModes::IUTF8;
            let _ = tcsetattr(master, OptionalActions::Now, &modes);
        }
        Ok(self)
    }

    /// What the processes of the run have open of it; `None` if the system does not tell.
    pub(super) fn name(&self) -> Option<PathBuf> {
        #[cfg(target_os = "linux")]
        return portable::is_linux().then(|| self.own_name()).flatten();
        #[cfg(not(target_os = "linux"))]
        None
    }

    #[cfg(target_os = "linux")]
    fn own_name(&self) -> Option<PathBuf> {
        Some(OsString::from_vec(rustix::pty::ptsname(&self.master, Vec::new()).ok()?.into_bytes()).into())
    }

    /// Tells the kernel the size, which tells the foreground processes by WINCH if it is another one.
    pub(super) fn resize(&self, size: Size) {
        let window = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
        // Fails only once the session is gone.
        let _ = tcsetwinsize(&self.master, window);
    }

    /// Reads what is there behind what the buffer has, as far as there is room; never blocks.
    pub(super) fn read(&self, buffer: &mut Vec<u8>) -> Output {
        loop {
            return match rustix::io::read(&self.master, spare_capacity(buffer)) {
                Ok(0) => Output::Closed,
                Ok(_) => Output::Bytes,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => Output::Nothing,
                // EIO is how Linux says that the other end is closed.
                Err(_) => Output::Closed,
            };
        }
    }

    /// Writes what fits; never blocks.
    ///
    /// # Errors
    /// Nobody can read it any more.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            return match rustix::io::write(&self.master, bytes) {
                Ok(length) => Ok(length),
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => Ok(0),
                Err(error) => Err(error.into()),
            };
        }
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }
}

/// A terminal that nobody has open. A process of the session may open it again (`/dev/tty`: a password is asked), and
/// poll would not sleep until then but say "hung up" without end.
pub(super) struct Hangup {
    edge: Option<OwnedFd>,
}

#[cfg(target_os = "linux")]
impl Hangup {
    /// Watches for news from the terminal, by edges.
    pub(super) fn of(terminal: &Terminal) -> Self {
        if !portable::is_linux() {
            return Self { edge: None };
        }
        let edge = || {
            let edge = epoll::create(epoll::CreateFlags::CLOEXEC)?;
            epoll::add(&edge, terminal, epoll::EventData::new_u64(0), epoll::EventFlags::IN | epoll::EventFlags::ET)?;
            Ok::<_, Errno>(edge)
        };
        let hangup = Self { edge: edge().ok() };
        // The state that we know of is the first edge.
        hangup.wait_for_edge();
        hangup
    }

    /// Waits for the next edge.
    pub(super) fn wait_for_edge(&self) {
        if let Some(edge) = &self.edge {
            let mut events = [epoll::Event { flags: epoll::EventFlags::empty(), data: epoll::EventData::new_u64(0) }];
            let _ = epoll::wait(edge, &mut events, Some(&Timespec::default()));
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Hangup {
    /// Nothing to watch it by.
    pub(super) fn of(_terminal: &Terminal) -> Self {
        Self { edge: None }
    }

    /// Nothing to wait for.
    pub(super) fn wait_for_edge(&self) {}
}

impl Hangup {
    /// Becomes readable when there may be news; `None`: look from time to time.
    pub(super) fn handle(&self) -> Option<BorrowedFd<'_>> {
        self.edge.as_ref().map(AsFd::as_fd)
    }
}

impl Slave {
    /// Whether the terminal library starts the process.
    pub(super) fn is_of_library(&self) -> bool {
        matches!(self, Self::Library(_))
    }

    /// Starts a process with this as its controlling terminal, as the leader of a new session and process group.
    ///
    /// Signal dispositions and mask are reset, and all descriptors but the three closed.
    ///
    /// # Errors
    /// Why there is no process, for people.
    pub(super) fn start(
        self,
        program: Program,
        dir: &Path,
        env: &[(OsString, OsString)],
        #[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "nobody else starts runs"))]
        children: &Children,
    ) -> Result<Pid, String> {
        let slave = match self {
            #[cfg(target_os = "linux")]
            Self::Path(path, _entered) => {
                let streams = Streams::Together { input: &path, output: spawn::Output::Input };
                return children.beside(|| spawn::spawn(&program, env, streams));
            }
            Self::Library(slave) => slave,
        };
        let mut command = CommandBuilder::from_argv(program.argv);
        command.env_clear();
        for (name, value) in env {
            command.env(name, value);
        }
        command.cwd(dir);
        let child = slave.spawn_command(command).map_err(|error| match error.downcast_ref::<io::Error>() {
            Some(error) => plain_error(error),
            None => error.to_string(),
        })?;
        // The library's `Child` forgets the number of the signal that ended it; we wait for the process by ourselves.
        let pid = child.process_id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        pid.ok_or_else(|| "the system gave it no pid".into())
    }
}
