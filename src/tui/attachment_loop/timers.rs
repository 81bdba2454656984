//! What wakes the dashboard when nothing happens.

use crate::domain::Moment;

/// When what is due; `None` where nothing is waited for.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// What was typed is the key Escape, and not the beginning of another one.
    pub(super) escape: Option<Moment>,
    /// Answers of the terminal about its colours are not expected any more.
    pub(super) colors: Option<Moment>,
    /// The services are told the sizes of their terminals.
    pub(super) sizes: Option<Moment>,
    /// The pane scrolls on, because the mouse is held beyond its edge.
    pub(super) edge: Option<Moment>,
    /// A click is no double click: what it means is opened.
    pub(super) open: Option<Moment>,
    /// Errors out of sight are counted.
    pub(super) count: Option<Moment>,
    /// What services use is measured.
    pub(super) usage: Option<Moment>,
    /// The time on the screen moves on.
    pub(super) tick: Option<Moment>,
}

impl Timers {
    /// The first moment at which something is due.
    pub(super) fn earliest(&self) -> Option<Moment> {
        let Self { escape, colors, sizes, edge, open, count, usage, tick } = *self;
        [escape, colors, sizes, edge, open, count, usage, tick].into_iter().flatten().min()
    }
}

/// Whether a moment has come.
pub(super) fn is_due(timer: Option<Moment>, now: Moment) -> bool {
    timer.is_some_and(|at| at <= now)
}
