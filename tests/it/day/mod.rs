//! A machine-made day: thirty services, and random operations of those who work with them, the same ones each time. From time
//! to time the group comes to rest: what it says is what is, and it holds no more than before. At the end nothing is left.
//!
//! `DEVGROUP_DAY_SECONDS` says how long: 180 in `.ci/run`; 10800 makes it three hours. `DEVGROUP_DAY_SEED` draws other
//! operations. Each is printed with its number.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::harness::{Chance, Project, Stream, down, number_of, wait_for, wait_until};
use crate::tasks::names;
use crate::web::Page;

mod agreement;
mod group;
mod holdings;
mod operations;

use agreement::{Expected, disagreements, put_off, status};
use group::{Plan, REPLICAS, WORKERS, watched};
use holdings::{Holdings, growth};
use operations::{Day, OPERATIONS, Operation};

/// Operations from one rest to the next.
const BETWEEN_RESTS: usize = 40;

/// How long the group may take to come to rest: some restarts, the slowest after the longest backoff.
const REST: Duration = Duration::from_secs(120);

/// A project with two branches that differ in everything, and an empty folder for temporary files.
fn project() -> Project {
    let project = Project::new(&Plan::default().text());
    let temporary = project.path("../home/tmp");
    fs::create_dir_all(&temporary).unwrap();
    fs::create_dir_all(project.path("../got")).unwrap();
    project.git(&["init", "-q"]);
    for (branch, version) in [("main", "1"), ("other", "2")] {
        for folder in watched() {
            project.write(&format!("src/{folder}/v"), version);
        }
        project.git(&["add", "src"]);
        project.git(&["commit", "-q", "-m", branch]);
        if branch == "main" {
            project.git(&["checkout", "-q", "-b", "other"]);
        }
    }
    project.git(&["checkout", "-q", "main"]);
    project.with_env("TMPDIR", &temporary.display().to_string())
}

#[test]
fn after_each_part_of_a_day_what_is_said_is_what_is_and_at_its_end_nothing_is_left() {
    let Some(seconds) = number_of("DEVGROUP_DAY_SECONDS") else {
        return println!("skipped: needs DEVGROUP_DAY_SECONDS");
    };
    let seed = number_of("DEVGROUP_DAY_SEED").unwrap_or(22);
    eprintln!("a day of {seconds} s, drawn by DEVGROUP_DAY_SEED={seed}");
    let project = project();
    let started = Stream::ask(&project, &["-d"]);
    // One of its services fails.
    assert!(matches!(started.code, Some(0 | 5)), "{}", started.stderr);
    let mut day = Day::new(&project, Page::log_in(&project), Chance::new(seed));
    day.rest();

    let length = Duration::from_secs(seconds);
    let (begun, mut measured, mut most) = (Instant::now(), Vec::new(), None::<Holdings>);
    // At first each once, so that what comes with the first of its kind is there when it is measured.
    let mut first: Vec<Operation> = OPERATIONS.to_vec();
    let guard = u32::try_from(status(&project)["pid"].as_u64().unwrap()).unwrap();
    while begun.elapsed() < length || !first.is_empty() {
        for _ in 0..BETWEEN_RESTS {
            let next = first.pop();
            day.act(next);
        }
        day.rest();
        let mut held = Holdings::of(guard);
        if begun.elapsed() < length / 3 {
            most = Some(most.map_or(held, |most| most.most(held)));
        } else {
            let most = *most.get_or_insert(held);
            let look = |held: &mut Holdings| {
                *held = Holdings::of(guard);
                held.is_within(&most).then_some(())
            };
            let seen = |held: &mut Holdings| format!("{held} after {}; at first {most}", day.number());
            wait_until("descriptors and threads are given back", REST, &mut held, look, seen);
            measured.push(held);
        }
        eprintln!("after {}: {held}", day.number());
    }
    assert_eq!(growth(&measured), None, "memory has grown, in KiB: {measured:?}");
    day.end();
    down(&project);
    assert_eq!(left_over(&project), BTreeSet::new(), "files that nobody needs");
}

/// Sockets, pipes and half-written files below the folders of a group that has ended.
fn left_over(project: &Project) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![project.path("..")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_dir() && name != ".git" {
                folders.push(entry.path());
            }
            let is_half = kind.is_file() && name.starts_with('.') && name != ".gitconfig";
            let is_temporary = entry.path().parent() == Some(Path::new(&project.path("../home/tmp")));
            if is_half || is_temporary || !(kind.is_file() || kind.is_dir()) {
                found.insert(entry.path().display().to_string());
            }
        }
    }
    found
}

impl Day<'_> {
    /// Lets the group come to rest, and holds what it says against what is. Then everything is started, as at first.
    fn rest(&mut self) {
        self.ask(&["resume"]);
        self.settle();
        self.wait_until_it_agrees(false);
        self.begin_anew();
        self.settle();
        self.wait_until_it_agrees(true);
        self.wait_for_tasks();
    }

    /// The file is the first one again, all is started, and nobody looks.
    fn begin_anew(&mut self) {
        self.end();
        self.write_first_file();
        self.ask(&["scale", &format!("rep={REPLICAS}")]);
        self.edit("checked");
        self.ask(&["start", "--all"]);
    }

    /// Waits until the group says that all is done, and then until what it says is what is. What is put off because it has
    /// changed often is restarted.
    fn wait_until_it_agrees(&self, is_at_rest: bool) {
        let project = self.project();
        let expected = Expected { plan: self.plan(), is_broken: self.is_broken(), is_at_rest };
        let look = |told: &mut Vec<String>| {
            let now = status(project);
            let waiting = put_off(&now);
            if !waiting.is_empty() {
                let names: Vec<&str> = waiting.iter().map(String::as_str).collect();
                Stream::ask(project, &[&["restart"], names.as_slice()].concat());
            }
            *told = disagreements(project, &now, &expected);
            told.is_empty().then_some(())
        };
        let name = format!("the group agrees after {}", self.number());
        wait_until(&name, REST, &mut Vec::new(), look, |told| told.join("\n"));
    }

    /// Waits until each task that was dropped has its result, and takes all away.
    fn wait_for_tasks(&mut self) {
        for (worker, id) in self.take_tasks() {
            let result = self.project().path(&format!("shared/results/{worker}/{id}.json"));
            wait_for(&format!("task {id} has a result"), || result.exists());
        }
        for worker in WORKERS {
            wait_for("nothing waits and nothing is tried", || {
                let claimed = names(self.project(), &format!("tasks/{worker}/.work"));
                names(self.project(), &format!("tasks/{worker}")).is_empty()
                    && !claimed.iter().any(|name| name.ends_with(".task.json"))
            });
            for folder in ["results", "dlq", "triggers"] {
                self.empty(&format!("shared/{folder}/{worker}"));
            }
        }
        self.empty("shared/triggers/orchestrator");
    }

    fn empty(&self, folder: &str) {
        for entry in fs::read_dir(self.project().path(folder)).into_iter().flatten().flatten() {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}
