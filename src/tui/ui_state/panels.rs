//! Keys in what lies over the panes: the menu of restarts, the watcher panel, the help, the details, devgroup's own log.

use crossterm::event::KeyEvent;
use tui_logger::TuiWidgetEvent;

use super::super::action::Action;
use super::super::keymap::Keymap;
use super::super::overlay::{Overlay, restart_menu};
use super::super::palette::PaletteAction;
use super::super::view::details_last_start;
use super::{UiState, World};
use crate::domain::Command;

impl UiState {
    pub(super) fn menu_action(&mut self, action: Action, world: &World<'_>) -> Vec<Command> {
        let Some(Overlay::Menu { service, marked }) = &mut self.overlay else { return Vec::new() };
        let items = restart_menu(world.snapshot, service);
        let chosen = match action {
            Action::LineUp => {
                *marked = marked.saturating_sub(1);
                return Vec::new();
            }
            Action::LineDown => {
                *marked = (*marked + 1).min(items.len() - 1);
                return Vec::new();
            }
            Action::Choose => *marked,
            Action::Restart => 0,
            Action::RestartAll => 1,
            Action::RestartFailed => 2,
            Action::RestartDependents => 3,
            Action::RestartForce => 4,
            _ => return Vec::new(),
        };
        let service = service.clone();
        self.overlay = None;
        let item =
            items.into_iter().nth(chosen).filter(|item| !item.is_for_service() || self.is_there(&service, world));
        item.map(|item| item.command).into_iter().collect()
    }

    /// A key while the palette is open. The answer is whether it was text.
    pub(super) fn palette_key(&mut self, event: KeyEvent) -> bool {
        let Some(Overlay::Palette(palette)) = &mut self.overlay else { return false };
        palette.type_key(event)
    }

    pub(super) fn palette_action(&mut self, action: Action, world: &World<'_>) -> Vec<Command> {
        /// Lines that a page goes.
        const PAGE: usize = 10;
        let Some(Overlay::Palette(palette)) = &mut self.overlay else { return Vec::new() };
        let entries = palette.entries(self.glyphs.set);
        let last = entries.len().saturating_sub(1);
        palette.marked = match action {
            Action::LineUp => palette.marked.saturating_sub(1),
            Action::LineDown => palette.marked + 1,
            Action::PageUp => palette.marked.saturating_sub(PAGE),
            Action::PageDown => palette.marked + PAGE,
            _ => palette.marked,
        }
        .min(last);
        if action != Action::Choose {
            return Vec::new();
        }
        let (under, marked, service) = (palette.under, palette.marked, palette.service.take());
        let Some(entry) = entries.into_iter().nth(marked) else { return Vec::new() };
        self.overlay = None;
        match entry.action {
            PaletteAction::Select(service) => {
                if self.is_there(&service, world) {
                    self.select_name(&service);
                }
                Vec::new()
            }
            PaletteAction::Act(action) => {
                // What was selected when the palette was opened is meant, also if it is gone.
                self.selected = service.or(self.selected.take());
                match self.selected.clone() {
                    Some(service) if action.is_of_menu() => {
                        self.overlay = Some(Overlay::Menu { service, marked: 0 });
                        self.menu_action(action, world)
                    }
                    _ => self.apply(action, under, world),
                }
            }
        }
    }

    pub(super) fn watcher_action(&mut self, action: Action, world: &World<'_>) {
        if let Some(panel) = &mut self.watcher {
            panel.act(action, &world.snapshot.journal);
        }
    }

    pub(super) fn help_action(&mut self, action: Action) {
        let Some(Overlay::Help { scroll, .. }) = &mut self.overlay else { return };
        match action {
            Action::LineUp => *scroll = scroll.saturating_sub(1),
            Action::LineDown => *scroll = scroll.saturating_add(1),
            Action::PageUp => *scroll = scroll.saturating_sub(10),
            Action::PageDown => *scroll = scroll.saturating_add(10),
            _ => {}
        }
        let count = Keymap::get().help(self.glyphs.set).len() * 2;
        *scroll = (*scroll).min(count);
    }

    pub(super) fn details_action(&mut self, action: Action, world: &World<'_>) {
        let Some(Overlay::Details { service, scroll }) = self.overlay.clone() else { return };
        let name = service.clone();
        let service = world.snapshot.service(&name);
        let last = service.map_or(0, |service| details_last_start(service, &self.screen(world), self, world.now));
        let to = match action {
            Action::LineUp => scroll.saturating_sub(1),
            Action::LineDown => scroll.saturating_add(1),
            Action::PageUp => scroll.saturating_sub(10),
            Action::PageDown => scroll.saturating_add(10),
            Action::Top => 0,
            Action::Follow => last,
            _ => return,
        };
        self.overlay = Some(Overlay::Details { service: name, scroll: to.min(last) });
    }

    pub(super) fn log_action(&mut self, action: Action) {
        let event = match action {
            Action::LogHide => TuiWidgetEvent::HideKey,
            Action::LogFocus => TuiWidgetEvent::FocusKey,
            Action::LineUp => TuiWidgetEvent::UpKey,
            Action::LineDown => TuiWidgetEvent::DownKey,
            Action::LogShowLess => TuiWidgetEvent::LeftKey,
            Action::LogShowMore => TuiWidgetEvent::RightKey,
            Action::LogCaptureLess => TuiWidgetEvent::MinusKey,
            Action::LogCaptureMore => TuiWidgetEvent::PlusKey,
            Action::PageUp => TuiWidgetEvent::PrevPageKey,
            Action::PageDown => TuiWidgetEvent::NextPageKey,
            Action::LogSilent => TuiWidgetEvent::SpaceKey,
            _ => return,
        };
        self.own_log.transition(event);
    }
}
