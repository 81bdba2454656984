//! The side of the folder: tasks leave it, and what came of them comes back.

use std::sync::Arc;
use std::time::Duration;

use super::super::desk::{Desk, Working};
use super::token_in;
use crate::domain::task::{TaskResult, read_result, read_tries, result_json, tries_json, trigger_json};
use crate::domain::{FoundTries, LastTry, ServiceName, TaskHead, TaskId, TaskNews, TaskStatus, TriesNote};
use crate::engine::tasks::{CameBack, TaskEvent};
use crate::task_folder::Contents;
use crate::task_stream::{Order, Publish};

impl Working {
    /// What tells the publication of a claimed task from others.
    fn token(&mut self, id: &TaskId) -> Option<Arc<str>> {
        let shared = self.shared.as_mut()?;
        if let Some(token) = shared.tokens.get(id) {
            return Some(token.clone());
        }
        let token = token_in(&self.folder.as_ref()?.tries(id).ok()??)?;
        shared.tokens.insert(id.clone(), token.clone());
        Some(token)
    }
}

impl Desk {
    /// A claimed task goes to the server.
    pub(in crate::app::workers) fn publish(&mut self, worker: ServiceName, head: &TaskHead, tries: FoundTries) {
        let Some(working) = self.working.get_mut(&worker) else { return };
        let id = &head.id;
        let read = working.claimed.remove(id).map(|bytes| bytes.to_vec());
        let task = read.or_else(|| match working.folder.as_ref()?.claimed(id)?.1 {
            Contents::Bytes(bytes) => Some(bytes),
            Contents::TooLarge | Contents::Unreadable(_) => None,
        });
        let Some(task) = task else {
            // Its file in `.work` was removed: nobody knows it any more.
            let (id, file, detail) = (id.clone(), format!("{id}.json").into(), "its file in `.work` is gone".into());
            return self.answer(TaskEvent::NotPublished { worker, id, file, detail });
        };
        let Some(token) = working.token(id) else {
            return log::warn!("{worker}: {id} is not published: its note in `.work` cannot be read");
        };
        let FoundTries { retry_count, last, .. } = tries;
        let (id, priority) = (head.id.clone(), head.priority);
        self.server.order(Order::Publish(Box::new(Publish { worker, id, priority, token, task, retry_count, last })));
    }

    /// A published task is to end.
    pub(in crate::app::workers) fn call_off(&mut self, worker: ServiceName, id: TaskId) {
        let at = self.means.clock.both().1;
        let cancelled = TaskResult::cancelled(&id, &worker, 0, None, at);
        let result = result_json(&cancelled);
        let trigger = trigger_json(&cancelled.trigger(None)).into_bytes();
        self.server.order(Order::CallOff { worker, id, result: result.into_bytes(), trigger });
    }

    /// All that was left of an ended task is removed.
    pub(in crate::app::workers) fn forget_at_server(&self, worker: &ServiceName, id: &TaskId) {
        if self.is_shared(worker) {
            self.server.order(Order::Forget { worker: worker.clone(), id: id.clone() });
        }
    }

    /// The command line wants all tasks back.
    pub(in crate::app::workers) fn drain(&mut self, worker: &ServiceName) {
        let Some(shared) = self.working.get_mut(worker).and_then(|working| working.shared.as_mut()) else { return };
        shared.drains = true;
        self.server.order(Order::Drain { worker: worker.clone() });
        self.hand_events.push_back(TaskEvent::Drain { worker: worker.clone() });
        self.decide(TaskEvent::Drain { worker: worker.clone() });
    }

    /// The server does not take a task: its file waits again, until it is buried.
    pub(super) fn not_published(&mut self, worker: ServiceName, id: TaskId, detail: Arc<str>) {
        let Some(working) = self.working.get_mut(&worker) else { return };
        let Some(folder) = &mut working.folder else { return };
        let noted = folder.tries(&id).ok().flatten();
        let file = noted.and_then(|note| read_tries(&note, self.means.clock.both().1, Duration::ZERO)?.file);
        match folder.give_back(&id, file.as_deref(), false) {
            Ok(file) => {
                working.shared.iter_mut().for_each(|shared| shared.is_done(&id));
                let file = file.unwrap_or_else(|| format!("{id}.json")).into();
                self.answer(TaskEvent::NotPublished { worker, id, file, detail });
            }
            Err(trouble) => log::warn!("{trouble}"),
        }
    }

