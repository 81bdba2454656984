//! How many colours and which underlines a terminal has, and what replaces those that it lacks.

use serde::{Deserialize, Serialize};

use super::{Color, Style, Underline, terminfo};

/// How many colours a terminal shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColorDepth {
    /// The 16 of the user's theme.
    Sixteen,
    /// 256 by number.
    Indexed,
    /// 16 million colours, 8 bits for each of red, green and blue.
    #[default]
    Full,
}

/// The levels of red, green and blue in the cube of the 256 colours (16 to 231), as xterm has them.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
/// The first of the 24 grays after the cube: 8, 18, … 238.
const GRAYS: u8 = 232;
/// The 16 as xterm has them: what a theme makes of them is not known.
const ANSI: [[u8; 3]; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

/// What of a service's looks a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StyleSupport {
    /// How many colours it shows.
    pub depth: ColorDepth,
    /// Underlines of all kinds, and in colours of their own; else there is one kind.
    pub underlines: bool,
}

impl StyleSupport {
    /// All that there is.
    pub const FULL: Self = Self { depth: ColorDepth::Full, underlines: true };

    /// What these variables say of a terminal: those of [`ColorDepth::from_variables`] and those of the terminals that
    /// are known to have kinds of underlines; else its terminfo entry.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            depth: ColorDepth::from_variables(&variable),
            underlines: has_underlines(&variable, |term| terminfo::has_extended(term, &["Su", "Smulx"], &variable)),
        }
    }

    /// What such a terminal shows in place of these looks.
    pub fn reduce(self, style: Style) -> Style {
        let style = self.depth.reduce(style);
        if self.underlines {
            return style;
        }
        let underline = style.attributes.underline().map(|_| Underline::Single);
        Style { underline: Color::Default, attributes: style.attributes.with_underline(underline), ..style }
    }
}

/// Beginnings of `TERM` of terminals that show `SGR 4:3` and `58`: their terminfo entries have `Su` or `Smulx`. The
/// protocol is kitty's: <https://sw.kovidgoyal.net/kitty/underlines/>.
const UNDERLINE_TERMS: [&str; 8] =
    ["xterm-kitty", "xterm-ghostty", "ghostty", "alacritty", "foot", "wezterm", "contour", "vte"];

/// `TERM_PROGRAM` of those that call themselves `xterm-256color`.
const UNDERLINE_PROGRAMS: [&str; 5] = ["WezTerm", "ghostty", "iTerm.app", "vscode", "mintty"];

/// The first version of VTE with both, as `VTE_VERSION` counts (0.51.2).
const UNDERLINE_VTE: u32 = 5102;

/// Other terminals may take the parts of `4:3` for attributes of their own, and get none.
fn has_underlines(variable: impl Fn(&str) -> Option<String>, entry: impl Fn(&str) -> bool) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if set("TMUX").is_some() {
        // It draws a plain one where its terminal has no other (its feature `usstyle`), and knows best.
        return true;
    }
    let term = set("TERM").unwrap_or_default();
    if set("STY").is_some() || term.starts_with("screen") || matches!(term.as_str(), "" | "linux" | "dumb") {
        // What these variables say was said outside of GNU screen, or of the console.
        return false;
    }
    let by_name = UNDERLINE_TERMS.iter().any(|name| term.starts_with(name));
    let by_program = set("TERM_PROGRAM").is_some_and(|program| UNDERLINE_PROGRAMS.contains(&program.as_str()));
    let vte = set("VTE_VERSION").and_then(|version| version.parse::<u32>().ok());
    let known = by_name || by_program || vte.is_some_and(|version| version >= UNDERLINE_VTE);
    // For an entry that the user has changed, or of a terminal that is not listed.
    known || entry(&term)
}

