//! What devgroup ignores unless somebody says otherwise: the list of the guide, assets/guide/watch.md.

use std::path::Path;

use super::list::{PatternList, Written};
use crate::domain::RuleSource;

/// Patterns of one sort, and what the sort is called for people. Names that projects use for sources (`build`, `dist`,
/// `vendor`, `bin`, `out`, `Policy`) are not in it.
const BUILT_IN: [(&str, &[&str]); 6] = [
    (VERSION_CONTROL, &[".git", ".hg", ".jj", ".svn", ".git-rewrite/"]),
    (
        "dependency and build folders",
        &[
            "node_modules",
            "target/",
            ".venv/",
            "venv/",
            "__pycache__/",
            ".pytest_cache/",
            ".mypy_cache/",
            ".ruff_cache/",
            ".next/",
            ".nuxt/",
            ".turbo/",
            ".gradle/",
            ".terraform/",
            ".direnv/",
        ],
    ),
    ("editor swap files", &["*.swp", "*.swx", "4913", "*~", ".#*", "\\#*#"]),
    ("system and temporary files", &[".DS_Store", "*.tmp", "*.crdownload"]),
    (
        "browser profiles",
        &["chrome-debug-profile/", "GCM Store/", "Code Cache/", "GPUCache/", "ShaderCache/", "Crashpad/"],
    ),
    ("log files", &["*.log"]),
];

/// The sort of what git and its like keep for themselves.
pub(super) const VERSION_CONTROL: &str = "version control folders";

/// The same for patterns that mean no folder.
const BUILT_IN_FILES: [(&str, &[&str]); 1] =
    [("files that SQLite keeps beside a database", &["*-journal", "*-wal", "*-shm"])];

/// The list, for a root.
pub(super) fn list(root: &Path) -> PatternList {
    let lines = |sorts: &'static [(&'static str, &'static [&'static str])], only_files| {
        sorts.iter().flat_map(move |(sort, patterns)| {
            patterns.iter().map(move |pattern| {
                let pattern = pattern.as_bytes();
                Written { number: None, pattern, sort: Some(sort), only_files }
            })
        })
    };
    let lines = lines(&BUILT_IN, false).chain(lines(&BUILT_IN_FILES, true));
    PatternList::new(root, RuleSource::BuiltIn(""), false, lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_ignored_and_sources_are_not() {
        let list = list(Path::new("/r"));
        let ignored = [
            (".git", true),
            ("web/node_modules", true),
            ("target", true),
            ("src/.main.rs.swp", false),
            ("src/4913", false),
            ("src/main.rs~", false),
            ("src/.#main.rs", false),
            ("src/#main.rs#", false),
            ("a.log", false),
            ("profile/Code Cache", true),
            ("data/app.db-wal", false),
            ("data/app.db-shm", false),
            ("data/app.db-journal", false),
            (".git-rewrite", true),
        ];
        for (path, is_dir) in ignored {
            assert!(list.hit(&Path::new("/r").join(path), is_dir).is_some(), "{path}");
        }
        for (path, is_dir) in [
            ("build", true),
            ("src/Policy", true),
            ("target", false),
            ("#notes", false),
            ("data/app.db", false),
            ("crates/read-wal", true),
        ] {
            assert!(list.hit(&Path::new("/r").join(path), is_dir).is_none(), "{path}");
        }
    }
}
