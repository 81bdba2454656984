//! A saved `procgroup.toml`, as stories.

use std::time::Duration;

use crate::domain::{
    AliveCheck, AliveProbe, Command, Condition, Expandable, Kind, OnChange, Phase, Probe, ProbeText, ReadyCheck,
    RunCommand, RunId, RunReport, ServiceSpec, StopSpec, TaskFolders, Validate, WatchFiles, WorkerSpec,
};
use crate::engine::Event;

use super::driver::Scenario;
use super::fixture::{checked, job, needs, service};

#[test]
fn the_difference_is_carried_out_and_nothing_else() {
    let mut s = Scenario::running(vec![service("api"), service("web"), service("old")]);
    let api = ServiceSpec { run: RunCommand::Shell("bin/api --new".into()), ..service("api") };
    s.until(1.0).reload(vec![service("web"), api, service("new"), ServiceSpec { autostart: false, ..service("mail") }]);
    s.exits("old", 0).exits("api", 0).started("new");
    s.expect(
        "
        1.000 > the file is saved
        1.000   rewatch 4 services
        1.000   SIGTERM to old 1
        1.000   new: waiting for old to stop
        1.000   SIGTERM to api 1
        1.000 > old exits 0
        1.000   old: stopped · exit 0 · 0ns after the signal
        1.000   spawn new 1 · procgroup.toml changed
        1.000   forget old
        1.000 > api exits 0
        1.000   spawn api 2 · procgroup.toml changed · was exit 0, up 1000ms
        1.000 > new started
    ",
    );
    let names: Vec<String> = s.snapshot().services.iter().map(|service| service.name.to_string()).collect();
    assert_eq!(names, ["web", "api", "new", "mail"]);
    assert_eq!(s.notice(), "procgroup.toml reloaded · mail, new added · old removed · api changed");
}

#[test]
fn the_same_file_again_does_nothing() {
    let mut s = Scenario::running(vec![service("api")]);
    s.event("notice", Event::Notice { problem: true, summary: "too few watches".into(), detail: "".into() });
    s.reload(vec![service("api")]);
    s.expect(
        "
        0.000 > notice
        0.000 > the file is saved
    ",
    );
    assert_eq!(s.notice(), "too few watches", "that is still so");
}

#[test]
fn what_was_wrong_with_watching_is_not_said_any_more_when_it_is_well() {
    let mut s = Scenario::running(vec![service("api")]);
    let status = |problem: Option<&str>| {
        Event::Watch(crate::domain::WatchStatus { problem: problem.map(Into::into), ..Default::default() })
    };
    s.event("gone", status(Some("the root is gone")));
    assert_eq!(s.notice(), "the root is gone");
    s.event("back", status(None));
    assert_eq!((s.notice(), s.snapshot().watch.problem.clone()), (String::new(), None));
    s.event("gone", status(Some("the root is gone")));
    s.event("notice", Event::Notice { problem: true, summary: "broken".into(), detail: "".into() });
    s.event("back", status(None));
    assert_eq!(s.notice(), "broken", "that is still so");
}

#[test]
fn a_refused_file_is_said_until_it_is_good_again_whatever_else_is_said() {
    let mut s = Scenario::running(vec![service("api")]);
    let problem = |s: &Scenario| s.snapshot().file_problem.as_deref().map(str::to_owned);
    let refused = || Event::FileRefused { summary: "2:1: bad".into(), remedy: "correct it".into(), detail: "".into() };
    s.event("refused", refused());
    assert_eq!((s.notice().as_str(), problem(&s).as_deref()), ("2:1: bad", Some("2:1: bad · correct it")));
    s.event("notice", Event::Notice { problem: true, summary: "too few watches".into(), detail: "".into() });
    assert_eq!(problem(&s).as_deref(), Some("2:1: bad · correct it"));
    s.event("restored", Event::FileRestored { files: "procgroup.toml".into() });
    assert_eq!(problem(&s), None);
    s.event("refused", refused());
    s.reload(vec![service("api"), service("web")]);
    assert_eq!(problem(&s), None);
}

