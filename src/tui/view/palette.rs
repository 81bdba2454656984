//! The palette: a line for what is typed, and below it what is found.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::super::panel::Palette;
use super::super::text::{column, cut_right, width};
use super::Scene;
use super::paint::{self, Titles};

/// Columns of the widest.
const COLUMNS: u16 = 84;
/// Rows beside those of the entries: the frame, and the line for what is typed.
const AROUND: usize = 3;
/// Cells of the names, where what they do is shown too.
const NAME: usize = 19;

/// Draws the palette. The answer is where the next character goes.
pub(super) fn draw(scene: &Scene<'_>, palette: &Palette, buffer: &mut Buffer) -> Option<Position> {
    let (glyphs, theme, all) = (scene.glyphs(), scene.theme(), scene.screen.area);
    let entries = palette.entries(glyphs.set);
    let area = if scene.screen.compact {
        Rect { height: all.height.saturating_sub(u16::from(scene.screen.footer.is_some())), ..all }
    } else {
        // As high whatever is found, so that it does not jump while one types.
        let rows = u16::try_from(palette.most_entries(glyphs.set) + AROUND).unwrap_or(u16::MAX);
        let height = all.height.saturating_sub(4).min(rows);
        let width = all.width.saturating_sub(4).min(COLUMNS);
        Rect { x: (all.width - width) / 2, y: 2, width, height }
    };
    paint::clear(buffer, area);
    let marked = palette.marked.min(entries.len().saturating_sub(1));
    let place = if entries.is_empty() { String::new() } else { format!("{} of {}", marked + 1, entries.len()) };
    let titles = Titles {
        left: vec![Span::styled("actions", theme.strong())],
        right: vec![Span::raw(place)],
        ..Titles::default()
    };
    let inner = paint::frame(buffer, area, glyphs, false, theme.structure(), &titles);
    let room = usize::from(inner.width);
    // The end of it is what one types at.
    let typed = super::super::text::cut_left(&palette.typed, room.saturating_sub(4), glyphs.ellipsis);
    let x = paint::put_text(buffer, inner, inner.x, inner.y, &format!(" : {typed}"), theme.strong());
    if entries.is_empty() {
        paint::put_text(buffer, inner, inner.x + 3, inner.y + 1, "no matching action", theme.structure());
    }
    let rows = usize::from(inner.height.saturating_sub(1)).max(1);
    // The marked one is always in sight.
    let start = (marked + 1).saturating_sub(rows);
    let shown = entries.iter().enumerate().skip(start);
    for ((index, entry), y) in shown.zip(inner.top() + 1..inner.bottom()) {
        let mut style = Style::new();
        if index == marked {
            style = style.add_modifier(Modifier::REVERSED);
        }
        let key = format!(" {} ", entry.key);
        let left = room.saturating_sub(width(&key));
        let text = if room < 60 {
            format!(" {}", entry.name)
        } else {
            format!(" {}  {}", column(&entry.name, width(&entry.name).max(NAME), glyphs.ellipsis), entry.about)
        };
        let line = column(&cut_right(&text, left, glyphs.ellipsis), left, glyphs.ellipsis);
        paint::put_text(buffer, inner, inner.x, y, &format!("{line}{key}"), style);
    }
    Some(Position { x, y: inner.y }).filter(|position| inner.contains(*position))
}
