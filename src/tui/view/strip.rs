//! What the watcher saw last, above the footer: one line, or up to four; the newest last. Only files that a service watches count,
//! and what is held back takes the last line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::text::{first_of, thousands, width};
use super::super::words::unwatched_changes;
use super::table::Table;
use super::{Scene, paint};
use crate::domain::{GroupSnapshot, JournalEntry, Match, Moment, Verdict, count, visible};

/// The cells of a row that tell of an event.
const SERVICES: usize = 0;
const PATH: usize = 1;
const PATH_AND_KIND: usize = 2;
const OUTCOME: usize = 3;
const AGE: usize = 4;
const RULE: usize = 5;

/// What is shown, in the order in which it gives way.
const CHOICES: [&[usize]; 4] = [
    &[SERVICES, PATH_AND_KIND, OUTCOME, RULE],
    &[SERVICES, PATH_AND_KIND, OUTCOME],
    &[SERVICES, PATH, OUTCOME],
    &[SERVICES, PATH, AGE],
];

/// Draws the last events.
pub(super) fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let (glyphs, theme) = (scene.glyphs(), scene.theme());
    let room = usize::from(area.width).saturating_sub(MARGIN + 1);
    let entries = entries(scene, area.height);
    let is_held = is_held(scene.snapshot);
    let gap = if area.height > 1 { "  ".to_owned() } else { format!(" {} ", glyphs.dot) };
    let rows: Vec<_> = entries.iter().map(|entry| cells(scene, entry)).collect();
    let table = Table::fitting(&rows, &CHOICES, &gap, room);
    let lines = u16::try_from(entries.len()).unwrap_or(0) + u16::from(is_held);
    // What there is stands at the bottom, where the newest always is.
    let mut y = area.bottom().saturating_sub(lines.max(1));
    let text_at = |y| Rect { y, height: 1, ..area };
    let mark = |buffer: &mut Buffer, y, glyph: &str, style| {
        paint::put_text(buffer, text_at(y), area.x.saturating_add(1), y, &format!("{glyph} "), style)
    };
    for (entry, row) in entries.iter().zip(&rows) {
        let mut x = mark(buffer, y, glyphs.restarts, theme.structure());
        for (place, (cell, text)) in table.cells(row, glyphs.ellipsis).into_iter().enumerate() {
            if place > 0 {
                x = paint::put_text(buffer, text_at(y), x, y, &gap, theme.structure());
            }
            let style = match cell {
                OUTCOME => verdict_style(scene, entry.verdict),
                AGE | RULE => theme.structure(),
                _ => Style::new(),
            };
            x = paint::put_text(buffer, text_at(y), x, y, &text, style);
        }
        y += 1;
    }
    if is_held {
        let x = mark(buffer, y, glyphs.held, theme.busy());
        paint::put_text(buffer, text_at(y), x, y, &held(scene), Style::new());
    } else if entries.is_empty() {
        let x = mark(buffer, y, glyphs.restarts, theme.structure());
        paint::put_text(buffer, text_at(y), x, y, "no watched file has changed yet", theme.structure());
    }
    let taken = match (is_held, entries.is_empty()) {
        (true, _) => width(&held(scene)),
        (false, true) => width("no watched file has changed yet"),
        (false, false) => table.width(&gap),
    };
    note(scene, Rect { y: area.bottom().saturating_sub(1), height: 1, ..area }, MARGIN + taken, buffer);
}

/// Rows of the highest.
const HIGHEST: u16 = 4;

/// Cells before the first column: a blank, the glyph, a blank.
const MARGIN: usize = 3;

/// At the right end, where there is room: how many events were ignored.
fn note(scene: &Scene<'_>, row: Rect, taken: usize, buffer: &mut Buffer) {
    let ignored = scene.snapshot.journal.judged(Verdict::Ignored);
    let note = format!("{} ignored", thousands(ignored));
    if ignored > 0 && taken + 3 + width(&note) < usize::from(row.width) {
        let at = row.right().saturating_sub(u16::try_from(width(&note) + 1).unwrap_or(0));
        paint::put_text(buffer, row, at, row.y, &note, scene.theme().structure());
    }
}

/// Rows that there is something to say in, and at least one.
pub(in super::super) fn rows(snapshot: &GroupSnapshot) -> u16 {
    let events = watched(snapshot).take(usize::from(HIGHEST)).count() + usize::from(is_held(snapshot));
    u16::try_from(events).unwrap_or(HIGHEST).clamp(1, HIGHEST)
}

