//! `devgroup mcp`, as agents use it: through the official client of the protocol for Python, in the current revision and in
//! the one before.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Project, has};

mod edits;
mod large;
mod sessions;
mod tools;

/// The revisions of the protocol, and how the client is told which one to speak.
pub(crate) const REVISIONS: [(&str, &str); 2] = [("auto", "2026-07-28"), ("legacy", "2025-11-25")];

/// A service that prints what its file says, or does not compile.
pub(crate) const SHOP: &str = r#"
name = "shop"
[services]
api = { run = "sh api.sh", watch = ["src/**"], ready = { log = "/listening/" } }
console = { run = "cat", watch = false }
"#;

/// The program of `api`.
pub(crate) const API: &str = "grep -qrs broken src && { echo 'error: expected `;` in src/main.txt'; exit 1; }
echo \"compiling $(cat src/main.txt)\"; echo \"listening on $(cat src/main.txt)\"; exec sleep 1000\n";

/// The project of all this.
pub(crate) fn shop(more: &str) -> Project {
    let project = Project::new(&format!("{SHOP}{more}"));
    project.write("api.sh", API);
    project.write("src/main.txt", "one");
    project
}

/// An agent: the client with its server.
pub(crate) struct Agent {
    client: Child,
    orders: Option<ChildStdin>,
    answers: Receiver<Value>,
    early: Vec<Value>,
    last: u64,
    pub(crate) hello: Value,
}

/// The answer of a tool.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) value: Value,
    pub(crate) failed: bool,
    /// Bytes on the wire.
    pub(crate) size: usize,
    /// What was told meanwhile.
    pub(crate) notes: Value,
}

impl Answer {
    /// The answer, which is none of a failure.
    pub(crate) fn well(self) -> Self {
        assert!(!self.failed, "{}", self.text);
        self
    }
}

/// The Python that has the package `mcp`, which `.ci/run` makes.
pub(crate) fn python() -> Option<PathBuf> {
    let python = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/mcp/bin/python"));
    has("mcp (.ci/run installs it)", python.exists()).then_some(python)
}

impl Agent {
    /// Starts one that speaks this revision, with these arguments for `devgroup mcp`.
    pub(crate) fn start(project: &Project, revision: &str, arguments: &[&str]) -> Option<Self> {
        Self::start_named(project, revision, "test-agent", arguments)
    }

    pub(crate) fn start_named(project: &Project, revision: &str, name: &str, arguments: &[&str]) -> Option<Self> {
        let server = [&[env!("CARGO_BIN_EXE_devgroup"), "mcp"], arguments].concat();
        Self::start_server(project, (revision, name), &server)
    }

    /// Starts one whose server has these variables as well.
    pub(crate) fn start_with(project: &Project, revision: &str, variables: &[String]) -> Option<Self> {
        let variables = variables.iter().map(String::as_str);
        let server: Vec<&str> =
            ["env"].into_iter().chain(variables).chain([env!("CARGO_BIN_EXE_devgroup"), "mcp"]).collect();
        Self::start_server(project, (revision, "test-agent"), &server)
    }

    fn start_server(project: &Project, (revision, name): (&str, &str), server: &[&str]) -> Option<Self> {
        let mut command: Command = project.command(python()?.to_str().unwrap());
        let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/agents/driver.py");
        command.arg(driver).args([revision, name]).args(server);
        let mut client = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(client.stdout.take().unwrap());
        let (told, answers) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // The test may be over.
                let _ = told.send(serde_json::from_str(&line).unwrap());
            }
        });
        let orders = client.stdin.take();
        let mut agent = Self { client, orders, answers, early: Vec::new(), last: 0, hello: Value::Null };
        agent.hello = agent.answer_of(0);
        Some(agent)
    }

    /// Asks for something, and goes on. The result is its number.
    pub(crate) fn begin(&mut self, tool: &str, arguments: Value) -> u64 {
        self.order(json!({ "do": "call", "tool": tool, "arguments": arguments, "progress": true }))
    }

    /// Calls a tool.
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Answer {
        let id = self.begin(tool, arguments);
        self.end(id)
    }

    /// The answer of a call.
    pub(crate) fn end(&mut self, id: u64) -> Answer {
        let answer = self.answer_of(id);
        let result = &answer["result"];
        assert!(result.is_object(), "{answer}");
        Answer {
            text: result["content"][0]["text"].as_str().unwrap().to_owned(),
            value: result["structuredContent"].clone(),
            failed: result["isError"].as_bool().unwrap(),
            size: result.to_string().len(),
            notes: answer["notes"].clone(),
        }
    }

    /// Calls a call off. The result is what the client says of it.
    pub(crate) fn cancel(&mut self, id: u64) -> Value {
        self.order(json!({ "do": "cancel", "of": id }));
        self.answer_of(id)
    }

    /// The tools that there are.
    pub(crate) fn tools(&mut self) -> Vec<Value> {
        let id = self.order(json!({ "do": "tools" }));
        self.answer_of(id)["tools"].as_array().unwrap().clone()
    }

    /// The server, below the client.
    pub(crate) fn server(&self, project: &Project) -> Vec<i32> {
        let servers = project.processes().into_iter().filter(|(_, line)| line.contains("/devgroup mcp"));
        servers.filter(|(pid, _)| parent(*pid) == self.client.id()).map(|(pid, _)| pid).collect()
    }

    /// Ends the session, and waits until client and server are gone.
    pub(crate) fn close(mut self) {
        self.orders = None;
        assert!(self.client.wait().unwrap().success());
    }

    /// The client dies.
    pub(crate) fn kill(mut self) {
        self.client.kill().unwrap();
        self.client.wait().unwrap();
    }

    fn order(&mut self, mut order: Value) -> u64 {
        self.last += 1;
        order["id"] = self.last.into();
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        self.last
    }

    fn answer_of(&mut self, id: u64) -> Value {
        loop {
            if let Some(at) = self.early.iter().position(|answer| answer["id"] == id) {
                return self.early.swap_remove(at);
            }
            match self.answers.recv_timeout(PATIENCE) {
                Ok(answer) => self.early.push(answer),
                Err(error) => panic!("waited in vain for the answer {id} of the agent: {error}"),
            }
        }
    }
}

/// The process that has started another.
fn parent(pid: i32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap_or_default();
    parent.trim().parse().unwrap_or_default()
}
