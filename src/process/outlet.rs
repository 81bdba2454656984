//! What a helper prints, on its way into the log of its service: in whole lines, with its colours and nothing else of what
//! a terminal can be told. A helper that moves the cursor or clears the screen does so on a scratch terminal of its
//! own, and not between the lines of the service.

use std::future;
use std::io;
use std::os::fd::AsFd;

use tokio::net::unix::pipe::Receiver;
use tokio::sync::watch;

use super::child::{Children, Prints};
use super::live_run::LiveRun;
use super::scratch::Scratch;
use super::terminal::{Size, Terminal};
use crate::clock::Clock;
use crate::logs::LogDocument;

/// Our end of what a helper prints to.
pub(super) struct Outlet {
    reader: Receiver,
    /// `None`: a pipe, by which the helper knows that nobody looks.
    terminal: Option<(Terminal, watch::Receiver<Size>)>,
}

impl Outlet {
    /// A pipe, and the end that the helper gets.
    ///
    /// # Errors
    /// Why there is none, for people.
    pub(super) fn pipe() -> Result<(Self, Prints), String> {
        let made = || {
            let (reader, writer) = io::pipe()?;
            Ok::<_, io::Error>((Receiver::from_owned_fd(reader.into())?, Prints::Handle(writer.into())))
        };
        let (reader, end) = made().map_err(|error| error.to_string())?;
        Ok((Self { reader, terminal: None }, end))
    }

    /// A terminal of the size of the service's pane, which it follows, and the end that the helper gets.
    ///
    /// # Errors
    /// Why there is none, for people.
    pub(super) fn terminal(mut size: watch::Receiver<Size>, children: &Children) -> Result<(Self, Prints), String> {
        let (terminal, end) = Terminal::for_output(*size.borrow_and_update(), children)?;
        // It is no pipe, but it is read like one.
        let reader = terminal.as_fd().try_clone_to_owned().and_then(Receiver::from_owned_fd_unchecked);
        let reader = reader.map_err(|error| format!("cannot open a terminal for it: {error}"))?;
        Ok((Self { reader, terminal: Some((terminal, size)) }, end))
    }

    /// The next output, or its end. Cancel safe: no output is lost if the future is dropped.
    async fn next(&mut self, buffer: &mut [u8]) -> Printed {
        let resized = async {
            if let Some((terminal, size)) = &mut self.terminal
                && size.changed().await.is_ok()
            {
                let size = *size.borrow_and_update();
                terminal.resize(size);
                return size;
            }
            future::pending().await
        };
        tokio::select! {
            size = resized => Printed::Resized(size),
            printed = read(&self.reader, buffer) => printed,
        }
    }
}

/// Reads until nothing is there before it waits: of a terminal, a part of what was asked for does not mean that this is all.
async fn read(reader: &Receiver, buffer: &mut [u8]) -> Printed {
    loop {
        let read = match reader.readable().await {
            Ok(()) => reader.try_read(buffer),
            Err(error) => Err(error),
        };
        match read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // A terminal whose other end nobody has open any more is an error (Linux), or at its end.
            Ok(0) | Err(_) => return Printed::End,
            Ok(length) => return Printed::Bytes(length),
        }
    }
}

enum Printed {
    Bytes(usize),
    Resized(Size),
    End,
}

/// The way from an outlet into a log.
pub(super) struct Lines<'a> {
    outlet: Outlet,
    log: &'a LogDocument,
    /// The run that is ready when the log says so.
    live: Option<&'a LiveRun>,
    scratch: Scratch,
}

impl<'a> Lines<'a> {
    pub(super) fn new(outlet: Outlet, log: &'a LogDocument, live: Option<&'a LiveRun>) -> Self {
        let scratch = Scratch::new(Clock::start());
        if let Some((_, size)) = &outlet.terminal {
            size.borrow().apply_to(scratch.document());
        }
        Self { outlet, log, live, scratch }
    }

    /// Copies until the end of the output. Loses nothing when it is dropped while it waits.
    pub(super) async fn copy(&mut self) {
        let mut buffer = vec![0; 8 << 10];
        loop {
            match self.outlet.next(&mut buffer).await {
                Printed::End => return,
                Printed::Resized(size) => size.apply_to(self.scratch.document()),
                Printed::Bytes(length) => {
                    let bytes = buffer.get(..length).unwrap_or_default();
                    match self.outlet.terminal {
                        Some(_) => drop(self.scratch.document().feed(bytes)),
                        None => self.scratch.feed_pipe(bytes),
                    }
                    let (log, live) = (self.log, self.live);
                    self.scratch.take_lines(false, |lines| pass_on(lines, log, live));
                }
            }
        }
    }

    /// There will be no more: passes on what there is of the last line, too.
    pub(super) fn finish(self) {
        let (log, live) = (self.log, self.live);
        self.scratch.finish(|lines| pass_on(lines, log, live));
    }
}

fn pass_on(lines: Vec<String>, log: &LogDocument, live: Option<&LiveRun>) {
    let text: String = lines.into_iter().flat_map(|line| ["\x1b[0m".to_owned(), line, "\r\n".to_owned()]).collect();
    if log.feed(text.as_bytes()).ready
        && let Some(live) = live
    {
        live.become_ready();
    }
}
