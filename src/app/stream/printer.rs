//! Log documents as prefixed lines: what is new since the last look, in order of arrival.

use std::collections::HashMap;
use std::sync::Arc;

use super::StreamOptions;
use super::lines::{LineWriter, Words};
use crate::clock::Clock;
use crate::domain::{Moment, ServiceName};
use crate::logs::{Follower, LineKind, LogDocument, LogStore, Piece};

/// Lines taken from one document at a look, so that a flooding service does not hide the others.
const LINES_AT_ONCE: usize = 2_000;

/// What one look has found.
pub(super) struct Look {
    /// To be written.
    pub(super) bytes: Vec<u8>,
    /// There is more at once.
    pub(super) more: bool,
    /// When a line without an end will have rested.
    pub(super) due: Option<Moment>,
}

/// Remembers what was printed of each document.
pub(super) struct Printer {
    options: StreamOptions,
    tails: HashMap<ServiceName, Tail>,
}

/// How far a document was printed. It is kept when the group has forgotten it: its last lines may be new.
struct Tail {
    document: Arc<LogDocument>,
    follower: Follower,
    /// The place of its service.
    order: usize,
}

struct Found {
    name: ServiceName,
    order: usize,
    at: Moment,
    what: What,
}

enum What {
    Piece(Piece),
    /// So many lines were dropped before they could be printed.
    Lost(u64),
    /// Its service is gone from the file.
    Removed,
}

impl Tail {
    /// What is new. Whether there is more at once, and when a line without an end will have rested.
    fn take_new_lines(
        &mut self,
        name: &ServiceName,
        now: Moment,
        all: bool,
        found: &mut Vec<Found>,
    ) -> (bool, Option<Moment>) {
        let taken = self.follower.take_new_lines(&self.document, now, LINES_AT_ONCE, all);
        let line = |at, what| Found { name: name.clone(), order: self.order, at, what };
        // Lines before the first look that a small budget dropped count as well: they were not printed.
        found.extend((taken.lost > 0).then(|| line(now, What::Lost(taken.lost))));
        found.extend(taken.pieces.into_iter().map(|piece| line(piece.line.at, What::Piece(piece))));
        (taken.more, self.follower.due())
    }
}

impl Printer {
    pub(super) fn new(options: StreamOptions) -> Self {
        Self { options, tails: HashMap::new() }
    }

    /// Everything that is new. `all`: also lines without an end.
    pub(super) fn collect_lines(&mut self, logs: &LogStore, services: &[ServiceName], now: Moment, all: bool) -> Look {
        let mut found = Vec::new();
        let (mut more, mut due) = (false, None::<Moment>);
        let is_there = |name: &ServiceName, tail: &Tail| {
            services.contains(name) && logs.get(name).is_some_and(|document| Arc::ptr_eq(&document, &tail.document))
        };
        for (name, mut tail) in self.tails.extract_if(|name, tail| !is_there(name, tail)) {
            while tail.take_new_lines(&name, now, true, &mut found).0 {}
            found.push(Found { name, order: tail.order, at: now, what: What::Removed });
        }
        for (order, name) in services.iter().enumerate() {
            let Some(document) = logs.get(name) else { continue };
            let new = || Tail { document, follower: Follower::default(), order };
            let tail = self.tails.entry(name.clone()).or_insert_with(new);
            tail.order = order;
            let (has_more, rested) = tail.take_new_lines(name, now, all, &mut found);
            more |= has_more;
            due = due.into_iter().chain(rested).min();
        }
        // Stable: lines of one service stay in order whatever the clock says.
        found.sort_by_key(|found| (found.at, found.order));
        let names = services.iter().map(ServiceName::as_str);
        let writer = LineWriter::new(self.options, names.chain(found.iter().map(|found| found.name.as_str())));
        let mut text = String::new();
        for found in &found {
            self.write(&mut text, &writer, found, logs.clock());
        }
        Look { bytes: text.into_bytes(), more, due }
    }

    fn write(&self, out: &mut String, writer: &LineWriter, found: &Found, clock: Clock) {
        let mut line = |words| writer.line(out, found.name.as_str(), found.order, words);
        match &found.what {
            What::Lost(lines) => line(Words::Marker(&lost(*lines))),
            What::Removed => {
                let time = clock.time_of_day(found.at);
                line(Words::Marker(&format!("── removed · not in procgroup.toml any more · {time} ──")));
            }
            What::Piece(piece) if piece.line.kind == LineKind::Marker => line(Words::Marker(&piece.line.content.text)),
            What::Piece(piece) if self.options.color => {
                line(Words::Output(&piece.line.to_ansi(piece.skip, self.options.support)))
            }
            What::Piece(piece) => {
                let content = &piece.line.content;
                line(Words::Output(&content.as_printed(piece.skip..content.text.len())));
            }
        }
    }
}

