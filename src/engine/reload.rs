//! The file was saved: the difference between what it said and what it says now is carried out, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{
    Expandable, FactKind, GroupSpec, Instance, Marker, Outcome, Phase, RunCommand, Scaling, ServiceName, ServiceSpec,
    StartCause, port_variables, some_of,
};

use super::next_start::NextStart;
use super::service::Service;
use super::turn::Turn;
use super::validation::{Refused, Validity};
use super::{Effect, Engine};

/// Cells of the names that are told of one kind.
const MOST_NAMES: usize = 40;

impl Engine {
    /// Services that are new start, if they start by themselves; those that are gone are ended; those that would run
    /// differently are restarted; all others go on undisturbed, with their new settings.
    pub(super) fn reload(&mut self, spec: Arc<GroupSpec>, files: &Arc<str>, turn: &mut Turn) {
        let config = StartCause::Config { files: Arc::clone(files) };
        let differs = !turn.stopping && spec != self.spec;
        let begins = differs && self.batch.add(turn.now);
        let services = if differs { differences(&self.spec, &spec).into() } else { Arc::default() };
        turn.tell(FactKind::Reload { differs, files: Arc::clone(files), services, begins });
        if turn.stopping {
            return;
        }
        // Whoever saves the file has looked into what waits.
        self.end_limits(turn);
        if spec == self.spec {
            self.services.iter_mut().for_each(|service| service.try_to_start_again(&config, turn));
            return;
        }
        self.take_over(spec, &|_| config.clone(), turn);
    }

    /// Services have other numbers of instances: new ones start, surplus ones are ended, and those that stay go on.
    pub(super) fn scale(&mut self, spec: Arc<GroupSpec>, scalings: Vec<Scaling>, turn: &mut Turn) {
        if turn.stopping {
            return;
        }
        turn.tell(FactKind::Scaled(scalings));
        // The numbers are applied to the file as it is now, and that is held: they come with it.
        if let Some((held, _)) = &mut self.held_file {
            *held = spec;
            return;
        }
        let count = |spec: &ServiceSpec| spec.instance.as_ref().map_or(1, |instance| instance.count);
        self.take_over(spec, &|spec| StartCause::Scaled(count(spec)), turn);
    }

    /// Carries the difference to another group out. `cause`: why a service starts that is new or differs.
    fn take_over(&mut self, spec: Arc<GroupSpec>, cause: &dyn Fn(&ServiceSpec) -> StartCause, turn: &mut Turn) {
        // First of all, because each new service gets its log by it.
        turn.emit(Effect::Rewatch(spec.clone()));
        if self.spec.alerts != spec.alerts {
            // Somebody else is told from now on.
            self.undelivered = None;
        }
        self.spec = spec;
        self.files = super::view::files(&self.spec);

        let before = std::mem::take(&mut self.services);
        let siblings = wanted_instances(&before);
        let mut before: Vec<Option<Service>> = before.into_iter().map(Some).collect();
        let mut needed: Vec<ServiceName> = Vec::new();
        for new in &self.spec.services {
            let known = self.graph.place_of(&new.name).and_then(|place| before.get_mut(place)?.take());
            let is_new = known.as_ref().is_none_or(|service| service.retired);
            let mut service = known.unwrap_or_else(|| Service::new(new.clone(), self.seed, turn.now));
            if is_new {
                // It may have been taken out of the file a moment ago, and be ending still: it starts after that.
                service.retired = false;
                service.respec(new.clone());
                service.start_at_once(cause(new));
                // One more instance does as those that are there: what is stopped stays so.
                let of = new.instance.as_ref().map(|instance| &instance.of);
                if of.and_then(|of| siblings.get(of)).copied().unwrap_or(new.autostart) {
                    needed.push(new.name.clone());
                }
            } else {
                if service.wanted {
                    let known = |name: &ServiceName| service.spec.depends_on.iter().any(|old| old.on == *name);
                    // Of one more instance, those that are there decide.
                    let has_siblings =
                        |on: &ServiceName| on.split_instance().is_some_and(|(of, _)| siblings.contains_key(&of));
                    let new = new.depends_on.iter().map(|one| &one.on);
                    needed.extend(new.filter(|on| !known(on) && !has_siblings(on)).cloned());
                } else if new.autostart && !service.spec.autostart && service.run.id.0 == 0 {
                    service.start_at_once(cause(new));
                    needed.push(new.name.clone());
                }
                service.reloaded(new.clone(), &cause(new), turn);
            }
            self.services.push(service);
        }
        // Of the instances of a service, the highest first.
        for mut gone in before.into_iter().flatten().rev() {
            gone.retired = true;
            gone.want_no_more(turn);
            self.services.push(gone);
        }
        self.services_have_changed();
        if self.begun {
            let places: Vec<usize> =
                (0..self.services.len()).filter(|&place| needed.contains(self.services[place].name())).collect();
            self.want_with_needs(&places);
        }
    }

