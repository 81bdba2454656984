//! Groups come and go, and so do agents.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};

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

/// The sockets that a process has.
fn connections(pid: u32) -> usize {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let is_socket = |target: std::path::PathBuf| target.to_string_lossy().starts_with("socket:");
    open.filter(|fd| std::fs::read_link(fd.path()).is_ok_and(is_socket)).count()
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
        let connections = || connections(server.unsigned_abs());
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
fn a_group_that_is_named_is_found_when_it_is_there_and_again_when_it_has_ended() {
    let project = shop("");
    // Groups are named for all of the user's folders, and somebody may have one called `shop`.
    let name = format!("shop-{}", std::process::id());
    let file = project.read("procgroup.toml").replacen("\"shop\"", &format!("{name:?}"), 1);
    project.write("procgroup.toml", file);
    let Some(mut agent) = Agent::start(&project, "auto", &["-g", &name]) else { return };
    let absent = agent.call("status", json!({}));
    assert!(absent.failed && absent.text.contains(&format!("`{name}`")), "{}", absent.text);
    assert_eq!(absent.value["error"]["exit_code"], 4, "{}", absent.text);
    detach(&project);
    assert!(agent.call("status", json!({})).well().text.starts_with(&format!("{name} · pid ")));
    down_but_for(&project);
    let gone = agent.call("status", json!({}));
    let folder = project.root().canonicalize().unwrap();
    let text = format!("no group runs in {} · start it with: devgroup -f {}", folder.display(), folder.display());
    assert!(gone.failed && gone.text.starts_with(&text), "{}", gone.text);
    assert!(agent.call("start", json!({})).well().text.contains("api: ready"));
    agent.close();
    down(&project);
}

#[test]
fn a_hold_ends_with_the_input_of_its_session_though_a_call_is_still_answered() {
    let project = shop("");
    detach(&project);
    let mut server = project
        .command(env!("CARGO_BIN_EXE_devgroup"))
        .arg("mcp")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, output) = (server.stdin.take().unwrap(), BufReader::new(server.stdout.take().unwrap()));
    let mut answers = output.lines();
    let mut send = |message: Value| writeln!(input, "{message}").unwrap();
    let call = |id: u32, name: &str, arguments: Value| {
        let params = json!({ "name": name, "arguments": arguments });
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
    };
    let client = json!({ "name": "raw", "version": "1" });
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
    send(json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }));
    send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    send(call(1, "hold", json!({ "on": true })));
    let mut answer = |id: u32| loop {
        let line = answers.next().unwrap_or_else(|| panic!("no answer to {id}")).unwrap();
        let message: Value = serde_json::from_str(&line).unwrap();
        if message["id"] == id {
            return message;
        }
    };
    let text = |answer: Value| answer["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned();
    assert!(text(answer(1)).starts_with("holding"));
    send(call(3, "status", json!([1])));
    assert_eq!(answer(3)["error"]["code"], -32602, "the arguments are wrong, and not the method");
    project.write("src/main.txt", "two");
    let status = || -> Value { serde_json::from_str(&Stream::ask(&project, &["status", "--json"]).stdout).unwrap() };
    wait_for("the change is held", || status()["watch"]["held"] == 1);
    let idle = connections(server.id());
    send(call(2, "wait", json!({ "service": "api", "text": "listening on two", "timeout": "1h" })));
    wait_for("it waits", || connections(server.id()) > idle);
    drop(input);
    // What the call waits for comes only when nothing is held any more.
    assert!(text(answer(2)).contains("listening on two"));
    assert!(server.wait().unwrap().success());
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
