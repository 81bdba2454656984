//! The filter of the sidebar: which services it leaves while its text is typed, and which of these is marked.

use crossterm::event::KeyEvent;

use super::line_edit;
use crate::domain::{GroupSnapshot, ServiceSnapshot};

/// Characters of the text.
const LONGEST: usize = 60;

/// What is typed, and which of the services that it leaves is marked: the first, until another one is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServiceFilter {
    /// A part of a name, or of the name of a group.
    pub(super) text: String,
    marked: usize,
}

impl ServiceFilter {
    /// The services that are left, by their place in the snapshot.
    pub(super) fn found<'a>(&self, snapshot: &'a GroupSnapshot) -> impl Iterator<Item = usize> + use<'a> {
        let wanted = self.text.trim().to_lowercase();
        let has = move |text: &str| text.to_lowercase().contains(&wanted);
        let matches =
            move |service: &ServiceSnapshot| has(service.name.as_str()) || service.group.as_deref().is_some_and(&has);
        let services = snapshot.services.iter().enumerate();
        services.filter(move |(_, service)| matches(service)).map(|(index, _)| index)
    }

    /// The marked one.
    pub(super) fn marked(&self, snapshot: &GroupSnapshot) -> Option<usize> {
        let last = self.found(snapshot).count().checked_sub(1)?;
        self.found(snapshot).nth(self.marked.min(last))
    }

    /// Marks the one above or below.
    pub(super) fn step(&mut self, by: isize, snapshot: &GroupSnapshot) {
        let last = self.found(snapshot).count().saturating_sub(1);
        self.marked = self.marked.min(last).saturating_add_signed(by).min(last);
    }

    /// A key. Whether it changes the text.
    pub(super) fn type_key(&mut self, event: KeyEvent) -> bool {
        let edits = line_edit::edit(&mut self.text, event, LONGEST);
        if edits {
            self.marked = 0;
        }
        edits
    }

    /// Text is pasted: its first line goes into the filter.
    pub(super) fn type_text(&mut self, text: &str) {
        line_edit::add(&mut self.text, text.lines().next().unwrap_or_default(), LONGEST);
        self.marked = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture::shop;

    fn typed(text: &str) -> ServiceFilter {
        ServiceFilter { text: text.to_owned(), marked: 0 }
    }

    #[test]
    fn a_part_of_a_name_or_of_a_group_is_enough() {
        let mut shop = shop();
        shop.services[3].group = Some("Front End".into());
        let found = |text: &str| typed(text).found(&shop).collect::<Vec<_>>();
        assert_eq!(found(""), [0, 1, 2, 3, 4, 5]);
        assert_eq!(found("E"), [2, 3], "worker and web");
        assert_eq!(found(" end"), [3]);
        assert_eq!(found("nothing"), [0; 0]);
    }

    #[test]
    fn the_first_is_marked_until_another_one_is() {
        let shop = shop();
        let mut filter = typed("w");
        assert_eq!(filter.marked(&shop), Some(2));
        filter.step(1, &shop);
        assert_eq!(filter.marked(&shop), Some(3));
        filter.step(1, &shop);
        assert_eq!(filter.marked(&shop), Some(3), "there is no other");
        filter.type_text("e\nb");
        assert_eq!((filter.text.as_str(), filter.marked(&shop)), ("we", Some(3)));
        assert_eq!(typed("zz").marked(&shop), None);
    }
}
