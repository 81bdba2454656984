//! What is chosen in a panel, carried out.

use super::super::action::{Action, Context};
use super::super::folding;
use super::super::panel::{Choice, PaletteAction, Panel, Surroundings};
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
                let is_there = service.as_ref().is_none_or(|service| self.is_there(service, world));
                if let Some(service) = service.filter(|_| is_there) {
                    self.asked_to_start(&service, false, world);
                }
                is_there.then_some(command).into_iter().collect()
            }
            Choice::Entry { action: PaletteAction::Select(service), .. } => {
                if self.is_there(&service, world) {
                    self.select_name(&service, world);
                }
                Vec::new()
            }
            Choice::Entry { action: PaletteAction::SelectAll(service), .. } => {
                let units = folding::units(world.snapshot);
                let unit = units.into_iter().find(|unit| folding::name(world.snapshot, unit) == service.as_str());
                if let Some(unit) = unit {
                    self.folds.close(world.snapshot, unit.start);
                    self.select_row(&unit, world);
                }
                Vec::new()
            }
            Choice::Entry { action: PaletteAction::Scale(service, count), .. } => {
                vec![Command::Scale { counts: vec![(service, count)] }]
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
            Some(service) if action.is_for_a_run() && !self.has_instances(&service, world) => Vec::new(),
            Some(service) if action.is_of_menu() => {
                self.panels.open(Panel::Menu(self.restart_menu(&service, world)));
                self.panel_action(action, Context::Menu, world)
            }
            _ => self.apply(action, under, world),
        }
    }
}
