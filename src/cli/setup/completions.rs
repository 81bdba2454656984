//! Completion in shells: a script that asks this program, so that it knows each option and the services of the file.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::builder::Resettable;
use clap::{Arg, Command, ValueEnum};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{Bash, CompleteEnv, EnvCompleter, Fish, Shells, Zsh};

use crate::cli::arguments::{Arguments, Topic, config_of_environment};
use crate::cli::client::groups::noted_names;
use crate::cli::consent;
use crate::cli::exit_code::Failure;
use crate::config::{self, Owners};
use crate::domain::{Kind, ServiceName, TaskFolders, TaskId, WorkerSpec, misleads, visible_path};

/// The shells that are known.
pub(super) const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// What they are told.
const COMPLETERS: Shells<'_> = Shells(&[&QuotingBash, &Zsh, &Fish]);

/// How a script asks.
const VARIABLE: &str = "DEVGROUP_COMPLETE";

/// What stands for the name of a service in the help.
const SERVICE_WORDS: [&str; 2] = ["SERVICE", "A,B"];

/// What stands for a service and its number of instances.
const COUNT_WORD: &str = "SERVICE=N";

/// What stands for the name of a job in the help.
const JOB_WORD: &str = "JOB";

/// What stands for the name of a worker in the help.
const WORKER_WORD: &str = "WORKER";

/// What stands for the id of a task in the help.
const TASK_WORD: &str = "ID";

/// Nobody looks through more, and a shell waits for them.
const MOST_TASKS: usize = 200;

/// Answers a shell that asks what may stand here. To be called before anything else; says whether it was so.
pub(in crate::cli) fn complete() -> Result<bool, clap::Error> {
    if std::env::var_os(VARIABLE).is_none() {
        return Ok(false);
    }
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(grammar)
        .var(VARIABLE)
        .shells(COMPLETERS)
        .try_complete(std::env::args_os(), here.as_deref())
}

/// The script for a shell. It calls the `devgroup` that is on the path then.
pub(super) fn script(shell: &str) -> Result<String, Failure> {
    let mut text = Vec::new();
    let completer = COMPLETERS.completer(shell).ok_or_else(|| Failure::Usage(format!("unknown shell `{shell}`")))?;
    let written = completer.write_registration(VARIABLE, "devgroup", "devgroup", "devgroup", &mut text);
    written.map_err(|error| Failure::Unexpected(error.to_string()))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Bash, which puts what it is told into the line as it is: a file called `$(reboot)` would be run by the Enter key. Zsh and
/// fish quote by themselves.
struct QuotingBash;

/// The place in the script of `clap_complete` where the answers are taken, expanding patterns in them …
const TAKES: (&str, &str) =
    ("COMPREPLY=( $( \\\n", ") )\n    if [[ $? != 0 ]]; then\n        unset COMPREPLY\n    elif");

/// … and what stands there instead.
const QUOTES: (&str, &str) = (
    "local -a answers=()\n    read -r -d '' -a answers < <( \\\n",
    ")\n    local answer\n    COMPREPLY=()\n    for answer in ${answers[@]+\"${answers[@]}\"}; do\n        \
     printf -v answer %q \"$answer\"\n        COMPREPLY+=(\"$answer\")\n    done\n    if",
);

impl EnvCompleter for QuotingBash {
    fn name(&self) -> &'static str {
        Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        Bash.is(name)
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        buf: &mut dyn Write,
    ) -> Result<(), io::Error> {
        let mut script = Vec::new();
        Bash.write_registration(var, name, bin, completer, &mut script)?;
        let script = String::from_utf8_lossy(&script);
        let changed = script.replacen(TAKES.0, QUOTES.0, 1).replacen(TAKES.1, QUOTES.1, 1);
        if !changed.contains(QUOTES.0) || !changed.contains(QUOTES.1) {
            return Err(io::Error::other("clap_complete generates another script now: names would not be quoted"));
        }
        buf.write_all(changed.as_bytes())
    }

    fn write_complete(
        &self,
        cmd: &mut Command,
        args: Vec<OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn Write,
    ) -> Result<(), io::Error> {
        Bash.write_complete(cmd, args, current_dir, buf)
    }
}

