//! How the state of a service is told: a glyph, a word and a style, always together.

use ratatui::style::Style;

use super::glyphs::Glyphs;
use super::theme::Theme;
use crate::domain::{ExitStatus, Failure, GroupSnapshot, Moment, Outcome, Phase, ServiceSnapshot};

/// The word for a service that runs and is older than the files, because a validation has failed.
pub(super) const KEPT: &str = "kept";

/// How a state is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// The character before the name.
    pub(super) glyph: &'static str,
    /// At most a few words.
    pub(super) word: String,
    /// The glyph's. Never the only difference.
    pub(super) style: Style,
    /// The word's.
    pub(super) word_style: Style,
}

/// How the state of a service is told.
pub(super) fn state_look(service: &ServiceSnapshot, glyphs: &Glyphs, theme: Theme) -> Look {
    let look = |glyph, word, style| Look { glyph, word, style, word_style: style };
    let told = |glyph, word: &str, style| look(glyph, word.to_owned(), style);
    let exit = |status: Option<ExitStatus>| status.map_or_else(|| "failed".to_owned(), |status| status.to_string());
    if service.is_waiting() && service.next_restart.is_some() {
        return told(glyphs.waits, "waiting", theme.busy());
    }
    if let Some(failure) = service.failure() {
        return look(glyphs.failed, failure.to_string(), theme.bad());
    }
    match &service.phase {
        Phase::Blocked { lost: Some(loss), .. } => {
            look(glyphs.waits, format!("{} {}", loss.name, loss.word), theme.bad())
        }
        Phase::Blocked { on, lost: None } => {
            let word = on.first().map_or_else(|| "waits".to_owned(), |name| format!("waits {name}"));
            look(glyphs.waits, word, theme.dim())
        }
        Phase::Starting { .. } => told(glyphs.busy, "starting", theme.busy()),
        Phase::Validating { .. } => told(glyphs.busy, "validating", theme.busy()),
        // It runs, and it is not what the files say.
        Phase::Running { .. } if service.kept => told(glyphs.up, KEPT, theme.alert()),
        Phase::Running { ready: true, .. } => told(glyphs.up, "ready", theme.good()),
        Phase::Running { ready: false, .. } => told(glyphs.up, "up", theme.good()),
        Phase::Stopping { .. } => told(glyphs.busy, "stopping", theme.busy()),
        // Ended with 0, and started again by its policy.
        Phase::BackingOff { .. } => told(glyphs.busy, &exit(service.last_exit.map(|last| last.status)), theme.busy()),
        Phase::Finished(Outcome::Done) => told(glyphs.done, "done", theme.dim()),
        Phase::Finished(_) | Phase::CircuitOpen { .. } => told(glyphs.failed, "failed", theme.bad()),
        Phase::Down => told(glyphs.stopped, "stopped", theme.dim()),
    }
}

/// `↻7 ✗2 !1`; empty if there were no restarts.
pub(super) fn counts(service: &ServiceSnapshot, glyphs: &Glyphs) -> String {
    let mut parts = Vec::new();
    if service.restarts.change > 0 {
        parts.push(format!("{}{}", glyphs.changes, service.restarts.change));
    }
    if service.restarts.crash > 0 {
        parts.push(format!("{}{}", glyphs.crashes, service.restarts.crash));
    }
    if service.restarts.liveness > 0 {
        parts.push(format!("{}{}", glyphs.stuck, service.restarts.liveness));
    }
    parts.join(" ")
}

/// How many services are in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StateCount {
    /// The state.
    pub(super) word: &'static str,
    /// How many are in it.
    pub(super) count: usize,
    /// The character of the state.
    pub(super) glyph: &'static str,
    /// The glyph's.
    pub(super) style: Style,
    /// The word's.
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
    for service in &snapshot.services {
        let rank = rank(service);
        let word = if rank == 0 { RUNNING } else { service.state() };
        if let Some((_, other)) = counts.iter_mut().find(|(_, other)| other.word == word) {
            other.count += 1;
            continue;
        }
        let look = state_look(service, glyphs, theme);
        let failed = service.failure().is_some() && !service.is_waiting();
        let word_style = if failed { look.word_style } else { Style::new() };
        let (glyph, style) = (look.glyph, look.style);
        counts.push((rank, StateCount { word, count: 1, glyph, style, word_style, failed }));
    }
    counts.sort_by_key(|(rank, _)| *rank);
    counts.into_iter().map(|(_, count)| count).collect()
}

/// The place of a service's state among the counts.
fn rank(service: &ServiceSnapshot) -> u8 {
    if service.is_waiting() {
        return 7;
    }
    match service.phase {
        Phase::Running { .. } => 0,
        Phase::Validating { .. } => 1,
        Phase::Starting { .. } => 2,
        Phase::Stopping { .. } => 3,
        Phase::BackingOff { .. } => 4,
        Phase::CircuitOpen { .. } => 5,
        Phase::Finished(Outcome::Done) => 9,
        Phase::Finished(_) => 6,
        Phase::Blocked { .. } => 8,
        Phase::Down => 10,
    }
}

/// The service that has failed last, other than `except`: what the second pane shows. It stays there until it ends well,
/// so that the panes do not jump while it is started again and again.
pub(super) fn last_failure(snapshot: &GroupSnapshot, except: usize) -> Option<usize> {
    let failed_at = |service: &ServiceSnapshot| -> Option<Moment> {
        match (service.failure(), service.last_exit) {
            (Some(Failure::NotStarted | Failure::NotReady), _) => Some(service.since),
            (_, Some(exit)) if !exit.asked && !exit.status.is_success() => Some(exit.at),
            (Some(_), _) => Some(service.since),
            (None, _) => None,
        }
    };
    let others = snapshot.services.iter().enumerate().filter(|(index, _)| *index != except);
    others.filter_map(|(index, service)| Some((failed_at(service)?, index))).max().map(|(_, index)| index)
}
