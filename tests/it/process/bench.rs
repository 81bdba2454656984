//! What the tests of processes stand on: a host, a log, and waits that have a name, a condition and a deadline.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use devgroup::clock::Clock;
use devgroup::domain::{
    ExitStatus, Kind, LogSpec, Probe, ReadyCheck, RunCommand, RunId, RunReport, ServiceName, Signal, SignalTarget,
    StartCause,
};
use devgroup::logs::{LineId, LogDocument, LogStore};
use devgroup::process::{ChangeCommand, Launch, Prepared, ProcessHost, RunNews};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Longer than anything here takes on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Asks until the answer is there.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < give_up, "waited {DEADLINE:?} for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A host and what it says.
pub(crate) struct Bench {
    pub(crate) host: ProcessHost,
    pub(crate) dir: TempDir,
    log_store: LogStore,
    news: UnboundedReceiver<RunNews>,
    seen: Vec<RunNews>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let clock = Clock::start();
        let (reports, news) = unbounded_channel();
        let dir = tempfile::tempdir().unwrap();
        Self { host: ProcessHost::new(clock, reports), dir, log_store: LogStore::new(clock), news, seen: Vec::new() }
    }

    pub(crate) fn document(&self, service: &str) -> Arc<LogDocument> {
        self.log_store.open(&service.into(), LogSpec::default().memory)
    }

    pub(crate) fn launch(&self, service: &str, run: u32, command: RunCommand) -> Launch {
        self.launch_in(service, run, command, environment())
    }

    /// With exactly this environment.
    pub(crate) fn launch_in(
        &self,
        service: &str,
        run: u32,
        command: RunCommand,
        env: Vec<(OsString, OsString)>,
    ) -> Launch {
        Launch {
            service: service.into(),
            run: RunId(run),
            kind: Kind::Service,
            display: command.display(),
            prepare: Arc::new(move || Ok(Prepared { command: command.clone(), env: env.clone() })),
            expand: None,
            dir: self.dir.path().to_owned(),
            stop: Signal::Term,
            told_by: None,
            ready: None,
            alive: None,
            notify: None,
            ports: Vec::new(),
            cause: StartCause::First,
            was: None,
            inputs: None,
            looks_at_inputs: false,
            document: self.document(service),
        }
    }

    /// Starts the first run of a service from shell text.
    pub(crate) fn sh(&self, service: &str, text: &str) {
        self.host.spawn(self.launch(service, 1, shell(text)));
    }

    pub(crate) fn sh_until(&self, service: &str, text: &str, probe: Probe) {
        let ready = Some(ReadyCheck { probe, timeout: DEADLINE });
        self.host.spawn(Launch { ready, ..self.launch(service, 1, shell(text)) });
    }

    pub(crate) fn change_command(&self, service: &str, text: &str) {
        let Launch { service, prepare, expand, dir, document, .. } = self.launch(service, 0, shell(text));
        self.host.run_hook(ChangeCommand { service, label: "on_change", prepare, expand, dir, document }, 1);
    }

    pub(crate) fn signal(&self, service: &str, signal: Signal) {
        self.host.signal(&service.into(), RunId(1), signal, SignalTarget::Group);
    }

    /// Waits for a report about a service, of whichever run.
    pub(crate) fn report<T>(&mut self, service: &str, what: &str, pick: impl Fn(&RunReport) -> Option<T>) -> T {
        let service = ServiceName::new(service);
        wait_for(&format!("{what} of {service}"), || {
            while let Ok(news) = self.news.try_recv() {
                self.seen.push(news);
            }
            let at = self.seen.iter().position(|news| news.service == service && pick(&news.report).is_some())?;
            pick(&self.seen.remove(at).report)
        })
    }

    pub(crate) fn started(&mut self, service: &str) -> u32 {
        self.report(service, "the start", |report| match report {
            RunReport::Started { pid } => Some(*pid),
            _ => None,
        })
    }

    pub(crate) fn exited(&mut self, service: &str) -> (ExitStatus, bool) {
        self.report(service, "the exit", |report| match report {
            RunReport::Exited { status, group_gone } => Some((*status, *group_gone)),
            _ => None,
        })
    }

    pub(crate) fn group_gone(&mut self, service: &str) {
        self.report(service, "the end of the group", |report| (*report == RunReport::GroupGone).then_some(()));
    }

    pub(crate) fn ready(&mut self, service: &str) {
        self.report(service, "readiness", |report| (*report == RunReport::Ready).then_some(()));
    }

    /// Reports that came and that nobody has waited for, but for the one that something was printed.
    pub(crate) fn others(&mut self) -> Vec<RunReport> {
        while let Ok(news) = self.news.try_recv() {
            self.seen.push(news);
        }
        self.seen
            .drain(..)
            .map(|news| news.report)
            .filter(|report| !matches!(report, RunReport::Printed { .. }))
            .collect()
    }

    /// The lines of a log, without markers and empty ones.
    pub(crate) fn output(&self, service: &str) -> Vec<String> {
        self.lines(service, false, u64::MAX)
    }

    /// The same of the last so many lines.
    pub(crate) fn tail(&self, service: &str, count: u64) -> Vec<String> {
        self.lines(service, false, count)
    }

    /// The markers of a log.
    pub(crate) fn markers(&self, service: &str) -> Vec<String> {
        self.lines(service, true, u64::MAX)
    }

    /// How many lines a log has had.
    pub(crate) fn length(&self, service: &str) -> u64 {
        self.document(service).read().end().0
    }

    fn lines(&self, service: &str, are_markers: bool, count: u64) -> Vec<String> {
        let document = self.document(service);
        let mut reader = document.read();
        let (first, end) = (reader.first().0, reader.end().0);
        let lines = (first.max(end.saturating_sub(count))..end).filter_map(|id| reader.line(LineId(id)));
        let texts = lines
            .filter(|line| line.kind.is_marker() == are_markers)
            .map(|line| line.content.text.trim_end().to_owned());
        texts.filter(|text| !text.is_empty()).collect()
    }

    /// Waits for a line that holds this text.
    pub(crate) fn line(&self, service: &str, part: &str) -> String {
        wait_for(&format!("`{part}` in the log of {service}"), || {
            self.output(service).into_iter().find(|line| line.contains(part))
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// What the threads of this program are called.
pub(crate) fn names_of_threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    // One may end meanwhile.
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.map(|name| name.trim_end().to_owned()).collect()
}

pub(crate) fn shell(text: &str) -> RunCommand {
    RunCommand::Shell(text.into())
}

pub(crate) fn words(words: &[&str]) -> RunCommand {
    RunCommand::Argv(words.iter().map(|word| (*word).to_owned()).collect())
}

/// Whether a process exists and is no zombie.
pub(crate) fn lives(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with(['Z', 'X']))
}

/// The number at the end of a line such as `pid 123`.
pub(crate) fn last_number(line: &str) -> u32 {
    line.split_whitespace().last().unwrap().parse().unwrap()
}

/// Whether any process has this among the words that it was executed with.
pub(crate) fn running(word: &str) -> bool {
    let folders = std::fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let mut commands = folders.filter_map(|folder| std::fs::read(folder.join("cmdline")).ok());
    commands.any(|command| command.split(|byte| *byte == 0).any(|found| found == word.as_bytes()))
}

/// What most runs of the tests get.
pub(crate) fn environment() -> Vec<(OsString, OsString)> {
    let mut env: Vec<(OsString, OsString)> = std::env::vars_os().filter(|(name, _)| name == "PATH").collect();
    env.push(("TERM".into(), "xterm-256color".into()));
    env
}
