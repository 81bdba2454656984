//! `devgroup mcp`: a group for a coding agent, by the Model Context Protocol over stdin and stdout.
//!
//! It is a client of the control socket like every other: each call finds the group anew, so it may start before the group
//! does, and lives on when that ends. Text is for a reader, `structuredContent` the JSON of the command without keys that
//! have no value. A call fails (`isError`) where the command would exit with another code than 0.

mod answer;
mod arguments;
mod call;
mod groups;
mod holding;
mod input;
mod lines;
mod logs;
mod orders;
mod server;
mod shrink;
mod status;
mod task_tools;
mod tools;
mod waits;
mod why;

use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::transport::io::stdio_pipes;

use super::arguments::Place;
use super::exit_code::Failure;
use call::Session;
use input::Input;
use server::Server;

/// Serves until the agent closes our stdin. The result is the exit code.
pub(super) fn run(place: Place, read_only: bool) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // A call that is over leaves no thread behind that would wake up only to end.
        .thread_keep_alive(Duration::from_millis(1))
        .build()
        .map_err(|error| Failure::Unexpected(format!("cannot start the event loop: {error}")))?;
    let served = runtime.block_on(async {
        let session = Arc::new(Session::new(place, read_only));
        let (reader, writer) = stdio_pipes();
        let over = Arc::clone(&session);
        // A hold that is just being begun has the lock: not on the thread of the protocol.
        let reader = Input::new(reader, move || drop(tokio::task::spawn_blocking(move || over.end())));
        match Server::new(session).serve((reader, writer)).await {
            Ok(running) => running.waiting().await.map(drop).map_err(|error| error.to_string()),
            Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    });
    // A call that nobody waits for any more does not hold up the end.
    runtime.shutdown_background();
    served.map(|()| 0).map_err(|error| Failure::Unexpected(format!("the protocol failed: {error}")))
}
