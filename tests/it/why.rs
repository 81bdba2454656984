//! `devgroup why` and the warnings of `devgroup check`, as a user calls them.
#![cfg(test)]

use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::control::{greeted, read_message, send_message};
use crate::harness::{Project, Stream, wait_for};

const FILE: &str = "[services]\n\
    db = \"true\"\n\
    api = { run = \"true\", watch = true }\n\
    web = { run = \"true\", watch = true, dir = \"web\" }\n\
    css = { run = \"true\", watch = [\"styles/**\", \"!styles/old/**\"], on_change = \"mark\" }\n";

/// A repository with a group, ignored files, and one that git tracks although it is ignored.
fn shop(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [
        ("procgroup.toml", text),
        (".gitignore", "# build\n/target\n*.gen\n"),
        ("src/main.rs", ""),
        ("web/index.ts", ""),
        ("styles/old/a.css", ""),
        ("a.gen", ""),
        ("target/keep.txt", ""),
        ("target/debug/api", ""),
    ];
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().expect("a parent")).expect("made");
        fs::write(file, text).expect("written");
    }
    for arguments in [&["init", "-q"][..], &["add", "-f", "src", "target/keep.txt"]] {
        let output = Command::new("git").args(arguments).current_dir(folder.path()).output().expect("git is there");
        assert!(output.status.success());
    }
    folder
}

fn devgroup(folder: &Path, arguments: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_devgroup"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    child.stdin.take().expect("piped").write_all(stdin.as_bytes()).expect("written");
    child.wait_with_output().expect("ended")
}

