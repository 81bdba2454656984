//! `devgroup wait SERVICE --for text TEXT`.

use serde_json::{Value, json};

use crate::harness::{Project, Stream, detach, down};

const SHOP: &str = r#"
[services]
api = "for n in 1 2 3 4 5 6 7 8; do echo before $n; done; echo 'listening on [::]:3000 (*)'; for n in 1 2 3; do echo after $n; done; exec sleep 1000"
late = { run = "while read line; do echo got $line; done" }
job = { kind = "job", run = "echo migrated 7 tables" }
bad = { kind = "job", run = "echo cannot connect; exit 3" }
"#;

fn wait(project: &Project, arguments: &[&str]) -> (Option<i32>, String, String) {
    let asked = Stream::ask(project, &[&["wait"], arguments].concat());
    (asked.code, asked.stdout, asked.stderr)
}

#[test]
fn a_text_that_came_before_the_question_is_found_with_the_lines_around_it() {
    let project = Project::new(SHOP);
    let mut group = Stream::start(&project, &[]);
    group.wait_for_text("after 3");
    let around =
        "before 4\nbefore 5\nbefore 6\nbefore 7\nbefore 8\nlistening on [::]:3000 (*)\nafter 1\nafter 2\nafter 3\n";
    assert_eq!(wait(&project, &["api", "--for", "text", "on [::]:3000 (*)"]), (Some(0), around.into(), String::new()));
    // Plain text, and small letters match capitals.
    assert_eq!(wait(&project, &["api", "--for", "text", "LISTENING", "--timeout", "1s"]).0, Some(124));
    assert_eq!(wait(&project, &["api", "--for", "text", ":.*3000", "--timeout", "1s"]).0, Some(124));
    // What a job that is done has printed counts; of one that has failed it does not come any more.
    assert_eq!(wait(&project, &["job", "--for", "text", "migrated"]).0, Some(0));
    let (code, _, said) = wait(&project, &["job", "--for", "text", "dropped"]);
    assert_eq!((code, said.as_str()), (Some(5), "job: failed · done before it printed the text\n"));
    let (code, lines, said) = wait(&project, &["bad", "--for", "text", "connected"]);
    assert_eq!((code, said.as_str()), (Some(5), "bad: failed (exit 3) before it printed the text\n"));
    assert!(lines.contains("cannot connect\n"), "{lines}");
    down(&project);
    group.wait_exit();
}

#[test]
fn a_text_that_comes_later_ends_the_wait() {
    let project = Project::new(SHOP);
    detach_all(&project);
    let waiting = Stream::start(&project, &["wait", "late", "--for", "text", "got it", "--json"]);
    // Of several that wait, each is told.
    let other = Stream::start(&project, &["wait", "late", "--for", "text", "got"]);
    assert_eq!(Stream::ask(&project, &["send", "late", "it"]).code, Some(0));
    let found = waiting.wait_client();
    let found: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!((&found["line"]["text"], &found["services"][0]["result"]), (&json!("got it"), &json!("ready")));
    assert_eq!(other.wait_client().code, Some(0));
    // A run that is over counts no more: its text is waited for in the next one.
    assert_eq!(Stream::ask(&project, &["stop", "api", "--wait"]).code, Some(0));
    let (code, _, said) = wait(&project, &["api", "--for", "text", "listening"]);
    assert_eq!((code, said.as_str()), (Some(5), "api: failed · stopped before it printed the text\n"));
    for (arguments, text) in [
        (&["api", "--for", "text"][..], "takes one service and one text"),
        (&["api", "late", "x", "--for", "text"], "takes one service and one text"),
        (&["apj", "x", "--for", "text"], "did you mean `api`?"),
        (&["api", "", "--for", "text"], "the text is empty"),
        (&["*", "x", "--for", "text"], "means several services"),
    ] {
        let (code, _, said) = wait(&project, arguments);
        assert!(matches!(code, Some(2 | 6)) && said.contains(text), "{arguments:?}: {code:?} {said}");
    }
    down(&project);
}

/// Starts the group. One of its jobs fails, and that is meant.
fn detach_all(project: &Project) {
    let fails = "bad = { kind = \"job\", run = \"echo cannot connect; exit 3\" }\n";
    project.write("procgroup.toml", SHOP.replace(fails, ""));
    detach(project);
}
