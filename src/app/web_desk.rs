//! Opens and closes the web page, as `[web]` and `--web` say, and as `devgroup web` asks; and the listener of `[metrics]`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::port_claims::PortClaims;
use crate::control::{Inside, Problem, ProblemCode, WebAnswer, WebAsk};
use crate::domain::{AskedPort, GroupSpec, PortLedger, WebSpec, plain_error, port_is_taken};
use crate::process;
use crate::web::{self, CommandLine, Hosts, Listener, Server, Shows, Site, Vitals};

/// The name of its port among those of services; none of them can have it.
const PAGE_PORT: &str = "[web]";

/// The same of metrics.
const METRICS_PORT: &str = "[metrics]";

/// What the program says of the page.
#[derive(Debug)]
pub struct WebOptions {
    /// `--web`: it is open whatever the file says.
    pub always: bool,
    /// What answers for the command line.
    pub command_line: Arc<dyn CommandLine>,
}

/// The ports that the group has given out.
pub(super) type Ports = Arc<Mutex<(PortLedger, PortClaims)>>;

/// What the page is made with.
pub(super) struct WebMeans {
    pub(super) options: WebOptions,
    pub(super) ports: Ports,
    pub(super) vitals: Vitals,
}

/// Who opens and closes the page.
pub(crate) struct WebDesk {
    site: Arc<Site>,
    inside: Inside,
    always: bool,
    ports: Ports,
    state: Mutex<State>,
}

struct State {
    group: Arc<GroupSpec>,
    wanted: Wanted,
    page: Option<Page>,
    metrics: Option<Server>,
}

/// What is to be open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Wanted {
    web: Option<WebSpec>,
    metrics: Option<AskedPort>,
}

struct Page {
    server: Server,
    /// Its name, with its port.
    host: String,
}

impl WebDesk {
    /// Opens what the file of the group and the command line want to be open.
    pub(super) fn begin(inside: Inside, means: WebMeans, group: Arc<GroupSpec>) -> Arc<Self> {
        let WebMeans { options: WebOptions { always, command_line }, ports, vitals } = means;
        let site = Arc::new(Site::new(inside.clone(), command_line, vitals));
        let wanted = Wanted::of(&group, always);
        let state = Mutex::new(State { group, wanted: Wanted::default(), page: None, metrics: None });
        let desk = Self { site, inside, always, ports, state };
        desk.change(&mut desk.state(), wanted).unwrap_or_else(|why| log::error!("{why}"));
        Arc::new(desk)
    }

    /// The files of the group say something else. Never waits.
    pub(crate) fn follow(self: &Arc<Self>, group: Arc<GroupSpec>) {
        let desk = self.clone();
        // The old listener has to end before the new one can have its port.
        tokio::task::spawn_blocking(move || {
            let mut state = desk.state();
            let before = Wanted::of(&state.group, desk.always);
            let now = Wanted::of(&group, desk.always);
            state.group = group;
            // What somebody has opened or closed by hand stays so.
            let wanted = Wanted {
                web: if before.web == now.web { state.wanted.web.clone() } else { now.web.clone() },
                metrics: now.metrics,
            };
            if before != now {
                desk.change(&mut state, wanted).unwrap_or_else(|why| log::error!("{why}"));
            }
        });
    }

    /// Opens the page for somebody who asks, or closes it. May wait.
    ///
    /// # Errors
    /// Nobody can listen there.
    pub(super) fn ask(&self, WebAsk { stop }: WebAsk) -> Result<WebAnswer, Problem> {
        let refused = |why: String| Problem::new(ProblemCode::Refused, why);
        let mut state = self.state();
        if stop {
            let mut wanted = state.wanted.clone();
            wanted.web = None;
            self.change(&mut state, wanted).map_err(refused)?;
            self.site.log_all_out();
            return Ok(WebAnswer { version: 1, url: None });
        }
        let web = state.wanted.web.clone().or_else(|| state.group.web.clone()).unwrap_or_default();
        let mut wanted = state.wanted.clone();
        wanted.web = Some(web);
        self.change(&mut state, wanted).map_err(refused)?;
        let url = state.page.as_ref().and_then(|page| self.site.address_to_log_in(&page.host));
        let url = url.ok_or_else(|| refused("the system has no random numbers for a code".into()))?;
        Ok(WebAnswer { version: 1, url: Some(url) })
    }

