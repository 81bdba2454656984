//! The table of tasks: when it is opened, what its keys ask for, and what is answered.

use std::time::SystemTime;

use super::super::action::Action;
use super::super::panel::{Panel, TasksPanel, tasks};
use super::super::view::task_columns;
use super::{Followup, UiState, World};
use crate::domain::{Kind, Moment, TaskAnswer, TaskQuestion};

impl UiState {
    /// Opens the table; a group without workers is told how to have one.
    pub(super) fn open_tasks(&mut self, world: &World<'_>) {
        if !world.snapshot.services.iter().any(|service| service.kind == Kind::Worker) {
            return self.show_message("no task workers: no service has kind = \"worker\"");
        }
        self.panels.open(Panel::Tasks(Box::<TasksPanel>::default()));
    }

    /// A key that asks something for the marked task. Whether it was one.
    pub(super) fn orders_task(&mut self, action: Action) -> bool {
        if !matches!(action, Action::RetryTask | Action::CancelTask) {
            return false;
        }
        match self.panels.tasks().and_then(|tasks| tasks.order(action)) {
            Some(Ok(question)) => self.requests.followups.push(Followup::Task(question)),
            Some(Err(problem)) => self.show_message(problem),
            None => {}
        }
        true
    }

    /// The table asks what it does not know yet.
    pub(super) fn ask_about_tasks(&mut self, world: &World<'_>) {
        if self.panels.tasks().is_none() {
            return;
        }
        let columns = self.screen(world).watcher.map_or(0, task_columns);
        if let Some(tasks) = self.panels.tasks_mut() {
            tasks.fit(columns);
            let question = tasks.question(world.snapshot, world.now);
            self.requests.followups.extend(question.map(Followup::Task));
        }
    }

    /// The group has answered, at that time on both clocks. What came of an order is said also where the table is closed.
    pub(in crate::tui) fn told_of_tasks(
        &mut self,
        question: &TaskQuestion,
        answer: Result<TaskAnswer, String>,
        at: (Moment, SystemTime),
    ) {
        if let Some(done) = tasks::done(question) {
            let said = match &answer {
                Ok(TaskAnswer::Failed(problem)) | Err(problem) => problem.clone(),
                Ok(_) => done,
            };
            self.show_message(said);
        }
        if let Some(tasks) = self.panels.tasks_mut() {
            tasks.told(question, answer, at);
        }
    }
}
