//! After quiet, what is wanted runs with the content on disk, or that was refused and the old one runs on: whatever is
//! written, saved, held, stopped and reloaded meanwhile, in whichever order.
//!
//! The world here has files with contents, and a watcher that compares them. Some contents are bad: a service with
//! `validate` must not be replaced by them. Some services write files themselves when they start.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::{
    ClientHold, Command, Comparison, Difference, Differs, ExitStatus, FileReader, GitLock, GitWork, Kind, Moment,
    Outcome, Phase, RunId, RunReport, ServiceName, Signal, Targets, Then, Validated,
};
use crate::engine::next_start::NextStart;
use crate::engine::{Effect, Engine, Event};

use super::driver::file_event;
use members::{FILES, SERVICES, spec, watches};

mod members;

/// Contents that no validation passes.
const BAD: u64 = 7;

/// A generator of numbers, the same on every machine (Knuth, MMIX).
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

type Contents = BTreeMap<&'static str, u64>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Process {
    Ordered,
    Alive,
    /// It is alive, and has read its files.
    HasRead,
}

struct World {
    engine: Engine,
    now: Moment,
    draw: Draw,
    disk: Contents,
    /// What each service last saw: at its start, when it was told, or when somebody discarded what had changed.
    seen: BTreeMap<ServiceName, Contents>,
    /// What the process of each service has read: at some moment between its start and its first sign of that.
    read: BTreeMap<ServiceName, Contents>,
    /// All that was written, in order, and how much of it was when each service last saw its files.
    writes: Vec<(&'static str, u64, Moment)>,
    writes_before: BTreeMap<ServiceName, usize>,
    /// Since when, for the times of a difference.
    written: BTreeMap<&'static str, Moment>,
    processes: BTreeMap<ServiceName, (RunId, Process)>,
    /// The validation that runs beside each service, with what it looks at.
    validations: BTreeMap<ServiceName, (u32, Contents)>,
    hooks: BTreeMap<ServiceName, u32>,
    /// How the last validation of each service ended.
    passed: BTreeMap<ServiceName, bool>,
    asked: Vec<(u64, Vec<FileReader>)>,
    answers: Vec<Comparison>,
    /// Somebody has discarded changes that their runs have not seen.
    discarded: BTreeSet<ServiceName>,
    /// Services whose runs somebody has asked to end whatever `validate` says.
    forced: Vec<ServiceName>,
    starts: BTreeMap<ServiceName, Vec<Moment>>,
    variant: u32,
    locked: Option<Moment>,
    writes_itself: bool,
    log: Vec<String>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            engine: Engine::new(spec(0), seed),
            now: Moment::START,
            draw: Draw(seed),
            disk: FILES.iter().map(|file| (*file, 0)).collect(),
            seen: BTreeMap::new(),
            read: BTreeMap::new(),
            writes: Vec::new(),
            writes_before: BTreeMap::new(),
            written: BTreeMap::new(),
            processes: BTreeMap::new(),
            validations: BTreeMap::new(),
            hooks: BTreeMap::new(),
            passed: BTreeMap::new(),
            asked: Vec::new(),
            answers: Vec::new(),
            discarded: BTreeSet::new(),
            forced: Vec::new(),
            starts: BTreeMap::new(),
            variant: 0,
            locked: None,
            writes_itself: true,
            log: Vec::new(),
        };
        world.send_event(Event::Begin { paused: false });
        world
    }

    fn watched(&self, name: &ServiceName) -> Contents {
        watches(name.as_str().replace('t', "s").as_str()).iter().map(|file| (*file, self.disk[file])).collect()
    }

    fn is_bad(contents: &Contents) -> bool {
        contents.values().any(|content| content % 10 == BAD)
    }

    fn send_event(&mut self, event: Event) {
        self.log.push(format!("{:?} {event:?}", self.now));
        let before = self.lacking();
        let effects = self.engine.update(event, self.now);
        for effect in effects {
            if let Effect::Signal { service, signal: Signal::Term, .. } = &effect
                && before.contains(service)
            {
                self.check_that_something_follows(service);
            }
            self.obey(effect);
        }
        // What is only read is read at once.
        let read = self.validations.iter().find(|(_, (_, contents))| contents.is_empty());
        if let Some(name) = read.map(|(name, _)| name.clone()) {
            self.end_validation(&name);
        }
    }

    fn obey(&mut self, effect: Effect) {
        match effect {
            Effect::Baseline { services, sync, .. } => {
                if sync {
                    // What was asked before is answered of before.
                    let asked = std::mem::take(&mut self.asked);
                    let answers = asked.into_iter().map(|(ask, services)| self.compare(ask, services));
                    let answers: Vec<_> = answers.collect();
                    self.answers.extend(answers);
                }
                for name in services {
                    let contents = self.watched(&name);
                    let has_read_other = self.read.get(&name) != Some(&contents);
                    let is_told_old = self
                        .answers
                        .iter()
                        .flat_map(|answer| &answer.services)
                        .any(|(its, difference)| *its == name && !difference.is_empty());
                    if sync && (self.seen.get(&name) != Some(&contents) || has_read_other || is_told_old) {
                        self.discarded.insert(name.clone());
                    } else if !sync {
                        self.discarded.remove(&name);
                    }
                    self.passed.remove(&name);
                    if !sync && matches!(self.processes.get(&name), Some((_, Process::HasRead))) {
                        self.read.insert(name.clone(), contents.clone());
                    }
                    self.writes_before.insert(name.clone(), self.writes.len());
                    self.seen.insert(name, contents);
                }
            }
            Effect::Spawn { spec, run, .. } => {
                let before = self.processes.insert(spec.name.clone(), (run, Process::Ordered));
                assert!(before.is_none(), "two live runs of {}", spec.name);
                self.starts.entry(spec.name.clone()).or_default().push(self.now);
                self.forced.retain(|name| *name != spec.name);
            }
            Effect::Validate { spec, number } => {
                // Without `validate` only the environment is looked at, and that is as it should be.
                let contents = if spec.validate.is_some() { self.watched(&spec.name) } else { Contents::new() };
                let before = self.validations.insert(spec.name.clone(), (number, contents));
                assert!(before.is_none(), "two validations of {}", spec.name);
            }
            Effect::EndValidation { service, number } => {
                assert_eq!(self.validations.remove(&service).map(|(its, _)| its), Some(number));
            }
            Effect::RunHook { spec, number, .. } => {
                assert!(self.hooks.insert(spec.name.clone(), number).is_none(), "two hooks of {}", spec.name);
            }
            Effect::EndHook { service, .. } => drop(self.hooks.remove(&service)),
            Effect::Signal { service, signal: Signal::Term, .. } => self.check_end_of(&service),
            Effect::Compare { ask, services, .. } => self.asked.push((ask, services)),
            Effect::Broken(what) => panic!("{what}"),
            _ => {}
        }
    }

    /// A run that is wanted and has a `validate` is ended only for what has passed, or because a person insists.
    fn check_end_of(&self, name: &ServiceName) {
        let Some(spec) = self.engine.spec.service(name) else { return };
        let place = self.engine.services.iter().find(|service| service.name() == name);
        let wanted =
            place.is_some_and(|service| service.wanted && !service.run.leader_gone && service.run.aftermath.is_none());
        if spec.validate.is_some() && wanted && !self.forced.contains(name) && self.engine.shutdown.is_none() {
            let has_passed = self.passed.get(name) == Some(&true) || self.seen.get(name) == Some(&self.watched(name));
            assert!(has_passed, "{name} is ended for what has not passed");
        }
    }

    /// Services that are up and need something that is not there, and is not being replaced.
    fn lacking(&self) -> Vec<ServiceName> {
        let engine = &self.engine;
        let lacks = |place: &usize| engine.services[*place].is_up() && self.lacks(*place);
        (0..engine.services.len()).filter(lacks).map(|place| engine.services[place].name().clone()).collect()
    }

    fn lacks(&self, place: usize) -> bool {
        let services = &self.engine.services;
        let is_replaced = |name: &ServiceName| services.iter().any(|one| one.name() == name && one.is_being_replaced());
        self.engine.unmet(place).iter().any(|(name, _)| !is_replaced(name))
    }

    /// A run that lacked something, and does so still, is not ended for what was saved.
    fn check_that_something_follows(&self, name: &ServiceName) {
        let Some(place) = self.engine.services.iter().position(|service| service.name() == name) else { return };
        let service = &self.engine.services[place];
        let is_for_a_save = service.restarts.next.as_ref().is_some_and(NextStart::is_for_a_save);
        let is_decided = service.wanted && is_for_a_save && !self.forced.contains(name);
        let ends = matches!(service.phase, Phase::Stopping { then: Then::Reconcile, .. });
        assert!(!(is_decided && ends && self.lacks(place)), "{name} is ended, and nothing can follow");
    }

    /// Somebody writes a file.
    fn write(&mut self, file: &'static str, content: u64) {
        self.disk.insert(file, content);
        self.writes.push((file, content, self.now));
        self.written.insert(file, self.now);
        let names: Vec<&str> = self.engine.spec.services.iter().map(|spec| spec.name.as_str()).collect();
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let watching: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| watches(name.replace('t', "s").as_str()).contains(&file))
            .collect();
        let event = file_event(file, &watching, true, self.now);
        self.send_event(Event::Files(vec![event]));
    }

    fn answer(&mut self) {
        let asked = |world: &mut Self| world.asked.pop().map(|(ask, services)| world.compare(ask, services));
        if let Some(comparison) = self.answers.pop().or_else(|| asked(self)) {
            self.send_event(Event::Compared(comparison));
        }
    }

    fn compare(&self, ask: u64, services: Vec<FileReader>) -> Comparison {
        let difference = |FileReader { service: name, until, .. }: FileReader| {
            let seen = self.seen.get(&name).cloned().unwrap_or_default();
            let now = self.watched(&name);
            let before = self.writes_before.get(&name).copied().unwrap_or_default();
            let between = |file: &str, was: u64| {
                self.writes[before..].iter().any(|&(its, content, at)| its == file && content != was && at <= until)
            };
            let is_same = |file: &str, content: u64| seen.get(file) == Some(&content) && !between(file, content);
            let differs = now.iter().filter(|(file, content)| !is_same(file, **content));
            let files = differs.map(|(file, _)| {
                let at = self.written.get(file).copied().unwrap_or(self.now);
                Differs { path: (*file).into(), first_at: at, last_at: at, is_new: false }
            });
            (name, Difference { files: files.collect(), more: 0 })
        };
        Comparison { ask, services: services.into_iter().map(difference).collect() }
    }

    fn news(&mut self, service: &ServiceName, run: RunId, report: RunReport) {
        self.send_event(Event::Run { service: service.clone(), run, report });
    }

    fn end_validation(&mut self, name: &ServiceName) {
        let Some((number, contents)) = self.validations.remove(name) else { return };
        let result = if Self::is_bad(&contents) { Validated::Failed("bad".into()) } else { Validated::Passed };
        self.passed.insert(name.clone(), result == Validated::Passed);
        self.news(name, RunId(0), RunReport::Validated { number, result });
    }

    /// The process of a service goes one step on. `ends`: it ends if it is to, or is a job.
    fn process_acts(&mut self, name: &ServiceName, ends: bool) -> bool {
        let Some(&(run, process)) = self.processes.get(name) else { return false };
        let snapshot = self.engine.snapshot();
        let Some(service) = snapshot.service(name) else { return false };
        let (stopping, is_job) = (matches!(service.phase, Phase::Stopping { .. }), service.kind == Kind::Job);
        let starting = matches!(service.phase, Phase::Starting { .. });
        match process {
            Process::Ordered => {
                self.processes.insert(name.clone(), (run, Process::Alive));
                // It may have been asked to end before it began.
                self.forced.push(name.clone());
                self.news(name, run, RunReport::Started { pid: run.0 });
                self.forced.retain(|forced| forced != name);
                if self.writes_itself && name.as_str() == "gen" {
                    let content = self.disk["gen"] + 10;
                    self.write("gen", content);
                }
            }
            Process::Alive | Process::HasRead if ends && (stopping || is_job) => {
                self.reads(name);
                self.processes.remove(name);
                let status = if stopping { ExitStatus::Signal(15) } else { ExitStatus::Code(0) };
                self.news(name, run, RunReport::Exited { status, group_gone: true });
            }
            Process::Alive if starting => {
                self.reads(name);
                self.news(name, run, RunReport::Ready);
            }
            Process::Alive if !is_job => {
                self.reads(name);
                self.news(name, run, RunReport::Printed { at: self.now });
            }
            Process::Alive | Process::HasRead => return false,
        }
        true
    }

    /// The process of a service reads its files, if it has not.
    fn reads(&mut self, name: &ServiceName) {
        if let Some((_, process @ Process::Alive)) = self.processes.get_mut(name) {
            *process = Process::HasRead;
            self.read.insert(name.clone(), self.watched(name));
        }
    }

    /// Whether it says by nothing when it has read its files: it is no job, and has no check.
    fn is_silent(&self, name: &ServiceName) -> bool {
        let service = self.engine.services.iter().find(|service| service.name() == name);
        service.is_some_and(|service| service.run.spec.kind != Kind::Job && service.run.spec.ready.is_none())
    }

    fn crash(&mut self, name: &ServiceName) {
        if let Some(&(run, Process::Alive | Process::HasRead)) = self.processes.get(name) {
            self.reads(name);
            self.processes.remove(name);
            self.news(name, run, RunReport::Exited { status: ExitStatus::Code(1), group_gone: true });
        }
    }

    fn command(&mut self, command: Command) {
        self.send_event(Event::Client { id: None, command });
    }

    fn git(&mut self) {
        let at = self.now;
        let lock = match self.locked.take() {
            Some(since) => GitLock { since, until: Some(at) },
            None => {
                self.locked = Some(at);
                GitLock { since: at, until: None }
            }
        };
        let work = GitWork { tree: "".into(), at, lock: Some(lock), stash: None, in_steps: false, label: None };
        self.send_event(Event::Git(work));
    }

    fn random_step(&mut self) {
        let name = ServiceName::new(SERVICES[self.draw.below(SERVICES.len() as u64) as usize]);
        let targets = Targets::one(&name);
        let of = if self.draw.below(3) == 0 { vec![name.clone()] } else { Vec::new() };
        match self.draw.below(100) {
            0..=24 => drop(self.process_acts(&name, true)),
            25..=34 => self.end_validation(&name),
            35..=44 => self.answer(),
            45..=62 => {
                let file = FILES[self.draw.below(FILES.len() as u64) as usize];
                let content = self.draw.below(10);
                self.write(file, content);
            }
            63..=74 => {
                let wait = [5, 25, 300, 1_500, 6_000][self.draw.below(5) as usize];
                self.pass(Duration::from_millis(wait));
            }
            75..=77 => self.git(),
            78..=80 => {
                self.variant ^= 1 << self.draw.below(13);
                // What is gone from the file, or has no validation any more, is ended without being asked.
                self.forced.extend(SERVICES.iter().map(ServiceName::new));
                self.forced.push("t0".into());
                self.send_event(Event::Reloaded { spec: spec(self.variant), files: "procgroup.toml".into() });
                self.forced.clear();
            }
            81..=82 => {
                if let Some((name, number)) = self.hooks.pop_first() {
                    self.news(&name, RunId(0), RunReport::HookEnded { number, problem: None });
                }
            }
            83 => self.crash(&name),
            84..=86 => self.command(Command::Pause { services: of }),
            87..=88 => self.command(Command::Resume { services: of, discard: self.now.since_start().is_zero() }),
            89 => self.command(Command::Resume { services: Vec::new(), discard: true }),
            90 => {
                let (id, label) = (self.draw.below(2), "make".into());
                self.command(Command::Hold(ClientHold { id, command: true, label, services: of }));
            }
            91 => {
                let (id, discard) = (self.draw.below(2), self.draw.below(2) == 0);
                self.command(Command::Release { id, discard });
            }
            92..=93 => self.command(Command::Restart { targets, force: false }),
            94 => {
                self.forced.extend(SERVICES.iter().map(ServiceName::new));
                self.command(Command::Restart { targets, force: true });
            }
            95 => self.command(Command::Restart { targets: Targets::WithDependents(vec![name]), force: false }),
            96..=97 => self.command(Command::Stop(targets)),
            _ => self.command(Command::Start(targets)),
        }
    }

    /// Time passes, and the machine is woken whenever it has asked for it.
    fn pass(&mut self, time: Duration) {
        // What prints nothing reads soon.
        let names: Vec<ServiceName> = self.processes.keys().filter(|name| self.is_silent(name)).cloned().collect();
        for name in &names {
            self.reads(name);
        }
        let end = self.now + time;
        while let Some(deadline) = self.engine.next_deadline().filter(|deadline| *deadline <= end) {
            assert!(deadline > self.now, "it wants to be woken in the past");
            self.now = deadline;
            self.send_event(Event::TimePassed);
        }
        self.now = end;
    }

    /// Nobody holds or writes any more, everybody does what is asked of them, and all waits come to their end.
    fn calm_down(&mut self) {
        if self.locked.is_some() {
            self.git();
        }
        for id in 0..2 {
            self.command(Command::Release { id, discard: false });
        }
        self.command(Command::Resume { services: Vec::new(), discard: false });
        for _ in 0..2_000 {
            let names: Vec<ServiceName> = self.processes.keys().cloned().collect();
            if let Some(name) = self.validations.keys().next().cloned() {
                self.end_validation(&name);
            } else if let Some((name, number)) = self.hooks.pop_first() {
                self.news(&name, RunId(0), RunReport::HookEnded { number, problem: None });
            } else if !self.asked.is_empty() {
                self.answer();
            } else if names.iter().any(|name| self.process_acts(name, true)) {
            } else if let Some(deadline) = self.engine.next_deadline() {
                self.now = deadline;
                self.send_event(Event::TimePassed);
            } else {
                return;
            }
        }
        panic!("it never gets quiet");
    }

    /// Holds the state of the engine against what the model expects.
    fn check(&self) {
        let snapshot = self.engine.snapshot();
        for service in snapshot.services.iter().filter(|service| service.wanted) {
            let spec = self.engine.spec.service(&service.name).expect("it is wanted");
            let disk = self.watched(&service.name);
            let refused = spec.validate.is_some() && Self::is_bad(&disk);
            let live = self.processes.contains_key(&service.name);
            match &service.phase {
                Phase::Blocked { on, .. } => assert!(!on.is_empty()),
                Phase::Running { .. } if service.stale => {
                    let place = self.engine.services.iter().position(|one| one.name() == &service.name);
                    let lacks = !self.engine.unmet(place.expect("it is there")).is_empty();
                    let discarded = self.discarded.contains(&service.name);
                    assert!((refused || lacks || discarded) && live, "{service:#?}");
                }
                // What would pass now was discarded.
                Phase::Finished(Outcome::Invalid) if self.seen.get(&service.name) == Some(&disk) => {}
                Phase::Finished(Outcome::Invalid) => assert!(refused, "{service:#?}"),
                // The old run has ended by itself while what is on disk was refused.
                Phase::Finished(_) if refused => {}
                Phase::Running { .. } | Phase::Finished(_) => {
                    assert_eq!(self.seen.get(&service.name), Some(&disk), "{service:#?}");
                    let has_read = self.read.get(&service.name) == Some(&disk);
                    assert!(has_read || self.discarded.contains(&service.name), "{:?}: {service:#?}", self.read);
                }
                other => panic!("{other:?} is no rest: {service:#?}"),
            }
        }
    }
}

