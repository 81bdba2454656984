//! What clients ask for.

use std::collections::HashSet;

use crate::domain::{Answer, Command, FactKind, Ordered, Phase, Refusal, ServiceName, Targets, Then};

use super::Engine;
use super::holds::Scope;
use super::next_start::NextStart;
use super::shutdown::Urgency;
use super::stop_ladder::Manner;
use super::turn::Turn;

/// Which services `Targets::All` means: that depends on what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum All {
    /// Those that start by themselves and are neither up nor done.
    ToStart,
    /// Those that are wanted.
    Wanted,
}

impl Engine {
    /// Takes a command up, or refuses it and does nothing.
    pub(super) fn carry_out(&mut self, command: Command, turn: &mut Turn) -> Answer {
        match command {
            Command::Quit => self.quit(Urgency::Polite, false, turn),
            Command::TimeOut => {
                turn.tell(FactKind::TimeUp);
                self.quit(Urgency::Polite, true, turn);
            }
            Command::QuitNow => self.quit(Urgency::Kill, false, turn),
            Command::Interrupt => {
                let urgency = if self.shutdown.is_some() { Urgency::Kill } else { Urgency::Polite };
                self.quit(urgency, false, turn);
            }
            // Adapters carry these out, and nothing is decided. They do not come here.
            Command::Input { .. }
            | Command::Resize { .. }
            | Command::Inspect { .. }
            | Command::Measure { .. }
            | Command::Scale { .. }
            | Command::Why { .. }
            | Command::CatchUp { .. }
            | Command::Task(_) => {}
            _ if self.shutdown.is_some() => return Answer::Refused(Refusal::Stopping),
            Command::PauseByKey => self.hold_by_key(turn),
            Command::Pause { services } => match self.known(&services) {
                Ok(()) => self.pause(&services, turn),
                Err(refusal) => return Answer::Refused(refusal),
            },
            Command::Resume { services, discard } => match self.known(&services) {
                Ok(()) => self.resume(&Scope::of(&services), discard, turn),
                Err(refusal) => return Answer::Refused(refusal),
            },
            Command::Hold(hold) => match self.known(&hold.services) {
                Ok(()) => self.hold_for_client(hold, turn),
                Err(refusal) => return Answer::Refused(refusal),
            },
            Command::Release { id, discard } => self.release_for_client(id, discard, turn),
            Command::RunElsewhere(_) | Command::ElsewhereOver { .. } => return self.elsewhere(command, turn),
            Command::Start(targets) => {
                return self.with_targets(&targets, All::ToStart, turn, Self::start_by_hand);
            }
            Command::Stop(targets) => return self.stop_targets(&targets, Manner::Polite, turn),
            Command::Kill(targets) => return self.stop_targets(&targets, Manner::Kill, turn),
            Command::Restart { targets, force } => return self.restart(&targets, force, turn),
            Command::Of { client, command } => {
                turn.client = Some(client);
                return self.carry_out(*command, turn);
            }
        }
        Answer::Accepted { at: turn.now, services: Vec::new() }
    }

    fn stop_targets(&mut self, targets: &Targets, manner: Manner, turn: &mut Turn) -> Answer {
        self.with_targets(targets, All::Wanted, turn, |engine, place, turn| engine.stop_by_hand(place, manner, turn))
    }

    fn restart(&mut self, targets: &Targets, force: bool, turn: &mut Turn) -> Answer {
        let manner = if force { Manner::Kill } else { Manner::Polite };
        let first = match targets {
            Targets::WithDependents(names) => Some(names.clone()),
            Targets::Named(_) | Targets::All | Targets::Failed => None,
        };
        self.with_targets(targets, All::Wanted, turn, |engine, place, turn| {
            // Dependents follow it when it starts: it may be refused, and they go on then.
            if first.as_ref().is_some_and(|first| !first.contains(engine.services[place].name())) {
                return Ordered::Run(engine.services[place].run.id);
            }
            engine.want_by_hand(place, turn);
            engine.end_limit(place);
            let service = &mut engine.services[place];
            let with_dependents = first.is_some();
            let next = NextStart { manner, with_dependents, anyway: true, ..NextStart::new(turn.hand()) };
            service.restarts.merge(next);
            // One that is being ended already is killed at once, if that is what is asked for.
            if !service.is_up() {
                service.end_run(Then::Reconcile, manner, turn);
            }
            Ordered::Start(service.restarts.orders.add())
        })
    }

