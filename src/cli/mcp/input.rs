//! What the agent sends, until it ends. The protocol gives calls that are still answered some seconds after that; what the
//! session holds ends with it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

/// A reader that tells of its end.
pub(super) struct Input<R> {
    from: R,
    at_end: Option<Box<dyn FnOnce() + Send>>,
}

impl<R> Input<R> {
    /// `at_end` is called once, when there is nothing more to read.
    pub(super) fn new(from: R, at_end: impl FnOnce() + Send + 'static) -> Self {
        Self { from, at_end: Some(Box::new(at_end)) }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Input<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let read = Pin::new(&mut self.from).poll_read(context, buffer);
        let has_ended = match &read {
            Poll::Pending => false,
            Poll::Ready(Ok(())) => room > 0 && buffer.filled().len() == before,
            Poll::Ready(Err(_)) => true,
        };
        if has_ended && let Some(at_end) = self.at_end.take() {
            at_end();
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::io::AsyncReadExt;

    use super::*;

    #[test]
    fn its_end_is_told_once_and_nothing_before_it() {
        let told = Arc::new(AtomicU32::default());
        let count = Arc::clone(&told);
        let mut input = Input::new(&b"two"[..], move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut read = |length: usize| {
            let mut bytes = vec![0; length];
            let read = runtime.block_on(input.read(&mut bytes)).unwrap();
            (read, told.load(Ordering::Relaxed))
        };
        assert_eq!((read(2), read(0), read(2), read(2), read(2)), ((2, 0), (0, 0), (1, 0), (0, 1), (0, 1)));
    }
}
