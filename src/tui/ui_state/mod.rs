//! What the user has chosen to see, and what keys and clicks do to it.
//!
//! Everything is decided here and nothing is done: the answer to a key is a list of commands for the group.

mod arranging;
mod choices;
mod choosing;
mod elsewhere;
mod errors;
mod filtering;
mod finding;
mod instances;
mod leaving;
mod merging;
mod messages;
mod pointing;
mod requests;
mod starts;
mod tasks;
mod usage;

use std::collections::{BTreeSet, HashMap};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{Action, Context};
use super::find::Find;
use super::folding::{self, Folds};
use super::glyphs::Glyphs;
use super::input::Input;
use super::keymap::{Key, Keymap};
use super::known_errors::KnownErrors;
use super::layout::{LayoutRequest, OuterScreen, Pane};
use super::log_view::{LineLayout, Viewport};
use super::message::Message;
use super::options::DashboardOptions;
use super::panel::{Details, Help, Palette, Panel, Panels, WatcherPanel};
use super::ranking::{MadeFor, Ranking};
use super::selection::{CopyRequest, Selection};
use super::service_filter::ServiceFilter;
use super::source::Source;
use super::theme::Theme;
use super::typing::Typist;
use super::unseen::Unseen;
use super::view::strip_rows;
use super::words::unwatched_changes;
use crate::clock::Clock;
use crate::display::Notification;
use crate::domain::{Command, Explanation, GroupSnapshot, Moment, PaneView, ServiceName, Targets, WatchState, count};
use arranging::{LineChoice, PaneChoice};
use errors::Opens;
use leaving::Leaving;
use messages::Messages;
use requests::Requests;
use starts::UnseenStart;

pub(super) use leaving::Attachment;
pub(super) use merging::Member;
pub(super) use requests::Followup;

/// What the state is applied to.
#[derive(Clone, Copy, Debug)]
pub(super) struct World<'a> {
    /// The state of the group, as it was last published.
    pub(super) snapshot: &'a GroupSnapshot,
    /// Columns and rows of the terminal.
    pub(super) size: (u16, u16),
    /// The moment of the key or frame.
    pub(super) now: Moment,
}

/// What the user has chosen to see.
pub(super) struct UiState {
    /// The service that keys mean.
    selected: Option<ServiceName>,
    /// The service of the first pane: the selected one, unless Tab has gone to another pane.
    main: Option<ServiceName>,
    /// Nobody has pressed a key or a button yet; until when that matters.
    untouched_until: Option<Moment>,
    /// It was selected by the row that it shares with other instances, and not for itself.
    by_row: bool,
    pub(super) panes: PaneChoice,
    ranking: Ranking,
    /// Rows that the last file events have needed.
    strip_rows: u16,
    /// Wheel and click go to the dashboard.
    pub(super) mouse: bool,
    lines: LineChoice,
    pub(super) find: Find,
    /// What the sidebar is filtered by, while it is typed.
    pub(super) service_filter: Option<ServiceFilter>,
    /// Which instances have a row each.
    pub(super) folds: Folds,
    /// Markers that were dropped.
    marks: u32,
    pub(super) panels: Panels,
    /// Where the reader of each pane stands.
    viewports: HashMap<Source, Viewport>,
    /// The lines of all services are shown in place of the panes.
    pub(super) merging: bool,
    /// Services whose lines are not shown there.
    hidden: BTreeSet<ServiceName>,
    /// Errors that were not in sight.
    pub(super) unseen: Unseen,
    /// Whether there is one to go to.
    pub(super) known_errors: KnownErrors,
    /// What an editor opens.
    pub(super) opens: Opens,
    leaving: Leaving,
    /// A start that its reader does not see.
    unseen_start: Option<UnseenStart>,
    pub(super) messages: Messages,
    pub(super) requests: Requests,
    /// The service in whose log no error was found, while those of others are looked for.
    without_errors: Option<ServiceName>,
    /// Into which service every key goes, if any.
    pub(super) typist: Typist,
    /// What is selected.
    pub(super) selection: Option<Selection>,
    pub(super) glyphs: &'static Glyphs,
    pub(super) theme: Theme,
    /// How failures are told to one who looks elsewhere.
    pub(super) notification: Notification,
}

