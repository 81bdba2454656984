//! `devgroup events`: every type, with file, rule and cause.

use serde_json::Value;

use crate::harness::{Project, Stream, wait_for};

const SHOP: &str = r#"
[services]
api = { run = "echo up; exec sleep 1000", watch = ["src/**"], ready = { log = "up" }, validate = { run = "! grep -q broken src/a.rs" } }
bad = { run = ["/no/such/program"], restart = "never" }
"#;

fn events(project: &Project) -> Vec<Value> {
    let asked = Stream::ask(project, &["events", "--json"]);
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    asked.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn find<'e>(events: &'e [Value], what: &str, which: impl Fn(&Value) -> bool) -> &'e Value {
    let found = events.iter().find(|event| event["type"] == what && which(event));
    found.unwrap_or_else(|| panic!("no such {what} in {events:#?}"))
}

#[test]
fn each_type_tells_what_why_and_by_which_rule() {
    let project = Project::new(SHOP);
    project.write("src/a.rs", "one");
    let mut group = Stream::start(&project, &[]);
    group.wait_for_text("api │ up");
    let status = || -> Value { serde_json::from_str(&Stream::ask(&project, &["status", "--json"]).stdout).unwrap() };
    wait_for("it watches", || status()["watch"]["state"] == "watching" && status()["services"][0]["state"] == "ready");
    project.write("src/a.rs", "two");
    wait_for("it restarts", || status()["services"][0]["run"] == 2 && status()["services"][0]["state"] == "ready");
    project.write("src/a.rs", "broken");
    wait_for("it is stale", || status()["services"][0]["stale"] == true);
    assert_eq!(Stream::ask(&project, &["hold", "--service", "api", "--", "true"]).code, Some(0));
    assert_eq!(Stream::ask(&project, &["pause"]).code, Some(0));
    project.write("src/a.rs", "two");
    wait_for("it is held", || status()["watch"]["held"] == 1);
    assert_eq!(Stream::ask(&project, &["resume"]).code, Some(0));
    wait_for("it comes to nothing", || !status()["services"][0]["stale"].as_bool().unwrap());
    let is_reload = |event: &Value| event["type"] == "reload";
    assert!(!events(&project).iter().any(is_reload), "nobody has saved the file");
    project.write("procgroup.toml", SHOP);
    wait_for("the file is read again", || events(&project).iter().any(is_reload));
    let events = events(&project);
    let rule = |event: &Value| {
        assert_eq!(event["rule"]["file"], "procgroup.toml", "{event}");
        assert_eq!((&event["rule"]["line"], &event["rule"]["pattern"]), (&3.into(), &"src/**".into()), "{event}");
        assert_eq!(event["path"], "src/a.rs", "{event}");
    };
    let of_api = |event: &Value| event["service"] == "api";
    let change = find(&events, "change", |_| true);
    assert_eq!(change["services"], Value::from(vec!["api"]));
    rule(change);
    let restart = find(&events, "restart", of_api);
    assert_eq!((&restart["cause"], &restart["run"]), (&"change".into(), &2.into()));
    rule(restart);
    assert_eq!(find(&events, "start", of_api)["cause"], "first");
    assert_eq!(find(&events, "ready", of_api)["run"], 1);
    assert_eq!(find(&events, "exit", of_api)["signal"], 15);
    let validate = find(&events, "validate", |event| event["message"].as_str().unwrap().starts_with("stale"));
    assert_eq!(validate["service"], "api");
    let hold = |event: &Value| event["cause"] == "command";
    assert_eq!(find(&events, "hold", hold)["services"], Value::from(vec!["api"]));
    assert_eq!(find(&events, "release", hold)["message"], "hold: true (api)");
    let pause = |event: &Value| event["cause"] == "client";
    assert_eq!(find(&events, "hold", pause)["services"], Value::Null);
    assert_eq!(find(&events, "release", pause)["message"], "pause");
    find(&events, "notice", |event| event["message"].as_str().unwrap().contains("1 held change"));
    let error = find(&events, "error", |event| event["service"] == "bad");
    assert!(error["message"].as_str().unwrap().contains("/no/such/program"), "{error}");
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    group.wait_exit();
}
