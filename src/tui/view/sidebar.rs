//! All services: the sidebar, and the tab strip where there is no room for one.

use std::borrow::Cow;
use std::ops::Range;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::super::folding;
use super::super::layout::SidebarStyle;
use super::super::no_instances;
use super::super::sidebar_rows::{self, SidebarRow};
use super::super::text::{column, cut_left, cut_right, width};
use super::super::words::{Look, STALE, counts, is_stale, state_look};
use super::super::worker_words;
use super::{Scene, paint};
use crate::clock::Clock;
use crate::domain::{Moment, Phase, ServiceSnapshot, Usage, approx};

/// Draws the tab strip. The answer is where the selected tab is.
pub(super) fn tabs(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let selected = scene.ui.selected(scene.snapshot);
    let mut cursor = None;
    let marks = (&scene.ui.folds, &scene.ui.unseen);
    let tabs = sidebar_rows::tabs(scene.snapshot, marks, area.width, selected, (scene.glyphs(), scene.theme()));
    let (before, behind) = sidebar_rows::hidden_tabs(&tabs, scene.snapshot.services.len());
    if before > 0 {
        paint::put_text(buffer, area, area.x, area.y, "<", scene.theme().structure());
    }
    if behind > 0 {
        let more = format!("+{behind}");
        let at = area.right().saturating_sub(u16::try_from(width(&more)).unwrap_or(0));
        paint::put_text(buffer, area, at, area.y, &more, scene.theme().structure());
    }
    for tab in tabs {
        let Some(row) = Row::new(scene, tab.row) else { continue };
        let mut style = state_look(&row.service, scene.glyphs(), scene.theme()).style;
        let x = area.x.saturating_add(tab.x);
        if Some(tab.service) == selected {
            style = style.patch(scene.theme().strong());
            cursor = Some(Position { x, y: area.y });
        }
        let end = paint::put_text(buffer, area, x, area.y, &tab.text, style);
        mark_unseen(scene, &row, &tab.text, Rect { width: end.saturating_sub(area.x), ..area }, buffer);
    }
    cursor
}

/// The errors that nobody has seen stand out at the right end of what was drawn there.
fn mark_unseen(scene: &Scene<'_>, row: &Row<'_>, drawn: &str, area: Rect, buffer: &mut Buffer) {
    let unseen = &row.unseen;
    if !unseen.is_empty() && drawn.ends_with(unseen) {
        let at = area.right().saturating_sub(u16::try_from(width(unseen)).unwrap_or(0));
        paint::put_text(buffer, area, at, area.y, unseen, scene.theme().bad());
    }
}

/// Draws the sidebar. The answer is where the selected service is; while a filter is typed, where its next character goes.
pub(super) fn sidebar(scene: &Scene<'_>, area: Rect, style: SidebarStyle, buffer: &mut Buffer) -> Option<Position> {
    let (snapshot, theme, glyphs) = (scene.snapshot, scene.theme(), scene.glyphs());
    let filter = scene.ui.service_filter.as_ref();
    let marked = scene.ui.marked(snapshot);
    // The last column is free, so that nothing touches what is beside it.
    let inner = Rect { width: area.width.saturating_sub(1), ..area };
    let room = usize::from(inner.width);
    let columns = Columns::new(scene, style, room);
    let mut cursor = None;
    let rows = sidebar_rows::rows(snapshot, &scene.ui.folds, filter, usize::from(inner.height), marked);
    for (y, row) in (inner.top()..inner.bottom()).zip(rows) {
        let put = |buffer: &mut Buffer, text: &str, style| {
            paint::put_text(buffer, inner, inner.x.saturating_add(1), y, text, style)
        };
        match row.clone() {
            SidebarRow::Filter => {
                let text = filter.map_or("", |filter| &filter.text);
                let x = put(
                    buffer,
                    &format!("'{}", cut_left(text, room.saturating_sub(3), glyphs.ellipsis)),
                    theme.strong(),
                );
                cursor = Some(Position { x, y });
            }
            SidebarRow::NoMatch => {
                put(buffer, &cut_right("no such service", room.saturating_sub(1), glyphs.ellipsis), theme.structure());
            }
            SidebarRow::Heading(text) => {
                put(buffer, &cut_right(&text, room.saturating_sub(1), glyphs.ellipsis), theme.structure());
            }
            SidebarRow::Service(index) | SidebarRow::Fold(_, index) => {
                let is_marked = Some(index) == marked;
                let places = if let SidebarRow::Fold(places, _) = &row { places.clone() } else { index..index + 1 };
                if let Some(told) = Row::new(scene, places) {
                    columns.draw(scene, &told, is_marked, Rect { y, height: 1, ..inner }, buffer);
                }
                if is_marked && filter.is_none() {
                    cursor = Some(Position { x: inner.x, y });
                }
            }
            SidebarRow::LastChange(index) => {
                let change = snapshot.services.get(index).and_then(|service| service.last_change.as_ref());
                if let Some(change) = change {
                    let before = columns.before_name();
                    let path = cut_left(&change.path, room.saturating_sub(before), glyphs.ellipsis);
                    put(buffer, &format!("{:1$}{path}", "", before.saturating_sub(1)), theme.structure());
                }
            }
        }
    }
    cursor.filter(|position| area.contains(*position))
}