    /// Somebody has taken a task.
    pub(super) fn received(&mut self, worker: ServiceName, id: TaskId, receipt: &[u8], reply: Arc<str>) {
        let is_ours = self.engine.has_claim(&worker, &id);
        let Some(working) = self.working.get_mut(&worker) else { return };
        if let Some(folder) = working.folder.as_mut().filter(|_| is_ours)
            && let Err(trouble) = folder.receipt(&id, receipt)
        {
            return log::warn!("{trouble}");
        }
        working.shared.iter_mut().for_each(|shared| shared.settled.push(reply.clone()));
        self.answer(TaskEvent::TakenElsewhere { worker, id });
    }

    /// A task has ended.
    pub(super) fn came_back(
        &mut self,
        worker: ServiceName,
        id: TaskId,
        token: &Arc<str>,
        (result, why, reply): (Vec<u8>, Arc<str>, Arc<str>),
    ) {
        let is_ours = self.engine.has_claim(&worker, &id);
        let Some(working) = self.working.get_mut(&worker) else { return };
        let is_it = is_ours && working.token(&id).as_ref() == Some(token);
        let Some(shared) = &mut working.shared else { return };
        let read = read_result(&result).filter(|_| is_it);
        let Some(read) = read else {
            // It was told before, or somebody has retried or removed it.
            return shared.settled.push(reply);
        };
        if shared.ended_here.remove(token) {
            shared.told.insert(id.clone());
        }
        shared.back.insert(id.clone(), (Some(result), reply));
        let why = if why.is_empty() { how(read.status, read.exit_code) } else { why };
        let last = LastTry { status: read.status, exit_code: read.exit_code, why };
        let (status, retry_count, took) = (read.status, read.retry_count, read.took.unwrap_or_default());
        self.answer(TaskEvent::CameBack { worker, id, outcome: CameBack { status, last, retry_count, took } });
    }

    /// A task is to wait in the folder again, with what was tried of it.
    pub(super) fn recalled(
        &mut self,
        worker: ServiceName,
        id: TaskId,
        token: &Arc<str>,
        (tries, reply): (FoundTries, Arc<str>),
    ) {
        let is_ours = self.engine.has_claim(&worker, &id);
        let at = self.means.clock.both().1;
        let Some(working) = self.working.get_mut(&worker) else { return };
        let is_it = is_ours && working.token(&id).as_ref() == Some(token);
        let (Some(shared), Some(folder)) = (&mut working.shared, &mut working.folder) else { return };
        if !is_it {
            return shared.settled.push(reply);
        }
        let noted = folder.tries(&id).ok().flatten().and_then(|note| read_tries(&note, at, Duration::ZERO));
        let file = noted.and_then(|noted| noted.file).unwrap_or_else(|| format!("{id}.json").into());
        let (retry_count, last, wait) = (tries.retry_count, tries.last.clone(), Duration::ZERO);
        let note = TriesNote { file, retry_count, running: false, published: false, wait, last };
        if let Err(trouble) = folder.note_tries(&id, tries_json(&note, at).as_bytes()) {
            return log::warn!("{trouble}");
        }
        shared.back.insert(id.clone(), (None, reply));
        self.answer(TaskEvent::Recalled { worker, id, tries });
    }

    /// Whether the end of a task was told by the hands, which have tried it.
    pub(in crate::app::workers) fn was_told_by_hands(&self, worker: &ServiceName, news: &TaskNews) -> bool {
        let is_end = matches!(
            news,
            TaskNews::Completed { .. } | TaskNews::Cancelled { .. } | TaskNews::Dead { status: Some(_), .. }
        );
        let shared = self.working.get(worker).and_then(|working| working.shared.as_ref());
        let told =
            |shared: &super::Shared| news.task().and_then(TaskId::parse).is_some_and(|id| shared.told.contains(&id));
        is_end && shared.is_some_and(|shared| told(shared))
    }
}

/// How a try ended of which only the result tells.
fn how(status: TaskStatus, exit_code: Option<i32>) -> Arc<str> {
    match (status, exit_code) {
        (TaskStatus::Timeout, _) => "timeout".into(),
        (_, Some(code)) => format!("exit {code}").into(),
        (status, None) => status.word().into(),
    }
}
