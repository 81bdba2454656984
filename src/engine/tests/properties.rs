//! What holds whatever comes: random events and times, with a model of processes that answer in any order.
//!
//! [`Engine::update`] checks the invariants of every turn itself, since tests are debug builds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use crate::domain::{
    AliveCheck, AliveProbe, Breaker, ClientHold, Command, Comparison, Condition, CronTimes, Difference, Differs,
    ExitStatus, Fact, FactKind, GroupSpec, Holder, Kind, Marker, Moment, OnChange, Phase, RestartPolicy, RunCommand,
    RunId, RunReport, Schedule, ServiceName, ServiceSpec, Signal, StartCause, StartSpec, StopSpec, Targets, Validate,
    Validated, When,
};
use crate::engine::{Effect, Engine, Event, Finish};

use super::driver::{file_event, names_of};
use super::fixture::{checked, group, job, needs, service};

/// What the machine cannot see: the process of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Process {
    /// A start was ordered, and no process was reported.
    Ordered,
    /// Its process was reported.
    Alive,
    /// The leader has ended, others of its group have not.
    Leaderless,
}

/// The machine, the processes it has ordered, and all that has happened.
struct World {
    engine: Engine,
    now: Moment,
    processes: BTreeMap<ServiceName, (RunId, Process)>,
    /// Questions about files that nobody has answered.
    asked: Vec<(u64, Vec<ServiceName>)>,
    history: Vec<(Event, Moment, Vec<Effect>)>,
    /// The validation that runs beside each service.
    validations: BTreeMap<ServiceName, u32>,
    finish: Option<Finish>,
    names: Vec<String>,
    spec: fn(u8) -> Arc<GroupSpec>,
}

const NAMES: [&str; 6] = ["db", "migrate", "api", "worker", "web", "mail"];

/// A group with everything in it; `variant` changes a part of it, for reloads.
fn spec(variant: u8) -> Arc<GroupSpec> {
    let quick = |spec: ServiceSpec| ServiceSpec {
        stop: StopSpec { grace: Duration::from_millis(700), ..StopSpec::default() },
        breaker: Breaker { failures: 3, within: Duration::from_secs(60), cooldown: Duration::from_secs(5) },
        ..spec
    };
    let mut services = vec![
        quick(validated(needs(needs(service("api"), "migrate", Condition::Done), "db", Condition::Ready))),
        quick(ServiceSpec { cascade: true, ..checked("db") }),
        quick(needs(job("migrate"), "db", Condition::Started)),
        quick(watched(ServiceSpec {
            restart: RestartPolicy::Always,
            ..needs(service("worker"), "api", Condition::Ready)
        })),
        quick(ServiceSpec { on_change: OnChange::Signal(Signal::Hup), ..service("web") }),
        quick(ServiceSpec { autostart: false, restart: RestartPolicy::Never, ..service("mail") }),
    ];
    match variant % 4 {
        1 => drop(services.remove(3)),
        2 => services[0].dir = "/elsewhere".into(),
        3 => services[4].depends_on = services[3].depends_on.clone(),
        _ => {}
    }
    group(services)
}

fn validated(spec: ServiceSpec) -> ServiceSpec {
    let run = RunCommand::Shell("make".into());
    ServiceSpec { validate: Some(Validate { run, timeout: Duration::from_secs(3) }), ..spec }
}

fn watched(spec: ServiceSpec) -> ServiceSpec {
    let check = AliveCheck {
        probe: AliveProbe::Port(4000),
        every: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        failures: 2,
        grace: Duration::from_secs(2),
    };
    ServiceSpec { alive: Some(check), ..spec }
}

