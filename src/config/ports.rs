//! Reading `port` and `ports`, and what only several ports together can get wrong.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::DeValue;

use super::diagnostic::Diagnostic;
use super::draft::NamedPorts;
use super::group::Named;
use super::near::near;
use super::problems::{Problems, Slot, entries, shown};
use crate::domain::{AskedPort, MAIN_PORT, Probe};

/// `4000`, or `"auto"`.
pub(super) fn port(slot: Slot<'_, '_>) -> Result<AskedPort, Diagnostic> {
    port_of(slot, slot.key.name)
}

fn port_of(slot: Slot<'_, '_>, name: &str) -> Result<AskedPort, Diagnostic> {
    let example = || format!("{name} = 4000   or   {name} = \"auto\"");
    match slot.value.get_ref() {
        DeValue::Integer(number) => {
            let port = i128::from_str_radix(number.as_str(), number.radix()).ok().and_then(|n| u16::try_from(n).ok());
            port.filter(|port| *port > 0).map(AskedPort::Fixed).ok_or_else(|| {
                Diagnostic::error("range", format!("{} must be a number from 1 to 65535, or \"auto\"", slot.what()))
                    .at(slot.span(), "out of range")
                    .help(example())
            })
        }
        DeValue::String(text) if &**text == "auto" => Ok(AskedPort::Auto),
        DeValue::String(text) => {
            let problem = Diagnostic::error("value", format!("`{}` is not a port", shown(text)));
            let is_number = text.trim().parse::<u16>().is_ok_and(|port| port > 0);
            Err(match (is_number, near(text, ["auto"]).first()) {
                (true, _) => {
                    problem.at(slot.span(), "write it without quotes").help(format!("{name} = {}", text.trim()))
                }
                (false, Some(_)) => problem.at(slot.span(), "did you mean \"auto\"?").help(example()),
                (false, None) if text.contains(':') => {
                    let last = text.rsplit(':').next().and_then(|port| port.trim().parse::<u16>().ok());
                    problem
                        .at(slot.span(), "a port, not an address or a mapping")
                        .help(last.map_or_else(example, |port| format!("{name} = {port}")))
                }
                (false, None) => problem.at(slot.span(), "neither a number nor \"auto\"").help(example()),
            })
        }
        _ => {
            let problem = Diagnostic::error("type", format!("{} must be a number, or \"auto\"", slot.what()));
            Err(problem.at(slot.span(), "this is neither").help(example()))
        }
    }
}

