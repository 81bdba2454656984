//! There and back: `init` makes the group again of an exported compose file or Procfile, as far as both can say it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use devgroup::domain::{Condition, GroupSpec, Kind, Probe, RunCommand, ServiceName, ServiceSpec};
use devgroup::export::Target;
use devgroup::init::{Disk, propose};

use super::{exported, groups, options};

/// What `init` makes of the only file in a folder.
fn back(group: &GroupSpec, target: Target) -> GroupSpec {
    let folder = tempfile::tempdir().unwrap();
    let file = exported(group, target, &options(&group.root)).files.remove(0);
    fs::write(folder.path().join(&file.name), &file.text).unwrap();
    let proposal = propose(&Disk::list(folder.path()), None);
    groups::parsed(&proposal.text, folder.path())
}

/// The groups whose names both sides can say.
fn all() -> Vec<GroupSpec> {
    let root = Path::new("/w/shop");
    let own = groups::own_files().into_iter().map(|(_, file)| fs::read_to_string(file).unwrap());
    own.chain((0..groups::GENERATED).map(groups::generated)).map(|text| groups::parsed(&text, root)).collect()
}

fn has_same_name(service: &ServiceSpec, others: &str) -> bool {
    service.name.as_str().chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

#[test]
fn a_procfile_gives_the_lines_back() {
    let mut lines = 0;
    for group in all() {
        let here = back(&group, Target::Procfile);
        let there: BTreeMap<&ServiceName, &RunCommand> =
            here.services.iter().map(|service| (&service.name, &service.run)).collect();
        let plain = group.services.iter().filter(|service| {
            let starts = service.kind == Kind::Service && service.autostart && service.profiles.is_empty();
            let is_line = matches!(&service.run, RunCommand::Shell(text) if !text.contains('\n'));
            let is_bare = service.env.is_empty() && service.dir.known() == Some(&group.root);
            starts && is_line && is_bare && has_same_name(service, "_-")
        });
        for service in plain {
            assert_eq!(there.get(&service.name), Some(&&service.run), "{}", service.name);
            lines += 1;
        }
    }
    assert!(lines > 15, "{lines}");
}

/// What a compose file says of a service, and `init` reads.
#[derive(Debug, PartialEq)]
struct Said {
    needs: Vec<(ServiceName, Condition)>,
    is_job: bool,
    port: Option<u16>,
    profiles: Vec<String>,
    /// The seconds that it may take to become ready, if it is asked.
    ready: Option<u64>,
}

/// `is_there`: it is a group that `init` made, whose checks ask a container.
fn said(service: &ServiceSpec, group: &GroupSpec, is_there: bool) -> Said {
    let is_asked = |service: &ServiceSpec| match service.ready.as_ref().map(|ready| &ready.probe) {
        None | Some(Probe::Log(_) | Probe::Delay(_) | Probe::Notify) => false,
        Some(Probe::Cmd(RunCommand::Shell(text))) => is_there || !text.starts_with("docker "),
        Some(_) => true,
    };
    let mut needs: Vec<(ServiceName, Condition)> = service
        .depends_on
        .iter()
        .map(|need| {
            let on = group.service(&need.on).unwrap();
            let until = match need.until {
                // Without a check, a service is ready when it runs.
                Condition::Ready if !is_asked(on) => Condition::Started,
                until => until,
            };
            (need.on.clone(), until)
        })
        .collect();
    needs.sort_by(|one, other| one.0.cmp(&other.0));
    // A job that nobody waits for looks like a service there, and `run` publishes no ports.
    let awaits = |other: &&std::sync::Arc<ServiceSpec>| {
        other.depends_on.iter().any(|need| need.on == service.name && need.until == Condition::Done)
    };
    let is_job = group.services.iter().any(|other| awaits(&other));
    let port = service.ports.first().map(|port| port.number).filter(|_| service.replicas.is_none() && !is_job);
    let ready = service.ready.as_ref().filter(|_| is_asked(service) && !is_job);
    Said { needs, is_job, port, profiles: service.profiles.clone(), ready: ready.map(|ready| ready.timeout.as_secs()) }
}

#[test]
fn a_compose_file_gives_the_group_back() {
    let mut services = 0;
    for group in all() {
        // Names that compose lacks are others there.
        if !group.services.iter().all(|service| has_same_name(service, "._-") && service.worker.is_none()) {
            continue;
        }
        let here = back(&group, Target::Compose);
        let names = |group: &GroupSpec| group.services.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&here), names(&group));
        for (one, other) in group.services.iter().zip(&here.services) {
            let (mut before, after) = (said(one, &group, false), said(other, &here, true));
            // What does not start by itself has a profile there, and those of what needs it. What is needed at once has none.
            let has_own = one.profiles.iter().all(|profile| after.profiles.contains(profile));
            assert!(after.profiles.is_empty() || has_own, "{}: {after:?}", one.name);
            before.profiles = after.profiles.clone();
            // A published port is a check where there is no other, and so is what tells whether it is alive.
            if before.ready.is_none() && (after.port.is_some() || one.alive.is_some()) {
                before.ready = after.ready;
            }
            assert_eq!(after, before, "{}", one.name);
            services += 1;
        }
    }
    assert!(services > 20, "{services}");
}
