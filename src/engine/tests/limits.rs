//! Changes that come right after a start, as stories: how long they wait, what ends the wait, and what runs then.

use crate::domain::{ClientHold, Command, Condition, OnChange, Phase, ServiceSpec, Targets, Timer, Verdict};

use super::driver::Scenario;
use super::fixture::{checked, job, needs, service};

/// A job that ends at once and writes what it watches, `rounds` times.
fn looping(rounds: usize) -> Scenario {
    let mut s = Scenario::running(vec![job("gen")]);
    for _ in 0..rounds {
        write_and_run_again(&mut s);
    }
    s
}

fn write_and_run_again(s: &mut Scenario) {
    s.save("gen.txt", &["gen"]).exits("gen", 0);
    let now = s.now.since_start().as_secs_f64();
    s.until(now + 0.05);
    if let Some(at) = s.service("gen").next_restart {
        s.until(at.since_start().as_secs_f64());
    }
    s.started("gen");
}

#[test]
fn five_starts_are_free_then_each_waits_longer_and_says_so() {
    let mut s = looping(5);
    assert_eq!(s.service("gen").restarts.change, 5);
    s.save("gen.txt", &["gen"]).exits("gen", 0).until(0.3);
    assert_eq!(s.phase("gen").word(), "done", "it keeps its state");
    let marker = "start in 1s · gen.txt changed right after each of the last 6 starts · ignore = [\"gen.txt\"]";
    assert_eq!(s.notice(), format!("gen: {marker}"));
    assert_eq!(s.verdicts().last(), Some(&Verdict::Waits));
    let at = s.service("gen").next_restart.map(|at| at.since_start().as_millis());
    assert_eq!(at, Some(1_270));
    // Further changes wait with it, and are met by the same start.
    s.save("gen.txt", &["gen"]).until(1.26);
    assert_eq!((s.service("gen").run.0, s.service("gen").pending), (6, 1));
    s.until(1.3);
    assert_eq!((s.service("gen").run.0, s.service("gen").next_restart), (7, None));
    // Endless: three starts in a minute at most.
    let mut s = looping(12);
    let before = s.service("gen").run.0;
    let now = s.now.since_start().as_secs_f64();
    while s.now.since_start().as_secs_f64() < now + 60.0 {
        write_and_run_again(&mut s);
    }
    assert!(s.service("gen").run.0 - before <= 3, "{}", s.service("gen").run.0 - before);
}

#[test]
fn what_runs_goes_on_meanwhile_and_a_change_that_is_taken_back_restarts_nothing() {
    let mut s = Scenario::running(vec![service("api")]);
    for n in 0..6_u32 {
        s.until(f64::from(n) * 0.1).save("v.txt", &["api"]).until(f64::from(n) * 0.1 + 0.05);
        if let Phase::Stopping { .. } = s.phase("api") {
            s.dies("api", 15).started("api");
        }
    }
    assert_eq!((s.phase("api").word(), s.service("api").run.0), ("running", 6));
    assert!(s.service("api").next_restart.is_some());
    s.forget().same(&["v.txt"]).until(10.0);
    s.expect("1.520   api: no restart · the changes were undone");
    assert_eq!((s.phase("api").word(), s.service("api").run.0), ("running", 6));
    assert_eq!(s.service("api").next_restart, None);
    // Ten seconds without a change: the count begins anew.
    s.same(&[]).until(20.0).save("v.txt", &["api"]).until(20.1);
    assert_eq!(s.phase("api").word(), "stopping");
}

#[test]
fn r_and_a_saved_file_end_a_wait() {
    let mut s = looping(10);
    s.save("gen.txt", &["gen"]).exits("gen", 0);
    let now = s.now.since_start().as_secs_f64();
    s.until(now + 0.1);
    let run = s.service("gen").run.0;
    s.restart("gen");
    assert_eq!((s.service("gen").run.0, s.service("gen").next_restart), (run + 1, None));
    s.started("gen").save("gen.txt", &["gen"]).exits("gen", 0).until(now + 0.2);
    assert!(s.service("gen").next_restart.is_some());
    s.reload(vec![job("gen")]);
    assert_eq!((s.service("gen").run.0, s.service("gen").next_restart), (run + 2, None));
}

