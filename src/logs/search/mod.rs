//! Searches a whole document while it is being written and drawn.
//!
//! History lines never change, so a [`Scan`] reads each of them once, newest first, from copies of the blocks: it locks
//! the document only long enough to clone references. Lines on the screen may change and are matched whenever they are
//! drawn, see [`Matches`].

mod line_set;
mod query;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;

use line_set::LineSet;
pub use query::{Criterion, Query, QueryError, QueryKind, Term};

use super::history::{Block, BlockText};
use super::{LineId, LineKind, LogDocument, Reader};

/// Blocks of the first slice: its result is seen at once.
const FIRST_SLICE: usize = 16;
/// Blocks of a slice later on.
const SLICE: usize = 256;
/// Threads that read one slice.
const THREADS: usize = 4;

/// Telling the level of every line would take a second.
static POSSIBLE_ERRORS: LazyLock<Option<Query>> = LazyLock::new(Query::possible_errors);

/// One search over one document, and what it has found so far.
#[derive(Debug)]
pub struct Scan {
    document: Arc<LogDocument>,
    criterion: Criterion,
    /// Lines before this one are not read.
    floor: u64,
    /// Somebody is at it.
    claimed: AtomicBool,
    found: Mutex<Found>,
}

#[derive(Debug)]
struct Found {
    lines: LineSet,
    /// Which lines were read.
    covered: Range<u64>,
    /// What a filter knows besides.
    markers: Markers,
}

/// The markers of what a filter shows. One is shown if a line of output that is shown follows it before the next marker.
#[derive(Debug, Default)]
struct Markers {
    /// All that were read.
    all: LineSet,
    /// Those that are shown.
    shown: LineSet,
    /// What the first line is that was read and that the filter lets through.
    first: Option<LineKind>,
    /// The last such line, if it is a marker: what comes next decides.
    open: Option<LineId>,
}

impl Markers {
    /// Takes what the filter lets through of lines that were read: in order, and all of it before, or behind, what was
    /// read already. The answer is what is shown of it, and of what waited for it.
    fn add_lines(&mut self, hits: &[(LineId, LineKind)], before: bool) -> Vec<LineId> {
        let Some((_, first)) = hits.first() else { return Vec::new() };
        self.all.extend(hits.iter().filter(|(_, kind)| kind.is_marker()).map(|(line, _)| *line));
        let mut shown = Vec::with_capacity(hits.len());
        let mut next = if before { self.first } else { None };
        if next.is_none() {
            shown.extend(self.close(*first));
            self.open = hits.last().filter(|(_, kind)| kind.is_marker()).map(|(line, _)| *line);
        }
        for (line, kind) in hits.iter().rev() {
            if *kind == LineKind::Output || next == Some(LineKind::Output) {
                shown.push(*line);
            }
            if kind.is_marker() && next == Some(LineKind::Output) {
                self.shown.extend([*line]);
            }
            next = Some(*kind);
        }
        if before || self.first.is_none() {
            self.first = Some(*first);
        }
        shown
    }

    /// What comes behind the last line is known. The answer is the marker that it shows.
    fn close(&mut self, next: LineKind) -> Option<LineId> {
        let open = self.open.take().filter(|_| next == LineKind::Output);
        self.shown.extend(open);
        open
    }

    fn drop_before(&mut self, line: LineId) {
        self.all.drop_before(line);
        self.shown.drop_before(line);
        self.open = self.open.filter(|open| *open >= line);
    }
}

impl Scan {
    /// A search that has not begun.
    pub fn new(document: Arc<LogDocument>, criterion: Criterion) -> Self {
        let (lines, markers) = (LineSet::default(), Markers::default());
        let found = Found { lines, markers, covered: u64::MAX..u64::MAX };
        Self { document, criterion, floor: 0, claimed: AtomicBool::new(false), found: Mutex::new(found) }
    }

    /// A search in the lines from that one on.
    pub fn since(document: Arc<LogDocument>, criterion: Criterion, first: LineId) -> Self {
        let mut scan = Self::new(document, criterion);
        scan.floor = first.0;
        scan.found.get_mut().unwrap_or_else(PoisonError::into_inner).covered = first.0..first.0;
        scan
    }

