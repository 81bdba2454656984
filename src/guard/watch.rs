//! What the guard does: it sleeps, passes signals on, and sees to what is left.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions, WaitStatus, kill_process, wait, waitid};

use super::saved_terminal::{SavedTerminal, write_stderr_line};
use super::signals::{News, Signals, stop_here};
use super::sweep::{Spared, Swept, sweep, sweep_groups};
use crate::domain::ExitStatus;
use crate::process_tree::{self, Process, ToGuard};

/// What was asked to end by nobody, since the program died, gets as long as a service has by default.
const GRACE: Duration = Duration::from_secs(5);

/// What is left after an orderly end has left its service long ago, or was killed already.
const SHORT_GRACE: Duration = Duration::from_secs(1);

/// How long a terminal that reads nothing may delay the end.
const AT_THE_END: Duration = Duration::from_millis(200);

/// How long it may delay a stop: who has stopped us goes on to use it.
const AT_A_STOP: Duration = Duration::from_secs(2);

/// The exit code for processes that could not be killed.
const GIVEN_UP: u8 = 7;

/// The guard of a program that runs.
pub(super) struct Guard {
    pub(super) program: Pid,
    pub(super) signals: Signals,
    /// The guard's end of the life line, until the program has closed it.
    pub(super) life: Option<OwnedFd>,
    pub(super) saved_terminal: SavedTerminal,
    /// Children that we had before, with what was below them.
    pub(super) strangers: Vec<Process>,
    /// Process groups that the program has, as far as it has to tell.
    pub(super) groups: Vec<Pid>,
}

impl Guard {
    /// Waits for the program's end, and for the end of all that it has started. The exit code.
    pub(super) fn watch(mut self) -> u8 {
        let status = loop {
            self.signals.wait(self.life.as_ref().map(AsFd::as_fd), None);
            if let Some(code) = self.listen() {
                // It is our child and not reaped: nobody else has its number.
                let _ = kill_process(self.program, Signal::KILL);
                return code;
            }
            if let Some(status) = self.take_signals() {
                break status;
            }
        };
        // Its last words, which its end may have overtaken.
        self.listen();
        self.saved_terminal.restore(AT_THE_END);
        let grace = if matches!(status, ExitStatus::Signal(_)) { GRACE } else { SHORT_GRACE };
        let spared = Spared { strangers: &self.strangers, program: self.program };
        let mut swept = sweep(&mut self.signals, &spared, grace);
        sweep_groups(&mut self.signals, &self.groups, grace, &mut swept);
        if let Some(words) = words(status, &swept) {
            write_stderr_line(&words);
        }
        if swept.nobody_is_left() { u8::try_from(status.shell_code()).unwrap_or(1) } else { GIVEN_UP }
    }

    /// Takes what the program has told. Its exit code, if it has said good-bye.
    fn listen(&mut self) -> Option<u8> {
        while let Some(life) = &self.life {
            match ToGuard::read(life) {
                Ok(Some(ToGuard::Done(code))) => return Some(code),
                Ok(Some(ToGuard::Begins(group))) => self.groups.push(group),
                Ok(Some(ToGuard::Gone(group))) => self.groups.retain(|known| *known != group),
                Ok(None) => self.life = None,
                Err(_) => break,
            }
        }
        None
    }

    /// Passes on what has come. How the program has ended, if it has.
    fn take_signals(&mut self) -> Option<ExitStatus> {
        let mut ended = None;
        while let Some(news) = self.signals.next() {
            match news {
                News::Child => ended = ended.or(reap(Some(self.program))),
                // It is our child and not reaped: nobody else has its number.
                News::PassOn(signal) if ended.is_none() => {
                    let _ = kill_process(self.program, signal);
                }
                News::Stop if ended.is_none() => {
                    // First, so that it draws nothing any more.
                    let _ = kill_process(self.program, Signal::STOP);
                    let options = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                    let _ = waitid(WaitId::Pid(self.program), options);
                    self.stop();
                    // A shell has let both of us go on. A second time would come late, and have all drawn once more.
                    if self.program_is_stopped(WaitIdOptions::NOWAIT) {
                        let _ = kill_process(self.program, Signal::CONT);
                    }
                }
                News::PassOn(_) | News::Both | News::Stop => {}
            }
        }
        // Somebody has stopped the program alone, and a shell sees only us. Each stop is seen once.
        if ended.is_none() && self.saved_terminal.is_there() && self.program_is_stopped(WaitIdOptions::empty()) {
            self.stop();
        }
        ended
    }