impl ColorDepth {
    /// What these variables say of a terminal: `TERM`, `COLORTERM`, and whether a multiplexer stands between (`TMUX`,
    /// `STY`), for which `COLORTERM` may be that of the terminal outside.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        let by_name = if term.contains("256color") { Self::Indexed } else { Self::Sixteen };
        if set("TMUX").is_some() {
            // It reduces what its terminal has not, and knows best what that is.
            return Self::Full;
        }
        if set("STY").is_some() || term.starts_with("screen") {
            // GNU screen takes the parts of a colour for attributes: text blinks.
            return by_name;
        }
        let says_so = matches!(set("COLORTERM").as_deref(), Some("truecolor" | "24bit"));
        let known = ["xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour", "tmux"];
        if says_so || term.ends_with("-direct") || known.iter().any(|name| term.starts_with(name)) {
            return Self::Full;
        }
        by_name
    }

    /// Of the colours 16 to 255, the number of the one that looks most like another among those that fit. The first 16
    /// are the user's: what they look like is not known.
    pub fn nearest_indexed(wanted: [u8; 3], fits: impl Fn([u8; 3]) -> bool) -> Option<u8> {
        (16..=u8::MAX).filter(|index| fits(rgb(*index))).min_by_key(|index| distance(wanted, rgb(*index)))
    }

    /// What such a terminal shows in place of these looks.
    fn reduce(self, style: Style) -> Style {
        let (foreground, background) = (self.color(style.foreground), self.color(style.background));
        let vanishes = foreground == background && style.foreground != style.background;
        let foreground = match background {
            Color::Indexed(index) if vanishes => Color::Indexed(if is_light(rgb(index)) { 0 } else { 15 }),
            _ => foreground,
        };
        Style { foreground, background, underline: self.color(style.underline), ..style }
    }

    fn color(self, color: Color) -> Color {
        match (self, color) {
            (Self::Full, _) | (_, Color::Default | Color::Indexed(0..16)) | (Self::Indexed, Color::Indexed(_)) => color,
            (Self::Indexed, Color::Rgb(red, green, blue)) => Color::Indexed(nearest([red, green, blue], 16..=255)),
            (Self::Sixteen, Color::Rgb(red, green, blue)) => Color::Indexed(nearest([red, green, blue], 0..=15)),
            (Self::Sixteen, Color::Indexed(index)) => Color::Indexed(nearest(rgb(index), 0..=15)),
        }
    }
}

/// What a colour is, by its number.
fn rgb(index: u8) -> [u8; 3] {
    let level = |place: u8| LEVELS.get(usize::from(place % 6)).copied().unwrap_or_default();
    match index {
        0..16 => ANSI.get(usize::from(index)).copied().unwrap_or_default(),
        16..GRAYS => [level((index - 16) / 36), level((index - 16) / 6), level(index - 16)],
        GRAYS.. => [(index - GRAYS) * 10 + 8; 3],
    }
}

/// The number of the colour that looks most like another one.
fn nearest(wanted: [u8; 3], among: std::ops::RangeInclusive<u8>) -> u8 {
    among.min_by_key(|index| distance(wanted, rgb(*index))).unwrap_or_default()
}

/// How different two colours look: by redmean, which is close to the eye and needs no tables.
fn distance(one: [u8; 3], other: [u8; 3]) -> i64 {
    let [red, green, blue] = [0, 1, 2].map(|part: usize| {
        let part = |color: [u8; 3]| i64::from(color.get(part).copied().unwrap_or_default());
        part(one) - part(other)
    });
    let mean = (i64::from(one[0]) + i64::from(other[0])) / 2;
    (512 + mean) * red * red / 256 + 4 * green * green + (767 - mean) * blue * blue / 256
}

