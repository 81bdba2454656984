//! The last line: what the keys do here, or a short message; the filter of the services where there is no sidebar.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::super::action::{Action, Context};
use super::super::folding;
use super::super::keymap::{FooterKind, FooterLength, Keymap};
use super::super::message::Message;
use super::super::no_instances;
use super::super::panel::Panel;
use super::super::text::{cut_left, pad, width};
use super::{Scene, paint, pane, typing};
use crate::domain::{Kind, Phase, ServiceSnapshot, WatchState};

/// Cells that are enough for a message.
const MESSAGE: usize = 48;

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
    let room = message_room(&hints, cells, &message);
    let text = format!(" {} ", message.fit(room.saturating_sub(2), scene.glyphs().ellipsis));
    // It stands at the right end, and the hints beside it where they always are, as far as there is room.
    let left = if room < cells { cells.saturating_sub(width(&text)) } else { 0 };
    let hints = if left > 0 { fit(&hints.join("  "), left.saturating_sub(1)) } else { Vec::new() };
    draw_hints(scene, area, area.x, &hints, buffer);
    let x = area.x.saturating_add(u16::try_from(left).unwrap_or(0));
    paint::put_text(buffer, area, x, area.y, &pad(text, cells - left), scene.theme().alert());
}

/// Cells that a message may take: it leaves help and quit their place, and what is needed most here as well, if it is short
/// enough, or does not go away by itself.
fn message_room(hints: &[String], cells: usize, message: &Message) -> usize {
    let needed = |kept: &dyn Fn(usize, &str) -> bool| {
        let kept = hints.iter().enumerate().filter(|(place, item)| kept(*place, item));
        1 + kept.map(|(_, item)| width(item) + 2).sum::<usize>()
    };
    let (least, more) = (needed(&|_, item| stays(item)), needed(&|place, item| place == 0 || stays(item)));
    match cells.checked_sub(more) {
        Some(room) if room >= MESSAGE && (message.stays() || width(&message.to_string()) + 2 <= room) => room,
        _ if cells > 2 * least => cells - least,
        _ => cells,
    }
}

