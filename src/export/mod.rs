//! A group → the files of another engine: compose, Kubernetes, systemd, a Procfile.
//!
//! The way: `variables` sorts what a service gets into what is known, what only a shell can put in, and what is secret;
//! `shell` makes the lines of commands; `container` says how a check is asked inside of a container. Each engine has a module
//! of its own, which writes by `yaml`, or as its format is. What an engine has no counterpart for is said by `remarks`, twice: as a
//! comment at its place, and as a warning.
//!
//! Architecture invariants: nothing here looks at the disk or at the environment, so that the same group gives the same bytes.
//! No value of an environment file comes here at all; what looks like a secret is masked or named, never written.

mod compose;
mod container;
mod kubernetes;
mod names;
mod procfile;
mod remarks;
mod shell;
mod systemd;
#[cfg(test)]
mod tests;
mod variables;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::domain::{Condition, GroupSpec, Kind, ServiceName, ServiceSpec};
use names::Names;
use remarks::Remarks;

/// An engine that a group is handed over to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Docker Compose.
    Compose,
    /// Kubernetes.
    Kubernetes,
    /// The user's systemd.
    Systemd,
    /// foreman, overmind, honcho and their like.
    Procfile,
}

impl Target {
    /// For sentences: "no counterpart in …".
    pub fn name(self) -> &'static str {
        match self {
            Self::Compose => "Compose",
            Self::Kubernetes => "Kubernetes",
            Self::Systemd => "systemd",
            Self::Procfile => "a Procfile",
        }
    }

    /// Whether it runs services in containers, which need images.
    fn has_containers(self) -> bool {
        matches!(self, Self::Compose | Self::Kubernetes)
    }
}

/// What is known of a group besides its file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The image of services that have none of their own, in place of that of the file (`--image`).
    pub image: Option<String>,
    /// The services to export; all if it is empty.
    pub services: Vec<ServiceName>,
    /// The folder that the files are for, absolute: their relative paths begin there.
    pub folder: PathBuf,
    /// The names that environment files give, by the paths of the files. Of a pipe nothing is known.
    pub names: BTreeMap<PathBuf, BTreeSet<String>>,
    /// The names of devgroup's own commands: a worker that is called so is named behind `--`.
    pub commands: &'static [&'static str],
}

/// A file of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedFile {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub text: String,
    /// It is to be filled in before it is of use: on a stream it is a comment.
    pub is_template: bool,
}

/// What a group becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// The files, in the order in which they are read best; at least one.
    pub files: Vec<ExportedFile>,
    /// What the engine does not do, each as a sentence.
    pub warnings: Vec<String>,
}

/// Why a group cannot be exported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// No image is known for these services; at least one.
    #[error("no image for {}", some(.0))]
    NoImage(Vec<ServiceName>),
    /// Two names become one in the alphabet of the engine.
    #[error("`{one}` and `{other}` are both called `{name}` in {target}")]
    SameName {
        /// The first one: of a service, or of a file.
        one: String,
        /// The other one.
        other: String,
        /// What both become.
        name: String,
        /// The engine.
        target: &'static str,
    },
    /// A path that is no text cannot stand in a text file.
    #[error("a path of {service} is not UTF-8, which the files of {target} must be")]
    NotText {
        /// The service.
        service: ServiceName,
        /// The engine.
        target: &'static str,
    },
    /// There is no service that could be exported.
    #[error("no service to export")]
    Nothing,
}

fn some(names: &[ServiceName]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What all engines work with.
struct Export<'e> {
    target: Target,
    group: &'e GroupSpec,
    /// In the order of the file.
    services: Vec<&'e ServiceSpec>,
    /// How each is called there.
    names: Names,
    /// Those that start with the group, with what they need.
    started: BTreeSet<&'e ServiceName>,
    options: &'e Options,
}

/// Writes a group as the files of an engine. Values of the group itself (`${services.api.port}`) are to be put in before.
///
/// # Errors
/// See [`ExportError`].
pub fn export(group: &GroupSpec, target: Target, options: &Options) -> Result<Exported, ExportError> {
    let mut remarks = Remarks::new(target);
    let is_wanted = |service: &&ServiceSpec| options.services.is_empty() || options.services.contains(&service.name);
    let (services, elsewhere): (Vec<&ServiceSpec>, Vec<_>) = group
        .services
        .iter()
        .map(|service| &**service)
        .filter(is_wanted)
        .partition(|service| !service.worker.as_ref().is_some_and(|worker| worker.remote));
    let mut head = vec![format!("The group {}, written by `devgroup export`.", group.name)];
    head.extend(
        elsewhere.iter().map(|service| remarks.lost(&service.name, "remote", "another program does its tasks")),
    );
    head.extend(remarks.of_group(group));
    if services.is_empty() {
        return Err(ExportError::Nothing);
    }
    let names = Names::of(&services, target, &group.name)?;
    let started = started(&services);
    let export = Export { target, group, services, names, started, options };
    let files = match target {
        Target::Compose => compose::files(&export, &head, &mut remarks),
        Target::Kubernetes => kubernetes::files(&export, &head, &mut remarks),
        Target::Systemd => systemd::files(&export, &head, &mut remarks),
        Target::Procfile => procfile::files(&export, &head, &mut remarks),
    }?;
    Ok(Exported { files, warnings: remarks.into_warnings() })
}

