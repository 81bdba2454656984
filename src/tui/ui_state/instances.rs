//! What keys do with the instances of a service: folded they are one, and opened each is a service of its own.

use std::ops::Range;

use super::super::action::Context;
use super::super::folding;
use super::super::no_instances;
use super::super::panel::RestartMenu;
use super::{Source, UiState, World};
use crate::domain::{GroupSnapshot, ServiceName, ServiceSnapshot, Targets};

impl UiState {
    /// Selects a row: of folded instances the worst, if none of them is selected already.
    pub(super) fn select_row(&mut self, row: &Range<usize>, world: &World<'_>) {
        let shown = folding::shown(world.snapshot, row, self.selected(world.snapshot));
        self.select_shown(shown, world);
    }

    /// Selects what a row shows. Folded instances stay folded.
    pub(super) fn select_shown(&mut self, index: usize, world: &World<'_>) {
        let Some(service) = world.snapshot.services.get(index) else { return };
        let stays = self.selected.as_ref() == Some(&service.name);
        self.choose(&service.name);
        // One that was chosen before its row was folded is meant still.
        self.by_row = self.folds.is_folded(world.snapshot, index) && (self.by_row || !stays);
    }

    /// The first pane goes to an instance that has failed, where a folded row is shown and none of its instances was chosen.
    /// Not while its log is read or searched.
    pub(super) fn follow_worst(&mut self, world: &World<'_>) {
        let Some(main) = self.main.clone().filter(|_| self.by_row && self.context(world.snapshot) == Context::Normal)
        else {
            return;
        };
        let Some(index) = world.snapshot.services.iter().position(|service| service.name == main) else { return };
        let reads = self.viewports.get(&Source::Service(main.clone())).is_some_and(|viewport| !viewport.is_at_end());
        let finds = self.find.prompt.is_some() || self.find.is_searching();
        if reads || finds || !self.folds.is_folded(world.snapshot, index) {
            return;
        }
        let worse = folding::worse(world.snapshot, index).and_then(|worse| world.snapshot.services.get(worse));
        if let Some(worse) = worse {
            if self.selected.as_ref() == Some(&main) {
                self.selected = Some(worse.name.clone());
            }
            self.main = Some(worse.name.clone());
        }
    }

    /// What is selected in the place of a service that is gone: its row where it has no instance any more, or its first ones.
    pub(super) fn successor(&self, gone: &ServiceName, snapshot: &GroupSnapshot) -> Option<ServiceName> {
        let of = gone.split_instance().map(|(of, _)| of);
        let is_row =
            |service: &&ServiceSnapshot| no_instances::is_one(snapshot, service) && Some(&service.name) == of.as_ref();
        let is_instance = |service: &&ServiceSnapshot| service.instance.as_ref().is_some_and(|it| it.of == *gone);
        let found = snapshot.services.iter().find(is_row).or_else(|| snapshot.services.iter().find(is_instance));
        found.map(|service| service.name.clone())
    }

    /// There is something that an order can be for. If not, it is said how to get it.
    pub(super) fn has_instances(&mut self, name: &ServiceName, world: &World<'_>) -> bool {
        let service = world.snapshot.service(name);
        let has = !service.is_some_and(|service| no_instances::is_one(world.snapshot, service));
        if !has {
            self.show_message(no_instances::told(name, self.glyphs).join(" "));
        }
        has
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
