//! Searching, filtering and going from place to place in the logs.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};

use super::super::action::Action;
use super::super::find::Purpose;
use super::super::keymap::Key;
use super::super::layout::Pane;
use super::super::log_view::{Found, Jump, LineLayout, PaneText};
use super::{UiState, World};
use crate::domain::{Marker, ServiceName};
use crate::logs::{LogDocument, Matches, Reader, Scan};

/// Cells that one press of an arrow scrolls sideways.
const SIDEWAYS: isize = 8;

/// What is to be done beside the drawing.
#[derive(Debug)]
pub(in crate::tui) enum Errand {
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
        let jump = self.log(name).wanted_jump();
        let scans = self.find.scans(name, document, focused, jump);
        let mut reader = document.read();
        let mut behind: Vec<Arc<Scan>> = Vec::new();
        let found = Found {
            search: scans.search.as_ref().map(|(query, scan)| (query, look(scan, &mut reader, &mut behind))),
            // Whoever types sees the terminal as it is.
            filter: scans.filter.as_ref().filter(|_| !layout.typed).map(|scan| look(scan, &mut reader, &mut behind)),
            errors: scans.errors.as_ref().map(|scan| look(scan, &mut reader, &mut behind)),
        };
        let text = self.log(name).take(&mut reader, &found, layout);
        drop(found);
        self.errands.extend(behind.into_iter().map(Errand::Scan));
        text
    }

    /// The filter that is in force in the pane of a service.
    pub(in crate::tui) fn filter_of(&mut self, name: &ServiceName, document: &Arc<LogDocument>) -> Option<Arc<Scan>> {
        if self.typist.target() == Some(name) { None } else { self.find.filter(name, document) }
    }

    /// A key while a search or a filter is typed, unless it has a meaning there. The answer is whether it was taken.
    pub(super) fn prompt_key(&mut self, event: KeyEvent, world: &World<'_>) -> bool {
        let changed = match Key::from(event).plain_char() {
            Some(c) => self.find.type_text(Some(c.encode_utf8(&mut [0; 4]))),
            None if event.code == KeyCode::Backspace => self.find.type_text(None),
            None => false,
        };
        if changed {
            self.search_anew(world);
        }
        changed
    }

    /// The text of the search has changed: from where it was begun, the nearest match is looked for.
    fn search_anew(&mut self, world: &World<'_>) {
        let is_search = self.find.prompt.as_ref().is_some_and(|prompt| prompt.purpose == Purpose::Search);
        if is_search && let Some(name) = self.selected_name(world.snapshot) {
            self.log(&name).search_anew();
        }
    }

    /// Pasted text goes into the prompt.
    pub(super) fn prompt_paste(&mut self, text: &str, world: &World<'_>) {
        // One line of it: a query has no line ends.
        self.find.type_text(text.lines().find(|line| !line.trim().is_empty()));
        self.search_anew(world);
    }

    /// What keys do while a search or a filter is typed.
    pub(super) fn prompt_action(&mut self, action: Action, world: &World<'_>) {
        let Some(name) = self.selected_name(world.snapshot) else {
            self.find.cancel();
            return;
        };
        match action {
            Action::Keep => {
                if let Err(error) = self.find.keep(&name) {
                    self.say(error, world.now);
                }
                if self.find.prompt.is_none() {
                    self.log(&name).end_search(false);
                }
            }
            Action::QueryKind => {
                self.find.next_kind();
                self.search_anew(world);
            }
            Action::NextHit => self.log(&name).jump(Jump::Hit { forward: true }),
            Action::PreviousHit => self.log(&name).jump(Jump::Hit { forward: false }),
            _ => {}
        }
    }

    /// Esc while a search or a filter is typed.
    pub(super) fn cancel_prompt(&mut self, world: &World<'_>) {
        self.find.cancel();
        if let Some(name) = self.selected_name(world.snapshot) {
            self.log(&name).end_search(true);
        }
    }

    /// What keys do with the log of the selected service.
    pub(super) fn find_action(&mut self, action: Action, name: &ServiceName, world: &World<'_>) {
        match action {
            Action::Search => {
                self.find.open(Purpose::Search);
                self.log(name).begin_search();
            }
            Action::Filter => {
                self.find.open(Purpose::Filter);
                self.log(name).begin_search();
            }
            Action::NextHit | Action::PreviousHit if !self.find.is_searching() => {
                self.say("nothing is searched for: / searches", world.now);
            }
            Action::NextHit => self.log(name).jump(Jump::Hit { forward: true }),
            Action::PreviousHit => self.log(name).jump(Jump::Hit { forward: false }),
            Action::NextError => self.log(name).jump(Jump::Error { forward: true }),
            Action::PreviousError => self.log(name).jump(Jump::Error { forward: false }),
            Action::NextRun => self.log(name).jump(Jump::Run { forward: true }),
            Action::PreviousRun => self.log(name).jump(Jump::Run { forward: false }),
            Action::ScrollLeft => self.log(name).sideways(-SIDEWAYS),
            Action::ScrollRight if self.is_wrapped() => self.say("long lines are wrapped: w cuts them", world.now),
            Action::ScrollRight => self.log(name).sideways(SIDEWAYS),
            Action::DropMarker => {
                self.marks += 1;
                let marker = Marker::Mark { number: self.marks };
                self.errands.push(Errand::Mark(name.clone(), marker));
            }
            Action::Clear => {
                self.log(name).clear();
                self.say("the view is clear: g shows everything again", world.now);
            }
            _ => {}
        }
    }

    fn is_wrapped(&self) -> bool {
        if self.zoom { self.wrap_zoomed } else { self.wrap }
    }

    /// One line of the pane is needed for what is searched for, where there is no border below.
    pub(super) fn find_takes_row(&self, pane: &Pane, name: Option<&ServiceName>, focused: bool) -> bool {
        pane.frame != super::super::layout::Frame::Full && name.is_some_and(|name| self.find.has_line(name, focused))
    }
}

/// What a scan has found so far. One that has lines to read, and nobody at it, is claimed and added to `behind`.
fn look<'a>(scan: &'a Arc<Scan>, reader: &mut Reader<'_>, behind: &mut Vec<Arc<Scan>>) -> Matches<'a> {
    let matches = scan.matches(reader);
    if matches.is_behind() && scan.claim() {
        behind.push(scan.clone());
    }
    matches
}
