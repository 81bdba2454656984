//! The commands for a running group: what they print, and with which code they end.

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Project, Stream, wait_for};

const SHOP: &str = r#"
    name = "shop"
    [services]
    api = { run = "echo hello; echo 'ERROR api is ill'; while read line; do echo got $line; done", watch = ["src/**"] }
    worker = "echo two; exec sleep 1000"
    mail = { run = "echo mail; exec sleep 1000", autostart = false }
    "#;

/// A running group, whose services have spoken and are known to run.
fn shop(project: &Project) -> Stream<'_> {
    let mut group = Stream::start(project, &[]);
    group.wait_for("all have spoken", |out| out.contains("api    │ ERROR") && out.contains("worker │ two"));
    wait_for("they are known to run", || {
        ask(project, &["status", "--json"]).matches(r#""state":"running""#).count() == 2
    });
    group
}

fn end(project: &Project, group: Stream<'_>) {
    let down = Stream::ask(project, &["down"]);
    assert_eq!(down.code, Some(0), "{}", down.stderr);
    assert_eq!(group.wait_exit().code, Some(0));
}

/// The results of a command that ends well.
fn ask(project: &Project, arguments: &[&str]) -> String {
    let asked = Stream::ask(project, arguments);
    assert_eq!(asked.code, Some(0), "{arguments:?}: {}{}", asked.stdout, asked.stderr);
    asked.stdout
}

fn json(project: &Project, arguments: &[&str]) -> Value {
    serde_json::from_str(&ask(project, arguments)).unwrap()
}

#[test]
fn status_says_what_each_service_does() {
    let project = Project::new(SHOP);
    let group = shop(&project);
    let table = ask(&project, &["ps"]);
    assert!(table.starts_with("shop · pid "), "{table}");
    let row = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(row("api").contains("running"), "{table}");
    assert!(row("mail").contains("stopped"), "{table}");
    let status = json(&project, &["status", "--json"]);
    assert_eq!((&status["version"], &status["project"]), (&1.into(), &"shop".into()));
    assert_eq!(status["watch"]["holds"], Value::Array(Vec::new()));
    let api = &status["services"][0];
    let keys = [
        "name",
        "kind",
        "state",
        "pid",
        "run",
        "uptime_ms",
        "restarts",
        "last_change",
        "last_exit",
        "next_try_at",
        "next_run_at",
        "stale",
        "url",
    ];
    for key in keys {
        assert!(api.get(key).is_some(), "{key} is missing in {api}");
    }
    for cause in ["change", "crash", "manual", "dependency", "liveness"] {
        assert_eq!(api["restarts"][cause], 0, "{cause}");
    }
    assert_eq!((&api["state"], &api["run"]), (&"running".into(), &1.into()));
    end(&project, group);
}

#[test]
fn a_follower_ends_with_its_reader_although_nothing_happens() {
    let project = Project::new(SHOP);
    let group = shop(&project);
    for follow in ["logs -f worker", "events -f", "status -f --json"] {
        let program = env!("CARGO_BIN_EXE_devgroup");
        let script = format!("{program} {follow} | head -1 > /dev/null");
        let mut pipe = project.command("sh").arg("-c").arg(&script).spawn().unwrap();
        let mut ended = None;
        wait_for(&format!("the end of {follow}"), || {
            ended = pipe.try_wait().unwrap();
            ended.is_some()
        });
        assert!(ended.is_some_and(|status| status.success()), "{follow}: {ended:?}");
    }
    end(&project, group);
}

#[test]
fn who_asks_where_nothing_runs_is_told_what_to_do() {
    let project = Project::new(SHOP);
    let status = Stream::ask(&project, &["status"]);
    assert_eq!(status.code, Some(4));
    assert!(
        status.stderr.contains("no group is running here\n  help: `devgroup` starts the group of procgroup.toml"),
        "{}",
        status.stderr
    );
    let nowhere = Project::empty();
    let status = Stream::ask(&nowhere, &["logs", "-f"]);
    assert_eq!(status.code, Some(4));
    assert!(status.stderr.contains("no procgroup.toml in this folder or any folder above"), "{}", status.stderr);
}

