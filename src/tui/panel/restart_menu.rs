//! The menu of restarts.

use super::{Choice, stepped};
use crate::domain::{Command, GroupSnapshot, ServiceName, Targets};
use crate::tui::action::Action;

/// What can be restarted, to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tui) struct RestartMenu {
    /// The service that they are for: it stays that one, whatever is selected or removed meanwhile.
    pub(in crate::tui) service: ServiceName,
    /// Whom that means: it, or all folded instances.
    all: Vec<ServiceName>,
    /// The marked one.
    pub(in crate::tui) marked: usize,
}

impl RestartMenu {
    /// For that service, which stands for all of these; the first line is marked.
    pub(in crate::tui) fn of(service: ServiceName, all: Vec<ServiceName>) -> Self {
        Self { service, all, marked: 0 }
    }

    /// Marks another line, or chooses one.
    pub(super) fn act(&mut self, action: Action, snapshot: &GroupSnapshot) -> Option<Choice> {
        let items = self.items(snapshot);
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

impl RestartMenu {
    /// The lines, in the order of the keys `r a f d F`.
    pub(in crate::tui) fn items(&self, snapshot: &GroupSnapshot) -> [MenuItem; 5] {
        let failed = snapshot.services.iter().filter(|service| service.failure().is_some()).count();
        let item = |text: String, targets: Targets, force: bool| MenuItem {
            text,
            command: Command::Restart { targets, force },
        };
        // Some may be gone meanwhile.
        let named: Vec<ServiceName> =
            self.all.iter().filter(|name| snapshot.service(name).is_some()).cloned().collect();
        let of = self.service.split_instance().filter(|_| self.all.len() > 1);
        let shown =
            of.map_or_else(|| self.service.to_string(), |(of, _)| format!("{of} ({} instances)", self.all.len()));
        let all = || Targets::Named(named.clone());
        [
            item(shown.clone(), all(), false),
            item("all running services".into(), Targets::All, false),
            item(format!("failed ({failed})"), Targets::Failed, false),
            item(format!("{shown}, then its dependents"), Targets::WithDependents(named.clone()), false),
            item(format!("{shown} by force (SIGKILL)"), all(), true),
        ]
    }
}
