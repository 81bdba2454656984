//! A whole log as a text file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::log_view::{Lane, Merge};
use super::text;
use super::ui_state::Member;
use crate::domain::ServiceName;
use crate::logs::{Line, LineId, LogDocument};
use crate::private;

/// The variable that says where such files are.
const VARIABLE: &str = "XDG_STATE_HOME";

/// Lines that are read before the writer of the log gets its turn.
const BATCH: u64 = 1000;

/// What is written: the log of one service, or the logs of several in the order of arrival, each line after the name of
/// its service.
#[derive(Clone, Debug)]
pub(super) enum Log {
    /// One service.
    One(ServiceName, Arc<LogDocument>),
    /// Several, under this name.
    Merged(ServiceName, Vec<Member>),
}

impl Log {
    fn name(&self) -> &ServiceName {
        match self {
            Self::One(name, _) | Self::Merged(name, _) => name,
        }
    }

    /// Writes all lines that are kept. What arrives meanwhile is not part of it: a flood would never end. The answer is
    /// how many lines that are, and how many of them come before the `target`, a line of a service.
    fn write(&self, out: &mut impl Write, target: Option<&(ServiceName, LineId)>) -> io::Result<(u64, u64)> {
        let (mut lines, mut before) = (0, 0);
        let mut add = |text: &mut String, name: &ServiceName, line: &Line| {
            text.push_str(&line.content.as_printed(0..line.content.text.len()));
            text.push('\n');
            lines += 1;
            if target.is_some_and(|(service, id)| service == name && line.id < *id) {
                before = lines;
            }
        };
        match self {
            Self::One(name, document) => {
                let mut next = 0;
                let end = document.read().end().0;
                while next < end {
                    let mut text = String::new();
                    let mut reader = document.read();
                    next = next.max(reader.first().0);
                    let stop = end.min(next.saturating_add(BATCH));
                    for line in (next..stop).filter_map(|id| reader.line(LineId(id))) {
                        add(&mut text, name, &line);
                    }
                    drop(reader);
                    next = stop.max(next);
                    out.write_all(text.as_bytes())?;
                }
            }
            Self::Merged(_, members) => {
                let names = members.iter().map(|(name, _)| text::width(name.as_str()));
                let cells = names.max().unwrap_or(0);
                let mut readers: Vec<_> = members.iter().map(|(_, document)| document.read()).collect();
                let ends: Vec<_> = readers.iter().map(|reader| reader.end()).collect();
                let mut cuts: Vec<_> = readers.iter().map(|reader| reader.first()).collect();
                drop(std::mem::take(&mut readers));
                let mut more = true;
                while more {
                    let mut text = String::new();
                    let mut readers: Vec<_> = members.iter().map(|(_, document)| document.read()).collect();
                    let lanes = readers.iter_mut().zip(&ends).map(|(reader, end)| Lane::up_to(reader, *end));
                    let mut merge = Merge { lanes: lanes.collect() };
                    merge.go_to(&cuts);
                    for _ in 0..BATCH {
                        let Some((lane, line)) = merge.forward() else {
                            more = false;
                            break;
                        };
                        let Some((name, _)) = members.get(lane) else { break };
                        text.push_str(&text::pad(name.to_string(), cells));
                        text.push_str(" │ ");
                        add(&mut text, name, &line);
                    }
                    cuts = merge.cuts();
                    drop(merge);
                    drop(readers);
                    out.write_all(text.as_bytes())?;
                }
            }
        }
        Ok((lines, before))
    }
}

/// Writes all lines that are kept into a new file of that folder, which only the user may read. The answer is the file
/// and the number of its lines.
///
/// # Errors
/// The folder or the file could not be made or written.
pub(super) fn save(log: &Log, folder: &Path, time: &str) -> io::Result<(PathBuf, u64)> {
    private::make_folder(folder, VARIABLE)?;
    let (path, file) = new_file(folder, &file_name(&format!("{}-{time}", log.name())))?;
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
    let name = file_name(log.name().as_str());
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
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "there are too many files of this second"))
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
        let log = Log::One("a/b".into(), document);
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
        let log = Log::Merged("all".into(), members);
        let (path, line) = save_to_view(&log, folder.path(), Some(&("worker".into(), LineId(1)))).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let expected: String =
            (0..1500).map(|n| format!("{} │ line {n}\n", if n % 2 == 0 { "api   " } else { "worker" })).collect();
        assert_eq!((text, line), (expected, 3));
    }
}