fn round(seed: u64, steps: usize) {
    let mut world = World::new(seed);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        for _ in 0..3 {
            world.writes_itself = true;
            for _ in 0..steps {
                world.random_step();
            }
            // A loop that never ends has no quiet.
            world.writes_itself = false;
            world.calm_down();
            world.check();
        }
    }));
    if let Err(panic) = result {
        let log = world.log.iter().rev().take(60).rev().cloned().collect::<Vec<_>>().join("\n");
        eprintln!("seed {seed}:\n{log}");
        std::panic::resume_unwind(panic);
    }
}

/// Two minutes of a machine with two cores. `DEVGROUP_TEST_ROUNDS=400000` makes it hours.
#[test]
fn after_quiet_what_is_wanted_runs_with_the_content_on_disk_or_that_was_refused() {
    let rounds =
        std::env::var("DEVGROUP_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(10_000_u64);
    for seed in 0..rounds {
        round(seed, 40);
    }
}

/// Whatever the delay after which a file is written, whoever writes it, and whatever is done about it.
#[test]
fn a_loop_costs_three_starts_a_minute_at_most_after_the_first() {
    for delay in [0, 10, 300, 1_000, 1_900] {
        let mut world = World::new(delay);
        world.writes_itself = false;
        world.calm_down();
        let mut seen = 0;
        let end = Duration::from_secs(600);
        world.write("gen", 100);
        while world.now.since_start() < end {
            let starts = world.starts.get(&ServiceName::from("gen")).map_or(0, Vec::len);
            if starts > seen
                && world.processes.get(&"gen".into()).is_none_or(|(_, process)| *process != Process::Ordered)
            {
                seen = starts;
                world.pass(Duration::from_millis(delay));
                let content = world.disk["gen"] + 10;
                world.write("gen", content);
                continue;
            }
            if !world.asked.is_empty() {
                world.answer();
            } else if !world.process_acts(&"gen".into(), true) {
                world.pass(Duration::from_millis(20));
            }
        }
        let starts = &world.starts[&ServiceName::from("gen")];
        let minute = Duration::from_secs(60);
        let late: Vec<_> = starts.iter().filter(|at| at.since_start() >= minute).collect();
        assert!(late.len() >= 10, "it goes on: {starts:?}");
        for (at, start) in late.iter().enumerate() {
            let within = late[at..].iter().take_while(|other| other.since(**start) < minute).count();
            assert!(within <= 3, "{within} starts in a minute, delay {delay}: {starts:?}");
        }
    }
}
