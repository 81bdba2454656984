//! Finds the files of a repository that the watcher needs. It reads git's own files and never runs git.
//!
//! Layout: <https://git-scm.com/docs/gitrepository-layout>. In a linked worktree and in a submodule, `.git` is a file
//! that names the real folder, and `commondir` there names the folder that the worktrees share.

use std::fmt;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::git_config::{GitConfig, Places};
use super::rules::normal;
use crate::domain::{visible, visible_path};
use crate::regular_file::{open_regular, read_regular_text};

/// A repository's folders and the few settings that change what is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repository {
    /// The folder that its tree begins at.
    pub(super) top: PathBuf,
    /// Holds `HEAD` and `index` of this worktree.
    pub(super) git_dir: PathBuf,
    /// Holds what all worktrees share: `config`, `info`, `refs`.
    pub(super) common_dir: PathBuf,
    /// What `core.ignoreCase` says: patterns match names in any case.
    pub(super) ignores_case: bool,
    /// Hashes have 32 bytes.
    pub(super) sha256: bool,
    /// `core.excludesFile`, or the user's ignore file.
    excludes_file: Option<PathBuf>,
    /// Its files that are there and are not read, and why: a sentence each.
    pub(super) unread: Vec<String>,
}

impl Repository {
    /// The repository whose tree begins at `folder`.
    pub(super) fn at(folder: &Path) -> Option<Self> {
        Self::read(folder).ok().flatten()
    }

    /// The same.
    ///
    /// # Errors
    /// That there is one that cannot be read, and why, in a sentence.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, String> {
        let Some(git_dir) = git_dir_of(folder)? else { return Ok(None) };
        let mut unread = Vec::new();
        let common = text_of(&git_dir.join("commondir")).unwrap_or_else(|problem| {
            unread.push(problem);
            None
        });
        let common_dir = common.map_or_else(|| git_dir.clone(), |text| normal(&git_dir.join(text.trim())));
        // An empty folder called `.git` is none, and git does not take anything but a file.
        let head = git_dir.join("HEAD");
        match open_regular(&head) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(format!("cannot read {}: {error}: git's rules do not apply", visible_path(&head)));
            }
        }
        let places = Places { git_dir: &git_dir, common_dir: &common_dir, top: folder };
        let config = GitConfig::read(&places);
        unread.extend(config.unread);
        unread.extend(unreadable(&common_dir.join("packed-refs"), "the commit is not shown"));
        unread.extend(unreadable(&git_dir.join("logs").join("HEAD"), "git's operations are not named"));
        Ok(Some(Self {
            top: folder.to_path_buf(),
            ignores_case: config.ignores_case,
            sha256: config.sha256,
            excludes_file: config.excludes_file,
            git_dir,
            common_dir,
            unread,
        }))
    }

    /// Where git keeps the rules of this copy: `info/exclude`.
    pub(super) fn exclude_file(&self) -> PathBuf {
        self.common_dir.join("info").join("exclude")
    }

    /// The user's ignore file: `core.excludesFile` of the repository, else of the user, else `$XDG_CONFIG_HOME/git/ignore`.
    pub(super) fn global_excludes(&self) -> Option<&Path> {
        self.excludes_file.as_deref()
    }

    /// The folders whose events can mean a new head, besides those of the tree.
    pub(super) fn head_folders(&self) -> [PathBuf; 2] {
        // The log is written with every movement of the head, also by a fast-forward, which leaves `HEAD` alone.
        [self.git_dir.clone(), self.git_dir.join("logs")]
    }

    /// Branch and short commit: `main@3f2c1e`; the commit alone with a detached head, the branch alone before the first
    /// commit. `None` if it is kept in another way (reftable).
    ///
    /// # Errors
    /// That a file is not read, and why, in a sentence.
    pub(super) fn head(&self) -> Result<Option<String>, String> {
        let Some(head) = text_of(&self.git_dir.join("HEAD"))? else { return Ok(None) };
        let Some(reference) = head.trim().strip_prefix("ref:").map(str::trim) else {
            return Ok(short(head.trim()).map(str::to_owned));
        };
        let branch = reference.strip_prefix("refs/heads/").unwrap_or(reference);
        if branch == ".invalid" {
            return Ok(None);
        }
        Ok(match self.commit_of(reference)? {
            Some(commit) => short(&commit).map(|commit| format!("{branch}@{commit}")),
            None => Some(branch.to_owned()),
        })
    }

    /// What the last line of a log of the head says that was done: `checkout: moving from main to feat`. `None` if it says
    /// nothing, or is longer than any that is meant for people.
    pub(super) fn last_action(git_dir: &Path) -> Option<Arc<str>> {
        let (mut log, _) = open_regular(&git_dir.join("logs").join("HEAD")).ok()?;
        let end = log.seek(SeekFrom::End(0)).ok()?;
        log.seek(SeekFrom::Start(end.saturating_sub(LONGEST_LINE))).ok()?;
        let mut bytes = Vec::new();
        log.take(LONGEST_LINE).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        // Old and new commit, who and when, a tab, and what.
        let (_, action) = text.trim_end().rsplit('\n').next()?.split_once('\t')?;
        let action: String = visible(action.trim()).chars().take(LONGEST_ACTION).collect();
        (!action.is_empty()).then(|| action.into())
    }

    fn commit_of(&self, reference: &str) -> Result<Option<String>, String> {
        for folder in [&self.git_dir, &self.common_dir] {
            if let Some(text) = text_of(&folder.join(reference))? {
                return Ok(Some(text.trim().to_owned()));
            }
        }
        // That it is no file was said when the repository was loaded.
        let packed = read_regular_text(&self.common_dir.join("packed-refs"), MOST_REFS).unwrap_or_default();
        Ok(packed.lines().find_map(|line| {
            let (commit, name) = line.split_once(' ')?;
            (name == reference).then(|| commit.to_owned())
        }))
    }
}

