//! What differs from what a service has seen: the watcher's answers, on real files.

use super::*;
use devgroup::domain::{FileReader, Moment, ServiceName};

/// The paths that differ for the service `api`, which had read its files at its start.
fn differing(watched: &mut Watched, sync: bool) -> Vec<String> {
    differing_until(Moment::START, watched, sync)
}

/// The paths that differ for the service `api`, which may have read its files until then.
fn differing_until(until: Moment, watched: &mut Watched, sync: bool) -> Vec<String> {
    static ASK: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let ask = ASK.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    watched.watcher.compare(ask, vec![FileReader { service: api(), began: Moment::START, until }], sync);
    watched.until("the comparison has come", |seen| seen.compared.as_ref().is_some_and(|one| one.ask == ask));
    let (_, difference) = watched.compared.as_ref().expect("one").services.first().expect("api").clone();
    assert_eq!(difference.more, 0);
    difference.files.into_iter().map(|file| file.path.to_string()).collect()
}

fn api() -> ServiceName {
    "api".into()
}

/// All that has happened until now is known to the service.
fn start(watched: &mut Watched) {
    watched.watcher.baseline(vec![api()], Moment::after_start(Duration::from_secs(3600)), false);
    assert_eq!(differing(watched, false), [""; 0]);
}

/// A tree of which everything is known: each file was compared once.
fn known(make: impl FnOnce(&Path)) -> Watched {
    let mut watched = Watched::new(make, all);
    let mut folders = vec![watched.root().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("listed").flatten() {
            let kind = entry.metadata().expect("there");
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.len() < 1000 {
                write(entry.path(), &fs::read_to_string(entry.path()).expect("read"));
            }
        }
    }
    differing(&mut watched, true);
    start(&mut watched);
    watched
}

#[test]
fn only_another_content_is_a_difference() {
    let mut watched = known(|root| {
        for name in ["touched", "rewritten", "changed", "away", "gone", "replaced"] {
            write(root.join(name), name);
        }
    });
    let root = watched.root().to_path_buf();
    let again = |name: &str| fs::write(root.join(name), name).expect("written");
    again("rewritten");
    write(watched.path("changed"), "other");
    write(watched.path("away"), "elsewhere");
    again("away");
    let touched = fs::File::options().append(true).open(watched.path("touched")).expect("opened");
    touched.set_modified(SystemTime::now()).expect("touched");
    fs::remove_file(watched.path("gone")).expect("removed");
    write(watched.path("replacement"), "replaced");
    fs::rename(watched.path("replacement"), watched.path("replaced")).expect("renamed");
    write(watched.path("brief"), "");
    fs::remove_file(watched.path("brief")).expect("removed");
    write(watched.path("new"), "new");
    assert_eq!(differing(&mut watched, true), ["changed", "gone", "new"]);
    // And once more, from the hashes that are known.
    assert_eq!(differing(&mut watched, false), ["changed", "gone", "new"]);
    again("changed");
    again("gone");
    fs::remove_file(watched.path("new")).expect("removed");
    assert_eq!(differing(&mut watched, true), [""; 0]);
    write(watched.path("changed"), "other");
    assert_eq!(differing(&mut watched, true), ["changed"]);
}

#[test]
fn whole_folders_go_away_and_come_back() {
    let mut watched = known(|root| {
        for n in 0..300 {
            write(root.join(format!("src/{}/{n}.rs", n % 10)), &n.to_string());
        }
    });
    fs::rename(watched.path("src"), watched.path("moved")).expect("moved");
    assert_eq!(differing(&mut watched, true).len(), 600);
    fs::rename(watched.path("moved"), watched.path("src")).expect("moved back");
    assert_eq!(differing(&mut watched, true), [""; 0]);
}

#[test]
fn what_cannot_be_read_has_changed_and_what_is_large_goes_by_its_stamp() {
    let mut watched = known(|root| {
        write(root.join("secret"), "text");
        fs::File::create(root.join("large")).and_then(|file| file.set_len(20 << 20)).expect("made");
    });
    write(watched.path("secret"), "text");
    let open = fs::File::options().append(true).open(watched.path("large")).expect("opened");
    drop(open);
    assert_eq!(differing(&mut watched, true), [""; 0]);
    fs::File::options()
        .append(true)
        .open(watched.path("large"))
        .and_then(|mut file| {
            use std::io::Write;
            file.write_all(b"more")
        })
        .expect("written");
    fs::remove_file(watched.path("secret")).expect("removed");
    std::os::unix::fs::symlink("text", watched.path("secret")).expect("linked");
    let mut found = differing(&mut watched, true);
    found.sort();
    assert_eq!(found, ["large", "secret"]);
}

