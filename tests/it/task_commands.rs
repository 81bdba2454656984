//! `devgroup task` without a running group: all by the files in the folders of workers.

use std::fs;

use devgroup::domain::misleads;
use serde_json::{Value, json};

use crate::harness::{Project, Stream, Streamed};

const SHOP: &str = r#"
name = "shop"
[tasks]
dir = "shared"
[services]
api = "exec sleep 1000"
marie = { kind = "worker", run = ["echo", "${TASK_DESCRIPTION}"] }
anga = { kind = "worker", run = "cat" }
far = { kind = "worker", remote = true }
"#;

fn shop() -> Project {
    Project::new(SHOP)
}

fn task(project: &Project, arguments: &[&str]) -> Streamed {
    let arguments: Vec<&str> = ["task"].into_iter().chain(arguments.iter().copied()).collect();
    Stream::ask(project, &arguments)
}

/// What the command prints, which must succeed.
fn done(project: &Project, arguments: &[&str]) -> String {
    let said = task(project, arguments);
    assert_eq!(said.code, Some(0), "{arguments:?}: {}{}", said.stdout, said.stderr);
    said.stdout
}

fn object(project: &Project, arguments: &[&str]) -> Value {
    serde_json::from_str(&done(project, arguments)).unwrap()
}

/// What the command says when it fails with this code.
fn refused(project: &Project, code: i32, arguments: &[&str]) -> String {
    let said = task(project, arguments);
    assert_eq!(said.code, Some(code), "{arguments:?}: {}{}", said.stdout, said.stderr);
    assert!(said.stderr.starts_with("error: "), "{arguments:?}: {}", said.stderr);
    said.stderr
}

