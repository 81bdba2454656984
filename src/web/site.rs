//! What all listeners of a group serve.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::command_line::CommandLine;
use super::login::Login;
use super::metrics::Vitals;
use super::refusal::Refusal;
use super::server::CONNECTIONS;
use crate::control::{Inside, Problem};

/// A group, as it is served. It outlives its listeners: who is logged in stays so when the page moves.
pub struct Site {
    pub(super) inside: Inside,
    pub(super) login: Login,
    pub(super) command_line: Arc<dyn CommandLine>,
    pub(super) vitals: Vitals,
    /// A place for each connection.
    pub(super) places: Arc<Semaphore>,
}

impl Site {
    /// The site of a group.
    pub fn new(inside: Inside, command_line: Arc<dyn CommandLine>, vitals: Vitals) -> Self {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        Self { inside, login: Login::default(), command_line, vitals, places }
    }

    /// An address to log in at, once and within [`CODE_LIFE`](super::CODE_LIFE). `host`: with its port. Nothing if the system
    /// has no random numbers.
    pub fn address_to_log_in(&self, host: &str) -> Option<String> {
        let code = self.login.code(self.inside.handle().logs().clock().now())?;
        Some(format!("http://{host}/#login={code}"))
    }

    /// Nobody is logged in any more.
    pub fn log_all_out(&self) {
        self.login.forget_all();
    }

    /// A problem of the group, as an answer.
    pub(super) fn refused(&self, problem: Problem) -> Refusal {
        self.command_line.told(problem).into()
    }
}
