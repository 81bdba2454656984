//! Answers a question for lines of logs: finds where to begin, merges what several services say in order of arrival, and
//! goes on with what comes.
//!
//! Documents are read in slices, with a pause for others after each; and only as fast as the client takes the lines: what
//! a document drops meanwhile is counted and said.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::yield_now;

use super::group_cursor::GroupCursor;
use super::log_fields::Conditions;
use super::log_line::{Cursor, LogLine, Skipped, level_of};
use super::meant::meant;
use super::outbox::Outbox;
use super::wire::{LogsAsk, Problem, ProblemCode, Reply};
use crate::domain::{Moment, ServiceName};
use crate::group_handle::GroupHandle;
use crate::logs::{
    Level, LevelReader, Line, LineId, LineKind, LogDocument, Piece, Query, QueryKind, StyleSupport, Tail,
};

/// Lines that are read of one document at once: the lock is held for a fraction of a millisecond.
const SLICE: usize = 500;

/// Between two looks at logs that grow: a flood is sent in batches.
const BATCH_TIME: Duration = Duration::from_millis(5);

/// Which lines are wanted, and how.
struct Filter {
    query: Option<Query>,
    level: Option<Level>,
    /// What the fields of a line have to be.
    conditions: Conditions,
    levels: bool,
    /// Also what lines tell that are data.
    data: bool,
    /// With styles, for a terminal of this depth.
    styled: Option<StyleSupport>,
    /// Links are a part of them.
    links: bool,
}

/// One service's log.
struct Source {
    name: ServiceName,
    tail: Tail,
    levels: LevelReader,
    /// What was lost before its next line.
    lost: Option<Skipped>,
    /// Its service is gone from the file, or was and is there with a new log: this one gets no more lines.
    is_gone: bool,
    /// The entry that its next line may belong to is left out.
    leaves_out: bool,
}

/// A question that makes sense.
pub(super) struct LogReader {
    handle: GroupHandle,
    ask: LogsAsk,
    /// Whose lines are asked for, as the group was last.
    wanted: Vec<ServiceName>,
    filter: Filter,
    cursors: Vec<Cursor>,
    /// The cursor of an answer of `settle`: for services without one of their own.
    after: Option<GroupCursor>,
    sources: Vec<Source>,
    /// Entries that are left out before the first one is sent.
    leave_out: u64,
    /// Entries that are sent at most: the last one may have been finished since lines were counted, and match now.
    room: u64,
}

impl LogReader {
    /// Checks the question.
    pub(super) fn new(handle: GroupHandle, ask: LogsAsk) -> Result<Self, Problem> {
        let invalid = |message: String| Problem::new(ProblemCode::Invalid, message);
        let query = match &ask.grep {
            None => None,
            Some(text) => {
                Some(Query::new(text, QueryKind::Regex).map_err(|error| invalid(format!("regex `{text}`: {error}")))?)
            }
        };
        let level = match &ask.level {
            None => None,
            Some(word) => Some(level_of(word).ok_or_else(|| invalid(format!("`{word}` is not a level")))?),
        };
        let (mut cursors, mut after) = (Vec::new(), None);
        for text in &ask.cursors {
            match (GroupCursor::parse(text), Cursor::parse(text)) {
                (Some(cursor), _) => after = Some(cursor),
                (None, Some(cursor)) => cursors.push(cursor),
                (None, None) => {
                    let help = "use one that `devgroup logs --json` or `settle --json` printed";
                    return Err(invalid(format!("`{text}` is not a cursor: {help}")));
                }
            }
        }
        let group = handle.snapshot();
        meant(&group, cursors.iter().map(|cursor| cursor.service.as_str()))?;
        let wanted = meant(&group, ask.services.iter().map(String::as_str))?;
        let conditions = Conditions::parse(&ask.conditions)?;
        let (levels, styled, links) = (ask.levels || level.is_some(), ask.support(), ask.links);
        let filter = Filter { query, level, conditions, levels, data: ask.levels, styled, links };
        Ok(Self { handle, ask, wanted, filter, cursors, after, sources: Vec::new(), leave_out: 0, room: u64::MAX })
    }

