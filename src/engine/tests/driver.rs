//! A scenario: things happen at times, and the trace of what came of them reads like a story.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    ChangeKind, Command, Comparison, Difference, Differs, ExitStatus, Exited, Fact, FileEvent, FileReader,
    GroupSnapshot, GroupSpec, Marker, Match, Moment, NextTry, Phase, Rule, RuleSource, RunId, RunReport, ServiceName,
    ServiceSnapshot, ServiceSpec, Signal, SignalTarget, Targets, Usage, Validated, Verdict, WorkerSnapshot,
};
use crate::engine::{Effect, Engine, Event};

use super::fixture::group;

/// Lines `time > what happened`, and below each `time   what was ordered`.
pub(super) struct Scenario {
    pub(super) engine: Engine,
    pub(super) now: Moment,
    trace: String,
    /// All that has been told.
    pub(super) facts: Vec<Fact>,
    pid: u32,
    disk: Disk,
    /// Of each start, whether it looks at its inputs first.
    looks: Vec<bool>,
}

/// What a watcher would know: the files that have changed since each service started.
#[derive(Default)]
struct Disk {
    /// Files that are being written.
    open: Vec<String>,
    changed: BTreeMap<ServiceName, Vec<Differs>>,
    /// Files that hold what they held.
    same: Vec<String>,
    /// It does not answer by itself.
    mute: bool,
    slow: bool,
    asked: Vec<(u64, Vec<ServiceName>)>,
    answered: Vec<Comparison>,
    /// Why services could not start now.
    lacks: BTreeMap<ServiceName, String>,
    /// Whether these could start is to be found out.
    starts: Vec<(ServiceName, u32)>,
}

impl Disk {
    fn note(&mut self, event: &FileEvent) {
        let Match::Watched { services, .. } = &event.matched else { return };
        self.open.retain(|path| **path != *event.path);
        if !event.finished {
            self.open.push(event.path.to_string());
        }
        for name in services.iter() {
            let files = self.changed.entry(name.clone()).or_default();
            match files.iter_mut().find(|file| file.path == event.path) {
                Some(file) => file.last_at = event.at,
                None => files.push(Differs {
                    path: event.path.clone(),
                    first_at: event.at,
                    last_at: event.at,
                    is_new: false,
                }),
            }
        }
    }

    /// Whether it could start is not answered yet, and need not be any more.
    fn is_asked(&mut self, service: &ServiceName, number: u32) -> bool {
        let before = self.starts.len();
        self.starts.retain(|one| one != &(service.clone(), number));
        self.starts.len() < before
    }

    fn answer(&mut self) -> Option<Comparison> {
        self.answer_asked();
        self.answered.pop()
    }

    fn answer_asked(&mut self) {
        let asked = std::mem::take(&mut self.asked);
        let answers: Vec<_> = asked.into_iter().map(|(ask, services)| self.compare(ask, services)).collect();
        self.answered.extend(answers);
    }

    fn compare(&self, ask: u64, services: Vec<ServiceName>) -> Comparison {
        let differs = |file: &&Differs| !self.same.iter().any(|same| **same == *file.path);
        let difference = |name: ServiceName| {
            let files = self.changed.get(&name).into_iter().flatten().filter(differs).cloned().collect();
            (name, Difference { files, more: 0 })
        };
        Comparison { ask, services: services.into_iter().map(difference).collect() }
    }
}

/// The names of those whose files are compared.
pub(super) fn names_of(readers: &[FileReader]) -> Vec<ServiceName> {
    readers.iter().map(|reader| reader.service.clone()).collect()
}

impl Scenario {
    pub(super) fn new(services: Vec<ServiceSpec>) -> Self {
        Self::of(group(services))
    }

    /// A scenario of a group with other settings.
    pub(super) fn of(spec: Arc<GroupSpec>) -> Self {
        let engine = Engine::new(spec, 1);
        Self {
            engine,
            now: Moment::START,
            trace: String::new(),
            facts: Vec::new(),
            pid: 100,
            disk: Disk::default(),
            looks: Vec::new(),
        }
    }

