//! A group of several files, from outside: a monorepo of six packages, what clashes, breaks, comes and goes while it runs,
//! a local file over it, and files of variables.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use rustix::process::{Signal, geteuid};
use serde_json::Value;

use crate::harness::{Project, Stream, detach, down, has, wait_for};
use crate::trust::{SOMEBODY, can_be_others, give_to_user, start_as};

const PACKAGES: [&str; 6] = ["api", "auth", "cart", "mail", "search", "web"];

/// A service that writes a line at each start.
fn sleeper(name: &str, more: &str) -> String {
    format!("[services.{name}]\nrun = 'echo {name} >> starts-{name}; exec sleep 1000'\n{more}\n")
}

/// Six packages with a file each, and one `include`.
fn monorepo() -> Project {
    let project = Project::new("name = 'mono'\ninclude = ['services/*/procgroup.toml']\n");
    for name in PACKAGES {
        project.write(&format!("services/{name}/procgroup.toml"), sleeper(name, "watch = ['src/**']"));
        project.write(&format!("services/{name}/src/main.txt"), "one");
    }
    project
}

fn ask(project: &Project, arguments: &[&str]) -> String {
    let asked = Stream::ask(project, arguments);
    assert_eq!(asked.code, Some(0), "{arguments:?}: {}{}", asked.stdout, asked.stderr);
    asked.stdout
}

fn status(project: &Project) -> Value {
    serde_json::from_str(&ask(project, &["status", "--json"])).unwrap()
}

/// Name and state of each service, sorted, as `api running`.
fn states(project: &Project) -> Vec<String> {
    let status = status(project);
    let services = status["services"].as_array().unwrap().iter();
    let mut states: Vec<String> =
        services.map(|s| format!("{} {}", s["name"].as_str().unwrap(), s["state"].as_str().unwrap())).collect();
    states.sort();
    states
}

fn running(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{name} running")).collect()
}

/// How often a package's service has started.
fn starts(project: &Project, name: &str) -> usize {
    project.lines(&format!("services/{name}/starts-{name}"))
}

#[test]
fn a_folder_that_cannot_be_read_takes_nothing_out_of_the_group() {
    let project = Project::new("name = 'mono'\ninclude = ['services/web/*.toml']\n");
    project.write("packages/web/procgroup.toml", sleeper("web", ""));
    fs::create_dir_all(project.path("services")).unwrap();
    symlink("../packages/web", project.path("services/web")).unwrap();
    detach(&project);
    assert_eq!(states(&project), running(&["web"]));
    // Nobody can follow a link to itself, root neither.
    let turn_to = |target: &str| {
        symlink(target, project.path("services/new")).unwrap();
        fs::rename(project.path("services/new"), project.path("services/web")).unwrap();
    };
    turn_to("web");
    wait_for("the file is not in force", || {
        let problem = status(&project)["file_problem"].clone();
        problem.as_str().is_some_and(|problem| problem.contains("cannot read the folder `services/web`: "))
    });
    assert_eq!(states(&project), running(&["web"]));
    let checked = Stream::ask(&project, &["check"]);
    assert_eq!(checked.code, Some(3), "{}", checked.stderr);
    assert!(checked.stderr.contains("help: check who may read it: ls -ld "), "{}", checked.stderr);
    turn_to("../packages/web");
    wait_for("it is in force again", || status(&project)["file_problem"].is_null());
    assert_eq!((states(&project), project.lines("packages/web/starts-web")), (running(&["web"]), 1));
    down(&project);
}

/// All packages have started, once each.
fn up(project: &Project) {
    detach(project);
    wait_for("all packages run", || states(project) == running(&PACKAGES));
    wait_for("all have said so", || PACKAGES.iter().all(|name| starts(project, name) == 1));
}

