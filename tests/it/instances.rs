//! Several instances of a service, and names for several services, from outside.

use serde_json::Value;

use crate::harness::{Dash, Project, Stream, detach, down, quit, wait_for};

/// Each worker notes its number, and the second one fails while `bad` is there.
const FARM: &str = r#"
    name = "farm"
    [services]
    db = { run = "exec sleep 1000", group = "infra" }
    worker = { run = "echo $(env | grep ^DEVGROUP_REPLICA | sort) >> ../home/seen; if [ $DEVGROUP_REPLICA = 2 -a -e ../home/bad ]; then exit 7; fi; echo I am $DEVGROUP_REPLICA; exec sleep 1000", replicas = 3, ready = { log = "I am ${DEVGROUP_REPLICA}" }, restart = "never" }
    api = { run = "exec sleep 1000", depends_on = ["worker", "@infra"] }
    "#;

fn ask(project: &Project, code: i32, arguments: &[&str]) -> String {
    let told = Stream::ask(project, arguments);
    assert_eq!(told.code, Some(code), "{arguments:?}: {}{}", told.stdout, told.stderr);
    told.stdout + &told.stderr
}

fn status(project: &Project) -> Value {
    serde_json::from_str(&ask(project, 0, &["status", "--json"])).unwrap()
}