#[test]
fn paths_on_stdin_may_end_with_a_nul_byte_and_hold_line_ends() {
    let shop = shop(FILE);
    let asked = devgroup(shop.path(), &["why", "-z", "--json", "-"], "src/main.rs\0two\nlines\0");
    let answer: Value = serde_json::from_str(&stdout(&asked)).expect("JSON");
    let paths: Vec<_> = answer["paths"].as_array().expect("paths").iter().map(|why| why["path"].clone()).collect();
    assert_eq!(paths, ["src/main.rs", "two\nlines"]);
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn each_path_has_its_block_with_the_chain_in_order() {
    let shop = shop(FILE);
    let text = stdout(&devgroup(&shop.path().join("src"), &["why", "main.rs", "../target/debug/api"], ""));
    let expected = "\
src/main.rs
  watched · a change restarts api
  rule   procgroup.toml:3  true
   1  services.api.watch  matched: watched  procgroup.toml:3  true
   2  services.web.watch  did not match     (only below web/)
   3  services.css.watch  did not match     (watches styles/**)
   4  watch.also          did not match
   5  tracked & ignored   did not match
   6  .gitignore          did not match
   7  built-in            did not match

target/debug/api
  ignored · a change restarts nothing
  rule   .gitignore:2  /target
  note   files in target/ that git tracks are watched anyway
  note   target/ is ignored, and so is everything in it
   1  services.api.watch  matched: watched  procgroup.toml:3  true
   2  services.web.watch  did not match     (only below web/)
   3  services.css.watch  did not match     (watches styles/**)
   4  watch.also          did not match
   5  tracked & ignored   did not match     (target/)
   6  .gitignore          matched: ignored  .gitignore:2  /target  (target/)
   7  built-in            not reached
";
    assert_eq!(text, expected);
}

#[test]
fn every_sort_of_path_is_explained() {
    let shop = shop(FILE);
    let cases = [
        (
            "target/keep.txt",
            "watched · a change restarts api",
            "git tracks it, so this does not apply:  .gitignore:2  /target",
        ),
        ("web/", "watched · a change restarts api, web", "services.web.watch"),
        ("styles/x.css", "watched · a change restarts api · only marks the log of css", "it does not exist"),
        ("styles/old/a.css", "watched · a change restarts api", "procgroup.toml:5  !styles/old/**"),
        ("new/x.gen", "ignored · a change restarts nothing", ".gitignore:3  *.gen"),
        ("web/node_modules/x.js", "ignored · a change restarts nothing", "built-in  node_modules"),
        ("procgroup.toml", "ignored · a change restarts nothing", "devgroup reloads its own file instead"),
        (".env", "watched · a change restarts api", "watch.also"),
        ("..", "outside · a change restarts nothing", "it is not in"),
        ("/nowhere", "outside · a change restarts nothing", "it does not exist"),
    ];
    for (path, verdict, more) in cases {
        let text = stdout(&devgroup(shop.path(), &["why", path], ""));
        assert!(text.contains(&format!("  {verdict}\n")) && text.contains(more), "{path}: {text}");
    }
    std::os::unix::fs::symlink("src", shop.path().join("link")).expect("linked");
    let text = stdout(&devgroup(shop.path(), &["why", "link/main.rs"], ""));
    let expected = "\
link/main.rs
  ignored · a change restarts nothing
  rule   built-in  link  (links are not followed)
  note   link is a symbolic link, and links are not followed: watch its target, src
   1  built-in  matched: ignored  built-in  link  (links are not followed)  (link/)
";
    assert_eq!(text, expected);
    let text = stdout(&devgroup(shop.path(), &["why", "link"], ""));
    assert!(text.contains("watched · a change restarts api") && text.contains("only a change of the link"), "{text}");
    let text = stdout(&devgroup(shop.path(), &["why", "-"], "src/main.rs\ncaf\u{e9}\n"));
    assert!(text.starts_with("src/main.rs\n") && text.contains("\ncaf\u{e9}\n"), "{text}");
}

#[test]
fn a_path_that_is_no_text_is_explained_too() {
    use std::os::unix::ffi::OsStrExt;
    let shop = shop(FILE);
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.gen");
    let mut command = Command::new(env!("CARGO_BIN_EXE_devgroup"));
    let output = command.arg("why").arg(name).current_dir(shop.path()).output().expect("ran");
    assert!(stdout(&output).contains("ignored"), "{output:?}");
}

#[test]
fn programs_get_one_object_or_an_exit_code() {
    let shop = shop(FILE);
    let text =
        stdout(&devgroup(shop.path(), &["why", "--json", "src/main.rs", "target/x", "a.log", "..", "README"], ""));
    let answer: Value = serde_json::from_str(&text).expect("one object");
    assert_eq!(answer["version"], 1);
    let paths = answer["paths"].as_array().expect("a list");
    let verdicts: Vec<_> = paths.iter().map(|path| path["verdict"].as_str().expect("a word")).collect();
    assert_eq!(verdicts, ["watched", "ignored", "ignored", "outside", "watched"]);
    assert_eq!(paths[0]["services"], serde_json::json!(["api"]));
    assert_eq!(paths[0]["rule"], serde_json::json!({ "file": "procgroup.toml", "line": 3, "pattern": "true" }));
    assert_eq!(paths[1]["rule"], serde_json::json!({ "file": ".gitignore", "line": 2, "pattern": "/target" }));
    assert_eq!(paths[2]["rule"], serde_json::json!({ "file": "built-in", "pattern": "*.log" }));
    assert_eq!(paths[1]["chain"][6]["outcome"], "not-reached");
    for (path, code) in [(&["src/main.rs"][..], 0), (&["target/x"], 1), (&["src/main.rs", ".."], 1)] {
        let output = devgroup(shop.path(), &[&["why", "-q"], path].concat(), "");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{path:?}");
    }
    assert_eq!(devgroup(shop.path(), &["why"], "").status.code(), Some(2));
    let nowhere = tempfile::tempdir().expect("a folder");
    assert_eq!(devgroup(nowhere.path(), &["why", "x"], "").status.code(), Some(3));
}

#[test]
fn check_warns_of_patterns_that_restart_nobody_and_a_start_does_not() {
    let shop = shop(
        "[services]\n\
         a = { run = \"true\", watch = [\"src/**\", \"target/debug/api\", \"target/keep.txt\", \"src\"] }\n\
         b = { run = \"true\", watch = [\"sorce/**\", \"**/*.gen\", \"web/node_modules/x/**\"] }\n\
         c = { run = \"true\", watch = [\"target/debug/api\"], ignore = [\"!target/debug/api\"] }\n",
    );
    let output = devgroup(shop.path(), &["check"], "");
    assert_eq!(stdout(&output), "procgroup.toml: ok, 3 services\n");
    let warnings = String::from_utf8(output.stderr).expect("text");
    for expected in [
        "its files are ignored by .gitignore:2 `/target`",
        "1 file matches and is ignored",
        "to watch them anyway, for a:   ignore = [\"!target/debug/api\"]",
        "no file matches this pattern yet",
        "its files are ignored by .gitignore:3 `*.gen`",
        "its files are ignored by built-in `node_modules`",
        "for b:   ignore = [\"!web/node_modules/x/**\"]",
    ] {
        assert!(warnings.contains(expected), "{expected}: {warnings}");
    }
    assert_eq!(warnings.matches("warning:").count(), 4, "{warnings}");
    let output = devgroup(shop.path(), &["--no-tui", "--timeout", "10s"], "");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("dead-watch"), "{output:?}");
}

