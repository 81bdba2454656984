//! Who a group is shown to: its own terminal, if there is one, and whoever connects to its socket.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::Notify;

use super::super::background::report_start;
use super::super::effect_runner::Ways;
use super::super::instance::Claim;
use super::super::state_folder;
use super::super::stream::Stream;
use super::super::web_desk::{WebDesk, WebMeans};
use super::{Frontend, GroupRunError, TERMINAL_PATIENCE, restore_terminal_on_panic, system};
use crate::control::{About, AttachHandler, BoundSocket, Handlers, Inside, Server, WebHandler};
use crate::domain::GroupSpec;
use crate::group_handle::GroupHandle;
use crate::tui::{self, Dashboard, Sizing};

/// What the web page calls itself where it starts, restarts or stops something.
const PAGE: &str = "the web page";

/// What the group is shown by.
pub(super) struct Clients {
    own: Own,
    server: Option<Server>,
    socket: Option<Arc<Path>>,
    web: Arc<WebDesk>,
}

/// What shows the group where it was started.
enum Own {
    Dashboard(Dashboard),
    Stream(Stream),
    Nobody,
}

/// How the output of the group's own client has ended.
#[derive(Default)]
pub(super) struct OutputEnd {
    /// Not everything could be written.
    pub(super) error: Option<ErrorKind>,
    pub(super) is_terminal_gone: bool,
    /// The dashboard has panicked.
    pub(super) is_dashboard_broken: bool,
}

impl Clients {
    /// Opens and serves the socket, and shows the group. Inside of the runtime that is entered.
    ///
    /// Before the first start: services find the socket in their environment. `upkeep`: tells when the socket is to be looked
    /// at.
    ///
    /// # Errors
    /// The terminal cannot be used, or nobody could reach a group in the background.
    pub(super) fn serve(
        frontend: Frontend,
        handle: &GroupHandle,
        spec: &Arc<GroupSpec>,
        claim: &mut Claim,
        (upkeep, web): (Arc<Notify>, WebMeans),
    ) -> Result<Self, GroupRunError> {
        // Where that is not ours, nothing is saved.
        let folder = state_folder::of_group(spec, state_folder::variable).ok();
        let folder = folder.filter(|folder| state_folder::make(folder).is_ok());
        let sizing = Sizing::default();
        // First of all: its thread draws while the socket is opened.
        let (own, background) = match frontend {
            Frontend::Dashboard(options) => {
                restore_terminal_on_panic();
                let dashboard = Dashboard::start(handle.clone(), options, &sizing, folder.clone());
                (Own::Dashboard(dashboard.map_err(system("use this terminal"))?), None)
            }
            Frontend::Stream(options) => {
                (Own::Stream(Stream::start(handle.clone(), options).map_err(system("start the stream"))?), None)
            }
            Frontend::Background(background) => (Own::Nobody, Some(background)),
        };
        let bound_socket = match BoundSocket::open(&spec.file, claim.take_name()) {
            Ok(bound_socket) => Some(bound_socket),
            Err(why) if background.is_some() => return Err(GroupRunError::NoSocket(why)),
            Err(why) => {
                log::warn!("no control socket: {why}");
                None
            }
        };
        claim.sign(&spec.name, bound_socket.as_ref().map(BoundSocket::address));
        let socket = bound_socket.as_ref().map(|bound_socket| bound_socket.address().into());
        let attach_handler: AttachHandler = {
            let (handle, sizing, folder) = (handle.clone(), sizing.clone(), folder);
            Arc::new(move |terminal| tui::attach(handle.clone(), terminal, &sizing, folder.clone()))
        };
        let about = About { project: spec.name.to_string(), pid: claim.pid(), file: spec.file.clone() };
        let web = WebDesk::begin(Inside::new(handle.clone(), about.clone(), PAGE), web, spec.clone());
        let web_handler: WebHandler = {
            let web = web.clone();
            Arc::new(move |ask| web.ask(ask))
        };
        let handlers = Handlers { attach: attach_handler, web: web_handler };
        let server = bound_socket
            .and_then(|bound_socket| start_server(bound_socket, handle.clone(), about, claim, (handlers, upkeep)));
        if let Some(background) = background {
            if server.is_none() {
                return Err(GroupRunError::NoSocket("it could not be served".into()));
            }
            restore_terminal_on_panic();
            if background.for_run {
                background.report.send(0);
            } else {
                tokio::spawn(report_start(handle.clone(), background.report, spec.name.to_string(), claim.pid()));
            }
        }
        Ok(Self { own, server, socket, web })
    }

    /// By which clients come in.
    pub(super) fn ways(&self) -> Ways {
        Ways { socket: self.socket.clone(), web: self.web.clone() }
    }

    /// Ends what shows the group where it was started; the server has still to tell how the group has ended.
    pub(super) fn finish(self) -> (OutputEnd, Option<Server>) {
        let mut end = OutputEnd::default();
        match self.own {
            Own::Dashboard(dashboard) => match dashboard.finish(TERMINAL_PATIENCE) {
                Ok(gone) => end.is_terminal_gone = gone,
                Err(_) => end.is_dashboard_broken = true,
            },
            Own::Stream(stream) => end.error = stream.finish().map_err(|error| error.kind()).err(),
            Own::Nobody => {}
        }
        self.web.close();
        (end, self.server)
    }
}

fn start_server(
    bound_socket: BoundSocket,
    handle: GroupHandle,
    about: About,
    claim: &Claim,
    (handlers, upkeep): (Handlers, Arc<Notify>),
) -> Option<Server> {
    let lock = claim.lock();
    let keeper = Box::new(move |address: &Path| {
        if let Some(lock) = &lock {
            lock.renew(address);
        }
    });
    let server = Server::start(bound_socket, handle, about, handlers, (upkeep, keeper));
    server.inspect_err(|error| log::warn!("no control socket: {error}")).ok()
}
