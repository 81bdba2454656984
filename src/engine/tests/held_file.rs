//! The file is saved while changes are held, as stories.

use std::sync::Arc;

use crate::domain::{ClientHold, Command, GitLock, GitWork, GroupSpec, Moment, RunCommand, ServiceSpec, WatchState};
use crate::engine::Event;

use super::driver::Scenario;
use super::fixture::{group, service};

/// The service with another command.
fn changed(name: &str, command: &str) -> ServiceSpec {
    ServiceSpec { run: RunCommand::Shell(command.into()), ..service(name) }
}

fn doing(s: &Scenario) -> (&'static str, bool) {
    (s.doing("api"), s.snapshot().watch.file_held)
}

fn resume(discard: bool) -> Command {
    Command::Resume { services: Vec::new(), discard }
}

fn git(at: Moment, until: Option<Moment>) -> Event {
    let lock = Some(GitLock { since: at, until });
    Event::Git(GitWork { tree: "".into(), at, lock, stash: None, in_steps: false, label: None })
}

#[test]
fn what_the_file_says_is_held_and_carried_out_once() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.ask(Command::PauseByKey).reload(vec![changed("api", "one"), service("web")]).until(1.0);
    assert_eq!(doing(&s), ("running", true));
    assert_eq!(s.notice(), "procgroup.toml changed · held, like all changes, until watching resumes");
    s.save("a.rs", &["api"]).reload(vec![changed("api", "two"), service("web")]).until(60.0);
    assert_eq!(doing(&s), ("running", true));
    s.ask(resume(false));
    assert_eq!(doing(&s), ("stopping", false));
    s.until(61.0).exits("api", 0).started("api").until(90.0);
    s.expect(
        "
        0.000 > pausebykey
        0.000 > the file is saved
        1.000 > a.rs is saved
        1.000 > the file is saved
        60.000 > resume
        60.000   rewatch 2 services
        60.000   SIGTERM to api 1
        61.000 > api exits 0
        61.000   spawn api 2 · procgroup.toml changed · was exit 0, up 61000ms
        61.000 > api started
    ",
    );
}

#[test]
fn orders_and_the_end_still_act() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.ask(Command::PauseByKey).reload(vec![changed("api", "one"), service("web")]).restart("web");
    assert_eq!((s.doing("web"), doing(&s)), ("stopping", ("running", true)));
    s.ask(Command::Quit);
    assert_eq!(s.doing("api"), "stopping");
    s.exits("api", 0).exits("web", 0);
    assert!(s.engine.has_finished());
}

#[test]
fn back_at_what_is_in_force_nothing_is_held() {
    let mut s = Scenario::running(vec![service("api")]);
    s.ask(Command::PauseByKey).reload(vec![changed("api", "one")]).reload(vec![service("api")]);
    assert_eq!(doing(&s), ("running", false));
    s.ask(resume(false)).until(9.0);
    assert_eq!(doing(&s), ("running", false));
}

#[test]
fn a_hold_of_some_services_does_not_keep_the_file() {
    let mut s = Scenario::running(vec![service("api"), service("web")]);
    s.ask(Command::Pause { services: vec!["web".into()] }).reload(vec![changed("api", "one"), service("web")]);
    assert_eq!(doing(&s), ("stopping", false));
}

#[test]
fn the_last_of_two_holds_applies_it() {
    let mut s = Scenario::running(vec![service("api")]);
    let hold = ClientHold { id: 1, command: true, label: "make".into(), services: Vec::new() };
    s.ask(Command::Hold(hold)).ask(Command::PauseByKey).reload(vec![changed("api", "one")]);
    s.ask(resume(false)).until(1.0);
    assert_eq!(doing(&s), ("running", true));
    s.ask(Command::Release { id: 1, discard: false });
    assert_eq!(doing(&s), ("stopping", false));
}

#[test]
fn what_is_discarded_is_not_in_force_until_it_is_saved_again() {
    let mut s = Scenario::running(vec![service("api")]);
    s.ask(Command::PauseByKey).reload(vec![changed("api", "one")]).ask(resume(true)).until(9.0);
    assert_eq!(doing(&s), ("running", false));
    assert!(s.snapshot().file_problem.as_deref().is_some_and(|problem| problem.contains("save it again")));
    s.reload(vec![changed("api", "one")]);
    assert_eq!((doing(&s), s.snapshot().file_problem.clone()), (("stopping", false), None));
}

#[test]
fn a_checkout_that_writes_the_file_holds_it_until_git_is_done() {
    for released in [false, true] {
        let mut s = Scenario::running(vec![service("api")]);
        s.until(1.0);
        let at = s.now;
        s.event("git locks", git(at, None));
        if released {
            // The checkout is over before its news is read.
            s.event("git unlocks", git(at, Some(at)));
        }
        s.event("the file is written", Event::FileWritten { at });
        assert_eq!(s.snapshot().watch.state, WatchState::Held, "nobody has read it yet");
        s.reload(vec![changed("api", "one")]).save("a.rs", &["api"]).until(1.2);
        assert_eq!(doing(&s), ("running", true));
        s.event("git unlocks", git(at, Some(s.now))).until(3.0);
        assert_eq!(doing(&s), ("stopping", false));
    }
}

#[test]
fn what_a_person_writes_while_git_only_looks_is_not_held() {
    let mut s = Scenario::running(vec![service("api")]);
    let at = s.now;
    s.event("git status locks", git(at, Some(at))).until(5.0);
    s.event("the file is written", Event::FileWritten { at: s.now }).reload(vec![changed("api", "one")]);
    assert_eq!(doing(&s), ("stopping", false));
    // That git does not hold counts at once.
    let mut s = Scenario::running(vec![service("api")]);
    s.event("git locks", git(s.now, None)).save("a.rs", &["api"]);
    let mut spec = GroupSpec::clone(&group(vec![service("api")]));
    spec.watch.git_hold = false;
    s.event("the file is saved", Event::Reloaded { spec: Arc::new(spec), files: "procgroup.toml".into() });
    assert_eq!(doing(&s), ("stopping", false));
}