impl UiState {
    /// What is seen at first.
    pub(super) fn new(options: DashboardOptions) -> Self {
        let display = options.display;
        Self {
            selected: None,
            main: None,
            untouched_until: Some(Moment::START + choosing::START),
            by_row: false,
            panes: PaneChoice { arrangement: options.arrangement, ..PaneChoice::default() },
            ranking: Ranking::default(),
            strip_rows: 0,
            mouse: options.mouse,
            lines: LineChoice::default(),
            find: Find::default(),
            service_filter: None,
            folds: Folds::default(),
            marks: 0,
            panels: Panels::default(),
            viewports: HashMap::new(),
            merging: false,
            hidden: BTreeSet::new(),
            unseen: Unseen::default(),
            known_errors: KnownErrors::default(),
            opens: Opens::default(),
            leaving: Leaving { attachment: Attachment::Own, confirm_quit: options.confirm_quit },
            unseen_start: None,
            messages: Messages::default(),
            requests: Requests::default(),
            without_errors: None,
            typist: Typist::default(),
            selection: None,
            glyphs: Glyphs::of(display.glyphs),
            theme: Theme::new(options),
            notification: display.notification,
        }
    }

    /// The index of the service that keys mean; the first that is to run if nothing was selected, or it is gone.
    pub(super) fn selected(&self, snapshot: &GroupSnapshot) -> Option<usize> {
        index_of(snapshot, self.selected.as_ref())
    }

    /// Where everything is.
    pub(super) fn screen(&self, world: &World<'_>) -> OuterScreen {
        let banner = matches!(world.snapshot.watch.state, WatchState::Paused | WatchState::Held)
            && world.snapshot.stopping.is_none();
        let request = self.layout_request(world.snapshot, self.panes.zoom, self.panels.cover_panes(), banner);
        OuterScreen::new(world.size.0, world.size.1, &LayoutRequest { merged: self.merging, ..request })
    }

    /// Where the panes are when nothing is open: what the terminals of the services are sized by.
    pub(super) fn resting_screen(&self, world: &World<'_>) -> OuterScreen {
        OuterScreen::new(world.size.0, world.size.1, &self.layout_request(world.snapshot, false, false, false))
    }

    /// Decides whose panes are shown beside the first one. `spoke`: when a service has printed its last line.
    pub(super) fn rank(&mut self, world: &World<'_>, spoke: impl Fn(&ServiceName) -> Option<Moment>) {
        let main = index_of(world.snapshot, self.main.as_ref()).and_then(|index| world.snapshot.services.get(index));
        let made_for = MadeFor {
            main: main.map(|service| service.name.clone()),
            arrangement: self.panes.arrangement,
            size: world.size,
        };
        let unseen = &self.unseen;
        self.ranking.update(world.snapshot, made_for, |name| unseen.has_any(name), spoke);
        // It never shrinks again: nothing jumps while one reads.
        self.strip_rows = self.strip_rows.max(strip_rows(world.snapshot));
    }

    fn layout_request(&self, snapshot: &GroupSnapshot, zoom: bool, watcher: bool, banner: bool) -> LayoutRequest {
        let main = if zoom { self.selected(snapshot) } else { index_of(snapshot, self.main.as_ref()) }.unwrap_or(0);
        LayoutRequest {
            services: snapshot.services.len(),
            main,
            others: self.one_of_each_row(snapshot, main, self.ranking.others(snapshot, main)),
            arrangement: self.panes.arrangement,
            sidebar_hidden: self.panes.sidebar_hidden,
            zoom,
            watcher,
            banner,
            merged: false,
            watches: snapshot.services.iter().any(|service| service.watches),
            strip_rows: self.strip_rows,
        }
    }