    /// Sends all lines. Ends with the last, or with the client.
    pub(super) async fn run(mut self, mut outbox: Outbox) {
        let (mut changes, mut snapshots) = (self.handle.logs().changes(), self.handle.snapshots());
        self.find_starts().await;
        loop {
            if self.send_all(&mut outbox).await.is_none() {
                return;
            }
            self.sources.retain(|source| !source.is_gone);
            if !self.ask.follow {
                if let Some(unknown) = self.filter.conditions.unknown_field() {
                    outbox.reply(&Reply::NoField(unknown)).await;
                }
                outbox.reply(&Reply::End {}).await;
                outbox.flush().await;
                return;
            }
            outbox.flush().await;
            let clock = self.handle.logs().clock();
            let due = self.sources.iter().filter_map(|source| source.tail.due()).min();
            let rested = async {
                match due {
                    Some(due) => tokio::time::sleep_until(clock.instant(due).into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                result = changes.changed() => {
                    if result.is_err() {
                        return;
                    }
                    tokio::time::sleep(BATCH_TIME).await;
                }
                // A service may have a log, and have printed into it, before it is in a snapshot.
                Ok(()) = snapshots.changed() => {}
                () = rested => {}
            }
            // Mark first, then look: a change that comes meanwhile wakes us again.
            changes.mark_unchanged();
            snapshots.mark_unchanged();
            self.join_new();
        }
    }

    /// Sends what there is, in order of arrival. `None` if the client is gone.
    async fn send_all(&mut self, outbox: &mut Outbox) -> Option<()> {
        let clock = self.handle.logs().clock();
        let all = !self.ask.follow;
        for source in &mut self.sources {
            source.tail.look_again();
        }
        loop {
            for source in self.sources.iter_mut().filter(|source| source.tail.is_hungry()) {
                source.read(clock.now(), all || source.is_gone);
                yield_now().await;
            }
            let mut sent = 0;
            while let Some(place) = self.next_source() {
                let source = &mut self.sources[place];
                if let Some(lost) = source.lost.take()
                    && !outbox.reply(&Reply::Skipped(lost)).await
                {
                    return None;
                }
                let line = source.tail.take().and_then(|piece| self.filter.line(source, &piece, clock));
                if let Some((line, is_first)) = line
                    && is_sent(is_first, &mut source.leaves_out, &mut self.leave_out, &mut self.room)
                    && !outbox.reply(&Reply::Line(line)).await
                {
                    return None;
                }
                sent += 1;
                if sent % SLICE == 0 {
                    yield_now().await;
                }
            }
            if self.sources.iter().all(|source| source.tail.is_drained()) {
                // Of what was there, no more could be left out.
                self.leave_out = 0;
                return Some(());
            }
        }
    }

    /// The source with the earliest line. What was lost of a log of which nothing is left comes before all.
    fn next_source(&self) -> Option<usize> {
        let is_lost = |source: &Source| source.lost.is_some() && source.tail.is_drained();
        self.sources.iter().position(is_lost).or_else(|| Tail::earliest(self.sources.iter().map(|source| &source.tail)))
    }

    /// Where each log begins.
    async fn find_starts(&mut self) {
        let now = self.handle.logs().clock().now();
        let group = self.handle.snapshot();
        let since = self.ask.since_ms.map(|millis| moment_before(now, millis));
        // Whoever asks for all is told of what is not there any more.
        let begins = !self.ask.cursors.is_empty() || since.is_some() || self.ask.since_restart;
        let all = !begins && self.ask.last.is_none();
        let mut latest = None;
        for cursor in &self.cursors {
            latest = latest.max(self.handle.logs().get(&cursor.service).and_then(|document| {
                // One of another log tells no time of this one.
                if !cursor.is_of(&document) {
                    return None;
                }
                let mut reader = document.read();
                Some(reader.line(LineId(cursor.next.0.checked_sub(1)?))?.at)
            }));
        }
        for service in &group.services {
            if !self.wants(&service.name) {
                continue;
            }
            let Some(document) = self.handle.logs().get(&service.name) else { continue };
            let (first, end) = {
                let reader = document.read();
                (LineId(reader.dropped()), reader.end())
            };
            let mut start = if all { LineId(0) } else { first };
            let mut lost = None;
            match self.cursors.iter().find(|cursor| cursor.service == service.name) {
                Some(cursor) => (start, lost) = resume(&document, cursor),
                None => {
                    if let Some(latest) = latest {
                        start = start.max(search(&document, first..end, |line| line.at < latest));
                    }
                    match self.after {
                        Some(after) if after.epoch == self.handle.events().epoch() => {
                            start = start.max(search(&document, first..end, |line| line.at < after.at));
                        }
                        Some(_) => lost = Some(of_earlier_run(&service.name)),
                        None => {}
                    }
                }
            }
            if let Some(since) = since {
                start = start.max(search(&document, first..end, |line| line.at < since));
            }
            if self.ask.since_restart {
                start = start.max(search(&document, first..end, |line| line.run < service.run));
            }
            let end = (!self.ask.follow).then_some(end);
            self.sources.push(Source::new(service.name.clone(), Tail::new(document, start, end), lost));
            yield_now().await;
        }
        if let Some(last) = self.ask.last {
            self.leave_out_all_but(last).await;
        }
    }

    /// Of what is there, only the last so many entries are sent.
    async fn leave_out_all_but(&mut self, last: u64) {
        let mut found = 0;
        for place in 0..self.sources.len() {
            let source = &self.sources[place];
            let (begin, document) = (source.tail.next(), source.tail.document().clone());
            // A flood has gone on since the end was noted.
            let end = source.tail.end().unwrap_or_else(|| document.read().end());
            let (mut start, mut here) = (end, 0);
            if self.filter.takes_all() {
                start = LineId(end.0.saturating_sub(last).max(begin.0.min(end.0)));
                here = end.0 - start.0;
            }
            // Backwards, a slice at a time.
            while !self.filter.takes_all() && here < last && start > begin {
                let from = LineId(start.0.saturating_sub(SLICE as u64).max(begin.0));
                here += self.filter.count(&document, from, start);
                start = from;
                yield_now().await;
            }
            found += here;
            let source = &mut self.sources[place];
            let (name, lost) = (source.name.clone(), source.lost.take());
            let tail = Tail::new(document, start, source.tail.end());
            // What begins within an entry is the end of one that was not counted.
            *source = Source { leaves_out: true, ..Source::new(name, tail, lost) };
        }
        self.leave_out = found.saturating_sub(last);
        if !self.ask.follow {
            self.room = last;
        }
    }

    fn wants(&self, name: &ServiceName) -> bool {
        // A cursor alone names its service, and does not leave the others out.
        self.ask.services.is_empty() || self.wanted.contains(name)
    }

    /// Services that were added to the file meanwhile, and those that are gone from it: with a last look at their logs.
    fn join_new(&mut self) {
        let group = self.handle.snapshot();
        // An instance may have come, or a service of the group that is meant. What meant somebody may mean nobody now.
        let roster = group.roster();
        let written = self.ask.services.iter().map(String::as_str);
        let wanted = written.flat_map(|written| roster.resolve([written]).unwrap_or_default());
        self.wanted = wanted.collect();
        for source in &mut self.sources {
            let now = self.handle.logs().get(&source.name);
            source.is_gone = now.is_none_or(|document| !Arc::ptr_eq(&document, source.tail.document()));
        }
        for service in &group.services {
            if self.wants(&service.name)
                && self.sources.iter().all(|source| source.name != service.name || source.is_gone)
                && let Some(document) = self.handle.logs().get(&service.name)
            {
                let tail = Tail::new(document, LineId(0), None);
                self.sources.push(Source::new(service.name.clone(), tail, None));
            }
        }
    }
}

impl Source {
    fn new(name: ServiceName, tail: Tail, lost: Option<Skipped>) -> Self {
        let levels = LevelReader::at(&mut tail.document().read(), tail.next());
        Self { name, tail, levels, lost, is_gone: false, leaves_out: false }
    }

    fn read(&mut self, now: Moment, all: bool) {
        self.tail.read(now, SLICE, all);
        let lost = self.tail.take_lost();
        if lost > 0 {
            let before = self.lost.take().map_or(Some(0), |lost| lost.skipped);
            let skipped = before.map(|before| before + lost);
            self.lost = Some(Skipped { service: Some(self.name.as_str().to_owned()), skipped });
        }
    }
}

impl Filter {
    /// Every line is wanted.
    fn takes_all(&self) -> bool {
        self.query.is_none() && self.level.is_none() && self.conditions.is_empty()
    }

    /// The line as it is sent, if it is wanted, and whether it is the first of an entry. What devgroup says is no output:
    /// only an expression finds it.
    fn line(&mut self, source: &mut Source, piece: &Piece, clock: crate::clock::Clock) -> Option<(LogLine, bool)> {
        let is_first = self.begins_entry(&source.levels, &piece.line);
        let level = if self.levels { source.levels.pass(&piece.line) } else { None };
        let wanted = self.is_met(&piece.line, level);
        wanted.then(|| {
            let document = source.tail.document();
            let target = |id| if self.links { document.read().link(id) } else { None };
            let styled = self.styled.map(|support| piece.line.to_ansi_with_links(piece.skip, support, target));
            let line = LogLine::new((&source.name, document.epoch()), piece, level, styled, clock);
            (if self.data { line.with_data(piece) } else { line }, is_first)
        })
    }

    /// The line is counted. Whoever asks for a level counts errors, each with its trace; all others count lines, since an
    /// expression may find any line of a trace.
    fn begins_entry(&self, above: &LevelReader, line: &Line) -> bool {
        let counts_entries = self.level.is_some() && self.query.is_none() && self.conditions.is_empty();
        !counts_entries || line.kind.is_marker() || !above.goes_on_with(&line.content.text)
    }

    fn is_met(&mut self, line: &Line, level: Option<Level>) -> bool {
        self.query.as_ref().is_none_or(|query| query.is_match(&line.content.text))
            && self.level.is_none_or(|least| level.is_some_and(|level| level >= least))
            && (self.conditions.is_empty()
                || line.kind == LineKind::Output && self.conditions.are_met(&line.content.text))
    }

    /// Entries of this part that are wanted.
    fn count(&mut self, document: &LogDocument, from: LineId, until: LineId) -> u64 {
        let mut reader = document.read();
        let mut levels = if self.levels { LevelReader::at(&mut reader, from) } else { LevelReader::default() };
        let mut count = 0;
        for id in from.0..until.0 {
            let Some(line) = reader.line(LineId(id)) else { continue };
            let is_first = self.begins_entry(&levels, &line);
            let level = if self.levels { levels.pass(&line) } else { None };
            count += u64::from(is_first && self.is_met(&line, level));
        }
        count
    }
}

/// Whether a line is sent, if so many entries are left out first and so many are sent at most. What belongs to an entry
/// goes the way of its first line.
fn is_sent(is_first: bool, leaves_out: &mut bool, leave_out: &mut u64, room: &mut u64) -> bool {
    if is_first {
        *leaves_out = *leave_out > 0 || *room == 0;
        *room -= u64::from(!*leaves_out);
        *leave_out = leave_out.saturating_sub(1);
    }
    !*leaves_out
}

fn moment_before(now: Moment, millis: u64) -> Moment {
    Moment::after_start(now.since_start().saturating_sub(Duration::from_millis(millis)))
}

/// The first line that is not before what is looked for. The document is free between two looks.
fn search(document: &LogDocument, lines: Range<LineId>, is_before: impl Fn(&Line) -> bool) -> LineId {
    // A line that was dropped meanwhile is before everything.
    LineId::partition_point(lines, |id| document.read().line(id).is_none_or(|line| is_before(&line)))
}

/// Where a cursor leads to. One of another log leads to the oldest line, and it is said that something may be missing.
fn resume(document: &LogDocument, cursor: &Cursor) -> (LineId, Option<Skipped>) {
    if cursor.is_of(document) {
        return (cursor.next, None);
    }
    let first = LineId(document.read().dropped());
    (first, Some(of_earlier_run(&cursor.service)))
}

/// That all lines follow, because a cursor is of an earlier run of the group.
fn of_earlier_run(service: &ServiceName) -> Skipped {
    Skipped { service: Some(service.as_str().to_owned()), skipped: None }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::clock::Clock;
    use crate::domain::{GroupSnapshot, Phase, RunId, ServiceSnapshot};
    use crate::logs::LogStore;

    #[test]
    fn a_service_that_prints_before_it_is_in_a_snapshot_is_followed() {
        let logs = Arc::new(LogStore::new(Clock::start()));
        let with = |names: &[&str]| {
            let down = |name: &&str| ServiceSnapshot::blank(name, RunId::default(), Phase::Down, Moment::START);
            let empty = GroupSnapshot::empty("shop".into(), "procgroup.toml".into(), Arc::default());
            Arc::new(GroupSnapshot { services: names.iter().map(down).collect(), ..empty })
        };
        let print = |name: &str| {
            logs.open(&name.into(), 1 << 20).feed(format!("{name} is up\r\n").as_bytes());
        };
        let (published, snapshots) = watch::channel(with(&["web"]));
        let handle = GroupHandle::new(mpsc::channel(1).0, snapshots, logs.clone(), Arc::default());
        let (outbox, mut replies) = Outbox::inside();
        let ask = LogsAsk { follow: true, ..LogsAsk::default() };
        let steps = async {
            let mut next = async || match replies.recv().await {
                Some(Reply::Line(line)) => line.text,
                other => panic!("{other:?}"),
            };
            print("web");
            assert_eq!(next().await, "web is up");
            print("api");
            print("web");
            assert_eq!(next().await, "web is up");
            published.send_replace(with(&["web", "api"]));
            assert_eq!(next().await, "api is up");
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            tokio::select! {
                () = LogReader::new(handle, ask).unwrap().run(outbox) => panic!("nobody follows any more"),
                result = tokio::time::timeout(Duration::from_secs(60), steps) => result.unwrap(),
            }
        });
    }
}
