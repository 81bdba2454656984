//! Twelve real services and some hundred random operations, the same ones each time: whatever happened, the screen shows
//! what is, no service ever runs twice, and nothing is left of what is over. `DEVGROUP_TEST_ROUNDS=500` makes it 10,000
//! operations, which takes some minutes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Dash, Project};

const SERVICES: usize = 12;
const ROUNDS: usize = 15;
const OPERATIONS: usize = 20;
/// Columns of the sidebar, without the last one.
const SIDEBAR: usize = 35;

fn name(n: usize) -> String {
    format!("sv{n:02}")
}

/// `salt` changes the environment of one service, for reloads.
fn file(salt: (usize, usize)) -> String {
    let mut text = String::from(
        "[defaults]\nbackoff = { initial = '1ms', max = '5ms' }\nbreaker = { failures = 10000, within = '1s' }\nstop = { grace = '10s' }\n",
    );
    for n in 1..=SERVICES {
        let name = name(n);
        let run = match n % 4 {
            0 => "sleep 1000 & wait",
            1 => "echo up; exec sleep 1000",
            2 => "trap 'exit 0' TERM; while :; do sleep 0.02; done",
            _ => "exec sleep 1000",
        };
        text.push_str(&format!("[services.{name}]\nrun = \"{run}\"\nwatch = ['src/{name}/**']\n"));
        if n > 1 && n % 3 == 0 {
            text.push_str(&format!("depends_on = {{ {} = 'started' }}\n", self::name(n - 2)));
        }
        match n {
            3 | 7 => text.push_str("validate = { run = 'exit 0' }\n"),
            4 => text.push_str("alive = { cmd = 'exit 0', every = '50ms' }\n"),
            5 => text.push_str("cascade = true\n"),
            6 => text.push_str("ready = { delay = '5ms' }\n"),
            _ => {}
        }
        if n == salt.0 {
            text.push_str(&format!("env = {{ SALT = '{}' }}\n", salt.1));
        }
    }
    text
}

