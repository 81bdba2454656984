//! Ports: what a service gets, one that is taken, a change of the file, and the addresses.

use std::net::TcpListener;

use crate::harness::{Project, Stream, detach, down, is_linux, wait_for, write_program};
use crate::trust::{can_be_others, give_to_user, run_as};

/// A port that nobody has at this moment.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What the group says of a service.
fn status(project: &Project, service: &str) -> serde_json::Value {
    let status = Stream::ask(project, &["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    status["services"].as_array().unwrap().iter().find(|it| it["name"] == service).unwrap().clone()
}

#[test]
fn a_service_gets_its_ports_and_others_refer_to_them() {
    let project = Project::new(
        "[services.api]\nrun = 'echo $PORT > port; exec sleep 1000'\nport = 'auto'\nready = { delay = '1ms' }\n\
         [services.web]\nrun = ['sh', '-c', 'echo $0 $PORT $PORT_HTTP $PORT_DEBUG $API > ports; exec sleep 1000', '${services.api.port}']\n\
         ports = { http = 'auto', debug = 'auto' }\nenv = { API = '${services.api.port}' }\nready = { delay = '1ms' }\n",
    );
    // What it will be is said before.
    let checked = Stream::ask(&project, &["check"]).stdout;
    detach(&project);
    let (api, web) = (status(&project, "api"), status(&project, "web"));
    let number = |service: &serde_json::Value, name: &str| service["ports"][name].as_u64().unwrap().to_string();
    let (api_port, http, debug) = (number(&api, "port"), number(&web, "http"), number(&web, "debug"));
    assert_eq!(project.read("port").trim(), api_port);
    assert_eq!(project.read("ports").trim(), format!("{api_port} {http} {http} {debug} {api_port}"));
    assert_eq!(number(&web, "port"), http);
    assert!(checked.contains(&format!("ports: api {api_port} · web http {http}, debug {debug}\n")), "{checked}");
    assert_eq!(Stream::ask(&project, &["url", "api"]).stdout, format!("http://localhost:{api_port}\n"));
    down(&project);
    // The same without a group that runs.
    let all = format!("api  http://localhost:{api_port}\nweb  http://localhost:{http}\n");
    assert_eq!(Stream::ask(&project, &["url"]).stdout, all);
    let asked = Stream::ask(&project, &["status"]);
    let note = format!("note: ports when it runs: api {api_port} · web {http}, debug {debug}");
    assert!(asked.code == Some(4) && asked.stderr.contains(&note), "{}", asked.stderr);
    let why = Stream::ask(&project, &["why", "web"]).stdout;
    assert_eq!(why, format!("web\n  the group is not running\n  ports   {http}, debug {debug}\n"));
    detach(&project);
    assert_eq!(number(&status(&project, "web"), "debug"), debug, "the same again");
    down(&project);
    project.assert_nothing_left();
}

#[test]
fn a_port_that_is_taken_is_told_with_its_owner_before_the_start() {
    if !is_linux() {
        return;
    }
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let project = Project::new(&format!(
        "[services.api]\nrun = 'echo tried; exit 3'\nport = {port}\nready = {{ log = 'never' }}\nrestart = 'never'\n\
         [services.web]\nrun = 'exec sleep 1000'\nport = 'auto'\n"
    ));
    assert_eq!(Stream::ask(&project, &["-d"]).code, Some(5));
    let log = Stream::ask(&project, &["logs", "api"]).stdout;
    let folder = std::env::current_dir().unwrap();
    let (us, taken) = (std::process::id(), format!("api cannot have port {port}: "));
    let at = log.find(&taken).unwrap_or_else(|| panic!("{log}"));
    assert!(at < log.find("started").unwrap() && log.contains("tried"), "{log}");
    let owner = format!(" (pid {us}, {}) listens on it", folder.display());
    assert!(log.contains(&owner), "{owner}: {log}");
    let reason = status(&project, "api")["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with(&format!("cannot have port {port}: ")) && reason.contains(&owner), "{reason}");
    down(&project);
    // An automatic one goes to the next.
    let preferred: u16 =
        Stream::ask(&project, &["url", "web"]).stdout.trim().rsplit(':').next().unwrap().parse().unwrap();
    let _taker = TcpListener::bind(("127.0.0.1", preferred)).unwrap();
    Stream::ask(&project, &["-d"]);
    let now = status(&project, "web")["ports"]["port"].as_u64().unwrap();
    assert!(now > u64::from(preferred), "{now}");
    let log = Stream::ask(&project, &["logs", "web"]).stdout;
    assert!(log.contains(&format!("web has port {now} · {preferred} is in use by ")), "{log}");
    down(&project);
}

#[test]
fn a_port_that_another_group_keeps_is_not_told_as_free() {
    let project = Project::new("[services.web]\nrun = 'exec sleep 1000'\nport = 'auto'\n");
    let told =
        || -> u16 { Stream::ask(&project, &["url", "web"]).stdout.trim().rsplit(':').next().unwrap().parse().unwrap() };
    let checked = || Stream::ask(&project, &["check"]).stdout;
    let preferred = told();
    detach(&project);
    down(&project);
    assert_eq!(told(), preferred, "it is its own");
    // As if a group of another folder had ended a moment ago.
    project.write(&format!("../home/state/devgroup/ports/{preferred}"), "the group blog\n1\n/src/blog/procgroup.toml");
    let moved = told();
    assert_ne!(moved, preferred);
    assert!(checked().contains(&format!("ports: web {moved}\n")), "{}", checked());
    detach(&project);
    assert_eq!(status(&project, "web")["ports"]["port"], moved);
    // While it runs, it is the one that it has.
    assert!(checked().contains(&format!("ports: web {moved}\n")), "{}", checked());
    down(&project);
}

#[test]
fn another_port_in_the_file_restarts_the_service_and_who_refers_to_it() {
    let file = |port: u16| {
        format!(
            "[services.api]\nrun = 'exec sleep 1000'\nport = {port}\n\
             [services.web]\nrun = 'echo $API >> told; exec sleep 1000'\nenv = {{ API = '${{services.api.port}}' }}\n\
             [services.other]\nrun = 'echo here >> other; exec sleep 1000'\nport = 'auto'\n"
        )
    };
    let (first, second) = (free_port(), free_port());
    let project = Project::new(&file(first));
    detach(&project);
    wait_for("web was told", || project.lines("told") == 1);
    let other = status(&project, "other");
    project.write("procgroup.toml", file(second));
    wait_for("web was told again", || project.lines("told") == 2);
    assert_eq!(project.read("told"), format!("{first}\n{second}\n"));
    wait_for("api has it", || {
        status(&project, "api")["ports"]["port"] == second && status(&project, "api")["run"] == 2
    });
    let now = status(&project, "other");
    assert_eq!((&now["ports"], &now["run"]), (&other["ports"], &other["run"]), "nothing has changed for it");
    down(&project);
}

#[test]
fn addresses_are_printed_and_opened() {
    let browser = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let project = Project::new(
        "[services.web]\nrun = 'exec sleep 1000'\nurl = 'http://localhost:${PORT}/app'\nport = 4100\n\
         [services.db]\nrun = 'exec sleep 1000'\nport = 5433\n[services.job]\nrun = 'true'\nkind = 'job'\n",
    );
    let folder = project.path("../home/bin");
    write_program(&folder.join(browser), "#!/bin/sh\necho \"$1\" >> ../home/opened\n");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let project = project.with_env("PATH", &path).with_env("DISPLAY", ":0");
    for running in [false, true] {
        if running {
            detach(&project);
        }
        let url = |arguments: &[&str]| Stream::ask(&project, &[&["url"], arguments].concat());
        assert_eq!(url(&["web"]).stdout, "http://localhost:4100/app\n");
        assert_eq!(url(&[]).stdout, "web  http://localhost:4100/app\ndb   http://localhost:5433\n");
        let json: serde_json::Value = serde_json::from_str(&url(&["db", "--json"]).stdout).unwrap();
        let expected =
            serde_json::json!({ "version": 1, "urls": [{ "service": "db", "url": "http://localhost:5433" }] });
        assert_eq!(json, expected);
        let unknown = url(&["wep"]);
        assert_eq!(unknown.code, Some(6), "{}", unknown.stderr);
        assert!(unknown.stderr.contains("did you mean `web`?"), "{}", unknown.stderr);
        let none = url(&["job"]);
        assert_eq!(none.code, Some(1));
        assert!(none.stderr.contains("job has no `url` and no `port`"), "{}", none.stderr);
        assert_eq!(url(&["web", "--open"]).code, Some(0));
        wait_for("the browser has it", || project.lines("../home/opened") == 1 + usize::from(running));
    }
    assert_eq!(project.read("../home/opened"), "http://localhost:4100/app\n".repeat(2));
    down(&project);
    write_program(&folder.join(browser), "#!/bin/sh\nexit 3\n");
    let failed = Stream::ask(&project, &["url", "web", "--open"]);
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert!(failed.stderr.contains("not opened (exit status: 3): http://localhost:4100/app"), "{}", failed.stderr);
}

#[test]
fn what_belongs_to_another_user_is_said_so() {
    if !is_linux() {
        return;
    }
    if !can_be_others() {
        return;
    }
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let project = Project::new(&format!("[services.api]\nrun = 'exit 3'\nport = {port}\nrestart = 'never'\n"));
    give_to_user(&project, 65_534);
    let ended = run_as(&project, 65_534, &["--no-tui"]);
    let said = format!("api cannot have port {port}: a process of root listens on it");
    assert!(ended.stdout.contains(&said), "{}{}", ended.stdout, ended.stderr);
}
