//! Logs that are data: fields and conditions, JSON Lines, times, the short form, and devgroup's own log.

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Dash, Project, Stream, Streamed, copied, detach, down, place, quit, wait_for};

const SHOP: &str = r#"
    name = "shop"
    [services]
    api = "cat lines; exec sleep 1000"
    db = "echo ready''-to-go; exec sleep 1000"
    "#;

const LINES: &str = "\
{\"level\":30,\"time\":1795996228404,\"msg\":\"listening\",\"port\":4000}
level=warn msg=\"slow query\" ms=812.5 user=7
a line of text
{\"level\":\"error\",\"msg\":\"request failed\",\"status\":502,\"user\":{\"id\":7},\"ts\":1795996228.5}
{\"status\":200,\"msg\":\"cut o
";

fn shop() -> Project {
    let project = Project::new(SHOP);
    project.write("lines", LINES);
    project
}

fn running<'p>(project: &'p Project, arguments: &[&str]) -> Stream<'p> {
    let mut group = Stream::start(project, arguments);
    group.wait_for("both have spoken", |out| out.contains("cut o") && out.contains("ready-to-go"));
    group
}

fn ask(project: &Project, arguments: &[&str]) -> String {
    let asked = Stream::ask(project, arguments);
    assert_eq!(asked.code, Some(0), "{arguments:?}: {}{}", asked.stdout, asked.stderr);
    asked.stdout
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

fn end(project: &Project, group: Stream<'_>) -> Streamed {
    assert_eq!(Stream::ask(project, &["down"]).code, Some(0));
    group.wait_exit()
}

/// A file of the only group that has run in a project, in its state folder.
fn state_file(project: &Project, name: &str) -> Option<PathBuf> {
    let groups = fs::read_dir(project.root().join("../home/state/devgroup")).ok()?;
    groups.map(|group| group.unwrap().path().join(name)).find(|path| path.exists())
}

#[test]
fn lines_that_are_data_have_fields_and_are_found_by_them() {
    let project = shop();
    let group = running(&project, &[]);
    let lines = objects(&ask(&project, &["logs", "api", "--json"]));
    let of = |text: &str| lines.iter().find(|line| line["text"].as_str().unwrap().contains(text)).unwrap();
    assert_eq!(of("listening")["fields"]["port"], 4000);
    assert_eq!(
        (&of("listening")["level"], &of("listening")["time"]),
        (&"info".into(), &"2026-11-29T23:50:28.404Z".into())
    );
    assert_eq!((&of("slow query")["level"], &of("slow query")["fields"]["ms"]), (&"warn".into(), &812.5.into()));
    assert_eq!(of("request failed")["text"], LINES.lines().nth(3).unwrap(), "the text stays as it was printed");
    assert!(of("a line of text").get("fields").is_none() && of("cut o").get("fields").is_none());
    let found = |conditions: &[&str]| {
        let conditions = conditions.iter().flat_map(|condition| ["--where", condition]);
        ask(&project, &["logs", "api", "--raw"].into_iter().chain(conditions).collect::<Vec<_>>())
    };
    let line = |number: usize| format!("{}\n", LINES.lines().nth(number).unwrap());
    assert_eq!(found(&["status>=500"]), line(3));
    assert_eq!(found(&["user.id=7"]), line(3));
    assert_eq!(found(&["user=7"]), line(1));
    assert_eq!(found(&["msg~^(slow|listen)"]), line(0) + &line(1));
    assert_eq!(found(&["msg~slow", "ms<800"]), "", "all have to hold");
    assert_eq!(ask(&project, &["logs", "--raw", "--where", "port>0", "-n", "1"]), line(0));
    end(&project, group);
}

#[test]
fn a_condition_that_finds_nothing_by_a_slip_is_told() {
    let project = shop();
    let group = running(&project, &[]);
    for (arguments, told) in [
        (&["api", "--where", "stauts>=500"][..], "note: no line has the field `stauts`: did you mean `status`?\n"),
        (&["db", "--where", "status>=500"], "note: no line is JSON or logfmt, so none has the field `status`\n"),
        (&["api", "--where", "status>=900"], ""),
        (
            &["api", "--where", "status>=500", "--grep", "a line of text"],
            "note: no line selected by --grep is JSON or logfmt, so none has the field `status`\n",
        ),
        (
            &["api", "--where", "status>=500", "--grep", "listening"],
            "note: no line selected by --grep has the field `status`\n",
        ),
    ] {
        let asked = Stream::ask(&project, &[&["logs"], arguments].concat());
        assert_eq!((asked.code, asked.stdout.as_str(), asked.stderr.as_str()), (Some(0), "", told));
    }
    let wrong = Stream::ask(&project, &["logs", "--where", "status>=high"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (Some(2), ""));
    assert!(
        wrong.stderr.contains("`>=` compares numbers, and `high` is not a number\n  help: for text, use ="),
        "{}",
        wrong.stderr
    );
    end(&project, group);
}

#[test]
fn the_stream_is_json_lines_if_it_is_to_be_and_so_are_its_errors() {
    let project = shop();
    let group = running(&project, &["--no-tui", "--json"]);
    let asked = objects(&ask(&project, &["logs", "--json"]));
    let ended = end(&project, group);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let streamed = objects(&ended.stdout);
    assert!(asked.iter().all(|line| streamed.contains(line)), "{asked:#?} is not all in {streamed:#?}");
    let marker = streamed.iter().find(|line| line["service"] == "db").unwrap();
    assert!(marker["marker"] == true && marker["text"].as_str().unwrap().starts_with("── started · "), "{marker}");
    let broken = Project::new("[services]\napi = 7\n");
    let failed = Stream::run(&broken, &["--no-tui", "--json"]);
    let error = &objects(&failed.stderr)[0]["error"];
    assert_eq!((failed.code, &error["code"], &error["exit_code"]), (Some(3), &"invalid-file".into(), &3.into()));
    let both = Stream::run(&project, &["--tui", "--json"]);
    assert_eq!((both.code, &objects(&both.stderr)[0]["error"]["code"]), (Some(2), &"usage".into()));
}

#[test]
fn lines_have_their_times_before_them_if_they_are_to() {
    let project = shop();
    let group = running(&project, &["-t"]);
    let is_timed = |rest: &str| {
        let shape: String = rest.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).take(13).collect();
        shape == "00:00:00.000 "
    };
    let one = ask(&project, &["logs", "db", "-t"]);
    assert!(one.lines().all(is_timed) && one.contains(" ready-to-go\n"), "{one}");
    let all = ask(&project, &["logs", "-t"]);
    assert!(all.lines().all(|line| line.split_once(" │ ").is_some_and(|(_, rest)| is_timed(rest))), "{all}");
    let out = end(&project, group).stdout;
    assert!(out.lines().all(|line| line.split_once(" │ ").is_some_and(|(_, rest)| is_timed(rest))), "{out}");
}

#[test]
fn a_key_folds_lines_that_are_data_and_what_is_copied_and_found_is_what_was_printed() {
    let project = shop();
    let mut dash = Dash::start(&project, (140, 30), &[]);
    dash.wait_for_text("cut o");
    dash.keys("z");
    dash.wait_for_text("{\"level\":30");
    dash.keys("J");
    let screen = dash.wait_for("the lines are short", |screen| {
        screen.contains("info  listening  port=4000") && screen.contains("error request failed  status=502 user.id=7")
    });
    assert!(screen.contains("warn  slow query  ms=812.5 user=7") && screen.contains("a line of text"), "{screen}");
    assert!(screen.contains("{\"status\":200,\"msg\":\"cut o"), "half a line is text: {screen}");
    let (column, row) = place(&screen, "request failed");
    dash.press_at(column, row);
    dash.drag_to(column + 3, row);
    dash.release_at(column + 3, row);
    let printed = LINES.lines().nth(3).unwrap();
    dash.wait_until_raw("the line is copied as it was printed", |dash| {
        copied(dash).last().map(String::as_str) == Some(printed)
    });
    dash.keys("/1795996228404\r");
    dash.wait_for_text("J shows the match");
    dash.keys("J");
    dash.wait_for("it is seen", |screen| screen.contains("\"time\":1795996228404") && !screen.contains("J shows"));
    // Back from the selection, the search and the zoom.
    dash.keys("qqq");
    quit(dash);
}

#[test]
fn devgroups_own_log_tells_of_pauses_and_holds_in_words() {
    let project = Project::new("[services]\napi = { run = 'exec sleep 1000', watch = ['src/**'] }\n");
    project.write("src/a", "one");
    detach(&project);
    let ask = |arguments: &[&str]| assert_eq!(Stream::ask(&project, arguments).code, Some(0), "{arguments:?}");
    let status = || serde_json::from_str::<Value>(&Stream::ask(&project, &["status", "--json"]).stdout).unwrap();
    wait_for("it watches", || status()["watch"]["state"] == "watching");
    ask(&["pause"]);
    project.write("src/a", "two");
    ask(&["resume"]);
    ask(&["hold", "--", "true"]);
    wait_for("it has restarted", || Stream::ask(&project, &["logs", "api"]).stdout.contains("src/a changed"));
    ask(&["stop", "api"]);
    ask(&["start", "api"]);
    let said = [
        "watching paused · pause",
        "watching resumed · pause",
        "api restarted · 1 changed file",
        "api: restarting · src/a changed",
        "changes held · hold: true",
        "changes released · hold: true",
        "api: starting · by devgroup start",
    ];
    let log =
        || state_file(&project, "devgroup.log").and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
    wait_for("it starts", || log().contains("by devgroup start"));
    let log = log();
    assert!(said.iter().all(|words| log.contains(words)), "{log}");
    down(&project);
}

#[test]
fn devgroups_own_log_is_kept_and_is_json_if_it_is_to_be() {
    let project = Project::new("name = 'shop'\n[services]\napi = \"echo one; exit 3\"\n");
    let text = Stream::run(&project, &["--no-tui"]);
    assert_eq!(text.code, Some(5), "{}", text.stderr);
    let file = state_file(&project, "devgroup.log").unwrap();
    let lines = fs::read_to_string(&file).unwrap();
    assert!(
        lines.contains(" info  api: starting · at startup\n") && lines.lines().last().unwrap().contains("failed: api"),
        "{lines}"
    );
    fs::remove_file(&file).unwrap();
    let json = Stream::run(&project, &["--no-tui", "--log-format", "json", "--log-level", "info"]);
    let (said, kept) = (objects(&json.stderr), objects(&fs::read_to_string(&file).unwrap()));
    for lines in [&said, &kept] {
        let started = lines.iter().find(|line| line["service"] == "api").unwrap();
        let keys: Vec<_> = started.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["level", "logger", "message", "run", "service", "timestamp"]);
        assert_eq!((&started["level"], &started["run"]), (&"info".into(), &1.into()));
        assert!(started["message"].as_str().unwrap().starts_with("starting · "), "{started}");
        assert!(lines.last().unwrap()["message"].as_str().unwrap().contains("failed: api"), "{lines:#?}");
    }
    let quiet = Stream::run(&project, &["--no-tui", "--log-format=json", "--log-level=error"]);
    assert_eq!(objects(&quiet.stderr).len(), 1, "but the end is always told: {}", quiet.stderr);
}

