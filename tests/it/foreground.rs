//! `devgroup run` and `devgroup exec`: in the terminal of the user, with a group and without, and with nothing left.

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Dash, Project, Stream, detach, down, kill, wait_for};

/// A job that needs a service, which is ready when it says so.
const SHOP: &str = r#"
    name = "shop"
    [services.db]
    run = "echo db runs >> ../starts; until [ -e ../go ]; do sleep 0.01; done; echo db up; exec sleep 1000"
    ready = { log = "db up" }

    [services.migrate]
    kind = "job"
    run = "echo migrating for $NAME in $PWD; echo \"$DEVGROUP $DEVGROUP_SERVICE\"; exit $CODE"
    dir = "sql"
    env = { NAME = "shop", CODE = "${CODE:-0}" }
    depends_on = ["db"]

    [services.list]
    kind = "job"
    run = ["printf", "<%s>"]

    [services.text]
    kind = "job"
    run = "printf '<%s>' first"
    "#;

fn shop() -> Project {
    let project = Project::new(SHOP);
    project.write("sql/1.sql", "");
    project.write("../go", "");
    project
}

fn status(project: &Project, place: usize) -> Value {
    let asked = Stream::ask(project, &["status", "--json"]);
    let status: Value = serde_json::from_str(&asked.stdout).unwrap();
    status["services"][place].clone()
}

#[test]
fn a_job_starts_what_it_needs_and_takes_it_down_again() {
    let project = shop();
    std::fs::remove_file(project.path("../go")).unwrap();
    let mut running = Stream::start(&project, &["run", "migrate"]);
    running.wait_for_message("waiting for db");
    project.write("../go", "");
    let ran = running.wait_exit();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let folder = project.path("sql");
    assert_eq!(ran.stdout, format!("migrating for shop in {}\n1 migrate\n", folder.display()));
    assert_eq!(ran.stderr, "migrate: waiting for db to be ready\n");
    assert_eq!(project.lines("../starts"), 1);
    let none = Stream::ask(&project, &["status"]);
    assert_eq!(none.code, Some(4), "its group has ended: {}", none.stdout);
    let project = project.with_env("CODE", "3");
    let ran = Stream::run(&project, &["run", "migrate"]);
    assert_eq!((ran.code, project.lines("../starts")), (Some(3), 2), "{}", ran.stderr);
}

