//! The log of one service.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::super::action::{Action, Context};
use super::super::folding;
use super::super::keymap::Keymap;
use super::super::layout::Pane;
use super::super::log_view::PaneText;
use super::super::no_instances;
use super::super::selection::Selection;
use super::super::source::Source;
use super::super::text::{floor, thousands, width};
use super::super::words::{counts, state_look};
use super::super::worker_words;
use super::Scene;
use super::paint::{self, Titles};
use super::sidebar::time_of_next_run;
use crate::domain::{ServiceName, ServiceSnapshot, Timer, WorkerSnapshot, visible};
use crate::logs::Level;

/// Draws a pane. The answer is where the cursor of its full-screen program is, or the last line of a zoomed log.
pub(super) fn draw(scene: &Scene<'_>, pane: &Pane, text: Option<&PaneText>, buffer: &mut Buffer) -> Option<Position> {
    let service = scene.snapshot.services.get(pane.service)?;
    let (glyphs, theme) = (scene.glyphs(), scene.theme());
    let focused = scene.ui.selected(scene.snapshot) == Some(pane.service) && scene.screen.watcher.is_none();
    let typed = scene.ui.typist.target() == Some(&service.name);
    let look = state_look(service, glyphs, theme);
    let line = match service.failure() {
        _ if focused => theme.accent(),
        Some(_) => theme.bad_glyph().remove_modifier(Modifier::BOLD),
        None => theme.structure(),
    };
    let name_style = if focused { line.patch(theme.strong()) } else { line };
    let mut left = vec![
        Span::styled(format!("{} {} ", folding::number(scene.snapshot, pane.service), service.name), name_style),
        Span::styled(look.glyph, look.style),
        Span::raw(" "),
        Span::styled(look.text(glyphs), if focused { look.focused_word_style } else { look.word_style }),
    ];
    let none = no_instances::is_one(scene.snapshot, service);
    if none {
        // It is in no state.
        left.truncate(1);
    }
    let state = left.get(..3).map_or(0, |state| paint::spans_width(state) + width(look.word));
    let tasks = service.working().map(|worker| worker_words::parts(worker, scene.now));
    let tasks = tasks.or_else(|| service.resting().map(WorkerSnapshot::counts)).unwrap_or_default();
    left.extend(tasks.iter().map(|part| Span::raw(format!(" {} {part}", glyphs.dot))));
    if let Some((at, timer)) = service.next_timer() {
        let seconds = at.since(scene.now).as_millis().div_ceil(1000);
        let what = match timer {
            Timer::Try => "retry in".to_owned(),
            Timer::Change => format!("{} in", service.next_action),
        };
        left.push(Span::raw(format!(" {} {what} {seconds}s", glyphs.dot)));
    }
    if let Some(time) = time_of_next_run(service) {
        left.push(Span::raw(format!(" {} next run {time}", glyphs.dot)));
    }
    if scene.ui.panes.zoom && !scene.screen.compact && !typed {
        left.extend(past(scene, service));
    }
    let source = Source::Service(service.name.clone());
    let mut right = match typed {
        true => vec![Span::styled(" TYPING ", theme.alert())],
        false => not_normal(scene, (pane, state), (&source, focused), text),
    };
    // Of both, when it is tried again is worth more.
    let failed = service.failed_run.filter(|_| right.is_empty()).map(|run| run.to_string());
    let room = usize::from(pane.area.width).saturating_sub(paint::spans_width(&left) + 5);
    right.extend(failed.filter(|failed| width(failed) <= room).map(|failed| Span::styled(failed, theme.bad())));
    if right.is_empty() {
        let address = service.address();
        let port = address.as_deref().and_then(port);
        right.extend(port.map(|port| Span::styled(format!(":{port}"), theme.structure())));
    }
    let title = Title { source: &source, focused, typed, line, left, right };
    let cursor = body(scene, pane, text, title, buffer);
    if none {
        let inner = pane.inner();
        for (y, said) in (inner.top()..inner.bottom()).zip(no_instances::told(&service.name, glyphs)) {
            paint::put_text(buffer, inner, inner.x, y, &said, Style::new());
        }
    }
    cursor
}