/// What is said of lines that the reader has missed.
fn lost(lines: u64) -> String {
    format!("── {lines} lines were not printed: the reader is too slow ──")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RunId;
    use crate::logs::StyleSupport;

    const PLAIN: StreamOptions =
        StreamOptions { color: false, support: StyleSupport::FULL, unicode: true, columns: 80 };

    fn text(look: &Look) -> String {
        String::from_utf8_lossy(&look.bytes).into_owned()
    }

    fn later(millis: u64) -> Moment {
        Moment::from_millis(1_000_000 + millis)
    }

    #[test]
    fn prefixes_are_aligned_and_partial_lines_come_after_a_rest() {
        let logs = LogStore::new(Clock::start());
        let names = [ServiceName::new("api"), ServiceName::new("worker")];
        let api = logs.open(&names[0], 1 << 20);
        api.begin_run(RunId(1), None);
        api.feed(b"one\r\ntwo\r\nPassword: ");
        let mut printer = Printer::new(PLAIN);
        let look = printer.collect_lines(&logs, &names, later(0), false);
        assert_eq!(text(&look), "api    │ one\napi    │ two\n");
        assert_eq!(look.due, Some(later(100)));
        assert_eq!(text(&printer.collect_lines(&logs, &names, later(99), false)), "");
        assert_eq!(text(&printer.collect_lines(&logs, &names, later(100), false)), "api    │ Password: \n");
        api.feed(b"ok\r\n");
        assert_eq!(text(&printer.collect_lines(&logs, &names, later(101), false)), "api    │ ok\n");
        assert_eq!(text(&printer.collect_lines(&logs, &names, later(300), true)), "");
    }

    #[test]
    fn what_a_service_writes_over_its_last_lines_is_printed_and_what_stays_is_not_repeated() {
        let logs = LogStore::new(Clock::start());
        let names = [ServiceName::new("db")];
        let db = logs.open(&names[0], 1 << 20);
        let mut printer = Printer::new(PLAIN);
        db.feed(b"pull one\r\npull two\r\npull three\r\n");
        assert_eq!(text(&printer.collect_lines(&logs, &names, later(0), false)).lines().count(), 3);
        db.feed(b"\x1b[2A\x1b[J");
        assert_eq!(text(&printer.collect_lines(&logs, &names, later(1), false)), "");
        db.feed(b"pull two\r\nready\r\n");
        assert_eq!(text(&printer.collect_lines(&logs, &names, later(2), false)), "db │ ready\n");
    }

    #[test]
    fn a_service_that_is_removed_has_its_last_words_and_is_said_to_be_and_may_come_back() {
        let logs = LogStore::new(Clock::start());
        let names = [ServiceName::new("api"), ServiceName::new("db")];
        names.iter().for_each(|name| drop(logs.open(name, 1 << 20)));
        let api = logs.open(&names[0], 1 << 20);
        let mut printer = Printer::new(PLAIN);
        api.feed(b"one\r\n");
        assert_eq!(text(&printer.collect_lines(&logs, &names, later(0), false)), "api │ one\n");
        api.feed(b"last words");
        logs.remove(&names[0]);
        let said = text(&printer.collect_lines(&logs, &names[1..], later(1), false));
        assert!(said.starts_with("api │ last words\napi │ ── removed · not in procgroup.toml any more · "), "{said}");
        assert_eq!(text(&printer.collect_lines(&logs, &names[1..], later(2), false)), "");
        // Its new log begins at the first line.
        logs.open(&names[0], 1 << 20).feed(b"again\r\n");
        assert_eq!(text(&printer.collect_lines(&logs, &names, later(3), false)), "api │ again\n");
        // Removed and back between two looks.
        logs.remove(&names[0]);
        logs.open(&names[0], 1 << 20).feed(b"and again\r\n");
        let said = text(&printer.collect_lines(&logs, &names, later(4), false));
        assert!(said.contains("api │ and again\n") && said.contains("api │ ── removed"), "{said}");
    }

    #[test]
    fn the_end_prints_what_has_no_line_end() {
        let logs = LogStore::new(Clock::start());
        let names = [ServiceName::new("a-name-that-is-longer-than-anyone-needs")];
        logs.open(&names[0], 1 << 20).feed(b"last words");
        let look = Printer::new(PLAIN).collect_lines(&logs, &names, later(0), true);
        assert_eq!(text(&look), "a-name-that-is-longer-t… │ last words\n");
    }
}
