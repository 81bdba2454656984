//! `devgroup check`: the same for people and, with `--json`, for editors.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Project, Stream, Streamed};

fn read(checked: &Streamed) -> Value {
    assert_eq!(checked.stderr, "");
    assert_eq!(checked.stdout.matches('\n').count(), 1, "one line");
    let report: Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!(report["version"], 1);
    assert_eq!(report["ok"], checked.code == Some(0));
    assert!(checked.code == Some(0) || checked.code == Some(3), "{:?}", checked.code);
    report
}

#[test]
fn the_shape_is_a_contract() {
    let project = Project::new("[services]\n\n[services.api]\nrun = \"ä\"\nwacth = [\"crates/api/**\"]\n");
    let expected = json!({
        "version": 1,
        "ok": false,
        "diagnostics": [{
            "code": "unknown-key",
            "severity": "error",
            "file": "procgroup.toml",
            "span": {"line": 5, "col": 1, "len": 5},
            "message": "unknown key `wacth` in service `api`",
            "help": "did you mean `watch`?\nwithout it nothing restarts api",
        }],
    });
    assert_eq!(read(&Stream::ask(&project, &["check", "--json"])), expected);
    let fine = Project::new("[services]\nweb = \"npm run dev\"\n");
    let checked = Stream::ask(&fine, &["check", "--json"]);
    assert_eq!(checked.stdout, "{\"version\":1,\"ok\":true,\"diagnostics\":[]}\n");
}

/// Every mistake and every warning that has a file among the tests.
#[test]
fn editors_are_told_what_people_are_told() {
    let project = Project::empty();
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs");
    let mut seen = (0, 0);
    for folder in ["invalid", "warnings"] {
        for entry in fs::read_dir(configs.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|end| end != "toml") {
                continue;
            }
            let file = path.display().to_string();
            let people = Stream::ask(&project, &["check", "-f", &file]);
            let checked = Stream::ask(&project, &["check", "--json", "-f", &file]);
            assert_eq!(people.code, checked.code, "{file}");
            assert_eq!(checked.code, Some(if folder == "invalid" { 3 } else { 0 }), "{file}");
            let report = read(&checked);
            let diagnostics = report["diagnostics"].as_array().unwrap();
            let heads = |line: &&str| line.starts_with("error: ") || line.starts_with("warning: ");
            let heads: Vec<&str> = people.stderr.lines().filter(heads).collect();
            assert_eq!(heads.len(), diagnostics.len(), "{file}");
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            for (head, item) in heads.into_iter().zip(diagnostics) {
                let field = |name: &str| item[name].as_str().unwrap_or_default();
                assert!(
                    head.starts_with(field("severity")) && head.ends_with(&format!("[{}]", field("code"))),
                    "{head}"
                );
                assert_eq!(field("file"), file);
                seen.0 += 1;
                if item["span"].is_null() {
                    continue;
                }
                seen.1 += 1;
                let at = |name: &str| usize::try_from(item["span"][name].as_u64().unwrap()).unwrap();
                assert!(people.stderr.contains(&format!(":{}:{}]", at("line"), at("col"))), "{file}: {item}");
                let line = text.split('\n').nth(at("line") - 1).unwrap_or_default().chars().count();
                assert!(at("len") >= 1 && at("col") + at("len") - 1 <= line.max(at("col")), "{file}: {item} of {line}");
            }
        }
    }
    assert!(seen.0 > 50 && seen.1 > 40, "{seen:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_a_diagnostic_as_well() {
    let project = Project::empty();
    let first = |arguments: &[&str]| {
        let checked = Stream::ask(&project, arguments);
        assert_eq!(checked.code, Some(3));
        read(&checked)["diagnostics"][0].clone()
    };
    let nothing = first(&["check", "--json"]);
    assert_eq!((&nothing["code"], &nothing["span"]), (&"no-file".into(), &Value::Null));
    assert!(nothing["message"].as_str().unwrap().starts_with("no procgroup.toml in "), "{nothing}");
    let missing = first(&["check", "--json", "-f", "gone.toml"]);
    assert_eq!((&missing["code"], &missing["file"]), (&"unreadable".into(), &"gone.toml".into()));
    project.write("procgroup.toml", b"[services]\na = \"b\xff\"\n");
    let bytes = first(&["check", "--json"]);
    assert_eq!(bytes["code"], "not-utf8");
    assert_eq!(bytes["span"], json!({"line": 2, "col": 7, "len": 1}));
    fs::set_permissions(project.path("procgroup.toml"), PermissionsExt::from_mode(0o000)).unwrap();
    // Whoever runs the tests may be allowed to read everything.
    if fs::read(project.path("procgroup.toml")).is_err() {
        assert_eq!(first(&["check", "--json"])["code"], "unreadable");
    }
    fs::remove_file(project.path("procgroup.toml")).unwrap();
    fs::create_dir(project.path("procgroup.toml")).unwrap();
    assert_eq!(first(&["check", "--json"])["code"], "unreadable");
}

