//! The control socket of a running group: wire format, server and client.

mod place;

pub use place::{Place, SOCKET_VARIABLE};
