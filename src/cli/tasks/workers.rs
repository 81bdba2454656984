//! The workers of the file, by whose folders tasks are found.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::arguments::Place;
use super::super::exit_code::Failure;
use super::super::unworked::no_files;
use super::super::{file, invalid};
use crate::config;
use crate::control::{Client, SOCKET_VARIABLE};
use crate::domain::{GroupSpec, RunCommand, ServiceName, ServiceSpec, TaskHome, WorkerSpec, visible, visible_path};
use crate::task_folder::{self, Listed};

/// The workers of a group.
pub(super) struct Workers {
    /// The file that names them.
    file: PathBuf,
    all: Vec<Worker>,
    /// The services that are none.
    others: Vec<ServiceName>,
}

/// A worker, and how it works.
#[derive(Clone)]
pub(super) struct Worker {
    pub(super) service: Arc<ServiceSpec>,
    pub(super) spec: Arc<WorkerSpec>,
}

impl Worker {
    pub(super) fn name(&self) -> &ServiceName {
        &self.service.name
    }

    /// What decides whether it can take a task.
    pub(super) fn home(&self) -> TaskHome<'_> {
        TaskHome { worker: Some(self.name().as_str()), names_description: self.names_description() }
    }

    /// The same for who lists its tasks.
    pub(super) fn listed(&self) -> Listed {
        let (worker, names_description) = (self.name().clone(), self.names_description());
        Listed { worker, names_description, is_nobodys: false }
    }

    /// Whether a word of its list holds the description, which is to fit into an argument then.
    fn names_description(&self) -> bool {
        match &self.service.run {
            RunCommand::Argv(words) => words.iter().any(|word| word.contains("${TASK_DESCRIPTION")),
            RunCommand::Shell(_) => false,
        }
    }
}

impl Workers {
    /// Those of the file that is meant here. The group need not run.
    pub(super) fn of(place: &Place) -> Result<Self, Failure> {
        let named = place.config.clone().or_else(|| own_file(place));
        let spec = file(named.as_deref())?.load().map_err(invalid)?.spec;
        Self::of_group(&spec)
    }

    fn of_group(spec: &GroupSpec) -> Result<Self, Failure> {
        let worker =
            |service: &Arc<ServiceSpec>| Some(Worker { service: service.clone(), spec: service.worker.clone()? });
        let all: Vec<Worker> = spec.services.iter().filter_map(worker).collect();
        let others = spec.services.iter().filter(|service| service.worker.is_none());
        let others = others.map(|service| service.name.clone()).collect();
        if all.is_empty() {
            return Err(Failure::Unknown {
                what: "worker",
                message: format!("no service in {} is a worker", short(&spec.file)),
                help: "write `kind = \"worker\"` in the section of a service".into(),
            });
        }
        Ok(Self { file: spec.file.clone(), all, others })
    }

    /// All of them, in the order of the file.
    pub(super) fn all(&self) -> &[Worker] {
        &self.all
    }

    /// Whether somebody else works its tasks off.
    pub(super) fn is_remote(&self, name: &str) -> bool {
        self.all.iter().any(|worker| worker.name().as_str() == name && worker.spec.remote)
    }

    /// The worker of this name.
    pub(super) fn named(&self, name: &str) -> Result<&Worker, Failure> {
        if let Some(worker) = self.all.iter().find(|worker| worker.name().as_str() == name) {
            return Ok(worker);
        }
        let names = || self.all.iter().map(|worker| worker.name().as_str());
        let here = format!("workers here: {}", names().collect::<Vec<_>>().join(", "));
        if let Some(other) = self.others.iter().find(|other| other.as_str() == name) {
            return Err(Failure::Unknown { what: "worker", message: format!("{other} is not a worker"), help: here });
        }
        let near = config::near(name, names());
        Err(Failure::Unknown {
            what: "worker",
            message: format!("no worker `{}` in {}", visible(name), short(&self.file)),
            help: if near.is_empty() { here } else { format!("did you mean {}?", config::any_of(&near)) },
        })
    }

    /// What lies in the folders of these workers and is never taken, as sentences.
    pub(super) fn notes(chosen: &[Worker]) -> Vec<String> {
        chosen.iter().filter_map(|worker| no_files(&worker.spec.folders, worker.name())).collect()
    }

    /// The queues that nobody works off.
    pub(super) fn nobodys(&self) -> Vec<Listed> {
        let Some(first) = self.all.first() else { return Vec::new() };
        let nobodys = task_folder::queues_of_nobody(&first.spec.folders, self.all.iter().map(Worker::name));
        nobodys.into_iter().map(Listed::nobodys).collect()
    }

    /// The worker of this name, or all.
    pub(super) fn chosen(&self, name: Option<&str>) -> Result<&[Worker], Failure> {
        match name {
            Some(name) => self.named(name).map(std::slice::from_ref),
            None => Ok(&self.all),
        }
    }
}

/// The file of the group that this process is a service or a try of: what it says of tasks means them.
fn own_file(place: &Place) -> Option<PathBuf> {
    if place.directory.is_some() {
        return None;
    }
    let socket = std::env::var_os(SOCKET_VARIABLE).filter(|socket| !socket.is_empty())?;
    let client = Client::connect(Path::new(&socket)).ok()?;
    Some(PathBuf::from(&client.hello().file))
}

fn short(file: &Path) -> String {
    visible_path(&super::super::client::short(file)).into_owned()
}
