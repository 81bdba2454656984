//! The arguments of `devgroup task`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueHint, builder::PossibleValuesParser};

use crate::config;
use crate::domain::{DeadReason, Priority, TaskId, TaskState};

/// The words of `--state`.
pub(in crate::cli) const STATE_WORDS: [&str; 7] = TaskState::WORDS;

/// What to do with tasks.
#[derive(Debug, Args)]
pub(in crate::cli) struct TasksArguments {
    #[command(subcommand)]
    pub(super) command: TaskCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum TaskCommand {
    /// Add a task, or many, for a worker, and print its id
    // clap takes `{n}` for the end of a line: looks between its characters keep it what it is.
    #[command(
        before_help = "\
Examples:
  devgroup task add marie 'Fix the typo in README.md'
  devgroup task add marie 'Review it' --after t-mig3k2x9f7 --priority high --timeout 20m
  devgroup task add marie - < prompt.md            the text from stdin
  devgroup task add marie --file tasks.jsonl       a JSON object for each task
  devgroup task add marie 'Write test {\u{1b}[1mn\u{1b}[0m}' --batch 10 --wait",
        after_help = "The text is handed to the worker as it is; no shell reads it. Each task is checked here against \
                      the worker's rules; if one is wrong, nothing is added. The group need not be running: the task waits for it."
    )]
    Add(AddArguments),
    /// List tasks: those that run, wait, have failed or are completed
    #[command(before_help = "\
Examples:
  devgroup task list                          the tasks of all workers, and how many are in each state
  devgroup task list marie --state dead
  devgroup task list --json                   one JSON object, for scripts")]
    List(ListArguments),
    /// Show a task: its text, its tries, its result and output
    #[command(before_help = "\
Examples:
  devgroup task show t-mig3k2x9f7
  devgroup task show t-mig3k2x9f7 --json      one JSON object, with the files as they are")]
    Show(ShowArguments),
    /// Wait until tasks have ended
    #[command(
        before_help = "\
Examples:
  devgroup task wait t-mig3k2x9f7             exit with 0 when it is completed, with 5 if it fails
  devgroup task wait --batch b-mig3k2x9f7 --timeout 1h",
        after_help = "A task has failed if its result says failed, timeout or cancelled, or if it is a dead letter."
    )]
    Wait(WaitArguments),
    /// Retry dead tasks, from the first try
    #[command(before_help = "\
Examples:
  devgroup task retry t-mig3k2x9f7
  devgroup task retry --all --worker marie --reason max_retries_exceeded
  devgroup task retry t-mig3k2x9f7 --with-dependents    and those that are dead only because it was")]
    Retry(RetryArguments),
    /// Cancel tasks: remove waiting tasks, stop running ones
    #[command(before_help = "\
Examples:
  devgroup task cancel t-mig3k2x9f7
  devgroup task cancel t-1 t-2 --worker marie")]
    Cancel(CancelArguments),
    /// Remove tasks that have ended: results and dead letters. Their ids are free again
    #[command(before_help = "\
Examples:
  devgroup task drop t-mig3k2x9f7
  devgroup task drop --all --worker marie --yes         remove all dead letters of marie")]
    Drop(DropArguments),
    /// Fetch tasks back from the NATS server, so that they are files on this machine again
    #[command(
        before_help = "\
Examples:
  devgroup task drain                         then remove `backend` from procgroup.toml
  devgroup task drain marie --timeout 1h",
        after_help = "The group must be running. It stops publishing, fetches the waiting tasks of its own folder back, and waits \
                      for those that are being tried: their results come as usual. Tasks of other groups stay on the server. \
                      If the worker is started again while `backend` is set, its tasks are published again."
    )]
    Drain(DrainArguments),
}

/// Whose tasks to fetch back.
#[derive(Debug, Args)]
pub(super) struct DrainArguments {
    /// Worker whose tasks to fetch back (default: all)
    #[arg(value_name = "WORKER")]
    pub(super) worker: Option<String>,
    /// Give up after this time (90s, 1h) with exit code 124
    #[arg(long, value_name = "TIME", value_parser = config::parse_duration, default_value = "10m")]
    pub(super) timeout: Duration,
}

