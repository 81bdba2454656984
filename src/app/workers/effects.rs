//! Carries out what the task engine orders. Decides nothing.

use std::sync::Arc;
use std::time::Duration;

use super::Message;
use super::desk::Desk;
use super::environment::TaskVariables;
use super::files::home_of;
use super::tries;
use crate::domain::task::heartbeat_json;
use crate::domain::{
    EndedTry, Fact, FactKind, Marker, ServiceName, Signal, SignalTarget, TaskFile, TaskHead, TaskId, TaskMarker,
    TaskNews, TryExit,
};
use crate::engine::tasks::{TaskEffect, TaskEvent};
use crate::failpoint;
use crate::task_folder::{Owner, Retried};

/// Says it in devgroup's own log, with what programs look for.
fn tell(worker: &ServiceName, news: &TaskNews) {
    let words = TaskMarker::News { worker: worker.clone(), news: news.clone() };
    match (news.task(), news.took()) {
        (Some(task), Some(took)) => {
            let duration = took.as_secs_f64();
            log::info!(worker:% = worker, task_id = task, duration = duration; "{worker}: {words}");
        }
        (Some(task), None) => log::info!(worker:% = worker, task_id = task; "{worker}: {words}"),
        (None, _) => log::info!(worker:% = worker; "{worker}: {words}"),
    }
}

impl Desk {
    pub(super) fn carry_out(&mut self, effect: TaskEffect) {
        failpoint::hang("task folder");
        match effect {
            TaskEffect::Lock { worker } => self.lock(worker),
            TaskEffect::Unlock { worker } => self.unlock(&worker),
            TaskEffect::List { worker: Some(worker) } => self.list(worker),
            TaskEffect::List { worker: None } => self.list_unrouted(),
            TaskEffect::LookAgain { worker: Some(worker), file } => self.look(worker, file),
            TaskEffect::LookAgain { worker: None, file } => self.look_unrouted(file),
            TaskEffect::Claim { worker, file, id } => self.claim(worker, &file, id),
            TaskEffect::Write { worker, subject, write } => self.write(worker, subject, write),
            TaskEffect::Keep { worker, id, outcome } => self.keep(&worker, &id, &outcome),
            TaskEffect::Begin { worker, head, number } => self.begin_try(worker, &head, number),
            TaskEffect::Publish { worker, head, tries } => self.publish(worker, &head, tries),
            TaskEffect::CallOff { worker, id } => self.call_off(worker, id),
            TaskEffect::Signal { worker, id, signal, target } => self.signal(&worker, &id, signal, target),
            TaskEffect::StopCommand { worker, id } => self.stop_command(&worker, &id),
            TaskEffect::Follow { worker, id } => self.follow(worker, id),
            TaskEffect::Unfollow { worker, id } => self.places.unfollow(&worker, &id),
            // Where tasks go through a server, the hands know how the worker is.
            TaskEffect::Heartbeat { worker } if self.is_shared(&worker) => {}
            TaskEffect::Heartbeat { worker } => self.beat(worker),
            TaskEffect::FollowBeat { worker } => self.follow_beat(worker),
            TaskEffect::Aggregate => self.aggregate(),
            TaskEffect::Renew { worker, id, ask } => self.renew(worker, &id, ask),
            TaskEffect::Remove { worker, id, ask } => self.remove(worker, &id, ask),
            TaskEffect::Route { file, to } => self.route(&file, &to),
            TaskEffect::Tell { worker, news } if self.was_told_by_hands(&worker, &news) => {}
            TaskEffect::Tell { worker, news } => self.tell_news(worker, news),
            TaskEffect::Answer { ask, result } => self.tell(ask, result),
            TaskEffect::Over { worker, problem } => self.over(&worker, problem),
        }
    }

    /// A signal for a try.
    pub(super) fn signal(&self, worker: &ServiceName, id: &TaskId, signal: Signal, target: SignalTarget) {
        let its = self.working.get(worker).and_then(|working| working.tries.get(id));
        if let Some(attempt) = its.and_then(|its| its.attempt.as_ref()) {
            attempt.signal(signal, target);
        }
    }

    /// Says what has happened, once for all.
    pub(super) fn tell_news(&self, worker: ServiceName, news: TaskNews) {
        let Some(working) = self.working.get(&worker) else { return };
        tell(&worker, &news);
        let (service, run, at) = (worker.clone(), working.start.run, self.now());
        let marker = Marker::Task(TaskMarker::News { worker, news });
        working.start.document.mark(&marker);
        let kind = FactKind::Marked(marker);
        self.means.event_recorder.record(&Fact { at, service: Some(service), run: Some(run), kind });
    }

