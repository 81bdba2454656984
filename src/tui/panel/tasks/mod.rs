//! The table of tasks: which rows it shows, which one is marked, and the task that is looked at.
//!
//! It knows nothing by itself: it asks, and is told. It asks anew when a worker has done something, and never twice at once.

mod asking;
mod plain;
mod task;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crossterm::event::KeyEvent;

use super::stepped;
use crate::domain::task::UNROUTED;
use crate::domain::{
    GroupSnapshot, Moment, ServiceName, TaskAnswer, TaskId, TaskQuestion, TaskRow, TaskState, TaskTable,
};
use crate::tui::action::Action;
use crate::tui::line_edit;
use asking::Asking;
pub(in crate::tui) use task::{OpenTask, TaskLine};

/// Rows that are asked for: what is behind them is counted, and found by `devgroup task list`.
const ROWS: usize = 10_000;

/// The longest text to look for.
const LONGEST: usize = 200;

/// What is chosen in the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::tui) struct TasksPanel {
    /// What was told last; nothing before the first answer.
    table: Option<Result<TaskTable, String>>,
    /// When that was, on both clocks: ages count from there.
    told_at: Option<(Moment, SystemTime)>,
    /// The rows that are shown, by their places in the table.
    shown: Vec<usize>,
    /// The marked one of these.
    marked: usize,
    /// Only rows with this text are shown.
    pub(in crate::tui) wanted: String,
    /// The text is being typed.
    pub(in crate::tui) typing: bool,
    /// The task that is looked at in place of the table.
    open: Option<OpenTask>,
    /// The task that a key has cancelled last: the mark goes on to the next one when the table shows it.
    cancelled: Option<(ServiceName, Arc<str>)>,
    asking: Asking,
}

impl TasksPanel {
    /// What was told: nothing yet, the table, or why there is none.
    pub(in crate::tui) fn table(&self) -> Option<Result<&TaskTable, &str>> {
        self.table.as_ref().map(|table| table.as_ref().map_err(String::as_str))
    }

    /// How many rows are shown.
    pub(in crate::tui) fn count(&self) -> usize {
        self.shown.len()
    }

    /// So many of the rows that are shown, from that place on.
    pub(in crate::tui) fn rows(&self, start: usize, count: usize) -> impl Iterator<Item = &TaskRow> {
        let rows = match &self.table {
            Some(Ok(table)) => table.rows.as_slice(),
            _ => &[],
        };
        self.shown.iter().skip(start).take(count).filter_map(|place| rows.get(*place))
    }

    /// The place of the marked row among those that are shown.
    pub(in crate::tui) fn place(&self) -> usize {
        self.marked
    }

    /// The task that is looked at.
    pub(in crate::tui) fn open_task(&self) -> Option<&OpenTask> {
        self.open.as_ref()
    }

    /// The row that keys mean.
    fn subject(&self) -> Option<&TaskRow> {
        match &self.open {
            Some(open) => Some(&open.row),
            None => self.rows(self.marked, 1).next(),
        }
    }

    /// The question of a key for the marked task, or what there is to say in its place.
    pub(in crate::tui) fn order(&self, action: Action) -> Option<Result<TaskQuestion, String>> {
        let row = self.subject()?;
        let Some(id) = TaskId::parse(&row.id) else {
            return Some(Err("this file has no valid task id: fix it, and put it into the folder again".to_owned()));
        };
        if row.worker.as_str() == UNROUTED {
            return Some(Err(format!("{id} is for no worker: correct its `worker`, and move it to tasks/")));
        }
        match action {
            Action::RetryTask => Some(Ok(TaskQuestion::Retry(row.worker.clone(), id))),
            Action::CancelTask => Some(Ok(TaskQuestion::Cancel(row.worker.clone(), id))),
            _ => None,
        }
    }