/// `worker.1 ready, …` of the services with this beginning.
fn states(project: &Project, begin: &str) -> String {
    let status = status(project);
    let services = status["services"].as_array().unwrap().iter();
    let word = |service: &Value, key: &str| service[key].as_str().unwrap().to_owned();
    let shown = services.map(|service| format!("{} {}", word(service, "name"), word(service, "state")));
    shown.filter(|text| text.starts_with(begin)).collect::<Vec<_>>().join(", ")
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn each_instance_is_a_service_and_who_waits_for_them_waits_for_all() {
    let project = Project::new(FARM);
    detach(&project);
    assert_eq!(states(&project, ""), "db running, worker.1 ready, worker.2 ready, worker.3 ready, api running");
    assert_eq!(
        sorted(&project.read("../home/seen")),
        [1, 2, 3].map(|number| format!("DEVGROUP_REPLICA={number} DEVGROUP_REPLICAS=3"))
    );
    let json = status(&project);
    assert_eq!((&json["replicas"]["worker"], &json["services"][2]["instance_of"]), (&3.into(), &"worker".into()));
    assert_eq!((&json["services"][2]["replica"], &json["services"][0]["group"]), (&2.into(), &"infra".into()));
    // A name, an instance, a group, a pattern.
    let restarted = ask(&project, 0, &["restart", "worker", "--wait"]);
    assert_eq!(restarted, "worker.1: ready\nworker.2: ready\nworker.3: ready\n");
    assert_eq!(ask(&project, 0, &["stop", "worker.2", "@infra", "--wait"]), "db: stopped\nworker.2: stopped\n");
    assert_eq!(ask(&project, 0, &["start", "{db,w*}", "--wait"]).lines().count(), 4);
    let logs = ask(&project, 0, &["logs", "worker", "--grep", "I am"]);
    assert!(logs.contains("worker.1 │ I am 1") && logs.contains("worker.3 │ I am 3"), "{logs}");
    assert!(ask(&project, 6, &["stop", "worker.4"]).contains("worker has 3 instances, worker.1 to worker.3"));
    let unknown = ask(&project, 6, &["stop", "@infar"]);
    assert!(unknown.contains("unknown group `@infar`") && unknown.contains("did you mean `@infra`?"), "{unknown}");
    assert!(ask(&project, 2, &["send", "worker", "x"]).contains("name one of them: worker.1, worker.2, worker.3"));
    down(&project);
}

#[test]
fn the_number_of_instances_is_changed_while_the_group_runs() {
    let project = Project::new(FARM);
    detach(&project);
    let run_of = |name: &str| {
        let status = status(&project);
        let services = status["services"].as_array().unwrap().clone();
        services.into_iter().find(|service| service["name"] == name).map(|service| service["pid"].clone())
    };
    let first = run_of("worker.1");
    let up = ask(&project, 0, &["scale", "worker=5", "--wait", "--timeout", "60s"]);
    assert!(
        up.starts_with("worker: 5 instances (before: 3)\nworker.1: ready\n") && up.ends_with("worker.5: ready\n"),
        "{up}"
    );
    assert_eq!(run_of("worker.1"), first, "those that stay are not disturbed");
    let seen = project.read("../home/seen");
    assert!(seen.contains("=4 DEVGROUP_REPLICAS=5") && seen.contains("=5 DEVGROUP_REPLICAS=5"), "{seen}");
    // One of them fails: that is told, and the others go on.
    project.write("../home/bad", "");
    ask(&project, 0, &["scale", "worker=1", "--wait"]);
    assert_eq!(states(&project, "worker"), "worker.1 ready");
    let failed = ask(&project, 5, &["scale", "worker=3", "--wait"]);
    assert!(failed.contains("worker.2: failed (exit 7)") && failed.contains("worker.3: ready"), "{failed}");
    assert_eq!(states(&project, "worker"), "worker.1 ready, worker.2 failed, worker.3 ready");
    let json = ask(&project, 0, &["scale", "worker=0", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["scaled"][0]["from"], &json["services"][0]["name"]), (&3.into(), &"worker.3".into()));
    wait_for("no worker is left", || states(&project, "worker").is_empty());
    assert!(ask(&project, 0, &["status"]).contains("worker  0 instances"));
    assert!(
        ask(&project, 1, &["pause", "worker"]).contains("worker has 0 instances: `devgroup scale worker=1` starts one")
    );
    // In the same words everywhere; what is to be down is down.
    let none = "worker has 0 instances: `devgroup scale worker=1` starts one\n";
    for command in ["start worker", "restart worker", "wait worker", "resume worker", "url worker", "send worker x"] {
        let words: Vec<&str> = command.split(' ').collect();
        assert_eq!(ask(&project, 1, &words), format!("error: {none}"), "{command}");
    }
    assert_eq!(ask(&project, 1, &["exec", "worker", "--", "true"]), format!("error: {none}"));
    assert_eq!(ask(&project, 0, &["stop", "worker"]), none);
    assert_eq!(ask(&project, 0, &["logs", "worker"]), none);
    for word in ["worker", "worker.1"] {
        assert_eq!(ask(&project, 0, &["why", word]), format!("worker\n  {none}"));
    }
    // The file says another number.
    project.write("procgroup.toml", FARM.replace("replicas = 3", "replicas = 1"));
    wait_for("the file counts again", || states(&project, "worker") == "worker.1 ready");
    down(&project);
}

#[test]
fn status_shows_the_services_that_are_named() {
    let project = Project::new(FARM);
    detach(&project);
    let shown = |names: &[&str]| {
        let words: Vec<&str> = ["status", "--json"].iter().chain(names).copied().collect();
        let status: Value = serde_json::from_str(&ask(&project, 0, &words)).unwrap();
        let names = status["services"].as_array().unwrap().iter().map(|service| service["name"].as_str().unwrap());
        (names.collect::<Vec<_>>().join(" "), status["replicas"].as_object().unwrap().len())
    };
    assert_eq!(shown(&["@infra"]), ("db".into(), 0));
    assert_eq!(shown(&["w*", "api"]), ("worker.1 worker.2 worker.3 api".into(), 1));
    let table = ask(&project, 0, &["status", "api"]);
    assert!(table.contains("\napi ") && !table.contains("worker"), "{table}");
    assert!(ask(&project, 6, &["status", "wroker"]).contains("did you mean `worker`? services here: db, worker, api"));
    // Only their changes are followed.
    let mut follow = Stream::start(&project, &["status", "api", "-f", "--json"]);
    follow.wait_for_text("\"running\"");
    ask(&project, 0, &["restart", "db", "--wait"]);
    ask(&project, 0, &["stop", "api", "--wait"]);
    let said = follow.wait_for_text("\"stopped\"");
    assert!(!said.contains("\"db\""), "{said}");
    down(&project);
    follow.wait_client();
}

#[test]
fn a_number_that_cannot_be_is_refused_with_the_reason() {
    let project = Project::new(FARM);
    detach(&project);
    for (argument, code, part) in [
        ("api=2", 2, "api has no `replicas`: write `replicas = 1` below [services.api]"),
        ("wroker=2", 6, "did you mean `worker`?"),
        ("worker=101", 2, "worker can have at most 100 instances"),
        ("worker.1=2", 2, "`worker.1` is one instance: scale worker"),
        ("@infra=2", 2, "no service that `@infra` means has `replicas`"),
        ("worker", 2, "write SERVICE=N"),
        ("worker=x", 2, "must be a whole number from 0 to 100"),
        ("worker=-1", 2, "must be a whole number from 0 to 100"),
    ] {
        let said = ask(&project, code, &["scale", argument]);
        assert!(said.contains(part), "{argument}: {said}");
    }
    assert_eq!(ask(&project, 0, &["scale", "w*=3"]), "worker: 3 instances already\n");
    down(&project);
}

#[test]
fn the_dashboard_folds_them_and_scales_from_the_palette() {
    let project = Project::new(FARM);
    let mut dash = Dash::start(&project, (140, 40), &[]);
    dash.wait_for_text("worker 3/3");
    dash.keys("1\r");
    dash.wait_for("each has a row", |screen| {
        screen.contains("● worker.1 ready") && screen.contains("● worker.3 ready")
    });
    dash.keys("\x1b");
    dash.wait_for("they fold again", |screen| screen.contains("● worker 3/3") && !screen.contains("● worker.3 ready"));
    dash.keys(":scale worker=4");
    dash.wait_for_text("scale worker=4");
    dash.keys("\r");
    dash.wait_for_text("worker 4/4");
    quit(dash);
}

#[test]
fn a_change_restarts_all_instances_and_is_explained_once() {
    let project = Project::new("[services]\nworker = { run = \"w\", replicas = 2, watch = [\"src/**\"] }\n");
    let why: Value = serde_json::from_str(&ask(&project, 0, &["why", "--json", "src/a"])).unwrap();
    let path = &why["paths"][0];
    assert_eq!(path["services"], serde_json::json!(["worker.1", "worker.2"]));
    let sources = path["chain"].as_array().unwrap().iter().filter(|step| step["source"] == "services.worker.watch");
    assert_eq!(sources.count(), 1, "{path}");
    assert!(ask(&project, 0, &["why", "src/a"]).contains("a change restarts worker\n"));
}

#[test]
fn completion_knows_instances_groups_and_counts() {
    let project = Project::new(FARM);
    let complete = |words: &[&str]| {
        let mut command = project.command(env!("CARGO_BIN_EXE_devgroup"));
        let index = (words.len()).to_string();
        command.env("DEVGROUP_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", index).env("_CLAP_IFS", "\n");
        command.args(["--", "devgroup"]).args(words);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let words = complete(&["restart", ""]);
    for word in ["worker", "worker.2", "@infra", "db"] {
        assert!(words.lines().any(|line| line == word), "{word} is not in\n{words}");
    }
    assert!(complete(&["scale", ""]).lines().any(|line| line == "worker=3"));
}

#[test]
fn a_reference_to_a_service_that_has_no_instances_says_so() {
    let project = Project::new(
        "[services.w]\nrun = 'exec sleep 1000'\nport = 'auto'\nreplicas = 0\n\
         [services.a]\nrun = 'exec sleep 1000'\nenv = { W = '${services.w.port}' }\n",
    );
    let ran = Stream::run(&project, &["exec", "a", "true"]);
    let said = "env.W of a: `${services.w.port}` has no value, because w has 0 instances: scale it up";
    assert!(ran.code == Some(126) && ran.stderr.contains(said), "{}", ran.stderr);
    let why = Stream::run(&project, &["why", "w"]).stdout;
    assert_eq!(why, "w\n  w has 0 instances: set `replicas = 1` in procgroup.toml for one\n");
}
