//! Typing into a service: which service, what is sent to it, and how the mode ends.
//!
//! Invariant: while the mode is on, no key means anything to the dashboard but the one that leaves.

pub(super) mod keys;
mod mouse;

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::action::{Action, Context};
use super::input::Input;
use super::keymap::{Key, Keymap};
use super::ui_state::{UiState, World};
use crate::domain::{Command, GroupSnapshot, Moment, RunId, ServiceName};
use crate::logs::InputModes;

/// The key that leaves, pressed again within this time, goes to the service instead.
const TWICE: Duration = Duration::from_secs(1);
/// When a service ends while somebody types, the keys of the same breath are not for the dashboard, where `q` quits.
const BREATH: Duration = Duration::from_millis(250);

/// What a service expects of its terminal, and where its screen is on ours.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Receiver {
    /// How it wants to be sent things.
    pub(super) modes: InputModes,
    /// The pane, without its frame; empty if it is not on the screen.
    pub(super) area: Rect,
    /// The row of its screen that is in the first row of the pane.
    pub(super) top: i32,
}

/// One service, in one of its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    service: ServiceName,
    run: RunId,
}

impl Target {
    fn is_running(&self, snapshot: &GroupSnapshot) -> bool {
        running(snapshot, &self.service) == Some(self.run)
    }
}

/// The state of typing.
#[derive(Debug, Default)]
pub(super) struct Typist {
    into: Option<Target>,
    /// Left by the key, and when: the same key again would have been meant for the service.
    left: Option<(Target, Moment)>,
    last_key: Option<(KeyEvent, Moment)>,
    /// So long keys are still part of what was typed into a service that has ended.
    breath: Option<Moment>,
    /// A button of the mouse was pressed in the pane, and is down.
    held: bool,
}

impl Typist {
    /// Into which service every key goes.
    pub(super) fn target(&self) -> Option<&ServiceName> {
        self.into.as_ref().map(|target| &target.service)
    }
}

impl UiState {
    /// From now on every key goes to that service, if it runs.
    pub(super) fn type_into(&mut self, service: &ServiceName, world: &World<'_>) {
        match running(world.snapshot, service) {
            Some(run) => {
                self.typist = Typist { into: Some(Target { service: service.clone(), run }), ..Typist::default() };
                self.log(service).follow();
            }
            None => self.say(format!("{service} is not running: nobody to type to"), world.now),
        }
    }

    /// Something was done while typing.
    pub(super) fn typed(&mut self, input: Input, world: &World<'_>, receiver: Receiver) -> Vec<Command> {
        let Some(service) = self.typist.target().cloned() else { return Vec::new() };
        let bytes = match input {
            Input::Key(key) if is_leave(key) => {
                self.typist.left = self.typist.into.take().map(|target| (target, world.now));
                return Vec::new();
            }
            Input::Key(key) => {
                self.typist.last_key = Some((key, world.now));
                keys::encode(key, receiver.modes)
            }
            Input::Paste(text) => keys::paste(&text, receiver.modes),
            Input::Mouse(event) => return self.pointed(event, service, world, receiver),
            // Whoever knows of the windows tells the service.
            Input::Focus(_) => return Vec::new(),
        };
        self.log(&service).follow();
        send(service, bytes)
    }

    /// A click beside the panes leaves; in the pane the mouse is the service's, if it has asked for it. A button that was
    /// pressed there is the service's until it is released, wherever that is: at the edge of the pane, as for a terminal.
    fn pointed(
        &mut self,
        event: MouseEvent,
        service: ServiceName,
        world: &World<'_>,
        receiver: Receiver,
    ) -> Vec<Command> {
        let at = Position { x: event.column, y: event.row };
        let area = receiver.area;
        let inside = area.contains(at);
        let held = match event.kind {
            MouseEventKind::Down(_) => {
                self.typist.held = inside;
                false
            }
            MouseEventKind::Drag(_) => self.typist.held,
            MouseEventKind::Up(_) => std::mem::take(&mut self.typist.held),
            _ => false,
        };
        let screen = self.screen(world);
        let beside = screen.sidebar.map(|(area, _)| area).into_iter().chain(screen.tabs).any(|area| area.contains(at));
        if beside && event.kind == MouseEventKind::Down(MouseButton::Left) {
            self.typist = Typist::default();
            self.pointer(event, world);
        } else if inside || (held && !area.is_empty()) {
            let column = at.x.clamp(area.left(), area.right() - 1) - area.left();
            let row = at.y.clamp(area.top(), area.bottom() - 1) - area.top();
            let row = u16::try_from(i32::from(row).saturating_add(receiver.top)).unwrap_or(0);
            match mouse::encode(event, column, row, receiver.modes) {
                Some(bytes) => return send(service, bytes),
                None => self.pointer(event, world),
            }
        }
        Vec::new()
    }

    /// A key after typing that is still about typing; `None` if it is for the dashboard.
    pub(super) fn after_typing(&mut self, key: KeyEvent, world: &World<'_>) -> Option<Vec<Command>> {
        if let Some((target, at)) = self.typist.left.take()
            && is_leave(key)
            && world.now.since(at) <= TWICE
            && target.is_running(world.snapshot)
        {
            let service = target.service.clone();
            self.typist.into = Some(target);
            return Some(send(service, keys::encode(key, InputModes::default())));
        }
        let until = self.typist.breath.take()?;
        if until <= world.now {
            return None;
        }
        self.typist.breath = Some(world.now + BREATH);
        Some(Vec::new())
    }

    /// The group has changed: a service that has ended cannot be typed into.
    pub(super) fn check_typing(&mut self, world: &World<'_>) {
        let Some(target) = &self.typist.into else { return };
        if world.snapshot.stopping.is_some() {
            self.typist = Typist::default();
        } else if !target.is_running(world.snapshot) {
            let service = target.service.clone();
            // Who ends a program by Enter or Ctrl-D has finished what was to be typed.
            let breath = self.typist.last_key.and_then(|(key, at)| {
                let ctrl_d = key.code == KeyCode::Char('d') && key.modifiers.contains(KeyModifiers::CONTROL);
                (!ctrl_d && key.code != KeyCode::Enter).then(|| at + BREATH)
            });
            self.typist = Typist { breath, ..Typist::default() };
            self.say(format!("{service} has ended: typing is over"), world.now);
        }
    }
}

fn is_leave(key: KeyEvent) -> bool {
    Keymap::get().action(Context::Typing, Key::from(key)) == Some(Action::StopTyping)
}

fn send(service: ServiceName, bytes: Vec<u8>) -> Vec<Command> {
    if bytes.is_empty() { Vec::new() } else { vec![Command::Input { service, bytes }] }
}

/// The run that a service has now.
fn running(snapshot: &GroupSnapshot, service: &ServiceName) -> Option<RunId> {
    snapshot.service(service)?.phase.live_run()
}

#[cfg(test)]
mod tests;
