//! devgroup's own log: what is chosen in tui-logger's widgets.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tui_logger::{TuiWidgetEvent, TuiWidgetState};

use crate::tui::action::Action;

/// The state of the widgets; clones share it.
#[derive(Clone, Default)]
pub(in crate::tui) struct OwnLog(Arc<Shown>);

#[derive(Default)]
struct Shown {
    widget: TuiWidgetState,
    /// The list of targets is beside the lines.
    targets: AtomicBool,
}

impl OwnLog {
    /// What the widgets are drawn with.
    pub(in crate::tui) fn state(&self) -> &TuiWidgetState {
        &self.0.widget
    }

    /// The list of targets is shown: only when it was asked for.
    pub(in crate::tui) fn shows_targets(&self) -> bool {
        self.0.targets.load(Ordering::Relaxed)
    }

    /// Hands an action to the widgets. Without the list of targets, there are only lines to be scrolled.
    pub(super) fn act(&self, action: Action) {
        let with_targets = self.shows_targets();
        let event = match action {
            Action::LogHide => {
                self.0.targets.store(!with_targets, Ordering::Relaxed);
                return;
            }
            Action::PageUp => TuiWidgetEvent::PrevPageKey,
            Action::PageDown => TuiWidgetEvent::NextPageKey,
            Action::LineUp if !with_targets => TuiWidgetEvent::PrevPageKey,
            Action::LineDown if !with_targets => TuiWidgetEvent::NextPageKey,
            _ if !with_targets => return,
            Action::LogFocus => TuiWidgetEvent::FocusKey,
            Action::LineUp => TuiWidgetEvent::UpKey,
            Action::LineDown => TuiWidgetEvent::DownKey,
            Action::LogShowLess => TuiWidgetEvent::LeftKey,
            Action::LogShowMore => TuiWidgetEvent::RightKey,
            Action::LogCaptureLess => TuiWidgetEvent::MinusKey,
            Action::LogCaptureMore => TuiWidgetEvent::PlusKey,
            Action::LogSilent => TuiWidgetEvent::SpaceKey,
            _ => return,
        };
        self.0.widget.transition(event);
    }

    /// Shows the newest records when it is opened again.
    pub(super) fn show_newest(&self) {
        self.0.widget.transition(TuiWidgetEvent::EscapeKey);
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
