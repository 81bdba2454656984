//! Environment files that are pipes, as secrets managers make them: whoever opens one is told the secrets, once.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

use super::env_file::{self, Entry, EnvFileError, MAX_BYTES};
use crate::domain::ServiceName;

/// One wait. After so many of them without a byte, five seconds in all, a start gives up.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
const TICKS: u32 = 100;

type Said = HashMap<PathBuf, Vec<Entry>>;

/// What the pipes of services have said. Clones are the same.
///
/// A pipe is read once for each start: before the run that is up is ended, if there is one, so that a pipe that nobody
/// fills does not take it down; otherwise by the start itself. What runs beside a run (hooks, checks, stop commands) is given
/// what its start was given: nobody writes a second time.
#[derive(Clone, Debug, Default)]
pub struct Pipes {
    services: Arc<Mutex<HashMap<ServiceName, Arc<OfService>>>>,
    /// It is asked for the start that is to come.
    ahead: bool,
}

#[derive(Debug, Default)]
struct OfService {
    /// At the last start.
    last: Mutex<Said>,
    /// For the start that is to come. Locked while a pipe is read: two readers would get a part each.
    next: Mutex<Said>,
}

impl Pipes {
    /// For the start that is to come. `anew`: what was read for another one that has not come does not count.
    pub fn for_next_start(&self, service: &ServiceName, anew: bool) -> Self {
        if anew {
            unpoisoned(&self.of(service).next).clear();
        }
        Self { services: Arc::clone(&self.services), ahead: true }
    }

    /// A start of the service begins. `known`: its pipes were read for it; otherwise they are read anew. May wait while one
    /// is being read.
    pub fn begin(&self, service: &ServiceName, known: bool) {
        let its = self.of(service);
        let next = std::mem::take(&mut *unpoisoned(&its.next));
        *unpoisoned(&its.last) = if known { next } else { Said::new() };
    }

    /// What a pipe has said for this start; the first time it is read. May wait for five seconds.
    pub(super) fn entries(&self, service: &ServiceName, path: &Path) -> Result<Vec<Entry>, Vec<EnvFileError>> {
        let its = self.of(service);
        if self.ahead {
            let mut next = unpoisoned(&its.next);
            return match next.get(path) {
                Some(entries) => Ok(entries.clone()),
                None => Ok(next.entry(path.to_owned()).insert_entry(read_entries(path)?).get().clone()),
            };
        }
        let known = unpoisoned(&its.last).get(path).cloned();
        if let Some(entries) = known {
            return Ok(entries);
        }
        // Not locked meanwhile: who runs beside a run asks as well.
        let entries = read_entries(path)?;
        unpoisoned(&its.last).insert(path.to_owned(), entries.clone());
        Ok(entries)
    }

    fn of(&self, service: &ServiceName) -> Arc<OfService> {
        Arc::clone(unpoisoned(&self.services).entry(service.clone()).or_default())
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_entries(path: &Path) -> Result<Vec<Entry>, Vec<EnvFileError>> {
    let bytes = read(path, TICKS).map_err(|error| vec![EnvFileError::Unreadable(error.to_string())])?;
    env_file::of_bytes(&bytes)
}

/// Reads a pipe from the first byte to its end; `ticks`: after so many waits without a byte it gives up.
fn read(path: &Path, ticks: u32) -> io::Result<Vec<u8>> {
    // Without waiting for a writer, which may never come.
    let mut pipe = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let mut idle_ticks = 0;
    while idle_ticks < ticks {
        match pipe.read(&mut buffer) {
            // An end before the first byte is a writer that has not come yet, or has only looked.
            Ok(0) if bytes.is_empty() => {
                idle_ticks += 1;
                poll(&mut [], Some(&TICK))?;
            }
            Ok(0) => return Ok(bytes),
            Ok(length) => bytes.extend(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let there = poll(&mut [PollFd::new(&pipe, PollFlags::IN)], Some(&TICK))?;
                idle_ticks += u32::from(there == 0);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if bytes.len() as u64 > MAX_BYTES {
            return Err(io::Error::other("it contains more than 1 MiB"));
        }
    }
    Err(io::Error::other(match bytes.as_slice() {
        [] => "it is a pipe, and nothing was written into it within 5s: start the program that fills it first",
        _ => "it is a pipe, and its writer did not finish within 5s",
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::thread;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    #[test]
    fn a_pipe_is_read_once_for_each_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        let pipes = Pipes::default();
        let value = |pipes: &Pipes| pipes.entries(&"api".into(), &path).map(|entries| entries[0].value.clone());
        for secret in ["one", "two"] {
            pipes.begin(&"api".into(), false);
            let (to, text) = (path.clone(), format!("PW={secret}\n"));
            // It opens the pipe before or after we do: it waits for us as we wait for it.
            let writer = thread::spawn(move || fs::write(to, text));
            assert_eq!(value(&pipes).as_deref(), Ok(secret));
            writer.join().unwrap().unwrap();
            assert_eq!(value(&pipes).as_deref(), Ok(secret), "the same, and nobody writes");
        }
        // Read ahead of a start, it is what that start is given; what runs until then keeps its own.
        let api = ServiceName::from("api");
        let ahead = pipes.for_next_start(&api, true);
        let to = path.clone();
        let writer = thread::spawn(move || fs::write(to, "PW=three\n"));
        assert_eq!(value(&ahead).as_deref(), Ok("three"));
        writer.join().unwrap().unwrap();
        assert_eq!(value(&pipes.for_next_start(&api, false)).as_deref(), Ok("three"));
        assert_eq!(value(&pipes).as_deref(), Ok("two"));
        pipes.begin(&api, true);
        assert_eq!(value(&pipes).as_deref(), Ok("three"));
        let nobody = read(&path, 1).unwrap_err().to_string();
        assert!(nobody.contains("nothing was written into it"), "{nobody}");
    }
}
