//! The last line: what the keys do here, or a short message.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::super::action::Context;
use super::super::keymap::{FooterKind, FooterLength, Keymap};
use super::super::text::{cut_right, pad, width};
use super::{Scene, paint};
use crate::domain::WatchState;

/// Draws the footer; where there is none, a message lies over the last line.
pub(super) fn draw(scene: &Scene<'_>, buffer: &mut Buffer) {
    let all = scene.screen.area;
    if let Some((message, _)) = scene.ui.message(scene.snapshot, scene.now) {
        let last = Rect { y: all.bottom().saturating_sub(1), height: 1, ..all };
        let area = scene.screen.footer.unwrap_or(last);
        let text = cut_right(&format!(" {message}"), usize::from(area.width), scene.glyphs().ellipsis);
        paint::put(buffer, area, area.x, area.y, &pad(text, usize::from(area.width)), scene.theme().alert());
        return;
    }
    let Some(area) = scene.screen.footer else { return };
    let paused = scene.snapshot.watch.state == WatchState::Paused;
    let kind = match scene.ui.context(scene.snapshot) {
        Context::Normal if paused => FooterKind::Paused,
        Context::Normal => FooterKind::Normal,
        Context::Zoom => FooterKind::Zoom,
        Context::Watcher => FooterKind::Watcher,
        Context::Help => FooterKind::Help,
        Context::Prompt => FooterKind::Prompt,
        Context::Details => FooterKind::Details,
        Context::Menu => FooterKind::Menu,
        Context::Log => FooterKind::Log,
        Context::Stopping => FooterKind::Stopping,
    };
    let length = match area.width {
        100.. => FooterLength::Wide,
        60.. => FooterLength::Short,
        _ => FooterLength::Tiny,
    };
    let hints = Keymap::get().footer(kind, length, scene.snapshot.watch.held, scene.glyphs().set);
    let hints = fit(&hints, usize::from(area.width));
    let mut spans = vec![Span::raw(" ")];
    for (place, item) in hints.iter().enumerate() {
        if place > 0 {
            spans.push(Span::raw("  "));
        }
        let (key, rest) = item.split_at(item.find(' ').unwrap_or(item.len()));
        spans.push(Span::styled(key.to_owned(), scene.theme().strong()));
        spans.push(Span::raw(rest.to_owned()));
    }
    paint::put_spans(buffer, area, area.x, area.y, &spans);
}

/// The items that fit; help and quit stay to the last column, so the others go first, from the end.
fn fit(hints: &str, cells: usize) -> Vec<String> {
    let mut items: Vec<String> = hints.split("  ").filter(|item| !item.is_empty()).map(str::to_owned).collect();
    let needed = |items: &[String]| 1 + items.iter().map(|item| width(item) + 2).sum::<usize>().saturating_sub(2);
    let stays = |item: &str| item.starts_with('?') || item.starts_with("q ") || item.starts_with("Q ");
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
