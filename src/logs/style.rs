//! The style of a piece of text.
//!
//! Underlines keep their kind and colour, and are drawn so on terminals known to support them.

use super::links::LinkId;

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
    /// SGR 1, bold.
    pub const BOLD: Self = Self(1);
    /// SGR 2, faint.
    pub const DIM: Self = Self(1 << 1);
    /// SGR 3, italic.
    pub const ITALIC: Self = Self(1 << 2);
    /// SGR 4: an underline of any kind. [`Self::underline`] tells which.
    pub const UNDERLINE: Self = Self(1 << 3);
    /// SGR 5 and 6.
    pub const BLINK: Self = Self(1 << 4);
    /// SGR 7, reverse video.
    pub const REVERSE: Self = Self(1 << 5);
    /// SGR 8, concealed.
    pub const HIDDEN: Self = Self(1 << 6);
    /// SGR 9, crossed out.
    pub const STRIKE: Self = Self(1 << 7);
    /// SGR 53, overlined.
    pub const OVERLINE: Self = Self(1 << 8);
    /// Of the kind of an underline.
    const KIND_SHIFT: u32 = 9;
    const KIND: Self = Self(0b111 << Self::KIND_SHIFT);

    /// No look: a part of a link that leads somewhere. Never of what a service prints; a dashboard notes it for itself.
    pub const LINK: Self = Self(1 << 12);
    /// No look: a space that nobody printed. It never leaves the screen.
    pub(super) const PAD: Self = Self(1 << 13);
    /// No look: the first of the spaces that stand for a tab.
    pub const TAB: Self = Self(1 << 14);
    /// No look: a further one of them.
    pub const TAB_REST: Self = Self(1 << 15);

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

    /// The kind of the underline, if there is one.
    pub fn underline(self) -> Option<Underline> {
        let kind = (self.0 & Self::KIND.0) >> Self::KIND_SHIFT;
        self.contains(Self::UNDERLINE).then(|| Underline::from_parameter(kind + 1).unwrap_or_default())
    }

    /// With an underline of this kind instead of any other, or without one.
    pub const fn with_underline(self, underline: Option<Underline>) -> Self {
        let without = self.without(Self::UNDERLINE).without(Self::KIND);
        match underline {
            None => without,
            Some(kind) => without.with(Self::UNDERLINE).with(Self((kind as u16 - 1) << Self::KIND_SHIFT)),
        }
    }
}

/// Kinds of underlines, by their numbers in `SGR 4:n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Underline {
    /// SGR 4:1, a straight line.
    #[default]
    Single = 1,
    /// Two lines; also SGR 21.
    Double = 2,
    /// SGR 4:3, a wave.
    Curly = 3,
    /// SGR 4:4, dots.
    Dotted = 4,
    /// SGR 4:5, dashes.
    Dashed = 5,
}

impl Underline {
    /// The kind of this number.
    pub const fn from_parameter(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::Single),
            2 => Some(Self::Double),
            3 => Some(Self::Curly),
            4 => Some(Self::Dotted),
            5 => Some(Self::Dashed),
            _ => None,
        }
    }
}

/// How a stretch of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Style {
    /// Of the characters.
    pub foreground: Color,
    /// Colour of the cell (SGR 40 to 48).
    pub background: Color,
    /// Of an underline (SGR 58); the default is that of the characters.
    pub underline: Color,
    /// Bold, italic, underlined and their like.
    pub attributes: Attributes,
    /// No look: the link that the text is a part of (OSC 8).
    pub link: Option<LinkId>,
}

impl Style {
    /// What is to be seen of it: without the notes about tabs, and without its link.
    pub const fn visible_part(self) -> Self {
        let attributes = self.attributes.without(Attributes::TAB).without(Attributes::TAB_REST);
        Self { attributes, link: None, ..self }
    }

    /// SGR 0: nothing but the link is left, which has an end of its own.
    pub(super) fn reset(&mut self) {
        *self = Self { link: self.link, ..Self::default() };
    }
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

impl StyledText {
    /// A part of the text, in bytes, as it was printed: with its tabs. `text` has spaces in their place, so that each
    /// character has the columns that it has on the screen; a tab is kept as long as nothing was written over it.
    pub fn as_printed(&self, bytes: std::ops::Range<usize>) -> String {
        let mut out = String::with_capacity(bytes.len());
        let (mut place, mut tab_end) = (bytes.start, None);
        for run in &self.runs {
            let (start, end) = ((run.start as usize).max(bytes.start), (run.end as usize).min(bytes.end));
            if start >= end {
                continue;
            }
            let first = run.style.attributes.contains(Attributes::TAB);
            let goes_on = run.style.attributes.contains(Attributes::TAB_REST) && tab_end == Some(start);
            if !first && !goes_on {
                continue;
            }
            out.push_str(self.text.get(place..start).unwrap_or_default());
            if first {
                out.extend(std::iter::repeat_n('\t', end - start));
            }
            (place, tab_end) = (end, Some(end));
        }
        out.push_str(self.text.get(place..bytes.end).unwrap_or_default());
        out
    }
}

/// A style and the bytes of the text that have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StyleRun {
    /// First byte of the run in its line.
    pub start: u32,
    /// First byte that does not have it any more.
    pub end: u32,
    /// Colours and attributes of all of it.
    pub style: Style,
}

/// What rows write their text into.
pub(super) trait TextSink {
    /// Adds text at the end.
    fn push(&mut self, text: &str, style: Style) {
        self.push_spans(text, [(text.len(), style)]);
    }

    /// Adds text at the end, in several styles: the byte where each ends, without gaps.
    fn push_spans(&mut self, text: &str, spans: impl IntoIterator<Item = (usize, Style)>);
}

impl TextSink for StyledText {
    fn push_spans(&mut self, text: &str, spans: impl IntoIterator<Item = (usize, Style)>) {
        push_spans(&mut self.text, &mut self.runs, 0, text, spans);
    }
}

/// Adds text to `out`, and to `runs` what of it does not look as all text does. Joins it to the last run if that is one
/// of those from `first_run` on, ends there and looks the same.
pub(super) fn push_spans(
    out: &mut String,
    runs: &mut Vec<StyleRun>,
    first_run: usize,
    text: &str,
    spans: impl IntoIterator<Item = (usize, Style)>,
) {
    let offset = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let before = out.len();
    out.push_str(text);
    let mut start = offset(before);
    for (end, style) in spans {
        let end = offset(before + end);
        if style != Style::default() && end > start {
            match runs.get_mut(first_run..).and_then(<[_]>::last_mut) {
                Some(last) if last.end == start && last.style == style => last.end = end,
                _ => runs.push(StyleRun { start, end, style }),
            }
        }
        start = end;
    }
}
