//! `kind = "worker"`, its keys, and `[tasks]`.

use super::*;
use crate::domain::{TaskBreaker, TaskFolders, WorkerSpec};

/// A worker with these keys.
fn worker(keys: &str) -> ServiceSpec {
    service(&good(&with(keys)), "marie")
}

fn with(keys: &str) -> String {
    format!("[tasks]\ndir = 'shared'\n[services.marie]\nkind = 'worker'\n{keys}\n")
}

fn problems_of(text: &str) -> String {
    match parse(text, Path::new(FILE)) {
        Ok(loaded) => loaded.warnings.render(plain()),
        Err(problems) => problems.render(plain()),
    }
}

#[test]
fn a_worker_has_the_defaults_of_the_contract() {
    let spec = worker("run = ['claude', '-p', '${TASK_DESCRIPTION}']");
    let folders = TaskFolders::below("/nowhere/shop/shared".into());
    let expected = WorkerSpec {
        concurrency: 3,
        timeout: Duration::from_secs(600),
        retries: 3,
        backoff: Backoff {
            initial: Duration::from_secs(1),
            factor: 2.0,
            max: Duration::from_secs(300),
            reset_after: Duration::ZERO,
        },
        breaker: TaskBreaker { failures: 5, cooldown: Duration::from_secs(60) },
        heartbeat: Duration::from_secs(10),
        remote: false,
        folders,
        backend: None,
    };
    assert_eq!(spec.kind, Kind::Worker);
    assert_eq!(spec.worker.as_deref(), Some(&expected));
    assert_eq!(expected, WorkerSpec::new(expected.folders.clone()), "what is written out is what `new` says");
    assert!(spec.run == RunCommand::Argv(["claude", "-p", "${TASK_DESCRIPTION}"].map(Into::into).into()));
}

#[test]
fn the_keys_of_a_worker_are_about_its_tasks_and_not_about_itself() {
    let spec = worker(
        "run = 'a'\nconcurrency = 7\ntimeout = '90s'\nretries = 0\nbackoff = { initial = '2s', factor = 3, max = '1m' }\n\
         breaker = { failures = 2, cooldown = '3s' }\nheartbeat = '1s'\nenv = { A = 'b' }\nautostart = false\n\
         stop = { signal = 'INT', grace = '2s' }\ngroup = 'agents'\nprofiles = ['ai']",
    );
    let own = spec.worker.clone().unwrap();
    assert_eq!((own.concurrency, own.timeout, own.retries), (7, Duration::from_secs(90), 0));
    assert_eq!((own.backoff.initial, own.backoff.factor, own.backoff.max.as_secs()), (Duration::from_secs(2), 3.0, 60));
    assert_eq!(own.breaker, TaskBreaker { failures: 2, cooldown: Duration::from_secs(3) });
    assert_eq!(own.heartbeat, Duration::from_secs(1));
    assert_eq!((spec.retries, spec.backoff, spec.breaker), (0, Backoff::default(), Breaker::default()));
    assert_eq!((spec.stop.signal, spec.stop.grace), (Signal::Int, Duration::from_secs(2)));
    assert_eq!((spec.autostart, spec.group.as_deref()), (false, Some("agents")));
}

#[test]
fn somebody_else_works_off_the_tasks_of_a_remote_worker() {
    let own = worker("remote = true\nheartbeat = '30s'").worker.unwrap();
    assert!(own.remote && own.heartbeat == Duration::from_secs(30));
    assert!(!worker("remote = false\nrun = 'a'").worker.unwrap().remote);
    for (keys, told) in [
        ("remote = true\nrun = 'a'", "worker `marie` has both `run` and `remote = true`"),
        ("remote = false", "service `marie` has no command"),
        ("", "service `marie` has no command"),
        ("remote = true\nretries = 2", "`retries` has no effect on the remote worker `marie`"),
    ] {
        assert!(problems_of(&with(keys)).contains(told), "{keys}: {}", problems_of(&with(keys)));
    }
}

