//! All services: the sidebar, and the tab strip where there is no room for one.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::super::layout::SidebarStyle;
use super::super::sidebar_rows::{self, SidebarRow};
use super::super::text::{column, cut_left, cut_right, width};
use super::super::words::{STALE, counts, is_stale, state_look};
use super::Scene;
use super::paint::{self, Titles};
use crate::domain::{Moment, Phase, ServiceSnapshot};

/// Draws the tab strip. The answer is where the selected tab is.
pub(super) fn tabs(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let selected = scene.ui.selected(scene.snapshot);
    let mut cursor = None;
    let unseen = &scene.ui.unseen;
    for tab in sidebar_rows::tabs(scene.snapshot, unseen, area.width, selected, scene.glyphs(), scene.theme()) {
        let Some(service) = scene.snapshot.services.get(tab.service) else { continue };
        let mut style = state_look(service, scene.glyphs(), scene.theme()).style;
        let x = area.x.saturating_add(tab.x);
        if Some(tab.service) == selected {
            style = style.patch(scene.theme().strong());
            cursor = Some(Position { x, y: area.y });
        }
        let end = paint::put_text(buffer, area, x, area.y, &tab.text, style);
        mark_unseen(scene, service, &tab.text, Rect { width: end.saturating_sub(area.x), ..area }, buffer);
    }
    cursor
}

/// The errors that nobody has seen stand out at the right end of what was drawn there.
fn mark_unseen(scene: &Scene<'_>, service: &ServiceSnapshot, drawn: &str, area: Rect, buffer: &mut Buffer) {
    let unseen = scene.ui.unseen.text(&service.name);
    if !unseen.is_empty() && drawn.ends_with(&unseen) {
        let at = area.right().saturating_sub(u16::try_from(width(&unseen)).unwrap_or(0));
        paint::put_text(buffer, area, at, area.y, &unseen, scene.theme().bad());
    }
}

/// Draws the sidebar. The answer is where the selected service is.
pub(super) fn sidebar(scene: &Scene<'_>, area: Rect, style: SidebarStyle, buffer: &mut Buffer) -> Option<Position> {
    let (snapshot, theme, glyphs) = (scene.snapshot, scene.theme(), scene.glyphs());
    let titles = Titles {
        left: vec![Span::raw("services")],
        right: vec![Span::raw(snapshot.services.len().to_string())],
        ..Titles::default()
    };
    let inner = paint::frame(buffer, area, glyphs, false, theme.dim(), &titles);
    let selected = scene.ui.selected(snapshot);
    let columns = Columns::new(scene, style, usize::from(inner.width));
    let mut cursor = None;
    let rows = sidebar_rows::rows(snapshot, style, usize::from(inner.height), selected);
    for (y, row) in (inner.top()..inner.bottom()).zip(rows) {
        match row {
            SidebarRow::Blank => {}
            SidebarRow::Heading(text) => {
                let text = cut_right(&format!(" {text}"), usize::from(inner.width), glyphs.ellipsis);
                paint::put_text(buffer, inner, inner.x, y, &text, theme.dim().patch(theme.strong()));
            }
            SidebarRow::Service(index) => {
                let is_selected = Some(index) == selected;
                if let Some(service) = snapshot.services.get(index) {
                    columns.draw(scene, index, service, is_selected, Rect { y, height: 1, ..inner }, buffer);
                }
                if is_selected {
                    cursor = Some(Position { x: inner.x, y });
                }
            }
            SidebarRow::LastChange(index)
            | SidebarRow::ChangeTitle(index)
            | SidebarRow::ChangePath(index)
            | SidebarRow::ChangeAge(index) => {
                if let Some(service) = snapshot.services.get(index) {
                    last_change(scene, service, &row, Rect { y, height: 1, ..inner }, buffer);
                }
            }
        }
    }
    cursor
}

