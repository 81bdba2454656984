//! The folder of a worker, in the hands of its owner. Who has this has the lock; no other place changes what waits and
//! what is claimed.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::PathBuf;

use super::burials::Burials;
use super::folder::{Contents, Folder, Moved};
use super::layout::{Outlet, Outlets, Queue};
use super::letters::Counted;
use super::listing::{LARGEST_TASK, Pieces};
use super::names::{ENDING, Work, name_of, numbered, stem_of};
use super::owner::{Lock, Owner, Taking, standby_of};
use super::trouble::Trouble;
use crate::domain::{FileStamp, ServiceName, Standby, TaskId, TaskStatus};

/// A worker's folder that is ours.
#[derive(Debug)]
pub struct Owned {
    pub(super) worker: ServiceName,
    pub(super) queue: Queue,
    pub(super) outlets: Outlets,
    pub(super) burials: Burials,
    pub(super) counted: Counted,
    /// Tasks of which an empty file says how they have ended.
    unwritten: HashMap<TaskId, TaskStatus>,
    lock: Lock,
    owner: Owner,
}

/// What became of claiming a task.
#[derive(Debug)]
pub enum Claim {
    /// It is claimed. This is what runs, read again.
    Claimed {
        /// When it was written, and its size.
        stamp: FileStamp,
        /// All of it.
        contents: Contents,
        /// What was noted of its tries before it was given back (`read_tries`).
        tries: Option<Vec<u8>>,
    },
    /// It is not there any more.
    Lost,
    /// A task of this id is claimed already. The file is where it was.
    Taken,
    /// There is a result for this id. The file is where it was.
    HasResult,
}

/// What the folder is now.
#[derive(Debug)]
pub enum Renewed {
    /// What it was.
    Same,
    /// It was removed or replaced; the one that is there now is ours. What was claimed may be gone, and other claims may
    /// be there.
    Another,
    /// The one that is there now belongs to somebody else, or did so and has not left in order. Nothing more is to be done
    /// here; it has to be asked for again.
    Lost(Standby),
}

impl Owned {
    pub(super) fn new(worker: ServiceName, queue: Queue, outlets: Outlets, lock: Lock) -> Self {
        Self {
            worker,
            queue,
            outlets,
            burials: Burials::default(),
            counted: Counted::default(),
            unwritten: HashMap::new(),
            lock,
            owner: Owner::default(),
        }
    }

    /// Writes who has it, clears up after the one before, and finishes what that had begun. Its tries are gone.
    pub(super) fn move_in(&mut self, owner: &Owner, before: &Owner) -> Result<(), Trouble> {
        self.lock.write(owner, &self.queue)?;
        self.owner = owner.clone();
        self.outlets.make();
        self.burials = Burials::since(self.lock.modified());
        if before.pid != 0 {
            self.outlets.sweep(before.pid);
            for folder in [&self.queue.waiting, &self.queue.work, &self.queue.requests] {
                folder.sweep(before.pid);
            }
        }
        Ok(())
    }

    /// Whose it is.
    pub fn worker(&self) -> &ServiceName {
        &self.worker
    }

    /// Gives the folder up. Everything is given back, and no try runs any more.
    pub fn release(self) {
        self.outlets.heartbeats.remove_spare(format!("{}{ENDING}", self.worker));
        self.lock.leave();
    }

    /// Looks whether the folder is still the one that is locked, and goes on with the one that is there now. After an
    /// event that says that a folder is gone, and after a failure that says that nothing is there.
    ///
    /// # Errors
    /// The folder cannot be made, opened or locked.
    pub fn renew(&mut self) -> Result<Renewed, Trouble> {
        if self.queue.is_in_place() && self.lock.is_in_place(&self.queue) {
            return Ok(Renewed::Same);
        }
        let waiting = self.queue.waiting.path().to_path_buf();
        let queue = Queue::make_at(waiting)?;
        match Lock::take_soon(&queue)? {
            Taking::Held(by) => Ok(Renewed::Lost(standby_of(&by))),
            // Its tries may be left.
            Taking::Taken(_, before) if !before.mark.is_empty() && before.mark != self.owner.mark => {
                Ok(Renewed::Lost(standby_of(&before)))
            }
            Taking::Taken(mut lock, _) => {
                lock.write(&self.owner, &queue)?;
                (self.queue, self.lock) = (queue, lock);
                Ok(Renewed::Another)
            }
        }
    }

