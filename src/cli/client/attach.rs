//! `devgroup attach`: the dashboard of a running group in this terminal. It is drawn where the group runs.
//!
//! One thread for each direction of the connection, so that neither a terminal nor a group that does not read keeps this
//! process from its signals.

use std::io::{self, IsTerminal};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread;

use super::super::exit_code::Failure;
use crate::app;
use crate::control::{Client, ClientError};
use crate::domain::visible;
use crate::remote_terminal::{FromTerminal, RemoteTerminal, ToTerminal};
use crate::tui::{self, Parting, Viewer};

/// `guard_pipe`: becomes readable when our guard is gone.
pub(super) fn run(group: Client, guard_pipe: Option<OwnedFd>) -> Result<u8, Failure> {
    let hello = group.hello().clone();
    refuse_where_no_dashboard_can_be(Path::new(&hello.file))?;
    let abilities = tui::abilities();
    let size = (abilities.columns, abilities.rows);
    let (mut screen, mut typist) = group.attach(&abilities)?;
    // Before the terminal is touched: the group may refuse.
    let first = screen.next_order()?;
    let (RemoteTerminal { mut news, orders, .. }, wire) = RemoteTerminal::new(abilities);
    app::restore_terminal_on_panic();
    let no_terminal = |error| Failure::Unexpected(format!("cannot use this terminal: {error}"));
    let mut viewer = Viewer::enter().map_err(no_terminal)?;
    let shown = wire.news.clone();
    let showing = move || {
        let mut order = first;
        loop {
            if let ToTerminal::Show(text) = order {
                tui::show(&text);
                // Nobody listens at the end.
                let _ = shown.blocking_send(FromTerminal::Shown {});
            } else {
                let _ = orders.send(order);
            }
            match screen.next_order() {
                Ok(next) => order = next,
                Err(error) => return error,
            }
        }
    };
    let no_thread = |error| Failure::Unexpected(format!("cannot start a thread: {error}"));
    let showing = thread::Builder::new().name(tui::THREAD_NAME.into()).spawn(showing).map_err(no_thread)?;
    let telling = move || {
        while let Some(news) = news.blocking_recv() {
            // Why it is gone, the other direction tells.
            if typist.send(&news).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("keys".into()).spawn(telling).map_err(no_thread)?;
    let parting = viewer.run(wire, size, guard_pipe).map_err(no_terminal)?;
    drop(viewer);
    match parting {
        Parting::Detached => {
            let (project, pid) = (visible(&hello.project), hello.pid);
            super::super::print_message(&format!(
                "{project}: detached · runs on, pid {pid} · `devgroup attach` opens it again"
            ));
            Ok(0)
        }
        Parting::Signal(number) => Ok(u8::try_from(128 + number).unwrap_or(1)),
        // It has closed its end of the wire by ending.
        Parting::Over => match showing.join() {
            Ok(ClientError::Ended { code, summary }) => {
                super::super::print_message(&summary);
                Ok(code)
            }
            Ok(error) => Err(error.into()),
            Err(_) => Err(Failure::Unexpected("attach has failed; please report the message above".into())),
        },
    }
}

/// Refuses to show a dashboard within itself, and where there is no terminal for one. `file`: the `procgroup.toml` of the
/// group.
fn refuse_where_no_dashboard_can_be(file: &Path) -> Result<(), Failure> {
    if let Some(service) = app::inside_service_of(file) {
        return Err(Failure::Usage(format!(
            "you are inside {service}, a service of this very group: its dashboard would show itself\n  help: attach in a terminal of its own"
        )));
    }
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if is_dumb || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        let what = if is_dumb { "one that can do more than TERM=dumb" } else { "one on stdin and stdout" };
        return Err(Failure::Usage(format!(
            "a dashboard needs a terminal, {what}\n  help: `devgroup status` and `devgroup logs -f` do not"
        )));
    }
    Ok(())
}
