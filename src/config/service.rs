//! Reading the table of a service, or `[defaults]`, key by key.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::Diagnostic;
use super::draft::{BackoffDraft, BreakerDraft, Draft, Given, Needs, StopDraft, Watched};
use super::env_file_key;
use super::expand::Dollars;
use super::keys::{BACKOFF, BREAKER, LIMITS, SERVICE, STOP};
use super::near::near;
use super::peers;
use super::place::Place;
use super::ports;
use super::probe;
use super::problems::{Fields, Problems, Slot, Value, as_key, entries, shown};
use super::schedule;
use super::values;
use super::worker;
use crate::domain::{
    Condition, Expandable, Instance, Kind, OnChange, PaneView, RestartPolicy, ServiceName, Signal, SpecPattern,
    visible_path,
};
use crate::group_files::local_of;

/// Reads the value of a service, a text or a table, or of `[defaults]`. `name` is for sentences: "service `api`".
pub(super) fn read(value: &Value<'_>, name: &str, place: &Place<'_>, problems: &mut Problems) -> Draft {
    let DeValue::Table(table) = value.get_ref() else { return without_keys(value, name, place, problems) };
    let fields = Fields::open(&SERVICE, table, name, problems);
    let run = fields.read("run", problems, Slot::command);
    Draft {
        run_reported: run.is_none() && (fields.key_span("run").is_some() || fields.is_meant("run")),
        run,
        kind: fields.read_value("kind", problems, |slot| {
            slot.choice(&[("service", Kind::Service), ("job", Kind::Job), ("worker", Kind::Worker)])
        }),
        dir: fields.read_value("dir", problems, |slot| place.folder(slot)),
        env: fields.read("env", problems, env).map(Spanned::into_inner).unwrap_or_default(),
        env_files: fields.read("env_file", problems, |slot, problems| env_file_key::files(slot, place, problems)),
        port: fields.read_value("port", problems, ports::port),
        ports: fields.read("ports", problems, ports::ports),
        depends_on: fields.read("depends_on", problems, depends_on).map(Spanned::into_inner),
        ready: fields.read("ready", problems, |slot, problems| probe::ready(slot, place, problems)),
        alive: fields.read("alive", problems, |slot, problems| probe::alive(slot, place, problems)),
        validate: fields.read("validate", problems, probe::validate),
        memory_limit: fields.read("limits", problems, memory_limit).and_then(Spanned::into_inner),
        cascade: fields.read_value("cascade", problems, Slot::boolean),
        restart: fields.read_value("restart", problems, restart),
        retries: fields.read_value("retries", problems, |slot| slot.whole(0..=u32::MAX)),
        schedule: fields.read_value("schedule", problems, |slot| schedule::schedule(slot, place)),
        timezone: fields.read_value("timezone", problems, schedule::timezone),
        run_on_start: fields.read_value("run_on_start", problems, Slot::boolean),
        inputs: fields.read("inputs", problems, |slot, problems| inputs(slot, place, problems)),
        backoff: fields.read("backoff", problems, backoff).map(Spanned::into_inner).unwrap_or_default(),
        breaker: fields.read("breaker", problems, breaker).map(Spanned::into_inner).unwrap_or_default(),
        stop: fields.read("stop", problems, stop).map(Spanned::into_inner).unwrap_or_default(),
        worker: worker::read(&fields, problems),
        replicas: fields.read_value("replicas", problems, |slot| slot.whole(0..=Instance::MOST)),
        autostart: fields.read_value("autostart", problems, Slot::boolean),
        profiles: fields.read("profiles", problems, |slot, problems| {
            let profiles = slot.list(problems, |slot, problems| problems.keep(slot.line()).map(str::to_owned))?;
            Some(profiles.into_iter().map(Spanned::into_inner).collect())
        }),
        group: fields.read_value("group", problems, Slot::group_name),
        url: fields.read_value("url", problems, url),
        watch: fields.read("watch", problems, |slot, problems| {
            let key = fields.key_span("watch").unwrap_or_default();
            watch(slot, &key, place, problems)
        }),
        ignore: fields
            .read("ignore", problems, |slot, problems| ignore_patterns(slot, place, problems))
            .map(Spanned::into_inner),
        debounce: fields.read_value("debounce", problems, Slot::duration),
        on_change: fields.read_value("on_change", problems, on_change),
        view: fields.read_value("view", problems, |slot| {
            slot.choice(&[("auto", PaneView::Auto), ("log", PaneView::Log), ("screen", PaneView::Screen)])
        }),
    }
}

