//! Git at work: what holds, for how long, and what is said about it.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Command, GitLock, GitWork, GroupSpec, Moment, Verdict, WatchState};
use crate::engine::Event;

use super::driver::{Scenario, file_event};
use super::fixture::{group, service};

fn work(at: Moment, lock: Option<GitLock>) -> GitWork {
    GitWork { tree: "".into(), at, lock, stash: None, in_steps: false, label: None }
}

fn lock(s: &mut Scenario) -> &mut Scenario {
    let at = s.now;
    s.event("git locks", Event::Git(work(at, Some(GitLock { since: at, until: None }))))
}

fn unlock<'a>(s: &'a mut Scenario, label: Option<&str>) -> &'a mut Scenario {
    let at = s.now;
    let unlocked = work(at, Some(GitLock { since: at, until: Some(at) }));
    s.event("git unlocks", Event::Git(GitWork { label: label.map(Into::into), ..unlocked }))
}

/// A millisecond later than the last news.
fn soon(s: &mut Scenario) -> &mut Scenario {
    let at = s.now.since_start() + Duration::from_millis(1);
    s.until(at.as_secs_f64())
}

fn many(s: &mut Scenario, count: usize, services: &[&str]) {
    let paths: Vec<String> = (0..count).map(|n| format!("src/{n}.rs")).collect();
    s.save_all(&paths.iter().map(String::as_str).collect::<Vec<_>>(), services, true);
}

#[test]
fn a_checkout_is_one_restart_each_and_is_called_by_its_name() {
    let mut s = Scenario::running(vec![service("api"), service("web"), service("db")]);
    s.until(1.0);
    lock(&mut s).until(1.1);
    many(&mut s, 200, &["api"]);
    let snapshot = s.snapshot();
    assert_eq!((snapshot.watch.state, &*snapshot.watch.holds[0].label), (WatchState::Held, "git"));
    s.until(3.0);
    many(&mut s, 312, &["api", "web"]);
    s.until(3.1);
    unlock(&mut s, Some("checkout: moving from main to feat")).until(9.0);
    s.expect(
        "
        1.000 > git locks
        1.100 > 200 files are saved
        3.000 > 312 files are saved
        3.100 > git unlocks
        3.400   SIGTERM to api 1
        3.400   SIGTERM to web 1
        8.400   SIGKILL to api 1
        8.400   api: killed · after 5s grace
        8.400   SIGKILL to web 1
        8.400   web: killed · after 5s grace
    ",
    );
    assert_eq!(s.notice(), "git checkout: moving from main to feat · 312 changes · api, web restarted");
}

#[test]
fn there_and_back_is_nothing() {
    let mut s = Scenario::running(vec![service("api")]);
    s.same(&["src/0.rs", "src/1.rs"]);
    lock(&mut s);
    many(&mut s, 2, &["api"]);
    unlock(&mut s, Some("checkout: moving from main to feat")).until(0.2);
    lock(&mut s);
    many(&mut s, 2, &["api"]);
    unlock(&mut s, Some("checkout: moving from feat to main")).until(5.0);
    assert_eq!(s.service("api").phase.word(), "running");
    assert_eq!(s.notice(), "git checkout: moving from feat to main · 2 changes cancelled out · no restart");
    assert!(s.verdicts().iter().all(|verdict| *verdict == Verdict::SameContent), "{:?}", s.verdicts());
}

#[test]
fn a_lock_without_changes_means_nothing() {
    let mut s = Scenario::running(vec![service("api")]);
    for n in 0..10_u32 {
        s.until(f64::from(n) * 0.5);
        lock(&mut s);
        unlock(&mut s, None);
        assert_eq!(s.snapshot().watch.state, WatchState::Watching);
    }
    s.until(6.0).save("a.rs", &["api"]).until(6.02);
    assert_eq!(s.service("api").phase.word(), "stopping");
}

