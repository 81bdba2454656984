//! `devgroup check`: all that is wrong with a file, for people or for editors.

use serde::Serialize;

use super::arguments::{self, Place};
use super::client::short;
use super::exit_code::Failure;
use super::json::line as json;
use super::{GroupFile, file, invalid, print, print_message, style, variable};
use crate::app;
use crate::config::{self, Diagnostic, Diagnostics, Loaded};
use crate::domain::{AskedPort, GroupSpec, ServiceSpec, path_text, visible_path};
use crate::watch::rules::{UnmatchedReason, UnmatchedWatch, unmatched_watches};

/// What is wrong with a file, for programs.
#[derive(Serialize)]
struct Report {
    version: u32,
    /// The group can run.
    ok: bool,
    diagnostics: Vec<Entry>,
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
                print(&json(&Report { version: 1, ok: false, diagnostics: vec![entry] })?)?;
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
    let services = loaded.spec.services.len();
    let name = visible_path(file.path.file_name().unwrap_or(file.path.as_os_str()));
    print(&format!(
        "{name}: ok, {services} service{}\n{}",
        if services == 1 { "" } else { "s" },
        auto_ports(&loaded.spec)
    ))?;
    Ok(0)
}

/// The ports that `"auto"` stands for, where they are free: a line, if there are any.
fn auto_ports(spec: &GroupSpec) -> String {
    let of = |service: &ServiceSpec| {
        let auto = service.ports.iter().filter(|port| port.asked == AskedPort::Auto);
        let auto = auto.map(|port| match &port.name {
            Some(name) => format!("{name} {}", port.number),
            None => port.number.to_string(),
        });
        let auto: Vec<String> = auto.collect();
        (!auto.is_empty()).then(|| format!("{} {}", service.name, auto.join(", ")))
    };
    let all: Vec<String> = spec.services.iter().filter_map(|service| of(service)).collect();
    if all.is_empty() { String::new() } else { format!("ports: {}\n", all.join(" · ")) }
}

/// The file, with warnings that only a look at the tree can give.
fn load(file: &GroupFile) -> Result<Loaded, Diagnostics> {
    let mut loaded = file.load()?;
    loaded.warn_command_names(arguments::COMMANDS);
    loaded.warn_values(&|service| app::inherited_by(&file.path, service));
    loaded.warn_writable(variable);
    for (service, index) in app::missing_inputs(&loaded.spec) {
        loaded.warn_missing_input(&service, index);
    }
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
    let (ok, diagnostics) = match load(file) {
        Ok(loaded) => (true, loaded.warnings),
        Err(diagnostics) => (false, diagnostics),
    };
    let name = path_text(&short(&file.path)).into_owned();
    let entries = diagnostics.items.iter().map(|item| entry(&diagnostics, item, &name)).collect();
    print(&json(&Report { version: 1, ok, diagnostics: entries })?)?;
    Ok(if ok { 0 } else { Failure::Invalid(String::new()).code() })
}

fn entry(all: &Diagnostics, item: &Diagnostic, file: &str) -> Entry {
    // What the text says at the places themselves belongs to the advice here.
    let labels = item.labels.iter().enumerate().filter(|(_, label)| !label.text.is_empty());
    let labels = labels.map(|(place, label)| match place {
        0 => label.text.clone(),
        _ => format!("line {}: {}", all.place(&label.span).0, label.text),
    });
    let help: Vec<String> = labels.chain(item.help.clone()).collect();
    Entry {
        code: item.code,
        severity: item.severity.word(),
        file: file.to_owned(),
        span: item.labels.first().map(|label| {
            let (line, col) = all.place(&label.span);
            let text = all.text.get(label.span.clone()).unwrap_or_default();
            Span { line, col, len: text.lines().next().map_or(0, |first| first.chars().count()).max(1) }
        }),
        message: item.message.clone(),
        help: (!help.is_empty()).then(|| help.join("\n")),
    }
}
