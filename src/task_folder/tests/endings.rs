//! Dead letters, new generations, and tasks for nobody.

use super::*;

fn letter(id: &str, reason: &str) -> String {
    format!(
        r#"{{"task_id":"{id}","mine":[1, 2],"description":"do it","dlq_reason":"{reason}","dlq_timestamp":"2025-11-19T10:30:00Z","retry_count":3,"last_exit_code":1}}"#
    )
}

/// A letter by which no task ends.
const NO_TASK: EndTold<'static> = &|_| None;

const DEAD: &str = "max_retries_exceeded";

#[test]
fn letters_of_one_id_are_numbered() {
    let project = Project::new();
    let mut owned = project.owned();
    for number in 1..=40 {
        project.put("tasks/marie/a.json", "{}");
        let path = owned.bury("a.json", "a", format!("{number}").as_bytes(), NO_TASK).unwrap();
        let name = if number == 1 { "dlq/marie/a.json".into() } else { format!("dlq/marie/a.{number}.json") };
        assert!(path.ends_with(&name), "{path}");
        assert_eq!(project.text(&name), number.to_string());
    }
    assert_eq!(owned.count_letters(SystemTime::now()), 40);
    assert!(!project.path("tasks/marie/a.json").exists());
}

#[test]
fn what_is_no_json_is_kept_byte_for_byte_with_its_reason() {
    let project = Project::new();
    let mut owned = project.owned();
    for (bytes, name) in [(&b"\xff\x00{"[..], "bad.raw"), (b"[", "bad.2.raw")] {
        project.put("tasks/marie/bad.json", bytes);
        let path = owned.bury_raw("bad.json", b"why", NO_TASK).unwrap().unwrap();
        assert!(path.ends_with(&format!("dlq/marie/{name}")), "{path}");
        assert_eq!(fs::read(project.path(&format!("dlq/marie/{name}"))).unwrap(), bytes);
    }
    assert_eq!(project.text("dlq/marie/bad.2.reason.json"), "why");
    assert_eq!(owned.bury_raw("bad.json", b"why", NO_TASK).unwrap(), None, "it is gone");
    assert_eq!(owned.count_letters(SystemTime::now()), 2);
    // A reason without its file is of a burial that was not finished.
    project.put("dlq/marie/half.reason.json", "old");
    project.put("tasks/marie/half.json", "{");
    owned.bury_raw("half.json", b"new", NO_TASK).unwrap();
    assert_eq!(project.text("dlq/marie/half.reason.json"), "new");
    // The longest name that a file can have.
    let long = format!("{}.json", "x".repeat(250));
    project.put(&format!("tasks/marie/{long}"), "{");
    assert!(owned.bury_raw(&long, b"why", NO_TASK).unwrap().is_some());
    // What was claimed has changed since.
    project.put("tasks/marie/.work/c.task.json", "{");
    assert!(owned.bury_claimed_raw(&id("c"), b"why").unwrap().unwrap().ends_with("dlq/marie/c.raw"));
    assert!(!project.path("tasks/marie/.work/c.task.json").exists());
}

#[test]
fn a_burial_that_a_crash_has_cut_is_not_done_twice() {
    let project = Project::new();
    let mut owned = project.owned();
    let owner = |pid| Owner { pid, ..Owner::default() };
    project.put("tasks/marie/a.json", "{}");
    project.put("tasks/marie/b.json", "{}");
    owned.bury("b.json", "x", letter("x", "invalid_field").as_bytes(), NO_TASK).unwrap();
    project.put("tasks/marie/b.json", "{}");
    // It was written for `a.json` before the predecessor was ended.
    project.put("dlq/marie/x.2.json", letter("x", "invalid_field").replace("10:30", "10:29"));
    owned.move_in(&owner(1), &owner(2)).unwrap();
    let bury = |owned: &mut Owned, file: &str| {
        let path = owned.bury(file, "x", letter("x", "invalid_field").as_bytes(), NO_TASK).unwrap();
        path.rsplit('/').next().unwrap().to_owned()
    };
    assert_eq!(bury(&mut owned, "a.json"), "x.json", "one of the two");
    project.put("tasks/marie/c.json", "{}");
    assert_eq!(bury(&mut owned, "b.json"), "x.2.json", "and the other one");
    assert_eq!(bury(&mut owned, "c.json"), "x.3.json", "this came after");
    assert_eq!(project.files(), ["dlq/marie/x.2.json", "dlq/marie/x.3.json", "dlq/marie/x.json"]);
}

