//! A folder and processes that can do all that real ones do, also in the middle of something.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    BreakerState, DeadReason, DependencyState, EndedTry, ExitStatus, FoundClaim, FoundTries, LastTry, Moment,
    ServiceName, Signal, StopSpec, TaskBreaker, TaskHead, TaskId, TaskRefusal, TaskStats, TaskStatus, TriesNote,
    TryExit, WorkerSpec,
};
use crate::engine::tasks::{
    ClaimResult, LetterWords, Subject, TaskEffect, TaskEngine, TaskEvent, TaskWrite, WriteResult,
};

use super::fixture::{MARIE, head, id, spec, stamp};

/// Two tries at once, and a breaker that opens soon.
pub(super) const CONCURRENCY: usize = 2;

/// What is in a file: a task, or something else.
pub(super) type Content = Result<TaskHead, TaskRefusal>;

/// What survives a crash.
#[derive(Debug, Default)]
pub(super) struct Folder {
    pub(super) waiting: BTreeMap<String, Content>,
    pub(super) claims: BTreeMap<TaskId, (TaskHead, String)>,
    tries: BTreeMap<TaskId, TriesNote>,
    pub(super) results: BTreeMap<TaskId, TaskStatus>,
    kept: BTreeMap<TaskId, LastTry>,
    /// Of ids: none with `duplicate_task_id`.
    pub(super) letters: BTreeMap<TaskId, DeadReason>,
    /// Dead letters of this generation that have been written.
    pub(super) letter_count: BTreeMap<TaskId, usize>,
    /// Files that have their letter and are still there: a burial is several steps.
    half_buried: BTreeMap<String, DeadReason>,
}

impl Folder {
    /// A file waits no longer.
    fn take(&mut self, file: &str) -> Option<Content> {
        self.half_buried.remove(file);
        self.waiting.remove(file)
    }
}

/// A try that runs.
#[derive(Debug)]
struct Process {
    /// It heeds KILL alone.
    deaf: bool,
}

/// The machine and its world.
pub(super) struct Model {
    pub(super) engine: TaskEngine,
    pub(super) now: Moment,
    pub(super) folder: Folder,
    running: BTreeMap<TaskId, Process>,
    followed: BTreeSet<TaskId>,
    /// Tasks that somebody wants to end.
    cancelled: BTreeSet<TaskId>,
    /// Bits: which writes fail.
    pub(super) broken: u8,
    /// So many effects are carried out, then everything is killed.
    pub(super) budget: Option<u32>,
    /// … in the middle of the next one, if that is a burial.
    pub(super) cuts: bool,
    /// The worker does not work.
    pub(super) is_over: bool,
    /// Files that were dropped, and what they have become.
    pub(super) drops: usize,
    pub(super) ends: usize,
    asks: u64,
    answers: BTreeSet<u64>,
}

fn worker_spec() -> WorkerSpec {
    let breaker = TaskBreaker { failures: 3, cooldown: Duration::from_secs(5) };
    WorkerSpec { concurrency: CONCURRENCY as u32, retries: 2, breaker, timeout: Duration::from_secs(8), ..spec() }
}

impl Model {
    pub(super) fn new() -> Self {
        let mut model = Self {
            engine: TaskEngine::new(),
            now: Moment::START,
            folder: Folder::default(),
            running: BTreeMap::new(),
            followed: BTreeSet::new(),
            cancelled: BTreeSet::new(),
            broken: 0,
            budget: None,
            cuts: false,
            is_over: true,
            drops: 0,
            ends: 0,
            asks: 0,
            answers: BTreeSet::new(),
        };
        model.begin();
        model
    }

    pub(super) fn begin(&mut self) {
        if self.is_over {
            self.is_over = false;
            let stop = StopSpec { grace: Duration::from_millis(700), ..StopSpec::default() };
            self.send(TaskEvent::Begin { worker: MARIE.into(), spec: Arc::new(worker_spec()), stop });
        }
    }

    /// Everything is killed, and begins anew: the next owner ends what runs before it looks at anything.
    pub(super) fn crash(&mut self) {
        self.budget = None;
        self.engine = TaskEngine::new();
        self.running.clear();
        self.followed.clear();
        self.answers = (0..self.asks).collect();
        self.is_over = true;
        self.begin();
    }

