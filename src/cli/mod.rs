//! Arguments in, exit code out: finds the file, runs what was asked for, and reports errors to stderr.

mod alerts;
mod arguments;
mod check;
mod client;
mod doctor;
mod exit_code;
mod export;
mod guide;
mod help;
mod history;
mod joined;
mod json;
mod lone_worker;
mod mcp;
mod new_file;
mod own_log;
mod plain_words;
mod setup;
mod tasks;
mod told;
mod unworked;
mod web_answers;
mod why;
mod why_service;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use crate::app::{
    self, Background, DashboardOptions, Frontend, GroupRunError, LogFormat, RunOptions, StreamForm, WebOptions,
};
use crate::config::{self, Diagnostics, Foreign, Found, Loaded, Owners, RenderStyle, SelectionError};
use crate::display::{DisplaySupport, OutputStyle, terminal_size};
use crate::domain::{Scale, ServiceName, is_plain_name, plain_error, visible_lines, visible_path};
use crate::guard::{self, Launch, Stand, Ward};
use arguments::{Arguments, RunArguments, Task};
use client::ClientTask;
use exit_code::Failure;

/// How long a terminal that does not read may delay a message.
const STDERR_PATIENCE: Duration = Duration::from_millis(200);

/// Columns of messages that go to no terminal.
const FILE_COLUMNS: usize = 100;

/// Runs the program with the arguments of the process. To be called first of all.
pub fn run() -> ExitCode {
    match setup::complete() {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => {
            let _ = error.print();
            return ExitCode::FAILURE;
        }
    }
    ExitCode::from(if arguments::is_up(std::env::args_os()) {
        run_apart(true, Arguments::read)
    } else if arguments::may_be_a_command(std::env::args_os()) {
        match Arguments::read() {
            Ok(arguments) if arguments.task.is_none() => run_apart(arguments.run.detach, || Ok(arguments)),
            // It has a terminal to give back.
            Ok(arguments) if matches!(arguments.task, Some(Task::Client(ClientTask::Attach))) => {
                run_guarded(|| Ok(arguments), None, app::leave_sequence())
            }
            // What they run is to leave nothing behind. What it has done to the terminal is its own.
            Ok(arguments) if matches!(arguments.task, Some(Task::Client(ClientTask::Run(_) | ClientTask::Exec(_)))) => {
                run_guarded(|| Ok(arguments), None, "")
            }
            // Only a group has processes to guard; a question to it is not to cost two.
            arguments => run_program(arguments, &Ward::default(), None),
        }
    } else {
        // The guard is to be small, so it must be there before the arguments are read.
        run_apart(arguments::detaches(std::env::args_os()), plain_words::read)
    })
}

/// Runs a group: here, or in the background.
fn run_apart(detach: bool, read: impl FnOnce() -> Result<Arguments, clap::Error>) -> u8 {
    if !detach {
        return run_guarded(read, None, app::leave_sequence());
    }
    // Of the terminal that is left: the messages of the start still appear on it.
    let (size, style) = (terminal_size(), style());
    match guard::launch() {
        Ok(Launch::Group(report)) => {
            run_guarded(read, Some((Background { size, report, for_run: false }, style)), app::leave_sequence())
        }
        Ok(Launch::Over(code)) => code,
        Err(error) => {
            print_message(&format!("error: cannot run in the background: {error}"));
            1
        }
    }
}

/// `leave`: what a terminal has to be sent to leave what is shown.
fn run_guarded(
    read: impl FnOnce() -> Result<Arguments, clap::Error>,
    background: Option<(Background, RenderStyle)>,
    leave: &'static str,
) -> u8 {
    match guard::stand(leave) {
        Stand::Over(code) => code,
        Stand::Program(ward) => {
            let code = run_program(read(), &ward, background);
            ward.done(code);
            code
        }
    }
}

fn run_program(
    arguments: Result<Arguments, clap::Error>,
    ward: &Ward,
    background: Option<(Background, RenderStyle)>,
) -> u8 {
    let as_json = told::asks_for_json(std::env::args_os());
    let result = match arguments {
        Ok(arguments) => carry_out(arguments, ward, background),
        Err(error) if as_json && error.use_stderr() => {
            print_message(&told::usage_as_json(&error, slip_of_a_command().as_deref()));
            return 2;
        }
        Err(error) => {
            // Nothing can be said if even this fails.
            let _ = error.print();
            if let Some(commands) = slip_of_a_command().filter(|_| error.use_stderr()) {
                print_message(&format!("  help: did you mean {commands}?"));
            }
            return if error.use_stderr() { 2 } else { 0 };
        }
    };
    result.unwrap_or_else(|failure| {
        print_message(&if as_json { told::as_json(&failure) } else { in_words(&failure) });
        failure.code()
    })
}

