//! Colours and attributes. The 16 ANSI colours only, which follow the user's theme, but for what services print, which has
//! as many as the terminal; the default background is never painted; and nothing is told by colour alone.

use ratatui::style::{Color, Modifier, Style};

use super::ink;
use crate::display::Ground;
use crate::logs;

/// What styles may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Theme {
    /// Colours may be used.
    pub(super) color: bool,
    /// What the terminal shows of the looks of services.
    pub(super) support: logs::StyleSupport,
    /// What they stand on.
    pub(super) ground: Ground,
}

impl Theme {
    fn colored(self, color: Color) -> Style {
        if self.color { Style::new().fg(color) } else { Style::new() }
    }

    /// What is well: a service that runs.
    pub(super) fn good(self) -> Style {
        self.colored(Color::Green)
    }

    /// Between two states.
    pub(super) fn busy(self) -> Style {
        // Yellow is hardly seen on white.
        self.colored(if self.ground == Ground::Light { Color::Magenta } else { Color::Yellow })
    }

    /// What is wrong: a service that has failed.
    pub(super) fn bad(self) -> Style {
        self.colored(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Not important now.
    pub(super) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// What parts the screen, and what never matters first: rules, titles without the focus, ages, rows without text.
    pub(super) fn structure(self) -> Style {
        self.dim()
    }

    /// What has the focus, keys, names.
    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The one accent: the title line of what has the focus.
    pub(super) fn accent(self) -> Style {
        self.colored(if self.ground == Ground::Light { Color::Blue } else { Color::Cyan })
    }

    /// A service among others, by its number: nothing that tells of a state.
    pub(super) fn of_service(self, number: usize) -> Style {
        let colors: &[Color] = match self.ground {
            Ground::Unknown => &[Color::Cyan, Color::Magenta, Color::Blue, Color::Green, Color::Yellow],
            // Blue is hardly seen on black.
            Ground::Dark => &[Color::Cyan, Color::Magenta, Color::LightBlue, Color::Green, Color::Yellow],
            Ground::Light => &[Color::Blue, Color::Magenta, Color::DarkGray, Color::Green],
        };
        self.colored(colors.get(number % colors.len()).copied().unwrap_or(Color::Reset))
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
