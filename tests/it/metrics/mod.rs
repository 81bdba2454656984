//! Metrics and health, as Prometheus and probes see them: over HTTP, held against what the commands say.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::Value;

use crate::harness::{PATIENCE, Project, Stream};

mod health;
mod listener;
mod pages;
mod prometheus;
mod workers;

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A project with these services, and metrics at a port that is the second.
fn project(services: &str) -> (Project, u16) {
    let port = free_port();
    (Project::new(&format!("[metrics]\nport = {port}\n{services}")), port)
}

/// What a listener answers: the status and the body.
fn get(port: u16, path: &str) -> (u16, String) {
    asked(port, path, &format!("localhost:{port}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn asked(port: u16, path: &str, host: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok((code.unwrap_or_default(), body.to_owned()))
}

/// Nobody listens there.
fn is_closed(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_err()
}

/// A page of metrics: the value of each sample, by all that stands before it.
struct Page(BTreeMap<String, f64>);

impl Page {
    fn get(port: u16) -> Self {
        let (code, text) = get(port, "/metrics");
        assert_eq!(code, 200, "{text}");
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let samples = samples.map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        });
        Self(samples.collect())
    }

    /// The value of a sample; none if it is not there.
    fn value(&self, sample: &str) -> Option<f64> {
        self.0.get(sample).copied()
    }

    /// All samples of a metric together.
    fn sum(&self, metric: &str) -> f64 {
        let begins = format!("{metric}{{");
        self.0.iter().filter(|(sample, _)| sample.starts_with(&begins)).map(|(_, value)| value).sum()
    }

    /// Whether something is said of a service.
    fn knows(&self, service: &str) -> bool {
        let label = format!("service=\"{service}\"");
        self.0.keys().any(|sample| sample.contains(&label))
    }
}

/// Starts the group in the background, one of whose services may crash at first.
fn start(project: &Project) {
    let started = Stream::ask(project, &["-d"]);
    assert!(matches!(started.code, Some(0 | 5)), "{}", started.stderr);
}

fn json(project: &Project, arguments: &[&str]) -> Value {
    let asked = Stream::ask(project, arguments);
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    serde_json::from_str(&asked.stdout).unwrap()
}

/// A service as `status --json` tells it.
fn service(project: &Project, name: &str) -> Value {
    let status = json(project, &["status", "--json"]);
    status["services"].as_array().unwrap().iter().find(|service| service["name"] == name).unwrap().clone()
}