/// What a value says that is no table: its command, or nothing that can be used.
fn without_keys(value: &Value<'_>, name: &str, place: &Place<'_>, problems: &mut Problems) -> Draft {
    if let (DeValue::String(_), Some(key)) = (value.get_ref(), SERVICE.key("run")) {
        let slot = Slot { key, place: name, value };
        let run = slot.command(problems).map(|run| Spanned::new(value.span(), run));
        return Draft { run_reported: run.is_none(), run, ..Draft::default() };
    }
    let problem = Diagnostic::error("type", format!("{name} must be a string (its command) or a table"))
        .at(value.span(), "this is neither");
    problems.add(match value.get_ref() {
        DeValue::Array(_) => problem.help("to run a list, use a table: { run = [\"…\"] }"),
        DeValue::Boolean(false) => {
            let local = local_of(&place.file);
            let local = visible_path(Path::new(local.file_name().unwrap_or_default())).into_owned();
            Diagnostic::error("taken-out", format!("{name} is taken out, which only a local file can do"))
                .at(value.span(), "not in this file")
                .help(format!("write this into {local}, or remove it here"))
        }
        _ if name.split('`').nth(1).is_some_and(|name| SERVICE.key(name).is_some()) => {
            problem.help("write the keys of a service under its name: [services.web]")
        }
        _ => problem.help("[services]\nweb = \"npm run dev\""),
    });
    Draft { run_reported: true, ..Draft::default() }
}

fn env(slot: Slot<'_, '_>, problems: &mut Problems) -> Option<Vec<(String, Spanned<String>)>> {
    let DeValue::Table(table) = slot.value.get_ref() else {
        problems.add(slot.wrong_type().help("env = { PORT = \"4000\" }"));
        return None;
    };
    let mut variables = Vec::new();
    for (key, value) in entries(table) {
        let name: &str = key.get_ref();
        if name.is_empty() || name.contains(['=', '\0']) || name.contains(char::is_whitespace) {
            problems.add(
                Diagnostic::error("env", format!("`{}` is not a valid variable name", shown(name)))
                    .at(key.span(), "names contain no spaces and no `=`")
                    .help("env = { PORT = \"4000\" }"),
            );
            continue;
        }
        let slot = slot.with(value);
        match value.get_ref() {
            DeValue::String(_) => {
                let text = slot.text().and_then(|text| match super::expand::malformed(text) {
                    None => Ok(text.to_owned()),
                    Some(error) => Err(Diagnostic::error("variable", error.to_string())
                        .at(value.span(), format!("the value of {name}"))
                        .help(format!("{name} = \"${{HOST:-localhost}}:8000\""))),
                });
                variables.extend(problems.keep(text).map(|text| (name.to_owned(), Spanned::new(value.span(), text))));
            }
            other => {
                let problem = Diagnostic::error("type", format!("the variable `{}` must be a string", shown(name)));
                let written = match other {
                    DeValue::Integer(number) => Some(number.to_string()),
                    DeValue::Float(number) => Some(number.to_string()),
                    DeValue::Boolean(value) => Some(value.to_string()),
                    _ => None,
                };
                let problem = problem.at(value.span(), "environment variables are strings");
                problems.add(match written {
                    Some(written) => problem.help(format!("{name} = \"{written}\"")),
                    None => problem.help(format!("{name} = \"…\"")),
                });
            }
        }
    }
    Some(variables)
}

fn depends_on(slot: Slot<'_, '_>, problems: &mut Problems) -> Option<Needs> {
    const CONDITIONS: [(&str, Condition); 3] =
        [("started", Condition::Started), ("ready", Condition::Ready), ("done", Condition::Done)];
    let mut needs: Needs = match slot.value.get_ref() {
        DeValue::Table(table) => entries(table)
            .into_iter()
            .map(|(name, value)| {
                let of = |word: &str| format!("depends_on = {{ {} = \"{word}\" }}", as_key(name.get_ref()));
                let condition = match value.get_ref() {
                    DeValue::Table(table) => Err(condition_in_table(table, value, &of)),
                    _ => slot
                        .with(value)
                        .choice(&CONDITIONS)
                        .map_err(|problem| problem.help(CONDITIONS.map(|(word, _)| of(word)).join("   or   "))),
                };
                let condition = problems.keep(condition);
                Spanned::new(name.span(), (ServiceName::new(name.get_ref()), condition))
            })
            .collect(),
        _ => {
            slot.list(problems, |slot, problems| problems.keep(slot.word()).map(|name| (ServiceName::new(name), None)))?
        }
    };
    let mut seen = HashSet::new();
    needs.retain(|entry| seen.insert(entry.get_ref().0.clone()));
    Some(needs)
}

