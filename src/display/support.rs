//! What a terminal can show, as the variables of its environment say.

use std::sync::LazyLock;

use super::contrast::opposite;
use crate::logs::{Rgb, StyleSupport, TerminalColors};

/// Which characters stand for states and borders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GlyphSet {
    /// `●`, `┌─┐`: for terminals with a UTF-8 locale.
    #[default]
    Unicode,
    /// `*`, `+-+`: for every terminal.
    Ascii,
}

/// What colours stand on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ground {
    /// The terminal does not say.
    #[default]
    Unknown,
    /// A dark background.
    Dark,
    /// A light one.
    Light,
}

impl Ground {
    /// That of a background: dark, if white is told from it more easily than black.
    pub fn of(background: Rgb) -> Self {
        if opposite(background) == [0; 3] { Self::Light } else { Self::Dark }
    }

    /// What a service is told that asks for the colours, where only this is known.
    pub fn colors(self) -> TerminalColors {
        const WHITE: Rgb = (u16::MAX, u16::MAX, u16::MAX);
        const BLACK: Rgb = (0, 0, 0);
        let (foreground, background) = match self {
            Self::Unknown => (None, None),
            Self::Dark => (Some(WHITE), Some(BLACK)),
            Self::Light => (Some(BLACK), Some(WHITE)),
        };
        TerminalColors { foreground, background, ..TerminalColors::default() }
    }
}

/// How a terminal can tell something to one who looks elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notification {
    /// `OSC 9`: a text (iTerm2, kitty, WezTerm, Ghostty).
    Osc9,
    /// `OSC 777`: a title and a text (rxvt-unicode, foot).
    Osc777,
    /// The terminal's bell: BEL, U+0007.
    #[default]
    Bell,
    /// Not at all.
    Off,
}

/// What a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisplaySupport {
    /// Which characters stand for states and borders.
    pub glyphs: GlyphSet,
    /// Text may have characters that are not ASCII: the locale has them, whatever signs the terminal has.
    pub utf8: bool,
    /// It shows lines, and cannot be drawn on: `TERM=dumb`.
    pub dumb: bool,
    /// The 16 ANSI colours may be used. State is never told by colour alone.
    pub color: bool,
    /// What is shown of the services' looks.
    pub styles: StyleSupport,
    /// What the colours stand on.
    pub ground: Ground,
    /// How it can tell something to one who looks elsewhere.
    pub notification: Notification,
    /// It makes links of OSC 8, or at least does not print them.
    pub links: bool,
}

impl DisplaySupport {
    /// What the environment of this process says. Looked at once: that reads a file.
    pub fn from_environment() -> Self {
        static HERE: LazyLock<DisplaySupport> = LazyLock::new(|| {
            let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
            DisplaySupport::from_variables(variable)
        });
        *HERE
    }

    /// What these variables say: `LC_ALL`, `LC_CTYPE`, `LANG` (the first that is set and not empty decides, as in
    /// setlocale(3)), `TERM`, those of [`StyleSupport::from_variables`], and `NO_COLOR` (<https://no-color.org>: any value that is not empty).
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let utf8 = is_utf8_locale(&variable);
        let term = set("TERM").unwrap_or_default();
        let simple = matches!(term.as_str(), "linux" | "dumb" | "");
        let glyphs = if utf8 && !simple { GlyphSet::Unicode } else { GlyphSet::Ascii };
        let dumb = term == "dumb";
        let color = set("NO_COLOR").is_none() && !dumb;
        let (ground, notification) = (ground(&variable), notification(&variable, &term));
        let styles = StyleSupport::from_variables(&variable);
        let links = knows_links(&variable, &term);
        Self { glyphs, utf8, dumb, color, styles, ground, notification, links }
    }
}

/// What `COLORFGBG` says, which rxvt, Konsole and others set: the last part is the background, of the 16 colours.
fn ground(variable: &impl Fn(&str) -> Option<String>) -> Ground {
    let colors = variable("COLORFGBG").unwrap_or_default();
    match colors.rsplit(';').next().and_then(|ground| ground.parse::<u8>().ok()) {
        Some(7 | 9..=15) => Ground::Light,
        Some(0..=6 | 8) => Ground::Dark,
        _ => Ground::Unknown,
    }
}

/// What the terminal is known to understand. Multiplexers keep sequences for themselves, but show a bell.
fn notification(variable: &impl Fn(&str) -> Option<String>, term: &str) -> Notification {
    let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let program = variable("TERM_PROGRAM").unwrap_or_default();
    if is_set("TMUX") || is_set("STY") {
        Notification::Bell
    } else if matches!(program.as_str(), "iTerm.app" | "WezTerm" | "ghostty") || term == "xterm-kitty" {
        Notification::Osc9
    } else if term.starts_with("foot") || term.starts_with("rxvt-unicode") {
        Notification::Osc777
    } else {
        Notification::Bell
    }
}