/// Twelve services of all kinds; `variant` changes a part of it, for reloads.
fn dozen(variant: u8) -> Arc<GroupSpec> {
    let services = (0..12_u8).map(|n| {
        let name = format!("s{n}");
        let mut spec = match n {
            3 | 8 => job(&name),
            n if n % 3 == 1 => checked(&name),
            _ => service(&name),
        };
        for on in 0..n {
            if (u16::from(n) * 7 + u16::from(on) * 5) % 11 == 3 {
                let until = match on {
                    3 | 8 => Condition::Done,
                    on if on % 2 == 0 => Condition::Started,
                    _ => Condition::Ready,
                };
                spec = needs(spec, &format!("s{on}"), until);
            }
        }
        if n % 4 == 2 {
            spec = validated(spec);
        }
        if n % 5 < 2 {
            spec = watched(spec);
            // One failure is enough, so that it happens often.
            spec.alive = spec.alive.map(|check| AliveCheck { failures: 1, grace: Duration::ZERO, ..check });
        }
        ServiceSpec {
            cascade: n % 6 == 1,
            autostart: n != 11,
            restart: [RestartPolicy::OnFailure, RestartPolicy::Always, RestartPolicy::Never][usize::from(n % 3)],
            on_change: if n == 7 { OnChange::Mark } else { OnChange::Restart },
            dir: if variant % 12 == n && variant > 20 { "/elsewhere".into() } else { spec.dir.clone() },
            stop: StopSpec { grace: Duration::from_millis(300), ..StopSpec::default() },
            breaker: Breaker { failures: 3, within: Duration::from_secs(60), cooldown: Duration::from_secs(5) },
            ..spec
        }
    });
    group(services.collect())
}

impl World {
    fn new() -> Self {
        Self::of(spec, NAMES.map(String::from).into())
    }

    fn of(spec: fn(u8) -> Arc<GroupSpec>, names: Vec<String>) -> Self {
        Self {
            engine: Engine::new(spec(0), 42),
            now: Moment::START,
            processes: BTreeMap::new(),
            asked: Vec::new(),
            history: Vec::new(),
            validations: BTreeMap::new(),
            finish: None,
            names,
            spec,
        }
    }

    fn name(&self, choice: impl Into<usize>) -> ServiceName {
        ServiceName::new(&self.names[choice.into() % self.names.len()])
    }

    /// The validation of a service ends.
    fn validation_ends(&mut self, service: &ServiceName, passes: bool) {
        if let Some(number) = self.validations.remove(service) {
            let result = if passes { Validated::Passed } else { Validated::Failed("exit 1".into()) };
            let report = RunReport::Validated { number, result };
            self.send_event(Event::Run { service: service.clone(), run: RunId(0), report });
        }
    }

    fn send_event(&mut self, event: Event) {
        let effects = self.engine.update(event.clone(), self.now);
        assert!(self.finish.is_none() || effects.is_empty(), "orders after the last one: {effects:?}");
        for effect in &effects {
            self.obey(effect);
        }
        self.history.push((event, self.now, effects));
    }

    fn obey(&mut self, effect: &Effect) {
        match effect {
            Effect::Spawn { spec, run, .. } => {
                let before = self.processes.insert(spec.name.clone(), (*run, Process::Ordered));
                assert_eq!(before, None, "two live runs of {}", spec.name);
            }
            Effect::Validate { spec, number } => {
                let before = self.validations.insert(spec.name.clone(), *number);
                assert_eq!(before, None, "two validations of {}", spec.name);
            }
            Effect::EndValidation { service, number } => {
                assert_eq!(self.validations.remove(service), Some(*number), "a validation of {service} that is not");
            }
            Effect::CheckAlive { spec, run } => {
                let alive = self.processes.get(&spec.name) == Some(&(*run, Process::Alive));
                assert!(alive, "{} {run} is looked after and does not live", spec.name);
            }
            Effect::Signal { service, run, .. } => {
                let alive = self.processes.get(service).is_some_and(|(live, process)| {
                    live == run && matches!(process, Process::Alive | Process::Leaderless)
                });
                assert!(alive, "a signal for {service} {run}, which does not exist: {:?}", self.processes);
            }
            Effect::Compare { ask, services, .. } => self.asked.push((*ask, names_of(services))),
            Effect::Finish(finish) => assert_eq!(self.finish.replace(finish.clone()), None, "two ends"),
            _ => {}
        }
    }

    /// Lets the process of a service do what `choice` says, as far as it can.
    fn process_acts(&mut self, name: &ServiceName, choice: u8) {
        let Some(&(run, process)) = self.processes.get(name) else { return };
        let status = if choice.is_multiple_of(3) { ExitStatus::Code(0) } else { ExitStatus::Signal(15) };
        let (next, report) = match (process, choice % 8) {
            (Process::Ordered, 0) => (None, RunReport::NotStarted { reason: String::new() }),
            (Process::Ordered, _) => (Some(Process::Alive), RunReport::Started { pid: run.0 + 1 }),
            (Process::Alive, 0..=1) => (Some(Process::Alive), RunReport::Ready),
            (Process::Alive, 2) if choice.is_multiple_of(5) => (Some(Process::Alive), RunReport::Alive),
            (Process::Alive, 2) => (Some(Process::Alive), RunReport::Silent { problem: "refused".into() }),
            (Process::Alive, 3) => (Some(Process::Leaderless), RunReport::Exited { status, group_gone: false }),
            (Process::Alive, _) => (None, RunReport::Exited { status, group_gone: true }),
            (Process::Leaderless, _) => (None, RunReport::GroupGone),
        };
        match next {
            Some(next) => drop(self.processes.insert(name.clone(), (run, next))),
            None => drop(self.processes.remove(name)),
        }
        self.send_event(Event::Run { service: name.clone(), run, report });
    }

