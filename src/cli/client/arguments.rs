//! The commands for a running group.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum, builder::PossibleValuesParser};

use crate::config;
use crate::control::{Goal, LEVEL_WORDS};
use crate::domain::Instance;

/// What to ask a running group.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ClientTask {
    /// Show the state of each service of the running group
    #[command(
        visible_alias = "ps",
        before_help = "\
Examples:
  devgroup status            a table
  devgroup status api @jobs  only these services
  devgroup status --json     one JSON object, for scripts
  devgroup status -f --json  one JSON object per line, a new one after each change
  devgroup status --usage    with the CPU and memory of each service"
    )]
    Status {
        /// Services to show (default: all)
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        /// Print the state again after each change
        #[arg(short = 'f', long)]
        follow: bool,
        /// Also print the CPU and memory that each service uses; with --follow, every 2 seconds
        #[arg(long)]
        usage: bool,
    },
    /// Print the addresses of services, or open them in the browser
    #[command(
        before_help = "\
Examples:
  devgroup url                        all services that have one
  devgroup url web                    the address alone: curl \"$(devgroup url web)\"
  devgroup url web --open             open it in the browser",
        after_help = "The address is the `url` of the service, otherwise http://localhost and its port. If no group is \
                      running, the address comes from the file."
    )]
    Url {
        /// Services whose addresses to print (default: all that have one)
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
        /// Open them in the browser
        #[arg(long)]
        open: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Open the web page of the group, and print an address to log in at
    #[command(
        before_help = "\
Examples:
  devgroup web                        the address, with a code that works once, within a minute
  devgroup web --open                 open it in the browser
  devgroup web --stop                 close the page, and log out all browsers",
        after_help = "The page is served on 127.0.0.1 unless `[web]` says otherwise. See `devgroup help web`."
    )]
    Web {
        /// Open it in the browser
        #[arg(long, conflicts_with = "stop")]
        open: bool,
        /// Close the page, and log out all browsers
        #[arg(long)]
        stop: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print the logs of the running group
    #[command(before_help = "\
Examples:
  devgroup logs                        the last 200 lines of all services, in the order they arrived
  devgroup logs api -f                 keep printing new lines
  devgroup logs api --since-restart    only the output of its last run
  devgroup logs --since 5m --level warn
  devgroup logs --grep 'timeout|refused' -n 20
  devgroup logs api --where 'status>=500' --where user.id=7
  devgroup logs api --json             JSON Lines, each with a cursor
  devgroup logs --cursor CURSOR        only lines after that one")]
    Logs(LogsArguments),
    /// Start services and what they depend on
    #[command(before_help = "\
Examples:
  devgroup start mail
  devgroup start --failed --wait      start those that failed, wait until they are up")]
    Start(OrderArguments),
    /// Stop services; they stay stopped until you start them
    #[command(before_help = "\
Examples:
  devgroup stop worker
  devgroup stop --all --wait          stop all, wait until they are down")]
    Stop(OrderArguments),
    /// Restart services, or start those that are stopped
    #[command(before_help = "\
Examples:
  devgroup restart api
  devgroup restart api --wait         exit with 0 when it is ready, with 5 if it fails
  devgroup restart api --wait --json  the same, with its output since then")]
    Restart(OrderArguments),
    /// Change how many instances of a service run, until `replicas` in the file changes
    #[command(before_help = "\
Examples:
  devgroup scale worker=5
  devgroup scale worker=5 mailer=0    several at once
  devgroup scale worker=5 --wait      exit with 0 when all are ready, with 5 if one fails")]
    Scale {
        /// Services that have `replicas`, and how many instances of each to run
        #[arg(value_name = "SERVICE=N", required = true, value_parser = service_count)]
        counts: Vec<(String, u32)>,
        /// Wait until the instances are ready and the surplus ones down; exit with 5 if one fails
        #[arg(long)]
        wait: bool,
        /// Stop waiting after this time (90s, 10m) with exit code 124
        #[arg(long, value_name = "TIME", value_parser = config::parse_duration, default_value = "30s")]
        timeout: Duration,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
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
        /// Do not press Enter after the text
        #[arg(long)]
        no_newline: bool,
    },
    /// Pause watching until `devgroup resume` or the `p` key
    #[command(
        before_help = "\
Examples:
  devgroup pause                      pause all services
  devgroup pause api worker           pause only these",
        after_help = "The pause outlives this command. `devgroup hold -- CMD…` pauses only while CMD runs."
    )]
    Pause {
        /// Services to pause (default: all)
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
    },
    /// Resume watching: each service whose files changed restarts once
    #[command(before_help = "\
