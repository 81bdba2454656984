//! CPU and memory in the sidebar: whether they are shown, and so of which services they are to be measured.

use super::{UiState, World};
use crate::domain::ServiceName;
use crate::tui::panel::Panel;

impl UiState {
    /// Shows CPU and memory in the sidebar, or no more.
    pub(super) fn toggle_usage(&mut self, world: &World<'_>) {
        self.panes.usage = !self.panes.usage;
        if self.panes.usage && self.screen(world).sidebar.is_none() {
            self.show_message("CPU and memory: shown in the sidebar, which is hidden; d shows them too");
        }
    }

    /// The services whose usage somebody looks at: all, if the list is empty.
    pub(in crate::tui) fn measured(&self, world: &World<'_>) -> Option<Vec<ServiceName>> {
        if self.panes.usage && self.screen(world).sidebar.is_some() {
            return Some(Vec::new());
        }
        match self.panels.over() {
            Some(Panel::Details(details)) => Some(vec![details.service.clone()]),
            _ => None,
        }
    }
}
