//! What devgroup adds to the environment of a service.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::path::Path;

use rustix::process::Pid;

use super::workers::placeholders;
use crate::control::{SOCKET_VARIABLE, group_key};
use crate::domain::{Instance, Kind, RunId, ServiceName, ServiceSpec};
use crate::process_tree::{self, MARK as RUN, NAME, Process, Tree};

/// Sizes of the terminal that devgroup was started in. A service has a terminal of its own.
const STALE: [&str; 2] = ["COLUMNS", "LINES"];

/// The environment that services inherit.
pub(crate) fn inherited() -> Vec<(OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| !STALE.iter().any(|stale| name == OsStr::new(stale))).collect()
}

/// What a service of the group of this file would inherit, with what devgroup adds.
pub fn inherited_by(file: &Path, service: &ServiceSpec) -> Vec<(OsString, OsString)> {
    let mut variables = inherited();
    // Where the socket will be is not known; that there is one, is.
    mark(&mut variables, &group_key(file), Some(Path::new("/")), service, &RunId(1));
    variables
}

/// In place of the number of a run, in the mark of what is run in the user's terminal.
const FOREGROUND: &str = "foreground";

/// Adds what every service of the group of this key gets. `run`: no other run of the service, or try of a worker's, has it.
pub(crate) fn mark(
    variables: &mut Vec<(OsString, OsString)>,
    group: &str,
    socket: Option<&Path>,
    service: &ServiceSpec,
    run: &dyn Display,
) {
    // With the name: runs of two services have the same numbers, and are told apart by their marks.
    let id = format!("{group}-{}-{run}-{}", std::process::id(), service.name.as_str());
    let own = [
        ("DEVGROUP", "1"),
        ("DEVGROUP_SERVICE", service.name.as_str()),
        (RUN, id.as_str()),
        ("TERM", "xterm-256color"),
        ("COLORTERM", "truecolor"),
    ];
    replace_own(variables, &own, service, socket);
    if service.kind == Kind::Worker {
        variables.extend(placeholders());
    }
}

/// Adds what a command gets that the user runs in his own terminal, in the name of a service. It keeps the type of that
/// terminal. Its mark is found when it is left behind, and is none of a run: devgroup may be started in it.
pub(super) fn mark_foreground(
    variables: &mut Vec<(OsString, OsString)>,
    group: &str,
    socket: Option<&Path>,
    service: &ServiceSpec,
) {
    let id = format!("{group}-{}-{FOREGROUND}-{}", std::process::id(), service.name);
    let own = [("DEVGROUP", "1"), ("DEVGROUP_SERVICE", service.name.as_str()), (RUN, id.as_str())];
    replace_own(variables, &own, service, socket);
}

/// Sets these variables, the numbers of an instance, and the socket; those of a group around this one go.
fn replace_own(
    variables: &mut Vec<(OsString, OsString)>,
    own: &[(&str, &str)],
    service: &ServiceSpec,
    socket: Option<&Path>,
) {
    let numbers = [Instance::NUMBER_VARIABLE, Instance::COUNT_VARIABLE];
    let around = numbers.into_iter().chain([SOCKET_VARIABLE]).map(OsStr::new);
    let is_own =
        |name: &OsStr| around.clone().any(|other| name == other) || own.iter().any(|(own, _)| name == OsStr::new(own));
    variables.retain(|(name, _)| !is_own(name));
    variables.extend(own.iter().map(|(name, value)| (name.into(), value.into())));
    if let Some(Instance { number, count, .. }) = service.first_instance() {
        variables.extend(numbers.into_iter().zip([number, count]).map(|(name, n)| (name.into(), n.to_string().into())));
    }
    variables.extend(socket.map(|socket| (SOCKET_VARIABLE.into(), socket.into())));
}

/// The service of the group of this file that we were started in, if we were. A mark of a devgroup that is gone forbids
/// nothing: a shell may have it still.
pub fn inside_service_of(file: &Path) -> Option<String> {
    service_of(&std::env::var(RUN).ok()?, &group_key(file), false)
}

