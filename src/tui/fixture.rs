//! The group of the tests: the "shop", with its logs, at one moment.

use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::layout::OuterScreen;
use super::log_view::PaneText;
use super::options::DashboardOptions;
use super::sidebar_rows::arranged;
use super::ui_state::{Followup, Member, UiState, World};
use super::view::{Scene, draw};
use super::worker_fixture;
use crate::clock::Clock;
use crate::display::{DisplaySupport, GlyphSet};
use crate::domain::{
    ChangeKind, ExitStatus, FailedRun, FileEvent, FileJournal, GroupSnapshot, HoldSnapshot, Holder, Instance,
    LastChange, LastExit, Match, Moment, Outcome, Phase, Replicated, RestartCounts, Rule, RuleSource, RunId,
    ServiceSnapshot, Signal, StopProgress, StopState, Stopping, Verdict, WatchBackend, WatchSnapshot, WatchState,
};
use crate::domain::{Explanation, PathVerdict, StepOutcome, WhyStep};
use crate::logs::{HOURS, LogStore};

/// 3 hours after the start.
pub(super) const NOW: Moment = Moment::from_millis(3 * 3_600_000);

/// Restarts in each of the last hours.
const BY_HOUR: [u32; HOURS] = [0, 0, 0, 0, 0, 0, 0, 1, 4, 2, 0, 0, 0, 7, 3, 1, 0, 0, 0, 0, 0, 2, 5, 1];

fn ago(seconds: u64) -> Moment {
    Moment::after_start(NOW.since_start() - Duration::from_secs(seconds))
}

