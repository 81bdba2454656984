//! devgroup's own log: kept by tui-logger for the key `l`, and printed to stderr where there is no dashboard.

use std::sync::atomic::{AtomicUsize, Ordering};

use log::{LevelFilter, Log, Metadata, Record};

/// tui-logger's own thread wakes every 10 ms to move records from its small buffer to the large one. An idle devgroup
/// sleeps, so the writer moves them, before the small buffer (1,000 records) can overflow; and the panel does, before
/// it draws.
const MOVE_EVERY: usize = 256;

struct Diary {
    drain: tui_logger::Drain,
    unmoved: AtomicUsize,
    to_stderr: bool,
}

impl Log for Diary {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("devgroup") && metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        if self.to_stderr && record.level() <= log::Level::Warn {
            eprintln!("devgroup: {}", record.args());
        }
        self.drain.log(record);
        if self.unmoved.fetch_add(1, Ordering::Relaxed) % MOVE_EVERY == MOVE_EVERY - 1 {
            tui_logger::move_events();
        }
    }

    fn flush(&self) {}
}

/// Begins the log. `to_stderr` also prints warnings and errors there. Only the first call in a process counts.
pub fn keep_diary(to_stderr: bool) {
    let diary = Diary { drain: tui_logger::Drain::new(), unmoved: AtomicUsize::new(0), to_stderr };
    if log::set_boxed_logger(Box::new(diary)).is_ok() {
        log::set_max_level(LevelFilter::Debug);
        tui_logger::set_default_level(LevelFilter::Debug);
    }
}
