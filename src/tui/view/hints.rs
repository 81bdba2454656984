//! Which keys the footer names here, in the order in which they are worth most.

use super::super::action::{Action, Context};
use super::super::folding;
use super::super::keymap::{FooterKind, FooterLength, Keymap};
use super::super::log_view::{MatchCount, PaneText};
use super::super::no_instances;
use super::super::panel::Panel;
use super::super::text::width;
use super::super::words::unwatched_changes;
use super::Scene;
use crate::domain::{ChangeAction, Kind, Phase, ServiceName, ServiceSnapshot, WatchState, count, some_of};

/// Cells of a paused footer beside what its end does: the two ways out of the pause, help and quit.
const BESIDE: usize = 47;

/// Below this width, in cells, what it does is left out.
const LEAST: usize = 72;

/// Cells of the names of services, however much room there is: the line above has them too.
const MOST_NAMES: usize = 48;

/// What the keys do here, as far as there is room.
pub(super) fn hints(scene: &Scene<'_>, cells: usize) -> Vec<String> {
    let length = match cells {
        100.. => FooterLength::Wide,
        60.. => FooterLength::Short,
        _ => FooterLength::Tiny,
    };
    fit(items(scene, length, cells), cells)
}

fn items(scene: &Scene<'_>, length: FooterLength, cells: usize) -> Vec<String> {
    let (keymap, glyphs) = (Keymap::get(), scene.glyphs().set);
    let kind = kind(scene);
    let resumes = if cells < LEAST { String::new() } else { resumes(scene, cells.saturating_sub(BESIDE)) };
    let hints = keymap.footer(kind, length, (&resumes, &|action| is_of_use(scene, action)), glyphs);
    let mut items: Vec<String> = hints.split("  ").filter(|item| !item.is_empty()).map(str::to_owned).collect();
    let hint_in = |context, action, word: &str| format!("{} {word}", keymap.key_name(context, action, glyphs));
    let hint = |action, word: &str| hint_in(Context::Normal, action, word);
    let mut replace = |from: String, to: String| {
        items.iter_mut().filter(|item| **item == from).for_each(|item| item.clone_from(&to));
    };
    let waits = |service: &ServiceSnapshot| service.scheduled && service.phase.live_run().is_none();
    if kind != FooterKind::Folded && selected(scene).is_some_and(waits) {
        // Its times are what is started and stopped.
        replace(hint(Action::Restart, "restart"), hint(Action::Restart, "run now"));
        replace(hint(Action::Start, "start"), hint(Action::Start, "resume"));
    }
    if scene.snapshot.watch.state == WatchState::Paused {
        replace(hint(Action::Pause, "pause"), hint(Action::Pause, "resume"));
        replace(hint(Action::Pause, "pause watching"), hint(Action::Pause, "resume"));
    }
    if scene.ui.is_guest() {
        // A client goes, and the group stays.
        replace(hint(Action::Quit, "quit"), hint(Action::Detach, "detach"));
    }
    let (is_wide, is_at_error) = (length == FooterLength::Wide, scene.ui.is_at_error(scene.snapshot));
    // Between errors, the key is worth more than the name of the file.
    if is_wide || !is_at_error || steps(scene, hint).is_empty() {
        replace(hint(Action::Edit, "open"), hint(Action::Edit, &format!("open {}", scene.ui.what_opens())));
    }
    if is_wide && is_at_error {
        replace(hint(Action::Copy, "copy"), hint(Action::Copy, &scene.ui.what_is_copied()));
    }
    if scene.ui.panels.watcher().is_some_and(|panel| panel.hide_ignored) {
        let hint = |word| hint_in(Context::Watcher, Action::Ignored, word);
        replace(hint("watched only"), hint("show all"));
    }
    if scene.ui.context(scene.snapshot) == Context::Prompt && scene.ui.find.prompts_for_all() {
        replace(hint_in(Context::Prompt, Action::QueryScope, "all services"), {
            hint_in(Context::Prompt, Action::QueryScope, "this service")
        });
    }
    at_mark(scene, length, &mut items, hint);
    items
}