#[test]
fn a_group_that_runs_is_used_and_goes_on() {
    let project = shop().with_env("CODE", "3");
    let started = Stream::ask(&project, &["-d", "list"]);
    assert_eq!(started.code, Some(0), "{}", started.stderr);
    let ran = Stream::ask(&project, &["run", "migrate"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert_eq!(status(&project, 0)["state"], "ready", "db was started there, and goes on");
    let again = Stream::ask(&project, &["run", "migrate"]);
    assert_eq!((again.code, again.stderr.as_str(), project.lines("../starts")), (Some(3), "", 1));
    let log = Stream::ask(&project, &["logs", "migrate"]).stdout;
    assert!(log.contains("── running in another terminal · pid "), "{log}");
    assert!(log.contains("── ended in another terminal · exit 3 · after "), "{log}");
    down(&project);
}

#[test]
fn a_run_in_a_group_that_goes_on_counts_although_nobody_wanted_the_job_up() {
    let project = shop();
    detach_list(&project);
    assert_eq!(Stream::ask(&project, &["run", "text"]).code, Some(0));
    assert_eq!(status(&project, 3)["state"], "done");
    let unknown = Stream::ask(&project, &["run", "migrat"]);
    assert_eq!(unknown.code, Some(6), "{}", unknown.stderr);
    let said = "error: unknown job `migrat`\n  help: did you mean `migrate`? jobs here: migrate, list, text\n";
    assert_eq!(unknown.stderr, said);
    project.write("procgroup.toml", format!("{SHOP}\n[services.broken]\n"));
    let broken = Stream::ask(&project, &["exec", "db", "--", "true"]);
    assert_eq!(broken.code, Some(3), "{}", broken.stderr);
    assert!(broken.stderr.contains("  note: the running group still uses the previous version"), "{}", broken.stderr);
    let looked = Stream::ask(&project, &["doctor"]).stdout;
    assert!(looked.contains("ok    loop ") && looked.contains("ok    state "), "{looked}");
    assert!(looked.contains("ports, variables and tasks were not checked: the file has problems"), "{looked}");
    project.write("procgroup.toml", SHOP);
    down(&project);
}

#[test]
fn the_group_of_a_run_says_that_it_is_temporary() {
    let project = shop();
    std::fs::remove_file(project.path("../go")).unwrap();
    let mut running = Stream::start(&project, &["run", "migrate"]);
    running.wait_for_message("waiting for db");
    let told = "temporary, for `devgroup run migrate`";
    let second = Stream::ask(&project, &["-d"]);
    assert_eq!(second.code, Some(1), "{}", second.stderr);
    assert!(second.stderr.contains(&format!("  note: that group is {told}, and ends with it")), "{}", second.stderr);
    for command in ["status", "ls"] {
        let asked = Stream::ask(&project, &[command]);
        assert!(asked.stdout.contains(told), "{command}: {}", asked.stdout);
    }
    project.write("../go", "");
    assert_eq!(running.wait_exit().code, Some(0));
    detach_list(&project);
    assert!(!Stream::ask(&project, &["status"]).stdout.contains("temporary"));
    down(&project);
}

fn detach_list(project: &Project) {
    let started = Stream::ask(project, &["-d", "list"]);
    assert_eq!(started.code, Some(0), "{}", started.stderr);
}

#[test]
fn runs_in_a_terminal_are_in_the_run_history_with_their_exits() {
    let project = shop().with_env("CODE", "3");
    // Alone, with a group for what it needs, and with one that runs.
    assert_eq!(Stream::run(&project, &["run", "text"]).code, Some(0));
    assert_eq!(Stream::run(&project, &["run", "migrate"]).code, Some(3));
    let mut dash = Dash::start(&project, (120, 50), &[]);
    dash.wait_for("the group is there", |screen| screen.contains("text"));
    wait_for("it has run", || status(&project, 3)["state"] == "done");
    assert_eq!(Stream::ask(&project, &["run", "text", "--", "more"]).code, Some(0));
    dash.keys(":select text\rd");
    let runs = |screen: &str| {
        screen.lines().filter(|line| line.contains("elsewhere") && line.contains("devgroup run")).count()
    };
    dash.wait_for("both are told", |screen| runs(screen) == 2 && screen.contains("run 1"));
    let closed = |screen: &str| !screen.contains("PREVIOUS RUNS");
    dash.keys("\u{1b}");
    dash.wait_for("the details are closed", closed);
    dash.keys(":select migrate\rd");
    dash.wait_for("its exit is told", |screen| {
        screen.lines().any(|line| line.contains("devgroup run") && line.contains("exit 3"))
    });
    dash.keys("\u{1b}");
    dash.wait_for("the details are closed", closed);
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
}

#[test]
fn arguments_are_appended_and_never_pasted() {
    let project = shop();
    for (job, words, expected) in [
        ("list", &["a b", "$(echo no)", "--json"][..], "<a b><$(echo no)><--json>"),
        ("text", &["a b", "$(echo no); exit 4"][..], "<first><a b><$(echo no); exit 4>"),
        ("text", &[][..], "<first>"),
    ] {
        let arguments: Vec<&str> = ["run", job, "--"].into_iter().chain(words.iter().copied()).collect();
        let ran = Stream::run(&project, &arguments);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), expected, ""), "{arguments:?}");
    }
}

