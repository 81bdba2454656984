//! Whether a Linux build is to do what the builds for other systems do: file events by `notify`, terminals and starts by
//! `portable-pty`. The tests run once more so, and thereby test on Linux what macOS relies on.

use std::sync::LazyLock;

/// `DEVGROUP_PORTABLE`, with anything in it. It is read once: a switch that moves would mix both ways.
static WANTED: LazyLock<bool> =
    LazyLock::new(|| std::env::var_os("DEVGROUP_PORTABLE").is_some_and(|value| !value.is_empty()));

/// Whether what every system has is to be used where this one has something of its own.
#[must_use]
pub fn is_wanted() -> bool {
    *WANTED
}
