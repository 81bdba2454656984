//! How editors and tools save: each save is one finished change of that file, and nothing else that a service watches.

use std::fs::{self, OpenOptions};
use std::io::{Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::harness::wait_for;

/// A save in some way, and what must come of it: `src/a.rs` changed, finished, and no other watched file but these.
fn saves(save: impl FnOnce(&Path), besides: &[&str]) {
    let mut watched = Watched::new(|root| write(root.join("src/a.rs"), "fn old() {}\n"), all);
    save(&watched.path("src"));
    watched.until_finished("src/a.rs");
    watched.settle();
    assert_eq!(watched.last("src/a.rs").map(|(_, finished)| finished), Some(true), "{:#?}", watched.events);
    assert_ne!(watched.last("src/a.rs").map(|(kind, _)| kind), Some(ChangeKind::Removed), "{:#?}", watched.events);
    for path in watched.paths() {
        let expected = path == "src/a.rs" || besides.contains(&path.as_str());
        assert!(expected || !watched.is_watched(&path), "{path}: {:#?}", watched.events);
    }
}

#[test]
fn truncating_and_writing() {
    saves(|src| fs::write(src.join("a.rs"), "fn new() {}\n").expect("written"), &[]);
}

#[test]
fn vim_with_its_probe_its_backup_and_a_new_file() {
    let save = |src: &Path| {
        fs::write(src.join(".a.rs.swp"), "swap").expect("written");
        fs::write(src.join("4913"), "").expect("written");
        fs::remove_file(src.join("4913")).expect("removed");
        fs::rename(src.join("a.rs"), src.join("a.rs~")).expect("renamed");
        fs::write(src.join("a.rs"), "fn new() {}\n").expect("written");
        fs::remove_file(src.join("a.rs~")).expect("removed");
        fs::remove_file(src.join(".a.rs.swp")).expect("removed");
    };
    saves(save, &[]);
}

#[test]
fn emacs_with_its_lock_and_its_autosave() {
    let save = |src: &Path| {
        std::os::unix::fs::symlink("me@host.1:2", src.join(".#a.rs")).expect("linked");
        fs::write(src.join("#a.rs#"), "fn new").expect("written");
        fs::rename(src.join("a.rs"), src.join("a.rs~")).expect("renamed");
        fs::write(src.join("a.rs"), "fn new() {}\n").expect("written");
        fs::remove_file(src.join("#a.rs#")).expect("removed");
        fs::remove_file(src.join(".#a.rs")).expect("removed");
    };
    saves(save, &[]);
}

#[test]
fn vs_code_in_place() {
    let save = |src: &Path| {
        let mut file = OpenOptions::new().write(true).open(src.join("a.rs")).expect("opened");
        file.set_len(0).expect("truncated");
        file.rewind().expect("rewound");
        file.write_all(b"fn new() {}\n").expect("written");
        file.sync_all().expect("synced");
    };
    saves(save, &[]);
}

#[test]
fn jetbrains_safe_write() {
    let save = |src: &Path| {
        fs::write(src.join("a.rs___jb_tmp___"), "fn new() {}\n").expect("written");
        fs::rename(src.join("a.rs"), src.join("a.rs___jb_old___")).expect("renamed");
        fs::rename(src.join("a.rs___jb_tmp___"), src.join("a.rs")).expect("renamed");
        fs::remove_file(src.join("a.rs___jb_old___")).expect("removed");
    };
    saves(save, &["src/a.rs___jb_tmp___", "src/a.rs___jb_old___"]);
}

#[test]
fn sed_in_place() {
    let save = |src: &Path| {
        fs::write(src.join("sedXYZ"), "fn new() {}\n").expect("written");
        fs::rename(src.join("sedXYZ"), src.join("a.rs")).expect("renamed");
    };
    saves(save, &["src/sedXYZ"]);
}

#[test]
fn a_hard_link_in_its_place() {
    let save = |src: &Path| {
        fs::write(src.join("a.rs.new"), "fn new() {}\n").expect("written");
        fs::remove_file(src.join("a.rs")).expect("removed");
        fs::hard_link(src.join("a.rs.new"), src.join("a.rs")).expect("linked");
        fs::remove_file(src.join("a.rs.new")).expect("removed");
    };
    saves(save, &["src/a.rs.new"]);
}

#[test]
fn a_file_that_stays_open_is_unfinished_until_it_is_closed() {
    let mut watched = Watched::new(|root| write(root.join("a.txt"), "old"), all);
    let mut file = OpenOptions::new().append(true).open(watched.path("a.txt")).expect("opened");
    file.write_all(b"half").expect("written");
    watched.until("the write is reported", |seen| seen.last("a.txt").is_some());
    assert_eq!(watched.last("a.txt"), Some((ChangeKind::Modified, false)));
    drop(file);
    watched.until_finished("a.txt");
    assert_eq!(watched.last("a.txt"), Some((ChangeKind::Modified, true)));
}

#[test]
fn permissions_and_reading_are_no_changes() {
    let mut watched = Watched::new(
        |root| {
            for n in 0..200 {
                write(root.join(format!("src/{}/{n}.rs", n % 10)), "fn text() {}\n");
            }
        },
        all,
    );
    let mut change_permissions = |mode| {
        for n in 0..200 {
            let path = watched.path(format!("src/{}/{n}.rs", n % 10));
            assert!(fs::read_to_string(&path).expect("read").contains("text"));
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("changed");
        }
        watched.settle();
        std::mem::take(&mut watched.events)
    };
    // How the files were is found out after the start, in the background. Until then a file may have changed.
    wait_for("the state of all files is known", || change_permissions(0o640).is_empty());
    let events = change_permissions(0o600);
    assert!(events.is_empty(), "{events:#?}");
}

#[test]
fn what_comes_and_goes_at_once_is_silent_and_what_was_there_is_missed() {
    let mut watched = Watched::new(|root| write(root.join("old.txt"), "old"), all);
    fs::remove_file(watched.path("old.txt")).expect("removed");
    watched.until_finished("old.txt");
    assert_eq!(watched.last("old.txt"), Some((ChangeKind::Removed, true)));
    fs::write(watched.path("new.txt"), "new").expect("written");
    watched.until_finished("new.txt");
    assert_eq!(watched.last("new.txt"), Some((ChangeKind::Created, true)));
}

#[test]
fn a_save_is_reported_within_milliseconds() {
    let mut watched = Watched::new(|root| write(root.join("src/a.rs"), "0"), all);
    let mut waits = Vec::new();
    // 1.3 ms on a machine that does nothing else. This one does: then the next save shows it. What waits for a timer never
    // does.
    while waits.last().is_none_or(|wait| *wait >= Duration::from_millis(10)) {
        assert!(waits.len() < 500, "{waits:?}");
        watched.events.clear();
        let path = watched.path("src/a.rs");
        let saved = Instant::now();
        fs::write(path, "x".repeat(waits.len() + 2)).expect("written");
        watched.until_finished("src/a.rs");
        waits.push(saved.elapsed());
    }
}
