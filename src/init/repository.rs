//! What is asked of a repository: which files are there, and what some of them say.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use crate::regular_file::open_regular;

/// The files of a repository, as far as they tell what it runs.
pub trait Repository {
    /// Paths relative to the root, with `/`, in order; not of what git ignores, and not at any depth.
    fn files(&self) -> &[String];
    /// The text of a file.
    ///
    /// # Errors
    /// Why it cannot be read: a few words.
    fn text(&self, path: &str) -> Result<String, String>;
    /// Whether there is such a folder. The empty path is the root.
    fn has_folder(&self, path: &str) -> bool;
}

/// A repository on disk.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
    files: Vec<String>,
}

impl Disk {
    /// `services/group/member` is the deepest folder that is usual for a project.
    const NEAR: usize = 3;
    /// What a project is made of lies deeper: `cmd/api/main.go`, `src/bin/api.rs`.
    const FAR: usize = 6;
    /// More files are not listed; those that are near come first.
    const ENOUGH: usize = 50_000;
    /// Larger files were not written by hand.
    const LARGEST: u64 = 1 << 20;
    /// Its folder is hidden, and holds nothing else that says what is run here.
    const DEVCONTAINER: [&str; 2] = [".devcontainer", "devcontainer.json"];
    /// What holds a developer's own values is usually ignored by git, and part of a project all the same.
    const PERSONAL: [&str; 3] = [".env", ".overmind.env", ".foreman"];

    /// Lists the files below a folder that git does not ignore. What cannot be listed is left out.
    pub fn list(root: &Path) -> Self {
        // Level by level, by name within each.
        let mut files: BTreeSet<(usize, Vec<String>)> = BTreeSet::new();
        for folders in [Self::NEAR, Self::FAR] {
            for entry in walk(root, folders + 1) {
                if files.len() >= Self::ENOUGH {
                    break;
                }
                let Some(parts) = parts_below(root, entry.path()) else { continue };
                if !entry.file_type().is_some_and(|kind| kind.is_dir()) {
                    files.insert((parts.len(), parts));
                } else if entry.depth() <= folders {
                    let there = Self::PERSONAL.iter().filter(|name| entry.path().join(name).is_file());
                    let below = there.map(|name| parts.iter().cloned().chain([(*name).to_owned()]).collect());
                    files.extend(below.map(|parts: Vec<_>| (parts.len(), parts)));
                }
            }
        }
        if root.join(Self::DEVCONTAINER.join("/")).is_file() {
            files.insert((Self::DEVCONTAINER.len(), Self::DEVCONTAINER.map(str::to_owned).to_vec()));
        }
        Self { root: root.to_owned(), files: files.into_iter().map(|(_, parts)| parts.join("/")).collect() }
    }
}

/// All that git and `.ignore` do not ignore, the folder itself first. Links to folders may lead in circles: they are
/// listed and not followed.
fn walk(root: &Path, depth: usize) -> impl Iterator<Item = DirEntry> {
    let interesting = |entry: &DirEntry| {
        let is_folder = entry.depth() > 0 && entry.file_type().is_some_and(|kind| kind.is_dir());
        !(is_folder && entry.file_name().to_str().is_none_or(is_uninteresting))
    };
    let mut builder = WalkBuilder::new(root);
    // Files that begin with a dot count: `.air.toml`. The user's own excludes are relative to the root.
    builder.hidden(false).current_dir(root).max_depth(Some(depth)).filter_entry(interesting);
    builder.build().flatten()
}

/// The names on the way from the root to a path; `None` if one of them is no text.
fn parts_below(root: &Path, path: &Path) -> Option<Vec<String>> {
    let below = path.strip_prefix(root).ok()?;
    below.iter().map(|part| part.to_str().map(str::to_owned)).collect()
}

/// Folders that hold nothing of one's own.
fn is_uninteresting(name: &str) -> bool {
    const NAMES: [&str; 10] =
        ["node_modules", "target", "vendor", "dist", "build", "venv", "__pycache__", "deps", "_build", "coverage"];
    name.starts_with('.') || NAMES.contains(&name)
}

impl Repository for Disk {
    fn files(&self) -> &[String] {
        &self.files
    }

    fn text(&self, path: &str) -> Result<String, String> {
        let path = self.root.join(path);
        // A pipe may never end.
        if !fs::metadata(&path).map_err(|error| error.to_string())?.is_file() {
            return Err("not a file".into());
        }
        // Whoever made the folder would choose which file of the user's own is copied into a new one.
        let is_outside = |target: PathBuf| fs::canonicalize(&self.root).is_ok_and(|root| !target.starts_with(root));
        if path.is_symlink() && fs::canonicalize(&path).is_ok_and(is_outside) {
            return Err("a link that leads out of this folder".into());
        }
        let mut bytes = Vec::new();
        let read = open_regular(&path).and_then(|(file, _)| file.take(Self::LARGEST + 1).read_to_end(&mut bytes));
        read.map_err(|error| error.to_string())?;
        if bytes.len() as u64 > Self::LARGEST {
            return Err("larger than 1 MiB".into());
        }
        let text = String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
        Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
    }

    fn has_folder(&self, path: &str) -> bool {
        self.root.join(path).is_dir()
    }
}
