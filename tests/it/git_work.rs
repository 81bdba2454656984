//! Git at work under a running group: one restart for what an operation has changed, none for what it has not.

use std::fs;
use std::process::Stdio;
use std::thread;

use serde_json::Value;

use crate::content_changes::{quit, sleeper, started, starts, up};
use crate::harness::{Dash, Project, Stream};

const WIDE: (u16, u16) = (160, 50);

/// A repository with two services, and a branch `feat` that changes the files of `api`.
fn repository() -> Project {
    let project = Project::new(&(sleeper("api", "watch = ['api/**']") + &sleeper("web", "watch = ['web/**']")));
    project.git(&["init", "-q"]);
    for n in 0..20 {
        project.write(&format!("api/{n}.rs"), "main\n");
    }
    project.write("web/index.html", "main\n");
    commit(&project, "main");
    project.git(&["checkout", "-qb", "feat"]);
    for n in 0..20 {
        project.write(&format!("api/{n}.rs"), "feat\n");
    }
    commit(&project, "feat");
    project.git(&["checkout", "-q", "main"]);
    project
}

fn commit(project: &Project, message: &str) {
    project.git(&["add", "-A"]);
    project.git(&["commit", "-qm", message]);
}

/// Whether the live run of a service is so old.
fn has_run_for(project: &Project, name: &str, millis: u64) -> bool {
    let status: Value = serde_json::from_str(&Stream::ask(project, &["status", "--json"]).stdout).unwrap_or_default();
    let services = status["services"].as_array().cloned().unwrap_or_default();
    let uptime = services.iter().find(|service| service["name"] == name).and_then(|one| one["uptime_ms"].as_u64());
    uptime.is_some_and(|uptime| uptime > millis)
}

/// Whether a line says that of git's doing. Git writes what it has done when the tree is done: on a busy machine that may be
/// too late for its name.
fn is_said(screen: &str, called: &str, rest: &str) -> bool {
    screen.lines().any(|line| line.contains(rest) && (line.contains(called) || line.contains("git · ")))
}

/// What is said between the two last starts of `api`, of which this is the second. From the history: on the screen it stays
/// for five seconds.
fn said_before_start(project: &Project, run: usize) -> Option<String> {
    let folders = fs::read_dir(project.path("../home/state/devgroup")).unwrap().flatten();
    let days = folders.filter_map(|folder| fs::read_dir(folder.path().join("events")).ok()).flatten().flatten();
    let mut days: Vec<_> = days.map(|day| day.path()).collect();
    days.sort();
    let text: String = days.into_iter().map(|day| fs::read_to_string(day).unwrap()).collect();
    // The last line may still be written.
    let events: Vec<Value> = text.lines().map_while(|line| serde_json::from_str(line).ok()).collect();
    let is_start =
        |event: &Value| event["service"] == "api" && (event["type"] == "start" || event["type"] == "restart");
    let at = events.iter().position(|event| is_start(event) && event["run"] == run)?;
    let before = events[..at].iter().rev().take_while(|event| !is_start(event));
    let notices = before.filter(|event| event["type"] == "notice").filter_map(|event| event["message"].as_str());
    Some(notices.collect::<Vec<_>>().join("\n"))
}

/// What git does restarts `api` once. Whether it is called so.
fn restarts_once(dash: &mut Dash<'_>, project: &Project, arguments: &[&str], called: &str) -> bool {
    // Changes right after a start wait after some of them.
    dash.wait_while_reading("it has run for two seconds", |project| has_run_for(project, "api", 2_000));
    let before = starts(project, "api");
    thread::scope(|scope| {
        let git = scope.spawn(|| project.git(arguments));
        started(dash, "api", before + 1);
        git.join().unwrap();
    });
    dash.wait_while_reading("the history has it", |project| said_before_start(project, before + 1).is_some());
    let said = said_before_start(project, before + 1).unwrap();
    assert_eq!(Stream::ask(project, &["settle"]).code, Some(0));
    assert_eq!((starts(project, "api"), starts(project, "web")), (before + 1, 1), "{arguments:?}");
    // `git stash -u` removes files before it locks the tree: on a busy machine that is a change like any other.
    assert!(
        is_said(&said, called, "· api restarted") || said.is_empty() && called == "git ",
        "{arguments:?}: {said:?}\n{}",
        Stream::ask(project, &["events", "--json"]).stdout
    );
    said.contains(called)
}