    /// How the lines of a pane are laid out.
    pub(super) fn line_layout(&self, pane: &Pane, snapshot: &GroupSnapshot, clock: Clock) -> LineLayout {
        let focused = self.selected(snapshot) == Some(pane.service);
        let typed = |name: &ServiceName| self.typist.target() == Some(name);
        let name = snapshot.services.get(pane.service).map(|service| &service.name).filter(|name| !typed(name));
        let taken = name.is_some_and(|name| self.find.has_line(&Source::Service(name.clone()), focused, pane.title));
        // When the run is over, there is only the log.
        let service = snapshot.services.get(pane.service).filter(|service| service.pid.is_some());
        let view = service.map_or(PaneView::Log, |service| service.view);
        LineLayout { view, ..self.line_layout_of(pane, taken, clock) }
    }

    /// How the lines of a pane are laid out, of which one row may be taken.
    fn line_layout_of(&self, pane: &Pane, taken: bool, clock: Clock) -> LineLayout {
        let inner = pane.inner();
        LineLayout {
            width: usize::from(inner.width),
            height: usize::from(inner.height.saturating_sub(u16::from(taken))),
            wrap: self.lines.wraps(self.panes.zoom),
            times: self.lines.times,
            folded: self.lines.folded,
            typed: false,
            view: PaneView::Log,
            glyphs: self.glyphs,
            theme: self.theme,
            clock,
        }
    }

    /// Where the reader of these lines stands.
    pub(super) fn viewport(&mut self, source: &Source) -> &mut Viewport {
        self.viewports.entry(source.clone()).or_default()
    }

    /// The reader of that service's log has gone to a line: an error, a match.
    pub(super) fn has_mark(&self, name: &ServiceName) -> bool {
        self.viewports.get(&Source::Service(name.clone())).is_some_and(|viewport| viewport.marked().is_some())
    }

    /// Where the reader of that service's log stands.
    pub(super) fn log(&mut self, name: &ServiceName) -> &mut Viewport {
        self.viewport(&Source::Service(name.clone()))
    }

    /// What keys mean now.
    pub(super) fn context(&self, snapshot: &GroupSnapshot) -> Context {
        if snapshot.stopping.is_some() {
            return Context::Stopping;
        }
        let typing = self.typist.target().or(self.typist.over()).map(|_| Context::Typing);
        let over = self.panels.over().map(Panel::context);
        let panel = over.or(typing).or_else(|| self.panels.iter().last().map(Panel::context));
        match panel {
            Some(context) => context,
            None if self.service_filter.is_some() => Context::ServiceFilter,
            None if self.find.prompt.is_some() => Context::Prompt,
            None if self.selection.as_ref().is_some_and(|selection| selection.by_keys) => Context::Select,
            None if self.merging => Context::Merged,
            None if self.panes.zoom => Context::Zoom,
            None => Context::Normal,
        }
    }

    /// The reason of an event of the watcher panel has come.
    pub(super) fn explained(&mut self, seq: u64, answer: Result<Box<Explanation>, String>) {
        if let Some(panel) = self.panels.watcher_mut() {
            panel.explained(seq, answer);
        }
    }

    /// The restarts of a service were read.
    pub(super) fn told_of_restarts(&mut self, service: &ServiceName, by_hour: [u32; crate::logs::HOURS]) {
        if let Some(details) = self.panels.details_mut().filter(|details| details.service == *service) {
            details.by_hour = Some(Box::new(by_hour));
        }
    }

    /// Says something for a few seconds.
    pub(super) fn show_message(&mut self, message: impl Into<Message>) {
        self.messages.show(message.into());
    }

    /// Says something until a key is pressed.
    pub(super) fn keep_message(&mut self, message: impl Into<Message>) {
        self.messages.keep(message.into());
    }

