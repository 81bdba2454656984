//! What the group itself says to `${…}`: `${services.api.port}`, `${services.api.ports.debug}` and `${worktree}`.
//!
//! They are put into a group as a whole, once its ports are known, and before anything else looks at it. So a changed port
//! is a changed value like any other, and restarts whom it concerns. In environment files a start puts them in.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::diagnostic::Diagnostic;
use super::draft::Draft;
use super::env_file;
use super::expand::{Dollars, references, with_values};
use super::group::Named;
use super::near::{any_of, near};
use super::problems::{Problems, as_key, shown};
use super::service::opens_in_browser;
use crate::domain::{
    AliveProbe, Expandable, GroupSpec, GroupValues, MAIN_PORT, Probe, ProbeText, RunCommand, ServiceSpec,
    ports_by_name, visible_path,
};

/// The group with its own values put in.
pub fn with_group_values(mut group: GroupSpec) -> GroupSpec {
    let values = Arc::new(values(&group));
    for service in &mut group.services {
        put_in(Arc::make_mut(service), &values);
    }
    group
}

/// All that can be referred to. Names are those that stand between the braces.
fn values(group: &GroupSpec) -> GroupValues {
    let mut values = GroupValues { worktree: group.checkout.worktree.clone(), ..GroupValues::default() };
    let none = group.replicated.iter().filter(|one| one.count == 0);
    values.without_instances = none.map(|one| one.name.clone()).collect();
    for service in &group.services {
        // The name of a service with instances means the first of them here: a reference is one number.
        let of = service.instance.as_ref().filter(|instance| instance.number == 1).map(|instance| &instance.of);
        for service_name in [Some(&service.name), of].into_iter().flatten() {
            let prefix = format!("{}{service_name}", GroupValues::SERVICES);
            for (place, (name, number)) in ports_by_name(&service.ports).into_iter().enumerate() {
                let name = if place == 0 { format!("{prefix}.{MAIN_PORT}") } else { format!("{prefix}.ports.{name}") };
                values.ports.insert(name, number);
            }
        }
    }
    values
}

fn put_in(service: &mut ServiceSpec, values: &Arc<GroupValues>) {
    service.values = values.clone();
    service.values_in_files = in_files(service, values);
    for (_, value) in &mut service.env {
        put_into(value, Dollars::Ours, values);
    }
    if let Expandable::Text(text) = &mut service.dir {
        put_into(text, Dollars::Ours, values);
    }
    let url = service.url.as_mut().and_then(|url| match url {
        Expandable::Text(text) => {
            put_into(text, Dollars::Ours, values);
            super::expand::fixed(text, Dollars::Ours).ok().flatten().filter(|url| opens_in_browser(url))
        }
        Expandable::Known(_) => None,
    });
    if let Some(known) = url {
        service.url = Some(Expandable::Known(known));
    }
    match service.ready.as_mut().map(|ready| &mut ready.probe) {
        Some(Probe::Cmd(command)) => put_into_words(command, values),
        Some(Probe::Text(text)) => put_into_probe(text, values),
        _ => {}
    }
    match service.alive.as_mut().map(|alive| &mut alive.probe) {
        Some(AliveProbe::Cmd(command)) => put_into_words(command, values),
        Some(AliveProbe::Text { probe, .. }) => put_into_probe(probe, values),
        _ => {}
    }
    put_into_words(&mut service.run, values);
    let others = [service.validate.as_mut().map(|validate| &mut validate.run), service.stop.command.as_mut()];
    others.into_iter().flatten().for_each(|command| put_into_words(command, values));
}

fn put_into(text: &mut String, dollars: Dollars, values: &GroupValues) {
    *text = with_values(text, dollars, values);
}

fn put_into_words(command: &mut RunCommand, values: &GroupValues) {
    if let RunCommand::Argv(argv) = command {
        argv.iter_mut().for_each(|word| put_into(word, Dollars::Ours, values));
    }
}

