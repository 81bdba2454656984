//! Folders that come, go, move and change their rules, and the watches that follow them.

use std::os::unix::fs::MetadataExt;

use super::*;

/// Which folders of the tree have a watch of the operating system, by what the kernel says about this process.
fn watched_folders(root: &Path) -> HashSet<String> {
    let mut inodes = HashSet::new();
    for descriptor in fs::read_dir("/proc/self/fdinfo").expect("listed").flatten() {
        // Other tests close theirs meanwhile.
        let text = fs::read_to_string(descriptor.path()).unwrap_or_default();
        for line in text.lines().filter(|line| line.starts_with("inotify wd:")) {
            let inode = line.split("ino:").nth(1).and_then(|rest| rest.split(' ').next()).expect("an inode");
            inodes.insert(u64::from_str_radix(inode, 16).expect("a number"));
        }
    }
    let mut watched = HashSet::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        if inodes.contains(&fs::metadata(&folder).expect("there").ino()) {
            watched.insert(folder.strip_prefix(root).expect("below").display().to_string());
        }
        for entry in fs::read_dir(&folder).expect("listed").flatten() {
            if entry.file_type().expect("known").is_dir() {
                folders.push(entry.path());
            }
        }
    }
    watched
}

/// Waits until exactly these folders have a watch, and the status says so.
fn until_watched(watched: &mut Watched, folders: &[&str]) {
    let expected: HashSet<_> = folders.iter().map(|folder| (*folder).to_owned()).collect();
    let end = Instant::now() + DEADLINE;
    loop {
        let found = watched_folders(watched.root());
        if found == expected && watched.status.directories == expected.len() {
            return;
        }
        assert!(Instant::now() < end, "{found:?} instead of {expected:?}; {:?}", watched.status);
        watched.settle();
    }
}

#[test]
fn nothing_in_a_fresh_folder_is_missed() {
    let mut watched = Watched::new(|_| {}, all);
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let root = watched.root();
            scope.spawn(move || {
                for n in 0..250 {
                    write(root.join(format!("w{worker}/n{n}/b/c/f")), "text");
                }
            });
        }
    });
    let expected: HashSet<_> =
        (0..4).flat_map(|worker| (0..250).map(move |n| format!("w{worker}/n{n}/b/c/f"))).collect();
    watched.until("each file is reported as finished", |seen| {
        let finished: HashSet<_> =
            seen.events.iter().filter(|event| event.finished).map(|event| event.path.to_string()).collect();
        expected.is_subset(&finished)
    });
}

#[test]
fn a_renamed_folder_reports_under_its_new_name() {
    let mut watched = Watched::new(|root| write(root.join("old/deep/a.rs"), "text"), all);
    fs::rename(watched.path("old"), watched.path("new")).expect("renamed");
    watched.until_finished("new/deep/a.rs");
    watched.settle();
    assert_eq!(watched.last("old/deep/a.rs"), Some((ChangeKind::Removed, true)));
    assert_eq!(watched.last("new/deep/a.rs"), Some((ChangeKind::Created, true)));
    watched.events.clear();
    write(watched.path("new/deep/a.rs"), "more text");
    write(watched.path("new/deep/b.rs"), "text");
    watched.until_finished("new/deep/a.rs");
    watched.until_finished("new/deep/b.rs");
    watched.settle();
    assert_eq!(watched.paths(), HashSet::from([String::from("new/deep/a.rs"), String::from("new/deep/b.rs")]));
    // And another folder under the old name.
    write(watched.path("old/deep/c.rs"), "text");
    watched.until_finished("old/deep/c.rs");
    until_watched(&mut watched, &["", "new", "new/deep", "old", "old/deep"]);
}

