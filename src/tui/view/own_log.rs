//! devgroup's own log: tui-logger's widget within our frame, the newest line last; above it the whole text of the last notice.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use tui_logger::{ExtLogRecord, LogFormatter, TuiLoggerTargetWidget, TuiLoggerWidget};

use super::super::panel::OwnLog;
use super::super::text::{cut_right, width, wrap_words};
use super::super::theme::Theme;
use super::Scene;
use super::paint::{self, Titles};
use crate::domain::count;

/// Columns of the list of targets.
const TARGETS: u16 = 36;
/// Rows of the log, with its frame, that a long notice leaves.
const LEAST_LOG: u16 = 6;
/// Below this, a line has no room for its time and a word.
const SMALLEST: u16 = 14;

/// Draws the panel over everything but the footer. The answer is its first cell.
pub(super) fn draw(scene: &Scene<'_>, log: &OwnLog, buffer: &mut Buffer) -> Option<Position> {
    // What was said since the last time is handed to the widgets by that.
    log::logger().flush();
    let (glyphs, theme, all) = (scene.glyphs(), scene.theme(), scene.screen.area);
    let mut area = Rect { height: all.height.saturating_sub(u16::from(scene.screen.footer.is_some())), ..all };
    let corner = Position { x: area.x, y: area.y };
    paint::clear(buffer, area);
    if let Some(notice) = &scene.snapshot.notice {
        let text = if notice.detail.is_empty() { &notice.summary } else { &notice.detail };
        let room = usize::from(area.width.saturating_sub(2));
        let lines: Vec<&str> = text.lines().flat_map(|line| whole_sentences(line, room)).collect();
        let most = area.height.saturating_sub(LEAST_LOG).max(area.height / 2);
        let rows = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(most);
        let top = Rect { height: rows, ..area };
        let titles = Titles {
            left: vec![Span::styled("notice", theme.strong())],
            right: vec![Span::raw((scene.time_of_day)(notice.at))],
            ..Titles::default()
        };
        let inner = paint::frame(buffer, top, glyphs, false, theme.structure(), &titles);
        let fitting = usize::from(inner.height);
        // The log has the whole text, too.
        let more = (lines.len() > fitting).then(|| {
            let rest = count(lines.len() - fitting.saturating_sub(1), "more line");
            format!("{} {rest} in the log below", glyphs.ellipsis)
        });
        let shown = lines.iter().take(fitting - usize::from(more.is_some() && fitting > 0)).copied();
        for (line, y) in shown.chain(more.as_deref()).zip(inner.top()..inner.bottom()) {
            let text = cut_right(line, usize::from(inner.width), glyphs.ellipsis);
            debug_assert!(width(&text) <= usize::from(inner.width));
            paint::put_text(buffer, inner, inner.x, y, &text, Style::new());
        }
        area.y += rows;
        area.height -= rows;
    }
    let titles = Titles { left: vec![Span::styled("devgroup's own log", theme.strong())], ..Titles::default() };
    let inner = paint::frame(buffer, area, glyphs, false, theme.structure(), &titles);
    let mut lines = inner;
    if log.shows_targets() {
        let targets = Rect { width: TARGETS.min(inner.width / 2), ..inner };
        TuiLoggerTargetWidget::default().highlight_style(theme.alert()).state(log.state()).render(targets, buffer);
        let taken = targets.width.saturating_add(1).min(inner.width);
        lines = Rect { x: inner.x.saturating_add(taken), width: inner.width - taken, ..inner };
    }
    if lines.width < SMALLEST || lines.height == 0 {
        return Some(corner);
    }
    TuiLoggerWidget::default().formatter(Box::new(Sentences { theme })).state(log.state()).render(lines, buffer);
    Some(corner)
}

