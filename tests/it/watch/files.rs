//! The files that a group is read from, and those that its services read: whatever watches the tree.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use devgroup::domain::{ChangeKind, EnvFile, GroupSpec, Match, ServiceSpec, WatchChoice, WatchFiles};

use super::rules::decision_text;
use super::{Watched, group, patterns, service, write};

/// Two packages by one pattern, each with a service that watches its sources.
fn packages(root: &Path) -> GroupSpec {
    let package = |name: &str| {
        let root = root.join("services").join(name);
        ServiceSpec { file: format!("services/{name}/g.toml").into(), ..service(name, &root, globs(&["src/**"])) }
    };
    let files = ["procgroup.toml", "services/a/g.toml", "services/b/g.toml"];
    GroupSpec {
        files: files.iter().map(|file| root.join(file)).collect(),
        include: vec!["services/*/g.toml".into()],
        ..group(root, vec![package("a"), package("b")])
    }
}

fn globs(texts: &[&str]) -> WatchFiles {
    WatchFiles::Globs(patterns(texts))
}

fn make(root: &Path) {
    for name in ["a", "b"] {
        write(root.join(format!("services/{name}/g.toml")), "one");
        write(root.join(format!("services/{name}/src/x")), "one");
    }
}

#[test]
fn files_of_the_group_are_reported_when_they_are_saved_come_and_go() {
    for backend in [WatchChoice::Auto, WatchChoice::Poll] {
        let spec = |root: &Path| {
            let mut spec = packages(root);
            spec.watch.backend = backend;
            spec.watch.poll_interval = Some(std::time::Duration::from_millis(20));
            spec
        };
        let mut watched = Watched::new(make, spec);
        let expect = |watched: &mut Watched, what: &str| {
            watched.until(&format!("{what} ({backend:?})"), |seen| seen.config_written > 0);
            watched.config_written = 0;
        };
        write(watched.path("services/a/g.toml"), "another");
        expect(&mut watched, "saved");
        watched.settle();
        assert!(!watched.paths().contains("services/a/g.toml"), "it counts as read again, not as ignored");
        write(watched.path("services/a/g.local.toml"), "new");
        expect(&mut watched, "a local file");
        write(watched.path("procgroup.local.toml"), "new");
        expect(&mut watched, "a local file of the group");
        write(watched.path("services/c/g.toml"), "new");
        expect(&mut watched, "a new folder with a file");
        write(watched.path("services/c/g.toml"), "saved");
        expect(&mut watched, "the new file was saved");
        fs::create_dir(watched.path("services/d")).expect("made");
        write(watched.path("away/g.toml"), "moved");
        fs::rename(watched.path("away"), watched.path("services/e")).expect("moved");
        expect(&mut watched, "moved in");
        write(watched.path("services/d/g.toml"), "late");
        expect(&mut watched, "in a folder that was there");
        fs::remove_dir_all(watched.path("services/e")).expect("removed");
        expect(&mut watched, "gone");
        fs::remove_file(watched.path("procgroup.local.toml")).expect("removed");
        expect(&mut watched, "the local file is gone");
        assert!(!watched.paths().iter().any(|path| path.ends_with("/src/x")), "{:#?}", watched.events);
        let acts = watched.events.iter().find(|event| matches!(event.matched, Match::Watched { .. }));
        assert!(acts.is_none(), "{acts:?}");
    }
}

