//! A failure in words on stderr, or as one JSON object where `--json` was asked for.

use std::ffi::OsString;

use serde::Serialize;

use super::exit_code::Failure;
use crate::app::GroupRunError;
use crate::config::SelectionError;
use crate::control::{ClientError, Problem, ProblemCode};
use crate::web::Told;

#[derive(Serialize)]
struct Report {
    error: Told,
}

/// Whether these arguments ask for JSON, or for a log in JSON. What stands behind `hold` or `exec` is another program's.
pub(super) fn asks_for_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let own = arguments.skip(1).take_while(|argument| argument != "--" && argument != "hold" && argument != "exec");
    let mut own = own.peekable();
    while let Some(argument) = own.next() {
        let is_format = argument == "--log-format" && own.peek().is_some_and(|format| format == "json");
        if is_format || argument == "--json" || argument == "--log-format=json" {
            return true;
        }
    }
    false
}

/// The failure as one line of JSON.
pub(super) fn as_json(failure: &Failure) -> String {
    line(told(failure))
}

/// The failure for programs.
pub(super) fn told(failure: &Failure) -> Told {
    let text = failure.to_string();
    // A file with problems is drawn; `devgroup check --json` has each of them.
    if let Failure::Invalid(drawn) = failure {
        let first = drawn.lines().next().unwrap_or_default();
        let first = first.rsplit_once('[').map_or(first, |(message, _)| message);
        return new(word(failure), failure.code(), first, Some("devgroup check --json"));
    }
    // The same of what stands behind a name that is in no file.
    let text = match failure {
        Failure::InvalidAndUnknown { drawn, .. } => text.strip_suffix(drawn.as_str()).unwrap_or(&text).to_owned(),
        _ => text,
    };
    let (message, help) =
        text.split_once("\n  help: ").map_or((text.as_str(), None), |(text, help)| (text, Some(help)));
    // A slip of the pen explains all that came of it.
    let meant = match failure {
        Failure::Mistyped { commands, .. } => Some(format!("did you mean {commands}?")),
        _ => None,
    };
    new(word(failure), failure.code(), message, meant.as_deref().or(help))
}

/// Arguments that make no sense, as one line of JSON. `commands`: what may have been meant.
pub(super) fn usage_as_json(error: &clap::Error, commands: Option<&str>) -> String {
    let text = error.render().to_string();
    let (message, help) = text.split_once("\n\n").unwrap_or((&text, ""));
    let meant = commands.map(|commands| format!("did you mean {commands}?"));
    // What is for people at a terminal, or wrong for the value of an option.
    let is_needless =
        |line: &str| ["For more information", "tip: to pass "].iter().any(|text| line.trim().starts_with(text));
    let help = help.lines().filter(|line| !is_needless(line)).collect::<Vec<_>>().join("\n");
    let help = meant.as_deref().unwrap_or(&help);
    line(new("usage", 2, message, Some(help).filter(|help| !help.trim().is_empty())))
}

fn new(code: &'static str, exit_code: u8, message: &str, help: Option<&str>) -> Told {
    let plain = |text: &str| text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let message = plain(message.strip_prefix("error: ").unwrap_or(message));
    Told { code, exit_code, message, help: help.map(plain) }
}

fn line(error: Told) -> String {
    // Texts and a number are always JSON.
    super::json::compact(&Report { error }).unwrap_or_default()
}

