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
        assert!(slip.stderr.contains(what) && slip.stderr.contains("did you mean `devgroup status`"), "{slip:?}");
    }
    let with_option = Stream::ask(&empty, &["statu", "--follow"]);
    assert_eq!(with_option.code, Some(2));
    assert!(with_option.stderr.contains("\n  help: did you mean `devgroup status`"), "{with_option:?}");
    assert!(
        error(&empty, &["statu", "--json"])["help"].as_str().unwrap().starts_with("did you mean `devgroup status`")
    );
    for (word, command) in [("up", "devgroup -d"), ("tail", "devgroup logs -f"), ("kill", "devgroup stop")] {
        let of_others = Stream::ask(&group, &[word]);
        assert!(of_others.stderr.contains(&format!("did you mean `{command}`?")), "{of_others:?}");
    }
    let other = Stream::ask(&group, &["frobnicate"]);
    assert_eq!((other.code, other.stderr.contains("did you mean")), (Some(6), false), "{other:?}");
}

#[test]
fn a_program_is_told_an_object() {
    let empty = Project::empty();
    let expected = json!({
        "code": "not-running",
        "exit_code": 4,
        "message": "no group is running here: no procgroup.toml in this folder or above",
        "help": null,
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