#[test]
fn a_worker_alone_logs_as_the_variables_of_the_old_system_say() {
    let project = Project::new("[services.marie]\nkind = 'worker'\nrun = 'true'\n")
        .with_env("LOG_FORMAT", "json")
        .with_env("LOG_LEVEL", "INFO");
    project.write("task.json", "{\"task_id\":\"t-1\",\"description\":\"x\"}");
    let mut group = Stream::start(&project, &["--no-tui", "marie"]);
    group.wait_for_text("started");
    assert_eq!(Stream::ask(&project, &["task", "add", "marie", "x", "--id", "t-1", "--wait"]).code, Some(0));
    group.signal(Signal::TERM);
    let ended = group.wait_exit();
    let lines = objects(&ended.stderr);
    let done = lines.iter().find(|line| line["message"].as_str().unwrap().starts_with("t-1 · completed")).unwrap();
    assert_eq!((&done["worker"], &done["task_id"]), (&"marie".into(), &"t-1".into()));
    assert!(done["duration"].as_f64().is_some_and(|seconds| seconds < 60.0), "{done}");
    let wrong = Project::new("[services.marie]\nkind = 'worker'\nrun = 'true'\n").with_env("LOG_LEVEL", "loud");
    let refused = Stream::run(&wrong, &["--no-tui", "marie"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("the variable LOG_LEVEL is `loud`; it must be error, warn,"), "{}", refused.stderr);
}

#[test]
fn log_files_are_rotated_by_size_also_when_that_is_changed_live() {
    let text = |files: u32| {
        format!(
            "[logs]\nfiles = true\nmax_size = '64KiB'\nmax_files = {files}\n[services]\napi = \"seq 40000; echo fir''st; read x; seq 40000; echo second; exec sleep 1000\"\n"
        )
    };
    let project = Project::new(&text(3));
    let mut group = Stream::start(&project, &[]);
    group.wait_for_text("first");
    let folder = || state_file(&project, "logs");
    let names = || {
        let mut names: Vec<_> = fs::read_dir(folder().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    wait_for("there are three files", || folder().is_some() && names() == ["api.1.log", "api.2.log", "api.log"]);
    project.write("procgroup.toml", text(2));
    wait_for("it was read again", || ask(&project, &["events"]).contains("procgroup.toml"));
    ask(&project, &["send", "api", "go"]);
    group.wait_for_text("second");
    let last = || fs::read_to_string(folder().unwrap().join("api.log")).unwrap_or_default();
    // The end waits for the disk, but not longer than two seconds.
    wait_for("all is written", || last().contains("second\n"));
    assert_eq!(names(), ["api.1.log", "api.log"], "the oldest is gone");
    end(&project, group);
    assert!(last().len() < 200 << 10, "{}", last().len());
}
