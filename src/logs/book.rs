//! The logs of all services, and the one signal that any of them has changed.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use super::LogDocument;
use crate::clock::Clock;
use crate::domain::ServiceName;

/// The logs of all services.
#[derive(Debug)]
pub struct LogBook {
    clock: Clock,
    documents: RwLock<BTreeMap<ServiceName, Arc<LogDocument>>>,
    changed: watch::Sender<()>,
}

impl LogBook {
    /// An empty book.
    pub fn new(clock: Clock) -> Self {
        Self { clock, documents: RwLock::default(), changed: watch::Sender::new(()) }
    }

    /// The document of a service.
    pub fn get(&self, service: &ServiceName) -> Option<Arc<LogDocument>> {
        self.documents.read().unwrap_or_else(PoisonError::into_inner).get(service).cloned()
    }

    /// The document of a service; made if it is not there. `memory` is its budget in bytes.
    pub fn open(&self, service: &ServiceName, memory: usize) -> Arc<LogDocument> {
        let mut documents = self.documents.write().unwrap_or_else(PoisonError::into_inner);
        let document = documents
            .entry(service.clone())
            .or_insert_with(|| Arc::new(LogDocument::new(memory, self.clock, self.changed.clone())));
        document.set_memory(memory);
        document.clone()
    }

    /// Forgets the document of a service.
    pub fn remove(&self, service: &ServiceName) {
        self.documents.write().unwrap_or_else(PoisonError::into_inner).remove(service);
        self.changed.send_replace(());
    }

    /// A receiver that wakes after any document has changed. Whoever draws takes it once a frame, so that a flood
    /// wakes nobody more often than that.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The clock that dates the lines.
    pub fn clock(&self) -> Clock {
        self.clock
    }
}