    /// It is for that document.
    pub fn is_of(&self, document: &Arc<LogDocument>) -> bool {
        Arc::ptr_eq(&self.document, document)
    }

    /// Whoever is told `true` is to call [`Scan::run`]; nobody else is until that has ended.
    pub fn claim(&self) -> bool {
        !self.claimed.swap(true, Ordering::AcqRel)
    }

    /// Reads all lines of history that were not read yet, newest first. `go_on` is asked after each slice.
    pub fn run(&self, mut go_on: impl FnMut() -> bool) {
        let mut slice = FIRST_SLICE;
        while self.step(slice) && go_on() {
            slice = (slice * 2).min(SLICE);
        }
        self.claimed.store(false, Ordering::Release);
    }

    /// Reads at most so many blocks. Nothing was left to read if the answer is `false`.
    fn step(&self, slice: usize) -> bool {
        let mut covered = self.found().covered.clone();
        let known = covered.clone();
        let blocks = self.document.blocks_beside(&mut covered, self.floor, slice);
        let mut hits = self.read_all(&blocks);
        let mut found = self.found();
        found.lines.drop_before(LineId(covered.start));
        found.markers.drop_before(LineId(covered.start));
        let found = &mut *found;
        if let Criterion::Filter(_) = self.criterion {
            // A block that lines were added to is read as a whole again.
            hits.retain(|(line, _)| !known.contains(&line.0));
            hits.sort_unstable_by_key(|(line, _)| *line);
            let (before, behind) = hits.split_at(hits.partition_point(|(line, _)| line.0 < known.start));
            for (hits, before) in [(before, true), (behind, false)] {
                let shown = found.markers.add_lines(hits, before);
                found.lines.extend(shown);
            }
        } else {
            found.lines.extend(hits.iter().map(|(line, _)| *line));
        }
        found.covered = covered;
        !blocks.is_empty()
    }

