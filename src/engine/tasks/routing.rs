//! Files of `tasks/*.json`: each goes to the worker that it names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::near::{near, shown};
use crate::domain::{DeadReason, FileStamp, Moment, ServiceName, TaskRefusal};

use super::arrivals::{WHOLE_AFTER, seen_unfinished};
use super::effect::{LetterWords, TaskEffect, TaskWrite};
use super::event::{Subject, WriteResult};
use super::timers::{Timer, Timers};

/// When a dead letter could not be written, its file is looked at again after this time.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// The files that have no folder of their own.
#[derive(Debug, Default)]
pub(super) struct Routing {
    /// The workers of the group.
    pub(super) workers: Vec<ServiceName>,
    unfinished: BTreeMap<Arc<str>, (FileStamp, Moment)>,
    /// Those whose dead letter is being written.
    outstanding: BTreeSet<Arc<str>>,
    pub(super) timers: Timers,
    /// They are looked at: somebody works.
    pub(super) is_on: bool,
}

impl Routing {
    /// A file is there, and names this worker.
    pub(super) fn arrived(
        &mut self,
        file: Arc<str>,
        stamp: FileStamp,
        found: Result<Option<Arc<str>>, TaskRefusal>,
        has_folder: bool,
        now: Moment,
    ) -> Option<TaskEffect> {
        if !self.is_on || self.outstanding.contains(&file) {
            return None;
        }
        match found {
            Err(refusal) if refusal.reason == DeadReason::InvalidJson => {
                let (since, is_whole) = seen_unfinished(self.unfinished.get(&file).copied(), stamp, now);
                if is_whole {
                    return Some(self.bury(file, refusal));
                }
                self.timers.set(Timer::File(file.clone()), since + WHOLE_AFTER);
                self.unfinished.insert(file, (stamp, since));
                None
            }
            Err(refusal) => Some(self.bury(file, refusal)),
            Ok(named) => {
                let ours = |name: &Arc<str>| self.workers.iter().find(|worker| worker.as_str() == &**name).cloned();
                let to = named.as_ref().and_then(ours);
                // Another group may have that worker, and its folder says so.
                let to = to.or_else(|| named.as_deref().filter(|_| has_folder).map(ServiceName::new));
                self.gone(&file);
                Some(match to {
                    Some(to) => TaskEffect::Route { file, to },
                    None => {
                        let detail = self.unknown(named.as_deref());
                        self.bury(
                            file,
                            TaskRefusal { reason: DeadReason::UnknownWorker, detail, id: None, batch: None },
                        )
                    }
                })
            }
        }
    }

    fn unknown(&self, named: Option<&str>) -> String {
        let Some(named) = named else {
            return String::from("there is no `worker` in it, and it is in no worker's folder");
        };
        let known = self.workers.iter().map(ServiceName::as_str);
        let meant = near(named, known).first().map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
        format!("no worker is called \"{}\"{meant}", shown(named).escape_debug())
    }

    fn bury(&mut self, file: Arc<str>, refusal: TaskRefusal) -> TaskEffect {
        self.gone(&file);
        self.outstanding.insert(file.clone());
        let words = LetterWords {
            reason: refusal.reason,
            detail: refusal.detail.into(),
            id: refusal.id,
            retry_count: 0,
            last_exit_code: None,
        };
        TaskEffect::Write { worker: None, subject: Subject::File(file), write: TaskWrite::Letter(words) }
    }

    pub(super) fn written(&mut self, subject: &Subject, result: &WriteResult, now: Moment) {
        if let Subject::File(file) = subject {
            self.outstanding.remove(file);
            if let WriteResult::Failed(_) = result {
                self.timers.set(Timer::File(file.clone()), now + TRY_AGAIN);
            }
        }
    }

    pub(super) fn gone(&mut self, file: &Arc<str>) {
        self.unfinished.remove(file);
        self.timers.clear(&Timer::File(file.clone()));
    }

    /// A file is to be looked at again.
    pub(super) fn time_passed(&mut self, now: Moment) -> Vec<TaskEffect> {
        let mut effects = Vec::new();
        while let Some(timer) = self.timers.take_due(now) {
            if let Timer::File(file) = timer {
                effects.push(TaskEffect::LookAgain { worker: None, file });
            }
        }
        effects
    }
}
