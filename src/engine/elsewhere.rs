//! A job that somebody runs in another terminal (`devgroup run`): the group starts what it needs, starts it not a second
//! time meanwhile, and takes over how it has ended.
//!
//! A group that was started for such a run ends with the last one. If none comes, it ends by itself.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    Answer, Command, Elsewhere, ElsewhereRun, ExitStatus, FactKind, JobMarker, Kind, LastExit, Marker, Moment, Outcome,
    Phase, Refusal, ServiceName,
};

use super::Engine;
use super::reconcile::waiting_for;
use super::service::Service;
use super::shutdown::Urgency;
use super::turn::Turn;

/// How long a group that was started for a run waits for it. Its client connects at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// A run in another terminal.
#[derive(Clone, Debug)]
pub(super) struct Foreign {
    run: ElsewhereRun,
    since: Moment,
    /// All that it depends on is there: it has begun.
    begun: bool,
}

/// How long a group goes on that was started for runs in other terminals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    /// There was a run.
    used: bool,
    /// If there is none by then, none will come.
    until: Moment,
}

impl Engine {
    /// The group is there for runs in other terminals, and ends with the last of them. To come before the beginning.
    pub fn ends_with_last_run(&mut self, now: Moment) {
        self.lease = Some(Lease { used: false, until: now + PATIENCE });
    }

    /// It ends by itself, with the last of those runs.
    pub(super) fn is_temporary(&self) -> bool {
        self.lease.is_some()
    }

    /// When the group ends if nobody comes.
    pub(super) fn lease_until(&self) -> Option<Moment> {
        self.lease.filter(|lease| !lease.used && self.shutdown.is_none()).map(|lease| lease.until)
    }

    /// Whether there are still runs that the group is there for.
    pub(super) fn look_at_lease(&mut self, turn: &mut Turn) {
        let Some(lease) = &mut self.lease else { return };
        if self.services.iter().any(|service| service.elsewhere.is_some()) {
            lease.used = true;
        } else if self.shutdown.is_none() && (lease.used || lease.until <= turn.now) {
            self.quit(Urgency::Polite, false, turn);
        }
    }

    /// What clients ask for that run jobs in other terminals.
    pub(super) fn elsewhere(&mut self, command: Command, turn: &mut Turn) -> Answer {
        let result = match command {
            Command::RunElsewhere(run) => self.run_elsewhere(run, turn),
            Command::ElsewhereOver { id, status } => {
                self.run_elsewhere_is_over(id, status, turn);
                Ok(())
            }
            _ => Ok(()),
        };
        result.map_or_else(Answer::Refused, |()| Answer::Accepted { at: turn.now, services: Vec::new() })
    }

    /// Somebody wants to run a job: all that it needs is wanted up.
    fn run_elsewhere(&mut self, run: ElsewhereRun, turn: &mut Turn) -> Result<(), Refusal> {
        let place = self.place_of(&run.job)?;
        let service = &self.services[place];
        let runs = |how: String| Err(Refusal::Runs { job: run.job.clone(), how: how.into() });
        if service.spec.kind != Kind::Job {
            return Err(Refusal::NoJob(run.job));
        }
        if let Some(other) = &service.elsewhere {
            return runs(format!("in another terminal (pid {})", other.run.pid));
        }
        if service.is_live() {
            return runs(format!(
                "in the group (`devgroup logs -f {0}` shows it, `devgroup stop {0}` ends it)",
                run.job
            ));
        }
        self.want_needs(place, turn);
        self.services[place].elsewhere = Some(Foreign { run, since: turn.now, begun: false });
        Ok(())
    }

    /// A run in another terminal is over; without a status it has not begun, or nobody knows how it went.
    fn run_elsewhere_is_over(&mut self, id: u64, status: Option<ExitStatus>, turn: &mut Turn) {
        let is_it = |service: &&mut Service| service.elsewhere.as_ref().is_some_and(|foreign| foreign.run.id == id);
        if let Some(service) = self.services.iter_mut().find(is_it) {
            service.ended_elsewhere(status, turn);
        }
    }

    /// Those whose dependencies have come begin.
    pub(super) fn begin_elsewhere(&mut self, turn: &mut Turn) {
        for place in 0..self.services.len() {
            let waits = self.services[place].elsewhere.as_ref().is_some_and(|foreign| !foreign.begun);
            if waits && self.unmet(place).is_empty() {
                let service = &mut self.services[place];
                if let Some(foreign) = &mut service.elsewhere {
                    (foreign.begun, foreign.since) = (true, turn.now);
                    let pid = foreign.run.pid;
                    service.narrate(Marker::Job(JobMarker::Elsewhere { pid }), turn);
                }
            }
        }
    }

    /// What clients see of a run in another terminal.
    pub(super) fn view_elsewhere(&self, place: usize) -> Option<Elsewhere> {
        let Foreign { run, since, begun } = self.services[place].elsewhere.as_ref()?;
        let waits_for = (!begun).then(|| Arc::from(waiting_for(&self.unmet(place))));
        let lost = if *begun { None } else { self.loss(place) };
        Some(Elsewhere { id: run.id, pid: run.pid, since: *since, waits_for, lost })
    }
}

impl Service {
    /// The run in another terminal is over. How it went is how the job went, unless that was with other arguments, or the
    /// group is to run it itself now.
    fn ended_elsewhere(&mut self, status: Option<ExitStatus>, turn: &mut Turn) {
        let Some(Foreign { run, since, begun }) = self.elsewhere.take() else { return };
        if !begun {
            return;
        }
        let after = turn.now.since(since);
        let marker = Marker::Job(JobMarker::EndedElsewhere { status, after });
        match status {
            Some(status) => {
                let record = self.remember_elsewhere(status, since, turn);
                self.tell(FactKind::EndedElsewhere { marker, record }, turn);
            }
            // How it ended is not known.
            None => self.narrate(marker, turn),
        }
        let Some(status) = status.filter(|_| run.counts && !self.is_live()) else { return };
        self.last_exit = Some(LastExit { status, at: turn.now, uptime: after, asked: false, fault: None });
        (self.start_problem, self.run.unchanged) = (None, None);
        let is_wanted_anew = self.restarts.orders.pending().is_some()
            || self.restarts.next.as_ref().is_some_and(|next| !next.may_be_done_at_once());
        // One that nobody wanted up has done its work all the same; what waits for its times goes on waiting.
        let is_at_rest = matches!(self.phase, Phase::Down | Phase::Finished(_)) && self.spec.schedule.is_none();
        if (self.wanted || is_at_rest) && !is_wanted_anew && self.check().is_none() {
            self.restarts.next = None;
            let outcome = if status.is_success() { Outcome::Done } else { Outcome::Failed(status) };
            self.enter(Phase::Finished(outcome), turn);
        }
    }

    /// Who runs it in another terminal, for those that wait for that.
    pub(super) fn runs_elsewhere(&self) -> Option<String> {
        self.elsewhere.as_ref().map(|foreign| format!("running in another terminal (pid {})", foreign.run.pid))
    }
}

impl Engine {
    /// Nobody else is to start the service: it is waited for.
    pub(super) fn wait_for_elsewhere(&mut self, place: usize, turn: &mut Turn) -> bool {
        let service = &mut self.services[place];
        if service.elsewhere.is_none() {
            return false;
        }
        if !matches!(service.phase, Phase::Blocked { .. }) {
            service.enter(Phase::Blocked { on: Vec::<ServiceName>::new(), lost: None }, turn);
            service.narrate(Marker::Waits { on: "the run in another terminal to end".into() }, turn);
        }
        true
    }
}
