//! Colours and attributes. Where the terminal has 256 colours or more and tells its background, the theme has tones of its
//! own, which are readable there. Otherwise it has some of the 16 ANSI colours, for glyphs only: what they look like is
//! the user's choice, and no ANSI green is readable on white. The default background is never painted, and nothing is told
//! by colour alone.

use ratatui::style::{Color, Modifier, Style};

use super::ink;
use super::options::DashboardOptions;
use super::tones::Tones;
use crate::display::Ground;
use crate::logs;

/// What styles may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Theme {
    /// Colours may be used.
    pub(super) color: bool,
    /// What the terminal shows of the looks of services.
    support: logs::StyleSupport,
    /// What they stand on.
    pub(super) ground: Ground,
    /// The user has said that.
    ground_is_preferred: bool,
    /// The theme's own colours, where the background is known.
    tones: Option<Tones>,
}

impl Theme {
    /// What is known before the terminal has told its colours.
    pub(super) fn new(options: DashboardOptions) -> Self {
        let DashboardOptions { display, ground_is_preferred, .. } = options;
        Self { color: display.color, support: display.styles, ground: display.ground, ground_is_preferred, tones: None }
    }

    /// The terminal has told its background. One that is not what the user says counts for nothing.
    pub(super) fn stand_on(&mut self, background: logs::Rgb) {
        let ground = Ground::of(background);
        if self.ground_is_preferred && ground != self.ground {
            return;
        }
        self.ground = ground;
        self.tones = Tones::on(background, self.support.depth).filter(|_| self.color);
    }

    /// As the terminal has it, whatever it is written over: what stands in a rule does not become as grey as the rule.
    pub(super) fn plain(self) -> Style {
        Style::new().fg(Color::Reset).remove_modifier(Modifier::DIM)
    }

    /// In a tone of the theme; otherwise as text is.
    fn text(self, tone: impl FnOnce(Tones) -> Color) -> Style {
        self.tones.map_or_else(|| self.plain(), |tones| self.plain().fg(tone(tones)))
    }

    /// In a tone of the theme; otherwise in one of the 16 colours.
    fn glyph(self, tone: impl FnOnce(Tones) -> Color, otherwise: Color) -> Style {
        match self.tones {
            None if self.color => self.plain().fg(otherwise),
            _ => self.text(tone),
        }
    }

    /// What is well: a service that runs.
    pub(super) fn good(self) -> Style {
        self.text(|tones| tones.good)
    }

    /// The glyph of what is well.
    pub(super) fn good_glyph(self) -> Style {
        self.glyph(|tones| tones.good, Color::Green)
    }

    /// Between two states.
    pub(super) fn busy(self) -> Style {
        self.text(|tones| tones.busy)
    }

    /// The glyph of what is between two states.
    pub(super) fn busy_glyph(self) -> Style {
        // Yellow is hardly seen on white.
        self.glyph(|tones| tones.busy, if self.ground == Ground::Dark { Color::Yellow } else { Color::Magenta })
    }

    /// What is wrong: a service that has failed.
    pub(super) fn bad(self) -> Style {
        self.text(|tones| tones.bad).add_modifier(Modifier::BOLD)
    }

    /// The glyph of what is wrong.
    pub(super) fn bad_glyph(self) -> Style {
        self.glyph(|tones| tones.bad, Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What is wrong, where the focus is. Without a colour it is told from other text there, which is bold too.
    pub(super) fn bad_in_focus(self) -> Style {
        if self.tones.is_some() { self.bad() } else { self.bad().add_modifier(Modifier::REVERSED) }
    }

    /// What parts the screen, and what never matters first: rules, titles without the focus, ages, rows without text.
    /// Without tones it is dim, because a grey of the 16 colours may be the background itself (Solarized).
    pub(super) fn structure(self) -> Style {
        match self.tones {
            None => Style::new().add_modifier(Modifier::DIM),
            Some(tones) => Style::new().fg(tones.structure),
        }
    }

    /// What has the focus, keys, names.
    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The one accent: the title line of what has the focus.
    pub(super) fn accent(self) -> Style {
        match self.ground {
            // Blue is hardly seen on black, and cyan on white.
            Ground::Unknown => self.strong(),
            Ground::Dark => self.glyph(|tones| tones.accent, Color::Cyan),
            Ground::Light => self.glyph(|tones| tones.accent, Color::Blue),
        }
    }

    /// A service among others, by its number: nothing that tells of a state.
    pub(super) fn of_service(self, number: usize) -> Style {
        self.text(|tones| {
            let colors = tones.of_services;
            colors.get(number % colors.len()).copied().unwrap_or(tones.structure)
        })
    }

    /// What must be seen: banners, notices.
    pub(super) fn alert(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The looks that a service asked for.
    pub(super) fn of(self, style: logs::Style) -> Style {
        let mut result = Style::new();
        let style = self.support.reduce(style);
        if self.color {
            if let Some(color) = color(style.foreground) {
                result = result.fg(color);
            }
            if let Some(color) = color(style.background) {
                result = result.bg(color);
            }
            if let Some(color) = color(style.underline) {
                result = result.underline_color(color);
            }
        }
        let attributes = [
            (logs::Attributes::BOLD, Modifier::BOLD),
            (logs::Attributes::DIM, Modifier::DIM),
            (logs::Attributes::ITALIC, Modifier::ITALIC),
            (logs::Attributes::BLINK, Modifier::SLOW_BLINK),
            (logs::Attributes::REVERSE, Modifier::REVERSED),
            (logs::Attributes::HIDDEN, Modifier::HIDDEN),
            (logs::Attributes::STRIKE, Modifier::CROSSED_OUT),
            (logs::Attributes::OVERLINE, ink::OVERLINED),
            (logs::Attributes::LINK, ink::LINKED),
        ];
        for (attribute, modifier) in attributes {
            if style.attributes.contains(attribute) {
                result = result.add_modifier(modifier);
            }
        }
        if let Some(kind) = style.attributes.underline() {
            result = result.add_modifier(ink::underline(kind));
        }
        result
    }
}

/// The first 16 by name, so that they are sent as the user's theme has them.
fn color(color: logs::Color) -> Option<Color> {
    const NAMED: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    match color {
        logs::Color::Default => None,
        logs::Color::Indexed(index) => Some(NAMED.get(usize::from(index)).copied().unwrap_or(Color::Indexed(index))),
        logs::Color::Rgb(red, green, blue) => Some(Color::Rgb(red, green, blue)),
    }
}

#[cfg(test)]
mod tests;
