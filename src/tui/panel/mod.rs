//! Panels: what is opened in place of the panes or over them, and has the keys while it is the topmost one.
//!
//! Each kind answers the same questions: what keys mean, what a key or pasted text changes, what an action does, and how
//! it is drawn (`view`). What is chosen in one is carried out by the state of the dashboard, when the panel is closed.

mod details;
mod help;
mod own_log;
mod palette;
mod restart_menu;
pub(super) mod tasks;
mod watcher;

use crossterm::event::KeyEvent;

use super::action::{Action, Context};
use super::glyphs::Glyphs;
use super::layout::OuterScreen;
use super::ui_state::World;
use super::view::task_rows;
use crate::domain::{Command, ServiceName};
pub(super) use details::Details;
pub(super) use help::Help;
pub(super) use own_log::OwnLog;
pub(super) use palette::{Palette, PaletteAction};
pub(super) use restart_menu::RestartMenu;
pub(super) use tasks::TasksPanel;
pub(super) use watcher::WatcherPanel;

/// Lines that a page goes.
const PAGE: usize = 10;

/// A panel with what it remembers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Panel {
    /// Every file event, in place of the panes.
    Watcher(WatcherPanel),
    /// The tasks of all workers, in place of the panes.
    Tasks(Box<TasksPanel>),
    /// The table of all keys.
    Help(Help),
    /// Everything about a service.
    Details(Details),
    /// What can be restarted, to choose from.
    Menu(RestartMenu),
    /// Every action by its name.
    Palette(Palette),
    /// devgroup's own log.
    OwnLog(OwnLog),
}

/// What an action in a panel can look at.
pub(super) struct Surroundings<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) screen: &'a OuterScreen,
    pub(super) glyphs: &'static Glyphs,
}

/// What was chosen in a panel, which is closed then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// An entry of the menu of restarts.
    Restart {
        command: Command,
        /// The service that it means nothing without.
        service: Option<ServiceName>,
    },
    /// An entry of the palette.
    Entry {
        action: PaletteAction,
        /// Where the palette was opened.
        under: Context,
        /// The service that was selected then.
        service: Option<ServiceName>,
    },
}

impl Panel {
    /// What keys mean while it is the topmost one.
    pub(super) fn context(&self) -> Context {
        match self {
            Self::Watcher(watcher) if watcher.typing => Context::WatcherFind,
            Self::Watcher(_) => Context::Watcher,
            Self::Tasks(tasks) if tasks.typing => Context::TasksFind,
            Self::Tasks(tasks) if tasks.open_task().is_some() => Context::Task,
            Self::Tasks(_) => Context::Tasks,
            Self::Help(_) => Context::Help,
            Self::Details(_) => Context::Details,
            Self::Menu(_) => Context::Menu,
            Self::Palette(_) => Context::Palette,
            Self::OwnLog(_) => Context::Log,
        }
    }

    /// It lies over what else is on the screen; otherwise it takes the place of the panes.
    pub(super) fn lies_over(&self) -> bool {
        !matches!(self, Self::Watcher(_) | Self::Tasks(_))
    }

    /// It shows something that changes with every second.
    pub(super) fn counts_seconds(&self) -> bool {
        // The own log has no other way to tell that it has grown.
        matches!(self, Self::Details(_) | Self::OwnLog(_))
    }

    /// A key, before it means an action. Whether it was part of a text that is typed.
    pub(super) fn type_key(&mut self, event: KeyEvent) -> bool {
        match self {
            Self::Watcher(watcher) => watcher.type_key(event),
            Self::Tasks(tasks) => tasks.type_key(event),
            Self::Help(help) => help.type_key(event),
            Self::Palette(palette) => palette.type_key(event),
            Self::Details(_) | Self::Menu(_) | Self::OwnLog(_) => false,
        }
    }

    /// Text is pasted. Whether there is a place for it.
    pub(super) fn type_text(&mut self, text: &str) -> bool {
        match self {
            Self::Watcher(watcher) => return watcher.type_text(text),
            Self::Tasks(tasks) => return tasks.type_text(text),
            Self::Help(help) => help.type_text(text),
            Self::Palette(palette) => palette.type_text(text),
            Self::Details(_) | Self::Menu(_) | Self::OwnLog(_) => return false,
        }
        true
    }

    /// What one notch of the wheel does: of two actions, the one up or the one down.
    pub(super) fn wheel(&self, up: bool) -> Option<Action> {
        match self {
            Self::Menu(_) => None,
            Self::OwnLog(_) => Some(if up { Action::PageUp } else { Action::PageDown }),
            _ => Some(if up { Action::LineUp } else { Action::LineDown }),
        }
    }