#[test]
fn a_folder_that_is_moved_out_is_left_alone() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let mut watched = Watched::new(|root| write(root.join("a/b/c.rs"), "text"), all);
    let moved = elsewhere.path().join("a");
    let rename = fs::rename(watched.path("a"), &moved);
    rename.expect("the same file system");
    watched.until_finished("a/b/c.rs");
    watched.events.clear();
    write(moved.join("b/c.rs"), "other text");
    watched.settle();
    assert!(watched.events.is_empty(), "{:#?}", watched.events);
    assert_eq!(watched.status.directories, 1);
}

#[test]
fn a_big_tree_is_removed_and_comes_back() {
    let make = |root: &Path| {
        for n in 0..300 {
            write(root.join(format!("big/{}/{}/f", n % 30, n)), "text");
        }
    };
    let mut watched = Watched::new(make, all);
    assert_eq!(watched.status.directories, 332);
    fs::remove_dir_all(watched.path("big")).expect("removed");
    watched.until("each file is reported as removed", |seen| {
        let removed = |event: &&FileEvent| event.kind == ChangeKind::Removed && event.path.starts_with("big/");
        seen.events.iter().filter(removed).count() == 300
    });
    watched.until("the watches are gone", |seen| seen.status.directories == 1);
    make(watched.root());
    watched.until("each file is reported again", |seen| {
        let created = |event: &&FileEvent| event.kind == ChangeKind::Created && event.finished;
        seen.events.iter().filter(created).map(|event| &event.path).collect::<HashSet<_>>().len() == 300
    });
    watched.until("the watches are back", |seen| seen.status.directories == 332);
}

#[test]
fn ignored_folders_cost_no_watch_and_are_silent() {
    let make = |root: &Path| {
        git(root, &["init", "-q"]);
        write(root.join(".gitignore"), "/out\n");
        for ignored in ["out/a", "web/node_modules/b", "target/debug", "own/state"] {
            write(root.join(ignored).join("f"), "text");
        }
        write(root.join("src/a.rs"), "text");
    };
    let spec = |root: &Path| {
        let mut spec = all(root);
        spec.watch.ignore = patterns(&["!target/debug/api"]);
        spec
    };
    let mut watched = Watched::with_own(make, spec, &["own"]);
    let expected = ["", "src", "web", "target", "target/debug", ".git", ".git/info"];
    until_watched(&mut watched, &expected);
    for path in ["out/a/f", "out/new/f", "web/node_modules/b/f", "target/deep/er/f", "own/state/f"] {
        write(watched.path(path), "other text");
    }
    write(watched.path("target/debug/api"), "a program");
    watched.until_finished("target/debug/api");
    watched.settle();
    assert!(watched.is_watched("target/debug/api"));
    assert_eq!(watched.paths().len(), 1, "{:#?}", watched.events);
    until_watched(&mut watched, &expected);
}

#[test]
fn only_what_the_globs_can_reach_is_watched() {
    let make = |root: &Path| {
        for folder in ["crates/api/src", "crates/web/src", "docs/a", "migrations"] {
            write(root.join(folder).join("f"), "text");
        }
    };
    let mut watched = Watched::new(make, |root| globs(root, &["crates/{api,core}/**", "settle-*"]));
    until_watched(&mut watched, &["", "crates", "crates/api", "crates/api/src"]);
    // What a glob names may come later.
    write(watched.path("crates/core/lib.rs"), "text");
    watched.until_finished("crates/core/lib.rs");
    assert!(watched.is_watched("crates/core/lib.rs"));
    // New rules: what is watched only from now on is no change. The end of the write may be news of its own until then.
    watched.settle();
    watched.events.clear();
    let spec = globs(watched.root(), &["docs/**", "settle-*"]);
    watched.watcher.respec(Arc::new(spec));
    until_watched(&mut watched, &["", "docs", "docs/a"]);
    assert!(watched.events.is_empty(), "{:#?}", watched.events);
    write(watched.path("docs/a/f"), "other text");
    watched.until_finished("docs/a/f");
}