fn carry_out(
    mut arguments: Arguments,
    ward: &Ward,
    background: Option<(Background, RenderStyle)>,
) -> Result<u8, Failure> {
    if let Some(folder) = &arguments.place.directory {
        std::env::set_current_dir(folder)
            .map_err(|error| Failure::Usage(format!("-C {}: {}", visible_path(folder), plain_error(&error))))?;
    }
    // An agent's session looks for it at each call.
    let is_session = matches!(arguments.task, Some(Task::Mcp { .. }));
    if let Some(group) = arguments.place.group.as_ref().filter(|_| !is_session) {
        arguments.place.config = Some(client::groups::file_of(group, &arguments)?);
    }
    if arguments.task.is_some() && arguments.run != RunArguments::default() {
        let problem = "services and run options cannot be combined with a command\n  help: put a service that has the name \
                       of a command after `--`:  devgroup -- check";
        return Err(Failure::Usage(problem.into()));
    }
    match arguments.task {
        Some(Task::Client(task)) => client::run(task, &arguments.place, ward.guard_pipe()),
        Some(Task::History(history)) => history::run(&arguments.place, &history),
        Some(Task::Alerts(task)) => alerts::run(&task, &arguments.place),
        Some(Task::Doctor { json }) => doctor::run(json, &arguments.place),
        Some(Task::Setup(task)) => setup::run(task, &arguments.place),
        Some(Task::Tasks(tasks)) => tasks::run(tasks, &arguments.place),
        Some(Task::Help { topic }) => print(&help::page(&topic)?).map(|()| 0),
        Some(Task::Why(why)) => why::run(&arguments.place, &why),
        Some(Task::Mcp { read_only }) => mcp::run(arguments.place, read_only),
        Some(Task::Export(export)) => export::run(&export, &arguments.place),
        Some(Task::Check { json }) => check::run(&arguments.place, json),
        // What is read is a run in the background already.
        Some(Task::Up(_)) | None => {
            let names = arguments.run.names();
            let file = file(arguments.place.config.as_deref());
            let code = file.and_then(|file| run_group(file, arguments.run, ward, background));
            code.map_err(|failure| mistyped(failure, &names))
        }
    }
}

/// With the commands that may have been meant by the first of these words.
fn mistyped_command(failure: Failure, words: &[String]) -> Failure {
    match words.first().and_then(|word| near_commands(word)) {
        Some(commands) => Failure::Mistyped { failure: failure.into(), commands },
        None => failure,
    }
}

/// With the commands that may have been meant, if a name is none of a service: `devgroup stat`.
fn mistyped(failure: Failure, names: &[String]) -> Failure {
    let name = match &failure {
        Failure::NoFile { .. } => names.first(),
        Failure::GroupRun { error: GroupRunError::Selection(SelectionError::UnknownService(unknown)) } => {
            Some(&unknown.written)
        }
        _ => None,
    };
    match name.and_then(|name| near_commands(name)) {
        Some(commands) => Failure::Mistyped { failure: failure.into(), commands },
        None => failure,
    }
}

/// A failure for people. Each part has made visible what it quotes; nothing that one has forgotten reaches the terminal.
fn in_words(failure: &Failure) -> String {
    let text = failure.to_string();
    // A drawing has colours.
    if matches!(failure, Failure::Invalid(_) | Failure::InvalidAndUnknown { .. }) {
        text
    } else {
        visible_lines(&text).into_owned()
    }
    .trim_end()
    .to_owned()
}

/// The commands that may be meant by the first word of the arguments, which is none: `devgroup stat --json`.
fn slip_of_a_command() -> Option<String> {
    if arguments::may_be_a_command(std::env::args_os()) {
        return None;
    }
    near_commands(&arguments::first_word(std::env::args_os())?)
}

