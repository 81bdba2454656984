//! From a path or a text to a group: finding the file, reading it, and putting all that is found together.

use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Diagnostics, position};
use super::group::{self, Places};
use super::place::Place;
use super::problems::{Problems, Value, entries};
use super::syntax;
use super::trust::Owners;
use crate::domain::{GroupSpec, Instance, ServiceName, plain_error, visible_path};
use crate::regular_file::open_regular;

/// What the file is called.
pub const FILE_NAME: &str = "procgroup.toml";

/// Files above this are refused: nobody writes them by hand.
pub(super) const MAX_BYTES: u64 = 1 << 20;

/// A file that can be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What it says.
    pub spec: GroupSpec,
    /// What is hardly meant so.
    pub warnings: Diagnostics,
    /// Where it says it.
    pub(super) places: Places,
}

/// The nearest [`FILE_NAME`] in a folder or above it. A folder of that name counts too: reading it says what is wrong.
pub fn find(from: &Path) -> Option<PathBuf> {
    let from = std::path::absolute(from).ok()?;
    from.ancestors().map(|folder| folder.join(FILE_NAME)).find(|file| file.symlink_metadata().is_ok())
}

/// Reads and checks a file.
///
/// # Errors
/// All that is wrong with it, warnings included; also if it cannot be read, is no file, is larger than 1 MiB or is not
/// UTF-8.
pub fn load(file: &Path) -> Result<Loaded, Diagnostics> {
    load_of(file, Owners::Any)
}

/// The same, if the file that was opened is that of one of these.
///
/// # Errors
/// Those of [`load`]; or it is somebody else's.
pub fn load_of(file: &Path, owners: Owners) -> Result<Loaded, Diagnostics> {
    read(file, owners).and_then(|text| parse(&text, file))
}

/// Checks a text as if it stood in `file`, by lines that end with a newline alone. Folders and environment files around it are looked at.
///
/// # Errors
/// All that is wrong with it, warnings included.
pub fn parse(text: &str, file: &Path) -> Result<Loaded, Diagnostics> {
    // A text of several lines has the ends that a shell knows, however the file was saved. No line or column changes.
    let text = &text.replace("\r\n", "\n");
    let place = Place::new(text, file);
    let (tree, syntax_problems) = syntax::tree(text);
    let mut problems = Problems::default();
    // Of a file of another kind there is nothing to read.
    let foreign = tree.is_empty() && syntax_problems.iter().any(|problem| problem.code == "not-toml");
    let spec = (!foreign).then(|| group::read(&tree, &place, &mut problems));
    if !syntax_problems.is_empty() {
        consequences(text, &syntax_problems, &mut problems.items);
    }
    problems.items.extend(syntax_problems);
    let diagnostics = Diagnostics::new(file.to_owned(), text, problems.items);
    match spec {
        Some((spec, places)) if !diagnostics.has_errors() => Ok(Loaded { spec, warnings: diagnostics, places }),
        _ => Err(diagnostics),
    }
}

/// The services of a file and what each runs, as far as it can be read: for a file that is being written, too.
pub fn service_names(file: &Path, owners: Owners) -> Vec<(String, Option<String>)> {
    let Ok(text) = read(file, owners) else { return Vec::new() };
    let (tree, _) = syntax::tree(&text);
    let Some(DeValue::Table(services)) = tree.get("services").map(Spanned::get_ref) else { return Vec::new() };
    let run = |value: &DeValue<'_>| match value {
        DeValue::String(run) => Some(run.to_string()),
        DeValue::Table(table) => match table.get("run").map(Spanned::get_ref) {
            Some(DeValue::String(run)) => Some(run.to_string()),
            _ => None,
        },
        _ => None,
    };
    entries(services).into_iter().map(|(name, value)| (name.get_ref().to_string(), run(value.get_ref()))).collect()
}

