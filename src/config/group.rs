//! All files of a group: `name`, `include`, `[watch]`, `[logs]`, `[defaults]` and the services.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::alerts;
use super::check;
use super::diagnostic::Diagnostic;
use super::draft::{Draft, Watched};
use super::export::{self, Exports};
use super::gather::{Gathered, Tree};
use super::instances;
use super::keys::{LOGS, ROOT, START, TASKS, WATCH};
use super::laid_over::TakenOut;
use super::metrics;
use super::place::Place;
use super::problems::{Fields, Problems, Slot, Value, as_key, entries, shown};
use super::service;
use super::several_files::{self, IN_INCLUDED_FILES, IN_INCLUDED_WATCH, misplaced};
use super::{web, worker};
use crate::domain::{
    AskedPort, GroupSpec, Kind, LogSpec, NameFault, PortLedger, ServiceName, SpecPattern, StartSpec, TaskBackend,
    TaskFolders, WatchChoice, WatchSpec, WebSpec, fitting_name, fitting_service_name,
};

/// A service and where it stands.
pub(super) struct Named {
    /// The key below `[services]`.
    pub(super) name: ServiceName,
    /// Its header `[services.api]`, or its key.
    pub(super) header: Range<usize>,
    /// What it and `[defaults]` say.
    pub(super) draft: Draft,
    /// The folder of its file.
    pub(super) root: PathBuf,
    /// Which of the files it stands in.
    part: usize,
}

/// Where the parts of each service stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Places {
    /// Its header or its key.
    pub(super) headers: HashMap<ServiceName, Range<usize>>,
    /// The patterns of `watch`.
    pub(super) patterns: HashMap<ServiceName, Vec<Range<usize>>>,
    /// The patterns of `inputs`.
    pub(super) inputs: HashMap<ServiceName, Vec<Range<usize>>>,
    /// The values that may hold variables: `ready`, `env.PORT`.
    pub(super) values: HashMap<ServiceName, Vec<(String, Range<usize>)>>,
    /// `run` of `[alerts]`.
    pub(super) alert_program: Option<Range<usize>>,
}

/// What one file says.
struct Part<'t> {
    place: Place<'t>,
    watch: Watch,
}

/// What only the group's own file says.
#[derive(Default)]
struct Own {
    name: Option<Arc<str>>,
    logs: LogSpec,
    start: StartSpec,
    alerts: alerts::Written,
    web: Option<WebSpec>,
    metrics: Option<AskedPort>,
    export: Exports,
    /// `dir` of `[tasks]`, absolute, and `backend`.
    tasks: (Option<PathBuf>, Option<TaskBackend>),
    /// Where `[tasks]` stands.
    tasks_span: Option<Range<usize>>,
}

/// Walks the trees of all files, the group's own first, and says where their parts stand. The group is only good if no
/// problem was found.
pub(super) fn read(trees: Vec<Tree<'_>>, gathered: &Gathered, problems: &mut Problems) -> (GroupSpec, Places) {
    let (mut parts, mut own, mut services, mut taken_out) = (Vec::new(), Own::default(), Vec::new(), Vec::new());
    for tree in trees {
        let place = Place::new(&gathered.sources, tree.number);
        let fields = Fields::open(&ROOT, &tree.table, "the file", problems);
        if tree.number == 0 {
            own = read_own(&fields, &place, problems);
        } else {
            misplaced(&fields, &IN_INCLUDED_FILES, "", gathered, problems);
        }
        let watch = fields.read("watch", problems, |slot, problems| {
            let table = table(slot, "[watch]\nignore = [\"docs/\"]", problems)?;
            Some(watch(table, &place, tree.number > 0, gathered, problems))
        });
        let defaults = fields.read("defaults", problems, |slot, problems| {
            table(slot, "[defaults]\nrestart = \"on-failure\"", problems)?;
            Some(service::read(slot.value, "`[defaults]`", &place, problems))
        });
        let defaults = defaults.map(Spanned::into_inner).unwrap_or_default();
        services.extend(read_services(&fields, &defaults, &place, parts.len(), problems));
        taken_out.extend(tree.taken_out.into_iter().map(|out| (out, tree.number == 0)));
        parts.push(Part { place, watch: watch.map_or_else(Watch::default, Spanned::into_inner) });
    }
    several_files::take_out(&mut services, &taken_out, &gathered.sources, problems);
    let mut services = several_files::keep_one_of_each(services, &gathered.sources, problems);
    let taken_out: Vec<TakenOut> = taken_out.into_iter().map(|(out, _)| out).collect();
    instances::find_needs(&mut services, &taken_out, problems);
    check::services(&services, gathered.sources.text(), problems);
    own.export.check(&services, problems);
    own.tasks_span.iter().for_each(|span| worker::check_tasks(span, &services, problems));
    let places = Places {
        headers: services.iter().map(|service| (service.name.clone(), service.header.clone())).collect(),
        patterns: services.iter().map(pattern_places).collect(),
        inputs: services.iter().map(input_places).collect(),
        values: services.iter().map(|service| (service.name.clone(), service.draft.value_places())).collect(),
        alert_program: own.alerts.1.clone(),
    };
    let edges: Vec<check::Edge> = services.iter().flat_map(check::edges).collect();
    let spec = finish(services, &parts, own, gathered);
    check::circles(&spec, &edges, problems);
    (spec, places)
}