#[test]
fn of_the_defaults_a_worker_takes_what_it_can_have() {
    let spec = good(
        "[tasks]\ndir = 'shared'\n[defaults]\nwatch = true\nready = { port = 1 }\nalive = { cmd = 'x' }\nrestart = 'always'\n\
         view = 'log'\non_change = 'mark'\ncascade = true\nvalidate = { run = 'v' }\nreplicas = 2\ndebounce = '1s'\n\
         ignore = ['x']\ninputs = ['y']\nlimits = { memory = '1GiB' }\nretries = 9\ntimeout = '5s'\nconcurrency = 8\n\
         heartbeat = '2s'\nenv = { A = 'a' }\nstop = { command = 'x', grace = '9s' }\n\
         backoff = { max = '7s', reset_after = '1s' }\nbreaker = { failures = 4, within = '1s' }\n\
         [services]\nmarie = { run = 'm', kind = 'worker', retries = 1 }\napi = 'api'\n",
    );
    let marie = service(&spec, "marie");
    let own = marie.worker.clone().unwrap();
    assert_eq!((own.retries, own.concurrency, own.timeout), (1, 8, Duration::from_secs(5)));
    assert_eq!((own.backoff.max, own.breaker.failures), (Duration::from_secs(7), 4));
    assert_eq!((marie.ready, marie.alive, marie.validate, marie.replicas), (None, None, None, None));
    assert_eq!((marie.watch, marie.restart, marie.cascade), (WatchFiles::Off, RestartPolicy::OnFailure, false));
    assert_eq!((marie.stop.command, marie.stop.grace), (None, Duration::from_secs(9)));
    assert_eq!((marie.limits, marie.view, marie.env.len()), (Limits::default(), PaneView::Auto, 1));
    let api = service(&spec, "api");
    assert_eq!((api.worker, api.retries, api.replicas), (None, 0, Some(2)), "and a service what is for services");
    // Of two ways, the one that a worker says itself counts.
    let remote = |defaults: &str, own: &str| {
        let text = format!("[defaults]\nkind = 'worker'\n{defaults}\n[services]\nbob = {{ {own} }}");
        service(&good(&text), "bob").worker.unwrap().remote
    };
    assert!(remote("run = 'a'", "remote = true") && !remote("remote = true", "run = 'a'"));
    assert!(remote("remote = true", "heartbeat = '1s'"));
}

#[test]
fn what_depends_on_a_worker_waits_for_its_start() {
    let spec = good(&format!("{}[services.web]\nrun = 'w'\ndepends_on = ['marie']\n", with("run = 'a'")));
    assert_eq!(service(&spec, "web").depends_on[0].until, Condition::Started);
}

#[test]
fn each_key_that_a_worker_cannot_have_is_refused_with_its_reason() {
    let text = with(
        "run = 'a'\nwatch = true\nignore = ['x']\ndebounce = '1s'\non_change = 'mark'\nready = { port = 1 }\n\
         alive = { cmd = 'x' }\nrestart = 'always'\nview = 'log'\ncascade = true\nvalidate = { run = 'v' }\n\
         schedule = '@daily'\ntimezone = 'UTC'\nrun_on_start = true\ninputs = ['y']\nreplicas = 2\n\
         limits = { memory = '1GiB' }\nstop = { command = 'x' }\nbackoff = { reset_after = '1s' }\nbreaker = { within = '1s' }",
    );
    insta::assert_snapshot!(problems_of(&text));
}

#[test]
fn keys_of_workers_are_refused_in_others_and_bad_values_are_told() {
    insta::assert_snapshot!(problems_of(
        "[services.api]\nrun = 'a'\nconcurrency = 2\ntimeout = '5s'\nheartbeat = '1s'\nremote = true\n\
         [services.job]\nrun = 'j'\nkind = 'job'\ntimeout = '1m'\n\
         [services.one]\nkind = 'worker'\nrun = 'x'\nconcurrency = 0\ntimeout = 600\nheartbeat = '1ms'\nretries = -1\n\
         max_concurrent_tasks = 3\n\
         [services.two]\nkind = 'agent'\nrun = 'x'\nbackoff = { initial = '10m' }\n"
    ));
}

#[test]
fn the_name_of_a_worker_is_a_name_of_files() {
    let told = |name: &str| problems_of(&format!("[services]\n'{name}' = {{ run = 'a', kind = 'worker' }}"));
    for good in ["marie", "Marie_2-x", "7", &"a".repeat(64)] {
        assert_eq!(told(good), "", "{good}");
    }
    for (bad, why) in [
        ("größe", "[services.gr--e]"),
        ("a.b", "[services.a-b]"),
        (&*"a".repeat(65), "longer than 64 characters"),
        ("unrouted", "[services.unrouted-1]"),
        ("orchestrator", "a folder of this name for something else"),
    ] {
        assert!(told(bad).contains("not a valid name for a worker") && told(bad).contains(why), "{}", told(bad));
    }
}

