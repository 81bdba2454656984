//! Answers the questions of clients: asks the group, looks at its snapshots, reads its logs and events.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{sleep, sleep_until, timeout};

use super::already::{Found, by_restart, by_start, by_stop};
use super::log_line::{Cursor, Skipped};
use super::log_reader::LogReader;
use super::meant::{counts, instances, only_one, services};
use super::outbox::Outbox;
use super::server::About;
use super::settling;
use super::status::Status;
use super::usage;
use super::waiting::{Known, WaitGoal};
use super::why_line::Why;
use super::wire::{Ask, Became, Goal, HoldAsk, Order, Outcome, Problem, ProblemCode, Reply, Scaled};
use crate::clock::Clock;
use crate::domain::{
    Answer, ClientHold, Command, GroupSnapshot, Moment, Ordered, Phase, Refusal, RunId, Scaling, ServiceName,
    ServiceSnapshot, Targets, is_too_long, visible, without_secrets,
};
use crate::group_handle::{EventLog, GroupHandle};
use crate::logs::{Epoch, EventLine, LineId};

/// Events that are sent at once.
const EVENTS: usize = 200;

/// Characters of what a client calls its hold.
const LABEL: usize = 200;

/// Characters of what a client calls itself.
const CLIENT: usize = 40;

/// Between two states that are sent to one who follows: a storm of changes is a few pictures.
const PICTURE_TIME: Duration = Duration::from_millis(50);

/// Answers for one client.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    handle: GroupHandle,
    about: About,
    /// Who asks, if it has said that.
    pub(super) client: Option<Arc<str>>,
}

impl Answers {
    pub(super) fn new(handle: GroupHandle, about: About) -> Self {
        Self { handle, about, client: None }
    }

    /// The group.
    pub(super) fn handle(&self) -> &GroupHandle {
        &self.handle
    }

    /// That of the events of the group.
    pub(super) fn epoch(&self) -> Epoch {
        self.handle.events().epoch()
    }

    /// Answers one question.
    pub(super) async fn answer(self, ask: Ask, mut outbox: Outbox) {
        let answer = match ask {
            Ask::Status { follow: false, usage: false } => Ok(Reply::Status(Box::new(self.status()))),
            Ask::Status { follow: true, usage: false } => return self.follow_status(outbox).await,
            Ask::Status { follow, usage: true } => {
                return usage::tell(self.handle, self.about.pid, follow, outbox).await;
            }
            Ask::Events { follow, after, epoch } => return self.events(follow, (after, epoch), outbox).await,
            Ask::Logs(ask) => match LogReader::new(self.handle.clone(), ask) {
                Ok(reader) => return reader.run(outbox).await,
                Err(problem) => Err(problem),
            },
            Ask::Why { path, bytes } => {
                self.why(bytes.map_or_else(|| PathBuf::from(path), |bytes| OsString::from_vec(bytes).into())).await
            }
            Ask::Start(order) => self.order(order, instances, (WaitGoal::up, by_start), Command::Start).await,
            // What has no instance is down.
            Ask::Stop(order) => self.order(order, services, (WaitGoal::down, by_stop), Command::Stop).await,
            Ask::Restart(order) => {
                let command = |targets| Command::Restart { targets, force: false };
                self.order(order, instances, (WaitGoal::up, by_restart), command).await
            }
            Ask::Scale { services, wait, timeout_ms } => self.scale(&services, wait, timeout_ms).await,
            Ask::Wait { services, goal, timeout_ms } => self.wait(services, goal, timeout_ms).await,
            Ask::Settle(ask) => settling::settle(&self.handle, ask).await,
            Ask::Send { service, text } => self.send(&service, &text),
            Ask::Pause { services } => self.tell_about(services, |services| Command::Pause { services }).await,
            Ask::Resume { services, discard } => {
                self.tell_about(services, |services| Command::Resume { services, discard }).await
            }
            Ask::Down { now } => self.send_command(if now { Command::QuitNow } else { Command::Quit }).await,
            // The connection does that.
            Ask::Hold(_)
            | Ask::Release { .. }
            | Ask::Run(_)
            | Ask::RunEnded(_)
            | Ask::Cancel { .. }
            | Ask::Web(_)
            | Ask::Attach(_) => Ok(Reply::End {}),
        };
        outbox.send(&answer.unwrap_or_else(Reply::Error)).await;
    }

    async fn why(&self, path: PathBuf) -> Result<Reply, Problem> {
        if let Some(problem) = is_too_long(&path) {
            return Err(Problem::new(ProblemCode::Invalid, problem));
        }
        let explanation = self.handle.why(path).await.map_err(refused)?;
        Ok(Reply::Why(Box::new(Why::from(&*explanation))))
    }

