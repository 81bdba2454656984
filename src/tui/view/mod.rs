//! Drawing: from the snapshot, the state of the screen and the visible lines to cells. Nothing here changes anything.

mod details;
mod footer;
mod header;
mod help;
mod hints;
mod menu;
mod own_log;
mod paint;
mod palette;
mod pane;
mod restart_bar;
mod sidebar;
mod stopping;
mod strip;
mod table;
mod tasks;
mod typing;
mod watcher;
mod worker_details;

use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use super::action::Context;
use super::glyphs::Glyphs;
use super::layout::OuterScreen;
use super::log_view::PaneText;
use super::panel::Panel;
use super::theme::Theme;
use super::ui_state::UiState;
use super::words::state_counts;
use crate::domain::{GroupSnapshot, Moment, approx};

pub(super) use details::last_start as details_last_start;
pub(super) use help::last_start as help_last_start;
pub use own_log::TIME_ENDS;
pub(super) use sidebar::{age_of, waits_until};
pub(super) use stopping::waited_for;
pub(super) use strip::{moments as strip_moments, rows as strip_rows};
pub(super) use tasks::{rows_of_text as task_rows, task_at, text_columns as task_columns};
pub(super) use watcher::event_at as watcher_event_at;

/// All that a frame is made of.
pub(super) struct Scene<'a> {
    /// The state of the group, as it was last published.
    pub(super) snapshot: &'a GroupSnapshot,
    /// What the user has chosen to see.
    pub(super) ui: &'a UiState,
    /// Where everything is.
    pub(super) screen: &'a OuterScreen,
    /// What the panes show, in the order of the panes.
    pub(super) texts: &'a [&'a PaneText],
    /// While the group stops: the last line of the service that is waited for.
    pub(super) last_words: Option<&'a str>,
    /// Where the web page is, if that is open.
    pub(super) page: Option<&'a str>,
    /// The moment of the frame; ages count from it.
    pub(super) now: Moment,
    /// The time of day of a moment.
    pub(super) time_of_day: &'a dyn Fn(Moment) -> String,
}

impl Scene<'_> {
    fn glyphs(&self) -> &'static Glyphs {
        self.ui.glyphs
    }

    fn theme(&self) -> Theme {
        self.ui.theme
    }

    /// How long ago a moment was: `12s`, `41m`.
    fn age(&self, since: Moment) -> String {
        approx(self.now.since(since))
    }
}

/// Draws a frame. The answer is where the cursor belongs: on the focused line, where screen readers look for it.
pub(super) fn draw(scene: &Scene<'_>, buffer: &mut Buffer) -> Option<Position> {
    let screen = scene.screen;
    if screen.one_line {
        return match scene.ui.typist.target().or(scene.ui.typist.over()) {
            Some(_) => typing::one_line(scene, buffer),
            None => one_line(scene, buffer),
        };
    }
    let (mut cursor, mut prompt) = (None, None);
    header::draw(scene, buffer);
    if let Some(area) = screen.tabs {
        cursor = sidebar::tabs(scene, area, buffer).or(cursor);
    }
    if let Some((area, style)) = screen.sidebar {
        cursor = sidebar::sidebar(scene, area, style, buffer).or(cursor);
        prompt = cursor.filter(|_| scene.ui.service_filter.is_some());
    }
    for rule in &screen.rules {
        paint::upright(buffer, *rule, scene.glyphs(), scene.theme().structure());
    }
    for (index, shown) in screen.panes.iter().enumerate() {
        let text = scene.texts.get(index).copied();
        let in_pane = pane::draw(scene, shown, text, buffer);
        if scene.ui.panes.zoom || scene.ui.selected(scene.snapshot) == Some(shown.service) {
            // A service that hides its cursor has none.
            let typed = scene.ui.context(scene.snapshot) == Context::Typing;
            cursor = if typed { in_pane } else { in_pane.or(cursor) };
        }
    }
    if let Some(shown) = &screen.merged {
        cursor = pane::draw_merged(scene, shown, scene.texts.first().copied(), buffer).or(cursor);
    }
    if let Some(area) = screen.strip {
        strip::draw(scene, area, buffer);
    }
    let stops = scene.ui.context(scene.snapshot) == Context::Stopping;
    for panel in scene.ui.panels.iter().filter(|panel| !(stops && panel.lies_over())) {
        cursor = panel.draw(scene, buffer).or(cursor);
    }
    if stops {
        cursor = stopping::draw(scene, buffer).or(cursor);
    }
    footer::draw(scene, buffer).or(prompt).or(cursor)
}

impl Panel {
    /// Draws it. The answer is where the cursor belongs.
    fn draw(&self, scene: &Scene<'_>, buffer: &mut Buffer) -> Option<Position> {
        match self {
            Self::Watcher(panel) => watcher::panel(scene, scene.screen.watcher?, panel, buffer),
            Self::Tasks(panel) => tasks::draw(scene, scene.screen.watcher?, panel, buffer),
            Self::Help(help) => help::draw(scene, help, buffer),
            Self::Details(details) => details::draw(scene, details, buffer),
            Self::Menu(menu) => menu::draw(scene, menu, buffer),
            Self::Palette(palette) => palette::draw(scene, palette, buffer),
            Self::OwnLog(log) => own_log::draw(scene, log, buffer),
        }
    }
}

/// A terminal that is too small for anything else: `4● 1✗ — enlarge (q quits)`. The failures stay to the last column.
fn one_line(scene: &Scene<'_>, buffer: &mut Buffer) -> Option<Position> {
    let (glyphs, theme, area) = (scene.glyphs(), scene.theme(), scene.screen.area);
    let counts = state_counts(scene.snapshot, glyphs, theme);
    let of = |glyph| counts.iter().filter(|it| it.glyph == glyph).map(|it| it.count).sum::<usize>();
    let failed = format!("{}{}", of(glyphs.failed), glyphs.failed);
    let up = format!("{}{}", of(glyphs.up), glyphs.up);
    let room = usize::from(area.width);
    let failed_style = if of(glyphs.failed) > 0 { theme.bad() } else { theme.structure() };
    let long = format!("{up} {failed} {} enlarge (q quits)", glyphs.dash);
    let x = if super::text::width(&format!("{up} {failed}")) <= room {
        let x = paint::put_text(buffer, area, area.x, area.y, &up, theme.good());
        paint::put_text(buffer, area, x.saturating_add(1), area.y, &failed, failed_style)
    } else {
        paint::put_text(buffer, area, area.x, area.y, &failed, failed_style)
    };
    let hints =
        [long.strip_prefix(&format!("{up} {failed}")).unwrap_or_default().to_owned(), " q quits".into(), " q".into()];
    let left = room.saturating_sub(usize::from(x));
    if let Some(hint) = hints.iter().find(|hint| super::text::width(hint) <= left) {
        paint::put_text(buffer, area, x, area.y, hint, theme.structure());
    }
    None
}

#[cfg(test)]
mod hint_tests;
#[cfg(test)]
mod place_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod worker_tests;
