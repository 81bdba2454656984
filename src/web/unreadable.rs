//! Heads of requests that cannot be read: hyper answers them by itself, with a status and nothing else. On its way out, that
//! answer gets the form of all others.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::StatusCode;
use hyper::rt::{Read, ReadBufCursor, Write};

use super::refusal::Refusal;

/// What only hyper's own refusals have: ours have a body. No body has these bytes, since JSON has no bare end of a line.
const EMPTY: &[u8] = b"\r\ncontent-length: 0\r\n";

/// The way to a client.
pub(super) struct Way<S> {
    stream: S,
    /// What is sent instead of hyper's answer, and how much of it was.
    instead: Vec<u8>,
    sent: usize,
}

impl<S> Way<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, instead: Vec::new(), sent: 0 }
    }
}

impl<S: Write + Unpin> Way<S> {
    /// Sends another answer of this status, to its end.
    fn poll_instead(&mut self, context: &mut Context<'_>, status: StatusCode) -> Poll<Result<()>> {
        if self.instead.is_empty() {
            self.instead = Refusal::unreadable(status).last_answer();
        }
        while let Some(rest) = self.instead.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                count => self.sent += count,
            }
        }
        (self.instead, self.sent) = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }
}

impl<S: Read + Unpin> Read for Way<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: Write + Unpin> Write for Way<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let way = self.get_mut();
        match refused(bytes) {
            Some(status) => way.poll_instead(context, status).map_ok(|()| bytes.len()),
            None => Pin::new(&mut way.stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<std::result::Result<usize, Error>> {
        match parts {
            [head, ..] if refused(head).is_some() => self.poll_write(context, head),
            parts => Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// The status, if this is an answer that hyper gives by itself.
fn refused(bytes: &[u8]) -> Option<StatusCode> {
    let rest = bytes.strip_prefix(b"HTTP/1.1 ").or_else(|| bytes.strip_prefix(b"HTTP/1.0 "))?;
    let status = StatusCode::from_bytes(rest.get(..3)?).ok().filter(StatusCode::is_client_error)?;
    bytes.windows(EMPTY.len()).any(|part| part == EMPTY).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_refusal_is_hypers() {
        let head = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(refused(head.as_bytes()).map(|status| status.as_u16()), Some(431));
        let ours = Refusal::unreadable(StatusCode::BAD_REQUEST).last_answer();
        assert_eq!(refused(&ours), None);
        for other in ["", "HTTP/1.1 4", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "{\"text\":\"HTTP/1.1 400\"}\n"]
        {
            assert_eq!(refused(other.as_bytes()), None, "{other}");
        }
    }
}
