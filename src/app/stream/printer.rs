//! Log documents as prefixed lines: what is new since the last look, in order of arrival.

use std::collections::HashMap;

use super::StreamOptions;
use super::lines::{LineWriter, Words};
use crate::domain::{Moment, ServiceName};
use crate::logs::{Follower, LineKind, LogBook, Piece};

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
    tails: HashMap<ServiceName, Follower>,
}

struct Found {
    order: usize,
    at: Moment,
    piece: Option<Piece>,
    lost: u64,
}

impl Printer {
    pub(super) fn new(options: StreamOptions) -> Self {
        Self { options, tails: HashMap::new() }
    }

    /// Everything that is new. `all`: also lines without an end.
    pub(super) fn look(&mut self, logs: &LogBook, services: &[ServiceName], now: Moment, all: bool) -> Look {
        let mut found = Vec::new();
        let (mut more, mut due) = (false, None::<Moment>);
        for (order, name) in services.iter().enumerate() {
            let Some(document) = logs.get(name) else { continue };
            let tail = self.tails.entry(name.clone()).or_default();
            let taken = tail.take(&document, now, LINES_AT_ONCE, all);
            more |= taken.more;
            if taken.lost > 0 {
                // Lines before the first look that a small budget dropped count as well: they were not printed.
                found.push(Found { order, at: now, piece: None, lost: taken.lost });
            }
            let pieces = taken.pieces.into_iter();
            found.extend(pieces.map(|piece| Found { order, at: piece.line.at, piece: Some(piece), lost: 0 }));
            if let Some(rested) = tail.due() {
                due = Some(due.map_or(rested, |due| due.min(rested)));
            }
        }
        // Stable: lines of one service stay in order whatever the clock says.
        found.sort_by_key(|found| found.at);
        let writer = LineWriter::new(self.options, services.iter().map(ServiceName::as_str));
        let mut text = String::new();
        for found in &found {
            self.write(&mut text, &writer, &services[found.order], found);
        }
        Look { bytes: text.into_bytes(), more, due }
    }

    fn write(&self, out: &mut String, writer: &LineWriter, name: &ServiceName, found: &Found) {
        let mut line = |words| writer.line(out, name.as_str(), found.order, words);
        match &found.piece {
            None => line(Words::Marker(&lost(found.lost))),
            Some(piece) if piece.line.kind == LineKind::Marker => line(Words::Marker(&piece.line.content.text)),
            Some(piece) if self.options.color => {
                line(Words::Output(&piece.line.to_ansi(piece.skip, self.options.depth)))
            }
            Some(piece) => {
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
    use crate::clock::Clock;
    use crate::domain::RunId;
    use crate::logs::ColorDepth;

    const PLAIN: StreamOptions = StreamOptions { color: false, depth: ColorDepth::Full, unicode: true, columns: 80 };

    fn text(look: &Look) -> String {
        String::from_utf8_lossy(&look.bytes).into_owned()
    }

    fn later(millis: u64) -> Moment {
        Moment::from_millis(1_000_000 + millis)
    }

    #[test]
    fn prefixes_are_aligned_and_partial_lines_come_after_a_rest() {
        let logs = LogBook::new(Clock::start());
        let names = [ServiceName::new("api"), ServiceName::new("worker")];
        let api = logs.open(&names[0], 1 << 20);
        api.begin_run(RunId(1), None);
        api.feed(b"one\r\ntwo\r\nPassword: ");
        let mut printer = Printer::new(PLAIN);
        let look = printer.look(&logs, &names, later(0), false);
        assert_eq!(text(&look), "api    │ one\napi    │ two\n");
        assert_eq!(look.due, Some(later(100)));
        assert_eq!(text(&printer.look(&logs, &names, later(99), false)), "");
        assert_eq!(text(&printer.look(&logs, &names, later(100), false)), "api    │ Password: \n");
        api.feed(b"ok\r\n");
        assert_eq!(text(&printer.look(&logs, &names, later(101), false)), "api    │ ok\n");
        assert_eq!(text(&printer.look(&logs, &names, later(300), true)), "");
    }

    #[test]
    fn what_a_service_writes_over_its_last_lines_is_printed_and_what_stays_is_not_repeated() {
        let logs = LogBook::new(Clock::start());
        let names = [ServiceName::new("db")];
        let db = logs.open(&names[0], 1 << 20);
        let mut printer = Printer::new(PLAIN);
        db.feed(b"pull one\r\npull two\r\npull three\r\n");
        assert_eq!(text(&printer.look(&logs, &names, later(0), false)).lines().count(), 3);
        db.feed(b"\x1b[2A\x1b[J");
        assert_eq!(text(&printer.look(&logs, &names, later(1), false)), "");
        db.feed(b"pull two\r\nready\r\n");
        assert_eq!(text(&printer.look(&logs, &names, later(2), false)), "db │ ready\n");
    }

    #[test]
    fn the_end_prints_what_has_no_line_end() {
        let logs = LogBook::new(Clock::start());
        let names = [ServiceName::new("a-name-that-is-longer-than-anyone-needs")];
        logs.open(&names[0], 1 << 20).feed(b"last words");
        let look = Printer::new(PLAIN).look(&logs, &names, later(0), true);
        assert_eq!(text(&look), "a-name-that-is-longer-t… │ last words\n");
    }
}
