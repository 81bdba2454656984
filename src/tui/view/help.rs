//! The help overlay: the key table and the signs, filtered by what is typed; in two columns where they fit.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::super::action::{Action, Context};
use super::super::glyphs::Glyphs;
use super::super::keymap::Keymap;
use super::super::layout::OuterScreen;
use super::super::panel::Help;
use super::super::text::{column, cut_right, width};
use super::super::theme::Theme;
use super::Scene;
use super::paint::{self, Titles};

/// Cells of the keys.
const KEYS: usize = 9;
/// Columns of the box with one column of keys.
const COLUMNS: u16 = 84;
/// Cells between two columns.
const GAP: usize = 2;

/// Draws the overlay. The answer is where the next typed character goes.
pub(super) fn draw(scene: &Scene<'_>, help: &Help, buffer: &mut Buffer) -> Option<Position> {
    let (glyphs, theme, all) = (scene.glyphs(), scene.theme(), scene.screen.area);
    let page = Page::new(scene.screen, glyphs, &help.filter);
    let area = page.area;
    paint::clear(buffer, area);
    let start = help.scroll.min(page.last_start());
    let filter = &help.filter;
    let hint = if filter.is_empty() { "type to filter".to_owned() } else { format!("filter: {filter}") };
    let hint = cut_right(&hint, usize::from(area.width / 2), glyphs.ellipsis);
    let right = if scene.screen.compact {
        hint.clone()
    } else {
        format!("devgroup {} {} {hint}", env!("CARGO_PKG_VERSION"), glyphs.dot)
    };
    let pages = page.rows().div_ceil(page.height());
    let more = start < page.last_start();
    let below = more.then(|| format!("{} more, {} of {pages}", glyphs.more, start / page.height() + 1));
    let titles = Titles {
        left: vec![Span::styled("help", theme.strong())],
        right: vec![Span::raw(right)],
        below: below.into_iter().map(Span::raw).collect(),
    };
    let inner = paint::frame(buffer, area, glyphs, false, theme.structure(), &titles);
    if page.rows() == 0 {
        paint::put_text(buffer, inner, inner.x + 1, inner.y, "no matching key", theme.structure());
    }
    let mut x = inner.x.saturating_add(1);
    for (rows, cells) in &page.columns {
        let width = u16::try_from(*cells).unwrap_or(u16::MAX).min(inner.right().saturating_sub(x));
        for (row, y) in rows.iter().skip(start).zip(inner.top()..inner.bottom()) {
            row.draw(scene, Rect { x, y, width, height: 1 }, buffer);
        }
        x = x.saturating_add(width).saturating_add(u16::try_from(GAP).unwrap_or(0));
    }
    let end = area.right().saturating_sub(4);
    (area.height > 0).then_some(Position { x: end, y: area.y }).filter(|position| all.contains(*position))
}

/// The last row that the overlay can be scrolled to.
pub(in super::super) fn last_start(screen: &OuterScreen, glyphs: &Glyphs, filter: &str) -> usize {
    Page::new(screen, glyphs, filter).last_start()
}

/// Where everything is.
struct Page {
    area: Rect,
    /// The rows of each column, and its cells.
    columns: Vec<(Vec<Row>, usize)>,
}

