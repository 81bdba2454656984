//! A task from its file to its result, and folders that are moved and removed meanwhile.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::sync::Barrier;
use std::thread;

use super::super::folder::{Folder, Links};
use super::*;

#[test]
fn a_task_is_claimed_tried_and_published() {
    let project = Project::new();
    let mut owned = project.owned();
    project.put("tasks/marie/a täsk.json", task("a-1"));
    let Claim::Claimed { stamp, contents, tries } = owned.claim("a täsk.json", &id("a-1")).unwrap() else { panic!() };
    assert!(matches!(contents, Contents::Bytes(bytes) if bytes == task("a-1").as_bytes()));
    assert_eq!((stamp.size, tries), (task("a-1").len() as u64, None));
    let again = fs::read_to_string(owned.claimed_path(&id("a-1"))).unwrap();
    assert!(matches!(owned.claimed(&id("a-1")), Some((_, Contents::Bytes(bytes))) if bytes == again.as_bytes()));
    assert!(owned.claimed(&id("none")).is_none());
    assert_eq!(Path::new(&owned.path_of_result(&id("a-1"))), project.path("results/marie/a-1.json"));
    owned.receipt(&id("a-1"), b"received").unwrap();
    owned.note_tries(&id("a-1"), b"{}").unwrap();
    assert_eq!(
        project.files(),
        ["tasks/marie/.work/a-1.task.json", "tasks/marie/.work/a-1.tries.json", "triggers/marie/a-1.json"]
    );
    assert!(owned.publish(&id("a-1"), b"result").unwrap());
    owned.tell_end(&id("a-1"), b"ended").unwrap();
    owned.finish(&id("a-1"), false).unwrap();
    owned.heartbeat(b"one").unwrap();
    owned.heartbeat(b"two").unwrap();
    let spare = format!("heartbeats/.devgroup-{}-marie.json.tmp", std::process::id());
    let files = [
        spare.as_str(),
        "heartbeats/marie.json",
        "results/marie/a-1.json",
        "triggers/marie/a-1.json",
        "triggers/orchestrator/marie.a-1.json",
    ];
    assert_eq!(project.files(), files);
    assert_eq!(project.text("heartbeats/marie.json"), "two");
    assert_eq!(owned.ids_with_result().unwrap(), ["a-1".to_owned()].into());
    // Nothing is overwritten, and a task with a result is not claimed.
    assert!(!owned.publish(&id("a-1"), b"another").unwrap());
    assert_eq!(project.text("results/marie/a-1.json"), "result");
    project.put("tasks/marie/b.json", task("a-1"));
    assert!(matches!(owned.claim("b.json", &id("a-1")).unwrap(), Claim::HasResult));
    assert!(project.path("tasks/marie/b.json").exists());
    owned.release();
    assert!(!project.path(&spare).exists(), "{:?}", project.files());
}

#[test]
fn a_claim_overwrites_nothing_and_what_is_gone_is_lost() {
    let project = Project::new();
    let mut owned = project.owned();
    assert!(matches!(owned.claim("none.json", &id("a")).unwrap(), Claim::Lost));
    for file in ["a.json", "b.json"] {
        project.put(&format!("tasks/marie/{file}"), task("a"));
    }
    assert!(matches!(owned.claim("a.json", &id("a")).unwrap(), Claim::Claimed { .. }));
    assert!(matches!(owned.claim("b.json", &id("a")).unwrap(), Claim::Taken));
    // It has become a link since it was looked at.
    symlink("/etc/passwd", project.path("tasks/marie/c.json")).unwrap();
    assert!(matches!(owned.claim("c.json", &id("c")).unwrap(), Claim::Lost));
    assert!(owned.look("c.json").is_none());
    assert_eq!(project.files(), ["tasks/marie/.work/a.task.json", "tasks/marie/b.json", "tasks/marie/c.json"]);
}

#[test]
fn of_two_that_move_a_file_one_wins() {
    const ROUNDS: usize = 10_000;
    let home = tempfile::tempdir().unwrap();
    let open = |name: &str| Folder::make(home.path().join(name), Links::Follow).unwrap();
    let from = open("from");
    let (barrier, won) = (Barrier::new(2), [(); 2].map(|()| std::sync::atomic::AtomicUsize::new(0)));
    thread::scope(|scope| {
        for (racer, won) in won.iter().enumerate() {
            let (barrier, from, to) = (&barrier, &from, open(&format!("to-{racer}")));
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    if racer == 0 {
                        from.replace("x.json".as_ref(), b"x").unwrap();
                    }
                    barrier.wait();
                    if from.move_to("x.json".as_ref(), &to, "x.json".as_ref()).unwrap() == Moved::Done {
                        won.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        assert!(to.remove("x.json".as_ref()).unwrap());
                    }
                    barrier.wait();
                }
            });
        }
    });
    let [one, other] = won.map(std::sync::atomic::AtomicUsize::into_inner);
    assert_eq!(one + other, ROUNDS, "{one} and {other}");
}

