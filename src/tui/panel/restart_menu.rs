//! The menu of restarts.

use super::{Choice, stepped};
use crate::domain::{Command, GroupSnapshot, ServiceName, Targets};
use crate::tui::action::Action;

/// What can be restarted, to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tui) struct RestartMenu {
    /// The service that they are for: it stays that one, whatever is selected or removed meanwhile.
    pub(in crate::tui) service: ServiceName,
    /// The marked one.
    pub(in crate::tui) marked: usize,
}

impl RestartMenu {
    /// For that service; the first line is marked.
    pub(in crate::tui) fn of(service: ServiceName) -> Self {
        Self { service, marked: 0 }
    }

    /// Marks another line, or chooses one.
    pub(super) fn act(&mut self, action: Action, snapshot: &GroupSnapshot) -> Option<Choice> {
        let items = restart_menu(snapshot, &self.service);
        let chosen = match action {
            Action::Choose => self.marked,
            Action::Restart => 0,
            Action::RestartAll => 1,
            Action::RestartFailed => 2,
            Action::RestartDependents => 3,
            Action::RestartForce => 4,
            _ => {
                self.marked = stepped(self.marked, action, items.len() - 1);
                return None;
            }
        };
        let item = items.into_iter().nth(chosen)?;
        let service = item.is_for_service().then(|| self.service.clone());
        Some(Choice::Restart { command: item.command, service })
    }
}

/// One line of the menu of restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tui) struct MenuItem {
    /// The entry, for people.
    pub(in crate::tui) text: String,
    /// What it does.
    pub(in crate::tui) command: Command,
}

impl MenuItem {
    /// It is about the service of the menu, and means nothing without it.
    pub(in crate::tui) fn is_for_service(&self) -> bool {
        !matches!(&self.command, Command::Restart { targets: Targets::All | Targets::Failed, .. })
    }
}

/// The menu of restarts, in the order of the keys `r a f d F`.
pub(in crate::tui) fn restart_menu(snapshot: &GroupSnapshot, selected: &ServiceName) -> [MenuItem; 5] {
    let failed = snapshot.services.iter().filter(|service| service.failure().is_some()).count();
    let item =
        |text: String, targets: Targets, force: bool| MenuItem { text, command: Command::Restart { targets, force } };
    [
        item(format!("{selected}"), Targets::one(selected), false),
        item("all running services".into(), Targets::All, false),
        item(format!("failed ({failed})"), Targets::Failed, false),
        item(format!("{selected}, then its dependents"), Targets::WithDependents(selected.clone()), false),
        item(format!("{selected} by force (SIGKILL)"), Targets::one(selected), true),
    ]
}
