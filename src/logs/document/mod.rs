//! One log document: a terminal with its history, with one writer and many readers.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use memchr::memmem;
use tokio::sync::watch;

use super::budget::GroupBudget;
use super::history::Block;
use super::ready::ReadyPattern;
use super::screen::{Frame, Input, Layout, TerminalScreen, View};
use super::terminal_colors::GroupColors;
use super::{Epoch, InputModes, Line, LineId, LineKind, LinkId, StyledText};
use crate::clock::Clock;
use crate::domain::{Marker, Moment, RunId, TextPattern};

/// The size of a terminal that nobody has given one.
const COLUMNS: u16 = 80;
const ROWS: u16 = 24;

/// How long readers may be shown the frame before the one that is being drawn: a program that dies in between must not
/// hide what it said.
const FRAME: Duration = Duration::from_millis(150);
/// Lines of a run that are looked through for a ready pattern that comes later than they did.
const PAST_LINES: u64 = 10_000;
/// Of so many runs it is known when they began.
const RUNS: usize = 1000;
const FRAME_BEGINS: &[u8] = b"\x1b[?2026h";
const FRAME_ENDS: &[u8] = b"\x1b[?2026l";

/// The log of one service: history, then the live screen. Kept across restarts.
#[derive(Debug)]
pub struct LogDocument {
    epoch: Epoch,
    clock: Clock,
    changed: watch::Sender<()>,
    /// Whoever wants `inner` waits here first, and keeps this until it has it. A writer in a loop would otherwise take
    /// the lock again before a reader that waits for it has woken up: the standard mutex is not fair.
    turn: Mutex<()>,
    inner: Mutex<Inner>,
    budget: Arc<GroupBudget>,
    /// Bytes that the budget of the group knows of.
    kept: AtomicUsize,
    /// Bytes of output since the begin.
    fed: AtomicU64,
}

#[derive(Debug)]
struct Inner {
    screen: TerminalScreen,
    input: Input,
    frame_begins: memmem::Finder<'static>,
    /// What readers see while a frame is drawn, and until when.
    frozen: Option<(Box<Frame>, Moment)>,
    version: u64,
    /// When the last runs began: their first lines may be dropped long before the others.
    starts: BTreeMap<RunId, Moment>,
}

/// What came of feeding bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fed {
    /// Answers to queries of the service, to be written to its terminal.
    pub replies: Vec<u8>,
    /// The ready pattern of this run was seen now, for the first time.
    pub ready: bool,
    /// A frame is hidden until it is complete, or until [`LogDocument::next_change`].
    pub frame_open: bool,
}

impl LogDocument {
    /// An empty document with a budget in bytes.
    pub fn new(memory: usize, clock: Clock, changed: watch::Sender<()>) -> Self {
        Self::of_group(memory, clock, changed, Arc::default(), GroupColors::default())
    }

    /// The same, for a group that has a budget for all, and is shown in these colours.
    pub(super) fn of_group(
        memory: usize,
        clock: Clock,
        changed: watch::Sender<()>,
        budget: Arc<GroupBudget>,
        colors: GroupColors,
    ) -> Self {
        let screen = TerminalScreen::new(COLUMNS, ROWS, memory).in_colors(colors);
        let frame_begins = memmem::Finder::new(FRAME_BEGINS);
        let inner =
            Inner { screen, input: Input::default(), frame_begins, frozen: None, version: 0, starts: BTreeMap::new() };
        let (turn, inner, kept) = (Mutex::new(()), Mutex::new(inner), AtomicUsize::new(0));
        Self { epoch: Epoch::begin(), clock, changed, turn, inner, budget, kept, fed: AtomicU64::new(0) }
    }

    /// By which its lines are told from those of an earlier log of the service.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Changes the budget in bytes.
    pub fn set_memory(&self, memory: usize) {
        self.change(|inner, _| {
            let before = inner.screen.history.dropped();
            inner.screen.history.set_memory(memory);
            inner.screen.history.dropped() != before
        });
    }

