//! `devgroup down --all`: stops every running group of this user, all at the same time.

use std::thread;

use super::super::exit_code::Failure;
use super::{groups, orders};
use crate::control::{Client, ClientError, GroupTrace};
use crate::domain::visible;

/// Stops them, and says of each how it has ended. The exit code is the worst of all.
pub(super) fn run(now: bool) -> Result<u8, Failure> {
    let met = groups::meet_each();
    if met.is_empty() {
        super::super::print_message("no group is running");
        return Ok(0);
    }
    let codes = thread::scope(|scope| {
        let ends: Vec<_> = met.into_iter().map(|(trace, met)| scope.spawn(move || end(&trace, met, now))).collect();
        // Whoever has panicked has said so.
        ends.into_iter().map(|end| end.join().unwrap_or(1)).collect::<Vec<u8>>()
    });
    Ok(codes.into_iter().max().unwrap_or(0))
}

fn end(trace: &GroupTrace, met: Option<Result<Client, ClientError>>, now: bool) -> u8 {
    let ended = match met.unwrap_or(Err(ClientError::Silent)) {
        Ok(client) => orders::down(client, now),
        // It has ended by itself meanwhile.
        Err(ClientError::Ended { .. } | ClientError::Lost) => return 0,
        Err(error) => Err(error.into()),
    };
    ended.unwrap_or_else(|failure| {
        let text = failure.to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        let pid = match trace.note().pid {
            0 => String::new(),
            pid => format!(" (pid {pid})"),
        };
        let name = groups::name_of(trace);
        super::super::print_message(&format!("error: {}{pid}: {text}", visible(&name)));
        failure.code()
    })
}
