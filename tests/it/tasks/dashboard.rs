//! The table of tasks in the dashboard, with a group that runs.

use super::{drop_task, project, result, wait_for_result};
use crate::harness::{Dash, key, quit, wait_for};

/// Whether the line of a task has this in it.
fn shows(screen: &str, id: &str, text: &str) -> bool {
    screen.lines().any(|line| line.contains(&format!(" {id} ")) && line.contains(text))
}

#[test]
fn the_table_shows_tasks_and_retries_and_cancels_them() {
    let run = "'''case $TASK_DESCRIPTION in fail) [ -e mended ] || exit 3;; long) sleep 1000;; esac; echo did-it'''";
    let project = project(run, "retries = 0\nconcurrency = 1\nstop = { grace = \"1s\" }");
    for (id, description) in [("bad", "fail"), ("good", "x")] {
        drop_task(&project, id, description);
    }
    let mut dash = Dash::start(&project, (120, 30), &[]);
    wait_for_result(&project, "good");
    dash.wait_for("the row counts the dead", |screen| {
        screen.lines().any(|line| line.contains("marie") && line.contains("0/1") && line.contains("1 dead"))
    });
    dash.keys("T");
    dash.wait_for("both are there", |screen| {
        screen.contains("1 dead · 1 completed") && shows(screen, "bad", "exit 3") && shows(screen, "good", "completed")
    });
    // They come while one looks.
    drop_task(&project, "endless", "long");
    dash.wait_for("it appears by itself", |screen| shows(screen, "endless", "running"));
    drop_task(&project, "next", "x");
    dash.wait_for("and the next one", |screen| shows(screen, "next", "waiting"));

    // `/` finds a task, `x` ends it.
    dash.keys("/endless\r");
    dash.wait_for("only that one is left", |screen| {
        !shows(screen, "next", "waiting") && shows(screen, "endless", "running")
    });
    dash.keys("x");
    dash.wait_for("it is cancelled", |screen| shows(screen, "endless", "cancelled"));
    assert_eq!(result(&project, "endless")["status"], "cancelled");
    wait_for_result(&project, "next");

    // Enter shows a task, `r` tries it anew.
    project.write("mended", "");
    dash.keys(key::ESCAPE_IN_FULL);
    dash.wait_for("all are there again", |screen| shows(screen, "bad", "dead") && shows(screen, "next", "completed"));
    dash.keys("/bad\r");
    dash.wait_for("it is found", |screen| !shows(screen, "next", "completed"));
    dash.keys(key::ENTER);
    dash.wait_for("all of it", |screen| screen.contains("DEAD LETTER") && screen.contains("max_retries_exceeded"));
    dash.keys("r");
    wait_for("it is completed now", || result(&project, "bad")["status"] == "completed");
    dash.wait_for("its output is there", |screen| screen.contains("STDOUT") && screen.contains("did-it"));
    dash.keys("q");
    dash.wait_for("the table again", |screen| screen.contains("tasks /bad"));
    dash.keys(key::ESCAPE_IN_FULL);
    dash.wait_for("all of it again", |screen| shows(screen, "next", "completed"));
    dash.keys(key::ESCAPE_IN_FULL);
    dash.wait_for("its log", |screen| screen.contains("1 marie ◆ running"));
    quit(dash);
}
