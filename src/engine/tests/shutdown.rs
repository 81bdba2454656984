//! The end of a group, as stories.

use crate::domain::{
    Command, Condition, ExitStatus, Phase, RestartPolicy, RunId, RunReport, ServiceSpec, Signal, StopState,
};
use crate::engine::{Effect, Event};

use super::driver::Scenario;
use super::fixture::{checked, job, needs, service};

fn shop() -> Vec<ServiceSpec> {
    vec![
        checked("db"),
        needs(service("api"), "db", Condition::Ready),
        needs(service("worker"), "api", Condition::Started),
        service("web"),
        ServiceSpec { autostart: false, ..service("mail") },
    ]
}

/// The loop takes ends that have come together at once: as one after the other, with one look at the whole group.
#[test]
fn ends_that_come_together_have_the_same_consequences_as_one_after_the_other() {
    let names = ["db", "api", "worker", "web"];
    let ends = |names: &[&str]| -> Vec<Event> {
        let report = RunReport::Exited { status: ExitStatus::Code(1), group_gone: true };
        let end = |name: &&str| Event::Run { service: (*name).into(), run: RunId(1), report: report.clone() };
        names.iter().map(end).collect()
    };
    for quits in [false, true] {
        let [mut apart, mut together] = [(); 2].map(|()| Scenario::running(shop()));
        for s in [&mut apart, &mut together] {
            s.until(1.0);
            if quits {
                s.ask(Command::Quit);
            }
            s.until(1.1);
        }
        let one_by_one: Vec<Effect> =
            ends(&names).into_iter().flat_map(|end| apart.engine.update(end, apart.now)).collect();
        let at_once = together.engine.update_all(ends(&names), together.now);
        let spawned = |effects: &[Effect]| effects.iter().filter(|one| matches!(one, Effect::Spawn { .. })).count();
        assert_eq!(spawned(&one_by_one), spawned(&at_once), "{quits}");
        let phases = |s: &Scenario| names.map(|name| s.service(name).phase);
        assert_eq!(phases(&apart), phases(&together), "{quits}");
        let is_over = |effects: &[Effect]| effects.last().is_some_and(|one| matches!(one, Effect::Finish(_)));
        assert_eq!((is_over(&one_by_one), is_over(&at_once)), (quits, quits));
    }
}

#[test]
fn services_stop_in_reverse_order_each_when_those_that_need_it_have_ended() {
    let mut s = Scenario::running(shop());
    s.until(1.0).ask(Command::Quit).until(1.1).exits("web", 0).exits("worker", 0).until(1.3);
    let states: Vec<(String, StopState)> = s
        .snapshot()
        .stopping
        .clone()
        .map(|stopping| stopping.services.into_iter().map(|one| (one.name.to_string(), one.state)).collect())
        .unwrap_or_default();
    let names: Vec<&str> = states.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["mail", "web", "worker", "api", "db"]);
    assert!(matches!(
        states.iter().map(|(_, state)| state.clone()).collect::<Vec<_>>()[..],
        [
            StopState::WasNotRunning,
            StopState::Stopped { signal: Some(_), .. },
            StopState::Stopped { .. },
            StopState::Asked { .. },
            StopState::Waiting
        ]
    ));
    s.exits("api", 0).until(1.5).exits("db", 0);
    s.expect(
        "
        1.000 > quit
        1.000   SIGTERM to web 1
        1.000   SIGTERM to worker 1
        1.100 > web exits 0
        1.100   web: stopped · exit 0 · 100ms after the signal
        1.100 > worker exits 0
        1.100   worker: stopped · exit 0 · 100ms after the signal
        1.100   SIGTERM to api 1
        1.300 > api exits 0
        1.300   api: stopped · exit 0 · 200ms after the signal
        1.300   SIGTERM to db 1
        1.500 > db exits 0
        1.500   db: stopped · exit 0 · 200ms after the signal
        1.500   finish · 4 stopped in 500ms · given up [] · failed []
    ",
    );
}

#[test]
fn who_ignores_the_signal_is_said_to() {
    let mut s = Scenario::running(vec![service("deaf"), service("slow")]);
    s.ask(Command::Quit).ignores("deaf", Signal::Term).ignores("slow", Signal::Int);
    let state = |s: &Scenario, place: usize| s.snapshot().stopping.clone().unwrap().services[place].state.clone();
    // In reverse order.
    assert!(matches!(state(&s, 1), StopState::Asked { ignored: true, .. }));
    assert!(matches!(state(&s, 0), StopState::Asked { ignored: false, .. }), "that signal was not sent");
}