    fn status(&self) -> Status {
        let status = Status::new(&self.handle.snapshot(), self.about.pid, self.handle.logs().clock());
        status.with_web(self.handle.web_address())
    }

    async fn follow_status(&self, mut outbox: Outbox) {
        let mut snapshots = self.handle.snapshots();
        let mut sent: Option<Status> = None;
        loop {
            snapshots.mark_unchanged();
            let status = self.status();
            // A file that concerns nobody makes a new snapshot, too: who writes what he reads into the project would
            // cause the next line by each.
            if !sent.as_ref().is_some_and(|sent| sent.is_same_but_for_time(&status)) {
                if !outbox.send(&Reply::Status(Box::new(status.clone()))).await {
                    return;
                }
                sent = Some(status);
            }
            if snapshots.changed().await.is_err() {
                return;
            }
            sleep(PICTURE_TIME).await;
        }
    }

    async fn events(&self, follow: bool, (after, epoch): (u64, Option<String>), mut outbox: Outbox) {
        let log = self.handle.events();
        let (mut changes, clock) = (log.changes(), self.handle.logs().clock());
        let mut sent = after;
        if epoch.is_some_and(|epoch| epoch != log.epoch().to_string()) || after > *changes.borrow() {
            // A number from an earlier run of the group: all that is there follows.
            sent = 0;
            if !outbox.reply(&Reply::Skipped(Skipped { service: None, skipped: None })).await {
                return;
            }
        }
        loop {
            changes.mark_unchanged();
            let events = log.after(sent, EVENTS);
            for event in &events {
                let lost = event.seq - sent - 1;
                if lost > 0 && !outbox.reply(&Reply::Skipped(Skipped { service: None, skipped: Some(lost) })).await {
                    return;
                }
                sent = event.seq;
                if !outbox.reply(&Reply::Event(Box::new(EventLine::new(event, clock)))).await {
                    return;
                }
            }
            if events.len() == EVENTS {
                continue;
            }
            if !follow {
                outbox.send(&Reply::End {}).await;
                return;
            }
            if !outbox.flush().await || changes.changed().await.is_err() {
                return;
            }
        }
    }

    async fn send_command(&self, command: Command) -> Result<Reply, Problem> {
        self.handle.ask(command).await.map_err(refused)?;
        Ok(Reply::Done { services: Vec::new() })
    }

    /// As [`Self::send_command`], of services that must be there.
    async fn tell_about(
        &self,
        names: Vec<String>,
        command: impl FnOnce(Vec<ServiceName>) -> Command,
    ) -> Result<Reply, Problem> {
        let names = instances(&self.handle.snapshot(), &names)?;
        self.send_command(command(names)).await
    }

    /// Holds until this is dropped: with its client, however that ends. `number`: of the hold.
    pub(super) async fn hold(self, ask: HoldAsk, number: u64, mut outbox: Outbox) {
        let (command, label) = (ask.command, short(&ask.label).into());
        let hold = |services| ClientHold { id: number, command, label, services };
        let ends = EndsHold { handle: self.handle.clone(), number };
        let begun = match instances(&self.handle.snapshot(), &ask.services) {
            Ok(services) => self.send_command(Command::Hold(hold(services))).await,
            Err(problem) => Err(problem),
        };
        match begun {
            Ok(_) => {
                if outbox.send(&Reply::Held {}).await {
                    std::future::pending::<()>().await;
                }
            }
            Err(problem) => {
                outbox.send(&Reply::Error(problem)).await;
            }
        }
        drop(ends);
    }

    /// Ends a hold. `hold`: what holds it still.
    pub(super) async fn release(self, number: u64, discard: bool, hold: Option<AbortHandle>, mut outbox: Outbox) {
        let released = self.send_command(Command::Release { id: number, discard }).await;
        if let Some(hold) = hold {
            hold.abort();
        }
        outbox.send(&released.unwrap_or_else(Reply::Error)).await;
    }

