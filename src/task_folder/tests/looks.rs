//! What people, others and events see.

use std::sync::mpsc::channel;

use super::*;
use crate::domain::{DependencyState, TaskRow, TaskState, TaskTable};

const DEADLINE: Duration = Duration::from_secs(30);

fn listed(worker: &str) -> Listed {
    Listed { worker: ServiceName::new(worker), names_description: false, is_nobodys: false }
}

fn project() -> Project {
    let project = Project::new();
    drop(project.owned());
    let put = |path: &str, text: &str| project.put(path, text);
    put("tasks/marie/w-10.json", r#"{"description":"x","metadata":{"batch":"w"}}"#);
    put("tasks/marie/w-2.json", r#"{"description":"x"}"#);
    put("tasks/marie/urgent.json", r#"{"description":"x","priority":"critical"}"#);
    put("tasks/marie/later.json", r#"{"task_id":"l","description":"x","dependencies":["done","w-2"]}"#);
    put("tasks/marie/half.json", "{");
    for (file, time) in [("w-10", 50), ("w-2", 50), ("urgent", 60), ("later", 60), ("half", 70)] {
        set_time(&project.path(&format!("tasks/marie/{file}.json")), time);
    }
    put("tasks/marie/.work/runs.task.json", r#"{"description":"x"}"#);
    put("tasks/marie/.work/waits.task.json", r#"{"description":"x"}"#);
    put("tasks/marie/.work/waits.tries.json", r#"{"retry_count":2,"phase":"waiting","last_reason":"exit 1"}"#);
    put(
        "results/marie/done.json",
        r#"{"task_id":"done","status":"completed","retry_count":1,"stdout":"out\n","stderr":""}"#,
    );
    put("results/marie/gone.json", r#"{"task_id":"gone","status":"cancelled"}"#);
    put("results/marie/bad.json", r#"{"task_id":"bad","status":"failed","exit_code":3}"#);
    put("results/marie/lost.json", r#"{"task_id":"lost","status":"timeout"}"#);
    put(
        "dlq/marie/bad.json",
        r#"{"task_id":"bad","description":"x","dlq_reason":"max_retries_exceeded","retry_count":3,"last_exit_code":3}"#,
    );
    put("dlq/marie/größe.raw", "{");
    put("dlq/marie/größe.reason.json", r#"{"dlq_reason":"invalid_json","dlq_detail":"line 1, column 1: EOF"}"#);
    project
}

#[test]
fn a_table_has_all_tasks_in_the_order_of_their_lives() {
    let project = project();
    let table = list(&project.folders, &[listed("marie"), listed("bob")], None, 100, SystemTime::now());
    let mut rows: Vec<_> = table
        .rows
        .iter()
        .map(|row| format!("{} {} {} {}", row.state.word(), row.id, row.tries, row.reason).trim_end().to_owned())
        .collect();
    // The dead and the completed were all written just now.
    rows[7..].sort();
    let expected = [
        "running runs 1 no group is running it",
        "retrying waits 2 no group is running it",
        "waiting half 0 line 1, column 1: EOF while parsing an object",
        "waiting urgent 0",
        "waiting w-2 0",
        "waiting w-10 0",
        "blocked l 0 blocked on w-2",
        "cancelled gone 0",
        "completed done 2",
        "dead bad 4 exit 3",
        "dead größe 0 line 1, column 1: EOF",
        "dead lost 1 timeout",
    ];
    assert_eq!(rows, expected);
    assert_eq!(table.counts, [4, 1, 1, 1, 1, 1, 3]);
    assert_eq!(table.rows[5].batch.as_deref(), Some("w"));
    let dead = list(&project.folders, &[listed("marie")], Some("dead"), 2, SystemTime::now());
    assert_eq!((dead.rows.len(), dead.counts), (2, table.counts));
    assert!(dead.rows.iter().all(|row| matches!(row.state, TaskState::Dead(_))));
}

#[test]
fn a_task_with_a_result_has_ended_whatever_else_is_there() {
    let project = Project::new();
    drop(project.owned());
    let put = |path: &str, text: &str| project.put(path, text);
    // The owner has died, or the disk is full, between the result and the end of the claim.
    for (name, status) in [("good", "completed"), ("bad", "failed")] {
        put(&format!("tasks/marie/.work/{name}.task.json"), r#"{"description":"x"}"#);
        put(&format!("results/marie/{name}.json"), &format!(r#"{{"task_id":"{name}","status":"{status}"}}"#));
    }
    put("tasks/marie/.work/bad.tries.json", r#"{"retry_count":2,"phase":"waiting"}"#);
    put("dlq/marie/bad.json", r#"{"task_id":"bad","dlq_reason":"max_retries_exceeded","last_exit_code":3}"#);
    put("tasks/marie/.work/runs.task.json", r#"{"description":"x"}"#);
    // A second file with its id.
    put("results/marie/once.json", r#"{"task_id":"once","status":"completed"}"#);
    put("dlq/marie/once.json", r#"{"task_id":"once","dlq_reason":"duplicate_task_id"}"#);
    let table = list(&project.folders, &[listed("marie")], None, 100, SystemTime::now());
    let mut rows: Vec<_> = table.rows.iter().map(|row| format!("{} {}", row.state.word(), row.id)).collect();
    rows.sort();
    assert_eq!(rows, ["completed good", "completed once", "dead bad", "dead once.json", "running runs"]);
    assert_eq!(table.counts, [0, 0, 1, 0, 2, 0, 2]);
    for (name, expected) in [("good", "completed"), ("bad", "dead"), ("once", "completed"), ("runs", "running")] {
        let details = details(&project.folders, &listed("marie"), &id(name), SystemTime::now()).unwrap();
        assert_eq!(details.row.state.word(), expected, "{name}");
    }
}

#[test]
fn a_task_whose_result_cannot_be_written_does_not_run() {
    let project = Project::new();
    drop(project.owned());
    for (name, status) in [("good", "completed"), ("bad", "timeout")] {
        project.put(&format!("tasks/marie/.work/{name}.task.json"), r#"{"description":"x"}"#);
        let kept = format!(r#"{{"task_id":"{name}","status":"{status}","retry_count":1}}"#);
        project.put(&format!("tasks/marie/.work/{name}.kept.json"), kept);
    }
    let look = || list(&project.folders, &[listed("marie")], None, 100, SystemTime::now());
    let rows = |table: &TaskTable| {
        let row = |row: &TaskRow| format!("{} {} {} · {}", row.state.word(), row.id, row.tries, row.reason);
        table.rows.iter().map(row).collect::<Vec<_>>()
    };
    let yet = "its result cannot be written yet";
    let expected = [format!("dead bad 2 · timeout · {yet}"), format!("completed good 2 · {yet}")];
    assert_eq!(rows(&look()), expected);
    assert_eq!(look().counts, [0, 0, 0, 0, 1, 0, 1]);
    let details = details(&project.folders, &listed("marie"), &id("good"), SystemTime::now()).unwrap();
    assert_eq!((details.row.state.word(), details.texts[1].title), ("completed", "result"));
    // Published, and killed before the claim went.
    project.put("results/marie/good.json", r#"{"task_id":"good","status":"completed","retry_count":1}"#);
    assert_eq!(rows(&look()), [expected[0].clone(), "completed good 2 · ".to_owned()]);
}

#[test]
fn a_task_is_shown_with_all_that_is_known() {
    let project = project();
    let titles = |name: &str| {
        let details = details(&project.folders, &listed("marie"), &id(name), SystemTime::now())?;
        let titles: Vec<_> = details.texts.iter().map(|text| text.title).collect();
        Some((details.row.state.word(), titles))
    };
    assert_eq!(titles("runs"), Some(("running", vec!["task"])));
    assert_eq!(titles("waits"), Some(("retrying", vec!["task", "tries"])));
    assert_eq!(titles("l"), Some(("blocked", vec!["task"])));
    assert_eq!(titles("done"), Some(("completed", vec!["result", "stdout"])));
    assert_eq!(titles("bad"), Some(("dead", vec!["dead letter", "result"])));
    assert_eq!(titles("lost"), Some(("dead", vec!["result"])));
    assert_eq!(titles("none"), None);
    let done = details(&project.folders, &listed("marie"), &id("done"), SystemTime::now()).unwrap();
    assert_eq!((&*done.texts[1].text, done.texts[0].text.contains("stdout")), ("out\n", false));
}

#[test]
fn results_with_much_output_are_read_at_their_begin() {
    let project = Project::new();
    let output = "x".repeat(900 << 10);
    project.put("results/marie/a.json", format!(r#"{{"task_id":"a","status":"completed","stdout":"{output}"}}"#));
    // Another order, as others may write it.
    project.put("results/marie/b.json", format!(r#"{{"task_id":"b","stdout":"{output}","status":"completed"}}"#));
    project.put("results/marie/c.json", "garbage");
    let state = |name: &str| dependency(&project.folders, &marie(), &id(name));
    assert_eq!(
        [state("a"), state("b"), state("c")],
        [DependencyState::Completed, DependencyState::Completed, DependencyState::Dead]
    );
}

#[test]
fn a_result_that_is_still_being_written_is_waited_for() {
    let project = Project::new();
    let whole = r#"{"task_id":"a","worker":"bé","status":"completed","timestamp":"2025-11-19T10:30:00Z"}"#.as_bytes();
    for end in 0..whole.len() {
        project.put("results/bob/a.json", &whole[..end]);
        assert_eq!(dependency(&project.folders, &marie(), &id("a")), DependencyState::Unknown, "{end}");
    }
    project.put("results/bob/a.json", whole);
    assert_eq!(dependency(&project.folders, &marie(), &id("a")), DependencyState::Completed);
}

#[test]
fn a_dependency_is_looked_for_in_all_folders() {
    let project = Project::new();
    project.put("results/bob/a.json", r#"{"status":"completed"}"#);
    project.put("results/marie/b.json", r#"{"status":"failed"}"#);
    project.put("results/bob/b.json", r#"{"status":"completed"}"#);
    project.put("dlq/bob/c.json", r#"{"task_id":"c","dlq_reason":"invalid_field"}"#);
    project.put("dlq/bob/d.json", r#"{"task_id":"d","dlq_reason":"duplicate_task_id"}"#);
    let state = |name: &str| dependency(&project.folders, &marie(), &id(name));
    assert_eq!(
        ["a", "b", "c", "d", "e"].map(state),
        [
            DependencyState::Completed,
            DependencyState::Dead,
            DependencyState::Dead,
            DependencyState::Unknown,
            DependencyState::Unknown
        ]
    );
}

#[test]
fn tasks_that_wait_for_nobody_are_listed_without_what_has_ended() {
    let project = Project::new();
    for name in ["bob/a", "bob/b", "bob/.c", "marie/a", "no worker/a"] {
        project.put(&format!("tasks/{name}.json"), r#"{"description":"x"}"#);
    }
    project.put("tasks/owned/x.json", task("x"));
    let owner = format!(r#"{{"group":"other","pid":{}}}"#, std::process::id());
    project.put("tasks/owned/.work/owner.json", owner);
    project.put("results/bob/old.json", r#"{"status":"completed"}"#);
    let nobody = queues_of_nobody(&project.folders, [&marie()]);
    assert_eq!(nobody, [ServiceName::new("bob")]);
    let listed: Vec<_> = nobody.into_iter().map(Listed::nobodys).collect();
    let table = list(&project.folders, &listed, None, 9, SystemTime::now());
    let rows: Vec<_> = table.rows.iter().map(|row| format!("{} {} {}", row.worker, row.id, row.reason)).collect();
    assert_eq!(rows, ["bob a no worker has that name", "bob b no worker has that name"]);
    assert_eq!(table.counts, [2, 0, 0, 0, 0, 0, 0]);
    assert!(has_queue(&project.folders, "bob") && !has_queue(&project.folders, "../tasks"));
    assert_eq!(heartbeat_of(&project.folders, &marie()), None);
    aggregate(&project.folders, b"all").unwrap();
    assert_eq!(project.text("orchestrator.json"), "all");
}

#[test]
fn the_batches_of_others_are_counted_by_all_that_lies_there() {
    let project = Project::new();
    let of_batch =
        |id: &str, more: &str| format!(r#"{{"task_id":"{id}","description":"x","metadata":{{"batch":"b"}}{more}}}"#);
    let result = |id: &str, status: &str| format!(r#"{{"task_id":"{id}","status":"{status}","batch":"b"}}"#);
    project.put("results/bob/done.json", result("done", "completed"));
    project.put("results/bob/failed.json", result("failed", "timeout"));
    project.put("dlq/bob/failed.json", of_batch("failed", r#","dlq_reason":"max_retries_exceeded""#));
    project.put("dlq/bob/never.json", of_batch("never", r#","dlq_reason":"dependency_failed""#));
    project.put("dlq/bob/done.json", of_batch("done", r#","dlq_reason":"duplicate_task_id""#));
    project.put("tasks/bob/waits.json", of_batch("waits", ""));
    project.put("tasks/bob/refused.json", of_batch("refused", r#","timeout":-1"#));
    project.put("tasks/bob/of none.json", task("none"));
    project.put("tasks/bob/.work/runs.task.json", of_batch("runs", ""));
    // Its result is there, and its claim goes next; and one that has come again.
    project.put("tasks/bob/.work/done.task.json", of_batch("done", ""));
    project.put("dlq/bob/again.json", of_batch("again", r#","dlq_reason":"invalid_field""#));
    project.put("tasks/bob/again.json", of_batch("again", ""));
    let counts = batches_of(&project.folders, &ServiceName::new("bob"));
    assert_eq!(
        counts,
        [("b".into(), crate::domain::task::BatchCounts { total: 7, completed: 1, failed: 2, pending: 4 })].into()
    );
    assert!(batches_of(&project.folders, &marie()).is_empty());
}

#[test]
fn events_tell_what_has_happened_and_reading_does_not() {
    let project = Project::new();
    let mut owned = project.owned();
    fs::create_dir_all(project.path("heartbeats")).unwrap();
    fs::create_dir_all(project.path("results/bob")).unwrap();
    fs::create_dir_all(project.path("dlq")).unwrap();
    let (tell, told) = channel();
    let mut events = FolderEvents::open(move |news| drop(tell.send(news))).unwrap();
    assert!(events.watch_queue(&project.folders, &marie()));
    assert!(events.watch_heartbeats(&project.folders));
    assert!(!events.watch_queue(&project.folders, &ServiceName::new("bob")), "there is no such queue");
    assert!(events.watch_all_outcomes(&project.folders));
    assert!(events.watch_outcomes(&project.folders, &ServiceName::new("bob")));
    let wait_for = |wanted: FolderNews| {
        while told.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("{wanted:?} was not told")) != wanted {}
    };
    let seen = |name: &str| FolderNews::Seen(Some(marie()), name.into());
    project.put("tasks/marie/größe 1.json", task("a"));
    wait_for(seen("größe 1.json"));
    project.put("tasks/b.json", task("b"));
    wait_for(FolderNews::Seen(None, "b.json".into()));
    fs::rename(project.path("tasks/b.json"), project.path("tasks/marie/b.json")).unwrap();
    wait_for(FolderNews::Gone(None, "b.json".into()));
    wait_for(seen("b.json"));
    project.put("tasks/marie/.work/requests/1-0.json", "{}");
    wait_for(FolderNews::Request(marie()));
    project.put("heartbeats/bob.json", "{}");
    wait_for(FolderNews::Heartbeat(ServiceName::new("bob")));
    project.put("results/bob/x.json", "{}");
    wait_for(FolderNews::Outcome(ServiceName::new("bob")));
    project.put("results/eve/x.json", "{}");
    wait_for(FolderNews::Outcome(ServiceName::new("eve")));
    assert!(events.watch_outcomes(&project.folders, &ServiceName::new("eve")));
    project.put("results/eve/y.json", "{}");
    wait_for(FolderNews::Outcome(ServiceName::new("eve")));
    events.unfollow_outcomes();
    // A move is told once, after all that was before it; whatever reading would tell comes before the next move.
    let move_in = |path: &str| {
        project.put("new", "{}");
        fs::rename(project.path("new"), project.path(path)).unwrap();
    };
    move_in("tasks/marie/mark.json");
    wait_for(seen("mark.json"));
    assert_eq!(owned.list(|_, _| ()).unwrap().next().unwrap().len(), 3);
    move_in("tasks/c.json");
    assert_eq!(told.recv_timeout(DEADLINE).unwrap(), FolderNews::Seen(None, "c.json".into()));
    fs::remove_dir_all(project.path("tasks/marie")).unwrap();
    wait_for(FolderNews::Moved(marie()));
    assert!(matches!(owned.renew().unwrap(), Renewed::Another));
    assert!(events.watch_queue(&project.folders, &marie()));
    project.put("tasks/marie/d.json", task("d"));
    wait_for(seen("d.json"));
    // Folders that go elsewhere, with their watches.
    fs::rename(project.path("tasks/marie/.work"), project.path("old-work")).unwrap();
    wait_for(FolderNews::Moved(marie()));
    assert!(matches!(owned.renew().unwrap(), Renewed::Another));
    assert!(events.watch_queue(&project.folders, &marie()));
    project.put("tasks/marie/.work/requests/2-0.json", "{}");
    wait_for(FolderNews::Request(marie()));
    fs::rename(project.path("tasks/marie"), project.path("old")).unwrap();
    wait_for(FolderNews::Moved(marie()));
    events.forget(&marie());
}
