//! The files that the patterns of `inputs` mean, and one number for the contents of all.
//!
//! A name without wildcards is that file, also where git ignores it, or all below that folder. A glob sees what git does
//! not ignore: `**/package.json` does not mean what is installed. Later patterns win, `!` takes out. A pattern that matches
//! nothing is a reason to run: a lock file that is missing is not "as before".

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use ignore::WalkBuilder;
use xxhash_rust::xxh3::Xxh3;

use crate::domain::{SpecPattern, plain_error, visible_path};
use crate::regular_file::open_regular;

/// Entries of folders that are looked at for all patterns of a job.
const ENTRIES: usize = 100_000;

/// Bytes that are read for all patterns of a job. A disk gives as much in seconds.
const BYTES: u64 = 2 << 30;

/// Why nobody can say whether the files are as before.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("nothing matches {0}")]
    Missing(String),
    #[error("{}: {}", visible_path(.0), plain_error(.1))]
    Unreadable(PathBuf, io::Error),
    #[error("{0}")]
    Pattern(#[from] globset::Error),
    #[error("more than {ENTRIES} files and folders: narrow the patterns")]
    TooMany,
    #[error("more than 2 GiB in all: narrow the patterns")]
    TooLarge,
}

/// What the patterns mean, as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contents {
    /// One number for the names and contents of all files.
    pub(super) digest: u128,
    /// How many files there are.
    pub(super) files: usize,
}

