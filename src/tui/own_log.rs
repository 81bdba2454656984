//! devgroup's own log: what the modules say through the `log` crate, kept for the panel on the key `l`.

use log::{LevelFilter, Log, Metadata, Record, SetLoggerError};

/// Keeps records in tui-logger's buffers.
///
/// Not `tui_logger::init_logger`: it starts a thread that wakes a hundred times a second, and a dashboard where nothing
/// happens must sleep.
struct OwnLog;

impl Log for OwnLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            tui_logger::Drain::new().log(record);
            // At once: the short buffer that is filled here loses records when nobody empties it.
            tui_logger::move_events();
        }
    }

    fn flush(&self) {}
}

/// From here on, what the modules log up to that level is kept for the panel.
///
/// # Errors
/// The program has a logger already.
pub fn keep_own_log(level: LevelFilter) -> Result<(), SetLoggerError> {
    tui_logger::set_default_level(level);
    log::set_boxed_logger(Box::new(OwnLog))?;
    log::set_max_level(level);
    Ok(())
}
