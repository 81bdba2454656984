//! What is remembered of runs that are over.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{ExitStatus, GroupHistory, HISTORY, Moment, RunRecord, StartCause};

use super::Engine;
use super::service::Service;
use super::turn::Turn;

impl Engine {
    /// What earlier calls of devgroup have left; of services that are not here too, since they may come.
    pub(super) fn recall(&mut self, past: GroupHistory) {
        self.past = past;
        self.give_past();
    }

    /// Services that have not run yet get what is remembered of them.
    pub(super) fn give_past(&mut self) {
        for service in self.services.iter_mut().filter(|service| service.history.is_empty()) {
            if let Some(past) = self.past.get(service.name()) {
                service.history = Arc::clone(past);
            }
        }
    }
}

impl Service {
    /// The live run is over. `exit`: how, if there was a process. What is remembered of it is to be told.
    pub(super) fn remember(
        &mut self,
        exit: Option<ExitStatus>,
        uptime: Duration,
        asked: bool,
        turn: &Turn,
    ) -> RunRecord {
        let files = match &self.run.cause {
            StartCause::Change(files) => Some(files.clone()),
            _ => None,
        };
        let record = RunRecord {
            run: self.run.id,
            began: turn.wall(self.run.asked_at),
            cause: self.run.cause.word().into(),
            reason: self.run.cause.to_string().into(),
            files,
            ready_after: self.run.ready_after,
            uptime,
            exit,
            asked,
            fault: exit.and(self.last_exit).and_then(|exit| exit.fault).map(|fault| fault.to_string().into()),
        };
        self.add_to_history(record)
    }

    /// A run in another terminal is over, which was begun at this moment.
    pub(super) fn remember_elsewhere(&mut self, exit: ExitStatus, since: Moment, turn: &Turn) -> RunRecord {
        self.add_to_history(RunRecord::elsewhere(turn.wall(since), turn.now.since(since), exit))
    }

    fn add_to_history(&mut self, record: RunRecord) -> RunRecord {
        let history = Arc::make_mut(&mut self.history);
        if history.len() >= HISTORY {
            history.drain(..=history.len() - HISTORY);
        }
        history.push(record.clone());
        record
    }
}
