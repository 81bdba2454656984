//! What only several values together can get wrong: dependencies, circles, ports, services that reload themselves.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;

use super::diagnostic::Diagnostic;
use super::draft::{Draft, Watched};
use super::group::Named;
use super::instances;
use super::laid_over::TakenOut;
use super::load::MAX_BYTES;
use super::near::{any_of, near};
use super::ports;
use super::problems::{Problems, as_key, is_note, shown};
use super::references;
use super::schedule;
use super::shell_text;
use super::task_text;
use super::worker;
use crate::domain::{
    Backoff, Condition, Cycle, GroupSpec, Kind, OnChange, POSTGRES_PORT, Probe, RunCommand, ServiceName, ServiceSpec,
    WorkerSpec, package_script, pg_isready, self_reloader, start_order, starts_postgres, visible_path,
};
use crate::regular_file::read_regular;

/// One entry of `depends_on` and its place.
pub(super) struct Edge {
    from: ServiceName,
    on: ServiceName,
    span: Range<usize>,
}

/// The entries of `depends_on` of a service.
pub(super) fn edges(service: &Named) -> impl Iterator<Item = Edge> {
    let entries = service.draft.depends_on.iter().flatten();
    entries.map(|entry| Edge { from: service.name.clone(), on: entry.get_ref().0.clone(), span: entry.span() })
}

/// Looks at the services one by one, and at pairs of them.
pub(super) fn services(services: &[Named], text: &str, problems: &mut Problems) {
    let by_name = services.iter().map(|service| (&service.name, service)).collect();
    for service in services {
        worker::check(service, problems);
        if service.draft.kind() != Kind::Worker && service.draft.run.is_none() && !service.draft.run_reported {
            problems.add(
                Diagnostic::error("missing-run", format!("service `{}` has no command", shown(service.name.as_str())))
                    .at(service.header.clone(), "needs `run`")
                    .help(format!("run = \"the command that starts {}\"", shown(service.name.as_str()))),
            );
        }
        dependencies(service, &by_name, problems);
        backoff(&service.draft, problems);
        retries(service, problems);
        inputs(service, problems);
        restarts_of_task(service, problems);
        schedule::check(service, &by_name, problems);
        postgres(service, problems);
        if let Some(problem) = reloads_itself(service) {
            problems.add(problem);
        }
        outside(service, problems);
    }
    ports::check(services, problems);
    references::check(services, problems, text);
    instances::check(services, problems);
    shell_text::check(services, text, problems);
    task_text::check(services, text, problems);
}

/// `watch = true` means all below `dir`.
fn outside(service: &Named, problems: &mut Problems) {
    let (Some(watch), Some(dir)) = (&service.draft.watch, &service.draft.dir) else { return };
    if !matches!(watch.get_ref(), Watched::All { .. }) {
        return;
    }
    let Some(folder) = dir.get_ref().known() else {
        problems.add(
            Diagnostic::error(
                "watch",
                format!("service `{}` watches a folder that is only known at its start", service.name),
            )
            .at(watch.span(), "`true` watches everything below `dir`")
            .at(dir.span(), "this is expanded at each start")
            .help("name the folder in a pattern: watch = [\"apps/web/**\"]"),
        );
        return;
    };
    if !folder.starts_with(&service.root) {
        problems.add(
            Diagnostic::error("outside", format!("service `{}` watches a folder outside the group", service.name))
                .at(watch.span(), "everything below `dir`")
                .at(dir.span(), format!("{} is not below {}", visible_path(folder), visible_path(&service.root)))
                .help("put procgroup.toml into the folder that contains everything to watch"),
        );
    }
}

fn dependencies(service: &Named, by_name: &HashMap<&ServiceName, &Named>, problems: &mut Problems) {
    for entry in service.draft.depends_on.iter().flatten() {
        let (on, condition) = entry.get_ref();
        let of = on.split_instance().map(|(of, _)| of);
        let Some(other) = by_name.get(of.as_ref().unwrap_or(on)) else { continue };
        let kind = match other.draft.kind() {
            Kind::Job => continue,
            Kind::Service => "service",
            Kind::Worker => "worker",
        };
        if *condition == Some(Condition::Done) {
            problems.add(
                Diagnostic::warning("never-done", format!("`{on}` is a {kind} and does not exit by itself"))
                    .at(entry.span(), format!("`{}` waits for {on} to exit with 0", service.name))
                    .help(format!(
                        "depends_on = {{ {} = \"ready\" }}   or, for {on}:   kind = \"job\"",
                        as_key(on.as_str())
                    )),
            );
        }
    }
}

/// `depends_on` names a service that a local file takes out.
pub(super) fn needs_what_is_taken_out(service: &Named, span: Range<usize>, out: &TakenOut) -> Diagnostic {
    let name = shown(&out.name);
    Diagnostic::error("unknown-service", format!("`{}` depends on `{name}`, which is taken out", service.name))
        .at(span, format!("`{}` waits for {name}", service.name))
        .at(out.span.clone(), "taken out here")
        .help(format!(
            "keep it without starting it: {name} = {{ autostart = false }}   or give `{}` another `depends_on` there",
            service.name
        ))
}

