//! Why the program fails, in words and as an exit code: the one table.

use std::path::PathBuf;

use crate::app::{GroupRunError, Occupied};
use crate::config::{self, Foreign, SelectionError};
use crate::control::{ClientError, Problem, ProblemCode};
use crate::domain::{ServiceName, Unknown, no_instances, other_services, visible, visible_path};

/// Why the program fails before or instead of running a group.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The arguments make no sense.
    #[error("error: {0}")]
    Usage(String),
    /// No file was found.
    #[error(
        "error: no procgroup.toml in {}{}\n  help: `devgroup init` writes one from the files here; or write `[services]` and one line per service, such as\n        web = \"npm run dev\"  (see `devgroup help config`); or name a file with -f FILE",
        visible_path(here),
        if here.parent().is_some() { " or any folder above" } else { "" }
    )]
    NoFile {
        /// Where the search began.
        here: PathBuf,
    },
    /// The file that was found is somebody else's.
    #[error(
        "error: {foreign}: files of other users do not run unless you name them\n  help: read it, then name it with -f {0} (or DEVGROUP_CONFIG); or always trust its folder:\n        trusted = [\"{1}\"]  in {2}",
        file.display(),
        file.parent().unwrap_or(file).display(),
        own_file().display()
    )]
    Foreign {
        /// The tool that the file belongs to.
        foreign: Foreign,
        /// The file as it was found.
        file: PathBuf,
    },
    /// The file has errors; rendered.
    #[error("{0}")]
    Invalid(String),
    /// The file has errors, and no service in it has this name, as far as it can be read.
    #[error("error: unknown service `{}` (the file has errors and was only partly read){}\n\n{drawn}", visible(name), match near {
        Some(near) => format!("\n  help: did you mean {near}?"),
        None => String::new(),
    })]
    InvalidAndUnknown {
        /// The name, as the command line gives it.
        name: String,
        /// What may be meant, for people: `api`, or a command.
        near: Option<String>,
        /// The errors of the file.
        drawn: String,
    },
    /// devgroup was started in one of its own services.
    #[error(
        "error: started from inside {service}, a service of this group: it would start itself forever\n  help: remove devgroup from the command of {service}"
    )]
    Inside {
        /// Name of the service.
        service: String,
    },
    /// Another devgroup runs this group.
    #[error("error: {} is already running here{}\n  help: `devgroup attach` opens it, `devgroup down` stops it", .0.name, of_pid(.0))]
    Occupied(Occupied),
    /// It does, and is being stopped.
    #[error("error: {} is still stopping{}\n  help: start it again when it has stopped; `devgroup status` shows what it waits for", .0.name, of_pid(.0))]
    Stopping(Occupied),
    /// The group could not be run.
    #[error("error: {error}{}", help_of_start(error))]
    GroupRun {
        /// Why.
        #[from]
        error: GroupRunError,
    },
    /// No group runs here.
    #[error("error: no group is running here{}", match file {
        Some(file) => match foreign {
            Some(foreign) => format!(": {foreign}, and does not run unless you name it\n  help: `devgroup check` shows how"),
            None => format!("\n  help: `devgroup` starts the group of {}", visible_path(&super::client::short(file))),
        },
        None => ": no procgroup.toml in this folder or any folder above\n  help: run it in the group's folder, or name a group: -g NAME (`devgroup ls` lists them)".into(),
    })]
    NotRunning {
        /// The file whose group was meant.
        file: Option<PathBuf>,
        /// Whose it is, if it would not be run.
        foreign: Option<Foreign>,
    },
    /// No running group has the name that `-g` gives, or is in that folder.
    #[error("error: {message}\n  help: {help}")]
    NoGroup {
        /// What is not there.
        message: String,
        /// What may be meant.
        help: String,
    },
    /// The file has no worker of this name, or no worker has such a task.
    #[error("error: {message}\n  help: {help}")]
    Unknown {
        /// `worker`, `task` or `batch`.
        what: &'static str,
        /// What is not there.
        message: String,
        /// What may be meant.
        help: String,
    },
    /// A running group refuses, or is gone.
    #[error("error: {error}{}", help(error))]
    Client {
        /// What the connection said.
        error: ClientError,
    },
    /// `devgroup hold` cannot hold.
    #[error("{0}")]
    Hold(Box<Failure>),
    /// The command of `devgroup hold` was not run.
    #[error("error: {message}")]
    NotRun {
        /// The exit code.
        code: u8,
        /// The reason, for people.
        message: String,
    },
    /// A command was meant where the name of a service stands.
    #[error("{failure}\n  help: did you mean {commands}?")]
    Mistyped {
        /// What came of it.
        failure: Box<Failure>,
        /// The commands that would do it, each in backticks.
        commands: String,
    },
    /// `devgroup why` was asked about what is neither.
    #[error(
        "error: no service and no file `{}`\n  help: {}; for a path write ./{}",
        visible(&unknown.written),
        other_services(&unknown.written, &unknown.known),
        visible(&unknown.written)
    )]
    NoServiceOrFile {
        /// The name, and what there is.
        unknown: Box<Unknown>,
    },
    /// What else there is to know.
    #[error("{failure}\n  note: {note}")]
    Noted {
        /// Why the program fails.
        failure: Box<Failure>,
        /// A sentence.
        note: String,
    },
    /// An error with a text of its own and exit code 1.
    #[error("error: {0}")]
    Unexpected(String),
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Client { error }
    }
}

