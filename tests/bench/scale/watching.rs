//! Trees of files: until they are watched, what is held for them, a save; and checkouts of git. Beside it `find`, git alone,
//! and other watchers where they are installed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use devgroup::clock::Clock;
use devgroup::domain::{WatchReport, WatchStatus};
use devgroup::watch::Watcher;

use super::figures::{Samples, on_path, print_table};
use super::harness::{Project, detach, down, wait_for, wait_for_within};
use super::{Held, LONG, ms};
use crate::row;

const SAVES: usize = 5;
/// Saves that are further apart than this have nothing to do with each other.
const APART: Duration = Duration::from_millis(700);
/// Files of the repository.
const TRACKED: usize = 200_000;
/// A watcher that adds no watch in this time has all.
const NO_MORE: Duration = Duration::from_secs(2);

const PROCGROUP: &str =
    "[services]\napi = { run = \"echo x >> ../home/starts; exec sleep 1000\", watch = true, debounce = \"5ms\" }\n";

/// Ten files in each folder; every fifth folder is ignored.
fn make_tree(root: &Path, files: usize) {
    fs::write(root.join(".gitignore"), "/packages/\n").unwrap();
    fs::create_dir(root.join(".git")).unwrap();
    fs::write(root.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    for number in 0..files / 10 {
        let above = if number % 5 == 4 { "packages" } else { "src" };
        let folder = root.join(format!("{above}/{}/{}/{number}", number / 10_000, number / 100 % 100));
        fs::create_dir_all(&folder).unwrap();
        for file in 0..10 {
            fs::write(folder.join(format!("f{file}.rs")), "text").unwrap();
        }
    }
}

pub(crate) fn tree(sizes: &[usize]) {
    let mut rows = vec![row![
        "files",
        "watched after ms",
        "`find -printf %s` ms",
        "handles",
        "MB resident",
        "bytes for each file that is watched",
        "save to the new process ms"
    ]];
    for &files in sizes {
        let project = Project::new(PROCGROUP);
        make_tree(&project.root(), files);
        let find = find(&project.root());
        let (ready, handles) = watcher_alone(&project);
        let before = held_without_files();
        detach(&project);
        wait_for_within(LONG, "all is watched", || Held::by(&project).watches >= handles);
        let save = save(&project, "src/0/0/0/f0.rs");
        let held = Held::by(&project);
        let each = held.anonymous_kb.saturating_sub(before) as f64 * 1024.0 / (files as f64 * 0.8);
        let (resident, each) = (format!("{:.1}", held.resident_kb as f64 / 1e3), format!("{each:.0}"));
        rows.push(row![files, ms(ready), ms(find), handles, resident, each, save.show()]);
        down(&project);
        rows.push(match on_path("watchexec") {
            true => {
                let (ready, handles, resident) = watchexec(&project.root());
                row![format!("{files}, watchexec"), ms(ready), "-", handles, resident, "-", "-"]
            }
            false => row![format!("{files}, watchexec: not installed"), "-", "-", "-", "-", "-", "-"],
        });
        rows.push(match on_path("watchman") {
            true => row![format!("{files}, watchman"), ms(watchman(&project)), "-", "-", "-", "-", "-"],
            false => row![format!("{files}, watchman: not installed"), "-", "-", "-", "-", "-", "-"],
        });
    }
    print_table("a tree of ten files in each folder, 20 % ignored", &rows);
}

/// The time of `find` over the same tree, the better of two.
fn find(root: &Path) -> Duration {
    let once = || {
        let began = Instant::now();
        let find = Command::new("find").arg(root).args(["-printf", "%s"]).stdout(Stdio::null()).status();
        assert!(find.unwrap().success());
        began.elapsed()
    };
    once().min(once())
}

/// Until the watcher is ready, in this process, and how many folders it watches.
fn watcher_alone(project: &Project) -> (Duration, usize) {
    let loaded = devgroup::config::load(&project.path("procgroup.toml"));
    let spec = Arc::new(loaded.unwrap().spec);
    let began = Instant::now();
    let (_watcher, mut reports) = Watcher::start(spec, Clock::start(), Vec::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let status = runtime.block_on(async {
        loop {
            let report = tokio::time::timeout(LONG, reports.next()).await.unwrap();
            if let Some(WatchReport::Status(status @ WatchStatus { ready: true, .. })) = report {
                return status;
            }
        }
    });
    (began.elapsed(), status.directories)
}

/// What a group holds that watches a folder without files.
fn held_without_files() -> u64 {
    let project = Project::new(PROCGROUP);
    detach(&project);
    let held = Held::by(&project).anonymous_kb;
    down(&project);
    held
}

/// From a save to the first words of the new process.
fn save(project: &Project, file: &str) -> Samples {
    let mut samples = Samples::default();
    for number in 0..SAVES {
        std::thread::sleep(APART);
        let before = project.lines("../home/starts");
        let began = Instant::now();
        project.write(file, format!("text {number}"));
        let mut seen = began.elapsed();
        wait_for("the new process is there", || {
            seen = began.elapsed();
            project.lines("../home/starts") > before
        });
        samples.add_time(seen);
    }
    samples
}

/// From the start of watchexec to its last watch, and what it holds then.
fn watchexec(root: &Path) -> (Duration, usize, String) {
    let began = Instant::now();
    let mut command = Command::new("watchexec");
    command
        .args(["-w", ".", "--", "true"])
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let process = Path::new("/proc").join(child.id().to_string());
    let (mut last, mut count) = (began, 0);
    while last.elapsed() < NO_MORE {
        let now = super::watches(&process);
        if now != count {
            (last, count) = (Instant::now(), now);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let resident = format!("{:.1}", super::number(&process, "VmRSS:") as f64 / 1e3);
    child.kill().unwrap();
    child.wait().unwrap();
    (last - began, count, resident)
}

/// Until watchman answers that it watches the tree, its server included.
fn watchman(project: &Project) -> Duration {
    let ask = |arguments: &[&str]| {
        let mut command = project.command("watchman");
        assert!(command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
    };
    let began = Instant::now();
    ask(&["watch", "."]);
    // Its crawl is over when it answers a question about the files.
    ask(&["clock", "."]);
    let took = began.elapsed();
    ask(&["shutdown-server"]);
    took
}

pub(crate) fn checkout(percents: &[usize]) {
    if !on_path("git") {
        return println!("checkout: skipped: needs git");
    }
    let project = Project::new(PROCGROUP);
    let file = |number: usize| format!("src/{}/{}/f{number}.rs", number / 10_000, number / 100 % 100);
    (0..TRACKED).for_each(|number| project.write(&file(number), "text"));
    project.git(&["init", "-q"]);
    project.git(&["add", "-A"]);
    project.git(&["commit", "-qm", "all"]);
    let mut rows = vec![row![
        "files that change",
        "git alone ms",
        "beside devgroup ms",
        "its part more",
        "restarts",
        "from the end of git to the new process ms"
    ]];
    for &percent in percents {
        let branch = format!("change-{percent}");
        project.git(&["checkout", "-qb", &branch, "main"]);
        for number in (0..TRACKED).filter(|number| number % 100 < percent) {
            project.write(&file(number), format!("another text, {percent}"));
        }
        project.git(&["commit", "-qam", "some"]);
        project.git(&["checkout", "-q", "main"]);
        let there_and_back = || {
            let began = Instant::now();
            project.git(&["checkout", "-q", &branch]);
            let took = began.elapsed();
            project.git(&["checkout", "-q", "main"]);
            took
        };
        let alone = there_and_back().min(there_and_back());
        detach(&project);
        wait_for_within(LONG, "all is watched", || Held::by(&project).watches >= TRACKED / 100);
        let before = project.lines("../home/starts");
        let began = Instant::now();
        project.git(&["checkout", "-q", &branch]);
        let (beside, ended) = (began.elapsed(), Instant::now());
        wait_for_within(LONG, "the new process is there", || project.lines("../home/starts") > before);
        let after = ended.elapsed();
        std::thread::sleep(NO_MORE);
        let restarts = project.lines("../home/starts") - before;
        down(&project);
        project.git(&["checkout", "-q", "main"]);
        let more = (beside.as_secs_f64() / alone.as_secs_f64() - 1.0) * 100.0;
        rows.push(row![
            format!("{percent} % of {TRACKED}"),
            ms(alone),
            ms(beside),
            format!("{more:.0} %"),
            restarts,
            ms(after)
        ]);
    }
    print_table("git checkout of a branch", &rows);
}
