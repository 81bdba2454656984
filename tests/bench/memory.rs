//! What kept lines cost: the resident memory of the dashboard after a service has printed 1,000,000 lines of 120
//! columns (limit: 64 MB), and after 24 services have printed 10,000 lines each (limit: 60 MB).

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::fmt::Write;
use std::fs;

#[expect(dead_code, reason = "a benchmark uses a part of the figures")]
mod figures;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;

use figures::print_table;
use harness::{Dash, Project};

const LAST_WORDS: &str = "all-is-said";

fn main() {
    let mut rows = vec![row!["group", "RSS MB before", "RSS MB after", "bytes a line"]];
    for (services, lines) in [(1, 1_000_000), (24, 10_000)] {
        rows.push(measure(services, lines));
    }
    print_table("what kept lines of 120 columns cost", &rows);
}

fn measure(services: usize, lines: usize) -> Vec<String> {
    let command = format!("until test -e go; do sleep 0.1; done; cat load; echo {LAST_WORDS}; exec sleep 1000");
    let table: String = (1..=services).map(|n| format!("s{n:02} = \"{command}; : {n}\"\n")).collect();
    let project = Project::new(&format!("[services]\n{table}"));
    project.write("load", load(lines));
    let mut dash = Dash::start(&project, (160, 50), &[]);
    dash.wait_for_text("started");
    let asleep = |project: &Project, command: &str| {
        project.processes().iter().filter(|(_, line)| line == command).count() == services
    };
    dash.wait_while_reading("all wait", |project| asleep(project, "sleep 0.1"));
    let before = rss_mb(&dash);
    project.write("go", "");
    dash.wait_while_reading("all have printed", |project| asleep(project, "sleep 1000"));
    dash.wait_for_text(LAST_WORDS);
    let after = rss_mb(&dash);
    let bytes = (after - before) * 1e6 / (services * lines) as f64;
    row![format!("{services} × {lines} lines"), format!("{before:.1}"), format!("{after:.1}"), format!("{bytes:.0}")]
}

fn load(lines: usize) -> String {
    let mut text = String::new();
    let mut n = 1_u32;
    for _ in 0..lines {
        n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let id = n >> 8;
        let line = format!(
            "2026-11-22T14:02:11.{id:09} INFO request handled method=GET path=/api/users/{id} status=200 duration={id}us"
        );
        writeln!(text, "{line:.<120}").unwrap();
    }
    text
}

fn rss_mb(dash: &Dash<'_>) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", dash.program())).unwrap();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    kilobytes.split_whitespace().next().unwrap().parse::<f64>().unwrap() * 1024.0 / 1e6
}