/// Reads all that the patterns mean.
pub(super) fn read(root: &Path, patterns: &[SpecPattern]) -> Result<Contents, Problem> {
    let found = find(root, patterns)?;
    if let Some(missing) = found.missing.first().and_then(|index| patterns.get(*index)) {
        return Err(Problem::Missing(missing.text.clone()));
    }
    let mut hash = Xxh3::new();
    let mut left = BYTES;
    let mut buffer = vec![0; 256 << 10];
    let mut files = 0;
    for (path, _) in found.files.iter().filter(|(_, counts)| **counts) {
        let name = path.as_os_str().as_encoded_bytes();
        hash.update(&(name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update(&content(&root.join(path), &mut left, &mut buffer)?.to_le_bytes());
        files += 1;
    }
    Ok(Contents { digest: hash.digest128(), files })
}

/// The places of the patterns that match no file. Of more than can be looked at, none.
pub(super) fn missing(root: &Path, patterns: &[SpecPattern]) -> Vec<usize> {
    find(root, patterns).map(|found| found.missing).unwrap_or_default()
}

/// Why not all that the patterns mean can be read, as far as that is seen without reading it.
pub(super) fn unreadable(root: &Path, patterns: &[SpecPattern]) -> Option<Problem> {
    let found = match find(root, patterns) {
        Ok(found) => found,
        Err(problem) => return Some(problem),
    };
    let mut counted = found.files.iter().filter(|(_, counts)| **counts).map(|(path, _)| root.join(path));
    counted.find_map(|path| open_regular(&path).err().map(|error| Problem::Unreadable(path, error)))
}

fn content(path: &Path, left: &mut u64, buffer: &mut [u8]) -> Result<u128, Problem> {
    let unreadable = |error| Problem::Unreadable(path.to_owned(), error);
    let (mut file, _) = open_regular(path).map_err(unreadable)?;
    let mut hash = Xxh3::new();
    loop {
        match file.read(buffer) {
            Ok(0) => return Ok(hash.digest128()),
            Ok(length) => {
                *left = left.checked_sub(length as u64).ok_or(Problem::TooLarge)?;
                hash.update(buffer.get(..length).unwrap_or_default());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
}

#[derive(Default)]
struct Found {
    /// Relative to the root, and whether they count or were taken out again.
    files: BTreeMap<PathBuf, bool>,
    missing: Vec<usize>,
}

fn find(root: &Path, patterns: &[SpecPattern]) -> Result<Found, Problem> {
    let (mut found, mut entries) = (Found::default(), ENTRIES);
    for (index, pattern) in patterns.iter().enumerate() {
        if let Some(out) = pattern.text.strip_prefix('!') {
            let pattern = Pattern::new(out)?;
            let taken = found.files.iter_mut().filter(|(path, _)| pattern.is_match(path));
            taken.for_each(|(_, counts)| *counts = false);
            continue;
        }
        let pattern = Pattern::new(&pattern.text)?;
        let mut matched = pattern.files(root, &mut entries)?;
        if matched.is_empty() {
            found.missing.push(index);
        }
        found.files.extend(matched.drain(..).map(|path| (path, true)));
    }
    Ok(found)
}

/// A name, or a glob.
enum Pattern {
    Name(PathBuf),
    /// Begins with this folder, which may be the root itself.
    Glob(PathBuf, GlobMatcher),
}

impl Pattern {
    fn new(text: &str) -> Result<Self, globset::Error> {
        let text = text.strip_prefix("./").unwrap_or(text);
        let is_special = |part: &str| part.contains(['*', '?', '[', ']', '{', '}', '\\']);
        if !is_special(text) {
            return Ok(Self::Name(text.trim_end_matches('/').into()));
        }
        let glob = GlobBuilder::new(text).literal_separator(true).backslash_escape(true).build()?;
        let base = text.split('/').take_while(|part| !is_special(part)).collect();
        Ok(Self::Glob(base, glob.compile_matcher()))
    }

    fn is_match(&self, path: &Path) -> bool {
        match self {
            Self::Name(name) => path.starts_with(name),
            Self::Glob(_, glob) => glob.is_match(path),
        }
    }

    /// All files that match, relative to the root.
    fn files(&self, root: &Path, entries: &mut usize) -> Result<Vec<PathBuf>, Problem> {
        let (base, follows_git) = match self {
            Self::Name(name) => (name, false),
            Self::Glob(base, _) => (base, true),
        };
        let start = root.join(base);
        match fs::metadata(&start) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Ok(if self.is_match(base) { vec![base.clone()] } else { Vec::new() }),
            // A part of the way may be a file.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(Problem::Unreadable(start, error)),
        }
        let mut walk = WalkBuilder::new(&start);
        walk.standard_filters(false).require_git(false).follow_links(false);
        walk.git_ignore(follows_git).git_exclude(follows_git).git_global(follows_git).parents(follows_git);
        walk.filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git");
        let mut files = Vec::new();
        for entry in walk.build() {
            *entries = entries.checked_sub(1).ok_or(Problem::TooMany)?;
            let entry = entry.map_err(|error| {
                let io = error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into());
                Problem::Unreadable(start.clone(), io)
            })?;
            // A link to a file is what it leads to. One that leads nowhere, or to a folder, is no content.
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file())
                || entry.path_is_symlink() && fs::metadata(entry.path()).is_ok_and(|found| found.is_file());
            if let Some(path) = entry.path().strip_prefix(root).ok().filter(|path| is_file && self.is_match(path)) {
                files.push(path.to_owned());
            }
        }
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<SpecPattern> {
        texts.iter().map(|text| SpecPattern { text: (*text).into(), line: 1, file: None }).collect()
    }

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["lock", "sql/1.sql", "sql/deep/2.sql", "sql/read.me", "dist/out", "web/package.json", ".git/x.sql"]
        {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        fs::write(folder.path().join(".gitignore"), "dist/\n").unwrap();
        folder
    }

    fn counted(root: &Path, texts: &[&str]) -> Vec<String> {
        let found = find(root, &patterns(texts)).unwrap();
        let files = found.files.into_iter().filter(|(_, counts)| *counts);
        files.map(|(path, _)| path.display().to_string()).collect()
    }

    #[test]
    fn a_name_is_what_it_names_and_a_glob_sees_what_git_does() {
        let folder = tree();
        let root = folder.path();
        assert_eq!(counted(root, &["lock"]), ["lock"]);
        assert_eq!(counted(root, &["./lock"]), ["lock"]);
        assert_eq!(counted(root, &["sql/"]), ["sql/1.sql", "sql/deep/2.sql", "sql/read.me"]);
        assert_eq!(counted(root, &["sql/*"]), ["sql/1.sql", "sql/read.me"]);
        assert_eq!(counted(root, &["**/*.sql"]), ["sql/1.sql", "sql/deep/2.sql"]);
        assert_eq!(counted(root, &["sql/**", "!**/*.me"]), ["sql/1.sql", "sql/deep/2.sql"]);
        assert_eq!(counted(root, &["sql/**", "!sql", "sql/1.sql"]), ["sql/1.sql"]);
        assert_eq!(counted(root, &["{lock,web/*.json}"]), ["lock", "web/package.json"]);
        assert_eq!(counted(root, &["**/out"]), Vec::<String>::new(), "git ignores it");
        assert_eq!(counted(root, &["dist/out"]), ["dist/out"], "it is named");
    }

    #[test]
    fn a_pattern_without_a_file_is_a_reason_to_run() {
        let folder = tree();
        let root = folder.path();
        let asked = patterns(&["lock", "*.lock", "lock/below", "none", "!lock"]);
        assert_eq!(missing(root, &asked), [1, 2, 3]);
        let problem = read(root, &asked).unwrap_err().to_string();
        assert_eq!(problem, "nothing matches *.lock");
    }

    #[test]
    fn files_that_count_are_counted_once() {
        let folder = tree();
        let files = |texts: &[&str]| read(folder.path(), &patterns(texts)).unwrap().files;
        assert_eq!(files(&["lock"]), 1);
        assert_eq!(files(&["sql/**", "sql/1.sql"]), 3);
        assert_eq!(files(&["sql/**", "!**/*.me"]), 2);
    }

    #[test]
    fn contents_and_names_count_and_nothing_else() {
        let folder = tree();
        let root = folder.path();
        let asked = patterns(&["sql/**"]);
        let digest = || read(root, &asked).unwrap().digest;
        let first = digest();
        fs::write(root.join("sql/1.sql"), "other").unwrap();
        let second = digest();
        fs::rename(root.join("sql/1.sql"), root.join("sql/3.sql")).unwrap();
        let third = digest();
        assert!(first != second && second != third && first != third);
        fs::rename(root.join("sql/3.sql"), root.join("sql/1.sql")).unwrap();
        fs::write(root.join("sql/1.sql"), "sql/1.sql").unwrap();
        assert_eq!(digest(), first, "back again");
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tree();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let asked = patterns(&["lock", "pipe"]);
        let problem = read(folder.path(), &asked).unwrap_err().to_string();
        assert!(problem.ends_with("pipe: not a regular file"), "{problem}");
        assert_eq!(unreadable(folder.path(), &asked).map(|it| it.to_string()), Some(problem));
        assert!(unreadable(folder.path(), &patterns(&["lock", "none"])).is_none(), "that is told as missing");
    }
}
