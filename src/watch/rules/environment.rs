//! Who reads a file of `env_file`, and what a change of it means: it counts as watched for a service that watches, whatever
//! git says of it, unless the service takes it out; for one that does not watch, it is only to be told.

use std::path::{Path, PathBuf};

use super::super::environment_files::followed;
use super::folder_state::{FolderState, RuleState};
use super::{Rules, ServiceRules, below, normal, written};
use crate::domain::{
    Explanation, GroupSpec, Match, PathVerdict, Rule, RuleSource, ServiceName, StepOutcome, WhyStep, path_text,
};

/// A service that reads a file.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    pub(super) path: PathBuf,
    pub(super) service: ServiceName,
    /// Its place among the rules of services, if it watches.
    place: Option<usize>,
    pub(super) rule: Rule,
}

/// What a change of the file means for a reader.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reading<'a> {
    /// It acts.
    Watches,
    /// It is told in its log: it watches no files.
    Told,
    /// This rule takes the file out.
    TakenOut(&'a Rule),
}

impl Reader {
    /// All readers of a group, each with its file. `services`: those that watch.
    pub(super) fn all(spec: &GroupSpec, root: &Path, services: &[ServiceRules]) -> Vec<Self> {
        let files = spec
            .services
            .iter()
            .flat_map(|service| service.env_files.iter().map(move |file| (service, file)))
            .flat_map(|(service, file)| followed(file).map(move |path| (service, file, path)));
        let readers = files.map(|(service, file, path)| {
            let path = normal(path);
            let pattern = path_text(below(&path, root).unwrap_or(&path)).into();
            let source = RuleSource::EnvFile(written(service));
            Self {
                place: services.iter().position(|rules| rules.names.contains(&service.name)),
                service: service.name.clone(),
                rule: Rule { source, line: Some(file.line).filter(|line| *line > 0), file: file.file.clone(), pattern },
                path,
            }
        });
        readers.collect()
    }
}

impl Rules {
    /// Whether a path is that of a file of `env_file`.
    pub(super) fn is_read_at_starts(&self, path: &Path) -> bool {
        self.readers.iter().any(|reader| reader.path == path)
    }

    /// What the rules say about a file of `env_file`; `None` if it is none.
    pub(in crate::watch) fn decide_environment(&self, path: &Path) -> Option<Match> {
        if !self.is_read_at_starts(path) {
            return None;
        }
        let decided = self.decided_about(path);
        let matched = decided.as_ref().map_or(Match::NoMatch, |decided| self.matched(self.asked(path), decided));
        Some(self.with_readers(path, decided.as_ref(), matched))
    }

    /// How things stand with a file, if it lies where somebody looks.
    fn decided_about(&self, path: &Path) -> Option<FolderState> {
        let start = self.start_of(path);
        let rest = path.strip_prefix(&start).ok().filter(|rest| !rest.as_os_str().is_empty())?;
        Some(self.walk(start.clone(), rest, false, &mut ()))
    }

    /// The same with those that read the file, in the order of the group.
    pub(super) fn with_readers(&self, path: &Path, decided: Option<&FolderState>, matched: Match) -> Match {
        let readers = self.readings(path, decided);
        let readers: Vec<_> =
            readers.into_iter().filter(|(_, reading)| !matches!(reading, Reading::TakenOut(_))).collect();
        let Some((first, _)) = readers.first() else { return matched };
        let (mut names, rule) = match &matched {
            Match::Watched { services, rule } => (services.to_vec(), rule.clone()),
            Match::Ignored(_) | Match::NoMatch => (Vec::new(), first.rule.clone()),
        };
        for (reader, _) in readers {
            if !names.contains(&reader.service) {
                names.push(reader.service.clone());
            }
        }
        names.sort_by_key(|name| self.order.get(name).copied());
        Match::Watched { services: names.into(), rule }
    }

    /// Those that read a file, and what a change of it means for each.
    pub(super) fn readings<'a>(
        &'a self,
        path: &Path,
        decided: Option<&'a FolderState>,
    ) -> Vec<(&'a Reader, Reading<'a>)> {
        let readers = self.readers.iter().filter(|reader| reader.path == path);
        let readings = readers.map(|reader| {
            let service = reader.place.and_then(|place| self.services.get(place));
            let taken_out = service.and_then(|service| service.scope.taken_out(path));
            let state = decided.map(|decided| service.map_or(&decided.common, |service| decided.state(service)));
            let ignored = match state {
                // Who names a file in a list of devgroup means it; git's are about something else.
                Some(RuleState::Ignored { rule, .. }) => Some(rule)
                    .filter(|rule| matches!(rule.source, RuleSource::ServiceIgnore(_) | RuleSource::GroupIgnore)),
                _ => None,
            };
            let reading = match (taken_out.or(ignored), service) {
                (Some(rule), _) => Reading::TakenOut(rule),
                (None, Some(_)) => Reading::Watches,
                (None, None) => Reading::Told,
            };
            (reader, reading)
        });
        readings.collect()
    }
}

impl Rules {
    /// Adds who reads a file to what is known of it.
    pub(super) fn explain_readers(&self, path: &Path, decided: Option<&FolderState>, explanation: &mut Explanation) {
        let readings = self.readings(path, decided);
        let (mut first, mut told): (_, Vec<&str>) = (None, Vec::new());
        for (reader, reading) in &readings {
            let name = &reader.service;
            let (outcome, rule) = match reading {
                Reading::Watches | Reading::Told => (StepOutcome::Watches, &reader.rule),
                Reading::TakenOut(rule) => (StepOutcome::Ignores, *rule),
            };
            // Of the instances of a service it is one step.
            let of = if let RuleSource::EnvFile(of) = &reader.rule.source { of } else { name };
            let source = format!("services.{of}.env_file").into();
            if !explanation.chain.iter().any(|step| step.source == source) {
                explanation.chain.push(WhyStep { source, outcome, rule: Some(rule.clone()), about: None });
            }
            match reading {
                Reading::Watches if !explanation.services.contains(name) => explanation.services.push(name.clone()),
                Reading::Watches | Reading::TakenOut(_) => {}
                Reading::Told => told.push(name.as_str()),
            }
            if !matches!(reading, Reading::TakenOut(_)) {
                first.get_or_insert(&reader.rule);
            }
        }
        explanation.notes.extend(note_of_told(&told));
        let Some(rule) = first else { return };
        explanation.services.sort_by_key(|name| self.order.get(name).copied());
        if explanation.verdict != PathVerdict::Watched {
            if let Some(ignored) = explanation.rule.as_ref().filter(|_| explanation.verdict == PathVerdict::Ignored) {
                let place = explanation.place_of(ignored);
                explanation.notes.push(format!("an `env_file` counts, so this does not apply:  {place}"));
            }
            (explanation.verdict, explanation.rule) = (PathVerdict::Watched, Some(rule.clone()));
        }
    }
}

/// What a change means for the services that read the file and watch nothing.
fn note_of_told(services: &[&str]) -> Option<String> {
    match services {
        [] => None,
        [one] => Some(format!(
            "{one} reads it at each start and watches no files: a change is noted in its log; restart it to apply it"
        )),
        several => Some(format!(
            "{} read it at each start and watch no files: a change is noted in their logs; restart them to apply it",
            several.join(", ")
        )),
    }
}
