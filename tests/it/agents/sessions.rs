//! Groups come and go, and so do agents.

use serde_json::json;

use super::{Agent, REVISIONS, shop};
use crate::harness::{Stream, detach, down, wait_for};

#[test]
fn a_group_is_absent_started_restarted_and_ended_in_one_session() {
    let project = shop("");
    for (mode, _) in REVISIONS {
        let Some(mut agent) = Agent::start(&project, mode, &[]) else { return };
        let absent = agent.call("status", json!({}));
        let folder = project.root().canonicalize().unwrap();
        let text = format!("no group runs in {} · start it with: devgroup -d\n", folder.display());
        assert!(absent.failed && absent.text.starts_with(&text), "{}", absent.text);
        assert_eq!(
            (&absent.value["error"]["code"], &absent.value["error"]["exit_code"]),
            (&json!("not-running"), &json!(4))
        );
        assert_eq!(absent.value["error"]["help"], "start it with: devgroup -d");
        let started = agent.call("start", json!({})).well();
        assert!(started.text.contains("api: ready"), "{}", started.text);
        let again = agent.call("start", json!({})).well();
        assert!(again.text.starts_with("the group runs already\n"), "{}", again.text);
        let cursor = again.value["cursor"].clone();
        down_but_for(&project);
        assert!(agent.call("restart", json!({ "services": ["api"] })).text.starts_with(&text));
        detach(&project);
        let after = agent.call("logs", json!({ "service": "api", "since": cursor })).well();
        assert!(after.text.contains("listening on one"), "{}", after.text);
        agent.call("settle", json!({})).well();
        agent.close();
        down(&project);
    }
}

/// Ends the group, while the agent stays.
fn down_but_for(project: &crate::harness::Project) {
    let down = Stream::ask(project, &["down"]);
    assert_eq!(down.code, Some(0), "{}", down.stderr);
}

#[test]
fn a_wait_that_is_called_off_is_over_and_a_long_one_says_that_it_goes_on() {
    let project =
        shop("never = { run = \"sleep 1000\", ready = { file = \"never\", timeout = \"1h\" }, watch = false }\n");
    let mut group = Stream::start(&project, &[]);
    group.wait_for_text("listening on one");
    for (mode, _) in REVISIONS {
        let Some(mut agent) = Agent::start(&project, mode, &[]) else { return };
        agent.call("status", json!({})).well();
        let server = agent.server(&project)[0];
        let connections = || {
            let open = std::fs::read_dir(format!("/proc/{server}/fd")).unwrap().flatten();
            let is_socket = |target: std::path::PathBuf| target.to_string_lossy().starts_with("socket:");
            open.filter(|fd| std::fs::read_link(fd.path()).is_ok_and(is_socket)).count()
        };
        let idle = connections();
        let id = agent.begin("wait", json!({ "service": "never", "timeout": "1h" }));
        wait_for("it waits", || connections() > idle);
        // Another call is answered meanwhile.
        agent.call("status", json!({})).well();
        assert!(connections() > idle);
        assert_eq!(agent.cancel(id)["error"], "cancelled");
        wait_for("nobody waits any more", || connections() == idle);
        let long = agent.call("wait", json!({ "service": "never", "timeout": "7s" }));
        assert!(long.failed && long.text.starts_with("never: timed out\n"), "{}", long.text);
        assert_eq!(long.notes, json!([[5.0, "wait · 5s"]]));
        agent.close();
    }
    down(&project);
    group.wait_exit();
}

#[test]
fn a_hold_ends_with_its_session_and_two_agents_do_not_disturb_each_other() {
    let project = shop("");
    detach(&project);
    let Some(mut one) = Agent::start_named(&project, "auto", "one", &[]) else { return };
    let mut other = Agent::start_named(&project, "legacy", "other", &[]).unwrap();
    one.call("wait", json!({ "service": "api" })).well();
    one.call("hold", json!({ "on": true })).well();
    assert!(one.call("hold", json!({ "on": true })).well().text.starts_with("holding already"));
    assert!(other.call("hold", json!({ "on": false })).well().text.starts_with("nothing was held"));
    project.write("src/main.txt", "two");
    let seen = other.call("status", json!({})).well();
    assert!(seen.text.contains("held by agent one"), "{}", seen.text);
    let settled = other.call("settle", json!({ "services": ["api"] })).well();
    assert!(settled.text.contains("held"), "{}", settled.text);
    // However a session ends, what it has held is acted on.
    one.kill();
    other.call("wait", json!({ "service": "api", "for": "text", "text": "listening on two" })).well();
    let (first, second) = (other.begin("restart", json!({ "services": ["api"] })), other.begin("logs", json!({})));
    other.end(second).well();
    other.end(first).well();
    other.close();
    down(&project);
}

#[test]
fn a_file_that_is_named_and_missing_is_told_and_nobody_is_sent_to_start_it() {
    let project = shop("");
    let Some(mut agent) = Agent::start(&project, "auto", &["-f", "gone.toml"]) else { return };
    for tool in ["status", "start"] {
        let told = agent.call(tool, json!({}));
        assert!(told.failed && told.text.contains("gone.toml does not exist"), "{tool}: {}", told.text);
        assert!(told.text.contains("check the path") && !told.text.contains("devgroup -d"), "{tool}: {}", told.text);
    }
    agent.close();
}