#[test]
fn what_was_there_in_between_is_a_difference_for_who_may_have_read_it() {
    let mut watched = known(|root| {
        write(root.join("a"), "one");
        write(root.join("touched"), "one");
    });
    write(watched.path("a"), "two");
    write(watched.path("touched"), "one");
    assert_eq!(differing(&mut watched, true), ["a"]);
    write(watched.path("a"), "one");
    let late = Moment::after_start(Duration::from_secs(3600));
    assert_eq!(differing_until(late, &mut watched, true), ["a"]);
    assert_eq!(differing(&mut watched, true), [""; 0]);
}

#[test]
fn a_file_that_is_empty_for_a_moment_is_read_again() {
    let mut watched = known(|root| write(root.join("a"), "text"));
    let mut found = None;
    for ask in 77..97 {
        write(watched.path("a"), "");
        watched.until("it is empty", |seen| seen.last("a").is_some_and(|(_, finished)| finished));
        let asked = Instant::now();
        watched.watcher.compare(
            ask,
            vec![FileReader { service: api(), began: Moment::START, until: Moment::START }],
            false,
        );
        write(watched.path("a"), "text");
        // It is looked at for three times 15 ms: on a busy machine this thread may come later.
        let in_time = asked.elapsed() < Duration::from_millis(40);
        watched.until("the comparison has come", |seen| seen.compared.as_ref().is_some_and(|one| one.ask == ask));
        if in_time {
            found = watched.compared.take();
            break;
        }
        watched.settle();
        watched.events.clear();
    }
    let services = found.expect("the machine was fast enough for a millisecond").services;
    assert!(services.iter().all(|(_, difference)| difference.is_empty()), "{services:?}");
    // One that stays empty is another one.
    write(watched.path("a"), "");
    assert_eq!(differing(&mut watched, true), ["a"]);
}

#[test]
fn gits_lock_is_told_before_the_files_and_with_its_name() {
    let mut watched = Watched::new(
        |root| {
            write(root.join("a.rs"), "1");
            git(root, &["init", "-q"]);
            git(root, &["add", "."]);
            git(root, &["commit", "-qm", "one"]);
            git(root, &["checkout", "-qb", "feat"]);
            write(root.join("a.rs"), "2");
            git(root, &["commit", "-qam", "two"]);
        },
        all,
    );
    git(watched.root(), &["checkout", "-q", "main"]);
    watched.until("the checkout is named", |seen| {
        seen.git.iter().any(|work| work.label.as_deref() == Some("checkout: moving from feat to main"))
    });
    watched.until_finished("a.rs");
    let is_under_lock = |seen: &Watched, path: &str| {
        let at = seen.events.iter().rev().find(|event| &*event.path == path).map(|event| event.at);
        seen.git
            .iter()
            .filter(|work| work.tree.is_empty())
            .filter_map(|work| work.lock)
            .any(|lock| Some(lock.since) <= at && lock.until.is_some_and(|until| at <= Some(until)))
    };
    assert!(is_under_lock(&watched, "a.rs"), "{:?} {:?}", watched.git, watched.events);
    // In one order, however closely it follows.
    for n in 0..50 {
        watched.events.clear();
        watched.git.clear();
        let (branch, file) = (format!("branch-{n}"), format!("b{n}.rs"));
        git(watched.root(), &["checkout", "-qb", &branch]);
        write(watched.path(&file), "");
        watched.until_finished(&file);
        watched.until("the lock is known", |seen| seen.git.iter().any(|work| work.lock.is_some()));
        assert!(!is_under_lock(&watched, &file), "{:?} {:?}", watched.git, watched.events);
    }
}

#[test]
fn who_asks_it_to_catch_up_is_answered_after_all_that_has_happened_before() {
    let mut watched = Watched::new(|root| write(root.join("src/a"), "0"), all);
    for round in 1..=100 {
        watched.events.clear();
        let new = format!("src/{round}");
        write(watched.path("src/a"), &round.to_string());
        write(watched.path(&new), "");
        assert!(watched.watcher.catch_up(round));
        watched.until("it has caught up", |seen| seen.caught_up == Some(round));
        let paths = watched.paths();
        assert!(paths.contains("src/a") && paths.contains(&new), "round {round}: {paths:?}");
    }
}
