//! Which files a group is read from: its own, those that it includes, and the local file beside each.
//!
//! Here names are matched and folders listed; no file is read. Who reads the group and who watches it agree by this.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

/// The file that is laid over another one: `x.local.toml` for `x.toml`.
pub fn local_of(file: &Path) -> PathBuf {
    let mut name = file.file_stem().unwrap_or_default().to_owned();
    name.push(".local");
    if let Some(end) = file.extension() {
        name.push(".");
        name.push(end);
    }
    file.with_file_name(name)
}

/// Whether a name is that of a local file.
fn is_local(name: &Path) -> bool {
    [Some(name), name.file_stem().map(Path::new)]
        .into_iter()
        .flatten()
        .any(|name| name.extension() == Some("local".as_ref()))
}

/// Entries of folders that are looked at for one pattern.
const MOST: usize = 20_000;

/// A pattern of `include`, relative to the folder of the file that has it.
#[derive(Clone, Debug)]
pub struct IncludePattern {
    /// The parts between slashes; at least one.
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    /// This name.
    Name(OsString),
    /// Names that begin with a dot only if the pattern does.
    Glob { matcher: GlobMatcher, dot: bool },
}

/// Why a text is no pattern of `include`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternFault {
    /// It begins with `/`.
    Absolute,
    /// It leaves the folder by `..`.
    Outside,
    /// It has `**`.
    Deep,
    /// It names a folder, or nothing.
    NoFile,
    /// It is no glob; why.
    Glob(String),
}

/// What a pattern finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The files, in order.
    pub files: Vec<PathBuf>,
    /// The folders whose entries decide which these are.
    pub folders: BTreeSet<PathBuf>,
    /// Folders in which there may be more, and why that is not known.
    pub unreadable: BTreeMap<PathBuf, io::ErrorKind>,
    /// There was too much to look at.
    pub cut: bool,
}

impl IncludePattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// See [`PatternFault`].
    pub fn new(text: &str) -> Result<Self, PatternFault> {
        if text.starts_with('/') {
            return Err(PatternFault::Absolute);
        }
        let text = text.trim_start_matches("./");
        if text.is_empty() || text.ends_with('/') {
            return Err(PatternFault::NoFile);
        }
        let parts = text.split('/').filter(|part| !matches!(*part, "" | "."));
        let parts = parts.map(|part| match part {
            ".." => Err(PatternFault::Outside),
            part if part.contains("**") => Err(PatternFault::Deep),
            part if part.contains(['*', '?', '[', ']', '{', '}', '\\']) => {
                let glob = GlobBuilder::new(part).literal_separator(true).backslash_escape(true).build();
                let glob = glob.map_err(|error| PatternFault::Glob(error.kind().to_string()))?;
                Ok(Part::Glob { matcher: glob.compile_matcher(), dot: part.starts_with('.') })
            }
            part => Ok(Part::Name(part.into())),
        });
        Ok(Self { parts: parts.collect::<Result<_, _>>()? })
    }

    /// It names one file.
    pub fn is_plain(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Name(_)))
    }

    /// Whether it means this path, which is relative to the folder of its file.
    pub fn matches(&self, path: &Path) -> bool {
        self.leads_through(path)
            && path.components().count() == self.parts.len()
            && (self.is_plain() || !is_local(path))
    }

    /// Whether what happens at this path, relative to the folder of its file, may change what it finds.
    pub fn leads_through(&self, path: &Path) -> bool {
        let mut parts = self.parts.iter();
        path.components().all(|name| parts.next().is_some_and(|part| part.matches(Path::new(name.as_os_str()))))
    }

    /// Looks for its files below a folder. Links to folders are followed only where the pattern names them.
    pub fn find(&self, root: &Path) -> Found {
        let mut found = Found::default();
        let mut left = MOST;
        let mut level = vec![root.to_path_buf()];
        let Some((last, folders)) = self.parts.split_last() else { return found };
        for part in folders {
            let mut next = Vec::new();
            for folder in level {
                match part {
                    Part::Name(name) => {
                        let path = folder.join(name);
                        let is_folder = fs::metadata(&path).map(|metadata| metadata.is_dir());
                        // What has a name and cannot be followed is a link.
                        let looked_at = if path.symlink_metadata().is_ok() { &path } else { &folder };
                        if found.is_so(looked_at, is_folder) {
                            next.push(path);
                        }
                    }
                    Part::Glob { .. } => next.extend(entries(&folder, part, true, &mut left, &mut found)),
                }
                found.folders.insert(folder);
            }
            level = next;
        }
        for folder in level {
            match last {
                Part::Name(name) => {
                    let path = folder.join(name);
                    let is_there = path.symlink_metadata().map(|_| true);
                    if found.is_so(&folder, is_there) {
                        found.files.push(path);
                    }
                }
                Part::Glob { .. } => {
                    let files = entries(&folder, last, false, &mut left, &mut found);
                    found.files.extend(files.into_iter().filter(|file| !is_local(file)));
                }
            }
            found.folders.insert(folder);
        }
        found.cut = left == 0;
        found
    }
}

