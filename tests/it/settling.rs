//! `devgroup settle`: what came of an edit, asked at once by whoever made it.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Project, Stream, Streamed, detach, down, wait_for};

/// Services whose output tells which version of their file they run. `slow` takes its time, `checked` is validated, `failing`
/// does not start with a broken file.
const SHOP: &str = r#"
[services]
fast = { run = "echo version $(cat src/fast/v); exec sleep 1000", watch = ["src/fast/**"], ready = { log = "version" } }
slow = { run = "sleep 0.3; echo version $(cat src/slow/v); exec sleep 1000", watch = ["src/slow/**"], ready = { log = "version" } }
checked = { run = "echo version $(cat src/checked/v); exec sleep 1000", watch = ["src/checked/**"], ready = { log = "version" }, validate = { run = "! grep broken src/checked/v" } }
failing = { run = "echo version $(cat src/failing/v); if grep -q broken src/failing/v; then echo 'error: it is broken' >&2; exit 3; fi; echo up; exec sleep 1000", watch = ["src/failing/**"], ready = { log = "up" } }
"#;

const NAMES: [&str; 4] = ["fast", "slow", "checked", "failing"];

fn shop() -> Project {
    let project = Project::new(SHOP);
    for name in NAMES {
        project.write(&format!("src/{name}/v"), "v0");
    }
    detach(&project);
    project
}

fn read(asked: &Streamed) -> Value {
    serde_json::from_str(&asked.stdout).unwrap_or_else(|error| panic!("{error}: {asked:?}"))
}

/// Asks, and says with which code and what it was answered.
fn settle(project: &Project, arguments: &[&str]) -> (Option<i32>, Value) {
    let asked = Stream::ask(project, &[&["settle", "--json"], arguments].concat());
    (asked.code, read(&asked))
}

fn cursor(answer: &Value) -> String {
    answer["cursor"].as_str().unwrap().to_owned()
}

fn names(answer: &Value) -> Vec<&str> {
    answer["services"].as_array().unwrap().iter().map(|service| service["name"].as_str().unwrap()).collect()
}

#[track_caller]
fn of<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let found = answer["services"].as_array().unwrap().iter().find(|service| service["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {answer:#}"))
}

fn has_said(service: &Value, text: &str) -> bool {
    service["lines"].as_array().unwrap().iter().any(|line| line["text"] == text)
}

/// Writes all of them in one batch, however slow the machine is.
fn together(project: &Project, services: &[&str], version: &str) {
    assert_eq!(Stream::ask(project, &["pause"]).code, Some(0));
    for name in services {
        project.write(&format!("src/{name}/v"), version);
    }
    assert_eq!(Stream::ask(project, &["resume"]).code, Some(0));
}

/// What comes next, by chance, and the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// A script that edits and asks at once, many times.
struct Script<'p> {
    project: &'p Project,
    chance: Chance,
    /// Where the last answer ended.
    cursor: String,
    /// Services that were edited, and those of them whose restart was put off.
    edited: u32,
    limited: u32,
}