/// Where the reader has gone to an error, its way on comes first, behind the way back from a zoom; and where that is the
/// dashboard, the way back to the end. Where there is least room, that is left to the title.
fn at_mark(scene: &Scene<'_>, length: FooterLength, items: &mut Vec<String>, hint: impl Fn(Action, &str) -> String) {
    let is_dashboard = scene.ui.context(scene.snapshot) == Context::Normal;
    let is_tiny = length == FooterLength::Tiny;
    if leaves_filter(scene) {
        // The way back leads there first.
        let back = format!("{} ", hint(Action::Back, "").trim_end());
        items.retain(|item| !item.starts_with(&back));
        items.insert(0, hint(Action::Back, if is_tiny { "unfilter" } else { "clear filter" }));
        return;
    }
    if is_tiny && is_dashboard && scene.ui.is_at_error(scene.snapshot) {
        *items = tiny_at_error(scene, items, &hint);
        return;
    }
    let follows = is_dashboard && !is_tiny && leads_to_end(scene, length);
    if follows {
        items.retain(|item| *item != hint(Action::Back, "collapse"));
    }
    let back = follows.then(|| hint(Action::Back, "follow"));
    let is_at_error = scene.ui.is_at_error(scene.snapshot) && items.contains(&hint(Action::NextError, "error"));
    let steps = if is_at_error { steps(scene, &hint) } else { Vec::new() };
    if is_at_error {
        items.retain(|item| *item != hint(Action::NextError, "error"));
    }
    let place = match is_at_error {
        true => items.iter().take_while(|item| item.starts_with("Esc")).count(),
        false => items.len().min(1),
    };
    let all = steps.into_iter().chain(back).filter(|item| !item.starts_with(' '));
    items.splice(place..place, all);
}

/// Where there is least room, at an error: its copy, the way to the one before, the way back, and what always stays. The
/// rest is for which error it is.
fn tiny_at_error(scene: &Scene<'_>, items: &[String], hint: impl Fn(Action, &str) -> String) -> Vec<String> {
    let previous = steps(scene, &hint).pop().map(|step| step.replace("previous", "prev"));
    let key = |item: &String| item.split(' ').next().unwrap_or_default().to_owned();
    let stay = items.iter().filter(|item| stays(item)).map(key);
    let back = key(&hint(Action::Back, "follow"));
    let all = [hint(Action::Copy, "copy")].into_iter().chain(previous).chain([back]).chain(stay);
    all.filter(|item| !item.is_empty() && !item.starts_with(' ')).collect()
}

/// Where `e` and `E` lead from an error, if there is another one: at the ends, round to the other end.
fn steps(scene: &Scene<'_>, hint: impl Fn(Action, &str) -> String) -> Vec<String> {
    let count = text_of_selected(scene).and_then(|text| text.error_count);
    let (place, last) = count.and_then(|count| Some((count.place?, count.count))).unwrap_or_default();
    let next = if place > 0 && place == last { "oldest" } else { "next" };
    let previous = if place == 1 { "newest" } else { "previous" };
    match last {
        1 => Vec::new(),
        _ => vec![hint(Action::NextError, next), hint(Action::PreviousError, previous)],
    }
}

/// What is worth most beside a long message where the reader has gone to an error: the ways on from there, and its copy.
pub(super) fn at_error(scene: &Scene<'_>, hints: &[String]) -> Vec<String> {
    if !scene.ui.is_at_error(scene.snapshot) {
        return Vec::new();
    }
    let (keymap, glyphs) = (Keymap::get(), scene.glyphs().set);
    let keys = [Action::NextError, Action::PreviousError, Action::Copy];
    let keys = keys.map(|action| format!("{} ", keymap.key_name(Context::Normal, action, glyphs)));
    let steps = hints.iter().filter(|item| keys.iter().any(|key| item.starts_with(key)));
    // How much is copied, the message itself says.
    steps.map(|item| item.split(" error (").next().unwrap_or(item).to_owned()).collect()
}

fn kind(scene: &Scene<'_>) -> FooterKind {
    let context = scene.ui.context(scene.snapshot);
    match context {
        Context::Normal | Context::Zoom | Context::Merged if scene.ui.find.is_searching() => FooterKind::Found,
        Context::Normal if scene.snapshot.watch.state == WatchState::Paused => FooterKind::Paused,
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
    }
}

