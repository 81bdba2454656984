//! The colours of the terminal: the theme stands on them, and services that ask are told them.

use std::time::Duration;

use super::AttachmentLoop;
use crate::display::Ground;
use crate::logs::TerminalColors;
use crate::tui::last_answer::LAST_QUESTION;

/// A terminal that has answered nothing for so long after it was asked does not tell its colours.
const PATIENCE: Duration = Duration::from_secs(1);

impl AttachmentLoop {
    /// Asks the terminal, with the first frame. Until it has answered, and if it never does, services are told what the
    /// theme stands on, if that is known and nobody has told better.
    pub(super) fn ask_for_colors(&mut self) {
        let logs = self.handle.logs();
        if logs.colors() == TerminalColors::default() {
            logs.set_colors(self.ui.theme.ground.colors());
        }
        if self.host_terminal.is_newer() {
            self.frame_writer.send(&TerminalColors::questions());
            self.frame_writer.send(LAST_QUESTION);
            self.timers.colors = Some(self.clock.now() + PATIENCE);
        } else {
            self.settle_colors();
        }
    }

    /// The terminal may have answered. Of several terminals, the last one that has told counts for the services.
    pub(super) fn colors_told(&mut self) {
        if let Some(colors) = self.decoder.take_colors() {
            self.handle.logs().set_colors(colors);
            if let Some(background) = colors.background {
                self.ui.theme.stand_on(background);
                self.frames.redraw = true;
            }
        }
        if self.decoder.take_last_answer() {
            self.settle_colors();
        }
    }

    /// No more answers are to be expected. Where no terminal has told, services are told what the theme is for: the
    /// colours that it takes for an unknown background are those for a dark one.
    pub(super) fn settle_colors(&mut self) {
        self.timers.colors = None;
        let (logs, theme) = (self.handle.logs(), self.ui.theme);
        let told = logs.colors();
        if theme.color && told.foreground.is_none() && told.background.is_none() {
            let ground = if theme.ground == Ground::Light { Ground::Light } else { Ground::Dark };
            logs.set_colors(TerminalColors { palette: told.palette, ..ground.colors() });
        }
    }
}
