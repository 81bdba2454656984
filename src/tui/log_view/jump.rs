//! To the next match, error or run: where the reader goes, and what is said about it.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::super::text;
use super::motion::Still;
use super::shown::{Shown, short_form};
use super::viewport::{Mark, Viewport};
use super::{Frame, LineLayout, text_cells};
use crate::logs::{Landmark, Line, LineId, LineSource, Place, Query};

/// What is said where there is no error to go to.
pub(in crate::tui) const NO_ERRORS: &str = "no errors";

/// Where a reader wants to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui) enum Jump {
    /// The match that is nearest to where the search was begun: in sight or above, else below.
    Nearest,
    /// The next match, or the one before.
    Hit {
        /// Down, to newer lines.
        forward: bool,
    },
    /// The first match of all, or the last.
    Edge {
        /// The first one, not the last.
        forward: bool,
    },
    /// The next error, or the one before.
    Error {
        /// Down, to newer lines.
        forward: bool,
    },
    /// The first line of the next run, or of this or the one before.
    Run {
        /// Down, to newer lines.
        forward: bool,
    },
    /// The line with that number.
    Line(LineId),
}

impl Jump {
    /// It goes on from where the one before has led to.
    fn is_step(self) -> bool {
        matches!(self, Self::Hit { .. } | Self::Error { .. } | Self::Run { .. })
    }
}

/// Where a reader is about to go: keys may come faster than frames, and each counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Jumps {
    wanted: VecDeque<Jump>,
    /// The end of the lines when the next one was looked at first: what is printed later is not waited for.
    asked: Option<Place>,
}

impl Jumps {
    /// Steps that wait: more than a key that is held down gives while a long log is searched.
    const LIMIT: usize = 100;

    /// Asks for one more: a step follows those before it, anything else takes their place.
    pub(super) fn ask(&mut self, to: Jump) {
        if !to.is_step() {
            self.take_all();
        }
        if self.wanted.len() < Self::LIMIT {
            self.wanted.push_back(to);
        }
    }

    /// The next one.
    pub(super) fn next(&self) -> Option<Jump> {
        self.wanted.front().copied()
    }

    /// The next one is done, or cannot be.
    pub(super) fn done(&mut self) {
        self.wanted.pop_front();
        self.asked = None;
    }

    /// Those that are left.
    pub(super) fn take_all(&mut self) -> VecDeque<Jump> {
        std::mem::take(self).wanted
    }

    /// The end of the lines when the next one was looked at first, which may be now.
    fn asked(&mut self, source: &mut LineSource<'_>) -> &Place {
        self.asked.get_or_insert_with(|| {
            source.go_to_end();
            source.place()
        })
    }

    /// One of them is to an error.
    pub(super) fn want_errors(&self) -> bool {
        self.wanted.iter().any(|jump| matches!(jump, Jump::Error { .. }))
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.wanted.len()
    }
}