#[test]
fn settings_that_do_not_change_the_process_do_not_restart_it() {
    let mut s = Scenario::running(vec![service("api")]);
    let mut api = needs(service("api"), "db", Condition::Ready);
    api.watch = WatchFiles::Off;
    api.debounce = Duration::from_secs(1);
    api.on_change = OnChange::Mark;
    api.group = Some("back".into());
    api.url = Some("http://localhost".into());
    api.stop.grace = Duration::from_secs(9);
    api.breaker.failures = 9;
    api.backoff.factor = 9.0;
    api.autostart = false;
    s.reload(vec![api, ServiceSpec { autostart: false, ..service("db") }]);
    s.expect(
        "
        0.000 > the file is saved
        0.000   rewatch 2 services
        0.000   spawn db 1 · procgroup.toml changed
    ",
    );
    assert_eq!(s.service("api").group.as_deref(), Some("back"));
}

#[test]
fn a_service_whose_command_is_repaired_is_tried_again() {
    let mut s = Scenario::running(vec![service("api"), job("done"), service("stopped")]);
    s.exits("api", 127).exits("done", 0).stop("stopped").exits("stopped", 0);
    s.expect(
        "
        0.000 > api exits 127
        0.000   api: exited · exit 127 · waiting for a change
        0.000 > done exits 0
        0.000   done: exited · exit 0
        0.000 > stop stopped
        0.000   SIGTERM to stopped 1
        0.000 > stopped exits 0
        0.000   stopped: stopped · exit 0 · 0ns after the signal
    ",
    );
    let repaired = |spec: ServiceSpec| ServiceSpec { dir: "/work/new".into(), ..spec };
    s.reload(vec![repaired(service("api")), repaired(job("done")), repaired(service("stopped"))]);
    s.expect(
        "
        0.000 > the file is saved
        0.000   rewatch 3 services
        0.000   spawn api 2 · procgroup.toml changed · was exit 127, up 0ms
        0.000   spawn done 2 · procgroup.toml changed · was exit 0, up 0ms
    ",
    );
}

#[test]
fn one_that_is_taken_out_and_put_back_starts_when_its_old_run_has_ended() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.reload(vec![service("web")]).until(0.1).reload(vec![service("web"), service("api")]).until(0.2).exits("api", 0);
    s.expect(
        "
        0.000 > the file is saved
        0.000   rewatch 1 services
        0.000   SIGTERM to api 1
        0.100 > the file is saved
        0.100   rewatch 2 services
        0.200 > api exits 0
        0.200   spawn api 2 · procgroup.toml changed · was exit 0, up 200ms
    ",
    );
}

#[test]
fn changes_of_a_service_that_is_gone_are_forgotten() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.save("a.rs", &["api"]).reload(vec![service("web")]).until(1.0).exits("api", 0).until(2.0);
    s.expect(
        "
        0.000 > a.rs is saved
        0.000 > the file is saved
        0.000   rewatch 1 services
        0.000   SIGTERM to api 1
        1.000 > api exits 0
        1.000   api: stopped · exit 0 · 1s after the signal
        1.000   forget api
    ",
    );
    assert!(s.snapshot().service(&"api".into()).is_none());
}

#[test]
fn a_waiting_service_sees_its_new_dependencies() {
    let mut s = Scenario::new(vec![job("a"), needs(service("api"), "a", Condition::Done)]);
    s.begin().started("a").exits("a", 1);
    s.reload(vec![job("a"), service("api")]);
    assert_eq!(s.service("api").phase.word(), "starting");
}

#[test]
fn nothing_is_reloaded_during_a_shutdown() {
    let mut s = Scenario::running(vec![service("api")]);
    s.ask(Command::Quit).reload(vec![checked("other")]);
    assert!(matches!(s.phase("api"), Phase::Stopping { .. }));
    assert!(s.snapshot().service(&"other".into()).is_none());
}

