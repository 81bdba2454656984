//! Searching, filtering and going from place to place in the logs.

use std::sync::Arc;

use crossterm::event::KeyEvent;

use super::super::action::Action;
use super::super::find::Purpose;
use super::super::log_view::{Frame, Jump, LineLayout, MatchCount, PaneText, Viewport};
use super::super::source::Source;
use super::merging::Member;
use super::{Followup, UiState, World};
use crate::domain::ServiceName;
use crate::logs::{Lane, LineSource, LogDocument, Matches, Query, Reader, Scan, VisibleLines};

/// Cells that one press of an arrow scrolls sideways.
const SIDEWAYS: isize = 8;

impl UiState {
    /// The visible lines of a pane.
    pub(in crate::tui) fn read_pane(
        &mut self,
        name: &ServiceName,
        focused: bool,
        document: &Arc<LogDocument>,
        layout: &LineLayout,
    ) -> PaneText {
        let (source, members) = (Source::Service(name.clone()), [(name.clone(), document.clone())]);
        let roams = focused && self.find.searches_all();
        self.with_lines(&source, &members, focused, |viewport, lines, query| {
            let names = std::slice::from_ref(name);
            viewport.take(lines, &Frame { names, labels: &[], query, roams, layout: *layout })
        })
    }

    /// Locks the logs of the members, and hands over those of their lines that the pane shows.
    pub(in crate::tui) fn with_lines<T>(
        &mut self,
        source: &Source,
        members: &[Member],
        focused: bool,
        act: impl FnOnce(&mut Viewport, &mut LineSource<'_>, Option<&Query>) -> T,
    ) -> T {
        // Whoever types sees the terminal as it is.
        let typed = source.service().is_some_and(|name| self.typist.target() == Some(name));
        let viewport = self.viewports.entry(source.clone()).or_default();
        let errors = viewport.wants_errors();
        let scans = members.iter().map(|(name, document)| self.find.scans(source, (name, document), focused, errors));
        let scans: Vec<_> = scans.collect();
        let mut behind: Vec<Arc<Scan>> = Vec::new();
        let lanes = members.iter().zip(&scans).map(|((name, document), scans)| {
            let mut reader = document.read();
            let floor = viewport.floor(name, reader.end());
            let mut found = |scan| matches_of(scan, &mut reader, &mut behind);
            let search = scans.search.as_ref().map(|(_, scan)| found(scan));
            let filter = scans.filter.as_ref().filter(|_| !typed).map(&mut found);
            let errors = scans.errors.as_ref().map(&mut found);
            Lane::new(VisibleLines::new(reader).filtered(filter, floor)).with(search, errors)
        });
        let mut lines = LineSource { lanes: lanes.collect() };
        let query = scans.first().and_then(|scans| scans.search.as_ref()).map(|(query, _)| query);
        let result = act(viewport, &mut lines, query);
        drop(lines);
        self.requests.followups.extend(behind.into_iter().map(Followup::Scan));
        result
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
        if let Some(source) = self.source(world.snapshot).filter(|_| is_search) {
            self.viewport(&source).search_anew();
        }
    }

    /// While all services are searched: what was found in each, for the count in the border and for the way from one to
    /// the next.
    pub(in crate::tui) fn look_everywhere(&mut self, members: &[(ServiceName, Arc<LogDocument>)]) {
        if !self.find.searches_all() || self.merging {
            return self.find.found_everywhere(Vec::new());
        }
        let everywhere = self.count_everywhere(members);
        self.find.found_everywhere(everywhere);
    }

    /// The pane with the focus shows this. If its search finds nothing there: how much all services have, for the way to
    /// them.
    pub(in crate::tui) fn look_beyond(&mut self, focused: Option<&PaneText>, members: &[Member]) {
        let finds_none = focused.and_then(|text| text.match_count).is_some_and(MatchCount::is_none);
        if !finds_none || self.find.searches_all() || self.merging {
            self.find.beyond = None;
            return;
        }
        let everywhere = self.count_everywhere(members);
        let all_known = everywhere.iter().all(|(.., complete)| *complete);
        self.find.beyond = all_known.then(|| everywhere.iter().map(|(_, count, _)| count).sum());
    }

    fn count_everywhere(&mut self, members: &[Member]) -> Vec<(ServiceName, u64, bool)> {
        let mut everywhere = Vec::with_capacity(members.len());
        for member in members {
            let source = Source::Service(member.0.clone());
            let found = self.with_lines(&source, std::slice::from_ref(member), true, |_, lines, _| {
                let lane = lines.lanes.first()?;
                let matches = lane.search.as_ref()?;
                Some((member.0.clone(), lane.lines.count(matches), matches.is_complete()))
            });
            everywhere.extend(found);
        }
        everywhere
    }

    /// The search has left the service with the focus: it goes on in the next one that has a match, round and round. The
    /// answer is whether another frame is needed to show that.
    pub(in crate::tui) fn roam(&mut self, leaves: Option<bool>, world: &World<'_>) -> bool {
        let roams = leaves.or(self.find.roams);
        self.find.roams = roams.filter(|_| self.find.searches_all() && !self.merging);
        let Some(forward) = self.find.roams else { return false };
        let everywhere = self.find.everywhere();
        let selected = self.selected_name(world.snapshot);
        let Some(here) = everywhere.iter().position(|(name, ..)| Some(name) == selected.as_ref()) else {
            self.find.roams = None;
            return false;
        };
        let count = everywhere.len();
        let way = (1..=count).map(|step| if forward { (here + step) % count } else { (here + count - step) % count });
        for (index, (name, found, complete)) in way.filter_map(|index| Some((index, everywhere.get(index)?))) {
            if *found > 0 {
                let wraps = if forward { index <= here } else { index >= here };
                let name = name.clone();
                self.find.roams = None;
                // Whatever was asked for after that goes on from there.
                let steps = selected.as_ref().map(|left| self.log(left).hand_over_jumps());
                for step in [Jump::Edge { forward }].into_iter().chain(steps.into_iter().flatten()) {
                    self.log(&name).jump(step);
                }
                let service = world.snapshot.services.iter().position(|service| service.name == name);
                self.select(service.unwrap_or(usize::MAX), world);
                if wraps {
                    let edge = if forward { "first" } else { "last" };
                    self.show_message(format!("no more matches, continuing from the {edge} service"));
                }
                return true;
            }
            if !complete {
                // It is still being read: with the next slice.
                return false;
            }
        }
        self.find.roams = None;
        self.show_message("no match");
        false
    }

    /// The search is over: the log that keys mean stays where it is, and others that the search has led away from their
    /// ends follow these again.
    pub(super) fn leave_matches(&mut self, world: &World<'_>) {
        let here = self.source(world.snapshot);
        for (source, viewport) in &mut self.viewports {
            if Some(source) == here.as_ref() {
                viewport.leave_matches();
            } else {
                viewport.leave_mark();
            }
        }
    }

    /// Back from where the reader is: this log follows its end again; from an error, or a run, that was gone to, so do the
    /// others that were left at one. The answer is whether the reader was elsewhere.
    pub(super) fn go_to_end(&mut self, world: &World<'_>) -> bool {
        let here = self.source(world.snapshot).and_then(|source| self.viewports.get(&source));
        let is_at_one = here.is_some_and(|viewport| viewport.marked().is_some());
        if is_at_one {
            self.viewports.values_mut().for_each(Viewport::leave_mark);
            return true;
        }
        let here = self.source(world.snapshot).and_then(|source| self.viewports.get_mut(&source));
        here.filter(|viewport| !viewport.is_at_end()).map(Viewport::follow).is_some()
    }

    /// Shows all of the lines that keys mean. The answer is whether they were filtered.
    pub(super) fn leave_filter(&mut self, world: &World<'_>) -> bool {
        self.source(world.snapshot).is_some_and(|source| self.find.end_filter(&source))
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
                    self.show_message(error);
                }
                if self.find.prompt.is_none() {
                    self.viewport(&source).end_search(false);
                    // It was looked for everywhere: the first match is gone to, wherever it is.
                    let here = source.service().and_then(|name| self.find.found_in(name));
                    if here == Some(0) {
                        self.viewport(&source).jump(Jump::Hit { forward: true });
                    }
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
            Action::NextHit => self.viewport(&source).jump(Jump::Hit { forward: true }),
            Action::PreviousHit => self.viewport(&source).jump(Jump::Hit { forward: false }),
            _ => {}
        }
    }

