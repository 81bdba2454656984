//! The commands for a running group.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum, builder::PossibleValuesParser};

use crate::config;
use crate::control::{Goal, LEVEL_WORDS};

/// What to ask a running group.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ClientTask {
    /// Show what the services of the running group do
    #[command(
        visible_alias = "ps",
        before_help = "\
Examples:
  devgroup status            a table
  devgroup status --json     one JSON object, for scripts
  devgroup status -f --json  one more line after each change"
    )]
    Status {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        /// Print it again after each change
        #[arg(short = 'f', long)]
        follow: bool,
    },
    /// Print the logs of the running group
    #[command(before_help = "\
Examples:
  devgroup logs                        the last 200 lines of all services, by arrival
  devgroup logs api -f                 go on with what comes
  devgroup logs api --since-restart    what its last run has said
  devgroup logs --since 5m --level warn
  devgroup logs --grep 'timeout|refused' -n 20
  devgroup logs api --json             JSON Lines, each with a cursor
  devgroup logs --cursor CURSOR        only what came after that line")]
    Logs(LogsArguments),
    /// Start services, and what they depend on
    #[command(before_help = "\
Examples:
  devgroup start mail
  devgroup start --failed --wait      those that have failed; wait until they are up")]
    Start(OrderArguments),
    /// Stop services; they stay down until they are started
    #[command(before_help = "\
Examples:
  devgroup stop worker
  devgroup stop --all --wait          all of them; wait until they are down")]
    Stop(OrderArguments),
    /// Restart services, or start those that are stopped
    #[command(before_help = "\
Examples:
  devgroup restart api
  devgroup restart api --wait         ends with 0 when it is ready, with 5 if it fails
  devgroup restart api --wait --json  the same, with what it has said since")]
    Restart(OrderArguments),
    /// Type a line into a service
    #[command(before_help = "\
Examples:
  devgroup send console 'User.count'
  devgroup send test q --no-newline")]
    Send {
        /// Service to type into
        service: String,
        /// Text to type
        #[arg(allow_hyphen_values = true)]
        text: String,
        /// Without the Enter key after it
        #[arg(long)]
        no_newline: bool,
    },
    /// Hold file changes back until `devgroup resume` or the key `p`
    #[command(
        before_help = "\
Examples:
  devgroup pause                      of all services
  devgroup pause api worker           only of these",
        after_help = "It lasts when this command has ended. `devgroup hold -- CMD…` ends by itself."
    )]
    Pause {
        /// Of these; otherwise of all
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
    },
    /// End what `devgroup pause` or the key `p` holds: each service concerned restarts once
    #[command(before_help = "\
Examples:
  devgroup resume
  devgroup resume api                 only what is held of this one
  devgroup resume --discard           forget what has changed meanwhile")]
    Resume {
        /// Of these; otherwise of all
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
        /// Forget the changes that were held back
        #[arg(long)]
        discard: bool,
    },
    /// Run a command, and hold file changes back while it runs
    #[command(
        before_help = "\
Examples:
  devgroup hold -- git checkout main              each service concerned restarts once, afterwards
  devgroup hold --service api -- make generate    only its changes are held
  devgroup hold --discard -- cargo fmt            forget what the command has changed",
        after_help = "The code is that of the command, 128+n if signal n ended it; 127 if there is no such command, 126 if \
                      it cannot be executed, 125 if the hold fails. Where no group runs, the command is just run."
    )]
    Hold(HoldArguments),
    /// Wait for services
    #[command(before_help = "\
