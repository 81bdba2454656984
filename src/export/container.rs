//! What compose and Kubernetes have in common: where files are in an image, what a container runs, and how it is asked
//! whether it is well.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::remarks::Remarks;
use super::shell::{Exec, quoted, without_secrets_of};
use super::variables::{Part, Variables, fixed, parts};
use super::yaml::Table;
use super::{Export, ExportError, is_worker};
use crate::domain::{AliveProbe, Expandable, HttpCheck, Probe, ProbeText, RunCommand, ServiceSpec, without_secrets};

/// Where images have the folder of the group. Of services that run in it, the image says where that is.
pub(super) const ROOT: &str = "/app";

/// How a container is asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Check {
    /// A TCP port is open.
    Port(u16),
    /// A GET is answered.
    Http(HttpCheck),
    /// A command succeeds.
    Command(Exec),
    /// It cannot be asked so, for this reason.
    None(&'static str),
}

const AT_START: &str = "known only at start";
const ITS_OWN: &str = "the command starts containers itself";

impl Check {
    /// Whether a service is ready.
    pub(super) fn of_ready(export: &Export<'_>, service: &ServiceSpec, variables: &Variables) -> Option<Self> {
        let ready = service.ready.as_ref().filter(|_| !is_worker(service))?;
        Some(match &ready.probe {
            Probe::Port(port) => Self::Port(*port),
            Probe::Http(check) => Self::http(&check.url, check.status),
            Probe::Cmd(command) => Self::of_command(command, variables),
            Probe::File(path) => Self::file(export, service, path),
            Probe::Log(_) => Self::None("no check reads the output"),
            Probe::Delay(_) => Self::None("it counts as ready at once"),
            Probe::Notify => Self::None(NOTIFIES),
            Probe::Text(text) => Self::of_text(export, service, variables, text, None),
        })
    }

    /// Whether it is stuck.
    pub(super) fn of_alive(export: &Export<'_>, service: &ServiceSpec, variables: &Variables) -> Option<Self> {
        let alive = service.alive.as_ref().filter(|_| !is_worker(service))?;
        Some(match &alive.probe {
            AliveProbe::Port(port) => Self::Port(*port),
            AliveProbe::Http(check) => Self::http(&check.url, check.status),
            AliveProbe::Cmd(command) => Self::of_command(command, variables),
            AliveProbe::File { path, max_age, .. } => Self::beating(export, service, path, *max_age),
            AliveProbe::Notify => Self::None(NOTIFIES),
            AliveProbe::Text { probe, max_age } => Self::of_text(export, service, variables, probe, Some(*max_age)),
        })
    }

    fn http(url: &str, status: (u16, u16)) -> Self {
        Self::Http(HttpCheck { url: without_secrets(url).into_owned(), status })
    }

    fn of_command(command: &RunCommand, variables: &Variables) -> Self {
        if starts_containers(command) { Self::None(ITS_OWN) } else { Self::Command(Exec::of(command, variables)) }
    }

    /// `max_age`: of a file that is written again and again.
    fn of_text(
        export: &Export<'_>,
        service: &ServiceSpec,
        variables: &Variables,
        text: &ProbeText,
        max_age: Option<Duration>,
    ) -> Self {
        let known = |text: &str| fixed(&parts(text, &variables.known));
        let found = match text {
            ProbeText::Port(text) => known(text).and_then(|text| text.trim().parse().ok()).map(Self::Port),
            ProbeText::Http { url, status } => known(url).map(|url| Self::http(&url, *status)),
            ProbeText::File(text) => known(text).map(|text| {
                let path = service.root.join(text);
                match max_age {
                    Some(max_age) => Self::beating(export, service, &path, max_age),
                    None => Self::file(export, service, &path),
                }
            }),
            ProbeText::Log(_) => return Self::None("no check reads the output"),
        };
        found.unwrap_or(Self::None(AT_START))
    }