/// The first version of VTE with links that are safe, as `VTE_VERSION` counts (0.50).
const LINKS_VTE: u32 = 5000;

/// Terminals skip the sequences that they do not know, but for a few: the Linux console and that of Emacs print their ends,
/// and GNU screen keeps them for itself. tmux passes links on to a terminal that knows them (3.4).
fn knows_links(variable: &impl Fn(&str) -> Option<String>, term: &str) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if set("TMUX").is_some() {
        return true;
    }
    let prints =
        matches!(term, "" | "dumb" | "linux" | "cons25") || term.starts_with("eterm") || term.starts_with("vt");
    let is_screen = set("STY").is_some() || term.starts_with("screen");
    let vte = set("VTE_VERSION").and_then(|version| version.parse::<u32>().ok());
    !prints && !is_screen && vte.is_none_or(|version| version >= LINKS_VTE)
}

/// Whether text in the locale that these variables choose may hold more than ASCII.
fn is_utf8_locale(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn support(variables: &[(&str, &str)]) -> DisplaySupport {
        DisplaySupport::from_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_locale_and_the_terminal_choose_the_glyphs() {
        let xterm = ("TERM", "xterm-256color");
        assert_eq!(support(&[("LANG", "en_US.UTF-8"), xterm]).glyphs, GlyphSet::Unicode);
        assert_eq!(support(&[("LANG", "C.utf8"), xterm]).glyphs, GlyphSet::Unicode);
        assert_eq!(support(&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C"), xterm]).glyphs, GlyphSet::Ascii);
        assert_eq!(support(&[("LANG", "en_US.UTF-8"), ("LC_ALL", ""), xterm]).glyphs, GlyphSet::Unicode);
        assert_eq!(support(&[xterm]).glyphs, GlyphSet::Ascii);
        assert_eq!(support(&[("LANG", "en_US.UTF-8"), ("TERM", "linux")]).glyphs, GlyphSet::Ascii);
    }

    #[test]
    fn the_terminal_says_what_it_stands_on_and_what_it_understands() {
        let kitty = support(&[("TERM", "xterm-kitty"), ("COLORFGBG", "0;default;15")]);
        assert_eq!((kitty.ground, kitty.notification), (Ground::Light, Notification::Osc9));
        let inside = support(&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/x"), ("COLORFGBG", "15;0")]);
        assert_eq!((inside.ground, inside.notification), (Ground::Dark, Notification::Bell));
        let foot = support(&[("TERM", "foot-extra"), ("COLORFGBG", "default")]);
        assert_eq!((foot.ground, foot.notification), (Ground::Unknown, Notification::Osc777));
    }

    #[test]
    fn links_go_to_terminals_that_do_not_print_them() {
        let xterm = ("TERM", "xterm-256color");
        assert!(support(&[xterm]).links && support(&[("TERM", "xterm-kitty")]).links);
        assert!(support(&[xterm, ("VTE_VERSION", "7600")]).links && !support(&[xterm, ("VTE_VERSION", "4803")]).links);
        assert!(support(&[("TERM", "screen-256color"), ("TMUX", "/tmp/x,1,0")]).links);
        assert!(!support(&[("TERM", "screen-256color")]).links && !support(&[xterm, ("STY", "1.x")]).links);
        for term in ["linux", "dumb", "", "vt100", "eterm-color"] {
            assert!(!support(&[("TERM", term)]).links, "{term}");
        }
    }

    #[test]
    fn a_background_is_dark_or_light() {
        for (background, ground) in [
            ((0, 0, 0), Ground::Dark),
            ((0xFFFF, 0xFFFF, 0xFFFF), Ground::Light),
            ((0, 0x2B2B, 0x3636), Ground::Dark),
            ((0xFDFD, 0xF6F6, 0xE3E3), Ground::Light),
            ((0, 0, 0xFFFF), Ground::Dark),
        ] {
            assert_eq!(Ground::of(background), ground, "{background:?}");
        }
        for ground in [Ground::Dark, Ground::Light] {
            assert_eq!(ground.colors().background.map(Ground::of), Some(ground));
        }
        assert_eq!(Ground::Unknown.colors(), TerminalColors::default());
    }

    #[test]
    fn no_color_is_honoured_unless_empty() {
        assert!(support(&[("TERM", "xterm"), ("NO_COLOR", "")]).color);
        assert!(!support(&[("TERM", "xterm"), ("NO_COLOR", "1")]).color);
        assert!(!support(&[("TERM", "dumb")]).color);
    }
}
