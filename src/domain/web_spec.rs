//! The web page of a group, as its file says.

use std::sync::Arc;

use super::AskedPort;

/// `[web]`: where the page is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSpec {
    /// `port`.
    pub port: AskedPort,
    /// `host`: an IP address, of the loopback unless the file allows others.
    pub host: Arc<str>,
    /// `hosts`: other names by which browsers reach it, with a port or without.
    pub hosts: Vec<String>,
}

impl WebSpec {
    /// Where it is served unless the file says something else.
    pub const HOST: &'static str = "127.0.0.1";
}

impl Default for WebSpec {
    fn default() -> Self {
        Self { port: AskedPort::Auto, host: Self::HOST.into(), hosts: Vec::new() }
    }
}
