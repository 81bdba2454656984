//! The logs of all services, and one signal for a change in any of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::watch;

use super::LogDocument;
use super::budget::GroupBudget;
use super::rotated_file::Rotation;
use super::terminal_colors::{GroupColors, TerminalColors};
use crate::clock::Clock;
use crate::domain::{LogSpec, ServiceName};

/// The logs of all services.
#[derive(Debug)]
pub struct LogStore {
    clock: Clock,
    documents: RwLock<BTreeMap<ServiceName, Arc<LogDocument>>>,
    changed: watch::Sender<()>,
    budget: Arc<GroupBudget>,
    colors: GroupColors,
    rotation: Mutex<Rotation>,
}

impl LogStore {
    /// An empty store.
    pub fn new(clock: Clock) -> Self {
        let colors = GroupColors::default();
        Self {
            clock,
            documents: RwLock::default(),
            changed: watch::Sender::new(()),
            budget: Arc::default(),
            colors,
            rotation: Mutex::new(Rotation { size: LogSpec::FILE_SIZE, files: LogSpec::FILES }),
        }
    }

    /// The document of a service.
    pub fn get(&self, service: &ServiceName) -> Option<Arc<LogDocument>> {
        self.documents.read().unwrap_or_else(PoisonError::into_inner).get(service).cloned()
    }

    /// The document of a service; made if it is not there. `memory` is its budget in bytes.
    pub fn open(&self, service: &ServiceName, memory: usize) -> Arc<LogDocument> {
        let mut documents = self.documents.write().unwrap_or_else(PoisonError::into_inner);
        let document = documents.entry(service.clone()).or_insert_with(|| {
            let (changed, budget, colors) = (self.changed.clone(), self.budget.clone(), self.colors.clone());
            let document = Arc::new(LogDocument::of_group(memory, self.clock, changed, budget, colors));
            self.budget.join(Arc::downgrade(&document));
            document
        });
        document.set_memory(memory);
        document.clone()
    }

    /// What all documents may keep together, in bytes. Beyond it, the largest gives up its oldest lines.
    pub fn set_total(&self, bytes: usize) {
        self.budget.set_total(bytes);
    }

    /// How large the files of the logs become, and how many there are of each, from here on.
    pub fn set_rotation(&self, rotation: Rotation) {
        *self.rotation.lock().unwrap_or_else(PoisonError::into_inner) = rotation;
    }

    /// What [`LogStore::set_rotation`] has said last.
    pub(super) fn rotation(&self) -> Rotation {
        *self.rotation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The colours that services are told when they ask their terminal.
    pub fn colors(&self) -> TerminalColors {
        self.colors.get()
    }

    /// These are the colours of the terminal that the group is shown on: services that ask are told them from here on.
    pub fn set_colors(&self, colors: TerminalColors) {
        self.colors.set(colors);
    }

    /// The document of each service, by name.
    pub(super) fn documents(&self) -> Vec<(ServiceName, Arc<LogDocument>)> {
        let documents = self.documents.read().unwrap_or_else(PoisonError::into_inner);
        documents.iter().map(|(name, document)| (name.clone(), document.clone())).collect()
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