#[test]
fn a_change_whose_news_comes_after_that_of_the_release_is_gits() {
    let mut s = Scenario::running(vec![service("api")]);
    s.until(1.0);
    lock(&mut s).until(1.2);
    unlock(&mut s, None);
    // Others have had the lock since.
    for at in [1_201, 1_203, 1_205].map(Moment::from_millis) {
        s.event("git status", Event::Git(work(at, Some(GitLock { since: at, until: Some(at) }))));
    }
    let late = file_event("a.rs", &["api"], true, Moment::from_millis(1_150));
    s.event("late news", Event::Files(vec![late])).until(1.499);
    assert_eq!(s.snapshot().watch.state, WatchState::Held);
    s.until(1.5);
    assert_eq!(s.service("api").phase.word(), "stopping");
    assert_eq!(s.notice(), "git · 1 change · api restarted");
    s.exits("api", 0).started("api").until(2.0).save("a.rs", &["api"]).until(2.02);
    assert_eq!(s.service("api").phase.word(), "stopping");
}

#[test]
fn what_changes_when_the_lock_is_gone_is_not_gits() {
    let mut s = Scenario::running(vec![service("api")]);
    s.until(1.0);
    lock(&mut s);
    unlock(&mut s, Some("checkout: moving from main to feat"));
    soon(&mut s);
    many(&mut s, 312, &["api"]);
    assert_eq!((s.snapshot().watch.state, s.snapshot().watch.holds.len()), (WatchState::Busy, 0));
    s.until(1.501);
    assert_eq!((s.service("api").phase.word(), s.notice().as_str()), ("stopping", ""));
    // Nor does it give its name to what is done later without a word.
    s.exits("api", 0).started("api").until(3.0);
    lock(&mut s).save("a.rs", &["api"]);
    unlock(&mut s, None).until(4.0);
    assert_eq!(s.notice(), "git · 1 change · api restarted");
}

/// Some runs of `git status`, one every 60 ms, each with the lock for a millisecond.
fn statuses(s: &mut Scenario, numbers: std::ops::Range<u32>) {
    for n in numbers {
        lock(s.until(f64::from(n) * 0.06));
        unlock(s.until(f64::from(n) * 0.06 + 0.001), None);
    }
}

#[test]
fn a_save_beside_git_status_in_a_loop_does_not_wait_for_its_end() {
    let mut s = Scenario::running(vec![service("api")]);
    statuses(&mut s, 0..3);
    s.until(0.14).save("a.rs", &["api"]).until(0.16);
    assert_eq!(s.service("api").phase.word(), "stopping");

    // What is saved under the lock may be git's, but the lock of others says nothing about it.
    let mut s = Scenario::running(vec![service("api")]);
    lock(&mut s).save("a.rs", &["api"]);
    unlock(s.until(0.001), None);
    statuses(&mut s, 1..5);
    assert_eq!(s.service("api").phase.word(), "running");
    statuses(&mut s, 5..6);
    assert_eq!(s.service("api").phase.word(), "stopping");
}

#[test]
fn the_next_command_belongs_to_the_last_but_its_lock_alone_does_not_hold_for_long() {
    let mut s = Scenario::running(vec![service("api")]);
    s.same(&["a.rs"]);
    lock(&mut s).save("a.rs", &["api"]);
    unlock(&mut s, None);
    lock(s.until(0.2)).until(0.9).save("a.rs", &["api"]);
    unlock(&mut s, None).until(1.2);
    assert_eq!(s.notice(), "git · 1 change cancelled out · no restart");
    lock(&mut s).save("b.rs", &["api"]);
    unlock(&mut s, None);
    // `git commit -a` with its editor.
    lock(s.until(1.3)).until(2.299);
    assert_eq!(s.service("api").phase.word(), "running");
    s.until(2.3);
    assert_eq!((s.service("api").phase.word(), s.notice().as_str()), ("stopping", "git · 1 change · api restarted"));
}

fn stash(s: &mut Scenario, until: bool) -> &mut Scenario {
    let at = s.now;
    let stash = Some(GitLock { since: at, until: until.then_some(at) });
    s.event("the index of a stash", Event::Git(GitWork { stash, ..work(at, None) }))
}

