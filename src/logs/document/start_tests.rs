//! Where a run begins in its log: the kind of a marker tells, its text is not read.

use tokio::sync::watch;

use super::LogDocument;
use crate::clock::Clock;
use crate::domain::{Marker, RunId};
use crate::logs::LineId;

fn started() -> Marker {
    Marker::Started { why: None, command: "bin/api".into(), pid: 7 }
}

fn document(memory: usize) -> LogDocument {
    LogDocument::new(memory, Clock::start(), watch::Sender::new(()))
}

#[test]
fn a_run_is_read_from_behind_its_start_however_old_that_is() {
    let document = document(4 << 20);
    for (run, marker) in [(1, started()), (2, Marker::CouldNotStart { reason: "no such file".into() })] {
        document.begin_run(RunId(run), None);
        document.mark(&marker);
    }
    document.begin_run(RunId(3), None);
    document.mark(&started());
    // All that came before is packed by this.
    document.feed("much\r\n".repeat(30_000).as_bytes());
    let starts = [0, 1, 2, 3, 4].map(|run| document.read().after_start_of(RunId(run)).0);
    assert_eq!(starts, [0, 1, 2, 3, 30_003]);
}

#[test]
fn where_the_start_is_gone_the_first_line_is_read_whatever_it_is() {
    let document = document(1 << 20);
    document.begin_run(RunId(2), None);
    document.mark(&Marker::Mark { number: 1 });
    document.feed(b"line\r\n");
    assert_eq!(document.read().after_start_of(RunId(2)), LineId(0));
}