impl Page {
    fn new(screen: &OuterScreen, glyphs: &Glyphs, filter: &str) -> Self {
        let all = screen.area;
        let rows = rows(glyphs, filter);
        if screen.compact {
            let area = Rect { height: all.height.saturating_sub(u16::from(screen.footer.is_some())), ..all };
            return Self { area, columns: vec![(rows, usize::from(area.width).saturating_sub(3))] };
        }
        let (most_columns, most_rows) = (all.width.saturating_sub(4), all.height.saturating_sub(4));
        let is_long = rows.len() + 2 > usize::from(most_rows);
        let mut columns = vec![(rows, usize::from(most_columns.min(COLUMNS)).saturating_sub(3))];
        if is_long {
            let halves = halves(columns.pop().map(|(rows, _)| rows).unwrap_or_default());
            let cells = halves.each_ref().map(|rows| rows.iter().map(Row::cells).max().unwrap_or(0));
            // The borders, and a blank beside each.
            if cells.iter().sum::<usize>() + GAP + 4 <= usize::from(most_columns) {
                columns = halves.into_iter().zip(cells).collect();
            } else {
                let rows = halves.into_iter().flatten().collect();
                columns = vec![(rows, usize::from(most_columns.min(COLUMNS)).saturating_sub(3))];
            }
        }
        let cells: usize = columns.iter().map(|(_, cells)| cells + GAP).sum();
        let width = u16::try_from(cells + 4 - GAP).unwrap_or(u16::MAX).min(most_columns);
        let width = if columns.len() > 1 { width } else { most_columns.min(COLUMNS) };
        let count = columns.iter().map(|(rows, _)| rows.len()).max().unwrap_or(0).max(1);
        let height = u16::try_from(count + 2).unwrap_or(u16::MAX).min(most_rows);
        let area = Rect { x: (all.width - width) / 2, y: 2.min(all.height), width, height };
        Self { area, columns }
    }

    /// Rows of the longest column.
    fn rows(&self) -> usize {
        self.columns.iter().map(|(rows, _)| rows.len()).max().unwrap_or(0)
    }

    /// Rows that are shown at once.
    fn height(&self) -> usize {
        usize::from(self.area.height.saturating_sub(2)).max(1)
    }

    fn last_start(&self) -> usize {
        self.rows().saturating_sub(self.height())
    }
}

/// The rows in two columns, parted at a heading so that both are about as long.
fn halves(rows: Vec<Row>) -> [Vec<Row>; 2] {
    let headings = rows.iter().enumerate().filter(|(_, row)| matches!(row, Row::Heading(_))).map(|(at, _)| at);
    let at = headings.min_by_key(|at| (*at).max(rows.len() - at)).unwrap_or(0);
    let mut first = rows;
    let second = first.split_off(at);
    [first, second]
}

enum Row {
    Heading(String),
    Key { keys: String, style: Look, text: String },
}

/// How the theme tells something.
type Look = fn(Theme) -> Style;

impl Row {
    /// Cells that it needs.
    fn cells(&self) -> usize {
        match self {
            Self::Heading(text) => width(text),
            Self::Key { keys, text, .. } => 2 + width(keys).max(KEYS) + 1 + width(text),
        }
    }

    fn draw(&self, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
        let (glyphs, theme, room) = (scene.glyphs(), scene.theme(), usize::from(area.width));
        match self {
            Self::Heading(text) => {
                let text = cut_right(text, room, glyphs.ellipsis);
                paint::put_text(buffer, area, area.x, area.y, &text, theme.structure());
            }
            Self::Key { keys, style, text } => {
                let keys = column(keys, width(keys).max(KEYS), glyphs.ellipsis);
                let x = paint::put_text(buffer, area, area.x.saturating_add(2), area.y, &keys, style(theme));
                let left = usize::from(area.right().saturating_sub(x)).saturating_sub(1);
                let text = format!(" {}", cut_right(text, left, glyphs.ellipsis));
                paint::put_text(buffer, area, x, area.y, &text, Style::new());
            }
        }
    }
}

/// The rows with that text in keys, words or heading, under their headings.
fn rows(glyphs: &Glyphs, filter: &str) -> Vec<Row> {
    let wanted = filter.to_lowercase();
    let strong: Look = Theme::strong;
    let keys = Keymap::get().help(glyphs.set).into_iter().map(|row| (row.group, row.keys, strong, row.text));
    let signs = signs(glyphs).into_iter().map(|(group, sign, style, text)| (group.to_owned(), sign, style, text));
    let mut rows = Vec::new();
    let mut heading = String::new();
    for (group, keys, style, text) in keys.chain(signs) {
        if ![&keys, &text, &group].iter().any(|text| text.to_lowercase().contains(&wanted)) {
            continue;
        }
        if group != heading {
            heading.clone_from(&group);
            rows.push(Row::Heading(group));
        }
        rows.push(Row::Key { keys, style, text });
    }
    rows
}