/// Which task, for whom.
#[derive(Debug, Args)]
pub(super) struct AddArguments {
    /// Worker to add the task to
    #[arg(value_name = "WORKER")]
    pub(super) worker: String,
    /// Text of the task; several words are joined with spaces; `-` alone reads stdin
    #[arg(value_name = "TEXT", required_unless_present = "file", conflicts_with = "file")]
    pub(super) text: Vec<String>,
    /// The id (default: a new one that sorts by time, such as t-mig3k2x9f7); for a batch, the prefix of its ids
    #[arg(long, value_name = "ID", conflicts_with = "file", value_parser = task_id)]
    pub(super) id: Option<TaskId>,
    /// Which waiting tasks come first (default: normal)
    #[arg(long, value_name = "PRIORITY", conflicts_with = "file",
          value_parser = PossibleValuesParser::new(Priority::ALL.map(Priority::word)))]
    pub(super) priority: Option<String>,
    /// How long a try may take (90s, 10m; default: the `timeout` of the worker)
    #[arg(long, value_name = "TIME", conflicts_with = "file", value_parser = timeout)]
    pub(super) timeout: Option<Duration>,
    /// Wait until these tasks are completed
    #[arg(long, value_name = "ID", num_args = 1.., value_delimiter = ',', conflicts_with = "file", value_parser = task_id)]
    pub(super) after: Vec<TaskId>,
    /// Put this into its `metadata`; may be repeated
    #[arg(long, value_name = "K=V", num_args = 1.., conflicts_with = "file", value_parser = key_and_value)]
    pub(super) meta: Vec<(String, String)>,
    /// Read tasks from a file, or from stdin (`-`): a JSON object, an array of them, or JSON Lines
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) file: Option<PathBuf>,
    /// Add this many tasks, each with its number where the text has an n in braces, and print the id of the batch
    #[arg(long, value_name = "N", conflicts_with = "file", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) batch: Option<u32>,
    /// Wait until they have ended; exit with 5 if one fails
    #[arg(long)]
    pub(super) wait: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// Which tasks to list.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Worker whose tasks to list (default: all)
    #[arg(value_name = "WORKER")]
    pub(super) worker: Option<String>,
    /// Only tasks in this state
    #[arg(long, value_name = "STATE", value_parser = PossibleValuesParser::new(STATE_WORDS))]
    pub(super) state: Option<String>,
    /// Print at most this many tasks
    #[arg(short = 'n', long = "lines", value_name = "TASKS", default_value_t = 50)]
    pub(super) lines: usize,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// Which task to show.
#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    /// Task to show
    #[arg(value_name = "ID")]
    pub(super) id: String,
    /// Its worker, if several have a task with this id
    #[arg(long, value_name = "WORKER")]
    pub(super) worker: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// What to wait for.
#[derive(Debug, Args)]
pub(super) struct WaitArguments {
    /// Tasks to wait for
    #[arg(value_name = "ID", required_unless_present = "batch", conflicts_with = "batch")]
    pub(super) ids: Vec<String>,
    /// All tasks of this batch
    #[arg(long, value_name = "BATCH")]
    pub(super) batch: Option<String>,
    /// Their worker, if several have a task with this id
    #[arg(long, value_name = "WORKER")]
    pub(super) worker: Option<String>,
    /// Give up after this time (90s, 1h) with exit code 124
    #[arg(long, value_name = "TIME", value_parser = config::parse_duration, default_value = "10m")]
    pub(super) timeout: Duration,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// Tasks by their ids, or all that are dead.
#[derive(Debug, Args)]
pub(super) struct Chosen {
    /// Tasks to act on
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub(super) ids: Vec<String>,
    /// All dead tasks
    #[arg(long, conflicts_with = "ids")]
    pub(super) all: bool,
    /// Only tasks of this worker
    #[arg(long, value_name = "WORKER")]
    pub(super) worker: Option<String>,
    /// Only tasks that are dead for this reason, such as max_retries_exceeded
    #[arg(long, value_name = "REASON", requires = "all", value_parser = PossibleValuesParser::new(reasons()))]
    pub(super) reason: Option<String>,
}

/// Which tasks to retry.
#[derive(Debug, Args)]
pub(super) struct RetryArguments {
    #[command(flatten)]
    pub(super) chosen: Chosen,
    /// Also retry tasks that are dead only because they depend on these
    #[arg(long)]
    pub(super) with_dependents: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// Which tasks to cancel.
#[derive(Debug, Args)]
pub(super) struct CancelArguments {
    /// Tasks to cancel
    #[arg(value_name = "ID", required = true)]
    pub(super) ids: Vec<String>,
    /// Their worker, if several have a task with this id
    #[arg(long, value_name = "WORKER")]
    pub(super) worker: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// Which tasks to remove.
#[derive(Debug, Args)]
pub(super) struct DropArguments {
    #[command(flatten)]
    pub(super) chosen: Chosen,
    /// Confirm that they are removed for good (required with --all)
    #[arg(long, requires = "all")]
    pub(super) yes: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// The reasons for which tasks are dead. A second file with the id of a task that lives is none of them: what is done with that
/// id is done with the task.
fn reasons() -> impl Iterator<Item = &'static str> {
    DeadReason::ALL.into_iter().filter(|reason| *reason != DeadReason::DuplicateTaskId).map(DeadReason::word)
}

fn task_id(text: &str) -> Result<TaskId, String> {
    TaskId::parse(text)
        .ok_or_else(|| format!("an id is 1 to {} of A-Z a-z 0-9 . _ - and does not begin with a dot", TaskId::LONGEST))
}

fn timeout(text: &str) -> Result<Duration, String> {
    match config::parse_duration(text)? {
        Duration::ZERO => Err("a try needs some time; write a time above 0, such as 10m".into()),
        timeout => Ok(timeout),
    }
}

/// `ticket=42`.
fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some(("", _)) | None => Err("write K=V, such as ticket=42; put the text before --meta".into()),
        Some((key, value)) => Ok((key.into(), value.into())),
    }
}
