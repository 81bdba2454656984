//! Errors that nobody has seen: how many failures begin below what was in sight of the selected pane, for the list of services.
//!
//! Only services that have printed something out of sight are read, and only what is new of it.

use std::collections::HashMap;
use std::sync::Arc;

use super::ui_state::Member;
use crate::domain::ServiceName;
use crate::logs::{Criterion, Failures, LineId, Scan};

/// Counted no further: there is no room to tell more.
const MOST: usize = 99;
/// Errors that are looked at in one go.
const AT_ONCE: usize = 2_000;

/// What was seen of each service, and what was not.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    services: HashMap<ServiceName, Service>,
}

#[derive(Debug, Default)]
struct Service {
    /// Lines before this one were in sight, or above what was.
    seen: LineId,
    count: usize,
    /// For which version of the document and which `seen` that is.
    counted: Option<(u64, LineId)>,
    /// The errors from some line on that was seen, and where failures begin among them.
    scan: Option<(Arc<Scan>, Failures)>,
}

impl Unseen {
    /// Lines of a service before that one were in sight, or above what was.
    pub(super) fn mark_seen(&mut self, name: &ServiceName, end: LineId) {
        let service = self.services.entry(name.clone()).or_default();
        if end > service.seen {
            service.seen = end;
            // What is below is counted soon.
            service.count = 0;
        }
    }

    /// A service has errors that nobody has seen.
    pub(super) fn has_any(&self, name: &ServiceName) -> bool {
        self.services.get(name).is_some_and(|service| service.count > 0)
    }

    /// How many errors of a service nobody has seen: `e3`, `e99+`; nothing if there are none.
    pub(super) fn text(&self, name: &ServiceName) -> String {
        self.text_of_all([name].into_iter())
    }

    /// The same of several services together.
    pub(super) fn text_of_all<'n>(&self, names: impl Iterator<Item = &'n ServiceName>) -> String {
        match names.filter_map(|name| self.services.get(name)).map(|service| service.count).sum() {
            0 => String::new(),
            count if count > MOST => format!("e{MOST}+"),
            count => format!("e{count}"),
        }
    }

    /// Counts what is known by now, and adds what is to be read to `behind`. Whoever is followed has nothing out of sight
    /// but what the next frame shows. The answer is whether a number has changed.
    pub(super) fn count(
        &mut self,
        members: &[Member],
        is_followed: impl Fn(&ServiceName) -> bool,
        behind: &mut Vec<Arc<Scan>>,
    ) -> bool {
        self.services.retain(|name, _| members.iter().any(|(member, _)| member == name));
        let mut changed = false;
        for (name, document) in members {
            let service = self.services.entry(name.clone()).or_default();
            if is_followed(name) {
                service.scan = None;
                changed |= std::mem::take(&mut service.count) > 0;
                continue;
            }
            let mut reader = document.read();
            let version = reader.version();
            if reader.end() <= service.seen {
                changed |= std::mem::take(&mut service.count) > 0;
                continue;
            }
            let full = service.count > MOST;
            if service.counted == Some((version, service.seen))
                || full && service.counted.is_some_and(|c| c.1 == service.seen)
            {
                continue;
            }
            let (scan, mut failures) =
                service.scan.take().filter(|(scan, _)| scan.is_of(document)).unwrap_or_else(|| {
                    let scan = Scan::since(document.clone(), Criterion::Errors, service.seen);
                    (Arc::new(scan), Failures::since(service.seen))
                });
            let matches = scan.matches(&mut reader);
            let is_behind = matches.is_behind();
            let is_done = failures.read_on(&mut reader, &matches, AT_ONCE) && !is_behind;
            let count = failures.count_from(service.seen);
            drop(matches);
            // What is on the screen is read anew when more was printed: until that is done there are no fewer.
            let count = if is_done { count } else { count.max(service.count) };
            changed |= std::mem::replace(&mut service.count, count) != count;
            service.counted = is_done.then_some((version, service.seen));
            if is_behind && scan.claim() {
                behind.push(scan.clone());
            }
            service.scan = Some((scan, failures));
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::logs::LogStore;

    #[test]
    fn a_number_of_errors_only_grows_until_they_are_seen() {
        let log_store = LogStore::new(Clock::start());
        let members: Vec<Member> = vec![("api".into(), log_store.open(&"api".into(), 1 << 20))];
        let (name, document) = &members[0];
        let (mut unseen, mut counts) = (Unseen::default(), Vec::new());
        let mut look = |unseen: &mut Unseen, reads: bool| {
            let mut behind = Vec::new();
            unseen.count(&members, |_| false, &mut behind);
            counts.push(unseen.text(name).trim_start_matches('e').parse().unwrap_or(0));
            behind.iter().filter(|_| reads).for_each(|scan| scan.run(|| true));
        };
        for _ in 0..4 {
            document.feed(b"ERROR x\r\nTraceback (most recent call last):\r\n  File \"a.py\"\r\nValueError: no\r\n");
            document.feed(&b"fine\r\n".repeat(2));
            for _ in 0..4 {
                look(&mut unseen, true);
                document.feed(b"fine\r\n");
            }
        }
        look(&mut unseen, true);
        look(&mut unseen, true);
        assert!(counts.is_sorted(), "{counts:?}");
        assert_eq!(counts.last(), Some(&4_u32));
    }

    #[test]
    fn errors_out_of_sight_are_counted_and_gone_when_they_were_seen() {
        let log_store = LogStore::new(Clock::start());
        let members: Vec<Member> = vec![("api".into(), log_store.open(&"api".into(), 1 << 20))];
        let (name, document) = &members[0];
        let mut unseen = Unseen::default();
        let count = |unseen: &mut Unseen| {
            for _ in 0..3 {
                let mut behind = Vec::new();
                unseen.count(&members, |_| false, &mut behind);
                behind.iter().for_each(|scan| scan.run(|| true));
            }
            unseen.text(name)
        };
        document.mark(&crate::domain::Marker::Mark { number: 1 });
        document.feed("ERROR early\r\nfine\r\n".repeat(3).as_bytes());
        assert_eq!(count(&mut unseen), "e3");
        unseen.mark_seen(name, document.read().end());
        assert_eq!(count(&mut unseen), "");
        document.feed(&b"fine\r\n".repeat(500));
        assert_eq!(count(&mut unseen), "");
        document
            .feed(b"ERROR x\r\nTraceback (most recent call last):\r\n  File \"a.py\"\r\nValueError: no\r\nERROR y\r\n");
        document.feed(&b"fine\r\n".repeat(500));
        document.feed(b"ERROR x\r\n");
        assert_eq!(count(&mut unseen), "e2", "what one request prints is one error");
        document.feed("ERROR x\r\nfine\r\n".repeat(200).as_bytes());
        assert_eq!(count(&mut unseen), "e99+");
        unseen.mark_seen(name, LineId(document.read().end().0 - 4));
        assert_eq!(count(&mut unseen), "e2");
        let mut behind = Vec::new();
        document.feed(b"ERROR y\r\n");
        assert!(unseen.count(&members, |_| true, &mut behind), "the next frame shows it");
        assert_eq!((unseen.text(name).as_str(), behind.len()), ("", 0), "nobody reads it for that");
    }
}