#[test]
fn names_that_are_no_utf8_are_claimed_and_given_back() {
    let project = Project::new();
    let mut owned = project.owned();
    let odd = project.path("tasks/marie").join(std::ffi::OsStr::from_bytes(b"caf\xe9 %41.json"));
    fs::write(&odd, task("a")).unwrap();
    let head_of = |file: &str, contents| check(file, contents, HOME).map(|task| task.head.id);
    let seen = owned.list(head_of).unwrap().next().unwrap();
    let [seen] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(seen.found, Ok(id("a")));
    assert!(matches!(owned.claim(&seen.file, &id("a")).unwrap(), Claim::Claimed { .. }));
    assert!(!odd.exists());
    assert_eq!(owned.give_back(&id("a"), Some(&seen.file), true).unwrap().as_deref(), Some(&*seen.file));
    assert!(odd.exists());
    // Without an id inside, its name is none.
    fs::write(&odd, r#"{"description":"x"}"#).unwrap();
    let mut listing = owned.list(|file, contents| check(file, contents, HOME).unwrap_err().reason.word()).unwrap();
    assert_eq!(listing.next().unwrap()[0].found, "invalid_task_id");
    assert!(listing.next().is_none());
}

#[test]
fn a_task_that_is_given_back_keeps_its_name_or_takes_a_free_one() {
    let project = Project::new();
    let mut owned = project.owned();
    for (text, expected) in [("first", "x y.json"), ("second", "a.json"), ("third", "a.2.json")] {
        project.put("tasks/marie/.work/a.task.json", text);
        project.put("tasks/marie/.work/a.tries.json", "{}");
        let keeps = text == "second";
        assert_eq!(owned.give_back(&id("a"), Some("x y.json"), keeps).unwrap().as_deref(), Some(expected));
        assert_eq!(project.text(&format!("tasks/marie/{expected}")), text);
        assert_eq!(project.path("tasks/marie/.work/a.tries.json").exists(), keeps);
    }
    assert_eq!(owned.give_back(&id("a"), Some("x y.json"), true).unwrap(), None, "it is gone");
    // What was tried is told when it is claimed again.
    project.put("tasks/marie/.work/b.tries.json", "tried");
    project.put("tasks/marie/b.json", task("b"));
    let Claim::Claimed { tries, .. } = owned.claim("b.json", &id("b")).unwrap() else { panic!() };
    assert_eq!(tries.as_deref(), Some(&b"tried"[..]));
}

#[test]
fn folders_of_outcomes_are_made_again_and_may_be_links() {
    let project = Project::new();
    let mut owned = project.owned();
    assert!(owned.publish(&id("a"), b"1").unwrap());
    fs::remove_dir_all(project.path("results")).unwrap();
    assert!(owned.publish(&id("a"), b"2").unwrap());
    fs::rename(project.path("results"), project.path("old")).unwrap();
    fs::create_dir_all(project.path("elsewhere")).unwrap();
    fs::create_dir(project.path("results")).unwrap();
    symlink("../elsewhere", project.path("results/marie")).unwrap();
    assert!(owned.publish(&id("a"), b"3").unwrap());
    assert_eq!((project.text("old/marie/a.json"), project.text("elsewhere/a.json")), ("2".into(), "3".into()));
    fs::remove_file(project.path("results/marie")).unwrap();
    fs::write(project.path("results/marie"), "a file").unwrap();
    let said = owned.publish(&id("b"), b"4").unwrap_err().to_string();
    assert!(said.contains("results/marie: "), "{said}");
    fs::remove_file(project.path("results/marie")).unwrap();
    assert!(owned.publish(&id("b"), b"4").unwrap());
    assert_eq!(project.files(), ["elsewhere/a.json", "old/marie/a.json", "results/marie/b.json"]);
}

#[test]
fn a_queue_that_was_replaced_is_locked_anew() {
    let project = Project::new();
    let mut owned = project.owned();
    assert!(matches!(owned.renew().unwrap(), Renewed::Same));
    fs::remove_dir_all(project.path("tasks")).unwrap();
    assert!(matches!(owned.renew().unwrap(), Renewed::Another));
    project.put("tasks/marie/a.json", task("a"));
    assert!(matches!(owned.claim("a.json", &id("a")).unwrap(), Claim::Claimed { .. }));
    assert!(matches!(take_for_a_moment(&project.folders, &marie()).unwrap(), Access::Owned(_)));
    // Somebody else is faster.
    fs::rename(project.path("tasks"), project.path("old")).unwrap();
    let other = project.owned();
    assert!(matches!(owned.renew().unwrap(), Renewed::Lost(_)));
    drop(other);
    assert!(matches!(owned.renew().unwrap(), Renewed::Another));
    fs::remove_file(project.path("tasks/marie/.work/owner.json")).unwrap();
    assert!(matches!(owned.renew().unwrap(), Renewed::Another), "the lock was on that file");
}

#[test]
fn a_queue_may_be_a_link_and_the_folder_of_claims_may_not() {
    let project = Project::new();
    fs::create_dir_all(project.path("elsewhere")).unwrap();
    fs::create_dir_all(project.path("tasks")).unwrap();
    symlink("../elsewhere", project.path("tasks/marie")).unwrap();
    drop(project.owned());
    assert!(project.path("elsewhere/.work/owner.json").exists());
    fs::remove_dir_all(project.path("elsewhere/.work")).unwrap();
    symlink("/tmp", project.path("elsewhere/.work")).unwrap();
    let said = take_for_a_moment(&project.folders, &marie()).unwrap_err().to_string();
    assert!(said.starts_with("cannot open ") && said.contains("tasks/marie/.work: "), "{said}");
}

#[test]
fn what_a_dead_process_has_half_written_goes() {
    let project = Project::new();
    let mut owned = project.owned();
    for folder in ["tasks/marie", "tasks/marie/.work", "results/marie", "dlq/marie", "heartbeats"] {
        project.put(&format!("{folder}/.devgroup-4711-0.tmp"), "half");
        project.put(&format!("{folder}/.devgroup-47-0.tmp"), "somebody else's");
    }
    let owner = |pid| Owner { pid, ..Owner::default() };
    owned.move_in(&owner(1), &owner(4711)).unwrap();
    let left = project.files();
    assert!(left.len() == 5 && left.iter().all(|file| file.ends_with(".devgroup-47-0.tmp")), "{left:?}");
}

#[test]
fn files_have_the_modes_that_the_umask_says() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new();
    let mut owned = project.owned();
    owned.publish(&id("a"), b"x").unwrap();
    owned.heartbeat(b"x").unwrap();
    project.put("plain", "x");
    let mode = |path: &str| fs::metadata(project.path(path)).unwrap().permissions().mode();
    for path in ["results/marie/a.json", "heartbeats/marie.json"] {
        assert_eq!(mode(path), mode("plain"), "{path}");
    }
}