    pub(super) fn send(&mut self, event: TaskEvent) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let effects = self.engine.update(event, self.now);
            self.check_claims(&effects);
            for effect in effects {
                match &mut self.budget {
                    Some(0) => {
                        self.cut(&effect);
                        return self.crash();
                    }
                    Some(left) => *left -= 1,
                    None => {}
                }
                self.obey(effect, &mut events);
            }
        }
        self.check();
    }

    fn check_claims(&self, effects: &[TaskEffect]) {
        let Some(snapshot) = self.engine.snapshot(&ServiceName::from(MARIE)) else { return };
        let is_open = matches!(snapshot.breaker, BreakerState::Open { .. });
        for effect in effects {
            match effect {
                TaskEffect::Claim { id, .. } => {
                    assert!(!is_open || self.cancelled.contains(id), "{id} is claimed while the breaker is open");
                }
                TaskEffect::Begin { head, .. } => assert!(!is_open, "{} begins while the breaker is open", head.id),
                _ => {}
            }
        }
    }

    /// Nothing is lost, and nothing is there twice.
    fn check(&self) {
        let folder = &self.folder;
        let open = folder.claims.keys().filter(|id| !folder.results.contains_key(*id)).count();
        assert_eq!(self.drops, self.ends + folder.waiting.len() + open, "{folder:#?}");
        assert!(self.running.len() <= CONCURRENCY, "{:?}", self.running);
    }

    fn obey(&mut self, effect: TaskEffect, events: &mut VecDeque<TaskEvent>) {
        let worker = ServiceName::from(MARIE);
        match effect {
            TaskEffect::Lock { .. } => events.push_back(self.owned()),
            TaskEffect::List { worker: Some(worker) } => {
                let files: Vec<String> = self.folder.waiting.keys().cloned().collect();
                events.extend(files.iter().map(|file| self.look(file)));
                events.push_back(TaskEvent::Listed { worker: Some(worker) });
            }
            TaskEffect::LookAgain { worker: Some(_), file } => events.push_back(self.look(&file)),
            TaskEffect::Claim { file, id, .. } => {
                let result = self.claim(&file, &id);
                events.push_back(TaskEvent::Claimed { worker, id, result });
            }
            TaskEffect::Write { subject, write, .. } => {
                let result = self.write(&subject, &write);
                let done = !matches!(result, WriteResult::Failed(_));
                events.push_back(TaskEvent::Written { worker: Some(worker.clone()), subject, result });
                if let (true, TaskWrite::Result(_) | TaskWrite::Letter(_) | TaskWrite::Burial { .. }) = (done, write) {
                    let told = self.followed.iter().map(|id| self.outside(id)).collect::<Vec<_>>();
                    events.extend(told);
                }
            }
            TaskEffect::Keep { id, outcome, .. } if self.broken & 16 == 0 => {
                let why = "kept".into();
                let kept = LastTry { status: outcome.status, exit_code: outcome.exit_code, why };
                self.folder.kept.insert(id, kept);
            }
            TaskEffect::Begin { head, number, .. } => self.begins(&head, number),
            TaskEffect::Signal { id, signal, .. } => {
                let process = self.running.get(&id).expect("a signal for a try that does not run");
                if signal == Signal::Kill || !process.deaf {
                    events.push_back(self.ended(&id, TryExit::Ended(ExitStatus::Signal(15))));
                }
            }
            TaskEffect::Follow { id, .. } => {
                events.push_back(self.outside(&id));
                assert!(self.followed.insert(id), "followed twice");
            }
            TaskEffect::Unfollow { id, .. } => assert!(self.followed.remove(&id), "not followed"),
            TaskEffect::Heartbeat { .. } => {
                let problem = (self.broken & 32 != 0).then(|| "full".into());
                events.push_back(TaskEvent::BeatWritten { worker, problem });
            }
            TaskEffect::Renew { id, ask, .. } => {
                events.extend(self.renew(&id));
                self.answers.insert(ask);
            }
            TaskEffect::Answer { ask, .. } => assert!(self.answers.insert(ask), "answered twice"),
            TaskEffect::Unlock { .. } => assert!(self.running.is_empty(), "tries outlive the lock: {:?}", self.running),
            TaskEffect::Over { .. } => self.is_over = true,
            _ => {}
        }
    }

    fn owned(&self) -> TaskEvent {
        assert!(self.running.is_empty());
        let folder = &self.folder;
        let found = |(id, (head, file)): (&TaskId, &(TaskHead, String))| FoundClaim {
            id: id.clone(),
            file: file.as_str().into(),
            stamp: stamp(1),
            found: Ok(head.clone()),
            tries: folder.tries.get(id).map(found_tries),
            result: folder.results.get(id).copied(),
            kept: folder.kept.get(id).cloned(),
            letter: (folder.letters.get(id) == Some(&DeadReason::MaxRetriesExceeded)).then(|| "a letter".into()),
        };
        let claims = folder.claims.iter().map(found).collect();
        TaskEvent::Owned { worker: MARIE.into(), stats: TaskStats::default(), dead: 0, claims }
    }

    fn look(&self, file: &str) -> TaskEvent {
        let Some(content) = self.folder.waiting.get(file) else {
            return TaskEvent::Gone { worker: Some(MARIE.into()), file: file.into() };
        };
        let has_result = content.as_ref().is_ok_and(|head| self.folder.results.contains_key(&head.id));
        let (found, stamp) = (content.clone(), stamp(file.len() as u64));
        TaskEvent::Arrived { worker: MARIE.into(), file: file.into(), stamp, found, has_result }
    }

    fn claim(&mut self, file: &str, id: &TaskId) -> ClaimResult {
        if self.broken & 1 != 0 {
            return ClaimResult::Failed("read-only".into());
        }
        if self.folder.results.contains_key(id) {
            return ClaimResult::HasResult;
        }
        if self.folder.claims.contains_key(id) {
            return ClaimResult::Exists;
        }
        match self.folder.take(file) {
            None => ClaimResult::Lost,
            Some(Err(refusal)) => {
                self.folder.claims.insert(id.clone(), (head(id.as_str()), file.into()));
                ClaimResult::Taken { found: Err(refusal), tries: None }
            }
            Some(Ok(head)) => {
                self.folder.claims.insert(id.clone(), (head.clone(), file.into()));
                let tries = self.folder.tries.get(id).map(found_tries);
                ClaimResult::Taken { found: Ok(head), tries }
            }
        }
    }

    fn write(&mut self, subject: &Subject, write: &TaskWrite) -> WriteResult {
        let fails = match write {
            TaskWrite::Result(_) => self.broken & 2 != 0,
            TaskWrite::Letter(_) => self.broken & 4 != 0,
            TaskWrite::Burial { ends_task, .. } => self.broken & 4 != 0 || *ends_task && self.broken & 8 != 0,
            TaskWrite::Trigger { .. } | TaskWrite::Receipt { .. } => self.broken & 8 != 0,
            TaskWrite::Tries(_) | TaskWrite::Removal | TaskWrite::GiveBack { .. } => self.broken & 16 != 0,
        };
        if fails {
            return WriteResult::Failed("no space left".into());
        }
        match subject {
            Subject::Task(id) => self.write_task(id, write),
            Subject::File(file) => {
                let TaskWrite::Burial { words, .. } = write else { panic!("{write:?} of a file") };
                if !self.folder.waiting.contains_key(&**file) {
                    return WriteResult::Missing;
                }
                self.put_letter(file, words);
                self.folder.take(file);
                self.ends += 1;
                WriteResult::Done(Some("a letter".into()))
            }
        }
    }

    /// The first step of a burial. A file that has a letter from before a crash gets no second one.
    fn put_letter(&mut self, file: &str, words: &LetterWords) {
        let folder = &mut self.folder;
        let (before, is_second_file) = (folder.half_buried.get(file), words.reason == DeadReason::DuplicateTaskId);
        let has_its_letter = before.is_some_and(|before| words.reason.may_have_been(*before));
        assert!(
            before.is_none() || has_its_letter || is_second_file,
            "{file} has a letter of {before:?}, and gets one of {:?}",
            words.reason
        );
        let Some(id) = words.id.as_ref().filter(|_| !is_second_file) else { return };
        folder.half_buried.insert(file.into(), words.reason);
        // Letters lie beside each other; that of the claim is looked for.
        let reason = folder.letters.entry(id.clone()).or_insert(words.reason);
        if *reason != DeadReason::MaxRetriesExceeded {
            *reason = words.reason;
        }
    }

    /// Everything is killed in the middle of this. What is no JSON is moved, and has no middle.
    fn cut(&mut self, effect: &TaskEffect) {
        let TaskEffect::Write { subject: Subject::File(file), write: TaskWrite::Burial { words, .. }, .. } = effect
        else {
            return;
        };
        let is_there = self.folder.waiting.contains_key(&**file) && self.broken & 4 == 0;
        if self.cuts && is_there && words.reason != DeadReason::InvalidJson {
            self.put_letter(file, words);
        }
    }

    fn write_task(&mut self, id: &TaskId, write: &TaskWrite) -> WriteResult {
        let folder = &mut self.folder;
        assert!(folder.claims.contains_key(id), "{write:?} of {id}, which is not claimed");
        match write {
            TaskWrite::Result(outcome) => {
                if folder.results.contains_key(id) {
                    return WriteResult::Existed;
                }
                folder.results.insert(id.clone(), outcome.status);
                self.ends += 1;
            }
            TaskWrite::Letter(words) => {
                *folder.letter_count.entry(id.clone()).or_default() += 1;
                folder.letters.insert(id.clone(), words.reason);
            }
            TaskWrite::Tries(note) => drop(folder.tries.insert(id.clone(), note.clone())),
            TaskWrite::Removal => {
                folder.tries.remove(id);
                folder.kept.remove(id);
                folder.claims.remove(id);
                self.cancelled.remove(id);
            }
            TaskWrite::GiveBack { file, keep_tries } => {
                if let Some((head, _)) = folder.claims.remove(id) {
                    let names = (2..).map(|n| format!("{id}.{n}.json"));
                    let free =
                        std::iter::once(file.to_string()).chain(names).find(|name| !folder.waiting.contains_key(name));
                    folder.waiting.extend(free.map(|name| (name, Ok(head))));
                }
                if !keep_tries {
                    folder.tries.remove(id);
                }
            }
            TaskWrite::Receipt { .. } | TaskWrite::Trigger { .. } => {}
            TaskWrite::Burial { .. } => panic!("{id} is claimed"),
        }
        WriteResult::Done(None)
    }

    fn begins(&mut self, head: &TaskHead, number: u32) {
        assert!(self.folder.claims.contains_key(&head.id), "{} begins, and is not claimed", head.id);
        assert!(!self.folder.results.contains_key(&head.id), "{} is tried after its result", head.id);
        let deaf = (head.id.as_str().len() + number as usize).is_multiple_of(3);
        let before = self.running.insert(head.id.clone(), Process { deaf });
        assert!(before.is_none(), "two tries of {} at once", head.id);
        assert!(self.running.len() <= CONCURRENCY, "{:?}", self.running);
    }

    fn ended(&mut self, id: &TaskId, exit: TryExit) -> TaskEvent {
        self.running.remove(id);
        let ended = EndedTry { exit, took: Duration::from_millis(7) };
        TaskEvent::TryEnded { worker: MARIE.into(), id: id.clone(), ended }
    }

    /// One of the tries ends.
    pub(super) fn process_ends(&mut self, choice: usize, code: i32) -> bool {
        let count = self.running.len().max(1);
        let Some(id) = self.running.keys().nth(choice % count).cloned() else { return false };
        let event = self.ended(&id, TryExit::Ended(ExitStatus::Code(code)));
        self.send(event);
        true
    }

    fn outside(&self, id: &TaskId) -> TaskEvent {
        let state = match self.folder.results.get(id) {
            Some(TaskStatus::Completed) => DependencyState::Completed,
            Some(_) => DependencyState::Dead,
            None if self.folder.letters.contains_key(id) => DependencyState::Dead,
            None => DependencyState::Unknown,
        };
        TaskEvent::Outside { worker: MARIE.into(), id: id.clone(), state }
    }

    /// A new generation, as the folder begins it.
    fn renew(&mut self, id: &TaskId) -> Option<TaskEvent> {
        let name = format!("{id}.json");
        let has_ended = self.folder.results.contains_key(id) || self.folder.letters.contains_key(id);
        if !has_ended || self.folder.claims.contains_key(id) || self.folder.waiting.contains_key(&name) {
            return None;
        }
        self.folder.results.remove(id);
        self.folder.letters.remove(id);
        self.folder.letter_count.remove(id);
        self.folder.waiting.insert(name.clone(), Ok(head(id.as_str())));
        self.drops += 1;
        Some(self.look(&name))
    }

    /// Somebody drops a file, unless there is one of this name.
    pub(super) fn drop_file(&mut self, file: &str, content: Content) {
        if !self.folder.waiting.contains_key(file) {
            self.folder.waiting.insert(file.into(), content);
            self.drops += 1;
            let event = self.look(file);
            self.send(event);
        }
    }

    /// Somebody removes a file that waits.
    pub(super) fn remove_file(&mut self, choice: usize) {
        let count = self.folder.waiting.len().max(1);
        if let Some(file) = self.folder.waiting.keys().nth(choice % count).cloned() {
            self.folder.take(&file);
            self.drops -= 1;
            self.send(TaskEvent::Gone { worker: Some(MARIE.into()), file: file.as_str().into() });
        }
    }

    pub(super) fn ask(&mut self, name: &str, make: fn(ServiceName, TaskId, u64) -> TaskEvent, is_cancel: bool) {
        if is_cancel {
            self.cancelled.insert(id(name));
        }
        self.asks += 1;
        self.send(make(MARIE.into(), id(name), self.asks - 1));
    }

    /// All asks were answered, but for those for the folder.
    pub(super) fn unanswered(&self) -> usize {
        (0..self.asks).filter(|ask| !self.answers.contains(ask)).count()
    }

    /// Exactly at the next deadline.
    pub(super) fn next_deadline(&mut self) {
        if let Some(next) = self.engine.next_deadline() {
            self.now = self.now.max(next);
            self.send(TaskEvent::TimePassed);
            assert!(self.engine.next_deadline().is_none_or(|next| next > self.now), "a deadline that stays");
        }
    }

    pub(super) fn runs(&self) -> bool {
        !self.running.is_empty()
    }
}

fn found_tries(note: &TriesNote) -> FoundTries {
    FoundTries {
        retry_count: note.retry_count,
        running: note.running,
        published: note.published,
        left: note.wait,
        last: note.last.clone(),
    }
}
