//! `settle`: waits until every change up to now has been acted on, and tells what came of it.
//!
//! What has happened is counted from the events of the group, and what is, is its snapshot: nothing is remembered here. So
//! the same question has the same answer later on, whoever asks.

mod answer;
mod happened;
mod lines;
mod since;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::answers::{news_or, refused};
use super::group_cursor::GroupCursor;
use super::meant::instances;
use super::wire::{Problem, Reply, SettleAsk, VERSION};
use crate::domain::{Command, GroupSnapshot, Moment, Refusal, ServiceName, ServiceSnapshot, WatchState};
use crate::group_handle::GroupHandle;
pub use answer::{SettleResult, Settled, SettledService};
use happened::{Happened, Told};
use since::Asked;
use verdict::Still;

/// What is answered if nobody says how long to wait: as on the command line.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers one question.
pub(super) async fn settle(handle: &GroupHandle, ask: SettleAsk) -> Result<Reply, Problem> {
    let named = instances(&handle.snapshot(), &ask.services)?;
    let asked = Asked::parse(ask.since.as_deref(), handle.logs())?;
    let most = ask.lines.unwrap_or(lines::USUAL).min(lines::MOST);
    let patience = ask.timeout_ms.map_or(PATIENCE, Duration::from_millis);
    let log = handle.events();
    let place = || asked.place(log, !named.is_empty(), handle.logs().clock().now());
    let mut settling =
        Settling { handle, named: &named, from: place().0, happened: Happened::default(), notes: Vec::new() };
    let mut knows_files = false;
    let waiting = async {
        match handle.ask(Command::CatchUp { files: true }).await {
            Ok(_) => {}
            Err(Refusal::Unavailable) => settling.say("the watcher does not answer: changes may be missing"),
            Err(refusal) => return Err(refused(refusal)),
        }
        knows_files = true;
        settling.begin(place());
        Ok(settling.wait().await)
    };
    let settled = timeout(patience, waiting).await.ok().transpose()?;
    if !knows_files {
        settling.begin(place());
        settling.say("the watcher has not looked at all files in time: changes may be missing");
    }
    Ok(Reply::Settled(Box::new(settling.answer(settled, usize::try_from(most).unwrap_or(0)).await)))
}

/// The group as it is to be seen at a moment.
struct Seen {
    group: Arc<GroupSnapshot>,
    at: Moment,
}

/// A question that is being answered.
struct Settling<'g> {
    handle: &'g GroupHandle,
    /// The services that were asked about; none: those concerned.
    named: &'g [ServiceName],
    from: GroupCursor,
    happened: Happened,
    notes: Vec<String>,
}