/// What a zoomed pane says of its service besides: how often it was restarted, and for which file last.
fn past(scene: &Scene<'_>, service: &ServiceSnapshot) -> Vec<Span<'static>> {
    let dot = scene.glyphs().dot;
    let counts = Some(counts(service, scene.glyphs())).filter(|counts| !counts.is_empty());
    let change = service
        .last_change
        .as_ref()
        .map(|change| format!("last: {} {} ago", visible(&change.path), scene.age(change.at)));
    counts.into_iter().chain(change).map(|said| Span::raw(format!(" {dot} {said}"))).collect()
}

/// The port of an address that people open: `8101` of `http://localhost:8101/docs`.
fn port(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let (_, port) = host.rsplit_once(':')?;
    (!port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())).then_some(port)
}

/// Draws the merged view. The answer is where its last line is.
pub(super) fn draw_merged(
    scene: &Scene<'_>,
    pane: &Pane,
    text: Option<&PaneText>,
    buffer: &mut Buffer,
) -> Option<Position> {
    let (glyphs, theme) = (scene.glyphs(), scene.theme());
    let services = &scene.snapshot.services;
    let hidden = services.iter().map(|service| &service.name).filter(|name| !scene.ui.is_merged(name));
    let hidden: Vec<_> = hidden.map(ToString::to_string).collect();
    let mut left = vec![Span::styled("all logs", theme.accent().patch(theme.strong()))];
    if !hidden.is_empty() {
        left.push(Span::styled(format!(" {} without {}", glyphs.dot, hidden.join(", ")), theme.busy()));
    }
    let state = paint::spans_width(&left);
    let right = not_normal(scene, (pane, state), (&Source::Merged, true), text);
    let line = theme.accent();
    body(scene, pane, text, Title { source: &Source::Merged, focused: true, typed: false, line, left, right }, buffer)
}

/// What a title says of the lines below it: what of them is shown, and where the reader stands. The state on its left, of
/// so many cells, is worth more.
fn not_normal(
    scene: &Scene<'_>,
    (pane, state): (&Pane, usize),
    (source, focused): (&Source, bool),
    text: Option<&PaneText>,
) -> Vec<Span<'static>> {
    let Some(text) = text else { return Vec::new() };
    let room = usize::from(pane.area.width).saturating_sub(state + AROUND);
    let mut said = places(scene, text, focused).into_iter().map(|place| {
        let cells = room.saturating_sub(if place.is_empty() { 0 } else { width(&place) + 2 });
        let filter = scene.ui.find.filter_title(source, text.share, (cells, scene.glyphs())).unwrap_or_default();
        let gap = if filter.is_empty() || place.is_empty() { "" } else { "  " };
        format!("{filter}{gap}{place}")
    });
    let said = said.find(|said| width(said) <= room).unwrap_or_default();
    if said.is_empty() { Vec::new() } else { vec![Span::styled(said, scene.theme().busy())] }
}

/// Where the reader stands, unless that is the end: `error 6 of 9 · ▼ 3 new lines · G follows`. Keys are named where they
/// act: in the pane with the focus. What follows says less, in fewer cells; the last says nothing.
pub(super) fn places(scene: &Scene<'_>, text: &PaneText, focused: bool) -> Vec<String> {
    let (glyphs, compact) = (scene.glyphs(), scene.screen.compact);
    if text.follow && text.cleared {
        // Nothing else says why an empty pane is empty.
        let key = Keymap::get().key_name(Context::Normal, Action::Top, glyphs.set);
        let cleared = format!("cleared {} {key} shows all", glyphs.dot);
        return if focused {
            vec![cleared, "cleared".to_owned(), String::new()]
        } else {
            vec!["cleared".to_owned(), String::new()]
        };
    }
    if text.follow {
        return vec![String::new()];
    }
    let count = text.error_count.filter(|_| focused);
    let error = count.map(|count| format!("error {}", count.text(compact, glyphs)));
    let new_lines = |unit: &str| format!("{} {} {unit}", glyphs.new_lines, thousands(text.new));
    let new = match (text.new, compact) {
        (0, _) => None,
        (_, true) => Some(new_lines("new")),
        (1, false) => Some(new_lines("new line")),
        (_, false) => Some(new_lines("new lines")),
    };
    let short_new = new.as_ref().map(|_| new_lines("new"));
    let scrolled = (new.is_none() && error.is_none()).then(|| "scrolled".to_owned());
    let whole_key = focused.then(|| "G follows".to_owned());
    let key = if compact { focused.then(|| "G".to_owned()) } else { whole_key.clone() };
    let joined = |parts: [&Option<String>; 4]| {
        let said: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        said.join(&format!(" {} ", glyphs.dot))
    };
    vec![
        joined([&error, &new, &scrolled, &whole_key]),
        joined([&error, &new, &None, &whole_key]),
        joined([&error, &new, &scrolled, &key]),
        joined([&error, &short_new, &scrolled, &key]),
        joined([&error, &None, &scrolled, &key]),
        match compact {
            true => joined([&error, &None, &None, &None]),
            false => joined([&None, &None, &None, &key]),
        },
        String::new(),
    ]
}

