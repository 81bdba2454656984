//! Prefixed lines: what is printed into a pipe, and with which code it ends.

use rustix::process::Signal;

use crate::harness::{Dash, Project, Stream, key};

#[test]
fn lines_carry_aligned_prefixes_without_colours_and_name_what_happened() {
    let project = Project::new(
        r#"
        [services]
        api = { run = "printf '\\033[31mred\\033[0m one\\n'; exec sleep 1000" }
        worker = "echo two; exec sleep 1000"
        "#,
    );
    let mut stream = Stream::start(&project, &[]);
    let out = stream.wait_for("both have spoken", |out| out.contains("api    │ red") && out.contains("worker │ two"));
    assert!(out.contains("api    │ red one\n"), "{out}");
    assert!(out.contains("worker │ two\n"), "{out}");
    assert!(out.contains("worker │ ── started · echo two; exec sleep 1000 · pid "), "{out}");
    assert!(!out.contains('\x1b'), "no escape sequence belongs into a pipe: {out:?}");
    stream.signal(Signal::TERM);
    let ended = stream.wait_exit();
    assert_eq!(ended.code, Some(143));
    assert!(ended.stderr.contains("2 services stopped"), "{}", ended.stderr);
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let text = r#"
        [services]
        api = { run = "printf '\\033[31mred\\033[0m one\\n'; exec sleep 1000" }
        worker = "exec sleep 1000"
        "#;
    for (name, value, colored) in [("TERM", "xterm", true), ("NO_COLOR", "1", false), ("TERM", "dumb", false)] {
        let project = Project::new(text).with_env(name, value);
        let mut dash = Dash::start(&project, (100, 30), &["--no-tui"]);
        dash.wait_for_text("api    │ red one");
        let raw = String::from_utf8_lossy(dash.raw()).into_owned();
        assert_eq!(raw.contains("\x1b["), colored, "{name}={value}: {raw:?}");
        dash.signal(Signal::INT);
        assert_eq!(dash.wait_exit().code, Some(130));
    }
}

#[test]
fn a_terminal_in_ci_gets_lines_too() {
    let project = Project::new("[services]\napi = \"echo one; exec sleep 1000\"\n").with_env("CI", "true");
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("api │ one");
    dash.keys(key::CTRL_C);
    assert_eq!(dash.wait_exit().code, Some(130));
}

#[test]
fn a_line_without_an_end_is_printed_in_time_and_once() {
    let project = Project::new("[services]\napi = \"printf 'Password: '; read answer; echo never; exec sleep 1000\"\n");
    let mut stream = Stream::start(&project, &[]);
    stream.wait_for_text("api │ Password:");
    stream.signal(Signal::TERM);
    let ended = stream.wait_exit();
    assert_eq!(ended.stdout.matches("Password:").count(), 2, "once in the marker, once as output: {}", ended.stdout);
}

#[test]
fn output_just_before_the_exit_is_never_lost() {
    let project = Project::new(
        "[services]\njob = { run = 'i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line-$i-; done', kind = 'job' }\n",
    );
    let ended = Stream::run(&project, &[]);
    assert_eq!(ended.code, Some(0));
    let lines = ended.stdout.lines().filter(|line| line.starts_with("job │ line-")).count();
    assert_eq!(lines, 2000);
    assert!(ended.stdout.contains("line-2000-"));
}

