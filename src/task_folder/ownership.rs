//! Becoming the owner of a worker's folder: on a thread of its own, since the lock, the end of the predecessor's tries,
//! and a slow disk may each take long.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::layout::{Outlets, Queue};
use super::owned::Owned;
use super::owner::{self, Lock, Owner, Taking};
use super::predecessor;
use super::trouble::Trouble;
use crate::clock::Clock;
use crate::domain::{ServiceName, Standby, TaskFolders};
use crate::process_tree::Process;

/// After so many looks at tries of the predecessor that do not end, somebody is told: some hundred milliseconds are
/// nothing to be told of.
const LOOKS: usize = 200;

/// What has become of asking for a folder.
#[derive(Debug)]
pub enum Ownership {
    /// It belongs to somebody else. As soon as it is free, it is ours.
    Standby(Standby),
    /// It is ours, but tries of the predecessor are left, and do not end.
    Ending(Vec<Process>),
    /// It is ours.
    Owned(Box<Owned>),
    /// It cannot be worked off; why, for people.
    Refused(String),
}

/// Who is told.
type Tell = Arc<dyn Fn(Ownership) + Send + Sync>;

/// All folders that are asked for. One thread for each of them: a thread that waits in the kernel cannot be called back, so
/// one that was called off is used again.
#[derive(Default)]
pub struct Askers(HashMap<PathBuf, Arc<Mutex<Slot>>>);

#[derive(Default)]
struct Slot {
    /// `None`: it was called off.
    tell: Option<Tell>,
    /// A thread waits.
    is_waiting: bool,
    /// What that was told last.
    standby: Option<Standby>,
}

impl Askers {
    /// Nobody asks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the folder of a worker. `tell` hears, at least once, what becomes of it. `since` of the owner is filled in.
    pub fn ask(
        &mut self,
        folders: &TaskFolders,
        worker: &ServiceName,
        owner: Owner,
        clock: Clock,
        tell: impl Fn(Ownership) + Send + Sync + 'static,
    ) {
        let shared = self.0.entry(folders.queue(worker)).or_default();
        let mut slot = lock(shared);
        let tell: Tell = Arc::new(tell);
        if let Some(standby) = slot.standby.clone().filter(|_| slot.is_waiting) {
            tell(Ownership::Standby(standby));
        }
        slot.tell = Some(Arc::clone(&tell));
        if slot.is_waiting {
            return;
        }
        let asker = Asker { folders: folders.clone(), worker: worker.clone(), owner, clock, slot: Arc::clone(shared) };
        slot.is_waiting = true;
        let started = thread::Builder::new().name(format!("lock {worker}")).spawn(move || asker.run());
        if let Err(error) = started {
            (slot.is_waiting, slot.tell) = (false, None);
            tell(Ownership::Refused(format!("cannot start a thread: {error}")));
        }
    }

    /// Nobody wants it any more. What is got later is given up at once.
    pub fn call_off(&mut self, folders: &TaskFolders, worker: &ServiceName) {
        if let Some(shared) = self.0.get(&folders.queue(worker)) {
            lock(shared).tell = None;
        }
    }
}