#[test]
fn everything_that_was_to_be_tried_is_called_off_in_the_same_turn() {
    let mut open = checked("open");
    open.breaker.failures = 1;
    let mut s = Scenario::running(vec![
        checked("crashed"),
        open,
        job("t"),
        needs(service("b"), "t", Condition::Done),
        service("saved"),
    ]);
    s.exits("crashed", 1).exits("open", 1).save("a.rs", &["saved"]).ask(Command::Quit);
    assert!(["crashed", "open", "b"].iter().all(|name| s.phase(name) == Phase::Down));
    s.exits("saved", 0).until(0.5).exits("t", 0).until(500.0);
    s.expect(
        r#"
        0.000 > crashed exits 1
        0.000   crashed: exited · exit 1 · crash 1 of 5 · next try in 905ms
        0.000 > open exits 1
        0.000   open: exited · exit 1 · crash 1 of 1
        0.000   open: gave up · 1 crashes in 60s · next try in 60s
        0.000 > a.rs is saved
        0.000 > quit
        0.000   SIGTERM to saved 1
        0.000   SIGTERM to t 1
        0.000 > saved exits 0
        0.000   saved: stopped · exit 0 · 0ns after the signal
        0.500 > t exits 0
        0.500   t: stopped · exit 0 · 500ms after the signal
        0.500   finish · 2 stopped in 500ms · given up [] · failed ["crashed", "open"]
    "#,
    );
}

#[test]
fn quitting_with_nothing_up_is_immediate() {
    let mut s = Scenario::new(vec![service("api")]);
    s.ask(Command::Quit);
    s.expect(
        "
        0.000 > quit
        0.000   finish · 0 stopped in 0ms · given up [] · failed []
    ",
    );
    s.begin().ask(Command::Quit).until(100.0);
    s.expect(
        "
        0.000 > begin
        0.000 > quit
    ",
    );
}

#[test]
fn a_second_quit_is_the_first_and_a_kill_does_not_wait() {
    let mut s = Scenario::running(shop());
    s.ask(Command::Quit).until(0.1).ask(Command::Quit).until(0.2).ask(Command::QuitNow);
    s.dies("db", 9).dies("api", 9).dies("worker", 9).dies("web", 9);
    s.expect(
        "
        0.000 > quit
        0.000   SIGTERM to web 1
        0.000   SIGTERM to worker 1
        0.100 > quit
        0.200 > quitnow
        0.200   SIGKILL to db 1
        0.200   db: killed · at once
        0.200   SIGKILL to api 1
        0.200   api: killed · at once
        0.200   SIGKILL to worker 1
        0.200   worker: killed · at once
        0.200   SIGKILL to web 1
        0.200   web: killed · at once
        0.200 > db dies of SIGKILL
        0.200   db: stopped · SIGKILL · 0ns after the signal
        0.200 > api dies of SIGKILL
        0.200   api: stopped · SIGKILL · 0ns after the signal
        0.200 > worker dies of SIGKILL
        0.200   worker: stopped · SIGKILL · 200ms after the signal
        0.200 > web dies of SIGKILL
        0.200   web: stopped · SIGKILL · 200ms after the signal
        0.200   finish · 4 stopped in 200ms · given up [] · failed []
    ",
    );
}

