//! Arguments in, exit code out: finds the file, runs what was asked for, and reports errors to stderr.

mod arguments;
mod check;
mod client;
mod exit_code;
mod help;
mod preferences;
mod why;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use crate::app::{self, Face, RunOptions, StreamOptions};
use crate::config::{self, Diagnostics, RenderStyle};
use crate::guard::{self, Stand, Ward};
use crate::tui::{self, DashboardOptions};
use arguments::{Arguments, RunArguments, Task};
use exit_code::Failure;

/// How long a terminal that does not read may delay a message.
const STDERR_PATIENCE: Duration = Duration::from_millis(200);

/// Columns of a stream that goes to no terminal: logs are wider than 80.
const FILE_COLUMNS: u16 = 160;

/// Runs the program with the arguments of the process. To be called first of all.
pub fn run() -> ExitCode {
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing can be said if even this fails.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    // Only a group has processes to guard; a question to it is not to cost two.
    if arguments.task.is_some() {
        return ExitCode::from(run_program(arguments, &Ward::default()));
    }
    match guard::stand(tui::LEAVE) {
        Stand::Over(code) => ExitCode::from(code),
        Stand::Program(ward) => {
            let code = run_program(arguments, &ward);
            ward.done(code);
            ExitCode::from(code)
        }
    }
}

fn run_program(arguments: Arguments, ward: &Ward) -> u8 {
    match carry_out(arguments, ward) {
        Ok(code) => code,
        Err(failure) => {
            app::say(failure.to_string().trim_end(), STDERR_PATIENCE);
            failure.code()
        }
    }
}

fn carry_out(arguments: Arguments, ward: &Ward) -> Result<u8, Failure> {
    if let Some(folder) = &arguments.place.directory {
        std::env::set_current_dir(folder)
            .map_err(|error| Failure::Usage(format!("-C {}: {error}", folder.display())))?;
    }
    if arguments.task.is_some() && arguments.run != RunArguments::default() {
        let problem = "services and options for running them do not go with a command\n  help: a service that is \
                       called like a command is named after `--`:  devgroup -- check";
        return Err(Failure::Usage(problem.into()));
    }
    match arguments.task {
        Some(Task::Client(task)) => client::run(task, &arguments.place),
        Some(Task::Help { topic }) => print(&help::page(topic.as_deref())?).map(|()| 0),
        Some(Task::Why(why)) => why::run(&arguments.place, &why),
        Some(Task::Check { json }) => check::run(&arguments.place, json),
        None => {
            let file = file(arguments.place.config.as_deref())?;
            run_group(&file, arguments.run, ward)
        }
    }
}

/// A message.
fn say(text: &str) {
    app::say(text, STDERR_PATIENCE);
}

fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        // As after `| head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Failure::Unexpected(format!("cannot write: {error}"))),
    }
}

/// The file: named, by the environment, or found by walking up.
fn file(named: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(file) = named {
        return std::path::absolute(file).map_err(|error| Failure::Usage(format!("-f {}: {error}", file.display())));
    }
    let here = std::env::current_dir()
        .map_err(|error| Failure::Unexpected(format!("the current folder cannot be read: {error}")))?;
    config::find(&here).ok_or(Failure::NoFile { here })
}

fn run_group(file: &Path, arguments: RunArguments, ward: &Ward) -> Result<u8, Failure> {
    if let Some(service) = app::inside_service_of(file) {
        return Err(Failure::Inside { service });
    }
    if let Some(problem) = crate::clock::zone_problem() {
        return Err(Failure::Usage(problem));
    }
    let (face, warning) = face(&arguments)?;
    let streaming = matches!(face, Face::Stream(_));
    app::keep_diary(streaming);
    let claim = app::claim(file, ward.pid()).map_err(Failure::Occupied)?;
    let loaded = config::load(file).map_err(invalid)?;
    if !loaded.warnings.is_empty() {
        if streaming {
            app::say(loaded.warnings.render(style()).trim_end(), STDERR_PATIENCE);
        } else {
            log::info!("{}", loaded.warnings.render(RenderStyle { color: false, unicode: true, width: 100 }));
        }
    }
    let options = RunOptions {
        spec: loaded.spec,
        watch: !arguments.no_watch,
        paused: arguments.paused,
        exit_with: arguments.exit_with.clone(),
        timeout: arguments.timeout,
        keep_leftovers: arguments.keep_leftovers,
        selection: arguments.selection(),
        face,
        warning,
    };
    let ending = app::run(options, claim, ward.tether())?;
    app::say(&ending.summary, STDERR_PATIENCE);
    Ok(ending.code)
}

fn invalid(diagnostics: Diagnostics) -> Failure {
    Failure::Invalid(diagnostics.render(style()))
}

/// How the group is shown, and what is wrong with the preferences for that.
fn face(arguments: &RunArguments) -> Result<(Face, Option<String>), Failure> {
    let terminal = io::stdout().is_terminal();
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false" && ci != "0");
    if arguments.tui && !terminal {
        return Err(Failure::Usage("--tui needs a terminal, but stdout is none".into()));
    }
    let dashboard = arguments.tui || (terminal && !dumb && !ci && !arguments.no_tui);
    if dashboard {
        let (options, problems) = preferences::apply();
        if let Some(problems) = &problems {
            log::warn!("{}", problems.render(RenderStyle { color: false, unicode: true, width: 100 }));
        }
        return Ok((Face::Dashboard(options), problems.map(|problems| problems.summary())));
    }
    let color = terminal && DashboardOptions::from_environment().color;
    let columns = if terminal { tui::terminal_size().0 } else { FILE_COLUMNS };
    Ok((Face::Stream(StreamOptions { color, unicode: shows_unicode(terminal), columns }), None))
}

/// Only a terminal can lack characters; what reads a pipe or a file is told nothing else by a locale.
fn shows_unicode(terminal: bool) -> bool {
    !terminal || tui::is_utf8_locale(|name| std::env::var(name).ok())
}

/// How messages on stderr look.
fn style() -> RenderStyle {
    let terminal = io::stderr().is_terminal();
    let width = if terminal { usize::from(tui::terminal_size().0) } else { 100 };
    let color = terminal && DashboardOptions::from_environment().color;
    RenderStyle { color, unicode: shows_unicode(terminal), width }
}
