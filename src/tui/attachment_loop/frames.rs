//! When a frame is drawn: something has changed since the last one, and it may follow so soon.

use std::time::Duration;

use crate::domain::Moment;

/// At most 30 frames a second.
const FRAME: Duration = Duration::from_millis(33);
/// At the start, frames may follow each other faster, so that the first output is seen at once.
const FIRST_FRAME: Duration = Duration::from_millis(2);
/// … and before one that shows what a key did: nobody presses keys as fast, and a flood must not make them wait.
const KEY_FRAME: Duration = Duration::from_millis(8);
/// How long the start lasts.
const START: Duration = Duration::from_millis(200);

/// What has changed since the last frame, and how soon it is shown.
#[derive(Debug)]
pub(super) struct Frames {
    /// Something was typed, or the time on the screen has moved: draw.
    pub(super) redraw: bool,
    /// There is another snapshot.
    pub(super) snapshot_new: bool,
    /// Something was printed.
    pub(super) logs_new: bool,
    /// A key was pressed, and the first thing that a search finds for it is shown without waiting for the next frame.
    awaits_hit: bool,
    /// So many of the next frames show what a key did.
    answers: u8,
    started: Moment,
    /// When it was last looked whether there is something to draw.
    looked: Option<Moment>,
}

impl Frames {
    /// The first one is to be drawn at once.
    pub(super) fn starting(now: Moment) -> Self {
        Self {
            redraw: true,
            snapshot_new: false,
            logs_new: false,
            awaits_hit: false,
            answers: 0,
            started: now,
            looked: None,
        }
    }

    /// Something has changed.
    pub(super) fn is_wanted(&self) -> bool {
        self.redraw || self.snapshot_new || self.logs_new
    }

    /// When the next one may be drawn.
    pub(super) fn slot(&self) -> Moment {
        let Some(looked) = self.looked else { return Moment::START };
        let rest = match self.answers {
            _ if looked.since(self.started) < START => FIRST_FRAME,
            1.. => KEY_FRAME,
            0 => FRAME,
        };
        looked + rest
    }

    /// Now it is looked whether there is something to draw.
    pub(super) fn look(&mut self, now: Moment) {
        self.looked = Some(now);
        self.answers = self.answers.saturating_sub(1);
    }

    /// A key was pressed: so many frames show what it does.
    pub(super) fn answer_key(&mut self, frames: u8) {
        self.redraw = true;
        self.awaits_hit = true;
        self.answers = frames;
    }

    /// A search has found something.
    pub(super) fn hit_found(&mut self) {
        self.redraw = true;
        if std::mem::take(&mut self.awaits_hit) {
            self.looked = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_rare_but_for_the_start_and_for_what_a_key_does() {
        let at = Moment::from_millis;
        let mut frames = Frames::starting(at(1_000));
        assert!(frames.is_wanted() && frames.slot() <= at(1_000));
        frames.look(at(1_000));
        assert_eq!(frames.slot(), at(1_002));
        frames.look(at(2_000));
        assert_eq!(frames.slot(), at(2_033));
        frames.answer_key(2);
        assert_eq!(frames.slot(), at(2_008));
        frames.look(at(2_010));
        assert_eq!(frames.slot(), at(2_018), "the echo of a service comes after a frame of our own");
        frames.look(at(2_020));
        assert_eq!(frames.slot(), at(2_053));
        frames.hit_found();
        assert!(frames.slot() <= at(2_020), "what a search finds for a key is shown at once");
        frames.look(at(2_021));
        frames.hit_found();
        assert_eq!(frames.slot(), at(2_054), "and only the first");
    }
}
