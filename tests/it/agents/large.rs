//! A log of a million lines.

use serde_json::json;

use super::{Agent, shop};
use crate::harness::{detach, down};

/// The number at the end of a line.
fn number(line: &serde_json::Value) -> u64 {
    line["text"].as_str().unwrap().rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_million_lines_are_answered_in_parts_whose_cursors_lead_on() {
    let project = shop("flood = { run = \"seq -f 'line %.0f' 1000000\", kind = \"job\", watch = false }\n");
    detach(&project);
    let Some(mut agent) = Agent::start(&project, "auto", &[]) else { return };
    agent.call("wait", json!({ "service": "flood", "for": "text", "text": "line 1000000", "timeout": "5m" })).well();
    let last = agent.call("logs", json!({ "service": "flood" })).well();
    assert!(last.text.len() <= 16 << 10 && last.size <= 48 << 10, "{} {}", last.text.len(), last.size);
    let lines = last.value["lines"].as_array().unwrap();
    assert_eq!((lines.len(), last.value["more"].clone()), (100, true.into()));

    // More than there is room for: what is left out is read from its cursor.
    let many = agent.call("logs", json!({ "service": "flood", "limit": 10_000 })).well();
    assert!(many.size <= 48 << 10, "{}", many.size);
    let lines = many.value["lines"].as_array().unwrap();
    let hole = &many.value["left_out"];
    let left_out = hole["lines"].as_u64().unwrap();
    let before = lines.windows(2).position(|two| number(&two[1]) != number(&two[0]) + 1).unwrap();
    let (first, next) = (number(&lines[before]), number(&lines[before + 1]));
    assert_eq!(next - first - 1, left_out);
    let mut cursor = hole["cursor"].clone();
    let mut read = first;
    for _ in 0..5 {
        let page = agent.call("logs", json!({ "service": "flood", "since": cursor, "limit": 1_000 })).well();
        assert!(page.size <= 48 << 10, "{}", page.size);
        for line in page.value["lines"].as_array().unwrap() {
            read += 1;
            assert_eq!(number(line), read);
        }
        assert_eq!(page.value["more"], true);
        cursor = page.value["cursor"].clone();
    }
    assert!(read >= first + 200, "{read}");
    let failed = agent.call("restart", json!({ "services": ["flood"], "timeout": "3m" }));
    assert!(failed.size <= 48 << 10, "{}", failed.size);
    agent.close();
    down(&project);
}
