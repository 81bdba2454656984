//! Drawing diagnostics for people: the header, the text with its places underlined, and what to do.

use std::fmt::Write;
use std::ops::Range;
use std::path::Path;

use super::diagnostic::{Diagnostic, Diagnostics, Label, Severity};
use crate::display::char_width;
use crate::domain::misleads;

/// How diagnostics are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderStyle {
    /// With the 16 ANSI colours. Nothing is said by colour alone.
    pub color: bool,
    /// With `╭─`, `│` and `→`; plain ASCII otherwise (the user's own text stays as it is).
    pub unicode: bool,
    /// Columns of the terminal. Long lines of the file are cut to it; sentences are left to the terminal to wrap.
    pub width: usize,
}

impl Diagnostics {
    /// All problems, each with a blank line behind it except for the last.
    pub fn render(&self, style: RenderStyle) -> String {
        let renderer = Renderer { style, glyphs: if style.unicode { &UNICODE } else { &ASCII } };
        let blocks: Vec<String> = self.items.iter().map(|item| renderer.diagnostic(self, item)).collect();
        blocks.join("\n")
    }
}

/// Columns that the code of a problem is set to at most: beyond, the eye loses the line.
const MAX_HEADER: usize = 100;
/// The least columns for a line of the file.
const MIN_LINE: usize = 20;
const TAB: usize = 4;

struct Glyphs {
    /// Before and after the name of the file.
    open: &'static str,
    /// Before the name of another file.
    between: &'static str,
    close: &'static str,
    bar: &'static str,
    dots: &'static str,
    line: char,
    tee: char,
    corner: &'static str,
    cut: char,
}

const UNICODE: Glyphs = Glyphs {
    open: "╭─",
    between: "├─",
    close: "╰─",
    bar: "│",
    dots: "·",
    line: '─',
    tee: '┬',
    corner: "╰── ",
    cut: '…',
};
const ASCII: Glyphs = Glyphs {
    open: ",-",
    between: "+-",
    close: "`-",
    bar: "|",
    dots: ":",
    line: '-',
    tee: '+',
    corner: "`-- ",
    cut: '>',
};

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const CYAN: &str = "\x1b[36m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

struct Renderer {
    style: RenderStyle,
    glyphs: &'static Glyphs,
}

impl Renderer {
    fn diagnostic(&self, all: &Diagnostics, item: &Diagnostic) -> String {
        let mut out = self.header(item);
        self.snippet(&mut out, all, item);
        if let Some(help) = &item.help {
            for (index, line) in help.lines().enumerate() {
                let lead = if index == 0 { self.paint(CYAN, "help:") } else { "     ".into() };
                line_to(&mut out, &format!("  {lead} {}", self.clean(line)));
            }
        }
        out
    }

    fn header(&self, item: &Diagnostic) -> String {
        let word = item.severity.word();
        let message = self.clean(&item.message);
        let code = format!("[{}]", item.code);
        let used = word.len() + 2 + width(&message);
        let room = self.style.width.min(MAX_HEADER).saturating_sub(used + code.len());
        let gap = " ".repeat(room.max(2));
        let mut out = String::new();
        let (word, message) = (self.paint(self.tone(item), word), self.paint(BOLD, &message));
        line_to(&mut out, &format!("{word}: {message}{gap}{}", self.paint(DIM, &code)));
        out
    }

    fn snippet(&self, out: &mut String, all: &Diagnostics, item: &Diagnostic) {
        let mut labels: Vec<(usize, &Label)> =
            item.labels.iter().map(|label| (all.place(&label.span).0, label)).collect();
        // The main place first where two stand on one line; otherwise in the order of the text.
        labels.sort_by_key(|(line, _)| *line);
        let gutter = labels.last().map_or(1, |(line, _)| line.to_string().len());
        let mut files: Vec<&Path> = Vec::new();
        for label in &item.labels {
            let file = all.file_at(&label.span);
            if !files.contains(&file) {
                files.push(file);
            }
        }
        let pad = " ".repeat(gutter + 2);
        let Glyphs { open, between, close, .. } = *self.glyphs;
        for (number, file) in files.iter().enumerate() {
            let labels: Vec<_> =
                labels.iter().filter(|(_, label)| all.file_at(&label.span) == *file).copied().collect();
            let main = item.labels.iter().find(|label| all.file_at(&label.span) == *file);
            let (line, column) = main.map_or((1, 1), |label| all.place(&label.span));
            let name = self.clean(&all.file_name(file));
            let open = if number == 0 { open } else { between };
            line_to(out, &format!("{pad}{}", self.paint(DIM, &format!("{open}[{name}:{line}:{column}]"))));
            self.lines(out, all, &labels, gutter, self.tone(item));
        }
        if !files.is_empty() {
            line_to(out, &format!("{pad}{}", self.paint(DIM, close)));
        }
    }