/// What may stand where services are named, and what it is: the services, the groups, and the instances of each service that
/// has `replicas`. As far as the file can be read.
pub fn service_words(file: &Path, owners: Owners) -> Vec<(String, Option<String>)> {
    let Ok(text) = read(file, owners) else { return Vec::new() };
    let (tree, _) = syntax::tree(&text);
    let Some(services) = tree.get("services").and_then(as_table) else { return Vec::new() };
    let defaults = tree.get("defaults").and_then(as_table);
    let (mut instances, mut groups) = (Vec::new(), Vec::new());
    for (name, value) in entries(services) {
        let own = as_table(value);
        let given = |key: &str| own.and_then(|own| own.get(key)).or_else(|| defaults?.get(key)).map(Spanned::get_ref);
        if let Some(DeValue::Integer(number)) = given("replicas") {
            let count = u32::from_str_radix(number.as_str(), number.radix()).unwrap_or_default().min(Instance::MOST);
            let of = ServiceName::new(name.get_ref());
            let about = || Some(format!("one of {count} instances"));
            instances.extend((1..=count).map(|number| (of.instance(number).as_str().to_owned(), about())));
        }
        if let Some(DeValue::String(group)) = given("group") {
            let written = format!("@{group}");
            if groups.iter().all(|(known, _)| *known != written) {
                groups.push((written, Some("all services of this group".to_owned())));
            }
        }
    }
    service_names(file, owners).into_iter().chain(groups).chain(instances).collect()
}

fn as_table<'a, 't>(value: &'a Value<'t>) -> Option<&'a DeTable<'t>> {
    if let DeValue::Table(table) = value.get_ref() { Some(table) } else { None }
}

/// Drops what is only a consequence of a line that could not be read: problems on that line, and whatever says that
/// something is missing, because it may stand on that line.
fn consequences(text: &str, syntax_problems: &[Diagnostic], items: &mut Vec<Diagnostic>) {
    const MISSING: [&str; 5] = ["missing-run", "unknown-service", "no-services", "empty", "ready"];
    let broken = syntax::lines(text, syntax_problems);
    items.retain(|item| {
        let on_broken_line = item.labels.iter().any(|label| broken.contains(&position(text, label.span.start).0));
        !on_broken_line && !MISSING.contains(&item.code)
    });
}

pub(super) fn read(file: &Path, owners: Owners) -> Result<String, Diagnostics> {
    let name = visible_path(file.file_name().unwrap_or(file.as_os_str()));
    let fail = |code, message: String, help: &str| {
        Diagnostics::new(file.to_owned(), "", vec![Diagnostic::error(code, message).help(help)])
    };
    let unreadable = |error: io::Error| {
        let help = match error.kind() {
            io::ErrorKind::NotFound => "to begin with:\n[services]\nweb = \"npm run dev\"".to_owned(),
            io::ErrorKind::PermissionDenied => format!("check who may read it: ls -l {}", visible_path(file)),
            _ => visible_path(file).into_owned(),
        };
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "it does not exist".to_owned(),
            _ => plain_error(&error),
        };
        fail("unreadable", format!("cannot read `{name}`: {reason}"), &help)
    };
    let metadata = std::fs::metadata(file).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(fail("unreadable", format!("`{name}` is a folder"), "name a file in that folder"));
    }
    // A pipe or a device may never end.
    if !metadata.is_file() {
        return Err(fail("unreadable", format!("`{name}` is not a file"), "write its contents into a file"));
    }
    let (opened, found) = open_regular(file).map_err(unreadable)?;
    if !owners.include(found.uid()) {
        let problem =
            format!("`{name}` {}: files of other users do not run unless you name them", Owners::refusal(found.uid()));
        return Err(fail("foreign", problem, &format!("read it, then name it: -f {}", visible_path(file))));
    }
    let mut bytes = Vec::new();
    opened.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(fail("too-large", format!("`{name}` is larger than 1 MiB"), "is this the right file?"));
    }
    let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        // What is good before that place stays as it is, so the place is the same in both.
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let problem = Diagnostic::error("not-utf8", format!("`{name}` is not UTF-8"))
            .at(at..(at + '\u{fffd}'.len_utf8()).min(text.len()), "the first invalid byte")
            .help(if utf16 { "it is UTF-16: save it as UTF-8" } else { "save it as UTF-8" });
        Diagnostics::new(file.to_owned(), &text, vec![problem])
    })
}