impl Settling<'_> {
    /// All that has happened from there on counts.
    fn begin(&mut self, (from, note): (GroupCursor, Option<&str>)) {
        (self.from, self.happened) = (from, Happened::after(from.after));
        note.into_iter().for_each(|note| self.say(note));
    }

    fn say(&mut self, note: &str) {
        self.notes.push(note.to_owned());
    }

    /// Returns when nothing more is to come: what is to be seen then.
    async fn wait(&mut self) -> Seen {
        let mut snapshots = self.handle.snapshots();
        let clock = self.handle.logs().clock();
        loop {
            snapshots.mark_unchanged();
            let seen = self.look();
            let look = match self.still(&seen) {
                Still::Done => {
                    // What was told may be a moment ahead of what can be seen.
                    let told = self.happened.seen;
                    let caught_up = self.handle.ask(Command::CatchUp { files: false }).await;
                    let seen = self.look();
                    let is_all = self.still(&seen) == Still::Done && self.happened.seen == told;
                    if is_all || caught_up.is_err() {
                        return seen;
                    }
                    continue;
                }
                Still::GoesOn(_) => None,
                Still::Unproven(until) => Some(until),
            };
            news_or(&mut snapshots, look, clock).await;
        }
    }

    /// What has happened by now, and then what is to be seen.
    fn look(&mut self) -> Seen {
        self.happened.take(self.handle.events());
        Seen { group: self.handle.snapshot(), at: self.handle.logs().clock().now() }
    }

    /// What is still to come of all that are concerned.
    fn still(&self, Seen { group, at }: &Seen) -> Still {
        if group.file_unread {
            return Still::GoesOn("reading procgroup.toml".into());
        }
        let mut soonest = None;
        for service in group.services.iter().filter(|service| self.concerns(service)) {
            match verdict::still(service, *at) {
                Still::Done => {}
                Still::Unproven(until) => soonest = soonest.into_iter().chain([until]).min(),
                goes_on @ Still::GoesOn(_) => return goes_on,
            }
        }
        soonest.map_or(Still::Done, Still::Unproven)
    }

    /// Whether the answer is about this one: it was asked about; or its files have changed, or it has begun anew since, or is
    /// about to.
    fn concerns(&self, service: &ServiceSnapshot) -> bool {
        if !self.named.is_empty() {
            return self.named.contains(&service.name);
        }
        self.happened.services.contains_key(&service.name) || service.begins_anew && service.going_on.is_some()
    }

    /// `settled`: what was to be seen when nothing more was to come. What happens from then on is for the next question.
    async fn answer(mut self, settled: Option<Seen>, most: usize) -> Settled {
        let clock = self.handle.logs().clock();
        let is_settled = settled.is_some();
        let Seen { group, at: now } = settled.unwrap_or_else(|| self.look());
        let mut services = Vec::new();
        for service in group.services.iter().filter(|service| self.concerns(service)) {
            services.push(self.service(&group, service, (is_settled, now), most).await);
        }
        self.note(&group, is_settled);
        // What is not known to the end is asked for again from its beginning.
        let place =
            if is_settled { GroupCursor { after: self.happened.seen, at: now, ..self.from } } else { self.from };
        // Of some services by name: the others may not be done.
        if is_settled && self.named.is_empty() {
            self.handle.events().end_batch(self.happened.seen);
        }
        Settled {
            version: VERSION,
            cursor: place.to_string(),
            since: clock.rfc3339(self.from.at),
            files: self.happened.files.named(),
            more_files: self.happened.files.more(),
            services,
            file_problem: group.file_problem.as_ref().map(ToString::to_string),
            timed_out: !is_settled,
            notes: self.notes,
        }
    }

    async fn service(
        &self,
        group: &GroupSnapshot,
        service: &ServiceSnapshot,
        (is_settled, now): (bool, Moment),
        most: usize,
    ) -> SettledService {
        let clock = self.handle.logs().clock();
        let nothing = Told::default();
        let known = self.happened.services.get(&service.name);
        let told = known.unwrap_or(&nothing);
        let going_on = match verdict::still(service, now) {
            _ if is_settled => None,
            Still::Done => None,
            Still::GoesOn(what) => Some(what),
            Still::Unproven(_) => Some("starting".into()),
        };
        let (lines, skipped) = lines::lines(self.handle, &service.name, self.from.at, most).await;
        SettledService {
            name: service.name.as_str().to_owned(),
            state: service.state().to_owned(),
            failed: verdict::has_failed(service),
            stale: service.stale,
            reason: verdict::reason(group, service, told, now).or_else(|| {
                verdict::same_content(&group.journal, &service.name, self.from.at).then(|| "same content".to_owned())
            }),
            result: verdict::result(service, known),
            going_on,
            files: told.files.named(),
            more_files: told.files.more(),
            took_ms: verdict::took(service, told).and_then(|took| u64::try_from(took.as_millis()).ok()),
            next_at: verdict::next(service, now).map(|(at, _)| clock.rfc3339(at)),
            run: service.run.0,
            lines,
            skipped,
        }
    }

    /// What limits the answer.
    fn note(&mut self, group: &GroupSnapshot, is_settled: bool) {
        if self.happened.lost > 0 {
            self.notes.push(format!("{} earlier events are forgotten: files may be missing", self.happened.lost));
        }
        match &group.watch.problem {
            Some(problem) => self.say(problem),
            None if group.watch.state == WatchState::Off => self.say("no service watches files"),
            None => {}
        }
        if group.watch.file_held {
            self.say("procgroup.toml has changed, and is held as well");
        } else if group.file_unread && !is_settled {
            self.say("procgroup.toml is still being read");
        }
        let others = || group.services.iter().filter(|service| self.named.is_empty() && !self.concerns(service));
        let failed: Vec<String> = others()
            .filter(|service| verdict::has_failed(service))
            .map(|service| format!("{} ({})", service.name, state(service)))
            .collect();
        // As while the group starts.
        let not_yet: Vec<String> = others()
            .filter_map(|service| Some((&service.name, service.going_on.as_ref()?)))
            .filter(|(_, what)| what.concerns_dependents())
            .map(|(name, what)| format!("{name} ({what})"))
            .collect();
        if !failed.is_empty() {
            self.notes.push(format!("also down, not because of this change: {}", failed.join(", ")));
        }
        if !not_yet.is_empty() {
            self.notes.push(format!("not concerned, and not up yet: {}", not_yet.join(", ")));
        }
    }
}

fn state(service: &ServiceSnapshot) -> &'static str {
    if service.stale { "stale" } else { service.state() }
}
