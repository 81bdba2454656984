//! Workers and task files: tasks a second beside a bare loop, from the drop of a file to its process, 100,000 files that
//! wait, from the death of an owner to the next one, 30 s without a task, and keys while 10,000 files arrive.
//!
//! The bare loop does the same renames and spawns `true`. It neither reads a task nor gives it to its process, asks for no
//! earlier result, looks for nobody that a try has left, and tells nobody.
//!
//! `DEVGROUP_TASKS_DIR`: a second folder (on another file system than the temporary one), for the rate alone.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

#[expect(dead_code, reason = "a benchmark uses a part of the figures")]
mod figures;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;

use figures::{Samples, print_table};
use harness::{Dash, Project, Stream, detach, down, kill, wait_for, wait_for_within};
use rustix::process::Signal;

const TASKS: usize = 2_000;
const CONCURRENCY: usize = 3;
const DROPS: usize = 200;
const MANY: usize = 100_000;
const STORM: usize = 10_000;
const KEYS: usize = 40;
const DEATHS: usize = 20;
const IDLE: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_secs(600);

fn main() {
    let second = std::env::var_os("DEVGROUP_TASKS_DIR").map(PathBuf::from);
    let places = [None].into_iter().chain(second.map(Some));
    let mut rows = vec![row!["folder", "bare loop, tasks/s", "devgroup, tasks/s", "ratio"]];
    rows.extend(places.map(|place| rate(place.as_deref())));
    print_table("2,000 tasks of `true`, three at once", &rows);
    latency();
    waiting();
    takeover();
    idle();
    storm();
}

/// A project whose worker runs this, with its folders there.
fn project(dir: Option<&Path>, run: &str, keys: &str) -> (Project, PathBuf) {
    let dir = dir.map(|dir| dir.join(format!("devgroup-tasks-{}", std::process::id())));
    let named = dir.as_ref().map_or_else(|| "shared".into(), |dir| dir.display().to_string());
    let project =
        Project::new(&format!("[tasks]\ndir = '{named}'\n[services.marie]\nkind = \"worker\"\nrun = {run}\n{keys}\n"));
    let folder = dir.unwrap_or_else(|| project.path("shared"));
    for below in ["tasks/marie/.work", "results/marie", "triggers/marie", "triggers/orchestrator", "dlq/marie"] {
        fs::create_dir_all(folder.join(below)).unwrap();
    }
    (project, folder)
}

fn write_tasks(folder: &Path, count: usize) {
    for number in 0..count {
        let text = format!(r#"{{"task_id":"t-{number}","worker":"marie","description":"do it","priority":"normal"}}"#);
        fs::write(folder.join(format!("t-{number}.json")), text).unwrap();
    }
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

/// Both in turn, each in a folder of its own, and nothing is removed before the end: ext4 gives the place of a file that was
/// removed to no other one for a while, and looks through all of these for each new file.
fn rate(dir: Option<&Path>) -> Vec<String> {
    let (mut bare, mut ours) = (Duration::ZERO, Duration::ZERO);
    let mut used = Vec::new();
    for (number, is_ours) in [false, true, true, false].into_iter().enumerate() {
        let dir = dir.map(|dir| dir.join(number.to_string()));
        let (project, folder) = project(dir.as_deref(), "[\"true\"]", "concurrency = 3\nheartbeat = \"1h\"");
        write_tasks(&folder.join("tasks/marie"), TASKS);
        if is_ours {
            ours += by_devgroup(&project, &folder);
        } else {
            bare += bare_loop(&folder);
        }
        used.push((project, folder));
    }
    if dir.is_some() {
        used.iter().for_each(|(_, folder)| fs::remove_dir_all(folder).unwrap());
    }
    let kind = if dir.is_some() { "DEVGROUP_TASKS_DIR" } else { "temporary" };
    let [bare, ours] = [bare, ours].map(|time| 2.0 * TASKS as f64 / time.as_secs_f64());
    row![kind, format!("{bare:.0}"), format!("{ours:.0}"), format!("{:.2}", ours / bare)]
}

/// The time that all take, by those between the first claim and the last result.
fn by_devgroup(project: &Project, folder: &Path) -> Duration {
    let (receipts, results) = (folder.join("triggers/marie"), folder.join("results/marie"));
    // It is claimed last. To count all the time would take a part of a processor.
    let last = results.join(format!("t-{}.json", TASKS - 1));
    detach(project);
    wait_for("the first is claimed", || count(&receipts) > 0);
    let (begun, before) = (Instant::now(), count(&results));
    wait_for_within(LONG, "all have results", || last.exists() && count(&results) == TASKS);
    let took = begun.elapsed().mul_f64(TASKS as f64 / (TASKS - before) as f64);
    down(project);
    took
}

/// Claim, receipt, `true` with pipes, result, trigger, removal: three at a time, nothing else.
fn bare_loop(folder: &Path) -> Duration {
    let next = AtomicUsize::new(0);
    let put = |below: &str, name: &str, text: &str, overwrites: bool| {
        let above = folder.join(below);
        let (begun, name) = (above.join(format!(".{name}.tmp")), above.join(name));
        fs::write(&begun, text).unwrap();
        if overwrites {
            fs::rename(&begun, &name).unwrap();
        } else {
            fs::hard_link(&begun, &name).unwrap();
            fs::remove_file(&begun).unwrap();
        }
    };
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= TASKS {
                return;
            }
            let claimed = folder.join(format!("tasks/marie/.work/t-{number}.task.json"));
            fs::rename(folder.join(format!("tasks/marie/t-{number}.json")), &claimed).unwrap();
            let name = format!("t-{number}.json");
            put("triggers/marie", &name, "{\"event\":\"received\"}", true);
            let mut command = Command::new("true");
            let mut child =
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            drop(child.stdin.take());
            let mut output = Vec::new();
            child.stdout.take().unwrap().read_to_end(&mut output).unwrap();
            child.stderr.take().unwrap().read_to_end(&mut output).unwrap();
            child.wait().unwrap();
            put("results/marie", &name, "{\"status\":\"completed\"}", false);
            put("triggers/orchestrator", &name, "{\"event\":\"completed\"}", true);
            fs::remove_file(claimed).unwrap();
        }
    };
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..CONCURRENCY {
            scope.spawn(work);
        }
    });
    begun.elapsed()
}