#[test]
fn a_checkout_of_5000_files_is_one_restart_each_and_there_and_back_is_none() {
    let services = ["api", "web", "db"].map(|name| sleeper(name, &format!("watch = ['{name}/**']")));
    let project = Project::new(&services.concat());
    project.git(&["init", "-q"]);
    let all = |content: &str| {
        for n in 0..4_000 {
            project.write(&format!("api/{}/{n}.rs", n % 100), content);
        }
        for n in 0..1_000 {
            project.write(&format!("web/{}/{n}.ts", n % 50), content);
        }
    };
    project.write("db/schema.sql", "main\n");
    all("main\n");
    commit(&project, "main");
    project.git(&["checkout", "-qb", "feat"]);
    all("feat\n");
    commit(&project, "feat");
    project.git(&["checkout", "-q", "main"]);
    let mut dash = Dash::start(&project, WIDE, &[]);
    up(&mut dash, &["api", "web", "db"]);

    project.git(&["checkout", "-q", "feat"]);
    let said = |called: &'static str, rest: &'static str| move |screen: &str| is_said(screen, called, rest);
    let (to_feat, to_main) = ("git checkout: moving from main to feat", "git checkout: moving from feat to main");
    dash.wait_for("a checkout", said(to_feat, "· 5000 changes · api, web restarted"));
    started(&mut dash, "api", 2);
    started(&mut dash, "web", 2);

    // Twice within the quiet time, to where it was. One script: nothing but git is between them.
    let quickly = |script: &str| assert!(project.command("sh").args(["-c", script]).status().unwrap().success());
    quickly("git checkout -q main && git checkout -q feat");
    dash.wait_for("there and back", said(to_feat, "· 5000 changes cancelled out · no restart"));

    // And to somewhere else: one.
    quickly("git checkout -q main && git checkout -q feat && git checkout -q main");
    dash.wait_for("somewhere else", said(to_main, "· 5000 changes · api, web restarted"));
    started(&mut dash, "api", 3);
    started(&mut dash, "web", 3);
    assert_eq!(["api", "web", "db"].map(|name| starts(&project, name)), [3, 3, 1]);
    quit(dash);
}

#[test]
fn what_git_does_to_the_tree_is_one_restart() {
    let project = repository();
    project.git(&["checkout", "-qb", "other"]);
    project.write("web/other.html", "other\n");
    commit(&project, "other");
    project.git(&["checkout", "-q", "main"]);
    project.git(&["clone", "-q", "--bare", ".", "../home/remote"]);
    project.git(&["remote", "add", "origin", "../home/remote"]);
    let mut dash = Dash::start(&project, WIDE, &[]);
    up(&mut dash, &["api", "web"]);
    let d = &mut dash;
    let mut named = 0;
    let back = &["reset", "-q", "--hard", "HEAD~1"][..];
    let operations = [
        (&["merge", "-q", "feat"][..], "git merge feat: Fast-forward"),
        (back, "git reset: moving to HEAD~1"),
        (&["cherry-pick", "feat"], "git cherry-pick: feat"),
        (back, "git reset: moving to HEAD~1"),
        (&["switch", "-q", "feat"], "git checkout: moving from main to feat"),
    ];
    for (arguments, called) in operations {
        named += usize::from(restarts_once(d, &project, arguments, called));
    }
    // The rebase takes them away and brings them back.
    d.wait_while_reading("it has run for two seconds", |project| has_run_for(project, "api", 2_000));
    let before = starts(&project, "api");
    project.write("api/local.rs", "local\n");
    d.wait_for_text("restarted · api/local.rs changed");
    started(d, "api", before + 1);
    restarts_once(d, &project, &["stash", "push", "-q", "-u"], "git ");
    restarts_once(d, &project, &["stash", "pop", "-q"], "git ");
    d.wait_while_reading("it has run for two seconds", |project| has_run_for(project, "api", 2_000));
    fs::remove_file(project.path("api/local.rs")).unwrap();
    let before = starts(&project, "api");
    started(d, "api", before + 1);
    named +=
        usize::from(restarts_once(d, &project, &["checkout", "-q", "main"], "git checkout: moving from feat to main"));
    named += usize::from(restarts_once(d, &project, &["pull", "-q", "origin", "feat"], "git pull"));
    assert!(named >= 5, "{named} of 7 were called by their names");
    quit(dash);
}