/// What other tools call what devgroup does (compose, overmind, pm2, process-compose, systemctl).
const WORDS_OF_OTHERS: &[(&str, &str)] = &[
    ("quit", "devgroup down"),
    ("shutdown", "devgroup down"),
    ("kill", "devgroup stop"),
    ("tail", "devgroup logs -f"),
    ("log", "devgroup logs"),
    ("list", "devgroup ls"),
    ("connect", "devgroup attach"),
    ("validate", "devgroup check"),
    ("config", "devgroup check"),
    ("unpause", "devgroup resume"),
    ("completion", "devgroup completions"),
];

/// The commands that may be meant by this word, as after "did you mean": what other tools call so, or those with a name
/// like it.
fn near_commands(name: &str) -> Option<String> {
    if let Some((_, command)) = WORDS_OF_OTHERS.iter().find(|(word, _)| *word == name) {
        return Some(format!("`{command}`"));
    }
    // Of two letters, any other two are near, and many a service has a short name.
    if name.chars().count() < 3 {
        return None;
    }
    let mut near = config::near(name, arguments::COMMANDS.iter().copied());
    // Of `stat`, `status` is the rest, and `start` a slip.
    if near.iter().any(|command| command.starts_with(name)) {
        near.retain(|command| command.starts_with(name));
    }
    (!near.is_empty()).then(|| format!("the command {}", config::any_of(&near)))
}

/// Writes a line to stderr, if it takes one in time.
fn print_message(text: &str) {
    app::write_stderr_line(text, STDERR_PATIENCE);
}

fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        // As after `| head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Failure::Unexpected(format!("cannot write: {error}"))),
    }
}

/// The file of a group, and whose it may be.
struct GroupFile {
    path: PathBuf,
    owners: Owners,
    /// Files further up that were not read because they are another user's.
    unread: Vec<Foreign>,
}

impl GroupFile {
    fn load(&self) -> Result<Loaded, Diagnostics> {
        app::load_of(&self.path, self.owners)
    }
}

/// The file: named, by the environment, or found by walking up.
fn file(named: Option<&Path>) -> Result<GroupFile, Failure> {
    if let Some(file) = named {
        let path = std::path::absolute(file)
            .map_err(|error| Failure::Usage(format!("-f {}: {}", visible_path(file), plain_error(&error))))?;
        return Ok(GroupFile { path, owners: Owners::Any, unread: Vec::new() });
    }
    let here = std::env::current_dir()
        .map_err(|error| Failure::Unexpected(format!("cannot read the current folder: {error}")))?;
    let Some(Found { file, unread }) = config::find(&here, consent) else { return Err(Failure::NoFile { here }) };
    match consent(&file) {
        Err(foreign) => Err(Failure::Foreign { foreign, file }),
        Ok(owners) => Ok(GroupFile { path: file, owners, unread }),
    }
}

/// Whose the file may be that was found there; or whose it is, if it is not to be run unasked.
fn consent(file: &Path) -> Result<Owners, Foreign> {
    config::consent(file, variable)
}

/// A variable of devgroup's own environment.
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

fn run_group(
    file: GroupFile,
    arguments: RunArguments,
    ward: &Ward,
    background: Option<(Background, RenderStyle)>,
) -> Result<u8, Failure> {
    if let Some(service) = app::inside_service_of(&file.path) {
        return Err(Failure::Inside { service });
    }
    if let Some(problem) = crate::clock::zone_problem() {
        return Err(Failure::Usage(problem));
    }
    let (options, problems) = app::apply_preferences();
    let (frontend, style) = match background {
        Some((background, style)) => {
            (Frontend::Background(Background { for_run: arguments.for_run, ..background }), style)
        }
        None => (frontend(&arguments, options)?, style()),
    };
    let has_stderr = !matches!(frontend, Frontend::Dashboard(_));
    let own_log = arguments.own_log();
    app::start_logger(has_stderr, own_log.options());
    if let Some(problems) = &problems {
        tell_warnings(problems, has_stderr, style);
    }
    let claim = match app::claim(&file.path, ward.pid()) {
        Ok(claim) => claim,
        Err(occupied) => {
            return Err(slip(&file, arguments, style).unwrap_or_else(|| client::occupied(occupied, &file.path)));
        }
    };
    let loaded = file.load().map_err(|found| {
        let drawn = found.render(style);
        match unknown_in_broken(&file, &arguments.names()) {
            Some((name, near)) => Failure::InvalidAndUnknown { name, near, drawn },
            None => Failure::Invalid(drawn),
        }
    })?;
    let own_log = own_log.or_variables(&loaded.spec, &arguments.names(), |name| std::env::var_os(name))?;
    let metrics = lone_worker::metrics(&loaded.spec, &arguments.names(), |name| std::env::var_os(name))?;
    app::set_own_log(own_log.options());
    if !loaded.warnings.is_empty() {
        tell_warnings(&loaded.warnings, has_stderr && own_log.options().format == LogFormat::Text, style);
    }
    let command_line = web_answers::of_group(&loaded.spec.file);
    let options = RunOptions {
        spec: loaded.spec,
        web: WebOptions { always: arguments.web, command_line },
        watch: !arguments.no_watch,
        reload: !arguments.no_reload,
        paused: arguments.paused,
        exit_with: arguments.exit_with.clone(),
        timeout: arguments.timeout,
        keep_leftovers: arguments.keep_leftovers,
        for_run: arguments.for_run,
        selection: arguments.selection(),
        warning: problems.filter(|_| !has_stderr).map(|problems| problems.summary()),
        metrics,
        frontend,
    };
    let ending = app::run(options, claim, ward.guard_pipe());
    if let Ok(ending) = &ending {
        app::tell_end(&ending.summary, STDERR_PATIENCE);
    }
    app::finish_own_log();
    Ok(ending?.code)
}