    /// A scenario after the start of everything, with the trace still empty. Services with a check are ready.
    pub(super) fn running(services: Vec<ServiceSpec>) -> Self {
        let mut scenario = Self::new(services);
        scenario.begin();
        while let Some(next) = scenario
            .snapshot()
            .services
            .iter()
            .find(|service| service.phase.word() == "starting" && service.pid.is_none())
        {
            scenario.started(next.name.as_str()).ready(next.name.as_str());
        }
        scenario.trace.clear();
        scenario
    }

    pub(super) fn event(&mut self, text: &str, event: Event) -> &mut Self {
        let _ = writeln!(self.trace, "{} > {text}", self.time());
        self.turn(event);
        self
    }

    fn turn(&mut self, event: Event) {
        if let Event::Files(files) = &event {
            files.iter().for_each(|file| self.disk.note(file));
        }
        for effect in self.engine.update(event, self.now) {
            if let Effect::Tell(fact) = &effect {
                self.facts.push(fact.clone());
            }
            if let Effect::Spawn { looks_at_inputs, .. } = &effect {
                self.looks.push(*looks_at_inputs);
            }
            match &effect {
                Effect::Compare { ask, services, .. } => self.disk.asked.push((*ask, names_of(services))),
                Effect::Baseline { services, at, sync } => {
                    if *sync {
                        // What was asked before is answered before.
                        self.disk.answer_asked();
                    }
                    let Disk { changed, open, .. } = &mut self.disk;
                    for name in services {
                        let is_news =
                            |file: &Differs| file.last_at > *at || open.iter().any(|path| **path == *file.path);
                        changed.entry(name.clone()).or_default().retain(is_news);
                    }
                }
                Effect::Holding(_) => {}
                // As a rule nothing is missing, and nobody notices that it is looked at.
                Effect::Validate { spec, number } if is_silent(spec) => {
                    self.disk.starts.push((spec.name.clone(), *number));
                }
                Effect::EndValidation { service, number } if self.disk.is_asked(service, *number) => {}
                _ => {
                    if let Some(text) = text(&effect) {
                        let _ = writeln!(self.trace, "{}   {text}", self.time());
                    }
                }
            }
        }
        if !self.disk.slow {
            self.look_at_starts();
        }
        if !self.disk.mute {
            self.answer();
        }
    }

    /// What could start is not found out before [`Self::look_at_starts`].
    pub(super) fn slow(&mut self) -> &mut Self {
        self.disk.slow = true;
        self
    }

    /// What could start is found out.
    pub(super) fn look_at_starts(&mut self) {
        while !self.disk.starts.is_empty() {
            let (service, number) = self.disk.starts.remove(0);
            let problem = self.disk.lacks.get(&service).cloned();
            let result = problem.map_or(Validated::Passed, Validated::CannotStart);
            let report = RunReport::Validated { number, result };
            self.turn(Event::Run { service, run: RunId(0), report });
        }
    }

    /// The watcher answers what it was asked.
    pub(super) fn answer(&mut self) -> &mut Self {
        while let Some(comparison) = self.disk.answer() {
            self.turn(Event::Compared(comparison));
        }
        self
    }

    /// The watcher does not answer by itself from now on.
    pub(super) fn mute(&mut self) -> &mut Self {
        self.disk.mute = true;
        self
    }

    /// From now on these files hold what they held when their services started.
    pub(super) fn same(&mut self, paths: &[&str]) -> &mut Self {
        self.disk.same = paths.iter().map(|&path| path.to_owned()).collect();
        self
    }

    /// From now on this service could not start, for this reason; `None`: it could.
    pub(super) fn lacks(&mut self, service: &str, problem: Option<&str>) -> &mut Self {
        match problem {
            Some(problem) => drop(self.disk.lacks.insert(service.into(), problem.into())),
            None => drop(self.disk.lacks.remove(&ServiceName::from(service))),
        }
        self
    }

