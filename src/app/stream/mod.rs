//! The streaming client: prefixed lines on stdout, for pipes, CI and screen readers.
//!
//! It has a thread of its own: a reader that does not read stops nothing but the stream.

mod printer;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;

use crate::display::{OutputStyle, prefix_width};
use crate::domain::{Command, GroupSpec, RunId, ServiceSnapshot};
use crate::group_handle::GroupHandle;
use printer::Printer;

/// At the end, a reader may take as long as it likes while it reads at all; one that has read nothing for this long is
/// gone or stopped, and the program leaves.
const READER_PATIENCE: Duration = Duration::from_secs(5);

/// Between two looks at the logs: a flood is written in batches, at no cost to anyone who watches.
const BATCH_TIME: Duration = Duration::from_millis(5);

/// Columns of a stream that goes to no terminal: logs are wider than 80.
const FILE_COLUMNS: u16 = 160;

/// Columns of a time before a line: `14:02:11.114 `.
const TIME_COLUMNS: u16 = 13;

/// How lines are written.
#[derive(Clone, Copy, Debug)]
pub struct StreamForm {
    /// How text looks.
    pub style: OutputStyle,
    /// Each line has the time before it at which it arrived.
    pub times: bool,
    /// JSON Lines, as those of `devgroup logs --json`.
    pub json: bool,
}

/// The size of the services' terminals: what is left beside the prefix.
pub(super) fn pane_size(form: StreamForm, spec: &GroupSpec) -> (u16, u16) {
    let prefix = prefix_width(spec.services.iter().map(|service| service.name.as_str()));
    let prefix = u16::try_from(prefix + 3).unwrap_or(u16::MAX) + if form.times { TIME_COLUMNS } else { 0 };
    (form.style.columns.unwrap_or(FILE_COLUMNS).saturating_sub(prefix).max(40), 50)
}

/// A running stream.
pub(super) struct Stream {
    over: Arc<Notify>,
    written: Arc<AtomicU64>,
    done: Receiver<io::Result<()>>,
}

impl Stream {
    /// Starts the thread.
    pub(super) fn start(handle: GroupHandle, form: StreamForm) -> io::Result<Self> {
        let over = Arc::new(Notify::new());
        let written = Arc::new(AtomicU64::new(0));
        let (done_in, done) = channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let (stream_over, stream_written) = (over.clone(), written.clone());
        thread::Builder::new().name("stream".into()).spawn(move || {
            let printer = Printer::new(form);
            let result = runtime.block_on(print_lines(&handle, printer, &stream_over, &stream_written));
            if result.is_err() {
                // Nobody reads any more, as after `| head`, or the disk is full: the group has no purpose. If it has
                // ended already, good.
                let _ = handle.send(Command::Quit);
            }
            // The session may have lost patience already.
            let _ = done_in.send(result);
        })?;
        Ok(Self { over, written, done })
    }

    /// Writes what is left, and returns when it is written or the reader has stopped to read.
    ///
    /// # Errors
    /// Not everything could be written.
    pub(super) fn finish(self) -> io::Result<()> {
        self.over.notify_one();
        let mut before = self.written.load(Ordering::Relaxed);
        loop {
            match self.done.recv_timeout(READER_PATIENCE) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("the stream failed")),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = self.written.load(Ordering::Relaxed);
            if now == before {
                return Err(io::ErrorKind::TimedOut.into());
            }
            before = now;
        }
    }
}

async fn print_lines(handle: &GroupHandle, mut printer: Printer, over: &Notify, written: &AtomicU64) -> io::Result<()> {
    let (mut changes, mut snapshots) = (handle.logs().changes(), handle.snapshots());
    let clock = handle.logs().clock();
    let mut ending = false;
    let mut wanted = BTreeSet::new();
    loop {
        changes.mark_unchanged();
        let group = snapshots.borrow_and_update().clone();
        // What this call does not run has nothing to say; what it wanted once has, also when it is wanted no more.
        let speaks = |service: &ServiceSnapshot| service.wanted || service.run > RunId::default();
        wanted.retain(|name| group.service(name).is_some());
        wanted.extend(group.services.iter().filter(|service| speaks(service)).map(|service| service.name.clone()));
        let speaks = |service: &&ServiceSnapshot| wanted.contains(&service.name);
        let services: Vec<_> = group.services.iter().filter(speaks).map(|service| service.name.clone()).collect();
        let look = printer.collect_lines(handle.logs(), &services, clock.now(), ending);
        if !look.bytes.is_empty() {
            let mut out = io::stdout().lock();
            out.write_all(&look.bytes)?;
            out.flush()?;
            written.fetch_add(look.bytes.len() as u64, Ordering::Relaxed);
        }
        if look.more {
            continue;
        }
        if ending {
            return Ok(());
        }
        let partial_due = async {
            match look.due {
                Some(due) => tokio::time::sleep_until(clock.instant(due).into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over.notified() => ending = true,
            result = changes.changed() => {
                ending = result.is_err();
                tokio::time::sleep(BATCH_TIME).await;
            }
            // A service may have a log, and have printed into it, before it is in a snapshot.
            Ok(()) = snapshots.changed() => {}
            () = partial_due => {}
        }
    }
}
