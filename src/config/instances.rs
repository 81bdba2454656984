//! What a file says of several services at once: `replicas`, and the groups and patterns of `depends_on`.

use toml::Spanned;

use super::check::{needs_what_is_taken_out, unknown_service};
use super::diagnostic::Diagnostic;
use super::draft::{Need, Needs};
use super::group::Named;
use super::laid_over::TakenOut;
use super::near::{any_of, near};
use super::problems::{Problems, shown};
use crate::domain::{Instance, Meant, Probe, Replicated, Roster, ServiceName, Unknown, WhyUnknown, is_plain_name};

/// Puts the services in the place of what the entries of `depends_on` are written as. Entries that mean nobody go, and are
/// reported.
pub(super) fn find_needs(services: &mut [Named], taken_out: &[TakenOut], problems: &mut Problems) {
    let roster = roster(services);
    let mut found: Vec<Option<Needs>> = Vec::with_capacity(services.len());
    for service in &*services {
        let needs = service
            .draft
            .depends_on
            .as_ref()
            .map(|written| needs(written, service, &roster, (services, taken_out), problems));
        found.push(needs);
    }
    for (service, needs) in services.iter_mut().zip(found) {
        service.draft.depends_on = needs;
    }
}

/// The services as names know them. Their instances are those that the file says.
fn roster(services: &[Named]) -> Roster {
    let group = |service: &Named| service.draft.group.as_ref().map(|group| group.get_ref().clone());
    let replicated: Vec<Replicated> = services
        .iter()
        .filter_map(|service| {
            let count = replicas(service)?;
            Some(Replicated { name: service.name.clone(), group: group(service).map(Into::into), count })
        })
        .collect();
    let mut all: Vec<(ServiceName, Option<Instance>, Option<String>)> = Vec::new();
    for service in services {
        match replicas(service) {
            None => all.push((service.name.clone(), None, group(service))),
            Some(count) => all.extend((1..=count).map(|number| {
                let of = service.name.clone();
                (of.instance(number), Some(Instance { of, number, count }), group(service))
            })),
        }
    }
    Roster::new(all.iter().map(|(name, instance, group)| (name, instance.as_ref(), group.as_deref())), &replicated)
}

fn replicas(service: &Named) -> Option<u32> {
    service.draft.replicas.as_ref().map(|replicas| *replicas.get_ref())
}

fn needs(
    written: &Needs,
    service: &Named,
    roster: &Roster,
    (services, taken_out): (&[Named], &[TakenOut]),
    problems: &mut Problems,
) -> Needs {
    // Each with whether its own name is written: that says more than a group.
    let mut needs: Vec<(bool, Need)> = Vec::new();
    for entry in written {
        let (text, condition) = entry.get_ref();
        let is_plain = is_plain_name(text.as_str());
        let meant = match roster.meant(text.as_str()) {
            Ok(meant) => meant,
            Err(unknown) => {
                if let Some(out) = taken_out.iter().find(|out| out.name == text.as_str()) {
                    problems.add(needs_what_is_taken_out(service, entry.span(), out));
                } else if !problems.is_full() {
                    problems.add(unknown_need(&unknown, entry.span(), service, services));
                }
                continue;
            }
        };
        for meant in meant {
            let on = match meant {
                Meant::All(member) => member.name.clone(),
                Meant::One(name) => name.clone(),
            };
            // Nobody in a group waits for itself because it waits for the group.
            let of = on.split_instance().map(|(of, _)| of);
            if !is_plain && *of.as_ref().unwrap_or(&on) == service.name {
                continue;
            }
            let need = Spanned::new(entry.span(), (on, *condition));
            match needs.iter_mut().find(|(_, other)| other.get_ref().0 == need.get_ref().0) {
                Some(other) if is_plain && !other.0 => *other = (true, need),
                Some(_) => {}
                None => needs.push((is_plain, need)),
            }
        }
    }
    needs.into_iter().map(|(_, need)| need).collect()
}

fn unknown_need(unknown: &Unknown, span: std::ops::Range<usize>, service: &Named, services: &[Named]) -> Diagnostic {
    let written = unknown.written.as_str();
    let problem = |what: String| Diagnostic::error("unknown-service", format!("`depends_on` {what}"));
    match &unknown.why {
        WhyUnknown::Service => unknown_service(written, span, service, services),
        WhyUnknown::Instance(of, count) => {
            problem(format!("names an instance that does not exist: `{}`", shown(written)))
                .at(span, format!("{of} has replicas = {count}"))
                .help(format!("depends_on = [\"{of}\"] waits for all of its instances"))
        }
        WhyUnknown::Group => {
            let problem = problem(format!("names a group that does not exist: `{}`", shown(written)));
            let known = match unknown.known.as_slice() {
                [] => "no service has the key `group`".to_owned(),
                known => format!("groups here: {}", known.join(", ")),
            };
            match near(written, unknown.known.iter().map(String::as_str)).as_slice() {
                [] => problem.at(span, known).help("a service is in a group by its key: group = \"backend\""),
                names => problem.at(span, format!("did you mean {}?", any_of(names))).help(known),
            }
        }
        WhyUnknown::Pattern => problem(format!("has a pattern that no service matches: `{}`", shown(written)))
            .at(span, "no name matches")
            .help("`*` stands for any characters: \"db*\""),
        WhyUnknown::Malformed(reason) => {
            problem(format!("has a pattern that cannot be read: `{}`", shown(written))).at(span, reason.clone())
        }
    }
}

/// What several instances cannot share, and how many are too many.
pub(super) fn check(services: &[Named], problems: &mut Problems) {
    let mut all = 0_u32;
    for service in services {
        let Some(replicas) = &service.draft.replicas else { continue };
        let count = *replicas.get_ref();
        let had_room = all <= Instance::MOST_OF_ALL;
        all = all.saturating_add(count);
        if had_room && all > Instance::MOST_OF_ALL {
            problems.add(
                Diagnostic::error("range", format!("a group can have at most {} instances", Instance::MOST_OF_ALL))
                    .at(replicas.span(), format!("this makes {all} in all"))
                    .help("each instance is a process with a terminal and a log of its own"),
            );
        }
        let Some(ready) = &service.draft.ready else { continue };
        if let (Probe::Port(port), 2..) = (&ready.get_ref().probe, count) {
            problems.add(
                Diagnostic::warning(
                    "port",
                    format!("the {count} instances of `{}` have the same port: {port}", service.name),
                )
                .at(ready.span(), "all of them count as ready as soon as one listens")
                .help(format!("give each its own: port = {port} and ready = {{ port = \"${{PORT}}\" }}")),
            );
        }
    }
}
