//! The process of a helper: made, waited for, and reaped.
//!
//! On Linux it leads a session of its own, as a run does, which has no terminal: what asks for a password by `/dev/tty`
//! fails at once, and neither draws into the dashboard nor takes the keys of the user. On other systems it stays in our
//! session, in a process group of its own.

#[cfg(target_os = "linux")]
pub(super) use either::Helper;
#[cfg(not(target_os = "linux"))]
pub(super) use our_session::Helper;
#[cfg(target_os = "linux")]
pub(super) use own_session::inside;

/// On Linux it is chosen when the program runs.
#[cfg(target_os = "linux")]
mod either {
    use std::ffi::OsString;
    use std::io;
    use std::path::Path;
    use std::process::ExitStatus;

    use rustix::process::Pid;

    use super::{our_session, own_session};
    use crate::portable::is_linux;
    use crate::process::child::Prints;
    use crate::process::program::Program;

    /// A process that leads a process group.
    pub(in crate::process) enum Helper {
        OwnSession(own_session::Helper),
        OurSession(Box<our_session::Helper>),
    }

    impl Helper {
        /// Makes the process.
        ///
        /// # Errors
        /// Why there is none, for people.
        pub(in crate::process) fn start(
            program: Program,
            place: (&Path, &[(OsString, OsString)]),
            output: Prints,
        ) -> Result<Self, String> {
            if is_linux() {
                own_session::Helper::start(program, place, output).map(Self::OwnSession)
            } else {
                our_session::Helper::start(program, place, output).map(|helper| Self::OurSession(Box::new(helper)))
            }
        }

        /// Its process group.
        pub(in crate::process) fn group(&self) -> Option<Pid> {
            match self {
                Self::OwnSession(helper) => helper.group(),
                Self::OurSession(helper) => helper.group(),
            }
        }

        /// Waits for its end.
        ///
        /// # Errors
        /// Nobody can wait for it.
        pub(in crate::process) async fn ended(&mut self) -> io::Result<()> {
            match self {
                Self::OwnSession(helper) => helper.ended().await,
                Self::OurSession(helper) => helper.ended().await,
            }
        }

