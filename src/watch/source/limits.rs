//! How many watches Linux grants to all programs of a user together. Other systems tell no such number.

use std::fs;
use std::path::Path;

/// How many watches there can be, as far as the system tells.
pub(super) fn watches() -> Option<usize> {
    // The second is that of our user namespace; outside of any both are the same.
    let limits = ["fs/inotify/max_user_watches", "user/max_inotify_watches"];
    limits.into_iter().filter_map(read).min()
}

/// How many inotify instances there can be, as far as the system tells.
pub(super) fn instances() -> Option<usize> {
    read("fs/inotify/max_user_instances")
}

fn read(name: &str) -> Option<usize> {
    fs::read_to_string(Path::new("/proc/sys").join(name)).ok()?.trim().parse().ok()
}
