//! `devgroup check`: all that is wrong with a file, for people or for editors.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::arguments::{self, Place};
use super::client::foreground::as_it_runs;
use super::client::{find, short};
use super::exit_code::Failure;
use super::json::line as json;
use super::unworked::unworked;
use super::{GroupFile, file, invalid, print, print_message, style, variable};
use crate::app;
use crate::config::{self, Diagnostic, Diagnostics, Loaded};
use crate::control::{Ask, Reply};
use crate::domain::{AskedPort, GroupSpec, ServiceSpec, count, path_text, visible_path};
use crate::group_files::local_of;
use crate::watch::rules::{UnmatchedReason, UnmatchedWatch, is_git_ignored, unmatched_watches};

/// What is wrong with a file, for programs.
#[derive(Serialize)]
struct Report {
    version: u32,
    /// The group can run.
    ok: bool,
    diagnostics: Vec<Entry>,
    /// All files of the group, if it can run and there are several: its own first, then those that it includes, each with its
    /// local file behind it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
    /// What else is so, as sentences: variables that win over the file, tasks that nobody works off.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Entry {
    code: &'static str,
    severity: &'static str,
    file: String,
    /// Nothing if it is about no place in the text.
    span: Option<Span>,
    message: String,
    help: Option<String>,
}

/// The main place, up to the end of its first line; all from 1 and in characters.
#[derive(Serialize)]
struct Span {
    line: usize,
    col: usize,
    len: usize,
}

/// Checks the file. The result is the exit code.
pub(super) fn run(place: &Place, as_json: bool) -> Result<u8, Failure> {
    let found = file(place.config.as_deref());
    if as_json {
        return match found {
            Ok(file) => report(&file),
            Err(failure @ (Failure::NoFile { .. } | Failure::Foreign { .. })) => {
                let told = failure.to_string();
                let (message, help) = told.split_once("\n  help: ").unwrap_or((&told, ""));
                let entry = Entry {
                    code: if matches!(failure, Failure::NoFile { .. }) { "no-file" } else { "foreign" },
                    severity: "error",
                    file: config::FILE_NAME.into(),
                    span: None,
                    message: message.trim_start_matches("error: ").into(),
                    help: Some(help.lines().map(str::trim).collect::<Vec<_>>().join(" ")),
                };
                let report =
                    Report { version: 1, ok: false, files: Vec::new(), notes: Vec::new(), diagnostics: vec![entry] };
                print(&json(&report)?)?;
                Ok(failure.code())
            }
            Err(failure) => Err(failure),
        };
    }
    let file = found?;
    let loaded = load(&file).map_err(invalid)?;
    if !loaded.warnings.is_empty() {
        print_message(loaded.warnings.render(style()).trim_end());
    }
    let spec = &loaded.spec;
    let (others, local) = others(spec);
    let name =
        if is_above(place, &file.path) { &file.path } else { Path::new(file.path.file_name().unwrap_or_default()) };
    let mut said = format!("{}: ok, {}", visible_path(name), count(spec.services.len(), "service"));
    if !others.is_empty() {
        said += &format!(" in {} files", others.len() + 1);
    }
    for file in others {
        said += &format!("\n  {} is included", visible_path(&file));
    }
    for file in local {
        said += &format!("\n  {} is laid over it", visible_path(&file));
    }
    let notes: String = notes(&loaded).into_iter().map(|note| format!("{note}\n")).collect();
    print(&format!("{said}\n{}{notes}", auto_ports(place, spec)))?;
    Ok(0)
}

/// What is so and is no mistake: variables that win over the file, and tasks that nobody works off.
fn notes(loaded: &Loaded) -> Vec<String> {
    let variables = loaded.task_variables.iter().map(ToString::to_string);
    variables.chain(unworked(&loaded.spec)).collect()
}

/// The ports that `"auto"` stands for in the group that runs, or that a start would give now: a line, if there are any.
fn auto_ports(place: &Place, spec: &GroupSpec) -> String {
    let mut ports = spec.services.iter().flat_map(|service| &service.ports);
    if !ports.any(|port| port.asked == AskedPort::Auto) {
        return String::new();
    }
    let asked =
        find::group(place).ok().and_then(|mut group| group.ask(Ask::Status { follow: false, usage: false }).ok());
    let status = asked.and_then(|reply| if let Reply::Status(status) = reply { Some(status) } else { None });
    let of = |service: &ServiceSpec| {
        let auto = service.ports.iter().filter(|port| port.asked == AskedPort::Auto);
        let auto = auto.map(|port| match &port.name {
            Some(name) => format!("{name} {}", port.number),
            None => port.number.to_string(),
        });
        let auto: Vec<String> = auto.collect();
        (!auto.is_empty()).then(|| format!("{} {}", service.name, auto.join(", ")))
    };
    let spec = as_it_runs(spec.clone(), status.as_deref());
    let all: Vec<String> = spec.services.iter().filter_map(|service| of(service)).collect();
    if all.is_empty() { String::new() } else { format!("ports: {}\n", all.join(" · ")) }
}

