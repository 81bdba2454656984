//! Log documents as prefixed lines: what is new since the last look, in order of arrival.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::StreamOptions;
use crate::domain::{Moment, ServiceName};
use crate::logs::{Attributes, Color, Line, LineId, LineKind, LogBook, LogDocument, Style};

/// A line without an end is printed after it has rested for this long, if the cursor stands at its end, as after a
/// prompt. A progress bar leaves the cursor at its beginning, to write over itself: only its last state is printed.
const PARTIAL_REST: Duration = Duration::from_millis(100);

/// Lines taken from one document at a look, so that a flooding service does not hide the others.
const LINES_AT_ONCE: usize = 2_000;

/// Printed lines that are remembered, in case the service moves up and writes them again: more than a screen.
const REMEMBERED: usize = 256;

/// Longer names are cut, so that one name does not push every line to the right.
const LONGEST_PREFIX: usize = 24;

/// Prefix colours: those of the 16 that mean neither failure nor nothing.
const COLORS: [u8; 10] = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

/// The width of the prefixes of these services.
pub(super) fn prefix_width<'a>(names: impl Iterator<Item = &'a ServiceName>) -> usize {
    names.map(|name| name.as_str().width()).max().unwrap_or(0).min(LONGEST_PREFIX)
}

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

/// How far one document was printed.
#[derive(Default)]
struct Tail {
    next: LineId,
    version: Option<u64>,
    /// The line without an end: its text when it was last seen, and since when it has been so.
    resting: Option<(String, Moment)>,
    /// What was printed already of the line `next`.
    printed: Option<String>,
    /// The last lines before `next`, as hashes of their texts.
    before: VecDeque<(LineId, u64)>,
    hasher: RandomState,
}

struct Found {
    order: usize,
    at: Moment,
    line: Option<Line>,
    skip: usize,
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
            more |= tail.take(&document, order, now, all, &mut found);
            if let Some((_, since)) = &tail.resting {
                let rested = *since + PARTIAL_REST;
                due = Some(due.map_or(rested, |due| due.min(rested)));
            }
        }
        // Stable: lines of one service stay in order whatever the clock says.
        found.sort_by_key(|found| found.at);
        let width = prefix_width(services.iter());
        let mut text = String::new();
        for found in &found {
            self.write(&mut text, &services[found.order], width, found);
        }
        Look { bytes: text.into_bytes(), more, due }
    }

    fn write(&self, out: &mut String, name: &ServiceName, width: usize, found: &Found) {
        let bar = if self.options.unicode { '│' } else { '|' };
        let mut label: String = name.as_str().chars().take(LONGEST_PREFIX).collect();
        if label.len() < name.as_str().len() {
            label.pop();
            label.push(if self.options.unicode { '…' } else { '~' });
        }
        let pad = width.saturating_sub(label.width());
        // Writing to a String cannot fail, here and below.
        let _ = if self.options.color {
            let color = COLORS[found.order % COLORS.len()];
            write!(out, "\x1b[{color}m{label}{:pad$} {bar}\x1b[0m ", "")
        } else {
            write!(out, "{label}{:pad$} {bar} ", "")
        };
        match &found.line {
            None => {
                let marker = format!("── {} lines were not printed: the reader is too slow ──", found.lost);
                self.write_plain(out, &marker, true);
            }
            Some(line) if line.kind == LineKind::Marker => self.write_plain(out, &line.content.text, true),
            Some(line) if self.options.color => write_styled(out, line, found.skip),
            Some(line) => self.write_plain(out, line.content.text.get(found.skip..).unwrap_or_default(), false),
        }
        out.push('\n');
    }

    fn write_plain(&self, out: &mut String, text: &str, marker: bool) {
        let ascii;
        let text = if marker && !self.options.unicode {
            ascii = text.replace(['─', '·'], "-");
            &ascii
        } else {
            text
        };
        if marker && self.options.color {
            let _ = write!(out, "\x1b[2m{text}\x1b[0m");
        } else {
            out.push_str(text);
        }
    }
}

impl Tail {
    /// Takes what is new; returns whether there is more.
    fn take(&mut self, document: &LogDocument, order: usize, now: Moment, all: bool, found: &mut Vec<Found>) -> bool {
        let mut reader = document.read();
        if self.version == Some(reader.version()) && self.resting.is_none() && !all {
            return false;
        }
        self.version = Some(reader.version());
        // The stream says by itself what it could not print.
        let first = LineId(reader.dropped());
        if self.next < first {
            // Lines before the first look that a small budget dropped count as well: they were not printed.
            found.push(Found { order, at: now, line: None, skip: 0, lost: first.0 - self.next.0 });
            self.next = first;
            self.printed = None;
        }
        let until = if all { reader.end() } else { reader.settled() };
        // The service has moved up, to write again what is there, or something else, and maybe less of it.
        self.next = self.next.min(until.max(first));
        let mut taken = 0;
        while self.next < until && taken < LINES_AT_ONCE {
            if let Some(line) = reader.line(self.next).filter(|line| !self.is_known(line)) {
                let skip = match self.printed.take() {
                    Some(printed) if line.content.text == printed => None,
                    Some(printed) if line.content.text.starts_with(&printed) => Some(printed.len()),
                    _ => Some(0),
                };
                if let Some(skip) = skip {
                    found.push(Found { order, at: line.at, line: Some(line), skip, lost: 0 });
                }
            }
            self.next = LineId(self.next.0 + 1);
            (self.resting, self.printed) = (None, None);
            taken += 1;
        }
        if self.next < until {
            self.version = None;
            return true;
        }
        let open = reader.line(self.next);
        let at_its_end = match (&open, reader.cursor()) {
            (Some(line), Some((id, byte))) => id == line.id && byte >= line.content.text.trim_end().len(),
            _ => false,
        };
        self.rest(open.filter(|_| at_its_end), order, now, found);
        false
    }