#[test]
fn the_folder_of_tasks_is_relative_to_the_file_and_may_be_missing() {
    let folders = |dir: &str| {
        let text = format!("[tasks]\ndir = '{dir}'\n[services]\nm = {{ run = 'a', kind = 'worker' }}");
        service(&good(&text), "m").worker.unwrap().folders.clone()
    };
    assert_eq!(folders("../x/./y"), TaskFolders::below("/nowhere/x/y".into()));
    assert_eq!(folders("/abs"), TaskFolders::below("/abs".into()));
    insta::assert_snapshot!(
        [
            "[tasks]\ndir = '${HOME}/tasks'\n[services]\nm = { run = 'a', kind = 'worker' }",
            "[tasks]\ndir = '~/tasks'\n[services]\nm = { run = 'a', kind = 'worker' }",
            "[tasks]\ndir = '/dev/null'\n[services]\nm = { run = 'a', kind = 'worker' }",
            "[tasks]\nbackend = 'redis://x'\n[services]\nm = { run = 'a', kind = 'worker' }",
            "[tasks]\nfolder = 'x'\n[services]\nm = { run = 'a', kind = 'worker' }",
            "[tasks.build]\nrun = 'make'\n[services]\napi = 'a'",
            "[tasks]\ndir = 'x'\n[services]\napi = 'a'",
        ]
        .map(problems_of)
        .join("\n")
    );
}

#[test]
fn a_server_needs_the_feature_and_goes_to_who_works_here() {
    let text = "[tasks]\nbackend = 'nats://me:secret@host:4222'\n[services]\n\
        m = { run = 'a', kind = 'worker' }\nr = { remote = true, kind = 'worker' }";
    if !cfg!(feature = "nats") {
        let said = problems_of(text);
        assert!(said.contains("needs the feature `nats`, which this devgroup was built without"), "{said}");
        assert!(said.contains("--features nats"), "{said}");
        return;
    }
    let backend = |group: &GroupSpec, name: &str| {
        service(group, name).worker.unwrap().backend.clone().map(|backend| backend.to_string())
    };
    let group = good(text);
    assert_eq!((backend(&group, "m").as_deref(), backend(&group, "r")), (Some("nats://…@host:4222"), None));
    let here = |variable: &str| {
        let loaded = parse(text, Path::new(FILE)).unwrap();
        let value = |name: &str| (name == "NATS_URL").then(|| variable.into());
        loaded.in_environment(&value, &|_| Ok("/state".into()))
    };
    let loaded = here("tls://me:other@there").unwrap();
    assert_eq!(backend(&loaded.spec, "m").as_deref(), Some("tls://…@there"));
    let told: Vec<String> = loaded.task_variables.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["NATS_URL=tls://…@there overrides backend of [tasks] (nats://…@host:4222)"]);
    let wrong = here("http://me:secret@x").unwrap_err().render(plain());
    assert!(wrong.contains("NATS_URL") && !wrong.contains("secret"), "{wrong}");
    let without = good("[services]\nm = { run = 'a', kind = 'worker' }");
    assert_eq!(backend(&without, "m"), None);
}

#[test]
fn variables_of_tasks_are_known_to_workers_alone() {
    let unset = |text: &str| {
        let mut loaded = parse(text, Path::new(FILE)).unwrap();
        loaded.warn_values(&|_| Vec::new());
        loaded.warnings.items.iter().map(|item| item.message.clone()).collect::<Vec<_>>()
    };
    let list = |kind: &str| {
        format!(
            "[services.m]\nkind = '{kind}'\nrun = ['a', '${{TASK_DESCRIPTION}}', '${{TASK_ID}}']\nenv = {{ X = '${{TASK_TRY}}' }}"
        )
    };
    assert_eq!(unset(&list("worker")), [""; 0]);
    assert_ne!(unset(&list("service")), [""; 0]);
    assert_eq!(
        unset("[services.m]\nkind = 'worker'\nrun = ['a', '${TASK_NAME}']"),
        ["the variable `TASK_NAME` is not set"]
    );
    let spec = service(&good(&list("worker")), "m");
    assert_eq!(check_environment(&spec, &[], &Pipes::default()), Ok(()), "so nothing keeps it from its start");
}

#[test]
fn an_unquoted_variable_of_a_task_is_warned_of_where_it_stands() {
    insta::assert_snapshot!(problems_of(
        "[services.a]\nkind = 'worker'\nrun = \"claude -p $TASK_DESCRIPTION --id ${TASK_ID}\"\n\
         [services.b]\nkind = 'worker'\nrun = 'bash -c \"claude -p $TASK_DESCRIPTION\"'\n\
         [services.c]\nkind = 'worker'\nrun = 'claude -p \"$TASK_DESCRIPTION\"'\n\
         [services.d]\nrun = 'echo $TASK_ID'\n"
    ));
}

