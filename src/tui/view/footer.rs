//! The last line: what the keys do here, or a short message.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::super::action::{Action, Context};
use super::super::keymap::{FooterKind, FooterLength, Keymap};
use super::super::message::Message;
use super::super::text::{pad, width};
use super::{Scene, paint, typing};
use crate::domain::WatchState;

/// Draws the footer; where there is none, a message lies over the last line. A message leaves help and quit their place.
pub(super) fn draw(scene: &Scene<'_>, buffer: &mut Buffer) {
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
    let Some(message) = message else { return draw_hints(scene, area, area.x, &hints, buffer) };
    let staying: Vec<String> = hints.into_iter().filter(|item| stays(item)).collect();
    let needed = staying.iter().map(|item| width(item) + 2).sum::<usize>();
    let room = if cells > 2 * needed { cells - needed } else { cells };
    let text = format!(" {}", message.fit(room.saturating_sub(1), scene.glyphs().ellipsis));
    let x = paint::put_text(buffer, area, area.x, area.y, &pad(text, room), scene.theme().alert());
    if room < cells {
        draw_hints(scene, area, x, &staying, buffer);
    }
}

/// What the keys do here, as far as there is room.
fn hints(scene: &Scene<'_>, cells: usize) -> Vec<String> {
    let paused = scene.snapshot.watch.state == WatchState::Paused;
    let kind = match scene.ui.context(scene.snapshot) {
        Context::Normal if paused => FooterKind::Paused,
        Context::Normal => FooterKind::Normal,
        Context::Zoom | Context::Typing => FooterKind::Zoom,
        Context::Merged => FooterKind::Merged,
        Context::Select => FooterKind::Select,
        Context::Watcher => FooterKind::Watcher,
        Context::WatcherFind => FooterKind::WatcherFind,
        Context::Help => FooterKind::Help,
        Context::Prompt if scene.ui.find.types_filter() => FooterKind::FilterPrompt,
        Context::Prompt => FooterKind::Prompt,
        Context::Details => FooterKind::Details,
        Context::Menu => FooterKind::Menu,
        Context::Palette => FooterKind::Palette,
        Context::Log => FooterKind::Log,
        Context::Stopping => FooterKind::Stopping,
    };
    let length = match cells {
        100.. => FooterLength::Wide,
        60.. => FooterLength::Short,
        _ => FooterLength::Tiny,
    };
    let (keymap, glyphs) = (Keymap::get(), scene.glyphs().set);
    let mut hints = keymap.footer(kind, length, scene.snapshot.watch.held, glyphs);
    if scene.ui.is_guest() {
        // A client goes, and the group stays.
        let hint = |action, word| format!("{} {word}", keymap.key_name(Context::Normal, action, glyphs));
        hints = hints.replace(&hint(Action::Quit, "quit"), &hint(Action::Detach, "detach"));
    }
    fit(&hints, cells)
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

/// Help and quit, or detach, and the way back are the last to go.
fn stays(item: &str) -> bool {
    ["?", "q ", "Q ", "D ", "Esc"].iter().any(|key| item.starts_with(key))
}

/// The items that fit; help and quit stay to the last column, so the others go first, from the end.
fn fit(hints: &str, cells: usize) -> Vec<String> {
    let mut items: Vec<String> = hints.split("  ").filter(|item| !item.is_empty()).map(str::to_owned).collect();
    let needed = |items: &[String]| 1 + items.iter().map(|item| width(item) + 2).sum::<usize>().saturating_sub(2);
    while needed(&items) > cells && items.len() > 1 {
        let place = items.iter().rposition(|item| !stays(item)).unwrap_or(0);
        items.remove(place);
    }
    items
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn help_and_quit_are_the_last_to_go() {
        let hints = "r restart  p pause  W watcher  ? help  q quit";
        assert_eq!(fit(hints, 80).len(), 5);
        assert_eq!(fit(hints, 40), ["r restart", "p pause", "? help", "q quit"]);
        assert_eq!(fit(hints, 16), ["? help", "q quit"]);
        assert_eq!(fit(hints, 8), ["q quit"]);
        assert_eq!(fit(hints, 0), ["q quit"]);
    }
}
