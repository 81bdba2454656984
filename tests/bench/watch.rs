//! What watching costs: a tree of 50,000 files in 5,000 directories, 80 % of them ignored, until it is watched; removing
//! big trees; moving a big one; a storm of renames; and a million events in an ignored folder. watchexec is measured beside it if it is
//! installed.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use devgroup::clock::Clock;
use devgroup::domain::{FileReader, GroupSpec, Moment, ServiceName, WatchReport, WatchStatus};
use devgroup::watch::{WatchReports, Watcher};

mod figures;

use figures::{Samples, on_path, print_table};

const ROUNDS: usize = 15;
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    // `cargo bench --bench watch -- removal` measures only that.
    let chosen: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let parts: [(&str, fn()); 5] =
        [("ready", ready), ("removal", removal), ("moves", moves), ("storm", storm), ("ignored", ignored_events)];
    for (_, measure) in parts.iter().filter(|(name, _)| chosen.is_empty() || chosen.iter().any(|other| other == name)) {
        measure();
    }
}

/// A watcher, and what it has said.
struct Watched {
    /// Ends the watcher when it is dropped.
    watcher: Watcher,
    reports: WatchReports,
    status: WatchStatus,
    files: usize,
    last: String,
    compared: Option<u64>,
}

impl Watched {
    fn start(spec: Arc<GroupSpec>) -> Self {
        let (watcher, reports) = Watcher::start(spec, Clock::start(), Vec::new());
        Self { watcher, reports, status: WatchStatus::default(), files: 0, last: String::new(), compared: None }
    }

    /// Reads reports until the condition holds.
    fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            while !condition(self) {
                match tokio::time::timeout(PATIENCE, self.reports.next()).await {
                    Ok(Some(WatchReport::Status(status))) => self.status = status,
                    Ok(Some(WatchReport::Files(events))) => {
                        self.files += events.len();
                        self.last = events.last().map(|event| event.path.to_string()).unwrap_or_default();
                    }
                    Ok(Some(WatchReport::Compared(comparison))) => self.compared = Some(comparison.ask),
                    Ok(Some(WatchReport::ConfigWritten(_) | WatchReport::CaughtUp(_))) => {}
                    other => panic!("{what}: {other:?} after {:?}", self.status),
                }
            }
        });
    }

    /// Waits until all that has happened until now is known, and compared.
    fn compare(&mut self, ask: u64, services: &[ServiceName]) {
        let (began, until) = (Moment::START, Moment::START);
        let reader = |service: &ServiceName| FileReader { service: service.clone(), began, until };
        self.watcher.compare(ask, services.iter().map(reader).collect(), true);
        self.until("the comparison", |seen| seen.compared == Some(ask));
    }

    fn ready(root: &Path) -> Self {
        Self::ready_for(spec(root, "[services]\napi = { run = \"sleep 1000\", watch = true }\n"))
    }

    fn ready_for(spec: Arc<GroupSpec>) -> Self {
        let mut watched = Self::start(spec);
        watched.until("ready", |seen| seen.status.ready);
        watched
    }
}

/// The group of a `procgroup.toml`.
fn spec(root: &Path, text: &str) -> Arc<GroupSpec> {
    fs::write(root.join("procgroup.toml"), text).unwrap();
    let loaded = devgroup::config::load(&root.join("procgroup.toml"));
    Arc::new(loaded.unwrap().spec)
}

