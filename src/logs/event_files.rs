//! What has happened, on disk: a JSON line for each event that counts, a file for each day, in the state folder.
//!
//! The day is that of the event, in UTC. A file of more than 4 MiB is followed by another one of the same day. What is read
//! is in the order of the files, and in each as it was written: where the clock was set back, times go back. A line that is
//! no JSON is passed over: whoever wrote it was killed. The next one begins on a line of its own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rustix::fs::{FlockOperation, flock};

use super::EventLine;
use crate::domain::{plain_error, visible_path};
use crate::private;

/// The folder in the state folder of the group.
const FOLDER: &str = "events";

/// By which variable the user chooses another place.
const VARIABLE: &str = "XDG_STATE_HOME";

/// Days that are kept, that of the last event among them.
const DAYS: i64 = 14;

/// All files together have no more bytes than this.
const TOTAL: u64 = 16 << 20;

/// A file with so many bytes is followed by another one.
const PART: u64 = 4 << 20;

/// A larger file is none of ours.
const LARGEST: u64 = 64 << 20;

/// The files of a group.
#[derive(Clone, Debug)]
pub struct EventFiles {
    folder: PathBuf,
}

/// What the files tell.
#[derive(Clone, Debug, Default)]
pub struct KeptEvents {
    /// In the order of the files.
    pub lines: Vec<EventLine>,
    /// Files that cannot be read, and why.
    pub unread: Vec<String>,
}

/// A file: of which day, and which of that day, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    day: Date,
    number: u32,
}

impl Part {
    /// `2026-11-22.jsonl`, `2026-11-22.2.jsonl`.
    fn of(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".jsonl")?;
        let (day, number) = match stem.split_once('.') {
            Some((day, number)) => (day, number.parse().ok().filter(|number| *number > 1)?),
            None => (stem, 1),
        };
        let part = Self { day: day.parse().ok()?, number };
        (part.name() == name).then_some(part)
    }

    fn name(self) -> String {
        match self.number {
            1 => format!("{}.jsonl", self.day),
            number => format!("{}.{number}.jsonl", self.day),
        }
    }
}

impl EventFiles {
    /// Those of the group with this state folder. They need not be there.
    pub fn of(state: &Path) -> Self {
        Self { folder: state.join(FOLDER) }
    }

    /// Adds lines, whoever else does, and removes what is too old or too much.
    ///
    /// # Errors
    /// Not all could be written: why, with the path. Of a line that could not be written, nothing stays.
    pub fn add(&self, lines: &[EventLine]) -> io::Result<()> {
        private::make_folder(&self.folder, VARIABLE)?;
        let turn = File::open(&self.folder).map_err(|error| at(&self.folder, &error))?;
        // Given back with the descriptor.
        flock(&turn, FlockOperation::LockExclusive)?;
        let mut written = None;
        for lines in lines.chunk_by(|one, other| day_of(one) == day_of(other)) {
            // Without a time there is no day.
            let Some(day) = lines.first().and_then(day_of) else { continue };
            self.append(day, lines)?;
            written = Some(day);
        }
        written.map_or(Ok(()), |day| self.prune(day))
    }

    fn append(&self, day: Date, lines: &[EventLine]) -> io::Result<()> {
        let last = self.parts()?.into_iter().rfind(|(part, _)| part.day == day);
        let part = match last {
            None => Part { day, number: 1 },
            Some((part, bytes)) if bytes < PART => part,
            Some((part, _)) => Part { number: part.number.saturating_add(1), ..part },
        };
        let path = self.folder.join(part.name());
        append(&path, lines).map_err(|error| at(&path, &error))
    }

