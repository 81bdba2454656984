//! Quitting is a screen: who has ended, who is being waited for, and when the next rung follows.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::super::text::{cut_right, pad, width};
use super::Scene;
use super::paint::{self, Titles};
use crate::domain::{Signal, StopProgress, StopState, Stopping, approx, count, human};

/// Cells of the bar.
const BAR: usize = 20;
/// Cells of the bar where there is little room.
const SMALL_BAR: usize = 8;

/// Draws the box over whatever was there. The answer is where the line of the first service is that is waited for.
pub(super) fn draw(scene: &Scene<'_>, buffer: &mut Buffer) -> Option<Position> {
    let stopping = scene.snapshot.stopping.as_ref()?;
    let (glyphs, theme, all) = (scene.glyphs(), scene.theme(), scene.screen.area);
    let small = scene.screen.compact;
    let services: Vec<&StopProgress> =
        stopping.services.iter().filter(|service| service.state != StopState::WasNotRunning).collect();
    let number = u16::try_from(services.len()).unwrap_or(u16::MAX);
    let area = if small {
        Rect { y: 1, height: number.saturating_add(5).min(all.height.saturating_sub(2)), ..all }
    } else {
        let below = Rect { y: 1, height: all.height.saturating_sub(2), ..all };
        paint::centered(below, all.width.saturating_sub(4).min(90), number.saturating_add(8))
    };
    paint::clear(buffer, area);
    let titles = Titles {
        left: vec![Span::styled(format!("stopping {}", count(stopping.progress().1, "service")), theme.strong())],
        right: vec![Span::raw(scene.age(stopping.since))],
        ..Titles::default()
    };
    let inner = paint::frame(buffer, area, glyphs, false, theme.structure(), &titles);
    let tail = tail(scene, stopping, small);
    let tail_rows = u16::try_from(tail.len()).unwrap_or(0).min(inner.height);
    let list = usize::from(inner.height - tail_rows);
    let name = services.iter().map(|service| width(service.name.as_str())).max().unwrap_or(0);
    let name = name.clamp(if small { 7 } else { 8 }, 16);
    // Those that are waited for must be in sight.
    let waited = waited_for(stopping).next().and_then(|first| services.iter().position(|it| it.name == first.name));
    let start = super::super::sidebar_rows::window(services.len(), list, waited.unwrap_or(0));
    let mut cursor = None;
    for ((number, service), y) in services.iter().enumerate().skip(start).take(list).zip(inner.top()..) {
        let row = Rect { y, height: 1, ..inner };
        if small {
            small_row(scene, service, name, row, buffer)
        } else {
            row_of(scene, service, name, row, buffer)
        }
        if Some(number) == waited {
            cursor = Some(Position { x: inner.x, y });
        }
    }
    let shown = u16::try_from(services.len().min(list)).unwrap_or(0);
    for (line, y) in tail.iter().zip(inner.y + shown..inner.bottom()) {
        let text = cut_right(line, usize::from(inner.width), glyphs.ellipsis);
        paint::put_text(buffer, inner, inner.x, y, &text, Style::new());
    }
    cursor.filter(|position| inner.contains(*position))
}

/// The lines below the services.
fn tail(scene: &Scene<'_>, stopping: &Stopping, small: bool) -> Vec<String> {
    if small {
        let (stopped, all) = stopping.progress();
        return vec![
            format!("  {stopped} of {all} stopped"),
            String::new(),
            "Q / Ctrl-C = kill the rest now".to_owned(),
        ];
    }
    let waited: Vec<&str> = waited_for(stopping).map(|service| service.name.as_str()).collect();
    let line = match (waited.as_slice(), scene.last_words) {
        ([], _) => String::new(),
        ([one], Some(words)) => format!("  Waiting for {one}; its last line: {words}"),
        (names, _) => format!("  Waiting for {}", names.join(", ")),
    };
    let others = stopping.services.iter().filter(|service| service.state == StopState::WasNotRunning).count();
    let others = match others {
        0 => None,
        1 => Some("  1 was not running".to_owned()),
        more => Some(format!("  {more} were not running")),
    };
    let kill = if stopping.killing { "  Q or Ctrl-C = leave now" } else { "  Q or Ctrl-C = kill the rest now" };
    let end = [String::new(), line, String::new(), kill.to_owned(), String::new()];
    others.into_iter().chain(end).collect()
}

/// The services that the screen names: those that were asked to end and may still do so; else those that were killed.
pub(in super::super) fn waited_for(stopping: &Stopping) -> impl Iterator<Item = &StopProgress> {
    let asked = |state: &StopState| matches!(state, StopState::Asked { .. });
    let polite = stopping.services.iter().any(|service| asked(&service.state));
    stopping.services.iter().filter(move |service| match service.state {
        StopState::Asked { .. } => true,
        StopState::Killed { .. } | StopState::GivenUp => !polite,
        StopState::WasNotRunning | StopState::Waiting | StopState::Stopped { .. } => false,
    })
}

fn stop_state_look(scene: &Scene<'_>, state: &StopState) -> (&'static str, Style) {
    let (glyphs, theme) = (scene.glyphs(), scene.theme());
    match state {
        StopState::WasNotRunning => (glyphs.stopped, theme.plain()),
        StopState::Stopped { .. } => (glyphs.done, theme.good_glyph()),
        StopState::Waiting => (glyphs.waits, theme.plain()),
        StopState::Asked { .. } | StopState::Killed { .. } => (glyphs.busy, theme.busy_glyph()),
        StopState::GivenUp => (glyphs.failed, theme.bad_glyph()),
    }
}

