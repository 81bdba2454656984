//! `devgroup run` and `devgroup exec`: a job, or any command of a service, in this terminal.
//!
//! With a group running, what a job needs is started there. Without one, a group is started in the background for what the
//! job needs, with nothing else in it: it ends with the last run that it is there for, so that nothing is left however
//! this process ends.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use super::super::arguments::Place;
use super::super::exit_code::Failure;
use super::super::{GroupFile, file as file_of, invalid, print_message};
use super::arguments::{ExecArguments, RunArguments};
use super::find;
use super::orders::{END_PATIENCE, Process};
use crate::app::{self, ForegroundCommand, GroupRunError, JobLock, NotExecutable};
use crate::clock::Clock;
use crate::config::{self, Owners, SelectionError};
use crate::control::{Ask, Client, ClientError, LogsAsk, Problem, ProblemCode, Reply, RunAsk, RunEnd, Status};
use crate::domain::{
    ExitStatus, GroupSpec, Kind, Moment, Port, RunRecord, Scale, ServiceName, ServiceSpec, WhyUnknown, means_several,
    other_names, plain_error, visible, visible_path,
};
use crate::guard::foreground_command::{Foreground, shell_code};

/// Last lines that are told of a service that has failed.
const WORDS: u64 = 10;

/// The exit code if a service has failed that the job needs.
const FAILED: u8 = 5;

/// Runs a job. The result is its exit code.
pub(super) fn run(arguments: RunArguments, place: &Place, guard_pipe: Option<OwnedFd>) -> Result<u8, Failure> {
    let (file, mut group) = meet(place, false)?;
    let spec = spec_of(&file, group.as_mut())?;
    let job = service(&spec, &arguments.job, group.is_some()).map_err(|failure| other_jobs(failure, &spec))?;
    if job.kind != Kind::Job {
        let kind = if job.kind == Kind::Worker { "worker" } else { "service" };
        let (name, problem) = (&job.name, "`run` needs a job");
        return Err(Failure::Usage(format!(
            "`{name}` is a {kind}, not a job: {problem}\n  help: `devgroup start {name}` starts it in the group; \
             `devgroup exec {name} -- CMD` runs a command with its environment"
        )));
    }
    if app::is_foreground_of(&file.path, &job.name) {
        return Err(Failure::Inside { service: job.name.to_string() });
    }
    // What cannot be executed at all starts nothing else.
    let command = ForegroundCommand::of_job(&spec, &job, &arguments.words, None).map_err(not_executable)?;
    if let Some(unchanged) = command.unchanged().filter(|_| !arguments.force) {
        print_message(&format!("{}: done · {unchanged} · --force runs it anyway", job.name));
        return Ok(0);
    }
    // A group knows of its runs, but there may be none.
    let lock = app::lock_job(&spec, &job.name).map_err(|refusal| {
        Failure::from(ClientError::Refused(Problem::new(ProblemCode::Refused, refusal.to_string())))
    })?;
    let foreground = Foreground::begin(guard_pipe).map_err(refused)?;
    let session = Session { foreground, file, spec, job, words: arguments.words, lock };
    match group {
        Some(group) => session.run_with(group, false),
        None if session.job.depends_on.is_empty() => session.run_alone(),
        None => session.run_with_own_group(),
    }
}

/// Runs a command with the environment and in the folder of a service. The result is its exit code.
pub(super) fn exec(arguments: ExecArguments, place: &Place, guard_pipe: Option<OwnedFd>) -> Result<u8, Failure> {
    if arguments.command.is_empty() {
        return Err(Failure::Usage(
            "`exec` needs a service and a command\n  help: devgroup exec SERVICE -- COMMAND…   such as: devgroup exec api \
             -- env"
                .into(),
        ));
    }
    let (file, mut group) = meet(place, true)?;
    let spec = spec_of(&file, group.as_mut())?;
    let service = service(&spec, &arguments.service, group.is_some())?;
    let socket = group.as_ref().map(Client::socket);
    let command = ForegroundCommand::beside(&spec, &service, &arguments.command, socket).map_err(not_executable)?;
    let mut foreground = Foreground::begin(guard_pipe).map_err(refused)?;
    execute(&mut foreground, &command).map(shell_code)
}

