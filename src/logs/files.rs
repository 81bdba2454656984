//! The logs on disk (`[logs] files = true`): plain text, for each service a file and some older ones.
//!
//! The writer reads the documents like any other reader, on its own thread. A slow or full disk delays only the writer:
//! it misses at most what the documents drop meanwhile, and writes into the file how much it missed. What could not be
//! written is tried again, from the line after the last that was.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;

use super::rotated_file::{RotatedFile, Rotation};
use super::{LineId, LogDocument, LogStore};
use crate::domain::{Moment, ServiceName, count, framed, plain_error};
use crate::private;

/// Between two looks at the documents.
const BATCH: Duration = Duration::from_millis(250);
/// Lines on the screen may still be written over. Those of a service that was silent for this long are taken as they
/// are.
const REST: Duration = Duration::from_secs(1);
/// A file that could not be written is tried again after this time.
const AGAIN: Duration = Duration::from_secs(10);
/// Lines that are copied while a document is locked.
const LINES_AT_ONCE: usize = 256;
/// At the end the disk gets no longer than this.
const PATIENCE: Duration = Duration::from_secs(2);

/// The running writer.
#[derive(Debug)]
pub struct LogFiles {
    over: Arc<Notify>,
    done: Receiver<()>,
}

impl LogFiles {
    /// Begins to write the documents of a store into a folder, which is made if it is not there, and readable for the
    /// user only.
    ///
    /// # Errors
    /// There is no thread, or no folder.
    pub fn start(log_store: Arc<LogStore>, folder: PathBuf) -> io::Result<Self> {
        private::make_folder(&folder, "XDG_STATE_HOME")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let over = Arc::new(Notify::new());
        let (done_in, done) = channel();
        let end = over.clone();
        thread::Builder::new().name("log files".into()).spawn(move || {
            runtime.block_on(write_until(&log_store, &mut FolderWriter { folder, tails: BTreeMap::new() }, &end));
            // Nobody may wait any more.
            let _ = done_in.send(());
        })?;
        Ok(Self { over, done })
    }

    /// Writes what is left, and returns when it is written, or after two seconds.
    pub fn finish(self) {
        self.over.notify_one();
        let _ = self.done.recv_timeout(PATIENCE);
    }
}