impl Found {
    /// What a look into a folder has told. What is not there is not so; of anything else it is noted that it is not known.
    fn is_so(&mut self, folder: &Path, told: io::Result<bool>) -> bool {
        told.unwrap_or_else(|error| {
            if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
                self.unreadable.insert(folder.to_path_buf(), error.kind());
            }
            false
        })
    }
}

impl Part {
    fn matches(&self, name: &Path) -> bool {
        match self {
            Self::Name(own) => own == name.as_os_str(),
            Self::Glob { matcher, dot } => {
                let is_hidden = name.as_os_str().as_encoded_bytes().starts_with(b".");
                (*dot || !is_hidden) && matcher.is_match(name)
            }
        }
    }
}

/// The folders, or the files, of a folder that a part matches, in order. `all`: what could not be read is noted there.
fn entries(folder: &Path, part: &Part, folders: bool, left: &mut usize, all: &mut Found) -> Vec<PathBuf> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) => {
            all.is_so(folder, Err(error));
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for entry in listed {
        if *left == 0 {
            break;
        }
        *left -= 1;
        let kind = entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?.is_dir())));
        match kind {
            Ok((name, is_folder)) if is_folder == folders && part.matches(Path::new(&name)) => {
                found.push(folder.join(name));
            }
            Ok(_) => {}
            Err(error) => drop(all.is_so(folder, Err(error))),
        }
    }
    found.sort();
    found
}

/// The files that a group is read from, and where others may appear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupFiles {
    /// Those that are read if they are there: the group's own first, each with its local file behind it.
    pub files: Vec<PathBuf>,
    /// The folders whose entries decide which these are.
    pub folders: BTreeSet<PathBuf>,
}

