//! What is made from the arguments: manual pages and completion. Each must know every command.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::fs;
use std::process::{Command, Output};

fn devgroup(folder: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_devgroup")).current_dir(folder).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a shell is answered that completes the last of these words.
fn completed(folder: &std::path::Path, words: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_devgroup"))
        .current_dir(folder)
        .env("DEVGROUP_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
        .env("_CLAP_IFS", "\n")
        .env_remove("DEVGROUP_CONFIG")
        .arg("--")
        .args(words)
        .output()
        .unwrap();
    text(&output).lines().map(str::to_owned).collect()
}

/// The commands by the help: what the user is told is there.
fn commands(folder: &std::path::Path) -> Vec<String> {
    let help = text(&devgroup(folder, &["--help"]));
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<String> = names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect();
    assert!(names.len() > 10, "{names:?}");
    names
}

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("procgroup.toml"), "[services]\napi = 'a'\napp = { run = 'b' }\nweb = 'c'\n").unwrap();
    folder
}

#[test]
fn every_command_has_a_manual_page_and_is_listed_in_the_first_one() {
    let folder = project();
    let pages = folder.path().join("share/man1");
    text(&devgroup(folder.path(), &["man", "--dir", pages.to_str().unwrap()]));
    let first = fs::read_to_string(pages.join("devgroup.1")).unwrap();
    assert_eq!(first, text(&devgroup(folder.path(), &["man"])));
    for name in commands(folder.path()) {
        let page = fs::read_to_string(pages.join(format!("devgroup-{name}.1"))).unwrap();
        assert_eq!(page, text(&devgroup(folder.path(), &["man", &name])));
        assert!(page.starts_with(".ie") && page.contains(".SH SYNOPSIS"), "{page}");
        assert!(first.contains(&format!("devgroup\\-{name}(1)")), "{name} is not in {first}");
    }
    let unknown = devgroup(folder.path(), &["man", "nonsense"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no such command: `nonsense`"));
}

#[test]
fn every_command_and_every_service_is_completed() {
    let folder = project();
    let all = completed(folder.path(), &["devgroup", ""]);
    for name in commands(folder.path()).iter().map(String::as_str).chain(["api", "app", "web", "--no-tui"]) {
        assert!(all.iter().any(|word| word == name), "{name} is not in {all:?}");
    }
    let p = folder.path();
    assert_eq!(completed(p, &["devgroup", "restart", "ap"]), ["api", "app"]);
    assert_eq!(completed(p, &["devgroup", "--exit-with", "w"]), ["web"]);
    assert_eq!(completed(p, &["devgroup", "--only", "api,w"]), ["api,web"]);
    assert_eq!(completed(p, &["devgroup", "wait", "api", "--for", "re"]), ["ready", "restart"]);
    assert_eq!(completed(p, &["devgroup", "help", "w"]), ["workers", "watch", "web", "web", "wait", "why"]);
}

#[test]
fn workers_and_their_tasks_are_completed_and_each_command_below_task_has_a_page() {
    let folder = project();
    let p = folder.path();
    let workers = "[tasks]\ndir = 's'\n[services]\napi = 'a'\n[services.marie]\nkind = 'worker'\nrun = 'b'\n\
                   [services.max]\nkind = 'worker'\nrun = 'c'\n";
    fs::write(p.join("procgroup.toml"), workers).unwrap();
    for file in [
        "tasks/marie/t-1.json",
        "results/max/t-2.json",
        "dlq/marie/t-3.json",
        "tasks/marie/.x.json",
        "tasks/api/t-4.json",
    ] {
        let file = p.join("s").join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "{}").unwrap();
    }
    assert_eq!(completed(p, &["devgroup", "task", "add", ""]).iter().filter(|word| !word.starts_with('-')).count(), 2);
    assert_eq!(completed(p, &["devgroup", "task", "list", "m"]), ["marie", "max"]);
    assert_eq!(completed(p, &["devgroup", "task", "show", "t"]), ["t-1", "t-2", "t-3"]);
    assert_eq!(completed(p, &["devgroup", "task", "retry", "--worker", "ma"]), ["marie", "max"]);
    assert_eq!(completed(p, &["devgroup", "task", "add", "marie", "x", "--id", "t"]), [""; 0]);
    assert_eq!(completed(p, &["devgroup", "task", "add", "marie", "x", "--after", "t-1"]), ["t-1"]);
    let pages = p.join("man1");
    text(&devgroup(p, &["man", "--dir", pages.to_str().unwrap()]));
    for name in ["add", "list", "show", "wait", "retry", "cancel", "drop", "drain"] {
        let page = fs::read_to_string(pages.join(format!("devgroup-task-{name}.1"))).unwrap();
        assert_eq!(page, text(&devgroup(p, &["man", &format!("task-{name}")])));
        assert!(page.contains(".SH EXAMPLES"), "{page}");
    }
}

#[test]
fn the_file_that_is_meant_is_completed_from_even_if_it_is_broken() {
    let folder = project();
    fs::write(folder.path().join("other.toml"), "nonsense = 1\n[services]\nother = 'a'\nbroken = ").unwrap();
    let p = folder.path();
    assert_eq!(completed(p, &["devgroup", "-f", "other.toml", "logs", "o"]), ["other"]);
    assert_eq!(completed(p, &["devgroup", "--config=other.toml", "stop", "o"]), ["other"]);
    let above = p.join("below");
    fs::create_dir(&above).unwrap();
    assert_eq!(completed(&above, &["devgroup", "stop", "we"]), ["web"]);
    assert_eq!(completed(&above, &["devgroup", "-C", "/", "stop", "we"]), [""; 0]);
}

#[test]
fn each_shell_gets_a_script_that_asks_by_the_name_on_the_path() {
    let folder = project();
    for (shell, sign) in [("bash", "complete -o"), ("zsh", "#compdef devgroup"), ("fish", "complete --keep-order")] {
        let script = text(&devgroup(folder.path(), &["completions", shell]));
        assert!(script.contains(sign) && script.contains("DEVGROUP_COMPLETE"), "{script}");
    }
    assert_eq!(devgroup(folder.path(), &["completions", "csh"]).status.code(), Some(2));
}

#[test]
fn bash_itself_completes_by_the_script() {
    let folder = project();
    let script = text(&devgroup(folder.path(), &["completions", "bash"]));
    // As the key Tab does it: `devgroup restart we`.
    let play = format!(
        "{script}\nCOMP_WORDS=(devgroup restart we); COMP_CWORD=2; COMP_TYPE=9; _clap_complete_devgroup devgroup we restart; echo \"<${{COMPREPLY[*]}}>\""
    );
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_devgroup"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["--norc", "-c", &play])
        .current_dir(folder.path())
        .env("PATH", path)
        .env_remove("DEVGROUP_CONFIG")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "<web>", "{output:?}");
}
