//! `devgroup.log` in the state folder: devgroup's own log, as far as it reaches back.
//!
//! It has a thread of its own: nobody waits for the disk. Lines that come before the folder is known wait for it, and those
//! of a storm are written many at once.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::super::state_folder;
use super::line::OwnLine;
use super::options;
use crate::clock::wall_now;
use crate::domain::{GroupSpec, count, plain_error, visible_path};
use crate::logs::{RotatedFile, Rotation};

const NAME: &str = "devgroup.log";

/// The file and an older one.
const ROTATION: Rotation = Rotation { size: 4 << 20, files: 2 };

/// How many lines may wait for the disk. More are dropped and counted: a log is no reason to wait. (Not a bounded channel:
/// it takes the memory for all of them at once.)
const QUEUE: usize = 4_096;

/// The shortest time between two writes.
const REST: Duration = Duration::from_millis(20);

/// At the end the disk gets no longer than this.
const PATIENCE: Duration = Duration::from_secs(2);

enum Message {
    Line(String),
    /// The last one. Who waits is told when all is written.
    End(Sender<()>),
}

struct Queue {
    lines: Sender<Message>,
    /// Until the thread takes them.
    waiting: Mutex<Option<Receiver<Message>>>,
    /// Lines that wait.
    length: AtomicUsize,
    dropped: AtomicU64,
    /// Whether somebody waits for the last one: then nobody rests.
    ends: (Mutex<bool>, Condvar),
}

static QUEUED: LazyLock<Queue> = LazyLock::new(|| {
    let (lines, waiting) = channel();
    let (waiting, length, dropped) = (Mutex::new(Some(waiting)), AtomicUsize::new(0), AtomicU64::new(0));
    Queue { lines, waiting, length, dropped, ends: Default::default() }
});

/// Adds a line. It waits for nobody.
pub(super) fn add(line: String) {
    if QUEUED.length.fetch_add(1, Ordering::Relaxed) >= QUEUE {
        taken();
        QUEUED.dropped.fetch_add(1, Ordering::Relaxed);
    } else if QUEUED.lines.send(Message::Line(line)).is_err() {
        // There is no place for it.
        taken();
    }
}

/// One line less waits.
fn taken() {
    let less = |length: usize| length.checked_sub(1);
    // None waits where a test has sent it.
    let _ = QUEUED.length.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
}

/// Begins to write, for the group that this process runs. If that cannot be, it runs without.
pub(crate) fn begin_file(spec: &GroupSpec) {
    let Some(lines) = QUEUED.waiting.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    // What cannot be written is dropped with its end of the queue, and so is all that would follow.
    let folder = match state_folder::of_group(spec, state_folder::variable) {
        Ok(folder) => folder,
        Err(why) => return log::info!("no {NAME}: {why}"),
    };
    if let Err(error) = state_folder::make(&folder) {
        return log::warn!("no {NAME}: {}", plain_error(&error));
    }
    let path = folder.join(NAME);
    let write = move || {
        let mut writer = Writer { path: visible_path(&path).into_owned(), file: RotatedFile::new(path), fails: false };
        while let Ok(first) = lines.recv() {
            if let Some(waiting) = writer.write_all(first, &lines) {
                // Nobody may wait any more.
                let _ = waiting.send(());
                return;
            }
            rest();
        }
    };
    if let Err(error) = thread::Builder::new().name("own log".into()).stack_size(256 << 10).spawn(write) {
        log::warn!("no {NAME}: {}", plain_error(&error));
    }
}

/// Returns when all lines are written, or after two seconds.
pub fn finish_file() {
    // It may have come to an end before there was a place for it.
    if QUEUED.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
        return;
    }
    let (told, written) = channel();
    if QUEUED.lines.send(Message::End(told)).is_ok() {
        let (ends, changed) = &QUEUED.ends;
        *ends.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
        let _ = written.recv_timeout(PATIENCE);
    }
}

/// Lets lines come together, unless somebody waits for the last one.
fn rest() {
    let (ends, changed) = &QUEUED.ends;
    let ends = ends.lock().unwrap_or_else(PoisonError::into_inner);
    drop(changed.wait_timeout_while(ends, REST, |ends| !*ends));
}

struct Writer {
    /// For people.
    path: String,
    file: RotatedFile,
    /// It could not be written last. That is said once: a full disk is full for a while.
    fails: bool,
}

impl Writer {
    /// Writes a line and those that are there behind it. Who waits for the end, if it was there.
    fn write_all(&mut self, first: Message, lines: &Receiver<Message>) -> Option<Sender<()>> {
        let mut text = String::new();
        let mut end = None;
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Line(line) => {
                    taken();
                    text.push_str(&line);
                    text.push('\n');
                }
                Message::End(waiting) => {
                    end = Some(waiting);
                    break;
                }
            }
            next = if (text.len() as u64) < ROTATION.size / 16 { lines.try_recv().ok() } else { None };
        }
        let dropped = QUEUED.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let lost = format!("{} of this log not written: the disk was too slow", count(dropped, "line"));
            text.push_str(&OwnLine::plain(&lost, wall_now()).in_format(options().format));
            text.push('\n');
        }
        let written = self.file.append(&text, ROTATION).and_then(|()| self.file.flush());
        match written {
            Ok(()) => self.fails = false,
            Err(error) if !self.fails => {
                self.fails = true;
                log::warn!("{} cannot be written: {}", self.path, plain_error(&error));
            }
            Err(_) => {}
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Instant;

    use super::*;

    #[test]
    fn nobody_waits_for_a_log_that_was_not_begun() {
        let began = Instant::now();
        add("a line before there is a place".into());
        finish_file();
        assert!(began.elapsed() < PATIENCE);
    }

    #[test]
    fn lines_are_written_in_their_order_and_the_end_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let (send, lines) = channel();
        let (told, _written) = channel();
        for message in [Message::Line("one".into()), Message::Line("two".into()), Message::End(told)] {
            send.send(message).unwrap();
        }
        let mut writer = Writer { path: "x".into(), file: RotatedFile::new(path.clone()), fails: false };
        let first = lines.recv().unwrap();
        assert!(writer.write_all(first, &lines).is_some());
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        // A folder is in its place: that is noted, and what follows is written when it is gone.
        fs::remove_file(&path).unwrap();
        let mut writer = Writer { path: "x".into(), file: RotatedFile::new(path.clone()), fails: false };
        fs::create_dir(&path).unwrap();
        assert!(writer.write_all(Message::Line("lost".into()), &lines).is_none() && writer.fails);
        fs::remove_dir(&path).unwrap();
        assert!(writer.write_all(Message::Line("three".into()), &lines).is_none() && !writer.fails);
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
    }
}