    /// The line was printed before as it is; if not, it counts as printed from now on.
    fn is_known(&mut self, line: &Line) -> bool {
        let hash = self.hasher.hash_one(&line.content.text);
        if self.before.contains(&(line.id, hash)) {
            return true;
        }
        self.before.retain(|(id, _)| *id != line.id);
        if self.before.len() == REMEMBERED {
            self.before.pop_front();
        }
        self.before.push_back((line.id, hash));
        false
    }

    /// A line without an end is printed once it has not changed for a while.
    fn rest(&mut self, line: Option<Line>, order: usize, now: Moment, found: &mut Vec<Found>) {
        let Some(line) = line.filter(|line| {
            !line.content.text.is_empty() && self.printed.as_ref().is_none_or(|printed| *printed != line.content.text)
        }) else {
            self.resting = None;
            return;
        };
        match &self.resting {
            Some((text, since)) if *text == line.content.text => {
                if now.since(*since) < PARTIAL_REST {
                    return;
                }
                let skip = match self.printed.take() {
                    Some(printed) if line.content.text.starts_with(&printed) => printed.len(),
                    _ => 0,
                };
                self.printed = Some(line.content.text.clone());
                self.resting = None;
                found.push(Found { order, at: line.at, line: Some(line), skip, lost: 0 });
            }
            _ => self.resting = Some((line.content.text, now)),
        }
    }
}

/// The text with its styles as SGR, from byte `skip` on.
fn write_styled(out: &mut String, line: &Line, skip: usize) {
    let text = &line.content.text;
    let mut position = skip;
    for run in &line.content.runs {
        let (start, end) = ((run.start as usize).max(skip), run.end as usize);
        if start >= end || run.style.looks() == Style::default() {
            continue;
        }
        out.push_str(text.get(position..start).unwrap_or_default());
        out.push_str(&sgr(run.style));
        out.push_str(text.get(start..end).unwrap_or_default());
        out.push_str("\x1b[0m");
        position = end;
    }
    out.push_str(text.get(position..).unwrap_or_default());
}

fn sgr(style: Style) -> String {
    let mut codes = String::from("\x1b[0");
    let attributes = [
        (Attributes::BOLD, 1),
        (Attributes::DIM, 2),
        (Attributes::ITALIC, 3),
        (Attributes::UNDERLINE, 4),
        (Attributes::BLINK, 5),
        (Attributes::REVERSE, 7),
        (Attributes::HIDDEN, 8),
        (Attributes::STRIKE, 9),
    ];
    for (attribute, code) in attributes {
        if style.attributes.contains(attribute) {
            let _ = write!(codes, ";{code}");
        }
    }
    for (color, base) in [(style.foreground, 30), (style.background, 40)] {
        let _ = match color {
            Color::Default => Ok(()),
            Color::Indexed(index @ 0..8) => write!(codes, ";{}", base + i32::from(index)),
            Color::Indexed(index @ 8..16) => write!(codes, ";{}", base + 52 + i32::from(index)),
            Color::Indexed(index) => write!(codes, ";{};5;{index}", base + 8),
            Color::Rgb(red, green, blue) => write!(codes, ";{};2;{red};{green};{blue}", base + 8),
        };
    }
    codes.push('m');
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::domain::RunId;

    const PLAIN: StreamOptions = StreamOptions { color: false, unicode: true, columns: 80 };

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

    #[test]
    fn colours_are_kept_or_left_out() {
        use crate::logs::{StyleRun, StyledText};
        let style = Style { foreground: Color::Indexed(9), ..Style::default() };
        let line = Line {
            id: LineId(0),
            at: Moment::START,
            run: RunId(1),
            kind: LineKind::Output,
            content: StyledText { text: "a red b".into(), runs: vec![StyleRun { start: 2, end: 5, style }] },
        };
        let mut out = String::new();
        write_styled(&mut out, &line, 0);
        assert_eq!(out, "a \x1b[0;91mred\x1b[0m b");
        let mut rest = String::new();
        write_styled(&mut rest, &line, 3);
        assert_eq!(rest, "\x1b[0;91med\x1b[0m b");
    }
}