    /// Something was done that is not for a service.
    pub(super) fn input(&mut self, input: Input, world: &World<'_>) -> Vec<Command> {
        if self.is_for_nobody(&input, world) {
            return Vec::new();
        }
        self.untouched_until.take_if(|_| !matches!(input, Input::Focus(_)));
        match input {
            Input::Key(key) => return self.key(key, world),
            Input::Mouse(event) => self.pointer(event, world),
            Input::Paste(text) => self.paste(&text, world),
            Input::Focus(_) => {}
        }
        Vec::new()
    }

    /// A key was pressed.
    pub(super) fn key(&mut self, event: KeyEvent, world: &World<'_>) -> Vec<Command> {
        if let Some(commands) = self.after_typing(event, world) {
            return commands;
        }
        if event.code == KeyCode::Char('c') && event.modifiers.contains(KeyModifiers::CONTROL) {
            return self.quit(Command::Interrupt, world);
        }
        self.messages.dismiss(world.snapshot.notice.as_ref(), world.now);
        self.without_errors = None;
        let key = Key::from(event);
        let context = self.context(world.snapshot);
        if self.panels.with_keys(context).is_some_and(|panel| panel.type_key(event)) {
            return Vec::new();
        }
        let is_text = match context {
            Context::Prompt => self.prompt_key(event, world),
            Context::ServiceFilter => self.filter_key(event),
            _ => false,
        };
        if is_text {
            return Vec::new();
        }
        let action = Keymap::get().action(context, key);
        if action != Some(Action::Quit) {
            self.messages.forget_question();
        }
        let Some(action) = action else { return Vec::new() };
        match (action, key.digit()) {
            (Action::ServiceNumber, Some(digit)) => {
                let index = usize::try_from(digit).unwrap_or(0).wrapping_sub(1);
                match folding::units(world.snapshot).get(index) {
                    Some(unit) if context == Context::Merged => self.toggle_member(unit, world),
                    Some(unit) => self.select_row(unit, world),
                    None => {}
                }
                Vec::new()
            }
            _ => self.apply(action, context, world),
        }
    }

    /// Carries out an action.
    pub(super) fn apply(&mut self, action: Action, context: Context, world: &World<'_>) -> Vec<Command> {
        match action {
            Action::Back => self.back(world),
            Action::Quit => return self.quit(Command::Quit, world),
            Action::Detach => self.detach(),
            Action::QuitNow => return vec![Command::QuitNow],
            Action::Pause | Action::Discard => return self.pause_action(action == Action::Discard, world),
            Action::Redraw => self.requests.redraw = true,
            Action::Help => self.panels.open(Panel::Help(Help::default())),
            Action::Palette => {
                let service = self.selected_name(world.snapshot);
                self.panels.open(Panel::Palette(Palette::new(context, service, world.snapshot)));
            }
            Action::Mouse => {
                self.mouse = !self.mouse;
                let text = if self.mouse { "mouse: wheel and click" } else { "mouse: the terminal selects text" };
                self.show_message(text);
            }
            Action::OwnLog => self.panels.open_own_log(),
            Action::FilterServices => self.open_filter(),
            Action::Usage => self.toggle_usage(world),
            Action::Sidebar => {
                self.panes.sidebar_hidden = !self.panes.sidebar_hidden;
                if self.panes.sidebar_hidden {
                    let key = Keymap::get().key_name(Context::Normal, Action::Sidebar, self.glyphs.set);
                    self.show_message(format!("sidebar hidden {} {key} shows it", self.glyphs.dot));
                }
            }
            Action::Layout => {
                self.panes.arrangement = self.panes.arrangement.next();
                self.show_message(format!("layout: {}", self.panes.arrangement.word()));
            }
            Action::Merged => self.toggle_merged(),
            Action::Watcher => self.panels.open(Panel::Watcher(WatcherPanel::default())),
            Action::Tasks => self.open_tasks(world),
            Action::Zoom => self.zoom_or_open(world),
            Action::Wrap => self.lines.toggle_wrap(self.panes.zoom),
            Action::Times => self.lines.times = self.lines.times.next(),
            Action::FoldData => {
                let text = self.lines.fold();
                self.show_message(text);
            }
            Action::PreviousService => self.step(-1, world),
            Action::NextService => self.step(1, world),
            Action::PreviousPane => self.step_pane(-1, world),
            Action::NextPane => self.step_pane(1, world),
            // Only with its digit, in `key`.
            Action::ServiceNumber => {}
            _ => return self.apply_in(action, context, world),
        }
        Vec::new()
    }

