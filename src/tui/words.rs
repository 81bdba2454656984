//! How the state of a service is told: a glyph, a word and a style, always together.

use std::collections::BTreeSet;

use ratatui::style::Style;

use super::action::{Action, Context};
use super::glyphs::Glyphs;
use super::keymap::Keymap;
use super::no_instances;
use super::theme::Theme;
use crate::domain::{
    GroupSnapshot, Kind, Outcome, Phase, RestartCounts, Rung, ServiceSnapshot, Verdict, WorkerSnapshot, count,
};

/// The word beside the state of a service that runs older code: a validation has failed, or a dependency is down.
pub(super) const STALE: &str = "stale";

/// Said of a job that is run in another terminal.
const ELSEWHERE: &str = "elsewhere";

/// It runs, and what runs is older than its files.
pub(super) fn is_stale(service: &ServiceSnapshot) -> bool {
    service.stale && matches!(service.phase, Phase::Running { .. })
}

/// How a state is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// The character before the name.
    pub(super) glyph: &'static str,
    /// The state, in the word of `status` and of the JSON.
    pub(super) word: &'static str,
    /// What the state alone does not say, in a word or two: `exit 1`, `for db`, `stale`. May be empty.
    pub(super) detail: String,
    /// The glyph's. Never the only difference.
    pub(super) style: Style,
    /// The word's. Never dim: a state is what one looks for.
    pub(super) word_style: Style,
    /// The word's, where its service has the focus.
    pub(super) focused_word_style: Style,
}

impl Look {
    /// State and detail: `failed · exit 1`, `ready`.
    pub(super) fn text(&self, glyphs: &Glyphs) -> String {
        match &*self.detail {
            "" => self.word.to_owned(),
            detail => format!("{} {} {detail}", self.word, glyphs.dot),
        }
    }
}

/// How much a state asks for attention.
#[derive(Clone, Copy)]
enum Tone {
    Good,
    Busy,
    Bad,
    Plain,
}

impl Tone {
    /// The styles of the glyph, of the word, and of the word where its service has the focus.
    fn styles(self, theme: Theme) -> (Style, Style, Style) {
        match self {
            Self::Good => (theme.good_glyph(), theme.good(), theme.good()),
            Self::Busy => (theme.busy_glyph(), theme.busy(), theme.busy()),
            Self::Bad => (theme.bad_glyph(), theme.bad(), theme.bad_in_focus()),
            Self::Plain => (theme.plain(), theme.plain(), theme.plain()),
        }
    }
}

/// How the state of a service is told.
pub(super) fn state_look(service: &ServiceSnapshot, glyphs: &Glyphs, theme: Theme) -> Look {
    let elsewhere = service.elsewhere.as_ref().is_some_and(|elsewhere| elsewhere.waits_for.is_none());
    let word = if elsewhere { ELSEWHERE } else { service.state() };
    let (glyph, tone, detail) = match (service.failure(), &service.phase) {
        _ if service.is_waiting() => (glyphs.waits, Tone::Busy, waited_for(service)),
        _ if elsewhere => (glyphs.busy, Tone::Busy, String::new()),
        (Some(failure), _) => (glyphs.failed, Tone::Bad, failure.to_string()),
        (None, Phase::Blocked { lost, .. }) => {
            let loss = lost.as_ref().map(|loss| format!("{} {}", loss.name, loss.word));
            (glyphs.waits, Tone::Bad, loss.unwrap_or_default())
        }
        (None, Phase::Scheduled { .. }) => (glyphs.waits, Tone::Plain, String::new()),
        (None, Phase::Queued) => (glyphs.waits, Tone::Busy, String::new()),
        (None, Phase::Stopping { .. }) => (glyphs.busy, Tone::Busy, given_back(service)),
        (None, Phase::Starting { .. } | Phase::Validating { .. }) => (glyphs.busy, Tone::Busy, String::new()),
        (None, Phase::Running { .. }) if service.kind == Kind::Worker => worker_look(service, glyphs),
        // It runs, and it is not what the files say.
        (None, Phase::Running { .. }) if is_stale(service) => (glyphs.up, Tone::Busy, STALE.to_owned()),
        (None, Phase::Running { .. }) => (glyphs.up, Tone::Good, String::new()),
        // Ended with 0, and started again by its policy.
        (None, Phase::Retrying { .. }) => {
            let exit = service.last_exit.map(|last| last.status.to_string());
            (glyphs.busy, Tone::Busy, exit.unwrap_or_default())
        }
        (None, Phase::Finished(Outcome::Done)) => (glyphs.done, Tone::Good, String::new()),
        (None, Phase::Finished(_) | Phase::CrashLoop { .. }) => (glyphs.failed, Tone::Bad, String::new()),
        (None, Phase::Down) => (glyphs.stopped, Tone::Plain, String::new()),
    };
    let detail = match service.validating {
        Some(_) => "validating".to_owned(),
        // The word has said it.
        None if detail == word => String::new(),
        None => detail,
    };
    let (style, word_style, focused_word_style) = tone.styles(theme);
    Look { glyph, word, detail, style, word_style, focused_word_style }
}

