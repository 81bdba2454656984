//! The operating system's processes: who descends from whom, who carries our mark, and signals that cannot hit a
//! stranger.
//!
//! On Linux, what a service starts stays below us in the tree whatever it does: a process whose parent ends is given to
//! the next ancestor that is a sub-reaper (`PR_SET_CHILD_SUBREAPER`, prctl(2)), and we are one. So our own children and
//! what is below them are all there is, and most looks read two small files of `/proc` instead of all of it. Other
//! systems tell none of this: lists are empty there, and who asks goes by sessions and process groups.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::LazyLock;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, getuid, kill_process, waitid};

use crate::domain::visible;

/// The variable that every process of a service inherits: `<group>-<pid of devgroup>-<run>-<service>`.
pub const MARK: &str = "DEVGROUP_RUN";

/// By what a devgroup is known among processes, whatever its file is called.
pub const NAME: &str = "devgroup";

/// Takes [`NAME`], as far as the system lets programs choose: through a link or a copy of another name, a running devgroup
/// would be taken for one that is gone.
pub fn take_name() {
    #[cfg(target_os = "linux")]
    if let Err(error) = fs::write("/proc/self/comm", NAME) {
        log::warn!("its name stays that of its file: {error}");
    }
}

/// From now on, processes below this one whose parents have ended become children of it. Fails on other systems only.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_child_subreaper(Some(getpid())) {
        log::warn!("what leaves its session cannot be followed: {error}");
    }
}

/// Reaps the children of the calling thread that have ended, and no others: a run's thread waits for its own. Orphans
/// become children of the main thread, which makes no processes itself. True if there was one.
pub fn reap_orphans() -> bool {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
        let mut any = false;
        let options = WaitPidFlag::WNOHANG | WaitPidFlag::__WNOTHREAD;
        while waitpid(None, Some(options)).is_ok_and(|status| status != WaitStatus::StillAlive) {
            any = true;
        }
        any
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// Whether `/proc` tells of the processes that we can see, by the numbers that we know them by. Without that, lists of
/// processes are empty, and nobody is signalled by a number that was read there. In a pid namespace that kept the `/proc`
/// of the one around it, the numbers in it are those of others.
pub fn is_proc_ours() -> bool {
    static TELLS: LazyLock<bool> = LazyLock::new(|| {
        let link = fs::read_link("/proc/self").ok();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        cfg!(target_os = "linux") && is_ours(getpid(), link.as_deref(), &status)
    });
    *TELLS
}

/// What comes of it that this system does not tell of our processes where it should; for people.
pub fn blindness() -> Option<&'static str> {
    (cfg!(target_os = "linux") && !is_proc_ours()).then_some(
        "/proc is not that of our processes (not mounted, or of another pid namespace): what leaves the process group of \
         its service is not seen and ends only when devgroup does, and who listens on a port is not known",
    )
}

/// Whether this is what the `/proc` of our own pid namespace says of us: one number, and the one that we have. (`NSpid`,
/// which kernels have since 4.1, lists one for each namespace from that of `/proc` down to ours.)
fn is_ours(pid: Pid, link: Option<&Path>, status: &str) -> bool {
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let is_one = numbers.is_none_or(|numbers| numbers.split_whitespace().count() == 1);
    is_one && link == Some(Path::new(&pid.to_string()))
}

/// The flag of a task that ends (include/linux/sched.h).
const PF_EXITING: u32 = 4;

/// A process at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The number that the system has given it, in our pid namespace.
    pub pid: Pid,
    /// Its program's name, at most 15 bytes.
    pub name: String,
    /// Its parent; 0 for none that we can see.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// Number of its session: the process id of the session's leader.
    pub session: i32,
    /// It is stopped (`T`): signals other than KILL and CONT wait until it goes on.
    pub stopped: bool,
    /// It has ended. Who should reap it may never do so, and it does nothing more.
    pub ended: bool,
    /// It is ending: it has no environment any more, but may still have children.
    pub ending: bool,
    /// When it was started, in ticks since the machine was: with the number, this is nobody else.
    start: u64,
}

