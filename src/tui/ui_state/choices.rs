//! What is chosen in a panel, carried out.

use super::super::action::{Action, Context};
use super::super::panel::{Choice, PaletteAction, Panel, RestartMenu, Surroundings};
use super::{UiState, World};
use crate::domain::{Command, ServiceName};

impl UiState {
    /// An action in the panel that has the keys.
    pub(super) fn panel_action(&mut self, action: Action, context: Context, world: &World<'_>) -> Vec<Command> {
        let (screen, glyphs) = (self.screen(world), self.glyphs);
        let around = Surroundings { world, screen: &screen, glyphs };
        let panel = self.panels.with_keys(context);
        let Some(choice) = panel.and_then(|panel| panel.act(action, &around)) else { return Vec::new() };
        self.panels.close();
        match choice {
            Choice::Restart { command, service } => {
                let is_there = service.is_none_or(|service| self.is_there(&service, world));
                is_there.then_some(command).into_iter().collect()
            }
            Choice::Entry { action: PaletteAction::Select(service), .. } => {
                if self.is_there(&service, world) {
                    self.select_name(&service);
                }
                Vec::new()
            }
            Choice::Entry { action: PaletteAction::Act(action), under, service } => {
                self.palette_action(action, under, service, world)
            }
        }
    }

    fn palette_action(
        &mut self,
        action: Action,
        under: Context,
        service: Option<ServiceName>,
        world: &World<'_>,
    ) -> Vec<Command> {
        // What was selected when the palette was opened is meant, also if it is gone.
        self.selected = service.or(self.selected.take());
        match self.selected.clone() {
            Some(service) if action.is_of_menu() => {
                self.panels.open(Panel::Menu(RestartMenu::of(service)));
                self.panel_action(action, Context::Menu, world)
            }
            _ => self.apply(action, under, world),
        }
    }
}
