//! The menu of restarts.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::super::action::{Action, Context};
use super::super::keymap::Keymap;
use super::super::panel::RestartMenu;
use super::super::text::{cut_right, pad, width};
use super::Scene;
use super::paint::{self, Titles};

/// The actions of the lines, whose keys are shown.
const ACTIONS: [Action; 5] =
    [Action::Restart, Action::RestartAll, Action::RestartFailed, Action::RestartDependents, Action::RestartForce];

/// Draws the menu. The answer is where the marked line is.
pub(super) fn draw(scene: &Scene<'_>, menu: &RestartMenu, buffer: &mut Buffer) -> Option<Position> {
    let (glyphs, theme, all) = (scene.glyphs(), scene.theme(), scene.screen.area);
    let items = menu.items(scene.snapshot);
    let free = Rect { height: all.height.saturating_sub(u16::from(scene.screen.footer.is_some())), ..all };
    let longest = items.iter().map(|item| width(&item.text)).max().unwrap_or(0);
    let columns = u16::try_from(longest + 8).unwrap_or(u16::MAX);
    let area = paint::centered(free, columns, u16::try_from(items.len() + 2).unwrap_or(u16::MAX));
    paint::clear(buffer, area);
    let titles = Titles { left: vec![Span::styled("restart", theme.strong())], ..Titles::default() };
    let inner = paint::frame(buffer, area, glyphs, false, theme.structure(), &titles);
    let mut cursor = None;
    for ((place, (item, action)), y) in items.iter().zip(ACTIONS).enumerate().zip(inner.top()..inner.bottom()) {
        let mut style = Style::new();
        if place == menu.marked {
            style = style.add_modifier(Modifier::REVERSED);
            cursor = Some(Position { x: inner.x, y });
        }
        let room = usize::from(inner.width);
        let key = Keymap::get().key_name(Context::Menu, action, glyphs.set);
        let line = pad(cut_right(&format!(" {key}  {}", item.text), room, glyphs.ellipsis), room);
        paint::put_text(buffer, inner, inner.x, y, &line, style);
    }
    cursor
}
