//! What the program tells its guard, through a pipe: its good-bye, and, where the system does not show processes, the process
//! groups that it has. If the program is killed there, the guard cannot find its services by their parents.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;

use rustix::io::Errno;
use rustix::process::Pid;

/// A word to the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToGuard {
    /// A process group begins. Its number.
    Begins(Pid),
    /// Nobody is left of it.
    Gone(Pid),
    /// Nothing is left at all, and this is the exit code.
    Done(u8),
}

/// Each word is so long, and written at once: a pipe does not part it.
const LENGTH: usize = 5;

/// Where groups are told; nowhere where the guard finds them by itself.
static TOLD: OnceLock<OwnedFd> = OnceLock::new();

/// From now on the groups of this process are told there.
pub fn tell_groups(to: OwnedFd) {
    // The first one stays: there is one guard.
    let _ = TOLD.set(to);
}

/// A process group of ours begins.
pub fn group_begins(leader: Pid) {
    tell(ToGuard::Begins(leader));
}

/// Nobody is left of a process group of ours.
pub fn group_is_gone(leader: Pid) {
    tell(ToGuard::Gone(leader));
}

fn tell(word: ToGuard) {
    if let Some(to) = TOLD.get() {
        word.write(to);
    }
}

impl ToGuard {
    /// Writes it; nothing if the pipe is full, or the guard is gone.
    pub fn write(self, to: impl AsFd) {
        let (kind, number) = match self {
            Self::Begins(group) => (b'+', group.as_raw_pid()),
            Self::Gone(group) => (b'-', group.as_raw_pid()),
            Self::Done(code) => (b'.', i32::from(code)),
        };
        let [a, b, c, d] = number.to_le_bytes();
        let word: [u8; LENGTH] = [kind, a, b, c, d];
        let _ = rustix::io::write(to, &word);
    }

    /// Reads one. `Ok(None)`: the other end is closed.
    ///
    /// # Errors
    /// There is none at the moment, or it is none.
    pub fn read(from: impl AsFd) -> Result<Option<Self>, Errno> {
        let mut word = [0; LENGTH];
        if rustix::io::read(from, &mut word)? == 0 {
            return Ok(None);
        }
        let [kind, a, b, c, d] = word;
        let number = i32::from_le_bytes([a, b, c, d]);
        let group = || Pid::from_raw(number).ok_or(Errno::INVAL);
        Ok(Some(match kind {
            b'+' => Self::Begins(group()?),
            b'-' => Self::Gone(group()?),
            b'.' => Self::Done(u8::try_from(number).unwrap_or(1)),
            _ => return Err(Errno::INVAL),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_one_by_one_and_in_order_until_the_end() {
        let (reader, writer) = std::io::pipe().unwrap();
        rustix::io::ioctl_fionbio(&reader, true).unwrap();
        assert_eq!(ToGuard::read(&reader), Err(Errno::AGAIN));
        let group = Pid::from_raw(i32::MAX).unwrap();
        let words = [ToGuard::Begins(group), ToGuard::Gone(group), ToGuard::Done(130)];
        words.iter().for_each(|word| word.write(&writer));
        let read: Vec<_> = words.iter().map(|_| ToGuard::read(&reader)).collect();
        assert_eq!(read, words.map(|word| Ok(Some(word))));
        drop(writer);
        assert_eq!(ToGuard::read(&reader), Ok(None));
    }

    #[test]
    fn what_is_no_word_is_none() {
        for bytes in [&b"+\0\0\0\0"[..], b"?\x01\0\0\0", b"+\x01"] {
            let (reader, writer) = std::io::pipe().unwrap();
            rustix::io::write(&writer, bytes).unwrap();
            drop(writer);
            assert!(!matches!(ToGuard::read(&reader), Ok(Some(ToGuard::Done(_)) | None)), "{bytes:?}");
        }
    }
}