impl Viewport {
    /// Goes where it was asked to, step by step. The answer is what is to be said about it.
    pub(super) fn carry_out_all(&mut self, source: &mut LineSource<'_>, frame: &Frame<'_>) -> Option<&'static str> {
        let mut said = None;
        let mut left = self.jumps.len();
        while left > 0 && self.leaves.is_none() {
            said = self.carry_out(source, frame).or(said);
            if self.jumps.len() == left {
                break;
            }
            left = self.jumps.len();
        }
        said
    }

    fn carry_out(&mut self, source: &mut LineSource<'_>, frame: &Frame<'_>) -> Option<&'static str> {
        let jump = self.jumps.next()?;
        match jump {
            Jump::Run { forward } => {
                self.jumps.done();
                self.stand.offset = 0;
                self.go_to_run(source, &frame.layout, forward)
            }
            Jump::Line(id) => {
                self.jumps.done();
                self.stand.offset = 0;
                source.go_to(&Place::from_iter([id]));
                if let Some(line) = source.peek() {
                    let mark = Mark::new(source, line);
                    self.show(source, &frame.layout, (mark, 0), Still::Never);
                }
                None
            }
            Jump::Nearest | Jump::Hit { .. } | Jump::Edge { .. } => {
                self.go_to_landmark(source, frame, jump, Landmark::Hit)
            }
            Jump::Error { .. } => self.go_to_landmark(source, frame, jump, Landmark::Error),
        }
    }

    fn go_to_landmark(
        &mut self,
        source: &mut LineSource<'_>,
        frame: &Frame<'_>,
        jump: Jump,
        what: Landmark,
    ) -> Option<&'static str> {
        let Some(complete) = source.is_known(what) else {
            self.jumps.done();
            return None;
        };
        let asked = self.jumps.asked(source).clone();
        if !source.is_read_to(what, &asked) {
            // Lines have left the screen that nobody has read for it: once they were.
            return None;
        }
        let roams = frame.roams && matches!(jump, Jump::Hit { .. });
        let (target, wrapped) = self.target(source, jump, what, complete && !roams);
        let Some(target) = target else {
            if !complete {
                // Not all lines were read yet: once more with the next slice.
                return None;
            }
            self.jumps.done();
            if roams {
                self.leaves = Some(jump == Jump::Hit { forward: true });
                return None;
            }
            // While it is typed, the border says so.
            return (jump != Jump::Nearest).then_some(match what {
                Landmark::Hit => "no match",
                Landmark::Error if source.is_filtered() => "no errors in the lines that the filter shows",
                Landmark::Error => NO_ERRORS,
            });
        };
        self.jumps.done();
        let layout = &frame.layout;
        // Round and round, and nothing moves.
        let is_only = self.current.as_ref().is_some_and(|mark| (mark.lane, mark.id) == target);
        let wrapped = match what {
            Landmark::Hit if is_only => wrapped.and(Some("this is the only match")),
            Landmark::Error if is_only => wrapped.and(Some("this is the only error")),
            _ => wrapped,
        };
        let mark = Mark { is_error: what == Landmark::Error, ..Mark::new(source, target) };
        let query = frame.query.filter(|_| what == Landmark::Hit);
        let found = query.and_then(|query| Some((query, source.line(target.0, target.1)?)));
        let row = found.as_ref().map_or(0, |(query, line)| row_of_match(line, query, layout));
        let still = match jump {
            // The merged view stays where a match was found: Enter and the arrows mean that line.
            Jump::Nearest if frame.labels.is_empty() => Still::Following,
            Jump::Nearest => Still::Rows,
            _ => Still::Never,
        };
        self.show(source, layout, (mark, row), still);
        self.stand.offset = match found {
            Some((query, line)) => offset_for(&shown_text(&line, layout), query, layout, self.stand.offset),
            None => 0,
        };
        wrapped
    }

    /// Where a jump leads to, and what is said if it goes on at the other end, which it may.
    fn target(
        &self,
        source: &mut LineSource<'_>,
        jump: Jump,
        what: Landmark,
        may_wrap: bool,
    ) -> (Option<(usize, LineId)>, Option<&'static str>) {
        source.go_to_end();
        let end = source.place();
        let (top, stand) = (Place::default(), &self.stand);
        // Where it goes on from: the last place that was gone to, or else the edge of what is in sight.
        let below = if stand.follow { &end } else { &stand.bottom };
        match jump {
            Jump::Nearest => {
                let above = source.last_before(below, what);
                (above.or_else(|| source.first_from(below, what).filter(|_| may_wrap)), None)
            }
            Jump::Edge { forward: true } => (source.first_from(&top, what), None),
            Jump::Edge { forward: false } => (source.last_before(&end, what), None),
            // Who reads the end wants the error that has just come.
            Jump::Error { forward: true } if self.current.is_none() && stand.follow => {
                (source.last_before(&end, what), None)
            }
            Jump::Hit { forward: true } | Jump::Error { forward: true } | Jump::Run { .. } | Jump::Line(_) => {
                let from = match &self.current {
                    Some(mark) => mark.behind(),
                    None if stand.follow => end,
                    None => stand.place.clone(),
                };
                let said = match what {
                    Landmark::Hit => "no more matches below, continuing from the top",
                    Landmark::Error => "no more errors below, continuing from the top",
                };
                match source.first_from(&from, what) {
                    None if may_wrap => (source.first_from(&top, what), Some(said)),
                    target => (target, None),
                }
            }
            Jump::Hit { forward: false } | Jump::Error { forward: false } => {
                let said = match what {
                    Landmark::Hit => "no more matches above, continuing from the end",
                    Landmark::Error => "no more errors above, continuing from the end",
                };
                match source.last_before(self.current.as_ref().map_or(below, |mark| &mark.place), what) {
                    None if may_wrap => (source.last_before(&end, what), Some(said)),
                    target => (target, None),
                }
            }
        }
    }

    fn go_to_run(&mut self, source: &mut LineSource<'_>, layout: &LineLayout, forward: bool) -> Option<&'static str> {
        match &self.current {
            Some(mark) => source.go_to(&mark.place),
            None if self.stand.follow => {
                source.go_to_end();
                source.back();
            }
            None => source.go_to(&self.stand.place),
        }
        let Some(target) = (if forward { source.next_run() } else { source.previous_run() }) else {
            return Some(if forward { "no later run" } else { "no earlier run" });
        };
        let mark = Mark::new(source, target);
        self.leave_end(source, layout);
        (self.stand.place, self.stand.row) = (mark.place.clone(), 0);
        self.current = Some(mark);
        self.fill(source, layout);
        None
    }
}

/// The text of a line as it is to be seen.
fn shown_text<'a>(line: &'a Line, layout: &LineLayout) -> Cow<'a, str> {
    match short_form(line, layout) {
        Some(short) => Cow::Owned(short.text),
        None => Cow::Borrowed(&line.content.text),
    }
}

/// The row of a line that its first match is in; of one that is not shown, the last.
pub(super) fn row_of_match(line: &Line, query: &Query, layout: &LineLayout) -> usize {
    let text = shown_text(line, layout);
    let Some(place) = query.places(&text).into_iter().next().filter(|_| layout.wrap) else { return 0 };
    let rows = Shown::new(line, None, 0, layout).rows;
    rows.iter().rposition(|row| row.start <= place.start).unwrap_or(0)
}

/// How much of the left is to be cut off, so that the first match of a line that is cut is in sight. It is so much now.
pub(super) fn offset_for(line: &str, query: &Query, layout: &LineLayout, now: usize) -> usize {
    let Some(place) = query.places(line).into_iter().next() else { return now };
    let cells_to = |end: usize| text::width(line.get(..end).unwrap_or_default());
    let (start, end) = (cells_to(place.start), cells_to(place.end));
    let margin = 2 * text::width(layout.glyphs.ellipsis);
    let cells = text_cells(layout);
    let in_sight = |offset: usize| {
        let left = if offset > 0 { offset + margin } else { 0 };
        start >= left && end + margin <= offset + cells
    };
    // From the left edge if that will do, or else with a third of the pane before it.
    match now {
        now if in_sight(now) => now,
        _ if in_sight(0) => 0,
        _ => start.saturating_sub(cells / 3),
    }
}