#[test]
fn a_mistyped_service_is_code_6_with_what_was_meant() {
    let project = Project::new(SHOP);
    let group = shop(&project);
    let cursor = Stream::ask(&project, &["logs", "--cursor", "xx"]);
    assert_eq!(cursor.code, Some(2), "{}", cursor.stdout);
    assert!(
        cursor.stderr.contains("`xx` is not a cursor: use one that `devgroup logs --json` or `settle --json`"),
        "{}",
        cursor.stderr
    );
    let tries: [&[&str]; 6] = [
        &["logs", "aip"],
        &["restart", "worker", "aip"],
        &["send", "aip", "x"],
        &["wait", "aip"],
        &["stop", "aip"],
        &["logs", "--cursor", "aip:1:2"],
    ];
    for arguments in tries {
        let asked = Stream::ask(&project, arguments);
        assert_eq!(asked.code, Some(6), "{arguments:?}: {}", asked.stderr);
        assert!(asked.stderr.contains("unknown service `aip`\n  help: did you mean `api`"), "{}", asked.stderr);
    }
    let usage: [&[&str]; 6] = [
        &["restart"],
        &["restart", "api", "--all"],
        &["logs", "--grep", "("],
        &["logs", "--cursor", "nonsense"],
        &["logs", "--level", "bad"],
        &["wait", "api", "--timeout", "5"],
    ];
    for arguments in usage {
        let asked = Stream::ask(&project, arguments);
        assert_eq!(asked.code, Some(2), "{arguments:?}: {}", asked.stderr);
    }
    assert_eq!(json(&project, &["status", "--json"])["services"][1]["run"], 1, "one unknown name refuses all");
    end(&project, group);
}

#[test]
fn logs_of_several_services_come_by_arrival_and_can_be_narrowed() {
    let project = Project::new(SHOP);
    let group = shop(&project);
    let all = ask(&project, &["logs"]);
    assert!(all.contains("api    │ hello\n") && all.contains("worker │ two\n"), "{all}");
    assert!(all.contains("api    │ ── started · "), "{all}");
    let api = ask(&project, &["logs", "api"]);
    assert!(api.contains("\nhello\nERROR api is ill\n"), "one service needs no prefix: {api}");
    assert_eq!(ask(&project, &["logs", "api", "-n", "1"]), "ERROR api is ill\n");
    assert_eq!(ask(&project, &["logs", "api", "worker", "--level", "warn"]), "api    │ ERROR api is ill\n");
    assert_eq!(ask(&project, &["logs", "--raw", "--grep", "^(HELLO|TWO)$"]), "", "capitals count once there are some");
    let raw = ask(&project, &["logs", "--raw", "--grep", "^(hello|two)$"]);
    assert_eq!(raw.lines().filter(|line| ["hello", "two"].contains(line)).count(), 2, "{raw}");
    assert_eq!(ask(&project, &["logs", "api", "--raw"]), "hello\nERROR api is ill\n");
    ask(&project, &["restart", "api", "--wait"]);
    ask(&project, &["send", "api", "after"]);
    let since = ["logs", "api", "--since-restart", "--grep", "hello|got", "-n", "9"];
    wait_for("it has got the line", || ask(&project, &since).contains("got after"));
    assert_eq!(ask(&project, &since), "hello\ngot after\n");
    assert_eq!(ask(&project, &["logs", "api", "--since", "1h", "--grep", "^hello$"]), "hello\nhello\n");
    end(&project, group);
}

#[test]
fn the_last_errors_are_counted_with_their_traces() {
    let script = r#"for n in 1 2 3; do echo "Error: boom $n"; for at in 1 2 3; do echo "    at f$at (/srv/a.js:$at:1)"; done; echo "GET /errors 200"; done; echo ready; exec sleep 1000"#;
    let project = Project::new(&format!("name = 'shop'\n[services]\napi = {script:?}\nweb = 'exec sleep 1000'\n"));
    let mut group = Stream::start(&project, &[]);
    group.wait_for("it has failed three times", |out| out.contains("│ ready"));
    let error = |number: u32| {
        let frames = (1..=3).map(|at| format!("    at f{at} (/srv/a.js:{at}:1)\n"));
        std::iter::once(format!("Error: boom {number}\n")).chain(frames).collect::<String>()
    };
    let last = |count: &str| ask(&project, &["logs", "api", "--level", "error", "-n", count]);
    assert_eq!(last("1"), error(3));
    assert_eq!(last("2"), error(2) + &error(3));
    assert_eq!(last("9"), error(1) + &error(2) + &error(3));
    assert_eq!(last("0"), "");
    let lines = ask(&project, &["logs", "api", "--level", "error", "--grep", "at f", "-n", "2"]);
    assert_eq!(lines.lines().count(), 2, "an expression finds lines: {lines}");
    end(&project, group);
}