/// The shop's time of day, whatever the clock of the machine says: now is 14:02:26.
fn time_of_day(moment: Moment) -> String {
    let second = 14 * 3600 + 2 * 60 + 26 - NOW.since(moment).as_secs();
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

pub(super) fn running(name: &str, ready: bool, since: u64) -> ServiceSnapshot {
    let phase = Phase::Running { run: RunId(1), since: ago(since), ready };
    ServiceSnapshot {
        command: format!("cargo run -p {name}").into(),
        pid: Some(48_213),
        up_since: Some(ago(since)),
        ..ServiceSnapshot::blank(name, RunId(1), phase, ago(since))
    }
}

fn changed(path: &str, seconds: u64) -> Option<LastChange> {
    Some(LastChange { path: path.into(), at: ago(seconds) })
}

/// The shop: four up, one failed, one stopped.
pub(super) fn shop() -> GroupSnapshot {
    let exit =
        LastExit { status: ExitStatus::Code(1), at: ago(3), uptime: Duration::from_secs(7), asked: false, fault: None };
    let services = vec![
        running("db", true, 41 * 60),
        ServiceSnapshot {
            watches: true,
            restarts: RestartCounts { change: 7, ..RestartCounts::default() },
            last_change: changed("src/routes/user.rs", 12),
            ..running("api", true, 12)
        },
        ServiceSnapshot {
            phase: Phase::Retrying {
                until: ago(0) + Duration::from_secs(4),
                attempt: 2,
                after: Outcome::Failed(ExitStatus::Code(1)),
            },
            since: ago(3),
            watches: true,
            pid: None,
            up_since: None,
            restarts: RestartCounts { change: 4, crash: 2, ..RestartCounts::default() },
            last_change: changed("src/jobs/mail.rs", 15),
            last_exit: Some(exit),
            next_try: Some(NOW + Duration::from_secs(4)),
            failed_run: Some(FailedRun::Crash(2, 5)),
            ..running("worker", false, 3)
        },
        running("web", true, 41 * 60),
        ServiceSnapshot {
            phase: Phase::Starting { run: RunId(4), since: ago(1), ready_by: None, spawned: true },
            watches: true,
            restarts: RestartCounts { change: 3, ..RestartCounts::default() },
            last_change: changed("styles/app.scss", 1),
            ..running("css", false, 1)
        },
        ServiceSnapshot { phase: Phase::Down, wanted: false, pid: None, up_since: None, ..running("mail", false, 0) },
    ];
    GroupSnapshot {
        seq: 1,
        at: NOW,
        name: "shop".into(),
        file: "procgroup.toml".into(),
        files: ["procgroup.toml".into()].into(),
        services,
        replicated: Arc::default(),
        watch: WatchSnapshot {
            state: WatchState::Watching,
            backend: WatchBackend::Native,
            directories: 1204,
            ready: true,
            git_head: Some("main@3f2c1e".into()),
            problem: None,
            holds: Vec::new(),
            held: 0,
            file_held: false,
            busy: 0,
            last_release: None,
        },
        journal: Arc::new(journal()),
        stopping: None,
        notice: None,
        file_unread: false,
        file_problem: None,
        undelivered: None,
        temporary: false,
    }
}

/// A group with three workers, of which the second one crashes.
pub(super) fn farm() -> GroupSnapshot {
    let shop = shop();
    let worker = |number: u32| {
        let like = if number == 2 { shop.services[2].clone() } else { running("worker", false, 60) };
        let instance = Instance { of: "worker".into(), number, count: 3 };
        let restarts = RestartCounts { crash: number.saturating_sub(number % 2), ..RestartCounts::default() };
        ServiceSnapshot { name: instance.of.instance(number), instance: Some(instance), restarts, ..like }
    };
    let services = vec![running("db", true, 60), worker(1), worker(2), worker(3), running("web", true, 60)];
    let replicated = [("worker", 3), ("cron", 0)];
    let replicated = replicated.map(|(name, count)| Replicated { name: name.into(), group: None, count });
    GroupSnapshot { services, replicated: replicated.into(), ..shop }
}

/// The events of the shop: how long ago, path, kind, who watches or who ignores, verdict.
fn journal() -> FileJournal {
    let rule = |source, line, pattern: &str| Rule { source, line, file: None, pattern: pattern.into() };
    let watched = |name: &str| Match::Watched {
        services: [name.into()].into(),
        rule: rule(RuleSource::ServiceWatch(name.into()), Some(9), "**"),
    };
    let swap = rule(RuleSource::BuiltIn("editor swap files"), None, "*.swp");
    let target = rule(RuleSource::IgnoreFile(".gitignore".into()), Some(1), "/target");
    let metadata = rule(RuleSource::IgnoreFile(".gitignore".into()), Some(1), "/target");
    let events = [
        (88, "crates/api/Cargo.toml", ChangeKind::Modified, watched("api"), Verdict::Restart),
        (74, "target/debug/deps/_metadata.json", ChangeKind::Modified, Match::Ignored(metadata), Verdict::Ignored),
        (46, "README.md", ChangeKind::Modified, Match::NoMatch, Verdict::NoMatch),
        (17, "crates/worker/src/jobs/mail.rs", ChangeKind::Modified, watched("worker"), Verdict::Restart),
        (16, "target/debug/api.d", ChangeKind::Modified, Match::Ignored(target), Verdict::Ignored),
        (15, "crates/api/src/routes/.user.rs.swp", ChangeKind::Created, Match::Ignored(swap), Verdict::Ignored),
        (15, "crates/api/src/routes/user.rs", ChangeKind::Modified, watched("api"), Verdict::Restart),
        (1, "styles/app.scss", ChangeKind::Modified, watched("css"), Verdict::Restart),
    ];
    let mut journal = FileJournal::default();
    for (seconds, path, kind, matched, verdict) in events {
        journal.push(FileEvent { at: ago(seconds), path: path.into(), kind, finished: true, matched }, verdict);
    }
    journal
}

/// Why the swap file of the shop is ignored, whatever is asked.
fn reason(path: &str) -> Explanation {
    let swap =
        Rule { source: RuleSource::BuiltIn("editor swap files"), line: None, file: None, pattern: "*.swp".into() };
    let watch = Rule {
        source: RuleSource::ServiceWatch("api".into()),
        line: Some(12),
        file: None,
        pattern: "crates/**".into(),
    };
    let step = |source: &str, outcome, rule| WhyStep { source: source.into(), outcome, rule, about: None };
    Explanation {
        path: path.into(),
        verdict: PathVerdict::Ignored,
        services: Vec::new(),
        effect: String::new(),
        rule: Some(swap.clone()),
        file: "procgroup.toml".into(),
        notes: Vec::new(),
        chain: vec![
            step("services.api.watch", StepOutcome::Watches, Some(watch)),
            step("services.worker.watch", StepOutcome::NoMatch, None),
            step("watch.also", StepOutcome::NoMatch, None),
            step("tracked & ignored", StepOutcome::NoMatch, None),
            step(".gitignore", StepOutcome::NoMatch, None),
            step("built-in", StepOutcome::Ignores, Some(swap)),
        ],
    }
}

/// The shop while it stops.
pub(super) fn stopping() -> GroupSnapshot {
    let mut shop = shop();
    let state =
        StopState::Asked { signal: Some(Signal::Term), at: NOW, kill_at: NOW + Duration::from_secs(5), ignored: false };
    let services = shop.services.iter().map(|it| StopProgress { name: it.name.clone(), state: state.clone() });
    shop.stopping = Some(Stopping { since: NOW, killing: false, services: services.collect() });
    shop
}

/// The shop while the key `p` holds.
pub(super) fn paused_shop() -> GroupSnapshot {
    let mut shop = shop();
    shop.watch.state = WatchState::Paused;
    shop.watch.held = 14;
    shop.watch.holds =
        vec![HoldSnapshot { by: Holder::Key, label: "p".into(), since: ago(120), services: Arc::default() }];
    for (name, held) in [("api", 9), ("worker", 4), ("css", 1)] {
        if let Some(service) = shop.services.iter_mut().find(|service| service.name.as_str() == name) {
            service.held = held;
        }
    }
    shop
}

/// A dashboard of the tests.
pub(super) struct Bench {
    pub(super) ui: UiState,
    pub(super) log_store: LogStore,
    pub(super) clock: Clock,
    pub(super) snapshot: GroupSnapshot,
    pub(super) size: (u16, u16),
    /// Where the last frame has put the cursor of the terminal.
    pub(super) cursor: Option<(u16, u16)>,
    /// Where the web page is.
    pub(super) page: Option<&'static str>,
}

impl Bench {
    pub(super) fn new(snapshot: GroupSnapshot, columns: u16, rows: u16, glyphs: GlyphSet) -> Self {
        let clock = Clock::start();
        let snapshot = Arc::unwrap_or_clone(arranged(Arc::new(snapshot)));
        let color = glyphs == GlyphSet::Unicode;
        let bench = Self {
            ui: UiState::new(DashboardOptions::new(DisplaySupport {
                glyphs,
                color,
                ..DisplaySupport::from_variables(|_| None)
            })),
            log_store: LogStore::new(clock),
            clock,
            snapshot,
            size: (columns, rows),
            cursor: None,
            page: None,
        };
        for (name, lines) in LOGS {
            let document = bench.log_store.open(&(*name).into(), 1 << 20);
            document.resize(200, 50);
            for line in *lines {
                document.feed(format!("{line}\r\n").as_bytes());
            }
        }
        bench
    }

    /// The shop with `api` selected.
    pub(super) fn shop(columns: u16, rows: u16) -> Self {
        let mut bench = Self::new(shop(), columns, rows, GlyphSet::Unicode);
        bench.press("2");
        bench
    }

    pub(super) fn world(&self) -> World<'_> {
        World { snapshot: &self.snapshot, size: self.size, now: NOW }
    }

    /// Types keys; `⏎`, `⎋`, `↑` and `↓` are keys, everything else itself. The answer is what the group is asked.
    pub(super) fn press(&mut self, keys: &str) -> Vec<crate::domain::Command> {
        use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
        let snapshot = self.snapshot.clone();
        let world = World { snapshot: &snapshot, size: self.size, now: NOW };
        let code = |c| match c {
            '⏎' => KeyCode::Enter,
            '⎋' => KeyCode::Esc,
            '↑' => KeyCode::Up,
            '↓' => KeyCode::Down,
            '⇥' => KeyCode::Tab,
            '⌫' => KeyCode::Backspace,
            '←' => KeyCode::Left,
            '→' => KeyCode::Right,
            '⇞' => KeyCode::PageUp,
            '⇟' => KeyCode::PageDown,
            c => KeyCode::Char(c),
        };
        keys.chars().flat_map(|c| self.ui.key(KeyEvent::new(code(c), KeyModifiers::NONE), &world)).collect()
    }

    /// One frame as the terminal would show it.
    pub(super) fn frame(&mut self) -> Buffer {
        // What there is to be read is read before the frame that is looked at.
        loop {
            let buffer = self.frame_as_it_is();
            let followups = std::mem::take(&mut self.ui.requests.followups);
            if followups.is_empty() {
                return buffer;
            }
            for followup in followups {
                match followup {
                    Followup::Scan(scan) => scan.run(|| true),
                    Followup::Mark(service, marker) => {
                        if let Some(document) = self.log_store.get(&service) {
                            document.mark(&marker);
                        }
                    }
                    Followup::Task(question) => {
                        let answer = worker_fixture::answer(&question);
                        self.ui.told_of_tasks(&question, answer, (NOW, worker_fixture::wall()));
                    }
                    Followup::Restarts(service) => self.ui.told_of_restarts(&service, BY_HOUR),
                    Followup::Why(seq, path) => self.ui.explained(seq, Ok(Box::new(reason(&path)))),
                }
            }
        }
    }

    fn frame_as_it_is(&mut self) -> Buffer {
        let snapshot = self.snapshot.clone();
        let world = World { snapshot: &snapshot, size: self.size, now: NOW };
        self.ui.adjust(&world);
        self.rank(&snapshot);
        let mut screen = self.ui.screen(&world);
        let mut texts = self.texts(&snapshot, &screen);
        for _ in 0..=snapshot.services.len() {
            if !self.ui.roam(texts.iter().find_map(|text| text.leaves), &world) {
                break;
            }
            self.rank(&snapshot);
            screen = self.ui.screen(&world);
            texts = self.texts(&snapshot, &screen);
        }
        self.ui.tell(texts.iter().find_map(|text| text.notice), &world);
        if self.ui.looks_elsewhere() {
            self.ui.look_elsewhere(&self.members());
        }
        self.ui.messages.drawn(NOW);
        let texts: Vec<_> = texts.iter().collect();
        let scene = Scene {
            snapshot: &snapshot,
            ui: &self.ui,
            screen: &screen,
            texts: &texts,
            last_words: Some("LOG  received fast shutdown request"),
            page: self.page,
            now: NOW,
            time_of_day: &time_of_day,
        };
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        let cursor = draw(&scene, &mut buffer);
        self.cursor = cursor.map(|cursor| (cursor.x, cursor.y));
        if let Some(cursor) = cursor {
            assert!(buffer.area.contains(cursor), "the cursor {cursor} is outside of {}", buffer.area);
        }
        buffer
    }

    /// Nobody has spoken last.
    pub(super) fn rank(&mut self, snapshot: &GroupSnapshot) {
        let world = World { snapshot, size: self.size, now: NOW };
        self.ui.rank(&world, |_| None);
    }

    fn members(&self) -> Vec<Member> {
        let names = self.snapshot.services.iter().map(|service| service.name.clone());
        names.filter_map(|name| Some((name.clone(), self.log_store.get(&name)?))).collect()
    }

    fn texts(&mut self, snapshot: &GroupSnapshot, screen: &OuterScreen) -> Vec<PaneText> {
        let members = self.members();
        self.ui.look_everywhere(&members);
        if let Some(pane) = &screen.merged {
            let members: Vec<_> = members.into_iter().filter(|(name, _)| self.ui.is_merged(name)).collect();
            return vec![self.ui.read_merged(pane, &members, snapshot, self.clock, screen.compact)];
        }
        let mut texts = Vec::new();
        for pane in &screen.panes {
            let layout = self.ui.line_layout(pane, snapshot, self.clock);
            let focused = self.ui.selected(snapshot) == Some(pane.service);
            let text = snapshot.services.get(pane.service).and_then(|service| {
                let typed = self.ui.typist.target() == Some(&service.name);
                let layout = if typed { layout.as_terminal() } else { layout };
                let document = self.log_store.get(&service.name)?;
                Some(self.ui.read_pane(&service.name, focused, &document, &layout))
            });
            if focused {
                self.ui.look_beyond(text.as_ref(), &members);
            }
            texts.push(text.unwrap_or_default());
        }
        texts
    }

    /// One frame as text.
    pub(super) fn text(&mut self) -> String {
        let buffer = self.frame();
        let mut text = String::new();
        for y in 0..self.size.1 {
            let mut line = String::new();
            let mut x = 0;
            while x < self.size.0 {
                let symbol = buffer.cell((x, y)).map_or(" ", |cell| cell.symbol());
                line.push_str(symbol);
                x += u16::try_from(super::text::width(symbol).max(1)).unwrap_or(1);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

const LOGS: &[(&str, &[&str])] = &[
    (
        "db",
        &[
            "14:01:07 LOG  checkpoint starting: time",
            "14:01:08 LOG  checkpoint complete: wrote 44 buffers (0.3%)",
            "14:01:58 LOG  checkpoint starting: time",
            "14:02:02 LOG  checkpoint complete: wrote 12 buffers (0.1%)",
        ],
    ),
    (
        "api",
        &[
            "14:01:58 WARN  slow query 412ms  SELECT … FROM orders WHERE customer_id = $1 AND paid ORDER BY at",
            "── restarted · src/routes/user.rs changed · 14:02:11 · was exit 0 · up 9m 12s ──",
            "   Compiling shop-api v0.3.0 (/src/work/shop/crates/api)",
            "    Finished `dev` profile in 1.84s",
            "     Running `target/debug/api`",
            "14:02:14 INFO  migrations: none pending",
            "14:02:14 INFO  listening on http://127.0.0.1:4000",
            "── ready · 2.9s after restart ──",
            "14:02:20 INFO  GET /health 200 0ms",
            "14:02:23 ERROR user 19 not found: NotFound",
            "14:02:23 INFO  GET /users/19 404 2ms",
        ],
    ),
    (
        "worker",
        &[
            "14:02:13 INFO  worker started, 4 threads",
            "14:02:14 INFO  job 8812 mail.welcome",
            "thread 'main' panicked at src/jobs/mail.rs:41:18:",
            "called `Option::unwrap()` on a `None` value",
            "note: run with `RUST_BACKTRACE=1`",
            "── exited · code 1 · 14:02:20 · crash 2 of 5 · next try in 4s ──",
        ],
    ),
    ("web", &["  VITE v7.1.2  ready in 312 ms", "", "  ➜  Local:   http://localhost:5173/"]),
    ("css", &["sass: compiling styles/app.scss …"]),
    ("mail", &["── not started · autostart = false · press s ──"]),
];
