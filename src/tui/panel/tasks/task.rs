//! One task: what is known of it, as lines of the width that there is.

use super::plain;
use crate::domain::{TaskDetails, TaskRow, TaskText};
use crate::tui::action::Action;
use crate::tui::panel::stepped;
use crate::tui::text::wrap;

/// A line of what is known of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tui) enum TaskLine {
    /// The heading of the lines below it.
    Heading(&'static str),
    /// A line, or a part of one that is longer than the screen is wide.
    Text(String),
    /// There is nothing below the heading.
    Nothing,
}

/// The task that is looked at.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::tui) struct OpenTask {
    /// As it was told last.
    pub(in crate::tui) row: TaskRow,
    /// Why nothing more is known.
    pub(in crate::tui) problem: Option<String>,
    /// What is known besides; nothing before the answer.
    texts: Option<Vec<TaskText>>,
    /// The same in lines of that width.
    lines: Vec<TaskLine>,
    columns: usize,
    /// The first line that is shown.
    pub(in crate::tui) scroll: usize,
}

impl OpenTask {
    pub(super) fn new(row: TaskRow) -> Self {
        Self { row, problem: None, texts: None, lines: Vec::new(), columns: 0, scroll: 0 }
    }

    /// All lines; nothing before the answer.
    pub(in crate::tui) fn lines(&self) -> Option<&[TaskLine]> {
        self.texts.as_ref().map(|_| self.lines.as_slice())
    }

    pub(super) fn take(&mut self, details: TaskDetails) {
        self.problem = None;
        self.row = details.row;
        if self.texts.as_ref() != Some(&details.texts) {
            self.texts = Some(details.texts);
            self.wrap();
        }
    }

    pub(super) fn fit(&mut self, columns: usize) {
        if self.columns != columns {
            self.columns = columns;
            self.wrap();
        }
    }

    /// Scrolls, as far as there is something below so many rows.
    pub(super) fn act(&mut self, action: Action, height: usize) {
        self.scroll = stepped(self.scroll, action, self.lines.len().saturating_sub(height));
    }

    fn wrap(&mut self) {
        self.lines.clear();
        if self.columns == 0 {
            return;
        }
        for TaskText { title, text } in self.texts.iter().flatten() {
            self.lines.push(TaskLine::Heading(title));
            let lines = plain::lines(text);
            if lines.is_empty() {
                self.lines.push(TaskLine::Nothing);
            }
            for line in &lines {
                let rows = wrap(line, self.columns).into_iter();
                self.lines.extend(rows.map(|row| TaskLine::Text(line.get(row).unwrap_or_default().to_owned())));
            }
        }
        self.scroll = self.scroll.min(self.lines.len().saturating_sub(1));
    }
}
