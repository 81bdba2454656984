//! Whether there is an error to go to in the log that keys mean, in sight or not.
//!
//! Its lines are read from the newest on until one is found. From then on nothing is read until that one is dropped or
//! cleared away.

use std::sync::Arc;

use super::ui_state::Member;
use crate::domain::ServiceName;
use crate::logs::{Criterion, LineId, Scan};

/// What is known of one log.
#[derive(Debug, Default)]
pub(super) struct KnownErrors {
    of: Option<Member>,
    /// The last error that was found.
    last: Option<LineId>,
    /// Looks for one.
    scan: Option<Arc<Scan>>,
    /// For which version of the log that is, and from which line on.
    looked: Option<(u64, LineId)>,
}

impl KnownErrors {
    /// The log of this service has an error to go to.
    pub(super) fn has_any(&self, name: &ServiceName) -> bool {
        self.last.is_some() && self.is_about(name)
    }

    /// It was looked for errors there.
    pub(super) fn is_about(&self, name: &ServiceName) -> bool {
        self.of.as_ref().is_some_and(|(of, _)| of == name)
    }

    /// Takes in what was found by now from `floor` on, and adds what is to be read to `behind`. The answer is whether the
    /// news is another one.
    pub(super) fn look(&mut self, member: &Member, floor: LineId, behind: &mut Vec<Arc<Scan>>) -> bool {
        let (name, document) = member;
        let is_same = self.of.as_ref().is_some_and(|(of, its)| of == name && Arc::ptr_eq(its, document));
        if !is_same {
            *self = Self { of: Some(member.clone()), ..Self::default() };
        }
        let had = self.last.is_some();
        let mut reader = document.read();
        let (version, from) = (reader.version(), floor.max(reader.first()));
        // What is on the screen of the service may change.
        let stays = |last: LineId, archived: LineId| last >= from && last < archived;
        let archived = reader.archived();
        if self.last.is_some_and(|last| stays(last, archived)) || self.looked == Some((version, from)) {
            return false;
        }
        let scan = self.scan.take().unwrap_or_else(|| Arc::new(Scan::new(document.clone(), Criterion::Errors)));
        let matches = scan.matches(&mut reader);
        self.last = matches.last_before(LineId(u64::MAX)).filter(|last| *last >= from);
        let is_behind = matches.is_behind();
        drop(matches);
        self.looked = (!is_behind).then_some((version, from));
        if !self.last.is_some_and(|last| stays(last, archived)) {
            if is_behind && scan.claim() {
                behind.push(scan.clone());
            }
            self.scan = Some(scan);
        }
        self.last.is_some() != had
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::logs::LogStore;

    #[test]
    fn a_log_has_an_error_until_it_is_dropped_or_cleared_away() {
        let log_store = LogStore::new(Clock::start());
        let member: Member = ("api".into(), log_store.open(&"api".into(), 1 << 20));
        let document = member.1.clone();
        let mut known = KnownErrors::default();
        let mut reads = 0;
        let mut look = |known: &mut KnownErrors, floor: LineId| {
            for _ in 0..3 {
                let mut behind = Vec::new();
                known.look(&member, floor, &mut behind);
                reads += behind.len();
                behind.iter().for_each(|scan| scan.run(|| true));
            }
            (known.has_any(&member.0), reads)
        };
        document.feed(&b"fine\r\n".repeat(500));
        assert!(!look(&mut known, LineId(0)).0);
        document.feed(b"ERROR x\r\n");
        assert!(look(&mut known, LineId(0)).0, "it is on the screen");
        document.feed(&b"fine\r\n".repeat(500));
        let (has, before) = look(&mut known, LineId(0));
        assert!(has, "it has left the screen");
        document.feed(&b"fine\r\n".repeat(500));
        assert_eq!(look(&mut known, LineId(0)), (true, before), "nobody reads on once one is known");
        let end = document.read().end();
        assert!(!look(&mut known, end).0, "it was cleared away");
        assert!(look(&mut known, LineId(0)).0, "and is shown again");
        assert!(!known.has_any(&"web".into()) && known.is_about(&"api".into()));
    }
}