    /// Esc while a search or a filter is typed.
    pub(super) fn cancel_prompt(&mut self, world: &World<'_>) {
        self.find.cancel();
        if let Some(source) = self.source(world.snapshot) {
            self.viewport(&source).end_search(true);
        }
    }

    /// What keys do with the lines of a pane. The answer is whether it was one of these.
    pub(super) fn find_action(&mut self, action: Action, source: &Source) -> bool {
        match action {
            Action::Search | Action::Filter => {
                self.find.open(if action == Action::Search { Purpose::Search } else { Purpose::Filter });
                self.viewport(source).begin_search();
            }
            Action::NextHit | Action::PreviousHit if !self.find.is_searching() => {
                self.show_message("no search: / starts one");
            }
            Action::NextHit => self.viewport(source).jump(Jump::Hit { forward: true }),
            Action::PreviousHit => self.viewport(source).jump(Jump::Hit { forward: false }),
            Action::NextError => self.viewport(source).jump(Jump::Error { forward: true }),
            Action::PreviousError => self.viewport(source).jump(Jump::Error { forward: false }),
            Action::NextRun => self.viewport(source).jump(Jump::Run { forward: true }),
            Action::PreviousRun => self.viewport(source).jump(Jump::Run { forward: false }),
            Action::ScrollLeft => self.viewport(source).sideways(-SIDEWAYS),
            Action::ScrollRight if self.is_wrapped() => self.show_message("long lines are wrapped: w cuts them"),
            Action::ScrollRight => self.viewport(source).sideways(SIDEWAYS),
            _ => return false,
        }
        true
    }

    fn is_wrapped(&self) -> bool {
        self.lines.wraps(self.panes.zoom)
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
