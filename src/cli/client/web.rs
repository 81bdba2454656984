//! `devgroup web`: opens the web page of a group, and prints an address to log in at.

use super::super::exit_code::Failure;
use super::output;
use crate::app;
use crate::control::{Ask, Client, Reply, WebAsk};
use crate::domain::visible;

/// Opens the page, or closes it. The result is the exit code. `open`: also in a browser.
pub(super) fn run(mut group: Client, (open, stop): (bool, bool), json: bool) -> Result<u8, Failure> {
    let Reply::Web(answer) = group.ask(Ask::Web(WebAsk { stop }))? else {
        return Err(Failure::Unexpected("the group did not tell where its page is".into()));
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