/// Of a circle, one was buried and the other has its letter alone: after the crash that one depends on a dead task.
#[test]
fn a_file_that_dies_for_another_reason_after_a_crash_gets_no_second_letter() {
    let project = Project::new();
    let mut owned = project.owned();
    let owner = |pid| Owner { pid, ..Owner::default() };
    let told = |reason: &str, detail: &str| {
        letter("b", reason).replace("\"dlq_timestamp\"", &format!("\"dlq_detail\":\"{detail}\",\"dlq_timestamp\""))
    };
    project.put("tasks/marie/b.json", "{}");
    project.put("dlq/marie/b.json", told("dependency_cycle", "b → a → b"));
    owned.move_in(&owner(1), &owner(2)).unwrap();
    let bury = |owned: &mut Owned, reason| {
        let path = owned.bury("b.json", "b", told(reason, "a failed").as_bytes(), NO_TASK).unwrap();
        path.rsplit('/').next().unwrap().to_owned()
    };
    assert_eq!(bury(&mut owned, "dependency_failed"), "b.json");
    assert_eq!(project.files(), ["dlq/marie/b.json"]);
    // Another fault is that of another file.
    project.put("tasks/marie/b.json", "{}");
    project.put("dlq/marie/b.json", told("dependency_cycle", "b → a → b"));
    owned.move_in(&owner(1), &owner(2)).unwrap();
    assert_eq!(bury(&mut owned, "invalid_field"), "b.2.json");
}

/// The trigger of a task that dies untried is there before its file goes: after a crash between its steps the file is
/// found again, and nothing is lost or told of another letter.
#[test]
fn an_end_without_a_try_is_told_whatever_cuts_it() {
    let project = Project::new();
    let mut owned = project.owned();
    let owner = |pid| Owner { pid, ..Owner::default() };
    let told = |path: &str| Some((id("x"), path.to_owned()));
    project.put("tasks/marie/a.json", "{}");
    // Cut behind the letter: the trigger cannot be written.
    fs::write(project.path("triggers"), "no folder").unwrap();
    let bury = |owned: &mut Owned| owned.bury("a.json", "x", letter("x", "invalid_field").as_bytes(), &told);
    assert!(bury(&mut owned).is_err());
    assert_eq!(project.files(), ["dlq/marie/x.json", "tasks/marie/a.json", "triggers"]);
    fs::remove_file(project.path("triggers")).unwrap();
    // The next owner, whether the one before was killed or has left in order.
    for before in [2, 0] {
        owned.move_in(&owner(1), &owner(before)).unwrap();
        let path = bury(&mut owned).unwrap();
        assert!(path.ends_with("dlq/marie/x.json"), "{path}");
        assert_eq!(project.text("triggers/orchestrator/marie.x.json"), path);
        assert_eq!(project.files(), ["dlq/marie/x.json", "triggers/orchestrator/marie.x.json"]);
        // Cut behind the trigger: the letter is younger than its file.
        project.put("tasks/marie/a.json", "{}");
        project.put("dlq/marie/x.json", letter("x", "invalid_field"));
    }
    fs::remove_file(project.path("tasks/marie/a.json")).unwrap();
    project.put("tasks/marie/b.json", "{");
    fs::remove_dir_all(project.path("triggers")).unwrap();
    fs::write(project.path("triggers"), "no folder").unwrap();
    assert!(owned.bury_raw("b.json", b"why", &|path| Some((id("b"), path.to_owned()))).is_err());
    assert!(project.path("tasks/marie/b.json").exists(), "it is moved last");
    fs::remove_file(project.path("triggers")).unwrap();
    let path = owned.bury_raw("b.json", b"why", &|path| Some((id("b"), path.to_owned()))).unwrap().unwrap();
    assert_eq!(project.text("triggers/orchestrator/marie.b.json"), path);
}

#[test]
fn a_new_file_of_a_name_whose_burial_is_stuck_stays() {
    let project = Project::new();
    let mut owned = project.owned();
    project.put("tasks/marie/a.json", "{}");
    fs::write(project.path("triggers"), "no folder").unwrap();
    let bury = |owned: &mut Owned| {
        owned.bury("a.json", "a", letter("a", "invalid_field").as_bytes(), &|path| Some((id("a"), path.to_owned())))
    };
    assert!(bury(&mut owned).is_err());
    project.put("tasks/marie/a.json", task("a"));
    fs::remove_file(project.path("triggers")).unwrap();
    bury(&mut owned).unwrap();
    assert_eq!(project.text("tasks/marie/a.json"), task("a"));
    assert_eq!(project.files().len(), 3, "one letter, one trigger: {:?}", project.files());
}