    /// The watcher answers its oldest question in some way, or one that nobody has asked.
    fn watcher_answers(&mut self, choice: u8) {
        let (ask, services) = match self.asked.first() {
            Some(_) => self.asked.remove(0),
            None => (u64::from(choice), vec![self.name(choice)]),
        };
        let file = Differs { path: "0.rs".into(), first_at: self.now, last_at: self.now, is_new: false };
        let difference = |(n, name): (usize, ServiceName)| match (usize::from(choice) + n) % 4 {
            0 => (name, Difference::default()),
            1 => (name, Difference { files: Vec::new(), more: 3 }),
            _ => (name, Difference { files: vec![file.clone()], more: 0 }),
        };
        let skip = usize::from(choice.is_multiple_of(7));
        let services = services.into_iter().skip(skip).enumerate().map(difference).collect();
        self.send_event(Event::Compared(Comparison { ask, services }));
    }

    fn random_step(&mut self, (operation, choice, number): (u8, u8, u16)) {
        let name = self.name(choice);
        let client = |command| Event::Client { id: Some(u64::from(number)), command };
        match operation {
            0..=5 => self.validation_ends(&name, number.is_multiple_of(2)),
            6..=34 => self.process_acts(&name, (number % 251) as u8),
            35..=39 => self.watcher_answers((number % 251) as u8),
            40..=59 => {
                self.now = self.now + Duration::from_millis(u64::from(number) / 8);
                self.send_event(Event::TimePassed);
            }
            60..=74 => {
                // Exactly on time.
                if let Some(deadline) = self.engine.next_deadline() {
                    self.now = deadline;
                    self.send_event(Event::TimePassed);
                    assert!(self.engine.next_deadline().is_none_or(|next| next > deadline));
                }
            }
            75..=84 => {
                let many = if number.is_multiple_of(11) { 120 } else { 1 + u32::from(number % 4) };
                let services = [self.name(choice), self.name(number)];
                let services = services.each_ref().map(ServiceName::as_str);
                let finished = !number.is_multiple_of(5);
                let files = (0..many).map(|n| file_event(&format!("{n}.rs"), &services, finished, self.now)).collect();
                self.send_event(Event::Files(files));
            }
            85..=88 => {
                let report = RunReport::Exited { status: ExitStatus::Code(1), group_gone: true };
                self.send_event(Event::Run { service: name, run: RunId(u32::MAX), report });
            }
            89..=92 => self.send_event(Event::Reloaded { spec: (self.spec)(choice), files: "procgroup.toml".into() }),
            _ => {
                let targets = match number % 5 {
                    0 => Targets::All,
                    1 => Targets::Failed,
                    2 => Targets::WithDependents(vec![name.clone()]),
                    _ => Targets::one(&name),
                };
                self.send_event(client(match operation % 11 {
                    0 => Command::Start(targets),
                    1 => Command::Stop(targets),
                    2 => Command::Kill(targets),
                    3 => Command::Restart { targets, force: true },
                    4 => Command::PauseByKey,
                    5 => Command::Resume { services: Vec::new(), discard: number.is_multiple_of(2) },
                    6 => Command::Pause { services: if number.is_multiple_of(3) { vec![name] } else { Vec::new() } },
                    7 if number.is_multiple_of(2) => Command::Hold(ClientHold {
                        id: u64::from(choice % 3),
                        command: true,
                        label: "make".into(),
                        services: if number.is_multiple_of(3) { vec![name] } else { Vec::new() },
                    }),
                    8 => Command::Release { id: u64::from(choice % 3), discard: number.is_multiple_of(2) },
                    _ => Command::Restart { targets, force: false },
                }));
            }
        }
    }