/// What a row tells: of one service, or of the instances of one.
struct Row<'s> {
    /// The number by which a key selects it; of opened instances the first one has it.
    number: Option<usize>,
    name: &'s str,
    /// How many are up, and of how many, of instances.
    count: Option<String>,
    /// Its state: of instances that of the worst, with the restarts of all.
    service: Cow<'s, ServiceSnapshot>,
    /// Errors that nobody has seen.
    unseen: String,
}

impl<'s> Row<'s> {
    fn new(scene: &Scene<'s>, places: Range<usize>) -> Option<Self> {
        let snapshot = scene.snapshot;
        let (is_one, services) = (places.len() == 1, snapshot.services.get(places.clone())?);
        let service =
            if is_one { Cow::Borrowed(services.first()?) } else { Cow::Owned(folding::told(snapshot, &places)?) };
        Some(Self {
            number: (folding::siblings(snapshot, places.start).start == places.start)
                .then(|| folding::number(snapshot, places.start)),
            name: folding::name(snapshot, &places),
            count: folding::count(snapshot, &places),
            service,
            unseen: scene.ui.unseen.text_of_all(services.iter().map(|service| &service.name)),
        })
    }

    /// The name, cut to so many cells; the count stays.
    fn name(&self, cells: usize, ellipsis: &str) -> String {
        match &self.count {
            None => cut_right(self.name, cells, ellipsis),
            Some(count) => {
                let name = cut_right(self.name, cells.saturating_sub(width(count) + 1), ellipsis);
                cut_right(&format!("{name} {count}"), cells, ellipsis)
            }
        }
    }

    fn name_cells(&self) -> usize {
        width(self.name) + self.count.as_ref().map_or(0, |count| width(count) + 1)
    }
}

/// How the cells of a service's row are divided.
struct Columns {
    style: SidebarStyle,
    /// Digits of the largest number.
    number: usize,
    /// The name and a space; what the row has for both where there is no word after them.
    name: usize,
}

/// Cells of a name that give way to the count of restarts, in a row that has not room for both.
const NAME: usize = 7;

/// Cells of CPU and memory: `0.4%  340M`.
const USAGE: usize = 10;

/// Cells of most ages: `12s`, `41m`.
const AGE: usize = 3;

impl Columns {
    fn new(scene: &Scene<'_>, style: SidebarStyle, room: usize) -> Self {
        let snapshot = scene.snapshot;
        let number = folding::units(snapshot).len().to_string().len();
        let cells = |places: &Range<usize>| {
            let count = folding::count(snapshot, places).map_or(0, |count| width(&count) + 1);
            width(folding::name(snapshot, places)) + count
        };
        let longest = scene.ui.folds.rows(snapshot).iter().map(cells).max().unwrap_or(0);
        let mut columns = Self { style, number, name: 0 };
        let left = room.saturating_sub(columns.before_name());
        // What the longest of the usual words needs: `starting`, and in the wide one also a count.
        let word = match style {
            SidebarStyle::Wide => 13,
            SidebarStyle::Medium if scene.ui.panes.usage => USAGE + 1,
            SidebarStyle::Medium => 9,
            SidebarStyle::Narrow => 0,
        };
        columns.name = match style {
            SidebarStyle::Wide | SidebarStyle::Medium => (longest + 1).max(7).min(left.saturating_sub(word)),
            SidebarStyle::Narrow => left,
        };
        columns
    }

