//! Records until somebody looks at them.
//!
//! They are handed to tui-logger when its panel is drawn, and not sooner: it asks jiff for the time of each record, for which
//! jiff lists the time zone database, and it makes a buffer of 150 KB for each handover. The first frame would wait for
//! both. Nor is it `tui_logger::init_logger`: that starts a thread that wakes every 10 ms.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use log::{Level, LevelFilter, Record};

use crate::clock::Clock;
use crate::tui::TIME_ENDS;

/// How many are kept: as in tui-logger itself.
const MOST: usize = 10_000;

/// How many fit into the buffer that hands them to tui-logger.
const HANDOVER: usize = 1_000;

/// The newest records that nobody has looked at.
#[derive(Default)]
pub(super) struct Kept {
    records: Mutex<VecDeque<Said>>,
}

struct Said {
    at: SystemTime,
    level: Level,
    target: String,
    text: String,
}

impl Kept {
    /// Keeps a record.
    pub(super) fn add(&self, record: &Record<'_>, at: SystemTime) {
        let said =
            Said { at, level: record.level(), target: record.target().to_owned(), text: record.args().to_string() };
        let mut records = self.records();
        if records.len() == MOST {
            records.pop_front();
        }
        records.push_back(said);
    }

    /// Hands all of them to tui-logger. Each begins with its time: tui-logger would take that of the handover.
    pub(super) fn pour(&self) {
        let records = std::mem::take(&mut *self.records());
        if records.is_empty() {
            return;
        }
        tui_logger::set_default_level(LevelFilter::Debug);
        let drain = tui_logger::Drain::new();
        for (at, said) in records.iter().enumerate() {
            let (time, text) = (Clock::time_of_day_of(said.at), &said.text);
            let mut record = Record::builder();
            let record = record.level(said.level).target(&said.target);
            drain.log(&record.args(format_args!("{time}{TIME_ENDS}{text}")).build());
            if at % HANDOVER == HANDOVER - 1 {
                tui_logger::move_events();
            }
        }
        tui_logger::move_events();
    }

    fn records(&self) -> MutexGuard<'_, VecDeque<Said>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_until_somebody_looks() {
        let kept = Kept::default();
        for n in 0..MOST + 3 {
            let mut record = Record::builder();
            let record = record.level(Level::Info).target("devgroup::test");
            kept.add(&record.args(format_args!("{n}")).build(), SystemTime::UNIX_EPOCH);
        }
        let texts: Vec<String> = kept.records().iter().map(|said| said.text.clone()).collect();
        assert_eq!((texts.len(), texts[0].as_str()), (MOST, "3"));
        kept.pour();
        assert!(kept.records().is_empty());
    }
}
