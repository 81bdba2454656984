//! What it costs to show CPU and memory: 24 services of two processes each, the key `u` on and off, 30 s each. The aim is at
//! most 0.5 % of a core more.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::fs;
use std::time::{Duration, Instant};

#[expect(dead_code, reason = "a benchmark uses a part of the figures")]
mod figures;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;

use figures::print_table;
use harness::{Dash, Project};

const WINDOW: Duration = Duration::from_secs(30);
const SIZE: (u16, u16) = (160, 50);

fn main() {
    let services: String = (1..=24).map(|n| format!("service-{n} = \"sleep 1000 & echo asleep; wait\"\n")).collect();
    let project = Project::new(&format!("[services]\n{services}"));
    let mut dash = Dash::start(&project, SIZE, &[]);
    dash.wait_for_text("service-24");
    // Ages tick by the minute then, and are no part of it.
    pass(&mut dash, Duration::from_secs(65));
    let mut rows = vec![row!["sidebar", "CPU ms in 30 s", "of a core"]];
    for (what, key) in [("state and age", ""), ("CPU and memory", "u"), ("state and age again", "u")] {
        dash.keys(key);
        pass(&mut dash, Duration::from_secs(3));
        let before = cpu(&dash);
        pass(&mut dash, WINDOW);
        let used = cpu(&dash) - before;
        rows.push(row![what, format!("{:.1}", used * 1e3), format!("{:.2} %", used / WINDOW.as_secs_f64() * 100.0)]);
    }
    print_table("24 services with two processes each", &rows);
    dash.keys("q");
    dash.wait_exit();
}

/// Lets time pass while the terminal is read.
fn pass(dash: &mut Dash<'_>, time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        let slice = until.min(Instant::now() + Duration::from_secs(1));
        dash.wait_while_reading("a slice of time has passed", |_| Instant::now() >= slice);
    }
}

/// The CPU time of all threads of the program, in seconds.
fn cpu(dash: &Dash<'_>) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{}/task", dash.program())).unwrap();
    let used = tasks.map(|task| {
        let schedstat = fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap_or_default();
        schedstat.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or_default()
    });
    used.sum::<f64>() / 1e9
}