    /// Cells of pointer, number and glyph, with the spaces.
    fn before_name(&self) -> usize {
        self.number + 4
    }

    fn draw(&self, scene: &Scene<'_>, row: &Row<'_>, selected: bool, area: Rect, buffer: &mut Buffer) {
        let (glyphs, theme) = (scene.glyphs(), scene.theme());
        let look = state_look(&row.service, glyphs, theme);
        let bold = if selected { theme.strong() } else { Style::new() };
        let pointer = if selected { glyphs.pointer } else { " " };
        let mut x = paint::put_text(buffer, area, area.x, area.y, pointer, bold);
        let number = if selected { bold } else { theme.structure() };
        x = paint::put_text(
            buffer,
            area,
            x,
            area.y,
            &format!("{:>1$} ", row.number.map(|number| number.to_string()).unwrap_or_default(), self.number),
            number,
        );
        x = paint::put_text(buffer, area, x, area.y, look.glyph, look.style);
        x = paint::put_text(buffer, area, x, area.y, " ", Style::new());
        let rest = |x: u16| Rect { x, width: area.right().saturating_sub(x), ..area };
        if self.style == SidebarStyle::Narrow {
            return self.draw_narrow(scene, row, bold, rest(x), buffer);
        }
        let name = row.name(self.name.saturating_sub(1), glyphs.ellipsis);
        x = paint::put_text(buffer, area, x, area.y, &column(&name, self.name, glyphs.ellipsis), bold);
        if no_instances::is_one(scene.snapshot, &row.service) {
            // It is in no state.
            return;
        }
        match usage(scene, &row.service).first() {
            Some(usage) => put_usage(scene, row, usage, rest(x), buffer),
            None => draw_state(scene, row, &look, rest(x), buffer),
        }
    }

    /// The name and what is behind it, where there is no room for the word of each state. A name is cut only where its own
    /// row needs the cells.
    fn draw_narrow(&self, scene: &Scene<'_>, row: &Row<'_>, bold: Style, area: Rect, buffer: &mut Buffer) {
        let (glyphs, room) = (scene.glyphs(), self.name);
        let name = row.name_cells().min(NAME);
        let told = narrow_word(scene, row, room.saturating_sub(name + 1));
        let word = told.map_or(0, |(word, _)| width(word) + 1);
        let tasks = row.service.working().and_then(|worker| {
            let beside = |name| worker_words::fitting(worker, scene.now, glyphs.dot, room.saturating_sub(name + 1));
            beside(row.name_cells()).or_else(|| beside(name))
        });
        let resting = || {
            let room = room.saturating_sub(name + 1);
            row.service.resting().and_then(|worker| worker_words::resting(worker, None, glyphs.dot, room))
        };
        if let Some(tasks) = tasks.or_else(resting) {
            let name = row.name(room.saturating_sub(width(&tasks) + 1), glyphs.ellipsis);
            paint::put_text(buffer, area, area.x, area.y, &name, bold);
            let look = state_look(&row.service, glyphs, scene.theme());
            let at = area.right().saturating_sub(u16::try_from(width(&tasks)).unwrap_or(0));
            paint::put_text(buffer, area, at, area.y, &tasks, look.word_style);
            return;
        }
        if let Some(usage) = usage(scene, &row.service).into_iter().find(|usage| name + 1 + width(usage) <= room) {
            let name = row.name(room.saturating_sub(width(&usage) + 1), glyphs.ellipsis);
            let x = paint::put_text(buffer, area, area.x, area.y, &name, bold);
            let behind = Rect { x, width: area.right().saturating_sub(x), ..area };
            return put_usage(scene, row, &usage, behind, buffer);
        }
        let counts = marks(scene, row);
        let counts = shortened(&counts, room.saturating_sub(name + 1 + word));
        let behind = word + if counts.is_empty() { 0 } else { width(counts) + 1 };
        let name = row.name(room.saturating_sub(behind), glyphs.ellipsis);
        paint::put_text(buffer, area, area.x, area.y, &name, bold);
        put_counts(scene, row, counts, area, buffer);
        if let Some((word, style)) = told {
            let at = area.right().saturating_sub(u16::try_from(behind.saturating_sub(1)).unwrap_or(0));
            paint::put_text(buffer, area, at, area.y, word, style);
        }
    }
}

