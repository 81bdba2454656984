//! `devgroup why SERVICE`: what a service does and why, its ports, and whether the inputs of a job have changed.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::arguments::Place;
use super::client::{find, foreground, status};
use super::exit_code::Failure;
use crate::app::{self, InputsNow};
use crate::clock::Clock;
use crate::config::near;
use crate::control::{Ask, Client, Reply, Service, Status};
use crate::domain::{
    GroupSpec, MAIN_PORT, ServiceName, ServiceSpec, Unknown, WhyUnknown, no_instances, ports_by_name, visible,
};

/// Why a service is as it is.
#[derive(Serialize)]
pub(super) struct ServiceWhy {
    service: String,
    /// As in `status`; nothing if no group runs here.
    state: Option<String>,
    /// The same for people, with the next run of a schedule.
    #[serde(skip)]
    state_told: Option<String>,
    reason: Option<String>,
    /// Those that it has, or would have if the group was started now.
    ports: BTreeMap<String, u16>,
    /// Of a job with `inputs`.
    inputs: Option<Inputs>,
    /// Its group does.
    #[serde(skip)]
    runs: bool,
}

/// The inputs of a job, as they are now.
#[derive(Serialize)]
struct Inputs {
    patterns: Vec<String>,
    files: Option<usize>,
    last_success_at: Option<String>,
    /// A start has nothing to do.
    unchanged: bool,
    #[serde(skip)]
    told: String,
}

/// What is known of the services here.
struct Here {
    spec: Option<GroupSpec>,
    status: Option<Status>,
}

/// Tells the names of services from paths. Where a file of that name is there, both are meant; `./api` is never a service.
///
/// # Errors
/// A word is neither: no such file is there, and it is like the name of a service.
pub(super) fn split(
    place: &Place,
    folder: &Path,
    words: &[PathBuf],
) -> Result<(Vec<ServiceWhy>, Vec<PathBuf>), Failure> {
    let is_missing = |word: &Path| {
        let found = folder.join(word).symlink_metadata();
        found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    };
    let could_be = |word: &Path| !matches!(word.to_str(), Some("" | "-") | None);
    // A name beside a file of that name: nothing else that is there can be one.
    let is_plain = |word: &Path| word.to_str().is_some_and(|word| !word.contains('/'));
    if !words.iter().any(|word| could_be(word) && (is_plain(word) || is_missing(word))) {
        return Ok((Vec::new(), words.to_vec()));
    }
    let (here, mut services, mut paths) = (Here::look(place), Vec::new(), Vec::new());
    for word in words {
        let missing = is_missing(word);
        let named = match word.to_str().filter(|_| could_be(word)) {
            Some(name) if missing => here.why(name)?,
            Some(name) if is_plain(word) => here.exactly(name),
            _ => None,
        };
        if named.is_none() || !missing {
            paths.push(word.clone());
        }
        // Once, whatever names it.
        let named = named.unwrap_or_default();
        let new = named.into_iter().filter(|one: &ServiceWhy| !said(&services, one)).collect::<Vec<_>>();
        services.extend(new);
    }
    Ok((services, paths))
}

/// A name that means nobody, and no path either: of a group, of an instance, or like the name of a service. What looks like
/// the name of a file may be one that is still to be written.
fn is_slip(unknown: &Unknown) -> bool {
    let known = unknown.known.iter().map(String::as_str);
    match unknown.why {
        WhyUnknown::Group | WhyUnknown::Instance(..) => true,
        WhyUnknown::Service => !unknown.written.contains(['/', '.']) && !near(&unknown.written, known).is_empty(),
        WhyUnknown::Pattern | WhyUnknown::Malformed(_) => false,
    }
}

fn said(services: &[ServiceWhy], one: &ServiceWhy) -> bool {
    services.iter().any(|said| said.service == one.service)
}

impl Here {
    /// What cannot be read is told where paths are explained.
    fn look(place: &Place) -> Self {
        let mut group = find::group(place).ok();
        let ask = |group: &mut Client| group.ask(Ask::Status { follow: false, usage: false }).ok();
        let status = match group.as_mut().and_then(ask) {
            Some(Reply::Status(status)) => Some(*status),
            _ => None,
        };
        let file = super::file(place.config.as_deref()).ok();
        let spec = file.and_then(|file| file.load().ok()).map(|loaded| loaded.spec);
        Self { spec: spec.map(|spec| foreground::as_it_runs(spec, status.as_ref())), status }
    }

