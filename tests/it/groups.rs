//! Several groups of one user: `devgroup ls`, `-g`, `up`, `down --all`.

use serde_json::{Value, json};

use crate::harness::{Project, Stream, Streamed, kill, program_below, stop};

const SHOP: &str = r#"
    name = "shop"
    [services]
    web = { run = "exec sleep 1000", url = "http://localhost:4000" }
    bad = { run = "exit 3", restart = "never" }
    "#;

const BLOG: &str = "name = 'blog'\n[services]\nsite = 'exec sleep 1000'\n";

/// A project with folders for three groups, whose sockets and locks are its own alone.
fn project() -> Project {
    let project = Project::new(SHOP);
    project.write("../blog/procgroup.toml", BLOG);
    project.write("../blog/src/a", "");
    project.write("../twin/procgroup.toml", SHOP);
    let temp = project.path("../home/tmp").display().to_string();
    project.with_env("TMPDIR", &temp)
}

fn up(project: &Project, folder: &str) -> Streamed {
    Stream::ask(project, &["-C", folder, "up"])
}

fn ask(project: &Project, line: &str) -> Streamed {
    Stream::ask(project, &line.split(' ').collect::<Vec<_>>())
}

fn list(project: &Project) -> Vec<Value> {
    let listed = ask(project, "ls --json");
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    serde_json::from_str(&listed.stdout).unwrap()
}

fn is_told(project: &Project, line: &str, code: i32, parts: &[&str]) {
    let asked = ask(project, line);
    assert_eq!(asked.code, Some(code), "{line}: {}", asked.stderr);
    for part in parts {
        assert!(asked.stderr.contains(part), "{line}: {part} is missing in {}", asked.stderr);
    }
}

#[test]
fn all_groups_are_listed_named_and_stopped() {
    let project = project();
    let none = ask(&project, "ls");
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), ""));
    assert!(none.stderr.starts_with("no group is running"), "{}", none.stderr);
    assert_eq!(ask(&project, "ls --json").stdout, "[]\n");
    is_told(&project, "down --all", 0, &["no group is running"]);
    is_told(
        &project,
        "-g shop status",
        4,
        &["no running group is called `shop`, and there is no such folder here", "`devgroup up` starts"],
    );

    project.git(&["init", "-q"]);
    assert_eq!(up(&project, ".").code, Some(5), "one of its services fails");
    let blog = up(&project, "../blog");
    assert!(blog.code == Some(0) && blog.stderr.contains("running in the background"), "{}", blog.stderr);
    let listed = list(&project);
    let of = |key: &str| listed.iter().map(|group| group[key].clone()).collect::<Vec<_>>();
    assert_eq!((of("name"), of("state")), (vec!["blog".into(), "shop".into()], vec!["running".into(); 2]));
    assert_eq!(of("states"), [json!({ "running": 1 }), json!({ "failed": 1, "running": 1 })]);
    assert_eq!(of("urls"), [json!({}), json!({ "web": "http://localhost:4000" })]);
    assert_eq!(of("branch"), [Value::Null, "main".into()]);
    assert_eq!(listed[1]["folder"], project.root().canonicalize().unwrap().to_str().unwrap());
    assert!(listed[0]["started_at"].as_str().unwrap().ends_with('Z'), "{listed:?}");
    let table = ask(&project, "ls").stdout;
    let row = table.lines().find(|line| line.starts_with("shop")).unwrap();
    assert!(row.contains("main") && row.ends_with("1 failed, 1 running  http://localhost:4000"), "{table}");

    for line in ["-C / -g blog status", "-C / status -g blog", "-g ../blog/src status", "-C ../blog status"] {
        let status = ask(&project, line);
        assert!(status.stdout.starts_with("blog · pid "), "{line}: {}{}", status.stdout, status.stderr);
    }
    assert!(ask(&project, "-g blog why x").stdout.contains("blog"), "the file of the group is meant");
    is_told(&project, "-g blg status", 4, &["did you mean `blog`? running groups: blog, shop"]);
    is_told(&project, "-g / status", 4, &["no group is running in /"]);
    is_told(&project, "-g blog", 2, &["and starts nothing", "`devgroup -g blog attach` opens"]);
    is_told(&project, "-g blog stat", 2, &["did you mean the command `status`?"]);
    is_told(&project, "-g blog up", 2, &["and starts nothing"]);
    is_told(&project, "-g blog ls", 2, &["`ls` lists all groups"]);
    is_told(&project, "-g blog down --all", 2, &["`--all` means all groups"]);
    is_told(&project, "-g blog -f procgroup.toml status", 2, &["use one of them"]);

    assert_eq!(up(&project, "../twin").code, Some(5));
    is_told(&project, "-g shop status", 2, &["2 groups are called `shop`: ", "/twin", "name one by its folder: -g /"]);
    assert!(ask(&project, "-g ../twin status").stdout.starts_with("shop · pid "));

    assert_eq!(list(&project).len(), 3, "nobody else's groups are stopped by this test");
    let down = ask(&project, "down --all");
    assert_eq!(down.code, Some(0), "{}", down.stderr);
    let count = |name: &str| down.stderr.lines().filter(|line| line.starts_with(name)).count();
    assert_eq!((count("shop: "), count("blog: ")), (2, 1), "{}", down.stderr);
    project.assert_nothing_left();
    assert_eq!(ask(&project, "ls --json").stdout, "[]\n");
}

#[test]
fn a_group_that_does_not_answer_is_listed_with_its_pid() {
    let project = project();
    assert_eq!(up(&project, ".").code, Some(5));
    assert_eq!(up(&project, "../blog").code, Some(0));
    let guard = list(&project)[0]["pid"].as_u64().unwrap();
    let program = i32::try_from(program_below(u32::try_from(guard).unwrap()).unwrap()).unwrap();
    stop(program);
    let listed = list(&project);
    assert_eq!(listed[0]["state"], "silent", "{listed:?}");
    assert_eq!(
        (&listed[0]["name"], &listed[0]["pid"], &listed[1]["state"]),
        (&"blog".into(), &guard.into(), &"running".into())
    );
    assert!(listed[0]["folder"].as_str().unwrap().ends_with("/blog"), "{listed:?}");
    let table = ask(&project, "ls").stdout;
    assert!(table.contains(&format!("does not answer (pid {guard})")), "{table}");
    assert_eq!(listed.len(), 2, "nobody else's groups are stopped by this test");
    // The one that answers is stopped all the same.
    is_told(&project, "down --all", 1, &[&format!("blog (pid {guard}): the group does not answer"), "shop: "]);
    kill(program, rustix::process::Signal::CONT);
    is_told(&project, "down --all", 0, &["blog: "]);
    project.assert_nothing_left();
}

#[test]
fn groups_and_their_services_are_completed() {
    let project = project();
    assert_eq!(up(&project, "../blog").code, Some(0));
    let completed = |words: &[&str]| {
        let mut command = project.command(env!("CARGO_BIN_EXE_devgroup"));
        command.env("DEVGROUP_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string());
        let output = command.env("_CLAP_IFS", "\n").arg("--").args(words).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(completed(&["devgroup", "-g", "b"]), "blog");
    assert_eq!(completed(&["devgroup", "status", "-g", "b"]), "blog");
    assert_eq!(completed(&["devgroup", "-g", "blog", "restart", "s"]), "site");
    assert_eq!(list(&project).len(), 1);
    is_told(&project, "down --all", 0, &["blog: "]);
    project.assert_nothing_left();
}
