//! What happened to a file, by comparing what was known with what is there. Events only add whether a write is
//! complete.

use super::directory::Seen;
use super::pending::EventFlags;
use super::tree::{Content, KnownFile};
use crate::domain::ChangeKind;

/// Why a file is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The operating system said so.
    Event(EventFlags),
    /// Its folder was listed.
    Listing,
}

/// What is known from now on, and what is to be reported: the kind, and whether the write is complete.
pub(super) type Outcome = (Option<KnownFile>, Option<(ChangeKind, bool)>);

/// What a look at a file means, compared with what was known of it.
pub(super) fn of(before: Option<KnownFile>, now: Option<Seen>, reason: Reason) -> Outcome {
    let Some(now) = now else {
        return (None, before.map(|_| (ChangeKind::Removed, true)));
    };
    let finished = is_finished(&now, reason);
    let kind = match before {
        None => ChangeKind::Created,
        Some(before) if before.stamp == Some(now.stamp) && says_nothing_new(before, reason) => {
            return (Some(KnownFile { listed: false, ..before }), None);
        }
        // It has been Created for the reader ever since; only now it is complete.
        Some(before) => before.unfinished.unwrap_or(ChangeKind::Modified),
    };
    let known = KnownFile {
        stamp: Some(now.stamp),
        unfinished: (!finished).then_some(kind),
        listed: reason == Reason::Listing && before.is_none(),
        content: Content::Unknown,
    };
    (Some(known), Some((kind, finished)))
}

fn is_finished(now: &Seen, reason: Reason) -> bool {
    match reason {
        Reason::Listing => true,
        Reason::Event(flags) => {
            // Content that nobody wrote under this name was linked to here.
            let linked = flags.created && !flags.written && !now.is_empty;
            flags.closed || flags.moved_in || linked || !now.may_be_half_written
        }
    }
}

/// Whether an event for a file with an unchanged stamp is without news.
fn says_nothing_new(before: KnownFile, reason: Reason) -> bool {
    match reason {
        // Read so soon after its last change that it may have been changed again since: to be compared.
        Reason::Listing => !matches!(before.content, Content::Racy(_)),
        Reason::Event(flags) => {
            // A write within the grain of the file system's clock leaves the stamp as it was, so a write is believed. A
            // close alone is not: many programs open for writing what they only read.
            let only_closed = EventFlags { closed: false, ..flags } == EventFlags::default();
            before.unfinished.is_none() && (before.listed || only_closed)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::watch::directory;

    const CREATED: EventFlags = EventFlags { created: true, left: Some(true), ..EventFlags::NONE };
    const CLOSED: EventFlags = EventFlags { closed: true, ..EventFlags::NONE };
    const SAVED: EventFlags = EventFlags { created: true, written: true, closed: true, ..CREATED };

    fn seen_at(path: &Path) -> Option<Seen> {
        directory::at(path).map(|(_, seen)| seen)
    }

    #[test]
    fn a_file_is_created_until_it_is_finished() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a");
        fs::write(&file, "").expect("written");
        let (known, said) = of(None, seen_at(&file), Reason::Event(CREATED));
        assert_eq!(said, Some((ChangeKind::Created, false)));
        fs::write(&file, "text").expect("written");
        let (known, said) = of(known, seen_at(&file), Reason::Event(EventFlags { created: false, ..SAVED }));
        assert_eq!(said, Some((ChangeKind::Created, true)));
        fs::write(&file, "more text").expect("written");
        let (known, said) = of(known, seen_at(&file), Reason::Event(EventFlags { created: false, ..SAVED }));
        assert_eq!(said, Some((ChangeKind::Modified, true)));
        fs::remove_file(&file).expect("removed");
        assert_eq!(of(known, seen_at(&file), Reason::Event(CREATED)).1, Some((ChangeKind::Removed, true)));
        assert_eq!(of(None, None, Reason::Event(SAVED)).1, None, "came and went");
    }

    #[test]
    fn an_event_without_news_is_dropped_and_a_write_is_believed() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a");
        fs::write(&file, "text").expect("written");
        let now = seen_at(&file);
        let (listed, said) = of(None, now, Reason::Listing);
        assert_eq!(said, Some((ChangeKind::Created, true)));
        let (known, said) = of(listed, now, Reason::Event(SAVED));
        assert_eq!(said, None, "the event of what the listing has reported");
        assert_eq!(of(known, now, Reason::Event(CLOSED)).1, None, "opened for writing, not written");
        assert_eq!(of(known, now, Reason::Listing).1, None);
        let said = of(known, now, Reason::Event(EventFlags { created: false, ..SAVED })).1;
        assert_eq!(said, Some((ChangeKind::Modified, true)), "written within the clock's grain");
        let said = of(Some(KnownFile::default()), now, Reason::Listing).1;
        assert_eq!(said, Some((ChangeKind::Modified, true)), "never looked at: counts as changed");
    }

    #[test]
    fn links_are_complete_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&file, "text").expect("written");
        fs::hard_link(&file, &link).expect("linked");
        assert_eq!(of(None, seen_at(&link), Reason::Event(CREATED)).1, Some((ChangeKind::Created, true)));
        fs::remove_file(&file).expect("removed");
        assert_eq!(of(None, seen_at(&link), Reason::Event(CREATED)).1, Some((ChangeKind::Created, true)));
        std::os::unix::fs::symlink("nowhere", &file).expect("linked");
        assert_eq!(of(None, seen_at(&file), Reason::Event(CREATED)).1, Some((ChangeKind::Created, true)));
    }
}