/// 1,000 directories of sources and 4,000 that git ignores, ten files each.
fn make_tree(root: &Path) {
    fs::write(root.join(".gitignore"), "/packages/\n").unwrap();
    fs::create_dir(root.join(".git")).unwrap();
    fs::write(root.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    let folders = (0..1000).map(|n| format!("src/{}/{}/{}", n / 100, n / 10 % 10, n % 10));
    let ignored = (0..4000).map(|n| format!("packages/{}/{}", n / 50, n % 50));
    for folder in folders.chain(ignored) {
        let folder = root.join(folder);
        fs::create_dir_all(&folder).unwrap();
        for n in 0..10 {
            fs::write(folder.join(format!("f{n}.rs")), "text").unwrap();
        }
    }
}

fn ready() {
    let folder = tempfile::tempdir().unwrap();
    make_tree(folder.path());
    let [mut own, mut cpu, mut end] = [(); 3].map(|()| Samples::default());
    let mut handles = 0;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let watched = Watched::ready(folder.path());
        own.add_time(started.elapsed());
        cpu.add_time(watcher_cpu());
        handles = watched.status.directories;
        let dropped = Instant::now();
        let Watched { watcher, reports, .. } = watched;
        drop(watcher);
        end.add_time(dropped.elapsed());
        drop(reports);
    }
    let mut rows = vec![row!["what", "until it is watched ms", "its CPU ms", "handles", "end ms"]];
    rows.push(row!["the watcher alone", own.show(), cpu.show(), handles, end.show()]);
    let devgroup = PathBuf::from(env!("CARGO_BIN_EXE_devgroup"));
    rows.push(process_row("devgroup, process", &devgroup, &["--no-tui"], folder.path()));
    if on_path("watchexec") {
        let arguments = ["-w", ".", "--", "sleep", "1000"];
        rows.push(process_row("watchexec, process", Path::new("watchexec"), &arguments, folder.path()));
    }
    print_table("50,000 files in 5,000 directories, 80 % ignored", &rows);
}

/// From the start of a process to the last watch that it adds, as the kernel tells.
fn process_row(name: &str, program: &Path, arguments: &[&str], root: &Path) -> Vec<String> {
    let mut times = Samples::default();
    let mut handles = 0;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (mut last, mut count) = (started, 0);
        while last.elapsed() < Duration::from_millis(600) {
            let now = inotify_watches(child.id());
            if now != count {
                (last, count) = (Instant::now(), now);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        times.add_time(last - started);
        handles = count;
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        child.wait().unwrap();
    }
    row![name, times.show(), "-", handles, "-"]
}

/// The watches of a process and of its children.
fn inotify_watches(pid: u32) -> usize {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok()).map(inotify_watches);
    let own = fs::read_dir(format!("/proc/{pid}/fdinfo")).into_iter().flatten().flatten().map(|descriptor| {
        let text = fs::read_to_string(descriptor.path()).unwrap_or_default();
        text.lines().filter(|line| line.starts_with("inotify wd:")).count()
    });
    own.sum::<usize>() + children.sum::<usize>()
}

/// Removing n watched directories, by both kinds of watches. "native" stays what "auto" means on Linux while notify needs
/// more than 500 ms longer than `rm -rf` for 10,000: to be looked at with each release of notify.
fn removal() {
    let mut rows = vec![row!["directories", "backend", "rm -rf ms", "until all watches are gone ms"]];
    let kinds = ["native", "notify"].into_iter();
    for (count, backend) in
        [2500, 5000, 10_000].into_iter().flat_map(|count| kinds.clone().map(move |kind| (count, kind)))
    {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for n in 0..count {
            let folder = root.join(format!("big/{}/{n}", n / 100));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("f"), "text").unwrap();
        }
        let text =
            format!("[watch]\nbackend = \"{backend}\"\n[services]\napi = {{ run = \"sleep 1000\", watch = true }}\n");
        let mut watched = Watched::ready_for(spec(root, &text));
        let started = Instant::now();
        fs::remove_dir_all(root.join("big")).unwrap();
        let removed = started.elapsed();
        watched.until("the watches are gone", |seen| seen.status.directories == 1);
        rows.push(row![count, backend, removed.as_millis(), started.elapsed().as_millis()]);
    }
    print_table("removing a watched tree", &rows);
}

