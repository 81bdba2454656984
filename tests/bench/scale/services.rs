//! Services that sleep: start, memory, idle, questions, the end. Beside it, as many bare `sleep`.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::figures::{Samples, print_table};
use super::harness::{Dash, Project, Stream, detach, wait_for};
use super::{Held, ms};
use crate::row;

const ROUNDS: usize = 5;
const SIZE: (u16, u16) = (160, 50);
/// How many names are on a screen of that size, whatever else is.
const IN_SIGHT: usize = 20;
/// Start-up is over.
const SETTLE: Duration = Duration::from_secs(2);
const IDLE: Duration = Duration::from_secs(10);

pub(crate) fn measure(counts: &[usize]) {
    let mut rows = vec![row![
        "services",
        "first frame ms",
        "up ms",
        "bare start ms",
        "MB resident",
        "of it anonymous",
        "anonymous KB for each more",
        "threads",
        "idle 10 s: CPU ms",
        "switches",
        "status ms",
        "r to the new process ms",
        "down ms",
        "bare end ms"
    ]];
    let mut before: Option<(usize, u64)> = None;
    for &count in counts {
        let (start, end) = bare(count);
        let project = Project::new(&services(count));
        let frame = first_frame(&project, count);
        let began = Instant::now();
        detach(&project);
        let up = began.elapsed();
        std::thread::sleep(SETTLE);
        let held = Held::by(&project);
        std::thread::sleep(IDLE);
        let later = Held::by(&project);
        let each = before.filter(|(few, _)| *few < count).map_or("-".into(), |(few, kb)| {
            format!("{:.1}", held.anonymous_kb.saturating_sub(kb) as f64 / (count - few) as f64)
        });
        before = Some((count, held.anonymous_kb));
        let (status, restart) = (status(&project), restart(&project));
        let began = Instant::now();
        assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
        let down = began.elapsed();
        project.assert_nothing_left();
        rows.push(row![
            count,
            frame.show(),
            ms(up),
            ms(start),
            format!("{:.1}", held.resident_kb as f64 / 1e3),
            format!("{:.1}", held.anonymous_kb as f64 / 1e3),
            each,
            held.threads,
            format!("{:.2}", (later.cpu_ns - held.cpu_ns) as f64 / 1e6),
            later.switches - held.switches,
            status.show(),
            restart.show(),
            ms(down),
            ms(end)
        ]);
    }
    print_table("services that sleep, in the background; `up` waits 250 ms for each to last", &rows);
}

fn services(count: usize) -> String {
    let sleeper = |number: usize| format!("s{number:04} = \"echo $$ > ../home/pid-{number}; exec sleep 1000\"\n");
    let quiet = |number: usize| format!("s{number:04} = \"exec sleep 1000\"\n");
    let all = (0..count).map(|number| if number == 0 { sleeper(number) } else { quiet(number) });
    format!("[services]\n{}", all.collect::<String>())
}

/// What it takes to start that many processes one after the other, and to end them together.
fn bare(count: usize) -> (Duration, Duration) {
    let began = Instant::now();
    let mut sleepers: Vec<Child> = (0..count)
        .map(|_| Command::new("sleep").arg("1000").stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
        .collect();
    let start = began.elapsed();
    let began = Instant::now();
    sleepers.iter_mut().for_each(|sleeper| sleeper.kill().unwrap());
    sleepers.iter_mut().for_each(|sleeper| drop(sleeper.wait()));
    (start, began.elapsed())
}

/// From `exec` to a screen full of names.
fn first_frame(project: &Project, count: usize) -> Samples {
    let mut samples = Samples::default();
    let names: Vec<String> = (0..count.min(IN_SIGHT)).map(|number| format!("s{number:04}")).collect();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut dash = Dash::start(project, SIZE, &[]);
        dash.wait_for("names are there", |screen| names.iter().all(|name| screen.contains(name)));
        samples.add_time(began.elapsed());
        let running = format!("{count} running");
        dash.wait_for("all are said to run", |screen| screen.contains(&running));
        dash.keys("Q");
        dash.wait_exit();
    }
    samples
}

fn status(project: &Project) -> Samples {
    let mut samples = Samples::default();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        assert_eq!(Stream::ask(project, &["status"]).code, Some(0));
        samples.add_time(began.elapsed());
    }
    samples
}

/// From the start of `devgroup restart` to what the new process writes first.
fn restart(project: &Project) -> Samples {
    let mut samples = Samples::default();
    for _ in 0..ROUNDS {
        let before = project.read("../home/pid-0");
        let began = Instant::now();
        let mut command = project.command(env!("CARGO_BIN_EXE_devgroup"));
        let mut client = command.args(["restart", "s0000"]).stdout(Stdio::null()).spawn().unwrap();
        let mut seen = began.elapsed();
        wait_for("the new process is there", || {
            seen = began.elapsed();
            let now = project.read("../home/pid-0");
            now.ends_with('\n') && now != before
        });
        samples.add_time(seen);
        assert!(client.wait().unwrap().success());
    }
    samples
}