#[test]
fn what_cannot_be_run_is_said() {
    let project = shop();
    let cases = [
        (&["run", "db"][..], 2, "`db` is a service, not a job"),
        (&["run", "migrat"], 6, "did you mean `migrate`?"),
        (&["exec", "dB", "true"], 6, "did you mean `db`?"),
        (&["exec", "db", "no-such-program"], 127, "program not found: no-such-program"),
        (&["exec", "db", "./sql"], 126, "a folder, not a program: ./sql"),
        (&["exec", "migrate", "./1.sql"], 126, "not executable: ./1.sql"),
    ];
    for (arguments, code, said) in cases {
        let ran = Stream::run(&project, arguments);
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
    }
    assert_eq!(project.lines("../starts"), 0);
}

#[test]
fn a_dependency_that_fails_is_told_with_its_last_lines() {
    let project = shop();
    project.write("procgroup.toml", SHOP.replace("exec sleep 1000", "exit 7").replace("db up\" }", "never\" }"));
    let ran = Stream::run(&project, &["run", "migrate"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(5), ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("error: migrate cannot run: db failed (exit 7)\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("\n  db │ db up\n"), "{}", ran.stderr);
}

/// A job that tells that it runs, and how it is ended; it leaves something behind, in a session of its own.
const WAITS: &str = r#"
    name = "shop"
    [services.db]
    run = "exec sleep 1000"

    [services.test]
    kind = "job"
    run = "trap 'echo INT; exit 9' INT; trap 'echo TERM; kill -9 $$' TERM; (setsid sleep 1000 &); echo test runs; while :; do sleep 0.02; done"
    depends_on = ["db"]
    "#;

#[test]
fn signals_are_passed_on_and_nothing_is_left() {
    for (signal, said, code) in [(Signal::INT, "INT", 9), (Signal::TERM, "TERM", 137)] {
        let project = Project::new(WAITS);
        let mut run = Stream::start(&project, &["run", "test"]);
        run.wait_for_text("test runs\n");
        run.signal(signal);
        let ended = run.wait_exit();
        assert_eq!((ended.code, ended.stdout), (Some(code), format!("test runs\n{said}\n")), "{}", ended.stderr);
        assert!(ended.stderr.contains("killed leftover processes · s"), "{}", ended.stderr);
    }
}

#[test]
fn nothing_is_left_whatever_kills_it() {
    for guard in [true, false] {
        let project = Project::new(WAITS);
        let mut run = Stream::start(&project, &["run", "test"]);
        run.wait_for_text("test runs\n");
        match guard {
            // The group that was started for it notices.
            true => run.signal(Signal::KILL),
            false => kill(i32::try_from(run.program()).unwrap(), Signal::KILL),
        }
        if guard {
            drop(run);
            wait_for("its group has ended", || Stream::ask(&project, &["status"]).code == Some(4));
        } else {
            assert_eq!(run.wait_exit().code, Some(137));
        }
    }
}

#[test]
fn it_owns_the_terminal() {
    let project = Project::new(
        "name = 'shop'\n[services.db]\nrun = 'exec sleep 1000'\n[services.ask]\nkind = 'job'\ndepends_on = ['db']\n\
         run = \"trap 'echo got-int; exit 5' INT; test -t 0 && test -t 1 && echo is-$TERM; read name; echo hello-$name; read more\"\n",
    );
    let devgroup = env!("CARGO_BIN_EXE_devgroup");
    for how in [
        "run ask",
        "exec db -- sh -c 'trap \"echo got-int; exit 5\" INT; echo is-$TERM; read name; echo hello-$name; read more'",
    ] {
        let script = format!("trap : INT; {devgroup} {how}; echo over-$?; read line");
        let mut dash = Dash::start_program(&project, "sh", (100, 30), &["-c", &script]);
        dash.wait_for_text("is-xterm-256color");
        dash.keys("ada\n");
        dash.wait_for_text("hello-ada");
        dash.keys("\x03");
        let screen = dash.wait_for_text("over-5");
        assert!(screen.contains("got-int"), "{screen}");
        dash.keys("\n");
        dash.wait_end();
    }
}

#[test]
fn the_dashboard_shows_it_and_does_not_start_it_meanwhile() {
    let project = Project::new(
        "name = 'shop'\n[services.test]\nkind = 'job'\nautostart = false\n\
         run = 'echo ran >> ../runs; until test -e ../go; do sleep 0.02; done'\n[services.api]\nrun = 'exec sleep 1000'\n",
    );
    let mut dash = Dash::start(&project, (120, 30), &[]);
    dash.wait_for_text("api");
    let run = Stream::start(&project, &["run", "test"]);
    dash.wait_for("the job is elsewhere", |screen| screen.contains("elsewhere"));
    let test = status(&project, 0);
    assert_eq!((&test["state"], test["elsewhere"].is_u64()), (&"running".into(), true), "{test}");
    assert!(test["reason"].as_str().unwrap().starts_with("running in another terminal (pid "), "{test}");
    let second = Stream::ask(&project, &["run", "test"]);
    assert_eq!(second.code, Some(1), "{}", second.stderr);
    assert!(second.stderr.contains("error: test is already running in another terminal (pid "), "{}", second.stderr);
    let stopped = Stream::ask(&project, &["stop", "test"]).stdout;
    assert!(stopped.starts_with("test: still running in another terminal (pid "), "{stopped}");
    for order in ["start", "restart"] {
        let told = Stream::ask(&project, &[order, "test"]);
        assert_eq!(told.code, Some(0), "{}", told.stderr);
        assert!(told.stdout.starts_with("test: running in another terminal (pid "), "{}", told.stdout);
        assert!(told.stdout.ends_with("); the group runs it after that\n"), "{}", told.stdout);
    }
    wait_for("it is waited for", || {
        Stream::ask(&project, &["logs", "test"]).stdout.contains("waiting for the run in another")
    });
    assert_eq!(project.lines("../runs"), 1);
    project.write("../go", "");
    assert_eq!(run.wait_client().code, Some(0));
    wait_for("it runs in the group now", || project.lines("../runs") == 2 && status(&project, 0)["state"] == "done");
    crate::harness::quit(dash);
}

#[test]
fn inputs_that_are_as_before_run_nothing_unless_they_are_to() {
    let project = Project::new(
        "name = 'shop'\n[services.install]\nkind = 'job'\nrun = 'echo ran >> ../runs'\ninputs = ['lock']\n",
    );
    project.write("lock", "one");
    let run = |arguments: &[&str]| {
        let ran = Stream::run(&project, arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        (ran.stderr, project.lines("../runs"))
    };
    assert_eq!(run(&["run", "install"]), (String::new(), 1));
    let (said, runs) = run(&["run", "install"]);
    assert!(
        said.starts_with("install: done · lock unchanged since the last success (") && said.contains("--force"),
        "{said}"
    );
    assert_eq!(runs, 1);
    assert_eq!(run(&["run", "install", "--force"]).1, 2);
    assert_eq!(run(&["run", "install"]).1, 2);
    assert_eq!(run(&["run", "install", "--", "more"]).1, 3);
    assert_eq!(run(&["run", "install"]).1, 4, "with other arguments it was another run");
    detach(&project);
    wait_for("the group knows", || status(&project, 0)["state"] == "done");
    assert_eq!(project.lines("../runs"), 4);
    down(&project);
}

#[test]
fn exec_has_the_environment_of_the_service_and_is_not_it() {
    let project = Project::new(
        "name = 'shop'\n[services.api]\nrun = 'exec sleep 1000'\ndir = 'web'\nenv = { PORT = '4000', WORD = '${PORT}!' }\n",
    );
    project.write("web/x", "");
    let text = "echo $PORT $WORD $DEVGROUP_SERVICE ${DEVGROUP_SOCKET:+socket}; pwd; exit 7";
    let expected = |socket: &str| format!("4000 4000! api{socket}\n{}\n", project.path("web").display());
    let ran = Stream::run(&project, &["exec", "api", "--", "sh", "-c", text]);
    assert_eq!((ran.code, ran.stdout), (Some(7), expected("")), "{}", ran.stderr);
    detach(&project);
    let ran = Stream::ask(&project, &["exec", "api", "sh", "-c", text]);
    assert_eq!((ran.code, ran.stdout), (Some(7), expected(" socket")), "{}", ran.stderr);
    down(&project);
    // A group may be started in it: it is none of the service's runs.
    let devgroup = env!("CARGO_BIN_EXE_devgroup");
    let ran = Stream::run(&project, &["exec", "api", "--", devgroup, "--no-tui", "--timeout", "300ms"]);
    assert_eq!(ran.code, Some(124), "{}", ran.stderr);
}

#[test]
fn an_instance_has_the_same_port_with_a_group_and_without() {
    let project = Project::new("[services]\nw = { run = \"exec sleep 1000\", replicas = 2, port = \"auto\" }\n");
    let port = |name: &str| Stream::ask(&project, &["exec", name, "--", "printenv", "PORT"]).stdout.trim().to_owned();
    let url = |name: &str| Stream::ask(&project, &["url", name]).stdout;
    let (one, two) = (port("w.1"), port("w.2"));
    assert!(one != two && !one.is_empty(), "{one} {two}");
    let check = Stream::ask(&project, &["check"]).stdout;
    assert!(check.contains(&format!("ports: w.1 {one} · w.2 {two}")), "{check}");
    assert_eq!(url("w.2"), format!("http://localhost:{two}\n"));
    detach(&project);
    assert_eq!((port("w.1"), port("w.2"), url("w.2")), (one, two.clone(), format!("http://localhost:{two}\n")));
    down(&project);
}

#[test]
fn a_job_that_runs_in_a_terminal_is_not_run_in_a_second_one_though_no_group_runs() {
    let project = Project::new(
        "name = 'shop'\n[services.db]\nrun = 'exec sleep 1000'\n\
         [services.alone]\nkind = 'job'\nrun = 'echo ran >> ../runs; until test -e ../go; do sleep 0.02; done'\n\
         [services.needs]\nkind = 'job'\ndepends_on = ['db']\nrun = 'echo ran >> ../runs; until test -e ../go; do sleep 0.02; done'\n",
    );
    for (job, runs) in [("alone", 1), ("needs", 3)] {
        let first = Stream::start(&project, &["run", job]);
        wait_for("the first runs", || project.path("../runs").exists() && project.lines("../runs") == runs);
        let second = Stream::ask(&project, &["run", job]);
        let said = format!("error: {job} is already running in another terminal (pid {}, since ", first.program());
        assert!(second.code == Some(1) && second.stderr.starts_with(&said), "{said}: {}", second.stderr);
        assert_eq!(project.lines("../runs"), runs);
        project.write("../go", "");
        assert_eq!(first.wait_exit().code, Some(0));
        assert_eq!(Stream::run(&project, &["run", job]).code, Some(0), "it is free again");
        std::fs::remove_file(project.path("../go")).unwrap();
    }
    // The lock ends with its holder, however that ends.
    let first = Stream::start(&project, &["run", "alone"]);
    wait_for("it runs", || project.lines("../runs") == 5);
    kill(i32::try_from(first.program()).unwrap(), Signal::KILL);
    first.wait_killed();
    project.write("../go", "");
    let next = Stream::run(&project, &["run", "alone"]);
    assert_eq!(next.code, Some(0), "{}", next.stderr);
}

#[test]
fn a_command_without_its_words_is_told_how_it_is_written() {
    let project = shop();
    for arguments in [&["exec", "db"][..], &["exec", "--", "env"], &["exec", "db", "--"]] {
        let told = Stream::ask(&project, arguments);
        assert!(told.code == Some(2) && told.stderr.contains("devgroup exec SERVICE -- COMMAND…"), "{}", told.stderr);
    }
}
