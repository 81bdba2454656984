//! The thread that serves a listener: it accepts, bounds, and looks before anything is answered.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::body::Body;
use super::hosts::Hosts;
use super::refusal::Refusal;
use super::routes::{Route, route};
use super::site::Site;
use super::unreadable::Way;
use super::{api, body, health, metrics, security};

/// Connections at once, of all listeners of a site together.
pub(super) const CONNECTIONS: usize = 32;

/// The largest head of a request, in bytes.
const HEAD: usize = 16 << 10;

/// How long a head may take, from the connection or the request before on: it keeps a place from others.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection may take for its last words.
const FAREWELL_PATIENCE: Duration = Duration::from_millis(100);

/// How long the thread may take to end.
const END_PATIENCE: Duration = Duration::from_millis(500);

/// After a failed accept: without descriptors, the next one fails as well.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// What a listener shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// The page, the API, figures and health.
    All,
    /// Figures and health: what needs no token.
    Metrics,
}

/// A listener, and by which names it is reached.
#[derive(Debug)]
pub struct Listener {
    /// It listens.
    pub socket: StdListener,
    /// What `Host` may say.
    pub hosts: Hosts,
    /// What it shows.
    pub shows: Shows,
}

/// Listens at an address.
///
/// # Errors
/// The system's: somebody has the port, or nobody here has the address.
pub fn listen(address: SocketAddr) -> io::Result<StdListener> {
    let socket = StdListener::bind(address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A running server, of one listener: each begins and ends by itself.
#[derive(Debug)]
pub struct Server {
    end: watch::Sender<bool>,
    done: Receiver<()>,
}

impl Server {
    /// Begins to serve.
    ///
    /// # Errors
    /// No thread or no event queue can be had.
    pub fn start(site: Arc<Site>, listener: Listener) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            // What reads files for a client must not wake up later only to end.
            .thread_keep_alive(Duration::from_millis(1))
            .build()?;
        let Listener { socket, hosts, shows } = listener;
        let socket = {
            let _inside = runtime.enter();
            TcpListener::from_std(socket)?
        };
        let seen = Arc::new(Seen { site, hosts, shows });
        let (end, ending) = watch::channel(false);
        let (done_in, done) = channel();
        let name = if shows == Shows::Metrics { "metrics" } else { "web" };
        thread::Builder::new().name(name.into()).spawn(move || {
            runtime.block_on(accept(socket, seen, ending));
            runtime.shutdown_background();
            // The other end may have lost patience.
            let _ = done_in.send(());
        })?;
        Ok(Self { end, done })
    }

    /// Ends all connections, and gives the ports back.
    pub fn finish(self) {
        self.end.send_replace(true);
        // Nothing to be done if it takes longer.
        let _ = self.done.recv_timeout(END_PATIENCE);
    }
}

/// What a connection gets to see.
struct Seen {
    site: Arc<Site>,
    hosts: Hosts,
    shows: Shows,
}

async fn accept(socket: TcpListener, seen: Arc<Seen>, mut end: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            // It ends with its sender, too.
            _ = end.wait_for(|over| *over) => break,
        };
        while connections.try_join_next().is_some() {}
        match (accepted, seen.site.places.clone().try_acquire_owned()) {
            (Ok((stream, _)), Ok(place)) => {
                connections.spawn(talk(stream, seen.clone(), place, end.clone()));
            }
            (Ok((stream, _)), Err(_)) => turn_away(&stream),
            (Err(error), _) => {
                log::warn!("cannot accept a browser: {error}");
                sleep(ACCEPT_REST).await;
            }
        }
    }
    drop(socket);
    while connections.join_next().await.is_some() {}
}

/// Serves one connection until it ends, or all do.
async fn talk(stream: TcpStream, seen: Arc<Seen>, place: OwnedSemaphorePermit, mut end: watch::Receiver<bool>) {
    // An answer is not held back for more of it. Without that it is slower, no more.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let seen = seen.clone();
        async move { Ok::<_, Infallible>(answer(&seen, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD)
        .serve_connection(Way::new(TokioIo::new(stream)), service);
    tokio::pin!(connection);
    let is_over = tokio::select! {
        // However it has ended: nobody is there to be told.
        _ = connection.as_mut() => true,
        _ = end.wait_for(|over| *over) => false,
    };
    if !is_over {
        connection.as_mut().graceful_shutdown();
        let _ = timeout(FAREWELL_PATIENCE, connection).await;
    }
    drop(place);
}

/// Looks at a request, and answers it.
async fn answer(seen: &Seen, request: Request<Incoming>) -> Response<Body> {
    let answered = respond(seen, request).await;
    let mut response = answered.unwrap_or_else(|refusal| refusal.response());
    security::protect(response.headers_mut());
    response
}

async fn respond(seen: &Seen, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
    let (head, posted) = request.into_parts();
    security::look(&head, &seen.hosts)?;
    match route(&head.method, head.uri.path(), seen.shows)? {
        Route::Health => Ok(health::health(&seen.site).await),
        Route::Ready => Ok(health::ready(&seen.site)),
        Route::Metrics => Ok(metrics::page(&seen.site).await),
        Route::Asset(asset) => Ok(body::whole(StatusCode::OK, asset.kind(), asset.bytes)),
        Route::Api(endpoint, name) => api::answer(&seen.site, (endpoint, name), &head, posted).await,
    }
}

/// Tells a client that there is no room for it, without waiting for it.
fn turn_away(stream: &TcpStream) {
    let refusal = Refusal::unavailable(&format!("there are {CONNECTIONS} connections already"));
    // A new socket has room for that; if not, the closing says it too.
    let _ = stream.try_write(&refusal.last_answer());
}