fn is_of_use(scene: &Scene<'_>, action: Action) -> bool {
    let context = scene.ui.context(scene.snapshot);
    let is_dashboard = context == Context::Normal;
    let holds = scene.snapshot.watch.held > 0 || scene.snapshot.watch.file_held;
    let shows_changes = || holds || unwatched_changes(scene.snapshot, scene.glyphs()).is_some();
    match action {
        Action::Discard => holds,
        // During a pause, it shows what has changed meanwhile.
        Action::Watcher if is_dashboard && scene.snapshot.watch.state == WatchState::Paused => shows_changes(),
        // In a zoom, the log is what one looks at.
        Action::Pause if kind(scene) == FooterKind::Zoom => scene.snapshot.watch.state == WatchState::Paused,
        Action::Pause | Action::Watcher => scene.snapshot.watch.state != WatchState::Off,
        // Of no match there is no next one.
        Action::NextHit | Action::PreviousHit => !finds_nothing(scene),
        Action::NextError => has_errors(scene) || !is_dashboard,
        // Elsewhere they are for what is in sight as well.
        Action::Copy => has_mark(scene) || !is_dashboard,
        Action::Edit if kind(scene) == FooterKind::Zoom => has_mark(scene),
        Action::Edit => has_mark(scene) || asks_for_attention(scene) || !is_dashboard,
        // Of opened instances, which it folds. Elsewhere, with a search, and at an error it is the way back.
        Action::Back => !is_dashboard || scene.ui.find.is_searching() || is_opened(scene),
        Action::Zoom if matches!(context, Context::Zoom | Context::Merged) => false,
        Action::OpenLine => context == Context::Merged,
        // Elsewhere its key leads back.
        Action::Quit => is_dashboard,
        Action::TypeInto if selected(scene).is_none_or(|it| it.phase.live_run().is_none()) => false,
        // One that has failed may start again by itself; a job that is done does not.
        Action::Stop => {
            let has_failed = |it: &ServiceSnapshot| it.wanted && it.failure().is_some();
            selected(scene).is_some_and(|it| it.phase.live_run().is_some() || has_failed(it))
        }
        Action::Restart | Action::Start | Action::TypeInto | Action::Details | Action::Zoom => {
            !is_dashboard || !selected(scene).is_some_and(|it| no_instances::is_one(scene.snapshot, it))
        }
        Action::OpenUrl => selected(scene).is_some_and(|service| service.may_answer() && service.address().is_some()),
        _ => true,
    }
}

/// A search was kept, and the lines that keys mean hold no match.
fn finds_nothing(scene: &Scene<'_>) -> bool {
    let count = text_of_selected(scene).and_then(|text| text.match_count);
    scene.ui.find.prompt.is_none() && !scene.ui.find.searches_all() && count.is_some_and(MatchCount::is_none)
}

/// The lines that keys mean are filtered, and nothing else is to be left before that.
fn leaves_filter(scene: &Scene<'_>) -> bool {
    let context = scene.ui.context(scene.snapshot);
    let is_there = matches!(context, Context::Normal | Context::Zoom | Context::Merged);
    let source = scene.ui.source(scene.snapshot).filter(|_| is_there && !scene.ui.find.is_searching());
    source.is_some_and(|source| scene.ui.find.has_filter(&source))
}

/// What the end of a pause does: ` (may restart api, web)`. What differs is found out then, so that fewer may.
fn resumes(scene: &Scene<'_>, room: usize) -> String {
    let snapshot = scene.snapshot;
    let held: Vec<&ServiceSnapshot> = snapshot.services.iter().filter(|service| service.held > 0).collect();
    let restarts = |service: &&ServiceSnapshot| {
        matches!(service.next_action, ChangeAction::Start | ChangeAction::Restart | ChangeAction::Validation)
    };
    let verb = if held.iter().all(restarts) { "may restart" } else { "applies changes to" };
    let mut names: Vec<ServiceName> = held.iter().map(|service| whole_name(service)).collect();
    names.dedup();
    let file = snapshot.watch.file_held.then(|| format!("reads {}", snapshot.file));
    let whole = some_of(&names, usize::from(u16::MAX));
    let of_names = room.saturating_sub(width(verb) + 1).min(MOST_NAMES);
    let whose = match width(&whole) <= of_names {
        true => whole,
        false if of_names < MOST_NAMES => count(names.len(), "service"),
        false => some_of(&names, of_names),
    };
    let services = (!names.is_empty()).then(|| format!("{verb} {whose}"));
    let all: Vec<String> = file.into_iter().chain(services).collect();
    let (first, whole) = (all.first().cloned().unwrap_or_default(), all.join(", "));
    // The ways out of the pause are worth more than the second thing that it does.
    let said = if width(&whole) <= room { whole } else { first };
    if said.is_empty() { said } else { format!(" ({said})") }
}

/// The name that stands for all instances.
pub(super) fn whole_name(service: &ServiceSnapshot) -> ServiceName {
    service.instance.as_ref().map_or_else(|| service.name.clone(), |instance| instance.of.clone())
}

fn selected<'s>(scene: &Scene<'s>) -> Option<&'s ServiceSnapshot> {
    scene.ui.selected(scene.snapshot).and_then(|index| scene.snapshot.services.get(index))
}

