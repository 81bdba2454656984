//! What things cost as they grow: a table for each kind of work, a row for each point of its curve.
//!
//! `cargo bench --bench scale` measures the usual points. `-- --points services:1000` measures one, `--points
//! tree:10000,tree:1000000` some, `--points lines` the usual ones of a kind, and `--points all` all of them: for those the
//! machine needs 8 GB of memory, a million inodes, and half an hour.
//!
//! Beside each figure stands what the kernel alone needs, or another program, in the same run.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[path = "../figures.rs"]
mod figures;
mod followers;
#[path = "../../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;
mod lines;
mod services;
mod tasks;
mod watching;

use harness::Project;

/// What a wait takes at most: trees of a million files are made and read meanwhile.
const LONG: Duration = Duration::from_secs(900);

/// A kind of work.
struct Kind {
    name: &'static str,
    usual: &'static [usize],
    all: &'static [usize],
    measure: fn(&[usize]),
}

const KINDS: [Kind; 6] = [
    Kind { name: "services", usual: &[10, 100, 300, 1_000], all: &[10, 100, 300, 1_000], measure: services::measure },
    Kind { name: "tree", usual: &[10_000, 100_000], all: &[10_000, 100_000, 1_000_000], measure: watching::tree },
    Kind { name: "checkout", usual: &[1, 10], all: &[1, 10, 50], measure: watching::checkout },
    Kind { name: "lines", usual: &[1_000_000], all: &[1_000_000, 10_000_000, 50_000_000], measure: lines::measure },
    Kind { name: "followers", usual: &[0, 1, 10, 100], all: &[0, 1, 10, 100], measure: followers::measure },
    Kind { name: "tasks", usual: &[1_000, 10_000], all: &[1_000, 10_000, 100_000], measure: tasks::measure },
];

fn main() {
    let chosen = chosen(std::env::args().skip(1));
    for (kind, points) in KINDS.iter().zip(chosen) {
        if !points.is_empty() {
            (kind.measure)(&points);
        }
    }
}

/// The points of each kind that are asked for.
fn chosen(arguments: impl Iterator<Item = String>) -> [Vec<usize>; KINDS.len()] {
    let arguments: Vec<String> = arguments.collect();
    let place = arguments.iter().position(|argument| argument == "--points");
    let Some(points) = place.map(|place| arguments.get(place + 1).map_or("", String::as_str)) else {
        return std::array::from_fn(|kind| KINDS[kind].usual.to_vec());
    };
    let mut chosen: [Vec<usize>; KINDS.len()] = std::array::from_fn(|_| Vec::new());
    for point in points.split(',') {
        let (name, number) = point.split_once(':').map_or((point, None), |(name, number)| (name, Some(number)));
        let kinds = KINDS.iter().zip(&mut chosen).filter(|(kind, _)| name == "all" || name == kind.name);
        let mut is_known = false;
        for (kind, chosen) in kinds {
            is_known = true;
            match number {
                Some(number) => chosen.push(number.parse().unwrap_or_else(|_| panic!("no number: {point}"))),
                None if name == "all" => chosen.extend(kind.all),
                None => chosen.extend(kind.usual),
            }
        }
        assert!(is_known, "no such points: {point}");
    }
    chosen
}

/// What the processes of devgroup itself hold, guard and program together.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    resident_kb: u64,
    /// Of it, what no file backs.
    anonymous_kb: u64,
    threads: usize,
    cpu_ns: u64,
    switches: u64,
    watches: usize,
}

impl Held {
    fn by(project: &Project) -> Self {
        let mut held = Self::default();
        for process in programs(project) {
            held.resident_kb += number(&process, "VmRSS:");
            held.anonymous_kb += number(&process, "RssAnon:");
            held.watches += watches(&process);
            for task in fs::read_dir(process.join("task")).unwrap().flatten() {
                let schedstat = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
                held.cpu_ns += schedstat.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
                held.switches += number(&task.path(), "voluntary_ctxt_switches:");
                held.threads += 1;
            }
        }
        held
    }
}

/// The folders in `/proc` of the processes that run the program under test.
fn programs(project: &Project) -> Vec<PathBuf> {
    let own = fs::canonicalize(env!("CARGO_BIN_EXE_devgroup")).unwrap();
    let processes = project.processes().into_iter().map(|(pid, _)| PathBuf::from(format!("/proc/{pid}")));
    processes.filter(|process| fs::read_link(process.join("exe")).is_ok_and(|exe| exe == own)).collect()
}

/// A number of `status`; 0 of what has just ended.
fn number(process: &Path, field: &str) -> u64 {
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The folders that a process watches.
fn watches(process: &Path) -> usize {
    let descriptors = fs::read_dir(process.join("fdinfo")).into_iter().flatten().flatten();
    let texts = descriptors.map(|descriptor| fs::read_to_string(descriptor.path()).unwrap_or_default());
    texts.map(|text| text.lines().filter(|line| line.starts_with("inotify wd:")).count()).sum()
}

/// A time in milliseconds, for a table.
fn ms(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}
