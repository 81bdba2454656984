//! The few git settings that affect what is ignored, read from git's configuration files without running git.
//!
//! Syntax, file order and the conditions of `includeIf` follow <https://git-scm.com/docs/git-config>, except that
//! `hasconfig` is not supported and never holds.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::git::{is_absence, not_read};
use crate::regular_file::read_regular;

/// The settings of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct GitConfig {
    /// `core.excludesFile`, as it is to be opened.
    pub(super) excludes_file: Option<PathBuf>,
    /// What `core.ignoreCase` says: patterns match names in any case.
    pub(super) ignores_case: bool,
    /// `extensions.objectFormat` is `sha256`.
    pub(super) sha256: bool,
    /// Its files that are there and are not read, and why: a sentence each.
    pub(super) unread: Vec<String>,
}

/// Where git looks, and what conditions are about.
pub(super) struct Places<'a> {
    /// The folder of the worktree's own files.
    pub(super) git_dir: &'a Path,
    /// What worktrees share.
    pub(super) common_dir: &'a Path,
    /// The folder that the tree begins at: what relative paths in values begin at.
    pub(super) top: &'a Path,
}

/// Files that include files that include files …: git ends at ten as well.
const DEEPEST: usize = 10;
/// Files in all. One that includes itself a hundred times would be read 10^20 times by depth alone.
const MOST: usize = 200;
/// Files above this are no configuration.
const LONGEST: u64 = 1 << 20;

impl GitConfig {
    /// Reads the system's, the user's and the repository's files; later ones win.
    pub(super) fn read(places: &Places<'_>) -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let mut reading = Reading { places, values: HashMap::new(), left: MOST, unread: Vec::new() };
        let no_system = variable("GIT_CONFIG_NOSYSTEM").is_some_and(|value| is_true(&value.to_string_lossy()));
        if !no_system {
            let system = variable("GIT_CONFIG_SYSTEM").map_or_else(|| PathBuf::from("/etc/gitconfig"), PathBuf::from);
            reading.file(&system, 0);
        }
        match variable("GIT_CONFIG_GLOBAL") {
            Some(global) => reading.file(Path::new(&global), 0),
            None => {
                if let Some(folder) = user_folder() {
                    reading.file(&folder.join("config"), 0);
                }
                if let Some(home) = std::env::home_dir() {
                    reading.file(&home.join(".gitconfig"), 0);
                }
            }
        }
        reading.file(&places.common_dir.join("config"), 0);
        if reading.is_on("extensions.worktreeconfig") {
            reading.file(&places.git_dir.join("config.worktree"), 0);
        }
        Self {
            excludes_file: match reading.values.get("core.excludesfile") {
                // An empty value is none at all.
                Some(value) if value.is_empty() => None,
                Some(value) => Some(places.top.join(expand_home(value))),
                None => user_folder().map(|folder| folder.join("ignore")),
            },
            ignores_case: reading.is_on("core.ignorecase"),
            sha256: reading.values.get("extensions.objectformat").is_some_and(|value| value == "sha256"),
            unread: reading.unread,
        }
    }
}

/// `$XDG_CONFIG_HOME/git`, or `~/.config/git`.
fn user_folder() -> Option<PathBuf> {
    let xdg = std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    Some(xdg.or_else(|| Some(std::env::home_dir()?.join(".config")))?.join("git"))
}

struct Reading<'a> {
    places: &'a Places<'a>,
    /// By `section.key`, in lower case; of keys in subsections only those of includes are looked at.
    values: HashMap<String, String>,
    /// So many files may still be read.
    left: usize,
    unread: Vec<String>,
}

