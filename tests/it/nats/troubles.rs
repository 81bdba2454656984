//! The server and the workers go away, and come back.

use std::fs;

use rustix::process::Signal;

use super::{Server, end, is_done, project, row, start};
use crate::harness::{has, kill, wait_for};
use crate::tasks::{drop_task, log, names, path, result, wait_for_result};

#[test]
fn a_server_that_is_away_at_the_start_is_waited_for() {
    if !has("nats-server", std::process::Command::new("nats-server").arg("--version").output().is_ok()) {
        return;
    }
    let mut server = Server::unstarted();
    let project = project(&server, "\"true\"", "");
    let group = start(&project);
    drop_task(&project, "t", "x");
    let problem = || row(&project)["problem"].as_str().unwrap_or_default().to_owned();
    wait_for("its row says why", || problem() == format!("cannot reach {}: connection refused", server.url()));
    assert_eq!(names(&project, "tasks/marie"), ["t.json"], "it waits");
    server.resume();
    assert_eq!(wait_for_result(&project, "t")["status"], "completed");
    wait_for("its row says nothing more", || problem().is_empty());
    let log = log(&project);
    assert!(log.contains("tasks wait until it is back") && log.contains("the server is back"), "{log}");
    end(group);
}

#[test]
fn a_server_that_is_killed_and_comes_back_has_lost_nothing() {
    let Some(mut server) = Server::start() else { return };
    let run = "'''while [ ! -e ../go ]; do sleep 0.02; done; echo \"$TASK_ID\" >> ../tries'''";
    let project = project(&server, run, "concurrency = 2");
    let group = start(&project);
    for number in 0..6 {
        drop_task(&project, &format!("t-{number}"), "x");
    }
    wait_for("two run", || names(&project, "triggers/marie").len() == 2);
    wait_for("all are published", || server.messages("TASKS") == Some(6));
    server.kill();
    wait_for("its row says why", || row(&project)["problem"].as_str().is_some_and(|why| why.contains("cannot reach")));
    // Two end while it is away, and more come.
    fs::write(project.path("../go"), "").unwrap();
    wait_for("two have ended", || project.lines("../tries") == 2);
    drop_task(&project, "late", "x");
    server.resume();
    wait_for("all are done", || names(&project, "results/marie").len() == 7 && is_done(&project));
    let mut tries: Vec<String> = project.read("../tries").lines().map(str::to_owned).collect();
    tries.sort();
    assert_eq!(tries, ["late", "t-0", "t-1", "t-2", "t-3", "t-4", "t-5"]);
    end(group);
}

#[test]
fn a_server_that_comes_back_empty_is_given_all_tasks_again() {
    let Some(mut server) = Server::start() else { return };
    let project = project(&server, "\"while [ ! -e ../go ]; do sleep 0.02; done\"", "concurrency = 1");
    let group = start(&project);
    for id in ["a", "b", "c"] {
        drop_task(&project, id, "x");
    }
    wait_for("all are with the server", || server.messages("TASKS") == Some(3));
    server.kill();
    server.forget();
    server.resume();
    fs::write(project.path("../go"), "").unwrap();
    wait_for("all are done", || is_done(&project) && names(&project, "results/marie").len() == 3);
    end(group);
}

#[test]
fn a_worker_that_is_killed_leaves_its_tasks_to_others_and_that_counts_as_a_try() {
    let Some(server) = Server::start() else { return };
    let run = "'''echo \"$TASK_TRY $PWD\" >> ../../tries; [ \"$TASK_TRY\" -gt 1 ] || exec sleep 1000'''";
    let keys = "concurrency = 1\nbackoff = { initial = \"10ms\" }";
    let (here, there) = (project(&server, run, keys), project(&server, run, keys));
    let group = start(&here);
    drop_task(&here, "t", "x");
    wait_for("it is tried", || path(&here, "triggers/marie/t.json").exists());
    let program = i32::try_from(group.program()).unwrap();
    group.signal(Signal::KILL);
    kill(program, Signal::KILL);
    group.wait_killed();
    // Another group tries it when the lease is over, and the first one gets the result when it is back.
    let other = start(&there);
    wait_for("the other one has tried it", || log(&there).contains("t · completed"));
    assert!(log(&there).contains("t · interrupted · next try in"), "{}", log(&there));
    let group = start(&here);
    assert_eq!(wait_for_result(&here, "t")["retry_count"], 1);
    wait_for("it is over", || is_done(&here));
    assert!(result(&there, "t").is_null());
    end(group);
    end(other);
}

#[test]
fn a_worker_that_stops_gives_its_tasks_back_and_that_does_not_count() {
    let Some(server) = Server::start() else { return };
    let run = "\"[ -e ../go ] || exec sleep 1000\"";
    let project = project(&server, run, "concurrency = 1");
    let group = start(&project);
    drop_task(&project, "t", "x");
    wait_for("it runs", || path(&project, "triggers/marie/t.json").exists());
    end(group);
    fs::write(project.path("../go"), "").unwrap();
    let group = start(&project);
    let result = wait_for_result(&project, "t");
    assert_eq!((result["status"].as_str(), result["retry_count"].as_u64()), (Some("completed"), Some(0)));
    end(group);
}