#[test]
fn folders_outside_the_root_are_watched_where_a_service_asks_for_them() {
    let make = |root: &Path| {
        write(root.join("app/src/f"), "text");
        write(root.join("shared/deep/f"), "text");
        write(root.join("other/f"), "text");
    };
    let mut watched = Watched::new(make, |root| globs(&root.join("app"), &["../shared/**", "../one/file.toml"]));
    let shared = watched.path("shared/deep/f");
    write(&shared, "other text");
    let shown = shared.to_str().expect("text").to_owned();
    watched.until_finished(&shown);
    assert!(watched.is_watched(&shown));
    // One that is not there yet.
    let missing = watched.path("one/file.toml");
    write(&missing, "text");
    watched.until_finished(missing.to_str().expect("text"));
    assert!(!watched.paths().iter().any(|path| path.contains("other")), "{:#?}", watched.events);
}

#[test]
fn saved_rules_move_the_watches() {
    let make = |root: &Path| {
        git(root, &["init", "-q"]);
        for folder in ["out/a", "gen", "src"] {
            write(root.join(folder).join("f"), "text");
        }
    };
    let mut watched = Watched::new(make, all);
    let beside = [".git", ".git/info"];
    until_watched(&mut watched, &[&["", "out", "out/a", "gen", "src"][..], &beside].concat());
    write(watched.path(".gitignore"), "/out\n");
    until_watched(&mut watched, &[&["", "gen", "src"][..], &beside].concat());
    write(watched.path(".git/info/exclude"), "gen\n");
    until_watched(&mut watched, &[&["", "src"][..], &beside].concat());
    write(watched.path("src/.ignore"), "*.two\n");
    watched.settle();
    write(watched.path("src/a.two"), "text");
    watched.until_finished("src/a.two");
    assert!(!watched.is_watched("src/a.two"));
    fs::remove_file(watched.path(".gitignore")).expect("removed");
    until_watched(&mut watched, &[&["", "out", "out/a", "src"][..], &beside].concat());
    assert!(!watched.paths().contains("out/a/f"), "watched again is no change");
}

#[test]
fn links_are_not_followed_and_strange_names_are_fine() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    let make = |root: &Path| {
        write(root.join("a/f"), "text");
        symlink("..", root.join("a/loop")).expect("linked");
        symlink("nowhere", root.join("a/dangling")).expect("linked");
        fs::create_dir(root.join(std::ffi::OsStr::from_bytes(b"caf\xe9"))).expect("made");
        fs::create_dir(root.join("two\nlines")).expect("made");
    };
    let mut watched = Watched::new(make, all);
    assert_eq!(watched.status.directories, 4);
    assert_eq!(watched.status.problem, None);
    write(watched.path("two\nlines/f"), "text");
    watched.until_finished("two\nlines/f");
    let strange = watched.path(std::ffi::OsStr::from_bytes(b"caf\xe9")).join(std::ffi::OsStr::from_bytes(b"\xff.rs"));
    write(strange, "text");
    watched.until_finished("caf\\xe9/\\xff.rs");
    let made = std::process::Command::new("mkfifo").arg(watched.path("a/pipe")).status().expect("run");
    assert!(made.success());
    watched.settle();
    assert!(!watched.paths().contains("a/pipe"));
}

#[test]
fn reading_wakes_nobody_and_nothing_happens_by_itself() {
    // By another process: a child that another test forks at the wrong moment would keep a file of ours open for writing
    // until it executes its program, and close it when it is watched already.
    let make = |root: &Path| {
        let script = "for n in $(seq 300); do mkdir -p src/$((n % 20)) && echo needle > src/$((n % 20))/f$n; done";
        let made = std::process::Command::new("sh").args(["-ec", script]).current_dir(root).status();
        assert!(made.expect("sh is there").success());
    };
    let mut watched = Watched::new(make, all);
    watched.settle();
    let status = watched.status.clone();
    let mut grep = std::process::Command::new("grep");
    let found = grep.args(["-r", "needle", "."]).current_dir(watched.root()).output().expect("grep is there");
    assert_eq!(found.stdout.iter().filter(|byte| **byte == b'\n').count(), 300);
    watched.settle();
    assert!(watched.events.is_empty(), "{:#?}", watched.events);
    assert_eq!(watched.status, status);
}

