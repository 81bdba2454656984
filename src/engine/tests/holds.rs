//! Holds that overlap, belong to clients, or are of single services, as stories.

use crate::domain::{Answer, ClientHold, Command, GitLock, GitWork, Holder, Refusal, ServiceName, Verdict, WatchState};
use crate::engine::{Effect, Event};

use super::driver::{Scenario, file_event};
use super::fixture::service;

fn hold(id: u64, services: &[&str]) -> Command {
    let services = services.iter().map(|&name| name.into()).collect();
    Command::Hold(ClientHold { id, command: true, label: "make gen".into(), services })
}

fn release(id: u64) -> Command {
    Command::Release { id, discard: false }
}

fn pause(services: &[&str]) -> Command {
    Command::Pause { services: services.iter().map(|&name| name.into()).collect() }
}

fn resume(services: &[&str]) -> Command {
    Command::Resume { services: services.iter().map(|&name| name.into()).collect(), discard: false }
}

fn holds(s: &Scenario) -> Vec<String> {
    s.snapshot().watch.holds.iter().map(ToString::to_string).collect()
}

#[test]
fn a_client_holds_until_it_releases_and_each_service_restarts_once() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.until(1.0).ask(hold(7, &[])).save("a.rs", &["api"]).save("b.rs", &["api"]).until(60.0);
    assert_eq!(s.snapshot().watch.state, WatchState::Held);
    assert_eq!(holds(&s), ["hold: make gen"]);
    assert_eq!(s.snapshot().watch.holds[0].by, Holder::Command);
    s.ask(release(7)).ask(release(7));
    s.expect(
        "
        1.000 > hold 7
        1.000 > a.rs is saved
        1.000 > b.rs is saved
        60.000 > release 7
        60.000   SIGTERM to api 1
        60.000 > release 7
    ",
    );
    assert_eq!(s.notice(), "api restarted · 2 changed files");
    let judged: Vec<_> = s.snapshot().journal.entries().map(|entry| entry.judged.since_start().as_secs()).collect();
    assert_eq!(judged, [60, 60], "its age is that of the outcome");
}

#[test]
fn a_hold_of_one_service_lets_the_others_go_on() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.until(1.0).save("early.rs", &["api", "web"]).until(1.01).ask(hold(1, &["api"])).until(2.0);
    s.exits("web", 0).started("web").save("lib.rs", &["api", "web"]).until(3.0).exits("web", 0).started("web");
    assert_eq!((s.service("api").held, s.service("web").held, s.snapshot().watch.held), (2, 0, 2));
    assert_eq!(holds(&s), ["hold: make gen (api)"]);
    assert_eq!(s.verdicts(), [Verdict::Restart, Verdict::Restart], "it is true of web");
    s.ask(release(1));
    s.expect(
        "
        1.000 > early.rs is saved
        1.010 > hold 1 api
        1.020   SIGTERM to web 1
        2.000 > web exits 0
        2.000   spawn web 2 · early.rs changed · was exit 0, up 2000ms
        2.000 > web started
        2.000 > lib.rs is saved
        2.020   SIGTERM to web 2
        3.000 > web exits 0
        3.000   spawn web 3 · lib.rs changed · was exit 0, up 1000ms
        3.000 > web started
        3.000 > release 1
        3.000   SIGTERM to api 1
    ",
    );
}

#[test]
fn what_two_hold_is_applied_when_the_second_has_ended() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.ask(hold(1, &["api"])).ask(hold(2, &[])).save("a.rs", &["api", "web"]).ask(release(2)).until(1.0);
    assert_eq!((s.service("api").phase.word(), s.service("web").phase.word()), ("running", "stopping"));
    assert_eq!(s.service("api").held, 1);
    s.ask(release(1));
    assert_eq!(s.service("api").phase.word(), "stopping");
}

#[test]
fn who_discards_forgets_only_what_nobody_else_holds() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.ask(hold(1, &["api"])).ask(hold(2, &[])).save("a.rs", &["api", "web"]);
    s.ask(Command::Release { id: 2, discard: true }).until(1.0);
    assert_eq!((s.service("api").held, s.service("web").phase.word()), (1, "running"));
    s.ask(release(1));
    assert_eq!((s.service("api").phase.word(), s.service("web").phase.word()), ("stopping", "running"));
}

#[test]
fn who_discards_what_git_has_changed_is_not_overruled_by_the_hold_of_git() {
    for command in [Command::Release { id: 1, discard: true }, Command::Resume { services: vec![], discard: true }] {
        let mut s = Scenario::running(vec![service("api")]);
        let at = s.now;
        s.ask(if matches!(command, Command::Resume { .. }) { pause(&[]) } else { hold(1, &[]) });
        let lock = |until| Some(GitLock { since: at, until });
        let git = |lock| Event::Git(GitWork { tree: "".into(), at, lock, stash: None, in_steps: false, label: None });
        s.event("locks", git(lock(None))).save("a.rs", &["api"]).event("unlocks", git(lock(Some(at))));
        s.ask(command);
        assert_eq!(
            (s.service("api").held, holds(&s).len()),
            (0, 1),
            "git is not done yet, but what it held is forgotten"
        );
        s.until(5.0);
        assert_eq!((s.service("api").phase.word(), holds(&s).len()), ("running", 0));
        assert_eq!(s.verdicts(), [Verdict::Discarded]);
    }
}