    /// Forgets the services that are gone from the file and have ended.
    pub(super) fn forget_retired(&mut self, turn: &mut Turn) {
        let is_over = |service: &Service| service.retired && !service.is_live();
        if !self.services.iter().any(is_over) {
            return;
        }
        for service in self.services.iter().filter(|service| is_over(service)) {
            turn.emit(Effect::Forget(service.name().clone()));
        }
        self.services.retain(|service| !is_over(service));
        self.services_have_changed();
    }
}

/// Which services came, went or run differently, as it is said behind the name of the file.
fn differences(old: &GroupSpec, new: &GroupSpec) -> String {
    let by_name = |group: &GroupSpec| -> BTreeMap<ServiceName, Arc<ServiceSpec>> {
        group.services.iter().map(|spec| (spec.name.clone(), Arc::clone(spec))).collect()
    };
    let (old, new) = (by_name(old), by_name(new));
    let added: Vec<_> = new.keys().filter(|name| !old.contains_key(*name)).cloned().collect();
    let removed: Vec<_> = old.keys().filter(|name| !new.contains_key(*name)).cloned().collect();
    let is_changed = |name: &ServiceName, spec: &ServiceSpec| old.get(name).is_some_and(|old| sees_another(old, spec));
    let changed: Vec<_> =
        new.iter().filter(|(name, spec)| is_changed(name, spec)).map(|(name, _)| name.clone()).collect();
    let all = [(added, "added"), (removed, "removed"), (changed, "changed")].into_iter();
    let said = all.filter(|(names, _)| !names.is_empty());
    said.map(|(names, what)| format!(" · {} {what}", some_of(&names, MOST_NAMES))).collect()
}

impl Service {
    /// Takes over what the file says now. Only what the process itself sees is a reason to restart it; checks are
    /// exchanged beside it.
    fn reloaded(&mut self, new: Arc<ServiceSpec>, cause: &StartCause, turn: &mut Turn) {
        let config = || NextStart::new(cause.clone());
        let differs = sees_another(&self.spec, &new) && !self.is_back_at(&new);
        // Of what has ended nothing is left to be disturbed: whatever is to be run differently is run.
        let is_other_program = differs || self.spec.kind != new.kind && self.phase == Phase::Finished(Outcome::Done);
        let (validate_differs, ready_differs) = (self.spec.validate != new.validate, self.spec.ready != new.ready);
        self.respec(new);
        let refused = match &self.validation.validity {
            Validity::Refused(refused) => NextStart::change(&refused.paths).or(Some(config())),
            _ if self.phase == Phase::Finished(Outcome::Invalid) => Some(config()),
            _ => None,
        };
        if validate_differs && self.check().is_some() {
            self.cancel_validation(turn);
        }
        self.exchange_checks(turn);
        if !(differs && self.wanted) {
            self.exchange_worker(turn);
        }
        if let Phase::Running { .. } = self.phase
            && ready_differs
            && !(differs && self.wanted)
        {
            self.narrate(Marker::NewReady, turn);
        }
        if self.spec.schedule.is_some() && !self.is_live() {
            // At its next time it runs as the file says then.
        } else if is_other_program && self.wanted {
            self.want(config(), turn);
        } else if let Some(next) = refused.filter(|_| validate_differs && self.wanted) {
            // What was refused is asked about anew, or nobody asks any more.
            self.want(next, turn);
        } else {
            self.try_to_start_again(cause, turn);
        }
    }