    /// Nobody holds any more.
    fn let_go(&mut self, discard: bool) {
        let releases = (0..3).map(|id| Command::Release { id, discard });
        let resume = Command::Resume { services: Vec::new(), discard };
        for command in releases.chain([resume]).collect::<Vec<_>>() {
            self.send_event(Event::Client { id: None, command });
        }
        assert!(self.engine.snapshot().watch.holds.iter().all(|hold| hold.by == Holder::Git));
    }

    /// Everybody behaves: what was ordered starts and gets ready, what was asked to end ends; time passes as asked.
    /// Services in `deaf` never end.
    fn calm_down(&mut self, deaf: &[&str]) {
        for _ in 0..5_000 {
            if self.finish.is_some() {
                return;
            }
            if let Some(service) = self.validations.keys().next().cloned() {
                self.validation_ends(&service, true);
                continue;
            }
            let ending = |world: &Self, name: &ServiceName| {
                let snapshot = world.engine.snapshot();
                snapshot.service(name).is_some_and(|service| matches!(service.phase, Phase::Stopping { .. }))
            };
            let next = self.processes.iter().find_map(|(name, &(run, process))| {
                let deaf = deaf.contains(&name.as_str());
                let snapshot = self.engine.snapshot();
                let is_job = snapshot.service(name).is_some_and(|one| one.kind == Kind::Job);
                let starting = snapshot.service(name).map(|one| one.phase.word()) == Some("starting");
                let (after, report) = match process {
                    Process::Ordered => (Some(Process::Alive), RunReport::Started { pid: 7 }),
                    _ if deaf && ending(self, name) => return None,
                    Process::Leaderless => (None, RunReport::GroupGone),
                    Process::Alive if is_job || ending(self, name) => {
                        (None, RunReport::Exited { status: ExitStatus::Code(0), group_gone: true })
                    }
                    Process::Alive if starting => (Some(Process::Alive), RunReport::Ready),
                    Process::Alive => return None,
                };
                Some((name.clone(), run, after, report))
            });
            if let Some((service, run, after, report)) = next {
                match after {
                    Some(after) => drop(self.processes.insert(service.clone(), (run, after))),
                    None => drop(self.processes.remove(&service)),
                }
                self.send_event(Event::Run { service, run, report });
            } else if let Some(deadline) = self.engine.next_deadline() {
                self.now = deadline;
                self.send_event(Event::TimePassed);
            } else {
                return;
            }
        }
        panic!("it never gets quiet: {:#?}", self.engine.snapshot().services);
    }

    /// Nothing is going on: what is wanted is what is.
    fn check_quiet(&self) {
        let snapshot = self.engine.snapshot();
        for service in &snapshot.services {
            let live = self.processes.contains_key(&service.name);
            let fits = match (&service.phase, service.wanted) {
                (Phase::Running { .. }, true) => live,
                (Phase::Blocked { on, .. }, true) => {
                    let waited_for =
                        |name| snapshot.service(name).is_some_and(|one| !matches!(one.phase, Phase::Running { .. }));
                    !live && on.iter().all(waited_for)
                }
                (Phase::Finished(_), _) | (Phase::Down, false) => !live,
                _ => false,
            };
            assert!(fits, "{service:#?}\n{:?}", self.processes);
        }
        assert!(self.validations.is_empty(), "{:?}", self.validations);
        assert_eq!(snapshot.watch.held, 0);
        assert!(snapshot.services.iter().all(|service| service.held == 0 && service.pending == 0));
        let known = |name: &ServiceName| snapshot.service(name).is_some();
        assert!(self.processes.keys().all(known), "{:?}", self.processes);
    }
}