impl Process {
    /// Looks at a process; `None` if there is none, or where the system does not tell.
    pub fn of(pid: Pid) -> Option<Self> {
        Self::parse(pid, &read(&format!("/proc/{pid}/stat"))?)
    }

    /// Looks at a child of ours that has not been reaped, of which nothing else is known. Nobody else can get its number.
    fn of_child(pid: Pid) -> Option<Self> {
        use nix::unistd;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let ended = waitid(WaitId::Pid(pid), options).ok()?.is_some();
        let number = unistd::Pid::from_raw(pid.as_raw_pid());
        let group = unistd::getpgid(Some(number)).map_or(0, unistd::Pid::as_raw);
        let session = unistd::getsid(Some(number)).map_or(0, unistd::Pid::as_raw);
        let (name, parent) = ("a process".into(), getpid().as_raw_pid());
        // It may be stopped: then it has to go on before it can end.
        Some(Self { pid, name, parent, group, session, stopped: true, ended, ending: false, start: 0 })
    }

    /// The process of this number, as it is now.
    fn now(pid: Pid) -> Option<Self> {
        if is_proc_ours() { Self::of(pid) } else { Self::of_child(pid) }
    }

    /// Reads a line of `/proc/<pid>/stat` (proc_pid_stat(5)): `pid (comm) state ppid pgrp session …`. The name may hold
    /// anything, also parentheses.
    fn parse(pid: Pid, stat: &[u8]) -> Option<Self> {
        let begin = stat.iter().position(|byte| *byte == b'(')? + 1;
        let end = stat.iter().rposition(|byte| *byte == b')')?;
        let name = String::from_utf8_lossy(stat.get(begin..end)?).into_owned();
        let mut fields = std::str::from_utf8(stat.get(end + 1..)?).ok()?.split_ascii_whitespace();
        let state = fields.next()?;
        let mut number = || fields.next()?.parse::<i32>().ok();
        let (parent, group, session) = (number()?, number()?, number()?);
        // Fields 9, 20 and 22 of the line.
        let flags: u32 = fields.nth(2)?.parse().ok()?;
        let threads: u32 = fields.nth(10)?.parse().ok()?;
        let start = fields.nth(1)?.parse().ok()?;
        // A main thread that has ended before the others looks like a zombie.
        let ended = matches!(state, "Z" | "X") && threads <= 1;
        let ending = !matches!(state, "Z" | "X") && flags & PF_EXITING != 0;
        Some(Self { pid, name, parent, group, session, stopped: state == "T", ended, ending, start })
    }