    /// The group has ended, and gives its ports back: its next start may come before this process is gone.
    pub(super) fn close(&self) {
        let mut state = self.state();
        self.close_page(&mut state);
        close_metrics(&mut state);
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).1.release();
    }

    /// Opens what is wanted, and nothing else. What is open and stays so goes on; what cannot be opened keeps nothing else shut.
    ///
    /// # Errors
    /// Nobody can listen where the page is to be.
    fn change(&self, state: &mut State, wanted: Wanted) -> Result<(), String> {
        let before = std::mem::replace(&mut state.wanted, wanted);
        // Before the others open: one may get the port of another.
        if before.web != state.wanted.web {
            self.close_page(state);
        }
        if before.metrics != state.wanted.metrics {
            close_metrics(state);
        }
        if let Some(port) = state.wanted.metrics.filter(|_| state.metrics.is_none()) {
            let server = self.metrics(port, &state.group).and_then(|listener| self.serve("metrics", listener));
            state.metrics = server.inspect_err(|why| log::error!("{why}")).ok();
        }
        if let Some(spec) = state.wanted.web.as_ref().filter(|_| state.page.is_none()) {
            let listener = self.page(spec, &state.group)?;
            let host = listener.hosts.name().to_owned();
            let server = self.serve("the web page", listener)?;
            let address = format!("http://{host}");
            log::info!("the web page is at {address}; `devgroup web` prints an address to log in at");
            self.inside.handle().set_web_address(Some(address.into()));
            state.page = Some(Page { server, host });
        }
        Ok(())
    }

    /// `what`: for people.
    fn serve(&self, what: &str, listener: Listener) -> Result<Server, String> {
        let server = Server::start(self.site.clone(), listener);
        server.map_err(|error| format!("cannot serve {what}: {}", plain_error(&error)))
    }

    /// The listener of the page.
    fn page(&self, spec: &WebSpec, group: &GroupSpec) -> Result<Listener, String> {
        let address = SocketAddr::new(ip(spec)?, self.port(spec.port, PAGE_PORT, group));
        let socket = web::listen(address).map_err(|error| cannot_listen("the web page", address, &error))?;
        Ok(Listener { socket, hosts: Hosts::new(address, &spec.hosts), shows: Shows::All })
    }

    /// The listener of metrics alone.
    fn metrics(&self, port: AskedPort, group: &GroupSpec) -> Result<Listener, String> {
        let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), self.port(port, METRICS_PORT, group));
        let socket = web::listen(address).map_err(|error| cannot_listen("the listener of metrics", address, &error))?;
        log::info!("metrics are at http://{address}/metrics");
        Ok(Listener { socket, hosts: Hosts::new(address, &[]), shows: Shows::Metrics })
    }

    fn close_page(&self, state: &mut State) {
        if let Some(page) = state.page.take() {
            self.inside.handle().set_web_address(None);
            page.server.finish();
        }
    }

    /// `name`: of the port, among those of services.
    fn port(&self, asked: AskedPort, name: &str, group: &GroupSpec) -> u16 {
        match asked {
            AskedPort::Fixed(port) => port,
            AskedPort::Auto => {
                let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
                let (ledger, claims) = &mut *ports;
                ledger.own(group, name, &mut |port| process::listener_on(port).or_else(|| claims.take(port)))
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wanted {
    /// What a group wants to be open. `always`: the page, too.
    fn of(group: &GroupSpec, always: bool) -> Self {
        Self { web: group.web.clone().or_else(|| always.then(WebSpec::default)), metrics: group.metrics }
    }
}

fn close_metrics(state: &mut State) {
    if let Some(server) = state.metrics.take() {
        server.finish();
    }
}

fn ip(spec: &WebSpec) -> Result<IpAddr, String> {
    spec.host.parse().map_err(|_| format!("the web page cannot listen on {}: not an IP address", spec.host))
}

fn cannot_listen(what: &str, address: SocketAddr, error: &io::Error) -> String {
    match process::listener_on(address.port()) {
        Some(holder) if error.kind() == io::ErrorKind::AddrInUse => {
            format!("{what} {}", port_is_taken(address.port(), &holder))
        }
        _ => format!("{what} cannot listen on {address}: {}", plain_error(error)),
    }
}
