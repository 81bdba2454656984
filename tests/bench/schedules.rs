//! How exactly jobs run at their times, in two minutes and a bit: how much longer than asked for the pauses of `every 2s`
//! are, and how long after a full minute `* * * * *` runs.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::time::Duration;

#[expect(dead_code, reason = "a benchmark uses a part of it")]
mod figures;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;

use figures::{Samples, print_table};
use harness::{Project, detach, down, wait_for_within};

const PAUSE: f64 = 2.0;
const MINUTES: usize = 2;

fn main() {
    let job = |name: &str, schedule: &str| {
        let run = format!("date +%s.%N >> ../home/{name}");
        format!("[services.{name}]\nrun = \"{run}\"\nkind = \"job\"\nschedule = \"{schedule}\"\n")
    };
    let project = Project::new(&(job("pause", "every 2s") + &job("minute", "* * * * *")));
    detach(&project);
    wait_for_within(Duration::from_secs(200), "two minutes", || project.lines("../home/minute") >= MINUTES);
    let times = |name: &str| -> Vec<f64> {
        project.read(&format!("../home/{name}")).lines().map(|line| line.parse().unwrap()).collect()
    };
    let (mut pauses, mut minutes) = (Samples::default(), Samples::default());
    for pair in times("pause").windows(2) {
        assert!(pair[1] - pair[0] >= PAUSE, "two runs too close: {pair:?}");
        pauses.add((pair[1] - pair[0] - PAUSE) * 1e3);
    }
    for time in times("minute") {
        minutes.add(time % 60.0 * 1e3);
    }
    let count = |name: &str| times(name).len();
    let rows = [
        row!["schedule", "runs", "late ms"],
        row!["every 2s", count("pause"), pauses.show()],
        row!["* * * * *", count("minute"), minutes.show()],
    ];
    print_table("jobs at their times, medians [min..max]", &rows);
    down(&project);
}
