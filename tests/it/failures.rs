//! How a failure is told: with the command that was meant, and to programs as an object.

use serde_json::{Value, json};

use crate::harness::{Project, Stream};

fn error(project: &Project, arguments: &[&str]) -> Value {
    let asked = Stream::ask(project, arguments);
    assert_eq!(asked.stdout, "", "{arguments:?}");
    let object: Value = serde_json::from_str(&asked.stderr).unwrap_or_else(|_| panic!("{arguments:?}: {asked:?}"));
    assert_eq!(object["error"]["exit_code"], asked.code.unwrap(), "{object}");
    object["error"].clone()
}

#[test]
fn a_mistyped_command_is_told_the_command() {
    let empty = Project::empty();
    let group = Project::new("[services]\napi = \"sleep 1000\"\n");
    for (project, code, what) in [(&empty, 3, "no procgroup.toml"), (&group, 6, "unknown service `statu`")] {
        let slip = Stream::ask(project, &["statu"]);
        assert_eq!(slip.code, Some(code), "{slip:?}");
        assert!(slip.stderr.contains(what) && slip.stderr.contains("did you mean the command `status`"), "{slip:?}");
    }
    let with_option = Stream::ask(&empty, &["statu", "--follow"]);
    assert_eq!(with_option.code, Some(2));
    assert!(with_option.stderr.contains("\n  help: did you mean the command `status`"), "{with_option:?}");
    assert!(
        error(&empty, &["statu", "--json"])["help"].as_str().unwrap().starts_with("did you mean the command `status`")
    );
    for (word, command) in [("list", "devgroup ls"), ("tail", "devgroup logs -f"), ("kill", "devgroup stop")] {
        let of_others = Stream::ask(&group, &[word]);
        assert!(of_others.stderr.contains(&format!("did you mean `{command}`?")), "{of_others:?}");
    }
    // What is wrong with the file hides neither a slip of the pen nor the services that it has.
    let broken = Project::new("[services.api]\nrun = 'a'\nwacth = 1\n");
    for (word, meant) in [("statu", "the command `status`"), ("ap", "`api`")] {
        let slip = Stream::ask(&broken, &[word]);
        let first = format!(
            "error: unknown service `{word}` (the file has errors and was only partly read)\n  help: did you mean {meant}?\n\nerror: unknown key `wacth`"
        );
        assert!(slip.code == Some(3) && slip.stderr.starts_with(&first), "{slip:?}");
    }
    let known = Stream::ask(&broken, &["api"]);
    assert!(known.code == Some(3) && known.stderr.starts_with("error: unknown key `wacth`"), "{known:?}");
    let other = Stream::ask(&group, &["frobnicate"]);
    assert_eq!((other.code, other.stderr.contains("did you mean")), (Some(6), false), "{other:?}");
}

#[test]
fn a_number_or_a_time_that_is_none_is_told_what_is_allowed() {
    let project = Project::empty();
    let is_told = |arguments: &[&str], what: &str| {
        let asked = Stream::ask(&project, arguments);
        assert!(asked.code == Some(2) && asked.stderr.contains(what), "{asked:?}");
    };
    for lines in ["x", "-1", "1.5", "", "99999999999999999999999"] {
        is_told(&["logs", "--lines", lines], "not a number of lines; write a whole number, such as 200");
    }
    let timed: [&[&str]; 4] =
        [&["--timeout"], &["logs", "--since"], &["wait", "api", "--timeout"], &["start", "api", "--timeout"]];
    for arguments in timed {
        is_told(&[arguments, &["5"]].concat(), "the unit is missing; write \"5s\", \"5ms\" or \"5m\"");
        is_told(&[arguments, &["soon"]].concat(), "not a number with a unit; write \"5s\"");
    }
}

#[test]
fn a_program_is_told_an_object() {
    let empty = Project::empty();
    let expected = json!({
        "code": "not-running",
        "exit_code": 4,
        "message": "no group is running here: no procgroup.toml in this folder or any folder above",
        "help": "run it in the group's folder, or name a group: -g NAME (`devgroup ls` lists them)",
    });
    assert_eq!(error(&empty, &["status", "--json"]), expected);
    assert_eq!(error(&empty, &["restart", "api", "--json", "--nonsense"])["code"], "usage");
    assert_eq!(error(&empty, &["why", "a", "--json"])["code"], "no-file");
    let broken = Project::new("[services.api]\nrun = 'a'\nwacth = 1\n");
    let invalid = error(&broken, &["why", "a", "--json"]);
    assert_eq!(invalid["message"], "unknown key `wacth` in service `api`");

    let group = Project::new("[services]\napi = \"echo up; exec sleep 1000\"\n");
    let mut stream = Stream::start(&group, &["--no-tui"]);
    stream.wait_for_text("api │ up");
    let unknown = error(&group, &["restart", "appi", "--json"]);
    assert_eq!(unknown["code"], "unknown-service");
    assert!(unknown["help"].as_str().unwrap().contains("did you mean `api`?"), "{unknown}");
    assert_eq!(Stream::ask(&group, &["down"]).code, Some(0));
    stream.wait_exit();
}