#[test]
fn r_ends_a_wait_also_where_it_is_refused() {
    use crate::domain::{RunCommand, Validate};
    let run = RunCommand::Shell("make".into());
    let validate = Some(Validate { run, timeout: std::time::Duration::from_secs(60) });
    let mut s = Scenario::new(vec![ServiceSpec { validate, ..service("api") }]);
    s.begin().validated("api", 1, None).started("api");
    for n in 2..8 {
        s.until(f64::from(n)).save("a.rs", &["api"]).until(f64::from(n) + 0.1).validated("api", n, Some("exit 1"));
    }
    s.save("a.rs", &["api"]).until(7.5);
    assert!(s.service("api").next_restart.is_some(), "{:?}", s.service("api"));
    s.restart("api").validated("api", 8, Some("exit 1"));
    assert_eq!((s.service("api").next_restart, s.service("api").stale), (None, true));
}

#[test]
fn a_hold_keeps_what_waits_and_its_end_does_not_shorten_the_wait() {
    let mut s = looping(9);
    s.save("gen.txt", &["gen"]).exits("gen", 0);
    let now = s.now.since_start().as_secs_f64();
    s.until(now + 0.1);
    let at = s.service("gen").next_restart;
    s.ask(Command::Hold(ClientHold { id: 1, command: false, label: "x".into(), services: Vec::new() }));
    assert_eq!((s.service("gen").next_restart, s.service("gen").held), (None, 1));
    s.forget().ask(Command::Release { id: 1, discard: false });
    assert_eq!(s.service("gen").next_restart, at);
    // It has been told.
    s.expect(&format!("{:.3} > release 1", now + 0.1));
    s.ask(Command::Hold(ClientHold { id: 1, command: false, label: "x".into(), services: Vec::new() }));
    s.ask(Command::Release { id: 1, discard: true }).until(now + 100.0);
    assert_eq!((s.phase("gen").word(), s.service("gen").next_restart), ("done", None));
}

#[test]
fn before_a_service_is_ready_every_save_counts() {
    let mut s = Scenario::running(vec![checked("api")]);
    s.until(5.0);
    for n in 0..7_u32 {
        let now = 5.0 + f64::from(n) * 4.0;
        s.until(now).save("v.txt", &["api"]).until(now + 0.1);
        if let Phase::Stopping { .. } = s.phase("api") {
            s.dies("api", 15).started("api");
        }
    }
    // The first save came after it was ready, five are free, and the next one waits.
    assert_eq!(s.service("api").run.0, 7);
    assert!(s.service("api").next_restart.is_some());
    s.ready("api").until(40.0);
    assert_eq!(s.phase("api").word(), "stopping");
}

#[test]
fn a_hook_is_limited_as_a_restart_is_and_runs_one_at_a_time_with_one_behind_it() {
    let css = ServiceSpec { on_change: OnChange::Run("make css".into()), ..service("css") };
    let mut s = Scenario::running(vec![css]);
    s.until(3.0).save("a.css", &["css"]).until(3.1).save("b.css", &["css"]).save("c.css", &["css"]).until(3.5);
    s.hook_ends("css", 1).until(3.6);
    s.expect(
        "
        3.000 > a.css is saved
        3.020   css: on_change · make css · a.css changed
        3.020   run make css beside css
        3.100 > b.css is saved
        3.100 > c.css is saved
        3.500 > hook 1 of css ends
        3.500   css: on_change · make css · b.css and 1 more changed
        3.500   run make css beside css
    ",
    );
    let mut now = 3.6;
    for n in 2..40 {
        s.hook_ends("css", n).save("out.css", &["css"]).until(now + 0.1);
        now += 0.1;
        if s.service("css").next_restart.is_some() {
            break;
        }
    }
    assert!(s.service("css").next_restart.is_some(), "a hook that writes what is watched is a loop");
    assert!(s.notice().starts_with("css: on_change command in 1s · a file changed"), "{}", s.notice());
    assert!(s.notice().contains("after each of the last 6 commands"), "{}", s.notice());
    assert!(now < 5.0, "{now}");
}

