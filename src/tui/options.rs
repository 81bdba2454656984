//! How a dashboard draws: what its terminal can show, and what the user prefers.

use std::sync::OnceLock;

use super::layout::Arrangement;
use crate::display::{DisplaySupport, GlyphSet, Ground, Notification};

/// How the dashboard draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DashboardOptions {
    /// What the terminal can show, as far as the user wants it.
    pub(super) display: DisplaySupport,
    /// Wheel and click go to the dashboard from the start; the key `M` changes it.
    pub(super) mouse: bool,
    /// Ask before all services are stopped.
    pub(super) confirm_quit: bool,
    /// How the panes are laid out, unless something else was chosen for the project.
    pub(super) arrangement: Arrangement,
}

/// What the user prefers, wherever the dashboard is drawn; what is not said is as the terminal is known to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preferred {
    /// What the colours stand on.
    pub ground: Option<Ground>,
    /// Whether there are colours.
    pub color: Option<bool>,
    /// Unicode or ASCII; `None`: as the locale says.
    pub glyphs: Option<GlyphSet>,
    /// Whether wheel and click go to the dashboard.
    pub mouse: Option<bool>,
    /// Ask before all services are stopped.
    pub confirm_quit: bool,
    /// How failures are told.
    pub notification: Option<Notification>,
    /// How the panes are laid out, unless something else was chosen for the project.
    pub layout: Arrangement,
}

/// What the user of this process prefers.
static PREFERRED: OnceLock<Preferred> = OnceLock::new();

impl Preferred {
    /// Is in force from here on, also for terminals that attach. The first call counts.
    pub fn put_in_force(self) {
        let _ = PREFERRED.set(self);
    }
}

impl DashboardOptions {
    /// How the dashboard draws where nobody prefers anything.
    pub fn new(display: DisplaySupport) -> Self {
        Self { display, mouse: true, confirm_quit: false, arrangement: Arrangement::Auto }
    }

    /// As the user prefers it.
    pub fn preferred(self) -> Self {
        let preferred = PREFERRED.get().copied().unwrap_or_default();
        Self {
            display: DisplaySupport {
                ground: preferred.ground.unwrap_or(self.display.ground),
                // No terminal gets colours that it has not asked for.
                color: self.display.color && preferred.color.unwrap_or(true),
                glyphs: preferred.glyphs.unwrap_or(self.display.glyphs),
                notification: preferred.notification.unwrap_or(self.display.notification),
                ..self.display
            },
            mouse: preferred.mouse.unwrap_or(self.mouse),
            confirm_quit: preferred.confirm_quit,
            arrangement: preferred.layout,
        }
    }
}

/// The layout that the user of this process prefers.
pub(super) fn preferred_arrangement() -> Arrangement {
    PREFERRED.get().map_or(Arrangement::Auto, |preferred| preferred.layout)
}
