//! The commands for a running group: find it, ask it, print what it says.

mod arguments;
mod attach;
mod down_all;
mod events;
pub(super) mod find;
pub(super) mod foreground;
pub(super) mod groups;
mod hold;
mod list;
mod logs;
pub(super) mod orders;
mod output;
pub(super) mod patient;
mod scale;
pub(super) mod settle;
pub(super) mod status;
mod url;
pub(super) mod wait_text;
mod web;

use std::os::fd::OwnedFd;

pub(super) use arguments::ClientTask;
pub(super) use find::{occupied, short};

use super::arguments::Place;
use super::exit_code::Failure;
use crate::control::{Ask, Order};

/// Carries a command out. The result is the exit code. `guard_pipe`: becomes readable when our guard is gone, if we have
/// one.
pub(super) fn run(task: ClientTask, place: &Place, guard_pipe: Option<OwnedFd>) -> Result<u8, Failure> {
    let order = |arguments: &arguments::OrderArguments| Order {
        services: arguments.services.clone(),
        all: arguments.all,
        failed: arguments.failed,
        wait: arguments.wait,
        timeout_ms: Some(orders::millis(arguments.timeout)),
    };
    // What they do is told with their name.
    let named = |command: &str| find::running(&Place { client: Some(format!("devgroup {command}")), ..place.clone() });
    match task {
        ClientTask::Logs(logs) => {
            logs::check(&logs)?;
            logs::run(find::running(place)?, logs)
        }
        ClientTask::Status { services, json, follow, usage } => {
            let group = find::running(place).map_err(|failure| status::not_running(failure, place, json))?;
            status::run(group, &services, json, (follow, usage))
        }
        ClientTask::Web { open, stop, json } => {
            let group = find::running(place).map_err(|failure| web::not_running(failure, place))?;
            web::run(group, (open, stop), json)
        }
        ClientTask::Url { services, open, json } => url::run(place, &services, open, json),
        ClientTask::Events { follow, json, since: None } => events::run(find::running(place)?, follow, json),
        ClientTask::Events { follow, json, since: Some(since) } => events::run_since(place, since, follow, json),
        ClientTask::Start(arguments) => {
            orders::send_order(named("start")?, Ask::Start(order(&arguments)), &arguments, "starting")
        }
        ClientTask::Stop(arguments) => {
            orders::send_order(named("stop")?, Ask::Stop(order(&arguments)), &arguments, "stopping")
        }
        ClientTask::Restart(arguments) => {
            orders::send_order(named("restart")?, Ask::Restart(order(&arguments)), &arguments, "restarting")
        }
        ClientTask::Settle(arguments) => settle::run(find::running(place)?, arguments),
        ClientTask::Wait { services, goal, timeout, json } => match (goal.goal(), services.as_slice()) {
            (Some(goal), _) => orders::wait(find::running(place)?, services, goal, timeout, json),
            (None, [service, text]) => {
                let group = patient::Patient::new(find::running(place)?, Some(timeout), None);
                wait_text::run(group, service, text, json)
            }
            (None, _) => {
                let help = "devgroup wait api --for text 'listening'";
                let problem = "`--for text` takes one service and one text";
                Err(Failure::Usage(format!("{problem}\n  help: {help}")))
            }
        },
        ClientTask::Scale { counts, wait, timeout, json } => {
            let counts = scale::counts(counts)?;
            scale::run(find::running(place)?, counts, wait.then_some(timeout), json)
        }
        ClientTask::Send { service, text, no_newline } => {
            let text = if no_newline { text } else { format!("{text}\n") };
            orders::send_command(find::running(place)?, Ask::Send { service, text })
        }
        ClientTask::Pause { services } => orders::send_command(find::running(place)?, Ask::Pause { services }),
        ClientTask::Resume { services, discard } => orders::resume(find::running(place)?, services, discard),
        ClientTask::Hold(arguments) => hold::run(arguments, place),
        ClientTask::Run(arguments) => foreground::run(arguments, place, guard_pipe),
        ClientTask::Exec(arguments) => foreground::exec(arguments, place, guard_pipe),
        ClientTask::Attach => attach::run(find::running(place)?, guard_pipe),
        ClientTask::Ls { json } => list::run(json),
        ClientTask::Down { now, all: true } => down_all::run(now),
        ClientTask::Down { now, all: false } => orders::down(find::running(place)?, now),
    }
}
