//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{
    Arg, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, value_parser,
};

use super::alerts::AlertsTask;
use super::client::ClientTask;
use super::export::{self, ExportArguments};
use super::history::HistoryArguments;
use super::joined::joined;
use super::own_log::{FormatWord, LevelWord, OwnLogWords};
use super::setup::SetupTask;
use super::tasks::TasksArguments;
use crate::config::{self, Selection};
use crate::domain::visible_path;

const EXAMPLES: &str = "\
Examples:
  devgroup                        open the dashboard (uses procgroup.toml here or in a folder above)
  devgroup api worker             run only these and what they depend on
  devgroup --no-tui               print prefixed log lines instead
  devgroup -d                     run in the background (attach opens it, down stops it)
  devgroup --exit-with test       run until `test` ends, and exit with its code
  devgroup check                  check the file
  devgroup status                 show the state of the running group; see also logs, restart, wait
  devgroup ls                     show all running groups; `-g NAME` before a command means one of them";

const CHECK_EXAMPLES: &str = "\
Examples:
  devgroup check              exit with 3 if the file has errors
  devgroup check --json       for editors: each problem with its line, column and length";

const WHY_NOTES: &str = "\
Rules are listed in the order in which they apply. The group need not be running. If it is, its current rules are used.
Examples:
  devgroup why src/main.rs target/debug/api
  git ls-files -z | devgroup why -z -";

/// A terminal dashboard for a development process group.
#[derive(Debug, Parser)]
#[command(
    name = "devgroup",
    version,
    about,
    before_help = EXAMPLES,
    subcommand_precedence_over_arg = true,
    disable_help_subcommand = true,
    after_help = "The guide: devgroup help TOPIC\n  \
                  keys, config, files, jobs, workers, instances, ports, watch, schedules,\n  \
                  terminals, structured-logs, scripts, agents, web, groups, usage, history,\n  \
                  alerts, metrics, export, exit-codes, troubleshooting, benchmarks"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) run: RunArguments,
    #[command(subcommand)]
    pub(super) task: Option<Task>,
}

/// The names of the commands, in the order of the alphabet. clap knows them too, but who has asked it carries 2 MB of its
/// code and tables about; the guard must not.
pub(super) const COMMANDS: &[&str] = &[
    "alerts",
    "attach",
    "check",
    "completions",
    "doctor",
    "down",
    "events",
    "exec",
    "export",
    "help",
    "history",
    "hold",
    "init",
    "logs",
    "ls",
    "man",
    "mcp",
    "pause",
    "ps",
    "restart",
    "resume",
    "run",
    "scale",
    "schema",
    "send",
    "settle",
    "start",
    "status",
    "stop",
    "task",
    "up",
    "url",
    "wait",
    "web",
    "why",
];

/// Whether these arguments may be a command, and not a group to run: one of them is the name of a command.
pub(super) fn may_be_a_command(mut arguments: impl Iterator<Item = OsString>) -> bool {
    arguments.any(|argument| argument.to_str().is_some_and(|argument| COMMANDS.contains(&argument)))
}

/// The first of these arguments that is neither an option nor the value of one that may stand before a command.
pub(super) fn first_word(arguments: impl Iterator<Item = OsString>) -> Option<String> {
    let mut arguments = arguments.skip(1).map(|argument| argument.into_string().unwrap_or_default());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "-C" | "-f" | "--config" | "-g" | "--group" => drop(arguments.next()),
            "--" => return None,
            option if option.starts_with('-') => {}
            _ => return Some(argument),
        }
    }
    None
}

/// Whether these arguments are `up`, with options before it or without. What they say is told by [`Arguments::read`].
pub(super) fn is_up(arguments: impl Iterator<Item = OsString>) -> bool {
    first_word(arguments).is_some_and(|word| word == "up")
}

/// Whether these arguments, of which none is a command, ask for a group in the background: `--detach`, or `-d`, alone or
/// before other letters.
pub(super) fn detaches(arguments: impl Iterator<Item = OsString>) -> bool {
    let options = arguments.skip(1).take_while(|argument| argument != "--");
    let asks = |option: &str| match option.strip_prefix('-') {
        Some("-detach") => true,
        Some(long) if long.starts_with('-') => false,
        // What follows these three is a file, a folder or a group.
        Some(letters) => {
            letters.chars().take_while(|letter| !matches!(letter, 'f' | 'C' | 'g')).any(|letter| letter == 'd')
        }
        None => false,
    };
    options.into_iter().any(|option| option.to_str().is_some_and(asks))
}

