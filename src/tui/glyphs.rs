//! The characters that stand for states, borders and cuts.

use crate::display::GlyphSet;
use crate::domain::in_ascii;

/// One set of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Glyphs {
    /// Whether these are Unicode or ASCII.
    pub(super) set: GlyphSet,
    /// Ready or running.
    pub(super) up: &'static str,
    /// A worker that runs.
    pub(super) worker: &'static str,
    /// Starting, restarting, stopping.
    pub(super) busy: &'static str,
    /// Ended with 0.
    pub(super) done: &'static str,
    /// Before a service that has failed.
    pub(super) failed: &'static str,
    /// Before a service that does not run.
    pub(super) stopped: &'static str,
    /// Waits for a dependency.
    pub(super) waits: &'static str,
    /// Changes are held.
    pub(super) held: &'static str,
    /// Before the selected service.
    pub(super) pointer: &'static str,
    /// Beside a line that tells of an error.
    pub(super) error: &'static str,
    /// Beside the lines that belong to an error.
    pub(super) trace: &'static str,
    /// Beside a line that tells of a warning.
    pub(super) warning: &'static str,
    /// Beside a line that a search has found.
    pub(super) hit: &'static str,
    /// Restarts that were wanted, and what the watcher saw.
    pub(super) restarts: &'static str,
    /// Restarts by crashes.
    pub(super) crashes: &'static str,
    /// Forced restarts: it was stuck, or had too much memory.
    pub(super) stuck: &'static str,
    /// Between parts of a sentence.
    pub(super) dot: &'static str,
    /// Where something was cut.
    pub(super) ellipsis: &'static str,
    /// New lines below.
    pub(super) new_lines: &'static str,
    /// Where more lines are below.
    pub(super) more: &'static str,
    /// From one to the next.
    pub(super) arrow: &'static str,
    /// Before the last word of a terminal that is too small.
    pub(super) dash: &'static str,
    /// Fills the rest of a banner.
    pub(super) shade: &'static str,
    /// The part of a bar that is done.
    pub(super) full: &'static str,
    /// A thin line.
    pub(super) rule: &'static str,
    /// Borders of what has no focus: corners from the top left clockwise, then horizontal and vertical.
    pub(super) thin: [&'static str; 6],
    /// Borders of what has the focus.
    pub(super) thick: [&'static str; 6],
}

impl Glyphs {
    /// The characters of a set.
    pub(super) fn of(set: GlyphSet) -> &'static Self {
        match set {
            GlyphSet::Unicode => &UNICODE,
            GlyphSet::Ascii => &ASCII,
        }
    }

    /// A line that devgroup wrote itself, in this set.
    pub(super) fn own_text(&self, text: &str) -> String {
        match self.set {
            GlyphSet::Unicode => text.to_owned(),
            GlyphSet::Ascii => in_ascii(text),
        }
    }
}

const UNICODE: Glyphs = Glyphs {
    set: GlyphSet::Unicode,
    up: "●",
    worker: "◆",
    busy: "◐",
    done: "✓",
    failed: "✗",
    stopped: "○",
    waits: "◌",
    held: "‖",
    pointer: "▸",
    error: "✗",
    trace: "▏",
    warning: "!",
    hit: ">",
    restarts: "↻",
    crashes: "✗",
    stuck: "!",
    dot: "·",
    ellipsis: "…",
    new_lines: "▼",
    more: "↓",
    arrow: "→",
    dash: "—",
    shade: "░",
    full: "█",
    rule: "─",
    thin: ["┌", "┐", "┘", "└", "─", "│"],
    thick: ["┏", "┓", "┛", "┗", "━", "┃"],
};

const ASCII: Glyphs = Glyphs {
    set: GlyphSet::Ascii,
    up: "*",
    worker: "@",
    busy: "~",
    done: "+",
    failed: "x",
    stopped: "-",
    waits: ".",
    held: "=",
    pointer: ">",
    error: "E",
    trace: "|",
    warning: "W",
    hit: ">",
    restarts: "r",
    crashes: "x",
    stuck: "!",
    dot: "-",
    ellipsis: "...",
    new_lines: "v",
    more: "v",
    arrow: "->",
    dash: "-",
    shade: ":",
    full: "#",
    rule: "-",
    thin: ["+", "+", "+", "+", "-", "|"],
    thick: ["+", "+", "+", "+", "=", "|"],
};
