//! A worker in virtual time, with folders that always do what they are asked to.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::domain::{
    EndedTry, ExitStatus, FileStamp, FoundClaim, Moment, Priority, ServiceName, StopSpec, TaskFolders, TaskHead,
    TaskId, TaskNews, TaskStats, TryExit, WorkerSnapshot, WorkerSpec,
};
use crate::engine::tasks::{
    ClaimResult, LetterWords, Subject, TaskEffect, TaskEngine, TaskEvent, TaskWrite, WriteResult,
};

pub(super) const MARIE: &str = "marie";

pub(super) fn id(text: &str) -> TaskId {
    TaskId::parse(text).unwrap()
}

pub(super) fn head(text: &str) -> TaskHead {
    TaskHead { id: id(text), priority: Priority::Normal, dependencies: Box::default(), timeout: None, batch: None }
}

pub(super) fn after(text: &str, dependencies: &[&str]) -> TaskHead {
    TaskHead { dependencies: dependencies.iter().map(|on| id(on)).collect(), ..head(text) }
}

pub(super) fn stamp(second: u64) -> FileStamp {
    FileStamp { size: 10, modified: SystemTime::UNIX_EPOCH + Duration::from_secs(second) }
}

pub(super) fn spec() -> WorkerSpec {
    WorkerSpec { concurrency: 3, ..WorkerSpec::new(TaskFolders::below("/shared".into())) }
}

/// The machine, and what it has wanted. Claims and writes are answered at once, unless they are to fail.
pub(super) struct World {
    pub(super) engine: TaskEngine,
    pub(super) now: Moment,
    /// What it has wanted since this was last asked, but for claims and writes that were answered.
    effects: Vec<TaskEffect>,
    /// All writes that have worked: `result a`, `letter b max_retries_exceeded`.
    pub(super) written: Vec<String>,
    /// Writes whose line contains this fail.
    pub(super) broken: Option<&'static str>,
    /// … and of these it is said that the task is somebody else's.
    pub(super) lost: Option<&'static str>,
    /// Arrivals get times one after the other.
    clock: u64,
}

impl World {
    /// A worker that has its folder, and has listed it.
    pub(super) fn working(spec: WorkerSpec) -> Self {
        let mut world = Self::locking(spec);
        world.own(MARIE, Vec::new());
        world.send(TaskEvent::Listed { worker: Some(MARIE.into()) });
        world.take();
        world
    }

    /// A worker that waits for its folder.
    pub(super) fn locking(spec: WorkerSpec) -> Self {
        let mut world = Self {
            engine: TaskEngine::new(),
            now: Moment::START,
            effects: Vec::new(),
            written: Vec::new(),
            broken: None,
            lost: None,
            clock: 0,
        };
        world.begin(MARIE, spec);
        world
    }

    pub(super) fn begin(&mut self, worker: &str, spec: WorkerSpec) {
        let (spec, stop) = (Arc::new(spec), StopSpec::default());
        self.send(TaskEvent::Begin { worker: worker.into(), spec, stop });
    }

    pub(super) fn own(&mut self, worker: &str, claims: Vec<FoundClaim>) {
        let stats = TaskStats::default();
        self.send(TaskEvent::Owned { worker: worker.into(), stats, dead: 0, claims });
    }

    /// Another worker beside marie.
    pub(super) fn with(mut self, worker: &str) -> Self {
        self.begin(worker, spec());
        self.own(worker, Vec::new());
        self.send(TaskEvent::Listed { worker: Some(worker.into()) });
        self.take();
        self
    }