#[test]
fn a_check_that_is_taken_out_while_it_is_waited_for_takes_its_deadline_along() {
    let slow = Validate { run: RunCommand::Shell("sleep 20".into()), timeout: Duration::from_secs(300) };
    let mut api = ServiceSpec { validate: Some(slow), ..checked("api") };
    api.ready = api.ready.map(|check| ReadyCheck { timeout: Duration::from_secs(3), ..check });
    let mut s = Scenario::new(vec![api.clone()]);
    s.begin().validated("api", 1, None).started("api").until(1.0);
    s.reload(vec![ServiceSpec { ready: None, ..api.clone() }]).until(100.0);
    assert_eq!((s.phase("api").word(), s.service("api").run), ("running", RunId(1)));
    assert_eq!(s.engine.next_deadline(), None);
    // Another one is waited for from now on.
    let mut s = Scenario::new(vec![api.clone()]);
    s.begin().validated("api", 1, None).started("api").until(2.0).forget();
    let ready = api.ready.clone().map(|check| ReadyCheck { timeout: Duration::from_secs(5), ..check });
    s.reload(vec![ServiceSpec { ready, ..api }]).until(100.0);
    s.expect(
        "
        2.000 > the file is saved
        2.000   rewatch 1 services
        2.000   check readiness of api 1
        7.000   api: not ready · port 4000 · 5s · waiting for a change
        7.000   SIGTERM to api 1
        12.000   SIGKILL to api 1
        12.000   api: killed · after 5s grace
        17.000   api: still running after SIGKILL · pid 101
        27.000   SIGKILL to api 1
        37.000   SIGKILL to api 1
        47.000   SIGKILL to api 1
        57.000   SIGKILL to api 1
        67.000   SIGKILL to api 1
        77.000   SIGKILL to api 1
        87.000   SIGKILL to api 1
        97.000   SIGKILL to api 1
    ",
    );
}

#[test]
fn a_run_keeps_its_grace_and_its_kind() {
    let mut s = Scenario::running(vec![service("api"), job("job")]);
    let mut api = service("api");
    api.stop.grace = Duration::from_millis(200);
    s.stop("api").reload(vec![api, service("job")]).until(4.9);
    assert_eq!(s.phase("api").word(), "stopping");
    s.until(5.0).exits("job", 1);
    assert_eq!(s.phase("job").word(), "failed", "it began as a job, and a job is not tried again");
    s.expect(
        "
        0.000 > stop api
        0.000   SIGTERM to api 1
        0.000 > the file is saved
        0.000   rewatch 2 services
        5.000   SIGKILL to api 1
        5.000   api: killed · after 5s grace
        5.000 > job exits 1
        5.000   job: exited · exit 1
    ",
    );
}

#[test]
fn only_what_the_process_sees_is_a_reason_to_restart_it() {
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let old = ServiceSpec { env: vec![pair("A", "1"), pair("B", "2"), pair("A", "3")], ..service("api") };
    let mut s = Scenario::running(vec![old.clone()]);
    let swapped = ServiceSpec { env: vec![pair("B", "2"), pair("A", "3")], ..old.clone() };
    s.reload(vec![swapped.clone()]);
    let check = AliveCheck {
        probe: AliveProbe::Port(4000),
        every: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        failures: 1,
        grace: Duration::ZERO,
    };
    let alive = ServiceSpec { alive: Some(check), ready: checked("api").ready, ..swapped.clone() };
    s.reload(vec![alive]);
    s.expect(
        "
        0.000 > the file is saved
        0.000   rewatch 1 services
        0.000 > the file is saved
        0.000   rewatch 1 services
        0.000   look after api 1
        0.000   api: ready check changed · applies from the next start
    ",
    );
    s.reload(vec![ServiceSpec { env: vec![pair("A", "1"), pair("B", "2")], ..service("api") }]);
    assert_eq!(s.phase("api").word(), "stopping");
    s.dies("api", 15).started("api");
    assert_eq!((s.service("api").restarts.config, s.service("api").restarts.manual), (1, 0));
    // Where one is put into the other, the order counts.
    let one = ServiceSpec { env: vec![pair("A", "1"), pair("B", "${A}")], ..service("api") };
    let other = ServiceSpec { env: vec![pair("B", "${A}"), pair("A", "1")], ..service("api") };
    let mut s = Scenario::running(vec![one]);
    s.reload(vec![other]);
    assert_eq!(s.phase("api").word(), "running", "it is asked first whether the variables are there");
    assert_eq!(s.validated("api", 1, None).phase("api").word(), "stopping");
}