    fn program_is_stopped(&self, more: WaitIdOptions) -> bool {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | more;
        matches!(waitid(WaitId::Pid(self.program), options), Ok(Some(_)))
    }

    /// Gives the terminal back and stops. Returns when we go on; who lets all of us go on is the shell.
    fn stop(&self) {
        self.saved_terminal.restore(AT_A_STOP);
        stop_here();
    }
}

/// Reaps all children that have ended. How the program did, if it is among them.
pub(super) fn reap(program: Option<Pid>) -> Option<ExitStatus> {
    let mut found = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if Some(pid) == program {
            found = Some(exit_status(status));
        }
    }
    found
}

/// How a process has ended.
pub(super) fn exit_status(status: WaitStatus) -> ExitStatus {
    match (status.exit_status(), status.terminating_signal()) {
        (_, Some(signal)) => ExitStatus::Signal(signal),
        (code, None) => ExitStatus::Code(code.unwrap_or(1)),
    }
}

/// One line about what happened, if anything did that the program has not said itself.
fn words(status: ExitStatus, swept: &Swept) -> Option<String> {
    // Ended by what is meant to end it, before it could take notice.
    let is_quiet = |signal: i32| matches!(signal, 1 | 2 | 3 | 13 | 15);
    let mut parts = Vec::new();
    match status {
        ExitStatus::Signal(signal) if is_quiet(signal) && swept.is_nothing() => return None,
        ExitStatus::Code(_) if swept.is_nothing() => return None,
        ExitStatus::Signal(_) => parts.push(format!("devgroup was killed by {status}")),
        ExitStatus::Code(_) => parts.push("devgroup exited".into()),
    }
    match swept.ended.as_slice() {
        [] if swept.nobody_is_left() && swept.groups.is_empty() => parts.push("no leftover processes".into()),
        [] => {}
        ended => parts.push(format!("killed leftover processes: {}", process_tree::display(ended))),
    }
    if !swept.groups.is_empty() {
        parts.push(format!("killed leftover process groups: {}", numbers(&swept.groups)));
    }
    if !swept.left.is_empty() {
        parts.push(format!("could not be killed: {}", process_tree::display(&swept.left)));
    }
    if !swept.groups_left.is_empty() {
        parts.push(format!("could not be killed: process groups {}", numbers(&swept.groups_left)));
    }
    Some(parts.join(" · "))
}

/// `48213, 48214 and 3 more`.
fn numbers(groups: &[Pid]) -> String {
    const NAMED: usize = 4;
    let named: Vec<String> = groups.iter().take(NAMED).map(ToString::to_string).collect();
    let more = groups.len().saturating_sub(NAMED);
    named.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_nobody_else_has_said() {
        let nothing = Swept::default();
        let ours = Process::of(rustix::process::getpid()).unwrap();
        let named = ours.display();
        let some = Swept { ended: vec![ours.clone()], ..Swept::default() };
        let stuck = Swept { left: vec![ours], ..Swept::default() };
        let pids: Vec<Pid> = (7..12).filter_map(Pid::from_raw).collect();
        let groups = Swept { groups: pids, ..Swept::default() };
        assert_eq!(
            words(ExitStatus::Signal(9), &groups).unwrap(),
            "devgroup was killed by SIGKILL · killed leftover process groups: 7, 8, 9, 10 and 1 more"
        );
        assert_eq!(words(ExitStatus::Code(1), &nothing), None);
        assert_eq!(words(ExitStatus::Signal(2), &nothing), None);
        assert_eq!(
            words(ExitStatus::Signal(9), &nothing).unwrap(),
            "devgroup was killed by SIGKILL · no leftover processes"
        );
        assert_eq!(
            words(ExitStatus::Signal(9), &some).unwrap(),
            format!("devgroup was killed by SIGKILL · killed leftover processes: {named}")
        );
        assert_eq!(
            words(ExitStatus::Code(0), &stuck).unwrap(),
            format!("devgroup exited · could not be killed: {named}")
        );
    }
}