impl Arguments {
    /// The command line as it is read. `--config` may stand before and after a command. (As one of clap's global options
    /// it would claim `-f` also where that means to follow.)
    pub(super) fn grammar() -> Command {
        Self::command().mut_subcommands(with_config).mut_subcommands(without_refused)
    }

    /// The arguments of the process.
    ///
    /// # Errors
    /// They make no sense, or ask for help.
    pub(super) fn read() -> Result<Self, clap::Error> {
        let mut matches = matches_of(std::env::args_os()).map_err(quoting_visibly)?;
        let inner = inner_config(&matches);
        let mut arguments = Self::from_arg_matches_mut(&mut matches)?;
        arguments.place.config = inner.or(arguments.place.config);
        if arguments.place.group.is_some() && arguments.place.config.is_some() {
            let problem = "`-g` and `-f` both name a group: use one of them\n";
            return Err(Self::grammar().error(ErrorKind::ArgumentConflict, problem));
        }
        arguments.place.config = arguments.place.config.or_else(config_of_environment);
        match arguments.task.take() {
            Some(Task::Up(run)) => arguments.up(run),
            task => Ok(Self { task, ..arguments }),
        }
    }

    /// `devgroup up` as the group in the background that it asks for.
    fn up(self, run: RunArguments) -> Result<Self, clap::Error> {
        let problem = if run.tui || run.no_tui || run.json || run.timestamps {
            "`up` runs in the background: `--tui`, `--no-tui`, `--json` and `-t` cannot be used with it\n"
        } else if self.run != RunArguments::default() {
            "put the options of a run after `up`:  devgroup up --paused\n"
        } else {
            return Ok(Self { run: RunArguments { detach: true, ..run }, task: None, ..self });
        };
        Err(Self::grammar().error(ErrorKind::ArgumentConflict, problem))
    }
}

/// A command, and those below it, with `--config`.
fn with_config(command: Command) -> Command {
    let follows = command.get_arguments().any(|argument| argument.get_short() == Some('f'));
    let file = Arg::new("config").long("config").value_name("FILE").value_parser(value_parser!(PathBuf));
    let file =
        file.help("Use this file (default: $DEVGROUP_CONFIG, or procgroup.toml here or in the nearest folder above)");
    command.arg(if follows { file } else { file.short('f') }).mut_subcommands(with_config)
}

/// The commands that know an option only to refuse it do not offer it: `-g` where no running group is meant, and what
/// asks for a dashboard or a stream where `up` runs in the background.
fn without_refused(command: Command) -> Command {
    const NAME_NO_GROUP: [&str; 7] = ["up", "ls", "init", "completions", "man", "schema", "help"];
    if !NAME_NO_GROUP.contains(&command.get_name()) {
        return command;
    }
    let group = Arg::new("group").short('g').long("group").value_name("GROUP").value_parser(value_parser!(OsString));
    let command = command.arg(group.global(true).hide(true));
    match command.get_name() {
        // They are those of a run here.
        "up" => ["tui", "no_tui", "json", "timestamps"]
            .into_iter()
            .fold(command, |command, name| command.mut_arg(name, |argument| argument.hide(true))),
        _ => command,
    }
}

/// The file that is named behind a command; behind the last one, if several name one.
fn inner_config(matches: &ArgMatches) -> Option<PathBuf> {
    let (_, inner) = matches.subcommand()?;
    inner_config(inner).or_else(|| inner.get_one::<PathBuf>("config").cloned())
}

/// What these words say.
fn matches_of(words: impl IntoIterator<Item = OsString>) -> Result<ArgMatches, clap::Error> {
    let grammar = Arguments::grammar();
    let words = joined(&grammar, words);
    grammar.try_get_matches_from(words)
}

/// The same error about the same words, as far as they may be shown: it quotes them.
fn quoting_visibly(error: clap::Error) -> clap::Error {
    let words: Vec<_> = std::env::args_os().map(|word| visible_path(&word).into_owned()).collect();
    // Words that are no text are one, then.
    matches_of(words.into_iter().map(OsString::from)).err().unwrap_or(error)
}

