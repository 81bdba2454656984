//! The merged view: the lines of all services in one pane.

use std::sync::Arc;

use super::super::action::Action;
use super::super::layout::Pane;
use super::super::log_view::{Found, Jump, Label, Lane, Merge, MergedFrame, PaneText};
use super::super::selection::{Copied, CopyRequest, Stretch, add_line, printed_first};
use super::super::source::Source;
use super::super::text;
use super::finding::matches_of;
use super::{Followup, UiState, World};
use crate::clock::Clock;
use crate::domain::{Command, GroupSnapshot, Marker, ServiceName};
use crate::logs::{LineId, LineKind, LogDocument, Reader, Scan};

/// Cells of a name before a line.
const NAME: usize = 16;
/// Lines that are copied before the writers of the logs get their turn.
const BATCH: usize = 500;

/// A service of the merged view, with its log.
pub(in crate::tui) type Member = (ServiceName, Arc<LogDocument>);

impl UiState {
    /// Whose lines keys mean.
    pub(in crate::tui) fn source(&self, snapshot: &GroupSnapshot) -> Option<Source> {
        if self.merging { Some(Source::Merged) } else { self.selected_name(snapshot).map(Source::Service) }
    }

    /// The lines of this service are shown in the merged view.
    pub(in crate::tui) fn is_merged(&self, name: &ServiceName) -> bool {
        !self.merged.hidden.contains(name)
    }