    /// All that waits, by its time of arrival: the oldest first, files of one time as people count.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn list<T: Send + 'static>(
        &self,
        check: impl Fn(&str, Contents) -> T + Send + Sync + 'static,
    ) -> Result<Pieces<T>, Trouble> {
        Pieces::begin(self.queue.waiting.duplicate()?, check)
    }

    /// Looks at one file that waits. `None` if there is none of that name, or it is no regular file.
    pub fn look(&self, file: &str) -> Option<(FileStamp, Contents)> {
        self.queue.waiting.look(&name_of(file), LARGEST_TASK)
    }

    /// Claims a task that has no result: it is moved into `.work/`, which overwrites nothing, and read again there.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn claim(&mut self, file: &str, id: &TaskId) -> Result<Claim, Trouble> {
        if self.has_result(id)? {
            return Ok(Claim::HasResult);
        }
        let (name, task) = (name_of(file), Work::Task.file(id));
        let task = OsStr::new(&task);
        match self.queue.waiting.move_to(&name, &self.queue.work, task)? {
            Moved::Gone => return Ok(Claim::Lost),
            Moved::Taken => return Ok(Claim::Taken),
            Moved::Done => {}
        }
        match self.queue.work.look(task, LARGEST_TASK) {
            Some((stamp, contents)) => Ok(Claim::Claimed { stamp, contents, tries: self.tries(id)? }),
            // It has become something else since it was looked at, which nobody looks at.
            None => {
                self.queue.work.move_to(task, &self.queue.waiting, &name)?;
                Ok(Claim::Lost)
            }
        }
    }

    /// Where a claimed task is: `TASK_FILE`.
    pub fn claimed_path(&self, id: &TaskId) -> PathBuf {
        self.queue.work.path().join(Work::Task.file(id))
    }

    /// Reads a claimed task again, for another try. `None` if somebody has removed it.
    pub fn claimed(&self, id: &TaskId) -> Option<(FileStamp, Contents)> {
        self.queue.work.look(OsStr::new(&Work::Task.file(id)), LARGEST_TASK)
    }

    /// Where the result of a task is, or will be, as others are told.
    pub fn path_of_result(&self, id: &TaskId) -> String {
        self.outlets.results.path_of(&format!("{id}{ENDING}"))
    }

    /// Gives a task back: it waits again, with what was tried of it, if that is to stay. Returns the name of its file: that
    /// which it had, or, where another file has that now, its id; `None` if it is gone.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn give_back(&mut self, id: &TaskId, file: Option<&str>, keeps_tries: bool) -> Result<Option<String>, Trouble> {
        let task = Work::Task.file(id);
        if !keeps_tries {
            self.queue.work.remove(OsStr::new(&Work::Tries.file(id)))?;
        }
        self.put_back(&self.queue.work, OsStr::new(&task), id, file)
    }

    /// Moves a file to those that wait, by the first name that is free.
    pub(super) fn put_back(
        &self,
        from: &Folder,
        name: &OsStr,
        id: &TaskId,
        file: Option<&str>,
    ) -> Result<Option<String>, Trouble> {
        let numbers = (1..).map(|number| numbered(id.as_str(), number) + ENDING);
        for file in file.map(str::to_owned).into_iter().chain(numbers) {
            match from.move_to(name, &self.queue.waiting, &name_of(&file))? {
                Moved::Done => return Ok(Some(file)),
                Moved::Gone => return Ok(None),
                Moved::Taken => {}
            }
        }
        Ok(None)
    }

    /// Says that a task has been claimed.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn receipt(&mut self, id: &TaskId, trigger: &[u8]) -> Result<(), Trouble> {
        self.outlets.receipts.put_or_replace(format!("{id}{ENDING}"), trigger)
    }

    /// Notes what was tried of a claimed task (`tries_json`).
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note_tries(&mut self, id: &TaskId, tries: &[u8]) -> Result<(), Trouble> {
        self.queue.work.replace(OsStr::new(&Work::Tries.file(id)), tries)
    }

    /// What is noted of the tries of a task (`read_tries`).
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn tries(&self, id: &TaskId) -> Result<Option<Vec<u8>>, Trouble> {
        self.queue.work.read(OsStr::new(&Work::Tries.file(id)), LARGEST_TASK)
    }

    /// Keeps a result that cannot be published beside its claim. Where there is no room for that either, an empty file says
    /// how the task has ended: a name mostly fits on a full disk.
    ///
    /// # Errors
    /// The result cannot be written. Nothing of it stays.
    pub fn keep_result(&mut self, id: &TaskId, status: TaskStatus, result: &[u8]) -> Result<(), Trouble> {
        let kept = self.queue.work.replace(OsStr::new(&Work::Kept.file(id)), result);
        if kept.is_err() && self.queue.work.put_new(OsStr::new(&Work::Unwritten(status).file(id)), b"").is_ok() {
            self.unwritten.insert(id.clone(), status);
        }
        kept
    }

    /// Publishes a result that was kept. False if there is one already: nothing is overwritten, and the kept one goes.
    ///
    /// # Errors
    /// The file cannot be moved.
    pub fn publish_kept(&mut self, id: &TaskId) -> Result<bool, Trouble> {
        let kept = Work::Kept.file(id);
        let (kept, name) = (OsStr::new(&kept), format!("{id}{ENDING}"));
        let moved = self.outlets.results.put(|results| self.queue.work.move_to(kept, results, name.as_ref()))?;
        if moved == Moved::Taken {
            self.queue.work.remove(kept)?;
        }
        Ok(moved == Moved::Done)
    }

    /// Publishes a result, whole from its first moment. False if there is one: nothing is overwritten.
    ///
    /// # Errors
    /// The file cannot be written. Nothing of it stays.
    pub fn publish(&mut self, id: &TaskId, result: &[u8]) -> Result<bool, Trouble> {
        self.outlets.results.put_new(format!("{id}{ENDING}"), result)
    }

    /// Says that a task has ended.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn tell_end(&mut self, id: &TaskId, trigger: &[u8]) -> Result<(), Trouble> {
        put_end(&mut self.outlets.ends, &self.worker, id, trigger)
    }

    /// Ends a claim whose outcome is published. First what was tried goes: what is left after a crash between the two is a
    /// claim with a result, which the next owner finishes; the other way round, the next task of that id would inherit
    /// tries. `keeps`: the bytes of a task that was cancelled stay, so that it can be retried.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn finish(&mut self, id: &TaskId, keeps: bool) -> Result<(), Trouble> {
        let (task, work) = (Work::Task.file(id), &self.queue.work);
        let unwritten = self.unwritten.get(id).copied().map(Work::Unwritten);
        for beside in [Work::Kept, Work::Tries].into_iter().chain(unwritten) {
            work.remove(OsStr::new(&beside.file(id)))?;
        }
        self.unwritten.remove(id);
        if keeps {
            let kept = Work::Cancelled.file(id);
            // One that a crash has left, of the same task.
            work.remove(OsStr::new(&kept))?;
            work.move_to(OsStr::new(&task), work, OsStr::new(&kept))?;
        } else {
            work.remove(OsStr::new(&task))?;
        }
        self.burials.is_over(&task);
        Ok(())
    }

    /// Replaces the heartbeat.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn heartbeat(&mut self, heartbeat: &[u8]) -> Result<(), Trouble> {
        self.outlets.heartbeats.replace_in_turn(format!("{}{ENDING}", self.worker), heartbeat)
    }
}

/// Says that a task of this worker has ended.
pub(super) fn put_end(ends: &mut Outlet, worker: &ServiceName, id: &TaskId, trigger: &[u8]) -> Result<(), Trouble> {
    ends.put_or_replace(format!("{worker}.{id}{ENDING}"), trigger)
}

/// The name that a dead letter has for a file that has no id: that of the file.
pub fn letter_name(file: &str) -> &str {
    stem_of(file)
}
