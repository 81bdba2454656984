//! How long a save takes to matter: from just before a watched file is opened for append, to the first output of the
//! new process, with default settings and a service that stops at once. The median of 30; the target is 40 ms.
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
use std::time::Instant;

mod figures;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;

use figures::{Samples, on_path, print_table};
use harness::{Dash, Project};

const SIZE: (u16, u16) = (160, 50);
const SAVES: usize = 30;
const SERVICE: &str = "echo x > ../home/pipe; echo up; exec sleep 1000";

fn main() {
    let plain = Project::new(&format!("[services]\napi = {{ run = \"{SERVICE}\", watch = true }}\n"));
    let [other, third] = [(); 2].map(|()| Project::empty());
    let mut programs = vec![Program::start("devgroup", env!("CARGO_BIN_EXE_devgroup"), &plain, &[])];
    if on_path("watchexec") {
        other.write("src/first.rs", "");
        // Without a shell of its own, which would take the service's words apart.
        let arguments = ["--shell=none", "-r", "-w", "src", "--", "sh", "-c", SERVICE];
        programs.push(Program::start("watchexec", "watchexec", &other, &arguments));
    }
    if on_path("nodemon") {
        third.write("src/first.rs", "");
        let arguments = ["--quiet", "--watch", "src", "--ext", "rs", "--exec", SERVICE];
        programs.push(Program::start("nodemon", "nodemon", &third, &arguments));
    }
    programs.iter_mut().for_each(Program::begin);
    for number in 0..SAVES {
        programs.iter_mut().for_each(|program| program.save(number));
    }
    let mut rows = vec![row!["program", "save to process ms", "save to screen ms"]];
    rows.extend(programs.iter().map(|program| row![program.name, program.process.show(), program.screen.show()]));
    print_table(&format!("a save, medians of {SAVES} [min..max], interleaved"), &rows);
}

/// A program that restarts a service, and how long its restarts took.
struct Program<'a> {
    name: &'static str,
    dash: Dash<'a>,
    project: &'a Project,
    starts: Starts,
    process: Samples,
    screen: Samples,
}

impl<'a> Program<'a> {
    fn start(name: &'static str, program: &str, project: &'a Project, arguments: &[&str]) -> Self {
        // Before the program, whose service writes into the pipe.
        let starts = Starts::listen(project);
        let dash = Dash::start_program(project, program, SIZE, arguments);
        let [process, screen] = [(); 2].map(|()| Samples::default());
        Self { name, dash, project, starts, process, screen }
    }

    fn is_ours(&self) -> bool {
        self.name == "devgroup"
    }

    fn begin(&mut self) {
        self.dash.wait_for_text("up");
        self.starts.next(&mut self.dash);
        if self.is_ours() {
            self.dash.wait_for_text("watching 1 of 1 ·");
        }
    }

    fn save(&mut self, number: usize) {
        let file = format!("src/save-{number}.rs");
        self.project.write(&file, "");
        self.starts.next(&mut self.dash);
        self.dash.wait_while_reading("the service sleeps", sleeps);
        self.starts.forget();
        let saved = Instant::now();
        let mut open = OpenOptions::new().append(true).open(self.project.path(&file)).unwrap();
        open.write_all(b"change\n").unwrap();
        drop(open);
        let there = self.starts.next(&mut self.dash);
        self.process.add_time(there - saved);
        if self.is_ours() {
            let cause = format!("restarted · {file} changed");
            self.dash.wait_for(&cause, |screen| screen.matches(&cause).count() == 2);
            self.screen.add_time(saved.elapsed());
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
