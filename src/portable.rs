//! Whether a Linux build is to do what the builds for other systems do, so that the tests show on Linux what macOS relies on.
//!
//! `DEVGROUP_PORTABLE` with anything in it: file events by `notify`, terminals and starts by `portable-pty`. With `all` also
//! processes: nothing is known but our own children and process groups. There is no `/proc` then, no sub-reaper, no pidfd, no
//! signalfd, no sender of a notification, no name for a socket that is no file, and no nameless file. What Linux cannot play is
//! left: kqueue, the times of files, and how a terminal of another kernel behaves.

use std::ffi::OsString;
use std::sync::LazyLock;

/// It is read once: a switch that moves would mix both ways.
static WANTED: LazyLock<OsString> = LazyLock::new(|| std::env::var_os("DEVGROUP_PORTABLE").unwrap_or_default());

/// Whether what every system has is to be used where this one has something of its own.
#[must_use]
pub fn is_wanted() -> bool {
    !WANTED.is_empty()
}

/// Whether this is Linux, and not one that plays another system.
#[must_use]
pub fn is_linux() -> bool {
    cfg!(target_os = "linux") && *WANTED != "all"
}