    /// Reads blocks on some threads. Each takes the next block when it is done with one: however busy a processor is with
    /// other things, all end together. The hits are in no order.
    fn read_all(&self, blocks: &[Block]) -> Vec<(LineId, LineKind)> {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS).min(blocks.len());
        let next = &AtomicUsize::new(0);
        let read = move || self.read(std::iter::from_fn(|| blocks.get(next.fetch_add(1, Ordering::Relaxed))));
        thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(read)).collect();
            // What a thread that has panicked has read counts as without hits.
            threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
        })
    }

    fn read<'a>(&self, blocks: impl Iterator<Item = &'a Block>) -> Vec<(LineId, LineKind)> {
        let mut hits = Vec::new();
        let mut buffer = Vec::new();
        for block in blocks {
            if let Some(text) = block.text(&mut buffer) {
                self.read_block(block.first(), &text, &mut hits);
            }
        }
        hits
    }

    fn read_block(&self, first: u64, block: &BlockText<'_>, hits: &mut Vec<(LineId, LineKind)>) {
        match &self.criterion {
            Criterion::Query(query) => {
                let ends = || Some(block.ends()?.iter().map(|(end, _)| *end).collect());
                // Whether a hit is a marker matters to filters only.
                query
                    .lines_of(block.text, ends, |index, _| hits.push((LineId(first + index as u64), LineKind::Output)));
            }
            criterion @ Criterion::Errors => {
                let ends = || Some(block.ends()?.iter().map(|(end, _)| *end).collect());
                let Some(possible) = &*POSSIBLE_ERRORS else { return };
                let kinds = OnceCell::new();
                possible.lines_of(block.text, ends, |index, line| {
                    let kind = || {
                        let kinds = kinds.get_or_init(|| block.ends().unwrap_or_default());
                        kinds.get(index).map_or(LineKind::Output, |(_, kind)| *kind)
                    };
                    // What made it is written down far from its text, and few lines need it.
                    if criterion.is_met(line, LineKind::Output) && kind() == LineKind::Output {
                        hits.push((LineId(first + index as u64), LineKind::Output));
                    }
                });
            }
            criterion @ Criterion::Filter(_) => {
                let mut start = 0;
                for (line, (end, kind)) in (first..).zip(block.ends().unwrap_or_default().iter()) {
                    let text = block.text.get(start..*end as usize).unwrap_or_default();
                    if criterion.is_met(text, *kind) {
                        hits.push((LineId(line), *kind));
                    }
                    start = *end as usize;
                }
            }
        }
    }

    /// What was found, together with what is on the screen now.
    pub fn matches(&self, reader: &mut Reader<'_>) -> Matches<'_> {
        let (first, filed, end) = (LineId(reader.dropped()), reader.archived(), reader.end());
        let mut live = Vec::new();
        for id in filed.0..end.0 {
            if let Some(line) = reader.line(LineId(id))
                && self.criterion.is_met(&line.content.text, line.kind)
            {
                live.push(line.id);
            }
        }
        let mut found = self.found();
        if !live.is_empty() && found.covered.end >= filed.0 {
            // What is on the screen is output.
            let open = found.markers.close(LineKind::Output);
            found.lines.extend(open);
        }
        found.lines.drop_before(first);
        found.markers.drop_before(first);
        let complete = found.covered.start <= first.0.max(self.floor);
        let behind = !complete || found.covered.end < filed.0;
        Matches { found, live, filed, complete, behind }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a scan has found, in a document that is locked.
#[derive(Debug)]
pub struct Matches<'a> {
    found: MutexGuard<'a, Found>,
    /// Lines of the screen, in order.
    live: Vec<LineId>,
    filed: LineId,
    complete: bool,
    behind: bool,
}

impl Matches<'_> {
    /// All lines that there were when the scan began were read; only output that is newer may be missing.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// All lines before this one were read.
    pub fn known_to(&self) -> LineId {
        let read = LineId(self.found.covered.end);
        match self.complete {
            false => LineId(0),
            true if read < self.filed => read,
            true => LineId(u64::MAX),
        }
    }

    /// All lines of history before that one were read, as far as it has read at all: newer output is not waited for.
    pub fn has_read_to(&self, line: LineId) -> bool {
        LineId(self.found.covered.end) >= self.filed.min(line)
    }

    /// There are lines for [`Scan::run`] to read.
    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// How many lines.
    pub fn count(&self) -> u64 {
        self.in_history() + self.live.len() as u64
    }

    /// How many markers there are, and how many of them are among the lines; known of filters only.
    pub fn markers(&self) -> (u64, u64) {
        (self.found.markers.all.len(), self.found.markers.shown.len())
    }

    /// The line is one of them.
    pub fn contains(&self, line: LineId) -> bool {
        if line < self.filed { self.found.lines.contains(line) } else { self.live.binary_search(&line).is_ok() }
    }

    /// How many are before that line.
    pub fn rank(&self, line: LineId) -> u64 {
        if line <= self.filed {
            self.found.lines.rank(line)
        } else {
            self.in_history() + self.live.partition_point(|live| *live < line) as u64
        }
    }

    /// How many are before that line, without those that a filter hides.
    pub fn rank_shown(&self, line: LineId, filter: Option<&Matches<'_>>) -> u64 {
        let Some(filter) = filter else { return self.rank(line) };
        let filed = self.found.lines.rank_in(&filter.found.lines, line.min(self.filed));
        let live = self.live.iter().filter(|live| **live < line && filter.contains(**live));
        filed + live.count() as u64
    }

    /// The first from that line on.
    pub fn first_from(&self, line: LineId) -> Option<LineId> {
        let filed = self.found.lines.first_from(line).filter(|found| *found < self.filed);
        filed.or_else(|| self.live.get(self.live.partition_point(|live| *live < line)).copied())
    }

    /// The last before that line.
    pub fn last_before(&self, line: LineId) -> Option<LineId> {
        let live = self.live.partition_point(|live| *live < line).checked_sub(1);
        let live = live.and_then(|place| self.live.get(place)).copied();
        live.or_else(|| self.found.lines.last_before(line.min(self.filed)))
    }

    /// Lines of history: while a frame is drawn, some that were found are not shown yet.
    fn in_history(&self) -> u64 {
        self.found.lines.rank(self.filed)
    }
}
