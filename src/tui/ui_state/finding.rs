//! Searching, filtering and going from place to place in the logs.

use std::sync::Arc;

use crossterm::event::KeyEvent;

use super::super::action::Action;
use super::super::find::Purpose;
use super::super::layout::Pane;
use super::super::log_view::{Found, Jump, LineLayout, PaneText};
use super::super::source::Source;
use super::{UiState, World};
use crate::domain::{Marker, ServiceName};
use crate::logs::{LogDocument, Matches, Reader, Scan};

/// Cells that one press of an arrow scrolls sideways.
const SIDEWAYS: isize = 8;

/// What is to be done beside the drawing.
#[derive(Debug)]
pub(in crate::tui) enum Followup {
    /// Read lines; it is claimed for whoever takes this.
    Scan(Arc<Scan>),
    /// Put a marker into the log of a service.
    Mark(ServiceName, Marker),
    /// Ask why the path of this event in the journal was judged so.
    Why(u64, Arc<str>),
}

impl UiState {
    /// The visible lines of a pane.
    pub(in crate::tui) fn read_pane(
        &mut self,
        name: &ServiceName,
        focused: bool,
        document: &Arc<LogDocument>,
        layout: &LineLayout,
    ) -> PaneText {
        let errors = self.log(name).wants_errors();
        let scans = self.find.scans(name, document, focused, errors);
        let mut reader = document.read();
        let mut behind: Vec<Arc<Scan>> = Vec::new();
        let found = Found {
            search: scans.search.as_ref().map(|(query, scan)| (query, matches_of(scan, &mut reader, &mut behind))),
            // Whoever types sees the terminal as it is.
            filter: scans
                .filter
                .as_ref()
                .filter(|_| !layout.typed)
                .map(|scan| matches_of(scan, &mut reader, &mut behind)),
            errors: scans.errors.as_ref().map(|scan| matches_of(scan, &mut reader, &mut behind)),
            roams: focused && self.find.searches_all(),
        };
        let mut text = self.log(name).take_rows(&mut reader, &found, layout);
        let end = reader.end();
        text.seen.push((name.clone(), if text.rows_of_screen { end } else { self.log(name).end_of_seen(end) }));
        drop(found);
        self.followups.extend(behind.into_iter().map(Followup::Scan));
        text
    }

    /// The filter that is in force in the pane of a service.
    pub(in crate::tui) fn filter_of(&mut self, name: &ServiceName, document: &Arc<LogDocument>) -> Option<Arc<Scan>> {
        if self.typist.target() == Some(name) {
            return None;
        }
        self.find.filter(&Source::Service(name.clone()), name, document)
    }

    /// A key while a search or a filter is typed, unless it has a meaning there. The answer is whether it was taken.
    pub(super) fn prompt_key(&mut self, event: KeyEvent, world: &World<'_>) -> bool {
        let changed = self.find.type_key(event);
        if changed {
            self.search_anew(world);
        }
        changed
    }

    /// The text of the search has changed: from where it was begun, the nearest match is looked for.
    fn search_anew(&mut self, world: &World<'_>) {
        let is_search = self.find.prompt.as_ref().is_some_and(|prompt| prompt.purpose == Purpose::Search);
        match self.source(world.snapshot).filter(|_| is_search) {
            Some(Source::Service(name)) => self.log(&name).search_anew(),
            Some(Source::Merged) => self.merged.search_anew(),
            None => {}
        }
    }

    fn begin_search(&mut self, source: &Source) {
        match source {
            Source::Service(name) => self.log(name).begin_search(),
            Source::Merged => self.merged.begin_search(),
        }
    }

    fn end_search(&mut self, source: &Source, cancelled: bool) {
        match source {
            Source::Service(name) => self.log(name).end_search(cancelled),
            Source::Merged => self.merged.end_search(cancelled),
        }
    }

    fn jump(&mut self, source: &Source, to: Jump) {
        match source {
            Source::Service(name) => self.log(name).jump(to),
            Source::Merged => self.merged.jump(to),
        }
    }

    fn sideways(&mut self, source: &Source, cells: isize) {
        match source {
            Source::Service(name) => self.log(name).sideways(cells),
            Source::Merged => self.merged.sideways(cells),
        }
    }

    /// While all services are searched: what was found in each, for the count in the border and for the way from one to
    /// the next.
    pub(in crate::tui) fn look_everywhere(&mut self, members: &[(ServiceName, Arc<LogDocument>)]) {
        if !self.find.searches_all() || self.merging {
            return self.find.found_everywhere(Vec::new());
        }
        let mut everywhere = Vec::with_capacity(members.len());
        let mut behind: Vec<Arc<Scan>> = Vec::new();
        for (name, document) in members {
            let scans = self.find.scans(name, document, true, false);
            let Some((_, scan)) = &scans.search else { continue };
            let mut reader = document.read();
            let found = matches_of(scan, &mut reader, &mut behind);
            let filter = scans.filter.as_ref().map(|scan| matches_of(scan, &mut reader, &mut behind));
            let visible = self.log(name).visible_lines(&mut reader, filter.as_ref());
            everywhere.push((name.clone(), visible.count(&found), found.is_complete()));
        }
        self.followups.extend(behind.into_iter().map(Followup::Scan));
        self.find.found_everywhere(everywhere);
    }

