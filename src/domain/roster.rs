//! Whom a written name means: a service, all of its instances, one of them, a group, or a pattern. This is the one place
//! where what a user writes becomes names of services.
//!
//! | written | means |
//! |---|---|
//! | `api` | the service; of one with `replicas`, all of its instances |
//! | `worker.2` | one instance |
//! | `@backend` | the services whose `group` is that |
//! | `w*`, `{api,web}` | the services whose name matches; all instances of one that has instances |

use std::collections::HashSet;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};

use super::{GroupSnapshot, GroupSpec, Instance, Replicated, ServiceName, visible};

/// Who is in a group, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    members: Vec<Member>,
    /// Instances that are being stopped because they are too many: only their own names mean them.
    surplus: Vec<ServiceName>,
}

/// A service as the file writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The key below `[services]`.
    pub name: ServiceName,
    /// Its `group`.
    pub group: Option<Arc<str>>,
    /// Its instances, if it has `replicas`: maybe none.
    pub instances: Option<Vec<ServiceName>>,
}

/// A part of a group that a written name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant<'r> {
    /// A service with all that it consists of.
    All(&'r Member),
    /// One instance of a service.
    One(&'r ServiceName),
}

/// A name that means nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct Unknown {
    /// As it was written.
    pub written: String,
    /// Why it means nobody.
    pub why: WhyUnknown,
    /// What may be meant: the services in the order of the file, or the groups with their `@`.
    pub known: Vec<String>,
}

/// Why a name means nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyUnknown {
    /// No service is called so.
    Service,
    /// A service is called so, and does not have so many instances.
    Instance(ServiceName, usize),
    /// No service is in that group.
    Group,
    /// No name of a service matches.
    Pattern,
    /// It is no pattern, for this reason.
    Malformed(String),
}

impl Unknown {
    fn message(&self) -> String {
        let written = visible(&self.written);
        match &self.why {
            WhyUnknown::Service => format!("unknown service `{written}`"),
            WhyUnknown::Instance(of, 0) => format!("unknown service `{written}`: {of} has 0 instances"),
            WhyUnknown::Instance(of, 1) => format!("unknown service `{written}`: {of} has 1 instance, {of}.1"),
            WhyUnknown::Instance(of, count) => {
                format!("unknown service `{written}`: {of} has {count} instances, {of}.1 to {of}.{count}")
            }
            WhyUnknown::Group => format!("unknown group `{written}`"),
            WhyUnknown::Pattern => format!("no service matches `{written}`"),
            WhyUnknown::Malformed(reason) => format!("`{written}` is not a valid pattern: {}", visible(reason)),
        }
    }
}

/// What a written name looks like.
enum Form<'w> {
    Name,
    Group(&'w str),
    Pattern(Result<GlobMatcher, String>),
}

impl<'w> Form<'w> {
    fn of(written: &'w str) -> Self {
        if let Some(group) = written.strip_prefix('@') {
            return Self::Group(group);
        }
        if !written.contains(['*', '?', '[', '{']) {
            return Self::Name;
        }
        let pattern = GlobBuilder::new(written).literal_separator(false).build();
        Self::Pattern(pattern.map(|glob| glob.compile_matcher()).map_err(|error| error.kind().to_string()))
    }
}

/// Whether a text is a plain name, and no group or pattern.
pub fn is_plain_name(written: &str) -> bool {
    matches!(Form::of(written), Form::Name)
}

/// Whether a written name means the service of this name in this group, or all of its instances.
pub fn means(written: &str, name: &ServiceName, group: Option<&str>) -> bool {
    match Form::of(written) {
        Form::Name => written == name.as_str(),
        Form::Group(wanted) => group == Some(wanted),
        Form::Pattern(pattern) => pattern.is_ok_and(|pattern| pattern.is_match(name.as_str())),
    }
}