fn file(project: &Project, path: &str) -> Value {
    serde_json::from_str(&project.read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of what is in a folder, without what is hidden.
fn names(project: &Project, folder: &str) -> Vec<String> {
    let found = fs::read_dir(project.path(folder)).into_iter().flatten().flatten();
    let mut names: Vec<_> = found.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

/// A result as a worker writes it.
fn result(id: &str, status: &str) -> String {
    let code = i32::from(status != "completed");
    let result = json!({
        "task_id": id, "worker": "marie", "status": status, "exit_code": code, "stdout": "out\u{1b}[31m\n", "stderr": "",
        "duration_seconds": 1.5, "timestamp": "2025-11-19T10:30:00Z", "retry_count": 0
    });
    result.to_string()
}

/// A dead letter as a worker writes it.
fn dead(id: &str, reason: &str, dependencies: &[&str]) -> String {
    let letter = json!({
        "task_id": id, "worker": "marie", "description": "x", "dependencies": dependencies, "dlq_reason": reason,
        "dlq_timestamp": "2025-11-19T10:30:00Z", "retry_count": 3
    });
    letter.to_string()
}

#[test]
fn a_task_is_a_file_that_says_what_the_options_say() {
    let project = shop();
    let said = task(&project, &["add", "marie", "Fix", "the $(touch pwned)\n\"typo\""]);
    assert_eq!(
        (said.code, said.stderr.as_str()),
        (Some(0), "no group is running marie now: the task waits until one does\n")
    );
    let id = said.stdout;
    let id = id.strip_suffix('\n').unwrap();
    assert!(id.starts_with("t-") && id.len() == 12, "{id}");
    let written = file(&project, &format!("shared/tasks/marie/{id}.json"));
    assert_eq!(written["task_id"], id);
    assert_eq!(written["description"], "Fix the $(touch pwned)\n\"typo\"");
    let options = [
        "add",
        "anga",
        "x",
        "--id",
        "a-1",
        "--priority",
        "high",
        "--timeout",
        "10m",
        "--after",
        id,
        "b",
        "--meta",
        "ticket=42",
        "note=a=b",
        "--json",
    ];
    let added = object(&project, &options);
    let path = project.path("shared/tasks/anga/a-1.json");
    assert_eq!(added["tasks"], json!([{ "task_id": "a-1", "worker": "anga", "file": path.to_str().unwrap() }]));
    let expected = format!(
        "{{\"task_id\":\"a-1\",\"worker\":\"anga\",\"description\":\"x\",\"timeout\":600,\"priority\":\"high\",\
         \"dependencies\":[\"{id}\",\"b\"],\"metadata\":{{\"note\":\"a=b\",\"ticket\":\"42\"}}}}\n"
    );
    assert_eq!(project.read("shared/tasks/anga/a-1.json"), expected);
    // Old and new ids sort by their time.
    let later = done(&project, &["add", "marie", "--", "--json"]);
    assert!(*id < *later, "{id} {later}");
    assert_eq!(names(&project, "shared/tasks/marie").len(), 2);
    assert_eq!(names(&project, "shared/tasks/anga"), ["a-1.json"]);
    assert!(!project.path("pwned").exists());
}

#[test]
fn a_text_and_tasks_come_from_stdin_and_from_files() {
    let project = shop();
    let piped = |line: &str| {
        let devgroup = env!("CARGO_BIN_EXE_devgroup");
        let said = Stream::start_program(&project, "sh", &["-c", line, devgroup]).wait_client();
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        said.stdout
    };
    let id = piped("head -c 300000 /dev/zero | tr '\\0' x | \"$0\" task add anga -");
    let written = file(&project, &format!("shared/tasks/anga/{}.json", id.trim()));
    assert_eq!(written["description"].as_str().unwrap().len(), 300_000);
    let ids = piped(
        "printf '%s\\n' '{\"description\": \"a\", \"mine\":  1.50}' '[{\"task_id\":\"own\",\"description\":\"b\"}]' | \
         \"$0\" task add marie --file -",
    );
    let ids: Vec<&str> = ids.lines().collect();
    assert_eq!((ids.len(), ids[1]), (2, "own"));
    // As it came: what has no id is named by its file.
    let first = project.read(&format!("shared/tasks/marie/{}.json", ids[0]));
    assert_eq!(first, "{\"description\": \"a\", \"mine\":  1.50}\n");
    assert_eq!(project.read("shared/tasks/marie/own.json"), "{\"task_id\":\"own\",\"description\":\"b\"}\n");
}

#[test]
fn a_thousand_tasks_are_added_at_once_or_none() {
    let project = shop();
    let lines = |last: &str| {
        let tasks = (0..999).map(|n| format!("{{\"description\": \"task {n}\"}}\n"));
        tasks.chain([last.to_owned()]).collect::<String>()
    };
    for (last, told) in [
        ("{\"description\": 7}", "tasks.jsonl:1000: `description` must be a string, but is a number"),
        ("{\"description\":", "tasks.jsonl:1000: not JSON: EOF while parsing a value"),
        ("\"text\"", "tasks.jsonl:1000: a task is a JSON object"),
        ("{\"task_id\":\"../x\",\"description\":\"y\"}", "tasks.jsonl:1000: `task_id` is \"../x\""),
        ("{\"worker\":\"bob\",\"description\":\"y\"}", "tasks.jsonl:1000: `worker` is \"bob\""),
    ] {
        project.write("tasks.jsonl", lines(last));
        let said = refused(&project, 2, &["add", "marie", "--file", "tasks.jsonl"]);
        assert!(said.contains(told), "{said}");
        assert_eq!(names(&project, "shared/tasks/marie"), [""; 0]);
    }
    project.write("tasks.jsonl", lines("{\"description\": \"last\"}"));
    let ids = done(&project, &["add", "marie", "--file", "tasks.jsonl"]);
    let ids: Vec<String> = ids.lines().map(|id| format!("{id}.json")).collect();
    assert!(ids.is_sorted());
    assert_eq!(names(&project, "shared/tasks/marie"), ids);
    assert_eq!(file(&project, &format!("shared/tasks/marie/{}", ids[999]))["description"], "last");

    project
        .write("two.jsonl", "{\"task_id\":\"a\",\"description\":\"x\"}\n\n{\"task_id\":\"a\",\"description\":\"y\"}");
    let said = refused(&project, 2, &["add", "marie", "--file", "two.jsonl"]);
    assert!(said.contains("two.jsonl:3: `a` is the id of the task in line 1 as well"), "{said}");
    project.write("none.jsonl", "\n");
    assert!(refused(&project, 2, &["add", "marie", "--file", "none.jsonl"]).contains("no tasks in none.jsonl"));
    project.write("latin.jsonl", b"{}\n{\"description\": \"\xe9\"}");
    assert!(refused(&project, 2, &["add", "marie", "--file", "latin.jsonl"]).contains("latin.jsonl:2: not UTF-8"));
    assert!(refused(&project, 2, &["add", "marie", "--file", "gone"]).contains("cannot read gone: no such file"));
}

#[test]
fn what_is_wrong_with_a_task_is_told_and_nothing_is_written() {
    let project = shop();
    project.write("shared/tasks/marie/waits.json", "{\"description\":\"x\"}");
    project.write("shared/tasks/marie/.work/runs.task.json", "{\"description\":\"x\"}");
    project.write("shared/results/marie/ended.json", result("ended", "completed"));
    let before = names(&project, "shared/tasks/marie");
    for (code, arguments, told) in [
        (6, vec!["add", "mraie", "x"], "no worker `mraie` in procgroup.toml\n  help: did you mean `marie`?"),
        (6, vec!["add", "bob", "x"], "help: workers here: marie, anga, far"),
        (6, vec!["add", "api", "x"], "api is not a worker\n  help: workers here: marie, anga, far"),
        (2, vec!["add", "marie", " "], "`description` is empty"),
        (2, vec!["add", "marie", "x", "--id", "../x"], "an id is 1 to 128 of A-Z a-z 0-9 . _ -"),
        (2, vec!["add", "marie", "x", "--timeout", "0s"], "a try needs some time"),
        (2, vec!["add", "marie", "x", "--timeout", "10"], "the unit is missing"),
        (2, vec!["add", "marie", "x", "--priority", "highh"], "a similar value exists: 'high'"),
        (2, vec!["add", "marie", "--meta", "a=1", "Fix it"], "write K=V, such as ticket=42"),
        (2, vec!["add", "marie", "x", "--meta", "a=1", "a=2"], "--meta has `a` twice"),
        (2, vec!["add", "marie", "x", "--batch", "2", "--meta", "batch=b"], "leave `--meta batch=…` out"),
        (2, vec!["add", "marie", "x", "--batch", "0"], "0 is not in 1..=100000"),
        (2, vec!["add", "marie"], "required"),
        (2, vec!["add", "marie", "x", "--file", "y"], "cannot be used with"),
        (2, vec!["add", "marie", "x", "--id", "waits"], "marie has a task waits already; it is waiting"),
        (2, vec!["add", "marie", "x", "--id", "runs"], "marie has a task runs already; it is running"),
        (2, vec!["add", "marie", "x", "--id", "ended"], "marie has a task ended already; it is completed"),
    ] {
        let said = refused(&project, code, &arguments);
        assert!(said.contains(told), "{arguments:?}: {said}");
        let arguments: Vec<&str> = arguments.into_iter().chain(["--json"]).collect();
        let said: Value = serde_json::from_str(&task(&project, &arguments).stderr).unwrap();
        assert_eq!(said["error"]["exit_code"], code, "{said}");
    }
    assert_eq!(names(&project, "shared/tasks/marie"), before);
    assert_eq!(task(&project, &["add", "anga", "x", "--id", "waits"]).code, Some(0), "another worker's");
    // One argument of `run` would be too long.
    project.write("long.json", json!({ "description": "x".repeat(70_000) }).to_string());
    let said = refused(&project, 2, &["add", "marie", "--file", "long.json"]);
    assert!(said.contains("`description` has 70000 bytes"), "{said}");
    assert_eq!(task(&project, &["add", "anga", "--file", "long.json"]).code, Some(0), "it is read from stdin");
}

#[test]
fn a_file_without_workers_and_no_file_are_told() {
    let none = Project::new("[services]\napi = 'x'\n");
    assert!(refused(&none, 6, &["list"]).contains("no service in procgroup.toml is a worker"));
    assert!(refused(&Project::empty(), 3, &["list"]).contains("no procgroup.toml"));
    assert!(refused(&Project::new("[services]\napi = 7\n"), 3, &["add", "marie", "x"]).contains("procgroup.toml:2"));
    let elsewhere = Project::empty();
    elsewhere.write("sub/dev.toml", SHOP);
    for place in [["-f", "sub/dev.toml", "task", "list"], ["task", "list", "-f", "sub/dev.toml"]] {
        assert_eq!(Stream::ask(&elsewhere, &place).stdout, "no tasks\n", "{place:?}");
    }
    assert!(Stream::ask(&elsewhere, &["task"]).stderr.contains("devgroup task add marie"));
}

#[test]
fn a_batch_is_numbered_and_waited_for() {
    let project = shop();
    let batch = done(&project, &["add", "marie", "Write test {n}", "--batch", "12"]);
    let batch = batch.trim();
    assert!(batch.starts_with("b-"), "{batch}");
    let all = names(&project, "shared/tasks/marie");
    assert_eq!((all.len(), all[0].as_str()), (12, format!("{batch}-01.json").as_str()));
    let last = file(&project, &format!("shared/tasks/marie/{batch}-12.json"));
    assert_eq!((&last["description"], &last["metadata"]["batch"]), (&json!("Write test 12"), &json!(batch)));

    let timed_out = task(&project, &["wait", "--batch", batch, "--timeout", "50ms"]);
    assert_eq!(timed_out.code, Some(124), "{}", timed_out.stderr);
    assert_eq!(timed_out.stdout.lines().count(), 12);
    assert!(timed_out.stdout.contains(&format!("{batch}-07: timed out\n")), "{}", timed_out.stdout);

    let mut waits = Stream::start(&project, &["task", "wait", "--batch", batch]);
    for name in &all {
        assert!(!waits.has_ended());
        let id = name.strip_suffix(".json").unwrap();
        let mut ended: Value = serde_json::from_str(&result(id, "completed")).unwrap();
        ended["batch"] = json!(batch);
        project.write("shared/results/marie/.tmp", ended.to_string());
        fs::rename(project.path("shared/results/marie/.tmp"), project.path(&format!("shared/results/marie/{name}")))
            .unwrap();
        fs::remove_file(project.path(&format!("shared/tasks/marie/{name}"))).unwrap();
        waits.wait_for_text(&format!("{id}: completed\n"));
    }
    assert_eq!(waits.wait_client().code, Some(0));
    assert_eq!(task(&project, &["wait", "--batch", batch]).code, Some(0), "they stay completed");
    // One that has failed counts also if its batch stands behind much output.
    let mut large: Value = serde_json::from_str(&result("large", "failed")).unwrap();
    (large["stdout"], large["zbatch"]) = (json!("x".repeat(100_000)), Value::Null);
    let large = large.to_string().replace("\"zbatch\":null", &format!("\"batch\":\"{batch}\""));
    project.write("shared/results/marie/large.json", large);
    assert_eq!(task(&project, &["wait", "--batch", batch]).code, Some(5));
    let said = refused(&project, 6, &["wait", "--batch", "b-none"]);
    assert!(said.contains("no task of the batch `b-none`"), "{said}");
}

#[test]
fn a_wait_ends_with_what_became_of_each_task() {
    let project = shop();
    project.write("shared/results/marie/good.json", result("good", "completed"));
    project.write("shared/results/marie/bad.json", result("bad", "failed"));
    project.write("shared/results/marie/off.json", result("off", "cancelled"));
    project.write("shared/dlq/anga/wrong.json", dead("wrong", "invalid_field", &[]));
    project.write("shared/tasks/marie/open.json", "{\"description\":\"x\"}");
    let said = task(&project, &["wait", "good", "good"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "good: completed\n"));
    for (id, line) in [("bad", "bad: failed"), ("off", "off: cancelled"), ("wrong", "wrong: dead · invalid_field")] {
        let said = task(&project, &["wait", "good", id]);
        assert_eq!(said.code, Some(5), "{}", said.stderr);
        assert!(said.stdout.contains(line), "{id}: {}", said.stdout);
    }
    let said = task(&project, &["wait", "good", "bad", "open", "--timeout", "1ms", "--json"]);
    assert_eq!(said.code, Some(5), "a failure counts more than a time that was up");
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    let results: Vec<_> = report["tasks"].as_array().unwrap().iter().map(|task| &task["result"]).collect();
    assert_eq!(results, ["completed", "failed", "timed-out"]);
    assert_eq!(report["tasks"][1]["exit_code"], 1);
    assert!(refused(&project, 6, &["wait", "oqen"]).contains("did you mean `open`?"));
    // Whatever is done for a worker elsewhere is only known by its result.
    let mut waits = Stream::start(&project, &["task", "wait", "x-1", "--worker", "far"]);
    project.write("shared/results/far/.tmp", result("x-1", "completed"));
    fs::rename(project.path("shared/results/far/.tmp"), project.path("shared/results/far/x-1.json")).unwrap();
    waits.wait_for_text("x-1: completed\n");
    assert_eq!(waits.wait_client().code, Some(0));
}

#[test]
fn an_id_that_several_workers_have_needs_its_worker() {
    let project = shop();
    project.write("shared/tasks/marie/twice.json", "{\"description\":\"x\"}");
    project.write("shared/results/anga/twice.json", result("twice", "completed"));
    for command in ["show", "wait", "retry", "cancel", "drop"] {
        let said = refused(&project, 2, &[command, "twice"]);
        assert!(
            said.contains("`twice` is a task of marie and of anga\n  help: add --worker marie"),
            "{command}: {said}"
        );
    }
    assert!(done(&project, &["show", "twice", "--worker", "anga"]).starts_with("twice · anga · completed"));
}

#[test]
fn a_list_has_the_tasks_of_each_state() {
    let project = shop();
    assert_eq!(done(&project, &["list"]), "no tasks\n");
    project.write("shared/tasks/marie/ein Täsk.json", "{\"task_id\":\"inside\",\"description\":\"x\"}");
    project.write("shared/tasks/marie/b.json", "{\"description\":\"x\",\"dependencies\":[\"later\"]}");
    project.write("shared/results/marie/good.json", result("good", "completed"));
    project.write("shared/results/marie/off.json", result("off", "cancelled"));
    project.write("shared/dlq/marie/gone.json", dead("gone", "max_retries_exceeded", &[]));
    project.write("shared/tasks/anga/c.json", "{\"description\":\"x\",\"priority\":\"high\"}");
    let all = done(&project, &["list"]);
    assert!(all.starts_with("STATE "), "{all}");
    for row in
        ["waiting    inside  marie", "blocked    b       marie", "dead       gone    marie", "waiting    c       anga"]
    {
        assert!(all.contains(row), "{row}: {all}");
    }
    assert!(all.contains("blocked on later") && all.contains("max_retries_exceeded"), "{all}");
    assert!(all.ends_with("2 waiting · 1 blocked · 1 dead · 1 cancelled · 1 completed\n"), "{all}");
    let listed = object(&project, &["list", "marie", "--json"]);
    assert_eq!(
        listed["counts"],
        json!({ "waiting": 1, "blocked": 1, "running": 0, "retrying": 0, "completed": 1, "cancelled": 1, "dead": 1 })
    );
    let dead = object(&project, &["list", "--state", "dead", "--json"]);
    assert_eq!(dead["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&dead["tasks"][0]["task_id"], &dead["tasks"][0]["dlq_reason"]),
        (&json!("gone"), &json!("max_retries_exceeded"))
    );
    project.write("shared/tasks/bob/for-bob.json", "{\"description\":\"x\"}");
    fs::create_dir(project.path("shared/tasks/marie/folder.json")).unwrap();
    let with_others = done(&project, &["list"]);
    assert!(with_others.contains("waiting    for-bob  bob") && with_others.contains("no worker has that name"));
    let stays = "marie takes regular files only, so these stay in its folder: folder.json\n";
    assert!(with_others.ends_with(stays), "{with_others}");
    assert!(done(&project, &["show", "for-bob"]).starts_with("for-bob · bob · waiting"));
    fs::remove_dir_all(project.path("shared/tasks/bob")).unwrap();
    fs::remove_dir(project.path("shared/tasks/marie/folder.json")).unwrap();
    let off = done(&project, &["list", "--state", "cancelled"]);
    assert!(off.contains("cancelled  off  marie") && !off.contains("good"), "{off}");
    let short = done(&project, &["list", "-n", "2"]);
    assert!(short.contains("… and 4 more; `-n 6` lists all\n"), "{short}");
    assert!(refused(&project, 6, &["list", "mari"]).contains("did you mean `marie`"));
    assert!(refused(&project, 2, &["list", "--state", "deadd"]).contains("'dead'"));
}

#[test]
fn a_folder_that_cannot_be_read_or_written_is_told_with_its_path() {
    let project = shop();
    project.write("shared/results/marie", "a file in the place of a folder");
    for arguments in [["list", "marie"], ["wait", "x"], ["show", "x"]] {
        let said = refused(&project, 1, &arguments);
        assert!(said.contains("shared/results/marie: not a directory"), "{arguments:?}: {said}");
    }
    assert_eq!(done(&project, &["list", "anga"]), "no tasks\n");
    project.write("shared/tasks/anga", "a file");
    let said = refused(&project, 1, &["add", "anga", "x"]);
    assert!(said.contains("shared/tasks/anga: "), "{said}");
}

#[test]
fn a_task_is_shown_with_all_that_is_known_of_it() {
    let project = shop();
    project.write("shared/tasks/marie/open.json", "{\"description\":\"say \\u001b]0;PWN\\u0007\"}");
    project.write("shared/results/marie/good.json", result("good", "completed"));
    let open = done(&project, &["show", "open"]);
    assert!(open.starts_with("open · marie · waiting") && open.contains("── task ──"), "{open}");
    let good = done(&project, &["show", "good"]);
    assert!(good.contains("── stdout ──\nout\\u{1b}[31m\n"), "{good}");
    for text in [&open, &good] {
        assert_eq!(text.chars().find(|c| *c != '\n' && misleads(*c)), None, "{text:?}");
    }
    let shown = object(&project, &["show", "good", "--json"]);
    assert_eq!((&shown["task_id"], &shown["state"]), (&json!("good"), &json!("completed")));
    let stdout = shown["texts"].as_array().unwrap().iter().find(|text| text["title"] == "stdout").unwrap();
    assert_eq!(stdout["text"], "out\u{1b}[31m\n");
    assert!(refused(&project, 6, &["show", "goodd"]).contains("did you mean `good`?"));
}

#[test]
fn dead_tasks_are_tried_anew_by_id_by_reason_and_with_what_depends_on_them() {
    let project = shop();
    let letters = [
        ("one", "max_retries_exceeded", vec![]),
        ("two", "dependency_failed", vec!["one"]),
        ("three", "dependency_failed", vec!["two"]),
        ("other", "dependency_failed", vec!["gone"]),
    ];
    for (id, reason, dependencies) in letters {
        project.write(&format!("shared/dlq/marie/{id}.json"), dead(id, reason, &dependencies));
    }
    project.write("shared/results/marie/one.json", result("one", "failed"));
    project.write("shared/results/marie/good.json", result("good", "completed"));
    assert!(refused(&project, 6, &["retry", "onne"]).contains("did you mean `one`?"));
    let said = task(&project, &["retry", "one", "--with-dependents"]);
    assert_eq!(said.stdout, "one: retried\ntwo: retried\nthree: retried\n", "{}", said.stderr);
    assert_eq!(names(&project, "shared/dlq/marie"), ["other.json"]);
    assert_eq!(
        names(&project, "shared/results/marie"),
        ["good.json"],
        "results of the generation before are kept in .work"
    );
    let listed = object(&project, &["list", "--json"]);
    assert_eq!((&listed["counts"]["waiting"], &listed["counts"]["blocked"]), (&json!(1), &json!(2)));
    assert_eq!(
        task(&project, &["retry", "--all", "--reason", "invalid_json"]).stderr,
        "nothing to do: no dead tasks\n"
    );
    let all = object(&project, &["retry", "--all", "--worker", "marie", "--reason", "dependency_failed", "--json"]);
    assert_eq!(all["tasks"], json!([{ "task_id": "other", "worker": "marie", "result": "retried", "reason": null }]));
    let said = task(&project, &["retry", "good"]);
    assert_eq!(said.code, Some(1), "{}", said.stdout);
    assert!(said.stdout.starts_with("good: not retried · "), "{}", said.stdout);
    assert!(refused(&project, 2, &["retry"]).contains("required"));
    assert!(refused(&project, 2, &["retry", "--all", "--reason", "x"]).contains("max_retries_exceeded"));
}

#[test]
fn a_wait_for_a_task_that_fails_ends_with_its_dead_letter() {
    let project = shop();
    project.write("shared/tasks/marie/.work/a.task.json", "{\"description\":\"x\"}");
    project.write("shared/results/marie/a.json", result("a", "failed"));
    let said = task(&project, &["wait", "a", "--timeout", "100ms"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(124), "a: timed out\n"), "its letter is still to be written");
    let letter = json!({ "task_id": "a", "dlq_reason": "max_retries_exceeded", "dlq_detail": "SIGSEGV" });
    project.write("shared/dlq/marie/a.json", letter.to_string());
    let said = task(&project, &["wait", "a"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(5), "a: failed · SIGSEGV\n"), "{}", said.stderr);
    // Others write no letters, and claim nothing here.
    project.write("shared/results/marie/b.json", result("b", "failed"));
    assert_eq!(task(&project, &["wait", "b"]).stdout, "b: failed · exit 1\n");
}

#[test]
fn a_waiting_task_is_cancelled_and_ended_ones_are_dropped() {
    let project = shop();
    project.write("shared/tasks/marie/open.json", "{\"description\":\"x\"}");
    assert_eq!(done(&project, &["cancel", "open"]), "open: cancelled\n");
    assert_eq!(names(&project, "shared/tasks/marie"), [""; 0]);
    assert_eq!(file(&project, "shared/results/marie/open.json")["status"], "cancelled");
    assert_eq!(task(&project, &["cancel", "open"]).code, Some(1), "it has ended");

    assert_eq!(done(&project, &["drop", "open"]), "open: dropped\n");
    assert_eq!(names(&project, "shared/results/marie"), [""; 0]);
    assert_eq!(done(&project, &["add", "marie", "x", "--id", "open"]), "open\n", "the id is free again");

    project.write("shared/tasks/marie/.work/runs.task.json", "{\"description\":\"x\"}");
    let said = task(&project, &["drop", "open", "runs"]);
    let why = |id: &str| format!("{id}: not dropped · {id} is waiting or running; cancel it first\n");
    assert_eq!((said.code, said.stdout), (Some(1), why("open") + &why("runs")), "as a running group says it");
    assert_eq!(names(&project, "shared/tasks/marie"), ["open.json"]);
    done(&project, &["cancel", "runs"]);

    for id in ["a", "b"] {
        project.write(&format!("shared/dlq/marie/{id}.json"), dead(id, "invalid_field", &[]));
    }
    let said = refused(&project, 2, &["drop", "--all"]);
    assert!(said.contains("this removes 2 dead tasks for good\n  help: add --yes"), "{said}");
    assert_eq!(names(&project, "shared/dlq/marie").len(), 2);
    assert_eq!(done(&project, &["drop", "--all", "--yes"]), "a: dropped\nb: dropped\n");
    assert_eq!(names(&project, "shared/dlq/marie"), [""; 0]);
    assert_eq!(names(&project, "shared/tasks/marie"), ["open.json"]);
    for command in ["retry", "cancel", "drop"] {
        project.write("shared/dlq/far/x.json", dead("x", "invalid_field", &[]));
        let said = task(&project, &[command, "x"]);
        assert!(said.code != Some(0) && said.stderr.contains("far is remote"), "{}{}", said.stdout, said.stderr);
    }
}
