//! `devgroup web`: opens the web page of a group, and prints an address to log in at.

use super::super::arguments::Place;
use super::super::exit_code::Failure;
use super::output;
use crate::app;
use crate::control::{Ask, Client, Reply, WebAsk};
use crate::domain::visible;

/// A service of the same name may have been meant.
pub(super) fn not_running(failure: Failure, place: &Place) -> Failure {
    let file = super::super::file(place.config.as_deref());
    let spec = file.ok().and_then(|file| file.load().ok()).map(|loaded| loaded.spec);
    match spec.is_some_and(|spec| spec.service(&"web".into()).is_some()) {
        true => {
            Failure::Noted { failure: failure.into(), note: "to run the service web alone: devgroup -- web".into() }
        }
        false => failure,
    }
}

/// Opens the page, or closes it. The result is the exit code. `open`: also in a browser.
pub(super) fn run(mut group: Client, (open, stop): (bool, bool), json: bool) -> Result<u8, Failure> {
    let Reply::Web(answer) = group.ask(Ask::Web(WebAsk { stop }))? else {
        return Err(Failure::Unexpected("the group did not report where its page is".into()));
    };
    let text = match (json, &answer.url) {
        (true, _) => output::json(&answer)?,
        (false, Some(url)) => format!("{}\n", visible(url)),
        (false, None) => "the web page is closed\n".into(),
    };
    output::write(&text)?;
    if let Some(url) = answer.url.filter(|_| open) {
        app::open_address(&url).map_err(Failure::Unexpected)?;
    }
    Ok(0)
}
