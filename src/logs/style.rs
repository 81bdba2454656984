//! How a stretch of text looks.

/// A colour as the service asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Color {
    /// The terminal's own.
    #[default]
    Default,
    /// One of the 256; 0 to 15 follow the user's theme.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// Attributes of text, as a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes(pub u16);

impl Attributes {
    /// SGR 1.
    pub const BOLD: Self = Self(1);
    /// SGR 2.
    pub const DIM: Self = Self(1 << 1);
    /// SGR 3.
    pub const ITALIC: Self = Self(1 << 2);
    /// SGR 4, and its double, curly, dotted and dashed kinds.
    pub const UNDERLINE: Self = Self(1 << 3);
    /// SGR 5 and 6.
    pub const BLINK: Self = Self(1 << 4);
    /// SGR 7.
    pub const REVERSE: Self = Self(1 << 5);
    /// SGR 8.
    pub const HIDDEN: Self = Self(1 << 6);
    /// SGR 9.
    pub const STRIKE: Self = Self(1 << 7);

    /// All of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// With `other` set.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// With `other` cleared.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// How a stretch of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Style {
    /// Of the characters.
    pub foreground: Color,
    /// Behind them.
    pub background: Color,
    /// The rest.
    pub attributes: Attributes,
}

/// Text with its styles: the runs are in order, do not overlap, and lie on character boundaries. Text outside of every
/// run has the default style.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StyledText {
    /// UTF-8, without control characters.
    pub text: String,
    /// Styles of parts.
    pub runs: Vec<StyleRun>,
}

/// A style and the bytes of the text that have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StyleRun {
    /// First byte.
    pub start: u32,
    /// First byte that does not have it any more.
    pub end: u32,
    /// The style.
    pub style: Style,
}
