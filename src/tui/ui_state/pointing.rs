//! The mouse on the dashboard, and text that is pasted into it.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::super::action::{Action, Context};
use super::super::layout::OuterScreen;
use super::super::sidebar_rows;
use super::super::source::Source;
use super::super::view::{task_at, watcher_event_at};
use super::{UiState, World};

/// Rows that one notch of the wheel scrolls.
const WHEEL_ROWS: i64 = 3;

impl UiState {
    /// The mouse was used.
    pub(in crate::tui) fn pointer(&mut self, event: MouseEvent, world: &World<'_>) {
        let at = Position { x: event.column, y: event.row };
        let screen = self.screen(world);
        let wheel = match event.kind {
            MouseEventKind::ScrollUp => -1,
            MouseEventKind::ScrollDown => 1,
            MouseEventKind::Down(MouseButton::Left) => {
                if world.snapshot.stopping.is_none() && self.panels.over().is_none() {
                    self.click(at, &screen, world);
                }
                return;
            }
            _ => return,
        };
        match self.context(world.snapshot) {
            Context::Normal
            | Context::Zoom
            | Context::Merged
            | Context::Prompt
            | Context::ServiceFilter
            | Context::Select
            | Context::Typing
            | Context::Stopping => {
                if screen.merged.is_some_and(|pane| pane.area.contains(at)) {
                    return self.viewport(&Source::Merged).scroll(wheel * WHEEL_ROWS);
                }
                let under = screen.panes.iter().find(|pane| pane.area.contains(at));
                if let Some(service) = under.and_then(|pane| world.snapshot.services.get(pane.service)) {
                    self.log(&service.name).scroll(wheel * WHEEL_ROWS);
                } else if self.service_filter.is_some() {
                    self.filter_action(if wheel < 0 { Action::LineUp } else { Action::LineDown }, world);
                } else if contains(screen.sidebar.map(|(area, _)| area), at) || contains(screen.tabs, at) {
                    self.step(if wheel < 0 { -1 } else { 1 }, world);
                }
            }
            context => {
                let action = self.panels.with_keys(context).and_then(|panel| panel.wheel(wheel < 0));
                if let Some(action) = action {
                    self.apply_in(action, context, world);
                }
            }
        }
    }

    fn click(&mut self, at: Position, screen: &OuterScreen, world: &World<'_>) {
        let selected = self.selected(world.snapshot);
        if let Some((area, _)) = screen.sidebar
            && area.contains(at)
        {
            let marked = self.marked(world.snapshot);
            let rows = sidebar_rows::rows(
                world.snapshot,
                &self.folds,
                self.service_filter.as_ref(),
                usize::from(area.height),
                marked,
            );
            let row = at.y.checked_sub(area.y).and_then(|row| rows.get(usize::from(row)));
            if let Some(service) = row.and_then(sidebar_rows::SidebarRow::service) {
                self.select_shown(service, world);
            }
        } else if contains(screen.tabs, at) {
            let tabs = sidebar_rows::tabs(
                world.snapshot,
                (&self.folds, &self.unseen),
                screen.area.width,
                selected,
                (self.glyphs, self.theme),
            );
            if let Some(tab) = tabs.iter().rev().find(|tab| tab.x <= at.x) {
                self.select_shown(tab.service, world);
            }
        } else if let Some(pane) = screen.panes.iter().find(|pane| pane.area.contains(at)) {
            self.focus(pane.service, world);
        } else if let (Some(area), Some(panel)) = (screen.watcher, self.panels.watcher_mut())
            && let Some(seq) = watcher_event_at(at, area, panel, &world.snapshot.journal)
        {
            panel.marked = Some(seq);
        } else if let (Some(area), Some(panel)) = (screen.watcher, self.panels.tasks_mut())
            && let Some(place) = task_at(at, area, panel)
        {
            panel.mark(place);
        }
    }

    /// Text was pasted: into what is being typed, or nowhere.
    pub(in crate::tui) fn paste(&mut self, text: &str, world: &World<'_>) {
        let context = self.context(world.snapshot);
        if context == Context::Prompt {
            return self.prompt_paste(text, world);
        }
        if let Some(filter) = self.service_filter.as_mut().filter(|_| context == Context::ServiceFilter) {
            return filter.type_text(text);
        }
        if !self.panels.with_keys(context).is_some_and(|panel| panel.type_text(text)) {
            self.show_message("pasted text does nothing here");
        }
    }
}

fn contains(area: Option<Rect>, at: Position) -> bool {
    area.is_some_and(|area| area.contains(at))
}
