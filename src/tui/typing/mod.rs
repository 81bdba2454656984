//! Typing into a service: which service, what is sent to it, and how the mode ends.
//!
//! Invariant: while the mode is on, no key means anything to the dashboard but the one that leaves. A service that ends
//! does not end the mode: whoever types on has not seen that yet, and what they type is for nobody.

pub(super) mod keys;
mod mouse;

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::action::{Action, Context};
use super::input::Input;
use super::keymap::{Key, Keymap};
use super::ui_state::{UiState, World};
use crate::domain::{Command, GroupSnapshot, Kind, Moment, RunId, ServiceName};
use crate::logs::InputModes;

/// The key that leaves, pressed again within this time, goes to the service instead.
const TWICE: Duration = Duration::from_secs(1);

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
    /// The service that was typed into until it ended: nothing goes anywhere before the user leaves.
    over: Option<ServiceName>,
    /// Left by the key, and when: the same key again would have been meant for the service.
    left: Option<(Target, Moment)>,
    /// A button of the mouse was pressed in the pane, and is down.
    held: bool,
}

impl Typist {
    /// Into which service every key goes.
    pub(super) fn target(&self) -> Option<&ServiceName> {
        self.into.as_ref().map(|target| &target.service)
    }

    /// The service that every key was for, and that has ended; the user has not left yet.
    pub(super) fn over(&self) -> Option<&ServiceName> {
        self.over.as_ref()
    }
}

impl UiState {
    /// From now on every key goes to that service, if it runs.
    pub(super) fn type_into(&mut self, service: &ServiceName, world: &World<'_>) {
        let is_worker = world.snapshot.service(service).is_some_and(|it| it.kind == Kind::Worker);
        match running(world.snapshot, service) {
            Some(_) if is_worker => self.show_message(format!("{service} is a worker: its tasks have no terminal")),
            Some(run) => {
                self.typist = Typist { into: Some(Target { service: service.clone(), run }), ..Typist::default() };
                self.log(service).follow();
            }
            None => self.show_message(format!("{service} is not running: nothing to type into")),
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
            Input::Key(key) => keys::encode(key, receiver.modes),
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
        if self.leaves_by(event, world) {
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

    /// A click beside the panes leaves the mode. Whether it was one.
    fn leaves_by(&mut self, event: MouseEvent, world: &World<'_>) -> bool {
        let (at, screen) = (Position { x: event.column, y: event.row }, self.screen(world));
        let beside = screen.sidebar.map(|(area, _)| area).into_iter().chain(screen.tabs).any(|area| area.contains(at));
        let leaves = beside && event.kind == MouseEventKind::Down(MouseButton::Left);
        if leaves {
            self.typist = Typist::default();
        }
        leaves
    }

    /// The service has ended, and the user has not left: Enter, Esc and the key that leaves do that, a click beside the
    /// panes too. An Enter is the end of what was typed for the service, so it does nothing else. What else is typed, pasted or clicked was meant for the service. The answer is whether that is the case.
    pub(super) fn is_for_nobody(&mut self, input: &Input, world: &World<'_>) -> bool {
        if self.typist.over.is_none() {
            return false;
        }
        let leaves = match input {
            Input::Key(key) => {
                let is_line_end = key.code == KeyCode::Enter || Key::from(*key).is_line_feed();
                is_line_end || key.code == KeyCode::Esc || is_leave(*key)
            }
            Input::Mouse(event) if matches!(event.kind, MouseEventKind::ScrollUp | MouseEventKind::ScrollDown) => {
                // The log may be read meanwhile.
                return false;
            }
            Input::Mouse(event) => {
                // Whatever it clicks at is selected as always.
                return !self.leaves_by(*event, world);
            }
            Input::Paste(_) => false,
            Input::Focus(_) => return false,
        };
        if leaves {
            self.typist = Typist::default();
            // It named the way out.
            self.messages.take_back();
        } else if let Some(text) = self.end_of_typing(world.snapshot) {
            self.show_message(format!("not typed: {text}"));
        }
        true
    }

    /// Why nothing is typed any more, and the way out; `None` if there is none to be told.
    pub(super) fn end_of_typing(&self, snapshot: &GroupSnapshot) -> Option<String> {
        let service = self.typist.over.as_ref()?;
        let reason = match running(snapshot, service) {
            _ if snapshot.stopping.is_some() => String::from("the group is stopping"),
            Some(_) => format!("{service} was restarted"),
            None => format!("{service} has exited"),
        };
        let leave = Keymap::get().key_name(Context::Typing, Action::StopTyping, self.glyphs.set);
        Some(format!("{reason} {} Enter, Esc or {leave} stops typing", self.glyphs.dot))
    }

    /// The key that leaves, again: it was meant for the service. `None` if it is for the dashboard.
    pub(super) fn after_typing(&mut self, key: KeyEvent, world: &World<'_>) -> Option<Vec<Command>> {
        let (target, at) = self.typist.left.take()?;
        let again = is_leave(key) && world.now.since(at) <= TWICE && target.is_running(world.snapshot);
        again.then(|| {
            let service = target.service.clone();
            self.typist.into = Some(target);
            send(service, keys::encode(key, InputModes::default()))
        })
    }

    /// The group has changed: into a service that has ended, or that is about to be, nothing is typed any more. Nor into
    /// its next run, which knows nothing of what was begun.
    pub(super) fn check_typing(&mut self, world: &World<'_>) {
        let over = |target: &mut Target| world.snapshot.stopping.is_some() || !target.is_running(world.snapshot);
        if let Some(target) = self.typist.into.take_if(over) {
            self.typist = Typist { over: Some(target.service), ..Typist::default() };
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
/// Its live run. The terminal of that is typed into.
fn running(snapshot: &GroupSnapshot, service: &ServiceName) -> Option<RunId> {
    snapshot.service(service)?.phase.live_run()
}

#[cfg(test)]
mod tests;
