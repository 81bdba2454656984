//! The operating system's processes: who descends from whom, who carries our mark, and signals that cannot hit a
//! stranger.
//!
//! On Linux, what a service starts stays below us in the tree whatever it does: a process whose parent ends is given to
//! the next ancestor that is a sub-reaper (`PR_SET_CHILD_SUBREAPER`, prctl(2)), and we are one. So our own children and
//! what is below them are all there is, and most looks read two small files of `/proc` instead of all of it. Other
//! systems tell none of this: lists are empty there, and who asks goes by sessions and process groups.

mod life_line;
mod memory;
mod process;
mod tree;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, getpid, getuid};

use crate::domain::OPENED_BY;
use crate::portable::is_linux;
pub use life_line::{ToGuard, group_begins, group_is_gone, tell_groups};
pub use memory::memory_of;
pub use process::{Blocks, Process};
pub use tree::{Tree, below_us};

/// The variable that every process of a service inherits: `<group>-<pid of devgroup>-<run>-<service>`.
pub const MARK: &str = "DEVGROUP_RUN";

/// By what a devgroup is known among processes, whatever its file is called.
pub const NAME: &str = "devgroup";

/// Takes [`NAME`], as far as the system lets programs choose: through a link or a copy of another name, a running devgroup
/// would be taken for one that is gone.
pub fn take_name() {
    #[cfg(target_os = "linux")]
    if let Err(error) = fs::write("/proc/self/comm", NAME) {
        log::warn!("cannot set the process name: {error}");
    }
}

/// From now on, processes below this one whose parents have ended become children of it. Fails on other systems only.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if is_linux()
        && let Err(error) = rustix::process::set_child_subreaper(Some(getpid()))
    {
        log::warn!("processes that leave their session cannot be followed: {error}");
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
        is_linux() && is_ours(getpid(), link.as_deref(), &status)
    });
    *TELLS
}

/// What devgroup cannot do because this system does not show our processes, for people.
pub fn blindness() -> Option<&'static str> {
    (is_linux() && !is_proc_ours()).then_some(
        "/proc does not show our processes (not mounted, or of another pid namespace): a process that leaves the group of \
         its service is not seen and ends only with devgroup, and who listens on a port is unknown",
    )
}

/// Whether this is what the `/proc` of our own pid namespace says of us: one number, and the one that we have. (`NSpid`,
/// which kernels have since 4.1, lists one for each namespace from that of `/proc` down to ours.)
fn is_ours(pid: Pid, link: Option<&Path>, status: &str) -> bool {
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let is_one = numbers.is_none_or(|numbers| numbers.split_whitespace().count() == 1);
    is_one && link == Some(Path::new(&pid.to_string()))
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

/// Whether a process has something to do: it runs, waits for its turn, or for a disk.
pub fn is_awake(pid: Pid) -> bool {
    let status = read(&format!("/proc/{pid}/status")).unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let state = status.lines().find_map(|line| line.strip_prefix("State:"));
    state.is_some_and(|state| state.trim_start().starts_with(['R', 'D']))
}

/// The mark in a process' environment, if it is of our user and has one. The environment is that of its start.
pub fn mark_of(pid: Pid) -> Option<OsString> {
    variable_of(pid, MARK)
}

/// Whether this program has opened a process for the user ([`OPENED_BY`]).
pub fn is_opened_by(pid: Pid, program: Pid) -> bool {
    variable_of(pid, OPENED_BY).is_some_and(|by| by == *program.as_raw_pid().to_string())
}

fn variable_of(pid: Pid, name: &str) -> Option<OsString> {
    let environment = environment_of(pid)?;
    let value = environment.split(|byte| *byte == 0).find_map(|line| {
        let (found, value) = (line.get(..name.len())?, line.get(name.len() + 1..)?);
        (found == name.as_bytes() && line.get(name.len()) == Some(&b'=')).then(|| value.to_vec())
    })?;
    Some(OsString::from_vec(value))
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

/// Whether a process is in another pid namespace than we, below a living process of that name there. What it calls a
/// process number means nothing here, so the one that started it cannot be looked up by that.
pub fn is_below_elsewhere(process: &Process, name: &str) -> bool {
    let Some(ours) = namespace_of(getpid()) else { return false };
    let mut next = Some(process.clone());
    while let Some(process) = next.filter(|process| namespace_of(process.pid).is_some_and(|its| its != ours)) {
        if process.name == name && !process.ended {
            return true;
        }
        next = Pid::from_raw(process.parent).and_then(Process::of);
    }
    false
}

/// Whether a process is in our pid namespace. In another one, what it calls a process number means nothing here; and of one
/// whose namespace is kept from us, nothing can be said.
pub fn is_in_our_namespace(pid: Pid) -> bool {
    namespace_of(getpid()).is_none_or(|ours| namespace_of(pid) == Some(ours))
}

fn namespace_of(pid: Pid) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/pid")).ok()
}

/// In what [`Process::ticks`] counts.
pub fn ticks_per_second() -> u64 {
    rustix::param::clock_ticks_per_second().max(1)
}

/// The numbers of all processes, of whomever.
pub fn pids() -> Vec<Pid> {
    if !is_proc_ours() {
        return Vec::new();
    }
    let Ok(entries) = fs::read_dir(Path::new("/proc")) else { return Vec::new() };
    entries.filter_map(|entry| number(&entry.ok()?.file_name())).collect()
}

/// A file of a process in `/proc`, whose size nobody knows before: in as few calls as it takes, since every end of a run
/// waits for it.
fn read(path: &str) -> Option<Vec<u8>> {
    contents(&open(path)?)
}

/// Opens a file of `/proc`.
fn open(path: &str) -> Option<OwnedFd> {
    if !is_proc_ours() {
        return None;
    }
    rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()
}

/// What stands in an open file of `/proc` now.
fn contents(file: &OwnedFd) -> Option<Vec<u8>> {
    let (mut bytes, mut filled) = (vec![0; 4096], 0);
    loop {
        match rustix::io::pread(file, bytes.get_mut(filled..)?, u64::try_from(filled).ok()?) {
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
    use std::process::Command;

    use super::*;

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
