//! Log documents as lines, prefixed or JSON: what is new since the last look, in order of arrival.

use std::sync::Arc;

use serde::Serialize;

use super::StreamForm;
use crate::clock::Clock;
use crate::control::{LogLine, Skipped};
use crate::display::{LineWriter, Words};
use crate::domain::{Moment, ServiceName, count, escaped_json, framed, without_keys};
use crate::logs::{LevelReader, LineId, LineKind, LogStore, Piece, Tail};

/// Lines that are read of one document at once: the lock is held for a short time.
const LINES_AT_ONCE: usize = 2_000;
/// Bytes of a look: a flood is written in parts.
const BYTES_AT_ONCE: usize = 256 << 10;

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
    form: StreamForm,
    logs: Vec<Log>,
}

/// How far a document was printed. It is kept when the group has forgotten it: its last lines may be new.
struct Log {
    name: ServiceName,
    tail: Tail,
    levels: LevelReader,
    /// The place of its service.
    order: usize,
    /// Its service is gone from the file.
    is_gone: bool,
}

impl Printer {
    pub(super) fn new(form: StreamForm) -> Self {
        Self { form, logs: Vec::new() }
    }

    /// Everything that is new. `all`: also lines without an end.
    pub(super) fn collect_lines(&mut self, logs: &LogStore, services: &[ServiceName], now: Moment, all: bool) -> Look {
        self.join(logs, services);
        let names = services.iter().chain(self.logs.iter().map(|log| &log.name)).map(ServiceName::as_str);
        let writer = LineWriter::new(self.form.style, names);
        let out = Out { writer, form: self.form, clock: logs.clock() };
        let mut text = String::new();
        while text.len() < BYTES_AT_ONCE && self.logs.iter().any(|log| !log.tail.is_drained()) {
            for log in self.logs.iter_mut().filter(|log| log.tail.is_hungry()) {
                log.tail.read(now, LINES_AT_ONCE, all || log.is_gone);
            }
            while let Some(log) = self.next() {
                // Lines before the first look that a small budget dropped count as well: they were not printed.
                let lost = log.tail.take_lost();
                if lost > 0 {
                    out.lost(&mut text, log, lost);
                }
                if let Some(piece) = log.tail.take() {
                    out.piece(&mut text, log, &piece);
                }
            }
        }
        let time = logs.clock().time_of_day(now);
        for log in self.logs.extract_if(.., |log| log.is_gone && log.tail.is_drained()) {
            let words = framed(format_args!("removed · no longer in the group · {time}"));
            out.marker(&mut text, &log, &words);
        }
        let more = self.logs.iter().any(|log| !log.tail.is_drained());
        let due = self.logs.iter().filter_map(|log| log.tail.due()).min();
        Look { bytes: text.into_bytes(), more, due }
    }

    /// Services may have come and gone, or have a new log.
    fn join(&mut self, logs: &LogStore, services: &[ServiceName]) {
        self.logs.iter_mut().for_each(|log| log.is_gone = true);
        for (order, name) in services.iter().enumerate() {
            let Some(document) = logs.get(name) else { continue };
            let known = self.logs.iter_mut().find(|log| Arc::ptr_eq(log.tail.document(), &document));
            match known {
                Some(log) => (log.order, log.is_gone) = (order, false),
                None => {
                    let tail = Tail::new(document, LineId(0), None);
                    let levels = LevelReader::default();
                    self.logs.push(Log { name: name.clone(), tail, levels, order, is_gone: false });
                }
            }
        }
        // Of lines of the same moment, those of services further up come first.
        self.logs.sort_by_key(|log| log.order);
        self.logs.iter_mut().for_each(|log| log.tail.look_again());
    }

    /// Whose line comes next.
    fn next(&mut self) -> Option<&mut Log> {
        let place = Tail::earliest(self.logs.iter().map(|log| &log.tail))?;
        self.logs.get_mut(place)
    }
}

/// How what was found is written.
struct Out {
    writer: LineWriter,
    form: StreamForm,
    clock: Clock,
}