    /// Actions that mean something different in each place.
    fn apply_in(&mut self, action: Action, context: Context, world: &World<'_>) -> Vec<Command> {
        match context {
            Context::Tasks | Context::Task if self.orders_task(action) => {}
            Context::Log
            | Context::Help
            | Context::Watcher
            | Context::WatcherFind
            | Context::Tasks
            | Context::TasksFind
            | Context::Task
            | Context::Menu
            | Context::Palette
            | Context::Details => return self.panel_action(action, context, world),
            Context::Select => self.select_action(action, world),
            Context::ServiceFilter => self.filter_action(action, world),
            Context::Prompt => self.prompt_action(action, world),
            Context::Merged => return self.merged_action(action, world),
            Context::Normal | Context::Zoom => return self.service_action(action, world),
            Context::Stopping | Context::Typing => {}
        }
        Vec::new()
    }

    /// Pauses, or ends the pause. What the group does not say of the changes that were held is said here.
    fn pause_action(&mut self, discards: bool, world: &World<'_>) -> Vec<Command> {
        let (watch, dot) = (&world.snapshot.watch, self.glyphs.dot);
        let held = watch.held + usize::from(watch.file_held);
        let is_paused = watch.state == WatchState::Paused;
        match (is_paused, held) {
            (false, _) if discards => {
                let key = Keymap::get().key_name(Context::Normal, Action::Pause, self.glyphs.set);
                self.show_message(format!("nothing is paused: {key} pauses"));
            }
            (true, 0) => {
                let unwatched = unwatched_changes(world.snapshot, self.glyphs);
                let what = unwatched.unwrap_or_else(|| "no changes were held".to_owned());
                self.show_message(format!("watching again {dot} {what}"));
            }
            (true, held) if discards => {
                self.show_message(format!("{} discarded {dot} no restart", count(held, "held change")));
            }
            _ => {}
        }
        match is_paused || discards {
            true => vec![Command::Resume { services: Vec::new(), discard: discards }],
            false => vec![Command::PauseByKey],
        }
    }

    /// What concerns the selected service or its log.
    fn service_action(&mut self, action: Action, world: &World<'_>) -> Vec<Command> {
        let Some(name) = self.subject(world) else { return Vec::new() };
        if action.is_for_a_run() && !self.has_instances(&name, world) {
            return Vec::new();
        }
        match action {
            Action::Restart => {
                self.asked_to_start(&name, false, world);
                return vec![Command::Restart { targets: self.targets(&name, world), force: false }];
            }
            Action::Start => {
                self.asked_to_start(&name, true, world);
                return vec![Command::Start(self.targets(&name, world))];
            }
            Action::Stop => {
                let meant = self.all_meant(&name, world.snapshot);
                let stops = self.asked_to_stop(&name, &meant, world);
                return stops.then_some(Command::Stop(Targets::Named(meant))).into_iter().collect();
            }
            Action::Kill => return vec![Command::Kill(self.targets(&name, world))],
            Action::RestartMenu => self.panels.open(Panel::Menu(self.restart_menu(&name, world))),
            Action::Details => {
                self.panels.open(Panel::Details(Details::of(name.clone())));
                self.requests.followups.push(Followup::Restarts(name.clone()));
                return vec![Command::Inspect { service: name }];
            }
            Action::TypeInto => self.type_into(&name, world),
            Action::OpenUrl => self.open_url(&name, world),
            Action::LineUp => self.log(&name).scroll(-1),
            Action::LineDown => self.log(&name).scroll(1),
            Action::DropMarker => self.drop_marker(vec![name]),
            _ => {
                self.lines_action(action, &Source::Service(name));
            }
        }
        Vec::new()
    }