async fn write_until(log_store: &LogStore, writer: &mut FolderWriter, over: &Notify) {
    let mut changes = log_store.changes();
    let clock = log_store.clock();
    loop {
        changes.mark_unchanged();
        let due = writer.write_new_lines(log_store, How::Running, clock.now());
        let rest = async {
            match due {
                Some(due) => tokio::time::sleep_until(clock.instant(due).into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = over.notified() => break,
            changed = changes.changed() => {
                if changed.is_err() {
                    break;
                }
                tokio::select! {
                    () = over.notified() => break,
                    () = tokio::time::sleep(BATCH) => {}
                }
            }
            () = rest => {}
        }
    }
    writer.write_new_lines(log_store, How::Ended, clock.now());
}

/// What is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// What cannot change any more, and of services that have rested also what is above the cursor.
    Running,
    /// All lines: the group has ended.
    Ended,
}

struct FolderWriter {
    folder: PathBuf,
    tails: BTreeMap<ServiceName, Tail>,
}

impl FolderWriter {
    /// Writes what is new. When the first of the lines that have to rest has rested, if there are any.
    fn write_new_lines(&mut self, log_store: &LogStore, how: How, now: Moment) -> Option<Moment> {
        let mut due = None;
        for (name, document) in log_store.documents() {
            let path = self.folder.join(format!("{}.log", file_name(&name)));
            let tail = self.tails.entry(name.clone()).or_insert_with(|| Tail::new(path, now));
            if tail.again.is_none_or(|again| again <= now || how == How::Ended) {
                let result = tail.write(&document, how, now, log_store.rotation());
                tail.note(&name, result, now);
            }
            let next = tail.again.or(tail.resting.then(|| tail.changed + REST));
            due = due.into_iter().chain(next).min();
        }
        due
    }
}

/// How far one service is written.
struct Tail {
    file: RotatedFile,
    next: LineId,
    /// Lines before this one are on disk.
    written: LineId,
    version: Option<u64>,
    /// When the version was first seen. Each service rests by itself: one that always prints must not keep the last lines
    /// of the others from the disk.
    changed: Moment,
    resting: bool,
    /// When it is tried again, since it could not be written.
    again: Option<Moment>,
}

impl Tail {
    fn new(path: PathBuf, now: Moment) -> Self {
        Self {
            file: RotatedFile::new(path),
            next: LineId(0),
            written: LineId(0),
            version: None,
            changed: now,
            resting: false,
            again: None,
        }
    }

    /// Writes what is there now. What comes meanwhile waits for the next look: a flood would never let others have theirs.
    fn write(&mut self, document: &LogDocument, how: How, now: Moment, rotation: Rotation) -> io::Result<()> {
        let until = self.end(document, how, now);
        self.write_until(document, until, rotation)
    }

    fn write_until(&mut self, document: &LogDocument, until: LineId, rotation: Rotation) -> io::Result<()> {
        loop {
            let text = self.copy_lines(document, until);
            if !text.is_empty() {
                self.file.append(&text, rotation)?;
            }
            if self.next >= until {
                self.file.flush()?;
                self.written = self.next;
                return Ok(());
            }
        }
    }

    /// Says when writing begins to fail, and when it goes on.
    fn note(&mut self, name: &ServiceName, result: io::Result<()>, now: Moment) {
        let failed = self.again.is_some();
        match result {
            Ok(()) => self.again = None,
            Err(error) => {
                if !failed {
                    let (error, seconds) = (plain_error(&error), AGAIN.as_secs());
                    log::warn!("the log file of {name} cannot be written: {error}; tried again every {seconds} s");
                }
                // What was not flushed is not there.
                (self.next, self.again) = (self.written, Some(now + AGAIN));
            }
        }
        if failed && self.again.is_none() {
            log::info!("the log file of {name} is written again");
        }
    }

    /// The line after the last that can be written now.
    fn end(&mut self, document: &LogDocument, how: How, now: Moment) -> LineId {
        let reader = document.read();
        if self.version.replace(reader.version()) != Some(reader.version()) {
            self.changed = now;
        }
        match how {
            How::Ended => reader.end(),
            How::Running if now.since(self.changed) >= REST => reader.settled(),
            How::Running => reader.archived(),
        }
    }

    /// Copies some of the lines before that one.
    fn copy_lines(&mut self, document: &LogDocument, until: LineId) -> String {
        let mut text = String::new();
        let mut reader = document.read();
        let oldest = LineId(reader.dropped());
        if self.next < oldest {
            let lines = oldest.0 - self.next.0;
            text.push_str(&framed(format_args!("{} not written: [logs] memory was full", count(lines, "line"))));
            text.push('\n');
            self.next = oldest;
        }
        for _ in 0..LINES_AT_ONCE {
            if self.next >= until {
                break;
            }
            if let Some(line) = reader.line(self.next) {
                text.push_str(&line.content.as_printed(0..line.content.text.len()));
                text.push('\n');
            }
            self.next = LineId(self.next.0 + 1);
        }
        self.resting = self.next < reader.settled();
        text
    }
}

/// A name that is a file name on every system, and that of no other service: what is neither a letter, a digit, `-` nor `_`
/// is written by its bytes, `a+b` as `a%2Bb`.
fn file_name(service: &ServiceName) -> String {
    let mut name = String::new();
    for c in service.as_str().chars() {
        if c.is_alphanumeric() || matches!(c, '-' | '_') {
            name.push(c);
        } else {
            name.extend(c.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")));
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::clock::Clock;
    use crate::domain::RunId;

    const DEFAULT: Rotation = Rotation { size: 16 << 20, files: 2 };

    #[test]
    fn no_two_services_have_one_file() {
        let names = ["api", "api-2", "größe_3", "a+b", "a_b", "a.b", "a%2Bb", "a:b", "A+B", "\u{1b}"];
        let files = names.map(|name| file_name(&name.into()));
        assert_eq!(files[..3], names[..3], "a simple name is its own");
        assert_eq!((files[3].as_str(), files[5].as_str()), ("a%2Bb", "a%2Eb"));
        assert_eq!(files.iter().collect::<std::collections::HashSet<_>>().len(), names.len());
        assert!(!files.iter().any(|file| file.contains(['/', '.', '\u{1b}'])));
    }

    #[test]
    fn what_cannot_change_any_more_is_written_and_the_rest_when_it_rests() {
        let folder = tempfile::tempdir().unwrap();
        let log_store = LogStore::new(Clock::start());
        let document = log_store.open(&"a/b".into(), 1 << 20);
        document.resize(80, 3);
        document.begin_run(RunId(1), None);
        document.feed(b"one\r\ntwo \x1b[31mred\x1b[0m\r\nthree\r\nfour");
        let mut writer = FolderWriter { folder: folder.path().into(), tails: BTreeMap::new() };
        let written = || fs::read_to_string(folder.path().join("a%2Fb.log")).unwrap();
        let start = Moment::from_millis(500);
        assert_eq!(writer.write_new_lines(&log_store, How::Running, start), Some(start + REST));
        assert_eq!(written(), "one\n");
        assert_eq!(writer.write_new_lines(&log_store, How::Running, start + REST), None);
        assert_eq!(written(), "one\ntwo red\nthree\n");
        assert_eq!(writer.write_new_lines(&log_store, How::Ended, start + REST), None);
        assert_eq!(written(), "one\ntwo red\nthree\nfour\n");
    }

    #[test]
    fn a_service_that_always_prints_does_not_keep_the_last_lines_of_others_from_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let log_store = LogStore::new(Clock::start());
        let [quiet, busy] = ["quiet", "busy"].map(|name| log_store.open(&name.into(), 1 << 20));
        quiet.feed(b"error: the last words\r\n");
        let mut writer = FolderWriter { folder: folder.path().into(), tails: BTreeMap::new() };
        let written = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        let start = Moment::from_millis(500);
        for looks in 0..4 {
            busy.feed(b"tick\r\n");
            let due = writer.write_new_lines(&log_store, How::Running, start + BATCH * looks);
            assert_eq!(due, Some(start + REST), "the first that has rested, not the last that printed");
        }
        assert_eq!(written("quiet.log"), "");
        busy.feed(b"tick\r\n");
        let due = writer.write_new_lines(&log_store, How::Running, start + REST);
        assert_eq!(written("quiet.log"), "error: the last words\n");
        assert_eq!((written("busy.log").as_str(), due), ("", Some(start + REST * 2)));
    }

    #[test]
    fn files_are_bounded_in_size_and_number_and_losses_are_said() {
        let folder = tempfile::tempdir().unwrap();
        let log_store = LogStore::new(Clock::start());
        let document = log_store.open(&"api".into(), 64 << 10);
        for line in 0..20_000 {
            document.feed(format!("{line} {}\r\n", line * 7919 % 10_007).as_bytes());
        }
        let mut writer = FolderWriter { folder: folder.path().into(), tails: BTreeMap::new() };
        writer.write_new_lines(&log_store, How::Ended, Moment::START);
        let path = folder.path().join("api.log");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("── ") && text.contains(" lines not written"), "{text:.100}");
        assert!(text.ends_with(&format!("19999 {}\n", 19_999 * 7919 % 10_007)));
        log_store.set_rotation(Rotation { size: 1 << 10, files: 3 });
        for line in 0..1_000 {
            document.feed(format!("{line}\r\n").as_bytes());
            writer.write_new_lines(&log_store, How::Ended, Moment::START);
        }
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort_unstable();
        assert_eq!(names, ["api.1.log", "api.2.log", "api.log"]);
        let older = fs::read_to_string(folder.path().join("api.1.log")).unwrap();
        let newer = fs::read_to_string(&path).unwrap();
        let numbers: Vec<u32> = older.lines().chain(newer.lines()).map(|line| line.parse().unwrap()).collect();
        assert!(numbers.is_sorted() && numbers.last() == Some(&999), "{numbers:?}");
    }

    #[test]
    fn a_flood_gives_way_to_the_next_service() {
        let folder = tempfile::tempdir().unwrap();
        let document = LogStore::new(Clock::start()).open(&"api".into(), 1 << 20);
        document.feed("tick\r\n".repeat(1000).as_bytes());
        let mut tail = Tail::new(folder.path().join("api.log"), Moment::START);
        let until = tail.end(&document, How::Ended, Moment::START);
        document.feed("tick\r\n".repeat(1000).as_bytes());
        tail.write_until(&document, until, DEFAULT).unwrap();
        assert_eq!(tail.next, until);
        assert_eq!(fs::read_to_string(folder.path().join("api.log")).unwrap().lines().count() as u64, until.0);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_tried_again_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bad.log")).unwrap();
        let log_store = LogStore::new(Clock::start());
        let [bad, _] = ["bad", "good"].map(|name| {
            let document = log_store.open(&name.into(), 1 << 20);
            document.feed(b"one\r\n");
            document
        });
        let mut writer = FolderWriter { folder: folder.path().into(), tails: BTreeMap::new() };
        let start = Moment::START + REST;
        let written = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        writer.write_new_lines(&log_store, How::Running, Moment::START);
        assert_eq!(writer.write_new_lines(&log_store, How::Running, start), Some(start + AGAIN));
        assert_eq!(written("good.log"), "one\n");
        fs::remove_dir(folder.path().join("bad.log")).unwrap();
        bad.feed(b"two\r\n");
        writer.write_new_lines(&log_store, How::Running, start + REST);
        assert!(!folder.path().join("bad.log").exists(), "not before its time");
        writer.write_new_lines(&log_store, How::Running, start + AGAIN);
        writer.write_new_lines(&log_store, How::Running, start + AGAIN + REST);
        assert_eq!(written("bad.log"), "one\ntwo\n");
    }

    #[test]
    fn the_writer_writes_all_before_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let log_store = Arc::new(LogStore::new(Clock::start()));
        let files = LogFiles::start(log_store.clone(), folder.path().join("deep/logs")).unwrap();
        log_store.open(&"api".into(), 1 << 20).feed(b"last words");
        files.finish();
        assert_eq!(fs::read_to_string(folder.path().join("deep/logs/api.log")).unwrap(), "last words\n");
    }
}
