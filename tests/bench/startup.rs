//! How long it takes until there is something to see, and until all is gone: `exec` to the first full frame (the names of
//! all services), to the first output of a service, and `q` to the exit, with 8 services that sleep. Medians of 20.
//!
//! The target of each is below 10 ms on a quiet machine. mprocs is measured beside it if it is installed, and another build
//! of devgroup if `DEVGROUP_BENCH_OTHER` names one; rounds alternate, so that all see the same load.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::time::Instant;

mod figures;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;

use figures::{Samples, on_path, print_table};
use harness::{Dash, Project};

const ROUNDS: usize = 20;
const SIZE: (u16, u16) = (160, 50);
const NAMES: [&str; 8] = ["anna", "bert", "cleo", "dora", "emil", "fred", "gina", "hugo"];

fn main() {
    let text = NAMES.map(|name| format!("{name} = \"echo {name}-says-hello; exec sleep 1000\"\n")).concat();
    let project = Project::new(&format!("[services]\n{text}"));
    let mut programs = vec![env!("CARGO_BIN_EXE_devgroup").to_owned()];
    programs.extend(std::env::var("DEVGROUP_BENCH_OTHER").ok());
    if on_path("mprocs") {
        let procs =
            NAMES.map(|name| format!("  {name}: {{shell: 'echo {name}-says-hello; exec sleep 1000'}}\n")).concat();
        project.write("mprocs.yaml", format!("procs:\n{procs}"));
        programs.push("mprocs".into());
    }
    let mut measured: Vec<_> = programs.iter().map(|_| [(); 4].map(|()| Samples::default())).collect();
    for _ in 0..ROUNDS {
        for (program, samples) in programs.iter().zip(&mut measured) {
            measure(program, &project, samples);
        }
    }
    let mut rows = vec![row!["program", "first full frame ms", "first output ms", "all running ms", "q to exit ms"]];
    for (program, [frame, output, running, quit]) in programs.iter().zip(&measured) {
        rows.push(row![program, frame.show(), output.show(), running.show(), quit.show()]);
    }
    print_table("start and quit, 8 services, medians of 20 [min..max]", &rows);
}

fn measure(program: &str, project: &Project, [frame, output, running, quit]: &mut [Samples; 4]) {
    let started = Instant::now();
    let mut dash = Dash::start_program(project, program, SIZE, &[]);
    dash.wait_for("all names are there", |screen| NAMES.iter().all(|name| screen.contains(name)));
    frame.add_time(started.elapsed());
    dash.wait_for_text("-says-hello");
    output.add_time(started.elapsed());
    if program != "mprocs" {
        // Not all logs are in sight. Builds before the words of the first release say `up`.
        let said = ["running", "up"].map(|word| format!("{} {word}", NAMES.len()));
        dash.wait_for("all are said to run", |screen| said.iter().any(|said| screen.contains(said)));
        running.add_time(started.elapsed());
    }
    dash.wait_while_reading("all services sleep", |project| sleepers(project) == NAMES.len());
    let pressed = Instant::now();
    dash.keys("q");
    dash.wait_exit();
    quit.add_time(pressed.elapsed());
    project.assert_nothing_left();
}

fn sleepers(project: &Project) -> usize {
    project.processes().iter().filter(|(_, command)| command.starts_with("sleep ")).count()
}