#[test]
fn untracked_files_of_a_stash_are_gits_although_it_has_no_lock() {
    let mut s = Scenario::running(vec![service("api")]);
    stash(s.until(1.0), false);
    // To save them it took them away when its index was gone; to bring them back it may take long.
    stash(s.until(1.05), true).until(1.1).save("untracked.rs", &["api"]).until(1.2);
    lock(&mut s).save("a.rs", &["api"]);
    unlock(&mut s, Some("reset: moving to HEAD")).until(1.5);
    assert_eq!(s.notice(), "git reset: moving to HEAD · 2 changes · api restarted");
    s.exits("api", 0).started("api").until(3.0);
    stash(&mut s, false).save("untracked.rs", &["api"]).until(5.0).save("another.rs", &["api"]).until(6.0);
    stash(&mut s, true).until(6.299);
    assert_eq!(s.service("api").phase.word(), "running");
    s.until(6.3);
    assert_eq!(s.notice(), "git · 2 changes · api restarted");
    // One that a killed git has left behind, and the next.
    s.exits("api", 0).started("api").until(10.0);
    stash(&mut s, false).save("a.rs", &["api"]).until(20.0);
    assert_eq!(s.service("api").phase.word(), "stopping");
    s.exits("api", 0).started("api").until(30.0).save("a.rs", &["api"]).until(30.02);
    assert_eq!(s.service("api").phase.word(), "stopping");
}

#[test]
fn a_lock_that_is_left_behind_holds_for_ten_seconds_and_then_no_more() {
    let mut s = Scenario::running(vec![service("api")]);
    s.until(1.0);
    lock(&mut s).until(4.0).save("a.rs", &["api"]).until(13.999);
    assert_eq!(s.service("api").phase.word(), "running");
    s.until(14.0);
    assert_eq!(s.service("api").phase.word(), "stopping");
    s.exits("api", 0).started("api").until(30.0).save("a.rs", &["api"]).until(30.02);
    assert_eq!(s.service("api").phase.word(), "stopping", "it does not hold again");
    s.exits("api", 0).started("api");
    unlock(&mut s, None).until(31.0);
    lock(&mut s).save("a.rs", &["api"]).until(40.0);
    assert_eq!(s.service("api").phase.word(), "running", "another lock does");
}

#[test]
fn an_old_lock_is_said_when_it_first_matters() {
    let mut s = Scenario::running(vec![service("api")]);
    lock(&mut s).until(30.0);
    assert_eq!(s.notice(), "");
    s.save("a.rs", &["api"]).until(30.02);
    assert_eq!(s.service("api").phase.word(), "stopping");
    assert!(s.notice().starts_with("git index.lock is 30"), "{}", s.notice());
}

#[test]
fn changes_without_an_end_are_held_for_a_minute() {
    let mut s = Scenario::running(vec![service("api")]);
    lock(&mut s);
    for n in 0..59_u32 {
        s.until(f64::from(n)).save(&format!("{n}.rs"), &["api"]);
    }
    s.until(59.9);
    assert_eq!(s.service("api").phase.word(), "running");
    s.until(60.0);
    assert_eq!(s.service("api").phase.word(), "stopping");
}

#[test]
fn the_steps_of_a_rebase_are_one_and_a_stopped_one_does_not_hold() {
    let mut s = Scenario::running(vec![service("api")]);
    for n in 0..5_u32 {
        s.until(f64::from(n) * 0.6);
        let at = s.now;
        let step = |until| GitWork { in_steps: true, ..work(at, Some(GitLock { since: at, until })) };
        s.event("a step begins", Event::Git(step(None)));
        s.save("a.rs", &["api"]);
        s.event("a step ends", Event::Git(step(Some(at))));
    }
    s.until(3.099);
    assert_eq!(s.service("api").phase.word(), "running");
    s.until(3.1);
    assert_eq!(s.service("api").phase.word(), "stopping");
    // It has stopped at a conflict: what is edited now counts.
    s.exits("api", 0).started("api").until(4.0).save("a.rs", &["api"]).until(4.02);
    assert_eq!(s.service("api").phase.word(), "stopping");
}