    async fn order(
        &self,
        order: Order,
        names: fn(&GroupSnapshot, &[String]) -> Result<Vec<ServiceName>, Problem>,
        (wait_goal, found): (fn(Ordered) -> WaitGoal, Found),
        command: impl Fn(Targets) -> Command,
    ) -> Result<Reply, Problem> {
        let before = self.handle.snapshot();
        let names = names(&before, &order.services)?;
        let targets = match (order.services.as_slice(), order.all, order.failed) {
            ([_, ..], false, false) => Targets::Named(names),
            ([], true, false) => Targets::All,
            ([], false, true) => Targets::Failed,
            _ => return Err(Problem::new(ProblemCode::Invalid, "give services, or `all`, or `failed`")),
        };
        let command = Box::new(command(targets));
        let command = match &self.client {
            Some(client) => Command::Of { client: client.clone(), command },
            None => *command,
        };
        let services = match self.handle.ask(command).await.map_err(refused)? {
            Answer::Accepted { services, .. } => services,
            Answer::Refused(refusal) => return Err(refused(refusal)),
            Answer::Scaled(_) | Answer::Explained(_) | Answer::Task(_) => Vec::new(),
        };
        if !order.wait {
            let group = self.handle.snapshot();
            let asked = services.iter().map(|(name, ordered)| {
                let reason = before.service(name).and_then(|service| found(service, *ordered));
                self.outcome(&group, name, Known { became: Became::Asked, reason })
            });
            return Ok(Reply::Done { services: asked.collect() });
        }
        let waiting = services.into_iter().map(|(name, ordered)| (name, wait_goal(ordered))).collect();
        Ok(Reply::Done { services: self.wait_for(waiting, order.timeout_ms).await })
    }

    async fn wait(&self, names: Vec<String>, goal: Goal, timeout_ms: Option<u64>) -> Result<Reply, Problem> {
        let group = self.handle.snapshot();
        let names = instances(&group, &names)?;
        let wait_goal =
            |name| group.service(&name).map(|service| WaitGoal::goal(goal, service)).map(|wait_goal| (name, wait_goal));
        let waiting = names.into_iter().filter_map(wait_goal).collect();
        Ok(Reply::Done { services: self.wait_for(waiting, timeout_ms).await })
    }

    /// Other numbers of instances: what came of it, and what becomes of the instances.
    async fn scale(
        &self,
        written: &BTreeMap<String, u32>,
        wait: bool,
        timeout_ms: Option<u64>,
    ) -> Result<Reply, Problem> {
        let before = self.handle.snapshot();
        let counts = counts(&before, written)?;
        let scalings = match self.handle.ask(Command::Scale { counts }).await {
            Ok(Answer::Scaled(scalings)) => scalings,
            Ok(Answer::Accepted { .. } | Answer::Explained(_) | Answer::Task(_) | Answer::Refused(_)) => Vec::new(),
            Err(refusal @ Refusal::Scale(_)) => return Err(Problem::new(ProblemCode::Invalid, refusal.to_string())),
            Err(refusal) => return Err(refused(refusal)),
        };
        let group = self.handle.snapshot();
        let surplus: Vec<ServiceName> = scalings.iter().flat_map(Scaling::surplus).collect();
        let services = if wait {
            let run = |name: &ServiceName| before.service(name).map(|service| service.run).unwrap_or_default();
            let going = surplus.iter().map(|name| (name.clone(), WaitGoal::down(Ordered::Run(run(name)))));
            let is_scaled = |of: &ServiceName| scalings.iter().any(|scaling| scaling.name == *of);
            let stays = |service: &&ServiceSnapshot| {
                service.instance.as_ref().is_some_and(|one| is_scaled(&one.of)) && !surplus.contains(&service.name)
            };
            let coming = group.services.iter().filter(stays);
            let coming = coming.map(|service| (service.name.clone(), WaitGoal::goal(Goal::Ready, service)));
            self.wait_for(coming.chain(going).collect(), timeout_ms).await
        } else {
            let new = scalings.iter().flat_map(Scaling::new_ones);
            new.chain(surplus).map(|name| self.outcome(&group, &name, Became::Asked.into())).collect()
        };
        let told = |Scaling { name, from, to }: Scaling| Scaled { name: name.as_str().to_owned(), from, to };
        Ok(Reply::Scaled { scaled: scalings.into_iter().map(told).collect(), services })
    }

    /// What becomes of the services, in the time that there is.
    async fn wait_for(&self, services: Vec<(ServiceName, WaitGoal)>, timeout_ms: Option<u64>) -> Vec<Outcome> {
        let mut waiting: Vec<_> = services.iter().map(|(name, wait_goal)| (name, wait_goal, None::<Outcome>)).collect();
        let mut snapshots = self.handle.snapshots();
        let clock = self.handle.logs().clock();
        let all = async {
            loop {
                let group = snapshots.borrow_and_update().clone();
                let (now, mut next_look) = (clock.now(), None::<Moment>);
                for (name, wait_goal, outcome) in &mut waiting {
                    if outcome.is_none() {
                        // A service that is gone from the file will not come any more.
                        let fate = group.service(name).map(|service| wait_goal.result(service, now));
                        match fate.unwrap_or_else(|| Ok(Became::Stopped.into())) {
                            Ok(known) => *outcome = Some(self.outcome(&group, name, known)),
                            Err(look) => next_look = look.into_iter().chain(next_look).min(),
                        }
                    }
                }
                if waiting.iter().all(|(_, _, outcome)| outcome.is_some()) {
                    return;
                }
                news_or(&mut snapshots, next_look, clock).await;
            }
        };
        match timeout_ms {
            // In time or not, the outcomes tell.
            Some(millis) => drop(timeout(Duration::from_millis(millis), all).await),
            None => all.await,
        }
        let group = self.handle.snapshot();
        let outcomes = waiting
            .into_iter()
            .map(|(name, _, outcome)| outcome.unwrap_or_else(|| self.outcome(&group, name, Became::TimedOut.into())));
        outcomes.collect()
    }

