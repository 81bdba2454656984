//! The last line: what the keys do here, or a short message; the filter of the services where there is no sidebar.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::super::action::Context;
use super::super::folding;
use super::super::message::Message;
use super::super::text::{cut_left, pad, width};
use super::hints::{at_error, cells_of, fit, hints, stays};
use super::{Scene, paint, pane, typing};

/// Cells that are enough for a message.
const MESSAGE: usize = 48;
/// Hints that stay beside a message.
const FIRST: usize = 3;

/// Draws the footer; where there is none, a message lies over the last line. A message takes the right end, and leaves the
/// hints that are needed most their place.
/// The answer is where the next character of the filter goes, if that is typed here.
pub(super) fn draw(scene: &Scene<'_>, buffer: &mut Buffer) -> Option<Position> {
    if scene.screen.sidebar.is_none() && scene.ui.context(scene.snapshot) == Context::ServiceFilter {
        return filter_line(scene, buffer);
    }
    draw_words(scene, buffer);
    None
}

/// The filter of the services, and what it leaves, in place of the hints.
fn filter_line(scene: &Scene<'_>, buffer: &mut Buffer) -> Option<Position> {
    let (all, theme, glyphs) = (scene.screen.area, scene.theme(), scene.glyphs());
    let filter = scene.ui.service_filter.as_ref()?;
    let area = Rect { y: all.bottom().saturating_sub(1), height: 1.min(all.height), ..all };
    paint::clear(buffer, area);
    let typed = cut_left(&filter.text, usize::from(area.width / 3), glyphs.ellipsis);
    let end = paint::put_text(buffer, area, area.x.saturating_add(1), area.y, &format!("'{typed}"), theme.strong());
    let marked = filter.marked_row(scene.snapshot);
    let mut x = end.saturating_add(2);
    if marked.is_none() {
        paint::put_text(buffer, area, x, area.y, "no such service", theme.structure());
    }
    // The marked one comes first, so that it is in sight.
    for row in filter.found(scene.snapshot).into_iter().skip_while(|row| Some(row) != marked.as_ref()) {
        let is_marked = Some(&row) == marked.as_ref();
        let pointer = if is_marked { glyphs.pointer } else { "" };
        let style = if is_marked { theme.strong() } else { Style::new() };
        let (number, name) = (folding::number(scene.snapshot, row.start), folding::name(scene.snapshot, &row));
        let text = format!("{pointer}{number} {name}");
        x = paint::put_text(buffer, area, x, area.y, &text, style).saturating_add(2);
    }
    Some(Position { x: end, y: area.y }).filter(|position| area.contains(*position))
}

fn draw_words(scene: &Scene<'_>, buffer: &mut Buffer) {
    let all = scene.screen.area;
    if let Some(service) = scene.ui.typist.target() {
        if let Some(area) = scene.screen.footer {
            typing::footer(scene, service, area, buffer);
        }
        return;
    }
    let message = scene.ui.message(scene.snapshot, scene.now);
    let ended = scene.ui.end_of_typing(scene.snapshot);
    // Nothing is a key there but the way out.
    let message = if ended.is_some() { message.or(ended.as_deref().map(Message::from)) } else { message };
    let last = Rect { y: all.bottom().saturating_sub(1), height: 1, ..all };
    let area = match (scene.screen.footer, &message) {
        (Some(area), _) => area,
        (None, Some(_)) => last,
        (None, None) => return,
    };
    let cells = usize::from(area.width);
    let hints = if scene.screen.footer.is_some() && ended.is_none() { hints(scene, cells) } else { Vec::new() };
    let Some(message) = message else {
        draw_hints(scene, area, area.x, &hints, buffer);
        return draw_place(scene, area, &hints, buffer);
    };
    let (kept, room) = beside_message(scene, &hints, cells, &message);
    let text = format!(" {} ", message.fit(room.saturating_sub(2), scene.glyphs().ellipsis));
    // It stands at the right end, and the hints beside it where they always are.
    let left = if room < cells { cells.saturating_sub(width(&text)) } else { 0 };
    let hints = if left > 0 { filled(&fit(kept, left - 1), &hints, left - 1) } else { Vec::new() };
    draw_hints(scene, area, area.x, &hints, buffer);
    let x = area.x.saturating_add(u16::try_from(left).unwrap_or(0));
    paint::put_text(buffer, area, x, area.y, &pad(text, cells - left), scene.theme().alert());
}