    /// Whether both are the same process, at two moments.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.pid, self.start) == (other.pid, other.start)
    }

    /// Whether it was started after the other one, as far as ticks tell.
    pub fn is_younger_than(&self, other: &Self) -> bool {
        self.start >= other.start
    }

    /// Whether it catches a signal.
    pub fn catches(&self, signal: Signal) -> bool {
        self.has_in_mask("SigCgt:", signal)
    }

    /// Whether it has blocked a signal: for as long as it makes another process, or to take it by itself (`sigwait`,
    /// `signalfd`).
    pub fn blocks(&self, signal: Signal) -> bool {
        self.has_in_mask("SigBlk:", signal)
    }

    fn has_in_mask(&self, name: &str, signal: Signal) -> bool {
        let status = read(&format!("/proc/{}/status", self.pid)).unwrap_or_default();
        is_in_mask(&String::from_utf8_lossy(&status), name, signal.as_raw())
    }

    /// Signals it, and nobody else who may have got its number meanwhile.
    pub fn signal(&self, signal: Signal) {
        let is_it = || Self::now(self.pid).is_some_and(|now| now.is_same(self));
        #[cfg(target_os = "linux")]
        {
            use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
            match pidfd_open(self.pid, PidfdFlags::empty()) {
                Ok(handle) => {
                    if is_it() {
                        // Fails if it has ended by itself, or runs as somebody else.
                        let _ = pidfd_send_signal(&handle, signal);
                    }
                    return;
                }
                Err(Errno::SRCH) => return,
                // An old kernel, or no descriptor left: by number.
                Err(_) => {}
            }
        }
        if is_it() {
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Kills it with its whole process group at once, so that who forks without end has no moment to do so. For
    /// processes below us only: their groups are in sessions that began below us. A group of our own session is not
    /// touched, since we are in it.
    pub fn kill_group(&self) {
        self.signal(Signal::KILL);
        // Not rustix: a session outside of our pid namespace has the number 0, which is no `Pid` there.
        let own = nix::unistd::getsid(None).map_or(0, nix::unistd::Pid::as_raw);
        // Not when it has just gone: nobody would hold the number of its group.
        if self.session != own
            && Self::now(self.pid).is_some_and(|now| now.is_same(self) && now.group == self.group)
            && let Some(group) = Pid::from_raw(self.group)
        {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
    }

    /// Its name and number, for people: `node (48213)`.
    pub fn display(&self) -> String {
        format!("{} ({})", visible(&self.name), self.pid)
    }
}

/// Who is below whom, as far as it was asked for. The kernel may list the children of each thread; without that, all
/// processes are read once.
pub struct Tree {
    all: Option<HashMap<i32, Vec<Pid>>>,
}

impl Tree {
    /// The tree as it is while it is walked.
    pub fn read() -> Self {
        static LISTED: LazyLock<bool> =
            LazyLock::new(|| fs::exists(format!("/proc/self/task/{}/children", getpid())).unwrap_or(false));
        Self { all: (!*LISTED).then(everybody) }
    }

    /// Our own children that no living thread but the main one has: orphans that we have adopted.
    pub fn adopted(&self) -> Vec<Pid> {
        self.of_thread(getpid(), getpid())
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
        let list = read(&format!("/proc/{pid}/task/{thread}/children")).unwrap_or_default();
        let list = std::str::from_utf8(&list).unwrap_or_default();
        list.split_ascii_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
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
                waiting.extend(self.children(pid));
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

/// Ourselves and all that we descend from, as far as it can be seen.
pub fn lineage() -> Vec<Pid> {
    let mut lineage = vec![getpid()];
    let mut next = Process::of(getpid());
    while let Some(parent) = next.and_then(|process| Pid::from_raw(process.parent)) {
        if lineage.contains(&parent) {
            break;
        }
        lineage.push(parent);
        next = Process::of(parent);
    }
    lineage
}

/// Whether a process has no words: for the moment in which it executes another program or ends, it has no environment either.
pub fn is_in_between(pid: Pid) -> bool {
    read(&format!("/proc/{pid}/cmdline")).is_none_or(|words| words.is_empty())
}

/// The mark in a process' environment, if it is of our user and has one. The environment is that of its start.
pub fn mark_of(pid: Pid) -> Option<OsString> {
    let environment = environment_of(pid)?;
    let mark = environment.split(|byte| *byte == 0).find_map(|line| {
        let (name, value) = (line.get(..MARK.len())?, line.get(MARK.len() + 1..)?);
        (name == MARK.as_bytes() && line.get(MARK.len()) == Some(&b'=')).then(|| value.to_vec())
    })?;
    Some(OsString::from_vec(mark))
}

/// Whether a process is of our user, whom alone we can signal.
pub fn is_of_our_user(pid: Pid) -> bool {
    fs::metadata(format!("/proc/{pid}")).is_ok_and(|found| found.uid() == getuid().as_raw())
}

/// Whether a process has all of our own environment, as what we start for ourselves has: an editor, a clipboard.
pub fn has_our_environment(pid: Pid) -> bool {
    let environment = environment_of(pid).unwrap_or_default();
    let has = |(name, value): (OsString, OsString)| {
        let line = [name.as_bytes(), b"=", value.as_bytes()].concat();
        environment.split(|byte| *byte == 0).any(|other| other == line)
    };
    std::env::vars_os().all(has)
}

/// Whether a process has this file open.
pub fn has_open(pid: Pid, file: &Path) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors.flatten().any(|descriptor| fs::read_link(descriptor.path()).is_ok_and(|opened| opened == file))
}

/// The environment of a process, of whose main thread others may be left.
fn environment_of(pid: Pid) -> Option<Vec<u8>> {
    let environment = read(&format!("/proc/{pid}/environ")).filter(|text| !text.is_empty());
    environment.or_else(|| {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
        let threads = threads.filter_map(|thread| number(&thread.ok()?.file_name())).filter(|thread| *thread != pid);
        threads.filter_map(|thread| read(&format!("/proc/{pid}/task/{thread}/environ"))).find(|text| !text.is_empty())
    })
}

/// All living processes of our user with a mark that is asked for. Reads the environment of all of them: milliseconds.
pub fn marked(wanted: impl Fn(&OsStr) -> bool) -> Vec<Process> {
    let ours = |pid: &Pid| is_of_our_user(*pid);
    let with_mark = pids().into_iter().filter(ours).filter(|pid| mark_of(*pid).is_some_and(|mark| wanted(&mark)));
    with_mark.filter_map(Process::of).filter(|process| !process.ended).collect()
}

/// Whether a `/proc/<pid>/status` (proc_pid_status(5)) has this signal in the mask of this name.
fn is_in_mask(status: &str, name: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix(name)?.trim(), 16).ok());
    let bit = u32::try_from(signal - 1).ok().and_then(|bit| 1_u64.checked_shl(bit));
    mask.zip(bit).is_some_and(|(mask, bit)| mask & bit != 0)
}

/// Whether a process is in another pid namespace than we, below a living process of that name there. What it calls a
/// process number means nothing here, so the one that started it cannot be looked up by that.
pub fn is_below_elsewhere(process: &Process, name: &str) -> bool {
    let namespace = |pid: Pid| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let Some(ours) = namespace(getpid()) else { return false };
    let mut next = Some(process.clone());
    while let Some(process) = next.filter(|process| namespace(process.pid).is_some_and(|its| its != ours)) {
        if process.name == name && !process.ended {
            return true;
        }
        next = Pid::from_raw(process.parent).and_then(Process::of);
    }
    false
}

/// The numbers of all processes, of whomever.
pub fn pids() -> Vec<Pid> {
    if !is_proc_ours() {
        return Vec::new();
    }
    let Ok(entries) = fs::read_dir(Path::new("/proc")) else { return Vec::new() };
    entries.filter_map(|entry| number(&entry.ok()?.file_name())).collect()
}

/// The children of every process, from one pass over `/proc`.
fn everybody() -> HashMap<i32, Vec<Pid>> {
    let mut children: HashMap<i32, Vec<Pid>> = HashMap::new();
    for process in pids().into_iter().filter_map(Process::of) {
        children.entry(process.parent).or_default().push(process.pid);
    }
    children
}

/// A file of a process in `/proc`, whose size nobody knows before: in as few calls as it takes, since every end of a run
/// waits for it.
fn read(path: &str) -> Option<Vec<u8>> {
    if !is_proc_ours() {
        return None;
    }
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let (mut bytes, mut filled) = (vec![0; 4096], 0);
    loop {
        match rustix::io::read(&file, bytes.get_mut(filled..)?) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
        // The kernel fills what it is given while there is more.
        if filled < bytes.len() {
            break;
        }
        bytes.resize(2 * bytes.len(), 0);
    }
    bytes.truncate(filled);
    Some(bytes)
}

fn number(name: &OsStr) -> Option<Pid> {
    let name = name.as_bytes();
    Pid::from_raw(std::str::from_utf8(name).ok()?.parse().ok()?)
}

/// `node (48213), sh (48214) and 3 more`.
pub fn display(processes: &[Process]) -> String {
    const NAMED: usize = 4;
    let named: Vec<String> = processes.iter().take(NAMED).map(Process::display).collect();
    let more = processes.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    named.join(", ") + &rest
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn parsed(stat: &str) -> Option<Process> {
        Process::parse(Pid::from_raw(7).unwrap(), stat.as_bytes())
    }

    #[test]
    fn a_line_of_proc_tells_who_it_is_whatever_the_name() {
        let rest = "0 -1 4194304 86 0 0 0 0 0 0 0 20 0";
        let plain = parsed(&format!("7 (sleep) S 1 6 5 {rest} 1 0 99 0")).unwrap();
        assert_eq!((plain.parent, plain.group, plain.session, plain.start), (1, 6, 5, 99));
        assert_eq!((plain.name.as_str(), plain.stopped, plain.ended), ("sleep", false, false));
        let odd = parsed(&format!("7 (a) Z 9 (b) T 1 6 5 {rest} 1 0 99 0")).unwrap();
        assert_eq!((odd.name.as_str(), odd.stopped, odd.group), ("a) Z 9 (b", true, 6));
        assert!(!odd.ending && parsed("7 (a) S 1 6 5 0 -1 4194308 86 0 0 0 0 0 0 0 20 0 1 0 99 0").unwrap().ending);
        assert!(parsed(&format!("7 (sleep) Z 1 6 5 {rest} 1 0 99 0")).unwrap().ended);
        assert!(!parsed(&format!("7 (node) Z 1 6 5 {rest} 3 0 99 0")).unwrap().ended, "other threads go on");
        for junk in ["", "7", "7 (", "7 (a)", "7 (a) S", "7 (a) S x y z", "7 )("] {
            assert_eq!(parsed(junk), None, "{junk}");
        }
    }

    #[test]
    fn who_handles_a_signal_is_told_by_its_masks() {
        let status = "Name:\tsh\nSigBlk:\t0000000000000200\nSigIgn:\t0000000000000002\nSigCgt:\t0000000000000001\n";
        assert_eq!([1, 2, 10].map(|signal| is_in_mask(status, "SigCgt:", signal)), [true, false, false]);
        assert_eq!([1, 2, 10].map(|signal| is_in_mask(status, "SigBlk:", signal)), [false, false, true]);
        assert!(!is_in_mask("", "SigCgt:", 1));
    }

    #[test]
    fn a_proc_of_another_pid_namespace_is_not_ours() {
        let (pid, link) = (Pid::from_raw(7).unwrap(), |text: &'static str| Some(Path::new(text)));
        assert!(is_ours(pid, link("7"), "Name:\tx\nNSpid:\t7\n"));
        assert!(is_ours(pid, link("7"), "Name:\tx\n"), "an old kernel");
        assert!(!is_ours(pid, link("4711"), "NSpid:\t4711\t7\n"));
        assert!(!is_ours(pid, link("7"), "NSpid:\t7\t7\n"), "the same number by chance");
        assert!(!is_ours(pid, None, ""));
        assert_eq!(is_proc_ours(), cfg!(target_os = "linux"));
    }

    #[test]
    fn both_ways_to_look_find_the_same_family() {
        let script = "sleep 1000 & sleep 1000 & echo up; wait";
        let mut child = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = [0; 3];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
        let root = Pid::from_child(&child);
        for look in [Tree::read, || Tree { all: Some(everybody()) }] {
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
    fn another_process_of_the_same_number_is_left_alone() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let found = Process::of(Pid::from_child(&child)).unwrap();
        Process { start: found.start + 1, ..found.clone() }.signal(Signal::KILL);
        assert_eq!(child.try_wait().unwrap(), None);
        found.signal(Signal::KILL);
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

    #[test]
    fn a_mark_is_found_and_nothing_that_only_looks_like_one() {
        let run = |name: &str| Command::new("sleep").arg("1000").env_clear().env(name, "test-mark").spawn().unwrap();
        let (mut ours, mut other) = (run(MARK), run("DEVGROUP_RUNS"));
        let found = marked(|mark| mark == "test-mark");
        let pids: Vec<Pid> = found.iter().map(|process| process.pid).collect();
        for child in [&mut ours, &mut other] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(pids, [Pid::from_child(&ours)]);
    }
}
