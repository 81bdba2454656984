//! `devgroup url`: the addresses of services, of a group that runs, or as its file says.

use std::fmt::Write;

use serde::Serialize;

use super::super::arguments::Place;
use super::super::exit_code::Failure;
use super::find;
use super::foreground::as_it_runs;
use super::output;
use crate::app;
use crate::config;
use crate::control::{Ask, Client, Reply};
use crate::display;
use crate::domain::{MAIN_PORT, Roster, ServiceSpec, address_of_port, visible};

/// What is known of a service.
struct Known {
    name: String,
    /// Its address; `None`: it has none, or only a start tells.
    address: Option<String>,
    /// It has a `url` that only a start tells.
    is_open: bool,
}

#[derive(Serialize)]
struct Report {
    version: u32,
    urls: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    service: String,
    url: String,
}

/// Prints the addresses of these services, or of all, and opens them. The result is the exit code.
pub(super) fn run(place: &Place, services: &[String], open: bool, json: bool) -> Result<u8, Failure> {
    let known = match find::group(place) {
        Ok(group) => of_group(group, services)?,
        Err(Failure::NotRunning { .. }) => of_file(place, services)?,
        Err(failure) => return Err(failure),
    };
    let (known, names) = known;
    let urls = chosen(known, &names)?;
    let text = match (json, urls.as_slice()) {
        (true, _) => output::json(&Report { version: 1, urls: copies(&urls) })?,
        // Alone it is an argument for another command.
        (false, [one]) if services.len() == 1 => format!("{}\n", visible(&one.url)),
        (false, all) => table(all),
    };
    output::write(&text)?;
    if open {
        for entry in &urls {
            app::open_address(&entry.url).map_err(Failure::Unexpected)?;
        }
    }
    Ok(0)
}

fn copies(urls: &[Entry]) -> Vec<Entry> {
    urls.iter().map(|entry| Entry { service: entry.service.clone(), url: entry.url.clone() }).collect()
}

fn table(urls: &[Entry]) -> String {
    let width = urls.iter().map(|entry| display::width(&entry.service)).max().unwrap_or(0);
    let mut text = String::new();
    for entry in urls {
        let gap = width - display::width(&entry.service) + 2;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}{:gap$}{}", visible(&entry.service), "", visible(&entry.url));
    }
    text
}

/// The services that these words mean, in their order. `runs`: the group does.
fn all_names(written: &[String], roster: &Roster, runs: bool) -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = Vec::new();
    for word in written {
        for name in roster.resolve([word.as_str()])? {
            if !names.iter().any(|known| known == name.as_str()) {
                names.push(name.as_str().to_owned());
            }
        }
    }
    match names.is_empty() && !written.is_empty() {
        true => Err(Failure::no_instances(&roster.only_without_instances(written.iter().map(String::as_str)), runs)),
        false => Ok(names),
    }
}

/// Those that were named, each with its address; otherwise all that have one.
fn chosen(known: Vec<Known>, services: &[String]) -> Result<Vec<Entry>, Failure> {
    for name in services {
        // Who is named is known.
        let without = known.iter().find(|service| service.name == *name && service.address.is_none());
        if let Some(service) = without {
            let name = visible(name);
            return Err(Failure::Unexpected(match service.is_open {
                true => format!("the `url` of {name} is only known while it runs"),
                false => format!("{name} has no `url` and no `port` in procgroup.toml"),
            }));
        }
    }
    let is_meant = |service: &Known| services.is_empty() || services.contains(&service.name);
    let urls = known.into_iter().filter(is_meant);
    let urls = urls.filter_map(|service| Some(Entry { url: service.address?, service: service.name }));
    let urls: Vec<Entry> = urls.collect();
    if urls.is_empty() {
        return Err(Failure::Unexpected("no service has a `url` or a `port` in procgroup.toml".into()));
    }
    Ok(urls)
}

/// The services of a running group, and those that were named.
fn of_group(mut group: Client, written: &[String]) -> Result<(Vec<Known>, Vec<String>), Failure> {
    let Reply::Status(status) = group.ask(Ask::Status { follow: false, usage: false })? else {
        return Err(Failure::Unexpected("unexpected answer".into()));
    };
    let names = all_names(written, &status.roster(), true)?;
    let known = status.services.into_iter().map(|service| {
        let of_port = service.ports.get(MAIN_PORT).map(|port| address_of_port(*port));
        Known { address: service.url.or(of_port), name: service.name, is_open: false }
    });
    Ok((known.collect(), names))
}

/// The same of the file alone.
fn of_file(place: &Place, written: &[String]) -> Result<(Vec<Known>, Vec<String>), Failure> {
    let file = super::super::file(place.config.as_deref())?;
    let spec = file.load().map_err(super::super::invalid)?.spec;
    let spec = as_it_runs(spec, None);
    let known = |service: &ServiceSpec| {
        let of_port = || service.ports.first().map(|port| address_of_port(port.number));
        let address = match &service.url {
            Some(_) => {
                config::checks_now(service, &app::inherited_by(&spec.file, service)).and_then(|checks| checks.url)
            }
            None => of_port(),
        };
        Known { name: service.name.to_string(), is_open: service.url.is_some() && address.is_none(), address }
    };
    let names = all_names(written, &spec.roster(), false)?;
    Ok((spec.services.iter().map(|service| known(service)).collect(), names))
}
