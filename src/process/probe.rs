//! Finding out that a run is ready. One try at a time; how long to go on trying is the engine's business.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep, timeout};

use super::background_tasks::{BackgroundTasks, Means};
use super::child::{Child, Prints};
use super::launch::Launch;
use super::listener::{self, Listener};
use super::live_run::LiveRun;
use super::looks::SILENCE;
use super::reach::{self, Refusal, loopbacks};
use super::{change_command, http, program};
use crate::domain::{
    AliveProbe, HttpCheck, Marker, PortMarker, Probe, RunCommand, RunReport, ServiceName, plain_error, port_is_taken,
};
use crate::logs::LogDocument;

/// The wait between two tries is a tenth of the time so far, so that a start is seen at most a tenth late; but never
/// shorter than this …
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// … and never longer than this.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A try that has no answer after so long is given up, and the next one begins.
const PATIENCE: Duration = Duration::from_secs(10);

/// A probe with what it has to know of the run.
pub(super) struct Prober {
    service: ServiceName,
    check: Check,
    dir: PathBuf,
    env: Vec<(OsString, OsString)>,
    document: Arc<LogDocument>,
    /// What stands in the way was said.
    said: bool,
}

enum Check {
    Port(u16),
    Http(HttpCheck),
    Cmd(RunCommand),
    /// The file, and its state before the start, or when it was first looked at.
    File(PathBuf, Option<Written>),
    Delay(Duration),
}

/// The ports by which a run is known: who listens there before it begins cannot be the run.
pub(super) fn ports(launch: &Launch) -> Vec<u16> {
    let ready = launch.ready.as_ref().and_then(|ready| match &ready.probe {
        Probe::Port(port) => Some(*port),
        Probe::Http(check) => http::port(&check.url),
        Probe::Log(_) | Probe::Cmd(_) | Probe::File(_) | Probe::Delay(_) | Probe::Notify | Probe::Text(_) => None,
    });
    let alive = launch.alive.as_ref().and_then(|alive| match &alive.probe {
        AliveProbe::Port(port) => Some(*port),
        AliveProbe::Http(check) => http::port(&check.url),
        AliveProbe::Cmd(_) | AliveProbe::File { .. } | AliveProbe::Notify | AliveProbe::Text { .. } => None,
    });
    ready.into_iter().chain(alive.filter(|alive| Some(*alive) != ready)).collect()
}

impl Prober {
    /// What is to be tried, of a launch with its values; to be made before the start. `None` if nothing is: the log sees its pattern by itself.
    pub(super) fn new(
        launch: &Launch,
        env: &[(OsString, OsString)],
        background_tasks: &BackgroundTasks,
    ) -> Option<Self> {
        let check = match &launch.ready.as_ref()?.probe {
            // It tells by itself.
            Probe::Log(_) | Probe::Notify | Probe::Text(_) => return None,
            Probe::Port(port) => Check::Port(*port),
            Probe::Http(check) => Check::Http(check.clone()),
            Probe::Cmd(command) => Check::Cmd(command.clone()),
            Probe::File(path) => {
                let its = path.clone();
                Check::File(
                    path.clone(),
                    background_tasks.look_up((launch.service.clone(), "ready"), move || written(&its)),
                )
            }
            Probe::Delay(time) => Check::Delay(*time),
        };
        let (service, document) = (launch.service.clone(), launch.document.clone());
        Some(Self { service, check, dir: launch.dir.clone(), env: env.to_vec(), document, said: false })
    }

    /// Of these ports it was said already that they are taken.
    pub(super) fn knows_taken(mut self, ports: &[u16]) -> Self {
        let port = match &self.check {
            Check::Port(port) => Some(*port),
            Check::Http(check) => http::port_of_localhost(&check.url),
            Check::Cmd(_) | Check::File(..) | Check::Delay(_) => None,
        };
        self.said = port.is_some_and(|port| ports.contains(&port));
        self
    }

    /// What is tried of a run that is up already.
    pub(super) fn of_live_run(
        launch: &Launch,
        env: &[(OsString, OsString)],
        background_tasks: &BackgroundTasks,
    ) -> Option<Self> {
        let mut prober = Self::new(launch, env, background_tasks)?;
        if let Check::File(_, before) = &mut prober.check {
            // The run may have written it already: its time tells.
            *before = None;
        }
        Some(prober)
    }