/// The failure in one word.
fn word(failure: &Failure) -> &'static str {
    match failure {
        Failure::Hold(inner) | Failure::Mistyped { failure: inner, .. } | Failure::Noted { failure: inner, .. } => {
            word(inner)
        }
        Failure::NoFile { .. } => "no-file",
        Failure::Foreign { .. } => "foreign",
        Failure::Inside { .. } => "inside",
        Failure::Occupied(_) | Failure::Stopping(_) => "already-runs",
        Failure::NotRun { .. } => "not-run",
        Failure::GroupRun { error: GroupRunError::Selection(SelectionError::UnknownProfile { .. }) } => {
            "unknown-profile"
        }
        Failure::GroupRun { error: GroupRunError::Selection(SelectionError::Nothing) } => "nothing-to-run",
        Failure::Unknown { what: "task", .. } => "unknown-task",
        Failure::Unknown { what: "batch", .. } => "unknown-batch",
        Failure::Unknown { what: "job", .. } => "unknown-service",
        Failure::Unknown { .. } => "unknown-worker",
        Failure::Client { error: ClientError::Refused(Problem { code, .. }) } => match code {
            ProblemCode::Version => "other-version",
            ProblemCode::Malformed => "malformed",
            ProblemCode::TooMany => "too-many",
            ProblemCode::UnknownService => "unknown-service",
            ProblemCode::Invalid => "usage",
            ProblemCode::Refused => "refused",
        },
        other => match other.code() {
            2 => "usage",
            3 => "invalid-file",
            4 => "not-running",
            6 => "unknown-service",
            8 => "not-allowed",
            _ => "failed",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_an_object_with_its_remedy() {
        let failure = Failure::NotRunning { file: None, foreign: None };
        let mistyped = Failure::Mistyped { failure: failure.into(), commands: "the command `status`".into() };
        let expected = "{\"error\":{\"code\":\"not-running\",\"exit_code\":4,\"message\":\"no group is running here: no \
                        procgroup.toml in this folder or any folder above\",\"help\":\"did you mean the command `status`?\"}}";
        assert_eq!(as_json(&mistyped), expected);
        let failure = Failure::NoFile { here: "/srv".into() };
        let mistyped = Failure::Mistyped { failure: failure.into(), commands: "the command `status`".into() };
        assert!(as_json(&mistyped).ends_with("\"help\":\"did you mean the command `status`?\"}}"), "{mistyped}");
        let drawn = "error: a is empty   [empty]\n   ,-[procgroup.toml:1:1]\n  help: write it\n";
        let invalid = as_json(&Failure::Invalid(drawn.into()));
        assert!(invalid.contains("\"a is empty\"") && invalid.contains("check --json"), "{invalid}");
    }

    #[test]
    fn a_group_that_has_ended_is_said_to_have_ended() {
        let summary = "shop: 2 services stopped in 0.0s".to_owned();
        let ended = as_json(&ClientError::Ended { code: 0, summary }.into());
        let expected = "{\"error\":{\"code\":\"not-running\",\"exit_code\":4,\"message\":\"the group has ended: shop: 2 \
                        services stopped in 0.0s\",\"help\":\"`devgroup` starts it again\"}}";
        assert_eq!(ended, expected);
        assert!(as_json(&ClientError::Lost.into()).contains("starts it again"));
    }

    #[test]
    fn a_usage_problem_has_no_hints_for_people_or_for_positions() {
        use clap::Parser;
        #[derive(Debug, Parser)]
        struct Line {
            #[arg(long)]
            since: Option<u32>,
        }
        let told = |line: &str| usage_as_json(&Line::try_parse_from(line.split(' ')).unwrap_err(), None);
        let negative = told("devgroup --since -5");
        assert!(negative.contains("-5") && !negative.contains("tip: to pass"), "{negative}");
        assert!(!negative.contains("For more information"), "{negative}");
        assert!(told("devgroup --sinc 5").contains("--since"), "what may be meant stays");
    }

    #[test]
    fn json_is_asked_for_by_our_own_arguments() {
        let asks = |line: &str| asks_for_json(line.split(' ').map(OsString::from));
        assert!(asks("devgroup status --json") && asks("devgroup -C web logs api --json -f"));
        assert!(asks("devgroup --no-tui --log-format json") && asks("devgroup --log-format=json api"));
        assert!(!asks("devgroup --log-format text") && !asks("devgroup --log-format"));
        assert!(!asks("devgroup hold x --json") && !asks("devgroup status -- --json") && !asks("devgroup status"));
    }
}
