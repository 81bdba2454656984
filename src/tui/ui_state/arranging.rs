//! How panes and lines are arranged.

use crate::tui::layout::Arrangement;
use crate::tui::log_view::Times;

/// Where the panes are.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::tui) struct PaneChoice {
    /// One pane has the whole screen.
    pub(in crate::tui) zoom: bool,
    /// The list of the services is not shown.
    pub(super) sidebar_hidden: bool,
    /// The sidebar shows CPU and memory.
    pub(in crate::tui) usage: bool,
    /// How the panes share the room.
    pub(in crate::tui) arrangement: Arrangement,
}

/// How the lines in the panes are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineChoice {
    wrap: bool,
    /// The same for a pane that has the whole screen.
    wrap_zoomed: bool,
    /// What stands before the lines.
    pub(super) times: Times,
    /// Lines that are data are short.
    pub(super) folded: bool,
}

impl Default for LineChoice {
    fn default() -> Self {
        Self { wrap: false, wrap_zoomed: true, times: Times::Off, folded: false }
    }
}

impl LineChoice {
    /// Long lines are wrapped, and not cut.
    pub(super) fn wraps(&self, zoom: bool) -> bool {
        if zoom { self.wrap_zoomed } else { self.wrap }
    }

    /// Folds lines that are data, or shows them as they were printed. What is said of it.
    pub(super) fn fold(&mut self) -> &'static str {
        self.folded = !self.folded;
        if self.folded { "JSON and logfmt lines are folded" } else { "JSON and logfmt lines are as printed" }
    }

    /// Wraps what was cut, or the other way round.
    pub(super) fn toggle_wrap(&mut self, zoom: bool) {
        let wrap = if zoom { &mut self.wrap_zoomed } else { &mut self.wrap };
        *wrap = !*wrap;
    }
}