#[test]
fn check_warns_of_links_and_says_what_to_write_instead() {
    let shop = shop(
        "[services]\n\
         a = { run = \"true\", watch = [\"lib/**\", \"lib\", \"conf.toml\", \"src/**\"] }\n\
         b = { run = \"true\", watch = true, dir = \"lib\" }\n\
         c = { run = \"true\", watch = [\"gone/x\"] }\n",
    );
    for (target, link) in [("src", "lib"), ("web/index.ts", "conf.toml"), ("nowhere", "gone")] {
        std::os::unix::fs::symlink(target, shop.path().join(link)).expect("linked");
    }
    let warnings = String::from_utf8(devgroup(shop.path(), &["check"], "").stderr).expect("text");
    assert_eq!(warnings.matches("linked-watch").count(), 5, "{warnings}");
    for expected in ["write its target:   src\n", "write its target:   web/index.ts\n", "its target does not exist"] {
        assert!(warnings.contains(expected), "{expected}: {warnings}");
    }
    // And that is what the watcher does.
    let text = stdout(&devgroup(shop.path(), &["why", "lib/main.rs", "src/main.rs"], ""));
    assert!(text.contains("ignored · a change restarts nothing") && text.contains("watched · a change restarts a"));
}

#[test]
fn nothing_is_watched_in_a_folder_that_cannot_be_read() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let shop = shop(FILE);
    let permit = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changed");
    let secret = shop.path().join("secret");
    fs::create_dir(&secret).expect("made");
    permit(shop.path(), 0o755);
    permit(&secret, 0o000);
    let mut why = Command::new(env!("CARGO_BIN_EXE_devgroup"));
    why.args(["why", "secret/a.rs"]).current_dir(shop.path());
    if rustix::process::geteuid().is_root() {
        // Who may read everything.
        why.uid(65_534);
    }
    let output = why.output();
    permit(&secret, 0o755);
    let text = stdout(&output.expect("ran"));
    assert!(text.contains("  ignored · a change restarts nothing\n"), "{text}");
    assert!(text.contains("secret cannot be read, so nothing in it is watched: permission denied"), "{text}");
}

#[test]
fn check_tells_what_is_ignored_already_from_what_is_not_there_yet() {
    let shop = shop(
        "[services]\n\
         a = { run = \"true\", watch = [\"lib/**/*.gen\", \"lib/*.{gen,x}\", \"*.rs\", \"new-[ab]?.gen\"] }\n",
    );
    let warnings = String::from_utf8(devgroup(shop.path(), &["check"], "").stderr).expect("text");
    assert_eq!(warnings.matches("dead-watch").count(), 2, "{warnings}");
    assert_eq!(warnings.matches("unmatched-watch").count(), 2, "{warnings}");
    assert!(warnings.contains("for a:   ignore = [\"!lib/**/*.gen\"]"), "{warnings}");
    // All is ignored, and nothing is tracked: the group's own file is not what is to be let in.
    let forgets = Command::new("git").args(["rm", "-rq", "--cached", "."]).current_dir(shop.path()).status();
    assert!(forgets.expect("git is there").success());
    fs::write(shop.path().join(".gitignore"), "*\n").expect("written");
    fs::write(shop.path().join("procgroup.toml"), "[services]\na = { run = \"true\", watch = true }\n")
        .expect("written");
    let warnings = String::from_utf8(devgroup(shop.path(), &["check"], "").stderr).expect("text");
    assert!(warnings.contains("dead-watch") && !warnings.contains("!procgroup.toml"), "{warnings}");
}

