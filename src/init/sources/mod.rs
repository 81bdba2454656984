//! The kinds of sources: which files are of which kind, and in which order they are believed.

use super::Only;
use super::draft::Found;
use super::names::{below, file_name, folder_of};
use super::repository::Repository;
use super::yaml;

pub(super) mod cargo;
mod compose;
pub(super) mod go;
mod mprocs;
pub(super) mod node;
mod process_compose;
mod procfile;
pub(super) mod python;
mod recipes;
mod ruby_and_elixir;

/// A kind of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The processes of `mprocs.yaml`.
    Mprocs,
    /// The processes of `process-compose.yaml`.
    ProcessCompose,
    /// The processes of `Procfile.dev` or `Procfile`.
    Procfile,
    /// The services of `compose.yaml` or `docker-compose.yml`.
    Compose,
    /// A script of `package.json`.
    Package,
    /// The programs of `Cargo.toml`.
    Cargo,
    /// The module of `go.mod`.
    Go,
    /// The server of `manage.py`.
    Django,
    /// What `pyproject.toml` or `requirements.txt` depends on.
    Python,
    /// The project of `mix.exs`.
    Mix,
    /// What the `Gemfile` depends on.
    Gemfile,
    /// A recipe of the `justfile`.
    Just,
    /// A target of the `Makefile`.
    Make,
}

/// In the order in which they are believed: who says exactly what to run comes first. With the word of `--from` and the
/// names of the files.
const KINDS: [(Kind, &str, &[&str]); 13] = [
    (Kind::Mprocs, "mprocs", &["mprocs.yaml", "mprocs.yml", "mprocs.json"]),
    (Kind::ProcessCompose, "process-compose", &["process-compose.yaml", "process-compose.yml", "compose.process.yaml"]),
    (Kind::Procfile, "procfile", &["Procfile.dev", "Procfile.development", "Procfile"]),
    (Kind::Compose, "compose", &["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"]),
    (Kind::Gemfile, "gemfile", &["Gemfile"]),
    (Kind::Mix, "mix", &["mix.exs"]),
    (Kind::Django, "django", &["manage.py"]),
    (Kind::Python, "python", &["pyproject.toml", "requirements.txt"]),
    (Kind::Cargo, "cargo", &["Cargo.toml"]),
    (Kind::Go, "go", &["go.mod"]),
    (Kind::Package, "package", &["package.json"]),
    (Kind::Just, "just", &["justfile", "Justfile", ".justfile"]),
    (Kind::Make, "make", &["GNUmakefile", "makefile", "Makefile"]),
];

/// The words of `--from`, for sentences.
pub fn kinds() -> String {
    KINDS.map(|(_, word, _)| word).join(", ")
}

impl Kind {
    /// By its word for `--from`.
    pub fn from_word(word: &str) -> Option<Self> {
        KINDS.iter().find(|(_, name, _)| *name == word).map(|(kind, ..)| *kind)
    }

    /// By the name of a file. Besides the usual names: `Procfile.test`, `docker-compose.dev.yml`.
    pub fn of_file(path: &str) -> Option<Self> {
        let name = file_name(path);
        let usual = KINDS.iter().find(|(_, _, names)| names.contains(&name)).map(|(kind, ..)| *kind);
        let yaml = name.ends_with(".yml") || name.ends_with(".yaml");
        usual.or_else(|| match name {
            name if name.starts_with("Procfile.") => Some(Self::Procfile),
            name if yaml && name.contains("process-compose") => Some(Self::ProcessCompose),
            name if yaml && name.contains("compose") => Some(Self::Compose),
            name if yaml && name.contains("mprocs") => Some(Self::Mprocs),
            name if name.ends_with(".just") => Some(Self::Just),
            _ => None,
        })
    }

    /// The files of this kind. Of those that say the same in other words (`Procfile` beside `Procfile.dev`) only the
    /// first one counts, and the others are skipped.
    fn files(self, repository: &dyn Repository, found: &mut Found) -> Vec<String> {
        let names = KINDS.iter().find(|(kind, ..)| *kind == self).map_or(&[][..], |(_, _, names)| names);
        // Where a framework says by its own file what it is, it may lie deeper.
        if matches!(self, Self::Django | Self::Go | Self::Gemfile | Self::Mix | Self::Python) {
            let named = |path: &&String| names.contains(&file_name(path));
            let mut paths: Vec<String> = repository.files().iter().filter(named).cloned().collect();
            // One of a folder: what it says is looked for in both.
            paths.dedup_by(|one, other| self == Self::Python && folder_of(one) == folder_of(other));
            paths.retain(|path| is_near(path));
            return paths;
        }
        if matches!(self, Self::Package | Self::Cargo) {
            return topmost(names, repository);
        }
        let mut there = names.iter().filter(|name| repository.files().iter().any(|file| file == *name));
        let first = there.next().map(|name| (*name).to_owned());
        if let Some(first) = &first {
            for other in there {
                found.skip(other, format!("{first} is used; --from {other} reads this one"));
            }
        }
        first.into_iter().collect()
    }