    /// The files with their sizes, oldest first.
    fn parts(&self) -> io::Result<Vec<(Part, u64)>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(at(&self.folder, &error)),
        };
        let part = |entry: fs::DirEntry| {
            let part = Part::of(entry.file_name().to_str()?)?;
            Some((part, entry.metadata().map_or(0, |data| data.len())))
        };
        let mut parts: Vec<_> = entries.flatten().filter_map(part).collect();
        parts.sort();
        Ok(parts)
    }

    /// Removes what is too old beside an event of that day, and the oldest of what is too much.
    fn prune(&self, day: Date) -> io::Result<()> {
        let mut parts = self.parts()?;
        let oldest = day.saturating_sub((DAYS - 1).days());
        let mut total: u64 = parts.iter().map(|(_, bytes)| bytes).sum();
        // What is written to now stays.
        parts.pop_if(|(part, _)| part.day >= day);
        for (part, bytes) in parts {
            if part.day < oldest || total > TOTAL {
                total = total.saturating_sub(bytes);
                // Another devgroup may have removed it.
                let _ = fs::remove_file(self.folder.join(part.name()));
            }
        }
        Ok(())
    }

    /// The events since that time, as they were written.
    ///
    /// # Errors
    /// No file can be read: why, with the path.
    pub fn read(&self, since: SystemTime) -> io::Result<KeptEvents> {
        let since = Timestamp::try_from(since).unwrap_or(Timestamp::MIN);
        let first = since.to_zoned(TimeZone::UTC).date();
        if self.folder.is_symlink() {
            return Err(at(&self.folder, &io::Error::other("it is a link: remove it")));
        }
        let mut kept = KeptEvents::default();
        for (part, _) in self.parts()?.into_iter().filter(|(part, _)| part.day >= first) {
            let path = self.folder.join(part.name());
            match private::read(&path, LARGEST) {
                Ok(text) => {
                    kept.lines.extend(text.split(|byte| *byte == b'\n').filter_map(|line| of_line(line, since)))
                }
                // It has become too old meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => kept.unread.push(at(&path, &error).to_string()),
            }
        }
        Ok(kept)
    }
}

