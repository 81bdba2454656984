//! Files that cannot be written: what waits for that is kept, and tried again one by one, ever more rarely.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::TaskNews;

use super::event::Subject;
use super::timers::Timer;
use super::turn::Turn;
use super::work::Work;

/// The first wait, and what it grows to.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What cannot be written.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// What waits. While there is something, nothing new begins.
    pub(super) stuck: BTreeSet<Subject>,
    problem: Option<Arc<str>>,
    attempts: u32,
    /// The one that was tried last.
    tried: Option<Subject>,
}

impl Trouble {
    pub(super) fn problem(&self) -> Option<&Arc<str>> {
        self.problem.as_ref()
    }

    /// The one whose turn it is.
    fn next(&mut self) -> Option<Subject> {
        let behind = |tried| self.stuck.range((Bound::Excluded(tried), Bound::Unbounded)).next().cloned();
        let after = self.tried.take().and_then(behind);
        self.tried = after.or_else(|| self.stuck.first().cloned());
        self.tried.clone()
    }

    fn wait(&mut self) -> Duration {
        let grown = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(self.attempts));
        self.attempts = self.attempts.saturating_add(1);
        grown.min(LONGEST_WAIT)
    }
}

impl Work {
    /// Something could not be written.
    pub(super) fn write_failed(&mut self, subject: Subject, problem: Arc<str>, turn: &mut Turn<'_>) {
        let is_new = self.trouble.stuck.is_empty();
        self.trouble.stuck.insert(subject);
        if is_new {
            self.trouble.attempts = 0;
            turn.tell(&self.name, TaskNews::CannotWrite { problem: problem.clone() });
            turn.aggregate = true;
        }
        // Those that had begun before are tried in their turn.
        if is_new || !self.timers.is_set(&Timer::Trouble) {
            let wait = self.trouble.wait();
            self.timers.set(Timer::Trouble, turn.now + wait);
        }
        self.trouble.problem = Some(problem);
    }

    /// Something was written. If that had failed before, the next one of those is tried.
    pub(super) fn write_worked(&mut self, subject: &Subject, turn: &mut Turn<'_>) {
        if !self.trouble.stuck.remove(subject) {
            return;
        }
        if self.trouble.stuck.is_empty() {
            self.trouble = Trouble::default();
            self.timers.clear(&Timer::Trouble);
            turn.tell(&self.name, TaskNews::WritesAgain);
            turn.aggregate = true;
        } else {
            self.try_stuck(turn);
        }
    }

    /// It is time to try again.
    pub(super) fn try_stuck(&mut self, turn: &mut Turn<'_>) {
        self.timers.clear(&Timer::Trouble);
        let Some(subject) = self.trouble.next() else { return };
        match &subject {
            Subject::Task(id) if self.may_not_claim(id) => self.requeue(id, turn),
            Subject::Task(id) => self.write(id, turn),
            Subject::File(file) => self.write_burial(file, turn),
        }
        if !self.outstanding.contains(&subject) {
            // It is over in some other way.
            self.write_worked(&subject, turn);
        }
    }

    /// The worker stops: all of it is tried once more, but for claims, which are of no use now.
    pub(super) fn try_all_stuck(&mut self, turn: &mut Turn<'_>) {
        for subject in self.trouble.stuck.clone() {
            match subject {
                Subject::Task(id) if self.is_claiming(&id) => {
                    self.trouble.stuck.remove(&Subject::Task(id.clone()));
                    self.leave_claim(&id, turn);
                }
                Subject::Task(id) => self.write(&id, turn),
                Subject::File(file) => self.write_burial(&file, turn),
            }
        }
    }
}