#[test]
fn the_panel_of_a_running_group_gives_the_same_reason_and_finds_events() {
    use crate::harness::{Dash, Project, key};
    let project = Project::new("[services]\napi = { run = \"exec sleep 1000\", watch = true }\n");
    project.write(".gitignore", "*.gen\n");
    project.write("a.gen", "");
    project.git(&["init", "-q"]);
    let mut dash = Dash::start(&project, (160, 50), &[]);
    // Directories are counted once all of them are watched.
    dash.wait_for_text("watching 1 service");
    project.write("a.gen", "1");
    project.write("b.swp", "1");
    dash.keys("W");
    dash.wait_for("both events are there", |screen| screen.contains("a.gen") && screen.contains("b.swp"));
    dash.keys("/a.g");
    dash.wait_for("only what was asked for is there", |screen| screen.contains("/a.g") && !screen.contains("b.swp"));
    dash.keys(key::ENTER);
    dash.keys(key::ENTER);
    let screen = dash.wait_for_text("same answer in a shell: devgroup why a.gen");
    let text = stdout(&devgroup(&project.root(), &["why", "a.gen"], ""));
    for row in text.lines().filter(|line| line.contains("matched")) {
        let words: Vec<_> = row.split_whitespace().skip(1).collect();
        let is_row = |line: &str| words.iter().all(|word| line.contains(word));
        assert!(screen.lines().any(is_row), "{row}: {screen}");
    }
    // A rule that is saved now is in the next answer.
    project.write(".gitignore", "nothing\n");
    project.write("a.gen", "2");
    dash.wait_for("the event counts now, and so does the answer", |screen| {
        let has = |words: [&str; 2]| screen.lines().any(|line| words.iter().all(|word| line.contains(word)));
        has(["a.gen", "restart"]) && has([".gitignore", "did not match"])
    });
    dash.keys(key::ESCAPE);
    dash.wait_for_text("b.swp");
    dash.keys("x");
    dash.wait_for("ignored ones are hidden", |screen| !screen.contains("b.swp"));
    dash.keys(key::ESCAPE);
    dash.wait_for("the reason is closed", |screen| !screen.contains("same answer"));
    dash.keys(key::ESCAPE);
    dash.wait_for("the panel is closed", |screen| !screen.contains("watched files only"));
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
}

#[test]
fn a_running_group_answers_by_the_rules_that_it_has_with_the_same_words() {
    let project = Project::new(FILE);
    project.write(".gitignore", "/target\n");
    project.write("src/main.rs", "");
    project.write("web/index.ts", "");
    project.git(&["init", "-q"]);
    let cases: [&[&str]; 4] = [
        &["why", "src/main.rs", "target/debug/api", "web/", ".env", ".."],
        &["why", "--json", "src/main.rs", "target/debug/api", "web/", "/nowhere"],
        &["why", "-q", "src/main.rs"],
        &["why", "-q", "target/x"],
    ];
    let answers = || {
        let answer = |arguments: &&[&str]| {
            let asked = Stream::ask(&project, arguments);
            assert_eq!(asked.stderr, "");
            (asked.code, asked.stdout)
        };
        cases.iter().map(answer).collect::<Vec<_>>()
    };
    let before = answers();
    let group = Stream::start(&project, &["--no-tui"]);
    let watches = || Stream::ask(&project, &["status"]).stdout.contains("watching ");
    wait_for("it watches", watches);
    assert_eq!(answers(), before);
    // What cannot be used is not in force.
    project.write("procgroup.toml", "nonsense");
    assert_eq!(answers(), before);
    project.write(".gitignore", "*.rs\n");
    wait_for("the rules are followed live", || Stream::ask(&project, &["why", "-q", "src/main.rs"]).code == Some(1));
    // Also of a path that is no text, by all of its bytes.
    project.write(".gitignore", b"*.\xfe\n");
    for (name, code) in [(b"odd.\xfe", Some(1)), (b"odd.\xff", Some(0))] {
        let odd = Path::new("src").join(std::ffi::OsStr::from_bytes(name));
        let asks = || project.command(env!("CARGO_BIN_EXE_devgroup")).args(["why", "-q"]).arg(&odd).status();
        wait_for("the group answers", || asks().expect("started").code() == code);
    }
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    group.wait_exit();
    assert_eq!(Stream::ask(&project, &["why", "src/main.rs"]).code, Some(3), "nobody has the old rules any more");
}