/// A name that means nobody, wherever it is looked up.
impl From<Unknown> for Failure {
    fn from(unknown: Unknown) -> Self {
        GroupRunError::Selection(SelectionError::UnknownService(unknown.into())).into()
    }
}

impl Failure {
    /// The services that are named have no instances. `runs`: their group does.
    pub(super) fn no_instances(names: &[ServiceName], runs: bool) -> Self {
        ClientError::Refused(Problem::new(ProblemCode::Refused, no_instances(names, runs))).into()
    }

    /// The exit code, as `devgroup help exit-codes` lists them.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Usage(_)
            | Self::Inside { .. }
            | Self::GroupRun { error: GroupRunError::Selection(SelectionError::Nothing) } => 2,
            Self::NoFile { .. } | Self::Foreign { .. } | Self::Invalid(_) | Self::InvalidAndUnknown { .. } => 3,
            Self::NotRunning { .. }
            | Self::NoGroup { .. }
            | Self::Client { error: ClientError::NotRunning | ClientError::Ended { .. } | ClientError::Lost } => 4,
            Self::Client { error: ClientError::NotAllowed { .. } } => 8,
            Self::Unknown { .. }
            | Self::NoServiceOrFile { .. }
            | Self::Client { error: ClientError::Refused(Problem { code: ProblemCode::UnknownService, .. }) } => 6,
            Self::Client { error: ClientError::Refused(Problem { code: ProblemCode::Invalid, .. }) } => 2,
            Self::Client { .. } => 1,
            Self::Hold(_) => 125,
            Self::Mistyped { failure, .. } | Self::Noted { failure, .. } => failure.code(),
            Self::NotRun { code, .. } => *code,
            Self::GroupRun { error: GroupRunError::ExitWithSeveral(..) } => 2,
            Self::GroupRun { error: GroupRunError::Selection(_) | GroupRunError::ExitWith(_) } => 6,
            Self::Occupied(_)
            | Self::Stopping(_)
            | Self::GroupRun {
                error:
                    GroupRunError::System { .. }
                    | GroupRunError::NoSocket(_)
                    | GroupRunError::Panicked
                    | GroupRunError::DashboardPanicked,
            }
            | Self::Unexpected(_) => 1,
        }
    }
}

/// `, pid 812`, where it is known.
fn of_pid(occupied: &Occupied) -> String {
    if occupied.pid == 0 { String::new() } else { format!(", pid {}", occupied.pid) }
}

/// The user's own file, for people: it need not exist.
fn own_file() -> PathBuf {
    let file = config::preferences_file(|name| std::env::var_os(name).map(PathBuf::from));
    file.unwrap_or_else(|| "~/.config/devgroup/config.toml".into())
}

/// What to do, on lines of their own.
fn help(error: &ClientError) -> String {
    match error {
        ClientError::NotAllowed { .. } => format!("\n  help: {}", sandbox(error)),
        ClientError::Ended { .. } | ClientError::Lost => "\n  help: `devgroup` starts it again".into(),
        ClientError::Silent | ClientError::NoSocket(_) => "\n  help: `devgroup doctor` shows more".into(),
        error => near(error),
    }
}

/// Variables by which sandboxes tell that one is in them.
/// (Claude Code's runtime, Codex, Gemini CLI, podman and systemd, Flatpak, Snap.)
const SANDBOXES: [&str; 8] = [
    "SANDBOX_RUNTIME",
    "CODEX_SANDBOX",
    "CODEX_SANDBOX_NETWORK_DISABLED",
    "SANDBOX",
    "SEATBELT_PROFILE",
    "container",
    "FLATPAK_ID",
    "SNAP_NAME",
];

/// The way out for who may not connect to a group.
pub(super) fn sandbox(error: &ClientError) -> String {
    let ClientError::NotAllowed { address, .. } = error else { return String::new() };
    let set = SANDBOXES.iter().filter_map(|name| Some(format!("{name}={}", std::env::var(name).ok()?)));
    let set = set.map(|text| visible(&text).into_owned()).collect::<Vec<_>>().join(" ");
    let here = if set.is_empty() { String::new() } else { format!(" ({set} is set here)") };
    let folder = address.parent().filter(|folder| folder.is_absolute());
    let sockets =
        folder.map_or("unix sockets".into(), |folder| format!("the unix sockets in {}", visible_path(folder)));
    format!(
        "a sandbox blocks it{here}: run the command outside the sandbox, or let it use {sockets}; `devgroup mcp`, started by \
         the program of an agent, serves the agent inside"
    )
}

/// "Did you mean …?", where a service was not found.
fn near(error: &ClientError) -> String {
    let ClientError::Refused(Problem { code: ProblemCode::UnknownService, message, services }) = error else {
        return String::new();
    };
    format!("\n  help: {}", other_services(message.split('`').nth(1).unwrap_or_default(), services))
}

/// The same where the file of a group does not have what is named.
fn help_of_start(error: &GroupRunError) -> String {
    let help = match error {
        GroupRunError::Selection(error) => error.help(),
        GroupRunError::ExitWith(unknown) => Some(other_services(&unknown.written, &unknown.known)),
        _ => None,
    };
    help.map_or_else(String::new, |help| format!("\n  help: {help}"))
}
