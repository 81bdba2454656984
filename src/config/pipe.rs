//! Environment files that are pipes, as secrets managers make them: whoever opens one is told the secrets, once.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

use super::env_file::{self, Entry, EnvFileError, MAX_BYTES};
use crate::domain::ServiceName;

/// One wait. After so many of them without a byte, five seconds in all, a start gives up.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
const TICKS: u32 = 100;

/// What pipes have said at the last start of each service. What runs beside it (hooks, checks, stop commands) is given the
/// same: nobody writes a second time.
#[derive(Debug, Default)]
pub struct Pipes {
    said: Mutex<HashMap<ServiceName, HashMap<PathBuf, Vec<Entry>>>>,
}

impl Pipes {
    /// A start of the service begins: its pipes are read anew.
    pub fn forget(&self, service: &ServiceName) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).remove(service);
    }

    /// What a pipe has said at this start; the first time it is read. May wait for five seconds.
    pub(super) fn entries(&self, service: &ServiceName, path: &Path) -> Result<Vec<Entry>, Vec<EnvFileError>> {
        let said = |entries: &HashMap<PathBuf, Vec<Entry>>| entries.get(path).cloned();
        let known = self.said.lock().unwrap_or_else(PoisonError::into_inner).get(service).and_then(said);
        if let Some(entries) = known {
            return Ok(entries);
        }
        let bytes = read(path, TICKS).map_err(|error| vec![EnvFileError::Unreadable(error.to_string())])?;
        let entries = env_file::of_bytes(&bytes)?;
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.entry(service.clone()).or_default().insert(path.to_owned(), entries.clone());
        Ok(entries)
    }
}

/// Reads a pipe from the first byte to its end; `ticks`: after so many waits without a byte it gives up.
fn read(path: &Path, ticks: u32) -> io::Result<Vec<u8>> {
    // Without waiting for a writer, which may never come.
    let mut pipe = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let mut in_vain = 0;
    while in_vain < ticks {
        match pipe.read(&mut buffer) {
            // An end before the first byte is a writer that has not come yet, or has only looked.
            Ok(0) if bytes.is_empty() => {
                in_vain += 1;
                poll(&mut [], Some(&TICK))?;
            }
            Ok(0) => return Ok(bytes),
            Ok(length) => bytes.extend(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let there = poll(&mut [PollFd::new(&pipe, PollFlags::IN)], Some(&TICK))?;
                in_vain += u32::from(there == 0);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if bytes.len() as u64 > MAX_BYTES {
            return Err(io::Error::other("it says more than 1 MiB"));
        }
    }
    Err(io::Error::other(match bytes.as_slice() {
        [] => "it is a pipe, and nobody has written into it within 5s: start what fills it first",
        _ => "it is a pipe, and whoever writes into it has not come to an end within 5s",
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::thread;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    #[test]
    fn a_pipe_is_read_once_for_each_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        let pipes = Pipes::default();
        let value = |pipes: &Pipes| pipes.entries(&"api".into(), &path).map(|entries| entries[0].value.clone());
        for secret in ["one", "two"] {
            pipes.forget(&"api".into());
            let (to, text) = (path.clone(), format!("PW={secret}\n"));
            // It opens the pipe before or after we do: it waits for us as we wait for it.
            let writer = thread::spawn(move || fs::write(to, text));
            assert_eq!(value(&pipes).as_deref(), Ok(secret));
            writer.join().unwrap().unwrap();
            assert_eq!(value(&pipes).as_deref(), Ok(secret), "the same, and nobody writes");
        }
        let nobody = read(&path, 1).unwrap_err().to_string();
        assert!(nobody.contains("nobody has written into it"), "{nobody}");
    }
}