/// What only the group's own file may say.
fn read_own(fields: &Fields<'_, '_>, place: &Place<'_>, problems: &mut Problems) -> Own {
    let name = fields.read_value("name", problems, Slot::group_name).map(|name| Arc::from(name.into_inner()));
    let _ = fields.read("include", problems, several_files::include);
    let logs = fields.read("logs", problems, |slot, problems| {
        let table = table(slot, "[logs]\nmemory = \"64MiB\"", problems)?;
        let fields = Fields::open(&LOGS, table, "`[logs]`", problems);
        let memory = fields.read_value("memory", problems, Slot::size);
        let default = LogSpec::default();
        let memory = memory.map_or(default.memory, Spanned::into_inner);
        let total = fields.read_value("total", problems, Slot::size);
        let total = total.map_or(default.total.max(memory), Spanned::into_inner);
        let files = fields.read_value("files", problems, Slot::boolean).map_or(default.files, Spanned::into_inner);
        let max_size = fields.read_value("max_size", problems, Slot::size);
        let max_size = max_size.and_then(|size| u64::try_from(size.into_inner()).ok()).unwrap_or(default.max_size);
        let max_files = fields.read_value("max_files", problems, |slot| slot.whole(1..=u32::MAX));
        let max_files = max_files.map_or(default.max_files, Spanned::into_inner);
        Some(LogSpec { memory, total, files, max_size, max_files })
    });
    let start = fields.read("start", problems, |slot, problems| {
        let table = table(slot, "[start]\nparallel = 4", problems)?;
        let fields = Fields::open(&START, table, "`[start]`", problems);
        let parallel = fields.read_value("parallel", problems, |slot| slot.whole(1..=u32::MAX));
        Some(StartSpec { parallel: parallel.and_then(|parallel| NonZeroU32::new(parallel.into_inner())) })
    });
    let tasks = fields.read("tasks", problems, |slot, problems| {
        let table = table(slot, "[tasks]\ndir = \"shared\"", problems)?;
        let fields = Fields::open(&TASKS, table, "`[tasks]`", problems);
        let dir = fields.read_value("dir", problems, |slot| worker::tasks_dir(slot, place));
        let backend = fields.read_value("backend", problems, worker::tasks_backend);
        Some((dir.map(Spanned::into_inner), backend.map(Spanned::into_inner)))
    });
    let alerts = fields.read("alerts", problems, |slot, problems| alerts::read(slot, &place.root, problems));
    let web = fields.read("web", problems, web::read);
    let metrics = fields.read("metrics", problems, metrics::read);
    let export = fields.read("export", problems, export::read);
    Own {
        name,
        web: web.map(Spanned::into_inner),
        metrics: metrics.map(Spanned::into_inner),
        alerts: alerts.map(Spanned::into_inner).unwrap_or_default(),
        export: export.map(Spanned::into_inner).unwrap_or_default(),
        tasks_span: tasks.as_ref().and_then(|_| fields.key_span("tasks")),
        tasks: tasks.map(Spanned::into_inner).unwrap_or_default(),
        logs: logs.map_or_else(LogSpec::default, Spanned::into_inner),
        start: start.map_or_else(StartSpec::default, Spanned::into_inner),
    }
}

