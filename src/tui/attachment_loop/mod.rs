//! What the dashboard's thread does: it waits for keys, news and time, and draws when something has changed.

use std::future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use super::file_places::Wanted;
use super::host_terminal::{Happened, HostTerminal};
use super::ink::Picture;
use super::input::{Decoder, Input};
use super::layout::{Arrangement, OuterScreen};
use super::links::Links;
use super::log_view::PaneText;
use super::message::Message;
use super::notify::Notifier;
use super::options::DashboardOptions;
use super::searcher::Searcher;
use super::sidebar_rows::arranged;
use super::sizing::Sizer;
use super::source::Source;
use super::terminal::FrameWriter;
use super::ticks;
use super::ui_state::{Attachment, Member, UiState, World};
use super::view::{self, Scene, waited_for};
use crate::clock::Clock;
use crate::domain::{GroupSnapshot, Moment};
use crate::failpoint;
use crate::group_handle::GroupHandle;
use crate::logs::{LineId, LineKind};
use crate::remote_terminal::ToTerminal;
use counting::ErrorCounter;
use editing::Editing;
use frames::Frames;
use saving::News;
use selecting::{Drawn, LastFrame, Pointer};
use sizes::Sizes;
use timers::{Timers, is_due};
use typing::{Focus, join_inputs};

mod colors;
mod counting;
mod editing;
mod followups;
mod frames;
mod kept_layout;
mod measuring;
mod opening;
mod restarts;
mod saving;
mod selecting;
mod sizes;
mod timers;
mod typing;

/// So long a new layout must stand before the services are told their sizes.
const SETTLED: Duration = Duration::from_millis(50);
/// How far back the last words of a service are looked for.
const LAST_WORDS: u64 = 50;

/// Why a dashboard has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It was asked to.
    Asked,
    /// The terminal is gone.
    TerminalGone,
}

/// The dashboard's state on its thread.
pub(super) struct AttachmentLoop {
    handle: GroupHandle,
    clock: Clock,
    ui: UiState,
    searcher: Searcher,
    error_counter: ErrorCounter,
    timers: Timers,
    host_terminal: HostTerminal,
    frame_writer: FrameWriter,
    decoder: Decoder,
    size: (u16, u16),
    snapshot: Arc<GroupSnapshot>,
    frames: Frames,
    last_frame: LastFrame,
    sizes: Sizes,
    pointer: Pointer,
    /// What the last click means, if no other one follows.
    clicked: Option<Wanted>,
    /// Where the group keeps files of its own.
    folder: Option<PathBuf>,
    first_arrangement: Arrangement,
    /// What work in the background has to say at its end.
    tell_later: Option<mpsc::UnboundedSender<News>>,
    /// An editor has the terminal.
    editing: Option<Editing>,
    focus: Focus,
    notifier: Notifier,
    /// The terminal is told where links lead.
    knows_links: bool,
}

impl AttachmentLoop {
    /// A dashboard on that terminal as it is now, for whoever looks at it.
    pub(super) fn new(
        handle: GroupHandle,
        host_terminal: HostTerminal,
        attachment: Attachment,
        options: DashboardOptions,
        sizer: Sizer,
        folder: Option<PathBuf>,
    ) -> Self {
        let clock = handle.logs().clock();
        let snapshot = arranged(handle.snapshot());
        let size = host_terminal.size();
        let mut ui = UiState::new(options).attached_as(attachment, clock.now());
        if let Some(kept) = folder.as_deref().and_then(kept_layout::read) {
            ui.panes.arrangement = kept;
        }
        Self {
            first_arrangement: ui.panes.arrangement,
            clock,
            ui,
            searcher: Searcher::default(),
            error_counter: ErrorCounter::default(),
            timers: Timers::default(),
            frame_writer: FrameWriter::new(host_terminal.first_modes(options.mouse)),
            host_terminal,
            decoder: Decoder::default(),
            size,
            frames: Frames::starting(clock.now()),
            last_frame: LastFrame::default(),
            sizes: Sizes::told_by(sizer),
            pointer: Pointer::default(),
            clicked: None,
            folder,
            tell_later: None,
            editing: None,
            focus: Focus::default(),
            notifier: Notifier::default(),
            knows_links: options.display.links,
            snapshot,
            handle,
        }
    }

