//! All that waits in a folder, read and checked. There may be 100,000 files; what is kept of each is what its check makes
//! of it.

use std::ffi::OsString;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::SystemTime;

use super::folder::{Contents, Folder};
use super::names::{in_order, is_task_file, text_of};
use super::trouble::Trouble;
use crate::domain::FileStamp;

/// Larger files are no tasks.
pub const LARGEST_TASK: u64 = 1 << 20;

/// So many files are read at once by a listing that is taken piece by piece.
const PIECE: usize = 1_000;

/// How many pieces may lie ready before one is taken.
const AHEAD: usize = 2;

/// Fewer files are read by one thread: to start others takes longer.
const FEW: usize = 250;

/// More threads than these wait for the same locks of the file system.
const THREADS: usize = 4;

/// A file that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen<T> {
    /// Its name.
    pub file: Arc<str>,
    /// When it was written, and its size.
    pub stamp: FileStamp,
    /// What it holds.
    pub found: T,
}

/// The task files of a folder, by their times: the oldest first, and those of one time as people count. They are read piece
/// by piece, so that 100,000 of them are never held at once.
#[derive(Debug)]
pub(super) struct Listing {
    names: std::vec::IntoIter<OsString>,
}

impl Listing {
    /// Finds them.
    pub(super) fn begin(folder: &Folder) -> Result<Self, Trouble> {
        let names: Vec<OsString> = folder.files()?.filter(|name| is_task_file(name)).collect();
        // What is gone by now is not there.
        let times = each(&names, |name| folder.time(name));
        let mut dated: Vec<(SystemTime, OsString)> =
            times.into_iter().zip(names).filter_map(|(time, name)| Some((time?, name))).collect();
        dated
            .sort_unstable_by(|(a, left), (b, right)| a.cmp(b).then_with(|| in_order(&text_of(left), &text_of(right))));
        Ok(Self { names: dated.into_iter().map(|(_, name)| name).collect::<Vec<_>>().into_iter() })
    }

    /// Reads the next ones; `None` behind the last.
    pub(super) fn read<T: Send>(
        &mut self,
        folder: &Folder,
        check: impl Fn(&str, Contents) -> T + Sync,
    ) -> Option<Vec<Seen<T>>> {
        let piece: Vec<OsString> = self.names.by_ref().take(PIECE).collect();
        let read = |name: &OsString| {
            // What is gone by now, or is no regular file, is not there.
            let (stamp, contents) = folder.look(name, LARGEST_TASK)?;
            let file: Arc<str> = text_of(name).into();
            let found = check(&file, contents);
            Some(Seen { file, stamp, found })
        };
        (!piece.is_empty()).then(|| each(&piece, read).into_iter().flatten().collect())
    }
}

/// The pieces of a listing. Of a long one the next ones are read, on a thread of its own, while the last one is worked on.
#[derive(Debug)]
pub struct Pieces<T>(Receiver<Vec<Seen<T>>>);

impl<T: Send + 'static> Pieces<T> {
    /// Finds the files of a folder.
    pub(super) fn begin(
        folder: Folder,
        check: impl Fn(&str, Contents) -> T + Send + Sync + 'static,
    ) -> Result<Self, Trouble> {
        let mut listing = Listing::begin(&folder)?;
        let (is_short, path) = (listing.names.len() <= PIECE, folder.path().to_path_buf());
        let (tell, pieces) = sync_channel(AHEAD);
        let mut read = move || {
            while let Some(seen) = listing.read(&folder, &check) {
                // It is over where nobody wants the rest.
                if tell.send(seen).is_err() {
                    return;
                }
            }
        };
        if is_short {
            read();
        } else {
            let started = thread::Builder::new().name("list tasks".into()).spawn(read);
            started.map_err(|error| Trouble::new("cannot start a thread to list", &path, error))?;
        }
        Ok(Self(pieces))
    }
}

impl<T> Iterator for Pieces<T> {
    type Item = Vec<Seen<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.recv().ok()
    }
}

/// What comes of each, in their order; of many, on several threads.
fn each<T: Sync, R: Send>(all: &[T], make: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS);
    if all.len() <= FEW || threads == 1 {
        return all.iter().map(make).collect();
    }
    let make = &make;
    thread::scope(|scope| {
        let parts = all.chunks(all.len().div_ceil(threads));
        let makers: Vec<_> = parts.map(|part| scope.spawn(move || part.iter().map(make).collect::<Vec<_>>())).collect();
        makers.into_iter().flat_map(|maker| maker.join().unwrap_or_default()).collect()
    })
}