    /// Bytes that the history takes up.
    pub(super) fn kept(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    /// Gives up the oldest block of lines, if there is one.
    pub(super) fn drop_oldest(&self) -> bool {
        let mut dropped = false;
        self.change(|inner, _| {
            dropped = inner.screen.history.drop_block();
            dropped
        });
        dropped
    }

    /// A new run begins: what is on the screen goes to history, modes and styles are those of a new terminal, and
    /// `ready` is looked for in its output.
    pub fn begin_run(&self, run: RunId, ready: Option<&TextPattern>) {
        let ready = ready.and_then(ReadyPattern::new);
        self.change(|inner, now| {
            inner.frozen = None;
            inner.input = Input::default();
            inner.screen.begin_run(run, ready, now);
            inner.starts.insert(run, now);
            if inner.starts.len() > RUNS {
                inner.starts.pop_first();
            }
            true
        });
    }

    /// From now on `ready` is looked for in the output of the live run, and nothing else. Whether it is there already, in
    /// the last lines.
    pub fn expect_ready(&self, run: RunId, ready: Option<&TextPattern>) -> bool {
        let mut past = ready.and_then(ReadyPattern::new);
        let expected = ready.and_then(ReadyPattern::new);
        self.change(|inner, _| {
            inner.screen.expect_ready(expected);
            false
        });
        let Some(past) = &mut past else { return false };
        let mut reader = self.read();
        let lines = (reader.first().0.max(reader.end().0.saturating_sub(PAST_LINES))..reader.end().0).rev();
        for line in lines.filter_map(|id| reader.line(LineId(id))).take_while(|line| line.run == run) {
            if line.kind == LineKind::Output {
                past.search(&line.content.text);
            }
        }
        past.found()
    }

    /// The run is over: what a full-screen program that did not end by itself has shown last goes to the log.
    pub fn end_run(&self) {
        self.change(|inner, now| {
            let full_screen = inner.screen.input_modes().alternate_screen;
            if full_screen {
                inner.frozen = None;
                inner.screen.end_run(now);
            }
            full_screen
        });
    }

    /// Output of the service, in any pieces.
    pub fn feed(&self, bytes: &[u8]) -> Fed {
        let mut fed = Fed::default();
        if bytes.is_empty() {
            return fed;
        }
        self.fed.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.change(|inner, now| {
            inner.feed(bytes, now);
            fed.replies = inner.screen.take_replies();
            fed.ready = inner.screen.take_ready();
            fed.frame_open = inner.frozen.is_some();
            true
        });
        fed
    }

    /// How many bytes of output there were so far, those that were dropped included.
    pub fn fed(&self) -> u64 {
        self.fed.load(Ordering::Relaxed)
    }

    /// Puts a marker after everything that was fed.
    pub fn mark(&self, marker: &Marker) {
        self.change(|inner, now| {
            let text = marker.line(&self.clock.time_of_day(now));
            inner.frozen = None;
            inner.screen.mark(&text, marker.kind(), now);
            true
        });
    }

    /// The pane has this size now. Clamped to at least 2×1.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.change(|inner, now| {
            let resized = inner.screen.resize(columns, rows, now);
            if resized {
                inner.frozen = None;
            }
            resized
        });
    }

    /// Grows with every change; equal numbers mean that nothing changed.
    pub fn version(&self) -> u64 {
        self.lock().version
    }

    /// How the service wants keys, pastes and the mouse to be sent.
    pub fn input_modes(&self) -> InputModes {
        self.lock().screen.input_modes()
    }

    /// The shape that the service wants of the cursor, as DECSCUSR tells it (0 to 6); 0 is that of the terminal.
    pub fn cursor_shape(&self) -> u8 {
        self.lock().screen.cursor_shape()
    }

    /// Locks the document for reading. Writers wait meanwhile: take what is on the screen, not more.
    pub fn read(&self) -> Reader<'_> {
        let now = self.now();
        let mut inner = self.lock();
        if inner.thaw(now) {
            self.changed.send_replace(());
        }
        let layout = inner.view().layout();
        Reader { inner, layout }
    }

    /// When the document looks different although nothing is printed: a frame that the service began to draw and did
    /// not finish is shown then as it is, by [`LogDocument::show_what_is_due`].
    pub fn next_change(&self) -> Option<Moment> {
        self.lock().frozen.as_ref().map(|(_, until)| *until)
    }

    /// The moment of [`LogDocument::next_change`] has come: readers are told. Whoever feeds the document sees to that, so
    /// that nobody else needs to wait for a time.
    pub fn show_what_is_due(&self) {
        self.change(|_, _| false);
    }

    /// Some blocks of complete lines beside those that are `covered` already, see [`History::blocks_beside`].
    pub(super) fn blocks_beside(&self, covered: &mut Range<u64>, floor: u64, limit: usize) -> Vec<Block> {
        self.lock().screen.history.blocks_beside(covered, floor, limit)
    }

    /// Changes the document, and tells if the change says that it was one.
    fn change(&self, change: impl FnOnce(&mut Inner, Moment) -> bool) {
        let now = self.now();
        let mut inner = self.lock();
        let thawed = inner.thaw(now);
        let changed = change(&mut inner, now);
        inner.version += u64::from(changed);
        let kept = inner.screen.history.bytes() + inner.screen.links.bytes();
        self.budget.account(self.kept.swap(kept, Ordering::Relaxed), kept);
        drop(inner);
        self.budget.make_room();
        if changed || thawed {
            self.changed.send_replace(());
        }
    }

    /// Now, as finely as history keeps it: a line must not change its time when it leaves the screen.
    fn now(&self) -> Moment {
        let micros = self.clock.now().since_start().as_micros();
        Moment::after_start(Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn feed(&mut self, bytes: &[u8], now: Moment) {
        self.screen.set_now(now);
        // Only a frame that is left open at the end can be seen half drawn, and only then is a copy needed. (Looking from
        // the front, although it is the last that matters: `rfind` looks at every byte, `find` at 32 of them at once.)
        let begin = self.frame_begins.find_iter(bytes).last().filter(|begin| {
            let after = bytes.get(*begin..).unwrap_or_default();
            memmem::find(after, FRAME_ENDS).is_none()
        });
        let (before, rest) = bytes.split_at(begin.unwrap_or(bytes.len()));
        self.input.advance(&mut self.screen, before);
        if !self.screen.frame_open() {
            self.frozen = None;
        }
        if begin.is_some() && self.frozen.is_none() {
            self.frozen = Some((Box::new(self.screen.frame()), now + FRAME));
        }
        self.input.advance(&mut self.screen, rest);
        if !self.screen.frame_open() {
            self.frozen = None;
        }
    }

    /// Forgets the frame before when its time is over. Whether it was, so that the document looks different.
    fn thaw(&mut self, now: Moment) -> bool {
        let thawed = self.frozen.take_if(|(_, until)| *until <= now).is_some();
        self.version += u64::from(thawed);
        thawed
    }

    fn view(&self) -> View<'_> {
        match &self.frozen {
            Some((frame, _)) => frame.view(),
            None => self.screen.view(),
        }
    }
}

