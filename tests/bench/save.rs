//! How long a save takes to matter: from just before a watched file is opened for append, to the first output of the
//! new process, with default settings and a service that stops at once. The median of 30; the target is 15 ms. Each save is
//! one by itself, as a person's: a save within 300 ms of another one waits for a third.
//!
//! The new process says that it is there through a pipe of its own (`process`), so that drawing is not in the figure;
//! `screen` is when the cause of the restart can be read. watchexec and nodemon are measured beside it if they are installed;
//! their saves take turns, so that whatever else the machine does slows down all. (nodemon waits for nothing, so that the
//! first of several saves restarts at once; it is the limit.)

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
use std::time::{Duration, Instant};

mod figures;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;

use figures::{Samples, on_path, print_table};
use harness::{Dash, Project};

const SIZE: (u16, u16) = (160, 50);
/// Rounds, each with new programs: only the first five starts by changes are free, and later ones wait.
const ROUNDS: usize = 10;
const SAVES_A_ROUND: usize = 3;
/// Saves of one program are so far apart.
const APART: Duration = Duration::from_millis(400);
const SERVICE: &str = "echo x > ../home/pipe; echo up; exec sleep 1000";

/// Without a shell of its own, which would take the service's words apart.
const WATCHEXEC: &[&str] = &["--shell=none", "-r", "-w", "src", "--", "sh", "-c", SERVICE];
const NODEMON: &[&str] = &["--quiet", "--watch", "src", "--ext", "rs", "--exec", SERVICE];

fn main() {
    let ours = format!("[services]\napi = {{ run = \"{SERVICE}\", watch = true }}\n");
    let mut candidates = vec![Candidate::new("devgroup", env!("CARGO_BIN_EXE_devgroup"), Project::new(&ours), &[])];
    if on_path("watchexec") {
        candidates.push(Candidate::new("watchexec", "watchexec", Project::empty(), WATCHEXEC));
    }
    if on_path("nodemon") {
        candidates.push(Candidate::new("nodemon", "nodemon", Project::empty(), NODEMON));
    }
    let mut samples: Vec<[Samples; 2]> = candidates.iter().map(|_| Default::default()).collect();
    for round in 0..ROUNDS {
        let mut programs: Vec<_> = candidates.iter().map(Program::start).collect();
        for number in round * SAVES_A_ROUND..(round + 1) * SAVES_A_ROUND {
            for (program, samples) in programs.iter_mut().zip(&mut samples) {
                program.save(number, samples);
            }
        }
    }
    let mut rows = vec![row!["program", "save to process ms", "save to screen ms"]];
    let shown = candidates.iter().zip(&samples);
    rows.extend(shown.map(|(candidate, [process, screen])| row![candidate.name, process.show(), screen.show()]));
    print_table(&format!("a save, medians of {} [min..max], interleaved", ROUNDS * SAVES_A_ROUND), &rows);
}

/// A program that restarts a service, and where it does it.
struct Candidate {
    name: &'static str,
    program: &'static str,
    project: Project,
    arguments: &'static [&'static str],
    starts: Starts,
}

impl Candidate {
    /// With all files that will be saved: a new file is a change as well.
    fn new(name: &'static str, program: &'static str, project: Project, arguments: &'static [&'static str]) -> Self {
        for number in 0..ROUNDS * SAVES_A_ROUND {
            project.write(&file(number), "");
        }
        // Before the program, whose service writes into the pipe.
        let starts = Starts::listen(&project);
        Self { name, program, project, arguments, starts }
    }
}

fn file(number: usize) -> String {
    format!("src/save-{number}.rs")
}

/// One of them, while it runs.
struct Program<'a> {
    dash: Dash<'a>,
    project: &'a Project,
    starts: &'a Starts,
    is_ours: bool,
}

impl<'a> Program<'a> {
    fn start(candidate: &'a Candidate) -> Self {
        let Candidate { name, program, project, arguments, starts } = candidate;
        starts.forget();
        let dash = Dash::start_program(project, program, SIZE, arguments);
        let mut program = Self { dash, project, starts, is_ours: *name == "devgroup" };
        program.dash.wait_for_text("up");
        program.starts.next(&mut program.dash);
        if program.is_ours {
            program.dash.wait_for_text("watching 1 service");
        }
        program.dash.wait_while_reading("the service sleeps", sleeps);
        program
    }

    fn save(&mut self, number: usize, [process, screen]: &mut [Samples; 2]) {
        let begun = Instant::now();
        self.dash.wait_while_reading("the last save is over", |_| begun.elapsed() > APART);
        self.starts.forget();
        let file = file(number);
        let saved = Instant::now();
        let mut open = OpenOptions::new().append(true).open(self.project.path(&file)).unwrap();
        open.write_all(b"change\n").unwrap();
        drop(open);
        process.add_time(self.starts.next(&mut self.dash) - saved);
        if self.is_ours {
            let cause = format!("restarted · {file} changed");
            self.dash.wait_for(&cause, |screen| screen.contains(&cause));
            screen.add_time(saved.elapsed());
        }
        self.dash.wait_while_reading("the service sleeps", sleeps);
    }
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

    /// Those that have come unasked are not counted: a program may restart twice for one save.
    fn forget(&self) {
        while self.0.try_recv().is_ok() {}
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
