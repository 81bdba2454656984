//! What an agent does all day: it edits, and asks what came of it.

use serde_json::{Value, json};

use super::{Agent, Answer, REVISIONS, shop};
use crate::harness::{Project, detach, down, wait_for};

/// The services of the last `settle`.
fn api(value: &Value) -> &Value {
    let services = value["services"].as_array().unwrap();
    services.iter().find(|service| service["name"] == "api").unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn a_server_that_does_not_compile_after_an_edit_and_then_does() {
    for (mode, _) in REVISIONS {
        let project = shop("");
        detach(&project);
        let Some(mut agent) = Agent::start(&project, mode, &[]) else { return };
        agent.call("wait", json!({ "service": "api" })).well();
        project.write("src/main.txt", "broken");
        let settled = agent.call("settle", json!({}));
        assert!(settled.failed, "{}", settled.text);
        assert!(settled.text.contains("error: expected `;` in src/main.txt"), "{}", settled.text);
        assert_eq!(api(&settled.value)["files"], json!(["src/main.txt"]));
        project.write("src/main.txt", "two");
        let settled = agent.call("settle", json!({})).well();
        assert!(settled.text.contains("api: restarted, ready after "), "{}", settled.text);
        assert!(settled.text.contains("listening on two"), "{}", settled.text);
        assert!(!settled.text.contains("expected `;`"), "only what is new: {}", settled.text);
        let nothing = agent.call("settle", json!({})).well();
        assert!(nothing.text.contains("no watched file has changed"), "{}", nothing.text);
        agent.close();
        down(&project);
    }
}

/// How many edits an hour has; in CI a few.
fn edits() -> u32 {
    std::env::var("DEVGROUP_AGENT_EDITS").ok().and_then(|edits| edits.parse().ok()).unwrap_or(6)
}

/// How often `api` has been started. (The test asks that, and not the agent.)
fn runs(agent: &mut Agent) -> u64 {
    let status = agent.call("status", json!({})).well();
    api(&status.value)["run"].as_u64().unwrap()
}

/// The processes that serve.
fn servers(project: &Project) -> usize {
    project.processes().iter().filter(|(_, line)| line.starts_with("sleep 1000")).count()
}

/// What came of an edit. This agent edits faster than any: where a change waits because it came right after the last starts, it
/// restarts the service itself.
fn what_came(agent: &mut Agent) -> Answer {
    let settled = agent.call("settle", json!({}));
    match api(&settled.value)["next_at"].is_string() {
        true => agent.call("restart", json!({ "services": ["api"] })),
        false => settled,
    }
}

#[test]
fn an_hour_of_an_agent_takes_two_calls_an_edit_and_leaves_nothing() {
    let project = shop("");
    detach(&project);
    let Some(mut agent) = Agent::start(&project, "auto", &[]) else { return };
    agent.call("wait", json!({ "service": "api" })).well();
    let all = edits();
    for edit in 1..=all {
        if edit == 2 {
            // One of 40 files.
            let before = runs(&mut agent);
            agent.call("hold", json!({ "on": true })).well();
            for file in 0..40 {
                project.write(&format!("src/part{file}.txt"), format!("{edit}"));
            }
            let settled = agent.call("hold", json!({ "on": false })).well();
            assert!(settled.text.starts_with("released\napi: restarted, ready"), "{}", settled.text);
            assert!(settled.text.contains("\n40 files changed since "), "{}", settled.text);
            assert_eq!(runs(&mut agent), before + 1, "{}", settled.text);
            continue;
        }
        if edit % 6 == 5 {
            project.write("src/main.txt", format!("broken {edit}"));
            let settled = what_came(&mut agent);
            assert!(settled.failed && settled.text.contains("error: expected"), "edit {edit}: {}", settled.text);
            wait_for("nothing serves", || servers(&project) == 0);
        }
        project.write("src/main.txt", format!("edit {edit}"));
        let settled = what_came(&mut agent).well();
        let listening = format!("listening on edit {edit}");
        assert!(settled.text.contains(&listening), "edit {edit}: {}", settled.text);
        wait_for("one process serves", || servers(&project) == 1);
    }
    agent.close();
    down(&project);
}
