//! A whole log as a text file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::text;
use super::ui_state::Member;
use crate::domain::ServiceName;
use crate::logs::{Lane, LineId, LineSource, LogDocument, Place, Reader, VisibleLines};
use crate::private;

/// The variable that says where such files are.
const VARIABLE: &str = "XDG_STATE_HOME";

/// Lines that are read before the writer of the log gets its turn.
const BATCH: u64 = 1000;

/// What is written: the log of one service, or the logs of several in the order of arrival, each line after the name of
/// its service.
#[derive(Clone, Debug)]
pub(super) struct Log {
    /// What the file is called by.
    name: ServiceName,
    members: Vec<Member>,
    named: bool,
}

impl Log {
    /// The log of one service.
    pub(super) fn one(name: ServiceName, document: Arc<LogDocument>) -> Self {
        Self { name: name.clone(), members: vec![(name, document)], named: false }
    }

    /// The logs of several.
    pub(super) fn merged(name: ServiceName, members: Vec<Member>) -> Self {
        Self { name, members, named: true }
    }

    /// Writes all lines that are kept. What arrives meanwhile is not part of it: a flood would never end. The answer is
    /// how many lines that are, and how many of them come before the `target`, a line of a service.
    fn write(&self, out: &mut impl Write, target: Option<&(ServiceName, LineId)>) -> io::Result<(u64, u64)> {
        let (mut written, mut before) = (0, 0);
        let cells = self.members.iter().map(|(name, _)| text::width(name.as_str())).max().unwrap_or(0);
        let mut readers: Vec<_> = self.members.iter().map(|(_, document)| document.read()).collect();
        let ends: Vec<_> = readers.iter().map(Reader::end).collect();
        let mut place: Place = readers.drain(..).map(|reader| reader.first()).collect();
        loop {
            let mut text = String::new();
            let lanes = self.members.iter().zip(&ends);
            let lanes = lanes.map(|((_, document), end)| Lane::new(VisibleLines::new(document.read()).up_to(*end)));
            let mut lines = LineSource { lanes: lanes.collect() };
            lines.go_to(&place);
            let mut read = 0;
            while read < BATCH
                && let Some((lane, line)) = lines.forward_line()
                && let Some((name, _)) = self.members.get(lane)
            {
                if self.named {
                    text.push_str(&text::pad(name.to_string(), cells));
                    text.push_str(" │ ");
                }
                text.push_str(&line.content.as_printed(0..line.content.text.len()));
                text.push('\n');
                read += 1;
                if target.is_some_and(|(service, id)| service == name && line.id < *id) {
                    before = written + read;
                }
            }
            written += read;
            place = lines.place();
            drop(lines);
            out.write_all(text.as_bytes())?;
            if read < BATCH {
                return Ok((written, before));
            }
        }
    }
}

/// Writes all lines that are kept into a new file of that folder, which only the user may read. The answer is the file
/// and the number of its lines.
///
/// # Errors
/// The folder or the file could not be made or written.
pub(super) fn save(log: &Log, folder: &Path, time: &str) -> io::Result<(PathBuf, u64)> {
    private::make_folder(folder, VARIABLE)?;
    let (path, file) = new_file(folder, &file_name(&format!("{}-{time}", log.name)))?;
    let mut file = BufWriter::new(file);
    let (lines, _) = log.write(&mut file, None)?;
    file.flush()?;
    Ok((path, lines))
}

/// Writes all lines that are kept into the file of that folder that is shown in an editor, in place of the one before.
/// The answer is the file, and the number of the target line in it, from 1.
///
/// # Errors
/// The folder or the file could not be made or written.
pub(super) fn save_to_view(
    log: &Log,
    folder: &Path,
    target: Option<&(ServiceName, LineId)>,
) -> io::Result<(PathBuf, u64)> {
    private::make_folder(folder, VARIABLE)?;
    let folder = folder.join("open");
    private::make_folder(&folder, VARIABLE)?;
    let name = file_name(log.name.as_str());
    // An editor that still shows the one before must not see half of this one.
    let new = folder.join(format!("{name}.new"));
    let file = private::open(&new, OpenOptions::new().write(true).create(true).truncate(true))?;
    let mut file = BufWriter::new(file);
    let (lines, before) = log.write(&mut file, target)?;
    file.flush()?;
    let path = folder.join(format!("{name}.log"));
    std::fs::rename(&new, &path)?;
    Ok((path, if target.is_some() { (before + 1).min(lines.max(1)) } else { lines.max(1) }))
}

/// A name that is a file name on every system.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    name.trim_start_matches('.').to_owned()
}

/// A file that was not there before.
fn new_file(folder: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    for number in 1..1000 {
        let path = folder.join(if number == 1 { format!("{name}.log") } else { format!("{name}-{number}.log") });
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many files saved in this second"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::clock::Clock;
    use crate::logs::LogStore;

    #[test]
    fn every_line_is_there_and_no_file_is_written_twice() {
        let document = LogStore::new(Clock::start()).open(&"a/b".into(), 1 << 20);
        document.resize(10, 4);
        let text: String = (0..2500).map(|n| format!("line {n} that is wrapped\n")).collect();
        document.feed(text.replace('\n', "\r\n").as_bytes());
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("saved");
        let log = Log::one("a/b".into(), document);
        let (path, lines) = save(&log, &folder, "14:02:11").unwrap();
        assert_eq!((path.file_name().unwrap().to_str().unwrap(), lines), ("a_b-14_02_11.log", 2500));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert_ne!(save(&log, &folder, "14:02:11").unwrap().0, path);
        std::fs::write(folder.join("file"), "").unwrap();
        assert!(save(&log, &folder.join("file"), "").is_err());
        let (path, line) = save_to_view(&log, &folder, Some(&("a/b".into(), LineId(1200)))).unwrap();
        let shown = std::fs::read_to_string(&path).unwrap();
        assert_eq!((shown.lines().nth(line as usize - 1), shown == text), (Some("line 1200 that is wrapped"), true));
        assert_eq!(save_to_view(&log, &folder, None).unwrap(), (path, 2500));
    }

    #[test]
    fn several_logs_are_one_file_in_the_order_of_arrival() {
        let log_store = LogStore::new(Clock::start());
        let members: Vec<Member> =
            ["api", "worker"].map(|name| (name.into(), log_store.open(&name.into(), 1 << 20))).into();
        for number in 0..1500 {
            members[number % 2].1.feed(format!("line {number}\r\n").as_bytes());
        }
        let folder = tempfile::tempdir().unwrap();
        let log = Log::merged("all".into(), members);
        let (path, line) = save_to_view(&log, folder.path(), Some(&("worker".into(), LineId(1)))).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let expected: String =
            (0..1500).map(|n| format!("{} │ line {n}\n", if n % 2 == 0 { "api   " } else { "worker" })).collect();
        assert_eq!((text, line), (expected, 3));
    }
}