impl Roster {
    /// Out of the services with what each is an instance of, and those with `replicas`.
    pub fn new<'s>(
        services: impl Iterator<Item = (&'s ServiceName, Option<&'s Instance>, Option<&'s str>)>,
        replicated: &[Replicated],
    ) -> Self {
        let mut roster = Self::default();
        for (name, instance, group) in services {
            let count = instance.and_then(|instance| replicated.iter().find(|one| one.name == instance.of));
            match (instance, count) {
                (Some(instance), Some(one)) if instance.number > one.count => roster.surplus.push(name.clone()),
                (Some(instance), Some(_)) => {
                    let mut members = roster.members.iter_mut();
                    match members.find(|member| member.name == instance.of).and_then(|one| one.instances.as_mut()) {
                        Some(instances) => instances.push(name.clone()),
                        None => roster.add(&instance.of, group, Some(vec![name.clone()])),
                    }
                }
                // What is gone from the file, and ends.
                (Some(_), None) => roster.surplus.push(name.clone()),
                (None, _) => roster.add(name, group, None),
            }
        }
        for one in replicated {
            if roster.members.iter().all(|member| member.name != one.name) {
                roster.add(&one.name, one.group.as_deref(), Some(Vec::new()));
            }
        }
        roster
    }

    fn add(&mut self, name: &ServiceName, group: Option<&str>, instances: Option<Vec<ServiceName>>) {
        self.members.push(Member { name: name.clone(), group: group.map(Arc::from), instances });
    }

    /// The services, as the file writes them.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// What a written name means, with services that have instances as one.
    ///
    /// # Errors
    /// It means nobody.
    pub fn meant<'r>(&'r self, written: &str) -> Result<Vec<Meant<'r>>, Unknown> {
        let unknown = |why, known| Err(Unknown { written: written.to_owned(), why, known });
        let names = || self.members.iter().map(|member| member.name.as_str().to_owned()).collect::<Vec<_>>();
        match Form::of(written) {
            Form::Name => {
                if let Some(member) = self.members.iter().find(|member| member.name.as_str() == written) {
                    return Ok(vec![Meant::All(member)]);
                }
                if let Some(name) = self.instances().find(|name| name.as_str() == written) {
                    return Ok(vec![Meant::One(name)]);
                }
                let of = ServiceName::new(written).split_instance().map(|(of, _)| of);
                let of = of.and_then(|of| self.members.iter().find(|member| member.name == of));
                match of.and_then(|of| Some((of.name.clone(), of.instances.as_ref()?.len()))) {
                    Some((of, count)) => unknown(WhyUnknown::Instance(of, count), names()),
                    None => unknown(WhyUnknown::Service, names()),
                }
            }
            Form::Group(group) => {
                let found: Vec<_> = self.members.iter().filter(|one| one.group.as_deref() == Some(group)).collect();
                if found.is_empty() { unknown(WhyUnknown::Group, self.groups()) } else { Ok(all(found)) }
            }
            Form::Pattern(Err(reason)) => unknown(WhyUnknown::Malformed(reason), names()),
            Form::Pattern(Ok(pattern)) => {
                let mut found = Vec::new();
                for member in &self.members {
                    if pattern.is_match(member.name.as_str()) {
                        found.push(Meant::All(member));
                    } else {
                        let instances = member.instances.iter().flatten();
                        found.extend(instances.filter(|name| pattern.is_match(name.as_str())).map(Meant::One));
                    }
                }
                if found.is_empty() { unknown(WhyUnknown::Pattern, names()) } else { Ok(found) }
            }
        }
    }

    /// The names of all services that these written names mean, each once, in the order of the file. None, where all of them
    /// are services without an instance now.
    ///
    /// # Errors
    /// One of them means nobody.
    pub fn resolve<'w>(&self, written: impl IntoIterator<Item = &'w str>) -> Result<Vec<ServiceName>, Unknown> {
        let mut wanted: HashSet<&ServiceName> = HashSet::new();
        for written in written {
            for meant in self.meant(written)? {
                match meant {
                    Meant::All(Member { instances: Some(instances), .. }) => wanted.extend(instances),
                    Meant::All(member) => {
                        wanted.insert(&member.name);
                    }
                    Meant::One(name) => {
                        wanted.insert(name);
                    }
                }
            }
        }
        Ok(self.names().filter(|name| wanted.contains(name)).cloned().collect())
    }

    /// The groups, each once, as they are written.
    pub fn groups(&self) -> Vec<String> {
        let mut groups: Vec<String> = Vec::new();
        for group in self.members.iter().filter_map(|member| member.group.as_ref()) {
            let written = format!("@{group}");
            if !groups.contains(&written) {
                groups.push(written);
            }
        }
        groups
    }

    /// All that run by a name of their own.
    fn names(&self) -> impl Iterator<Item = &ServiceName> {
        let own = |member: &'_ Member| member.instances.is_none();
        let members = self.members.iter().flat_map(move |member| {
            let plain = own(member).then_some(&member.name);
            plain.into_iter().chain(member.instances.iter().flatten())
        });
        members.chain(&self.surplus)
    }

    fn instances(&self) -> impl Iterator<Item = &ServiceName> {
        self.members.iter().flat_map(|member| member.instances.iter().flatten()).chain(&self.surplus)
    }
}

