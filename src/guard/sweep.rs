//! Ending what is below us: asked first, killed when the grace is over, and named if even that does not help.

use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::has_children;
use super::saved_terminal::write_stderr_line;
use super::signals::{News, Signals};
use super::watch::reap;
use crate::clock::Clock;
use crate::process_tree::{self, Process};

/// How long KILL may take, as for a service.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// Looks follow each other after this time …
const FIRST_LOOK: Duration = Duration::from_millis(1);

/// … doubling to this one.
const SLOW_LOOK: Duration = Duration::from_millis(50);

/// How often in a row one that ends may be in the way of a look.
const ROUNDS: usize = 20;

/// Who waits longer than this is told for whom.
const UNEXPLAINED: Duration = Duration::from_secs(1);

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Swept {
    /// Processes that are gone.
    pub(super) ended: Vec<Process>,
    /// Processes that are not.
    pub(super) left: Vec<Process>,
    /// Process groups that are gone, where processes are not shown.
    pub(super) groups: Vec<Pid>,
    /// Process groups that are not.
    pub(super) groups_left: Vec<Pid>,
}

impl Swept {
    /// There was nobody.
    pub(super) fn is_nothing(&self) -> bool {
        self.ended.is_empty() && self.groups.is_empty() && self.nobody_is_left()
    }

    /// All are gone.
    pub(super) fn nobody_is_left(&self) -> bool {
        self.left.is_empty() && self.groups_left.is_empty()
    }
}

/// All that live below us.
pub(super) fn below_us() -> Vec<Process> {
    for _ in 0..ROUNDS {
        reap(None);
        if let Some(found) = process_tree::below_us() {
            return found;
        }
    }
    Vec::new()
}

/// Whom we leave alone.
pub(super) struct Spared<'a> {
    /// Children that we had before, with what was below them.
    pub(super) strangers: &'a [Process],
    /// The program, which may have opened something for the user: that goes on.
    pub(super) program: Pid,
}

impl Spared<'_> {
    /// Parts processes into those that are spared, with all below them, and the others.
    fn part(&self, found: Vec<Process>) -> (Vec<Process>, Vec<Process>) {
        let is_stranger = |process: &Process| self.strangers.iter().any(|stranger| stranger.is_same(process));
        let is_root = |process: &Process| is_stranger(process) || process_tree::is_opened_by(process.pid, self.program);
        let (mut spared, mut left): (Vec<_>, Vec<_>) = found.into_iter().partition(is_root);
        loop {
            let parents: Vec<_> = spared.iter().map(|process| process.pid.as_raw_pid()).collect();
            let (below, others): (Vec<_>, Vec<_>) =
                left.into_iter().partition(|process| parents.contains(&process.parent));
            left = others;
            if below.is_empty() {
                return (spared, left);
            }
            spared.extend(below);
        }
    }
}

/// Ends everything below us but those that are spared. A signal to us means that nobody wants to wait.
pub(super) fn sweep(signals: &mut Signals, spares: &Spared<'_>, grace: Duration) -> Swept {
    let clock = Clock::start();
    let begun = clock.now();
    let mut swept = Swept::default();
    let (mut killed, mut told, mut pause) = (None, false, FIRST_LOOK);
    loop {
        let (spared, left) = spares.part(below_us());
        let (now, waited) = (clock.now(), clock.now().since(begun));
        let mut hurry = false;
        while let Some(news) = signals.next() {
            hurry |= news != News::Child;
        }
        if killed.is_none() && (hurry || waited >= grace) {
            killed = Some(now);
        }
        for process in &left {
            let is_new = !swept.ended.iter().any(|known| known.is_same(process));
            if is_new {
                swept.ended.push(process.clone());
                // Somebody new may be young: forking goes faster than looking.
                pause = FIRST_LOOK;
            }
            if killed.is_some() {
                process.kill_group();
            } else if is_new {
                process.signal(Signal::TERM);
                if process.stopped {
                    process.signal(Signal::CONT);
                }
            }
        }
        let given_up = killed.is_some_and(|killed| now.since(killed) >= KILL_PATIENCE);
        // Who is just given to us by a parent that ends may be missed by a look. Children that have ended are still some.
        let is_sure = !spares.strangers.is_empty() || !spared.is_empty() || !has_children();
        if (left.is_empty() && is_sure) || given_up {
            swept.ended.retain(|process| !left.iter().any(|other| other.is_same(process)));
            swept.left = left;
            return swept;
        }
        if waited >= UNEXPLAINED && !told {
            told = true;
            write_stderr_line(&format!("devgroup: waiting for {} · Ctrl-C kills", process_tree::display(&left)));
        }
        signals.wait(None, Some(pause));
        pause = (pause * 2).min(SLOW_LOOK);
    }
}

/// Ends the process groups that a program had which was killed, where nothing else tells who was started. A signal to us means
/// that nobody wants to wait.
pub(super) fn sweep_groups(signals: &mut Signals, groups: &[Pid], grace: Duration, swept: &mut Swept) {
    let clock = Clock::start();
    let begun = clock.now();
    let lives = |group: &Pid| test_kill_process_group(*group) != Err(Errno::SRCH);
    let mut left: Vec<Pid> = groups.iter().copied().filter(lives).collect();
    swept.groups.clone_from(&left);
    // One that is stopped ends when it goes on.
    signal_all(&left, Signal::TERM);
    signal_all(&left, Signal::CONT);
    let (mut killed, mut pause) = (None, FIRST_LOOK);
    loop {
        left.retain(lives);
        let (now, waited) = (clock.now(), clock.now().since(begun));
        let mut hurry = false;
        while let Some(news) = signals.next() {
            hurry |= news != News::Child;
        }
        if killed.is_none() && (hurry || waited >= grace) {
            killed = Some(now);
        }
        let given_up = killed.is_some_and(|killed| now.since(killed) >= KILL_PATIENCE);
        if left.is_empty() || given_up {
            swept.groups.retain(|group| !left.contains(group));
            swept.groups_left = left;
            return;
        }
        if killed.is_some() {
            signal_all(&left, Signal::KILL);
        }
        signals.wait(None, Some(pause));
        pause = (pause * 2).min(SLOW_LOOK);
    }
}

fn signal_all(groups: &[Pid], signal: Signal) {
    for group in groups {
        // It may have ended meanwhile.
        let _ = kill_process_group(*group, signal);
    }
}
