//! What the watcher saw, and what became of it: the panel in place of the panes.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::super::panel::WatcherPanel;
use super::super::sidebar_rows::window;
use super::super::text::{cut_left, cut_right, first_of, pad, thousands, width};
use super::Scene;
use super::hints::whole_name;
use super::paint::{self, Titles};
use super::strip::verdict_style;
use super::table::Table;
use crate::domain::{
    self, Explanation, FileJournal, JournalEntry, Match, PathVerdict, StepOutcome, Verdict, WhyStep, visible,
};

/// Below this width, a time of day has no seconds.
const SHORT_TIME: u16 = 50;
/// From this width on, the explanation has room for whole sentences.
const FULL_COLUMNS: u16 = 96;
/// Rows of the explanation below the events, with the line above it, before the whole reason is known.
const WHY_ROWS: u16 = 5;
/// Cells below which a part of what came of the last hold says nothing.
const LEAST_HOLD: usize = 30;
/// Rows of events that stay above it.
const LEAST_EVENTS: u16 = 3;

/// Who watches, and what came of the last hold: `api, worker · last hold: api, worker restarted · 9 of 312 changed files`.
fn about(scene: &Scene<'_>, area: Rect, counts: &str) -> Vec<Span<'static>> {
    let (dot, said) = (scene.glyphs().dot, scene.snapshot.watch.last_release.as_ref());
    // Between the first word and the counts, with the lines around them.
    let room = usize::from(area.width).saturating_sub(width(counts) + 20);
    let watching = scene.snapshot.services.iter().filter(|service| service.watches);
    let mut names: Vec<String> = watching.map(|service| whole_name(service).to_string()).collect();
    names.dedup();
    // What came of the hold is worth more than all names.
    let names = match said {
        Some(_) if width(&names.join(", ")) > room / 2 => domain::count(names.len(), "service"),
        _ => first_of(names, room),
    };
    let left = room.saturating_sub(width(&names) + 3);
    let said = said.map(|said| format!("last hold: {said}")).filter(|said| left >= width(said).min(LEAST_HOLD));
    let said = said.map(|said| cut_right(&said, left, scene.glyphs().ellipsis));
    let parts = [Some(names), said].into_iter().flatten().filter(|part| !part.is_empty());
    parts.map(|part| Span::raw(format!(" {dot} {part}"))).collect()
}

/// `8 events · 3 ignored`; `10 events in 9 rows · 3 ignored`, where a row tells of several, or the oldest are forgotten.
fn count(scene: &Scene<'_>, panel: &WatcherPanel) -> String {
    let journal = &scene.snapshot.journal;
    let (events, ignored) = (thousands(journal.events), thousands(journal.judged(Verdict::Ignored)));
    let what = if journal.events == 1 { "event" } else { "events" };
    let rows = u64::try_from(journal.entries().len()).unwrap_or(u64::MAX);
    let shows_all = !panel.hide_ignored && panel.wanted.is_empty();
    let rows = if shows_all && rows < journal.events { format!(" in {}", rows_of(rows)) } else { String::new() };
    format!("{events} {what}{rows} {} {ignored} ignored", scene.glyphs().dot)
}

fn rows_of(rows: u64) -> String {
    format!("{} {}", thousands(rows), if rows == 1 { "row" } else { "rows" })
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
    let counts = count(scene, panel);
    if !scene.screen.compact && !panel.hide_ignored && !panel.typing && panel.wanted.is_empty() {
        left.extend(about(scene, area, &counts));
    }
    let row = Rect { height: 1.min(area.height), ..area };
    if scene.screen.compact {
        paint::put_text(buffer, row, row.x, row.y, " ", Style::new());
        paint::put_spans(buffer, row, row.x + 1, row.y, &left);
        let room = usize::from(row.width).saturating_sub(paint::spans_width(&left) + 3);
        // Whole words: the number of what was ignored goes first.
        let short = counts.split(&format!(" {} ", glyphs.dot)).next().unwrap_or_default().to_owned();
        let counts = [counts, short].into_iter().find(|counts| width(counts) <= room).unwrap_or_default();
        let at = row.right().saturating_sub(u16::try_from(width(&counts) + 1).unwrap_or(0));
        paint::put_text(buffer, row, at, row.y, &counts, theme.structure());
    } else {
        paint::put_text(buffer, row, row.x, row.y, &glyphs.rule.repeat(usize::from(row.width)), theme.accent());
        paint::title_row(buffer, row, glyphs, &Titles { left, right: vec![Span::raw(counts)], ..Titles::default() });
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::tui::fixture::Bench;

    #[test]
    fn the_title_says_who_watches_and_how_many_events_the_rows_tell() {
        let mut bench = Bench::shop(160, 50);
        bench.press("W");
        let title = |bench: &mut Bench| {
            let text = bench.text();
            text.lines().find(|line| line.contains("watcher")).unwrap_or_default().to_owned()
        };
        let line = title(&mut bench);
        assert!(line.contains("─ watcher · api, worker, css ─") && line.contains(" 8 events · 3 ignored ─"), "{line}");
        Arc::make_mut(&mut bench.snapshot.journal).events += 2;
        bench.snapshot.watch.last_release = Some("api, css restarted · 2 of 3 changed files".into());
        let line = title(&mut bench);
        assert!(line.contains("· api, worker, css · last hold: api, css restarted · 2 of 3 changed files ─"), "{line}");
        assert!(line.contains(" 10 events in 8 rows · 3 ignored ─"), "{line}");
        assert!(bench.text().contains("  x watched only  "), "{}", bench.text());
        bench.press("x");
        assert!(bench.text().contains("  x show all  "), "{}", bench.text());
        bench.press("x");
        bench.size = (40, 12);
        let line = title(&mut bench);
        assert!(line.trim_end().ends_with("  10 events in 8 rows"), "whole words: {line}");
        bench.press("x");
        let line = title(&mut bench);
        assert!(line.trim_end().ends_with("watched files only") || line.trim_end().ends_with("10 events"), "{line}");
    }
}