fn all(members: Vec<&Member>) -> Vec<Meant<'_>> {
    members.into_iter().map(Meant::All).collect()
}

impl GroupSpec {
    /// Who is in the group.
    pub fn roster(&self) -> Roster {
        let services = self.services.iter();
        Roster::new(
            services.map(|service| (&service.name, service.instance.as_ref(), service.group.as_deref())),
            &self.replicated,
        )
    }
}

impl GroupSnapshot {
    /// Who is in the group now.
    pub fn roster(&self) -> Roster {
        let services = self.services.iter();
        Roster::new(
            services.map(|service| (&service.name, service.instance.as_ref(), service.group.as_deref())),
            &self.replicated,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `db web api worker(3) cron(0)`: `api` and `worker` are in the group `backend`; a fourth worker is being stopped.
    fn shop() -> Roster {
        let names: Vec<ServiceName> =
            ["db", "web", "api", "worker.1", "worker.2", "worker.3", "worker.4"].map(ServiceName::from).into();
        let instances: Vec<Option<Instance>> = names
            .iter()
            .map(|name| name.split_instance().map(|(of, number)| Instance { of, number, count: 3 }))
            .collect();
        let group =
            |name: &ServiceName| (name.as_str().starts_with("worker") || name.as_str() == "api").then_some("backend");
        let services = names.iter().zip(&instances).map(|(name, instance)| (name, instance.as_ref(), group(name)));
        let replicated = [("worker", 3), ("cron", 0)].map(|(name, count)| Replicated {
            name: name.into(),
            group: (name == "worker").then(|| "backend".into()),
            count,
        });
        Roster::new(services, &replicated)
    }

    fn resolved(written: &[&str]) -> Result<String, String> {
        let names = shop().resolve(written.iter().copied()).map_err(|unknown| unknown.to_string())?;
        Ok(names.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_name_means_a_service_its_instances_a_group_or_what_matches() {
        for (written, names) in [
            (&["api"][..], "api"),
            (&["worker"], "worker.1 worker.2 worker.3"),
            (&["worker.2"], "worker.2"),
            (&["@backend"], "api worker.1 worker.2 worker.3"),
            (&["w*"], "web worker.1 worker.2 worker.3"),
            (&["{db,w?b}"], "db web"),
            (&["*.2"], "worker.2"),
            (&["*"], "db web api worker.1 worker.2 worker.3"),
            (&["cron"], ""),
            (&["worker.4"], "worker.4"),
        ] {
            assert_eq!(resolved(written).as_deref(), Ok(names), "{written:?}");
        }
        assert_eq!(resolved(&["worker", "db", "w*", "db"]).as_deref(), Ok("db web worker.1 worker.2 worker.3"));
    }

    #[test]
    fn what_means_nobody_is_told_why() {
        for (written, why) in [
            ("apo", "unknown service `apo`"),
            ("worker.9", "unknown service `worker.9`: worker has 3 instances, worker.1 to worker.3"),
            ("worker.0", "unknown service `worker.0`"),
            ("cron.1", "unknown service `cron.1`: cron has 0 instances"),
            ("api.1", "unknown service `api.1`"),
            ("@front", "unknown group `@front`"),
            ("@", "unknown group `@`"),
            ("", "unknown service ``"),
            ("z*", "no service matches `z*`"),
            ("[a", "`[a` is not a valid pattern: unclosed character class; missing ']'"),
        ] {
            assert_eq!(resolved(&["db", written]), Err(why.to_owned()), "{written}");
        }
        let unknown = shop().resolve(["@x"]).unwrap_err();
        assert_eq!(unknown.known, ["@backend"]);
        assert_eq!(shop().resolve(["x"]).unwrap_err().known, ["db", "web", "api", "worker", "cron"]);
    }

    #[test]
    fn a_written_name_means_a_service_as_the_file_writes_it() {
        let api = ServiceName::from("api");
        assert!(means("api", &api, None) && means("@back", &api, Some("back")) && means("a*", &api, None));
        assert!(!means("ap", &api, None) && !means("@back", &api, None) && !means("w*", &api, None));
        assert!(is_plain_name("api.1") && !is_plain_name("@a") && !is_plain_name("a*"));
    }
}