/// The hints that stand beside a message, and the cells that this may take. The first hints stay, as many as there is room
/// for, and help and quit.
fn beside_message(scene: &Scene<'_>, hints: &[String], cells: usize, message: &Message) -> (Vec<String>, usize) {
    let kept = |first: usize| -> Vec<String> {
        let kept = hints.iter().enumerate().filter(|(place, item)| *place < first || stays(item));
        kept.map(|(_, item)| item.clone()).collect()
    };
    let room = |kept: &[String]| cells.saturating_sub(cells_of(kept.iter()) + 2);
    if hints.is_empty() {
        return (Vec::new(), cells);
    }
    let with_first = room(&kept(FIRST));
    let wanted = width(&message.to_string()) + 2;
    if wanted <= with_first {
        return (hints.to_vec(), with_first);
    }
    // At an error, the ways on from there keep their words.
    let steps = at_error(scene, hints);
    let with_steps = room(&steps);
    if !steps.is_empty() && (wanted <= with_steps || with_steps >= MESSAGE) {
        return (steps, with_steps);
    }
    let with = |cells| (0..FIRST).rev().map(kept).find(|fewer| room(fewer) >= cells);
    let kept = with(wanted).or_else(|| with(MESSAGE)).unwrap_or_else(|| kept(0));
    let with_kept = room(&kept);
    // Where there is little room, it is for what is said now.
    if wanted <= with_kept || 2 * with_kept > cells { (kept, with_kept) } else { (Vec::new(), cells) }
}

/// These hints, and as many of the others, in their order, as there is room for.
fn filled(kept: &[String], all: &[String], cells: usize) -> Vec<String> {
    let key = |item: &String| item.split(' ').next().unwrap_or_default().to_owned();
    let mut filled = kept.to_vec();
    for (place, item) in all.iter().enumerate().filter(|(_, item)| !kept.iter().any(|it| key(it) == key(item))) {
        let before = |it: &&String| all.iter().position(|one| key(one) == key(it)).is_some_and(|at| at < place);
        let at = filled.iter().take_while(before).count();
        let mut with = filled.clone();
        with.insert(at, item.clone());
        if cells_of(with.iter()) <= cells {
            filled = with;
        }
    }
    filled
}

/// At the right end, where there is room: where the reader of a pane stands that has no title to say it.
fn draw_place(scene: &Scene<'_>, area: Rect, hints: &[String], buffer: &mut Buffer) {
    let untitled =
        scene.screen.panes.first().filter(|pane| !pane.title && scene.ui.context(scene.snapshot) == Context::Normal);
    let Some(text) = untitled.and_then(|_| scene.texts.first()) else { return };
    let taken = 1 + hints.iter().map(|hint| width(hint) + 2).sum::<usize>();
    let places = pane::places(scene, text, true);
    let place = places.iter().find(|place| taken + width(place) < usize::from(area.width));
    if let Some(place) = place.filter(|place| !place.is_empty()) {
        let cells = width(place) + 1;
        let at = area.right().saturating_sub(u16::try_from(cells).unwrap_or(0));
        paint::put_text(buffer, area, at, area.y, place, scene.theme().busy());
    }
}

fn draw_hints(scene: &Scene<'_>, area: Rect, x: u16, hints: &[String], buffer: &mut Buffer) {
    let mut spans = vec![Span::raw(" ")];
    for (place, item) in hints.iter().enumerate() {
        if place > 0 {
            spans.push(Span::raw("  "));
        }
        let (key, rest) = item.split_at(item.find(' ').unwrap_or(item.len()));
        spans.push(Span::styled(key.to_owned(), scene.theme().strong()));
        spans.push(Span::raw(rest.to_owned()));
    }
    paint::put_spans(buffer, area, x, area.y, &spans);
}
