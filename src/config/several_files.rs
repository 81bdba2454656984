//! What only a group of several files can get wrong: keys of an included file that belong to the group, two services of one
//! name, and what local files take out.

use std::collections::HashMap;

use super::diagnostic::Diagnostic;
use super::gather::Gathered;
use super::group::Named;
use super::laid_over::TakenOut;
use super::near::{any_of, near};
use super::problems::{Fields, Problems, Slot, shown};
use super::sources::Sources;
use crate::domain::ServiceName;
use crate::group_files::{IncludePattern, PatternFault, local_of};

/// What an included file may say: it is about its own services.
pub(super) const IN_INCLUDED_FILES: [&str; 3] = ["defaults", "watch", "services"];

/// The same of its `[watch]`: a group has one watcher.
pub(super) const IN_INCLUDED_WATCH: [&str; 3] = ["ignore", "also", "debounce"];

/// Reports the keys of an included file that are for the group. `before`: of what the keys are.
pub(super) fn misplaced(
    fields: &Fields<'_, '_>,
    allowed: &[&str],
    before: &str,
    gathered: &Gathered,
    problems: &mut Problems,
) {
    for key in fields.known_keys().filter(|key| !allowed.contains(&key.name)) {
        let own = gathered.sources.name(gathered.sources.file(0));
        let span = fields.key_span(key.name).unwrap_or_default();
        let help = match key.name {
            "include" => format!("an included file cannot include others: list them in {own}"),
            _ => format!("it is for the whole group: write it into {own}"),
        };
        problems.add(
            Diagnostic::error("misplaced", format!("`{before}{}` does not belong in an included file", key.name))
                .at(span, format!("this belongs in {own}"))
                .help(help),
        );
    }
}

/// `include`: patterns of files. What they find is looked for elsewhere.
pub(super) fn include(slot: Slot<'_, '_>, problems: &mut Problems) -> Option<()> {
    slot.list(problems, |slot, problems| {
        let text = problems.keep(slot.line())?;
        let fault = IncludePattern::new(text).err()?;
        let problem = |message: String, label: &str| Diagnostic::error("include", message).at(slot.span(), label);
        let text = shown(text);
        problems.add(match fault {
            PatternFault::Absolute => {
                problem(format!("`{text}` starts with a slash"), "paths are relative to this file")
                    .help("include = [\"services/*/procgroup.toml\"]")
            }
            PatternFault::Outside => {
                problem(format!("`{text}` is outside the group"), "outside the folder of this file")
                    .help("put procgroup.toml into the folder that contains all files of the group")
            }
            PatternFault::Deep => problem(format!("`{text}` has `**`, which `include` does not support"), "any depth")
                .help("name each depth: include = [\"*/procgroup.toml\", \"*/*/procgroup.toml\"]"),
            PatternFault::NoFile => problem(format!("`{text}` names no file"), "the name of the file is missing")
                .help("include = [\"services/*/procgroup.toml\"]"),
            PatternFault::Glob(reason) => problem(format!("`{text}` is not a valid pattern"), &reason)
                .help("* matches any characters, ? one character, [ab] one of these, {a,b} either of these"),
        });
        None::<()>
    })?;
    Some(())
}

/// Removes the services that local files take out. `bool`: it is the local file of the group, which may take out any.
pub(super) fn take_out(
    services: &mut Vec<Named>,
    taken_out: &[(TakenOut, bool)],
    sources: &Sources,
    problems: &mut Problems,
) {
    let own_local = sources.name(&local_of(sources.file(0)));
    for (out, is_of_group) in taken_out.iter().filter(|(out, _)| !out.was_there) {
        let before = services.len();
        if *is_of_group {
            services.retain(|service| service.name.as_str() != out.name);
        }
        if services.len() < before {
            continue;
        }
        if services.iter().any(|service| service.name.as_str() == out.name) {
            problems.add(
                Diagnostic::error("unknown-service", format!("`{}` is defined in another file", shown(&out.name)))
                    .at(out.span.clone(), "only services of the file beside this one can be taken out here")
                    .help(format!("take it out in {own_local}")),
            );
            continue;
        }
        let names = near(&out.name, services.iter().map(|service| service.name.as_str()));
        let label = match names.as_slice() {
            [] => String::from("no such service"),
            names => format!("did you mean {}?", any_of(names)),
        };
        problems.add(
            Diagnostic::error("unknown-service", format!("there is no service `{}` to take out", shown(&out.name)))
                .at(out.span.clone(), label)
                .help("remove this line"),
        );
    }
}

/// Two services of one name are told, and one of them is kept.
pub(super) fn keep_one_of_each(services: Vec<Named>, sources: &Sources, problems: &mut Problems) -> Vec<Named> {
    let own_local = local_of(sources.file(0));
    let file_of = |service: &Named| sources.file(sources.number_at(service.header.start)).to_owned();
    let mut places: HashMap<ServiceName, usize> = HashMap::new();
    let mut kept: Vec<Named> = Vec::with_capacity(services.len());
    for service in services {
        let Some(first) = places.get(&service.name).and_then(|place| kept.get_mut(*place)) else {
            places.insert(service.name.clone(), kept.len());
            kept.push(service);
            continue;
        };
        let name = shown(service.name.as_str());
        let (here, there) = (file_of(&service), file_of(first));
        // Who writes it into the local file of the group means to change it, not to have a second one.
        let is_meant = there == own_local;
        let help = match is_meant {
            true => format!("to change `{name}` only for yourself, write this into {}", sources.name(&local_of(&here))),
            false => format!("rename one of them: {} and {} are one group", sources.name(&there), sources.name(&here)),
        };
        let other = if is_meant { std::mem::replace(first, service) } else { service };
        problems.add(
            Diagnostic::error("name-clash", format!("two services are called `{name}`"))
                .at(other.header, format!("`{name}` again"))
                .at(first.header.clone(), format!("`{name}` is here already"))
                .help(help),
        );
    }
    kept
}