/// Rows that tell of the last file that changed.
fn last_change(scene: &Scene<'_>, service: &ServiceSnapshot, row: &SidebarRow, area: Rect, buffer: &mut Buffer) {
    let Some(change) = &service.last_change else { return };
    let (glyphs, theme, room) = (scene.glyphs(), scene.theme(), usize::from(area.width));
    let age = scene.age(change.at);
    let line = match row {
        SidebarRow::LastChange(_) => {
            let age = match service.next_restart {
                Some(next) => {
                    format!("{} in {}s", service.next_action, next.since(scene.now).as_millis().div_ceil(1000))
                }
                None => age,
            };
            let path = cut_left(&change.path, room.saturating_sub(5 + 2 + width(&age).max(4)), glyphs.ellipsis);
            let gap = room.saturating_sub(5 + width(&path) + 1);
            format!("     {path}{age:>gap$}")
        }
        SidebarRow::ChangeTitle(_) => {
            let name = cut_right(service.name.as_str(), room.saturating_sub(13), glyphs.ellipsis);
            paint::put_text(buffer, area, area.x, area.y, &format!("{name}  last change"), theme.dim());
            return;
        }
        SidebarRow::ChangePath(_) => format!(" {}", cut_left(&change.path, room.saturating_sub(2), glyphs.ellipsis)),
        _ => {
            let mut line = format!(" {age} ago");
            if service.restarts.change > 0 {
                line.push_str(&format!(" {} {}{}", glyphs.dot, glyphs.changes, service.restarts.change));
            }
            line
        }
    };
    paint::put_text(buffer, area, area.x, area.y, &line, Style::new());
}

/// How the cells of a service's row are divided.
struct Columns {
    style: SidebarStyle,
    /// Digits of the largest number.
    number: usize,
    /// The name and a space; what the row has for both where there is no word after them.
    name: usize,
}

/// Cells of a name that give way to the count of restarts, in a row that has not room for both.
const NAME: usize = 7;

/// Cells of the state word and the age in the wide sidebar.
const STATE_AND_AGE: usize = 13;

impl Columns {
    fn new(scene: &Scene<'_>, style: SidebarStyle, room: usize) -> Self {
        let services = &scene.snapshot.services;
        let number = services.len().to_string().len();
        let longest = services.iter().map(|service| width(service.name.as_str())).max().unwrap_or(0);
        // Pointer, number, space, glyph, space; and a space at the right end.
        let left = room.saturating_sub(number + 4 + 1);
        let name = match style {
            SidebarStyle::Wide => (longest + 1).max(8).min(left.saturating_sub(STATE_AND_AGE)),
            SidebarStyle::Medium => (longest + 1).clamp(7, 13),
            SidebarStyle::Narrow => left,
        };
        Self { style, number, name }
    }

    fn draw(
        &self,
        scene: &Scene<'_>,
        index: usize,
        service: &ServiceSnapshot,
        selected: bool,
        area: Rect,
        buffer: &mut Buffer,
    ) {
        let (glyphs, theme) = (scene.glyphs(), scene.theme());
        let look = state_look(service, glyphs, theme);
        let bold = if selected { theme.strong() } else { Style::new() };
        let pointer = if selected { glyphs.pointer } else { " " };
        let mut x = paint::put_text(buffer, area, area.x, area.y, pointer, bold);
        x = paint::put_text(buffer, area, x, area.y, &format!("{:>1$} ", index + 1, self.number), bold);
        x = paint::put_text(buffer, area, x, area.y, look.glyph, look.style);
        x = paint::put_text(buffer, area, x, area.y, " ", Style::new());
        if self.style == SidebarStyle::Narrow {
            return self.draw_narrow(
                scene,
                service,
                bold,
                Rect { x, width: area.right().saturating_sub(x), ..area },
                buffer,
            );
        }
        let name = cut_right(service.name.as_str(), self.name.saturating_sub(1), glyphs.ellipsis);
        x = paint::put_text(buffer, area, x, area.y, &column(&name, self.name, glyphs.ellipsis), bold);
        let room = usize::from(area.right().saturating_sub(x)).saturating_sub(1);
        let (word, word_style) = if service.held > 0 && matches!(service.phase, Phase::Running { .. }) {
            ("held".to_owned(), theme.alert())
        } else {
            (look.text(glyphs), if selected { look.focused_word_style } else { look.word_style })
        };
        // The state goes before the counts, and these before the age.
        let word = cut_right(&word, room, glyphs.ellipsis);
        paint::put_text(buffer, area, x, area.y, &word, word_style);
        let counts = marks(scene, service);
        let counts = shortened(&counts, room.saturating_sub(width(&word) + 1));
        let age = age_of(service).filter(|_| self.style == SidebarStyle::Wide).map(|since| scene.age(since));
        let age = age.unwrap_or_default();
        let behind = if counts.is_empty() { 0 } else { width(counts) + 1 };
        if width(&word) + 1 + width(&age) <= STATE_AND_AGE && STATE_AND_AGE + behind <= room {
            let at = x.saturating_add(u16::try_from(STATE_AND_AGE - width(&age)).unwrap_or(0));
            paint::put_text(buffer, area, at, area.y, &age, theme.dim());
        }
        put_counts(scene, service, counts, Rect { width: area.width.saturating_sub(1), ..area }, buffer);
    }

