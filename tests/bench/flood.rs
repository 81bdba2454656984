//! One service that floods and seven quiet ones, and eight that flood: how fast keys are answered and other services are restarted, how much
//! memory is used, and how fast the flood is drained. Beside it the same group without the flood.

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

use figures::{Samples, print_table};
use harness::{Dash, Project};

const KEYS: usize = 100;
const QUIET: &str = "exec sleep 1000";
const YES: &str = "exec yes a-line-of-text-that-a-service-prints-without-end-and-without-mercy-0123456789";
const RESTARTS: usize = 10;
/// Between two keys.
const REST: Duration = Duration::from_millis(70);
/// How long the flood runs before memory is looked at, and between the two looks.
const FLOOD: Duration = Duration::from_secs(10);

fn main() {
    let mut rows =
        vec![row!["group", "key to screen ms", "restart of another ms", "MB/s drained", "RSS MB", "10 s later"]];
    rows.push(measure("quiet", QUIET, QUIET));
    rows.push(measure("one floods", YES, QUIET));
    rows.push(measure("all flood", YES, YES));
    print_table("eight services; medians [min..max]", &rows);
}

fn measure(name: &str, first: &str, others: &str) -> Vec<String> {
    let quiet: String =
        (2..=8).map(|n| format!("quiet-{n} = \"date +%s%N >> starts-{n}; echo up; {others}\"\n")).collect();
    let project = Project::new(&format!("[services]\nflood = \"{first}\"\n{quiet}"));
    let mut dash = Dash::start(&project, (160, 50), &[]);
    dash.wait_for_text("quiet-8");
    dash.wait_while_reading("all have started", |project| (2..=8).all(|n| project.lines(&format!("starts-{n}")) == 1));

    let drained = Drained::begin(&project);
    pass(&mut dash, FLOOD);
    let (rate, early) = (drained.rate(), rss_mb(&dash));

    let mut keys = Samples::default();
    for _ in 0..KEYS {
        for (key, zoomed) in [("z", true), ("q", false)] {
            // Nobody presses keys faster than frames are drawn.
            pass(&mut dash, REST);
            let pressed = Instant::now();
            dash.keys(key);
            dash.wait_for("the zoom comes and goes", |screen| screen.contains("quiet-8") != zoomed);
            keys.add_time(pressed.elapsed());
        }
    }
    let mut restarts = Samples::default();
    dash.keys("2");
    for round in 0..RESTARTS {
        let pressed = Instant::now();
        dash.keys("r");
        dash.wait_while_reading("quiet-2 has started again", |project| project.lines("starts-2") == round + 2);
        restarts.add_time(pressed.elapsed());
    }
    pass(&mut dash, FLOOD);
    let late = rss_mb(&dash);
    dash.keys("q");
    dash.wait_exit();
    row![name, keys.show(), restarts.show(), rate, format!("{early:.1}"), format!("{late:.1}")]
}

/// Lets time pass while the terminal is read.
fn pass(dash: &mut Dash<'_>, time: Duration) {
    let until = Instant::now() + time;
    dash.wait_while_reading("the time has passed", |_| Instant::now() >= until);
}

fn rss_mb(dash: &Dash<'_>) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", dash.program())).unwrap();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    kilobytes.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e3
}

/// What `yes` has written from one moment to another.
struct Drained {
    source: Option<i32>,
    begin: Instant,
    written: f64,
}

impl Drained {
    fn begin(project: &Project) -> Self {
        let source =
            project.processes().into_iter().find(|(_, command)| command.starts_with("yes ")).map(|(pid, _)| pid);
        Self { source, begin: Instant::now(), written: source.map_or(0.0, written) }
    }

    fn rate(&self) -> String {
        let rate = |pid| (written(pid) - self.written) / 1e6 / self.begin.elapsed().as_secs_f64();
        self.source.map_or_else(|| "-".into(), |pid| format!("{:.0}", rate(pid)))
    }
}

/// Bytes that a process has written, by `/proc`.
fn written(pid: i32) -> f64 {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap().parse().unwrap()
}
