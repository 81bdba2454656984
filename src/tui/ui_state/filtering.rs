//! The filter of the sidebar: a text is typed, and a service is selected by it.

use crossterm::event::KeyEvent;

use super::super::action::Action;
use super::super::service_filter::ServiceFilter;
use super::{UiState, World};
use crate::domain::GroupSnapshot;

impl UiState {
    /// The service that is marked in the sidebar: of those that the filter leaves, while one is typed.
    pub(in crate::tui) fn marked(&self, snapshot: &GroupSnapshot) -> Option<usize> {
        match &self.service_filter {
            Some(filter) => filter.marked(snapshot),
            None => self.selected(snapshot),
        }
    }

    /// A key while the filter is typed. The answer is whether it was a part of the text.
    pub(super) fn filter_key(&mut self, event: KeyEvent) -> bool {
        self.service_filter.as_mut().is_some_and(|filter| filter.type_key(event))
    }

    pub(super) fn filter_action(&mut self, action: Action, world: &World<'_>) {
        let Some(filter) = &mut self.service_filter else { return };
        match action {
            Action::LineUp => filter.step(-1, world.snapshot),
            Action::LineDown => filter.step(1, world.snapshot),
            Action::Choose => {
                // Without a match there is nothing to choose, and the text can be changed.
                match filter.marked_row(world.snapshot) {
                    // One instance by its number.
                    Some(row) if row.len() == 1 => self.select(row.start, world),
                    Some(row) => self.select_row(&row, world),
                    None => {}
                }
            }
            _ => {}
        }
    }

    /// Begins to type.
    pub(super) fn open_filter(&mut self) {
        self.service_filter = Some(ServiceFilter::default());
    }
}
