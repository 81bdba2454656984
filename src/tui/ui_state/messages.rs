//! What the footer says for a while, and until when: all that the state of the dashboard waits for.

use std::time::Duration;

use crate::domain::{Moment, Notice};
use crate::tui::message::Message;

/// How long a short message stays in the footer.
const TOAST_TIME: Duration = Duration::from_secs(3);
/// How long good news of the group stays in the footer. Bad news stays until a key takes it away, as that does with any.
const NOTICE_TIME: Duration = Duration::from_secs(5);
/// News is not taken away sooner: whoever presses keys just then has not read it.
const NOTICE_LEAST: Duration = Duration::from_secs(1);

/// What is said, and until when.
#[derive(Debug, Default)]
pub(in crate::tui) struct Messages {
    /// The last short message, and until when it is shown.
    toast: Option<(Message, Moment)>,
    /// Until when one more `q` stops the group, where the first one has only asked.
    question: Option<Moment>,
    /// The moment of the last news of the group that was read.
    read: Option<Moment>,
    /// Since when there is somebody who sees this.
    opened: Moment,
}

/// What is shown now.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown<'a> {
    /// A short message.
    Toast(&'a Message),
    /// News of the group.
    Notice(&'a Notice),
}

impl Messages {
    /// For somebody who sees this from then on.
    pub(super) fn since(opened: Moment) -> Self {
        Self { opened, ..Self::default() }
    }

    /// Says something for a few seconds.
    pub(super) fn show(&mut self, message: Message, now: Moment) {
        self.toast = Some((message, now + TOAST_TIME));
    }

    /// What was said last is true no more.
    pub(in crate::tui) fn take_back(&mut self) {
        self.toast = None;
    }

    /// Whoever presses a key has seen what lies over the hints for keys.
    pub(super) fn dismiss(&mut self, notice: Option<&Notice>, now: Moment) {
        if self.toast.take().is_some_and(|(_, until)| until > now) {
            // Nobody has seen what is under it.
            return;
        }
        let read = notice.filter(|notice| notice.at + NOTICE_LEAST <= now);
        self.read = read.map(|notice| notice.at).or(self.read);
    }

    /// A question is asked with a short message, and is answered by the same key while that is shown.
    pub(super) fn ask(&mut self, question: Message, now: Moment) {
        self.question = Some(now + TOAST_TIME);
        self.show(question, now);
    }

    /// The question is still open.
    pub(super) fn is_asked(&self, now: Moment) -> bool {
        self.question.is_some_and(|until| until > now)
    }

    /// The question is not on the screen any more.
    pub(super) fn forget_question(&mut self) {
        self.question = None;
    }

    /// What is shown now, and until when. `notice`: the last news of the group.
    pub(super) fn shown<'a>(&'a self, notice: Option<&'a Notice>, now: Moment) -> Option<(Shown<'a>, Moment)> {
        if let Some((toast, until)) = &self.toast
            && *until > now
        {
            return Some((Shown::Toast(toast), *until));
        }
        let notice = notice?;
        let until = match notice.problem {
            // What is wrong stays wrong; good news gets old. So does what was wrong before anybody looked.
            true if notice.at >= self.opened => Moment::after_start(Duration::MAX),
            true => self.opened + NOTICE_TIME,
            false => notice.at + NOTICE_TIME,
        };
        let shown = until > now && self.read != Some(notice.at);
        shown.then_some((Shown::Notice(notice), until))
    }

    /// When something else is said although nothing has happened.
    pub(in crate::tui) fn next_deadline(&self, notice: Option<&Notice>, now: Moment) -> Option<Moment> {
        self.shown(notice, now).map(|(_, until)| until)
    }
}