fn environment(pid: i32) -> BTreeMap<String, String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let variables = environment.split(|byte| *byte == 0).filter_map(|variable| {
        let (name, value) = std::str::from_utf8(variable).ok()?.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    variables.collect()
}

/// The runs that live now: of each service its runs, and of each run a process.
fn runs(project: &Project) -> BTreeMap<String, BTreeMap<String, i32>> {
    let mut runs: BTreeMap<String, BTreeMap<String, i32>> = BTreeMap::new();
    for (pid, _) in project.processes() {
        let environment = environment(pid);
        // Number 0 is what runs beside a service: a check, a validation.
        if let (Some(service), Some(run)) = (environment.get("DEVGROUP_SERVICE"), environment.get("DEVGROUP_RUN"))
            && is_leader(pid)
            && !run.contains("-0-")
        {
            runs.entry(service.clone()).or_default().entry(run.clone()).or_insert(pid);
        }
    }
    for (service, runs) in &runs {
        assert!(runs.len() <= 1, "{service} runs more than once: {runs:?}");
    }
    runs
}

/// Whether it is the first of its session, as a run is. Its checks are not.
fn is_leader(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().nth(3) == Some(&pid.to_string())
}

/// The words of the sidebar.
fn words(screen: &str) -> BTreeMap<String, String> {
    // Each row up to the panes.
    let rows: Vec<String> = screen.lines().skip(1).map(|line| line.chars().take(SIDEBAR).collect()).collect();
    let word = |service: &String| {
        let row = rows.iter().find_map(|row| Some(row.split_once(&format!(" {service} "))?.1))?;
        row.split_whitespace().next().map(str::to_owned)
    };
    (1..=SERVICES).map(name).filter_map(|service| Some((service.clone(), word(&service)?))).collect()
}

/// What is shown is what is.
fn agrees(dash: &Dash<'_>, project: &Project) -> bool {
    let words = words(&dash.screen());
    let runs = runs(project);
    words.len() == SERVICES
        && words.iter().all(|(service, word)| match word.as_str() {
            // It was to be replaced after a change, and what it depends on is not there.
            "running" | "ready" => runs.contains_key(service),
            // Killed before it was ready: it waits for a change.
            "stopped" | "failed" => !runs.contains_key(service),
            // It waits for one that somebody has stopped.
            "blocked" => !runs.contains_key(service),
            _ => false,
        })
}

fn select(n: usize) -> String {
    if n <= 9 { n.to_string() } else { format!("9{}", "j".repeat(n - 9)) }
}

/// Descriptors and threads of the program. The thread that searches is left out: it comes with the first query, which
/// may be one for errors out of sight, and stays.
fn holdings(project: &Project) -> (usize, usize) {
    let listed = |path: &Path, what: &str| fs::read_dir(path.join(what)).into_iter().flatten().flatten();
    let program = fs::canonicalize(env!("CARGO_BIN_EXE_devgroup")).unwrap();
    let ours = project.processes().into_iter().map(|(pid, _)| Path::new("/proc").join(pid.to_string()));
    let ours = ours.filter(|path| fs::read_link(path.join("exe")).is_ok_and(|exe| exe == program));
    ours.fold((0, 0), |sum, path| {
        let searches = |name: String| name.trim() == "search";
        let threads =
            listed(&path, "task").filter(|task| !fs::read_to_string(task.path().join("comm")).is_ok_and(searches));
        (sum.0 + listed(&path, "fd").count(), sum.1 + threads.count())
    })
}

fn stop_all(dash: &mut Dash<'_>) {
    for n in 1..=SERVICES {
        dash.keys(&format!("{}x", select(n)));
    }
    dash.wait_for("all are stopped", |screen| {
        let words = words(screen);
        words.len() == SERVICES && words.values().all(|word| word == "stopped")
    });
}

#[test]
fn after_whatever_happens_the_screen_shows_what_is() {
    let project = Project::new(&file((0, 0)));
    for n in 1..=SERVICES {
        project.write(&format!("src/{}/file", name(n)), "0");
    }
    let mut dash = Dash::start(&project, (160, 50), &[]);
    dash.wait_for_text("watching 12 services");
    dash.wait_until_raw("all are up", |dash| {
        agrees(dash, &project) && words(&dash.screen()).values().all(|w| w != "stopped")
    });
    stop_all(&mut dash);
    let before = holdings(&project);

    // A linear congruential generator (Knuth, MMIX): the same numbers on every machine.
    let mut state: u64 = 12;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let (mut salt, mut touched) = (0, BTreeSet::new());
    let rounds = std::env::var("DEVGROUP_TEST_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    for round in 0..rounds {
        let mut held = false;
        for operation in 0..OPERATIONS {
            let n = draw(SERVICES) + 1;
            let what = draw(10);
            touched.insert(what);
            match what {
                0 | 1 => dash.keys(&format!("{}s", select(n))),
                2 => dash.keys(&format!("{}x", select(n))),
                3 => dash.keys(&format!("{}X", select(n))),
                4 | 5 => dash.keys(&format!("{}r", select(n))),
                6 => project.write(&format!("src/{}/file", name(n)), format!("{round} {operation}")),
                7 => {
                    dash.keys("p");
                    held = !held;
                }
                8 => {
                    // A crash.
                    let pid = runs(&project).remove(&name(n)).and_then(|runs| runs.into_values().next());
                    if let Some(pid) = pid.and_then(Pid::from_raw) {
                        let _ = kill_process(pid, Signal::KILL);
                    }
                }
                _ => {
                    salt += 1;
                    project.write("procgroup.toml", file((n, salt)));
                }
            }
            // Each look also sees whether a service runs twice.
            dash.wait_until_raw("the screen is read", |_| runs(&project).len() <= SERVICES);
        }
        if held {
            dash.keys("p");
        }
        dash.wait_until_raw(&format!("the screen shows what is after round {round}"), |dash| {
            agrees(dash, &project) && agrees(dash, &project)
        });
    }
    assert_eq!(touched.len(), 10, "every operation has happened");
    stop_all(&mut dash);
    dash.wait_until_raw("descriptors and threads are given back", |_| {
        let after = holdings(&project);
        after.0 <= before.0 && after.1 <= before.1
    });
    dash.wait_until_raw("no process is left", |_| runs(&project).is_empty());
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
}
