//! Looking everywhere after a loss, with nothing but the disk to go by.

use std::collections::HashMap;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::domain::{ChangeKind, RunCommand, ServiceSpec, WatchFiles};

fn spec(root: &Path) -> Arc<GroupSpec> {
    let run = RunCommand::Shell(String::from("true"));
    let plain = ServiceSpec::new("api".into(), run, root.to_path_buf());
    let service = ServiceSpec { watch: WatchFiles::All { line: 1, file: None }, ..plain };
    Arc::new(GroupSpec::new("test", root.to_path_buf(), vec![Arc::new(service)]))
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("made");
    fs::write(path, text).expect("written");
}

fn watch_loop(root: &Path, pending: &Arc<Pending>) -> (WatchLoop, Arc<Cookies>) {
    watch_loop_of(spec(root), pending)
}

/// A watch loop that knows all files as they are, as before it first waits.
fn walked(root: &Path) -> (WatchLoop, Arc<Cookies>, Arc<Pending>) {
    let pending = Arc::new(Pending::default());
    let (mut watch_loop, cookies) = watch_loop(root, &pending);
    watch_loop.replan(Reports::Nothing);
    while watch_loop.stamp_a_folder() {}
    (watch_loop, cookies, pending)
}

fn watch_loop_of(spec: Arc<GroupSpec>, pending: &Arc<Pending>) -> (WatchLoop, Arc<Cookies>) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let cookies = Arc::new(Cookies::new(NUMBER.fetch_add(1, Ordering::Relaxed)));
    let (pending, given) = (Arc::clone(pending), Arc::clone(&cookies));
    (WatchLoop::new(spec, Clock::start(), Vec::new(), pending, given, Arc::default()), cookies)
}

#[test]
fn a_sync_knows_all_that_happened_before_it_and_leaves_requests_for_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    write(&root.join("src/a"), "text");
    let (mut watch_loop, cookies, pending) = walked(root);
    for n in 0..50 {
        pending.respec(spec(root));
        write(&root.join("src/a"), &format!("other text {n}"));
        assert!(watch_loop.sync(Duration::from_secs(20)));
        let found: Vec<_> = watch_loop.events.drain(..).map(|event| (event.path.to_string(), event.finished)).collect();
        assert_eq!(found, [(String::from("src/a"), true)], "round {n}");
        assert!(pending.wait(None).spec.is_some());
    }
    cookies.close();
    write(&root.join("src/a"), "more text");
    assert!(watch_loop.sync(Duration::ZERO), "where no cookie can be made, looking everywhere does the same");
    assert_eq!(watch_loop.events.len(), 1);
}

#[test]
fn a_root_that_goes_before_its_files_were_looked_at_is_compared_when_it_is_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (root, away) = (folder.path().join("app"), folder.path().join("away"));
    write(&root.join("src/a"), "text");
    let pending = Arc::new(Pending::default());
    let (mut watch_loop, _) = watch_loop(&root, &pending);
    watch_loop.replan(Reports::Nothing);
    fs::rename(&root, &away).expect("renamed");
    watch_loop.take_in(Batch { places: true, ..Batch::default() });
    write(&away.join("src/a"), "other text");
    fs::rename(&away, &root).expect("renamed");
    while watch_loop.stamp_a_folder() {}
    watch_loop.take_in(Batch::default());
    let found = found(&mut watch_loop);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["src/a"]);
    while watch_loop.stamp_a_folder() {}
    assert!(watch_loop.unstamped.is_empty());
}

fn polling_spec(root: &Path) -> Arc<GroupSpec> {
    let mut spec = (*spec(root)).clone();
    spec.watch.backend = WatchChoice::Poll;
    Arc::new(spec)
}

/// What was found since the last time.
fn found(watch_loop: &mut WatchLoop) -> HashMap<String, (ChangeKind, bool)> {
    watch_loop.events.drain(..).map(|event| (event.path.to_string(), (event.kind, event.finished))).collect()
}

