//! Hooks, stop commands and validations: run beside a service, with their output in its log.

use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::background_tasks::Means;
use super::child::{Child, Prints};
use super::launch::ChangeCommand;
use super::live_run::LiveRun;
use super::looks::SILENCE;
use super::outlet::{Lines, Outlet};
use super::program;
use super::terminal::Size;
use crate::domain::{ExitStatus, Marker};

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
        _ = over => "killed with the run that it was to end".into(),
    };
    complain(&change_command, problem);
}

/// Runs a hook to its end, which is said in the log if it is a bad one. `live` is the run that it is beside.
pub(super) async fn hook(
    change_command: &ChangeCommand,
    means: &Means,
    live: Option<&LiveRun>,
    size: watch::Receiver<Size>,
) {
    match timeout(LIMIT, in_terminal(change_command, means, live, size)).await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => complain(change_command, problem),
        Err(_) => complain(change_command, format!("killed after {LIMIT:?}")),
    }
}

fn complain(change_command: &ChangeCommand, problem: String) {
    log::warn!("{}: {}: {problem}", change_command.service, change_command.label);
    change_command.document.mark(&Marker::ChangeCommandFailed { what: change_command.label, problem });
}

/// How it ended, for people: `exit 101`, `SIGKILL`.
pub(super) fn exit_text(status: std::process::ExitStatus) -> String {
    match (status.code(), status.signal()) {
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

async fn follow(
    change_command: &ChangeCommand,
    means: &Means,
    live: Option<&LiveRun>,
    (outlet, end): (Outlet, Prints),
) -> Result<(), String> {
    let (prepare, expand, dir) =
        (change_command.prepare.clone(), change_command.expand.clone(), change_command.dir.clone());
    let look = move || {
        let prepared = prepare()?;
        let dir = match expand {
            Some(expand) => expand(&prepared.env)?.dir,
            None => dir,
        };
        Ok::<_, String>((program::find(&prepared.command, &dir, &prepared.env)?, dir, prepared.env))
    };
    let found = means.looks.look_up((change_command.service.clone(), change_command.label), look).await;
    let (program, dir, env) = found.ok_or_else(|| format!("its folder or its files {SILENCE}"))??;
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
