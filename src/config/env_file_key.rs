//! Reading `env_file`: one file or several, each with the place where it is looked for otherwise.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeValue;

use super::diagnostic::Diagnostic;
use super::env_file::{self, EnvFileError};
use super::keys::ENV_FILE;
use super::place::Place;
use super::problems::{Fields, Problems, Slot, shown};
use crate::domain::{EnvFile, visible_path};

/// The files of `env_file`; those with a problem are left out, and it is added.
pub(super) fn files(slot: Slot<'_, '_>, place: &Place<'_>, problems: &mut Problems) -> Option<Vec<EnvFile>> {
    match slot.value.get_ref() {
        DeValue::String(_) | DeValue::Table(_) => file(slot, place, problems).map(|file| vec![file]),
        DeValue::Array(_) => {
            let files = slot.list(problems, |slot, problems| file(slot, place, problems))?;
            Some(files.into_iter().map(Spanned::into_inner).collect())
        }
        _ => {
            problems.add(slot.wrong_type());
            None
        }
    }
}

fn file(slot: Slot<'_, '_>, place: &Place<'_>, problems: &mut Problems) -> Option<EnvFile> {
    let DeValue::Table(table) = slot.value.get_ref() else {
        let path = problems.keep(place.path(slot))?;
        if let Some(or) = place.worktree().in_main(&path)
            && is_missing(&path)
            && !is_missing(&or)
        {
            problems.add_once(missing_here(slot, &named(&path, place)));
        }
        let file = named_at(slot, place, path, None);
        return is_good(&file.path, slot, place, problems).then_some(file);
    };
    let fields = Fields::open(&ENV_FILE, table, format!("`env_file` of {}", slot.place), problems);
    let path = fields.read_value("path", problems, |slot| place.path(slot));
    let or_main = fields.read_value("or", problems, |slot| slot.choice(&[("main-worktree", true)])).is_some();
    if fields.key_span("path").is_none() && !fields.is_meant("path") {
        problems.add(
            Diagnostic::error("missing-path", format!("`env_file` of {} does not name a file", slot.place))
                .at(slot.span(), "needs `path`")
                .help("env_file = { path = \".env\", or = \"main-worktree\" }"),
        );
    }
    let path = path?.into_inner();
    let or = place.worktree().in_main(&path).filter(|_| or_main);
    let file = named_at(slot, place, path, or);
    is_good(env_file::in_use(&file), slot, place, problems).then_some(file)
}

fn named_at(slot: Slot<'_, '_>, place: &Place<'_>, path: PathBuf, or: Option<PathBuf>) -> EnvFile {
    EnvFile { path, or, line: place.line(&slot.span()), file: place.other_file(&slot.span()) }
}

/// Whether the file can be used, or is missing. What is wrong with it is added.
fn is_good(path: &Path, slot: Slot<'_, '_>, place: &Place<'_>, problems: &mut Problems) -> bool {
    let Err(errors) = env_file::read(path) else { return true };
    let name = named(path, place);
    for error in errors {
        let help = match error {
            EnvFileError::Unreadable(_) if path.is_file() => {
                format!("check who may read it: ls -l {}", visible_path(path))
            }
            EnvFileError::Unreadable(_) => "env_file = \".env\"   or   env_file = [\".env\", \".env.local\"]".into(),
            _ => "write lines like NAME=value, NAME='value as it is', NAME=\"value with ${VARIABLES}\" or # comment"
                .into(),
        };
        problems.add_once(
            Diagnostic::error("env-file", format!("`{}` {error}", shown(&name)).replace("` line", "`, line"))
                .at(slot.span(), "read at each start of the service")
                .help(help),
        );
    }
    false
}

/// A worktree has no files that git does not know, such as `.env`.
fn missing_here(slot: Slot<'_, '_>, name: &str) -> Diagnostic {
    let name = shown(name);
    Diagnostic::warning("env-file", format!("`{name}` is missing here; the main worktree has one"))
        .at(slot.span(), "nothing is read from it in this worktree")
        .help(format!(
            "to use the one of the main worktree:\nenv_file = {{ path = \"{name}\", or = \"main-worktree\" }}"
        ))
}

fn is_missing(path: &Path) -> bool {
    std::fs::metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// As the file of the group would name it.
fn named(path: &Path, place: &Place<'_>) -> String {
    let name = path.strip_prefix(&place.root).unwrap_or(path).display().to_string();
    if name.is_empty() { ".".into() } else { name }
}
