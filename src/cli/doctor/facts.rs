//! What is found out, without a judgement.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use rustix::fs::{Access, StatVfs, access, statvfs};
use rustix::process::geteuid;

use crate::app::{self, InotifyUse, LastStatus};
use crate::cli::arguments::Place;
use crate::cli::client::foreground::as_it_runs;
use crate::cli::consent;
use crate::cli::exit_code::{Failure, sandbox};
use crate::cli::unworked::unworked;
use crate::config::{self, Found, Owners};
use crate::control::{self, Ask, ClientError, Reply, Service, Status, UndeliveredAlert};
use crate::display::{DisplaySupport, GlyphSet, size_of};
use crate::domain::{AliveProbe, AskedPort, GroupSpec, Probe};

/// A group that lives answers at once.
const PATIENCE: Duration = Duration::from_secs(3);

/// All that is known.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) file: FileFact,
    /// Files further up that are another user's, as sentences.
    pub(super) unread: Vec<String>,
    pub(super) group: GroupFact,
    pub(super) last_status: Option<LastStatus>,
    pub(super) ports: Vec<PortFact>,
    /// Variables that say something of workers, as sentences.
    pub(super) task_variables: Vec<String>,
    /// Tasks that nobody works off, as sentences.
    pub(super) unworked: Vec<String>,
    /// The programs that are told of alerts, and why one cannot be started.
    pub(super) alerts: Vec<(String, Option<String>)>,
    /// Somebody would be told of alerts, but `on` names none.
    pub(super) alerts_off: bool,
    pub(super) inotify: Option<InotifyUse>,
    /// Why processes cannot be seen.
    pub(super) blindness: Option<&'static str>,
    pub(super) terminal: TerminalFact,
    pub(super) clipboard: ClipboardFact,
    pub(super) shell: Option<PathBuf>,
    /// The key of a group, and a process.
    pub(super) leftovers: Vec<(String, String)>,
    pub(super) sockets: Vec<FolderFact>,
    /// The folder, or why there is none; nothing without a good file.
    pub(super) state: Option<Result<FolderFact, String>>,
}

/// What became of reading `procgroup.toml`.
#[derive(Clone, Debug)]
pub(super) enum FileFact {
    None,
    /// Its path, and what is wrong in a line.
    Bad(PathBuf, String),
    /// Its path, and whose it is.
    Foreign(PathBuf, String),
    Good {
        path: PathBuf,
        /// What else was read: included and local files, from its folder.
        others: Vec<PathBuf>,
        services: usize,
        warnings: usize,
    },
}

/// The group of the file.
#[derive(Clone, Debug)]
pub(super) enum GroupFact {
    Down,
    Up {
        pid: u32,
        services: usize,
        /// Names of services that have failed.
        failed: Vec<String>,
        /// Workers that do not work as they should, as sentences with their names.
        unwell: Vec<(String, String)>,
        /// What does not work in watching, with the remedy.
        watcher: Option<String>,
        undelivered: Option<UndeliveredAlert>,
    },
    /// It may be there, but must not be asked from here: why, and the way out.
    NotAllowed(String, String),
    /// It is there, and does not answer.
    Silent,
    /// It is there, as its lock tells, but no socket of it can be found.
    NoSocket(String),
    /// It is there, and does not answer as it should.
    Odd(String),
}

/// A port that the file names.
#[derive(Clone, Debug)]
pub(super) struct PortFact {
    pub(super) port: u16,
    pub(super) service: String,
    /// It is `"auto"`: where somebody else has it, the next free one is taken.
    pub(super) is_auto: bool,
    /// Who listens on it.
    pub(super) holder: Option<String>,
    /// The service lives, or a process of the group has the port: then the holder is as it should be. (A port of a container
    /// is held by another process.)
    pub(super) is_in_use: bool,
}

/// How a copy gets to the clipboard.
#[derive(Clone, Debug)]
pub(super) struct ClipboardFact {
    /// The programs that take it.
    pub(super) programs: Vec<PathBuf>,
    pub(super) over_ssh: bool,
    pub(super) inside: Inside,
}

