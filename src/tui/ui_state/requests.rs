//! What the state of the dashboard asks of whoever draws it and has its terminal.

use std::sync::Arc;

use crate::domain::{Marker, ServiceName, TaskQuestion};
use crate::logs::Scan;
use crate::tui::selection::CopyRequest;

/// What is to be done beside the drawing.
#[derive(Debug)]
pub(in crate::tui) enum Followup {
    /// Read lines; it is claimed for whoever takes this.
    Scan(Arc<Scan>),
    /// Put a marker into the log of a service.
    Mark(ServiceName, Marker),
    /// Ask why the path of this event in the journal was judged so.
    Why(u64, Arc<str>),
    /// Ask about tasks.
    Task(TaskQuestion),
    /// Read how often a service was restarted in each of the last hours.
    Restarts(ServiceName),
}

/// All that is asked for, until somebody has taken it.
#[derive(Debug, Default)]
pub(in crate::tui) struct Requests {
    /// What the next frame leaves to be done.
    pub(in crate::tui) followups: Vec<Followup>,
    /// What is wanted of the text of a log.
    pub(in crate::tui) copy: Option<CopyRequest>,
    /// An address is to be opened in the browser.
    pub(in crate::tui) browse: Option<Arc<str>>,
    /// The next frame clears the screen first.
    pub(in crate::tui) redraw: bool,
    /// The user detaches.
    pub(in crate::tui) leaves: bool,
}