/// The services that start with the group, and what these need.
fn started<'e>(services: &[&'e ServiceSpec]) -> BTreeSet<&'e ServiceName> {
    let by_itself = |service: &&&ServiceSpec| {
        let waits = service.schedule.as_ref().is_some_and(|schedule| !schedule.run_on_start);
        service.autostart && service.profiles.is_empty() && !waits
    };
    let mut open: Vec<&ServiceSpec> = services.iter().filter(by_itself).copied().collect();
    let mut found = BTreeSet::new();
    while let Some(service) = open.pop() {
        if found.insert(&service.name) {
            open.extend(dependencies(service, services).into_iter().map(|(on, _)| on));
        }
    }
    found
}

/// What a service waits for among these, each once: instances of a service are that service.
fn dependencies<'e>(service: &ServiceSpec, services: &[&'e ServiceSpec]) -> Vec<(&'e ServiceSpec, Condition)> {
    let mut found: Vec<(&'e ServiceSpec, _)> = Vec::new();
    for dependency in &service.depends_on {
        let is_meant = |other: &&&ServiceSpec| is_or_has(&other.name, &dependency.on);
        let Some(on) = services.iter().find(is_meant) else { continue };
        if !found.iter().any(|(known, _)| known.name == on.name) {
            found.push((*on, dependency.until));
        }
    }
    found
}

/// Whether a name is that of the service, or of an instance of it.
fn is_or_has(service: &ServiceName, name: &ServiceName) -> bool {
    name == service || name.split_instance().is_some_and(|(of, _)| of == *service)
}

impl<'e> Export<'e> {
    /// The name of a service there.
    fn name(&self, service: &ServiceSpec) -> &str {
        self.names.get(&service.name)
    }

    /// What a service waits for.
    fn dependencies(&self, service: &ServiceSpec) -> Vec<(&'e ServiceSpec, Condition)> {
        dependencies(service, &self.services)
    }

    /// Whether a service starts with the group, by itself or because another one needs it.
    fn starts(&self, service: &ServiceSpec) -> bool {
        self.started.contains(&service.name)
    }

    /// What a service waits for that is not exported.
    fn missing<'s>(&self, service: &'s ServiceSpec) -> Vec<&'s ServiceName> {
        let is_there = |name: &ServiceName| self.services.iter().any(|other| is_or_has(&other.name, name));
        service.depends_on.iter().map(|dependency| &dependency.on).filter(|name| !is_there(name)).collect()
    }

    /// The images of services.
    ///
    /// # Errors
    /// One of the services has none: all that have none are named.
    fn images(&self) -> Result<BTreeMap<&'e ServiceName, &'e str>, ExportError> {
        let spec = &self.group.export;
        let for_all = self.options.image.as_deref().or(spec.image.as_deref());
        let image = |service: &&'e ServiceSpec| (&service.name, spec.own_image(&service.name).or(for_all));
        let all: Vec<_> = self.services.iter().map(image).collect();
        let without: Vec<ServiceName> =
            all.iter().filter(|(_, image)| image.is_none()).map(|(name, _)| (*name).clone()).collect();
        if !without.is_empty() && self.target.has_containers() {
            return Err(ExportError::NoImage(without));
        }
        Ok(all.into_iter().filter_map(|(name, image)| Some((name, image?))).collect())
    }

    /// A path as the text of a file.
    fn text_of<'p>(&self, service: &ServiceSpec, path: &'p Path) -> Result<&'p str, ExportError> {
        let not_text = || ExportError::NotText { service: service.name.clone(), target: self.target.name() };
        path.to_str().ok_or_else(not_text)
    }

    /// A path from the folder of the files: `./.env`, `../.env`. Outside of the group's folder it stays absolute.
    fn relative(&self, path: &Path) -> PathBuf {
        let (root, folder) = (&self.group.root, &self.options.folder);
        if let Ok(below) = path.strip_prefix(folder) {
            return Path::new(".").join(below);
        }
        match (path.strip_prefix(root), folder.strip_prefix(root)) {
            (Ok(path), Ok(folder)) => folder.components().map(|_| Path::new("..")).collect::<PathBuf>().join(path),
            _ => path.to_owned(),
        }
    }

    /// How a worker is run: by devgroup itself, which does not start what it waits for a second time.
    fn worker_argv(&self, service: &ServiceSpec) -> Vec<String> {
        let mut argv = vec!["devgroup".to_owned(), "--no-tui".into()];
        if let Some(file) =
            self.group.file.strip_prefix(&self.group.root).ok().filter(|file| *file != Path::new("procgroup.toml"))
        {
            argv.extend(["-f".to_owned(), file.to_string_lossy().into_owned()]);
        }
        if !service.depends_on.is_empty() {
            argv.push("--no-deps".into());
        }
        if self.options.commands.contains(&service.name.as_str()) {
            argv.push("--".into());
        }
        argv.push(service.name.as_str().to_owned());
        argv
    }
}

/// A worker is run by devgroup.
fn is_worker(service: &ServiceSpec) -> bool {
    service.kind == Kind::Worker
}