proptest! {
    #[test]
    fn after_any_history_desire_becomes_fact_and_the_group_can_be_ended(
        steps in prop::collection::vec((0_u8..102, any::<u8>(), any::<u16>()), 0..150),
        deaf in prop::sample::subsequence(NAMES.to_vec(), 0..3),
        killing in any::<bool>(),
    ) {
        let mut world = World::new();
        world.send_event(Event::Begin { paused: false });
        for step in steps {
            world.random_step(step);
        }
        world.let_go(false);
        world.calm_down(&[]);
        world.check_quiet();

        let live: Vec<ServiceName> = world.processes.keys().cloned().collect();
        world.send_event(Event::Client { id: None, command: Command::Quit });
        if killing {
            world.send_event(Event::Client { id: None, command: Command::QuitNow });
        }
        world.calm_down(&deaf);
        let Some(finish) = world.finish.clone() else { panic!("no end") };
        let deaf: Vec<ServiceName> = live.iter().filter(|name| deaf.contains(&name.as_str())).cloned().collect();
        let mut given_up = finish.given_up.clone();
        given_up.sort();
        prop_assert_eq!(&given_up, &deaf);
        prop_assert_eq!(finish.stopped, live.len() - deaf.len());
        prop_assert_eq!(world.engine.next_deadline(), None);

        // The same events give the same orders.
        let mut again = Engine::new(spec(0), 42);
        for (event, now, effects) in world.history {
            prop_assert_eq!(again.update(event, now), effects);
        }
    }

    #[test]
    fn a_quit_at_any_moment_starts_nothing_more_and_ends(
        steps in prop::collection::vec((0_u8..102, any::<u8>(), any::<u16>()), 0..60),
        after in prop::collection::vec((0_u8..102, any::<u8>(), any::<u16>()), 0..60),
    ) {
        let mut world = World::new();
        world.send_event(Event::Begin { paused: steps.len() % 2 == 0 });
        for step in steps {
            world.random_step(step);
        }
        world.send_event(Event::Client { id: None, command: Command::Interrupt });
        let quit = world.history.len();
        for step in after {
            world.random_step(step);
        }
        world.calm_down(&[]);
        let Some(finish) = world.finish else { panic!("no end") };
        let spawns = |effect: &Effect| matches!(effect, Effect::Spawn { .. });
        prop_assert!(!world.history[quit..].iter().flat_map(|(_, _, effects)| effects).any(spawns));
        prop_assert!(world.processes.keys().all(|name| finish.given_up.contains(name)), "{:?}", world.processes);
    }

    #[test]
    fn no_report_however_wrong_breaks_an_invariant_or_keeps_the_group_from_ending(
        steps in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u16>()), 0..200),
    ) {
        let mut world = World::new();
        let mut last = Vec::new();
        for (operation, choice, number) in steps {
            let service = ServiceName::from(NAMES[usize::from(choice) % NAMES.len()]);
            let run = world.engine.snapshot().service(&service).map_or(RunId(1), |service| service.run);
            let status = ExitStatus::Code(i32::from(choice % 2));
            let report = match number % 8 {
                5 => RunReport::Alive,
                6 => RunReport::Silent { problem: "refused".into() },
                7 => {
                    let result = if choice.is_multiple_of(2) { Validated::Passed } else { Validated::Failed("x".into()) };
                    RunReport::Validated { number: u32::from(operation % 4), result }
                }
                0 => RunReport::Started { pid: u32::from(number) },
                1 => RunReport::NotStarted { reason: String::new() },
                2 => RunReport::Ready,
                3 => RunReport::GroupGone,
                _ => RunReport::Exited { status, group_gone: operation.is_multiple_of(2) },
            };
            let event = match operation {
                0..=9 => Event::Begin { paused: choice.is_multiple_of(2) },
                10..=199 => Event::Run { service, run, report },
                200..=210 => Event::Reloaded { spec: spec(choice), files: "procgroup.toml".into() },
                211..=230 => Event::Files(vec![file_event("a", &[NAMES[usize::from(number % 6)]], true, world.now)]),
                231..=234 => Event::Client { id: Some(1), command: Command::Quit },
                _ => Event::TimePassed,
            };
            // Time jumps, also back.
            let now = Moment::from_millis(u64::from(number) * 3);
            let effects = world.engine.update(event, now);
            world.now = world.now.max(now);
            last.extend(effects);
        }
        last.extend(world.engine.update(Event::Client { id: None, command: Command::Quit }, world.now));
        for _ in 0..200 {
            let Some(deadline) = world.engine.next_deadline() else { break };
            last.extend(world.engine.update(Event::TimePassed, deadline));
        }
        let ends = last.iter().filter(|effect| matches!(effect, Effect::Finish(_))).count();
        prop_assert_eq!(ends, 1);
    }
}

/// The group of [`spec`], two of which may be starting at once.
fn in_twos(variant: u8) -> Arc<GroupSpec> {
    let start = StartSpec { parallel: std::num::NonZeroU32::new(2) };
    Arc::new(GroupSpec { start, ..(*spec(variant)).clone() })
}