#[test]
fn a_hook_ends_with_its_run_and_what_it_had_not_seen_is_not_lost() {
    let css = ServiceSpec { on_change: OnChange::Run("make css".into()), ..service("css") };
    let mut s = Scenario::running(vec![css]);
    s.until(3.0).save("a.css", &["css"]).until(3.1).save("b.css", &["css"]).until(3.2).exits("css", 0);
    s.expect(
        "
        3.000 > a.css is saved
        3.020   css: on_change · make css · a.css changed
        3.020   run make css beside css
        3.100 > b.css is saved
        3.200 > css exits 0
        3.200   css: exited · exit 0
        3.200   end hook of css 1
        3.200   spawn css 2 · b.css changed · was exit 0, up 3200ms
    ",
    );
}

#[test]
fn a_hook_that_fails_leaves_what_runs_older_than_its_files_until_one_succeeds() {
    let css = ServiceSpec { on_change: OnChange::Run("make css".into()), ..service("css") };
    let mut s = Scenario::running(vec![css]);
    s.until(3.0).save("a.css", &["css"]).until(3.1).hook_ends_with("css", 1, Some("exit 7"));
    s.expect(
        "
        3.000 > a.css is saved
        3.020   css: on_change · make css · a.css changed
        3.020   run make css beside css
        3.100 > hook 1 of css ends
        3.100   css: on_change failed · exit 7
    ",
    );
    let shown = |s: &Scenario| (s.service("css").stale, s.service("css").reason.map(|reason| reason.to_string()));
    let failed = (true, Some("on_change failed: exit 7".to_owned()));
    assert_eq!(shown(&s), failed);
    s.until(10.0).save("a.css", &["css"]).until(10.1);
    assert_eq!(shown(&s), (false, None), "another one runs");
    s.hook_ends("css", 2);
    assert_eq!(shown(&s), (false, None));
    s.until(20.0).save("a.css", &["css"]).until(20.1).hook_ends_with("css", 3, Some("exit 7"));
    assert_eq!(shown(&s), failed);
    s.until(30.0).restart("css").exits("css", 0).started("css");
    assert_eq!(shown(&s), (false, None), "a new run has read the files as they are");
}

#[test]
fn a_signal_waits_until_the_service_is_ready() {
    use crate::domain::Signal;
    let hup = ServiceSpec { on_change: OnChange::Signal(Signal::Hup), ..checked("hup") };
    let mut s = Scenario::new(vec![hup]);
    s.begin().started("hup").until(1.0).save("a", &["hup"]).until(5.0).save("b", &["hup"]).until(6.0).ready("hup");
    s.until(7.0).save("c", &["hup"]).until(8.0);
    s.expect(
        "
        0.000 > begin
        0.000   spawn hup 1 · at startup
        0.000 > hup started
        1.000 > a is saved
        5.000 > b is saved
        6.000 > hup is ready
        6.000   hup: ready · 6s after start
        6.000   hup: sent SIGHUP · a and 1 more changed
        6.000   SIGHUP to hup 1 · those that handle it
        7.000 > c is saved
        7.020   hup: sent SIGHUP · c changed
        7.020   SIGHUP to hup 1 · those that handle it
    ",
    );
}

