//! What the watcher saw, and what became of it: the strip below the panes, and the panel in place of them.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::super::panel::WatcherPanel;
use super::super::sidebar_rows::window;
use super::super::text::{column, cut_left, cut_right, pad, thousands, width};
use super::Scene;
use super::paint::{self, Titles};
use crate::domain::{Explanation, FileJournal, JournalEntry, Match, PathVerdict, StepOutcome, Verdict, WhyStep};

/// From this width on, an event has all its columns …
const FULL_COLUMNS: u16 = 96;
/// … and from this one on they have room for long names and verdicts.
const WIDE_COLUMNS: u16 = 120;
/// Below this width, a time of day has no seconds.
const SHORT_TIME: u16 = 50;
/// Rows of the explanation below the events, with the line above it, before the whole reason is known.
const WHY_ROWS: u16 = 5;
/// Rows of events that stay above it.
const LEAST_EVENTS: u16 = 3;

/// Draws the last events.
pub(super) fn strip(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let mut left = vec![Span::raw("watcher")];
    left.extend(last_release(scene, area));
    let titles = Titles { left, right: count(scene), ..Titles::default() };
    let inner = paint::frame(buffer, area, scene.glyphs(), false, scene.theme().dim(), &titles);
    let entries = scene.snapshot.journal.entries().rev();
    for (y, entry) in (inner.top()..inner.bottom()).zip(entries) {
        event(scene, entry, Rect { y, height: 1, ..inner }, Style::new(), buffer);
    }
}