#[test]
fn a_cursor_goes_on_where_it_was() {
    let project = Project::new(SHOP);
    let group = shop(&project);
    let lines = |arguments: &[&str]| -> Vec<Value> {
        ask(&project, arguments).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let first = lines(&["logs", "api", "--json"]);
    let last = first.last().unwrap();
    assert_eq!((&last["service"], &last["run"], &last["level"]), (&"api".into(), &1.into(), &"error".into()));
    assert_eq!(last["text"], "ERROR api is ill");
    let at = last["at"].as_str().unwrap();
    assert!(at.len() == 24 && at.ends_with('Z'), "{at}");
    let cursor = last["cursor"].as_str().unwrap().to_owned();
    assert_eq!(lines(&["logs", "api", "--json", "--cursor", &cursor]), Vec::<Value>::new());
    ask(&project, &["send", "api", "more"]);
    let after = ["logs", "api", "--json", "--cursor", &cursor];
    wait_for("it has answered", || ask(&project, &after).contains("got more"));
    let texts: Vec<_> = lines(&after).iter().map(|line| line["text"].clone()).collect();
    assert_eq!(texts, ["more", "got more"]);
    end(&project, group);
}

#[test]
fn a_cursor_of_an_earlier_run_of_the_group_loses_nothing() {
    let project = Project::new(
        "name = 'shop'\n[services]\napi = 'echo one; echo two; exec sleep 1000'\nweb = 'echo page; exec sleep 1000'\n",
    );
    let run = || {
        let mut group = Stream::start(&project, &[]);
        group.wait_for("all have spoken", |out| out.contains("api │ two") && out.contains("web │ page"));
        group
    };
    let group = run();
    let first = ask(&project, &["logs", "api", "--json", "-n", "1"]);
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["text"], "two");
    let cursor = first["cursor"].as_str().unwrap().to_owned();
    end(&project, group);
    let group = run();
    // Its run and its line are there again. The second one is of a version that told no epoch.
    for cursor in [cursor.as_str(), cursor.rsplit_once(':').unwrap().0] {
        for form in [&["--json"][..], &["--raw"], &[]] {
            let logs = Stream::ask(&project, &[&["logs", "api", "--cursor", cursor], form].concat());
            assert_eq!(logs.code, Some(0), "{}", logs.stderr);
            assert!(logs.stdout.contains("one") && logs.stdout.contains("two"), "{form:?}: {}", logs.stdout);
            assert_eq!(
                logs.stderr,
                "api: the cursor is from an earlier run of the group, or from another group: all lines follow\n",
                "{form:?}"
            );
        }
        let all = ask(&project, &["logs", "--cursor", cursor]);
        assert!(all.contains("one") && all.contains("page"), "{all}");
    }
    let own = ask(&project, &["logs", "api", "--json", "-n", "1"]);
    let own: Value = serde_json::from_str(&own).unwrap();
    let own = Stream::ask(&project, &["logs", "api", "--cursor", own["cursor"].as_str().unwrap()]);
    assert_eq!((own.stdout.as_str(), own.stderr.as_str()), ("", ""));
    let strange = Stream::ask(&project, &["logs", "--cursor", "api"]);
    assert_eq!(strange.code, Some(2), "{}", strange.stderr);
    end(&project, group);
}

