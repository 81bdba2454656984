//! The way of a client within this process: the questions and answers of the control socket, without a socket.

use std::task::{Context, Poll};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::answers::{Answers, client_name};
use super::log_reader::LogReader;
use super::outbox::Outbox;
use super::server::About;
use super::wire::{Ask, Problem, ProblemCode, Reply};
use crate::group_handle::GroupHandle;
use crate::logs::Epoch;

/// A client of the group that runs in this process. Clones are the same client.
#[derive(Clone, Debug)]
pub struct Inside {
    answers: Answers,
    about: About,
}

impl Inside {
    /// A client that calls itself so, for people: what it starts, restarts and stops says it.
    pub fn new(handle: GroupHandle, about: About, client: &str) -> Self {
        let mut answers = Answers::new(handle, about.clone());
        answers.client = client_name(client);
        Self { answers, about }
    }

    /// The group.
    pub fn handle(&self) -> &GroupHandle {
        self.answers.handle()
    }

    /// What clients are told of the group.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// By which the numbers of its events are told from those of another run of the group.
    pub fn epoch(&self) -> Epoch {
        self.answers.epoch()
    }

    /// Asks, and answers with the first reply. On a runtime of tokio, as all of these.
    ///
    /// # Errors
    /// The group refuses, or has ended.
    pub async fn ask(&self, ask: Ask) -> Result<Reply, Problem> {
        match self.ask_all([ask]).next().await {
            Some(Reply::Error(problem)) => Err(problem),
            Some(reply) => Ok(reply),
            None => Err(Problem::new(ProblemCode::Refused, "the group has ended")),
        }
    }

    /// Asks several questions at once; their answers come as they are there.
    pub fn ask_all(&self, asks: impl IntoIterator<Item = Ask>) -> Replies {
        let (outbox, replies) = Outbox::inside();
        let mut questions = JoinSet::new();
        for ask in asks {
            questions.spawn(self.answers.clone().answer(ask, outbox.clone()));
        }
        Replies { replies, _questions: questions }
    }

    /// Whether a question for lines makes sense.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, ask: &Ask) -> Result<(), Problem> {
        match ask {
            Ask::Logs(logs) => LogReader::new(self.handle().clone(), logs.clone()).map(drop),
            _ => Ok(()),
        }
    }
}

/// What a group answers. Its questions end with it.
#[derive(Debug)]
pub struct Replies {
    replies: mpsc::Receiver<Reply>,
    /// They are ended when this is dropped.
    _questions: JoinSet<()>,
}

impl Replies {
    /// The next answer; `None` after the last.
    pub async fn next(&mut self) -> Option<Reply> {
        self.replies.recv().await
    }

    /// The same for who polls.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Reply>> {
        self.replies.poll_recv(context)
    }
}
