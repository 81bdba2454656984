//! A file of ours that grows, and is given another name when it is large: `api.log`, then `api.1.log`, `api.2.log`, ….

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use crate::private;

/// How large a file becomes, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Bytes of a file; what is written at once is in one file.
    pub size: u64,
    /// Files in all, at least one.
    pub files: u32,
}

/// The newest of the files. All that was flushed is on disk as a whole: of what a full disk cuts off, nothing stays.
#[derive(Debug)]
pub struct RotatedFile {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    size: u64,
    /// Of the size, what was flushed.
    flushed: u64,
}

impl RotatedFile {
    /// The file of that path, which ends in `.log`. It is opened when something is written.
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None, size: 0, flushed: 0 }
    }

    /// Writes behind what is there, or into a new file if that would become too large.
    ///
    /// # Errors
    /// The system's. What was not flushed is gone.
    pub fn append(&mut self, text: &str, rotation: Rotation) -> io::Result<()> {
        let result = self.try_append(text, rotation);
        self.or_undone(result)
    }

    /// Gives all to the system.
    ///
    /// # Errors
    /// As [`RotatedFile::append`].
    pub fn flush(&mut self) -> io::Result<()> {
        let result = self.file.as_mut().map_or(Ok(()), BufWriter::flush);
        if result.is_ok() {
            self.flushed = self.size;
        }
        self.or_undone(result)
    }

    fn try_append(&mut self, text: &str, rotation: Rotation) -> io::Result<()> {
        self.open()?;
        if self.size > 0 && self.size.saturating_add(text.len() as u64) > rotation.size {
            self.flush()?;
            self.file = None;
            self.rotate(rotation.files.max(1))?;
            self.open()?;
        }
        if let Some(file) = &mut self.file {
            file.write_all(text.as_bytes())?;
            self.size += text.len() as u64;
        }
        Ok(())
    }

    fn open(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            let file = private::open(&self.path, OpenOptions::new().create(true).append(true))?;
            self.size = file.metadata()?.len();
            self.flushed = self.size;
            self.file = Some(BufWriter::with_capacity(64 << 10, file));
        }
        Ok(())
    }

    /// Gives each file the next number. The last goes, and those behind it of a time when there were more.
    fn rotate(&self, files: u32) -> io::Result<()> {
        let mut surplus = (files - 1).max(1);
        while fs::remove_file(self.older(surplus)).is_ok() {
            surplus += 1;
        }
        if files == 1 {
            return fs::remove_file(&self.path);
        }
        let there = (1..files - 1).take_while(|number| self.older(*number).symlink_metadata().is_ok()).count();
        for number in (1..=u32::try_from(there).unwrap_or(0)).rev() {
            fs::rename(self.older(number), self.older(number + 1))?;
        }
        fs::rename(&self.path, self.older(1))
    }

    fn older(&self, number: u32) -> PathBuf {
        self.path.with_extension(format!("{number}.log"))
    }

    /// After an error, the file ends where it was flushed last, and is opened anew.
    fn or_undone(&mut self, result: io::Result<()>) -> io::Result<()> {
        if result.is_err()
            && let Some(writer) = self.file.take()
        {
            // The rest of its buffer would be written when it is dropped.
            let (file, _) = writer.into_parts();
            // If even this fails, half a line stays.
            let _ = file.set_len(self.flushed);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &std::path::Path) -> Vec<(String, String)> {
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
            .collect();
        files.sort();
        files
    }

    fn written(folder: &std::path::Path, lines: std::ops::Range<u32>, rotation: Rotation) {
        let mut file = RotatedFile::new(folder.join("a.log"));
        for line in lines {
            file.append(&format!("line {line}\n"), rotation).unwrap();
        }
        file.flush().unwrap();
    }

    #[test]
    fn files_are_bounded_in_size_and_number_also_when_there_were_more() {
        let folder = tempfile::tempdir().unwrap();
        let told = |files: &[(&str, &str)]| -> Vec<(String, String)> {
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
        };
        written(folder.path(), 0..7, Rotation { size: 14, files: 4 });
        let all = [("a.1.log", "line 4\nline 5\n"), ("a.2.log", "line 2\nline 3\n"), ("a.3.log", "line 0\nline 1\n")];
        let mut expected = told(&all);
        expected.push(("a.log".into(), "line 6\n".into()));
        assert_eq!(files(folder.path()), expected);
        // The file that is there goes on, and what is older than all goes.
        written(folder.path(), 7..9, Rotation { size: 14, files: 3 });
        let expected = told(&[("a.1.log", "line 6\nline 7\n"), ("a.2.log", "line 4\nline 5\n"), ("a.log", "line 8\n")]);
        assert_eq!(files(folder.path()), expected);
        written(folder.path(), 9..11, Rotation { size: 14, files: 1 });
        assert_eq!(files(folder.path()), told(&[("a.log", "line 10\n")]));
    }

    #[test]
    fn what_a_full_disk_has_cut_off_is_not_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let rotation = Rotation { size: 1 << 20, files: 2 };
        let mut file = RotatedFile::new(folder.path().join("a.log"));
        file.append("whole\n", rotation).unwrap();
        file.flush().unwrap();
        file.append("half", rotation).unwrap();
        let _ = file.or_undone(Err(io::ErrorKind::StorageFull.into()));
        file.append("again\n", rotation).unwrap();
        file.flush().unwrap();
        assert_eq!(files(folder.path()), [("a.log".to_owned(), "whole\nagain\n".to_owned())]);
    }
}
