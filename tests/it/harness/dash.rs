//! The dashboard in a terminal: keys in, a screen out.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use alacritty_terminal::Term;
use alacritty_terminal::event::{Event, EventListener};
use alacritty_terminal::index::{Column, Line};
use alacritty_terminal::term::cell::Flags;
use alacritty_terminal::term::test::TermSize;
use alacritty_terminal::term::{Config, TermMode};
use alacritty_terminal::vte::ansi::Processor;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use filedescriptor::FileDescriptor;
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{Termios, tcgetattr};

use super::{PATIENCE, Project, Stream, Streamed, TICK, process, program_below, wait_until};

/// What Linux keeps for the reader of a terminal before its writer stands still: at least this much, in practice.
const PTY_BUFFER: u64 = 4096 - 256;

/// How long the last bytes of a program may take after its end, on a busy machine.
const LAST_BYTES: Duration = Duration::from_secs(5);

/// How long a program's output is read before the screen is looked at.
const AT_ONCE: Duration = Duration::from_millis(100);

/// The keys that have no letter.
pub(crate) mod key {
    pub(crate) const ENTER: &str = "\r";
    pub(crate) const ESCAPE: &str = "\x1b";
    /// The same as newer terminals write it, with more keys behind it: alone, it would be Alt with the next key.
    pub(crate) const ESCAPE_IN_FULL: &str = "\x1b[27u";
    pub(crate) const CTRL_C: &str = "\x03";
    pub(crate) const DOWN: &str = "\x1b[B";
    pub(crate) const PAGE_UP: &str = "\x1b[5~";
    pub(crate) const END: &str = "\x1b[F";
}

/// How the program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub(crate) code: Option<u32>,
    /// The last line on the screen after it: its word of farewell.
    pub(crate) last_line: String,
}

/// The program in a terminal of its own.
pub(crate) struct Dash<'p> {
    project: &'p Project,
    pty: Option<Pty>,
    child: Box<dyn Child + Send + Sync>,
    /// Becomes readable when the program ends; `None` where there is no pidfd: the end is seen a tick later.
    end: Option<OwnedFd>,
    eye: Term<Answers>,
    parser: Processor,
    answers: Answers,
    raw: Vec<u8>,
    size: (u16, u16),
    /// It answers nothing of its own.
    is_mute: bool,
    before: (TermMode, LineModes),
}

/// Both ends of the terminal. The far end is kept open, so that its modes can be read after the program.
struct Pty {
    master: Box<dyn MasterPty + Send>,
    near: FileDescriptor,
    _far: Box<dyn SlavePty + Send>,
}

/// What the terminal answers to queries.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<Vec<u8>>>);

impl EventListener for Answers {
    fn send_event(&self, event: Event) {
        if let Event::PtyWrite(text) = event {
            self.0.lock().unwrap().extend(text.into_bytes());
        }
    }
}

/// The modes of a terminal line that a program may leave changed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LineModes(String);

impl LineModes {
    fn of(terminal: &FileDescriptor) -> Self {
        let Termios { input_modes, output_modes, local_modes, control_modes, .. } = tcgetattr(terminal).unwrap();
        Self(format!("{input_modes:?} {output_modes:?} {local_modes:?} {control_modes:?}"))
    }
}

impl<'p> Dash<'p> {
    /// Starts devgroup in a terminal of `size` columns and rows.
    pub(crate) fn start(project: &'p Project, size: (u16, u16), arguments: &[&str]) -> Self {
        Self::start_program(project, env!("CARGO_BIN_EXE_devgroup"), size, arguments)
    }

    /// Starts any program in a terminal, with the environment of the project.
    pub(crate) fn start_program(project: &'p Project, program: &str, size: (u16, u16), arguments: &[&str]) -> Self {
        let pair = native_pty_system().openpty(pty_size(size)).unwrap();
        let near = FileDescriptor::dup(&pair.master.as_raw_fd().unwrap()).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.cwd(project.root());
        command.env_clear();
        for (name, value) in project.environment() {
            command.env(name, value);
        }
        let answers = Answers::default();
        let eye = Term::new(Config::default(), &eye_size(size), answers.clone());
        let before = (*eye.mode(), LineModes::of(&near));
        let child = pair.slave.spawn_command(command).unwrap();
        let end = end_of(process(child.process_id().unwrap()));
        let pty = Some(Pty { master: pair.master, near, _far: pair.slave });
        Self {
            project,
            pty,
            child,
            end,
            eye,
            parser: Processor::new(),
            answers,
            raw: Vec::new(),
            size,
            is_mute: false,
            before,
        }
    }

