//! What the values of a start make of `dir`, `url`, `ready` and `alive`, and all that would stand in the way of a start.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use super::environment::{EnvironmentError, values};
use super::expand::{Dollars, ExpandError, expand_by};
use super::place::clean;
use super::probe::wrong_address;
use super::service::opens_in_browser;
use super::values::{between_slashes, text_pattern};
use crate::domain::{
    AliveCheck, AliveProbe, Checks, Expandable, HttpCheck, Probe, ProbeText, ReadyCheck, RunCommand, ServiceSpec,
    TextPattern, plain_error,
};

/// The value of a variable.
pub(super) type Lookup<'a> = dyn Fn(&str) -> Option<OsString> + 'a;

/// Why a value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The key: `ready.http`, `env.PORT`.
    pub(super) place: String,
    /// What is wrong, for people: with what is written, and never with a value, which may be a secret.
    pub(super) reason: String,
    /// The name of a variable that is not set, if it is that.
    pub(super) unset: Option<String>,
}

impl Fault {
    pub(super) fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { place: place.into(), reason: reason.into(), unset: None }
    }

    pub(super) fn of(place: impl Into<String>, error: &ExpandError) -> Self {
        let unset = if let ExpandError::Unset(name) = error { Some(name.clone()) } else { None };
        Self { unset, ..Self::new(place, error.to_string()) }
    }

    pub(super) fn of_service(self, spec: &ServiceSpec) -> EnvironmentError {
        let of_group = self.unset.as_deref().and_then(|name| spec.values.why_missing(name));
        EnvironmentError::Value {
            service: spec.name.clone(),
            place: self.place,
            reason: of_group.unwrap_or(self.reason),
            unset: self.unset,
        }
    }
}

/// The folder of a run with this environment, and what is asked of it.
///
/// # Errors
/// A variable is missing, or a value makes no sense.
pub fn expanded(spec: &ServiceSpec, variables: &[(OsString, OsString)]) -> Result<(PathBuf, Checks), EnvironmentError> {
    let known: HashMap<&OsStr, &OsString> = variables.iter().map(|(name, value)| (name.as_os_str(), value)).collect();
    let lookup = |name: &str| known.get(OsStr::new(name)).map(|value| (*value).clone());
    let all = || {
        let checks = Checks { ready: ready(spec, &lookup)?, alive: alive(spec, &lookup)?, url: url(spec, &lookup)? };
        Ok((dir(spec, &lookup)?, checks))
    };
    all().map_err(|fault: Fault| fault.of_service(spec))
}

/// The folder of a run with this environment.
///
/// # Errors
/// A variable of it is missing.
pub fn folder(spec: &ServiceSpec, variables: &[(OsString, OsString)]) -> Result<PathBuf, EnvironmentError> {
    let lookup = |name: &str| {
        let of_name = |(other, _): &&(OsString, OsString)| other == OsStr::new(name);
        variables.iter().rev().find(of_name).map(|(_, value)| value.clone())
    };
    dir(spec, &lookup).map_err(|fault| fault.of_service(spec))
}

/// What would be asked of a run that started now; `None`: it could not start, or only a start can tell.
pub fn checks_now(spec: &ServiceSpec, inherited: &[(OsString, OsString)]) -> Option<Checks> {
    let variables = values(spec, inherited).ok().flatten()?;
    let lookup = |name: &str| variables.get(name);
    Some(Checks { ready: ready(spec, &lookup).ok()?, alive: alive(spec, &lookup).ok()?, url: url(spec, &lookup).ok()? })
}

/// All that would stand in the way of a start with these variables: in all commands, in what is asked of the run, and its
/// folder.
pub(super) fn faults(spec: &ServiceSpec, lookup: &Lookup<'_>) -> Vec<Fault> {
    let folder = dir(spec, lookup).ok().and_then(|dir| is_folder(spec, &dir).err());
    faults_of_values(spec, lookup).into_iter().chain(folder).collect()
}

/// The same, but for the folder: whether that is there is seen when it is entered.
pub(super) fn faults_of_values(spec: &ServiceSpec, lookup: &Lookup<'_>) -> Vec<Fault> {
    let commands = [
        ("the command", Some(&spec.run)),
        ("validate.run", spec.validate.as_ref().map(|validate| &validate.run)),
        ("stop.command", spec.stop.command.as_ref()),
    ];
    let commands = commands.into_iter().filter_map(|(place, command)| words(place, command?, lookup).err());
    let checks =
        [dir(spec, lookup).err(), ready(spec, lookup).err(), alive(spec, lookup).err(), url(spec, lookup).err()];
    commands.chain(checks.into_iter().flatten()).collect()
}

fn dir(spec: &ServiceSpec, lookup: &Lookup<'_>) -> Result<PathBuf, Fault> {
    match &spec.dir {
        Expandable::Known(path) => Ok(path.clone()),
        Expandable::Text(written) => path("dir", written, &spec.root, lookup),
    }
}

fn is_folder(spec: &ServiceSpec, path: &Path) -> Result<(), Fault> {
    let written = || match &spec.dir {
        Expandable::Known(path) => path.display().to_string(),
        Expandable::Text(written) => format!("`{written}`"),
    };
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(Fault::new("dir", format!("{} is not a folder", written()))),
        Err(error) => Err(Fault::new("dir", format!("cannot use the folder {}: {}", written(), plain_error(&error)))),
    }
}

fn url(spec: &ServiceSpec, lookup: &Lookup<'_>) -> Result<Option<String>, Fault> {
    match &spec.url {
        None => Ok(None),
        Some(Expandable::Known(url)) => Ok(Some(url.clone())),
        Some(Expandable::Text(written)) => {
            let url = text("url", written, lookup)?;
            match opens_in_browser(&url) {
                true => Ok(Some(url)),
                false => {
                    Err(Fault::new("url", format!("`{written}`, expanded, is not an http:// or https:// address")))
                }
            }
        }
    }
}