#[test]
fn a_cursor_of_a_service_that_was_gone_from_the_file_loses_nothing() {
    let with = "[services]\nweb = 'exec sleep 1000'\napi = { run = 'echo one; echo two; exec sleep 1000', stop = { grace = '1s' } }\n";
    let project = Project::new(with);
    let group = Stream::start(&project, &[]);
    let mut last = String::new();
    let mut spoken = || {
        let logs = Stream::ask(&project, &["logs", "api", "--json", "-n", "1"]).stdout;
        let line: Value = serde_json::from_str(&logs).unwrap_or_default();
        last = line["cursor"].as_str().unwrap_or_default().to_owned();
        line["text"] == "two"
    };
    wait_for("api has spoken", &mut spoken);
    let cursor = last.clone();
    let mut spoken = || Stream::ask(&project, &["logs", "api"]).stdout.contains("two");
    project.write("procgroup.toml", "[services]\nweb = 'exec sleep 1000'\n");
    wait_for("api is gone", || Stream::ask(&project, &["logs", "api"]).code == Some(6));
    project.write("procgroup.toml", with);
    wait_for("api has spoken again", &mut spoken);
    let logs = Stream::ask(&project, &["logs", "api", "--cursor", &cursor]);
    assert!(logs.stdout.contains("one") && logs.stderr.contains("from an earlier run of the group"), "{logs:?}");
    end(&project, group);
}

#[test]
fn logs_follow_until_the_group_ends() {
    let project = Project::new(SHOP);
    let group = shop(&project);
    let mut follower = Stream::start(&project, &["logs", "-f"]);
    follower.wait_for_text("api    │ hello");
    ask(&project, &["send", "api", "news"]);
    follower.wait_for_text("api    │ got news");
    ask(&project, &["start", "mail", "--wait"]);
    follower.wait_for_text("mail   │ mail");
    end(&project, group);
    let ended = follower.wait_client();
    assert_eq!(ended.code, Some(0));
    assert!(ended.stderr.contains("shop: "), "{}", ended.stderr);
}

#[test]
fn a_follower_hears_the_last_words_of_a_service_that_is_removed_and_the_first_when_it_is_back() {
    let with = "[services]\nweb = 'exec sleep 1000'\napi = 'trap \"echo bye; exit\" TERM; echo up; while :; do sleep 0.01; done'\n";
    let project = Project::new(with);
    let mut group = Stream::start(&project, &[]);
    group.wait_for_text("api │ up");
    let mut follower = Stream::start(&project, &["logs", "-f"]);
    follower.wait_for_text("api │ up");
    project.write("procgroup.toml", "[services]\nweb = 'exec sleep 1000'\n");
    follower.wait_for_text("api │ bye");
    wait_for("api is gone", || Stream::ask(&project, &["logs", "api"]).code == Some(6));
    project.write("procgroup.toml", with);
    follower.wait_for("it is back", |out| out.matches("│ up").count() == 2);
    end(&project, group);
    assert_eq!(follower.wait_client().code, Some(0));
}

#[test]
fn a_restart_that_is_waited_for_tells_how_it_went() {
    let project = Project::new(
        r#"
        [services]
        good = { run = "echo run; exec sleep 1000", ready = { log = "run" } }
        bad = { run = "test -e works || exit 3; echo works; exec sleep 1000", ready = { log = "works" }, restart = "never" }
        slow = { run = "exec sleep 1000", ready = { log = "never" } }
        task = { run = "echo done", kind = "job" }
        "#,
    );
    project.write("works", "");
    let group = Stream::start(&project, &[]);
    ask_until(&project, &["wait", "good", "bad", "task"]);
    let restarted = json(&project, &["restart", "good", "--wait", "--json"]);
    let good = &restarted["services"][0];
    assert_eq!((&good["result"], &good["run"]), (&"ready".into(), &2.into()));
    assert_eq!(good["lines"][0]["text"], "run", "{good}");
    std::fs::remove_file(project.path("works")).unwrap();
    let bad = Stream::ask(&project, &["restart", "bad", "good", "--wait"]);
    assert_eq!(bad.code, Some(5));
    assert_eq!(bad.stdout, "good: ready\nbad: failed (exit 3)\n");
    let slow = Stream::ask(&project, &["restart", "slow", "--wait", "--timeout", "50ms"]);
    assert_eq!((slow.code, slow.stdout.as_str()), (Some(124), "slow: timed out\n"));
    assert_eq!(ask(&project, &["restart", "task", "--wait"]), "task: done\n");
    project.write("works", "");
    assert_eq!(ask(&project, &["start", "--failed", "--wait"]), "bad: ready\n");
    assert_eq!(ask(&project, &["start", "good", "--wait"]), "good: ready\n", "it is up already");
    assert_eq!(ask(&project, &["start", "good"]), "good: already ready\n");
    assert_eq!(json(&project, &["status", "--json"])["services"][0]["run"], 3);
    assert_eq!(ask(&project, &["stop", "slow", "--wait"]), "slow: stopped\n");
    assert_eq!(ask(&project, &["stop", "slow"]), "slow: already stopped\n");
    let none = Stream::ask(&project, &["restart", "--failed"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), ""));
    end(&project, group);
}