    /// What could not take the place of the run that is up was taken back: that one is what the file says.
    fn is_back_at(&self, new: &ServiceSpec) -> bool {
        let is_of_files = |refused: &Refused| refused.paths.files().is_some();
        let refused = self.refused_start().is_some_and(|refused| !is_of_files(refused));
        refused && self.is_up() && !sees_another(&self.run.spec, new)
    }

    /// What kept its last start back may be there by now: whoever saves the file has looked into it.
    fn try_to_start_again(&mut self, cause: &StartCause, turn: &mut Turn) {
        if self.asks_only_whether_it_could_start() {
            // What was seen of it may be older than the save: it is looked at anew.
            self.cancel_validation(turn);
        }
        let Some(refused) = self.refused_start().filter(|_| self.wanted) else { return };
        match NextStart::change(&refused.paths) {
            Some(next) => self.want(next, turn),
            None if self.is_back_at(&self.spec) => self.validation.validity = self.unchanged(),
            None => self.want(NextStart::new(cause.clone()), turn),
        }
    }

    /// The live run is looked at by the checks that the file has now. One that is up is not asked anew whether it is
    /// ready: it keeps the check that it has passed, or that it began without.
    fn exchange_checks(&mut self, turn: &mut Turn) {
        let is_asked = matches!(self.phase, Phase::Starting { .. });
        let ready = if is_asked { &self.spec.ready } else { &self.run.spec.ready }.clone();
        let (alive, limits) = (self.spec.alive.clone(), self.spec.limits);
        let other = (ready != self.run.spec.ready, alive != self.run.spec.alive);
        let url_differs = self.spec.url != self.run.spec.url;
        let limits_differ = limits != self.run.spec.limits;
        if other == (false, false) && !url_differs && !limits_differ || !self.is_live() {
            return;
        }
        let url = self.spec.url.clone();
        self.run.spec = Arc::new(ServiceSpec { ready, alive, limits, url, ..(*self.run.spec).clone() });
        if let (Some(_), Some(run)) = (self.run.pid, self.phase.live_run())
            && (other.0 || url_differs)
            && self.run.spec.has_unexpanded_checks()
        {
            turn.emit(Effect::Expand { spec: self.run.spec.clone(), run });
        }
        if limits_differ {
            self.watch_memory(turn);
        }
        match self.phase {
            Phase::Starting { run, since, spawned: true, .. } if other.0 => {
                turn.emit(Effect::CheckReady { spec: self.run.spec.clone(), run });
                match &self.run.spec.ready {
                    Some(check) => {
                        let ready_by = Some(turn.now + check.timeout);
                        self.phase = Phase::Starting { run, since, ready_by, spawned: true };
                    }
                    None => self.is_running(run, turn),
                }
            }
            // What is being started asks as the file said before.
            Phase::Starting { spawned: false, .. } => self.run.exchange_is_due = true,
            Phase::Running { run, .. } if other.1 => self.watch_over_anew(run, turn),
            _ => {}
        }
    }
}

impl Service {
    /// A live worker works off its tasks as the file says now.
    fn exchange_worker(&mut self, turn: &mut Turn) {
        let (worker, stop) = (self.spec.worker.clone(), self.spec.stop.clone());
        let Some(run) = self.phase.live_run() else { return };
        let same = (&worker, &stop) == (&self.run.spec.worker, &self.run.spec.stop);
        if same || worker.is_none() || self.run.spec.worker.is_none() {
            return;
        }
        self.run.spec = Arc::new(ServiceSpec { worker, stop, ..(*self.run.spec).clone() });
        turn.emit(Effect::Respec { spec: self.run.spec.clone(), run });
    }

