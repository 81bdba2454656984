//! What a dashboard does for typing: it knows the logs, which tell how a service wants to be typed to.

use super::AttachmentLoop;
use crate::display::Notification;
use crate::domain::{Command, ServiceName};
use crate::logs::{ExtendedKeys, InputModes, MouseEvents};
use crate::tui::terminal::HostModes;
use crate::tui::typing::Receiver;
use crate::tui::ui_state::World;

/// What services that have asked for it get when they gain and lose the focus (mode 1004).
const FOCUS_IN: &[u8] = b"\x1b[I";
const FOCUS_OUT: &[u8] = b"\x1b[O";

/// Who has the focus.
#[derive(Debug)]
pub(super) struct Focus {
    /// The window has it, as far as we know.
    pub(super) window: bool,
    /// The service that was told that it has it.
    service: Option<ServiceName>,
}

impl Default for Focus {
    fn default() -> Self {
        Self { window: true, service: None }
    }
}

impl AttachmentLoop {
    /// How the service that is typed into wants it, and where its screen is.
    pub(super) fn receiver(&self, service: &ServiceName, world: &World<'_>) -> Receiver {
        let screen = self.ui.screen(world);
        let pane = screen
            .panes
            .iter()
            .find(|pane| world.snapshot.services.get(pane.service).is_some_and(|shown| shown.name == *service));
        Receiver {
            modes: self.modes_of(service),
            area: pane.map(|pane| pane.inner()).unwrap_or_default(),
            top: self.last_frame.typed_top,
        }
    }

    fn modes_of(&self, service: &ServiceName) -> InputModes {
        self.handle.logs().get(service).map(|document| document.input_modes()).unwrap_or_default()
    }

    /// What our terminal has to report, so that what the service has asked for can be told to it.
    pub(super) fn host_modes(&self) -> HostModes {
        let typed = self.ui.typist.target();
        let modes = typed.map(|service| self.modes_of(service)).unwrap_or_default();
        let newer = self.host_terminal.is_newer();
        let document = typed.filter(|_| newer).and_then(|service| self.handle.logs().get(service));
        HostModes {
            cursor_shape: document.map_or(0, |document| document.cursor_shape()),
            mouse: self.ui.mouse,
            motion: self.ui.mouse && modes.mouse == MouseEvents::Motion,
            focus: modes.focus_events || self.ui.notification != Notification::Off,
            keypad: modes.application_keypad,
            extended_keys: newer && modes.extended_keys != ExtendedKeys::None,
        }
    }

    /// Tells the services which of them has the focus: the one that is typed into, while the window has it.
    pub(super) fn tell_focus(&mut self) {
        let focused = self.ui.typist.target().filter(|_| self.focus.window).cloned();
        if focused == self.focus.service {
            return;
        }
        let lost = std::mem::replace(&mut self.focus.service, focused.clone());
        for (service, bytes) in [(lost, FOCUS_OUT), (focused, FOCUS_IN)] {
            if let Some(service) = service.filter(|service| self.modes_of(service).focus_events) {
                self.send_command(Command::Input { service, bytes: bytes.to_vec() });
            }
        }
    }

    /// Asks the group; says so if it does not take it.
    pub(super) fn send_command(&mut self, command: Command) {
        if self.handle.send(command).is_err() {
            self.ui.show_message("the group cannot take commands right now");
        }
    }
}

/// Joins what goes to the same service in one read of the keyboard: a paste without brackets is thousands of keys, and
/// the queue of the group is bounded.
pub(super) fn join_inputs(commands: Vec<Command>) -> Vec<Command> {
    let mut joined: Vec<Command> = Vec::with_capacity(commands.len().min(16));
    for command in commands {
        match (joined.last_mut(), command) {
            (Some(Command::Input { service, bytes }), Command::Input { service: same, bytes: more })
                if *service == same =>
            {
                bytes.extend(more)
            }
            (_, command) => joined.push(command),
        }
    }
    joined
}
