//! What a frame leaves to be done: lines to be read, questions to the group.

use std::path::PathBuf;

use tokio::sync::mpsc;

use super::AttachmentLoop;
use super::saving::News;
use crate::domain::{Answer, Command, Refusal, TaskQuestion};
use crate::group_handle::GroupHandle;
use crate::tui::ui_state::Followup;

/// Asks the group for a reason; it may take as long as it takes.
async fn why(handle: GroupHandle, seq: u64, path: PathBuf, tell: mpsc::UnboundedSender<News>) {
    let answer = handle.why(path).await.map_err(|refusal| refusal.to_string());
    // The dashboard may have ended meanwhile.
    let _ = tell.send(News::Explained(seq, answer));
}

/// Asks about tasks; folders may be slow.
async fn ask_about_tasks(handle: GroupHandle, question: TaskQuestion, tell: mpsc::UnboundedSender<News>) {
    let answer = match handle.ask(Command::Task(question.clone())).await {
        Ok(Answer::Task(answer)) => Ok(answer),
        Ok(_) => Err(Refusal::Unavailable.to_string()),
        Err(refusal) => Err(refusal.to_string()),
    };
    // The dashboard may have ended meanwhile.
    let _ = tell.send(News::OfTasks(question, answer));
}

impl AttachmentLoop {
    /// What the frame has left to be done.
    pub(super) fn run_followups(&mut self) {
        for followup in std::mem::take(&mut self.ui.requests.followups) {
            match followup {
                Followup::Scan(scan) => self.searcher.read(scan),
                Followup::Mark(service, marker) => {
                    if let Some(document) = self.handle.logs().get(&service) {
                        document.mark(&marker);
                    }
                }
                Followup::Why(seq, path) => {
                    if let Some(tell) = self.tell_later.clone() {
                        tokio::spawn(why(self.handle.clone(), seq, PathBuf::from(&*path), tell));
                    }
                }
                Followup::Restarts(service) => self.read_restarts(service),
                Followup::Task(question) => {
                    if let Some(tell) = self.tell_later.clone() {
                        tokio::spawn(ask_about_tasks(self.handle.clone(), question, tell));
                    }
                }
            }
        }
    }
}