#[test]
fn a_root_that_is_gone_is_said_and_compared_when_it_is_back() {
    let make = |root: &Path| {
        for name in ["a.rs", "b.rs"] {
            write(root.join("app/src").join(name), "text");
        }
    };
    let mut watched = Watched::new(make, |root| all(&root.join("app")));
    fs::rename(watched.path("app"), watched.path("away")).expect("renamed");
    watched.until("the loss is said", |seen| {
        seen.status
            .problem
            .as_ref()
            .is_some_and(|problem| problem.ends_with("app is gone: nothing restarts until it is back"))
    });
    write(watched.path("away/src/a.rs"), "other text");
    fs::remove_file(watched.path("away/src/b.rs")).expect("removed");
    assert!(watched.events.is_empty(), "it is as it was: {:#?}", watched.events);
    fs::rename(watched.path("away"), watched.path("app")).expect("renamed");
    watched.until("all is well again", |seen| seen.status.problem.is_none());
    watched.until("both changes are found", |seen| seen.last("src/a.rs").is_some() && seen.last("src/b.rs").is_some());
    assert_eq!(watched.last("src/b.rs"), Some((ChangeKind::Removed, true)));
    // Whether it is finished is not known of one that was not looked at before it was away.
    assert_eq!(watched.last("src/a.rs").map(|(kind, _)| kind), Some(ChangeKind::Modified));
    write(watched.path("app/src/new.rs"), "text");
    watched.until_finished("src/new.rs");
}

#[test]
fn a_root_that_is_removed_under_the_feet_of_its_services_is_found_when_it_is_made_anew() {
    let make = |root: &Path| {
        write(root.join("app/src/a.rs"), "text");
        git(&root.join("app"), &["init", "-q"]);
    };
    let mut watched = Watched::new(make, |root| all(&root.join("app")));
    // As a process does whose current folder it is: the kernel does not say that the folder itself is gone.
    let _feet = fs::File::open(watched.path("app")).expect("opened");
    fs::remove_dir_all(watched.path("app")).expect("removed");
    watched.until("the loss is said", |seen| {
        seen.status.problem.as_ref().is_some_and(|problem| problem.contains("app is gone"))
    });
    write(watched.path("app/src/a.rs"), "other text");
    watched.until("all is well again", |seen| seen.status.problem.is_none());
    write(watched.path("app/src/new.rs"), "text");
    watched.until_finished("src/new.rs");
}

#[test]
fn a_root_that_moves_with_a_folder_above_it_is_lost_and_found() {
    let make = |root: &Path| write(root.join("above/app/src/a.rs"), "text");
    let mut watched = Watched::new(make, |root| all(&root.join("above/app")));
    fs::rename(watched.path("above"), watched.path("elsewhere")).expect("renamed");
    watched.until("the loss is said", |seen| {
        seen.status.problem.as_ref().is_some_and(|problem| problem.contains("app is gone"))
    });
    assert!(watched.events.is_empty(), "{:#?}", watched.events);
    write(watched.path("elsewhere/app/src/a.rs"), "other text");
    write(watched.path("above/app/src/b.rs"), "text");
    watched.until_finished("src/b.rs");
    watched.until_finished("src/a.rs");
    watched.until("all is well again", |seen| seen.status.problem.is_none());
    assert_eq!(watched.last("src/a.rs"), Some((ChangeKind::Removed, true)));
    // Another one in its place, without a moment in which there is none.
    write(watched.path("new/app/src/c.rs"), "text");
    let (old, new) = (watched.path("above"), watched.path("new"));
    rustix::fs::renameat_with(rustix::fs::CWD, old, rustix::fs::CWD, new, rustix::fs::RenameFlags::EXCHANGE)
        .expect("exchanged");
    watched.until_finished("src/c.rs");
    assert_eq!(watched.last("src/b.rs"), Some((ChangeKind::Removed, true)));
}

