//! The way to a server: a thread that has the connection, and is told what is wanted.

use std::sync::Arc;

use super::words::{News, Order};
use crate::domain::TaskBackend;

/// The way to a server. When it is dropped, the connection ends.
#[derive(Debug)]
pub struct Link {
    backend: TaskBackend,
    #[cfg(feature = "nats")]
    orders: tokio::sync::mpsc::UnboundedSender<Order>,
}

impl Link {
    /// Begins to connect. `tell` hears of everything, on a thread of its own.
    ///
    /// # Errors
    /// There can be no such thread, or this devgroup was built without the feature `nats`; why, for people.
    #[cfg(feature = "nats")]
    pub fn start(backend: &TaskBackend, tell: impl Fn(News) + Send + 'static) -> Result<Self, Arc<str>> {
        let (orders, inbox) = tokio::sync::mpsc::unbounded_channel();
        super::nats::start(backend.clone(), inbox, Box::new(tell))?;
        Ok(Self { backend: backend.clone(), orders })
    }

    /// There is no such thread.
    ///
    /// # Errors
    /// Always: this devgroup was built without the feature `nats`.
    #[cfg(not(feature = "nats"))]
    pub fn start(backend: &TaskBackend, _tell: impl Fn(News) + Send + 'static) -> Result<Self, Arc<str>> {
        Err(format!("{backend} needs the feature `nats`, which this devgroup was built without").into())
    }

    /// Where it leads.
    pub fn backend(&self) -> &TaskBackend {
        &self.backend
    }

    /// Says what is wanted. Nobody waits.
    pub fn order(&self, order: Order) {
        #[cfg(feature = "nats")]
        {
            // A thread that is gone has had a bug, which was logged.
            let _ = self.orders.send(order);
        }
        #[cfg(not(feature = "nats"))]
        drop(order);
    }
}