fn grammar() -> Command {
    // The first `--` ends what the script says to us; then come the words of the command line, its name first.
    let words: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(2).collect();
    let its_words = words.clone();
    let names = move || services(&its_words);
    let job_words = words.clone();
    let jobs = ArgValueCandidates::new(move || jobs(&job_words));
    let (worker_words, task_words) = (words.clone(), words.clone());
    let workers = ArgValueCandidates::new(move || workers(&worker_words));
    let tasks = ArgValueCandidates::new(move || tasks(&task_words));
    let counts = move || counts(&words);
    let groups = |group: Arg| group.add(ArgValueCandidates::new(groups));
    let help = |help: Command| help.mut_arg("topic", |topic| topic.add(ArgValueCandidates::new(topics)));
    let run = |run: Command| {
        run.mut_args(|argument| if stands_for(&argument, &[JOB_WORD]) { argument.add(jobs.clone()) } else { argument })
    };
    let of_task = |argument: Arg| match () {
        () if stands_for(&argument, &[WORKER_WORD]) => argument.add(workers.clone()),
        // The id of a new task is none of those that are there.
        () if stands_for(&argument, &[TASK_WORD]) && argument.get_long() != Some("id") => argument.add(tasks.clone()),
        () => argument,
    };
    let task = |task: Command| task.mut_subcommands(|command| command.mut_args(of_task));
    let grammar = Arguments::grammar().mut_arg("group", groups);
    let grammar = with_services(grammar, &ArgValueCandidates::new(names), &ArgValueCandidates::new(counts));
    grammar.mut_subcommand("help", help).mut_subcommand("run", run).mut_subcommand("task", task)
}

/// Whether the help has one of these words in the place of the argument's value.
fn stands_for(argument: &Arg, wanted: &[&str]) -> bool {
    let words = argument.get_value_names().unwrap_or_default();
    words.iter().any(|word| wanted.contains(&word.as_str()))
}

/// What there is a page of help about.
fn topics() -> Vec<CompletionCandidate> {
    let topics = Topic::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let topics = topics.map(|topic| CompletionCandidate::new(topic.get_name()).help(topic.get_help().cloned()));
    let grammar = Arguments::grammar();
    let commands = grammar.get_subcommands();
    let commands =
        commands.map(|command| CompletionCandidate::new(command.get_name()).help(command.get_about().cloned()));
    topics.chain(commands).collect()
}

fn with_services(command: Command, names: &ArgValueCandidates, counts: &ArgValueCandidates) -> Command {
    command
        .mut_args(|argument| match () {
            () if stands_for(&argument, &SERVICE_WORDS) => argument.add(names.clone()),
            () if stands_for(&argument, &[COUNT_WORD]) => argument.add(counts.clone()),
            () => argument,
        })
        .mut_subcommands(|below| with_services(quiet_aliases(below), names, counts))
}

/// Aliases stay known and are not offered: of names with one meaning only one is shown, and that is to be the main one.
fn quiet_aliases(command: Command) -> Command {
    let aliases: Vec<String> = command.get_all_aliases().map(str::to_owned).collect();
    command.visible_alias(Resettable::Reset).aliases(aliases)
}

/// The running groups, each name once.
fn groups() -> Vec<CompletionCandidate> {
    let mut found = noted_names();
    found.sort();
    found.dedup_by(|a, b| a.0 == b.0);
    let folder = |file: PathBuf| Some(visible_path(file.parent()?).into_owned());
    let candidates = found.into_iter().filter(|(name, _)| !name.contains(misleads));
    candidates.map(|(name, file)| CompletionCandidate::new(name).help(file.and_then(folder).map(Into::into))).collect()
}

/// The services of the file that these words mean, their groups and instances.
fn services(words: &[OsString]) -> Vec<CompletionCandidate> {
    candidates(words_of_file(words).into_iter())
}

/// The services with instances, each with the number that the file says.
fn counts(words: &[OsString]) -> Vec<CompletionCandidate> {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for (name, _) in words_of_file(words) {
        if let Some((of, number)) = ServiceName::new(&name).split_instance() {
            counts.insert(of.as_str().to_owned(), number);
        }
    }
    candidates(counts.into_iter().map(|(name, count)| (format!("{name}={count}"), None)))
}

fn candidates(words: impl Iterator<Item = (String, Option<String>)>) -> Vec<CompletionCandidate> {
    // One that is wrong in the file is nothing to offer.
    let words = words.filter(|(name, _)| !name.contains(misleads));
    words.map(|(name, about)| CompletionCandidate::new(name).help(about.map(Into::into))).collect()
}