    fn file(export: &Export<'_>, service: &ServiceSpec, path: &Path) -> Self {
        match in_image(export, service, path) {
            Some(path) => Self::Command(Exec::Argv(vec!["test".into(), "-e".into(), path])),
            None => Self::None("its path is not UTF-8"),
        }
    }

    fn beating(export: &Export<'_>, service: &ServiceSpec, path: &Path, max_age: Duration) -> Self {
        let Some(path) = in_image(export, service, path) else { return Self::None("its path is not UTF-8") };
        let age = format!("$(($(date +%s) - $(stat -c %Y {})))", quoted(&path));
        Self::Command(Exec::Line(format!("test {age} -le {}", max_age.as_secs().max(1))))
    }

    /// As a command in the container, and what the image needs for it.
    pub(super) fn as_command(&self) -> Option<(Exec, Option<&'static str>)> {
        match self {
            Self::Port(port) => {
                let argv = ["nc", "-z", "127.0.0.1"].map(str::to_owned).into_iter().chain([port.to_string()]);
                Some((Exec::Argv(argv.collect()), Some("nc")))
            }
            Self::Http(check) if check.status == HttpCheck::STATUS => {
                let argv =
                    ["curl", "-fsS", "-o", "/dev/null"].map(str::to_owned).into_iter().chain([check.url.clone()]);
                Some((Exec::Argv(argv.collect()), Some("curl")))
            }
            Self::Http(HttpCheck { url, status: (first, last) }) => {
                let asks = format!("code=$(curl -s -o /dev/null -w '%{{http_code}}' {})", quoted(url));
                let line = format!("{asks}; test \"$code\" -ge {first} -a \"$code\" -le {last}");
                Some((Exec::Line(line), Some("curl")))
            }
            Self::Command(exec) => Some((exec.clone(), None)),
            Self::None(_) => None,
        }
    }
}

const NOTIFIES: &str = "there is no NOTIFY_SOCKET";

/// The keys of the checks in which there is a secret, which is masked.
pub(super) fn masked_checks(service: &ServiceSpec) -> impl Iterator<Item = &'static str> {
    let command = |command: &RunCommand| without_secrets_of(command) != *command;
    let text = |text: &str| *without_secrets(text) != *text;
    let ready = service.ready.as_ref().is_some_and(|ready| match &ready.probe {
        Probe::Cmd(asked) => command(asked),
        Probe::Http(check) => text(&check.url),
        Probe::Text(ProbeText::Http { url, .. }) => text(url),
        _ => false,
    });
    let alive = service.alive.as_ref().is_some_and(|alive| match &alive.probe {
        AliveProbe::Cmd(asked) => command(asked),
        AliveProbe::Http(check) => text(&check.url),
        AliveProbe::Text { probe: ProbeText::Http { url, .. }, .. } => text(url),
        _ => false,
    });
    [("ready", ready), ("alive", alive)].into_iter().filter(|(_, is_masked)| *is_masked).map(|(key, _)| key)
}

/// What a container runs; `None` if its image says that. What is to be known of it is a comment.
pub(super) fn argv(
    export: &Export<'_>,
    service: &ServiceSpec,
    variables: &Variables,
    (table, remarks): (&mut Table, &mut Remarks),
) -> Option<Vec<String>> {
    if is_worker(service) {
        table.comment("the image needs devgroup and procgroup.toml");
        return Some(export.worker_argv(service));
    }
    if starts_containers(&service.run) {
        let why = "it starts containers itself; the image runs its own command";
        table.comment(remarks.lost(&service.name, "run", why));
        return None;
    }
    Some(Exec::of(&service.run, variables).into_argv())
}

/// Whether a command is one that starts containers, or asks one: inside of a container it makes no sense.
fn starts_containers(command: &RunCommand) -> bool {
    const PROGRAMS: [&str; 5] = ["docker", "docker-compose", "podman", "podman-compose", "nerdctl"];
    let first = match command {
        RunCommand::Shell(text) => text.split_whitespace().find(|word| *word != "exec"),
        RunCommand::Argv(argv) => argv.first().map(String::as_str),
    };
    first.is_some_and(|first| PROGRAMS.contains(&first))
}