impl Script<'_> {
    /// A new group, which has not counted restarts.
    fn begin_anew(&mut self) {
        down(self.project);
        for name in NAMES {
            self.project.write(&format!("src/{name}/v"), "v");
        }
        detach(self.project);
        let (code, answer) = settle(self.project, &NAMES);
        assert_eq!(code, Some(0), "{answer:#}");
        self.cursor = cursor(&answer);
    }

    /// Nobody has edited anything.
    fn nothing(&mut self) {
        let (code, answer) = settle(self.project, &["--since", &self.cursor]);
        assert_eq!((code, names(&answer).len(), &answer["files"]), (Some(0), 0, &Value::Array(vec![])), "{answer:#}");
        self.cursor = cursor(&answer);
    }

    /// These services get this version. Those of several files are asked for by cursor: on a busy machine, devgroup may act on
    /// the first before the last is there.
    fn edit(&mut self, services: &[&str], version: &str) {
        let held = self.chance.below(8) == 0;
        if held {
            assert_eq!(Stream::ask(self.project, &["pause"]).code, Some(0));
        }
        for name in services {
            self.project.write(&format!("src/{name}/v"), version);
        }
        if held {
            let (_, answer) = settle(self.project, &["--since", &self.cursor]);
            for name in services {
                let service = of(&answer, name);
                assert_eq!(service["result"], "held", "{answer:#}");
                assert!(service["reason"].as_str().unwrap().contains("held by pause"), "{answer:#}");
            }
            assert_eq!(Stream::ask(self.project, &["resume"]).code, Some(0));
        }
        // With a cursor, and as one who comes for the first time.
        let since = ["--since", self.cursor.as_str()];
        let is_one = services.len() == 1 && !held;
        let arguments: &[&str] = if is_one && self.chance.below(2) == 0 { &[] } else { &since };
        let (code, answer) = settle(self.project, arguments);
        assert_eq!(answer["timed_out"], false, "{answer:#}");
        self.cursor = cursor(&answer);
        let mut failed = false;
        for name in services {
            failed |= self.check(&answer, name, version);
        }
        assert_eq!(code, Some(if failed { 5 } else { 0 }), "{answer:#}");
    }

    /// The answer is that of this version, and of no earlier one. Whether the service has failed.
    fn check(&mut self, answer: &Value, name: &str, version: &str) -> bool {
        let service = of(answer, name);
        self.edited += 1;
        let broken = version.starts_with("broken") && matches!(name, "checked" | "failing");
        let path = format!("src/{name}/v");
        assert!(service["files"].as_array().unwrap().iter().any(|file| *file == path), "{answer:#}");
        if service["result"] == "held" {
            // It was edited too often: that is said, and a person has looked into it.
            assert!(service["reason"].as_str().unwrap().contains(" in "), "{answer:#}");
            self.limited += 1;
            let failed = service["failed"] == true;
            let restarted = Stream::ask(self.project, &["restart", name, "--wait"]);
            assert_eq!(restarted.code, Some(if broken { 5 } else { 0 }), "{restarted:?}");
            self.cursor = cursor(&settle(self.project, &["--since", &self.cursor]).1);
            return failed;
        }
        let expected = match (broken, name) {
            (false, _) => ("restarted", "ready"),
            (true, "checked") => ("stale", "ready"),
            (true, _) => ("restarted", "failed"),
        };
        assert_eq!((service["result"].as_str().unwrap(), service["state"].as_str().unwrap()), expected, "{answer:#}");
        assert_eq!(service["failed"], broken, "{answer:#}");
        assert!(service["took_ms"].as_u64().is_some(), "{answer:#}");
        let said = if broken && name == "checked" { version.to_owned() } else { format!("version {version}") };
        assert!(has_said(service, &said), "{said} is not in {answer:#}");
        if broken && name == "failing" {
            assert_eq!(service["lines"][0]["text"], "error: it is broken", "errors first: {answer:#}");
        }
        broken
    }
}