fn word(signal: Option<Signal>) -> String {
    signal.map_or_else(|| "stop command".to_owned(), |signal| signal.to_string())
}

fn row_of(scene: &Scene<'_>, service: &StopProgress, name: usize, area: Rect, buffer: &mut Buffer) {
    let (glyphs, now) = (scene.glyphs(), scene.now);
    let (glyph, style) = stop_state_look(scene, &service.state);
    let text = match &service.state {
        StopState::WasNotRunning => "was not running".to_owned(),
        StopState::Waiting => "waiting for its dependents to stop".to_owned(),
        StopState::Asked { signal, at, kill_at, ignored } => {
            let asked = match signal {
                Some(signal) if *ignored => format!("ignores {signal}"),
                Some(signal) => format!("{signal} sent {} ago", approx(now.since(*at))),
                None => format!("stop command, {} ago", approx(now.since(*at))),
            };
            let bar = bar(glyphs.full, glyphs.shade, fraction(now.since(*at), kill_at.since(*at)), BAR);
            format!("{} SIGKILL in {}  [{bar}]", pad(asked, 22), approx(kill_at.since(now)))
        }
        StopState::Killed { at } => format!("SIGKILL sent {} ago", approx(now.since(*at))),
        StopState::GivenUp => "SIGKILL did not end it".to_owned(),
        StopState::Stopped { signal, after } => {
            format!("stopped   {}   {}", word(*signal), human(*after))
        }
    };
    let x = paint::put_text(buffer, area, area.x + 2.min(area.width), area.y, glyph, style);
    let cells = usize::from(area.right().saturating_sub(x));
    let line = format!(" {} {text}", pad(cut_right(service.name.as_str(), name, glyphs.ellipsis), name));
    paint::put_text(buffer, area, x, area.y, &cut_right(&line, cells, glyphs.ellipsis), Style::new());
}

fn small_row(scene: &Scene<'_>, service: &StopProgress, name: usize, area: Rect, buffer: &mut Buffer) {
    let (glyphs, now) = (scene.glyphs(), scene.now);
    let (glyph, style) = stop_state_look(scene, &service.state);
    let text = match &service.state {
        StopState::WasNotRunning => "was not running".to_owned(),
        StopState::Waiting => "waiting".to_owned(),
        StopState::Asked { signal: Some(signal), kill_at, ignored: true, .. } => {
            format!("ignores {signal}, kill in {}", approx(kill_at.since(now)))
        }
        StopState::Asked { at, kill_at, .. } => {
            let bar = bar(glyphs.full, glyphs.shade, fraction(now.since(*at), kill_at.since(*at)), SMALL_BAR);
            format!("kill in {} {bar}", approx(kill_at.since(now)))
        }
        StopState::Killed { .. } => "SIGKILL sent".to_owned(),
        StopState::GivenUp => "could not be killed".to_owned(),
        StopState::Stopped { .. } => "stopped".to_owned(),
    };
    let x = paint::put_text(buffer, area, area.x, area.y, glyph, style);
    let cells = usize::from(area.right().saturating_sub(x));
    let line = format!(" {} {text}", pad(cut_right(service.name.as_str(), name, glyphs.ellipsis), name));
    paint::put_text(buffer, area, x, area.y, &cut_right(&line, cells, glyphs.ellipsis), Style::new());
}

/// How much of the grace is used up, in whole seconds so that the bar moves with the number beside it.
fn fraction(used: Duration, grace: Duration) -> (u64, u64) {
    let whole = grace.as_secs().max(1);
    (used.as_secs().min(whole), whole)
}

fn bar(full: &str, empty: &str, (part, whole): (u64, u64), cells: usize) -> String {
    let cells_u64 = u64::try_from(cells).unwrap_or(0);
    let filled = usize::try_from(part * cells_u64 / whole.max(1)).unwrap_or(cells).min(cells);
    format!("{}{}", full.repeat(filled), empty.repeat(cells - filled))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::GlyphSet;
    use crate::tui::fixture::{self, Bench};

    #[test]
    fn who_ignores_the_signal_is_said_to() {
        let mut bench = Bench::new(fixture::stopping(), 100, 30, GlyphSet::Unicode);
        assert!(bench.text().contains("SIGTERM sent"), "{}", bench.text());
        let services = bench.snapshot.stopping.iter_mut().flat_map(|stopping| &mut stopping.services);
        for service in services {
            if let StopState::Asked { ignored, .. } = &mut service.state {
                *ignored = true;
            }
        }
        let text = bench.text();
        assert!(text.contains("ignores SIGTERM        SIGKILL in 5s") && !text.contains("SIGTERM sent"), "{text}");
        bench.size = (40, 12);
        assert!(bench.text().contains(" ignores SIGTERM, kill in 5s"), "{}", bench.text());
    }

    #[test]
    fn the_bar_never_leaves_its_cells() {
        assert_eq!(
            bar("#", ".", fraction(Duration::from_secs(8), Duration::from_secs(20)), 20),
            "########............"
        );
        assert_eq!(bar("#", ".", fraction(Duration::from_secs(99), Duration::from_secs(5)), 8), "########");
        assert_eq!(bar("#", ".", fraction(Duration::ZERO, Duration::ZERO), 8), "........");
    }
}