    /// Draws the first frame at once, and then whatever changes.
    ///
    /// # Errors
    /// The terminal is gone, or the operating system has no means to wait for it.
    pub(super) fn run(mut self, leave: oneshot::Receiver<()>) -> io::Result<Ending> {
        self.ask_for_colors();
        self.draw()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let ending = runtime.block_on(self.serve(leave));
        // A service that is typed into has the focus no more.
        self.focus.window = false;
        self.tell_focus();
        self.keep_layout();
        ending
    }

    async fn serve(&mut self, mut leave: oneshot::Receiver<()>) -> io::Result<Ending> {
        failpoint::hang("dashboard begins to listen");
        self.host_terminal.listen()?;
        if self.host_terminal.was_taken() {
            // We were stopped, and went on, before anybody listened.
            self.resumed();
        }
        if self.host_terminal.size() != self.size {
            // It changed before anybody listened.
            self.resized();
        }
        let mut snapshots = self.handle.snapshots();
        let mut logs = self.handle.logs().changes();
        let (found, looked_out) = (self.searcher.found(), self.error_counter.found());
        // What has changed since the first frame.
        self.frames.snapshot_new = true;
        self.frames.logs_new = true;
        let (tell_later, mut told) = mpsc::unbounded_channel();
        self.tell_later = Some(tell_later);
        let (mut group_ended, mut logs_ended) = (false, false);
        loop {
            let now = self.clock.now();
            self.carry_out_due(now);
            let editing = self.editing.is_some();
            if !editing && self.frames.is_wanted() && self.host_terminal.is_free() && self.frames.slot() <= now {
                self.draw()?;
            }
            let wake = self.next_wake().map(|moment| self.clock.instant(moment));
            let sleep = async {
                match wake {
                    Some(wake) => sleep_until(wake.into()).await,
                    None => future::pending().await,
                }
            };
            tokio::select! {
                biased;
                // An error means that the dashboard was dropped.
                _ = &mut leave => {
                    self.end_editor(&mut told).await;
                    return Ok(Ending::Asked);
                }
                happened = self.host_terminal.next(!editing) => {
                    if let Some(ending) = self.terminal_reports(happened) {
                        return Ok(ending);
                    }
                }
                inherits = self.sizes.sizer.inherit() => {
                    if inherits {
                        self.size_all();
                    }
                }
                Some(news) = told.recv() => self.work_reports(news),
                // One wake-up for each frame, however much happens.
                changed = snapshots.changed(), if !self.frames.snapshot_new && !group_ended => {
                    group_ended = changed.is_err();
                    self.frames.snapshot_new = true;
                }
                changed = logs.changed(), if !self.frames.logs_new && !logs_ended => {
                    logs_ended = changed.is_err();
                    self.frames.logs_new = true;
                }
                () = found.notified() => {
                    self.frames.hit_found();
                }
                () = looked_out.notified() => self.count_later(),
                () = sleep => {}
            }
        }
    }

    /// Takes in what has happened at the terminal. The end of the dashboard, if it follows.
    fn terminal_reports(&mut self, happened: Happened) -> Option<Ending> {
        match happened {
            Happened::Typed(bytes) if self.editing.is_none() => {
                self.typed(&bytes);
                return self.ui.requests.leaves.then(|| self.detach());
            }
            // For the editor, or too late for it.
            Happened::Typed(_) | Happened::Free => {}
            Happened::Resized => self.resized(),
            Happened::Resumed => self.resumed(),
            Happened::Edited(complaint) => self.edited(complaint),
            Happened::Said(text) => self.say(text),
            Happened::Gone => return Some(Ending::TerminalGone),
        }
        None
    }