/// What is held back takes a row.
fn is_held(snapshot: &GroupSnapshot) -> bool {
    snapshot.watch.held > 0 || snapshot.watch.file_held
}

/// The events that count, the newest first.
fn watched(snapshot: &GroupSnapshot) -> impl Iterator<Item = &JournalEntry> {
    let counts = |entry: &&JournalEntry| !matches!(entry.verdict, Verdict::Ignored | Verdict::NoMatch);
    snapshot.journal.entries().rev().filter(counts)
}

/// The events that are shown in so many rows, the newest last.
fn entries<'a>(scene: &Scene<'a>, rows: u16) -> Vec<&'a JournalEntry> {
    let rows = usize::from(rows.saturating_sub(u16::from(is_held(scene.snapshot))));
    let mut entries: Vec<_> = watched(scene.snapshot).take(rows).collect();
    entries.reverse();
    entries
}

/// The moments whose age is shown.
pub(in super::super) fn moments(scene: &Scene<'_>) -> Vec<Moment> {
    let rows = scene.screen.strip.map_or(0, |area| area.height);
    entries(scene, rows).into_iter().map(|entry| entry.judged).collect()
}

fn cells(scene: &Scene<'_>, entry: &JournalEntry) -> Vec<String> {
    // What happened matters more than the last of twenty services.
    let room = usize::from(scene.screen.area.width) / 3;
    let names = first_of(entry.services.iter().map(ToString::to_string).collect(), room);
    let path = visible(&entry.event.path);
    let times = if entry.times == 1 { String::new() } else { format!(" ({} events)", entry.times) };
    let age = format!("{} ago", scene.age(entry.judged));
    let rule = match &entry.event.matched {
        Match::Watched { rule, .. } | Match::Ignored(rule) => rule.in_file(&scene.snapshot.file),
        Match::NoMatch => String::new(),
    };
    let with_kind = format!("{path} {}{times}", entry.event.kind);
    vec![names, format!("{path}{times}"), with_kind, format!("{} {age}", outcome(entry.verdict)), age, rule]
}

/// What has become of an event, in the past.
fn outcome(verdict: Verdict) -> String {
    match verdict {
        Verdict::Restart => "restarted".to_owned(),
        Verdict::Signal => "signalled".to_owned(),
        Verdict::Run => "command run".to_owned(),
        Verdict::Stopped => "not restarted (was stopped)".to_owned(),
        Verdict::Refused => "not restarted (refused)".to_owned(),
        other => other.to_string(),
    }
}

/// `14 changes held: api 9, worker 4, css 1`, `procgroup.toml held`, `procgroup.toml and 1 change held: api 1`,
/// `2 changes held, for web and api` where some count for several services: each file counts once in the total, and those
/// that only stopped services watch are told as theirs.
pub(super) fn held(scene: &Scene<'_>) -> String {
    let watch = &scene.snapshot.watch;
    if !is_held(scene.snapshot) {
        return nothing_held(scene);
    }
    let mut held: Vec<_> =
        scene.snapshot.services.iter().filter(|service| service.held > 0).map(|s| (s.held, &s.name)).collect();
    held.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let counted: usize = held.iter().map(|(count, _)| count).sum();
    let shared = counted > watch.held;
    // They do not count for these, which start with what is on disk anyway.
    let of_stopped = watch.held.saturating_sub(counted);
    let changes = count(watch.held, "change");
    let what = match (watch.file_held, watch.held) {
        (false, _) => changes,
        (true, 0) => scene.snapshot.file.to_string(),
        (true, _) => format!("{} and {changes}", scene.snapshot.file),
    };
    // Behind the margin, ` held, for ` and a blank.
    let room = usize::from(scene.screen.area.width).saturating_sub(MARGIN + width(&what) + 12);
    let whose = match (held.as_slice(), shared) {
        ([], _) if of_stopped > 0 => ", for stopped services".to_owned(),
        ([], _) => String::new(),
        (held, false) => {
            let mut whose: Vec<_> = held.iter().map(|(count, name)| format!("{name} {count}")).collect();
            whose.extend((of_stopped > 0).then(|| format!("stopped services {of_stopped}")));
            format!(": {}", first_of(whose, room))
        }
        (held, true) => format!(", for {}", and(held.iter().map(|(_, name)| name.as_str()).collect(), room)),
    };
    format!("{what} held{whose}")
}

/// `web, api and worker`, `web, api and 7 more`.
fn and(names: Vec<&str>, room: usize) -> String {
    let all = match names.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        names => names.concat(),
    };
    if width(&all) <= room { all } else { first_of(names.into_iter().map(str::to_owned).collect(), room) }
}