    /// Of each start so far, whether it looks at its inputs first.
    pub(super) fn looked_at_inputs(&self) -> Vec<bool> {
        self.looks.clone()
    }

    /// What is said to the user.
    pub(super) fn notice(&self) -> String {
        self.snapshot().notice.as_ref().map_or_else(String::new, |notice| notice.summary.to_string())
    }

    fn time(&self) -> String {
        format!("{:>7.3}", self.now.since_start().as_secs_f64())
    }

    /// Lets time pass, waking the machine whenever it asked for it.
    pub(super) fn until(&mut self, seconds: f64) -> &mut Self {
        let end = Moment::after_start(Duration::from_secs_f64(seconds));
        while let Some(deadline) = self.engine.next_deadline().filter(|&deadline| deadline <= end) {
            assert!(deadline > self.now, "the machine wants to be woken in the past");
            self.now = deadline;
            self.turn(Event::TimePassed);
        }
        self.now = end;
        self
    }

    /// Nothing but time has passed.
    pub(super) fn pass(&mut self) -> &mut Self {
        self.turn(Event::TimePassed);
        self
    }

    /// What listeners were told since they were asked for last, each as a line.
    pub(super) fn events(&mut self) -> Vec<String> {
        let line = |fact: Fact| {
            let who = fact.service.as_ref().map(|name| format!("{name} ")).unwrap_or_default();
            fact.event().map(|kind| format!("{who}{} {kind}", kind.word()).trim_end().to_owned())
        };
        self.facts.drain(..).filter_map(line).collect()
    }

    /// What has happened so far.
    pub(super) fn trace(&self) -> &str {
        &self.trace
    }

    pub(super) fn begin(&mut self) -> &mut Self {
        self.event("begin", Event::Begin { paused: false })
    }

    fn report(&mut self, service: &str, what: &str, report: RunReport) -> &mut Self {
        let run = self.service(service).run;
        self.event(&format!("{service} {what}"), Event::Run { service: service.into(), run, report })
    }

    pub(super) fn started(&mut self, service: &str) -> &mut Self {
        self.pid += 1;
        self.report(service, "started", RunReport::Started { pid: self.pid })
    }

    pub(super) fn not_started(&mut self, service: &str) -> &mut Self {
        self.report(service, "could not start", RunReport::NotStarted { reason: "no such file".into() })
    }

    pub(super) fn ready(&mut self, service: &str) -> &mut Self {
        self.report(service, "is ready", RunReport::Ready)
    }

    pub(super) fn alive(&mut self, service: &str) -> &mut Self {
        self.report(service, "shows life", RunReport::Alive)
    }

    pub(super) fn silent(&mut self, service: &str) -> &mut Self {
        self.report(service, "is silent", RunReport::Silent { problem: "port 4000 refused".into() })
    }

    pub(super) fn says(&mut self, service: &str, text: &str) -> &mut Self {
        self.report(service, &format!("says {text}"), RunReport::StatusText(text.into()))
    }

    /// It was sent this signal, and ignores it.
    pub(super) fn ignores(&mut self, service: &str, signal: Signal) -> &mut Self {
        self.report(service, &format!("ignores {signal}"), RunReport::Ignores(signal))
    }

    /// A worker runs, without a process of its own, and says what it does with its tasks.
    pub(super) fn works(&mut self, worker: &str, its: WorkerSnapshot) -> &mut Self {
        self.report(worker, "started", RunReport::Started { pid: 0 });
        self.report(worker, "says what it does", RunReport::Worker(its.into()))
    }

    /// So many MiB were measured.
    pub(super) fn measured(&mut self, service: &str, mebibytes: u64) -> &mut Self {
        let usage = Usage { memory: Some(mebibytes << 20), ..Usage::unknown(self.now) };
        self.report(service, &format!("has {mebibytes} MiB"), RunReport::Usage(usage))
    }