    /// Takes in what work in the background says at its end.
    fn work_reports(&mut self, news: News) {
        match news {
            News::Said(text) => self.say(text),
            News::Explained(seq, answer) => {
                self.ui.explained(seq, answer);
                self.frames.redraw = true;
            }
            News::OfTasks(question, answer) => {
                self.ui.told_of_tasks(&question, answer, self.clock.both());
                self.frames.redraw = true;
            }
            News::Restarts(service, by_hour) => self.restarts_were_read(&service, by_hour),
            News::Opens(marked, path, line) => {
                self.ui.opens.found(&marked, &path, line);
                self.frames.redraw = true;
            }
            News::Open(path, line) => self.open_editor(path, line),
            News::OpenLog => self.edit_log(),
            News::Closed(status) => self.editor_closed(status),
        }
    }

    fn say(&mut self, text: impl Into<Message>) {
        self.ui.show_message(text);
        self.frames.redraw = true;
    }

    fn next_wake(&self) -> Option<Moment> {
        // Nothing is drawn while an editor has the terminal.
        let draws = self.editing.is_none() && self.frames.is_wanted() && self.host_terminal.is_free();
        let slot = draws.then(|| self.frames.slot());
        self.timers.earliest().into_iter().chain(slot).min()
    }

    /// Carries out what was due.
    fn carry_out_due(&mut self, now: Moment) {
        if is_due(self.timers.escape, now) {
            let mut inputs = Vec::new();
            self.decoder.give_up(&mut inputs);
            self.timers.escape = None;
            self.take_inputs(inputs);
        }
        if is_due(self.timers.colors, now) {
            self.settle_colors();
        }
        if is_due(self.timers.sizes, now) {
            self.timers.sizes = None;
            self.send_sizes();
        }
        if is_due(self.timers.edge, now) {
            self.scroll_at_edge(now);
        }
        if is_due(self.timers.open, now) {
            self.open_clicked_place();
        }
        if is_due(self.timers.count, now) {
            self.count_unseen(now);
        }
        self.measure_what_is_shown(now);
        if is_due(self.timers.tick, now) {
            self.timers.tick = None;
            self.frames.redraw = true;
        }
    }

    fn typed(&mut self, bytes: &[u8]) {
        let mut inputs = Vec::new();
        self.decoder.feed(bytes, &mut inputs);
        self.timers.escape = self.decoder.patience().map(|patience| self.clock.now() + patience);
        self.colors_told();
        if !inputs.is_empty() {
            self.take_inputs(inputs);
        }
    }

    fn take_inputs(&mut self, inputs: Vec<Input>) {
        if self.sizes.sizer.lead() {
            self.size_all();
        }
        // Keys mean what is the case now, not what was drawn last.
        self.snapshot = arranged(self.handle.snapshot());
        let mut commands = Vec::new();
        for input in inputs {
            let snapshot = Arc::clone(&self.snapshot);
            let world = World { snapshot: &snapshot, size: self.size, now: self.clock.now() };
            self.ui.check_typing(&world);
            if let Input::Mouse(event) = input {
                self.select_by_mouse(event, &world);
            }
            if let Some(service) = self.ui.typist.target() {
                let receiver = self.receiver(service, &world);
                commands.extend(self.ui.typed(input.clone(), &world, receiver));
            } else {
                commands.extend(self.ui.input(input.clone(), &world));
            }
            if let Input::Focus(focused) = input {
                self.focus.window = focused;
                // So that the notifier learns of it.
                self.frames.snapshot_new = true;
            }
            self.hand_out(&world);
            self.tell_focus();
            // The echo of a service comes after a frame of our own.
            self.frames.answer_key(if self.ui.typist.target().is_some() { 2 } else { 1 });
        }
        join_inputs(commands).into_iter().for_each(|command| self.send_command(command));
    }

    /// The user leaves, and the group goes on.
    fn detach(&self) -> Ending {
        if let HostTerminal::Remote(remote) = &self.host_terminal {
            // Who is gone has detached all the same.
            let _ = remote.send_order(ToTerminal::Detached {});
        }
        Ending::Asked
    }

    fn resized(&mut self) {
        self.size = self.host_terminal.size();
        self.frame_writer.forget();
        self.frames.redraw = true;
        self.timers.sizes = Some(self.clock.now() + SETTLED);
    }

