//! From a path or a text to a group: reading its files, and putting all that is found together.

use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Diagnostics, position};
use super::gather::gather;
use super::group::{self, Places};
use super::problems::{Problems, Value, entries};
use super::syntax;
use super::task_variables::TaskVariable;
use super::trust::{Foreign, Owners};
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
    /// The variables of the environment that say something else of workers ([`Loaded::in_environment`]).
    pub task_variables: Vec<TaskVariable>,
    /// Where it says it.
    pub(super) places: Places,
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
    read(file, owners).and_then(|text| checked(&text, file, owners))
}

/// Checks a text as if it stood in `file`, by lines that end with a newline alone. Folders and files around it are looked
/// at.
///
/// # Errors
/// All that is wrong with it, warnings included.
pub fn parse(text: &str, file: &Path) -> Result<Loaded, Diagnostics> {
    checked(text, file, Owners::Any)
}

fn checked(text: &str, file: &Path, owners: Owners) -> Result<Loaded, Diagnostics> {
    // A text of several lines has the ends that a shell knows, however the file was saved. No line or column changes.
    let gathered = gather(&text.replace("\r\n", "\n"), file, owners);
    let (mut problems, mut syntax_problems) = (Problems::default(), Vec::new());
    let trees = gathered.files.iter().map(|numbers| gathered.tree(*numbers, &mut syntax_problems));
    let trees: Vec<_> = trees.filter(|tree| !tree.is_foreign).collect();
    let has_own = trees.first().is_some_and(|tree| tree.number == 0);
    let spec = has_own.then(|| group::read(trees, &gathered, &mut problems));
    if !syntax_problems.is_empty() || gathered.is_partial {
        consequences(gathered.sources.text(), &syntax_problems, &mut problems.items);
    }
    problems.items.extend(syntax_problems);
    problems.items.extend(gathered.problems);
    let diagnostics = Diagnostics::of(gathered.sources, problems.items);
    match spec {
        Some((spec, places)) if !diagnostics.has_errors() => {
            Ok(Loaded { spec, warnings: diagnostics, task_variables: Vec::new(), places })
        }
        _ => Err(diagnostics),
    }
}

/// The services of a group and what each runs, as far as it can be read: for files that are being written, too.
pub fn service_names(file: &Path, owners: Owners) -> Vec<(String, Option<String>)> {
    let Ok(text) = read(file, owners) else { return Vec::new() };
    let run = |value: &DeValue<'_>| match value {
        DeValue::String(run) => Some(run.to_string()),
        DeValue::Table(table) => match table.get("run").map(Spanned::get_ref) {
            Some(DeValue::String(run)) => Some(run.to_string()),
            _ => None,
        },
        _ => None,
    };
    let gathered = gather(&text, file, owners);
    let trees = gathered.files.iter().map(|numbers| gathered.tree(*numbers, &mut Vec::new()));
    let mut names = Vec::new();
    let mut taken_out = Vec::new();
    for tree in trees {
        taken_out.extend(tree.taken_out.into_iter().map(|out| out.name));
        let Some(DeValue::Table(services)) = tree.table.get("services").map(Spanned::get_ref) else { continue };
        let services = entries(services).into_iter();
        names.extend(services.map(|(name, value)| (name.get_ref().to_string(), run(value.get_ref()))));
    }
    names.retain(|(name, _)| !taken_out.contains(name));
    names
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
    // Where only a file could not be read, a slip of the name of a service that is known is seen all the same.
    let is_slip = |item: &Diagnostic| {
        syntax_problems.is_empty() && item.labels.iter().any(|label| label.text.starts_with("did you mean"))
    };
    items.retain(|item| {
        let on_broken_line = item.labels.iter().any(|label| broken.contains(&position(text, label.span.start).0));
        !on_broken_line && (!MISSING.contains(&item.code) || item.code == "unknown-service" && is_slip(item))
    });
}

/// Why a file could not be read, and its text as far as it is one.
pub(super) struct Unread {
    pub(super) problem: Diagnostic,
    pub(super) text: String,
}

impl Unread {
    fn new(code: &'static str, message: String, help: &str) -> Box<Self> {
        Box::new(Self { problem: Diagnostic::error(code, message).help(help), text: String::new() })
    }

    /// It is somebody else's. `group`: the file that can be named.
    pub(super) fn foreign(foreign: &Foreign, group: &Path) -> Box<Self> {
        let message = format!("{foreign}: files of other users do not run unless you name the group");
        Self::new("foreign", message, &format!("read it, then name the group: -f {}", visible_path(group)))
    }
}

/// The text of a file, if it is that of one of these.
pub(super) fn read(file: &Path, owners: Owners) -> Result<String, Diagnostics> {
    // Of what is no file, it is the question where it was looked for.
    let name = if file.is_file() { file.file_name().unwrap_or(file.as_os_str()) } else { file.as_os_str() };
    read_named(file, &visible_path(name), owners)
        .map_err(|unread| Diagnostics::new(file.to_owned(), &unread.text, vec![unread.problem]))
}

/// The same of a file that is called so.
pub(super) fn read_named(file: &Path, name: &str, owners: Owners) -> Result<String, Box<Unread>> {
    let unreadable = |error: io::Error| {
        let help = match error.kind() {
            io::ErrorKind::NotFound if file.is_symlink() => {
                format!("make it point to a file: ls -l {}", visible_path(file))
            }
            io::ErrorKind::NotFound => {
                "check the path; a new file begins with:\n[services]\nweb = \"npm run dev\"".to_owned()
            }
            io::ErrorKind::PermissionDenied => format!("check who may read it: ls -l {}", visible_path(file)),
            _ => visible_path(file).into_owned(),
        };
        let reason = match error.kind() {
            io::ErrorKind::NotFound => match std::fs::read_link(file) {
                Ok(target) => format!("it is a link to {}, which does not exist", visible_path(&target)),
                Err(_) => "it does not exist".to_owned(),
            },
            _ => plain_error(&error),
        };
        Unread::new("unreadable", format!("cannot read `{name}`: {reason}"), &help)
    };
    let metadata = std::fs::metadata(file).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(Unread::new("unreadable", format!("`{name}` is a folder"), "name a file in that folder"));
    }
    // A pipe or a device may never end.
    if !metadata.is_file() {
        return Err(Unread::new("unreadable", format!("`{name}` is not a file"), "write its contents into a file"));
    }
    let (opened, found) = open_regular(file).map_err(unreadable)?;
    if !owners.include(found.uid()) {
        let problem =
            format!("`{name}` {}: files of other users do not run unless you name them", Owners::refusal(found.uid()));
        return Err(Unread::new("foreign", problem, &format!("read it, then name it: -f {}", visible_path(file))));
    }
    let mut bytes = Vec::new();
    opened.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Unread::new("too-large", format!("`{name}` is larger than 1 MiB"), "is this the right file?"));
    }
    let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        // What is good before that place stays as it is, so the place is the same in both.
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let problem = Diagnostic::error("not-utf8", format!("`{name}` is not UTF-8"))
            .at(at..(at + '\u{fffd}'.len_utf8()).min(text.len()), "the first invalid byte")
            .help(if utf16 { "it is UTF-16: save it as UTF-8" } else { "save it as UTF-8" });
        Box::new(Unread { problem, text })
    })
}