    /// The validation with this number ends.
    pub(super) fn validated(&mut self, service: &str, number: u32, failed: Option<&str>) -> &mut Self {
        let result = failed.map_or(Validated::Passed, |problem| Validated::Failed(problem.into()));
        let report = RunReport::Validated { number, result };
        self.report(service, &format!("validation {number} ends"), report)
    }

    /// What the validation with this number is asked about could not start.
    pub(super) fn cannot_start(&mut self, service: &str, number: u32, problem: &str) -> &mut Self {
        let report = RunReport::Validated { number, result: Validated::CannotStart(problem.into()) };
        self.report(service, &format!("validation {number} ends"), report)
    }

    /// The hook with this number ends.
    pub(super) fn hook_ends(&mut self, service: &str, number: u32) -> &mut Self {
        self.hook_ends_with(service, number, None)
    }

    /// The hook with this number ends, for this reason badly.
    pub(super) fn hook_ends_with(&mut self, service: &str, number: u32, problem: Option<&str>) -> &mut Self {
        let report = RunReport::HookEnded { number, problem: problem.map(Into::into) };
        let event = Event::Run { service: service.into(), run: RunId(0), report };
        self.event(&format!("hook {number} of {service} ends"), event)
    }

    /// What has happened until now is not to be compared.
    pub(super) fn forget(&mut self) -> &mut Self {
        self.trace.clear();
        self
    }

    pub(super) fn exits(&mut self, service: &str, code: i32) -> &mut Self {
        let status = ExitStatus::Code(code);
        self.report(service, &format!("exits {code}"), RunReport::Exited { status, group_gone: true })
    }

    pub(super) fn dies(&mut self, service: &str, signal: i32) -> &mut Self {
        let status = ExitStatus::Signal(signal);
        self.report(service, &format!("dies of {status}"), RunReport::Exited { status, group_gone: true })
    }

    /// The leader ends by itself and leaves this one running, as a daemon does.
    pub(super) fn daemonizes(&mut self, service: &str, name: &str) -> &mut Self {
        self.report(service, &format!("leaves {name}"), RunReport::LeftBehind { names: name.into() });
        self.leaves_others(service, 0)
    }

    /// The leader ends, others of its group live on.
    pub(super) fn leaves_others(&mut self, service: &str, code: i32) -> &mut Self {
        let status = ExitStatus::Code(code);
        self.report(service, &format!("exits {code}, leaving others"), RunReport::Exited { status, group_gone: false })
    }

    pub(super) fn gone(&mut self, service: &str) -> &mut Self {
        self.report(service, "is gone", RunReport::GroupGone)
    }

    pub(super) fn save(&mut self, path: &str, services: &[&str]) -> &mut Self {
        self.save_all(&[path], services, true)
    }

    pub(super) fn save_all(&mut self, paths: &[&str], services: &[&str], finished: bool) -> &mut Self {
        let events = paths.iter().map(|path| file_event(path, services, finished, self.now)).collect();
        let what = match paths {
            [path] if finished => format!("{path} is saved"),
            [path] => format!("{path} is being written"),
            paths => format!("{} files are saved", paths.len()),
        };
        self.event(&what, Event::Files(events))
    }

    pub(super) fn come_or_go(&mut self, kind: ChangeKind, path: &str, services: &[&str]) -> &mut Self {
        let event = FileEvent { kind, ..file_event(path, services, true, self.now) };
        self.event(&format!("{path} is {kind}"), Event::Files(vec![event]))
    }

    pub(super) fn ask(&mut self, command: Command) -> &mut Self {
        let what = match &command {
            Command::Start(targets) => format!("start {}", named(targets)),
            Command::Stop(targets) => format!("stop {}", named(targets)),
            Command::Kill(targets) => format!("kill {}", named(targets)),
            Command::Restart { targets, force: false } => format!("restart {}", named(targets)),
            Command::Restart { targets, force: true } => format!("force restart {}", named(targets)),
            Command::Pause { services } => in_words("pause", services, false),
            Command::Resume { services, discard } => in_words("resume", services, *discard),
            Command::Hold(hold) => in_words(&format!("hold {}", hold.id), &hold.services, false),
            Command::Release { id, discard } => in_words(&format!("release {id}"), &[], *discard),
            other => format!("{other:?}").to_lowercase(),
        };
        self.event(&what, Event::Client { id: None, command })
    }