    /// Sends an event, and answers what the folders are asked.
    pub(super) fn send(&mut self, event: TaskEvent) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.engine.update(event, self.now) {
                match &effect {
                    TaskEffect::Claim { id, .. } => {
                        self.written.push(format!("claim {id}"));
                        self.effects.push(effect);
                    }
                    TaskEffect::Write { worker, subject, write } => {
                        let lines = lines(subject, write);
                        let is_broken = |broken: &str| lines.iter().any(|line| line.contains(broken));
                        let (fails, is_lost) = (self.broken.is_some_and(is_broken), self.lost.is_some_and(is_broken));
                        let result = if is_lost {
                            self.written.extend(lines);
                            WriteResult::Missing
                        } else if fails {
                            WriteResult::Failed("no space left".into())
                        } else {
                            self.written.extend(lines);
                            WriteResult::Done(None)
                        };
                        events.push_back(TaskEvent::Written {
                            worker: worker.clone(),
                            subject: subject.clone(),
                            result,
                        });
                    }
                    _ => self.effects.push(effect),
                }
            }
        }
    }

    /// A file with this task arrives, and is claimed as it is as soon as that is wanted.
    pub(super) fn drop_task(&mut self, head: &TaskHead) {
        self.drop_file(MARIE, &format!("{}.json", head.id), head);
    }

    pub(super) fn drop_file(&mut self, worker: &str, file: &str, head: &TaskHead) {
        self.clock += 1;
        let stamp = stamp(self.clock);
        let (worker, file) = (worker.into(), file.into());
        self.send(TaskEvent::Arrived { worker, file, stamp, found: Ok(head.clone()), has_result: false });
    }

    /// What it has wanted since the last time.
    pub(super) fn take(&mut self) -> Vec<TaskEffect> {
        std::mem::take(&mut self.effects)
    }

    /// Answers all claims with what was in the queue; `with` says what is in the file of an id.
    pub(super) fn grant(&mut self, with: impl Fn(&TaskId) -> TaskHead) {
        loop {
            let at = self.effects.iter().position(|effect| matches!(effect, TaskEffect::Claim { .. }));
            let Some(at) = at else { return };
            let TaskEffect::Claim { worker, id, .. } = self.effects.remove(at) else { return };
            let result = ClaimResult::Taken { found: Ok(with(&id)), tries: None };
            self.send(TaskEvent::Claimed { worker, id, result });
        }
    }

    /// The same for tasks that say nothing special.
    pub(super) fn grant_all(&mut self) {
        self.grant(|id| head(id.as_str()));
    }

    /// The tries that have begun since the last time: `a 1`.
    pub(super) fn begun(&mut self) -> Vec<String> {
        self.grant_all();
        let mut begun = Vec::new();
        self.effects.retain(|effect| match effect {
            TaskEffect::Begin { head, number, .. } => {
                begun.push(format!("{} {number}", head.id));
                false
            }
            _ => true,
        });
        begun
    }

    pub(super) fn ends(&mut self, task: &str, code: i32) {
        let exit = TryExit::Ended(ExitStatus::Code(code));
        self.ends_by(task, exit);
    }

    pub(super) fn ends_by(&mut self, task: &str, exit: TryExit) {
        let ended = EndedTry { exit, took: Duration::from_millis(1_500) };
        self.send(TaskEvent::TryEnded { worker: MARIE.into(), id: id(task), ended });
    }

    /// Lets time pass up to a moment, with a look at each deadline.
    pub(super) fn wait_until(&mut self, millis: u64) {
        let end = Moment::from_millis(millis);
        while let Some(next) = self.engine.next_deadline().filter(|next| *next <= end) {
            self.now = next;
            self.send(TaskEvent::TimePassed);
        }
        self.now = end;
    }

    pub(super) fn snapshot(&self) -> WorkerSnapshot {
        self.engine.snapshot(&ServiceName::from(MARIE)).unwrap()
    }

    /// What was written since the last time.
    pub(super) fn writes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.written)
    }

    /// The news since the last time; the rest of what was wanted is forgotten.
    pub(super) fn news(&mut self) -> Vec<TaskNews> {
        let news = |effect| match effect {
            TaskEffect::Tell { news, .. } => Some(news),
            _ => None,
        };
        self.take().into_iter().filter_map(news).collect()
    }
}

/// A write in a few words, a line for each file that others see.
fn lines(subject: &Subject, write: &TaskWrite) -> Vec<String> {
    let name = match subject {
        Subject::Task(id) => id.as_str(),
        Subject::File(file) => file,
    };
    let letter = |words: &LetterWords| format!("letter {name} {}: {}", words.reason.word(), words.detail);
    let line = match write {
        TaskWrite::Receipt { number, .. } => format!("receipt {name} {number}"),
        TaskWrite::Tries(note) if note.running => format!("tries {name} {} running", note.retry_count),
        TaskWrite::Tries(note) => format!("tries {name} {} waits {}ms", note.retry_count, note.wait.as_millis()),
        TaskWrite::Result(outcome) => {
            let code = outcome.exit_code.map_or_else(|| "none".into(), |code| code.to_string());
            format!("result {name} {} {code} {}", outcome.status.word(), outcome.retry_count)
        }
        TaskWrite::Letter(words) => letter(words),
        TaskWrite::Burial { words, ends_task, .. } => {
            let trigger = ends_task.then(|| format!("trigger {name} dead"));
            return std::iter::once(letter(words)).chain(trigger).collect();
        }
        TaskWrite::Trigger { end, .. } => format!("trigger {name} {}", end.word()),
        TaskWrite::Removal => format!("removal {name}"),
        TaskWrite::GiveBack { file, .. } => format!("back {name} {file}"),
    };
    vec![line]
}