/// Cells of a title beside what stands at its ends: lines and blanks.
const AROUND: usize = 7;

/// What stands above a pane, and what the pane is.
struct Title<'a> {
    source: &'a Source,
    focused: bool,
    typed: bool,
    /// Of the line.
    line: Style,
    left: Vec<Span<'a>>,
    right: Vec<Span<'a>>,
}

/// The title and what is below it. The answer is where the cursor is, or the last line of a pane that is alone.
fn body(
    scene: &Scene<'_>,
    pane: &Pane,
    text: Option<&PaneText>,
    title: Title<'_>,
    buffer: &mut Buffer,
) -> Option<Position> {
    let Title { source, focused, typed, line, left, right } = title;
    let found = find_titles(scene, pane, source, focused && !typed, text);
    let prompt =
        found.as_ref().filter(|_| focused && !typed).and_then(|found| prompt_place(scene, pane, source, found));
    if pane.title {
        title_line(scene, (pane.area, line, focused), left, right, buffer);
    }
    found_line(scene, pane, found, buffer);
    let inner = pane.inner();
    let Some(text) = text else { return prompt };
    for (row, line) in (0..inner.height).zip(&text.rows) {
        paint::put_line(buffer, inner, row, line);
    }
    let selection = scene.ui.selection.as_ref();
    match selection.filter(|selection| selection.source == *source && selection.rows == text.rows_of_screen) {
        Some(selection) => show_selected(selection, text, inner, buffer),
        None => show_current(pane, text, buffer),
    }
    gutter(scene, pane, text, buffer);
    let cursor = text.cursor.map(|cursor| Position { x: inner.x + cursor.x, y: inner.y + cursor.y });
    let last_row = text.rows.len().min(usize::from(inner.height)).saturating_sub(1);
    let alone = scene.ui.panes.zoom || source.is_merged();
    let line = match focused_row(selection.filter(|selection| selection.source == *source), text) {
        _ if typed => None,
        None => (alone && cursor.is_none()).then_some(last_row),
        row => row,
    };
    let line = line.and_then(|row| Some(Position { x: inner.x, y: inner.y.checked_add(u16::try_from(row).ok()?)? }));
    prompt.or(line.or(cursor).filter(|position| inner.contains(*position)))
}

/// The row that keys mean: the end of what they select, or the line that was gone to.
fn focused_row(selection: Option<&Selection>, text: &PaneText) -> Option<usize> {
    match selection.filter(|selection| selection.by_keys) {
        Some(selection) => text.places.iter().position(|place| place.line == selection.head.0.line),
        None => text.gutter.iter().position(|mark| mark.current),
    }
}

/// Where the next character of what is searched for, or filtered by, goes to.
fn prompt_place(scene: &Scene<'_>, pane: &Pane, source: &Source, (_, right): &Found<'_>) -> Option<Position> {
    let row = found_row(pane);
    let cells = paint::left_room(row, right);
    let before = scene.ui.find.prompt_cells(source, (cells, scene.glyphs()))?;
    let x = u16::try_from(2 + before.min(cells.checked_sub(1)?)).ok()?;
    Some(Position { x: row.x.checked_add(x)?, y: row.y }).filter(|position| row.contains(*position))
}

