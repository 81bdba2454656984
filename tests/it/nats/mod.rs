//! Tasks through a NATS server: the real program with a real server of its own for each test.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Project, Stream, has, wait_for};
use crate::tasks::{DIR, claimed, names, path};

mod kills;
mod machines;
mod moves;
mod one_group;
mod troubles;

/// A server with a store of its own, on a free port.
pub(crate) struct Server {
    store: TempDir,
    port: u16,
    monitor: u16,
    child: Option<Child>,
}

impl Server {
    /// Starts one; none where there is no such program.
    pub(crate) fn start() -> Option<Self> {
        let is_there = Command::new("nats-server").arg("--version").output().is_ok();
        if !has("nats-server", is_there) {
            return None;
        }
        let mut server = Self::unstarted();
        server.resume();
        Some(server)
    }

    /// One that is started later, by [`Server::resume`].
    fn unstarted() -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let store = tempfile::Builder::new().prefix("devgroup-nats-").tempdir().unwrap();
        Self { store, port: free(), monitor: free(), child: None }
    }

    /// Starts it, with what it has stored.
    pub(crate) fn resume(&mut self) {
        let log = self.store.path().join("log");
        let mut command = Command::new("nats-server");
        command.args(["-js", "-a", "127.0.0.1", "-p", &self.port.to_string(), "-m", &self.monitor.to_string(), "-sd"]);
        command.arg(self.store.path().join("store")).arg("-l").arg(log);
        self.child = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let port = self.port;
        wait_for("the server listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    }

    /// Ends it with KILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Removes all that it has stored. It does not run.
    fn forget(&self) {
        fs::remove_dir_all(self.store.path().join("store")).unwrap();
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// What it tells of its streams and their consumers; none: it does not answer.
    pub(crate) fn told(&self) -> Option<String> {
        let mut connection = TcpStream::connect(("127.0.0.1", self.monitor)).ok()?;
        connection.write_all(b"GET /jsz?streams=true&consumers=true HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).ok()?;
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    /// How many messages a stream of it holds; none: it does not answer, or has no such stream.
    pub(crate) fn messages(&self, stream: &str) -> Option<u64> {
        let told: Value = serde_json::from_str(&self.told()?).ok()?;
        let accounts = told["account_details"].as_array()?.iter();
        let mut streams = accounts.flat_map(|account| account["stream_detail"].as_array().into_iter().flatten());
        streams.find(|one| one["name"] == stream)?["state"]["messages"].as_u64()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The text of a group whose worker `marie` runs this. Leases are a second.
pub(crate) fn text(url: &str, run: &str, keys: &str) -> String {
    let worker = format!("[services.marie]\nkind = \"worker\"\nrun = {run}\nheartbeat = \"200ms\"\n{keys}\n");
    format!("[tasks]\ndir = \"{DIR}\"\nbackend = \"{url}\"\n{worker}")
}

/// A project with it.
pub(crate) fn project(server: &Server, run: &str, keys: &str) -> Project {
    Project::new(&text(&server.url(), run, keys))
}

/// The group, in a pipe.
fn start(project: &Project) -> Stream<'_> {
    Stream::start(project, &["--no-tui"])
}

/// Ends it in order.
fn end(group: Stream<'_>) {
    group.signal(rustix::process::Signal::TERM);
    group.wait_exit();
}

/// Nothing of the tasks of a folder is left to do.
fn is_done(project: &Project) -> bool {
    names(project, "tasks/marie").is_empty() && claimed(project).is_empty()
}

/// The result of a task of `marie`, as a path.
fn result_path(project: &Project, id: &str) -> PathBuf {
    path(project, &format!("results/marie/{id}.json"))
}

/// What `status --json` says of `marie` as a worker.
fn row(project: &Project) -> Value {
    let said = Stream::ask(project, &["status", "--json"]);
    let told: Value = serde_json::from_str(&said.stdout).unwrap_or_default();
    let services = told["services"].as_array().cloned().unwrap_or_default();
    let marie = services.into_iter().find(|service| service["name"] == "marie").unwrap_or_default();
    marie["worker"].clone()
}