/// `db = { condition = "service_healthy" }`, as compose has it.
fn condition_in_table(table: &DeTable<'_>, value: &Value<'_>, of: &dyn Fn(&str) -> String) -> Diagnostic {
    let said = match table.get("condition").map(Spanned::get_ref) {
        Some(DeValue::String(word)) => peers::value("depends_on", word).unwrap_or(word),
        _ => "ready",
    };
    Diagnostic::error("type", "a condition in `depends_on` must be a string")
        .at(value.span(), "this is a table")
        .help(of(said))
}

fn restart(slot: Slot<'_, '_>) -> Result<RestartPolicy, Diagnostic> {
    slot.choice(&[
        ("never", RestartPolicy::Never),
        ("on-failure", RestartPolicy::OnFailure),
        ("always", RestartPolicy::Always),
    ])
}

fn backoff(slot: Slot<'_, '_>, problems: &mut Problems) -> Option<BackoffDraft> {
    let DeValue::Table(table) = slot.value.get_ref() else {
        problems.add(slot.wrong_type().help("backoff = { initial = \"1s\", factor = 2.0, max = \"30s\" }"));
        return None;
    };
    let fields = Fields::open(&BACKOFF, table, format!("`backoff` of {}", slot.place), problems);
    Some(BackoffDraft {
        initial: fields.read_value("initial", problems, Slot::duration),
        factor: fields.read_value("factor", problems, Slot::factor),
        max: fields.read_value("max", problems, Slot::duration),
        reset_after: fields.read_value("reset_after", problems, Slot::duration),
    })
}

fn breaker(slot: Slot<'_, '_>, problems: &mut Problems) -> Option<BreakerDraft> {
    let DeValue::Table(table) = slot.value.get_ref() else {
        problems.add(slot.wrong_type().help("breaker = { failures = 5, within = \"60s\", cooldown = \"60s\" }"));
        return None;
    };
    let fields = Fields::open(&BREAKER, table, format!("`breaker` of {}", slot.place), problems);
    Some(BreakerDraft {
        failures: fields.read_value("failures", problems, |slot| slot.whole(1..=u32::MAX)),
        within: fields.read_value("within", problems, Slot::some_duration),
        cooldown: fields.read_value("cooldown", problems, Slot::duration),
    })
}

fn stop(slot: Slot<'_, '_>, problems: &mut Problems) -> Option<StopDraft> {
    let DeValue::Table(table) = slot.value.get_ref() else {
        let problem = slot.wrong_type();
        problems.add(match slot.value.get_ref() {
            DeValue::String(text) if Signal::from_name(text).is_some() => {
                problem.help(format!("stop = {{ signal = \"{text}\" }}"))
            }
            _ => problem.help("stop = { signal = \"TERM\", grace = \"5s\" }"),
        });
        return None;
    };
    let fields = Fields::open(&STOP, table, format!("`stop` of {}", slot.place), problems);
    Some(StopDraft {
        signal: fields.read_value("signal", problems, Slot::signal),
        grace: fields.read_value("grace", problems, Slot::duration),
        command: fields.read("command", problems, Slot::command),
        leader_only: fields.read_value("to", problems, |slot| slot.choice(&[("group", false), ("leader", true)])),
    })
}

/// `limits`: nothing if it says nothing.
fn memory_limit(slot: Slot<'_, '_>, problems: &mut Problems) -> Option<Given<u64>> {
    let DeValue::Table(table) = slot.value.get_ref() else {
        let problem = slot.wrong_type();
        problems.add(match slot.value.get_ref() {
            DeValue::String(text) => problem.help(format!("limits = {{ memory = \"{}\" }}", shown(text))),
            _ => problem.help("limits = { memory = \"2GiB\" }"),
        });
        return None;
    };
    let fields = Fields::open(&LIMITS, table, format!("`limits` of {}", slot.place), problems);
    Some(fields.read_value("memory", problems, Slot::memory_limit))
}

