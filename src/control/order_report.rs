//! What became of the services of an order as JSON, for all who give orders.

use serde::Serialize;

use super::log_line::LogLine;
use super::wire::{LogsAsk, Outcome, VERSION};

/// Lines of the last run of a service that are told; of more, the last.
const LINES: u64 = 1_000;

/// What became of the services.
#[derive(Debug, Serialize)]
pub struct OrderReport {
    version: u32,
    services: Vec<ServiceReport>,
}

#[derive(Debug, Serialize)]
struct ServiceReport {
    #[serde(flatten)]
    outcome: Outcome,
    /// What its last run has said.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<LogLine>>,
}

impl OrderReport {
    /// `lines`: what the last runs of these services have said, if that is told.
    pub fn new(outcomes: Vec<Outcome>, mut lines: Option<Vec<LogLine>>) -> Self {
        let services = outcomes.into_iter().map(|outcome| {
            let own = lines.as_mut().map(|lines| lines.extract_if(.., |line| line.service == outcome.name).collect());
            ServiceReport { outcome, lines: own }
        });
        Self { version: VERSION, services: services.collect() }
    }
}

impl Outcome {
    /// The question for what its last run has said.
    pub fn lines(&self) -> LogsAsk {
        LogsAsk {
            services: vec![self.name.clone()],
            cursors: vec![self.cursor.clone()],
            last: Some(LINES),
            levels: true,
            ..LogsAsk::default()
        }
    }
}