/// Adds lines to a file in one write. If not all of it can be written, nothing of it stays.
fn append(path: &Path, lines: &[EventLine]) -> io::Result<()> {
    let mut file = private::open(path, OpenOptions::new().read(true).append(true).create(true))?;
    let length = file.metadata()?.len();
    let mut text = Vec::new();
    if length > 0 {
        let mut last = [0];
        file.seek(SeekFrom::Start(length - 1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            text.push(b'\n');
        }
    }
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    file.write_all(&text).inspect_err(|_| {
        // Where that fails as well, the next line begins on a line of its own.
        let _ = file.set_len(length);
    })
}

/// The event of a line, if it is one and not older than that.
fn of_line(line: &[u8], since: Timestamp) -> Option<EventLine> {
    let event: EventLine = serde_json::from_slice(line).ok()?;
    let time: Timestamp = event.at.parse().ok()?;
    (time >= since).then_some(event)
}

fn day_of(line: &EventLine) -> Option<Date> {
    Some(line.at.parse::<Timestamp>().ok()?.to_zoned(TimeZone::UTC).date())
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {}", visible_path(path), plain_error(error)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn event(at: &str, seq: u64) -> EventLine {
        EventLine { seq, at: at.into(), what: "restart".into(), ..EventLine::default() }
    }

    fn seqs(files: &EventFiles) -> Vec<u64> {
        files.read(SystemTime::UNIX_EPOCH).unwrap().lines.iter().map(|event| event.seq).collect()
    }

    fn names(files: &EventFiles) -> Vec<String> {
        files.parts().unwrap().into_iter().map(|(part, _)| part.name()).collect()
    }

    #[test]
    fn each_day_has_a_file_and_a_torn_line_costs_itself() {
        let state = tempfile::tempdir().unwrap();
        let files = EventFiles::of(state.path());
        assert!(seqs(&files).is_empty());
        files.add(&[event("2026-11-22T23:59:59.900Z", 1), event("2026-11-23T00:00:00.100Z", 2)]).unwrap();
        assert_eq!(names(&files), ["2026-11-22.jsonl", "2026-11-23.jsonl"]);
        let path = state.path().join("events/2026-11-23.jsonl");
        let mut text = fs::read(&path).unwrap();
        text.extend(br#"{"seq":3,"at":"2026-11-23T00:00"#);
        fs::write(&path, text).unwrap();
        assert_eq!(seqs(&files), [1, 2]);
        files.add(&[event("2026-11-23T00:00:01Z", 4)]).unwrap();
        assert_eq!(seqs(&files), [1, 2, 4]);
        let midnight = SystemTime::from("2026-11-23T00:00:00Z".parse::<Timestamp>().unwrap());
        assert_eq!(files.read(midnight).unwrap().lines.len(), 2);
        assert_eq!(files.read(midnight + Duration::from_secs(1)).unwrap().lines.len(), 1);
    }

    #[test]
    fn what_was_written_after_the_clock_was_set_back_is_there() {
        let state = tempfile::tempdir().unwrap();
        let files = EventFiles::of(state.path());
        files.add(&[event("2026-11-23T12:00:00Z", 1), event("2026-11-23T11:00:00Z", 2)]).unwrap();
        assert_eq!(seqs(&files), [1, 2], "in the order of the writing");
        files.add(&[event("2026-11-20T11:00:00Z", 3)]).unwrap();
        assert_eq!(seqs(&files), [3, 1, 2], "a day that is over again has its file");
    }

    #[test]
    fn old_days_go_and_so_does_what_is_too_much() {
        let state = tempfile::tempdir().unwrap();
        let files = EventFiles::of(state.path());
        for day in 1..=9 {
            files.add(&[event(&format!("2026-11-0{day}T12:00:00Z"), day)]).unwrap();
        }
        fs::write(state.path().join("events/notes.jsonl"), "mine").unwrap();
        files.add(&[event("2026-11-20T12:00:00Z", 20)]).unwrap();
        assert_eq!(seqs(&files), [7, 8, 9, 20], "14 days are kept");
        let large = EventLine { message: "x".repeat(1 << 20), ..event("2026-11-21T12:00:00Z", 0) };
        for seq in 0..30 {
            files.add(&[EventLine { seq, ..large.clone() }]).unwrap();
        }
        let total: u64 = files.parts().unwrap().iter().map(|(_, bytes)| bytes).sum();
        assert!(total <= TOTAL, "{total}");
        assert_eq!(seqs(&files).last(), Some(&29));
        assert!(names(&files).len() > 1, "{:?}", names(&files));
        assert!(names(&files).iter().all(|name| name.starts_with("2026-11-21.")), "{:?}", names(&files));
        assert!(state.path().join("events/notes.jsonl").exists(), "that is nobody's");
    }

    #[test]
    fn two_at_once_lose_nothing_and_no_link_is_followed() {
        let state = tempfile::tempdir().unwrap();
        let files = EventFiles::of(state.path());
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let files = &files;
                scope.spawn(move || {
                    for n in 0..25 {
                        files.add(&[event("2026-11-23T12:00:00Z", writer * 100 + n)]).unwrap();
                    }
                });
            }
        });
        assert_eq!(seqs(&files).len(), 100);
        let elsewhere = state.path().join("elsewhere");
        fs::write(&elsewhere, "").unwrap();
        std::os::unix::fs::symlink(&elsewhere, state.path().join("events/2026-11-24.jsonl")).unwrap();
        let said = files.add(&[event("2026-11-24T12:00:00Z", 1)]).unwrap_err().to_string();
        assert!(said.ends_with("2026-11-24.jsonl: it is a link: remove it"), "{said}");
        assert_eq!(fs::read(&elsewhere).unwrap(), b"");
        let kept = files.read(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(kept.lines.len(), 100, "one bad day hides no other");
        assert!(kept.unread.len() == 1 && kept.unread[0].contains("2026-11-24.jsonl: it is a link"), "{kept:?}");
    }

    #[test]
    fn only_names_of_ours_are_ours() {
        for (name, ours) in [
            ("2026-11-22.jsonl", true),
            ("2026-11-22.2.jsonl", true),
            ("2026-11-22.1.jsonl", false),
            ("2026-11-22.02.jsonl", false),
            ("2026-13-22.jsonl", false),
            ("20261122.jsonl", false),
            ("2026-11-22.json", false),
        ] {
            assert_eq!(Part::of(name).is_some(), ours, "{name}");
        }
    }

    #[test]
    fn fuzz_of_events_on_disk() {
        const SEEDS: [&[u8]; 4] = [
            br#"{"seq":1,"at":"2026-11-22T23:59:59.900Z","type":"restart","service":"api","cause":"change","path":"src/a.rs","run":7,"message":"x"}"#,
            br#"{"seq":2,"at":"2026-11-22T23:59:59+14:00","type":"exit","service":null,"cause":null,"path":null,"code":-1,"signal":9,"asked":true,"message":"\u001b[31m"}"#,
            br#"{"seq":3,"at":"2026-11-23T00:00"#,
            br#"{"seq":18446744073709551616,"at":"-009999-01-01T00:00:00Z","type":7}"#,
        ];
        let long_ago = Timestamp::UNIX_EPOCH;
        crate::fuzz::run("events", 3_000, &SEEDS, |bytes| {
            let event = of_line(bytes, long_ago)?;
            let again = of_line(&serde_json::to_vec(&event).unwrap(), long_ago);
            assert_eq!(again.as_ref(), Some(&event), "what is read is written and read as it was");
            assert!(day_of(&event).is_some());
            Some((event.service.is_some(), event.path.is_some(), event.code.is_some(), event.run.is_some()))
        });
    }
}