    pub(super) fn start(&mut self, service: &str) -> &mut Self {
        self.ask(Command::Start(Targets::one(&service.into())))
    }

    pub(super) fn stop(&mut self, service: &str) -> &mut Self {
        self.ask(Command::Stop(Targets::one(&service.into())))
    }

    pub(super) fn kill(&mut self, service: &str) -> &mut Self {
        self.ask(Command::Kill(Targets::one(&service.into())))
    }

    pub(super) fn restart(&mut self, service: &str) -> &mut Self {
        self.ask(Command::Restart { targets: Targets::one(&service.into()), force: false })
    }

    pub(super) fn reload(&mut self, services: Vec<ServiceSpec>) -> &mut Self {
        self.reload_group(group(services))
    }

    pub(super) fn reload_group(&mut self, spec: Arc<GroupSpec>) -> &mut Self {
        self.event("the file is saved", Event::Reloaded { spec, files: "procgroup.toml".into() })
    }

    pub(super) fn snapshot(&self) -> Arc<GroupSnapshot> {
        self.engine.snapshot()
    }

    pub(super) fn service(&self, name: &str) -> ServiceSnapshot {
        self.snapshot().service(&name.into()).cloned().unwrap_or_else(|| panic!("no service {name}"))
    }

    pub(super) fn phase(&self, name: &str) -> Phase {
        self.service(name).phase
    }

    /// The state in a word, or `validating` where that goes on beside it.
    pub(super) fn doing(&self, name: &str) -> &'static str {
        let service = self.service(name);
        if service.validating.is_some() { "validating" } else { service.phase.word() }
    }

    /// The verdicts of the watcher panel, oldest first.
    pub(super) fn verdicts(&self) -> Vec<Verdict> {
        self.snapshot().journal.entries().map(|entry| entry.verdict).collect()
    }

    /// Compares the trace since the last comparison.
    #[track_caller]
    pub(super) fn expect(&mut self, story: &str) -> &mut Self {
        let lines =
            |text: &str| text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
        let (got, wanted) = (lines(&self.trace), lines(story));
        assert!(got == wanted, "the story is another one:\n{got}\n\nexpected:\n{wanted}\n");
        self.trace.clear();
        self
    }
}

pub(super) fn file_event(path: &str, services: &[&str], finished: bool, at: Moment) -> FileEvent {
    let rule =
        Rule { source: RuleSource::ServiceWatch("api".into()), line: Some(1), file: None, pattern: "true".into() };
    let services = services.iter().map(|&name| ServiceName::from(name)).collect();
    let matched = Match::Watched { services, rule };
    FileEvent { at, path: path.into(), kind: ChangeKind::Modified, finished, matched }
}

fn in_words(what: &str, services: &[ServiceName], discard: bool) -> String {
    let names = services.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", ");
    format!("{what} {names}").trim_end().to_owned() + if discard { " and discard" } else { "" }
}

fn named(targets: &Targets) -> String {
    let joined = |names: &[ServiceName]| names.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", ");
    match targets {
        Targets::Named(names) => joined(names),
        Targets::WithDependents(names) => format!("{} and dependents", joined(names)),
        Targets::All => "all".into(),
        Targets::Failed => "failed".into(),
    }
}

/// It is only asked whether its program and its folder are there.
fn is_silent(spec: &ServiceSpec) -> bool {
    spec.validate.is_none() && !spec.needs_values()
}

