//! The merged view: the lines of all services in one pane.

use std::ops::Range;
use std::sync::Arc;

use super::super::action::Action;
use super::super::folding;
use super::super::layout::Pane;
use super::super::log_view::{Frame, Jump, Label, PaneText};
use super::super::selection::{Copied, Point, Stretch, Unit, copy_some, place_of, printed_first, unit_in};
use super::super::source::Source;
use super::super::text;
use super::{Followup, UiState, World};
use crate::clock::Clock;
use crate::domain::{Command, GroupSnapshot, Marker, ServiceName};
use crate::logs::{LineId, LogDocument};

/// Cells of a name before a line.
const NAME: usize = 16;

/// A service of the merged view, with its log.
pub(in crate::tui) type Member = (ServiceName, Arc<LogDocument>);

impl UiState {
    /// Whose lines keys mean.
    pub(in crate::tui) fn source(&self, snapshot: &GroupSnapshot) -> Option<Source> {
        Source::of(self.merging, self.selected_name(snapshot))
    }

    /// The lines of this service are shown in the merged view.
    pub(in crate::tui) fn is_merged(&self, name: &ServiceName) -> bool {
        !self.hidden.contains(name)
    }

    /// What stands before the lines of each service, in the order of the members: their names, or their numbers where
    /// every cell counts.
    fn labels(&self, members: &[Member], snapshot: &GroupSnapshot, compact: bool) -> Vec<Label> {
        let bar = self.glyphs.thin.last().copied().unwrap_or("|");
        let place = |name: &ServiceName| snapshot.services.iter().position(|service| service.name == *name);
        let shown = |(name, _): &Member| match place(name) {
            Some(index) if compact => folding::number(snapshot, index).to_string(),
            _ => text::cut_right(name.as_str(), NAME, self.glyphs.ellipsis),
        };
        let names: Vec<String> = members.iter().map(shown).collect();
        let cells = names.iter().map(|name| text::width(name)).max().unwrap_or(0);
        let gap = if compact { "" } else { " " };
        let label = |(name, (service, _)): (String, &Member)| Label {
            text: format!("{}{gap}{bar}{gap}", text::pad(name, cells)),
            rest: format!("{}{gap}{bar}{gap}", " ".repeat(cells)),
            style: self.theme.of_service(place(service).unwrap_or(0)),
        };
        names.into_iter().zip(members).map(label).collect()
    }

    /// The visible lines of the merged view.
    pub(in crate::tui) fn read_merged(
        &mut self,
        pane: &Pane,
        members: &[Member],
        snapshot: &GroupSnapshot,
        clock: Clock,
        compact: bool,
    ) -> PaneText {
        let (source, labels) = (Source::Merged, self.labels(members, snapshot, compact));
        let mut layout = self.line_layout_of(pane, self.find.has_line(&source, true, pane.title), clock);
        let cells = labels.first().map_or(0, |label| text::width(&label.text));
        layout.width = layout.width.saturating_sub(cells);
        let names: Vec<ServiceName> = members.iter().map(|(name, _)| name.clone()).collect();
        self.with_lines(&source, members, true, |viewport, lines, query| {
            viewport.take(lines, &Frame { names: &names, labels: &labels, query, roams: false, layout })
        })
    }

    /// The text of a stretch of a pane, without what stands before the lines, and without markers unless there is nothing
    /// else: whole lines however they are wrapped or cut on the screen.
    pub(in crate::tui) fn text_of(&mut self, source: &Source, members: &[Member], stretch: Stretch) -> Copied {
        printed_first(|markers| {
            let (mut copied, mut place) = (Copied::default(), None);
            while self.with_lines(source, members, false, |viewport, lines, _| {
                let from = place.get_or_insert_with(|| place_of(lines, viewport.place(), stretch.0.line));
                copy_some(lines, from, stretch, markers, &mut copied)
            }) {}
            copied
        })
    }

    /// The line so many further down in a pane, or up: all of it.
    pub(in crate::tui) fn line_further(
        &mut self,
        source: &Source,
        members: &[Member],
        from: LineId,
        by: i64,
    ) -> Option<Stretch> {
        self.with_lines(source, members, false, |viewport, lines, _| {
            let place = place_of(lines, viewport.place(), from);
            lines.go_to(&place);
            lines.step(by);
            let line = lines.number();
            let (_, shown) = lines.forward_line()?;
            Some(unit_in(&shown.content.text, Unit::Line, Point { line, byte: 0 }))
        })
    }

    /// The line that an editor is to open at: nothing for the last one.
    pub(in crate::tui) fn marked_line(&mut self, snapshot: &GroupSnapshot) -> Option<(ServiceName, LineId)> {
        let source = self.source(snapshot)?;
        let viewport = self.viewport(&source);
        let marked = if source.is_merged() { viewport.marked_or_last() } else { viewport.marked_or_first() };
        marked.map(|(name, line)| (name.clone(), line))
    }

    /// What keys do in the merged view.
    pub(super) fn merged_action(&mut self, action: Action, world: &World<'_>) -> Vec<Command> {
        let source = Source::Merged;
        match action {
            Action::LineUp => self.viewport(&source).step(-1),
            Action::LineDown => self.viewport(&source).step(1),
            Action::OpenLine => {
                let marked = self.viewport(&source).marked_or_last();
                if let Some((name, line)) = marked.map(|(name, line)| (name.clone(), line)) {
                    self.open_line(&name, line, world);
                }
            }
            Action::DropMarker => {
                let names = world.snapshot.services.iter().map(|service| service.name.clone());
                let shown: Vec<_> = names.filter(|name| self.is_merged(name)).collect();
                self.drop_marker(shown);
            }
            _ if self.lines_action(action, &source) => {}
            _ => return self.service_action(action, world),
        }
        Vec::new()
    }

    /// Puts one more marker into the logs of these services.
    pub(super) fn drop_marker(&mut self, names: Vec<ServiceName>) {
        self.marks += 1;
        let marker = Marker::Mark { number: self.marks };
        self.requests.followups.extend(names.into_iter().map(|name| Followup::Mark(name, marker.clone())));
    }

    /// The merged view comes or goes.
    pub(super) fn toggle_merged(&mut self) {
        self.merging = !self.merging;
        self.selection = None;
    }

    /// A service with all of its instances is shown in the merged view, or not.
    pub(super) fn toggle_member(&mut self, unit: &Range<usize>, world: &World<'_>) {
        let services = &world.snapshot.services;
        let name = folding::name(world.snapshot, unit).to_owned();
        let its: Vec<ServiceName> =
            services.get(unit.clone()).unwrap_or_default().iter().map(|service| service.name.clone()).collect();
        let alone = !services.iter().any(|other| !its.contains(&other.name) && self.is_merged(&other.name));
        let shows = its.iter().any(|name| self.is_merged(name));
        if shows && alone {
            return self.show_message(format!("{name} is the last service shown"));
        }
        for name in its {
            if shows {
                self.hidden.insert(name)
            } else {
                self.hidden.remove(&name)
            };
        }
        self.selection = None;
        self.show_message(format!("{name} is {}", if shows { "hidden" } else { "shown" }));
    }

    /// Goes to a line in the pane of its service.
    pub(in crate::tui) fn open_line(&mut self, name: &ServiceName, line: LineId, world: &World<'_>) {
        let Some(index) = world.snapshot.services.iter().position(|service| service.name == *name) else { return };
        self.merging = false;
        self.selection = None;
        self.select(index, world);
        self.log(name).jump(Jump::Line(line));
    }
}
