//! A key starts a service while its reader is not at the end of the log: the line about it is out of sight, so the footer
//! tells of it.

use super::super::action::{Action, Context};
use super::super::keymap::Keymap;
use super::super::message::Message;
use super::{UiState, World};
use crate::domain::{Outcome, Phase, RunId, ServiceName, some_of};

/// Characters of the services that are named as those that need one.
const MOST_NAMES: usize = 40;

/// A start that was asked for by a key, and that its reader does not see.
#[derive(Clone, Debug)]
pub(super) struct UnseenStart {
    service: ServiceName,
    /// The last run when the key was pressed.
    run: RunId,
    /// Something ran then.
    is_restart: bool,
}

impl UiState {
    /// A key has asked for a start of that service. `starts`: of one that runs, it changes nothing, and
    /// that is said.
    pub(super) fn asked_to_start(&mut self, name: &ServiceName, starts: bool, world: &World<'_>) {
        self.unseen_start = None;
        let Some(service) = world.snapshot.service(name) else { return };
        let is_restart = service.phase.live_run().is_some();
        if starts && is_restart {
            let key = |action| Keymap::get().key_name(Context::Normal, action, self.glyphs.set);
            let (restart, stop, dot) = (key(Action::Restart), key(Action::Stop), self.glyphs.dot);
            let said = format!("{name} is already running {dot} {restart} restarts it {dot} {stop} stops it");
            return self.show_message(said);
        }
        if self.sees_end_of(world) {
            return;
        }
        self.show_message(format!("{} {name}", if is_restart { "restarting" } else { "starting" }));
        self.unseen_start = Some(UnseenStart { service: name.clone(), run: service.run, is_restart });
    }

    /// A key has asked for a stop of these services, which that name stands for. The answer is whether there is something to
    /// stop; what a slip of the finger has done is told with its remedy.
    pub(super) fn asked_to_stop(&mut self, name: &ServiceName, meant: &[ServiceName], world: &World<'_>) -> bool {
        let services = || meant.iter().filter_map(|name| world.snapshot.service(name));
        let runs = services().any(|service| service.phase.live_run().is_some());
        let stops = services().any(|service| {
            let is_over = service.phase == Phase::Finished(Outcome::Done) && !service.watches && !service.scheduled;
            service.phase.live_run().is_some() || service.wanted && !is_over
        });
        let key = Keymap::get().key_name(Context::Normal, Action::Start, self.glyphs.set);
        let dot = self.glyphs.dot;
        self.show_message(match (stops, runs) {
            (true, true) => match live_dependents(meant, world) {
                names if names.is_empty() => format!("stopping {name} {dot} {key} starts it again").into(),
                names => Message::between(
                    format!("stopping {name} {dot} "),
                    format!("{} {} it", some_of(&names, MOST_NAMES), if names.len() == 1 { "needs" } else { "need" }),
                    format!(" {dot} {key} starts it again"),
                ),
            },
            (true, false) => Message::from(format!("{name} no longer starts by itself {dot} {key} starts it")),
            (false, _) => format!("{name} is not running").into(),
        });
        stops
    }

    /// Tells that a start which was asked for has happened, unless its reader sees that by now.
    pub(super) fn tell_start(&mut self, world: &World<'_>) {
        let Some(start) = self.unseen_start.clone() else { return };
        let service = world.snapshot.service(&start.service);
        if service.is_some_and(|service| service.run == start.run) {
            return;
        }
        self.unseen_start = None;
        if service.is_some() && !self.sees_end_of(world) {
            let verb = if start.is_restart { "restarted" } else { "started" };
            self.show_message(format!("{} {verb}", start.service));
        }
    }

    /// The end of the lines that keys mean is in sight.
    fn sees_end_of(&self, world: &World<'_>) -> bool {
        let viewport = self.source(world.snapshot).and_then(|source| self.viewports.get(&source));
        viewport.is_none_or(|viewport| viewport.is_at_end())
    }
}

/// The services that run and depend on one of these, which they do not belong to.
fn live_dependents(of: &[ServiceName], world: &World<'_>) -> Vec<ServiceName> {
    let dependents = of.iter().flat_map(|name| world.snapshot.dependents(name));
    let others = dependents.filter(|service| service.phase.live_run().is_some() && !of.contains(&service.name));
    let mut names: Vec<ServiceName> = Vec::new();
    for name in others.map(|service| service.instance.as_ref().map_or(&service.name, |instance| &instance.of)) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use crate::domain::{Command, Outcome, Phase, RunId, Targets};
    use crate::tui::fixture::{Bench, NOW};

    fn said(bench: &Bench) -> Option<String> {
        bench.ui.message(&bench.snapshot, NOW).map(|message| message.to_string())
    }

    fn next_run(bench: &mut Bench) {
        let api = bench.snapshot.services.iter_mut().find(|service| service.name.as_str() == "api").expect("api");
        api.run = RunId(api.run.0 + 1);
    }

    #[test]
    fn a_restart_that_is_out_of_sight_is_told() {
        let mut bench = Bench::shop(80, 24);
        bench.press("e");
        bench.frame();
        assert_eq!(bench.press("r").len(), 1);
        assert_eq!(said(&bench).as_deref(), Some("restarting api"));
        bench.frame();
        assert_eq!(said(&bench).as_deref(), Some("restarting api"), "it has not happened yet");
        next_run(&mut bench);
        bench.frame();
        assert_eq!(said(&bench).as_deref(), Some("api restarted"));
        // The same from the menu.
        bench.press("Rr");
        assert_eq!(said(&bench).as_deref(), Some("restarting api"));
    }

    #[test]
    fn a_stop_is_told_with_its_remedy_and_what_is_over_is_not_stopped() {
        let mut bench = Bench::shop(80, 24);
        assert_eq!(bench.press("1x"), [Command::Stop(Targets::Named(vec!["db".into()]))]);
        assert_eq!(said(&bench).as_deref(), Some("stopping db · s starts it again"));
        let api = bench.snapshot.services.iter_mut().find(|service| service.name.as_str() == "api").expect("api");
        api.depends_on = ["db".into()].into();
        bench.press("1x");
        assert_eq!(said(&bench).as_deref(), Some("stopping db · api needs it · s starts it again"));
        bench.press("1s");
        assert_eq!(said(&bench).as_deref(), Some("db is already running · r restarts it · x stops it"));
        assert_eq!(bench.press("6x"), [], "it is stopped");
        assert_eq!(said(&bench).as_deref(), Some("mail is not running"));
        bench.snapshot.services[0].phase = Phase::Finished(Outcome::Done);
        assert_eq!(bench.press("1x"), [], "a job that is done stays done");
        bench.snapshot.services[0].watches = true;
        assert_eq!(bench.press("1x").len(), 1, "a change would run it again");
    }

    #[test]
    fn who_sees_the_end_of_the_log_sees_the_restart_there() {
        let mut bench = Bench::shop(80, 24);
        bench.press("r");
        assert_eq!(said(&bench), None);
        bench.press("e");
        bench.frame();
        bench.press("rG");
        next_run(&mut bench);
        bench.frame();
        assert_eq!(said(&bench), None, "the reader has gone to the end meanwhile");
        bench.press("e");
        bench.frame();
        bench.press("s");
        assert_eq!(said(&bench).as_deref(), Some("api is already running · r restarts it · x stops it"));
    }
}
