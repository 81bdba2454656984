//! What the watcher saw, and what became of it: the panel in place of the panes.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::super::panel::WatcherPanel;
use super::super::sidebar_rows::window;
use super::super::text::{cut_left, cut_right, pad, thousands, width};
use super::Scene;
use super::paint::{self, Titles};
use super::strip::verdict_style;
use super::table::Table;
use crate::domain::{
    Explanation, FileJournal, JournalEntry, Match, PathVerdict, StepOutcome, Verdict, WhyStep, visible,
};

/// Below this width, a time of day has no seconds.
const SHORT_TIME: u16 = 50;
/// From this width on, the explanation has room for whole sentences.
const FULL_COLUMNS: u16 = 96;
/// Rows of the explanation below the events, with the line above it, before the whole reason is known.
const WHY_ROWS: u16 = 5;
/// Rows of events that stay above it.
const LEAST_EVENTS: u16 = 3;

/// What came of the last hold: `9 of 312 changed files restarted api, worker`.
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
    let (events, ignored) = (thousands(journal.events), thousands(journal.judged(Verdict::Ignored)));
    let what = if journal.events == 1 { "event" } else { "events" };
    vec![Span::raw(format!("{events} {what} {} {ignored} ignored", scene.glyphs().dot))]
}

/// Draws the panel. The answer is where the marked event is.
pub(super) fn panel(scene: &Scene<'_>, area: Rect, panel: &WatcherPanel, buffer: &mut Buffer) -> Option<Position> {
    let (glyphs, theme) = (scene.glyphs(), scene.theme());
    title(scene, area, panel, buffer);
    let journal = &scene.snapshot.journal;
    let (list, why) = parts(area, panel, journal);
    let place = panel.place(journal);
    let start = first_shown(panel, journal, list.height);
    let entries: Vec<_> = panel.entries(journal).enumerate().skip(start).take(usize::from(list.height)).collect();
    let rows: Vec<_> = entries.iter().map(|(_, entry)| cells(scene, entry, list.width)).collect();
    let gap = if list.width < SHORT_TIME { " " } else { "  " };
    let table = Table::fitting(&rows, &CHOICES, gap, usize::from(list.width));
    let mut cursor = None;
    for (((number, entry), row), y) in entries.iter().zip(&rows).zip(list.top()..list.bottom()) {
        let mut style = verdict_style(scene, entry.verdict);
        if *number == place {
            style = style.add_modifier(Modifier::REVERSED);
            cursor = Some(Position { x: list.x, y });
        }
        let texts: Vec<String> = table.cells(row, glyphs.ellipsis).into_iter().map(|(_, text)| text).collect();
        let room = usize::from(list.width);
        let line = pad(cut_right(&texts.join(gap), room, glyphs.ellipsis), room);
        paint::put_text(buffer, list, list.x, y, &line, style);
    }
    if let (Some(area), Some(entry)) = (why, panel.entries(journal).nth(place)) {
        explain(scene, entry, panel.reason(entry.seq), area, buffer);
    } else if entries.is_empty() {
        let text = match journal.entries().len() {
            0 => "no file has changed yet",
            _ if panel.wanted.is_empty() => "no watched file has changed yet",
            _ => "no matching event",
        };
        paint::put_text(buffer, list, list.x + 1, list.y, text, theme.structure());
    }
    cursor.filter(|position| list.contains(*position))
}

/// The line above the events.
fn title(scene: &Scene<'_>, area: Rect, panel: &WatcherPanel, buffer: &mut Buffer) {
    let (glyphs, theme) = (scene.glyphs(), scene.theme());
    let mut left = vec![Span::styled("watcher", theme.strong())];
    if panel.hide_ignored {
        left.push(Span::raw(format!(" {} watched files only", glyphs.dot)));
    }
    if panel.typing || !panel.wanted.is_empty() {
        let cursor = if panel.typing { "_" } else { "" };
        left.push(Span::styled(format!(" /{}{cursor}", cut_left(&panel.wanted, 24, glyphs.ellipsis)), theme.busy()));
    }
    if !scene.screen.compact && !panel.hide_ignored && !panel.typing && panel.wanted.is_empty() {
        left.extend(last_release(scene, area));
    }
    let row = Rect { height: 1.min(area.height), ..area };
    if scene.screen.compact {
        paint::put_text(buffer, row, row.x, row.y, " ", Style::new());
        paint::put_spans(buffer, row, row.x + 1, row.y, &left);
        let titles = cut_right(&count(scene).iter().map(|span| &*span.content).collect::<String>(), 17, "");
        let at = row.right().saturating_sub(u16::try_from(width(&titles) + 1).unwrap_or(0));
        paint::put_text(buffer, row, at, row.y, &titles, theme.structure());
    } else {
        paint::put_text(buffer, row, row.x, row.y, &glyphs.rule.repeat(usize::from(row.width)), theme.accent());
        paint::title_row(buffer, row, glyphs, &Titles { left, right: count(scene), ..Titles::default() });
    }
}