/// Where a file of this machine is in the image: from the folder of the service on, where it is below that.
fn in_image(export: &Export<'_>, service: &ServiceSpec, path: &Path) -> Option<String> {
    let dir = service.dir.known().unwrap_or(&service.root);
    let there = match (path.strip_prefix(dir), path.strip_prefix(&export.group.root)) {
        (Ok(below), _) => below.to_owned(),
        (_, Ok(below)) => Path::new(ROOT).join(below),
        _ => path.to_owned(),
    };
    there.to_str().map(str::to_owned)
}

/// The folder of a service in the image; `Ok(None)`: that of the image.
///
/// # Errors
/// A reason why it cannot be said.
pub(super) fn folder(
    export: &Export<'_>,
    service: &ServiceSpec,
    variables: &Variables,
) -> Result<Result<Option<String>, &'static str>, ExportError> {
    if is_worker(service) {
        return Ok(Ok(Some(ROOT.into())));
    }
    let Some(dir) = known_folder(service, variables) else { return Ok(Err(AT_START)) };
    let Ok(below) = dir.strip_prefix(&export.group.root) else {
        return Ok(Err("it is outside of the folder of the group"));
    };
    let below = export.text_of(service, below)?;
    Ok(Ok((!below.is_empty()).then(|| format!("{ROOT}/{below}"))))
}

/// The folder of a service on this machine, absolute, where the file alone says it.
pub(super) fn known_folder(service: &ServiceSpec, variables: &Variables) -> Option<PathBuf> {
    match &service.dir {
        Expandable::Known(path) => Some(path.clone()),
        Expandable::Text(text) => fixed(&parts(text, &variables.known)).map(|text| service.root.join(text)),
    }
}

/// What is said of a value that names other services by ports of this machine: the address that each has there.
pub(super) fn neighbours(export: &Export<'_>, service: &ServiceSpec, value: &[Part]) -> Vec<String> {
    let others = || export.services.iter().filter(|other| other.name != service.name);
    let texts = value.iter().filter_map(|part| if let Part::Text(text) = part { Some(text) } else { None });
    let mut found = Vec::new();
    for (text, host) in texts.flat_map(|text| ["localhost:", "127.0.0.1:"].map(|host| (text, host))) {
        for behind in text.match_indices(host).filter_map(|(at, _)| text.get(at + host.len()..)) {
            let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
            let has_port = |other: &&&ServiceSpec| other.ports.iter().any(|port| port.number.to_string() == digits);
            if let Some(other) = others().find(has_port) {
                found.push(format!("{host}{digits} is {}:{digits} there", export.name(other)));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_starts_containers_is_known() {
        let shell = |text: &str| starts_containers(&RunCommand::Shell(text.into()));
        assert!(shell("docker compose up db") && shell("exec podman run x") && !shell("dockerize x") && !shell("npm"));
        assert!(starts_containers(&RunCommand::Argv(vec!["docker-compose".into(), "up".into()])));
    }

    #[test]
    fn checks_are_commands_where_the_engine_has_no_other() {
        let line = |check: Check| check.as_command().unwrap().0.into_line();
        assert_eq!(line(Check::Port(4000)), "exec nc -z 127.0.0.1 4000");
        let http = HttpCheck::new("http://localhost:4000/a?b=c d");
        assert_eq!(line(Check::Http(http.clone())), "exec curl -fsS -o /dev/null 'http://localhost:4000/a?b=c d'");
        let exact = HttpCheck { status: (204, 204), ..http };
        let asked = line(Check::Http(exact));
        assert!(asked.ends_with("test \"$code\" -ge 204 -a \"$code\" -le 204"), "{asked}");
        assert_eq!(Check::None("x").as_command(), None);
    }
}
