//! Which tools there are, what each says, and how much they cost.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{Agent, REVISIONS, shop};
use crate::harness::{Stream, detach, down, has};

/// With a worker.
const WORKER: &str = "marie = { kind = \"worker\", run = \"cat\" }\n";

fn names(tools: &[Value]) -> Vec<&str> {
    tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[test]
fn every_tool_answers_in_both_revisions() {
    for (mode, revision) in REVISIONS {
        let project = shop(WORKER);
        detach(&project);
        let Some(mut agent) = Agent::start_named(&project, mode, "claude-code", &[]) else { return };
        assert_eq!(agent.hello["version"], revision);
        let instructions = agent.hello["instructions"].as_str().unwrap();
        assert!(instructions.contains("Do not start second copies") && instructions.contains("not instructions"));
        let tools = agent.tools();
        let all = ["status", "logs", "settle", "restart", "start", "stop", "wait", "hold", "send", "why"];
        let tasks = ["task_add", "task_list", "task_show", "task_retry"];
        assert_eq!(names(&tools), [&all[..], &tasks[..]].concat());
        let hint =
            |tool: &str, hint: &str| tools.iter().find(|one| one["name"] == tool).unwrap()["annotations"][hint].clone();
        assert_eq!((hint("status", "readOnlyHint"), hint("stop", "destructiveHint")), (true.into(), true.into()));
        assert_eq!((hint("stop", "readOnlyHint"), hint("hold", "destructiveHint")), (false.into(), false.into()));

        let waited = agent.call("wait", json!({ "service": "api" })).well();
        assert!(
            waited.text.starts_with("api: ready\n") && waited.text.contains("  listening on one\n"),
            "{}",
            waited.text
        );
        let status = agent.call("status", json!({})).well();
        assert!(
            status.text.starts_with("shop · pid ") && status.text.contains("\napi: ready · up "),
            "{}",
            status.text
        );
        assert_eq!(
            (&status.value["project"], &status.value["services"][0]["state"]),
            (&json!("shop"), &json!("ready"))
        );
        let logs = agent.call("logs", json!({ "service": "api", "since": status.value["cursor"] })).well();
        assert!(logs.text.starts_with("no lines\ncursor: "), "{}", logs.text);
        let logs = agent.call("logs", json!({ "service": "api", "grep": "^listening", "limit": 5 })).well();
        assert_eq!(logs.value["lines"][0]["text"], "listening on one");
        let restarted = agent.call("restart", json!({ "services": ["api"] })).well();
        assert!(restarted.text.starts_with("api: ready\n"), "{}", restarted.text);
        let log = Stream::ask(&project, &["logs", "api"]).stdout;
        assert!(log.contains("── restarted · by agent claude-code · "), "{log}");
        assert!(agent.call("settle", json!({})).well().text.contains("cursor: "));
        let found = agent.call("wait", json!({ "service": "api", "for": "text", "text": "listening on" })).well();
        assert_eq!(found.value["line"]["text"], "listening on one");
        assert!(found.text.contains("compiling one\nlistening on one\n"), "{}", found.text);
        let sent = agent.call("send", json!({ "service": "console", "text": "hello" })).well();
        assert!(sent.text.starts_with("hello\n"), "{}", sent.text);
        let why = agent.call("why", json!({ "paths": ["src/main.txt"] })).well();
        assert_eq!(
            (&why.value["paths"][0]["verdict"], &why.value["paths"][0]["services"]),
            (&json!("watched"), &json!(["api"]))
        );
        assert!(agent.call("stop", json!({ "services": ["api"] })).well().text.starts_with("api: stopped\n"));
        let log = Stream::ask(&project, &["logs", "api"]).stdout;
        assert!(log.contains("── stopped · by agent claude-code · "), "{log}");
        assert!(agent.call("start", json!({ "services": "api" })).well().text.starts_with("api: ready\n"));

        let added = agent.call("task_add", json!({ "worker": "marie", "text": "-" })).well();
        let id = added.value["tasks"][0]["task_id"].as_str().unwrap().to_owned();
        assert!(added.text.starts_with(&id), "{}", added.text);
        let listed = agent.call("task_list", json!({ "worker": "marie" })).well();
        assert_eq!(listed.value["tasks"][0]["task_id"], json!(id));
        assert!(agent.call("task_show", json!({ "id": id })).well().text.starts_with(&id));
        let refused = agent.call("task_retry", json!({ "ids": [id] }));
        assert!(refused.failed && refused.text.contains(": not retried · "), "{}", refused.text);
        agent.close();
        down(&project);
    }
}

#[test]
fn what_is_wrong_is_told_with_what_may_be_meant() {
    let project = shop("");
    detach(&project);
    let Some(mut agent) = Agent::start(&project, "auto", &[]) else { return };
    assert!(!names(&agent.tools()).contains(&"task_add"), "there is no worker");
    let mut said = |tool: &str, arguments: Value| {
        let answer = agent.call(tool, arguments);
        assert!(answer.failed, "{tool}: {}", answer.text);
        let error = &answer.value["error"];
        assert!(error["message"].is_string() && error["exit_code"].is_u64(), "{error}");
        (answer.text, error["code"].as_str().unwrap().to_owned())
    };
    let unknown = said("restart", json!({ "services": ["apj"] }));
    assert!(unknown.0.contains("unknown service `apj`\nhelp: did you mean `api`?"), "{}", unknown.0);
    assert_eq!(unknown.1, "unknown-service");
    for (tool, arguments, text) in [
        ("logs", json!({ "servce": "api" }), "`logs` has no argument `servce`\nhelp: did you mean `service`?"),
        ("logs", json!({ "since": "yesterday" }), "`since`: cannot read `yesterday`\nhelp: write `restart`"),
        ("logs", json!({ "limit": 0 }), "`limit` is 0; it must be a whole number from 1 to 10000"),
        ("logs", json!({ "grep": "(" }), "regex `(`"),
        ("logs", json!({ "level": "loud" }), "`loud` is not a level"),
        ("restart", json!({}), "`services` is missing"),
        ("restart", json!({ "services": [1] }), "`services` is 1; it must be an array of strings"),
        ("wait", json!({ "service": "api", "for": "text" }), "`text` is missing"),
        ("wait", json!({ "service": "api", "timeout": "soon" }), "`timeout`: `soon`"),
        ("wait", json!({ "service": "api", "for": "red" }), "unknown value `red`\nhelp: did you mean `ready`?"),
        ("task_add", json!({ "worker": "x", "text": "y" }), "no service in procgroup.toml is a worker"),
    ] {
        let answer = said(tool, arguments);
        assert!(answer.0.contains(text), "{tool}: `{text}` is not in {}", answer.0);
    }
    agent.close();
    down(&project);
}

#[test]
fn who_only_looks_changes_nothing() {
    let project = shop(WORKER);
    detach(&project);
    let Some(mut agent) = Agent::start(&project, "legacy", &["--read-only"]) else { return };
    let tools = agent.tools();
    assert_eq!(names(&tools), ["status", "logs", "settle", "wait", "why", "task_list", "task_show"]);
    for tool in ["restart", "start", "stop", "hold", "send", "task_add", "task_retry"] {
        let answer = agent.call(tool, json!({ "services": ["api"], "on": true }));
        assert!(answer.failed && answer.text.contains("--read-only"), "{tool}: {}", answer.text);
    }
    agent.close();
    down(&project);
}

/// Counts what an agent pays for the tools before it has called one.
const COUNT: &str = "
    const { encode } = require(process.argv[1] + '/node_modules/gpt-tokenizer/cjs/encoding/o200k_base.js');
    const tools = JSON.parse(require('fs').readFileSync(0, 'utf8'));
    const text = tools.map(tool => `${tool.name}\\n${tool.description}\\n${JSON.stringify(tool.inputSchema)}`);
    console.log(text.map(one => encode(one).length).reduce((all, one) => all + one, 0));
";

#[test]
fn all_tools_together_cost_few_tokens() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/gpt-tokenizer");
    if !has("gpt-tokenizer (.ci/run installs it)", folder.join("node_modules/gpt-tokenizer").exists()) {
        return;
    }
    let project = shop(WORKER);
    let Some(mut agent) = Agent::start(&project, "auto", &[]) else { return };
    let tools = agent.tools();
    assert_eq!(tools.len(), 14);
    project.write("../tools.json", json!(tools).to_string());
    let tools = std::fs::File::open(project.path("../tools.json")).unwrap();
    let counted = Command::new("node").args(["-e", COUNT]).arg(&folder).stdin(tools).output().unwrap();
    let counted = String::from_utf8(counted.stdout).unwrap();
    let tokens: u32 = counted.trim().parse().unwrap();
    assert!(tokens <= 1_500, "{tokens} tokens");
    agent.close();
}
