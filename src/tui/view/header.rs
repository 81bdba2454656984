//! The first line: the group, counts, and what the watcher does; and the banner while something holds.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::super::action::{Action, Context};
use super::super::keymap::Keymap;
use super::super::text::{cut_right, pad, thousands, width};
use super::super::words::{StateCount, state_counts};
use super::{Scene, paint, strip, typing};
use crate::domain::{HoldSnapshot, WatchBackend, WatchState, count};

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
    /// Of git's head the branch alone.
    Branch,
    Short,
    Tiny,
}

/// One part of the header.
struct Part {
    spans: Vec<Span<'static>>,
    /// It tells of failures: the last to go.
    failed: bool,
}

impl Part {
    fn new(text: String, style: Style) -> Self {
        Self { spans: vec![Span::styled(text, style)], failed: false }
    }
}

fn header(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let (glyphs, theme, room) = (scene.glyphs(), scene.theme(), usize::from(area.width));
    let tiny = area.width < 60;
    let gap = if tiny { " ".to_owned() } else { format!(" {} ", glyphs.dot) };
    // A long name gives way before anything else does.
    let before = " devgroup  ";
    let name_cells = width(&scene.snapshot.name).min((room / 3).max(16).saturating_sub(width(before)));
    let title_cells = width(before) + name_cells;
    // Two blanks between both sides and one at the end, where there is more than numbers.
    let blanks = |right: &[Part]| if tiny || right.is_empty() { 2 } else { 3 };
    let taken =
        |left: &[Part], right: &[Part]| title_cells + 3 + cells(left, &gap) + blanks(right) + cells(right, &gap);
    let lengths: &[Length] = if tiny { &[Length::Tiny] } else { &[Length::Wide, Length::Branch, Length::Short] };
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for length in lengths {
        (left, right) = parts(scene, *length);
        if taken(&left, &right) <= room {
            break;
        }
    }
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
    let right_cells = cells(&right, &gap) + 1;
    let title_room = room.saturating_sub(if right.is_empty() { 0 } else { right_cells + 1 });
    // What is left over, it has as well.
    let over = room.saturating_sub(taken(&left, &right));
    let name_cells = (name_cells + over).min(title_room.saturating_sub(width(before)));
    let name = cut_right(&scene.snapshot.name, name_cells, glyphs.ellipsis);
    let mut line = vec![Span::styled(before, theme.structure()), Span::styled(name, theme.strong()), Span::raw("   ")];
    line.extend(join(left, &gap, theme.structure()));
    let until_right = Rect { width: u16::try_from(title_room).unwrap_or(area.width), ..area };
    paint::put_spans(buffer, until_right, area.x, area.y, &line);
    let from = u16::try_from(room.saturating_sub(right_cells)).unwrap_or(0);
    paint::put_spans(buffer, area, area.x.saturating_add(from), area.y, &join(right, &gap, theme.structure()));
}

/// What follows the name, and what stands at the right end.
fn parts(scene: &Scene<'_>, length: Length) -> (Vec<Part>, Vec<Part>) {
    let theme = scene.theme();
    match (&scene.snapshot.stopping, length) {
        (Some(stopping), length) => {
            let (stopped, all) = stopping.progress();
            let count =
                if length == Length::Tiny { format!("{stopped}/{all}") } else { format!("{stopped} of {all} stopped") };
            (vec![Part::new("STOPPING".into(), theme.alert())], vec![Part::new(count, Style::new())])
        }
        (None, Length::Tiny) => {
            (Vec::new(), file_problem(scene, length).into_iter().chain(glyph_counts(scene)).collect())
        }
        (None, length) => {
            let right = file_problem(scene, length).into_iter().chain(watch_words(scene, length));
            (counts(scene), right.chain(page(scene, length)).collect())
        }
    }
}

/// `✗ procgroup.toml not loaded`: what the file says is not what runs. It stays until the file is mended.
fn file_problem(scene: &Scene<'_>, length: Length) -> Option<Part> {
    scene.snapshot.file_problem.as_ref()?;
    let (failed, file) = (scene.glyphs().failed, &scene.snapshot.file);
    let text = match length {
        Length::Wide | Length::Branch => {
            let key = Keymap::get().key_name(Context::Normal, Action::OwnLog, scene.glyphs().set);
            format!("{failed} {file} not loaded {} {key} shows why", scene.glyphs().dot)
        }
        Length::Short => format!("{failed} {file}"),
        Length::Tiny => format!("{failed}file"),
    };
    Some(Part { failed: true, ..Part::new(text, scene.theme().bad()) })
}

fn cells(parts: &[Part], gap: &str) -> usize {
    let text = parts.iter().map(|part| paint::spans_width(&part.spans) + width(gap)).sum::<usize>();
    text.saturating_sub(width(gap))
}