        /// How it ended, once.
        ///
        /// # Errors
        /// It has not, or that was asked before.
        pub(in crate::process) fn status(&mut self) -> io::Result<ExitStatus> {
            match self {
                Self::OwnSession(helper) => helper.status(),
                Self::OurSession(helper) => helper.status(),
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod own_session {
    use std::ffi::OsString;
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::process::ExitStatusExt;
    use std::path::Path;
    use std::process::ExitStatus;

    use rustix::process::{Pid, WaitId, WaitIdOptions, WaitOptions, kill_process_group, waitid, waitpid};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;
    use tokio::runtime::Handle;

    use crate::domain::{plain_error, visible_path};
    use crate::process::child::Prints;
    use crate::process::exit;
    use crate::process::program::{Program, SHELL};
    use crate::process::spawn::{self, Output, Streams};

    /// What enters a folder and becomes another program, where a thread cannot have a folder of its own. A function of the
    /// environment may be called `cd`, which bash would run without `command`.
    const IN_FOLDER: &str = "command cd -- \"$0\" && exec \"$@\"";

    /// A process that leads a session. A zombie is reaped, whenever this is dropped.
    pub(in crate::process) struct Helper {
        pid: Pid,
        /// Readable when it has ended. `None`: it was reaped.
        end: Option<AsyncFd<OwnedFd>>,
    }

    impl Helper {
        /// Makes the process. To be called on a thread that makes all of them, and lives as long as they do: the kernel
        /// gives the children of a thread that ends to the main one.
        ///
        /// # Errors
        /// Why there is no process, for people.
        pub(in crate::process) fn start(
            program: Program,
            (dir, env): (&Path, &[(OsString, OsString)]),
            output: Prints,
        ) -> Result<Self, String> {
            let together = |output| Streams::Together { input: c"/dev/null", output };
            let streams = match &output {
                Prints::Nowhere => together(Output::Input),
                Prints::Handle(handle) => together(Output::Handle(handle.as_fd())),
                Prints::Answer { input, output } => Streams::Apart([input.as_fd(), output.as_fd(), output.as_fd()]),
            };
            let pid = inside(dir, program, |program| spawn::spawn(program, env, streams))?;
            #[expect(deprecated, reason = "what replaces it is unsafe; it owns the handle, so this is sound")]
            let end = exit::of_child(pid).and_then(|end| AsyncFd::with_interest(end, Interest::READABLE));
            match end {
                Ok(end) => Ok(Self { pid, end: Some(end) }),
                Err(error) => {
                    let _ = kill_process_group(pid, rustix::process::Signal::KILL);
                    let _ = waitpid(Some(pid), WaitOptions::empty());
                    Err(plain_error(&error))
                }
            }
        }

        /// Its process group, which has its number.
        pub(in crate::process) fn group(&self) -> Option<Pid> {
            Some(self.pid)
        }

        /// Waits for its end. It is not reaped, so nobody else gets its number.
        ///
        /// # Errors
        /// Nobody can wait for it.
        pub(in crate::process) async fn ended(&mut self) -> io::Result<()> {
            match &self.end {
                Some(end) => ended(self.pid, end).await,
                None => Ok(()),
            }
        }

        /// How it ended, once.
        ///
        /// # Errors
        /// It has not, or that was asked before.
        pub(in crate::process) fn status(&mut self) -> io::Result<ExitStatus> {
            let (_, status) = waitpid(Some(self.pid), WaitOptions::NOHANG)?.ok_or(io::ErrorKind::WouldBlock)?;
            self.end = None;
            Ok(ExitStatus::from_raw(status.as_raw()))
        }
    }

    impl Drop for Helper {
        fn drop(&mut self) {
            let pid = self.pid;
            // Without a runtime its thread has ended or is about to: then the main one reaps it.
            if let (Some(end), Ok(runtime)) = (self.end.take(), Handle::try_current()) {
                runtime.spawn(async move {
                    if ended(pid, &end).await.is_ok() {
                        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
                    }
                });
            }
        }
    }

    async fn ended(pid: Pid, end: &AsyncFd<OwnedFd>) -> io::Result<()> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        loop {
            let mut ready = end.readable().await?;
            if waitid(WaitId::Pid(pid), options)?.is_some() {
                return Ok(());
            }
            ready.clear_ready();
        }
    }

    /// Does this with the calling thread in a folder, and a program that runs there.
    pub(in crate::process) fn inside<T>(
        dir: &Path,
        program: Program,
        work: impl FnOnce(&Program) -> Result<T, String>,
    ) -> Result<T, String> {
        match spawn::enter(dir).map_err(|error| format!("folder {}: {}", visible_path(dir), plain_error(&error)))? {
            Some(_entered) => work(&program),
            None => {
                let words = [SHELL.into(), "-c".into(), IN_FOLDER.into(), dir.as_os_str().to_owned()];
                let argv = words.into_iter().chain(program.argv).collect();
                work(&Program { path: SHELL.into(), argv })
            }
        }
    }
}

mod our_session {
    use std::ffi::OsString;
    use std::io;
    use std::path::Path;
    use std::process::{ExitStatus, Stdio};

    use rustix::process::Pid;
    use tokio::process::{Child, Command};

    use crate::domain::plain_error;
    use crate::process::child::Prints;
    use crate::process::program::Program;

    /// A process that leads a process group.
    pub(in crate::process) struct Helper {
        child: Child,
        group: Option<Pid>,
    }

    impl Helper {
        /// Makes the process.
        ///
        /// # Errors
        /// Why there is none, for people.
        pub(in crate::process) fn start(
            program: Program,
            (dir, env): (&Path, &[(OsString, OsString)]),
            output: Prints,
        ) -> Result<Self, String> {
            let (name, arguments) = program.argv.split_first().ok_or("no program given")?;
            let (stdin, output) = match output {
                Prints::Nowhere => (Stdio::null(), None),
                Prints::Handle(output) => (Stdio::null(), Some(output)),
                Prints::Answer { input, output } => (input.into(), Some(output)),
            };
            let (stdout, stderr) = match output {
                None => (Stdio::null(), Stdio::null()),
                Some(output) => {
                    let copy = output.try_clone().map_err(|error| plain_error(&error))?;
                    (output.into(), copy.into())
                }
            };
            let mut command = Command::new(name);
            command.args(arguments).current_dir(dir).env_clear().envs(env.iter().map(|(name, value)| (name, value)));
            command.stdin(stdin).stdout(stdout).stderr(stderr).process_group(0).kill_on_drop(true);
            let child = command.spawn().map_err(|error| plain_error(&error))?;
            let group = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
            Ok(Self { child, group })
        }

        /// Its process group.
        pub(in crate::process) fn group(&self) -> Option<Pid> {
            self.group
        }

        /// Waits for its end.
        ///
        /// # Errors
        /// Nobody can wait for it.
        pub(in crate::process) async fn ended(&mut self) -> io::Result<()> {
            self.child.wait().await.map(drop)
        }

        /// How it ended.
        ///
        /// # Errors
        /// It has not.
        pub(in crate::process) fn status(&mut self) -> io::Result<ExitStatus> {
            self.child.try_wait()?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
        }
    }
}