#[test]
fn a_service_that_is_stopped_is_said_to_stay_so() {
    let project =
        Project::new("[services]\njob = { run = 'true', kind = 'job', watch = ['a.txt'] }\napi = 'exec sleep 1000'\n");
    project.write("a.txt", "1");
    let started = Stream::ask(&project, &["-d"]);
    assert_eq!(started.code, Some(0), "{}", started.stderr);
    assert!(Stream::ask(&project, &["why", "a.txt"]).stdout.contains("restarts job"));
    assert_eq!(Stream::ask(&project, &["stop", "job", "--wait"]).code, Some(0));
    let why = Stream::ask(&project, &["why", "a.txt"]);
    assert!(why.stdout.contains("does nothing now: job is stopped"), "{}", why.stdout);
    assert_eq!(Stream::ask(&project, &["why", "-q", "a.txt"]).code, Some(1));
    project.write("a.txt", "2");
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
}

#[test]
fn a_path_that_no_file_can_have_is_refused_and_costs_nobody_anything() {
    let project = Project::new("[services]\napi = { run = 'echo up; exec sleep 1000', watch = true }\n");
    let long = "a/".repeat(50_000);
    let refused = Stream::run(&project, &["why", &long]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("is too long: a path can have at most 4095 bytes"), "{}", refused.stderr);
    assert!(refused.stderr.len() < 500, "{}", refused.stderr);
    let refused = Stream::run(&project, &["why", &"a".repeat(256)]);
    assert!(refused.stderr.contains("a name in a path can have at most 255 bytes"), "{}", refused.stderr);
    // The longest that there can be.
    let deep = "a/".repeat(1_900);
    assert_eq!(Stream::run(&project, &["why", &deep]).code, Some(0));
    // Whoever asks the group itself is refused as well.
    let started = Stream::ask(&project, &["-d"]);
    assert_eq!(started.code, Some(0), "{}", started.stderr);
    let mut client = greeted(&project);
    send_message(&mut client, &json!({"id": 1, "ask": {"why": {"path": long}}}));
    let answer = read_message(&mut client);
    assert_eq!(answer["reply"]["error"]["code"], "invalid", "{answer}");
    // Questions do not keep the watcher from its work.
    for id in 2..30 {
        send_message(&mut client, &json!({"id": id, "ask": {"why": {"path": project.path(&deep)}}}));
    }
    project.write("src/new", "");
    wait_for("the save is seen", || Stream::ask(&project, &["logs", "api"]).stdout.contains("src/new"));
    while read_message(&mut client)["id"] != 29 {}
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
}