/// The selected service is one of several instances that have a row each.
fn is_opened(scene: &Scene<'_>) -> bool {
    let (snapshot, index) = (scene.snapshot, scene.ui.selected(scene.snapshot));
    index.is_some_and(|at| folding::siblings(snapshot, at).len() > 1 && !scene.ui.folds.is_folded(snapshot, at))
}

/// The way back leads from where the reader is to the end of the log. Where there is little room, the title tells of that
/// after a scroll.
fn leads_to_end(scene: &Scene<'_>, length: FooterLength) -> bool {
    let has_scrolled = || text_of_selected(scene).is_some_and(|text| !text.follow);
    let is_away = has_mark(scene) || length == FooterLength::Wide && has_scrolled();
    is_away && !scene.ui.find.is_searching()
}

/// The reader of the selected log has gone to a line.
fn has_mark(scene: &Scene<'_>) -> bool {
    selected(scene).is_some_and(|service| scene.ui.has_mark(&service.name))
}

/// The selected service has failed, or has errors that nobody has seen.
fn asks_for_attention(scene: &Scene<'_>) -> bool {
    let has =
        |service: &ServiceSnapshot| service.failure().is_some() || !scene.ui.unseen.text(&service.name).is_empty();
    selected(scene).is_some_and(has)
}

/// What is shown of the lines that keys mean.
fn text_of_selected<'s>(scene: &Scene<'s>) -> Option<&'s PaneText> {
    let index = scene.ui.selected(scene.snapshot);
    let place = match scene.screen.merged {
        Some(_) => Some(0),
        None => scene.screen.panes.iter().position(|pane| Some(pane.service) == index),
    };
    place.and_then(|place| scene.texts.get(place)).copied()
}

/// There is an error in the selected log, in sight or not, or its service has failed.
fn has_errors(scene: &Scene<'_>) -> bool {
    let in_sight = text_of_selected(scene).is_some_and(|text| text.shows_error());
    let is_known = selected(scene).is_some_and(|service| scene.ui.known_errors.has_any(&service.name));
    in_sight || is_known || asks_for_attention(scene)
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

/// Help and quit, or detach, and the way back are the last to go.
pub(super) fn stays(item: &str) -> bool {
    ["?", "q ", "Q ", "D ", "Esc"].iter().any(|key| item.starts_with(key))
}

/// Cells of so many items, with a blank before and two between them.
pub(super) fn cells_of<'i>(items: impl Iterator<Item = &'i String>) -> usize {
    1 + items.map(|item| width(item) + 2).sum::<usize>().saturating_sub(2)
}

/// The pause is needed at once, before a checkout: these go before it, although they stand before it as well.
fn goes_before_pause(item: &str) -> bool {
    item.ends_with(" type") || item.ends_with(" zoom")
}

/// The items that fit; help and quit stay to the last column, so the others go first, from the end.
pub(super) fn fit(mut items: Vec<String>, cells: usize) -> Vec<String> {
    while cells_of(items.iter()) > cells && items.len() > 1 {
        let last = items.iter().rposition(|item| !stays(item)).unwrap_or(0);
        let is_pause = items.get(last).is_some_and(|item| item.contains(" pause"));
        let earlier = items.iter().take(last).rposition(|item| goes_before_pause(item));
        let place = earlier.filter(|_| is_pause).unwrap_or(last);
        items.remove(place);
    }
    items
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn help_and_quit_are_the_last_to_go() {
        let fit =
            |cells| fit("r restart  p pause  W watcher  ? help  q quit".split("  ").map(String::from).collect(), cells);
        assert_eq!(fit(80).len(), 5);
        assert_eq!(fit(40), ["r restart", "p pause", "? help", "q quit"]);
        assert_eq!(fit(16), ["? help", "q quit"]);
        assert_eq!(fit(8), ["q quit"]);
        assert_eq!(fit(0), ["q quit"]);
    }

    #[test]
    fn the_pause_stays_longer_than_what_can_wait() {
        let all = "r restart  / search  ⏎ zoom  i type  p pause  W watcher  ? help";
        let fit = |cells| fit(all.split("  ").map(String::from).collect(), cells).join("  ");
        assert_eq!(fit(54), "r restart  / search  ⏎ zoom  i type  p pause  ? help");
        assert_eq!(fit(50), "r restart  / search  ⏎ zoom  p pause  ? help");
        assert_eq!(fit(40), "r restart  / search  p pause  ? help");
        assert_eq!(fit(30), "r restart  / search  ? help");
    }
}