impl Reading<'_> {
    fn is_on(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|value| is_true(value))
    }

    fn file(&mut self, file: &Path, depth: usize) {
        let Some(left) = self.left.checked_sub(1) else { return };
        self.left = left;
        let bytes = match read_regular(file, LONGEST) {
            Ok(bytes) => bytes,
            Err(error) => {
                // Git passes over what may not be read in the places of the user and the system as well.
                if !is_absence(&error) && error.kind() != io::ErrorKind::PermissionDenied {
                    self.unread.push(not_read(file, error));
                }
                return;
            }
        };
        let text = String::from_utf8_lossy(&bytes);
        for Setting { section, subsection, key, value } in settings(&text) {
            match (section.as_str(), subsection) {
                ("include", None) if key == "path" => self.include(&value, file, depth),
                ("includeif", Some(condition)) if key == "path" && self.holds(&condition, file) => {
                    self.include(&value, file, depth);
                }
                (_, None) => {
                    self.values.insert(format!("{section}.{key}"), value);
                }
                (_, Some(_)) => {}
            }
        }
    }

    fn include(&mut self, value: &str, from: &Path, depth: usize) {
        if depth < DEEPEST {
            let named = expand_home(value);
            let file = from.parent().map_or_else(|| named.clone(), |folder| folder.join(&named));
            self.file(&file, depth + 1);
        }
    }

    /// Whether the condition of an `includeIf` holds.
    fn holds(&self, condition: &str, file: &Path) -> bool {
        let Some((kind, pattern)) = condition.split_once(':') else { return false };
        match kind {
            "gitdir" | "gitdir/i" => {
                let mut pattern = match pattern.strip_prefix("./") {
                    Some(rest) => file.parent().unwrap_or(Path::new("")).join(rest).to_string_lossy().into_owned(),
                    None => expand_home(pattern).to_string_lossy().into_owned(),
                };
                if !pattern.starts_with('/') {
                    pattern = format!("**/{pattern}");
                }
                let real = fs::canonicalize(self.places.git_dir);
                let folders = [Some(self.places.git_dir.to_path_buf()), real.ok()];
                folders
                    .iter()
                    .flatten()
                    .any(|folder| glob_matches(&pattern, &folder.to_string_lossy(), kind == "gitdir/i"))
            }
            "onbranch" => {
                let head = super::git::text_of(&self.places.git_dir.join("HEAD")).ok().flatten().unwrap_or_default();
                let branch = head.trim().strip_prefix("ref: refs/heads/").unwrap_or_default();
                !branch.is_empty() && glob_matches(pattern, branch, false)
            }
            _ => false,
        }
    }
}

/// A pattern of a condition: one that ends in a slash means everything below.
fn glob_matches(pattern: &str, text: &str, any_case: bool) -> bool {
    let whole = if pattern.ends_with('/') { format!("{pattern}**") } else { pattern.to_owned() };
    super::rules::glob_matches(whole.as_bytes(), text.as_bytes(), any_case)
}

fn expand_home(value: &str) -> PathBuf {
    match value.strip_prefix("~/").zip(std::env::home_dir()) {
        Some((rest, home)) => home.join(rest),
        None => PathBuf::from(value),
    }
}

fn is_true(value: &str) -> bool {
    ["true", "yes", "on"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
        || value.parse::<i64>().is_ok_and(|number| number != 0)
}

/// `key = value` in a section. Section and key are in lower case, the subsection as it is.
#[derive(Debug, PartialEq, Eq)]
struct Setting {
    section: String,
    subsection: Option<String>,
    key: String,
    value: String,
}

/// The settings of a file in order. A line that is not understood is passed over; git would refuse the file.
fn settings(text: &str) -> Vec<Setting> {
    let mut found = Vec::new();
    let (mut section, mut subsection) = (String::new(), None);
    let mut rest = text.trim_start_matches('\u{feff}');
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return found;
        }
        if rest.starts_with(['#', ';']) {
            rest = after_line(rest);
        } else if let Some(after) = rest.strip_prefix('[') {
            match header(after) {
                Some((name, sub, after)) => (section, subsection, rest) = (name, sub, after),
                None => rest = after_line(rest),
            }
        } else {
            let end = rest.find(['=', '\n', '#', ';']).unwrap_or(rest.len());
            let (key, after) = rest.split_at(end);
            let (value, after) = match after.strip_prefix('=') {
                Some(after) => value(after),
                None => (String::from("true"), after_line(after)),
            };
            let key = key.trim().to_ascii_lowercase();
            found.push(Setting { section: section.clone(), subsection: subsection.clone(), key, value });
            rest = after;
        }
    }
}

fn after_line(text: &str) -> &str {
    text.split_once('\n').map_or("", |(_, after)| after)
}

/// What follows `[`: section, subsection, and the text behind the bracket.
fn header(text: &str) -> Option<(String, Option<String>, &str)> {
    let end = text.find(['"', ']', '\n'])?;
    let (name, rest) = text.split_at(end);
    let name = name.trim().to_ascii_lowercase();
    if let Some(rest) = rest.strip_prefix(']') {
        // The old way to write a subsection.
        return Some(match name.split_once('.') {
            Some((section, sub)) => (section.to_owned(), Some(sub.to_owned()), rest),
            None => (name, None, rest),
        });
    }
    let mut subsection = String::new();
    let mut chars = rest.strip_prefix('"')?.chars();
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => subsection.push(chars.next()?),
            '\n' => return None,
            other => subsection.push(other),
        }
    }
    let (between, rest) = chars.as_str().split_once(']')?;
    between.trim().is_empty().then_some((name, Some(subsection), rest))
}

