//! The colours of the terminal: the theme stands on them, and services that ask are told them.

use super::AttachmentLoop;
use crate::logs::TerminalColors;
use crate::tui::last_answer::LAST_QUESTION;
use crate::tui::options::Ground;

impl AttachmentLoop {
    /// Asks the terminal, with the first frame. Until it has answered, and if it never does, services are told what the
    /// theme stands on, if that is known and nobody has told better.
    pub(super) fn ask_for_colors(&mut self) {
        if self.host_terminal.is_newer() {
            self.frame_writer.send(&TerminalColors::questions());
            self.frame_writer.send(LAST_QUESTION);
        }
        let logs = self.handle.logs();
        if logs.colors() == TerminalColors::default() {
            logs.set_colors(self.ui.theme.ground.colors());
        }
    }

    /// The terminal may have answered. Of several terminals, the last one that has told counts for the services.
    pub(super) fn colors_told(&mut self) {
        let Some(colors) = self.decoder.take_colors() else { return };
        self.handle.logs().set_colors(colors);
        if let (Ground::Unknown, Some(background)) = (self.ui.theme.ground, colors.background) {
            self.ui.theme.ground = Ground::of(background);
            self.redraw = true;
        }
    }
}