/// What was ordered; `None` for what only keeps the books.
fn text(effect: &Effect) -> Option<String> {
    Some(match effect {
        Effect::Spawn { spec, run, cause, was, .. } => match was {
            Some(was) => {
                let (name, up) = (&spec.name, was.uptime.as_millis());
                format!("spawn {name} {run} · {cause} · was {}, up {up}ms", was.state())
            }
            None => format!("spawn {} {run} · {cause}", spec.name),
        },
        Effect::Signal { service, run, signal, target } => {
            let whom = match target {
                SignalTarget::Group => "",
                SignalTarget::Leader => " · leader only",
                SignalTarget::Handlers => " · those that handle it",
            };
            format!("{signal} to {service} {run}{whom}")
        }
        Effect::StopCommand { spec, run } => format!("stop command of {} {run}", spec.name),
        Effect::RunHook { spec, command, .. } => format!("run {command} beside {}", spec.name),
        Effect::EndHook { service, number } => format!("end hook of {service} {number}"),
        Effect::Respec { spec, run } => format!("respec {} {run}", spec.name),
        Effect::Measure { service } => format!("measure {service}"),
        Effect::CheckReady { spec, run } => format!("check readiness of {} {run}", spec.name),
        Effect::Broken(what) => format!("broken: {what}"),
        Effect::Compare { ask, .. } => format!("question {ask}"),
        Effect::Baseline { services, .. } => format!("baseline of {} services", services.len()),
        Effect::Holding(holding) => format!("holding: {holding}"),
        Effect::Tell(fact) => {
            let (service, marker) = (fact.service.as_ref()?, fact.marker()?);
            format!("{service}: {}", marker_text(&marker))
        }
        Effect::Answer { id, answer } => format!("answer {id}: {answer:?}"),
        Effect::Rewatch(spec) => format!("rewatch {} services", spec.services.len()),
        Effect::Validate { spec, number } => format!("validate {} {number}", spec.name),
        Effect::EndValidation { service, number } => format!("end validation of {service} {number}"),
        Effect::CheckAlive { spec, run } => format!("look after {} {run}", spec.name),
        Effect::Expand { spec, run } => format!("expand {} {run}", spec.name),
        Effect::Forget(name) => format!("forget {name}"),
        Effect::Finish(finish) => format!(
            "finish · {} stopped in {}ms · given up {:?} · failed {:?}{}{}",
            finish.stopped,
            finish.took.as_millis(),
            finish.given_up.iter().map(ServiceName::as_str).collect::<Vec<_>>(),
            finish.failed.iter().map(ServiceName::as_str).collect::<Vec<_>>(),
            if finish.timed_out { " · timed out" } else { "" },
            if finish.abandoned { " · abandoned" } else { "" },
        ),
    })
}

/// Like the line in the log, but with exact times: how those are rounded is not the machine's business.
fn marker_text(marker: &Marker) -> String {
    match marker {
        Marker::Ready { after, restart } => {
            format!("ready · {after:?} after {}", if *restart { "restart" } else { "start" })
        }
        Marker::NotReady { probe, after, next } => format!("not ready · {probe} · {after:?}{}", next_text(next)),
        Marker::Exited(Exited { status, failed, next }) => {
            let failed = failed.map_or_else(String::new, |failed| format!(" · {failed}"));
            format!("exited · {status}{failed}{}", next_text(next))
        }
        Marker::Stopped { status, after, by } => {
            let by = by.as_ref().map_or_else(String::new, |by| format!(" · by {by}"));
            format!("stopped{by} · {status} · {after:?} after the signal")
        }
        Marker::Killed { grace: Some(grace) } => format!("killed · after {grace:?} grace"),
        Marker::Killed { grace: None } => "killed · at once".into(),
        Marker::GaveUp { crashes, within, cooldown, .. } => {
            format!("gave up · {crashes} crashes in {within:?} · next try in {cooldown:?}")
        }
        // Without the time of day.
        other => other.words("").replace(" ·  · ", " · ").trim_end_matches(" · ").to_owned(),
    }
}

fn next_text(next: &NextTry) -> String {
    match next {
        NextTry::None | NextTry::Cooldown => String::new(),
        NextTry::AfterChange(_) => " · waiting for a change".into(),
        NextTry::ByHand => " · fix it and press s".into(),
        NextTry::In(wait) => format!(" · next try in {wait:?}"),
    }
}