#[test]
fn looking_finds_what_events_would_have_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    for path in ["src/same", "src/changed", "src/gone", "old/deep/a", "procgroup.toml", "skipped/a", ".git/HEAD"] {
        write(&root.join(path), "text");
    }
    write(&root.join(".gitignore"), "skipped\n");
    let pending = Arc::new(Pending::default());
    let (mut watch_loop, _) = watch_loop_of(polling_spec(root), &pending);
    watch_loop.replan(Reports::Nothing);
    assert_eq!((watch_loop.source.backend(), watch_loop.source.count()), (WatchBackend::Poll, 0));
    watch_loop.poll();
    assert!(watch_loop.events.is_empty(), "{:#?}", watch_loop.events);

    write(&root.join("src/changed"), "other text");
    fs::remove_file(root.join("src/gone")).expect("removed");
    fs::rename(root.join("old"), root.join("new")).expect("renamed");
    write(&root.join("fresh/deep/b"), "text");
    write(&root.join("skipped/a"), "other text");
    assert!(watch_loop.sync(Duration::ZERO), "a sync is a look");
    let expected = [
        ("src/changed", ChangeKind::Modified),
        ("src/gone", ChangeKind::Removed),
        ("old/deep/a", ChangeKind::Removed),
        ("new/deep/a", ChangeKind::Created),
        ("fresh/deep/b", ChangeKind::Created),
    ];
    assert_eq!(found(&mut watch_loop), expected.map(|(path, kind)| (path.to_owned(), (kind, true))).into());
    watch_loop.poll();
    assert!(watch_loop.events.is_empty(), "nothing has changed since: {:#?}", watch_loop.events);

    // Rules, the head of git and the group's own file are followed as well.
    write(&root.join(".gitignore"), "fresh\n");
    write(&root.join(".git/HEAD"), "ref: refs/heads/other\n");
    write(&root.join("procgroup.toml"), "[services]\n");
    watch_loop.poll();
    // As the thread does before it waits.
    while watch_loop.stamp_a_folder() {}
    write(&root.join("skipped/a"), "once more");
    write(&root.join("fresh/deep/b"), "once more");
    watch_loop.poll();
    let found: Vec<_> = found(&mut watch_loop).into_keys().filter(|path| path.contains('/')).collect();
    assert_eq!(found, ["skipped/a"]);
    assert_eq!(watch_loop.git_head.as_deref(), Some("other"));

    // A root that goes and comes back.
    let elsewhere = root.with_extension("elsewhere");
    fs::rename(root, &elsewhere).expect("renamed");
    watch_loop.poll();
    assert_eq!(watch_loop.lost, [root]);
    watch_loop.poll();
    assert!(watch_loop.events.is_empty(), "as long as it is away it is as it was: {:#?}", watch_loop.events);
    write(&elsewhere.join("src/changed"), "something else");
    fs::rename(&elsewhere, root).expect("renamed");
    watch_loop.poll();
    assert!(watch_loop.lost.is_empty());
    let found: Vec<_> = watch_loop.events.iter().map(|event| &*event.path).collect();
    assert_eq!(found, ["src/changed"]);
}

#[test]
fn looks_are_rare_when_nothing_happens_and_none_when_everything_is_held() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    write(&root.join("a"), "text");
    let pending = Arc::new(Pending::default());
    let (mut watch_loop, _) = watch_loop_of(polling_spec(root), &pending);
    watch_loop.replan(Reports::Nothing);
    let mut waits = Vec::new();
    for _ in 0..6 {
        watch_loop.poll();
        waits.push(watch_loop.patience().expect("a next look").as_millis().div_ceil(500));
    }
    assert_eq!(waits, [3, 5, 7, 10, 10, 10], "in halves of a second");
    write(&root.join("a"), "other text");
    watch_loop.poll();
    assert!(watch_loop.patience() <= Some(Duration::from_secs(1)));
    watch_loop.set_held(true);
    assert_eq!(watch_loop.patience(), None);
    watch_loop.set_held(false);
    watch_loop.poll_interval = Some(Duration::from_secs(60));
    watch_loop.poll();
    assert!(watch_loop.patience() > Some(Duration::from_secs(50)));
}