fn join(parts: Vec<Part>, gap: &str, style: Style) -> Vec<Span<'static>> {
    let mut spans = Vec::with_capacity(parts.len() * 3);
    for part in parts {
        if !spans.is_empty() {
            spans.push(Span::styled(gap.to_owned(), style));
        }
        spans.extend(part.spans);
    }
    spans
}

/// `page 127.0.0.1:24817`, where there is room.
fn page(scene: &Scene<'_>, length: Length) -> Option<Part> {
    let address = scene.page.filter(|_| length == Length::Wide)?;
    let host = address.strip_prefix("http://").unwrap_or(address);
    Some(Part::new(format!("page {host}"), scene.theme().structure()))
}

/// `4 running · 1 starting · 1 failed · 1 stopped`.
fn counts(scene: &Scene<'_>) -> Vec<Part> {
    let counts = state_counts(scene.snapshot, scene.glyphs(), scene.theme());
    let part =
        |it: StateCount| Part { failed: it.failed, ..Part::new(format!("{} {}", it.count, it.word), it.word_style) };
    counts.into_iter().map(part).collect()
}

/// `4● 1◐ 1✗ 1○`: the states of one glyph together.
fn glyph_counts(scene: &Scene<'_>) -> Vec<Part> {
    let mut together: Vec<StateCount> = Vec::new();
    for it in state_counts(scene.snapshot, scene.glyphs(), scene.theme()) {
        match together.iter_mut().find(|other| other.glyph == it.glyph) {
            Some(other) => other.count += it.count,
            None => together.push(it),
        }
    }
    let part = |it: StateCount| Part {
        spans: vec![Span::raw(it.count.to_string()), Span::styled(it.glyph, it.style)],
        failed: it.failed,
    };
    together.into_iter().map(part).collect()
}

/// What the watcher does, and git's head. What holds changes back is told by the banner alone.
fn watch_words(scene: &Scene<'_>, length: Length) -> Vec<Part> {
    let (snapshot, theme, glyphs) = (scene.snapshot, scene.theme(), scene.glyphs());
    let watch = &snapshot.watch;
    let watching = || {
        let does = if watch.backend == WatchBackend::Poll { "polling" } else { "watching" };
        let some = snapshot.services.iter().filter(|service| service.watches).count();
        match length {
            _ if !watch.ready => "scanning files".to_owned(),
            Length::Wide | Length::Branch => format!("{does} {}", count(some, "service")),
            Length::Short | Length::Tiny => format!("{does} {some}"),
        }
    };
    let (text, style) = match watch.state {
        WatchState::Watching if watch.problem.is_some() => (format!("{} {}", glyphs.failed, watching()), theme.bad()),
        WatchState::Watching => (watching(), Style::new()),
        WatchState::Paused | WatchState::Held => (String::new(), Style::new()),
        WatchState::Busy => {
            let busy = thousands(u64::try_from(watch.busy).unwrap_or(u64::MAX));
            let changes = if watch.busy == 1 { "change" } else { "changes" };
            (format!("busy: {busy} {changes}"), theme.busy())
        }
        WatchState::Off => ("watching off".to_owned(), theme.structure()),
    };
    let mut words = Vec::new();
    words.extend((!text.is_empty()).then(|| Part::new(text, style)));
    if let Some(head) = &watch.git_head {
        // The branch is enough where there is little room.
        let head = if length == Length::Wide { head } else { head.split('@').next().unwrap_or(head) };
        words.push(Part::new(cut_right(head, 32, glyphs.ellipsis), theme.structure()));
    }
    words
}

/// `‖ WATCHING PAUSED 2m · 14 changes held: api 9, worker 4, css 1`, `‖ HELD by hold: git checkout main 3s · …`. What is held
/// is told here only where the watcher has no line of its own.
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
    let mut line = format!(" {} {title} {since}", glyphs.held);
    if scene.screen.strip.is_none() || watch.held == 0 && !watch.file_held {
        let held = if tiny { strip::held_in_short(scene) } else { strip::held(scene) };
        line.push_str(&format!(" {} {held}", glyphs.dot));
    }
    let room = usize::from(area.width);
    let line = pad(cut_right(&line, room, glyphs.ellipsis), room);
    paint::put_text(buffer, area, area.x, area.y, &line, theme.alert());
}

#[cfg(test)]
mod tests {
    use ratatui::style::Modifier;

    use crate::display::GlyphSet;
    use crate::domain::{Outcome, Phase};
    use crate::tui::fixture::{Bench, paused_shop, running, shop};

