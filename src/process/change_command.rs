//! Hooks, stop commands and validations: run beside a service, with their output in its log.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::background_tasks::Means;
use super::child::{Child, Prints};
use super::launch::{ChangeCommand, Prepared};
use super::live_run::LiveRun;
use super::looks::SILENCE;
use super::outlet::{Lines, Outlet};
use super::program::{self, Program};
use super::terminal::Size;
use crate::domain::{ExitStatus, Marker, Validated};

/// What is executed, where, and with which environment.
type Found = (Program, PathBuf, Vec<(OsString, OsString)>);

/// One that takes longer is killed.
const LIMIT: Duration = Duration::from_secs(60);

/// After its end its output is waited for so long. It is there already: only what it left running, and has been
/// killed, could hold the other end.
const DRAIN: Duration = Duration::from_millis(100);

/// Runs a stop command to its end, which is said in the log if it is a bad one. `live` is the run that it is to end.
/// `over`: the sender is dropped when that is killed.
pub(super) async fn stop(
    change_command: ChangeCommand,
    means: Means,
    live: Option<Arc<LiveRun>>,
    over: oneshot::Receiver<()>,
    limit: Duration,
) {
    let problem = tokio::select! {
        result = in_pipe(&change_command, &means, live.as_deref()) => match result {
            Ok(()) => return,
            Err(problem) => problem,
        },
        () = tokio::time::sleep(limit) => format!("killed after {limit:?}"),
        // An error is what it waits for.
        _ = over => "killed with the run that it was stopping".into(),
    };
    complain(&change_command, problem);
}

/// Runs a hook to its end. The result is why that was a bad one, for people. `live` is the run that it is beside.
pub(super) async fn hook(
    change_command: &ChangeCommand,
    means: &Means,
    live: Option<&LiveRun>,
    size: watch::Receiver<Size>,
) -> Option<String> {
    match timeout(LIMIT, in_terminal(change_command, means, live, size)).await {
        Ok(ended) => ended.err(),
        Err(_) => Some(format!("killed after {LIMIT:?}")),
    }
}

fn complain(change_command: &ChangeCommand, problem: String) {
    log::warn!("{}: {}: {problem}", change_command.service, change_command.label);
    change_command.document.mark(&Marker::ChangeCommandFailed { what: change_command.label, problem });
}

/// How it ended, for people: `exit 101`, `SIGKILL`.
pub(super) fn exit_text(status: std::process::ExitStatus) -> String {
    match (status.code(), status.signal()) {
        // What a shell ends with (POSIX), and many others as well.
        (Some(127), _) => "exit 127 (usually: program not found)".into(),
        (Some(126), _) => "exit 126 (usually: program not executable)".into(),
        (Some(code), _) => ExitStatus::Code(code).to_string(),
        (None, Some(signal)) => ExitStatus::Signal(signal).to_string(),
        (None, None) => status.to_string(),
    }
}

/// Runs it to its end, however long that takes, with its output in the log. What it prints to is a terminal of the size of
/// the service's pane: it prints what it would print there.
///
/// # Errors
/// It did not end with 0, or could not be run; for people.
pub(super) async fn in_terminal(
    change_command: &ChangeCommand,
    means: &Means,
    live: Option<&LiveRun>,
    size: watch::Receiver<Size>,
) -> Result<(), String> {
    follow(change_command, means, live, Outlet::terminal(size, &means.children)?).await
}

/// The same, but what it prints to is a pipe.
///
/// # Errors
/// It did not end with 0, or could not be run; for people.
async fn in_pipe(change_command: &ChangeCommand, means: &Means, live: Option<&LiveRun>) -> Result<(), String> {
    follow(change_command, means, live, Outlet::pipe()?).await
}

/// Runs a validation to its end, and then sees whether `start` could be executed: what is validated may have made it.
pub(super) async fn validate(
    change_command: &ChangeCommand,
    start: &ChangeCommand,
    means: &Means,
    live: Option<&LiveRun>,
    size: watch::Receiver<Size>,
) -> Validated {
    // What keeps both from their environment or their folder is no fault of what `validate` looks at.
    if let Err(problem) = look(change_command, means, ChangeCommand::place).await {
        return Validated::CannotStart(problem);
    }
    if let Err(problem) = in_terminal(change_command, means, live, size).await {
        return Validated::Failed(problem);
    }
    look(start, means, ChangeCommand::program).await.map_or_else(Validated::CannotStart, |_| Validated::Passed)
}

/// Asks the file system, for as long as that may take.
async fn look<T: Send + 'static>(
    change_command: &ChangeCommand,
    means: &Means,
    ask: impl FnOnce(&ChangeCommand) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let its = change_command.clone();
    let found = means.looks.look_up((change_command.service.clone(), change_command.label), move || ask(&its)).await;
    found.ok_or_else(|| format!("its folder or files {SILENCE}"))?
}

impl ChangeCommand {
    /// Its command with its environment, and its folder, which can be entered. May wait for files.
    fn place(&self) -> Result<(Prepared, PathBuf), String> {
        let prepared = (self.prepare)()?;
        let dir = match &self.expand {
            Some(expand) => expand(&prepared.env)?.dir,
            None => self.dir.clone(),
        };
        program::can_be_entered(&dir)?;
        Ok((prepared, dir))
    }

    /// The program that it executes, in which folder and with which environment. May wait for files.
    pub(super) fn program(&self) -> Result<Found, String> {
        let (prepared, dir) = self.place()?;
        Ok((program::find(&prepared.command, &dir, &prepared.env)?, dir, prepared.env))
    }
}

async fn follow(
    change_command: &ChangeCommand,
    means: &Means,
    live: Option<&LiveRun>,
    (outlet, end): (Outlet, Prints),
) -> Result<(), String> {
    let (program, dir, env) = look(change_command, means, ChangeCommand::program).await?;
    let mut child = Child::start(&means.children, program, (&dir, &env), end)?;
    let mut lines = Lines::new(outlet, &change_command.document, live);
    let status = tokio::select! {
        // The end of its output comes before its own; then only the end is waited for.
        () = lines.copy() => child.wait().await,
        status = child.wait() => status,
    };
    let _ = timeout(DRAIN, lines.copy()).await;
    lines.finish();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(exit_text(status)),
        Err(error) => Err(error.to_string()),
    }
}