fn put_into_probe(probe: &mut ProbeText, values: &GroupValues) {
    match probe {
        ProbeText::Port(text) | ProbeText::File(text) | ProbeText::Http { url: text, .. } => {
            put_into(text, Dollars::Ours, values);
        }
        ProbeText::Log(text) => put_into(text, Dollars::OfPattern, values),
    }
}

/// What the environment files ask for, with the values. A pipe is read by a start alone.
fn in_files(service: &ServiceSpec, values: &GroupValues) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in &service.env_files {
        for entry in env_file::read(env_file::in_use(file)).ok().flatten().unwrap_or_default() {
            if entry.literal {
                continue;
            }
            for name in references(&entry.value, Dollars::Ours) {
                found.extend(values.get(name).map(|value| (name.to_owned(), value)));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Reports references to what is not there, and those in texts that the shell reads.
pub(super) fn check(services: &[Named], problems: &mut Problems, whole: &str) {
    let names: HashMap<&str, &Draft> = services.iter().map(|service| (service.name.as_str(), &service.draft)).collect();
    for service in services {
        for (text, dollars, span) in expanded_texts(&service.draft) {
            for name in references(text, dollars) {
                if let Some((message, label, help)) = wrong(name, &names) {
                    problems
                        .add(Diagnostic::error("reference", message).at(within(&span, name, whole), label).help(help));
                }
            }
        }
        in_env_files(service, &names, problems);
        in_shell_texts(service, problems, whole);
    }
}

/// Message, label and help of a reference that nothing is behind.
fn wrong(name: &str, services: &HashMap<&str, &Draft>) -> Option<(String, String, String)> {
    const FORMS: &str = "${services.NAME.port}   or   ${services.NAME.ports.http}";
    let rest = name.strip_prefix(GroupValues::SERVICES)?;
    let (service, port) = match rest.rsplit_once(".ports.") {
        Some((service, port)) => (service, Some(port)),
        None => match rest.strip_suffix(".port") {
            Some(service) => (service, None),
            None => {
                let message = format!("`${{{}}}` does not name a port", shown(name));
                return Some((message, "only the ports of a service can be used here".into(), FORMS.into()));
            }
        },
    };
    let Some(draft) = services.get(service) else {
        let mut names: Vec<&str> = services.keys().copied().collect();
        names.sort_unstable();
        let near = near(service, names.iter().copied());
        let label =
            if near.is_empty() { "no such service".to_owned() } else { format!("did you mean {}?", any_of(&near)) };
        let message = format!("`${{{}}}` names a service that does not exist: `{}`", shown(name), shown(service));
        let listed: Vec<&str> = names.into_iter().take(12).collect();
        return Some((message, label, format!("services here: {}", listed.join(", "))));
    };
    let named: Vec<&str> =
        draft.ports.iter().flat_map(|ports| ports.get_ref()).map(|(name, _)| name.as_ref()).collect();
    let who = shown(service);
    if draft.port.is_none() && named.is_empty() {
        let help = format!("[services.{}]\nport = \"auto\"   or   port = 4000", as_key(service));
        return Some((format!("`{who}` has no port"), format!("{who} has neither `port` nor `ports`"), help));
    }
    let port = port.filter(|port| !named.contains(port))?;
    let near = near(port, named.iter().copied());
    let label = if near.is_empty() { "no such port".to_owned() } else { format!("did you mean {}?", any_of(&near)) };
    let help = match named.as_slice() {
        [] => format!("{who} has one port: ${{services.{service}.port}}"),
        named => format!("ports of {who}: {}", named.join(", ")),
    };
    Some((format!("`{who}` has no port `{}`", shown(port)), label, help))
}

/// Where the reference stands, if the text has it as it is.
fn within(span: &Range<usize>, name: &str, text: &str) -> Range<usize> {
    let text = text.get(span.clone()).unwrap_or_default();
    let start = text.find(&format!("${{{name}")).map(|at| span.start + at);
    start.map_or_else(
        || span.clone(),
        |start| {
            let rest = text.get(start..span.end).unwrap_or_default();
            start..start + rest.find('}').map_or(name.len() + 2, |end| end + 1)
        },
    )
}

fn in_env_files(service: &Named, names: &HashMap<&str, &Draft>, problems: &mut Problems) {
    let draft = &service.draft;
    let Some(files) = &draft.env_files else { return };
    for file in files.get_ref() {
        let path = env_file::in_use(file);
        for entry in env_file::read(path).ok().flatten().unwrap_or_default() {
            if entry.literal {
                continue;
            }
            for name in references(&entry.value, Dollars::Ours) {
                let Some((message, label, help)) = wrong(name, names) else { continue };
                let shown = visible_path(path.strip_prefix(&service.root).unwrap_or(path)).into_owned();
                problems.add_once(
                    Diagnostic::error("reference", format!("`{shown}`, line {}: {message}", entry.line))
                        .at(files.span(), label)
                        .help(help),
                );
            }
        }
    }
}

/// The shell has its own `${…}`: what the group says must come by the environment.
fn in_shell_texts(service: &Named, problems: &mut Problems, whole: &str) {
    for (text, span) in service.draft.shell_texts() {
        let mut rest = text;
        while let Some((_, from)) = rest.split_once("${") {
            rest = from;
            let Some(name) = from.split('}').next().filter(|name| GroupValues::knows(name)) else { continue };
            let help = match name {
                GroupValues::WORKTREE => "write $DEVGROUP_WORKTREE in the command".to_owned(),
                _ => {
                    let whose = name.strip_prefix(GroupValues::SERVICES).unwrap_or(name).replace(".ports.", "_");
                    let variable: String = whose
                        .chars()
                        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
                        .collect();
                    let variable = if name.ends_with(".port") { variable } else { format!("{variable}_PORT") };
                    format!("env = {{ {variable} = \"${{{name}}}\" }}   and write ${variable} in the command")
                }
            };
            problems.add_once(
                Diagnostic::warning("shell-text", format!("the shell cannot expand `${{{}}}`", shown(name)))
                    .at(within(&span, name, whole), "a command that is a string is read by the shell")
                    .help(help),
            );
        }
    }
}

/// The texts of a service that devgroup puts values into, each with its rules and the place of the value.
fn expanded_texts(draft: &Draft) -> Vec<(&str, Dollars, Range<usize>)> {
    let mut texts: Vec<(&str, Dollars, Range<usize>)> = Vec::new();
    for (_, value) in &draft.env {
        texts.push((value.get_ref(), Dollars::Ours, value.span()));
    }
    if let Some(dir) = &draft.dir
        && let Expandable::Text(text) = dir.get_ref()
    {
        texts.push((text, Dollars::Ours, dir.span()));
    }
    if let Some(url) = &draft.url
        && let Expandable::Text(text) = url.get_ref()
    {
        texts.push((text, Dollars::Ours, url.span()));
    }
    let ready = draft.ready.as_ref().and_then(|ready| match &ready.get_ref().probe {
        Probe::Text(probe) => Some((probe, ready.span())),
        _ => None,
    });
    let alive = draft.alive.as_ref().and_then(|alive| match &alive.get_ref().check.probe {
        AliveProbe::Text { probe, .. } => Some((probe, alive.span())),
        _ => None,
    });
    for (probe, span) in ready.into_iter().chain(alive) {
        let (text, dollars) = match probe {
            ProbeText::Log(text) => (text, Dollars::OfPattern),
            ProbeText::Port(text) | ProbeText::File(text) | ProbeText::Http { url: text, .. } => (text, Dollars::Ours),
        };
        texts.push((text, dollars, span));
    }
    for (command, span) in draft.commands() {
        if let RunCommand::Argv(argv) = command {
            texts.extend(argv.iter().map(|word| (word.as_str(), Dollars::Ours, span.clone())));
        }
    }
    texts
}
