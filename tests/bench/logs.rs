//! How fast the log document takes output, what a kept line costs, and how fast lines are read and searched:
//! `cargo bench --bench logs`.
//!
//! Speeds are of 64 KiB pieces into a terminal of 160×50 with the default budget, medians of five rounds; `4 KiB` is
//! the most that one read of a Linux pty returns. `cargo bench --bench logs -- plain` feeds only what is named so.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use devgroup::clock::Clock;
use devgroup::domain::RunId;
use devgroup::logs::{Criterion, LevelReader, LineId, LogDocument, Query, QueryKind, Scan};
use tokio::sync::watch;

const MEMORY: usize = 64 << 20;
const ROUND: usize = 64 << 20;

fn document() -> LogDocument {
    let document = LogDocument::new(MEMORY, Clock::start(), watch::Sender::new(()));
    document.resize(160, 50);
    document.begin_run(RunId(1), None);
    document
}

/// About 4 MB of lines that are alike and never the same, as logs are.
fn sample(line: impl Fn(u32) -> String) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut seed = 1u32;
    while bytes.len() < 4 << 20 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.extend_from_slice(line(seed >> 8).as_bytes());
    }
    bytes
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn feed_all(document: &LogDocument, bytes: &[u8], piece: usize) {
    bytes.chunks(piece).for_each(|part| {
        black_box(document.feed(part));
    });
}

/// What it takes to tell the levels of lines that have to be read: those with a word that a failure may have.
fn levels() {
    let line = |n: u32| match n % 4 {
        0 => format!(
            "Dec 10 06:55:46 LabSZ sshd[{n}]: Failed password for invalid user webmaster from 173.234.31.186 port {n} ssh2\r\n"
        ),
        1 => format!("Dec 10 06:55:46 LabSZ sshd[{n}]: Invalid user webmaster from 173.234.31.186\r\n"),
        2 => format!("Dec 10 06:55:48 LabSZ sshd[{n}]: pam_unix(sshd:auth): check pass; user unknown\r\n"),
        _ => format!("Dec 10 06:55:48 LabSZ sshd[{n}]: Connection closed by 173.234.31.186 port {n} [preauth]\r\n"),
    };
    let document = document();
    feed_all(&document, &sample(line), 64 << 10);
    let mut reader = document.read();
    let lines: Vec<_> = (0..20_000).filter_map(|id| reader.line(LineId(id))).collect();
    let rounds = (0..20).map(|_| {
        let (start, mut levels) = (Instant::now(), LevelReader::default());
        lines.iter().for_each(|line| {
            black_box(levels.pass(line));
        });
        start.elapsed()
    });
    println!("sshd                 levels told in {:?} a line", median(rounds.collect()) / 20_000);
}

fn main() {
    let plain = |n: u32| {
        format!(
            "2026-11-22T14:02:11.{n:09} INFO request handled method=GET path=/api/users/{n} status=200 duration={n}us id={n:08x}\r\n"
        )
    };
    let coloured = |n: u32| {
        format!(
            "\x1b[2m2026-11-22T14:02:11.{n:09}\x1b[0m \x1b[32m INFO\x1b[0m request \x1b[1mhandled\x1b[0m \x1b[3mmethod\x1b[0m=GET \x1b[3mpath\x1b[0m=/api/users/{n} \x1b[38;5;208mstatus\x1b[0m=200\r\n"
        )
    };
    let samples: [(&str, Vec<u8>); 6] = [
        ("plain, 120 columns", sample(plain)),
        ("coloured", sample(coloured)),
        ("short lines", sample(|n| format!("{}\r\n", n % 10_000_000))),
        ("unicode", sample(|n| format!("✓ größe {n} 漢字 über 👍 — fertig → {n}\r\n"))),
        ("progress", sample(|n| format!("\r\x1b[2K  Building [{:>30}] {n}/4000", "=".repeat(n as usize % 30)))),
        ("one long line", sample(|n| format!("{n} "))),
    ];
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| named.is_empty() || named.iter().any(|one| name.starts_with(one.as_str()));
    for (name, bytes) in samples.iter().filter(|(name, _)| wanted(name)) {
        for (size, piece) in [("64 KiB", 64 << 10), ("4 KiB", 4 << 10)] {
            let times = (0..5).map(|_| {
                let document = document();
                let start = Instant::now();
                for _ in 0..ROUND / bytes.len() / 2 {
                    feed_all(&document, bytes, piece);
                }
                start.elapsed()
            });
            let fed = ROUND / bytes.len() / 2 * bytes.len();
            let speed = fed as f64 / median(times.collect()).as_secs_f64() / 1e6;
            println!("{name:20} {size:>6} pieces  {speed:6.0} MB/s");
        }
    }

    if named.is_empty() {
        levels();
    }
    for (name, bytes) in samples.iter().take(2).filter(|_| named.is_empty()) {
        let before = resident();
        let document = document();
        while document.read().end() < LineId(1_000_000) && document.read().dropped() == 0 {
            feed_all(&document, bytes, 64 << 10);
        }
        let mut reader = document.read();
        let kept = reader.end().0 - reader.first().0;
        let used = resident().saturating_sub(before);
        println!("{name:20} {kept} lines kept, {} bytes of resident memory each", used / kept as usize);
        for (place, from) in [("newest", reader.end().0 - 50), ("oldest", reader.first().0), ("middle", kept / 2)] {
            let start = Instant::now();
            for id in from..from + 50 {
                black_box(reader.line(LineId(id)));
            }
            println!("{name:20} {place} 50 lines read in {:?}", start.elapsed());
        }
        let start = Instant::now();
        let mut levels = LevelReader::default();
        let told = (kept - 100_000..kept)
            .filter(|id| reader.line(LineId(*id)).is_some_and(|line| levels.pass(&line).is_some()));
        println!("{name:20} levels of 100000 lines, {} with one, told in {:?}", told.count(), start.elapsed());
        drop(reader);
        search(name, &Arc::new(document), kept);
    }
}

/// How long it takes to read all lines for a query, and until the first slice of them shows its hits.
fn search(name: &str, document: &Arc<LogDocument>, kept: u64) {
    let query = |text, kind| Query::new(text, kind).ok().map(Criterion::Query);
    let criteria = [
        ("literal, rare", query("id=0000ffff", QueryKind::Literal)),
        ("literal, small letters, nowhere", query("connection refused", QueryKind::Literal)),
        ("literal, in every line", query("200", QueryKind::Literal)),
        ("regex, rare", query(r"users/\d+7777\b", QueryKind::Regex)),
        ("regex, in every line", query(r"INFO.*request", QueryKind::Regex)),
        ("errors", Some(Criterion::Errors)),
    ];
    for (what, criterion) in criteria {
        let Some(criterion) = criterion else { continue };
        let times: Vec<_> = (0..5)
            .map(|_| {
                let scan = Scan::new(document.clone(), criterion.clone());
                let start = Instant::now();
                let mut first = None;
                scan.run(|| {
                    first.get_or_insert_with(|| start.elapsed());
                    true
                });
                (start.elapsed(), first.unwrap_or_default(), scan.matches(&mut document.read()).count())
            })
            .collect();
        let hits = times.first().map_or(0, |(_, _, hits)| *hits);
        let all = median(times.iter().map(|(all, _, _)| *all).collect());
        let first = median(times.iter().map(|(_, first, _)| *first).collect());
        println!("{name:20} {what:32} {hits:8} of {kept} lines in {all:9.3?}, the first in {first:9.3?}");
    }
}

/// Resident memory of this process in bytes; 0 where `/proc` does not tell.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}
