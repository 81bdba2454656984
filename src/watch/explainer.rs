//! Explains which rule applies to a path, on its own threads: it reads from disk, which may hang, and matching a deep
//! path against many rules takes a while. Meanwhile the watcher must keep up with events.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::pending::Question;
use super::rules::Rules;
use crate::domain::Answer;

/// Threads at a time. On a disk that does not answer, none of them ends.
const THREADS: usize = 4;

/// Questions that may wait.
const WAITING: usize = 256;

/// Takes questions, and starts threads for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Explainer(Arc<Mutex<ExplainerState>>);

#[derive(Debug, Default)]
struct ExplainerState {
    /// Each with the rules as they were when it was asked.
    waiting: VecDeque<(Arc<Rules>, Question)>,
    running: usize,
}

impl Explainer {
    /// Answers questions by the rules as they are now. Who asks while too many wait gets no answer.
    pub(super) fn explain(&self, rules: &Rules, questions: Vec<Question>) {
        if questions.is_empty() {
            return;
        }
        let rules = Arc::new(rules.clone());
        let mut state = self.lock();
        let room = WAITING.saturating_sub(state.waiting.len());
        state.waiting.extend(questions.into_iter().take(room).map(|question| (Arc::clone(&rules), question)));
        if state.running >= THREADS {
            return;
        }
        let explainer = self.clone();
        match thread::Builder::new().name(String::from("why")).spawn(move || explainer.answer()) {
            Ok(_) => state.running += 1,
            Err(error) => log::warn!("cannot explain rules: {error}"),
        }
    }

    /// Answers what waits.
    fn answer(&self) {
        while let Some((rules, Question { path, answer })) = self.next() {
            // Whoever does not wait any more needs no answer.
            if !answer.is_closed() {
                let _ = answer.send(Answer::Explained(Box::new(Rules::clone(&rules).why(&path))));
            }
        }
    }

    /// The next question; nothing if this thread is to end.
    fn next(&self) -> Option<(Arc<Rules>, Question)> {
        let mut state = self.lock();
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.running -= 1;
        }
        next
    }

    fn lock(&self) -> MutexGuard<'_, ExplainerState> {
        // Nothing in here can be left half done by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