fn lock(shared: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One thread that wants a folder.
struct Asker {
    folders: TaskFolders,
    worker: ServiceName,
    owner: Owner,
    clock: Clock,
    slot: Arc<Mutex<Slot>>,
}

impl Asker {
    fn run(mut self) {
        loop {
            let got = self.take();
            let mut slot = lock(&self.slot);
            match (got, slot.tell.clone()) {
                (Ok(Some(owned)), Some(tell)) => {
                    (slot.is_waiting, slot.standby, slot.tell) = (false, None, None);
                    tell(Ownership::Owned(Box::new(owned)));
                }
                (Ok(Some(owned)), None) => {
                    (slot.is_waiting, slot.standby) = (false, None);
                    owned.release();
                }
                // It was called off in the middle, and is wanted again.
                (Ok(None), Some(_)) => continue,
                (Ok(None), None) => (slot.is_waiting, slot.standby) = (false, None),
                (Err(why), tell) => {
                    (slot.is_waiting, slot.standby, slot.tell) = (false, None, None);
                    if let Some(tell) = tell {
                        tell(Ownership::Refused(why));
                    }
                }
            }
            return;
        }
    }

    /// The folder, when it is ours and nothing of the predecessor is left; `None` if it was called off.
    fn take(&mut self) -> Result<Option<Owned>, String> {
        let (queue, lock, before) = self.lock()?;
        if !self.end_tries(&before) {
            return Ok(None);
        }
        self.owner.since = self.clock.rfc3339(self.clock.now());
        let mut owned = Owned::new(self.worker.clone(), queue, Outlets::of(&self.folders, &self.worker), lock);
        owned.move_in(&self.owner, &before).map_err(|trouble| trouble.to_string())?;
        Ok(Some(owned))
    }

    /// The lock, however long that takes, and who had it before.
    fn lock(&self) -> Result<(Queue, Lock, Owner), String> {
        let mut queue = self.open()?;
        let mut waits = false;
        loop {
            let taking = if waits { Lock::take(&queue, true) } else { Lock::take_soon(&queue) };
            match taking {
                Ok(Taking::Taken(lock, before)) => return Ok((queue, lock, before)),
                Ok(Taking::Held(by)) => {
                    self.stand_by(&by);
                    waits = true;
                }
                Err(trouble) => queue = self.again(queue, &trouble)?,
            }
        }
    }

    /// Where the folder was removed or replaced meanwhile, the one that is there now.
    fn again(&self, queue: Queue, trouble: &Trouble) -> Result<Queue, String> {
        if queue.is_in_place() { Err(owner::cannot_lock(trouble)) } else { self.open() }
    }

    fn open(&self) -> Result<Queue, String> {
        let queue = Queue::make(&self.folders, &self.worker).map_err(|trouble| trouble.to_string())?;
        match owner::refusal(queue.work.path()) {
            None => Ok(queue),
            Some(why) => Err(why),
        }
    }

    fn stand_by(&self, by: &Owner) {
        let standby = owner::standby_of(by);
        let mut slot = lock(&self.slot);
        slot.standby = Some(standby.clone());
        if let Some(tell) = &slot.tell {
            tell(Ownership::Standby(standby));
        }
    }

    /// Ends what the predecessor has left; false if it was called off meanwhile.
    fn end_tries(&self, before: &Owner) -> bool {
        let mut looks = 0;
        predecessor::end_tries(&before.mark, &self.worker, |left| {
            looks += 1;
            let slot = lock(&self.slot);
            let Some(tell) = &slot.tell else { return false };
            if looks == LOOKS {
                tell(Ownership::Ending(left.to_vec()));
            }
            true
        })
    }
}

/// Whose the folder is at this moment, for who wants to do something in it at once.
#[derive(Debug)]
pub enum Access {
    /// Nobody's: it is ours until this is dropped.
    Free(Box<Owned>),
    /// Somebody works it off, and can be asked (see `ask_owner`).
    Owned(Standby),
    /// Nobody works it off, but tries of the last owner still run.
    Running(Vec<Process>),
}

/// Takes the folder for a moment, for a command that changes something. Its owner's name stays what it is.
///
/// # Errors
/// It cannot be opened or locked.
pub fn take_for_a_moment(folders: &TaskFolders, worker: &ServiceName) -> Result<Access, Trouble> {
    let queue = Queue::make(folders, worker)?;
    if let Some(why) = owner::refusal(queue.work.path()) {
        return Err(Trouble::new("cannot lock", queue.work.path(), std::io::Error::other(why)));
    }
    match Lock::take_soon(&queue)? {
        Taking::Held(by) => Ok(Access::Owned(owner::standby_of(&by))),
        Taking::Taken(lock, before) => {
            let left = predecessor::tries_of(&before.mark, worker);
            if !left.is_empty() {
                return Ok(Access::Running(left));
            }
            Ok(Access::Free(Box::new(Owned::new(worker.clone(), queue, Outlets::of(folders, worker), lock))))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(30);

    fn marie() -> ServiceName {
        ServiceName::new("marie")
    }

    fn ask(askers: &mut Askers, folders: &TaskFolders, group: &str) -> Receiver<Ownership> {
        let (tell, told) = channel();
        let (pid, mark) = (std::process::id(), format!("nobody-{}", std::process::id()));
        let owner = Owner { group: group.into(), pid, mark, ..Owner::default() };
        askers.ask(folders, &marie(), owner, Clock::start(), move |ownership| {
            let _ = tell.send(ownership);
        });
        told
    }

    fn owned(told: &Receiver<Ownership>) -> Box<Owned> {
        match told.recv_timeout(DEADLINE).unwrap() {
            Ownership::Owned(owned) => owned,
            other => panic!("{other:?}"),
        }
    }

    /// Two groups that want one folder: the shop has it, and the other one has just asked.
    struct Two {
        folders: TaskFolders,
        first: Askers,
        second: Askers,
        shop: Box<Owned>,
        told: Receiver<Ownership>,
        _home: tempfile::TempDir,
    }

    fn two() -> Two {
        let home = tempfile::tempdir().unwrap();
        let folders = TaskFolders::below(home.path().to_path_buf());
        let (mut first, mut second) = (Askers::new(), Askers::new());
        let shop = owned(&ask(&mut first, &folders, "shop"));
        let told = ask(&mut second, &folders, "other");
        Two { folders, first, second, shop, told, _home: home }
    }

    #[test]
    fn a_second_group_stands_by_and_takes_over() {
        let Two { folders, mut second, shop, told, _home, .. } = two();
        let Ownership::Standby(standby) = told.recv_timeout(DEADLINE).unwrap() else { panic!("it is the shop's") };
        assert_eq!((&*standby.group, standby.pid), ("shop", Some(std::process::id())));
        // Called off, and asked again: the one thread that waits is used.
        second.call_off(&folders, &marie());
        let told = ask(&mut second, &folders, "other");
        assert!(matches!(told.recv_timeout(DEADLINE).unwrap(), Ownership::Standby(_)));
        assert!(matches!(take_for_a_moment(&folders, &marie()).unwrap(), Access::Owned(_)));
        drop(shop);
        let other = owned(&told);
        other.release();
        assert!(matches!(take_for_a_moment(&folders, &marie()).unwrap(), Access::Free(_)));
    }

    #[test]
    fn who_was_called_off_keeps_nothing() {
        let Two { folders, mut first, mut second, shop, told, _home, .. } = two();
        assert!(matches!(told.recv_timeout(DEADLINE).unwrap(), Ownership::Standby(_)));
        second.call_off(&folders, &marie());
        shop.release();
        // It is free again at once, or, maybe after it was told who has it, when the thread has given it up.
        let asked = ask(&mut first, &folders, "shop");
        let again = loop {
            match asked.recv_timeout(DEADLINE).unwrap() {
                Ownership::Owned(again) => break again,
                Ownership::Standby(standby) => assert_eq!(&*standby.group, "other"),
                other => panic!("{other:?}"),
            }
        };
        assert!(told.try_recv().is_err());
        again.release();
    }

    #[test]
    fn a_folder_that_is_made_anew_while_one_waits_is_the_one_that_counts() {
        let Two { folders, shop, told, _home, .. } = two();
        assert!(matches!(told.recv_timeout(DEADLINE).unwrap(), Ownership::Standby(_)));
        std::fs::remove_dir_all(&folders.tasks).unwrap();
        drop(shop);
        let other = owned(&told);
        assert!(folders.queue(&marie()).join(".work/owner.json").exists());
        drop(other);
    }

    #[test]
    fn what_cannot_be_made_is_refused_with_the_path() {
        let home = tempfile::tempdir().unwrap();
        let folders = TaskFolders::below(home.path().to_path_buf());
        std::fs::create_dir_all(&folders.tasks).unwrap();
        std::fs::write(folders.queue(&marie()), "a file").unwrap();
        let told = ask(&mut Askers::new(), &folders, "shop");
        let Ownership::Refused(why) = told.recv_timeout(DEADLINE).unwrap() else { panic!("a file is no folder") };
        assert!(why.contains("tasks/marie: "), "{why}");
    }
}
