//! What one call of devgroup runs of a group: services by name, `--only`, `--exclude`, `--no-deps`, `--profile`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::domain::{GroupSpec, ServiceName, ServiceSpec, Unknown, other_names, other_services, visible};

/// What the command line asks for. The default takes the group as the file describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// `devgroup SERVICE…`: only these, and what they need.
    pub services: Vec<String>,
    /// `--only`: the same as naming them.
    pub only: Vec<String>,
    /// `--exclude`: not these. Whoever depends on one of them does not wait for it.
    pub exclude: Vec<String>,
    /// `--no-deps`: what is selected waits for nobody, and brings nobody.
    pub no_deps: bool,
    /// `--profile`: also the services of these profiles.
    pub profiles: Vec<String>,
}

/// A name of the selection that the group does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// No service is called so. Exit code 6.
    #[error("{0}")]
    UnknownService(
        /// Why it means nobody, and what there is.
        Box<Unknown>,
    ),
    /// What was named was excepted as well. Exit code 2.
    #[error("nothing left to run: every named service is excluded")]
    Nothing,
    /// No service belongs to a profile of this name.
    #[error("unknown profile `{}`", visible(name))]
    UnknownProfile {
        /// The name, as the command line gives it.
        name: String,
        /// All profiles, in the order of the file.
        known: Vec<String>,
    },
}

impl SelectionError {
    /// What to do, if that is not said already.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::UnknownService(unknown) => Some(other_services(&unknown.written, &unknown.known)),
            Self::UnknownProfile { name, known } => Some(other_names(name, known, "profiles")),
            Self::Nothing => None,
        }
    }
}

/// Narrows a group to what this call of devgroup asks for.
///
/// A name may also be that of an instance or a group (`@backend`), or a pattern (`w*`).
///
/// - Services of a profile leave the group, unless the profile or the service is named, or a service that stays needs them.
/// - What is not selected stays in the list, but does not start by itself. Selected is what is named; without a name,
///   every service that has `autostart`. What `except` names is never selected.
/// - What a selected service needs, directly or not, starts too, even with `autostart = false`.
///
/// # Errors
/// A name that no service, or no profile, has.
pub fn select(spec: GroupSpec, selection: &Selection) -> Result<GroupSpec, SelectionError> {
    check_profiles(&spec, selection)?;
    let roster = spec.roster();
    let resolve = |written: &mut dyn Iterator<Item = &String>| -> Result<HashSet<ServiceName>, SelectionError> {
        let names = roster.resolve(written.map(String::as_str));
        let names = names.map_err(|unknown| SelectionError::UnknownService(unknown.into()))?;
        Ok(names.into_iter().collect())
    };
    let named = resolve(&mut selection.services.iter().chain(&selection.only))?;
    let except = resolve(&mut selection.exclude.iter())?;
    // What is named may have no instance now.
    let takes_all = selection.services.is_empty() && selection.only.is_empty();
    let by_name: HashMap<&ServiceName, &ServiceSpec> =
        spec.services.iter().map(|service| (&service.name, service.as_ref())).collect();

    let wanted = |service: &ServiceSpec| {
        let called = if takes_all { service.autostart } else { named.contains(&service.name) };
        called && !except.contains(&service.name)
    };
    let waits_for = |service: &ServiceSpec, on: &ServiceName| {
        let freed = selection.no_deps && wanted(service);
        !freed && !except.contains(on)
    };
    let in_profile = |service: &ServiceSpec| {
        service.profiles.is_empty()
            || named.contains(&service.name)
            || service.profiles.iter().any(|profile| selection.profiles.contains(profile))
    };
    let closure = |roots: &dyn Fn(&ServiceSpec) -> bool| {
        let mut found: HashSet<ServiceName> = HashSet::new();
        let mut open: Vec<&ServiceSpec> = spec.services.iter().map(Arc::as_ref).filter(|&s| roots(s)).collect();
        while let Some(service) = open.pop() {
            if found.insert(service.name.clone()) {
                let needed = service.depends_on.iter().filter(|dependency| waits_for(service, &dependency.on));
                open.extend(needed.filter_map(|dependency| by_name.get(&dependency.on).copied()));
            }
        }
        found
    };
    let kept = closure(&in_profile);
    let started = closure(&|service| in_profile(service) && wanted(service));

    if started.is_empty() && named.iter().any(|name| except.contains(name)) {
        return Err(SelectionError::Nothing);
    }
    let services = spec
        .services
        .iter()
        .filter(|service| kept.contains(&service.name))
        .map(|service| {
            let is_started = started.contains(&service.name) == service.autostart && !service.left_out;
            if is_started && service.depends_on.iter().all(|dependency| waits_for(service, &dependency.on)) {
                return Arc::clone(service);
            }
            let mut narrowed = ServiceSpec::clone(service);
            narrowed.autostart = started.contains(&service.name);
            narrowed.left_out = service.autostart && !narrowed.autostart;
            narrowed.depends_on.retain(|dependency| waits_for(service, &dependency.on));
            Arc::new(narrowed)
        })
        .collect();
    let is_kept = |name: &ServiceName| {
        let mut instances = spec.services.iter().filter(|service| kept.contains(&service.name));
        instances.any(|service| service.instance.as_ref().is_some_and(|instance| instance.of == *name))
    };
    let replicated = spec.replicated.iter().filter(|one| one.count == 0 || is_kept(&one.name)).cloned().collect();
    Ok(GroupSpec { services, replicated, ..spec })
}

fn check_profiles(spec: &GroupSpec, selection: &Selection) -> Result<(), SelectionError> {
    let mut profiles: Vec<&str> = Vec::new();
    for profile in spec.services.iter().flat_map(|service| &service.profiles) {
        if !profiles.contains(&profile.as_str()) {
            profiles.push(profile);
        }
    }
    for name in &selection.profiles {
        if !profiles.contains(&name.as_str()) {
            return Err(SelectionError::UnknownProfile {
                name: name.clone(),
                known: profiles.into_iter().map(str::to_owned).collect(),
            });
        }
    }
    Ok(())
}
