//! How long a question to a running group takes, as a whole process: from its start to its end, with 20 services in the
//! group; beside a program that does nothing.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::process::{Command, Stdio};
use std::time::Instant;

#[expect(dead_code, reason = "a benchmark uses a part of the figures")]
mod figures;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;

use figures::{Samples, print_table};
use harness::{Project, Stream};

const SERVICES: usize = 20;
const ROUNDS: usize = 200;

fn main() {
    let services: String =
        (0..SERVICES).map(|n| format!("s{n} = {{ run = \"echo up; exec sleep 1000\", watch = true }}\n")).collect();
    let project = Project::new(&format!("[services]\n{services}"));
    let mut group = Stream::start(&project, &[]);
    group.wait_for("all are up", |out| out.matches("│ up\n").count() == SERVICES);
    let devgroup = env!("CARGO_BIN_EXE_devgroup");
    let mut rows = vec![row!["process", "ms"]];
    let questions: [(&str, &str, &[&str]); 7] = [
        ("true (nothing)", "true", &[]),
        ("devgroup --version", devgroup, &["--version"]),
        ("devgroup status", devgroup, &["status"]),
        ("devgroup status --json", devgroup, &["status", "--json"]),
        ("devgroup logs -n 20", devgroup, &["logs", "-n", "20"]),
        // Nothing has changed.
        ("devgroup settle", devgroup, &["settle"]),
        ("devgroup hold -- true", devgroup, &["hold", "--", "true"]),
    ];
    for (name, program, arguments) in questions {
        let mut took = Samples::default();
        for _ in 0..ROUNDS {
            took.add_time(time(project.command(program).args(arguments)));
        }
        rows.push(row![name, took.show()]);
    }
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    group.wait_exit();
    print_table(&format!("{ROUNDS} times each, a group of {SERVICES} services"), &rows);
}

fn time(command: &mut Command) -> std::time::Duration {
    let begun = Instant::now();
    let output = command.stdin(Stdio::null()).output().unwrap();
    let took = begun.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    took
}
