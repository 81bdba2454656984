//! Answers that go on: they follow the group, end with their reader, and tell a slow one what it has missed.

use serde_json::json;

use super::{Page, SHOP};
use crate::harness::{Project, Stream, detach, down};

#[test]
fn a_stream_tells_states_events_and_lines_as_they_come() {
    let project = Project::new(SHOP);
    detach(&project);
    let page = Page::log_in(&project);
    let mut stream = page.follow("/api/v1/stream?status=1&events=1&logs=api");
    stream.find("the state", |line| line["status"]["project"] == "shop");
    let first = stream.find("what was there", |line| line["log"]["text"] == "started");
    assert_eq!(first["log"]["service"], "api");
    assert!(first["log"].get("level").is_some(), "levels are told: {first}");
    assert_eq!(page.post("/api/v1/services/api/send", &json!({ "text": "hello" })).status, 200);
    let typed = stream.find("what was typed", |line| line["log"]["text"] == "hello");
    assert_eq!(page.post("/api/v1/pause", &json!({})).status, 200);
    stream.find("the pause", |line| line["status"]["watch"]["state"] == "paused");
    assert_eq!(page.post("/api/v1/resume", &json!({ "discard": true })).status, 200);
    stream.find("its end", |line| line["event"]["type"] == "release");
    drop(stream);
    // By a cursor, no line is lost and none comes twice.
    let cursor = typed["log"]["cursor"].as_str().unwrap();
    page.post("/api/v1/services/api/send", &json!({ "text": "again" }));
    let mut stream = page.follow(&format!("/api/v1/stream?logs=api&cursor={cursor}"));
    let mut texts = Vec::new();
    stream.find("what came since", |line| {
        texts.push(line["log"]["text"].as_str().unwrap_or_default().to_owned());
        texts.last().is_some_and(|text| text == "again")
    });
    // `hello` is echoed by the terminal, and printed by the program.
    assert!(texts.iter().filter(|text| *text == "hello").count() <= 1, "{texts:?}");
    assert!(!texts.contains(&"started".to_owned()), "{texts:?}");
    down(&project);
}

#[test]
fn a_stream_ends_with_the_group() {
    let project = Project::new(SHOP);
    detach(&project);
    let page = Page::log_in(&project);
    let mut stream = page.follow("/api/v1/stream?status=1");
    stream.find("the state", |line| line.get("status").is_some());
    down(&project);
    while stream.line().is_some() {}
}

#[test]
fn a_slow_reader_is_told_what_it_has_missed() {
    let flood = "seq -f 'line %.0f of a flood that nobody can read as fast as it comes, whatever he does' 1 400000";
    let project = Project::new(&format!(
        "[web]\n[logs]\nmemory = \"1MiB\"\n[services]\nflood = {{ run = \"read go; {flood}; echo over; exec cat\" }}\n"
    ));
    detach(&project);
    let page = Page::log_in(&project);
    let mut stream = page.follow("/api/v1/stream?logs=flood");
    Stream::ask(&project, &["send", "flood", "go"]);
    let over = Stream::ask(&project, &["wait", "flood", "over", "--for", "text"]);
    assert_eq!(over.code, Some(0), "{}", over.stderr);
    let (mut told, mut missed) = (0, 0);
    stream.find("the end", |line| {
        told += u64::from(line["log"]["text"].as_str().is_some_and(|text| text.starts_with("line ")));
        missed += line["skipped"]["lines"].as_u64().unwrap_or(0);
        assert!(line.get("skipped").is_none_or(|skipped| skipped["service"] == "flood"), "{line}");
        line["log"]["text"] == "over"
    });
    assert!(missed > 0 && told + missed >= 400_000, "{told} told, {missed} missed");
    down(&project);
}
