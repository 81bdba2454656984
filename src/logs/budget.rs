//! The memory that all logs of a group share. When it is exceeded, the largest log drops its oldest lines, so that a
//! quiet service keeps its log beside a noisy one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, Weak};

use super::LogDocument;

/// The budget of a group.
#[derive(Debug)]
pub(super) struct GroupBudget {
    /// Bytes that may be kept.
    total: AtomicUsize,
    /// Bytes that are kept.
    used: AtomicUsize,
    /// One thread is enough to make room. It locks documents, one at a time, while it holds no other.
    trimming: Mutex<()>,
    documents: Mutex<Vec<Weak<LogDocument>>>,
}

impl Default for GroupBudget {
    fn default() -> Self {
        Self {
            total: AtomicUsize::new(usize::MAX),
            used: AtomicUsize::new(0),
            trimming: Mutex::default(),
            documents: Mutex::default(),
        }
    }
}

impl GroupBudget {
    /// A document takes part from now on.
    pub(super) fn join(&self, document: Weak<LogDocument>) {
        let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        // Not each time: a group of a thousand services begins with a thousand of them.
        if documents.len() == documents.capacity() {
            documents.retain(|known| known.strong_count() > 0);
        }
        documents.push(document);
    }

    /// Changes the budget.
    pub(super) fn set_total(&self, bytes: usize) {
        self.total.store(bytes, Ordering::Relaxed);
        self.make_room();
    }

    /// A document keeps other than before.
    pub(super) fn account(&self, before: usize, after: usize) {
        // Wrapping: the sum is right once all have said what they keep.
        self.used.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
    }

    fn is_exceeded(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.total.load(Ordering::Relaxed)
    }

    /// Drops the oldest lines of the largest documents until the budget is kept. The caller holds no document.
    pub(super) fn make_room(&self) {
        if !self.is_exceeded() {
            return;
        }
        let Ok(_trimming) = self.trimming.try_lock() else { return };
        let mut documents: Vec<_> = {
            let documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
            documents.iter().filter_map(Weak::upgrade).collect()
        };
        while self.is_exceeded()
            && let Some(index) = (0..documents.len()).max_by_key(|index| documents.get(*index).map(|one| one.kept()))
            && let Some(largest) = documents.get(index)
        {
            if !largest.drop_oldest() {
                documents.swap_remove(index);
            }
        }
    }
}
