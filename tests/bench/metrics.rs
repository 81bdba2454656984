//! How long a scrape takes, from the connection to the last byte, with 50 services of one process each, what they use included;
//! and the answers for probes. The aim is at most 5 ms for a scrape.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

#[expect(dead_code, reason = "a benchmark uses a part of the figures")]
mod figures;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;

use figures::{Samples, print_table};
use harness::{Project, Stream};

const SERVICES: usize = 50;
const ROUNDS: usize = 50;

/// Between two scrapes: who asks again sooner is told what was measured then.
const PAUSE: Duration = Duration::from_millis(300);

fn main() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let services: String = (0..SERVICES).map(|n| format!("s{n} = \"echo up; exec sleep 1000\"\n")).collect();
    let project = Project::new(&format!("[metrics]\nport = {port}\n[services]\n{services}"));
    let mut group = Stream::start(&project, &[]);
    group.wait_for("all are up", |out| out.matches("│ up\n").count() == SERVICES);
    let mut rows = vec![row!["path", "ms", "KiB"]];
    for (path, pause) in [("/metrics", PAUSE), ("/health", Duration::ZERO), ("/ready", Duration::ZERO)] {
        let (mut took, mut size) = (Samples::default(), 0);
        for _ in 0..ROUNDS {
            thread::sleep(pause);
            let begun = Instant::now();
            let answer = get(port, path);
            took.add_time(begun.elapsed());
            size = answer.len();
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            let measured = answer.matches("\ndevgroup_service_resident_bytes{").count();
            assert!(
                path != "/metrics" || measured == SERVICES || cfg!(not(target_os = "linux")),
                "{measured} measured"
            );
        }
        rows.push(row![path, took.show(), format!("{:.1}", size as f64 / 1024.0)]);
    }
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    group.wait_exit();
    print_table(&format!("{ROUNDS} times each, a group of {SERVICES} services"), &rows);
}

fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
