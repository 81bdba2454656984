//! Finding out that a run is ready. One try at a time; how long to go on trying is the engine's business.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::child::{Child, Children};
use super::http;
use super::launch::{Launch, Prepared};
use super::listener::{self, Listener};
use super::live_run::LiveRun;
use crate::domain::{HttpCheck, Marker, Probe, RunCommand};
use crate::logs::LogDocument;

/// The wait between two tries is a tenth of the time so far, so that a start is seen at most a tenth late; but never
/// shorter than this …
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// … and never longer than this.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A try that has no answer after so long is given up, and the next one begins.
const PATIENCE: Duration = Duration::from_secs(10);

/// A probe with what it has to know of the run.
pub(super) struct Prober {
    check: Check,
    dir: PathBuf,
    env: Vec<(OsString, OsString)>,
    document: Arc<LogDocument>,
}

enum Check {
    Port(u16),
    Http(HttpCheck),
    Cmd(RunCommand),
    /// The file, and its state before the start.
    File(PathBuf, Option<Written>),
    Delay(Duration),
}

impl Prober {
    /// What is to be tried; to be made before the start. `None` if nothing is: the log sees its pattern by itself.
    pub(super) fn new(launch: &Launch, prepared: &Prepared) -> Option<Self> {
        let check = match &launch.ready.as_ref()?.probe {
            Probe::Log(_) => return None,
            Probe::Port(port) => Check::Port(*port),
            Probe::Http(check) => Check::Http(check.clone()),
            Probe::Cmd(command) => Check::Cmd(prepared.ready.clone().unwrap_or_else(|| command.clone())),
            Probe::File(path) => Check::File(path.clone(), written(path)),
            Probe::Delay(time) => Check::Delay(*time),
        };
        Some(Self { check, dir: launch.dir.clone(), env: prepared.env.clone(), document: launch.document.clone() })
    }

    /// What is tried of a run that is up already.
    pub(super) fn of_live_run(launch: &Launch, prepared: &Prepared) -> Option<Self> {
        let mut prober = Self::new(launch, prepared)?;
        if let Check::File(_, before) = &mut prober.check {
            // The run may have written it already.
            *before = None;
        }
        Some(prober)
    }

    /// Tries until it succeeds, and then says so.
    pub(super) fn until_ready(
        self,
        children: &Arc<Children>,
        live: Arc<LiveRun>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let children = children.clone();
        async move {
            let begun = Instant::now();
            // A delay has no answer before it is over.
            let patience = if let Check::Delay(time) = self.check { time + PATIENCE } else { PATIENCE };
            while timeout(patience, self.succeeds(&children)).await != Ok(true) {
                sleep((begun.elapsed() / 10).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
            }
            if let (Check::Port(port), Some((pids, _))) = (&self.check, live.look())
                && let Listener::Foreign(holder) = listener::who_listens(*port, &pids)
            {
                log::warn!("{}: port {port} is listened to by {holder}", live.service);
                self.document.mark(&Marker::ForeignPort { port: *port, holder });
            }
            live.become_ready();
        }
    }

    async fn succeeds(&self, children: &Arc<Children>) -> bool {
        match &self.check {
            Check::Port(port) => accepts(*port).await,
            Check::Http(check) => http::get(&check.url).await.is_ok_and(|code| check.accepts(code)),
            Check::Cmd(command) => match Child::start(children, command, (&self.dir, &self.env), None) {
                Ok(mut child) => child.wait().await.is_ok_and(|status| status.success()),
                Err(reason) => {
                    log::debug!("ready command: {reason}");
                    false
                }
            },
            Check::File(path, before) => {
                let now = written(path);
                now.is_some() && now != *before
            }
            Check::Delay(time) => {
                sleep(*time).await;
                true
            }
        }
    }
}

/// Whether a connection to this port of the local host is accepted, by IPv4 or IPv6.
pub(super) async fn accepts(port: u16) -> bool {
    accepts_at((Ipv4Addr::LOCALHOST, port).into()).await || accepts_at((Ipv6Addr::LOCALHOST, port).into()).await
}

async fn accepts_at(address: SocketAddr) -> bool {
    TcpStream::connect(address).await.is_ok_and(|stream| !http::is_itself(&stream))
}

/// What changes when a file is written. Compared with itself before the start rather than with the time of the start:
/// file systems count time more coarsely than clocks.
type Written = (Option<SystemTime>, u64);

fn written(path: &Path) -> Option<Written> {
    let found = fs::metadata(path).ok()?;
    Some((found.modified().ok(), found.len()))
}
