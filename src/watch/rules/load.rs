//! Learning the rules that stand in files: which are read, when they are read again, and what must be watched for that.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::folder::{FolderRules, RepositoryRules};
use super::{Rules, below, scope};
use crate::watch::git::Repository;

impl Rules {
    /// Takes over what another group of rules has loaded about folders. Only sensible for the same root.
    pub(in crate::watch) fn load_from(&mut self, other: Self) {
        (self.folders, self.outside) = (other.folders, other.outside);
        self.git_folders = other.git_folders;
    }

    /// Reads the rule files of a folder, again if they were known. Whether there are any now, or were.
    pub(in crate::watch) fn load(&mut self, folder: &Path) -> bool {
        let any_case = folder
            .ancestors()
            .skip(1)
            .find_map(|above| self.folders.get(above)?.repository.as_ref())
            .is_some_and(|rules| rules.repository.ignores_case);
        let before = self.folders.get(folder).cloned();
        let rules = FolderRules::read(folder, &self.root, any_case, before.as_deref());
        let has_repository = rules.repository.is_some();
        let is_empty = rules.is_empty();
        if is_empty {
            self.folders.remove(folder);
        } else {
            self.folders.insert(folder.to_path_buf(), Arc::new(rules));
        }
        if has_repository || before.as_ref().is_some_and(|before| before.repository.is_some()) {
            self.list_outside();
        }
        before.is_some() || !is_empty
    }

    fn list_outside(&mut self) {
        self.outside.clear();
        self.git_folders.clear();
        for rules in self.folders.values() {
            let Some(RepositoryRules { repository, .. }) = &rules.repository else { continue };
            for folder in [&repository.git_dir, &repository.common_dir] {
                // Most are in a folder that is ignored by its name.
                let is_named = folder.components().all(|name| name.as_os_str() != ".git");
                if is_named && !self.git_folders.contains(folder) {
                    self.git_folders.push(folder.clone());
                }
            }
            for file in rule_files(repository) {
                self.outside.entry(file).or_default().push(repository.top.clone());
            }
        }
    }

    /// Whether a folder is one of git's own, or in one, that a file `.git` names: it holds no sources.
    pub(in crate::watch) fn is_gits(&self, folder: &Path) -> bool {
        self.git_folders.iter().any(|git_folder| below(folder, git_folder).is_some())
    }

    /// The folders of git that are named so.
    pub(in crate::watch) fn git_folders(&self) -> &[PathBuf] {
        &self.git_folders
    }

    /// Learns the root's folder again. Whether there are rules in it.
    pub(in crate::watch) fn load_root(&mut self) -> bool {
        let root = self.root.clone();
        self.load(&root)
    }

    /// Forgets the rule files of a folder that is gone.
    pub(in crate::watch) fn forget(&mut self, folder: &Path) {
        if self.folders.remove(folder).is_some_and(|rules| rules.repository.is_some()) {
            self.list_outside();
        }
    }

    /// Learns the folders from the top of the repository down to where a walk begins. Reads rule files.
    pub(in crate::watch) fn load_above(&mut self, start: &Path) {
        let top = start.ancestors().find(|folder| Repository::at(folder).is_some()).unwrap_or(start);
        let mut folders: Vec<_> = start.ancestors().take_while(|folder| folder.starts_with(top)).collect();
        folders.reverse();
        for folder in folders {
            self.load(folder);
        }
    }

    /// Learns all folders down to a path: what [`Rules::decide`] needs to know when nothing has walked the tree.
    /// Reads rule files.
    pub fn load_towards(&mut self, path: &Path) {
        let path = scope::normal(&self.root.join(path));
        let start = self.start_of(&path);
        self.load_above(&start);
        let Some(folders) = path.strip_prefix(&start).ok().and_then(Path::parent) else { return };
        let mut folder = start.clone();
        for name in folders.components() {
            folder.push(name);
            self.load(&folder);
        }
    }

    /// The repositories, by their top folders, that a file outside of their trees holds rules for: their index,
    /// `info/exclude`, `core.excludesFile`, their configuration.
    pub(in crate::watch) fn ruled_by(&self, file: &Path) -> &[PathBuf] {
        self.outside.get(file).map_or(&[], Vec::as_slice)
    }

    /// The folders whose events tell that such files have changed.
    pub(in crate::watch) fn folders_of_rules(&self) -> impl Iterator<Item = &Path> {
        self.outside.keys().filter_map(|file| file.parent())
    }

    /// Reads the index of a repository again, if it has changed. Whether other files are tracked now, so that other
    /// folders may be wanted.
    pub(in crate::watch) fn load_index(&mut self, top: &Path) -> bool {
        let Some(before) = self.folders.get(top).cloned() else { return false };
        self.load(top);
        let tracked = |rules: &FolderRules| rules.repository.as_ref().map(|rules| Arc::clone(&rules.tracked));
        match (tracked(&before), self.folders.get(top).and_then(|rules| tracked(rules))) {
            (Some(before), Some(now)) => !(Arc::ptr_eq(&before, &now) || before.is_same(&now)),
            (before, now) => before.is_some() != now.is_some(),
        }
    }

    /// Folders above `start` whose rule files matter in it.
    pub(in crate::watch) fn rule_folders_above<'a>(&'a self, start: &'a Path) -> impl Iterator<Item = &'a Path> {
        start.ancestors().skip(1).filter(|folder| self.folders.contains_key(*folder))
    }
}

/// The files outside of the tree that rule what is ignored in a repository, besides the user's configuration.
fn rule_files(repository: &Repository) -> impl Iterator<Item = PathBuf> {
    let own = [
        repository.exclude_file(),
        repository.common_dir.join("config"),
        repository.git_dir.join("config.worktree"),
        repository.git_dir.join("index"),
    ];
    own.into_iter().chain(repository.global_excludes().map(Path::to_path_buf))
}