/// What follows `=`: the value, and the text behind its line.
fn value(text: &str) -> (String, &str) {
    let mut value = String::new();
    // Without the spaces at the end that stand in no quotes.
    let mut kept = 0;
    let mut quoted = false;
    let mut chars = text.trim_start_matches([' ', '\t']).chars();
    loop {
        match chars.next() {
            None | Some('\n') => break,
            Some('#' | ';') if !quoted => {
                let rest = after_line(chars.as_str());
                value.truncate(kept);
                return (value, rest);
            }
            Some('"') => {
                quoted = !quoted;
                kept = value.len();
            }
            Some('\\') => {
                match chars.next() {
                    Some('n') => value.push('\n'),
                    Some('t') => value.push('\t'),
                    // The value goes on in the next line.
                    Some('\n') | None => {}
                    Some('\r') if chars.as_str().starts_with('\n') => {
                        chars.next();
                    }
                    Some(other) => value.push(other),
                }
                kept = value.len();
            }
            Some(other) => {
                value.push(other);
                if quoted || !other.is_whitespace() {
                    kept = value.len();
                }
            }
        }
    }
    value.truncate(kept);
    (value, chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value_of(text: &str, wanted: &str) -> Option<String> {
        let all = settings(text).into_iter().rev();
        let name = |one: &Setting| match &one.subsection {
            Some(sub) => format!("{}.{sub}.{}", one.section, one.key),
            None => format!("{}.{}", one.section, one.key),
        };
        all.into_iter().find(|one| name(one) == wanted).map(|one| one.value)
    }

    #[test]
    fn settings_are_read_as_git_writes_them() {
        let text = "[core]\n\trepositoryformatversion = 0\n\tignoreCase = true # yes\n\
            [user]\n\texcludesfile = /wrong\n[Core] excludesFile = \"/a b/c\" ; here\n\
            [includeIf \"gitdir:/x \\\"y/\"]\npath=p\\\n q  \r\n[a.b]bare\n";
        assert_eq!(value_of(text, "core.ignorecase").as_deref(), Some("true"));
        assert_eq!(value_of(text, "core.excludesfile").as_deref(), Some("/a b/c"));
        assert_eq!(value_of(text, "includeif.gitdir:/x \"y/.path").as_deref(), Some("p q"));
        assert_eq!(value_of(text, "a.b.bare").as_deref(), Some("true"));
        assert_eq!(settings("[core\nx = 1").len(), 1, "a broken header is passed over");
        assert!(settings("").is_empty());
    }

    #[test]
    fn files_that_include_each_other_many_times_come_to_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        fs::write(&config, "[include]\n".to_owned() + &"path = config\n".repeat(50) + "[core]\nignorecase = true\n")
            .unwrap();
        let places = Places { top: folder.path(), git_dir: folder.path(), common_dir: folder.path() };
        assert!(GitConfig::read(&places).ignores_case);
    }

    #[test]
    fn fuzz_of_git_s_configuration() {
        const SEEDS: [&[u8]; 5] = [
            b"[core]\n\trepositoryformatversion = 0\n\tignoreCase = true # yes\n\texcludesfile = \"/a b/c\" ; here\n",
            b"[includeIf \"gitdir:/x \\\"y/\"]\npath=p\\\n q  \r\n[a.b]bare\n",
            b"[include]\n\tpath = ~/x\n[extensions]\nobjectformat = sha256\nworktreeconfig\n",
            b"[alias]\n\tx = \"!f() { echo \\\"a\\\"; }; f\" \\\n  more\n",
            b"[core\nx = 1\n[\"\"]\n=\n[a \"b\\",
        ];
        crate::fuzz::run("git-config", 3_000, &SEEDS, |bytes| {
            let all = settings(&String::from_utf8_lossy(bytes));
            let size: usize = all.iter().map(|one| one.key.len() + one.value.len()).sum();
            // What is not UTF-8 is shown by three bytes.
            assert!(size <= 3 * bytes.len() + 4 * all.len(), "nothing is made of nothing");
            let shape =
                all.iter().map(|one| (one.section.len().min(3), one.subsection.is_some(), one.value.len().min(3)));
            shape.take(6).collect::<Vec<_>>()
        });
    }
}
