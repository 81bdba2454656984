//! One log document. INTERFACE DRAFT with a trivial body (a line splitter), to compile against.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{Line, LineId, LineKind, StyledText};
use crate::clock::Clock;
use crate::domain::{Marker, RunId, TextPattern};

/// The log of one service: history, then the live screen. Kept across restarts.
#[derive(Debug)]
pub struct LogDocument {
    clock: Clock,
    changed: watch::Sender<()>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    lines: Vec<Line>,
    run: RunId,
    open: bool,
    version: u64,
}

/// What came of feeding bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fed {
    /// Answers to queries of the service, to be written to its terminal.
    pub replies: Vec<u8>,
    /// The ready pattern of this run was seen now, for the first time.
    pub ready: bool,
}

impl LogDocument {
    /// An empty document with a budget in bytes.
    pub fn new(_memory: usize, clock: Clock, changed: watch::Sender<()>) -> Self {
        Self { clock, changed, inner: Mutex::default() }
    }

    /// Changes the budget in bytes.
    pub fn set_memory(&self, _memory: usize) {}

    /// A new run begins: what is on the screen goes to history, modes and styles are those of a new terminal, and
    /// `ready` is looked for in its output.
    pub fn begin_run(&self, run: RunId, _ready: Option<&TextPattern>) {
        self.lock().run = run;
    }

    /// Output of the service, in any pieces.
    pub fn feed(&self, bytes: &[u8]) -> Fed {
        let at = self.clock.now();
        let mut inner = self.lock();
        for part in String::from_utf8_lossy(bytes).split_inclusive('\n') {
            if !inner.open {
                let (id, run) = (LineId(inner.lines.len() as u64), inner.run);
                inner.lines.push(Line { id, at, run, kind: LineKind::Output, content: StyledText::default() });
            }
            inner.open = !part.ends_with('\n');
            if let Some(last) = inner.lines.last_mut() {
                last.content.text.push_str(part.trim_end_matches(['\n', '\r']));
            }
        }
        inner.version += 1;
        self.changed.send_replace(());
        Fed::default()
    }

    /// Puts a marker after everything that was fed.
    pub fn mark(&self, marker: &Marker) {
        let at = self.clock.now();
        let mut inner = self.lock();
        let (id, run) = (LineId(inner.lines.len() as u64), inner.run);
        let text = marker.line(&self.clock.time_of_day(at));
        inner.open = false;
        inner.lines.push(Line { id, at, run, kind: LineKind::Marker, content: StyledText { text, runs: Vec::new() } });
        inner.version += 1;
        self.changed.send_replace(());
    }

    /// The pane has this size now. Clamped to at least 2×1.
    pub fn resize(&self, _columns: u16, _rows: u16) {}

    /// Grows with every change; equal numbers mean that nothing changed.
    pub fn version(&self) -> u64 {
        self.lock().version
    }

    /// Locks the document for reading. Writers wait meanwhile: take what is on the screen, not more.
    pub fn read(&self) -> Reader<'_> {
        Reader { inner: self.lock() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A locked document.
#[derive(Debug)]
pub struct Reader<'a> {
    inner: MutexGuard<'a, Inner>,
}

impl Reader<'_> {
    /// The oldest line that is kept.
    pub fn first(&self) -> LineId {
        LineId(0)
    }

    /// The line after the last. Lines of the live screen down to the cursor or the last row with text are included.
    pub fn end(&self) -> LineId {
        LineId(self.inner.lines.len() as u64)
    }

    /// Lines before this one are above the cursor of the primary screen, or in history: a stream may print them.
    pub fn settled(&self) -> LineId {
        LineId((self.inner.lines.len() - usize::from(self.inner.open)) as u64)
    }

    /// Lines that the budget has dropped.
    pub fn dropped(&self) -> u64 {
        0
    }

    /// A line, of history or of the live screen.
    pub fn line(&mut self, id: LineId) -> Option<Line> {
        self.inner.lines.get(usize::try_from(id.0).ok()?).cloned()
    }

    /// The alternate screen, while the service has switched to it (an editor, a pager): show this instead of lines.
    pub fn screen(&self) -> Option<ScreenRows> {
        None
    }

    /// Where the cursor of the primary screen is: its line, and the byte of that line's text (or its end).
    pub fn cursor(&self) -> Option<(LineId, usize)> {
        None
    }

    /// Same as [`LogDocument::version`].
    pub fn version(&self) -> u64 {
        self.inner.version
    }
}

/// The rows of a full-screen program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScreenRows {
    /// From the top; each at most as wide as the screen.
    pub rows: Vec<StyledText>,
    /// Column and row of the cursor, from 0, if it is visible.
    pub cursor: Option<(u16, u16)>,
}