/// A line of a notice as it is, but for a sentence that has not room in one.
fn whole_sentences(line: &str, room: usize) -> Vec<&str> {
    if !line.trim_start().starts_with("help: ") {
        return vec![line];
    }
    wrap_words(line, room).into_iter().filter_map(|range| line.get(range)).collect()
}

/// Stands between the time of a record of devgroup's own log and its text, as the panel of that log takes them.
pub const TIME_ENDS: char = '\u{1f}';

/// A record as a line for people: its time, what is bad about it, and the sentence.
struct Sentences {
    theme: Theme,
}

impl LogFormatter for Sentences {
    fn min_width(&self) -> u16 {
        SMALLEST
    }

    fn format(&self, width: usize, record: &ExtLogRecord) -> Vec<Line<'_>> {
        let (word, style) = match record.level {
            log::Level::Error => ("error: ", self.theme.bad()),
            log::Level::Warn => ("warning: ", self.theme.busy()),
            log::Level::Info => ("", Style::new()),
            log::Level::Debug | log::Level::Trace => ("", self.theme.structure()),
        };
        let (time, text) = record.msg().split_once(TIME_ENDS).unwrap_or(("", record.msg()));
        // A rendered problem begins with the word itself.
        let (time, text) = (format!("{time}  "), format!("{word}{}", text.strip_prefix(word).unwrap_or(text)));
        let room = width.saturating_sub(time.len()).max(1);
        let mut lines = Vec::new();
        // One line at least: the widget counts on it.
        for text in text.split('\n') {
            for range in wrap_words(text, room) {
                // The rest of a sentence stands below its begin.
                let before = if lines.is_empty() { time.clone() } else { " ".repeat(time.len()) };
                let part = text.get(range).unwrap_or_default().to_owned();
                lines.push(Line::from(vec![Span::styled(before, self.theme.structure()), Span::styled(part, style)]));
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use log::{Level, Record};

    use crate::tui::fixture::Bench;

    #[test]
    fn the_own_log_is_sentences_and_its_targets_are_shown_when_asked_for() {
        let drain = tui_logger::Drain::new();
        tui_logger::set_default_level(log::LevelFilter::Debug);
        let told = [
            (Level::Info, "log files in ~/logs"),
            (
                Level::Warn,
                "api: the port is taken, and it takes a whole line and a bit more to say by whom and why that is",
            ),
            (Level::Debug, ""),
            (Level::Error, "the guard is gone"),
            (Level::Error, "error: `jop` is no kind"),
        ];
        for (level, text) in told {
            let mut record = Record::builder();
            drain.log(&record.level(level).target("devgroup::test").args(format_args!("{text}")).build());
        }
        tui_logger::move_events();
        let mut bench = Bench::shop(80, 24);
        bench.press("l");
        let text = bench.text();
        let place =
            |needle: &str| text.lines().position(|line| line.contains(needle)).unwrap_or_else(|| panic!("{text}"));
        assert!(place("  log files in ~/logs") < place("  warning: api: the port is taken"), "{text}");
        assert!(place("by whom and why that is") < place("error: the guard is gone"), "the newest is the last\n{text}");
        assert!(text.contains("  error: `jop` is no kind"), "the word is said once\n{text}");
        assert!(!text.contains("devgroup::test") && !text.contains("WARN"), "{text}");
        assert!(text.lines().any(|line| line.contains("by whom and why that is")), "it is wrapped\n{text}");
        assert!(text.ends_with(" PgUp PgDn page  h levels by module  Esc back\n"), "{text}");
        bench.press("h");
        let text = bench.text();
        assert!(text.contains("devgroup::test") && text.contains("↑↓ module"), "{text}");
        bench.press("q");
        bench.press("l");
        assert!(bench.text().contains("devgroup::test"), "as it was left");
        bench.press("h");
        assert!(!bench.text().contains("devgroup::test"));
        for size in [(1, 1), (20, 6), (40, 12), (300, 100)] {
            bench.size = size;
            bench.press("h");
            bench.text();
        }
    }
}