    /// What stands before the lines of each service, in the order of the members: their names, or their numbers where
    /// every cell counts.
    fn labels(&self, members: &[Member], snapshot: &GroupSnapshot, compact: bool) -> Vec<Label> {
        let bar = self.glyphs.thin.last().copied().unwrap_or("|");
        let number = |name: &ServiceName| snapshot.services.iter().position(|service| service.name == *name);
        let shown = |(name, _): &Member| match number(name) {
            Some(index) if compact => (index + 1).to_string(),
            _ => text::cut_right(name.as_str(), NAME, self.glyphs.ellipsis),
        };
        let names: Vec<String> = members.iter().map(shown).collect();
        let cells = names.iter().map(|name| text::width(name)).max().unwrap_or(0);
        let gap = if compact { "" } else { " " };
        let label = |(name, (service, _)): (String, &Member)| Label {
            text: format!("{}{gap}{bar}{gap}", text::pad(name, cells)),
            rest: format!("{}{gap}{bar}{gap}", " ".repeat(cells)),
            style: self.theme.of_service(number(service).unwrap_or(0)),
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
        let labels = self.labels(members, snapshot, compact);
        let mut layout = self.line_layout_of(pane, self.find_takes_row(pane, &Source::Merged, true), clock);
        let cells = labels.first().map_or(0, |label| text::width(&label.text));
        layout.width = layout.width.saturating_sub(cells);
        let names: Vec<ServiceName> = members.iter().map(|(name, _)| name.clone()).collect();
        self.with_merge(members, |ui, merge, query| {
            let frame = MergedFrame { names: &names, labels: &labels, query, layout };
            ui.merged.take_rows(merge, &frame)
        })
    }

    /// Locks the logs of the members, and hands over their lines in the order of arrival.
    fn with_merge<T>(
        &mut self,
        members: &[Member],
        act: impl FnOnce(&mut Self, &mut Merge<'_, '_>, Option<&crate::logs::Query>) -> T,
    ) -> T {
        let errors = self.merged.wants_errors();
        let scans: Vec<_> =
            members.iter().map(|(name, document)| self.find.merged_scans(name, document, errors)).collect();
        let mut readers: Vec<Reader<'_>> = members.iter().map(|(_, document)| document.read()).collect();
        let mut behind: Vec<Arc<Scan>> = Vec::new();
        let mut found: Vec<Found<'_>> = Vec::with_capacity(scans.len());
        for (scans, reader) in scans.iter().zip(&mut readers) {
            found.push(Found {
                search: scans.search.as_ref().map(|(query, scan)| (query, matches_of(scan, reader, &mut behind))),
                filter: scans.filter.as_ref().map(|scan| matches_of(scan, reader, &mut behind)),
                errors: scans.errors.as_ref().map(|scan| matches_of(scan, reader, &mut behind)),
                roams: false,
            });
        }
        let query = scans.first().and_then(|scans| scans.search.as_ref()).map(|(query, _)| query);
        let mut filters = Vec::with_capacity(found.len());
        let mut rest = Vec::with_capacity(found.len());
        for Found { search, filter, errors, .. } in found {
            filters.push(filter);
            rest.push((search.map(|(_, matches)| matches), errors));
        }
        let lanes = readers.iter_mut().zip(&filters).zip(rest).zip(members);
        let lanes = lanes.map(|(((reader, filter), (search, errors)), (name, _))| {
            let floor = self.merged.floor(name, reader.end());
            Lane::new(reader, filter.as_ref(), search, errors, floor)
        });
        let mut merge = Merge { lanes: lanes.collect() };
        let result = act(self, &mut merge, query);
        drop(merge);
        drop(filters);
        self.followups.extend(behind.into_iter().map(Followup::Scan));
        result
    }

    /// The text of a stretch of the merged view, without what stands before the lines, and without markers unless there
    /// is nothing else.
    pub(in crate::tui) fn merged_text(&mut self, members: &[Member], stretch: Stretch) -> Copied {
        printed_first(|markers| self.merged_text_with(members, stretch, markers))
    }

    fn merged_text_with(&mut self, members: &[Member], (from, to): Stretch, markers: bool) -> Copied {
        let mut copied = Copied::default();
        let mut place: Option<Vec<LineId>> = None;
        loop {
            let more = self.with_merge(members, |ui, merge, _| {
                match &place {
                    Some(cuts) => merge.go_to(cuts),
                    None => {
                        merge.go_to(&ui.merged.cuts(merge));
                        merge.walk_to(from.line);
                    }
                }
                for _ in 0..BATCH {
                    let number = merge.number();
                    if number > to.line {
                        return false;
                    }
                    let Some((_, line)) = merge.forward() else { return false };
                    let wanted = markers || line.kind == LineKind::Output;
                    if wanted && !add_line(&mut copied, (from, to), number, &line.content, &line.content.text) {
                        return false;
                    }
                }
                place = Some(merge.cuts());
                true
            });
            if !more {
                return copied;
            }
        }
    }

    /// The line that an editor is to open at: nothing for the last one.
    pub(in crate::tui) fn marked_line(&mut self, snapshot: &GroupSnapshot) -> Option<(ServiceName, LineId)> {
        match self.source(snapshot)? {
            Source::Service(name) => self.log(&name).marked().map(|line| (name, line)),
            Source::Merged => self.merged.marked().map(|(name, line)| (name.clone(), line)),
        }
    }

    /// What keys do in the merged view.
    pub(super) fn merged_action(&mut self, action: Action, world: &World<'_>) -> Vec<Command> {
        match action {
            Action::Follow => self.merged.follow(),
            Action::Top => self.merged.top(),
            Action::PageUp => self.merged.page(-1),
            Action::PageDown => self.merged.page(1),
            Action::LineUp => self.merged.step(-1),
            Action::LineDown => self.merged.step(1),
            Action::OpenLine => {
                if let Some((name, line)) = self.merged.marked().map(|(name, line)| (name.clone(), line)) {
                    self.open_line(&name, line, world);
                }
            }
            Action::Clear => {
                self.merged.clear();
                self.show_message("the view is clear: g shows everything again", world.now);
            }
            Action::DropMarker => {
                self.marks += 1;
                let marker = Marker::Mark { number: self.marks };
                let names = world.snapshot.services.iter().map(|service| service.name.clone());
                let shown: Vec<_> = names.filter(|name| self.is_merged(name)).collect();
                self.followups.extend(shown.into_iter().map(|name| Followup::Mark(name, marker.clone())));
            }
            Action::Copy => self.copy_request = Some(CopyRequest::Copy),
            Action::Save => self.copy_request = Some(CopyRequest::Save),
            Action::Edit => self.copy_request = Some(CopyRequest::Edit),
            Action::Select => {
                self.show_message("lines are selected by keys in a service's own pane: Enter goes there", world.now)
            }
            Action::PreviousRun | Action::NextRun => self.merged.jump(Jump::Run { forward: true }),
            _ if self.find_action(action, &Source::Merged, world) => {}
            _ => return self.service_action(action, world),
        }
        Vec::new()
    }

    /// The merged view comes or goes.
    pub(super) fn toggle_merged(&mut self) {
        self.merging = !self.merging;
        self.selection = None;
    }

    /// A service is shown in the merged view, or not.
    pub(super) fn toggle_member(&mut self, index: usize, world: &World<'_>) {
        let Some(service) = world.snapshot.services.get(index) else { return };
        let name = &service.name;
        let mut others = world.snapshot.services.iter().filter(|other| other.name != *name);
        let alone = !others.any(|other| self.is_merged(&other.name));
        if !self.merged.hidden.remove(name) {
            if alone {
                return self.show_message(format!("{name} is the last one that is shown"), world.now);
            }
            self.merged.hidden.insert(name.clone());
        }
        self.selection = None;
        let what = if self.is_merged(name) { "shown" } else { "hidden" };
        self.show_message(format!("{name} is {what}"), world.now);
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