/// How a worker is told that runs. One that waits for the folder, or whose work is done elsewhere, is neither well nor ill.
fn worker_look(service: &ServiceSnapshot, glyphs: &Glyphs) -> (&'static str, Tone, String) {
    let Some(worker) = service.worker.as_deref() else { return (glyphs.worker, Tone::Good, String::new()) };
    let tone = match worker.state() {
        _ if worker.is_in_trouble() => Tone::Bad,
        _ if worker.needs_attention() => Tone::Busy,
        Some(_) => Tone::Plain,
        None => Tone::Good,
    };
    let reason = worker.state().and_then(|_| worker.reason(&service.name));
    (glyphs.worker, tone, reason.unwrap_or_default())
}

/// What a polite stop of a worker does with the tasks that run: `gives 2 tasks back`.
fn given_back(service: &ServiceSnapshot) -> String {
    let running = service.worker.as_ref().map_or(0, |worker| worker.active);
    let polite = matches!(service.phase, Phase::Stopping { rung: Rung::Asked(_), .. });
    if polite && running > 0 { format!("gives {} back", count(running, "task")) } else { String::new() }
}

/// What a service waits for that does not run: `for db`; nothing where it waits for a time, which is told beside it.
fn waited_for(service: &ServiceSnapshot) -> String {
    match &service.phase {
        _ if service.elsewhere.is_some() => String::new(),
        Phase::Blocked { on, .. } => on.first().map(|name| format!("for {name}")).unwrap_or_default(),
        _ => String::new(),
    }
}

/// While watching is paused, what has changed since that no service watches: `2 files changed, no service watches them (W
/// shows)`. Nothing if that is no file, or if a file that is watched has changed as well.
pub(super) fn unwatched_changes(snapshot: &GroupSnapshot, glyphs: &Glyphs) -> Option<String> {
    let since = snapshot.watch.holds.first()?.since;
    let entries = snapshot.journal.entries().filter(|entry| entry.judged >= since);
    let counting: Vec<_> = entries.filter(|entry| entry.verdict != Verdict::Ignored).collect();
    if counting.iter().any(|entry| entry.verdict != Verdict::NoMatch) {
        return None;
    }
    let files = counting.iter().map(|entry| &entry.event.path).collect::<BTreeSet<_>>().len();
    let them = if files == 1 { "it" } else { "them" };
    let key = Keymap::get().key_name(Context::Normal, Action::Watcher, glyphs.set);
    let shows = if key.is_empty() { String::new() } else { format!(" ({key} shows)") };
    (files > 0).then(|| format!("{} changed, no service watches {them}{shows}", count(files, "file")))
}