/// `DEVGROUP_CONFIG`; empty is the same as unset, as in a shell's `DEVGROUP_CONFIG= devgroup`.
pub(super) fn config_of_environment() -> Option<PathBuf> {
    std::env::var_os("DEVGROUP_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Where `procgroup.toml` is, as the command line says.
#[derive(Clone, Debug, Args)]
pub(super) struct Place {
    /// Use this file (default: $DEVGROUP_CONFIG, or procgroup.toml here or in the nearest folder above)
    #[arg(short = 'f', long = "config", value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Change to this folder first
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(super) directory: Option<PathBuf>,
    /// Use the running group with this name, or in this folder (see `devgroup ls`)
    #[arg(short = 'g', long = "group", value_name = "GROUP", global = true)]
    pub(super) group: Option<OsString>,
    /// Who asks, as the group is told: `devgroup restart`, `agent claude-code`.
    #[arg(skip)]
    pub(super) client: Option<String>,
}

/// How to run the group.
#[derive(Debug, Default, PartialEq, Args)]
pub(super) struct RunArguments {
    /// Services to run, with what they depend on (default: all with autostart)
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,
    /// Print prefixed log lines instead of the dashboard
    #[arg(long, conflicts_with = "tui")]
    pub(super) no_tui: bool,
    /// Print the time at which each line arrived (implies --no-tui)
    #[arg(short = 't', long, conflicts_with_all = ["json", "tui", "detach"])]
    pub(super) timestamps: bool,
    /// Print JSON Lines, as `devgroup logs --json` does (implies --no-tui)
    #[arg(long, conflicts_with_all = ["tui", "detach"])]
    pub(super) json: bool,
    /// Open the dashboard even in CI
    #[arg(long)]
    pub(super) tui: bool,
    /// Run in the background; return when the group is up, or say why it is not
    #[arg(short, long, conflicts_with_all = ["no_tui", "tui"])]
    pub(super) detach: bool,
    /// Exit when this service ends, with its exit code
    #[arg(long, value_name = "SERVICE", visible_alias = "exit-code-from")]
    pub(super) exit_with: Option<String>,
    /// Stop the group after this time (90s, 10m) and exit with 124
    #[arg(long, value_name = "TIME", value_parser = config::parse_duration)]
    pub(super) timeout: Option<Duration>,
    /// Start only these services (comma-separated)
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    only: Vec<String>,
    /// Start all services but these (comma-separated)
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    exclude: Vec<String>,
    /// The old name of `--exclude`
    #[arg(long, hide = true, value_parser = renamed_to_exclude)]
    except: Option<String>,
    /// Do not start the dependencies of the named services
    #[arg(long)]
    no_deps: bool,
    /// How devgroup writes its own lines: on stderr without a dashboard, and in devgroup.log in its state folder
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<FormatWord>,
    /// Write devgroup's own lines at this level or worse (default: warn on stderr, info in devgroup.log)
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<LevelWord>,
    /// Do not watch files
    #[arg(long)]
    pub(super) no_watch: bool,
    /// Do not apply changes of procgroup.toml while the group runs
    #[arg(long)]
    pub(super) no_reload: bool,
    /// Start with watching paused (`p` resumes)
    #[arg(long)]
    pub(super) paused: bool,
    /// Do not kill leftover processes of an earlier run, only name them
    #[arg(long)]
    pub(super) keep_leftovers: bool,
    /// Serve the web page of the group, as `[web]` in procgroup.toml does; `devgroup web` prints its address
    #[arg(long)]
    pub(super) web: bool,
    /// Started by `devgroup run` for what a job needs: end with the last run
    #[arg(long, hide = true, requires = "detach")]
    pub(super) for_run: bool,
    /// Add the services of this profile; may be repeated
    #[arg(long = "profile", value_name = "NAME")]
    profiles: Vec<String>,
}

impl RunArguments {
    /// To run these, as usual.
    pub(super) fn of(services: Vec<String>) -> Self {
        Self { services, ..Self::default() }
    }

    /// What stands where services are named.
    pub(super) fn names(&self) -> Vec<String> {
        self.services.clone()
    }

    /// How devgroup's own log is written.
    pub(super) fn own_log(&self) -> OwnLogWords {
        OwnLogWords { format: self.log_format, level: self.log_level }
    }

    /// The services and profiles of the command line.
    pub(super) fn selection(self) -> Selection {
        Selection {
            services: self.services,
            only: self.only,
            exclude: self.exclude,
            no_deps: self.no_deps,
            profiles: self.profiles,
        }
    }
}

/// Says what the flag is called now.
fn renamed_to_exclude(_: &str) -> Result<String, &'static str> {
    Err("this flag is called `--exclude`")
}

/// What else to do.
#[derive(Debug, Subcommand)]
pub(super) enum Task {
    #[command(flatten)]
    Client(ClientTask),
    #[command(flatten)]
    Setup(SetupTask),
    /// Start the group in the background: the same as `devgroup -d`
    #[command(before_help = "\
Examples:
  devgroup up                         start it, and return when it is up
  devgroup up api --timeout 10m       with the same services and options as `devgroup`
  devgroup attach                     open its dashboard; `devgroup down` stops it")]
    Up(RunArguments),
    /// Add, list, wait for and retry the tasks of workers
    #[command(
        name = "task",
        arg_required_else_help = true,
        disable_help_subcommand = true,
        before_help = "\
Examples:
  devgroup task add marie 'Fix the typo in README.md'
  devgroup task list                          waiting, running, failed and completed tasks
  devgroup task retry --all                   retry all dead tasks",
        after_help = "More: devgroup help task add, and likewise for the others"
    )]
    Tasks(TasksArguments),
    /// Check procgroup.toml and report every problem
    #[command(before_help = CHECK_EXAMPLES)]
    Check {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Write the group as files for compose, Kubernetes, systemd or a Procfile runner
    #[command(before_help = export::EXAMPLES, after_help = "What becomes of each key: devgroup help export")]
    Export(ExportArguments),
    /// Explain which rule applies to a file and which services a change restarts
    #[command(after_help = WHY_NOTES)]
    Why(WhyArguments),
    /// Show how often and why services were restarted, including earlier sessions
    #[command(before_help = "\
Examples:
  devgroup history                    the last 24 hours, a line for each service
  devgroup history api --since 2h
  devgroup history --json             one JSON object
  devgroup events --since 24h         the events themselves")]
    History(HistoryArguments),
    /// Send a test alert
    #[command(subcommand, arg_required_else_help = true, disable_help_subcommand = true)]
    Alerts(AlertsTask),
    /// Check this machine, procgroup.toml and the running group
    #[command(before_help = "\
Examples:
  devgroup doctor                     one line per check: ok, warn or fail, with the remedy; exit with 1 if one fails
  devgroup doctor --json              one JSON object")]
    Doctor {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Serve a coding agent over stdin and stdout (Model Context Protocol)
    #[command(
        before_help = "\
Examples:
  claude mcp add devgroup -- devgroup mcp
  codex mcp add devgroup -- devgroup mcp
  devgroup mcp -C ~/shop --read-only          an agent that only looks",
        after_help = "The agent's program starts this command; you need not run it yourself. See `devgroup help agents`."
    )]
    Mcp {
        /// Offer only the tools that change nothing: status, logs, settle, wait, why, task_list and task_show
        #[arg(long)]
        read_only: bool,
    },
    /// Explain a command, or show a page of the guide
    Help {
        /// The topic or command to explain, as in `devgroup help task add`
        #[arg(num_args = 0..=2)]
        topic: Vec<String>,
    },
}

