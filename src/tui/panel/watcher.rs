//! The watcher panel: which events it shows, which one is marked, and the reason that was asked for.

use std::sync::Arc;

use crossterm::event::KeyEvent;

use crate::domain::{Explanation, FileJournal, JournalEntry, Match, Verdict};
use crate::tui::action::Action;
use crate::tui::line_edit;

/// What is chosen in the panel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::tui) struct WatcherPanel {
    /// The marked event; the newest if `None`.
    pub(in crate::tui) marked: Option<u64>,
    /// The reason of the marked event is shown.
    pub(in crate::tui) why: bool,
    /// What is ignored, or watched by nobody, is not shown.
    pub(in crate::tui) hide_ignored: bool,
    /// Only events with this text are shown.
    pub(in crate::tui) wanted: String,
    /// The text is being typed.
    pub(in crate::tui) typing: bool,
    /// The event whose reason was asked for, and the answer.
    asked: Option<(u64, Option<Answered>)>,
}

/// The reason, or why there is none.
type Answered = Result<Box<Explanation>, String>;

impl WatcherPanel {
    /// The longest text to look for.
    const LONGEST: usize = 200;

    /// The events that are shown, newest first.
    pub(in crate::tui) fn entries<'a>(&'a self, journal: &'a FileJournal) -> impl Iterator<Item = &'a JournalEntry> {
        let wanted = self.wanted.to_lowercase();
        journal
            .entries()
            .rev()
            .filter(move |entry| !(self.hide_ignored && matches!(entry.verdict, Verdict::Ignored | Verdict::NoMatch)))
            .filter(move |entry| wanted.is_empty() || holds(entry, &wanted))
    }

    /// The place of the marked event among those that are shown. One that was dropped or hidden gives way to the next
    /// older one.
    pub(in crate::tui) fn place(&self, journal: &FileJournal) -> usize {
        let Some(marked) = self.marked else { return 0 };
        let count = self.entries(journal).count();
        self.entries(journal).position(|entry| entry.seq <= marked).unwrap_or(count.saturating_sub(1))
    }

    /// Marks the event so many places further down.
    fn step(&mut self, journal: &FileJournal, by: isize) {
        let count = self.entries(journal).count();
        let place = self.place(journal).saturating_add_signed(by).min(count.saturating_sub(1));
        // At the newest, the mark stays with whatever is newest.
        self.marked = if place == 0 { None } else { self.entries(journal).nth(place).map(|entry| entry.seq) };
    }

    /// Carries out an action.
    pub(in crate::tui) fn act(&mut self, action: Action, journal: &FileJournal) {
        match action {
            Action::LineUp => self.step(journal, -1),
            Action::LineDown => self.step(journal, 1),
            Action::PageUp => self.step(journal, -10),
            Action::PageDown => self.step(journal, 10),
            // Newest first: the top is the newest.
            Action::Top => self.marked = None,
            Action::Follow => self.step(journal, isize::MAX),
            Action::Why => self.why = !self.why,
            Action::Ignored => self.hide_ignored = !self.hide_ignored,
            Action::Search => self.typing = true,
            Action::Keep => self.typing = false,
            _ => {}
        }
    }

    /// A key while the text is typed. Whether it was part of it.
    pub(in crate::tui) fn type_key(&mut self, event: KeyEvent) -> bool {
        self.typing && line_edit::edit(&mut self.wanted, event, Self::LONGEST)
    }

    /// One line of text goes into what is looked for, as far as there is room, if that is being typed. Whether it is.
    pub(super) fn type_text(&mut self, text: &str) -> bool {
        if self.typing {
            line_edit::add(&mut self.wanted, text.lines().next().unwrap_or_default(), Self::LONGEST);
        }
        self.typing
    }

    /// Ends the search. Whether there was one.
    pub(in crate::tui) fn end_search(&mut self) -> bool {
        let was_searching = self.typing || !self.wanted.is_empty();
        self.typing = false;
        self.wanted.clear();
        was_searching
    }

    /// Shows the reason no more. Whether it was shown.
    pub(super) fn end_why(&mut self) -> bool {
        std::mem::take(&mut self.why)
    }

    /// The path whose reason is to be asked for now: each marked event once.
    pub(in crate::tui) fn question(&mut self, journal: &FileJournal) -> Option<(u64, Arc<str>)> {
        let place = self.place(journal);
        let entry = self.entries(journal).nth(place).filter(|_| self.why)?;
        let (seq, path) = (entry.seq, Arc::clone(&entry.event.path));
        if self.asked.as_ref().is_some_and(|(asked, _)| *asked == seq) {
            return None;
        }
        self.asked = Some((seq, None));
        Some((seq, path))
    }

    /// The answer has come; one that nobody waits for any more is dropped.
    pub(in crate::tui) fn explained(&mut self, seq: u64, answer: Answered) {
        if let Some((asked, known)) = &mut self.asked
            && *asked == seq
        {
            *known = Some(answer);
        }
    }

    /// The reason of an event, if it is known.
    pub(in crate::tui) fn reason(&self, seq: u64) -> Option<&Answered> {
        let (asked, answer) = self.asked.as_ref()?;
        answer.as_ref().filter(|_| *asked == seq)
    }
}

/// Whether an event has the text, in lower case, in its path, its rule, its services or its verdict.
fn holds(entry: &JournalEntry, wanted: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(wanted);
    let rule = match &entry.event.matched {
        Match::Watched { rule, .. } | Match::Ignored(rule) => Some(rule),
        Match::NoMatch => None,
    };
    has(&entry.event.path)
        || rule.is_some_and(|rule| has(&rule.to_string()) || has(&rule.pattern))
        || entry.services.iter().any(|service| has(service.as_str()))
        || has(&entry.verdict.to_string())
}