    /// The lines of one file with their labels.
    fn lines(&self, out: &mut String, all: &Diagnostics, labels: &[(usize, &Label)], gutter: usize, tone: &str) {
        let Glyphs { bar, dots, .. } = *self.glyphs;
        let pad = " ".repeat(gutter + 2);
        let mut before: Option<usize> = None;
        let mut rest = labels;
        while let Some((number, _)) = rest.first() {
            let count = rest.iter().take_while(|(line, _)| line == number).count();
            let (here, later) = rest.split_at(count);
            if before.is_some_and(|before| before + 1 < *number) {
                line_to(out, &format!("{pad}{}", self.paint(DIM, dots)));
            }
            let here: Vec<&Label> = here.iter().map(|(_, label)| *label).collect();
            let row = Row::new(all.text(), &here, self.style.width.saturating_sub(gutter + 4), self.glyphs.cut);
            line_to(out, &format!("{} {}", self.paint(DIM, &format!(" {number:>gutter$} {bar}")), row.text));
            for label in here {
                self.underline(out, &row, label, &pad, tone);
            }
            before = Some(*number);
            rest = later;
        }
    }

    fn underline(&self, out: &mut String, row: &Row, label: &Label, pad: &str, tone: &str) {
        let Glyphs { dots, line, tee, corner, .. } = *self.glyphs;
        let columns = row.columns(&label.span);
        let text = self.clean(&label.text);
        let length = columns.end - columns.start;
        let middle = (length - 1) / 2;
        let mark: String = (0..length).map(|i| if i == middle && !text.is_empty() { tee } else { line }).collect();
        let margin = format!("{pad}{} ", self.paint(DIM, dots));
        line_to(out, &format!("{margin}{}{}", " ".repeat(columns.start), self.paint(tone, &mark)));
        if !text.is_empty() {
            let indent = " ".repeat(columns.start + middle);
            line_to(out, &format!("{margin}{indent}{}{text}", self.paint(tone, corner)));
        }
    }

    fn tone(&self, item: &Diagnostic) -> &'static str {
        match item.severity {
            Severity::Error => RED,
            Severity::Warning => YELLOW,
        }
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.style.color { format!("{color}{text}{RESET}") } else { text.to_owned() }
    }

    /// Our own sentences, which may quote the user: no control character reaches the terminal, and no glyph that it
    /// cannot show.
    fn clean(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '→' if !self.style.unicode => clean.push_str("->"),
                '·' if !self.style.unicode => clean.push('-'),
                '…' if !self.style.unicode => clean.push_str("..."),
                c if misleads(c) => clean.extend(c.escape_default()),
                c => clean.push(c),
            }
        }
        clean
    }
}

/// A line of the file as it is shown, and where its bytes have gone.
struct Row {
    text: String,
    /// Byte in the file and column of each character that is shown, in order; the last is the end.
    stops: Vec<(usize, usize)>,
}

impl Row {
    /// The line of the first label, cut to so many columns around the labels.
    fn new(text: &str, labels: &[&Label], room: usize, cut: char) -> Self {
        let at = labels.first().map_or(0, |label| label.span.start).min(text.len());
        let bytes = text.as_bytes();
        let start = bytes.iter().take(at).rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let length = bytes.iter().skip(start).position(|byte| *byte == b'\n');
        let line = text.get(start..length.map_or(text.len(), |length| start + length)).unwrap_or("");
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut row = Self { text: String::new(), stops: Vec::new() };
        let mut column = 0;
        let from = labels.iter().map(|label| label.span.start).min().unwrap_or(start).saturating_sub(start);
        let skip = first_shown(line, from, room.max(MIN_LINE));
        if skip > 0 {
            row.text.push(cut);
            column = 1;
        }
        let end = room.max(MIN_LINE) - 1;
        for (byte, c) in line.char_indices().skip_while(|(byte, _)| *byte < skip) {
            if column + cell(c, column) > end {
                row.text.push(cut);
                row.stops.push((start + byte, column));
                row.stops.push((start + line.len(), column + 1));
                return row;
            }
            row.stops.push((start + byte, column));
            match c {
                '\t' => row.text.extend(std::iter::repeat_n(' ', cell(c, column))),
                c if misleads(c) => row.text.push('\u{fffd}'),
                c => row.text.push(c),
            }
            column += cell(c, column);
        }
        row.stops.push((start + line.len(), column));
        row
    }

    /// The columns of some bytes: at least one, and none beyond the line.
    fn columns(&self, span: &Range<usize>) -> Range<usize> {
        let column = |byte: usize| {
            let stop = self.stops.iter().find(|(stop, _)| *stop >= byte).or(self.stops.last());
            stop.map_or(0, |(_, column)| *column)
        };
        let start = column(span.start);
        start..column(span.end).max(start + 1)
    }
}

/// The first byte of a line that is shown, so that `from` is within the columns.
fn first_shown(line: &str, from: usize, room: usize) -> usize {
    if width(line) < room || width(line.get(..from).unwrap_or(line)) < room / 2 {
        return 0;
    }
    // Some of what stands before the place helps to recognise the line.
    let wanted = room / 4;
    let mut columns = 0;
    for (byte, c) in line.get(..from).unwrap_or(line).char_indices().rev() {
        columns += cell(c, 0);
        if columns > wanted {
            return byte + c.len_utf8();
        }
    }
    0
}

/// Columns of a character.
fn cell(c: char, column: usize) -> usize {
    match c {
        '\t' => TAB - column % TAB,
        c if misleads(c) => 1,
        c => char_width(c),
    }
}

fn width(text: &str) -> usize {
    text.chars().map(|c| cell(c, 0)).sum()
}

fn line_to(out: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}", line.trim_end());
}