proptest! {
    #[test]
    fn never_more_are_starting_than_may_and_each_has_its_turn(
        steps in prop::collection::vec((0_u8..102, any::<u8>(), any::<u16>()), 0..150),
    ) {
        let mut world = World::of(in_twos, NAMES.map(String::from).into());
        world.send_event(Event::Begin { paused: false });
        for step in steps {
            world.random_step(step);
            let snapshot = world.engine.snapshot();
            let starting = snapshot.services.iter().filter(|service| service.state() == "starting").count();
            prop_assert!(starting <= 2, "{:#?}", snapshot.services);
        }
        world.let_go(false);
        world.calm_down(&[]);
        world.check_quiet();
    }
}

/// The group of [`spec`], with jobs that run at times.
fn with_times(variant: u8) -> Arc<GroupSpec> {
    let scheduled = |name: &str, when: When| {
        let schedule = Some(Schedule { when, run_on_start: variant.is_multiple_of(2) });
        Arc::new(ServiceSpec { schedule: schedule.filter(|_| variant % 5 != 4), retries: 1, ..job(name) })
    };
    let mut spec = (*spec(variant)).clone();
    spec.start.parallel = std::num::NonZeroU32::new(3);
    let minutely = CronTimes::parse("* * * * *", None).expect("an expression");
    spec.services.push(scheduled("minutely", When::At(minutely)));
    spec.services.push(scheduled("sync", When::Every(Duration::from_secs(1 + u64::from(variant % 3)))));
    Arc::new(spec)
}

proptest! {
    #[test]
    fn schedules_start_nothing_twice_and_nothing_after_a_quit_whatever_the_clock_shows(
        steps in prop::collection::vec((0_u8..102, any::<u8>(), any::<u16>()), 0..120),
        jumps in prop::collection::vec(any::<u16>(), 1..20),
    ) {
        let names = NAMES.iter().copied().chain(["minutely", "sync", "minutely", "sync"]).map(String::from).collect();
        let mut world = World::of(with_times, names);
        world.send_event(Event::Begin { paused: false });
        let mut jumps = jumps.iter().cycle();
        for step in steps {
            if step.2.is_multiple_of(3)
                && let Some(jump) = jumps.next()
            {
                let shows = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(*jump)) + world.now.since_start();
                world.engine.look_at_wall(world.now, shows);
            }
            world.random_step(step);
        }
        world.send_event(Event::Client { id: None, command: Command::Quit });
        let quit = world.history.len();
        world.calm_down(&[]);
        let Some(finish) = world.finish else { panic!("no end") };
        prop_assert!(world.processes.keys().all(|name| finish.given_up.contains(name)), "{:?}", world.processes);
        let spawns = |effect: &Effect| matches!(effect, Effect::Spawn { .. });
        prop_assert!(!world.history[quit..].iter().flat_map(|(_, _, effects)| effects).any(spawns));
    }
}

/// 10,000 operations against a dozen services, always the same ones; after each hundred the world comes to rest, and the
/// state that is shown is the state that is.
#[test]
fn ten_thousand_operations_leave_twelve_services_as_they_are_shown() {
    let mut world = World::of(dozen, (0..12).map(|n| format!("s{n}")).collect());
    world.send_event(Event::Begin { paused: false });
    // A linear congruential generator (Knuth, MMIX): the same numbers on every machine.
    let mut state: u64 = 2026;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut seen = [0; 6];
    for round in 0..100 {
        for _ in 0..100 {
            world.random_step(((draw() % 102) as u8, (draw() % 256) as u8, (draw() % 65_536) as u16));
        }
        world.let_go(round % 2 == 0);
        world.calm_down(&[]);
        world.check_quiet();
        let effects = world.history.drain(..).flat_map(|(_, _, effects)| effects);
        for effect in effects {
            match effect {
                Effect::Validate { .. } => seen[0] += 1,
                Effect::EndValidation { .. } => seen[1] += 1,
                Effect::CheckAlive { .. } => seen[2] += 1,
                Effect::Tell(Fact { kind: FactKind::Marked(Marker::Stuck { .. }), .. }) => seen[3] += 1,
                Effect::Spawn { cause: StartCause::Dependency(_), .. } => seen[4] += 1,
                Effect::Tell(Fact {
                    kind: FactKind::Marked(Marker::Stale { .. } | Marker::HeldUp { .. } | Marker::Lost { .. }),
                    ..
                }) => seen[5] += 1,
                _ => {}
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 5), "something hardly ever happened: {seen:?}");
    world.send_event(Event::Client { id: None, command: Command::Quit });
    world.calm_down(&[]);
    assert!(world.finish.is_some() && world.processes.is_empty() && world.validations.is_empty());
}