/// At the right end, where there is room: where the reader of a pane stands that has no title to say it.
fn draw_place(scene: &Scene<'_>, area: Rect, hints: &[String], buffer: &mut Buffer) {
    let untitled = scene.screen.panes.first().filter(|pane| !pane.title && is_dashboard(scene));
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

/// What the keys do here, as far as there is room.
fn hints(scene: &Scene<'_>, cells: usize) -> Vec<String> {
    let paused = scene.snapshot.watch.state == WatchState::Paused;
    let kind = match scene.ui.context(scene.snapshot) {
        Context::Normal if paused => FooterKind::Paused,
        Context::Normal => of_selected(scene),
        Context::Zoom | Context::Typing => FooterKind::Zoom,
        Context::Merged => FooterKind::Merged,
        Context::Select => FooterKind::Select,
        Context::ServiceFilter => FooterKind::ServiceFilter,
        Context::Watcher => FooterKind::Watcher,
        Context::WatcherFind => FooterKind::WatcherFind,
        Context::Tasks => FooterKind::Tasks,
        Context::TasksFind => FooterKind::TasksFind,
        Context::Task => FooterKind::Task,
        Context::Help => FooterKind::Help,
        Context::Prompt if scene.ui.find.types_filter() => FooterKind::FilterPrompt,
        Context::Prompt => FooterKind::Prompt,
        Context::Details => FooterKind::Details,
        Context::Menu => FooterKind::Menu,
        Context::Palette => FooterKind::Palette,
        Context::Log => match scene.ui.panels.over() {
            Some(Panel::OwnLog(log)) if log.shows_targets() => FooterKind::LogTargets,
            _ => FooterKind::Log,
        },
        Context::Stopping => FooterKind::Stopping,
    };
    let length = match cells {
        100.. => FooterLength::Wide,
        60.. => FooterLength::Short,
        _ => FooterLength::Tiny,
    };
    let (keymap, glyphs) = (Keymap::get(), scene.glyphs().set);
    let is_of_use = |action| match action {
        Action::Pause | Action::Watcher => scene.snapshot.watch.state != WatchState::Off,
        Action::NextError => tells_of_errors(scene) || !is_dashboard(scene),
        // Elsewhere they are for what is in sight as well.
        Action::Copy => has_mark(scene) || !is_dashboard(scene),
        Action::Edit => tells_of_errors(scene) || !is_dashboard(scene),
        // Of opened instances, which it folds. Elsewhere it is the way back.
        Action::Back => !is_dashboard(scene) || is_opened(scene),
        Action::Restart | Action::Start | Action::TypeInto | Action::Details | Action::Zoom => {
            !is_dashboard(scene) || !selected(scene).is_some_and(|it| no_instances::is_one(scene.snapshot, it))
        }
        Action::OpenUrl => selected(scene).is_some_and(|service| service.address().is_some()),
        _ => true,
    };
    let held = scene.snapshot.watch.held + usize::from(scene.snapshot.watch.file_held);
    let mut hints = keymap.footer(kind, length, (held, &is_of_use), glyphs);
    let hint = |action, word| format!("{} {word}", keymap.key_name(Context::Normal, action, glyphs));
    let waits = |service: &ServiceSnapshot| service.scheduled && service.phase.live_run().is_none();
    if kind != FooterKind::Folded && selected(scene).is_some_and(waits) {
        // Its times are what is started and stopped.
        hints = hints.replace(&hint(Action::Restart, "restart"), &hint(Action::Restart, "run now"));
        hints = hints.replace(&hint(Action::Start, "start"), &hint(Action::Start, "resume"));
    }
    if paused {
        hints = hints.replace(&hint(Action::Pause, "pause"), &hint(Action::Pause, "resume"));
    }
    if scene.ui.is_guest() {
        // A client goes, and the group stays.
        hints = hints.replace(&hint(Action::Quit, "quit"), &hint(Action::Detach, "detach"));
    }
    fit(&hints, cells)
}

fn selected<'s>(scene: &Scene<'s>) -> Option<&'s ServiceSnapshot> {
    scene.ui.selected(scene.snapshot).and_then(|index| scene.snapshot.services.get(index))
}

fn is_dashboard(scene: &Scene<'_>) -> bool {
    scene.ui.context(scene.snapshot) == Context::Normal
}

/// The selected service is one of several instances that have a row each.
fn is_opened(scene: &Scene<'_>) -> bool {
    let (snapshot, index) = (scene.snapshot, scene.ui.selected(scene.snapshot));
    index.is_some_and(|at| folding::siblings(snapshot, at).len() > 1 && !scene.ui.folds.is_folded(snapshot, at))
}

/// The reader of the selected log has gone to a line.
fn has_mark(scene: &Scene<'_>) -> bool {
    selected(scene).is_some_and(|service| scene.ui.has_mark(&service.name))
}

/// The selected service has failed, or has errors that nobody has seen, or its reader has gone to one.
fn tells_of_errors(scene: &Scene<'_>) -> bool {
    let has =
        |service: &ServiceSnapshot| service.failure().is_some() || !scene.ui.unseen.text(&service.name).is_empty();
    has_mark(scene) || selected(scene).is_some_and(has)
}

/// What keys do on the dashboard follows the state of the service that they mean.
fn of_selected(scene: &Scene<'_>) -> FooterKind {
    let index = scene.ui.selected(scene.snapshot);
    if index.is_some_and(|index| scene.ui.folds.is_folded(scene.snapshot, index)) {
        return FooterKind::Folded;
    }
    match selected(scene) {
        Some(service) if service.failure().is_some() => FooterKind::Failed,
        Some(service) if service.phase == Phase::Down => FooterKind::Stopped,
        Some(service) if service.kind == Kind::Worker => FooterKind::Worker,
        _ => FooterKind::Normal,
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
