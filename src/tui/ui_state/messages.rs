//! What the footer says for a while, and until when: all that the state of the dashboard waits for.

use std::time::Duration;

use super::UiState;
use crate::domain::{GroupSnapshot, Moment, Notice};
use crate::tui::action::{Action, Context};
use crate::tui::keymap::Keymap;
use crate::tui::message::Message;

/// How long a short message, or good news of the group, stays in the footer. Bad news stays until a key takes it away, as
/// that does with any.
const SHOWN: Duration = Duration::from_secs(5);
/// News is not taken away sooner: whoever presses keys just then has not read it.
const NOTICE_LEAST: Duration = Duration::from_secs(1);

/// What is said, and until when.
#[derive(Debug, Default)]
pub(in crate::tui) struct Messages {
    /// The last short message.
    toast: Option<(Message, Until)>,
    /// So long one more `q` stops the group, where the first one has only asked.
    question: Option<Until>,
    /// The moment of the last news of the group that was read.
    read: Option<Moment>,
    /// Since when there is somebody who sees this.
    opened: Moment,
}

/// Until when something is shown; nothing before the first frame that shows it. A busy machine, or an editor that has the
/// terminal, takes nothing of its time.
#[derive(Clone, Copy, Debug, Default)]
struct Until(Option<Moment>);

impl Until {
    /// A frame shows it.
    fn drawn(&mut self, now: Moment) {
        self.0.get_or_insert(now + SHOWN);
    }

    fn is_over(self, now: Moment) -> bool {
        self.0.is_some_and(|until| until <= now)
    }
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
    pub(super) fn show(&mut self, message: Message) {
        self.toast = Some((message, Until::default()));
    }

    /// Says something until a key is pressed.
    pub(super) fn keep(&mut self, message: Message) {
        self.toast = Some((message, Until(Some(Moment::after_start(Duration::MAX)))));
    }

    /// A frame shows what there is to say.
    pub(in crate::tui) fn drawn(&mut self, now: Moment) {
        let toast = self.toast.iter_mut().map(|(_, until)| until);
        toast.chain(&mut self.question).for_each(|until| until.drawn(now));
    }

    /// What was said last is true no more.
    pub(in crate::tui) fn take_back(&mut self) {
        self.toast = None;
    }

    /// Whoever presses a key has seen what lies over the hints for keys.
    pub(super) fn dismiss(&mut self, notice: Option<&Notice>, now: Moment) {
        if self.toast.take().is_some_and(|(_, until)| !until.is_over(now)) {
            // Nobody has seen what is under it.
            return;
        }
        let read = notice.filter(|notice| notice.at + NOTICE_LEAST <= now);
        self.read = read.map(|notice| notice.at).or(self.read);
    }

    /// A question is asked with a short message, and is answered by the same key while that is shown.
    pub(super) fn ask(&mut self, question: Message) {
        self.question = Some(Until::default());
        self.show(question);
    }

    /// The question is still open.
    pub(super) fn is_asked(&self, now: Moment) -> bool {
        self.question.is_some_and(|until| !until.is_over(now))
    }

    /// The question is not on the screen any more.
    pub(super) fn forget_question(&mut self) {
        self.question = None;
    }

    /// What is shown now, and until when. `notice`: the last news of the group.
    pub(super) fn shown<'a>(&'a self, notice: Option<&'a Notice>, now: Moment) -> Option<(Shown<'a>, Moment)> {
        if let Some((toast, until)) = &self.toast
            && !until.is_over(now)
        {
            return Some((Shown::Toast(toast), until.0.unwrap_or(Moment::after_start(Duration::MAX))));
        }
        let notice = notice?;
        let until = match notice.problem {
            // What is wrong stays wrong; good news gets old. So does what was wrong before anybody looked.
            true if notice.at >= self.opened => Moment::after_start(Duration::MAX),
            true => self.opened + SHOWN,
            false => notice.at + SHOWN,
        };
        let shown = until > now && self.read != Some(notice.at);
        shown.then_some((Shown::Notice(notice), until))
    }

    /// When something else is said although nothing has happened.
    pub(in crate::tui) fn next_deadline(&self, notice: Option<&Notice>, now: Moment) -> Option<Moment> {
        self.shown(notice, now).map(|(_, until)| until)
    }
}

impl UiState {
    /// What the footer says now in place of hints for keys.
    pub(in crate::tui) fn message(&self, snapshot: &GroupSnapshot, now: Moment) -> Option<Message> {
        let (shown, _) = self.messages.shown(snapshot.notice.as_ref(), now)?;
        let notice = match shown {
            Shown::Toast(message) => return Some(message.clone()),
            Shown::Notice(notice) => notice,
        };
        let glyph = if notice.problem { format!("{} ", self.glyphs.failed) } else { String::new() };
        let key = Keymap::get().key_name(Context::Normal, Action::OwnLog, self.glyphs.set);
        let more = match notice.detail.is_empty() || key.is_empty() {
            true => String::new(),
            false => format!(" {} {key} shows all", self.glyphs.dot),
        };
        Some(match notice.summary.rsplit_once(" · ").filter(|_| !notice.problem && more.is_empty()) {
            // Who has restarted stays, however long it is why.
            Some((why, what)) => Message::with_tail(why, format!(" {} {what}", self.glyphs.dot)).or(what),
            None => Message::with_tail(format!("{glyph}{}", notice.summary), more),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::Notice;
    use crate::tui::fixture::{Bench, NOW};

    #[test]
    fn where_there_is_little_room_the_end_of_good_news_stays() {
        let mut bench = Bench::shop(80, 24);
        let summary =
            "git checkout: moving from a-long-branch-of-somebody to main · 2 changes · api, web restarted".into();
        bench.snapshot.notice = Some(Notice { at: NOW, problem: false, summary, detail: "".into() });
        let text = bench.text();
        let footer = text.lines().last().unwrap_or_default();
        assert!(
            footer.contains(" git checkout: ") && footer.trim_end().ends_with("… · api, web restarted"),
            "{footer}"
        );
    }
}