    fn with_targets(
        &mut self,
        targets: &Targets,
        all: All,
        turn: &mut Turn,
        act: impl Fn(&mut Self, usize, &mut Turn) -> Ordered,
    ) -> Answer {
        match self.resolve(targets, all) {
            Ok(places) => {
                let mut one = |place: usize| {
                    let ordered = act(self, place, turn);
                    (self.services[place].name().clone(), ordered)
                };
                let services = places.into_iter().map(&mut one).collect();
                Answer::Accepted { at: turn.now, services }
            }
            Err(refusal) => Answer::Refused(refusal),
        }
    }

    pub(super) fn place_of(&self, name: &ServiceName) -> Result<usize, Refusal> {
        let place = self.graph.place_of(name).filter(|&place| !self.services[place].retired);
        place.ok_or_else(|| Refusal::UnknownService(name.clone()))
    }

    fn known(&self, names: &[ServiceName]) -> Result<(), Refusal> {
        names.iter().try_for_each(|name| self.place_of(name).map(drop))
    }

    /// The services that are meant, in the order of starts. One unknown name refuses all.
    fn resolve(&self, targets: &Targets, all: All) -> Result<Vec<usize>, Refusal> {
        let place_of = |name: &ServiceName| self.place_of(name);
        let chosen =
            |wanted: &dyn Fn(usize) -> bool| self.graph.order.iter().copied().filter(|&place| wanted(place)).collect();
        Ok(match targets {
            Targets::Named(names) => {
                let named = names.iter().map(place_of).collect::<Result<HashSet<usize>, Refusal>>()?;
                chosen(&|place| named.contains(&place))
            }
            Targets::WithDependents(names) => {
                let named = names.iter().map(place_of).collect::<Result<Vec<usize>, Refusal>>()?;
                self.graph.with_dependents(&named)
            }
            Targets::All => chosen(&|place| {
                let service = &self.services[place];
                !service.retired
                    && match all {
                        All::Wanted => service.wanted,
                        All::ToStart => {
                            service.spec.autostart
                                && (service.has_failed() || service.phase == Phase::Down || !service.wanted)
                        }
                    }
            }),
            Targets::Failed => chosen(&|place| self.services[place].has_failed() && !self.services[place].retired),
        })
    }

    fn start_by_hand(&mut self, place: usize, turn: &mut Turn) -> Ordered {
        if self.services[place].spec.schedule.is_some() {
            // Its times are what is started. To run it now is a restart.
            self.want_with_needs(&[place]);
            let service = &self.services[place];
            // How its last run ended says nothing about what was asked for now.
            return Ordered::Run(if service.is_live() { service.run.id } else { service.run.id.next() });
        }
        let service = &self.services[place];
        // One that waits for others is asked for once more all the same: what it waits for may have failed.
        let is_coming = match &service.phase {
            Phase::Starting { .. } | Phase::Running { .. } if service.wanted => return Ordered::Run(service.run.id),
            Phase::Stopping { then, .. } => *then == Then::Reconcile,
            phase => matches!(phase, Phase::Validating { .. }),
        };
        if !(service.wanted && is_coming) {
            self.want_by_hand(place, turn);
        }
        Ordered::Start(self.services[place].restarts.orders.add())
    }

    fn stop_by_hand(&mut self, place: usize, manner: Manner, turn: &mut Turn) -> Ordered {
        let service = &mut self.services[place];
        service.wanted = false;
        service.run.stopped_by.clone_from(&turn.client);
        match service.phase {
            // The failure has been seen; it is not one any more. What is done is not to be done again.
            Phase::Finished(_) => service.enter(Phase::Down, turn),
            _ => service.end_run(Then::Reconcile, manner, turn),
        }
        Ordered::Run(service.run.id)
    }
}