/// Inverts what is selected.
fn show_selected(selection: &Selection, text: &PaneText, inner: Rect, buffer: &mut Buffer) {
    for (index, y) in (inner.top()..inner.bottom()).enumerate() {
        let Some((place, row)) = text.text_of_row(index) else { return };
        let (start, end) = (place.bytes.start, place.bytes.end);
        // What is cut off, or folded, is selected by what stands for it.
        let first = if place.cut.0 > 0 || place.folded { 0 } else { start };
        let last = if place.cut.1 > 0 || place.folded { usize::MAX } else { end };
        let Some((from, to)) = selection.part_of(place.line, first, last) else { continue };
        let edge = |selected, cells| if selected { u16::try_from(cells).unwrap_or(0) } else { 0 };
        let cells = |byte: usize| {
            let before = row.get(..floor(&row, byte - place.bytes.start)).unwrap_or_default();
            inner.x.saturating_add(u16::try_from(place.before + width(before)).unwrap_or(u16::MAX))
        };
        let is_some = from < to;
        let begin = cells(from.clamp(start, end)) - edge(is_some && from < start, place.cut.0);
        // An empty line is selected too, and that is to be seen.
        let behind = if place.bytes.is_empty() { 1 } else { edge(is_some && to > end, place.cut.1) };
        let end = cells(to.clamp(start, end)).saturating_add(behind).min(inner.right());
        invert(Rect { x: begin, y, width: end.saturating_sub(begin), height: 1 }, buffer);
    }
}

/// On the left what is searched for and filtered, on the right what was found of it.
type Found<'a> = (Vec<Span<'a>>, Vec<Span<'a>>);

fn find_titles<'a>(
    scene: &Scene<'_>,
    pane: &Pane,
    source: &Source,
    focused: bool,
    text: Option<&PaneText>,
) -> Option<Found<'a>> {
    let (glyphs, theme) = (scene.glyphs(), scene.theme());
    let right = match (scene.ui.find.error(), text.and_then(|text| text.match_count)) {
        (Some(error), _) if focused => vec![Span::styled(error.to_owned(), theme.bad())],
        (_, Some(match_count)) if focused => {
            let match_count =
                source.service().map_or(match_count, |service| scene.ui.find.match_count(service, match_count));
            // The lines of all services have their names before them.
            let whose = source.service().filter(|_| scene.ui.find.searches_all() && match_count.place.is_some());
            let whose = whose.map_or_else(String::new, |name| format!("{name} {} ", glyphs.dot));
            let hidden =
                text.is_some_and(|text| text.hides_match).then(|| format!(" {} J shows the match", glyphs.dot));
            let said = match_count.text(scene.screen.compact, glyphs) + hidden.as_deref().unwrap_or_default();
            let without = source.service().filter(|_| match_count.is_none() && !scene.ui.find.searches_all());
            let room = usize::from(found_row(pane).width);
            vec![Span::raw(without.map_or(whose + &said, |name| no_match(scene, name, room)))]
        }
        _ => Vec::new(),
    };
    let cells = paint::left_room(found_row(pane), &right);
    let line = scene.ui.find.line(
        source,
        focused,
        text.and_then(|text| text.share).filter(|_| !pane.title),
        (cells, glyphs),
    )?;
    Some((vec![Span::styled(line, theme.strong())], right))
}

/// `no match in web · Shift-Tab: 82 in all services`: nothing was found where it was looked for. Once the search is kept, the
/// way there begins with the key that opens it.
fn no_match(scene: &Scene<'_>, service: &ServiceName, room: usize) -> String {
    let (dot, set) = (scene.glyphs().dot, scene.glyphs().set);
    let filtered = scene.ui.find.has_filter(&Source::Service(service.clone()));
    let here = format!("no match in {}{service}", if filtered { "the filtered lines of " } else { "" });
    let key = |context, action| Keymap::get().key_name(context, action, set);
    let open = if scene.ui.find.prompt.is_some() { String::new() } else { key(Context::Normal, Action::Search) + " " };
    let scope = key(Context::Prompt, Action::QueryScope);
    let none = || "no match".to_owned();
    let said = match scene.ui.find.beyond {
        Some(all @ 1..) if !scope.is_empty() => {
            let way = format!("{open}{scope}: {}", thousands(all));
            let whole = format!("{here} {dot} {way} in all services");
            let short = if filtered { here } else { format!("no match {dot} {way} in all") };
            vec![whole, short, none()]
        }
        Some(0) if !filtered => vec!["no match in any service".to_owned(), none()],
        _ => vec![here, none()],
    };
    // What is typed needs some of the row.
    said.into_iter().find(|said| width(said) <= room * 2 / 3).unwrap_or_else(none)
}

/// The same in the row that is left free for it.
fn found_line(scene: &Scene<'_>, pane: &Pane, found: Option<Found<'_>>, buffer: &mut Buffer) {
    let Some((left, right)) = found else { return };
    let titles = Titles { left, right, ..Titles::default() };
    paint::title_row(buffer, found_row(pane), scene.glyphs(), &titles);
}