/// `{ http = "auto", debug = 9229 }`, in the order of the file.
pub(super) fn ports(slot: Slot<'_, '_>, problems: &mut Problems) -> Option<NamedPorts> {
    const EXAMPLE: &str = "ports = { http = \"auto\", debug = 9229 }";
    let DeValue::Table(table) = slot.value.get_ref() else {
        let problem = slot.wrong_type();
        problems.add(match slot.value.get_ref() {
            DeValue::Integer(number) => problem.help(format!("port = {number}   or   {EXAMPLE}")),
            _ => problem.help(EXAMPLE),
        });
        return None;
    };
    let mut ports = Vec::new();
    for (key, value) in entries(table) {
        let name: &str = key.get_ref();
        let wrong = match name {
            MAIN_PORT => Some("`port` is the key for the main port"),
            _ if is_name(name) => None,
            _ => Some("names start with a lowercase letter, followed by lowercase letters, digits and `_`"),
        };
        match wrong {
            None => {
                let number = problems.keep(port_of(slot.with(value), name));
                ports.extend(number.map(|number| (Arc::from(name), Spanned::new(value.span(), number))));
            }
            Some(wrong) => problems.add(
                Diagnostic::error("name", format!("`{}` is not a valid name for a port", shown(name)))
                    .at(key.span(), wrong)
                    .help(format!("it becomes a variable: `http` is PORT_HTTP\n{EXAMPLE}")),
            ),
        }
    }
    Some(ports)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Looks at the ports of all services.
pub(super) fn check(services: &[Named], problems: &mut Problems) {
    for service in services {
        overridden(service, problems);
        of_instances(service, problems);
    }
    same(services, problems);
}

/// `env` is the last word: the service listens elsewhere then, and the others are told what `port` says.
fn overridden(service: &Named, problems: &mut Problems) {
    let draft = &service.draft;
    let main = draft.port.as_ref().map(|port| (MAIN_PORT.to_owned(), port.clone()));
    let named = draft.ports.iter().flat_map(|ports| ports.get_ref());
    let named = named.map(|(name, port)| (format!("ports.{name}"), port.clone()));
    for (place, (key, port)) in main.into_iter().chain(named).enumerate() {
        let own = key.strip_prefix("ports.").map(|name| format!("PORT_{}", name.to_ascii_uppercase()));
        let names = [own, (place == 0).then(|| "PORT".to_owned())];
        for name in names.into_iter().flatten() {
            let Some((_, value)) = draft.env.iter().find(|(known, _)| *known == name) else { continue };
            let says_the_same = match port.get_ref() {
                AskedPort::Fixed(number) => *value.get_ref() == number.to_string(),
                AskedPort::Auto => false,
            };
            if says_the_same || value.get_ref().contains("${PORT") {
                continue;
            }
            problems.add(
                Diagnostic::warning("port", format!("`env` and `{key}` both set {name}"))
                    .at(value.span(), format!("{} gets this value, other services get the port", service.name))
                    .at(port.span(), "its port")
                    .help(format!("remove {name} from `env`, or `{key}`")),
            );
        }
    }
}

/// Services that have one port: the first of all, of those without a profile, and of each profile.
#[derive(Default)]
struct OnePort<'s> {
    all: Vec<(&'s Named, Range<usize>)>,
    without: Option<usize>,
    by_profile: HashMap<&'s str, usize>,
}

impl<'s> OnePort<'s> {
    /// The first one that may run together with this one: no profile tells them apart.
    fn first_beside(&self, profiles: &[String]) -> Option<&(&'s Named, Range<usize>)> {
        if profiles.is_empty() {
            return self.all.first();
        }
        let same = profiles.iter().filter_map(|profile| self.by_profile.get(profile.as_str())).copied();
        self.all.get(same.chain(self.without).min()?)
    }

    fn add(&mut self, service: &'s Named, span: Range<usize>, profiles: &'s [String]) {
        let place = self.all.len();
        self.all.push((service, span));
        if profiles.is_empty() {
            self.without.get_or_insert(place);
        }
        for profile in profiles {
            self.by_profile.entry(profile).or_insert(place);
        }
    }
}

/// The numbers that the file says for `port` and `ports`. Of several instances, those of the first.
fn written(service: &Named) -> Vec<(u16, Range<usize>)> {
    let named = service.draft.ports.iter().flat_map(|ports| ports.get_ref()).map(|(_, port)| port);
    let fixed = service.draft.port.iter().chain(named).filter_map(|port| match port.get_ref() {
        AskedPort::Fixed(number) => Some((*number, port.span())),
        AskedPort::Auto => None,
    });
    fixed.collect()
}

/// The numbers of a service's ports that follow from the file, each once: its own, those of all its instances, and the one
/// that it is waited for at.
fn fixed(service: &Named) -> Vec<(u16, Range<usize>)> {
    let count = instances(service);
    let own = written(service).into_iter().flat_map(|(first, span)| {
        (0..count).filter_map(move |more| first.checked_add(more)).map(move |number| (number, span.clone()))
    });
    let ready = service.draft.ready.as_ref().and_then(|ready| match ready.get_ref().probe {
        Probe::Port(number) => Some((number, ready.span())),
        _ => None,
    });
    let mut found: Vec<(u16, Range<usize>)> = Vec::new();
    for (number, span) in own.chain(ready) {
        if !found.iter().any(|(known, _)| *known == number) {
            found.push((number, span));
        }
    }
    found
}

fn instances(service: &Named) -> u16 {
    let count = service.draft.replicas.as_ref().map_or(1, |replicas| *replicas.get_ref());
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// The instances of a service count on from one number, and must not meet what another of its ports counts on from.
fn of_instances(service: &Named, problems: &mut Problems) {
    let more = instances(service).saturating_sub(1);
    let written = written(service);
    for (place, (number, span)) in written.iter().enumerate() {
        let Some(last) = number.checked_add(more) else {
            problems.add(
                Diagnostic::error("port", format!("not enough ports for the instances of `{}`", service.name))
                    .at(
                        span.clone(),
                        format!("{} instances need the ports from here on, but 65535 is the last one", more + 1),
                    )
                    .help(format!("use {} or less", u16::MAX - more)),
            );
            continue;
        };
        let meets = |(other, _): &&(u16, Range<usize>)| more > 0 && number.abs_diff(*other) <= more;
        if let Some((other, there)) = written.iter().skip(place + 1).find(meets) {
            problems.add(
                Diagnostic::warning("port", format!("instances of `{}` have the same port", service.name))
                    .at(there.clone(), format!("the first instance has {other}, the others the numbers after it"))
                    .at(span.clone(), format!("here {number} to {last}"))
                    .help(format!("keep them at least {} apart", more + 1)),
            );
        }
    }
}

fn same(services: &[Named], problems: &mut Problems) {
    let mut taken: HashMap<u16, OnePort<'_>> = HashMap::new();
    for service in services {
        let starts = service.draft.autostart.as_ref().is_none_or(|autostart| *autostart.get_ref());
        if !starts {
            continue;
        }
        let profiles: &[String] = service.draft.profiles.as_ref().map_or(&[], |profiles| profiles.get_ref());
        for (port, span) in fixed(service) {
            let others = taken.entry(port).or_default();
            // Said once where both have it from `[defaults]`, however many there are.
            if let Some((other, there)) = others.first_beside(profiles)
                && !(*there == span && others.all.len() > 1)
            {
                problems.add(same_port(port, (service, span.clone()), (other, there.clone())));
            }
            others.add(service, span, profiles);
        }
    }
}

fn same_port(port: u16, one: (&Named, Range<usize>), other: (&Named, Range<usize>)) -> Diagnostic {
    let ((service, at), (other, there)) = (one, other);
    let is_ready =
        |service: &Named, at: &Range<usize>| service.draft.ready.as_ref().is_some_and(|ready| ready.span() == *at);
    let problem =
        Diagnostic::warning("port", format!("`{}` and `{}` have the same port: {port}", other.name, service.name));
    let problem = if at == there {
        problem.at(at, "this applies to all services")
    } else {
        let label = match is_ready(service, &at) {
            true => format!("{} would count as ready as soon as {} is", service.name, other.name),
            false => format!("{} cannot have it while {} runs", service.name, other.name),
        };
        problem.at(at, label).at(there, format!("{} has it already", other.name))
    };
    problem.help(
        "two programs cannot listen on the same port; if only one of them runs at a time, set autostart = false on the other",
    )
}
