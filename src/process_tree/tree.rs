//! Who is below whom.

use std::collections::HashMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::sync::LazyLock;

use rustix::process::{Pid, WaitId, WaitIdOptions, getpid, waitid};

use super::process::Process;
use super::{contents, is_proc_ours, number, open, pids, read};

/// Who is below whom, as far as it was asked for. The kernel may list the children of each thread; without that, all
/// processes are read once.
pub struct Tree {
    all: Option<HashMap<i32, Vec<Pid>>>,
    /// The list of the children of our main thread, which is looked at again and again.
    adopted: Option<OwnedFd>,
}

impl Tree {
    /// The tree as it is while it is walked.
    pub fn read() -> Self {
        static LISTED: LazyLock<bool> = LazyLock::new(|| fs::exists(list_of(getpid(), getpid())).unwrap_or(false));
        match *LISTED {
            true => Self { all: None, adopted: open(&list_of(getpid(), getpid())) },
            false => Self { all: Some(everybody()), adopted: None },
        }
    }

    /// Our own children that no living thread but the main one has: orphans that we have adopted.
    pub fn adopted(&self) -> Vec<Pid> {
        match &self.adopted {
            Some(list) => numbers(&contents(list).unwrap_or_default()),
            None => self.of_thread(getpid(), getpid()),
        }
    }

    /// The living children of a process.
    fn children(&self, pid: Pid) -> Vec<Pid> {
        if self.all.is_some() {
            return self.of_thread(pid, pid);
        }
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
        let threads = threads.filter_map(|thread| number(&thread.ok()?.file_name()));
        threads.flat_map(|thread| self.of_thread(pid, thread)).collect()
    }

    fn of_thread(&self, pid: Pid, thread: Pid) -> Vec<Pid> {
        if let Some(all) = &self.all {
            return all.get(&pid.as_raw_pid()).cloned().unwrap_or_default();
        }
        numbers(&read(&list_of(pid, thread)).unwrap_or_default())
    }

    /// These processes and all below them that live, each once.
    pub fn below(&self, roots: impl IntoIterator<Item = Pid>) -> Vec<Process> {
        let mut waiting: Vec<Pid> = roots.into_iter().collect();
        let mut seen: Vec<Pid> = Vec::new();
        let mut found = Vec::new();
        while let Some(pid) = waiting.pop() {
            if seen.contains(&pid) {
                continue;
            }
            seen.push(pid);
            // What has ended has no children any more.
            if let Some(process) = Process::of(pid).filter(|process| !process.ended) {
                // Most have one thread: then nobody need be asked which there are.
                waiting.extend(if process.threads == 1 { self.of_thread(pid, pid) } else { self.children(pid) });
                found.push(process);
            }
        }
        found
    }

    /// All that live below this process, without itself.
    pub fn below_us(&self) -> Vec<Process> {
        loop {
            let children = self.children(getpid());
            let found = self.below(children.iter().copied());
            // Nobody there: but one of them may just have ended and left us its children.
            if !found.is_empty() || self.all.is_some() || children == self.children(getpid()) {
                return found;
            }
        }
    }
}

/// The file that lists the children of a thread (proc_tid_children(5)).
fn list_of(pid: Pid, thread: Pid) -> String {
    format!("/proc/{pid}/task/{thread}/children")
}

fn numbers(list: &[u8]) -> Vec<Pid> {
    let list = std::str::from_utf8(list).unwrap_or_default();
    list.split_ascii_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

/// All that live below us. Where the system does not tell, our children: when one of them ends, its own become ours.
/// `None`: one has just ended and is to be reaped first.
pub fn below_us() -> Option<Vec<Process>> {
    if is_proc_ours() { Some(Tree::read().below_us()) } else { children_by_number() }
}

/// Our living children, where nothing lists them: the kernel is asked for each number whether it is one, from ours upwards,
/// as numbers are given out. Takes a fifth of a microsecond for each. `None`: one that has ended is in the way of knowing
/// whether there are others.
fn children_by_number() -> Option<Vec<Process>> {
    /// The highest number that Linux gives (`PID_MAX_LIMIT`).
    const HIGHEST: i32 = 1 << 22;
    /// After so many numbers without a child there are no more, if one was found.
    const FAR: i32 = 1 << 15;
    /// After so many it is asked whether all that there were have ended meanwhile.
    const SOME: i32 = 1 << 10;
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let own = getpid().as_raw_pid();
    let (mut found, mut last) = (Vec::new(), 0);
    for (number, at) in (own + 1..=HIGHEST).chain(1..own).zip(0..) {
        if !found.is_empty() && at - last > FAR {
            break;
        }
        if found.is_empty() && at % SOME == 0 {
            match waitid(WaitId::All, options) {
                Ok(None) => {}
                Ok(Some(_)) => return None,
                Err(_) => break,
            }
        }
        if let Some(child) = Pid::from_raw(number).and_then(Process::of_child).filter(|child| !child.ended) {
            last = at;
            found.push(child);
        }
    }
    Some(found)
}

/// The children of every process, from one pass over `/proc`.
fn everybody() -> HashMap<i32, Vec<Pid>> {
    let mut children: HashMap<i32, Vec<Pid>> = HashMap::new();
    for process in pids().into_iter().filter_map(Process::of) {
        children.entry(process.parent).or_default().push(process.pid);
    }
    children
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use rustix::process::Signal;

    use super::*;

    #[test]
    fn both_ways_to_look_find_the_same_family() {
        let script = "sleep 1000 & sleep 1000 & echo up; wait";
        let mut child = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = [0; 3];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
        let root = Pid::from_child(&child);
        for look in [Tree::read, || Tree { all: Some(everybody()), adopted: None }] {
            // A fork has the name of its parent for a moment.
            loop {
                let mut names: Vec<String> = look().below([root]).into_iter().map(|process| process.name).collect();
                names.sort();
                assert_eq!(names.len(), 3, "{names:?}");
                if names == ["sh", "sleep", "sleep"] {
                    break;
                }
            }
        }
        for process in Tree::read().below([root]) {
            process.signal(Signal::KILL);
        }
        child.wait().unwrap();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_child_of_any_thread_is_found() {
        let spawn = || Command::new("sleep").arg("1000").spawn().unwrap();
        let (child_in, child_out) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            child_in.send(spawn()).unwrap();
            // It has the child for as long as it lives.
            ended.recv().unwrap_err();
        });
        let mut child = child_out.recv().unwrap();
        let below = Tree::read().below([getpid()]);
        assert!(below.iter().any(|process| process.pid == Pid::from_child(&child)), "{below:?}");
        drop(end);
        thread.join().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn our_children_are_found_by_their_numbers_alone() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let id = Pid::from_child(&child);
        // Tests beside this one have children that end.
        let found = loop {
            match children_by_number() {
                Some(found) => break found,
                None => std::thread::yield_now(),
            }
        };
        assert!(found.iter().any(|process| process.pid == id), "{found:?}");
        assert_eq!(Process::of_child(getpid()), None, "nobody is his own child");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(Process::of_child(id), None);
    }
}