/// What came of the last hold: `9 of 312 changes matter: api, worker`.
fn last_release(scene: &Scene<'_>, area: Rect) -> Option<Span<'static>> {
    let said = scene.snapshot.watch.last_release.as_ref()?;
    // Between the first word and the counts, with the lines around them.
    let counts: usize = count(scene).iter().map(|span| width(&span.content)).sum();
    let room = usize::from(area.width).saturating_sub(counts + 20);
    Some(Span::raw(format!(" {} {}", scene.glyphs().dot, cut_right(said, room, scene.glyphs().ellipsis))))
}

/// `8 events · 3 ignored`.
fn count(scene: &Scene<'_>) -> Vec<Span<'static>> {
    let journal = &scene.snapshot.journal;
    let (events, ignored) = (thousands(journal.events), thousands(journal.ignored));
    let what = if journal.events == 1 { "event" } else { "events" };
    vec![Span::raw(format!("{events} {what} {} {ignored} ignored", scene.glyphs().dot))]
}

/// Draws the panel. The answer is where the marked event is.
pub(super) fn panel(scene: &Scene<'_>, area: Rect, panel: &WatcherPanel, buffer: &mut Buffer) -> Option<Position> {
    let (glyphs, theme) = (scene.glyphs(), scene.theme());
    let mut left = vec![Span::styled("watcher", theme.strong())];
    if panel.hide_ignored {
        left.push(Span::raw(format!(" {} without ignored", glyphs.dot)));
    }
    if panel.typing || !panel.wanted.is_empty() {
        let cursor = if panel.typing { "_" } else { "" };
        left.push(Span::styled(format!(" /{}{cursor}", cut_left(&panel.wanted, 24, glyphs.ellipsis)), theme.busy()));
    }
    if !scene.screen.compact && !panel.hide_ignored && !panel.typing && panel.wanted.is_empty() {
        left.extend(last_release(scene, area));
    }
    if scene.screen.compact {
        let row = Rect { height: 1.min(area.height), ..area };
        paint::put_text(buffer, row, row.x, row.y, " ", Style::new());
        paint::put_spans(buffer, row, row.x + 1, row.y, &left);
        let titles = cut_right(&count(scene).iter().map(|span| &*span.content).collect::<String>(), 17, "");
        let at = row.right().saturating_sub(u16::try_from(width(&titles) + 1).unwrap_or(0));
        paint::put_text(buffer, row, at, row.y, &titles, theme.dim());
    } else {
        let titles = Titles { left, right: count(scene), ..Titles::default() };
        paint::frame(buffer, area, glyphs, true, theme.accent(), &titles);
    }
    let journal = &scene.snapshot.journal;
    let (list, why) = parts(area, scene.screen.compact, panel, journal);
    let place = panel.place(journal);
    let start = first_shown(panel, journal, list.height);
    let mut cursor = None;
    for ((number, entry), y) in panel.entries(journal).enumerate().skip(start).zip(list.top()..list.bottom()) {
        let marked = number == place;
        let style = if marked { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
        event(scene, entry, Rect { y, height: 1, ..list }, style, buffer);
        if marked {
            cursor = Some(Position { x: list.x, y });
        }
    }
    if let (Some(area), Some(entry)) = (why, panel.entries(journal).nth(place)) {
        explain(scene, entry, panel.reason(entry.seq), area, buffer);
    } else if panel.entries(journal).next().is_none() {
        let text = match journal.entries().len() {
            0 => "no file has changed yet",
            _ if panel.wanted.is_empty() => "all events are ignored ones",
            _ => "no event has this text",
        };
        paint::put_text(buffer, list, list.x + 1, list.y, text, theme.dim());
    }
    cursor.filter(|position| list.contains(*position))
}

/// The event that is drawn at a position of the panel.
pub(in super::super) fn event_at(
    at: Position,
    area: Rect,
    compact: bool,
    panel: &WatcherPanel,
    journal: &FileJournal,
) -> Option<u64> {
    let (list, _) = parts(area, compact, panel, journal);
    if !list.contains(at) {
        return None;
    }
    let start = first_shown(panel, journal, list.height);
    panel.entries(journal).nth(start + usize::from(at.y - list.y)).map(|entry| entry.seq)
}

fn first_shown(panel: &WatcherPanel, journal: &FileJournal, height: u16) -> usize {
    window(panel.entries(journal).count(), usize::from(height), panel.place(journal))
}

/// The rows of the events, and of the explanation.
fn parts(area: Rect, compact: bool, panel: &WatcherPanel, journal: &FileJournal) -> (Rect, Option<Rect>) {
    let inner = if compact {
        Rect { y: area.y + 1.min(area.height), height: area.height.saturating_sub(1), ..area }
    } else if area.width < 2 || area.height < 2 {
        Rect { width: 0, height: 0, ..area }
    } else {
        Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 }
    };
    if !panel.why || inner.height <= WHY_ROWS {
        return (inner, None);
    }
    let reason = panel.entries(journal).nth(panel.place(journal)).and_then(|entry| panel.reason(entry.seq));
    let more = match reason {
        Some(Ok(explanation)) => explanation.chain.len() + explanation.notes.len() + 1,
        Some(Err(_)) => 1,
        None => 0,
    };
    let wanted = WHY_ROWS.saturating_add(u16::try_from(more).unwrap_or(u16::MAX));
    let height = wanted.min(inner.height.saturating_sub(LEAST_EVENTS)).max(WHY_ROWS);
    let list = Rect { height: inner.height - height, ..inner };
    (list, Some(Rect { y: list.bottom(), height, ..inner }))
}

/// Which rule decided, and every source that was asked, as `devgroup why` lists them.
fn explain(
    scene: &Scene<'_>,
    entry: &JournalEntry,
    reason: Option<&Result<Box<Explanation>, String>>,
    area: Rect,
    buffer: &mut Buffer,
) {
    let (glyphs, theme, room) = (scene.glyphs(), scene.theme(), usize::from(area.width));
    let rule = glyphs.rule.repeat(room.saturating_sub(2));
    paint::put_text(buffer, area, area.x + 1.min(area.width), area.y, &rule, theme.dim());
    let happened = format!(
        "{} {} {} {}",
        entry.event.kind,
        glyphs.dot,
        (scene.time_of_day)(entry.event.at),
        match entry.times {
            1 => String::new(),
            times => format!("{} {times} events", glyphs.dot),
        }
    );
    let (services, rule) = match &entry.event.matched {
        Match::Watched { rule, .. } => {
            let names: Vec<&str> = entry.services.iter().map(|name| name.as_str()).collect();
            (format!("{} {} {}", names.join(", "), glyphs.dot, entry.verdict), rule.to_string())
        }
        Match::Ignored(rule) => (entry.verdict.to_string(), rule.to_string()),
        Match::NoMatch => (entry.verdict.to_string(), "no service watches it".to_owned()),
    };
    let path_room = room.saturating_sub(12);
    let plain = Style::new();
    let mut lines = vec![
        (format!(" selected: {}", cut_left(&entry.event.path, path_room, glyphs.ellipsis)), plain),
        (format!("  {happened}"), plain),
        (format!("  {services}"), plain),
        (format!("  {rule}"), plain),
    ];
    match reason {
        None => {}
        Some(Err(problem)) => lines.push((format!("  {problem}"), theme.dim())),
        Some(Ok(explanation)) => {
            let left = usize::from(area.height).saturating_sub(lines.len() + 1);
            let shell = format!("    same answer in a shell: devgroup why {}", entry.event.path);
            let chain = chain(explanation, entry, (room, left), theme.dim());
            let spare = left > chain.len();
            lines.extend(chain);
            lines.extend(spare.then_some((shell, theme.dim())));
        }
    }
    for ((line, style), row) in lines.iter().zip(1..area.height) {
        let text = cut_right(line, room, glyphs.ellipsis);
        paint::put_text(buffer, area, area.x, area.y + row, &text, *style);
    }
}

/// The notes and the chain in so many columns and rows: what was not reached goes first, then what did not match.
fn chain(
    explanation: &Explanation,
    entry: &JournalEntry,
    (columns, room): (usize, usize),
    dim: Style,
) -> Vec<(String, Style)> {
    let mut notes: Vec<_> = explanation.note_lines().map(|note| format!("    {note}")).collect();
    let was_watched = matches!(entry.event.matched, Match::Watched { .. });
    if was_watched != (explanation.verdict == PathVerdict::Watched) {
        notes.insert(0, format!("    the rules have changed since: {} now", explanation.verdict));
    }
    let row = |([source, outcome, why], step): ([String; 3], &WhyStep)| {
        if columns >= usize::from(FULL_COLUMNS) {
            return [source, outcome, why];
        }
        // The name of a rule file stands before it already.
        let why = why.strip_prefix(&source).map_or_else(|| why.clone(), |rest| rest.trim_start().to_owned());
        [source, step.outcome.short().to_owned(), why]
    };
    let steps = || explanation.chain.iter();
    let mut rows: Vec<_> = explanation.rows().zip(steps()).map(row).zip(steps()).enumerate().collect();
    for goes in [StepOutcome::NotReached, StepOutcome::NoMatch] {
        while rows.len() + notes.len() > room
            && let Some(place) = rows.iter().rposition(|(_, (_, step))| step.outcome == goes)
        {
            rows.remove(place);
        }
    }
    let cells = |column: usize| {
        rows.iter().filter_map(|(_, (row, _))| row.get(column)).map(|cell| width(cell)).max().unwrap_or_default()
    };
    let (sources, outcomes) = (cells(0), cells(1));
    let rows = rows.iter().map(|(number, ([source, outcome, why], step))| {
        let matched = matches!(step.outcome, StepOutcome::Watches | StepOutcome::Ignores);
        let line =
            format!(" {:>2} {}  {}  {why}", number + 1, pad(source.clone(), sources), pad(outcome.clone(), outcomes));
        (line, if matched { Style::new() } else { dim })
    });
    notes.into_iter().map(|note| (note, Style::new())).chain(rows).collect()
}

/// One event in one row: time, path, kind, service, verdict, rule; where there is little room, without kind and rule.
fn event(scene: &Scene<'_>, entry: &JournalEntry, area: Rect, style: Style, buffer: &mut Buffer) {
    let glyphs = scene.glyphs();
    let time = (scene.time_of_day)(entry.event.at);
    let service = match &entry.services[..] {
        [one] => one.to_string(),
        [first, others @ ..] => format!("{first}+{}", others.len()),
        [] => "-".to_owned(),
    };
    let room = usize::from(area.width);
    let verdict = entry.verdict.to_string();
    // One outcome of several events: the number stands with what was seen, not with what was done.
    let events = if entry.times > 1 { format!(" ({} events)", entry.times) } else { String::new() };
    let style = style.patch(verdict_style(scene, entry.verdict));
    let line = if area.width >= FULL_COLUMNS {
        let rule = match &entry.event.matched {
            Match::Watched { rule, .. } | Match::Ignored(rule) => rule.to_string(),
            Match::NoMatch => "no service watches it".to_owned(),
        };
        let (service_cells, verdict_cells) = if area.width >= WIDE_COLUMNS { (10, 12) } else { (6, 8) };
        format!(
            "{time}  {}  {:8}  {}  {}  {rule}",
            path_column_with(&entry.event.path, &events, 43, glyphs.ellipsis),
            entry.event.kind,
            column(&service, service_cells, glyphs.ellipsis),
            pad(verdict, verdict_cells),
        )
    } else {
        let names = scene.snapshot.services.iter().map(|service| width(service.name.as_str()));
        let service_cells = names.max().unwrap_or(0).clamp(6, 12);
        // A long verdict is not cut: it is what the row is about.
        let verdict_cells = width(&verdict).max(9);
        // Hours and minutes where every cell counts.
        let time = if area.width < SHORT_TIME { time.get(..5).unwrap_or(&time) } else { &time };
        let path_cells = room.saturating_sub(width(time) + 1 + 1 + service_cells + 1 + verdict_cells);
        format!(
            "{time} {} {} {verdict}",
            path_column_with(&entry.event.path, &events, path_cells, glyphs.ellipsis),
            column(&service, service_cells, glyphs.ellipsis),
        )
    };
    let line = pad(cut_right(&line, room, glyphs.ellipsis), room);
    paint::put_text(buffer, area, area.x, area.y, &line, style);
}

/// A path, of which the end tells most, and what stands behind it as long as there is room for both.
fn path_column_with(path: &str, after: &str, cells: usize, ellipsis: &str) -> String {
    /// Cells of a path that tell which it is.
    const LEAST: usize = 12;
    let after = if cells >= width(after) + LEAST { after } else { "" };
    pad(cut_left(path, cells - width(after), ellipsis) + after, cells)
}

fn verdict_style(scene: &Scene<'_>, verdict: Verdict) -> Style {
    match verdict {
        Verdict::Restart | Verdict::Signal | Verdict::Run | Verdict::Mark => Style::new(),
        Verdict::Pending | Verdict::Busy | Verdict::Held | Verdict::Waits => scene.theme().busy(),
        Verdict::Discarded | Verdict::SameContent | Verdict::Stopped | Verdict::Ignored | Verdict::NoMatch => {
            scene.theme().dim()
        }
    }
}
