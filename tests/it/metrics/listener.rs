//! The listener of `[metrics]`: what it shows, and when it is open.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::{asked, free_port, get, is_closed, json, project};
use crate::harness::{PATIENCE, Stream, detach, down, wait_for};

const ONE: &str = "[services]\napi = 'exec sleep 1000'\n";

#[test]
fn it_shows_metrics_and_health_and_nothing_else() {
    let (project, port) = project(ONE);
    detach(&project);
    for path in ["/metrics", "/health", "/ready"] {
        assert_eq!(get(port, path).0, 200, "{path}");
        let foreign = asked(port, path, &format!("localhost.example:{port}")).unwrap();
        assert!(matches!(foreign.0, 400 | 403 | 421), "{path}: {foreign:?}");
    }
    // Another address of the loopback would be answered by who listens everywhere.
    if cfg!(target_os = "linux") {
        assert!(TcpStream::connect(("127.0.0.2", port)).is_err());
    }
    for path in ["/", "/app.js", "/api/v1/status", "/api/v1/session", "/metrics/", "/nothing"] {
        assert_eq!(get(port, path).0, 404, "{path}");
    }
    down(&project);
    assert!(is_closed(port));
}

#[test]
fn a_saved_file_opens_moves_and_closes_it() {
    let (project, port) = project(ONE);
    let with = |metrics: &str| project.write("procgroup.toml", format!("{metrics}{ONE}"));
    with("");
    detach(&project);
    assert!(is_closed(port));
    with(&format!("[metrics]\nport = {port}\n"));
    wait_for("it is open", || !is_closed(port) && get(port, "/health").0 == 200);
    let other = free_port();
    with(&format!("[metrics]\nport = {other}\n"));
    wait_for("it has moved", || is_closed(port) && !is_closed(other));
    assert_eq!(get(other, "/ready").0, 200);
    with("");
    wait_for("it is closed", || is_closed(other));
    down(&project);
}

/// Asks over a connection that stays open.
fn ask_again(stream: &mut TcpStream, port: u16) {
    write!(stream, "GET /ready HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n").unwrap();
    let mut said = String::new();
    while !said.ends_with("}\n") {
        let mut some = [0; 1024];
        let count = stream.read(&mut some).unwrap();
        assert_ne!(count, 0, "the connection was closed after {said:?}");
        said.push_str(std::str::from_utf8(&some[..count]).unwrap());
    }
}

#[test]
fn it_and_the_page_open_and_close_each_by_itself() {
    let (project, port) = project(ONE);
    detach(&project);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    ask_again(&mut stream, port);
    assert_eq!(Stream::ask(&project, &["web"]).code, Some(0));
    ask_again(&mut stream, port);
    assert_eq!(Stream::ask(&project, &["web", "--stop"]).code, Some(0));
    ask_again(&mut stream, port);
    // A page that was opened by hand stays when the file says something else of metrics.
    assert_eq!(Stream::ask(&project, &["web"]).code, Some(0));
    let other = free_port();
    project.write("procgroup.toml", format!("[metrics]\nport = {other}\n{ONE}"));
    wait_for("it has moved", || is_closed(port) && !is_closed(other));
    let web = json(&project, &["status", "--json"])["web"].clone();
    assert!(web.is_string(), "{web}");
    down(&project);
}

#[test]
fn a_free_port_is_the_same_tomorrow_and_is_told() {
    let (project, _) = project(ONE);
    project.write("procgroup.toml", format!("[metrics]\nport = 'auto'\n{ONE}"));
    let port = || {
        let mut group = Stream::start(&project, &["--log-level", "info"]);
        group.wait_for_message("/metrics");
        assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
        let said = group.wait_exit().stderr;
        let address = said.split_whitespace().find(|word| word.ends_with("/metrics")).unwrap();
        address.trim_start_matches("http://127.0.0.1:").trim_end_matches("/metrics").parse::<u16>().unwrap()
    };
    let today = port();
    assert!((20_000..30_000).contains(&today), "{today}");
    assert_eq!(port(), today);
}

#[test]
fn a_group_runs_on_where_somebody_has_the_port() {
    let (project, port) = project(ONE);
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let mut group = Stream::start(&project, &[]);
    group.wait_for_message(&port.to_string());
    wait_for("the group runs", || Stream::ask(&project, &["status"]).code == Some(0));
    drop(listener);
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    group.wait_exit();
}
