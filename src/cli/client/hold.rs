//! `devgroup hold`: runs a command while the running group holds changes back.

use std::ffi::OsString;
use std::io;
use std::thread;
use std::time::Duration;

use super::super::arguments::Place;
use super::super::exit_code::Failure;
use super::arguments::HoldArguments;
use super::find;
use crate::control::{Ask, Client, ClientError, HoldAsk, Problem, ProblemCode, Reply, SOCKET_VARIABLE};
use crate::domain::{plain_error, visible_path};
use crate::guard::foreground_command;

/// How long the group may take to answer when the command has ended. The hold ends with the connection in any case.
const PATIENCE: Duration = Duration::from_secs(5);

/// The clock of a file system stands still for so long: what is to be forgotten must lie behind.
const DISCARD_REST: Duration = Duration::from_millis(30);

/// Characters of the command that are shown.
const LABEL: usize = 80;

/// Runs the command. The result is its exit code.
pub(super) fn run(arguments: HoldArguments, place: &Place) -> Result<u8, Failure> {
    let held = hold(&arguments, place).map_err(|failure| Failure::Hold(Box::new(failure)))?;
    let socket = held.as_ref().map(|held| (SOCKET_VARIABLE, held.group.socket().as_os_str()));
    let ended = foreground_command::run(&arguments.command, socket.as_slice());
    if let Some(held) = held {
        release(held, arguments.discard);
    }
    ended.map_err(|error| not_run(&arguments.command, &error))
}

/// A hold, until it is dropped.
struct Held {
    group: Client,
    question: u64,
}

/// Holds, if a group runs here. One that is ending restarts nothing any more.
fn hold(arguments: &HoldArguments, place: &Place) -> Result<Option<Held>, Failure> {
    let mut group = match find::group(place) {
        Ok(group) => group,
        Err(Failure::NotRunning { .. }) => return Ok(None),
        Err(failure) => return ended(failure),
    };
    let ask = HoldAsk { label: label(&arguments.command), command: true, services: arguments.services.clone() };
    let begun = group.send(Ask::Hold(ask)).and_then(|question| {
        loop {
            if let Reply::Held {} = group.next_message()?.reply {
                return Ok(question);
            }
        }
    });
    match begun {
        Ok(question) => Ok(Some(Held { group, question })),
        Err(error) => ended(error.into()),
    }
}

fn ended(failure: Failure) -> Result<Option<Held>, Failure> {
    match failure {
        Failure::Client {
            error:
                ClientError::NotRunning
                | ClientError::Ended { .. }
                | ClientError::Lost
                | ClientError::Refused(Problem { code: ProblemCode::Refused, .. }),
        } => Ok(None),
        failure => Err(failure),
    }
}

/// Ends the hold, and waits until that has come through: what comes next sees it.
fn release(Held { mut group, question }: Held, discard: bool) {
    if discard {
        thread::sleep(DISCARD_REST);
    }
    let released = group.set_patience(PATIENCE).and_then(|()| group.ask(Ask::Release { hold: question, discard }));
    match released {
        // A group that has ended holds nothing.
        Ok(_) | Err(ClientError::Ended { .. } | ClientError::Lost) => {}
        Err(ClientError::Refused(Problem { code: ProblemCode::Refused, .. })) => {}
        Err(error) => super::super::print_message(&format!("warning: {error}")),
    }
}

fn not_run(command: &[OsString], error: &io::Error) -> Failure {
    let program = command.first().map(|program| visible_path(program)).unwrap_or_default();
    match error.kind() {
        io::ErrorKind::NotFound => Failure::NotRun { code: 127, message: format!("{program}: command not found") },
        io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => {
            Failure::NotRun { code: 125, message: format!("{program}: {}", plain_error(error)) }
        }
        _ => Failure::NotRun { code: 126, message: format!("{program}: cannot execute: {}", plain_error(error)) },
    }
}

/// The command as it is shown.
fn label(command: &[OsString]) -> String {
    let words = command.iter().map(|word| {
        let word = visible_path(word);
        if word.is_empty() || word.contains(char::is_whitespace) { format!("'{word}'") } else { word.into_owned() }
    });
    let label = words.collect::<Vec<_>>().join(" ");
    if label.chars().count() <= LABEL {
        return label;
    }
    label.chars().take(LABEL - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_was_written_and_not_for_ever() {
        let label = |words: &[&str]| label(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(label(&["git", "commit", "-m", "two words", ""]), "git commit -m 'two words' ''");
        let long = "ä".repeat(200);
        assert_eq!(label(&[&long]).chars().count(), 80);
        assert!(label(&[&long]).ends_with('…'));
    }
}
