//! The log document through its public face: many writers, one store, what real tools print.

use std::sync::Arc;

use devgroup::clock::Clock;
use devgroup::domain::{RunId, ServiceName};
use devgroup::logs::{LineId, LogDocument, LogStore};

const MEMORY: usize = 8 << 20;

fn text(document: &LogDocument) -> Vec<String> {
    let mut reader = document.read();
    (reader.first().0..reader.end().0).filter_map(|id| reader.line(LineId(id))).map(|line| line.content.text).collect()
}

#[test]
fn what_a_build_prints_reads_as_a_log() {
    let log_store = LogStore::new(Clock::start());
    let document = log_store.open(&ServiceName::new("build"), MEMORY);
    document.begin_run(RunId(1), None);
    document.feed(include_bytes!("../recordings/cargo-build.raw"));
    let lines = text(&document);
    let has = |part: &str| lines.iter().any(|line| line.contains(part));
    assert!(
        has("Compiling demo v0.1.0") && has("warning: unused variable") && has("Finished `dev` profile"),
        "{lines:#?}"
    );
    // The progress bar has gone, and nothing of its drawing is left.
    assert!(!has("Building [") && !lines.iter().any(|line| line.contains(char::is_control)), "{lines:#?}");
}

#[test]
fn a_pager_leaves_nothing_in_the_log() {
    let log_store = LogStore::new(Clock::start());
    let document = log_store.open(&ServiceName::new("pager"), MEMORY);
    document.begin_run(RunId(1), None);
    document.feed(b"before\r\n");
    let recording = include_bytes!("../recordings/vim.raw");
    let (first, rest) = recording.split_at(recording.len() * 3 / 4);
    document.feed(first);
    assert!(document.read().screen().is_some());
    document.feed(rest);
    assert!(document.read().screen().is_none());
    assert_eq!(text(&document).first().map(String::as_str), Some("before"));
}

#[test]
fn the_store_opens_a_document_once_and_tells_of_changes() {
    let log_store = LogStore::new(Clock::start());
    let (api, web) = (ServiceName::new("api"), ServiceName::new("web"));
    assert!(log_store.get(&api).is_none());
    let document = log_store.open(&api, MEMORY);
    assert!(Arc::ptr_eq(&document, &log_store.open(&api, MEMORY)));
    let mut changes = log_store.changes();
    changes.mark_unchanged();
    document.feed(b"");
    assert_eq!(changes.has_changed().ok(), Some(false));
    log_store.open(&web, MEMORY).feed(b"x");
    assert_eq!(changes.has_changed().ok(), Some(true));
    log_store.remove(&api);
    assert!(log_store.get(&api).is_none() && log_store.get(&web).is_some());
}

#[test]
fn many_services_flood_while_one_is_read() {
    let log_store = LogStore::new(Clock::start());
    let names: Vec<ServiceName> = (0..4).map(|n| ServiceName::new(format!("s{n}"))).collect();
    std::thread::scope(|scope| {
        for name in &names {
            let document = log_store.open(name, 1 << 20);
            scope.spawn(move || {
                document.begin_run(RunId(1), None);
                for line in 0..20_000 {
                    document.feed(format!("line {line}\r\n").as_bytes());
                }
            });
        }
        let document = log_store.open(&names[0], 1 << 20);
        let mut end = LineId(0);
        while end < LineId(20_000) {
            let mut reader = document.read();
            assert!(reader.end() >= end);
            end = reader.end();
            let last = end.0.checked_sub(1).map(LineId);
            assert!(last.is_none_or(|last| reader.line(last).is_some()));
        }
    });
    for name in &names {
        assert_eq!(text(&log_store.open(name, 1 << 20)).last().map(String::as_str), Some("line 19999"));
    }
}