    /// Asks for the folder of a worker, on a thread of its own.
    fn lock(&mut self, worker: ServiceName) {
        let Some(working) = self.working.get(&worker) else { return };
        let Some(spec) = working.start.spec.worker.clone() else { return };
        let owner = Owner {
            group: self.means.group.to_string(),
            pid: std::process::id(),
            mark: self.means.mark.clone(),
            group_pid: self.means.pid,
            ..Owner::default()
        };
        let (messages, run, name) = (self.messages.clone(), working.start.run, worker.clone());
        self.askers.ask(&spec.folders, &worker, owner, self.means.clock, move |ownership| {
            // Without the thread nobody wants it.
            let _ = messages.send(Message::Ownership { worker: name.clone(), run, ownership });
        });
    }

    fn unlock(&mut self, worker: &ServiceName) {
        let Some(working) = self.working.get_mut(worker) else { return };
        match (working.folder.take(), &working.start.spec.worker) {
            (Some(folder), _) => {
                self.places.forget(worker);
                folder.release();
                self.given_up();
            }
            (None, Some(spec)) => self.askers.call_off(&spec.folders, worker),
            (None, None) => {}
        }
    }

    pub(super) fn begin_try(&mut self, worker: ServiceName, head: &TaskHead, number: u32) {
        let id = head.id.clone();
        let Some(working) = self.working.get_mut(&worker) else { return };
        let file = working.claimed_file(&id);
        let read = working.claimed.remove(&id).or_else(|| working.read_claimed(&id));
        let home = home_of(&working.start.spec);
        let task = read.as_ref().and_then(|bytes| TaskFile::parse(bytes, &format!("{id}.json"), home).ok());
        let (Some(input), Some(task)) = (read, task) else {
            let exit = TryExit::NotStarted(126, "its file in `.work` is gone, or cannot be read".into());
            let ended = EndedTry { exit, took: Duration::ZERO };
            return self.answer_about_try(TaskEvent::TryEnded { worker, id, ended });
        };
        self.serial += 1;
        let variables = TaskVariables { id: id.clone(), number, file, description: task.description.into() };
        let begun = tries::begin(&working.start, &self.means.host, &self.messages, variables, (self.serial, input));
        working.tries.insert(id, begun);
    }

    pub(super) fn stop_command(&self, worker: &ServiceName, id: &TaskId) {
        let Some(working) = self.working.get(worker) else { return };
        if let Some(its) = working.tries.get(id) {
            tries::run_stop_command(&working.start, &self.means.host, its);
        }
    }

    pub(super) fn beat(&mut self, worker: ServiceName) {
        let (now, at) = self.means.clock.both();
        let Some(beat) = self.heartbeat(&worker, now) else { return };
        let Some(folder) = self.working.get_mut(&worker).and_then(|working| working.folder.as_mut()) else { return };
        let text = heartbeat_json(&beat, at);
        let problem = folder.heartbeat(text.as_bytes()).err();
        // Whoever removes dead letters by hand tells nobody.
        let count = u32::try_from(folder.count_letters(at)).unwrap_or(u32::MAX);
        self.answer(TaskEvent::BeatWritten {
            worker: worker.clone(),
            problem: problem.map(|it| it.to_string().into()),
        });
        if self.engine.snapshot(&worker).is_some_and(|snapshot| snapshot.dead != count) {
            self.answer(TaskEvent::DeadLetters { worker: worker.clone(), count });
        }
        self.beat_at_server(&worker, text);
        if self.has_others {
            self.engine.look_at_others();
        }
    }

    fn renew(&mut self, worker: ServiceName, id: &TaskId, ask: u64) {
        let Some(folder) = self.working.get_mut(&worker).and_then(|working| working.folder.as_mut()) else {
            return self.tell(ask, Err("its worker is not running here".into()));
        };
        let result = folder.retry(id);
        match result {
            Ok(Retried::Waits(file)) => {
                self.tell(ask, Ok(()));
                self.look(worker.clone(), file.into());
            }
            Ok(Retried::Nothing) => {
                let why: Arc<str> = format!("{worker} has no dead or cancelled task {id}").into();
                self.tell(ask, Err(why));
            }
            Err(trouble) => self.tell(ask, Err(trouble.to_string().into())),
        }
        self.count_letters(worker);
    }

    fn remove(&mut self, worker: ServiceName, id: &TaskId, ask: u64) {
        let Some(folder) = self.working.get_mut(&worker).and_then(|working| working.folder.as_mut()) else {
            return self.tell(ask, Err("its worker is not running here".into()));
        };
        let result = match folder.forget(id) {
            Ok(true) => {
                self.forget_at_server(&worker, id);
                self.answer(TaskEvent::Dropped { worker: worker.clone(), id: id.clone() });
                Ok(())
            }
            Ok(false) => Err(format!("{worker} has nothing of a task {id}").into()),
            Err(trouble) => Err(trouble.to_string().into()),
        };
        self.tell(ask, result);
        self.count_letters(worker);
    }

    fn count_letters(&mut self, worker: ServiceName) {
        let now = self.means.clock.both().1;
        if let Some(folder) = self.working.get_mut(&worker).and_then(|working| working.folder.as_mut()) {
            let count = u32::try_from(folder.count_letters(now)).unwrap_or(u32::MAX);
            self.answer(TaskEvent::DeadLetters { worker, count });
        }
    }
}