#[test]
fn a_retry_begins_a_new_generation() {
    let project = Project::new();
    let mut owned = project.owned();
    for number in 1..=2 {
        project.put("results/marie/a.json", format!(r#"{{"status":"failed","n":{number}}}"#));
        project.put("dlq/marie/a.json", letter("a", DEAD));
        assert_eq!(owned.retry(&id("a")).unwrap(), Retried::Waits("a.json".into()));
        assert_eq!(
            project.text("tasks/marie/a.json"),
            r#"{"task_id":"a","mine":[1, 2],"description":"do it"}"#,
            "as it came"
        );
        fs::remove_file(project.path("tasks/marie/a.json")).unwrap();
    }
    let files = ["a.1.dead.json", "a.1.result.json", "a.2.dead.json", "a.2.result.json"];
    assert_eq!(project.files(), files.map(|file| format!("tasks/marie/.work/{file}")));
    assert!(project.text("tasks/marie/.work/a.2.result.json").contains(r#""n":2"#));
    assert_eq!(owned.retry(&id("a")).unwrap(), Retried::Nothing, "it is not dead");
    assert!(owned.forget(&id("a")).unwrap());
    assert_eq!(project.files(), [""; 0]);
    assert!(!owned.forget(&id("a")).unwrap());
}

#[test]
fn a_retry_that_a_crash_has_cut_is_finished() {
    for step in 1..=3 {
        let project = Project::new();
        let mut owned = project.owned();
        project.put("tasks/marie/.work/a.1.dead.json", "an older generation");
        project.put("results/marie/a.json", r#"{"status":"failed"}"#);
        project.put("dlq/marie/a.json", letter("a", DEAD));
        project.put("dlq/marie/a.2.json", letter("a", "duplicate_task_id"));
        // Step 1, and what came after it.
        project.put("tasks/marie/.work/a.2.retry.json", task("a"));
        let work = |file: &str| project.path(&format!("tasks/marie/.work/{file}"));
        if step >= 2 {
            fs::rename(project.path("results/marie/a.json"), work("a.2.result.json")).unwrap();
        }
        if step >= 3 {
            fs::rename(project.path("dlq/marie/a.json"), work("a.2.dead.json")).unwrap();
        }
        assert_eq!(project.claims(&mut owned).len(), 0);
        let files = [
            "dlq/marie/a.2.json",
            "tasks/marie/.work/a.1.dead.json",
            "tasks/marie/.work/a.2.dead.json",
            "tasks/marie/.work/a.2.result.json",
            "tasks/marie/a.json",
        ];
        assert_eq!(project.files(), files, "after step {step}");
        assert_eq!(project.text("tasks/marie/a.json"), task("a"));
        assert_eq!(project.claims(&mut owned).len(), 0, "once more changes nothing");
        assert_eq!(project.files(), files);
    }
}

#[test]
fn a_cancelled_task_can_be_retried_and_a_mended_file_too() {
    let project = Project::new();
    let mut owned = project.owned();
    project.put("tasks/marie/.work/a.task.json", task("a"));
    project.put("results/marie/a.json", r#"{"status":"cancelled"}"#);
    owned.finish(&id("a"), true).unwrap();
    assert_eq!(owned.retry(&id("a")).unwrap(), Retried::Waits("a.json".into()));
    assert_eq!(project.files(), ["tasks/marie/.work/a.1.result.json", "tasks/marie/a.json"]);
    project.put("tasks/marie/bad.json", "{");
    owned.bury_raw("bad.json", b"why", NO_TASK).unwrap();
    project.put("dlq/marie/bad.raw", task("bad"));
    assert_eq!(owned.retry(&id("bad")).unwrap(), Retried::Waits("bad.json".into()));
    assert_eq!(project.text("tasks/marie/bad.json"), task("bad"));
    assert_eq!(owned.count_letters(SystemTime::now()), 0);
}

#[test]
fn single_letters_are_dropped() {
    let project = Project::new();
    let mut owned = project.owned();
    for file in ["größe 1.raw", "größe 1.reason.json", "a.json", "a.2.json"] {
        project.put(&format!("dlq/marie/{file}"), "{}");
    }
    assert!(owned.forget_letter("größe 1.raw").unwrap() && owned.forget_letter("a.json").unwrap());
    assert!(!owned.forget_letter("a.json").unwrap());
    assert_eq!(project.files(), ["dlq/marie/a.2.json"]);
    assert!(owned.forget(&id("a")).unwrap(), "also behind a gap");
    assert_eq!(project.files(), [""; 0]);
}

#[test]
fn what_is_for_nobody_is_told_apart_from_what_is_for_a_worker() {
    let project = Project::new();
    let mut hall = Hall::open(&project.folders).unwrap();
    project.put("tasks/a.json", task("a"));
    project.put("tasks/b.json", task("b"));
    project.put("tasks/c.json", "{");
    assert_eq!(hall.list(|_, _| ()).unwrap().len(), 3);
    assert_eq!(hall.route("a.json", &marie(), "a.json").unwrap(), Moved::Done);
    assert_eq!(hall.route("a.json", &marie(), "a.json").unwrap(), Moved::Gone);
    assert_eq!(hall.route("b.json", &marie(), "a.json").unwrap(), Moved::Taken);
    assert!(hall.look("b.json").is_some());
    assert!(hall.bury("b.json", b"letter").unwrap().ends_with("dlq/unrouted/b.json"));
    assert!(hall.bury_raw("c.json", b"why").unwrap().unwrap().ends_with("dlq/unrouted/c.raw"));
    let files = ["dlq/unrouted/b.json", "dlq/unrouted/c.raw", "dlq/unrouted/c.reason.json", "tasks/marie/a.json"];
    assert_eq!(project.files(), files);
}
