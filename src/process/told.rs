//! A program that is told something: it reads one text, has ten seconds, and what it prints is only of interest if it fails.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::background_tasks::Means;
use super::change_command::exit_text;
use super::child::{Child, Prints};
use super::looks::SILENCE;
use super::program;
use crate::domain::{RunCommand, ServiceName, plain_error, visible, without_secrets};

/// One that takes longer is killed.
const LIMIT: Duration = Duration::from_secs(10);

/// After its end its output is waited for so long: what it left running may hold the other end.
const DRAIN: Duration = Duration::from_millis(100);

/// Less than any pipe takes at once: nobody is there to write the rest.
const LONGEST: usize = 8 << 10;

/// So much of what it has printed is kept, from the end.
const KEPT: usize = 4 << 10;

/// What is run, and what it reads.
pub struct Told {
    /// The program and its arguments.
    pub command: RunCommand,
    /// Working directory, absolute.
    pub dir: PathBuf,
    /// Its whole environment.
    pub env: Arc<[(OsString, OsString)]>,
    /// What it reads.
    pub input: Vec<u8>,
}

/// Tells a program, and waits for its end.
///
/// # Errors
/// It could not be run, has failed or took too long, for people.
pub fn tell_program(told: Told) -> Result<(), String> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| plain_error(&error))?;
    let result = runtime.block_on(tell(told, Means::default()));
    // Not a drop: that waits for looks which may never come back.
    runtime.shutdown_background();
    result
}

/// Tells a program.
///
/// # Errors
/// As of [`tell_program`].
pub(super) async fn tell(told: Told, means: Means) -> Result<(), String> {
    let limit = format!("killed after {}s", LIMIT.as_secs());
    timeout(LIMIT, run(told, means)).await.unwrap_or(Err(limit))
}

async fn run(told: Told, means: Means) -> Result<(), String> {
    let Told { command, dir, env, input } = told;
    let (its_dir, its_env) = (dir.clone(), env.clone());
    let purpose = (ServiceName::from(""), "alerts");
    let found = means.looks.look_up(purpose, move || program::find(&command, &its_dir, &its_env)).await;
    let program = found.ok_or_else(|| format!("its folder or files {SILENCE}"))??;
    let input = filled(&input).map_err(|error| plain_error(&error))?;
    let (reader, output) = io::pipe().map_err(|error| plain_error(&error))?;
    let mut reader = pipe::Receiver::from_owned_fd(reader.into()).map_err(|error| plain_error(&error))?;
    let prints = Prints::Answer { input, output: output.into() };
    let mut child = Child::start(&means.children, program, (&dir, &env), prints)?;
    let mut printed = Vec::new();
    let status = tokio::select! {
        // The end of its output comes before its own; then only the end is waited for.
        () = keep(&mut reader, &mut printed) => child.wait().await,
        status = child.wait() => status,
    };
    let _ = timeout(DRAIN, keep(&mut reader, &mut printed)).await;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(with_last_line(exit_text(status), &printed)),
        Err(error) => Err(plain_error(&error)),
    }
}

/// A pipe that holds this and then ends.
fn filled(input: &[u8]) -> io::Result<OwnedFd> {
    let (reader, mut writer) = io::pipe()?;
    if input.len() > LONGEST {
        return Err(io::Error::other("the event is too long"));
    }
    writer.write_all(input)?;
    Ok(reader.into())
}

/// Reads to the end, and keeps the last of it.
async fn keep(reader: &mut pipe::Receiver, printed: &mut Vec<u8>) {
    let mut piece = [0; 1024];
    while let Ok(length @ 1..) = reader.read(&mut piece).await {
        printed.extend(piece.get(..length).unwrap_or_default());
        let surplus = printed.len().saturating_sub(KEPT);
        printed.drain(..surplus);
    }
}

fn with_last_line(problem: String, printed: &[u8]) -> String {
    let printed = String::from_utf8_lossy(printed);
    match printed.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(line) => format!("{problem} · {}", visible(&without_secrets(line.trim()))),
        None => problem,
    }
}
