//! What a new owner finds of the one before.

use super::*;
use crate::domain::{DeadReason, TaskStatus};

#[test]
fn claims_are_found_with_all_that_lies_beside_them() {
    let project = Project::new();
    let mut owned = project.owned();
    let work = |file: &str, text: &str| project.put(&format!("tasks/marie/.work/{file}"), text);
    for name in ["first", "waits", "done", "failed", "kept", "bad", "old"] {
        work(&format!("{name}.task.json"), &if name == "bad" { "{".into() } else { task(name) });
    }
    work("waits.tries.json", r#"{"retry_count":2,"phase":"waiting","file":"x y.json","last_reason":"exit 1"}"#);
    work("kept.kept.json", r#"{"task_id":"kept","status":"timeout","exit_code":124}"#);
    project.put("results/marie/done.json", r#"{"task_id":"done","status":"completed"}"#);
    project.put("results/marie/failed.json", r#"{"task_id":"failed","status":"failed"}"#);
    let letter = |id: &str, reason: &str| format!(r#"{{"task_id":"{id}","dlq_reason":"{reason}"}}"#);
    project.put("dlq/marie/failed.json", letter("failed", "max_retries_exceeded"));
    // Of a second file, and of a task that had this id long ago.
    project.put("dlq/marie/first.json", letter("first", "duplicate_task_id"));
    project.put("dlq/marie/first.2.json", letter("first", "invalid_field"));
    project.put("dlq/marie/old.json", letter("old", "max_retries_exceeded"));
    set_time(&project.path("dlq/marie/old.json"), 1_000);
    let claims = project.claims(&mut owned);
    assert_eq!(claims.len(), 7);
    assert_eq!((claims["first"].tries.is_some(), &*claims["first"].file), (false, "first.json"));
    let tries = claims["waits"].tries.as_ref().unwrap();
    assert_eq!((tries.retry_count, tries.running, &*claims["waits"].file), (2, false, "x y.json"));
    let result = |name: &str| claims[name].result;
    assert_eq!(
        [result("first"), result("done"), result("failed")],
        [None, Some(TaskStatus::Completed), Some(TaskStatus::Failed)]
    );
    let kept = claims["kept"].kept.as_ref().unwrap();
    assert_eq!((kept.status, kept.exit_code), (TaskStatus::Timeout, Some(124)));
    assert_eq!(claims["bad"].found.as_ref().unwrap_err().reason, DeadReason::InvalidJson);
    let with_letter: Vec<_> = claims.values().filter_map(|claim| claim.letter.as_deref()).collect();
    let path = project.path("dlq/marie/failed.json");
    assert_eq!(with_letter, [path.to_str().unwrap()]);
}

#[test]
fn claims_come_in_their_order() {
    let project = Project::new();
    let mut owned = project.owned();
    for (name, time) in [("c", 1_000), ("a", 3_000), ("b", 2_000)] {
        let path = format!("tasks/marie/.work/{name}.task.json");
        project.put(&path, task(name));
        set_time(&project.path(&path), time);
    }
    let claims = owned.claims(HOME, SystemTime::UNIX_EPOCH, Duration::ZERO).unwrap();
    let ids: Vec<_> = claims.iter().map(|claim| claim.id.as_str()).collect();
    assert_eq!(ids, ["c", "b", "a"]);
}

/// A folder is in the place of the file, as a full disk would be.
#[test]
fn how_a_task_has_ended_is_told_where_its_result_cannot_even_be_kept() {
    let project = Project::new();
    let mut owned = project.owned();
    for name in ["a", "b"] {
        project.put(&format!("tasks/marie/.work/{name}.task.json"), task(name));
        fs::create_dir(project.path(&format!("tasks/marie/.work/{name}.kept.json"))).unwrap();
    }
    let listed = Listed { worker: marie(), names_description: false, is_nobodys: false };
    let row = |name: &str| {
        let row = details(&project.folders, &listed, &id(name), SystemTime::now()).unwrap().row;
        (row.state.word(), row.reason.to_string())
    };
    assert_eq!(row("a").0, "running");
    assert!(owned.keep_result(&id("a"), TaskStatus::Completed, b"{}").is_err());
    assert!(owned.keep_result(&id("b"), TaskStatus::Timeout, b"{}").is_err());
    assert_eq!(row("a"), ("completed", "its result cannot be written, nor kept".into()));
    assert_eq!(row("b"), ("dead", "timeout · its result cannot be written, nor kept".into()));
    let unwritten = |project: &Project| project.files().iter().filter(|file| file.contains("unwritten")).count();
    assert_eq!(unwritten(&project), 2);
    fs::remove_dir(project.path("tasks/marie/.work/a.kept.json")).unwrap();
    assert!(owned.publish(&id("a"), b"{}").unwrap());
    owned.finish(&id("a"), false).unwrap();
    assert_eq!(unwritten(&project), 1);
    // The next owner does not know it either: it was interrupted.
    fs::remove_dir(project.path("tasks/marie/.work/b.kept.json")).unwrap();
    assert_eq!(project.claims(&mut owned).len(), 1);
    assert_eq!((unwritten(&project), row("b").0), (0, "running"));
}

#[test]
fn a_result_that_was_kept_is_published_later() {
    let project = Project::new();
    let mut owned = project.owned();
    owned.keep_result(&id("a"), TaskStatus::Completed, b"kept").unwrap();
    fs::write(project.path("results"), "no folder").unwrap();
    assert!(owned.publish_kept(&id("a")).is_err());
    fs::remove_file(project.path("results")).unwrap();
    assert!(owned.publish_kept(&id("a")).unwrap());
    assert_eq!(project.text("results/marie/a.json"), "kept");
    owned.keep_result(&id("a"), TaskStatus::Completed, b"again").unwrap();
    assert!(!owned.publish_kept(&id("a")).unwrap(), "nothing is overwritten");
    assert_eq!(project.files(), ["results/marie/a.json"]);
}
