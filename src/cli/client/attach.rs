//! `devgroup attach`: the dashboard of a running group in this terminal.

use std::io::{self, IsTerminal};
use std::os::fd::OwnedFd;
use std::path::Path;

use super::super::exit_code::Failure;
use crate::app::{self, ViewEnd, ViewError};
use crate::control::Client;
use crate::display::DisplaySupport;
use crate::domain::visible;

/// `guard_pipe`: becomes readable when our guard is gone.
pub(super) fn run(group: Client, guard_pipe: Option<OwnedFd>) -> Result<u8, Failure> {
    let hello = group.hello().clone();
    refuse_where_no_dashboard_can_be(Path::new(&hello.file))?;
    match app::view_group(group, guard_pipe) {
        Ok(ViewEnd::Detached) => {
            let (project, pid) = (visible(&hello.project), hello.pid);
            super::super::print_message(&format!(
                "{project}: detached · still running (pid {pid}) · open: devgroup attach"
            ));
            Ok(0)
        }
        Ok(ViewEnd::Signal(number)) => Ok(u8::try_from(128 + number).unwrap_or(1)),
        Ok(ViewEnd::GroupEnded { code, summary }) => {
            super::super::print_message(&summary);
            Ok(code)
        }
        Err(ViewError::Client(error)) => Err(error.into()),
        Err(ViewError::Terminal(error)) => Err(Failure::Unexpected(format!("cannot use this terminal: {error}"))),
        Err(ViewError::Thread(error)) => Err(Failure::Unexpected(format!("cannot start a thread: {error}"))),
        Err(ViewError::Broken) => Err(Failure::Unexpected("attach crashed; please report the message above".into())),
    }
}

/// Refuses to show a dashboard within itself, and where there is no terminal for one. `file`: the `procgroup.toml` of the
/// group.
fn refuse_where_no_dashboard_can_be(file: &Path) -> Result<(), Failure> {
    if let Some(service) = app::inside_service_of(file) {
        return Err(Failure::Usage(format!(
            "started from inside {service}, a service of this group: its dashboard would show itself\n  help: run `devgroup attach` in another terminal"
        )));
    }
    let is_dumb = DisplaySupport::from_environment().dumb;
    if is_dumb || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        let what = if is_dumb { "other than TERM=dumb" } else { "on stdin and stdout" };
        return Err(Failure::Usage(format!(
            "the dashboard needs a terminal {what}\n  help: `devgroup status` and `devgroup logs -f` work without one"
        )));
    }
    Ok(())
}