/// What stands between us and the terminal.
#[derive(Clone, Debug)]
pub(super) enum Inside {
    Nothing,
    /// GNU screen, of whatever version.
    Screen,
    /// tmux: its version and its option `set-clipboard`, as it says them.
    Tmux {
        version: Option<String>,
        set_clipboard: Option<String>,
    },
}

impl Inside {
    fn detect(set: impl Fn(&str) -> bool) -> Self {
        match (set("TMUX"), set("STY")) {
            (true, _) => Self::Tmux {
                version: answer("tmux", &["-V"]),
                set_clipboard: answer("tmux", &["show-options", "-sv", "set-clipboard"]),
            },
            (false, true) => Self::Screen,
            (false, false) => Self::Nothing,
        }
    }
}

/// What a program says, if it says it soon and ends well.
fn answer(program: &str, arguments: &'static [&'static str]) -> Option<String> {
    let mut command = std::process::Command::new(program);
    command.args(arguments).stdin(std::process::Stdio::null());
    let (told, hears) = mpsc::channel();
    // Who waits may have lost patience.
    std::thread::spawn(move || drop(told.send(command.output())));
    let output = hears.recv_timeout(PATIENCE).ok()?.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What the environment says of the terminal.
#[derive(Clone, Debug)]
pub(super) struct TerminalFact {
    pub(super) term: Option<String>,
    pub(super) is_terminal: bool,
    pub(super) utf8: bool,
    pub(super) unicode: bool,
    pub(super) color: bool,
    pub(super) size: (u16, u16),
}

/// A folder that is used, or would be made.
#[derive(Clone, Debug)]
pub(super) struct FolderFact {
    pub(super) path: PathBuf,
    /// Permission bits, if it is there.
    pub(super) mode: Option<u32>,
    /// It is there, and it is not ours, or no folder.
    pub(super) foreign: bool,
    /// Files can be made in it, or it can be made.
    pub(super) writable: bool,
    /// Its disk has no room.
    pub(super) full: bool,
}

impl FolderFact {
    fn inspect(path: PathBuf) -> Self {
        use std::os::unix::fs::MetadataExt;
        let found = path.symlink_metadata().ok();
        let foreign = found.as_ref().is_some_and(|data| !data.is_dir() || data.uid() != geteuid().as_raw());
        let nearest = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
        let writable = access(nearest, Access::WRITE_OK | Access::EXEC_OK).is_ok() && nearest.is_dir();
        // Some file systems do not count inodes, and say 0 of 0.
        let is_full = |disk: StatVfs| disk.f_bavail == 0 || (disk.f_favail == 0 && disk.f_files > 0);
        let full = statvfs(nearest).is_ok_and(is_full);
        Self { mode: found.map(|data| data.mode() & 0o7777), foreign, writable, full, path }
    }
}

/// Looks at everything. Nothing is made, and nobody is waited for longer than a few seconds.
pub(super) fn gather(place: &Place) -> Result<Facts, Failure> {
    let here = std::env::current_dir()
        .map_err(|error| Failure::Unexpected(format!("cannot read the current folder: {error}")))?;
    let found = match &place.config {
        Some(file) => Some(Found { file: here.join(file), unread: Vec::new() }),
        None => config::find(&here, consent),
    };
    let (path, unread) = found.map_or((None, Vec::new()), |found| (Some(found.file), found.unread));
    let consented = |file: &Path| if place.config.is_some() { Ok(Owners::Any) } else { consent(file) };
    let consented = path.as_deref().map(consented).transpose();
    let loaded = path.as_deref().zip(consented.as_ref().ok().copied().flatten());
    let loaded = loaded.map(|(file, owners)| app::load_of(file, owners));
    let file = match (path.clone(), &loaded) {
        (Some(path), None) => {
            FileFact::Foreign(path, consented.err().map(|foreign| foreign.to_string()).unwrap_or_default())
        }
        (Some(path), Some(Ok(loaded))) => {
            let spec = &loaded.spec;
            let others = spec.files.iter().skip(1).map(|file| file.strip_prefix(&spec.root).unwrap_or(file).to_owned());
            let (services, warnings) = (spec.services.len(), loaded.warnings.items.len());
            FileFact::Good { path, others: others.collect(), services, warnings }
        }
        (Some(path), Some(Err(diagnostics))) => FileFact::Bad(path, diagnostics.summary()),
        _ => FileFact::None,
    };
    let loaded = loaded.and_then(Result::ok);
    let task_variables = loaded.iter().flat_map(|loaded| &loaded.task_variables).map(ToString::to_string).collect();
    // Without a file there is still the folder for those that will come.
    let meeting = path.clone().unwrap_or_else(|| here.join(config::FILE_NAME));
    let (group, status) = if path.is_some() { group(meeting.clone()) } else { (GroupFact::Down, None) };
    let spec = loaded.map(|loaded| as_it_runs(loaded.spec, status.as_ref()));
    let named = named(spec.as_ref(), status.as_ref(), &meeting);
    let places = control::Place::candidates(&meeting);
    let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let user_alerts = app::alerts_of_user().0;
    let (stderr, shows) = (std::io::stderr(), DisplaySupport::from_environment());
    Ok(Facts {
        file,
        unread: unread.iter().map(ToString::to_string).collect(),
        group,
        last_status: named.and_then(app::last_status),
        ports: spec.as_ref().map(|spec| ports(spec, status.as_ref())).unwrap_or_default(),
        task_variables,
        unworked: spec.as_ref().map(unworked).unwrap_or_default(),
        alerts: spec.as_ref().map(|spec| app::alert_programs(spec, &user_alerts)).unwrap_or_default(),
        alerts_off: spec.as_ref().is_some_and(|spec| app::alerts_are_off(spec, &user_alerts)),
        inotify: app::inotify_use(),
        blindness: app::blindness(),
        terminal: TerminalFact {
            term: variable("TERM").filter(|term| !term.is_empty()),
            is_terminal: stderr.is_terminal(),
            utf8: shows.utf8,
            unicode: shows.glyphs == GlyphSet::Unicode,
            color: shows.color,
            size: size_of(&stderr),
        },
        clipboard: ClipboardFact {
            programs: app::clipboard_programs(variable),
            over_ssh: ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"].into_iter().any(set),
            inside: Inside::detect(set),
        },
        shell: program("sh"),
        leftovers: app::leftovers(),
        sockets: places.iter().map(|place| FolderFact::inspect(place.folder().to_owned())).collect(),
        state: named.map(|named| app::state_folder_of(named).map(FolderFact::inspect)),
    })
}

/// The name, the file and the root of the group. One that runs says its name, also where its file cannot be read now.
fn named<'g>(
    spec: Option<&'g GroupSpec>,
    status: Option<&'g Status>,
    file: &'g Path,
) -> Option<(&'g str, &'g Path, &'g Path)> {
    match (spec, status) {
        (Some(spec), _) => Some((&spec.name, &spec.file, &spec.root)),
        (None, Some(status)) => Some((&status.project, file, file.parent()?)),
        (None, None) => None,
    }
}

