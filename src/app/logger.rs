//! devgroup's own log: kept by tui-logger for the key `l`, and printed to stderr where there is no dashboard.

use std::time::Duration;

use log::{LevelFilter, Log, Metadata, Record};

use super::write_stderr_line;
use crate::domain::visible_lines;

/// Not `tui_logger::init_logger`: it starts a thread that wakes every 10 ms to move records from a small buffer to the
/// large one. An idle devgroup sleeps, so the writer moves them.
struct Logger {
    drain: tui_logger::Drain,
    to_stderr: bool,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("devgroup") && metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        if self.to_stderr && record.level() <= log::Level::Warn {
            write_stderr_line(&format!("devgroup: {}", visible_lines(&record.args().to_string())), Duration::ZERO);
        }
        self.drain.log(record);
        tui_logger::move_events();
    }

    fn flush(&self) {}
}

/// Begins the log. `to_stderr` also prints warnings and errors there. Only the first call in a process counts.
pub fn start_logger(to_stderr: bool) {
    let logger = Logger { drain: tui_logger::Drain::new(), to_stderr };
    if log::set_boxed_logger(Box::new(logger)).is_ok() {
        log::set_max_level(LevelFilter::Debug);
        tui_logger::set_default_level(LevelFilter::Debug);
    }
}
