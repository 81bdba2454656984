//! What devgroup costs while nothing happens: 8 sleeping services, 30 s, CPU time and voluntary context switches of all
//! threads. The aim is none that is not a visible change.
//!
//! The ages on a large screen are visible changes: they tick once a second for a minute, then once a minute. So the
//! first minute and the time after it are measured apart, and a small screen, which shows no ages, beside a large one.
//!
//! One wake-up is neither: every 25 s the loop renews its status file, by a short-lived thread. So each window holds one
//! or two of those, a handful of voluntary switches each, and nothing else.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[expect(dead_code, reason = "a benchmark uses a part of the figures")]
mod figures;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;

use figures::print_table;
use harness::{Dash, Project};

const WINDOW: Duration = Duration::from_secs(30);
/// Start-up and its last frames are no idling.
const SETTLE: Duration = Duration::from_secs(3);
/// From here on the ages tick by the minute.
const LATER: Duration = Duration::from_secs(65);
const SIZES: [(u16, u16); 2] = [(160, 50), (80, 24)];

fn main() {
    let services: String = (1..=8).map(|n| format!("sleeper-{n} = \"echo asleep; exec sleep 1000\"\n")).collect();
    let projects = SIZES.map(|_| Project::new(&format!("[services]\n{services}")));
    let mut dashes: Vec<_> =
        projects.iter().zip(SIZES).map(|(project, size)| (Dash::start(project, size, &[]), size)).collect();
    let started = Instant::now();
    for (dash, _) in &mut dashes {
        dash.wait_for_text("sleeper-8");
    }
    let mut rows =
        vec![row!["screen", "from s", "CPU ms", "voluntary switches", "bytes drawn", "threads", "RSS MB", "peak MB"]];
    for begin in [SETTLE, LATER] {
        pass(&mut dashes, started + begin);
        let usage = |dashes: &[(Dash<'_>, _)]| -> Vec<_> {
            dashes.iter().zip(&projects).map(|((dash, _), project)| Usage::of(dash, project)).collect()
        };
        let before = usage(&dashes);
        pass(&mut dashes, started + begin + WINDOW);
        for (((_, (columns, lines)), before), after) in dashes.iter().zip(before).zip(usage(&dashes)) {
            rows.push(row![
                format!("{columns}x{lines}"),
                begin.as_secs(),
                format!("{:.2}", (after.cpu_ns - before.cpu_ns) as f64 / 1e6),
                after.switches - before.switches,
                after.drawn - before.drawn,
                after.threads,
                format!("{:.1}", after.rss_kb as f64 / 1e3),
                format!("{:.1}", after.peak_kb as f64 / 1e3),
            ]);
        }
    }
    print_table("8 sleeping services, for 30 s", &rows);
    for (mut dash, _) in dashes {
        dash.keys("q");
        dash.wait_exit();
    }
}

/// Lets time pass while the terminals are read.
fn pass(dashes: &mut [(Dash<'_>, (u16, u16))], until: Instant) {
    while Instant::now() < until {
        for (dash, _) in &mut *dashes {
            let slice = Instant::now() + Duration::from_millis(20);
            dash.wait_while_reading("a slice of time has passed", |_| Instant::now() >= slice);
        }
    }
}

/// What all threads of the program, and of its own helpers, have used so far.
#[derive(Default)]
struct Usage {
    cpu_ns: u64,
    switches: u64,
    threads: usize,
    rss_kb: u64,
    peak_kb: u64,
    drawn: usize,
}

impl Usage {
    fn of(dash: &Dash<'_>, project: &Project) -> Self {
        let mut usage = Self { drawn: dash.raw().len(), ..Self::default() };
        let own = fs::read_link(format!("/proc/{}/exe", dash.pid())).unwrap();
        for (pid, _) in project.processes() {
            let process = PathBuf::from(format!("/proc/{pid}"));
            if fs::read_link(process.join("exe")).is_ok_and(|exe| exe == own) {
                usage.add(&process);
            }
        }
        usage
    }

    fn add(&mut self, process: &std::path::Path) {
        for task in fs::read_dir(process.join("task")).unwrap() {
            let task = task.unwrap().path();
            let schedstat = fs::read_to_string(task.join("schedstat")).unwrap();
            self.cpu_ns += schedstat.split_whitespace().next().unwrap().parse::<u64>().unwrap();
            self.switches += status(&task, "voluntary_ctxt_switches");
            self.threads += 1;
        }
        self.rss_kb += status(process, "VmRSS");
        self.peak_kb += status(process, "VmHWM");
    }
}

/// A number of `/proc/…/status`.
fn status(process: &std::path::Path, field: &str) -> u64 {
    let status = fs::read_to_string(process.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
