//! The side of the tries: tasks are delivered, and what is written of them goes to the server.

use std::sync::Arc;

use super::super::desk::{Desk, Working};
use super::super::files::home_of;
use super::super::writes::{keys_of, letter_of};
use super::Leased;
use crate::domain::task::{Receipt, TaskHome, Trigger, letter_json, raw_reason_json, receipt_json, trigger_json};
use crate::domain::{FileStamp, FoundClaim, ServiceName, TaskId, TaskNews};
use crate::engine::tasks::{ResultOutcome, Subject, TaskEffect, TaskEvent, TaskWrite, WriteResult};
use crate::process::Captured;
use crate::task_folder::{Contents, check};
use crate::task_stream::{Delivered, Order, Write, Wrote};

/// The most that a result takes beside its output, in bytes, with the headers of its message.
const BESIDE: usize = 4 << 10;

impl Working {
    /// Reads a claimed task again, for another try.
    pub(in crate::app::workers) fn read_claimed(&self, id: &TaskId) -> Option<Arc<[u8]>> {
        let folder = self.folder.as_ref()?;
        if self.shared.is_some() {
            return folder.leased(id).map(Into::into);
        }
        match folder.claimed(id)?.1 {
            Contents::Bytes(bytes) => Some(bytes.into()),
            Contents::TooLarge | Contents::Unreadable(_) => None,
        }
    }

    /// A task is not tried here any more.
    fn end_lease(&mut self, id: &TaskId) {
        self.tries.remove(id);
        self.claimed.remove(id);
        self.shared.iter_mut().for_each(|shared| drop(shared.leased.remove(id)));
        if let Some(Err(trouble)) = self.folder.as_mut().map(|folder| folder.end_lease(id)) {
            log::warn!("{trouble}");
        }
    }

    fn batch_of(&self, id: &TaskId) -> Option<Arc<str>> {
        self.shared.as_ref()?.leased.get(id)?.batch.clone()
    }
}

impl Desk {
    /// A task from the server.
    pub(super) fn delivered(&mut self, delivered: Delivered) {
        let Delivered { worker, id, task, tries, result, cancelled, token } = delivered;
        let has_place = result.is_some() || self.hands.places(&worker) > 0;
        let modified = self.means.clock.both().1;
        let Some(working) = self.working.get_mut(&worker) else { return };
        let Some(shared) = &mut working.shared else { return };
        shared.seen += 1;
        // The words of the task were checked by its folder. What its command can take is seen when it is started.
        let home = TaskHome { names_description: false, ..home_of(&working.start.spec) };
        let file: Arc<str> = format!("{id}.json").into();
        let found = check(&file, Contents::Bytes(task.clone()), home).map(|task| task.head);
        let Some(mut head) = found.ok().filter(|head| has_place && head.id == id && !shared.is_stopping) else {
            return self.server.order(Order::Return { worker, id });
        };
        let (batch, size) = (head.batch.take(), task.len() as u64);
        // What it depends on is completed.
        head.dependencies = Box::default();
        shared.leased.insert(id.clone(), Leased { token, batch, result: None, why: Arc::default() });
        // Without a copy in the folder it can be tried all the same.
        if let Some(Err(trouble)) = working.folder.as_mut().map(|folder| folder.lease(&id, &task)) {
            log::warn!("{trouble}");
        }
        working.claimed.insert(id.clone(), task.into());
        let stamp = FileStamp { size, modified };
        let (found, kept, letter) = (Ok(head), None, None);
        let claim = Box::new(FoundClaim { id: id.clone(), file, stamp, found, tries, result, kept, letter });
        self.hand_events.push_back(TaskEvent::Delivered { worker, claim, cancel: cancelled });
    }

    /// What came of a write.
    pub(super) fn wrote(&mut self, worker: ServiceName, id: TaskId, wrote: Wrote) {
        let result = match wrote {
            Wrote::Done => WriteResult::Done(None),
            Wrote::Missing => WriteResult::Missing,
            Wrote::Failed(problem) => WriteResult::Failed(problem),
        };
        let (named, subject) = (Some(worker.clone()), Subject::Task(id.clone()));
        self.hand_events.push_back(TaskEvent::Written { worker: named, subject, result });
        self.work_off();
        if !self.hands.has_claim(&worker, &id)
            && let Some(working) = self.working.get_mut(&worker)
        {
            working.end_lease(&id);
        }
    }

    /// Carries out what the hands order.
    pub(in crate::app::workers) fn carry_out_by_hand(&mut self, effect: TaskEffect) {
        match effect {
            TaskEffect::Write { worker: Some(worker), subject: Subject::Task(id), write } => {
                self.write_by_hand(worker, id, write);
            }
            TaskEffect::Begin { worker, head, number } => self.begin_try(worker, &head, number),
            TaskEffect::Signal { worker, id, signal, target } => self.signal(&worker, &id, signal, target),
            TaskEffect::StopCommand { worker, id } => self.stop_command(&worker, &id),
            TaskEffect::Heartbeat { worker } => self.beat(worker),
            TaskEffect::Aggregate => self.engine.look_at_others(),
            TaskEffect::List { worker } => self.hand_events.push_back(TaskEvent::Listed { worker }),
            // The folder tells whose it is.
            TaskEffect::Tell { news: TaskNews::Owned { .. }, .. } => {}
            TaskEffect::Tell { worker, news } => self.tell_news(worker, news),
            // Everything is given back: now the folder is given up.
            TaskEffect::Over { worker, .. } => self.answer(TaskEvent::Stop { worker, kill: false }),
            // They have no folder, and nobody asks them.
            _ => {}
        }
    }