#[test]
fn a_rebase_is_one_and_a_stopped_one_holds_nothing() {
    let project = repository();
    project.git(&["checkout", "-q", "feat"]);
    for n in 0..3 {
        project.write("api/steps.rs", format!("step {n}\n"));
        commit(&project, "step");
    }
    project.git(&["checkout", "-q", "main"]);
    project.write("api/base.rs", "base\n");
    commit(&project, "base");
    project.git(&["checkout", "-q", "feat"]);
    let mut dash = Dash::start(&project, WIDE, &[]);
    up(&mut dash, &["api", "web"]);
    restarts_once(&mut dash, &project, &["rebase", "-q", "main"], "git rebase (finish)");

    // Now with a conflict.
    restarts_once(&mut dash, &project, &["checkout", "-q", "main"], "git checkout: moving from feat to main");
    let before = starts(&project, "api");
    project.write("api/steps.rs", "main\n");
    commit(&project, "conflict");
    started(&mut dash, "api", before + 1);
    restarts_once(&mut dash, &project, &["checkout", "-q", "feat"], "git checkout: moving from main to feat");
    let rebase = project
        .command("git")
        .args(["-c", "user.name=it", "-c", "user.email=it@localhost", "rebase", "-q", "main"])
        .output();
    assert!(!rebase.unwrap().status.success(), "there is a conflict");
    started(&mut dash, "api", before + 3);
    assert!(project.path(".git/rebase-merge").exists(), "it has stopped");
    project.write("api/steps.rs", "resolved\n");
    dash.wait_for_text("restarted · api/steps.rs changed");
    started(&mut dash, "api", before + 4);
    assert_eq!(starts(&project, "web"), 1);
    quit(dash);
}

#[test]
fn linked_worktrees_and_submodules_hold_for_their_own_tree() {
    let project =
        Project::new(&(sleeper("api", "watch = ['tree/**', 'lib/**']") + &sleeper("web", "watch = ['web/**']")));
    project.write("../home/lib/a.c", "one\n");
    let in_lib = |arguments: &[&str]| project.git(&[&["-C", "../home/lib"], arguments].concat());
    in_lib(&["init", "-q"]);
    in_lib(&["add", "."]);
    in_lib(&["commit", "-qm", "one"]);
    for n in 0..12 {
        project.write(&format!("../home/lib/{n}.c"), "two\n");
    }
    in_lib(&["add", "."]);
    in_lib(&["commit", "-qm", "two"]);
    project.git(&["init", "-q"]);
    project.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../home/lib", "lib"]);
    commit(&project, "main");
    project.git(&["worktree", "add", "-q", "tree"]);
    for n in 0..12 {
        project.write(&format!("tree/{n}.rs"), "one\n");
    }
    project.git(&["-C", "tree", "add", "."]);
    project.git(&["-C", "tree", "commit", "-qm", "one"]);
    let mut dash = Dash::start(&project, WIDE, &[]);
    up(&mut dash, &["api", "web"]);
    restarts_once(
        &mut dash,
        &project,
        &["-C", "lib", "checkout", "-q", "HEAD~1"],
        "git checkout: moving from main to HEAD~1",
    );
    restarts_once(
        &mut dash,
        &project,
        &["-C", "tree", "reset", "-q", "--hard", "HEAD~1"],
        "git reset: moving to HEAD~1",
    );
    quit(dash);
}

#[test]
fn a_lock_without_changes_of_the_tree_means_nothing() {
    let project = repository();
    let mut dash = Dash::start(&project, WIDE, &[]);
    up(&mut dash, &["api", "web"]);
    for n in 0..20 {
        // Touched, so that status has the index to write. Not opened for writing: its end is a change of the tree to be
        // looked into, and rightly held while the lock of a slow git is there.
        let file = fs::File::open(project.path("api/1.rs")).unwrap();
        file.set_modified(std::time::SystemTime::now()).unwrap();
        project.git(&["status", "--short"]);
        assert!(!dash.screen().contains("HELD by"), "round {n}");
    }
    project.write("api/2.rs", "edited\n");
    dash.wait_for_text("restarted · api/2.rs changed");
    started(&mut dash, "api", 2);
    quit(dash);
}

