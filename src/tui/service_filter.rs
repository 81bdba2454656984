//! The filter of the sidebar: which services it leaves while its text is typed, and which of these is marked.

use std::ops::Range;

use crossterm::event::KeyEvent;

use super::{folding, line_edit};
use crate::domain::GroupSnapshot;

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
    /// The rows that are left, each the places in the snapshot that it stands for. Instances are one row, unless the text is
    /// only in the name of one.
    pub(super) fn found(&self, snapshot: &GroupSnapshot) -> Vec<Range<usize>> {
        let wanted = self.text.trim().to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&wanted);
        let mut rows = Vec::new();
        for unit in folding::units(snapshot) {
            let group = snapshot.services.get(unit.start).and_then(|service| service.group.as_deref());
            if has(folding::name(snapshot, &unit)) || group.is_some_and(has) {
                rows.push(unit);
                continue;
            }
            let is_it = |index: &usize| snapshot.services.get(*index).is_some_and(|service| has(service.name.as_str()));
            rows.extend(unit.filter(is_it).map(|index| index..index + 1));
        }
        rows
    }

    /// The marked row.
    pub(super) fn marked_row(&self, snapshot: &GroupSnapshot) -> Option<Range<usize>> {
        let mut found = self.found(snapshot);
        let last = found.len().checked_sub(1)?;
        Some(found.swap_remove(self.marked.min(last)))
    }

    /// The place that the marked row shows.
    pub(super) fn marked(&self, snapshot: &GroupSnapshot) -> Option<usize> {
        self.marked_row(snapshot).map(|row| folding::shown(snapshot, &row, None))
    }

    /// Marks the one above or below.
    pub(super) fn step(&mut self, by: isize, snapshot: &GroupSnapshot) {
        let last = self.found(snapshot).len().saturating_sub(1);
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
    use crate::tui::fixture::{farm, shop};

    fn typed(text: &str) -> ServiceFilter {
        ServiceFilter { text: text.to_owned(), marked: 0 }
    }

    #[test]
    fn a_part_of_a_name_or_of_a_group_is_enough() {
        let mut shop = shop();
        shop.services[3].group = Some("Front End".into());
        let found = |text: &str| typed(text).found(&shop).into_iter().map(|row| row.start).collect::<Vec<_>>();
        assert_eq!(found(""), [0, 1, 2, 3, 4, 5]);
        assert_eq!(found("E"), [2, 3], "worker and web");
        assert_eq!(found(" end"), [3]);
        assert_eq!(found("nothing"), [0; 0]);
    }

    #[test]
    fn instances_are_found_as_one_and_one_of_them_by_its_number() {
        let farm = farm();
        assert_eq!(typed("work").marked_row(&farm), Some(1..4));
        assert_eq!((typed("work").marked(&farm), typed("r.3").marked(&farm)), (Some(2), Some(3)));
        assert_eq!(typed("b").found(&farm), [0..1, 4..5]);
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