/// The file that is meant, and the group of it, if one runs. `lenient`: a group that may not be asked is as none.
fn meet(place: &Place, lenient: bool) -> Result<(GroupFile, Option<Client>), Failure> {
    match find::group(place) {
        Ok(group) => {
            let path = Path::new(&group.hello().file).to_owned();
            let owners = match &place.config {
                Some(_) => Owners::Any,
                None => {
                    super::super::consent(&path).map_err(|foreign| Failure::Foreign { foreign, file: path.clone() })?
                }
            };
            Ok((GroupFile { path, owners, unread: Vec::new() }, Some(group)))
        }
        Err(Failure::NotRunning { .. }) => Ok((file_of(place.config.as_deref())?, None)),
        Err(Failure::Client { .. }) if lenient => Ok((file_of(place.config.as_deref())?, None)),
        Err(failure) => Err(failure),
    }
}

/// The group of the file, with the instances and the ports that its services have where it runs.
fn spec_of(file: &GroupFile, group: Option<&mut Client>) -> Result<GroupSpec, Failure> {
    let runs = group.is_some();
    let spec = file.load().map_err(|found| match invalid(found) {
        failure if runs => Failure::Noted {
            failure: failure.into(),
            note: "the running group still uses the previous version of its files; `devgroup run` and `devgroup exec` \
                   read them as they are now: fix this first"
                .into(),
        },
        failure => failure,
    })?;
    let spec = spec.spec;
    let status = match group.map(|group| group.ask(Ask::Status { follow: false, usage: false })).transpose()? {
        Some(Reply::Status(status)) => Some(*status),
        _ => None,
    };
    Ok(as_it_runs(spec, status.as_ref()))
}

/// What a file says, with the instances and the ports that its services have in a group of this state, or would get now if
/// none runs.
pub(in crate::cli) fn as_it_runs(spec: GroupSpec, status: Option<&Status>) -> GroupSpec {
    let Some(status) = status else {
        return config::with_group_values(app::with_ports_of_now(spec.with_instances(&Scale::default())));
    };
    let scale = status.replicas.iter().map(|(name, count)| (ServiceName::new(name), *count)).collect();
    let mut spec = spec.with_instances(&scale);
    for service in &mut spec.services {
        let Some(live) = status.services.iter().find(|live| live.name == service.name.as_str()) else { continue };
        let is_other = |port: &Port| live.ports.get(port.label()).is_some_and(|number| *number != port.number);
        if service.ports.iter().any(is_other) {
            for port in &mut Arc::make_mut(service).ports {
                port.number = live.ports.get(port.label()).copied().unwrap_or(port.number);
            }
        }
    }
    config::with_group_values(spec)
}

/// Where no service has the name, only a job can be meant.
fn other_jobs(failure: Failure, spec: &GroupSpec) -> Failure {
    let unknown = match failure {
        Failure::GroupRun { error: GroupRunError::Selection(SelectionError::UnknownService(unknown)) }
            if unknown.why == WhyUnknown::Service =>
        {
            unknown
        }
        other => return other,
    };
    let jobs = spec.services.iter().filter(|service| service.kind == Kind::Job);
    let jobs: Vec<String> = jobs.map(|job| job.name.to_string()).collect();
    Failure::Unknown {
        what: "job",
        message: format!("unknown job `{}`", visible(&unknown.written)),
        help: other_names(&unknown.written, &jobs, "jobs"),
    }
}

/// The one service that a name means. `runs`: the group does.
fn service(spec: &GroupSpec, name: &str, runs: bool) -> Result<Arc<ServiceSpec>, Failure> {
    let roster = spec.roster();
    let names = roster.resolve([name])?;
    match names.iter().filter_map(|name| spec.service(name)).collect::<Vec<_>>().as_slice() {
        [one] => Ok(Arc::clone(one)),
        [] => Err(Failure::no_instances(&roster.only_without_instances([name]), runs)),
        _ => Err(Failure::Usage(means_several(name, &names))),
    }
}