    fn outcome(&self, group: &GroupSnapshot, name: &ServiceName, known: Known) -> Outcome {
        let service = group.service(name);
        let run = service.map(|service| service.run).unwrap_or_default();
        Outcome {
            name: name.as_str().to_owned(),
            result: known.became,
            run: run.0,
            cursor: self.beginning(name, run).to_string(),
            reason: known.reason,
            state: service.map_or_else(String::new, |service| service.state().to_owned()),
        }
    }

    /// The place after the marker with which a run begins.
    fn beginning(&self, name: &ServiceName, run: RunId) -> Cursor {
        let (mut next, mut epoch) = (LineId(0), None);
        if let Some(document) = self.handle.logs().get(name) {
            epoch = Some(document.epoch());
            next = document.read().after_start_of(run);
        }
        Cursor { service: name.clone(), run, next, epoch }
    }

    /// Types into a service that runs.
    fn send(&self, name: &str, text: &str) -> Result<Reply, Problem> {
        let group = self.handle.snapshot();
        let service = only_one(&group, name)?;
        // Input waits for a process that is being made.
        let reads =
            |service: &ServiceSnapshot| service.pid.is_some() || matches!(service.phase, Phase::Starting { .. });
        if !group.service(&service).is_some_and(reads) {
            return Err(Problem::new(
                ProblemCode::Refused,
                format!("{service} is not running, so nothing reads the text"),
            ));
        }
        // The Enter key is a carriage return.
        let bytes = text.replace("\r\n", "\r").replace('\n', "\r").into_bytes();
        self.handle.send(Command::Input { service, bytes }).map_err(refused)?;
        Ok(Reply::Done { services: Vec::new() })
    }
}

/// Ends a hold when it is dropped. What was held is applied: nobody said that it was to be forgotten.
struct EndsHold {
    handle: GroupHandle,
    number: u64,
}

impl Drop for EndsHold {
    fn drop(&mut self) {
        self.handle.insist(Command::Release { id: self.number, discard: false });
    }
}

/// What a client calls its hold, as a part of a line.
fn short(label: &str) -> String {
    visible(&without_secrets(label)).chars().take(LABEL).collect()
}

/// What a client calls itself, as a part of a line. Nothing if there is nothing to read in it.
pub(super) fn client_name(said: &str) -> Option<Arc<str>> {
    let plain: String = visible(&without_secrets(said)).split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = plain.chars().take(CLIENT).collect();
    (!short.is_empty()).then(|| short.trim_end().into())
}

/// Waits for a new snapshot, or for that moment. Where the group ends it does not return: the connection says so.
pub(super) async fn news_or(snapshots: &mut watch::Receiver<Arc<GroupSnapshot>>, moment: Option<Moment>, clock: Clock) {
    let due = async {
        match moment {
            Some(moment) => sleep_until(clock.instant(moment).into()).await,
            None => std::future::pending().await,
        }
    };
    let is_over = tokio::select! {
        changed = snapshots.changed() => changed.is_err(),
        () = due => false,
    };
    if is_over {
        std::future::pending::<()>().await;
    }
}

pub(super) fn refused(refusal: Refusal) -> Problem {
    Problem::new(ProblemCode::Refused, refusal.to_string())
}

/// The log of events keeps enough for a batch.
const _: () = assert!(EVENTS < EventLog::CAPACITY);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_calls_itself_is_short_plain_and_without_secrets() {
        assert_eq!(client_name("agent claude-code").as_deref(), Some("agent claude-code"));
        assert_eq!(client_name(""), None);
        let long = client_name(&"ä".repeat(1_000)).unwrap();
        assert_eq!(long.chars().count(), CLIENT);
        let bad = client_name("x\u{1b}]0;PWN\u{7}\n\u{202e}y").unwrap();
        assert!(!bad.contains(crate::domain::misleads), "{bad}");
        let secret = client_name("agent --token=hunter2hunter2").unwrap();
        assert!(!secret.contains("hunter2"), "{secret}");
    }
}
