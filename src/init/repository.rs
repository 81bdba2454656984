//! What is asked of a repository: which files are there, and what some of them say.

use std::collections::VecDeque;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::regular_file::open_regular;

/// The files of a repository, as far as they tell what it runs.
pub trait Repository {
    /// Paths relative to the root, with `/`, in order; not of ignored trees, and not at any depth.
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
    /// Deeper folders are not looked into: `packages/group/member` is the deepest that is usual.
    const DEPTH: usize = 4;
    /// More files are not listed.
    const ENOUGH: usize = 50_000;
    /// Larger files were not written by hand.
    const LARGEST: u64 = 1 << 20;

    /// Lists the files below a folder. What cannot be listed is left out.
    pub fn list(root: &Path) -> Self {
        let mut files = Vec::new();
        let mut open = VecDeque::from([(root.to_owned(), String::new(), 0)]);
        while let Some((folder, prefix, depth)) = open.pop_front() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            let mut entries: Vec<_> = entries.flatten().collect();
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else { continue };
                let path = format!("{prefix}{name}");
                // Links to folders may lead in circles.
                if kind.is_dir() {
                    if depth < Self::DEPTH && !is_uninteresting(&name) {
                        open.push_back((entry.path(), format!("{path}/"), depth + 1));
                    }
                } else if files.len() < Self::ENOUGH {
                    files.push(path);
                }
            }
        }
        Self { root: root.to_owned(), files }
    }
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
            return Err("it is not a file".into());
        }
        let mut bytes = Vec::new();
        let read = open_regular(&path).and_then(|(file, _)| file.take(Self::LARGEST + 1).read_to_end(&mut bytes));
        read.map_err(|error| error.to_string())?;
        if bytes.len() as u64 > Self::LARGEST {
            return Err("it is larger than 1 MiB".into());
        }
        let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
    }

    fn has_folder(&self, path: &str) -> bool {
        self.root.join(path).is_dir()
    }
}