/// The jobs of the file that these words mean, as far as it can be read.
fn jobs(words: &[OsString]) -> Vec<CompletionCandidate> {
    let loaded = file_of(words).and_then(|(file, owners)| config::load_of(&file, owners).ok());
    let is_job = |name: &str| {
        let name = ServiceName::new(name);
        let of = name.split_instance().map_or(name.clone(), |(of, _)| of);
        let service =
            loaded.as_ref().and_then(|loaded| loaded.spec.service(&name).or_else(|| loaded.spec.service(&of)));
        service.map_or(loaded.is_none(), |service| service.kind == Kind::Job)
    };
    candidates(words_of_file(words).into_iter().filter(|(name, _)| is_job(name)))
}

/// The workers of the file that these words mean, and how they work.
fn workers_of(words: &[OsString]) -> Vec<(ServiceName, Arc<WorkerSpec>)> {
    let loaded = file_of(words).and_then(|(file, owners)| config::load_of(&file, owners).ok());
    let services = loaded.map(|loaded| loaded.spec.services).unwrap_or_default();
    services.iter().filter_map(|service| Some((service.name.clone(), service.worker.clone()?))).collect()
}

fn workers(words: &[OsString]) -> Vec<CompletionCandidate> {
    candidates(workers_of(words).into_iter().map(|(name, _)| (name.as_str().to_owned(), None)))
}

/// The ids of tasks, by the names of files alone: what waits, what is a dead letter, what has a result.
fn tasks(words: &[OsString]) -> Vec<CompletionCandidate> {
    let mut ids = BTreeSet::new();
    for (worker, spec) in workers_of(words) {
        let TaskFolders { tasks, dlq, results, .. } = &spec.folders;
        for folder in [tasks, dlq, results] {
            // A folder that is not there has none.
            let files = std::fs::read_dir(folder.join(worker.as_str())).into_iter().flatten().flatten();
            let names = files.filter_map(|file| file.file_name().into_string().ok());
            let found = names.filter_map(|name| TaskId::parse(name.strip_suffix(".json")?)).take(MOST_TASKS);
            ids.extend(found.map(|id| id.to_string()));
        }
    }
    candidates(ids.into_iter().map(|id| (id, None)))
}

/// What the file that these words mean lets stand where services are named.
fn words_of_file(words: &[OsString]) -> Vec<(String, Option<String>)> {
    let file = file_of(words);
    file.map(|(file, owners)| config::service_words(&file, owners)).unwrap_or_default()
}

/// The file that these words mean, and whose it may be.
fn file_of(words: &[OsString]) -> Option<(PathBuf, Owners)> {
    let here = value_of(words, "-C", None).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let of_group = value_of(words, "-g", Some("--group")).and_then(|group| {
        let named = noted_names().into_iter().find(|(name, _)| group == name.as_str());
        let of_folder = || config::find(&here.join(&group), consent).map(|found| found.file);
        named.map_or_else(of_folder, |(_, file)| file)
    });
    let named = value_of(words, "-f", Some("--config")).map(PathBuf::from).or(of_group).or_else(config_of_environment);
    match named {
        Some(named) => Some((here.join(named), Owners::Any)),
        None => {
            config::find(&here, consent).and_then(|found| consent(&found.file).ok().map(|owners| (found.file, owners)))
        }
    }
}

/// The value of an option, joined to it or behind it. The last one counts.
fn value_of(words: &[OsString], short: &str, long: Option<&str>) -> Option<OsString> {
    let mut found = None;
    for (index, word) in words.iter().enumerate() {
        let text = word.to_string_lossy();
        if text == "--" {
            break;
        }
        if text == short || long.is_some_and(|long| text == long) {
            // The word that is being typed has no value yet.
            found = words.get(index + 1).filter(|value| !value.is_empty()).cloned().or(found);
        } else if let Some(value) =
            long.and_then(|long| text.strip_prefix(long)).and_then(|rest| rest.strip_prefix('='))
        {
            found = Some(OsStr::new(value).to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_found_in_each_of_its_forms() {
        let value = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            value_of(&words, "-f", Some("--config")).map(|value| value.to_string_lossy().into_owned())
        };
        assert_eq!(value("logs -f a.toml"), Some("a.toml".into()));
        assert_eq!(value("--config=a.toml logs --config b.toml"), Some("b.toml".into()));
        assert_eq!(value("logs api"), None);
        assert_eq!(value("-f "), None);
        assert_eq!(value("hold -- -f a.toml"), None);
    }
}
