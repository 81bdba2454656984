//! What is on its way to one client: bounded, so that a client that does not read holds up nobody but itself.

use tokio::sync::mpsc;

use super::wire::{Message, Reply};

/// A chunk is handed over when it has so many bytes.
const CHUNK: usize = 32 << 10;

/// Chunks that wait for the client.
const QUEUE: usize = 2;

/// The way to a client's socket.
pub(super) type Chunks = mpsc::Receiver<Vec<u8>>;

/// Collects the answers to one question.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    id: Option<u64>,
    chunk: Vec<u8>,
    chunks: mpsc::Sender<Vec<u8>>,
}

impl Outbox {
    /// An outbox and its far end.
    pub(super) fn new() -> (Self, Chunks) {
        let (chunks, receiver) = mpsc::channel(QUEUE);
        (Self { id: None, chunk: Vec::new(), chunks }, receiver)
    }

    /// One for the answers to that question.
    pub(super) fn of(&self, id: u64) -> Self {
        Self { id: Some(id), chunk: Vec::new(), chunks: self.chunks.clone() }
    }

    /// Adds a message. False if the client is gone.
    pub(super) async fn reply(&mut self, reply: &Reply) -> bool {
        self.chunk.extend(Message::line(self.id, reply));
        self.chunk.len() < CHUNK || self.flush().await
    }

    /// Hands over what was collected. False if the client is gone.
    pub(super) async fn flush(&mut self) -> bool {
        self.chunk.is_empty() || self.chunks.send(std::mem::take(&mut self.chunk)).await.is_ok()
    }

    /// One message, at once.
    pub(super) async fn send(&mut self, reply: &Reply) -> bool {
        self.reply(reply).await && self.flush().await
    }
}
