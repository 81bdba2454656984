//! The terminal of this process: entering, leaving, and the one place that writes to it. And what is written to a terminal,
//! wherever it is: the difference between what it shows and what it should show.
//!
//! Everything here goes to the file descriptor itself and not through `std::io::stdout`, whose lock a stalled writer
//! could hold for ever.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::{getpgrp, tcgetpgrp};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use super::ink::{self, Picture};
use super::last_answer;

/// The terminal is in raw mode and shows the alternate screen. A static, because a panic hook has nothing else to ask.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// The modes of the line while the dashboard has it.
static RAW: Mutex<Option<Termios>> = Mutex::new(None);

/// Alternate screen, bracketed paste. The first frame clears.
const ENTER: &str = "\x1b[?1049h\x1b[?2004h";
/// Gives the cursor the user's shape and keys their usual codes, and ends whatever a frame that was cut off may have begun (a synchronized update, a
/// style, a link), then undoes `ENTER`.
const LEAVE: &str = "\x1b]8;;\x1b\\\x1b[0 q\x1b[<u\x1b[>4m\x1b[?2026l\x1b[0m\x1b>\x1b[?1004l\x1b[?1006l\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?2004l\x1b[?25h\x1b[?1049l";
const NEWER: &str = "\x1b]8;;\x1b\\\x1b[0 q\x1b[<u\x1b[>4m";
/// Clicks, drags and the wheel, in SGR form. Not 1003 (every movement), which crossterm's own command asks for.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1003l\x1b[?1002l\x1b[?1000l";
/// Every movement of the mouse, while a service that wants it is typed into.
const MOTION_ON: &str = "\x1b[?1003h";
/// Back to drags: a terminal has one of these modes at a time.
const MOTION_OFF: &str = "\x1b[?1003l\x1b[?1002h";
/// Synchronized update (DEC 2026), so that no half frame is seen; terminals that do not know it ignore it.
const FRAME_BEGIN: &str = "\x1b[?2026h\x1b[?25l";
const FRAME_END: &str = "\x1b[?2026l";

/// What gives the terminal back as it was.
pub fn leave_sequence() -> &'static str {
    match is_newer(|name| std::env::var(name).ok()) {
        true => LEAVE,
        false => LEAVE.trim_start_matches(NEWER),
    }
}

/// The terminal knows the shapes of a cursor and extended keys, or at least takes them for sequences: older consoles of
/// Linux print their ends.
pub(super) fn is_newer(variable: impl Fn(&str) -> Option<String>) -> bool {
    variable("TERM").is_some_and(|term| term != "linux")
}

/// Raw mode and alternate screen, also of a terminal that was entered before and that others have had since. In the
/// background, this stops the program (TTOU) until it has the terminal.
///
/// # Errors
/// Standard input or output is no terminal, or the terminal refuses; it is then as it was.
pub(super) fn enter(mouse: bool) -> io::Result<()> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "the dashboard needs a terminal on stdin and stdout"));
    }
    let mut raw = RAW.lock().unwrap_or_else(PoisonError::into_inner);
    match raw.as_ref().filter(|_| ENTERED.load(Ordering::SeqCst)) {
        // What enables them does nothing a second time, whatever they are by now. And never by way of how they were before:
        // then the guard, if it stops us just there, takes the terminal for given back.
        Some(raw) => tcsetattr(stdio::stdin(), OptionalActions::Now, raw)?,
        None => {
            enable_raw_mode()?;
            *raw = tcgetattr(stdio::stdin()).ok();
        }
    }
    drop(raw);
    ENTERED.store(true, Ordering::SeqCst);
    let mut text = String::from(ENTER);
    if mouse {
        text.push_str(MOUSE_ON);
    }
    write_out(text.as_bytes()).inspect_err(|_| restore_terminal())
}

/// Gives the terminal back as it was, if a dashboard has changed it. Does nothing a second time, never panics, and
/// waits neither for a terminal that reads nothing nor long for what it has still to answer.
pub fn restore_terminal() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let stdout = stdio::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::OUT)];
    let patience = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    if matches!(poll(&mut fds, Some(&patience)), Ok(1)) && fds[0].revents().contains(PollFlags::OUT) {
        // A terminal that is gone cannot be restored.
        let _ = write_out(leave_sequence().as_bytes());
    }
    last_answer::drain();
    if is_ours() {
        // A program in the background may not change modes, unless it does not mind the signal that says so.
        let before = SigSet::from(Signal::SIGTTOU).thread_swap_mask(SigmaskHow::SIG_BLOCK);
        let _ = disable_raw_mode();
        let _ = before.map(|before| before.thread_set_mask());
    }
}

/// Whether the modes of the line are ours to give back: we are in the foreground, or nobody has touched them since. A
/// shell may have the terminal already, if our guard was killed.
fn is_ours() -> bool {
    tcgetpgrp(stdio::stdin()).is_ok_and(|foreground| foreground == getpgrp()) || is_as_entered()
}

