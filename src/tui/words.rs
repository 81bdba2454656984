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
    /// The word's. Never dim: a state is what one looks for.
    pub(super) word_style: Style,
    /// The word's, where its service has the focus.
    pub(super) focused_word_style: Style,
}

impl Look {
    fn new(glyph: &'static str, word: impl Into<String>, (style, word_style): (Style, Style)) -> Self {
        Self { glyph, word: word.into(), style, word_style, focused_word_style: word_style }
    }
}

/// How the state of a service is told.
pub(super) fn state_look(service: &ServiceSnapshot, glyphs: &Glyphs, theme: Theme) -> Look {
    let good = (theme.good_glyph(), theme.good());
    let busy = (theme.busy_glyph(), theme.busy());
    let plain = (theme.plain(), theme.plain());
    let told = |glyph, word: &str, styles| Look::new(glyph, word, styles);
    let bad = |glyph, word: String| Look {
        focused_word_style: theme.bad_in_focus(),
        ..Look::new(glyph, word, (theme.bad_glyph(), theme.bad()))
    };
    let exit = |status: Option<ExitStatus>| status.map_or_else(|| "failed".to_owned(), |status| status.to_string());
    if service.is_waiting() && service.next_restart.is_some() {
        return told(glyphs.waits, "waiting", busy);
    }
    if let Some(failure) = service.failure() {
        return bad(glyphs.failed, failure.to_string());
    }
    match &service.phase {
        Phase::Blocked { lost: Some(loss), .. } => bad(glyphs.waits, format!("{} {}", loss.name, loss.word)),
        Phase::Blocked { on, lost: None } => {
            let word = on.first().map_or_else(|| "waits".to_owned(), |name| format!("waits {name}"));
            Look::new(glyphs.waits, word, busy)
        }
        Phase::Starting { .. } => told(glyphs.busy, "starting", busy),
        Phase::Validating { .. } => told(glyphs.busy, "validating", busy),
        // It runs, and it is not what the files say.
        Phase::Running { .. } if service.kept => told(glyphs.up, KEPT, busy),
        Phase::Running { ready: true, .. } => told(glyphs.up, "ready", good),
        Phase::Running { ready: false, .. } => told(glyphs.up, "up", good),
        Phase::Stopping { .. } => told(glyphs.busy, "stopping", busy),
        // Ended with 0, and started again by its policy.
        Phase::BackingOff { .. } => told(glyphs.busy, &exit(service.last_exit.map(|last| last.status)), busy),
        Phase::Finished(Outcome::Done) => told(glyphs.done, "done", good),
        Phase::Finished(_) | Phase::CircuitOpen { .. } => bad(glyphs.failed, "failed".to_owned()),
        Phase::Down => told(glyphs.stopped, "stopped", plain),
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
