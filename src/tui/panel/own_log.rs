//! devgroup's own log: what is chosen in tui-logger's widget.

use std::fmt;
use std::sync::Arc;

use tui_logger::{TuiWidgetEvent, TuiWidgetState};

use crate::tui::action::Action;

/// The state of the widget; clones share it.
#[derive(Clone, Default)]
pub(in crate::tui) struct OwnLog(Arc<TuiWidgetState>);

impl OwnLog {
    /// What the widget is drawn with.
    pub(in crate::tui) fn state(&self) -> &TuiWidgetState {
        &self.0
    }

    /// Hands an action to the widget.
    pub(super) fn act(&self, action: Action) {
        let event = match action {
            Action::LogHide => TuiWidgetEvent::HideKey,
            Action::LogFocus => TuiWidgetEvent::FocusKey,
            Action::LineUp => TuiWidgetEvent::UpKey,
            Action::LineDown => TuiWidgetEvent::DownKey,
            Action::LogShowLess => TuiWidgetEvent::LeftKey,
            Action::LogShowMore => TuiWidgetEvent::RightKey,
            Action::LogCaptureLess => TuiWidgetEvent::MinusKey,
            Action::LogCaptureMore => TuiWidgetEvent::PlusKey,
            Action::PageUp => TuiWidgetEvent::PrevPageKey,
            Action::PageDown => TuiWidgetEvent::NextPageKey,
            Action::LogSilent => TuiWidgetEvent::SpaceKey,
            _ => return,
        };
        self.0.transition(event);
    }

    /// Shows the newest records when it is opened again.
    pub(super) fn show_newest(&self) {
        self.0.transition(TuiWidgetEvent::EscapeKey);
    }
}

impl PartialEq for OwnLog {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for OwnLog {}

impl fmt::Debug for OwnLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnLog")
    }
}