#[test]
fn a_discard_is_also_of_what_is_not_known_yet() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.ask(hold(1, &["api"]));
    let effects =
        s.engine.update(Event::Client { id: None, command: Command::Release { id: 1, discard: true } }, s.now);
    let of = |effect: &Effect| match effect {
        Effect::Baseline { services, sync: true, .. } => Some(services.clone()),
        _ => None,
    };
    assert_eq!(effects.iter().find_map(of), Some(vec![ServiceName::from("api")]));
}

#[test]
fn a_pause_can_be_of_some_grow_and_be_resumed_in_parts_or_by_the_key() {
    let mut s = Scenario::running(vec![service("api"), service("web"), service("db")]);
    s.ask(pause(&["api"])).ask(pause(&["web"]));
    assert_eq!(holds(&s), ["pause (api, web)"]);
    assert_eq!(s.snapshot().watch.state, WatchState::Paused);
    assert_eq!(s.snapshot().watch.holds[0].by, Holder::Client);
    s.save("a.rs", &["api", "web", "db"]).until(1.0);
    assert_eq!(s.service("db").phase.word(), "stopping");
    s.ask(resume(&["web"]));
    assert_eq!((s.service("web").phase.word(), s.service("api").phase.word()), ("stopping", "running"));
    assert_eq!(holds(&s), ["pause (api)"]);
    s.ask(pause(&[])).ask(resume(&["api"]));
    assert_eq!(s.service("api").phase.word(), "stopping");
    assert_eq!(holds(&s), ["pause (db, web)"], "all but that one");
    s.ask(resume(&[]));
    assert!(holds(&s).is_empty());
    s.ask(Command::PauseByKey).ask(pause(&["api"]));
    assert_eq!(holds(&s), ["p", "pause (api)"]);
    s.ask(resume(&[]));
    assert_eq!(s.snapshot().watch.state, WatchState::Watching);
}

#[test]
fn resuming_leaves_what_others_hold() {
    let mut s = Scenario::running(vec![service("api")]);
    s.ask(hold(1, &[])).ask(pause(&[])).save("a.rs", &["api"]).ask(resume(&[])).until(9.0);
    assert_eq!((s.service("api").held, s.snapshot().watch.state), (1, WatchState::Held));
}

#[test]
fn a_hold_of_a_service_that_is_not_there_is_refused() {
    let mut s = Scenario::running(vec![service("api")]);
    for command in [hold(1, &["api", "wbe"]), pause(&["wbe"]), resume(&["wbe"])] {
        let effects = s.engine.update(Event::Client { id: Some(1), command }, s.now);
        let refused = Answer::Refused(Refusal::UnknownService("wbe".into()));
        assert_eq!(effects, [Effect::Answer { id: 1, answer: refused }]);
    }
    assert!(holds(&s).is_empty());
}

#[test]
fn nobody_looks_for_changes_only_while_all_is_held() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    let mut tell = |command| {
        let effects = s.engine.update(Event::Client { id: None, command }, s.now);
        effects.iter().find_map(|effect| if let Effect::Holding(all) = effect { Some(*all) } else { None })
    };
    assert_eq!(tell(hold(1, &["api"])), None);
    assert_eq!(tell(hold(2, &[])), Some(true));
    assert_eq!(tell(release(1)), None);
    assert_eq!(tell(release(2)), Some(false));
}

#[test]
fn while_git_holds_its_end_is_looked_for() {
    let mut s = Scenario::running(vec![service("api")]);
    let at = s.now;
    let lock = Some(GitLock { since: at, until: None });
    let work = GitWork { tree: "".into(), at, lock, stash: None, in_steps: false, label: None };
    for event in [Event::Git(work), Event::Files(vec![file_event("a.rs", &["api"], true, at)])] {
        let effects = s.engine.update(event, at);
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Holding(_))), "{effects:?}");
    }
    assert_eq!(holds(&s), ["git"]);
}

fn resume_and_discard() -> Command {
    Command::Resume { services: Vec::new(), discard: true }
}

#[test]
fn who_discards_leaves_those_stale_whose_files_differ_until_their_next_start() {
    let mut s = Scenario::running(vec![service("api"), service("web"), service("db")]);
    s.until(1.0).same(&["touched.rs"]).ask(pause(&[])).save("a.rs", &["api"]).save("touched.rs", &["web"]);
    s.until(2.0).ask(resume_and_discard());
    let stale = |s: &Scenario| ["api", "web", "db"].map(|name| s.service(name).stale);
    assert_eq!(stale(&s), [true, false, false], "web is as its files are: they hold what they held");
    assert_eq!(s.service("api").reason.as_deref(), Some("discarded: a.rs changed · r restarts"));
    assert_eq!(s.service("api").phase.word(), "running");
    s.until(3.0).save("a.rs", &["api"]).until(3.5);
    assert_eq!(s.service("api").phase.word(), "stopping", "the next change counts as ever");
    s.exits("api", 0).started("api");
    assert_eq!((stale(&s), s.service("api").reason.clone()), ([false; 3], None));
}

#[test]
fn a_run_that_has_ended_meanwhile_is_not_stale_after_a_discard() {
    let mut s = Scenario::running(vec![service("api")]);
    s.until(1.0).mute().ask(pause(&[])).save("a.rs", &["api"]).ask(resume_and_discard());
    s.ask(Command::Restart { targets: crate::domain::Targets::All, force: false });
    s.exits("api", 0).started("api").answer();
    assert!(!s.service("api").stale, "it was started since, and has seen the file");
}