/// Each of them was a regular expression once, compiled before anything could be decided.
#[test]
fn thirty_thousand_patterns_cost_no_minute() {
    let patterns: Vec<String> = (0..500).map(|number| format!("'**/a{number}'")).collect();
    let services: Vec<String> = (0..60)
        .map(|number| format!("s{number} = {{ run = 'true', watch = ['b{number}/*.c', {}] }}\n", patterns.join(", ")))
        .collect();
    let project = Project::new(&format!("[services]\n{}", services.concat()));
    let watched = Stream::run(&project, &["why", "--json", "x/y/a499", "b7/x.c"]);
    assert_eq!(watched.code, Some(0), "{}", watched.stderr);
    let why: Value = serde_json::from_str(&watched.stdout).unwrap();
    assert_eq!(why["paths"][0]["services"].as_array().unwrap().len(), 60);
    assert_eq!(why["paths"][0]["rule"]["pattern"], "**/a499");
    assert_eq!(why["paths"][1]["services"], json!(["s7"]));
}

#[test]
fn a_slip_of_the_name_of_a_service_is_no_path() {
    let shop = shop(
        "[services]\ninstall = 'true'\nm = { run = 'true', replicas = 0 }\ndb = { run = 'true', env_file = 'x.env' }\nweb = { run = 'true', env_file = 'x.env' }\n",
    );
    let asked = devgroup(shop.path(), &["why", "intsall"], "");
    let said = String::from_utf8(asked.stderr).expect("text");
    assert_eq!(asked.status.code(), Some(6));
    assert!(said.starts_with("error: no service and no file `intsall`\n  help: did you mean `install`?"), "{said}");
    assert!(said.contains("for a path write ./intsall"), "{said}");
    for path in ["./intsall", "install.txt", "src/instal", "frobnicate"] {
        assert!(stdout(&devgroup(shop.path(), &["why", path], "")).contains("it does not exist"), "{path}");
    }
    assert_eq!(devgroup(shop.path(), &["why", "@back"], "").status.code(), Some(6));
    let none = stdout(&devgroup(shop.path(), &["why", "m.1"], ""));
    assert_eq!(none, "m\n  m has 0 instances: set `replicas = 1` in procgroup.toml for one\n");
    // Of all that read a file there is one note, and the line of the rule.
    let file = stdout(&devgroup(shop.path(), &["why", "x.env"], ""));
    assert!(file.contains("\n  rule   procgroup.toml:4  x.env\n"), "{file}");
    assert!(
        file.contains("db, web read it at each start and watch no files: a change is noted in their logs"),
        "{file}"
    );
    assert_eq!(file.matches("at each start").count(), 1, "{file}");
}

#[test]
fn a_file_or_a_folder_that_is_not_there_is_named_as_a_whole() {
    let shop = shop(FILE);
    for (arguments, code, said) in [
        (["-f", "/nope/x.toml", "check"], 3, "cannot read `/nope/x.toml`: it does not exist"),
        (
            ["-f", "/nope/x.toml", "status"],
            4,
            "no group is running: /nope/x.toml does not exist\n  help: check the path",
        ),
        (["-g", "/nope", "status"], 4, "there is no folder /nope\n"),
    ] {
        let asked = devgroup(shop.path(), &arguments, "");
        let stderr = String::from_utf8(asked.stdout).expect("text") + &String::from_utf8(asked.stderr).expect("text");
        assert!(asked.status.code() == Some(code) && stderr.contains(said), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_service_beside_a_folder_of_its_name_is_explained_too() {
    let shop = shop(FILE);
    let both = stdout(&devgroup(shop.path(), &["why", "web"], ""));
    assert!(both.starts_with("web\n"), "{both}");
    let blocks: Vec<&str> = both.split("\n\n").collect();
    assert_eq!(blocks.len(), 2, "{both}");
    assert!(blocks[0].contains("the group is not running"), "{both}");
    assert!(blocks[1].contains("a change restarts") && blocks[1].contains("services.web.watch"), "{both}");
    let path = stdout(&devgroup(shop.path(), &["why", "./web"], ""));
    assert_eq!(path.trim_end(), blocks[1].trim_end());
    let answer: Value = serde_json::from_str(&stdout(&devgroup(shop.path(), &["why", "--json", "web"], ""))).unwrap();
    assert_eq!(
        (answer["services"][0]["service"].as_str(), answer["paths"][0]["path"].is_string()),
        (Some("web"), true)
    );
}
