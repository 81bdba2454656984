//! The help overlay: the key table, filtered by what is typed.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::super::keymap::{HelpRow, Keymap};
use super::super::panel::Help;
use super::super::text::{column, cut_right, width};
use super::Scene;
use super::paint::{self, Titles};

/// Cells of the keys.
const KEYS: usize = 9;

/// Draws the overlay. The answer is where the next typed character goes.
pub(super) fn draw(scene: &Scene<'_>, help: &Help, buffer: &mut Buffer) -> Option<Position> {
    let (glyphs, theme, all) = (scene.glyphs(), scene.theme(), scene.screen.area);
    let Help { filter, scroll } = help;
    let rows = lines(Keymap::get().help(glyphs.set), filter);
    let area = if scene.screen.compact {
        Rect { height: all.height.saturating_sub(u16::from(scene.screen.footer.is_some())), ..all }
    } else {
        let height = u16::try_from(rows.len() + 2).unwrap_or(u16::MAX).min(all.height.saturating_sub(4));
        let width = all.width.saturating_sub(4).min(84);
        Rect { x: (all.width - width) / 2, y: 2, width, height }
    };
    paint::clear(buffer, area);
    let height = usize::from(area.height.saturating_sub(2)).max(1);
    let last_start = rows.len().saturating_sub(height);
    let start = (*scroll).min(last_start);
    let hint = if filter.is_empty() { "type to filter".to_owned() } else { format!("filter: {filter}") };
    let hint = cut_right(&hint, usize::from(area.width / 2), glyphs.ellipsis);
    let right = if scene.screen.compact {
        hint.clone()
    } else {
        format!("devgroup {} {} {hint}", env!("CARGO_PKG_VERSION"), glyphs.dot)
    };
    let pages = rows.len().div_ceil(height);
    let below = if start < last_start {
        format!("{} more, {} of {pages}", glyphs.more, start / height + 1)
    } else {
        String::new()
    };
    let titles = Titles {
        left: vec![Span::styled("help", theme.strong())],
        right: vec![Span::raw(right)],
        below: if below.is_empty() { Vec::new() } else { vec![Span::raw(below)] },
    };
    let inner = paint::frame(buffer, area, glyphs, true, theme.accent(), &titles);
    if rows.is_empty() {
        paint::put_text(buffer, inner, inner.x + 1, inner.y, "no key is about that", theme.dim());
    }
    for (row, y) in rows.iter().skip(start).zip(inner.top()..inner.bottom()) {
        let room = usize::from(inner.width).saturating_sub(1);
        match row {
            Row::Heading(text) => {
                paint::put_text(buffer, inner, inner.x + 1, y, &cut_right(text, room, glyphs.ellipsis), theme.strong());
            }
            Row::Key(row) => {
                let keys = column(&row.keys, width(&row.keys).max(KEYS), glyphs.ellipsis);
                let x = paint::put_text(buffer, inner, inner.x + 3, y, &keys, theme.strong());
                let left = usize::from(inner.right().saturating_sub(x)).saturating_sub(2);
                let text = format!(" {}", cut_right(&row.text, left, glyphs.ellipsis));
                paint::put_text(buffer, inner, x, y, &text, Style::new());
            }
        }
    }
    let end = area.right().saturating_sub(4);
    (area.height > 0).then_some(Position { x: end, y: area.y }).filter(|position| all.contains(*position))
}

enum Row {
    Heading(String),
    Key(HelpRow),
}

/// The rows with that text in keys, words or heading, under their headings.
fn lines(rows: Vec<HelpRow>, filter: &str) -> Vec<Row> {
    let wanted = filter.to_lowercase();
    let mut lines = Vec::with_capacity(rows.len() * 2);
    let mut group = String::new();
    for row in rows {
        let found = [&row.keys, &row.text, &row.group].iter().any(|text| text.to_lowercase().contains(&wanted));
        if !found {
            continue;
        }
        if row.group != group {
            group.clone_from(&row.group);
            lines.push(Row::Heading(group.clone()));
        }
        lines.push(Row::Key(row));
    }
    lines
}