/// `depends_on` names a service that is not there.
pub(super) fn unknown_service(on: &str, span: Range<usize>, service: &Named, services: &[Named]) -> Diagnostic {
    let problem = Diagnostic::error(
        "unknown-service",
        format!("`depends_on` names a service that does not exist: `{}`", shown(on)),
    );
    let others: Vec<&str> =
        services.iter().map(|other| other.name.as_str()).filter(|name| *name != service.name.as_str()).collect();
    let listed = match others.as_slice() {
        [] => "there is no other service".to_owned(),
        names if names.len() > 12 => {
            format!("services here: {}, …", names.iter().take(12).copied().collect::<Vec<_>>().join(", "))
        }
        names => format!("services here: {}", names.join(", ")),
    };
    if is_note(on) {
        return problem.at(span, listed).help("names starting with x- are notes, not services");
    }
    // Somebody may call a service by what it runs.
    let runs = services.iter().find_map(|other| {
        let run = other.draft.run.as_ref()?.get_ref();
        let may_be_it = match run {
            RunCommand::Shell(text) => text.contains(on),
            RunCommand::Argv(words) => words.iter().any(|word| word.contains(on)),
        };
        let run = may_be_it.then(|| run.display())?;
        run.split_whitespace().any(|word| word == on).then(|| (other.name.clone(), run))
    });
    match (near(on, others.iter().copied()).as_slice(), runs) {
        ([], Some((name, run))) => {
            problem.at(span, listed).help(format!("{name} runs `{}`; did you mean `{name}`?", shown(&run)))
        }
        ([], None) => problem.at(span, listed).help("define this service, or remove it here"),
        (names, _) => problem.at(span, format!("did you mean {}?", any_of(names))).help(listed),
    }
}

/// Names of a circle that are shown.
const SHOWN: usize = 10;

/// Reports every circle of dependencies, each by its shortest form: after each one, its last edge is left out.
pub(super) fn circles(spec: &GroupSpec, places: &[Edge], problems: &mut Problems) {
    /// More of them are hardly read.
    const ENOUGH: usize = 10;
    let mut spec = spec.clone();
    let names_an_instance =
        |service: &ServiceSpec| service.depends_on.iter().any(|one| one.on.split_instance().is_some());
    for service in spec.services.iter_mut().filter(|service| names_an_instance(service)) {
        // An instance waits if its service does.
        for dependency in &mut Arc::make_mut(service).depends_on {
            if let Some((of, _)) = dependency.on.split_instance() {
                dependency.on = of;
            }
        }
    }
    for _ in 0..ENOUGH {
        let Err(cycle) = start_order(&spec) else { return };
        let Cycle(circle) = cycle.shortest(&spec);
        let Some((first, last)) = circle.first().zip(circle.last()) else { return };
        problems.add(circle_problem(&circle, places));
        for service in &mut spec.services {
            if service.name == *last {
                let mut open = service.as_ref().clone();
                open.depends_on.retain(|dependency| dependency.on != *first);
                *service = open.into();
            }
        }
    }
}

fn circle_problem(circle: &[ServiceName], places: &[Edge]) -> Diagnostic {
    let names = || circle.iter().map(|name| shown(name.as_str()));
    let mut problem = match circle {
        [one] => Diagnostic::error("cycle", format!("service `{one}` waits for itself")).help("remove it"),
        _ => {
            let path: Vec<String> = match circle.len().saturating_sub(SHOWN) {
                0 => names().chain(names().take(1)).collect(),
                more => names().take(SHOWN).chain([format!("… and {more} more")]).collect(),
            };
            Diagnostic::error("cycle", format!("services wait for each other: {}", path.join(" → ")))
                .help("remove one of these dependencies")
        }
    };
    for (index, from) in circle.iter().enumerate() {
        let closes = index + 1 == circle.len();
        // Of a long one, how it begins and what closes it.
        if index + 1 >= SHOWN && !closes {
            continue;
        }
        let Some(on) = circle.get(index + 1).or(circle.first()) else { continue };
        let label = match (circle.len(), closes) {
            (1, _) => String::from("it waits for itself to be ready"),
            (_, true) => format!("{from} waits for {on}: this completes the cycle"),
            (_, false) => format!("{from} waits for {on}"),
        };
        if let Some(edge) = places.iter().find(|edge| edge.from == *from && edge.on == *on) {
            problem = problem.at(edge.span.clone(), label);
        }
    }
    problem
}

fn backoff(draft: &Draft, problems: &mut Problems) {
    let contract = match draft.kind() {
        Kind::Worker => WorkerSpec::BACKOFF,
        Kind::Service | Kind::Job => Backoff::default(),
    };
    let (given_initial, given_max) = (&draft.backoff.initial, &draft.backoff.max);
    let initial = given_initial.as_ref().map_or(contract.initial, |initial| *initial.get_ref());
    let max = given_max.as_ref().map_or(contract.max, |max| *max.get_ref());
    if let Some(span) = given_max.as_ref().or(given_initial.as_ref()).map(Spanned::span)
        && max < initial
    {
        problems.add(
            Diagnostic::error("range", "the longest wait in `backoff` is shorter than the first")
                .at(span, format!("`initial` is {initial:?}, `max` is {max:?}"))
                .help("backoff = { initial = \"1s\", max = \"30s\" }"),
        );
    }
}

