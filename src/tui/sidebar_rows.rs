//! The rows of the sidebar and of the tab strip: one answer for drawing and for clicks.

use super::glyphs::Glyphs;
use super::layout::SidebarStyle;
use super::text;
use super::theme::Theme;
use super::unseen::Unseen;
use super::words::{STALE, is_stale, state_look};
use crate::domain::GroupSnapshot;

/// One row inside the sidebar's border.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SidebarRow {
    /// An empty row between headings.
    Blank,
    /// The heading of the services below.
    Heading(String),
    /// A service, by its place in the snapshot.
    Service(usize),
    /// Below a service: the last file that changed for it, if there was one.
    LastChange(usize),
    /// Below all: whose last change follows.
    ChangeTitle(usize),
    /// Below all: the file.
    ChangePath(usize),
    /// Below all: how long ago, and how often.
    ChangeAge(usize),
}

impl SidebarRow {
    /// The service that a click on this row selects.
    pub(super) fn service(&self) -> Option<usize> {
        match self {
            Self::Service(index) | Self::LastChange(index) => Some(*index),
            Self::Blank | Self::Heading(_) | Self::ChangeTitle(_) | Self::ChangePath(_) | Self::ChangeAge(_) => None,
        }
    }
}

/// The rows that are in sight; the selected service is among them.
pub(super) fn rows(
    snapshot: &GroupSnapshot,
    style: SidebarStyle,
    height: usize,
    selected: Option<usize>,
) -> Vec<SidebarRow> {
    let mut rows = services(snapshot, style == SidebarStyle::Wide);
    let two_lines = style == SidebarStyle::Wide && rows.len() <= height;
    if !two_lines {
        rows = services(snapshot, false);
    }
    if !two_lines
        && rows.len() + 4 <= height
        && let Some(selected) = selected
        && snapshot.services.get(selected).is_some_and(|service| service.last_change.is_some())
    {
        rows.extend([
            SidebarRow::Blank,
            SidebarRow::ChangeTitle(selected),
            SidebarRow::ChangePath(selected),
            SidebarRow::ChangeAge(selected),
        ]);
    }
    let marked = rows.iter().position(|row| matches!(row, SidebarRow::Service(index) if Some(*index) == selected));
    let start = window(rows.len(), height, marked.unwrap_or(0));
    rows.into_iter().skip(start).take(height).collect()
}

fn services(snapshot: &GroupSnapshot, two_lines: bool) -> Vec<SidebarRow> {
    let mut rows = Vec::with_capacity(snapshot.services.len() * 2);
    let mut group = None;
    for (index, service) in snapshot.services.iter().enumerate() {
        if service.group != group {
            group.clone_from(&service.group);
            rows.extend(group.as_ref().map(|group| SidebarRow::Heading(group.to_string())));
        }
        rows.push(SidebarRow::Service(index));
        if two_lines {
            rows.push(SidebarRow::LastChange(index));
        }
    }
    // The last line of the list is not kept free for nothing.
    if two_lines && snapshot.services.last().is_some_and(|service| service.last_change.is_none()) {
        rows.pop();
    }
    rows
}

/// The first of `count` rows that is in sight of a window of that height around the marked one.
pub(super) fn window(count: usize, height: usize, marked: usize) -> usize {
    marked.saturating_sub(height / 2).min(count.saturating_sub(height))
}

/// One service in the tab strip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tab {
    /// Place of the service in the snapshot.
    pub(super) service: usize,
    /// First column of the tab.
    pub(super) x: u16,
    /// What is drawn there.
    pub(super) text: String,
}

/// The tabs that fit into so many cells; the selected one is among them. The last one may be without its name. At the end
/// of each are the errors that nobody has seen.
pub(super) fn tabs(
    snapshot: &GroupSnapshot,
    unseen: &Unseen,
    cells: u16,
    selected: Option<usize>,
    glyphs: &Glyphs,
    theme: Theme,
) -> Vec<Tab> {
    let text = |index: usize, named: bool| -> String {
        let Some(service) = snapshot.services.get(index) else { return String::new() };
        let pointer = if Some(index) == selected { glyphs.pointer } else { "" };
        let name = if named { text::cut_right(service.name.as_str(), 12, glyphs.ellipsis) } else { String::new() };
        let look = state_look(service, glyphs, theme);
        // The glyph is that of any service that runs.
        let word = if is_stale(service) { STALE.to_owned() } else { String::new() };
        let parts = [name, word, unseen.text(&service.name)];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{pointer}{}{}{}", index + 1, look.glyph, parts.join(" "))
    };
    // One cell stays free at each end.
    let room = usize::from(cells).saturating_sub(1);
    let selected_index = selected.unwrap_or(0);
    let mut first = 0;
    let widths: Vec<usize> = (0..snapshot.services.len()).map(|index| 1 + text::width(&text(index, true))).collect();
    let mut needed: usize = widths.iter().take(selected_index + 1).sum();
    while needed > room && first < selected_index {
        needed -= widths.get(first).copied().unwrap_or(0);
        first += 1;
    }
    let mut tabs = Vec::new();
    let mut at = 0;
    for service in first..snapshot.services.len() {
        let mut forms = [true, false].into_iter().map(|named| (named, text(service, named)));
        let Some((named, text)) = forms.find(|(_, text)| at + 1 + text::width(text) <= room) else { break };
        let next = at + 1 + text::width(&text);
        tabs.push(Tab { service, x: u16::try_from(at + 1).unwrap_or(u16::MAX), text });
        at = next;
        if !named {
            break;
        }
    }
    tabs
}