    /// The file gives it a word that it takes away from another one: a port, the name of a container, a folder. Two whose
    /// changes have nothing to do with each other do not wait for each other.
    pub(super) fn takes_over_from(&self, other: &Self) -> bool {
        let (had, has) = (words(&other.run.spec), words(&other.spec));
        let before = if self.run.id.0 == 0 { BTreeSet::new() } else { words(&self.run.spec) };
        words(&self.spec).iter().any(|word| !before.contains(word) && had.contains(word) && !has.contains(word))
    }
}

/// The words of all that tells a process what to use.
fn words(spec: &ServiceSpec) -> BTreeSet<String> {
    let command = match &spec.run {
        RunCommand::Shell(text) => text.clone(),
        RunCommand::Argv(argv) => argv.join(" "),
    };
    let dir = match &spec.dir {
        Expandable::Known(path) => path.to_string_lossy().into_owned(),
        Expandable::Text(text) => text.clone(),
    };
    let values = spec.env.iter().map(|(_, value)| value.clone());
    let ports = spec.ports.iter().map(|port| port.number.to_string());
    let texts: Vec<String> = values.chain([command, dir]).chain(ports).collect();
    let words = texts.iter().flat_map(|text| text.split(|char: char| !char.is_alphanumeric()));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether a process started by one would see anything else than one started by the other.
fn sees_another(old: &ServiceSpec, new: &ServiceSpec) -> bool {
    old.run != new.run
        || old.dir != new.dir
        || old.env_files.len() != new.env_files.len()
        || !old.env_files.iter().zip(&new.env_files).all(|(old, new)| old.is_same(new))
        || old.values_in_files != new.values_in_files
        || port_variables(&old.ports) != port_variables(&new.ports)
        // It finds the socket in its environment.
        || old.notifications() != new.notifications()
        || !is_same_environment(old, new)
        || old.instance != new.instance && asks_how_many(new)
        || !works_on_the_same(old, new)
}

/// Both are no workers, or both work off the tasks of the same folders and server, or leave it to somebody else. All else of a worker
/// is taken up by its live run.
fn works_on_the_same(old: &ServiceSpec, new: &ServiceSpec) -> bool {
    match (&old.worker, &new.worker) {
        (Some(old), Some(new)) => old.folders == new.folders && old.remote == new.remote && old.backend == new.backend,
        (None, None) => true,
        _ => false,
    }
}

/// It is told in words how many instances there are. Who has it in its environment alone is not restarted for that.
pub(super) fn asks_how_many(spec: &ServiceSpec) -> bool {
    let dir = if let Expandable::Text(text) = &spec.dir { Some(text) } else { None };
    let words: &[String] = if let RunCommand::Argv(argv) = &spec.run { argv } else { &[] };
    let text = if let RunCommand::Shell(text) = &spec.run { Some(text) } else { None };
    let values = spec.env.iter().map(|(_, value)| value);
    text.into_iter().chain(words).chain(dir).chain(values).any(|text| text.contains(Instance::COUNT_VARIABLE))
}

/// The services with instances, and whether one of these is to run.
fn wanted_instances(services: &[Service]) -> BTreeMap<ServiceName, bool> {
    let mut wanted = BTreeMap::new();
    for service in services.iter().filter(|service| !service.retired) {
        if let Some(instance) = &service.spec.instance {
            *wanted.entry(instance.of.clone()).or_default() |= service.wanted;
        }
    }
    wanted
}

/// The order of variables makes a difference only where one is put into another.
fn is_same_environment(old: &ServiceSpec, new: &ServiceSpec) -> bool {
    let refers = |spec: &ServiceSpec| spec.env.iter().any(|(_, value)| value.contains("${"));
    if refers(old) || refers(new) {
        return old.env == new.env;
    }
    // Of two with one name, the later one counts.
    let last = |spec: &ServiceSpec| spec.env.iter().cloned().collect::<BTreeMap<String, String>>();
    last(old) == last(new)
}