    /// Draws a frame, if there is something to draw.
    fn draw(&mut self) -> io::Result<()> {
        failpoint::hit(self.host_terminal.failpoint());
        let now = self.clock.now();
        self.frames.look(now);
        if std::mem::take(&mut self.frames.snapshot_new) {
            let newest = self.handle.snapshot();
            self.frames.redraw |= newest.seq != self.snapshot.seq;
            self.snapshot = arranged(newest);
            if let Some(sequence) = self.notifier.news(&self.snapshot, self.focus.window, self.ui.notification) {
                self.frame_writer.send(&sequence);
            }
        }
        if std::mem::take(&mut self.frames.logs_new) {
            self.frames.redraw |= self.last_frame.logs.iter().any(|(document, version)| document.version() != *version);
            self.count_later();
            // Nothing is shown before the first output, or after a service has come.
            self.frames.redraw |= self.last_frame.logs.len() < self.snapshot.services.len().min(1);
        }
        if !std::mem::take(&mut self.frames.redraw) {
            return Ok(());
        }
        if std::mem::take(&mut self.ui.requests.redraw) {
            self.frame_writer.forget();
        }
        let snapshot = Arc::clone(&self.snapshot);
        let world = World { snapshot: &snapshot, size: self.size, now };
        self.ui.adjust(&world);
        self.tell_focus();
        self.frame_writer.ask_for(self.host_modes());
        let screen = self.read_panes(&world);
        self.hand_out_ready(&world);
        self.selection_follows();
        if self.ui.must_look_for_errors(&snapshot) {
            self.count_later();
        }
        self.find_what_opens();
        self.ui.messages.drawn(now);
        let texts: Vec<&PaneText> = self.last_frame.panes.iter().map(|drawn| &drawn.text).collect();
        let (last_words, page) = (self.last_words(), self.handle.web_address());
        let scene = Scene {
            snapshot: &snapshot,
            ui: &self.ui,
            screen: &screen,
            texts: &texts,
            last_words: last_words.as_deref(),
            page: page.as_deref(),
            now,
            time_of_day: &|moment| self.clock.time_of_day(moment),
        };
        let mut frame = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        let cursor = view::draw(&scene, &mut frame);
        self.timers.tick = ticks::next(&scene);
        if self.timers.sizes.is_none() && self.sizes.sizer.leads() && self.wanted_sizes().next().is_some() {
            self.timers.sizes = Some(now + SETTLED);
        }
        let picture = Picture { cells: frame, links: self.links() };
        match self.frame_writer.frame(picture, cursor) {
            Some(text) => self.host_terminal.show(text),
            None => Ok(()),
        }
    }

    /// Reads what the panes are to show. Their readers go where they were asked to go, as far as that is known.
    fn read_panes(&mut self, world: &World<'_>) -> OuterScreen {
        let screen = self.arrange(world);
        self.ui.tell(self.last_frame.panes.iter().find_map(|drawn| drawn.text.notice), world);
        if self.ui.looks_elsewhere() {
            self.ui.look_elsewhere(&self.members());
        }
        // A pane beside the selected one may show an error for a moment only.
        let selected = self.ui.source(&self.snapshot);
        let selected = selected.and_then(|source| self.last_frame.pane_of(&source));
        for (name, end) in selected.iter().flat_map(|drawn| &drawn.text.seen) {
            self.ui.unseen.mark_seen(name, *end);
        }
        self.run_followups();
        screen
    }

    /// Decides where everything is, and reads the texts of the panes.
    fn arrange(&mut self, world: &World<'_>) -> OuterScreen {
        self.rank(world);
        let mut screen = self.ui.screen(world);
        self.last_frame.panes = self.texts(&screen);
        // Several steps at once may lead through several services.
        for _ in 0..=world.snapshot.services.len() {
            if !self.ui.roam(self.last_frame.panes.iter().find_map(|drawn| drawn.text.leaves), world) {
                break;
            }
            self.rank(world);
            screen = self.ui.screen(world);
            self.last_frame.panes = self.texts(&screen);
        }
        screen
    }

