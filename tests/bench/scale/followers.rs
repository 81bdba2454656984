//! Followers of one flood: whether they slow the service down.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::figures::{Samples, print_table};
use super::harness::{Project, Stream, detach, down, wait_for, wait_for_within};
use super::{LONG, ms};
use crate::row;

const ROUNDS: usize = 3;
/// What the service prints: 100 MB in lines of 100 bytes.
const FLOOD: &str = "yes 'a line of a flood, as long as lines of logs are, with some words and numbers 0123456789 in it ....' \
                     | head -c 100000000; date +%s%N > ../home/ended";

pub(crate) fn measure(counts: &[usize]) {
    let mut rows = vec![row!["`logs -f` on the flood", "the service needs ms", "more than without"]];
    let mut alone: Option<f64> = None;
    for &count in counts {
        let mut samples = Samples::default();
        (0..ROUNDS).for_each(|_| samples.add_time(flood(count)));
        let alone = *alone.get_or_insert(samples.median());
        let more = format!("{:.0} %", (samples.median() / alone - 1.0) * 100.0);
        rows.push(row![count, samples.show(), more]);
    }
    print_table("a service prints 100 MB while others follow its log (clients of the web page are left out)", &rows);
}

/// From the start of the flood to its end, as the service tells it.
fn flood(followers: usize) -> Duration {
    let project =
        Project::new(&format!("[services]\nflood = {{ kind = \"job\", run = \"{FLOOD}\", autostart = false }}\n"));
    detach(&project);
    let follow = || {
        let mut command = project.command(env!("CARGO_BIN_EXE_devgroup"));
        command.args(["logs", "-f", "flood"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut clients: Vec<Child> = (0..followers).map(|_| follow()).collect();
    wait_for("all follow", || {
        project.processes().iter().filter(|(_, line)| line.contains("logs -f")).count() >= followers
    });
    let began = Instant::now();
    assert_eq!(Stream::ask(&project, &["start", "flood"]).code, Some(0));
    wait_for_within(LONG, "the flood is over", || project.read("../home/ended").ends_with('\n'));
    let took = began.elapsed();
    for client in &mut clients {
        client.kill().unwrap();
        client.wait().unwrap();
    }
    down(&project);
    eprintln!("{followers} followers: {} ms", ms(took));
    took
}
