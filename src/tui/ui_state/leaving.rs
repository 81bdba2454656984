//! Leaving: what `q`, Ctrl-C and `D` mean depends on who looks at the dashboard.

use super::choosing::START;
use super::messages::Messages;
use super::{UiState, World};
use crate::domain::{Command, Moment, count};
use crate::tui::action::{Action, Context};
use crate::tui::keymap::Keymap;

/// Who looks at a dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui) enum Attachment {
    /// Whoever has started the group in it.
    Own,
    /// A client that has attached.
    Guest,
}

/// What leaving depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving {
    /// Who looks at it.
    pub(super) attachment: Attachment,
    /// Ask before all services are stopped.
    pub(super) confirm_quit: bool,
}

impl UiState {
    /// For that one, who looks at it from then on.
    pub(in crate::tui) fn attached_as(self, attachment: Attachment, opened: Moment) -> Self {
        // Whoever has started the group was there from the start.
        let opened = if attachment == Attachment::Guest { opened } else { Moment::START };
        let leaving = Leaving { attachment, ..self.leaving };
        let untouched_until = Some(opened + START);
        Self { leaving, messages: Messages::since(opened), untouched_until, ..self }
    }

    /// A client that has attached looks at it.
    pub(in crate::tui) fn is_guest(&self) -> bool {
        self.leaving.attachment == Attachment::Guest
    }

    /// `q` and Ctrl-C. A client has not started the group, and others may look at it too: there, it must be asked twice.
    /// So must `q` where the user wants to be asked, and something runs.
    pub(super) fn quit(&mut self, command: Command, world: &World<'_>) -> Vec<Command> {
        let live = world.snapshot.services.iter().filter(|service| service.phase.live_run().is_some()).count();
        let confirms = self.leaving.confirm_quit && command == Command::Quit && live > 0;
        let asks = (self.is_guest() || confirms) && world.snapshot.stopping.is_none();
        if !asks || self.messages.is_asked(world.now) {
            return vec![command];
        }
        let key = |action| Keymap::get().key_name(Context::Normal, action, self.glyphs.set);
        let again = if command == Command::Interrupt { "Ctrl-C".into() } else { key(Action::Quit) };
        let text = if self.is_guest() {
            format!("{} detaches {} {again} again stops the whole group", key(Action::Detach), self.glyphs.dot)
        } else {
            format!("stop {} and quit? press {again} again", count(live, "service"))
        };
        self.messages.ask(text.into());
        Vec::new()
    }

    /// The key `D`: an attached dashboard leaves.
    pub(super) fn detach(&mut self) {
        match self.leaving.attachment {
            Attachment::Guest => self.requests.leaves = true,
            Attachment::Own => {
                let text = "not detached: the group runs in this terminal; `devgroup -d` starts one in the background";
                self.show_message(text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::DisplaySupport;
    use crate::domain::Moment;
    use crate::tui::fixture::shop;
    use crate::tui::options::DashboardOptions;

    fn guest() -> UiState {
        UiState::new(DashboardOptions::new(DisplaySupport::from_variables(|_| None)))
            .attached_as(Attachment::Guest, Moment::START)
    }

    #[test]
    fn a_client_must_ask_twice_and_soon() {
        let (snapshot, mut ui) = (shop(), guest());
        let at = |millis| World { snapshot: &snapshot, size: (80, 24), now: Moment::from_millis(millis) };
        assert_eq!(ui.quit(Command::Quit, &at(0)), []);
        assert_eq!(ui.message(&snapshot, at(1).now).unwrap().to_string(), "D detaches - q again stops the whole group");
        ui.messages.drawn(at(2).now);
        ui.messages.drawn(at(2_000).now);
        assert_eq!(ui.quit(Command::Quit, &at(5_002)), [], "the first one is forgotten");
        assert_eq!(ui.quit(Command::Interrupt, &at(7_999)), [Command::Interrupt]);
        let mut own = guest().attached_as(Attachment::Own, Moment::START);
        assert_eq!(own.quit(Command::Quit, &at(0)), [Command::Quit]);
    }

    #[test]
    fn only_a_client_detaches() {
        let snapshot = shop();
        let world = World { snapshot: &snapshot, size: (80, 24), now: Moment::START };
        let (mut ui, mut own) = (guest(), guest().attached_as(Attachment::Own, Moment::START));
        ui.detach();
        own.detach();
        assert!(ui.requests.leaves && !own.requests.leaves && own.message(&snapshot, world.now).is_some());
    }
}