/// The local ports that services are known by, each once.
fn ports(spec: &GroupSpec, status: Option<&Status>) -> Vec<PortFact> {
    let mut ports: Vec<PortFact> = Vec::new();
    for service in &spec.services {
        let mut live = status.iter().flat_map(|status| &status.services);
        let lives = live.any(|live| live.name == service.name.as_str() && live.pid.is_some());
        let in_group = |port| status.is_some_and(|status| app::listens_below(port, status.pid));
        let checks = config::checks_now(service, &app::inherited_by(&spec.file, service)).unwrap_or_default();
        let autos = || service.ports.iter().filter(|port| port.asked == AskedPort::Auto).map(|port| port.number);
        let own = service.ports.iter().map(|port| port.number);
        let ready = checks.ready.as_ref().and_then(|ready| match &ready.probe {
            Probe::Port(port) => Some(*port),
            Probe::Http(http) => local_port(&http.url),
            Probe::Log(_) | Probe::Cmd(_) | Probe::File(_) | Probe::Delay(_) | Probe::Notify | Probe::Text(_) => None,
        });
        let alive = checks.alive.as_ref().and_then(|alive| match &alive.probe {
            AliveProbe::Port(port) => Some(*port),
            AliveProbe::Http(http) => local_port(&http.url),
            AliveProbe::Cmd(_) | AliveProbe::File { .. } | AliveProbe::Notify | AliveProbe::Text { .. } => None,
        });
        for port in own.chain(ready).chain(alive) {
            if !ports.iter().any(|known| known.port == port) {
                let (service, is_auto) = (service.name.to_string(), autos().any(|auto| auto == port));
                let holder = app::listener_on(port);
                let is_in_use = holder.is_some() && (lives || in_group(port));
                ports.push(PortFact { port, service, is_auto, holder, is_in_use });
            }
        }
    }
    ports
}

