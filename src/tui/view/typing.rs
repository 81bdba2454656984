//! What says that every key goes to a service: the header, and the footer with the way out.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::super::action::{Action, Context};
use super::super::keymap::Keymap;
use super::super::text::{cut_right, pad, width};
use super::{Scene, paint};
use crate::domain::ServiceName;

/// What the key that ends it does, where there is room and where there is not.
const STOPS: &str = " stops typing";
const LEAVES: &str = " leaves";

/// The header, inverse. Where there is no footer, it tells the way out.
pub(super) fn header(scene: &Scene<'_>, service: &ServiceName, area: Rect, buffer: &mut Buffer) {
    let (glyphs, room) = (scene.glyphs(), usize::from(area.width));
    let group = format!(" devgroup {} {}  ", glyphs.dot, scene.snapshot.name);
    let (mode, leave) = (format!("TYPING INTO {service}"), leave(scene));
    let right = match scene.screen.footer {
        Some(_) => format!("everything you type goes to {service} "),
        None => {
            let long = format!("{leave}{STOPS} ");
            if width(&mode) + 3 + width(&long) <= room { long } else { format!("{leave}{LEAVES} ") }
        }
    };
    // The name of the group gives way first, then what the footer says too.
    let left =
        if width(&group) + width(&mode) + 2 + width(&right) <= room { group + &mode } else { format!(" {mode}") };
    let right =
        if width(&left) + 2 + width(&right) <= room || scene.screen.footer.is_none() { right } else { String::new() };
    let left = cut_right(&left, room.saturating_sub(width(&right) + 1), glyphs.ellipsis);
    let line = pad(left, room.saturating_sub(width(&right))) + &right;
    paint::put_text(buffer, area, area.x, area.y, &line, scene.theme().alert());
}

/// The footer: only the way out.
pub(super) fn footer(scene: &Scene<'_>, service: &ServiceName, area: Rect, buffer: &mut Buffer) {
    let (room, leave, strong) = (usize::from(area.width), leave(scene), scene.theme().strong());
    let twice = format!("   ({leave} {leave} sends {leave} to {service})");
    let right = format!("Ctrl-C goes to {service} ");
    let cells = |does: &str| 1 + width(&leave) + does.len();
    // What the rest of the line has room for with these words. The longer ones push nothing out.
    let rest = |does: &str| {
        let shows_twice = cells(does) + width(&twice) <= room;
        let used = cells(does) + if shows_twice { width(&twice) } else { 0 };
        (shows_twice, used + 2 + width(&right) <= room)
    };
    let does = if rest(STOPS) == rest(LEAVES) && cells(STOPS) <= room { STOPS } else { LEAVES };
    let (shows_twice, _) = rest(does);
    let mut spans = vec![Span::raw(" "), Span::styled(leave, strong), Span::raw(does)];
    if shows_twice {
        spans.push(Span::raw(twice.clone()));
    }
    let x = usize::from(paint::put_spans(buffer, area, area.x, area.y, &spans) - area.x);
    if let Some(from) = room.checked_sub(width(&right)).filter(|from| *from >= x + 2) {
        let from = area.x + u16::try_from(from).unwrap_or(0);
        paint::put_text(buffer, area, from, area.y, &right, Style::new());
    }
}

/// A terminal that is too small for anything else.
pub(super) fn one_line(scene: &Scene<'_>, buffer: &mut Buffer) -> Option<Position> {
    let area = scene.screen.area;
    let line = match scene.ui.typist.target() {
        Some(service) => {
            let line = |does: &str| format!("{}{does} {} TYPING INTO {service}", leave(scene), scene.glyphs().dot);
            let long = line(STOPS);
            if width(&long) <= usize::from(area.width) { long } else { line(LEAVES) }
        }
        None => scene.ui.end_of_typing(scene.snapshot)?,
    };
    let line = cut_right(&line, usize::from(area.width), scene.glyphs().ellipsis);
    paint::put_text(buffer, area, area.x, area.y, &line, scene.theme().alert());
    None
}

fn leave(scene: &Scene<'_>) -> String {
    Keymap::get().key_name(Context::Typing, Action::StopTyping, scene.glyphs().set)
}