/// Executes a command to its end, and says what it has left.
fn execute(foreground: &mut Foreground, command: &ForegroundCommand) -> Result<ExitStatus, Failure> {
    let program = visible_path(&command.program.path).into_owned();
    std::env::set_current_dir(&command.dir).map_err(|error| {
        not_executable((126, format!("folder {}: {}", visible_path(&command.dir), plain_error(&error))))
    })?;
    let (status, left) = foreground.run(&command.program).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => {
            not_executable((125, format!("{program}: {}", plain_error(&error))))
        }
        io::ErrorKind::NotFound => not_executable((127, format!("{program}: command not found"))),
        _ => not_executable((126, format!("{program}: cannot execute: {}", plain_error(&error)))),
    })?;
    if !left.is_empty() {
        print_message(&format!("killed leftover processes · {left}"));
    }
    Ok(status)
}

fn not_executable((code, message): NotExecutable) -> Failure {
    Failure::NotRun { code, message }
}

fn refused(error: io::Error) -> Failure {
    Failure::Unexpected(format!("cannot listen for signals: {}", plain_error(&error)))
}

/// A job that is to be run here.
struct Session {
    foreground: Foreground,
    file: GroupFile,
    spec: GroupSpec,
    job: Arc<ServiceSpec>,
    words: Vec<OsString>,
    /// Keeps others from running the job, until its run is over.
    lock: Option<JobLock>,
}

/// What came of the wait for what a job needs.
enum Come {
    /// It may begin.
    All,
    /// One will not come: its name, and why.
    Lost(String, String),
    /// A signal meant the end.
    Interrupted(i32),
}

impl Session {
    /// Nobody else is needed.
    fn run_alone(mut self) -> Result<u8, Failure> {
        let (status, record) = self.execute(None)?;
        self.remember(record);
        Ok(shell_code(status))
    }

    /// No group has seen the run.
    fn remember(&self, record: RunRecord) {
        app::remember(&self.spec, &self.job.name, record);
    }

    fn execute(&mut self, socket: Option<&Path>) -> Result<(ExitStatus, RunRecord), Failure> {
        let command = ForegroundCommand::of_job(&self.spec, &self.job, &self.words, socket).map_err(not_executable)?;
        command.begins(!self.words.is_empty());
        let clock = Clock::start();
        let status = execute(&mut self.foreground, &command)?;
        let uptime = clock.now().since(Moment::START);
        let record = RunRecord::elsewhere(clock.wall(Moment::START), uptime, status);
        if status.is_success() && self.words.is_empty() {
            command.succeeded();
        }
        Ok((status, record))
    }

    /// Starts a group for what the job needs.
    fn run_with_own_group(mut self) -> Result<u8, Failure> {
        let program = std::env::current_exe().map_err(|error| Failure::Unexpected(plain_error(&error)))?;
        let own = ["-d", "--for-run", "--no-watch", "-f"].map(OsString::from);
        let needs = self.job.depends_on.iter().map(|need| need.on.as_str().into());
        let words = [program.into_os_string()].into_iter().chain(own).chain([self.file.path.clone().into_os_string()]);
        let words: Vec<OsString> = words.chain(["--".into()]).chain(needs).collect();
        let started = self.foreground.run_by_path(&words, &[]);
        let code = started.map(shell_code).map_err(|error| Failure::Unexpected(plain_error(&error)))?;
        match find::by_file(&self.file.path, None)? {
            Some(group) => self.run_with(group, code == 0),
            // It has said why.
            None if code != 0 => Ok(code),
            None => Err(Failure::NotRunning { file: Some(self.file.path), foreign: None }),
        }
    }