impl Out {
    /// Adds a line.
    fn piece(&self, out: &mut String, log: &mut Log, piece: &Piece) {
        let Piece { line, skip, .. } = piece;
        if self.form.json {
            let level = log.levels.pass(line);
            let source = (&log.name, log.tail.document().epoch());
            return add_json(out, &LogLine::new(source, piece, level, None, self.clock).with_data(piece));
        }
        let style = self.form.style;
        let time = if self.form.times { self.clock.time_of_day_with_milliseconds(line.at) } else { String::new() };
        let text;
        let words = match line.kind {
            LineKind::Marker(_) => {
                text = without_keys(&line.content.text, log.name.as_str());
                Words::Marker(&text)
            }
            LineKind::Output if style.color => {
                let target = |id| if style.links { log.tail.document().read().link(id) } else { None };
                text = line.to_ansi_with_links(*skip, style.styles, target);
                Words::Output(&text)
            }
            LineKind::Output => {
                text = line.content.as_printed(*skip..line.content.text.len());
                Words::Output(&text)
            }
        };
        self.writer.line_at(out, (log.name.as_str(), log.order), &time, words);
    }

    /// So many lines of a log are not there any more.
    fn lost(&self, out: &mut String, log: &Log, lines: u64) {
        if self.form.json {
            return add_json(out, &Skipped { service: Some(log.name.as_str().to_owned()), skipped: Some(lines) });
        }
        self.marker(out, log, &lost(lines));
    }

    /// devgroup says something of a service that stands in no log. It is no line of JSON.
    fn marker(&self, out: &mut String, log: &Log, words: &str) {
        if !self.form.json {
            self.writer.line(out, log.name.as_str(), log.order, Words::Marker(words));
        }
    }
}

fn add_json(out: &mut String, value: &impl Serialize) {
    // Cannot fail: every map has names as keys.
    out.push_str(&escaped_json(serde_json::to_string(value).unwrap_or_default()));
    out.push('\n');
}

/// What is said of lines that the reader has missed.
fn lost(lines: u64) -> String {
    framed(format_args!("{} not printed: the reader is too slow", count(lines, "line")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::OutputStyle;
    use crate::domain::RunId;
    use crate::logs::StyleSupport;

    const STYLE: OutputStyle =
        OutputStyle { color: false, styles: StyleSupport::FULL, links: false, unicode: true, columns: Some(80) };
    const PLAIN: StreamForm = StreamForm { style: STYLE, times: false, json: false };

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
        assert!(said.starts_with("api │ last words\napi │ ── removed · no longer in the group · "), "{said}");
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
    fn a_flood_of_one_service_does_not_put_later_lines_of_another_before_it() {
        let logs = LogStore::new(Clock::start());
        let names = [ServiceName::new("a"), ServiceName::new("b")];
        let [flood, other] = [0, 1].map(|index: usize| logs.open(&names[index], 1 << 20));
        (0..3 * LINES_AT_ONCE).for_each(|_| drop(flood.feed(b"much\r\n")));
        other.feed(b"last\r\n");
        let mut printer = Printer::new(PLAIN);
        let mut said = String::new();
        loop {
            let look = printer.collect_lines(&logs, &names, later(0), false);
            said += &text(&look);
            if !look.more {
                break;
            }
        }
        assert_eq!((said.lines().count(), said.lines().last()), (3 * LINES_AT_ONCE + 1, Some("b │ last")));
    }

    #[test]
    fn the_end_prints_what_has_no_line_end() {
        let logs = LogStore::new(Clock::start());
        let names = [ServiceName::new("a-name-that-is-longer-than-anyone-needs")];
        logs.open(&names[0], 1 << 20).feed(b"last words");
        let look = Printer::new(PLAIN).collect_lines(&logs, &names, later(0), true);
        assert_eq!(text(&look), "a-name-that-is-longer-t… │ last words\n");
    }

    #[test]
    fn lines_are_json_or_have_their_times() {
        let logs = LogStore::new(Clock::start());
        let names = [ServiceName::new("api")];
        let api = logs.open(&names[0], 1 << 20);
        api.begin_run(RunId(1), None);
        api.feed("level=warn ms=7\r\n\u{9b}31mplain \u{202e}text\r\n".as_bytes());
        let form = StreamForm { json: true, ..PLAIN };
        let said = text(&Printer::new(form).collect_lines(&logs, &names, later(0), false));
        let lines: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&lines[0]["level"], &lines[0]["fields"]["ms"]), (&"warn".into(), &7.into()));
        assert_eq!((&lines[0]["service"], &lines[1]["level"]), (&"api".into(), &serde_json::Value::Null));
        assert!(!said.contains('\u{202e}') && lines[1]["text"].as_str().unwrap().contains('\u{202e}'), "{said}");
        let form = StreamForm { times: true, ..PLAIN };
        let said = text(&Printer::new(form).collect_lines(&logs, &names, later(0), false));
        let (before, after) = said.split_at(said.find("level").unwrap());
        assert!(before.starts_with("api │ ") && before.len() == "api │ 14:02:11.114 ".len(), "{before}{after}");
    }
}