    fn read(self, path: &str, repository: &dyn Repository, found: &mut Found) {
        let text = match repository.text(path) {
            Ok(text) => text,
            Err(reason) => return found.skip(path, format!("cannot be read: {reason}")),
        };
        let before = (found.drafts.len(), found.notes.len());
        let is_yaml = matches!(self, Self::Mprocs | Self::ProcessCompose | Self::Compose);
        let result = match self {
            Self::Mprocs => mprocs::read(path, &text, found),
            Self::ProcessCompose => process_compose::read(path, &text, repository, found),
            Self::Procfile => procfile::read(path, &text, repository, found),
            Self::Compose => compose::read(path, &text, repository, found),
            Self::Package => node::read(path, &text, repository, found),
            Self::Cargo => cargo::read(path, &text, repository, found),
            Self::Go => go::read(path, &text, repository, found),
            Self::Django => python::read_django(path, repository, found),
            Self::Python => python::read_project(path, &text, repository, found),
            Self::Mix => ruby_and_elixir::read_mix(path, &text, found),
            Self::Gemfile => ruby_and_elixir::read_gemfile(path, &text, repository, found),
            Self::Just => recipes::read_just(path, &text, found),
            Self::Make => recipes::read_make(path, &text, found),
        };
        let result_is_good = result.is_ok();
        match result {
            Err(reason) => {
                found.drafts.truncate(before.0);
                found.skip(path, format!("malformed: {reason}"));
            }
            Ok(()) if found.drafts.len() == before.0 && found.notes.len() == before.1 => {
                found.skip(path, "it does not say what to run");
            }
            Ok(()) => {}
        }
        // The tools themselves bear it where they do not look.
        if is_yaml
            && result_is_good
            && let Some(line) = yaml::doubled(&text)
        {
            found.skip(path, format!("line {line}: duplicate key in its table; the last one is used"));
        }
    }
}

/// Whether a file lies where projects do: `go.mod`, `backend/manage.py`, `services/group/member/package.json`.
fn is_near(path: &str) -> bool {
    path.matches('/').count() <= 3
}

/// What a project in a folder below the root is called: as that folder. At the root the folder says little.
fn name_by_folder<'n>(folder: &'n str, at_root: &'n str) -> &'n str {
    if folder.is_empty() { at_root } else { file_name(folder) }
}

/// The file at the root, and those in folders below it that belong to no workspace: `backend`, `web/frontend`.
fn topmost(names: &[&str], repository: &dyn Repository) -> Vec<String> {
    let paths = repository.files().iter().filter(|path| names.contains(&file_name(path)));
    let paths: Vec<&String> = paths.filter(|path| is_near(path)).collect();
    let lead = |path: &str| {
        let beside = below(folder_of(path), "pnpm-workspace.yaml");
        let is_workspace = |text: String| text.contains("\"workspaces\"") || text.contains("[workspace");
        repository.files().contains(&beside) || repository.text(path).is_ok_and(is_workspace)
    };
    let leads: Vec<&str> = paths.iter().filter(|path| lead(path)).map(|path| folder_of(path)).collect();
    let member = |path: &str| {
        let folder = folder_of(path);
        leads.iter().any(|lead| *lead != folder && (lead.is_empty() || folder.starts_with(&below(lead, ""))))
    };
    paths.into_iter().filter(|path| !member(path)).cloned().collect()
}

/// Reads all sources, or those that are named.
pub(super) fn read(repository: &dyn Repository, only: Option<&Only>) -> Found {
    let mut found = Found::default();
    match only {
        Some(Only::File(path)) => {
            if let Some(kind) = Kind::of_file(path) {
                kind.read(path, repository, &mut found);
            }
        }
        Some(Only::Kind(kind)) => {
            for path in kind.files(repository, &mut found) {
                kind.read(&path, repository, &mut found);
            }
        }
        None => {
            for (kind, ..) in KINDS {
                for path in kind.files(repository, &mut found) {
                    // Recipes often only call what others say better.
                    let recipes = matches!(kind, Kind::Just | Kind::Make);
                    if recipes && !found.drafts.is_empty() {
                        found.skip(&path, "other files say what to run; --from reads this one anyway");
                        continue;
                    }
                    kind.read(&path, repository, &mut found);
                }
            }
        }
    }
    found
}