    /// Carries out an action. `height`: the rows of the text of the task that is looked at.
    pub(super) fn act(&mut self, action: Action, height: usize) {
        if let Some(open) = &mut self.open {
            return open.act(action, height);
        }
        match action {
            Action::Search => self.typing = true,
            Action::Keep => self.typing = false,
            Action::ShowTask => {
                self.open = self.subject().cloned().map(OpenTask::new);
                self.asking.hurry();
            }
            _ => self.marked = stepped(self.marked, action, self.shown.len().saturating_sub(1)),
        }
    }

    /// Marks the row of that place among those that are shown.
    pub(in crate::tui) fn mark(&mut self, place: usize) {
        self.marked = place.min(self.shown.len().saturating_sub(1));
    }

    /// A key while the text is typed. Whether it was part of it.
    pub(super) fn type_key(&mut self, event: KeyEvent) -> bool {
        let edits = self.typing && line_edit::edit(&mut self.wanted, event, LONGEST);
        if edits {
            self.choose_rows();
        }
        edits
    }

    /// One line of text goes into what is looked for, as far as there is room, if that is being typed. Whether it is.
    pub(super) fn type_text(&mut self, text: &str) -> bool {
        if self.typing {
            line_edit::add(&mut self.wanted, text.lines().next().unwrap_or_default(), LONGEST);
            self.choose_rows();
        }
        self.typing
    }

    /// One step back: from the task, from the search. Whether there was none.
    pub(super) fn back(&mut self) -> bool {
        if self.open.take().is_some() {
            self.asking.hurry();
            return false;
        }
        let was_searching = self.typing || !self.wanted.is_empty();
        self.typing = false;
        self.wanted.clear();
        self.choose_rows();
        !was_searching
    }

    /// What is to be asked now, if anything is.
    pub(in crate::tui) fn question(&mut self, snapshot: &GroupSnapshot, now: Moment) -> Option<TaskQuestion> {
        if !self.asking.asks(snapshot, now) {
            return None;
        }
        let open = self.open.as_ref().and_then(|open| Some((open.row.worker.clone(), TaskId::parse(&open.row.id)?)));
        Some(match open {
            Some((worker, id)) => TaskQuestion::Show(worker, id),
            None => TaskQuestion::List { worker: None, limit: ROWS },
        })
    }

    /// When something is to be asked that must wait until then.
    pub(in crate::tui) fn next_question(&self) -> Option<Moment> {
        self.asking.due()
    }

    /// The answer has come, at that time on both clocks.
    pub(in crate::tui) fn told(
        &mut self,
        question: &TaskQuestion,
        answer: Result<TaskAnswer, String>,
        at: (Moment, SystemTime),
    ) {
        if let (TaskQuestion::Cancel(worker, id), Ok(TaskAnswer::Done)) = (question, &answer) {
            self.cancelled = Some((worker.clone(), id.as_str().into()));
        }
        match question {
            TaskQuestion::Retry(..) | TaskQuestion::Cancel(..) => return self.asking.hurry(),
            TaskQuestion::List { .. } | TaskQuestion::Show(..) => self.asking.answered(at.0),
        }
        match (question, answer) {
            (TaskQuestion::List { .. }, Ok(TaskAnswer::Table(table))) => self.take_table(table),
            (TaskQuestion::List { .. }, Ok(TaskAnswer::Failed(problem)) | Err(problem)) => {
                (self.table, self.shown, self.marked) = (Some(Err(problem)), Vec::new(), 0);
            }
            (TaskQuestion::Show(worker, id), answer) => {
                let is_it = |open: &&mut OpenTask| open.row.worker == *worker && *open.row.id == *id.as_str();
                match (self.open.as_mut().filter(is_it), answer) {
                    (Some(open), Ok(TaskAnswer::Details(details))) => open.take(*details),
                    (Some(open), Ok(TaskAnswer::Failed(problem)) | Err(problem)) => open.problem = Some(problem),
                    _ => return,
                }
            }
            _ => return,
        }
        self.told_at = Some(at);
    }