/// Which paths, and how to answer.
#[derive(Debug, Args)]
pub(super) struct WhyArguments {
    /// Services, files or folders to explain; paths are relative to the current folder and need not exist. A name that is
    /// both is explained as both; `./NAME` means the path alone; `-` reads paths from stdin, one per line
    #[arg(value_name = "PATH|SERVICE", required = true)]
    pub(super) paths: Vec<PathBuf>,
    /// Paths on stdin end with a NUL byte, as from `git ls-files -z`
    #[arg(short = 'z', long)]
    pub(super) null: bool,
    /// Print one JSON object
    #[arg(long, conflicts_with = "quiet")]
    pub(super) json: bool,
    /// Print nothing; exit with 0 if each path restarts a service, else with 1
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// A page of help.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Topic {
    /// The keys of the dashboard
    Keys,
    /// The keys of procgroup.toml
    Config,
    /// Several instances of a service, and names for several services
    Instances,
    /// Jobs: run once, retried, run in this terminal
    Jobs,
    /// Workers: programs and agents that work through task files
    Workers,
    /// A group of several files, local files, environment files
    Files,
    /// What happens on a change
    Watch,
    /// Jobs that run at certain times
    Schedules,
    /// Reading, searching, typing and copying, and where logs are kept
    Terminals,
    /// Logs as JSON or logfmt, conditions, log files, devgroup's own log
    StructuredLogs,
    /// Commands for scripts, agents and CI
    Scripts,
    /// Coding agents: `devgroup mcp`, sandboxes
    Agents,
    /// The web page and its API
    Web,
    /// Several groups on one machine
    Groups,
    /// CPU and memory of services, and limits
    Usage,
    /// What has happened: restarts by cause, and the events on disk
    History,
    /// Alerts about failures: the desktop, a webhook, any program
    Alerts,
    /// Figures for Prometheus, health and readiness
    Metrics,
    /// What becomes of each key in other engines
    Export,
    /// The exit codes
    ExitCodes,
    /// Ports, and one file in several worktrees
    Ports,
    /// What to do when something is wrong
    Troubleshooting,
    /// How fast devgroup is, measured
    Benchmarks,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_is_known_without_the_grammar() {
        let grammar = Arguments::grammar();
        let mut names: Vec<_> =
            grammar.get_subcommands().flat_map(|c| [c.get_name()].into_iter().chain(c.get_all_aliases())).collect();
        names.sort_unstable();
        assert_eq!(names, COMMANDS);
    }

