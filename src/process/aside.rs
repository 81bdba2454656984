//! Hooks, stop commands and validations: run beside a service, with their output in its log.

use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::child::Child;
use super::errands::Means;
use super::launch::Aside;
use super::live_run::LiveRun;
use super::looks::SILENCE;
use super::program;
use crate::domain::{ExitStatus, Marker};

/// One that takes longer is killed.
const LIMIT: Duration = Duration::from_secs(60);

/// After its end its output is waited for so long. It is there already: only what it left running, and has been
/// killed, could hold the pipe.
const DRAIN: Duration = Duration::from_millis(100);

/// A line that is longer than this is fed in parts.
const LONGEST_LINE: usize = 64 << 10;

/// Runs a stop command to its end, which is said in the log if it is a bad one. `live` is the run that it is to end.
/// `over`: the sender is dropped when that is killed.
pub(super) async fn stop(
    aside: Aside,
    means: Means,
    live: Option<Arc<LiveRun>>,
    over: oneshot::Receiver<()>,
    limit: Duration,
) {
    let problem = tokio::select! {
        result = follow(&aside, &means, live.as_deref()) => match result {
            Ok(()) => return,
            Err(problem) => problem,
        },
        () = tokio::time::sleep(limit) => format!("killed after {limit:?}"),
        // An error is what it waits for.
        _ = over => "killed with the run that it was to end".into(),
    };
    complain(&aside, problem);
}

/// Runs a hook to its end, which is said in the log if it is a bad one. `live` is the run that it is beside.
pub(super) async fn hook(aside: &Aside, means: &Means, live: Option<&LiveRun>) {
    match timeout(LIMIT, follow(aside, means, live)).await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => complain(aside, problem),
        Err(_) => complain(aside, format!("killed after {LIMIT:?}")),
    }
}

fn complain(aside: &Aside, problem: String) {
    log::warn!("{}: {}: {problem}", aside.service, aside.label);
    aside.document.mark(&Marker::AsideFailed { what: aside.label, problem });
}

/// How it ended, for people: `exit 101`, `SIGKILL`.
pub(super) fn told(status: std::process::ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitStatus::Code(code).to_string(),
        (None, Some(signal)) => ExitStatus::Signal(signal).to_string(),
        (None, None) => status.to_string(),
    }
}

/// Runs it to its end, however long that takes, with its output in the log.
///
/// # Errors
/// It did not end with 0, or could not be run; for people.
pub(super) async fn follow(aside: &Aside, means: &Means, live: Option<&LiveRun>) -> Result<(), String> {
    let (reader, writer) = std::io::pipe().map_err(|error| error.to_string())?;
    let mut output = Receiver::from_owned_fd(reader.into()).map_err(|error| error.to_string())?;
    let (prepare, dir) = (aside.prepare.clone(), aside.dir.clone());
    let look = move || {
        let prepared = prepare()?;
        Ok::<_, String>((program::find(&prepared.command, &dir, &prepared.env)?, prepared.env))
    };
    let found = means.looks.look((aside.service.clone(), aside.label), look).await;
    let (program, env) = found.ok_or_else(|| format!("its folder or its files {SILENCE}"))??;
    let mut child = Child::start(&means.children, program, (&aside.dir, &env), Some(writer))?;
    let mut lines = Lines { aside, live, open: Vec::new() };
    let status = tokio::select! {
        // The end of its output comes before its own; then only the end is waited for.
        () = lines.copy(&mut output) => child.wait().await,
        status = child.wait() => status,
    };
    let _ = timeout(DRAIN, lines.copy(&mut output)).await;
    lines.flush();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(told(status)),
        Err(error) => Err(error.to_string()),
    }
}

/// Feeds whole lines, so that they do not mix with the lines of the service.
struct Lines<'a> {
    aside: &'a Aside,
    live: Option<&'a LiveRun>,
    open: Vec<u8>,
}

impl Lines<'_> {
    /// Copies until the end of the output.
    async fn copy(&mut self, output: &mut Receiver) {
        let mut buffer = vec![0; 8 << 10];
        while let Ok(length) = output.read(&mut buffer).await
            && let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty())
        {
            for part in bytes.split_inclusive(|byte| *byte == b'\n') {
                self.open.extend(part);
                if part.ends_with(b"\n") || self.open.len() >= LONGEST_LINE {
                    self.flush();
                }
            }
        }
    }

    /// Feeds what there is of a line. The document is a terminal: a line end alone would not return to the left.
    fn flush(&mut self) {
        let line = std::mem::take(&mut self.open);
        if line.is_empty() {
            return;
        }
        let mut bytes = line.strip_suffix(b"\n").unwrap_or(&line).to_vec();
        bytes.extend(b"\r\n");
        if self.aside.document.feed(&bytes).ready
            && let Some(live) = self.live
        {
            live.become_ready();
        }
    }
}
