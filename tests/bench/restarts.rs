//! A thousand restarts in a row of a service that leaves a daemon behind: how long one takes, from the key to the new
//! process, and what devgroup then has in memory, descriptors and threads.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::fs;
use std::time::Instant;

#[expect(dead_code, reason = "a benchmark uses a part of the figures")]
mod figures;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;

use figures::{Samples, print_table};
use harness::{Dash, Project};

const ROUNDS: usize = 1_000;

/// The first ones fill caches.
const WARM: usize = 100;

fn main() {
    let mut rows = vec![row!["service", "r to the new process ms", "rss kB", "descriptors", "threads"]];
    rows.push(measure("plain", "echo start >> ../home/api; exec sleep 1000"));
    rows.push(measure("with a daemon", "(setsid sleep 1000 &); echo start >> ../home/api; exec sleep 1000"));
    print_table(&format!("{ROUNDS} restarts, after {WARM} → at the end"), &rows);
}

fn measure(name: &str, run: &str) -> Vec<String> {
    let project = Project::new(&format!("[services]\napi = \"{run}\"\n"));
    let mut dash = Dash::start(&project, (100, 30), &[]);
    let mut took = Samples::default();
    let mut warm = [0; 3];
    for round in 1..=ROUNDS {
        let pressed = Instant::now();
        if round > 1 {
            dash.keys("r");
        }
        dash.wait_while_reading("it has started", |project| project.lines("../home/api") == round);
        took.add_time(pressed.elapsed());
        dash.wait_for("it is up", |screen| screen.contains("● api"));
        if round == WARM {
            warm = state(&dash);
        }
    }
    let end = state(&dash);
    dash.keys("q");
    dash.wait_exit();
    let [rss, descriptors, threads] = [0, 1, 2].map(|at| format!("{} → {}", warm[at], end[at]));
    row![name, took.show(), rss, descriptors, threads]
}

/// Resident memory in kB, descriptors, threads.
fn state(dash: &Dash<'_>) -> [u64; 3] {
    let process = format!("/proc/{}", dash.program());
    let status = fs::read_to_string(format!("{process}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    let descriptors = fs::read_dir(format!("{process}/fd")).unwrap().count();
    [field("VmRSS:"), descriptors as u64, field("Threads:")]
}
