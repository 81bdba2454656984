//! A process of a session of its own that reads from a pipe and prints into two.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::process::Pid;

use super::child::Children;
use super::program::Program;
use crate::domain::plain_error;

/// Our ends of the pipes, which never block. Those of the process do, as it expects.
pub(super) struct Pipes {
    /// Where it reads from.
    pub(super) input: OwnedFd,
    /// What it prints.
    pub(super) output: OwnedFd,
    /// What it complains of.
    pub(super) errors: OwnedFd,
}

/// Starts a program that was found a moment ago, in this folder. To be called on the thread that waits for it.
///
/// # Errors
/// Why there is no process, for people.
pub(super) fn start(
    program: Program,
    (dir, env): (&Path, &[(OsString, OsString)]),
    children: &Children,
) -> Result<(Pid, Pipes), String> {
    #[cfg(target_os = "linux")]
    if !crate::portable::is_wanted() {
        return own::start(program, (dir, env), children);
    }
    by_library(&program, (dir, env), children)
}

/// By the standard library: in our session, in a process group of its own.
fn by_library(
    program: &Program,
    (dir, env): (&Path, &[(OsString, OsString)]),
    children: &Children,
) -> Result<(Pid, Pipes), String> {
    let mut command = Command::new(&program.path);
    if let Some((name, arguments)) = program.argv.split_first() {
        command.arg0(name).args(arguments);
    }
    command.current_dir(dir).env_clear().envs(env.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = children.beside(|| command.spawn()).map_err(|error| plain_error(&error))?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or("the system gave it no pid")?;
    let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err("the system gave it no pipes".into());
    };
    let pipes = Pipes { input: input.into(), output: output.into(), errors: errors.into() };
    for pipe in [&pipes.input, &pipes.output, &pipes.errors] {
        never_block(pipe).map_err(|error| plain_error(&error))?;
    }
    Ok((pid, pipes))
}

fn never_block(pipe: &OwnedFd) -> io::Result<()> {
    Ok(rustix::io::ioctl_fionbio(pipe, true)?)
}

/// Writes what the pipe takes now. How much that was; `None`: nobody reads it any more.
pub(super) fn write(pipe: &OwnedFd, bytes: &[u8]) -> Option<usize> {
    loop {
        return match rustix::io::write(pipe, bytes) {
            Ok(length) => Some(length),
            Err(Errno::INTR) => continue,
            Err(Errno::AGAIN) => Some(0),
            Err(_) => None,
        };
    }
}

/// What a read came to.
pub(super) enum Read {
    /// So many bytes.
    Bytes(usize),
    /// There is nothing now.
    Nothing,
    /// Nobody has the other end open.
    End,
}

/// Reads what is there.
pub(super) fn read(pipe: &OwnedFd, buffer: &mut [u8]) -> Read {
    loop {
        return match rustix::io::read(pipe, &mut *buffer) {
            Ok(0) => Read::End,
            Ok(length) => Read::Bytes(length),
            Err(Errno::INTR) => continue,
            Err(Errno::AGAIN) => Read::Nothing,
            Err(_) => Read::End,
        };
    }
}

#[cfg(target_os = "linux")]
mod own {
    use std::ffi::OsString;
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};
    use std::path::Path;

    use rustix::process::Pid;

    use super::{Pipes, never_block};
    use crate::domain::plain_error;
    use crate::process::child::Children;
    use crate::process::child_process::inside;
    use crate::process::program::Program;
    use crate::process::spawn::{self, Streams};

    /// See [`super::start`].
    pub(super) fn start(
        program: Program,
        (dir, env): (&Path, &[(OsString, OsString)]),
        children: &Children,
    ) -> Result<(Pid, Pipes), String> {
        let (its_input, input) = pipe()?;
        let (output, its_output) = pipe()?;
        let (errors, its_errors) = pipe()?;
        for ours in [&input, &output, &errors] {
            never_block(ours).map_err(|error| plain_error(&error))?;
        }
        let streams = Streams::Apart([its_input.as_fd(), its_output.as_fd(), its_errors.as_fd()]);
        let pid = children.beside(|| inside(dir, program, |program| spawn::spawn(program, env, streams)))?;
        Ok((pid, Pipes { input, output, errors }))
    }

    /// The end to read from, and the end to write to. No other process inherits them.
    fn pipe() -> Result<(OwnedFd, OwnedFd), String> {
        let (reader, writer) =
            io::pipe().map_err(|error| format!("cannot make a pipe for it: {}", plain_error(&error)))?;
        Ok((reader.into(), writer.into()))
    }
}