#[test]
fn what_cannot_be_written_is_told_and_nothing_half_stays() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new();
    let mut owned = project.owned();
    assert!(owned.publish(&id("a"), b"x").unwrap());
    project.put("tasks/marie/b.json", task("b"));
    let set_mode = |path: &str, mode| {
        fs::set_permissions(project.path(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    let folders = ["results/marie", "tasks/marie"];
    folders.iter().for_each(|folder| set_mode(folder, 0o555));
    let (published, claimed) = (owned.publish(&id("b"), b"x"), owned.claim("b.json", &id("b")));
    folders.iter().for_each(|folder| set_mode(folder, 0o755));
    // Nothing is forbidden to root.
    if rustix::process::geteuid().is_root() {
        return assert!(published.unwrap() && matches!(claimed.unwrap(), Claim::HasResult));
    }
    let said = published.unwrap_err().to_string();
    assert!(said.ends_with("results/marie/b.json: permission denied"), "{said}");
    let said = claimed.unwrap_err().to_string();
    assert!(said.ends_with("tasks/marie/b.json: permission denied"), "{said}");
    assert_eq!(project.files(), ["results/marie/a.json", "tasks/marie/b.json"]);
    assert!(matches!(owned.claim("b.json", &id("b")).unwrap(), Claim::Claimed { .. }));
    assert!(owned.publish(&id("b"), b"x").unwrap());
}

/// A figure, not a test: `cargo test --release --lib files_of_a_task -- --ignored --nocapture`.
#[test]
#[ignore = "measures; run it by hand"]
fn the_files_of_a_task_take_little_time() {
    const TASKS: u32 = 10_000;
    let project = Project::new();
    let mut owned = project.owned();
    let ids: Vec<TaskId> = (0..TASKS).map(|number| id(&format!("t-{number}"))).collect();
    for id in &ids {
        project.put(&format!("tasks/marie/{id}.json"), task(id.as_str()));
    }
    let begin = std::time::Instant::now();
    for id in &ids {
        assert!(matches!(owned.claim(&format!("{id}.json"), id).unwrap(), Claim::Claimed { .. }));
        owned.receipt(id, b"{}").unwrap();
        assert!(owned.publish(id, b"{}").unwrap());
        owned.tell_end(id, b"{}").unwrap();
        owned.finish(id, false).unwrap();
    }
    println!("{:?} for the files of a task", begin.elapsed() / TASKS);
}
