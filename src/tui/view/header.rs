//! The first line: the group, counts, and what the watcher does; and the banner while something holds.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::super::text::{cut_right, thousands, width};
use super::super::words::StateCounts;
use super::{Scene, paint, typing};
use crate::domain::{HoldSnapshot, StopState, Stopping, WatchBackend, WatchState};

/// Draws header and banner.
pub(super) fn draw(scene: &Scene<'_>, buffer: &mut Buffer) {
    if let Some(area) = scene.screen.header {
        if let Some(service) = scene.ui.typist.target() {
            typing::header(scene, service, area, buffer);
        } else {
            header(scene, area, buffer);
        }
    }
    if let Some(area) = scene.screen.banner {
        banner(scene, area, buffer);
    }
}

/// How much a line tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Wide,
    Short,
    Tiny,
}

/// One part of the header.
struct Part {
    text: String,
    style: Style,
    /// It tells of failures: the last to go.
    failed: bool,
}

impl Part {
    fn new(text: String, style: Style) -> Self {
        Self { text, style, failed: false }
    }
}

fn header(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let length = match area.width {
        100.. => Length::Wide,
        60.. => Length::Short,
        _ => Length::Tiny,
    };
    let (glyphs, theme, room) = (scene.glyphs(), scene.theme(), usize::from(area.width));
    let (mut left, mut right) = parts(scene, length);
    let left_gap = if length == Length::Wide { "  " } else { " " };
    let right_gap = if length == Length::Tiny { " " } else { "   " };
    let title = format!(" devgroup {} {}", glyphs.dot, scene.snapshot.name);
    // A long name gives way before anything else does.
    let title_cells = width(&title).min((room / 3).max(16));
    let taken = |left: &[Part], right: &[Part]| title_cells + 2 + cells(left, left_gap) + 2 + cells(right, right_gap);
    while taken(&left, &right) > room {
        // Git and watcher, then what is well or stopped; failures stay.
        let right_place = right.iter().rposition(|part| !part.failed);
        if let Some(place) = right_place {
            right.remove(place);
        } else if let Some(place) = left.iter().rposition(|part| !part.failed) {
            left.remove(place);
        } else {
            break;
        }
    }
    let right_cells = cells(&right, right_gap) + 1;
    let title_room = room.saturating_sub(if right.is_empty() { 0 } else { right_cells + 1 });
    let title = Span::styled(cut_right(&title, title_room.min(title_cells), glyphs.ellipsis), theme.strong());
    let mut line = vec![title, Span::raw("  ")];
    line.extend(join(left, left_gap));
    let until_right = Rect { width: u16::try_from(title_room).unwrap_or(area.width), ..area };
    paint::put_spans(buffer, until_right, area.x, area.y, &line);
    let from = u16::try_from(room.saturating_sub(right_cells)).unwrap_or(0);
    paint::put_spans(buffer, area, area.x.saturating_add(from), area.y, &join(right, right_gap));
}

/// What follows the name, and what stands at the right end.
fn parts(scene: &Scene<'_>, length: Length) -> (Vec<Part>, Vec<Part>) {
    let theme = scene.theme();
    let state_counts = StateCounts::of(scene.snapshot);
    match (&scene.snapshot.stopping, length) {
        (Some(stopping), length) => {
            let (stopped, all) = progress(stopping);
            let count =
                if length == Length::Tiny { format!("{stopped}/{all}") } else { format!("{stopped} of {all} stopped") };
            (vec![Part::new("STOPPING".into(), theme.alert())], vec![Part::new(count, Style::new())])
        }
        (None, Length::Tiny) => (Vec::new(), counts(scene, state_counts, length)),
        (None, length) => (counts(scene, state_counts, length), watch_words(scene, length)),
    }
}

fn cells(parts: &[Part], gap: &str) -> usize {
    parts.iter().map(|part| width(&part.text) + width(gap)).sum::<usize>().saturating_sub(width(gap))
}