/// The event that is drawn at a position of the panel.
pub(in super::super) fn event_at(at: Position, area: Rect, panel: &WatcherPanel, journal: &FileJournal) -> Option<u64> {
    let (list, _) = parts(area, panel, journal);
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
fn parts(area: Rect, panel: &WatcherPanel, journal: &FileJournal) -> (Rect, Option<Rect>) {
    let title = 1.min(area.height);
    let inner = Rect { y: area.y + title, height: area.height - title, ..area };
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
    let line = glyphs.rule.repeat(room.saturating_sub(2));
    paint::put_text(buffer, area, area.x + 1.min(area.width), area.y, &line, theme.structure());
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
    let names: Vec<&str> = entry.services.iter().map(|name| name.as_str()).collect();
    let services = match &entry.event.matched {
        Match::Watched { .. } => format!("{} {} {}", names.join(", "), glyphs.dot, entry.verdict),
        Match::Ignored(_) | Match::NoMatch => entry.verdict.to_string(),
    };
    let path_room = room.saturating_sub(12);
    let plain = Style::new();
    let mut lines = vec![
        (format!(" selected: {}", cut_left(&entry.event.path, path_room, glyphs.ellipsis)), plain),
        (format!("  {happened}"), plain),
        (format!("  {services}"), plain),
        (format!("  {}", rule(scene, entry)), plain),
    ];
    match reason {
        None => {}
        Some(Err(problem)) => lines.push((format!("  {problem}"), theme.structure())),
        Some(Ok(explanation)) => {
            let left = usize::from(area.height).saturating_sub(lines.len() + 1);
            let shell = format!("    same answer in a shell: devgroup why {}", entry.event.path);
            let chain = chain(explanation, entry, (room, left), theme.structure());
            let spare = left > chain.len();
            lines.extend(chain);
            lines.extend(spare.then_some((shell, theme.structure())));
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

/// The cells of a row: time, path, kind, services in short, outcome, rule, services.
fn cells(scene: &Scene<'_>, entry: &JournalEntry, columns: u16) -> Vec<String> {
    let time = (scene.time_of_day)(entry.event.at);
    // Hours and minutes where every cell counts.
    let time = if columns < SHORT_TIME { time.get(..5).unwrap_or(&time).to_owned() } else { time };
    let names: Vec<&str> = entry.services.iter().map(|name| name.as_str()).collect();
    let services = if names.is_empty() { "-".to_owned() } else { names.join(", ") };
    let in_short = match &entry.services[..] {
        [one] => one.to_string(),
        [first, others @ ..] => format!("{first}+{}", others.len()),
        [] => "-".to_owned(),
    };
    let path = visible(&entry.event.path);
    // One outcome of several events: the number stands with what was seen, not with what was done.
    let path = match entry.times {
        1 => path.into_owned(),
        times => format!("{path} ({times} events)"),
    };
    vec![time, path, entry.event.kind.to_string(), in_short, entry.verdict.to_string(), rule(scene, entry), services]
}

/// What is shown of a row, in the order in which it gives way. Names are shortened before a rule goes.
const CHOICES: [&[usize]; 5] = [&[0, 1, 2, 6, 4, 5], &[0, 1, 6, 4, 5], &[0, 1, 3, 4, 5], &[0, 1, 6, 4], &[0, 1, 3, 4]];

/// The rule that decided, with its place.
fn rule(scene: &Scene<'_>, entry: &JournalEntry) -> String {
    match &entry.event.matched {
        Match::Watched { rule, .. } | Match::Ignored(rule) => rule.in_file(&scene.snapshot.file),
        Match::NoMatch => "no service watches it".to_owned(),
    }
}