    #[test]
    fn a_file_may_be_named_behind_each_word_of_a_command() {
        for line in ["devgroup task -f x.toml list", "devgroup task list -f x.toml", "devgroup check -f x.toml"] {
            let matches = Arguments::grammar().try_get_matches_from(line.split(' ')).unwrap();
            assert_eq!(inner_config(&matches), Some("x.toml".into()), "{line}");
        }
        let several = "devgroup -f a task -f b list -f c";
        let matches = Arguments::grammar().try_get_matches_from(several.split(' ')).unwrap();
        assert_eq!(inner_config(&matches), Some("c".into()));
    }

    #[test]
    fn who_refuses_an_option_does_not_offer_it() {
        let help = |command: &str| {
            let words = ["devgroup", command, "--help"];
            Arguments::grammar().try_get_matches_from(words).unwrap_err().render().to_string()
        };
        assert!(help("status").contains("--group") && help("down").contains("--group"));
        assert!(!help("up").contains("--tui") && !help("up").contains("--no-tui"));
        for command in ["up", "ls", "init", "schema", "help"] {
            assert!(!help(command).contains("--group"), "{command}");
            // It is refused in words.
            let matches = Arguments::grammar().try_get_matches_from(["devgroup", command, "-g", "shop"]);
            let group = Arguments::from_arg_matches(&matches.unwrap()).unwrap().place.group;
            assert_eq!(group.as_deref(), Some("shop".as_ref()), "{command}");
        }
    }

    #[test]
    fn a_group_in_the_background_is_known_without_the_grammar() {
        for line in [
            "devgroup",
            "devgroup -d",
            "devgroup api --detach",
            "devgroup -dC web",
            "devgroup -fdev.toml",
            "devgroup -f dev.toml api -d --paused",
            "devgroup -Cd --exit-with d",
            "devgroup -d --exit-code-from d",
            "devgroup -- -d",
            "devgroup -gd",
            "devgroup --timeout 5m --no-deps",
        ] {
            let detaches = detaches(line.split(' ').map(OsString::from));
            let matches = matches_of(line.split(' ').map(OsString::from)).unwrap();
            assert_eq!(detaches, Arguments::from_arg_matches(&matches).unwrap().run.detach, "{line}");
        }
    }

    #[test]
    fn up_is_known_without_the_grammar_and_is_a_group_in_the_background() {
        for line in [
            "devgroup up",
            "devgroup -C web up api",
            "devgroup -f x.toml up --paused",
            "devgroup -g a up",
            "devgroup up -d",
        ] {
            assert!(is_up(line.split(' ').map(OsString::from)), "{line}");
            let matches = matches_of(line.split(' ').map(OsString::from)).unwrap();
            let mut arguments = Arguments::from_arg_matches(&matches).unwrap();
            let Some(Task::Up(run)) = arguments.task.take() else { panic!("{line}") };
            assert!(arguments.up(run).unwrap().run.detach, "{line}");
        }
        for line in ["devgroup", "devgroup -- up", "devgroup -C up", "devgroup -f up status", "devgroup api up"] {
            assert!(!is_up(line.split(' ').map(OsString::from)), "{line}");
        }
    }

    #[test]
    fn a_group_is_told_from_a_command() {
        let may_be = |line: &str| may_be_a_command(line.split(' ').map(OsString::from));
        assert!(may_be("devgroup -C web status") && may_be("devgroup -- check"));
        assert!(!may_be("devgroup") && !may_be("devgroup api --no-tui -f file"));
    }
}