/// The branch that is checked out where this folder is; the short commit with a detached head. `None` outside of a
/// repository, and where it cannot be read.
pub fn branch_of(folder: &Path) -> Option<String> {
    let git_dir = folder
        .ancestors()
        .find_map(|folder| git_dir_of(folder).ok()?.filter(|git_dir| git_dir.join("HEAD").exists()))?;
    let head = text_of(&git_dir.join("HEAD")).ok()??;
    match head.trim().strip_prefix("ref:").map(str::trim) {
        // Kept in another way (reftable).
        Some("refs/heads/.invalid") => None,
        Some(reference) => Some(reference.strip_prefix("refs/heads/").unwrap_or(reference).to_owned()),
        None => short(head.trim()).map(str::to_owned),
    }
}

/// The folder that holds `HEAD`: `.git`, or the one that a file `.git` names.
///
/// # Errors
/// That `.git` is something else, in a sentence.
fn git_dir_of(folder: &Path) -> Result<Option<PathBuf>, String> {
    let dot_git = folder.join(".git");
    let rules = |problem| format!("{problem}: git's rules do not apply");
    match fs::metadata(&dot_git) {
        Ok(kind) if kind.is_dir() => return Ok(Some(dot_git)),
        Ok(_) => {}
        // A folder above that we may not look into.
        Err(error) if is_absence(&error) || error.kind() == io::ErrorKind::PermissionDenied => return Ok(None),
        Err(error) => return Err(rules(not_read(&dot_git, error))),
    }
    let Some(text) = text_of(&dot_git).map_err(rules)? else { return Ok(None) };
    match text.strip_prefix("gitdir:") {
        Some(named) => Ok(Some(normal(&folder.join(named.trim())))),
        None => Err(rules(not_read(&dot_git, "it names no folder (gitdir: …)"))),
    }
}

/// A small file of a repository; `None` if it is not there.
///
/// # Errors
/// That it is not read, and why, in a sentence.
pub(super) fn text_of(file: &Path) -> Result<Option<String>, String> {
    match read_regular_text(file, LONGEST) {
        Ok(text) => Ok(Some(text)),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(not_read(file, error)),
    }
}

/// That a file is there and cannot be read as one, and what is lost by that.
fn unreadable(file: &Path, lost: &str) -> Option<String> {
    let error = open_regular(file).err().filter(|error| !is_absence(error))?;
    Some(format!("{}: {lost}", not_read(file, error)))
}

/// Nothing is there.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The sentence that says so.
pub(super) fn not_read(file: &Path, why: impl fmt::Display) -> String {
    format!("cannot read {}: {why}", visible_path(file))
}

/// Files that hold one line are never so long.
const LONGEST: u64 = 64 << 10;
/// A million references.
const MOST_REFS: u64 = 128 << 20;
/// Bytes of a log that are read from its end.
const LONGEST_LINE: u64 = 4096;
/// Characters of an action that are told: branch names can be long, messages of commits are.
const LONGEST_ACTION: usize = 100;

/// Hexadecimal digits of a commit that are shown.
const SHORT: usize = 6;

fn short(commit: &str) -> Option<&str> {
    commit.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| commit.get(..SHORT)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_read_from_loose_and_packed_refs_and_when_detached() {
        let folder = tempfile::tempdir().expect("a folder");
        let git = folder.path().join(".git");
        fs::create_dir_all(git.join("refs/heads")).expect("made");
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").expect("written");
        let repository = Repository::at(folder.path()).expect("a repository");
        assert_eq!(repository.head().unwrap().as_deref(), Some("main"));
        fs::write(git.join("packed-refs"), "# pack-refs\n0123456789abcdef refs/heads/main\n").expect("written");
        assert_eq!(repository.head().unwrap().as_deref(), Some("main@012345"));
        fs::write(git.join("refs/heads/main"), "fedcba9876543210\n").expect("written");
        assert_eq!(repository.head().unwrap().as_deref(), Some("main@fedcba"));
        fs::write(git.join("HEAD"), "aaaaaaaabbbb\n").expect("written");
        assert_eq!(repository.head().unwrap().as_deref(), Some("aaaaaa"));
        fs::write(git.join("HEAD"), "ref: refs/heads/.invalid\n").expect("written");
        assert_eq!(repository.head(), Ok(None));
    }

    #[test]
    fn worktrees_and_submodules_are_found_through_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let main = folder.path().join("main/.git");
        let own = main.join("worktrees/side");
        let tree = folder.path().join("side");
        fs::create_dir_all(&own).expect("made");
        fs::create_dir_all(&tree).expect("made");
        fs::write(tree.join(".git"), format!("gitdir: {}\n", own.display())).expect("written");
        fs::write(own.join("commondir"), "../..\n").expect("written");
        fs::write(own.join("HEAD"), "ref: refs/heads/side\n").expect("written");
        let repository = Repository::at(&tree).expect("a repository");
        assert_eq!(repository.git_dir, own);
        fs::create_dir(tree.join("src")).expect("made");
        assert_eq!(branch_of(&tree.join("src")).as_deref(), Some("side"));
        assert_eq!(branch_of(folder.path()), None);
        fs::write(own.join("HEAD"), "aaaaaaaabbbb\n").expect("written");
        assert_eq!(branch_of(&tree).as_deref(), Some("aaaaaa"));
        assert_eq!(fs::canonicalize(&repository.common_dir).ok(), fs::canonicalize(&main).ok());
        assert!(Repository::at(folder.path()).is_none());
    }
}