/// `DEVGROUP_SETTLE_ROUNDS`: how many.
#[test]
fn whoever_edits_and_asks_at_once_never_gets_the_answer_of_the_state_before() {
    let project = shop();
    let rounds = std::env::var("DEVGROUP_SETTLE_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let mut script = Script { project: &project, chance: Chance(7), cursor: String::new(), edited: 0, limited: 0 };
    for round in 0..rounds {
        if round % 10 == 0 {
            script.begin_anew();
        }
        let version = format!("v{round}");
        match script.chance.below(6) {
            0 => script.nothing(),
            1 => script.edit(&NAMES, &version),
            2 => script.edit(&["checked"], &format!("broken{round}")),
            3 => script.edit(&["failing"], &format!("broken{round}")),
            _ => {
                let name = NAMES[script.chance.below(NAMES.len())];
                script.edit(&[name], &version);
            }
        }
    }
    eprintln!("{rounds} rounds, {} edited services, {} of them limited", script.edited, script.limited);
    assert!(script.limited * 4 <= script.edited, "{} of {}", script.limited, script.edited);
    down(&project);
}

#[test]
fn the_same_question_has_the_same_answer_later_on_and_for_two_at_once() {
    let project = shop();
    settle(&project, &NAMES);
    together(&project, &["fast", "failing"], "broken1");
    let edited = Instant::now();
    let both = [(); 2].map(|()| Stream::start(&project, &["settle", "--json"]));
    let [one, other] = both.map(|asked| read(&asked.wait_client()));
    wait_for("some seconds have passed", || edited.elapsed() >= Duration::from_secs(5));
    let (code, later) = settle(&project, &[]);
    assert_eq!((code, names(&later)), (Some(5), vec!["fast", "failing"]));
    for answer in [&one, &other, &later] {
        assert_eq!((&answer["since"], &answer["files"]), (&later["since"], &later["files"]));
        for name in ["fast", "failing"] {
            let told = |key: &str| of(answer, name)[key].clone();
            for key in ["result", "state", "files", "took_ms", "run", "failed"] {
                assert_eq!(told(key), of(&later, name)[key], "{key} of {name}");
            }
        }
    }
    let (code, since) = settle(&project, &["--since", "1h"]);
    assert_eq!((code, names(&since)), (Some(5), NAMES.to_vec()), "all have started since");
    let (code, after) = settle(&project, &["--since", &cursor(&later)]);
    assert_eq!((code, names(&after)), (Some(0), vec![]));
    let note = after["notes"][0].as_str().unwrap();
    assert!(note.contains("failing (failed)"), "{note}");
    down(&project);
}

#[test]
fn people_read_a_line_for_each_service_with_its_errors_below() {
    let project = shop();
    settle(&project, &NAMES);
    let nothing = Stream::ask(&project, &["settle"]);
    assert_eq!(nothing.code, Some(0));
    assert!(nothing.stdout.starts_with("no watched file has changed since "), "{}", nothing.stdout);
    together(&project, &["failing", "checked"], "broken1");
    let told = Stream::ask(&project, &["settle"]);
    assert_eq!(told.code, Some(5));
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert!(lines[0].starts_with("checked: stale after "), "{}", told.stdout);
    assert!(lines[0].ends_with(" · validate failed · exit 1 · src/checked/v"), "{}", told.stdout);
    assert!(lines.contains(&"  │ broken1"), "{}", told.stdout);
    let of_failing = lines.iter().position(|line| line.starts_with("failing: restarted, failed after ")).unwrap();
    assert_eq!(lines[of_failing + 1], "  │ error: it is broken", "{}", told.stdout);
    assert!(lines.last().unwrap().starts_with("2 files changed since "), "{}", told.stdout);
    let few = Stream::ask(&project, &["settle", "failing", "-n", "1"]);
    assert!(few.stdout.contains("  │ … 1 more line: devgroup logs failing\n"), "{}", few.stdout);
    let refused = |arguments: &[&str]| Stream::ask(&project, &[&["settle"], arguments].concat());
    let unknown = refused(&["fats"]);
    assert_eq!(unknown.code, Some(6));
    assert!(unknown.stderr.contains("did you mean `fast`?"), "{}", unknown.stderr);
    let unclear = refused(&["--since", "yesterday"]);
    assert_eq!(unclear.code, Some(2));
    assert!(unclear.stderr.contains("or give a cursor that `settle --json` printed"), "{}", unclear.stderr);
    down(&project);
    assert_eq!(Stream::ask(&project, &["settle"]).code, Some(4));
}

#[test]
fn a_time_that_is_up_says_what_still_goes_on() {
    let project = Project::new(
        "[services]\napi = { run = \"cat v; until [ -e go ]; do sleep 0.05; done; echo up; exec sleep 1000\", watch = [\"v\"], ready = { log = \"up\" } }\n",
    );
    project.write("go", "");
    project.write("v", "v0\n");
    detach(&project);
    settle(&project, &["api"]);
    std::fs::remove_file(project.path("go")).unwrap();
    project.write("v", "v1\n");
    let (code, answer) = settle(&project, &["--timeout", "1s"]);
    assert_eq!((code, &answer["timed_out"]), (Some(124), &Value::Bool(true)), "{answer:#}");
    assert_eq!(of(&answer, "api")["going_on"], "starting", "{answer:#}");
    let asked = Stream::start(&project, &["settle", "--json", "--since", &cursor(&answer)]);
    project.write("go", "");
    let answer = read(&asked.wait_client());
    let api = of(&answer, "api");
    assert_eq!((&api["result"], &api["state"]), (&"restarted".into(), &"ready".into()), "{answer:#}");
    assert_eq!((&api["files"][0], has_said(api, "v1")), (&"v".into(), true), "{answer:#}");
    down(&project);
}

#[test]
fn the_file_of_the_group_counts_as_well_and_so_does_a_broken_one() {
    let project = shop();
    settle(&project, &NAMES);
    project.write("procgroup.toml", SHOP.replace("sleep 0.3", "sleep 0.2"));
    let (code, answer) = settle(&project, &[]);
    assert_eq!((code, names(&answer), &answer["files"][0]), (Some(0), vec!["slow"], &"procgroup.toml".into()));
    assert_eq!((&of(&answer, "slow")["result"], &of(&answer, "slow")["state"]), (&"restarted".into(), &"ready".into()));
    assert_eq!(of(&answer, "slow")["files"], Value::from(vec!["procgroup.toml"]), "{answer:#}");
    project.write("procgroup.toml", SHOP.replace("[services]", "[service"));
    let (code, answer) = settle(&project, &["--since", &cursor(&answer)]);
    assert_eq!(code, Some(5), "{answer:#}");
    assert!(answer["file_problem"].as_str().unwrap().contains("fix and save it"), "{answer:#}");
    project.write("procgroup.toml", SHOP.replace("sleep 0.3", "sleep 0.2"));
    assert_eq!(settle(&project, &["--since", &cursor(&answer)]).0, Some(0));
    let cursor = cursor(&answer);
    down(&project);
    detach(&project);
    let (_, answer) = settle(&project, &["--since", &cursor]);
    assert!(answer["notes"][0].as_str().unwrap().contains("an earlier run of the group"), "{answer:#}");
    assert_eq!(names(&answer), NAMES);
    down(&project);
}

#[test]
fn what_restarts_nothing_says_why() {
    let project = Project::new(
        "[services]\nhup = { run = \"trap 'echo reread' HUP; echo up; while :; do sleep 0.05; done\", watch = [\"src/**\"], ready = { log = \"up\" }, on_change = \"signal:HUP\" }\nweb = { run = \"exec sleep 1000\", watch = [\"src/**\"] }\n",
    );
    project.write("src/a", "one");
    detach(&project);
    settle(&project, &["hup", "web"]);
    project.write("src/a", "two");
    let (code, answer) = settle(&project, &[]);
    assert_eq!(code, Some(0), "{answer:#}");
    let hup = of(&answer, "hup");
    assert_eq!((&hup["result"], &hup["reason"]), (&"unchanged".into(), &"sent SIGHUP · src/a changed".into()));
    assert_eq!(of(&answer, "web")["result"], "restarted", "{answer:#}");
    project.write("src/a", "two");
    let (_, answer) = settle(&project, &["--since", &cursor(&answer)]);
    let web = of(&answer, "web");
    assert_eq!((&web["result"], &web["reason"]), (&"unchanged".into(), &"same content".into()), "{answer:#}");
    down(&project);
}

#[test]
fn an_on_change_command_that_fails_is_a_failure_and_an_event() {
    let project = Project::new(
        "[services]\ncss = { run = \"exec sleep 1000\", watch = [\"a/**\"], on_change = \"run:echo 'error: bad css' >&2; test -e good || exit 7\" }\n",
    );
    project.write("a/x", "one");
    detach(&project);
    settle(&project, &["css"]);
    project.write("a/x", "two");
    let (code, answer) = settle(&project, &[]);
    let css = of(&answer, "css");
    assert_eq!((code, &css["failed"], &css["result"]), (Some(5), &true.into(), &"stale".into()), "{answer:#}");
    assert_eq!(css["reason"], "on_change failed: exit 7", "{answer:#}");
    assert!(has_said(css, "error: bad css"), "{answer:#}");
    let events = Stream::ask(&project, &["events"]).stdout;
    assert_eq!(events.matches("on_change failed · exit 7").count(), 1, "{events}");
    let told = Stream::ask(&project, &["settle", "css"]).stdout;
    assert!(told.starts_with("css: stale · on_change failed: exit 7 · a/x\n"), "{told}");
    project.write("good", "");
    project.write("a/x", "three");
    let (code, answer) = settle(&project, &[]);
    let css = of(&answer, "css");
    assert_eq!((code, &css["failed"], &css["result"]), (Some(0), &false.into(), &"unchanged".into()), "{answer:#}");
    assert!(css["reason"].as_str().unwrap().starts_with("on_change · echo 'error: bad css'"), "{answer:#}");
    down(&project);
}

#[test]
fn where_no_events_tell_one_whole_look_does() {
    let project = Project::new(&format!("[watch]\nbackend = \"poll\"\npoll_interval = \"1h\"\n{SHOP}"));
    for name in NAMES {
        project.write(&format!("src/{name}/v"), "v0");
    }
    detach(&project);
    settle(&project, &NAMES);
    project.write("src/fast/v", "another");
    let (code, answer) = settle(&project, &[]);
    assert_eq!((code, names(&answer)), (Some(0), vec!["fast"]), "{answer:#}");
    assert!(has_said(of(&answer, "fast"), "version another"), "{answer:#}");
    down(&project);
}

#[test]
fn a_checkout_is_waited_for_although_git_holds() {
    let project = Project::new(SHOP);
    for name in NAMES {
        project.write(&format!("src/{name}/v"), "v0");
    }
    project.git(&["init", "-q"]);
    project.git(&["add", "."]);
    project.git(&["commit", "-q", "-m", "one"]);
    project.git(&["checkout", "-q", "-b", "other"]);
    project.write("src/fast/v", "v1");
    project.write("src/slow/v", "v1");
    project.git(&["commit", "-q", "-a", "-m", "two"]);
    detach(&project);
    settle(&project, &NAMES);
    project.git(&["checkout", "-q", "main"]);
    let (code, answer) = settle(&project, &[]);
    assert_eq!((code, names(&answer)), (Some(0), vec!["fast", "slow"]), "{answer:#}");
    for name in ["fast", "slow"] {
        assert_eq!(of(&answer, name)["result"], "restarted", "{answer:#}");
        assert!(has_said(of(&answer, name), "version v0"), "{answer:#}");
    }
    down(&project);
}

#[test]
fn cursors_of_answers_and_of_lines_lead_to_the_same_place() {
    let project = shop();
    let (_, before) = settle(&project, &[]);
    project.write("src/fast/v", "v1");
    let (code, answer) = settle(&project, &["--since", &cursor(&before)]);
    assert_eq!((code, names(&answer)), (Some(0), vec!["fast"]), "{answer:#}");
    let lines = |since: &str| {
        let asked = Stream::ask(&project, &["logs", "fast", "--json", "--cursor", since]);
        assert_eq!((asked.code, asked.stderr.as_str()), (Some(0), ""), "{}", asked.stdout);
        asked.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let said = lines(&cursor(&before));
    let output: Vec<&Value> = said.iter().filter(|line| line["marker"].is_null()).map(|line| &line["text"]).collect();
    assert_eq!(output, ["version v1"], "what was printed after that answer");
    assert!(lines(&cursor(&answer)).is_empty(), "nothing since");
    // The first of these is the marker of the restart, which the edit comes before.
    let (code, of_line) = settle(&project, &["fast", "--since", said[0]["cursor"].as_str().unwrap()]);
    assert!(code == Some(0) && has_said(of(&of_line, "fast"), "version v1"), "{of_line:#}");
    let last = said.last().unwrap()["cursor"].as_str().unwrap();
    let (code, nothing) = settle(&project, &["--since", last]);
    assert_eq!((code, &nothing["files"], &nothing["notes"]), (Some(0), &Value::Array(vec![]), &Value::Array(vec![])));
    down(&project);
    detach(&project);
    let asked = Stream::ask(&project, &["logs", "fast", "--cursor", &cursor(&answer)]);
    assert!(asked.stderr.contains("fast: the cursor is from an earlier run of the group"), "{}", asked.stderr);
    assert!(asked.stdout.contains("version v1"), "{}", asked.stdout);
    let (_, anew) = settle(&project, &["--since", last]);
    assert!(anew["notes"][0].as_str().unwrap().contains("from an earlier run of the group"), "{anew:#}");
    let wrong = Stream::ask(&project, &["settle", "--since", "api:eight"]);
    assert!(wrong.code == Some(2) && wrong.stderr.contains("is not a cursor: use one that"), "{wrong:?}");
    down(&project);
}
