//! The watcher on real trees, through its public API: what is saved, made, moved and removed, and what stays silent.
#![cfg(test)]

mod comparisons;
mod editors;
mod files;
mod git_rules;
mod limits;
mod rules;
mod tree;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use devgroup::clock::{Clock, time_of_a_write};
use devgroup::domain::{
    ChangeKind, Comparison, Expandable, FileEvent, GitWork, GroupSpec, Match, RunCommand, ServiceSpec, SpecPattern,
    WatchFiles, WatchReport, WatchStatus,
};
use devgroup::watch::{WatchReports, Watcher};

/// Longer than anything takes on a busy machine; only a failure waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

/// Waits until what has been written is dated before what is written now: a watcher that is started then calls it old.
fn until_files_are_older() {
    let (written, waiting) = (SystemTime::now(), Instant::now());
    while time_of_a_write() <= written {
        assert!(waiting.elapsed() < DEADLINE, "the clock of the file system does not tick");
        std::thread::yield_now();
    }
}

/// A watched temporary tree.
struct Watched {
    folder: tempfile::TempDir,
    watcher: Watcher,
    reports: WatchReports,
    runtime: tokio::runtime::Runtime,
    /// All that came, in order.
    events: Vec<FileEvent>,
    config_written: usize,
    status: WatchStatus,
    compared: Option<Comparison>,
    git: Vec<GitWork>,
    marks: usize,
}

/// A service that watches.
fn service(name: &str, root: &Path, watch: WatchFiles) -> ServiceSpec {
    let run = RunCommand::Shell(String::from("true"));
    ServiceSpec { watch, ..ServiceSpec::new(name.into(), run, root.to_path_buf()) }
}

fn group(root: &Path, services: Vec<ServiceSpec>) -> GroupSpec {
    GroupSpec::new("test", root.to_path_buf(), services.into_iter().map(Arc::new).collect())
}

/// A group with one service that watches everything.
fn all(root: &Path) -> GroupSpec {
    group(root, vec![service("api", root, WatchFiles::All { line: 3, file: None })])
}

fn patterns(texts: &[&str]) -> Vec<SpecPattern> {
    texts.iter().zip(1..).map(|(text, line)| SpecPattern { text: (*text).to_owned(), line, file: None }).collect()
}

/// A group with one service that watches these globs.
fn globs(root: &Path, texts: &[&str]) -> GroupSpec {
    group(root, vec![service("api", root, WatchFiles::Globs(patterns(texts)))])
}

fn write(path: impl AsRef<Path>, text: &str) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders made");
    fs::write(path, text).expect("written");
}

fn git(folder: &Path, arguments: &[&str]) {
    let output = std::process::Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git is there");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Watched {
    /// Makes a tree, and watches it. The watcher is ready when this returns.
    fn new(make: impl FnOnce(&Path), spec: impl FnOnce(&Path) -> GroupSpec) -> Self {
        Self::with_own(make, spec, &[])
    }

    fn with_own(make: impl FnOnce(&Path), spec: impl FnOnce(&Path) -> GroupSpec, own: &[&str]) -> Self {
        let mut watched = Self::not_ready(make, spec, own);
        watched.until("the watcher is ready", |seen| seen.status.ready);
        watched
    }

    /// Makes a tree, and begins to watch it.
    fn not_ready(make: impl FnOnce(&Path), spec: impl FnOnce(&Path) -> GroupSpec, own: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        write(root.join("procgroup.toml"), "[services]\n");
        make(root);
        let own = own.iter().map(|own| root.join(own)).collect();
        let spec = Arc::new(spec(root));
        until_files_are_older();
        let (watcher, reports) = Watcher::start(spec, Clock::start(), own);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        Self {
            folder,
            watcher,
            reports,
            runtime,
            events: Vec::new(),
            config_written: 0,
            status: WatchStatus::default(),
            compared: None,
            git: Vec::new(),
            marks: 0,
        }
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root().join(relative)
    }

    /// Reads reports until the condition holds.
    fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let end = Instant::now() + DEADLINE;
        while !condition(self) {
            let left = end.saturating_duration_since(Instant::now());
            let next = self.runtime.block_on(async { tokio::time::timeout(left, self.reports.next()).await });
            match next {
                Ok(Some(WatchReport::Files(events))) => self.events.extend(events),
                Ok(Some(WatchReport::Status(status))) => self.status = status,
                Ok(Some(WatchReport::ConfigWritten(_))) => self.config_written += 1,
                Ok(Some(WatchReport::Compared(comparison))) => self.compared = Some(comparison),
                Ok(Some(WatchReport::Git(work))) => self.git.push(work),
                Ok(None) => panic!("the watcher ended while waiting: {what}"),
                Err(_) => panic!("waited in vain: {what}; got {:#?} {:?}", self.events, self.status),
            }
        }
    }

    /// Waits until everything that happened before has been reported: a mark goes through the same stream.
    fn settle(&mut self) {
        self.marks += 1;
        let mark = format!("settle-mark-{}", self.marks);
        write(self.path(&mark), "");
        self.until("the mark came through", |seen| {
            seen.events.iter().any(|event| *event.path == *mark && event.finished)
        });
        self.events.retain(|event| !event.path.starts_with("settle-mark-"));
    }

    /// Waits for the finished change of a path.
    fn until_finished(&mut self, path: &str) {
        self.until(&format!("{path} is reported as finished"), |seen| {
            seen.events.iter().any(|event| *event.path == *path && event.finished)
        });
    }

    /// The paths that were reported.
    fn paths(&self) -> HashSet<String> {
        self.events.iter().map(|event| event.path.to_string()).collect()
    }

    /// The last that was reported of a path.
    fn last(&self, path: &str) -> Option<(ChangeKind, bool)> {
        let event = self.events.iter().rev().find(|event| *event.path == *path)?;
        Some((event.kind, event.finished))
    }

    fn is_watched(&self, path: &str) -> bool {
        let event = self.events.iter().rev().find(|event| *event.path == *path);
        matches!(event.map(|event| &event.matched), Some(Match::Watched { .. }))
    }
}