Examples:
  devgroup resume
  devgroup resume api                 resume only this one
  devgroup resume --discard           discard the changes made during the pause")]
    Resume {
        /// Services to resume (default: all)
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
        /// Discard the held changes: nothing restarts
        #[arg(long)]
        discard: bool,
    },
    /// Run a command and hold file changes until it ends
    #[command(
        before_help = "\
Examples:
  devgroup hold -- git checkout main              then restart each changed service once
  devgroup hold --service api -- make generate    hold only changes for api
  devgroup hold --discard -- cargo fmt            discard what the command changed",
        after_help = "The exit code is that of the command, 128+n if signal n ended it; 127 if the command was not found, \
                      126 if it cannot be executed, 125 if the hold fails. Without a running group, the command just runs."
    )]
    Hold(HoldArguments),
    /// Run a job in this terminal, once what it depends on is up
    #[command(
        before_help = "\
Examples:
  devgroup run migrate                      start what it needs, run it here, and exit with its code
  devgroup run test -- --watch=false        append arguments to its command
  devgroup run install --force              run it even if its inputs have not changed",
        after_help = "If the group is running, what the job needs is started there and stays up. If not, what it needs is started \
                      for the run, and then stopped. A command that is a string gets ARGS as \"$@\", appended unless it \
                      uses them itself. The exit code is that of the job, 128+n if signal n ended it, 5 if a service that it \
                      needs has failed."
    )]
    Run(RunArguments),
    /// Run a command with the environment of a service
    #[command(
        override_usage = "devgroup exec [OPTIONS] SERVICE -- COMMAND…",
        before_help = "\
Examples:
  devgroup exec api -- env                  the environment that api would start with now
  devgroup exec api -- cargo test
  devgroup exec db -- sh -c 'psql \"$DATABASE_URL\"'",
        after_help = "It runs in this terminal, in the folder of the service, with the values that the service would get if it \
                      started now; a running service may have older ones. It starts nothing else. The exit code is that of \
                      the command, 128+n if signal n ended it; 127 if it was not found, 126 if it cannot be executed."
    )]
    Exec(ExecArguments),
    /// Wait until changed files have been acted on, then print what came of them
    #[command(
        before_help = "\
Examples:
  devgroup settle                     right after an edit: which services restarted, failed, are stale
  devgroup settle api                 only this one
  devgroup settle --since 2m          what came of all changes of the last two minutes
  devgroup settle --json              one JSON object, with a cursor for --since",
        after_help = "Reports services whose files have changed, and those that restarted since. Exit code 5: one of them has \
                      failed, is stale, blocked or in a crash loop. Does not wait for a hold, a restart limit or the next \
                      try after a crash, and says so."
    )]
    Settle(SettleArguments),
    /// Wait until services are ready, exit, restart or print some text
    #[command(
        before_help = "\
Examples:
  devgroup wait api db                until both are ready; exit with 5 if one fails or is stopped
  devgroup wait test --for exit       until its current or next run ends; exit with 5 if that failed
  devgroup wait api --for restart --timeout 5m
  devgroup wait api --for text 'listening on'",
        after_help = "With `--for text`, give one service and the text to wait for: plain text within a line, not a regex (smart case: lowercase also \
                      matches uppercase). Text that its current run has already printed counts, too. The line and up to five \
                      lines before and after it are printed."
    )]
    Wait {
        /// Services to wait for; with `--for text` one service, and the text
        #[arg(value_name = "SERVICE", required = true)]
        services: Vec<String>,
        /// What to wait for
        #[arg(long = "for", value_name = "WHAT", default_value = "ready")]
        goal: GoalWord,
        /// Give up after this time (90s, 10m) with exit code 124
        #[arg(long, value_name = "TIME", value_parser = config::parse_duration, default_value = "60s")]
        timeout: Duration,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print the history of the group: changes, restarts, exits, holds
    #[command(before_help = "\
Examples:
  devgroup events                     all recorded events
  devgroup events -f --json           and new ones, as JSON Lines
  devgroup events --since 24h         including earlier sessions, from disk")]
    Events {
        /// Only events newer than this (90s, 24h), including earlier sessions (file changes are not kept on disk); works
        /// without a running group
        #[arg(long, value_name = "TIME", value_parser = config::parse_duration)]
        since: Option<Duration>,
        /// Keep printing new events
        #[arg(short = 'f', long)]
        follow: bool,
        /// Print JSON Lines
        #[arg(long)]
        json: bool,
    },
    /// Open the dashboard of the running group here; `D` detaches and leaves the group running
    #[command(before_help = "\
Examples:
  devgroup -d && devgroup attach      start in the background, then open the dashboard
  devgroup attach                     another dashboard for the same group")]
    Attach,
    /// List your running groups, wherever they were started
    #[command(before_help = "\
Examples:
  devgroup ls                         a table: name, folder, branch, services, age, pages
  devgroup ls --json                  one JSON array, for scripts
  devgroup -g shop status             ask one of them from anywhere")]
    Ls {
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Stop the running group and wait until it has ended
    #[command(before_help = "\
Examples:
  devgroup down                       stop it gracefully
  devgroup down --now                 kill it (SIGKILL)
  devgroup down --all                 stop all of your groups")]
    Down {
        /// Kill the services at once (SIGKILL)
        #[arg(long)]
        now: bool,
        /// Stop every group that `devgroup ls` shows
        #[arg(long)]
        all: bool,
    },
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum GoalWord {
    /// It is ready (without a ready check: running; a job: done)
    Ready,
    /// Its current run has ended
    Exit,
    /// A new run has started
    Restart,
    /// It has printed the text
    Text,
}

impl GoalWord {
    /// What the group waits for. `None`: a text, which is looked for in the log.
    pub(super) fn goal(self) -> Option<Goal> {
        match self {
            Self::Ready => Some(Goal::Ready),
            Self::Exit => Some(Goal::Exit),
            Self::Restart => Some(Goal::Restart),
            Self::Text => None,
        }
    }
}

/// Which lines, and how.
#[derive(Debug, Args)]
pub(in crate::cli) struct LogsArguments {
    /// Services to show (default: all)
    #[arg(value_name = "SERVICE")]
    pub(super) services: Vec<String>,
    /// Keep printing new lines
    #[arg(short = 'f', long)]
    pub(super) follow: bool,
    /// Print only the last LINES lines (default: 200, or all that match if another option selects lines). With --level,
    /// an error and its stack trace count as one line
    #[arg(short = 'n', long = "lines", value_name = "LINES", value_parser = lines, allow_negative_numbers = true)]
    pub(super) lines: Option<u64>,
    /// Only lines newer than this (30s, 5m)
    #[arg(long, value_name = "TIME", value_parser = config::parse_duration)]
    pub(super) since: Option<Duration>,
    /// Only the output of the last run of each service
    #[arg(long, conflicts_with_all = ["since", "cursors"])]
    pub(super) since_restart: bool,
    /// Only lines after this cursor, from `logs --json` or `settle --json`; may be repeated. If the cursor is from an
    /// earlier session, a note says so, and all lines follow
    #[arg(long = "cursor", value_name = "CURSOR", conflicts_with = "since")]
    pub(super) cursors: Vec<String>,
    /// Only lines matching this regex (smart case: lowercase also matches uppercase)
    #[arg(long, value_name = "RE")]
    pub(super) grep: Option<String>,
    /// Only lines at this level or worse
    #[arg(long, value_name = "LEVEL", value_parser = PossibleValuesParser::new(LEVEL_WORDS))]
    pub(super) level: Option<String>,
    /// Only JSON and logfmt lines whose field matches: FIELD=VALUE, or with != > >= < <= ~ (a regex); `a.b` is a field in
    /// an object; may be repeated, and then all must match
    #[arg(long = "where", value_name = "CONDITION")]
    pub(super) conditions: Vec<String>,
    /// Print the time at which each line arrived
    #[arg(short = 't', long, conflicts_with_all = ["json", "raw"])]
    pub(super) timestamps: bool,
    /// Print JSON Lines, with `fields` for JSON and logfmt lines
    #[arg(long, conflicts_with = "raw")]
    pub(super) json: bool,
    /// Print only the output, with its colours
    #[arg(long)]
    pub(super) raw: bool,
}

/// `worker=5`.
fn service_count(text: &str) -> Result<(String, u32), String> {
    let (name, count) = text.split_once('=').ok_or("write SERVICE=N, such as worker=5")?;
    let count = count.parse().map_err(|_| {
        format!("the number of instances must be a whole number from 0 to {}; write worker=5", Instance::MOST)
    })?;
    Ok((name.to_owned(), count))
}

/// A number of lines.
fn lines(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "not a number of lines; write a whole number, such as 200".into())
}

/// What to run, and whose changes to hold meanwhile.
#[derive(Debug, Args)]
pub(in crate::cli) struct HoldArguments {
    /// Hold only changes for this service; may be repeated
    #[arg(long = "service", value_name = "SERVICE")]
    pub(super) services: Vec<String>,
    /// Discard the held changes: nothing restarts
    #[arg(long)]
    pub(super) discard: bool,
    /// The command and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) command: Vec<OsString>,
}

/// Which job, and how.
#[derive(Debug, Args)]
pub(in crate::cli) struct RunArguments {
    /// Job to run
    #[arg(value_name = "JOB")]
    pub(super) job: String,
    /// Run it even if its `inputs` have not changed since its last success
    #[arg(long)]
    pub(super) force: bool,
    /// Arguments for the job; with arguments, it always runs
    #[arg(value_name = "ARGS", last = true)]
    pub(super) words: Vec<OsString>,
}

/// Of which services, and since when, to tell what came of changes.
#[derive(Debug, Args)]
pub(in crate::cli) struct SettleArguments {
    /// Services to report on (default: those affected)
    #[arg(value_name = "SERVICE")]
    pub(super) services: Vec<String>,
    /// Start of the report: a cursor from `settle --json` or `logs --json`, or how long ago (30s, 2m). Default: the
    /// beginning of the last batch of changes
    #[arg(long, value_name = "CURSOR|TIME")]
    pub(super) since: Option<String>,
    /// Stop waiting after this time (90s, 10m) with exit code 124
    #[arg(long, value_name = "TIME", value_parser = config::parse_duration, default_value = "60s")]
    pub(super) timeout: Duration,
    /// Print at most this many lines of each service, errors first
    #[arg(short = 'n', long = "lines", value_name = "LINES", value_parser = lines, default_value = "20", allow_negative_numbers = true)]
    pub(super) lines: u64,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// In whose name, and what.
#[derive(Debug, Args)]
pub(in crate::cli) struct ExecArguments {
    /// Service whose environment and folder to use
    #[arg(value_name = "SERVICE")]
    pub(super) service: String,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) command: Vec<OsString>,
}

/// The services of an order, and whether to wait for them.
#[derive(Debug, Args)]
pub(in crate::cli) struct OrderArguments {
    /// Services to act on
    #[arg(value_name = "SERVICE", required_unless_present_any = ["all", "failed"])]
    pub(super) services: Vec<String>,
    /// All services: `start` starts those with autostart, `stop` and `restart` act on those that are running
    #[arg(long, conflicts_with_all = ["services", "failed"])]
    pub(super) all: bool,
    /// All services that have failed
    #[arg(long, conflicts_with = "services")]
    pub(super) failed: bool,
    /// Wait until they are up (or down); exit with 5 if one fails
    #[arg(long)]
    pub(super) wait: bool,
    /// Stop waiting after this time (90s, 10m) with exit code 124
    #[arg(long, value_name = "TIME", value_parser = config::parse_duration, default_value = "30s")]
    pub(super) timeout: Duration,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}