/// The port of `http://localhost:4000/health`; of another machine none.
fn local_port(url: &str) -> Option<u16> {
    let authority = url.strip_prefix("http://")?.split(['/', '?', '#']).next()?;
    let (host, port) = authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).unwrap_or((authority, "80"));
    let local = matches!(host, "localhost" | "[::1]" | "0.0.0.0") || host.starts_with("127.");
    port.parse().ok().filter(|_| local)
}

/// The group, and its state, if it says it.
fn group(file: PathBuf) -> (GroupFact, Option<Status>) {
    let (tell, told) = mpsc::channel();
    // A group that hangs may take a question and never answer.
    let asked = std::thread::Builder::new().name("doctor".into()).spawn(move || {
        // Nobody may listen any more.
        let _ = tell.send(ask_group(&file));
    });
    match asked {
        Ok(_) => told.recv_timeout(PATIENCE).unwrap_or((GroupFact::Silent, None)),
        Err(error) => (GroupFact::Odd(error.to_string()), None),
    }
}

fn ask_group(file: &Path) -> (GroupFact, Option<Status>) {
    let asked =
        control::meet(file, None).and_then(|mut client| client.ask(Ask::Status { follow: false, usage: false }));
    let fact = match asked {
        Ok(Reply::Status(status)) => return (up(&status), Some(*status)),
        Err(ClientError::NotRunning) => GroupFact::Down,
        Err(error @ ClientError::NotAllowed { .. }) => GroupFact::NotAllowed(error.to_string(), sandbox(&error)),
        Err(ClientError::Silent) => GroupFact::Silent,
        Err(error @ ClientError::NoSocket(_)) => GroupFact::NoSocket(error.to_string()),
        Err(error) => GroupFact::Odd(error.to_string()),
        Ok(_) => GroupFact::Odd("unexpected answer".into()),
    };
    (fact, None)
}

fn up(status: &Status) -> GroupFact {
    let has_failed = |service: &&Service| matches!(service.state.as_str(), "failed" | "crash-loop" | "retrying");
    let unwell = |service: &Service| {
        let is_unwell = matches!(service.state.as_str(), "unhealthy" | "lost");
        let why = service.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        is_unwell.then(|| (service.name.clone(), format!("{} is {}{why}", service.name, service.state)))
    };
    GroupFact::Up {
        pid: status.pid,
        services: status.services.len(),
        failed: status.services.iter().filter(has_failed).map(|service| service.name.clone()).collect(),
        unwell: status.services.iter().filter_map(unwell).collect(),
        watcher: status.watch.problem.clone(),
        undelivered: status.undelivered_alert.clone(),
    }
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let candidates = std::env::split_paths(&path).map(|folder| folder.join(name));
    candidates.into_iter().find(|path| path.is_file() && access(path, Access::EXEC_OK).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_have_a_port_here() {
        assert_eq!(local_port("http://localhost:4000/health"), Some(4000));
        assert_eq!(local_port("http://127.0.0.1"), Some(80));
        assert_eq!(local_port("http://[::1]:5/x"), Some(5));
        assert_eq!(local_port("http://example.com:4000"), None);
    }

    #[test]
    fn a_folder_is_told_by_its_nearest_ancestor_before_it_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let fact = FolderFact::inspect(folder.path().join("a/b"));
        assert!(fact.writable && fact.mode.is_none() && !fact.foreign);
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(FolderFact::inspect(file.clone()).foreign);
        assert!(!FolderFact::inspect(file.join("below")).writable);
    }
}
