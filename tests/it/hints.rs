//! What the footer offers, with the real program: errors, a search that was kept, a pause and what it leaves stale.

use serde_json::Value;

use crate::harness::{Dash, Project, Stream, key, quit};

const SMALL: (u16, u16) = (80, 24);

fn footer(screen: &str) -> &str {
    screen.lines().last().unwrap_or_default()
}

#[test]
fn an_error_that_has_left_the_screen_is_offered_and_what_opens_is_named() {
    let project = Project::new(
        "[services]\napi = \"echo 'ERROR no table'; echo '  File \\\"app.py\\\", line 3'; seq 300; echo la''st; exec sleep 1000\"\n",
    );
    project.write("app.py", "one\ntwo\nthree\n");
    let mut dash = Dash::start(&project, SMALL, &[]);
    dash.wait_for_text("last");
    dash.wait_for("the error is offered", |screen| footer(screen).starts_with(" r restart  e error  "));
    dash.keys("e");
    dash.wait_for("the ways from there come first", |screen| {
        footer(screen).starts_with(" Esc follow  r restart  c copy  v open app.py:3  ")
    });
    dash.keys(key::ENTER);
    dash.wait_for("the way out comes first", |screen| footer(screen).starts_with(" Esc back  / search  "));
    dash.keys("q");
    dash.wait_for("q goes back", |screen| footer(screen).ends_with("? help  q quit"));
    dash.keys("r");
    dash.wait_for("a restart that is out of sight is told", |screen| footer(screen).ends_with("api restarted"));
    dash.wait_for("its error is counted", |screen| screen.contains(" e1 "));
    dash.keys("e");
    dash.wait_for("there is one more error now", |screen| {
        screen.contains("error 2 of 2 · ") && footer(screen).starts_with(" e oldest  E previous  Esc follow  ")
    });
    dash.keys(key::ESCAPE_IN_FULL);
    dash.wait_for("the end is followed", |screen| !screen.contains("G follows") && screen.contains("last"));
    dash.keys("/20\r");
    dash.wait_for("a kept search", |screen| footer(screen).starts_with(" n next  N previous  Esc clear  "));
    dash.keys(key::ESCAPE_IN_FULL);
    dash.wait_for("it is over", |screen| footer(screen).starts_with(" r restart  "));
    quit(dash);
}

#[test]
fn what_fails_at_the_start_is_selected() {
    let project = Project::new(
        "[services]\nweb = \"echo web; exec sleep 1000\"\napi = { run = \"sleep 0.2; exit 3\", restart = \"never\" }\n",
    );
    let mut dash = Dash::start(&project, SMALL, &[]);
    dash.wait_for("the one that has failed is selected", |screen| screen.contains("── 2 api ✗ failed · exit 3 ─"));
    dash.keys("1");
    dash.wait_for("until somebody selects another one", |screen| screen.contains("── 1 web ● running ─"));
    quit(dash);
}

#[test]
fn who_discards_held_changes_sees_which_services_are_stale_until_they_start_again() {
    let project = Project::new(
        "[services]\napi = { run = \"echo up; exec sleep 1000\", watch = [\"src/**\"] }\nweb = \"exec sleep 1000\"\n",
    );
    project.write("src/a.rs", "one");
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for("it watches", |screen| screen.contains("watching 1 service"));
    dash.keys("p");
    dash.wait_for("nothing is held yet", |screen| footer(screen).starts_with(" p resume  r restart "));
    project.write("src/a.rs", "two");
    dash.wait_for("what the end of the pause does", |screen| {
        footer(screen).starts_with(" p resume (may restart api)  P resume without restarts  W show changes  ")
    });
    dash.keys("P");
    dash.wait_for("the title and the log say it", |screen| {
        screen.contains("api ● running · stale ─") && screen.contains("discarded: src/a.rs changed · r restarts")
    });
    let status = |project: &Project| -> Value {
        serde_json::from_str(&Stream::ask(project, &["status", "--json"]).stdout).unwrap()
    };
    let stale = |status: &Value| [0, 1].map(|place| status["services"][place]["stale"] == true);
    let told = status(&project);
    assert_eq!(stale(&told), [true, false]);
    // Where there are no keys, a command is named.
    assert_eq!(told["services"][0]["reason"], "discarded: src/a.rs changed · devgroup restart api restarts it");
    let said = Stream::ask(&project, &["logs", "api"]).stdout;
    assert!(said.contains("discarded: src/a.rs changed · devgroup restart api restarts it · "), "{said}");
    dash.keys("r");
    dash.wait_for("a start ends it", |screen| !screen.contains("· stale") && screen.contains("restarted manually"));
    assert_eq!(stale(&status(&project)), [false, false]);
    quit(dash);
}

#[test]
fn a_pause_tells_of_files_that_no_service_watches() {
    let project = Project::new("[services]\napi = { run = \"exec sleep 1000\", watch = [\"src/*.rs\"] }\n");
    project.write("src/a.rs", "one");
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for("it watches", |screen| screen.contains("watching 1 service"));
    dash.keys("p");
    dash.wait_for_text("WATCHING PAUSED");
    project.write("src/notes.md", "one");
    dash.wait_for_text("· 1 file changed, no service watches it (W shows)");
    dash.keys("p");
    dash.wait_for_text("watching again · 1 file changed, no service watches it (W shows)");
    quit(dash);
}

#[test]
fn an_error_beside_the_selected_pane_counts_until_its_service_is_selected() {
    let project = Project::new(
        "[services]\napi = \"echo api is up; exec sleep 1000\"\n\
         worker = \"echo worker is up; read go; echo ERROR the queue is gone; echo goes on; exec sleep 1000\"\n",
    );
    let mut dash = Dash::start(&project, (160, 50), &[]);
    dash.wait_for("both have a pane", |screen| screen.contains("api is up") && screen.contains("worker is up"));
    assert_eq!(dash.ask(&["send", "worker", "go"]).code, Some(0));
    let row = |screen: &str| screen.lines().find(|line| line.contains("2 ● worker")).unwrap_or_default().to_owned();
    dash.wait_for("it is in sight, and counts", |screen| {
        screen.contains("ERROR the queue is gone") && row(screen).contains(" e1 ")
    });
    dash.keys("2");
    dash.wait_for("it was looked at", |screen| screen.contains("▸2 ● worker") && !row(screen).contains(" e1 "));
    quit(dash);
}