impl GroupFiles {
    /// Of a group by its own file and the patterns of its `include`.
    pub fn of<'p>(file: &Path, include: impl IntoIterator<Item = &'p IncludePattern>) -> Self {
        let mut all = Self { files: vec![file.to_path_buf(), local_of(file)], folders: BTreeSet::new() };
        let root = file.parent().unwrap_or(file);
        all.folders.insert(root.to_path_buf());
        for pattern in include {
            let found = pattern.find(root);
            for file in found.files {
                if !all.files.contains(&file) {
                    let local = local_of(&file);
                    all.files.extend([file, local]);
                }
            }
            all.folders.extend(found.folders);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> IncludePattern {
        IncludePattern::new(text).unwrap()
    }

    #[test]
    fn the_local_file_has_the_name_of_the_file() {
        for (file, local) in [
            ("/a/procgroup.toml", "/a/procgroup.local.toml"),
            ("/a/x.toml", "/a/x.local.toml"),
            ("/a/procs", "/a/procs.local"),
            ("/a/b.c.toml", "/a/b.c.local.toml"),
        ] {
            assert_eq!(local_of(Path::new(file)), Path::new(local));
            assert!(is_local(Path::new(local)) && !is_local(Path::new(file)));
        }
    }

    #[test]
    fn a_pattern_stays_in_its_folder_and_names_files() {
        let fault = |text: &str| IncludePattern::new(text).map(|_| ()).unwrap_err();
        assert_eq!(fault("/a/b"), PatternFault::Absolute);
        assert_eq!(fault("a/../../b"), PatternFault::Outside);
        assert_eq!(fault("services/**/procgroup.toml"), PatternFault::Deep);
        assert_eq!(fault("services/"), PatternFault::NoFile);
        assert_eq!(fault("./"), PatternFault::NoFile);
        assert!(matches!(fault("a/[b"), PatternFault::Glob(_)));
        assert!(matches!(fault("{a/b,c}/x"), PatternFault::Glob(_)));
        assert!(pattern("./a//b.toml").is_plain() && !pattern("a/{b,c}.toml").is_plain());
    }

    #[test]
    fn what_a_pattern_matches_is_what_it_finds() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for file in
            ["s/b/g.toml", "s/a/g.toml", "s/.h/g.toml", "s/a/x/g.toml", "s/g.toml", "s/a/g.local.toml", "g.toml"]
        {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), "").unwrap();
        }
        std::os::unix::fs::symlink("a", root.join("s/link")).unwrap();
        fs::create_dir(root.join("s/empty")).unwrap();
        for (text, files) in [
            ("s/*/g.toml", &["s/a/g.toml", "s/b/g.toml"][..]),
            ("s/*/*.toml", &["s/a/g.toml", "s/b/g.toml"]),
            ("s/{a,b}/g.toml", &["s/a/g.toml", "s/b/g.toml"]),
            ("s/.*/g.toml", &["s/.h/g.toml"]),
            ("s/link/g.toml", &["s/link/g.toml"]),
            ("s/a/g.local.toml", &["s/a/g.local.toml"]),
            ("nothing/*/g.toml", &[]),
            ("s/empty/g.toml", &[]),
        ] {
            let found = pattern(text).find(root);
            let below: Vec<_> = found.files.iter().map(|file| file.strip_prefix(root).unwrap()).collect();
            assert_eq!(below, files.iter().map(Path::new).collect::<Vec<_>>(), "{text}");
            assert!(below.iter().all(|file| pattern(text).matches(file)), "{text}");
        }
        let found = pattern("s/*/g.toml").find(root);
        for watched in ["", "s", "s/a", "s/b", "s/empty"] {
            assert!(found.folders.contains(&root.join(watched)) || watched.is_empty(), "{watched}");
        }
        assert!(!pattern("s/*/g.toml").matches(Path::new("s/a/x/g.toml")));
        for (path, leads) in
            [("s", true), ("s/a", true), ("s/a/g.toml", true), ("t", false), ("s/a/x", false), ("s/.x", false)]
        {
            assert_eq!(pattern("s/*/g.toml").leads_through(Path::new(path)), leads, "{path}");
        }
        assert!(!pattern("s/*/*.toml").matches(Path::new("s/a/g.local.toml")));
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_noted_and_one_that_is_not_there_is_not() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let closed = folder.path().join("s/a");
        fs::create_dir_all(&closed).unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        // For root nothing is closed.
        let is_closed = fs::read_dir(&closed).is_err();
        for text in ["s/*/g.toml", "s/a/g.toml", "s/a/*.toml", "s/a/b/g.toml", "s/a/*/g.toml"] {
            let unreadable = pattern(text).find(folder.path()).unreadable;
            let expected = is_closed.then(|| (closed.clone(), io::ErrorKind::PermissionDenied));
            assert_eq!(unreadable, expected.into_iter().collect(), "{text}");
        }
        for text in ["t/*/g.toml", "t/a/g.toml", "file/g.toml", "file/*/g.toml"] {
            assert_eq!(pattern(text).find(folder.path()).unreadable, BTreeMap::new(), "{text}");
        }
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
        let told = |kind: io::ErrorKind| {
            let mut found = Found::default();
            assert!(!found.is_so(&closed, Err(kind.into())));
            found.unreadable.len()
        };
        assert_eq!([io::ErrorKind::PermissionDenied, io::ErrorKind::TimedOut].map(told), [1, 1]);
        assert_eq!([io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].map(told), [0, 0]);
    }

    #[test]
    fn the_files_of_a_group_are_each_there_once_with_their_local_files() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("a")).unwrap();
        for file in ["g.toml", "a/g.toml"] {
            fs::write(root.join(file), "").unwrap();
        }
        let patterns = ["*.toml", "*/g.toml", "a/g.toml"].map(pattern);
        let all = GroupFiles::of(&root.join("g.toml"), &patterns);
        let names = ["g.toml", "g.local.toml", "a/g.toml", "a/g.local.toml"];
        assert_eq!(all.files, names.map(|name| root.join(name)));
        assert_eq!(all.folders, [root.to_path_buf(), root.join("a")].into());
    }
}
