//! Whether the terminal has still to answer: what arrives when the dashboard has ended would be typed into the shell.
//!
//! Terminals answer in order, and all of them answer the last question, whatever they know of those before it.
//!
//! The last question is DA1. If its answer is missing at the end, input is discarded for up to half a second.

use std::sync::{Mutex, PoisonError};

use memchr::memmem;
use nix::unistd::{getpgrp, tcgetpgrp};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::stdin;

/// DA1: what kind of terminal it is.
pub(super) const LAST_QUESTION: &str = "\x1b[c";

/// How its answer begins. Numbers and a `c` follow.
const ANSWER: &[u8] = b"\x1b[?";

/// How long one look at the terminal waits for bytes.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
/// Looks without a byte before we stop waiting for the answer: half a second in all.
const LOOKS: usize = 50;
/// Reads at most, for a terminal that keeps sending.
const READS: usize = 1000;

/// A static, because the terminal is given back by whoever comes first, also by a panic hook.
static LAST: Mutex<LastAnswer> = Mutex::new(LastAnswer { awaited: false, matched: 0 });

/// Recognizes the answer in the bytes that the terminal sends, however they are split.
#[derive(Debug)]
struct LastAnswer {
    awaited: bool,
    /// Bytes of [`ANSWER`] that the last ones are.
    matched: usize,
}

impl LastAnswer {
    fn read(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.matched = match byte {
                b'0'..=b'9' | b';' if self.matched == ANSWER.len() => self.matched,
                b'c' if self.matched == ANSWER.len() => {
                    self.awaited = false;
                    return;
                }
                byte if ANSWER.get(self.matched) == Some(byte) => self.matched + 1,
                0x1b => 1,
                _ => 0,
            };
        }
    }
}

/// This was written to the terminal.
pub(super) fn written(bytes: &[u8]) {
    if memmem::find(bytes, LAST_QUESTION.as_bytes()).is_some() {
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = LastAnswer { awaited: true, matched: 0 };
    }
}

/// This was read from it.
pub(super) fn read(bytes: &[u8]) {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).read(bytes);
}

/// Takes what the terminal has still to answer, and what is typed meanwhile; waits for it, but not for long. The
/// terminal must be in raw mode: in another one it would show the answers.
pub(super) fn drain() {
    // Who holds it reads at this moment, and does not wait.
    let Ok(mut last) = LAST.try_lock() else { return };
    // Reading in the background stops a program.
    let is_ours = tcgetpgrp(stdin()).is_ok_and(|foreground| foreground == getpgrp());
    let (mut looks, mut reads) = (0, 0);
    let mut buffer = [0; 512];
    while last.awaited && is_ours && looks < LOOKS && reads < READS {
        let stdin = stdin();
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&LOOK)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => looks += 1,
            Ok(_) => match rustix::io::read(stdin, &mut buffer) {
                Ok(count @ 1..) => {
                    last.read(buffer.get(..count).unwrap_or_default());
                    reads += 1;
                }
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => reads += 1,
                // It is gone.
                Ok(0) | Err(_) => break,
            },
            Err(_) => break,
        }
    }
    last.awaited = false;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_found_however_it_comes() {
        let awaited = |bytes: &[u8]| {
            let mut last = LastAnswer { awaited: true, matched: 0 };
            bytes.chunks(1).for_each(|byte| last.read(byte));
            let mut whole = LastAnswer { awaited: true, matched: 0 };
            whole.read(bytes);
            assert_eq!(last.awaited, whole.awaited);
            last.awaited
        };
        assert!(!awaited(b"\x1b]11;rgb:0/0/0\x1b\\\x1b[?62;22c"));
        assert!(!awaited(b"\x1b\x1b[?6c") && !awaited(b"\x1b[\x1b[?1;2cx") && !awaited(b"c\x1b[?c"));
        for other in ["", "c", "\x1b[c", "\x1b[?62;22", "\x1b[?1u", "\x1b[?62x;22c", "\x1b[>1;10;0c", "\x1b[1;1R"] {
            assert!(awaited(other.as_bytes()), "{other:?}");
        }
    }
}