#[test]
fn tasks_in_order_end_by_themselves() {
    let project = Project::new(
        r#"
        [services]
        build   = { run = "echo build >> ran", kind = "job" }
        migrate = { run = "echo migrate >> ran", kind = "job", depends_on = ["build"] }
        seed    = { run = "echo seed >> ran", kind = "job", depends_on = { migrate = "done" } }
        "#,
    );
    let ended = Stream::run(&project, &["--no-tui"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(project.read("ran"), "build\nmigrate\nseed\n");
}

#[test]
fn a_failed_task_is_a_failure_and_keeps_those_behind_it() {
    let project = Project::new(
        r#"
        [services]
        build   = { run = "echo broken; exit 7", kind = "job" }
        migrate = { run = "echo migrate >> ran", kind = "job", depends_on = ["build"] }
        "#,
    );
    let ended = Stream::run(&project, &[]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert_eq!(project.read("ran"), "");
    assert!(ended.stdout.contains("── exited · code 7"), "{}", ended.stdout);
    assert!(ended.stderr.contains("failed: build"), "{}", ended.stderr);
}

#[test]
fn the_end_of_the_chosen_service_is_the_end() {
    let project = Project::new(
        r#"
        [services]
        db   = "echo ready; exec sleep 1000"
        test = { run = "echo testing; exit 42", kind = "job", depends_on = ["db"] }
        "#,
    );
    let ended = Stream::run(&project, &["--exit-with", "test"]);
    assert_eq!(ended.code, Some(42), "{ended:?}");
    assert!(ended.stdout.contains("test │ testing"), "{}", ended.stdout);
}

#[test]
fn a_service_that_is_removed_from_the_file_is_said_to_be() {
    let project =
        Project::new("[services]\ndb = 'echo db-up; exec sleep 1000'\napi = 'echo api-up; exec sleep 1000'\n");
    let mut stream = Stream::start(&project, &[]);
    stream.wait_for("both are up", |out| out.contains("db-up") && out.contains("│ api-up"));
    project.write("procgroup.toml", "[services]\ndb = 'echo db-up; exec sleep 1000'\n");
    let out = stream.wait_for_text("── removed · no longer in the group · ");
    assert!(out.contains("api │ ── removed") && !out.contains("db  │ ── removed"), "{out}");
    stream.signal(Signal::TERM);
    let ended = stream.wait_exit();
    assert_eq!(ended.stdout.matches("── removed").count(), 1, "{}", ended.stdout);
}

#[test]
fn without_the_chosen_service_in_the_file_nothing_is_waited_for() {
    let project =
        Project::new("[services]\ndb = 'echo db-up; exec sleep 1000'\ntest = 'echo testing; exec sleep 1000'\n");
    let mut stream = Stream::start(&project, &["--exit-with", "test"]);
    stream.wait_for("both are up", |out| out.contains("db-up") && out.contains("│ testing"));
    project.write("procgroup.toml", "[services]\ndb = 'echo db-up; exec sleep 1000'\n");
    let ended = stream.wait_exit();
    assert_eq!(ended.code, Some(5), "{ended:?}");
    for part in ["test, the --exit-with service, is no longer in the group: stopping the group", "stopped"] {
        assert!(ended.stderr.contains(part), "{part} is missing in {}", ended.stderr);
    }
}

#[test]
fn the_chosen_service_may_be_killed_by_a_signal() {
    let project = Project::new("[services]\ntest = { run = 'kill -9 $$', kind = 'job' }\n");
    assert_eq!(Stream::run(&project, &["--exit-with", "test"]).code, Some(137));
}

#[test]
fn the_time_can_be_limited() {
    let project = Project::new("[services]\napi = \"exec sleep 1000\"\n");
    let ended = Stream::run(&project, &["--timeout", "300ms"]);
    assert_eq!(ended.code, Some(124), "{ended:?}");
}

#[test]
fn a_reader_that_leaves_ends_the_group() {
    let project = Project::new("[services]\napi = \"while :; do echo again; sleep 0.05; done\"\n");
    let mut stream = Stream::start(&project, &[]);
    stream.wait_for_text("again");
    stream.close_stdout();
    let ended = stream.wait_exit();
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[test]
fn wrong_usage_is_told_apart_from_a_wrong_file_and_a_wrong_name() {
    let project = Project::new("[services]\napi = \"exec sleep 1000\"\n");
    assert_eq!(Stream::run(&project, &["--no-such-flag"]).code, Some(2));
    assert_eq!(Stream::run(&project, &["--timeout", "5"]).code, Some(2), "a duration has a unit");
    let unknown = Stream::run(&project, &["apii"]);
    assert_eq!(unknown.code, Some(6), "{unknown:?}");
    assert!(unknown.stderr.contains("api"), "a near name is offered: {}", unknown.stderr);
    assert_eq!(Stream::run(&project, &["--exit-with", "nobody"]).code, Some(6));
    assert_eq!(Stream::run(&project, &["-f", "missing.toml"]).code, Some(3));
    assert_eq!(Stream::run(&Project::empty(), &[]).code, Some(3));
    assert_eq!(Stream::run(&project, &["--help"]).code, Some(0));
}

#[test]
fn a_file_in_another_language_is_recognised() {
    let project = Project::new("services:\n  web:\n    command: npm run dev\n");
    let ended = Stream::run(&project, &[]);
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("YAML") && ended.stderr.contains("help:"), "{}", ended.stderr);
    assert!(ended.stdout.is_empty(), "messages go to stderr: {}", ended.stdout);
}

#[test]
fn a_service_gets_what_it_is_promised_in_its_environment() {
    let project = Project::new(
        r#"
        [services.env]
        run  = 'echo "$DEVGROUP $DEVGROUP_SERVICE $TERM $COLORTERM ${DEVGROUP_RUN:+run} $GREETING $FROM_FILE"'
        kind = "job"
        env  = { GREETING = "hello ${FROM_FILE}" }
        env_file = ".env"
        "#,
    );
    project.write(".env", "FROM_FILE=\"file's\"\n");
    let ended = Stream::run(&project, &[]);
    assert!(ended.stdout.contains("env │ 1 env xterm-256color truecolor run hello file's file's"), "{}", ended.stdout);
}

#[test]
fn output_that_is_no_text_is_shown_as_far_as_it_is() {
    let project = Project::new("[services]\njob = { run = \"printf 'a\\\\377\\\\376b ok\\\\n'\", kind = 'job' }\n");
    let ended = Stream::run(&project, &[]);
    assert!(ended.stdout.contains("a\u{fffd}\u{fffd}b ok"), "{}", ended.stdout);
}

#[test]
fn a_service_keeps_the_group_going_after_its_first_crash() {
    let project = Project::new(
        r#"
        [services.api]
        run     = "echo try >> tries; echo up; exit 3"
        ready   = { log = "up" }
        backoff = { initial = "10ms", max = "20ms" }
        breaker = { failures = 3, within = "60s", cooldown = "1h" }
        "#,
    );
    let mut stream = Stream::start(&project, &[]);
    let out = stream.wait_for_text("gave up · 3 crashes");
    assert!(out.contains("crash 2 of 3"), "{out}");
    assert_eq!(project.lines("tries"), 3);
    stream.signal(Signal::TERM);
    let ended = stream.wait_exit();
    assert!(ended.stderr.contains("failed: api"), "{}", ended.stderr);
}
