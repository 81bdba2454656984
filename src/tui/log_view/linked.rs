//! The links of a line: those that a service prints (OSC 8), and addresses in its text.

use std::ops::Range;
use std::sync::Arc;

use super::super::addresses::addresses;
use super::super::text;
use super::{RowPlace, marks};
use crate::logs::{Attributes, LineId, LinkId, Style, StyledText};

/// A link in a row of a pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tui) struct RowLink {
    /// The row, from 0.
    pub(in crate::tui) row: usize,
    /// Its cells there.
    pub(in crate::tui) columns: Range<usize>,
    /// The line that it is in, and its first byte there: parts of a link in several rows have the same.
    pub(in crate::tui) begins: (LineId, usize),
    /// Where it leads.
    pub(in crate::tui) target: Arc<str>,
}

/// A link of a line: its bytes, and where it leads.
pub(super) type TextLink = (Range<usize>, Arc<str>);

/// The links that a service has printed. The targets are those of its terminal.
pub(super) fn printed(content: &StyledText, target: impl Fn(LinkId) -> Option<Arc<str>>) -> Vec<TextLink> {
    let mut links: Vec<TextLink> = Vec::new();
    for run in &content.runs {
        let Some(leads_to) = run.style.link.and_then(&target) else { continue };
        let bytes = run.start as usize..(run.end as usize).min(content.text.len());
        match links.last_mut() {
            Some((before, same)) if before.end == bytes.start && *same == leads_to => before.end = bytes.end,
            _ => links.push((bytes, leads_to)),
        }
    }
    links
}

/// With the addresses in the text that no printed link covers.
pub(super) fn with_addresses(content: &StyledText, mut links: Vec<TextLink>) -> Vec<TextLink> {
    let apart = |one: &Range<usize>, other: &Range<usize>| one.end <= other.start || other.end <= one.start;
    let found = addresses(&content.text).into_iter();
    let free: Vec<_> = found.filter(|(place, _)| links.iter().all(|(link, _)| apart(link, place))).collect();
    links.extend(free.into_iter().map(|(place, address)| (place, address.into())));
    links.sort_by_key(|(place, _)| place.start);
    links
}

/// Notes in the text which parts of it are links.
pub(super) fn note(content: &mut StyledText, links: &[TextLink]) {
    let places: Vec<_> = links.iter().map(|(place, _)| place.clone()).collect();
    let linked = |style: Style| Style { attributes: style.attributes.with(Attributes::LINK), ..style };
    marks::restyle(content, &places, linked);
}

/// The parts of links in a row of a line.
pub(super) fn of_row(links: &[TextLink], line: &str, (row, place): (usize, &RowPlace)) -> Vec<RowLink> {
    let cells = |bytes: Range<usize>| text::width(line.get(bytes).unwrap_or_default());
    let part = |(link, target): &TextLink| {
        let bytes = link.start.max(place.bytes.start)..link.end.min(place.bytes.end);
        let first = place.before + cells(place.bytes.start..bytes.start.min(place.bytes.end));
        let columns = first..first + cells(bytes);
        let begins = (place.line, link.start);
        (!columns.is_empty()).then(|| RowLink { row, columns, begins, target: Arc::clone(target) })
    };
    links.iter().filter_map(part).collect()
}