/// `14 held`, where there is little room.
pub(super) fn held_in_short(scene: &Scene<'_>) -> String {
    let watch = &scene.snapshot.watch;
    match watch.held + usize::from(watch.file_held) {
        0 => "nothing held".to_owned(),
        held => format!("{held} held"),
    }
}

/// Why nothing is held: no file has changed, or only files that no service watches. Or a restart has met what was held.
fn nothing_held(scene: &Scene<'_>) -> String {
    let since = scene.snapshot.watch.holds.first().map(|hold| hold.since);
    let is_of_hold = |entry: &JournalEntry| since.is_some_and(|since| entry.judged >= since);
    let has_changed = watched(scene.snapshot).next().is_some_and(is_of_hold);
    let nothing = if has_changed { "nothing held" } else { "no watched file has changed" };
    unwatched_changes(scene.snapshot, scene.glyphs()).unwrap_or_else(|| nothing.to_owned())
}

/// How an outcome is told.
pub(super) fn verdict_style(scene: &Scene<'_>, verdict: Verdict) -> Style {
    match verdict {
        Verdict::Restart | Verdict::Signal | Verdict::Run | Verdict::Mark => Style::new(),
        Verdict::Refused => scene.theme().bad(),
        Verdict::Pending | Verdict::Busy | Verdict::Held | Verdict::Waits => scene.theme().busy(),
        Verdict::Discarded | Verdict::SameContent | Verdict::Stopped | Verdict::Ignored | Verdict::NoMatch => {
            scene.theme().structure()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::display::GlyphSet;
    use crate::domain::{FileJournal, WatchState};
    use crate::tui::fixture::{Bench, paused_shop, shop};

    #[test]
    fn many_services_leave_room_for_what_happened() {
        let mut paused = paused_shop();
        for number in 0..20 {
            let mut service = paused.services[1].clone();
            service.name = format!("service-{number}").as_str().into();
            paused.services.push(service);
        }
        let mut bench = Bench::new(paused, 80, 24, GlyphSet::Unicode);
        let last = |bench: &mut Bench| bench.text().lines().rev().nth(1).unwrap_or_default().to_owned();
        let line = last(&mut bench);
        assert!(
            line.starts_with(" ‖ 14 changes held, for api, service-0, service-1, ") && line.contains(" more"),
            "{line}"
        );
        bench.snapshot.services.iter_mut().skip(6).for_each(|service| service.held = 0);
        let line = last(&mut bench);
        assert!(line.starts_with(" ‖ 14 changes held: api 9, worker 4, css 1"), "{line}");
        bench.snapshot.watch.held = 16;
        let line = last(&mut bench);
        assert!(line.starts_with(" ‖ 16 changes held: api 9, worker 4, css 1, stopped services 2"), "{line}");
        bench.snapshot.services.iter_mut().for_each(|service| service.held = 0);
        let line = last(&mut bench);
        assert!(line.starts_with(" ‖ 16 changes held, for stopped services"), "{line}");
        let mut bench = Bench::new(shop(), 80, 24, GlyphSet::Unicode);
        let newest = bench.snapshot.journal.entries().next_back().map_or(0, |entry| entry.seq);
        Arc::make_mut(&mut bench.snapshot.journal).judge(newest, |entry| {
            entry.services = (0..20).map(|number| format!("service-{number}").as_str().into()).collect();
        });
        let line = last(&mut bench);
        assert!(line.starts_with(" ↻ service-0 and 19 more · styles/app.scss modified · restarted 1s ago"), "{line}");
    }

    #[test]
    fn it_has_the_rows_that_it_needs_and_keeps_them() {
        let mut bench = Bench::new(shop(), 160, 50, GlyphSet::Unicode);
        let full = Arc::clone(&bench.snapshot.journal);
        let mut rows = |journal: Arc<FileJournal>, file_held: bool| {
            bench.snapshot.journal = journal;
            bench.snapshot.watch.file_held = file_held;
            bench.snapshot.watch.state = if file_held { WatchState::Paused } else { WatchState::Watching };
            let text = bench.text();
            let rows = text.lines().rev().skip(1).take_while(|line| !line.contains('│')).count();
            (rows, text)
        };
        assert_eq!(rows(Arc::default(), false).0, 1, "nothing was seen");
        let (count, text) = rows(Arc::default(), true);
        assert!(count == 1 && text.contains("‖ procgroup.toml held\n"), "{text}");
        assert_eq!(rows(full, false).0, 4);
        assert_eq!(rows(Arc::default(), false).0, 4, "nothing jumps back");
    }
}