/// The group as it is with these variables, and the group's own folder.
fn in_environment(text: &str, variables: &[(&str, &str)], folder: Result<&str, &str>) -> Result<Loaded, String> {
    let loaded = parse(text, Path::new(FILE)).unwrap_or_else(|problems| panic!("{}", problems.render(plain())));
    let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
    let folder = |_: &GroupSpec| folder.map(PathBuf::from).map_err(str::to_owned);
    loaded.in_environment(&variable, &folder).map_err(|problems| problems.render(plain()))
}

const TWO: &str = "[services]\nmarie = { run = 'a', kind = 'worker', concurrency = 5 }\n\
                   bob = { remote = true, kind = 'worker' }\napi = 'api'\n";

#[test]
fn without_a_folder_in_the_file_tasks_are_in_the_folder_of_the_group() {
    let folders = |text: &str| {
        service(&in_environment(text, &[], Ok("/state/shop")).unwrap().spec, "marie").worker.unwrap().folders.clone()
    };
    assert_eq!(folders(TWO), TaskFolders::below("/state/shop/shared".into()));
    assert_eq!(folders(&with("run = 'a'")), TaskFolders::below("/nowhere/shop/shared".into()));
    let told = in_environment(TWO, &[], Err("HOME is not set")).unwrap_err();
    assert!(told.contains("no folder for the tasks of workers: HOME is not set"), "{told}");
    let services = "[services]\napi = 'api'";
    assert!(in_environment(services, &[("MAX_RETRIES", "x")], Err("none")).is_ok(), "no worker, no question");
}

#[test]
fn variables_of_the_old_system_win_over_the_file() {
    let variables = [
        ("MAX_CONCURRENT_TASKS", "9"),
        ("TASK_TIMEOUT", "90"),
        ("HEARTBEAT_INTERVAL", "2.5"),
        ("MAX_RETRIES", ""),
        ("RETRY_BACKOFF", "3"),
        ("INITIAL_RETRY_DELAY", "2m"),
        ("CIRCUIT_BREAKER_THRESHOLD", "8"),
        ("CIRCUIT_BREAKER_TIMEOUT", "0"),
        ("TASK_DIR", "/q"),
        ("RESULT_DIR", "out"),
        ("LOG_LEVEL", "debug"),
        ("PATH", "/bin"),
    ];
    let loaded = in_environment(TWO, &variables, Ok("/state")).unwrap();
    let marie = service(&loaded.spec, "marie").worker.unwrap();
    assert_eq!((marie.concurrency, marie.timeout, marie.retries), (9, Duration::from_secs(90), 3));
    assert_eq!((marie.heartbeat.as_millis(), marie.backoff.factor), (2500, 3.0));
    assert_eq!(
        (marie.backoff.initial.as_secs(), marie.breaker),
        (120, TaskBreaker { failures: 8, cooldown: Duration::ZERO })
    );
    assert_eq!((&*marie.folders.tasks, &*marie.folders.results), (Path::new("/q"), Path::new("/nowhere/shop/out")));
    assert_eq!(marie.folders.dlq, Path::new("/state/shared/dlq"));
    let bob = service(&loaded.spec, "bob").worker.unwrap();
    assert_eq!((bob.concurrency, bob.heartbeat.as_millis(), &bob.folders), (3, 2500, &marie.folders));
    let said: Vec<String> = loaded.task_variables.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_variable_that_cannot_be_used_is_named() {
    let told = |name: &str, value: &str| in_environment(TWO, &[(name, value)], Ok("/state")).err().unwrap_or_default();
    let all: Vec<String> = [
        ("MAX_CONCURRENT_TASKS", "many"),
        ("MAX_CONCURRENT_TASKS", "0"),
        ("MAX_RETRIES", "-1"),
        ("TASK_TIMEOUT", "0"),
        ("TASK_TIMEOUT", "5 min"),
        ("HEARTBEAT_INTERVAL", "0.01"),
        ("RETRY_BACKOFF", "0.5"),
        ("INITIAL_RETRY_DELAY", "600"),
        ("CIRCUIT_BREAKER_THRESHOLD", "1.5"),
        ("TASK_DIR", "/dev/null"),
        ("MAX_RETRIES", "\u{1b}[31m3"),
    ]
    .map(|(name, value)| told(name, value).trim_end().to_owned())
    .into();
    assert!(all.iter().all(|told| told.contains("[task-variable]")), "{all:?}");
    insta::assert_snapshot!(all.join("\n"));
}
