//! What lies over the panes: menus, help, details.

use super::palette::Palette;
use crate::domain::{Command, GroupSnapshot, ServiceName, Targets};

/// What lies over the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Overlay {
    /// The table of all keys.
    Help {
        /// Only rows with this text.
        filter: String,
        /// The first row that is shown.
        scroll: usize,
    },
    /// Everything about a service: it stays that one, whatever is selected or removed meanwhile.
    Details {
        /// Name of the service.
        service: ServiceName,
        /// The first line that is shown.
        scroll: usize,
    },
    /// What can be restarted, to choose from.
    Menu {
        /// The service that they are for, as for the details.
        service: ServiceName,
        /// The marked one.
        marked: usize,
    },
    /// Every action by its name.
    Palette(Palette),
    /// devgroup's own log.
    OwnLog,
}

/// One line of the menu of restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MenuItem {
    /// The entry, for people.
    pub(super) text: String,
    /// What it does.
    pub(super) command: Command,
}

impl MenuItem {
    /// It is about the service of the menu, and means nothing without it.
    pub(super) fn is_for_service(&self) -> bool {
        !matches!(&self.command, Command::Restart { targets: Targets::All | Targets::Failed, .. })
    }
}

/// The menu of restarts, in the order of the keys `r a f d F`.
pub(super) fn restart_menu(snapshot: &GroupSnapshot, selected: &ServiceName) -> [MenuItem; 5] {
    let failed = snapshot.services.iter().filter(|service| service.failure().is_some()).count();
    let item =
        |text: String, targets: Targets, force: bool| MenuItem { text, command: Command::Restart { targets, force } };
    [
        item(format!("{selected}"), Targets::one(selected), false),
        item("all that should be up".into(), Targets::All, false),
        item(format!("failed ({failed})"), Targets::Failed, false),
        item(format!("{selected}, then those that depend on it"), Targets::WithDependents(selected.clone()), false),
        item(format!("{selected} by force (KILL at once)"), Targets::one(selected), true),
    ]
}
