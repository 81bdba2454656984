//! A job with `inputs` that are as at its last success is done without a run, unless somebody wants one.

use crate::domain::{Condition, Outcome, Phase, RunReport, ServiceSpec, SpecPattern, UnchangedInputs, WatchFiles};
use crate::engine::{Effect, Event};

use super::driver::Scenario;
use super::fixture::{job, needs, service};

fn install() -> ServiceSpec {
    ServiceSpec { inputs: vec![SpecPattern { text: "lock".into(), line: 1, file: None }], ..job("install") }
}

/// Its inputs have been looked at: nothing is to be done.
fn unchanged(s: &mut Scenario) {
    let run = s.service("install").run;
    let inputs = UnchangedInputs {
        text: "lock unchanged since the last success".into(),
        files: 1,
        since: std::time::SystemTime::UNIX_EPOCH,
    };
    let report = RunReport::Unchanged { inputs };
    s.event("install is unchanged", Event::Run { service: "install".into(), run, report });
}

#[test]
fn it_is_done_at_once_and_others_go_on() {
    let mut s = Scenario::new(vec![install(), needs(service("api"), "install", Condition::Done)]);
    s.begin();
    assert!(s.events().iter().all(|event| !event.contains("install start")), "nothing has started yet");
    unchanged(&mut s);
    s.expect(
        "
        0.000 > begin
        0.000   spawn install 1 · at startup
        0.000   api: waiting for install to be done
        0.000 > install is unchanged
        0.000   install: done · lock unchanged since the last success · r runs it
        0.000   spawn api 1 · at startup
    ",
    );
    let install = s.service("install");
    assert_eq!((install.phase, install.last_exit, install.restarts.manual), (Phase::Finished(Outcome::Done), None, 0));
    assert_eq!(install.reason.as_deref(), Some("lock unchanged since the last success; r runs it"));
    assert_eq!(install.unchanged.map(|inputs| inputs.files), Some(1));
    assert!(install.history.is_empty(), "that was no run");
    let events = s.events().join("\n");
    assert!(!events.contains("install start"), "{events}");
    // A job that is stopped when it is done stays done for others.
    s.started("api").stop("install").stop("api").exits("api", 0).start("api");
    assert_eq!(s.phase("install"), Phase::Down);
    assert_eq!(s.service("api").phase.word(), "starting");
}

#[test]
fn only_a_person_or_a_save_makes_it_run_all_the_same() {
    let looks = |act: &dyn Fn(&mut Scenario)| {
        let mut s = Scenario::new(vec![ServiceSpec { watch: WatchFiles::All { line: 1, file: None }, ..install() }]);
        s.begin();
        unchanged(&mut s);
        act(&mut s);
        s.until(1.0);
        let run = s.engine.update(Event::TimePassed, s.now);
        assert!(run.iter().all(|effect| !matches!(effect, Effect::Spawn { .. })));
        s.looked_at_inputs()
    };
    assert_eq!(looks(&|s| _ = s.restart("install")), [true, false]);
    assert_eq!(looks(&|s| _ = s.until(0.5).save("lock", &["install"])), [true, false]);
    assert_eq!(looks(&|s| _ = s.start("install")), [true, true]);
    let other = ServiceSpec { run: crate::domain::RunCommand::Shell("other".into()), ..install() };
    assert_eq!(looks(&|s| _ = s.reload(vec![other.clone()])), [true, true], "what is compared knows the command");
}

#[test]
fn what_runs_counts_and_is_told_when_it_does() {
    let mut s = Scenario::new(vec![install()]);
    s.begin();
    unchanged(&mut s);
    s.events();
    s.start("install").started("install").exits("install", 0);
    assert_eq!(s.service("install").restarts.manual, 1);
    let events = s.events().join("\n");
    assert!(events.contains("install restart"), "{events}");
    assert_eq!(s.service("install").history.len(), 1);
}

#[test]
fn one_that_is_stopped_while_it_is_looked_at_is_stopped() {
    let mut s = Scenario::new(vec![install()]);
    s.begin().stop("install");
    unchanged(&mut s);
    assert_eq!(s.phase("install"), Phase::Down);
    s.start("install");
    assert_eq!(s.phase("install").word(), "starting");
}
