//! devgroup's own log, with tui-logger's widget; above it the whole text of the last notice.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;
use ratatui::widgets::Widget;
use tui_logger::{TuiLoggerLevelOutput, TuiLoggerSmartWidget};

use super::super::panel::OwnLog;
use super::super::text::{cut_right, width};
use super::Scene;
use super::paint::{self, Titles};

/// Below this, tui-logger's widget has no room for both of its parts.
const SMALLEST: (u16, u16) = (12, 4);

/// Draws the panel over everything but the footer. The answer is its first cell.
pub(super) fn draw(scene: &Scene<'_>, log: &OwnLog, buffer: &mut Buffer) -> Option<Position> {
    let (glyphs, theme, all) = (scene.glyphs(), scene.theme(), scene.screen.area);
    let mut area = Rect { height: all.height.saturating_sub(u16::from(scene.screen.footer.is_some())), ..all };
    let corner = Position { x: area.x, y: area.y };
    paint::clear(buffer, area);
    if let Some(notice) = &scene.snapshot.notice {
        let text = if notice.detail.is_empty() { &notice.summary } else { &notice.detail };
        let lines: Vec<&str> = text.lines().collect();
        // At least half of the screen is left for the log.
        let rows = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height / 2);
        let top = Rect { height: rows, ..area };
        let titles = Titles {
            left: vec![Span::styled("notice", theme.strong())],
            right: vec![Span::raw((scene.time_of_day)(notice.at))],
            ..Titles::default()
        };
        let inner = paint::frame(buffer, top, glyphs, false, theme.dim(), &titles);
        for (line, y) in lines.iter().zip(inner.top()..inner.bottom()) {
            let text = cut_right(line, usize::from(inner.width), glyphs.ellipsis);
            debug_assert!(width(&text) <= usize::from(inner.width));
            paint::put_text(buffer, inner, inner.x, y, &text, Style::new());
        }
        area.y += rows;
        area.height -= rows;
    }
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return None;
    }
    TuiLoggerSmartWidget::default()
        .title_target(" targets ")
        .title_log(" devgroup's own log ")
        .output_timestamp(Some("%H:%M:%S".to_owned()))
        .output_level(Some(TuiLoggerLevelOutput::Long))
        .output_file(false)
        .output_line(false)
        .style_error(theme.bad())
        .style_warn(theme.busy())
        .style_debug(theme.dim())
        .style_trace(theme.dim())
        .highlight_style(theme.alert())
        .state(log.state())
        .render(area, buffer);
    Some(corner)
}