    /// The services that a word names, if it names any.
    fn why(&self, word: &str) -> Result<Option<Vec<ServiceWhy>>, Failure> {
        let roster = match (&self.spec, &self.status) {
            (Some(spec), _) => spec.roster(),
            (None, Some(status)) => status.roster(),
            (None, None) => return Ok(None),
        };
        match roster.resolve([word]) {
            // All of its instances: there are none.
            Ok(names) if names.is_empty() => {
                let none = roster.only_without_instances([word]);
                Ok(Some(none.iter().map(|name| self.without_instances(name)).collect()))
            }
            Ok(names) => Ok(Some(names.iter().map(|name| self.why_of(name)).collect())),
            Err(Unknown { why: WhyUnknown::Instance(of, 0), .. }) => Ok(Some(vec![self.without_instances(&of)])),
            Err(unknown) if is_slip(&unknown) => Err(Failure::NoServiceOrFile { unknown: unknown.into() }),
            Err(_) => Ok(None),
        }
    }

    /// The services whose name this is, where a file has it too: not those of a group or of a pattern.
    fn exactly(&self, word: &str) -> Option<Vec<ServiceWhy>> {
        let named = self.why(word).ok()??;
        let is_its = |one: &ServiceWhy| {
            one.service.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        named.iter().all(is_its).then_some(named)
    }

    fn without_instances(&self, name: &ServiceName) -> ServiceWhy {
        ServiceWhy {
            service: name.to_string(),
            state: None,
            state_told: None,
            reason: Some(no_instances(std::slice::from_ref(name), self.status.is_some())),
            ports: BTreeMap::new(),
            inputs: None,
            runs: self.status.is_some(),
        }
    }

    fn why_of(&self, name: &ServiceName) -> ServiceWhy {
        let live = self.status.iter().flat_map(|status| &status.services).find(|live| live.name == name.as_str());
        let spec = self.spec.as_ref().and_then(|group| Some((group, group.service(name)?)));
        let of_file = |(_, service): (_, &std::sync::Arc<ServiceSpec>)| -> BTreeMap<String, u16> {
            ports_by_name(&service.ports).into_iter().map(|(name, port)| (name.to_string(), port)).collect()
        };
        let ports = live.map(|live| live.ports.clone()).or_else(|| spec.map(of_file)).unwrap_or_default();
        let inputs = spec.filter(|(_, job)| !job.inputs.is_empty());
        ServiceWhy {
            service: name.to_string(),
            state: live.map(|live| live.state.clone()),
            state_told: live.map(status::state),
            reason: live.and_then(|live: &Service| live.reason.clone()),
            ports,
            inputs: inputs.map(|(group, job)| {
                let lives = live.is_some_and(|live| live.pid.is_some() || live.elsewhere.is_some());
                Inputs::from(app::inputs_now(group, job, lives || app::runs_in_terminal(group, name)))
            }),
            runs: self.status.is_some(),
        }
    }
}

impl From<InputsNow> for Inputs {
    fn from(now: InputsNow) -> Self {
        Self {
            patterns: now.patterns,
            files: now.files,
            last_success_at: now.last_success.map(Clock::rfc3339_of),
            unchanged: now.is_unchanged,
            told: now.told,
        }
    }
}

impl ServiceWhy {
    /// One block for people.
    pub(super) fn text(&self, color: bool) -> String {
        let name = visible(&self.service);
        let mut text = if color { format!("\x1b[1m{name}\x1b[0m\n") } else { format!("{name}\n") };
        // The inputs say it at more length.
        let reason = self.reason.as_ref().filter(|_| self.inputs.as_ref().is_none_or(|inputs| !inputs.unchanged));
        let state = match (&self.state_told, reason) {
            (Some(state), Some(reason)) => format!("{state} · {reason}"),
            (Some(state), None) => state.clone(),
            (None, Some(reason)) => reason.clone(),
            (None, None) => "the group is not running".to_owned(),
        };
        let mut line = |label: &str, said: &str| {
            let label = if label.is_empty() { String::new() } else { format!("{label:<7} ") };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {label}{}", visible(said));
        };
        line("", &state);
        if !self.ports.is_empty() {
            line("ports", &ports_text(&self.ports));
        }
        if let Some(inputs) = &self.inputs {
            line("inputs", &format!("{} · {}", inputs.patterns.join(", "), inputs.told));
            line(
                "start",
                &match inputs.unchanged {
                    true if self.runs => {
                        format!("has nothing to do; `devgroup restart {}` runs it anyway", self.service)
                    }
                    true => format!("has nothing to do; `devgroup run {} --force` runs it anyway", self.service),
                    false => "runs it".to_owned(),
                },
            );
        }
        text
    }
}

/// `24817`, or `24817, debug 9229`: the first is the one that the service knows as `PORT`.
pub(super) fn ports_text(ports: &BTreeMap<String, u16>) -> String {
    let main = ports.get(MAIN_PORT);
    let others = ports.iter().filter(|(name, number)| *name != MAIN_PORT && Some(*number) != main);
    let main = main.map(ToString::to_string);
    main.into_iter().chain(others.map(|(name, number)| format!("{name} {number}"))).collect::<Vec<_>>().join(", ")
}