#[test]
fn a_save_beside_git_status_in_a_loop_restarts_while_it_goes_on() {
    let project = repository();
    let mut dash = Dash::start(&project, WIDE, &[]);
    up(&mut dash, &["api", "web"]);
    // With a change, so that status has the index to write each time.
    project.write("web/index.html", "edited\n");
    started(&mut dash, "web", 2);
    let mut statuses = project
        .command("sh")
        .args(["-c", "while [ ! -e ../home/done ]; do git status >/dev/null; touch ../home/one; sleep .05; done"])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    dash.wait_while_reading("git status has run", |project| project.path("../home/one").exists());
    for n in 1..=5 {
        project.write(&format!("api/{n}.rs"), "edited\n");
        started(&mut dash, "api", 1 + n);
        assert!(statuses.try_wait().unwrap().is_none(), "it goes on");
    }
    project.write("../home/done", "");
    assert!(statuses.wait().unwrap().success());
    quit(dash);
}

#[test]
fn what_others_change_after_git_is_not_called_gits() {
    let project = repository();
    let mut dash = Dash::start(&project, WIDE, &[]);
    up(&mut dash, &["api", "web"]);
    for n in 1..=3 {
        for file in 0..312 {
            project.write(&format!("../home/made{n}/{file}"), "new");
        }
        // In one step: how long it takes to write so many files is the machine's affair.
        let script = format!("git checkout -q -b new{n}; mv ../home/made{n} api/");
        assert!(project.command("sh").args(["-c", &script]).status().unwrap().success());
        started(&mut dash, "api", 1 + n);
        assert!(!dash.screen().contains("git checkout"), "{}", dash.screen());
    }
    // And it is the one restart.
    project.write("web/index.html", "edited\n");
    started(&mut dash, "web", 2);
    assert_eq!(starts(&project, "api"), 4);
    quit(dash);
}

#[test]
fn a_lock_that_stays_holds_a_save_for_ten_seconds_only() {
    let project = repository();
    let mut dash = Dash::start(&project, WIDE, &[]);
    up(&mut dash, &["api", "web"]);
    // `git commit -a` has the lock while its editor is open.
    project.write(
        "../home/editor",
        "#!/bin/sh\nwhile [ ! -e ../home/done ]; do sleep 0.05; done\necho message > \"$1\"\n",
    );
    project.write("web/index.html", "edited\n");
    started(&mut dash, "web", 2);
    let mut commit = project
        .command("git")
        .args(["-c", "user.name=it", "-c", "user.email=it@localhost", "commit", "-qa"])
        .env("GIT_EDITOR", "sh ../home/editor")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    dash.wait_while_reading("git has the lock", |project| project.path(".git/index.lock").exists());
    project.write("api/2.rs", "edited\n");
    dash.wait_for_text("HELD by git");
    dash.wait_for_text("restarted · api/2.rs changed");
    dash.wait_for_text("git index.lock is 1");
    started(&mut dash, "api", 2);
    project.write("api/3.rs", "edited\n");
    dash.wait_for_text("restarted · api/3.rs changed");
    project.write("../home/done", "");
    assert!(commit.wait().unwrap().success());
    quit(dash);
}

#[test]
fn a_checkout_of_another_procgroup_toml_is_one_restart() {
    let project = repository();
    let (file, other) = (project.read("procgroup.toml"), "sleep 1001");
    project.git(&["checkout", "-q", "feat"]);
    project.write("procgroup.toml", file.replacen("sleep 1000", other, 1));
    commit(&project, "another command");
    project.git(&["checkout", "-q", "main"]);
    let mut dash = Dash::start(&project, WIDE, &[]);
    up(&mut dash, &["api", "web"]);
    project.git(&["checkout", "-q", "feat"]);
    dash.wait_while_reading("the other command runs", |project| {
        project.processes().iter().any(|(_, command)| command.as_str() == other)
    });
    started(&mut dash, "api", 2);
    // Whatever else the checkout has changed is met by that run.
    dash.wait_while_reading("all of it is settled", |project| has_run_for(project, "api", 2_000));
    assert_eq!((starts(&project, "api"), starts(&project, "web")), (2, 1));
    quit(dash);
}
