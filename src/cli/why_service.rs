//! `devgroup why SERVICE`: what a service does and why, its ports, and whether the inputs of a job have changed.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::arguments::Place;
use super::client::{find, foreground, status};
use crate::app::{self, InputsNow};
use crate::clock::Clock;
use crate::control::{Ask, Client, Reply, Service, Status};
use crate::domain::{GroupSpec, MAIN_PORT, ServiceName, ServiceSpec, ports_by_name, visible};

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

/// Tells the names of services from paths. A file that is there is meant by its name, and `./api` is never a service.
pub(super) fn split(place: &Place, folder: &Path, words: &[PathBuf]) -> (Vec<ServiceWhy>, Vec<PathBuf>) {
    let is_missing = |word: &Path| {
        let found = folder.join(word).symlink_metadata();
        found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    };
    let could_be = |word: &PathBuf| !word.as_os_str().is_empty() && word.as_os_str() != "-" && is_missing(word);
    if !words.iter().any(could_be) {
        return (Vec::new(), words.to_vec());
    }
    let (here, mut services, mut paths) = (Here::look(place), Vec::new(), Vec::new());
    for word in words {
        let named = word.to_str().filter(|_| could_be(word)).and_then(|name| here.why(name));
        match named {
            // Once, whatever names it.
            Some(named) => {
                let new = named.into_iter().filter(|one: &ServiceWhy| !said(&services, one)).collect::<Vec<_>>();
                services.extend(new);
            }
            None => paths.push(word.clone()),
        }
    }
    (services, paths)
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
    fn why(&self, word: &str) -> Option<Vec<ServiceWhy>> {
        let names: Vec<ServiceName> = match (&self.spec, &self.status) {
            (Some(spec), _) => spec.roster().resolve([word]).ok()?,
            (None, Some(status)) => status.resolve(word).into_iter().map(ServiceName::new).collect(),
            (None, None) => return None,
        };
        if names.is_empty() {
            // All of its instances: there are none.
            let reason = format!("it has no instances now: devgroup scale {word}=1 starts one");
            let none = ServiceWhy {
                service: word.to_owned(),
                state: None,
                state_told: None,
                reason: Some(reason),
                ports: BTreeMap::new(),
                inputs: None,
            };
            return self.spec.is_some().then(|| vec![none]);
        }
        Some(names.iter().map(|name| self.why_of(name)).collect())
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
            inputs: inputs.map(|(group, job)| Inputs::from(app::inputs_now(group, job))),
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
            (None, None) => "the group does not run".to_owned(),
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
                    true => format!("has nothing to do; devgroup restart {} runs it all the same", self.service),
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
