//! Jobs that are run in another terminal.

use crate::domain::{
    Command, Condition, ElsewhereRun, ExitStatus, Moment, Outcome, Phase, Refusal, RunRecord, ServiceSpec, WatchFiles,
};
use crate::engine::{Effect, Event};

use super::driver::Scenario;
use super::fixture::{checked, job, needs, service};

fn migrate() -> ServiceSpec {
    let migrate = needs(job("migrate"), "db", Condition::Ready);
    ServiceSpec { autostart: false, watch: WatchFiles::Off, ..migrate }
}

fn run(id: u64, job: &str, counts: bool) -> Command {
    Command::RunElsewhere(ElsewhereRun { id, job: job.into(), pid: 812, counts })
}

fn over(id: u64, code: i32) -> Command {
    Command::ElsewhereOver { id, status: Some(ExitStatus::Code(code)) }
}

fn refusal(s: &mut Scenario, command: Command) -> Option<Refusal> {
    let effects = s.engine.update(Event::Client { id: Some(1), command }, s.now);
    effects.into_iter().find_map(|effect| match effect {
        Effect::Answer { answer: crate::domain::Answer::Refused(refusal), .. } => Some(refusal),
        _ => None,
    })
}

#[test]
fn what_it_needs_comes_first_and_how_it_ends_is_how_the_job_ends() {
    let mut s = Scenario::new(vec![
        ServiceSpec { autostart: false, ..checked("db") },
        migrate(),
        ServiceSpec { autostart: false, ..needs(service("api"), "migrate", Condition::Done) },
    ]);
    s.begin().forget().ask(run(1, "migrate", true));
    let waits = s.service("migrate").elsewhere.unwrap().waits_for;
    assert_eq!((waits.as_deref(), s.service("migrate").state()), (Some("waiting for db to be ready"), "waiting"));
    s.started("db").ready("db");
    assert_eq!((s.service("migrate").state(), s.phase("migrate")), ("running", Phase::Down));
    s.until(3.0).ask(over(1, 0));
    assert!(s.trace().contains("migrate: running in another terminal · pid 812"), "{}", s.trace());
    assert!(s.trace().contains("migrate: ended in another terminal · exit 0 · after 3"), "{}", s.trace());
    assert!(!s.trace().contains("spawn migrate"), "{}", s.trace());
    let history = s.service("migrate").history;
    let of = |record: &RunRecord| (record.number(), record.exit, record.uptime.as_secs(), record.cause.to_string());
    let expected = (None, Some(ExitStatus::Code(0)), 3, "elsewhere".to_owned());
    assert_eq!(history.iter().map(of).collect::<Vec<_>>(), [expected], "it is remembered");
    assert_eq!(s.service("migrate").state(), "done");
    s.start("api");
    assert_eq!(s.phase("api").word(), "starting", "what it needs is done");
}

#[test]
fn one_that_nobody_wanted_up_is_done_or_has_failed_and_stays_unwanted() {
    let mut s = Scenario::new(vec![ServiceSpec { autostart: false, ..job("seed") }, service("api")]);
    s.begin().ask(run(1, "seed", true)).ask(over(1, 0));
    assert_eq!((s.service("seed").state(), s.service("seed").wanted), ("done", false));
    s.ask(run(2, "seed", true)).ask(over(2, 3));
    assert_eq!((s.service("seed").state(), s.service("seed").failure().is_some()), ("failed", true));
    s.ask(run(3, "seed", false)).ask(over(3, 0));
    assert_eq!(s.service("seed").state(), "failed", "that was with other arguments");
    assert!(!s.trace().contains("spawn seed"), "{}", s.trace());
    s.stop("seed");
    assert_eq!(s.service("seed").state(), "stopped");
}

#[test]
fn one_that_waits_for_the_job_goes_on_when_it_has_succeeded_elsewhere() {
    let migrate = ServiceSpec { autostart: true, watch: WatchFiles::Off, ..job("migrate") };
    let mut s = Scenario::new(vec![migrate, needs(service("api"), "migrate", Condition::Done)]);
    s.begin().started("migrate").exits("migrate", 1);
    s.ask(run(1, "migrate", false)).ask(over(1, 0));
    assert_eq!(s.phase("api").word(), "blocked", "that was with other arguments");
    s.ask(run(2, "migrate", true)).ask(over(2, 0));
    assert_eq!((s.phase("migrate"), s.phase("api").word()), (Phase::Finished(Outcome::Done), "starting"));
    s.ask(run(3, "migrate", true)).ask(over(3, 4));
    assert_eq!(s.phase("migrate"), Phase::Finished(Outcome::Failed(ExitStatus::Code(4))));
    s.ask(run(4, "migrate", true)).ask(Command::ElsewhereOver { id: 4, status: None });
    assert_eq!(s.phase("migrate"), Phase::Finished(Outcome::Failed(ExitStatus::Code(4))), "nobody knows how it went");
}

#[test]
fn the_group_starts_it_only_afterwards_and_no_second_one_begins() {
    let mut s = Scenario::new(vec![ServiceSpec { autostart: false, ..job("migrate") }, service("api")]);
    s.begin().ask(run(1, "migrate", true)).forget().restart("migrate");
    assert!(s.trace().contains("migrate: waiting for the run in another terminal to end"), "{}", s.trace());
    assert!(!s.trace().contains("spawn"), "{}", s.trace());
    let said = refusal(&mut s, run(2, "migrate", true)).unwrap().to_string();
    assert_eq!(said, "migrate is already running in another terminal (pid 812)");
    s.ask(over(1, 0));
    assert!(s.trace().contains("spawn migrate 1 · manually"), "it was asked for: {}", s.trace());
    s.started("migrate");
    assert!(matches!(refusal(&mut s, run(3, "migrate", true)), Some(Refusal::Runs { .. })));
    assert!(matches!(refusal(&mut s, run(3, "api", true)), Some(Refusal::NoJob(_))));
    assert!(matches!(refusal(&mut s, run(3, "none", true)), Some(Refusal::UnknownService(_))));
}

#[test]
fn a_loss_is_told() {
    let mut s = Scenario::new(vec![ServiceSpec { autostart: false, ..checked("db") }, migrate()]);
    s.begin().ask(run(1, "migrate", true)).started("db").exits("db", 1);
    let lost = s.service("migrate").elsewhere.unwrap().lost.unwrap().to_string();
    assert_eq!(lost, "db failed (exit 1)");
}

#[test]
fn a_group_for_runs_ends_with_the_last_one_or_if_none_comes() {
    let leased = || {
        let mut s = Scenario::new(vec![checked("db"), migrate(), ServiceSpec { name: "seed".into(), ..migrate() }]);
        s.engine.ends_with_last_run(Moment::START);
        s.begin();
        s
    };
    let mut s = leased();
    assert!(s.snapshot().temporary);
    s.ask(run(1, "migrate", true)).started("db").ready("db").ask(run(2, "seed", true)).ask(over(1, 0)).until(60.0);
    assert!(s.snapshot().stopping.is_none(), "another one needs it");
    s.ask(over(2, 0));
    assert!(s.snapshot().stopping.is_some());
    let mut s = leased();
    s.until(29.0);
    assert!(s.snapshot().stopping.is_none());
    s.until(31.0);
    assert!(s.snapshot().stopping.is_some(), "nobody has come");
}