    fn first_line(bench: &mut Bench) -> String {
        bench.text().lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn states_are_counted_by_their_words_and_what_starts_is_not_up() {
        let mut shop = shop();
        for (name, phase) in [("migrate", Phase::Finished(Outcome::Done)), ("seed", Phase::Finished(Outcome::NotReady))]
        {
            let mut service = running(name, false, 9);
            service.phase = phase;
            shop.services.push(service);
        }
        let failing = shop.services[2].state();
        let mut bench = Bench::new(shop, 160, 50, GlyphSet::Unicode);
        let line = first_line(&mut bench);
        let counts = format!("3 running · 1 starting · 1 {failing} · 1 failed · 1 done · 1 stopped");
        assert!(line.starts_with(&format!(" devgroup  shop   {counts}  ")), "{line}");
        assert!(line.ends_with("watching 3 services · main@3f2c1e"), "{line}");
        bench.size = (40, 12);
        assert!(first_line(&mut bench).ends_with(" 3● 1◐ 2✗ 1✓ 1○"));
        // A long name is cut only where there is no room for it.
        for (name, shown) in [("a-name", " devgroup  a-name  "), ("a-name-of-a-group", " devgroup  a-name-of…  ")] {
            bench.snapshot.name = name.into();
            let line = first_line(&mut bench);
            assert!(line.starts_with(shown) && line.ends_with(" 3● 1◐ 2✗ 1✓ 1○"), "{line}");
        }
        bench.snapshot.name = "shop".into();
        for columns in 20..160 {
            bench.size = (columns, 20);
            let line = first_line(&mut bench);
            let failures = if columns < 60 { "2✗".to_owned() } else { format!("1 {failing} · 1 failed") };
            assert!(line.contains(&failures), "failures are the last to go, at {columns}: {line}");
        }
    }

    #[test]
    fn an_open_page_is_told_where_there_is_room() {
        let mut bench = Bench::new(shop(), 160, 50, GlyphSet::Unicode);
        assert!(!first_line(&mut bench).contains("page"));
        bench.page = Some("http://127.0.0.1:24817");
        let line = first_line(&mut bench);
        assert!(line.ends_with("watching 3 services · main@3f2c1e · page 127.0.0.1:24817"), "{line}");
        bench.size = (80, 24);
        assert!(!first_line(&mut bench).contains("page"));
    }

    #[test]
    fn a_file_that_was_not_loaded_is_told_for_as_long_as_it_is_broken() {
        for (size, shown) in [
            ((160, 50), "✗ procgroup.toml not loaded · l shows why"),
            ((100, 30), "✗ procgroup.toml"),
            ((80, 24), "✗ procgroup.toml"),
            ((40, 12), "✗file"),
        ] {
            let mut bench = Bench::new(shop(), size.0, size.1, GlyphSet::Unicode);
            assert!(!first_line(&mut bench).contains(shown));
            bench.snapshot.file_problem = Some("procgroup.toml:3:1: no such key".into());
            let line = first_line(&mut bench);
            assert!(line.contains(shown), "at {size:?}: {line}");
            // What was said of it in the footer is gone after a key.
            bench.press("3");
            assert!(first_line(&mut bench).contains(shown));
        }
    }

    #[test]
    fn with_few_states_there_are_whole_words_also_where_it_is_narrow() {
        let mut shop = shop();
        shop.services = vec![running("db", true, 9), running("web", true, 9)];
        shop.services[1].watches = true;
        let mut bench = Bench::new(shop, 80, 24, GlyphSet::Unicode);
        let line = first_line(&mut bench);
        assert!(line.starts_with(" devgroup  shop   2 running  "), "{line}");
        assert!(line.ends_with("  watching 1 service · main@3f2c1e"), "{line}");
        bench.size = (60, 24);
        let line = first_line(&mut bench);
        assert!(line.ends_with("  watching 1 service · main"), "{line}");
        bench.snapshot.services[0].phase = Phase::Finished(Outcome::Done);
        let line = first_line(&mut bench);
        assert!(line.ends_with("  watching 1 · main"), "{line}");
    }

    #[test]
    fn a_pause_is_told_once() {
        for size in [(160, 50), (100, 30), (80, 24), (40, 12)] {
            let mut bench = Bench::new(paused_shop(), size.0, size.1, GlyphSet::Unicode);
            let text = bench.text();
            assert_eq!(text.matches("PAUSED").count(), 1, "{text}");
            assert_eq!(text.matches("14 held").count() + text.matches("14 changes held").count(), 1, "{text}");
            let frame = bench.frame();
            let row = text.lines().position(|line| line.contains("PAUSED")).and_then(|row| u16::try_from(row).ok());
            let end = row.and_then(|row| frame.cell((size.0 - 1, row)).cloned()).unwrap_or_default();
            assert!(
                end.symbol() == " " && end.modifier.contains(Modifier::REVERSED),
                "a plain bar to the end: {end:?}"
            );
        }
    }
}