/// A command, again until its group is there.
fn ask_until(project: &Project, arguments: &[&str]) {
    wait_for("the group is up", || Stream::ask(project, arguments).code == Some(0));
}

#[test]
fn waiting_is_for_readiness_an_exit_or_a_restart() {
    let project = Project::new(SHOP);
    let group = shop(&project);
    assert_eq!(ask(&project, &["wait", "api", "worker", "api"]), "api: running\nworker: running\n");
    let mut exit = Stream::start(&project, &["wait", "worker", "--for", "exit"]);
    let mut restart = Stream::start(&project, &["wait", "worker", "--for", "restart", "--json"]);
    // Both are asked before this one, or see the run before it as the one that lives.
    let never = Stream::ask(&project, &["wait", "mail", "--for", "ready", "--timeout", "60s"]);
    assert_eq!((never.code, never.stdout.as_str()), (Some(5), "mail: stopped\n"), "nobody wants it up");
    assert_eq!(ask(&project, &["wait", "mail", "--for", "exit"]), "mail: stopped\n");
    wait_for("both have been answered", || {
        ask(&project, &["restart", "worker", "--wait"]);
        exit.has_ended() && restart.has_ended()
    });
    assert_eq!(exit.wait_client().stdout, "worker: done\n", "it was asked to end");
    let restarted = restart.wait_client();
    assert!(restarted.stdout.contains(r#""result":"restarted""#), "{}", restarted.stdout);
    let late = Stream::ask(&project, &["wait", "api", "--for", "exit", "--timeout", "50ms"]);
    assert_eq!(late.code, Some(124));
    end(&project, group);
}

#[test]
fn a_pause_holds_until_it_is_resumed() {
    let project = Project::new(SHOP);
    project.write("src/a.rs", "one");
    let group = shop(&project);
    let status = || json(&project, &["status", "--json"]);
    wait_for("it watches", || status()["watch"]["state"] == "watching");
    ask(&project, &["pause"]);
    assert_eq!(status()["watch"]["state"], "paused");
    project.write("src/a.rs", "two");
    wait_for("the change is held", || status()["services"][0]["held"] == 1);
    ask(&project, &["resume", "--discard"]);
    assert_eq!((&status()["watch"]["state"], &status()["services"][0]["run"]), (&"watching".into(), &1.into()));
    ask(&project, &["pause"]);
    project.write("src/a.rs", "three");
    wait_for("the change is held", || status()["services"][0]["held"] == 1);
    ask(&project, &["resume"]);
    wait_for("it has restarted", || status()["services"][0]["restarts"]["change"] == 1);
    let events = ask(&project, &["events", "--json"]);
    let kinds: Vec<String> = events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned())
        .filter(|kind| ["hold", "change", "release"].contains(&kind.as_str()))
        .collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "hold").count(), 2, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "release").count(), 2, "{kinds:?}");
    let change = events.lines().find(|line| line.contains(r#""type":"change""#)).unwrap();
    let change: Value = serde_json::from_str(change).unwrap();
    assert_eq!((&change["path"], &change["rule"]["file"]), (&"src/a.rs".into(), &"procgroup.toml".into()));
    end(&project, group);
}

#[test]
fn events_tell_what_happens() {
    let project = Project::new(SHOP);
    let group = shop(&project);
    let mut events = Stream::start(&project, &["events", "-f", "--json"]);
    events.wait_for_text(r#""type":"start","service":"api","run":1,"cause":"first""#);
    ask(&project, &["restart", "api", "--wait"]);
    let out = events.wait_for_text(r#""type":"restart","service":"api","run":2,"cause":"manual""#);
    assert!(out.contains(r#""type":"exit","service":"api","run":1"#), "{out}");
    let seqs: Vec<u64> =
        out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap()).collect();
    assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");
    assert!(ask(&project, &["events"]).contains(" restart  api · by devgroup restart\n"));
    end(&project, group);
    let ended = events.wait_client();
    assert_eq!(ended.code, Some(0));
    assert!(ended.stdout.contains(r#""type":"stop""#), "{}", ended.stdout);
}

#[test]
fn down_is_over_when_the_group_is() {
    let project = Project::new("[services]\nstubborn = \"trap '' TERM; echo up; while true; do sleep 1; done\"\n");
    let mut group = Stream::start(&project, &[]);
    group.wait_for_text("stubborn │ up");
    let down = Stream::ask(&project, &["down", "--now"]);
    assert_eq!(down.code, Some(0), "{}", down.stderr);
    assert!(down.stderr.contains("1 service stopped"), "{}", down.stderr);
    project.assert_nothing_left();
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(4));
    group.wait_exit();
}

#[test]
fn a_group_that_dies_is_told_from_one_that_ends() {
    let project = Project::new("[services]\napi = \"echo up; exec sleep 1000\"\n");
    let mut group = Stream::start(&project, &[]);
    group.wait_for_text("api │ up");
    let mut follower = Stream::start(&project, &["logs", "-f"]);
    follower.wait_for_text("api │ up");
    let waiting = Stream::start(&project, &["wait", "api", "--for", "exit"]);
    let guard = json(&project, &["status", "--json"])["pid"].clone();
    let is_program = |(pid, line): &(i32, String)| line.ends_with("/devgroup") && *pid != guard;
    let program = project.processes().into_iter().find(is_program).unwrap().0;
    crate::harness::kill(program, Signal::KILL);
    for client in [follower, waiting] {
        let ended = client.wait_client();
        assert_eq!(ended.code, Some(4));
        assert!(ended.stderr.contains("lost") || ended.stderr.contains("no group is running"), "{}", ended.stderr);
    }
    assert_eq!(Stream::ask(&project, &["status"]).code, Some(4), "a stale socket is nobody");
    group.wait_exit();
    let mut again = Stream::start(&project, &[]);
    again.wait_for_text("api │ up");
    wait_for("the group answers again", || json(&project, &["status", "--json"])["services"][0]["state"] == "running");
    end(&project, again);
}

#[test]
fn a_group_is_found_from_below_by_its_file_after_a_renaming_and_from_its_services() {
    let project = Project::new(
        "[services]\napi = \"echo up; exec sleep 1000\"\nprobe = { run = \"cd /; \\\"$BIN\\\" status --json > \\\"$OUT\\\"\", kind = 'job', autostart = false }\n",
    );
    let out = project.path("../home/status.json");
    let project = project.with_env("BIN", env!("CARGO_BIN_EXE_devgroup")).with_env("OUT", &out.display().to_string());
    project.write("deep/er/file", "");
    let mut group = Stream::start(&project, &[]);
    group.wait_for_text("api │ up");
    ask(&project, &["-C", "deep/er", "status"]);
    ask(&project, &["restart", "-f", "procgroup.toml", "api"]);
    ask(&project, &["-f", "procgroup.toml", "logs", "-n", "1"]);
    assert_eq!(ask(&project, &["start", "probe", "--wait"]), "probe: done\n");
    let inside: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(inside["services"][0]["name"], "api");
    std::fs::rename(project.path("procgroup.toml"), project.path("other.toml")).unwrap();
    ask(&project, &["status"]);
    ask(&project, &["-C", "deep/er", "restart", "api", "--wait"]);
    assert_eq!(Stream::ask(&project, &["-f", "other.toml", "status"]).code, Some(4), "that is another group");
    end(&project, group);
}

#[test]
fn two_groups_do_not_meet() {
    let (one, two) =
        (Project::new(SHOP), Project::new("name = \"other\"\n[services]\nweb = \"echo web; exec sleep 1000\"\n"));
    let two = two.with_env("XDG_RUNTIME_DIR", &one.path("../home/run").display().to_string());
    let shop = shop(&one);
    let mut other = Stream::start(&two, &[]);
    other.wait_for_text("web │ web");
    assert_eq!(json(&one, &["status", "--json"])["project"], "shop");
    assert_eq!(json(&two, &["status", "--json"])["project"], "other");
    end(&two, other);
    assert_eq!(json(&one, &["status", "--json"])["project"], "shop");
    end(&one, shop);
}

#[test]
fn each_command_helps_with_examples_first() {
    let project = Project::empty();
    for command in ["add", "list", "show", "wait", "retry", "cancel", "drop", "drain"] {
        let help = ask(&project, &["task", command, "--help"]);
        assert!(help.starts_with(&format!("Examples:\n  devgroup task {command} ")), "{command}: {help}");
        assert!(ask(&project, &["help", "task", command]).starts_with("Examples:\n"), "{command}");
        assert!(command != "add" || help.contains("'Write test {n}' --batch"), "{help}");
    }
    for command in
        ["status", "logs", "start", "stop", "restart", "send", "pause", "resume", "hold", "wait", "events", "down"]
    {
        let help = ask(&project, &[command, "--help"]);
        assert!(help.starts_with("Examples:\n  devgroup "), "{command}: {help}");
        assert!(ask(&project, &["help", command]).starts_with("Examples:\n"), "{command}");
    }
    assert_eq!(Stream::ask(&project, &["help", "nonsense"]).code, Some(2));
    let nonsense = Stream::ask(&project, &["help", "task", "nonsense"]);
    assert_eq!(nonsense.code, Some(2));
    assert!(nonsense.stderr.contains("no help on `task nonsense`"), "{}", nonsense.stderr);
}

#[test]
fn the_last_lines_of_a_flood_are_those_that_were_there_when_it_was_asked() {
    let project = Project::new("[services]\nflood = \"exec yes tick\"\n");
    assert_eq!(Stream::ask(&project, &["-d"]).code, Some(0));
    for round in 0..5 {
        let last = ask(&project, &["logs", "-n", "3"]);
        assert_eq!(last.lines().count(), 3, "{round}: {last}");
        let ticks = ask(&project, &["logs", "-n", "3", "--grep", "tick"]);
        assert_eq!(ticks.lines().count(), 3, "{round}: {ticks}");
    }
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
}

#[test]
fn status_says_that_the_saved_file_is_refused_until_it_is_good_again() {
    let good = "[services]\nweb = 'exec sleep 1000'\n";
    let project = Project::new(good);
    let group = Stream::start(&project, &[]);
    ask_until(&project, &["wait", "web"]);
    let problem = || json(&project, &["status", "--json"])["file_problem"].as_str().map(str::to_owned);
    assert_eq!(problem(), None);
    project.write("procgroup.toml", "[services.web]\nrunn = 'x'\nwhat = 1\n");
    wait_for("it is refused", || problem().is_some());
    assert_eq!(
        problem().unwrap(),
        "procgroup.toml:2:1: unknown key `runn` in service `web` · and 1 more · fix and save it; `devgroup check` shows every problem"
    );
    let table = ask(&project, &["status"]);
    let line = table.lines().find(|line| line.starts_with("not loaded (previous version in use): procgroup.toml:2:1"));
    assert!(line.is_some(), "{table}");
    // Another thing to say does not hide it.
    ask(&project, &["restart", "web", "--wait"]);
    assert!(problem().is_some());
    project.write("procgroup.toml", good);
    wait_for("it is good again", || problem().is_none());
    assert!(!ask(&project, &["status"]).contains("not loaded"));
    project.write("procgroup.toml", "[services]\nweb = 1\n");
    wait_for("it is refused again", || problem().is_some());
    project.write("procgroup.toml", "[services]\nweb = 'exec sleep 1001'\n");
    wait_for("another one is good as well", || problem().is_none());
    end(&project, group);
}