/// The group, with all defaults filled in.
fn finish(services: Vec<Named>, parts: &[Part<'_>], own: Own, gathered: &Gathered) -> GroupSpec {
    let kinds: HashMap<ServiceName, Kind> =
        services.iter().map(|service| (service.name.clone(), service.draft.kind())).collect();
    let kind_of = |name: &ServiceName| {
        let of = name.split_instance().map(|(of, _)| of);
        kinds.get(of.as_ref().unwrap_or(name)).copied().unwrap_or_default()
    };
    let group_debounce = parts.first().and_then(|part| part.watch.debounce).unwrap_or(WatchSpec::DEBOUNCE);
    let finished = services.into_iter().filter_map(|service| {
        let part = parts.get(service.part)?;
        let debounce = part.watch.debounce.unwrap_or(group_debounce);
        let mut spec = service.draft.finish(&service.name, &part.place, debounce, &kind_of);
        if let Some(worker) = spec.worker.as_mut().map(Arc::make_mut) {
            let (dir, backend) = own.tasks.clone();
            worker.folders = dir.map_or_else(|| worker.folders.clone(), TaskFolders::below);
            worker.backend = backend.filter(|_| !worker.remote);
        }
        if service.part > 0 {
            spec.file_ignore = part.watch.spec.ignore.clone();
            // The default stands nowhere, and holds for the group.
            spec.file_also = part.watch.spec.also.iter().filter(|pattern| pattern.line > 0).cloned().collect();
        }
        Some(Arc::new(spec))
    });
    // Collected in place of what was read, which takes much more.
    let mut services: Vec<_> = finished.collect();
    services.shrink_to_fit();
    let file = gathered.sources.file(0);
    let root = file.parent().unwrap_or(file).to_owned();
    let checkout = parts.first().map(|part| part.place.worktree().checkout(&root)).unwrap_or_default();
    let mut spec = GroupSpec {
        name: own.name.unwrap_or_else(|| Arc::from(name_of(&root))),
        root,
        file: file.to_owned(),
        files: gathered.paths(),
        include: gathered.include.clone(),
        services,
        replicated: Vec::new(),
        watch: parts.first().map(|part| part.watch.spec.clone()).unwrap_or_default(),
        logs: own.logs,
        start: own.start,
        alerts: own.alerts.0,
        web: own.web,
        metrics: own.metrics,
        export: own.export.spec,
        checkout,
    };
    // As if all ports were free: who runs the group looks.
    PortLedger::default().assign(&mut spec, &mut |_| None);
    spec
}

/// Where the patterns of `inputs` stand.
fn input_places(service: &Named) -> (ServiceName, Vec<Range<usize>>) {
    let inputs = service.draft.inputs.iter().flat_map(|inputs| inputs.get_ref());
    (service.name.clone(), inputs.map(Spanned::span).collect())
}

/// Where the patterns of `watch` stand; of `watch = true`, the key's value.
fn pattern_places(service: &Named) -> (ServiceName, Vec<Range<usize>>) {
    let places = match service.draft.watch.as_ref().map(|watch| (watch.get_ref(), watch.span())) {
        Some((Watched::Globs(globs), _)) => globs.iter().map(Spanned::span).collect(),
        Some((Watched::All { .. }, span)) => vec![span],
        Some((Watched::Off, _)) | None => Vec::new(),
    };
    (service.name.clone(), places)
}

const BACKENDS: &[(&str, WatchChoice)] = &[
    ("auto", WatchChoice::Auto),
    ("native", WatchChoice::Native),
    ("notify", WatchChoice::Notify),
    ("poll", WatchChoice::Poll),
];

/// `[watch]`, with what only services carry in the specification.
#[derive(Default)]
pub(super) struct Watch {
    spec: WatchSpec,
    debounce: Option<std::time::Duration>,
}

fn watch(
    table: &DeTable<'_>,
    place: &Place<'_>,
    is_included: bool,
    gathered: &Gathered,
    problems: &mut Problems,
) -> Watch {
    let fields = Fields::open(&WATCH, table, "`[watch]`", problems);
    let default = WatchSpec::default();
    if is_included {
        misplaced(&fields, &IN_INCLUDED_WATCH, "[watch] ", gathered, problems);
    }
    let mut patterns = |name: &'static str, default: Vec<SpecPattern>| {
        let read = fields.read(name, problems, |slot, problems| service::ignore_patterns(slot, place, problems));
        read.map_or(default, |patterns| patterns.into_inner().into_iter().map(Spanned::into_inner).collect())
    };
    let ignore = patterns("ignore", default.ignore);
    let also = patterns("also", default.also);
    Watch {
        debounce: fields.read_value("debounce", problems, Slot::duration).map(Spanned::into_inner),
        spec: WatchSpec {
            ignore,
            also,
            max_wait: fields
                .read_value("max_wait", problems, Slot::some_duration)
                .map_or(default.max_wait, Spanned::into_inner),
            gitignore: fields
                .read_value("gitignore", problems, Slot::boolean)
                .map_or(default.gitignore, Spanned::into_inner),
            backend: fields
                .read_value("backend", problems, |slot| slot.choice(BACKENDS))
                .map_or(default.backend, Spanned::into_inner),
            poll_interval: fields.read_value("poll_interval", problems, Slot::some_duration).map(Spanned::into_inner),
            git_hold: fields
                .read_value("git_hold", problems, Slot::boolean)
                .map_or(default.git_hold, Spanned::into_inner),
        },
    }
}