#[test]
fn what_is_done_is_started_when_it_is_another_program_and_what_may_start_by_itself_does() {
    let off = ServiceSpec { autostart: false, ..service("off") };
    let mut s = Scenario::running(vec![job("job"), job("kind"), job("same"), off]);
    s.exits("job", 0).exits("kind", 0).exits("same", 0).forget();
    let edited = ServiceSpec { run: RunCommand::Shell("bin/other".into()), ..job("job") };
    s.reload(vec![edited, service("kind"), ServiceSpec { cascade: true, ..job("same") }, service("off")]);
    s.expect(
        "
        0.000 > the file is saved
        0.000   rewatch 4 services
        0.000   spawn job 2 · procgroup.toml changed · was exit 0, up 0ms
        0.000   spawn kind 2 · procgroup.toml changed · was exit 0, up 0ms
        0.000   spawn off 1 · procgroup.toml changed
    ",
    );
}

#[test]
fn a_service_under_another_name_starts_when_the_old_one_has_made_way() {
    let mut s = Scenario::running(vec![service("old"), service("web")]);
    s.reload(vec![service("new"), service("web")]).until(0.5).dies("old", 15);
    s.expect(
        "
        0.000 > the file is saved
        0.000   rewatch 2 services
        0.000   SIGTERM to old 1
        0.000   new: waiting for old to stop
        0.500 > old dies of SIGTERM
        0.500   old: stopped · SIGTERM · 500ms after the signal
        0.500   spawn new 1 · procgroup.toml changed
        0.500   forget old
    ",
    );
    // One that does not end holds nobody up.
    let mut s = Scenario::running(vec![service("old")]);
    s.reload(vec![service("new")]).until(9.9);
    assert_eq!(s.phase("new").word(), "blocked");
    s.until(10.0);
    assert_eq!(s.phase("new").word(), "starting");
}

#[test]
fn what_was_refused_is_tried_again_when_the_validation_is_another_one() {
    let run = RunCommand::Shell("make".into());
    let api = ServiceSpec { validate: Some(Validate { run, timeout: Duration::from_secs(60) }), ..service("api") };
    let mut s = Scenario::new(vec![api]);
    s.begin().validated("api", 1, None).started("api").until(3.0).save("a.rs", &["api"]).until(4.0);
    s.validated("api", 2, Some("exit 1")).forget();
    assert!(s.service("api").stale);
    s.reload(vec![service("api")]).dies("api", 15);
    s.expect(
        "
        4.000 > the file is saved
        4.000   rewatch 1 services
        4.000   SIGTERM to api 1
        4.000 > api dies of SIGTERM
        4.000   spawn api 2 · a.rs changed · was SIGTERM, up 4000ms
    ",
    );
}

#[test]
fn what_was_being_validated_is_started_when_nobody_asks_any_more_although_the_old_run_has_ended() {
    let run = RunCommand::Shell("make".into());
    let api = ServiceSpec { validate: Some(Validate { run, timeout: Duration::from_secs(60) }), ..service("api") };
    let mut s = Scenario::new(vec![api]);
    s.begin().validated("api", 1, None).started("api").save("a.rs", &["api"]).until(0.5).exits("api", 1);
    assert_eq!(s.doing("api"), "validating");
    s.reload(vec![service("api")]);
    assert_eq!((s.phase("api").word(), s.service("api").restarts.change), ("starting", 1));
}

