//! What is in a task is text, whatever it looks like.

use std::fs;

use super::{drop_task, drop_with, letter, names, path, project, wait_for_result};
use crate::harness::{Dash, detach, down, wait_for};

const TEXTS: [&str; 7] = [
    "$(touch pwned) `touch pwned` ; touch pwned # && touch pwned",
    "it's \"quoted\" \\ and 'again' ${HOME} $HOME $$",
    "two\nlines\n\nand a tab\t.",
    "--help -rf / *",
    "\u{1b}[2J\u{1b}]0;title\u{7}\u{1b}[31mred\u{1b}[?1049h",
    "größe 🦀 \u{202e}right to left",
    "{\"task_id\":\"other\"}",
];

#[test]
fn descriptions_are_never_run() {
    for run in ["[\"printf\", \"%s\", \"${TASK_DESCRIPTION}\"]", "'''printf %s \"$TASK_DESCRIPTION\"'''"] {
        let project = project(run, "");
        for (number, text) in TEXTS.iter().enumerate() {
            drop_task(&project, &format!("t-{number}"), text);
        }
        detach(&project);
        for (number, text) in TEXTS.iter().enumerate() {
            let result = wait_for_result(&project, &format!("t-{number}"));
            assert_eq!(result["stdout"], *text, "{run}");
        }
        let pwned = ["pwned", "shared/pwned", "../pwned"].iter().any(|name| project.path(name).exists());
        assert!(!pwned);
        down(&project);
    }
}

#[test]
fn the_pane_stays_whole() {
    let project = project("'''cat; printf \"\\033[2J\\033[H\\033[?1049h\\033[31mred\\nnext\\n\"'''", "");
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("marie");
    drop_task(&project, "hostile-task", TEXTS[4]);
    wait_for_result(&project, "hostile-task");
    dash.wait_for("its lines are shown behind its id", |screen| screen.contains("hostile-task next"));
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
}

#[test]
fn a_long_description_reaches_a_text_by_standard_input_and_a_list_not_at_all() {
    let long = "x".repeat(200 << 10);
    let list = project("[\"printf\", \"%s\", \"${TASK_DESCRIPTION}\"]", "");
    drop_task(&list, "long", &long);
    detach(&list);
    wait_for("it is dead", || letter(&list, "long")["dlq_reason"] == "description_too_long");
    down(&list);
    let text = project("'''printf \"${TASK_DESCRIPTION-none}\"; wc -c'''", "");
    drop_task(&text, "long", &long);
    detach(&text);
    let result = wait_for_result(&text, "long");
    let length = serde_json::json!({ "task_id": "long", "worker": "marie", "description": long }).to_string().len();
    assert_eq!(result["stdout"], format!("none{length}\n").as_str());
    down(&text);
}

#[test]
fn nothing_is_written_outside() {
    let project = project("'''echo \"$TASK_ID\"'''", "");
    for (number, id) in ["../../etc/x", "/etc/x", "..", ".hidden", "a/b", "a b", "größe", ""].iter().enumerate() {
        drop_with(&project, &format!("bad-{number}"), &serde_json::json!({ "task_id": id, "description": "x" }));
    }
    detach(&project);
    wait_for("all are dead letters", || names(&project, "dlq/marie").len() == 8);
    for name in names(&project, "dlq/marie") {
        let id = name.strip_suffix(".json").unwrap();
        assert_eq!(letter(&project, id)["dlq_reason"], "invalid_task_id", "{name}");
    }
    let known = ["dlq", "heartbeats", "orchestrator.json", "results", "tasks", "triggers"];
    assert!(names(&project, "").iter().all(|name| known.contains(&name.as_str())), "{:?}", names(&project, ""));
    assert!(names(&project, "results/marie").is_empty());
    down(&project);
}

#[test]
fn files_with_any_name_and_a_good_id_are_tasks_and_others_are_kept() {
    let project = project("'''echo \"$TASK_ID\"'''", "");
    drop_with(&project, "with blanks and größe 🦀", &serde_json::json!({ "task_id": "good", "description": "x" }));
    drop_with(&project, "no-id", &serde_json::json!({ "description": "x" }));
    fs::write(path(&project, "tasks/marie/broken.json"), "{\"task_id\": \n oops").unwrap();
    fs::write(path(&project, "tasks/marie/note.txt"), "not a task").unwrap();
    detach(&project);
    wait_for_result(&project, "good");
    wait_for_result(&project, "no-id");
    wait_for("the broken one is dead", || path(&project, "dlq/marie/broken.raw").exists());
    assert_eq!(fs::read_to_string(path(&project, "dlq/marie/broken.raw")).unwrap(), "{\"task_id\": \n oops");
    let reason = super::json(&path(&project, "dlq/marie/broken.reason.json"));
    assert_eq!(reason["dlq_reason"], "invalid_json");
    assert!(reason["dlq_detail"].as_str().unwrap().contains("line 2"), "{reason}");
    assert!(path(&project, "tasks/marie/note.txt").exists());
    down(&project);
}
