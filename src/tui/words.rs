//! How the state of a service is told: a glyph, a word and a style, always together.

use ratatui::style::Style;

use super::glyphs::Glyphs;
use super::theme::Theme;
use crate::domain::{ExitStatus, GroupSnapshot, Outcome, Phase, ServiceSnapshot};

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

/// How many services are in which state, for the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StateCounts {
    /// They run, or are on the way to it.
    pub(super) up: usize,
    /// They have failed.
    pub(super) failed: usize,
    /// Nobody wants them to run.
    pub(super) stopped: usize,
    /// Tasks that have ended with 0.
    pub(super) done: usize,
    /// They wait for others.
    pub(super) waits: usize,
}

impl StateCounts {
    /// Counts the services of a snapshot.
    pub(super) fn of(snapshot: &GroupSnapshot) -> Self {
        let mut state_counts = Self::default();
        for service in &snapshot.services {
            let counter = if service.is_waiting() {
                &mut state_counts.waits
            } else if service.failure().is_some() {
                &mut state_counts.failed
            } else {
                match service.phase {
                    Phase::Validating { .. }
                    | Phase::Starting { .. }
                    | Phase::Running { .. }
                    | Phase::Stopping { .. }
                    | Phase::BackingOff { .. } => &mut state_counts.up,
                    Phase::Blocked { .. } => &mut state_counts.waits,
                    Phase::Finished(Outcome::Done) => &mut state_counts.done,
                    Phase::Finished(_) | Phase::CircuitOpen { .. } => &mut state_counts.failed,
                    Phase::Down => &mut state_counts.stopped,
                }
            };
            *counter += 1;
        }
        state_counts
    }
}