#[test]
fn two_services_that_feed_each_other_are_both_limited() {
    let mut s = Scenario::running(vec![job("gen"), needs(service("api"), "gen", Condition::Done)]);
    s.exits("gen", 0).started("api").save("api.json", &["gen"]);
    let (mut now, mut starts) = (0.0, 0);
    while now < 300.0 {
        now += 0.1;
        s.until(now);
        for (name, file, other) in [("gen", "gen/a.rs", "api"), ("api", "api.json", "gen")] {
            let service = s.service(name);
            match service.phase {
                Phase::Starting { spawned: false, .. } => {
                    starts += u32::from(now > 60.0);
                    s.started(name).save(file, &[other]);
                    if name == "gen" {
                        s.exits("gen", 0);
                    }
                }
                Phase::Stopping { .. } => drop(s.dies(name, 15)),
                _ => {}
            }
        }
    }
    assert!((4..=24).contains(&starts), "{starts} starts of both in four minutes");
}

/// However long it runs: it is not done before its end.
#[test]
fn a_job_that_writes_before_it_ends_is_limited() {
    let mut s = Scenario::running(vec![job("gen")]);
    let mut starts = 0;
    for second in 1..=180 {
        if let Phase::Running { since, .. } = s.phase("gen")
            && s.now.since(since).as_secs_f64() >= 2.9
        {
            starts += u32::from(second > 60);
            s.save("gen.txt", &["gen"]).until(f64::from(second));
            s.dies("gen", 15).started("gen");
        }
        s.until(f64::from(second) + 0.5);
        if let Phase::Starting { spawned: false, .. } = s.phase("gen") {
            s.started("gen");
        }
    }
    assert!(starts <= 8, "{starts} starts in two minutes");
}

#[test]
fn a_stopped_job_says_that_a_save_does_nothing() {
    let mut s = Scenario::running(vec![job("job"), needs(service("api"), "job", Condition::Done)]);
    s.exits("job", 0).started("api").stop("job").until(1.0).save("a", &["job"]).until(2.0);
    assert_eq!((s.phase("job"), s.verdicts()), (Phase::Down, vec![Verdict::Stopped]));
    // What needed it to be done still has it.
    s.ask(Command::Restart { targets: Targets::one(&"api".into()), force: true }).dies("api", 9);
    assert_eq!((s.phase("job").word(), s.phase("api").word()), ("stopped", "starting"));
    let mut s = Scenario::running(vec![job("job"), needs(service("api"), "job", Condition::Done)]);
    s.exits("job", 0).started("api").stop("job").until(3.0).exits("api", 1).until(5.0);
    assert_eq!(s.phase("api").word(), "starting");
}

#[test]
fn what_does_not_run_and_waits_for_its_time_is_waiting_and_says_why() {
    let mut s = looping(5);
    s.save("gen.txt", &["gen"]).exits("gen", 0).until(0.3);
    let job = s.service("gen");
    let why = |file: &str| {
        let line = format!("ignore = [\"{file}\"]");
        format!("a change is waiting: {file} changed right after each of the last 6 starts · {line}")
    };
    assert_eq!((job.state(), job.reason.as_deref()), ("waiting", Some(&*why("gen.txt"))));
    assert!(job.next_restart.is_some());
    // One that has failed is as well: only one timer counts, the first.
    let mut s = Scenario::running(vec![service("api")]);
    for n in 0..6_u32 {
        s.until(f64::from(n) * 0.1).save("v.txt", &["api"]).until(f64::from(n) * 0.1 + 0.05);
        if let Phase::Stopping { .. } = s.phase("api") {
            s.dies("api", 15).started("api");
        }
    }
    assert_eq!((s.service("api").state(), s.service("api").reason.as_deref()), ("running", Some(&*why("v.txt"))));
    s.exits("api", 1);
    let api = s.service("api");
    assert_eq!((api.phase.word(), api.state(), api.reason.as_deref()), ("failed", "waiting", Some(&*why("v.txt"))));
    assert_eq!(api.next_timer(), api.next_restart.map(|at| (at, Timer::Change)));
}
