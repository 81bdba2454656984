//! A repository of somebody who means harm, that is only looked at: what its names, its files and its values can do.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use devgroup::domain::misleads;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::Value;

use crate::harness::{Dash, Project, Stream, key, wait_for, wait_for_within};

/// A name with all that a terminal obeys: a title, a bell, a line of its own, C1, marks of direction, separators.
const NAME: &str = "n\u{1b}]0;PWN\u{7}\nFORGED\r\u{9b}31m\u{202e}x\u{2066}\u{61c}\u{2028}\u{7f}z";

/// Asserts that a terminal that is sent this does and shows nothing but lines that devgroup has written.
fn assert_harmless(what: &str, text: &str) {
    let found = text.chars().find(|c| *c != '\n' && misleads(*c));
    assert_eq!(found, None, "{what}: {text:?}");
    let forged = text.lines().find(|line| line.trim_start().starts_with("FORGED"));
    assert_eq!(forged, None, "{what}: {text:?}");
}

/// A folder with a hostile name that holds a repository with more of them: its configuration names nothing itself.
fn repository() -> (Project, PathBuf) {
    let project = Project::empty();
    let root = project.path(NAME);
    let write = |relative: &Path, text: &str| {
        let path = root.join(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let toml = format!(
        "[services]\n\
         api = {{ run = \"exec sleep 1000\", watch = [\"src/**\"], group = \"g\", url = \"http://localhost:1/\" }}\n\
         gone = {{ run = [\"/nonexistent/{0}\", \"x\"] }}\n\
         late = {{ run = \"exec sleep 1000\", env = {{ LATE = \"{0}\" }}, ready = {{ file = \"${{LATE}}\", timeout = \"1s\" }}, restart = \"never\" }}\n\
         left = {{ run = \"sh -c 'cp /bin/sleep \\\"$N\\\"; setsid -f \\\"$N\\\" 1000; sleep 0.3'\", env = {{ N = \"{1}\" }}, kind = \"job\" }}\n",
        in_toml(NAME),
        in_toml("./\u{1b}]0;\n\u{9b}"),
    );
    write(Path::new("procgroup.toml"), &toml);
    write(Path::new("package.json"), &format!("{{\"scripts\": {{\"dev\": \"vite\", \"x{}\": \"y\"}}}}", in_json(NAME)));
    write(Path::new("Procfile"), "web: run \u{1b}]0;PWN\u{7}\u{202e}\n");
    write(&Path::new("src").join(NAME), "one");
    write(Path::new(".git/HEAD"), "ref: refs/heads/b\u{1b}]0;PWN\u{7}\u{202e}\n");
    write(Path::new(".git/objects/x"), "");
    write(Path::new(".gitignore"), "no\u{1b}]0;PWN\u{7}\u{202e}*\n");
    (project, root)
}

fn in_toml(text: &str) -> String {
    text.chars().map(|c| if misleads(c) { format!("\\u{:04X}", u32::from(c)) } else { c.into() }).collect()
}

fn in_json(text: &str) -> String {
    text.chars().map(|c| if misleads(c) { format!("\\u{:04x}", u32::from(c)) } else { c.into() }).collect()
}

/// How each command is called so that it has something to quote. A new command needs its line here.
fn calls(command: &str) -> Vec<Vec<&str>> {
    let named = |first: &'static str| vec![vec![first, NAME], vec![first, NAME, "--json"]];
    let mut calls = match command {
        "status" => vec![vec!["status"], vec!["status", "--json"], vec!["ps", NAME]],
        "logs" => vec![
            vec!["logs"],
            vec!["logs", "--json"],
            vec!["logs", "gone", "left", "late"],
            vec!["logs", NAME],
            vec!["logs", "--cursor", NAME],
            vec!["logs", "--level", NAME],
            vec!["logs", "--since", NAME],
            vec!["logs", "--grep", "(\u{1b}\u{202e}"],
        ],
        "events" => vec![vec!["events"], vec!["events", "--json"], vec!["events", "--since", "1h"]],
        "history" => vec![vec!["history"], vec!["history", "--json"], vec!["history", NAME]],
        "alerts" => vec![vec!["alerts", "test"], vec!["alerts", "test", "--json"], vec!["alerts", NAME]],
        "start" => named("start"),
        "stop" => named("stop"),
        "restart" => {
            vec![vec!["restart", NAME], vec!["restart", "gone", "--wait"], vec!["restart", "gone", "--wait", "--json"]]
        }
        "wait" => vec![vec!["wait", NAME], vec!["wait", "gone", "--timeout", "1s"], vec!["wait", "api", "--for", NAME]],
        "settle" => calls_of_settle(),
        "scale" => {
            // Its number makes it an argument.
            const SCALED: &str = "n\u{1b}]0;PWN\u{7}\nFORGED\u{202e}z=2";
            vec![vec!["scale", NAME], vec!["scale", SCALED], vec!["scale", SCALED, "--json"], vec!["scale", "gone=1"]]
        }
        "send" => vec![vec!["send", NAME, NAME], vec!["send", "gone", NAME]],
        "pause" => vec![vec!["pause", NAME]],
        "resume" => vec![vec!["resume", NAME]],
        "hold" => vec![vec!["hold", "--", NAME], vec!["hold", "--service", NAME, "--", "true"]],
        "task" => calls_of_task(),
        "web" => vec![vec!["web"], vec!["web", "--json"], vec!["web", "--stop"], vec!["web", NAME]],
        "url" => vec![vec!["url"], vec!["url", "--json"], vec!["url", NAME, "--open"]],
        "run" => vec![vec!["run", NAME], vec!["run", "api", "--", NAME], vec!["run", "gone", "--", NAME]],
        "exec" => vec![vec!["exec", NAME, "true"], vec!["exec", "gone", "--", NAME], vec!["exec", "api", "./x", NAME]],
        "ls" => vec![vec!["ls"], vec!["ls", "--json"], vec!["-g", NAME, "status"]],
        "up" => vec![vec!["up", NAME]],
        "attach" => vec![vec!["attach"]],
        "mcp" => vec![vec!["mcp"], vec!["mcp", NAME]],
        "down" => vec![vec!["down", NAME]],
        "init" => vec![
            vec!["init"],
            vec!["init", "--dry-run"],
            vec!["init", "--from", NAME],
            vec!["init", "--dry-run", "--from", "package"],
            vec!["init", "-f", "none/\u{1b}\u{202e}"],
        ],
        "export" => calls_of_export(),
        "check" => {
            vec![vec!["check"], vec!["check", "--json"], vec!["check", "-f", NAME], vec!["check", "--json", "-f", NAME]]
        }
        "why" => vec![
            vec!["why", "src", "src/\u{1b}\u{202e}\nFORGED", "no\u{1b}]0;PWN\u{7}\u{202e}x", "/\u{9b}"],
            vec!["why", "--json", "src/\u{1b}\u{202e}\nFORGED", "no\u{1b}]0;PWN\u{7}\u{202e}x", "/\u{9b}"],
        ],
        "doctor" => vec![vec!["doctor"], vec!["doctor", "--json"]],
        "help" => vec![vec!["help"], vec!["help", NAME]],
        "schema" => vec![vec!["schema"]],
        "completions" => vec![vec!["completions", NAME], vec!["completions", "bash"]],
        "man" => vec![vec!["man", NAME], vec!["man", "--dir", "/dev/null/\u{1b}\u{202e}"]],
        new => panic!("`{new}` is new: say here how it is called with hostile words"),
    };
    calls.push(vec![command, "--\u{1b}]0;PWN\u{7}\nFORGED"]);
    calls.push(vec![command, "api", "-\u{202e}", NAME]);
    calls
}

fn calls_of_export<'a>() -> Vec<Vec<&'a str>> {
    let engines = ["compose", "kubernetes", "systemd", "procfile"];
    let to = |engine| vec!["export", engine, "--image", NAME];
    let others = [
        vec!["export", NAME],
        vec!["export", "compose"],
        vec!["export", "procfile", "--service", NAME],
        vec!["export", "procfile", "-o", "/dev/null/\u{1b}\u{202e}"],
    ];
    engines.into_iter().map(to).chain(others).collect()
}

fn calls_of_settle<'a>() -> Vec<Vec<&'a str>> {
    let gone = vec!["settle", "gone", "--timeout", "1s", "--json"];
    vec![vec!["settle", "--timeout", "1s"], gone, vec!["settle", NAME], vec!["settle", "--since", NAME]]
}

fn calls_of_task<'a>() -> Vec<Vec<&'a str>> {
    let on = |command| vec![vec!["task", command, NAME], vec!["task", command, NAME, "--json"]];
    let add = [
        vec!["task", "add", NAME, NAME],
        vec!["task", "add", "api", NAME, "--json"],
        vec!["task", "add", "api", "x", "--id", NAME],
        vec!["task", "add", "api", "x", "--meta", NAME],
        vec!["task", "add", "api", "--file", NAME],
    ];
    let others = ["list", "show", "wait", "retry", "cancel", "drop", "drain", NAME];
    others.into_iter().flat_map(on).chain(add).collect()
}

/// The commands by the help, as users are told of them.
fn commands(project: &Project) -> Vec<String> {
    let help = Stream::ask(project, &["--help"]).stdout;
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn no_output_of_any_command_holds_what_a_terminal_obeys() {
    let (project, root) = repository();
    let ask = |arguments: &[&str]| {
        let arguments: Vec<&str> = ["-C", NAME].into_iter().chain(arguments.iter().copied()).collect();
        Stream::ask(&project, &arguments)
    };
    let look = |state: &str, arguments: &[&str]| {
        let said = ask(arguments);
        assert_harmless(&format!("stdout of {arguments:?}, {state}"), &said.stdout);
        assert_harmless(&format!("stderr of {arguments:?}, {state}"), &said.stderr);
    };
    let commands = commands(&project);
    assert!(commands.len() > 15, "{commands:?}");
    let own: [&[&str]; 9] = [
        &[NAME],
        &["--exit-with", NAME],
        &["--timeout", NAME],
        &["--profile", NAME],
        &["--only", NAME],
        &["-f", NAME],
        &["-C", NAME],
        &["\u{202e}stat"],
        &["--no-tui", "--\u{1b}]0;PWN\u{7}"],
    ];
    let everything = |state: &str| {
        for arguments in own {
            look(state, arguments);
        }
        for arguments in commands.iter().flat_map(|command| calls(command)) {
            look(state, &arguments);
        }
    };
    everything("nothing runs");

    let mut group = Stream::start(&project, &["-C", NAME]);
    group.wait_for("it runs", |out| out.contains("not ready") && out.contains("killed leftover"));
    // Before anything reads the names, there are more of them.
    let changed = root.join("src").join(NAME);
    wait_for("the change is seen", || {
        fs::write(&changed, format!("{:?}", std::time::Instant::now())).unwrap();
        ask(&["events"]).stdout.contains("restart")
    });
    let no_text = std::ffi::OsStr::from_bytes(b"src/no\xfftext\x1b");
    fs::write(root.join(no_text), "x").unwrap();
    wait_for("it is told", || ask(&["events"]).stdout.contains("src/no\\xfftext\\u{1b}"));
    everything("a group runs");
    let events = ask(&["events", "--json"]).stdout;
    let paths = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["path"].clone());
    assert!(paths.into_iter().any(|path| path == format!("src/{NAME}")), "programs get the true names: {events}");
    ask(&["hold", "--", env!("CARGO_BIN_EXE_devgroup"), "-C", NAME, "status", NAME]);
    look("at the end", &["down"]);
    let said = group.wait_exit();
    assert_harmless("the stream", &said.stdout);
    assert_harmless("the messages of the stream", &said.stderr);
}

#[test]
fn the_dashboard_shows_names_and_sends_none_of_their_characters() {
    let (project, root) = repository();
    let mut dash = Dash::start(&project, (200, 50), &["-C", NAME]);
    dash.wait_for_text("api");
    let changed = root.join("src").join(NAME);
    dash.wait_while_reading("the change is seen", |project| {
        fs::write(&changed, format!("{:?}", std::time::Instant::now())).unwrap();
        Stream::ask(project, &["-C", NAME, "events"]).stdout.contains("restart")
    });
    dash.wait_for("a changed file is named", |screen| screen.contains("\\u{1b}]0;PWN\\u{7}\\nFORGED"));
    for keys in ["W", key::ENTER, "q", "1d", "q", "2", "2d", "q", "l", "q", "a", "?", "q", "L", "M", "p", "p", ":"] {
        dash.keys(keys);
        dash.wait_for("a screen", |screen| !screen.trim().is_empty());
    }
    dash.keys(key::ESCAPE_IN_FULL);
    dash.keys("W");
    // The end of its path: the row may count more events than one, and cut the path for that.
    dash.wait_for_text("x\\u{2066}");
    let raw = String::from_utf8_lossy(dash.raw()).into_owned();
    for hostile in ["\u{1b}]0;", "\u{202e}", "\u{2066}", "\u{61c}", "\u{2028}", "\u{9b}", "\u{7f}", "\nFORGED"] {
        assert!(!raw.contains(hostile), "{hostile:?} reaches the terminal");
    }
    assert_eq!(dash.ask(&["-C", NAME, "down"]).code, Some(0));
    dash.wait_exit();
}

#[test]
fn no_secret_that_is_known_as_one_is_shown() {
    let token = format!("ghp_{}", "aB3x".repeat(9));
    let toml = format!(
        "name = \"shop\"\n[defaults]\nenv = {{ VAULT_TOKEN = \"hunter2zz\", JWT = \"eyJhunter2zz.x.y\", DSN = \"Server=a;Password=hunter2zz;\", \
         API = \"hunter2zz\", MY_CRED = \"hunter2zz\", SALT = \"hunter2zz\", PIN = \"hunter2zz\", CLIENT = \"mysql -uroot -phunter2zz\" }}\n\
         [services]\n\
         api = {{ run = [\"sh\", \"-c\", \"exec sleep 1000\", \"--token\", \"hunter2zz\", \"{token}\"], url = \"http://me:hunter2zz@localhost:1/\" }}\n\
         text = \"PGPASSWORD=hunter2zz PGPASS='hunter2zz' exec sleep 1000\"\n\
         curl = {{ run = [\"sh\", \"-c\", \"exec sleep 1000\", \"-H\", \"Authorization: Bearer hunter2zz\", \"https://hooks.slack.com/services/hunter2zz\"] }}\n\
         gone = {{ run = [\"/nonexistent/${{VAULT_TOKEN}}\"] }}\n\
         ask = {{ run = \"exec sleep 1000\", ready = {{ cmd = [\"/nonexistent/${{VAULT_TOKEN}}\"], timeout = \"1s\" }}, restart = \"never\" }}\n"
    );
    let project = Project::new(&toml);
    let mut group = Stream::start(&project, &[]);
    group.wait_for("all have spoken", |out| out.contains("not ready") && out.contains("could not start"));
    let look = |arguments: &[&str]| {
        let said = Stream::ask(&project, arguments);
        let text = format!("{}{}", said.stdout, said.stderr);
        assert!(!text.contains("hunter2zz") && !text.contains(&token), "{arguments:?}: {text}");
        text
    };
    for command in ["status", "events", "logs"] {
        look(&[command]);
        look(&[command, "--json"]);
    }
    assert!(look(&["logs", "gone"]).contains("/nonexistent/******"));
    assert!(look(&["logs", "text"]).contains("started · PGPASSWORD=****** PGPASS='******' exec sleep 1000"));
    look(&["restart", "gone", "--wait"]);
    look(&["doctor"]);
    let mut dash = Dash::start(&project, (200, 60), &["attach"]);
    dash.wait_for_text("api");
    for service in 1..=5 {
        dash.keys(&format!("{service}d"));
        // Only of a run that lives is the environment known.
        dash.wait_for_text(if service <= 3 { "ENVIRONMENT SET HERE" } else { "PREVIOUS RUNS" });
        dash.keys("q");
        dash.wait_for("the details are closed", |screen| {
            !screen.contains("ENVIRONMENT") && !screen.contains("PREVIOUS RUNS")
        });
    }
    let raw = String::from_utf8_lossy(dash.raw()).into_owned();
    assert!(!raw.contains("hunter2") && !raw.contains(&token));
    dash.keys("D");
    dash.wait_end();
    let down = Stream::ask(&project, &["down"]);
    assert_eq!(down.code, Some(0));
    let said = group.wait_exit();
    assert!(!said.stdout.contains("hunter2zz") && !said.stderr.contains("hunter2zz"), "{}{}", said.stdout, said.stderr);
}

#[test]
fn no_secret_of_a_folder_an_address_or_a_check_is_shown() {
    let values = "[defaults]\nenv = { DB_PASSWORD = 'hunter2zz' }\nrestart = 'never'\n[services]\n";
    let wrong = [
        "dir = '${DB_PASSWORD}'",
        "url = '${DB_PASSWORD}'",
        "ready = { port = '${DB_PASSWORD}' }",
        "ready = { http = 'http://u:${DB_PASSWORD}@localhost:1/' }",
        "alive = { http = 'http://localhost:${DB_PASSWORD}/' }",
    ];
    for text in wrong {
        let project = Project::new(&format!("{values}api = {{ run = 'exec sleep 1000', {text} }}\n"));
        // It ends by itself: nothing of it can start.
        let start = Stream::start(&project, &[]).wait_exit();
        assert!(start.stdout.contains("could not start"), "{text}: {}", start.stdout);
        let (plain, json) = (Stream::ask(&project, &["check"]), Stream::ask(&project, &["check", "--json"]));
        for (said, is_written) in [(start, false), (plain, true), (json, true)] {
            let said = format!("{}{}", said.stdout, said.stderr);
            assert!(!said.contains("hunter2"), "{text}: {said}");
            assert!(!is_written || said.contains("${DB_PASSWORD}"), "{text}: {said}");
        }
    }

    let asked = [
        ("ready", "file = '/tmp/${DB_PASSWORD}', timeout = '1s'", "not ready · file /tmp/${DB_PASSWORD}"),
        ("ready", "log = '${DB_PASSWORD}', timeout = '1s'", "not ready · log `${DB_PASSWORD}`"),
        ("ready", "http = 'http://localhost:1/${DB_PASSWORD}', timeout = '1s'", "not ready · http://localhost:1/${DB"),
        ("alive", "file = '${DB_PASSWORD}/x', max_age = '300ms'", "${DB_PASSWORD}/x not written"),
        (
            "alive",
            "http = 'http://localhost:1/${DB_PASSWORD}', every = '1s', failures = 1, grace = '0s'",
            "${DB_PASSWORD} refused",
        ),
        (
            "alive",
            "cmd = ['false', '${DB_PASSWORD}'], every = '1s', failures = 1, grace = '0s'",
            "`false ${DB_PASSWORD}`",
        ),
    ];
    let services = asked
        .iter()
        .enumerate()
        .map(|(number, (key, check, _))| format!("s{number} = {{ run = 'exec sleep 1000', {key} = {{ {check} }} }}\n"));
    let services: String = services.collect();
    let shown = "stays = { run = 'exec sleep 1000', url = 'http://localhost:1/${DB_PASSWORD}/x' }\n";
    let project = Project::new(&format!("{values}{services}{shown}"));
    let mut group = Stream::start(&project, &[]);
    group.wait_for("all are told", |out| asked.iter().all(|(_, _, told)| out.contains(told)));
    for arguments in [["events", "--json"], ["logs", "--json"], ["status", "--json"]] {
        let said = Stream::ask(&project, &arguments).stdout;
        assert!(!said.is_empty() && !said.contains("hunter2"), "{arguments:?}: {said}");
    }
    let status = Stream::ask(&project, &["status", "--json"]).stdout;
    assert!(status.contains("\"url\":\"http://localhost:1/******/x\""), "{status}");
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    let said = group.wait_exit();
    assert!(!said.stdout.contains("hunter2") && !said.stderr.contains("hunter2"), "{}{}", said.stdout, said.stderr);
}

/// Makes a pipe where a file was, if one was.
fn pipe_at(path: &Path) {
    // It need not have been there.
    let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
}

#[test]
fn pipes_and_devices_in_the_place_of_files_are_not_waited_for_and_are_told() {
    let files = [
        ".git",
        ".git/index",
        ".git/HEAD",
        ".git/info/exclude",
        ".git/config",
        ".git/packed-refs",
        ".git/logs/HEAD",
        ".git/commondir",
        ".gitignore",
        ".ignore",
    ];
    for file in files.into_iter().chain(["/dev/zero"]) {
        let project = Project::new("[services]\napi = { run = 'exec sleep 1000', watch = true }\n");
        project.write("src/a.rs", "one");
        project.git(&["init", "-q"]);
        project.git(&["add", "."]);
        match file {
            "/dev/zero" => {
                fs::remove_file(project.path(".git/index")).unwrap();
                std::os::unix::fs::symlink(file, project.path(".git/index")).unwrap();
            }
            _ => pipe_at(&project.path(file)),
        }
        let why = Stream::ask(&project, &["why", "src/a.rs"]);
        assert_eq!(why.code, Some(0), "{file}: {}", why.stderr);
        assert!(why.stdout.contains("a change restarts api"), "{file}: {}", why.stdout);
        assert!(why.stdout.contains("not a regular file"), "{file}: {}", why.stdout);
        let mut group = Stream::start(&project, &[]);
        group.wait_for_text("started");
        wait_for("something is watched", || !Stream::ask(&project, &["status"]).stdout.contains("watching 0 folders"));
        group.wait_for_message("not a regular file");
        project.write("src/a.rs", "two");
        group.wait_for_text("src/a.rs changed");
        assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
        let ended = group.wait_exit();
        assert_eq!(ended.code, Some(0), "{file}");
        assert_eq!(ended.stderr.matches("not a regular file").count(), 1, "{file}: {}", ended.stderr);
    }
}

#[test]
fn a_link_is_not_written_through() {
    let project = Project::empty();
    project.write("Procfile", "web: echo hello\n");
    fs::write(project.root().join("../precious"), "mine").unwrap();
    std::os::unix::fs::symlink("../precious", project.path("procgroup.toml")).unwrap();
    let init = Stream::ask(&project, &["init", "--force"]);
    assert_eq!(init.code, Some(2), "{}", init.stdout);
    assert!(init.stderr.contains("procgroup.toml is a link to ../precious"), "{}", init.stderr);
    assert_eq!(fs::read_to_string(project.root().join("../precious")).unwrap(), "mine");
    fs::remove_file(project.path("procgroup.toml")).unwrap();
    project.write("procgroup.toml", "old");
    assert_eq!(Stream::ask(&project, &["init", "--force"]).code, Some(0));
    assert!(project.read("procgroup.toml").contains("echo hello"));
}

#[test]
fn init_reads_no_file_that_a_link_names_outside_of_the_folder() {
    let project = Project::empty();
    fs::write(project.root().join("../own"), "key: hunter2\n").unwrap();
    std::os::unix::fs::symlink("../own", project.path("Procfile")).unwrap();
    let init = Stream::ask(&project, &["init"]);
    let said = format!("{}{}{}", init.stdout, init.stderr, project.read("procgroup.toml"));
    assert!(said.contains("Procfile") && said.contains("a link that leads out of this folder"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    // One within it is as good as a file.
    project.write("real", "web: echo hello\n");
    fs::remove_file(project.path("Procfile")).unwrap();
    std::os::unix::fs::symlink("real", project.path("Procfile")).unwrap();
    assert_eq!(Stream::ask(&project, &["init", "--force"]).code, Some(0));
    assert!(project.read("procgroup.toml").contains("echo hello"));
}

/// A shell by its name, if it is here.
fn has_shell(shell: &str) -> bool {
    let is_there = Command::new(shell).args(["-c", "true"]).output().is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!("skipped: needs {shell}");
    }
    is_there
}

#[test]
fn what_a_shell_completes_is_a_word_and_no_command() {
    const EVIL: &str = "x$(touch${IFS}PWN)";
    for (shell, options, source) in [
        ("bash", ["--norc", "--noprofile"], "source ./script\r"),
        ("zsh", ["-f", "-i"], "autoload -U compinit; compinit -u; source ./script\r"),
        ("fish", ["--no-config", "-i"], "source ./script\r"),
    ] {
        if !has_shell(shell) {
            continue;
        }
        let folder = Path::new(env!("CARGO_BIN_EXE_devgroup")).parent().unwrap().display().to_string();
        let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
        let project = Project::new(&format!("[services]\n'{EVIL}' = 'true'\n")).with_env("PATH", &path);
        let file = format!("y{EVIL}.toml");
        project.write(&file, "");
        project.write("script", Stream::ask(&project, &["completions", shell]).stdout);
        let mut dash = Dash::start_program(&project, shell, (120, 40), &options);
        dash.keys(source);
        dash.keys("echo be''gin\r");
        dash.wait_for_text("begin");
        for (words, completed) in [("devgroup logs x", "touch"), ("devgroup check -f y", "touch")] {
            dash.keys(words);
            dash.keys("\t");
            dash.wait_for(&format!("{shell} completes {words}"), |screen| screen.contains(completed));
            dash.keys("\r");
            dash.keys("echo do''ne; clear; echo re''ady\r");
            dash.wait_for("it was run", |screen| screen.contains("ready"));
            assert!(!project.path("PWN").exists(), "{shell} has run what was completed behind `{words}`");
        }
        dash.keys("exit\r");
        wait_for_within(crate::harness::PATIENCE, "the shell has ended", || project.processes().is_empty());
    }
}