    /// The links of the panes, for a terminal that is told them.
    fn links(&self) -> Links {
        let mut links = Links::default();
        for drawn in self.last_frame.panes.iter().filter(|_| self.knows_links) {
            links.add(drawn.area, &drawn.text);
        }
        links
    }

    /// Decides whose panes are shown.
    fn rank(&mut self, world: &World<'_>) {
        let logs = self.handle.logs();
        self.ui.rank(world, |name| {
            let document = logs.get(name)?;
            let mut reader = document.read();
            let last = reader.end().0.checked_sub(1)?;
            reader.line(LineId(last)).map(|line| line.at)
        });
    }

    /// The services whose logs there are, in order.
    fn members(&self) -> Vec<Member> {
        let names = self.snapshot.services.iter().map(|service| service.name.clone());
        names.filter_map(|name| Some((name.clone(), self.handle.logs().get(&name)?))).collect()
    }

    /// Those of them that the merged view shows.
    fn merged_members(&self) -> Vec<Member> {
        self.members().into_iter().filter(|(name, _)| self.ui.is_merged(name)).collect()
    }

    /// Those of a pane.
    fn members_of(&self, source: &Source) -> Vec<Member> {
        match source.service() {
            Some(name) => self.handle.logs().get(name).map(|document| (name.clone(), document)).into_iter().collect(),
            None => self.merged_members(),
        }
    }

    /// The visible lines of each pane. Each document is locked only for as long as it takes to copy them.
    fn texts(&mut self, screen: &OuterScreen) -> Vec<Drawn> {
        self.last_frame.logs.clear();
        if self.ui.find.searches_all() {
            let members = self.members();
            self.last_frame.logs.extend(members.iter().map(|(_, document)| (document.clone(), document.version())));
            self.ui.look_everywhere(&members);
        }
        if let Some(pane) = &screen.merged {
            let members = self.merged_members();
            self.last_frame.logs.extend(members.iter().map(|(_, document)| (document.clone(), document.version())));
            let snapshot = Arc::clone(&self.snapshot);
            let text = self.ui.read_merged(pane, &members, &snapshot, self.clock, screen.compact);
            return vec![Drawn { source: Source::Merged, area: pane.inner(), text }];
        }
        let mut drawn = Vec::with_capacity(screen.panes.len());
        for pane in &screen.panes {
            let layout = self.ui.line_layout(pane, &self.snapshot, self.clock);
            let focused = self.ui.selected(&self.snapshot) == Some(pane.service);
            let Some(service) = self.snapshot.services.get(pane.service) else { continue };
            let (source, area) = (Source::Service(service.name.clone()), pane.inner());
            let Some(document) = self.handle.logs().get(&service.name) else {
                let text = PaneText { follow: true, ..PaneText::default() };
                drawn.push(Drawn { source, area, text });
                continue;
            };
            let typed = self.ui.typist.target() == Some(&service.name);
            let layout = if typed { layout.as_terminal() } else { layout };
            let text = self.ui.read_pane(&service.name, focused, &document, &layout);
            if typed {
                self.last_frame.typed_top = text.top;
            }
            self.last_frame.logs.push((document, text.version));
            if focused {
                let members = if text.match_count.is_some() { self.members() } else { Vec::new() };
                self.ui.look_beyond(Some(&text), &members);
            }
            drawn.push(Drawn { source, area, text });
        }
        drawn
    }

    /// The last line of the service that is waited for while the group stops.
    fn last_words(&self) -> Option<String> {
        let waited = waited_for(self.snapshot.stopping.as_ref()?).next()?;
        let document = self.handle.logs().get(&waited.name)?;
        let mut reader = document.read();
        let (first, end) = (reader.first().0, reader.end().0);
        let lines = (first.max(end.saturating_sub(LAST_WORDS))..end).rev();
        let mut lines = lines.filter_map(|id| reader.line(LineId(id)));
        let words = lines.find(|line| line.kind == LineKind::Output && !line.content.text.trim().is_empty())?;
        Some(words.content.text.trim().chars().take(300).collect())
    }
}