    /// Tries until it succeeds, and then says so. What stands in the way is reported when it is another thing than before.
    pub(super) async fn until_ready(mut self, means: Means, live: Arc<LiveRun>) {
        let begun = Instant::now();
        // A delay has no answer before it is over.
        let patience = if let Check::Delay(time) = self.check { time + PATIENCE } else { PATIENCE };
        let mut reported = None;
        while let Err(problem) = timeout(patience, self.try_once(&means, &live)).await.unwrap_or(Err(None)) {
            if problem != reported
                && let Some(problem) = &problem
            {
                live.report(RunReport::Unready { problem: problem.as_str().into() });
            }
            reported = problem.or(reported);
            sleep((begun.elapsed() / 10).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
        }
        self.say_who_listens(&live);
        live.become_ready();
    }

    /// # Errors
    /// It is not ready, and what was found, for people, if that says more than the check itself.
    async fn try_once(&mut self, means: &Means, live: &LiveRun) -> Result<(), Option<String>> {
        match &mut self.check {
            Check::Port(port) => {
                let answer = reach::connect(loopbacks(*port), live.earlier()).await;
                answer.map(drop).map_err(|refusal| self.say_taken(refusal))
            }
            Check::Http(check) => match http::get(&check.url, live.earlier()).await {
                Ok(code) if check.accepts(code) => Ok(()),
                Ok(code) => Err(Some(format!("answered {code}"))),
                Err(http::Failure::Unreached(refusal)) => Err(self.say_taken(refusal)),
                Err(http::Failure::NoHttp) => Err(Some("did not answer in HTTP".into())),
                Err(http::Failure::NoAddress) => Err(None),
            },
            Check::Cmd(command) => {
                let (command, dir, env) = (command.clone(), self.dir.clone(), self.env.clone());
                let look = move || program::find(&command, &dir, &env);
                let Some(found) = means.looks.look_up((self.service.clone(), "ready"), look).await else {
                    self.say_silent("the folder of its command");
                    return Err(None);
                };
                let mut child = found.and_then(|program| {
                    Child::start(&means.children, program, (&self.dir, &self.env), Prints::Nowhere)
                })?;
                match child.wait().await {
                    Ok(status) if status.success() => Ok(()),
                    Ok(status) => Err(Some(change_command::exit_text(status))),
                    Err(error) => Err(Some(plain_error(&error))),
                }
            }
            Check::File(path, before) => {
                let its = path.clone();
                let Some(now) = means.looks.look_up((self.service.clone(), "ready"), move || written(&its)).await
                else {
                    self.say_silent("its file");
                    return Err(None);
                };
                let is_new = now.is_new(*before, live.asked_at());
                before.get_or_insert(now);
                is_new.then_some(()).ok_or(None)
            }
            Check::Delay(time) => {
                sleep(*time).await;
                Ok(())
            }
        }
    }

    /// Says once, where it can be seen, why a service that seems to be up is not ready. What is to be reported of it.
    fn say_taken(&mut self, refusal: Refusal) -> Option<String> {
        let Refusal::Taken { port, holder } = refusal else { return None };
        let problem = port_is_taken(port, &holder);
        if !std::mem::replace(&mut self.said, true) {
            log::warn!("{}: {problem}", self.service);
            self.document.mark(&Marker::Port(PortMarker::Taken { service: self.service.clone(), port, holder }));
        }
        Some(problem)
    }

    fn say_silent(&mut self, what: &str) {
        if !std::mem::replace(&mut self.said, true) {
            log::warn!("{}: ready: {what} {SILENCE}", self.service);
        }
    }

    /// Warns of an answer that came from somebody who has begun after the run, and was started elsewhere.
    fn say_who_listens(&self, live: &LiveRun) {
        let port = match &self.check {
            Check::Port(port) => Some(*port),
            Check::Http(check) => http::port_of_localhost(&check.url),
            Check::Cmd(_) | Check::File(..) | Check::Delay(_) => None,
        };
        let Some(port) = port else { return };
        if let Listener::Foreign(holder) = listener::who_listens(port, &reach::ours()) {
            log::warn!("{}: port {port} belongs to {holder}, not to this service", live.service);
            self.document.mark(&Marker::Port(PortMarker::Foreign { port, holder }));
        }
    }
}

/// By so much the time of a file may lie before the moment in which it was written: Linux takes it from the last tick of its
/// clock, which comes every 10 ms at the slowest (`CONFIG_HZ=100`).
const GRAIN: Duration = Duration::from_millis(10);

/// What changes when a file is written. Compared with itself before the start rather than with the time of the start:
/// file systems count time more coarsely than clocks, and some have clocks of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Written {
    Missing,
    At(Option<SystemTime>, u64),
}

impl Written {
    /// The file was written by a run that was asked for at that time. `before`: its state before the start; if that is not
    /// known, its time decides.
    fn is_new(self, before: Option<Self>, asked_at: SystemTime) -> bool {
        match (self, before) {
            (Self::Missing, _) => false,
            (now, Some(before)) => now != before,
            (Self::At(modified, _), None) => {
                let grained = modified.and_then(|modified| modified.checked_add(GRAIN));
                grained.is_some_and(|modified| modified >= asked_at)
            }
        }
    }
}

fn written(path: &Path) -> Written {
    fs::metadata(path).map_or(Written::Missing, |found| Written::At(found.modified().ok(), found.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_new_by_its_state_before_the_start_and_without_that_by_its_time() {
        let asked_at = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let at = |seconds| Written::At(Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)), 3);
        let just_before = |millis| Written::At(asked_at.checked_sub(Duration::from_millis(millis)), 3);
        for (now, before, expected) in [
            (Written::Missing, None, false),
            (Written::Missing, Some(at(101)), false),
            (at(101), Some(Written::Missing), true),
            (at(99), Some(Written::Missing), true),
            (at(101), Some(at(101)), false),
            (at(100), None, true),
            (just_before(10), None, true),
            (just_before(11), None, false),
            (at(99), None, false),
            (Written::At(None, 3), None, false),
        ] {
            assert_eq!(now.is_new(before, asked_at), expected, "{now:?} {before:?}");
        }
    }
}