#[test]
fn an_unreadable_folder_is_said_and_the_rest_is_watched() {
    use std::os::unix::fs::PermissionsExt;
    let make = |root: &Path| {
        write(root.join("src/a.rs"), "text");
        write(root.join("secret/b"), "text");
        fs::set_permissions(root.join("secret"), fs::Permissions::from_mode(0o000)).expect("changed");
    };
    let mut watched = Watched::new(make, all);
    if fs::read_dir(watched.path("secret")).is_err() {
        let problem = watched.status.problem.clone();
        assert_eq!(problem.as_deref(), Some("not watched: secret: permission denied"));
    }
    write(watched.path("src/a.rs"), "other text");
    watched.until_finished("src/a.rs");
    let unreadable = watched.status.problem.is_some();
    // Also so that the temporary folder can be removed.
    fs::set_permissions(watched.path("secret"), fs::Permissions::from_mode(0o700)).expect("changed");
    if unreadable {
        watched.until("it is watched", |seen| seen.status.problem.is_none());
        watched.until_finished("secret/b");
        write(watched.path("secret/new"), "text");
        watched.until_finished("secret/new");
    }
}

#[test]
fn a_storm_that_nobody_reads_leaves_the_last_state() {
    let mut watched = Watched::new(|root| write(root.join("src/a0"), "text"), all);
    for n in 0..5000 {
        fs::write(watched.path("src/tmp"), format!("{n}")).expect("written");
        fs::rename(watched.path("src/tmp"), watched.path(format!("src/a{}", n % 10))).expect("renamed");
    }
    fs::remove_file(watched.path("src/a0")).expect("removed");
    watched.settle();
    assert_eq!(watched.last("src/a0"), Some((ChangeKind::Removed, true)));
    for n in 1..10 {
        let (kind, finished) = watched.last(&format!("src/a{n}")).expect("reported");
        assert!(finished && kind != ChangeKind::Removed, "a{n}: {kind}");
    }
}

#[test]
fn the_groups_own_file_is_reported_however_it_is_saved() {
    // Nobody watches anything: it must be seen nevertheless.
    let nobody = |root: &Path| group(root, vec![service("db", root, WatchFiles::Off)]);
    let mut watched = Watched::new(|root| write(root.join("src/a.rs"), "text"), nobody);
    assert_eq!(watched.status.directories, 1);
    assert_eq!(watched.status.backend, devgroup::domain::WatchBackend::Off);
    let file = watched.path("procgroup.toml");
    let expect = |watched: &mut Watched, what: &str| {
        watched.until(what, |seen| seen.config_written > 0);
        watched.config_written = 0;
    };
    write(&file, "[services] # 1\n");
    expect(&mut watched, "written");
    write(watched.path("new"), "[services] # 2\n");
    fs::rename(watched.path("new"), &file).expect("renamed");
    expect(&mut watched, "renamed into place");
    fs::remove_file(&file).expect("removed");
    write(&file, "[services] # 3\n");
    expect(&mut watched, "came back");
    assert!(watched.events.is_empty(), "{:#?}", watched.events);
}

#[test]
fn the_groups_own_file_is_reported_through_a_link() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let real = elsewhere.path().join("shared.toml");
    write(&real, "[services]\n");
    let make = |root: &Path| {
        fs::remove_file(root.join("procgroup.toml")).expect("removed");
        std::os::unix::fs::symlink(&real, root.join("procgroup.toml")).expect("linked");
    };
    let mut watched = Watched::new(make, |root| group(root, Vec::new()));
    write(&real, "[services] # 1\n");
    watched.until("written through the link", |seen| seen.config_written == 1);
    let other = elsewhere.path().join("more/other.toml");
    write(&other, "[services] # two\n");
    fs::remove_file(watched.path("procgroup.toml")).expect("removed");
    std::os::unix::fs::symlink(&other, watched.path("procgroup.toml")).expect("linked");
    watched.until("linked to elsewhere", |seen| seen.config_written == 2);
    write(&other, "[services] # three\n");
    watched.until("written there", |seen| seen.config_written == 3);
}

