//! How long it takes until `devgroup attach` shows a full frame: `exec` to the frame, of a group with a short log and of
//! one with 1,000,000 lines, and from a key to the frame that answers it, beside the dashboard of a group that has the
//! terminal itself. Medians of 20.
//!
//! The target is a full frame within 100 ms.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::time::Instant;

#[expect(dead_code, reason = "a benchmark uses a part of the figures")]
mod figures;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;

use figures::{Samples, print_table};
use harness::{Dash, Project, Stream, wait_for};

const ROUNDS: usize = 20;
const SIZE: (u16, u16) = (160, 50);
const NAMES: [&str; 8] = ["anna", "bert", "cleo", "dora", "emil", "fred", "gina", "hugo"];

fn main() {
    let mut rows =
        vec![row!["lines in the log", "exec to full frame ms", "key to frame ms", "key to frame, not attached ms"]];
    for lines in [100, 1_000_000] {
        let quiet = NAMES.map(|name| format!("{name} = \"echo {name}-says-hello; exec sleep 1000\"\n")).concat();
        let long =
            format!("long = \"seq -f 'line %.0f of a log that is neither short nor long' {lines}; exec sleep 1000\"\n");
        let project = Project::new(&format!("[services]\n{long}{quiet}"));
        let last = format!("line {lines} of a log");
        let [mut frame, mut answer, mut own] = [(); 3].map(|()| Samples::default());
        assert_eq!(Stream::ask(&project, &["-d"]).code, Some(0));
        wait_for("the log is printed", || Stream::ask(&project, &["logs", "long", "-n", "1"]).stdout.contains(&last));
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let mut dash = Dash::start(&project, SIZE, &["attach"]);
            dash.wait_for("a full frame", |screen| is_full(screen, &last));
            frame.add_time(started.elapsed());
            answer.add_time(key_to_frame(&mut dash, &last));
            dash.keys("D");
            dash.wait_end();
        }
        let first = Stream::ask(&project, &["logs", "long", "--grep", "^line 1 of"]);
        assert!(first.stdout.contains("line 1 of"), "all lines are kept");
        assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
        let mut dash = Dash::start(&project, SIZE, &[]);
        dash.wait_for("a full frame", |screen| is_full(screen, &last));
        for _ in 0..ROUNDS {
            own.add_time(key_to_frame(&mut dash, &last));
        }
        dash.keys("Q");
        dash.wait_exit();
        rows.push(row![lines, frame.show(), answer.show(), own.show()]);
    }
    print_table("devgroup attach, 9 services, medians of 20 [min..max]", &rows);
}

fn is_full(screen: &str, last: &str) -> bool {
    let names = || NAMES.iter().all(|name| screen.contains(name));
    screen.contains(last) && screen.contains("? help") && names()
}

/// Zooms, and back.
fn key_to_frame(dash: &mut Dash<'_>, last: &str) -> std::time::Duration {
    let pressed = Instant::now();
    dash.keys("z");
    dash.wait_for("the pane is zoomed", |screen| screen.contains(last) && !screen.contains("hugo"));
    let took = pressed.elapsed();
    dash.keys("z");
    dash.wait_for("it is not any more", |screen| is_full(screen, last));
    took
}