    /// A terminal that answers nothing but what the test has it answer.
    pub(crate) fn mute(mut self) -> Self {
        self.is_mute = true;
        self
    }

    /// Writes keys to the terminal, as if they were pressed.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.write(keys.as_bytes());
    }

    /// Pastes, as a terminal does that was asked to bracket pastes.
    pub(crate) fn paste(&mut self, text: &str) {
        self.write(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    }

    /// Clicks with the left button; column and row count from 0.
    pub(crate) fn click(&mut self, column: usize, row: usize) {
        let (x, y) = (column + 1, row + 1);
        self.write(format!("\x1b[<0;{x};{y}M\x1b[<0;{x};{y}m").as_bytes());
    }

    /// Presses the left button; column and row count from 0.
    pub(crate) fn press_at(&mut self, column: usize, row: usize) {
        self.write(format!("\x1b[<0;{};{}M", column + 1, row + 1).as_bytes());
    }

    /// Moves the mouse with the left button down.
    pub(crate) fn drag_to(&mut self, column: usize, row: usize) {
        self.write(format!("\x1b[<32;{};{}M", column + 1, row + 1).as_bytes());
    }

    /// Lets the left button go.
    pub(crate) fn release_at(&mut self, column: usize, row: usize) {
        self.write(format!("\x1b[<0;{};{}m", column + 1, row + 1).as_bytes());
    }

    /// Turns the wheel up; column and row count from 0.
    pub(crate) fn wheel_up(&mut self, column: usize, row: usize) {
        self.write(format!("\x1b[<64;{};{}M", column + 1, row + 1).as_bytes());
    }

    /// Changes the size of the terminal.
    pub(crate) fn resize(&mut self, size: (u16, u16)) {
        self.pump();
        self.size = size;
        self.eye.resize(eye_size(size));
        if let Some(pty) = &self.pty {
            pty.master.resize(pty_size(size)).unwrap();
        }
    }

    /// Sends a signal to the program.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(process(self.pid()), signal).unwrap();
    }

    /// What it was started in.
    pub(crate) fn project(&self) -> &'p Project {
        self.project
    }

    /// The process that was started. Of devgroup it is the guard.
    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// The program itself, below its guard.
    pub(crate) fn program(&self) -> u32 {
        program_below(self.pid()).unwrap_or(self.pid())
    }

    /// Closes the terminal under the program.
    pub(crate) fn hang_up(&mut self) {
        self.pty = None;
    }

    /// What is on the screen: its rows without trailing blanks.
    pub(crate) fn screen(&self) -> String {
        let grid = self.eye.grid();
        let (columns, rows) = self.size;
        let row = |row: u16| {
            let cells = (0..columns.max(2)).map(|column| &grid[Line(i32::from(row))][Column(usize::from(column))]);
            let seen = cells.filter(|cell| !cell.flags.contains(Flags::WIDE_CHAR_SPACER));
            seen.map(|cell| cell.c).collect::<String>().trim_end().to_owned()
        };
        (0..rows.max(1)).map(row).collect::<Vec<_>>().join("\n")
    }

    /// Where the link leads that a cell is a part of, and its id; column and row count from 0.
    pub(crate) fn link_at(&self, column: usize, row: usize) -> Option<(String, String)> {
        let link = self.eye.grid()[Line(i32::try_from(row).unwrap())][Column(column)].hyperlink()?;
        Some((link.uri().to_owned(), link.id().to_owned()))
    }

    /// As much waits to be read as a terminal holds: whoever writes to it, stands still.
    pub(crate) fn is_full(&self) -> bool {
        let waiting = self.pty.as_ref().map_or(0, |pty| rustix::io::ioctl_fionread(&pty.near).unwrap());
        waiting >= PTY_BUFFER
    }

    /// The modes of the terminal: the screen, the mouse, pastes, and the line.
    pub(crate) fn modes(&self) -> (TermMode, LineModes) {
        (*self.eye.mode(), LineModes::of(&self.pty.as_ref().unwrap().near))
    }

    /// Those from before the program began.
    pub(crate) fn modes_before(&self) -> (TermMode, LineModes) {
        self.before.clone()
    }

    /// Everything that the program has written.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Waits until the screen is as it should be, and returns it.
    pub(crate) fn wait_for(&mut self, name: &str, condition: impl Fn(&str) -> bool) -> String {
        self.look_until(name, |dash| Some(dash.screen()).filter(|screen| condition(screen)))
    }

    /// Waits until the screen shows a text.
    pub(crate) fn wait_for_text(&mut self, text: &str) -> String {
        self.wait_for(&format!("the screen shows `{text}`"), |screen| screen.contains(text))
    }

    /// Waits for something outside, while the terminal is being read.
    pub(crate) fn wait_while_reading(&mut self, name: &str, condition: impl Fn(&Project) -> bool) {
        self.look_until(name, |dash| condition(dash.project).then_some(()));
    }

    /// Asks another client, while the terminal is being read: a dashboard whose frames nobody takes cannot give the terminal
    /// back at its end.
    pub(crate) fn ask(&mut self, arguments: &[&str]) -> Streamed {
        let project = self.project;
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| Stream::ask(project, arguments));
            while !asked.is_finished() {
                self.pump();
            }
            asked.join().unwrap()
        })
    }

    /// Waits until what the program has written is as it should be.
    pub(crate) fn wait_until_raw(&mut self, name: &str, condition: impl Fn(&Self) -> bool) {
        self.look_until(name, |dash| condition(dash).then_some(()));
    }

    /// Waits for the end of the program, and asserts that it left nothing behind: no process, and no terminal that is
    /// not as it was.
    pub(crate) fn wait_exit(self) -> Ended {
        self.wait_exit_with_screen().0
    }

    /// Waits for the end of a client, while the group may go on, and asserts that its terminal is as it was.
    pub(crate) fn wait_end(self) -> Ended {
        self.wait_end_with_screen(false).0
    }

    /// The same as [`Self::wait_exit`], with what is on the screen then.
    pub(crate) fn wait_exit_with_screen(self) -> (Ended, String) {
        self.wait_end_with_screen(true)
    }

    fn wait_end_with_screen(mut self, nothing_left: bool) -> (Ended, String) {
        let status = self.look_until("the program has ended", |dash| dash.child.try_wait().unwrap());
        if nothing_left {
            self.project.assert_nothing_left();
        }
        let code = status.signal().is_none().then(|| status.exit_code());
        self.wait_for_the_terminal_as_it_was(&status);
        let screen = self.screen();
        let last_line = screen.lines().rev().find(|line| !line.is_empty()).unwrap_or_default().to_owned();
        (Ended { code, last_line }, screen)
    }

    /// The last bytes of the program may come after its end: the kernel carries them over in its own time.
    fn wait_for_the_terminal_as_it_was(&mut self, status: &ExitStatus) {
        let after = |dash: &Self| dash.pty.as_ref().map(|pty| (*dash.eye.mode(), LineModes::of(&pty.near)));
        let look = |dash: &mut Self| {
            while dash.pump() {}
            let is_as_before = after(dash).is_none_or(|after| after == dash.before);
            if !is_as_before {
                super::pause();
            }
            is_as_before.then_some(())
        };
        let seen = |dash: &mut Self| {
            let (after, before, picture) = (after(dash), &dash.before, dash.picture());
            format!("the terminal is not as it was after {status:?}: {after:?}, not {before:?}\n{picture}")
        };
        wait_until("the last bytes are here", LAST_BYTES, self, look, seen);
    }

    /// Waits, with the terminal being read. Fails at once if the program has ended and its last words are no answer.
    fn look_until<T>(&mut self, name: &str, mut look: impl FnMut(&mut Self) -> Option<T>) -> T {
        let look = |dash: &mut Self| {
            let ended = dash.child.try_wait().unwrap();
            // A program that draws without a pause is looked at all the same, and does not outlive the deadline.
            let (began, mut more) = (Instant::now(), true);
            while more && began.elapsed() < AT_ONCE {
                more = dash.pump();
            }
            let found = look(dash);
            if let (None, Some(status), false) = (&found, ended, more) {
                panic!("the program ended ({status:?}) before {name}\n{}", dash.picture());
            }
            found
        };
        wait_until(name, PATIENCE, self, look, |dash| dash.picture())
    }

    /// The screen in a frame, for the report of a failure.
    fn picture(&self) -> String {
        let (columns, rows) = self.size;
        format!("the screen ({columns}×{rows}):\n{}\n(end of screen)", self.screen())
    }

    /// Reads what is there, waiting for it, or for the end of the program, for at most a tick. False if nothing was
    /// there.
    fn pump(&mut self) -> bool {
        if let Some(expiry) = self.parser.sync_timeout().sync_timeout()
            && expiry <= Instant::now()
        {
            self.parser.stop_sync(&mut self.eye);
        }
        let end = self.end.as_ref().map(|end| PollFd::new(end, PollFlags::IN));
        let Some(pty) = &mut self.pty else {
            wait_for_one(&mut Vec::from_iter(end));
            return false;
        };
        let mut polled = vec![PollFd::new(&pty.near, PollFlags::IN)];
        polled.extend(end);
        wait_for_one(&mut polled);
        if polled[0].revents().is_empty() {
            return false;
        }
        let mut buffer = [0; 16 * 1024];
        let count = match pty.near.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => return true,
            // Nobody has the far end open: the program has ended.
            Err(_) => 0,
        };
        self.raw.extend(&buffer[..count]);
        self.parser.advance(&mut self.eye, &buffer[..count]);
        let answer = std::mem::take(&mut *self.answers.0.lock().unwrap());
        if !self.is_mute {
            self.write(&answer);
        }
        count > 0
    }

    /// Writes into the terminal, which may take only a part as long as the program does not read.
    fn write(&mut self, mut bytes: &[u8]) {
        let Some(pty) = &mut self.pty else { return };
        let started = Instant::now();
        while !bytes.is_empty() {
            assert!(started.elapsed() < PATIENCE, "the program does not read its keys");
            let mut polled = [PollFd::new(&pty.near, PollFlags::OUT)];
            wait_for_one(&mut polled);
            if !polled[0].revents().is_empty() {
                let some = bytes.len().min(512);
                let count = pty.near.write(&bytes[..some]).unwrap();
                bytes = &bytes[count..];
            }
        }
    }
}

