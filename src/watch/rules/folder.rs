//! The rule files of one folder: `.gitignore`, `.ignore`, and what a repository that begins there brings along.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::list::{PatternList, Written};
use crate::domain::RuleSource;
use crate::watch::git::Repository;

/// What a folder says about what is below it.
#[derive(Debug, Default)]
pub(super) struct FolderRules {
    pub(super) gitignore: Option<PatternList>,
    /// `.ignore`, which ripgrep and its family read. It wins over git's.
    pub(super) ignore: Option<PatternList>,
    /// A repository begins here: git's rules of folders above end.
    pub(super) repository: Option<RepositoryRules>,
}

/// The rules of a repository that stand in no folder of its tree.
#[derive(Debug)]
pub(super) struct RepositoryRules {
    pub(super) repository: Repository,
    /// `info/exclude`.
    pub(super) exclude: Option<PatternList>,
    /// `core.excludesFile`.
    pub(super) global: Option<PatternList>,
}

impl FolderRules {
    /// Reads the rule files of `folder`. `any_case` is `core.ignoreCase` of the repository around it.
    pub(super) fn read(folder: &Path, root: &Path, any_case: bool) -> Self {
        let repository = Repository::at(folder).map(|repository| {
            let any_case = repository.ignores_case;
            let exclude = read_list(&repository.exclude_file(), folder, root, any_case);
            let global = repository.global_excludes().and_then(|file| read_list(&file, folder, root, any_case));
            RepositoryRules { repository, exclude, global }
        });
        let any_case = repository.as_ref().map_or(any_case, |rules| rules.repository.ignores_case);
        Self {
            gitignore: read_list(&folder.join(".gitignore"), folder, root, any_case),
            ignore: read_list(&folder.join(".ignore"), folder, root, any_case),
            repository,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.gitignore.is_none() && self.ignore.is_none() && self.repository.is_none()
    }
}

/// Longer rule files are cut: compiling the patterns of a file that was never meant as one would take for ever.
const LONGEST: u64 = 1 << 20;

/// Reads a rule file. `None` if it does not exist or holds no pattern.
fn read_list(file: &Path, base: &Path, root: &Path, any_case: bool) -> Option<PatternList> {
    let bytes = match read_start(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            log::warn!("{}: not read: {error}", file.display());
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines = text.split('\n').zip(1..).map(|(pattern, n)| Written { number: Some(n), pattern, shown: None });
    let source = RuleSource::IgnoreFile(file.strip_prefix(root).map_or_else(|_| file.to_path_buf(), PathBuf::from));
    Some(PatternList::new(base, source, any_case, lines)).filter(|list| !list.is_empty())
}

fn read_start(file: &Path) -> io::Result<Vec<u8>> {
    // A named pipe would block when it is opened.
    if !std::fs::metadata(file)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    let mut bytes = Vec::new();
    File::open(file)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
