//! Which service keys mean, and how the focus goes from one to the next.

use super::{UiState, World};
use crate::domain::{GroupSnapshot, ServiceName};

impl UiState {
    pub(super) fn selected_name(&self, snapshot: &GroupSnapshot) -> Option<ServiceName> {
        Some(snapshot.services.get(self.selected(snapshot)?)?.name.clone())
    }

    /// Selects the service of that index, if there is one.
    pub(super) fn select(&mut self, index: usize, world: &World<'_>) {
        if let Some(service) = world.snapshot.services.get(index) {
            self.selected = Some(service.name.clone());
            self.main = Some(service.name.clone());
        }
    }

    pub(super) fn step(&mut self, by: isize, world: &World<'_>) {
        let Some(selected) = self.selected(world.snapshot) else { return };
        let last = world.snapshot.services.len().saturating_sub(1);
        self.select(selected.saturating_add_signed(by).min(last), world);
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
            _ => self.select(round(selected, world.snapshot.services.len()), world),
        }
    }

    /// Selects the service of a pane that is shown; the panes stay where they are.
    pub(super) fn focus(&mut self, index: usize, world: &World<'_>) {
        if self.main.is_none() {
            self.main = world.snapshot.services.first().map(|service| service.name.clone());
        }
        self.selected = world.snapshot.services.get(index).map(|service| service.name.clone());
    }
}