#[test]
fn patterns_begin_at_the_folder_of_their_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    make(root);
    let mut spec = packages(root);
    assert_eq!(decision_text(&spec, "services/a/src/x"), "watched a a.watch:1 src/**");
    assert_eq!(decision_text(&spec, "src/x"), "no match");
    let own = "ignored built-in devgroup reloads its own file instead";
    for file in [
        "procgroup.toml",
        "procgroup.local.toml",
        "services/a/g.toml",
        "services/new/g.toml",
        "services/a/g.local.toml",
    ] {
        assert_eq!(decision_text(&spec, file), own, "{file}");
    }
    assert_eq!(decision_text(&spec, "services/a/deep/g.toml"), "no match");
    // The lists of one file are for its services alone.
    let a = std::sync::Arc::make_mut(&mut spec.services[0]);
    (a.watch, a.file_ignore) = (WatchFiles::All { line: 1, file: None }, patterns(&["/gen", "*.md"]));
    write(root.join(".gitignore"), "*.cfg\n");
    a.file_also = patterns(&["/x.cfg"]);
    let b = std::sync::Arc::make_mut(&mut spec.services[1]);
    b.watch = WatchFiles::All { line: 1, file: None };
    assert_eq!(decision_text(&spec, "services/a/gen/y"), "ignored watch.ignore:1 /gen");
    assert_eq!(decision_text(&spec, "services/a/src/gen/y"), "watched a a.watch:1 true");
    assert_eq!(decision_text(&spec, "services/b/gen/y"), "watched b b.watch:1 true");
    assert_eq!(decision_text(&spec, "services/a/x.cfg"), "watched a watch.also:1 /x.cfg");
    assert_eq!(decision_text(&spec, "services/b/x.cfg"), "ignored .gitignore:1 *.cfg");
}

/// A service that reads these files.
fn reader(name: &str, root: &Path, watch: WatchFiles, files: &[PathBuf]) -> ServiceSpec {
    ServiceSpec {
        env_files: files.iter().map(|path| EnvFile { path: path.clone(), or: None, line: 0, file: None }).collect(),
        ..service(name, root, watch)
    }
}

#[test]
fn files_of_variables_are_reported_to_their_readers_wherever_they_are() {
    for backend in [WatchChoice::Auto, WatchChoice::Poll] {
        let outside = tempfile::tempdir().expect("a folder");
        let (link, far) = (outside.path().join("real"), outside.path().join("far.env"));
        let late = outside.path().join("late/deep/late.env");
        write(&link, "A=1");
        let make = |root: &Path| {
            write(root.join(".gitignore"), ".env\nignored/\n");
            write(root.join("ignored/x"), "X=1");
            symlink(&link, root.join(".env")).expect("linked");
        };
        let spec = |root: &Path| {
            let files = [root.join(".env"), root.join("ignored/x"), far.clone(), late.clone()];
            let services = vec![
                reader("api", root, globs(&["src/**"]), &files),
                reader("web", root, WatchFiles::Off, &files),
                reader("out", root, globs(&["src/**", "!.env", "!ignored/**"]), &files[..2]),
            ];
            let mut spec = group(root, services);
            spec.watch.backend = backend;
            spec.watch.poll_interval = Some(std::time::Duration::from_millis(20));
            spec
        };
        let mut watched = Watched::new(make, spec);
        let expect = |watched: &mut Watched, path: &str, kind: ChangeKind| {
            watched.until(&format!("{path} is {kind} ({backend:?})"), |seen| {
                seen.events.iter().any(|event| *event.path == *path && event.kind == kind)
            });
            let found: Vec<_> = watched.events.drain(..).filter(|event| *event.path == *path).collect();
            assert_eq!(found.len(), 1, "{found:?}");
            let Match::Watched { services, .. } = &found[0].matched else { panic!("{found:?}") };
            assert_eq!(services.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["api", "web"]);
        };
        write(&link, "A=2 more");
        expect(&mut watched, ".env", ChangeKind::Modified);
        write(watched.path("ignored/x"), "X=2 more");
        expect(&mut watched, "ignored/x", ChangeKind::Modified);
        fs::remove_file(watched.path("ignored/x")).expect("removed");
        expect(&mut watched, "ignored/x", ChangeKind::Removed);
        write(&far, "F=1");
        expect(&mut watched, far.to_str().expect("text"), ChangeKind::Created);
        // With the folders that it lies in.
        for _ in 0..2 {
            write(outside.path().join("ready/deep/late.env"), "L=1");
            fs::rename(outside.path().join("ready"), outside.path().join("late")).expect("renamed");
            expect(&mut watched, late.to_str().expect("text"), ChangeKind::Created);
            fs::rename(outside.path().join("late"), outside.path().join("ready")).expect("renamed");
            expect(&mut watched, late.to_str().expect("text"), ChangeKind::Removed);
        }
    }
}