fn join(parts: Vec<Part>, gap: &'static str) -> Vec<Span<'static>> {
    let mut spans = Vec::with_capacity(parts.len() * 2);
    for part in parts {
        if !spans.is_empty() {
            spans.push(Span::raw(gap));
        }
        spans.push(Span::styled(part.text, part.style));
    }
    spans
}

/// `4 up  1 failed  1 stopped`, or `4● 1✗ 1○`; without what is zero, except what is up.
fn counts(scene: &Scene<'_>, state_counts: StateCounts, length: Length) -> Vec<Part> {
    let (glyphs, theme) = (scene.glyphs(), scene.theme());
    let stopped = if length == Length::Wide { "stopped" } else { "off" };
    let counts = [
        (state_counts.up, "up", glyphs.up, theme.good()),
        (state_counts.failed, "failed", glyphs.failed, theme.bad()),
        (state_counts.stopped, stopped, glyphs.stopped, theme.dim()),
        (state_counts.done, "done", glyphs.done, theme.dim()),
        (state_counts.waits, "waits", glyphs.waits, theme.dim()),
    ];
    let shown = counts.into_iter().filter(|(count, word, ..)| *count > 0 || *word == "up");
    shown
        .map(|(count, word, glyph, style)| Part {
            text: if length == Length::Tiny { format!("{count}{glyph}") } else { format!("{count} {word}") },
            style,
            failed: word == "failed",
        })
        .collect()
}

/// What the watcher does, and git's head.
fn watch_words(scene: &Scene<'_>, length: Length) -> Vec<Part> {
    let (snapshot, theme, glyphs) = (scene.snapshot, scene.theme(), scene.glyphs());
    let watch = &snapshot.watch;
    let number = |count: usize| thousands(u64::try_from(count).unwrap_or(u64::MAX));
    let watching = || {
        let (some, all) = (snapshot.services.iter().filter(|service| service.watches).count(), snapshot.services.len());
        let does = if watch.backend == WatchBackend::Poll { "polling" } else { "watching" };
        match length {
            Length::Wide if watch.ready => {
                let dirs = if watch.directories == 1 { "dir" } else { "dirs" };
                format!("{does} {some} of {all} {} {} {dirs}", glyphs.dot, number(watch.directories))
            }
            Length::Wide => format!("{does} {some} of {all}"),
            Length::Short | Length::Tiny => format!("{does} {some}/{all}"),
        }
    };
    let (text, style) = match watch.state {
        WatchState::Watching if watch.problem.is_some() => (format!("{} {}", glyphs.failed, watching()), theme.bad()),
        WatchState::Watching => (watching(), Style::new()),
        WatchState::Paused if watch.holds.iter().any(|hold| hold.services.is_empty()) => {
            ("WATCH PAUSED".to_owned(), theme.alert())
        }
        WatchState::Paused => {
            let names = watch.holds.first().map(HoldSnapshot::names).unwrap_or_default();
            (format!("PAUSED {}", cut_right(&names, 24, glyphs.ellipsis)), theme.alert())
        }
        WatchState::Held => {
            let holder = watch.holds.first().map(HoldSnapshot::to_string).unwrap_or_default();
            (format!("HELD by {}", cut_right(&holder, 24, glyphs.ellipsis)), theme.alert())
        }
        WatchState::Busy => (format!("busy: {} changes", number(watch.busy)), theme.busy()),
        WatchState::Off => ("watch off".to_owned(), theme.dim()),
    };
    let mut words = vec![Part::new(text, style)];
    if let (WatchState::Watching | WatchState::Busy | WatchState::Off, Some(head)) = (watch.state, &watch.git_head) {
        // The branch is enough where there is little room.
        let head = if length == Length::Wide { head } else { head.split('@').next().unwrap_or(head) };
        words.push(Part::new(cut_right(head, 32, glyphs.ellipsis), theme.dim()));
    }
    words
}

/// How many services are stopped, and of how many.
pub(super) fn progress(stopping: &Stopping) -> (usize, usize) {
    let over = |state: &StopState| matches!(state, StopState::Stopped { .. } | StopState::WasNotRunning);
    (stopping.services.iter().filter(|service| over(&service.state)).count(), stopping.services.len())
}

/// `‖ WATCHING PAUSED 2m · 14 changes held: api 9, worker 4, css 1`, `‖ HELD by hold: git checkout main 3s · …`.
fn banner(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let (glyphs, theme) = (scene.glyphs(), scene.theme());
    let watch = &scene.snapshot.watch;
    let since = watch.holds.first().map(|hold| scene.age(hold.since)).unwrap_or_default();
    let tiny = area.width < 60;
    let partly = !watch.holds.iter().any(|hold| hold.services.is_empty());
    let title = match (watch.state, tiny) {
        (WatchState::Held, _) => {
            let holder = watch.holds.first().map(HoldSnapshot::to_string).unwrap_or_default();
            // The numbers matter more than the end of a long command.
            format!("HELD by {}", cut_right(&holder, usize::from(area.width / 2).saturating_sub(8), glyphs.ellipsis))
        }
        (_, false) if partly => {
            let names: Vec<_> = watch.holds.iter().map(HoldSnapshot::names).collect();
            format!("PAUSED {}", cut_right(&names.join(", "), usize::from(area.width / 2), glyphs.ellipsis))
        }
        (_, true) => "PAUSED".to_owned(),
        (_, false) => "WATCHING PAUSED".to_owned(),
    };
    let title = match watch.holds.len() {
        0 | 1 => title,
        _ if tiny => title,
        more => format!("{title}, and {} more", more - 1),
    };
    let mut line = format!(" {} {title} {since} {} {}", glyphs.held, glyphs.dot, watch.held);
    if tiny {
        line.push_str(" held");
    } else {
        line.push_str(if watch.held == 1 { " change held" } else { " changes held" });
        let mut held: Vec<_> =
            scene.snapshot.services.iter().filter(|service| service.held > 0).map(|s| (s.held, &s.name)).collect();
        held.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        for (place, (count, name)) in held.into_iter().enumerate() {
            line.push_str(if place == 0 { ": " } else { ", " });
            line.push_str(&format!("{name} {count}"));
        }
        line.push(' ');
    }
    let room = usize::from(area.width);
    let mut line = cut_right(&line, room, glyphs.ellipsis);
    line.extend(std::iter::repeat_n(glyphs.shade, room.saturating_sub(width(&line))));
    paint::put_text(buffer, area, area.x, area.y, &line, theme.alert());
}
