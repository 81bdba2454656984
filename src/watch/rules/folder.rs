//! The rule files of one folder: `.gitignore`, `.ignore`, and what a repository that begins there brings along.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::list::{PatternList, Written};
use super::tracked::Tracked;
use crate::domain::{RuleSource, visible_path};
use crate::regular_file::{open_regular, open_regular_and_no_link};
use crate::watch::git::{Repository, not_read};

/// What a folder says about what is below it.
#[derive(Debug, Default)]
pub(super) struct FolderRules {
    pub(super) gitignore: Option<PatternList>,
    /// `.ignore`, which ripgrep and its family read. It wins over git's.
    pub(super) ignore: Option<PatternList>,
    /// A repository begins here: git's rules of folders above end.
    pub(super) repository: Option<RepositoryRules>,
    /// Those of these files that are there and are not read, and why: a sentence each.
    pub(super) unread: Vec<String>,
}

/// The rules of a repository that stand in no folder of its tree.
#[derive(Debug)]
pub(super) struct RepositoryRules {
    pub(super) repository: Repository,
    /// The rules of this copy, from `info/exclude`.
    pub(super) exclude: Option<PatternList>,
    /// The rules of the user, from the file of `core.excludesFile`.
    pub(super) global: Option<PatternList>,
    /// What git tracks: no pattern of git's takes it out.
    pub(super) tracked: Arc<Tracked>,
}

impl FolderRules {
    /// Reads the rule files of `folder`. `any_case` is `core.ignoreCase` of the repository around it; `before` is what is
    /// known of the folder, whose list of tracked files is kept if nothing has changed in it.
    pub(super) fn read(folder: &Path, root: &Path, any_case: bool, before: Option<&Self>) -> Self {
        let mut unread = Vec::new();
        let repository = Repository::read(folder).unwrap_or_else(|problem| {
            unread.push(problem);
            None
        });
        let mut list = |file: &Path, any_case, links| {
            read_list(file, folder, root, any_case, links).unwrap_or_else(|problem| {
                unread.push(problem);
                None
            })
        };
        let repository = repository.map(|repository| {
            let any_case = repository.ignores_case;
            let mut list = |file: &Path| list(file, any_case, Links::Followed);
            let exclude = list(&repository.exclude_file());
            let global = repository.global_excludes().and_then(list);
            let before = before.and_then(|before| Some(&before.repository.as_ref()?.tracked));
            let tracked = Tracked::read(&repository.git_dir, repository.sha256, before);
            RepositoryRules { repository, exclude, global, tracked }
        });
        let any_case = repository.as_ref().map_or(any_case, |rules| rules.repository.ignores_case);
        let gitignore = list(&folder.join(".gitignore"), any_case, Links::Refused);
        let ignore = list(&folder.join(".ignore"), any_case, Links::Followed);
        if let Some(RepositoryRules { repository, tracked, .. }) = &repository {
            unread.extend(repository.unread.iter().chain(&tracked.problem).cloned());
        }
        // Each is said once, and again when it comes back.
        for problem in unread.iter().filter(|problem| before.is_none_or(|before| !before.unread.contains(problem))) {
            log::warn!("{problem}");
        }
        Self { gitignore, ignore, repository, unread }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.gitignore.is_none() && self.ignore.is_none() && self.repository.is_none() && self.unread.is_empty()
    }
}

/// What a rule file that is a link means. Git follows none in the tree, so that whoever makes a repository cannot have
/// other files read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Links {
    Followed,
    Refused,
}

/// Longer rule files are cut after the last whole line: they were never meant as one. Git's own limit is 100 MiB.
const LONGEST: usize = 1 << 20;

/// Reads a rule file. `None` if it does not exist or holds no pattern.
///
/// # Errors
/// That it is not read, and why, in a sentence.
fn read_list(
    file: &Path,
    base: &Path,
    root: &Path,
    any_case: bool,
    links: Links,
) -> Result<Option<PatternList>, String> {
    let bytes = match read_start(file, links) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(not_read(file, error)),
    };
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    let lines = text.split(|byte| *byte == b'\n').zip(1..);
    let lines = lines.map(|(pattern, n)| Written { number: Some(n), pattern, sort: None, only_files: false });
    let source = RuleSource::IgnoreFile(file.strip_prefix(root).map_or_else(|_| file.to_path_buf(), PathBuf::from));
    Ok(Some(PatternList::new(base, source, any_case, lines)).filter(|list| !list.is_empty()))
}

fn read_start(file: &Path, links: Links) -> io::Result<Vec<u8>> {
    let (opened, _) = match links {
        Links::Followed => open_regular(file)?,
        Links::Refused => open_regular_and_no_link(file)?,
    };
    let mut bytes = Vec::new();
    opened.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > LONGEST {
        bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or_default());
        log::warn!("{}: only the first MiB is read", visible_path(file));
    }
    Ok(bytes)
}
