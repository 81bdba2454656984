//! Names as clients write them, and the services of the group that they mean now.

use std::collections::BTreeMap;

use super::wire::{Problem, ProblemCode};
use crate::domain::{GroupSnapshot, Kind, Meant, ServiceName, Unknown, is_plain_name, means_several, no_instances};

/// The services that these names mean, each once, in the order of the file.
pub(super) fn meant<'w>(
    group: &GroupSnapshot,
    written: impl IntoIterator<Item = &'w str>,
) -> Result<Vec<ServiceName>, Problem> {
    group.roster().resolve(written).map_err(unknown)
}

/// The same of a list.
pub(super) fn services(group: &GroupSnapshot, written: &[String]) -> Result<Vec<ServiceName>, Problem> {
    meant(group, written.iter().map(String::as_str))
}

/// The same, where somebody has to be there: who names services without an instance does not mean all.
pub(super) fn instances(group: &GroupSnapshot, written: &[String]) -> Result<Vec<ServiceName>, Problem> {
    let names = services(group, written)?;
    if names.is_empty() && !written.is_empty() {
        return Err(nobody(group, written.iter().map(String::as_str)));
    }
    Ok(names)
}

fn nobody<'w>(group: &GroupSnapshot, written: impl IntoIterator<Item = &'w str>) -> Problem {
    let names = group.roster().only_without_instances(written);
    Problem::new(ProblemCode::Refused, no_instances(&names, true))
}

/// The one service that a name means.
pub(super) fn only_one(group: &GroupSnapshot, written: &str) -> Result<ServiceName, Problem> {
    let names = meant(group, [written])?;
    match names.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(nobody(group, [written])),
        several => Err(Problem::new(ProblemCode::Invalid, means_several(written, several))),
    }
}

/// How many instances services are to have, by the names that the file gives them. A group or a pattern means those of its
/// services that have `replicas`.
pub(super) fn counts(
    group: &GroupSnapshot,
    written: &BTreeMap<String, u32>,
) -> Result<Vec<(ServiceName, u32)>, Problem> {
    let roster = group.roster();
    let mut counts: BTreeMap<ServiceName, u32> = BTreeMap::new();
    for (name, count) in written {
        let meant = roster.meant(name).map_err(unknown)?;
        let with_instances = meant.iter().filter_map(|meant| match meant {
            Meant::All(member) => member.instances.is_some().then(|| member.name.clone()),
            Meant::One(_) => None,
        });
        let names: Vec<ServiceName> = with_instances.collect();
        if names.is_empty() {
            let of = ServiceName::new(name).split_instance().map(|(of, _)| of);
            let message = match (meant.as_slice(), of) {
                _ if !is_plain_name(name) => format!("no service that `{name}` means has `replicas`"),
                ([Meant::One(_)], Some(of)) => format!("`{name}` is one instance: scale {of}"),
                ([Meant::All(member)], _) if is_worker(group, &member.name) => {
                    format!("{0} is a worker: set `concurrency` below [services.{0}] instead", member.name)
                }
                ([Meant::All(member)], _) => {
                    format!("{0} has no `replicas`: write `replicas = 1` below [services.{0}] to scale it", member.name)
                }
                _ => format!("no service that `{name}` means has `replicas`"),
            };
            return Err(Problem::new(ProblemCode::Invalid, message));
        }
        for name in names {
            if counts.insert(name.clone(), *count).is_some_and(|before| before != *count) {
                let message = format!("{name} is given two different numbers of instances");
                return Err(Problem::new(ProblemCode::Invalid, message));
            }
        }
    }
    Ok(counts.into_iter().collect())
}

fn is_worker(group: &GroupSnapshot, name: &ServiceName) -> bool {
    group.services.iter().any(|service| service.name == *name && service.kind == Kind::Worker)
}

fn unknown(unknown: Unknown) -> Problem {
    let message = unknown.to_string();
    Problem { services: unknown.known, ..Problem::new(ProblemCode::UnknownService, message) }
}
