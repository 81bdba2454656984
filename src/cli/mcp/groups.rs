//! The tool `start`: services of a group that runs, or the group itself.

use std::process::{Command, Stdio};

use serde_json::json;

use super::answer::Answer;
use super::call::Call;
use super::{orders, status};
use crate::app::BY_KEY;
use crate::cli::exit_code::Failure;
use crate::domain::{plain_error, visible_lines};

/// Starts services; without any, the group, if it does not run.
pub(super) fn start(call: &Call) -> Result<Answer, Failure> {
    let services = call.texts("services")?;
    if !services.is_empty() {
        return orders::start_services(call, services);
    }
    match call.connect() {
        Ok(_) => {
            let running = status::status(call)?;
            Ok(Answer { text: format!("the group runs already\n{}", running.text), ..running })
        }
        Err(Failure::NotRunning { .. }) => start_group(call),
        Err(failure) => Err(failure),
    }
}

/// Starts it in the background, by the same command that a person would use. What it says is told.
fn start_group(call: &Call) -> Result<Answer, Failure> {
    let cannot =
        |error: std::io::Error| Failure::Unexpected(format!("cannot start the group: {}", plain_error(&error)));
    let mut command = Command::new(std::env::current_exe().map_err(cannot)?);
    if let Some(file) = call.session.place()?.config {
        command.arg("-f").arg(file);
    }
    let command = command.arg("-d").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.output().map_err(cannot)?;
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    // An agent has no keys.
    let said = visible_lines(said.trim_end()).replace(BY_KEY, "");
    let said = if said.is_empty() { said } else { said + "\n" };
    let failed = !output.status.success();
    // Some of its services may have failed, while it runs.
    match status::status(call) {
        Ok(running) => Ok(Answer { text: said + &running.text, failed, ..running }),
        Err(_) if failed => {
            let code = output.status.code();
            let value = json!({ "error": { "code": "failed", "exit_code": code, "message": said.trim_end() } });
            Ok(Answer { text: said, value, failed })
        }
        Err(failure) => Err(failure),
    }
}
