//! Out of what several sources say: each service once, under a name of its own, and able to run.

use std::collections::BTreeSet;

use super::build;
use super::command::Command;
use super::draft::{Draft, Finding, Found, Note, Ready, Watch};
use super::names::{file_name, service_name};
use super::repository::Repository;
use crate::domain::fitting_name;

/// What is left, and what is to be said.
pub(super) fn merge(found: Found, repository: &dyn Repository) -> (Vec<Draft>, Vec<Note>) {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut notes: Vec<Note> = Vec::new();
    // Sources name their own services in dependencies: what each is called in the end.
    let mut renamed: Vec<(String, String, String)> = Vec::new();
    for mut draft in found.drafts {
        let mut skip = |draft: &Draft, reason: String| {
            let text = format!("{}: {reason}", draft.name);
            notes.push(Note { finding: Finding::Skipped, source: draft.source.clone(), text });
        };
        if !repository.has_folder(&draft.dir) {
            skip(&draft, format!("its folder `{}` does not exist", draft.dir));
            continue;
        }
        let line = draft.run.line();
        let command = Command::read(&line, &draft.dir, repository);
        if let Some(runner) = command.runner() {
            let reason = format!("`{line}`: {runner} starts a group of its own, which would be one service here");
            skip(&draft, reason);
            continue;
        }
        let one_of_compose = command.covers().iter().any(|cover| cover.starts_with("compose:"));
        let own = covers(&draft, &command, &line, one_of_compose);
        if let Some(other) = same(&draft, &own, one_of_compose, &drafts) {
            let (name, source) = (&other.name, &other.source);
            renamed.push((draft.source.clone(), draft.name.clone(), name.clone()));
            skip(&draft, format!("same as `{name}` of {source}"));
            continue;
        }
        draft.covers = own;
        let before = draft.name.clone();
        draft.name = free_name(&draft, &drafts);
        draft.remarks.extend(other_name("it", &before, &service_name(&before)));
        draft.remarks.extend(whose_name(&draft, &before, &drafts));
        if let Some(group) = draft.group.take() {
            let name = fitting_name(&group);
            draft.remarks.extend(other_name("its group", &group, &name));
            draft.group = Some(name).filter(|name| !name.is_empty());
        }
        renamed.push((draft.source.clone(), before, draft.name.clone()));
        if draft.watch == Watch::Undecided {
            let (watch, remark) = command.watch(repository);
            draft.watch = watch;
            draft.remarks.extend(remark);
        }
        if matches!(draft.watch, Watch::Globs(_)) {
            draft.validate = build::of(&draft.run);
        }
        drafts.push(draft);
    }
    for draft in &mut drafts {
        for (on, _) in &mut draft.depends_on {
            let end = renamed.iter().find(|(source, before, _)| *source == draft.source && before == on);
            *on = end.map_or_else(|| service_name(on), |(.., after)| after.clone());
        }
    }
    dependencies(&mut drafts, &mut notes);
    ports(&mut drafts);
    let mut all: Vec<Note> = drafts.iter().map(note_of).collect();
    all.extend(drafts.iter().flat_map(not_carried));
    all.extend(notes);
    all.extend(found.notes);
    (drafts, all)
}

/// What it starts, by its command and by its source.
fn covers(draft: &Draft, command: &Command, line: &str, one_of_compose: bool) -> Vec<String> {
    let mut own = command.covers();
    own.push(format!("line:{}:{}", draft.dir, line.split_whitespace().collect::<Vec<_>>().join(" ")));
    let covers = draft.covers.iter().filter(|cover| !(one_of_compose && cover.as_str() == "compose:*"));
    own.extend(covers.cloned());
    own
}

/// The service that another source has made of the same.
fn same<'d>(draft: &Draft, own: &[String], one_of_compose: bool, drafts: &'d [Draft]) -> Option<&'d Draft> {
    // What one source says twice is meant twice.
    let mut others = drafts.iter().filter(|other| other.source != draft.source);
    let double = others.find(|other| other.covers.iter().any(|cover| own.contains(cover)));
    // `docker compose up` in a Procfile is all of them.
    let all = drafts.iter().find(|other| one_of_compose && other.covers.iter().any(|cover| cover == "compose:*"));
    let same_name = drafts.iter().find(|other| {
        other.name == service_name(&draft.name)
            && other.source != draft.source
            && draft.finding == Finding::Found
            && is_process_file(&other.source)
            && is_process_file(&draft.source)
    });
    double.or(all).or(same_name)
}

/// Files that say one by one what runs: the same name in two of them is the same service.
fn is_process_file(path: &str) -> bool {
    let name = file_name(path);
    name.starts_with("Procfile") || name.contains("mprocs") || name.contains("process-compose")
}