impl Drop for LogDocument {
    fn drop(&mut self) {
        self.budget.account(self.kept(), 0);
    }
}

/// A locked document.
#[derive(Debug)]
pub struct Reader<'a> {
    inner: MutexGuard<'a, Inner>,
    layout: Layout,
}

impl Reader<'_> {
    /// The oldest line: of those that are kept, or a marker before them that says how many were dropped.
    pub fn first(&self) -> LineId {
        let history = &self.inner.screen.history;
        LineId(history.first() - u64::from(history.dropped() > 0))
    }

    /// Lines before this one are in history: nothing can change them any more.
    pub fn archived(&self) -> LineId {
        LineId(self.inner.view().history_end)
    }

    /// The line after the last. Lines of the live screen down to the cursor or the last row with text are included.
    /// A program that erases its screen takes lines back.
    pub fn end(&self) -> LineId {
        LineId(self.inner.view().history_end + self.layout.len() as u64)
    }

    /// Lines before this one are above the cursor of the primary screen, or in history: a stream may print them.
    pub fn settled(&self) -> LineId {
        let view = self.inner.view();
        LineId(view.history_end + view.settled(&self.layout) as u64)
    }

    /// The first line after the service last cleared its screen, if it has in this run. It may be the end.
    pub fn cleared(&self) -> Option<LineId> {
        self.inner.view().cleared.map(LineId)
    }

    /// Lines that the budget has dropped; the number of the oldest that is kept.
    pub fn dropped(&self) -> u64 {
        self.inner.screen.history.dropped()
    }

    /// When a run began, unless that was many runs ago.
    pub fn start_of(&self, run: RunId) -> Option<Moment> {
        self.inner.starts.get(&run).copied()
    }

    /// A line, of history or of the live screen.
    pub fn line(&mut self, id: LineId) -> Option<Line> {
        if self.dropped() > 0 && id == self.first() {
            return self.loss();
        }
        let view = self.inner.view();
        match id.0.checked_sub(view.history_end) {
            None => self.inner.screen.history.line(id.0),
            Some(index) => {
                let (at, content) = view.line(&self.layout, usize::try_from(index).ok()?)?;
                let run = self.run();
                Some(Line { id, at, run, kind: LineKind::Output, content })
            }
        }
    }

    /// The first line that arrived after that moment, or the end: how far another document has come by then. Lines that
    /// were written over may be younger than those below them.
    pub fn line_after(&mut self, at: Moment) -> LineId {
        let archived = self.archived();
        let id = LineId(self.inner.screen.history.line_after(at));
        if id < archived {
            return id;
        }
        let live = (archived.0..self.end().0).map(LineId);
        let mut lines = live.filter_map(|id| self.line(id));
        lines.find(|line| line.at > at).map(|line| line.id).unwrap_or_else(|| self.end())
    }

    /// The first of some lines that is not before what is looked for, or the end of them; lines that are gone are before it.
    /// Lines are in order of time and of runs.
    pub fn partition_point(&mut self, lines: Range<LineId>, is_before: impl Fn(&Line) -> bool) -> LineId {
        LineId::partition_point(lines, |id| self.line(id).is_none_or(|line| is_before(&line)))
    }

    /// When the run of a line began, and its first line: of those that are kept.
    pub fn beginning_of(&mut self, line: &Line) -> (Moment, LineId) {
        let first = self.partition_point(self.first()..line.id, |candidate| candidate.run < line.run);
        (self.line(first).map_or(line.at, |first| first.at), first)
    }

    /// The line after the marker that a run begins with, or its first line if that is gone.
    pub fn after_start_of(&mut self, run: RunId) -> LineId {
        let kept = LineId(self.dropped())..self.end();
        let first = self.partition_point(kept, |line| line.run < run);
        let is_start = |line: Line| line.run == run && matches!(line.kind, LineKind::Marker(kind) if kind.is_start());
        LineId(first.0 + u64::from(self.line(first).is_some_and(is_start)))
    }

    /// The run that what is printed now belongs to.
    pub(super) fn run(&self) -> RunId {
        self.inner.screen.history.run()
    }

    /// The line that stands for those that were dropped, with the time of the oldest that is kept.
    fn loss(&mut self) -> Option<Line> {
        let id = self.first();
        let lines = self.dropped();
        let marker = Marker::Dropped { lines };
        let (text, kind) = (marker.line(""), LineKind::Marker(marker.kind()));
        let content = StyledText { text, runs: Vec::new() };
        let run = self.run();
        let next = self.line(LineId(lines));
        let (at, run) = next.map_or((Moment::START, run), |line| (line.at, line.run));
        Some(Line { id, at, run, kind, content })
    }

    /// Where a link leads that a service has printed; nothing if it is too long ago.
    pub fn link(&self, id: LinkId) -> Option<Arc<str>> {
        self.inner.screen.links.target(id).cloned()
    }

    /// The alternate screen, while the service has switched to it (an editor, a pager).
    pub fn screen(&self) -> Option<ScreenRows> {
        self.inner.view().screen()
    }

    /// The terminal, whichever screen it shows.
    pub fn terminal(&self) -> ScreenRows {
        self.inner.view().terminal()
    }

    /// Where the cursor of the primary screen is: its line, and the byte of that line's text (or its end). The line may
    /// be the one after the last, or one that does not show what a marker has moved above it. `None` while the service
    /// hides it.
    pub fn cursor(&self) -> Option<(LineId, usize)> {
        let view = self.inner.view();
        let (line, byte) = view.cursor(&self.layout)?;
        Some((LineId(view.history_end + line as u64), byte))
    }

    /// Column and row of the cursor on the primary screen, from 0. It may stand in cells to which no byte of a line
    /// belongs: those at the end of a line that nothing was printed to.
    pub fn cursor_cell(&self) -> (usize, usize) {
        self.inner.view().cursor_cell()
    }

    /// Same as [`LogDocument::version`].
    pub fn version(&self) -> u64 {
        self.inner.version
    }
}

/// The rows of a terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScreenRows {
    /// From the top; each at most as wide as the screen.
    pub rows: Vec<StyledText>,
    /// Column and row of the cursor, from 0, if it is visible.
    pub cursor: Option<(u16, u16)>,
}

#[cfg(test)]
mod start_tests;
#[cfg(test)]
mod tests;
