//! What the user's environment says about the terminal: glyphs, colours, mouse.

/// Which characters stand for states and borders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GlyphSet {
    /// `●`, `┌─┐`: for terminals with a UTF-8 locale.
    #[default]
    Unicode,
    /// `*`, `+-+`: for every terminal.
    Ascii,
}

/// How the dashboard draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DashboardOptions {
    /// Which characters stand for states and borders.
    pub glyphs: GlyphSet,
    /// The 16 ANSI colours may be used. State is never told by colour alone.
    pub color: bool,
    /// Wheel and click go to the dashboard from the start; the key `M` changes it.
    pub mouse: bool,
}

impl DashboardOptions {
    /// What the environment of this process asks for.
    pub fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// What these variables ask for: `LC_ALL`, `LC_CTYPE`, `LANG` (the first that is set and not empty decides, as in
    /// setlocale(3)), `TERM`, and `NO_COLOR` (<https://no-color.org>: any value that is not empty).
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let utf8 = is_utf8_locale(&variable);
        let term = set("TERM").unwrap_or_default();
        let simple = matches!(term.as_str(), "linux" | "dumb" | "");
        let glyphs = if utf8 && !simple { GlyphSet::Unicode } else { GlyphSet::Ascii };
        let color = set("NO_COLOR").is_none() && term != "dumb";
        Self { glyphs, color, mouse: true }
    }
}

/// Whether text in the locale that these variables choose may hold more than ASCII.
pub fn is_utf8_locale(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(variables: &[(&str, &str)]) -> DashboardOptions {
        DashboardOptions::from_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_locale_and_the_terminal_choose_the_glyphs() {
        let xterm = ("TERM", "xterm-256color");
        assert_eq!(options(&[("LANG", "en_US.UTF-8"), xterm]).glyphs, GlyphSet::Unicode);
        assert_eq!(options(&[("LANG", "C.utf8"), xterm]).glyphs, GlyphSet::Unicode);
        assert_eq!(options(&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C"), xterm]).glyphs, GlyphSet::Ascii);
        assert_eq!(options(&[("LANG", "en_US.UTF-8"), ("LC_ALL", ""), xterm]).glyphs, GlyphSet::Unicode);
        assert_eq!(options(&[xterm]).glyphs, GlyphSet::Ascii);
        assert_eq!(options(&[("LANG", "en_US.UTF-8"), ("TERM", "linux")]).glyphs, GlyphSet::Ascii);
    }

    #[test]
    fn no_color_is_honoured_unless_empty() {
        assert!(options(&[("TERM", "xterm"), ("NO_COLOR", "")]).color);
        assert!(!options(&[("TERM", "xterm"), ("NO_COLOR", "1")]).color);
        assert!(!options(&[("TERM", "dumb")]).color);
    }
}