fn note_of(draft: &Draft) -> Note {
    let line = draft.run.line();
    let line = line.split_once('\n').map_or_else(|| line.clone(), |(first, _)| format!("{first} …"));
    let mut text = format!("{}: {line}", draft.name);
    for remark in &draft.remarks {
        text = format!("{text}; {remark}");
    }
    Note { finding: draft.finding, source: draft.source.clone(), text }
}

/// A line for each thing that its source says and the file does not.
fn not_carried(draft: &Draft) -> impl Iterator<Item = Note> {
    draft.left.iter().map(|text| Note {
        finding: Finding::Skipped,
        source: draft.source.clone(),
        text: format!("{}: {text}", draft.name),
    })
}

/// A remark, if something has another name in its source.
fn other_name(what: &str, there: &str, here: &str) -> Option<String> {
    (there != here).then(|| format!("{what} is named `{there}` there, which is not a valid name here"))
}

/// A remark, if another service has its name already.
fn whose_name(draft: &Draft, before: &str, drafts: &[Draft]) -> Option<String> {
    let first = drafts.iter().find(|other| other.name == service_name(before) && draft.name != other.name)?;
    Some(match first.source == draft.source {
        true => format!("`{before}` occurs twice there; this is the second"),
        false => format!("`{before}` is already the name of a service from {}", first.source),
    })
}

fn free_name(draft: &Draft, drafts: &[Draft]) -> String {
    let name = service_name(&draft.name);
    let taken = |name: &str| drafts.iter().any(|other| other.name == name);
    if !taken(&name) {
        return name;
    }
    let folder = service_name(file_name(&draft.dir));
    let better = format!("{name}-{folder}");
    if !draft.dir.is_empty() && !taken(&better) {
        return better;
    }
    (2..).map(|number| format!("{name}-{number}")).find(|name| !taken(name)).unwrap_or(name)
}

/// Takes out what names nobody and what closes a circle.
fn dependencies(drafts: &mut [Draft], notes: &mut Vec<Note>) {
    let names: BTreeSet<String> = drafts.iter().map(|draft| draft.name.clone()).collect();
    let jobs: BTreeSet<String> = drafts.iter().filter(|draft| draft.job).map(|draft| draft.name.clone()).collect();
    let mut edges: Vec<(String, String)> = Vec::new();
    for draft in drafts {
        let from = draft.name.clone();
        let mut dropped = Vec::new();
        draft.depends_on.retain(|(on, _)| {
            let good = names.contains(on) && *on != from && !reaches(&edges, on, &from);
            let fresh = !edges.contains(&(from.clone(), on.clone()));
            match good {
                true if fresh => edges.push((from.clone(), on.clone())),
                true => {}
                false => dropped.push(on.clone()),
            }
            good && fresh
        });
        for (on, condition) in &mut draft.depends_on {
            // What runs to its end is waited for to its end, and a service never ends.
            if jobs.contains(on) {
                *condition = condition.map(|_| "done");
            } else if *condition == Some("done") {
                *condition = None;
            }
        }
        for on in dropped {
            let text = format!("{from}: does not wait for `{on}`, which is missing or waits for it");
            notes.push(Note { finding: Finding::Skipped, source: draft.source.clone(), text });
        }
    }
}

fn reaches(edges: &[(String, String)], from: &str, to: &str) -> bool {
    let mut seen: Vec<&str> = vec![from];
    let mut next = 0;
    while let Some(here) = seen.get(next).copied() {
        if here == to {
            return true;
        }
        next += 1;
        for (_, on) in edges.iter().filter(|(one, _)| one == here) {
            if !seen.contains(&on.as_str()) {
                seen.push(on);
            }
        }
    }
    false
}

/// Two services cannot have one port, or be ready by one.
fn ports(drafts: &mut [Draft]) {
    let mut taken: Vec<(u16, String)> = Vec::new();
    for draft in drafts {
        let ready = if let Some(Ready::Port(port)) = draft.ready { Some(port) } else { None };
        let own: Vec<u16> = ready.into_iter().chain(draft.port).collect();
        let Some((port, name)) = taken.iter().find(|(port, _)| own.contains(port)) else {
            taken.extend(own.into_iter().map(|port| (port, draft.name.clone())));
            continue;
        };
        let check = if ready == Some(*port) { ", and  ready = { port = … }" } else { "" };
        draft.remarks.push(format!("port {port} is taken by {name}: give {} another one{check}", draft.name));
        if ready == Some(*port) {
            (draft.ready, draft.url) = (None, None);
        }
        // A check that asks for its own port needs it.
        draft.port.take_if(|own| own == port && draft.ready != Some(Ready::OwnPort));
    }
}