fn url(slot: Slot<'_, '_>) -> Result<Expandable<String>, Diagnostic> {
    let written = slot.line()?;
    let Some(text) = slot.fixed(written, Dollars::Ours)? else { return Ok(Expandable::Text(written.into())) };
    if !opens_in_browser(&text) {
        return Err(Diagnostic::error("url", format!("`{}` is not an http:// or https:// address", shown(&text)))
            .at(slot.span(), "it must begin with http:// or https://")
            .help("url = \"http://localhost:4000\""));
    }
    Ok(Expandable::Known(text))
}

/// Whether a browser opens it.
pub(super) fn opens_in_browser(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !text.contains(|c: char| c == ' ' || c.is_control()))
}

fn watch(slot: Slot<'_, '_>, key: &Range<usize>, place: &Place<'_>, problems: &mut Problems) -> Option<Watched> {
    match slot.value.get_ref() {
        DeValue::Boolean(false) => Some(Watched::Off),
        DeValue::Boolean(true) => Some(Watched::All { line: place.line(key), file: place.other_file(key) }),
        DeValue::Array(_) => {
            let globs = slot.list(problems, |slot, problems| problems.keep(slot.glob(place)))?;
            if globs.iter().any(|glob| !glob.get_ref().text.starts_with('!')) {
                return Some(Watched::Globs(globs));
            }
            if !globs.is_empty() {
                problems.add(
                    Diagnostic::error("pattern", format!("{} only excludes, and includes nothing", slot.what()))
                        .at(slot.span(), "every pattern starts with `!`")
                        .help("put first what to watch: watch = [\"**\", \"!docs/**\"]"),
                );
                return None;
            }
            Some(Watched::Off)
        }
        DeValue::String(text) => {
            problems.add(slot.wrong_type().help(format!("watch = [\"{}\"]   or   watch = true", shown(text))));
            None
        }
        _ => {
            problems.add(slot.wrong_type().help("watch = true   or   watch = [\"src/**\"]"));
            None
        }
    }
}

/// The files of a job: globs, as those of `watch`.
fn inputs(slot: Slot<'_, '_>, place: &Place<'_>, problems: &mut Problems) -> Option<Vec<Spanned<SpecPattern>>> {
    if let DeValue::String(text) = slot.value.get_ref() {
        problems.add(slot.wrong_type().help(format!("inputs = [\"{}\"]", shown(text))));
        return None;
    }
    let globs = slot.list(problems, |slot, problems| problems.keep(slot.glob(place)))?;
    if globs.is_empty() || globs.iter().any(|glob| !glob.get_ref().text.starts_with('!')) {
        return Some(globs);
    }
    problems.add(
        Diagnostic::error("pattern", format!("{} only excludes, and includes nothing", slot.what()))
            .at(slot.span(), "every pattern starts with `!`")
            .help("put first what counts: inputs = [\"migrations/**\", \"!**/*.md\"]"),
    );
    None
}

/// Patterns in gitignore syntax.
pub(super) fn ignore_patterns(
    slot: Slot<'_, '_>,
    place: &Place<'_>,
    problems: &mut Problems,
) -> Option<Vec<Spanned<SpecPattern>>> {
    slot.list(problems, |slot, problems| problems.keep(slot.ignore_pattern(place)))
}

fn on_change(slot: Slot<'_, '_>) -> Result<OnChange, Diagnostic> {
    let text = slot.text()?;
    let problem = |label: String| {
        Diagnostic::error("value", format!("`{}` is not a valid value for {}", shown(text), slot.what()))
            .at(slot.span(), label)
            .help("\"restart\" (default), \"signal:HUP\", \"run:make css\" or \"mark\"")
    };
    match text.split_once(':') {
        None if text == "restart" => Ok(OnChange::Restart),
        None if text == "mark" => Ok(OnChange::Mark),
        Some(("signal", name)) => values::signal(name.trim()).map(OnChange::Signal).map_err(|label| {
            Diagnostic::error("signal", format!("unknown signal `{}`", shown(name.trim())))
                .at(slot.span(), label)
                .help(values::signals())
        }),
        Some(("run", command)) if !command.trim().is_empty() => Ok(OnChange::Run(command.trim().to_owned())),
        Some(("run", _)) => Err(problem("the command after `run:` is missing".into())),
        None if text == "notify" => {
            Err(problem("this is called \"mark\": it marks the log and does not restart".into()))
        }
        _ => Err(problem(match near(text, ["restart", "mark", "signal:HUP"]).first() {
            Some(word) => format!("did you mean \"{word}\"?"),
            None => "not one of the allowed values".into(),
        })),
    }
}