/// What is wrong with the names that were given: `devgroup stats` is a slip of the pen, and no second start.
fn slip(file: &GroupFile, arguments: RunArguments, style: RenderStyle) -> Option<Failure> {
    match file.load() {
        Ok(loaded) => {
            let expanded = loaded.spec.with_instances(&Scale::new());
            let selected = config::select(expanded, &arguments.selection());
            selected.err().map(|error| GroupRunError::from(error).into())
        }
        Err(found) => {
            let (name, near) = unknown_in_broken(file, &arguments.names())?;
            Some(Failure::InvalidAndUnknown { name, near, drawn: found.render(style) })
        }
    }
}

/// The first of these names that no service of a broken file has, as far as that can be read, and what may be meant by it.
fn unknown_in_broken(file: &GroupFile, names: &[String]) -> Option<(String, Option<String>)> {
    let services = config::service_names(&file.path, file.owners);
    let known: Vec<&str> = services.iter().map(|(name, _)| name.as_str()).collect();
    let of = |name: &str| ServiceName::new(name).split_instance().map(|(of, _)| of);
    let is_known = |name: &String| {
        known.contains(&name.as_str())
            || !is_plain_name(name)
            || of(name).is_some_and(|of| known.contains(&of.as_str()))
    };
    let name = names.iter().find(|name| !is_known(name))?;
    let near = config::near(name, known.iter().copied());
    let near = near_commands(name).or_else(|| (!near.is_empty()).then(|| config::any_of(&near)));
    Some((name.clone(), near))
}

/// On stderr, or in the log that the dashboard shows.
fn tell_warnings(warnings: &Diagnostics, has_stderr: bool, style: RenderStyle) {
    if has_stderr {
        print_message(warnings.render(style).trim_end());
    } else {
        log::warn!("{}", warnings.render(RenderStyle { color: false, unicode: true, width: FILE_COLUMNS }));
    }
}

fn invalid(diagnostics: Diagnostics) -> Failure {
    Failure::Invalid(diagnostics.render(style()))
}

/// How the group is shown. `options`: of the dashboard.
fn frontend(arguments: &RunArguments, options: DashboardOptions) -> Result<Frontend, Failure> {
    let terminal = io::stdout().is_terminal();
    let dumb = DisplaySupport::from_environment().dumb;
    let ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false" && ci != "0");
    if arguments.tui && !terminal {
        return Err(Failure::Usage("--tui needs a terminal, but stdout is not one".into()));
    }
    let dashboard =
        arguments.tui || (terminal && !dumb && !ci && !arguments.no_tui && !arguments.json && !arguments.timestamps);
    if dashboard {
        app::warm_up_dashboard();
        return Ok(Frontend::Dashboard(options));
    }
    let (times, json) = (arguments.timestamps, arguments.json);
    Ok(Frontend::Stream(StreamForm { style: OutputStyle::of(&io::stdout()), times, json }))
}

/// How messages on stderr look.
fn style() -> RenderStyle {
    let OutputStyle { color, unicode, columns, .. } = OutputStyle::of(&io::stderr());
    RenderStyle { color, unicode, width: columns.map_or(FILE_COLUMNS, usize::from) }
}