/// Moving a folder of 100,000 files within the tree, out of it, and back into it; with one service that watches all, and
/// with six that have rules of their own.
fn moves() {
    let one = String::from("[services]\ns0 = { run = \"sleep 1000\", watch = true }\n");
    let six = (0..6).map(|n| format!("s{n} = {{ run = \"sleep 1000\", watch = true, ignore = [\"*.bak\"] }}\n"));
    let six = String::from("[services]\n") + &six.collect::<String>();
    let mut rows =
        vec![row!["services", "move", "mv ms", "until it is known and compared ms", "CPU of the watcher ms"]];
    for text in [&one, &six] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        for n in 0..1000 {
            let folder = root.join(format!("big/{}/{n}", n / 100));
            fs::create_dir_all(&folder).unwrap();
            for n in 0..100 {
                fs::write(folder.join(format!("f{n}.rs")), "text").unwrap();
            }
        }
        let spec = spec(&root, text);
        let services: Vec<_> = spec.services.iter().map(|service| service.name.clone()).collect();
        let clock = Clock::start();
        let mut watched = Watched::ready_for(spec);
        let (within, outside) = (root.join("moved"), folder.path().join("outside"));
        let moves = [
            ("within", root.join("big"), &within),
            ("out", within.clone(), &outside),
            ("in", outside.clone(), &within),
        ];
        for (n, (name, from, to)) in (0..).zip(moves) {
            watched.watcher.baseline(services.clone(), clock.now(), true);
            watched.compare(100 + n, &services);
            let cpu = watcher_cpu();
            let started = Instant::now();
            fs::rename(from, to).unwrap();
            let renamed = started.elapsed();
            watched.compare(n, &services);
            let (took, cpu) = (started.elapsed(), watcher_cpu() - cpu);
            rows.push(row![services.len(), name, renamed.as_millis(), took.as_millis(), cpu.as_millis()]);
        }
    }
    print_table("moving a folder of 100,000 files in 1,000 folders", &rows);
}

/// 10,000 renames a second that nobody reads of.
fn storm() {
    const RATE: u32 = 10_000;
    let seconds = std::env::var("STORM_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(30);
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("src")).unwrap();
    let mut watched = Watched::ready(root);
    let (cpu, memory) = (watcher_cpu(), resident());
    let started = Instant::now();
    for n in 0..seconds * RATE {
        let temporary = root.join("src/tmp");
        fs::write(&temporary, n.to_string()).unwrap();
        fs::rename(&temporary, root.join(format!("src/a{}", n % 100))).unwrap();
        if n % 100 == 0 {
            let due = started + Duration::from_secs(1) * n / RATE;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
    let took = started.elapsed();
    fs::write(root.join("src/end"), "").unwrap();
    let (cpu, memory) = (watcher_cpu() - cpu, resident().saturating_sub(memory));
    watched.until("the end is reported", |seen| seen.last == "src/end");
    let rows = vec![
        row!["renames", "took s", "CPU of the watcher s", "memory more MB", "reports"],
        row![
            seconds * RATE,
            format!("{:.1}", took.as_secs_f64()),
            format!("{:.2}", cpu.as_secs_f64()),
            memory >> 20,
            watched.files
        ],
    ];
    print_table("a storm that nobody reads", &rows);
}

/// A million events in a folder that is ignored.
fn ignored_events() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("node_modules/a")).unwrap();
    // The threads of the watcher before this one may be ending still.
    while watcher_cpu() > Duration::ZERO {
        std::thread::yield_now();
    }
    let _watched = Watched::ready(root);
    let cpu = watcher_cpu();
    let started = Instant::now();
    for n in 0..250_000 {
        // Created, written, closed, removed.
        let file = root.join(format!("node_modules/a/{}", n % 1000));
        fs::write(&file, "text").unwrap();
        fs::remove_file(&file).unwrap();
    }
    let rows = vec![
        row!["events", "took s", "CPU of the watcher ms"],
        row![
            1_000_000,
            format!("{:.1}", started.elapsed().as_secs_f64()),
            format!("{:.2}", (watcher_cpu() - cpu).as_secs_f64() * 1e3)
        ],
    ];
    print_table("events in an ignored folder", &rows);
}

/// CPU time of the watcher's two threads.
fn watcher_cpu() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten().map(|task| task.path());
    let ours = tasks.filter(|task| {
        fs::read_to_string(task.join("comm")).is_ok_and(|comm| ["watch", "watch-events"].contains(&comm.trim()))
    });
    let nanoseconds = ours.filter_map(|task| {
        let schedstat = fs::read_to_string(task.join("schedstat")).ok()?;
        schedstat.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// Resident bytes of this process.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() << 10
}