    /// The text of the task that is looked at has so many columns.
    pub(in crate::tui) fn fit(&mut self, columns: usize) {
        if let Some(open) = &mut self.open {
            open.fit(columns);
        }
    }

    fn take_table(&mut self, table: TaskTable) {
        let marked = self.rows(self.marked, 1).next().map(|row| (row.worker.clone(), row.id.clone()));
        let old = self.marked;
        self.table = Some(Ok(table));
        self.choose_rows();
        let is_marked = |row: &TaskRow| marked.as_ref().is_some_and(|(name, id)| row.worker == *name && row.id == *id);
        let is_over = |row: &TaskRow| is_marked(row) && row.state == TaskState::Cancelled;
        let goes_on = marked.is_some() && marked == self.cancelled && self.rows(0, usize::MAX).any(is_over);
        if goes_on {
            self.cancelled = None;
        }
        // Two rows may have one id: the mark stays where it is if it can.
        let stays = goes_on || self.rows(old, 1).any(is_marked);
        let found = self.rows(0, usize::MAX).position(is_marked).filter(|_| !stays);
        self.mark(found.unwrap_or(old));
    }

    /// Decides which rows are shown. The mark stays with its row, if that is one of them.
    fn choose_rows(&mut self) {
        let marked = self.shown.get(self.marked).copied();
        let wanted = self.wanted.to_lowercase();
        let Some(Ok(table)) = &self.table else { return };
        let found = table.rows.iter().enumerate().filter(|(_, row)| wanted.is_empty() || holds(row, &wanted));
        self.shown = found.map(|(place, _)| place).collect();
        let place = marked.and_then(|marked| self.shown.iter().position(|place| *place == marked));
        self.marked = place.unwrap_or(0);
    }

    /// How long a task has been in its state; nothing where nobody knows.
    pub(in crate::tui) fn age(&self, row: &TaskRow, now: Moment) -> Option<Duration> {
        let (moment, wall) = self.told_at?;
        Some(wall.duration_since(row.since?).unwrap_or_default() + now.since(moment))
    }

    /// How long it is until its next try.
    pub(in crate::tui) fn wait(&self, row: &TaskRow, now: Moment) -> Option<Duration> {
        let TaskState::Retrying { at: Some(at) } = row.state else { return None };
        let (moment, wall) = self.told_at?;
        Some(at.duration_since(wall).unwrap_or_default().saturating_sub(now.since(moment)))
    }
}

/// Whether a row has the text, in lower case, in one of its words.
fn holds(row: &TaskRow, wanted: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(wanted);
    has(&row.id)
        || has(row.worker.as_str())
        || has(row.state.word())
        || has(&reason(row))
        || row.batch.as_deref().is_some_and(has)
}

/// Why a task is where it is.
pub(in crate::tui) fn reason(row: &TaskRow) -> String {
    if !row.reason.is_empty() {
        return row.reason.to_string();
    }
    match &row.state {
        TaskState::Blocked(on) => {
            let ids: Vec<&str> = on.iter().map(TaskId::as_str).collect();
            format!("blocked on {}", ids.join(", "))
        }
        TaskState::Dead(reason) => reason.word().to_owned(),
        TaskState::Waiting
        | TaskState::Running
        | TaskState::Retrying { .. }
        | TaskState::Completed
        | TaskState::Cancelled => String::new(),
    }
}

/// What is said of an order that was carried out.
pub(in crate::tui) fn done(question: &TaskQuestion) -> Option<String> {
    match question {
        TaskQuestion::Retry(_, id) => Some(format!("{id} is retried")),
        TaskQuestion::Cancel(_, id) => Some(format!("{id} is cancelled")),
        TaskQuestion::List { .. } | TaskQuestion::Show(..) => None,
    }
}

#[cfg(test)]
mod tests;