/// A service does not come to an end that could be remembered.
fn inputs(service: &Named, problems: &mut Problems) {
    if let (Some(inputs), Kind::Service) = (&service.draft.inputs, service.draft.kind()) {
        problems.add(
            Diagnostic::error("inputs", format!("service `{}` has `inputs`, which only jobs can have", service.name))
                .at(inputs.span(), "a service does not run to completion")
                .help("to restart a service when files change, use watch; or make it a job: kind = \"job\""),
        );
    }
}

/// A service is started again by `restart`, as often as `breaker` allows.
fn retries(service: &Named, problems: &mut Problems) {
    if let (Some(retries), Kind::Service) = (&service.draft.retries, service.draft.kind()) {
        problems.add(
            Diagnostic::error(
                "retries",
                format!("service `{}` has `retries`, which only jobs and workers can have", service.name),
            )
            .at(retries.span(), "a service does not run to completion")
            .help("for a service, use restart = \"on-failure\" and breaker; or make it a job: kind = \"job\""),
        );
    }
}

/// A job is started again as often as `retries` says, whatever `restart` and `breaker` say.
fn restarts_of_task(service: &Named, problems: &mut Problems) {
    let draft = &service.draft;
    if draft.kind.as_ref().map(Spanned::get_ref) != Some(&Kind::Job) {
        return;
    }
    let breaker = &draft.breaker;
    let (failures, within) = (breaker.failures.as_ref().map(Spanned::span), breaker.within.as_ref().map(Spanned::span));
    let breaker = failures.or(within).or_else(|| breaker.cooldown.as_ref().map(Spanned::span));
    let given = [("restart", draft.restart.as_ref().map(Spanned::span)), ("breaker", breaker)];
    for (key, span) in given.into_iter().filter_map(|(key, span)| Some((key, span?))) {
        problems.add(
            Diagnostic::warning("retries", format!("`{key}` has no effect on the job `{}`", service.name))
                .at(span, "a failed job is retried only up to `retries` times")
                .help("retries = 2: retry it twice at most; without it, never"),
        );
    }
}

/// An open port does not say that PostgreSQL is ready.
fn postgres(service: &Named, problems: &mut Problems) {
    let Some(ready) = &service.draft.ready else { return };
    let Probe::Port(port) = ready.get_ref().probe else { return };
    let starts = service.draft.run.as_ref().is_some_and(|run| starts_postgres(&words_of(run.get_ref())));
    if port == POSTGRES_PORT || starts {
        let help = format!(
            "ready = {{ cmd = \"{}\" }}\nin a container: docker compose exec -T {} pg_isready -q -h 127.0.0.1",
            pg_isready(port),
            service.name
        );
        problems.add(
            Diagnostic::warning("port-too-soon", "PostgreSQL opens its port before it is ready")
                .at(ready.span(), format!("{} would count as ready while PostgreSQL still starts up", service.name))
                .help(help),
        );
    }
}

fn reloads_itself(service: &Named) -> Option<Diagnostic> {
    let run = service.draft.run.as_ref()?;
    let watch = service.draft.watch.as_ref().filter(|watch| !matches!(watch.get_ref(), Watched::Off))?;
    if service.draft.on_change.as_ref().is_some_and(|on_change| *on_change.get_ref() != OnChange::Restart) {
        return None;
    }
    let words = words_of(run.get_ref());
    let dir = service.draft.dir.as_ref().map_or(Some(&service.root), |dir| dir.get_ref().known());
    let script = package_script(&words).and_then(|name| script(dir?, name));
    let tool = self_reloader(&words).or_else(|| self_reloader(&self::words(script.as_deref()?)))?;
    let name = &service.name;
    Some(
        Diagnostic::warning("double-reload", format!("{name} already reloads by itself"))
            .at(watch.span(), format!("{tool} reloads these files without a restart"))
            .at(run.span(), "this watches files itself")
            .help(format!("remove `watch`: devgroup would restart {name} on every save")),
    )
}

fn words_of(command: &RunCommand) -> Vec<&str> {
    match command {
        RunCommand::Shell(text) => words(text),
        RunCommand::Argv(argv) => argv.iter().map(String::as_str).collect(),
    }
}

fn words(command: &str) -> Vec<&str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|');
    command.split(ends).filter(|word| !word.is_empty()).collect()
}

/// What a script of the `package.json` in this folder runs.
fn script(dir: &Path, name: &str) -> Option<String> {
    let text = read_regular(&dir.join("package.json"), MAX_BYTES).ok()?;
    let package: serde_json::Value = serde_json::from_slice(&text).ok()?;
    Some(package.get("scripts")?.get(name)?.as_str()?.to_owned())
}