#[test]
fn a_root_behind_a_link_is_watched_under_its_name() {
    let make = |root: &Path| {
        write(root.join("real/src/a.rs"), "text");
        write(root.join("real/config/group.toml"), "[services]\n");
        std::os::unix::fs::symlink("config/group.toml", root.join("real/procgroup.toml")).expect("linked");
        std::os::unix::fs::symlink("real", root.join("link")).expect("linked");
    };
    let mut watched = Watched::new(make, |root| all(&root.join("link")));
    for path in ["src/a.rs", "new.rs"] {
        write(watched.path("real").join(path), "other text");
        watched.until_finished(path);
        assert!(watched.is_watched(path));
    }
    write(watched.path("real/config/group.toml"), "[services] # 1\n");
    watched.until("the group's own file is reported", |seen| seen.config_written == 1);
}

#[test]
fn the_head_of_git_is_followed() {
    let make = |root: &Path| {
        git(root, &["init", "-q"]);
        write(root.join("a.rs"), "text");
        git(root, &["add", "-A"]);
        git(root, &["commit", "-q", "-m", "first"]);
    };
    let mut watched = Watched::new(make, all);
    let first = watched.status.git_head.clone().expect("a head");
    let hex = first.strip_prefix("main@").expect("the branch");
    assert!(hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");
    git(watched.root(), &["commit", "-q", "--allow-empty", "-m", "second"]);
    watched.until("the commit is seen", |seen| {
        seen.status.git_head.as_ref().is_some_and(|head| head.starts_with("main@") && *head != first)
    });
    git(watched.root(), &["checkout", "-q", "-b", "feature"]);
    watched.until("the branch is seen", |seen| {
        seen.status.git_head.as_ref().is_some_and(|head| head.starts_with("feature@"))
    });
    watched.settle();
    assert!(watched.events.iter().all(|event| !event.path.starts_with(".git/")), "{:#?}", watched.events);
}

#[test]
fn a_repository_that_is_made_later_is_found() {
    let mut watched = Watched::new(|root| write(root.join("src/a.rs"), "text"), all);
    assert_eq!(watched.status.git_head, None);
    git(watched.root(), &["init", "-q"]);
    watched.until("the branch is seen", |seen| seen.status.git_head.as_deref() == Some("main"));
}

#[test]
fn the_watcher_ends_when_it_is_dropped() {
    let watched = Watched::new(|root| write(root.join("src/a.rs"), "text"), all);
    let Watched { watcher, mut reports, runtime, folder, .. } = watched;
    drop(watcher);
    let ended = runtime
        .block_on(async { tokio::time::timeout(DEADLINE, async { while reports.next().await.is_some() {} }).await });
    assert!(ended.is_ok(), "the reports end");
    drop(folder);
}

#[test]
fn what_is_saved_while_the_first_walk_goes_on_is_not_missed() {
    let many = |root: &Path| (0..300).for_each(|n| write(root.join(format!("d{n}/f")), "1"));
    for _ in 0..5 {
        let mut watched = Watched::not_ready(many, all, &[]);
        let started = SystemTime::now();
        crate::harness::wait_for("the file system's clock has ticked", || {
            write(watched.path("tick"), "");
            fs::metadata(watched.path("tick")).and_then(|tick| tick.modified()).is_ok_and(|tick| tick > started)
        });
        for n in [0, 150, 299] {
            write(watched.path(format!("d{n}/f")), "2");
        }
        for n in [0, 150, 299] {
            let file = format!("d{n}/f");
            watched.until(&format!("{file} is reported"), |seen| seen.paths().contains(&file));
        }
        assert!(!watched.paths().contains("d1/f"), "what was there before is no change");
    }
}