    /// The search has left the service with the focus: it goes on in the next one that has a match, round and round. The
    /// answer is whether another frame is needed to show that.
    pub(in crate::tui) fn roam(&mut self, leaves: Option<bool>, world: &World<'_>) -> bool {
        self.roams = leaves.or(self.roams).filter(|_| self.find.searches_all() && !self.merging);
        let Some(forward) = self.roams else { return false };
        let everywhere = self.find.everywhere();
        let selected = self.selected_name(world.snapshot);
        let Some(here) = everywhere.iter().position(|(name, ..)| Some(name) == selected.as_ref()) else {
            self.roams = None;
            return false;
        };
        let count = everywhere.len();
        let way = (1..=count).map(|step| if forward { (here + step) % count } else { (here + count - step) % count });
        for (index, (name, found, complete)) in way.filter_map(|index| Some((index, everywhere.get(index)?))) {
            if *found > 0 {
                let wraps = if forward { index <= here } else { index >= here };
                let name = name.clone();
                self.roams = None;
                // Whatever was asked for after that goes on from there.
                let steps = selected.as_ref().map(|left| self.log(left).hand_over_jumps()).unwrap_or_default();
                for step in [Jump::Edge { forward }].into_iter().chain(steps) {
                    self.log(&name).jump(step);
                }
                let service = world.snapshot.services.iter().position(|service| service.name == name);
                self.select(service.unwrap_or(usize::MAX), world);
                if wraps {
                    let edge = if forward { "first" } else { "last" };
                    self.show_message(format!("search wrapped: on from the {edge} service"), world.now);
                }
                return true;
            }
            if !complete {
                // It is still being read: with the next slice.
                return false;
            }
        }
        self.roams = None;
        self.show_message("no match", world.now);
        false
    }

    /// Pasted text goes into the prompt.
    pub(super) fn prompt_paste(&mut self, text: &str, world: &World<'_>) {
        // One line of it: a query has no line ends.
        if let Some(line) = text.lines().find(|line| !line.trim().is_empty()) {
            self.find.type_text(line);
            self.search_anew(world);
        }
    }

    /// What keys do while a search or a filter is typed.
    pub(super) fn prompt_action(&mut self, action: Action, world: &World<'_>) {
        let Some(source) = self.source(world.snapshot) else {
            self.find.cancel();
            return;
        };
        match action {
            Action::Keep => {
                if let Err(error) = self.find.keep(&source) {
                    self.show_message(error, world.now);
                }
                if self.find.prompt.is_none() {
                    self.end_search(&source, false);
                }
            }
            Action::QueryKind => {
                self.find.next_kind();
                self.search_anew(world);
            }
            Action::QueryScope => {
                self.find.next_scope();
                self.search_anew(world);
            }
            Action::NextHit => self.jump(&source, Jump::Hit { forward: true }),
            Action::PreviousHit => self.jump(&source, Jump::Hit { forward: false }),
            _ => {}
        }
    }

    /// Esc while a search or a filter is typed.
    pub(super) fn cancel_prompt(&mut self, world: &World<'_>) {
        self.find.cancel();
        if let Some(source) = self.source(world.snapshot) {
            self.end_search(&source, true);
        }
    }

    /// What keys do with the lines of a pane. The answer is whether it was one of these.
    pub(super) fn find_action(&mut self, action: Action, source: &Source, world: &World<'_>) -> bool {
        match action {
            Action::Search | Action::Filter => {
                self.find.open(if action == Action::Search { Purpose::Search } else { Purpose::Filter });
                self.begin_search(source);
            }
            Action::NextHit | Action::PreviousHit if !self.find.is_searching() => {
                self.show_message("nothing is searched for: / searches", world.now);
            }
            Action::NextHit => self.jump(source, Jump::Hit { forward: true }),
            Action::PreviousHit => self.jump(source, Jump::Hit { forward: false }),
            Action::NextError => self.jump(source, Jump::Error { forward: true }),
            Action::PreviousError => self.jump(source, Jump::Error { forward: false }),
            Action::NextRun => self.jump(source, Jump::Run { forward: true }),
            Action::PreviousRun => self.jump(source, Jump::Run { forward: false }),
            Action::ScrollLeft => self.sideways(source, -SIDEWAYS),
            Action::ScrollRight if self.is_wrapped() => {
                self.show_message("long lines are wrapped: w cuts them", world.now)
            }
            Action::ScrollRight => self.sideways(source, SIDEWAYS),
            _ => return false,
        }
        true
    }

    fn is_wrapped(&self) -> bool {
        if self.zoom { self.wrap_zoomed } else { self.wrap }
    }

    /// One line of the pane is needed for what is searched for, where there is no border below.
    pub(super) fn find_takes_row(&self, pane: &Pane, source: &Source, focused: bool) -> bool {
        pane.frame != super::super::layout::Frame::Full && self.find.has_line(source, focused)
    }
}

/// What a scan has found so far. One that has lines to read, and nobody at it, is claimed and added to `behind`.
pub(super) fn matches_of<'a>(scan: &'a Arc<Scan>, reader: &mut Reader<'_>, behind: &mut Vec<Arc<Scan>>) -> Matches<'a> {
    let matches = scan.matches(reader);
    if matches.is_behind() && scan.claim() {
        behind.push(scan.clone());
    }
    matches
}
