//! Looking everywhere after a loss, with nothing but the disk to go by.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use super::*;
use crate::domain::{
    Backoff, Breaker, ChangeKind, Kind, LogSpec, OnChange, RestartPolicy, RunCommand, ServiceSpec, StopSpec,
    WatchFiles, WatchSpec,
};

fn spec(root: &Path) -> Arc<GroupSpec> {
    let service = ServiceSpec {
        name: "api".into(),
        kind: Kind::Service,
        run: RunCommand::Shell(String::from("true")),
        dir: root.to_path_buf(),
        env: Vec::new(),
        env_files: Vec::new(),
        depends_on: Vec::new(),
        ready: None,
        alive: None,
        validate: None,
        cascade: false,
        restart: RestartPolicy::Never,
        backoff: Backoff::default(),
        breaker: Breaker::default(),
        stop: StopSpec::default(),
        autostart: true,
        left_out: false,
        profiles: Vec::new(),
        group: None,
        url: None,
        watch: WatchFiles::All { line: 1 },
        ignore: Vec::new(),
        debounce: WatchSpec::DEBOUNCE,
        on_change: OnChange::Restart,
    };
    Arc::new(GroupSpec {
        name: "test".into(),
        root: root.to_path_buf(),
        file: root.join("procgroup.toml"),
        services: vec![Arc::new(service)],
        watch: WatchSpec::default(),
        logs: LogSpec::default(),
    })
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("made");
    fs::write(path, text).expect("written");
}

#[test]
fn a_sweep_finds_what_changed_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    for path in ["src/same", "src/changed", "src/gone", "old/deep/a", "procgroup.toml", "skipped/a"] {
        write(&root.join(path), "text");
    }
    write(&root.join(".gitignore"), "skipped\n");
    let pending = Arc::new(Pending::default());
    let mut lookout =
        Lookout::new(spec(root), Clock::start(), Vec::new(), Arc::clone(&pending), Arc::new(Outbox::default()));
    lookout.replan(Reports::Nothing);
    while lookout.stamp_a_folder() {}
    assert!(lookout.events.is_empty());

    write(&root.join("src/changed"), "other text");
    fs::remove_file(root.join("src/gone")).expect("removed");
    fs::rename(root.join("old"), root.join("new")).expect("renamed");
    write(&root.join("fresh/deep/b"), "text");
    write(&root.join("skipped/a"), "other text");
    let sweep = || Batch { sweep: true, ..Batch::default() };
    // What the operating system has said stays where it is: as if it had been lost.
    lookout.take_in(sweep());
    let found: HashMap<_, _> =
        lookout.events.drain(..).map(|event| (event.path.to_string(), (event.kind, event.finished))).collect();
    let expected = [
        ("src/changed", ChangeKind::Modified),
        ("src/gone", ChangeKind::Removed),
        ("old/deep/a", ChangeKind::Removed),
        ("new/deep/a", ChangeKind::Created),
        ("fresh/deep/b", ChangeKind::Created),
    ];
    assert_eq!(found, expected.map(|(path, kind)| (path.to_owned(), (kind, true))).into());

    lookout.take_in(sweep());
    assert!(lookout.events.is_empty(), "nothing has changed since: {:#?}", lookout.events);

    // The watches are where the files are now.
    let path = root.join("new/deep/a");
    write(&path, "more text");
    let end = Instant::now() + Duration::from_secs(20);
    let mut noted = Vec::new();
    while !noted.contains(&path) {
        assert!(Instant::now() < end, "no event for {}", path.display());
        if pending.is_empty() {
            std::thread::yield_now();
        } else {
            noted.extend(pending.wait().noted.into_iter().map(|noted| noted.path));
        }
    }
}