#[test]
fn no_change_is_lost_on_the_way_between_the_sources_of_events() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    write(&root.join("src/a"), "1");
    let (mut watch_loop, _, _) = walked(root);
    let choices = [
        WatchChoice::Poll,
        WatchChoice::Native,
        WatchChoice::Notify,
        WatchChoice::Poll,
        WatchChoice::Notify,
        WatchChoice::Auto,
    ];
    for (n, choice) in choices.iter().enumerate() {
        write(&root.join("src/a"), &"x".repeat(n + 2));
        write(&root.join(format!("new{n}/b")), "text");
        let mut spec = (*spec(root)).clone();
        spec.watch.backend = *choice;
        watch_loop.take_in(Batch { spec: Some(Arc::new(spec)), ..Batch::default() });
        assert_eq!(watch_loop.source.polls(), *choice == WatchChoice::Poll);
        watch_loop.poll_if_due();
        watch_loop.sync(Duration::from_secs(20));
        let found = found(&mut watch_loop);
        let expected =
            [(String::from("src/a"), (ChangeKind::Modified, true)), (format!("new{n}/b"), (ChangeKind::Created, true))];
        assert_eq!(found, expected.into(), "{choice:?}");
    }
    assert_eq!(watch_loop.source.count(), 8);
}

#[test]
fn a_silent_stream_is_said_and_given_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    write(&root.join("a"), "text");
    let (mut watch_loop, _, _) = walked(root);
    // Its watches hear into another set: nothing arrives in this one.
    let deaf = Cookies::new(u64::MAX);
    watch_loop.source = Source::new(WatchChoice::Auto, Arc::default(), watch_loop.clock, Arc::new(deaf));
    write(&root.join("a"), "other text");
    assert!(!watch_loop.sync(Duration::ZERO));
    assert!(watch_loop.source.polls());
    assert_eq!(found(&mut watch_loop), [(String::from("a"), (ChangeKind::Modified, true))].into());
    let problem = watch_loop.source.problem(|path| path.to_string_lossy().into());
    assert_eq!(problem.as_deref(), Some("polling: file events do not arrive"));
}

#[test]
fn a_sweep_finds_what_changed_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    for path in ["src/same", "src/changed", "src/gone", "old/deep/a", "procgroup.toml", "skipped/a"] {
        write(&root.join(path), "text");
    }
    write(&root.join(".gitignore"), "skipped\n");
    let (mut watch_loop, _, pending) = walked(root);
    assert!(watch_loop.events.is_empty());

    write(&root.join("src/changed"), "other text");
    fs::remove_file(root.join("src/gone")).expect("removed");
    fs::rename(root.join("old"), root.join("new")).expect("renamed");
    write(&root.join("fresh/deep/b"), "text");
    write(&root.join("skipped/a"), "other text");
    let sweep = || Batch { sweep: true, ..Batch::default() };
    // What the operating system has said stays where it is: as if it had been lost.
    watch_loop.take_in(sweep());
    let found: HashMap<_, _> =
        watch_loop.events.drain(..).map(|event| (event.path.to_string(), (event.kind, event.finished))).collect();
    let expected = [
        ("src/changed", ChangeKind::Modified),
        ("src/gone", ChangeKind::Removed),
        ("old/deep/a", ChangeKind::Removed),
        ("new/deep/a", ChangeKind::Created),
        ("fresh/deep/b", ChangeKind::Created),
    ];
    assert_eq!(found, expected.map(|(path, kind)| (path.to_owned(), (kind, true))).into());

    watch_loop.take_in(sweep());
    assert!(watch_loop.events.is_empty(), "nothing has changed since: {:#?}", watch_loop.events);

    // The watches are where the files are now.
    let path = root.join("new/deep/a");
    write(&path, "more text");
    let end = Instant::now() + Duration::from_secs(20);
    let mut path_events = Vec::new();
    while !path_events.contains(&path) {
        assert!(Instant::now() < end, "no event for {}", path.display());
        if pending.is_empty() {
            std::thread::yield_now();
        } else {
            path_events.extend(pending.wait(None).path_events.into_iter().map(|event| event.path));
        }
    }
}
