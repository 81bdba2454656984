//! What lies over or in place of the panes: menus, help, details, the watcher panel.

use crate::domain::{Command, FileJournal, GroupSnapshot, JournalEntry, ServiceName, Targets, Verdict};

/// What lies over the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Overlay {
    /// The keys.
    Help {
        /// Only rows with this text.
        filter: String,
        /// The first row that is shown.
        scroll: usize,
    },
    /// Everything about the selected service.
    Details {
        /// The first line that is shown.
        scroll: usize,
    },
    /// The restarts.
    Menu {
        /// The marked one.
        marked: usize,
    },
    /// devgroup's own log.
    OwnLog,
}

/// The watcher panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WatcherPanel {
    /// The marked event; the newest if `None`.
    pub(super) marked: Option<u64>,
    /// The rule of the marked event is shown.
    pub(super) why: bool,
    /// Ignored events are not shown.
    pub(super) hide_ignored: bool,
}

impl WatcherPanel {
    /// The events that are shown, newest first.
    pub(super) fn entries(self, journal: &FileJournal) -> impl Iterator<Item = &JournalEntry> {
        journal.entries().rev().filter(move |entry| !(self.hide_ignored && entry.verdict == Verdict::Ignored))
    }

    /// The place of the marked event among those that are shown. One that was dropped or hidden gives way to the next
    /// older one.
    pub(super) fn place(self, journal: &FileJournal) -> usize {
        let Some(marked) = self.marked else { return 0 };
        let count = self.entries(journal).count();
        self.entries(journal).position(|entry| entry.seq <= marked).unwrap_or(count.saturating_sub(1))
    }

    /// Marks the event so many places further down.
    pub(super) fn step(&mut self, journal: &FileJournal, by: isize) {
        let count = self.entries(journal).count();
        let place = self.place(journal).saturating_add_signed(by).min(count.saturating_sub(1));
        // At the newest, the mark stays with whatever is newest.
        self.marked = if place == 0 { None } else { self.entries(journal).nth(place).map(|entry| entry.seq) };
    }
}

/// One line of the menu of restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MenuItem {
    /// For people.
    pub(super) text: String,
    /// What it does.
    pub(super) command: Command,
}

/// The menu of restarts, in the order of the keys `r a f d F`.
pub(super) fn restart_menu(snapshot: &GroupSnapshot, selected: &ServiceName) -> [MenuItem; 5] {
    let failed = snapshot.services.iter().filter(|service| service.failure().is_some()).count();
    let item =
        |text: String, targets: Targets, force: bool| MenuItem { text, command: Command::Restart { targets, force } };
    [
        item(format!("{selected}"), Targets::one(selected), false),
        item("all that are wanted".into(), Targets::All, false),
        item(format!("failed ({failed})"), Targets::Failed, false),
        item(format!("{selected}, then those that depend on it"), Targets::WithDependents(selected.clone()), false),
        item(format!("{selected} by force (KILL at once)"), Targets::one(selected), true),
    ]
}
