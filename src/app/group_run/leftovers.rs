//! What an earlier run of a group has left is ended before the group begins.

use std::cell::Cell;

use super::super::instance::Claim;
use super::super::stderr::write_stderr_line;
use super::TERMINAL_PATIENCE;
use crate::process_tree::{self, Process};

/// So many leftovers are named on the terminal; the others in devgroup's own log.
const NAMED: usize = 100;

/// Ends what an earlier run of this group has left, if it was ended together with its guard. Whether nothing is left.
pub(super) fn see_to_leftovers(claim: &Claim, group: &str, keep: bool, has_dashboard: bool) -> bool {
    let found = claim.leftovers();
    if found.is_empty() {
        return true;
    }
    let names = process_tree::display(&found);
    let tell = |line: String| {
        // Without a dashboard, the log is printed as well.
        if has_dashboard {
            write_stderr_line(&line, TERMINAL_PATIENCE);
        }
        log::warn!("{line}");
    };
    if keep {
        tell(format!("{group}: leftover processes of an earlier run: {names} · kept"));
        return false;
    }
    let named = Cell::new(0);
    let left = claim.end_leftovers(|found| {
        let names: Vec<String> = found.iter().map(Process::display).collect();
        let line = format!("{group}: killing leftover processes of an earlier run: {}", names.join(", "));
        named.set(named.get() + found.len());
        // One that forks without end is not to fill the terminal.
        if named.get() <= NAMED { tell(line) } else { log::info!("{line}") }
    });
    tell(match left.as_slice() {
        [] => format!("{group}: killed leftover processes of an earlier run: {names}"),
        left => {
            format!(
                "{group}: leftover processes of an earlier run: {names} · could not be killed: {}",
                process_tree::display(left)
            )
        }
    });
    left.is_empty()
}