impl Drop for Dash<'_> {
    /// Ends the program if the test did not get so far.
    fn drop(&mut self) {
        // It may have ended meanwhile.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until one descriptor is ready, for at most a tick.
#[cfg(target_os = "linux")]
fn end_of(process: Pid) -> Option<OwnedFd> {
    use rustix::process::{PidfdFlags, pidfd_open};
    Some(pidfd_open(process, PidfdFlags::empty()).unwrap())
}

#[cfg(not(target_os = "linux"))]
fn end_of(_process: Pid) -> Option<OwnedFd> {
    None
}

fn wait_for_one(polled: &mut [PollFd<'_>]) {
    // An interrupted wait is no news.
    let _ = poll(polled, Some(&TICK));
}

fn pty_size((cols, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

/// The smallest screen that the eye can have is 2×1.
fn eye_size((columns, rows): (u16, u16)) -> TermSize {
    TermSize::new(usize::from(columns.max(2)), usize::from(rows.max(1)))
}

/// Leaves the dashboard, which must end well.
pub(crate) fn quit(mut dash: Dash<'_>) {
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
}

/// The row of a text on the screen, and the column where it begins.
pub(crate) fn place(screen: &str, text: &str) -> (usize, usize) {
    let (row, line) = screen.lines().enumerate().find(|(_, line)| line.contains(text)).unwrap();
    (line.split(text).next().unwrap_or_default().chars().count(), row)
}

/// What the terminal was asked to copy, in order.
pub(crate) fn copied(dash: &Dash<'_>) -> Vec<String> {
    let raw = String::from_utf8_lossy(dash.raw()).into_owned();
    let sequences = raw.split("\x1b]52;c;").skip(1).filter_map(|rest| rest.split('\x07').next());
    sequences.map(|text| String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()).collect()
}
