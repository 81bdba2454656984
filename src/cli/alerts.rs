//! `devgroup alerts test`: whether alerts reach whom they are for.

use std::fmt::Write;

use clap::Subcommand;
use serde::Serialize;

use super::arguments::Place;
use super::exit_code::Failure;
use super::json;
use crate::app;
use crate::domain::{GroupSpec, visible};

/// What to do with alerts.
#[derive(Debug, Subcommand)]
pub(super) enum AlertsTask {
    /// Send a test alert to the desktop and to the program of `[alerts]`, and say what came of it
    #[command(before_help = "\
Examples:
  devgroup alerts test                exit with 1 if an alert was not delivered
  devgroup alerts test --json         one JSON object")]
    Test {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Serialize)]
struct Report {
    version: u32,
    alerts: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    /// The program that is told.
    to: String,
    delivered: bool,
    problem: Option<String>,
}

pub(super) fn run(task: &AlertsTask, place: &Place) -> Result<u8, Failure> {
    let AlertsTask::Test { json } = *task;
    let group = match super::file(place.config.as_deref()) {
        Ok(file) => file.load().map_err(|found| Failure::Invalid(found.render(super::style())))?.spec,
        // What the user's own file says can be tried anywhere.
        Err(Failure::NoFile { here }) => GroupSpec::new("devgroup", here, Vec::new()),
        Err(failure) => return Err(failure),
    };
    let (user, problems) = app::alerts_of_user();
    if let Some(problems) = problems {
        super::print_message(problems.render(super::style()).trim_end());
    }
    let alerts: Vec<Entry> = app::test_alerts(&group, &user)
        .into_iter()
        .map(|(to, result)| Entry { to, delivered: result.is_ok(), problem: result.err() })
        .collect();
    if alerts.is_empty() {
        let problem = "no alert reaches anybody: no file has `run` in [alerts], and your own file does not set notifications = \"desktop\"\n  \
                       help: devgroup help alerts";
        return Err(Failure::Unexpected(problem.into()));
    }
    if app::alerts_are_off(&group, &user) {
        super::print_message("note: alerts are off: `on = []` in [alerts]; only this test was sent");
    }
    let code = u8::from(alerts.iter().any(|entry| !entry.delivered));
    let text = if json { json::line(&Report { version: 1, alerts })? } else { table(&alerts) };
    super::print(&text).map(|()| code)
}

fn table(alerts: &[Entry]) -> String {
    let mut text = String::new();
    for entry in alerts {
        let result = entry.problem.as_ref().map_or("delivered".to_owned(), |problem| format!("failed · {problem}"));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}: {}", visible(&entry.to), visible(&result));
    }
    text
}