    fn write_by_hand(&mut self, worker: ServiceName, id: TaskId, write: TaskWrite) {
        let at = self.means.clock.both().1;
        let largest = self.server.largest();
        let Some(working) = self.working.get_mut(&worker) else { return };
        let batch = working.batch_of(&id);
        let done = |worker| TaskEvent::Written {
            worker: Some(worker),
            subject: Subject::Task(id.clone()),
            result: WriteResult::Done(None),
        };
        let write = match write {
            // Its tries tell who has had it before.
            TaskWrite::Receipt { number, .. } if number > 1 => return self.hand_events.push_back(done(worker)),
            TaskWrite::Receipt { number, .. } => {
                let receipt = Receipt { id: &id, worker: &worker, number, at, batch: batch.as_deref() };
                let receipt = Some(receipt_json(&receipt).into_bytes());
                Write::Begin { retry_count: 0, last: None, receipt }
            }
            TaskWrite::Tries(note) if note.running => {
                Write::Begin { retry_count: note.retry_count, last: note.last, receipt: None }
            }
            TaskWrite::Tries(note) => Write::Rest { retry_count: note.retry_count, last: note.last, wait: note.wait },
            TaskWrite::Result(outcome) => {
                let outcome = ResultOutcome { batch, ..outcome };
                Write::Result(working.result_for_server(&worker, &id, &outcome, (at, largest)))
            }
            TaskWrite::Letter(words) => {
                let task = working.read_claimed(&id).map_or_else(Vec::new, |bytes| bytes.to_vec());
                let letter = letter_of(&words, at);
                if let Some(leased) = working.shared.as_mut().and_then(|shared| shared.leased.get_mut(&id)) {
                    leased.why = words.detail.clone();
                }
                let text = keys_of(&Contents::Bytes(task)).map(|keys| letter_json(&keys, &letter));
                Write::Letter(text.unwrap_or_else(|| raw_reason_json(&format!("{id}.json"), &letter)).into_bytes())
            }
            TaskWrite::Trigger { end, exit_code, retry_count, .. } => {
                let (result_file, dlq_file, batch) = (None, None, batch.as_deref());
                let (of, by) = (&id, &worker);
                let told =
                    Trigger { end, id: of, worker: by, exit_code, retry_count, result_file, dlq_file, at, batch };
                let trigger = trigger_json(&told).into_bytes();
                let shared = working.shared.as_mut();
                let why = shared.map_or_else(Arc::default, |shared| shared.ends_here(&id));
                Write::Trigger { trigger, why }
            }
            TaskWrite::Removal => {
                working.end_lease(&id);
                self.server.order(Order::Finish { worker: worker.clone(), id: id.clone() });
                return self.hand_events.push_back(done(worker));
            }
            TaskWrite::GiveBack { .. } => Write::GiveBack,
            // Of files that wait alone.
            TaskWrite::Burial { .. } => return,
        };
        self.server.order(Order::Write { worker, id, write });
    }
}

impl super::Shared {
    /// A task has ended here: the hands have told of it. Returns how its last try ended.
    fn ends_here(&mut self, id: &TaskId) -> Arc<str> {
        /// How many are kept whose folder belongs to another group.
        const KEPT: usize = 10_000;
        let Some(leased) = self.leased.get(id) else { return Arc::default() };
        if self.ended_here.len() >= KEPT {
            self.ended_here.clear();
        }
        self.ended_here.insert(leased.token.clone());
        leased.why.clone()
    }
}

impl Working {
    /// The result of a task, in a size that the server takes. Once it was written it stays the same: an attempt that nobody
    /// has answered is known by it.
    fn result_for_server(
        &mut self,
        worker: &ServiceName,
        id: &TaskId,
        outcome: &ResultOutcome,
        (at, largest): (std::time::SystemTime, usize),
    ) -> Arc<[u8]> {
        let known = self.shared.as_ref().and_then(|shared| shared.leased.get(id)?.result.clone());
        if let Some(known) = known {
            return known;
        }
        let mut text = self.result(worker, id, outcome, at);
        let mut room = largest.saturating_sub(BESIDE) / 2;
        // JSON escapes: a byte may become six.
        while text.len() > largest.saturating_sub(BESIDE) && room > 0 {
            if let Some(its) = self.tries.get_mut(id) {
                shorten(&mut its.output.0, room);
                shorten(&mut its.output.1, room);
            }
            room /= 2;
            text = self.result(worker, id, outcome, at);
        }
        let result: Arc<[u8]> = text.into_bytes().into();
        if let Some(leased) = self.shared.as_mut().and_then(|shared| shared.leased.get_mut(id)) {
            leased.result = Some(result.clone());
        }
        result
    }
}

/// Leaves the end of what was captured, and counts what is dropped.
fn shorten(captured: &mut Captured, most: usize) {
    let Some(mut cut) = captured.text.len().checked_sub(most).filter(|cut| *cut > 0) else { return };
    while !captured.text.is_char_boundary(cut) {
        cut += 1;
    }
    captured.text.drain(..cut);
    captured.dropped += cut as u64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_output_the_end_stays() {
        let mut captured = Captured { text: format!("{}äend", "x".repeat(100)), dropped: 7 };
        shorten(&mut captured, 4);
        assert_eq!((captured.text.as_str(), captured.dropped), ("end", 109));
        shorten(&mut captured, 4);
        assert_eq!(captured.dropped, 109);
    }
}
