//! The user's own file: keys, questions, notifications; and what is said when something is wrong with it.

use crate::harness::{Dash, Project, Stream, wait_for};

const QUIET: &str = "[services]\napi = \"echo up; exec sleep 1000\"\n";

fn project(preferences: &str) -> Project {
    let project = Project::new(QUIET);
    project.write("../home/config/devgroup/config.toml", preferences);
    project
}

fn runs(project: &Project) -> serde_json::Value {
    let status = Stream::ask(project, &["status", "--json"]);
    serde_json::from_str::<serde_json::Value>(&status.stdout)
        .map_or(0.into(), |status| status["services"][0]["run"].clone())
}

#[test]
fn the_user_s_keys_act_and_are_shown() {
    let project = project("[keys.normal]\nctrl-r = \"restart\"\nr = \"none\"\n");
    let help = Stream::ask(&project, &["help", "keys"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    let is_shown = |key: &str| help.stdout.lines().any(|line| line.starts_with(&format!("  {key} ")));
    assert!(is_shown("Ctrl-r") && !is_shown("r"), "{}", help.stdout);
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("Ctrl-r restart  / search");
    wait_for("it runs", || runs(&project) == 1);
    dash.keys("r");
    dash.keys("?");
    dash.wait_for("the help shows it", |screen| screen.contains("Ctrl-r") && screen.contains("restart menu"));
    dash.keys("\x1b");
    dash.wait_for("it is closed", |screen| !screen.contains("restart menu"));
    dash.keys("\x12");
    wait_for("it has restarted", || runs(&project) == 2);
    dash.keys("q");
    dash.wait_exit();
}

#[test]
fn the_layout_is_as_it_was_chosen_last_for_the_project_or_else_as_the_user_wants_it() {
    let services = ["one", "two"].map(|name| format!("{name} = \"echo {name}-says''-hello; exec sleep 1000\"\n"));
    let project = Project::new(&format!("[services]\n{}", services.concat()));
    project.write("../home/config/devgroup/config.toml", "layout = \"single\"\n");
    let only_one = |screen: &str| screen.contains("one-says-hello") && screen.contains("2 ● two");
    let both = |screen: &str| screen.contains("one-says-hello") && screen.contains("two-says-hello");
    let mut dash = Dash::start(&project, (160, 50), &[]);
    let screen = dash.wait_for("the selected log", only_one);
    assert!(!screen.contains("── 2 two "), "{screen}");
    dash.keys("L");
    dash.wait_for_text("layout: auto");
    dash.wait_for("both logs", both);
    dash.keys("q");
    dash.wait_exit();
    let mut dash = Dash::start(&project, (160, 50), &[]);
    dash.wait_for("both logs again, whatever the user wants elsewhere", both);
    dash.keys("LLL");
    dash.wait_for_text("layout: single");
    dash.keys("q");
    dash.wait_exit();
    project.write("../home/config/devgroup/config.toml", "layout = \"grid\"\n");
    let mut dash = Dash::start(&project, (160, 50), &[]);
    let screen = dash.wait_for("the selected log again", only_one);
    assert!(!screen.contains("── 2 two "), "{screen}");
    dash.keys("q");
    dash.wait_exit();
}

#[test]
fn mistakes_are_said_and_cost_only_themselves() {
    let project = project("glyphs = \"ascii\"\n[keys.normal]\nr = \"restrat\"\nctrl-r = \"restart\"\n");
    let help = Stream::ask(&project, &["help", "keys"]);
    assert_eq!(help.code, Some(0));
    assert!(
        help.stderr.contains("[config.toml:3:5]") && help.stderr.contains("did you mean `restart`,"),
        "{}",
        help.stderr
    );
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("config.toml:3:5: unknown action `restrat`");
    dash.wait_for("the rest counts", |screen| screen.contains("-- 1 ") && !screen.contains('─'));
    dash.keys("r");
    wait_for("the default is in force", || runs(&project) == 2);
    dash.keys("q");
    dash.wait_exit();
    project.write("../home/config/devgroup/config.toml", b"theme = \"\xff\"\n");
    assert!(Stream::ask(&project, &["help", "keys"]).stderr.contains("`config.toml` is not UTF-8"));
}

#[test]
fn who_wants_to_be_asked_before_the_end_is_asked() {
    let project = project("confirm_quit = true\n");
    let mut dash = Dash::start(&project, (100, 30), &[]);
    wait_for("it runs", || runs(&project) == 1);
    dash.keys("q");
    dash.wait_for_text("stop 1 service and quit? press q again");
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
}

#[test]
fn a_failure_is_told_while_somebody_looks_elsewhere() {
    let project = Project::new("[services]\napi = { run = \"read x; exit 3\", restart = \"never\" }\n");
    project.write("../home/config/devgroup/config.toml", "notifications = \"osc9\"\n");
    let told = |dash: &Dash<'_>| String::from_utf8_lossy(dash.raw()).contains("\x1b]9;app: api failed");
    let mut dash = Dash::start(&project, (100, 30), &[]);
    wait_for("it runs", || runs(&project) == 1);
    dash.wait_for("it is known to run", |screen| screen.contains("1 running"));
    // While somebody looks, it is not.
    let send = || {
        let sent = Stream::ask(&project, &["send", "api", "x"]);
        assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    };
    send();
    dash.wait_for_text("1 failed");
    assert!(!told(&dash));
    Stream::ask(&project, &["start", "api"]);
    dash.wait_for("it runs again", |screen| screen.contains("1 running"));
    dash.keys("\x1b[O");
    // A key after it has come when the list is drawn.
    dash.keys("?");
    dash.wait_for_text("type to filter");
    send();
    dash.wait_until_raw("it is told", told);
    dash.keys("\x1b[I\x1b");
    dash.wait_for("the help is closed", |screen| !screen.contains("type to filter"));
    dash.keys("q");
    let ended = dash.wait_exit();
    assert_eq!(ended.code, Some(0));
}
