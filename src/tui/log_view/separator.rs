//! Lines of devgroup among those of a service: a thin line across the pane, with the reason on the left and the time of day
//! on the right.

use super::super::text::{cut_right, width};
use super::LineLayout;
use crate::domain::{begun, unframed};

/// Cells of a reason that still tell something.
const REASON: usize = 8;

/// The line in so many cells. Where there is little room the time goes first, then what stands between the reason and what
/// follows from it, then the end of the reason; a pane that wraps keeps all of that.
pub(super) fn separator(line: &str, time: &str, cells: usize, layout: &LineLayout) -> String {
    let Some((mut parts, told)) = unframed(line) else { return layout.glyphs.own_text(line) };
    let time = told.unwrap_or(time);
    let rule = layout.glyphs.rule;
    let words = |parts: &[&str]| layout.glyphs.own_text(&begun(parts));
    let mut text = words(&parts);
    let timed = format!(" {time} {rule}");
    // Between words and time there is some of the line.
    if let Some(room) = cells.checked_sub(width(&text) + 1 + width(&timed)).filter(|room| *room >= 2) {
        return format!("{text} {}{timed}", rule.repeat(room));
    }
    while width(&text) > cells && parts.len() > 3 && !layout.wrap {
        parts.remove(parts.len() - 2);
        text = words(&parts);
    }
    if !layout.wrap
        && let [what, reason, next] = *parts
        && let Some(over) = width(&text).checked_sub(cells).filter(|over| *over > 0)
        && let Some(room) = width(reason).checked_sub(over).filter(|room| *room >= REASON)
    {
        text = words(&[what, &cut_right(reason, room, layout.glyphs.ellipsis), next]);
    }
    match cells.checked_sub(width(&text) + 1) {
        Some(room @ 1..) => format!("{text} {}", rule.repeat(room)),
        _ => text,
    }
}
