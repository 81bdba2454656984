//! Results on stdout.

use std::io::{self, Write};

use super::super::exit_code::Failure;

/// Writes text. False if nobody reads any more, as after `| head`: then there is nothing more to do, and nothing wrong.
pub(super) fn write(text: &str) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::Unexpected(format!("cannot write: {error}"))),
    }
}

pub(super) use super::super::json::line as json;