    /// Carries out an action. The answer is what was chosen, if that closes the panel.
    pub(super) fn act(&mut self, action: Action, around: &Surroundings<'_>) -> Option<Choice> {
        match self {
            Self::Watcher(watcher) => watcher.act(action, &around.world.snapshot.journal),
            Self::Tasks(tasks) => tasks.act(action, around.screen.watcher.map_or(0, task_rows)),
            Self::Help(help) => help.act(action, around),
            Self::Details(details) => details.act(action, around),
            Self::OwnLog(log) => log.act(action),
            Self::Menu(menu) => return menu.act(action, around.world.snapshot),
            Self::Palette(palette) => return palette.act(action, around.glyphs.set),
        }
        None
    }

    /// One step back. Whether that closes it.
    fn back(&mut self) -> bool {
        match self {
            Self::Watcher(watcher) => !watcher.end_search() && !watcher.end_why(),
            Self::Tasks(tasks) => tasks.back(),
            Self::OwnLog(log) => {
                log.show_newest();
                true
            }
            _ => true,
        }
    }
}

/// The panels that are open: at most one in place of the panes, and at most one over everything.
#[derive(Default)]
pub(super) struct Panels {
    /// The topmost is the last.
    open: Vec<Panel>,
    /// What was chosen in the own log is kept while it is closed.
    own_log: OwnLog,
}

impl Panels {
    /// Opens a panel in place of the one that is where it belongs.
    pub(super) fn open(&mut self, panel: Panel) {
        self.open.retain(|other| other.lies_over() != panel.lies_over());
        let place = if panel.lies_over() { self.open.len() } else { 0 };
        self.open.insert(place, panel);
    }

    /// Opens the own log as it was left.
    pub(super) fn open_own_log(&mut self) {
        self.open(Panel::OwnLog(self.own_log.clone()));
    }

    /// All that are open, the topmost last.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Panel> {
        self.open.iter()
    }

    /// The one over everything.
    pub(super) fn over(&self) -> Option<&Panel> {
        self.open.iter().find(|panel| panel.lies_over())
    }

    /// The one that keys are for, if they have that meaning.
    pub(super) fn with_keys(&mut self, context: Context) -> Option<&mut Panel> {
        self.open.last_mut().filter(|panel| panel.context() == context)
    }

    /// One is in place of the panes.
    pub(super) fn cover_panes(&self) -> bool {
        self.open.iter().any(|panel| !panel.lies_over())
    }

    /// The table of tasks.
    pub(super) fn tasks(&self) -> Option<&TasksPanel> {
        self.open.iter().find_map(|panel| match panel {
            Panel::Tasks(tasks) => Some(tasks.as_ref()),
            _ => None,
        })
    }

    /// The same, to be changed.
    pub(super) fn tasks_mut(&mut self) -> Option<&mut TasksPanel> {
        self.open.iter_mut().find_map(|panel| match panel {
            Panel::Tasks(tasks) => Some(tasks.as_mut()),
            _ => None,
        })
    }

    /// The watcher panel.
    pub(super) fn watcher(&self) -> Option<&WatcherPanel> {
        self.open.iter().find_map(|panel| match panel {
            Panel::Watcher(watcher) => Some(watcher),
            _ => None,
        })
    }

    /// The details of a service, to be changed.
    pub(super) fn details_mut(&mut self) -> Option<&mut Details> {
        self.open.iter_mut().find_map(|panel| match panel {
            Panel::Details(details) => Some(details),
            _ => None,
        })
    }

    /// The watcher panel, to be changed.
    pub(super) fn watcher_mut(&mut self) -> Option<&mut WatcherPanel> {
        self.open.iter_mut().find_map(|panel| match panel {
            Panel::Watcher(watcher) => Some(watcher),
            _ => None,
        })
    }

    /// Closes the topmost one.
    pub(super) fn close(&mut self) {
        self.open.pop();
    }

    /// One step back in the topmost one, which may close it.
    pub(super) fn back(&mut self) {
        self.open.pop_if(Panel::back);
    }
}

/// Where a scrolled or marked place goes by an action: nowhere if it is not one of these.
fn stepped(place: usize, action: Action, last: usize) -> usize {
    let to = match action {
        Action::LineUp => place.saturating_sub(1),
        Action::LineDown => place.saturating_add(1),
        Action::PageUp => place.saturating_sub(PAGE),
        Action::PageDown => place.saturating_add(PAGE),
        Action::Top => 0,
        Action::Follow => last,
        _ => place,
    };
    to.min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_takes_the_place_of_its_like_and_the_others_stay() {
        let mut panels = Panels::default();
        panels.open(Panel::Help(Help::default()));
        panels.open(Panel::Watcher(WatcherPanel::default()));
        assert_eq!(panels.with_keys(Context::Help), Some(&mut Panel::Help(Help::default())), "the help is above");
        assert!(panels.with_keys(Context::Watcher).is_none());
        panels.open_own_log();
        assert_eq!(panels.iter().map(Panel::context).collect::<Vec<_>>(), [Context::Watcher, Context::Log]);
        panels.back();
        assert!(panels.over().is_none() && panels.watcher().is_some());
        panels.back();
        assert_eq!(panels.iter().count(), 0);
    }
}