    /// `is_ours`: the group was started for this.
    fn run_with(mut self, mut group: Client, is_ours: bool) -> Result<u8, Failure> {
        let ask =
            RunAsk { job: self.job.name.as_str().to_owned(), pid: std::process::id(), counts: self.words.is_empty() };
        let run = group.send(Ask::Run(ask)).map_err(Failure::from)?;
        let come = self.wait_for_needs(&mut group)?;
        let socket = group.socket().to_owned();
        let (result, over) = match come {
            Come::All => match self.execute(Some(&socket)) {
                Ok(over) => (Ok(shell_code(over.0)), Some(over)),
                Err(failure) => (Err(failure), None),
            },
            Come::Interrupted(signal) => (Ok(shell_code(ExitStatus::Signal(signal))), None),
            Come::Lost(service, reason) => {
                let message = format!("{} cannot run: {reason}{}", self.job.name, last_words(&mut group, &service));
                (Err(Failure::NotRun { code: FAILED, message }), None)
            }
        };
        let told = self.tell_end(&mut group, run, over.as_ref().map(|(status, _)| *status));
        if let (Err(_), Some((_, record))) = (&told, over) {
            self.remember(record);
        }
        self.lock = None;
        let ended = told.and_then(|()| if is_ours { self.wait_for_end(group) } else { Ok(()) });
        match ended {
            // A group that has ended knows of no runs any more.
            Ok(()) | Err(ClientError::Ended { .. } | ClientError::Lost) => {}
            Err(ClientError::Refused(Problem { code: ProblemCode::Refused | ProblemCode::Invalid, .. })) => {}
            Err(error) => print_message(&format!("warning: {error}")),
        }
        result
    }

    /// Says what is waited for, each time that it is something else.
    fn wait_for_needs(&mut self, group: &mut Client) -> Result<Come, Failure> {
        loop {
            if !group.wait_for_more_or(self.foreground.as_fd())? {
                if let Some(signal) = self.foreground.interruption() {
                    return Ok(Come::Interrupted(signal));
                }
                continue;
            }
            match group.next_message()?.reply {
                Reply::Waits { on } => print_message(&format!("{}: {}", self.job.name, visible(&on))),
                Reply::Begin {} => return Ok(Come::All),
                Reply::Lost { service, reason } => return Ok(Come::Lost(service, reason)),
                _ => {}
            }
        }
    }

    fn tell_end(&self, group: &mut Client, run: u64, status: Option<ExitStatus>) -> Result<(), ClientError> {
        let (code, signal) = match status {
            Some(ExitStatus::Code(code)) => (Some(code), None),
            Some(ExitStatus::Signal(signal)) => (None, Some(signal)),
            None => (None, None),
        };
        group.ask(Ask::RunEnded(RunEnd { run, code, signal })).map(drop)
    }

    /// Waits until the group that was started for this has ended, unless somebody else needs it now. A second Ctrl-C kills.
    fn wait_for_end(&mut self, mut group: Client) -> Result<(), ClientError> {
        let name = group.hello().project.clone();
        let process = Process::of_pid(group.hello().pid);
        if let Reply::Status(status) = group.ask(Ask::Status { follow: false, usage: false })?
            && !status.stopping
        {
            print_message(&format!("{} keeps running: another `devgroup run` needs it", visible(&name)));
            return Ok(());
        }
        let farewell = loop {
            if !group.wait_for_more_or(self.foreground.as_fd())? {
                if self.foreground.interruption().is_some() {
                    group.send(Ask::Down { now: true })?;
                }
                continue;
            }
            match group.next_message() {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        if let Some(process) = process {
            process.wait(END_PATIENCE);
        }
        if let ClientError::Ended { code: 7, summary } = &farewell {
            print_message(summary);
        }
        Err(farewell)
    }
}

/// What a service has said last, a line each.
fn last_words(group: &mut Client, service: &str) -> String {
    let ask = LogsAsk { services: vec![service.to_owned()], last: Some(WORDS), ..LogsAsk::default() };
    let mut text = String::new();
    if group.send(Ask::Logs(ask)).is_err() {
        return text;
    }
    while let Ok(message) = group.next_message() {
        match message.reply {
            Reply::Line(line) => text += &format!("\n  {} │ {}", visible(service), visible(&line.text)),
            Reply::End {} => break,
            _ => {}
        }
    }
    text
}
