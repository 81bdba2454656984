//! What is on its way to one client: bounded, so that a client that does not read holds up nobody but itself.
//!
//! To a socket it goes as lines; within this process as it is.

use tokio::sync::mpsc;

use super::wire::{Message, Reply};

/// A chunk is handed over when it has so many bytes.
const CHUNK: usize = 32 << 10;

/// Chunks that wait for the client.
const QUEUE: usize = 2;

/// Answers that wait for a client in this process.
const REPLIES: usize = 64;

/// The way to a client's socket.
pub(super) type Chunks = mpsc::Receiver<Vec<u8>>;

/// Collects the answers to one question.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    id: Option<u64>,
    chunk: Vec<u8>,
    way: Way,
}

/// How answers leave.
#[derive(Clone, Debug)]
enum Way {
    Socket(mpsc::Sender<Vec<u8>>),
    Inside(mpsc::Sender<Reply>),
}

impl Outbox {
    /// An outbox and its far end.
    pub(super) fn new() -> (Self, Chunks) {
        let (chunks, receiver) = mpsc::channel(QUEUE);
        (Self { id: None, chunk: Vec::new(), way: Way::Socket(chunks) }, receiver)
    }

    /// One to a client in this process, and its far end.
    pub(super) fn inside() -> (Self, mpsc::Receiver<Reply>) {
        let (replies, receiver) = mpsc::channel(REPLIES);
        (Self { id: None, chunk: Vec::new(), way: Way::Inside(replies) }, receiver)
    }

    /// One for the answers to that question.
    pub(super) fn of(&self, id: u64) -> Self {
        Self { id: Some(id), chunk: Vec::new(), way: self.way.clone() }
    }

    /// Adds a message. False if the client is gone.
    pub(super) async fn reply(&mut self, reply: &Reply) -> bool {
        if let Way::Inside(replies) = &self.way {
            return replies.send(reply.clone()).await.is_ok();
        }
        self.chunk.extend(Message::line(self.id, reply));
        self.chunk.len() < CHUNK || self.flush().await
    }

    /// Hands over what was collected. False if the client is gone.
    pub(super) async fn flush(&mut self) -> bool {
        match &self.way {
            Way::Socket(chunks) if !self.chunk.is_empty() => chunks.send(std::mem::take(&mut self.chunk)).await.is_ok(),
            Way::Socket(_) | Way::Inside(_) => true,
        }
    }

    /// One message, at once.
    pub(super) async fn send(&mut self, reply: &Reply) -> bool {
        self.reply(reply).await && self.flush().await
    }
}