#[test]
fn the_inner_repository_holds_its_own_tree_only() {
    let mut s = Scenario::running(vec![service("api")]);
    let at = Moment::START;
    let inner = GitWork { tree: "vendor/lib".into(), ..work(at, Some(GitLock { since: at, until: None })) };
    s.event("the submodule locks", Event::Git(inner)).save("main.rs", &["api"]).until(0.02);
    assert_eq!(s.service("api").phase.word(), "stopping");
    s.exits("api", 0).started("api").save("vendor/lib/a.rs", &["api"]).until(1.0);
    assert_eq!(s.service("api").phase.word(), "running");
}

#[test]
fn the_key_holds_on_when_git_is_done() {
    let mut s = Scenario::running(vec![service("api")]);
    s.ask(Command::Pause { services: Vec::new() });
    lock(&mut s).save("a.rs", &["api"]);
    assert_eq!(s.snapshot().watch.holds.len(), 2);
    unlock(&mut s, None).until(5.0);
    assert_eq!((s.snapshot().watch.holds.len(), s.service("api").phase.word()), (1, "running"));
    s.ask(Command::Resume { services: Vec::new(), discard: false });
    assert_eq!(s.service("api").phase.word(), "stopping");
    assert_eq!(s.notice(), "api restarted · 1 changed file");
}

/// The same file with another `git_hold`.
fn reload_with(s: &mut Scenario, git_hold: bool) {
    let mut spec = GroupSpec::clone(&group(vec![service("api")]));
    spec.watch.git_hold = git_hold;
    s.event("reload", Event::Reloaded { spec: Arc::new(spec), files: "procgroup.toml".into() });
}

#[test]
fn git_hold_in_the_file_counts_at_once_and_finds_the_lock_as_it_is() {
    let mut s = Scenario::running(vec![service("api")]);
    s.until(1.0);
    lock(&mut s).until(1.1).save("a.rs", &["api"]).until(2.0);
    assert_eq!((s.snapshot().watch.holds.len(), s.service("api").phase.word()), (1, "running"));
    // Off: its hold has ended, and what was held is acted on.
    reload_with(&mut s, false);
    assert_eq!((s.snapshot().watch.holds.len(), s.service("api").phase.word()), (0, "stopping"));
    s.exits("api", 0).started("api").until(9.0).save("b.rs", &["api"]).until(9.02);
    assert_eq!(s.service("api").phase.word(), "stopping", "git does not hold");
    s.exits("api", 0).started("api").until(12.0);
    // On again, under the same lock, which the change of a moment ago has kept from growing old.
    reload_with(&mut s, true);
    s.save("c.rs", &["api"]).until(18.0);
    assert_eq!((s.snapshot().watch.holds.len(), s.service("api").phase.word()), (1, "running"));
    unlock(&mut s, None).until(18.3);
    assert_eq!((s.snapshot().watch.holds.len(), s.service("api").phase.word()), (0, "stopping"));
    // A lock that was taken while it was off.
    s.exits("api", 0).started("api").until(20.0);
    reload_with(&mut s, false);
    lock(&mut s).until(21.0);
    reload_with(&mut s, true);
    s.save("d.rs", &["api"]).until(22.0);
    assert_eq!((s.snapshot().watch.holds.len(), s.service("api").phase.word()), (1, "running"));
}

#[test]
fn a_checkout_does_not_say_that_it_restarted_what_could_not_start() {
    let mut s = Scenario::running(vec![service("api")]);
    s.lacks("api", Some("folder /work: no such file or directory"));
    s.until(1.0);
    lock(&mut s).until(1.1).save("a", &["api"]).until(1.2);
    unlock(&mut s, Some("commit: was restarted")).until(5.0);
    assert!(s.service("api").stale);
    assert_eq!(s.notice(), "git commit: was restarted · 1 change · api");
}
