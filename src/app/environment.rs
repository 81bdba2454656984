//! What devgroup adds to the environment of a service.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use rustix::process::Pid;

use crate::control::{SOCKET_VARIABLE, group_key};
use crate::domain::{RunId, ServiceName};
use crate::process_tree::{self, MARK as RUN, NAME, Process};

/// Sizes of the terminal that devgroup was started in. A service has a terminal of its own.
const STALE: [&str; 2] = ["COLUMNS", "LINES"];

/// The environment that services inherit.
pub(crate) fn inherited() -> Vec<(OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| !STALE.iter().any(|stale| name == OsStr::new(stale))).collect()
}

/// What a service of the group of this file would inherit, with what devgroup adds.
pub fn inherited_by(file: &Path, service: &ServiceName) -> Vec<(OsString, OsString)> {
    let mut variables = inherited();
    // Where the socket will be is not known; that there is one, is.
    mark(&mut variables, &group_key(file), Some(Path::new("/")), service, RunId(1));
    variables
}

/// Adds what every service of the group of this key gets.
pub(crate) fn mark(
    variables: &mut Vec<(OsString, OsString)>,
    group: &str,
    socket: Option<&Path>,
    service: &ServiceName,
    run: RunId,
) {
    // With the name: runs of two services have the same numbers, and are told apart by their marks.
    let id = format!("{group}-{}-{run}-{service}", std::process::id());
    let own = [
        ("DEVGROUP", "1"),
        ("DEVGROUP_SERVICE", service.as_str()),
        (RUN, id.as_str()),
        ("TERM", "xterm-256color"),
        ("COLORTERM", "truecolor"),
    ];
    // That of a group around this one would be the wrong one.
    let is_own = |name: &OsStr| name == SOCKET_VARIABLE || own.iter().any(|(own, _)| name == OsStr::new(own));
    variables.retain(|(name, _)| !is_own(name));
    variables.extend(own.map(|(name, value)| (name.into(), value.into())));
    variables.extend(socket.map(|socket| (SOCKET_VARIABLE.into(), socket.into())));
}

/// The service of the group of this file that we were started in, if we were.
pub fn inside_service_of(file: &Path) -> Option<String> {
    let run = std::env::var(RUN).ok()?;
    let inside = run.split('-').next() == Some(&group_key(file));
    inside.then(|| std::env::var("DEVGROUP_SERVICE").unwrap_or_default())
}

/// Living processes of services whose devgroup is gone, with the key of their group.
pub(super) fn orphans(is_wanted: impl Fn(&str) -> bool) -> Vec<(String, Process)> {
    let wanted = |mark: &OsStr| orphan_of(mark).filter(|group| is_wanted(group));
    let found = process_tree::marked(|mark| wanted(mark).is_some());
    let with_group = found.into_iter().filter_map(|process| {
        let group = process_tree::mark_of(process.pid).and_then(|mark| wanted(&mark))?;
        Some((group, process))
    });
    with_group.filter(|(_, process)| !process_tree::is_below_elsewhere(process, NAME)).collect()
}

/// The key of the group of a mark, if the devgroup that made it is gone.
fn orphan_of(mark: &OsStr) -> Option<String> {
    let mut parts = mark.to_str()?.split('-');
    let (group, pid) = (parts.next()?, parts.next()?.parse().ok()?);
    let runs = |process: Process| !process.ended && process.name == NAME;
    (!Pid::from_raw(pid).and_then(Process::of).is_some_and(runs)).then(|| group.to_owned())
}