/// From the rename that drops a file to the clock of the process, one at a time.
fn latency() {
    let (project, folder) = project(None, "[\"date\", \"+%s%N\"]", "heartbeat = \"1h\"");
    detach(&project);
    wait_for("it works", || folder.join("heartbeats/marie.json").exists());
    let mut samples = Samples::default();
    for number in 0..DROPS {
        let (begun, file) = (folder.join("tasks/marie/.begun"), folder.join(format!("tasks/marie/d-{number}.json")));
        fs::write(&begun, format!(r#"{{"task_id":"d-{number}","description":"x"}}"#)).unwrap();
        let dropped = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        fs::rename(begun, file).unwrap();
        let result = folder.join(format!("results/marie/d-{number}.json"));
        wait_for("it has a result", || result.exists());
        let result: serde_json::Value = serde_json::from_slice(&fs::read(result).unwrap()).unwrap();
        let began: u64 = result["stdout"].as_str().unwrap().trim().parse().unwrap();
        samples.add_time(Duration::from_nanos(began).saturating_sub(dropped));
    }
    down(&project);
    print_table("from the drop of a file to the clock of its process", &[row!["ms"], row![samples.show()]]);
}

/// One task runs, all others wait: an ordinary one, before which all are read, and a critical one.
fn waiting() {
    let head =
        row!["the first", "ms from the order to start to the first claim", "bytes of memory for each file by then"];
    print_table("100,000 files that wait", &[head, waiting_behind("normal"), waiting_behind("critical")]);
}

fn waiting_behind(priority: &str) -> Vec<String> {
    let run = "'''[ \"$TASK_ID\" != first ] || exec sleep 1000'''";
    let (project, folder) = project(None, run, "concurrency = 1\nautostart = false");
    detach(&project);
    let first = format!(r#"{{"task_id":"first","priority":"{priority}","description":"x"}}"#);
    fs::write(folder.join("tasks/marie/first.json"), first).unwrap();
    let before = rss_kb(&project);
    write_tasks(&folder.join("tasks/marie"), MANY);
    let begun = Instant::now();
    assert_eq!(Stream::ask(&project, &["start", "marie"]).code, Some(0));
    wait_for_within(LONG, "the first is claimed", || folder.join("triggers/marie/first.json").exists());
    let listed = begun.elapsed();
    let each = (rss_kb(&project) - before) as f64 * 1024.0 / MANY as f64;
    down(&project);
    row![priority, listed.as_millis(), format!("{each:.0}")]
}

/// Two groups on one folder: from the death of the program that has it to the name of the other one in `owner.json`.
fn takeover() {
    let file = |dir: &str, name: &str| {
        format!("name = '{name}'\n[tasks]\ndir = '{dir}'\n[services.marie]\nkind = 'worker'\nrun = 'true'\n")
    };
    let first = Project::new(&file("shared", "first"));
    let second = Project::new(&file(&first.path("shared").display().to_string(), "second"));
    let owner = first.path("shared/tasks/marie/.work/owner.json");
    let belongs_to =
        |name: &str| fs::read_to_string(&owner).is_ok_and(|text| text.contains(&format!("\"group\":\"{name}\"")));
    let mut samples = Samples::default();
    let mut working = Stream::start(&first, &["--no-tui"]);
    wait_for("the first has it", || belongs_to("first"));
    let mut next = (&second, "second");
    let mut last = (&first, "first");
    for _ in 0..DEATHS {
        let mut standing_by = Stream::start(next.0, &["--no-tui"]);
        standing_by.wait_for_text("standby");
        let program = i32::try_from(working.program()).unwrap();
        working.signal(Signal::KILL);
        let died = Instant::now();
        kill(program, Signal::KILL);
        while !belongs_to(next.1) {
            assert!(died.elapsed() < LONG, "nobody takes over");
            std::thread::yield_now();
        }
        samples.add_time(died.elapsed());
        working.wait_killed();
        working = standing_by;
        std::mem::swap(&mut next, &mut last);
    }
    working.signal(Signal::TERM);
    working.wait_exit();
    print_table("from the death of an owner to the next one", &[row!["ms"], row![samples.show()]]);
}

/// The program of a group in the background.
fn program(project: &Project) -> PathBuf {
    let own = fs::read_link(format!("/proc/{}/exe", std::process::id())).unwrap();
    let is_devgroup = |pid: &i32| {
        let exe = fs::read_link(format!("/proc/{pid}/exe")).ok().filter(|exe| *exe != own);
        exe.is_some_and(|exe| exe.ends_with("devgroup"))
    };
    let mut pids: Vec<i32> = project.processes().into_iter().map(|(pid, _)| pid).filter(is_devgroup).collect();
    pids.sort_unstable();
    // The program is the child of its guard.
    PathBuf::from(format!("/proc/{}", pids.last().unwrap()))
}

fn rss_kb(project: &Project) -> u64 {
    status(&program(project), "VmRSS")
}

/// Three workers without a task.
fn idle() {
    let worker = |name: &str| format!("[services.{name}]\nkind = \"worker\"\nrun = \"true\"\n");
    let workers: String = ["marie", "anga", "fabien"].map(worker).concat();
    let project = Project::new(&format!("[tasks]\ndir = \"shared\"\n{workers}"));
    detach(&project);
    wait_for("all work", || project.path("shared/heartbeats/fabien.json").exists());
    let settled = Instant::now();
    wait_for("it has settled", || settled.elapsed() > Duration::from_secs(3));
    let process = program(&project);
    let (before, begun) = (usage(&process), Instant::now());
    wait_for("time has passed", || begun.elapsed() > IDLE);
    let after = usage(&process);
    down(&project);
    let row = row![format!("{:.2}", (after.0 - before.0) as f64 / 1e6), after.1 - before.1];
    print_table("three workers without a task, for 30 s", &[row!["CPU ms", "voluntary switches"], row]);
}

/// Nanoseconds of CPU and voluntary switches of all threads that live.
fn usage(process: &Path) -> (u64, u64) {
    let threads = fs::read_dir(process.join("task")).unwrap().map(|task| task.unwrap().path());
    threads.fold((0, 0), |(cpu, switches), task| {
        let schedstat = fs::read_to_string(task.join("schedstat")).unwrap();
        let its: u64 = schedstat.split_whitespace().next().unwrap().parse().unwrap();
        (cpu + its, switches + status(&task, "voluntary_ctxt_switches"))
    })
}

/// Keys while files arrive, of which none can begin.
fn storm() {
    let (project, folder) = project(None, "\"exec sleep 1000\"", "concurrency = 1");
    project.write(
        "procgroup.toml",
        "[tasks]\ndir = 'shared'\n[services.marie]\nkind = \"worker\"\nrun = \"exec sleep 1000\"\nconcurrency = 1\n\
        [services.quiet]\nrun = \"exec sleep 1000\"\n",
    );
    let mut dash = Dash::start(&project, (160, 50), &[]);
    dash.wait_for_text("quiet");
    let mut rows = vec![row!["files", "key to screen ms"]];
    rows.push(row!["none", keys(&mut dash).show()]);
    let queue = folder.join("tasks/marie");
    let arrives = std::thread::spawn(move || {
        let begun = Instant::now();
        write_tasks(&queue, STORM);
        begun.elapsed()
    });
    let samples = keys(&mut dash);
    let took = arrives.join().unwrap();
    rows.push(row![format!("10,000 in {} ms", took.as_millis()), samples.show()]);
    dash.keys("q");
    dash.wait_exit();
    print_table("keys while files arrive; medians [min..max]", &rows);
}

/// How long a zoom takes to be seen, to and fro.
fn keys(dash: &mut Dash<'_>) -> Samples {
    let mut samples = Samples::default();
    for _ in 0..KEYS / 2 {
        for (key, zoomed) in [("z", true), ("q", false)] {
            let pressed = Instant::now();
            dash.keys(key);
            dash.wait_for("the zoom comes and goes", |screen| screen.contains("quiet") != zoomed);
            samples.add_time(pressed.elapsed());
        }
    }
    samples
}

/// A number of `/proc/…/status`.
fn status(process: &Path, field: &str) -> u64 {
    let status = fs::read_to_string(process.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
