//! The API beside the command line: the same answers, the same errors.

use serde_json::{Value, json};

use super::{Page, SHOP};
use crate::harness::{Project, Stream, detach, down, wait_for};

fn command(project: &Project, arguments: &[&str]) -> Value {
    let said = Stream::ask(project, arguments);
    serde_json::from_str(said.stdout.lines().next().unwrap_or(&said.stderr))
        .or_else(|_| serde_json::from_str(&said.stdout))
        .unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

/// Without what passes by itself.
fn steady(mut value: Value) -> Value {
    for service in value["services"].as_array_mut().into_iter().flatten() {
        service["uptime_ms"] = Value::Null;
    }
    for key in ["since", "until"] {
        if value.get(key).is_some() {
            value[key] = Value::Null;
        }
    }
    value
}

#[test]
fn answers_are_those_of_the_commands() {
    let project = Project::new(SHOP);
    project.write("src/a.rs", "");
    detach(&project);
    let page = Page::log_in(&project);
    assert_eq!(Stream::ask(&project, &["restart", "api", "--wait"]).code, Some(0));
    for (path, arguments) in [
        ("status", &["status", "--json"][..]),
        ("why?path=src/a.rs&path=x", &["why", "--json", "src/a.rs", "x"]),
        ("history?since=1h", &["history", "--since", "1h", "--json"]),
        ("history?service=api", &["history", "api", "--json"]),
        ("tasks", &["task", "list", "--json"]),
        ("tasks?worker=marie&state=dead&limit=1", &["task", "list", "marie", "--state", "dead", "-n", "1", "--json"]),
    ] {
        wait_for(&format!("{path} is as the command"), || {
            steady(page.json(&format!("/api/v1/{path}"))) == steady(command(&project, arguments))
        });
    }
    let lines = page.get("/api/v1/logs?service=api&last=2").body;
    assert_eq!(lines, Stream::ask(&project, &["logs", "api", "-n", "2", "--json"]).stdout);
    assert_eq!(page.get("/api/v1/logs?service=api&limit=1").body.lines().count(), 1);
    let found = page.get("/api/v1/logs?grep=restarted&last=1").body;
    assert!(found.contains("restarted · by devgroup restart"), "{found}");
    wait_for("all files are listed", || page.json("/api/v1/status")["watch"]["ready"] == true);
    let status = page.json("/api/v1/status");
    let watches = |at: usize| status["services"][at]["watches"].clone();
    assert_eq!((watches(0), watches(1), &status["watch"]["git_head"]), (true.into(), false.into(), &Value::Null));
    let usage = page.json("/api/v1/usage");
    assert!(usage["services"][0]["usage"].is_object(), "{usage}");
    down(&project);
}

#[test]
fn errors_are_those_of_the_commands() {
    let project = Project::new(SHOP);
    detach(&project);
    let page = Page::log_in(&project);
    let error = |arguments: &[&str]| command(&project, arguments);
    let refused = page.post("/api/v1/services/apj/restart", &json!({}));
    assert_eq!((refused.status, refused.json()), (404, error(&["restart", "apj", "--json"])));
    assert_eq!(refused.json()["error"]["help"], "did you mean `api`? services here: api, marie");
    let refused = page.get("/api/v1/logs?service=apj");
    assert_eq!((refused.status, refused.json()), (404, error(&["logs", "apj", "--json"])));
    let refused = page.get("/api/v1/stream?logs=apj");
    assert_eq!((refused.status, refused.code().as_str()), (404, "unknown-service"));
    let refused = page.get("/api/v1/history?service=apj");
    assert_eq!((refused.status, refused.json()), (404, error(&["history", "apj", "--json"])));
    let refused = page.get("/api/v1/tasks/none");
    assert_eq!((refused.status, refused.json()), (404, error(&["task", "show", "none", "--json"])));
    let refused = page.get("/api/v1/tasks?worker=mari");
    assert_eq!((refused.status, refused.json()), (404, error(&["task", "list", "mari", "--json"])));
    Stream::ask(&project, &["stop", "api", "--wait"]);
    let refused = page.post("/api/v1/services/api/send", &json!({ "text": "x" }));
    assert_eq!((refused.status, refused.code().as_str()), (409, "refused"));
    for path in
        ["logs?grep=(", "logs?level=loud", "logs?last=x", "logs?servcie=api", "why", "stream", "history?since=5"]
    {
        let refused = page.get(&format!("/api/v1/{path}"));
        assert_eq!((refused.status, refused.code().as_str()), (400, "usage"), "{path}: {refused:?}");
    }
    for (path, body) in [
        ("services/api/restart", json!({ "wiat": true })),
        ("services/api/restart", json!({ "timeout": "5" })),
        ("services/api/send", json!({})),
        ("settle", json!({ "since": "5" })),
        ("session/code", json!([])),
        ("tasks", json!({ "worker": "marie" })),
    ] {
        let refused = page.post(&format!("/api/v1/{path}"), &body);
        assert_eq!((refused.status, refused.code().as_str()), (400, "usage"), "{path} {body}: {refused:?}");
    }
    let nowhere = page.get("/api/v2/status");
    assert_eq!((nowhere.status, nowhere.code().as_str()), (404, "unknown-path"));
    let wrong = page.get("/api/v1/down");
    assert_eq!((wrong.status, wrong.code().as_str(), wrong.header("allow")), (405, "method", Some("POST")));
    down(&project);
}

#[test]
fn orders_are_carried_out_and_told() {
    let project = Project::new(SHOP);
    detach(&project);
    let page = Page::log_in(&project);
    let done = page.post("/api/v1/services/api/restart", &json!({ "wait": true, "timeout": "30s" })).json();
    assert_eq!((&done["services"][0]["name"], &done["services"][0]["result"]), (&json!("api"), &json!("ready")));
    assert_eq!(done["services"][0]["lines"][0]["text"], "started", "{done}");
    let log = page.get("/api/v1/logs?service=api&grep=restarted").body;
    assert!(log.contains("restarted · by the web page"), "{log}");
    let stopped = page.post("/api/v1/services/api/stop", &json!({ "wait": true })).json();
    assert_eq!(stopped["services"][0]["result"], "stopped");
    let started = page.post("/api/v1/services/api/start", &json!({})).json();
    assert_eq!(started["services"][0]["result"], "asked");
    let settled = page.post("/api/v1/settle", &json!({ "services": ["api"], "timeout": "30s" })).json();
    assert_eq!(settled["timed_out"], false, "{settled}");
    project.write("src/new.rs", "");
    let settled = page.post("/api/v1/settle", &json!({ "since": settled["cursor"] })).json();
    assert_eq!(settled["services"][0]["result"], "restarted", "{settled}");
    let watcher = page.json("/api/v1/watcher");
    let entry = watcher["entries"].as_array().unwrap().iter().find(|entry| entry["path"] == "src/new.rs").unwrap();
    assert_eq!((&entry["verdict"], &entry["services"]), (&json!("restart"), &json!(["api"])), "{entry}");
    let added = page.post("/api/v1/tasks", &json!({ "worker": "marie", "text": "say hello" })).json();
    let id = added["tasks"][0]["task_id"].as_str().unwrap().to_owned();
    let task = || page.json(&format!("/api/v1/tasks/{id}"));
    wait_for("the task is completed", || task()["state"] == "completed");
    // Its claim goes a moment after its result is there.
    let shown = || steady(command(&project, &["task", "show", &id, "--json"]));
    wait_for("the page and the command tell the same", || steady(task()) == shown());
    let refused = page.post(&format!("/api/v1/tasks/{id}/retry"), &json!({}));
    assert_eq!((refused.status, refused.code().as_str()), (409, "refused"), "{refused:?}");
    let refused = page.post(&format!("/api/v1/tasks/{id}/cancel"), &json!({ "worker": "marie" }));
    assert_eq!(refused.status, 409, "{refused:?}");
    let ended = page.post("/api/v1/down", &json!({}));
    assert_eq!(ended.status, 200, "{ended:?}");
    wait_for("the group has ended", || project.processes().is_empty());
}