fn table<'a, 't>(slot: Slot<'a, 't>, example: &str, problems: &mut Problems) -> Option<&'a DeTable<'t>> {
    match slot.value.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => {
            problems.add(slot.wrong_type().help(example));
            None
        }
    }
}

/// The name of a group that says none: that of its folder, which may be called anything.
fn name_of(folder: &Path) -> String {
    let name = folder.file_name().map(|name| fitting_name(&name.to_string_lossy()));
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "group".into())
}

fn read_services(
    fields: &Fields<'_, '_>,
    defaults: &Draft,
    place: &Place<'_>,
    part: usize,
    problems: &mut Problems,
) -> Vec<Named> {
    const EXAMPLE: &str = "[services]\nweb = \"npm run dev\"";
    // They may all stand in other files.
    let includes = part == 0 && fields.key_span("include").is_some();
    let read = fields.read("services", problems, |slot, problems| {
        let table = table(slot, EXAMPLE, problems)?;
        let entries = entries(table);
        if entries.is_empty() && !includes {
            problems.add(
                Diagnostic::error("no-services", "there are no services")
                    .at(fields.key_span("services").unwrap_or_default(), "nothing in it")
                    .help(EXAMPLE),
            );
        }
        let heavy =
            fields.value("defaults").is_some_and(|defaults| weight(defaults).saturating_mul(entries.len()) > HEAVY);
        let nothing = Draft::default();
        if heavy {
            problems.add(
                Diagnostic::error("too-large", format!("`[defaults]` is too large for {} services", entries.len()))
                    .at(fields.key_span("defaults").unwrap_or_default(), "every service gets all of it")
                    .help("move it to the services that need it"),
            );
        }
        let defaults = if heavy { &nothing } else { defaults };
        let named = entries.into_iter().map(|(key, value)| {
            let name: &str = key.get_ref();
            problems.keep(service_name(name, key.span()));
            let place_name = format!("service `{}`", shown(name));
            let name = ServiceName::new(name);
            let draft = service::read(value, &place_name, place, problems).over(&name, defaults);
            let header =
                Some(value.span()).filter(|span| place.text.get(span.clone()).is_some_and(|t| t.starts_with('[')));
            let header = header.filter(|_| matches!(value.get_ref(), DeValue::Table(_))).unwrap_or(key.span());
            Named { name, header, draft, root: place.root.clone(), part }
        });
        Some(named.collect::<Vec<_>>())
    });
    match read {
        Some(services) => services.into_inner(),
        None => {
            if fields.key_span("services").is_none() && !fields.is_meant("services") && !includes {
                problems.add(
                    Diagnostic::error("no-services", "there are no services")
                        .at(place.end..place.end, "`[services]` is missing")
                        .help(EXAMPLE),
                );
            }
            Vec::new()
        }
    }
}

/// Bytes that the defaults of all services may have together: a short file could ask for all memory.
const HEAVY: usize = 64 << 20;

/// About so many bytes of memory, for one service.
fn weight(value: &Value<'_>) -> usize {
    let inner = match value.get_ref() {
        DeValue::String(text) => text.len(),
        DeValue::Array(values) => values.iter().map(weight).sum(),
        DeValue::Table(table) => table.iter().map(|(key, value)| key.get_ref().len() + weight(value)).sum(),
        _ => 0,
    };
    inner + size_of::<Value<'_>>()
}

fn service_name(name: &str, span: Range<usize>) -> Result<(), Diagnostic> {
    let Some(fault) = NameFault::of_service(name) else { return Ok(()) };
    let problem =
        Diagnostic::error("name", format!("`{}` is not a valid service name", shown(name))).at(span, fault.to_string());
    Err(match fitting_service_name(name).as_str() {
        "" => problem.help("[services]\nweb = \"npm run dev\""),
        better => problem.help(format!("[services.{}]", as_key(better))),
    })
}
