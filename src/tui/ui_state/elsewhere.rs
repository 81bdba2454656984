//! No error is in the log that one reads: which other services have some.

use std::sync::Arc;

use super::finding::matches_of;
use super::merging::Member;
use super::{Followup, UiState, World};
use crate::domain::ServiceName;
use crate::logs::{Failures, Scan};
use crate::tui::log_view::NO_ERRORS;

/// Errors of a service that are looked at: more than anybody needs to be told.
const MOST: usize = 2_000;
/// Services that are named.
const NAMES: usize = 3;

impl UiState {
    /// Says what there is to say about where the reader of the pane with the focus has gone.
    pub(in crate::tui) fn tell(&mut self, notice: Option<&'static str>, world: &World<'_>) {
        let Some(notice) = notice else { return };
        let service = self.source(world.snapshot).and_then(|source| source.service().cloned());
        self.without_errors = service.filter(|_| notice == NO_ERRORS);
        match &self.without_errors {
            Some(service) => self.show_message(no_errors(service, &[], self.glyphs.dot)),
            None => self.show_message(notice),
        }
    }

    /// Whether the logs of other services are looked through for errors.
    pub(in crate::tui) fn looks_elsewhere(&self) -> bool {
        self.without_errors.is_some()
    }

    /// Says which other services have errors, as soon as all of their logs were read.
    pub(in crate::tui) fn look_elsewhere(&mut self, members: &[Member]) {
        let Some(here) = &self.without_errors else { return };
        let mut behind: Vec<Arc<Scan>> = Vec::new();
        let (mut found, mut all_known) = (Vec::new(), true);
        for (name, document) in members.iter().filter(|(name, _)| name != here) {
            let scan = self.find.error_scan(name, document);
            let mut reader = document.read();
            let errors = matches_of(&scan, &mut reader, &mut behind);
            all_known &= errors.is_complete();
            let mut failures = Failures::default();
            failures.read_on(&mut reader, &errors, MOST);
            let count = failures.count_from(reader.first());
            found.extend((count > 0).then(|| (name.clone(), count)));
        }
        self.requests.followups.extend(behind.into_iter().map(Followup::Scan));
        if all_known && let Some(here) = self.without_errors.take() {
            self.show_message(no_errors(&here, &found, self.glyphs.dot));
        }
    }
}

/// `no errors in web · api has 3, worker 1`.
fn no_errors(here: &ServiceName, elsewhere: &[(ServiceName, usize)], dot: &str) -> String {
    let mut said = format!("no errors in {here}");
    for (place, (name, count)) in elsewhere.iter().take(NAMES).enumerate() {
        let (gap, verb) = if place == 0 { (format!(" {dot} "), "has ") } else { (", ".to_owned(), "") };
        said.push_str(&format!("{gap}{name} {verb}{count}"));
    }
    match elsewhere.len().saturating_sub(NAMES) {
        0 => said,
        more => format!("{said}, and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture::Bench;

    #[test]
    fn where_no_error_is_those_of_others_are_told() {
        let mut bench = Bench::shop(160, 50);
        bench.press("1e");
        assert!(bench.text().contains("no errors in db · api has 1, worker 1"), "{}", bench.text());
        bench.press("2");
        assert!(!bench.text().contains("no errors"));
        let some = ["a", "b", "c", "d", "e"].map(|name| (name.into(), 2));
        assert_eq!(no_errors(&"web".into(), &some, "-"), "no errors in web - a has 2, b 2, c 2, and 2 more");
        assert_eq!(no_errors(&"web".into(), &[], "-"), "no errors in web");
    }
}