/// Whether we were started in a run of this job in a terminal, which would run itself.
pub fn is_foreground_of(file: &Path, job: &ServiceName) -> bool {
    let mark = std::env::var(RUN).unwrap_or_default();
    service_of(&mark, &group_key(file), true).is_some_and(|inside| inside == job.as_str())
}

/// The service of a mark, if it is of this group, and we are below the devgroup that made it. `in_foreground`: of a command
/// in the user's terminal, not of a run.
fn service_of(mark: &str, group: &str, in_foreground: bool) -> Option<String> {
    let mut parts = mark.splitn(4, '-');
    let (key, pid, run, service) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if key != group || (run == FOREGROUND) != in_foreground {
        return None;
    }
    let pid = Pid::from_raw(pid.parse().ok()?)?;
    // Whatever leaves its session stays below it. That it lives is not enough: its number may be another devgroup's by now.
    // Where processes cannot be seen, it may be.
    let is_below = !process_tree::is_proc_ours() || process_tree::lineage().contains(&pid);
    is_below.then(|| service.to_owned())
}

/// Living processes of services whose devgroup is gone, and what descends from them, with the key of their group. A process
/// that only shares a process group or a session with them is none. Neither are we, nor whoever started us: a shell that
/// was a service may go on with its mark.
pub(super) fn orphans(is_wanted: impl Fn(&str) -> bool) -> Vec<(String, Process)> {
    let wanted = |mark: &OsStr| maker_of(mark).filter(|(group, _)| is_wanted(group));
    let lineage = process_tree::lineage();
    let found = process_tree::marked(|mark| wanted(mark).is_some());
    let with_group = found.into_iter().filter_map(|process| {
        let (group, maker) = process_tree::mark_of(process.pid).and_then(|mark| wanted(&mark))?;
        // A younger devgroup has only got its number.
        let lives = |maker: Process| !maker.ended && maker.name == NAME && process.is_younger_than(&maker);
        (!Process::of(maker).is_some_and(lives)).then_some((group, process))
    });
    let with_group = with_group.filter(|(_, process)| !lineage.contains(&process.pid));
    let marked = with_group.filter(|(_, process)| !process_tree::is_below_elsewhere(process, NAME));
    let (tree, mut orphans) = (Tree::read(), Vec::<(String, Process)>::new());
    for (group, process) in marked {
        let family = tree.below([process.pid]);
        // Its number may be somebody else's by now.
        if family.first().is_some_and(|first| first.is_same(&process)) {
            let is_new = |other: &Process| !orphans.iter().any(|(_, known)| known.is_same(other));
            let new: Vec<Process> = family.into_iter().filter(is_new).collect();
            orphans.extend(new.into_iter().map(|process| (group.clone(), process)));
        }
    }
    orphans
}

/// The key of the group of a mark, and the devgroup that made it.
fn maker_of(mark: &OsStr) -> Option<(String, Pid)> {
    let mut parts = mark.to_str()?.split('-');
    let (group, pid) = (parts.next()?, parts.next()?.parse().ok()?);
    Some((group.to_owned(), Pid::from_raw(pid)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_means_a_service_only_below_the_devgroup_that_made_it() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let (own, other) = (std::process::id(), child.id());
        for (mark, service) in [
            (format!("key-{own}-1-a-b"), Some("a-b")),
            (format!("other-{own}-1-api"), None),
            (format!("key-{own}-foreground-api"), None),
            (format!("key-{other}-1-api"), None),
            ("key-2147483646-1-api".to_owned(), None),
            ("key-x-1-api".to_owned(), None),
            (String::new(), None),
            ("key".to_owned(), None),
        ] {
            assert_eq!(service_of(&mark, "key", false).as_deref(), service, "{mark}");
        }
        assert_eq!(service_of(&format!("key-{own}-foreground-a-b"), "key", true).as_deref(), Some("a-b"));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
