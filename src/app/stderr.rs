//! Lines on stderr, for a reader that may have gone, or that may have stopped to read.

use std::io::{self, Write};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Writes a line, if stderr takes it within that time: neither a closed terminal nor a stalled one may hold up an end.
pub fn write_stderr_line(line: &str, patience: Duration) {
    let stderr = io::stderr();
    let patience = Timespec::try_from(patience).ok();
    let takes = poll(&mut [PollFd::new(&stderr, PollFlags::OUT)], patience.as_ref());
    if takes.is_ok_and(|ready| ready > 0) {
        // Nobody is left to be told.
        let _ = writeln!(stderr.lock(), "{line}");
    }
}