#[test]
fn checks_that_are_exchanged_before_the_process_is_there_are_exchanged_with_it() {
    let probe = |text: &str| {
        let probe = Probe::Text(ProbeText::Port(text.into()));
        ServiceSpec { ready: Some(ReadyCheck { probe, timeout: Duration::from_secs(30) }), ..service("api") }
    };
    let mut s = Scenario::new(vec![probe("${ONE}")]);
    s.begin().reload(vec![probe("${OTHER}")]).started("api");
    let trace = s.trace();
    assert!(trace.contains("expand api 1") && trace.contains("check readiness of api 1"), "{trace}");
    s.reload(vec![ServiceSpec { url: Some(Expandable::Text("http://x:${A}".into())), ..probe("${OTHER}") }]);
    assert!(s.trace().contains("expand api 1"));
    let url = || Some("http://x:1".into());
    s.event(
        "values",
        Event::Run { service: "api".into(), run: RunId(1), report: RunReport::Expanded { url: url(), ready: None } },
    );
    assert_eq!(s.service("api").url, url());
    s.reload(vec![ServiceSpec { url: Some("http://y".into()), ..probe("${OTHER}") }]);
    assert_eq!(s.service("api").url.as_deref(), Some("http://y"));
}

#[test]
fn a_readiness_check_of_what_is_up_holds_from_the_next_start() {
    let other = |timeout| {
        let ready = checked("api").ready.map(|check| ReadyCheck { timeout: Duration::from_secs(timeout), ..check });
        vec![ServiceSpec { ready, ..service("api") }]
    };
    let mut s = Scenario::running(vec![service("api")]);
    s.reload(vec![checked("api")]).reload(vec![checked("api")]).until(100.0);
    assert_eq!(s.phase("api").word(), "running", "it has not met it");
    s.expect(
        "
        0.000 > the file is saved
        0.000   rewatch 1 services
        0.000   api: ready check changed · applies from the next start
        0.000 > the file is saved
        ",
    );
    s.restart("api").dies("api", 15).started("api");
    assert_eq!(s.phase("api").word(), "starting");
    s.ready("api");
    assert_eq!(s.phase("api").word(), "ready");
    // One that has met its own stays ready, and so it is told again.
    s.forget().reload(other(5)).until(200.0);
    assert_eq!(s.phase("api").word(), "ready");
    assert_eq!(s.trace().matches("from the next start").count(), 1);
    // Where the same save replaces it, that is the next start.
    s.forget().reload(vec![ServiceSpec { run: RunCommand::Shell("other".into()), ..service("api") }]);
    assert!(!s.trace().contains("from the next start"), "{}", s.trace());
}

/// A worker whose tasks are there.
fn worker(dir: &str, change: impl FnOnce(&mut WorkerSpec)) -> ServiceSpec {
    let mut worker = WorkerSpec::new(TaskFolders::below(dir.into()));
    change(&mut worker);
    ServiceSpec { kind: Kind::Worker, worker: Some(worker.into()), ..service("marie") }
}

#[test]
fn a_live_worker_takes_up_what_its_tries_do_not_see() {
    let mut s = Scenario::running(vec![worker("/t", |_| {})]);
    s.until(1.0).reload(vec![worker("/t", |worker| worker.concurrency = 7)]);
    s.until(2.0).reload(vec![worker("/t", |worker| worker.concurrency = 7)]);
    let stop = StopSpec { grace: Duration::from_secs(9), ..StopSpec::default() };
    s.until(3.0).reload(vec![ServiceSpec { stop, ..worker("/t", |worker| worker.concurrency = 7) }]);
    s.expect(
        "
        1.000 > the file is saved
        1.000   rewatch 1 services
        1.000   respec marie 1
        2.000 > the file is saved
        3.000 > the file is saved
        3.000   rewatch 1 services
        3.000   respec marie 1
    ",
    );
}

#[test]
fn other_folders_another_command_and_another_kind_restart_a_worker() {
    let other_run = ServiceSpec { run: RunCommand::Shell("agent --new".into()), ..worker("/t", |_| {}) };
    let others = [worker("/other", |_| {}), worker("/t", |worker| worker.remote = true), other_run, service("marie")];
    for other in others {
        let mut s = Scenario::running(vec![worker("/t", |_| {})]);
        s.until(1.0).reload(vec![other]);
        s.exits("marie", 0);
        s.expect(
            "
            1.000 > the file is saved
            1.000   rewatch 1 services
            1.000   SIGTERM to marie 1
            1.000 > marie exits 0
            1.000   spawn marie 2 · procgroup.toml changed · was exit 0, up 1000ms
        ",
        );
    }
}
