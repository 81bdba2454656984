//! The warnings about values that a start would miss: which variables are set is known only where somebody asks.

use std::collections::HashSet;
use std::ffi::OsString;
use std::ops::Range;

use super::at_start::{Fault, faults};
use super::diagnostic::Diagnostic;
use super::environment::{EnvironmentError, values};
use super::load::Loaded;
use super::problems::{as_key, shown};
use super::references::with_group_values;
use crate::domain::{Scale, ServiceName, ServiceSpec};

/// Where commands stand, as [`Fault::place`] says it.
const COMMANDS: [&str; 5] = ["the command", "validate.run", "stop.command", "ready.cmd", "alive.cmd"];

impl Loaded {
    /// Warns of what would stand in the way of a start now. `inherited`: what a service inherits.
    pub fn warn_values(&mut self, inherited: &dyn Fn(&ServiceSpec) -> Vec<(OsString, OsString)>) {
        let mut found = Vec::new();
        // Said once where several services have it from `[defaults]`.
        let mut said = HashSet::new();
        // As it would be started: a service may have no instances, and so no port.
        let spec = with_group_values(self.spec.clone().with_instances(&Scale::new()));
        for service in spec.services.iter().filter(|service| service.needs_values()) {
            for fault in faults_of(service, &inherited(service)) {
                let Some(place) = self.value_place(service, &fault) else { continue };
                if said.insert((place.start, fault.unset.clone())) {
                    found.push(warning(service, fault, place));
                }
            }
        }
        self.warnings.extend(found);
    }

    /// Where the value stands: the variable itself, if the text has it as it is.
    fn value_place(&self, service: &ServiceSpec, fault: &Fault) -> Option<Range<usize>> {
        let places = self.places.values.get(written(service))?;
        let whole = |key: &str| places.iter().find(|(place, _)| place == key).map(|(_, span)| span.clone());
        let key = fault.place.split('.').next().unwrap_or_default();
        let span = whole(&fault.place).or_else(|| whole(key))?;
        let start = fault.unset.as_ref().and_then(|name| {
            let at = self.warnings.text().get(span.clone())?.find(&format!("${{{name}}}"))?;
            Some(span.start + at..span.start + at + name.len() + 3)
        });
        Some(start.unwrap_or(span))
    }
}

/// The name that the file has for a service, or for what it is an instance of.
fn written(service: &ServiceSpec) -> &ServiceName {
    service.instance.as_ref().map_or(&service.name, |instance| &instance.of)
}

/// Why the values of a service cannot be known. A look finds the first unset variable of each value; those are treated as
/// set, and the next look finds more, until there are none.
fn faults_of(service: &ServiceSpec, inherited: &[(OsString, OsString)]) -> Vec<Fault> {
    let mut inherited = inherited.to_vec();
    let mut found = first_faults(service, &inherited);
    let mut new = found.clone();
    while new.iter().any(|fault| fault.unset.is_some()) {
        let names = new.iter().filter_map(|fault| fault.unset.as_ref());
        inherited.extend(names.map(|name| (name.into(), "1".into())));
        // What else is wrong with a value may be wrong with what it was taken for.
        new = first_faults(service, &inherited);
        new.retain(|fault| fault.unset.is_some() && !found.contains(fault));
        found.extend(new.iter().cloned());
    }
    found
}

fn first_faults(service: &ServiceSpec, inherited: &[(OsString, OsString)]) -> Vec<Fault> {
    match values(service, inherited) {
        Ok(Some(variables)) => faults(service, &|name| variables.get(name)),
        // A pipe is read by a start alone.
        Ok(None) => Vec::new(),
        Err(EnvironmentError::Value { place, reason, unset, .. }) => vec![Fault { place, reason, unset }],
        Err(error @ EnvironmentError::File { .. }) => vec![Fault::new("env_file", error.to_string())],
    }
}

fn warning(service: &ServiceSpec, fault: Fault, place: Range<usize>) -> Diagnostic {
    let (who, name) = (shown(written(service).as_str()), fault.unset.as_deref());
    let of_group = name.and_then(|name| service.values.why_missing(name));
    let Some(name) = name.filter(|_| of_group.is_none()) else {
        // A sentence: only names in it are cut.
        return Diagnostic::warning("value", of_group.unwrap_or(fault.reason))
            .at(place, format!("with this, `{who}` cannot start"));
    };
    let mut help = format!(
        "give it a default: ${{{name}:-value}}\nor set it: with env = {{ {} = \"value\" }}, with {name}=value in an `env_file`, or in \
         the shell that starts devgroup",
        as_key(name)
    );
    // Only in a command that is a list are values missed.
    if COMMANDS.contains(&fault.place.as_str()) {
        help += &format!("\nor, to pass this text on to the command, write `$$` for a plain dollar: $${{{name}}}");
    }
    Diagnostic::warning("unset-variable", format!("the variable `{name}` is not set"))
        .at(place, format!("without it `{who}` cannot start"))
        .help(help)
}