Examples:
  devgroup wait api db                until both are ready; code 5 if one fails or is stopped
  devgroup wait test --for exit       until its run has ended, also one that is still to begin; code 5 if not with 0
  devgroup wait api --for restart --timeout 5m")]
    Wait {
        /// Services to wait for
        #[arg(value_name = "SERVICE", required = true)]
        services: Vec<String>,
        /// What to wait for
        #[arg(long = "for", value_name = "WHAT", default_value = "ready")]
        goal: GoalWord,
        /// At most so long (90s, 10m); then the code is 124
        #[arg(long, value_name = "TIME", value_parser = config::parse_duration, default_value = "60s")]
        timeout: Duration,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print what has happened to the group: changes, restarts, exits, holds
    #[command(before_help = "\
Examples:
  devgroup events                     what is remembered
  devgroup events -f --json           and what comes, as JSON Lines")]
    Events {
        /// Go on with what comes
        #[arg(short = 'f', long)]
        follow: bool,
        /// Print JSON Lines
        #[arg(long)]
        json: bool,
    },
    /// Open the dashboard of the running group in this terminal; `D` detaches and leaves it running
    #[command(before_help = "\
Examples:
  devgroup -d && devgroup attach      a group in the background, and its dashboard
  devgroup attach                     one more view of a group, of whatever size")]
    Attach,
    /// Stop the running group, and wait until it has ended
    #[command(before_help = "\
Examples:
  devgroup down                       gracefully
  devgroup down --now                 with SIGKILL")]
    Down {
        /// Kill instead of asking
        #[arg(long)]
        now: bool,
    },
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum GoalWord {
    /// It is ready; without a readiness check, it runs; a task has ended with 0
    Ready,
    /// The run that lives now has ended
    Exit,
    /// A run has begun after the one that lives now
    Restart,
}

impl From<GoalWord> for Goal {
    fn from(word: GoalWord) -> Self {
        match word {
            GoalWord::Ready => Self::Ready,
            GoalWord::Exit => Self::Exit,
            GoalWord::Restart => Self::Restart,
        }
    }
}

/// Which lines, and how.
#[derive(Debug, Args)]
pub(in crate::cli) struct LogsArguments {
    /// Of these; otherwise of all
    #[arg(value_name = "SERVICE")]
    pub(super) services: Vec<String>,
    /// Go on with what comes
    #[arg(short = 'f', long)]
    pub(super) follow: bool,
    /// Only the last so many lines; with --level, an error and its stack trace count as one; 200, unless something else says
    /// where to begin or what to look for
    #[arg(short = 'n', long = "lines", value_name = "LINES", value_parser = lines, allow_negative_numbers = true)]
    pub(super) lines: Option<u64>,
    /// Only what is at most so old (30s, 5m)
    #[arg(long, value_name = "TIME", value_parser = config::parse_duration)]
    pub(super) since: Option<Duration>,
    /// Only what the last run of each service has said
    #[arg(long, conflicts_with_all = ["since", "cursors"])]
    pub(super) since_restart: bool,
    /// Only what came after this cursor, which `--json` shows; may be repeated. It is a text to be given back as it is; one
    /// of an earlier run of the group is said to be so, and all that is there follows
    #[arg(long = "cursor", value_name = "CURSOR", conflicts_with = "since")]
    pub(super) cursors: Vec<String>,
    /// Only lines that this expression is found in; without capitals, case does not count
    #[arg(long, value_name = "RE")]
    pub(super) grep: Option<String>,
    /// Only lines that are at least so bad
    #[arg(long, value_name = "LEVEL", value_parser = PossibleValuesParser::new(LEVEL_WORDS))]
    pub(super) level: Option<String>,
    /// Print JSON Lines
    #[arg(long, conflicts_with = "raw")]
    pub(super) json: bool,
    /// Print only what the services have printed, with their colours
    #[arg(long)]
    pub(super) raw: bool,
}

/// A number of lines.
fn lines(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "not a number of lines; write a whole number, as 200".into())
}

/// What to run, and whose changes to hold meanwhile.
#[derive(Debug, Args)]
pub(in crate::cli) struct HoldArguments {
    /// Only the changes of this one; may be repeated
    #[arg(long = "service", value_name = "SERVICE")]
    pub(super) services: Vec<String>,
    /// Forget the changes that were held back
    #[arg(long)]
    pub(super) discard: bool,
    /// The command and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) command: Vec<OsString>,
}

/// The services of an order, and whether to wait for them.
#[derive(Debug, Args)]
pub(in crate::cli) struct OrderArguments {
    /// Services to act on
    #[arg(value_name = "SERVICE", required_unless_present_any = ["all", "failed"])]
    pub(super) services: Vec<String>,
    /// All: those that start by themselves (start), or that are up (stop, restart)
    #[arg(long, conflicts_with_all = ["services", "failed"])]
    pub(super) all: bool,
    /// Those that have failed
    #[arg(long, conflicts_with = "services")]
    pub(super) failed: bool,
    /// Wait until they are up (or down); code 5 if one of them fails
    #[arg(long)]
    pub(super) wait: bool,
    /// Wait at most so long (90s, 10m); then the code is 124
    #[arg(long, value_name = "TIME", value_parser = config::parse_duration, default_value = "30s")]
    pub(super) timeout: Duration,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}