/// The included files of a group and its local files, relative to its folder.
fn others(spec: &GroupSpec) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let is_local = |file: &PathBuf| spec.files.iter().any(|other| local_of(other) == *file);
    let (local, included): (Vec<_>, Vec<_>) = spec.files.iter().skip(1).partition(|file| is_local(file));
    let shown = |files: Vec<&PathBuf>| {
        files.into_iter().map(|file| file.strip_prefix(&spec.root).unwrap_or(file).to_owned()).collect()
    };
    (shown(included), shown(local))
}

/// It is not the nearest file, but one further up that includes that.
fn is_above(place: &Place, file: &Path) -> bool {
    let nearest = std::env::current_dir().ok().and_then(|here| config::find_nearest(&here));
    place.config.is_none() && nearest.is_some_and(|nearest| nearest != *file)
}

/// The file, with warnings that only a look at the tree can give.
fn load(file: &GroupFile) -> Result<Loaded, Diagnostics> {
    let mut loaded = file.load()?;
    let loaded_spec = loaded.spec.clone();
    // Many a group has a service `web`. Who starts it alone is told by that command.
    let commands: Vec<_> = arguments::COMMANDS.iter().copied().filter(|name| *name != "web").collect();
    loaded.warn_command_names(&commands);
    loaded.warn_values(&|service| app::inherited_by(&file.path, service));
    loaded.warn_writable(variable);
    for (service, index) in app::missing_inputs(&loaded.spec) {
        loaded.warn_missing_input(&service, index);
    }
    for (service, problem) in app::unreadable_inputs(&loaded.spec) {
        loaded.warn_unreadable_input(&service, &problem);
    }
    // The user's own program may take its place; other people's do not.
    for (_, problem) in app::alert_programs(&loaded.spec, &app::UserAlerts::default()) {
        problem.iter().for_each(|problem| loaded.warn_alert_program(problem));
    }
    loaded.warn_unread(&file.unread);
    loaded.warn_local(&|local| is_git_ignored(&loaded_spec, local));
    let found = unmatched_watches(&loaded.spec);
    if let Some((service, index, count)) = found.unlooked {
        loaded.warn_unlooked(&service, index, count);
    }
    for UnmatchedWatch { service, index, reason } in found.unmatched {
        match reason {
            UnmatchedReason::Ignored { rule, files, let_in, .. } => {
                loaded.warn_ignored(&service, index, &rule, files, let_in.as_deref());
            }
            UnmatchedReason::Unmatched => loaded.warn_unmatched(&service, index),
            UnmatchedReason::Link { link, target } => loaded.warn_link(&service, index, &link, target.as_deref()),
        }
    }
    Ok(loaded)
}

fn report(file: &GroupFile) -> Result<u8, Failure> {
    let (files, notes, diagnostics) = match load(file) {
        Ok(loaded) => (loaded.spec.files.clone(), notes(&loaded), Ok(loaded.warnings)),
        Err(diagnostics) => (Vec::new(), Vec::new(), Err(diagnostics)),
    };
    let ok = diagnostics.is_ok();
    let (Ok(diagnostics) | Err(diagnostics)) = diagnostics;
    let files = files.iter().filter(|_| files.len() > 1).map(|file| path_text(&short(file)).into_owned()).collect();
    let entries = diagnostics.items.iter().map(|item| entry(&diagnostics, item)).collect();
    print(&json(&Report { version: 1, ok, files, notes, diagnostics: entries })?)?;
    Ok(if ok { 0 } else { Failure::Invalid(String::new()).code() })
}

fn entry(all: &Diagnostics, item: &Diagnostic) -> Entry {
    let file = all.file_of(item);
    let name = |file: &Path| path_text(&short(file)).into_owned();
    // What the text says at the places themselves belongs to the advice here.
    let labels = item.labels.iter().enumerate().filter(|(_, label)| !label.text.is_empty());
    let labels = labels.map(|(place, label)| match place {
        0 => label.text.clone(),
        _ if all.file_at(&label.span) == file => format!("line {}: {}", all.place(&label.span).0, label.text),
        _ => format!("{}:{}: {}", name(all.file_at(&label.span)), all.place(&label.span).0, label.text),
    });
    let help: Vec<String> = labels.chain(item.help.clone()).collect();
    Entry {
        code: item.code,
        severity: item.severity.word(),
        file: name(file),
        span: item.labels.first().map(|label| {
            let (line, col) = all.place(&label.span);
            let text = all.text().get(label.span.clone()).unwrap_or_default();
            Span { line, col, len: text.lines().next().map_or(0, |first| first.chars().count()).max(1) }
        }),
        message: item.message.clone(),
        help: (!help.is_empty()).then(|| help.join("\n")),
    }
}
