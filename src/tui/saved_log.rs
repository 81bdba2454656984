//! A whole log as a text file.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::domain::ServiceName;
use crate::logs::{LineId, LogDocument};

/// Lines that are read before the writer of the log gets its turn.
const BATCH: u64 = 1000;

/// Writes all lines that are kept into a new file of that folder, which only the user may read. The answer is the file
/// and the number of its lines.
///
/// # Errors
/// The folder or the file could not be made or written.
pub(super) fn save(
    document: &LogDocument,
    folder: &Path,
    service: &ServiceName,
    time: &str,
) -> io::Result<(PathBuf, u64)> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let name: String = format!("{service}-{time}").chars().map(plain).collect();
    let (path, file) = new_file(folder, name.trim_start_matches('.'))?;
    let mut file = BufWriter::new(file);
    let (mut next, mut lines) = (0, 0);
    // What arrives meanwhile is not part of it: a flood would never end.
    let end = document.read().end().0;
    while next < end {
        let mut text = String::new();
        let mut reader = document.read();
        next = next.max(reader.first().0);
        let stop = end.min(next.saturating_add(BATCH));
        for id in next..stop {
            if let Some(line) = reader.line(LineId(id)) {
                text.push_str(&line.content.as_printed(0..line.content.text.len()));
                text.push('\n');
                lines += 1;
            }
        }
        drop(reader);
        next = stop.max(next);
        file.write_all(text.as_bytes())?;
    }
    file.flush()?;
    Ok((path, lines))
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
    use crate::logs::LogBook;

    #[test]
    fn every_line_is_there_and_no_file_is_written_twice() {
        let document = LogBook::new(Clock::start()).open(&"a/b".into(), 1 << 20);
        document.resize(10, 4);
        let text: String = (0..2500).map(|n| format!("line {n} that is wrapped\n")).collect();
        document.feed(text.replace('\n', "\r\n").as_bytes());
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("saved");
        let (path, lines) = save(&document, &folder, &"a/b".into(), "14:02:11").unwrap();
        assert_eq!((path.file_name().unwrap().to_str().unwrap(), lines), ("a_b-14_02_11.log", 2500));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert_ne!(save(&document, &folder, &"a/b".into(), "14:02:11").unwrap().0, path);
        std::fs::write(folder.join("file"), "").unwrap();
        assert!(save(&document, &folder.join("file"), &"a".into(), "").is_err());
    }
}