#[test]
fn a_service_that_is_called_like_a_command_is_warned_of() {
    let project =
        Project::new("[services]\nstatus = \"sleep 9\"\nstatuses = \"sleep 9\"\n[services.ps]\nrun = \"a\"\n");
    let report = read(&Stream::ask(&project, &["check", "--json"]));
    let found = report["diagnostics"].as_array().unwrap();
    let told: Vec<_> = found.iter().map(|item| (&item["code"], &item["span"]["line"], &item["message"])).collect();
    let expected = [(2, "status"), (4, "ps")].map(|(line, name)| {
        (json!("command-name"), json!(line), json!(format!("service `{name}` has the name of a devgroup command")))
    });
    let expected: Vec<_> = expected.iter().map(|(code, line, message)| (code, line, message)).collect();
    assert_eq!(told, expected);
    assert!(found[0]["help"].as_str().unwrap().contains("devgroup -- status"));
}

#[test]
fn the_name_of_a_folder_becomes_a_name_of_a_group() {
    let project = Project::empty();
    for (folder, name) in [("@my shop\u{1b}[2J", "my-shop-2J"), ("größe v1.2", "größe-v1.2"), ("  ", "group")] {
        let folder = project.root().join(folder);
        fs::create_dir(&folder).unwrap();
        let file = folder.join("procgroup.toml");
        fs::write(&file, "[services]\na = \"a\"\n").unwrap();
        assert_eq!(&*devgroup::config::load(&file).unwrap().spec.name, name);
        assert_eq!(Stream::ask(&project, &["check", "-f", &file.display().to_string()]).code, Some(0));
    }
}

#[test]
fn what_a_short_file_asks_for_a_thousand_times_is_bounded() {
    let many = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    // Each pattern costs a look at the disk.
    let patterns = many(4000, &|number| format!("'p{number}/**', "));
    let project = Project::new(&format!("[services]\napi = {{ run = 'true', watch = [{patterns}] }}\n"));
    let check = Stream::run(&project, &["check"]);
    assert_eq!(check.code, Some(0), "{}", check.stderr);
    assert!(check.stderr.contains("too many patterns: 3750 of them were not checked"), "{}", check.stderr);
    assert_eq!(check.stderr.matches("no file matches this pattern yet").count(), 250);
    // Each service has all of the defaults: gigabytes of them.
    let files = many(4000, &|number| format!("'e{number}', "));
    let services = many(4000, &|number| format!("s{number} = 'true'\n"));
    project.write("procgroup.toml", format!("[defaults]\nenv_file = [{files}]\n[services]\n{services}"));
    let check = Stream::run(&project, &["check"]);
    assert_eq!(check.code, Some(3), "{}", check.stderr);
    assert!(check.stderr.contains("`[defaults]` is too large for 4000 services"), "{}", check.stderr);
}
