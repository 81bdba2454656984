//! Which service keys mean, and how the focus goes from one to the next.

use std::time::Duration;

use super::super::action::{Action, Context};
use super::super::keymap::Keymap;
use super::{UiState, World};
use crate::domain::{GroupSnapshot, ServiceName, ServiceSnapshot};

/// So long after the dashboard was opened, what fails is what fails at the start.
pub(super) const START: Duration = Duration::from_secs(10);

impl UiState {
    pub(super) fn selected_name(&self, snapshot: &GroupSnapshot) -> Option<ServiceName> {
        Some(snapshot.services.get(self.selected(snapshot)?)?.name.clone())
    }

    /// The service that a key is for. Nothing if the one that was selected is gone: no other was meant, and that is said.
    pub(super) fn subject(&mut self, world: &World<'_>) -> Option<ServiceName> {
        match self.selected.clone() {
            Some(name) => self.is_there(&name, world).then_some(name),
            None => self.selected_name(world.snapshot),
        }
    }

    /// The address of a service is opened.
    pub(super) fn open_url(&mut self, name: &ServiceName, world: &World<'_>) {
        let service = world.snapshot.service(name);
        if service.is_some_and(|service| !service.may_answer()) {
            let (start, dot) =
                (Keymap::get().key_name(Context::Normal, Action::Start, self.glyphs.set), self.glyphs.dot);
            return self.show_message(format!("{name} is not running {dot} {start} starts it"));
        }
        self.requests.browse = service.and_then(ServiceSnapshot::address);
        if self.requests.browse.is_none() {
            self.show_message(format!("nothing to open: give {name} a `url` or a `port` in procgroup.toml"));
        }
    }

    /// A service is in the group; if it is not any more, that is said.
    pub(super) fn is_there(&mut self, name: &ServiceName, world: &World<'_>) -> bool {
        let is_there = world.snapshot.service(name).is_some();
        if !is_there {
            self.selected.take_if(|selected| selected == name);
            self.show_message(format!("nothing done: {name} is no longer in the group"));
        }
        is_there
    }

    /// Names what is selected: what has no name is the first service that is to run, and another one may become that.
    pub(super) fn settle_selection(&mut self, world: &World<'_>) {
        // Before the group has begun, nobody knows which is to run.
        if world.snapshot.seq == 0 {
            return;
        }
        let Some(first) = first(world.snapshot).and_then(|at| world.snapshot.services.get(at)) else { return };
        let first = first.name.clone();
        let is_gone = |name: &ServiceName| world.snapshot.service(name).is_none();
        let gone = self.selected.take_if(|name| is_gone(name));
        let successor = gone.as_ref().and_then(|gone| self.successor(gone, world.snapshot));
        if let Some(successor) = successor {
            (self.selected, self.main) = (Some(successor.clone()), Some(successor));
            self.by_row = true;
        } else if let Some(gone) = gone {
            self.show_message(format!("{gone} is no longer in the group {} selected {first}", self.glyphs.dot));
        }
        self.main.take_if(|name| is_gone(name));
        if self.selected.is_none() {
            self.by_row = true;
        }
        self.selected.get_or_insert_with(|| first.clone());
        self.main.get_or_insert(first);
        self.follow_first_failure(world);
    }

    /// What has failed when the dashboard is opened, or fails soon after, is selected for one who has pressed nothing yet.
    fn follow_first_failure(&mut self, world: &World<'_>) {
        if self.untouched_until.is_none_or(|until| until < world.now) {
            return;
        }
        let failed = |name: &ServiceName| world.snapshot.service(name).is_some_and(has_failed);
        let first = world.snapshot.services.iter().find(|service| has_failed(service));
        if let Some(first) = first.filter(|_| !self.selected.as_ref().is_some_and(failed)) {
            (self.selected, self.main) = (Some(first.name.clone()), Some(first.name.clone()));
        }
    }

    /// Selects the service of that index, if there is one.
    pub(super) fn select(&mut self, index: usize, world: &World<'_>) {
        if let Some(service) = world.snapshot.services.get(index) {
            self.select_name(&service.name, world);
        }
    }

    /// Selects a service. An instance that was chosen by itself is not one of a folded row any more.
    pub(super) fn select_name(&mut self, name: &ServiceName, world: &World<'_>) {
        if let Some(index) = world.snapshot.services.iter().position(|service| service.name == *name) {
            self.folds.open(world.snapshot, index);
        }
        self.choose(name);
    }

    pub(super) fn choose(&mut self, name: &ServiceName) {
        (self.selected, self.main) = (Some(name.clone()), Some(name.clone()));
        self.by_row = false;
        self.service_filter = None;
    }

    pub(super) fn step(&mut self, by: isize, world: &World<'_>) {
        let Some(selected) = self.selected(world.snapshot) else { return };
        let rows = self.folds.rows(world.snapshot);
        let Some(place) = rows.iter().position(|row| row.contains(&selected)) else { return };
        if let Some(row) = rows.get(place.saturating_add_signed(by).min(rows.len() - 1)) {
            self.select_row(row, world);
        }
    }

    /// The next pane that is shown, round and round; where there is only one, the next service.
    pub(super) fn step_pane(&mut self, by: isize, world: &World<'_>) {
        let Some(selected) = self.selected(world.snapshot) else { return };
        let panes: Vec<usize> = self.screen(world).panes.iter().map(|pane| pane.service).collect();
        let round = |place: usize, count: usize| {
            if by < 0 { (place + count - 1) % count } else { (place + 1) % count }
        };
        match panes.iter().position(|service| *service == selected) {
            Some(place) if panes.len() > 1 => {
                if let Some(service) = panes.get(round(place, panes.len())) {
                    self.focus(*service, world);
                }
            }
            _ => {
                let rows = self.folds.rows(world.snapshot);
                let place = rows.iter().position(|row| row.contains(&selected));
                if let Some(row) = place.and_then(|place| rows.get(round(place, rows.len()))) {
                    self.select_row(row, world);
                }
            }
        }
    }

    /// Selects the service of a pane that is shown; the panes stay where they are.
    pub(super) fn focus(&mut self, index: usize, world: &World<'_>) {
        if self.main.is_none() {
            let first = first(world.snapshot).and_then(|at| world.snapshot.services.get(at));
            self.main = first.map(|service| service.name.clone());
        }
        self.selected = world.snapshot.services.get(index).map(|service| service.name.clone());
    }
}

/// The service that is shown where nobody has chosen one: the first that is to run, or the first.
pub(super) fn first(snapshot: &GroupSnapshot) -> Option<usize> {
    let first_to_run = snapshot.services.iter().position(|service| service.wanted);
    first_to_run.or((!snapshot.services.is_empty()).then_some(0))
}

/// It is to run, and has failed.
fn has_failed(service: &ServiceSnapshot) -> bool {
    service.wanted && service.failure().is_some()
}