/// Whether the modes of the line are those that a dashboard has set. Otherwise somebody else has had the terminal since.
pub(super) fn is_as_entered() -> bool {
    let modes = |modes: &Termios| (modes.input_modes, modes.output_modes, modes.control_modes, modes.local_modes);
    let (Ok(raw), Ok(now)) = (RAW.try_lock(), tcgetattr(stdio::stdin())) else { return false };
    raw.as_ref().is_some_and(|raw| modes(raw) == modes(&now))
}

/// Writes what the terminal is to show. Blocks for as long as the terminal does not read.
///
/// # Errors
/// The terminal is gone, or was given back.
pub(super) fn write_screen(bytes: &[u8]) -> io::Result<()> {
    if !ENTERED.load(Ordering::SeqCst) {
        return Err(io::Error::other("the terminal was released"));
    }
    last_answer::written(bytes);
    write_out(bytes)
}

fn write_out(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(stdio::stdout(), bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                // Whoever shares the terminal has made it non-blocking.
                let stdout = stdio::stdout();
                poll(&mut [PollFd::new(&stdout, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// What the terminal reports, and how it shows where one types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct HostModes {
    /// Clicks and wheel go to the dashboard, or to the terminal's own selection.
    pub(super) mouse: bool,
    /// And every movement.
    pub(super) motion: bool,
    /// The window gains and loses the focus.
    pub(super) focus: bool,
    /// The keypad's keys are told from others.
    pub(super) keypad: bool,
    /// The shape of the cursor, as DECSCUSR tells it; 0 is the user's.
    pub(super) cursor_shape: u8,
    /// Keys are told from others that usually send the same.
    pub(super) extended_keys: bool,
}

/// What the terminal shows, and the difference to what it should show.
#[derive(Debug)]
pub(super) struct FrameWriter {
    shown: Picture,
    cursor: Option<Position>,
    /// The next frame clears and draws all.
    stale: bool,
    modes: HostModes,
    /// Goes out with the next frame, before its cells.
    pending: String,
}

impl FrameWriter {
    /// A writer on a screen of which nothing is known but its modes.
    pub(super) fn new(modes: HostModes) -> Self {
        Self { shown: Buffer::empty(Rect::ZERO).into(), cursor: None, stale: true, modes, pending: String::new() }
    }

    /// The next frame clears the screen first: after a resize, or when something else has written to it.
    pub(super) fn forget(&mut self) {
        self.stale = true;
    }

    /// On a screen that others have used: of which nothing is known but its modes.
    pub(super) fn begin_anew(&mut self, modes: HostModes) {
        *self = Self { pending: std::mem::take(&mut self.pending), ..Self::new(modes) };
    }

    /// A sequence for the terminal itself, with the next frame.
    pub(super) fn send(&mut self, sequence: &str) {
        self.pending.push_str(sequence);
    }

    /// What the terminal is to report from the next frame on.
    pub(super) fn ask_for(&mut self, modes: HostModes) {
        let before = std::mem::replace(&mut self.modes, modes);
        let mut switch = |was: bool, is: bool, on: &str, off: &str| {
            if was != is {
                self.pending.push_str(if is { on } else { off });
            }
        };
        switch(before.motion, modes.motion, MOTION_ON, MOTION_OFF);
        switch(before.mouse, modes.mouse, MOUSE_ON, MOUSE_OFF);
        switch(before.focus, modes.focus, "\x1b[?1004h", "\x1b[?1004l");
        switch(before.keypad, modes.keypad, "\x1b=", "\x1b>");
        switch(before.extended_keys, modes.extended_keys, "\x1b[>1u\x1b[>4;2m", "\x1b[<u\x1b[>4m");
        if before.cursor_shape != modes.cursor_shape {
            self.pending.push_str(&format!("\x1b[{} q", modes.cursor_shape));
        }
    }

    /// What makes the terminal show `frame`, to be sent in one write; `None` if it does already.
    pub(super) fn frame(&mut self, frame: impl Into<Picture>, cursor: Option<Position>) -> Option<String> {
        let frame: Picture = frame.into();
        if self.stale || self.shown.cells.area != frame.cells.area {
            self.pending.push_str("\x1b[0m\x1b[2J");
            self.shown = Buffer::empty(frame.cells.area).into();
            self.stale = false;
            self.cursor = None;
        }
        let cells = ink::changes(&self.shown, &frame);
        if cells.is_empty() && self.cursor == cursor && self.pending.is_empty() {
            return None;
        }
        let mut text = String::from(FRAME_BEGIN);
        text.push_str(&self.pending);
        self.pending.clear();
        ink::draw(cells, &mut text);
        if let Some(position) = cursor {
            ink::move_to(position, &mut text);
            text.push_str("\x1b[?25h");
        }
        text.push_str(FRAME_END);
        self.shown = frame;
        self.cursor = cursor;
        Some(text)
    }
}
