//! When the page is there: by the file, by `--web`, by `devgroup web`; and when it is not.

use std::net::{TcpListener, TcpStream};

use serde_json::Value;

use super::{Page, SHOP, address};
use crate::harness::{Dash, Project, Stream, detach, down, quit, wait_for};

const PLAIN: &str = "name = \"shop\"\n[services]\napi = \"exec sleep 1000\"\n";

/// What `status` says of the page.
fn told(project: &Project) -> Value {
    let said = Stream::ask(project, &["status", "--json"]);
    let status: Value = serde_json::from_str(&said.stdout).unwrap();
    status["web"].clone()
}

/// The threads of a group in the background, and whether one of its sockets listens for TCP.
fn threads(project: &Project) -> Vec<String> {
    let threads = project.processes().into_iter().flat_map(|(pid, _)| {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok())
    });
    threads.map(|name| name.trim().to_owned()).collect()
}

#[test]
fn without_a_word_there_is_no_socket_and_no_thread_until_somebody_asks() {
    let project = Project::new(PLAIN);
    detach(&project);
    assert_eq!(told(&project), Value::Null);
    if cfg!(target_os = "linux") {
        assert!(!threads(&project).contains(&"web".to_owned()), "{:?}", threads(&project));
    }
    let (host, _) = address(&project);
    assert_eq!(told(&project), format!("http://{host}"));
    if cfg!(target_os = "linux") {
        assert!(threads(&project).contains(&"web".to_owned()), "{:?}", threads(&project));
    }
    let again = address(&project);
    assert_eq!(again.0, host, "it is open already");
    let words = Stream::ask(&project, &["web"]).stdout;
    assert!(words.starts_with(&format!("http://{host}/#login=")) && words.ends_with('\n'), "{words}");
    assert_eq!(Stream::ask(&project, &["web", "--stop", "--json"]).stdout, "{\"version\":1,\"url\":null}\n");
    assert_eq!(told(&project), Value::Null);
    if cfg!(target_os = "linux") {
        wait_for("the thread is gone", || !threads(&project).contains(&"web".to_owned()));
    }
    assert_eq!(Stream::ask(&project, &["web", "--stop"]).code, Some(0), "it is closed already");
    down(&project);
}

#[test]
fn an_option_opens_it_and_the_dashboard_goes_on_without_a_port() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let project = Project::new(&format!("{PLAIN}[web]\nport = {port}\n"));
    let mut dash = Dash::start(&project, (120, 30), &["--web"]);
    dash.wait_for_text("running");
    assert_eq!(told(&project), Value::Null);
    let refused = Stream::ask(&project, &["web"]);
    assert!(refused.stderr.contains(&format!("the web page cannot have port {port}: ")), "{}", refused.stderr);
    assert_eq!(refused.code, Some(1));
    drop(taken);
    assert_eq!(address(&project).0, format!("127.0.0.1:{port}"));
    quit(dash);
    let project = Project::new(PLAIN);
    assert_eq!(Stream::ask(&project, &["-d", "--web"]).code, Some(0));
    assert!(told(&project).as_str().is_some_and(|address| address.starts_with("http://127.0.0.1:")));
    down(&project);
}

#[test]
fn a_saved_file_opens_moves_and_closes_it() {
    let project = Project::new(SHOP);
    detach(&project);
    let page = Page::log_in(&project);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    project.write("procgroup.toml", SHOP.replace("[web]", &format!("[web]\nport = {}", free.port())));
    wait_for("it has moved", || told(&project) == format!("http://{free}"));
    assert!(TcpStream::connect(&page.host).is_err());
    let moved = Page { host: free.to_string(), token: page.token };
    assert_eq!(moved.json("/api/v1/status")["project"], "shop", "who is logged in stays so");
    project.write("procgroup.toml", SHOP.replace("[web]", ""));
    wait_for("it is closed", || told(&project).is_null() && TcpStream::connect(free).is_err());
    project.write("procgroup.toml", SHOP);
    wait_for("it is back", || told(&project) == format!("http://{}", page.host));
    down(&project);
}

#[test]
fn where_no_group_runs_there_is_no_page() {
    let project = Project::new(SHOP);
    let said = Stream::ask(&project, &["web"]);
    assert_eq!(said.code, Some(4));
    assert!(said.stderr.contains("no group is running here"), "{}", said.stderr);
    let project = Project::new("[services]\nweb = 'true'\n");
    let said = Stream::ask(&project, &["-C", ".", "web"]);
    assert!(said.stderr.contains("to run the service web alone: devgroup -- web"), "{}", said.stderr);
    let usage = Stream::ask(&project, &["web", "--open", "--stop"]);
    assert_eq!(usage.code, Some(2));
}