/// What the characters beside services and lines mean. One character means several things in several places, so each place
/// has its heading.
fn signs(glyphs: &Glyphs) -> Vec<(&'static str, String, Look, String)> {
    const STATES: &str = "SYMBOLS: STATE OF A SERVICE";
    const COUNTS: &str = "SYMBOLS: COUNTS BESIDE A SERVICE";
    const LINES: &str = "SYMBOLS: BESIDE A LOG LINE";
    let errors = Keymap::get().key_name(Context::Normal, Action::NextError, glyphs.set);
    let goes = if errors.is_empty() { String::new() } else { format!(" (select it, then {errors})") };
    let plain: Look = |_| Style::new();
    let sign = |group, sign: &str, style: Look, text: &str| (group, sign.to_owned(), style, text.to_owned());
    vec![
        sign(STATES, glyphs.up, Theme::good, "running; ready, if it has a ready check"),
        sign(STATES, glyphs.worker, Theme::good, "a running worker; 2/3: 2 of at most 3 tries running"),
        sign(STATES, glyphs.busy, Theme::busy, "starting, validating or stopping"),
        sign(STATES, glyphs.done, plain, "done: ended with exit code 0"),
        sign(STATES, glyphs.failed, Theme::bad, "failed"),
        sign(STATES, glyphs.stopped, plain, "stopped, or not started"),
        sign(STATES, glyphs.waits, plain, "waiting for another service, or for a delay to pass"),
        sign(COUNTS, &format!("{}3", glyphs.restarts), plain, "restarts, not counting crashes: 3"),
        sign(COUNTS, &format!("{}2", glyphs.crashes), plain, "restarts after crashes: 2"),
        sign(COUNTS, &format!("{}1", glyphs.stuck), plain, "forced restarts (stuck or over a limit): 1"),
        sign(COUNTS, &format!("{}5", glyphs.held), plain, "changes that are held while watching is paused: 5"),
        sign(COUNTS, "e4", Theme::bad, &format!("4 errors since you last looked{goes}")),
        sign(LINES, glyphs.error, Theme::bad, "an error"),
        sign(LINES, glyphs.warning, plain, "a warning"),
        sign(LINES, glyphs.trace, Theme::bad, "the trace of the error above"),
        sign(LINES, glyphs.hit, plain, "a match of the search, or the line that you went to"),
    ]
}

#[cfg(test)]
mod tests {
    use crate::tui::fixture::Bench;

    #[test]
    fn all_keys_and_signs_are_on_one_page_of_160_columns() {
        let mut bench = Bench::shop(160, 50);
        bench.press("?");
        let text = bench.text();
        assert!(!text.contains("more, 1 of"), "{text}");
        for told in [
            "SERVICES",
            "LOGS",
            "LEAVING",
            "kill everything and quit now",
            "SYMBOLS: STATE",
            "SYMBOLS: COUNTS",
            "SYMBOLS: BESIDE",
            "● ",
            "◌ ",
            "!1 ",
        ] {
            assert!(text.contains(told), "{told}\n{text}");
        }
        assert!(
            !text.contains('…') || !text.lines().any(|line| line.contains("detach") && line.contains('…')),
            "{text}"
        );
        let beside = text.lines().any(|line| line.contains("SERVICES") && line.contains("WATCHER"));
        assert!(beside, "two columns\n{text}");
    }

    #[test]
    fn it_stops_at_its_end_and_a_filter_leaves_signs_too() {
        let mut bench = Bench::shop(80, 24);
        bench.press("?");
        let first = bench.text();
        bench.press(&"⇟".repeat(20));
        let last = bench.text();
        assert!(last.contains("errors since you last looked") && !last.contains("more,"), "{last}");
        bench.press("↑");
        assert_ne!(bench.text(), last, "it goes up at once");
        bench.press(&"⇞".repeat(20));
        assert_eq!(bench.text(), first);
        bench.press("crash");
        let text = bench.text();
        assert!(text.contains("SYMBOLS") && text.contains("✗2") && !text.contains("LOGS"), "{text}");
    }
}
