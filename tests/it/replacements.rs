//! A save that cannot lead to a service that runs takes none down: a program or a folder that is missing, a validation that
//! does not make what it should, an environment file that is broken.

use std::fs;

use serde_json::Value;

use crate::harness::{Project, Stream, detach, down, wait_for, write_program};

/// What it says of a start, and then it goes on for long.
const APP: &str = "#!/bin/sh\necho up >> ../home/api\nexec sleep 1000\n";

fn project(keys: &str) -> Project {
    let project = Project::new(&format!("[services.api]\n{keys}\n"));
    write_program(&project.path("app"), APP);
    project
}

/// What JSON says of the one service.
fn status(project: &Project) -> Value {
    let text = Stream::ask(project, &["status", "--json"]).stdout;
    let all: Value = serde_json::from_str(&text).unwrap();
    all["services"][0].clone()
}

fn wait_for_stale(project: &Project, reason: &str) {
    let said = || status(project)["reason"].as_str().map(str::to_owned);
    wait_for("it is stale and says why", || {
        status(project)["stale"] == true && said().is_some_and(|said| said.contains(reason))
    });
    assert_eq!((&status(project)["state"], &status(project)["run"]), (&"running".into(), &1.into()));
    let logs = Stream::ask(project, &["logs", "api"]).stdout;
    assert!(logs.contains("── stale · ") && logs.contains(reason), "{logs}");
}

fn starts(project: &Project) -> usize {
    project.lines("../home/api")
}

#[test]
fn a_program_that_a_build_has_moved_away_takes_nothing_down() {
    let project = project("run = ['./app']\nwatch = ['app', 'src/**']");
    project.write("src/a", "1");
    detach(&project);
    wait_for("it is up", || starts(&project) == 1);
    fs::rename(project.path("app"), project.path("old")).unwrap();
    project.write("src/a", "2");
    wait_for_stale(&project, "program not found: ./app");
    let refused = Stream::ask(&project, &["restart", "api", "--wait"]);
    assert_eq!(refused.code, Some(5), "{}", refused.stdout);
    assert!(refused.stdout.contains("program not found: ./app · the old run continues"), "{}", refused.stdout);
    assert_eq!(starts(&project), 1);
    write_program(&project.path("app"), APP);
    wait_for("the new one runs", || starts(&project) == 2);
    wait_for("nothing is stale any more", || status(&project)["stale"] == false);
    down(&project);
}

#[test]
fn a_program_of_the_path_of_the_service_is_looked_for_there() {
    let project = project("run = ['app']\nwatch = ['src/**']\nenv = { PATH = 'bin:/usr/bin:/bin' }");
    write_program(&project.path("bin/app"), APP);
    project.write("src/a", "1");
    detach(&project);
    wait_for("it is up", || starts(&project) == 1);
    project.write("src/a", "2");
    wait_for("it is restarted", || starts(&project) == 2);
    fs::remove_file(project.path("bin/app")).unwrap();
    project.write("src/a", "3");
    wait_for("it is stale", || status(&project)["reason"] == "program not found: app");
    assert_eq!(starts(&project), 2);
    down(&project);
}

#[test]
fn a_folder_that_is_missing_takes_nothing_down_and_a_save_of_the_file_tries_again() {
    let text = "[services.api]\nrun = 'echo up >> ~/api; exec sleep 1000'\ndir = 'sub'\nwatch = ['src/**']\n";
    let project = Project::new(text);
    project.write("sub/a", "");
    project.write("src/a", "1");
    detach(&project);
    wait_for("it is up", || starts(&project) == 1);
    fs::rename(project.path("sub"), project.path("away")).unwrap();
    project.write("src/a", "2");
    wait_for_stale(&project, "sub: no such file or directory");
    assert_eq!(starts(&project), 1);
    fs::rename(project.path("away"), project.path("sub")).unwrap();
    project.write("procgroup.toml", text);
    wait_for("it is restarted", || starts(&project) == 2);
    down(&project);
}

#[test]
fn a_program_that_the_file_names_and_that_is_missing_takes_nothing_down() {
    let text = |program: &str| format!("[services.api]\nrun = ['./{program}']\n");
    let project = project("run = ['./app']");
    detach(&project);
    wait_for("it is up", || starts(&project) == 1);
    project.write("procgroup.toml", text("apu"));
    wait_for_stale(&project, "program not found: ./apu");
    project.write("procgroup.toml", text("app"));
    wait_for("what the file says is what runs", || status(&project)["stale"] == false);
    assert_eq!((starts(&project), &status(&project)["run"]), (1, &1.into()));
    down(&project);
}

#[test]
fn a_validation_that_does_not_make_the_program_takes_nothing_down() {
    let project = project("run = ['./app']\nvalidate = { run = 'sh make' }\nwatch = ['make']");
    project.write("make", "test -x app");
    detach(&project);
    wait_for("it is up", || starts(&project) == 1);
    project.write("make", "rm app");
    wait_for_stale(&project, "program not found: ./app");
    assert!(!status(&project)["reason"].as_str().unwrap().contains("validate"));
    project.write("make", format!("printf '%s' '{APP}' > app; chmod 755 app"));
    wait_for("what was made runs", || starts(&project) == 2);
    down(&project);
}

#[test]
fn a_broken_environment_file_is_no_failure_of_validate() {
    let project = project("run = ['./app']\nvalidate = { run = 'true' }\nenv_file = '.env'\nwatch = ['.env']");
    project.write(".env", "A=1\n");
    detach(&project);
    wait_for("it is up", || starts(&project) == 1);
    project.write(".env", "A=\"1\n");
    wait_for_stale(&project, ".env: line 1");
    let logs = Stream::ask(&project, &["logs", "api"]).stdout;
    assert!(logs.contains("── stale · ") && !logs.contains("validate failed"), "{logs}");
    down(&project);
}