/// Word, counts and age. When there is no room for all, the age goes first, then the counts.
fn draw_state(scene: &Scene<'_>, row: &Row<'_>, look: &Look, area: Rect, buffer: &mut Buffer) {
    let service = &*row.service;
    let (glyphs, theme, room) = (scene.glyphs(), scene.theme(), usize::from(area.width));
    let waits = waits_until(service);
    let left = |until: Moment| {
        let seconds = until.since(scene.now).as_millis().div_ceil(1000);
        approx(Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)))
    };
    let time = waits.map(left).or_else(|| time_of_next_run(service));
    let tasks = service.working().and_then(|worker| worker_words::fitting(worker, scene.now, glyphs.dot, room));
    let resting =
        || service.resting().and_then(|worker| worker_words::resting(worker, Some(look.word), glyphs.dot, room));
    let tasks = tasks.or_else(|| if time.is_none() { resting() } else { None });
    let (word, word_style) = if let Some(tasks) = tasks {
        (tasks, look.word_style)
    } else if let Some(time) = time {
        let with_time = format!("{} {time}", service.state());
        // What tells of failures goes before the time.
        let last = marks(scene, row).rsplit(' ').next().map_or(0, width);
        let needed = width(&with_time) + if last == 0 { 0 } else { last + 1 };
        (if needed <= room { with_time } else { service.state().to_owned() }, look.word_style)
    } else if is_stale(service) {
        // What runs is older than its files: a colour alone does not say so.
        let (whole, marks) = (look.text(glyphs), width(&marks(scene, row)));
        let needed = width(&whole) + if marks == 0 { 0 } else { marks + 1 };
        (if needed <= room { whole } else { STALE.to_owned() }, look.word_style)
    } else {
        (look.word.to_owned(), look.word_style)
    };
    let word = cut_right(&word, room, glyphs.ellipsis);
    paint::put_text(buffer, area, area.x, area.y, &word, word_style);
    let left = room.saturating_sub(width(&word) + 1);
    let counts = marks(scene, row);
    let age = age_of(service).filter(|_| waits.is_none()).map(|since| scene.age(since)).unwrap_or_default();
    let age_cells = width(&age).max(AGE);
    let gap = if counts.is_empty() { 0 } else { 1 };
    if width(&counts) + gap + age_cells > left {
        return put_counts(scene, row, shortened(&counts, left), area, buffer);
    }
    let before_age = room - age_cells - gap;
    put_counts(scene, row, &counts, Rect { width: u16::try_from(before_age).unwrap_or(0), ..area }, buffer);
    let at = area.right().saturating_sub(u16::try_from(width(&age)).unwrap_or(0));
    paint::put_text(buffer, area, at, area.y, &age, theme.structure());
}

/// What a service uses that runs, where that is shown: CPU and memory, then memory alone where there is no room for both.
fn usage(scene: &Scene<'_>, service: &ServiceSnapshot) -> Vec<String> {
    if !scene.ui.panes.usage || !service.can_be_measured() {
        return Vec::new();
    }
    // Not measured yet; or never, where the system does not tell.
    let unknown = if service.usage.is_some() { "-" } else { scene.glyphs().ellipsis };
    let usage = service.usage.as_ref();
    let told = |text: Option<String>| text.unwrap_or_else(|| unknown.to_owned());
    let (cpu, memory) = (told(usage.and_then(Usage::cpu_text)), told(usage.and_then(Usage::memory_text)));
    vec![format!("{cpu:>4} {memory:>5}"), memory]
}

