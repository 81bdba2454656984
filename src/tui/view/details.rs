//! Everything about the selected service.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::super::text::{cut_right, pad, width, wrap};
use super::super::words::look;
use super::Scene;
use super::paint::{self, Titles};
use crate::domain::{Kind, ServiceSnapshot, human};

/// Cells of the names on the left.
const NAMES: usize = 13;

/// Draws the box. The answer is where it begins.
pub(super) fn draw(scene: &Scene<'_>, buffer: &mut Buffer) -> Option<Position> {
    let service = scene.snapshot.services.get(scene.ui.selected(scene.snapshot)?)?;
    let (glyphs, theme, all) = (scene.glyphs(), scene.theme(), scene.screen.area);
    let free = Rect { height: all.height.saturating_sub(u16::from(scene.screen.footer.is_some())), ..all };
    let columns = if scene.screen.compact { all.width } else { all.width.saturating_sub(4).min(84) };
    let room = usize::from(columns).saturating_sub(NAMES + 5).max(1);
    let mut lines = Vec::new();
    for (name, text) in facts(scene, service) {
        for (place, range) in wrap(&text, room).into_iter().enumerate() {
            lines.push((if place == 0 { name } else { "" }, text.get(range).unwrap_or_default().to_owned()));
        }
    }
    let rows = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let area = paint::centered(free, columns, rows);
    paint::clear(buffer, area);
    let look = look(service, glyphs, theme);
    let left = vec![
        Span::styled(look.glyph, look.style),
        Span::styled(format!(" {}", service.name), theme.strong()),
        Span::raw(format!(" {} ", glyphs.dot)),
        Span::styled(look.word, look.style),
    ];
    let inner = paint::frame(buffer, area, glyphs, true, theme.focus(), &Titles { left, ..Titles::default() });
    for ((name, text), y) in lines.iter().zip(inner.top()..inner.bottom()) {
        let x = paint::put(buffer, inner, inner.x + 1, y, &pad((*name).to_owned(), NAMES), theme.dim());
        let left = usize::from(inner.right().saturating_sub(x));
        paint::put(buffer, inner, x, y, &cut_right(text, left, glyphs.ellipsis), Style::new());
    }
    (width(service.name.as_str()) > 0 && inner.height > 0).then_some(Position { x: inner.x, y: inner.y })
}

/// What there is to say, in the order of interest.
fn facts(scene: &Scene<'_>, service: &ServiceSnapshot) -> Vec<(&'static str, String)> {
    let (now, dot) = (scene.now, scene.glyphs().dot);
    let ago = |moment| format!("{} ago", human(now.since(moment)));
    let kind = match service.kind {
        Kind::Service => "service",
        Kind::Task => "task",
    };
    let mut facts = vec![
        ("command", service.command.to_string()),
        ("kind", kind.to_owned()),
        ("state", format!("{} {dot} for {}", service.phase.word(), human(now.since(service.since)))),
        ("wanted", if service.wanted { "up" } else { "down" }.to_owned()),
    ];
    if let Some(pid) = service.pid {
        facts.push(("pid", pid.to_string()));
    }
    if let Some(since) = service.up_since {
        let started = (scene.time_of_day)(since);
        facts.push(("up", format!("{} {dot} started {started} {dot} run {}", human(now.since(since)), service.run)));
    }
    if let Some(url) = &service.url {
        facts.push(("url", url.to_string()));
    }
    let counts = service.restarts;
    facts.push((
        "restarts",
        format!(
            "{} changes {dot} {} crashes {dot} {} by hand or reload {dot} {} by dependencies",
            counts.change, counts.crash, counts.manual, counts.dependency
        ),
    ));
    if let Some(exit) = service.last_exit {
        let asked = if exit.asked { "asked to end" } else { "by itself" };
        let uptime = human(exit.uptime);
        facts.push(("last exit", format!("{} {dot} {asked} {dot} {} {dot} up {uptime}", exit.status, ago(exit.at))));
    }
    if let Some(next) = service.next_try {
        facts.push(("next try", format!("in {} {dot} s = now", human(next.since(now)))));
    }
    if let Some(change) = &service.last_change {
        facts.push(("last change", format!("{} {dot} {}", change.path, ago(change.at))));
    }
    if !service.watches {
        facts.push(("watches", "nothing".to_owned()));
    }
    if service.held > 0 {
        facts.push(("held", format!("{} changes", service.held)));
    }
    if service.pending > 0 {
        facts.push(("pending", format!("{} changes wait for quiet", service.pending)));
    }
    facts
}
