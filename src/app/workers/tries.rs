//! Tries: they are started, what they print goes to the log of their worker, and their ends come back.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::environment::TaskVariables;
use super::{Message, WorkerStart};
use crate::domain::{Marker, TaskId, TaskMarker};
use crate::logs::LogDocument;
use crate::process::{Attempt, AttemptLaunch, Captured, ChangeCommand, ProcessHost};

/// A try that runs, or the last one of a task.
pub(super) struct Try {
    pub(super) serial: u64,
    task: TaskVariables,
    /// `None`: it could not be begun, or has ended.
    pub(super) attempt: Option<Attempt>,
    /// What it printed and what it complained of, when it has ended.
    pub(super) output: (Captured, Captured),
}

/// Starts one. Its end is a message with this number, which no other try has.
pub(super) fn begin(
    start: &WorkerStart,
    host: &ProcessHost,
    messages: &Sender<Message>,
    task: TaskVariables,
    (serial, input): (u64, Arc<[u8]>),
) -> Try {
    let worker = start.spec.name.clone();
    let (id, document, messages) = (task.id.clone(), start.document.clone(), messages.clone());
    let (lines, its) = (lines_of(&id, start.document.clone()), task.clone());
    let launch = AttemptLaunch {
        worker: worker.clone(),
        run: start.run,
        prepare: start.environment.of_try(&start.spec.run, task, serial),
        expand: start.expand.clone(),
        dir: start.dir.clone(),
        input,
        lines: Box::new(lines),
        ended: Box::new(move |end| {
            if !end.left_behind.is_empty() {
                let names = end.left_behind.clone();
                document.mark(&Marker::Task(TaskMarker::LeftBehind { id, names }));
            }
            // Without the thread nobody needs to know.
            let _ = messages.send(Message::Ended { worker, serial, end: Box::new(end) });
        }),
    };
    Try { serial, task: its, attempt: host.attempt(launch), output: Default::default() }
}

/// Runs the stop command of the worker for a try, in its environment.
pub(super) fn run_stop_command(start: &WorkerStart, host: &ProcessHost, its: &Try) {
    let Some(command) = &start.spec.stop.command else { return };
    let command = ChangeCommand {
        service: start.spec.name.clone(),
        label: "stop command",
        prepare: start.environment.of_try(command, its.task.clone(), its.serial),
        expand: start.expand.clone(),
        dir: start.dir.clone(),
        document: start.document.clone(),
    };
    host.run_stop_command(command, start.spec.stop.grace);
}

/// Each line stands behind the id of its task. The lines of several tries are mixed, but never the parts of one line.
fn lines_of(id: &TaskId, document: Arc<LogDocument>) -> impl FnMut(Vec<String>) + Send + use<> {
    let prefix = format!("\x1b[0;2m{id}\x1b[0m ");
    move |lines| {
        let mut text = String::new();
        for line in lines {
            // Writing to a String cannot fail.
            let _ = write!(text, "{prefix}{line}\x1b[0m\r\n");
        }
        document.feed(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::logs::{LineId, LogStore};

    #[test]
    fn each_line_stands_behind_its_task() {
        let document = LogStore::new(Clock::start()).open(&"marie".into(), 1 << 20);
        document.resize(80, 5);
        let id = TaskId::parse("test-001").unwrap();
        lines_of(&id, document.clone())(vec!["\x1b[0;31mred".into(), "plain".into()]);
        let shown = |line| document.read().line(LineId(line)).map(|line| line.content.text.clone());
        assert_eq!([shown(0), shown(1)].map(Option::unwrap), ["test-001 red", "test-001 plain"]);
    }
}