fn is_light([red, green, blue]: [u8; 3]) -> bool {
    u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114 > 128_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::Attributes;

    #[test]
    fn a_terminal_says_what_it_shows() {
        let depth = |variables: &[(&str, &str)]| {
            ColorDepth::from_variables(|name| {
                variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let (truecolor, x256) = (("COLORTERM", "truecolor"), ("TERM", "xterm-256color"));
        assert_eq!(depth(&[x256, truecolor]), ColorDepth::Full);
        assert_eq!(depth(&[x256]), ColorDepth::Indexed);
        assert_eq!(depth(&[x256, ("COLORTERM", "")]), ColorDepth::Indexed);
        assert_eq!(depth(&[("TERM", "xterm-kitty")]), ColorDepth::Full);
        assert_eq!(depth(&[("TERM", "xterm-direct")]), ColorDepth::Full);
        for term in ["xterm", "linux", "rxvt-unicode", "vt220", ""] {
            assert_eq!(depth(&[("TERM", term)]), ColorDepth::Sixteen, "{term}");
        }
        // What was set outside of a multiplexer says nothing inside.
        assert_eq!(depth(&[("TERM", "screen.xterm-256color"), truecolor, ("STY", "1.x")]), ColorDepth::Indexed);
        assert_eq!(depth(&[("TERM", "screen"), truecolor, ("STY", "1.x")]), ColorDepth::Sixteen);
        assert_eq!(depth(&[("TERM", "screen-256color"), ("TMUX", "/tmp/x,1,0")]), ColorDepth::Full);
    }

    fn reduced(depth: ColorDepth, foreground: Color, background: Color) -> (Color, Color) {
        let style = depth.reduce(Style { foreground, background, ..Style::default() });
        (style.foreground, style.background)
    }

    #[test]
    fn a_colour_becomes_the_one_that_looks_most_like_it() {
        let to = |depth, color| reduced(depth, color, Color::Default).0;
        for (color, indexed, sixteen) in [
            (Color::Rgb(255, 0, 0), 196, 9),
            (Color::Rgb(95, 135, 175), 67, 8),
            (Color::Rgb(8, 8, 8), 232, 0),
            (Color::Rgb(250, 250, 250), 231, 15),
            (Color::Rgb(0, 200, 10), 40, 2),
            (Color::Rgb(250, 179, 135), 216, 7),
        ] {
            assert_eq!(to(ColorDepth::Full, color), color);
            assert_eq!(to(ColorDepth::Indexed, color), Color::Indexed(indexed), "{color:?}");
            assert_eq!(to(ColorDepth::Sixteen, color), Color::Indexed(sixteen), "{color:?}");
        }
        assert_eq!(to(ColorDepth::Sixteen, Color::Indexed(196)), Color::Indexed(9));
        assert_eq!(to(ColorDepth::Sixteen, Color::Indexed(5)), Color::Indexed(5));
        assert_eq!(to(ColorDepth::Indexed, Color::Indexed(200)), Color::Indexed(200));
        assert_eq!(to(ColorDepth::Sixteen, Color::Default), Color::Default);
    }

    #[test]
    fn text_does_not_vanish_in_what_is_behind_it() {
        let (dark, darker) = (Color::Rgb(60, 60, 60), Color::Rgb(30, 30, 30));
        assert_eq!(reduced(ColorDepth::Sixteen, dark, darker), (Color::Indexed(15), Color::Indexed(0)));
        let (light, lighter) = (Color::Rgb(250, 250, 250), Color::Rgb(255, 255, 255));
        assert_eq!(reduced(ColorDepth::Sixteen, light, lighter), (Color::Indexed(0), Color::Indexed(15)));
        assert_eq!(reduced(ColorDepth::Sixteen, dark, dark), (Color::Indexed(0), Color::Indexed(0)), "as it was meant");
    }

    #[test]
    fn underlines_are_plain_where_nothing_is_known_of_others() {
        let has = |variables: &[(&str, &str)]| {
            let variable =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            has_underlines(variable, |term| term == "odd")
        };
        let x256 = ("TERM", "xterm-256color");
        for term in ["xterm-kitty", "alacritty", "foot-extra", "wezterm", "xterm-ghostty"] {
            assert!(has(&[("TERM", term)]), "{term}");
        }
        assert!(has(&[("TERM", "odd")]) && !has(&[("TERM", "odd"), ("STY", "1.x")]));
        assert!(has(&[x256, ("VTE_VERSION", "7600")]) && has(&[x256, ("TERM_PROGRAM", "iTerm.app")]));
        assert!(has(&[("TERM", "screen-256color"), ("TMUX", "/tmp/x,1,0")]));
        for variables in [
            &[x256][..],
            &[x256, ("COLORTERM", "truecolor")],
            &[x256, ("VTE_VERSION", "5002")],
            &[x256, ("TERM_PROGRAM", "Apple_Terminal")],
            &[("TERM", "screen"), ("STY", "1.x"), ("VTE_VERSION", "7600")],
            &[("TERM", "linux"), ("VTE_VERSION", "7600")],
            &[],
        ] {
            assert!(!has(variables), "{variables:?}");
        }
    }

    #[test]
    fn an_underline_stays_one() {
        let attributes = Attributes::BOLD.with_underline(Some(Underline::Curly));
        let style = Style { underline: Color::Rgb(255, 0, 0), attributes, ..Style::default() };
        assert_eq!(StyleSupport::FULL.reduce(style), style);
        let sixteen = StyleSupport { depth: ColorDepth::Sixteen, underlines: true }.reduce(style);
        assert_eq!((sixteen.underline, sixteen.attributes), (Color::Indexed(9), attributes));
        let plain = StyleSupport { depth: ColorDepth::Full, underlines: false }.reduce(style);
        let single = Attributes::BOLD.with(Attributes::UNDERLINE);
        assert_eq!((plain.underline, plain.attributes), (Color::Default, single));
    }
}