    /// What keys do with the lines of a pane, of one service or of all. The answer is whether it was one of these.
    fn lines_action(&mut self, action: Action, source: &Source) -> bool {
        match action {
            Action::Follow => self.viewport(source).follow(),
            Action::Top => self.viewport(source).top(),
            Action::PageUp => self.viewport(source).page(-1),
            Action::PageDown => self.viewport(source).page(1),
            Action::Clear => {
                self.viewport(source).clear();
                self.show_message("view cleared: g shows everything again");
            }
            Action::Copy => self.requests.copy = Some(CopyRequest::Copy),
            Action::Save => self.requests.copy = Some(CopyRequest::Save),
            Action::Edit => self.requests.copy = Some(CopyRequest::Edit),
            Action::Select => {
                self.panes.zoom |= !source.is_merged();
                self.requests.copy = Some(CopyRequest::Select);
            }
            _ => return self.find_action(action, source),
        }
        true
    }

    /// One step back: the overlay, the panel, the search, the zoom, the error. Never quits.
    fn back(&mut self, world: &World<'_>) {
        if self.panels.over().is_some() {
            self.panels.back();
        } else if self.context(world.snapshot) == Context::Prompt {
            self.cancel_prompt(world);
        } else if self.service_filter.take().is_some() || self.selection.take().is_some() {
        } else if self.panels.cover_panes() {
            self.panels.back();
        } else if self.find.end_search() {
            self.leave_matches(world);
        } else if self.leave_filter(world)
            || std::mem::take(&mut self.merging)
            || std::mem::take(&mut self.panes.zoom)
            || self.go_to_end(world)
        {
        } else if let Some(index) = self.selected(world.snapshot) {
            self.folds.close(world.snapshot, index);
        }
    }

    /// The group has changed: a pane that had the focus may be gone.
    pub(super) fn adjust(&mut self, world: &World<'_>) {
        self.check_typing(world);
        self.tell_start(world);
        if self.panels.over().is_none() && self.typist.over().is_none() {
            self.settle_selection(world);
            self.follow_worst(world);
        }
        let question = self.panels.watcher_mut().and_then(|panel| panel.question(&world.snapshot.journal));
        self.requests.followups.extend(question.map(|(seq, path)| Followup::Why(seq, path)));
        self.ask_about_tasks(world);
        let is_there = |name: &ServiceName| world.snapshot.service(name).is_some();
        self.viewports.retain(|source, _| source.service().is_none_or(is_there));
        self.find.retain(is_there);
        if self.panes.zoom || self.panels.cover_panes() || self.selected == self.main {
            return;
        }
        if let Some(selected) = self.selected(world.snapshot) {
            let screen = self.resting_screen(world);
            if screen.pane(selected).is_none() && !screen.one_line {
                self.selected.clone_from(&self.main);
            }
        }
    }
}

fn index_of(snapshot: &GroupSnapshot, name: Option<&ServiceName>) -> Option<usize> {
    let found = name.and_then(|name| snapshot.services.iter().position(|service| &service.name == name));
    found.or_else(|| choosing::first(snapshot))
}

#[cfg(test)]
mod instance_tests;
#[cfg(test)]
mod merged_tests;
#[cfg(test)]
mod removal_tests;
#[cfg(test)]
mod sight_tests;
#[cfg(test)]
mod tests;