/// The last row of a pane: it is left free for what is searched for.
fn found_row(pane: &Pane) -> Rect {
    let Rect { width, height, .. } = pane.area;
    let y = pane.area.bottom().saturating_sub(1);
    Rect { y, width: width.saturating_sub(1), height: height.min(1), ..pane.area }
}

/// Before each row: how bad its line is, and whether a search has found it. Who has given the mouse to the terminal, and
/// the whole screen to a log, selects text with it: the marks would be in each copy.
fn gutter(scene: &Scene<'_>, pane: &Pane, text: &PaneText, buffer: &mut Buffer) {
    if scene.ui.panes.zoom && !scene.ui.mouse {
        return;
    }
    let (glyphs, theme, area) = (scene.glyphs(), scene.theme(), pane.gutter());
    for (y, mark) in (area.top()..area.bottom()).zip(&text.gutter) {
        let (letter, style) = match mark.level {
            Some(Level::Fatal | Level::Error) if mark.goes_on => (glyphs.trace, theme.bad_glyph()),
            Some(Level::Fatal | Level::Error) => (glyphs.error, theme.bad_glyph()),
            Some(Level::Warn) if !mark.goes_on => (glyphs.warning, theme.busy_glyph()),
            _ if mark.hit || mark.current => (glyphs.hit, Style::new()),
            _ => ("", Style::new()),
        };
        paint::put_text(buffer, area, area.x, y, letter, style);
    }
}

/// The line that was gone to stands out as a whole.
fn show_current(pane: &Pane, text: &PaneText, buffer: &mut Buffer) {
    let inner = pane.inner();
    for (y, _) in (inner.top()..inner.bottom()).zip(&text.gutter).filter(|(_, mark)| mark.current) {
        invert(Rect { y, height: 1, ..inner }, buffer);
    }
}

/// Inverts cells. What is inverted in them already is as it would be without both.
fn invert(area: Rect, buffer: &mut Buffer) {
    for position in area.intersection(buffer.area).positions() {
        if let Some(cell) = buffer.cell_mut(position) {
            cell.modifier.toggle(Modifier::REVERSED);
        }
    }
}

/// The title of a pane in a line across it. Without colours, a thick one has the focus. A small zoomed pane has no line:
/// every cell counts.
fn title_line(
    scene: &Scene<'_>,
    (area, style, focused): (Rect, Style, bool),
    left: Vec<Span<'_>>,
    right: Vec<Span<'_>>,
    buffer: &mut Buffer,
) {
    let (glyphs, theme) = (scene.glyphs(), scene.theme());
    let row = Rect { height: 1.min(area.height), ..area };
    if scene.screen.compact {
        // From the first cell to the last.
        let right_cells = u16::try_from(paint::spans_width(&right) + 1).unwrap_or(0);
        let at = row.right().saturating_sub(right_cells);
        let room = usize::from(at.saturating_sub(row.x)).saturating_sub(2);
        paint::put_cut(buffer, row, row.x + 1, row.y, &left, room, glyphs.ellipsis);
        paint::put_spans(buffer, row, at, row.y, &right);
        return;
    }
    let rule = if focused && !theme.color { glyphs.thick[4] } else { glyphs.rule };
    let inside = Rect { x: row.x + 1, width: row.width.saturating_sub(1), ..row };
    let titles = paint::title_row(buffer, inside, glyphs, &Titles { left, right, ..Titles::default() });
    // No state is drawn in the colour of the line.
    for x in (row.left()..row.right()).filter(|x| !titles.iter().any(|title| title.contains(x))) {
        paint::put_text(buffer, row, x, row.y, rule, style);
    }
}

#[cfg(test)]
mod tests {
    use super::port;

    #[test]
    fn the_port_of_an_address_is_told_if_it_has_one() {
        for (url, found) in [
            ("http://localhost:8101/docs", Some("8101")),
            ("http://[::1]:8080", Some("8080")),
            ("postgres://me:word@host:5432/db?x=1", Some("5432")),
            ("http://shop.test/a:b", None),
            ("http://[::1]/", None),
            ("http://host:/", None),
            ("localhost:80", None),
        ] {
            assert_eq!(port(url), found, "{url}");
        }
    }
}
