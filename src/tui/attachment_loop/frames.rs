//! When a frame is drawn: something has changed since the last one, and it may follow so soon.

use std::time::Duration;

use crate::domain::Moment;

/// At most 30 frames a second, on average …
const FRAME: Duration = Duration::from_millis(33);
/// … and this many of them may follow each other after [`KEY_FRAME`] where none was needed for a while: a save, its restart
/// and the first output are seen as they come.
const SPARE: u32 = 3;
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
    /// How many frames were not needed, up to [`SPARE`].
    spare: u32,
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
            spare: 0,
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
        let rest = match (self.answers, self.spare) {
            _ if looked.since(self.started) < START => FIRST_FRAME,
            (0, 0) => FRAME,
            _ => KEY_FRAME,
        };
        looked + rest
    }

    /// Now it is looked whether there is something to draw.
    pub(super) fn look(&mut self, now: Moment) {
        let rested = now.since(self.looked.unwrap_or(now)).as_millis() / FRAME.as_millis();
        let spare = self.spare.saturating_add(u32::try_from(rested).unwrap_or(SPARE));
        self.spare = spare.min(SPARE).saturating_sub(1);
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
        for now in [2_000, 2_008, 2_016] {
            frames.look(at(now));
        }
        assert_eq!(frames.slot(), at(2_049));
        frames.answer_key(2);
        assert_eq!(frames.slot(), at(2_024));
        frames.look(at(2_026));
        assert_eq!(frames.slot(), at(2_034), "the echo of a service comes after a frame of our own");
        frames.look(at(2_036));
        assert_eq!(frames.slot(), at(2_069));
        frames.hit_found();
        assert!(frames.slot() <= at(2_036), "what a search finds for a key is shown at once");
        frames.look(at(2_037));
        frames.hit_found();
        assert_eq!(frames.slot(), at(2_070), "and only the first");
    }

    #[test]
    fn after_a_rest_a_few_frames_come_at_once_and_a_flood_has_thirty_a_second() {
        let mut frames = Frames::starting(Moment::START);
        frames.look(Moment::START);
        let mut now = Moment::from_millis(10_000);
        let mut times = Vec::new();
        for _ in 0..100 {
            frames.look(now);
            times.push(now);
            now = frames.slot();
        }
        let apart: Vec<_> = times.windows(2).map(|pair| pair[1].since(pair[0]).as_millis()).collect();
        assert_eq!(apart[..4], [8, 8, 33, 33]);
        assert!(apart[2..].iter().all(|apart| *apart == 33), "{apart:?}");
    }
}