#[test]
fn three_interrupts_leave_at_once() {
    let mut s = Scenario::running(vec![service("api")]);
    s.ask(Command::Interrupt).until(0.1).ask(Command::Interrupt).until(0.2).ask(Command::Interrupt);
    s.exits("api", 0).ask(Command::Interrupt).until(99.0);
    s.expect(
        "
        0.000 > interrupt
        0.000   SIGTERM to api 1
        0.100 > interrupt
        0.100   SIGKILL to api 1
        0.100   api: killed · at once
        0.200 > interrupt
        0.200   finish · 0 stopped in 200ms · given up [\"api\"] · failed [] · abandoned
        0.200 > api exits 0
        0.200 > interrupt
    ",
    );
}

#[test]
fn what_survives_kill_is_given_up_and_named() {
    let mut s = Scenario::running(vec![service("db"), needs(service("api"), "db", Condition::Ready)]);
    s.ask(Command::Quit).until(11.0).exits("db", 0);
    s.expect(
        r#"
        0.000 > quit
        0.000   SIGTERM to api 1
        5.000   SIGKILL to api 1
        5.000   api: killed · after 5s grace
        10.000   api: still running after SIGKILL · pid 102
        10.000   SIGTERM to db 1
        11.000 > db exits 0
        11.000   db: stopped · exit 0 · 1s after the signal
        11.000   finish · 1 stopped in 11000ms · given up ["api"] · failed []
    "#,
    );
}

#[test]
fn a_restart_that_was_under_way_becomes_a_stop() {
    let mut s = Scenario::running(vec![service("api")]);
    s.restart("api").until(0.1).ask(Command::Quit).until(0.2).exits("api", 0);
    s.expect(
        "
        0.000 > restart api
        0.000   SIGTERM to api 1
        0.100 > quit
        0.200 > api exits 0
        0.200   api: stopped · exit 0 · 200ms after the signal
        0.200   finish · 1 stopped in 100ms · given up [] · failed []
    ",
    );
}

#[test]
fn a_process_that_does_not_exist_yet_is_waited_for() {
    let mut s = Scenario::new(vec![service("api")]);
    s.begin().ask(Command::Quit).until(0.1).started("api").until(0.2).dies("api", 15);
    s.expect(
        "
        0.000 > begin
        0.000   spawn api 1 · at startup
        0.000 > quit
        0.100 > api started
        0.100   SIGTERM to api 1
        0.200 > api dies of SIGTERM
        0.200   api: stopped · SIGTERM · 200ms after the signal
        0.200   finish · 1 stopped in 200ms · given up [] · failed []
    ",
    );
}

#[test]
fn what_had_failed_before_is_a_failure_and_what_we_stopped_is_none() {
    let never = ServiceSpec { restart: RestartPolicy::Never, ..service("never") };
    let mut s = Scenario::running(vec![service("api"), never, job("migrate")]);
    s.exits("never", 1).exits("migrate", 3).until(1.0).ask(Command::TimeOut).until(1.5).dies("api", 15);
    s.expect(
        r#"
        0.000 > never exits 1
        0.000   never: exited · exit 1
        0.000 > migrate exits 3
        0.000   migrate: exited · exit 3
        1.000 > timeout
        1.000   SIGTERM to api 1
        1.500 > api dies of SIGTERM
        1.500   api: stopped · SIGTERM · 500ms after the signal
        1.500   finish · 1 stopped in 500ms · given up [] · failed ["never", "migrate"] · timed out
    "#,
    );
}

#[test]
fn one_that_ends_by_itself_while_it_waits_is_not_tried_again() {
    let mut s = Scenario::running(vec![service("db"), needs(service("api"), "db", Condition::Ready)]);
    s.ask(Command::Quit).until(0.1).leaves_others("db", 1).until(0.2).exits("api", 0).gone("db");
    s.expect(
        "
        0.000 > quit
        0.000   SIGTERM to api 1
        0.100 > db exits 1, leaving others
        0.100   db: exited · exit 1
        0.100   SIGTERM to db 1
        0.200 > api exits 0
        0.200   api: stopped · exit 0 · 200ms after the signal
        0.200 > db is gone
        0.200   finish · 2 stopped in 200ms · given up [] · failed []
    ",
    );
}

#[test]
fn nobody_waits_for_readiness_any_more() {
    let mut db = checked("db");
    db.ready.as_mut().unwrap().timeout = std::time::Duration::from_secs(1);
    let mut s = Scenario::new(vec![db, needs(service("api"), "db", Condition::Started)]);
    s.begin().started("db").started("api").ask(Command::Quit).until(3.0).exits("api", 0).exits("db", 0);
    s.expect(
        "
        0.000 > begin
        0.000   spawn db 1 · at startup
        0.000   api: waiting for db to start
        0.000 > db started
        0.000   spawn api 1 · at startup
        0.000 > api started
        0.000 > quit
        0.000   SIGTERM to api 1
        3.000 > api exits 0
        3.000   api: stopped · exit 0 · 3s after the signal
        3.000   SIGTERM to db 1
        3.000 > db exits 0
        3.000   db: stopped · exit 0 · 0ns after the signal
        3.000   finish · 2 stopped in 3000ms · given up [] · failed []
    ",
    );
}

#[test]
fn a_quit_during_a_hold_is_clean() {
    let mut s = Scenario::running(vec![service("api")]);
    s.ask(Command::Pause { services: Vec::new() }).save("a.rs", &["api"]).ask(Command::Quit);
    assert!(s.snapshot().watch.holds.is_empty());
    s.save("b.rs", &["api"]).until(1.0).exits("api", 0).until(100.0);
    s.expect(
        "
        0.000 > pause
        0.000 > a.rs is saved
        0.000 > quit
        0.000   SIGTERM to api 1
        0.000 > b.rs is saved
        1.000 > api exits 0
        1.000   api: stopped · exit 0 · 1s after the signal
        1.000   finish · 1 stopped in 1000ms · given up [] · failed []
    ",
    );
}

#[test]
fn nothing_is_ordered_after_the_end() {
    let mut s = Scenario::running(vec![service("api")]);
    s.ask(Command::Quit).exits("api", 0);
    s.expect(
        "
        0.000 > quit
        0.000   SIGTERM to api 1
        0.000 > api exits 0
        0.000   api: stopped · exit 0 · 0ns after the signal
        0.000   finish · 1 stopped in 0ms · given up [] · failed []
    ",
    );
    s.event("late", Event::Begin { paused: false }).start("api").ask(Command::QuitNow).reload(vec![service("new")]);
    s.expect(
        "
        0.000 > late
        0.000 > start api
        0.000 > quitnow
        0.000 > the file is saved
    ",
    );
    assert_eq!(s.engine.next_deadline(), None);
}