    /// The name and what is behind it, where there is no room for the word of each state. A name is cut only where its own
    /// row needs the cells.
    fn draw_narrow(&self, scene: &Scene<'_>, service: &ServiceSnapshot, bold: Style, area: Rect, buffer: &mut Buffer) {
        let (glyphs, room) = (scene.glyphs(), self.name);
        let area = Rect { width: area.width.saturating_sub(1), ..area };
        let stale = stale_word(scene, service);
        let word = if stale.is_some() { width(STALE) + 1 } else { 0 };
        let name = width(service.name.as_str()).min(NAME);
        let counts = marks(scene, service);
        let counts = shortened(&counts, room.saturating_sub(name + 1 + word));
        let behind = word + if counts.is_empty() { 0 } else { width(counts) + 1 };
        let name = cut_right(service.name.as_str(), room.saturating_sub(behind), glyphs.ellipsis);
        paint::put_text(buffer, area, area.x, area.y, &name, bold);
        put_counts(scene, service, counts, area, buffer);
        if let Some(style) = stale {
            let at = area.right().saturating_sub(u16::try_from(behind.saturating_sub(1)).unwrap_or(0));
            paint::put_text(buffer, area, at, area.y, STALE, style);
        }
    }
}

/// How a service is told that is older than the files, also where no other state has a word.
fn stale_word(scene: &Scene<'_>, service: &ServiceSnapshot) -> Option<Style> {
    is_stale(service).then(|| state_look(service, scene.glyphs(), scene.theme()).word_style)
}

/// As much of the counts as fits: what tells of failures is the last to go.
fn shortened(counts: &str, room: usize) -> &str {
    let ends = counts.match_indices(' ').map(|(space, _)| counts.get(space + 1..).unwrap_or_default());
    std::iter::once(counts).chain(ends).find(|text| width(text) <= room).unwrap_or_default()
}

/// Puts the counts at the right end of an area.
fn put_counts(scene: &Scene<'_>, service: &ServiceSnapshot, counts: &str, area: Rect, buffer: &mut Buffer) {
    let at = area.right().saturating_sub(u16::try_from(width(counts)).unwrap_or(0));
    paint::put_text(buffer, area, at, area.y, counts, Style::new());
    mark_unseen(scene, service, counts, area, buffer);
}

/// `↻7 ✗2 e3`: restarts, and errors that nobody has seen, where the key `e` goes to.
fn marks(scene: &Scene<'_>, service: &ServiceSnapshot) -> String {
    let unseen = scene.ui.unseen.text(&service.name);
    let parts = [counts(service, scene.glyphs()), unseen];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Since when a service is in its state; nothing for one that is simply not running.
pub(in super::super) fn age_of(service: &ServiceSnapshot) -> Option<Moment> {
    match service.phase {
        Phase::Down => None,
        Phase::Blocked { .. }
        | Phase::Validating { .. }
        | Phase::Starting { .. }
        | Phase::Running { .. }
        | Phase::Stopping { .. }
        | Phase::Retrying { .. }
        | Phase::CrashLoop { .. }
        | Phase::Finished(_) => Some(service.since),
    }
}
