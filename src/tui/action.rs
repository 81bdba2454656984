//! What keys can ask for.

use std::fmt;

use serde::Deserialize;

/// What a key asks for. The name in the key table is the variant in snake_case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    /// Restart the selected service.
    Restart,
    /// Open the menu of restarts.
    RestartMenu,
    /// Menu: all that are wanted.
    RestartAll,
    /// Menu: those that have failed.
    RestartFailed,
    /// Menu: the selected one, then those that depend on it.
    RestartDependents,
    /// Menu: the selected one, with KILL at once.
    RestartForce,
    /// Menu: what is marked.
    Choose,
    /// Hold changes, or apply them once.
    Pause,
    /// End the hold and forget what it held.
    Discard,
    /// Start the selected service.
    Start,
    /// Stop the selected service.
    Stop,
    /// Stop it with KILL at once.
    Kill,
    /// Select the service above.
    PreviousService,
    /// Select the service below.
    NextService,
    /// Select the service with the digit of the key.
    ServiceNumber,
    /// Show only services with a text in their name, to select one.
    FilterServices,
    /// Focus the next pane.
    NextPane,
    /// Focus the pane before.
    PreviousPane,
    /// Every key goes to the selected service.
    TypeInto,
    /// Typing: no key does any more.
    StopTyping,
    /// What is selected, or in sight, into the clipboard.
    Copy,
    /// The whole log into a file.
    Save,
    /// The place in a file that the line names, or else the log as a text file, in the user's editor.
    Edit,
    /// The address of the selected service in the browser.
    OpenUrl,
    /// The lines of all services in one pane.
    Merged,
    /// Merged view: the line in the pane of its service.
    OpenLine,
    /// Select lines by keys.
    Select,
    /// One pane on the whole screen, or back.
    Zoom,
    /// Everything about the selected service.
    Details,
    /// CPU and memory of all services in the sidebar.
    Usage,
    /// The watcher panel.
    Watcher,
    /// Watcher panel: which rule decided.
    Why,
    /// Watcher panel: hide or show ignored events.
    Ignored,
    /// The tasks of all workers.
    Tasks,
    /// Tasks: the marked task and its output.
    ShowTask,
    /// Tasks: try the marked task anew.
    RetryTask,
    /// Tasks: cancel the marked task.
    CancelTask,
    /// devgroup's own log.
    OwnLog,
    /// To the end, and stay there.
    Follow,
    /// To the oldest line.
    Top,
    /// Up by a page.
    PageUp,
    /// Down by a page.
    PageDown,
    /// Up by a line.
    LineUp,
    /// Down by a line.
    LineDown,
    /// Search the log.
    Search,
    /// Only lines that match.
    Filter,
    /// The next match.
    NextHit,
    /// The match before.
    PreviousHit,
    /// The next error.
    NextError,
    /// The error before.
    PreviousError,
    /// The next run.
    NextRun,
    /// The beginning of this run, or of the one before.
    PreviousRun,
    /// Put a marker into the log.
    DropMarker,
    /// Clear the view of the log.
    Clear,
    /// Show what is further left.
    ScrollLeft,
    /// Show what is further right.
    ScrollRight,
    /// Prompt: keep what was typed.
    Keep,
    /// Prompt: text, expression, whole word.
    QueryKind,
    /// Prompt: this pane, all services.
    QueryScope,
    /// Wrap long lines, or cut them.
    Wrap,
    /// Times before the lines: off, clock, since the start.
    Times,
    /// Lines that are data: short, or as they were printed.
    FoldData,
    /// Hide or show the sidebar.
    Sidebar,
    /// Next arrangement of the panes.
    Layout,
    /// Mouse to the dashboard, or to the terminal.
    Mouse,
    /// Draw everything anew.
    Redraw,
    /// The help overlay.
    Help,
    /// Every action by its name.
    Palette,
    /// One step back. Never quits.
    Back,
    /// Stop all services and leave.
    Quit,
    /// Kill what is left and quit.
    QuitNow,
    /// Leave; the group goes on.
    Detach,
    /// Own log: show or hide the list of targets.
    LogHide,
    /// Own log: only the selected target.
    LogFocus,
    /// Own log: show less of the selected target.
    LogShowLess,
    /// Own log: show more of it.
    LogShowMore,
    /// Own log: capture less of it.
    LogCaptureLess,
    /// Own log: capture more of it.
    LogCaptureMore,
    /// Own log: hide targets that are off.
    LogSilent,
}

impl Action {
    /// As the key table calls it.
    pub(super) fn name(self) -> String {
        name_of(&self)
    }

    /// It is done to the runs of a service: where there is no instance, there is nothing to do it to.
    pub(super) fn is_for_a_run(self) -> bool {
        let is_order = matches!(self, Self::Restart | Self::Start | Self::Stop | Self::Kill | Self::RestartMenu);
        is_order || matches!(self, Self::Details | Self::TypeInto | Self::RestartDependents | Self::RestartForce)
    }

    /// It is a line of the menu of restarts.
    pub(super) fn is_of_menu(self) -> bool {
        matches!(self, Self::RestartAll | Self::RestartFailed | Self::RestartDependents | Self::RestartForce)
    }
}

/// The name of an action or a place as the key table has it.
pub(super) fn name_of(what: &impl fmt::Debug) -> String {
    let mut name = String::new();
    for c in format!("{what:?}").chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}

/// Where a key is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Context {
    /// No panel is open, and nothing is typed.
    Normal,
    /// One pane on the whole screen.
    Zoom,
    /// The lines of all services.
    Merged,
    /// Lines are being selected by keys.
    Select,
    /// Every key goes to a service.
    Typing,
    /// The watcher panel.
    Watcher,
    /// A text to look for in the watcher panel is being typed.
    WatcherFind,
    /// The table of tasks.
    Tasks,
    /// A text to look for among the tasks is being typed.
    TasksFind,
    /// One task and its output.
    Task,
    /// The help overlay.
    Help,
    /// A search or a filter is being typed.
    Prompt,
    /// A text that services are filtered by is being typed.
    ServiceFilter,
    /// Details of a service.
    Details,
    /// The menu of restarts.
    Menu,
    /// The command palette is open.
    Palette,
    /// devgroup's own log.
    Log,
    /// The group is being stopped.
    Stopping,
}

impl Context {
    /// Keys that have no meaning of their own there mean what they do on the dashboard.
    pub(super) fn falls_back(self) -> bool {
        matches!(self, Self::Zoom | Self::Merged)
    }
}