/// `↻7 ✗2 !1`: restarts that were wanted, by a change or by hand or with others; after crashes; because it was stuck.
/// Empty if there were none.
pub(super) fn counts(service: &ServiceSnapshot, glyphs: &Glyphs) -> String {
    let RestartCounts { change, crash, manual, config, dependency, liveness, limit } = service.restarts;
    let wanted = [change, manual, config, dependency].into_iter().fold(0, u32::saturating_add);
    let by_devgroup = liveness.saturating_add(limit);
    let counts = [(glyphs.restarts, wanted), (glyphs.crashes, crash), (glyphs.stuck, by_devgroup)];
    let parts: Vec<String> =
        counts.iter().filter(|(_, count)| *count > 0).map(|(sign, count)| format!("{sign}{count}")).collect();
    parts.join(" ")
}

/// How many services are in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StateCount {
    /// The state, in the word of `status`.
    pub(super) word: &'static str,
    /// How many are in it.
    pub(super) count: usize,
    /// The character of the state.
    pub(super) glyph: &'static str,
    /// The style of the glyph.
    pub(super) style: Style,
    /// The style of the word.
    pub(super) word_style: Style,
    /// It is a failure.
    pub(super) failed: bool,
}

/// The word of those that run, with a readiness check or without.
const RUNNING: &str = "running";

/// How many services are in each state: what runs, what is on its way, what has failed, what waits, what has ended. States
/// of none are left out, but for those that run.
pub(super) fn state_counts(snapshot: &GroupSnapshot, glyphs: &Glyphs, theme: Theme) -> Vec<StateCount> {
    let running = StateCount {
        word: RUNNING,
        count: 0,
        glyph: glyphs.up,
        style: theme.good(),
        word_style: Style::new(),
        failed: false,
    };
    let mut counts = vec![(0, running)];
    for service in snapshot.services.iter().filter(|service| !no_instances::is_one(snapshot, service)) {
        let rank = rank(service);
        let word = if rank == 0 { RUNNING } else { service.state() };
        let look = state_look(service, glyphs, theme);
        let in_trouble = service.working().is_some_and(WorkerSnapshot::is_in_trouble);
        let failed = service.failure().is_some() && !service.is_waiting() || in_trouble;
        let word_style = if failed { look.word_style } else { Style::new() };
        let (glyph, style) = (look.glyph, look.style);
        if let Some((_, other)) = counts.iter_mut().find(|(_, other)| other.word == word) {
            other.count += 1;
            // A job whose last run has failed is `scheduled` as others are: one that has failed is seen before them.
            if failed && !other.failed {
                *other = StateCount { glyph, style, word_style, failed, ..other.clone() };
            }
            continue;
        }
        counts.push((rank, StateCount { word, count: 1, glyph, style, word_style, failed }));
    }
    counts.sort_by_key(|(rank, _)| *rank);
    counts.into_iter().map(|(_, count)| count).collect()
}

/// The place of a service's state among the counts.
fn rank(service: &ServiceSnapshot) -> u8 {
    if service.is_waiting() || service.phase == Phase::Queued {
        return 7;
    }
    match service.phase {
        _ if service.elsewhere.is_some() => 0,
        Phase::Running { .. } if service.working().is_some_and(WorkerSnapshot::is_in_trouble) => 6,
        Phase::Running { .. } if service.working().is_some_and(|worker| worker.state().is_some()) => 7,
        Phase::Running { .. } => 0,
        Phase::Validating { .. } => 1,
        Phase::Starting { .. } => 2,
        Phase::Stopping { .. } => 3,
        Phase::Retrying { .. } => 4,
        Phase::CrashLoop { .. } => 5,
        Phase::Finished(Outcome::Done) => 9,
        Phase::Scheduled { .. } => 10,
        Phase::Finished(_) => 6,
        Phase::Queued | Phase::Blocked { .. } => 8,
        Phase::Down => 11,
    }
}