/// Reads all task files at once.
pub(super) fn list<T: Send>(
    folder: &Folder,
    check: impl Fn(&str, Contents) -> T + Sync,
) -> Result<Vec<Seen<T>>, Trouble> {
    let mut listing = Listing::begin(folder)?;
    let mut all = Vec::new();
    while let Some(seen) = listing.read(folder, &check) {
        all.extend(seen);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::task_folder::folder::Links;

    fn folder(path: &Path) -> Folder {
        Folder::open(path.to_path_buf(), Links::Follow).unwrap()
    }

    fn length(_: &str, contents: Contents) -> Option<usize> {
        match contents {
            Contents::Bytes(bytes) => Some(bytes.len()),
            Contents::TooLarge | Contents::Unreadable(_) => None,
        }
    }

    #[test]
    fn files_come_by_their_times_and_then_as_people_count() {
        let home = tempfile::tempdir().unwrap();
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        for (name, time) in [("b-10.json", 1), ("b-2.json", 1), ("z.json", 0), ("größe 1.json", 2)] {
            let path = home.path().join(name);
            fs::write(&path, "{}").unwrap();
            fs::File::open(&path).unwrap().set_modified(old + Duration::from_secs(time)).unwrap();
        }
        let seen = list(&folder(home.path()), length).unwrap();
        let names: Vec<&str> = seen.iter().map(|seen| &*seen.file).collect();
        assert_eq!(names, ["z.json", "b-2.json", "b-10.json", "größe 1.json"]);
        assert_eq!((seen[0].stamp.modified, seen[0].stamp.size), (old, 2));
    }

    #[test]
    fn a_long_listing_comes_in_pieces_and_in_order_whatever_goes_meanwhile() {
        let home = tempfile::tempdir().unwrap();
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        for number in 0..2 * PIECE + 1 {
            let path = home.path().join(format!("t-{number}.json"));
            fs::write(&path, "{}").unwrap();
            fs::File::open(&path).unwrap().set_modified(old).unwrap();
        }
        let mut listing = Listing::begin(&folder(home.path())).unwrap();
        fs::remove_file(home.path().join(format!("t-{PIECE}.json"))).unwrap();
        let pieces: Vec<Vec<_>> = std::iter::from_fn(|| listing.read(&folder(home.path()), length)).collect();
        assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [PIECE, PIECE - 1, 1]);
        let names: Vec<String> = pieces.iter().flatten().map(|seen| seen.file.to_string()).collect();
        let expected: Vec<String> =
            (0..2 * PIECE + 1).filter(|number| *number != PIECE).map(|number| format!("t-{number}.json")).collect();
        assert_eq!(names, expected);
        // The same, read ahead.
        let pieces: Vec<Vec<_>> = Pieces::begin(folder(home.path()), length).unwrap().collect();
        assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [PIECE, PIECE]);
        let names: Vec<String> = pieces.iter().flatten().map(|seen| seen.file.to_string()).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn only_regular_files_are_looked_at_and_nothing_is_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        fs::write(path("good.json"), "{}").unwrap();
        fs::write(path(".hidden.json"), "{}").unwrap();
        fs::write(path("note.txt"), "{}").unwrap();
        fs::write(path("large.json"), vec![b' '; 1 + (1 << 20)]).unwrap();
        fs::write(home.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9.json")), "{}").unwrap();
        fs::create_dir(path("folder.json")).unwrap();
        symlink("good.json", path("link.json")).unwrap();
        nix::unistd::mkfifo(&path("pipe.json"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let folder = folder(home.path());
        let mut seen: Vec<_> =
            list(&folder, length).unwrap().into_iter().map(|seen| (seen.file.to_string(), seen.found)).collect();
        seen.sort();
        let expected = [("/caf%E9.json", Some(2)), ("good.json", Some(2)), ("large.json", None)];
        assert_eq!(seen, expected.map(|(name, length)| (name.to_owned(), length)));
        for name in ["folder.json", "link.json", "pipe.json", "none.json"] {
            assert!(folder.look(name.as_ref(), 9).is_none(), "{name}");
        }
    }

    /// A figure, not a test: `cargo test --release --lib 100_000 -- --ignored --nocapture`.
    #[test]
    #[ignore = "measures; run it by hand"]
    fn listing_100_000_files() {
        let home = tempfile::tempdir().unwrap();
        let text = r#"{"task_id":"test-000001","worker":"marie","description":"do it","priority":"high"}"#;
        for number in 0..100_000 {
            fs::write(home.path().join(format!("test-{number:06}.json")), text).unwrap();
        }
        let folder = folder(home.path());
        for _ in 0..3 {
            let begin = Instant::now();
            let parsed = list(&folder, |_, contents| match contents {
                Contents::Bytes(bytes) => serde_json::from_slice::<serde_json::Value>(&bytes).is_ok(),
                Contents::TooLarge | Contents::Unreadable(_) => false,
            });
            println!("{} files in {:?}", parsed.unwrap().len(), begin.elapsed());
        }
    }
}