/// Puts it at the right end of an area, and before it the counts, where there is room for them.
fn put_usage(scene: &Scene<'_>, row: &Row<'_>, usage: &str, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.width);
    let usage = cut_right(usage, room, scene.glyphs().ellipsis);
    let at = area.right().saturating_sub(u16::try_from(width(&usage)).unwrap_or(0));
    paint::put_text(buffer, area, at, area.y, &usage, Style::new());
    let counts = marks(scene, row);
    let left = room.saturating_sub(width(&usage) + 2);
    let before = Rect { width: at.saturating_sub(area.x).saturating_sub(1), ..area };
    put_counts(scene, row, shortened(&counts, left), before, buffer);
}

/// When a service that does not run is started by itself.
pub(in super::super) fn waits_until(service: &ServiceSnapshot) -> Option<Moment> {
    service.next_timer().filter(|_| service.phase.live_run().is_none()).map(|(at, _)| at)
}

/// When a job that waits for its time runs next: `14:30`.
pub(in super::super) fn time_of_next_run(service: &ServiceSnapshot) -> Option<String> {
    service.next_run.filter(|_| matches!(service.phase, Phase::Scheduled { .. })).map(Clock::short_time)
}

/// What is told in words also where other states have only their glyph: that a service is older than its files, and, where
/// the word leaves room for the last of the counts, what asks for attention; of what is blocked the word is worth more than its counts.
fn narrow_word(scene: &Scene<'_>, row: &Row<'_>, room: usize) -> Option<(&'static str, Style)> {
    let service = &*row.service;
    let look = state_look(service, scene.glyphs(), scene.theme());
    if is_stale(service) {
        return Some((STALE, look.word_style));
    }
    let counts = marks(scene, row);
    let last = counts.rsplit(' ').next().map_or(0, width);
    let needed = width(look.word) + if last == 0 { 0 } else { last + 1 };
    let is_blocked = matches!(service.phase, Phase::Blocked { .. });
    let is_bad = service.failure().is_some() && needed <= room || is_blocked && width(look.word) <= room;
    (is_bad && !service.is_waiting()).then_some((look.word, look.word_style))
}

/// As much of the counts as fits: what tells of failures is the last to go.
fn shortened(counts: &str, room: usize) -> &str {
    let ends = counts.match_indices(' ').map(|(space, _)| counts.get(space + 1..).unwrap_or_default());
    std::iter::once(counts).chain(ends).find(|text| width(text) <= room).unwrap_or_default()
}

/// Puts the counts at the right end of an area.
fn put_counts(scene: &Scene<'_>, row: &Row<'_>, counts: &str, area: Rect, buffer: &mut Buffer) {
    let at = area.right().saturating_sub(u16::try_from(width(counts)).unwrap_or(0));
    paint::put_text(buffer, area, at, area.y, counts, Style::new());
    mark_unseen(scene, row, counts, area, buffer);
}

/// `↻7 ✗2 ‖1 e3`: restarts, changes that are held, and errors that nobody has seen, where the key `e` goes to.
fn marks(scene: &Scene<'_>, row: &Row<'_>) -> String {
    let (service, unseen) = (&row.service, row.unseen.clone());
    let held = if service.held > 0 { format!("{}{}", scene.glyphs().held, service.held) } else { String::new() };
    let parts = [counts(service, scene.glyphs()), held, unseen];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Since when a service is in its state; nothing for one that is simply not running.
pub(in super::super) fn age_of(service: &ServiceSnapshot) -> Option<Moment> {
    match service.phase {
        // What is of interest is when it runs next.
        Phase::Down | Phase::Scheduled { .. } => None,
        Phase::Blocked { .. }
        | Phase::Queued
        | Phase::Validating { .. }
        | Phase::Starting { .. }
        | Phase::Running { .. }
        | Phase::Stopping { .. }
        | Phase::Retrying { .. }
        | Phase::CrashLoop { .. }
        | Phase::Finished(_) => Some(service.since),
    }
}