fn ready(spec: &ServiceSpec, lookup: &Lookup<'_>) -> Result<Option<ReadyCheck>, Fault> {
    let Some(check) = &spec.ready else { return Ok(None) };
    let probe = match &check.probe {
        Probe::Cmd(command) => Probe::Cmd(words("ready.cmd", command, lookup)?),
        Probe::Text(ProbeText::Port(written)) => Probe::Port(port("ready.port", written, lookup)?),
        Probe::Text(ProbeText::Http { url, status }) => Probe::Http(http("ready.http", url, *status, lookup)?),
        Probe::Text(ProbeText::Log(written)) => Probe::Log(pattern("ready.log", written, lookup)?),
        Probe::Text(ProbeText::File(written)) => Probe::File(path("ready.file", written, &spec.root, lookup)?),
        known => known.clone(),
    };
    Ok(Some(ReadyCheck { probe, ..check.clone() }))
}

fn alive(spec: &ServiceSpec, lookup: &Lookup<'_>) -> Result<Option<AliveCheck>, Fault> {
    let Some(check) = &spec.alive else { return Ok(None) };
    let probe = match &check.probe {
        AliveProbe::Cmd(command) => AliveProbe::Cmd(words("alive.cmd", command, lookup)?),
        AliveProbe::Text { probe, max_age } => match probe {
            ProbeText::Port(written) => AliveProbe::Port(port("alive.port", written, lookup)?),
            ProbeText::Http { url, status } => AliveProbe::Http(http("alive.http", url, *status, lookup)?),
            ProbeText::File(written) | ProbeText::Log(written) => AliveProbe::File {
                path: path("alive.file", written, &spec.root, lookup)?,
                name: written.as_str().into(),
                max_age: *max_age,
            },
        },
        known => known.clone(),
    };
    Ok(Some(AliveCheck { probe, ..check.clone() }))
}

/// A text with its values; it says something.
fn text(place: &str, written: &str, lookup: &Lookup<'_>) -> Result<String, Fault> {
    let text = expand_by(written, Dollars::Ours, &as_text(lookup)).map_err(|error| Fault::of(place, &error))?;
    match text.into_string() {
        Ok(text) if !text.trim().is_empty() => Ok(text),
        _ => Err(Fault::new(place, format!("`{written}` expands to nothing"))),
    }
}

/// A value that is no text is missing.
fn as_text<'a>(lookup: &'a Lookup<'_>) -> impl Fn(&str) -> Option<OsString> + 'a {
    |name| lookup(name).filter(|value| value.to_str().is_some())
}

/// A path relative to the folder of the file, or absolute. Names of files may be no text.
fn path(place: &str, written: &str, root: &Path, lookup: &Lookup<'_>) -> Result<PathBuf, Fault> {
    let path = expand_by(written, Dollars::Ours, lookup).map_err(|error| Fault::of(place, &error))?;
    match path.is_empty() {
        true => Err(Fault::new(place, format!("`{written}` expands to nothing"))),
        false => Ok(clean(&root.join(path))),
    }
}

fn port(place: &str, written: &str, lookup: &Lookup<'_>) -> Result<u16, Fault> {
    let text = text(place, written, lookup)?;
    let port = text.trim().parse::<u16>().ok().filter(|port| *port > 0);
    port.ok_or_else(|| Fault::new(place, format!("`{written}`, expanded, is not a port (a number from 1 to 65535)")))
}

fn http(place: &str, written: &str, status: (u16, u16), lookup: &Lookup<'_>) -> Result<HttpCheck, Fault> {
    let url = text(place, written, lookup)?;
    match wrong_address(&url) {
        None => Ok(HttpCheck { url, status }),
        Some(wrong) => Err(Fault::new(place, format!("`{written}`, expanded, cannot be requested: {wrong}"))),
    }
}

/// Whether it is a regular expression is decided by what is written, not by a value.
fn pattern(place: &str, written: &str, lookup: &Lookup<'_>) -> Result<TextPattern, Fault> {
    let as_text = as_text(lookup);
    let is_regex = between_slashes(written).is_some();
    let value = |name: &str| {
        let value = as_text(name)?;
        Some(if is_regex { regex::escape(value.to_str()?).into() } else { value })
    };
    let text = expand_by(written, Dollars::OfPattern, &value).map_err(|error| Fault::of(place, &error))?;
    let text = text.to_string_lossy().into_owned();
    let empty = || Fault::new(place, format!("`{written}` expands to nothing"));
    if !is_regex {
        return if text.trim().is_empty() { Err(empty()) } else { Ok(TextPattern::Literal(text)) };
    }
    if between_slashes(&text).is_none() {
        return Err(empty());
    }
    // The reason quotes the values.
    text_pattern(&text)
        .map_err(|_| Fault::new(place, format!("`{written}`, expanded, is not a valid regular expression")))
}

/// The command with the values put in, where it is a list.
pub(super) fn words(place: &str, command: &RunCommand, lookup: &Lookup<'_>) -> Result<RunCommand, Fault> {
    let RunCommand::Argv(argv) = command else { return Ok(command.clone()) };
    let lookup = as_text(lookup);
    let words = argv.iter().map(|word| {
        let word = expand_by(word, Dollars::Ours, &lookup).map_err(|error| Fault::of(place, &error))?;
        Ok(word.to_string_lossy().into_owned())
    });
    Ok(RunCommand::Argv(words.collect::<Result<_, Fault>>()?))
}
