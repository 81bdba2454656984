//! Lines that are kept: what one costs, search, and the start of `attach` on such a log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use devgroup::clock::Clock;
use devgroup::domain::RunId;
use devgroup::logs::{Criterion, LogDocument, Query, QueryKind, Scan};
use tokio::sync::watch;

use super::figures::{Samples, print_table};
use super::harness::{Dash, Project, Stream, detach, down, wait_for_within};
use super::{Held, LONG};
use crate::row;

const ROUNDS: usize = 5;
const SIZE: (u16, u16) = (160, 50);
/// Room for all lines of a point.
const MEMORY: usize = 16 << 30;

pub(crate) fn measure(counts: &[usize]) {
    let mut rows = vec![row![
        "lines of 120 columns",
        "bytes for each",
        "literal ns a line",
        "regex ns a line",
        "errors ns a line",
        "MB of a group that has them",
        "attach: exec to the full frame ms"
    ]];
    for &count in counts {
        let [literal, regex, errors, bytes] = in_this_process(count);
        let (resident, attach) = in_a_group(count);
        rows.push(row![count, bytes, literal, regex, errors, format!("{resident:.0}"), attach.show()]);
    }
    print_table("lines that are kept", &rows);
}

fn in_this_process(count: usize) -> [String; 4] {
    let before = resident();
    let document = Arc::new(LogDocument::new(MEMORY, Clock::start(), watch::Sender::new(())));
    document.resize(160, 50);
    document.begin_run(RunId(1), None);
    let mut text = String::new();
    for number in 0..count {
        let time = number % 1_000_000_000;
        text.push_str(&format!(
            "2026-11-22T14:02:11.{time:09} INFO request handled method=GET path=/api/users/{time:09} status=200 \
             duration=12us id={number:010x}\r\n"
        ));
        if text.len() > 60 << 10 {
            document.feed(text.as_bytes());
            text.clear();
        }
    }
    document.feed(text.as_bytes());
    let (first, end) = (document.read().first(), document.read().end());
    let kept = end.0 - first.0;
    assert!(kept as usize >= count, "{kept} of {count} lines are kept");
    let bytes = resident().saturating_sub(before) / count;
    let query = |text, kind| Query::new(text, kind).ok().map(Criterion::Query).unwrap();
    let criteria = [
        query("connection refused", QueryKind::Literal),
        query(r"users/\d+7777777\b", QueryKind::Regex),
        Criterion::Errors,
    ];
    let [literal, regex, errors] = criteria.map(|criterion| {
        let took = (0..3).map(|_| {
            let scan = Scan::new(document.clone(), criterion.clone());
            let began = Instant::now();
            scan.run(|| true);
            began.elapsed()
        });
        let took: Duration = took.min().unwrap();
        format!("{:.1}", took.as_nanos() as f64 / count as f64)
    });
    [literal, regex, errors, bytes.to_string()]
}

fn in_a_group(count: usize) -> (f64, Samples) {
    let long =
        format!("long = \"seq -f 'line %.0f of a log that is neither short nor long' {count}; exec sleep 1000\"\n");
    let memory = "[logs]\nmemory = \"16GiB\"\ntotal = \"16GiB\"\n";
    let project = Project::new(&format!("{memory}[services]\n{long}"));
    let last = format!("line {count} of a log");
    detach(&project);
    wait_for_within(LONG, "the log is printed", || {
        Stream::ask(&project, &["logs", "long", "-n", "1"]).stdout.contains(&last)
    });
    let resident = Held::by(&project).resident_kb as f64 / 1e3;
    let mut samples = Samples::default();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut dash = Dash::start(&project, SIZE, &["attach"]);
        dash.wait_for("a full frame", |screen| screen.contains(&last) && screen.contains("? help"));
        samples.add_time(began.elapsed());
        dash.keys("D");
        dash.wait_end();
    }
    down(&project);
    (resident, samples)
}

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}
