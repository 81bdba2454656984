//! How long a save takes to matter: from just before a watched file is opened for append, to the first output of the
//! new process, with default settings and a service that stops at once. The median of 30; the target is 40 ms.
//!
//! The new process says that it is there through a pipe of its own (`process`), so that drawing is not in the figure;
//! `screen` is when the cause of the restart can be read. watchexec is measured beside it if it is installed.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

mod figures;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;

use figures::{Samples, on_path, print_table};
use harness::{Dash, Project};

const SAVES: usize = 30;
const SERVICE: &str = "echo x > ../home/pipe; echo up; exec sleep 1000";

fn main() {
    let mut rows = vec![row!["program", "save to process ms", "save to screen ms"]];
    let project = Project::new(&format!("[services]\napi = {{ run = \"{SERVICE}\", watch = true }}\n"));
    let starts = Starts::listen(&project);
    let dash = Dash::start(&project, (160, 50), &[]);
    rows.push(measure("devgroup", dash, &project, &starts, true));
    if on_path("watchexec") {
        let arguments = ["-r", "-w", "src", "--", "sh", "-c", SERVICE];
        let dash = Dash::start_program(&project, "watchexec", (160, 50), &arguments);
        rows.push(measure("watchexec", dash, &project, &starts, false));
    }
    print_table("a save, medians of 30 [min..max]", &rows);
}

fn measure(name: &str, mut dash: Dash<'_>, project: &Project, starts: &Starts, named: bool) -> Vec<String> {
    let [mut process, mut screen] = [(); 2].map(|()| Samples::default());
    dash.wait_for_text("up");
    starts.next(&mut dash);
    if named {
        dash.wait_for_text("watching 1 of 1 ·");
    }
    for number in 0..SAVES {
        let file = format!("src/save-{number}.rs");
        project.write(&file, "");
        starts.next(&mut dash);
        dash.wait_while_reading("the service sleeps", sleeps);
        let saved = Instant::now();
        let mut open = OpenOptions::new().append(true).open(project.path(&file)).unwrap();
        open.write_all(b"change\n").unwrap();
        drop(open);
        let there = starts.next(&mut dash);
        process.add_time(there - saved);
        if named {
            let cause = format!("restarted · {file} changed");
            dash.wait_for(&cause, |screen| screen.matches(&cause).count() == 2);
            screen.add_time(saved.elapsed());
        }
        dash.wait_while_reading("the service sleeps", sleeps);
    }
    row![name, process.show(), screen.show()]
}

/// The moments at which services said that they are there.
struct Starts(Receiver<Instant>);

impl Starts {
    /// Listens at a named pipe, which is open for both ends, so that neither side ever waits for the other.
    fn listen(project: &Project) -> Self {
        assert!(project.command("mkfifo").arg("../home/pipe").status().unwrap().success());
        let mut pipe = OpenOptions::new().read(true).write(true).open(project.path("../home/pipe")).unwrap();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 2];
            while pipe.read_exact(&mut buffer).is_ok() && sender.send(Instant::now()).is_ok() {}
        });
        Self(receiver)
    }

    fn next(&self, dash: &mut Dash<'_>) -> Instant {
        let next = Cell::new(None);
        dash.wait_while_reading("a new process is there", |_| {
            next.set(self.0.try_recv().ok());
            next.get().is_some()
        });
        next.get().unwrap()
    }
}

fn sleeps(project: &Project) -> bool {
    project.processes().iter().any(|(_, command)| command == "sleep 1000")
}
