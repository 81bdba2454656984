//! Names in the alphabet of an engine: each service keeps its own as far as it can, and no two become one.

use std::collections::BTreeMap;

use super::{ExportError, Target};
use crate::domain::{ServiceName, ServiceSpec};

/// The longest label of DNS (RFC 1035), which is the longest name of a Kubernetes Service.
const LONGEST_LABEL: usize = 63;

/// The longest name of a CronJob: the names of its jobs add eleven characters.
const LONGEST_CRON_JOB: usize = 52;

/// The longest name of a port in Kubernetes (RFC 6335).
const LONGEST_PORT: usize = 15;

/// How each service is called.
pub(super) struct Names(BTreeMap<ServiceName, String>);

impl Names {
    /// The names of all services. `group`: the name of the group.
    ///
    /// # Errors
    /// Two of them become one.
    pub(super) fn of(services: &[&ServiceSpec], target: Target, group: &str) -> Result<Self, ExportError> {
        let mut distinct = Distinct::new(target);
        let mut names = BTreeMap::new();
        for service in services {
            let name = service.name.as_str();
            let there = match target {
                Target::Compose => mapped(name, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')),
                Target::Kubernetes if service.schedule.is_some() => label(name, LONGEST_CRON_JOB),
                Target::Kubernetes => label(name, LONGEST_LABEL),
                Target::Systemd => format!("{}-{}", of_unit(group), of_unit(name)),
                Target::Procfile => mapped(name, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')),
            };
            distinct.add(name, &there)?;
            names.insert(service.name.clone(), there);
        }
        Ok(Self(names))
    }

    /// The name of a service that is exported.
    pub(super) fn get(&self, service: &ServiceName) -> &str {
        self.0.get(service).map_or("", String::as_str)
    }
}

/// Names of one kind, which must differ.
pub(super) struct Distinct {
    target: Target,
    /// What each name stands for.
    taken: BTreeMap<String, String>,
}

impl Distinct {
    pub(super) fn new(target: Target) -> Self {
        Self { target, taken: BTreeMap::new() }
    }

    /// One more name, and what it stands for.
    ///
    /// # Errors
    /// Another one has it.
    pub(super) fn add(&mut self, one: &str, name: &str) -> Result<(), ExportError> {
        match self.taken.insert(name.to_owned(), one.to_owned()) {
            Some(other) if other != one => Err(ExportError::SameName {
                one: other,
                other: one.to_owned(),
                name: name.to_owned(),
                target: self.target.name(),
            }),
            _ => Ok(()),
        }
    }
}

/// A name as a part of the name of a unit.
pub(super) fn of_unit(text: &str) -> String {
    mapped(text, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':'))
}

/// A name as a label of DNS that begins with a letter.
pub(super) fn dns_label(text: &str) -> String {
    label(text, LONGEST_LABEL)
}

/// The name of a port as Kubernetes takes it.
pub(super) fn port_label(text: &str) -> String {
    label(text, LONGEST_PORT)
}

fn label(text: &str, longest: usize) -> String {
    let mut name = mapped(&text.to_lowercase(), |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name.insert_str(0, "s-");
    }
    name.truncate(longest);
    name.trim_end_matches('-').to_owned()
}

/// The text with a dash for each other character. Where nothing of it is left, the numbers of its characters.
fn mapped(text: &str, is_good: impl Fn(char) -> bool) -> String {
    let name: String = text.chars().map(|c| if is_good(c) { c } else { '-' }).collect();
    let name = name.trim_start_matches(['-', '.', '_', ':']);
    if name.is_empty() {
        return text.chars().map(|c| format!("u{:x}", u32::from(c))).collect::<Vec<_>>().join("-");
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RunCommand;

    fn names(target: Target, services: &[&str]) -> Result<Vec<String>, ExportError> {
        let spec = |name: &&str| ServiceSpec::new((*name).into(), RunCommand::Shell("x".into()), "/".into());
        let specs: Vec<ServiceSpec> = services.iter().map(spec).collect();
        let names = Names::of(&specs.iter().collect::<Vec<_>>(), target, "my:shop+1")?;
        Ok(specs.iter().map(|spec| names.get(&spec.name).to_owned()).collect())
    }

    #[test]
    fn names_keep_what_the_alphabet_has() {
        let all = ["api", "API.v2", "1st", "größe", "データ", "a_b:c+d"];
        let of = |target| names(target, &all).unwrap();
        assert_eq!(of(Target::Compose), ["api", "API.v2", "1st", "gr--e", "u30c7-u30fc-u30bf", "a_b-c-d"]);
        assert_eq!(of(Target::Kubernetes), ["api", "api-v2", "s-1st", "gr--e", "u30c7-u30fc-u30bf", "a-b-c-d"]);
        assert_eq!(of(Target::Systemd)[1..3], ["my:shop-1-API.v2", "my:shop-1-1st"]);
        assert_eq!(of(Target::Procfile)[1], "API-v2");
        assert_eq!(names(Target::Kubernetes, &["x".repeat(80).as_str()]).unwrap()[0].len(), 63);
        assert_eq!((dns_label("Ab-"), port_label("debug_of_the_server")), ("ab".into(), "debug-of-the-se".into()));
    }

    #[test]
    fn two_names_that_become_one_are_named() {
        let error = names(Target::Kubernetes, &["web", "api.x", "api-x"]).unwrap_err();
        assert_eq!(error.to_string(), "`api.x` and `api-x` are both called `api-x` in Kubernetes");
        assert!(names(Target::Compose, &["api.x", "api-x"]).is_ok());
    }

    #[test]
    fn fuzz_of_exported_names() {
        // The names of services, one a line.
        const SEEDS: [&[u8]; 3] = [
            "api\nAPI.v2\n1st\ngröße\nデータ\na_b:c+d".as_bytes(),
            b"---\n...\n-\n_\n:\n++",
            "İ\nſ\nK\nß\n\u{1f980}".as_bytes(),
        ];
        crate::fuzz::run("exported-names", 3_000, &SEEDS, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let mut services: Vec<&str> = text.lines().filter(|name| !name.is_empty()).take(8).collect();
            services.sort_unstable();
            services.dedup();
            let targets = [Target::Compose, Target::Kubernetes, Target::Systemd, Target::Procfile];
            targets.map(|target| {
                let named = names(target, &services).ok()?;
                for name in &named {
                    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':');
                    assert!(!name.is_empty() && name.chars().all(is_good), "{target:?}: {name:?}");
                    if target == Target::Kubernetes {
                        let is_label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                        assert!(name.len() <= LONGEST_LABEL && name.chars().all(is_label), "{name:?}");
                        assert!(name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.ends_with('-'), "{name:?}");
                    }
                }
                let mut distinct = named.clone();
                distinct.sort_unstable();
                distinct.dedup();
                assert_eq!(distinct.len(), services.len(), "no two become one: {named:?}");
                Some(named.len())
            })
        });
    }
}
