//! What keys do with the instances of a service: folded they are one, and opened each is a service of its own.

use std::ops::Range;

use super::super::folding;
use super::super::panel::RestartMenu;
use super::{UiState, World};
use crate::domain::{GroupSnapshot, ServiceName, Targets};

impl UiState {
    /// Selects a row: of folded instances the worst, if none of them is selected already.
    pub(super) fn select_row(&mut self, row: &Range<usize>, world: &World<'_>) {
        let shown = folding::shown(world.snapshot, row, self.selected(world.snapshot));
        self.select_shown(shown, world);
    }

    /// Selects what a row shows. Folded instances stay folded.
    pub(super) fn select_shown(&mut self, index: usize, world: &World<'_>) {
        if let Some(service) = world.snapshot.services.get(index) {
            self.choose(&service.name);
        }
    }

    /// The pane of the selected service gets the whole screen, or gives it back; folded instances get a row each first.
    pub(super) fn zoom_or_open(&mut self, world: &World<'_>) {
        match self.selected(world.snapshot) {
            Some(index) if !self.panes.zoom && self.folds.is_folded(world.snapshot, index) => {
                self.folds.open(world.snapshot, index);
            }
            _ => self.panes.zoom = !self.panes.zoom,
        }
    }

    /// Whom an order for the selected service means: of folded instances all, unless one has the whole screen.
    pub(super) fn all_meant(&self, name: &ServiceName, snapshot: &GroupSnapshot) -> Vec<ServiceName> {
        let index = snapshot.services.iter().position(|service| service.name == *name);
        let folded = index.filter(|index| !self.panes.zoom && self.folds.is_folded(snapshot, *index));
        let all = folded.and_then(|index| snapshot.services.get(folding::siblings(snapshot, index)));
        all.map_or_else(|| vec![name.clone()], |all| all.iter().map(|service| service.name.clone()).collect())
    }

    pub(super) fn targets(&self, name: &ServiceName, world: &World<'_>) -> Targets {
        Targets::Named(self.all_meant(name, world.snapshot))
    }

    /// The menu of restarts for the selected service, or for all folded instances.
    pub(super) fn restart_menu(&self, name: &ServiceName, world: &World<'_>) -> RestartMenu {
        RestartMenu::of(name.clone(), self.all_meant(name, world.snapshot))
    }

    /// Of folded instances only one has a pane: the first one, or else that which matters most.
    pub(super) fn one_of_each_row(&self, snapshot: &GroupSnapshot, main: usize, others: Vec<usize>) -> Vec<usize> {
        let mut taken = vec![folding::siblings(snapshot, main)];
        let is_new = |index: &usize| {
            if !self.folds.is_folded(snapshot, *index) {
                return true;
            }
            let row = folding::siblings(snapshot, *index);
            let is_new = !taken.contains(&row);
            taken.push(row);
            is_new
        };
        others.into_iter().filter(is_new).collect()
    }
}