fn problem(project: &Project) -> String {
    status(project)["file_problem"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn six_packages_are_one_group_from_wherever_it_is_asked() {
    let project = monorepo();
    let checked = ask(&project, &["check"]);
    assert!(checked.starts_with("procgroup.toml: ok, 6 services in 7 files\n"), "{checked}");
    // From within a package: the file further up is the group.
    let inside = ask(&project, &["-C", "services/cart/src", "check"]);
    assert!(inside.contains(&format!("{}: ok, 6 services", project.path("procgroup.toml").display())), "{inside}");
    let alone = ask(&project, &["check", "-f", "services/cart/procgroup.toml"]);
    assert!(alone.starts_with("procgroup.toml: ok, 1 service\n"), "{alone}");

    let started = Stream::ask(&project, &["-C", "services/cart", "-d"]);
    assert_eq!(started.code, Some(0), "{}", started.stderr);
    wait_for("all packages run", || states(&project) == running(&PACKAGES));
    let from_within = ask(&project, &["-C", "services/web/src", "status"]);
    assert!(from_within.starts_with("mono · "), "{from_within}");
    let group = status(&project);
    let files: Vec<&str> = group["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    assert_eq!(files.len(), 7);
    assert_eq!((files[0], files[1]), ("procgroup.toml", "services/api/procgroup.toml"));
    assert_eq!(group["services"][0]["file"], "services/api/procgroup.toml");

    // Patterns begin at the folder of their file, and their place is in it.
    wait_for("all have started", || PACKAGES.iter().all(|name| starts(&project, name) == 1));
    let why = ask(&project, &["-C", "services/cart", "why", "src/main.txt"]);
    assert!(why.contains("a change restarts cart") && why.contains("services/cart/procgroup.toml:3  src/**"), "{why}");
    project.write("services/cart/src/main.txt", "two");
    wait_for("cart has restarted", || starts(&project, "cart") == 2);
    let others = PACKAGES.iter().filter(|name| **name != "cart");
    assert!(others.clone().all(|name| starts(&project, name) == 1));
    down(&project);
}

#[test]
fn a_clash_and_a_broken_file_are_named_and_nothing_runs() {
    let project = monorepo();
    project.write("services/cart/procgroup.toml", sleeper("web", ""));
    let refused = Stream::run(&project, &["--no-tui"]);
    assert_eq!(refused.code, Some(3));
    for part in
        ["two services are called `web`", "[services/web/procgroup.toml:1:1]", "[services/cart/procgroup.toml:1:1]"]
    {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    let json: Value = serde_json::from_str(&Stream::ask(&project, &["check", "--json"]).stdout).unwrap();
    let clash = &json["diagnostics"][0];
    assert_eq!((&clash["code"], &clash["file"]), (&"name-clash".into(), &"services/web/procgroup.toml".into()));
    assert_eq!(clash["span"]["line"], 1);
    assert!(clash["help"].as_str().unwrap().contains("services/cart/procgroup.toml:1: "), "{clash}");
    // From within a package the same is told: that file is not run by itself.
    let inside = Stream::run(&project, &["-C", "services/web", "--no-tui"]);
    assert!(inside.code == Some(3) && inside.stderr.contains("name-clash"), "{}", inside.stderr);
    project.write("services/cart/procgroup.toml", "[services.cart]\nrun = \n");
    let broken = Stream::run(&project, &["--no-tui"]);
    assert!(broken.stderr.contains("[services/cart/procgroup.toml:2:7]"), "{}", broken.stderr);
    project.write("procgroup.toml", "include = [\n");
    let unclear = Stream::run(&project, &["-C", "services/web", "--no-tui"]);
    assert!(unclear.code == Some(3) && unclear.stderr.contains("invalid TOML"), "{}", unclear.stderr);
    assert!(PACKAGES.iter().all(|name| starts(&project, name) == 0));
}

#[test]
fn only_what_changed_restarts_when_files_change_break_come_and_go() {
    let project = monorepo();
    up(&project);
    // Half written.
    project.write("services/cart/procgroup.toml", "[services.cart]\nrun = 'echo");
    wait_for("the broken file is named", || problem(&project).starts_with("services/cart/procgroup.toml:2:"));
    assert_eq!(states(&project), running(&PACKAGES));
    project.write("services/cart/procgroup.toml", sleeper("cart", "watch = ['src/**']\nenv = { A = '1' }"));
    wait_for("cart has its new environment", || starts(&project, "cart") == 2 && problem(&project).is_empty());
    let said = ask(&project, &["logs", "cart"]);
    assert!(said.contains("restarted · services/cart/procgroup.toml changed"), "{said}");

    // One appears, in a folder that was not there.
    project.write("new/procgroup.toml", sleeper("stock", ""));
    fs::rename(project.path("new"), project.path("services/stock")).unwrap();
    let with_stock = [&PACKAGES[..4], &["search", "stock", "web"]].concat();
    wait_for("stock runs", || states(&project) == running(&with_stock));
    project.write("services/stock/procgroup.toml", sleeper("stock", "env = { B = '1' }"));
    wait_for("stock has its new environment", || starts(&project, "stock") == 2);
    // A clash while it runs: refused, and named.
    project.write("services/other/procgroup.toml", sleeper("stock", ""));
    wait_for("the clash is named", || problem(&project).contains("two services are called `stock`"));
    fs::remove_dir_all(project.path("services/other")).unwrap();
    wait_for("the clash is gone", || problem(&project).is_empty());
    // And it goes.
    fs::remove_dir_all(project.path("services/stock")).unwrap();
    wait_for("stock is gone", || states(&project) == running(&PACKAGES));

    // A local file over the group, and one over a package.
    project.write("procgroup.local.toml", "[services]\nmail = false\n");
    let without_mail = ["api", "auth", "cart", "search", "web"];
    wait_for("mail is taken out", || states(&project) == running(&without_mail));
    project.write("services/api/procgroup.local.toml", "[services.api]\nenv = { LOG = 'debug' }\n");
    wait_for("api has its new environment", || starts(&project, "api") == 2);
    let said = ask(&project, &["logs", "api"]);
    assert!(said.contains("restarted · services/api/procgroup.local.toml changed"), "{said}");
    fs::remove_file(project.path("procgroup.local.toml")).unwrap();
    wait_for("mail is back", || states(&project) == running(&PACKAGES) && starts(&project, "mail") == 2);

    let count = |name: &str| starts(&project, name);
    assert_eq!(["auth", "search", "web"].map(count), [1; 3], "what did not change has not restarted");
    assert_eq!(["api", "cart", "mail"].map(count), [2; 3]);
    down(&project);
}

#[test]
fn a_local_file_is_told_and_git_should_ignore_it() {
    let project = Project::new(&(sleeper("api", "") + &sleeper("db", "")));
    project.write("procgroup.local.toml", "[services]\ndb = false\n");
    let outside = Stream::ask(&project, &["check"]);
    assert_eq!(outside.stdout, "procgroup.toml: ok, 1 service\n  procgroup.local.toml is laid over it\n");
    assert_eq!(outside.stderr, "", "without a repository there is nothing to ignore it");
    let git = std::process::Command::new("git").arg("--version").output().is_ok();
    if !has("git", git) {
        return;
    }
    project.git(&["init", "-q"]);
    let warned = Stream::ask(&project, &["check"]);
    assert!(warned.stderr.contains("git does not ignore `procgroup.local.toml`"), "{}", warned.stderr);
    for pattern in ["*.local.toml\n", "/procgroup.local.toml\n"] {
        project.write(".gitignore", pattern);
        assert_eq!(Stream::ask(&project, &["check"]).stderr, "", "{pattern}");
    }
    // What is tracked is handed on, whatever is ignored.
    project.git(&["add", "-f", "procgroup.local.toml"]);
    assert!(Stream::ask(&project, &["check"]).stderr.contains("local-file"));
    let json: Value = serde_json::from_str(&ask(&project, &["check", "--json"])).unwrap();
    assert_eq!(json["diagnostics"][0]["file"], "procgroup.local.toml");
    assert_eq!(json["files"][1], "procgroup.local.toml");
}

#[test]
fn files_of_others_are_not_included() {
    if !has("root", geteuid().is_root()) {
        return;
    }
    let project = monorepo();
    let file = project.path("services/cart/procgroup.toml");
    chown(&file, Some(SOMEBODY), None).unwrap();
    let refused = Stream::run(&project, &["--no-tui"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    let whose = format!("{} belongs to user {SOMEBODY}", file.display());
    assert!(refused.stderr.contains(&whose) && refused.stderr.contains("included here"), "{}", refused.stderr);
    assert!(PACKAGES.iter().all(|name| starts(&project, name) == 0));
    assert_eq!(Stream::ask(&project, &["check", "-f", "procgroup.toml"]).code, Some(0), "who names the group says so");
    // A link of theirs to a file of ours, and a local file of theirs.
    fs::remove_file(&file).unwrap();
    project.write("services/cart/real", sleeper("cart", ""));
    symlink("real", &file).unwrap();
    assert_eq!(Stream::ask(&project, &["check"]).code, Some(0));
    rustix::fs::chownat(
        rustix::fs::CWD,
        &file,
        Some(rustix::fs::Uid::from_raw(SOMEBODY)),
        None,
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
    )
    .unwrap();
    assert!(Stream::ask(&project, &["check"]).stderr.contains("the link "));
    fs::remove_file(&file).unwrap();
    project.write("procgroup.local.toml", "[services]\nmail = false\n");
    chown(project.path("procgroup.local.toml"), Some(SOMEBODY), None).unwrap();
    assert!(Stream::ask(&project, &["check"]).stderr.contains("procgroup.local.toml belongs to"));
    // One further up that is another's is not read, and that is said.
    fs::remove_file(project.path("procgroup.local.toml")).unwrap();
    chown(project.path("procgroup.toml"), Some(SOMEBODY), None).unwrap();
    let inside = Stream::ask(&project, &["-C", "services/web", "check"]);
    assert!(inside.code == Some(0) && inside.stdout.starts_with("procgroup.toml: ok, 1 service"), "{}", inside.stdout);
    assert!(inside.stderr.contains("it is not read, and may include this file"), "{}", inside.stderr);
}

/// Permissions are no changes, but for a file of the group that could not be read.
#[test]
fn a_file_of_the_group_is_taken_up_when_it_can_be_read_again() {
    if !can_be_others() {
        return;
    }
    let project = Project::new(&sleeper("api", ""));
    give_to_user(&project, SOMEBODY);
    let mut group = start_as(&project, SOMEBODY, &["--no-tui"]);
    wait_for("it runs", || project.lines("starts-api") == 1);
    let (new, file) = (project.path("new.toml"), project.path("procgroup.toml"));
    let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    // Often: between the moment when it is told and the one when it is listened for must be no room.
    let mut text = sleeper("api", "");
    for round in 1..=20 {
        text += &sleeper(&format!("web{round}"), "");
        fs::write(&new, &text).unwrap();
        chown(&new, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
        set_mode(&new, 0o000);
        fs::rename(&new, &file).unwrap();
        group.wait_for_messages(round, "error: cannot read");
        set_mode(&file, 0o644);
        wait_for("it is read without a save", || project.lines(&format!("starts-web{round}")) == 1);
    }
    group.signal(Signal::TERM);
    group.wait_exit();
}

#[test]
fn a_saved_env_file_restarts_who_watches_and_is_told_to_who_does_not() {
    let reads = |more: &str| format!("env_file = ['.env', '../shared.env']\n{more}");
    let project = Project::new(
        &(sleeper("api", &reads("watch = ['src/**']"))
            + &sleeper("web", &reads(""))
            + &sleeper("out", &reads("watch = ['src/**', '!.env']"))
            + &sleeper("not", &reads("watch = ['src/**']\nignore = ['.env']"))
            + &sleeper("none", "watch = ['src/**']")),
    );
    project.write(".gitignore", "starts-*\n*.env\n");
    fs::create_dir(project.path(".git")).unwrap();
    project.write("src/a", "");
    project.write("real.env", "A=1\n");
    symlink("real.env", project.path(".env")).unwrap();
    detach(&project);
    let count = |name: &str| project.lines(&format!("starts-{name}"));
    wait_for("all have started", || ["api", "web", "out", "not", "none"].iter().all(|name| count(name) == 1));
    let why = ask(&project, &["why", ".env"]);
    for part in [
        "a change restarts api\n",
        "web reads it at each start and watches no files: a change is noted in its log; restart it to apply it",
        "services.out.env_file",
        "!.env",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    let web = || status(&project)["services"][1].clone();
    // Through the link, and back: what is on disk is what runs.
    project.write("real.env", "A=2\n");
    wait_for("api has restarted", || count("api") == 2);
    wait_for("web is told", || web()["reason"] == ".env changed · devgroup restart web restarts it");
    assert_eq!((&web()["stale"], &web()["state"]), (&true.into(), &"running".into()));
    let said = ask(&project, &["logs", "web"]);
    assert!(said.contains("── .env changed · devgroup restart web restarts it · "), "{said}");
    project.write("real.env", "A=1\n");
    wait_for("web runs what is on disk", || web()["stale"] == false && web()["reason"].is_null());
    // Outside of the group's folder, where it was not before; and a restart ends the note.
    project.write("../shared.env", "B=1\n");
    wait_for("web is told of the other one", || {
        web()["reason"]
            .as_str()
            .is_some_and(|reason| reason.ends_with("shared.env changed · devgroup restart web restarts it"))
    });
    ask(&project, &["restart", "web"]);
    wait_for("web is as the files are", || count("web") == 2 && web()["stale"] == false);
    wait_for("the others have read it", || count("api") >= 3 && count("out") == 2 && count("not") == 2);
    project.write("real.env", "A=3\n");
    wait_for("api has restarted once more", || count("api") >= 4);
    assert_eq!(["web", "out", "not", "none"].map(count), [2, 2, 2, 1]);
    down(&project);
}
