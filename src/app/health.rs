//! What can be told of a group, and of what it needs, without being it: for `devgroup doctor`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Pid;

use super::environment::orphans;
use super::{state_folder, status_file};
use crate::clock;
use crate::process;
use crate::process_tree;
use crate::process_tree::{NAME, Process};

/// The last sign of life of a run loop, from its `status.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastStatus {
    /// The process by which the user knows the group.
    pub pid: u32,
    /// The process of the loop, if it is one that can be seen from here.
    pub program: Option<u32>,
    /// That is stopped, as by Ctrl-Z or SIGSTOP.
    pub stopped: bool,
    /// How long ago the file was written.
    pub age: Duration,
    /// The longest turn of the loop so far.
    pub longest_turn: Duration,
}

/// The last status of a group; `None` if there is no file, as after an orderly end.
///
/// `group`: its name, its file and its root.
pub fn last_status(group: (&str, &Path, &Path)) -> Option<LastStatus> {
    let folder = state_folder_of(group).ok()?;
    let status = status_file::read(&folder)?;
    let age = clock::time_since(&status.last_turn.to_string())?;
    // By its name: in a container, the same number is somebody else.
    let program = status.program.and_then(|pid| Process::of(Pid::from_raw(i32::try_from(pid).ok()?)?));
    let program = program.filter(|program| program.name == NAME && !program.ended);
    Some(LastStatus {
        pid: status.pid,
        program: status.program.filter(|_| program.is_some()),
        stopped: program.is_some_and(|program| program.stopped),
        age,
        longest_turn: Duration::from_millis(status.longest_turn_ms),
    })
}

/// The folder in which a group keeps its files; it need not be there yet.
///
/// # Errors
/// There is no place for it: why, for people.
pub fn state_folder_of(group: (&str, &Path, &Path)) -> Result<PathBuf, String> {
    state_folder::of_named(group, state_folder::variable)
}

/// Whether a process, or one below it, listens on a TCP port of this machine.
pub fn listens_below(port: u16, root: u32) -> bool {
    process::listens_below(port, root)
}

/// Who listens on a TCP port of this machine, for people; `None` if nobody does, or where the system does not tell.
pub fn listener_on(port: u16) -> Option<String> {
    process::listener_on(port)
}

/// Living processes of services whose devgroup is gone, of whichever group: the key of the group, and the process for
/// people. Of those in another pid namespace, a container or a sandbox, that cannot be known from here.
pub fn leftovers() -> Vec<(String, String)> {
    let mut left = orphans(|_| true);
    left.retain(|(_, process)| process_tree::is_in_our_namespace(process.pid));
    left.sort_by_key(|(_, process)| process.pid.as_raw_nonzero());
    left.into_iter().map(|(group, process)| (group, process.display())).collect()
}

/// Why not all processes of services can be seen; nothing if they can, or where no system of this kind tells.
pub fn blindness() -> Option<&'static str> {
    process_tree::blindness()
}

/// Inotify of this user: limits of the system, and what all processes that may be looked into have taken of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InotifyUse {
    /// What `fs.inotify.max_user_watches` allows.
    pub max_watches: u64,
    /// What `fs.inotify.max_user_instances` allows.
    pub max_instances: u64,
    /// Watches in use.
    pub watches: u64,
    /// Instances in use.
    pub instances: u64,
}

/// Counts; `None` on systems without inotify. Reads a line for each watch of each process.
pub fn inotify_use() -> Option<InotifyUse> {
    let limit = |name: &str| fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok()?.trim().parse().ok();
    let mut found = InotifyUse {
        max_watches: limit("max_user_watches")?,
        max_instances: limit("max_user_instances")?,
        watches: 0,
        instances: 0,
    };
    let own = rustix::process::getuid().as_raw();
    for process in fs::read_dir("/proc").ok()?.flatten() {
        use std::os::unix::fs::MetadataExt;
        let is_number = process.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || process.metadata().is_ok_and(|data| data.uid() != own) {
            continue;
        }
        for descriptor in fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten() {
            if fs::read_link(descriptor.path()).is_ok_and(|link| link.as_os_str() == "anon_inode:inotify") {
                let info = process.path().join("fdinfo").join(descriptor.file_name());
                let lines = fs::read_to_string(info).unwrap_or_default();
                found.instances += 1;
                found.watches += lines.lines().filter(|line| line.starts_with("inotify wd:")).count() as u64;
            }
        }
    }
    Some(found)
}
